"""Draws of other platforms: the list of them, and what could be checked of each, in numbers."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import day, grouped
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.portal.forms import UpstreamFilter
from zhunsheng.web.portal.queries import upstream as queries
from zhunsheng.web.portal.views.draws import tabs
from zhunsheng.web.portal.views.serving import Missing, public


@public
def listing(request: HttpRequest) -> HttpResponse:
    found = Listing(
        request=request,
        queryset=inspection.upstream_draws(),
        columns=[
            Column("no", gettext_lazy("抽取编号"), lambda draw: draw.no, order="no"),
            Column("name", gettext_lazy("名称"), lambda draw: draw.name),
            Column("platform", gettext_lazy("来源平台"), lambda draw: draw.source_system, order="source_system"),
            Column("drawn_on", gettext_lazy("抽取日期"), lambda draw: draw.drawn_on, order="drawn_on", html=lambda draw: day(draw.drawn_on)),
            Column("size", gettext_lazy("名录单位数"), lambda draw: draw.size, order="size", numeric=True, html=lambda draw: grouped(draw.size)),
            Column("drawn", gettext_lazy("抽取数"), lambda draw: draw.drawn_count, order="drawn_count", numeric=True, html=lambda draw: grouped(draw.drawn_count)),
        ],
        name="upstream-draws",
        title=gettext_lazy("上级平台的抽取"),
        filterset_class=UpstreamFilter,
        default_sort="-drawn_on",
        url=lambda draw: reverse("portal:upstream_draw", args=[draw.pk]),
        empty_text="" if request.GET else _("还没有导入过上级平台的抽取。"),
    )  # fmt: skip
    if found.wants_export:
        return found.export()
    return render(request, "portal/upstream.html", {"listing": found, "tabs": tabs("upstream")})


@public
def draw(request: HttpRequest, pk: int) -> HttpResponse:
    found = queries.find(pk)
    if found is None:
        raise Missing(_("没有这次上级平台的抽取。已导入的都列在抽查公示页。"))
    return render(request, "portal/upstream_draw.html", {
        "draw": found, "verdict": queries.verdict(found), "entry": queries.entry(found),
    })  # fmt: skip
