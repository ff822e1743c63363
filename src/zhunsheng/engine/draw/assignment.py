"""Assignment 选派: who inspects which drawn unit. Targets in ticket order, the least loaded first, ties by hash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

from zhunsheng.engine.draw.announce import seed, seed_text_of
from zhunsheng.engine.draw.fields import PROTOCOL, array, day, instant, instant_text, integer, obj, text
from zhunsheng.engine.draw.sources import Value
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json, canonical
from zhunsheng.engine.words import Reason

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Target:
    """A drawn unit to be visited. `speciality`: what the lead must be qualified for; "" = any certificate will do."""

    id: str
    ticket: str
    speciality: str = ""


@dataclass(frozen=True, slots=True)
class Inspector:
    """An inspector of the directory 检查人员名录库, by person number only.

    certificate_to: last day on which the 执法证 is valid. leave: (first, last) days, both inclusive.
    recusals: ids of units from which this person is recused 回避, by own statement or by decision.
    """

    number: str
    certificate_to: date
    specialities: frozenset[str] = frozenset()
    leave: tuple[tuple[date, date], ...] = ()
    recusals: frozenset[str] = frozenset()

    def available(self, on: date) -> bool:
        """Whether the certificate is valid and no leave covers the day."""
        return on <= self.certificate_to and not any(first <= on <= last for first, last in self.leave)


@dataclass(frozen=True, slots=True)
class Team:
    """Who visits a target: the lead, and the other members in the order chosen."""

    target: str
    lead: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """All teams in ticket order, with everything needed to compute them again.

    constraints: as `constraints` made them, fixed and published at their `at` before the second seed was known.
    values: of the second round of randomness; empty where the announcement has none. seed: the second seed.
    """

    constraints: Mapping[str, Json]
    values: tuple[Value, ...]
    seed: str
    teams: tuple[Team, ...]

    @property
    def load(self) -> dict[str, int]:
        """Person number → number of visits, lead or other, for those who have any."""
        return dict(sorted(Counter(n for team in self.teams for n in (team.lead, *team.others)).items()))

    def as_json(self) -> dict[str, Json]:
        """The assignment as it stands in the bundle."""
        return {
            "constraints": self.constraints,
            "constraints_hash": constraints_hash(self.constraints),
            "values": [value.as_json() for value in self.values],
            "seed": self.seed,
            "teams": [{"id": t.target, "lead": t.lead, "others": list(t.others)} for t in self.teams],
        }


def feasible(
    targets: Sequence[Target], inspectors: Sequence[Inspector], *, on: date, team_size: int = 2
) -> tuple[Reason, ...]:
    """What is short, in words, before any seed is known; empty when every target can get a team.

    A target can get a team if it has a qualified lead and, with the lead, at least `team_size` persons: available on
    the day and not recused from it. Nobody's load has an upper bound, so nothing else can fail.
    Reasons: leads that cover too few targets, one for each speciality; persons that make too few teams.
    """
    without_lead: dict[str, list[str]] = {}
    without_team: list[str] = []
    people = [inspector for inspector in inspectors if inspector.available(on)]
    for target in sorted(targets, key=lambda target: target.id):
        present = [inspector for inspector in people if target.id not in inspector.recusals]
        if not any(_may_lead(inspector, target) for inspector in present):
            without_lead.setdefault(target.speciality, []).append(target.id)
        if len(present) < team_size:
            without_team.append(target.id)
    wanted = Counter(target.speciality for target in targets)
    reasons = [
        Reason(
            "draw.assign.leads_short" if speciality else "draw.assign.anyone_short",
            {
                "speciality": speciality,
                "covered": wanted[speciality] - len(missing),
                "total": wanted[speciality],
                "units": _shown(missing),
            },
        )
        for speciality, missing in sorted(without_lead.items())
    ]
    if without_team:
        reasons.append(
            Reason(
                "draw.assign.teams_short",
                {
                    "covered": len(targets) - len(without_team),
                    "total": len(targets),
                    "team_size": team_size,
                    "units": _shown(without_team),
                },
            )
        )
    return tuple(reasons)


def _shown(ids: Sequence[str]) -> str:
    return " ".join(ids[:_SHOWN]) + (" …" if len(ids) > _SHOWN else "")


def _may_lead(inspector: Inspector, target: Target) -> bool:
    return not target.speciality or target.speciality in inspector.specialities


def constraints(
    targets: Iterable[Target], inspectors: Iterable[Inspector], *, on: date, at: datetime, team_size: int = 2
) -> dict[str, Json]:
    """The constraints as published before the second seed: everything that decides who may go where.

    on: day for which certificates and leave are looked at. at: when the constraints were fixed.
    Sorted by id and by number. Only leave that covers the day and recusals against these targets are published:
    nothing else matters here, and nothing else is anyone's business.
    """
    wanted = sorted(targets, key=lambda target: target.id)
    ids = {target.id for target in wanted}
    return {
        "on": on.isoformat(),
        "at": instant_text(at, "assign.at"),
        "team_size": team_size,
        "targets": [{"id": target.id, "speciality": target.speciality} for target in wanted],
        "inspectors": [
            {
                "number": person.number,
                "certificate_to": person.certificate_to.isoformat(),
                "specialities": sorted(person.specialities),
                "leave": [[a.isoformat(), b.isoformat()] for a, b in sorted(person.leave) if a <= on <= b],
                "recusals": sorted(person.recusals & ids),
            }
            for person in sorted(inspectors, key=lambda person: person.number)
        ],
    }


def constraints_hash(constraints: Mapping[str, Json]) -> str:
    """SHA-256 of the constraints' canonical JSON, 64 hexadecimal digits: log it before the second seed is known."""
    return sha256(canonical(constraints)).hexdigest()


