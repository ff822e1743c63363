"""Key files: an Ed25519 key on disk, readable by its owner only, in the one-line form that Go's note package writes.

PRIVATE+KEY+<name>+<key id>+<base 64 of 01 and the 32 seed bytes>
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from zhunsheng.engine.errors import LogError
from zhunsheng.engine.public_log.notes import note_key, unbase64
from zhunsheng.engine.signing import Ed25519Signer

_PREFIX = "PRIVATE+KEY+"


def make_key(path: Path, name: str) -> Ed25519Signer:
    """Draws a key from the operating system and writes it to a file that was not there, mode 0600, whole or not at all.

    Raises LogError when the file is there already: a key is never overwritten.
    """
    signer = Ed25519Signer(name, secrets.token_bytes(32))
    data = base64.b64encode(b"\x01" + signer.private_key).decode()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(f"{_PREFIX}{name}+{note_key(signer).id.hex()}+{data}\n")
            out.flush()
            os.fsync(out.fileno())
        os.link(fresh, path)
    except FileExistsError:
        raise LogError("public_log.key.exists", where=str(path)) from None
    except OSError as error:
        raise LogError("public_log.key.cannot_write", where=str(path), detail=error.strerror or "") from None
    finally:
        fresh.unlink(missing_ok=True)
    return signer


def load_key(path: Path) -> Ed25519Signer:
    """The signer of a key file. Raises LogError when there is none, or when it is not one."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        detail = getattr(error, "strerror", None) or type(error).__name__
        raise LogError("public_log.key.cannot_read", where=str(path), detail=detail) from None
    name, _, rest = text.removeprefix(_PREFIX).partition("+")
    stated, _, data = rest.partition("+")
    raw = unbase64(data) or b""
    if not text.startswith(_PREFIX) or len(raw) != 33 or raw[0] != 1:
        raise LogError("public_log.key.bad", where=str(path))
    signer = Ed25519Signer(name, raw[1:])
    if note_key(signer).id.hex() != stated:
        raise LogError("public_log.key.bad", where=str(path))
    return signer
