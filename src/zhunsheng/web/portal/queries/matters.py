"""What matters show the public: publications in all their versions, and statistics in which nobody can be found."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import ExtractMonth
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from zhunsheng.engine import procedure as engine
from zhunsheng.engine import tables
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import ProcedureError
from zhunsheng.engine.procedure import Kind
from zhunsheng.engine.suppression import shown_total, suppressed
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import named, state_tag
from zhunsheng.web.documents.models import IssuedDocument
from zhunsheng.web.matters import figures as counting
from zhunsheng.web.matters import intake, queries, words
from zhunsheng.web.matters.models import Disclosure, Matter, StepFact
from zhunsheng.web.public_log.models import LogEntry
from zhunsheng.web.registry.models import Division

State = Disclosure.State
TAGS = {State.PUBLISHED: "good", State.CORRECTED: "muted", State.WITHDRAWN: "bad", State.ENDED: "muted"}
#: what the statistics count: people's own matters, none of which is published by name
COUNTED = ("complaint", "violation_report", "compensation", "disclosure_request")


# -- publications -----------------------------------------------------------------------------------------------------
def published() -> QuerySet[Disclosure]:
    """All publications, corrected, withdrawn and ended ones among them; drills never."""
    return queries.published().select_related("matter__office", "matter__entity__division__parent", "replaces")


def state_word(one: Disclosure) -> SafeString:
    return state_tag(TAGS[State(one.state)], one.get_state_display())


def publication_name(one: Disclosure) -> str:
    """What was published, as the matter's version of the procedure calls it."""
    try:
        procedure = queries.procedure_of(one.matter)
        found = next((row for row in procedure.publications if row.code == one.publication), None)
    except ProcedureError:
        found = None
    return found.label(language()) if found is not None else one.publication


def column_names() -> list[tuple[str, str]]:
    """Every column of publications that ever was: its code, and its name as publications show it."""
    return list({row["code"]: row["name"] for row in tables.load("publicity/columns").rows}.items())


def columns() -> list[tuple[str, str]]:
    """The same in the language of the page."""
    return list({row["code"]: row.label(language()) for row in tables.load("publicity/columns").rows}.items())


def chain(one: Disclosure) -> list[Disclosure]:
    """The versions of one publication, the first one first: from the one that replaces nothing to the newest."""
    rows = {
        row.pk: row
        for row in published().filter(matter=one.matter_id, publication=one.publication).prefetch_related("facts")
    }
    here = rows[one.pk]
    while here.replaces_id is not None:
        here = rows[here.replaces_id]
    following = {row.replaces_id: row for row in rows.values() if row.replaces_id is not None}
    found = [here]
    while here.pk in following:
        here = following[here.pk]
        found.append(here)
    return found


def is_readable(versions: Sequence[Disclosure]) -> bool:
    """Whether the facts are still shown: not after the publication was withdrawn or has ended, in none of its versions."""
    return versions[-1].state == State.PUBLISHED


def stands(one: Disclosure) -> bool:
    """Whether this version still shows names: it is public now, or was corrected by one that is."""
    return one.state == State.PUBLISHED or (one.state == State.CORRECTED and is_readable(chain(one)))


def fallen() -> set[int]:
    """The corrected versions of what was withdrawn or has ended since: their names are shown no more."""
    over = Disclosure.objects.filter(state__in=[State.WITHDRAWN, State.ENDED], replaces__isnull=False)
    keys = {key for key in over.values_list("replaces", flat=True) if key is not None}
    found: set[int] = set()
    while keys:
        found |= keys
        before = Disclosure.objects.filter(pk__in=keys, replaces__isnull=False)
        keys = {key for key in before.values_list("replaces", flat=True) if key is not None} - found
    return found


def title(one: Disclosure) -> str:
    """The title; of what was withdrawn or has ended, only what it was: its name would publish it again."""
    if stands(one):
        return one.title
    return f"{publication_name(one)} {one.matter.no}"


