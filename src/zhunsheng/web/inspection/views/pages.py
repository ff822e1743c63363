"""What the pages of the room have in common: who may come in, the tabs, a form page, an act with its answer."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms as django_forms
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhunsheng.web.common.pages import submitted
from zhunsheng.web.inspection import policy
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.public_log.models import LogEntry
from zhunsheng.web.public_log.words import verb_name

Words = str | Promise

TABS: tuple[tuple[str, Words], ...] = (
    ("home", _("概览")),
    ("plans", _("抽查计划")),
    ("draws", _("抽取")),
    ("tasks", _("检查任务")),
    ("visits", _("检查记录")),
    ("follow_ups", pgettext_lazy("list", "后续处理")),
    ("upstream", _("上级平台的抽取")),
    ("burden", _("检查负担")),
    ("items", _("事项清单")),
    ("wordings", _("结果用语")),
    ("rule_books", _("实施细则")),
)


def see(request: UserRequest) -> None:
    if not policy.may_see(request.user):
        raise PermissionDenied(_("双随机检查只向各机构的工作人员开放"))


def tabs(current: str) -> list[dict[str, Any]]:
    """The lists of the room, the present one marked."""
    return [{"label": label, "url": reverse(f"inspection:{name}"), "current": name == current} for name, label in TABS]


def seal_of(entry: LogEntry) -> dict[str, Any]:
    """An entry of the public log as components/seal.html shows it."""
    url = entry.get_absolute_url()
    return {"no": entry.index, "at": entry.at, "hash": entry.leaf_hash, "url": url, "what": verb_name(entry.kind)}


def form_page(
    request: UserRequest,
    make: Callable[..., django_forms.Form],
    save: Callable[[Any], HttpResponse],
    *,
    title: Words,
    submit: Words,
    back: str,
    lead: Words = "",
    crumbs: Sequence[tuple[Words, str]] = (),
    kind: str = "primary",
    initial: dict[str, Any] | None = None,
    template: str = "inspection/form.html",
    **context: Any,
) -> HttpResponse:
    """A page with one form. `make(data, initial=…)` makes the form, `save(form)` acts and answers with a redirect.

    A form that is not valid, or an act that refuses, shows the form again with what was typed and status 422.
    """
    form = make(request.POST if request.method == "POST" else None, initial=initial or {})
    answer = submitted(form, lambda: save(form))
    if answer is not None:
        return answer
    context |= {
        "form": form,
        "title": title,
        "submit": submit,
        "back": back,
        "lead": lead,
        "crumbs": crumbs,
        "kind": kind,
    }
    return render(request, template, context, status=422 if form.errors else 200)
