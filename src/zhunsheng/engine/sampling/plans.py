"""Sampling plans as arithmetic: what a plan accepts, how much it inspects, and which plan meets two given risks.

A plan takes one or more samples. After each, the nonconforming units found so far are counted: at most `accept` and
the lot is accepted, at least `reject` and it is not, between the two the next sample is taken. Chances are exact:
the stages are walked through one after the other, with the binomial law (a process, or a lot much larger than the
sample), the Poisson law (nonconformities per unit) or the hypergeometric law (a lot of known size).

Sources: Dodge and Romig 1959; Hald 1981, Statistical Theory of Sampling Inspection by Attributes; Kiermeier 2008,
Visualizing and Assessing Acceptance Sampling Plans (R package AcceptanceSampling).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from zhunsheng.engine.errors import SamplingError

#: the largest sample this module computes with: far above every table, and still quick
MAX_SAMPLE = 100_000
#: the largest lot whose law is computed without replacement
MAX_LOT = 1_000_000
_EXACT_LOT = 5000
_STEPS = 200  # halvings of an interval: more than a float can tell apart


@dataclass(frozen=True, slots=True)
class Stage:
    """One sample of a plan: its own size `n`, and the counts over all samples so far that decide.

    `accept` is the acceptance number Ac, None where the standard prints #: nothing can be accepted yet. `reject` is
    the rejection number Re.
    """

    n: int
    accept: int | None
    reject: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One, two or more stages. The last one always decides: its Re is Ac + 1.

    >>> single(80, 2)
    Plan(stages=(Stage(n=80, accept=2, reject=3),))

    Raises SamplingError for a plan that cannot work.
    """

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if not self.stages:
            raise SamplingError("sampling.plan.no_stage")
        before = Stage(0, None, 0)
        for number, stage in enumerate(self.stages, 1):
            accept = -1 if stage.accept is None else stage.accept
            known = -1 if before.accept is None else before.accept
            if stage.n < 1 or accept < known or stage.reject < max(before.reject, 1) or accept >= stage.reject:
                raise SamplingError("sampling.plan.bad_stage", stage=number)
            before = stage
        if before.accept is None or before.reject != before.accept + 1:
            raise SamplingError("sampling.plan.undecided")
        if self.largest > MAX_SAMPLE:
            raise SamplingError("sampling.plan.too_large", n=self.largest, limit=MAX_SAMPLE)

    @property
    def largest(self) -> int:
        """The units inspected when every sample has to be taken."""
        return sum(stage.n for stage in self.stages)


def single(n: int, accept: int) -> Plan:
    """The plan of one sample of `n` that accepts up to `accept` nonconforming units."""
    return Plan((Stage(n, accept, accept + 1),))


# ---- laws ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Binomial:
    """Each unit is nonconforming with probability `p`, whatever the others are."""

    p: float

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise SamplingError("sampling.law.bad_share", value=str(self.p))

    def chance(self, n: int, found: int, taken: int, known: int) -> float:
        """The probability of `found` in the next `n` units."""
        if found > n:
            return 0.0
        if self.p in (0, 1):
            return float(found == (n if self.p else 0))
        # In logarithms: the coefficient alone may be larger than any float.
        return math.exp(_log_choices(n, found) + found * math.log(self.p) + (n - found) * math.log1p(-self.p))


@dataclass(frozen=True, slots=True)
class Poisson:
    """Nonconformities come independently, `rate` of them per unit on average."""

    rate: float

    def __post_init__(self) -> None:
        if not (0 <= self.rate < math.inf):
            raise SamplingError("sampling.law.bad_rate", value=str(self.rate))

    def chance(self, n: int, found: int, taken: int, known: int) -> float:
        """The probability of `found` nonconformities in the next `n` units."""
        if self.rate == 0:
            return float(found == 0)
        expected = n * self.rate
        return math.exp(found * math.log(expected) - expected - math.lgamma(found + 1))


@dataclass(frozen=True, slots=True)
class Hypergeometric:
    """A lot of `lot` units of which `bad` are nonconforming; units are drawn without replacement."""

    lot: int
    bad: int

    def __post_init__(self) -> None:
        if not 1 <= self.lot <= MAX_LOT:
            raise SamplingError("sampling.law.bad_lot", lot=self.lot, limit=MAX_LOT)
        if not 0 <= self.bad <= self.lot:
            raise SamplingError("sampling.law.bad_count", bad=self.bad, lot=self.lot)

    def chance(self, n: int, found: int, taken: int, known: int) -> float:
        """The probability of `found` in the next `n` units, after `known` were found among `taken`.

        Exact for lots up to 5000 units; larger ones by logarithms, whose whole numbers would be too long.
        """
        left, bad = self.lot - taken, self.bad - known
        if not 0 <= found <= min(n, bad) or n - found > left - bad:
            return 0.0
        if self.lot <= _EXACT_LOT:
            return math.comb(bad, found) * math.comb(left - bad, n - found) / math.comb(left, n)
        return math.exp(_log_choices(bad, found) + _log_choices(left - bad, n - found) - _log_choices(left, n))


