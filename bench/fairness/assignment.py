"""The swap chain: how far from uniform it is after so many steps, exactly where every assignment can be written out."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import product

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.stats import binom

from bench.fairness.report import Report, classes, seeds
from zhunsheng.engine.draw.assignment import Constraints, Inspector, Target, can_move, constraints, walk
from zhunsheng.engine.draw.assignment.people import Places

DAY = date(2026, 11, 24)
AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
VALID = date(2030, 1, 1)

State = tuple[int, ...]


def person(
    number: str, codes: str = "", least: int = 0, most: int | None = None, not_to: Sequence[str] = ()
) -> Inspector:
    return Inspector(
        number, VALID, frozenset(codes.split()), (), tuple((unit, "recusal") for unit in not_to), least, most
    )


def close(targets: Sequence[Target], people: Sequence[Inspector], team_size: int = 2) -> Constraints:
    return constraints(targets, people, on=DAY, at=AT, team_size=team_size)


def field_case(
    people: Sequence[tuple[str, Sequence[int]]], codes: Mapping[str, str], wanted: Sequence[str], least: int, most: int
) -> Constraints:
    """people: (fields, numbers of the targets this person may not visit)."""
    return close(
        [Target(f"demo:{number}", need) for number, need in enumerate(wanted, 1)],
        [
            person(f"P{number}", codes[fields], least, most, [f"demo:{target}" for target in off])
            for number, (fields, off) in enumerate(people, 1)
        ],
    )


def cases() -> Iterator[tuple[str, Constraints]]:
    codes = {"f": "food", "m": "metrology", "fm": "food metrology", "": ""}
    people = (("fm", (2, 4)), ("m", (1,)), ("", ()), ("m", (1, 2, 3, 4)), ("f", (1, 2)), ("fm", (1,)))
    wanted = ("metrology", "food", "food", "metrology", "metrology")
    yield ("6 inspectors, 5 targets, two fields, recusals, 1–2 visits each", field_case(people, codes, wanted, 1, 2))
    tight = (("f", (2, 5)), ("m", (1, 3)), ("fm", (1, 2, 3, 5)), ("", (5,)), ("fm", (1, 2, 3, 4)), ("f", (1, 4)))
    wanted = ("", "food", "", "", "food")
    yield ("the same, many recusals: too tight", field_case(tight, codes, wanted, 1, 2))
    yield ("the same with 0–3 visits", field_case(tight, codes, wanted, 0, 3))
    yield (
        "5 inspectors, 3 targets, nothing in the way, 1–2 visits each",
        close([Target(f"demo:{n}") for n in range(3)], [person(f"P{n}", "", 1, 2) for n in range(5)]),
    )
    yield (
        "5 inspectors, 2 targets, teams of three, two may lead",
        close(
            [Target("demo:1", "food"), Target("demo:2", "food")],
            [person("P1", "food", 1, 2), person("P2", "food", 1, 2), *(person(f"P{n}", "", 0, 2) for n in (3, 4, 5))],
            3,
        ),
    )
    yield (
        "4 inspectors, 4 targets, exactly two visits each",
        close([Target(f"demo:{n}") for n in range(4)], [person(f"P{n}", "", 2, 2) for n in range(4)]),
    )
    for name, least, most in (("exactly two visits: too tight", 2, 2), ("the same with 1–3 visits", 1, 3)):
        yield (
            f"3 inspectors who each alone can lead one of 3 targets, {name}",
            close(
                [Target(f"demo:{n}", "abc"[n]) for n in range(3)],
                [person(f"P{n}", "bca"[n], least, most) for n in range(3)],
            ),
        )


def every(places: Places) -> list[State]:
    """Every way to fill the places, by trying all of them: nothing of the engine but the constraints as data."""
    people = range(len(places.numbers))
    able = [[one for one in people if may >> one & 1] for may in places.may]
    teams = [
        [team for team in product(*able[first : first + places.size]) if len(set(team)) == places.size]
        for first in range(0, len(able), places.size)
    ]
    found = []
    for some in product(*teams):
        state = tuple(one for team in some for one in team)
        if all(places.least[one] <= state.count(one) <= places.most[one] for one in people):
            found.append(state)
    return found


def transitions(places: Places, states: list[State]) -> csr_matrix:
    """The chance of each step, from the rule: place a and choice b even, accept what is in the list of states."""
    index = {state: number for number, state in enumerate(states)}
    total, people = len(places.may), len(places.numbers)
    rows, columns = [], []
    for number, state in enumerate(states):
        for a in range(total):
            for b in range(total + people):
                after = list(state)
                if b < total:
                    after[a], after[b] = state[b], state[a]
                else:
                    after[a] = b - total
                rows.append(number)
                columns.append(index.get(tuple(after), number))
    chance = np.full(len(rows), 1 / (total * (total + people)))
    return csr_matrix((chance, (rows, columns)), shape=(len(states), len(states)))


def plain(places: Places, state: Sequence[int]) -> State:
    """One writing for one assignment: the others of a team ascending."""
    made: list[int] = []
    for first in range(0, len(state), places.size):
        made += [state[first], *sorted(state[first + 1 : first + places.size])]
    return tuple(made)


def mean_deviation(n: int, p: float) -> float:
    """The mean absolute deviation of a binomial count from np (de Moivre 1730)."""
    k = int(n * p) + 1
    return float(2 * k * (1 - p) * binom.pmf(k, n, p))


def shown(distance: float) -> str:
    return "below 0.001" if distance < 0.001 else f"{distance:.3f}"


def small(report: Report, runs: int) -> None:
    report.heading("Assignment: distance to uniform, every assignment written out")
    report.say(
        "All fillings of the places are found by trying every one. The chance of every step follows from the rule, so the "
        "distribution after any number of steps is computed, not simulated. *Distance* is total variation: half the sum of "
        f"|probability − 1/assignments|. *Run* is the engine's own chain on {runs:,} seeds; *by chance* is what as many perfectly uniform "
        "choices would show; χ² compares the run with the computed probabilities."
    )
    rows, curves = [], []
    marks = (1, 2, 5, 10, 20, 50)
    for name, closed in cases():
        places = closed.places
        states = every(places)
        matrix = transitions(places, states)
        start = places.persons(closed.start)
        parts, label = connected_components(matrix, directed=False)
        names = sorted({plain(places, state) for state in states})
        index = {state: number for number, state in enumerate(names)}
        groups = np.array([index[plain(places, state)] for state in states])

        def distance(at: np.ndarray, groups: np.ndarray = groups, count: int = len(names)) -> float:
            return float(np.abs(np.bincount(groups, at, count) - 1 / count).sum() / 2)

        at = np.zeros(len(states))
        at[states.index(tuple(start))] = 1.0
        slots, curve, good, done = len(places.may), [], 0, 0
        for mark in range(1, marks[-1] + 1):
            while done < mark * slots:
                at = matrix.T @ at
                done += 1
                if not good and distance(at) <= 0.01:
                    good = done
            if mark in marks:
                curve.append(f"{distance(at):.4f}")
        assert done == closed.steps
        seen = Counter(
            index[plain(places, walk(places, start, seed, closed.steps)[0])] for seed in seeds(f"chain {name}", runs)
        )
        counts = [seen[number] for number in range(len(names))]
        expected = np.bincount(groups, at, len(names))
        kept = [number for number in range(len(names)) if expected[number] > 0]
        report.check(f"{name}: nothing impossible happens", sum(counts[number] for number in kept) == runs)
        noise = len(names) * mean_deviation(runs, 1 / len(names)) / runs / 2
        observed = sum(abs(count / runs - 1 / len(names)) for count in counts) / 2
        test = ("–", "–", "–")
        if len(kept) > 1:
            found = classes([counts[number] for number in kept], [runs * expected[number] for number in kept])
            test = report.chi_square(name, *found)
        reached = len(
            {groups[number] for number in range(len(states)) if label[number] == label[states.index(tuple(start))]}
        )
        stuck = reached == 1 < len(names)
        report.check(f"{name}: the engine says whether it can move", can_move(closed) != stuck)
        rows.append([
            name, f"{len(names):,}", f"{reached:,}", shown(distance(at)),
            f"{observed:.3f}", f"{noise:.3f}", *test, f"{good / slots:.1f}" if good else "never",
        ])  # fmt: skip
        curves.append([name, *curve])
    report.table(
        [
            "case",
            "assignments",
            "reached",
            "distance, computed",
            "distance, run",
            "by chance",
            "χ²",
            "df",
            "p",
            "steps a place to 0.01",
        ],
        rows,
    )
    report.say("The same distance after so many steps for each place (the table `draw/assignment` says 50):")
    report.table(["case", *map(str, marks)], curves)


def large_case() -> Constraints:
    """40 inspectors in three fields, 120 targets, 5–7 visits each, recusals drawn by hash."""
    targets = [Target(f"demo:{n:03d}", ("food", "metrology", "")[n % 3]) for n in range(120)]
    people = []
    for n in range(40):
        not_to = [t.id for t in targets if sha256(f"recusal|{n}|{t.id}".encode()).digest()[0] < 13]
        people.append(person(f"P{n:02d}", ("food", "metrology", "food metrology", "")[n % 4], 5, 7, not_to))
    return close(targets, people)


def large(report: Report, runs: int) -> None:
    report.heading("Assignment: how fast a chain of real size forgets its start")
    closed = large_case()
    places = closed.places
    start = places.persons(closed.start)
    slots = len(places.may)
    report.say(
        f"40 inspectors, 120 targets in teams of two, three fields, 5 % recusals, 5–7 visits each; {runs} seeds a column. "
        "*As at the start*: share of places still held by the person of the published start. *Most foreseeable*: the "
        "largest share of runs in which one person had one place. When more steps change neither, the start is forgotten."
    )
    marks = (0, 1, 2, 5, 10, 20, 50, 200)
    same, most = [], []
    for mark in marks:
        kept = 0
        held = np.zeros((slots, len(places.numbers)), dtype=np.int64)
        for seed in seeds("large chain", runs):
            ended = walk(places, start, seed, mark * slots)[0] if mark else start
            kept += sum(one == first for one, first in zip(ended, start, strict=True))
            held[np.arange(slots), ended] += 1
        same.append(f"{kept / runs / slots:.3f}")
        most.append(f"{held.max() / runs:.3f}")
    report.table(["steps for each place", *map(str, marks)], [["as at the start", *same], ["most foreseeable", *most]])
