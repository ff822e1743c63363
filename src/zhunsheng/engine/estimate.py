"""Pass rates, means and totals with a design behind them.

A random inspection knows for every unit the probability with which it was drawn. These functions use it: each
observed unit stands for 1/probability units of the register, the standard error follows from the same design, and
every published rate carries its interval, its response rate and its worst and best case. Numbers are rounded by
whoever shows them, never here.

Needs the extra `stats` (scipy) for the quantiles of the intervals.

Sources: Horvitz and Thompson 1952; Hájek 1964; Rosén 1997 (variance of order sampling); Korn and Graubard 1998;
Wilson 1927; Clopper and Pearson 1934; R package survey 4.5 (svymean, svytotal, svyratio, svyciprop).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from types import ModuleType

from zhunsheng.engine.errors import EstimateError
from zhunsheng.engine.words import Reason

# An effective sample above this is rounding noise around a zero variance, not information.
_ZERO_VARIANCE = 1e12


class Role(StrEnum):
    """What the result of one drawn unit means for a rate (each result wording has one)."""

    ELIGIBLE_PASS = "eligible_pass"  # noqa: S105 - a result, not a password
    ELIGIBLE_FAIL = "eligible_fail"
    INELIGIBLE = "ineligible"  # 注销, 迁出, no such activity: leaves the domain
    NON_RESPONSE = "non_response"  # 无法联系, 不配合: we do not know


class Method(StrEnum):
    """How an interval was made."""

    CENSUS = "census"
    KORN_GRAUBARD = "korn_graubard"
    CLOPPER_PEARSON = "clopper_pearson"
    WILSON = "wilson"
    LOGIT = "logit"


@dataclass(frozen=True, slots=True)
class Unit:
    """One sampled unit.

    `pi` is its inclusion probability in (0, 1]; give a Fraction (n/N) where it is exact. `y` is the value, `x` the
    value below the line of a ratio. A unit with `inside=False` was drawn but does not belong to the domain; it stays
    in the list because the design drew it.
    """

    stratum: str
    pi: Fraction | float
    y: float
    x: float = 1.0
    inside: bool = True


@dataclass(frozen=True, slots=True)
class Stratum:
    """A stratum of `population` units from which the units with these values were drawn, each with equal chance."""

    name: str
    population: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A design-based estimate. `se` is None when the sample cannot tell it; `n` counts the units of the domain;
    `df` are the degrees of freedom (units minus strata, certainty units left out)."""

    value: float
    se: float | None
    n: int
    df: int
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of a rate. `n_eff` is the effective sample the method used (infinite for a census)."""

    low: float
    high: float
    level: float
    method: Method
    n_eff: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class PublicationRule:
    """When a rate is too uncertain to publish: effective sample below `min_n_eff`, or coefficient of variation
    (standard error / rate) above `max_cv`."""

    min_n_eff: float = 10.0
    max_cv: float = 0.30


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
    """The result of one unit drawn with equal chance among its stratum.

    `population` (N_h) and `sample` (n_h) are the stratum's sizes in the frozen register and in the draw; every drawn
    unit has to be given, whatever came out of it.
    """

    stratum: str
    population: int
    sample: int
    role: Role


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
    """A pass rate with everything that has to stand beside it."""

    rate: Rate
    counts: Counts
    response_rate: Fraction | None
    bounds: Bounds
    reasons: tuple[Reason, ...]


# ---- totals, means, ratios -----------------------------------------------------------------------------------------


def stratified(strata: Iterable[Stratum]) -> tuple[Unit, ...]:
    """The units of a stratified simple random sample, with pi = n/N.

    >>> [str(unit.pi) for unit in stratified([Stratum("A", 40, (1.0, 0.0)), Stratum("B", 1, (1.0,))])]
    ['1/20', '1/20', '1']

    Raises EstimateError for a repeated or empty stratum, or one with more values than units.
    """
    units: list[Unit] = []
    seen: set[str] = set()
    for stratum in strata:
        n = len(stratum.values)
        if stratum.name in seen:
            raise EstimateError("estimate.stratum_twice", stratum=stratum.name)
        seen.add(stratum.name)
        if not 1 <= n <= stratum.population:
            raise EstimateError("estimate.bad_sizes", stratum=stratum.name, n=n, N=stratum.population)
        units += [Unit(stratum.name, Fraction(n, stratum.population), value) for value in stratum.values]
    return tuple(units)


def total(units: Iterable[Unit]) -> Estimate:
    """The total of `y` over the domain in the whole population: the sum of y/pi (Horvitz and Thompson).

    >>> round(total(stratified([Stratum("A", 40, (1.0, 0.0))])).value, 6)
    20.0

    Raises EstimateError for an empty or impossible sample.
    """
    sample = _checked(units)
    expanded = [_weight(u) * u.y if u.inside else 0.0 for u in sample]
    se, reasons = _standard_error(sample, expanded)
    return Estimate(math.fsum(expanded), se, *_size(sample), reasons)


def mean(units: Iterable[Unit]) -> Estimate:
    """The mean of `y` over the domain (Hájek): weighted sum over sum of weights.

    Raises EstimateError for an empty or impossible sample, or when no unit is inside the domain.
    """
    return ratio(replace(u, x=1.0) for u in units)


def ratio(units: Iterable[Unit]) -> Estimate:
    """The ratio of the totals of `y` and `x` over the domain, with the linearised standard error.

    Raises EstimateError for an empty or impossible sample, an empty domain, or a zero total of `x`.
    """
    sample = _checked(units)
    if not any(u.inside for u in sample):
        raise EstimateError("estimate.empty_domain")
    below = math.fsum(_weight(u) * u.x for u in sample if u.inside)
    if below == 0:
        raise EstimateError("estimate.zero_denominator")
    value = math.fsum(_weight(u) * u.y for u in sample if u.inside) / below
    expanded = [_weight(u) * (u.y - value * u.x) / below if u.inside else 0.0 for u in sample]
    se, reasons = _standard_error(sample, expanded)
    return Estimate(value, se, *_size(sample), reasons)


def t_interval(estimate: Estimate, level: float = 0.95) -> tuple[float, float] | None:
    """The interval value ± t·se of a mean or total; None where the standard error is unknown. Not for rates."""
    _check_level(level)
    if estimate.se is None or (estimate.df < 1 and estimate.se > 0):
        return None
    reach = _t((1 + level) / 2, estimate.df) * estimate.se if estimate.se > 0 else 0.0
    return estimate.value - reach, estimate.value + reach


def _checked(units: Iterable[Unit]) -> list[Unit]:
    sample = list(units)
    if not sample:
        raise EstimateError("estimate.no_units")
    for number, unit in enumerate(sample, 1):
        if not 0 < unit.pi <= 1:  # also refuses nan
            raise EstimateError("estimate.bad_probability", where=str(number), value=str(unit.pi))
        if not (math.isfinite(unit.y) and math.isfinite(unit.x)):
            raise EstimateError("estimate.not_finite", where=str(number))
    return sample


def _weight(unit: Unit) -> float:
    return float(1 / unit.pi)


def _size(sample: Sequence[Unit]) -> tuple[int, int]:
    inside = [u for u in sample if u.inside]
    uncertain = [u for u in inside if u.pi < 1]
    return len(inside), len(uncertain) - len({u.stratum for u in uncertain})


def _standard_error(sample: Sequence[Unit], expanded: Sequence[float]) -> tuple[float | None, tuple[Reason, ...]]:
    """The standard error of sum(expanded): per stratum m/(m-1)·Σ(1-pi)(e-B)², B the (1-pi)-weighted mean of e.

    With equal pi this is the textbook stratified variance with finite population correction, and with unequal pi the
    Hájek-Rosén approximation for fixed-size order sampling. Units drawn with certainty (pi = 1) do not vary.
    """
    strata: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for unit, value in zip(sample, expanded, strict=True):
        if unit.pi < 1:
            strata[unit.stratum].append((float(1 - unit.pi), value))
    single = sorted(name for name, part in strata.items() if len(part) == 1)
    if single and len(strata) == 1:
        return None, (Reason("estimate.variance_unknown", {"stratum": single[0]}),)
    grand = math.fsum(expanded) / len(expanded)
    parts: list[float] = []
    for part in strata.values():
        m = len(part)
        if m > 1:
            centre = math.fsum(c * e for c, e in part) / math.fsum(c for c, _ in part)
            parts.append(m / (m - 1) * math.fsum(c * (e - centre) ** 2 for c, e in part))
        else:
            # One unit shows no spread. Its distance from the mean of all units is used instead (larger on average
            # than the distance from its own stratum's mean; R: survey.lonely.psu = "adjust").
            ((c, e),) = part
            parts.append(c * (e - grand) ** 2)
    reasons = (Reason("estimate.single_units", {"count": len(single), "strata": _listed(single)}),) if single else ()
    return math.sqrt(math.fsum(parts)), reasons


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + ("…" if len(names) > most else "")


# ---- intervals -----------------------------------------------------------------------------------------------------


def clopper_pearson(x: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """The exact binomial interval for `x` of `n` (both may be effective sizes, not whole).

    >>> [round(bound, 6) for bound in clopper_pearson(0, 50)]
    [0.0, 0.071122]

    Raises EstimateError unless 0 <= x <= n, n > 0 and 0 < level < 1.
    """
    _check_count(x, n)
    _check_level(level)
    half = (1 - level) / 2
    special = _special()
    low = 0.0 if x == 0 else float(special.betaincinv(x, n - x + 1, half))
    high = 1.0 if x == n else float(special.betaincinv(x + 1, n - x, 1 - half))
    return low, high


def wilson(x: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """The score interval for `x` of `n` (both may be effective sizes). Raises EstimateError as `clopper_pearson`.

    >>> [round(bound, 6) for bound in wilson(45, 60)]
    [0.627679, 0.842235]
    """
    _check_count(x, n)
    _check_level(level)
    p = x / n
    zz = float(_special().ndtri((1 + level) / 2)) ** 2
    centre = (p + zz / (2 * n)) / (1 + zz / n)
    reach = math.sqrt(zz * (p * (1 - p) / n + zz / (4 * n * n))) / (1 + zz / n)
    # At 0 and n the bound is the share itself; the subtraction would leave a rounding error.
    return 0.0 if x == 0 else max(0.0, centre - reach), 1.0 if x == n else min(1.0, centre + reach)


def korn_graubard(p: float, se: float, n: int, df: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson at the effective sample of a complex design (Korn and Graubard 1998; svyciprop "beta").

    The effective sample p(1-p)/se² is multiplied by (t(n-1)/t(df))², the price of few degrees of freedom.
    Raises EstimateError unless 0 < p < 1, se > 0, n > 1 and df >= 1.
    """
    _check_level(level)
    _check_interior(p, se, df)
    if n < 2:
        raise EstimateError("estimate.bad_rate", p=f"{p:.6g}", se=f"{se:.6g}", n=n, df=df)
    size = effective_sample(p, se) * _few_degrees(n, df, level)
    return clopper_pearson(p * size, size, level)


