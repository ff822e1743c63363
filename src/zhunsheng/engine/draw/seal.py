"""Sealed mode 密封: for checks that come as a surprise. The list is committed to and cannot be read; later it is opened.

One key K seals a draw: 32 bytes that the caller draws from the operating system, in text 64 lower-case hexadecimal
digits. Its hash is announced, so K cannot be chosen after the seed. From K, the number of the draw and the id of a unit
follow

    tag   = HMAC(K, "tag|" + draw + "|" + id)      stands for the id in the ticket
    blind = HMAC(K, "blind|" + draw + "|" + id)    hides the id in the sealed line; given to the firm that asks for its proof
    salt  = HMAC(K, "salt|" + draw + "|" + id)     hides the attributes in the sealed line; given to nobody before the opening

so that a firm which holds its own blind can find its line, and still cannot compute its ticket.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter

from zhunsheng.engine.draw.fields import PROTOCOL, draw_number, hex64
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json, canonical
from zhunsheng.engine.suites import SHA256, Hash, Suite

_BLOCK = 64  # bytes of a block of SHA-256 and of SM3


@dataclass(frozen=True, slots=True)
class SealedLine:
    """The line of one unit in a sealed frame, with the tag that its ticket is made of."""

    seal: str
    line: bytes
    tag: str


#: the sections whose digest in a sealed draw is hidden with K: before the opening it could be guessed otherwise
HIDDEN = frozenset({"selection", "assign", "changes"})


def check_seal_key(key: Json, at: str = "seal.key") -> str:
    """`key` as the key of a sealed draw: 64 lower-case hexadecimal digits, and not one of them 64 times."""
    found = hex64(key, at)
    if len(set(found)) == 1:
        raise DrawError("draw.seal.weak_key", at=at)
    return found


def key_hash(key: str, draw: str, suite: Suite = SHA256) -> str:
    """What the announcement says of the key: H("zhunsheng/draw/1/key|" + number of the draw + "|" + K)."""
    return suite.hex(f"{PROTOCOL}/key|{draw}|{check_seal_key(key)}".encode())


def tag(key: str, draw: str, unit_id: str, suite: Suite = SHA256) -> str:
    """HMAC(K, "tag|" + draw + "|" + id), 64 hexadecimal digits."""
    return suite.hmac(bytes.fromhex(key), f"tag|{draw}|{unit_id}")


def blind(key: str, draw: str, unit_id: str, suite: Suite = SHA256) -> str:
    """HMAC(K, "blind|" + draw + "|" + id): with it the unit finds its own line."""
    return suite.hmac(bytes.fromhex(key), f"blind|{draw}|{unit_id}")


def nonce(key: str, draw: str, suite: Suite = SHA256) -> str:
    """HMAC(K, "assign|" + number of the draw): stands in the constraints, so that their digest cannot be guessed."""
    return suite.hmac(bytes.fromhex(key), f"assign|{draw}")


def section_digest(draw: str, name: str, section: Json, key: str = "", suite: Suite = SHA256) -> str:
    """The digest of a section: what `digests` and `withheld` hold, what is signed, and what the log names.

    H(its canonical JSON); in a sealed draw, whose key is given, that of selection, assign and changes is
    H("zhunsheng/draw/1/withheld|" + HMAC(K, "withheld|" + draw + "|" + name) + "|" + its canonical JSON), so that nobody
    can guess what it is of before the opening. The section `open` has `bundle.open_digest`.
    """
    if not key or name not in HIDDEN:
        return suite.hex(canonical(section))
    hidden = suite.hmac(bytes.fromhex(key), f"withheld|{draw}|{name}")
    return suite.hex(f"{PROTOCOL}/withheld|{hidden}|".encode() + canonical(section))


def seal_of(blind: str, unit_id: str, suite: Suite = SHA256) -> str:
    """H("zhunsheng/draw/1/seal|" + blind + "|" + id): the name of the unit in the sealed frame."""
    return suite.hex(f"{PROTOCOL}/seal|{blind}|{unit_id}".encode())


class Sealer:
    """Seals the units of one draw, by its number. Raises DrawError for a key that is none (see `check_seal_key`)."""

    def __init__(self, key: str, draw: str, suite: Suite = SHA256) -> None:
        secret, number = bytes.fromhex(check_seal_key(key)), draw_number(draw, "draw").encode()
        self._suite = suite
        self._tag = _hmac(secret, b"tag|%s|" % number, suite)
        self._blind = _hmac(secret, b"blind|%s|" % number, suite)
        self._salt = _hmac(secret, b"salt|%s|" % number, suite)
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


def sealed_lines(
    units: Iterable[tuple[str, bytes]], key: str, draw: str, suite: Suite = SHA256
) -> tuple[SealedLine, ...]:
    """The sealed frame of (id, open line) pairs: one line a unit, in ascending order of the seal."""
    sealer = Sealer(key, draw, suite)
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
