"""Who may go where: the drawn units as targets, the pool of inspectors with what keeps each from which unit, the teams."""

import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.db.models import Q, QuerySet

from zhunsheng.engine import draw as engine
from zhunsheng.engine import tables
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.draw.leaf import speciality_of
from zhunsheng.engine.suites import suite
from zhunsheng.web.common.records import in_force
from zhunsheng.web.inspection.models import Draw, Inclusion, Plan, Task, TeamMember, Visit
from zhunsheng.web.inspection.queries.frames import frame_lines, stored_keys
from zhunsheng.web.registry.models import Inspector, Qualification, Recusal


def targets(draw: Draw) -> list[engine.Target]:
    """The drawn units with what their lead must hold: as the frame says, of the lists that drew each together. Withdrawn
    ones are left in: the teams are of all drawn units, and who was withdrawn is not visited."""
    drawn_by: dict[int, set[str]] = {}
    units: dict[int, str] = {}
    for entity, unit_id, name in Inclusion.objects.filter(task__draw=draw).values_list(
        "task__entity_id", "task__unit_id", "list"
    ):
        drawn_by.setdefault(entity, set()).add(name)
        units[entity] = unit_id
    lines = frame_lines(draw)
    place = {key: number for number, key in enumerate(stored_keys(draw)) if key in units}
    return [
        engine.Target(unit_id, speciality_of(json.loads(lines[place[entity]]), sorted(drawn_by[entity])))
        for entity, unit_id in sorted(units.items(), key=lambda one: one[1])
    ]


def inspector_pool(plan: Plan) -> QuerySet[Inspector]:
    """Inspectors of the leading office, of the joint ones, and of the offices below them; those who left are not in it."""
    offices = {plan.office_id, *plan.joint_offices.values_list("pk", flat=True)}
    return (
        Inspector.objects.filter(Q(office__in=offices) | Q(office__parent__in=offices))
        .exclude(status="left")
        .exclude(certificate_valid_to__isnull=True)
        .order_by("person_no")
    )


def forbidden(draw: Draw, pool: Sequence[Inspector], on: datetime.date) -> dict[int, set[tuple[str, str]]]:
    """Inspector → (unit, code of draw/forbidden): declared relations, home township, the latest visits."""
    units = dict(draw.tasks.values_list("entity_id", "unit_id"))
    found: dict[int, set[tuple[str, str]]] = {one.pk: set() for one in pool}
    codes = {kind: row["code"] for row in tables.load("draw/forbidden").valid_on(on) for kind in row.list("kinds")}
    years = {row["code"]: int(row["years"]) for row in tables.load("inspection/recusal_kinds").rows if row["years"]}
    declared = Recusal.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=on), inspector__in=list(found), entity__tasks__draw=draw
    )
    for inspector, entity, kind, since in declared.values_list("inspector_id", "entity_id", "kind", "declared_on"):
        if kind not in years or _years_after(since, years[kind]) > on:
            found[inspector].add((units[entity], codes.get(kind, "recusal")))
    homes: dict[str, list[int]] = {}
    for one in pool:
        if one.home_division_id:
            homes.setdefault(one.home_division_id, []).append(one.pk)
    if homes and (code := codes.get("home_township")):
        for entity, division in draw.tasks.filter(entity__division__in=list(homes)).values_list(
            "entity_id", "entity__division_id"
        ):
            for inspector in homes[division]:
                found[inspector].add((units[entity], code))
    if code := codes.get("repeat_visit"):
        for inspector, entity in _repeat_visits(draw, engine.parameters(on).rotation_visits):
            if inspector in found:
                found[inspector].add((units[entity], code))
    return found


def _years_after(day: datetime.date, years: int) -> datetime.date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _repeat_visits(draw: Draw, latest: int) -> Iterator[tuple[int, int]]:
    """Inspectors who were on each of an entity's `latest` visits (rotation, draw/assignment)."""
    last: dict[int, list[int]] = {}
    rows = (
        Visit.objects.filter(entity__tasks__draw=draw, task__isnull=False, corrects__isnull=True)
        .order_by("entity_id", "-visited_on", "-pk")
        .values_list("entity_id", "task_id")
    )
    for entity, task in rows.distinct():
        known = last.setdefault(entity, [])
        if len(known) < latest and task not in known:
            known.append(task)
    wanted = {task for tasks in last.values() if len(tasks) == latest for task in tasks}
    if not wanted:
        return
    teams: dict[int, set[int]] = {}
    for task, inspector in TeamMember.objects.filter(task__in=wanted, replaced_reason="").values_list(
        "task_id", "inspector_id"
    ):
        teams.setdefault(task, set()).add(inspector)
    for entity, tasks in last.items():
        if len(tasks) == latest:
            for inspector in set.intersection(*(teams.get(task, set()) for task in tasks)):
                yield inspector, entity


def directory(plan: Plan, on: datetime.date) -> list[engine.Inspector]:
    """The directory that an announcement commits to: the pool with certificates and specialities."""
    pool = list(inspector_pool(plan))
    held = _specialities(pool, on)
    return [
        engine.Inspector(one.person_no, one.certificate_valid_to or datetime.date.min, frozenset(held[one.pk]))
        for one in pool
    ]


