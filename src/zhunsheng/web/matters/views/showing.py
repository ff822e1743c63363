"""A matter as pages show it: its facts, papers, deadlines with their reasons, its course. Personal facts are masked here."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from zhunsheng.engine import clock
from zhunsheng.engine import procedure as engine
from zhunsheng.engine.procedure import Due, Event, Kind, Procedure, Sense, Standing, Status, Value
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import due as due_tag
from zhunsheng.web.common.templatetags.zs import moment, named, state_tag
from zhunsheng.web.matters import dispatching, queries, words
from zhunsheng.web.matters.models import Disclosure, Matter, MatterDocument, MatterLink, MatterStep
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import Person, role_names
from zhunsheng.web.public_log.models import Act
from zhunsheng.web.public_log.words import verb_name

STATUS_KIND = {
    Status.RUNNING: "info", Status.OVERDUE: "bad", Status.SUSPENDED: "muted", Status.MET: "good", Status.LATE: "bad",
    Status.LAPSED: "muted", Status.WAITING: "info", Status.OVER: "muted",
}  # fmt: skip
PUBLICATION_KIND = {"published": "good", "corrected": "muted", "withdrawn": "bad", "ended": "muted"}


def status_name(status: Status) -> str:
    return {
        Status.RUNNING: _("进行中"),
        Status.OVERDUE: _("已逾期"),
        Status.SUSPENDED: _("中止"),
        Status.MET: _("按期完成"),
        Status.LATE: _("逾期完成"),
        Status.LAPSED: _("随办结终止"),
        Status.WAITING: _("未届满"),
        Status.OVER: _("已届满"),
    }[status]


def matter_state(matter: Matter, procedure: Procedure) -> SafeString:
    """The state as a tag: ended, overdue or under way by its colour and shape."""
    overdue = matter.next_due_at is not None and matter.next_due_at < timezone.now()
    kind = "good" if matter.ended_at is not None else "bad" if overdue else "info"
    return state_tag(kind, words.state_name(procedure, matter.state))


def next_due(matter: Matter, today: datetime.date) -> SafeString:
    """The traffic light: the nearest last day with the working days left; the instant for limits of hours."""
    if matter.ended_at is not None or matter.next_due_on is None:
        return state_tag("muted", _("已办结") if matter.ended_at is not None else _("无期限"))
    return due_tag(matter.next_due_on, clock.days_left(matter.next_due_on, today))


def facts(matter: Matter, now: Standing, viewer: "Person | None") -> list[dict[str, Any]]:
    """The facts known, in the procedure's order: {code, label, value, note, url, personal}. Papers are listed apart."""
    procedure = now.procedure
    units = queries.entities_named(str(v) for code, v in now.facts.items() if words.is_unit(procedure, code))
    found = []
    for code, fact in procedure.facts.items():
        if code not in now.facts or fact.kind is Kind.DOCUMENT:
            continue
        value, url = words.fact_text(procedure, code, now.facts[code]), ""
        if fact.personal:
            value = words.masked(value)
        elif fact.kind is Kind.UNIT and str(now.facts[code]) in units:
            entity = units[str(now.facts[code])]
            value, url = entity.name, reverse("registry:entity", args=[entity.pk])
        found.append(
            {
                "code": code,
                "label": fact.label(language()),
                "value": value,
                "note": _("个人信息，已隐去") if fact.personal else "",
                "url": url,
                "personal": fact.personal,
            }
        )
    return found


def masked(history: Sequence[Event], procedure: Procedure) -> tuple[Event, ...]:
    """The events with every personal fact masked, so that a wording filled in from them names nobody."""
    return tuple(replace(event, facts=masked_facts(event.facts, procedure)) for event in history)


def masked_facts(facts: Mapping[str, Value], procedure: Procedure) -> dict[str, Value]:
    """The facts with every personal one masked."""
    return {
        code: words.masked(str(value)) if code in procedure.facts and procedure.facts[code].personal else value
        for code, value in facts.items()
    }


def dues(now: Standing, at: datetime.datetime) -> list[dict[str, Any]]:
    """Every running of every limit, the open ones first by their last instant; each with its whole chain of reasons."""
    far = datetime.datetime.max.replace(tzinfo=clock.CHINA)
    ordered = sorted(now.dues, key=lambda one: (not one.live, one.last or far))
    return [_due(one, now, at) for one in ordered]


def _due(one: Due, now: Standing, at: datetime.datetime) -> dict[str, Any]:
    status = one.status(at)
    today = timezone.localdate(at)
    last = SafeString("—")
    if one.deadline is not None:
        counts = one.live and one.limit.sense is Sense.AT_MOST
        last = due_tag(one.deadline.due, clock.days_left(one.deadline.due, today) if counts else None)
        if one.deadline.due_at is not None:
            last = format_html('{} <span class="note">{}</span>', last, moment(one.deadline.due_at))
    return {
        "name": one.limit.label(language()),
        "length": engine.length(one.limit, language()),
        "live": one.live,
        "status": state_tag(STATUS_KIND[status], status_name(status)),
        "last": last,
        "since": one.trigger,
        "ended": one.ended_at or one.lapsed_at,
        "source": one.limit.source,
        "confidence": one.limit.confidence,
        "reasons": [reason.text(language()) for reason in one.reasons],
        "provisional": one.deadline is not None and one.deadline.provisional,
        "rule": f"{now.procedure.code}@{now.procedure.version.code} {one.limit.code}",
    }


# -- papers -----------------------------------------------------------------------------------------------------------
def papers(matter: Matter, now: Standing, *, full: bool) -> list[dict[str, Any]]:
    """The papers with their SHA-256 and where to get them. `full`: whether those about a person may be opened."""
    rows = matter.documents.select_related("attachment", "issued", "added_by", "step").order_by("added_at", "id")
    return [_paper(row, now.procedure, full=full) for row in rows]


