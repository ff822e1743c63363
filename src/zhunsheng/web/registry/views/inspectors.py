"""检查人员: list, detail, edit, leave, qualifications, recusals."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from zhunsheng.web.common.errors import NotAllowed, Refused, onto, say
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.records import in_force
from zhunsheng.web.common.templatetags.zs import day, named, state_tag
from zhunsheng.web.desk.importing import kinds_for
from zhunsheng.web.people import step_up
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.registry import actions, forms, policy, queries, words
from zhunsheng.web.registry.filters import InspectorFilter
from zhunsheng.web.registry.models import Inspector, Qualification, Recusal
from zhunsheng.web.registry.views.pages import allow, form_page, timeline, typed

WHO_MAY = "检查人员由本机构的经办或负责人登记"


def status_tag(inspector: Inspector, today: Any) -> SafeString:
    if inspector.status == "left":
        return state_tag("muted", _("离岗"))
    return (
        state_tag("warn", _("请假"))
        if inspector.status == "leave" or queries.on_leave(inspector, today)
        else state_tag("good", _("在岗"))
    )


def certificate_tag(until: Any, today: Any) -> SafeString:
    """The last day of a certificate, with a warning before and after it."""
    state = queries.certificate_state(until, today)
    if state == "none":
        return state_tag("muted", _("没有记有效期"))
    mark = {"expired": ("bad", _("已过期")), "soon": ("warn", _("将到期"))}.get(state)
    return format_html("{} {}", day(until), state_tag(*mark)) if mark else SafeString(day(until))


@require_GET
@step_up.required("export", when=step_up.exporting)
def inspectors(request: UserRequest) -> HttpResponse:
    allow(policy.may_see(request.user), _("名录库由工作人员查阅"))
    today = timezone.localdate()
    people = queries.inspectors_visible_to(request.user).prefetch_related(
        Prefetch(
            "qualifications", Qualification.objects.filter(in_force(today)).order_by("speciality"), to_attr="valid_now"
        )
    )
    listing = Listing(
        request,
        people,
        [
            Column("person_no", _("人员编号"), lambda one: one.person_no, order="person_no"),
            Column("name", _("姓名"), lambda one: one.name, order="name"),
            Column("office", _("机构"), lambda one: named(one.office)),
            Column(
                "status", _("状态"), lambda one: str(one.get_status_display()), html=lambda one: status_tag(one, today)
            ),
            Column(
                "certificate",
                _("执法证有效期至"),
                lambda one: one.certificate_valid_to,
                html=lambda one: certificate_tag(one.certificate_valid_to, today),
            ),
            Column(
                "specialities",
                _("专业"),
                lambda one: _("；").join(dict.fromkeys(words.speciality(row.speciality) for row in one.valid_now)),
            ),
            Column("certificate_no", _("执法证号"), lambda one: one.certificate_no, hidden=True),
            Column("level", _("层级"), lambda one: str(one.get_level_display()), hidden=True),
            Column("home", _("常驻区划"), lambda one: one.home_division_id or "", hidden=True),
        ],
        name=_("检查人员"),
        title=_("检查人员"),
        filterset_class=InspectorFilter,
        default_sort="person_no",
        url=lambda one: reverse("registry:inspector", args=[one.pk]),
    )
    if listing.wants_export:
        return listing.export()
    return render(
        request,
        "registry/inspectors.html",
        {
            "listing": listing,
            "expiring": queries.expiring(request.user, today),
            "may_add": policy.may_add_inspector(request.user),
            "kinds": [kind for kind in kinds_for(request.user) if kind.code in ("inspectors", "recusals")],
        },
    )


def _inspector(request: UserRequest, pk: int) -> Inspector:
    inspector = get_object_or_404(Inspector.objects.select_related("office", "user", "home_division"), pk=pk)
    seen = queries.inspectors_visible_to(request.user).filter(pk=pk).exists() and policy.may_see(request.user)
    allow(seen or policy.is_self(request.user, inspector), _("这名检查人员不在您的辖区"))
    return inspector


@require_GET
def inspector_page(request: UserRequest, pk: int) -> HttpResponse:
    inspector = _inspector(request, pk)
    today = timezone.localdate()
    recusals = list(inspector.recusals.select_related("entity").order_by("-declared_on", "-pk"))
    return render(
        request,
        "registry/inspector.html",
        {
            "inspector": inspector,
            "status": status_tag(inspector, today),
            "certificate": certificate_tag(inspector.certificate_valid_to, today),
            "certificate_state": queries.certificate_state(inspector.certificate_valid_to, today),
            "place": queries.division_name(queries.divisions(request), inspector.home_division_id),
            "qualifications": [
                (row, words.speciality(row.speciality), queries.certificate_state(row.valid_to, today) if row.valid_to else "good", row.valid_from and row.valid_from > today)
                for row in inspector.qualifications.order_by("speciality", "valid_from")
            ],
            "recusals": [
                (row, words.recusal_kind(row.kind), row.valid_to is None or row.valid_to >= today, policy.may_see_entity(request.user, row.entity))
                for row in recusals
            ],
            "may_edit": policy.may_edit_inspector(request.user, inspector),
            "may_declare": policy.may_declare_recusal(request.user, inspector),
            "may_end": policy.may_edit_inspector(request.user, inspector) and not policy.is_self(request.user, inspector),
            "today": today,
            **timeline(request, "inspector", inspector),
        },
    )  # fmt: skip


def _crumbs(*more: tuple[str, str]) -> list[tuple[str, str]]:
    return [(_("工作台"), "desk:home"), (_("名录库"), "registry:home"), (_("检查人员"), "registry:inspectors"), *more]


@require_http_methods(["GET", "POST"])
def add(request: UserRequest) -> HttpResponse:
    allow(policy.may_add_inspector(request.user), _(WHO_MAY))
    form = forms.InspectorForm(typed(request), request=request)

    def save(data: dict[str, Any]) -> HttpResponse:
        inspector = actions.register_inspector(form.values(), by=request.user, at=timezone.now())
        messages.success(request, _("已登记检查人员 %(no)s。") % {"no": inspector.person_no})
        return redirect("registry:inspector", inspector.pk)

    return form_page(
        request,
        form,
        save,
        title=_("登记检查人员"),
        submit=_("登记"),
        back=reverse("registry:inspectors"),
        crumbs=_crumbs(),
    )


@require_http_methods(["GET", "POST"])
def edit(request: UserRequest, pk: int) -> HttpResponse:
    inspector = _inspector(request, pk)
    allow(policy.may_edit_inspector(request.user, inspector), _(WHO_MAY))
    form = forms.InspectorForm(typed(request), request=request, inspector=inspector)
    conflict: list[tuple[str, str, str]] = []
    status = 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                actions.change_inspector(
                    inspector,
                    form.values(),
                    version=form.cleaned_data["version"] or 0,
                    by=request.user,
                    at=timezone.now(),
                )
            except actions.ChangedMeanwhile as problem:
                conflict = [
                    (words.label_of(Inspector, name), _read(name, getattr(problem.row, name)), _read(name, value))
                    for name, value in form.values().items()
                    if getattr(problem.row, name) != value
                ]
                data = request.POST.copy()
                data["version"] = str(problem.row.version)
                form = forms.InspectorForm(data, request=request, inspector=problem.row)
                form.is_valid()
                form.add_error(None, say(problem))
            except NotAllowed as problem:
                raise PermissionDenied(say(problem)) from problem
            except Refused as problem:
                onto(form, problem)
            else:
                messages.success(request, _("已保存。"))
                return redirect("registry:inspector", pk)
    return render(
        request, "registry/edit.html", {"form": form, "inspector": inspector, "conflict": conflict}, status=status
    )


def _read(name: str, value: Any) -> str:
    if name in ("office", "home_division"):
        return named(value)
    return day(value) if hasattr(value, "isoformat") else words.value_of(Inspector, name, value)


@require_http_methods(["GET", "POST"])
def leave(request: UserRequest, pk: int) -> HttpResponse:
    inspector = _inspector(request, pk)
    allow(policy.may_edit_inspector(request.user, inspector), _(WHO_MAY))
    back = reverse("registry:inspector", args=[pk])
    form = forms.LeaveForm(typed(request), initial={"leave_from": inspector.leave_from, "leave_to": inspector.leave_to})

    def save(data: dict[str, Any]) -> HttpResponse:
        actions.set_leave(inspector, by=request.user, at=timezone.now(), **data)
        messages.success(request, _("已保存。"))
        return redirect(back)

    return form_page(
        request, form, save, title=_("请假"), submit=_("保存"), back=back, crumbs=_crumbs((inspector.person_no, back)),
        lead=_("请假期间的抽查不会抽到此人。"),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def add_qualification(request: UserRequest, pk: int) -> HttpResponse:
    inspector = _inspector(request, pk)
    allow(policy.may_edit_inspector(request.user, inspector), _(WHO_MAY))
    back = reverse("registry:inspector", args=[pk])

    def save(data: dict[str, Any]) -> HttpResponse:
        speciality = data.pop("speciality")
        actions.add_qualification(inspector, speciality, by=request.user, at=timezone.now(), **data)
        messages.success(request, _("已登记资质。"))
        return redirect(back)

    return form_page(
        request, forms.QualificationForm(typed(request)), save, title=_("登记资质"), submit=_("登记"), back=back,
        crumbs=_crumbs((inspector.person_no, back)),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def end_qualification(request: UserRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Qualification.objects.select_related("inspector__office"), pk=pk)
    allow(policy.may_edit_inspector(request.user, row.inspector), _(WHO_MAY))
    back = reverse("registry:inspector", args=[row.inspector_id])

    def save(data: dict[str, Any]) -> HttpResponse:
        actions.end_qualification(row, on=data["on"], by=request.user, at=timezone.now())
        messages.success(request, _("已结束资质；记录留着。"))
        return redirect(back)

    return form_page(
        request, forms.EndForm(typed(request)), save, title=_("结束资质"), submit=_("结束"), back=back, kind="danger",
        crumbs=_crumbs((row.inspector.person_no, back)), lead=words.speciality(row.speciality),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def declare_recusal(request: UserRequest, pk: int) -> HttpResponse:
    inspector = _inspector(request, pk)
    allow(policy.may_declare_recusal(request.user, inspector), _("回避由本人申报，或由本机构的经办、负责人登记"))
    back = reverse("registry:inspector", args=[pk])

    def save(data: dict[str, Any]) -> HttpResponse:
        entity, kind = data.pop("unit_id"), data.pop("kind")
        actions.declare_recusal(inspector, entity, kind, by=request.user, at=timezone.now(), **data)
        messages.success(request, _("已登记回避关系。以后的抽查不会把两者配在一起。"))
        return redirect(back)

    return form_page(
        request, forms.RecusalForm(typed(request)), save, title=_("申报回避"), submit=_("申报"), back=back,
        crumbs=_crumbs((inspector.person_no, back)), lead=_("依据：行政处罚法（2021年修订）第四十三条。"),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def end_recusal(request: UserRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Recusal.objects.select_related("inspector__office", "entity"), pk=pk)
    allow(policy.may_end_recusal(request.user, row), _("回避关系由本机构的经办或负责人解除，不能由本人解除"))
    back = reverse("registry:inspector", args=[row.inspector_id])

    def save(data: dict[str, Any]) -> HttpResponse:
        actions.end_recusal(row, by=request.user, at=timezone.now(), **data)
        messages.success(request, _("已解除回避关系；记录留着。"))
        return redirect(back)

    return form_page(
        request, forms.EndRecusalForm(typed(request)), save, title=_("解除回避"), submit=_("解除"), back=back, kind="danger",
        crumbs=_crumbs((row.inspector.person_no, back)), lead=f"{row.inspector.person_no} × {row.entity.name}",
    )  # fmt: skip
