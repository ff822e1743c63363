"""Recalibration intervals 校准间隔 suggested from the history of an instrument (ILAC-G24:2022/OIML D 10; JJF 1139).

A suggestion with its reasons, never an order, and never longer than the statutory cycle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from zhunsheng.engine.clock import Unit, later
from zhunsheng.engine.errors import MeasuringError
from zhunsheng.engine.estimate.intervals import t_quantile
from zhunsheng.engine.measuring.values import MOST, finite, mean, not_negative, positive, said
from zhunsheng.engine.words import Reason

LEAST_DRIFT = 4
LEAST_RELIABILITY = 6
_HORIZON = 3650  # days: no suggestion goes further than ten years


class Basis(StrEnum):
    """What the suggestion rests on."""

    DRIFT = "drift"
    RELIABILITY = "reliability"
    STATUTORY = "statutory"
    CURRENT = "current"  # too few data: leave it as it is


@dataclass(frozen=True, slots=True)
class Calibration:
    """One calibration: the error as found, and as left after an adjustment (None: not adjusted)."""

    on: date
    found: float
    left: float | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """What one method allows, in days after the last calibration. None: the method cannot say."""

    basis: Basis
    days: int | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The suggested interval in days, the day it ends, what decided, and what every method said.

    `days` 0: the instrument is out of tolerance as left, and needs adjustment before it is used.
    """

    days: int
    due: date
    basis: Basis
    limits: tuple[Limit, ...]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why, one sentence a method."""
        return tuple(limit.reason for limit in self.limits)


def suggest(
    history: Sequence[Calibration],
    tolerance: float,
    *,
    current_days: int,
    statutory_months: int | None = None,
    uncertainty: float = 0.0,
    target: float = 0.95,
) -> Suggestion:
    """How long until the next calibration: the shortest of what drift, reliability and the law allow.

    `tolerance`: largest error allowed, either side of 0, in the unit of the errors; `uncertainty`: expanded uncertainty
    of the calibration, taken off the tolerance. `current_days`: the interval in use, kept where no method can say.
    `statutory_months`: the cycle of a mandatory instrument, which is never exceeded.
    Raises MeasuringError for an empty or doubled history, a tolerance that the uncertainty uses up, or bad numbers.
    """
    if not history:
        raise MeasuringError("measuring.recalibration.no_history")
    if len(history) > MOST:
        raise MeasuringError("measuring.too_many", what="history", n=len(history), most=MOST)
    ordered = sorted(history, key=lambda one: one.on)
    for before, after in zip(ordered, ordered[1:], strict=False):
        if before.on == after.on:
            raise MeasuringError("measuring.recalibration.same_day", day=after.on.isoformat())
    for one in ordered:
        finite(one.found, "found", one.on.isoformat())
        finite(_left(one), "left", one.on.isoformat())
    allowed = positive(tolerance, "tolerance") - not_negative(uncertainty, "uncertainty")
    if allowed <= 0:
        raise MeasuringError("measuring.recalibration.no_room", tolerance=said(tolerance), u=said(uncertainty))
    if not 0.5 <= target < 1:
        raise MeasuringError("measuring.recalibration.bad_target", value=f"{target:g}")
    if not 1 <= current_days <= _HORIZON:
        raise MeasuringError("measuring.recalibration.bad_interval", value=current_days, most=_HORIZON)
    limits = [_by_drift(ordered, allowed, target), _by_reliability(ordered, allowed, target)]
    last = ordered[-1].on
    if all(limit.days is None for limit in limits):
        said_current = Reason("measuring.recalibration.current", {"days": current_days})
        limits.append(Limit(Basis.CURRENT, current_days, said_current))
    if statutory_months is not None:
        if not 1 <= statutory_months <= 1200:
            raise MeasuringError("measuring.recalibration.bad_cycle", value=statutory_months)
        end = later(last, statutory_months, Unit.MONTH) - timedelta(days=1)  # the last day of validity (`last_day`)
        params: dict[str, str | int] = {"months": statutory_months, "day": end.isoformat()}
        limits.append(Limit(Basis.STATUTORY, (end - last).days, Reason("measuring.recalibration.statutory", params)))
    days, basis = min(((limit.days, limit.basis) for limit in limits if limit.days is not None), key=lambda x: x[0])
    return Suggestion(days, last + timedelta(days=days), basis, tuple(limits))


def _left(one: Calibration) -> float:
    return one.found if one.left is None else one.left


def _by_drift(history: Sequence[Calibration], allowed: float, target: float) -> Limit:
    """The last day on which the line through the errors, with its one-sided prediction bound, is within tolerance.

    Adjustments are taken out first: the line is fitted to what the error would be without them, and started again from
    the error as left.
    """
    left = _left(history[-1])
    if abs(left) > allowed:
        params: dict[str, str | int] = {"error": said(left), "allowed": said(allowed)}
        return Limit(Basis.DRIFT, 0, Reason("measuring.recalibration.out_now", params))
    n = len(history)
    if n < LEAST_DRIFT:
        return Limit(Basis.DRIFT, None, Reason("measuring.recalibration.too_few_drift", {"n": n, "least": LEAST_DRIFT}))
    start = history[0].on
    times = [float((one.on - start).days) for one in history]
    shift, errors = 0.0, []
    for one in history:
        errors.append(one.found - shift)
        shift += _left(one) - one.found
    centre_t, centre_e = mean(times), mean(errors)
    sxx = math.fsum((t - centre_t) ** 2 for t in times)
    slope = math.fsum((t - centre_t) * (e - centre_e) for t, e in zip(times, errors, strict=True)) / sxx
    residuals = [e - centre_e - slope * (t - centre_t) for t, e in zip(times, errors, strict=True)]
    s = math.sqrt(math.fsum(r * r for r in residuals) / (n - 2))
    # Both sides may be crossed, so each bears half of what may go wrong.
    factor = t_quantile((1 + target) / 2, n - 2)

    def stays(days: int) -> bool:
        t = times[-1] + days
        expected = centre_e + slope * (t - centre_t) + shift
        return abs(expected) + factor * s * math.sqrt(1 + 1 / n + (t - centre_t) ** 2 / sxx) <= allowed

    # The bound may fall before it rises (a drift through 0), but the first day outside ends the interval.
    days = next((day for day in range(1, _HORIZON + 1) if not stays(day)), _HORIZON + 1) - 1
    params = {"slope": said(slope * 365.25), "s": said(s), "days": days, "target": f"{100 * target:g}"}
    return Limit(Basis.DRIFT, days, Reason("measuring.recalibration.by_drift", params))


def _by_reliability(history: Sequence[Calibration], allowed: float, target: float) -> Limit:
    """The time after which the share `target` is still in tolerance, when faults come at a constant rate.

    Every interval says only whether the instrument was still in tolerance at its end, so the rate λ is that of greatest
    likelihood: in tolerance exp(-λt), out 1-exp(-λt). Without a fault the median rate ln 2/Σt stands in its place.
    """
    spans = [
        ((b.on - a.on).days, abs(b.found) <= allowed)
        for a, b in zip(history, history[1:], strict=False)
        if abs(_left(a)) <= allowed
    ]
    n, good = len(spans), sum(ok for _, ok in spans)
    if n < LEAST_RELIABILITY:
        params: dict[str, str | int] = {"n": n, "least": LEAST_RELIABILITY}
        return Limit(Basis.RELIABILITY, None, Reason("measuring.recalibration.too_few_reliability", params))
    rate = failure_rate(spans)
    days = _HORIZON if rate * _HORIZON <= -math.log(target) else math.floor(-math.log(target) / rate)
    params = {"good": good, "n": n, "target": f"{100 * target:g}", "days": days}
    return Limit(Basis.RELIABILITY, days, Reason("measuring.recalibration.by_reliability", params))


def failure_rate(spans: Sequence[tuple[int, bool]]) -> float:
    """Faults a day from (days, still in tolerance), by greatest likelihood; ln 2/Σt without a fault.

    Where every interval ended out of tolerance the likelihood has no greatest value; half a success in the longest
    interval is added, which gives a high, finite rate. Raises MeasuringError for no span or one that has no length.
    """
    if not spans or any(days <= 0 for days, _ in spans):
        raise MeasuringError("measuring.recalibration.no_history")
    kept = float(sum(days for days, ok in spans if ok))
    lost = [days for days, ok in spans if not ok]
    if not lost:
        return math.log(2) / kept
    if kept == 0:
        kept = max(lost) / 2
    # The slope of the likelihood falls with the rate: Σ t/(exp(λt)-1) over the faults, less the time without one.
    low, high = 0.0, 1.0
    while math.fsum(t / math.expm1(min(high * t, 700.0)) for t in lost) > kept:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle > 0 and math.fsum(t / math.expm1(min(middle * t, 700.0)) for t in lost) > kept:
            low = middle
        else:
            high = middle
    return high
