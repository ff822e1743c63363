"""Uncertainty of a measurement result by the GUM (JCGM 100:2008; JJF 1059.1-2012)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from zhunsheng.engine.errors import MeasuringError
from zhunsheng.engine.measuring.values import coverage_factor, deviation, finite, not_negative, positive, said, series
from zhunsheng.engine.testing.rounding import round_to
from zhunsheng.engine.words import Reason

MOST_COMPONENTS = 100


class Distribution(StrEnum):
    """The distribution that is assumed for an input, and with it the divisor of its half width."""

    NORMAL = "normal"  # a standard uncertainty; an expanded one takes its k as divisor
    RECTANGULAR = "rectangular"  # 均匀分布
    TRIANGULAR = "triangular"  # 三角分布
    U_SHAPED = "u_shaped"  # 反正弦分布

    @property
    def divisor(self) -> float:
        """From the half width to the standard uncertainty (GUM 4.3.7, 4.3.9)."""
        return _DIVISORS[self]


_DIVISORS = {
    Distribution.NORMAL: 1.0,
    Distribution.RECTANGULAR: math.sqrt(3),
    Distribution.TRIANGULAR: math.sqrt(6),
    Distribution.U_SHAPED: math.sqrt(2),
}


class Evaluation(StrEnum):
    """How the input was evaluated: A from repeated readings, B by any other knowledge."""

    A = "A"
    B = "B"


@dataclass(frozen=True, slots=True)
class Component:
    """One line of a budget.

    `spread`: half width of the input, or its (expanded) uncertainty, in the input's unit. `divisor`: from the spread to
    the standard uncertainty; that of the distribution unless given. `sensitivity`: change of the result for one unit of
    the input. `df`: degrees of freedom, infinite unless given.
    """

    name: str
    spread: float
    distribution: Distribution = Distribution.NORMAL
    sensitivity: float = 1.0
    df: float = math.inf
    divisor: float | None = None
    evaluation: Evaluation = Evaluation.B

    @property
    def standard(self) -> float:
        """The standard uncertainty of the input, in its own unit."""
        return self.spread / (self.distribution.divisor if self.divisor is None else self.divisor)

    @property
    def contribution(self) -> float:
        """What it adds, with its sign, in the unit of the result: c·u."""
        return self.sensitivity * self.standard


@dataclass(frozen=True, slots=True)
class Correlation:
    """The correlation of two inputs, by their names."""

    first: str
    second: str
    r: float


@dataclass(frozen=True, slots=True)
class Share:
    """A component in the finished budget. `share`: its part of the combined variance, 0 to 1, without correlations."""

    component: Component
    standard: float
    contribution: float
    share: float


@dataclass(frozen=True, slots=True)
class Budget:
    """A finished budget: combined standard uncertainty, effective degrees of freedom, k and the expanded uncertainty.

    `combined` and `expanded` are in the unit of the result, not rounded. `coverage` is None where k was given.
    """

    shares: tuple[Share, ...]
    combined: float
    df: float
    coverage: float | None
    k: float
    expanded: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Reported:
    """A result as it is written down: U with two significant digits, the value to the same place (GUM 7.2.6)."""

    value: Decimal
    expanded: Decimal

    def text(self, unit: str = "") -> str:
        """`50.00 ± 0.12 mm`, in plain digits."""
        both = f"{self.value:f} ± {self.expanded:f}"
        return f"({both}) {unit}" if unit else both


def type_a(name: str, readings: Sequence[float], sensitivity: float = 1.0) -> Component:
    """The component of repeated readings: the standard deviation of their mean, n - 1 degrees of freedom (GUM 4.2).

    Raises MeasuringError for fewer than two readings.
    """
    values = series(readings, name, 2)
    spread = deviation(values) / math.sqrt(len(values))
    return Component(name, spread, Distribution.NORMAL, sensitivity, len(values) - 1, None, Evaluation.A)


def budget(
    components: Sequence[Component],
    correlations: Sequence[Correlation] = (),
    *,
    coverage: float = 0.9545,
    k: float | None = None,
) -> Budget:
    """The combined and the expanded uncertainty (GUM 5.1.2, 5.2.2, G.4).

    u_c² = Σ (c u)² + 2 ΣΣ c_i c_j u_i u_j r_ij; ν_eff = u_c⁴/Σ((c u)⁴/ν), cut down to a whole number; k is the t
    quantile of `coverage` at ν_eff, or `k` as given. Welch and Satterthwaite's formula is for independent inputs: with
    correlated inputs the smallest ν of all is taken, which is on the safe side, and said.

    >>> gauge = budget([Component("r", 0.03, Distribution.RECTANGULAR), Component("s", 0.01)])
    >>> round(gauge.combined, 6), round(gauge.k, 2), round(gauge.expanded, 6)
    (0.02, 2.0, 0.04)

    Raises MeasuringError for no or too many components, a name given twice, a negative or infinite spread, a divisor
    or a k that is not above 0, degrees of freedom below 1, a correlation that is unknown, doubled or impossible.
    """
    if not components:
        raise MeasuringError("measuring.uncertainty.no_component")
    if len(components) > MOST_COMPONENTS:
        raise MeasuringError("measuring.too_many", what="components", n=len(components), most=MOST_COMPONENTS)
    if not 0 < coverage < 1:
        raise MeasuringError("measuring.uncertainty.bad_coverage", value=f"{coverage:g}")
    names = _checked(components)
    matrix = _correlation_matrix(names, correlations)
    parts = [component.contribution for component in components]
    cross = [matrix[i][j] * parts[i] * parts[j] for i in range(len(parts)) for j in range(i)]
    combined = math.sqrt(max(0.0, math.fsum([*(part * part for part in parts), *(2 * term for term in cross)])))
    reasons: list[Reason] = []
    if any(cross):
        df = min((c.df for c in components if c.contribution != 0), default=math.inf)
        reasons.append(Reason("measuring.uncertainty.correlated", {"df": _degrees(df)}))
    else:
        df = _effective(components, parts, combined)
    whole = df if math.isinf(df) else float(max(1, math.floor(df + 1e-9)))
    if k is None:
        factor = coverage_factor(coverage, whole)
        percent = f"{100 * coverage:.4g}"
        params: dict[str, str | int] = {"coverage": percent, "df": _degrees(whole), "k": f"{factor:.2f}"}
        reasons.append(Reason("measuring.uncertainty.k_from_t", params))
    else:
        factor = positive(k, "k")
        reasons.append(Reason("measuring.uncertainty.k_given", {"k": said(factor)}))
    total = math.fsum(part * part for part in parts)
    shares = tuple(
        Share(c, c.standard, part, part * part / total if total > 0 else 0.0)
        for c, part in zip(components, parts, strict=True)
    )
    if total > 0:
        largest = max(shares, key=lambda share: share.share)
        params = {"name": largest.component.name, "share": f"{100 * largest.share:.0f}"}
        reasons.append(Reason("measuring.uncertainty.largest", params))
    coverage_said = coverage if k is None else None
    return Budget(shares, combined, df, coverage_said, factor, factor * combined, tuple(reasons))


def report(value: float, expanded: float, digits: int = 2) -> Reported:
    """The value and U as they are written down: U to `digits` significant digits, the value to the same place.

    Halves go to the even digit (GB/T 8170, GUM 7.2.6).

    >>> report(50.000838, 0.0000930).text("mm")
    '(50.000838 ± 0.000093) mm'

    Raises MeasuringError unless U is above 0 and there are one or two digits.
    """
    if digits not in (1, 2):
        raise MeasuringError("measuring.uncertainty.bad_digits", digits=digits)
    exact = Decimal(repr(positive(expanded, "U")))
    place = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    rounded = round_to(exact, place)
    if rounded.adjusted() > exact.adjusted():  # 0.0996 becomes 0.10, not 0.100
        place = place.scaleb(1)
        rounded = round_to(exact, place)
    return Reported(round_to(Decimal(repr(finite(value, "x"))), place), rounded)


def _checked(components: Sequence[Component]) -> dict[str, int]:
    names: dict[str, int] = {}
    for place, component in enumerate(components):
        if not component.name or component.name in names:
            raise MeasuringError("measuring.uncertainty.bad_name", where=str(place + 1), name=component.name[:80])
        names[component.name] = place
        not_negative(component.spread, "spread", component.name)
        finite(component.sensitivity, "sensitivity", component.name)
        if component.divisor is not None:
            positive(component.divisor, "divisor", component.name)
        finite(component.contribution, "c·u", component.name)
        if not component.df >= 1:
            raise MeasuringError("measuring.uncertainty.bad_df", where=component.name, value=f"{component.df:g}")
    return names


def _effective(components: Sequence[Component], parts: Sequence[float], combined: float) -> float:
    if combined == 0:
        return math.inf
    below = math.fsum((part / combined) ** 4 / c.df for c, part in zip(components, parts, strict=True))
    return 1 / below if below > 1e-12 else math.inf


def _correlation_matrix(names: dict[str, int], correlations: Sequence[Correlation]) -> list[list[float]]:
    size = len(names)
    matrix = [[1.0 if i == j else 0.0 for j in range(size)] for i in range(size)]
    seen: set[tuple[int, int]] = set()
    for one in correlations:
        where = f"{one.first[:80]}, {one.second[:80]}"
        for name in (one.first, one.second):
            if name not in names:
                raise MeasuringError("measuring.uncertainty.unknown_name", where=where, name=name[:80])
        i, j = sorted((names[one.first], names[one.second]))
        if i == j or (i, j) in seen or not abs(one.r) <= 1:
            raise MeasuringError("measuring.uncertainty.bad_correlation", where=where, r=f"{one.r:g}")
        seen.add((i, j))
        matrix[i][j] = matrix[j][i] = one.r
    if seen and not _possible(matrix):
        raise MeasuringError("measuring.uncertainty.impossible_correlations")
    return matrix


def _possible(matrix: list[list[float]]) -> bool:
    """Whether some inputs can have these correlations: no elimination step (Cholesky) may meet a negative square."""
    rest = [row[:] for row in matrix]
    size = len(rest)
    for p in range(size):
        if rest[p][p] < -1e-9:
            return False
        if rest[p][p] < 1e-9:
            if any(abs(rest[p][j]) > 1e-4 for j in range(p + 1, size)):
                return False
            continue
        for i in range(p + 1, size):
            for j in range(p + 1, size):
                rest[i][j] -= rest[i][p] * rest[p][j] / rest[p][p]
    return True


def _degrees(df: float) -> str:
    return "∞" if math.isinf(df) else f"{df:g}"
