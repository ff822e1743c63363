"""Bulk runs: planned, confirmed, then done row by row. A run that was stopped goes on where it stopped; no row is done twice."""

import datetime
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.web.common.errors import NotAllowed, Refused, say
from zhunsheng.web.desk.actions.notices import notify
from zhunsheng.web.desk.bulk import MOST, Bulk, Values, find_bulk
from zhunsheng.web.desk.models import BulkRow, BulkRun
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record

State, Row = BulkRun.State, BulkRow.State
#: so many rows are done while the user waits; more go to the worker
AT_ONCE = 100

_wake: "Callable[[], object] | None" = None


def wake_bulk_with(wake: "Callable[[], object]") -> None:
    """The room's tasks, which stand above, say here how the worker is told that a run was confirmed."""
    global _wake
    _wake = wake


def plan(bulk: Bulk, rows: QuerySet[Any], *, back: str = "", by: User, at: datetime.datetime) -> BulkRun:
    """Rehearses `bulk` over `rows` and keeps what would happen to each. Changes none of them.

    Raises NotAllowed, and Refused for no row or more than MOST.
    """
    if not bulk.allowed(by):
        raise NotAllowed(_("您的岗位不能批量办理“%(what)s”。") % {"what": bulk.label})
    found = list(rows[: MOST + 1])
    if not found:
        raise Refused(_("没有选中记录。请先勾选，或选择本筛选下的全部记录。"))
    if len(found) > MOST:
        raise Refused(_("一次最多办理 %(n)s 条，请缩小筛选范围。") % {"n": MOST})
    with transaction.atomic():
        run = BulkRun.objects.create(kind=bulk.key, back=back[:500], created_by=by, created_at=at)
        BulkRow.objects.bulk_create([_planned(bulk, run, one, by) for one in found], batch_size=1000)
    return run


def confirm(run: BulkRun, values: Values, kept: "dict[str, Any]", *, by: User, at: datetime.datetime) -> BulkRun:
    """Starts a planned run: few rows are done at once, many by the worker. `values`: the form's cleaned data; `kept`: its
    data as text, from which the worker reads the same values. Confirmed again, it changes nothing.
    """
    bulk = _own(run, by)
    with transaction.atomic():
        run = BulkRun.objects.select_for_update().get(pk=run.pk)
        if run.state == State.DISCARDED:
            raise Refused(_("这一批已经放弃，请重新选择记录。"))
        if run.state != State.PLANNED:
            return run
        run.state, run.confirmed_at, run.values = State.RUNNING, at, kept
        run.save(update_fields=["state", "confirmed_at", "values"])
        record("bulk.confirm", "bulk_run", run.pk, by=by, at=at, changes={"kind": run.kind, "rows": run.rows.count()})
    if run.rows.filter(state=Row.PLANNED).count() <= AT_ONCE or _wake is None:
        _go_through(run, bulk, values, at)
    else:
        transaction.on_commit(_wake, robust=True)
    run.refresh_from_db()
    return run


def discard(run: BulkRun, *, by: User, at: datetime.datetime) -> BulkRun:
    """Gives up a run that is only planned."""
    _own(run, by)
    with transaction.atomic():
        run = BulkRun.objects.select_for_update().get(pk=run.pk)
        if run.state == State.DISCARDED:
            return run
        if run.state != State.PLANNED:
            raise Refused(_("这一批已经开始办理，不能放弃。"))
        run.state, run.finished_at = State.DISCARDED, at
        run.save(update_fields=["state", "finished_at"])
    return run


def go_on(at: datetime.datetime) -> int:
    """Goes on with every confirmed run that is not finished, and returns how many rows were done. Not inside a transaction."""
    done = 0
    for run in BulkRun.objects.filter(state=State.RUNNING).select_related("created_by").order_by("pk"):
        bulk = find_bulk(run.kind)
        if bulk is None:
            continue
        values: Values = {}
        if bulk.form is not None:
            form = bulk.form(run.values)
            if not form.is_valid():
                # What was chosen for all rows holds no more, for example a receiver who has left.
                said = " ".join(str(problem) for problems in form.errors.values() for problem in problems)
                run.rows.filter(state=Row.PLANNED).update(state=Row.FAILED, reason=said[:300])
            values = form.cleaned_data
        done += _go_through(run, bulk, values, at)
        # The one who started it is not waiting at the page any more.
        text = format_lazy(gettext_lazy("批量办理“{what}”已办完，请看结果。"), what=bulk.label)
        notify([run.created_by], text, reverse("desk:bulk_run", args=[run.pk]), at=at)
    return done


def _own(run: BulkRun, by: User) -> Bulk:
    bulk = find_bulk(run.kind)
    if run.created_by_id != by.pk or bulk is None or not bulk.allowed(by):
        raise NotAllowed(_("只能办理自己准备的批次，并且岗位要允许。"))
    return bulk


def _planned(bulk: Bulk, run: BulkRun, one: Any, by: User) -> BulkRow:
    reasons = bulk.check(one, by, {})
    return BulkRow(
        run=run, object_id=one.pk, title=bulk.title(one)[:200], url=bulk.url(one)[:300],
        state=Row.REFUSED if reasons else Row.PLANNED, reason=" ".join(reasons)[:300],
    )  # fmt: skip


def _go_through(run: BulkRun, bulk: Bulk, values: Values, at: datetime.datetime) -> int:
    keys = list(run.rows.filter(state=Row.PLANNED).values_list("pk", flat=True))
    done = sum(_do(key, bulk, run.created_by, values, at) for key in keys)
    BulkRun.objects.filter(pk=run.pk, state=State.RUNNING).update(state=State.FINISHED, finished_at=at)
    return done


def _do(key: int, bulk: Bulk, by: User, values: Values, at: datetime.datetime) -> int:
    """One row: the act and its note in one transaction. The lock makes two workers take different rows."""
    try:
        with transaction.atomic():
            row = BulkRow.objects.select_for_update().get(pk=key)
            if row.state != Row.PLANNED:
                return 0
            one = bulk.rows(by, QueryDict()).filter(pk=row.object_id).first()
            if one is None:
                raise Refused(_("记录已不在您能办理的范围内，可能已有人办过。"))
            if reasons := bulk.check(one, by, values):
                raise Refused(" ".join(reasons))
            bulk.do(one, by=by, at=at, values=values)
            row.state = Row.DONE
            row.save(update_fields=["state"])
    except (Refused, ZhunshengError) as problem:
        BulkRow.objects.filter(pk=key, state=Row.PLANNED).update(state=Row.FAILED, reason=say(problem)[:300])
        return 0
    return 1
