"""Decision rules: does a measured value with its uncertainty conform? (JCGM 106:2012, ILAC-G8:09/2019, JJF 1094.)"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from zhunsheng.engine.errors import MeasuringError
from zhunsheng.engine.measuring.values import finite, normal_cdf, not_negative, positive, said
from zhunsheng.engine.words import Reason


class Rule(StrEnum):
    """Which side bears the doubt."""

    SIMPLE = "simple"  # 简单接受: the limit itself decides
    GUARDED_ACCEPTANCE = "guarded_acceptance"  # a guard band inside the limits: doubt speaks against conformity
    GUARDED_REJECTION = "guarded_rejection"  # a guard band outside: doubt speaks for it
    FOUR = "four"  # ILAC-G8 4.2.3: pass, conditional pass, conditional fail, fail


class Verdict(StrEnum):
    """What the rule says."""

    PASS = "pass"  # noqa: S105
    CONDITIONAL_PASS = "conditional_pass"  # noqa: S105
    CONDITIONAL_FAIL = "conditional_fail"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, the limits that decided (None: no limit on that side), and how likely the true value conforms.

    `guard`: width w of the guard band, in the unit of the value. `conformity`: probability that the true value lies
    within the tolerance limits, for a normal distribution around the measured value.
    """

    verdict: Verdict
    lower: float | None
    upper: float | None
    guard: float
    conformity: float
    reasons: tuple[Reason, ...]


def conformity(value: float, u: float, lower: float | None = None, upper: float | None = None) -> float:
    """The probability that the true value lies between the limits (JCGM 106 7.4); `u`: standard uncertainty.

    >>> round(conformity(-5.47, 0.05, upper=-5.40), 2)
    0.92

    Raises MeasuringError when there is no limit, or the lower one is not below the upper one.
    """
    _limits(lower, upper)
    finite(value, "x")
    if not_negative(u, "u") == 0:
        return float((lower is None or lower <= value) and (upper is None or value <= upper))
    below = normal_cdf((lower - value) / u) if lower is not None else 0.0
    above = normal_cdf((value - upper) / u) if upper is not None else 0.0
    return max(0.0, 1 - below - above)


def decide(
    value: float,
    expanded: float,
    k: float,
    *,
    rule: Rule,
    lower: float | None = None,
    upper: float | None = None,
    factor: float = 1.0,
) -> Decision:
    """Conforming or not, by a rule that was agreed before the measurement.

    `expanded`: U with coverage factor `k`. `factor` r gives the guard band w = r·U (ILAC-G8: 1, at most 2.5 % false
    acceptance; 0.83 at most 5 %); it is not used by the simple rule. A value on a limit is within it.
    Raises MeasuringError for limits that are missing or reversed, and for a guard band that leaves nothing to accept.
    """
    _limits(lower, upper)
    finite(value, "x")
    u = not_negative(expanded, "U") / positive(k, "k")
    guard = 0.0 if rule is Rule.SIMPLE else not_negative(factor, "factor") * expanded
    share = conformity(value, u, lower, upper)
    inner = -guard if rule is Rule.GUARDED_REJECTION else guard
    low = lower + inner if lower is not None else None
    high = upper - inner if upper is not None else None
    if low is not None and high is not None and low > high:
        raise MeasuringError("measuring.decision.no_room", guard=said(guard))
    inside = _within(value, low, high)
    if rule is Rule.FOUR and not inside:
        outer_low = lower - guard if lower is not None else None
        outer_high = upper + guard if upper is not None else None
        if _within(value, lower, upper):
            verdict = Verdict.CONDITIONAL_PASS
        elif _within(value, outer_low, outer_high):
            verdict = Verdict.CONDITIONAL_FAIL
        else:
            verdict = Verdict.FAIL
    else:
        verdict = Verdict.PASS if inside else Verdict.FAIL
    params: dict[str, str | int] = {
        "value": said(value, 6),
        "low": "-∞" if low is None else said(low, 6),
        "high": "+∞" if high is None else said(high, 6),
        "guard": said(guard),
    }
    reasons = [
        Reason(f"measuring.decision.{verdict}", params),
        Reason("measuring.decision.conformity", {"share": f"{100 * share:.2f}"}),
    ]
    if lower is not None and upper is not None and 2 * expanded > upper - lower:
        reasons.append(Reason("measuring.decision.coarse"))
    return Decision(verdict, low, high, guard, share, tuple(reasons))


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or low <= value) and (high is None or value <= high)


def _limits(lower: float | None, upper: float | None) -> None:
    if lower is None and upper is None:
        raise MeasuringError("measuring.decision.no_limit")
    for limit in (lower, upper):
        if limit is not None:
            finite(limit, "limit")
    if lower is not None and upper is not None and not lower < upper:
        raise MeasuringError("measuring.decision.reversed", lower=said(lower, 6), upper=said(upper, 6))
