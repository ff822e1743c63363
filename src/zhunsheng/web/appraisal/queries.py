"""The figures of the scoreboard, each computed from the registers, each with the way back to its rows."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from django.db.models import QuerySet

from zhunsheng.engine import estimate, tables
from zhunsheng.engine.appraisal import Measure, Standing, Status, Window, show_percent, status, target_from
from zhunsheng.engine.appraisal import Target as Goal
from zhunsheng.web.appraisal.models import Snapshot, Target
from zhunsheng.web.common import city
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import Draw
from zhunsheng.web.people.models import User


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
    #: drawn units that have no published result yet (a rate counts them as not inspected)
    pending: int = 0
    #: the rows behind the figure: (name of a view, query string)
    rows: tuple[str, str] = ("", "")

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
    """The target window of the city （焦作: 2017-01-01 to 2018-12-31）."""
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
    start, end = datetime.date(year, 1, 1), min(datetime.date(year, 12, 31), on)
    inputs = inspection.pass_rate_inputs(start=start, end=end)
    passed = estimate.pass_rate(inputs.units)
    counted = passed.counts
    seen = counted.eligible_pass + counted.eligible_fail
    done = inspection.plan_completion(start, end)
    timely = inspection.on_time_publication(start, end, on)
    given_up = inspection.abandonment(start, end)
    covered = inspection.item_coverage(year)
    drawn, due = f"drawn_from={start}&drawn_to={end}", f"due_from={start}&due_to={end}"
    numbers: dict[str, tuple[int, int, tuple[str, str]]] = {
        "P01": (passed.rate.numerator, passed.rate.denominator, ("inspection:tasks", drawn)),
        "P02": (seen, seen + counted.non_response, ("inspection:tasks", drawn)),
        "P03": (done.numerator, done.denominator, ("inspection:tasks", due)),
        "P04": (timely.numerator, timely.denominator, ("inspection:visits", due)),
        "P05": (
            given_up.numerator,
            given_up.denominator,
            ("inspection:draws", f"announced_from={start}&announced_to={end}"),
        ),
        "P06": (covered.numerator, covered.denominator, ("inspection:items", "")),
    }
    found = []
    for row in tables.load("indicators/inspection").valid_on(end):
        numerator, denominator, rows = numbers[row["code"]]
        design = row["estimator"] == "design"
        found.append(Figure(
            row["code"], row["name"], row["name_en"], row["estimator"], row["numerator"], row["numerator_en"],
            row["denominator"], row["denominator_en"], row.source, row.confidence, numerator, denominator,
            passed if design else None, inputs.pending if design else 0, rows,
        ))  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class DrawRate:
    """The pass rate of one draw, beside the year's."""

    draw_no: str
    plan: str
    passed: estimate.PassRate


def pass_rates_by_draw(year: int, on: datetime.date) -> list[DrawRate]:
    """The pass rate of each draw executed in a year."""
    draws = Draw.objects.filter(
        executed_at__date__gte=datetime.date(year, 1, 1), executed_at__date__lte=min(on, datetime.date(year, 12, 31))
    )
    return [
        DrawRate(draw.no, draw.plan.name, estimate.pass_rate(inspection.pass_rate_inputs(draw).units))
        for draw in draws.select_related("plan").order_by("executed_at")
    ]


def years(on: datetime.date) -> list[int]:
    """The years in which draws were announced, and the present one; newest first."""
    moments = Draw.objects.order_by().dates("announced_at", "year")
    return sorted({on.year, *(moment.year for moment in moments)}, reverse=True)


def snapshots_to_decide(user: User) -> QuerySet[Snapshot]:
    """Drafts by other people, the oldest figures first."""
    waiting = Snapshot.objects.filter(state=Snapshot.State.DRAFT).exclude(created_by=user)
    return waiting.defer("body").order_by("as_of", "pk")


def approved_snapshots() -> list[Snapshot]:
    return list(Snapshot.objects.filter(state=Snapshot.State.APPROVED))
