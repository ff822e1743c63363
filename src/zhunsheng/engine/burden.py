"""The burden of inspection on one firm 涉企检查负担: visits, hours and papers asked for, of all departments together.

国办发〔2024〕54号 asks for a yearly limit of visits to one firm, published beforehand, for joint visits instead of
several, and that no paper is asked for twice. A visit of several departments is one visit. A visit for a cause
(complaint, accident, order from above) does not count against the limit, but is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from zhunsheng.engine import tables
from zhunsheng.engine.errors import BurdenError
from zhunsheng.engine.words import Reason

Level = Literal["free", "near", "reached", "over"]


@dataclass(frozen=True, slots=True)
class Visited:
    """One visit. offices: all that took part. minutes: on site, None where it was not noted. for_cause: outside the limit."""

    on: date
    offices: tuple[str, ...]
    minutes: int | None = None
    for_cause: bool = False


@dataclass(frozen=True, slots=True)
class Requested:
    """A paper asked for: its kind is a code of the table `inspection/documents`."""

    on: date
    office: str
    kind: str


@dataclass(frozen=True, slots=True)
class Needless:
    """A request that need not have been made, and why: asked before and still valid, or held by the city anyway."""

    request: Requested
    reason: Reason
    earlier: Requested | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    """The burden of one calendar year.

    counted: visits that count against `cap`; for_cause: those that do not. minutes: on site, of the `timed` visits whose
    time was noted. offices: office → visits it took part in. requests: all papers asked for. needless: those that need not have been.
    """

    year: int
    cap: int
    counted: int
    for_cause: int
    minutes: int
    timed: int
    offices: Mapping[str, int]
    requests: int
    needless: tuple[Needless, ...]

    @property
    def left(self) -> int:
        """Visits that may still be made this year, never below 0."""
        return max(0, self.cap - self.counted)

    @property
    def level(self) -> Level:
        """See `level_of`."""
        return level_of(self.counted, self.cap)


def level_of(counted: int, cap: int) -> Level:
    """free; near: one visit is left; reached: none is; over: the limit was broken."""
    if counted > cap:
        return "over"
    left = cap - counted
    return ("reached", "near")[left] if left < 2 else "free"


def yearly_cap(on: date, scheme: str = "default") -> int:
    """How many routine visits a firm may have in the year of that day, all departments together.

    One limit for all firms: a limit by credit class would tell the class, which is internal (国市监信发〔2022〕6号).
    Raises TableError where the scheme has no row in force.
    """
    return tables.load("inspection/burden").find(on, scheme=scheme).integer("visits_per_year")


def meter(visits: Iterable[Visited], requests: Iterable[Requested], *, year: int, cap: int) -> Meter:
    """What one firm bore in the calendar year.

    Visits of other years are left out. Requests of the years before are needed too: a paper asked for in November is
    still valid in March. Raises BurdenError for a limit below 1, a negative time, or a kind of paper that is not in
    the table on the day it was asked for.
    """
    if cap < 1:
        raise BurdenError("burden.bad_cap", cap=cap)
    counted = for_cause = minutes = timed = 0
    offices: Counter[str] = Counter()
    for visit in visits:
        if visit.on.year != year:
            continue
        offices.update(set(visit.offices))
        for_cause += visit.for_cause
        counted += not visit.for_cause
        if visit.minutes is not None:
            if visit.minutes < 0:
                raise BurdenError("burden.bad_time", minutes=visit.minutes)
            minutes, timed = minutes + visit.minutes, timed + 1
    asked = sorted(requests, key=lambda one: (one.on, one.office, one.kind))
    return Meter(
        year=year,
        cap=cap,
        counted=counted,
        for_cause=for_cause,
        minutes=minutes,
        timed=timed,
        offices=dict(sorted(offices.items())),
        requests=sum(one.on.year == year for one in asked),
        needless=tuple(one for one in _needless(asked) if one.request.on.year == year),
    )


def _needless(asked: Iterable[Requested]) -> Iterable[Needless]:
    table = tables.load("inspection/documents")
    last: dict[str, Requested] = {}
    for request in asked:
        kind = next((row for row in table.valid_on(request.on) if row["code"] == request.kind), None)
        if kind is None:
            raise BurdenError("burden.unknown_kind", kind=request.kind[:40], on=request.on.isoformat())
        earlier = last.get(request.kind)
        if kind["held_by"]:
            said = {
                "kind": kind["name"],
                "kind_en": kind["name_en"],
                "by": kind["held_by"],
                "by_en": kind["held_by_en"],
            }
            yield Needless(request, Reason("burden.held", said))
        elif earlier is not None and months_between(earlier.on, request.on) < kind.integer("valid_months"):
            said = {"kind": kind["name"], "kind_en": kind["name_en"], "on": earlier.on.isoformat()}
            yield Needless(request, Reason("burden.asked_before", said), earlier)
        last[request.kind] = request


def months_between(first: date, last: date) -> int:
    """Whole months from `first` to `last`: 30 November to 28 February is 2."""
    return (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
