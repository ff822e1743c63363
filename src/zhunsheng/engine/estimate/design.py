"""Totals, means and ratios of a probability sample: strata, unequal probabilities, clusters, two stages, domains, years.

Every function takes the drawn units. All of them: a unit outside the domain stays in the list with `inside=False`,
because the design drew it; leaving it out makes the standard error too small.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from zhunsheng.engine.errors import EstimateError
from zhunsheng.engine.estimate.intervals import check_level, t_quantile
from zhunsheng.engine.words import Reason

# Two floats whose quotient should be 1 may miss it by this much.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Unit:
    """One sampled unit.

    `pi` is its inclusion probability in (0, 1]; give a Fraction (n/N) where it is exact. `y` is the value, `x` the
    value below the line of a ratio. A unit with `inside=False` was drawn but does not belong to the domain; it stays
    in the list because the design drew it. `area` is the small area it lies in.

    Where whole clusters were drawn (a market, a school), `cluster` names it and `pi_cluster` is the cluster's own
    probability; pi / pi_cluster is then the unit's probability within its cluster, 1 where all of it was checked.
    `weight` is what the unit stands for where that is not 1/pi (draws of a year put together, see `pool`).
    """

    stratum: str
    pi: Fraction | float
    y: float
    x: float = 1.0
    inside: bool = True
    id: str = ""
    area: str = ""
    cluster: str = ""
    pi_cluster: Fraction | float | None = None
    weight: Fraction | float | None = None


@dataclass(frozen=True, slots=True)
class Stratum:
    """A stratum of `population` units from which the units with these values were drawn, each with equal chance."""

    name: str
    population: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A design-based estimate. `se` is None when the sample cannot tell it; `n` counts the units of the domain;
    `df` are the degrees of freedom (units minus strata, clusters minus strata in a cluster sample; what was drawn
    with certainty is left out)."""

    value: float
    se: float | None
    n: int
    df: int
    reasons: tuple[Reason, ...] = ()

    @property
    def cv(self) -> float | None:
        """The coefficient of variation, se / |value|; None where either is unknown or zero."""
        return self.se / abs(self.value) if self.se is not None and self.value else None


@dataclass(frozen=True, slots=True)
class DesignEffect:
    """What the design cost or gained: `deff` is the variance of the mean over that of a simple random sample with
    replacement of the same size; `n_eff` = n / deff; `kish` = (Σw)²/Σw², what the weights alone leave."""

    deff: float
    n: int
    n_eff: float
    kish: float


@dataclass(frozen=True, slots=True)
class YearDraw:
    """One draw of a year: its number, all units it drew, and the frame (register and item) it stands for."""

    no: str
    units: tuple[Unit, ...]
    frame: str = ""


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


def total(units: Iterable[Unit], *, ultimate: bool = False) -> Estimate:
    """The total of `y` over the domain in the whole population: the sum of y/pi (Horvitz and Thompson).

    `ultimate` takes the first stage of a cluster sample as drawn with replacement (Hansen, Hurwitz and Madow): the
    variance between clusters alone, without a finite population correction. It needs no `pi_cluster` and is on the
    safe side.

    >>> round(total(stratified([Stratum("A", 40, (1.0, 0.0))])).value, 6)
    20.0

    Raises EstimateError for an empty or impossible sample.
    """
    sample = checked(units, ultimate=ultimate)
    expanded = [weight(u) * u.y if u.inside else 0.0 for u in sample]
    se, reasons = _standard_error(sample, expanded, ultimate)
    return Estimate(math.fsum(expanded), se, *_size(sample, ultimate), reasons)


def mean(units: Iterable[Unit], *, ultimate: bool = False) -> Estimate:
    """The mean of `y` over the domain (Hájek): weighted sum over sum of weights. `ultimate` as in `total`.

    Raises EstimateError for an empty or impossible sample, or when no unit is inside the domain.
    """
    return ratio((replace(u, x=1.0) for u in units), ultimate=ultimate)


