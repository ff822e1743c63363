"""The draw over a frame too large for the memory of one process: tickets and selection by SQL, the engine's answer.

The engine (`zhunsheng.engine.draw`) stays the definition. Here the same is asked of a table `unit`:

    id       text, each once (the freezing of the frame has seen to it)
    tag      text of which the ticket is made; NULL in an open draw, where it is the id
    stratum  full name of the stratum (`list/stratum` in a joint draw: then a unit has a row for each list)
    share    a of the inclusion probability a/scale in a Pareto stratum, else NULL

with only the units that can be drawn. SHA-256 only: neither engine has SM3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from heapq import merge, nsmallest
from itertools import chain, groupby
from math import isqrt
from operator import attrgetter, itemgetter

from zhunsheng.analytics.engines import Columns, Engine, Row, sql
from zhunsheng.engine.draw.pareto import pareto_key
from zhunsheng.engine.draw.selection import Selected
from zhunsheng.engine.errors import DrawError

UNIT: Columns = (("id", "VARCHAR"), ("tag", "VARCHAR"), ("stratum", "VARCHAR"), ("share", "INTEGER"))

_SEED: Columns = (("seed", "VARCHAR"),)
_QUOTA: Columns = (
    ("stratum", "VARCHAR"), ("n", "BIGINT"), ("cutoff", "VARCHAR"), ("scale", "INTEGER"), ("factor", "BIGINT"),
)  # fmt: skip
_HIGHEST = 2**256 - 1
_EVERY_TICKET = f"{_HIGHEST:064x}"


@dataclass(frozen=True, slots=True)
class _Quota:
    """What is wanted of a stratum, and how far to look for it: see draw_selection.sql and draw_pareto.sql."""

    stratum: str
    size: int
    n: int
    cutoff: str = _EVERY_TICKET
    scale: int = 0
    factor: int = 0

    def row(self) -> Row:
        return (self.stratum, self.n, self.cutoff, self.scale, self.factor)

    def wider(self) -> _Quota:
        """The same with a bound that lets more through: in the end every unit."""
        return replace(self, cutoff=_EVERY_TICKET, factor=_in_digits(self.factor * 16))


def select(
    engine: Engine,
    seed: str,
    sizes: Mapping[str, int],
    n: Mapping[str, int],
    *,
    scale: int = 0,
    pareto: Collection[str] = (),
) -> Iterator[Selected]:
    """The units of the table `unit` that the engine would select: strata ascending, then rank.

    sizes, n, scale, pareto: N, n and the Pareto strata as announced. The shares of a Pareto stratum add up to scale × n.

    Raises DrawError where the table does not fit them, before a unit is given out.

    Memory: what the database may hold, and of a Pareto stratum at most some twice n candidates here.
    """
    found = {str(row[0]): row for row in engine.rows(sql("draw_stratum"))}
    quotas: list[_Quota] = []
    for stratum in sorted(sizes.keys() | found.keys()):
        size = int(found[stratum][1]) if stratum in found else 0
        if stratum not in sizes or size != sizes[stratum]:
            raise DrawError("analytics.sizes", stratum=stratum, found=size, size=sizes.get(stratum, 0))
        if not min(size, 1) <= n.get(stratum, 0) <= size:
            raise DrawError("draw.n.out_of_range", stratum=stratum, n=n.get(stratum, 0), size=size)
        if size == 0:
            continue
        if stratum not in pareto:
            quotas.append(_Quota(stratum, size, n[stratum], _cutoff(n[stratum], size)))
            continue
        shares, least, most, total, squares = map(int, found[stratum][2:])
        if not (shares == size and least >= 1 and most <= scale and total == scale * n[stratum]):
            raise DrawError("analytics.shares", stratum=stratum, scale=scale, n=n[stratum], total=total)
        quotas.append(_Quota(stratum, size, n[stratum], scale=scale, factor=_factor(total, squares, scale)))
    engine.table("seed", _SEED, [(seed,)])
    engine.view("ticket", sql("draw_ticket"))
    return merge(
        _equal(engine, [quota for quota in quotas if not quota.scale]),
        _pareto(engine, [quota for quota in quotas if quota.scale]),
        key=attrgetter("stratum"),
    )


def _equal(engine: Engine, quotas: list[_Quota]) -> Iterator[Selected]:
    for quota, rows in _enough(engine, "draw_selection", quotas):
        probability = Fraction(quota.n, quota.size)
        for _, _, unit_id, ticket, place in rows:
            yield Selected(unit_id, quota.stratum, ticket, place, probability)


def _pareto(engine: Engine, quotas: list[_Quota]) -> Iterator[Selected]:
    for quota, rows in _enough(engine, "draw_pareto", quotas):
        keys = (
            (pareto_key(bytes.fromhex(ticket), share, quota.scale), ticket, tag, unit_id, share)
            for _, _, unit_id, tag, ticket, share in rows
        )
        for place, (_, ticket, _, unit_id, share) in enumerate(nsmallest(quota.n, keys), 1):
            yield Selected(unit_id, quota.stratum, ticket, place, Fraction(share, quota.scale))


def _enough(engine: Engine, question: str, quotas: list[_Quota]) -> Iterator[tuple[_Quota, Iterator[Row]]]:
    """Each stratum with its rows; where the bound let fewer than n through, it is asked again with a wider one."""
    if not quotas:
        return
    engine.table("quota", _QUOTA, [quota.row() for quota in quotas])
    answer = groupby(engine.rows(sql(question)), key=itemgetter(0))
    stratum, rows = next(answer, (None, iter(())))
    for quota in quotas:
        if stratum != quota.stratum:  # not a single one was let through
            yield from _enough(engine, question, [quota.wider()])
            continue
        first = next(rows)
        if first[1] < quota.n:
            yield from _enough(engine, question, [quota.wider()])
        else:
            yield quota, chain([first], rows)
        stratum, rows = next(answer, (None, iter(())))


def _cutoff(n: int, size: int) -> str:
    """A ticket below which n + 8√n + 32 of `size` are expected: more than n but for eight standard deviations."""
    return f"{min(_HIGHEST, _HIGHEST * (n + 8 * isqrt(n) + 32) // size):064x}"


def _factor(total: int, squares: int, scale: int) -> int:
    """1000 × a Pareto key below which comfortably more than n are expected.

    V = Σ λ(1−λ) is the variance of the number of keys up to 1, whose expectation is Σ λ = n; a little above 1 it grows
    by V for each unit of the key. In whole numbers, rounded up.
    """
    thousandths = max(1, 1000 * (total * scale - squares) // scale**2)  # 1000 V
    return _in_digits(1000 + 12 * 1000 * 1000 // isqrt(1000 * thousandths) + 100 * 1000 * 1000 // thousandths)


def _in_digits(factor: int) -> int:
    """The factor, or 0 (everyone) where it would not fit the DECIMAL(9, 0) of the query."""
    return factor if factor < 10**9 else 0
