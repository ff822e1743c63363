"""The frozen frame: who could be drawn, committed before anyone can know the seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, pairwise
from operator import itemgetter

from zhunsheng.engine.draw.fields import LIST_NAME
from zhunsheng.engine.draw.leaf import (
    Alike,
    LeafReader,
    Weights,
    check_unit_id,
    column,
    good_unit_id,
    read_columns,
)
from zhunsheng.engine.draw.pareto import SCALE, check_scale, lambdas
from zhunsheng.engine.draw.seal import SealedLine, sealed_lines
from zhunsheng.engine.errors import DrawError, ZhunshengError
from zhunsheng.engine.identifiers import schemes
from zhunsheng.engine.public_log import Json, canonical, tree_root
from zhunsheng.engine.suites import SHA256, Suite

__all__ = ["Frame", "allocate", "check_n", "check_unit_id", "count_strata", "freeze", "thaw"]

_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Frame:
    """A frozen frame 抽样框.

    leaves: one canonical JSON line a unit, in ascending byte order of id: the open lines.
    root: root of the RFC 6962 tree, 64 hexadecimal digits: over the leaves, or over the sealed lines.
    strata: full name of the stratum → ids that can be drawn, ascending. A stratum whose units are all excluded is
        there, and empty. In a draw of several lists the full name is `list/stratum`.
    excluded: exclusion code → in how many places it stands: in the frame, seen by all, outside every N.
    lists: names of the lists of a joint draw, in their order; empty for one list.
    pareto: full name of a stratum drawn with unequal probabilities → id → lambda; scale: the lambda of a certain unit.
    sealed: the sealed lines with seals and tags, ascending by seal; empty in open mode. seal_key: K, "" in open mode;
    draw: the number of the draw that a sealed frame is for, else "".
    """

    leaves: tuple[bytes, ...]
    root: str
    strata: Mapping[str, tuple[str, ...]]
    excluded: Mapping[str, int]
    lists: tuple[str, ...] = ()
    pareto: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    scale: int = SCALE
    suite: Suite = SHA256
    sealed: tuple[SealedLine, ...] = field(default=(), repr=False)
    seal_key: str = field(default="", repr=False)
    draw: str = ""

    @property
    def size(self) -> int:
        """The number of leaves, excluded units with them."""
        return len(self.leaves)

    @property
    def sizes(self) -> dict[str, int]:
        """N of each stratum: the units that can be drawn."""
        return {stratum: len(ids) for stratum, ids in self.strata.items()}

    @property
    def lines(self) -> tuple[bytes, ...]:
        """What the root is over: the sealed lines of a sealed frame, the leaves of an open one."""
        return tuple(one.line for one in self.sealed) if self.seal_key else self.leaves


def count_strata(leaves: Iterable[Mapping[str, Json]], lists: Sequence[str] = ()) -> dict[str, int]:
    """N of each stratum of units that are not frozen yet: what `allocate` needs before a frame with Pareto strata.

    Raises DrawError for what `freeze` would refuse of single units.
    """
    found: dict[str, int] = {}
    for number, leaf in enumerate(leaves, 1):
        try:
            _, places = read_columns({key: leaf[key] for key in leaf if not _is_weight(key, lists)}, lists)
        except ZhunshengError as error:
            raise _at(error, number, leaf) from None
        for place in places:
            found[place.stratum] = found.get(place.stratum, 0) + (not place.exclusion)
    return dict(sorted(found.items()))


def _is_weight(key: str, lists: Sequence[str]) -> bool:
    return any(key == column(one, "lambda") for one in lists or ("",))


def freeze(
    leaves: Iterable[Mapping[str, Json]],
    *,
    lists: Sequence[str] = (),
    pareto: Mapping[str, int] | None = None,
    scale: int = SCALE,
    suite: Suite = SHA256,
    seal_key: str = "",
    draw: str = "",
) -> Frame:
    """Freezes units into a frame: checks every one, sorts by id, computes the root.

    leaves: one mapping a unit, in any order, with `id`, `stratum`, possibly `exclusion`, and any further columns that
        are to be committed (`leaf.read_columns`). A unit with a non-empty `exclusion` (for example CAP: visited often
        enough this year) stays in the frame with its code, is outside the N of its stratum, and cannot be drawn in
        this event.
    lists: the names of the lists of a joint draw (several departments); the columns are then `<list>.stratum`,
        `<list>.exclusion`, `<list>.size`, and a unit is on at least one list.
    pareto: full name of a stratum → n, for strata drawn with unequal probabilities: each unit that can be drawn there
        has a `size`, and its `lambda` is computed from it and committed with the leaf. `count_strata` and `allocate`
        give n beforehand.
    scale: the lambda of a certain unit, 1000000 or 1000.
    suite: the hashes of this draw. seal_key: K of a sealed draw, 64 hexadecimal digits drawn from the operating system,
    with `draw`, the number of the draw, which goes into every seal.

    Raises DrawError for no units at all, a bad or repeated id, a failed check digit, a missing stratum, a value that
    is not text or a whole number, a size that is none. `where` is the number of the unit as given, from 1, and its id.

    >>> frame = freeze([{"id": "demo:2", "stratum": "A"}, {"id": "demo:1", "stratum": "A"}])
    >>> frame.sizes, frame.leaves[0]
    ({'A': 2}, b'{"id":"demo:1","stratum":"A"}')
    """
    check_lists(lists)
    lists = tuple(sorted(lists))
    given: Iterable[Mapping[str, Json]] = leaves
    if pareto:
        check_scale(scale)
        given = _weighted(list(leaves), lists, pareto, scale)
    rows = _rows(given, lists, tuple(pareto or ()))
    if not rows:
        raise DrawError("draw.frame.empty")
    rows.sort(key=itemgetter(0))  # ids are ASCII, so text order is byte order
    for before, after in pairwise(rows):
        if before[0] == after[0]:
            raise DrawError("draw.frame.duplicate_id", id=after[0])
    return _build(rows, lists, dict(pareto or {}), scale, suite, seal_key, draw)


def thaw(
    lines: Iterable[bytes],
    *,
    lists: Sequence[str] = (),
    pareto: Sequence[str] = (),
    scale: int = SCALE,
    suite: Suite = SHA256,
    seal_key: str = "",
    draw: str = "",
) -> Frame:
    """The frame of stored open lines, as they were frozen: form and ids are checked again, the root is computed again.

    lists, pareto (full names), scale, suite, draw: as announced. Raises DrawError for a line that is not canonical or is
    refused by `freeze`; `where` is its number, from 1.
    """
    check_lists(lists)
    rows: list[_Row] = []
    reader = LeafReader(sorted(lists), pareto)
    for number, line in enumerate(lines, 1):
        try:
            if not line.isascii():
                line.decode()
            unit_id, alike, weights = reader.read(line)
        except (ZhunshengError, UnicodeDecodeError) as error:
            if isinstance(error, ZhunshengError):
                raise _at(error, number, {}) from None
            raise DrawError("public_log.not_utf8", where=str(number), at=error.start) from None
        rows.append((unit_id.decode(), alike, weights, line))
    if not rows:
        raise DrawError("draw.frame.empty")
    for before, after in pairwise(rows):
        if before[0] >= after[0]:
            raise DrawError("draw.verify.out_of_order", before=before[0], id=after[0])
    return _build(rows, tuple(sorted(lists)), dict.fromkeys(pareto, 0), scale, suite, seal_key, draw)


def check_lists(lists: Sequence[str]) -> None:
    """Refuses names of lists that are ill-formed or repeated."""
    for name in lists:
        if not LIST_NAME.fullmatch(name):
            raise DrawError("draw.frame.list_name", name=name[:60])
    if len(set(lists)) != len(lists):
        raise DrawError("draw.frame.list_twice")


_Row = tuple[str, Alike, Weights, bytes]  # id, what it is alike, weights, line


def _at(error: ZhunshengError, number: int, leaf: Mapping[str, Json]) -> DrawError:
    return DrawError.of(error.reason, where=f"{number} {leaf.get('id', '')}".strip())


def _weighted(
    leaves: Sequence[Mapping[str, Json]], lists: Sequence[str], pareto: Mapping[str, int], scale: int
) -> list[Mapping[str, Json]]:
    """The leaves with the `lambda` of every unit that can be drawn in a Pareto stratum."""
    sizes: dict[str, dict[str, int]] = {stratum: {} for stratum in pareto}
    where: list[tuple[str, tuple[tuple[str, str], ...]]] = []
    for number, leaf in enumerate(leaves, 1):
        try:
            unit_id, places = read_columns(leaf, lists, pareto)
            drawn = tuple(place for place in places if place.stratum in pareto and not place.exclusion)
            for place in drawn:
                if not place.size:
                    raise DrawError("draw.pareto.bad_size", id=unit_id, stratum=place.stratum)
                sizes[place.stratum][unit_id] = place.size
        except ZhunshengError as error:
            raise _at(error, number, leaf) from None
        listed = (place.stratum.partition("/")[0] if lists else "" for place in drawn)
        where.append((unit_id, tuple(zip((p.stratum for p in drawn), listed, strict=True))))
    found: dict[str, dict[str, int]] = {}
    for stratum, n in pareto.items():
        try:
            found[stratum] = lambdas(sizes[stratum], n, scale) if n or sizes[stratum] else {}
        except DrawError as error:
            raise DrawError.of(error.reason, where=stratum) from None
    made: list[Mapping[str, Json]] = []
    for leaf, (unit_id, strata) in zip(leaves, where, strict=True):
        weights: dict[str, Json] = {column(one, "lambda"): found[stratum][unit_id] for stratum, one in strata}
        for name, weight in weights.items():
            if leaf.get(name, weight) != weight:
                raise DrawError("draw.pareto.other_lambda", where=unit_id, column=name, expected=str(weight))
        made.append({**leaf, **weights} if weights else leaf)
    return made


def _rows(leaves: Iterable[Mapping[str, Json]], lists: tuple[str, ...], pareto: tuple[str, ...]) -> list[_Row]:
    reader = LeafReader(lists, pareto)
    shapes: dict[tuple[str, ...], _Shape] = {}
    rows: list[_Row] = []
    for number, leaf in enumerate(leaves, 1):
        shape = shapes.get(keys := tuple(leaf))
        line = b""
        if shape is not None:
            values = shape.pick(leaf)
            if set(map(type, values)) == _TEXT:
                written = shape.template % values
                if written.isprintable() and written.count('"') == shape.quotes and "\\" not in written:
                    line = written.encode()
                    alike = shape.known.get(shape.told(leaf))
                    unit_id: str = leaf["id"]  # type: ignore[assignment]  # all values are text
                    if alike is not None and good_unit_id(unit_id.encode()):
                        rows.append((unit_id, alike, (), line))
                        continue
        try:
            line = line or canonical(leaf)
            unit, alike, weights = reader.read(line)
        except ZhunshengError:
            _refuse(leaf, lists, pareto, number)
            raise
        rows.append((unit.decode(), alike, weights, line))
        if shape is None and len(shapes) < _MOST_SHAPES:
            shape = shapes[keys] = _Shape.of(keys, lists)
        if shape is not None and not alike.weighted and len(shape.known) < _MOST_KNOWN:
            shape.known[shape.told(leaf)] = alike
    return rows


def _refuse(leaf: Mapping[str, Json], lists: Sequence[str], pareto: Sequence[str], number: int) -> None:
    """Raises for a bad unit, by its number. Wrong columns come before what cannot be written."""
    try:
        read_columns(leaf, lists, pareto)
        canonical(leaf)
    except ZhunshengError as error:
        raise _at(error, number, leaf) from None


@dataclass(slots=True)
class _Shape:
    """Leaves with the same columns: the template of their canonical line where all values are text that needs no
    escapes, and which of them stand alike, by what strata and exclusions say. Made of a leaf that passed."""

    pick: Callable[[Mapping[str, Json]], tuple[Json, ...]]
    template: str
    quotes: int
    told: Callable[[Mapping[str, Json]], tuple[Json, ...] | Json]
    known: dict[tuple[Json, ...] | Json, Alike] = field(default_factory=dict)

    @classmethod
    def of(cls, keys: Sequence[str], lists: Sequence[str]) -> _Shape:
        ordered = sorted(keys, key=lambda key: key.encode("utf-16-be"))
        cells = [canonical(key).decode() + ':"%s"' for key in ordered]
        template = "{" + ",".join(cell[:-3].replace("%", "%%") + cell[-3:] for cell in cells) + "}"
        own = [column(one, part) for one in lists or ("",) for part in ("stratum", "exclusion", "lambda", "speciality")]
        told = [key for key in ordered if key in own]
        return cls(itemgetter(*ordered), template, template.count('"'), itemgetter(*told))


_MOST_SHAPES = 1000
_MOST_KNOWN = 100_000
_TEXT = {str}


def _build(
    rows: Sequence[_Row],
    lists: tuple[str, ...],
    pareto: Mapping[str, int],
    scale: int,
    suite: Suite,
    seal_key: str,
    draw: str,
) -> Frame:
    kinds = Kinds()
    for unit_id, _, _, _ in rows:
        kinds.see(unit_id.encode())
    if kinds.twice:
        raise DrawError("draw.frame.same_firm", org=kinds.twice[0], id=kinds.twice[1])
    members: dict[Alike, list[str]] = {}
    weights: dict[str, dict[str, int]] = {stratum: {} for stratum in sorted(pareto)}
    for unit_id, alike, weighted, _ in rows:
        if (ids := members.get(alike)) is None:
            ids = members[alike] = []
        ids.append(unit_id)
        for stratum, _, weight in weighted:
            weights[stratum][unit_id] = weight
    strata: dict[str, list[str]] = {}
    excluded: dict[str, int] = {}
    for alike, ids in members.items():
        for place in alike.places:
            drawable = strata.setdefault(place.stratum, [])
            if place.exclusion:
                excluded[place.exclusion] = excluded.get(place.exclusion, 0) + len(ids)
            else:
                drawable += ids
    for ids in strata.values():
        ids.sort()
    leaves = [row[3] for row in rows]
    for stratum in weights:
        if stratum not in strata:
            raise DrawError("draw.n.unknown_stratum", stratum=stratum)
    sealed = sealed_lines(((row[0], row[3]) for row in rows), seal_key, draw, suite) if seal_key else ()
    return Frame(
        leaves=tuple(leaves),
        root=root_of((one.line for one in sealed) if seal_key else leaves, suite),
        strata={stratum: tuple(strata[stratum]) for stratum in sorted(strata)},
        excluded=dict(sorted(excluded.items())),
        lists=lists,
        pareto=weights,
        scale=scale,
        suite=suite,
        sealed=sealed,
        seal_key=seal_key,
        draw=draw if seal_key else "",
    )


class Kinds:
    """What kinds of ids a frame holds, seen in ascending order: how many have no check digits, and a firm that stands
    under both its codes (the 组织机构代码 is part of the 统一社会信用代码)."""

    def __init__(self) -> None:
        self.unchecked = 0
        self.twice: tuple[str, str] | None = None
        self._orgs: set[bytes] = set()
        self._scheme, self._checked = b"", True

    def see(self, unit: bytes) -> None:
        """Counts one id."""
        if not unit.startswith(self._scheme) or not self._scheme:
            self._scheme = unit[: unit.index(b":") + 1]
            self._checked = self._scheme[:-1].decode() in schemes()
        if not self._checked:
            self.unchecked += 1
        elif self._scheme == b"org:":
            self._orgs.add(unit[4:])
        elif self._orgs and self._scheme == b"uscc:" and (org := unit[13:22]) in self._orgs and self.twice is None:
            self.twice = f"org:{org.decode()}", unit.decode()


def root_of(lines: Iterable[bytes], suite: Suite = SHA256) -> str:
    """The root of the tree over these lines, 64 hexadecimal digits."""
    tree, hashed = GrowingTree(suite), suite.start
    rest = iter(lines)
    while leaves := [hashed(b"\x00" + line).digest() for line in islice(rest, _BLOCK)]:
        tree.extend(leaves)
    return tree.root().hex()


class GrowingTree:
    """The root of a tree of leaf hashes that come one by one, in little memory.

    Full subtrees of 4096 leaves are hashed together at once: the tree over their roots is the tree over the leaves.
    """

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._blocks: list[bytes] = []
        self._open: list[bytes] = []

    def extend(self, leaves: list[bytes]) -> None:
        """More leaf hashes, in order."""
        self._open += leaves
        done = len(self._open) - len(self._open) % _BLOCK
        for start in range(0, done, _BLOCK):
            self._blocks.append(tree_root(self._open[start : start + _BLOCK], self._suite))
        del self._open[:done]

    def root(self) -> bytes:
        """The root of all leaves so far."""
        last = [tree_root(self._open, self._suite)] if self._open or not self._blocks else []
        return tree_root([*self._blocks, *last], self._suite)


def allocate(strata: Mapping[str, int], ratio: Mapping[str, Fraction] | Fraction) -> dict[str, int]:
    """How many to draw from each stratum: n = ceil(N × ratio), at least 1 where N > 0.

    strata: stratum → N, as in `Frame.sizes`.
    ratio: one ratio for all, or stratum → ratio; above 0 and at most 1, exact. Ratios for strata that do not occur
        are ignored. A ratio of 0 is refused: units that must not be drawn are excluded one by one, with a code that
        everyone can read.

    Raises DrawError for a stratum without a ratio, or a ratio outside (0, 1].

    >>> allocate({"A": 250, "B": 40, "D": 0}, {"A": Fraction(1, 100), "B": Fraction(2, 100), "D": Fraction(3, 10)})
    {'A': 3, 'B': 1, 'D': 0}
    """
    n: dict[str, int] = {}
    for stratum, size in strata.items():
        share = ratio if isinstance(ratio, Fraction) else ratio.get(stratum)
        if share is None:
            raise DrawError("draw.allocate.no_ratio", stratum=stratum)
        if not 0 < share <= 1:
            raise DrawError("draw.allocate.bad_ratio", stratum=stratum, ratio=str(share))
        n[stratum] = -(-size * share.numerator // share.denominator)
    return n


def check_n(sizes: Mapping[str, int], n: Mapping[str, int]) -> None:
    """Refuses numbers that do not fit the frame: a stratum forgotten or unknown, n of 0 or above N."""
    for stratum in n:
        if stratum not in sizes:
            raise DrawError("draw.n.unknown_stratum", stratum=stratum)
    for stratum, size in sizes.items():
        if stratum not in n:
            raise DrawError("draw.n.forgotten_stratum", stratum=stratum)
        if not min(size, 1) <= n[stratum] <= size:
            raise DrawError("draw.n.out_of_range", stratum=stratum, n=n[stratum], size=size)
