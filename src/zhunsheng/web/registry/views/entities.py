"""经营主体: list, detail, add, edit; their premises and their accounts."""

import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Value
from django.db.models.functions import Coalesce
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
from zhunsheng.web.common.templatetags.zs import day, moment, named, state_tag
from zhunsheng.web.desk import providers as desk
from zhunsheng.web.desk.importing import kinds_for
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.registry import actions, forms, policy, queries, words
from zhunsheng.web.registry.filters import EntityFilter
from zhunsheng.web.registry.models import BusinessEntity, EntityStatus, Premises
from zhunsheng.web.registry.providers import public_url
from zhunsheng.web.registry.views.pages import allow, form_page, timeline, typed

STATUS_KINDS = {
    EntityStatus.ACTIVE: "good", EntityStatus.SUSPENDED: "warn", EntityStatus.CANCELLED: "muted", EntityStatus.REVOKED: "bad",
    EntityStatus.WITHDRAWN: "bad", EntityStatus.MOVED_OUT: "muted",
}  # fmt: skip
RISK_KINDS = {"A": "good", "B": "info", "C": "warn", "D": "bad"}
#: no day of founding sorts before all days
NO_DAY = datetime.date(1, 1, 1)


def risk_tag(entity: BusinessEntity) -> SafeString:
    """The class as a tag; where it came from in its title."""
    if not entity.risk_class:
        return SafeString("")
    origin = " · ".join(filter(None, [entity.risk_class_source, day(entity.risk_class_on)]))
    return state_tag(RISK_KINDS[entity.risk_class], entity.risk_class, title=origin)


def status_tag(entity: BusinessEntity) -> SafeString:
    return state_tag(STATUS_KINDS[EntityStatus(entity.status)], entity.get_status_display())


def listing_of(request: UserRequest) -> Listing:
    """The register as the user may see it, with the labels that the import understands."""
    places, parks = queries.divisions(request), queries.parks(request)

    def code(entity: BusinessEntity) -> str:
        return format_html(
            '<code class="nowrap">{}</code>', entity.code if entity.scheme in ("uscc", "reg") else entity.unit_id
        )

    columns = [
        Column("name", _("名称"), lambda one: one.name, order="name"),
        Column("unit_id", _("主体标识"), lambda one: one.unit_id, html=code),
        Column("place", _("所在地"), lambda one: queries.division_name(places, one.division_id)),
        Column("industry", _("行业名称"), lambda one: words.industry(one.industry)),
        Column("status", _("登记状态"), lambda one: str(one.get_status_display()), html=status_tag),
        Column(
            "risk",
            _("信用风险分类"),
            lambda one: str(one.get_risk_class_display()) if one.risk_class else "",
            html=risk_tag,
        ),
        Column("type", _("主体类型"), lambda one: words.entity_type(one.entity_type), hidden=True),
        Column("size", _("规模"), lambda one: str(one.get_size_display()) if one.size else "", hidden=True),
        Column("park", _("园区"), lambda one: named(parks.get(one.park_id)), hidden=True),
        Column("address", _("住所"), lambda one: one.address, hidden=True),
        Column("tags", _("标签"), lambda one: one.tags, hidden=True),
        Column("source", _("来源系统"), lambda one: one.source_system, hidden=True),
        Column("upstream_no", _("上级系统编号"), lambda one: one.upstream_no, hidden=True),
        Column(
            "established",
            _("成立日期"),
            lambda one: one.established_on,
            html=lambda one: day(one.established_on),
            order="established_key",
            hidden=True,
        ),
        Column(
            "updated",
            _("更新时间"),
            lambda one: one.updated_at,
            html=lambda one: moment(one.updated_at),
            order="updated_at",
        ),
        Column("division", _("区划代码"), lambda one: one.division_id or "", export_only=True),
        Column("industry_code", _("行业代码"), lambda one: one.industry, export_only=True),
        Column("risk_source", _("分类来源"), lambda one: one.risk_class_source, export_only=True),
        Column("risk_on", _("分类日期"), lambda one: one.risk_class_on, export_only=True),
    ]
    chosen = [key for part in request.GET.getlist("columns") for key in part.split(",") if key]
    if chosen and "unit_id" not in chosen:
        # A list that goes out comes back by this: it is never left out of an export.
        columns.append(Column("unit_id_out", _("主体标识"), lambda one: one.unit_id, export_only=True))
    entities = queries.visible_to(request.user)
    if request.GET.get("sort", "").lstrip("-") == "established":
        entities = entities.annotate(established_key=Coalesce("established_on", Value(NO_DAY)))
    return Listing(
        request,
        entities,
        columns,
        name=_("名录库"),
        title=_("经营主体"),
        filterset_class=EntityFilter,
        default_sort="name",
        url=lambda one: reverse("registry:entity", args=[one.pk]),
    )


