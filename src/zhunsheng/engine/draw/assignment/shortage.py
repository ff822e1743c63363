"""Whether there are enough inspectors, said before any seed exists; and bounds that would be enough."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

from zhunsheng.engine import tables
from zhunsheng.engine.draw.assignment.flow import Filling, Solved, solve
from zhunsheng.engine.draw.assignment.people import Inspector, Places, Target, bits, places_of, shown
from zhunsheng.engine.draw.fields import day, text
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.words import Param, Reason

MAX_TEAM = 20
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")
MAX_PLACES = 500_000
MAX_PAIRS = 100_000_000  # targets × inspectors


@dataclass(frozen=True, slots=True)
class Parameters:
    """The numbers of the table draw/assignment on a day.

    steps_per_slot: steps of the chain for each place. load_slack: visits by which bounds are wider than an equal share.
    rotation_visits: how many latest visits of a unit are looked at; who was on each of them does not go again.
    """

    steps_per_slot: int
    load_slack: int
    rotation_visits: int


def parameters(on: date) -> Parameters:
    """The parameters in force on a day. Raises TableError where the table has none."""
    table = tables.load("draw/assignment")

    def number(code: str) -> int:
        return table.find(on, code=code).integer("value")

    return Parameters(number("steps_per_slot"), number("load_slack"), number("rotation_visits"))


def check_people(targets: Sequence[Target], inspectors: Sequence[Inspector], team_size: int) -> None:
    """Refuses lists with mistakes: a team of fewer than two or too many, an id or number twice, a number with '|',
    a speciality or a code that is not well written, a least above a most, and lists too long to compute with."""
    if team_size < 2:
        raise DrawError("draw.assign.team_too_small", team_size=team_size)
    if team_size > MAX_TEAM or len(targets) * team_size > MAX_PLACES:
        raise DrawError("draw.assign.too_many_places", team=MAX_TEAM, limit=MAX_PLACES)
    if len(targets) * len(inspectors) > MAX_PAIRS:
        raise DrawError("draw.assign.too_many_pairs", targets=len(targets), inspectors=len(inspectors), limit=MAX_PAIRS)
    for target_id, count in Counter(target.id for target in targets).items():
        _word(target_id, "assign.targets")
        if count > 1:
            raise DrawError("draw.assign.target_twice", id=target_id)
    for speciality in {target.speciality for target in targets} - {""}:
        codes = [_word(code, "assign.targets.speciality") for code in speciality.split("+")]
        if any(after <= before for before, after in pairwise(codes)):
            raise DrawError("draw.assign.bad_speciality", speciality=speciality)
    for number, count in Counter(inspector.number for inspector in inspectors).items():
        _word(number, "assign.inspectors")
        if count > 1:
            raise DrawError("draw.assign.number_twice", number=number)
    for person in inspectors:
        day(person.certificate_to.isoformat(), f"assign.{person.number}.certificate_to")
        for unit_id, code in person.forbidden:
            _word(unit_id, f"assign.{person.number}.forbidden")
            if not _CODE.fullmatch(code):
                raise DrawError("draw.assign.bad_code", number=person.number, code=code[:80])
        if person.least < 0 or (person.most is not None and person.most < person.least):
            raise DrawError("draw.assign.bad_bounds", number=person.number, least=person.least, most=str(person.most))


def _word(value: str, at: str) -> str:
    """Text that can stand in a hashed text."""
    if "|" in text(value, at):
        raise DrawError("draw.assign.bad_word", at=at, value=value[:80])
    return value


def feasible(
    targets: Sequence[Target], inspectors: Sequence[Inspector], *, on: date, team_size: int = 2
) -> tuple[Reason, ...]:
    """What is short, in words, before any seed is known; empty exactly when every constraint can be met at once.

    First each target alone: a lead with the speciality, and enough persons. If nothing is short there, then all
    together within the bounds of visits: by a maximum flow, whose cut is the shortage in the sense of Hall (1935): a
    set of places and all their candidates. Raises DrawError for lists with mistakes (see `check_people`).
    """
    check_people(targets, inspectors, team_size)
    places = places_of(targets, inspectors, on, team_size)
    return shortages(targets, places, solve(places))


def shortages(targets: Sequence[Target], places: Places, solved: Solved) -> tuple[Reason, ...]:
    """The reasons why there is no start; empty when there is one."""
    if solved.ok:
        return ()
    wanted = sorted(targets, key=lambda target: target.id)
    return tuple(_alone(wanted, places) or [*_least(places, solved), *_together(wanted, places, solved)])


def _alone(wanted: Sequence[Target], places: Places) -> list[Reason]:
    """Targets that could not get a team even if they were the only one."""
    size = places.size
    without_lead: dict[str, list[str]] = {}
    without_team: list[str] = []
    for index, target in enumerate(wanted):
        leads, anyone = places.may[index * size], places.may[index * size + 1]
        if not leads:
            without_lead.setdefault(target.speciality, []).append(target.id)
        if anyone.bit_count() < size:
            without_team.append(target.id)
    total = Counter(target.speciality for target in wanted)
    reasons = []
    for speciality, missing in sorted(without_lead.items()):
        said: dict[str, Param] = {
            "covered": total[speciality] - len(missing),
            "total": total[speciality],
            "units": shown(missing),
        }
        if speciality:
            reasons.append(Reason("draw.assign.leads_short", {"speciality": speciality, **said}))
        else:
            reasons.append(Reason("draw.assign.anyone_short", said))
    if without_team:
        said = {"covered": len(wanted) - len(without_team), "total": len(wanted), "units": shown(without_team)}
        reasons.append(Reason("draw.assign.teams_short", {"team_size": size, **said}))
    return reasons


def _least(places: Places, solved: Solved) -> list[Reason]:
    if (over := solved.overfull) is None:
        return []
    numbers = [places.numbers[one] for one in bits(over.persons) if places.least[one]]
    said: dict[str, Param] = {"numbers": shown(numbers), "least": over.least, "able": over.able}
    return [Reason("draw.assign.least_short", said)]


def _together(wanted: Sequence[Target], places: Places, solved: Solved) -> list[Reason]:
    """What is short within the limits: leads of one speciality, or persons for the places of a cut, or persons at all."""
    blocked = solved.blocked
    if not blocked.empty:
        return []
    reasons: list[Reason] = []
    for speciality in sorted({target.speciality for target in wanted} - {""}):
        ids = [index for index, target in enumerate(wanted) if target.speciality == speciality]
        leads = Places(
            tuple(wanted[index].id for index in ids),
            places.numbers,
            1,
            tuple(places.may[index * places.size] for index in ids),
            places.least,
            places.most,
        )
        short = len(Filling(leads).fill(places.most).empty)
        if short:
            said: dict[str, Param] = {"speciality": speciality, "covered": len(ids) - short, "total": len(ids)}
            reasons.append(Reason("draw.assign.leads_limit", said))
    if reasons:
        return reasons
    total, short = len(places.may), len(blocked.empty)
    reasons.append(Reason("draw.assign.visits_limit", {"able": total - short, "total": total}))
    if len(blocked.places) < total:
        units = list(dict.fromkeys(wanted[place // places.size].id for place in sorted(blocked.places)))
        said = {
            "places": len(blocked.places),
            "targets": len(units),
            "able": len(blocked.places) - short,
            "units": shown(units),
            "numbers": shown([places.numbers[one] for one in bits(blocked.persons)]),
        }
        reasons.append(Reason("draw.assign.cut", said))
    return reasons


@dataclass(frozen=True, slots=True)
class Suggestion:
    """How much wider the bounds would have to be, for everybody alike: least smaller by `lower`, most larger by `upper`.

    0, 0: they are wide enough. inspectors: with those bounds; publish them, or do not: they are never widened silently.
    """

    lower: int
    upper: int
    inspectors: tuple[Inspector, ...]


def suggest_bounds(
    targets: Sequence[Target], inspectors: Sequence[Inspector], *, on: date, team_size: int = 2
) -> Suggestion | None:
    """The smallest widening of the bounds with which an assignment exists; None where no bounds would help.

    The two numbers do not depend on each other: an assignment exists exactly when one has every least and one fills
    every place within every most.
    """
    check_people(targets, inspectors, team_size)
    places = places_of(targets, inspectors, on, team_size)
    total = len(places.ids)

    def reaches_least(by: int) -> bool:
        filling, least = Filling(places), [max(0, least - by) for least in places.least]
        filling.fill(least)
        return filling.load == least

    def fills(by: int) -> bool:
        return not Filling(places).fill([most + by for most in places.most]).empty

    if not fills(total):
        return None
    lower, upper = _smallest(reaches_least, max(places.least, default=0)), _smallest(fills, total)
    wider = tuple(
        replace(
            person,
            least=max(0, person.least - lower),
            most=None if person.most is None else min(total, person.most + upper),
        )
        for person in inspectors
    )
    return Suggestion(lower, upper, wider)


def _smallest(holds: Callable[[int], bool], most: int) -> int:
    """The smallest number from 0 to `most` for which it holds, known to hold at `most` and above every one it holds at."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high


def load_bounds(
    targets: Sequence[Target],
    inspectors: Sequence[Inspector],
    *,
    on: date,
    team_size: int = 2,
    slack: int | None = None,
    days: Sequence[date] = (),
) -> tuple[Inspector, ...]:
    """The inspectors with bounds that follow from their part of the days: the default before anything is published.

    share = places × days present / days present of all; least = floor(share) − slack, not below 0; most = ceil(share)
    + slack, not above the number of targets. Who may not go on the day `on` has 0 and 0.

    days: the days on which visits are made, leave and certificates counted on each; empty = only `on`.
    slack: None = of the table draw/assignment.
    """
    slack = parameters(on).load_slack if slack is None else slack
    present = [sum(person.available(day) for day in days or (on,)) * person.available(on) for person in inspectors]
    total, all_days = len(targets) * team_size, sum(present)
    made = []
    for person, here in zip(inspectors, present, strict=True):
        share, rest = divmod(total * here, all_days) if here else (0, 0)
        most = min(len(targets), share + (rest > 0) + slack) if here else 0
        made.append(replace(person, least=min(most, max(0, share - slack)), most=most))
    return tuple(made)
