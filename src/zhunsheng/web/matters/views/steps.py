"""One step of a matter: the form made from the procedure's data, and what the engine says to it."""

import datetime
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.procedure import Event, Procedure, Standing, Step
from zhunsheng.web.common.errors import NotAllowed, Refused, language, onto, say
from zhunsheng.web.documents import queries as documents
from zhunsheng.web.matters import actions, dispatching, queries
from zhunsheng.web.matters.forms.dispatching import DispatchForm
from zhunsheng.web.matters.forms.steps import PREVIEW, StepForm, step_form
from zhunsheng.web.matters.models import Matter
from zhunsheng.web.matters.views import showing
from zhunsheng.web.matters.views.pages import crumbs_of, matter_of, typed
from zhunsheng.web.people import step_up
from zhunsheng.web.people.queries import UserRequest


@require_http_methods(["GET", "POST"])
def step(request: UserRequest, no: str, verb: str) -> HttpResponse:
    """The form of one step. What is wrong is said at its field with everything typed and uploaded still there (422); the same
    step sent twice is taken once."""
    matter, at = matter_of(request, no), timezone.now()
    try:
        now = queries.standing(matter)
    except ZhunshengError as problem:
        raise PermissionDenied(say(problem)) from problem
    procedure = now.procedure
    asked = procedure.steps.get(verb)
    if asked is None:
        raise Http404
    if _publishes(procedure, asked) and not step_up.is_fresh(request):
        return step_up.ask(request, "publish")
    options = {one.step.code: one for one in queries.options(matter, now, request.user, at)}
    roles = [role for role in asked.roles if role in queries.roles_in(request.user, matter)]
    data, files = typed(request)
    form: StepForm
    if dispatching.is_dispatch(matter):
        form = DispatchForm(
            data, files, procedure=procedure, step=asked, standing=now, user=request.user, roles=roles, matter=matter
        )
    else:
        form = step_form(procedure, asked, now, user=request.user, data=data, files=files, roles=roles)
    context: dict[str, Any] = {
        "matter": matter,
        "crumbs": crumbs_of(matter),
        "back": matter.get_absolute_url(),
        "title": asked.label(language()),
        "state": showing.matter_state(matter, procedure),
        "due": showing.next_due(matter, timezone.localdate()),
        **about(procedure, asked),
    }
    if PREVIEW in request.POST:
        return preview(request, matter, now, form, at)
    if request.method == "POST":
        done = _take(request, matter, asked, form, at)
        if done is not None:
            return done
    else:
        option = options.get(verb)
        if option is None or not option.allowed:
            reasons = [reason.text(language()) for reason in option.verdict.reasons] if option else []
            state = _("办件现在是“%(state)s”，不能办理“%(step)s”") % {
                "state": now.state.label(language()),
                "step": asked.label(language()),
            }
            return render(request, "matters/step_refused.html", context | {"reasons": reasons or [state]}, status=403)
    return render(request, "matters/step.html", context | {"form": form}, status=422 if form.is_bound else 200)


def preview(request: UserRequest, matter: Matter, now: Standing, form: StepForm, at: datetime.datetime) -> HttpResponse:
    """The draft of a document that this step would issue, from what is typed so far. It takes no number and is not kept."""
    code = request.POST[PREVIEW]
    if code not in form.texts_asked:
        raise Http404
    form.is_valid()
    event = Event(form.step.code, at.astimezone(CHINA), str(request.user.pk), "", form.facts())
    # a draft is for looking, and looking at who someone is leaves a trace: names come with the issued document only
    told = showing.masked([*now.history, event], now.procedure)
    known = replace(now, history=told[:-1], facts=showing.masked_facts(now.facts, now.procedure))
    fields = queries.document_fields(matter, known, told[-1]) | form.texts().get(code, {})
    title = f"{form.procedure.facts[code].name}：{matter.title}"[:200]
    kind, number = f"{form.procedure.code}.{code}", ""
    if dispatching.is_dispatch(matter):
        kind, number = dispatching.document_kind(event.facts, code), actions.NO_NUMBER
        title = str(event.facts.get("title", matter.title))
    try:
        pdf = documents.preview(
            kind,
            fields,
            office=matter.office,
            title=title,
            at=at,
            day=timezone.localdate(at),
            number=number,
        )
    except (ZhunshengError, Refused) as problem:
        return render(request, "matters/preview_refused.html", {"problem": say(problem), "matter": matter}, status=422)
    return HttpResponse(pdf, content_type="application/pdf")


def _publishes(procedure: Procedure, asked: Step) -> bool:
    return any(one.on == asked.code and one.form == "named" for one in procedure.publications)


def _take(
    request: UserRequest, matter: Matter, asked: Step, form: StepForm, at: datetime.datetime
) -> HttpResponse | None:
    """Takes the step; None where the form has to be shown again."""
    form.keep(by=request.user, at=at)
    if form.errors:
        return None
    try:
        taken = actions.take(
            matter,
            asked.code,
            by=request.user,
            at=at,
            facts=form.facts(),
            papers=form.papers(),
            texts=form.texts(),
            role=form.role,
            remark=form.remark,
            after=form.after,
            offices=form.offices if isinstance(form, DispatchForm) else None,
            behalf=form.behalf if isinstance(form, DispatchForm) else None,
        )
    except NotAllowed as problem:
        raise PermissionDenied(say(problem)) from problem
    except Refused as problem:
        onto(form, problem)
        return None
    issued = [one.issued for one in taken.documents.select_related("issued") if one.issued is not None]
    told = _("已办理：%(step)s") % {"step": asked.label(language())}
    if issued:
        numbers = _("、").join(one.number for one in issued)
        told += ngettext("；文书 %(no)s 已编号制发", "；文书 %(no)s 已编号制发", len(issued)) % {"no": numbers}
    messages.success(request, told)
    return redirect(matter)


def _blank(procedure: Procedure, asked: Step) -> str:
    """The wording with the name of each fact where it will stand."""
    names = {code: f"〔{fact.label(language())}〕" for code, fact in procedure.facts.items()}
    return asked.says(language()).format_map({**names, "on": _("〔日期〕")})


def about(procedure: Procedure, asked: Step) -> dict[str, Any]:
    """What a reader of the form is told of the step: its condition, its wording, what it starts and ends, who may take it."""
    lang = language()
    return {
        "step": asked,
        "note": asked.notes(lang),
        "condition": (asked.unless_en if lang == "en" else asked.unless) if asked.when else "",
        "wording": _blank(procedure, asked),
        "source": asked.source,
        "confidence": asked.confidence,
        "starts": [
            {"name": one.label(lang), "source": one.source}
            for one in procedure.limits.values()
            if asked.code in one.starts
        ],
        "ends": [one.label(lang) for one in procedure.limits.values() if asked.code in one.ends],
        "publishes": [
            one.label(lang) for one in procedure.publications if one.on == asked.code and one.form == "named"
        ],
        "apart": [procedure.steps[code].label(lang) for code in asked.apart],
    }
