"""Settings from the environment: read once, loudly.

Every variable is declared here with its meaning, so that `docs/reference/settings.md` and a wrong value both come from one place.
"""

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from zhunsheng.engine import tables

PREFIX = "ZHUNSHENG_"

#: name → (default, meaning). The table of docs/reference/settings.md is checked against it.
VARIABLES: dict[str, tuple[str, str]] = {
    "HOME": ("var", "folder of the database, uploads and the generated key, relative to the working folder"),
    "DATABASE_URL": ("", "empty: SQLite in HOME; otherwise postgresql://user:password@host:port/name"),
    "SECRET_KEY": ("", "empty: a key is generated once and kept in HOME/secret_key (readable by the owner only)"),
    "SECRET_KEY_FILE": ("", "a file that holds the key, for container secrets"),
    "DEBUG": ("0", "1 shows error details; never in production"),
    "ALLOWED_HOSTS": ("127.0.0.1,localhost,[::1]", "host names that may be asked for, with commas"),
    "TRUSTED_ORIGINS": ("", "origins with scheme for forms behind a proxy, with commas"),
    "HTTPS": ("0", "1: cookies only over TLS, redirect to https, HSTS"),
    "BEHIND_PROXY": ("0", "1: believe X-Forwarded-Proto from the proxy in front"),
    "SESSION_MINUTES": ("60", "idle minutes until a session ends"),
    "SECOND_FACTOR": (
        "",
        "roles that must have a second factor, with commas (codes of people/roles), or all; empty: nobody",
    ),
    "STEP_UP_MINUTES": ("10", "minutes for which a confirmation before publishing, exporting or revealing holds"),
    "MAX_UPLOAD_MB": ("50", "largest file that an import or an attachment may have, in MiB"),
    "SCANNER": ("", "program that looks at each attachment: gets its path, ends with 0 (clean) or 1 (refused)"),
    "LOG_ORIGIN": (
        "",
        "name of the public log, fixed with its first entry; empty: zhunsheng/log/CITY; ends in /sm3: SM3",
    ),
    "LOG_KEY_FILE": ("", "key file that signs the log; empty: HOME/keys/log.key, made by init and demo"),
    "LOG_SIGNER": ("", "program that signs the log instead: reads the text, prints the signature (an SM2 device)"),
    "LOG_SIGNER_KEY": ("", "public key of that program, hexadecimal"),
    "LOG_TSA_URL": ("", "address of a time-stamping authority (RFC 3161) for manage timestamp_log"),
    "LOG_TSA_CA": ("", "file with the authority's root certificates, PEM"),
    "EMAIL_URL": ("", "empty: notices stay in the platform; smtp://user:password@host:port sends them too"),
    "FONTS": ("", "folder with the prescribed faces of official documents; empty: free substitutes"),
    "SITE_URL": ("", "address under which staff open the platform, for links in messages and calendars"),
    "SMS_URL": ("", "address of the SMS gateway; empty: no SMS"),
    "SMS_TOKEN": ("", "key for the gateway, sent as a bearer token"),
    "SMS_TEMPLATE": ("", "number of the approved SMS template that takes kind and count"),
    "WECOM_URL": ("", "address of the 政务微信 server; empty: no such messages"),
    "WECOM_CORP_ID": ("", "corp id of the organisation there"),
    "WECOM_AGENT_ID": ("", "number of the application there"),
    "WECOM_SECRET": ("", "secret of the application"),
    "DIGEST_HOUR": ("8", "hour of the day at which digests are made"),
}


class BadSetting(SystemExit):
    """A variable whose value cannot be used. Names the variable, the value and what is accepted."""


def _raw(name: str) -> str:
    if name not in VARIABLES:
        raise KeyError(name)
    return os.environ.get(PREFIX + name, VARIABLES[name][0]).strip()


def text(name: str) -> str:
    return _raw(name)


def flag(name: str) -> bool:
    value = _raw(name).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off", ""}:
        return False
    raise BadSetting(f"{PREFIX}{name}={value!r}: say 1 or 0")


