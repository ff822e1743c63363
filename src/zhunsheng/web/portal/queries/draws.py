"""Draws as the public checks them: what was promised, what chance said, who was drawn, and the commands to compute it again."""

import datetime
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhunsheng.engine import clock
from zhunsheng.engine import draw as engine
from zhunsheng.engine.draw.announce import Terms
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.public_log import Json
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import grouped, moment, named, percent
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import Draw, Task, TeamMember
from zhunsheng.web.inspection.queries.visits import PUBLISH_LIMIT
from zhunsheng.web.portal.queries.firms import address_code
from zhunsheng.web.public_log import queries as log
from zhunsheng.web.public_log.models import LogEntry

PAGE = 100
#: state → kind of tag
KINDS = {
    "announced": "info", "executed": "good", "list_closed": "good", "assigned": "good", "opened": "good", "abandoned": "warn",
}  # fmt: skip


def all_draws() -> QuerySet[Draw]:
    """Every draw that was ever announced. An announcement is a public act, and none of them can be taken off the list."""
    return Draw.objects.select_related("plan__office")


def find(no: str) -> Draw | None:
    return Draw.objects.select_related("plan__office", "rule_book").filter(no=no).first()


def years() -> list[int]:
    """The years in which draws were announced, the latest first."""
    return [day.year for day in Draw.objects.datetimes("announced_at", "year", order="DESC")]


def abandonment(year: int | None = None) -> inspection.Share:
    """Announced draws that were given up over all announced, of a year or of all years."""
    first, last = (year, year) if year else (1, 9999)
    return inspection.abandonment(datetime.date(first, 1, 1), datetime.date(last, 12, 31))


def current(shown: int = 6) -> list[Draw]:
    """Draws that wait for their randomness, the nearest first; then the latest of the others, given up or not."""
    waiting = list(all_draws().filter(state=Draw.State.ANNOUNCED).order_by("not_before"))
    return waiting + list(all_draws().exclude(state=Draw.State.ANNOUNCED).order_by("-announced_at", "-pk")[:shown])


