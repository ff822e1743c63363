"""Reading draws: the next number, the frozen frame, the bundle that `zhunsheng verify` checks."""

import datetime
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db.models import Q, QuerySet

from zhunsheng.engine import draw as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.public_log import Json, canonical
from zhunsheng.web.common.records import in_force
from zhunsheng.web.inspection.models import CheckItem, Draw, Inclusion, Plan, Task, TeamMember, Visit
from zhunsheng.web.inspection.queries.plans import Cap, counties, in_scope, stratum_key
from zhunsheng.web.inspection.queries.tables import applies_to
from zhunsheng.web.people.models import Office
from zhunsheng.web.public_log import queries as log
from zhunsheng.web.public_log.models import LogEntry
from zhunsheng.web.registry.models import Inspector, Qualification, Recusal

#: How a repeat visit is counted: whoever was on the last so many visits of an entity does not go again.
LAST_VISITS = 2


def next_draw_no(office: Office, on: datetime.date) -> str:
    """The number that the office's next draw of the year gets: ceremony parties commit to it before the announcement."""
    start = f"{office.code}-{on.year}-"
    return f"{start}{Draw.objects.filter(no__startswith=start).count() + 1:03d}"


def default_sources(parties: Sequence[str] = ("纪检监察机关", "群众代表")) -> tuple[engine.Source, ...]:
    """The public ceremony （公开仪式）: a string from each party, and dice thrown in public."""
    named = [engine.Source(f"ceremony:party-{number}", {"party": name}) for number, name in enumerate(parties, 1)]
    return (*named, engine.Source("ceremony:dice", {"rolls": 10}))


# -- the frame -------------------------------------------------------------------------------------------------------
def frame_leaves(plan: Plan, on: datetime.date) -> Iterator[tuple[int, dict[str, Json]]]:
    """The register as it stands: (key, leaf) of each entity in scope. A leaf holds what may decide or explain the draw, and no name.

    An entity that has reached the cap stays in, with the code CAP. A cancelled one stays in as any other.
    """
    items = list(plan.items.all())
    cap, county_of = Cap.of(items, on), counties()
    rows = (
        in_scope(plan.scope, items)
        .order_by("pk")
        .values_list("pk", "unit_id", "risk_class", "division_id", "industry", "status")
    )
    for pk, unit_id, risk_class, division, industry, status in rows.iterator(chunk_size=5000):
        county = county_of.get(division or "", "")
        leaf: dict[str, Json] = {
            "id": unit_id,
            "stratum": stratum_key(plan.stratify_by, risk_class, county),
            "risk_class": risk_class,
            "county": county,
            "industry": industry,
            "status": status,
        }
        if cap.excludes(pk, industry):
            leaf["exclusion"] = "CAP"
        yield pk, leaf


def pack(leaves: Iterable[bytes]) -> bytes:
    """The frame as it is stored: one leaf a line, gzip without a time stamp, so that the same frame is the same bytes."""
    return gzip.compress(b"\n".join(leaves), mtime=0)


def frame_lines(draw: Draw) -> list[bytes]:
    """The stored leaves, in order."""
    return gzip.decompress(bytes(draw.file.frame)).split(b"\n")


def stored_keys(draw: Draw) -> list[int]:
    """The register's keys in the order of the leaves."""
    return [int(key) for key in gzip.decompress(bytes(draw.file.keys)).split()]


def stored_frame(draw: Draw) -> engine.Frame:
    """The frame as stored, its root computed again. Raises DrawError where the stored bytes are no frame any more."""
    return engine.freeze(json.loads(line) for line in frame_lines(draw))


@dataclass(frozen=True, slots=True)
class FrameRow:
    """An entity's place in the frame, and what the draw made of it. `ticket` is '' before the draw is executed."""

    position: int
    leaf: Mapping[str, Any]
    ticket: str
    task: Task | None


