"""A first password is for one login: nothing else is to be had until it is changed."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from zhunsheng.web.people.models import User

#: what may be done before: change it, leave, read in the other language
OPEN = frozenset({"people:password", "people:logout", "set_language"})


class ChangePasswordFirst:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> "HttpResponse | None":
        match = request.resolver_match
        if not isinstance(request.user, User) or not request.user.must_change_password or match is None:
            return None
        if match.view_name in OPEN:
            return None
        messages.warning(request, _("这是初始密码，请先改成您自己的密码"))
        return redirect("people:password")