def entries(rows: Sequence[Disclosure]) -> dict[int, LogEntry]:
    """Publication → the entry of the public log that published it."""
    subjects = {f"disclosure:{row.pk}": row.pk for row in rows}
    found: dict[int, LogEntry] = {}
    for entry in LogEntry.objects.filter(subject__in=list(subjects)).order_by("index"):
        found.setdefault(subjects[entry.subject], entry)
    return found


def kinds() -> list[tuple[str, str]]:
    """The kinds of matters that have published anything."""
    codes = Disclosure.objects.order_by().values_list("matter__procedure", flat=True).distinct()
    return sorted((code, words.kind_name(code)) for code in codes)


@dataclass(frozen=True, slots=True)
class Line:
    """One fact of a publication: in this version, and in the one before where that differs. `proof`: the page that proves
    an official document."""

    name: str
    shown: str
    before: str
    changed: bool
    proof: str = ""
    hash: str = ""


def lines(one: Disclosure, before: Disclosure | None) -> list[Line]:
    """The facts as published, beside those of the version before."""
    english = language() == "en"
    old = {fact.code: fact for fact in before.facts.all()} if before is not None else {}
    facts = queries.procedure_of(one.matter).facts
    found = []
    for fact in one.facts.all():
        shown = fact.shown_en if english and fact.shown_en else fact.shown
        was = old.get(fact.code)
        earlier = "" if was is None else (was.shown_en if english and was.shown_en else was.shown)
        declared = facts.get(fact.code)
        proof = paper = ""
        if declared is not None and declared.kind is Kind.DOCUMENT:
            paper, shown, proof = shown, *_document(one, fact.shown)
        found.append(
            Line(
                (fact.name_en or fact.name) if english else fact.name, shown, earlier,
                before is not None and fact.shown != (was.shown if was else ""), proof, paper,
            )
        )  # fmt: skip
    return found


def _document(one: Disclosure, sha256: str) -> tuple[str, str]:
    """Number and proof page of the official document with this hash; what stands in their place where it is an upload."""
    issued = IssuedDocument.objects.filter(
        subject_type="matter", subject_id=one.matter.no, content_sha256=sha256
    ).first()
    if issued is None:
        return _("文件（以 SHA-256 为准）"), ""
    try:
        return issued.number, reverse("documents:proof", args=[issued.code])
    except NoReverseMatch:
        return issued.number, ""


def of_entity(entity_id: int) -> list[Disclosure]:
    """What is published of one entity now, and what was corrected or withdrawn."""
    rows = published().filter(matter__entity=entity_id).exclude(state__in=[State.CORRECTED, State.ENDED])
    return list(rows.order_by("-published_at", "-pk")[:100])


# -- statistics -------------------------------------------------------------------------------------------------------
def least() -> int:
    """Counts from one up to below this are not published."""
    rows = tables.load("matters/public_limits").rows
    return next(row.integer("amount") for row in rows if row["code"] == "small_cell")


@dataclass(frozen=True, slots=True)
class Table:
    """Counts in rows and columns, each column with its total; None is a number that is held back."""

    columns: list[str]
    rows: list[tuple[str, list[int | None]]]
    totals: list[int | None]

    @property
    def empty(self) -> bool:
        return not any(value != 0 for value in self.totals)


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric: its value in words and its parts; `value` is '' where it is held back, and None where there is none."""

    kind: str
    code: str
    name: str
    value: str
    amount: int | None
    of: int | None
    held_back: bool
    source: str


def years(today: datetime.date) -> list[int]:
    """The years with matters that are counted, the newest first; this year always."""
    first = Matter.objects.filter(procedure__in=COUNTED, drill=False).order_by("opened_at").first()
    start = first.opened_at.astimezone(CHINA).year if first is not None else today.year
    return list(range(today.year, min(start, today.year) - 1, -1))


def of_year(year: int) -> QuerySet[Matter]:
    """The matters of the public's own that were filed in a year."""
    begins = datetime.datetime(year, 1, 1, tzinfo=CHINA)
    ends = datetime.datetime(year + 1, 1, 1, tzinfo=CHINA)
    return Matter.objects.filter(procedure__in=COUNTED, drill=False, opened_at__gte=begins, opened_at__lt=ends)


