"""Draws of other platforms: the list of them, and what could be checked of each."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import state_tag
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.forms.filters import UpstreamFilter
from zhunsheng.web.inspection.views.pages import see, tabs
from zhunsheng.web.people.queries import UserRequest


@require_GET
def upstream(request: UserRequest) -> HttpResponse:
    see(request)
    listing = Listing(
        request=request, queryset=queries.upstream_draws(), name="upstream", title=_("上级平台的抽取"), filterset_class=UpstreamFilter,
        default_sort="-drawn_on", url=lambda draw: reverse("inspection:upstream_draw", args=[draw.pk]),
        columns=[
            Column("no", gettext_lazy("抽取编号"), lambda draw: draw.no, order="no"),
            Column("name", gettext_lazy("名称"), lambda draw: draw.name),
            Column("platform", gettext_lazy("来源平台"), lambda draw: draw.source_system, order="source_system"),
            Column("drawn_on", gettext_lazy("抽取日期"), lambda draw: draw.drawn_on, order="drawn_on"),
            Column("size", gettext_lazy("名单主体数"), lambda draw: draw.size, order="size", numeric=True),
            Column("drawn", gettext_lazy("抽中数"), lambda draw: draw.drawn_count, order="drawn_count", numeric=True),
            Column("imported_at", gettext_lazy("导入时间"), lambda draw: draw.imported_at, hidden=True),
        ],
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    can_import = policy.may_import(request.user)
    return render(
        request, "inspection/list.html",
        {
            "listing": listing, "tabs": tabs("upstream"), "title": _("上级平台的抽取"), "add_label": _("导入一次抽取"),
            "add_url": reverse("desk:import_upload", args=["upstream_draws"]) if can_import else "",
        },
    )  # fmt: skip


@require_GET
def upstream_draw(request: UserRequest, pk: int) -> HttpResponse:
    see(request)
    draw = get_object_or_404(queries.upstream_draws(), pk=pk)
    lines = queries.upstream_checks(draw)
    tests = queries.upstream_plausibility(draw.source_system, draw.drawn_on)
    return render(
        request,
        "inspection/upstream_draw.html",
        {
            "draw": draw,
            "lines": [(one, state_tag(*one.mark)) for one in lines],
            "tests": [(one, state_tag(*one.mark)) for one in tests],
            "cannot": queries.upstream_cannot(),
            "failed": sum(one.outcome == "fails" for one in lines),
            "unusual": sum(one.outcome == "unusual" for one in tests),
        },
    )
