"""Saved views: a user's own papers, not acts. They leave no trace in the audit trail."""

from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk.models import SavedView
from zhunsheng.web.desk.queries import is_page
from zhunsheng.web.people.models import User

VIEWS_KEPT = 100


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
