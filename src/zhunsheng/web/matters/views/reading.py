"""A matter as those concerned may read it: not the file of the office, but what it says to them."""

import datetime
import string
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from zhunsheng.engine import clock
from zhunsheng.engine import procedure as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.procedure import Due, Kind, Standing, Status, Step
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import named, state_tag
from zhunsheng.web.desk.attachments.serving import respond
from zhunsheng.web.documents import actions as documents
from zhunsheng.web.matters import intake, queries, words
from zhunsheng.web.matters.models import Matter, MatterDocument
from zhunsheng.web.people.models import User

FILER, FIRM = "filer", "firm"
#: how a limit stands → tag and word
TAGS: dict[Status, tuple[str, Callable[[], str]]] = {
    Status.RUNNING: ("info", lambda: _("正在计算")),
    Status.OVERDUE: ("bad", lambda: _("已逾期")),
    Status.SUSPENDED: ("warn", lambda: _("已中止")),
    Status.MET: ("good", lambda: _("按期")),
    Status.LATE: ("bad", lambda: _("逾期办理")),
    Status.LAPSED: ("muted", lambda: _("已终结")),
    Status.WAITING: ("info", lambda: _("期间未满")),
    Status.OVER: ("muted", lambda: _("期间已满")),
}


@dataclass(frozen=True, slots=True)
class Item:
    """A line of what someone reads: a question and an answer, who said so."""

    name: str
    shown: str
    own: bool


def address_of(request: HttpRequest) -> str:
    """The network address of the reader. Behind a proxy, the one that our own proxy saw: what the reader's own headers say
    before it proves nothing."""
    if settings.SECURE_PROXY_SSL_HEADER is not None:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
        if forwarded:
            return str(forwarded)[:60]
    return str(request.META.get("REMOTE_ADDR", ""))[:60]


def why(due: Due, procedure: engine.Procedure) -> dict[str, Any]:
    """How the last day of a limit was counted, for components/why.html."""
    limit = due.limit
    inputs: list[tuple[str, Any]] = [(_("起算"), due.trigger)]
    if due.deadline is not None:
        inputs.append((_("最后一天"), due.deadline.due))
    return {
        "sentence": (" " if language() == "en" else "").join(reason.text(language()) for reason in due.reasons),
        "rule": limit.label(language()),
        "version": f"{procedure.code}@{procedure.version.code}",
        "source": limit.source,
        "confidence": limit.confidence,
        "inputs": inputs,
        "url": method_url(),
    }


def method_url() -> str:
    """The page of the method; '' where the portal is not installed."""
    try:
        return reverse("portal:method", args=["procedures"])
    except NoReverseMatch:
        return ""


def _told(step: Step | None, reader: str, role: str = "") -> bool:
    """Whether a step is told to a reader. To who filed, every one; to the firm, its own, the filer's, and those that moved
    the matter: that a clue was found against it (a step beside the course) is not."""
    own = {"enterprise", queries.PUBLIC}
    return reader == FILER or role in own or (step is not None and (bool(step.target) or bool(own & set(step.roles))))


def limits(now: Standing, at: datetime.datetime, reader: str) -> list[dict[str, Any]]:
    """Every limit that a reader may know of, with how it stands; those that run first."""
    rows = []
    for due in now.dues:
        if not _told(now.procedure.steps.get(due.opened_by), reader):
            continue
        status = due.status(at)
        kind, word = TAGS[status]
        rows.append(
            {
                "name": due.limit.label(language()),
                "due": due.last
                if due.deadline is not None and due.deadline.due_at
                else due.deadline.due
                if due.deadline
                else None,
                "tag": state_tag(kind, word()),
                "why": why(due, now.procedure),
                "live": due.live,
                "days": days_left(due, at) if due.live else None,
            }
        )
    return sorted(rows, key=lambda row: not row["live"])


def days_left(due: Due, at: datetime.datetime) -> int | None:
    """Working days to the last day; negative when it has passed; None while nobody knows it."""
    return None if due.deadline is None else clock.days_left(due.deadline.due, at.astimezone(CHINA).date())


