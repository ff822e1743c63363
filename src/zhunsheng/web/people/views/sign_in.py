"""Coming in: password, second factor, passkey; and showing it once more before an important act."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, redirect_to_login
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.web.common import city
from zhunsheng.web.common.errors import Refused, language, onto, say
from zhunsheng.web.people import actions, forms, passkeys, queries, step_up
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import UserRequest

BACKEND = "django.contrib.auth.backends.ModelBackend"
#: the password was right, the second factor is still to come: who, and where to then
HALF = "sign_in"
HALF_SECONDS = 600


def home_of(user: User) -> str:
    """Where an account begins."""
    return reverse("registry:firm_home" if user.is_firm else settings.LOGIN_REDIRECT_URL)


class Login(LoginView):
    """Login by password. In an invented city the page shows the demo's accounts, which are nobody's."""

    template_name = "people/login.html"
    authentication_form = forms.LoginForm
    redirect_authenticated_user = True

    def get_default_redirect_url(self) -> str:
        return home_of(self.request.user)  # type: ignore[arg-type]  # asked for after the login

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | demo_logins() | {"passkeys": passkeys.possible(self.request)}

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.get_user()
        if not queries.has_factor(user):
            return super().form_valid(form)
        # A new key for the session, and nothing of the account in it but who said the password.
        self.request.session.cycle_key()
        self.request.session[HALF] = {
            "user": user.pk,
            "hash": user.get_session_auth_hash(),
            "at": timezone.now().timestamp(),
            "next": self.get_redirect_url(),
        }
        return redirect("people:second_factor")

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


def demo_logins() -> dict[str, Any]:
    """The demo's accounts and their common password, if this city is invented and the demo is installed."""
    if not city.current().invented:
        return {}
    try:
        from zhunsheng.demo.people import ACCOUNTS, PASSWORD
    except ImportError:
        return {}
    english = language() == "en"
    there = set(
        User.objects.filter(username__in=[one.username for one in ACCOUNTS], is_active=True).values_list(
            "username", flat=True
        )
    )
    return {
        "demo_password": PASSWORD,
        "demo_logins": [
            (one.username, one.note_en if english else one.note) for one in ACCOUNTS if one.username in there
        ],
    }


@login_not_required
def admin_login(request: HttpRequest) -> HttpResponse:
    """Django's administration has no door of its own: one login, with the second factor, for the whole house."""
    if request.user.is_authenticated:
        raise PermissionDenied(_("后台只向超级管理员开放"))
    return redirect_to_login(request.GET.get("next", reverse("admin:index")))


# -- the second factor at the login -----------------------------------------------------------------------------------
def _half(request: HttpRequest) -> "User | None":
    """Who said the right password in this session a short while ago, and is still to show the second factor."""
    half = request.session.get(HALF)
    if not half or not 0 <= timezone.now().timestamp() - half["at"] <= HALF_SECONDS:
        return None
    user = User.objects.filter(pk=half["user"], is_active=True).first()
    return user if user and user.get_session_auth_hash() == half["hash"] else None


def _come_in(request: HttpRequest, user: User, then: str) -> HttpResponse:
    request.session.pop(HALF, None)
    login(request, user, backend=BACKEND)
    return redirect(then or home_of(user))


@login_not_required
@require_http_methods(["GET", "POST"])
def second_factor(request: HttpRequest) -> HttpResponse:
    """After the password: a code, a recovery code or a passkey."""
    if request.user.is_authenticated:
        return redirect(home_of(request.user))
    user = _half(request)
    if user is None:
        if request.session.pop(HALF, None):
            messages.info(request, _("登录的第一步已过期，请重新输入密码"))
        return redirect("people:login")
    shown = _Shown(request, user)
    if request.method == "POST" and shown.proved():
        return _come_in(request, user, request.session[HALF]["next"])
    return shown.page("people/second_factor.html", {"person": user})


@login_not_required
@require_POST
def passkey_login(request: HttpRequest) -> HttpResponse:
    """In one step: the passkey says who, and its device has checked that it is its owner."""
    try:
        passkey, count = passkeys.take(request, None, request.POST.get("credential", ""))
        actions.use_passkey(passkey.user, passkey, count, at=timezone.now())
    except Refused as problem:
        messages.error(request, say(problem))
        return redirect_to_login(request.POST.get("next", ""), reverse("people:login"))
    return _come_in(request, passkey.user, Login(request=request).get_redirect_url())


