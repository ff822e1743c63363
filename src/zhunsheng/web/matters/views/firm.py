"""/firm/matters/: what a firm has to do, by when and why; what it may begin; the code for who filed at the counter."""

import datetime
import re
import secrets
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from zhunsheng.engine import clock
from zhunsheng.engine import procedure as engine
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.procedure import Procedure, Status, Step
from zhunsheng.web.common.errors import NotAllowed, Refused, language, onto, say
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import day, due, named, state_tag
from zhunsheng.web.desk.actions import attach
from zhunsheng.web.desk.providers import Section
from zhunsheng.web.matters import actions, intake, policy, queries, words
from zhunsheng.web.matters.forms.public import MaterialForm
from zhunsheng.web.matters.forms.steps import StepForm, step_form
from zhunsheng.web.matters.models import Disclosure, Matter
from zhunsheng.web.matters.views import reading
from zhunsheng.web.matters.views.pages import material_page
from zhunsheng.web.people.models import Office
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.registry.models import BusinessEntity, FirmAccount

ENTERPRISE = "enterprise"
#: the step by which who began a matter gives it up
WITHDRAW = "withdraw"
#: a record that an objection may be about, as the audit trail names it
ORIGIN = re.compile(r"(disclosure|visit):[\w-]{1,60}")


@dataclass(frozen=True, slots=True)
class Beginning:
    """A kind of matter that a firm may begin about itself. `case`: the fact that decides which office takes it."""

    code: str
    title: "str | Promise"
    lead: "str | Promise"
    case: str = ""


BEGINNINGS = (
    Beginning("accident", gettext_lazy("报告质量事故"), gettext_lazy("报告时限从知悉时起算，不从填表时起算；先报后补。先拨打 119、120、110 救人。"), "kind"),
    Beginning("defect_filing", gettext_lazy("工程质量缺陷备案"), gettext_lazy("发现、记录、分析、处理、验收、备案，一步一步留下依据。"), "sector"),
    Beginning("recall", gettext_lazy("登记产品缺陷和召回"), gettext_lazy("产品有缺陷的，登记后提交召回计划、报告进展和总结。")),
    Beginning("objection", gettext_lazy("对公示内容提出异议"), gettext_lazy("认为公示的处罚、检查结果等有误的，写明哪一条、为什么。")),
    Beginning("credit_repair", gettext_lazy("申请信用修复"), gettext_lazy("处罚信息公示满最短期限、义务已经履行的，可以申请提前停止公示。")),
    Beginning("re_test", gettext_lazy("登记检验结论、申请复检"), gettext_lazy("对监督抽查的检验结论有异议的，在期限内申请复检。")),
)  # fmt: skip


def _entity(request: HttpRequest) -> BusinessEntity:
    """The firm of the account: it comes from the account and from nothing in the address."""
    account = FirmAccount.objects.select_related("entity__division__parent").filter(user=request.user.pk).first()
    if account is None:
        raise PermissionDenied(_("这一页是企业账号的。工作人员请到办件列表查阅"))
    return account.entity


def _matter(request: UserRequest, no: str) -> Matter:
    entity = _entity(request)
    return get_object_or_404(
        queries.visible_to(request.user).filter(entity=entity).select_related("office__parent", "handler", "entity"),
        no=no,
    )


def _options(request: UserRequest, one: Matter, now: engine.Standing, at: datetime.datetime) -> list[queries.Option]:
    """The steps that the firm may take now."""
    return [
        option
        for option in queries.options(one, now, request.user, at, {ENTERPRISE: None})
        if option.allowed and ENTERPRISE in option.step.roles
    ]


