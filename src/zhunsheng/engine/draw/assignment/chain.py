"""The swap chain: from the canonical start, a published number of steps that follow from the second seed alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zhunsheng.engine.draw.announce import seed_text_of
from zhunsheng.engine.draw.assignment.closing import Constraints, constraints_hash
from zhunsheng.engine.draw.assignment.people import Places, Team, bits, load_of
from zhunsheng.engine.draw.fields import PROTOCOL, one_line
from zhunsheng.engine.draw.sources import Value
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json
from zhunsheng.engine.suites import SHA256, Suite
from zhunsheng.engine.words import Reason


@dataclass(frozen=True, slots=True)
class Assignment:
    """All teams, ascending by id of the target, with what is needed to compute them again from the constraints.

    values: of the second round of randomness. seed: the second seed. fallback: as in an execution.
    steps, moved: steps of the chain, and how many of them changed something; not published, computed again by anyone.
    """

    constraints_hash: str
    values: tuple[Value, ...]
    seed: str
    teams: tuple[Team, ...]
    steps: int
    moved: int
    fallback: int = 0
    fallback_reason: str = ""

    @property
    def load(self) -> dict[str, int]:
        """Person number → number of visits, lead or other, for those who have any."""
        return load_of(self.teams)

    @property
    def note(self) -> Reason:
        """How much the chain moved, in words; that nothing could move is said loudly."""
        if not self.moved:
            return Reason("draw.assign.fixed")
        return Reason("draw.assign.moved", {"moved": self.moved, "steps": self.steps})

    def as_json(self) -> dict[str, Json]:
        """The section `assign` of the bundle."""
        made: dict[str, Json] = {
            "constraints_hash": self.constraints_hash,
            "values": [value.as_json() for value in self.values],
            "seed": self.seed,
            "teams": [team.as_json() for team in self.teams],
        }
        if self.fallback:
            made["fallback"] = self.fallback
            made["fallback_reason"] = one_line(self.fallback_reason, "assign.fallback_reason")
        return made


def assignment_seed_text(announcement_hash: str, constraints_hash: str, values: Sequence[Value]) -> str:
    """The text whose hash is the second seed.

    "zhunsheng/draw/1/assign|" + announcement hash + "|" + constraints hash + "|" + id "=" value, joined by "|", the
    values of the second round in announced order. Raises DrawError where there is no value.
    """
    if not values:
        raise DrawError("draw.assign.no_values")
    domain = f"{PROTOCOL}/assign|{announcement_hash}"
    return seed_text_of(domain, constraints_hash, [(value.source, value.value) for value in values])


def assignment_seed(
    announcement_hash: str, constraints_hash: str, values: Sequence[Value], *, suite: Suite = SHA256
) -> str:
    """The second seed: the hash of `assignment_seed_text`, 64 hexadecimal digits."""
    return suite.hex(assignment_seed_text(announcement_hash, constraints_hash, values).encode())


def assign(
    constraints: Constraints,
    seed2: str,
    *,
    values: Sequence[Value] = (),
    fallback: int = 0,
    fallback_reason: str = "",
    suite: Suite = SHA256,
) -> Assignment:
    """Gives every target a lead and others, at least two different persons (行政处罚法 2021 art. 42), by the swap chain.

    With S places (see `Places`) and I inspectors ascending by number, step j = 1 … steps takes
    h = hash(seed2 + "|assign|" + j), a = the first 8 bytes mod S, b = the next 8 bytes mod (S + I), both big endian.
    b < S proposes that the persons of places a and b change places; else that inspector b − S takes place a. If the
    result meets every constraint, it is so; otherwise nothing changes. Proposals are symmetric, so over many steps
    every assignment that can be reached is as likely as any other.

    seed2: see `assignment_seed`; values, fallback, fallback_reason are kept with the result.
    """
    places = constraints.places
    person, moved = walk(places, places.persons(constraints.start), seed2, constraints.steps, suite)
    return Assignment(
        constraints_hash(constraints.as_json(), suite),
        tuple(values),
        seed2,
        places.teams(person),
        constraints.steps,
        moved,
        fallback,
        fallback_reason,
    )


def walk(places: Places, start: Sequence[int], seed2: str, steps: int, suite: Suite = SHA256) -> tuple[list[int], int]:
    """The chain on places as numbers: who takes each place after `steps` steps, and how many steps changed a team.

    start[place]: an inspector for each place, meeting every constraint.
    """
    size, may, least, most = places.size, places.may, places.least, places.most
    total, choices = len(may), len(may) + len(places.numbers)
    person = list(start)
    load = [0] * len(places.numbers)
    team = [0] * len(places.ids)
    for place, one in enumerate(person):
        load[one] += 1
        team[place // size] |= 1 << one
    hashed, prefix = suite.start, f"{seed2}|assign|".encode()
    moved = 0
    for step in range(1, steps + 1):
        h = hashed(prefix + b"%d" % step).digest()
        a = int.from_bytes(h[:8], "big") % total
        b = int.from_bytes(h[8:16], "big") % choices
        one, at = person[a], a // size
        if b < total:
            two, to = person[b], b // size
            if one == two or not may[a] >> two & 1 or not may[b] >> one & 1:
                continue
            if at != to:
                if team[at] >> two & 1 or team[to] >> one & 1:
                    continue
                both = 1 << one | 1 << two
                team[at] ^= both
                team[to] ^= both
            elif a % size and b % size:
                moved -= 1  # two others of one team: the team stays as it was
            person[a], person[b] = two, one
        else:
            two = b - total
            if team[at] >> two & 1 or not may[a] >> two & 1 or load[two] >= most[two] or load[one] <= least[one]:
                continue
            team[at] ^= 1 << one | 1 << two
            load[one] -= 1
            load[two] += 1
            person[a] = two
        moved += 1
    return person, moved


def can_move(constraints: Constraints) -> bool:
    """Whether any step from the start can change a team. If not, the teams are fixed before the second seed exists:
    then say so, and widen the bounds or bring in more inspectors."""
    places = constraints.places
    size, may = places.size, places.may
    person = places.persons(constraints.start)
    held: list[list[int]] = [[] for _ in places.numbers]
    team = [0] * len(places.ids)
    for place, one in enumerate(person):
        held[one].append(place)
        team[place // size] |= 1 << one
    spare = sum(1 << one for one, its in enumerate(held) if len(its) < places.most[one])
    for place, one in enumerate(person):
        here = place // size
        open_to = may[place] & ~team[here]
        if open_to & spare and len(held[one]) > places.least[one]:
            return True
        if any(
            may[other] >> one & 1 and not team[other // size] >> one & 1 for two in bits(open_to) for other in held[two]
        ):
            return True
        lead = place - place % size
        if place != lead and may[lead] >> one & 1:  # who leads here may also be one of the others
            return True
    return False
