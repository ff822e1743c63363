"""A second person decides; an approved change is law for every process from then on, from its first day."""

import datetime
import logging

from django.db import IntegrityError, transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import tables
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.web.common import law
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.inspection import actions as inspection
from zhunsheng.web.law import policy, queries
from zhunsheng.web.law.actions import checking
from zhunsheng.web.law.models import Change
from zhunsheng.web.matters import actions as matters
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record

_log = logging.getLogger(__name__)


def decide(change: Change, *, approve: bool, reason: str = "", by: User, at: datetime.datetime) -> Change:
    """Approves or refuses a proposed change. The proposer never decides. Approval checks it again against the law as it
    stands by now, and it is law for every process with this transaction. The same decision again changes nothing.

    Raises NotAllowed, or Refused where it does not fit any more, its first day is past, or a refusal has no reason.
    """
    today = at.astimezone(CHINA).date()
    try:
        with transaction.atomic():
            change = Change.objects.select_for_update().get(pk=change.pk)
            wanted = Change.State.APPROVED if approve else Change.State.REFUSED
            if change.state == wanted and change.decided_by_id == by.pk:
                return change
            _open(change)
            if not policy.may_decide(by, change, today):
                raise NotAllowed(_("规则的修改由提出人以外、有权批准这项规则的人决定"))
            if not approve and not reason.strip():
                raise Refused(_("不批准须写明理由"), field="reason")
            change.decided_by, change.decided_at, change.decision = by, at, reason.strip()[:500]
            if approve:
                _approve(change, by=by, at=at, today=today)
            else:
                change.state = Change.State.REFUSED
                change.save()
                record("law.refuse", "law_change", change.no, by=by, at=at, rule=change.table, reason=change.decision)
            transaction.on_commit(lambda: _after(change, at))
    except IntegrityError:
        raise Refused(_("同时有另一项修改获得批准；请刷新页面，按最新的规则再看一遍")) from None
    return change


def withdraw(change: Change, *, by: User, at: datetime.datetime) -> Change:
    """The proposer takes the proposal back. Again changes nothing."""
    with transaction.atomic():
        change = Change.objects.select_for_update().get(pk=change.pk)
        if not policy.may_withdraw(by, change):
            raise NotAllowed(_("只有提出人可以撤回"))
        if change.state == Change.State.WITHDRAWN:
            return change
        _open(change)
        change.state, change.decided_at = Change.State.WITHDRAWN, at
        change.save()
        record("law.withdraw", "law_change", change.no, by=by, at=at, rule=change.table)
    return change


def take_effect(change: Change, *, at: datetime.datetime) -> int:
    """Counts anew what is open, once an approved change is in force: the stored last days follow the law. Returns how many
    moved. Again changes nothing."""
    if change.recounted_at is not None or change.edition is None:
        return 0
    assert change.valid_from is not None
    if change.valid_from > at.astimezone(CHINA).date():
        return 0
    moved = 0
    with tables.under(law.follow(now=True)):
        if queries.is_procedure(change.table) or change.table.startswith(queries.CALENDARS):
            for matter in queries.touched_matters(change).order_by("pk"):
                try:
                    moved += matters.recount(matter, at=at)
                except ZhunshengError as problem:  # its own page shows that its steps do not replay; the others go on
                    _log.error("matter %s was not counted anew after %s: %s", matter.no, change.no, problem)
        if change.table.startswith((queries.CALENDARS, *queries.LIMITS)):
            moved += inspection.recount(by=None, at=at)
    Change.objects.filter(pk=change.pk).update(recounted_at=at)
    change.recounted_at = at
    return moved


def _open(change: Change) -> None:
    if change.state != Change.State.PROPOSED:
        raise Refused(_("这项修改已经处理：%(state)s") % {"state": change.get_state_display()})


def _approve(change: Change, *, by: User, at: datetime.datetime, today: datetime.date) -> None:
    # The last approved change is held, so that two approvals follow each other and each sees the law of the other.
    last = Change.objects.select_for_update().filter(edition__isnull=False).order_by("-edition").first()
    known = queries.overlay()
    with tables.under(known):
        checking.stands(change, today)
        change.foreseen = queries.preview(change, today).counts
        # Recorded before the edition is taken: from then on every act under the law before it is refused.
        record(
            "law.approve", "law_change", change.no, by=by, at=at, rule=change.table, reason=change.decision or change.reason,
            changes={column: [old, new] for column, old, new in queries.differences(change)}, public=checking.public(change),
        )  # fmt: skip
    change.state = Change.State.APPROVED
    change.edition = (last.edition or 0) + 1 if last else 1
    change.save()


def _after(change: Change, at: datetime.datetime) -> None:
    law.follow(now=True)
    text = format_lazy(gettext_lazy("规则修改 {no}：{state}"), no=change.no, state=Change.State(change.state).label)
    notify([change.proposed_by], text, change.get_absolute_url(), at=at)
    if (
        change.edition is not None
        and change.valid_from is not None
        and change.valid_from <= at.astimezone(CHINA).date()
    ):
        take_effect(change, at=at)
