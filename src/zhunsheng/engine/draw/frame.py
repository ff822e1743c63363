"""The frozen frame: who could be drawn, committed before anyone can know the seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from operator import itemgetter

from zhunsheng.engine.draw.fields import text
from zhunsheng.engine.errors import DrawError, ZhunshengError
from zhunsheng.engine.identifiers import parse_id
from zhunsheng.engine.public_log import Json, canonical, leaf_hash, tree_root


@dataclass(frozen=True, slots=True)
class Frame:
    """A frozen frame 抽样框.

    leaves: one canonical JSON line a unit, in ascending byte order of id. This is what is hashed and published.
    root: root of the RFC 6962 tree over the leaves, 64 hexadecimal digits.
    strata: stratum → ids that can be drawn, ascending. A stratum whose units are all excluded is there, and empty.
    excluded: exclusion code → number of units that carry it: in the frame, seen by all, outside every N.
    """

    leaves: tuple[bytes, ...]
    root: str
    strata: Mapping[str, tuple[str, ...]]
    excluded: Mapping[str, int]

    @property
    def size(self) -> int:
        """The number of leaves, excluded units with them."""
        return len(self.leaves)

    @property
    def sizes(self) -> dict[str, int]:
        """N of each stratum: the units that can be drawn."""
        return {stratum: len(ids) for stratum, ids in self.strata.items()}


def check_unit_id(unit_id: str) -> None:
    """Refuses an id that is not `scheme:value`, or fails the check digits of its scheme.

    Printable ASCII without spaces, '|' and '='. A scheme known to `engine.identifiers` is checked by it (a
    统一社会信用代码 by GB 32100); of any other only the form can be checked.
    """
    if "|" in unit_id or "=" in unit_id:
        raise DrawError("draw.frame.bad_id", id=unit_id[:80])
    parse_id(unit_id)


def read_leaf(leaf: Mapping[str, Json]) -> tuple[str, str, str]:
    """Id, stratum and exclusion code ("" = can be drawn) of a leaf, after checking all its columns.

    A leaf has `id`, `stratum`, possibly `exclusion`, and any further columns that are to be committed. Names are
    printable text, values are text, whole numbers, true, false or null.
    """
    unit_id, stratum, exclusion = leaf.get("id"), leaf.get("stratum"), leaf.get("exclusion", "")
    if not isinstance(unit_id, str):
        raise DrawError("draw.frame.no_id")
    check_unit_id(unit_id)
    for column, value in leaf.items():
        text(column, f"{unit_id}.{column}")
        if not (value is None or isinstance(value, str | int)):
            raise DrawError("draw.frame.bad_value", id=unit_id, column=column)
    stratum = text(stratum, f"{unit_id}.stratum")
    return unit_id, stratum, text(exclusion, f"{unit_id}.exclusion", empty=True)


def freeze(leaves: Iterable[Mapping[str, Json]]) -> Frame:
    """Freezes units into a frame: checks every one, sorts by id, computes the root.

    leaves: one mapping a unit, as `read_leaf` wants it, in any order. A unit with a non-empty `exclusion` (for
        example CAP: visited often enough this year) stays in the frame with its code, is outside the N of its
        stratum, and cannot be drawn in this event.

    Raises DrawError for no units at all, a bad or repeated id, a failed check digit, a missing stratum, a value that is not text or a
    whole number. `where` is the number of the unit as given, from 1, and its id.

    >>> frame = freeze([{"id": "demo:2", "stratum": "A"}, {"id": "demo:1", "stratum": "A"}])
    >>> frame.sizes, frame.leaves[0]
    ({'A': 2}, b'{"id":"demo:1","stratum":"A"}')
    """
    rows: list[tuple[str, str, str, bytes]] = []
    for number, leaf in enumerate(leaves, 1):
        try:
            rows.append((*read_leaf(leaf), canonical(leaf)))
        except ZhunshengError as error:
            raise DrawError.of(error.reason, where=f"{number} {leaf.get('id', '')}".strip()) from None
    if not rows:
        raise DrawError("draw.frame.empty")
    rows.sort(key=itemgetter(0))  # ids are ASCII, so text order is byte order
    for before, after in zip(rows, rows[1:], strict=False):
        if before[0] == after[0]:
            raise DrawError("draw.frame.duplicate_id", id=after[0])
    return build_frame(rows)


def build_frame(rows: Iterable[tuple[str, str, str, bytes]]) -> Frame:
    """A frame from checked (id, stratum, exclusion, leaf) in ascending order of id."""
    leaves: list[bytes] = []
    strata: dict[str, list[str]] = {}
    excluded: dict[str, int] = {}
    for unit_id, stratum, exclusion, leaf in rows:
        leaves.append(leaf)
        ids = strata.setdefault(stratum, [])
        if exclusion:
            excluded[exclusion] = excluded.get(exclusion, 0) + 1
        else:
            ids.append(unit_id)
    return Frame(
        leaves=tuple(leaves),
        root=tree_root([leaf_hash(leaf) for leaf in leaves]).hex(),
        strata={stratum: tuple(strata[stratum]) for stratum in sorted(strata)},
        excluded=dict(sorted(excluded.items())),
    )


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