def ratio(units: Iterable[Unit], *, ultimate: bool = False) -> Estimate:
    """The ratio of the totals of `y` and `x` over the domain, with the linearised standard error.

    `ultimate` as in `total`. Raises EstimateError for an empty or impossible sample, an empty domain, or a zero total
    of `x`.
    """
    sample = checked(units, ultimate=ultimate)
    if not any(u.inside for u in sample):
        raise EstimateError("estimate.empty_domain")
    below = math.fsum(weight(u) * u.x for u in sample if u.inside)
    if below == 0:
        raise EstimateError("estimate.zero_denominator")
    value = math.fsum(weight(u) * u.y for u in sample if u.inside) / below
    expanded = [weight(u) * (u.y - value * u.x) / below if u.inside else 0.0 for u in sample]
    se, reasons = _standard_error(sample, expanded, ultimate)
    return Estimate(value, se, *_size(sample, ultimate), reasons)


def by_area(units: Iterable[Unit], estimator: Callable[[Iterable[Unit]], Estimate] = mean) -> Mapping[str, Estimate]:
    """An estimate for every area, each with the whole sample behind it: units of other areas count as zeros.

    `estimator` is `mean`, `total` or `ratio`. Areas without a unit inside the domain are left out. (R: svyby.)
    Raises EstimateError as the estimator does.
    """
    sample = list(units)
    names = sorted({u.area for u in sample if u.inside})
    return {a: estimator([replace(u, inside=u.inside and u.area == a) for u in sample]) for a in names}


def t_interval(estimate: Estimate, level: float = 0.95) -> tuple[float, float] | None:
    """The interval value ± t·se of a mean or total; None where the standard error is unknown. Not for rates."""
    check_level(level)
    if estimate.se is None or (estimate.df < 1 and estimate.se > 0):
        return None
    reach = t_quantile((1 + level) / 2, estimate.df) * estimate.se if estimate.se > 0 else 0.0
    return estimate.value - reach, estimate.value + reach


def design_effect(units: Iterable[Unit], *, ultimate: bool = False) -> DesignEffect | None:
    """The design effect of the mean of `y` over the domain (Kish 1965; R: svymean with deff = "replace").

    None where the sample shows no spread, has fewer than two units in the domain, or has no standard error.
    Raises EstimateError as `mean`.
    """
    sample = list(units)
    found = mean(sample, ultimate=ultimate)
    inside = [u for u in sample if u.inside]
    if found.n < 2 or not found.se:
        return None
    weights = [weight(u) for u in inside]
    spread = math.fsum(w * (u.y - found.value) ** 2 for w, u in zip(weights, inside, strict=True)) / math.fsum(weights)
    if spread == 0:
        return None
    deff = found.se**2 / (spread / (found.n - 1))
    kish = math.fsum(weights) ** 2 / math.fsum(w * w for w in weights)
    return DesignEffect(deff, found.n, found.n / deff, kish)


def year_shares(draws: Mapping[str, tuple[str, int]]) -> Mapping[str, Fraction]:
    """What each draw of a year weighs, from its frame and how many units it drew: n over all n of the same frame.

    The shares have to be fixed before the results are known, and sizes are: they stand in the plan.

    >>> {no: str(share) for no, share in year_shares({"1": ("food", 30), "2": ("food", 60), "3": ("lifts", 9)}).items()}
    {'1': '1/3', '2': '2/3', '3': '1'}

    Raises EstimateError for a draw without units.
    """
    sizes: defaultdict[str, int] = defaultdict(int)
    for no, (frame, n) in draws.items():
        if n < 1:
            raise EstimateError("estimate.empty_draw", draw=no)
        sizes[frame] += n
    return {no: Fraction(n, sizes[frame]) for no, (frame, n) in draws.items()}


