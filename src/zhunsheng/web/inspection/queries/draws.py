"""Reading draws: the next number, the frozen frame, the bundle that `zhunsheng verify` checks."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from operator import itemgetter
from typing import Any

from zhunsheng.engine import draw as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.draw.fields import instant_text
from zhunsheng.engine.draw.seal import tag
from zhunsheng.engine.public_log import Json, canonical
from zhunsheng.engine.suites import suite
from zhunsheng.web.inspection.models import Draw, Inclusion, Task, Visit
from zhunsheng.web.inspection.queries.assignment import changes
from zhunsheng.web.inspection.queries.frames import frame_lines, published_lines
from zhunsheng.web.people.models import Office
from zhunsheng.web.public_log import queries as log
from zhunsheng.web.public_log.models import LogEntry


def next_draw_no(office: Office, on: datetime.date) -> str:
    """The number that the office's next draw of the year gets: ceremony parties commit to it before the announcement."""
    start = f"{office.code}-{on.year}-"
    return f"{start}{Draw.objects.filter(no__startswith=start).count() + 1:03d}"


# -- the frame -------------------------------------------------------------------------------------------------------
def stored_frame(draw: Draw) -> engine.Frame:
    """The frame as stored, its root computed again. Raises DrawError where the stored bytes are no frame any more."""
    terms = engine.read_terms(announcement(draw))
    return engine.thaw(
        frame_lines(draw),
        lists=tuple(terms.lists),
        pareto=terms.pareto,
        scale=terms.scale,
        suite=terms.suite,
        seal_key=draw.sealing.key if draw.sealed else "",
        draw=draw.no,
    )


@dataclass(frozen=True, slots=True)
class FrameRow:
    """An entity's place in the frame, and what the draw made of it. `ticket` is '' before the draw is executed.

    strata: full names of the strata it stands in, one for each list it is on; exclusions: the same with the code where
    it cannot be drawn there.
    """

    position: int
    leaf: Mapping[str, Any]
    ticket: str
    task: Task | None
    strata: tuple[str, ...] = ()
    exclusions: Mapping[str, str] = field(default_factory=dict)

    @property
    def exclusion(self) -> str:
        """The code by which it is out everywhere; '' where at least one list could draw it."""
        codes = {self.exclusions.get(one, "") for one in self.strata}
        return "" if "" in codes else min(codes, default="")


class FrameReader:
    """Rows of one draw's frame, with tickets by its own suite and, in a sealed draw, by the tags."""

    def __init__(self, draw: Draw) -> None:
        self.draw, self.terms = draw, engine.read_terms(announcement(draw))
        self.lists = tuple(self.terms.lists)

    def ticket(self, unit_id: str) -> str:
        if not self.draw.seed:
            return ""
        name = tag(self.draw.sealing.key, self.draw.no, unit_id, self.terms.suite) if self.draw.sealed else unit_id
        return engine.ticket(self.draw.seed, name, self.terms.suite)

    def row(self, position: int, leaf: Mapping[str, Any], task: Task | None) -> FrameRow:
        strata, exclusions = [], {}
        for name in self.lists or ("",):
            if (stratum := leaf.get(f"{name}.stratum" if name else "stratum")) is not None:
                full = f"{name}/{stratum}" if name else stratum
                strata.append(full)
                if code := leaf.get(f"{name}.exclusion" if name else "exclusion"):
                    exclusions[full] = code
        return FrameRow(position, leaf, self.ticket(leaf["id"]), task, tuple(strata), exclusions)


def find_in_frame(draw: Draw, unit_id: str) -> FrameRow | None:
    """Where an entity stands in a draw's frame, from 0; None where it is not in it."""
    needle = f'"id":{json.dumps(unit_id, ensure_ascii=False)}'.encode()
    for position, line in enumerate(frame_lines(draw)):
        if needle in line:
            leaf = json.loads(line)
            if leaf["id"] == unit_id:
                task = Task.objects.filter(draw=draw, unit_id=unit_id).prefetch_related("inclusions").first()
                return FrameReader(draw).row(position, leaf, task)
    return None


def ranks(draw: Draw, row: FrameRow) -> dict[str, int]:
    """Stratum → the place of the entity in its order, from 1, drawn or not; without the strata where it cannot be drawn."""
    if not row.ticket:
        return {}
    frame, found = stored_frame(draw), {}
    for stratum in row.strata:
        if stratum in row.exclusions:
            continue
        ids = frame.strata[stratum]
        alone = replace(frame, strata={stratum: ids})
        order = engine.select(alone, draw.seed, {stratum: len(ids)})
        found[stratum] = next(one.rank for one in order if one.id == row.leaf["id"])
    return found


def rank_in_stratum(draw: Draw, row: FrameRow) -> int:
    """The place of an entity in the order of the first stratum that could draw it, from 1; 0 where none could."""
    return next(iter(ranks(draw, row).values()), 0)


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
    reader = FrameReader(draw)
    return [reader.row(start + number, leaf, tasks.get(leaf["id"])) for number, leaf in enumerate(leaves)], len(lines)


def drawn_page(draw: Draw, start: int, count: int) -> tuple[list[Task], int]:
    """`count` drawn units in the order of the tasks, with entity and inclusions; and how many there are."""
    tasks = draw.tasks.select_related("entity__division").prefetch_related("inclusions").order_by("no")
    return list(tasks[start : start + count]), draw.tasks.count()


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


