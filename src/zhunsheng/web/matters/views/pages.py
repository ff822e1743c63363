"""What the pages of the room have in common: who may come in, a form page, an act with its answer."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.pages import submitted
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.matters import policy, queries
from zhunsheng.web.matters.models import Matter
from zhunsheng.web.people.queries import UserRequest

Words = str | Promise


def see(request: UserRequest) -> None:
    if not policy.may_see(request.user):
        raise PermissionDenied(_("办件只向各机构的工作人员开放"))


def matter_of(request: UserRequest, no: str) -> Matter:
    """The matter with this number, if the user may see it; else there is none."""
    see(request)
    found = queries.visible_to(request.user).select_related(
        "office__parent", "handler", "entity", "division", "opened_by"
    )
    return get_object_or_404(found, no=no)


def form_page(
    request: UserRequest,
    form: django_forms.Form,
    save: Callable[[Any], HttpResponse],
    *,
    title: Words,
    submit: Words,
    back: str,
    lead: Words = "",
    crumbs: Sequence[tuple[Words, str]] = (),
    template: str = "matters/form.html",
    **context: Any,
) -> HttpResponse:
    """A page with one form. `save(form)` acts and answers with a redirect.

    A form that is not valid, or an act that refuses, shows the form again with what was typed and status 422.
    """
    answer = submitted(form, lambda: save(form))
    if answer is not None:
        return answer
    context |= {"form": form, "title": title, "submit": submit, "back": back, "lead": lead, "crumbs": crumbs}
    return render(request, template, context, status=422 if form.is_bound else 200)


def material_page(
    request: HttpRequest,
    form: django_forms.Form,
    template: str,
    matter: Matter,
    *,
    keep: Callable[[Any], Attachment],
    add: Callable[[Attachment, str], Any],
    back: str,
) -> HttpResponse:
    """One more paper from outside the office: `keep` takes the file in, `add` puts it among the matter's papers under its
    title. A file that is refused is a fault of the field `upload`."""

    def save() -> HttpResponse:
        try:
            kept = keep(form.cleaned_data["upload"])
        except Refused as problem:
            raise Refused(problem.message, field="upload") from problem
        add(kept, form.cleaned_data["title"])
        messages.success(request, _now("已收到“%(title)s”。") % {"title": form.cleaned_data["title"]})
        return redirect(back)

    context = {"matter": matter, "form": form}
    return submitted(form, save) or render(request, template, context, status=422 if form.is_bound else 200)


def crumbs_of(matter: Matter) -> list[tuple[Words, str]]:
    return [(matter.no, matter.get_absolute_url())]


def typed(request: UserRequest) -> tuple[Any, Any]:
    """What was posted, and the files; nothing on GET."""
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)
