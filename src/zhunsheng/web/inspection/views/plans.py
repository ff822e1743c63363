"""抽查计划: list, draft with a live preview of its strata, approve, close; and the announcement of a draw."""

import datetime
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.pages import act
from zhunsheng.web.common.templatetags.zs import named, progress, state_tag
from zhunsheng.web.inspection import actions, policy, queries
from zhunsheng.web.inspection.forms.draws import AnnounceForm
from zhunsheng.web.inspection.forms.filters import PlanFilter
from zhunsheng.web.inspection.forms.plans import ListForm, PeopleForm, ScopeForm, StrataForm, WhatForm
from zhunsheng.web.inspection.models import CheckItem, Draw, Plan
from zhunsheng.web.inspection.views.pages import form_page, see, tabs
from zhunsheng.web.people import step_up
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
    preview = queries.preview_of(found, today) if found.state in {"draft", "approved"} else None
    return render(request, "inspection/plan.html", {
        "plan": found,
        "items": found.items.select_related("office").order_by("code"),
        "lists": _list_rows(request, found),
        "scope": queries.scope_words(found.scope),
        "ratios": [(ratio_label(key), percent_plain(value)) for key, value in found.ratios.items()],
        "state": state_of(found),
        "preview": preview,
        "draws": draws,
        "progress": queries.plan_progress([found]).get(found.pk),
        "acts": [tell(one) for one in history("plan", found.no)[:20]],
        "may_edit": policy.may_edit_plan(request.user, found),
        "forecast": queries.forecast(found, preview, today) if preview else None,
        "calendar": queries.calendar(found, today) if preview else None,
        "may_approve": found.state == "draft" and found.submitted_at is not None and policy.may_approve_plan(request.user, found),
        "may_announce": found.state in {"approved", "running"} and not standing and policy.may_announce(request.user, found),
        "may_close": found.state == "running" and policy.may_close_plan(request.user, found),
    })  # fmt: skip


def percent_plain(ratio: str) -> str:
    """A ratio in per cent, without digits that say nothing."""
    return f"{(Decimal(ratio) * 100).normalize():f} %"


def ratio_label(key: str) -> str:
    return _("未分类或不按分类") if key == queries.UNCLASSED else key


# -- drafting: five steps, each saved, back and forth ---------------------------------------------------------------------
STEPS = ("what", "scope", "strata", "people", "review")


def step_words() -> dict[str, str]:
    return {
        "what": _("事项"), "scope": _("范围和名单"), "strata": _("分层和数量"), "people": _("日程和人员"), "review": _("核对并提交"),
    }  # fmt: skip


def _steps(plan: Plan | None, current: str) -> list[dict[str, Any]]:
    return [
        {
            "label": label, "current": name == current, "no": number,
            "url": reverse("inspection:plan_step", args=[plan.pk, name]) if plan else "",
        }
        for number, (name, label) in enumerate(step_words().items(), 1)
    ]  # fmt: skip


def _may_draft(request: UserRequest) -> None:
    if not policy.may_draft_plan(request.user):
        raise PermissionDenied(_("只有牵头机构的经办人员或负责人可以拟定抽查计划。"))


@require_http_methods(["GET", "POST"])
def add_plan(request: UserRequest) -> HttpResponse:
    """Step 1 of a new plan. Once it is saved there is a draft, and the other steps change it."""
    _may_draft(request)
    today = timezone.localdate()
    offices = offices_of(request.user, ("member", "head"))
    schemes = {key: one for key, one in queries.ratio_schemes(today).items() if one["role"] != "minimum"}

    def save(form: Any) -> HttpResponse:
        values = form.values()
        scheme, terms = next(iter(schemes.items()), ("", {"ratios": {"*": "0.03"}}))
        year = values["year"]
        made = actions.draft_plan(
            by=request.user, at=timezone.now(), office=form.cleaned_data["office"], ratios=terms["ratios"], ratio_scheme=scheme,
            starts_on=max(today, datetime.date(year, 1, 1)) if year >= today.year else datetime.date(year, 1, 1),
            ends_on=datetime.date(year, 12, 31), submit=False, **values,
        )  # fmt: skip
        messages.success(request, _("已保存计划草案 %(no)s") % {"no": made.no})
        return redirect("inspection:plan_step", made.pk, "scope")

    chosen = CheckItem.objects.filter(pk__in=[pk for pk in request.GET.getlist("item") if pk.isdecimal()])
    initial = {
        "year": today.year, "kind": "undirected", "mode": "open", "items": list(chosen), "office": offices.first(),
    }  # fmt: skip
    return form_page(
        request, lambda data, initial: WhatForm(data, initial=initial, offices=offices, on=today), save, title=_("拟定抽查计划"),
        submit=_("保存并继续"), back=reverse("inspection:plans"), crumbs=[(_("抽查计划"), reverse("inspection:plans"))], initial=initial,
        template="inspection/plan_step.html", steps=_steps(None, "what"),
    )  # fmt: skip