# -- the bundle ------------------------------------------------------------------------------------------------------
def bundle(draw: Draw) -> dict[str, Json]:
    """Everything about a draw as one JSON object, for `zhunsheng verify`. Public: no name of a person or a firm is in it.

    As stored, not as computed again: what was altered in the store must show. Of a sealed draw that is not opened it
    has the sealed lines, and the digests of what is withheld.
    """
    made: dict[str, Json] = {"protocol": engine.PROTOCOL, "announce": announcement(draw)}
    lines = [line.decode() for line in (published_lines(draw) if draw.secret else frame_lines(draw))]
    if draw.secret:
        made["sealed"] = {"lines": lines}
    elif draw.sealed and draw.opened_at:
        made["open"] = {"key": draw.sealing.key, "at": instant_text(draw.opened_at, "open.at"), "leaves": lines}
    else:
        made["open"] = {"leaves": lines}
    inner = _sections(draw)
    if "execute" in inner:
        made["execute"] = inner.pop("execute")
    if draw.sealed and inner:
        made["withheld"] = withheld(draw)
    if not draw.secret:
        made |= inner
        if results := bundle_results(draw):
            made["results"] = results
    if draw.state == Draw.State.ABANDONED and draw.abandoned_at:
        made["abandon"] = engine.Abandonment(draw.abandon_reason, abandon_approver(draw), draw.abandoned_at).as_json()
    if signed := [one for one in draw.signatures if one["section"] in made]:
        made["signatures"] = signed
    if (entries := log_acts(draw, made)) is not None:
        made["log"] = entries
    made["digests"] = engine.digests(made)
    return made


def withheld(draw: Draw) -> dict[str, Json]:
    """Of a sealed draw: the digests of what it keeps back until it is opened, as far as it has come."""
    code, key = suite(draw.suite), draw.sealing.key
    return {
        name: engine.section_digest(draw.no, name, body, key, code)
        for name, body in _sections(draw).items()
        if name != "execute"
    }


def _sections(draw: Draw) -> dict[str, Json]:
    """What the draw has come to, section by section, as stored."""
    found: dict[str, Json] = {}
    done = execution(draw)
    if done is None:
        return found
    found["execute"] = done.as_json()
    found["selection"] = [unit.as_json() for unit in selected(draw)]
    if draw.file.constraints:
        found["assign_announce"] = json.loads(draw.file.constraints)
    if draw.file.assignment:
        found["assign"] = json.loads(draw.file.assignment)
    if replaced := changes(draw):
        found["changes"] = [one.as_json() for one in replaced]
    return found


def opening(draw: Draw) -> dict[str, Json]:
    """What the digest of `open` is made of: the key, when it was opened, and the frame that it opens."""
    at = instant_text(draw.opened_at, "open.at") if draw.opened_at else ""
    return {"key": draw.sealing.key, "at": at, "root": draw.frame_root, "size": draw.frame_size}


def days_overdue(draw: Draw, at: datetime.datetime) -> int:
    """By how many days the opening of a sealed draw is, or was, late; 0 in time and for an open draw."""
    if draw.open_by is None:
        return 0
    opened = (draw.opened_at or at).astimezone(CHINA).date()
    return max(0, (opened - draw.open_by).days)


def bundle_bytes(draw: Draw) -> bytes:
    """The bundle as a file: canonical JSON."""
    return canonical(bundle(draw))


def bundle_results(draw: Draw) -> list[Json]:
    """The published results of the drawn entities, by unit id; a withdrawn one is a result too. None of a secret draw."""
    if draw.secret:
        return []
    rows = Visit.objects.filter(task__draw=draw, state=Visit.State.PUBLISHED).values_list(
        "task__unit_id", "result__code", "result__name", "visited_on", "no"
    )
    found: list[dict[str, Json]] = [
        {"id": unit_id, "code": code, "wording": name, "date": day.isoformat(), "visit": no}
        for unit_id, code, name, day, no in rows
    ]
    withdrawn = draw.tasks.filter(state=Task.State.WITHDRAWN).values_list("unit_id", "withdrawn_reason")
    found += [{"id": unit_id, "code": "withdrawn", "reason": reason} for unit_id, reason in withdrawn]
    ordered = sorted(found, key=lambda one: str(one["id"]))
    return [*ordered]


def abandon_approver(draw: Draw) -> str:
    """Who approved, as the public may read it: the office and the post, not the person."""
    return f"{draw.plan.office.name} 负责人"


def log_acts(draw: Draw, told: Mapping[str, Json]) -> dict[str, Json] | None:
    """The entries of the public log on the sections that are told or withheld, with their proofs against the log's
    present head.

    Of sections that grow (`changes`, `results`) the latest entry stands for them.
    """
    head = log.head()
    entries = LogEntry.objects.filter(subject=f"draw:{draw.no}", index__lt=head.size).order_by("index")
    held = told.get("withheld")
    shown = {*told, *(held if isinstance(held, Mapping) else ())}
    found: dict[str, tuple[int, Json]] = {}
    for entry in entries:
        index = entry.index or 0
        body = json.loads(entry.body)
        proof = [node.hex() for node in log.inclusion(index, head.size)]
        for act in ACTS.get(entry.kind, ()):
            if act in shown and act in body["data"]:
                found[act] = (index, {"act": act, "index": index, "entry": body, "proof": proof})
    if not found:
        return None
    acts: list[Json] = [one for _index, one in sorted(found.values(), key=itemgetter(0))]
    return {"origin": log.origin(), "size": head.size, "root": head.root.hex(), "acts": acts}


#: Kind of a log entry → the sections of the bundle whose digests it names, as `engine.log_act` has it.
ACTS: Mapping[str, tuple[str, ...]] = {
    "draw.announce": ("announce",),
    "draw.execute": ("execute", "selection"),
    "draw.close_list": ("assign_announce",),
    "draw.assign": ("assign",),
    "draw.open": ("open",),
    "team.replace": ("changes",),
    "draw.results": ("results",),
    "draw.abandon": ("abandon",),
}