def logit(p: float, se: float, df: int, level: float = 0.95) -> tuple[float, float]:
    """The interval that is symmetric on the log-odds scale, with the t quantile (svyciprop "logit").

    Raises EstimateError unless 0 < p < 1, se > 0 and df >= 1.
    """
    _check_level(level)
    _check_interior(p, se, df)
    reach = _t((1 + level) / 2, df) * se / (p * (1 - p))
    odds = math.log(p / (1 - p))
    return _expit(odds - reach), _expit(odds + reach)


def effective_sample(p: float, se: float) -> float:
    """The simple random sample with replacement that would be as sure: p(1-p)/se². Infinite when se is 0."""
    return p * (1 - p) / se**2 if se > 0 else math.inf


def interval(
    p: float,
    se: float | None,
    *,
    n: int,
    df: int,
    kish: float,
    flat: bool = False,
    level: float = 0.95,
    method: Method | None = None,
) -> Interval:
    """The interval of a rate `p`, by rule:

    1. nothing was left to chance (`kish` infinite: every unit drawn with certainty): the rate itself, width 0;
    2. all pass, all fail, or no standard error or degrees of freedom: Clopper-Pearson at `kish`, the effective
       sample of the weights alone, (Σw)²/Σw², which is never above n;
    3. else Korn-Graubard; but where a stratum shows no spread (`flat`: all its units alike) the effective sample is
       at most `kish`. Ten passes of ten add nothing to the variance and are still no certainty.

    `method` WILSON or LOGIT replaces 3 (WILSON also 2) where a series has always been published so. The normal
    interval p ± 1.96 se is not offered: near 100 % it is wrong where it matters.
    Raises EstimateError for impossible inputs.
    """
    _check_level(level)
    if not 0 <= p <= 1 or (se is not None and not 0 <= se < math.inf) or n < 1 or not kish > 0:
        raise EstimateError("estimate.bad_rate", p=f"{p:.6g}", se=f"{se:.6g}" if se is not None else "-", n=n, df=df)
    size = effective_sample(p, se) if se is not None and 0 < p < 1 else math.inf
    capped = False
    if math.isinf(kish):
        chosen, low, high = Method.CENSUS, p, p
    elif df < 1 or size > _ZERO_VARIANCE:
        size = min(size, kish)
        chosen = Method.WILSON if method is Method.WILSON else Method.CLOPPER_PEARSON
        low, high = (wilson if method is Method.WILSON else clopper_pearson)(p * size, size, level)
    else:
        chosen = method if method in (Method.WILSON, Method.LOGIT) else Method.KORN_GRAUBARD
        if chosen is Method.KORN_GRAUBARD:
            size *= _few_degrees(n, df, level)
        capped = flat and size > kish
        size = min(size, kish) if flat else size
        if chosen is Method.LOGIT:
            low, high = logit(p, math.sqrt(p * (1 - p) / size), df, level)
        else:
            low, high = (wilson if chosen is Method.WILSON else clopper_pearson)(p * size, size, level)
    said = Reason(f"estimate.by_{chosen}", {"level": f"{level * 100:g}", "n_eff": f"{size:.1f}", "n": n, "df": df})
    return Interval(low, high, level, chosen, size, (said, Reason("estimate.capped")) if capped else (said,))


