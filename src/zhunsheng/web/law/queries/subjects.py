"""What there is of law: every table and procedure, how sure it is, who answers for it, and when it is to be looked at again."""

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from django.db.models import Max
from django.urls import reverse

from zhunsheng.engine import clock, procedure, tables
from zhunsheng.engine.procedure import Procedure
from zhunsheng.engine.procedure.model import Sourced
from zhunsheng.engine.tables import Row, Table
from zhunsheng.engine.words import Reason
from zhunsheng.web.common import city
from zhunsheng.web.common.errors import language
from zhunsheng.web.law.models import Change, Review

PROCEDURES = "procedures/"
#: tables that say nothing about a rule: words of the demo
HIDDEN = ("demo/",)
#: tables that are read once, when the city is set up; from then on these pages keep them
ELSEWHERE = {
    "inspection/check_items": "inspection:items",
    "inspection/result_wordings": "inspection:wordings",
    "offices": "people:offices",
    "responsibility": "people:responsibility",
    "registry/product_classes": "people:responsibility",
    "targets": "appraisal:scoreboard",
    "divisions": "registry:home",
    "parks": "registry:home",
}
ELEMENTS = ("limit", "step", "publication")


@dataclass(frozen=True, slots=True)
class Subject:
    """A table or a procedure at a glance, on a day. `ahead`: rows approved or packaged that begin later; `pending`: changes
    that wait for approval; `overdue`: its review is past."""

    name: str
    title: str
    group: str
    procedure: bool
    rows: int
    sure: int
    likely: int
    assumed: int
    ahead: int
    pending: int
    review: datetime.date
    overdue: bool

    @property
    def url(self) -> str:
        return address(self.name)


def address(name: str) -> str:
    """The page of a table or procedure."""
    if is_procedure(name):
        return reverse("law:procedure", args=[name.removeprefix(PROCEDURES)])
    return reverse("law:table", args=[name])


def is_procedure(name: str) -> bool:
    return name.startswith(PROCEDURES)


def names() -> list[str]:
    """Every table and procedure that holds for this city."""
    here = city.current().folder
    found = [
        name for name in tables.names()
        if not name.startswith(HIDDEN) and (not name.startswith("cities/") or name.startswith(f"cities/{here}/"))
    ]  # fmt: skip
    return [*found, *(f"{PROCEDURES}{code}" for code in procedure.codes())]


def elsewhere(name: str) -> str:
    """The address of the page that keeps a table's rows once the city is set up; '' where the table itself is read."""
    page = ELSEWHERE.get(name) or (ELSEWHERE.get(name.rpartition("/")[2]) if name.startswith("cities/") else None)
    return reverse(page) if page else ""


def changeable(name: str) -> bool:
    """Whether a change can be proposed here."""
    return name in names() and not elsewhere(name)


def title(name: str) -> str:
    """The name of a table or procedure in the language of the page; its path where it is not there any more."""
    if name not in names():
        return name
    if is_procedure(name):
        return versions(name.removeprefix(PROCEDURES))[-1].label(language())
    table = tables.load(name)
    return table.title_en if language() == "en" else table.title


# -- rows --------------------------------------------------------------------------------------------------------------
def key_text(key: Iterable[str]) -> str:
    """The values of the key columns as one part of an address."""
    return ",".join(re.sub(r"[%,/?#\\]", lambda found: f"%{ord(found[0]):02X}", value) for value in key)


def key_from(text: str) -> tuple[str, ...]:
    """The values that key_text wrote."""
    return tuple(unquote(part) for part in text.split(","))


def same_key(table: Table, key: Sequence[str]) -> list[Row]:
    """Every row with this key, past, present and ahead, the oldest first."""
    found = [row for row in table.rows if tables.key_of(table, row) == tuple(key)]
    return sorted(found, key=lambda row: row.valid_from or datetime.date.min)


def find_rows(table: Table, text: str, assumed_only: bool, on: datetime.date | None) -> list[Row]:
    """The rows that hold a text anywhere, or are the platform's own choice; those in force on a day where one is given."""
    words = text.casefold()
    return [
        row for row in (table.valid_on(on) if on else table.rows)
        if (not words or any(words in cell.casefold() for cell in row.values()))
        and (not assumed_only or row.confidence == "assumed")
    ]  # fmt: skip


# -- procedures --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Element:
    """A step, limit or publication of one version of a procedure. `written`: as the file writes it."""

    kind: str
    procedure: Procedure
    thing: Sourced
    written: Mapping[str, object]

    @property
    def url(self) -> str:
        return reverse(
            "law:element", args=[self.procedure.code, self.procedure.version.code, self.kind, self.thing.code]
        )


def versions(code: str) -> tuple[Procedure, ...]:
    """The versions of a procedure, the oldest first."""
    return tuple(
        sorted(procedure.versions(code), key=lambda p: (p.version.valid_from or datetime.date.min, p.version.code))
    )


