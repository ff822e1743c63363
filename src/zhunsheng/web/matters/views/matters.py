"""The list of matters and the page of one."""

import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, DateTimeField, Value
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET

from zhunsheng.engine import procedure as engine
from zhunsheng.engine import tables
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import ProcedureError, ZhunshengError
from zhunsheng.engine.procedure import Standing
from zhunsheng.web.common.errors import language, say
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import day, named, state_tag
from zhunsheng.web.desk.bulk import offers
from zhunsheng.web.matters import policy, queries, words
from zhunsheng.web.matters.forms.fields import entity_text
from zhunsheng.web.matters.forms.filters import MatterFilter
from zhunsheng.web.matters.forms.handling import RevealForm
from zhunsheng.web.matters.models import Matter
from zhunsheng.web.matters.views import dispatching, operations, showing
from zhunsheng.web.matters.views.pages import matter_of, see
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.public_log.words import subject_name, subject_url
from zhunsheng.web.registry.queries import containing
from zhunsheng.web.registry.queries import visible_to as entities_visible_to

FAR = datetime.datetime(9999, 1, 1, tzinfo=CHINA)
#: how many entities a suggestion shows
SUGGESTED = 12


def _no(matter: Matter) -> SafeString:
    return format_html('<span class="nowrap">{}</span>', matter.no)


def _title(matter: Matter) -> SafeString:
    drill = format_html(" {}", state_tag("warn", _("演练"))) if matter.drill else ""
    return format_html("{}{}", matter.title, drill)


def listing_of(request: UserRequest, matters: Any = None) -> Listing:
    """The matters that the user may see. No personal fact is a column: nothing about who someone is leaves by an export."""
    today = timezone.localdate()
    shown = queries.visible_to(request.user) if matters is None else matters
    if request.GET.get("sort", "").lstrip("-") == "due":
        shown = shown.annotate(due_key=Coalesce("next_due_at", Value(FAR, output_field=DateTimeField())))
    return Listing(
        request=request, queryset=shown.select_related("office", "handler", "entity", "division"), name="matters",
        title=pgettext_lazy("list", "办件"), filterset_class=MatterFilter, default_sort="-opened",
        bulk=offers(request.user, "matters.hand_over", "matters.step"),
        url=lambda one: one.get_absolute_url(),
        columns=[
            Column("no", gettext_lazy("办件编号"), lambda one: one.no, html=_no, order="no"),
            Column("kind", gettext_lazy("种类"), lambda one: words.kind_name(one.procedure)),
            Column("title", gettext_lazy("标题"), lambda one: one.title, html=_title),
            Column("state", gettext_lazy("状态"), lambda one: words.state_name(queries.procedure_of(one), one.state),
                   html=lambda one: showing.matter_state(one, queries.procedure_of(one))),
            Column("due", gettext_lazy("最近期限"), lambda one: one.next_due_on if one.ended_at is None else None,
                   html=lambda one: showing.next_due(one, today), order="due_key"),
            Column("handler", gettext_lazy("承办人"), lambda one: str(one.handler) if one.handler else ""),
            Column("office", gettext_lazy("承办机构"), lambda one: named(one.office)),
            Column("opened", gettext_lazy("登记时间"), lambda one: one.opened_at, html=lambda one: day(one.opened_at), order="opened_at"),
            Column("entity", gettext_lazy("当事主体"), lambda one: one.entity.name if one.entity else "", hidden=True),
            Column("unit_id", gettext_lazy("主体标识"), lambda one: one.entity.unit_id if one.entity else "", hidden=True),
            Column("division", gettext_lazy("行政区划"), lambda one: named(one.division) if one.division else "", hidden=True),
            Column("ended", gettext_lazy("办结时间"), lambda one: one.ended_at, hidden=True),
            Column("drill", gettext_lazy("演练"), lambda one: one.drill, hidden=True),
            Column("version", gettext_lazy("程序版本"), lambda one: one.version, hidden=True),
            Column("source", gettext_lazy("来源系统"), lambda one: one.source_system, hidden=True),
        ],
    )  # fmt: skip


def group_tabs(request: UserRequest) -> list[dict[str, Any]]:
    """The groups of the table, each with its open matters; one query."""
    counted = queries.visible_to(request.user).filter(ended_at=None).order_by().values("procedure")
    numbers = {row["procedure"]: row["n"] for row in counted.annotate(n=Count("pk"))}
    kinds = words.kinds()
    current = request.GET.get("group", "")
    url, english = reverse("matters:home"), language() == "en"
    tabs = [{"label": _("全部"), "url": f"{url}?stage=open", "current": not current, "count": sum(numbers.values())}]
    for row in tables.load("matters/groups").rows:
        count = sum(n for code, n in numbers.items() if code in kinds and kinds[code]["group"] == row["code"])
        tabs.append(
            {
                "label": row["name_en" if english else "name"],
                "url": f"{url}?{urlencode({'group': row['code'], 'stage': 'open'})}",
                "current": current == row["code"],
                "count": count,
            }
        )
    return tabs


@require_GET
def home(request: UserRequest) -> HttpResponse:
    see(request)
    listing = listing_of(request)
    if listing.wants_export:
        return listing.export()
    return render(request, "matters/list.html", {"listing": listing, "tabs": group_tabs(request)})


