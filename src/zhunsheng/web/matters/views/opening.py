"""登记办件: choose the kind, then its first step with the facts that it needs."""

import datetime
import secrets
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from zhunsheng.engine import procedure as engine
from zhunsheng.engine import tables
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.procedure import Procedure, Standing, Step
from zhunsheng.web.common.errors import NotAllowed, Refused, language, onto, say
from zhunsheng.web.matters import actions, dispatching, policy, queries, words
from zhunsheng.web.matters.forms.dispatching import DispatchForm
from zhunsheng.web.matters.forms.fields import entity_text
from zhunsheng.web.matters.forms.handling import FirstStepForm
from zhunsheng.web.matters.forms.opening import TITLE, OpeningForm
from zhunsheng.web.matters.forms.steps import PREVIEW
from zhunsheng.web.matters.models import Matter, MatterLink
from zhunsheng.web.matters.views import showing
from zhunsheng.web.matters.views.matters import law_url
from zhunsheng.web.matters.views.pages import see, typed
from zhunsheng.web.matters.views.steps import about, preview
from zhunsheng.web.people.models import Office
from zhunsheng.web.people.queries import UserRequest, posts
from zhunsheng.web.registry.queries import visible_to as entities_visible_to

#: what may come with the address of the page: the matter it follows from, the entity, the record it came from
CARRIED = ("source", "entity", "origin", "link")


@require_GET
def new(request: UserRequest) -> HttpResponse:
    """Every kind by its group, with a sentence what it is for and who may register it; those of this user first."""
    see(request)
    source = _source(request)
    follow = {row["target"]: row["link"] for row in _follow_ups(source)}
    offices = {code: _offices(request, code) for code in words.kinds()}
    english = language() == "en"
    groups = []
    for group in tables.load("matters/groups").rows:
        kinds = [
            _kind(code, offices[code], follow, request)
            for code, row in words.kinds().items()
            if row["group"] == group["code"]
        ]
        groups.append({"name": group["name_en" if english else "name"], "kinds": kinds})
    suggested = [_kind(code, offices[code], follow, request) for code in follow if code in offices]
    return render(request, "matters/new.html", {"groups": groups, "source": source, "suggested": suggested})


def _kind(code: str, offices: list[Office], follow: dict[str, str], request: UserRequest) -> dict[str, Any]:
    version = engine.versions(code)[-1]
    carried = _carried(request) | ({"link": follow[code]} if code in follow else {})
    url = reverse("matters:open", args=[code])
    return {
        "name": version.label(language()),
        "note": version.note_en if language() == "en" else version.note,
        "url": (f"{url}?{urlencode(carried)}" if carried else url) if offices else "",
        "roles": _("、").join(
            engine.role_name(role, language()) for role in sorted(policy.opening_roles(version)) if role != "public"
        ),
        "law": law_url(code),
    }


def _follow_ups(source: Matter | None) -> list[Any]:
    """The kinds that make sense after a matter, as the table says."""
    if source is None:
        return []
    return [row for row in tables.load("matters/follow_ups").rows if row["source"] in (source.procedure, "*")]


def _carried(request: UserRequest) -> dict[str, str]:
    return {name: request.GET[name] for name in CARRIED if request.GET.get(name)}


def _source(request: UserRequest) -> Matter | None:
    """The matter it follows from, if the user may see it."""
    no = request.GET.get("source", "")
    if not no:
        return None
    found = queries.visible_to(request.user).filter(no=no).first()
    if found is None:
        raise Http404
    return found


def _offices(request: UserRequest, code: str) -> list[Office]:
    """The user's offices in which this kind may be registered today, by the version that each of them follows."""
    day = timezone.localdate()
    mine = {post.office for post in posts(request.user)}
    found = []
    for office in sorted(mine, key=lambda one: one.code):
        try:
            procedure = queries.procedure_on(code, day, office)
        except ZhunshengError:
            continue
        if policy.may_open(request.user, procedure, office):
            found.append(office)
    return found