def pool(draws: Iterable[YearDraw]) -> tuple[Unit, ...]:
    """The draws of a year as one sample: every draw keeps strata of its own.

    Draws of the same frame estimate the same thing and are averaged by size (`year_shares`); frames are added. This
    also holds where a year is drawn without replacement: each draw, given those before it, is a stratified sample of
    the whole frame as long as the units drawn before have a stratum of their own (re-entry, a lower rate but not
    zero). Its error then has mean zero whatever was drawn before, so the errors of two draws are uncorrelated and
    their variances add. Without a re-entry stratum the later draws say nothing of the units drawn before.

    Raises EstimateError for a repeated number or a draw without units.
    """
    listed = list(draws)
    numbers = [draw.no for draw in listed]
    for no in numbers:
        if numbers.count(no) > 1:
            raise EstimateError("estimate.draw_twice", draw=no)
    shares = year_shares({draw.no: (draw.frame, len(draw.units)) for draw in listed})
    return tuple(
        replace(u, stratum=f"{draw.no}/{u.stratum}", weight=_scaled(u, shares[draw.no]))
        for draw in listed
        for u in draw.units
    )


def _scaled(unit: Unit, share: Fraction) -> Fraction | float:
    own = unit.weight if unit.weight is not None else 1 / unit.pi
    return own * share if isinstance(own, Fraction) else float(own) * float(share)


def checked(units: Iterable[Unit], *, ultimate: bool = False) -> list[Unit]:
    """The units as a list. Raises EstimateError for an empty sample or an impossible unit, naming its place."""
    sample = list(units)
    if not sample:
        raise EstimateError("estimate.no_units")
    clusters: dict[tuple[str, str], Fraction | float | None] = {}
    clustered: dict[str, bool] = {}
    for number, unit in enumerate(sample, 1):
        if not 0 < unit.pi <= 1:  # also refuses nan
            raise EstimateError("estimate.bad_probability", where=str(number), value=str(unit.pi))
        if not (math.isfinite(unit.y) and math.isfinite(unit.x)):
            raise EstimateError("estimate.not_finite", where=str(number))
        if unit.weight is not None and not 0 < unit.weight < math.inf:
            raise EstimateError("estimate.bad_weight", where=str(number), value=str(unit.weight))
        if clustered.setdefault(unit.stratum, bool(unit.cluster)) != bool(unit.cluster):
            raise EstimateError("estimate.mixed_stratum", where=str(number), stratum=unit.stratum)
        first = unit.pi_cluster
        if not unit.cluster:
            if first is not None:
                raise EstimateError("estimate.no_cluster", where=str(number))
            continue
        if first is None:
            if not ultimate:
                raise EstimateError("estimate.cluster_unknown", where=str(number), cluster=unit.cluster)
        elif not (0 < first <= 1 and unit.pi <= first * (1 + _ROUNDING)):
            raise EstimateError("estimate.bad_cluster", where=str(number), value=str(first), pi=str(unit.pi))
        if clusters.setdefault((unit.stratum, unit.cluster), first) != first:
            raise EstimateError("estimate.cluster_disagrees", where=str(number), cluster=unit.cluster)
    return sample


def weight(unit: Unit) -> float:
    """What the unit stands for: its weight, 1/pi where none was given."""
    return float(unit.weight if unit.weight is not None else 1 / unit.pi)


def kish(sample: Sequence[Unit]) -> float:
    """The effective sample of the weights alone, (Σw)²/Σw², over the domain; infinite where all was drawn with certainty.

    In a cluster sample the weights are those of the clusters: units of one market that all pass may do so for one
    reason, so they are counted once.
    """
    if all(u.pi == 1 for u in sample):
        return math.inf
    groups: defaultdict[tuple[str, str, int], list[float]] = defaultdict(list)
    for number, unit in enumerate(sample):
        if unit.inside:
            groups[_primary(unit, number)].append(weight(unit))
    weights = [math.fsum(part) for part in groups.values()]
    return min(float(len(weights)), math.fsum(weights) ** 2 / math.fsum(w * w for w in weights))


def _primary(unit: Unit, number: int) -> tuple[str, str, int]:
    """The primary unit that a unit belongs to, under its stratum. A cluster drawn with certainty is a stratum."""
    if not unit.cluster:
        return unit.stratum, "", number
    if unit.pi_cluster == 1:
        return f"{unit.stratum}/{unit.cluster}", "", number
    return unit.stratum, unit.cluster, -1


def _chance(unit: Unit, ultimate: bool) -> float:
    """1 - probability of the unit's primary unit: how much of it was left to chance."""
    if not unit.cluster or unit.pi_cluster == 1:
        return float(1 - unit.pi)
    return 1.0 if ultimate or unit.pi_cluster is None else float(1 - unit.pi_cluster)


