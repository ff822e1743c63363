"""一单, 检查结果用语, 一细则."""

import datetime
import json
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.web.common.errors import language
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.pages import act
from zhunsheng.web.common.templatetags.zs import confidence, named, percent, state_tag
from zhunsheng.web.inspection import actions, policy, queries
from zhunsheng.web.inspection.actions.tables import ITEM_FIELDS, WORDING_FIELDS
from zhunsheng.web.inspection.forms.fields import fill
from zhunsheng.web.inspection.forms.filters import ItemFilter
from zhunsheng.web.inspection.forms.tables import EndForm, ItemForm, RuleBookForm, WordingForm
from zhunsheng.web.inspection.models import CheckItem, ResultWording, RuleBook
from zhunsheng.web.inspection.views.pages import form_page, see, tabs
from zhunsheng.web.people import step_up
from zhunsheng.web.people.queries import UserRequest

ROLE_KIND = {"eligible_pass": "good", "eligible_fail": "bad", "ineligible": "muted", "non_response": "warn"}


def _day(request: UserRequest) -> datetime.date:
    """The day for which a table is looked at: today, or the one in the address."""
    asked = request.GET.get("on", "")
    try:
        return (parse_date(asked) if len(asked) == 10 else None) or timezone.localdate()
    except ValueError:
        return timezone.localdate()


