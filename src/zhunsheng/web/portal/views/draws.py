"""Draws: the list with those given up, one draw with everything to check it, its list of firms, one firm in it, its files."""

import hashlib
import json

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import day, grouped, moment, named
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import Draw
from zhunsheng.web.portal.forms import DrawFilter
from zhunsheng.web.portal.queries import draws, recipes, results, units
from zhunsheng.web.portal.views import serving
from zhunsheng.web.portal.views.serving import Missing, asked, public

SHOWN = 5


def tabs(current: str) -> list[dict[str, object]]:
    """The two lists of draws: those made here, and those of other platforms."""
    return [
        {"label": _("本平台的抽取"), "url": reverse("portal:draws"), "current": current == "draws"},
        {"label": _("上级平台的抽取"), "url": reverse("portal:upstream"), "current": current == "upstream"},
    ]


@public
def listing(request: HttpRequest) -> HttpResponse:
    found = Listing(
        request=request,
        queryset=draws.all_draws(),
        columns=[
            Column("no", gettext_lazy("抽取编号"), lambda draw: draw.no, order="no"),
            Column("plan", pgettext_lazy("one", "抽查计划"), lambda draw: draw.plan.name),
            Column("organ", gettext_lazy("牵头机构"), lambda draw: named(draw.plan.office)),
            Column("state", gettext_lazy("状态"), draws.stage_words, html=draws.stage_tags),
            Column("mode", gettext_lazy("公开方式"), lambda draw: str(draw.get_mode_display())),
            Column("announced_at", gettext_lazy("公告时间"), lambda draw: draw.announced_at, order="announced_at", html=lambda draw: moment(draw.announced_at)),
            Column("frame_size", gettext_lazy("名录单位数"), lambda draw: draw.frame_size, order="frame_size", numeric=True, html=lambda draw: grouped(draw.frame_size)),
            Column("drawn", gettext_lazy("抽取数"), lambda draw: draw.selected_count if draw.seed else None, numeric=True),
            Column("executed_at", gettext_lazy("抽取时间"), lambda draw: draw.executed_at, hidden=True, html=lambda draw: moment(draw.executed_at)),
            Column("open_by", gettext_lazy("最迟开封日期"), lambda draw: draw.open_by, hidden=True, html=lambda draw: day(draw.open_by)),
            Column("opened_at", gettext_lazy("开封时间"), lambda draw: draw.opened_at, hidden=True, html=lambda draw: moment(draw.opened_at)),
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
        "listing": found, "year": chosen, "history": draws.history(chosen), "tabs": tabs("draws"),
    })  # fmt: skip


def _draw(no: str) -> Draw:
    found = draws.find(no)
    if found is None:
        raise Missing(_("没有编号为“%(no)s”的抽取。所有抽取都在抽查公示页，包括已放弃的。") % {"no": no[:80]})
    return found


