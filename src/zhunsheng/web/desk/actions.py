"""The only writer of the desk. Notices and saved views are a user's own papers, not acts: they leave no trace in the audit trail."""

import datetime
import logging
from collections.abc import Iterable

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk.models import Notice, SavedView
from zhunsheng.web.desk.queries import is_page
from zhunsheng.web.people.models import User

VIEWS_KEPT = 100

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


def save_view(user: User, *, name: str, path: str, query: str) -> SavedView:
    """Keeps the filter of a list under a name. The same name on the same page is the same view, with the new filter."""
    name = name.strip()
    if not name:
        raise Refused(_("请给视图起个名字"), field="name")
    if len(name) > 60:
        raise Refused(_("名称最多 60 个字"), field="name")
    if not is_page(path) or len(path) > 200:
        raise Refused(_("只能保存本平台的列表页"), field="path")
    query = query.lstrip("?")
    if len(query) > 1000:
        raise Refused(_("筛选条件太长，保存不了；请减少几项"), field="query")
    with transaction.atomic():
        if (
            not SavedView.objects.filter(user=user, path=path, name=name).exists()
            and SavedView.objects.filter(user=user).count() >= VIEWS_KEPT
        ):
            raise Refused(_("最多保存 %(n)s 个视图；请先删掉不用的") % {"n": VIEWS_KEPT}, field="name")
        view, _created = SavedView.objects.update_or_create(user=user, path=path, name=name, defaults={"query": query})
    return view


def delete_view(view: SavedView, *, by: User) -> None:
    if view.user_id != by.pk:
        raise NotAllowed(_("只能删除自己的视图"))
    view.delete()
