"""The register of issued documents, one document, its series, writing a new one; and the public page that proves one."""

import datetime
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.engine.errors import DocumentError
from zhunsheng.web.common.errors import NotAllowed, Refused, language, say
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.pages import act, submitted
from zhunsheng.web.common.templatetags.zs import named, state_tag
from zhunsheng.web.documents import actions, faces, policy, printing, queries
from zhunsheng.web.documents.forms import DocumentFilter, DocumentForm, VoidForm
from zhunsheng.web.documents.models import IssuedDocument, State
from zhunsheng.web.people import step_up
from zhunsheng.web.people.models import Office
from zhunsheng.web.people.queries import UserRequest, offices_of

STATE_KIND = {State.ISSUED: "good", State.VOID: "bad", State.REPLACED: "warn"}
TABS = (
    ("home", gettext_lazy("文书登记簿")),
    ("series", gettext_lazy("编号序列")),
    ("choose", gettext_lazy("制作文书")),
)


def _enter(request: UserRequest) -> None:
    if not policy.may_enter(request.user):
        raise PermissionDenied(_("文书只向发文机关的工作人员和督查审计人员开放"))


def _tabs(request: UserRequest, current: str) -> list[dict[str, Any]]:
    """The pages of the room; making a document is offered only to who may."""
    return [
        {"label": label, "url": reverse(f"documents:{name}"), "current": name == current}
        for name, label in TABS
        if name != "choose" or policy.may_issue(request.user)
    ]


def _one(request: UserRequest, pk: int) -> IssuedDocument:
    _enter(request)
    found = get_object_or_404(
        IssuedDocument.objects.select_related("office", "issued_by", "voided_by", "replaces", "replaced_by"), pk=pk
    )
    if not policy.may_see(request.user, found):
        raise PermissionDenied(_("这份文书只有发文机关的工作人员和督查审计人员可以查看"))
    return found


def kind_label(one: IssuedDocument) -> str:
    return named(one, "kind_name")


