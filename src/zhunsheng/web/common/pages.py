"""What the pages of every room do with a button and with a form: act, and say what came of it."""

from collections.abc import Callable
from typing import Any, Protocol

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.functional import Promise

from zhunsheng.web.common.errors import NotAllowed, Refused, onto, say


class HasPage(Protocol):
    """A record with a page of its own."""

    def get_absolute_url(self) -> str: ...


def act(
    request: HttpRequest, doing: Callable[[], Any], done: "str | Promise", back: "str | HasPage"
) -> HttpResponseRedirect:
    """Does one act and goes back with a word about it. A refusal is said there, a line each; who may not gets the 403 page."""
    try:
        doing()
    except NotAllowed as problem:
        raise PermissionDenied(say(problem)) from problem
    except Refused as problem:
        for line in say(problem).split("\n"):
            messages.error(request, line)
    else:
        messages.success(request, str(done))
    return redirect(back)


def submitted(form: Form, save: Callable[[], HttpResponse]) -> HttpResponse | None:
    """The answer of `save` where the form was sent, is valid, and the act is done. None where the form is to be shown, with a
    refusal on it; who may not gets the 403 page."""
    if not form.is_bound or not form.is_valid():
        return None
    try:
        return save()
    except NotAllowed as problem:
        raise PermissionDenied(say(problem)) from problem
    except Refused as problem:
        onto(form, problem)
    return None
