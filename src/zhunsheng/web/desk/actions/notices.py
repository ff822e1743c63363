"""Notices: the one door through which a user is told of something. They are a user's own papers and leave no trace in the audit trail."""

import datetime
from collections.abc import Iterable

from django.db import transaction
from django.utils import translation
from django.utils.functional import Promise

from zhunsheng.web.desk.actions.deliveries import queue
from zhunsheng.web.desk.models import Notice
from zhunsheng.web.people.models import User

#: a notice that was read is kept for half a year
READ_KEPT = datetime.timedelta(days=180)


def notify(
    users: Iterable[User | None],
    text: "str | Promise",
    url: str = "",
    *,
    at: datetime.datetime,
    kind: str = Notice.Kind.WORK,
) -> list[Notice]:
    """Tells each of `users` once: on the desk, and by the channels that each chose for this `kind` (see queue). Call it
    inside the act's transaction or on its commit.

    `text`: at most 300 characters. A lazy text (gettext_lazy, format_lazy) is kept in both languages; a plain one as it is.
    A user who has the same notice unread is not told again. Inactive users are left out.
    """
    receivers = {user.pk: user for user in users if user is not None and user.is_active}
    zh, en = _said(text)
    told = set(
        Notice.objects.filter(user__in=receivers, text=zh, url=url, read_at=None).values_list("user_id", flat=True)
    )
    return _write(
        [
            Notice(user=user, text=zh, text_en=en, url=url, kind=kind, at=at)
            for key, user in sorted(receivers.items())
            if key not in told
        ],
        at,
    )


def _write(notices: list[Notice], at: datetime.datetime) -> list[Notice]:
    with transaction.atomic():
        made = Notice.objects.bulk_create(notices, batch_size=1000)
        queue(made, at=at)
    return made


def _said(text: "str | Promise") -> tuple[str, str]:
    if not isinstance(text, Promise):
        return _short(text), ""
    with translation.override("zh-hans"):
        zh = _short(str(text))
    with translation.override("en"):
        en = _short(str(text))
    return zh, "" if en == zh else en


def _short(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:299]}…"


def read_notices(user: User, notices: Iterable[int] | None = None, *, at: datetime.datetime) -> int:
    """Marks the user's own notices as read: those with these keys, or all. Returns how many were unread."""
    mine = Notice.objects.filter(user=user, read_at=None)
    if notices is not None:
        mine = mine.filter(pk__in=list(notices))
    return mine.update(read_at=at)


def sweep_notices(at: datetime.datetime) -> int:
    """Throws away notices that were read more than READ_KEPT ago, with what is left of their deliveries."""
    old = Notice.objects.filter(read_at__lt=at - READ_KEPT).order_by("pk").values_list("pk", flat=True)
    swept = 0
    while keys := list(old[:1000]):
        swept += len(keys)
        Notice.objects.filter(pk__in=keys).delete()
    return swept
