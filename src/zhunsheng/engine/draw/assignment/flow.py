"""The canonical start: every place filled by shortest augmenting paths, and what is short where that is not possible.

Places and inspectors form a flow network (inspector → inspector at a target → place). It is never written down: the
paths are found on the places themselves, so that 5,000 targets and 300 inspectors need no 1.5 million arcs.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from zhunsheng.engine.draw.assignment.people import Places, bits

EMPTY = -1


@dataclass(frozen=True, slots=True)
class Blocked:
    """Where filling ended: the empty places, all places reached from them, and the persons reached, who are all at
    their limit. These places have no other candidates, so no assignment fills more of them."""

    empty: tuple[int, ...]
    places: frozenset[int]
    persons: int


class Filling:
    """Places being filled. person[place] is an inspector or EMPTY; team[target] the bits of its members; load the
    visits of each inspector; held the places of each, ascending."""

    __slots__ = ("held", "load", "person", "places", "team")

    def __init__(self, places: Places) -> None:
        self.places = places
        self.person = [EMPTY] * len(places.may)
        self.team = [0] * len(places.ids)
        self.load = [0] * len(places.numbers)
        self.held: list[list[int]] = [[] for _ in places.numbers]

    def fill(self, capacity: Sequence[int]) -> Blocked:
        """Fills each empty place in turn, ascending, wherever persons can move so that someone below the capacity comes in.

        For one place: a queue of places, first the empty one. From the front of the queue take a place. If persons
        below the capacity may take it and are not in its team, the lowest number comes in, and everybody on the way
        moves up by one. Otherwise take all who may take it, ascending by number: one who is in its team already gives
        the place held there; any other whose turn has not yet come gives all places held, ascending. These join the
        end of the queue, each once.

        What is reached in a search that fails can never lead anywhere again, and is left out of later searches. Nobody's
        load becomes smaller.
        """
        below = sum(1 << one for one, load in enumerate(self.load) if load < capacity[one])
        dead: set[int] = set()
        dead_persons = 0
        empty = []
        for place, one in enumerate(self.person):
            if one != EMPTY:
                continue
            came_from, seen, end, newcomer = self._search(place, below, dead, dead_persons)
            if newcomer == EMPTY:
                empty.append(place)
                dead |= came_from.keys()
                dead_persons |= seen
                continue
            self._move_up(came_from, end, newcomer)
            if self.load[newcomer] == capacity[newcomer]:
                below &= ~(1 << newcomer)
        return Blocked(tuple(empty), frozenset(dead), dead_persons)

    def _search(
        self, start: int, below: int, dead: set[int], dead_persons: int
    ) -> tuple[dict[int, tuple[int, int]], int, int, int]:
        """Reached place → (the place it helps, the person who would move there); persons seen; where it ended, and who
        comes in there (EMPTY: nobody). Places are queued in groups as they are found, and looked at one by one."""
        may, size, team, person = self.places.may, self.places.size, self.team, self.person
        came_from: dict[int, tuple[int, int]] = {}
        seen = dead_persons
        queue: deque[tuple[Sequence[int], int, int]] = deque([((start,), EMPTY, EMPTY)])
        while queue:
            group, goal, mover = queue.popleft()
            for place in group:
                if place in came_from or place in dead:
                    continue
                came_from[place] = (goal, mover)
                members = team[place // size]
                if free := may[place] & ~members & below:
                    return came_from, seen, place, (free & -free).bit_length() - 1
                for one in bits(may[place] & (members | ~seen)):
                    if members >> one & 1:
                        first = place - place % size
                        queue.append(((first + person[first : first + size].index(one),), place, one))
                    else:
                        seen |= 1 << one
                        queue.append((self.held[one], place, one))
        return came_from, seen, EMPTY, EMPTY

    def _move_up(self, came_from: dict[int, tuple[int, int]], end: int, newcomer: int) -> None:
        size = self.places.size
        path: list[tuple[int, int]] = []
        place, coming = end, newcomer
        while place != EMPTY:
            path.append((place, coming))
            place, coming = came_from[place]
        for place, _ in path:
            leaving = self.person[place]
            if leaving != EMPTY:
                self.team[place // size] ^= 1 << leaving
                self.held[leaving].remove(place)
        for place, coming in path:
            self.person[place] = coming
            self.team[place // size] ^= 1 << coming
            insort(self.held[coming], place)
        self.load[newcomer] += 1


@dataclass(frozen=True, slots=True)
class Overfull:
    """Persons who together are to make more visits than they can be given: the least asked for, and the most possible."""

    persons: int
    least: int
    able: int


@dataclass(frozen=True, slots=True)
class Solved:
    """The canonical start: who takes each place; or why there is none (`blocked`, `overfull`)."""

    person: tuple[int, ...]
    blocked: Blocked
    overfull: Overfull | None

    @property
    def ok(self) -> bool:
        """Whether every place is filled and everybody has the least number of visits."""
        return not self.blocked.empty and self.overfull is None


def solve(places: Places) -> Solved:
    """The canonical start, rule zhunsheng/assign/1: first with everyone's capacity at the least number of visits, then,
    going on from there, at the most. Loads never become smaller, so both bounds hold at the end, if any assignment
    has them (Mendelsohn and Dulmage 1958)."""
    filling = Filling(places)
    filling.fill(places.least)
    overfull = _overfull(filling)
    blocked = filling.fill(places.most)
    return Solved(tuple(filling.person), blocked, overfull)


def _overfull(filling: Filling) -> Overfull | None:
    """After the first phase: those below their least, and all from whom they could only take away.

    From a person one reaches the places that person may take in teams of others; from a place its holder, and the
    places of the same team that the holder may take.
    """
    places, size = filling.places, filling.places.size
    short = [one for one, load in enumerate(filling.load) if load < places.least[one]]
    if not short:
        return None
    # For each person the places that may be taken: read off once, for these searches only.
    open_to: dict[int, list[int]] = {}
    reached: set[int] = set()
    found = sum(1 << one for one in short)
    while short:
        one = short.pop()
        if one not in open_to:
            open_to[one] = [place for place, may in enumerate(places.may) if may >> one & 1]
        wave = [place for place in open_to[one] if not filling.team[place // size] >> one & 1]
        while wave:
            place = wave.pop()
            if place in reached:
                continue
            reached.add(place)
            holder = filling.person[place]
            first = place - place % size
            wave += [other for other in range(first, first + size) if places.may[other] >> holder & 1]
            if not found >> holder & 1:
                found |= 1 << holder
                short.append(holder)
    persons = list(bits(found))
    return Overfull(found, sum(places.least[one] for one in persons), sum(filling.load[one] for one in persons))
