"""Hash suites: which hash, which HMAC and which signature go together. One log, one draw: one suite, named in it.

| name | hash | signature |
|---|---|---|
| `sha256` | SHA-256 (FIPS 180-4) | Ed25519 (RFC 8032) |
| `sm3` | SM3 (GB/T 32905-2016) | SM2 with SM3 (GB/T 32918-2016), by a signer outside this program |
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import new, sha256
from typing import Protocol

from zhunsheng.engine.errors import SuiteError


class Hash(Protocol):
    """What hashlib gives: a hash that takes more bytes, can be copied, and is read at the end."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...
    def hexdigest(self) -> str: ...
    def copy(self) -> Hash: ...


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite. `start(data)` begins a hash of 32 bytes; `signature` is the tag of the algorithm that goes with it."""

    name: str
    signature: str
    start: Callable[[bytes], Hash]

    def hash(self, data: bytes) -> bytes:
        """The hash, 32 bytes."""
        return self.start(data).digest()

    def hex(self, data: bytes) -> str:
        """The hash as 64 lower-case hexadecimal digits."""
        return self.start(data).hexdigest()

    def hmac(self, key: bytes, message: str) -> str:
        """HMAC (RFC 2104) of a UTF-8 text with this hash, 64 lower-case hexadecimal digits."""
        return hmac.new(key, message.encode(), self.start).hexdigest()  # type: ignore[arg-type]


def _sm3(data: bytes = b"") -> Hash:
    try:
        return new("sm3", data)
    except ValueError:
        raise SuiteError("suites.no_sm3") from None


SHA256 = Suite("sha256", "ed25519", sha256)
SM3 = Suite("sm3", "sm2-sm3", _sm3)
SUITES = {suite.name: suite for suite in (SHA256, SM3)}


def suite(name: str) -> Suite:
    """The suite of that name. Raises SuiteError for another name, and where this Python's OpenSSL has no SM3."""
    found = SUITES.get(name)
    if found is None:
        raise SuiteError("suites.unknown", name=name[:40], known=", ".join(SUITES))
    found.start(b"")
    return found
