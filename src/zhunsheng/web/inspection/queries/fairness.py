"""Before and after the teams: whether there are enough inspectors, who has declared, and how fair what came out was."""

import datetime
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from django.db.models import QuerySet

from zhunsheng.engine import draw as engine
from zhunsheng.engine.draw import fairness
from zhunsheng.engine.draw.sources import check_signature, check_value
from zhunsheng.engine.errors import DrawError, ZhunshengError
from zhunsheng.engine.suites import suite
from zhunsheng.engine.words import Reason
from zhunsheng.web.common.errors import say
from zhunsheng.web.inspection.models import Draw, Task
from zhunsheng.web.inspection.queries.assignment import (
    assignment_day,
    bounded,
    inspectors,
    standing_team,
    stored_constraints,
    targets,
)
from zhunsheng.web.inspection.queries.plans import counties
from zhunsheng.web.inspection.queries.visits import with_team
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.models import Act
from zhunsheng.web.registry.models import Inspector, Recusal

#: Steps of the chain that a page may spend on chances: about three seconds.
MOST_STEPS = 3_000_000


@dataclass(frozen=True, slots=True)
class Ready:
    """How a drawn list stands before it is closed. forbidden: code of draw/forbidden → pairs. share: visits of one, on average."""

    targets: int
    able: int
    away: int
    forbidden: Mapping[str, int]
    shortages: tuple[Reason, ...]
    least: int
    most: int


def readiness(draw: Draw, at: datetime.datetime) -> Ready:
    """What closing the list now would say, with the plan's bounds or the suggested ones."""
    day, wanted = assignment_day(draw, at), targets(draw)
    people = bounded(draw, wanted, inspectors(draw, day), day)
    able = [one for one in people if one.available(day)]
    return Ready(
        len(wanted),
        len(able),
        len(people) - len(able),
        dict(sorted(Counter(code for one in people for _unit, code in one.forbidden).items())),
        engine.feasible(wanted, people, on=day, team_size=draw.plan.team_size),
        min((one.least for one in able), default=0),
        max((one.most or 0 for one in able), default=0),
    )


# -- recusals on the drawn list --------------------------------------------------------------------------------------
def declared(draw: Draw, inspector: Inspector) -> dict[int, str]:
    """Entity → kind of the recusals of one inspector among the drawn units."""
    rows = Recusal.objects.filter(inspector=inspector, entity__tasks__draw=draw, valid_to__isnull=True)
    return dict(rows.values_list("entity_id", "kind"))


def have_declared(draw: Draw) -> int:
    """How many inspectors have looked at the drawn list and said whether there is anything to recuse from."""
    acts = Act.objects.filter(verb="draw.declare", subject_type="draw", subject_id=draw.no)
    return len({str(one.get("inspector")) for one in acts.values_list("changes", flat=True)})


def draws_to_declare(user: User) -> QuerySet[Draw]:
    """Drawn lists that wait for this inspector's word."""
    known = Inspector.objects.filter(user=user).exclude(status="left").exclude(certificate_valid_to__isnull=True)
    me = known.select_related("office").first()
    if me is None:
        return Draw.objects.none()
    offices = [me.office_id, *([me.office.parent_id] if me.office.parent_id else [])]
    waiting = Draw.objects.filter(state=Draw.State.EXECUTED).select_related("plan")
    waiting = waiting.filter(plan__office__in=offices) | waiting.filter(plan__joint_offices__in=offices)
    said = Act.objects.filter(verb="draw.declare", subject_type="draw", by=user).values("subject_id")
    return waiting.exclude(no__in=said).only("no", "plan__name").distinct().order_by("executed_at", "pk")