def by_month(year: int, today: datetime.date) -> Table:
    """By month of filing, up to the present one."""
    last = today.month if year == today.year else 12
    counts = {
        (row["month"], row["procedure"]): row["n"]
        for row in of_year(year).order_by().annotate(month=ExtractMonth("opened_at", tzinfo=CHINA)).values("month", "procedure").annotate(n=Count("pk"))
    }  # fmt: skip
    return _table(
        [(str(month), f"{year}-{month:02d}") for month in range(1, last + 1)],
        lambda key, code: counts.get((int(key), code), 0),
    )


def by_division(year: int) -> Table:
    """By county; where none is known, as such."""
    places = {one.pk: one for one in Division.objects.select_related("parent")}
    counts: dict[tuple[str, str], int] = {}
    for row in of_year(year).order_by().values("division", "procedure").annotate(n=Count("pk")):
        county = intake.county_of(places.get(row["division"] or ""))
        key = (county.pk if county is not None else "", row["procedure"])
        counts[key] = counts.get(key, 0) + row["n"]
    keys = sorted({key for key, _code in counts}, key=lambda key: (key == "", key))
    return _table(
        [(key, named(places[key]) if key else _("市级或者不明")) for key in keys],
        lambda key, code: counts.get((key, code), 0),
    )


def by_meter(year: int) -> Table:
    """民用四表: complaints about household meters."""
    counts = dict(
        StepFact.objects.filter(matter__in=of_year(year).filter(procedure="complaint"), code="four_meters", current=True)
        .order_by().values_list("text").annotate(n=Count("pk"))
    )  # fmt: skip
    fact = engine.versions("complaint")[-1].facts["four_meters"]
    rows = [(one.code, one.label(language())) for one in fact.choices]
    return _table(rows, lambda key, _code: counts.get(key, 0), ["complaint"])


def _table(rows: list[tuple[str, str]], count: Any, codes: Sequence[str] = COUNTED) -> Table:
    """Each column held back by itself, since each has a total of its own; the rows have none."""
    few = least()
    columns = {code: [count(key, code) for key, _name in rows] for code in codes}
    shown = {code: suppressed(values, few) for code, values in columns.items()}
    return Table(
        [words.kind_name(code) for code in codes],
        [(name, [shown[code][n] for code in codes]) for n, (_key, name) in enumerate(rows)],
        [shown_total(columns[code], few) for code in codes],
    )


def figures(year: int, at: datetime.datetime) -> list[Figure]:
    """The metrics of the procedures over the matters filed in a year. A share of fewer than the least number, and a sum
    over fewer matters, is held back."""
    few = least()
    found = []
    for code in COUNTED:
        matters = of_year(year).filter(procedure=code)
        for one in counting.figures(code, matters, "office", at):
            whole = one.whole
            if one.metric.kind == "sum":
                behind = StepFact.objects.filter(
                    matter__in=matters, code=one.metric.fact, current=True, number__gt=0
                ).count()
            else:
                behind = whole.of if whole.of is not None else whole.amount
            held = 0 < behind < few
            value = "" if held or not behind else _said(one, whole)
            found.append(
                Figure(
                    code, one.metric.code, one.metric.label(language()), value,
                    None if held else whole.amount, None if held else whole.of, held, words.kind_name(code),
                )
            )  # fmt: skip
    return found


def _said(one: counting.Figure, whole: engine.Tally) -> str:
    if whole.of:
        return f"{whole.amount / whole.of:.1%}"
    if one.money:
        return _("%(yuan)s 元") % {"yuan": f"{whole.amount // 100:,}"}
    return f"{whole.amount:,}"
