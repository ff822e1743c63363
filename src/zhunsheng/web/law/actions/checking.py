"""What stands against a change: asked when it is proposed, and again when it is approved, for the law moves on meanwhile."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhunsheng.engine import clock, columns, procedure, tables
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.public_log import refuse_personal
from zhunsheng.engine.tables import Row, Table
from zhunsheng.web.common.errors import Refused, language, say
from zhunsheng.web.law import queries
from zhunsheng.web.law.models import Change

REASON, SOURCE = 1000, 300
#: what reads the tables of a folder whole, and so refuses what generic checks cannot know
READERS: "dict[str, Callable[[], object]]" = {"time_limits/": clock.limits, "working_days/": clock.default_calendar}


def stands(change: Change, today: datetime.date) -> None:
    """Raises Refused with every sentence against the change, each at its field."""
    if not queries.changeable(change.table) and change.kind != Change.Kind.TABLE:
        raise Refused(_("这张表不在这里修改"))
    fields = _words(change)
    if change.kind == Change.Kind.ELEMENT:
        fields |= _element_day(change, today)
    elif change.kind != Change.Kind.TABLE:
        fields |= _row(change, today)
    if change.pk is not None and change.old != queries.before(change):
        raise Refused(_("提出以后，现行的规则又有变化；请撤回，按现在的规则重新提出"))
    if fields:
        raise Refused(next(iter(fields.values())), fields=fields)
    try:
        refuse_personal(public(change))
        _sound(change)
    except ZhunshengError as problem:
        raise Refused(say(problem)) from problem


def public(change: Change) -> dict[str, Any]:
    """What the public log says of an approved change."""
    assert change.valid_from is not None
    return {
        "no": change.no, "table": change.table, "kind": change.kind, "key": change.key, "old": change.old, "new": _plain(change.new),
        "source": change.source, "confidence": change.confidence, "valid_from": change.valid_from.isoformat(),
        "valid_to": change.valid_to.isoformat() if change.valid_to else "", "applies_to_open": change.applies_to_open,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value


def _words(change: Change) -> "dict[str, str | Promise]":
    found: dict[str, str | Promise] = {}
    if not change.source.strip():
        found["source"] = _("请写明依据：文件名称、文号和条款")
    elif len(change.source) > SOURCE:
        found["source"] = _("依据最多 %(n)s 字") % {"n": SOURCE}
    if change.confidence not in tables.CONFIDENCES:
        found["confidence"] = _("请选择依据的可靠程度")
    if not change.reason.strip():
        found["reason"] = _("请写明修改的理由")
    elif len(change.reason) > REASON:
        found["reason"] = _("理由最多 %(n)s 字") % {"n": REASON}
    return found


def _row(change: Change, today: datetime.date) -> "dict[str, str | Promise]":
    first, last = change.valid_from, change.valid_to
    assert first is not None
    table = tables.load(change.table)
    same = queries.same_key(table, change.key)
    now = next((row for row in same if row.valid_on(first)), None)
    found: dict[str, str | Promise] = {}
    if first <= today and not change.past_reason.strip():
        found["past_reason"] = _("生效日期不在今天之后：请说明为何从过去的日期起修改，已经按原规则办理的怎么办")
    if now is not None and now.valid_from == first and (not now.change or first <= today):
        found["valid_from"] = _("现有的一行正是 %(day)s 开始生效；同日修改等于改写它，请改用以后的日期") % {
            "day": first.isoformat()
        }
    if last is not None and last < first:
        found["valid_to"] = _("失效日期 %(end)s 早于生效日期 %(start)s") % {
            "end": last.isoformat(),
            "start": first.isoformat(),
        }
    ahead = min((row.valid_from for row in same if row.valid_from and row.valid_from > first), default=None)
    if last is not None and ahead is not None and last >= ahead:
        found["valid_to"] = _("与 %(day)s 起生效的一行重叠；请填 %(last)s 或者更早，或者留空") % {
            "day": ahead.isoformat(), "last": (ahead - datetime.timedelta(days=1)).isoformat(),
        }  # fmt: skip
    if change.kind == Change.Kind.END:
        if now is None:
            found["valid_from"] = _("%(day)s 没有有效的行，无从失效") % {"day": first.isoformat()}
        return found
    return found | _cells(change, table, now)


def _cells(change: Change, table: Table, now: Row | None) -> "dict[str, str | Promise]":
    found: dict[str, str | Promise] = {}
    cells = {str(column): str(value) for column, value in change.new.items()}
    for column, reason in columns.misfits(table, cells):
        found[f"cell_{column}"] = reason.text(language())
    if tuple(cells.get(column, "") for column in table.key) != tuple(change.key):
        found[f"cell_{table.key[0]}"] = _("关键列不能修改；请另外新增一行")
    if not found and now is not None and change.valid_to == now.valid_to:
        same = all(now.get(column, "") == value for column, value in cells.items())
        if same and (now.source, now.confidence) == (change.source, change.confidence):
            raise Refused(_("与现有的一行完全相同，没有修改"))
    return found


def _element_day(change: Change, today: datetime.date) -> "dict[str, str | Promise]":
    assert change.valid_from is not None
    kind, code, organ = change.key
    if change.valid_from <= today:
        # The steps already taken that day would be judged by a rule that nobody could know.
        return {"valid_from": _("程序的修改最早从明天起生效")}
    base = queries.procedure_on(change.table.removeprefix("procedures/"), change.valid_from, organ)
    found = queries.element(base, kind, code) if base else None
    if found is None:
        return {
            "valid_from": _("%(day)s 没有有效的版本，或者版本中没有这一项") % {"day": change.valid_from.isoformat()}
        }
    written = found.written
    told = (written.get("source") or found.thing.source, written.get("confidence") or found.thing.confidence)
    if told == (change.source, change.confidence) and all(
        written.get(key, "" if isinstance(value, str) else []) == value for key, value in change.new.items()
    ):
        raise Refused(_("与现行版本完全相同，没有修改"))
    return {}


def _sound(change: Change) -> None:
    """The law with this change is sound. Raises ZhunshengError for what does not fit, Refused for what is not sound."""
    proposed = queries.overlay_with(change)
    with tables.under(proposed):
        if change.kind == Change.Kind.ELEMENT:
            code = change.table.removeprefix("procedures/")
            reasons = procedure.problems(tables.read_document(change.table), code)
        else:
            reasons = tables.check(change.table)
            for folder, read in READERS.items():
                if not reasons and change.table.startswith(folder):
                    read()
    if reasons:
        raise Refused("；".join(reason.text(language()) for reason in reasons[:5]))
