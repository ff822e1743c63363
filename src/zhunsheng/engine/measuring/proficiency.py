"""Proficiency tests 能力验证 by the methods of ISO 13528:2022 (GB/T 28043 adopts the edition of 2015).

An assigned value with its uncertainty, a standard deviation for proficiency assessment, a score for every laboratory,
and before that two questions to the items themselves: are they alike, and do they stay so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from statistics import median

from zhunsheng.engine import tables
from zhunsheng.engine.errors import MeasuringError
from zhunsheng.engine.estimate.intervals import special_functions
from zhunsheng.engine.measuring.values import deviation, finite, mean, not_negative, positive, said, series
from zhunsheng.engine.words import Reason, say

_SCALE = 1.483  # median absolute deviation to standard deviation (ISO 13528:2022 C.2.2)
_FACTOR = 1.134  # winsorised to standard deviation (C.3.1)
_CUT = 1.5
_NEGLIGIBLE = 0.3  # share of sigma_pt that uncertainty and inhomogeneity may have (9.2.1, B.2)
_ROUNDS = 5000


class AssignedBy(StrEnum):
    """Where the assigned value comes from (ISO 13528:2022 clause 7)."""

    FORMULATION = "formulation"  # 配方
    CERTIFIED = "certified"  # 有证标准物质
    REFERENCE = "reference"  # 参考实验室
    EXPERTS = "experts"  # 专家实验室公议
    PARTICIPANTS = "participants"  # 参加者公议


class ScoreKind(StrEnum):
    """Which score."""

    Z = "z"
    Z_PRIME = "z_prime"
    ZETA = "zeta"
    EN = "en"


_SYMBOLS = {ScoreKind.Z: "z", ScoreKind.Z_PRIME: "z′", ScoreKind.ZETA: "ζ", ScoreKind.EN: "En"}


class Performance(StrEnum):
    """What a score says."""

    SATISFACTORY = "satisfactory"  # 满意
    QUESTIONABLE = "questionable"  # 有问题
    UNSATISFACTORY = "unsatisfactory"  # 不满意


@dataclass(frozen=True, slots=True)
class Robust:
    """Robust mean and standard deviation of `n` results, in their unit; `rounds` of iteration it took."""

    mean: float
    deviation: float
    n: int
    rounds: int
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assigned value with its standard uncertainty, in the unit of the results."""

    value: float
    uncertainty: float
    by: AssignedBy
    reasons: tuple[Reason, ...] = ()

    def __post_init__(self) -> None:
        finite(self.value, "x_pt")
        not_negative(self.uncertainty, "u(x_pt)")


@dataclass(frozen=True, slots=True)
class Spread:
    """The standard deviation for proficiency assessment σ_pt, in the unit of the results, and where it comes from."""

    value: float
    reason: Reason

    def __post_init__(self) -> None:
        positive(self.value, "σ_pt")


@dataclass(frozen=True, slots=True)
class ScoreLimits:
    """|score| up to `warning` is satisfactory, from `action` on unsatisfactory (above, where both are equal)."""

    warning: float
    action: float


@dataclass(frozen=True, slots=True)
class Score:
    """One laboratory's score, without a unit."""

    kind: ScoreKind
    value: float
    performance: Performance
    reason: Reason


@dataclass(frozen=True, slots=True)
class Check:
    """The answer to a question about the items or the assigned value: `measure` was held against `limit`."""

    passed: bool
    measure: float
    limit: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """The check of the items: s_x of the means, s_w within, s_s between the items, and both criteria of Annex B.

    `plain` holds s_s against 0.3 σ_pt; `expanded` allows for the error of the check itself (B.2.5). The items are
    homogeneous enough when the expanded criterion holds.
    """

    s_means: float
    s_within: float
    s_between: float
    plain: Check
    expanded: Check


def algorithm_a(results: Sequence[float]) -> Robust:
    """Robust mean and standard deviation by Algorithm A (ISO 13528:2022 C.3.1): Huber's proposal 2, cut at 1.5 s*.

    Results beyond x* ± 1.5 s* are drawn in to that bound, mean and 1.134 times the standard deviation are taken anew,
    until both stand still (to 12 digits; the standard asks for three).

    >>> found = algorithm_a([4.5, 4.9, 5.6, 4.2, 6.2, 5.2, 9.9])
    >>> round(found.mean, 2), round(found.deviation, 2)
    (5.39, 1.15)

    Where more than half of the results are equal, the start is the plain standard deviation (C.3.1, note); the answer
    may then be 0, which says that no spread can be estimated. Raises MeasuringError for fewer than three results.
    """
    return _huber(results, _FACTOR)


