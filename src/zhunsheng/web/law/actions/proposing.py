"""A change is proposed: whole, checked, and not yet law."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import clock, tables
from zhunsheng.engine.clock import CHINA
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.law import policy, queries
from zhunsheng.web.law.actions import checking
from zhunsheng.web.law.models import Change
from zhunsheng.web.people.models import Post, User
from zhunsheng.web.people.queries import in_force_post, main_office
from zhunsheng.web.public_log.actions import record

KINDS = {"放假": "holiday", "holiday": "holiday", "补班": "makeup_workday", "makeup_workday": "makeup_workday"}


def propose_row(
    table: str,
    key: Sequence[str],
    cells: Mapping[str, str] | None,
    *,
    source: str,
    confidence: str,
    valid_from: datetime.date,
    valid_to: datetime.date | None = None,
    reason: str,
    past_reason: str = "",
    by: User,
    at: datetime.datetime,
) -> Change:
    """Proposes that the row with this key says `cells` from a day on, or that it ends (`cells` None). The row in force then
    ends the day before; nothing is rewritten. Raises Refused naming the cells that do not fit."""
    _may(by)
    if not queries.changeable(table) or queries.is_procedure(table):
        raise Refused(_("这张表不在这里修改"))
    loaded = tables.load(table)
    return _proposed(
        Change(
            kind=Change.Kind.END if cells is None else Change.Kind.ROW,
            table=table,
            key=list(key),
            new={column: (cells.get(column) or "").strip() for column in dict.fromkeys([*tables.columns(loaded), *cells])}
            if cells is not None else {},
            source=source.strip(), confidence=confidence, valid_from=valid_from, valid_to=valid_to,
            reason=reason.strip(), past_reason=past_reason.strip(),
        ),
        by=by, at=at,
    )  # fmt: skip


def propose_element(
    table: str,
    kind: str,
    code: str,
    cells: Mapping[str, Any],
    *,
    organ: str = "",
    source: str,
    confidence: str,
    valid_from: datetime.date,
    applies_to_open: bool,
    reason: str,
    by: User,
    at: datetime.datetime,
) -> Change:
    """Proposes a new version of a procedure from a day on, in which one limit, step or publication reads otherwise.

    `cells`: the keys that change, as the file writes them. Raises Refused for what the static checks of procedures find.
    """
    _may(by)
    if not queries.changeable(table) or not queries.is_procedure(table):
        raise Refused(_("这张表不在这里修改"))
    return _proposed(
        Change(
            kind=Change.Kind.ELEMENT,
            table=table,
            key=[kind, code, organ],
            new=dict(cells),
            source=source.strip(), confidence=confidence, valid_from=valid_from,
            applies_to_open=applies_to_open, reason=reason.strip(),
        ),
        by=by, at=at,
    )  # fmt: skip


def propose_calendar(
    year: int,
    days: Iterable[Mapping[str, str]],
    *,
    source: str,
    confidence: str,
    reason: str,
    by: User,
    at: datetime.datetime,
) -> Change:
    """Proposes the holidays and make-up workdays of a year, as the State Council's notice names them: the columns date,
    kind (放假, 补班), name and name_en. Raises Refused naming the line."""
    _may(by)
    name = f"working_days/{year}"
    if name in tables.names():
        raise Refused(_("%(year)s 年的放假安排已经载入；请在那张表上逐日修改") % {"year": year})
    rows = [_day(number, cells, year) for number, cells in enumerate(days, 2)]
    if not rows:
        raise Refused(_("没有日期：每行一天，列为 date、kind、name、name_en"), field="days")
    return _proposed(
        Change(
            kind=Change.Kind.TABLE,
            table=name,
            new={"title": f"{year}年节假日安排", "title_en": f"Holidays of {year}", "rows": rows},
            source=source.strip(), confidence=confidence, valid_from=at.astimezone(CHINA).date(), reason=reason.strip(),
        ),
        by=by, at=at,
    )  # fmt: skip


def _day(number: int, cells: Mapping[str, str], year: int) -> dict[str, str]:
    def refuse(why: str) -> Refused:
        return Refused(_("第 %(line)s 行：%(why)s") % {"line": number, "why": why}, field="days")

    text, kind, label = (str(cells.get(key) or "").strip() for key in ("date", "kind", "name"))
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise refuse(_("日期“%(text)s”应写成 YYYY-MM-DD") % {"text": text[:40]}) from None
    if day.year != year and (day.year, day.month) != (year - 1, 12):
        raise refuse(_("%(day)s 不在 %(year)s 年，也不在上一年 12 月") % {"day": text, "year": year})
    if kind not in KINDS:
        raise refuse(_("种类“%(text)s”应为“放假”或者“补班”") % {"text": kind[:40]})
    if not label:
        raise refuse(_("没有写节日名称"))
    known = clock.default_calendar().day(day)
    if not known.provisional and known.reason.code in ("clock.day.makeup", "clock.day.holiday"):
        raise refuse(_("%(day)s 已由另一份通知规定") % {"day": text})
    english = str(cells.get("name_en") or "").strip() or label
    return {"date": day.isoformat(), "kind": KINDS[kind], "name": label[:60], "name_en": english[:60]}


def _may(by: User) -> None:
    if not policy.may_propose(by):
        raise NotAllowed(_("规则的修改由成员单位经办、审核人、部门负责人、质强办或者领导小组领导提出"))


def _proposed(change: Change, *, by: User, at: datetime.datetime) -> Change:
    change.proposed_by, change.proposed_at, change.office = by, at, main_office(by)
    change.old = queries.before(change)
    waiting = queries.changing(change.table, change.key)
    if waiting is not None:
        raise Refused(_("%(no)s 也是对这一行的修改，还没有决定；请先撤回或者等它决定") % {"no": waiting.no})
    change.no = "?"
    checking.stands(change, at.astimezone(CHINA).date())
    try:
        with transaction.atomic():
            change.no = _next_no(at.astimezone(CHINA).year)
            change.save()
            record(
                "law.propose", "law_change", change.no, by=by, at=at, rule=change.table, reason=change.reason,
                changes={column: [old, new] for column, old, new in queries.differences(change)},
            )  # fmt: skip
            transaction.on_commit(lambda: _tell(change, at))
    except IntegrityError:
        raise Refused(_("同时有另一项修改提交，编号冲突；请再提交一次")) from None
    return change


def _next_no(year: int) -> str:
    last = Change.objects.filter(no__startswith=f"LAW-{year}-").order_by("-pk").first()
    return f"LAW-{year}-{int(last.no.rpartition('-')[2]) + 1 if last else 1:04d}"


def _tell(change: Change, at: datetime.datetime) -> None:
    """Those who may decide know that something waits."""
    day = at.astimezone(CHINA).date()
    roles = queries.owner(change.table, day).list("decides")
    posts = (
        Post.objects.filter(in_force_post(day), role__in=roles).exclude(user=change.proposed_by).select_related("user")
    )
    text = format_lazy(gettext_lazy("规则修改 {no} 待批准：{title}"), no=change.no, title=queries.title(change.table))
    notify([post.user for post in posts], text, change.get_absolute_url(), at=at)
