"""Draws: the list with those given up, one draw with everything to check it, its frame, and its files."""

import json

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import grouped, moment, named, state_tag
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import Draw
from zhunsheng.web.portal.forms import DrawFilter
from zhunsheng.web.portal.queries import draws, results
from zhunsheng.web.portal.views import serving
from zhunsheng.web.portal.views.serving import Missing, asked, public
from zhunsheng.web.public_log import words

SHOWN = 5


@public
def listing(request: HttpRequest) -> HttpResponse:
    found = Listing(
        request=request,
        queryset=draws.all_draws(),
        columns=[
            Column("no", gettext_lazy("抽取编号"), lambda draw: draw.no, order="no"),
            Column("plan", pgettext_lazy("one", "抽查计划"), lambda draw: draw.plan.name),
            Column("organ", gettext_lazy("牵头机构"), lambda draw: named(draw.plan.office)),
            Column("state", gettext_lazy("状态"), lambda draw: str(draw.get_state_display()),
                   html=lambda draw: state_tag(draws.KINDS[draw.state], draw.get_state_display())),
            Column("announced_at", gettext_lazy("公告时间"), lambda draw: draw.announced_at, order="announced_at", html=lambda draw: moment(draw.announced_at)),
            Column("frame_size", gettext_lazy("名录单位数"), lambda draw: draw.frame_size, order="frame_size", numeric=True, html=lambda draw: grouped(draw.frame_size)),
            Column("drawn", gettext_lazy("抽取数"), lambda draw: draw.selected_count if draw.seed else None, numeric=True),
            Column("executed_at", gettext_lazy("抽取时间"), lambda draw: draw.executed_at, hidden=True, html=lambda draw: moment(draw.executed_at)),
            Column("reason", gettext_lazy("放弃理由"), lambda draw: draw.abandon_reason, hidden=True),
        ],
        name="draws",
        title=gettext_lazy("随机抽取"),
        filterset_class=DrawFilter,
        default_sort="-announced_at",
        url=lambda draw: reverse("portal:draw", args=[draw.no]),
        empty_text="" if request.GET else _("还没有公告过随机抽取。公告之后，不论抽取还是放弃，都会一直列在这里。"),
    )  # fmt: skip
    if found.wants_export:
        return found.export()
    year = request.GET.get("year", "")
    chosen = int(year) if year.isdecimal() and len(year) == 4 else None
    return render(request, "portal/draws.html", {
        "listing": found, "year": chosen, "abandonment": draws.abandonment(chosen),
    })  # fmt: skip


def _draw(no: str) -> Draw:
    found = draws.find(no)
    if found is None:
        raise Missing(_("没有编号为“%(no)s”的抽取。所有抽取都在抽查公示页，包括已放弃的。") % {"no": no[:80]})
    return found


@public
def draw(request: HttpRequest, no: str) -> HttpResponse:
    found = _draw(no)
    now = timezone.now()
    done = inspection.execution(found)
    entries = [(words.verb_name(entry.kind), entry) for entry in draws.log_entries(found)]
    newest = list(results.published().filter(task__draw=found).order_by("-published_at", "-pk")[:SHOWN])
    bundle_url = reverse("portal:bundle", args=[found.no])
    return render(request, "portal/draw.html", {
        "draw": found,
        "kind": draws.KINDS[found.state],
        "next": draws.next_step(found, now),
        "announced": json.dumps(draws.said(found), ensure_ascii=False, indent=2),
        "items": draws.item_names(found),
        "terms": draws.terms(found),
        "strata": draws.strata(found),
        "sources": draws.sources(found),
        "fallbacks": draws.fallbacks(found),
        "seed_text": done.seed_text if done else "",
        "progress": inspection.draw_progress(found) if found.seed else None,
        "outcomes": results.outcomes(found.pk) if found.seed else [],
        "results": [{"visit": visit, "tag": results.result_tag(visit)} for visit in newest],
        "withdrawn": draws.withdrawn(found) if found.seed else [],
        "load": draws.load_by_inspector(found) if found.assigned_at else [],
        "entries": entries,
        "events": draws.timeline(found),
        "bundle_url": bundle_url if draws.bundle_open(found) else "",
        "bundle_name": f"{found.no}.json",
        "recipes": draws.recipes(found, f"{request.scheme}://{request.get_host()}"),
        "why": {
            "sentence": draws.next_step(found, now),
            "rule": _("随机抽取规则"), "version": "zhunsheng/draw/1", "source": _("国办发〔2015〕58号；国发〔2019〕5号"),
            "confidence": "sure",
            "inputs": [(_("公告的 SHA-256"), found.announcement_hash), (_("种子"), found.seed)],
            "command": f"zhunsheng verify {found.no}.json", "url": reverse("portal:method", args=["draw"]),
        },
    })  # fmt: skip


@public
def announcement(request: HttpRequest, no: str) -> HttpResponseBase:
    """The announcement byte for byte as it was hashed."""
    found = _draw(no)
    mark = found.announcement_hash
    return serving.unchanged(request, mark) or serving.whole(
        found.announcement.encode(), f"{found.no}-announcement.json", "application/json", mark,
        cache=serving.FROZEN, attachment=False,
    )  # fmt: skip


@public
def bundle(request: HttpRequest, no: str) -> HttpResponseBase:
    """Everything about a draw in one file, for `zhunsheng verify`."""
    found = _draw(no)
    if not draws.bundle_open(found):
        raise Missing(_("抽取 %(no)s 尚未执行，公开包在抽取之后公布。公告和名录现在就可以下载。") % {"no": found.no})
    mark = draws.bundle_mark(found)
    return serving.unchanged(request, mark) or serving.whole(
        inspection.bundle_bytes(found), f"{found.no}.json", "application/json", mark
    )


@public
def frame(request: HttpRequest, no: str) -> HttpResponse:
    """The frozen frame: find a firm in it, or turn its pages; with `drawn`, those that were drawn."""
    found = _draw(no)
    text = asked(request, "q")
    only_drawn = bool(found.seed) and request.GET.get("show") == "drawn"
    page = _page(request.GET.get("page", ""))
    rows: list[draws.UnitRow] = []
    total, unit = found.frame_size, None
    if text:
        unit = draws.find_unit(found, text)
    elif only_drawn:
        rows, total = draws.drawn_page(found, page)
    else:
        rows, total = draws.frame_page(found, page)
    pages = max(1, -(-total // draws.PAGE))
    return render(request, "portal/frame.html", {
        "draw": found, "q": text, "unit": unit, "rows": rows, "total": total, "only_drawn": only_drawn,
        "first": (page - 1) * draws.PAGE + 1, "last": min(page * draws.PAGE, total), "page": page, "pages": pages,
        "tabs": [
            {"label": _("全部名录"), "url": "?", "current": not only_drawn and not text, "count": found.frame_size},
            *([{"label": _("抽中的"), "url": "?show=drawn", "current": only_drawn, "count": found.selected_count}] if found.seed else []),
        ],
    })  # fmt: skip


def _page(text: str) -> int:
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1


@public
def leaves(request: HttpRequest, no: str) -> HttpResponseBase:
    """The frame, one leaf a line, as it was hashed."""
    found = _draw(no)
    return serving.unchanged(request, found.frame_root) or serving.flowing(
        draws.leaves(found), f"{found.no}-frame.jsonl", "application/jsonl; charset=utf-8", found.frame_root,
        cache=serving.FROZEN,
    )  # fmt: skip
