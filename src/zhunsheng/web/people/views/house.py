"""Offices, accounts and posts, and who answers for what."""

import datetime
from collections.abc import Callable
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.engine import tables
from zhunsheng.web.common import exports
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.pages import act, submitted
from zhunsheng.web.common.templatetags.zs import named, state_tag
from zhunsheng.web.people import actions, forms, policy, queries, step_up
from zhunsheng.web.people.models import Link, Office, Post, ProductClass, Responsibility, User
from zhunsheng.web.people.queries import UserRequest

#: Days between which the matrix of 2017 and that after the reform of 2019 are looked at with one click.
BEFORE_REFORM, AFTER_REFORM = datetime.date(2017, 6, 1), datetime.date(2020, 1, 1)


# -- offices ----------------------------------------------------------------------------------------------------------
def _see(request: UserRequest) -> None:
    if not policy.may_see_office(request.user):
        raise PermissionDenied(_("机构和监管责任只向各机构的工作人员开放"))


@require_GET
def offices(request: UserRequest) -> HttpResponse:
    _see(request)
    form = forms.DayForm(request.GET or None)
    day = form.day()
    level = form.cleaned_data.get("level", "") if form.is_bound and form.is_valid() else ""
    tree = queries.office_tree(day, level)
    return render(request, "people/offices.html", {
        "form": form if form.is_bound else forms.DayForm(initial={"on": day}),
        "day": day,
        "level": level,
        "tree": tree,
        "count": queries.offices_on(day).count(),
        "ended": Office.objects.filter(valid_to__lt=day).select_related("successor").order_by("-valid_to", "code"),
        "presets": (BEFORE_REFORM, AFTER_REFORM, timezone.localdate()),
    }, status=422 if form.is_bound and form.errors else 200)  # fmt: skip


@require_GET
def office(request: UserRequest, pk: int) -> HttpResponse:
    _see(request)
    found = get_object_or_404(Office.objects.select_related("parent", "successor"), pk=pk)
    today = timezone.localdate()
    return render(request, "people/office.html", {
        "office": found,
        "posts": queries.posts_split(found.posts.select_related("user", "delegated_by").order_by("role", "user__username"), today),
        "predecessors": found.predecessors.order_by("code"),
        "children": found.children.order_by("code"),
        "inspectors": found.inspectors.filter(status="active").count(),
        "duties": found.responsibilities.select_related("product_class").order_by("product_class", "link", "valid_from"),
        "today": today,
        "may_manage": policy.may_manage_people(request.user),
    })  # fmt: skip


# -- responsibility ---------------------------------------------------------------------------------------------------
@require_GET
def responsibility(request: UserRequest) -> HttpResponse:
    _see(request)
    form = forms.MatrixForm(request.GET or None)
    asked = form.cleaned_data if form.is_bound and form.is_valid() else {}
    day = asked.get("on") or timezone.localdate()
    compare = asked.get("compare")
    if request.GET.get("export") in {"csv", "xlsx"}:
        return _export_duties(request.GET["export"], day)
    return render(request, "people/responsibility.html", {
        "form": form if form.is_bound else forms.MatrixForm(initial={"on": day}),
        "day": day,
        "compare": compare,
        "matrix": queries.matrix(day, compare),
        "links": Link.choices,
        "presets": (BEFORE_REFORM, AFTER_REFORM, timezone.localdate()),
        "reform": (BEFORE_REFORM, AFTER_REFORM),
        "may_edit": policy.may_edit_responsibility(request.user),
    }, status=422 if form.is_bound and form.errors else 200)  # fmt: skip


