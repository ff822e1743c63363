"""Reads kinds, series and documents; makes the content of a document from what was given."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.db.models import Count, Max, QuerySet
from django.urls import reverse

from zhunsheng.engine import documents as engine
from zhunsheng.engine import procedure as procedures
from zhunsheng.engine import tables
from zhunsheng.engine.errors import DocumentError, ProcedureError, TableError
from zhunsheng.engine.public_log import canonical
from zhunsheng.web.common import city
from zhunsheng.web.common.errors import language
from zhunsheng.web.documents import faces, printing
from zhunsheng.web.documents.models import IssuedDocument, Series, State
from zhunsheng.web.people.models import Office

#: what other rooms call a field → what the templates call it
ALIASES = {"party_id": "party_code", "address": "party_address", "party": "party_name", "drafter": "handler"}
#: layouts whose title is the document's own, not that of its kind
TITLED = (engine.Layout.FILE, engine.Layout.LETTER)
CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without I, L, O, U: read out and typed without mistakes
_READ = str.maketrans({"I": "1", "L": "1", "O": "0", "-": "", " ": ""})


# -- kinds ------------------------------------------------------------------------------------------------------------
def kind(code: str, on: datetime.date) -> engine.Kind:
    """The kind with this code on a day. A document of a procedure without a template of its own is a plain letter.

    Raises DocumentError where neither a template nor a procedure's document has the code.
    """
    try:
        return engine.kind(code, on)
    except DocumentError:
        plain = _plain(code, on)
        if plain is None:
            raise
        return plain


def _plain(code: str, on: datetime.date) -> engine.Kind | None:
    procedure, _, document = code.partition(".")
    fact = facts(procedure, on).get(document)
    if fact is None or not fact.issued:
        return None
    return engine.Kind(
        code, fact.name, fact.name_en, engine.Layout.NOTICE, "letter", "organ", True, False, "{body}", "", "assumed", None, None
    )  # fmt: skip


def kinds(on: datetime.date) -> tuple[engine.Kind, ...]:
    return engine.kinds(on)


def free_kinds(on: datetime.date) -> list[engine.Kind]:
    """The kinds that an officer may write outside a procedure's step."""
    return [one for one in engine.kinds(on) if one.free]


def facts(procedure: str, on: datetime.date) -> dict[str, procedures.Fact]:
    """The facts of a procedure in all its versions, those in force on the day last; {} where there is no such procedure."""
    try:
        every = procedures.versions(procedure)
    except (ProcedureError, TableError):
        return {}
    ordered = sorted(every, key=lambda one: one.version.valid_on(on))
    return {code: fact for one in ordered for code, fact in one.facts.items()}


def fields(kind_code: str, on: datetime.date) -> dict[str, engine.Field]:
    """Every field that a template of this kind may name: the documents' own, and the facts of its procedure.

    Where both have the code, the fact's name and kind hold, unless the document looks the value up in a table.
    """
    known = engine.fields()
    found = dict(known)
    for code, fact in facts(kind_code.partition(".")[0], on).items():
        own = known.get(code)
        if fact.kind is procedures.Kind.DOCUMENT or (own and (own.auto or own.kind is engine.FieldKind.ROW)):
            continue
        kind_of = engine.FieldKind.TEXT if fact.kind is procedures.Kind.UNIT else engine.FieldKind(fact.kind.value)
        if own and own.kind is engine.FieldKind.LONG and kind_of is engine.FieldKind.TEXT:
            kind_of = own.kind
        choices = tuple((one.code, one.name) for one in fact.choices)
        found[code] = engine.Field(code, fact.name, fact.name_en, kind_of, choices)
    return found


def protected(one: engine.Kind, on: datetime.date) -> bool:
    """Whether a kind prints a fact that shows who an informant or applicant is (personal in its procedure)."""
    known = facts(one.code.partition(".")[0], on)
    return any(place.code in known and known[place.code].personal for place in engine.placeholders(text_of(one, on)))


@dataclass(frozen=True, slots=True)
class Input:
    """A field that somebody has to fill in for a document. `needed`: without it there is no document."""

    field: engine.Field
    needed: bool


def inputs(kind_code: str, on: datetime.date, given: Collection[str] = ()) -> list[Input]:
    """The fields of a kind that neither the platform nor the caller (`given`: codes) knows, in the order of the text."""
    one = kind(kind_code, on)
    known = fields(kind_code, on)
    have = {*given, *(code for code, alias in ALIASES.items() if alias in given)}
    return [
        Input(known[place.code], place.needed)
        for place in engine.placeholders(text_of(one, on))
        if place.code in known and not known[place.code].auto and place.code not in have
    ]


