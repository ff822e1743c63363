"""Standing 名次: how one unit stands in a draw, read off the lines of the frame in one light pass.

The frame is not built and nothing is drawn: this is for a page that is asked about one firm.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

from zhunsheng.engine.draw.announce import Terms
from zhunsheng.engine.draw.leaf import LeafReader, Place
from zhunsheng.engine.draw.pareto import pareto_key
from zhunsheng.engine.draw.seal import Sealer
from zhunsheng.engine.draw.selection import Standing, id_of

_Order: TypeAlias = tuple[int, bytes, bytes]
"""(Pareto key or 0, ticket, name): the order in which the units of a stratum are drawn."""


def standings(
    lines: Sequence[bytes], terms: Terms, seed: str, unit_id: str, key: str = ""
) -> tuple[Standing, ...] | None:
    """How a unit stands, one standing a stratum it is in; None for a unit that is not on the list.

    lines: the open lines of the frame, ascending by id. seed: "" before there is one; ticket, rank and cut-off are then
    empty. key: K of a sealed draw that is opened, whose tickets are made of the tags. That the lines are those announced
    is not looked at (`membership_of` does).

    Raises DrawError for lines that are no frame.
    """
    at = bisect_left(lines, unit_id, key=id_of)
    if at == len(lines) or id_of(lines[at]) != unit_id:
        return None
    reader = LeafReader(sorted(terms.lists), terms.pareto)
    name, own, weights = reader.read(lines[at])
    mine = {stratum: weight for stratum, _, weight in weights}
    orders: dict[str, list[_Order]] = {place.stratum: [] for place in own.places}
    label = Sealer(key, terms.draw, terms.suite).tag if key else None
    start = terms.suite.start(f"{seed}|target|".encode()).copy

    def order(unit: bytes, weight: int | None) -> _Order:
        called = label(unit).encode() if label is not None else unit
        state = start()
        state.update(called)
        digest = state.digest()
        return 0 if weight is None else pareto_key(digest, weight, terms.scale), digest, called

    if seed:
        for unit, alike, given in reader.read_all(lines):
            known = {stratum: weight for stratum, _, weight in given} if given else {}
            for place in alike.places:
                if not place.exclusion and place.stratum in orders:
                    orders[place.stratum].append(order(unit, known.get(place.stratum)))
    ticket = order(name, None)[1].hex() if seed else ""

    def standing(place: Place) -> Standing:
        size, n = terms.sizes.get(place.stratum, 0), terms.n.get(place.stratum, 0)
        share, rank, last = Fraction(n, size) if size else Fraction(0), 0, ""
        if place.exclusion:
            share = Fraction(0)
        elif place.stratum in mine:
            share = Fraction(mine[place.stratum], terms.scale)
        if seed:
            ranked = sorted(orders[place.stratum])
            rank = 0 if place.exclusion else bisect_left(ranked, order(name, mine.get(place.stratum))) + 1
            last = ranked[n - 1][1].hex() if 0 < n <= len(ranked) else ""
        return Standing(place.stratum, place.exclusion, ticket, rank, size, n, share, last)

    return tuple(standing(place) for place in own.places)
