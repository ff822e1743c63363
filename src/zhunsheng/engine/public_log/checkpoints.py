"""Checkpoints, after C2SP tlog-checkpoint: origin, size and root of a log, signed. And the key that is in force.

    zhunsheng/log/hengchuan
    20852163
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

    — zhunsheng/log/hengchuan Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+Z…

The origin names the log for ever, and with it its suite: an origin that ends in "/sm3" is a log hashed with SM3
(国密), every other one is hashed with SHA-256. One log, one suite.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from zhunsheng.engine.errors import LogError
from zhunsheng.engine.public_log.jcs import Json
from zhunsheng.engine.public_log.notes import (
    Note,
    NoteKey,
    Signed,
    parse_note,
    read_vkey,
    sign_note,
    unbase64,
    verify_note,
)
from zhunsheng.engine.signing import ED25519, Signer, verify_signature
from zhunsheng.engine.suites import SHA256, SM3, Suite

#: the kind of the entry by which a log announces its next key
KEY_KIND = "log.rotate_key"

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_ORIGIN = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")


def suite_of(origin: str) -> Suite:
    """The suite of a log, which its origin names."""
    return SM3 if origin.endswith("/sm3") else SHA256


def check_origin(origin: str) -> None:
    """Refuses an origin that is empty, longer than 200 characters, or holds white space or '+'."""
    if not _ORIGIN.fullmatch(origin) or not origin.isprintable():
        raise LogError("public_log.checkpoint.bad_origin")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint says. `root`: 32 bytes. Extension lines are kept and signed, and mean nothing here."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def read_checkpoint(text: str) -> Checkpoint:
    """Reads the text of a checkpoint. Raises LogError for every other form."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < 3 or not text.endswith("\n") or not all(lines):
        raise LogError("public_log.checkpoint.bad_text")
    origin, size, root, *extensions = lines
    raw = unbase64(root)
    if not _SIZE.fullmatch(size) or int(size) >= 2**63 or raw is None or len(raw) != 32:
        raise LogError("public_log.checkpoint.bad_text")
    check_origin(origin)
    return Checkpoint(origin, int(size), raw, tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer]) -> Note:
    """The checkpoint as a note, signed by each of these. One log, one suite: another suite's signer is refused."""
    check_origin(checkpoint.origin)
    suite = suite_of(checkpoint.origin)
    for signer in signers:
        if signer.alg != suite.signature:
            raise LogError("public_log.checkpoint.other_suite", alg=signer.alg, suite=suite.name)
    return Note(checkpoint.text, tuple(sign_note(checkpoint.text, signer) for signer in signers))


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint whose signatures were verified, and by which keys."""

    checkpoint: Checkpoint
    note: Note
    signed: tuple[Signed, ...]

    @property
    def by_log(self) -> tuple[Signed, ...]:
        return tuple(one for one in self.signed if not one.key.is_witness)

    @property
    def by_witnesses(self) -> tuple[Signed, ...]:
        """The witnesses, each once, by key, with its earliest cosignature: two lines of one witness are one witness."""
        found: dict[bytes, Signed] = {}
        for one in self.signed:
            if one.key.is_witness and ((old := found.get(one.key.key)) is None or (one.time or 0) < (old.time or 0)):
                found[one.key.key] = one
        return tuple(found.values())


def open_checkpoint(data: bytes, origin: str, keys: Sequence[NoteKey]) -> SignedCheckpoint:
    """Reads a signed checkpoint of the log `origin`, and verifies it with `keys` (of the log, and of witnesses).

    Raises LogError where it is of another log, where a signature of a known key is wrong, or where the log itself
    has not signed with a known key: witnesses alone do not make a checkpoint.
    """
    note = parse_note(data)
    found = read_checkpoint(note.text)
    if found.origin != origin:
        raise LogError("public_log.checkpoint.other_origin", found=found.origin, expected=origin)
    opened = SignedCheckpoint(found, note, verify_note(note, keys))
    if not opened.by_log:
        raise LogError(
            "public_log.note.unknown_key", names=" ".join(dict.fromkeys(one.name for one in note.signatures))
        )
    return opened


# A new key is announced inside the log, signed by the one before it.


def rotation(origin: str, signer: Signer, new: NoteKey, old: NoteKey) -> dict[str, Json]:
    """The public data of the entry that announces `new`: `signer` holds the key `old` that has been in force."""
    signature = signer.sign(_rotation_text(origin, new))
    return {"key": str(new), "signed_by": str(old), "signature": base64.b64encode(signature).decode()}


def _rotation_text(origin: str, new: NoteKey) -> bytes:
    return f"zhunsheng/log/1/key|{origin}|{new}".encode()


def next_key(origin: str, entry: Json, current: NoteKey) -> NoteKey | None:
    """The key that this entry of the log puts in force after `current`; None where it announces none.

    Raises LogError where an entry claims to announce a key and is not signed by the one in force.
    """
    if not isinstance(entry, dict) or entry.get("kind") != KEY_KIND:
        return None
    data = entry.get("data")
    if not isinstance(data, dict) or data.keys() != {"key", "signed_by", "signature"}:
        raise LogError("public_log.rotation.bad")
    new = read_vkey(str(data["key"]))
    signature = unbase64(str(data["signature"]))
    alg = suite_of(origin).signature
    ok = not new.is_witness and len(new.key) == (32 if alg == ED25519 else 65)
    if (
        not ok
        or signature is None
        or data["signed_by"] != str(current)
        or not verify_signature(alg, current.key, _rotation_text(origin, new), signature)
    ):
        raise LogError("public_log.rotation.bad")
    return new
