"""Supervision checks 监督抽查: does a declared quality level hold? GB/T 2828.4, and GB/T 2828.11 for few units.

The office states a declared quality level DQL (at most so many nonconforming units in a hundred), takes `n` units and
contradicts the declaration when more than `L` of them do not conform. A firm that keeps its word is contradicted with
a risk of 5 % at most (alpha). A firm that does not is missed with a risk (beta) that depends on how bad it is: the
limiting quality ratio LQR says at how many times the DQL that risk has fallen to 10 %.

A check that does not contradict a declaration does not confirm it. The plans are not made for accepting lots.

The standards print tables; here the sample is computed from the definition instead: the largest `n` that keeps alpha.
It is within a few units of what is printed (DQL 0.65 %, L = 2: ISO 2859-4:2002 has 125, the edition of 2020 has 127,
the definition gives 126). Whoever holds the table gives its `n` and sees the risks of that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from zhunsheng.engine import tables
from zhunsheng.engine.errors import SamplingError
from zhunsheng.engine.sampling.acceptance import Evidence, Purpose, edition
from zhunsheng.engine.sampling.plans import (
    MAX_LOT,
    MAX_SAMPLE,
    Binomial,
    Hypergeometric,
    Law,
    Plan,
    acceptance,
    largest_sample,
    quality_at,
    single,
)
from zhunsheng.engine.tables import Row
from zhunsheng.engine.words import Reason

#: no table goes further, and a supervision check with more is a survey
MAX_LIMIT = 20


@dataclass(frozen=True, slots=True)
class SupervisionPlan:
    """A plan with its two risks.

    `dql` is in percent. `declared` is the share that the declaration allows; in a population of known size it is
    `allowed` units of `population`. `alpha`: the risk of contradicting a firm that is exactly as it declared.
    `limiting` is the share of nonconforming units at which the plan is silent with the risk `beta` still; `ratio` is
    `limiting` over `declared` (None where the declaration allows none), `limiting_units` its count in the population
    (None where the population is not known, or where not even a wholly nonconforming one would be found).
    """

    plan: Plan
    limit: int
    dql: Decimal
    population: int | None
    allowed: int | None
    edition: str
    follows: str
    purpose: Purpose
    given: bool
    declared: float
    alpha: float
    beta: float
    limiting: float
    limiting_units: int | None
    ratio: float | None
    evidence: tuple[Evidence, ...]
    reasons: tuple[Reason, ...]

    @property
    def n(self) -> int:
        """The units to be taken."""
        return self.plan.largest

    @property
    def confidence(self) -> str:
        """The least certain of the rows used."""
        return max((one.confidence for one in self.evidence), key=tables.CONFIDENCES.index)

    def law(self, share: float) -> Law:
        """The law of the sample when `share` of the units do not conform (in a population: the nearest count)."""
        if self.population is None or self.allowed is None:
            return Binomial(share)
        return Hypergeometric(self.population, round(share * self.population))


def supervision_plan(
    dql: str | Decimal,
    *,
    purpose: Purpose,
    on: date,
    limit: int = 0,
    population: int | None = None,
    n: int | None = None,
) -> SupervisionPlan:
    """The plan for a declared quality level of `dql` percent, with `limit` nonconforming units tolerated.

    Without `n`, the largest sample whose alpha is within the standard's 5 %. With `n`, as the order or a printed table
    gives it, the risks are computed and an alpha above 5 % is said.

    >>> plan = supervision_plan("1", purpose=Purpose.SUPERVISION, on=date(2026, 5, 1))
    >>> plan.n, round(plan.ratio, 1)
    (5, 36.9)

    Raises SamplingError for lot acceptance, and for numbers with which no plan can contradict or none keeps alpha.
    """
    if purpose is not Purpose.SUPERVISION:
        raise SamplingError("sampling.supervision.not_for_acceptance")
    share = _share(dql)
    if not 0 <= limit <= MAX_LIMIT:
        raise SamplingError("sampling.supervision.bad_limit", value=str(limit), most=MAX_LIMIT)
    if population is not None and not 1 <= population <= MAX_LOT:
        raise SamplingError("sampling.supervision.bad_population", value=str(population), most=MAX_LOT)
    rules = tables.load("sampling/rules")
    risk, miss = (rules.find(on, code=f"supervision_{name}_percent") for name in ("alpha", "beta"))
    small, ratio = (rules.find(on, code=code) for code in ("small_population", "small_ratio"))
    counted = population is not None and (
        population <= small.integer("value")
        or population <= ratio.integer("value") * (n if n is not None else _largest(share, limit, risk))
    )
    book = edition("gbt2828.11" if counted else "gbt2828.4", on)
    allowed = math.floor(share * population) if counted and population is not None else None
    at: Law = Binomial(float(share)) if population is None or allowed is None else Hypergeometric(population, allowed)
    size = _size(n, limit, risk, at, population)
    plan = single(size, limit)
    alpha = 1 - acceptance(plan, at)
    reasons: list[Reason] = []
    if n is not None and alpha > float(risk.decimal("value") / 100) + 1e-12:
        reasons.append(Reason("sampling.supervision.alpha_above", {"alpha": f"{100 * alpha:.1f}"}))
    if allowed is not None and population is not None:
        reasons.append(Reason("sampling.supervision.counted", {"N": population, "allowed": allowed}))
    beta = float(miss.decimal("value") / 100)
    units, limiting = _limiting(plan, beta, population if counted else None)
    declared = float(share) if allowed is None or not population else allowed / population
    return SupervisionPlan(
        plan=plan,
        limit=limit,
        dql=100 * Decimal(share.numerator) / Decimal(share.denominator),
        population=population,
        allowed=allowed,
        edition=book["edition"],
        follows=book["follows"],
        purpose=purpose,
        given=n is not None,
        declared=declared,
        alpha=alpha,
        beta=beta,
        limiting=limiting,
        limiting_units=units,
        ratio=limiting / declared if declared else None,
        evidence=_evidence(book, risk, miss, *((small, ratio) if counted else ())),
        reasons=tuple(reasons),
    )


def _share(dql: str | Decimal) -> Fraction:
    try:
        value = Decimal(dql)
    except InvalidOperation:
        raise SamplingError("sampling.supervision.bad_dql", value=str(dql)[:20]) from None
    if not (value.is_finite() and Decimal("0.001") <= value <= 50 and -value.as_tuple().exponent <= 6):  # type: ignore[operator]
        raise SamplingError("sampling.supervision.bad_dql", value=str(dql)[:20])
    return Fraction(value) / 100


def _largest(share: Fraction, limit: int, risk: Row) -> int:
    """The largest sample within the risk, for a population without end; what decides whether a population is small."""
    return largest_sample(limit, float(risk.decimal("value") / 100), Binomial(float(share)), MAX_SAMPLE)


def _size(n: int | None, limit: int, risk: Row, at: Law, population: int | None) -> int:
    """The units to be taken, given or computed."""
    most = at.lot if isinstance(at, Hypergeometric) else population or MAX_SAMPLE
    if n is not None:
        if not limit < n <= min(most, MAX_SAMPLE):
            raise SamplingError("sampling.supervision.bad_n", value=str(n), least=limit + 1, most=min(most, MAX_SAMPLE))
        return n
    if isinstance(at, Hypergeometric):
        if at.bad == 0:
            raise SamplingError("sampling.supervision.none_allowed", N=at.lot)
        if limit >= at.bad:
            raise SamplingError("sampling.supervision.never_contradicts", limit=limit, allowed=at.bad, N=at.lot)
    found = largest_sample(limit, float(risk.decimal("value") / 100), at, min(most, MAX_SAMPLE))
    if found == MAX_SAMPLE:
        raise SamplingError("sampling.supervision.too_many", most=MAX_SAMPLE)
    if found <= limit:
        raise SamplingError("sampling.supervision.no_plan", limit=limit)
    return found


def _limiting(plan: Plan, beta: float, population: int | None) -> tuple[int | None, float]:
    """The quality at which the plan is silent with the risk beta: as a count of the population, and as a share."""
    if population is None:
        return None, quality_at(plan, beta)
    low, high = 0, population
    while low < high:
        middle = (low + high) // 2
        if acceptance(plan, Hypergeometric(population, middle)) <= beta:
            high = middle
        else:
            low = middle + 1
    return low, low / population


def _evidence(*rows: Row) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(Evidence(row.table, row.source, row.confidence) for row in rows))
