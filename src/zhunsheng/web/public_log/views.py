"""The public log, for everyone; the audit trail, for those who look on."""

import json
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from zhunsheng.engine import public_log as engine
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import hash_block, named
from zhunsheng.web.public_log import forms, policy, queries, words
from zhunsheng.web.public_log.models import Act, LogEntry


# -- the public log ---------------------------------------------------------------------------------------------------
@login_not_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    listing = Listing(
        request=request,
        queryset=LogEntry.objects.defer("body"),
        columns=[
            Column(
                "index",
                gettext_lazy("序号"),
                lambda entry: entry.index,
                order="index",
                numeric=True,
                html=lambda entry: f"#{entry.index}",
            ),
            Column("at", gettext_lazy("时间"), lambda entry: entry.at),
            Column("kind", gettext_lazy("类别"), lambda entry: str(words.verb_name(entry.kind))),
            Column("subject", gettext_lazy("对象"), lambda entry: entry.subject, html=_subject),
            Column(
                "leaf_hash",
                gettext_lazy("叶哈希"),
                lambda entry: entry.leaf_hash,
                html=lambda entry: hash_block(entry.leaf_hash),
            ),
        ],
        name="public-log",
        title=gettext_lazy("存证条目"),
        filterset_class=forms.EntryFilter,
        default_sort="-index",
        url=lambda entry: reverse("public_log:entry", args=[entry.index]),
        empty_text=gettext_lazy("没有符合条件的条目。"),
    )
    if listing.wants_export:
        return listing.export()
    return render(request, "public_log/home.html", {
        "listing": listing,
        "head": queries.head(),
        "origin": queries.origin(),
        "may_read_acts": policy.may_read_acts(request.user),
    })  # fmt: skip


def _subject(entry: LogEntry) -> SafeString:
    kind, _colon, number = entry.subject.partition(":")
    url = words.subject_url(kind, number, public=True)
    text = f"{words.subject_name(kind)} {number}"
    return format_html('<a href="{}">{}</a>', url, text) if url else format_html("{}", text)


@login_not_required
@require_GET
def head(request: HttpRequest) -> HttpResponse:
    """The head for programs: whoever fetches and keeps it now and then can prove a rewriting later."""
    now = queries.head()
    return JsonResponse({
        "log": queries.origin(),
        "size": now.size,
        "root": now.root.hex(),
        "at": now.at.isoformat(timespec="seconds") if now.at else None,
    })  # fmt: skip


@login_not_required
@require_GET
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The whole log as JSON lines, for `zhunsheng log verify`."""
    response = StreamingHttpResponse(queries.export_lines(), content_type="application/jsonl; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="public-log-{queries.head().size}.jsonl"'
    return response


@login_not_required
@require_GET
def entry(request: HttpRequest, index: int) -> HttpResponse:
    found = get_object_or_404(LogEntry, pk=index)
    now = queries.head()
    proof = queries.inclusion(index, now.size) if index < now.size else ()
    leaf = engine.leaf_hash(found.body.encode())
    kind, _colon, number = found.subject.partition(":")
    return render(request, "public_log/entry.html", {
        "entry": found,
        "title": words.verb_name(found.kind),
        "subject_name": words.subject_name(kind),
        "subject_number": number,
        "subject_url": words.subject_url(kind, number, public=True),
        "pretty": _pretty(found.body),
        "head": now,
        "leaf": leaf,
        "kept_ok": leaf.hex() == found.leaf_hash,
        "proved": engine.verify_inclusion(leaf, index, now.size, proof, now.root),
        "steps": queries.steps(leaf, index, now.size, proof),
        "previous": index - 1 if index else None,
        "next": index + 1 if index + 1 < now.size else None,
        "act_id": found.act_id if policy.may_read_acts(request.user) else None,
        "origin": queries.origin(),
    })  # fmt: skip


def _pretty(body: str) -> str:
    """The text spread over lines for reading. A text that is no JSON any more is shown as it is."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except ValueError:
        return body