def _export_duties(kind: str, day: datetime.date) -> HttpResponse:
    """The matrix of a day as rows, one duty each."""
    header = [
        _("产品类别"),
        _("环节"),
        _("机构代码"),
        _("机构"),
        _("分工"),
        _("适用层级"),
        _("生效日期"),
        _("失效日期"),
        _("依据"),
        _("依据可靠程度"),
        _("说明"),
    ]
    rows = (
        [
            named(row.product_class), row.get_link_display(), row.office.code, named(row.office), _("牵头") if row.lead else _("参与"),
            row.get_scope_display() if row.scope else _("各级"), row.valid_from, row.valid_to, row.source, row.get_confidence_display(), row.note,
        ]
        for row in queries.responsibilities_on(day)
    )  # fmt: skip
    write = exports.csv_response if kind == "csv" else exports.xlsx_response
    return write(f"responsibility-{day.isoformat()}", [str(cell) for cell in header], rows)  # type: ignore[return-value]


@require_GET
def cell(request: UserRequest, code: str, link: str) -> HttpResponse:
    """The rows behind one cell of the matrix, past and future ones too."""
    _see(request)
    product_class = get_object_or_404(ProductClass, code=code)
    if link not in Link.values:
        raise Http404
    form = forms.DayForm(request.GET)
    day = form.day()
    rows = Responsibility.objects.filter(product_class=product_class, link=link).select_related("office")
    return render(request, "people/cell.html", {
        "product_class": product_class,
        "link": link,
        "link_name": Link(link).label,
        "day": day,
        "answer": queries.who_answers(product_class, link, day),
        "rows": [(row, queries.duty_state(row, day)) for row in rows.order_by("valid_from", "office__code")],
        "may_edit": policy.may_edit_responsibility(request.user),
    })  # fmt: skip


@require_GET
def who(request: UserRequest) -> HttpResponse:
    """谁负责…: routes a product class and a link to an office, with the reason."""
    _see(request)
    form = forms.WhoForm(request.GET or None)
    answer = None
    day = timezone.localdate()
    if form.is_bound and form.is_valid():
        asked = form.cleaned_data
        day = asked["on"] or day
        answer = queries.who_answers(asked["product_class"], asked["link"], day, asked["scope"])
    return render(request, "people/who.html", {"form": form, "answer": answer, "day": day},
                  status=422 if form.is_bound and form.errors else 200)  # fmt: skip


@require_GET
def duty(request: UserRequest, pk: int) -> HttpResponse:
    _see(request)
    row = get_object_or_404(Responsibility.objects.select_related("office", "product_class"), pk=pk)
    return render(request, "people/duty.html", {
        "duty": row,
        "state": queries.duty_state(row, timezone.localdate()),
        "may_edit": policy.may_edit_responsibility(request.user),
    })  # fmt: skip