@login_not_required
@require_POST
def passkey_options(request: HttpRequest) -> JsonResponse:
    """What the browser is to ask its passkeys: those of the user who confirms or is half in, else any of this host."""
    user = request.user if isinstance(request.user, User) else _half(request)
    return JsonResponse(passkeys.ask(request, user))


# -- once more, before an important act -------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
def confirm(request: UserRequest, token: str) -> HttpResponse:
    """Asks for the second factor, or the password where there is none, and goes on with what waits."""
    held = step_up.held(request, token)
    if held is None:
        messages.info(request, _("没有等待确认的事项，请从原来的页面再办理一次"))
        return redirect(home_of(request.user))
    if step_up.is_fresh(request):
        return step_up.go_on(request, held)
    shown = _Shown(request, request.user)
    if request.method == "POST":
        if shown.proved():
            request.session.cycle_key()
            step_up.mark(request)
            return step_up.go_on(request, held)
        actions.note_refusal(request.user, held.purpose, at=timezone.now())
    return shown.page("people/confirm.html", {"held": held, "minutes": settings.STEP_UP_MINUTES})


@require_GET
def confirmed(request: UserRequest, token: str) -> HttpResponse:
    """After the confirmation: the form as it was sent, to send it again; or the file, to fetch it."""
    held = step_up.held(request, token)
    if held is None or not held.confirmed:
        messages.info(request, _("没有等待确认的事项，请从原来的页面再办理一次"))
        return redirect(home_of(request.user))
    if not step_up.is_fresh(request):
        return redirect("people:confirm", token)
    return render(request, "people/confirmed.html", {
        "held": held,
        "seen": [(name, value) for name, value in held.fields if value],
        "minutes": settings.STEP_UP_MINUTES,
    })  # fmt: skip


class _Shown:
    """The ways in which a user shows that it is he, as forms; which of them was tried, and how it ended."""

    def __init__(self, request: HttpRequest, user: User) -> None:
        self.request, self.user = request, user
        self.app = hasattr(user, "authenticator_app")
        mine = list(user.passkeys.all())
        here = passkeys.host(request)
        self.passkey = passkeys.possible(request) and any(one.host == here for one in mine)
        #: passkeys that fit another address only
        self.elsewhere = bool(mine) and not self.passkey
        self.factor = self.app or bool(mine)
        self.status = 200
        self.until: Any = None
        self.said = ""
        self.code: Form = forms.CodeForm()
        self.recovery: Form = forms.RecoveryForm(auto_id="recovery_%s")
        self.password: Form = forms.ConfirmPasswordForm()
        for form in (self.code, self.password):
            next(iter(form.fields.values())).widget.attrs["autofocus"] = True

    def proved(self) -> bool:
        """Whether what was posted proves it. If not, the page says why."""
        posted = self.request.POST
        self.status = 422
        try:
            if not self.factor:
                self.password = forms.ConfirmPasswordForm(posted)
                return self.password.is_valid() and self._password(self.password.cleaned_data["password"])
            if posted.get("credential"):
                passkey, count = passkeys.take(self.request, self.user, posted["credential"])
                actions.use_passkey(self.user, passkey, count, at=timezone.now())
                return True
            form: Form
            if "recovery" in posted:
                form = self.recovery = forms.RecoveryForm(posted, auto_id="recovery_%s")
                field = "recovery"
            else:
                form = self.code = forms.CodeForm(posted)
                field = "code"
            if not form.is_valid():
                return False
            try:
                actions.use_code(self.user, form.cleaned_data[field], at=timezone.now())
            except actions.Locked:
                raise
            except Refused as problem:
                onto(form, problem)
                return False
        except actions.Locked as problem:
            self.status, self.until = 429, problem.until
            return False
        except Refused as problem:
            self.said = say(problem)
            return False
        return True

    def _password(self, typed: str) -> bool:
        """Through the login's own check, so that its lock holds here too (axes answers in place of this page)."""
        found = authenticate(self.request, username=self.user.username, password=typed)
        if found is None or found.pk != self.user.pk:
            self.password.add_error("password", _("密码不正确"))
            return False
        return True

    def page(self, template: str, context: dict[str, Any]) -> HttpResponse:
        return render(self.request, template, {"shown": self, **context}, status=self.status)