@require_http_methods(["GET", "POST"])
def open_kind(request: UserRequest, code: str) -> HttpResponse:
    """The first step of a matter. With ?source=NO&entity=…&origin=… it is tied to where it came from."""
    see(request)
    if code not in words.kinds():
        raise Http404
    offices = _offices(request, code)
    if not offices:
        roles = _kind(code, [], {}, request)["roles"]
        raise PermissionDenied(
            _("“%(kind)s”由这些岗位登记：%(roles)s") % {"kind": words.kind_name(code), "roles": roles}
        )
    office = next((one for one in offices if str(one.pk) == request.GET.get("office")), offices[0])
    at = timezone.now()
    procedure = queries.procedure_on(code, timezone.localdate(at), office)
    roles = queries.opening_posts(request.user, office)
    steps = [one for one in procedure.steps.values() if one.starts and set(one.roles) & set(roles)]
    step = next((one for one in steps if one.code == request.GET.get("verb")), steps[0])
    source = _source(request)
    data, files = typed(request)
    held = [role for role in step.roles if role in roles]
    form: OpeningForm | DispatchForm
    if code == dispatching.DISPATCH:
        form = DispatchForm(
            data, files, procedure=procedure, step=step, user=request.user, roles=held, office=office,
            initial=_of_source(source),
        )  # fmt: skip
    else:
        form = OpeningForm(
            data, files, procedure=procedure, step=step, user=request.user, roles=held,
            initial=_known(request, procedure, step, source),
        )  # fmt: skip
    if PREVIEW in request.POST:
        draft = Matter(procedure=code, title=str(form.data.get(TITLE, ""))[:200], office=office, handler=request.user)
        return preview(request, draft, Standing(procedure, ()), form, at)
    if request.method == "POST":
        made = _open(request, code, form, office=office, step=step, source=source, at=at)
        if made is not None:
            return redirect(made)
    context = {
        "form": form,
        "once": request.POST.get("once") or secrets.token_urlsafe(18),
        "kind": words.kind_name(code),
        "explained": procedure.note_en if language() == "en" else procedure.note,
        "version": procedure.version,
        "version_name": procedure.version.label(language()),
        "law_url": law_url(code),
        "title": _("登记“%(kind)s”") % {"kind": words.kind_name(code)},
        "office": office,
        "step_name": step.label(language()),
        "source_matter": source,
        "carried": list(_carried(request).items()),
        "choose": _chooser(offices, office, steps, step),
        "back": source.get_absolute_url() if source else reverse("matters:new"),
        **about(procedure, step),
    }
    return render(request, "matters/open.html", context, status=422 if form.is_bound else 200)


def _chooser(offices: list[Office], office: Office, steps: list[Step], step: Step) -> FirstStepForm | None:
    """The choice of office and first step, where there is one: both change which facts are asked for."""
    if len(offices) < 2 and len(steps) < 2:
        return None
    return FirstStepForm(
        offices=Office.objects.filter(pk__in=[one.pk for one in offices]).order_by("code"),
        steps=[(one.code, one.label(language())) for one in steps],
        initial={"office": office.pk, "verb": step.code},
    )


def _known(request: UserRequest, procedure: Procedure, step: Step, source: Matter | None) -> dict[str, str]:
    """The entity that the address or the source names, for the first fact that takes one."""
    entity = source.entity if source is not None else None
    unit_id = request.GET.get("entity", "")
    if unit_id:
        entity = entities_visible_to(request.user).filter(unit_id=unit_id).first()
    if entity is None:
        return {}
    units = [code for code in (*step.needs, *step.allows) if words.is_unit(procedure, code)]
    return {code: entity_text(entity) for code in units[:1]}


def _of_source(source: Matter | None) -> dict[str, str]:
    """What a document that is drafted from a matter begins with: what it is about, to whom, and what is known so far."""
    if source is None:
        return {}
    try:
        now = queries.standing(source)
    except ZhunshengError:
        return {"title": _("关于%(what)s的函") % {"what": source.title}}
    known = [one for one in showing.facts(source, now, None) if not one["personal"] and str(one["value"]).strip()]
    to = {"addressee": source.entity.name} if source.entity is not None else {}
    lines = [f"{one['label']}：{one['value']}。" for one in known]
    personal = bool(queries.kind_row(source.procedure)["personal_whole"])
    return {
        "title": _("关于%(what)s的函") % {"what": source.title},
        "document_kind": "letter",
        "body": "" if personal else "\n".join(lines),
        **({} if personal else to),
    }


def _open(
    request: UserRequest,
    code: str,
    form: OpeningForm | DispatchForm,
    *,
    office: Office,
    step: Step,
    source: Matter | None,
    at: datetime.datetime,
) -> Matter | None:
    """Begins the matter; None where the form has to be shown again."""
    form.keep(by=request.user, at=at)
    if form.errors:
        return None
    link = request.GET.get("link", "")
    try:
        made = actions.open_matter(
            code,
            by=request.user,
            at=at,
            office=office,
            facts=form.facts(),
            papers=form.papers(),
            texts=form.texts(),
            verb=step.code,
            role=form.role,
            remark=form.remark,
            title=form.title,
            origin=request.GET.get("origin", "")[:160],
            source=source,
            offices=form.offices if isinstance(form, DispatchForm) else None,
            once=request.POST.get("once", "")[:40],
            link_kind=link if link in MatterLink.Kind.values else MatterLink.Kind.SPAWNED,
        )
    except NotAllowed as problem:
        raise PermissionDenied(say(problem)) from problem
    except Refused as problem:
        onto(form, problem)
        return None
    messages.success(request, _("已登记：%(no)s") % {"no": made.no})
    return made
