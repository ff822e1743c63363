"""Pass rates: non-response, worst and best case, and the rule for what may be published."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from zhunsheng.engine import tables
from zhunsheng.engine.errors import EstimateError
from zhunsheng.engine.estimate.design import Unit, checked, kish, listed, mean
from zhunsheng.engine.estimate.intervals import Interval, Method, interval
from zhunsheng.engine.words import Reason

# Up to this many different weights are summed exactly.
_FEW = 50


class Role(StrEnum):
    """What the result of one drawn unit means for a rate (each result wording has one)."""

    ELIGIBLE_PASS = "eligible_pass"  # noqa: S105 - a result, not a password
    ELIGIBLE_FAIL = "eligible_fail"
    INELIGIBLE = "ineligible"  # 注销, 迁出, no such activity: leaves the domain
    NON_RESPONSE = "non_response"  # 无法联系, 不配合: we do not know


@dataclass(frozen=True, slots=True)
class PublicationRule:
    """When a rate is too uncertain to publish: effective sample below `min_n_eff`, or coefficient of variation
    (standard error / rate) above `max_cv`. `interval` is the one to publish where nothing else is asked for."""

    min_n_eff: float
    max_cv: float
    interval: Method = Method.KORN_GRAUBARD


def publication_rule(on: date | None = None, *, root: Path | None = None) -> PublicationRule:
    """The rule of the table `estimate/choices` in force on a day; without a day, the one without an end.

    `root` is the folder of a city that has its own. Raises TableError when no row is in force, EstimateError when the
    named interval is none of ours.

    >>> rule = publication_rule()
    >>> rule.min_n_eff, rule.max_cv, str(rule.interval)
    (10.0, 0.3, 'korn_graubard')
    """
    named = _row("interval", on, root)["value"]
    if named not in (Method.KORN_GRAUBARD, Method.WILSON, Method.LOGIT):
        raise EstimateError("estimate.no_such_interval", value=named)
    return PublicationRule(choice("min_n_eff", on, root=root), choice("max_cv", on, root=root), Method(named))


def choice(code: str, on: date | None = None, *, root: Path | None = None) -> float:
    """A number of the table `estimate/choices` as in force on a day; without a day, of the row without an end."""
    return float(_row(code, on, root).decimal("value"))


def _row(code: str, on: date | None, root: Path | None) -> tables.Row:
    return tables.load("estimate/choices", root).find(on or date.max, code=code)


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate: the plain quotient of the records, and the design-based estimate with its interval.

    `estimate`, `low`, `high` are shares (0..1); None when no unit of the domain was observed. `suppressed` says why
    the rate may not be published; the numbers stay for those who check.
    """

    numerator: int
    denominator: int
    estimate: float | None
    se: float | None
    low: float | None
    high: float | None
    level: float
    method: Method | None
    n_eff: float | None
    df: int
    suppressed: Reason | None
    reasons: tuple[Reason, ...]

    @property
    def plain(self) -> Fraction | None:
        """The plain quotient, exact; None when the denominator is 0 (no data, neither 0 % nor 100 %)."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None


@dataclass(frozen=True, slots=True)
class UnitResult:
    """The result of one drawn unit.

    `population` (N_h) and `sample` (n_h) are the stratum's sizes in the frozen register and in the draw; every drawn
    unit has to be given, whatever came out of it. `pi` is its inclusion probability where that is not n_h/N_h (drawn
    with unequal probabilities). `share` is what its draw weighs among those of the same year and frame
    (`year_shares`), 1 for a draw by itself. `id`, `area`, `cluster` and `pi_cluster` are as in `Unit`.
    """

    stratum: str
    population: int
    sample: int
    role: Role
    pi: Fraction | None = None
    id: str = ""
    area: str = ""
    share: Fraction = Fraction(1)
    cluster: str = ""
    pi_cluster: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many drawn units had each role."""

    eligible_pass: int
    eligible_fail: int
    ineligible: int
    non_response: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """The weighted rate if every unit that gave no result fails (`worst`) or passes (`best`); None without any
    eligible unit. Exact."""

    worst: Fraction | None
    best: Fraction | None


@dataclass(frozen=True, slots=True)
class PassRate:
    """A pass rate with everything that has to stand beside it. `response_rate` counts units; in
    `response_rate_weighted` each counts as often as it stands for a unit of the register."""

    rate: Rate
    counts: Counts
    response_rate: Fraction | None
    bounds: Bounds
    reasons: tuple[Reason, ...]
    response_rate_weighted: Fraction | None = None