def _huber(results: Sequence[float], factor: float) -> Robust:
    values = series(results, "x", 3)
    centre = float(median(values))
    spread = _SCALE * float(median([abs(value - centre) for value in values]))
    reasons: list[Reason] = []
    if spread == 0:
        reasons.append(Reason("measuring.proficiency.half_equal"))
        spread = deviation(values)
    floor = 1e-12 * max(max(values) - min(values), 1e-300)
    rounds = 0
    while spread > floor and rounds < _ROUNDS:
        rounds += 1
        low, high = centre - _CUT * spread, centre + _CUT * spread
        drawn_in = [min(max(value, low), high) for value in values]
        before, spread_before = centre, spread
        centre, spread = mean(drawn_in), factor * deviation(drawn_in)
        if abs(centre - before) <= floor and abs(spread - spread_before) <= floor:
            break
    if spread <= floor:
        spread = 0.0
        reasons.append(Reason("measuring.proficiency.no_spread"))
    return Robust(centre, spread, len(values), rounds, tuple(reasons))


def consensus(results: Sequence[float], by: AssignedBy = AssignedBy.PARTICIPANTS) -> tuple[Assigned, Robust]:
    """The assigned value from the results themselves (7.6, 7.7): x* with u = 1.25 s*/√p, and the robust estimates.

    Raises MeasuringError as `algorithm_a`, and for a kind of assigned value that is no consensus.
    """
    if by not in (AssignedBy.PARTICIPANTS, AssignedBy.EXPERTS):
        raise MeasuringError("measuring.proficiency.no_consensus", by=_by(by, "zh"), by_en=_by(by, "en"))
    robust = algorithm_a(results)
    uncertainty = 1.25 * robust.deviation / math.sqrt(robust.n)
    reason = Reason("measuring.proficiency.consensus", {"n": robust.n, "u": said(uncertainty)})
    return Assigned(robust.mean, uncertainty, by, (reason, *robust.reasons)), robust


def prescribed(value: float) -> Spread:
    """σ_pt as the scheme, a regulation or experts prescribe it (8.2). Raises MeasuringError unless it is above 0."""
    return Spread(value, Reason("measuring.proficiency.prescribed", {"sigma": said(value)}))


def from_data(robust: Robust) -> Spread:
    """σ_pt from the results of the round itself (8.6). Raises MeasuringError where they show no spread."""
    if robust.deviation <= 0:
        raise MeasuringError("measuring.proficiency.no_spread")
    return Spread(robust.deviation, Reason("measuring.proficiency.from_data", {"sigma": said(robust.deviation)}))


def horwitz(value: float, mass_fraction: float = 1.0) -> Spread:
    """σ_pt by Thompson's form of the Horwitz function (8.4).

    `value` is the assigned value in the unit of the results, `mass_fraction` what one such unit is as a share of mass:
    1 for a mass fraction itself, 1e-6 for mg/kg, 0.01 for %. With c = value · mass_fraction: 0.22 c below 1.2e-7,
    0.02 c^0.8495 up to 0.138, 0.01 c^0.5 above. Raises MeasuringError unless 0 < c <= 1.
    """
    c = positive(value, "x_pt") * positive(mass_fraction, "mass_fraction")
    if not 0 < c <= 1:
        raise MeasuringError("measuring.proficiency.no_mass_fraction", c=said(c))
    sigma = 0.22 * c if c < 1.2e-7 else 0.02 * c**0.8495 if c <= 0.138 else 0.01 * math.sqrt(c)
    found = sigma / mass_fraction
    return Spread(found, Reason("measuring.proficiency.horwitz", {"c": said(c), "sigma": said(found)}))


def negligible(assigned: Assigned, spread: Spread) -> Check:
    """Whether the uncertainty of the assigned value can be left out of the score: u(x_pt) < 0.3 σ_pt (9.2.1)."""
    limit = _NEGLIGIBLE * spread.value
    passed = assigned.uncertainty < limit
    params = {"u": said(assigned.uncertainty), "limit": said(limit)}
    if passed:
        return Check(True, assigned.uncertainty, limit, Reason("measuring.proficiency.negligible", params))
    return Check(False, assigned.uncertainty, limit, Reason("measuring.proficiency.not_negligible", params))


def score_limits(on: date) -> dict[ScoreKind, ScoreLimits]:
    """The limits of every score on a day (table `metrology/scores`)."""
    table = tables.load("metrology/scores")
    rows = {kind: table.find(on, code=kind) for kind in ScoreKind}
    return {k: ScoreLimits(float(r.decimal("warning")), float(r.decimal("action"))) for k, r in rows.items()}


def z_score(x: float, assigned: Assigned, spread: Spread, limits: ScoreLimits) -> Score:
    """z = (x - x_pt)/σ_pt (9.4). `x`: the laboratory's result."""
    return _score(ScoreKind.Z, x, assigned, spread.value, limits)


def z_prime_score(x: float, assigned: Assigned, spread: Spread, limits: ScoreLimits) -> Score:
    """z' = (x - x_pt)/√(σ_pt² + u²(x_pt)) (9.5), where the uncertainty of the assigned value is not negligible."""
    return _score(ScoreKind.Z_PRIME, x, assigned, math.hypot(spread.value, assigned.uncertainty), limits)


