"""One firm in one draw, and the list of a draw page by page. Of a sealed draw, before its opening, only who is on the list.

The strata of a draw may be classes of credit risk, which are for internal use （国市监信发〔2022〕6号）: no page says one
beside a firm. What is said is its probability, in figures.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from zhunsheng.engine import draw as engine
from zhunsheng.engine.public_log import Json, canonical
from zhunsheng.web.common.templatetags.zs import named, state_tag
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import Draw, Inclusion, Task, TeamMember
from zhunsheng.web.portal.queries.draws import odds_words, terms
from zhunsheng.web.portal.queries.firms import address_code

PAGE = 100


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """How a firm stands in one list. ticket, rank and last (the cut-off) are there once the seed is; rank 0: cannot be drawn."""

    office: str
    share: str
    odds: str
    exclusion: str
    ticket: str
    rank: int
    size: int
    n: int
    last: str
    drawn: bool
    unequal: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """A firm that is on the list. `places` is empty as long as the draw is sealed, whether it was drawn or not."""

    id: str
    code: str
    places: tuple[PlaceRow, ...] = ()
    withdrawn: str = ""
    team: str = ""

    @property
    def drawn(self) -> bool:
        return any(place.drawn for place in self.places)


def find_unit(draw: Draw, text: str) -> Unit | None:
    """A firm on the list of a draw, by its id or its code alone; None where it is not on it."""
    lines = inspection.frame_lines(draw)
    unit_id = _id_in(lines, text)
    if not unit_id:
        return None
    if draw.secret:
        return Unit(unit_id, address_code(unit_id))
    said = terms(draw)
    found = engine.standings(lines, said, draw.seed, unit_id, _key(draw)) or ()
    task = Task.objects.filter(draw=draw, unit_id=unit_id).first() if draw.seed else None
    offices = {one.name: named(one.office) if one.office else "" for one in inspection.lists(draw.plan)}
    return Unit(
        unit_id,
        address_code(unit_id),
        tuple(_place(one, offices if said.lists else {}, said.pareto) for one in found),
        withdrawn_words(task),
        _teams([task.pk]).get(task.pk, "") if task else "",
    )


def _place(one: engine.Standing, offices: Mapping[str, str], unequal: Sequence[str]) -> PlaceRow:
    share, odds = odds_words(one.probability)
    name = one.stratum.partition("/")[0] if offices else ""
    return PlaceRow(
        offices.get(name, name), share, odds if one.stratum in unequal else f"{one.n}/{one.size}", one.exclusion,
        one.ticket, one.rank, one.size, one.n, one.last, one.drawn, one.stratum in unequal,
    )  # fmt: skip


def progress_tag(task: Task) -> SafeString:
    """What has become of a drawn firm, as far as it is public."""
    if task.state == Task.State.WITHDRAWN:
        return state_tag("muted", _("已撤回"))
    if task.state in inspection.PUBLISHED:
        return state_tag("good", _("结果已公示"))
    return state_tag("info", _("抽中，结果尚未公示"))


def withdrawn_words(task: Task | None) -> str:
    return task.withdrawn_reason if task is not None and task.state == Task.State.WITHDRAWN else ""


def _key(draw: Draw) -> str:
    """K of a sealed draw, whose tickets are made with it."""
    return draw.sealing.key if draw.sealed else ""


def _id_in(lines: Sequence[bytes], text: str) -> str:
    """The id on the list that is `text`, or whose part after the scheme is; '' where there is none."""
    scheme = rb"" if ":" in text else rb"[a-z][a-z0-9-]*:"
    form = re.compile(rb'"id":"(' + scheme + re.escape(text.encode()) + rb')"', re.IGNORECASE)
    for line in lines:
        if found := form.search(line):
            return found[1].decode()
    return ""


def membership(draw: Draw, text: str) -> dict[str, Json] | None:
    """The proof that a firm stands on the list, once; None where it does not. In a sealed draw it tells no more than that."""
    unit_id = _id_in(inspection.frame_lines(draw), text)
    if not unit_id:
        return None
    lines = inspection.published_lines(draw)
    return engine.membership_of(inspection.announcement(draw), lines, unit_id, _key(draw))


def membership_bytes(proof: Mapping[str, Json]) -> bytes:
    """The proof as a file: canonical JSON."""
    return canonical(dict(proof))


# -- the list, page by page --------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class UnitRow:
    """A line of the list. `position` from 1; `rank` and `team` for drawn units."""

    position: int
    code: str
    odds: tuple[tuple[str, str], ...]
    exclusion: str
    ticket: str
    rank: str
    drawn: bool
    withdrawn: str
    team: str = ""


def frame_page(draw: Draw, page: int) -> tuple[list[UnitRow], int]:
    """One page (from 1) of the list in the order in which it was frozen, and how many units it has. Nothing of a sealed one."""
    if draw.secret:
        return [], 0
    rows, total = inspection.frame_page(draw, (page - 1) * PAGE, PAGE)
    said = terms(draw)
    return [
        UnitRow(
            row.position + 1, address_code(row.leaf["id"]), tuple(_odds_of(row, said)), row.exclusion, row.ticket,
            _ranks(row.task), row.task is not None, withdrawn_words(row.task),
        )
        for row in rows
    ], total  # fmt: skip


def _odds_of(row: "inspection.FrameRow", said: engine.Terms) -> Iterator[tuple[str, str]]:
    """(percentage, fraction) for each list that could draw the unit."""
    for stratum in row.strata:
        if stratum in row.exclusions:
            continue
        name, _sep, _rest = stratum.partition("/") if said.lists else ("", "", "")
        if stratum in said.pareto:
            yield odds_words(Fraction(row.leaf[f"{name}.lambda" if name else "lambda"], said.scale))
        elif size := said.sizes[stratum]:
            n = said.n[stratum]
            yield odds_words(Fraction(n, size))[0], f"{n}/{size}"


def _ranks(task: Task | None) -> str:
    return " ".join(str(one.rank) for one in task.inclusions.all()) if task else ""


def drawn_page(draw: Draw, page: int) -> tuple[list[UnitRow], int]:
    """One page of the drawn units in the order of the selection, with their teams by number."""
    if draw.secret:
        return [], 0
    tasks, total = inspection.drawn_page(draw, (page - 1) * PAGE, PAGE)
    teams, said = _teams([task.pk for task in tasks]), terms(draw)
    return [
        UnitRow(
            0, address_code(task.unit_id), tuple(_drawn_odds(one, said) for one in task.inclusions.all()), "",
            task.ticket, _ranks(task), True, withdrawn_words(task), teams.get(task.pk, ""),
        )
        for task in tasks
    ], total  # fmt: skip


def _drawn_odds(one: Inclusion, said: engine.Terms) -> tuple[str, str]:
    share, odds = odds_words(one.probability)
    return share, odds if one.full_name in said.pareto else f"{one.n}/{one.size}"


def _teams(tasks: list[int]) -> dict[int, str]:
    """Task → the numbers of the inspectors, the lead first, once the result is published: nobody is told before who comes."""
    found: dict[int, list[str]] = {}
    rows = TeamMember.objects.filter(task__in=tasks, task__state__in=inspection.PUBLISHED, replaced_reason="").order_by(
        "task", "-lead", "pk"
    )
    for task, no in rows.values_list("task", "inspector__person_no"):
        found.setdefault(task, []).append(no)
    return {task: " ".join(numbers) for task, numbers in found.items()}


def hashed_lines(draw: Draw) -> Iterator[bytes]:
    """The list as it was hashed, one unit a line: of a sealed draw the sealed lines, for ever."""
    for line in inspection.published_lines(draw):
        yield line + b"\n"


def opened_lines(draw: Draw) -> Iterator[bytes]:
    """The list of a sealed draw in the open, one unit a line; nothing before its opening."""
    if not draw.secret:
        for line in inspection.frame_lines(draw):
            yield line + b"\n"


# -- a firm over all draws -------------------------------------------------------------------------------------------
def of_entity(entity_id: int, shown: int = 20) -> list[Task]:
    """The draws that drew a firm, the latest first; those that are sealed and not opened are not among them."""
    tasks = inspection.told_tasks(Task.objects.filter(entity=entity_id)).select_related("draw__plan")
    return list(tasks.order_by("-draw__executed_at", "-pk")[:shown])


def latest(shown: int = 8) -> list[Draw]:
    """The draws that a firm may want to look itself up in."""
    draws = Draw.objects.select_related("plan").exclude(state=Draw.State.ABANDONED)
    return list(draws.only("no", "mode", "announced_at", "plan__name").order_by("-announced_at", "-pk")[:shown])
