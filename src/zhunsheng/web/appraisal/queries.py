"""The figures of the scoreboard, each computed from the registers, each with the way back to its rows."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from zhunsheng.engine import estimate, tables
from zhunsheng.engine.appraisal import Measure, Standing, Status, Window, show_percent, status, target_from
from zhunsheng.engine.appraisal import Target as Goal
from zhunsheng.engine.words import Reason
from zhunsheng.web.appraisal.models import Snapshot, Target
from zhunsheng.web.common import city
from zhunsheng.web.inspection import queries as inspection


@dataclass(frozen=True, slots=True)
class Line:
    """One target on the scoreboard: what was promised, what stands in the registers, where that leaves us."""

    target: Target
    goal: Goal
    measure: Measure | None
    standing: Standing


@dataclass(frozen=True, slots=True)
class Figure:
    """One supporting indicator for a period. `rate` is there where a sampling design stands behind it."""

    code: str
    name: str
    name_en: str
    estimator: str
    numerator_rule: str
    numerator_rule_en: str
    denominator_rule: str
    denominator_rule_en: str
    source: str
    confidence: str
    numerator: int
    denominator: int
    passed: estimate.PassRate | None = None
    #: address of the rows behind the figure: (name of a view, query string)
    rows: tuple[str, str] = ("", "")
    reasons: tuple[Reason, ...] = field(default=())

    @property
    def value(self) -> Fraction | None:
        """The plain quotient; None where the denominator is 0 (no data, neither 0 % nor 100 %)."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None

    @property
    def text(self) -> str:
        return show_percent(self.value) if self.value is not None else ""


#: target code → (day) → measure. A room that gains a register adds its targets here; the others say "no data yet".
MEASURES: dict[str, Callable[[datetime.date, Window], Measure | None]] = {}


def goal(target: Target) -> Goal:
    """The engine's value of a stored target."""
    return target_from({
        "code": target.code, "name": target.name, "name_en": target.name_en, "operator": target.operator,
        "value": target.value, "unit": target.unit, "deadline": target.deadline.isoformat(),
        "source_clause": target.source_clause, "registry": target.registry, "numerator": target.numerator,
        "denominator": target.denominator, "force": target.force, "deadline_basis": target.deadline_basis,
        "note": target.note, "source": target.source, "confidence": target.confidence,
    })  # fmt: skip


def window(target: Target) -> Window:
    """The days whose events count: the city's window, ended by the target's own deadline."""
    start, end = city_window()
    end = min(end, target.deadline)
    return Window(min(start, end), end)


def city_window() -> tuple[datetime.date, datetime.date]:
    """The target window of the city (焦作: 2017-01-01 to 2018-12-31)."""
    facts = city.facts()
    return datetime.date.fromisoformat(facts["window_from"]), datetime.date.fromisoformat(facts["window_to"])


def scoreboard(on: datetime.date) -> list[Line]:
    """All targets of the city as they stand on a day."""
    lines = []
    for target in Target.objects.all():
        wanted, span = goal(target), window(target)
        measure = MEASURES[target.code](on, span) if target.code in MEASURES else None
        lines.append(Line(target, wanted, measure, status(wanted, measure, on, span)))
    return lines


def counts(lines: list[Line]) -> list[tuple[Status, int]]:
    return [(kind, sum(line.standing.status == kind for line in lines)) for kind in Status]


def figures(year: int, on: datetime.date) -> list[Figure]:
    """The supporting indicators of random inspections for a calendar year, as known on a day."""
    numbers = inspection.year_figures(year, on)
    passed = estimate.pass_rate(inspection.pass_rate_inputs(year, on))
    found = []
    for row in tables.load("indicators/inspection").valid_on(min(on, datetime.date(year, 12, 31))):
        code = row["code"]
        numerator, denominator, view = numbers.get(code, (0, 0, ""))
        if code == "P01":
            numerator, denominator = passed.rate.numerator, passed.rate.denominator
        elif code == "P02":
            counted = passed.counts
            numerator = counted.eligible_pass + counted.eligible_fail
            denominator = numerator + counted.non_response
        found.append(Figure(
            code, row["name"], row["name_en"], row["estimator"], row["numerator"], row["numerator_en"],
            row["denominator"], row["denominator_en"], row.source, row.confidence, numerator, denominator,
            passed if row["estimator"] == "design" else None,
            ("inspection:visits" if code in {"P01", "P02"} else view, f"year={year}"),
        ))  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class DrawRate:
    """The pass rate of one draw, beside the year's."""

    draw_no: str
    plan: str
    passed: estimate.PassRate


def pass_rates_by_draw(year: int, on: datetime.date) -> list[DrawRate]:
    """The pass rate of each draw of a year that has results."""
    found = []
    for draw in inspection.draws_of_year(year):
        units = inspection.pass_rate_inputs(year, on, draw=draw)
        if units:
            found.append(DrawRate(draw.no, draw.plan.name, estimate.pass_rate(units)))
    return found


def years(on: datetime.date) -> list[int]:
    """The years for which there are draws, the present one first."""
    return sorted({on.year, *inspection.years()}, reverse=True)


def approved_snapshots() -> list[Snapshot]:
    return list(Snapshot.objects.filter(state=Snapshot.State.APPROVED))
