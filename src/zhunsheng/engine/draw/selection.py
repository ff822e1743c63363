"""Selection 抽取: a ticket for every unit, the smallest tickets of each stratum."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from json import loads
from math import isqrt

from zhunsheng.engine.draw.frame import Frame, check_n
from zhunsheng.engine.draw.leaf import speciality_of
from zhunsheng.engine.draw.pareto import check_scale, likely_ticket, pareto_key
from zhunsheng.engine.draw.seal import Sealer
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json
from zhunsheng.engine.suites import SHA256, Suite

HIGHEST = b"\xff" * 32


@dataclass(frozen=True, slots=True)
class Selected:
    """A drawn unit: its ticket (64 hexadecimal digits), its rank in the stratum from 1, its inclusion probability.

    stratum: the full name. In a joint draw a unit stands once for each list that drew it, with the same ticket.
    """

    id: str
    stratum: str
    ticket: str
    rank: int
    probability: Fraction

    def as_json(self) -> dict[str, Json]:
        """The unit as it stands in the bundle."""
        return {
            "id": self.id,
            "stratum": self.stratum,
            "ticket": self.ticket,
            "rank": self.rank,
            "probability": str(self.probability),
        }


def ticket(seed: str, name: str, suite: Suite = SHA256) -> str:
    """H(seed + "|target|" + name): name is the id in open mode, the tag in sealed mode. Anyone can compute it by hand."""
    return suite.hex(f"{seed}|target|{name}".encode())


def targets(selection: Iterable[Selected]) -> tuple[str, ...]:
    """The drawn units, each once, ascending: several lists that drew one firm make one visit (综合查一次)."""
    return tuple(sorted({unit.id for unit in selection}))


def specialities(frame: Frame, selection: Iterable[Selected]) -> dict[str, str]:
    """Drawn unit → what its lead must hold, ascending by id: the column `speciality` of the lists that drew it, together.

    `[Target(*one) for one in specialities(frame, drawn).items()]` are the targets of the constraints.
    """
    drawn_by: dict[str, list[str]] = {}
    for unit in selection:
        drawn_by.setdefault(unit.id, []).append(unit.stratum.partition("/")[0] if frame.lists else "")
    made: dict[str, str] = {}
    for unit_id, names in sorted(drawn_by.items()):
        line = frame.leaves[bisect_left(frame.leaves, unit_id, key=id_of)]
        made[unit_id] = speciality_of(loads(line), names)
    return made


def select(frame: Frame, seed: str, n: Mapping[str, int]) -> tuple[Selected, ...]:
    """In each stratum the n units with the smallest tickets, ties by id; strata ascending, then rank.

    Simple random sampling without replacement within strata: each unit of a stratum is drawn with probability
    exactly n/N. In a stratum of `frame.pareto` the n smallest keys are drawn, each unit with probability lambda/scale
    (near-exact, see `select_pareto`). Units with an exclusion code are in no stratum's N and are never drawn.
    In a sealed frame tickets are made of the tags, and ties are broken by them.

    Raises DrawError if n does not fit the frame (see `check_n`).
    """
    check_n(frame.sizes, n)
    chosen: list[Selected] = []
    sealer = Sealer(frame.seal_key, frame.draw, frame.suite) if frame.seal_key else None
    for stratum, ids in frame.strata.items():
        names = [sealer.tag(unit.encode()) for unit in ids] if sealer else ids
        weights = frame.pareto.get(stratum)
        if weights is None:
            kept = _smallest(names, ids, seed, n[stratum], frame.suite)
            chosen += ranked(stratum, kept, Fraction(n[stratum], len(ids)) if ids else Fraction(0))
        else:
            units = [(name, unit, stratum) for name, unit in zip(names, ids, strict=True)]
            chosen += _with_shares(_pareto(units, seed, n[stratum], weights, frame), weights, frame.scale)
    return tuple(chosen)


def ranked(stratum: str, kept: Iterable[tuple[bytes, str, str]], probability: Fraction) -> list[Selected]:
    """Units of (ticket, name, id) in their order, drawn with one probability."""
    return [Selected(unit, stratum, digest.hex(), rank, probability) for rank, (digest, _, unit) in enumerate(kept, 1)]


def _smallest(
    names: Sequence[str], ids: Sequence[str], seed: str, n: int, suite: Suite
) -> list[tuple[bytes, str, str]]:
    """The n smallest (ticket, name, id), ascending.

    The first block of 64 bytes is the seed itself, so it is hashed once. Tickets are spread evenly, so nearly all
    can be dropped at once by a bound a little above the n-th smallest that is to be expected; should it have cut too
    much, all tickets are kept.
    """
    if n == 0:
        return []
    start = suite.start(f"{seed}|target|".encode()).copy
    kept: list[tuple[bytes, str, str]] = []
    for bound in (likely_bound(n, len(ids)), HIGHEST):
        for name, unit in zip(names, ids, strict=True):
            state = start()
            state.update(name.encode())
            if (digest := state.digest()) <= bound:
                kept.append((digest, name, unit))
        if len(kept) >= n:
            break
        kept.clear()
    kept.sort()
    return kept[:n]


def likely_bound(n: int, size: int) -> bytes:
    """A ticket above which the n-th smallest of `size` tickets hardly ever lies."""
    wanted = n + 8 * isqrt(n) + 32  # eight standard deviations: the second pass is never seen in practice
    highest = int.from_bytes(HIGHEST, "big")
    return min(highest, highest * wanted // max(size, 1)).to_bytes(len(HIGHEST), "big")


@dataclass(frozen=True, slots=True)
class Standing:
    """How one unit fared in one stratum, for a page that shows it.

    exclusion: the code that kept it out of the draw, or "". ticket: of the unit; in a sealed draw made of its tag.
    rank: its place in the stratum from 1, 0 where excluded. size, n: units that could be drawn, and were.
    last: ticket of the last unit drawn, the cut-off; "" where none is drawn. In a stratum drawn by size the order is
    that of the keys, not of the tickets.
    """

    stratum: str
    exclusion: str
    ticket: str
    rank: int
    size: int
    n: int
    probability: Fraction
    last: str

    @property
    def drawn(self) -> bool:
        """Whether this stratum drew the unit."""
        return 0 < self.rank <= self.n


def id_of(line: bytes) -> str:
    """The id in an open line of a frame."""
    return str(loads(line)["id"])


def select_pareto(frame: Frame, seed: str, n: int, lambda_per_mille: Mapping[str, int]) -> tuple[Selected, ...]:
    """Draws n units of the whole frame with unequal probabilities: Pareto order sampling on the same tickets.

    lambda_per_mille: id → 1000 × the wanted inclusion probability, a whole number from 1 to 1000, for every unit that
        can be drawn; 1000 is certain. Their sum must be 1000 n within the rounding of one each.

    With k = the first 16 hexadecimal digits of the ticket as an integer and a = lambda_per_mille, the n smallest keys
    k(1000−a) / ((2^64−k)a) are drawn; keys are compared exactly, ties by ticket, then id. The probability given is
    a/1000: near-exact for this design, not exact (Rosén 1997, "On sampling with probability proportional to size").
    `rank` is the place in the order of keys over the whole frame, from 1.
    """
    units = [(unit_id, unit_id, stratum) for stratum, ids in frame.strata.items() for unit_id in ids]
    for unit_id, _, _ in units:
        if not 1 <= lambda_per_mille.get(unit_id, 0) <= 1000:
            raise DrawError("draw.pareto.bad_lambda", id=unit_id, scale=1000)
    total = sum(lambda_per_mille[unit_id] for unit_id, _, _ in units)
    if not 1 <= n <= len(units) or abs(total - 1000 * n) >= len(units):
        raise DrawError("draw.pareto.bad_sum", total=total, n=n, scale=1000)
    return _with_shares(_pareto(units, seed, n, lambda_per_mille, frame, 1000), lambda_per_mille, 1000)


def _pareto(
    units: Sequence[tuple[str, str, str]],
    seed: str,
    n: int,
    weights: Mapping[str, int],
    frame: Frame,
    scale: int = 0,
) -> list[tuple[int, bytes, str, str, str]]:
    """The n first (key, ticket, name, id, stratum) of (name, id, stratum) units, in the order in which they are drawn.

    As with equal probabilities most units are dropped by their ticket alone, before a key is computed; should that
    have cut too much, all keys are.
    """
    scale = scale or frame.scale
    check_scale(scale)
    start = frame.suite.start(f"{seed}|target|".encode()).copy
    made: list[tuple[int, bytes, str, str, str]] = []
    for bounded in (True, False):
        bounds: dict[int, bytes] = {}
        for name, unit, stratum in units:
            weight = weights[unit]
            bound = bounds.get(weight)
            if bound is None:
                bound = bounds[weight] = likely_ticket(weight, scale) if bounded else HIGHEST
            state = start()
            state.update(name.encode())
            if (digest := state.digest()) <= bound:
                made.append((pareto_key(digest, weight, scale), digest, name, unit, stratum))
        if len(made) >= n:
            break
        made.clear()
    made.sort()
    return made[:n]


def _with_shares(
    drawn: Iterable[tuple[int, bytes, str, str, str]], weights: Mapping[str, int], scale: int
) -> tuple[Selected, ...]:
    return tuple(
        Selected(unit, stratum, digest.hex(), rank, Fraction(weights[unit], scale))
        for rank, (_, digest, _, unit, stratum) in enumerate(drawn, 1)
    )