@require_safe
def listing(request: UserRequest) -> HttpResponse:
    """The firm's matters, what it has to do first."""
    entity = _entity(request)
    at = timezone.now()
    today = timezone.localdate()
    shown = Listing(
        request,
        queries.visible_to(request.user),
        [
            Column("title", _("事项"), lambda one: one.title),
            Column("kind", _("种类"), lambda one: words.kind_name(one.procedure)),
            Column("no", _("编号"), lambda one: one.no, order="no"),
            Column("state", _("状态"), _state),
            Column(
                "due",
                _("最近期限"),
                lambda one: one.next_due_on,
                html=lambda one: due(one.next_due_on, clock.days_left(one.next_due_on, today)) if one.next_due_on else "—",
            ),
            Column("organ", _("承办机构"), lambda one: named(one.office)),
            Column("opened", _("登记日期"), lambda one: one.opened_at, html=lambda one: day(one.opened_at), order="opened_at"),
        ],
        name=_("办件"),
        title=_("与本企业有关的办件"),
        default_sort="-opened",
        url=lambda one: reverse("matters:firm_matter", args=[one.no]),
        empty_text=_("没有与本企业有关的办件。"),
    )  # fmt: skip
    if shown.wants_export:
        return shown.export()
    return render(
        request,
        "matters/firm/list.html",
        {"listing": shown, "entity": entity, "todo": to_do(request, at), "beginnings": beginnings()},
    )


def _state(one: Matter) -> str:
    state = words.state_name(queries.procedure_of(one), one.state)
    return _("%(state)s（演练）") % {"state": state} if one.drill else state


def beginnings() -> list[dict[str, Any]]:
    return [
        {"title": one.title, "lead": one.lead, "url": reverse("matters:firm_begin", args=[one.code])}
        for one in BEGINNINGS
    ]


def to_do(request: UserRequest, at: datetime.datetime, most: int = 20) -> list[dict[str, Any]]:
    """The open matters in which it is the firm's turn, the most urgent first, for components/tasks.html."""
    open_ones = (
        queries.visible_to(request.user).filter(ended_at=None).order_by("next_due_on", "pk").select_related("office")
    )
    rows: list[dict[str, Any]] = []
    for one in queries.with_history(open_ones)[: most * 3]:
        try:
            now = queries.standing(one)
        except ZhunshengError:
            continue
        steps = [option for option in _options(request, one, now, at) if option.step.code != WITHDRAW]
        if not steps or len(rows) >= most:
            continue
        waiting = ours(now, steps)
        rows.append(
            {
                "title": one.title,
                "url": reverse("matters:firm_matter", args=[one.no]),
                "hint": _("、").join(option.step.label(language()) for option in steps[:3]),
                "due_on": waiting.deadline.due if waiting and waiting.deadline else None,
                "days_left": reading.days_left(waiting, at) if waiting else None,
                "state": words.state_name(now.procedure, one.state),
                "state_kind": "warn" if waiting else "info",
            }
        )
    return rows


def ours(now: engine.Standing, steps: list[queries.Option]) -> engine.Due | None:
    """The limit that a step of the firm's would end: what it must do, and by when. That it may withdraw is no duty."""
    verbs = {option.step.code for option in steps} - {WITHDRAW}
    found = [one for one in now.dues if one.live and one.deadline is not None and verbs & set(one.limit.ends)]
    return min(found, key=lambda one: one.last or timezone.now(), default=None)


