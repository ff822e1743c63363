"""Deliveries: the outbox. A message is written down with its notice, goes out after the commit, and never twice.

Before it leaves, its row says SENDING, and that is committed. A process that dies after this leaves a row of which nobody knows
whether the message arrived: where the receiver drops second copies it is sent again, elsewhere it is given up.
"""

import datetime
from collections.abc import Callable, Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk import channels
from zhunsheng.web.desk.models import Delivery, Notice, Preference, Route
from zhunsheng.web.desk.policy import may_keep_running
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record

State = Delivery.State
WAITING = (State.QUEUED, State.FAILED)
#: after each failed attempt; then the message is given up. All attempts lie within the time for which 政务微信 knows a copy.
PAUSES = tuple(datetime.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120))
#: no attempt takes so long: who still says SENDING then was interrupted
INTERRUPTED = datetime.timedelta(minutes=10)
#: how many go out in one run
BATCH = 500

_wake: "Callable[[], object] | None" = None


def wake_with(wake: "Callable[[], object]") -> None:
    """The room's tasks, which stand above, say here how the worker is told that something waits."""
    global _wake
    _wake = wake


def queue(notices: Iterable[Notice], *, at: datetime.datetime) -> list[Delivery]:
    """Writes down by which channels these new notices go out, and wakes the worker on commit. Quiet hours put it off.

    A notice that its user wants in the digest, or not at all, gets no delivery.
    """
    ways = channels.ready()
    fresh = list(notices)
    if not ways or not fresh:
        return []
    users = {notice.user_id for notice in fresh}
    preferences = {one.user_id: one for one in Preference.objects.filter(user__in=users)}
    chosen: dict[int, dict[tuple[str, str], str]] = {}
    for route in Route.objects.filter(user__in=users):
        chosen.setdefault(route.user_id, {})[route.kind, route.channel] = route.how
    waiting = []
    for notice in fresh:
        preference = preferences.get(notice.user_id) or Preference(user=notice.user)
        for code, channel in ways.items():
            how = channels.how(notice.kind, code, chosen.get(notice.user_id, {}))
            if how == Route.How.AT_ONCE and channel.address(notice.user, preference):
                when = channels.wait_until(preference, notice.kind, timezone.localtime(at))
                waiting.append(Delivery(notice=notice, channel=code, queued_at=at, next_at=when))
    made = Delivery.objects.bulk_create(waiting, batch_size=1000)
    if made and _wake is not None:
        transaction.on_commit(_wake, robust=True)
    return made


def deliver(at: datetime.datetime) -> int:
    """Sends what is due, at most BATCH messages, and returns how many went out. Two at once share the work, and send
    nothing twice. Not to be called inside a transaction: each step is committed before the next."""
    _settle_interrupted(at)
    due = Delivery.objects.filter(state__in=WAITING, next_at__lte=at)
    keys = list(due.order_by("next_at", "pk").values_list("pk", flat=True)[:BATCH])
    ways = {code: channel() for code, channel in channels.ready().items()}
    try:
        return sum(_send(key, ways, at) for key in keys)
    finally:
        for way in ways.values():
            way.close()


def resend(delivery: Delivery, *, by: User, at: datetime.datetime) -> Delivery:
    """Puts a failed or abandoned message back into the queue: a person has decided that it may go out (again)."""
    if not may_keep_running(by):
        raise NotAllowed(_("重发消息由系统管理员办理。"))
    with transaction.atomic():
        changed = Delivery.objects.filter(pk=delivery.pk, state__in=(State.FAILED, State.GIVEN_UP)).update(
            state=State.QUEUED, attempts=0, next_at=at, claimed_at=None, error=""
        )
        delivery.refresh_from_db()
        if not changed:
            if delivery.state == State.QUEUED:
                return delivery
            raise Refused(_("只有失败或已放弃的消息可以重发。"))
        record("delivery.resend", "delivery", delivery.pk, by=by, at=at, changes={"channel": delivery.channel})
        if _wake is not None:
            transaction.on_commit(_wake, robust=True)
    return delivery


def _settle_interrupted(at: datetime.datetime) -> None:
    """Rows left SENDING by a process that died: again where a second copy does no harm, else given up."""
    lost = Delivery.objects.filter(state=State.SENDING, claimed_at__lt=at - INTERRUPTED)
    repeatable = [code for code, channel in channels.CHANNELS.items() if channel.repeatable]
    lost.filter(channel__in=repeatable).update(state=State.FAILED, next_at=at, error="interrupted")
    lost.exclude(channel__in=repeatable).update(state=State.GIVEN_UP, next_at=None, error="interrupted")


def _send(key: int, ways: "dict[str, channels.Channel]", at: datetime.datetime) -> int:
    waiting = Delivery.objects.filter(pk=key, state__in=WAITING, next_at__lte=at)
    delivery = waiting.select_related("notice__user__preference").first()
    if delivery is None:
        return 0  # another process has it, or had it
    notice, user = delivery.notice, delivery.notice.user
    preference = getattr(user, "preference", None) or Preference(user=user)
    when = channels.wait_until(preference, notice.kind, timezone.localtime(at))
    mine = Delivery.objects.filter(pk=key, state=delivery.state, attempts=delivery.attempts)
    if when > at:
        mine.update(next_at=when)
        return 0
    way = ways.get(delivery.channel)
    to = way.address(user, preference) if way is not None else ""
    if way is None or not to or not user.is_active:
        mine.update(state=State.GIVEN_UP, next_at=None, error="no address")
        return 0
    # The claim: whoever changes the row sends the message.
    if not mine.update(state=State.SENDING, claimed_at=at, attempts=F("attempts") + 1):
        return 0
    outcome = way.send(_message(delivery, to))
    claimed = Delivery.objects.filter(pk=key, state=State.SENDING, claimed_at=at)
    if isinstance(outcome, channels.Sent):
        claimed.update(state=State.SENT, sent_at=at, next_at=None, error="")
        return 1
    tried = delivery.attempts + 1
    if outcome.final or (outcome.unsure and not way.repeatable) or tried > len(PAUSES):
        claimed.update(state=State.GIVEN_UP, next_at=None, error=outcome.reason[:300])
    else:
        claimed.update(state=State.FAILED, next_at=at + PAUSES[tried - 1], error=outcome.reason[:300])
    return 0


def _message(delivery: Delivery, to: str) -> channels.Message:
    notice = delivery.notice
    digest = getattr(notice, "digest", None) if notice.kind == Notice.Kind.DIGEST else None
    count = max(1, digest.overdue + digest.today + digest.week + digest.notices) if digest else 1
    # The receiver's language is not known outside a page; what passes through a carrier is Chinese.
    with translation.override("zh-hans"):
        kind = str(notice.get_kind_display())
        plain = ngettext(
            "您有 %(n)s 件事项待看（%(kind)s），请登录准绳办理。",
            "您有 %(n)s 件事项待看（%(kind)s），请登录准绳办理。",
            count,
        ) % {"n": count, "kind": kind}
    return channels.Message(
        # The same on every attempt, another in every installation; tells nothing.
        key=salted_hmac("zhunsheng.desk.delivery", str(delivery.pk), algorithm="sha256").hexdigest()[:32],
        to=to,
        text=notice.text,
        text_en=notice.text_en,
        plain=plain,
        kind=kind,
        count=count,
        url=f"{settings.SITE_URL}{notice.url or '/desk/notices/'}",
    )
