"""Published results: the list with its filters, and one result with its versions."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhunsheng.engine import clock
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import day, named
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import Visit
from zhunsheng.web.inspection.queries.visits import PUBLISH_LIMIT
from zhunsheng.web.portal.forms import ResultFilter
from zhunsheng.web.portal.queries import firms, results
from zhunsheng.web.portal.views.serving import Missing, public


def _draw_no(visit: Visit) -> str:
    return visit.task.draw.no if visit.task else ""


def _draw_link(visit: Visit) -> SafeString | str:
    if visit.task is None:
        return results.source(visit)
    return format_html(
        '<a class="nowrap" href="{}">{}</a>', reverse("portal:draw", args=[_draw_no(visit)]), _draw_no(visit)
    )


def _nowrap(text: str) -> SafeString:
    return format_html('<span class="nowrap">{}</span>', text)


def _county(visit: Visit) -> str:
    """The county of the entity; a township is told by its county."""
    place = visit.entity.division
    return named(place.parent if place and place.level == "township" and place.parent else place)


@public
def listing(request: HttpRequest) -> HttpResponse:
    found = Listing(
        request=request,
        queryset=results.published(corrected=request.GET.get("versions") == "all"),
        columns=[
            Column("name", gettext_lazy("企业"), lambda visit: visit.entity.name),
            Column("code", gettext_lazy("代码"), lambda visit: firms.address_code(visit.entity.unit_id), hidden=True),
            Column("division", gettext_lazy("区划"), _county),
            Column("visited_on", gettext_lazy("检查日期"), lambda visit: visit.visited_on, order="visited_on", html=lambda visit: _nowrap(day(visit.visited_on))),
            Column("result", gettext_lazy("检查结果"), lambda visit: named(visit.result), html=results.result_tag),
            Column("organ", gettext_lazy("检查机关"), results.organ),
            Column("draw", gettext_lazy("抽取编号"), _draw_no, html=_draw_link),
            Column("published_at", gettext_lazy("公示时间"), lambda visit: visit.published_at, order="published_at", html=lambda visit: _nowrap(day(visit.published_at))),
            Column("state", gettext_lazy("版本"), lambda visit: str(visit.get_state_display()), hidden=True),
            Column("no", gettext_lazy("记录编号"), lambda visit: visit.no, export_only=True),
            Column("result_code", gettext_lazy("结果代码"), lambda visit: visit.result.code if visit.result else "", export_only=True),
        ],
        name="results",
        title=pgettext_lazy("list", "检查结果"),
        filterset_class=ResultFilter,
        default_sort="-published_at",
        url=lambda visit: reverse("portal:result", args=[visit.no]),
        empty_text="" if request.GET else _("还没有公示的检查结果。结果经审核后在法定期限内公示。"),
    )  # fmt: skip
    if found.wants_export:
        return found.export()
    return render(request, "portal/results.html", {"listing": found})


@public
def result(request: HttpRequest, no: str) -> HttpResponse:
    visit = results.find(no)
    if visit is None:
        raise Missing(_("没有编号为“%(no)s”的已公示结果。编号可能有误，也可能这份记录还没有公示。") % {"no": no[:80]})
    chain = results.versions(visit)
    entries = results.entries(chain)
    return render(request, "portal/result.html", {
        "visit": visit,
        "tag": results.result_tag(visit),
        "organ": results.organ(visit),
        "source": results.source(visit),
        "firm_url": firms.firm_url(visit.entity),
        "code": firms.address_code(visit.entity.unit_id),
        "findings": visit.findings.select_related("item"),
        "team": results.team(visit),
        "follow_up": getattr(visit, "follow_up", None),
        "follow_up_kind": inspection.label("inspection/follow_up_kinds", visit.follow_up.kind) if hasattr(visit, "follow_up") else "",
        "chain": [
            {
                "visit": one, "tag": results.result_tag(one), "entry": entries.get(one.no),
                "url": reverse("portal:result", args=[one.no]), "current": one.pk == visit.pk,
            }
            for one in chain
        ],
        "newest": chain[-1] if chain and chain[-1].pk != visit.pk else None,
        "seal": results.seal(entries.get(visit.no)),
        "late": results.days_late(visit),
        "why": _why(visit),
    })  # fmt: skip


def _why(visit: Visit) -> dict[str, object] | None:
    """How the last day for publication was counted."""
    try:
        limit = inspection.publish_deadline(visit.visited_on)
        rule = clock.limit(PUBLISH_LIMIT, visit.visited_on)
    except ZhunshengError:
        return None
    return {
        "sentence": " ".join(reason.text(language()) for reason in limit.reasons),
        "rule": named(rule), "version": PUBLISH_LIMIT, "source": rule.legal_ref, "confidence": rule.evidence,
        "inputs": [(_("检查日期"), visit.visited_on), (_("公示期限"), limit.due)],
        "command": f"zhunsheng clock limit {PUBLISH_LIMIT} {visit.visited_on.isoformat()}",
        "url": reverse("portal:method", args=["clock"]),
    }  # fmt: skip
