"""What the pages of the register share: a page with one form, and the history of a record in words."""

from collections.abc import Callable
from typing import Any

from django import forms as django_forms
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from zhunsheng.web.common.pages import submitted
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.public_log.words import changes as changes_of
from zhunsheng.web.public_log.words import verb_name
from zhunsheng.web.registry.models import BusinessEntity, Inspector
from zhunsheng.web.registry.queries import history
from zhunsheng.web.registry.words import label_of, value_of

ACTS_SHOWN = 30


def form_page(
    request: UserRequest,
    form: django_forms.Form,
    save: Callable[[dict[str, Any]], HttpResponse],
    *,
    title: str,
    submit: str,
    back: str,
    crumbs: list[tuple[str, str]],
    lead: str = "",
    kind: str = "primary",
) -> HttpResponse:
    """Shows a form; on POST lets `save` act on what was typed and puts a refusal back on the form (422)."""
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
    }
    return render(request, "registry/form.html", context, status=422 if form.is_bound else 200)


def typed(request: UserRequest) -> Any:
    return request.POST if request.method == "POST" else None


def allow(may: bool, sentence: str) -> None:
    """Raises PermissionDenied with a sentence that says who may."""
    if not may:
        raise PermissionDenied(sentence)


# -- history ----------------------------------------------------------------------------------------------------------
def diff(model: type[Model], act: Any) -> SafeString:
    """The changes of an act, one a line: field, old → new."""
    rows = []
    for change in changes_of(act):
        old = value_of(model, change.field, change.old) if change.both else ""
        new = value_of(model, change.field, change.new)
        if old == new and change.field in ("premises", "speciality", "entity", "kind"):
            rows.append(format_html("{}: {}", label_of(model, change.field), new))
        elif change.both and change.old not in (None, ""):
            rows.append(
                format_html("{}: <del>{}</del> → <ins>{}</ins>", label_of(model, change.field), old, new or _("（空）"))
            )
        else:
            rows.append(format_html("{}: <ins>{}</ins>", label_of(model, change.field), new))
    return format_html_join("", '<div class="small">{}</div>', ((row,) for row in rows))


def timeline(request: UserRequest, subject: str, row: "BusinessEntity | Inspector") -> dict[str, Any]:
    """The record's acts for components/timeline.html, oldest first; the last thirty unless all are asked for."""
    acts = history(subject, row.pk)
    everything = request.GET.get("history") == "all"
    found = list(acts[:500] if everything else acts[: ACTS_SHOWN + 1])
    more = not everything and len(found) > ACTS_SHOWN
    found = found[:ACTS_SHOWN] if more else found
    events = [
        {
            "at": act.at,
            "title": verb_name(act.verb),
            "text": format_html(
                "{}{}", format_html("<div>{}</div>", act.reason) if act.reason else "", diff(type(row), act)
            ),
            "by": " · ".join(str(one) for one in (act.by, named(act.office)) if one),
            "kind": "good" if act.verb.startswith("register") else "",
        }
        for act in reversed(found)
    ]
    return {"events": events, "more_history": more}