def _few_degrees(n: int, df: int, level: float) -> float:
    """(t(n-1)/t(df))²: how much smaller the effective sample counts for having few degrees of freedom."""
    return (_t((1 + level) / 2, n - 1) / _t((1 + level) / 2, df)) ** 2


def _check_count(x: float, n: float) -> None:
    if not (0 <= x <= n and 0 < n < math.inf):
        raise EstimateError("estimate.bad_count", x=f"{x:g}", n=f"{n:g}")


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise EstimateError("estimate.bad_level", level=f"{level:g}")


def _check_interior(p: float, se: float, df: int) -> None:
    if not (0 < p < 1 and 0 < se < math.inf and df >= 1):
        raise EstimateError("estimate.bad_rate", p=f"{p:.6g}", se=f"{se:.6g}", n="-", df=df)


def _t(quantile: float, df: int) -> float:
    return float(_special().stdtrit(df, quantile))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _special() -> ModuleType:
    try:
        from scipy import special
    except ImportError as missing:
        raise EstimateError("estimate.stats_missing") from missing
    module: ModuleType = special
    return module


# ---- rates ---------------------------------------------------------------------------------------------------------


def rate(
    units: Iterable[Unit],
    *,
    level: float = 0.95,
    method: Method | None = None,
    publication: PublicationRule | None = None,
) -> Rate:
    """The share of the domain with y = 1, for any design whose inclusion probabilities are known.

    >>> found = rate(stratified([Stratum("A", 2, (1.0, 0.0)), Stratum("B", 2, (1.0, 1.0))]))
    >>> found.plain, found.low, found.estimate, found.high, str(found.method)
    (Fraction(3, 4), 0.75, 0.75, 0.75, 'census')

    An empty domain gives a rate without numbers and says so. Raises EstimateError when a value is not 0 or 1 or the
    sample is impossible.
    """
    sample = _checked(units)
    for number, unit in enumerate(sample, 1):
        if unit.inside and unit.y not in (0, 1):
            raise EstimateError("estimate.not_binary", where=str(number), value=f"{unit.y:g}")
    inside = [u for u in sample if u.inside]
    passed = sum(u.y == 1 for u in inside)
    if not inside:
        return _no_rate(level)
    found = mean(sample)
    # Rounding may leave a share of all passes a hair off 1.
    p = 1.0 if passed == len(inside) else 0.0 if passed == 0 else min(1.0, max(0.0, found.value))
    span = interval(
        p, found.se, n=found.n, df=found.df, kish=_kish(sample), flat=_flat(inside), level=level, method=method
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
        suppressed=_suppress(p, found.se, span, publication or PublicationRule()),
        reasons=(*span.reasons, *found.reasons),
    )


