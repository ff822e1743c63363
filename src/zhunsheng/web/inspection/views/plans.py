"""抽查计划: list, draft with a live preview of its strata, approve, close; and the announcement of a draw."""

import datetime
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import named, progress, state_tag
from zhunsheng.web.inspection import actions, policy, queries
from zhunsheng.web.inspection.forms.draws import AnnounceForm
from zhunsheng.web.inspection.forms.filters import PlanFilter
from zhunsheng.web.inspection.forms.plans import PlanForm, plan_initial
from zhunsheng.web.inspection.models import CheckItem, Draw, Plan
from zhunsheng.web.inspection.views.pages import act, form_page, see, tabs
from zhunsheng.web.people.models import Office
from zhunsheng.web.people.queries import UserRequest, offices_of
from zhunsheng.web.public_log.queries import history
from zhunsheng.web.public_log.words import tell

STATE_KIND = {"draft": "muted", "approved": "info", "running": "warn", "closed": "good"}


@require_GET
def plans(request: UserRequest) -> HttpResponse:
    see(request)
    listing = Listing(
        request=request, queryset=queries.counted_plans(queries.visible_plans(request.user)), name="plans", title=_("抽查计划"), filterset_class=PlanFilter,
        default_sort="-no", url=lambda plan: reverse("inspection:plan", args=[plan.pk]),
        columns=[
            Column("no", gettext_lazy("计划编号"), lambda plan: plan.no, order="no"),
            Column("name", gettext_lazy("计划名称"), lambda plan: plan.name, order="name"),
            Column("state", gettext_lazy("状态"), lambda plan: plan.get_state_display(), html=state_of, order="state"),
            Column("kind", gettext_lazy("抽查类型"), lambda plan: plan.get_kind_display(), order="kind"),
            Column("office", gettext_lazy("牵头机构"), lambda plan: named(plan.office)),
            Column("period", gettext_lazy("检查期间"), lambda plan: f"{plan.starts_on} – {plan.ends_on}"),
            Column("ends_on", gettext_lazy("检查结束"), lambda plan: plan.ends_on, order="ends_on", hidden=True),
            Column("drawn", gettext_lazy("抽取"), lambda plan: plan.drawn, numeric=True),
            Column("published", gettext_lazy("已公示"), lambda plan: plan.published,
                   html=lambda plan: progress(plan.published, plan.drawn, _("已公示")) if plan.drawn else "—"),
        ],
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    return render(request, "inspection/list.html", {
        "listing": listing, "tabs": tabs("plans"), "title": _("抽查计划"),
        "add_url": reverse("inspection:add_plan") if policy.may_draft_plan(request.user) else "", "add_label": _("拟定计划"),
    })  # fmt: skip


def state_of(plan: Plan) -> Any:
    return state_tag(STATE_KIND[plan.state], plan.get_state_display())


def _plan(request: UserRequest, pk: int) -> Plan:
    see(request)
    return get_object_or_404(queries.visible_plans(request.user).select_related("created_by", "approved_by"), pk=pk)


@require_GET
def plan(request: UserRequest, pk: int) -> HttpResponse:
    found = _plan(request, pk)
    today = timezone.localdate()
    draws = list(found.draws.order_by("-announced_at"))
    standing = any(one.state == "announced" for one in draws)
    return render(request, "inspection/plan.html", {
        "plan": found,
        "items": found.items.select_related("office").order_by("code"),
        "joint": found.joint_offices.all(),
        "scope": queries.scope_words(found.scope),
        "ratios": [(ratio_label(key), percent_plain(value)) for key, value in found.ratios.items()],
        "state": state_of(found),
        "preview": queries.preview_of(found, today) if found.state in {"draft", "approved"} else None,
        "draws": draws,
        "progress": queries.plan_progress([found]).get(found.pk),
        "acts": [tell(one) for one in history("plan", found.no)[:20]],
        "may_edit": policy.may_edit_plan(request.user, found),
        "may_approve": found.state == "draft" and policy.may_approve_plan(request.user, found),
        "may_announce": found.state in {"approved", "running"} and not standing and policy.may_announce(request.user, found),
        "may_close": found.state == "running" and policy.may_close_plan(request.user, found),
    })  # fmt: skip


def percent_plain(ratio: str) -> str:
    """A ratio in per cent, without digits that say nothing."""
    return f"{(Decimal(ratio) * 100).normalize():f} %"


def ratio_label(key: str) -> str:
    return _("未分类或不按分类") if key == queries.UNCLASSED else key


def _form_for(request: UserRequest, existing: Plan | None) -> Any:
    today = timezone.localdate()
    offices = offices_of(request.user, ("member", "head"))
    return lambda data, initial: PlanForm(data, initial=initial, offices=offices, on=today, plan=existing)


@require_http_methods(["GET", "POST"])
def add_plan(request: UserRequest) -> HttpResponse:
    if not policy.may_draft_plan(request.user):
        raise PermissionDenied(_("只有牵头机构的经办人员或负责人可以拟定抽查计划。"))
    today = timezone.localdate()

    def save(form: Any) -> HttpResponse:
        made = actions.draft_plan(
            by=request.user, at=timezone.now(), office=form.cleaned_data["office"], **form.values()
        )
        messages.success(request, _("已拟定计划 %(no)s，请负责人批准") % {"no": made.no})
        return redirect("inspection:plan", made.pk)

    chosen = CheckItem.objects.filter(pk__in=[pk for pk in request.GET.getlist("item") if pk.isdecimal()])
    initial = {
        "year": today.year, "kind": "undirected", "items": list(chosen), "stratify_by": "risk_class", "team_size": 2,
        "office": offices_of(request.user, ("member", "head")).first(), "starts_on": today,
        "ends_on": datetime.date(today.year, 12, 31),
    }  # fmt: skip
    return form_page(
        request, _form_for(request, None), save, title=_("拟定抽查计划"), submit=_("保存草案"), back=reverse("inspection:plans"),
        crumbs=[(_("抽查计划"), reverse("inspection:plans"))], initial=initial, template="inspection/plan_form.html",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def edit_plan(request: UserRequest, pk: int) -> HttpResponse:
    found = _plan(request, pk)
    if not policy.may_edit_plan(request.user, found):
        raise PermissionDenied(_("只有草案可以由牵头机构的经办人员或负责人修改。"))

    def save(form: Any) -> HttpResponse:
        actions.edit_plan(found, by=request.user, at=timezone.now(), **form.values())
        messages.success(request, _("已修改计划"))
        return redirect("inspection:plan", found.pk)

    back = reverse("inspection:plan", args=[found.pk])
    return form_page(
        request, _form_for(request, found), save, title=_("修改抽查计划"), submit=_("保存"), back=back, initial=plan_initial(found),
        crumbs=[(_("抽查计划"), reverse("inspection:plans")), (found.no, back)], template="inspection/plan_form.html",
        lead=_("最后修改的人即为拟稿人，须由另一名负责人批准。"), plan=found,
    )  # fmt: skip


@require_POST
def preview_plan(request: UserRequest) -> HttpResponse:
    """The strata and warnings of a plan that is being written, as a fragment: nothing is stored."""
    if not policy.may_draft_plan(request.user):
        raise PermissionDenied(_("只有牵头机构的经办人员或负责人可以拟定抽查计划。"))
    form = _form_for(request, None)(request.POST, {})
    for name in ("name", "office", "joint_offices", "team_size", "kind", "year"):
        form.fields[name].required = False  # the strata do not depend on them
    found = None
    today = timezone.localdate()
    if form.is_valid():
        asked = form.cleaned_data
        found = queries.preview(
            scope=form.scope(), items=list(asked["items"]), stratify_by=asked["stratify_by"], ratios=form.ratios(), on=today,
            starts_on=asked["starts_on"], ends_on=asked["ends_on"],
        )  # fmt: skip
    suggested: list[str] = []
    if "items" in form.cleaned_data:
        codes = queries.lead_offices(form.cleaned_data["items"], today)
        suggested = [named(office) for office in Office.objects.filter(code__in=codes)]
    return render(request, "inspection/_preview.html", {"preview": found, "form": form, "suggested": suggested})


@require_POST
def approve_plan(request: UserRequest, pk: int) -> HttpResponse:
    found = _plan(request, pk)
    back = reverse("inspection:plan", args=[pk])
    return act(
        request, lambda: actions.approve_plan(found, by=request.user, at=timezone.now()), _("计划已批准并公开"), back
    )


@require_POST
def close_plan(request: UserRequest, pk: int) -> HttpResponse:
    found = _plan(request, pk)
    back = reverse("inspection:plan", args=[pk])
    return act(request, lambda: actions.close_plan(found, by=request.user, at=timezone.now()), _("计划已办结"), back)


@require_http_methods(["GET", "POST"])
def announce(request: UserRequest, pk: int) -> HttpResponse:
    found = _plan(request, pk)
    if not policy.may_announce(request.user, found):
        raise PermissionDenied(_("只有牵头机构的经办人员或负责人可以公告抽取。"))
    today, back = timezone.localdate(), reverse("inspection:plan", args=[found.pk])
    if request.method == "GET":  # say so before the form is filled in, not after
        if found.state not in {Plan.State.APPROVED, Plan.State.RUNNING}:
            messages.warning(request, _("计划尚未批准或已办结，不能公告抽取。"))
            return redirect(back)
        if standing := found.draws.filter(state=Draw.State.ANNOUNCED).first():
            no = standing.no
            messages.warning(
                request, _("该计划已有公告未执行的抽取 %(no)s；请先执行或公开放弃，不能另行公告。") % {"no": no}
            )
            return redirect("inspection:draw", no)

    def save(form: Any) -> HttpResponse:
        asked = form.cleaned_data
        made = actions.announce_draw(
            found, by=request.user, at=timezone.now(), not_before=asked["not_before"], sources=asked["sources"], fallback=asked["fallback"]
        )  # fmt: skip
        messages.success(request, _("名录已冻结，抽取 %(no)s 已公告") % {"no": made.no})
        return redirect("inspection:draw", made.no)

    tomorrow = timezone.localtime() + datetime.timedelta(hours=25)
    return form_page(
        request, lambda data, initial: AnnounceForm(data, initial=initial, on=today), save, title=_("公告抽取"),
        submit=_("冻结名录并公告"), back=back, crumbs=[(_("抽查计划"), reverse("inspection:plans")), (found.no, back)],
        initial={
            "not_before": tomorrow.replace(minute=0, second=0, microsecond=0).strftime("%Y-%m-%dT%H:%M"), "profile": "ceremony",
            "party_1": _("纪检监察机关"), "party_2": _("群众代表"), "fallback_hours": "",
        },
        template="inspection/announce.html", plan=found, preview=queries.preview_of(found, today),
        next_no=queries.next_draw_no(found.office, today), book=queries.rule_book_on(today),
    )  # fmt: skip
