"""每日摘要: on the morning of a working day, what is due, in one notice for each user. Nothing due, nothing sent."""

import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import ngettext

from zhunsheng.engine import clock
from zhunsheng.web.desk import channels, providers
from zhunsheng.web.desk.actions.notices import notify
from zhunsheng.web.desk.models import Digest, Notice, Route
from zhunsheng.web.desk.policy import may_sit
from zhunsheng.web.people.models import User

#: A digest looks so many working days ahead: on the eve of a long holiday that is past its end.
AHEAD = 5


def make_digests(at: datetime.datetime) -> int:
    """One digest for each user who has a desk and something due, on working days only. Returns how many were made.

    Called again for the same day, it makes those that are missing: each is a transaction of its own.
    """
    on = timezone.localtime(at).date()
    if not clock.default_calendar().is_working(on):
        return 0
    users = User.objects.filter(is_active=True).exclude(preference__digest=False).exclude(digests__day=on)
    return sum(_make(user, on, at) for user in users.order_by("pk") if not user.is_firm and may_sit(user))


def _make(user: User, on: datetime.date, at: datetime.datetime) -> int:
    counted = _count(user, on)
    if not any(counted.values()):
        return 0
    with transaction.atomic():
        digest, fresh = Digest.objects.get_or_create(user=user, day=on, defaults=counted)
        if not fresh:
            return 0
        told = notify([user], _said(counted, on), reverse("desk:home"), at=at, kind=Notice.Kind.DIGEST)
        digest.notice = told[0]
        digest.save(update_fields=["notice"])
    return 1


def _sentence(counted: "dict[str, int]", on: datetime.date) -> str:
    overdue, today, week, fresh = (counted[name] for name in ("overdue", "today", "week", "notices"))
    parts = [
        ngettext("已逾期 %(n)s 件", "已逾期 %(n)s 件", overdue) % {"n": overdue} if overdue else "",
        ngettext("今日到期 %(n)s 件", "今日到期 %(n)s 件", today) % {"n": today} if today else "",
        ngettext("五个工作日内到期 %(n)s 件", "五个工作日内到期 %(n)s 件", week) % {"n": week} if week else "",
        ngettext("新通知 %(n)s 条", "新通知 %(n)s 条", fresh) % {"n": fresh} if fresh else "",
    ]
    return " · ".join([on.isoformat(), *filter(None, parts)])


#: said in both languages by whoever tells it
_said = lazy(_sentence, str)


def _count(user: User, on: datetime.date) -> dict[str, int]:
    """Tasks overdue, due today, and due within AHEAD working days; and unread notices that wait for the digest."""
    found = providers.tasks(user, on)
    lights = providers.look(found, on, size=1).lights
    week = providers.due_between(found, on, providers.soon_until(on, AHEAD))
    return {
        "overdue": lights[providers.Light.OVERDUE],
        "today": lights[providers.Light.TODAY],
        "week": week,
        "notices": _waiting_notices(user),
    }


def _waiting_notices(user: User) -> int:
    """Unread notices since the last digest that some channel left for this one."""
    last = Digest.objects.filter(user=user).order_by("-day").values_list("notice__at", flat=True).first()
    chosen = {(route.kind, route.channel): route.how for route in Route.objects.filter(user=user)}
    kinds = [
        kind
        for kind in channels.CHOSEN
        if any(channels.how(kind, code, chosen) == Route.How.DIGEST for code in channels.ready())
    ]
    fresh = Notice.objects.filter(user=user, read_at=None, kind__in=kinds)
    return (fresh.filter(at__gt=last) if last is not None else fresh).count()