def _no_rate(level: float) -> Rate:
    empty = Reason("estimate.no_eligible")
    return Rate(0, 0, None, None, None, None, level, None, None, 0, empty, (empty,))


def _kish(sample: Sequence[Unit]) -> float:
    if all(u.pi == 1 for u in sample):
        return math.inf
    weights = [_weight(u) for u in sample if u.inside]
    return min(float(len(weights)), math.fsum(weights) ** 2 / math.fsum(w * w for w in weights))


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
        return Reason("estimate.too_uncertain", {"cv": f"{100 * se / p:.0f}", "limit": f"{100 * rule.max_cv:g}"})
    return None


def pass_rate(
    units: Iterable[UnitResult],
    *,
    level: float = 0.95,
    method: Method | None = None,
    publication: PublicationRule | None = None,
) -> PassRate:
    """The pass rate of a stratified random inspection (双随机) or sampling, with what has to stand beside it.

    The units that gave a result stand for their whole stratum (N_h over responding units); ineligible ones leave the
    domain; a stratum in which nobody answered is outside the estimate and named. The bounds take all non-response as
    fail or as pass, with the weights of the draw, so they always enclose the estimate. Targeted checks (投诉, 转办)
    were not drawn and must not be given.

    >>> pass_rate([UnitResult("A", 2, 2, Role.ELIGIBLE_PASS), UnitResult("A", 2, 2, Role.ELIGIBLE_FAIL)]).rate.plain
    Fraction(1, 2)

    Raises EstimateError when a stratum's sizes disagree between units, are impossible, or do not match the units given.
    """
    strata = _by_stratum(units)
    counts = _counts(strata)
    reasons: list[Reason] = []
    observed: list[Unit] = []
    silent: list[str] = []
    for name, (population, _, roles) in strata.items():
        responding = roles.total() - roles[Role.NON_RESPONSE]
        if responding == 0:
            silent.append(name)
            continue
        pi = Fraction(responding, population)
        for role in (Role.ELIGIBLE_PASS, Role.ELIGIBLE_FAIL, Role.INELIGIBLE):
            unit = Unit(name, pi, float(role is Role.ELIGIBLE_PASS), inside=role is not Role.INELIGIBLE)
            observed += [unit] * roles[role]
    found = rate(observed, level=level, method=method, publication=publication) if observed else _no_rate(level)
    if counts.ineligible:
        reasons.append(Reason("estimate.ineligible_left", {"count": counts.ineligible}))
    if counts.non_response:
        reasons.append(Reason("estimate.non_response_weighted", {"count": counts.non_response}))
    if silent:
        reasons.append(
            Reason(
                "estimate.silent_strata",
                {"strata": _listed(sorted(silent)), "population": sum(strata[name][0] for name in silent)},
            )
        )
    asked = counts.eligible_pass + counts.eligible_fail + counts.non_response
    return PassRate(
        rate=found,
        counts=counts,
        response_rate=Fraction(asked - counts.non_response, asked) if asked else None,
        bounds=_bounds(strata),
        reasons=(*found.reasons, *reasons),
    )


