"""What every page knows of the house: its city, its version, the way about, and who is here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

import zhunsheng
from zhunsheng.web.common import city

Entry = tuple[str, "str | Promise"]

PUBLIC: tuple[Entry, ...] = (
    ("portal:home", _("首页")),
    ("portal:draws", _("抽查公示")),
    ("portal:results", pgettext_lazy("list", "检查结果")),
    ("portal:decisions", pgettext_lazy("list", "决定和公告")),
    ("matters:complain", _("投诉举报")),
    ("portal:verify", _("自己核验")),
    ("portal:scoreboard", _("目标进展")),
    ("public_log:home", _("公开存证")),
    ("portal:methods", _("规则方法")),
)
STAFF: tuple[Entry, ...] = (
    ("desk:home", _("工作台")),
    ("registry:home", _("名录库")),
    ("matters:home", pgettext_lazy("list", "办件")),
    ("documents:home", _("文书")),
    ("inspection:home", _("双随机检查")),
    ("appraisal:scoreboard", _("目标与考核")),
    ("law:home", _("规则与修改")),
    ("public_log:home", _("公开存证日志")),
    ("people:offices", _("人员机构")),
)
FIRM: tuple[Entry, ...] = (
    ("registry:firm_home", _("我的企业")),
    ("matters:firm_matters", _("要办的事")),
    ("portal:draws", _("抽查公示")),
    ("portal:results", pgettext_lazy("list", "检查结果")),
    ("portal:methods", _("规则方法")),
)
FOOT: tuple[Entry, ...] = (
    ("portal:home", _("公众首页")),
    ("matters:complain", _("投诉举报")),
    ("portal:complaints", _("投诉举报统计")),
    ("portal:data", _("开放数据")),
    ("public_log:home", _("公开存证")),
    ("portal:verify", _("自己核验")),
    ("portal:sampling", _("产品抽样")),
    ("portal:methods", _("规则方法")),
    ("law:home", _("规则与修改")),
    ("portal:help", _("使用帮助")),
    ("portal:accessibility", _("无障碍说明")),
    ("portal:privacy", _("隐私说明")),
)

_counter: "Callable[[Any], int] | None" = None


def count_notices_with(counter: "Callable[[Any], int]") -> None:
    """The desk, which stands above, says here how a user's unread notices are counted."""
    global _counter
    _counter = counter


_views: "Callable[[Any, str], list[tuple[str, str]]] | None" = None


def list_views_with(finder: "Callable[[Any, str], list[tuple[str, str]]]") -> None:
    """The desk says here how a user's saved views of one page are found: (name, address) each."""
    global _views
    _views = finder


@dataclass(frozen=True, slots=True)
class Link:
    """`current`: 'page' on the very page, 'true' within its section, else ''."""

    label: "str | Promise"
    url: str
    current: str


def house(request: HttpRequest) -> dict[str, Any]:
    """The variable `house` of every template: city_name, city_invented, version, navigation, footer, notice_count."""
    here = city.current()
    user = getattr(request, "user", None)
    inside = bool(user and user.is_authenticated)
    firm = inside and bool(getattr(user, "is_firm", False))
    english = (get_language() or "").startswith("en")
    navigation = _links(request.path, FIRM if firm else STAFF if inside else PUBLIC)
    return {
        "house": {
            "city": here,
            "city_name": here.name_en if english else here.name,
            "city_invented": here.invented,
            "version": zhunsheng.__version__,
            "is_staff": inside and not firm,
            "is_firm": firm,
            "home_url": navigation[0].url if navigation else "/",
            "navigation": navigation,
            "footer": _links("", FOOT),
            "saved_views": lambda: _views(user, request.path) if _views and inside else [],
            "notice_count": lambda: _counter(user) if _counter and inside else 0,
        }
    }


def _links(path: str, entries: tuple[Entry, ...]) -> list[Link]:
    """Entries whose address exists, the section that the page belongs to marked: the longest address that begins its path."""
    found = []
    for name, label in entries:
        try:
            found.append((label, reverse(name)))
        except NoReverseMatch:
            continue
    section = max(
        (url for _label, url in found if url != "/" and path.startswith(url)),
        key=len,
        default="/" if path == "/" else "",
    )
    return [Link(label, url, ("page" if url == path else "true") if url == section else "") for label, url in found]