# -- 一单 --------------------------------------------------------------------------------------------------------------
@require_GET
def items(request: UserRequest) -> HttpResponse:
    see(request)
    day = _day(request)
    listing = Listing(
        request=request, queryset=queries.items_on(day), name="items", title=_("随机抽查事项清单"),
        filterset_class=ItemFilter, default_sort="code", url=lambda one: reverse("inspection:item", args=[one.pk]),
        columns=[
            Column("code", gettext_lazy("事项代码"), lambda one: one.code, order="code"),
            Column("name", gettext_lazy("事项名称"), named, order="name"),
            Column("category", gettext_lazy("事项大类"), lambda one: one.category, order="category"),
            Column("office", gettext_lazy("责任机构"), lambda one: named(one.office)),
            Column("kind", gettext_lazy("事项类别"), lambda one: one.get_kind_display(), order="kind"),
            Column("ratio", gettext_lazy("抽查比例"), _ratio),
            Column("frequency", gettext_lazy("每年最多次数"), lambda one: one.frequency_max_per_year, numeric=True),
            Column("method", gettext_lazy("检查方式"), lambda one: one.method, hidden=True),
            Column("legal_basis", gettext_lazy("检查依据"), lambda one: one.legal_basis, hidden=True),
            Column("confidence", gettext_lazy("依据可靠程度"), lambda one: one.get_confidence_display(), html=lambda one: confidence(one.confidence)),
            Column("valid_from", gettext_lazy("生效日期"), lambda one: one.valid_from),
        ],
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    return render(request, "inspection/items.html", {
        "listing": listing, "day": day, "tabs": tabs("items"), "may_edit": policy.may_edit_tables(request.user),
    })  # fmt: skip


def _ratio(item: CheckItem) -> str:
    if item.ratio_min is None and item.ratio_max is None:
        return ""
    low, high = item.ratio_min, item.ratio_max if item.kind == "general" else None
    if low is not None and high is not None:
        return f"{percent(low, 0)} – {percent(high, 0)}"
    return (
        _("不低于 %(low)s") % {"low": percent(low, 0)}
        if low is not None
        else _("不高于 %(high)s") % {"high": percent(high, 0)}
    )


@require_GET
def item(request: UserRequest, pk: int) -> HttpResponse:
    see(request)
    one = get_object_or_404(CheckItem.objects.select_related("office", "product_class"), pk=pk)
    return render(request, "inspection/item.html", {
        "item": one,
        "ratio": _ratio(one),
        "speciality": queries.label("inspection/specialities", one.speciality) if one.speciality else "",
        "versions": CheckItem.objects.filter(code=one.code).order_by("-valid_from"),
        "latest": not CheckItem.objects.filter(code=one.code, valid_from__gt=one.valid_from or datetime.date.min).exists(),
        "plans": one.plans.select_related("office").order_by("-year", "-no")[:10],
        "route": queries.route_of(one, timezone.localdate()),
        "may_edit": policy.may_edit_item(request.user, one),
        "plan_link": f"{reverse('inspection:add_plan')}?item={one.pk}" if policy.may_draft_plan(request.user) else "",
    })  # fmt: skip


@require_http_methods(["GET", "POST"])
def add_item(request: UserRequest) -> HttpResponse:
    if not policy.may_edit_tables(request.user):
        raise PermissionDenied(_("只有质强办可以新增抽查事项。"))

    def save(form: Any) -> HttpResponse:
        one = actions.add_item(by=request.user, at=timezone.now(), **form.cleaned_data)
        messages.success(request, _("已新增事项"))
        return redirect("inspection:item", one.pk)

    return form_page(
        request, ItemForm, save, title=_("新增抽查事项"), submit=_("新增"), back=reverse("inspection:items"),
        initial={"valid_from": timezone.localdate(), "confidence": "likely"}, crumbs=[(_("事项清单"), reverse("inspection:items"))],
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def revise_item(request: UserRequest, pk: int) -> HttpResponse:
    one = get_object_or_404(CheckItem.objects.select_related("office"), pk=pk)
    if not policy.may_edit_item(request.user, one):
        raise PermissionDenied(_("只有质强办或责任机构负责人可以修改该事项。"))

    def save(form: Any) -> HttpResponse:
        fresh = actions.revise_item(one, by=request.user, at=timezone.now(), **form.cleaned_data)
        messages.success(request, _("已建立新版本；原版本到前一天为止"))
        return redirect("inspection:item", fresh.pk)

    back = reverse("inspection:item", args=[one.pk])
    return form_page(
        request, lambda data, initial: ItemForm(data, initial=initial, item=one), save, title=_("修改事项（建立新版本）"),
        submit=_("建立新版本"), back=back, initial=fill(ITEM_FIELDS, one),
        lead=_("清单不改写：现行版本保留到新版本生效的前一天，此前的计划和抽取仍按原版本。"),
        crumbs=[(_("事项清单"), reverse("inspection:items")), (named(one), back)],
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def end_item(request: UserRequest, pk: int) -> HttpResponse:
    one = get_object_or_404(CheckItem.objects.select_related("office"), pk=pk)
    if not policy.may_edit_item(request.user, one):
        raise PermissionDenied(_("只有质强办或责任机构负责人可以修改该事项。"))

    def save(form: Any) -> HttpResponse:
        actions.end_item(one, by=request.user, at=timezone.now(), **form.cleaned_data)
        messages.success(request, _("已结束该事项"))
        return redirect("inspection:item", one.pk)

    back = reverse("inspection:item", args=[one.pk])
    return form_page(
        request, EndForm, save, title=_("结束事项"), submit=_("结束事项"), back=back, kind="danger",
        initial={"valid_to": timezone.localdate()}, lead=_("从次日起新计划不能再选该事项；已有的计划和记录不变。"),
        crumbs=[(_("事项清单"), reverse("inspection:items")), (named(one), back)],
    )  # fmt: skip


# -- 检查结果用语 ----------------------------------------------------------------------------------------------------------
@require_GET
def wordings(request: UserRequest) -> HttpResponse:
    see(request)
    day = _day(request)
    shown = list(queries.wordings_on(day))
    rows = [
        {
            "wording": one, "role": state_tag(ROLE_KIND[one.estimation_role], one.get_estimation_role_display()),
            "follow_up": queries.label("inspection/follow_up_kinds", one.needs_followup),
        }
        for one in shown
    ]  # fmt: skip
    return render(request, "inspection/wordings.html", {
        "rows": rows, "day": day, "tabs": tabs("wordings"), "may_edit": policy.may_edit_tables(request.user),
        "versions": ResultWording.objects.exclude(pk__in=[one.pk for one in shown]).order_by("code", "-valid_from"),
    })  # fmt: skip


@require_http_methods(["GET", "POST"])
def add_wording(request: UserRequest) -> HttpResponse:
    if not policy.may_edit_tables(request.user):
        raise PermissionDenied(_("只有质强办可以修改检查结果用语。"))

    def save(form: Any) -> HttpResponse:
        actions.add_wording(by=request.user, at=timezone.now(), **form.cleaned_data)
        messages.success(request, _("已新增用语"))
        return redirect("inspection:wordings")

    return form_page(
        request, WordingForm, save, title=_("新增检查结果用语"), submit=_("新增"), back=reverse("inspection:wordings"),
        initial={"valid_from": timezone.localdate(), "order": 50, "confidence": "likely"},
        crumbs=[(_("结果用语"), reverse("inspection:wordings"))],
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def revise_wording(request: UserRequest, pk: int) -> HttpResponse:
    one = get_object_or_404(ResultWording, pk=pk)
    if not policy.may_edit_tables(request.user):
        raise PermissionDenied(_("只有质强办可以修改检查结果用语。"))

    def save(form: Any) -> HttpResponse:
        actions.revise_wording(one, by=request.user, at=timezone.now(), **form.cleaned_data)
        messages.success(request, _("已建立新版本；原版本到前一天为止"))
        return redirect("inspection:wordings")

    return form_page(
        request, lambda data, initial: WordingForm(data, initial=initial, wording=one), save,
        title=_("修改用语（建立新版本）"), submit=_("建立新版本"), back=reverse("inspection:wordings"), initial=fill(WORDING_FIELDS, one),
        lead=_("此前的检查记录仍用原来的用语。"), crumbs=[(_("结果用语"), reverse("inspection:wordings"))],
    )  # fmt: skip


# -- 一细则 --------------------------------------------------------------------------------------------------------------
@require_GET
def rule_books(request: UserRequest) -> HttpResponse:
    see(request)
    return render(request, "inspection/rule_books.html", {
        "books": RuleBook.objects.select_related("created_by", "approved_by"), "tabs": tabs("rule_books"),
        "in_force": queries.rule_book_on(timezone.localdate()), "may_draft": policy.may_draft_rule_book(request.user),
    })  # fmt: skip


@require_http_methods(["GET", "POST"])
def draft_rule_book(request: UserRequest) -> HttpResponse:
    if not policy.may_draft_rule_book(request.user):
        raise PermissionDenied(_("只有成员单位经办、部门负责人或质强办可以拟定实施细则。"))

    def save(form: Any) -> HttpResponse:
        at = timezone.now()
        book = actions.draft_rule_book(by=request.user, at=at, **form.cleaned_data)
        if book.created_at == at:
            messages.success(
                request, _("已由现行各表生成实施细则 %(version)s，请另一名负责人签发") % {"version": book.version}
            )
        else:
            messages.info(
                request, _("各表没有变化，与细则 %(version)s 相同，没有生成新的版本") % {"version": book.version}
            )
        return redirect("inspection:rule_book", book.version)

    return form_page(
        request, RuleBookForm, save, title=_("生成实施细则"), submit=_("生成"), back=reverse("inspection:rule_books"),
        initial={"valid_from": timezone.localdate()}, crumbs=[(_("实施细则"), reverse("inspection:rule_books"))],
        lead=_("细则不手写：由这一天有效的事项、用语、比例、回避、期限和抽取规则生成，每次公告都带它的哈希。"),
    )  # fmt: skip


@require_GET
def rule_book(request: UserRequest, version: str) -> HttpResponse:
    see(request)
    book = get_object_or_404(RuleBook.objects.select_related("created_by", "approved_by"), version=version)
    english = language() == "en"
    body = json.loads(book.body)
    return render(request, "inspection/rule_book.html", {
        "book": book, "body": body | {"items_list": body["items"]}, "english": english, "schemes": _schemes(body, english),
        "wordings": _said_wordings(body, english),
        "draws": book.draws.order_by("-announced_at")[:20],
        "may_approve": book.approved_at is None and policy.may_approve_rule_book(request.user, book),
    })  # fmt: skip


def _schemes(body: dict[str, Any], english: bool) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in body["ratios"]:
        name = (row["name_en"] if english else "") or row["name"]
        scheme = found.setdefault(
            row["scheme"], {"name": name, "role": row["role"], "source": row["source"], "ratios": []}
        )
        scheme["ratios"].append((row["risk_class"], percent(row["ratio"], 0)))
    return list(found.values())


def _said_wordings(body: dict[str, Any], english: bool) -> list[dict[str, Any]]:
    roles = {value: str(label) for value, label in ResultWording.Role.choices}
    kinds = {row["code"]: (row["name_en"] if english else "") or row["name"] for row in body["follow_ups"]}
    return [
        {
            "code": row["code"], "name": (row["name_en"] if english else "") or row["name"],
            "role": roles.get(row["role"], row["role"]), "follow_up": kinds.get(row["follow_up"], row["follow_up"]),
        }
        for row in body["wordings"]
    ]  # fmt: skip


@require_POST
@step_up.required("publish")
def approve_rule_book(request: UserRequest, version: str) -> HttpResponse:
    book = get_object_or_404(RuleBook, version=version)
    back = reverse("inspection:rule_book", args=[version])
    return act(request, lambda: actions.approve_rule_book(book, by=request.user, at=timezone.now()), _("已签发"), back)


@require_GET
def rule_book_file(request: UserRequest, version: str) -> HttpResponse:
    """The canonical JSON whose SHA-256 stands in the announcements."""
    see(request)
    book = get_object_or_404(RuleBook, version=version)
    response = HttpResponse(book.body.encode(), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="rule-book-{book.version}.json"'
    return response
