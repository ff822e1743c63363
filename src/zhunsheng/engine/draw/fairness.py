"""Fairness of an assignment: what each inspector got, what each could have got, and how near to uniform the chain is.

The seed is used once, so nobody sees from the outcome whether it was fair. Run again on seeds that nobody chose, the
chain shows the chances it gave. Everything here is computed again by anyone from the published constraints.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import exp, floor, lgamma, log, log1p

from zhunsheng.engine.draw.assignment import Constraints, Places, Team, walk
from zhunsheng.engine.draw.assignment.people import bits
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.suites import SHA256, Suite

MAX_RUNS = 100_000


@dataclass(frozen=True, slots=True)
class Part:
    """What one inspector got in a draw.

    least, most: the published bounds of visits. visits: as lead or not; leads: of these as lead.
    divisions: division code → visits there. open_to: targets that this person might have visited.
    forbidden: targets of this draw that this person may not visit, by code of the reason.
    """

    number: str
    least: int
    most: int
    visits: int
    leads: int
    divisions: Mapping[str, int]
    open_to: int
    forbidden: Mapping[str, int]

    @property
    def lead_share(self) -> Fraction:
        """Leads of visits; 0 where there are no visits."""
        return Fraction(self.leads, self.visits) if self.visits else Fraction(0)

    @property
    def widest(self) -> Fraction:
        """The largest share of the visits that lies in one division: 1 = all in one place."""
        return Fraction(max(self.divisions.values(), default=0), self.visits) if self.visits else Fraction(0)


def parts(constraints: Constraints, teams: Sequence[Team], divisions: Mapping[str, str]) -> tuple[Part, ...]:
    """One part for each inspector of the constraints, ascending by number.

    teams: as assigned, or as they stand after changes. divisions: unit id → division code; a unit without one counts
    under "". Raises DrawError for a team whose target or member is not in the constraints.
    """
    places = constraints.places
    ids, numbers = set(places.ids), set(places.numbers)
    visits: Counter[str] = Counter()
    leads: Counter[str] = Counter()
    where: dict[str, Counter[str]] = {number: Counter() for number in places.numbers}
    for team in teams:
        if team.target not in ids:
            raise DrawError("draw.assign.not_drawn", id=team.target)
        leads[team.lead] += 1
        for number in team.members:
            if number not in numbers:
                raise DrawError("draw.fairness.unknown_person", number=number)
            visits[number] += 1
            where[number][divisions.get(team.target, "")] += 1
    anyone = places.may[1 :: places.size]
    open_to = Counter(one for may in anyone for one in bits(may))
    return tuple(
        Part(
            person.number,
            person.least,
            places.most[one],
            visits[person.number],
            leads[person.number],
            dict(sorted(where[person.number].items())),
            open_to[one],
            dict(sorted(Counter(code for _, code in person.forbidden).items())),
        )
        for one, person in enumerate(constraints.inspectors)
    )


def dummy_seed(number: int, suite: Suite = SHA256) -> str:
    """The seed of a run that decides nothing: hash("fairness|" + number), 64 hexadecimal digits."""
    return suite.hex(f"fairness|{number}".encode())


@dataclass(frozen=True, slots=True)
class Chances:
    """Relative frequencies over `runs` runs of the chain on dummy seeds 1 … runs.

    visits, leads: unit id → person number → in how many runs this person was in the team, or led it.
    distance: mean over the targets of the total variation distance between a target's shares and equal shares of all
    who may go there; 0 = equal, 1 = certain. Bounds, specialities and small numbers keep it above 0 even where every
    assignment is equally likely. noise: what it would be by the chance of so many runs alone, were all shares equal.
    still: runs in which no step changed anything.
    """

    runs: int
    visits: Mapping[str, Mapping[str, int]]
    leads: Mapping[str, Mapping[str, int]]
    distance: float
    noise: float
    still: int

    def chance(self, unit_id: str, number: str) -> Fraction:
        """The estimated probability that this person goes to this unit."""
        return Fraction(self.visits.get(unit_id, {}).get(number, 0), self.runs)

    def expected(self) -> dict[str, tuple[Fraction, Fraction]]:
        """Person number → (mean visits, mean leads) a draw, for those who had any; ascending."""
        totals: Counter[str] = Counter()
        led: Counter[str] = Counter()
        for one in self.visits.values():
            totals.update(one)
        for one in self.leads.values():
            led.update(one)
        return {
            number: (Fraction(totals[number], self.runs), Fraction(led[number], self.runs)) for number in sorted(totals)
        }

    def surest(self, count: int = 10) -> tuple[tuple[str, str, Fraction], ...]:
        """The pairs (unit id, person number, probability) that are easiest to foresee, the surest first."""
        every = ((-times, unit_id, number) for unit_id, seen in self.visits.items() for number, times in seen.items())
        return tuple((unit_id, number, Fraction(-times, self.runs)) for times, unit_id, number in sorted(every)[:count])


def chances(constraints: Constraints, runs: int = 200, *, suite: Suite = SHA256) -> Chances:
    """Runs the chain again and again on dummy seeds. One run of 10,000 places takes about a second.

    Raises DrawError for a number of runs outside 1 … 100,000.
    """
    _check_runs(runs)
    places = constraints.places
    size = places.size
    visits: list[Counter[int]] = [Counter() for _ in places.ids]
    leads: list[Counter[int]] = [Counter() for _ in places.ids]
    still = 0
    for person, moved in _runs(constraints, places, runs, suite):
        still += not moved
        for place, one in enumerate(person):
            visits[place // size][one] += 1
            if place % size == 0:
                leads[place // size][one] += 1
    distance = noise = 0.0
    for index, seen in enumerate(visits):
        able = places.may[index * size + 1].bit_count()
        distance += sum(abs(seen[one] / (runs * size) - 1 / able) for one in bits(places.may[index * size + 1])) / 2
        noise += able * _mean_deviation(runs, size / able) / (runs * size) / 2
    count = len(places.ids)

    def named(counters: list[Counter[int]]) -> dict[str, dict[str, int]]:
        return {
            unit_id: {places.numbers[one]: times for one, times in sorted(counter.items())}
            for unit_id, counter in zip(places.ids, counters, strict=True)
        }

    return Chances(runs, named(visits), named(leads), distance / count, noise / count, still)


@dataclass(frozen=True, slots=True)
class Uniformity:
    """How near the chain comes to every assignment being equally likely, where all of them can be written out.

    states: assignments that meet the constraints. reachable: those the chain can reach from the start; fewer than
    states where the constraints are too tight for single replacements and exchanges.
    distance: total variation distance between the frequencies in `runs` runs and 1/states each. noise: the distance to
    be expected from so many runs of a perfectly uniform choice.
    """

    states: int
    reachable: int
    runs: int
    distance: float
    noise: float


def uniformity(
    constraints: Constraints, runs: int = 2000, *, limit: int = 1000, suite: Suite = SHA256
) -> Uniformity | None:
    """Counts every assignment, and runs the chain on dummy seeds. None where there are more than `limit` assignments."""
    _check_runs(runs)
    places = constraints.places
    states: set[tuple[int, ...]] = set()
    for person in _every(places, 200 * limit):
        if person is None or len(states) == limit:
            return None
        states.add(person)
    seen = Counter(_plain(places, person) for person, _ in _runs(constraints, places, runs, suite))
    distance = sum(abs(seen[state] / runs - 1 / len(states)) for state in states) / 2
    noise = len(states) * _mean_deviation(runs, 1 / len(states)) / runs / 2
    reachable = len(_reachable(places, places.persons(constraints.start)))
    return Uniformity(len(states), reachable, runs, distance, noise)


def _check_runs(runs: int) -> None:
    if not 1 <= runs <= MAX_RUNS:
        raise DrawError("draw.fairness.bad_runs", runs=runs, limit=MAX_RUNS)


def _runs(constraints: Constraints, places: Places, runs: int, suite: Suite) -> Iterator[tuple[list[int], int]]:
    start = places.persons(constraints.start)
    for number in range(1, runs + 1):
        yield walk(places, start, dummy_seed(number, suite), constraints.steps, suite)


def _plain(places: Places, person: Sequence[int]) -> tuple[int, ...]:
    """One writing for one assignment: the others of each team ascending."""
    made: list[int] = []
    for first in range(0, len(person), places.size):
        made += [person[first], *sorted(person[first + 1 : first + places.size])]
    return tuple(made)


def _every(places: Places, most_nodes: int) -> Iterator[tuple[int, ...] | None]:
    """Every assignment within the constraints; None and an end where looking for them takes too long."""
    size, count = places.size, len(places.ids)
    load = [0] * len(places.numbers)
    person: list[int] = []
    nodes = 0

    def further(index: int) -> Iterator[tuple[int, ...] | None]:
        nonlocal nodes
        if index == count:
            if all(have >= least for have, least in zip(load, places.least, strict=True)):
                yield tuple(person)
            return
        leads, anyone = places.may[index * size], places.may[index * size + 1]
        for lead in bits(leads):
            for others in combinations([one for one in bits(anyone) if one != lead], size - 1):
                nodes += 1
                if nodes > most_nodes:
                    yield None
                    return
                team = (lead, *others)
                if any(load[one] >= places.most[one] for one in team):
                    continue
                for one in team:
                    load[one] += 1
                person.extend(team)
                yield from further(index + 1)
                del person[-size:]
                for one in team:
                    load[one] -= 1

    return further(0)


def _reachable(places: Places, start: Sequence[int]) -> set[tuple[int, ...]]:
    """Every assignment that steps of the chain lead to from the start."""
    first = _plain(places, start)
    found = {first}
    queue = deque([first])
    while queue:
        for after in _neighbours(places, queue.popleft()):
            if after not in found:
                found.add(after)
                queue.append(after)
    return found


def _neighbours(places: Places, person: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for a in range(len(person)):
        for b in range(a):
            changed = list(person)
            changed[a], changed[b] = person[b], person[a]
            if _holds(places, changed):
                yield _plain(places, changed)
        for one in range(len(places.numbers)):
            changed = list(person)
            changed[a] = one
            if _holds(places, changed):
                yield _plain(places, changed)


def _holds(places: Places, person: Sequence[int]) -> bool:
    load = Counter(person)
    return (
        all(places.may[place] >> one & 1 for place, one in enumerate(person))
        and all(
            len({*person[first : first + places.size]}) == places.size for first in range(0, len(person), places.size)
        )
        and all(
            least <= load[one] <= most for one, (least, most) in enumerate(zip(places.least, places.most, strict=True))
        )
    )


def _mean_deviation(n: int, p: float) -> float:
    """The mean absolute deviation of a binomial count from its mean np, exactly (de Moivre 1730)."""
    if not 0 < p < 1:
        return 0.0
    k = floor(n * p) + 1
    if k > n:
        return 0.0
    ways = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
    return 2 * k * exp(ways + k * log(p) + (n - k + 1) * log1p(-p))