@require_GET
def edit_plan(request: UserRequest, pk: int) -> HttpResponse:
    """Goes to the first step of a draft."""
    found = _draft(request, pk)
    return redirect("inspection:plan_step", found.pk, "what")


def _draft(request: UserRequest, pk: int) -> Plan:
    found = _plan(request, pk)
    if not policy.may_edit_plan(request.user, found):
        raise PermissionDenied(_("只有草案可以由牵头机构的经办人员或负责人修改。"))
    return found


@require_http_methods(["GET", "POST"])
def plan_step(request: UserRequest, pk: int, step: str) -> HttpResponse:
    """One step of a draft: saved, then on to the next, or back, or seen again with what it makes of the strata."""
    if step not in STEPS:
        raise Http404(_("没有这一步"))
    found, today = _draft(request, pk), timezone.localdate()
    if step == "review":
        return _review(request, found, today)

    def save(form: Any) -> HttpResponse:
        before = found.created_by_id
        actions.edit_plan(found, by=request.user, at=timezone.now(), **form.values())
        messages.success(request, _("已保存"))
        if before != request.user.pk:
            messages.info(request, _("最后修改的人即为拟稿人，须由另一名负责人批准。"))
        place = STEPS.index(step)
        wanted = {"back": STEPS[max(place - 1, 0)], "stay": step}.get(request.POST.get("go", ""), STEPS[place + 1])
        return redirect("inspection:plan_step", found.pk, wanted)

    makers: dict[str, tuple[Any, Any]] = {
        "what": (
            lambda data, initial: WhatForm(
                data, initial=initial, offices=offices_of(request.user, ("member", "head")), on=found.starts_on, plan=found
            ),
            WhatForm,
        ),
        "scope": (lambda data, initial: ScopeForm(data, initial=initial), ScopeForm),
        "strata": (lambda data, initial: StrataForm(data, initial=initial, on=found.starts_on), StrataForm),
        "people": (lambda data, initial: PeopleForm(data, initial=initial), PeopleForm),
    }  # fmt: skip
    make, kind = makers[step]
    preview = queries.preview_of(found, today) if step in {"scope", "strata", "people"} else None
    place = STEPS.index(step)
    return form_page(
        request, make, save, title=step_words()[step], submit=_("保存并继续"), back=reverse("inspection:plan", args=[found.pk]),
        crumbs=[(_("抽查计划"), reverse("inspection:plans")), (found.no, reverse("inspection:plan", args=[found.pk]))],
        initial=kind.of(found), template="inspection/plan_step.html", plan=found, steps=_steps(found, step), step=step,
        preview=preview, first=place == 0, previous=reverse("inspection:plan_step", args=[found.pk, STEPS[max(place - 1, 0)]]),
        preview_url=reverse("inspection:preview_plan", args=[found.pk, step]) if step in {"scope", "strata"} else "",
        forecast=queries.forecast(found, preview, today) if preview and step in {"strata", "people"} else None,
        calendar=queries.calendar(found, today) if step == "people" else None,
        lists=_list_rows(request, found) if step == "scope" else None, suggested=_suggested(found, today) if step == "what" else [],
    )  # fmt: skip


def _suggested(found: Plan, today: datetime.date) -> list[str]:
    """Offices that should lead a plan of these items, where the plan's own is not among them."""
    codes = queries.lead_offices(found.items.all(), today)
    return [] if found.office.code in codes else [named(office) for office in Office.objects.filter(code__in=codes)]


def _list_rows(request: UserRequest, found: Plan) -> list[dict[str, Any]]:
    return [
        {
            "office": one.office, "confirmed": one.confirmed_at, "items": one.items.count(), "name": one.name,
            "url": reverse("inspection:plan_list", args=[found.pk, one.pk]), "mine": policy.may_fill_list(request.user, one),
        }
        for one in found.further_lists.select_related("office")
    ]  # fmt: skip


def _review(request: UserRequest, found: Plan, today: datetime.date) -> HttpResponse:
    if request.method == "POST":
        return act(
            request, lambda: actions.submit_plan(found, by=request.user, at=timezone.now()), _("已提交，等待负责人批准"),
            reverse("inspection:plan", args=[found.pk]),
        )  # fmt: skip
    preview = queries.preview_of(found, today)
    return render(request, "inspection/plan_review.html", {
        "plan": found, "steps": _steps(found, "review"), "title": step_words()["review"], "preview": preview,
        "forecast": queries.forecast(found, preview, today), "calendar": queries.calendar(found, today),
        "lists": _list_rows(request, found), "items": found.items.select_related("office").order_by("code"),
        "scope": queries.scope_words(found.scope), "ratios": [(ratio_label(key), percent_plain(value)) for key, value in found.ratios.items()],
        "previous": reverse("inspection:plan_step", args=[found.pk, "people"]),
    })  # fmt: skip


