"""抽取: list, the page of a draw with everything behind it, execute, assign, give up."""

import json
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.engine import draw as engine
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import named, progress, state_tag
from zhunsheng.web.inspection import actions, policy, queries
from zhunsheng.web.inspection.forms.draws import ExecuteForm, source_words
from zhunsheng.web.inspection.forms.fields import PublicReasonForm
from zhunsheng.web.inspection.forms.filters import DrawFilter
from zhunsheng.web.inspection.models import Draw
from zhunsheng.web.inspection.views.pages import act, form_page, seal_of, see, tabs
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.public_log.models import LogEntry
from zhunsheng.web.registry.models import EntityStatus

STATE_KIND = {
    "announced": "warn", "executed": "info", "list_closed": "info", "assigned": "good", "opened": "good", "abandoned": "bad",
}  # fmt: skip
FRAME_PAGE = 100


@require_GET
def draws(request: UserRequest) -> HttpResponse:
    see(request)
    listing = Listing(
        request=request,
        queryset=queries.counted_draws(queries.visible_draws(request.user)),
        name="draws", title=_("抽取"), filterset_class=DrawFilter, default_sort="-announced_at",
        url=lambda draw: reverse("inspection:draw", args=[draw.no]),
        columns=[
            Column("no", gettext_lazy("抽取编号"), lambda draw: draw.no, order="no"),
            Column("plan", pgettext_lazy("one", "抽查计划"), lambda draw: draw.plan.name),
            Column("office", gettext_lazy("牵头机构"), lambda draw: named(draw.plan.office), hidden=True),
            Column("state", gettext_lazy("状态"), lambda draw: draw.get_state_display(), html=state_of, order="state"),
            Column("announced_at", gettext_lazy("公告时间"), lambda draw: draw.announced_at, order="announced_at"),
            Column("frame_size", gettext_lazy("名录单位数"), lambda draw: draw.frame_size, order="frame_size", numeric=True),
            Column("selected", gettext_lazy("抽取数"), lambda draw: draw.selected_count, order="selected_count", numeric=True),
            Column("published", gettext_lazy("已公示"), lambda draw: draw.published,
                   html=lambda draw: progress(draw.published, draw.selected_count, _("已公示")) if draw.selected_count else "—"),
        ],
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    return render(request, "inspection/list.html", {"listing": listing, "tabs": tabs("draws"), "title": _("抽取")})


def state_of(draw: Draw) -> Any:
    return state_tag(STATE_KIND[draw.state], draw.get_state_display())


def _draw(request: UserRequest, no: str) -> Draw:
    see(request)
    found = queries.visible_draws(request.user).select_related("announced_by", "executed_by", "abandoned_by")
    return get_object_or_404(found, no=no)


@require_GET
def draw(request: UserRequest, no: str) -> HttpResponse:
    found = _draw(request, no)
    now = timezone.now()
    terms = engine.read_terms(queries.announcement(found))
    names = queries.division_names()
    strata = [
        row | {
            "label": queries.stratum_label(found.plan.stratify_by, row["key"], names),
            "pi": row["n"] / row["size"] if row["size"] else None,
        }
        for row in found.strata
    ]  # fmt: skip
    asked = request.GET.get("unit", "").strip()
    unit = queries.find_in_frame(found, asked) if asked else None
    waiting = found.state == Draw.State.ANNOUNCED
    return render(request, "inspection/draw.html", {
        "draw": found,
        "state": state_of(found),
        "strata": strata,
        "totals": {key: sum(row[key] for row in found.strata) for key in ("size", "n", "capped")},
        "sources": [{"words": source_words(source), "id": source.id, "terms": source.terms} for source in terms.sources],
        "fallback": [{"hours": one.after_hours, "sources": [source_words(source) for source in one.sources]} for one in terms.fallback],
        "values": [one | {"at": queries.read_value(one).at} for one in found.values],
        "progress": queries.draw_progress(found),
        "events": _events(found),
        "seals": [seal_of(one) for one in LogEntry.objects.filter(subject=f"draw:{found.no}").order_by("index")],
        "asked": asked, "unit": unit, "unit_rank": queries.rank_in_stratum(found, unit) if unit else 0,
            "unit_stratum": queries.stratum_label(found.plan.stratify_by, unit.leaf["stratum"], names) if unit else "",
            "unit_status": dict(EntityStatus.choices).get(unit.leaf["status"], "") if unit else "",
        "why": _why(found), "public_url": _public_url(found),
        "open": waiting and now >= found.not_before,
        "may_execute": waiting and policy.may_execute(request.user, found),
        "may_assign": found.state == Draw.State.EXECUTED and policy.may_assign(request.user, found),
        "may_abandon": waiting and policy.may_abandon(request.user, found),
        "abandon_form": PublicReasonForm(prefix="abandon"),
    })  # fmt: skip


def _public_url(found: Draw) -> str:
    try:
        return reverse("portal:draw", args=[found.no])
    except NoReverseMatch:
        return ""


def _events(found: Draw) -> list[dict[str, Any]]:
    """What has happened and what is to come, oldest first."""
    events: list[dict[str, Any]] = [
        {"at": found.announced_at, "title": _("冻结名录并公告"), "by": found.announced_by, "kind": "good",
         "text": _("%(n)s 家入名录，实施细则 %(version)s") % {"n": found.frame_size, "version": found.rule_book.version}},
    ]  # fmt: skip
    if found.state == Draw.State.ABANDONED:
        return [
            *events,
            {
                "at": found.abandoned_at,
                "title": _("公开放弃"),
                "text": found.abandon_reason,
                "by": found.abandoned_by,
                "kind": "bad",
            },
        ]
    if found.executed_at:
        events.append({
            "at": found.executed_at, "title": _("公开抽取"), "by": found.executed_by, "kind": "good",
            "text": _("抽中 %(n)s 家；见证：%(witnesses)s") % {"n": found.selected_count, "witnesses": found.witnesses},
        })  # fmt: skip
    else:
        events.append({"at": found.not_before, "title": _("最早抽取时间"), "when": "now"})
    if found.assigned_at:
        events.append({"at": found.assigned_at, "title": _("派员"), "kind": "good"})
    else:
        events.append({"at": None, "title": _("派员"), "when": "now" if found.executed_at else "ahead"})
    events.append({"at": found.plan.ends_on, "title": _("检查截止"), "when": "ahead"})
    return events


def _why(found: Draw) -> dict[str, Any]:
    command = f"zhunsheng verify {found.no}.json"
    return {
        "sentence": _("名录先冻结并公告，随机数后从外部产生；每家的票号由种子和主体标识算出，各层票号最小的 n 家被抽中。任何人下载卷宗都可重算。"),
        "rule": engine.PROTOCOL, "version": found.rule_book.version,
        "inputs": [
            (_("公告哈希"), found.announcement_hash), (_("名录根哈希"), found.frame_root), (_("种子"), found.seed or "—"),
        ],
        "command": command, "url": _method_url(),
    }  # fmt: skip


def _method_url() -> str:
    try:
        return reverse("portal:method", args=["draw"])
    except NoReverseMatch:
        return ""


@require_GET
def frame(request: UserRequest, no: str) -> HttpResponse:
    """The frozen frame, a hundred units a page, with ticket and outcome."""
    found = _draw(request, no)
    page = request.GET.get("page", "1")
    number = max(int(page), 1) if page.isdecimal() and len(page) < 9 else 1
    rows, total = queries.frame_page(found, (number - 1) * FRAME_PAGE, FRAME_PAGE)
    if not rows and number > 1:
        raise Http404(_("名录没有这一页"))
    last = (total + FRAME_PAGE - 1) // FRAME_PAGE
    return render(request, "inspection/frame.html", {
        "draw": found, "rows": rows, "total": total, "page": number, "last": last,
        "previous_url": f"?page={number - 1}" if number > 1 else "", "next_url": f"?page={number + 1}" if number < last else "",
    })  # fmt: skip


@require_GET
def bundle(request: UserRequest, no: str) -> HttpResponse:
    """The bundle as a file, for `zhunsheng verify`."""
    found = _draw(request, no)
    response = HttpResponse(queries.bundle_bytes(found), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{found.no}.json"'
    return response


@require_GET
def announcement(request: UserRequest, no: str) -> HttpResponse:
    """The announcement as announced, readable."""
    found = _draw(request, no)
    text = json.dumps(queries.announcement(found), ensure_ascii=False, indent=2)
    return render(request, "inspection/announcement.html", {"draw": found, "text": text})


@require_http_methods(["GET", "POST"])
def execute(request: UserRequest, no: str) -> HttpResponse:
    found = _draw(request, no)
    if not policy.may_execute(request.user, found):
        raise PermissionDenied(_("只有牵头机构的经办人员或负责人可以执行抽取。"))
    terms = engine.read_terms(queries.announcement(found))
    asked = request.GET.get("fallback", "0")
    fallback = int(asked) if asked.isdecimal() and int(asked) <= len(terms.fallback) else 0
    back = reverse("inspection:draw", args=[no])
    if found.state != Draw.State.ANNOUNCED:
        messages.info(request, _("该抽取已经执行或已放弃"))
        return redirect(back)

    def save(form: Any) -> HttpResponse:
        actions.execute_draw(
            found, by=request.user, at=timezone.now(), values=form.values(), witnesses=form.cleaned_data["witnesses"],
            fallback=fallback, fallback_reason=form.cleaned_data.get("fallback_reason", ""),
        )  # fmt: skip
        messages.success(request, _("已抽取。结果从此不能更改"))
        return redirect(back)

    return form_page(
        request,
        lambda data, initial: ExecuteForm(
            data, initial=initial, sources=terms.sources_used(fallback), fallback=fallback, earliest=terms.earliest(fallback)
        ),
        save, title=_("执行抽取"), submit=_("算出种子并抽取"), back=back, crumbs=[(_("抽取"), reverse("inspection:draws")), (no, back)],
        lead=_("逐项录入公告的来源当众给出的值。抽取只能执行一次，不能重抽。"), template="inspection/execute.html", draw=found,
        fallback=fallback, fallbacks=len(terms.fallback), early=timezone.now() < found.not_before, earliest=terms.earliest(fallback),
    )  # fmt: skip


@require_POST
def assign(request: UserRequest, no: str) -> HttpResponse:
    found = _draw(request, no)
    back = reverse("inspection:draw", args=[no])
    return act(
        request,
        lambda: actions.assign_teams(found, by=request.user, at=timezone.now()),
        _("已派员并通知检查人员"),
        back,
    )


@require_POST
def abandon(request: UserRequest, no: str) -> HttpResponse:
    found = _draw(request, no)
    reason = request.POST.get("abandon-reason", "")
    back = reverse("inspection:draw", args=[no])
    return act(
        request, lambda: actions.abandon_draw(found, by=request.user, at=timezone.now(), reason=reason), _("已公开放弃，理由已写入公开存证日志"), back
    )  # fmt: skip