def text_of(one: engine.Kind, on: datetime.date) -> str:
    """A kind's text with the wordings of the day."""
    return engine.expand(one.text, engine.wordings(on))


def template_version(one: engine.Kind, on: datetime.date) -> str:
    """What the words and the page of a document are made from: two SHA-256, shortened."""
    return f"{sha256(text_of(one, on).encode()).hexdigest()[:16]}-{printing.layout_version()}"


# -- content ----------------------------------------------------------------------------------------------------------
def content(
    one: engine.Kind,
    *,
    office: Office,
    values: Mapping[str, Any],
    title: str,
    number: str,
    day: datetime.date,
    copies: str = "",
    attachments: Sequence[str] = (),
) -> dict[str, Any]:
    """Everything that a document of this kind prints, resolved. Raises DocumentError for what is missing or unprintable."""
    place = engine.place_of(office.division_code, day, city.current().folder)
    given = dict(values)
    for code, alias in ALIASES.items():
        if not given.get(code) and given.get(alias):
            given[code] = given[alias]
    if one.text == "{body}" and not given.get("body"):
        given["body"] = given.get("wording")
    given |= {
        "organ": office.name,
        "number": number,
        "on": day,
        "government": place["government"] if place is not None else "本级人民政府",
    }
    blocks = engine.compose(text_of(one, day), given, fields(one.code, day), day)
    titled = engine.clean(title, "标题") if one.layout in TITLED else ""
    return {
        "layout": one.layout.value,
        "kind": one.code,
        "organ": office.name,
        "heading": f"{office.name}文件",
        "title": titled or one.name,
        "number": number,
        "day": engine.written_day(day),
        "date": day.isoformat(),
        "seal": one.seal,
        "blocks": blocks,
        "copies": engine.clean(copies, "抄送"),
        "attachments": [engine.clean(name, "附件") for name in attachments if name.strip()],
    }


def content_hash(value: Mapping[str, Any]) -> str:
    """The SHA-256 of the canonical JSON (RFC 8785) of a document's content, hexadecimal."""
    return sha256(canonical(value)).hexdigest()