def rate(
    units: Iterable[Unit],
    *,
    level: float = 0.95,
    method: Method | None = None,
    publication: PublicationRule | None = None,
    planned_deff: float | None = None,
    ultimate: bool = False,
) -> Rate:
    """The share of the domain with y = 1, for any design whose inclusion probabilities are known.

    `planned_deff` is the design effect the plan reckoned with. It gives the effective sample (n over it) where the
    sample itself cannot: all pass, all fail, a stratum without spread. Without it that is (Σw)²/Σw², over clusters
    in a cluster sample. `ultimate` as in `total`.

    >>> found = rate(stratified([Stratum("A", 2, (1.0, 0.0)), Stratum("B", 2, (1.0, 1.0))]))
    >>> found.plain, found.low, found.estimate, found.high, str(found.method)
    (Fraction(3, 4), 0.75, 0.75, 0.75, 'census')

    An empty domain gives a rate without numbers and says so. Raises EstimateError when a value is not 0 or 1 or the
    sample is impossible.
    """
    sample = checked(units, ultimate=ultimate)
    for number, unit in enumerate(sample, 1):
        if unit.inside and unit.y not in (0, 1):
            raise EstimateError("estimate.not_binary", where=str(number), value=f"{unit.y:g}")
    if planned_deff is not None and not 0 < planned_deff < math.inf:
        raise EstimateError("estimate.bad_deff", value=f"{planned_deff:g}")
    inside = [u for u in sample if u.inside]
    passed = sum(u.y == 1 for u in inside)
    if not inside:
        return _no_rate(level)
    found = mean(sample, ultimate=ultimate)
    # Rounding may leave a share of all passes a hair off 1.
    p = 1.0 if passed == len(inside) else 0.0 if passed == 0 else min(1.0, max(0.0, found.value))
    least = kish(sample)
    if planned_deff is not None and math.isfinite(least):
        least = min(float(found.n), found.n / planned_deff)
    rule = publication or publication_rule()
    span = interval(
        p,
        found.se,
        n=found.n,
        df=found.df,
        kish=least,
        flat=_flat(inside),
        level=level,
        method=method or rule.interval,
    )
    return Rate(
        numerator=passed,
        denominator=len(inside),
        estimate=p,
        se=found.se,
        low=span.low,
        high=span.high,
        level=level,
        method=span.method,
        n_eff=span.n_eff,
        df=found.df,
        suppressed=_suppress(p, found.se, span, rule),
        reasons=(*span.reasons, *found.reasons),
    )


def rates_by_area(
    units: Iterable[Unit], *, level: float = 0.95, publication: PublicationRule | None = None
) -> Mapping[str, Rate]:
    """The rate of every area, each with the whole sample behind it (see `by_area`).

    Raises EstimateError as `rate`.
    """
    sample = list(units)
    return {
        area: rate(
            [replace(u, inside=u.inside and u.area == area) for u in sample], level=level, publication=publication
        )
        for area in sorted({u.area for u in sample if u.inside})
    }


def _no_rate(level: float) -> Rate:
    empty = Reason("estimate.no_eligible")
    return Rate(0, 0, None, None, None, None, level, None, None, 0, empty, (empty,))


def _flat(inside: Sequence[Unit]) -> bool:
    """Whether some stratum that was sampled, not counted in full, shows only passes or only fails."""
    seen: defaultdict[str, set[float]] = defaultdict(set)
    for unit in inside:
        if unit.pi < 1:
            seen[unit.stratum].add(unit.y)
    return any(len(values) == 1 for values in seen.values())


def _suppress(p: float, se: float | None, span: Interval, rule: PublicationRule) -> Reason | None:
    if span.method is Method.CENSUS:
        return None
    if span.n_eff < rule.min_n_eff:
        return Reason("estimate.too_few", {"n_eff": f"{span.n_eff:.1f}", "limit": f"{rule.min_n_eff:g}"})
    if se is not None and p > 0 and se / p > rule.max_cv:
        return too_uncertain(se / p, rule)
    return None


def too_uncertain(cv: float, rule: PublicationRule) -> Reason:
    """The reason not to publish a figure whose coefficient of variation is too large."""
    return Reason("estimate.too_uncertain", {"cv": f"{100 * cv:.0f}", "limit": f"{100 * rule.max_cv:g}"})


