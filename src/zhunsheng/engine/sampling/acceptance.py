"""Lot-by-lot acceptance 验收抽样: GB/T 2828.1, schemes indexed by the acceptance quality limit (AQL).

Between a buyer and a seller with a series of lots. It is not made for supervision checks: a plan for AQL 1.0 accepts
lots of that quality nearly always, and protects the seller; see supervision.py for those.

The tables are dated data under data/sampling. Source: GB/T 2828.1-2012, identical with ISO 2859-1:1999.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from zhunsheng.engine import tables
from zhunsheng.engine.errors import SamplingError
from zhunsheng.engine.sampling.plans import Plan, Stage, single
from zhunsheng.engine.tables import Row
from zhunsheng.engine.words import Reason

LEVELS = ("S-1", "S-2", "S-3", "S-4", "I", "II", "III")
_UP, _DOWN = "↑", "↓"


class Purpose(StrEnum):
    """What a sample is taken for. The two have different plans, and one is never used for the other."""

    SUPERVISION = "supervision"  # 监督抽查、核查: does what was declared hold?
    ACCEPTANCE = "acceptance"  # 验收: does the buyer take this lot?


class Severity(StrEnum):
    """How strictly lots are inspected at present; see switching.py."""

    NORMAL = "normal"
    TIGHTENED = "tightened"
    REDUCED = "reduced"


class Kind(StrEnum):
    """Into how many samples a plan may divide the inspection."""

    SINGLE = "single"
    DOUBLE = "double"
    MULTIPLE = "multiple"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where numbers come from, and how certain that is (sure, likely, assumed)."""

    table: str
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class AcceptancePlan:
    """A plan out of the master tables.

    `letter` is the code letter in use, which arrows may have moved away from `asked_letter`; `kind` likewise is the
    kind in use. `whole_lot`: the sample is the lot, every unit is inspected. `tighter_accept` is the acceptance number
    under the AQL one step tighter, for the switching score; None where the row has none.
    """

    plan: Plan
    edition: str
    follows: str
    purpose: Purpose
    lot: int
    aql: str
    level: str
    severity: Severity
    kind: Kind
    asked_letter: str
    letter: str
    whole_lot: bool
    tighter_accept: int | None
    evidence: tuple[Evidence, ...]
    reasons: tuple[Reason, ...]

    @property
    def confidence(self) -> str:
        """The least certain of the rows used."""
        return max((one.confidence for one in self.evidence), key=tables.CONFIDENCES.index)

    @property
    def per_hundred(self) -> bool:
        """Whether the AQL can only mean nonconformities per hundred units: above 10 no percentage is meant."""
        return Decimal(self.aql) > 10


@tables.kept("sampling/")
def aqls() -> tuple[str, ...]:
    """The preferred AQLs, as the tables print them, ascending."""
    first = tables.load("sampling/single_plans").rows[0]
    return tuple(column.removeprefix("aql_") for column in first if column.startswith("aql_"))


def edition(code: str, on: date) -> Row:
    """The edition of a standard in force on that day. Raises TableError when there is none."""
    return tables.load("sampling/standards").find(on, code=code)


def code_letter(lot: int, level: str, on: date) -> str:
    """The sample size code letter of a lot.

    >>> code_letter(1000, "II", date(2026, 5, 1))
    'J'

    Raises SamplingError for a lot below two units or an unknown level.
    """
    return _code_letter(lot, level, edition("gbt2828.1", on)["tables"], on)[level]


def _code_letter(lot: int, level: str, tables_of: str, on: date) -> Row:
    if level not in LEVELS:
        raise SamplingError("sampling.acceptance.bad_level", value=level[:20], known=", ".join(LEVELS))
    if lot < 2:
        raise SamplingError("sampling.acceptance.small_lot", value=str(lot))
    rows = [row for row in tables.load("sampling/code_letters").valid_on(on) if row["edition"] == tables_of]
    return next(row for row in reversed(rows) if row.integer("lot_from") <= lot)