def _log_choices(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


Law: TypeAlias = Binomial | Poisson | Hypergeometric


# ---- what a plan does ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What can come of one stage: the chance that it is reached, and that the plan ends there with yes or no."""

    reached: float
    accepted: float
    rejected: float


def walk(plan: Plan, law: Law) -> tuple[Outcome, ...]:
    """The chances of each stage, in order.

    >>> [round(outcome.accepted, 4) for outcome in walk(single(20, 0), Binomial(0.05))]
    [0.3585]

    Raises SamplingError when the plan takes more units than a lot of known size has.
    """
    if isinstance(law, Hypergeometric) and plan.largest > law.lot:
        raise SamplingError("sampling.law.sample_above_lot", n=plan.largest, lot=law.lot)
    open_, taken = {0: 1.0}, 0
    outcomes: list[Outcome] = []
    for stage in plan.stages:
        accept = -1 if stage.accept is None else stage.accept
        reached = math.fsum(open_.values())
        totals: dict[int, list[float]] = {}
        for known, weight in open_.items():
            for total in range(known, stage.reject):
                chance = law.chance(stage.n, total - known, taken, known)
                totals.setdefault(total, []).append(weight * chance)
        sums = {total: math.fsum(parts) for total, parts in totals.items()}
        accepted = math.fsum(weight for total, weight in sums.items() if total <= accept)
        open_ = {total: weight for total, weight in sums.items() if total > accept}
        outcomes.append(Outcome(reached, accepted, max(0.0, reached - accepted - math.fsum(open_.values()))))
        taken += stage.n
    return tuple(outcomes)


def acceptance(plan: Plan, law: Law) -> float:
    """The probability of acceptance Pa: the height of the operating characteristic (OC) curve.

    >>> round(acceptance(single(80, 2), Binomial(0.01)), 5)
    0.95345
    """
    return min(1.0, math.fsum(outcome.accepted for outcome in walk(plan, law)))


def average_sample(plan: Plan, law: Law) -> float:
    """The average sample number ASN: units inspected on average, each sample taken being inspected to its end."""
    return math.fsum(o.reached * s.n for o, s in zip(walk(plan, law), plan.stages, strict=True))


def quality_at(plan: Plan, chance: float, law: Callable[[float], Law] = Binomial) -> float:
    """The share (or rate) of nonconforming units at which the plan accepts with probability `chance`.

    >>> round(100 * quality_at(single(80, 2), 0.10), 2)
    6.52

    Raises SamplingError unless 0 < chance < 1.
    """
    if not 0 < chance < 1:
        raise SamplingError("sampling.plan.bad_chance", value=str(chance))
    low, high = 0.0, 1.0
    while law is Poisson and acceptance(plan, law(high)) > chance:
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if acceptance(plan, law(middle)) > chance else (low, middle)
    return (low + high) / 2


def find_plan(
    good: tuple[float, float], poor: tuple[float, float], law: Callable[[float], Law] = Binomial, largest: int = 20_000
) -> Plan:
    """The smallest single plan that accepts `good` quality often enough and `poor` quality seldom enough.

    good: (share p1, least probability of acceptance, e.g. 0.95); poor: (share p2, highest probability of acceptance).
    The same search as find.plan of the R package AcceptanceSampling: the smallest Ac that can do it, then the smallest
    n.

    >>> find_plan((0.05, 0.95), (0.15, 0.075))
    Plan(stages=(Stage(n=80, accept=7, reject=8),))

    Raises SamplingError for points that no plan can meet, or none up to `largest` units.
    """
    (p1, pa1), (p2, pa2) = good, poor
    if not (0 < p1 < p2 <= 1 and 0 < pa2 < pa1 < 1):
        raise SamplingError("sampling.plan.bad_points")
    enough = 0
    for accept in range(largest):
        enough = _first(max(enough, accept + 1), largest, lambda n: acceptance(single(n, accept), law(p2)) <= pa2)  # noqa: B023 - called at once
        if enough > largest:
            break
        if acceptance(single(enough, accept), law(p1)) >= pa1:
            return single(enough, accept)
    raise SamplingError("sampling.plan.none_found", largest=largest)


def largest_sample(accept: int, risk: float, law: Law, largest: int) -> int:
    """The most units a single plan may take so that quality as in `law` is rejected with probability `risk` at most.

    0 where not even a single unit keeps within the risk.
    """
    # A risk that is exactly reached (5 units of 100) is kept, whatever its last binary digit.
    least = 1 - risk - 1e-12
    if acceptance(single(1, accept), law) < least:
        return 0
    return _first(1, largest, lambda n: acceptance(single(n, accept), law) < least) - 1


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest number from `low` to `high` for which `holds`, which once true stays true; high + 1 if none."""
    high += 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
