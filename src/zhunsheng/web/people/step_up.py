"""再次确认: before what cannot be taken back, the one at the keyboard shows once more that it is still the account's owner.

A view that publishes, exports personal data or reveals a protected person asks for a confirmation that is not older than
STEP_UP_MINUTES: the second factor, or the password where the account has none. Signing in is one. A view asks so:

    @step_up.required("publish")                        every request
    @step_up.required("publish", when=step_up.sending)  only what changes something
    @step_up.required("export", when=step_up.exporting) only a list that leaves the house as a file
    class Reveal(step_up.StepUp, View): purpose = "reveal"

What was being sent is kept in the session and offered again afterwards; files are not kept, and the page says so.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, overload
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django_htmx.http import HttpResponseClientRedirect

View = TypeVar("View", bound=Callable[..., Any])
When = Callable[[HttpRequest], bool]

#: what a confirmation is for, as the page says it
PURPOSES: dict[str, Promise] = {
    "publish": _("对外公布"),
    "export": _("导出个人信息"),
    "reveal": _("查看受保护的个人信息"),
    "account": _("更改登录方式"),
    "sensitive": _("办理重要事项"),
}

CONFIRMED, HELD = "step_up_at", "step_up_held"
MOST = 5  # acts that wait at once, in one session
LARGEST = 200_000  # characters of a form that are kept


def is_fresh(request: HttpRequest) -> bool:
    """Whether the user of this session confirmed within the last STEP_UP_MINUTES."""
    confirmed = request.session.get(CONFIRMED)
    return (
        isinstance(confirmed, int | float)
        and 0 <= timezone.now().timestamp() - confirmed <= settings.STEP_UP_MINUTES * 60
    )


def mark(request: HttpRequest) -> None:
    """The user has just confirmed. Called where a password, a code or a passkey was checked, and nowhere else."""
    request.session[CONFIRMED] = timezone.now().timestamp()


def sending(request: HttpRequest) -> bool:
    """The request changes something: all but GET and HEAD."""
    return request.method not in ("GET", "HEAD")


def exporting(request: HttpRequest) -> bool:
    """The request asks a list for a file (?export=csv, ?export=xlsx)."""
    return "export" in request.GET


@overload
def required(purpose: View) -> View: ...
@overload
def required(purpose: str = ..., *, when: "When | None" = None) -> "Callable[[View], View]": ...
def required(purpose: "str | View" = "sensitive", *, when: "When | None" = None) -> Any:
    """Decorator: the view runs only with a fresh confirmation; otherwise the user is led to confirm and comes back.

    `purpose`: a key of PURPOSES. `when`: for which requests; all where it is left out. Also without parentheses.
    """
    if callable(purpose):
        return required("sensitive")(purpose)
    if purpose not in PURPOSES:
        raise ValueError(f"step_up: {purpose!r} is not one of {', '.join(PURPOSES)}")

    def decorate(view: Any) -> Any:
        @wraps(view)
        def confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if is_fresh(request) or not request.user.is_authenticated or (when is not None and not when(request)):
                return view(request, *args, **kwargs)
            return ask(request, purpose)

        return confirmed

    return decorate


class StepUp:
    """For class views, before View: `purpose` as for `required`."""

    purpose = "sensitive"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        dispatch = super().dispatch  # type: ignore[misc]
        return required(self.purpose)(dispatch)(request, *args, **kwargs)  # type: ignore[no-any-return]


# -- what waits -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Held:
    """An act that waits for a confirmation. `fields`: what was typed, name and value in their order.

    `files`: names of files that were not kept. `too_large`: the form was not kept at all.
    """

    token: str
    purpose: str
    method: str
    path: str
    back: str
    fields: tuple[tuple[str, str], ...]
    files: tuple[str, ...]
    too_large: bool
    confirmed: bool

    @property
    def said(self) -> Promise:
        return PURPOSES[self.purpose]

    @property
    def may_go_on(self) -> bool:
        """Whether the act can be offered again as it was sent."""
        return not self.files and not self.too_large


def ask(request: HttpRequest, purpose: str) -> HttpResponse:
    """Keeps what was asked for and leads to the page that confirms."""
    token = secrets.token_urlsafe(9)
    posted = request.method not in ("GET", "HEAD")
    fields = [
        (name, value)
        for name, values in (request.POST.lists() if posted else ())
        if name != "csrfmiddlewaretoken" and "password" not in name
        for value in values
    ]
    too_large = sum(len(name) + len(str(value)) for name, value in fields) > LARGEST
    waiting = dict(request.session.get(HELD, {}))
    while len(waiting) >= MOST:
        waiting.pop(next(iter(waiting)))
    waiting[token] = {
        "purpose": purpose,
        "method": "POST" if posted else "GET",
        "path": request.get_full_path(),
        "back": _came_from(request),
        "fields": [] if too_large else fields,
        "files": [one.name for _name, many in request.FILES.lists() for one in many] if posted else [],
        "too_large": too_large,
        "confirmed": False,
    }
    request.session[HELD] = waiting
    url = reverse("people:confirm", args=[token])
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else HttpResponseRedirect(url)


def held(request: HttpRequest, token: str) -> "Held | None":
    """What waits under a token of this session."""
    kept = request.session.get(HELD, {}).get(token)
    if kept is None:
        return None
    rest = {name: value for name, value in kept.items() if name not in ("fields", "files")}
    return Held(
        token, fields=tuple((name, value) for name, value in kept["fields"]), files=tuple(kept["files"]), **rest
    )


def go_on(request: HttpRequest, one: Held) -> HttpResponse:
    """After the confirmation: straight to a page that was asked for, or to where the user sends the act again.

    An export goes by way of the page too: a download alone would leave the browser on the form that confirms.
    """
    waiting = dict(request.session.get(HELD, {}))
    if one.method == "GET" and one.purpose != "export":
        waiting.pop(one.token, None)
        answer = redirect(one.path)
    else:
        waiting[one.token] = waiting[one.token] | {"confirmed": True}
        answer = redirect("people:confirmed", one.token)
    request.session[HELD] = waiting
    return answer


def _came_from(request: HttpRequest) -> str:
    """The page of ours from which the request came, or ''."""
    told = request.headers.get("referer", "")
    if not told or not url_has_allowed_host_and_scheme(told, {request.get_host()}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(told)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
