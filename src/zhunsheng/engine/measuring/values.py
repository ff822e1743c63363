"""What the parts of this package share: finite numbers, quantiles, a number as it is said."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zhunsheng.engine.errors import MeasuringError
from zhunsheng.engine.estimate.intervals import special_functions

MOST = 10_000
"""Longest series of results, readings or subgroups."""
LARGEST = 1e100
"""Numbers beyond this are no measurement; their squares would not fit."""


def finite(value: float, what: str, where: str = "") -> float:
    """The value as a float. Raises MeasuringError unless it is a finite number of ordinary size."""
    if not abs(value) <= LARGEST:
        raise MeasuringError("measuring.not_finite", where=where, what=what, value=f"{value:g}")
    return float(value)


def not_negative(value: float, what: str, where: str = "") -> float:
    """The same for an uncertainty, a width or a tolerance: it is 0 or above."""
    if finite(value, what, where) < 0:
        raise MeasuringError("measuring.negative", where=where, what=what, value=said(value))
    return float(value)


def positive(value: float, what: str, where: str = "") -> float:
    """The same for what one divides by: it is above 0."""
    if finite(value, what, where) <= 0:
        raise MeasuringError("measuring.not_positive", where=where, what=what, value=said(value))
    return float(value)


def series(values: Sequence[float], what: str, least: int) -> tuple[float, ...]:
    """The values as floats. Raises MeasuringError for fewer than `least`, more than MOST, or one that is not finite."""
    if len(values) < least:
        raise MeasuringError("measuring.too_few", what=what, n=len(values), least=least)
    if len(values) > MOST:
        raise MeasuringError("measuring.too_many", what=what, n=len(values), most=MOST)
    return tuple(finite(value, what, str(place)) for place, value in enumerate(values, 1))


def mean(values: Sequence[float]) -> float:
    """The mean, without the rounding errors of a running sum, so the order does not matter."""
    return min(max(math.fsum(values) / len(values), min(values)), max(values))


def deviation(values: Sequence[float]) -> float:
    """The sample standard deviation (n - 1)."""
    centre = mean(values)
    return math.sqrt(math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1))


def coverage_factor(coverage: float, df: float) -> float:
    """The two-sided t quantile: the half width, in standard uncertainties, that holds the share `coverage`."""
    special, quantile = special_functions(), (1 + coverage) / 2
    return float(special.ndtri(quantile) if math.isinf(df) else special.stdtrit(df, quantile))


def normal_cdf(x: float) -> float:
    """The share of a normal distribution below x standard deviations."""
    return math.erfc(-x / math.sqrt(2)) / 2


def said(value: float, digits: int = 4) -> str:
    """A number in a sentence: four significant digits."""
    return f"{value:.{digits}g}"