def countdown(until: datetime.datetime, now: datetime.datetime) -> str:
    """How long until a moment, in words; '' when it has come."""
    minutes = int((until - now).total_seconds() // 60)
    if minutes < 0:
        return ""
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return ngettext("还有 %(d)s 天 %(h)s 小时", "还有 %(d)s 天 %(h)s 小时", days) % {"d": days, "h": hours}
    if hours:
        return ngettext("还有 %(h)s 小时 %(m)s 分", "还有 %(h)s 小时 %(m)s 分", hours) % {"h": hours, "m": minutes}
    return ngettext("还有 %(m)s 分钟", "还有 %(m)s 分钟", minutes) % {"m": minutes}


def next_step(draw: Draw, now: datetime.datetime) -> str:
    """What happens next with a draw, or what came of it: one sentence for the reader."""
    if draw.state == Draw.State.ANNOUNCED:
        if left := countdown(draw.not_before, now):
            return _("%(left)s 才能产生随机数。名录和数量已经锁定，此刻没有人能知道会抽中谁。") % {"left": left}
        return _("已到公告的最早抽取时间，等待当众产生随机数。逾期不抽的，须说明理由公开放弃。")
    if draw.state == Draw.State.ABANDONED:
        return _("已公开放弃：%(reason)s") % {"reason": draw.abandon_reason}
    return ngettext(
        "从 %(size)s 家中抽取 %(n)s 家，抽取结果可以重新计算。",
        "从 %(size)s 家中抽取 %(n)s 家，抽取结果可以重新计算。",
        draw.selected_count,
    ) % {"size": grouped(draw.frame_size), "n": grouped(draw.selected_count)}


# -- the announcement ------------------------------------------------------------------------------------------------
def terms(draw: Draw) -> Terms:
    return engine.read_terms(inspection.announcement(draw))


@dataclass(frozen=True, slots=True)
class StratumRow:
    """A stratum as announced. `share`: n/N, the exact probability of each of its units; None where N is 0."""

    key: str
    label: str
    size: int
    n: int
    capped: int
    share: Fraction | None


def strata(draw: Draw) -> list[StratumRow]:
    """The strata in the words of the page, with N, n, those out by the cap, and the probability n/N."""
    names = inspection.division_names()
    return [
        StratumRow(
            row["key"], inspection.stratum_label(draw.plan.stratify_by, row["key"], names), row["size"], row["n"],
            row.get("capped", 0), Fraction(row["n"], row["size"]) if row["size"] else None,
        )
        for row in draw.strata
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceRow:
    """An announced source of randomness; `value`, `at` and `evidence` are there once it has spoken."""

    id: str
    words: str
    value: str = ""
    at: datetime.datetime | None = None
    evidence: tuple[tuple[str, str], ...] = ()


def sources(draw: Draw) -> list[SourceRow]:
    """The announced sources in the order in which they enter the seed; those of the fallback where it was used."""
    announced = terms(draw).sources_used(draw.fallback)
    values = {value["source"]: inspection.read_value(value) for value in draw.values}
    found = []
    for source in announced:
        value = values.get(source.id)
        if value is None:
            found.append(SourceRow(source.id, source_words(source)))
        else:
            evidence = tuple(sorted((evidence_words(key), text) for key, text in value.evidence.items()))
            found.append(SourceRow(source.id, source_words(source), value.value, value.at, evidence))
    return found


def fallbacks(draw: Draw) -> list[tuple[int, list[str]]]:
    """(hours after the earliest moment, the sources that stand in then), as announced."""
    return [(one.after_hours, [source_words(source) for source in one.sources]) for one in terms(draw).fallback]


def source_words(source: engine.Source) -> str:
    said: Mapping[str, Any] = {"party": source.id.partition(":")[2], **source.terms}
    kind = source.kind
    if kind == "party":
        text = _("公开仪式：%(party)s 当众亮出的字符串") % said
        if "commitment" in said:
            text += _("（其承诺哈希已先公布）")
        return text
    if kind == "dice":
        return _("公开仪式：当众掷骰子 %(rolls)s 次") % {"rolls": said.get("rolls", 10)}
    if kind == "ssq":
        return _("双色球第 %(issue)s 期开奖号码") % said
    if kind == "dlt":
        return _("大乐透第 %(issue)s 期开奖号码") % said
    when = engine.round_time(source)
    return _("drand 公共随机信标第 %(round)s 轮（%(when)s 产生）") % {"round": said["round"], "when": moment(when)}


def evidence_words(key: str) -> str:
    known = {
        "signature": _("签名"), "url": _("出处"), "record": _("记录"), "witness": _("见证"),
        "notary": _("公证书"), "video": _("录像"),
    }  # fmt: skip
    return known.get(key, key)


# -- the frame -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit of the frame. `position` from 1; `rank` 0 where it was not computed or cannot be drawn.

    Its stratum is told by its probability (`share`, `odds`: n/N). The name of a stratum may be a class of risk, which is
    for internal use （国市监信发〔2022〕6号）, and no page says it beside a firm.
    """

    position: int
    id: str
    code: str
    share: str
    odds: str
    exclusion: str
    ticket: str
    rank: int
    drawn: bool
    withdrawn: str
    team: str


def _odds(draw: Draw) -> dict[str, tuple[str, str]]:
    """Stratum → the probability of each of its units, as a share and as n/N."""
    return {
        row["key"]: (percent(Fraction(row["n"], row["size"]), 2) if row["size"] else "", f"{row['n']}/{row['size']}")
        for row in draw.strata
    }


def _unit_row(
    row: "inspection.FrameRow", odds: Mapping[str, tuple[str, str]], rank: int = 0, team: str = ""
) -> UnitRow:
    leaf, task = row.leaf, row.task
    share, quotient = odds.get(leaf["stratum"], ("", ""))
    return UnitRow(
        row.position + 1, leaf["id"], address_code(leaf["id"]), share, quotient, leaf.get("exclusion", ""), row.ticket,
        rank or (_rank(task) if task else 0), task is not None, _withdrawn(task), team,
    )  # fmt: skip


def _stratum(task: Task) -> str:
    """The stratum of the first list that drew the unit."""
    return next((one.full_name for one in task.inclusions.all()), "")


def _rank(task: Task) -> int:
    return next((one.rank for one in task.inclusions.all()), 0)


def _withdrawn(task: Task | None) -> str:
    return task.withdrawn_reason if task is not None and task.state == Task.State.WITHDRAWN else ""


def frame_page(draw: Draw, page: int) -> tuple[list[UnitRow], int]:
    """One page (from 1) of the frame in the order in which it was frozen, and how many units it has."""
    rows, total = inspection.frame_page(draw, (page - 1) * PAGE, PAGE)
    odds = _odds(draw)
    return [_unit_row(row, odds) for row in rows], total


def find_unit(draw: Draw, text: str) -> UnitRow | None:
    """Where a unit stands in the frame, with the rank of its ticket in its stratum. `text`: its id, or its code alone."""
    unit_id = text if ":" in text else _id_with(draw, text)
    row = inspection.find_in_frame(draw, unit_id) if unit_id else None
    if row is None:
        return None
    team = _teams([row.task.pk]).get(row.task.pk, "") if row.task else ""
    return _unit_row(row, _odds(draw), inspection.rank_in_stratum(draw, row), team)


def _id_with(draw: Draw, code: str) -> str:
    """The id in the frame whose part after the scheme is `code`; '' where there is none."""
    form = re.compile(rb'"id":"([a-z][a-z0-9-]*:' + re.escape(code.encode()) + rb')"', re.IGNORECASE)
    for line in inspection.frame_lines(draw):
        if found := form.search(line):
            return found[1].decode()
    return ""


def drawn_page(draw: Draw, page: int) -> tuple[list[UnitRow], int]:
    """One page of the drawn units in the order of the selection, with their teams by number."""
    tasks, odds = draw.tasks.order_by("no").prefetch_related("inclusions"), _odds(draw)
    shown = list(tasks[(page - 1) * PAGE : page * PAGE])
    teams = _teams([task.pk for task in shown])
    rows = [
        UnitRow(
            0, task.unit_id, address_code(task.unit_id), *odds.get(_stratum(task), ("", "")), "", task.ticket, _rank(task),
            True, _withdrawn(task), teams.get(task.pk, ""),
        )
        for task in shown
    ]  # fmt: skip
    return rows, tasks.count()


def _teams(tasks: list[int]) -> dict[int, str]:
    """Task → the numbers of the inspectors, the lead first, once the result is published: nobody is told before who comes."""
    found: dict[int, list[str]] = {}
    rows = TeamMember.objects.filter(task__in=tasks, task__state__in=inspection.PUBLISHED, replaced_reason="").order_by(
        "task", "-lead", "pk"
    )
    for task, no in rows.values_list("task", "inspector__person_no"):
        found.setdefault(task, []).append(no)
    return {task: " ".join(numbers) for task, numbers in found.items()}


def leaves(draw: Draw) -> Iterator[bytes]:
    """The frame as it was hashed, one leaf a line."""
    for line in inspection.frame_lines(draw):
        yield line + b"\n"


# -- the check -------------------------------------------------------------------------------------------------------
def bundle_open(draw: Draw) -> bool:
    """Whether the bundle is published: in open mode, as soon as the draw is executed or given up."""
    return bool(draw.seed) or draw.state == Draw.State.ABANDONED


def bundle_mark(draw: Draw) -> str:
    """Changes whenever the bundle does: every act on a draw, and every result, is an entry of the log."""
    head = log.head()
    return f"{draw.announcement_hash[:16]}-{head.size}-{head.root.hex()[:16]}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One step that anyone can repeat in a shell: what it shows, the command, what must come out."""

    words: str
    command: str
    result: str


def recipes(draw: Draw, origin: str) -> list[Recipe]:
    """The check by hand, with the real values of this draw. `origin`: scheme and host of the page."""
    url = origin + reverse("portal:announcement", args=[draw.no])
    found = [
        Recipe(_("公告的哈希"), f"curl -s {shlex.quote(url)} | sha256sum", draw.announcement_hash),
    ]
    done = inspection.execution(draw)
    if done is None:
        return found
    found.append(
        Recipe(
            _("种子：公告哈希和各来源的值连起来取哈希"),
            f"printf '%s' {shlex.quote(done.seed_text)} | sha256sum",
            draw.seed,
        )
    )
    first = draw.tasks.order_by("no").first()
    if first is not None:
        text = f"{draw.seed}|target|{first.unit_id}"
        found.append(
            Recipe(
                _("一家企业的抽签号（这里是抽中名单的第一家；换成任何一家的代码都可以）"),
                f"printf '%s' {shlex.quote(text)} | sha256sum",
                first.ticket,
            )
        )
    return found


def log_entries(draw: Draw) -> list[LogEntry]:
    return list(LogEntry.objects.filter(subject=f"draw:{draw.no}").order_by("index"))


def load_by_inspector(draw: Draw) -> list[tuple[str, int]]:
    """(person number, visits) of the inspectors who go, as they stand now."""
    found: dict[str, int] = {}
    rows = TeamMember.objects.filter(task__draw=draw, replaced_reason="").values_list("inspector__person_no", flat=True)
    for no in rows:
        found[no] = found.get(no, 0) + 1
    return sorted(found.items())


def withdrawn(draw: Draw) -> list[tuple[str, str]]:
    """(unit id, reason) of drawn units that will not be inspected: public, for nobody is dropped in silence."""
    return list(draw.tasks.filter(state=Task.State.WITHDRAWN).order_by("no").values_list("unit_id", "withdrawn_reason"))


def timeline(draw: Draw) -> list[dict[str, Any]]:
    """The life of a draw for the page's timeline, what is still to come included."""
    now = timezone.now()
    events: list[dict[str, Any]] = [
        {"at": draw.announced_at, "title": _("公告"), "text": _("名录、数量和随机数来源已锁定"), "kind": "good"}
    ]
    if draw.state == Draw.State.ANNOUNCED:
        events.append({
            "at": draw.not_before, "title": _("最早抽取时间"), "text": countdown(draw.not_before, now),
            "when": "ahead" if draw.not_before > now else "now",
        })  # fmt: skip
    if draw.executed_at:
        text = _("见证：%(who)s") % {"who": draw.witnesses} if draw.witnesses else ""
        events.append({"at": draw.executed_at, "title": _("产生随机数并抽取"), "text": text, "kind": "good"})
    if draw.assigned_at:
        events.append({"at": draw.assigned_at, "title": _("随机派员"), "kind": "good"})
    if draw.executed_at:
        ended = draw.plan.ends_on < timezone.localdate()
        events.append({
            "at": draw.plan.ends_on, "title": _("检查截止"), "text": publish_limit(draw.plan.ends_on),
            "when": "" if ended else "ahead",
        })  # fmt: skip
    if draw.abandoned_at:
        events.append({"at": draw.abandoned_at, "title": _("公开放弃"), "text": draw.abandon_reason, "kind": "warn"})
    return events


def publish_limit(day: datetime.date) -> str:
    """Within how long a result of that day is published, under the rule of that day; '' where there was none."""
    try:
        limit = clock.limit(PUBLISH_LIMIT, day)
    except ZhunshengError:
        return ""
    return _("检查结果在 %(n)s %(unit)s内公示") % {"n": limit.amount, "unit": limit.unit.label(language())}


def item_names(draw: Draw) -> list[tuple[str, str]]:
    """(code, name) of the items that the draw is for."""
    return [(item.code, named(item)) for item in draw.plan.items.order_by("code")]


def said(draw: Draw) -> dict[str, Json]:
    """The announcement as an object."""
    return inspection.announcement(draw)