@require_GET
def home(request: UserRequest) -> HttpResponse:
    allow(policy.may_see(request.user), _("名录库由工作人员查阅"))
    listing = listing_of(request)
    if listing.wants_export:
        return listing.export()
    return render(
        request,
        "registry/home.html",
        {
            "listing": listing,
            "may_add": policy.may_add_entity(request.user),
            "kinds": [kind for kind in kinds_for(request.user) if kind.code == "entities"],
        },
    )


def _entity(request: UserRequest, pk: int) -> BusinessEntity:
    entity = get_object_or_404(BusinessEntity.objects.select_related("division__parent", "park"), pk=pk)
    allow(policy.may_see_entity(request.user, entity), _("这个经营主体不在您的辖区。查阅由所在地的机构和市级机构办理"))
    return entity


@require_GET
def entity_page(request: UserRequest, pk: int) -> HttpResponse:
    """Facts, risk class with its source, premises, accounts, recusals, what other rooms know, history."""
    entity = _entity(request, pk)
    today = timezone.localdate()
    places = queries.divisions(request)
    return render(
        request,
        "registry/entity.html",
        {
            "entity": entity,
            "place": queries.division_name(places, entity.division_id),
            "status": status_tag(entity),
            "risk": risk_tag(entity),
            "type": words.entity_type(entity.entity_type),
            "industry": words.industry(entity.industry),
            "premises": [(one, queries.division_name(places, one.division_id)) for one in queries.premises_of(entity)],
            "accounts": entity.accounts.select_related("user"),
            "recusals": [
                (one, words.recusal_kind(one.kind))
                for one in queries.recusals_on(today).filter(entity=entity).select_related("inspector")
            ],
            "sections": desk.sections(entity, request, "staff"),
            "may_edit": policy.may_edit_entity(request.user, entity),
            "may_open_account": policy.may_open_firm_account(request.user),
            "public_url": public_url(entity),
            "today": today,
            **timeline(request, "entity", entity),
        },
    )


def _crumbs(*more: tuple[str, str]) -> list[tuple[str, str]]:
    return [(_("工作台"), "desk:home"), (_("名录库"), "registry:home"), *more]


@require_http_methods(["GET", "POST"])
def add(request: UserRequest) -> HttpResponse:
    allow(policy.may_add_entity(request.user), _("登记经营主体需要经办、检查、审核或负责人岗位"))
    form = forms.EntityForm(typed(request), request=request)

    def save(data: dict[str, Any]) -> HttpResponse:
        premises = None
        if data["premises_address"]:
            premises = {"address": data["premises_address"], "division": data["division"], "park": data["park"]}
        entity = actions.register_entity(form.values(), premises, by=request.user, at=timezone.now())
        messages.success(request, _("已登记“%(name)s”。") % {"name": entity.name})
        return redirect("registry:entity", entity.pk)

    return form_page(
        request, form, save, title=_("登记经营主体"), submit=_("登记"), back=reverse("registry:home"), crumbs=_crumbs()
    )


@require_http_methods(["GET", "POST"])
def edit(request: UserRequest, pk: int) -> HttpResponse:
    """Editing. Who saves after someone else sees both values of every field and decides again."""
    entity = _entity(request, pk)
    allow(policy.may_edit_entity(request.user, entity), _("修改由所在地机构的经办、检查、审核人员或负责人办理"))
    form = forms.EntityForm(typed(request), request=request, entity=entity)
    conflict: list[tuple[str, str, str]] = []
    status = 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                actions.change_entity(
                    entity, form.values(), version=form.cleaned_data["version"] or 0, by=request.user, at=timezone.now(),
                    reason=form.cleaned_data["reason"],
                )  # fmt: skip
            except actions.ChangedMeanwhile as problem:
                conflict = _both(problem.row, form.values())
                data = request.POST.copy()
                data["version"] = str(problem.row.version)
                form = forms.EntityForm(data, request=request, entity=problem.row)
                form.is_valid()
                form.add_error(None, say(problem))
            except NotAllowed as problem:
                raise PermissionDenied(say(problem)) from problem
            except Refused as problem:
                onto(form, problem)
            else:
                messages.success(request, _("已保存。"))
                return redirect("registry:entity", entity.pk)
    return render(request, "registry/edit.html", {"form": form, "entity": entity, "conflict": conflict}, status=status)


