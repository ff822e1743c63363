"""One pass over the lines of a frame, however many: what they are, what root they have, and which of them are drawn.

Nothing is kept of a line but its hash in the tree, unless it may be among the drawn. `Region` finds the lines in the
bytes of a bundle without parsing them as one huge JSON value.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from mmap import MADV_DONTNEED, PAGESIZE, mmap
from typing import TypeAlias

from zhunsheng.engine.draw.announce import Terms
from zhunsheng.engine.draw.frame import GrowingTree, Kinds
from zhunsheng.engine.draw.leaf import Alike, LeafReader
from zhunsheng.engine.draw.pareto import lambda_list, likely_ticket, pareto_key
from zhunsheng.engine.draw.seal import Sealer
from zhunsheng.engine.draw.selection import HIGHEST, Selected, likely_bound
from zhunsheng.engine.errors import DrawError, LogError, ZhunshengError
from zhunsheng.engine.public_log import Json, leaf_hash, parse_json

_Kept: TypeAlias = tuple[bytes, bytes, bytes, bytes]
"""(ticket, name, id, line)"""

Lines = Callable[[], Iterable[list[bytes]]]
"""Gives the lines of a frame from the beginning, in blocks, each time it is called."""


@dataclass(slots=True)
class _Stratum:
    """A Pareto stratum: id, size, lambda of its units in order, and the keys of those that may be drawn."""

    ids: list[bytes] = field(default_factory=list)
    sizes: array[int] = field(default_factory=lambda: array("q"))
    weights: array[int] = field(default_factory=lambda: array("q"))
    kept: list[tuple[int, bytes, bytes, bytes, int, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Found:
    """What a pass found. Problems are kept, not raised, so that each is told in the step it belongs to.

    disorder: (id before, id) where an id is below the one before it; duplicate: an id that stands twice.
    outside: (id, column) of the first unit outside the announced scope. unchecked: ids of schemes without check digits.
    same_firm: (`org:` id, `uscc:` id) of one firm that stands under both. kept: stratum → (ticket, name, id, line).
    """

    count: int = 0
    root: str = ""
    sizes: dict[str, int] = field(default_factory=dict)
    excluded: int = 0
    disorder: tuple[str, str] | None = None
    duplicate: str | None = None
    outside: tuple[str, str] | None = None
    unchecked: int = 0
    same_firm: tuple[str, str] | None = None
    kept: dict[str, list[_Kept]] = field(default_factory=dict)
    pareto: dict[str, _Stratum] = field(default_factory=dict)

    def check_weights(self, terms: Terms) -> None:
        """Refuses weights of Pareto strata that are missing or do not follow from the sizes by the published rule."""
        for stratum in terms.pareto:
            units, n = self.pareto.get(stratum, _Stratum()), terms.n.get(stratum, 0)
            for unit, size, weight in zip(units.ids, units.sizes, units.weights, strict=True):
                if not size:
                    raise DrawError("draw.pareto.bad_size", id=unit.decode(), stratum=stratum)
                if not 1 <= weight <= terms.scale:
                    raise DrawError("draw.pareto.bad_lambda", id=unit.decode(), scale=terms.scale)
            if not units.ids and not n:
                continue
            for unit, right, weight in zip(
                units.ids, lambda_list(units.sizes, n, terms.scale), units.weights, strict=True
            ):
                if right != weight:
                    raise DrawError(
                        "draw.verify.differs", at=f"{unit.decode()}.lambda", expected=str(right), found=str(weight)
                    )

    def drawn(self, terms: Terms) -> tuple[tuple[Selected, ...], dict[str, bytes]]:
        """The units drawn, strata ascending, then rank; and their lines by id."""
        chosen: list[Selected] = []
        lines: dict[str, bytes] = {}
        for stratum, size in sorted(self.sizes.items()):
            n = terms.n.get(stratum, 0)
            if stratum in terms.pareto:
                smallest = sorted(self.pareto[stratum].kept)[:n] if stratum in self.pareto else []
                units = [(d, unit, Fraction(weight, terms.scale)) for _, d, _, unit, weight, _ in smallest]
                lines.update((unit.decode(), line) for _, _, _, unit, _, line in smallest)
            else:
                share = Fraction(n, size) if size else Fraction(0)
                first = sorted(self.kept.get(stratum, ()))[:n]
                units = [(d, unit, share) for d, _, unit, _ in first]
                lines.update((unit.decode(), line) for _, _, unit, line in first)
            chosen += (
                Selected(unit.decode(), stratum, d.hex(), rank, share) for rank, (d, unit, share) in enumerate(units, 1)
            )
        return tuple(chosen), lines

    def cut_too_much(self, terms: Terms) -> bool:
        """Whether the bound on tickets left fewer than are drawn. Never seen in practice, and then there is a second pass."""
        kept = {name: len(units) for name, units in self.kept.items()}
        kept |= {name: len(units.kept) for name, units in self.pareto.items()}
        return any(kept.get(name, 0) < min(size, terms.n.get(name, 0)) for name, size in self.sizes.items())


def scan(lines: Lines, terms: Terms, seed: str | None, key: str = "") -> Found:
    """Reads all open lines of a frame: `lines()` gives them from the beginning, as often as it is called.

    seed: None before there is one. key: K of a sealed frame that is opened, whose root is over the sealed lines.
    Raises DrawError for the first line that is not canonical or no unit.
    """
    found = _pass(lines(), terms, seed, key, bounded=True)
    if seed is not None and found.cut_too_much(terms):
        found = _pass(lines(), terms, seed, key, bounded=False)
    if found.disorder is not None and found.duplicate is None:
        found.duplicate = _duplicate(lines(), terms)
    return found


def _duplicate(blocks: Iterable[list[bytes]], terms: Terms) -> str | None:
    reader, seen = _reader(terms), set[bytes]()
    for block in blocks:
        for unit, _, _ in reader.read_all(block):
            if unit in seen:
                return unit.decode()
            seen.add(unit)
    return None


def _reader(terms: Terms) -> LeafReader:
    return LeafReader(sorted(terms.lists), terms.pareto, terms.scope)


def _pass(blocks: Iterable[list[bytes]], terms: Terms, seed: str | None, key: str, bounded: bool) -> Found:
    suite, found, reader = terms.suite, Found(), _reader(terms)
    hashed = suite.start
    sealer = Sealer(key, terms.draw, suite) if key else None
    tree = GrowingTree(suite)
    sealed: list[tuple[str, bytes]] = []
    start = suite.start(f"{seed}|target|".encode()).copy if seed is not None else None
    before = b""
    number = 0
    kinds = Kinds()
    see = kinds.see
    for block in blocks:
        if sealer is None:
            tree.extend([hashed(b"\x00" + line).digest() for line in block])
        units = reader.read_all(block)
        for line in block:
            number += 1
            try:
                unit, alike, weights = next(units)
            except ZhunshengError as error:
                raise bad_leaf(number, error) from None
            if unit <= before:
                _note_disorder(found, before, unit)
            before = unit
            see(unit)
            alike.count += 1
            name = unit
            if sealer is not None:
                name = sealer.tag(unit).encode()
                seal, hidden = sealer.line(unit, line)
                sealed.append((seal, leaf_hash(hidden, suite)))
            if alike.outside and found.outside is None:
                found.outside = unit.decode(), alike.outside
            digest = b""
            if start is not None:
                keep = alike.keep
                if keep is None:
                    keep = alike.keep = _keep(alike, terms, found, bounded)
                if keep or weights:
                    state = start()
                    state.update(name)
                    digest = state.digest()
                    for bound, push in keep:
                        if digest <= bound:
                            push((digest, name, unit, line))
            for stratum, size, weight in weights:
                weighted = found.pareto.setdefault(stratum, _Stratum())
                weighted.ids.append(unit)
                weighted.sizes.append(size)
                weighted.weights.append(weight)
                if digest and 1 <= weight <= terms.scale:
                    if bounded and digest > likely_ticket(weight, terms.scale):
                        continue
                    order = pareto_key(digest, weight, terms.scale)
                    weighted.kept.append((order, digest, name, unit, weight, line))
    if not number:
        raise DrawError("draw.frame.empty")
    if sealer is not None:
        sealed.sort()
        tree.extend([leaf for _, leaf in sealed])
    found.count, found.root = number, tree.root().hex()
    found.unchecked, found.same_firm = kinds.unchecked, kinds.twice
    for alike in reader.alikes.values():
        for place in alike.places:
            found.sizes.setdefault(place.stratum, 0)
            if place.exclusion:
                found.excluded += alike.count
            else:
                found.sizes[place.stratum] += alike.count
    return found


def _note_disorder(found: Found, before: bytes, unit: bytes) -> None:
    if unit == before:
        found.duplicate = found.duplicate or unit.decode()
    elif found.disorder is None:
        found.disorder = before.decode(), unit.decode()


def _keep(alike: Alike, terms: Terms, found: Found, bounded: bool) -> tuple[tuple[bytes, Callable[[_Kept], None]], ...]:
    """Below which ticket, and where, units that stand alike are kept: one entry a stratum that could draw them."""
    kept = []
    for place in alike.places:
        n = terms.n.get(place.stratum, 0)
        if n and not place.exclusion and place.stratum not in terms.pareto:
            bound = likely_bound(n, terms.sizes.get(place.stratum, 0)) if bounded else HIGHEST
            kept.append((bound, found.kept.setdefault(place.stratum, []).append))
    return tuple(kept)


def bad_leaf(number: int, error: ZhunshengError) -> DrawError:
    """What is wrong with a line of the frame; its number counts from 1."""
    return DrawError("draw.verify.bad_leaf", number=number, problem=error.text("zh"), problem_en=error.text("en"))


_SEALED_LINE = re.compile(rb'\{"attributes":"[0-9a-f]{64}","seal":"([0-9a-f]{64})"\}')


def scan_sealed(blocks: Iterable[list[bytes]], terms: Terms) -> Found:
    """Reads all lines of a sealed frame that is not opened: form, order of the seals, root.

    Raises DrawError for a line of another form; seals that do not ascend are kept as disorder or duplicate.
    """
    found, tree, before, hashed = Found(), GrowingTree(terms.suite), b"", terms.suite.start
    for block in blocks:
        for line in block:
            found.count += 1
            match = _SEALED_LINE.fullmatch(line)
            if match is None:
                raise DrawError("draw.seal.bad_line", number=found.count)
            seal = match[1]
            if seal <= before:
                _note_disorder(found, before, seal)
            before = seal
        tree.extend([hashed(b"\x00" + line).digest() for line in block])
    if not found.count:
        raise DrawError("draw.frame.empty")
    found.root = tree.root().hex()
    return found


# ── finding the lines ────────────────────────────────────────────────────────────────────────────────────────────────


Buffer: TypeAlias = bytes | mmap
"""The bytes of a bundle, or a file mapped into memory."""


MAX_HEAD = 64 * 1024 * 1024
"""Bytes of a bundle without its lines."""


class NotPlain(Exception):
    """The lines do not stand in the bytes as a bundle is written; the whole must be parsed. Never leaves this package."""


_CHUNK = 1 << 20
_BETWEEN = b'}","{'
_CONTROLS = bytes(range(32))
_STARTS = (
    re.compile(rb'"open":\{(?:"at":"[0-9TZ:-]{1,40}","key":"[0-9a-f]{1,80}",)?"leaves":\["\{'),
    re.compile(rb'"sealed":\{"lines":\["\{'),
)


@dataclass(frozen=True, slots=True)
class Region:
    """Where the lines of a frame stand in a bundle: data[start:end] is `"{…}","{…}",…`, the inside of a JSON array."""

    data: Buffer
    start: int
    end: int

    @classmethod
    def of(cls, data: Buffer) -> Region:
        """The region of a bundle as this program writes it. Raises NotPlain where there is none.

        Whether what surrounds it is JSON, is for who parses `rest`. An unescaped quotation mark after a brace can only
        end a text, so the first `}"]` ends the array; and with the prefix closed by `]}}` the array is two objects
        deep, which is checked by parsing it.
        """
        for pattern in _STARTS:
            match = pattern.search(data)
            if match is not None:
                start: int = match.end() - 2
                end = data.find(b'}"]', start) + 2
                if end < 2 or start > MAX_HEAD:
                    raise NotPlain
                try:
                    parse_json(data[0:start] + b"]}}")
                except LogError:
                    raise NotPlain from None
                return cls(data, start, end)
        raise NotPlain

    @property
    def rest_size(self) -> int:
        """The length of `rest`."""
        return len(self.data) - (self.end - self.start)

    @property
    def rest(self) -> bytes:
        """The bundle with an empty array in place of the lines."""
        return self.data[0 : self.start] + self.data[self.end : len(self.data)]

    def lines(self) -> Iterator[list[bytes]]:
        """The lines, unescaped, each valid UTF-8. Raises NotPlain for what only a parser of the whole can judge."""
        data, at = self.data, self.start
        while at < self.end:
            stop = data.find(_BETWEEN, at + _CHUNK, self.end)
            stop = self.end if stop < 0 else stop + 2
            yield _lines_of(data[at:stop])
            if isinstance(data, mmap):  # what was read need not stay in memory
                page = at - at % PAGESIZE
                data.madvise(MADV_DONTNEED, page, stop - page)
            at = stop + 1  # the comma


def _lines_of(chunk: bytes) -> list[bytes]:
    """The texts of `"{…}","{…}"` as bytes."""
    if len(chunk.translate(None, _CONTROLS)) != len(chunk):
        raise NotPlain
    marked = chunk[1:-1].replace(_BETWEEN, b"}\n{")
    plain = marked.translate(None, b"\\")
    quotes = marked.count(b'\\"')
    if quotes == plain.count(b'"') == len(marked) - len(plain):  # all quotation marks are escaped, and nothing else is
        try:
            _ = marked.isascii() or marked.decode()
        except UnicodeDecodeError:
            raise NotPlain from None
        return plain.split(b"\n")
    try:
        return [text.encode() for text in _texts(parse_json(b"[%s]" % chunk))]
    except (LogError, UnicodeEncodeError):
        raise NotPlain from None


def _texts(value: Json) -> Iterator[str]:
    for text in value if isinstance(value, list) else ():
        if not isinstance(text, str):
            raise NotPlain
        yield text


def lines_of(values: Iterable[Json], at: str) -> Iterator[list[bytes]]:
    """The lines of a bundle that was parsed. Raises DrawError for what is no text, or holds half a character."""
    for number, value in enumerate(values, 1):
        if not isinstance(value, str):
            raise DrawError("draw.field.not_text", at=f"{at}[{number - 1}]")
        try:
            yield [value.encode()]
        except UnicodeEncodeError:
            raise bad_leaf(number, LogError("public_log.lone_surrogate")) from None