@require_POST
def preview_plan(request: UserRequest, pk: int, step: str) -> HttpResponse:
    """The strata as they would be with what is on the screen, as a fragment: nothing is stored."""
    found, today = _draft(request, pk), timezone.localdate()
    form: Any = ScopeForm(request.POST) if step == "scope" else StrataForm(request.POST, on=found.starts_on)
    preview = None
    if form.is_valid():
        for name, value in form.values().items():
            setattr(found, name, value)  # on the object in hand only
        preview = queries.preview_of(found, today)
    return render(request, "inspection/_preview.html", {
        "preview": preview, "form": form, "forecast": queries.forecast(found, preview, today) if preview else None, "plan": found,
    })  # fmt: skip


@require_http_methods(["GET", "POST"])
def plan_list(request: UserRequest, pk: int, part: int) -> HttpResponse:
    """A joined office's list: that office writes and confirms it; others read it."""
    found = _plan(request, pk)
    row = get_object_or_404(found.further_lists.select_related("office", "plan__office", "confirmed_by"), pk=part)
    here = reverse("inspection:plan_list", args=[pk, part])
    may = found.state == Plan.State.DRAFT and policy.may_fill_list(request.user, row)
    if request.method == "POST" and not may:
        raise PermissionDenied(_("联合抽查的名单由该机构的经办人员或负责人填写。"))
    if request.method == "POST" and request.POST.get("do") == "confirm":
        return act(
            request,
            lambda: actions.confirm_list(row, by=request.user, at=timezone.now()),
            _("已确认本机构的名单"),
            here,
        )

    def save(form: Any) -> HttpResponse:
        actions.fill_list(row, by=request.user, at=timezone.now(), **form.values())
        messages.success(request, _("已保存。核对下面的分层后，请确认名单"))
        return redirect(here)

    preview = queries.preview_of(found, timezone.localdate())
    mine = [one for one in preview.strata if one.key.startswith(f"{row.name}/")]
    return form_page(
        request, lambda data, initial: ListForm(data, initial=initial, part=row, on=found.starts_on), save,
        title=_("%(office)s的名单") % {"office": named(row.office)}, submit=_("保存名单"), back=reverse("inspection:plan", args=[pk]),
        crumbs=[(_("抽查计划"), reverse("inspection:plans")), (found.no, reverse("inspection:plan", args=[pk]))], initial=ListForm.of(row),
        template="inspection/plan_list.html", plan=found, part=row, may=may, strata=mine, items=row.items.order_by("code"),
        scope=queries.scope_words(row.scope), ratios=[(ratio_label(key), percent_plain(value)) for key, value in row.ratios.items()],
    )  # fmt: skip


@require_POST
@step_up.required("publish")
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
@step_up.required("publish", when=step_up.sending)
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
            found, by=request.user, at=timezone.now(), not_before=asked["not_before"], sources=asked["sources"], fallback=asked["fallback"],
            second_sources=asked["second_sources"], second_fallback=asked["second_fallback"], open_by=asked.get("open_by"), suite=asked["suite"],
        )  # fmt: skip
        messages.success(request, _("名录已冻结，抽取 %(no)s 已公告") % {"no": made.no})
        return redirect("inspection:draw", made.no)

    tomorrow = (timezone.localtime() + datetime.timedelta(hours=25)).replace(minute=0, second=0, microsecond=0)
    form = AnnounceForm(on=today, plan=found)
    return form_page(
        request, lambda data, initial: AnnounceForm(data, initial=initial, on=today, plan=found), save, title=_("公告抽取"),
        submit=_("冻结名录并公告"), back=back, crumbs=[(_("抽查计划"), reverse("inspection:plans")), (found.no, back)],
        initial={
            "not_before": tomorrow.strftime("%Y-%m-%dT%H:%M"), "profiles": ["ceremony"], "second_profiles": ["ceremony"],
            "mechanical": ["dice"], "rolls": 10, "party_1": _("纪检监察机关"), "party_2": _("群众代表"), "suite": "sha256",
            "open_by": queries.suggested_open_by(found, today), **{f"default_{n}": f"not-revealed-{n}" for n in range(1, 5)},
        },
        template="inspection/announce.html", parties=range(1, 5), plan=found, preview=queries.preview_of(found, today), profiles=form.profile_rows(),
        next_no=queries.next_draw_no(found.office, today), book=queries.rule_book_on(today), sealed=found.mode == Plan.Mode.SEALED,
    )  # fmt: skip
