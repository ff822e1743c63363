"""Proof files, after C2SP tlog-proof: what a citizen downloads beside a result, and anyone checks without a network.

c2sp.org/tlog-proof@v1
extra <base 64 of the entry itself>
index 73894
<base 64 of each hash of the inclusion proof, from the leaf upward>

<the signed checkpoint>
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from zhunsheng.engine.errors import LogError
from zhunsheng.engine.public_log.checkpoints import SignedCheckpoint, open_checkpoint, suite_of
from zhunsheng.engine.public_log.notes import NoteKey, unbase64
from zhunsheng.engine.public_log.tree import leaf_hash, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class LogProof:
    """A proof file, read. `checkpoint`: the signed note; `extra`: bytes that travel along, here the entry; or None."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def __str__(self) -> str:
        extra = "" if self.extra is None else f"extra {base64.b64encode(self.extra).decode()}\n"
        path = "".join(f"{base64.b64encode(one).decode()}\n" for one in self.path)
        return f"{HEADER}\n{extra}index {self.index}\n{path}\n{self.checkpoint.decode()}"


def read_proof(data: bytes) -> LogProof:
    """Reads a proof file without judging it. Raises LogError for every other form."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise LogError("public_log.not_utf8", at=error.start) from None
    head, blank, checkpoint = text.partition("\n\n")
    header, *lines = head.split("\n")
    if header != HEADER or not blank or not lines:
        raise LogError("public_log.proof.bad")
    extra: bytes | None = None
    if lines[0].startswith("extra "):
        extra = unbase64(lines.pop(0).removeprefix("extra "))
        if extra is None:
            raise LogError("public_log.proof.bad")
    index = _INDEX.fullmatch(lines[0]) if lines else None
    path = [unbase64(line) or b"" for line in lines[1:]]
    if index is None or len(path) > 63 or not all(len(one) == 32 for one in path):
        raise LogError("public_log.proof.bad")
    return LogProof(int(index[1]), tuple(path), checkpoint.encode(), extra)


@dataclass(frozen=True, slots=True)
class Proved:
    """What a proof file proves: this entry stands at `index` in the log of that checkpoint."""

    entry: bytes
    index: int
    signed: SignedCheckpoint


def check_proof(data: bytes, origin: str, keys: Sequence[NoteKey], entry: bytes | None = None) -> Proved:
    """Checks a proof file of the log `origin` with its keys (and those of witnesses, whose signatures are then told).

    entry: the bytes that should be in the log; where None, those that came along in the file.
    Raises LogError that names what does not hold.
    """
    found = read_proof(data)
    signed = open_checkpoint(found.checkpoint, origin, keys)
    said = found.extra if entry is None else entry
    if said is None:
        raise LogError("public_log.proof.no_entry")
    checkpoint, suite = signed.checkpoint, suite_of(origin)
    if not verify_inclusion(leaf_hash(said, suite), found.index, checkpoint.size, found.path, checkpoint.root, suite):
        raise LogError("public_log.proof.not_included", index=found.index, size=checkpoint.size)
    return Proved(said, found.index, signed)