def _both(now: BusinessEntity, mine: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(field, what stands in the register now, what the user wants) for the fields that differ."""
    found = []
    for name, value in mine.items():
        old = getattr(now, name)
        if old != value:
            found.append((words.label_of(BusinessEntity, name), _read(name, old), _read(name, value)))
    return found


def _read(name: str, value: Any) -> str:
    if name in ("division", "park"):
        return named(value)
    return day(value) if isinstance(value, datetime.date) else words.value_of(BusinessEntity, name, value)


# -- premises ---------------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
def add_premises(request: UserRequest, pk: int) -> HttpResponse:
    entity = _entity(request, pk)
    allow(policy.may_edit_entity(request.user, entity), _("修改由所在地机构的经办、检查、审核人员或负责人办理"))
    back = reverse("registry:entity", args=[pk])

    def save(data: dict[str, Any]) -> HttpResponse:
        actions.add_premises(entity, data, by=request.user, at=timezone.now())
        messages.success(request, _("已登记经营场所。"))
        return redirect(back)

    return form_page(
        request, forms.PremisesForm(typed(request), request=request), save, title=_("登记经营场所"), submit=_("登记"), back=back,
        crumbs=_crumbs((entity.name, back)),
    )  # fmt: skip


def _premises(request: UserRequest, pk: int) -> Premises:
    premises = get_object_or_404(Premises.objects.select_related("entity"), pk=pk)
    allow(
        policy.may_edit_entity(request.user, premises.entity), _("修改由所在地机构的经办、检查、审核人员或负责人办理")
    )
    return premises


@require_http_methods(["GET", "POST"])
def edit_premises(request: UserRequest, pk: int) -> HttpResponse:
    premises = _premises(request, pk)
    back = reverse("registry:entity", args=[premises.entity_id])

    def save(data: dict[str, Any]) -> HttpResponse:
        actions.change_premises(premises, data, by=request.user, at=timezone.now())
        messages.success(request, _("已保存。"))
        return redirect(back)

    return form_page(
        request, forms.PremisesForm(typed(request), request=request, premises=premises), save, title=_("修改经营场所"), submit=_("保存"),
        back=back, crumbs=_crumbs((premises.entity.name, back)),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def close_premises(request: UserRequest, pk: int) -> HttpResponse:
    premises = _premises(request, pk)
    back = reverse("registry:entity", args=[premises.entity_id])

    def save(data: dict[str, Any]) -> HttpResponse:
        actions.close_premises(premises, on=data["on"], by=request.user, at=timezone.now())
        messages.success(request, _("已关闭经营场所；它留在名录里。"))
        return redirect(back)

    return form_page(
        request, forms.CloseForm(typed(request)), save, title=_("关闭经营场所"), submit=_("关闭"), back=back, kind="danger",
        crumbs=_crumbs((premises.entity.name, back)), lead=str(premises),
    )  # fmt: skip


# -- accounts ---------------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
def add_account(request: UserRequest, pk: int) -> HttpResponse:
    entity = _entity(request, pk)
    allow(policy.may_open_firm_account(request.user), _("企业账号由系统管理员开立"))
    back = reverse("registry:entity", args=[pk])

    def save(data: dict[str, Any]) -> HttpResponse:
        account = actions.open_firm_account(entity, by=request.user, at=timezone.now(), **data)
        messages.success(
            request, _("已开立企业账号“%(name)s”。请把用户名和初始密码分开交给企业。") % {"name": account.user.username}
        )
        return redirect(back)

    return form_page(
        request, forms.FirmAccountForm(typed(request)), save, title=_("开立企业账号"), submit=_("开立"), back=back,
        crumbs=_crumbs((entity.name, back)), lead=_("这个账号只能看和办理“%(name)s”自己的事。") % {"name": entity.name},
    )  # fmt: skip
