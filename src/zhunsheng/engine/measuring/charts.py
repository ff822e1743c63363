"""Control charts 控制图 of measurement standards: Shewhart and EWMA (GB/T 17989.2, ISO 7870-2, ISO 7870-6; JJF 1033)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from zhunsheng.engine import tables
from zhunsheng.engine.errors import MeasuringError
from zhunsheng.engine.measuring.values import deviation, finite, mean, positive, said, series
from zhunsheng.engine.words import Reason


class Pattern(StrEnum):
    """What a rule looks for, among the last `of` points (table `metrology/chart_rules`)."""

    BEYOND = "beyond"  # `count` of `of` beyond `sigma` on the same side
    SAME_SIDE = "same_side"  # all on one side of the centre
    TREND = "trend"  # all rising, or all falling
    ALTERNATING = "alternating"  # up and down in turn
    WITHIN = "within"  # all within `sigma` of the centre
    AVOIDING = "avoiding"  # none within `sigma` of the centre, on both sides


class ChartKind(StrEnum):
    """Which statistic the points are."""

    MEAN = "mean"
    RANGE = "range"
    DEVIATION = "deviation"
    INDIVIDUAL = "individual"
    MOVING_RANGE = "moving_range"
    EWMA = "ewma"


@dataclass(frozen=True, slots=True)
class Constants:
    """The factors of subgroups of `n` (ISO 7870-2 table 2)."""

    n: int
    A2: float
    A3: float
    B3: float
    B4: float
    c4: float
    D3: float
    D4: float
    d2: float
    d3: float


@dataclass(frozen=True, slots=True)
class ChartRule:
    """A rule for signals: `count` of the last `of` points, `sigma` standard deviations."""

    code: str
    pattern: Pattern
    count: int
    of: int
    sigma: float
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Signal:
    """A rule that fired: `place` is the last point of its pattern, counted from 1."""

    rule: str
    place: int
    value: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Chart:
    """Points with their centre and limits, one limit for each point, all in the unit of the readings."""

    kind: ChartKind
    points: tuple[float, ...]
    centre: float
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    signals: tuple[Signal, ...]

    @property
    def in_control(self) -> bool:
        """Whether no rule fired."""
        return not self.signals


def constants(n: int, on: date) -> Constants:
    """The factors for subgroups of `n` readings, 2 to 25. Raises MeasuringError for another size."""
    if not 2 <= n <= 25:
        raise MeasuringError("measuring.chart.bad_size", n=n)
    row = tables.load("metrology/chart_constants").find(on, n=str(n))
    names = ("A2", "A3", "B3", "B4", "c4", "D3", "D4", "d2", "d3")
    return Constants(n, *(float(row.decimal(name)) for name in names))


def chart_rules(on: date, rule_set: str = "nelson") -> tuple[ChartRule, ...]:
    """The rules of a set (`shewhart`, `western_electric`, `nelson`) on a day. Raises MeasuringError for another set."""
    rows = tables.load("metrology/chart_rules").valid_on(on)
    chosen = tuple(
        ChartRule(
            row["code"], Pattern(row["pattern"]), row.integer("count"), row.integer("of"),
            float(row.decimal("sigma")), row["name"], row["name_en"],
        )
        for row in rows if rule_set in row.list("sets")
    )  # fmt: skip
    if not chosen:
        known = sorted({name for row in rows for name in row.list("sets")})
        raise MeasuringError("measuring.chart.bad_set", value=rule_set[:40], known=", ".join(known))
    return chosen


def mean_range(subgroups: Sequence[Sequence[float]], on: date, rules: Sequence[ChartRule] = ()) -> tuple[Chart, Chart]:
    """The x̄–R charts: x̄ ± A2·R̄, and D3·R̄ to D4·R̄. The rules watch the means; the ranges only their limits.

    Without `rules`, those of Nelson. Raises MeasuringError for fewer than two subgroups, unequal sizes, or no spread.
    """
    rows, f = _subgroups(subgroups, on)
    ranges = [max(row) - min(row) for row in rows]
    typical = positive(mean(ranges), "R̄")
    means = [mean(row) for row in rows]
    centre, reach = mean(means), f.A2 * typical
    return (
        _chart(ChartKind.MEAN, means, centre, centre - reach, centre + reach, rules or chart_rules(on)),
        _chart(ChartKind.RANGE, ranges, typical, f.D3 * typical, f.D4 * typical, _limits_only(on)),
    )


def mean_deviation(
    subgroups: Sequence[Sequence[float]], on: date, rules: Sequence[ChartRule] = ()
) -> tuple[Chart, Chart]:
    """The x̄–s charts: x̄ ± A3·s̄, and B3·s̄ to B4·s̄. Otherwise as `mean_range`."""
    rows, f = _subgroups(subgroups, on)
    spreads = [deviation(row) for row in rows]
    typical = positive(mean(spreads), "s̄")
    means = [mean(row) for row in rows]
    centre, reach = mean(means), f.A3 * typical
    return (
        _chart(ChartKind.MEAN, means, centre, centre - reach, centre + reach, rules or chart_rules(on)),
        _chart(ChartKind.DEVIATION, spreads, typical, f.B3 * typical, f.B4 * typical, _limits_only(on)),
    )


def individuals(readings: Sequence[float], on: date, rules: Sequence[ChartRule] = ()) -> tuple[Chart, Chart]:
    """The individual and moving-range charts: x̄ ± 3·MR̄/d2 with d2 for two readings (2.66 MR̄), and D4·MR̄.

    Raises MeasuringError for fewer than three readings, or readings that are all equal.
    """
    values = series(readings, "x", 3)
    f = constants(2, on)
    moves = [abs(b - a) for a, b in zip(values, values[1:], strict=False)]
    typical = positive(mean(moves), "MR̄")
    centre, reach = mean(values), 3 * typical / f.d2
    return (
        _chart(ChartKind.INDIVIDUAL, values, centre, centre - reach, centre + reach, rules or chart_rules(on)),
        _chart(ChartKind.MOVING_RANGE, moves, typical, f.D3 * typical, f.D4 * typical, _limits_only(on)),
    )


def ewma(
    readings: Sequence[float],
    on: date,
    *,
    target: float,
    sigma: float,
    weight: float = 0.2,
    width: float = 3.0,
    settled: bool = False,
) -> Chart:
    """The exponentially weighted moving average, which sees slow drift: z_i = λ x_i + (1-λ) z_(i-1), z_0 = target.

    Limits: target ± L·σ·√(λ/(2-λ)·(1-(1-λ)^(2i))); `settled` leaves the last factor out, which is their value after
    many points. `target`, `sigma`: centre and standard deviation of the readings; `weight` λ; `width` L.
    Raises MeasuringError unless σ and L are above 0 and 0 < λ <= 1.
    """
    values = series(readings, "x", 1)
    finite(target, "target")
    if not 0 < weight <= 1:
        raise MeasuringError("measuring.chart.bad_weight", value=f"{weight:g}")
    full = positive(width, "L") * positive(sigma, "σ") * math.sqrt(weight / (2 - weight))
    points, level = [], target
    reach = []
    for step, value in enumerate(values, 1):
        level = weight * value + (1 - weight) * level
        points.append(level)
        reach.append(full if settled else full * math.sqrt(1 - (1 - weight) ** (2 * step)))
    lower, upper = tuple(target - r for r in reach), tuple(target + r for r in reach)
    signals = _signals(points, target, lower, upper, _limits_only(on))
    return Chart(ChartKind.EWMA, tuple(points), target, lower, upper, signals)


def against(
    readings: Sequence[float], on: date, *, centre: float, sigma: float, rules: Sequence[ChartRule] = ()
) -> Chart:
    """The chart of new readings against a centre and a standard deviation that were settled before (phase II).

    Raises MeasuringError unless σ is above 0.
    """
    values = series(readings, "x", 1)
    reach = 3 * positive(sigma, "σ")
    finite(centre, "centre")
    return _chart(ChartKind.INDIVIDUAL, values, centre, centre - reach, centre + reach, rules or chart_rules(on))


def _subgroups(subgroups: Sequence[Sequence[float]], on: date) -> tuple[list[tuple[float, ...]], Constants]:
    if len(subgroups) < 2:
        raise MeasuringError("measuring.too_few", what="subgroups", n=len(subgroups), least=2)
    if len(subgroups) * len(subgroups[0]) > 250_000:
        raise MeasuringError("measuring.too_many", what="x", n=len(subgroups) * len(subgroups[0]), most=250_000)
    factors = constants(len(subgroups[0]), on)
    for place, row in enumerate(subgroups, 1):
        if len(row) != factors.n:
            raise MeasuringError("measuring.chart.unequal", where=str(place), n=len(row), expected=factors.n)
    return [series(row, "x", 2) for row in subgroups], factors


def _limits_only(on: date) -> tuple[ChartRule, ...]:
    return chart_rules(on, "shewhart")


def _chart(
    kind: ChartKind, points: Sequence[float], centre: float, low: float, high: float, rules: Sequence[ChartRule]
) -> Chart:
    lower, upper = (low,) * len(points), (high,) * len(points)
    return Chart(kind, tuple(points), centre, lower, upper, _signals(points, centre, lower, upper, rules))


def _signals(
    points: Sequence[float],
    centre: float,
    lower: Sequence[float],
    upper: Sequence[float],
    rules: Sequence[ChartRule],
) -> tuple[Signal, ...]:
    # A point's place in thirds of its own limit: the ranges have limits that are not equally far from the centre.
    scaled = [
        3 * (x - centre) / reach if (reach := (high - centre) if x >= centre else (centre - low)) > 0 else 0.0
        for x, low, high in zip(points, lower, upper, strict=True)
    ]
    found: list[Signal] = []
    for end in range(len(points)):
        for rule in rules:
            if end + 1 >= rule.of and _fires(rule, scaled[end + 1 - rule.of : end + 1], points[end + 1 - rule.of :]):
                params: dict[str, str | int] = {
                    "place": end + 1, "value": said(points[end], 6), "rule": rule.name, "rule_en": rule.name_en,
                    "low": said(lower[end], 6), "high": said(upper[end], 6),
                }  # fmt: skip
                found.append(Signal(rule.code, end + 1, points[end], Reason("measuring.chart.signal", params)))
    return tuple(found)


def _fires(rule: ChartRule, z: Sequence[float], points: Sequence[float]) -> bool:
    """Whether the rule holds for its window of points, the newest last."""
    steps = [b - a for a, b in zip(points[: rule.of], points[1 : rule.of], strict=False)]
    match rule.pattern:
        case Pattern.BEYOND:
            above, below = sum(v > rule.sigma for v in z), sum(v < -rule.sigma for v in z)
            # The newest point has to be one of them, or the same pattern would be told again by a good point.
            return (above >= rule.count and z[-1] > rule.sigma) or (below >= rule.count and z[-1] < -rule.sigma)
        case Pattern.SAME_SIDE:
            return all(v > 0 for v in z) or all(v < 0 for v in z)
        case Pattern.TREND:
            return all(s > 0 for s in steps) or all(s < 0 for s in steps)
        case Pattern.ALTERNATING:
            return all(a * b < 0 for a, b in zip(steps, steps[1:], strict=False))
        case Pattern.WITHIN:
            return all(abs(v) < rule.sigma for v in z)
        case Pattern.AVOIDING:
            return all(abs(v) > rule.sigma for v in z) and any(v > 0 for v in z) and any(v < 0 for v in z)