def assignment_seed(announcement_hash: str, constraints_hash: str, first_seed: str, values: Sequence[Value]) -> str:
    """The second seed.

    sha256hex("zhunsheng/draw/1/assign|" + announcement hash + "|" + constraints hash + "|" + rest), where rest is
    source id "=" value joined by "|" for the values of the second round in announced order, or the first seed where
    the announcement names no second round.
    """
    domain = f"{PROTOCOL}/assign|{announcement_hash}"
    if values:
        return seed(seed_text_of(domain, constraints_hash, [(value.source, value.value) for value in values]))
    return seed(f"{domain}|{constraints_hash}|{first_seed}")


def assign(
    targets: Sequence[Target],
    inspectors: Sequence[Inspector],
    seed2: str,
    *,
    on: date,
    at: datetime,
    team_size: int = 2,
    values: Sequence[Value] = (),
) -> Assignment:
    """Gives every target a lead and others, at least two different persons (行政处罚法 2021 art. 42).

    Targets are taken in ascending order of (ticket, id). Persons who may go: certificate valid on the day, not on
    leave, not recused. The lead is, of those who hold the target's speciality, the one with the smallest
    (visits so far, sha256hex(seed2 + "|assign|" + target id + "|" + number), number); the others are chosen in the
    same way, one after another, of all who may go and are not yet in the team.

    seed2: see `assignment_seed`; at, values: as in `constraints` and `Assignment`.

    Raises DrawError with the first shortage that `feasible` finds, for a team of fewer than two, for a target or
    number that stands twice, for a number with '|' in it.
    """
    _check_people(targets, inspectors, team_size)
    if shortages := feasible(targets, inspectors, on=on, team_size=team_size):
        raise DrawError.of(shortages[0])
    people = [inspector for inspector in inspectors if inspector.available(on)]
    load: Counter[str] = Counter()
    teams: list[Team] = []
    for target in sorted(targets, key=lambda target: (target.ticket, target.id)):
        free = [inspector for inspector in people if target.id not in inspector.recusals]
        leads = [inspector for inspector in free if _may_lead(inspector, target)]
        members: list[str] = []
        for candidates in (leads, *[free] * (team_size - 1)):
            number = _next(candidates, members, load, f"{seed2}|assign|{target.id}|")
            members.append(number)
            load[number] += 1
        teams.append(Team(target.id, members[0], tuple(members[1:])))
    fixed = constraints(targets, inspectors, on=on, at=at, team_size=team_size)
    return Assignment(fixed, tuple(values), seed2, tuple(teams))