# -- the register -----------------------------------------------------------------------------------------------------
@require_GET
@step_up.required("export", when=step_up.exporting)
def home(request: UserRequest) -> HttpResponse:
    _enter(request)
    listing = Listing(
        request=request, queryset=policy.visible(request.user, queries.documents()), name="documents", title=_("文书登记簿"),
        filterset_class=DocumentFilter, default_sort="-issued_at", url=lambda one: one.get_absolute_url(),
        empty_text=_("还没有制发文书。办件的步骤制发的文书都登记在这里。"),
        columns=[
            Column("number", gettext_lazy("文号"), lambda one: one.number, html=lambda one: format_html('<span class="nowrap">{}</span>', one.number)),
            Column("kind", gettext_lazy("文书种类"), kind_label, order="kind"),
            Column("title", gettext_lazy("标题"), lambda one: one.title),
            Column("office", gettext_lazy("发文机关"), lambda one: named(one.office), html=lambda one: one.office.brief),
            Column("day", gettext_lazy("成文日期"), lambda one: one.day, html=lambda one: format_html('<span class="nowrap">{}</span>', one.day), order="day"),
            Column("issued_at", gettext_lazy("制发时间"), lambda one: one.issued_at, order="issued_at", hidden=True),
            Column("state", gettext_lazy("状态"), lambda one: one.get_state_display(), html=lambda one: state_tag(STATE_KIND[one.state], one.get_state_display()), order="state"),
            Column("void_reason", gettext_lazy("作废原因"), lambda one: one.void_reason, hidden=True),
            Column("seq", gettext_lazy("序号"), lambda one: one.seq, numeric=True, order="seq", hidden=True),
            Column("series", gettext_lazy("编号序列"), lambda one: one.series, export_only=True),
            Column("content_sha256", gettext_lazy("内容摘要"), lambda one: one.content_sha256, export_only=True),
            Column("pdf_sha256", gettext_lazy("PDF 摘要"), lambda one: one.pdf_sha256, export_only=True),
        ],
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    return render(request, "documents/home.html", {"listing": listing, "tabs": _tabs(request, "home")})


@require_GET
def series(request: UserRequest) -> HttpResponse:
    _enter(request)
    day = timezone.localdate()
    offices = list(offices_of(request.user, (*policy.WRITERS, "leader")).order_by("code"))
    chosen = next((one for one in offices if str(one.pk) == request.GET.get("office")), offices[0] if offices else None)
    states = (
        queries.series_states() if policy.sees_all(request.user) else queries.series_states(chosen) if chosen else []
    )
    return render(request, "documents/series.html", {
        "tabs": _tabs(request, "series"), "day": day, "offices": offices, "chosen": chosen, "states": states,
        "broken": sum(1 for one in states if not one.whole),
        "next": [(group.label(language()), number) for group, number in queries.next_numbers(chosen, day)] if chosen else [],
    })  # fmt: skip


# -- one document -----------------------------------------------------------------------------------------------------
@require_GET
def document(request: UserRequest, pk: int) -> HttpResponse:
    one = _one(request, pk)
    return render(request, "documents/document.html", {
        "one": one,
        "tag": state_tag(STATE_KIND[State(one.state)], one.get_state_display()),
        "proof_url": queries.address(one),
        "code": printing.grouped(one.code),
        "replaced_by": IssuedDocument.objects.filter(replaces=one).first(),
        "faces": one.faces or {face.role: face.name for face in faces.faces()},
        "may_read": policy.may_read(request.user, one),
        "may_void": policy.may_void(request.user, one),
        "may_disclose": policy.may_disclose(request.user, one),
        "may_replace": policy.may_void(request.user, one) and policy.may_read(request.user, one),
        "void_form": VoidForm(),
        "timeline": _timeline(one),
    })  # fmt: skip


def _timeline(one: IssuedDocument) -> list[dict[str, Any]]:
    events = [{"at": one.issued_at, "title": _("制发"), "text": one.number, "by": one.issued_by}]
    if one.replaces is not None:
        events[0]["text"] = _("替换 %(number)s") % {"number": one.replaces.number}
    if one.voided_at is not None:
        events.append({"at": one.voided_at, "title": _("作废"), "text": one.void_reason, "by": one.voided_by})
    return events


@require_GET
def pdf(request: UserRequest, pk: int) -> HttpResponse:
    one = _one(request, pk)
    try:
        data = actions.read(one, by=request.user, at=timezone.now())
    except NotAllowed as problem:
        raise PermissionDenied(say(problem)) from problem
    except Refused as problem:
        messages.error(request, say(problem))
        return redirect(one)
    return _as_pdf(data, f"{one.number}.pdf")


def _as_pdf(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(name)}"
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
def void(request: UserRequest, pk: int) -> HttpResponse:
    one = _one(request, pk)
    reason = request.POST.get("reason", "")
    return act(
        request,
        lambda: actions.void(one, by=request.user, at=timezone.now(), reason=reason),
        _("文书已作废，文号保留"),
        one,
    )


@require_POST
@step_up.required("publish", when=step_up.sending)
def disclose(request: UserRequest, pk: int) -> HttpResponse:
    one = _one(request, pk)
    return act(request, lambda: actions.disclose(one, by=request.user, at=timezone.now()), _("正文已公开"), one)


# -- writing ----------------------------------------------------------------------------------------------------------
@require_GET
def choose(request: UserRequest) -> HttpResponse:
    _enter(request)
    if not policy.may_issue(request.user):
        raise PermissionDenied(_("只有各机构的办案、审核人员和负责人可以制作文书"))
    return render(request, "documents/choose.html", {
        "tabs": _tabs(request, "choose"), "kinds": [(one, one.label(language())) for one in queries.free_kinds(timezone.localdate())],
    })  # fmt: skip


@require_http_methods(["GET", "POST"])
def write(request: UserRequest, kind: str) -> HttpResponse:
    _enter(request)
    offices = offices_of(request.user, policy.WRITERS).order_by("code")
    if not policy.may_issue(request.user):
        raise PermissionDenied(_("只有各机构的办案、审核人员和负责人可以制作文书"))
    now = timezone.now()
    if kind not in {one.code for one in queries.free_kinds(timezone.localdate(now))}:
        raise Http404(_("没有这种文书，或者它只能由办件的步骤制发"))

    def save(form: DocumentForm, office: Office) -> IssuedDocument:
        return actions.issue(
            kind, office=office, fields=form.values(), title=form.cleaned_data["title"], by=request.user, at=now,
            copies=form.cleaned_data.get("copies", ""), attachments=form.attachments(),
        )  # fmt: skip

    return _form_page(request, kind, offices, save, {}, back=reverse("documents:choose"))


@require_http_methods(["GET", "POST"])
def replace(request: UserRequest, pk: int) -> HttpResponse:
    one = _one(request, pk)
    if not policy.may_void(request.user, one) or not policy.may_read(request.user, one):
        raise PermissionDenied(_("只有发文机关的负责人可以替换有效的文书"))

    def save(form: DocumentForm, office: Office) -> IssuedDocument:
        return actions.replace(
            one, fields=form.values(), title=form.cleaned_data["title"], by=request.user, at=timezone.now(),
            copies=form.cleaned_data.get("copies", ""), attachments=form.attachments(),
        )  # fmt: skip

    initial = queries.typed_values(one) | {
        "office": one.office_id,
        "title": one.title,
        "copies": one.content.get("copies", ""),
        "attachments": "\n".join(one.content.get("attachments", [])),
    }
    for code, alias in queries.ALIASES.items():
        initial.setdefault(code, initial.get(alias))
    offices = Office.objects.filter(pk=one.office_id)
    return _form_page(request, one.kind, offices, save, initial, back=one.get_absolute_url(), replaces=one)


def _form_page(
    request: UserRequest, kind: str, offices: Any, save: Callable[[DocumentForm, Office], IssuedDocument],
    initial: dict[str, Any], *, back: str, replaces: IssuedDocument | None = None,
) -> HttpResponse:  # fmt: skip
    day = timezone.localdate()
    one = queries.kind(kind, day)
    form = DocumentForm(
        request.POST if request.method == "POST" else None, kind=kind, day=day, offices=offices, initial=initial
    )

    def done() -> HttpResponse:
        office = form.cleaned_data["office"]
        if "preview" in request.POST:
            return _as_pdf(_preview(form, kind, office, day), "preview.pdf")
        made = save(form, office)
        messages.success(request, _("已制发 %(number)s") % {"number": made.number})
        return redirect(made)

    return submitted(form, done) or render(request, "documents/write.html", {
        "form": form, "kind": one, "name": one.label(language()), "back": back, "replaces": replaces,
    }, status=422 if form.errors else 200)  # fmt: skip


def _preview(form: DocumentForm, kind: str, office: Office, day: datetime.date) -> bytes:
    try:
        return queries.preview(
            kind, form.values(), office=office, title=form.cleaned_data["title"], at=timezone.now(), day=day,
            copies=form.cleaned_data.get("copies", ""), attachments=form.attachments(),
        )  # fmt: skip
    except DocumentError as problem:
        raise Refused(say(problem)) from problem


# -- the public page --------------------------------------------------------------------------------------------------
@login_not_required
@require_GET
def proof(request: UserRequest, code: str) -> HttpResponse:
    """Says whether a document is genuine and stands. A code that nobody gave answers 404 and says so."""
    one = queries.by_code(code) if len(code) <= 40 else None
    if one is None:
        return render(request, "documents/proof.html", {"one": None, "code": code[:40]}, status=404)
    return render(request, "documents/proof.html", {
        "one": one,
        "code": printing.grouped(one.code),
        "stands": one.state == State.ISSUED,
        "replaced_by": IssuedDocument.objects.filter(replaces=one).first() if one.state == State.REPLACED else None,
        "shows_text": one.public and not one.personal and one.state == State.ISSUED and policy.subject_is_open(one),
        "kind": kind_label(one),
        "faces": "；".join(dict.fromkeys(one.faces.values())),
    })  # fmt: skip