def items(matter: Matter, now: Standing, reader: str, own: Collection[int]) -> list[Item]:
    """The facts that a reader may read, as last given: those they gave themselves (steps in `own`) and those of table
    matters/shown. Who someone is, stays masked even before the person."""
    readers = intake.shown(matter.procedure)
    rows = list(matter.facts.filter(current=True).order_by("id"))
    units = queries.entities_named(str(row.text) for row in rows if words.is_unit(now.procedure, row.code))
    found = []
    for row in rows:
        fact = now.procedure.facts.get(row.code)
        mine = row.step_id in own
        if (
            fact is None
            or fact.kind is Kind.DOCUMENT
            or not (mine or getattr(readers.get(row.code, intake.NOBODY), reader))
        ):
            continue
        if words.is_unit(now.procedure, row.code):
            shown = units[str(row.text)].name if str(row.text) in units else str(row.text)
        else:
            shown = words.fact_text(now.procedure, row.code, row.value)
        if fact.personal or row.personal:
            shown = words.masked(shown)
        found.append(Item(fact.label(language()), shown, mine))
    return found


def papers(matter: Matter, reader: str, user: User | None) -> list[MatterDocument]:
    """The papers that a reader may read: what is addressed to them, and what they sent themselves."""
    readers = intake.shown(matter.procedure)
    rows = matter.documents.select_related("attachment", "issued").order_by("added_at", "id")
    return [
        one
        for one in rows
        if (getattr(readers.get(one.code, intake.NOBODY), reader) and not _names_another(one, reader))
        or (one.attachment_id is not None and sent_by(one, reader, user))
    ]


def _names_another(paper: MatterDocument, reader: str) -> bool:
    """Whether an official document prints who complained, reported or applied, and the reader is the firm."""
    return reader == FIRM and paper.issued is not None and paper.issued.protected


def sent_by(paper: MatterDocument, reader: str, user: User | None) -> bool:
    if reader == FILER:
        return paper.added_by_id is None and (paper.step is None or paper.step.role == queries.PUBLIC)
    return user is not None and paper.added_by_id == user.pk


def course(matter: Matter, now: Standing, reader: str) -> list[dict[str, Any]]:
    """What has happened, as far as a reader is told, for components/timeline.html: steps with their wording, the offices,
    no officer's name."""
    steps = list(matter.steps.select_related("office").order_by("seq"))
    history = now.history
    readable = {code for code, who in intake.shown(matter.procedure).items() if getattr(who, reader)}
    rows: list[dict[str, Any]] = []
    for n, step in enumerate(steps):
        procedure = now.begun.on(step.at.astimezone(CHINA).date())
        known = procedure.steps.get(step.verb)
        if not _told(known, reader, step.role):
            continue
        text = ""
        if known is not None and known.wording and _only(known.wording, readable | {"on"}):
            text = queries.with_names(engine.wording(now.begun, history[: n + 1], language()), now.procedure, now.facts)
        rows.append(
            {
                "at": step.at,
                "title": words.step_name(procedure, step.verb),
                "text": text,
                "by": named(step.office) if step.office is not None else "",
            }
        )
    if rows:
        rows[-1]["when"] = "now"
    return rows


def _only(wording: str, codes: Collection[str]) -> bool:
    """Whether a wording names nothing but these."""
    return all(name in codes for _text, name, _spec, _conversion in string.Formatter().parse(wording) if name)


def serve(paper: MatterDocument) -> HttpResponseBase:
    """The file of a paper, to be saved."""
    if paper.issued is None:
        assert paper.attachment is not None  # noqa: S101 - a paper has one source
        return respond(paper.attachment, download=True)
    response = HttpResponse(documents.render(paper.issued), content_type="application/pdf")
    response["Content-Disposition"] = content_disposition_header(True, f"{paper.title}.pdf") or "attachment"
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
