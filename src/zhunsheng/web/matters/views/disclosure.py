"""What a matter shows the public, and the look at who someone is: both by few, both leave a trace."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.web.common.errors import NotAllowed, Refused, onto, say
from zhunsheng.web.matters import actions, policy, queries
from zhunsheng.web.matters.forms.handling import ClassifyForm, CorrectForm, RevealForm, WithdrawForm
from zhunsheng.web.matters.models import Disclosure, Matter
from zhunsheng.web.matters.views.matters import page_of
from zhunsheng.web.matters.views.pages import crumbs_of, form_page, matter_of, see, typed
from zhunsheng.web.people import step_up
from zhunsheng.web.people.queries import UserRequest


@require_http_methods(["GET", "POST"])
def classify(request: UserRequest, no: str) -> HttpResponse:
    """核定信息公开属性, by a second person."""
    matter = matter_of(request, no)
    if not policy.may_classify(request.user, matter):
        raise PermissionDenied(_("信息公开属性由承办机构中承办人、登记人以外的审核人或负责人核定"))
    data, _files = typed(request)
    form = ClassifyForm(data, initial={"publicity": matter.publicity})

    def save(form: ClassifyForm) -> HttpResponse:
        values = form.cleaned_data
        actions.classify(matter, values["publicity"], by=request.user, at=timezone.now(), reason=values["reason"])
        messages.success(request, _("已核定信息公开属性"))
        return redirect(matter)

    return form_page(
        request, form, save, title=_("核定信息公开属性"), submit=_("核定"), back=matter.get_absolute_url(),
        crumbs=crumbs_of(matter), lead=matter.title,
    )  # fmt: skip


def _published(request: UserRequest, no: str, pk: int) -> tuple[Matter, Disclosure]:
    matter = matter_of(request, no)
    if not policy.may_correct(request.user, matter):
        raise PermissionDenied(_("更正和撤下由承办机构负责人办理"))
    return matter, get_object_or_404(matter.disclosures, pk=pk)


@require_http_methods(["GET", "POST"])
@step_up.required("publish", when=step_up.sending)
def correct(request: UserRequest, no: str, pk: int) -> HttpResponse:
    """更正: a new version; the old one stays to be read beside it."""
    matter, row = _published(request, no, pk)
    data, _files = typed(request)
    form = CorrectForm(data, facts=list(row.facts.all()))

    def save(form: CorrectForm) -> HttpResponse:
        actions.correct(row, form.values(), reason=form.cleaned_data["reason"], by=request.user, at=timezone.now())
        messages.success(request, _("已更正，更正前后两版都可以查到"))
        return redirect(matter)

    return form_page(
        request, form, save, title=_("更正公开内容"), submit=_("更正"), back=matter.get_absolute_url(),
        crumbs=crumbs_of(matter), lead=row.title,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@step_up.required("publish", when=step_up.sending)
def withdraw(request: UserRequest, no: str, pk: int) -> HttpResponse:
    matter, row = _published(request, no, pk)
    data, _files = typed(request)

    def save(form: WithdrawForm) -> HttpResponse:
        actions.withdraw(row, reason=form.cleaned_data["reason"], by=request.user, at=timezone.now())
        messages.success(request, _("已撤下；曾经公开、何时撤下、为什么，仍可查到"))
        return redirect(matter)

    return form_page(
        request, WithdrawForm(data), save, title=_("撤下公开内容"), submit=_("撤下"), back=matter.get_absolute_url(),
        crumbs=crumbs_of(matter), lead=row.title, kind="danger",
    )  # fmt: skip


@require_GET
def publication(request: UserRequest, pk: int) -> HttpResponse:
    """Leads from a publication, as the audit trail names it, to its matter."""
    see(request)
    row = get_object_or_404(
        Disclosure.objects.select_related("matter"), pk=pk, matter__in=queries.visible_to(request.user)
    )
    return redirect(f"{row.matter.get_absolute_url()}#publications")


@never_cache
@require_POST
@step_up.required("reveal")
def reveal(request: UserRequest, no: str) -> HttpResponse:
    """Shows personal facts once, on the answer to this very request: neither in the address, nor kept by the browser."""
    matter = matter_of(request, no)
    known = [(fact.code, fact.code) for fact in queries.personal_facts(matter)]
    form = RevealForm(request.POST, choices=known)
    shown: dict[str, str] = {}
    if form.is_valid():
        try:
            shown = actions.reveal(
                matter,
                form.cleaned_data["facts"],
                by=request.user,
                at=timezone.now(),
                reason=form.cleaned_data["reason"],
            )
        except NotAllowed as problem:
            raise PermissionDenied(say(problem)) from problem
        except Refused as problem:
            onto(form, problem)
    elif not policy.may_reveal(request.user, matter):
        raise PermissionDenied(_("举报人、投诉人等个人信息只有承办人和承办机构负责人可以查看"))
    context = page_of(request, matter)
    context["revealed"] = [
        {"label": one["label"], "value": shown[one["code"]]} for one in context.get("facts", []) if one["code"] in shown
    ]
    if form.errors:
        form.fields["facts"].choices = context.get("personal", [])  # type: ignore[attr-defined]
        context["reveal_form"] = form
    return render(request, "matters/matter.html", context, status=422 if form.errors else 200)