def _size(sample: Sequence[Unit], ultimate: bool) -> tuple[int, int]:
    uncertain = {_primary(u, i) for i, u in enumerate(sample) if u.inside and _chance(u, ultimate) > 0}
    return sum(u.inside for u in sample), len(uncertain) - len({stratum for stratum, _, _ in uncertain})


@dataclass(slots=True)
class _Primary:
    """A primary unit as the variance sees it: what was left to chance, and its units (index, chance within it)."""

    chance: float
    units: list[tuple[int, float]]


def _standard_error(
    sample: Sequence[Unit], expanded: Sequence[float], ultimate: bool
) -> tuple[float | None, tuple[Reason, ...]]:
    """The standard error of sum(expanded): per stratum m/(m-1)·Σ(1-pi)(e-B)², B the (1-pi)-weighted mean of e.

    With equal pi this is the textbook stratified variance with finite population correction, and with unequal pi the
    Hájek-Rosén approximation for fixed-size order sampling. In a cluster sample e is the cluster's sum, and for
    every cluster of which only a part was checked pi_cluster times the same expression over its own units is added
    (Särndal, Swensson and Wretman 1992, 4.3). Units drawn with certainty do not vary.
    """
    strata: dict[str, dict[tuple[str, str, int], _Primary]] = {}
    for i, unit in enumerate(sample):
        key = _primary(unit, i)
        primary = strata.setdefault(key[0], {}).setdefault(key, _Primary(_chance(unit, ultimate), []))
        within = 0.0
        if key[1] and not ultimate and unit.pi_cluster is not None:
            within = max(0.0, float(1 - unit.pi / unit.pi_cluster))
        primary.units.append((i, within if within > _ROUNDING else 0.0))
    sums = {
        key: math.fsum(expanded[i] for i, _ in primary.units)
        for part in strata.values()
        for key, primary in part.items()
    }
    grand = math.fsum(expanded) / len(sums)
    drawn = {
        name: chosen
        for name, part in strata.items()
        if (chosen := {key: primary for key, primary in part.items() if primary.chance > 0})
    }
    single = sorted(name for name, part in drawn.items() if len(part) == 1)
    if single and len(drawn) == 1:
        return None, (Reason("estimate.variance_unknown", {"stratum": single[0]}),)
    lone = sorted(
        name
        for name, part in drawn.items()
        if any(sum(within > 0 for _, within in primary.units) == 1 for primary in part.values())
    )
    terms: list[float] = []
    for name, part in drawn.items():
        # One unit of many shows no spread within its cluster. The first stage as if drawn with replacement covers it.
        chances = [1.0 if name in lone else primary.chance for primary in part.values()]
        values = [sums[key] for key in part]
        terms.append(_spread(chances, values, grand))
        if name in lone:
            continue
        for primary in part.values():
            inner = [(within, expanded[i]) for i, within in primary.units if within > 0]
            if inner:
                terms.append((1 - primary.chance) * _spread([c for c, _ in inner], [e for _, e in inner], grand))
    reasons = [Reason("estimate.single_units", {"count": len(single), "strata": listed(single)})] if single else []
    if lone:
        reasons.append(Reason("estimate.single_within", {"count": len(lone), "strata": listed(lone)}))
    return math.sqrt(math.fsum(terms)), tuple(reasons)


def _spread(chances: Sequence[float], values: Sequence[float], grand: float) -> float:
    m = len(values)
    if m == 1:
        # One unit shows no spread. Its distance from the mean of all units is used instead (larger on average
        # than the distance from its own stratum's mean; R: survey.lonely.psu = "adjust").
        return chances[0] * (values[0] - grand) ** 2
    centre = math.fsum(c * e for c, e in zip(chances, values, strict=True)) / math.fsum(chances)
    return m / (m - 1) * math.fsum(c * (e - centre) ** 2 for c, e in zip(chances, values, strict=True))


def listed(names: Sequence[str], most: int = 5) -> str:
    """The first few names, for a sentence."""
    return ", ".join(names[:most]) + ("…" if len(names) > most else "")