@login_not_required
@require_GET
def proof(request: HttpRequest, index: int) -> HttpResponse:
    """The proof that an entry stands in the present log, as a file: all that is needed to check it without this house."""
    found = get_object_or_404(LogEntry, pk=index)
    now = queries.head()
    path = queries.inclusion(index, now.size) if index < now.size else ()
    response = JsonResponse({
        "log": queries.origin(),
        "size": now.size,
        "root": now.root.hex(),
        "index": index,
        "entry": found.body,
        "leaf": found.leaf_hash,
        "proof": [one.hex() for one in path],
    }, json_dumps_params={"ensure_ascii": False, "indent": 1})  # fmt: skip
    response["Content-Disposition"] = f'attachment; filename="public-log-{index}-of-{now.size}.json"'
    return response


@login_not_required
@require_GET
def consistency(request: HttpRequest) -> HttpResponse:
    """I kept an older head: is today's log that log, only longer?"""
    form = forms.OldHeadForm(request.GET if "size" in request.GET or "root" in request.GET else None)
    verdict = None
    if form.is_bound and form.is_valid():
        verdict = queries.grown_from(form.cleaned_data["size"], bytes.fromhex(form.cleaned_data["root"].strip()))
    return render(request, "public_log/consistency.html", {
        "form": form, "verdict": verdict, "head": queries.head(),
    }, status=422 if form.errors else 200)  # fmt: skip


# -- the audit trail --------------------------------------------------------------------------------------------------
def _look_on(request: HttpRequest) -> None:
    if not policy.may_read_acts(request.user):
        raise PermissionDenied(_("办理痕迹由督查审计、质强办和系统管理员查阅"))


@require_GET
def acts(request: HttpRequest) -> HttpResponse:
    _look_on(request)
    listing = Listing(
        request=request,
        queryset=Act.objects.select_related("by", "office"),
        columns=[
            Column("at", gettext_lazy("时间"), lambda act: act.at, order="at"),
            Column("verb", gettext_lazy("动作"), lambda act: str(words.verb_name(act.verb))),
            Column(
                "subject", gettext_lazy("对象"), lambda act: f"{words.subject_name(act.subject_type)} {act.subject_id}"
            ),
            Column("by", gettext_lazy("操作人"), lambda act: str(act.by) if act.by else ""),
            Column("office", gettext_lazy("机构"), lambda act: named(act.office)),
            Column("rule", gettext_lazy("规则版本"), lambda act: act.rule, hidden=True),
            Column("reason", gettext_lazy("理由"), lambda act: act.reason),
        ],
        name="acts",
        title=gettext_lazy("办理痕迹"),
        filterset_class=forms.ActFilter,
        default_sort="-at",
        url=lambda act: reverse("public_log:act", args=[act.pk]),
        empty_text=gettext_lazy("没有符合条件的记录。"),
    )
    if listing.wants_export:
        return listing.export()
    return render(request, "public_log/acts.html", {"listing": listing})


@require_GET
def act(request: HttpRequest, pk: int) -> HttpResponse:
    _look_on(request)
    found = get_object_or_404(Act.objects.select_related("by", "office"), pk=pk)
    told = words.tell(found)
    others = queries.history(found.subject_type, found.subject_id)[:50]
    return render(request, "public_log/act.html", {
        "act": found,
        "told": told,
        "changes": [(change, _plain(change.old), _plain(change.new)) for change in words.changes(found)],
        "entry": LogEntry.objects.filter(act=found).only("index").first(),
        "events": [
            {
                "at": one.at, "title": words.verb_name(one.verb), "by": one.by or "", "text": one.reason,
                "url": "" if one.pk == found.pk else reverse("public_log:act", args=[one.pk]),
                "when": "now" if one.pk == found.pk else "",
            }
            for one in reversed(others)
        ],
    })  # fmt: skip


def _plain(value: Any) -> str:
    """A stored value as people read it: nothing for nothing, lists and objects as JSON."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return _("是") if value else _("否")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
