"""How fair an assignment is: every one equally likely where all can be counted, and a loud word where the chain cannot move."""

import hashlib
import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2

from tests.engine.test_draw_assign import every_assignment, situations
from zhunsheng.engine.draw.assignment import (
    Inspector,
    Target,
    Team,
    assign,
    can_move,
    constraints,
    feasible,
    load_bounds,
)
from zhunsheng.engine.draw.fairness import _mean_deviation, chances, dummy_seed, parts, uniformity
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.suites import SM3

DAY = date(2026, 5, 11)
AT = datetime(2026, 4, 21, 6, 0, tzinfo=UTC)
VALID = date(2027, 1, 1)


def inspector(number, specialities, off, least=1, most=2):
    forbidden = tuple((f"demo:T{i}", "recusal") for i in off)
    return Inspector(number, VALID, frozenset(specialities), forbidden=forbidden, least=least, most=most)


def close(needs, inspectors, **more):
    return constraints(
        [Target(f"demo:T{i}", need) for i, need in enumerate(needs, 1)], inspectors, on=DAY, at=AT, **more
    )


# Six inspectors, five targets, each person once or twice: 147 assignments, all within the chain's reach.
SIX = (
    inspector("P1", {"food", "measure"}, (2, 4)),
    inspector("P2", {"measure"}, (1,)),
    inspector("P3", (), ()),
    inspector("P4", {"measure"}, (1, 2, 3, 4)),
    inspector("P5", {"food"}, (1, 2)),
    inspector("P6", {"food", "measure"}, (1,)),
)
FIVE = ("measure", "food", "food", "measure", "measure")

# As tight, and the chain reaches 16 of 40.
TIGHT = (
    inspector("P1", {"food"}, (2, 5)),
    inspector("P2", {"measure"}, (1, 3)),
    inspector("P3", {"food", "measure"}, (1, 2, 3, 5)),
    inspector("P4", (), (5,)),
    inspector("P5", {"food", "measure"}, (1, 2, 3, 4)),
    inspector("P6", {"food"}, (1, 4)),
)
TIGHT_FIVE = ("", "food", "", "", "food")


def stuck(least=1, most=1):
    """Three leads with one target each, three others in a ring: two assignments, and no single exchange between them."""
    leads = [inspector(f"L{i}", {f"s{i}"}, {1, 2, 3} - {i}, 1, 1) for i in (1, 2, 3)]
    ring = [inspector(f"R{i}", (), {1, 2, 3} - {i, i % 3 + 1}, least, most) for i in (1, 2, 3)]
    return close(("s1", "s2", "s3"), (*leads, *ring))


def frequencies(closed, runs, steps=None):
    closed = closed if steps is None else replace(closed, steps=steps)
    return Counter(tuple(team.members for team in assign(closed, dummy_seed(n)).teams) for n in range(1, runs + 1))


def test_every_assignment_is_equally_likely_where_all_can_be_counted():
    closed = close(FIVE, SIX)
    states = set(every_assignment(closed.targets, SIX, 2))
    assert len(states) == 147
    runs = 3000
    seen = frequencies(closed, runs)
    assert set(seen) == states
    expected = runs / 147
    assert sum((seen[state] - expected) ** 2 / expected for state in states) < chi2.isf(0.001, 146)
    distance = sum(abs(seen[state] / runs - 1 / 147) for state in states) / 2
    found = uniformity(closed, runs)
    assert (found.states, found.reachable, found.runs) == (147, 147, runs)
    assert found.distance == pytest.approx(distance)
    assert found.noise == pytest.approx(147 * sum(
        binom.pmf(k, runs, 1 / 147) * abs(k / runs - 1 / 147) for k in range(200)) / 2)  # fmt: skip
    assert found.distance < found.noise * 1.15


def test_a_few_steps_are_not_enough():
    closed = close(FIVE, SIX)
    found = uniformity(replace(closed, steps=10), 1000)
    assert found.distance > 2 * found.noise


def test_teams_of_three_are_equally_likely_too():
    crowd = tuple(inspector(f"P{i}", {"food"} if i < 4 else (), (i,), 0, 2) for i in range(1, 6))
    closed = close(("food", "food", ""), crowd, team_size=3)
    states = set(every_assignment(closed.targets, crowd, 3))
    assert 100 < len(states) <= 200
    runs = 3000
    seen = frequencies(closed, runs)
    assert set(seen) <= states
    expected = runs / len(states)
    assert sum((seen[state] - expected) ** 2 / expected for state in states) < chi2.isf(0.001, len(states) - 1)


@settings(max_examples=60)
@given(situations(most_targets=4, most_people=5))
def test_it_counts_what_brute_force_counts(situation):
    wanted, inspectors, size = situation
    if feasible(wanted, inspectors, on=DAY, team_size=size):
        return
    closed = constraints(wanted, inspectors, on=DAY, at=AT, team_size=size, steps_per_slot=2)
    states = set(every_assignment(wanted, inspectors, size))
    found = uniformity(closed, 1, limit=150)
    if len(states) > 150:
        assert found is None
        return
    if found is None:  # it gave up looking: allowed where nearly everything is a dead end
        return
    assert found.states == len(states)
    assert 1 <= found.reachable <= found.states
    assert (found.reachable > 1) == can_move(closed)


def test_constraints_too_tight_for_the_chain_are_found_out():
    closed = close(TIGHT_FIVE, TIGHT)
    assert can_move(closed)
    found = uniformity(closed, 1000)
    assert (found.states, found.reachable) == (40, 16)
    assert len(frequencies(closed, 1000)) == 16
    assert found.distance > 0.59
    wider = close(TIGHT_FIVE, [replace(p, least=0, most=3) for p in TIGHT])
    found = uniformity(wider, 1, limit=2000)
    assert found.reachable == found.states > 40