def pass_rate(
    units: Iterable[UnitResult],
    *,
    level: float = 0.95,
    method: Method | None = None,
    publication: PublicationRule | None = None,
    planned_deff: float | None = None,
) -> PassRate:
    """The pass rate of a stratified random inspection (双随机) or sampling, with what has to stand beside it.

    The units that gave a result stand for their whole stratum; ineligible ones leave the domain; a stratum in which
    nobody answered is outside the estimate and named. The bounds take all non-response as fail or as pass, with the
    weights of the draw, so they always enclose the estimate. Targeted checks (投诉, 转办) were not drawn and must not
    be given.

    >>> pass_rate([UnitResult("A", 2, 2, Role.ELIGIBLE_PASS), UnitResult("A", 2, 2, Role.ELIGIBLE_FAIL)]).rate.plain
    Fraction(1, 2)

    Raises EstimateError when a stratum's sizes disagree between units, are impossible, or do not match the units given.
    """
    strata = _by_stratum(units)
    return _pass_rate(strata, _responding(strata), None, level, method, publication, planned_deff)


def pass_rates_by_area(
    units: Iterable[UnitResult],
    *,
    level: float = 0.95,
    method: Method | None = None,
    publication: PublicationRule | None = None,
    planned_deff: float | None = None,
) -> Mapping[str, PassRate]:
    """The pass rate of every area that has a drawn unit; the units of other areas stay in the design as zeros.

    Counts, response rate and bounds are those of the area. Raises EstimateError as `pass_rate`.
    """
    strata = _by_stratum(units)
    observed = _responding(strata)
    return {
        area: _pass_rate(strata, observed, area, level, method, publication, planned_deff)
        for area in sorted({u.area for drawn in strata.values() for u in drawn})
    }


def compliance_rate(
    units: Iterable[UnitResult],
    *,
    level: float = 0.95,
    method: Method | None = None,
    publication: PublicationRule | None = None,
    planned_deff: float | None = None,
) -> PassRate:
    """As `pass_rate`, with non-response (无法联系, 不配合) counted as not compliant. Published beside the pass rate."""
    told = (replace(u, role=Role.ELIGIBLE_FAIL) if u.role is Role.NON_RESPONSE else u for u in units)
    return pass_rate(told, level=level, method=method, publication=publication, planned_deff=planned_deff)


def role_shares(
    units: Iterable[UnitResult], *, level: float = 0.95, publication: PublicationRule | None = None
) -> Mapping[Role, Rate]:
    """The share of the whole register in each role, non-response (无法联系, 不配合) being a category like the others.

    Nothing is assumed about those that did not answer: with the weights of the draw the four shares add up to 1.
    Raises EstimateError as `pass_rate`.
    """
    drawn = [u for part in _by_stratum(units).values() for u in part]
    if not drawn:
        return {role: _no_rate(level) for role in Role}
    return {
        role: rate([_unit(u, Fraction(1), u.role is role) for u in drawn], level=level, publication=publication)
        for role in Role
    }


def bounds(units: Iterable[UnitResult]) -> Bounds:
    """The worst and best case over non-response: all units without a result fail, or all pass.

    >>> gave, silent = UnitResult("A", 8, 2, Role.ELIGIBLE_PASS), UnitResult("A", 8, 2, Role.NON_RESPONSE)
    >>> bounds([gave, silent])
    Bounds(worst=Fraction(1, 2), best=Fraction(1, 1))

    Raises EstimateError as `pass_rate`.
    """
    return _bounds([u for part in _by_stratum(units).values() for u in part])


_Strata = dict[str, list[UnitResult]]


def _by_stratum(units: Iterable[UnitResult]) -> _Strata:
    strata: _Strata = {}
    for number, unit in enumerate(units, 1):
        unit = unit if isinstance(unit.role, Role) else replace(unit, role=Role(unit.role))
        part = strata.setdefault(unit.stratum, [])
        if part and (part[0].population, part[0].sample) != (unit.population, unit.sample):
            raise EstimateError("estimate.sizes_disagree", stratum=unit.stratum)
        if unit.pi is not None and not 0 < unit.pi <= 1:
            raise EstimateError("estimate.bad_probability", where=str(number), value=str(unit.pi))
        if not 0 < unit.share <= 1:
            raise EstimateError("estimate.bad_share", where=str(number), value=str(unit.share))
        part.append(unit)
    for name, part in strata.items():
        n, population = part[0].sample, part[0].population
        if not 1 <= n <= population:
            raise EstimateError("estimate.bad_sizes", stratum=name, n=n, N=population)
        if len(part) != n:
            raise EstimateError("estimate.units_missing", stratum=name, given=len(part), n=n)
    return strata


