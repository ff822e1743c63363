"""Sealed mode 密封: for checks that come as a surprise. The list is committed to and cannot be read; later it is opened.

One key K seals a draw: 32 bytes that the caller draws from the operating system, in text 64 lower-case hexadecimal
digits. Its hash is announced, so K cannot be chosen after the seed. From K and the id of a unit follow

    tag   = HMAC(K, "tag|" + id)      stands for the id in the ticket
    blind = HMAC(K, "blind|" + id)    hides the id in the sealed line; given to the firm that asks for its proof
    salt  = HMAC(K, "salt|" + id)     hides the attributes in the sealed line; given to nobody before the opening

so that a firm which holds its own blind can find its line, and still cannot compute its ticket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from zhunsheng.engine.draw.fields import PROTOCOL, hex64
from zhunsheng.engine.suites import SHA256, Hash, Suite

_BLOCK = 64  # bytes of a block of SHA-256 and of SM3


@dataclass(frozen=True, slots=True)
class SealedLine:
    """The line of one unit in a sealed frame, with the tag that its ticket is made of."""

    seal: str
    line: bytes
    tag: str


def key_hash(key: str, suite: Suite = SHA256) -> str:
    """What the announcement says of the key: H("zhunsheng/draw/1/key|" + K)."""
    return suite.hex(f"{PROTOCOL}/key|{hex64(key, 'seal.key')}".encode())


def tag(key: str, unit_id: str, suite: Suite = SHA256) -> str:
    """HMAC(K, "tag|" + id), 64 hexadecimal digits."""
    return suite.hmac(bytes.fromhex(key), f"tag|{unit_id}")


def blind(key: str, unit_id: str, suite: Suite = SHA256) -> str:
    """HMAC(K, "blind|" + id): with it the unit finds its own line."""
    return suite.hmac(bytes.fromhex(key), f"blind|{unit_id}")


def nonce(key: str, draw: str, suite: Suite = SHA256) -> str:
    """HMAC(K, "assign|" + number of the draw): stands in the constraints, so that their digest cannot be guessed."""
    return suite.hmac(bytes.fromhex(key), f"assign|{draw}")


def seal_of(blind: str, unit_id: str, suite: Suite = SHA256) -> str:
    """H("zhunsheng/draw/1/seal|" + blind + "|" + id): the name of the unit in the sealed frame."""
    return suite.hex(f"{PROTOCOL}/seal|{blind}|{unit_id}".encode())


class Sealer:
    """Seals the units of one draw. Raises DrawError for a key that is not 64 lower-case hexadecimal digits."""

    def __init__(self, key: str, suite: Suite = SHA256) -> None:
        secret = bytes.fromhex(hex64(key, "seal.key"))
        self._suite = suite
        self._tag = _hmac(secret, b"tag|", suite)
        self._blind = _hmac(secret, b"blind|", suite)
        self._salt = _hmac(secret, b"salt|", suite)
        self._seal = suite.start(f"{PROTOCOL}/seal|".encode()).copy
        self._attributes = suite.start(f"{PROTOCOL}/attributes|".encode()).copy

    def tag(self, unit_id: bytes) -> str:
        """The tag of the unit."""
        return self._tag(unit_id)

    def line(self, unit_id: bytes, leaf: bytes) -> tuple[str, bytes]:
        """The seal of a unit and its sealed line, for its id and its line in the open frame."""
        state = self._seal()
        state.update(b"%s|%s" % (self._blind(unit_id).encode(), unit_id))
        seal = state.hexdigest()
        state = self._attributes()
        state.update(b"%s|%s" % (self._salt(unit_id).encode(), leaf))
        return seal, sealed_line(state.hexdigest(), seal)


def sealed_line(attributes: str, seal: str) -> bytes:
    """The canonical line of a sealed frame."""
    return b'{"attributes":"%s","seal":"%s"}' % (attributes.encode(), seal.encode())


def sealed_lines(units: Iterable[tuple[str, bytes]], key: str, suite: Suite = SHA256) -> tuple[SealedLine, ...]:
    """The sealed frame of (id, open line) pairs: one line a unit, in ascending order of the seal."""
    sealer = Sealer(key, suite)
    made: list[SealedLine] = []
    for unit_id, leaf in units:
        name = unit_id.encode()
        seal, line = sealer.line(name, leaf)
        made.append(SealedLine(seal, line, sealer.tag(name)))
    made.sort(key=attrgetter("seal"))
    return tuple(made)


def _hmac(key: bytes, prefix: bytes, suite: Suite) -> Callable[[bytes], str]:
    """HMAC (RFC 2104) of prefix + message with the two keyed blocks and the prefix hashed once."""
    padded = key.ljust(_BLOCK, b"\x00")
    inner: Hash = suite.start(bytes(byte ^ 0x36 for byte in padded) + prefix)
    outer: Hash = suite.start(bytes(byte ^ 0x5C for byte in padded))
    begin, finish = inner.copy, outer.copy

    def of(message: bytes) -> str:
        state = begin()
        state.update(message)
        end = finish()
        end.update(state.digest())
        return end.hexdigest()

    return of
