"""Small areas: a county with a handful of results borrows strength from the others, and says how much it borrowed.

`beta_binomial` is the default for rates; `fay_herriot` is for means with a known variance, `fay_herriot_rates` for
rates on the arcsine or log-odds scale, with covariates. Every result carries the direct value, what the model alone
would say (`synthetic`), the weight `gamma` of the direct value, and the mean squared error. `benchmark` makes the
areas add up to the city's own design-based figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from zhunsheng.engine.errors import EstimateError
from zhunsheng.engine.estimate.design import Unit, checked, design_effect, weight
from zhunsheng.engine.estimate.intervals import check_level, expit, special_functions
from zhunsheng.engine.estimate.rates import PublicationRule, choice, publication_rule, too_uncertain
from zhunsheng.engine.words import Reason

_Matrix = list[list[float]]


class Scale(StrEnum):
    """The scale on which the Fay-Herriot model of a rate is linear."""

    ARCSINE = "arcsine"
    LOGIT = "logit"


class AreaModel(StrEnum):
    """The model that made the estimates of small areas."""

    BETA_BINOMIAL = "beta_binomial"
    FAY_HERRIOT = "fay_herriot"


@dataclass(frozen=True, slots=True)
class AreaSample:
    """What an area shows of a rate: the direct share (None where nobody was observed) and the effective sample it rests
    on, 0 where there is none, infinite where everyone was checked. `population` is the (estimated) number of units."""

    name: str
    direct: float | None
    n_eff: float
    population: float
    covariates: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class AreaMean:
    """What an area shows of a mean: the direct value and its sampling variance, both None where nothing was observed."""

    name: str
    direct: float | None
    variance: float | None
    population: float = 1.0
    covariates: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class AreaEstimate:
    """The estimate of one area.

    `value` = about gamma·direct + (1-gamma)·synthetic (exactly so for `fay_herriot` and for a known mixing law);
    `mse` its mean squared error with the price of the estimated model; `low` and `high` the interval. `suppressed`
    says why it may not be published.
    """

    name: str
    value: float
    mse: float
    low: float
    high: float
    gamma: float
    direct: float | None
    synthetic: float
    population: float
    suppressed: Reason | None = None


@dataclass(frozen=True, slots=True)
class AreaFit:
    """The areas in the order given, and the model behind them.

    `spread` is the standard deviation between areas on the model's scale (for the beta-binomial of the rates
    themselves); `coefficients` are the intercept and those of the covariates (for the beta-binomial the mean rate).
    """

    model: AreaModel
    of_rates: bool
    areas: tuple[AreaEstimate, ...]
    spread: float
    coefficients: tuple[float, ...]
    level: float
    reasons: tuple[Reason, ...]


def area_samples(units: Iterable[Unit]) -> tuple[AreaSample, ...]:
    """The direct share of every area of a sample (y is 0 or 1) and its effective sample.

    An area's own variance is too unsteady to be used where it has few units. Its effective sample is that of its
    weights, (Σw)²/Σw², over the part that was not drawn (finite population), over the design effect that the whole
    sample shows beyond its weights, but at least 1. Areas without a unit inside the domain are missing; the caller
    adds them with n_eff = 0.

    Raises EstimateError as `rate`.
    """
    sample = checked(units)
    for number, unit in enumerate(sample, 1):
        if unit.inside and unit.y not in (0, 1):
            raise EstimateError("estimate.not_binary", where=str(number), value=f"{unit.y:g}")
    inside = [u for u in sample if u.inside]
    if not inside:
        raise EstimateError("estimate.empty_domain")
    effect = design_effect(sample)
    extra = 1.0
    if effect is not None:
        extra = max(1.0, effect.deff * effect.kish / effect.n / max(_left_out(inside), 1e-9))
    found: list[AreaSample] = []
    for name in sorted({u.area for u in inside}):
        own = [u for u in inside if u.area == name]
        weights = [weight(u) for u in own]
        size = math.fsum(weights)
        share = math.fsum(w * u.y for w, u in zip(weights, own, strict=True)) / size
        out = _left_out(own)
        n_eff = size**2 / math.fsum(w * w for w in weights) / extra / out if out > 0 else math.inf
        found.append(AreaSample(name, min(1.0, share), n_eff, size))
    return tuple(found)


def _left_out(units: Sequence[Unit]) -> float:
    """The part of the population, by weight, that these units stand for without being it."""
    weights = [weight(u) for u in units]
    return math.fsum(w * float(1 - u.pi) for w, u in zip(weights, units, strict=True)) / math.fsum(weights)


# ---- beta-binomial -------------------------------------------------------------------------------------------------

# The grid of the two unknowns of the mixing law: log(concentration / typical n) and, for each, the log-odds of the
# mean in standard deviations about its mode. The trapezoid rule on a smooth curve that dies out on both sides is
# exact to many digits; the steps below were halved without a change in the eighth.
_LOG_LOW, _LOG_HIGH, _LOG_STEP = -10.0, 14.0, 0.25
_REACH, _STEP = 8.0, 0.4
_NEGLIGIBLE = 1e-12


def beta_binomial(
    areas: Sequence[AreaSample], *, level: float = 0.95, publication: PublicationRule | None = None
) -> AreaFit:
    """Rates of small areas: the areas' true rates follow a beta law, the results in an area a binomial one with the
    design-effective sample; both unknowns of the law are integrated out, not fixed at a best guess.

    Prior: every mean rate and every shrinkage of a typical area equally likely (uniform shrinkage; Christiansen and
    Morris 1997). The value is the posterior mean, the mse the posterior variance, the interval has equal tails, and
    reaches 0 where nobody passed, 1 where everybody did.
    Nothing is simulated: the same input gives the same digits. An area checked in full keeps its own rate.

    >>> fit = beta_binomial([AreaSample("A", 0.5, 4, 90), AreaSample("B", 0.9, 200, 90), AreaSample("C", 0.95, 100, 9)])
    >>> [round(area.gamma, 2) for area in fit.areas]
    [0.3, 0.89, 0.82]

    Raises EstimateError without any observed area or for an impossible one.
    """
    check_level(level)
    rule = publication or publication_rule()
    _check_samples(areas)
    data = [_effective(area) for area in areas]
    seen = [(y, n) for y, n in data if n > 0]
    if not seen:
        raise EstimateError("estimate.empty_domain")
    # The typical sample of the prior: the harmonic mean, so that small areas set the scale.
    typical = len(seen) / math.fsum(1 / n for _, n in seen)
    mixture = _mixture(seen, typical)
    centre = math.fsum(p * m for p, m, _ in mixture)
    between = math.fsum(p * (m * (1 - m) / (k + 1) + (m - centre) ** 2) for p, m, k in mixture)
    found: list[AreaEstimate] = []
    for area, (y, n) in zip(areas, data, strict=True):
        if math.isinf(area.n_eff):
            share = float(area.direct or 0.0)
            found.append(AreaEstimate(area.name, share, 0.0, share, share, 1.0, share, centre, area.population))
            continue
        parts = [(p, y + m * k, n - y + (1 - m) * k) for p, m, k in mixture]
        value = math.fsum(p * a / (a + b) for p, a, b in parts)
        mse = math.fsum(p * (a * b / (a + b) ** 2 / (a + b + 1) + (a / (a + b) - value) ** 2) for p, a, b in parts)
        low, high = _beta_interval(parts, level)
        if n > 0:
            # None seen is no proof of some: a continuous law would never let the rate be 0 (or 1).
            low, high = (0.0 if y == 0 else low), (1.0 if y == n else high)
        gamma = math.fsum(p * n / (n + k) for p, _, k in mixture)
        said = _suppress(value, mse, rule)
        found.append(AreaEstimate(area.name, value, mse, low, high, gamma, area.direct, centre, area.population, said))
    reasons = (Reason("estimate.by_beta_binomial", {"areas": len(seen), "level": f"{level * 100:g}"}), *_unseen(found))
    return AreaFit(AreaModel.BETA_BINOMIAL, True, tuple(found), math.sqrt(between), (centre,), level, reasons)


def _suppress(value: float, mse: float, rule: PublicationRule) -> Reason | None:
    """A value of 0 has no coefficient of variation."""
    cv = math.sqrt(mse) / abs(value) if value else 0.0
    return too_uncertain(cv, rule) if cv > rule.max_cv else None


def _check_samples(areas: Sequence[AreaSample]) -> None:
    names: set[str] = set()
    for area in areas:
        share = area.direct
        sound = area.n_eff == 0 if share is None else 0 <= share <= 1 and area.n_eff > 0
        if not sound or not 0 < area.population < math.inf:
            raise EstimateError("estimate.bad_area", area=area.name)
        if area.name in names:
            raise EstimateError("estimate.area_twice", area=area.name)
        names.add(area.name)


def _effective(area: AreaSample) -> tuple[float, float]:
    """Passes and size of the effective sample; an area checked in full counts as its population."""
    if area.direct is None:
        return 0.0, 0.0
    n = area.population if math.isinf(area.n_eff) else area.n_eff
    return area.direct * n, n


def _unseen(areas: Sequence[AreaEstimate]) -> tuple[Reason, ...]:
    names = [area.name for area in areas if area.direct is None]
    return (Reason("estimate.areas_unseen", {"areas": ", ".join(names)}),) if names else ()


def _mixture(seen: Sequence[tuple[float, float]], typical: float) -> list[tuple[float, float, float]]:
    """The posterior of (mean, concentration) as weights on a grid; the weights add up to 1."""
    points: list[tuple[float, float, float]] = []
    for step in range(round((_LOG_HIGH - _LOG_LOW) / _LOG_STEP) + 1):
        t = _LOG_LOW + step * _LOG_STEP
        k = typical * math.exp(t)
        prior = -abs(t) - 2 * math.log1p(math.exp(-abs(t)))  # log of s(1-s), s = k / (k + typical), uniform in s

        def density(z: float, k: float = k, prior: float = prior) -> float:
            m = expit(z)
            # m(1-m) turns the uniform law of m into that of its log-odds.
            return prior + math.log(m) + math.log1p(-m) + _log_likelihood(seen, m, k)

        mode = _highest(density, -30.0, 30.0)
        width = _width(density, mode)
        for j in range(-round(_REACH / _STEP), round(_REACH / _STEP) + 1):
            z = mode + j * _STEP * width
            if abs(z) < 36:  # beyond, 1 - m is lost to rounding
                points.append((density(z) + math.log(width), expit(z), k))
    top = max(height for height, _, _ in points)
    kept = [(math.exp(h - top), m, k) for h, m, k in points if h - top > math.log(_NEGLIGIBLE)]
    whole = math.fsum(w for w, _, _ in kept)
    return [(w / whole, m, k) for w, m, k in kept]


def _log_likelihood(seen: Sequence[tuple[float, float]], m: float, k: float) -> float:
    a, b, log = m * k, (1 - m) * k, math.lgamma
    none = log(k) - log(a) - log(b)
    return math.fsum(log(y + a) + log(n - y + b) - log(n + k) + none for y, n in seen)


def _highest(f: Callable[[float], float], low: float, high: float) -> float:
    """The place of the maximum of a function with one hump, by golden section."""
    golden = (math.sqrt(5) - 1) / 2
    a, b = high - golden * (high - low), low + golden * (high - low)
    fa, fb = f(a), f(b)
    for _ in range(60):
        if fa < fb:
            low, a, fa = a, b, fb
            b = low + golden * (high - low)
            fb = f(b)
        else:
            high, b, fb = b, a, fa
            a = high - golden * (high - low)
            fa = f(a)
    return (low + high) / 2


def _width(f: Callable[[float], float], mode: float) -> float:
    """One standard deviation, read off the distance at which the curve has fallen by 1/2, the wider side."""
    top, wide = f(mode), 0.0
    for side in (-1, 1):
        low, high = 0.0, 30.0
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if f(mode + side * middle) > top - 0.5 else (low, middle)
        wide = max(wide, high)
    return wide


def _beta_interval(parts: Sequence[tuple[float, float, float]], level: float) -> tuple[float, float]:
    """The quantiles of a mixture of beta laws, by the secant rule inside a bracket."""
    special = special_functions()
    from numpy import array  # there wherever scipy is

    kept: list[tuple[float, float, float]] = []
    whole = 0.0
    for part in sorted(parts, reverse=True):
        kept.append(part)
        whole += part[0]
        if whole > 1 - 1e-7:
            break
    weights, a, b = (array([part[i] for part in kept]) for i in range(3))
    # The beta law with the mixture's own mean and variance is close: the search starts there.
    centre = math.fsum(p * a / (a + b) for p, a, b in kept) / whole
    square = math.fsum(p * a * (a + 1) / (a + b) / (a + b + 1) for p, a, b in kept) / whole
    size = max(centre * (1 - centre) / (square - centre**2) - 1, 1e-6)

    def quantile(share: float) -> float:
        def missing(x: float) -> float:
            return float((special.betainc(a, b, x) * weights).sum()) / whole - share

        low, high = 0.0, 1.0
        last, gap = 0.0, -share
        x = min(max(float(special.betaincinv(centre * size, (1 - centre) * size, share)), 1e-12), 1 - 1e-12)
        for _ in range(100):
            here = missing(x)
            low, high = (x, high) if here < 0 else (low, x)
            if abs(here) < 1e-10 or high - low < 1e-12:
                break
            step = x - here * (x - last) / (here - gap) if here != gap else low
            last, gap = x, here
            x = step if low < step < high else (low + high) / 2
        return x

    return quantile((1 - level) / 2), quantile((1 + level) / 2)


# ---- Fay-Herriot ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fitted:
    variance: float  # between areas
    beta: tuple[float, ...]
    cov: _Matrix  # of beta
    doubt: float  # asymptotic variance of `variance`


def fay_herriot(
    areas: Sequence[AreaMean], *, level: float = 0.95, publication: PublicationRule | None = None
) -> AreaFit:
    """Means of small areas with a linear model of their covariates (an intercept is always there): Fay and Herriot
    1979, variance between areas by REML, mean squared error by Prasad and Rao 1990 (g1 + g2 + 2·g3; Datta and Lahiri
    2000), interval by the normal law.

    The restricted likelihood is searched over all variances from 0, so the result does not depend on a start.
    R: sae::eblupFH and mseFH; metafor::rma gives the same variance.

    >>> fit = fay_herriot([AreaMean(n, y, 1.0) for n, y in [("A", 8.0), ("B", 10.0), ("C", 12.0), ("D", 14.0)]])
    >>> [round(area.value, 2) for area in fit.areas]
    [8.45, 10.15, 11.85, 13.55]

    Raises EstimateError for fewer observed areas than coefficients + 2, for covariates that say the same, or for an
    impossible area.
    """
    check_level(level)
    rule = publication or publication_rule()
    fitted, rows = _fit(areas)
    reach = float(special_functions().ndtri((1 + level) / 2))
    found: list[AreaEstimate] = []
    for area, row in zip(areas, rows, strict=True):
        value, mse, gamma, synthetic = _predict(fitted, row, area.direct, area.variance)
        said = _suppress(value, mse, rule)
        low, high = value - reach * math.sqrt(mse), value + reach * math.sqrt(mse)
        found.append(
            AreaEstimate(area.name, value, mse, low, high, gamma, area.direct, synthetic, area.population, said)
        )
    return _fay_herriot_fit(fitted, found, level, None)


def fay_herriot_rates(
    areas: Sequence[AreaSample],
    *,
    scale: Scale = Scale.ARCSINE,
    level: float = 0.95,
    publication: PublicationRule | None = None,
) -> AreaFit:
    """As `fay_herriot`, for rates: the model is linear on a scale that knows no borders.

    ARCSINE: asin √p with variance 1/(4·n_eff), which does not depend on p. LOGIT: log((x+½)/(n-x+½)) with x = p·n_eff
    and variance (n+1)(n+2)/(n(x+1)(n-x+1)) (Gart and Zweifel 1967). The value is the expectation of the rate under
    the model's normal law, not the transformed middle; the interval is the transformed one. Areas checked in full
    keep their own rate and teach the model.

    Raises EstimateError as `fay_herriot`.
    """
    check_level(level)
    rule = publication or publication_rule()
    _check_samples(areas)
    back = _square_sine if scale is Scale.ARCSINE else expit
    told = [AreaMean(a.name, *_to_scale(a, scale), a.population, a.covariates) for a in areas]
    fitted, rows = _fit(told)
    reach = float(special_functions().ndtri((1 + level) / 2))
    found: list[AreaEstimate] = []
    for area, seen, row in zip(areas, told, rows, strict=True):
        middle, mse, gamma, synthetic = _predict(fitted, row, seen.direct, seen.variance)
        alone = _moments(back, synthetic, fitted.variance)[0]
        if math.isinf(area.n_eff):
            share = float(area.direct or 0.0)
            found.append(AreaEstimate(area.name, share, 0.0, share, share, 1.0, share, alone, area.population))
            continue
        value, spread = _moments(back, middle, mse)
        low, high = (back(middle + side * reach * math.sqrt(mse)) for side in (-1, 1))
        said = _suppress(value, spread, rule)
        found.append(
            AreaEstimate(area.name, value, spread, low, high, gamma, area.direct, alone, area.population, said)
        )
    return _fay_herriot_fit(fitted, found, level, scale)


def _fay_herriot_fit(fitted: _Fitted, found: Sequence[AreaEstimate], level: float, scale: Scale | None) -> AreaFit:
    seen = sum(area.direct is not None for area in found)
    code = "estimate.by_fay_herriot" if scale is None else f"estimate.by_fay_herriot_{scale}"
    reasons = [Reason(code, {"areas": seen, "level": f"{level * 100:g}"}), *_unseen(found)]
    wanted = round(choice("min_areas"))
    if seen < wanted:
        reasons.append(Reason("estimate.few_areas", {"areas": seen, "wanted": wanted}))
    if fitted.variance == 0:
        reasons.append(Reason("estimate.no_spread_between"))
    return AreaFit(
        AreaModel.FAY_HERRIOT,
        scale is not None,
        tuple(found),
        math.sqrt(fitted.variance),
        fitted.beta,
        level,
        tuple(reasons),
    )


def _to_scale(area: AreaSample, scale: Scale) -> tuple[float | None, float | None]:
    if area.direct is None:
        return None, None
    x, n = _effective(area)
    if scale is Scale.ARCSINE:
        return math.asin(math.sqrt(area.direct)), 1 / (4 * n)
    return math.log((x + 0.5) / (n - x + 0.5)), (n + 1) * (n + 2) / (n * (x + 1) * (n - x + 1))


def _square_sine(angle: float) -> float:
    return math.sin(min(max(angle, 0.0), math.pi / 2)) ** 2


def _moments(f: Callable[[float], float], middle: float, variance: float) -> tuple[float, float]:
    """Mean and variance of f(Z), Z normal, by the trapezoid rule over ±9 standard deviations."""
    sd = math.sqrt(variance)
    places = [(math.exp(-(z**2) / 2), f(middle + z * sd)) for z in (j / 8 for j in range(-72, 73))]
    whole = math.fsum(w for w, _ in places)
    centre = math.fsum(w * v for w, v in places) / whole
    return centre, math.fsum(w * (v - centre) ** 2 for w, v in places) / whole


def _fit(areas: Sequence[AreaMean]) -> tuple[_Fitted, _Matrix]:
    width = len(areas[0].covariates) if areas else 0
    names: set[str] = set()
    for area in areas:
        numbers = [*area.covariates, *(v for v in (area.direct, area.variance) if v is not None)]
        sound = (area.direct is None) == (area.variance is None) and (area.variance is None or area.variance > 0)
        if not sound or not all(map(math.isfinite, numbers)) or not 0 < area.population < math.inf:
            raise EstimateError("estimate.bad_area", area=area.name)
        if len(area.covariates) != width:
            raise EstimateError("estimate.covariates_differ", area=area.name)
        if area.name in names:
            raise EstimateError("estimate.area_twice", area=area.name)
        names.add(area.name)
    rows = [[1.0, *area.covariates] for area in areas]
    x = [row for row, area in zip(rows, areas, strict=True) if area.direct is not None]
    y = [area.direct for area in areas if area.direct is not None]
    psi = [area.variance for area in areas if area.variance is not None]
    if len(y) < width + 3:
        raise EstimateError("estimate.too_few_areas", areas=len(y), wanted=width + 3)
    variance = _reml(x, y, psi)
    v = [variance + p for p in psi]
    cov, beta = _regress(x, y, v)
    return _Fitted(variance, tuple(beta), cov, 2 / math.fsum(1 / t**2 for t in v)), rows


def _predict(
    fitted: _Fitted, row: Sequence[float], direct: float | None, psi: float | None
) -> tuple[float, float, float, float]:
    """Value, mean squared error, gamma and synthetic value of an area."""
    synthetic = math.fsum(b * x for b, x in zip(fitted.beta, row, strict=True))
    lever = math.fsum(a * fitted.cov[i][j] * b for i, a in enumerate(row) for j, b in enumerate(row))
    if direct is None or psi is None:
        return synthetic, fitted.variance + lever, 0.0, synthetic
    gamma = fitted.variance / (fitted.variance + psi)
    value = gamma * direct + (1 - gamma) * synthetic
    g3 = psi**2 / (fitted.variance + psi) ** 3 * fitted.doubt
    return value, gamma * psi + (1 - gamma) ** 2 * lever + 2 * g3, gamma, synthetic


def _reml(x: _Matrix, y: Sequence[float], psi: Sequence[float]) -> float:
    """The variance between areas at which the restricted likelihood is highest; 0 if that is at the border."""
    middle = sorted(psi)[len(psi) // 2]
    centre = math.fsum(y) / len(y)
    top = 100 * (max(psi) + math.fsum((v - centre) ** 2 for v in y) / len(y))
    # A grid in even steps of the logarithm finds the hump, the sign of the slope its top.
    start, steps = middle * 1e-6, 80
    grid = [0.0, *(start * math.exp(math.log(top / start) * i / steps) for i in range(steps + 1))]
    best = max(range(len(grid)), key=lambda i: _restricted(x, y, psi, grid[i])[0])
    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    if _restricted(x, y, psi, low)[1] <= 0:
        return low if low == 0 else grid[best]
    for _ in range(200):
        half = (low + high) / 2
        low, high = (half, high) if _restricted(x, y, psi, half)[1] > 0 else (low, half)
    return (low + high) / 2


def _restricted(x: _Matrix, y: Sequence[float], psi: Sequence[float], variance: float) -> tuple[float, float]:
    """The logarithm of the restricted likelihood and its slope (without constants and without the factor 1/2)."""
    v = [variance + p for p in psi]
    cov, beta = _regress(x, y, v)
    rest = [a - math.fsum(b * c for b, c in zip(beta, row, strict=True)) for a, row in zip(y, x, strict=True)]
    height = (
        -math.fsum(math.log(t) for t in v)
        + _log_determinant(cov)
        - math.fsum(r * r / t for r, t in zip(rest, v, strict=True))
    )
    squares = _products(x, [1 / t**2 for t in v])
    width = range(len(cov))
    trace = math.fsum(1 / t for t in v) - math.fsum(cov[i][j] * squares[j][i] for i in width for j in width)
    return height, math.fsum((r / t) ** 2 for r, t in zip(rest, v, strict=True)) - trace


def _products(x: _Matrix, weights: Sequence[float]) -> _Matrix:
    width = range(len(x[0]))
    return [[math.fsum(w * row[i] * row[j] for w, row in zip(weights, x, strict=True)) for j in width] for i in width]


def _regress(x: _Matrix, y: Sequence[float], v: Sequence[float]) -> tuple[_Matrix, list[float]]:
    """(X'V⁻¹X)⁻¹ and the coefficients of weighted least squares."""
    cov = _inverse(_products(x, [1 / t for t in v]))
    right = [math.fsum(row[i] * a / t for row, a, t in zip(x, y, v, strict=True)) for i in range(len(cov))]
    return cov, [math.fsum(c * r for c, r in zip(line, right, strict=True)) for line in cov]


def _factor(matrix: _Matrix) -> _Matrix:
    """The Cholesky factor of a positive definite matrix."""
    n = len(matrix)
    lower = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = matrix[i][j] - math.fsum(lower[i][k] * lower[j][k] for k in range(j))
            if i != j:
                lower[i][j] = rest / lower[j][j]
            elif rest <= matrix[i][i] * 1e-12:
                raise EstimateError("estimate.covariates_dependent")
            else:
                lower[i][i] = math.sqrt(rest)
    return lower


def _inverse(matrix: _Matrix) -> _Matrix:
    lower, n = _factor(matrix), len(matrix)
    columns: _Matrix = []
    for c in range(n):
        z = [0.0] * n
        for i in range(n):
            z[i] = ((i == c) - math.fsum(lower[i][k] * z[k] for k in range(i))) / lower[i][i]
        for i in reversed(range(n)):
            z[i] = (z[i] - math.fsum(lower[k][i] * z[k] for k in range(i + 1, n))) / lower[i][i]
        columns.append(z)
    return columns


def _log_determinant(matrix: _Matrix) -> float:
    lower = _factor(matrix)
    return 2 * math.fsum(math.log(lower[i][i]) for i in range(len(lower)))


# ---- benchmarking --------------------------------------------------------------------------------------------------


def benchmark(fit: AreaFit, target: float) -> AreaFit:
    """The areas moved so that their mean, weighted by population, is the city's own design-based `target`.

    Areas move in proportion to their mean squared error: what is known well stays (Datta, Ghosh, Steorts and Maples
    2011). Rates are moved on the log-odds scale and stay between 0 and 1. The square of the move is added to the mean
    squared error, and the interval moves along.

    Raises EstimateError when no move reaches the target.
    """
    whole = math.fsum(area.population for area in fit.areas)
    if not math.isfinite(target) or not any(area.mse > 0 for area in fit.areas):
        raise EstimateError("estimate.bad_target", target=f"{target:.6g}")
    before = math.fsum(area.population * area.value for area in fit.areas) / whole

    def moved(area: AreaEstimate, value: float, shift: float) -> float:
        if not fit.of_rates:
            return value + shift * area.mse
        if area.mse == 0 or not (0 < value < 1 and 0 < area.value < 1):
            return value
        pull = area.mse / (area.value * (1 - area.value)) ** 2
        return expit(math.log(value / (1 - value)) + shift * pull)

    if fit.of_rates:
        shift = _shift(lambda s: math.fsum(a.population * moved(a, a.value, s) for a in fit.areas) / whole, target)
    else:
        shift = (target - before) / (math.fsum(area.population * area.mse for area in fit.areas) / whole)
    areas = tuple(
        replace(
            area,
            value=(value := moved(area, area.value, shift)),
            mse=area.mse + (value - area.value) ** 2,
            low=moved(area, area.low, shift),
            high=moved(area, area.high, shift),
        )
        for area in fit.areas
    )
    said = Reason("estimate.benchmarked", {"before": f"{before:.4g}", "target": f"{target:.4g}"})
    return replace(fit, areas=areas, reasons=(*fit.reasons, said))


def _shift(mean_at: Callable[[float], float], target: float) -> float:
    low, high = -1e6, 1e6
    if not mean_at(low) < target < mean_at(high):
        raise EstimateError("estimate.bad_target", target=f"{target:.6g}")
    for _ in range(200):
        half = (low + high) / 2
        low, high = (half, high) if mean_at(half) < target else (low, half)
    return (low + high) / 2
