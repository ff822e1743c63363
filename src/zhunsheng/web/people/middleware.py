"""What comes before anything else after a login: a password of one's own, and a second factor where the posts ask for one."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from zhunsheng.web.people import policy, queries
from zhunsheng.web.people.models import User

#: what may be done before: change it, leave, read in the other language
OPEN = frozenset({"people:password", "people:logout", "set_language"})
#: where a second factor is set up
SETTING_UP = frozenset(
    {
        "people:factors",
        "people:add_app",
        "people:add_passkey",
        "people:new_passkey_options",
        "people:confirm",
        "people:confirmed",
    }
)


class _First:
    """Lets a request through; what has to come first is said in `process_view`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)


class ChangePasswordFirst(_First):
    """A first password is for one login: nothing else is to be had until it is changed."""

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> "HttpResponse | None":
        match = request.resolver_match
        if not isinstance(request.user, User) or not request.user.must_change_password or match is None:
            return None
        if match.view_name in OPEN:
            return None
        messages.warning(request, _("这是初始密码，请先改成您自己的密码"))
        return redirect("people:password")


class SecondFactorFirst(_First):
    """Who must have a second factor (setting SECOND_FACTOR) and has none sets one up before anything else."""

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> "HttpResponse | None":
        match = request.resolver_match
        if match is None or match.view_name in OPEN | SETTING_UP or not policy.must_have_factor(request.user):
            return None
        if queries.has_factor(request.user):  # type: ignore[arg-type]  # must_have_factor has told that it is a User
            return None
        messages.warning(request, _("您的岗位必须有第二重验证，请先添加一种"))
        return redirect("people:factors")
