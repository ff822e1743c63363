"""Intervals of a rate under a design: exact, Korn-Graubard, Wilson and logit. The normal interval is not offered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType

from zhunsheng.engine.errors import EstimateError
from zhunsheng.engine.words import Reason

# An effective sample above this is rounding noise around a zero variance, not information.
_ZERO_VARIANCE = 1e12


class Method(StrEnum):
    """How an interval was made."""

    CENSUS = "census"
    KORN_GRAUBARD = "korn_graubard"
    CLOPPER_PEARSON = "clopper_pearson"
    WILSON = "wilson"
    LOGIT = "logit"


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval of a rate. `n_eff` is the effective sample the method used (infinite for a census)."""

    low: float
    high: float
    level: float
    method: Method
    n_eff: float
    reasons: tuple[Reason, ...]


def clopper_pearson(x: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """The exact binomial interval for `x` of `n` (both may be effective sizes, not whole).

    >>> [round(bound, 6) for bound in clopper_pearson(0, 50)]
    [0.0, 0.071122]

    Raises EstimateError unless 0 <= x <= n, n > 0 and 0 < level < 1.
    """
    _check_count(x, n)
    check_level(level)
    half = (1 - level) / 2
    special = special_functions()
    low = 0.0 if x == 0 else float(special.betaincinv(x, n - x + 1, half))
    high = 1.0 if x == n else float(special.betaincinv(x + 1, n - x, 1 - half))
    return low, high


def wilson(x: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """The score interval for `x` of `n` (both may be effective sizes). Raises EstimateError as `clopper_pearson`.

    >>> [round(bound, 6) for bound in wilson(45, 60)]
    [0.627679, 0.842235]
    """
    _check_count(x, n)
    check_level(level)
    p = x / n
    zz = float(special_functions().ndtri((1 + level) / 2)) ** 2
    centre = (p + zz / (2 * n)) / (1 + zz / n)
    reach = math.sqrt(zz * (p * (1 - p) / n + zz / (4 * n * n))) / (1 + zz / n)
    # At 0 and n the bound is the share itself; the subtraction would leave a rounding error.
    return 0.0 if x == 0 else max(0.0, centre - reach), 1.0 if x == n else min(1.0, centre + reach)


def korn_graubard(p: float, se: float, n: int, df: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson at the effective sample of a complex design (Korn and Graubard 1998; svyciprop "beta").

    The effective sample p(1-p)/se² is multiplied by (t(n-1)/t(df))², the price of few degrees of freedom.
    Raises EstimateError unless 0 < p < 1, se > 0, n > 1 and df >= 1.
    """
    check_level(level)
    _check_interior(p, se, df)
    if n < 2:
        raise EstimateError("estimate.bad_rate", p=f"{p:.6g}", se=f"{se:.6g}", n=n, df=df)
    size = effective_sample(p, se) * _few_degrees(n, df, level)
    return clopper_pearson(p * size, size, level)


def logit(p: float, se: float, df: int, level: float = 0.95) -> tuple[float, float]:
    """The interval that is symmetric on the log-odds scale, with the t quantile (svyciprop "logit").

    Raises EstimateError unless 0 < p < 1, se > 0 and df >= 1.
    """
    check_level(level)
    _check_interior(p, se, df)
    reach = t_quantile((1 + level) / 2, df) * se / (p * (1 - p))
    odds = math.log(p / (1 - p))
    return expit(odds - reach), expit(odds + reach)


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
    check_level(level)
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
    return (t_quantile((1 + level) / 2, n - 1) / t_quantile((1 + level) / 2, df)) ** 2


def _check_count(x: float, n: float) -> None:
    if not (0 <= x <= n and 0 < n < math.inf):
        raise EstimateError("estimate.bad_count", x=f"{x:g}", n=f"{n:g}")


def check_level(level: float) -> None:
    if not 0 < level < 1:
        raise EstimateError("estimate.bad_level", level=f"{level:g}")


def _check_interior(p: float, se: float, df: int) -> None:
    if not (0 < p < 1 and 0 < se < math.inf and df >= 1):
        raise EstimateError("estimate.bad_rate", p=f"{p:.6g}", se=f"{se:.6g}", n="-", df=df)


def t_quantile(quantile: float, df: int) -> float:
    return float(special_functions().stdtrit(df, quantile))


def expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def special_functions() -> ModuleType:
    try:
        from scipy import special
    except ImportError as missing:
        raise EstimateError("estimate.stats_missing") from missing
    module: ModuleType = special
    return module
