"""A draw made on another platform (provincial, national): what can be checked of it here, and what cannot.

Such a draw comes as lists: who could be drawn, who was, who was sent. Whether it was fair cannot be proved from lists
alone, because nobody outside saw when the list was fixed and where the random numbers came from. What can be done is done:

    check(draw, known)          counts, strata, duplicates, frequency limits, qualification and recusal of the inspectors
    plausibility(draws)         over many draws: would an honest lot have given this?
    UNVERIFIABLE                what no list can show, and why, in words

Tests of plausibility are two-sided, exact hypergeometric where the numbers are small, and corrected for their number by
Holm's method: over honest draws at most a share `significance` (dated table `draw/upstream`) of all reports shows an alarm.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import comb, erfc, exp, expm1, log1p, sqrt
from typing import Literal

from zhunsheng.engine import tables
from zhunsheng.engine.draw.frame import check_unit_id
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.words import Reason

Outcome = Literal["holds", "fails", "unusual", "not_judged"]

_EXACT = 400  # up to this many possible successes the sum of hypergeometric numbers is convolved exactly
_ENOUGH = 10  # drawn units from which the gaps between them say something


@dataclass(frozen=True, slots=True)
class ListedUnit:
    """A unit of the other platform's list, in the order of that list. `attributes`: division, size … as listed."""

    id: str
    stratum: str = ""
    drawn: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class UpstreamDraw:
    """A draw as the other platform handed it over.

    stated: stratum → (N, n) as that platform's papers say; ratios: stratum → the ratio of its plan, "*" for all others;
    both may be empty. teams: unit id → person numbers of those sent, the lead first.
    """

    no: str
    platform: str
    drawn_on: date
    units: tuple[ListedUnit, ...]
    stated: Mapping[str, tuple[int, int]] = field(default_factory=dict, hash=False)
    ratios: Mapping[str, Fraction] = field(default_factory=dict, hash=False)
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def drawn(self) -> tuple[ListedUnit, ...]:
        """The drawn units in the order of the list."""
        return tuple(unit for unit in self.units if unit.drawn)