def _origin(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"


@public
def draw(request: HttpRequest, no: str) -> HttpResponse:
    found = _draw(no)
    now = timezone.now()
    done = inspection.execution(found)
    told = bool(found.seed) and not found.secret
    newest = list(results.published().filter(task__draw=found).order_by("-published_at", "-pk")[:SHOWN]) if told else []
    bundle_url = reverse("portal:bundle", args=[found.no])
    first, second = draws.rounds(found)
    teams = draws.teams(found)
    sealing = draws.seal_words(found)
    return render(request, "portal/draw.html", {
        "draw": found,
        "tags": draws.stage_tags(found),
        "stage": draws.stage(found),
        "sealing": sealing,
        "abandoned_late": draws.abandoned_late(found),
        "overdue": inspection.days_overdue(found, now) if found.secret and sealing else 0,
        "next": draws.next_step(found, now),
        "announced": json.dumps(draws.said(found), ensure_ascii=False, indent=2),
        "terms": draws.terms(found),
        "lists": draws.lists(found),
        "strata": draws.strata(found),
        "first": first,
        "second": second,
        "seed_text": done.seed_text if done else "",
        "told": told,
        "teams": teams,
        "progress": inspection.draw_progress(found) if told else None,
        "outcomes": results.outcomes(found.pk) if told else [],
        "results": [{"visit": visit, "tag": results.result_tag(visit)} for visit in newest],
        "withdrawn": draws.withdrawn(found) if told else [],
        "published": draws.published(found),
        "events": draws.timeline(found),
        "bundle_url": bundle_url if draws.bundle_open(found) else "",
        "bundle_name": f"{found.no}.json",
        "recipes": recipes.recipes(found, _origin(request), teams.second_seed_text if teams else ""),
        "hash_command": recipes.hash_command(found),
        "why": {
            "sentence": draws.next_step(found, now),
            "rule": _("随机抽取规则"), "version": "zhunsheng/draw/1", "source": _("国办发〔2015〕58号；国发〔2019〕5号"),
            "confidence": "sure",
            "inputs": [(_("公告的哈希"), found.announcement_hash), (_("种子"), found.seed)],
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
    """The frozen list, page by page; with `drawn`, those that were drawn. Of a sealed draw neither before its opening."""
    found = _draw(no)
    told = bool(found.seed) and not found.secret
    only_drawn = told and request.GET.get("show") == "drawn"
    page = _page(request.GET.get("page", ""))
    rows, total = units.drawn_page(found, page) if only_drawn else units.frame_page(found, page)
    return render(request, "portal/frame.html", {
        "draw": found, "told": told, "rows": rows, "total": total, "only_drawn": only_drawn,
        "first": (page - 1) * units.PAGE + 1, "last": min(page * units.PAGE, total), "page": page,
        "pages": max(1, -(-total // units.PAGE)),
        "tabs": [
            {"label": _("全部名录"), "url": "?", "current": not only_drawn, "count": found.frame_size},
            {"label": _("抽中的"), "url": "?show=drawn", "current": only_drawn, "count": found.selected_count},
        ] if told else [],
    })  # fmt: skip


def _page(text: str) -> int:
    return max(1, int(text)) if text.isdecimal() and len(text) < 7 else 1


@public
def unit(request: HttpRequest, no: str) -> HttpResponse:
    """Was this firm in the draw: on the list or not, how likely it was, its ticket, whether it was drawn."""
    found = _draw(no)
    text = asked(request, "q")
    one = units.find_unit(found, text) if text else None
    ticket = one.places[0].ticket if one and one.places else ""
    return render(request, "portal/unit.html", {
        "draw": found, "tags": draws.stage_tags(found), "q": text, "unit": one,
        "recipes": recipes.unit_recipes(found, one.id, ticket, _origin(request)) if one else [],
    })  # fmt: skip


@public
def membership(request: HttpRequest, no: str) -> HttpResponseBase:
    """The proof that a firm stands on the list, as a file for /verify/ and `zhunsheng verify`."""
    found = _draw(no)
    text = asked(request, "q")
    proof = units.membership(found, text) if text else None
    if proof is None:
        raise Missing(_("抽取 %(no)s 的名录里没有“%(code)s”，所以没有在册证明。") % {"no": found.no, "code": text[:80]})
    data = units.membership_bytes(proof)
    mark = hashlib.sha256(data).hexdigest()
    name = f"{found.no}-{str(proof['id']).replace(':', '-')}.json"
    return serving.unchanged(request, mark) or serving.whole(data, name, "application/json", mark, cache=serving.FROZEN)


@public
def leaves(request: HttpRequest, no: str) -> HttpResponseBase:
    """The list, one unit a line, as it was hashed: of a sealed draw the sealed lines."""
    found = _draw(no)
    return serving.unchanged(request, found.frame_root) or serving.flowing(
        units.hashed_lines(found), f"{found.no}-frame.jsonl", "application/jsonl; charset=utf-8", found.frame_root,
        cache=serving.FROZEN,
    )  # fmt: skip


@public
def opened(request: HttpRequest, no: str) -> HttpResponseBase:
    """The list of a sealed draw in the open, once it is opened."""
    found = _draw(no)
    if not found.sealed:
        raise Missing(_("抽取 %(no)s 是公开抽取，名录本来就是公开的。") % {"no": found.no})
    if found.secret:
        raise Missing(_("抽取 %(no)s 的名录封存，开封之后才公开。") % {"no": found.no})
    mark = f"{found.frame_root[:32]}-opened"
    return serving.unchanged(request, mark) or serving.flowing(
        units.opened_lines(found), f"{found.no}-opened.jsonl", "application/jsonl; charset=utf-8", mark,
        cache=serving.FROZEN,
    )  # fmt: skip