# -- what was typed --------------------------------------------------------------------------------------------------
def value_problem(source: engine.Source, typed: str, draw: Draw, *, second: bool = False) -> str:
    """What is wrong with a value as typed; '' where it is well written and as promised. The time is not looked at."""
    try:
        if source.kind == "drand":
            value = engine.Value(
                source.id,
                suite("sha256").hex(bytes.fromhex(typed.lower())),
                engine.round_time(source),
                {"signature": typed.lower()},
            )
            check_signature(source, value)
        else:
            value = engine.Value(source.id, typed, datetime.datetime.fromtimestamp(0, datetime.UTC))
            check_value(source, value, draw.no, suite(draw.suite), second=second)
    except ZhunshengError as problem:
        return say(problem)
    except ValueError:
        return say(DrawError("draw.drand.no_signature", source=source.id))
    return ""


# -- fairness --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Report:
    """Of one draw: what each inspector got, and, where it could be computed, how likely each visit was."""

    parts: tuple[fairness.Part, ...]
    targets: int
    chances: fairness.Chances | None
    runs: int
    changes: int

    @property
    def most(self) -> int:
        return max((part.visits for part in self.parts), default=0)

    @property
    def least(self) -> int:
        return min((part.visits for part in self.parts if part.most), default=0)


def fairness_of(draw: Draw) -> Report | None:
    """The report on one draw; None before the teams are out."""
    closed = stored_constraints(draw)
    if closed is None or not draw.second_seed:
        return None
    tasks = list(with_team(Task.objects.filter(draw=draw)))
    teams = [team for task in tasks if (team := standing_team(task)) is not None]
    county_of = counties()
    divisions = {task.unit_id: county_of.get(task.entity.division_id or "", "") for task in tasks}
    runs = max(10, min(200, MOST_STEPS // max(1, closed.steps)))
    chances = _chances(draw.file.constraints, draw.suite, runs) if closed.steps * runs <= 2 * MOST_STEPS else None
    replaced = sum(1 for task in tasks for one in task.team.all() if one.replaced_reason)
    return Report(fairness.parts(closed, teams, divisions), len(closed.targets), chances, runs, replaced)


@lru_cache(maxsize=16)
def _chances(constraints: str, code: str, runs: int) -> fairness.Chances:
    return fairness.chances(engine.read_constraints(json.loads(constraints)), runs, suite=suite(code))


@dataclass(slots=True)
class Year:
    """One inspector over a year. equal: the visits that an equal part of each draw's would have been, for the days present."""

    number: str
    name: str = ""
    office: str = ""
    draws: int = 0
    visits: int = 0
    leads: int = 0
    open_to: int = 0
    forbidden: int = 0
    within: float = 0.0
    divisions: Counter[str] = field(default_factory=Counter)

    @property
    def places(self) -> int:
        return len(self.divisions)


def fairness_over(draws: QuerySet[Draw], year: int) -> list[Year]:
    """Every inspector of the year's pools, summed over the draws with teams; sealed ones once they are opened."""
    found: dict[str, Year] = {}
    county_of = counties()
    for draw in (
        draws.filter(assigned_at__year=year).exclude(mode="sealed", opened_at__isnull=True).select_related("file")
    ):
        closed = stored_constraints(draw)
        if closed is None:
            continue
        tasks = list(with_team(Task.objects.filter(draw=draw)))
        teams = [team for task in tasks if (team := standing_team(task)) is not None]
        divisions = {task.unit_id: county_of.get(task.entity.division_id or "", "") for task in tasks}
        for part in fairness.parts(closed, teams, divisions):
            row = found.setdefault(part.number, Year(part.number))
            row.draws += part.most > 0
            row.visits, row.leads = row.visits + part.visits, row.leads + part.leads
            row.open_to, row.forbidden = row.open_to + part.open_to, row.forbidden + sum(part.forbidden.values())
            row.within += (part.least + part.most) / 2
            row.divisions.update(part.divisions)
    for one in Inspector.objects.filter(person_no__in=list(found)).select_related("office"):
        found[one.person_no].name, found[one.person_no].office = one.name, one.office.name
    return sorted(found.values(), key=lambda row: (-row.visits, row.number))
