"""Switching rules of lot-by-lot acceptance: when inspection becomes tightened or reduced, and when it stops.

A fold over lots: a state and the outcome of one lot give the next state; nothing is remembered elsewhere.
Source: GB/T 2828.1-2012, 9.3 and 9.4 (identical with ISO 2859-1:1999); the numbers are data/sampling/rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from zhunsheng.engine import tables
from zhunsheng.engine.errors import SamplingError
from zhunsheng.engine.sampling.acceptance import AcceptancePlan, Kind, Severity
from zhunsheng.engine.words import Reason


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers of the switching rules in force on a day."""

    not_accepted: int
    within: int
    accepted: int
    score: int
    discontinue: int


@dataclass(frozen=True, slots=True)
class Lot:
    """One lot as inspected the first time.

    `stage` is the sample after which the decision fell, from 1; `found` the nonconforming units found by then.
    `steady`: production is at a steady rate. `agreed`: the responsible authority wants reduced inspection.
    """

    accepted: bool
    found: int
    stage: int = 1
    steady: bool = True
    agreed: bool = True


@dataclass(frozen=True, slots=True)
class State:
    """Where a series of lots stands. `recent` are the last outcomes under this severity, oldest first."""

    severity: Severity = Severity.NORMAL
    recent: tuple[bool, ...] = ()
    score: int = 0
    refused: int = 0
    discontinued: bool = False
    reason: Reason | None = None


def switching_rules(on: date) -> Rules:
    """The rules in force on that day."""
    table = tables.load("sampling/rules")

    def value(code: str) -> int:
        return table.find(on, code=code).integer("value")

    return Rules(
        value("to_tightened_not_accepted"),
        value("to_tightened_within"),
        value("to_normal_accepted"),
        value("to_reduced_score"),
        value("discontinue_not_accepted"),
    )


def next_state(state: State, lot: Lot, plan: AcceptancePlan, rules: Rules) -> State:
    """The state after one more lot, inspected under `plan`.

    `reason` says why the severity changed, None when it did not. Raises SamplingError when inspection is
    discontinued, when the plan is of another severity, or when the count contradicts the decision.
    """
    if state.discontinued:
        raise SamplingError("sampling.switching.discontinued")
    if plan.severity is not state.severity:
        raise SamplingError("sampling.switching.other_severity", plan=plan.severity, state=state.severity)
    _check(lot, plan)
    recent = (*state.recent, lot.accepted)[-max(rules.within, rules.accepted) :]
    if state.severity is Severity.NORMAL:
        refused = recent[-rules.within :].count(False)
        if refused >= rules.not_accepted:
            return _turn(Severity.TIGHTENED, "sampling.switching.to_tightened", n=refused, within=rules.within)
        score = _score(state.score, lot, plan)
        if score >= rules.score and lot.steady and lot.agreed:
            return _turn(Severity.REDUCED, "sampling.switching.to_reduced", score=score)
        return replace(state, recent=recent, score=score, reason=None)
    if state.severity is Severity.TIGHTENED:
        if len(recent) >= rules.accepted and all(recent[-rules.accepted :]):
            return _turn(Severity.NORMAL, "sampling.switching.to_normal", n=rules.accepted)
        refused = state.refused + (not lot.accepted)
        if refused >= rules.discontinue:
            said = Reason("sampling.switching.stopped", {"n": refused})
            return replace(state, recent=recent, refused=refused, discontinued=True, reason=said)
        return replace(state, recent=recent, refused=refused, reason=None)
    if not lot.accepted:
        return _turn(Severity.NORMAL, "sampling.switching.back_refused")
    if not (lot.steady and lot.agreed):
        return _turn(Severity.NORMAL, "sampling.switching.back_irregular")
    return replace(state, recent=recent, reason=None)


def resume(state: State) -> State:
    """Inspection again after the producer has mended the cause and the authority agrees: tightened, from the start.

    Raises SamplingError when it was not discontinued.
    """
    if not state.discontinued:
        raise SamplingError("sampling.switching.not_discontinued")
    return State(Severity.TIGHTENED)


def _turn(severity: Severity, code: str, **said: int) -> State:
    return State(severity, reason=Reason(code, said))


def _check(lot: Lot, plan: AcceptancePlan) -> None:
    stages = plan.plan.stages
    if not 1 <= lot.stage <= len(stages):
        raise SamplingError("sampling.switching.bad_stage", stage=lot.stage, stages=len(stages))
    stage = stages[lot.stage - 1]
    accept = -1 if stage.accept is None else stage.accept
    if lot.found < 0 or (lot.found > accept if lot.accepted else lot.found < stage.reject):
        raise SamplingError("sampling.switching.contradiction", found=lot.found, accept=accept, reject=stage.reject)


def _score(score: int, lot: Lot, plan: AcceptancePlan) -> int:
    """The switching score after this lot: a good lot adds 2 or 3, any other sets it back to 0."""
    if not lot.accepted:
        return 0
    if plan.kind is Kind.DOUBLE:
        return score + 3 if lot.stage == 1 else 0
    if plan.kind is Kind.MULTIPLE:
        return score + 3 if lot.stage <= 3 else 0
    accept = plan.plan.stages[-1].accept or 0
    if accept <= 1:
        return score + 2
    return score + 3 if plan.tighter_accept is not None and lot.found <= plan.tighter_accept else 0