def directory_of(draw: Draw) -> QuerySet[Inspector]:
    """The inspectors to whom the announcement of a draw commits, in order of number."""
    return Inspector.objects.filter(person_no__in=[row[0] for row in draw.file.directory]).order_by("person_no")


def inspectors(draw: Draw, on: datetime.date) -> list[engine.Inspector]:
    """Everyone of the committed directory as the engine wants it, without bounds of visits (see `bounded`).

    Certificates and specialities are as committed. Who has left since, or lost the certificate or a committed
    speciality, is away on the day; who came since is not in it.
    """
    pool = {one.person_no: one for one in directory_of(draw)}
    barred, held = forbidden(draw, list(pool.values()), on), _specialities(list(pool.values()), on)
    serving = set(inspector_pool(draw.plan).values_list("person_no", flat=True))
    found = []
    for number, certificate_to, specialities in draw.file.directory:
        one = pool.get(number)
        leave: tuple[tuple[datetime.date, datetime.date], ...] = ()
        if (
            one is None
            or number not in serving
            or (one.certificate_valid_to or datetime.date.min) < on
            or not held[one.pk].issuperset(specialities)
        ):
            leave = ((on, on),)
        elif one.leave_from or one.leave_to or one.status == "leave":
            leave = ((one.leave_from or datetime.date.min, one.leave_to or datetime.date.max),)
        found.append(
            engine.Inspector(
                number,
                datetime.date.fromisoformat(certificate_to),
                frozenset(specialities),
                leave,
                tuple(sorted(barred[one.pk])) if one is not None else (),
            )
        )
    return found


def _specialities(pool: Sequence[Inspector], on: datetime.date) -> dict[int, set[str]]:
    held: dict[int, set[str]] = {one.pk: set() for one in pool}
    rows = Qualification.objects.filter(in_force(on), inspector__in=list(held))
    for inspector, speciality in rows.values_list("inspector_id", "speciality"):
        held[inspector].add(speciality)
    return held


def bounded(
    draw: Draw,
    wanted: Sequence[engine.Target],
    people: Sequence[engine.Inspector],
    on: datetime.date,
    *,
    least: int | None = None,
    most: int | None = None,
) -> tuple[engine.Inspector, ...]:
    """With the bounds of visits: `least` and `most`, else the plan's, else an equal share of all who are there, as wide as
    announced.

    Where nobody has set bounds, those suggested are made as wide as it takes: they are published either way, and the
    check of the bundle names everybody whose bounds are not the announced ones.
    """
    plan, rule = draw.plan, engine.read_terms(json.loads(draw.announcement)).assignment
    least = plan.load_least if least is None else least
    most = plan.load_most if most is None else most
    made = engine.load_bounds(
        wanted, people, on=on, team_size=plan.team_size, slack=rule.slack if rule is not None else None
    )

    def of(one: engine.Inspector) -> engine.Inspector:
        if not one.available(on):
            return replace(one, least=0, most=0)
        high = min(one.most or 0 if most is None else most, len(wanted))
        return replace(one, least=min(one.least if least is None else least, high), most=high)

    found = tuple(of(one) for one in made)
    if least is None and most is None:
        wider = engine.suggest_bounds(wanted, found, on=on, team_size=plan.team_size)
        return found if wider is None else wider.inspectors
    return found


def assignment_day(draw: Draw, at: datetime.datetime) -> datetime.date:
    """The day for which certificates and leave are looked at: the first day of the checks, or today where that has passed."""
    return max(draw.plan.starts_on, at.astimezone(CHINA).date())


def stored_constraints(draw: Draw) -> engine.Constraints | None:
    """The constraints as closed; None before."""
    return engine.read_constraints(json.loads(draw.file.constraints)) if draw.file.constraints else None


def standing_team(task: Task) -> engine.Team | None:
    """The team of a task as it stands now; None where nobody was assigned."""
    members = [one for one in task.team.all() if not one.replaced_reason]
    lead = next((one.inspector.person_no for one in members if one.lead), None)
    if lead is None:
        return None
    return engine.Team(task.unit_id, lead, tuple(sorted(one.inspector.person_no for one in members if not one.lead)))


def substitutes(task: Task, shown: int = 5) -> list[tuple[str, tuple[str, ...]]]:
    """(number of a member, numbers of those who would go instead, the first first) for each member of a task's team."""
    closed, team = stored_constraints(task.draw), standing_team(task)
    if closed is None or team is None:
        return []
    code = suite(task.draw.suite)
    return [
        (one, engine.candidates(closed, task.draw.second_seed, team, one, suite=code)[:shown]) for one in team.members
    ]


def changes(draw: Draw) -> list[engine.Change]:
    """Substitutions in a draw's teams, in order of time."""
    rows = (
        TeamMember.objects.filter(task__draw=draw, replaces__isnull=False)
        .select_related("task", "inspector", "replaces__inspector")
        .order_by("since", "pk")
    )
    return [
        engine.Change(
            row.task.unit_id,
            row.replaces.inspector.person_no,
            row.inspector.person_no,
            row.took_lead,
            tuple((one["number"], one["reason"]) for one in row.passed),
            row.replaces.replaced_reason,
            row.since,
        )
        for row in rows
        if row.replaces is not None and row.since is not None
    ]
