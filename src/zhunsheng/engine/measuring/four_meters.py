"""民用四表 “四三三一”: when the programme for water, electricity, gas and heat meters is complete.

Four phases in strict order, three checklists 三清楚, three mechanisms, one purpose (焦政〔2017〕12号; table
`metrology/four_meters`). The programme is complete when all eleven parts are proven, and not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from zhunsheng.engine import tables
from zhunsheng.engine.errors import MeasuringError
from zhunsheng.engine.tables import Row
from zhunsheng.engine.words import Reason

T = TypeVar("T")
PARTS = ("phase", "clarity", "mechanism", "purpose")


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase as it went: when it began, its evidence (numbers of papers), and the decision that closed it."""

    code: str
    begun: date
    evidence: tuple[str, ...] = ()
    closed: date | None = None
    decision: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """One 三清楚 list, for whom (`code`) and the paper that proves it."""

    code: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One mechanism: its document, who answers for it, since when."""

    code: str
    document: str = ""
    owner: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Programme:
    """What is on record of the programme; `purpose` are the papers that prove the purpose."""

    phases: tuple[Phase, ...] = ()
    checklists: tuple[Checklist, ...] = ()
    mechanisms: tuple[Mechanism, ...] = ()
    purpose: tuple[str, ...] = ()


def complete(programme: Programme, on: date) -> tuple[bool, tuple[Reason, ...]]:
    """Whether the programme is complete on a day, and everything that is missing, in the order of the table.

    A phase counts when it has evidence and a closing decision of no later than `on`, and did not begin before the one
    ahead of it was closed. Raises MeasuringError for a part that the table does not have, or one given twice.
    """
    rows = tables.load("metrology/four_meters").valid_on(on)
    named = {part: [row for row in rows if row["part"] == part] for part in PARTS}
    phases = _by_code("phase", [(phase.code, phase) for phase in programme.phases], named["phase"])
    lists = _by_code("clarity", [(one.code, one) for one in programme.checklists], named["clarity"])
    mechanisms = _by_code("mechanism", [(one.code, one) for one in programme.mechanisms], named["mechanism"])
    missing: list[Reason] = []

    def lacks(code: str, row: Row) -> None:
        missing.append(Reason(code, {"name": row["name"], "name_en": row["name_en"]}))

    before: date | None = None
    unbroken = True
    for row in named["phase"]:
        phase = phases.get(row["code"])
        if phase is None:
            lacks("measuring.four.no_phase", row)
            unbroken = False
            continue
        if not _proven(phase.evidence):
            lacks("measuring.four.no_evidence", row)
        if phase.closed is None or not phase.decision.strip() or phase.closed > on:
            lacks("measuring.four.not_closed", row)
        elif phase.closed < phase.begun:
            lacks("measuring.four.closed_before", row)
        if not unbroken or (before is not None and phase.begun < before):
            lacks("measuring.four.out_of_order", row)
        unbroken = unbroken and phase.closed is not None
        before = max(filter(None, (before, phase.closed)), default=None)
    for row in named["clarity"]:
        checklist = lists.get(row["code"])
        if checklist is None or not _proven(checklist.evidence):
            lacks("measuring.four.no_checklist", row)
    for row in named["mechanism"]:
        one = mechanisms.get(row["code"])
        if one is None or not one.document.strip():
            lacks("measuring.four.no_document", row)
        if one is None or not one.owner.strip():
            lacks("measuring.four.no_owner", row)
        if one is None or one.on is None or one.on > on:
            lacks("measuring.four.no_date", row)
    for row in named["purpose"]:
        if not _proven(programme.purpose):
            lacks("measuring.four.no_purpose", row)
    return not missing, tuple(missing)


def _proven(evidence: tuple[str, ...]) -> bool:
    return any(paper.strip() for paper in evidence)


def _by_code(part: str, given: list[tuple[str, T]], rows: list[Row]) -> dict[str, T]:
    known = [row["code"] for row in rows]
    found: dict[str, T] = {}
    for code, one in given:
        if code not in known or code in found:
            raise MeasuringError("measuring.four.bad_part", part=part, code=code[:80], known=", ".join(known))
        found[code] = one
    return found
