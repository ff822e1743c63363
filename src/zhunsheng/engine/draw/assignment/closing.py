"""Closing 封定: the constraints as they are published before the second seed exists, with the canonical start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from zhunsheng.engine.draw.assignment.flow import solve
from zhunsheng.engine.draw.assignment.people import Inspector, Places, Target, Team, places_of
from zhunsheng.engine.draw.assignment.shortage import check_people, parameters, shortages
from zhunsheng.engine.draw.fields import (
    FIRST_YEAR,
    LAST_YEAR,
    array,
    day,
    hex64,
    instant,
    instant_text,
    integer,
    obj,
    text,
)
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json, canonical
from zhunsheng.engine.suites import SHA256, Suite

MAX_STEPS = 5_000_000
_AT = "assign_announce"
_FIRST, _LAST = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)  # leave without an end is written up to here


@dataclass(frozen=True, slots=True)
class Constraints:
    """Everything that decides who may go where, closed at `at`: made by `constraints`, read by `read_constraints`.

    on: day for which certificates and leave count. steps: of the chain. targets ascending by id, inspectors by number.
    start: the canonical start, one team a target in the same order. nonce: 64 hexadecimal digits in a sealed draw, else "".
    """

    on: date
    at: datetime
    team_size: int
    steps: int
    targets: tuple[Target, ...]
    inspectors: tuple[Inspector, ...]
    start: tuple[Team, ...]
    nonce: str = ""

    @property
    def places(self) -> Places:
        """All places of all teams as numbers."""
        return places_of(self.targets, self.inspectors, self.on, self.team_size)

    def as_json(self) -> dict[str, Json]:
        """The section `assign_announce` of the bundle."""
        made: dict[str, Json] = {
            "on": self.on.isoformat(),
            "at": instant_text(self.at, f"{_AT}.at"),
            "team_size": self.team_size,
            "steps": self.steps,
            "targets": [{"id": target.id, "speciality": target.speciality} for target in self.targets],
            "inspectors": [
                {
                    "number": person.number,
                    "certificate_to": person.certificate_to.isoformat(),
                    "specialities": sorted(person.specialities),
                    "leave": [[first.isoformat(), last.isoformat()] for first, last in person.leave],
                    "least": person.least,
                    "most": len(self.targets) if person.most is None else person.most,
                    "forbidden": [[unit_id, code] for unit_id, code in person.forbidden],
                }
                for person in self.inspectors
            ],
            "start": [team.as_json() for team in self.start],
        }
        if self.nonce:
            made["nonce"] = self.nonce
        return made


def constraints(
    targets: Iterable[Target],
    inspectors: Iterable[Inspector],
    *,
    on: date,
    at: datetime,
    team_size: int = 2,
    steps_per_slot: int | None = None,
    nonce: str = "",
) -> Constraints:
    """Closes the constraints and computes the canonical start: publish `as_json()`, log its hash, then wait for the seed.

    on: day for which certificates and leave count. at: when they are closed, with a time zone. steps_per_slot: as
    announced; None = of the table draw/assignment. nonce: of a sealed draw.
    Only leave that covers the day and units of these targets are published: nothing else matters here, and nothing
    else is anyone's business.

    Raises DrawError with the first shortage that `feasible` finds; for lists with mistakes; for no targets.
    """
    wanted = tuple(sorted(targets, key=lambda target: target.id))
    people = tuple(sorted(inspectors, key=lambda person: person.number))
    if not wanted:
        raise DrawError("draw.assign.no_targets")
    check_people(wanted, people, team_size)
    ids = {target.id for target in wanted}
    people = tuple(
        replace(
            person,
            leave=tuple(
                sorted({(max(first, _FIRST), min(last, _LAST)) for first, last in person.leave if first <= on <= last})
            ),
            forbidden=tuple(sorted({pair for pair in person.forbidden if pair[0] in ids})),
            most=len(wanted) if person.most is None else person.most,
        )
        for person in people
    )
    steps = (parameters(on).steps_per_slot if steps_per_slot is None else steps_per_slot) * len(wanted) * team_size
    _check_steps(steps)
    start = canonical_start(wanted, people, on=on, team_size=team_size)
    moment = instant(instant_text(at, f"{_AT}.at"), f"{_AT}.at")
    return Constraints(
        on, moment, team_size, steps, wanted, people, start, hex64(nonce, f"{_AT}.nonce") if nonce else ""
    )


def canonical_start(
    targets: Iterable[Target], inspectors: Iterable[Inspector], *, on: date, team_size: int
) -> tuple[Team, ...]:
    """The start that everyone finds, by the rule zhunsheng/assign/1 (see `flow.solve`); one team a target, ascending by id.

    Raises DrawError with the first shortage where there is none.
    """
    wanted = tuple(targets)
    places = places_of(wanted, tuple(inspectors), on, team_size)
    solved = solve(places)
    if short := shortages(wanted, places, solved):
        raise DrawError.of(short[0])
    return places.teams(solved.person)


def constraints_hash(section: Mapping[str, Json], suite: Suite = SHA256) -> str:
    """The hash of the section `assign_announce`, 64 hexadecimal digits: log it before the second seed is known."""
    return suite.hex(canonical(section))


def _check_steps(steps: int) -> None:
    if not 1 <= steps <= MAX_STEPS:
        raise DrawError("draw.assign.bad_steps", steps=steps, limit=MAX_STEPS)


# ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def read_constraints(section: Json) -> Constraints:
    """The constraints from the section `assign_announce`, in its set form and no other; nothing is computed again here.

    Raises DrawError for a field that is missing, unknown or of the wrong kind, lists with mistakes, lists that are not
    in order, or that hold what does not belong there (leave on other days, units not drawn).
    """
    found = obj(section, _AT, {"on", "at", "team_size", "steps", "targets", "inspectors", "start"}, {"nonce"})
    read = Constraints(
        on=day(found["on"], f"{_AT}.on"),
        at=instant(found["at"], f"{_AT}.at"),
        team_size=integer(found["team_size"], f"{_AT}.team_size", 2),
        steps=integer(found["steps"], f"{_AT}.steps", 1),
        targets=tuple(_target(entry, f"{_AT}.targets[{n}]") for n, entry in enumerate(_array(found, "targets"))),
        inspectors=tuple(
            _inspector(entry, f"{_AT}.inspectors[{n}]") for n, entry in enumerate(_array(found, "inspectors"))
        ),
        start=read_teams(found["start"], f"{_AT}.start"),
        nonce=hex64(found["nonce"], f"{_AT}.nonce") if "nonce" in found else "",
    )
    _check_steps(read.steps)
    check_people(read.targets, read.inspectors, read.team_size)
    ids = [target.id for target in read.targets]
    known = set(ids)
    numbers = [person.number for person in read.inspectors]
    normal = ids == sorted(ids) and numbers == sorted(numbers) and bool(ids)
    for person in read.inspectors:
        normal &= list(person.leave) == sorted(set(person.leave))
        normal &= all(first <= read.on <= last for first, last in person.leave)
        normal &= list(person.forbidden) == sorted(set(person.forbidden))
        normal &= all(unit_id in known for unit_id, _ in person.forbidden)
    if not normal or canonical(read.as_json()) != canonical(found):
        raise DrawError("draw.verify.constraints_not_normal")
    return read


def _array(found: Mapping[str, Json], key: str) -> list[Json]:
    return list(array(found[key], f"{_AT}.{key}"))


def _target(value: Json, at: str) -> Target:
    found = obj(value, at, {"id", "speciality"})
    return Target(text(found["id"], f"{at}.id"), text(found["speciality"], f"{at}.speciality", empty=True))


def _inspector(value: Json, at: str) -> Inspector:
    keys = {"number", "certificate_to", "specialities", "leave", "least", "most", "forbidden"}
    found = obj(value, at, keys)
    return Inspector(
        text(found["number"], f"{at}.number"),
        day(found["certificate_to"], f"{at}.certificate_to"),
        frozenset(text(code, f"{at}.specialities") for code in array(found["specialities"], f"{at}.specialities")),
        tuple(
            (day(first, f"{at}.leave"), day(last, f"{at}.leave"))
            for first, last in (_pair(span, f"{at}.leave") for span in array(found["leave"], f"{at}.leave"))
        ),
        tuple(
            (text(unit_id, f"{at}.forbidden"), text(code, f"{at}.forbidden"))
            for unit_id, code in (
                _pair(pair, f"{at}.forbidden") for pair in array(found["forbidden"], f"{at}.forbidden")
            )
        ),
        integer(found["least"], f"{at}.least"),
        integer(found["most"], f"{at}.most"),
    )


def _pair(value: Json, at: str) -> tuple[Json, Json]:
    pair = array(value, at)
    if len(pair) != 2:
        raise DrawError("draw.field.not_pair", at=at)
    return pair[0], pair[1]


def read_teams(value: Json, at: str) -> tuple[Team, ...]:
    """Teams as they stand in the bundle. Raises DrawError for fields that are not as they should be."""
    teams = []
    for number, entry in enumerate(array(value, at)):
        found = obj(entry, f"{at}[{number}]", {"id", "lead", "others"})
        where = f"{at}[{number}]"
        others = tuple(text(one, f"{where}.others") for one in array(found["others"], f"{where}.others"))
        teams.append(Team(text(found["id"], f"{where}.id"), text(found["lead"], f"{where}.lead"), others))
    return tuple(teams)