def in_force_on(code: str, day: datetime.date) -> list[Procedure]:
    """The versions in force on a day: one, or one for each department that had its own rules."""
    return [one for one in versions(code) if one.version.valid_on(day)]


def procedure_on(code: str, day: datetime.date, organ: str = "") -> Procedure | None:
    """The version in force on a day whose organ this is exactly; None where there is none."""
    return next((one for one in in_force_on(code, day) if one.version.organ == organ), None)


def elements(one: Procedure) -> list[Element]:
    """Everything of a version that rests on a source, in the order of the file."""
    document = tables.read_document(f"{PROCEDURES}{one.code}")
    things = [("limit", one.limits.values()), ("step", one.steps.values()), ("publication", one.publications)]
    return [
        Element(kind, one, thing, procedure.entry(document, kind, thing.code, one.version.code) or {})
        for kind, found in things for thing in found
    ]  # fmt: skip


def element(one: Procedure, kind: str, code: str) -> Element | None:
    return next((found for found in elements(one) if (found.kind, found.thing.code) == (kind, code)), None)


# -- owners and reviews ------------------------------------------------------------------------------------------------
def owner(name: str, on: datetime.date) -> Row:
    """The row of law/owners that answers for a table or procedure: the longest beginning of its path. Raises TableError
    where even the row for all others is missing."""
    table = tables.load("law/owners")
    best = ""
    for row in table.valid_on(on):
        beginning = row["subject"]
        if (name == beginning or name.startswith(f"{beginning}/")) and len(beginning) > len(best):
            best = beginning
    return table.find(on, subject=best or "*")


def _looked_at() -> dict[str, datetime.datetime]:
    """When each table was last looked at: reviewed, or changed with approval."""
    found: dict[str, datetime.datetime] = dict(Review.objects.values_list("table").annotate(Max("at")))
    changed = Change.objects.filter(state=Change.State.APPROVED).values_list("table").annotate(Max("decided_at"))
    for name, at in changed:
        found[name] = max(at, found.get(name, at))
    return found


def next_review(name: str, on: datetime.date, looked: Mapping[str, datetime.datetime] | None = None) -> datetime.date:
    """The day by which the owner is to look at it again: so many months after the last look, or the first day set."""
    row = owner(name, on)
    last = (looked if looked is not None else _looked_at()).get(name)
    if last is None:
        return row.day("first_review")
    return clock.deadline(last, row.integer("review_months"), clock.Unit.MONTH).nominal


def reviews_due(on: datetime.date) -> list[tuple[str, datetime.date]]:
    """The tables and procedures whose review is past, the oldest first."""
    looked = _looked_at()
    found = [(name, day) for name in names() if (day := next_review(name, on, looked)) < on]
    return sorted(found, key=lambda one: (one[1], one[0]))


# -- all at a glance ---------------------------------------------------------------------------------------------------
def subjects(on: datetime.date) -> list[Subject]:
    """Every table and procedure as it stands on a day. Two questions to the database."""
    looked = _looked_at()
    pending = Counter(Change.objects.filter(state=Change.State.PROPOSED).values_list("table", flat=True))
    return [_subject(name, on, looked, pending[name]) for name in names()]


def subject(name: str, on: datetime.date) -> Subject:
    pending = Change.objects.filter(state=Change.State.PROPOSED, table=name).count()
    return _subject(name, on, _looked_at(), pending)


def _subject(name: str, on: datetime.date, looked: Mapping[str, datetime.datetime], pending: int) -> Subject:
    marks: Counter[str] = Counter()
    if is_procedure(name):
        code = name.removeprefix(PROCEDURES)
        for one in in_force_on(code, on):
            marks.update(thing.confidence for thing in (*one.limits.values(), *one.steps.values(), *one.publications))
        ahead = sum(1 for one in versions(code) if (one.version.valid_from or on) > on)
    else:
        rows = tables.load(name).rows
        marks.update(row.confidence for row in rows if row.valid_on(on))
        ahead = sum(1 for row in rows if (row.valid_from or on) > on)
    review = next_review(name, on, looked)
    return Subject(
        name, title(name), name.split("/")[0], is_procedure(name), sum(marks.values()),
        marks["sure"], marks["likely"], marks["assumed"], ahead, pending, review, review < on,
    )  # fmt: skip


def calendar_missing(on: datetime.date) -> list[int]:
    """The years, this one and the next, whose holiday notice is not loaded."""
    known = clock.default_calendar().years
    return [year for year in (on.year, on.year + 1) if year not in known]


def said(reasons: Iterable[Reason]) -> str:
    """Reasons as sentences in the language of the page."""
    return "；".join(reason.text(language()) for reason in reasons)
