"""Notices: the one door through which a user is told of something. They are a user's own papers and leave no trace in the audit trail."""

import datetime
import logging
from collections.abc import Iterable

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.utils import translation
from django.utils.functional import Promise

from zhunsheng.web.desk.models import Notice
from zhunsheng.web.people.models import User

_log = logging.getLogger(__name__)


def notify(
    users: Iterable[User | None], text: "str | Promise", url: str = "", *, at: datetime.datetime
) -> list[Notice]:
    """Tells each of `users` once, in the platform and, where a mail server is set, by mail. Call it on commit.

    `text`: at most 300 characters. A lazy text (gettext_lazy, format_lazy) is kept in both languages; a plain one as it is.
    A user who has the same notice unread is not told again. Inactive users are left out.
    """
    receivers = {user.pk: user for user in users if user is not None and user.is_active}
    zh, en = _said(text)
    told = set(
        Notice.objects.filter(user__in=receivers, text=zh, url=url, read_at=None).values_list("user_id", flat=True)
    )
    notices = Notice.objects.bulk_create(
        [
            Notice(user=user, text=zh, text_en=en, url=url, at=at)
            for key, user in sorted(receivers.items())
            if key not in told
        ],
        batch_size=1000,
    )
    transaction.on_commit(lambda: _mail(notices))
    return notices


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


def _mail(notices: Iterable[Notice]) -> None:
    """The mail is a copy: what cannot be sent is still on the desk, and the act that it tells of is done."""
    if settings.EMAIL_BACKEND.endswith("dummy.EmailBackend"):
        return
    letters = [
        EmailMessage(
            subject=" ".join(notice.text.split())[:78],
            body="\n\n".join(filter(None, [notice.text, notice.text_en, notice.url])),
            from_email=getattr(settings, "EMAIL_HOST_USER", "") or None,
            to=[notice.user.email],
        )
        for notice in notices
        if notice.user.email
    ]
    if not letters:
        return
    try:
        get_connection().send_messages(letters)
    except OSError as problem:  # smtplib's errors are OSErrors
        _log.warning("%s notices could not be mailed: %s", len(letters), problem)


def read_notices(user: User, notices: Iterable[int] | None = None, *, at: datetime.datetime) -> int:
    """Marks the user's own notices as read: those with these keys, or all. Returns how many were unread."""
    mine = Notice.objects.filter(user=user, read_at=None)
    if notices is not None:
        mine = mine.filter(pk__in=list(notices))
    return mine.update(read_at=at)