def zeta_score(x: float, u: float, assigned: Assigned, limits: ScoreLimits) -> Score:
    """ζ = (x - x_pt)/√(u²(x) + u²(x_pt)) (9.6). `u`: the laboratory's standard uncertainty.

    A bad ζ with a good z says that the laboratory states its uncertainty too small.
    """
    return _score(ScoreKind.ZETA, x, assigned, math.hypot(not_negative(u, "u(x)"), assigned.uncertainty), limits)


def en_score(x: float, U: float, assigned: Assigned, assigned_U: float, limits: ScoreLimits) -> Score:
    """E_n = (x - x_pt)/√(U²(x) + U²(x_pt)) (9.7). Both are expanded uncertainties with the same coverage."""
    return _score(
        ScoreKind.EN, x, assigned, math.hypot(not_negative(U, "U(x)"), not_negative(assigned_U, "U(x_pt)")), limits
    )


def homogeneity(items: Sequence[Sequence[float]], spread: Spread) -> Homogeneity:
    """Whether the items of a round are alike enough (ISO 13528:2022 Annex B.2, B.3).

    `items`: the results on each item, each measured the same number of times (two as a rule), in random order.
    s_s² = max(0, s_x² - s_w²/k). Plain criterion: s_s <= 0.3 σ_pt. Expanded: s_s² <= F1 (0.3 σ_pt)² + F2 s_w² with
    F1 = χ²(0.95; g-1)/(g-1) and F2 = (F(0.95; g-1, g(k-1)) - 1)/k, which are the factors of table B.1 for k = 2.
    Raises MeasuringError for fewer than seven items, unequal numbers, or fewer than two results on an item.
    """
    if len(items) < 7:
        raise MeasuringError("measuring.too_few", what="items", n=len(items), least=7)
    rows = [series(item, "x", 2) for item in items]
    g, k = len(rows), len(rows[0])
    for place, row in enumerate(rows, 1):
        if len(row) != k:
            raise MeasuringError("measuring.proficiency.unequal", where=str(place), n=len(row), expected=k)
    means = [mean(row) for row in rows]
    within = math.fsum(deviation(row) ** 2 for row in rows) / g
    between = max(0.0, deviation(means) ** 2 - within / k)
    special = special_functions()
    f1 = float(special.chdtri(g - 1, 0.05)) / (g - 1)
    f2 = (float(special.fdtri(g - 1, g * (k - 1), 0.95)) - 1) / k
    allowed = _NEGLIGIBLE * spread.value
    s, wide = math.sqrt(between), math.sqrt(f1 * allowed**2 + f2 * within)
    plain = _held(s, allowed, "measuring.proficiency.alike", "measuring.proficiency.not_alike")
    expanded = _held(s, wide, "measuring.proficiency.alike_expanded", "measuring.proficiency.not_alike_expanded")
    return Homogeneity(deviation(means), math.sqrt(within), s, plain, expanded)


def stability(before: Sequence[float], after: Sequence[float], spread: Spread) -> Check:
    """Whether the items stayed as they were (B.5): |ȳ1 - ȳ2| <= 0.3 σ_pt + 2 √(u²(ȳ1) + u²(ȳ2)).

    `before`, `after`: results at the homogeneity check and at the end of the round. The second term is there only when
    the first alone is not met, because a check of few measurements is itself uncertain (B.5.2).
    Raises MeasuringError for fewer than two results on a side.
    """
    first, last = series(before, "before", 2), series(after, "after", 2)
    shift, limit = abs(mean(first) - mean(last)), _NEGLIGIBLE * spread.value
    if shift > limit:
        own = math.hypot(deviation(first) / math.sqrt(len(first)), deviation(last) / math.sqrt(len(last)))
        return _held(
            shift, limit + 2 * own, "measuring.proficiency.stable_expanded", "measuring.proficiency.not_stable"
        )
    return _held(shift, limit, "measuring.proficiency.stable", "measuring.proficiency.not_stable")


def _held(measure: float, limit: float, yes: str, no: str) -> Check:
    passed = measure <= limit
    return Check(passed, measure, limit, Reason(yes if passed else no, {"s": said(measure), "limit": said(limit)}))


def _score(kind: ScoreKind, x: float, assigned: Assigned, scale: float, limits: ScoreLimits) -> Score:
    value = (finite(x, "x") - assigned.value) / positive(scale, f"{_SYMBOLS[kind]}: √(σ², u²)")
    finite(value, kind)
    size = abs(value)
    if size <= limits.warning:
        performance = Performance.SATISFACTORY
    elif size < limits.action:
        performance = Performance.QUESTIONABLE
    else:
        performance = Performance.UNSATISFACTORY
    params: dict[str, str | int] = {
        "kind": _SYMBOLS[kind],
        "score": f"{value:.2f}",
        "difference": said(x - assigned.value),
        "scale": said(scale),
        "warning": f"{limits.warning:g}",
        "action": f"{limits.action:g}",
    }
    return Score(kind, value, performance, Reason(f"measuring.proficiency.{performance}", params))


def _by(by: AssignedBy, lang: str) -> str:
    return say(f"measuring.proficiency.by_{by}", lang)
