"""What is done to a matter beside its steps: hand-over, links, papers, web evidence, parties, receipts."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.common.pages import act
from zhunsheng.web.desk.actions import attach
from zhunsheng.web.matters import actions, policy, queries
from zhunsheng.web.matters.forms.handling import (
    CaptureForm,
    DocumentForm,
    HandOverForm,
    LinkForm,
    PartyForm,
)
from zhunsheng.web.matters.models import Matter, Party
from zhunsheng.web.matters.views.pages import crumbs_of, form_page, matter_of, typed
from zhunsheng.web.people.queries import UserRequest, has_role, offices_on


def _page(
    request: UserRequest, matter: Matter, form: Any, save: Any, title: str, submit: str, **more: Any
) -> HttpResponse:
    return form_page(
        request, form, save, title=title, submit=submit, back=matter.get_absolute_url(), crumbs=crumbs_of(matter),
        lead=matter.title, **more,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def hand_over(request: UserRequest, no: str) -> HttpResponse:
    """转办. A head may choose another office first; the people offered are those of that office."""
    matter = matter_of(request, no)
    if not policy.may_hand_over(request.user, matter):
        raise PermissionDenied(_("转办由承办人或者承办机构负责人办理"))
    data, _files = typed(request)
    head = has_role(request.user, "head", office=matter.office)
    asked = (data or request.GET).get("office", "")
    chosen = offices_on(timezone.localdate()).filter(pk=asked).first() if head and str(asked).isdecimal() else None
    form = HandOverForm(data, matter=matter, office=chosen or matter.office, head=head)

    def save(form: HandOverForm) -> HttpResponse:
        values = form.cleaned_data
        actions.hand_over(
            matter,
            values["handler"],
            by=request.user,
            at=timezone.now(),
            reason=values["reason"],
            office=values["office"],
        )
        messages.success(request, _("已转办"))
        # whoever hands a matter to another office may not see it any more
        return redirect(matter if policy.may_see_matter(request.user, matter) else "matters:home")

    return _page(request, matter, form, save, _("转办"), _("转办"), template="matters/hand_over.html", head=head,
        office=chosen or matter.office,
    )  # fmt: skip


@require_POST
def take_on(request: UserRequest, no: str) -> HttpResponse:
    """领办: what nobody handles yet."""
    matter = matter_of(request, no)
    return act(
        request,
        lambda: actions.take_on(matter, by=request.user, at=timezone.now()),
        _("已由您承办"),
        matter.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
def link(request: UserRequest, no: str) -> HttpResponse:
    matter = matter_of(request, no)
    if not queries.roles_in(request.user, matter):
        raise PermissionDenied(_("关联由其中一个办件的承办机构办理"))
    data, _files = typed(request)

    def save(form: LinkForm) -> HttpResponse:
        values = form.cleaned_data
        actions.link(
            matter, values["target"], values["kind"], by=request.user, at=timezone.now(), reason=values["reason"]
        )
        messages.success(request, _("已关联"))
        return redirect(matter)

    return _page(request, matter, LinkForm(data, user=request.user), save, _("关联办件"), _("关联"))


def _adding(request: UserRequest, no: str) -> Matter:
    matter = matter_of(request, no)
    if not policy.may_add_document(request.user, matter):
        raise PermissionDenied(_("添加材料由办件的参与人在办结以前办理"))
    return matter


@require_http_methods(["GET", "POST"])
def add_document(request: UserRequest, no: str) -> HttpResponse:
    matter, at = _adding(request, no), timezone.now()

    def save(form: DocumentForm) -> HttpResponse:
        values = form.cleaned_data
        attachment = attach(values["upload"], by=request.user, at=at)
        actions.add_document(
            matter, attachment, title=values["title"], by=request.user, at=at, personal=values["personal"]
        )
        messages.success(request, _("已添加材料"))
        return redirect(matter)

    return _page(request, matter, DocumentForm(*typed(request)), _at_field(save), _("添加材料"), _("添加"))


@require_http_methods(["GET", "POST"])
def capture(request: UserRequest, no: str) -> HttpResponse:
    """网络证据: the file with its address and instant; its SHA-256 is kept with them."""
    matter, at = _adding(request, no), timezone.now()

    def save(form: CaptureForm) -> HttpResponse:
        values = form.cleaned_data
        attachment = attach(values["upload"], by=request.user, at=at)
        actions.capture(
            matter,
            attachment,
            url=values["url"],
            captured_at=values["captured_at"],
            title=values["title"],
            by=request.user,
            at=at,
        )
        messages.success(request, _("已固定网络证据"))
        return redirect(matter)

    return _page(request, matter, CaptureForm(*typed(request)), _at_field(save), _("固定网络证据"), _("保存"))


def _at_field(save: Any) -> Any:
    """A file that is refused is a fault of the field `upload`."""

    def saved(form: Any) -> HttpResponse:
        try:
            return save(form)  # type: ignore[no-any-return]
        except NotAllowed:
            raise
        except Refused as problem:
            if problem.field or problem.fields:
                raise
            raise Refused(problem.message, field="upload") from problem

    return saved


@require_http_methods(["GET", "POST"])
def add_party(request: UserRequest, no: str) -> HttpResponse:
    matter = matter_of(request, no)
    if not queries.roles_in(request.user, matter):
        raise PermissionDenied(_("添加当事各方由办件的参与人办理"))
    data, _files = typed(request)

    def save(form: PartyForm) -> HttpResponse:
        values = form.cleaned_data
        actions.add_party(
            matter,
            values["kind"],
            by=request.user,
            at=timezone.now(),
            office=values["office"],
            entity=values["entity"],
            name=values["name"],
            note=values["note"],
        )
        messages.success(request, _("已添加"))
        return redirect(matter)

    return _page(request, matter, PartyForm(data, user=request.user), save, _("添加当事各方"), _("添加"))


@require_POST
def receive(request: UserRequest, no: str, pk: int) -> HttpResponse:
    """签收 for the user's own office."""
    matter = matter_of(request, no)
    party = get_object_or_404(Party, pk=pk, matter=matter)
    return act(
        request,
        lambda: actions.receive(party, by=request.user, at=timezone.now()),
        _("已签收"),
        matter.get_absolute_url(),
    )
