"""Targets, inspectors, teams; and the places of all teams as numbers, which the start and the chain compute with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from zhunsheng.engine.public_log import Json, canonical
from zhunsheng.engine.suites import SHA256, Suite


@dataclass(frozen=True, slots=True)
class Target:
    """A drawn unit to be visited.

    speciality: what the lead must be qualified for: codes in ascending order joined by '+'; "" = nothing in particular.
    """

    id: str
    speciality: str = ""

    @property
    def needs(self) -> frozenset[str]:
        """The codes of the speciality; the lead holds all of them."""
        return frozenset(self.speciality.split("+")) if self.speciality else frozenset()


@dataclass(frozen=True, slots=True)
class Inspector:
    """An inspector of the directory 检查人员名录库, by person number only.

    certificate_to: last day on which the 执法证 is valid. leave: (first, last) days, both inclusive.
    forbidden: (unit id, code): units this person may not visit, and why, by a code of the table draw/forbidden.
    least, most: visits this person is to make in this draw, as lead or not. None = no limit.
    """

    number: str
    certificate_to: date
    specialities: frozenset[str] = frozenset()
    leave: tuple[tuple[date, date], ...] = ()
    forbidden: tuple[tuple[str, str], ...] = ()
    least: int = 0
    most: int | None = None

    def available(self, on: date) -> bool:
        """Whether the certificate is valid and no leave covers the day."""
        return on <= self.certificate_to and not any(first <= on <= last for first, last in self.leave)


def directory_hash(inspectors: Iterable[Inspector], suite: Suite = SHA256) -> str:
    """What the announcement commits to of the directory 检查人员名录库: everyone who will be in the constraints, and what
    does not change with the list of targets.

    H(canonical JSON of [[number, certificate_to, [specialities ascending]] …] ascending by number).
    """
    rows: list[Json] = [
        [person.number, person.certificate_to.isoformat(), sorted(person.specialities)]
        for person in sorted(inspectors, key=lambda person: person.number)
    ]
    return suite.hex(canonical(rows))


@dataclass(frozen=True, slots=True)
class Team:
    """Who visits a target: the lead, and the other members ascending by number."""

    target: str
    lead: str
    others: tuple[str, ...]

    @property
    def members(self) -> tuple[str, ...]:
        """The lead first, then the others."""
        return (self.lead, *self.others)

    def as_json(self) -> dict[str, Json]:
        """The team as it stands in the bundle."""
        return {"id": self.target, "lead": self.lead, "others": list(self.others)}


def load_of(teams: Sequence[Team]) -> dict[str, int]:
    """Person number → number of visits, lead or other, for those who have any."""
    return dict(sorted(Counter(number for team in teams for number in team.members).items()))


@dataclass(frozen=True, slots=True)
class Places:
    """All places of all teams, numbered: place = index of the target × size + place in the team, lead = 0.

    ids, numbers: targets ascending by id, inspectors ascending by number; further down they are indices into these.
    may[place]: the inspectors who may take it, as the bits of a whole number. least, most: visits of each inspector.
    """

    ids: tuple[str, ...]
    numbers: tuple[str, ...]
    size: int
    may: tuple[int, ...]
    least: tuple[int, ...]
    most: tuple[int, ...]

    def teams(self, person: Sequence[int]) -> tuple[Team, ...]:
        """The teams where place k is taken by inspector person[k]."""
        made = []
        for index, unit_id in enumerate(self.ids):
            lead, *others = person[index * self.size : (index + 1) * self.size]
            made.append(Team(unit_id, self.numbers[lead], tuple(sorted(self.numbers[one] for one in others))))
        return tuple(made)

    def persons(self, teams: Sequence[Team]) -> list[int]:
        """Who takes each place: the lead first, then the others in the order written."""
        index = {number: one for one, number in enumerate(self.numbers)}
        return [index[number] for team in teams for number in team.members]


def places_of(targets: Sequence[Target], inspectors: Sequence[Inspector], on: date, size: int) -> Places:
    """The places of targets and inspectors, whatever order they come in.

    A place may be taken by who is available on the day and not forbidden the unit; a lead holds the speciality too.
    """
    wanted = sorted(targets, key=lambda target: target.id)
    people = sorted(inspectors, key=lambda inspector: inspector.number)
    present = 0
    barred: dict[str, int] = {}
    holders: dict[frozenset[str], int] = {frozenset(): -1}
    for bit, person in enumerate(people):
        present |= person.available(on) << bit
        for unit_id in {unit_id for unit_id, _ in person.forbidden}:
            barred[unit_id] = barred.get(unit_id, 0) | 1 << bit
    may: list[int] = []
    for target in wanted:
        needs = target.needs
        if needs not in holders:
            holders[needs] = sum(1 << bit for bit, person in enumerate(people) if needs <= person.specialities)
        anyone = present & ~barred.get(target.id, 0)
        may += [anyone & holders[needs], *[anyone] * (size - 1)]
    return Places(
        tuple(target.id for target in wanted),
        tuple(person.number for person in people),
        size,
        tuple(may),
        tuple(person.least for person in people),
        tuple(len(wanted) if person.most is None else person.most for person in people),
    )


def bits(mask: int) -> Iterator[int]:
    """The positions of the bits that are set, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def shown(names: Sequence[str], most: int = 5) -> str:
    """A few of the names, for a sentence."""
    return " ".join(names[:most]) + (" …" if len(names) > most else "")