def find_in_frame(draw: Draw, unit_id: str) -> FrameRow | None:
    """Where an entity stands in a draw's frame, from 0; None where it is not in it."""
    needle = f'"id":{json.dumps(unit_id, ensure_ascii=False)}'.encode()
    for position, line in enumerate(frame_lines(draw)):
        if needle in line:
            leaf = json.loads(line)
            if leaf["id"] == unit_id:
                task = Task.objects.filter(draw=draw, unit_id=unit_id).first()
                return FrameRow(position, leaf, engine.ticket(draw.seed, unit_id) if draw.seed else "", task)
    return None


def rank_in_stratum(draw: Draw, row: FrameRow) -> int:
    """The place of an entity's ticket in its stratum, from 1, drawn or not; 0 where it could not be drawn."""
    if not row.ticket or row.leaf.get("exclusion"):
        return 0
    mine = (row.ticket, row.leaf["id"])
    others = (
        (engine.ticket(draw.seed, leaf["id"]), leaf["id"])
        for leaf in map(json.loads, frame_lines(draw))
        if leaf["stratum"] == row.leaf["stratum"] and not leaf.get("exclusion")
    )
    return sum(other <= mine for other in others)


def frame_page(draw: Draw, start: int, count: int) -> tuple[list[FrameRow], int]:
    """`count` units of the frame from a position on, with tickets and tasks; and how many units there are."""
    lines = frame_lines(draw)
    leaves = [json.loads(line) for line in lines[start : start + count]]
    tasks = {
        task.unit_id: task
        for task in Task.objects.filter(draw=draw, unit_id__in=[leaf["id"] for leaf in leaves])
        .select_related("entity")
        .prefetch_related("inclusions")
    }
    return [
        FrameRow(start + number, leaf, engine.ticket(draw.seed, leaf["id"]) if draw.seed else "", tasks.get(leaf["id"]))
        for number, leaf in enumerate(leaves)
    ], len(lines)


# -- the execution and the assignment as the engine knows them ---------------------------------------------------------
def announcement(draw: Draw) -> dict[str, Json]:
    found: dict[str, Json] = json.loads(draw.announcement)
    return found


def execution(draw: Draw) -> engine.Execution | None:
    """The stored execution; not computed again (`verify` does that)."""
    if not draw.seed:
        return None
    values = tuple(read_value(value) for value in draw.values)
    text = engine.seed_text(announcement(draw), [value.value for value in values], draw.fallback)
    return engine.Execution(
        announcement_hash=draw.announcement_hash,
        values=values,
        seed_text=text,
        seed=draw.seed,
        at=max(value.at for value in values),
        fallback=draw.fallback,
        fallback_reason=draw.fallback_reason,
    )


def read_value(value: Mapping[str, Any]) -> engine.Value:
    at = datetime.datetime.fromisoformat(value["at"].replace("Z", "+00:00"))
    return engine.Value(value["source"], value["value"], at, dict(value.get("evidence", {})))


def selected(draw: Draw) -> list[engine.Selected]:
    """The drawn units as stored, in the order of the selection: a unit stands there once for each list that drew it."""
    rows = Inclusion.objects.filter(task__draw=draw).values_list(
        "task__unit_id", "task__ticket", "list", "stratum", "rank", "numerator", "denominator"
    )
    found = [
        engine.Selected(unit_id, f"{name}/{stratum}" if name else stratum, ticket, rank, Fraction(up, down))
        for unit_id, ticket, name, stratum, rank, up, down in rows.order_by()
    ]
    return sorted(found, key=lambda one: (one.stratum.encode(), one.rank))


def required_speciality(items: Iterable[CheckItem], lead_office: int, industry: str) -> str:
    """What the lead must hold for an entity of this industry: the specialities of the leading office's items that concern it.

    Several are joined by '+', and the lead must hold them all. Items of joint offices bring their own people; they
    decide only where the leading office has no item of its own.
    """
    concerned = [item for item in items if item.speciality and applies_to(item, industry)]
    own = [item for item in concerned if item.office_id == lead_office] or concerned
    return "+".join(sorted({item.speciality for item in own}))