@require_GET
def entities(request: UserRequest) -> HttpResponse:
    """Suggestions for a field that takes a business entity, of what the user may see: options of a datalist."""
    see(request)
    text = request.GET.get(request.GET.get("field", "q"), "").strip()
    found = (
        entities_visible_to(request.user).filter(containing(text)).order_by("name", "pk")[:SUGGESTED] if text else ()
    )
    options = [(entity_text(one), one.name) for one in found]
    return render(request, "matters/widgets/entity_options.html", {"options": options})


# -- one matter -------------------------------------------------------------------------------------------------------
@require_GET
def matter(request: UserRequest, no: str) -> HttpResponse:
    return render(request, "matters/matter.html", page_of(request, matter_of(request, no)))


@require_GET
def whole_file(request: UserRequest, no: str) -> HttpResponse:
    """卷宗目录: the whole file for the printer, the papers numbered in their order."""
    found = matter_of(request, no)
    return render(request, "matters/file.html", page_of(request, found))


def page_of(request: UserRequest, matter: Matter) -> dict[str, Any]:
    """Everything that the page of a matter shows to this user."""
    user, at = request.user, timezone.now()
    procedure = queries.procedure_of(matter)
    context: dict[str, Any] = {
        "matter": matter,
        "kind": words.kind_name(matter.procedure),
        "group_url": f"{reverse('matters:home')}?{urlencode({'kind': matter.procedure, 'stage': 'open'})}",
        "publicity_note": _publicity_note(matter),
        "version": procedure.version.label(language()),
        "law_url": law_url(matter.procedure),
        "state": showing.matter_state(matter, procedure),
        "due": showing.next_due(matter, timezone.localdate()),
        "links": showing.links(matter, user),
        "parties": [
            {"row": one, "may_receive": one.office_id in queries.own_offices(user) and one.received_at is None}
            for one in matter.parties.select_related("office", "entity", "received_by")
        ],
        "disclosures": showing.disclosures(matter),
        "operation": operations.section(matter),
        "dispatch": dispatching.section(matter),
        "signed": dispatching.signed(request, matter),
        "may_hand_over": matter.ended_at is None and policy.may_hand_over(user, matter),
        "may_take_on": policy.may_take_on(user, matter),
        "may_reveal": policy.may_reveal(user, matter),
        "may_add": policy.may_add_document(user, matter),
        "may_link": bool(queries.roles_in(user, matter)),
        "may_classify": policy.may_classify(user, matter),
        "may_correct": policy.may_correct(user, matter),
        "may_renew_code": policy.may_renew_code(user, matter),
        "origin": origin(matter),
    }
    try:
        now = queries.standing(matter)
    except ZhunshengError as problem:
        # the steps are the record: where they no longer fit the procedure, the page says so and offers none
        return context | {"broken": say(problem), "state_name": words.state_name(procedure, matter.state)}
    return context | _standing_of(request, matter, now, at, full=context["may_reveal"])


def _standing_of(
    request: UserRequest, matter: Matter, now: Standing, at: datetime.datetime, *, full: bool
) -> dict[str, Any]:
    options = queries.options(matter, now, request.user, at) if matter.ended_at is None else []
    dues = showing.dues(now, at)
    facts = showing.facts(matter, now, request.user)
    personal = [(one["code"], one["label"]) for one in facts if one["personal"]]
    return {
        "state_name": now.state.label(language()),
        "facts": facts,
        "personal": personal,
        "reveal_form": RevealForm(choices=personal) if personal and full else None,
        "papers": showing.papers(matter, now, full=full),
        "dues": dues,
        "provisional": any(one["provisional"] and one["live"] for one in dues),
        "steps": [
            {
                "name": one.step.label(language()),
                "url": reverse("matters:step", args=[matter.no, one.step.code]),
                "note": one.step.notes(language()),
            }
            for one in options
            if one.allowed
        ],
        "not_now": [
            {
                "name": one.step.label(language()),
                "reasons": [reason.text(language()) for reason in one.verdict.reasons],
            }
            for one in options
            if not one.allowed and set(one.step.roles) != {queries.CLOCK}
        ],
        "events": showing.course(matter, now),
        "diagram": drawing(now),
        "step_names": [line.name for line in engine.table(now.procedure, language())],
    }


def _publicity_note(matter: Matter) -> str:
    if matter.publicity_approved_at is None:
        return _("待核定")
    return _("%(who)s 核定") % {"who": matter.publicity_approved_by}


def drawing(now: Standing) -> SafeString:
    """The procedure as a drawing, the present state marked. Drawn by the engine from its data: names only, escaped there."""
    try:
        return mark_safe(engine.diagram(now.procedure, language(), now.state.code))  # noqa: S308 - made by the engine
    except ProcedureError:
        return mark_safe(engine.diagram(now.procedure, language()))  # noqa: S308 - made by the engine


def law_url(code: str) -> str:
    """The page where the procedure's rules, limits and sources are read; '' in a house without the law room."""
    try:
        return reverse("law:procedure", args=[code])
    except NoReverseMatch:
        return ""


def origin(matter: Matter) -> dict[str, Any] | None:
    """The record the matter came from, as the audit trail names it."""
    kind, _sep, key = matter.origin.partition(":")
    if not key:
        return None
    return {"name": subject_name(kind), "key": key, "url": subject_url(kind, key)}