def _next(candidates: Sequence[Inspector], taken: Sequence[str], load: Mapping[str, int], prefix: str) -> str:
    numbers = [inspector.number for inspector in candidates if inspector.number not in taken]
    least = min(load.get(number, 0) for number in numbers)
    return min(
        (sha256(f"{prefix}{number}".encode()).hexdigest(), number) for number in numbers if load.get(number, 0) == least
    )[1]


def _check_people(targets: Sequence[Target], inspectors: Sequence[Inspector], team_size: int) -> None:
    if team_size < 2:
        raise DrawError("draw.assign.team_too_small", team_size=team_size)
    for target_id, count in Counter(target.id for target in targets).items():
        if count > 1:
            raise DrawError("draw.assign.target_twice", id=target_id)
    for number, count in Counter(inspector.number for inspector in inspectors).items():
        text(number, "assign.inspectors")
        if "|" in number:
            raise DrawError("draw.assign.bad_number", number=number)
        if count > 1:
            raise DrawError("draw.assign.number_twice", number=number)


def read_constraints(
    value: Json, tickets: Mapping[str, str]
) -> tuple[tuple[Target, ...], tuple[Inspector, ...], date, datetime, int]:
    """Targets, inspectors, day, moment and team size from published constraints.

    tickets: id → ticket of the drawn units; the targets must be exactly these.
    """
    at = "assign.constraints"
    found = obj(value, at, {"on", "at", "team_size", "targets", "inspectors"})
    targets: list[Target] = []
    for entry in array(found["targets"], f"{at}.targets"):
        target = obj(entry, f"{at}.targets", {"id", "speciality"})
        unit_id = text(target["id"], f"{at}.targets.id")
        if unit_id not in tickets:
            raise DrawError("draw.assign.not_drawn", id=unit_id)
        targets.append(Target(unit_id, tickets[unit_id], text(target["speciality"], f"{at}.{unit_id}", empty=True)))
    for unit_id in sorted(tickets.keys() - {target.id for target in targets}):
        raise DrawError("draw.assign.left_out", id=unit_id)
    inspectors: list[Inspector] = []
    for entry in array(found["inspectors"], f"{at}.inspectors"):
        person = obj(entry, f"{at}.inspectors", {"number", "certificate_to", "specialities", "leave", "recusals"})
        number = text(person["number"], f"{at}.inspectors.number")
        inspectors.append(
            Inspector(
                number,
                day(person["certificate_to"], f"{at}.{number}.certificate_to"),
                _texts(person["specialities"], f"{at}.{number}.specialities"),
                tuple(_days(span, f"{at}.{number}.leave") for span in array(person["leave"], f"{at}.{number}.leave")),
                _texts(person["recusals"], f"{at}.{number}.recusals"),
            )
        )
    team_size = integer(found["team_size"], f"{at}.team_size", 2)
    return tuple(targets), tuple(inspectors), day(found["on"], f"{at}.on"), instant(found["at"], f"{at}.at"), team_size


def _texts(value: Json, at: str) -> frozenset[str]:
    return frozenset(text(item, at) for item in array(value, at))


def _days(value: Json, at: str) -> tuple[date, date]:
    span = array(value, at)
    if len(span) != 2:
        raise DrawError("draw.field.not_date", at=at)
    return day(span[0], at), day(span[1], at)