def targets(draw: Draw) -> list[engine.Target]:
    items = list(draw.plan.items.all())
    rows = draw.tasks.order_by("no").values_list("unit_id", "ticket", "entity__industry")
    needed: dict[str, str] = {}
    found = []
    for unit_id, ticket, industry in rows:
        if industry not in needed:
            needed[industry] = required_speciality(items, draw.plan.office_id, industry)
        found.append(engine.Target(unit_id, ticket, needed[industry]))
    return found


def inspector_pool(plan: Plan) -> QuerySet[Inspector]:
    """Inspectors of the leading office, of the joint ones, and of the offices below them; those who left are not in it."""
    offices = {plan.office_id, *plan.joint_offices.values_list("pk", flat=True)}
    return (
        Inspector.objects.filter(Q(office__in=offices) | Q(office__parent__in=offices))
        .exclude(status="left")
        .exclude(certificate_valid_to__isnull=True)
        .order_by("person_no")
    )


def recusals(draw: Draw, pool: Sequence[Inspector], on: datetime.date) -> dict[int, set[str]]:
    """Inspector → units of the draw from which the inspector is recused: registered relations, home township, last visits."""
    units = dict(draw.tasks.values_list("entity_id", "unit_id"))
    keys = [one.pk for one in pool]
    found: dict[int, set[str]] = {key: set() for key in keys}
    declared = Recusal.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=on), inspector__in=keys, entity__tasks__draw=draw
    )
    for inspector, entity in declared.values_list("inspector_id", "entity_id"):
        found[inspector].add(units[entity])
    homes: dict[str, list[int]] = {}
    for one in pool:
        if one.home_division_id:
            homes.setdefault(one.home_division_id, []).append(one.pk)
    if homes:
        for entity, division in draw.tasks.filter(entity__division__in=list(homes)).values_list(
            "entity_id", "entity__division_id"
        ):
            for inspector in homes[division]:
                found[inspector].add(units[entity])
    for inspector, entity in _repeat_visits(draw):
        if inspector in found:
            found[inspector].add(units[entity])
    return found


def _repeat_visits(draw: Draw) -> Iterator[tuple[int, int]]:
    """Inspectors who were on each of an entity's last two visits (rotation, inspection/recusal_kinds)."""
    last: dict[int, list[int]] = {}
    rows = (
        Visit.objects.filter(entity__tasks__draw=draw, task__isnull=False, corrects__isnull=True)
        .order_by("entity_id", "-visited_on", "-pk")
        .values_list("entity_id", "task_id")
    )
    for entity, task in rows.distinct():
        known = last.setdefault(entity, [])
        if len(known) < LAST_VISITS and task not in known:
            known.append(task)
    wanted = {task for tasks in last.values() if len(tasks) == LAST_VISITS for task in tasks}
    if not wanted:
        return
    teams: dict[int, set[int]] = {}
    for task, inspector in TeamMember.objects.filter(task__in=wanted, replaced_reason="").values_list(
        "task_id", "inspector_id"
    ):
        teams.setdefault(task, set()).add(inspector)
    for entity, tasks in last.items():
        if len(tasks) == LAST_VISITS:
            for inspector in set.intersection(*(teams.get(task, set()) for task in tasks)):
                yield inspector, entity


def inspectors(draw: Draw, pool: Sequence[Inspector], on: datetime.date) -> list[engine.Inspector]:
    """The pool as the engine wants it. A speciality pair that a draw asks for ('a+b') is held by who holds each of it."""
    held: dict[int, set[str]] = {one.pk: set() for one in pool}
    rows = Qualification.objects.filter(in_force(on), inspector__in=list(held)).values_list(
        "inspector_id", "speciality"
    )
    for inspector, speciality in rows:
        held[inspector].add(speciality)
    pairs = {target.speciality for target in targets(draw) if "+" in target.speciality}
    barred = recusals(draw, pool, on)
    found = []
    for one in pool:
        specialities = held[one.pk] | {pair for pair in pairs if set(pair.split("+")) <= held[one.pk]}
        leave: tuple[tuple[datetime.date, datetime.date], ...] = ()
        if one.leave_from or one.leave_to or one.status == "leave":
            leave = ((one.leave_from or datetime.date.min, one.leave_to or datetime.date.max),)
        found.append(
            engine.Inspector(
                one.person_no,
                one.certificate_valid_to or datetime.date.min,
                frozenset(specialities),
                leave,
                frozenset(barred[one.pk]),
            )
        )
    return found