@require_http_methods(["GET", "POST"])
def add_duty(request: UserRequest) -> HttpResponse:
    if not policy.may_edit_responsibility(request.user):
        raise PermissionDenied(_("监管责任由质强办登记"))
    initial: dict[str, Any] = {name: request.GET[name] for name in ("link", "valid_from") if name in request.GET}
    initial["product_class"] = ProductClass.objects.filter(code=request.GET.get("product_class", "")).first()

    def save(asked: dict[str, Any]) -> HttpResponse:
        row = actions.add_duty(**asked, by=request.user, at=timezone.now())
        messages.success(request, _("已登记监管责任"))
        return redirect("people:duty", row.pk)

    return _form_page(
        request, forms.DutyForm, save, title=_("登记监管责任"), submit=_("登记"), back=reverse("people:responsibility"), initial=initial,
        lead=_("一项责任从生效日期起有效。要改动已有责任，先结束原来的一条，再登记新的一条；原来的仍可查阅。"),
        crumbs=[(_("监管责任"), reverse("people:responsibility"))],
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def end_duty(request: UserRequest, pk: int) -> HttpResponse:
    if not policy.may_edit_responsibility(request.user):
        raise PermissionDenied(_("监管责任由质强办登记"))
    row = get_object_or_404(Responsibility.objects.select_related("office", "product_class"), pk=pk)

    def save(asked: dict[str, Any]) -> HttpResponse:
        actions.end_duty(row, **asked, by=request.user, at=timezone.now())
        messages.success(request, _("已结束这项责任"))
        return redirect("people:duty", row.pk)

    back = reverse("people:duty", args=[row.pk])
    return _form_page(
        request, forms.EndForm, save, title=_("结束监管责任"), submit=_("结束责任"), back=back, kind="danger",
        lead=_("%(office)s · %(product)s · %(link)s:最后一天之后不再负责。结束后不能恢复，只能新登记一条。")
        % {"office": named(row.office), "product": named(row.product_class), "link": row.get_link_display()},
        crumbs=[(_("监管责任"), reverse("people:responsibility")), (named(row.product_class), back)],
    )  # fmt: skip


# -- roles ------------------------------------------------------------------------------------------------------------
@require_GET
def roles(request: UserRequest) -> HttpResponse:
    """What each role may do, as the platform's own table says."""
    english = language() == "en"
    names = queries.role_names() | {row["code"]: row.label(language()) for row in tables.load("people/roles").rows}
    rows = [
        {
            "name": row.label(language()),
            "may": row["may_en"] if english else row["may"],
            "apart": [names.get(code, code) for code in row.list("separation")],
            "source": row.source,
            "confidence": row.confidence,
        }
        for row in tables.load("people/roles").valid_on(timezone.localdate())
    ]
    return render(request, "people/roles.html", {"rows": rows})


# -- accounts and posts -----------------------------------------------------------------------------------------------
def _manage(request: UserRequest) -> None:
    if not policy.may_manage_people(request.user):
        raise PermissionDenied(_("账号和岗位由系统管理员办理"))


@require_GET
@step_up.required("export", when=step_up.exporting)
def users(request: UserRequest) -> HttpResponse:
    _manage(request)
    today = timezone.localdate()
    in_force = Post.objects.filter(queries.in_force_post(today)).select_related("office")
    listing = Listing(
        request=request,
        queryset=queries.with_factor(
            User.objects.prefetch_related(Prefetch("posts", queryset=in_force, to_attr="held"))
        ).select_related("firm_account__entity"),
        columns=[
            Column("username", gettext_lazy("用户名"), lambda user: user.username, order="username"),
            Column("display_name", gettext_lazy("姓名"), lambda user: user.display_name, order="display_name"),
            Column("posts", gettext_lazy("岗位"), _posts_text),
            Column(
                "is_active",
                gettext_lazy("状态"),
                lambda user: _("在用") if user.is_active else _("停用"),
                html=_active_tag,
            ),
            Column(
                "factor",
                gettext_lazy("第二重验证"),
                lambda user: _("有") if user.factor else _("没有"),
                html=lambda user: state_tag("good", _("有")) if user.factor else state_tag("muted", _("没有")),
            ),
            Column("last_login", gettext_lazy("最近登录"), lambda user: user.last_login),
            Column(
                "date_joined", gettext_lazy("建立时间"), lambda user: user.date_joined, order="date_joined", hidden=True
            ),
        ],
        name="users",
        title=gettext_lazy("账号"),
        filterset_class=forms.UserFilter,
        default_sort="username",
        url=lambda user: reverse("people:user", args=[user.username]),
        empty_text=gettext_lazy("没有符合条件的账号。"),
    )
    if listing.wants_export:
        return listing.export()
    return render(request, "people/users.html", {"listing": listing})


def _posts_text(user: Any) -> str:
    if user.is_firm:
        return str(user.firm_account.entity)
    return _("；").join(f"{named(post.office)} {post.get_role_display()}" for post in user.held)


def _active_tag(user: Any) -> SafeString:
    return state_tag("good", _("在用")) if user.is_active else state_tag("muted", _("停用"))


@require_GET
def user(request: UserRequest, username: str) -> HttpResponse:
    _manage(request)
    found = get_object_or_404(User, username=username)
    today = timezone.localdate()
    given = Post.objects.filter(delegated_by=found).select_related("user", "office")
    return render(request, "people/user.html", {
        "person": found,
        "posts": queries.posts_split(found.posts.select_related("office", "delegated_by").order_by("valid_from", "pk"), today),
        "given": queries.posts_split(given, today),
        "entity": found.firm_account.entity if found.is_firm else None,
        "himself": found.pk == request.user.pk,
        "factors": queries.factors(found),
        "reason_form": forms.ReasonForm(auto_id="deactivate_%s"),
    })  # fmt: skip


@require_http_methods(["GET", "POST"])
def add_user(request: UserRequest) -> HttpResponse:
    _manage(request)

    def save(asked: dict[str, Any]) -> HttpResponse:
        made = actions.create_user(**asked, by=request.user, at=timezone.now())
        messages.success(request, _("已建立账号 %(name)s；请接着授予岗位") % {"name": made.username})
        return redirect("people:user", made.username)

    return _form_page(
        request, forms.UserForm, save, title=_("新建账号"), submit=_("建立账号"), back=reverse("people:users"),
        lead=_("先建立账号，再授予岗位；没有岗位的账号只能看公开页面。企业账号在名录库的主体页面建立。"),
        crumbs=[(_("账号"), reverse("people:users"))], rules=password_validators_help_texts(),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def edit_user(request: UserRequest, username: str) -> HttpResponse:
    _manage(request)
    found = get_object_or_404(User, username=username)

    def save(asked: dict[str, Any]) -> HttpResponse:
        actions.edit_user(found, **asked, by=request.user, at=timezone.now())
        messages.success(request, _("已保存"))
        return redirect("people:user", found.username)

    return _form_page(
        request, forms.EditUserForm, save, title=_("修改账号"), submit=_("保存"), back=reverse("people:user", args=[username]),
        initial={"display_name": found.display_name, "email": found.email}, crumbs=_user_crumbs(found),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@step_up.required("account")
def reset_password(request: UserRequest, username: str) -> HttpResponse:
    _manage(request)
    found = get_object_or_404(User, username=username)

    def save(asked: dict[str, Any]) -> HttpResponse:
        actions.reset_password(found, **asked, by=request.user, at=timezone.now())
        messages.success(request, _("已重设密码；本人下次登录时须修改"))
        return redirect("people:user", found.username)

    return _form_page(
        request, forms.ResetPasswordForm, save, title=_("重设密码"), submit=_("重设密码"), back=reverse("people:user", args=[username]),
        lead=_("重设后，%(name)s 的其他登录随即失效。办理痕迹会记下由谁重设。") % {"name": found},
        crumbs=_user_crumbs(found), rules=password_validators_help_texts(), kind="danger",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@step_up.required("account", when=step_up.sending)
def reset_factors(request: UserRequest, username: str) -> HttpResponse:
    _manage(request)
    found = get_object_or_404(User, username=username)

    def save(asked: dict[str, Any]) -> HttpResponse:
        actions.reset_factors(found, **asked, by=request.user, at=timezone.now())
        messages.success(request, _("已重置第二重验证；本人已收到通知"))
        return redirect("people:user", found.username)

    return _form_page(
        request, forms.ResetFactorsForm, save, title=_("重置第二重验证"), submit=_("重置"), back=reverse("people:user", args=[username]),
        lead=_("移除 %(name)s 的验证器应用、全部通行密钥和恢复码，并结束其全部登录；此后只凭密码登录。不能撤销，本人须重新添加。") % {"name": found},
        crumbs=_user_crumbs(found), kind="danger",
    )  # fmt: skip


@require_POST
def deactivate_user(request: UserRequest, username: str) -> HttpResponse:
    _manage(request)
    found = get_object_or_404(User, username=username)
    return act(
        request, lambda: actions.deactivate_user(found, by=request.user, at=timezone.now(), reason=request.POST.get("reason", "")[:500]),
        _("已停用 %(name)s") % {"name": found}, reverse("people:user", args=[username]),
    )  # fmt: skip


@require_POST
def reactivate_user(request: UserRequest, username: str) -> HttpResponse:
    _manage(request)
    found = get_object_or_404(User, username=username)
    return act(
        request, lambda: actions.reactivate_user(found, by=request.user, at=timezone.now()),
        _("已恢复 %(name)s") % {"name": found}, reverse("people:user", args=[username]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def add_post(request: UserRequest, username: str) -> HttpResponse:
    _manage(request)
    found = get_object_or_404(User, username=username)

    def save(asked: dict[str, Any]) -> HttpResponse:
        actions.add_post(found, **asked, by=request.user, at=timezone.now())
        messages.success(request, _("已授予岗位"))
        return redirect("people:user", found.username)

    return _form_page(
        request, forms.PostForm, save, title=_("授予岗位"), submit=_("授予岗位"), back=reverse("people:user", args=[username]),
        lead=_("%(name)s 从任职开始之日起可以做该角色能做的事。") % {"name": found}, crumbs=_user_crumbs(found),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def end_post(request: UserRequest, pk: int) -> HttpResponse:
    _manage(request)
    post = get_object_or_404(Post.objects.select_related("user", "office", "delegated_by"), pk=pk)

    def save(asked: dict[str, Any]) -> HttpResponse:
        actions.end_post(post, **asked, by=request.user, at=timezone.now())
        messages.success(request, _("已结束岗位"))
        return redirect("people:user", post.user.username)

    return _form_page(
        request, forms.EndForm, save, title=_("结束岗位"), submit=_("结束岗位"), back=reverse("people:user", args=[post.user.username]),
        lead=_("%(name)s · %(office)s · %(role)s:最后一天之后不能再以此岗位办事；由此岗位委托出去的也一并结束。")
        % {"name": post.user, "office": named(post.office), "role": post.get_role_display()},
        crumbs=_user_crumbs(post.user), kind="danger",
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def delegate_post(request: UserRequest, pk: int) -> HttpResponse:
    _manage(request)
    post = get_object_or_404(Post.objects.select_related("user", "office"), pk=pk)

    def save(asked: dict[str, Any]) -> HttpResponse:
        actions.delegate_post(post, **asked, by=request.user, at=timezone.now())
        messages.success(request, _("已委托岗位"))
        return redirect("people:user", post.user.username)

    return _form_page(
        request, forms.DelegateForm, save, title=_("委托岗位"), submit=_("委托"), back=reverse("people:user", args=[post.user.username]),
        lead=_("%(name)s 把 %(office)s 的“%(role)s”委托给另一人，到委托结束之日为止，期满自动失效。")
        % {"name": post.user, "office": named(post.office), "role": post.get_role_display()},
        crumbs=_user_crumbs(post.user), holder=post.user,
    )  # fmt: skip


def _user_crumbs(person: User) -> list[tuple[str, str]]:
    return [(_("账号"), reverse("people:users")), (str(person), reverse("people:user", args=[person.username]))]


# -- the shape of a form page -----------------------------------------------------------------------------------------
def _form_page(
    request: UserRequest,
    form_class: type[django_forms.Form],
    save: Callable[[dict[str, Any]], HttpResponse],
    *,
    title: str,
    submit: str,
    back: str,
    crumbs: list[tuple[str, str]],
    lead: str = "",
    kind: str = "primary",
    rules: "list[str] | None" = None,
    initial: "dict[str, Any] | None" = None,
    **kwargs: Any,
) -> HttpResponse:
    """Shows a form; on POST lets `save` act on what was typed and puts a refusal back on the form (422)."""
    form = form_class(request.POST if request.method == "POST" else None, initial=initial, **kwargs)
    answer = submitted(form, lambda: save(form.cleaned_data))
    if answer is not None:
        return answer
    context = {
        "form": form,
        "title": title,
        "submit": submit,
        "back": back,
        "crumbs": crumbs,
        "lead": lead,
        "kind": kind,
        "rules": rules,
    }
    return render(request, "people/form.html", context, status=422 if form.errors else 200)
