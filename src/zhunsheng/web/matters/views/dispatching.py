"""公文: the approval sheet, the document before it has its number, and what the user's offices have received."""

from typing import Any
from urllib.parse import quote

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET, require_POST

from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.procedure import Standing
from zhunsheng.web.common.errors import Refused, say
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.pages import act
from zhunsheng.web.common.templatetags.zs import day, named, state_tag
from zhunsheng.web.documents import actions as documents_actions
from zhunsheng.web.documents import policy as documents_policy
from zhunsheng.web.documents import queries as documents
from zhunsheng.web.matters import actions, dispatching, policy, queries
from zhunsheng.web.matters.models import Matter, MatterLink, Party
from zhunsheng.web.matters.views.pages import matter_of, see
from zhunsheng.web.people.queries import UserRequest


def _pdf(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(name)}"
    response["Cache-Control"] = "private, no-store"
    return response


def _dispatch_of(request: UserRequest, no: str) -> tuple[Matter, Standing]:
    matter = matter_of(request, no)
    if not dispatching.is_dispatch(matter):
        raise Http404
    try:
        return matter, queries.standing(matter)
    except ZhunshengError as problem:
        raise PermissionDenied(say(problem)) from problem


def _print(
    request: UserRequest, matter: Matter, kind: str, fields: Any, *, title: str, number: str, draft: bool
) -> HttpResponse:
    at = timezone.now()
    try:
        data = documents.preview(
            kind,
            fields,
            office=matter.office,
            title=title,
            at=at,
            day=timezone.localdate(at),
            number=number,
            draft=draft,
        )
    except (ZhunshengError, Refused) as problem:
        return render(request, "matters/preview_refused.html", {"problem": say(problem), "matter": matter}, status=422)
    return _pdf(data, f"{title}.pdf")


@require_GET
def approval_sheet(request: UserRequest, no: str) -> HttpResponse:
    """呈批件: the draft with everything said of it so far, for the leader's pen. It takes no number of its own: it has that of
    the draft it shows."""
    matter, now = _dispatch_of(request, no)
    drafts = matter.documents.filter(code="draft", issued__isnull=False).select_related("issued").order_by("-id")
    latest = drafts.first()
    number = latest.issued.number if latest is not None and latest.issued is not None else matter.no
    fields = dispatching.sheet(matter, now.facts)
    return _print(
        request, matter, f"{dispatching.DISPATCH}.draft", fields, title=matter.title, number=number, draft=False
    )


@require_GET
def final_preview(request: UserRequest, no: str) -> HttpResponse:
    """The document as it will go out, 草稿 across it, 待编号 where its number will stand."""
    matter, now = _dispatch_of(request, no)
    kind = dispatching.document_kind(now.facts)
    return _print(request, matter, kind, dict(now.facts), title=matter.title, number=actions.NO_NUMBER, draft=True)


def section(matter: Matter) -> dict[str, Any] | None:
    """What the page of an official document shows of it; None for other kinds."""
    if not dispatching.is_dispatch(matter):
        return None
    final = dispatching.final_of(matter)
    return {"final": final.issued if final is not None else None, "out": matter.state in dispatching.OUT}


def signed(request: UserRequest, matter: Matter) -> list[dict[str, Any]]:
    """The official documents signed for a matter, once they are out: their number, and where to read them."""
    links = MatterLink.objects.filter(
        source=matter, kind=MatterLink.Kind.SIGNS, target__procedure=dispatching.DISPATCH, target__state__in=dispatching.OUT
    ).select_related("target")  # fmt: skip
    found = []
    for link in links:
        final = dispatching.final_of(link.target)
        if final is None or final.issued is None:
            continue
        seen = documents_policy.may_see(request.user, final.issued)
        found.append(
            {
                "title": link.target.title,
                "number": final.issued.number,
                "url": final.issued.get_absolute_url() if seen else "",
                "state": state_tag("good", queries.procedure_of(link.target).states[link.target.state].name),
            }
        )
    return found


# -- 收文 --------------------------------------------------------------------------------------------------------------
def _tag(party: Party) -> Any:
    return state_tag("good", _("已签收")) if party.received_at is not None else state_tag("warn", _("待签收"))


def _number(party: Party) -> str:
    final = dispatching.final_of(party.matter)
    return final.issued.number if final is not None and final.issued is not None else ""


@require_GET
def received(request: UserRequest) -> HttpResponse:
    """收文: what was sent to the user's offices, the latest first."""
    see(request)
    listing = Listing(
        request=request, queryset=dispatching.received_by(request.user), name="received",
        title=pgettext_lazy("list", "收文"), default_sort="-sent", url=lambda one: one.get_absolute_url(),
        empty_text=_("还没有收到公文。"),
        columns=[
            Column("title", gettext_lazy("标题"), lambda one: one.matter.title),
            Column("number", gettext_lazy("发文字号"), _number),
            Column("from", gettext_lazy("发文机关"), lambda one: named(one.matter.office)),
            Column("to", gettext_lazy("收文机构"), lambda one: named(one.office)),
            Column("sent", gettext_lazy("发出时间"), lambda one: one.matter.state_since,
                   html=lambda one: day(one.matter.state_since), order="matter__state_since"),
            Column("state", gettext_lazy("签收"), lambda one: str(one.received_by or ""), html=_tag),
        ],
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    return render(request, "matters/received.html", {"listing": listing})


def _received(request: UserRequest, pk: int) -> Party:
    see(request)
    return get_object_or_404(dispatching.received_by(request.user), pk=pk)


@require_GET
def received_one(request: UserRequest, pk: int) -> HttpResponse:
    """One document as the addressee sees it: the final text, its proof, and the button that signs for it."""
    party = _received(request, pk)
    final, sealed = dispatching.final_of(party.matter), dispatching.sealed_of(party.matter)
    if final is None or final.issued is None:
        raise Http404
    return render(request, "matters/received_one.html", {
        "party": party, "document": final.issued, "tag": _tag(party), "sealed": sealed,
        "blocks": final.issued.content["blocks"], "whole": policy.may_see_matter(request.user, party.matter),
    })  # fmt: skip


@require_GET
def received_paper(request: UserRequest, pk: int) -> HttpResponseBase:
    """The sealed document: its scan, or the platform's own print."""
    party = _received(request, pk)
    sealed = dispatching.sealed_of(party.matter)
    if sealed is None:
        raise Http404
    if sealed.attachment is not None:
        attachment = sealed.attachment
        response = FileResponse(attachment.file.open("rb"), as_attachment=True, filename=attachment.name)
        response["Cache-Control"] = "private, no-store"
        response["X-Content-Type-Options"] = "nosniff"
        return response
    assert sealed.issued is not None
    try:
        return _pdf(documents_actions.render(sealed.issued), f"{sealed.issued.number}.pdf")
    except Refused as problem:
        raise PermissionDenied(say(problem)) from problem


@require_POST
def sign_for(request: UserRequest, pk: int) -> HttpResponse:
    """签收公文. Sent again, it changes nothing."""
    party = _received(request, pk)
    if party.matter.state != "sent" and party.received_at is None:
        return redirect(party)
    return act(
        request,
        lambda: actions.receive(party, by=request.user, at=timezone.now()),
        _("已签收"),
        party.get_absolute_url(),
    )