@dataclass(frozen=True, slots=True)
class Person:
    """What this city's directory of inspectors knows of a person on the day of the draw."""

    certified: bool
    specialities: frozenset[str] = frozenset()
    recusals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Known:
    """What this city's own records say on the day of the draw; what is None is not known, and not judged.

    registered: ids of all units of the register. in_scope: those that the draw should have had on its list.
    visits: id → visits in the twelve months before; cap: how many are allowed. people: person number → Person.
    speciality: what a lead needs, "" for nothing.
    """

    registered: frozenset[str] | None = None
    in_scope: frozenset[str] | None = None
    visits: Mapping[str, int] | None = field(default=None, hash=False)
    cap: int | None = None
    people: Mapping[str, Person] | None = field(default=None, hash=False)
    speciality: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check found. `units`: the ids or person numbers at fault, ascending. p: of a test, None elsewhere."""

    name: str
    outcome: Outcome
    reason: Reason
    units: tuple[str, ...] = ()
    p: float | None = None


#: What no list of another platform can show: the code of each statement, with the reason in its text.
UNVERIFIABLE: tuple[Reason, ...] = tuple(
    Reason(f"upstream.cannot.{name}") for name in ("frame_time", "seed", "redraw", "completeness", "assignment")
)


def check(draw: UpstreamDraw, known: Known) -> tuple[Checked, ...]:
    """Every check of a single draw, in a fixed order: first the list in itself, then against what the city knows."""
    return (
        _ids(draw),
        _duplicates(draw),
        _counts(draw),
        _ratio(draw),
        _registered(draw, known),
        _coverage(draw, known),
        _cap(draw, known),
        _team_size(draw),
        *_people(draw, known),
    )


def _found(name: str, bad: Iterable[str], **params: str | int) -> Checked:
    units = tuple(sorted(set(bad)))
    if not units:
        return Checked(name, "holds", Reason(f"upstream.{name}.holds", params))
    return Checked(name, "fails", Reason(f"upstream.{name}.fails", {**params, "bad": len(units)}), units)


def _not_judged(name: str) -> Checked:
    return Checked(name, "not_judged", Reason(f"upstream.{name}.not_judged"))


def _ids(draw: UpstreamDraw) -> Checked:
    bad = []
    for unit in draw.units:
        try:
            check_unit_id(unit.id)
        except ZhunshengError:
            bad.append(unit.id)
    return _found("ids", bad, total=len(draw.units))


def _duplicates(draw: UpstreamDraw) -> Checked:
    counted = Counter(unit.id for unit in draw.units)
    return _found("duplicates", (unit for unit, count in counted.items() if count > 1), total=len(draw.units))


def _per_stratum(draw: UpstreamDraw) -> dict[str, tuple[int, int]]:
    size, drawn = Counter(u.stratum for u in draw.units), Counter(u.stratum for u in draw.units if u.drawn)
    return {stratum: (size[stratum], drawn[stratum]) for stratum in sorted(size)}


def _counts(draw: UpstreamDraw) -> Checked:
    """Stated N and n against the lists themselves."""
    if not draw.stated:
        return _not_judged("counts")
    real = _per_stratum(draw)
    return _found(
        "counts",
        (
            f"{stratum or '*'}: {said[0]}/{said[1]} ≠ {found[0]}/{found[1]}"
            for stratum in draw.stated.keys() | real.keys()
            if (said := draw.stated.get(stratum, (0, 0))) != (found := real.get(stratum, (0, 0)))
        ),
        strata=len(real),
    )


def _ratio(draw: UpstreamDraw) -> Checked:
    """n against ceil(N × ratio), at least 1: the rule of allocation used here and by most platforms."""
    if not draw.ratios:
        return _not_judged("ratio")
    bad = []
    for stratum, (size, n) in _per_stratum(draw).items():
        share = draw.ratios.get(stratum, draw.ratios.get("*"))
        if share is not None and n != (wanted := -(-size * share.numerator // share.denominator)):
            bad.append(f"{stratum or '*'}: {n} ≠ {wanted}")
    return _found("ratio", bad)


def _registered(draw: UpstreamDraw, known: Known) -> Checked:
    if known.registered is None:
        return _not_judged("registered")
    return _found("registered", (u.id for u in draw.units if u.id not in known.registered), total=len(draw.units))


def _coverage(draw: UpstreamDraw, known: Known) -> Checked:
    if known.in_scope is None:
        return _not_judged("coverage")
    return _found("coverage", known.in_scope - {unit.id for unit in draw.units}, total=len(known.in_scope))


def _cap(draw: UpstreamDraw, known: Known) -> Checked:
    """国办发〔2024〕54号: no more visits a year than published."""
    if known.visits is None or known.cap is None:
        return _not_judged("cap")
    bad = (unit.id for unit in draw.drawn() if known.visits.get(unit.id, 0) >= known.cap)
    return _found("cap", bad, cap=known.cap)


def _team_size(draw: UpstreamDraw) -> Checked:
    """行政处罚法 (2021) art. 42: at least two."""
    if not draw.teams:
        return _not_judged("team_size")
    return _found("team_size", (u.id for u in draw.drawn() if len(set(draw.teams.get(u.id, ()))) < 2))


def _people(draw: UpstreamDraw, known: Known) -> tuple[Checked, ...]:
    names = ("people", "certificates", "leads", "recusals")
    if not draw.teams or known.people is None:
        return tuple(_not_judged(name) for name in names)
    people, need = known.people, frozenset(known.speciality.split("+")) - {""}
    sent = [(unit, place, number) for unit, team in draw.teams.items() for place, number in enumerate(team)]
    return (
        _found("people", (number for _, _, number in sent if number not in people)),
        _found("certificates", (n for _, _, n in sent if n in people and not people[n].certified)),
        _found(
            "leads", (u for u, place, n in sent if not place and n in people and not need <= people[n].specialities)
        ),
        _found("recusals", (f"{u} {n}" for u, _, n in sent if n in people and u in people[n].recusals)),
    )


# ── over many draws ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Test:
    name: str
    params: Mapping[str, str | int]
    p: float


def plausibility(draws: Sequence[UpstreamDraw], on: date) -> tuple[Checked, ...]:
    """Tests of whether honest lots would have given what these draws show, the smallest p first.

    For every value of every attribute, and for units drawn by an earlier one of these draws: the number drawn, given N,
    n and how many have it in each stratum (sums of independent hypergeometric numbers). For each draw's list: whether
    drawn units stand early or late (rank sum) and whether they stand too evenly or in clumps (Greenwood's sum of squared
    gaps). Over all: how many units were drawn twice or more, how often the same inspector came back to the same unit.

    on: the day whose row of `draw/upstream` gives the significance. p is corrected by Holm over all tests. Draws without
    drawn units count for nothing; no draws give no tests.
    """
    ordered = sorted(draws, key=lambda draw: (draw.drawn_on, draw.no))
    tests = [*_attribute_tests(ordered), *_order_tests(ordered), *_repeat_tests(ordered)]
    level = float(_parameter("significance", on))
    found, floor = [], 0.0
    for number, test in enumerate(sorted(tests, key=lambda test: (test.p, test.name))):
        floor = max(floor, min(1.0, test.p * (len(tests) - number)))
        outcome: Outcome = "unusual" if floor < level else "holds"
        reason = Reason(f"upstream.{test.name}.{outcome}", {**test.params, "p": f"{floor:.2g}"})
        found.append(Checked(test.name, outcome, reason, p=floor))
    return tuple(found)


def _parameter(name: str, on: date) -> str:
    return next(row["value"] for row in tables.load("draw/upstream").valid_on(on) if row["name"] == name)


def _attribute_tests(draws: Sequence[UpstreamDraw]) -> list[_Test]:
    cells: dict[tuple[str, str], list[tuple[int, int, int, int]]] = defaultdict(list)
    before: set[str] = set()
    for number, draw in enumerate(draws):
        for units in _strata(draw).values():
            size, n = len(units), sum(unit.drawn for unit in units)
            if not 0 < n < size:
                continue
            have: Counter[tuple[str, str]] = Counter()
            got: Counter[tuple[str, str]] = Counter()
            for unit in units:
                marks = list(unit.attributes.items())
                if number:
                    marks.append(("again", str(unit.id in before)))
                have.update(marks)
                if unit.drawn:
                    got.update(marks)
            for mark, count in have.items():
                if count < size and mark != ("again", "False"):
                    cells[mark].append((size, n, count, got[mark]))
        before.update(unit.id for unit in draw.drawn())
    tests = []
    for (attribute, value), rows in sorted(cells.items()):
        drawn = sum(row[3] for row in rows)
        expected = sum(Fraction(n * count, size) for size, n, count, _ in rows)
        params: dict[str, str | int] = {
            "attribute": attribute,
            "value": value,
            "drawn": drawn,
            "expected": f"{float(expected):.1f}",
        }
        name = "again" if attribute == "again" else "attribute"
        tests.append(_Test(name, params, hypergeometric_p([row[:3] for row in rows], drawn)))
    return tests


def _strata(draw: UpstreamDraw) -> dict[str, list[ListedUnit]]:
    strata: dict[str, list[ListedUnit]] = defaultdict(list)
    for unit in draw.units:
        strata[unit.stratum].append(unit)
    return strata


def hypergeometric_p(cells: Sequence[tuple[int, int, int]], found: int) -> float:
    """Two-sided p of `found` successes in all when in each cell n of N are drawn and K of the N are successes.

    cells: (N, n, K). Twice the smaller tail, at most 1. Exact by convolution where the sum can take at most 400 values
    above its least; otherwise by the normal distribution with a correction for continuity.
    """
    if sum(min(n, k) for _, n, k in cells) <= _EXACT:
        chances = [1.0]
        low = 0
        for size, n, k in cells:
            first, last = max(0, n + k - size), min(n, k)
            ways = comb(size, n)
            cell = [comb(k, x) * comb(size - k, n - x) / ways for x in range(first, last + 1)]
            low += first
            wider = [0.0] * (len(chances) + len(cell) - 1)
            for i, left in enumerate(chances):
                for j, right in enumerate(cell):
                    wider[i + j] += left * right
            chances = wider
        at = found - low
        return min(1.0, 2 * min(sum(chances[: at + 1]), sum(chances[at:])))
    mean = sum(n * k / size for size, n, k in cells)
    variance = sum(n * (k / size) * (1 - k / size) * (size - n) / (size - 1) for size, n, k in cells if size > 1)
    return _two_sided(max(0.0, abs(found - mean) - 0.5), variance)


def _two_sided(distance: float, variance: float) -> float:
    return 1.0 if variance <= 0 else erfc(abs(distance) / sqrt(2 * variance))


def _order_tests(draws: Sequence[UpstreamDraw]) -> list[_Test]:
    """Places are counted within each stratum: over the whole list they would follow the ratios, not chance alone."""
    tests = []
    for draw in draws:
        off = variance = 0.0
        params: dict[str, str | int] = {"draw": draw.no}
        for stratum, units in sorted(_strata(draw).items()):
            size, places = len(units), [place for place, unit in enumerate(units, 1) if unit.drawn]
            n = len(places)
            off += sum(places) - n * (size + 1) / 2
            variance += n * (size - n) * (size + 1) / 12
            if n >= _ENOUGH and n * 4 <= size:
                here: dict[str, str | int] = {"draw": draw.no, "stratum": stratum or "*"}
                tests.append(_Test("gaps", here, _gaps_p(places, size)))
        if variance and len(draw.drawn()) >= _ENOUGH:
            tests.append(_Test("position", params, _two_sided(off, variance)))
    return tests


def _gaps_p(places: Sequence[int], size: int) -> float:
    """Two-sided p of the sum G of squared gaps (Greenwood 1946) between n random places of N, ends included.

    The gaps less one are a uniform composition of N−n into n+1 parts (Dirichlet-multinomial, all weights 1), so mean and
    variance of G are exact, by falling factorial moments. G leans far to the right; −(mean/G)² does not, and is compared
    with the normal distribution. Simulated (10 ≤ n ≤ 100), its tails are the nominal ones or lighter.
    """
    n, rest, parts = len(places), size - len(places), len(places) + 1

    def moment(order: int, factor: int) -> float:
        """E of a product of falling powers of the parts: `order` their sum, `factor` the product of their factorials."""
        share = Fraction(factor)
        for i in range(order):
            share *= Fraction(rest - i, parts + i)
        return float(share)

    pairs = parts * moment(2, 2)  # Σ h(h−1), h = gap − 1
    square = parts * (moment(4, 24) + 4 * moment(3, 6) + 2 * moment(2, 2)) + parts * n * moment(4, 4)
    mean = pairs + 3 * rest + parts
    spread = log1p((square - pairs * pairs) / (mean * mean))
    edges = [0, *places, size + 1]
    found = sum((b - a) ** 2 for a, b in zip(edges, edges[1:], strict=False))
    return _two_sided((mean / found) ** 2 - exp(3 * spread), exp(6 * spread) * expm1(4 * spread))


def _repeat_tests(draws: Sequence[UpstreamDraw]) -> list[_Test]:
    shares: dict[str, list[float]] = defaultdict(list)
    times: Counter[str] = Counter()
    for draw in draws:
        rates = {stratum: n / size for stratum, (size, n) in _per_stratum(draw).items()}
        for unit in draw.units:
            shares[unit.id].append(rates[unit.stratum])
            times[unit.id] += unit.drawn
    tests = []
    if len(draws) > 1 and times.total():
        mean = variance = 0.0
        for rates_of in shares.values():
            none, one = 1.0, 0.0
            for rate in rates_of:
                none, one = none * (1 - rate), one * (1 - rate) + none * rate
            twice = max(0.0, 1 - none - one)
            mean, variance = mean + twice, variance + twice * (1 - twice)
        found = sum(count > 1 for count in times.values())
        params: dict[str, str | int] = {"found": found, "expected": f"{mean:.1f}"}
        tests.append(_Test("repeats", params, _two_sided(max(0.0, abs(found - mean) - 0.5), variance)))
    return tests + _pair_tests(draws)


def _pair_tests(draws: Sequence[UpstreamDraw]) -> list[_Test]:
    """How often an inspector of the last visit to a unit came again, against teams chosen at random from all who were sent."""
    mean = variance = 0.0
    found = 0
    last: dict[str, frozenset[str]] = {}
    for draw in draws:
        pool = len({number for team in draw.teams.values() for number in team})
        for unit, team in draw.teams.items():
            before, now = last.get(unit), frozenset(team)
            if before and pool > 1:
                share = min(1.0, len(before) / pool)
                mean += len(now) * share
                variance += len(now) * share * (1 - share) * max(0.0, (pool - len(now)) / (pool - 1))
                found += len(before & now)
            last[unit] = now
    if not variance:
        return []
    params: dict[str, str | int] = {"found": found, "expected": f"{mean:.1f}"}
    return [_Test("pairs", params, _two_sided(max(0.0, abs(found - mean) - 0.5), variance))]
