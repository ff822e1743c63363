"""Who signs the log's checkpoints: a key file outside the database, or a program outside (an SM2 device).

HOME/keys/log.key holds the key in force, HOME/keys/log.key.next the one that an entry has announced. `settle` moves
the second into the place of the first when it has signed.
"""

import shlex
from pathlib import Path

from django.conf import settings

from zhunsheng.engine.errors import LogError
from zhunsheng.engine.public_log import NoteKey, note_key, suite_of
from zhunsheng.engine.signing import Ed25519Signer, Signer
from zhunsheng.keys import load_key, make_key
from zhunsheng.signers import CommandSigner


def key_file() -> Path:
    return Path(settings.LOG_KEY_FILE)


def next_file() -> Path:
    return key_file().with_name(f"{key_file().name}.next")


def signers(origin: str) -> list[Signer]:
    """Everyone who can sign for this log now, the present key first. Raises LogError for a key that cannot be used."""
    if settings.LOG_SIGNER:
        return [command_signer(origin, settings.LOG_SIGNER, settings.LOG_SIGNER_KEY)]
    found: list[Signer] = []
    for path in (key_file(), next_file()):
        if path.is_file():
            # The key's name is the log's name, whatever the file was called when it was made.
            found.append(Ed25519Signer(origin, load_key(path).private_key))
    return found


def command_signer(origin: str, command: str, public_key: str) -> CommandSigner:
    """The signer behind a command. public_key: hexadecimal, as `ZHUNSHENG_LOG_SIGNER_KEY`."""
    try:
        key = bytes.fromhex(public_key)
    except ValueError:
        raise LogError("public_log.key.bad", where="ZHUNSHENG_LOG_SIGNER_KEY") from None
    return CommandSigner(origin, key, shlex.split(command), suite_of(origin).signature)


def ensure_key(origin: str) -> bool:
    """Makes the key file of a new log, unless somebody else signs or it is there. Whether it was made."""
    if settings.LOG_SIGNER or key_file().exists() or suite_of(origin).signature != "ed25519":
        return False
    make_key(key_file(), origin)
    return True


def settle(in_force: NoteKey) -> None:
    """After the announced key has signed: it becomes the key file, the old one is kept beside it as retired."""
    if settings.LOG_SIGNER or not next_file().is_file():
        return
    new = Ed25519Signer(in_force.name, load_key(next_file()).private_key)
    if note_key(new) != in_force:
        return
    if key_file().is_file():
        old = note_key(Ed25519Signer(in_force.name, load_key(key_file()).private_key))
        key_file().replace(key_file().with_name(f"{key_file().name}.retired-{old.id.hex()}"))
    next_file().replace(key_file())