def assignment_day(draw: Draw, at: datetime.datetime) -> datetime.date:
    """The day for which certificates and leave are looked at: the first day of the checks, or today where that has passed."""
    return max(draw.plan.starts_on, at.astimezone(CHINA).date())


# -- the bundle ------------------------------------------------------------------------------------------------------
def bundle(draw: Draw) -> dict[str, Json]:
    """Everything about a draw as one JSON object, for `zhunsheng verify`. Public: no name of a person or a firm is in it."""
    leaves = frame_lines(draw)
    made: dict[str, Json] = {
        "protocol": engine.PROTOCOL,
        "announce": announcement(draw),
        # As stored, not as sorted and hashed again: what was altered in the store must show.
        "open": {"leaves": [leaf.decode() for leaf in leaves]},
    }
    done = execution(draw)
    if done is not None:
        made["execute"] = done.as_json()
        made["selection"] = [unit.as_json() for unit in selected(draw)]
    if draw.file.assignment:
        made["assign"] = json.loads(draw.file.assignment)
    if results := bundle_results(draw):
        made["results"] = results
    if draw.state == Draw.State.ABANDONED and draw.abandoned_at:
        made["abandon"] = engine.Abandonment(draw.abandon_reason, abandon_approver(draw), draw.abandoned_at).as_json()
    if (entries := log_acts(draw, made)) is not None:
        made["log"] = entries
    made["digests"] = {
        name: engine.digest(made[name])
        for name in ("announce", "execute", "selection", "assign", "results", "abandon", "log")
        if name in made
    }
    return made


def bundle_bytes(draw: Draw) -> bytes:
    """The bundle as a file: canonical JSON."""
    return canonical(bundle(draw))


def bundle_results(draw: Draw) -> list[Json]:
    """The published results of the drawn entities, by unit id; a withdrawn one is a result too."""
    rows = Visit.objects.filter(task__draw=draw, state=Visit.State.PUBLISHED).values_list(
        "task__unit_id", "result__code", "result__name", "visited_on", "no"
    )
    found: list[Json] = [
        {"id": unit_id, "code": code, "wording": name, "date": day.isoformat(), "visit": no}
        for unit_id, code, name, day, no in rows
    ]
    withdrawn = draw.tasks.filter(state=Task.State.WITHDRAWN).values_list("unit_id", "withdrawn_reason")
    found += [{"id": unit_id, "code": "withdrawn", "reason": reason} for unit_id, reason in withdrawn]
    return sorted(found, key=lambda one: one["id"])  # type: ignore[index,return-value,arg-type,call-overload]


def abandon_approver(draw: Draw) -> str:
    """Who approved, as the public may read it: the office and the post, not the person."""
    return f"{draw.plan.office.name} 负责人"


def log_acts(draw: Draw, made: Mapping[str, Json]) -> dict[str, Json] | None:
    """The entries of the public log on this draw, with their proofs against the log's present head."""
    head = log.head()
    entries = LogEntry.objects.filter(subject=f"draw:{draw.no}", index__lt=head.size).order_by("index")
    acts: list[Json] = []
    for entry in entries:
        body = json.loads(entry.body)
        proof = [node.hex() for node in log.inclusion(entry.index, head.size)]
        for act in ACTS.get(entry.kind, ()):
            if act in made:
                acts.append({"act": act, "index": entry.index, "entry": body, "proof": proof})
    if not acts:
        return None
    return {"origin": log.origin(), "size": head.size, "root": head.root.hex(), "acts": acts}


#: Kind of a log entry → the sections of the bundle whose digests it names.
ACTS: Mapping[str, tuple[str, ...]] = {
    "draw.announce": ("announce",),
    "draw.execute": ("execute", "selection"),
    "draw.assign": ("assign",),
    "draw.abandon": ("abandon",),
}
