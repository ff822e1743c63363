"""Signatures under published acts: who vouches for these bytes. Keys come from outside; nothing here is random.

| alg | signature | public key | signature bytes |
|---|---|---|---|
| `ed25519` | Ed25519 (RFC 8032) | 32 bytes | 64 bytes |
| `sm2-sm3` | SM2 with SM3 (GB/T 32918.2-2016), user id 1234567812345678 (GM/T 0009) | 65 bytes: 04, x, y | 64 bytes: r, s |

Ed25519 is computed by the package `cryptography`, SM2 is verified by the package `gmalg` (extra `gm`) and signed by a
device or program outside (`zhunsheng.signers`): certified SM2 keys do not leave their box.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

from zhunsheng.engine.errors import SuiteError

ED25519 = "ed25519"
SM2_SM3 = "sm2-sm3"
SM2_USER = b"1234567812345678"

KEY_BYTES = {ED25519: 32, SM2_SM3: 65}
_SIGNATURE_BYTES = 64
_SM2_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")
_HEX = re.compile(r"([0-9a-f]{2})+")


class Signer(Protocol):
    """Whoever signs: a key held here, or a device that is asked. `sign` gives the raw 64 bytes of the signature."""

    @property
    def name(self) -> str: ...
    @property
    def alg(self) -> str: ...
    @property
    def public_key(self) -> bytes: ...
    def sign(self, message: bytes, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """A signer with an Ed25519 key: the 32 seed bytes of RFC 8032, drawn by the caller from the operating system.

    name: of the key, as published with it; no white space and no '+'. Raises SuiteError for another name or length,
    and where `cryptography` is not installed.
    """

    name: str
    private_key: bytes = field(repr=False)
    alg: str = field(default=ED25519, init=False)
    public_key: bytes = field(default=b"", init=False)

    def __post_init__(self) -> None:
        check_key_name(self.name)
        if len(self.private_key) != KEY_BYTES[ED25519]:
            raise SuiteError("signing.bad_key", alg=ED25519)
        try:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        except ImportError:
            raise SuiteError("signing.not_installed", package="cryptography") from None
        public = Ed25519PrivateKey.from_private_bytes(self.private_key).public_key().public_bytes_raw()
        object.__setattr__(self, "public_key", public)

    def sign(self, message: bytes, /) -> bytes:
        """The signature, 64 bytes; the same message has always the same."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.private_key).sign(message)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A published key: its name, its algorithm, its bytes. Text form: NAME+HEX, the algorithm told by the length."""

    name: str
    alg: str
    key: bytes

    def __str__(self) -> str:
        return f"{self.name}+{self.key.hex()}"


def read_key(text: str) -> PublicKey:
    """The key `NAME+HEX`: 64 hexadecimal digits are Ed25519, 130 that begin with 04 are SM2. Raises SuiteError."""
    name, _, digits = text.strip().rpartition("+")
    digits = digits.lower()
    key = bytes.fromhex(digits) if _HEX.fullmatch(digits) else b""
    alg = next((alg for alg, length in KEY_BYTES.items() if len(key) == length), "")
    if not alg:
        raise SuiteError("signing.bad_key_text", text=text[:60])
    check_key_name(name)
    check_key(alg, key)
    return PublicKey(name, alg, key)


def check_key_name(name: str) -> None:
    """Refuses a key name that is empty, too long, or holds white space, '+' or control characters."""
    if not _NAME.fullmatch(name) or not name.isprintable():
        raise SuiteError("signing.bad_name", name=name[:60] if name.isprintable() else "")


def check_key(alg: str, public_key: bytes) -> None:
    """Refuses an unknown algorithm, and a key that does not have its form."""
    if alg not in KEY_BYTES:
        raise SuiteError("signing.unknown_alg", alg=alg[:40], known=", ".join(KEY_BYTES))
    if len(public_key) != KEY_BYTES[alg] or (alg == SM2_SM3 and public_key[0] != 4):
        raise SuiteError("signing.bad_key", alg=alg)


def verify_signature(alg: str, public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 raw bytes) is that of `message` by this key.

    False for a signature that is wrong or ill-formed. Raises SuiteError for an unknown algorithm or an ill-formed
    key, and where the package that could tell is not installed: what cannot be checked is never true.
    """
    check_key(alg, public_key)
    if len(signature) != _SIGNATURE_BYTES:
        return False
    return _ed25519(public_key, message, signature) if alg == ED25519 else _sm2(public_key, message, signature)


def _ed25519(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        raise SuiteError("signing.not_installed", package="cryptography") from None
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _sm2(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        from gmalg import SM2
        from gmalg.errors import GMError
    except ImportError:
        raise SuiteError("signing.not_installed", package="gmalg") from None
    r, s = signature[:32], signature[32:]
    if not all(0 < int.from_bytes(part, "big") < _SM2_ORDER for part in (r, s)):
        return False
    try:
        verifier = SM2(pk=public_key, uid=SM2_USER)
        return bool(verifier.verify_pk(public_key)) and bool(verifier.verify(message, r, s))
    except (GMError, ValueError, TypeError):  # TypeError: the package unpacks a point at infinity
        return False
