"""My account: posts, password, and the second factor."""

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.web.common import city
from zhunsheng.web.common.errors import NotAllowed, Refused, onto, say
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.people import actions, forms, passkeys, policy, queries, step_up, totp
from zhunsheng.web.people.models import AuthenticatorApp, Passkey, Post
from zhunsheng.web.people.queries import UserRequest

#: the secret that is being set up, until its first code has been typed
SETTING_UP = "new_app"


@require_GET
def account(request: UserRequest) -> HttpResponse:
    today = timezone.localdate()
    mine = request.user.posts.select_related("office", "delegated_by").order_by("valid_from", "pk")
    given = Post.objects.filter(delegated_by=request.user).select_related("user", "office").order_by("-valid_to")
    return render(request, "people/account.html", {
        "posts": queries.posts_split(mine, today),
        "given": queries.posts_split(given, today),
        "roles": queries.role_names(),
        "delegable": policy.DELEGABLE,
        "entity": request.user.firm_account.entity if request.user.is_firm else None,
        "factors": queries.factors(request.user),
        "session_minutes": settings.SESSION_COOKIE_AGE // 60,
    })  # fmt: skip


@require_http_methods(["GET", "POST"])
def password(request: UserRequest) -> HttpResponse:
    form = forms.PasswordForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_bound and form.is_valid():
        try:
            actions.change_password(request.user, form.cleaned_data["new_password2"], at=timezone.now())
        except Refused as problem:
            onto(form, problem)
        else:
            # This session goes on; all others of the account end, because their hash no longer fits.
            update_session_auth_hash(request, request.user)
            messages.success(request, _("密码已修改；其他设备上的登录已失效"))
            return redirect("people:account")
    return render(request, "people/password.html", {
        "form": form,
        "rules": password_validators_help_texts(),
        "first": request.user.must_change_password,
    }, status=422 if form.errors else 200)  # fmt: skip


# -- absence ----------------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
def delegate(request: UserRequest, pk: int) -> HttpResponse:
    """委托本人的岗位: for the days of an absence, to a colleague; it ends by itself."""
    post = get_object_or_404(Post.objects.select_related("user", "office"), pk=pk, user=request.user)
    if not policy.may_delegate(request.user, post):
        raise PermissionDenied(_("只有在任的业务岗位可以由本人委托"))
    form = forms.OwnDelegateForm(request.POST if request.method == "POST" else None, post=post)
    if form.is_bound and form.is_valid():
        try:
            actions.delegate_post(post, **form.cleaned_data, by=request.user, at=timezone.now())
        except NotAllowed as problem:
            raise PermissionDenied(say(problem)) from problem
        except Refused as problem:
            onto(form, problem)
        else:
            messages.success(request, _("已委托岗位；这段时间里的待办和通知也会到受托人那里"))
            return redirect("people:account")
    return render(request, "people/form.html", {
        "form": form,
        "title": _("委托岗位"),
        "submit": _("委托"),
        "back": reverse("people:account"),
        "crumbs": [(_("我的账户"), reverse("people:account"))],
        "lead": _("请假、出差时，把 %(office)s 的“%(role)s”委托给同事，到委托结束之日为止，期满自动失效。受托办理的步骤写明受您委托；职责分离把两人一并计算。")
        % {"office": named(post.office), "role": post.get_role_display()},
        "kind": "primary",
    }, status=422 if form.errors else 200)  # fmt: skip


@require_POST
def take_back(request: UserRequest, pk: int) -> HttpResponse:
    """收回委托: today is its last day."""
    post = get_object_or_404(Post.objects.select_related("user", "office"), pk=pk, delegated_by=request.user)
    try:
        actions.end_post(post, on=timezone.localdate(), by=request.user, at=timezone.now(), reason=_("委托人收回委托"))
    except Refused as problem:
        messages.error(request, say(problem))
    else:
        messages.success(request, _("已收回委托，今天为最后一天"))
    return redirect("people:account")


# -- the second factor ------------------------------------------------------------------------------------------------
@require_GET
def factors(request: UserRequest) -> HttpResponse:
    """What stands beside the password, and how many recovery codes are left."""
    here = passkeys.host(request)
    mine = list(request.user.passkeys.all())
    app = AuthenticatorApp.objects.filter(user=request.user).first()
    return render(request, "people/factors.html", {
        "app": app,
        "passkeys": mine,
        "here": here,
        "possible": passkeys.possible(request),
        "left": queries.codes_left(request.user),
        "codes": actions.CODES,
        "any": bool(app or mine),
        "must": policy.must_have_factor(request.user),
        "minutes": settings.STEP_UP_MINUTES,
    })  # fmt: skip


