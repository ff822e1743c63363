"""Following a matter without an account: number and code open it for this browser, for two hours."""

import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from zhunsheng.engine.procedure import Kind, Standing, Step
from zhunsheng.web.common.errors import NotAllowed, Refused, language, onto, say
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.matters import actions, queries, words
from zhunsheng.web.matters.forms.public import CodeForm, MaterialForm
from zhunsheng.web.matters.forms.steps import StepForm, step_form
from zhunsheng.web.matters.models import Matter, MatterLink
from zhunsheng.web.matters.views import reading
from zhunsheng.web.matters.views.pages import material_page
from zhunsheng.web.matters.views.reading import address_of

STAYS = datetime.timedelta(hours=2)
IN_SESSION = "matters.followed"
#: the most matters that one browser holds open
HELD = 10


def let_in(request: HttpRequest, matter: Matter, at: datetime.datetime) -> None:
    """Opens the matter for this browser. A new code, given at the office, closes it again."""
    held = dict(request.session.get(IN_SESSION, {}))
    held[matter.no] = {"until": (at + STAYS).timestamp(), "mark": matter.follow_hash[:16]}
    request.session[IN_SESSION] = dict(list(held.items())[-HELD:])


def _held(request: HttpRequest, no: str) -> Matter | None:
    """The matter, where its code was shown in this browser and still opens it."""
    held = request.session.get(IN_SESSION, {}).get(no)
    if not held or timezone.now().timestamp() > held["until"]:
        return None
    matter = Matter.objects.select_related("office", "entity").filter(no=no).first()
    return matter if matter is not None and matter.follow_hash[:16] == held["mark"] else None


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Number and code."""
    form = CodeForm(request.POST if request.method == "POST" else None)
    return _enter(request, form)


def _enter(request: HttpRequest, form: CodeForm) -> HttpResponse:
    status = 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            at = timezone.now()
            try:
                matter = actions.enter(
                    form.cleaned_data["no"], form.cleaned_data["code"], at=at, address=address_of(request)
                )
            except actions.TooMany as problem:
                form.add_error(None, say(problem))
                status = 429
            else:
                if matter is not None:
                    let_in(request, matter, at)
                    return redirect("matters:follow", matter.no)
                form.add_error(
                    None,
                    _(
                        "编号或者查询码不对。连续输错五次，十五分钟以内输对了也打不开；忘了查询码，请向承办机构申请补发。"
                    ),
                )
    return render(request, "matters/public/enter.html", {"form": form}, status=status)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def follow(request: HttpRequest, no: str) -> HttpResponse:
    """The matter, where it is open; else the same question for every number, whether it exists or not."""
    if request.method == "POST":
        return _enter(request, CodeForm({**request.POST.dict(), "no": no}))
    matter = _held(request, no)
    if matter is None:
        return render(request, "matters/public/enter.html", {"form": CodeForm(initial={"no": no[:40]})})
    at = timezone.now()
    now = queries.standing(matter)
    own = set(matter.steps.filter(role=queries.PUBLIC).values_list("pk", flat=True)) | set(
        matter.steps.filter(seq=1).values_list("pk", flat=True)
    )
    twins = [
        link.target if link.source_id == matter.pk else link.source
        for link in MatterLink.objects.filter(
            Q(source=matter) | Q(target=matter), kind=MatterLink.Kind.SAME_TEXT
        ).select_related("source", "target")
    ]
    return render(
        request,
        "matters/public/follow.html",
        {
            "matter": matter,
            "kind": words.kind_name(matter.procedure),
            "state": now.state.label(language()),
            "organ": named(matter.office),
            "next": now.next,
            "limits": reading.limits(now, at, reading.FILER),
            "items": reading.items(matter, now, reading.FILER, own),
            "papers": reading.papers(matter, reading.FILER, None),
            "events": reading.course(matter, now, reading.FILER),
            "options": _options(matter, now, at),
            "twins": twins,
            "may_add": matter.ended_at is None,
        },
    )


def _options(matter: Matter, now: Standing, at: datetime.datetime) -> list[queries.Option]:
    """The steps that the public may take now."""
    roles: dict[str, Any] = {queries.PUBLIC: None}
    return [
        one
        for one in queries.options(matter, now, AnonymousUser(), at, roles)
        if one.allowed and queries.PUBLIC in one.step.roles
    ]


def _opened(request: HttpRequest, no: str) -> Matter:
    matter = _held(request, no)
    if matter is None:
        raise PermissionDenied(_("请先用编号和查询码打开这个办件"))
    return matter


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, no: str, verb: str) -> HttpResponse:
    """A step that who filed the matter may take: to complete, to withdraw, to go further."""
    matter = _opened(request, no)
    at = timezone.now()
    now = queries.standing(matter)
    found = next((one.step for one in _options(matter, now, at) if one.step.code == verb), None)
    if found is None:
        raise Http404
    form = _step_form(request, now, found)
    if form.is_bound and form.is_valid():
        form.keep(by=None, at=at)
        if not form.errors:
            try:
                actions.take(
                    matter, verb, by=None, at=at, facts=form.facts(), papers=form.papers(), role=queries.PUBLIC,
                    remark=form.remark, after=form.after,
                )  # fmt: skip
            except NotAllowed as problem:
                raise PermissionDenied(say(problem)) from problem
            except Refused as problem:
                onto(form, problem)
            else:
                messages.success(request, _("已办理：%(step)s。") % {"step": found.label(language())})
                return redirect("matters:follow", matter.no)
    return render(
        request,
        "matters/public/step.html",
        {"matter": matter, "step": found, "form": form, "kind": words.kind_name(matter.procedure)},
        status=422 if form.is_bound else 200,
    )


def _step_form(request: HttpRequest, now: Standing, step: Step) -> StepForm:
    """The generated form, without what only the register's readers can fill in."""
    units = frozenset(code for code, fact in now.procedure.facts.items() if fact.kind is Kind.UNIT)
    return step_form(
        now.procedure,
        step,
        now,
        user=AnonymousUser(),
        data=request.POST if request.method == "POST" else None,
        files=request.FILES if request.method == "POST" else None,
        without=units,
    )


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def material(request: HttpRequest, no: str) -> HttpResponse:
    """One more paper for the office."""
    matter = _opened(request, no)
    bound = request.method == "POST"
    form = MaterialForm(request.POST if bound else None, request.FILES if bound else None)
    at = timezone.now()
    return material_page(
        request,
        form,
        "matters/public/material.html",
        matter,
        keep=lambda upload: actions.upload(upload, at=at, address=address_of(request)),
        add=lambda kept, title: actions.add_material(matter, kept, title=title, at=at),
        back=reverse("matters:follow", args=[matter.no]),
    )


@login_not_required
@never_cache
@require_safe
def paper(request: HttpRequest, no: str, pk: int) -> HttpResponseBase:
    """A paper addressed to who filed the matter."""
    matter = _opened(request, no)
    found = next((one for one in reading.papers(matter, reading.FILER, None) if one.pk == pk), None)
    if found is None:
        raise Http404
    return reading.serve(found)


@login_not_required
@require_POST
def leave(request: HttpRequest, no: str) -> HttpResponse:
    """Closes the matter in this browser: for shared computers."""
    held = dict(request.session.get(IN_SESSION, {}))
    held.pop(no, None)
    request.session[IN_SESSION] = held
    request.session.pop("matters.receipt", None)
    messages.success(request, _("已关闭，这台电脑上不再能看到这个办件。"))
    return redirect("matters:follow_home")