def test_a_chain_that_cannot_move_says_so_before_the_seed():
    closed = stuck()
    assert not can_move(closed)
    found = assign(closed, dummy_seed(1))
    assert (found.moved, found.teams) == (0, closed.start)
    assert (uniformity(closed, 10).states, uniformity(closed, 10).reachable) == (2, 1)
    assert chances(closed, 10).still == 10
    assert "nothing was random" in found.note.text("en")
    wider = stuck(least=0, most=2)
    assert can_move(wider)
    found = assign(wider, dummy_seed(1))
    assert found.note.text("en") == f"{found.moved} of 300 steps of the chain changed a team"
    assert uniformity(wider, 1).reachable == uniformity(wider, 1).states == 8


def test_where_there_are_too_many_it_counts_nothing():
    crowd = [inspector(f"P{i:02}", (), (), 0, 9) for i in range(12)]
    assert uniformity(close([""] * 9, crowd), 1) is None
    assert uniformity(close(FIVE, SIX), 1, limit=146) is None
    assert uniformity(close(FIVE, SIX), 1, limit=147).states == 147


def test_the_chances_are_the_frequencies_of_the_runs():
    closed = close(FIVE, SIX)
    found = chances(closed, 200)
    runs = [assign(closed, hashlib.sha256(b"fairness|%d" % n).hexdigest()) for n in range(1, 201)]
    for unit, number in itertools.product((t.id for t in closed.targets), (p.number for p in SIX)):
        times = sum(number in team.members for run in runs for team in run.teams if team.target == unit)
        assert found.chance(unit, number) == Fraction(times, 200)
        led = sum(number == team.lead for run in runs for team in run.teams if team.target == unit)
        assert found.leads[unit].get(number, 0) == led
    expected = found.expected()
    assert sum(visits for visits, _ in expected.values()) == 10
    assert sum(leads for _, leads in expected.values()) == 5
    assert expected["P3"] == (Fraction(sum(run.load["P3"] for run in runs), 200), 0)
    unit, number, surest = found.surest(1)[0]
    assert (
        surest == max(found.chance(u, n) for u in found.visits for n in found.visits[u]) == found.chance(unit, number)
    )
    assert found.still == 0
    assert found.chance("demo:T1", "P2") == 0


def test_without_special_demands_everyone_has_the_same_chance():
    crowd = load_bounds(
        [Target(f"demo:T{i}") for i in range(1, 7)], [Inspector(f"P{i}", VALID) for i in range(4)], on=DAY
    )
    found = chances(close([""] * 6, crowd), 600)
    assert found.distance < 2 * found.noise
    for unit in found.visits:
        for person in crowd:  # 1/2 each, standard error 0.02
            assert abs(found.chance(unit, person.number) - Fraction(1, 2)) < 0.09
    certain = chances(stuck(), 5)
    assert certain.distance == pytest.approx(1 / 3)  # two certain of three who may go, at each target


@given(st.integers(1, 400), st.integers(1, 40), st.integers(1, 40))
def test_the_noise_is_exact(n, part, more):
    p = part / (part + more)
    direct = sum(binom.pmf(k, n, p) * abs(k - n * p) for k in range(n + 1))
    assert _mean_deviation(n, p) == pytest.approx(direct, rel=1e-6)
    assert _mean_deviation(n, 0.0) == _mean_deviation(n, 1.0) == 0


def test_each_inspector_sees_what_fell_to_whom():
    closed = close(FIVE, SIX)
    teams = (
        Team("demo:T1", "P1", ("P3",)),
        Team("demo:T2", "P6", ("P3",)),
        Team("demo:T3", "P1", ("P2",)),
        Team("demo:T4", "P2", ("P5",)),
        Team("demo:T5", "P4", ("P6",)),
    )
    divisions = {"demo:T1": "410802", "demo:T2": "410803", "demo:T3": "410802", "demo:T4": "410803"}
    one, two, *_, last = parts(closed, teams, divisions)
    assert (one.number, one.visits, one.leads, one.lead_share, one.widest) == ("P1", 2, 2, 1, 1)
    assert (one.divisions, one.forbidden, one.open_to) == ({"410802": 2}, {"recusal": 2}, 3)
    assert (two.visits, two.leads, two.lead_share, two.widest) == (2, 1, Fraction(1, 2), Fraction(1, 2))
    assert (last.divisions, last.least, last.most) == ({"": 1, "410803": 1}, 1, 2)
    idle = parts(closed, (), divisions)[0]
    assert (idle.visits, idle.lead_share, idle.widest, idle.divisions) == (0, 0, 0, {})
    with pytest.raises(DrawError, match="P99"):
        parts(closed, (Team("demo:T1", "P99", ("P3",)),), {})
    with pytest.raises(DrawError, match="demo:T9"):
        parts(closed, (Team("demo:T9", "P1", ("P3",)),), {})


@pytest.mark.parametrize("runs", [0, -1, 100_001])
def test_a_number_of_runs_that_makes_no_sense_is_refused(runs):
    for found in (chances, uniformity):
        with pytest.raises(DrawError, match="100000"):
            found(close(FIVE, SIX), runs)


def test_the_suite_is_used_here_too():
    assert dummy_seed(3, SM3) == hashlib.new("sm3", b"fairness|3").hexdigest()
    closed = close(FIVE, SIX)
    assert chances(closed, 5, suite=SM3) != chances(closed, 5)