def _pi(unit: UnitResult) -> Fraction:
    return unit.pi if unit.pi is not None else Fraction(unit.sample, unit.population)


def _unit(unit: UnitResult, answered: Fraction, y: bool, inside: bool = True) -> Unit:
    pi = _pi(unit) * answered
    return Unit(
        unit.stratum,
        pi,
        float(y),
        inside=inside,
        id=unit.id,
        area=unit.area,
        cluster=unit.cluster,
        pi_cluster=unit.pi_cluster,
        weight=unit.share / pi,
    )


def _responding(strata: _Strata) -> list[Unit]:
    """The units with a result, each with its probability of being drawn and of answering (the share of its stratum,
    by weight, that answered). With equal probabilities that is r/N."""
    observed: list[Unit] = []
    for part in strata.values():
        spoken = [u for u in part if u.role is not Role.NON_RESPONSE]
        if spoken:
            answered = _sum(1 / _pi(u) for u in spoken) / _sum(1 / _pi(u) for u in part)
            observed += [
                _unit(u, answered, u.role is Role.ELIGIBLE_PASS, u.role is not Role.INELIGIBLE) for u in spoken
            ]
    return observed


def _pass_rate(
    strata: _Strata,
    observed: Sequence[Unit],
    area: str | None,
    level: float,
    method: Method | None,
    publication: PublicationRule | None,
    planned_deff: float | None,
) -> PassRate:
    drawn = [u for part in strata.values() for u in part if area is None or u.area == area]
    roles = Counter(u.role for u in drawn)
    counts = Counts(*(roles[role] for role in Role))
    domain = observed if area is None else [replace(u, inside=u.inside and u.area == area) for u in observed]
    found = _no_rate(level)
    if domain:
        found = rate(domain, level=level, method=method, publication=publication, planned_deff=planned_deff)
    reasons: list[Reason] = []
    if counts.ineligible:
        reasons.append(Reason("estimate.ineligible_left", {"count": counts.ineligible}))
    if counts.non_response:
        reasons.append(Reason("estimate.non_response_weighted", {"count": counts.non_response}))
    here = {u.stratum for u in drawn}
    silent = [n for n, part in strata.items() if n in here and all(u.role is Role.NON_RESPONSE for u in part)]
    if silent:
        population = sum(strata[name][0].population for name in silent)
        reasons.append(Reason("estimate.silent_strata", {"strata": listed(sorted(silent)), "population": population}))
    answered, asked = _weighed(drawn, _PASSED | _FAILED), _weighed(drawn, _PASSED | _FAILED | _UNKNOWN)
    number = counts.eligible_pass + counts.eligible_fail
    return PassRate(
        rate=found,
        counts=counts,
        response_rate=Fraction(number, number + counts.non_response) if number + counts.non_response else None,
        bounds=_bounds(drawn),
        reasons=(*found.reasons, *reasons),
        response_rate_weighted=answered / asked if asked else None,
    )


_PASSED, _FAILED, _UNKNOWN = {Role.ELIGIBLE_PASS}, {Role.ELIGIBLE_FAIL}, {Role.NON_RESPONSE}


def _weighed(drawn: Sequence[UnitResult], roles: Set[Role]) -> Fraction:
    return _sum(u.share / _pi(u) for u in drawn if u.role in roles)


def _sum(values: Iterable[Fraction]) -> Fraction:
    """The sum: exact while there are few different values, as with equal probabilities in some strata; else rounded
    once, because the common denominator of thousands of different fractions has thousands of digits."""
    often = Counter(values)
    if len(often) <= _FEW:
        return sum((value * times for value, times in often.items()), Fraction(0))
    return Fraction(math.fsum(float(value * times) for value, times in often.items()))


def _bounds(drawn: Sequence[UnitResult]) -> Bounds:
    passed, unknown = _weighed(drawn, _PASSED), _weighed(drawn, _UNKNOWN)
    everyone = passed + unknown + _weighed(drawn, _FAILED)
    if not everyone:
        return Bounds(None, None)
    return Bounds(passed / everyone, (passed + unknown) / everyone)