def integer(name: str, low: int, high: int) -> int:
    value = _raw(name)
    if not value.isdecimal() or not low <= int(value) <= high:
        raise BadSetting(f"{PREFIX}{name}={value!r}: say a whole number from {low} to {high}")
    return int(value)


def words(name: str) -> list[str]:
    return [part.strip() for part in _raw(name).split(",") if part.strip()]


def roles(name: str) -> list[str]:
    """Codes of the table people/roles, or all."""
    known = {"all"} | {row["code"] for row in tables.load("people/roles").rows} - {"public"}
    said = words(name)
    if unknown := [one for one in said if one not in known]:
        raise BadSetting(f"{PREFIX}{name}={','.join(unknown)!r}: say one or more of {', '.join(sorted(known))}")
    return said


def home() -> Path:
    folder = Path(_raw("HOME")).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise BadSetting(f"{PREFIX}HOME={folder}: cannot be made or written ({problem.strerror})") from problem
    return folder


def secret_key(folder: Path) -> str:
    """The signing key: from the variable, from a file, or generated once into HOME."""
    if value := _raw("SECRET_KEY"):
        if len(value) < 32:
            raise BadSetting(f"{PREFIX}SECRET_KEY: at least 32 characters")
        return value
    named = _raw("SECRET_KEY_FILE")
    path = Path(named) if named else folder / "secret_key"
    if named and not path.is_file():
        raise BadSetting(f"{PREFIX}SECRET_KEY_FILE={named!r}: no such file")
    if not path.is_file():
        # Written aside and linked into place, so that two first starts agree on one key.
        fresh = folder / f"secret_key.{os.getpid()}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(50))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()


def database(folder: Path) -> dict[str, object]:
    """Django's settings of the default database."""
    url = _raw("DATABASE_URL")
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": folder / "zhunsheng.sqlite3",
            # IMMEDIATE: read-then-write in one transaction never meets "database is locked" half way.
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;PRAGMA cache_size=-65536;",
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise BadSetting(f"{PREFIX}DATABASE_URL: say postgresql://user:password@host:port/name")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        # Pages are short queries: compiling one to machine code (jit) takes longer than running it.
        "OPTIONS": {"options": "-c jit=off", **dict(parse_qsl(parts.query))},
        "CONN_MAX_AGE": 60,
    }


def address(name: str) -> str:
    """An http(s) address without its last slash, or ''."""
    value = _raw(name).rstrip("/")
    if value:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise BadSetting(f"{PREFIX}{name}: say https://host/path")
    return value


def _together(url: str, *names: str) -> dict[str, str]:
    """An address and the variables that it needs, by their short names in lower case; {} without the address."""
    found = {"url": address(url)} | {name.partition("_")[2].lower(): _raw(name) for name in names}
    if not found["url"]:
        return {}
    missing = [f"{PREFIX}{name}" for name in names if not _raw(name)]
    if missing:
        raise BadSetting(f"{PREFIX}{url} is set, so these are needed too: {', '.join(missing)}")
    return found


def sms() -> dict[str, str]:
    """url, token and template of the SMS gateway, or {}."""
    return _together("SMS_URL", "SMS_TOKEN", "SMS_TEMPLATE")


def wecom() -> dict[str, str]:
    """url, corp_id, agent_id and secret of the 政务微信 server, or {}."""
    found = _together("WECOM_URL", "WECOM_CORP_ID", "WECOM_AGENT_ID", "WECOM_SECRET")
    if found and not found["agent_id"].isdecimal():
        raise BadSetting(f"{PREFIX}WECOM_AGENT_ID: say a whole number")
    return found


def log_origin() -> str:
    """The name of the public log, or '' for that of the city."""
    value = _raw("LOG_ORIGIN")
    if value and (len(value) > 200 or "+" in value or not value.isprintable() or any(char.isspace() for char in value)):
        raise BadSetting(f"{PREFIX}LOG_ORIGIN={value!r}: at most 200 characters, without white space and '+'")
    return value


def email(url: str) -> dict[str, object]:
    """Django's mail settings from an smtp:// or smtps:// address; none → the dummy backend."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise BadSetting(f"{PREFIX}EMAIL_URL: say smtp://user:password@host:port or smtps://…")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_TIMEOUT": 20,
    }