def compliance_rate(
    units: Iterable[UnitResult],
    *,
    level: float = 0.95,
    method: Method | None = None,
    publication: PublicationRule | None = None,
) -> PassRate:
    """As `pass_rate`, with non-response (无法联系, 不配合) counted as not compliant. Published beside the pass rate."""
    told = (replace(u, role=Role.ELIGIBLE_FAIL) if u.role is Role.NON_RESPONSE else u for u in units)
    return pass_rate(told, level=level, method=method, publication=publication)


def bounds(units: Iterable[UnitResult]) -> Bounds:
    """The worst and best case over non-response: all units without a result fail, or all pass.

    >>> gave, silent = UnitResult("A", 8, 2, Role.ELIGIBLE_PASS), UnitResult("A", 8, 2, Role.NON_RESPONSE)
    >>> bounds([gave, silent])
    Bounds(worst=Fraction(1, 2), best=Fraction(1, 1))

    Raises EstimateError as `pass_rate`.
    """
    return _bounds(_by_stratum(units))


_Strata = dict[str, tuple[int, int, Counter[Role]]]


def _by_stratum(units: Iterable[UnitResult]) -> _Strata:
    strata: _Strata = {}
    for unit in units:
        population, sample, roles = strata.setdefault(unit.stratum, (unit.population, unit.sample, Counter()))
        if (population, sample) != (unit.population, unit.sample):
            raise EstimateError("estimate.sizes_disagree", stratum=unit.stratum)
        roles[Role(unit.role)] += 1
    for name, (population, sample, roles) in strata.items():
        if not 1 <= sample <= population:
            raise EstimateError("estimate.bad_sizes", stratum=name, n=sample, N=population)
        if roles.total() != sample:
            raise EstimateError("estimate.units_missing", stratum=name, given=roles.total(), n=sample)
    return strata


def _counts(strata: _Strata) -> Counts:
    roles: Counter[Role] = Counter()
    for _, _, part in strata.values():
        roles.update(part)
    return Counts(*(roles[role] for role in Role))


def _bounds(strata: _Strata) -> Bounds:
    passed, failed, unknown = Fraction(0), Fraction(0), Fraction(0)
    for population, sample, roles in strata.values():
        weight = Fraction(population, sample)
        passed += weight * roles[Role.ELIGIBLE_PASS]
        failed += weight * roles[Role.ELIGIBLE_FAIL]
        unknown += weight * roles[Role.NON_RESPONSE]
    everyone = passed + failed + unknown
    if not everyone:
        return Bounds(None, None)
    return Bounds(passed / everyone, (passed + unknown) / everyone)