@require_safe
def matter(request: UserRequest, no: str) -> HttpResponse:
    one = _matter(request, no)
    at = timezone.now()
    now = queries.standing(one)
    steps = _options(request, one, now, at)
    own = set(one.steps.filter(by=request.user).values_list("pk", flat=True))
    must = ours(now, steps)
    contact = [
        code
        for code, who in intake.shown(one.procedure).items()
        if who.firm and code in now.procedure.facts and now.procedure.facts[code].personal
    ]
    return render(
        request,
        "matters/firm/matter.html",
        {
            "matter": one,
            "kind": words.kind_name(one.procedure),
            "state": _state(one),
            "organ": named(one.office),
            "options": steps,
            "must": must,
            "must_why": reading.why(must, now.procedure) if must else None,
            "must_late": must is not None and must.status(at) is Status.OVERDUE,
            "must_days": reading.days_left(must, at) if must else None,
            "limits": reading.limits(now, at, reading.FIRM),
            "items": reading.items(one, now, reading.FIRM, own),
            "papers": reading.papers(one, reading.FIRM, request.user),
            "events": reading.course(one, now, reading.FIRM),
            "has_contact": bool(contact),
            "may_add": one.ended_at is None,
            "state_tag": state_tag("muted" if one.ended_at else "info", _state(one)),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def step(request: UserRequest, no: str, verb: str) -> HttpResponse:
    """A step of the firm's."""
    one = _matter(request, no)
    at = timezone.now()
    now = queries.standing(one)
    found = next((option.step for option in _options(request, one, now, at) if option.step.code == verb), None)
    if found is None:
        raise Http404
    form = _form(request, now.procedure, found, now)
    if form.is_bound and form.is_valid():
        form.keep(by=request.user, at=at)
        if not form.errors:
            try:
                actions.take(
                    one, verb, by=request.user, at=at, facts=form.facts(), papers=form.papers(), role=ENTERPRISE,
                    remark=form.remark, after=form.after,
                )  # fmt: skip
            except NotAllowed as problem:
                raise PermissionDenied(say(problem)) from problem
            except Refused as problem:
                onto(form, problem)
            else:
                messages.success(request, _("已办理：%(step)s。") % {"step": found.label(language())})
                return redirect("matters:firm_matter", one.no)
    return _step_page(
        request, form, found, title=found.label(language()), back=reverse("matters:firm_matter", args=[no]), matter=one
    )


def _form(
    request: UserRequest, procedure: Procedure, step: Step, now: "engine.Standing | None", **more: Any
) -> StepForm:
    bound = request.method == "POST"
    return step_form(
        procedure,
        step,
        now,
        user=request.user,
        data=request.POST if bound else None,
        files=request.FILES if bound else None,
        own=_entity(request),
        **more,
    )


def _step_page(request: UserRequest, form: StepForm, step: Step, **context: Any) -> HttpResponse:
    return render(
        request,
        "matters/firm/step.html",
        {"form": form, "step": step, "note": step.notes(language()), **context},
        status=422 if form.is_bound else 200,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def begin(request: UserRequest, code: str) -> HttpResponse:
    """Begins a matter about the own firm."""
    entity = _entity(request)
    beginning = next((one for one in BEGINNINGS if one.code == code), None)
    if beginning is None:
        raise Http404
    at = timezone.now()
    try:
        procedure = queries.procedure_on(code, timezone.localdate())
    except ZhunshengError as problem:
        raise PermissionDenied(say(problem)) from problem
    first = next(one for one in procedure.steps.values() if one.starts and ENTERPRISE in one.roles)
    about, origin = _about(request, entity)
    form = _form(request, procedure, first, None, initial=_initial(code, request, about, at))
    if form.is_bound and form.is_valid():
        form.keep(by=request.user, at=at)
        if not form.errors:
            facts = form.facts()
            office = _office(beginning, entity, facts, about)
            if office is None:
                form.add_error(None, _("本市还没有设置受理这一事项的机构。请拨打 12345"))
            else:
                try:
                    made = actions.open_matter(
                        code, by=request.user, at=at, office=office, facts=facts, papers=form.papers(),
                        verb=first.code, role=ENTERPRISE, remark=form.remark, origin=origin,
                        once=request.POST.get("once", "")[:40],
                    )  # fmt: skip
                except NotAllowed as problem:
                    raise PermissionDenied(say(problem)) from problem
                except Refused as problem:
                    onto(form, problem)
                else:
                    messages.success(
                        request,
                        _("已登记，编号 %(no)s，由%(office)s办理。") % {"no": made.no, "office": named(office)},
                    )
                    return redirect("matters:firm_matter", made.no)
    return _step_page(
        request,
        form,
        first,
        title=str(beginning.title),
        lead=beginning.lead,
        back=reverse("matters:firm_matters"),
        once=request.POST.get("once") or secrets.token_urlsafe(18),
    )


def _about(request: UserRequest, entity: BusinessEntity) -> tuple[Disclosure | None, str]:
    """The published record that an objection is about, where the link named one of this firm's."""
    origin = request.POST.get("origin", "") or request.GET.get("origin", "")
    if not ORIGIN.fullmatch(origin):
        return None, ""
    kind, _sep, key = origin.partition(":")
    if kind != "disclosure":
        return None, origin
    found = Disclosure.objects.select_related("matter__office").filter(pk=int(key) if key.isdecimal() else 0).first()
    if found is None or found.matter.entity_id != entity.pk:
        return None, ""
    return found, origin


def _initial(code: str, request: UserRequest, about: Disclosure | None, at: datetime.datetime) -> dict[str, Any]:
    if code == "objection":
        named_record = request.GET.get("record", "").replace("\0", "")[:300]
        return {"record": f"{about.title}（{about.matter.no}）" if about is not None else named_record}
    if code == "accident":
        return {"known_at": timezone.localtime(at), "drill": "no"}
    return {}


def _office(
    beginning: Beginning, entity: BusinessEntity, facts: dict[str, Any], about: Disclosure | None
) -> Office | None:
    """Who takes it: the organ that published what is objected to, else by table matters/intake."""
    if about is not None:
        return about.matter.office
    case = str(facts.get(beginning.case, "any")) if beginning.case else "any"
    return intake.office_for(beginning.code, timezone.localdate(), division=entity.division, case=case)


@require_http_methods(["GET", "HEAD", "POST"])
def material(request: UserRequest, no: str) -> HttpResponse:
    """One more paper of the firm's."""
    one = _matter(request, no)
    bound = request.method == "POST"
    form = MaterialForm(request.POST if bound else None, request.FILES if bound else None)
    at = timezone.now()
    return material_page(
        request,
        form,
        "matters/firm/material.html",
        one,
        keep=lambda upload: attach(upload, by=request.user, at=at),
        add=lambda kept, title: actions.add_document(one, kept, title=title, by=request.user, at=at),
        back=reverse("matters:firm_matter", args=[one.no]),
    )


@never_cache
@require_http_methods(["POST"])
def contact(request: UserRequest, no: str) -> HttpResponse:
    """Who claims and how to reach them; the look is recorded, and the answer is kept nowhere."""
    one = _matter(request, no)
    try:
        found = actions.contact_for_firm(one, by=request.user, at=timezone.now())
    except NotAllowed as problem:
        raise PermissionDenied(say(problem)) from problem
    procedure = queries.procedure_of(one)
    rows = [(procedure.facts[code].label(language()), text) for code, text in found.items()]
    return render(request, "matters/firm/contact.html", {"matter": one, "rows": rows})


@require_safe
def paper(request: UserRequest, no: str, pk: int) -> HttpResponseBase:
    """A paper that the firm may read."""
    one = _matter(request, no)
    found = next((row for row in reading.papers(one, reading.FIRM, request.user) if row.pk == pk), None)
    if found is None:
        raise Http404
    return reading.serve(found)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def renew_code(request: UserRequest, no: str) -> HttpResponse:
    """For staff: a follow code for who filed at the counter, told once on a page to be printed."""
    found = queries.visible_to(request.user).select_related("office", "handler")
    one = get_object_or_404(found, no=no)
    if not policy.may_renew_code(request.user, one):
        raise PermissionDenied(_("查询码由承办人或者承办机构负责人补发"))
    context: dict[str, Any] = {"matter": one, "kind": words.kind_name(one.procedure)}
    if request.method == "POST":
        try:
            context["code"] = actions.renew_code(one, by=request.user, at=timezone.now())
        except NotAllowed as problem:
            raise PermissionDenied(say(problem)) from problem
        context["url"] = request.build_absolute_uri(reverse("matters:follow", args=[one.no]))
    return render(request, "matters/public/code.html", context)


def fill_section(entity: BusinessEntity, request: Any) -> dict[str, Any]:
    """What the firm has to do, on its first page."""
    return {"todo": to_do(request, timezone.now(), 5), "beginnings": beginnings()}


SECTION = Section(
    "firm_matters", gettext_lazy("要办的事"), "matters/firm/_section.html", frozenset({"firm"}), fill_section, 5
)