def _paper(row: MatterDocument, procedure: Procedure, *, full: bool) -> dict[str, Any]:
    fact = procedure.facts.get(row.code)
    return {
        "row": row,
        "kind": fact.label(language()) if fact is not None else _("网络证据") if row.code == "web_evidence" else "",
        "open": full or not row.personal,
        "url": paper_url(row) if full or not row.personal else "",
    }


def paper_url(row: MatterDocument) -> str:
    """Where the paper is read: the official document's page, or the file."""
    if row.issued is not None:
        return row.issued.get_absolute_url()
    return reverse("desk:attachment", args=[row.attachment_id]) if row.attachment_id else ""


# -- the course -------------------------------------------------------------------------------------------------------
def course(matter: Matter, now: Standing) -> list[dict[str, Any]]:
    """Steps with their wording, and what was done beside them, oldest first, as components/timeline.html shows them."""
    events = [*_steps(matter, now), *_acts(matter)]
    events.sort(key=lambda one: one["at"])
    if events and matter.ended_at is None:
        events[-1]["when"] = "now"
    return events


def _steps(matter: Matter, now: Standing) -> Iterable[dict[str, Any]]:
    begun, roles = now.begun, role_names()
    told = masked(now.history, now.procedure)
    rows = matter.steps.select_related("by", "office", "on_behalf_of").order_by("seq")
    for number, row in enumerate(rows, 1):
        event = told[number - 1]
        version = begun.on(_day(event.at))
        step = version.steps[row.verb]
        text = engine.wording(begun, told[:number], language()) if step.wording else ""
        text = queries.with_names(text, now.procedure, now.facts) if text else ""
        yield {
            "at": row.at,
            "title": step.label(language()),
            "text": format_html(
                "{}{}", text, format_html('<div class="note">{}</div>', row.remark) if row.remark else ""
            ),
            "by": " · ".join(
                part
                for part in (
                    who(row.by, row.role),
                    roles.get(row.role, "") if row.by is not None else "",
                    named(row.office) if row.office is not None else "",
                    entrusted(row),
                )
                if part
            ),
            "kind": "good" if step.target and version.states[step.target].final else "",
        }


def entrusted(row: MatterStep) -> str:
    """For whom a step was taken, where that was another person."""
    if row.on_behalf_of is None:
        return ""
    if row.verb == dispatching.RECORDED:
        return _("登记 %(who)s 的批示") % {"who": row.on_behalf_of}
    return _("受 %(who)s 委托") % {"who": row.on_behalf_of}


def _day(at: datetime.datetime) -> datetime.date:
    return at.astimezone(clock.CHINA).date()


def who(by: "User | None", role: str) -> str:
    """Who took a step: a person, the public without an account, or the passing of time."""
    if by is not None:
        return str(by)
    return _("期限届满") if role == queries.CLOCK else _("公众")


def _acts(matter: Matter) -> Iterable[dict[str, Any]]:
    published = [str(pk) for pk in matter.disclosures.values_list("pk", flat=True)]
    found = (
        Act.objects.filter(
            Q(subject_type="matter", subject_id=matter.no) | Q(subject_type="disclosure", subject_id__in=published)
        )
        .exclude(verb__in=("matter.open", "matter.step"))
        .select_related("by", "office")
        .order_by("at")
    )
    for one in found:
        yield {
            "at": one.at,
            "title": verb_name(one.verb),
            "text": one.reason,
            "by": " · ".join(str(part) for part in (one.by, named(one.office) if one.office else "") if part),
            "kind": {"matter.reveal": "warn", "matter.withdraw": "bad"}.get(one.verb, ""),
        }


# -- links and publications -------------------------------------------------------------------------------------------
def links(matter: Matter, viewer: Person) -> list[dict[str, Any]]:
    """The matters linked, both ways. One that the viewer may not see is named by its kind only."""
    rows = list(
        MatterLink.objects.filter(Q(source=matter) | Q(target=matter)).select_related("source", "target").order_by("at")
    )
    others = [row.target if row.source_id == matter.pk else row.source for row in rows]
    seen = set(queries.visible_to(viewer).filter(pk__in=[one.pk for one in others]).values_list("pk", flat=True))
    return [
        {
            "kind": row.get_kind_display(),
            "out": row.source_id == matter.pk,
            "no": other.no if other.pk in seen else "",
            "title": other.title if other.pk in seen else "",
            "name": words.kind_name(other.procedure),
            "url": other.get_absolute_url() if other.pk in seen else "",
            "state": matter_state(other, queries.procedure_of(other)) if other.pk in seen else "",
            "reason": row.reason,
        }
        for row, other in zip(rows, others, strict=True)
    ]


def disclosures(matter: Matter) -> list[dict[str, Any]]:
    """The publications, each with its versions, the newest first: a corrected one stands beside the correction."""
    rows = (
        matter.disclosures.prefetch_related("facts").select_related("published_by").order_by("publication", "-version")
    )
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(row.publication, {"title": row.title, "versions": []})
        one["versions"].append(
            {
                "row": row,
                "state": state_tag(PUBLICATION_KIND[row.state], row.get_state_display()),
                "facts": list(row.facts.all()),
                "current": row.state == Disclosure.State.PUBLISHED,
                "url": public_url(row),
            }
        )
    return list(found.values())


def public_url(row: Disclosure) -> str:
    """The page where the public reads it."""
    try:
        return reverse("portal:decision", args=[row.pk])
    except NoReverseMatch:
        return ""
