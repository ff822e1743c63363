"""Signed notes, after C2SP signed-note and tlog-cosignature: a text, a blank line, signature lines.

    — NAME base64(key id ‖ signature)          key id = first 4 bytes of SHA-256(NAME ‖ 0x0A ‖ type ‖ public key)

| type | signature |
|---|---|
| 01 | Ed25519 over the text |
| 04 | 8 bytes of POSIX time, then Ed25519 over "cosignature/v1\\ntime <time>\\n" and the text: a witness |
| ff "zhunsheng/sm2-sm3" | SM2 with SM3 over the text (the 国密 profile; ff is for types that the specification does not list) |
| ff "zhunsheng/sm2-sm3/cosignature" | the same as 04, with SM2 |

The key id only tells keys apart, so it is SHA-256 in every suite.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from zhunsheng.engine.errors import LogError, SuiteError
from zhunsheng.engine.signing import ED25519, KEY_BYTES, SM2_SM3, Signer, check_key, check_key_name, verify_signature
from zhunsheng.engine.suites import SHA256

NOTE = {ED25519: b"\x01", SM2_SM3: b"\xffzhunsheng/sm2-sm3"}
COSIGNATURE = {ED25519: b"\x04", SM2_SM3: b"\xffzhunsheng/sm2-sm3/cosignature"}
MAX_NOTE = 64 * 1024
MAX_SIGNATURES = 64
MAX_TIME = 2**63 - 1

_ALG = {kind: alg for table in (NOTE, COSIGNATURE) for alg, kind in table.items()}


@dataclass(frozen=True, slots=True)
class NoteKey:
    """A public key that signs notes. `kind` are the bytes of its signature type (see the module)."""

    name: str
    kind: bytes
    key: bytes

    def __post_init__(self) -> None:
        if self.kind not in _ALG:
            raise LogError("public_log.note.unknown_type", type=self.kind[:1].hex())
        check_key_name(self.name)
        check_key(_ALG[self.kind], self.key)

    @property
    def id(self) -> bytes:
        """The four bytes by which a signature line names its key."""
        return SHA256.hash(self.name.encode() + b"\n" + self.kind + self.key)[:4]

    @property
    def is_witness(self) -> bool:
        """Whether its signatures are timestamped cosignatures."""
        return self.kind in COSIGNATURE.values()

    def __str__(self) -> str:
        """The vkey: NAME+ID+BASE64(type ‖ key), the form in which a key is published."""
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(self.kind + self.key).decode()}"


def note_key(signer: Signer, *, witness: bool = False) -> NoteKey:
    """The public key of a signer, for notes or (witness) for cosignatures."""
    return NoteKey(signer.name, (COSIGNATURE if witness else NOTE)[signer.alg], signer.public_key)


def read_vkey(text: str) -> NoteKey:
    """Reads NAME+ID+BASE64. Raises LogError when it is no such text, or when its id is not that of its key."""
    name, _, rest = text.strip().partition("+")
    stated, _, data = rest.partition("+")
    raw = unbase64(data)
    # longest type first: that of a cosignature begins with that of a note
    for kind in sorted(_ALG, key=len, reverse=True):
        if raw is not None and raw.startswith(kind) and len(raw) - len(kind) == KEY_BYTES[_ALG[kind]]:
            try:
                found = NoteKey(name, kind, raw[len(kind) :])
            except SuiteError:
                break
            if found.id.hex() == stated:
                return found
            break
    raise LogError("public_log.note.bad_vkey", text=_shown(text))


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: whose, and the bytes after the key id."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"— {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text (ending in a line feed) and its signature lines; nothing of it is believed before `verify_note`."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(str(one) for one in self.signatures)


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that was verified: by which key, and for a witness when (POSIX seconds), else None."""

    key: NoteKey
    time: int | None
    line: NoteSignature


def parse_note(data: bytes) -> Note:
    """Reads a signed note, without judging its signatures. Raises LogError for every other form."""
    if len(data) > MAX_NOTE:
        raise LogError("public_log.note.too_long", limit=MAX_NOTE)
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise LogError("public_log.not_utf8", at=error.start) from None
    if any(char < " " and char != "\n" for char in whole):
        raise LogError("public_log.note.control_character")
    text, blank, lines = whole.rpartition("\n\n")
    if not blank or not text or not lines.endswith("\n"):
        raise LogError("public_log.note.no_signatures")
    found = lines[:-1].split("\n")
    if len(found) > MAX_SIGNATURES:
        raise LogError("public_log.note.too_many", limit=MAX_SIGNATURES)
    return Note(text + "\n", tuple(read_signature(line) for line in found))


def read_signature(line: str) -> NoteSignature:
    """Reads one signature line, without its line feed."""
    mark, _, rest = line.partition(" ")
    name, _, data = rest.partition(" ")
    raw = unbase64(data)
    try:
        check_key_name(name)
    except SuiteError:
        raw = None
    if mark != "—" or raw is None or len(raw) < 5:
        raise LogError("public_log.note.bad_line", line=_shown(line))
    return NoteSignature(name, raw[:4], raw[4:])


def sign_note(text: str, signer: Signer) -> NoteSignature:
    """The signature line of this signer under a text (which ends in a line feed)."""
    return NoteSignature(signer.name, note_key(signer).id, signer.sign(_checked(text).encode()))


def cosign_note(text: str, signer: Signer, time: int) -> NoteSignature:
    """A witness's signature line: `time` is the POSIX second of signing, from the caller's clock."""
    if not 0 <= time <= MAX_TIME:
        raise LogError("public_log.note.bad_time")
    signature = signer.sign(_cosigned(_checked(text), time))
    return NoteSignature(signer.name, note_key(signer, witness=True).id, time.to_bytes(8, "big") + signature)


def _checked(text: str) -> str:
    if not text.endswith("\n") or any(char < " " and char != "\n" for char in text):
        raise LogError("public_log.note.control_character")
    return text


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def verify_note(note: Note, keys: Sequence[NoteKey]) -> tuple[Signed, ...]:
    """The signatures by `keys`, all verified; other lines are ignored, as the specification asks.

    Raises LogError where a known key's signature is wrong, and where none of the keys has signed.
    """
    known = {(key.name, key.id): key for key in keys}
    found: list[Signed] = []
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is None:
            continue
        time = int.from_bytes(line.signature[:8], "big") if key.is_witness else None
        message = note.text.encode() if time is None else _cosigned(note.text, time)
        signature = line.signature if time is None else line.signature[8:]
        if (time or 0) > MAX_TIME or not verify_signature(_ALG[key.kind], key.key, message, signature):
            raise LogError("public_log.note.bad_signature", name=key.name)
        found.append(Signed(key, time, line))
    if not found:
        raise LogError(
            "public_log.note.unknown_key", names=" ".join(dict.fromkeys(one.name for one in note.signatures))
        )
    return tuple(found)


def unbase64(text: str) -> bytes | None:
    """Standard base 64 in its one spelling, or None."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:80])
