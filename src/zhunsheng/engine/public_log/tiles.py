"""Tiles, after C2SP tlog-tiles: a log as plain files that any web server can serve and anyone can mirror.

    tile/<L>/<N>[.p/<W>]         256 (or W) hashes of level L; a hash of level L is the root of 256^L entries
    tile/entries/<N>[.p/<W>]     256 (or W) entries, each behind its length in two bytes, big endian

N is written in groups of three digits: 1234067 is x001/x234/067. Every file is a function of the entries alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from zhunsheng.engine.errors import LogError
from zhunsheng.engine.public_log.tree import node_hash
from zhunsheng.engine.suites import SHA256, Suite

WIDTH = 256
HASH = 32
MAX_ENTRY = 2**16 - 1  # the length of an entry stands in two bytes
ENTRIES = -1  # the "level" of the entries themselves

_NAME = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class Tile:
    """One file of a log: `level` 0…63, or ENTRIES; `width` 1…256, fewer than 256 only at the right edge."""

    level: int
    number: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path below the log's address."""
        groups = [f"{self.number % 1000:03d}"]
        rest = self.number // 1000
        while rest:
            groups.append(f"x{rest % 1000:03d}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(reversed(groups))}{partial}"

    @property
    def last(self) -> int:
        """How many hashes (or entries) of its level there must be for this tile to be."""
        return self.number * WIDTH + self.width


def read_tile_path(path: str) -> Tile | None:
    """The tile of a path, or None where the path is not one that `Tile.path` writes."""
    found = _NAME.fullmatch(path)
    if found is None:
        return None
    level, number, width = found.groups()
    digits = int(number.replace("/", "").replace("x", ""))
    tile = Tile(ENTRIES if level == "entries" else int(level), digits, int(width or WIDTH))
    return tile if tile.path == path else None


def count(level: int, size: int) -> int:
    """How many whole hashes (entries) a log of `size` entries has at a level."""
    return size if level == ENTRIES else size >> 8 * level


def tile(level: int, number: int, size: int) -> Tile:
    """The tile of that number as it is in a log of `size` entries. Raises LogError where there is none."""
    width = min(WIDTH, count(level, size) - number * WIDTH)
    if number < 0 or width < 1:
        raise LogError("public_log.tiles.none", path=Tile(level, max(number, 0)).path, size=size)
    return Tile(level, number, width)


def tiles_of(size: int, since: int = 0) -> Iterator[Tile]:
    """The tiles of a log of `size` entries, those that a log of `since` entries had whole left out."""
    level = 0
    while (now := count(level, size)) > 0:
        for number in range(count(level, since) // WIDTH, -(-now // WIDTH)):
            yield tile(level, number, size)
        level += 1


def bundle(entries: Sequence[bytes]) -> bytes:
    """A bundle of at most 256 entries: each behind its length. Raises LogError for an entry over MAX_ENTRY."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise LogError("public_log.entry_too_long", limit=MAX_ENTRY)
        parts += (len(entry).to_bytes(2, "big"), entry)
    return b"".join(parts)


def read_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle. Raises LogError where there are fewer, more, or a piece of one."""
    found: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise LogError("public_log.tiles.cut", found=len(found), width=width)
        found.append(data[at + 2 : end])
        at = end
    if len(found) != width:
        raise LogError("public_log.tiles.cut", found=len(found), width=width)
    return found


def read_hashes(data: bytes, width: int) -> list[bytes]:
    """The `width` hashes of a tile. Raises LogError where the tile has another length."""
    if len(data) != width * HASH:
        raise LogError("public_log.tiles.cut", found=len(data) // HASH, width=width)
    return [data[at : at + HASH] for at in range(0, len(data), HASH)]


class TiledTree:
    """The tree of a log of `size` entries, read tile by tile: any proof takes a few tiles, never the whole log.

    fetch: gives the hashes of a tile, in order. Every tile is asked for once.
    """

    def __init__(self, size: int, fetch: Callable[[Tile], Sequence[bytes]], suite: Suite = SHA256) -> None:
        self.size = size
        self.suite = suite
        self._fetch = fetch
        self._tiles: dict[tuple[int, int], list[Sequence[bytes]]] = {}

    def _tile(self, level: int, number: int) -> list[Sequence[bytes]]:
        """A tile, and the whole subtrees over 2, 4 … 256 of its hashes."""
        found = self._tiles.get((level, number))
        if found is None:
            wanted = tile(level, number, self.size)
            below = self._fetch(wanted)
            if len(below) != wanted.width:
                raise LogError("public_log.tiles.cut", found=len(below), width=wanted.width)
            found = [below]
            while len(below) > 1:
                below = [
                    node_hash(left, right, self.suite) for left, right in zip(below[::2], below[1::2], strict=False)
                ]
                found.append(below)
            self._tiles[level, number] = found
        return found

    def _full(self, height: int, index: int) -> bytes:
        """The root of the index-th whole subtree of 2^height entries."""
        level, rest = divmod(height, 8)
        width = WIDTH >> rest
        return self._tile(level, index // width)[rest][index % width]

    def _range(self, start: int, end: int) -> bytes:
        """The root over entries start…end-1, where start is a multiple of a power of two that is not below end-start."""
        parts: list[bytes] = []
        while start < end:
            height = (end - start).bit_length() - 1
            parts.append(self._full(height, start >> height))
            start += 1 << height
        root = parts.pop()
        while parts:
            root = node_hash(parts.pop(), root, self.suite)
        return root

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` entries (of all)."""
        size = self._within(size)
        return self._range(0, size) if size else self.suite.hash(b"")

    def leaf(self, index: int) -> bytes:
        """The leaf hash at an index."""
        if not 0 <= index < self.size:
            raise LogError("public_log.index_out_of_range", index=index, size=self.size)
        return self._full(0, index)

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The proof that entry `index` is among the first `size` entries (RFC 6962 section 2.1.1)."""
        size = self._within(size)
        if not 0 <= index < size:
            raise LogError("public_log.index_out_of_range", index=index, size=size)
        proof: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start = middle
        return tuple(reversed(proof))

    def consistency(self, old: int, size: int | None = None) -> tuple[bytes, ...]:
        """The proof that the first `old` entries are the beginning of the first `size` (RFC 6962 section 2.1.2)."""
        size = self._within(size)
        if not 0 <= old <= size:
            raise LogError("public_log.index_out_of_range", index=old, size=size)
        if old in (0, size):
            return ()
        proof: list[bytes] = []
        start, end, whole = 0, size, True
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self._range(start, end))
        return tuple(reversed(proof))

    def _within(self, size: int | None) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise LogError("public_log.index_out_of_range", index=size, size=self.size)
        return size


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << (width - 1).bit_length() - 1
