"""What lies on a desk."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.urls import Resolver404, resolve, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhunsheng.web.common.errors import language
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.desk.models import Notice, SavedView
from zhunsheng.web.desk.providers import Hit
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.people.policy import may_edit_responsibility, may_manage_people, may_work
from zhunsheng.web.people.queries import Person, UserRequest, has_role
from zhunsheng.web.public_log.models import Act
from zhunsheng.web.public_log.policy import may_read_acts


# -- notices ----------------------------------------------------------------------------------------------------------
def unread(user: User) -> QuerySet[Notice]:
    return Notice.objects.filter(user=user, read_at=None)


def unread_count(user: User) -> int:
    return unread(user).count()


def in_page_language(notice: Notice) -> str:
    return (notice.text_en or notice.text) if language() == "en" else notice.text


def notice_listing(request: UserRequest) -> Listing:
    """The user's own notices, newest first."""
    return Listing(
        request=request,
        queryset=Notice.objects.filter(user=request.user),
        columns=[
            Column("text", gettext_lazy("内容"), in_page_language, html=_notice_cell),
            Column("at", gettext_lazy("时间"), lambda notice: notice.at, order="at"),
            Column("read_at", gettext_lazy("已读时间"), lambda notice: notice.read_at),
        ],
        name="notices",
        title=gettext_lazy("通知"),
        default_sort="-at",
        empty_text=gettext_lazy("没有通知。有事需要您知道时，会出现在这里。"),
    )


def _notice_cell(notice: Notice) -> SafeString:
    link = format_html('<a href="{}">{}</a>', reverse("desk:notice", args=[notice.pk]), in_page_language(notice))
    return link if notice.read_at else format_html("<strong>{}</strong>", link)


# -- saved views ------------------------------------------------------------------------------------------------------
def views_of(user: User, path: str) -> list[tuple[str, str]]:
    """The saved views of one list page as (name, address), for Listing(saved_views=…)."""
    return [(view.name, address(view)) for view in SavedView.objects.filter(user=user, path=path)]


def address(view: SavedView) -> str:
    return f"{view.path}?{view.query}" if view.query else view.path


def is_page(path: str) -> bool:
    """Whether `path` is a page of this house: a saved view must not lead anywhere else."""
    if not path.startswith("/") or path.startswith("//") or "\\" in path or "?" in path or "#" in path:
        return False
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


# -- my acts and ways -------------------------------------------------------------------------------------------------
def recent_acts(user: User) -> QuerySet[Act]:
    """What this user did, newest first."""
    return Act.objects.filter(by=user).select_related("by", "office")


@dataclass(frozen=True, slots=True)
class QuickLink:
    label: "str | Promise"
    url: str


#: (address, words, who): the ways that a role walks every day. Each room's own policy still decides at the door.
QUICK_LINKS: "tuple[tuple[str, Promise, Callable[[Person], bool]], ...]" = (
    ("inspection:home", gettext_lazy("检查计划与任务"), may_work),
    ("registry:home", gettext_lazy("查一家主体"), may_work),
    ("people:responsibility", gettext_lazy("谁负责什么"), may_work),
    ("appraisal:scoreboard", gettext_lazy("目标完成情况"), may_work),
    ("desk:imports", gettext_lazy("导入数据"), lambda user: has_role(user, "member", "head", "lead_office")),
    ("people:add_duty", gettext_lazy("登记监管责任"), may_edit_responsibility),
    ("people:users", gettext_lazy("账号与岗位"), may_manage_people),
    ("public_log:acts", gettext_lazy("办理痕迹"), may_read_acts),
    ("public_log:home", gettext_lazy("公开存证日志"), may_work),
)


def quick_links(user: User) -> list[QuickLink]:
    return [QuickLink(label, reverse(name)) for name, label, may in QUICK_LINKS if may(user)]


# -- search -----------------------------------------------------------------------------------------------------------
def find_people_and_offices(user: User, text: str) -> Iterator[Hit]:
    """The desk's own hits: offices for all staff, accounts for those who manage them. The other rooms add theirs."""
    offices = Office.objects.filter(
        Q(name__icontains=text) | Q(short_name__icontains=text) | Q(name_en__icontains=text) | Q(code__iexact=text)
    )[:20]
    for office in offices:
        note = _("至 %(day)s") % {"day": office.valid_to.isoformat()} if office.valid_to else ""
        title = (office.name_en or office.name) if language() == "en" else office.name
        yield Hit(title, pgettext_lazy("list", "机构"), reverse("people:office", args=[office.pk]), note)
    if may_manage_people(user):
        for found in User.objects.filter(Q(username__icontains=text) | Q(display_name__icontains=text))[:20]:
            yield Hit(str(found), gettext_lazy("用户"), reverse("people:user", args=[found.username]), found.username)