def acceptance_plan(
    lot: int,
    aql: str | Decimal,
    *,
    purpose: Purpose,
    on: date,
    level: str = "II",
    severity: Severity = Severity.NORMAL,
    kind: Kind = Kind.SINGLE,
) -> AcceptancePlan:
    """The plan of GB/T 2828.1 for a lot of `lot` units.

    >>> plan = acceptance_plan(1000, "2.5", purpose=Purpose.ACCEPTANCE, on=date(2026, 5, 1))
    >>> plan.letter, plan.plan
    ('J', Plan(stages=(Stage(n=80, accept=5, reject=6),)))

    Raises SamplingError for a supervision check, a lot, level or AQL that the tables do not have; TableError when no
    edition was in force on `on`.
    """
    if purpose is not Purpose.ACCEPTANCE:
        raise SamplingError("sampling.acceptance.not_for_supervision")
    book = edition("gbt2828.1", on)
    asked = _code_letter(lot, level, book["tables"], on)
    named = _preferred(aql)
    rows = _rows(book["tables"], severity, on)
    index, moved = _follow(rows, _index(rows, asked[level]), named)
    row = rows[index]
    accept = row.integer(f"aql_{named}")
    evidence = [_evidence(asked), _evidence(row)]
    reasons = list(moved)
    used, plan, staged = _shape(row, accept, kind, book["tables"], on)
    if used is not kind:
        reasons.append(Reason("sampling.acceptance.fewer_samples", {"letter": row["letter"]}))
    if used is not Kind.SINGLE and plan.largest > lot:
        used, plan, staged = Kind.SINGLE, single(row.integer("n"), accept), None
        reasons.append(Reason("sampling.acceptance.lot_too_small", {"lot": lot}))
    if staged is not None:
        evidence.append(_evidence(staged))
    whole = plan.largest >= lot
    if whole:
        plan = single(lot, min(accept, lot - 1))
        reasons.append(Reason("sampling.acceptance.whole_lot", {"n": row.integer("n"), "lot": lot}))
    return AcceptancePlan(
        plan=plan,
        edition=book["edition"],
        follows=book["follows"],
        purpose=purpose,
        lot=lot,
        aql=named,
        level=level,
        severity=severity,
        kind=used,
        asked_letter=asked[level],
        letter=row["letter"],
        whole_lot=whole,
        tighter_accept=_tighter(row, named),
        evidence=tuple(evidence),
        reasons=tuple(reasons),
    )


def _preferred(aql: str | Decimal) -> str:
    try:
        value = Decimal(aql)
    except InvalidOperation:
        raise SamplingError("sampling.acceptance.bad_aql", value=str(aql)[:20], known=", ".join(aqls())) from None
    found = next((name for name in aqls() if Decimal(name) == value), None)
    if found is None:
        raise SamplingError("sampling.acceptance.bad_aql", value=str(aql)[:20], known=", ".join(aqls()))
    return found


def _rows(tables_of: str, severity: Severity, on: date) -> list[Row]:
    """The rows of one master table, code letters ascending."""
    return [
        row
        for row in tables.load("sampling/single_plans").valid_on(on)
        if row["edition"] == tables_of and row["severity"] == severity
    ]


def _index(rows: list[Row], letter: str) -> int:
    return next(i for i, row in enumerate(rows) if row["letter"] == letter)


def _follow(rows: list[Row], start: int, aql: str) -> tuple[int, list[Reason]]:
    """The row whose cell holds numbers, following the arrows; what was said on the way."""
    index = start
    while (cell := rows[index][f"aql_{aql}"]) in (_UP, _DOWN):
        index += 1 if cell == _DOWN else -1
    if index == start:
        return index, []
    arrow = _DOWN if index > start else _UP
    said = {"from": rows[start]["letter"], "to": rows[index]["letter"], "arrow": arrow, "aql": aql}
    return index, [Reason("sampling.acceptance.arrow", said)]


def _shape(row: Row, accept: int, kind: Kind, tables_of: str, on: date) -> tuple[Kind, Plan, Row | None]:
    """The plan of a cell in the kind asked for, or in the one with fewer samples where the tables have no such."""
    if accept > 0:
        for wanted in (Kind.MULTIPLE, Kind.DOUBLE):
            if row[f"n_{wanted}"] and (kind is wanted or kind is Kind.MULTIPLE):
                found = tables.load("sampling/staged_plans").find(on, edition=tables_of, kind=wanted, ac=str(accept))
                return wanted, Plan(tuple(_stages(found, row.integer(f"n_{wanted}")))), found
    return Kind.SINGLE, single(row.integer("n"), accept), None


def _stages(row: Row, n: int) -> list[Stage]:
    stages = []
    for part in row.list("stages"):
        accept, reject = part.split(" ")
        stages.append(Stage(n, None if accept == "#" else int(accept), int(reject)))
    return stages


def _tighter(row: Row, aql: str) -> int | None:
    """Ac of the same row under the AQL one step tighter (GB/T 2828.1, switching score)."""
    names = aqls()
    place = names.index(aql) - 1
    cell = row[f"aql_{names[place]}"] if place >= 0 else ""
    return int(cell) if cell.isdigit() else None


def _evidence(row: Row) -> Evidence:
    return Evidence(row.table, row.source, row.confidence)