def numbering(group: str, office: Office, day: datetime.date) -> engine.Numbering:
    """The series that numbers the group's documents of an office on a day. Raises DocumentError where there is none."""
    return engine.numbering(
        group, office_name=office.name, level=office.level, division=office.division_code, day=day,
        city=city.current().folder,
    )  # fmt: skip


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON keeps them: days and instants in ISO form. What is empty is left out."""
    kept = {}
    for code, value in values.items():
        if value is None or value == "" or value == []:
            continue
        kept[code] = value.isoformat() if isinstance(value, datetime.date) else value
    return kept


def typed_values(document: IssuedDocument) -> dict[str, Any]:
    """The kept values of a document as they were given: days and instants again, by the kind of their field."""
    known = fields(document.kind, document.day)
    found: dict[str, Any] = {}
    for code, value in document.fields.items():
        field = known.get(code)
        try:
            if field is not None and isinstance(value, str) and field.kind is engine.FieldKind.DATE:
                value = datetime.date.fromisoformat(value)
            elif field is not None and isinstance(value, str) and field.kind is engine.FieldKind.MOMENT:
                value = datetime.datetime.fromisoformat(value)
        except ValueError:
            pass  # the caller had written the day out in words
        found[code] = value
    return found


def preview(
    kind_code: str, values: Mapping[str, Any], *, office: Office, title: str, at: datetime.datetime, day: datetime.date,
    copies: str = "", attachments: Sequence[str] = (), number: str = "", draft: bool = True,
) -> bytes:  # fmt: skip
    """The PDF of a document that is not issued: 草稿 across each page, the number left open, no code. `number`: what stands
    in its place; `draft`: without it, a working paper that is printed as it stands.

    Raises DocumentError for what is missing, Refused for characters that no face has.
    """
    one = kind(kind_code, day)
    number = number or numbering(one.group, office, day).number(day.year, 1).replace("〕1号", "〕　号")
    made = content(
        one, office=office, values=values, title=title, number=number, day=day, copies=copies, attachments=attachments
    )
    refuse_missing_glyphs(made)
    return printing.to_pdf(made, at=at, draft=draft).data


def refuse_missing_glyphs(made: Mapping[str, Any]) -> None:
    """Raises DocumentError naming the characters that no face at hand can print."""
    missing = faces.without_glyph(engine.texts({**made, "kind": "", "layout": ""}))
    if missing:
        raise DocumentError(
            "documents.no_glyph", characters="、".join(f"{char}（U+{ord(char):04X}）" for char in missing[:10])
        )


# -- documents --------------------------------------------------------------------------------------------------------
def documents() -> "QuerySet[IssuedDocument]":
    return IssuedDocument.objects.select_related("office")


def by_code(text: str) -> IssuedDocument | None:
    """The document with this authenticity code, typed in any way: lower case, with dashes, O for 0."""
    code = text.upper().translate(_READ)
    if len(code) != 16 or set(code) - set(CODE_LETTERS):
        return None
    return documents().filter(code=code).first()


def address(document: IssuedDocument) -> str:
    """The full address of the page that proves a document: what its QR says."""
    return site() + reverse("documents:proof", args=[document.code])


def site() -> str:
    """How the outside reaches this installation: SITE_URL, else the first host it answers to."""
    if settings.SITE_URL:
        return str(settings.SITE_URL).rstrip("/")
    host = next((host.lstrip(".") for host in settings.ALLOWED_HOSTS if host.strip("*.")), "localhost")
    return f"{'https' if settings.HTTPS else 'http'}://{host}"


# -- series -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class SeriesState:
    """A counter and whether its register is unbroken. `missing`: numbers that no document has; `void`: how many are void."""

    series: Series
    name: str
    pattern: str
    taken: int
    void: int
    missing: tuple[int, ...]

    @property
    def next(self) -> int:
        return self.series.last + 1

    @property
    def whole(self) -> bool:
        return not self.missing and self.taken == self.series.last


def series_states(office: Office | None = None, year: int | None = None) -> list[SeriesState]:
    """Every counter (of an office, of a year), each checked against the documents that carry its numbers.

    Two queries however many documents there are, and one more for each counter that does not add up.
    """
    counters = Series.objects.select_related("office").order_by("office__code", "-year", "series")
    issued = IssuedDocument.objects.all()
    if office is not None:
        counters, issued = counters.filter(office=office), issued.filter(office=office)
    if year is not None:
        counters, issued = counters.filter(year=year), issued.filter(year=year)
    counted = {
        (row["series"], row["office"], row["year"]): row
        for row in issued.order_by().values("series", "office", "year").annotate(n=Count("pk"), highest=Max("seq"))
    }
    void = {
        (row["series"], row["office"], row["year"]): row["n"]
        for row in issued.filter(state=State.VOID).order_by().values("series", "office", "year").annotate(n=Count("pk"))
    }
    found = []
    for counter in counters:
        key = (counter.series, counter.office_id, counter.year)
        row = counted.get(key, {"n": 0, "highest": 0})
        missing: tuple[int, ...] = ()
        if row["n"] != counter.last or (row["highest"] or 0) != counter.last:
            taken = issued.filter(series=counter.series, office=counter.office, year=counter.year)
            missing = engine.missing_numbers(taken.values_list("seq", flat=True), counter.last)
        name, pattern = series_words(counter.series)
        found.append(SeriesState(counter, name, pattern, row["n"], void.get(key, 0), missing))
    return found


def series_words(key: str) -> tuple[str, str]:
    """A counter's name in the language of the page, and the pattern of its numbers, from the tables."""
    lang = language()
    rows = {row["code"]: row for row in tables.load("documents/series").rows}
    groups = {row["code"]: row for row in tables.load("documents/groups").rows}
    if key in rows:
        return rows[key].label(lang), rows[key]["pattern"]
    code, _, group = key.rpartition(".")
    row, named = rows.get(code), groups.get(group)
    if row is None or named is None:
        return key, ""
    return f"{row.label(lang)} · {named.label(lang)}", row["pattern"].replace("{word}", named["word"])


def next_numbers(office: Office, day: datetime.date) -> list[tuple[tables.Row, str]]:
    """Every group of documents with the number that an office would give next on a day; [] where it has no series."""
    last = {one.series: one.last for one in Series.objects.filter(office=office, year=day.year)}
    found = []
    for group in tables.load("documents/groups").valid_on(day):
        try:
            series = numbering(group["code"], office, day)
        except DocumentError:
            continue
        found.append((group, series.number(day.year, last.get(series.key, 0) + 1)))
    return found
