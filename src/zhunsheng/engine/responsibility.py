"""Who answers for which product in which link of the chain, on a given day.

焦政〔2017〕12号 二(四)1: 把责任落实到每个部门、每个环节,形成环环相扣的监管链条. The matrix of a city is the table
`cities/<city>/responsibility`; a cell is a product class and a link. A cell nobody leads is a gap (监管空白), one that
several offices lead is an overlap (职责交叉): both are shown, neither is decided here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from zhunsheng.engine import tables
from zhunsheng.engine.errors import TableError
from zhunsheng.engine.words import Param, Reason, say


class Link(StrEnum):
    """环节 of the supervision chain."""

    PRODUCTION = "production"
    CIRCULATION = "circulation"
    USE = "use"


@dataclass(frozen=True, slots=True)
class Duty:
    """One office's duty for a product class in a link, from `valid_from` to `valid_to` (inclusive, None = open).

    `scope` is the level of divisions it is for (provincial, city, county; empty = every level). `lead` is False for an
    office that only takes part.
    """

    office_code: str
    product_class: str
    link: Link
    scope: str = ""
    lead: bool = True
    valid_from: date | None = None
    valid_to: date | None = None
    source: str = ""
    confidence: str = "sure"
    note: str = ""

    def in_force(self, on: date) -> bool:
        """Whether the duty is in force on `on`."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """A product class in a link of the chain."""

    product_class: str
    link: Link


@dataclass(frozen=True, slots=True, order=True)
class Overlap:
    """A cell that several offices lead at the level `scope` (empty = every level)."""

    cell: Cell
    scope: str
    offices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """Where a matter goes: the leading office or offices, those that take part, and why. No `lead` = nobody's, and
    the reason says what is known."""

    lead: tuple[str, ...]
    joint: tuple[str, ...]
    reason: Reason


def duties(city: str, root: Path | None = None) -> tuple[Duty, ...]:
    """All duties in the table of a city, past and future ones too. Columns: office_code, product_class, link, and where
    present scope, role (lead or joint; empty = lead), note. Raises TableError for a missing table or an unknown link or
    role."""
    table = tables.load(f"cities/{city}/responsibility", root)
    return tuple(_duty(row) for row in table.rows)


def product_links(on: date, root: Path | None = None) -> dict[str, tuple[Link, ...]]:
    """The product classes in force on `on`, and the links that exist for each (table `registry/product_classes`).
    Raises TableError for an unknown link."""
    rows = tables.load("registry/product_classes", root).valid_on(on)
    return {row["code"]: tuple(_link(text, row) for text in row.list("links")) for row in rows}


def _duty(row: tables.Row) -> Duty:
    role = row.get("role") or "lead"
    if role not in ("lead", "joint"):
        raise TableError("responsibility.bad_role", where=f"{row.table}:{row.line}", value=role)
    return Duty(
        office_code=row["office_code"],
        product_class=row["product_class"],
        link=_link(row["link"], row),
        scope=row.get("scope", ""),
        lead=role == "lead",
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        source=row.source,
        confidence=row.confidence,
        note=row.get("note", ""),
    )


def _link(text: str, row: tables.Row) -> Link:
    try:
        return Link(text)
    except ValueError:
        raise TableError("responsibility.bad_link", where=f"{row.table}:{row.line}", value=text) from None


def gaps(
    duties: Iterable[Duty], product_links: Mapping[str, Collection[Link]], on: date, scope: str = ""
) -> tuple[Cell, ...]:
    """The cells that no office leads on `on`, sorted. `product_links` gives the links that exist for each class.

    With `scope`, only duties for that level (or every level) count.

    >>> baker = Duty("food_drug", "food", Link.PRODUCTION)
    >>> gaps([baker], {"food": (Link.PRODUCTION, Link.USE)}, date(2018, 1, 1))
    (Cell(product_class='food', link=<Link.USE: 'use'>),)
    """
    led = {Cell(d.product_class, d.link) for d in duties if d.lead and d.in_force(on) and _at(d, scope)}
    wanted = {Cell(product, link) for product, links in product_links.items() for link in links}
    return tuple(sorted(wanted - led))


def overlaps(duties: Iterable[Duty], on: date) -> tuple[Overlap, ...]:
    """The cells that more than one office leads at the same level on `on`, sorted. A duty for every level meets those
    of each named level."""
    leads: defaultdict[Cell, set[tuple[str, str]]] = defaultdict(set)
    for duty in duties:
        if duty.lead and duty.in_force(on):
            leads[Cell(duty.product_class, duty.link)].add((duty.scope, duty.office_code))
    found: list[Overlap] = []
    for cell, pairs in leads.items():
        everywhere = {office for scope, office in pairs if not scope}
        named = {scope for scope, _ in pairs if scope}
        if len(everywhere) > 1:
            found.append(Overlap(cell, "", tuple(sorted(everywhere))))
        for scope in named:
            here = {office for s, office in pairs if s == scope}
            if len(here | everywhere) > 1:
                found.append(Overlap(cell, scope, tuple(sorted(here | everywhere))))
    return tuple(sorted(found))


def route(duties: Iterable[Duty], product_class: str, link: Link, on: date, scope: str = "") -> Route:
    """The office or offices that lead a product class in a link on `on`, or the reason why there is none.

    With `scope`, only duties for that level (or every level) count.

    >>> duty = Duty("food_drug", "food", Link.USE, valid_to=date(2018, 12, 31))
    >>> route([duty], "food", Link.USE, date(2018, 6, 1)).lead
    ('food_drug',)
    >>> route([duty], "food", Link.USE, date(2019, 6, 1)).reason.code
    'responsibility.ended'
    """
    cell = [d for d in duties if (d.product_class, d.link) == (product_class, Link(link)) and _at(d, scope)]
    now = [d for d in cell if d.in_force(on)]
    lead = tuple(sorted({d.office_code for d in now if d.lead}))
    joint = tuple(sorted({d.office_code for d in now} - set(lead)))
    word = f"responsibility.{Link(link)}"
    said: dict[str, Param] = {"product": product_class, "on": str(on), "link": say(word), "link_en": say(word, "en")}
    if lead:
        code = "responsibility.one_leads" if len(lead) == 1 else "responsibility.several_lead"
        return Route(lead, joint, Reason(code, said | {"offices": ", ".join(lead)}))
    if joint:
        return Route((), joint, Reason("responsibility.only_joint", said | {"offices": ", ".join(joint)}))
    ended = [(d.valid_to, d.office_code) for d in cell if d.lead and d.valid_to is not None and d.valid_to < on]
    if ended:
        day, office = max(ended)
        return Route((), (), Reason("responsibility.ended", said | {"office": office, "day": str(day)}))
    coming = [(d.valid_from, d.office_code) for d in cell if d.lead and d.valid_from is not None and on < d.valid_from]
    if coming:
        day, office = min(coming)
        return Route((), (), Reason("responsibility.not_yet", said | {"office": office, "day": str(day)}))
    return Route((), (), Reason("responsibility.nobody", said))


def _at(duty: Duty, scope: str) -> bool:
    return not scope or duty.scope in ("", scope)