@never_cache
@require_http_methods(["GET", "POST"])
@step_up.required("account")
def add_app(request: UserRequest) -> HttpResponse:
    """Shows a new secret, as a QR code and in letters, and takes it on when the app's first code is right."""
    if AuthenticatorApp.objects.filter(user=request.user).exists():
        messages.info(request, _("已有验证器应用；要换手机，请先移除原来的"))
        return redirect("people:factors")
    secret = request.session.setdefault(SETTING_UP, totp.new_secret())
    form = forms.CodeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            codes = actions.add_app(request.user, secret, form.cleaned_data["code"], at=timezone.now())
        except Refused as problem:
            onto(form, problem)
        else:
            del request.session[SETTING_UP]
            return _added(request, codes, _("已添加验证器应用；其他设备上的登录已失效"))
    issuer = _("准绳 %(city)s") % {"city": named(city.current())}
    return render(request, "people/add_app.html", {
        "form": form,
        # Drawn here and not by the tag qr, which keeps what it drew.
        "qr": SafeString(segno.make_qr(totp.address(secret, request.user.username, issuer), error="m").svg_inline(
            border=2, omitsize=True, light="#fff", lineclass=None, svgclass=None
        )),
        "plain": secret,
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
    }, status=422 if form.errors else 200)  # fmt: skip


@require_POST
@step_up.required("account")
def remove_app(request: UserRequest) -> HttpResponse:
    try:
        actions.remove_app(request.user, at=timezone.now())
    except Refused as problem:
        messages.error(request, say(problem))
    else:
        update_session_auth_hash(request, request.user)
        messages.success(request, _("已移除验证器应用"))
    return redirect("people:factors")


@never_cache
@require_http_methods(["GET", "POST"])
@step_up.required("account")
def add_passkey(request: UserRequest) -> HttpResponse:
    form = forms.PasskeyNameForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            data = passkeys.take_new(request, request.user, request.POST.get("credential", ""))
            codes = actions.add_passkey(
                request.user, data, form.cleaned_data["name"], passkeys.host(request), at=timezone.now()
            )
        except Refused as problem:
            onto(form, problem)
        else:
            return _added(request, codes, _("已添加通行密钥；其他设备上的登录已失效"))
    return render(request, "people/add_passkey.html", {
        "form": form, "possible": passkeys.possible(request), "here": passkeys.host(request),
    }, status=422 if form.errors else 200)  # fmt: skip


@require_POST
@step_up.required("account")
def new_passkey_options(request: UserRequest) -> JsonResponse:
    return JsonResponse(passkeys.ask_for_new(request, request.user))


@require_http_methods(["GET", "POST"])
def rename_passkey(request: UserRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Passkey, pk=pk, user=request.user)
    form = forms.PasskeyNameForm(request.POST if request.method == "POST" else None, initial={"name": found.name})
    if form.is_bound and form.is_valid():
        actions.rename_passkey(request.user, found, form.cleaned_data["name"], at=timezone.now())
        messages.success(request, _("已改名"))
        return redirect("people:factors")
    return render(request, "people/rename_passkey.html", {"form": form, "passkey": found}, status=422 if form.errors else 200)  # fmt: skip


@require_POST
@step_up.required("account")
def remove_passkey(request: UserRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Passkey, pk=pk, user=request.user)
    try:
        actions.remove_passkey(request.user, found, at=timezone.now())
    except Refused as problem:
        messages.error(request, say(problem))
    else:
        update_session_auth_hash(request, request.user)
        messages.success(request, _("已移除通行密钥“%(name)s”") % {"name": found.name})
    return redirect("people:factors")


@never_cache
@require_POST
@step_up.required("account")
def recovery_codes(request: UserRequest) -> HttpResponse:
    """Ten new codes, on the page of this answer and nowhere else."""
    try:
        codes = actions.new_recovery_codes(request.user, at=timezone.now())
    except Refused as problem:
        messages.error(request, say(problem))
        return redirect("people:factors")
    update_session_auth_hash(request, request.user)
    return _codes_page(request, codes)


def _added(request: UserRequest, codes: list[str], said: str) -> HttpResponse:
    """After a new factor. The first one brings recovery codes: they are shown at once, because nobody knows them later."""
    update_session_auth_hash(request, request.user)
    messages.success(request, said)
    return _codes_page(request, codes) if codes else redirect("people:factors")


def _codes_page(request: UserRequest, codes: list[str]) -> HttpResponse:
    text = "\r\n".join(
        [
            _("准绳 %(city)s") % {"city": named(city.current())},
            f"{request.user.username}  {timezone.localdate()}",
            "",
            *codes,
            "",
        ]
    )
    return render(request, "people/recovery_codes.html", {"codes": codes, "text": text})
