"""The assignment of inspectors: short only when it says so before the seed, never a person who may not go, loads within
bounds, and computed again by a second writing of the rule."""

import hashlib
import itertools
import json
import re
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import maximum_flow

from zhunsheng.engine import tables
from zhunsheng.engine.draw.assignment import (
    Change,
    Inspector,
    Target,
    assign,
    assignment_seed,
    can_move,
    candidates,
    changed,
    check_assignment,
    check_changes,
    check_constraints,
    constraints,
    constraints_hash,
    directory_hash,
    feasible,
    load_bounds,
    parameters,
    places_of,
    read_constraints,
    substitute,
    suggest_bounds,
)
from zhunsheng.engine.draw.assignment.flow import solve
from zhunsheng.engine.draw.sources import Value
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import canonical
from zhunsheng.engine.suites import SHA256, SM3, suite

DAY = date(2026, 5, 11)
AT = datetime(2026, 4, 21, 6, 0, tzinfo=UTC)
VALID = date(2027, 1, 1)
SEED = hashlib.sha256(b"second").hexdigest()
ANNOUNCED = "a" * 64
VALUES = (
    Value("lottery:ssq", "03-11-15-22-28-31+07", AT + timedelta(days=1), {}),
    Value("lottery:dlt", "02-09-17-25-33+04-11", AT + timedelta(days=1), {}),
)


def targets(count, speciality=""):
    return tuple(Target(f"demo:T{i:03}", speciality) for i in range(1, count + 1))


def people(count, *specialities, **more):
    return tuple(Inspector(f"P{i:02}", VALID, frozenset(specialities), **more) for i in range(1, count + 1))


def kept_off(*ids, code="recusal"):
    return tuple((f"demo:T{i:03}", code) for i in ids)


# ── the rule written a second time, the slow way ─────────────────────────────────────────────────────────────────────


def may(person, target, lead, on=DAY):
    return (
        on <= person.certificate_to
        and not any(first <= on <= last for first, last in person.leave)
        and target.id not in [unit_id for unit_id, _ in person.forbidden]
        and (not lead or all(code in person.specialities for code in target.speciality.split("+") if code))
    )


def start_by_hand(wanted, inspectors, size):
    """docs/rules/assignment.md, section Start: place = (target, k), k = 0 for the lead."""
    inspectors = sorted(inspectors, key=lambda p: p.number)
    order = [(t, k) for t in sorted(wanted, key=lambda t: t.id) for k in range(size)]
    holder = dict.fromkeys(order)
    for phase in ("least", "most"):
        for empty in order:
            if holder[empty] is not None:
                continue
            load = Counter(person.number for person in holder.values() if person)
            reached, queue, seen = {empty: None}, [empty], set()
            while queue:
                here = queue.pop(0)
                team = {holder[p].number: p for p in order if p[0] == here[0] and holder[p]}
                able = [person for person in inspectors if may(person, here[0], here[1] == 0)]
                limit = {p.number: len(wanted) if getattr(p, phase) is None else getattr(p, phase) for p in able}
                free = [p for p in able if p.number not in team and load[p.number] < limit[p.number]]
                if free:
                    coming = free[0]
                    while here:
                        before = reached[here]
                        holder[here], coming = coming, holder[here]
                        here = before
                    break
                for person in able:
                    if person.number in team:
                        further = [team[person.number]]
                    elif person.number not in seen:
                        seen.add(person.number)
                        further = [p for p in order if holder[p] is person]
                    else:
                        further = []
                    for place in further:
                        if place not in reached:
                            reached[place] = here
                            queue.append(place)
    made = {}
    for target, k in order:
        made.setdefault(target.id, []).append(holder[target, k].number)
    return {unit_id: [team[0], *sorted(team[1:])] for unit_id, team in made.items()}


def chain_by_hand(closed, seed2, steps, name="sha256"):
    """docs/rules/assignment.md, section Chain."""
    size = closed.team_size
    numbers = [person.number for person in closed.inspectors]
    known = {person.number: person for person in closed.inspectors}
    taken = [number for team in closed.start for number in team.members]

    def holds(taken):
        load = Counter(taken)
        return all(p.least <= load[p.number] <= p.most for p in closed.inspectors) and all(
            len({*taken[i * size : i * size + size]}) == size
            and all(may(known[taken[i * size + k]], target, k == 0, closed.on) for k in range(size))
            for i, target in enumerate(closed.targets)
        )

    assert holds(taken)
    for j in range(1, steps + 1):
        h = hashlib.new(name, f"{seed2}|assign|{j}".encode()).digest()
        a = int(h[:8].hex(), 16) % len(taken)
        b = int(h[8:16].hex(), 16) % (len(taken) + len(numbers))
        proposed = list(taken)
        if b < len(taken):
            proposed[a], proposed[b] = taken[b], taken[a]
        else:
            proposed[a] = numbers[b - len(taken)]
        if holds(proposed):
            taken = proposed
    return {
        t.id: [taken[i * size], *sorted(taken[i * size + 1 : (i + 1) * size])] for i, t in enumerate(closed.targets)
    }


def as_dict(teams):
    return {team.target: list(team.members) for team in teams}


def every_team(target, inspectors, size):
    for lead in inspectors:
        if may(lead, target, True):
            rest = [p for p in inspectors if p is not lead and may(p, target, False)]
            for others in itertools.combinations(rest, size - 1):
                yield (lead.number, *sorted(p.number for p in others))


def every_assignment(wanted, inspectors, size):
    """All assignments that meet the constraints, by trying everything."""
    for teams in itertools.product(*(tuple(every_team(target, inspectors, size)) for target in wanted)):
        load = Counter(itertools.chain.from_iterable(teams))
        limit = len(wanted)
        if all(p.least <= load[p.number] <= (limit if p.most is None else p.most) for p in inspectors):
            yield teams


def some_assignment(wanted, inspectors, size):
    """Whether there is any: the same as a linear program, whose polytope has whole corners (a network)."""
    wanted, slots = list(wanted), [(t, k) for t in range(len(wanted)) for k in range(size)]
    arcs = [(i, s) for i, p in enumerate(inspectors) for s, (t, k) in enumerate(slots) if may(p, wanted[t], k == 0)]
    if not arcs:
        return not slots
    column = range(len(arcs))
    ones = np.ones(len(arcs))
    fill = coo_array((ones, ([s for _, s in arcs], column)), shape=(len(slots), len(arcs)))
    work = coo_array((ones, ([i for i, _ in arcs], column)), shape=(len(inspectors), len(arcs)))
    once = coo_array(
        (ones, ([i * len(wanted) + slots[s][0] for i, s in arcs], column)),
        shape=(len(inspectors) * len(wanted), len(arcs)),
    )
    most = [len(wanted) if p.most is None else p.most for p in inspectors]
    upper = np.concatenate([most, [-p.least for p in inspectors], np.ones(once.shape[0])])
    matrix = csr_array(np.vstack([work.toarray(), -work.toarray(), once.toarray()]))
    found = linprog(np.zeros(len(arcs)), matrix, upper, fill.tocsr(), np.ones(len(slots)), (0, 1), method="highs")
    return found.status == 0


KINDS = ("", "food", "measure", "food+measure")


@st.composite
def situations(draw, most_targets=5, most_people=6):
    count = draw(st.integers(1, most_targets))
    inspectors = tuple(
        Inspector(
            f"P{i}",
            DAY + timedelta(days=draw(st.integers(-1, 4))),
            frozenset(draw(st.sets(st.sampled_from(("food", "measure"))))),
            draw(st.sampled_from([(), (), ((DAY, DAY),), ((DAY + timedelta(days=1), DAY + timedelta(days=2)),)])),
            kept_off(*draw(st.sets(st.integers(1, count + 1), max_size=2))),
            least := draw(st.integers(0, 2)),
            draw(st.one_of(st.none(), st.integers(least, least + 3))),
        )
        for i in range(draw(st.integers(0, most_people)))
    )
    wanted = tuple(Target(t.id, draw(st.sampled_from(KINDS))) for t in targets(count))
    return wanted, inspectors, draw(st.integers(2, 3))


# ── it works ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_gives_every_target_two_different_persons_within_the_bounds():
    inspectors = load_bounds(targets(30), people(7), on=DAY)
    closed = constraints(targets(30), inspectors, on=DAY, at=AT)
    found = assign(closed, SEED)
    assert [team.target for team in found.teams] == [target.id for target in targets(30)]
    assert all(len({*team.members}) == 2 for team in found.teams)
    assert {(p.least, p.most) for p in inspectors} == {(7, 10)}
    assert sum(found.load.values()) == 60
    assert all(7 <= found.load[p.number] <= 10 for p in inspectors)
    assert closed.steps == found.steps == 50 * 60
    assert found.moved > 1000
    assert found.teams != closed.start


@settings(max_examples=150)
@given(situations())
def test_it_assigns_exactly_when_there_is_an_assignment(situation):
    wanted, inspectors, size = situation
    exists = next(every_assignment(wanted, inspectors, size), None) is not None
    short = feasible(wanted, inspectors, on=DAY, team_size=size)
    assert exists == (not short)
    assert all(reason.text("zh") and reason.text("en") for reason in short)
    if short:
        with pytest.raises(DrawError) as refused:
            constraints(wanted, inspectors, on=DAY, at=AT, team_size=size)
        assert refused.value.reason == short[0]


@settings(max_examples=60)
@given(situations(), st.text(max_size=5), st.integers(1, 5))
def test_start_and_chain_are_those_of_the_rule_written_a_second_time(situation, text, per_slot):
    wanted, inspectors, size = situation
    if feasible(wanted, inspectors, on=DAY, team_size=size):
        return
    closed = constraints(wanted, inspectors, on=DAY, at=AT, team_size=size, steps_per_slot=per_slot)
    assert as_dict(closed.start) == start_by_hand(wanted, inspectors, size)
    seed2 = hashlib.sha256(text.encode()).hexdigest()
    found = assign(closed, seed2)
    assert as_dict(found.teams) == chain_by_hand(closed, seed2, per_slot * size * len(wanted))
    assert bool(found.moved) <= can_move(closed)


@settings(max_examples=60)
@given(situations(most_targets=12, most_people=12), st.text(max_size=5))
def test_what_comes_out_meets_every_constraint(situation, text):
    wanted, inspectors, size = situation
    if feasible(wanted, inspectors, on=DAY, team_size=size):
        return
    closed = constraints(wanted, inspectors, on=DAY, at=AT, team_size=size)
    found = assign(closed, hashlib.sha256(text.encode()).hexdigest())
    known = {person.number: person for person in inspectors}
    for teams in (closed.start, found.teams):
        assert [team.target for team in teams] == [target.id for target in wanted]
        for target, team in zip(wanted, teams, strict=True):
            assert len({*team.members}) == size
            assert list(team.others) == sorted(team.others)
            assert all(may(known[number], target, number == team.lead) for number in team.members)
        load = Counter(number for team in teams for number in team.members)
        assert all(p.least <= load[p.number] <= (len(wanted) if p.most is None else p.most) for p in inspectors)


def random_case(number, count, crowd, tight):
    """A larger case from a fixed number: specialities, recusals and bounds around the equal share."""

    def pick(*key):
        return int(hashlib.sha256(repr((number, *key)).encode()).hexdigest()[:8], 16)

    wanted = tuple(Target(t.id, KINDS[pick("t", i) % 4]) for i, t in enumerate(targets(count)))
    share = 2 * count // crowd
    inspectors = tuple(
        Inspector(
            f"P{i:02}",
            VALID,
            frozenset(code for code in ("food", "measure") if pick("s", i, code) % 3),
            forbidden=kept_off(*{1 + pick("f", i, j) % count for j in range(count // 3)}),
            least=max(0, share - pick("l", i) % tight),
            most=share + pick("m", i) % tight,
        )
        for i in range(crowd)
    )
    return wanted, inspectors


def test_it_agrees_with_a_linear_program_on_larger_cases():
    seen = Counter()
    for number in range(60):
        wanted, inspectors = random_case(number, 15, 6, 4)
        exists = some_assignment(wanted, inspectors, 2)
        seen[exists] += 1
        assert exists == (not feasible(wanted, inspectors, on=DAY)), number
    assert min(seen.values()) > 10, seen


def test_it_fills_as_many_places_as_a_maximum_flow():
    short = 0
    for number in range(20):
        wanted, inspectors = random_case(number, 60, 12, 3)
        solved = solve(places_of(wanted, inspectors, DAY, 2))
        source, sink = 0, 1
        node = itertools.count(2)
        person = {p.number: next(node) for p in inspectors}
        rows, cells, capacity = [], [], []

        def arc(a, b, c, rows=rows, cells=cells, capacity=capacity):
            rows.append(a), cells.append(b), capacity.append(c)

        for p in inspectors:
            arc(source, person[p.number], p.most)
        for target in wanted:
            lead, other = next(node), next(node)
            arc(lead, sink, 1), arc(other, sink, 1)
            for p in inspectors:
                if may(p, target, False):
                    pair = next(node)
                    arc(person[p.number], pair, 1), arc(pair, other, 1)
                    if may(p, target, True):
                        arc(pair, lead, 1)
        size = next(node)
        graph = csr_array((np.array(capacity, dtype=np.int32), (rows, cells)), shape=(size, size))
        flow = maximum_flow(graph, source, sink).flow_value
        assert 120 - len(solved.blocked.empty) == flow, number
        short += flow < 120
    assert 0 < short < 20


def test_the_order_of_the_lists_does_not_matter():
    wanted, inspectors = targets(12, "food"), load_bounds(targets(12), people(5, "food"), on=DAY)
    one = constraints(wanted, inspectors, on=DAY, at=AT)
    other = constraints(wanted[::-1], inspectors[::-1], on=DAY, at=AT)
    assert one == other
    assert canonical(one.as_json()) == canonical(other.as_json())


def test_a_large_draw_starts_in_seconds():
    wanted = tuple(Target(f"demo:{i:05}", ("food", "measure", "")[i % 3]) for i in range(5000))
    crowd = tuple(
        Inspector(
            f"P{i:03}",
            VALID,
            frozenset(("food", "measure")[j] for j in range(2) if (i + j) % 3 == 0),
            forbidden=tuple((f"demo:{(i * 37 + j * 101) % 5000:05}", "recusal") for j in range(20)),
        )
        for i in range(300)
    )
    inspectors = load_bounds(wanted, crowd, on=DAY)
    began = time.perf_counter()
    closed = constraints(wanted, inspectors, on=DAY, at=AT, steps_per_slot=1)
    assert can_move(closed)
    assert time.perf_counter() - began < 10
    load = Counter(number for team in closed.start for number in team.members)
    assert min(load.values()) >= 32
    assert max(load.values()) <= 35


# ── shortages, in words, before any seed ─────────────────────────────────────────────────────────────────────────────


def test_a_target_that_nobody_can_lead_is_named():
    wanted = (*targets(240, "food"), *(Target(f"demo:m{i}", "measure") for i in range(60)))
    (leads,) = feasible(wanted, people(3, "food"), on=DAY)
    assert leads.text("en").startswith("leads qualified for measure cover 0 of 60 targets; without a lead: demo:m0 ")
    assert leads.text("en").endswith("…")
    barred = (Inspector("P1", VALID), Inspector("P2", VALID, forbidden=kept_off(3)))
    (teams,) = feasible(targets(5), barred, on=DAY)
    assert teams.text("en") == (
        "teams of 2 can be made for 4 of 5 targets (valid certificate, not on leave, not recused); short: demo:T003"
    )
    nobody = feasible(targets(2), (), on=DAY)
    assert [reason.code for reason in nobody] == ["draw.assign.anyone_short", "draw.assign.teams_short"]


def test_a_lead_holds_every_speciality_of_the_target():
    apart = (Inspector("P1", VALID, frozenset({"food"})), Inspector("P2", VALID, frozenset({"measure"})))
    (short,) = feasible(targets(1, "food+measure"), apart, on=DAY)
    assert short.code == "draw.assign.leads_short"
    both = Inspector("P3", VALID, frozenset({"measure", "food"}))
    closed = constraints(targets(1, "food+measure"), (*apart, both), on=DAY, at=AT)
    assert assign(closed, SEED).teams[0].lead == "P3"


def test_too_few_leads_within_their_limits():
    leads = people(3, "food", most=80)
    others = tuple(Inspector(f"Q{i}", VALID) for i in range(5))
    (short,) = feasible(targets(300, "food"), (*leads, *others), on=DAY)
    assert short.text("en") == "leads qualified for food can lead 240 of 300 targets within their limits"
    assert short.text("zh") == "具备“food”专业的组长在各自的次数上限内只能带 300 个对象中的 240 个"


def test_too_few_visits_within_the_limits():
    (short,) = feasible(targets(300), people(30, most=17), on=DAY)
    assert short.text("en") == "the persons available may make 510 of 600 visits within their limits"


def test_the_persons_and_places_of_the_cut_are_named():
    # P01 and P02 alone may go to T001–T004, and may each go twice; the others have time enough.
    others = tuple(Inspector(f"Q{i}", VALID, forbidden=kept_off(1, 2, 3, 4)) for i in range(4))
    visits, cut = feasible(targets(10), (*people(2, most=2), *others), on=DAY)
    assert visits.params == {"able": 16, "total": 20}
    assert cut.text("en") == (
        "of these, 8 places at 4 targets are open to these persons only: P01 P02, who can take 4 of them;"
        " targets: demo:T001 demo:T002 demo:T003 demo:T004"
    )


def test_lower_bounds_that_cannot_be_met_name_the_persons():
    # P01 and P02 may go to T001 only: two visits in all, and five are asked for.
    off = kept_off(*range(2, 6))
    one, two = (Inspector("P01", VALID, forbidden=off, least=3), Inspector("P02", VALID, forbidden=off, least=2))
    away = Inspector("P03", DAY - timedelta(days=1), least=1)
    (short,) = feasible(targets(5), (one, two, away, *people(9)[5:]), on=DAY)
    assert short.text("en") == (
        "lower bounds cannot be met: P01 P02 P03 are to make 6 visits or more together, and can be given 2 at most"
    )


@settings(max_examples=150)
@given(situations())
def test_a_cut_is_a_shortage_indeed(situation):
    """Hall: the persons of the cut at their limits, and for each target those of its own team, are all who may take
    these places; together they fill what is filled, and no assignment fills more."""
    wanted, inspectors, size = situation
    places = places_of(wanted, inspectors, DAY, size)
    blocked = solve(places).blocked
    within = {one for one in range(len(inspectors)) if blocked.persons >> one & 1}
    beside = {
        (one, place // size)
        for place in blocked.places
        for one in range(len(inspectors))
        if places.may[place] >> one & 1 and one not in within
    }
    most = sum(places.most[one] for one in within) + len(beside)
    assert most == len(blocked.places) - len(blocked.empty)
    assert set(blocked.empty) <= blocked.places


def test_bounds_are_suggested_and_never_widened_silently():
    wanted, inspectors = targets(10), people(4, least=6, most=4)
    with pytest.raises(DrawError, match="P01"):
        suggest_bounds(wanted, inspectors, on=DAY)
    inspectors = people(4, most=4)
    assert feasible(wanted, inspectors, on=DAY)
    found = suggest_bounds(wanted, inspectors, on=DAY)
    assert (found.lower, found.upper) == (0, 1)
    assert {(p.least, p.most) for p in found.inspectors} == {(0, 5)}
    assert feasible(wanted, found.inspectors, on=DAY) == ()
    assert {p.most for p in inspectors} == {4}
    too_much = people(4, least=8)
    found = suggest_bounds(wanted, too_much, on=DAY)
    assert (found.lower, found.upper) == (3, 0)
    assert suggest_bounds(targets(2, "food"), people(3), on=DAY) is None
    assert suggest_bounds(wanted, people(4), on=DAY).inspectors == people(4)


@settings(max_examples=60)
@given(situations())
def test_the_suggested_bounds_are_enough_and_the_narrowest(situation):
    wanted, inspectors, size = situation
    unlimited = tuple(replace(p, least=0, most=None) for p in inspectors)
    found = suggest_bounds(wanted, inspectors, on=DAY, team_size=size)
    assert (found is None) == (next(every_assignment(wanted, unlimited, size), None) is None)
    if found is None:
        return
    assert not feasible(wanted, found.inspectors, on=DAY, team_size=size)
    for lower, upper in ((found.lower - 1, found.upper), (found.lower, found.upper - 1)):
        if min(lower, upper) < 0:
            continue
        tighter = tuple(
            replace(p, least=max(0, p.least - lower), most=None if p.most is None else p.most + upper)
            for p in inspectors
        )
        assert feasible(wanted, tighter, on=DAY, team_size=size)


def test_default_bounds_follow_the_days_present():
    days = [DAY + timedelta(days=n) for n in range(10)]
    crowd = (
        Inspector("P1", VALID),
        Inspector("P2", VALID, leave=((days[5], days[9]),)),
        Inspector("P3", days[4]),
        Inspector("P4", VALID, leave=((DAY, DAY),)),
        Inspector("P5", DAY - timedelta(days=1)),
    )
    found = load_bounds(targets(20), crowd, on=DAY, days=days, slack=1)
    # 40 places over 10 + 5 + 5 days: shares 20, 10 and 10; no more than one visit to each of 20 targets
    assert [(p.least, p.most) for p in found] == [(19, 20), (9, 11), (9, 11), (0, 0), (0, 0)]
    assert load_bounds(targets(3), people(4), on=DAY, slack=0)[0] == replace(people(1)[0], least=1, most=2)
    assert load_bounds(targets(3), people(4), on=DAY)[0] == replace(people(1)[0], least=0, most=3)
    assert parameters(DAY).load_slack == 1


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("wanted", "inspectors", "more", "code"),
    [
        ((), people(3), {}, "draw.assign.no_targets"),
        (targets(2), people(3), {"team_size": 1}, "draw.assign.team_too_small"),
        (targets(2), people(30), {"team_size": 21}, "draw.assign.too_many_places"),
        ((*targets(2), targets(1)[0]), people(3), {}, "draw.assign.target_twice"),
        (targets(2), (*people(3), people(1)[0]), {}, "draw.assign.number_twice"),
        (targets(2), (*people(3), Inspector("P|1", VALID)), {}, "draw.assign.bad_word"),
        (targets(2), (*people(3), Inspector("", VALID)), {}, "draw.field.bad_text"),
        (targets(2, "food|x"), people(3), {}, "draw.assign.bad_word"),
        (targets(2, "measure+food"), people(3), {}, "draw.assign.bad_speciality"),
        (targets(2, "food+food"), people(3), {}, "draw.assign.bad_speciality"),
        (targets(2, "food+"), people(3), {}, "draw.field.bad_text"),
        (targets(2), people(3, forbidden=kept_off(1, code="He owes me")), {}, "draw.assign.bad_code"),
        (targets(2), people(3, least=3, most=2), {}, "draw.assign.bad_bounds"),
        (targets(2), people(3, least=-1), {}, "draw.assign.bad_bounds"),
        (targets(2), people(3), {"steps_per_slot": 0}, "draw.assign.bad_steps"),
        (targets(2), people(3), {"steps_per_slot": 10**8}, "draw.assign.bad_steps"),
        (targets(2), people(3), {"nonce": "secret"}, "draw.field.not_hash"),
        (targets(2), people(3), {"at": datetime(2026, 4, 21, 6, 0)}, "draw.field.no_time_zone"),  # noqa: DTZ001
    ],
)
def test_it_refuses_lists_with_mistakes(wanted, inspectors, more, code):
    with pytest.raises(DrawError) as refused:
        constraints(wanted, inspectors, **{"on": DAY, "at": AT} | more)
    assert refused.value.code == code
    assert refused.value.text("zh") != refused.value.text("en")


# ── what is published ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_constraints_hold_what_matters_and_no_more():
    one = Inspector(
        "P09",
        VALID,
        frozenset({"b", "a"}),
        ((date(2020, 1, 1), date(2020, 2, 1)), (DAY, DAY)),
        (("demo:T777", "recusal"), ("demo:T002", "rotation"), ("demo:T001", "recusal")),
        least=0,
    )
    closed = constraints(targets(2)[::-1], (one, *people(3, most=2)), on=DAY, at=AT, nonce="c" * 64)
    made = closed.as_json()
    assert list(made) == ["on", "at", "team_size", "steps", "targets", "inspectors", "start", "nonce"]
    assert made["targets"] == [{"id": "demo:T001", "speciality": ""}, {"id": "demo:T002", "speciality": ""}]
    assert made["start"][0] == {"id": "demo:T001", "lead": "P01", "others": ["P02"]}
    assert (made["steps"], made["team_size"], made["on"], made["at"]) == (200, 2, "2026-05-11", "2026-04-21T06:00:00Z")
    assert [person["number"] for person in made["inspectors"]] == ["P01", "P02", "P03", "P09"]
    assert made["inspectors"][3] == {
        "number": "P09",
        "certificate_to": "2027-01-01",
        "specialities": ["a", "b"],
        "leave": [["2026-05-11", "2026-05-11"]],
        "least": 0,
        "most": 2,
        "forbidden": [["demo:T001", "recusal"], ["demo:T002", "rotation"]],
    }


def test_reading_gives_back_what_was_closed():
    closed = sample()[0]
    assert read_constraints(closed.as_json()) == closed
    assert constraints_hash(closed.as_json()) == hashlib.sha256(canonical(closed.as_json())).hexdigest()
    fraction = constraints(closed.targets, closed.inspectors, on=DAY, at=AT.replace(microsecond=7), nonce="c" * 64)
    assert fraction == closed


def sample():
    """Constraints, the second seed and the assignment of a sealed draw with twelve targets and six inspectors."""
    crowd = (
        *people(2, "food", forbidden=kept_off(3, 4)),
        *(Inspector(f"Q{i}", VALID, frozenset({"measure"}), forbidden=kept_off(i)) for i in range(1, 5)),
    )
    wanted = tuple(Target(t.id, ("food", "measure", "")[i % 3] if i > 4 else "") for i, t in enumerate(targets(12)))
    inspectors = load_bounds(wanted, crowd, on=DAY)
    closed = constraints(wanted, inspectors, on=DAY, at=AT, nonce="c" * 64)
    seed2 = assignment_seed(ANNOUNCED, constraints_hash(closed.as_json()), VALUES)
    return closed, seed2, assign(closed, seed2, values=VALUES)


def edited(section, change):
    """A deep copy of published JSON, with one thing changed."""
    copy = json.loads(canonical(section))
    change(copy)
    return copy


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda s: s["targets"].reverse(), "draw.verify.constraints_not_normal"),
        (lambda s: s["inspectors"].reverse(), "draw.verify.constraints_not_normal"),
        (lambda s: s["inspectors"][0]["forbidden"].reverse(), "draw.verify.constraints_not_normal"),
        (
            lambda s: s["inspectors"][0]["forbidden"].append(["demo:T999", "recusal"]),
            "draw.verify.constraints_not_normal",
        ),
        (
            lambda s: s["inspectors"][0]["leave"].append(["2026-06-01", "2026-06-02"]),
            "draw.verify.constraints_not_normal",
        ),
        (lambda s: s["inspectors"][0]["specialities"].extend(["zinc", "tin"]), "draw.verify.constraints_not_normal"),
        (lambda s: s["inspectors"][0]["forbidden"].append(["demo:T004"]), "draw.field.not_pair"),
        (lambda s: s["inspectors"][0].update(name="林"), "draw.field.unknown"),
        (lambda s: s["inspectors"][0].pop("least"), "draw.field.missing"),
        (lambda s: s["inspectors"][0].update(most=-1), "draw.field.not_integer"),
        (lambda s: s["inspectors"][0].update(most=0), "draw.assign.bad_bounds"),
        (lambda s: s["targets"].append(s["targets"][0]), "draw.assign.target_twice"),
        (lambda s: s["targets"].clear(), "draw.verify.constraints_not_normal"),
        (lambda s: s.update(steps=10**9), "draw.assign.bad_steps"),
        (lambda s: s.update(team_size=1), "draw.field.not_integer"),
        (lambda s: s.update(team_size=10**6), "draw.assign.too_many_places"),
        (lambda s: s.update(nonce=""), "draw.field.not_hash"),
        (lambda s: s.update(start={}), "draw.field.not_array"),
        (lambda s: s["start"][0].pop("others"), "draw.field.missing"),
    ],
)
def test_it_reads_the_constraints_in_their_set_form_only(change, code):
    section = sample()[0].as_json()
    with pytest.raises(DrawError) as refused:
        read_constraints(edited(section, change))
    assert refused.value.code == code


def test_the_second_seed_binds_announcement_constraints_and_randomness():
    closed = sample()[0]
    fixed = constraints_hash(closed.as_json())
    text = f"zhunsheng/draw/1/assign|{ANNOUNCED}|{fixed}|" + "|".join(f"{v.source}={v.value}" for v in VALUES)
    assert assignment_seed(ANNOUNCED, fixed, VALUES) == hashlib.sha256(text.encode()).hexdigest()
    assert len({assignment_seed(a, f, v) for a in "ab" for f in "cd" for v in (VALUES, VALUES[::-1])}) == 8
    with pytest.raises(DrawError, match="第二轮"):
        assignment_seed(ANNOUNCED, fixed, ())


def test_the_suite_is_used_for_every_hash():
    closed = sample()[0]
    fixed = constraints_hash(closed.as_json(), SM3)
    assert fixed == hashlib.new("sm3", canonical(closed.as_json())).hexdigest()
    seed2 = assignment_seed(ANNOUNCED, fixed, VALUES, suite=SM3)
    found = assign(closed, seed2, values=VALUES, suite=SM3)
    assert as_dict(found.teams) == chain_by_hand(closed, seed2, closed.steps, "sm3")
    assert found.teams != assign(closed, seed2).teams
    assert check_assignment(closed, found.as_json(), announcement_hash=ANNOUNCED, suite=SM3) == found
    with pytest.raises(DrawError, match="constraints_hash"):
        check_assignment(closed, found.as_json(), announcement_hash=ANNOUNCED, suite=SHA256)
    team = found.teams[0]
    order = candidates(closed, seed2, team, team.lead, suite=SM3)
    assert list(order) == sorted(
        order, key=lambda n: hashlib.new("sm3", f"{seed2}|replace|{team.target}|{n}".encode()).hexdigest()
    )


# ── the check: what was tampered with is named ───────────────────────────────────────────────────────────────────────


def check(closed, *, drawn=None, team_size=2, steps_per_slot=50, suite=SHA256, **more):
    """check_constraints of what the announcement of these constraints would have said."""
    wanted = {t.id: t.speciality for t in closed.targets} if drawn is None else drawn
    given = {"directory": directory_hash(closed.inspectors, suite)} | more
    check_constraints(closed, drawn=wanted, team_size=team_size, steps_per_slot=steps_per_slot, suite=suite, **given)


def test_an_honest_assignment_passes():
    closed, seed2, found = sample()
    check(closed)
    again = check_assignment(closed, found.as_json(), announcement_hash=ANNOUNCED)
    assert again == found
    assert again.seed == seed2
    late = assign(closed, seed2, values=VALUES, fallback=1, fallback_reason="大乐透停售")
    assert late.as_json()["fallback_reason"] == "大乐透停售"
    assert check_assignment(closed, late.as_json(), announcement_hash=ANNOUNCED).teams == found.teams


@pytest.mark.parametrize(
    ("drawn", "size", "per_slot", "named"),
    [
        (range(1, 12), 2, 50, "demo:T012"),
        (range(1, 14), 2, 50, "demo:T013"),
        (range(1, 13), 3, 50, "assign_announce.team_size"),
        (range(1, 13), 2, 51, "assign_announce.steps"),
    ],
)
def test_constraints_that_are_not_those_announced_are_refused(drawn, size, per_slot, named):
    with pytest.raises(DrawError, match=named):
        closed = sample()[0]
        known = {t.id: t.speciality for t in closed.targets}
        wanted = {unit: known.get(unit, "") for unit in (f"demo:T{i:03}" for i in drawn)}
        check(closed, drawn=wanted, team_size=size, steps_per_slot=per_slot)


def test_another_start_is_named():
    closed = sample()[0]
    first, second, *rest = closed.start
    swapped = replace(first, lead=first.others[0], others=(first.lead,))
    with pytest.raises(DrawError, match=r"assign_announce.start 中 demo:T001 的检查组应为 Q3 P02，现为 P02 Q3"):
        check(replace(closed, start=(swapped, second, *rest)))
    with pytest.raises(DrawError, match=r"start\.id"):
        check(replace(closed, start=(second, first, *rest)))
    with pytest.raises(DrawError, match=r"start"):
        check(replace(closed, start=closed.start[:-1]))


def test_another_team_seed_or_value_is_named():
    closed, _seed2, found = sample()
    made = found.as_json()

    def refusal(change):
        with pytest.raises(DrawError) as refused:
            check_assignment(closed, edited(made, change), announcement_hash=ANNOUNCED)
        return refused.value.text("en")

    last = found.teams[-1]
    assert refusal(lambda s: s["teams"][-1].update(lead="P99")) == (
        f"in assign.teams the team of {last.target} must be {last.lead} {last.others[0]}, and is P99 {last.others[0]}"
    )
    assert "assign.teams" in refusal(lambda s: s["teams"].pop())
    assert "assign.seed" in refusal(lambda s: s.update(seed="0" * 64))
    assert "assign.seed" in refusal(lambda s: s["values"][0].update(value="01-11-15-22-28-31+07"))
    assert "assign.constraints_hash" in refusal(lambda s: s.update(constraints_hash="0" * 64))
    with pytest.raises(DrawError, match=r"assign\.seed"):
        check_assignment(closed, made, announcement_hash="b" * 64)


def test_a_recusal_after_the_closing_changes_the_hash_and_is_refused():
    closed, _seed2, found = sample()
    team = found.teams[0]
    late = tuple(
        replace(p, forbidden=tuple(sorted({*p.forbidden, (team.target, "recusal")}))) if p.number == team.lead else p
        for p in closed.inspectors
    )
    altered = replace(closed, inspectors=late)
    with pytest.raises(DrawError, match="constraints_hash"):
        check_assignment(altered, found.as_json(), announcement_hash=ANNOUNCED)
    # Nor does the old start stand: the published one must be the canonical start of the published constraints.
    number = closed.start[0].lead
    late = tuple(
        replace(p, forbidden=(("demo:T001", "recusal"),)) if p.number == number else p for p in closed.inspectors
    )
    with pytest.raises(DrawError, match=r"assign_announce\.start 中 demo:T001"):
        check(replace(closed, inspectors=late))


# ── someone cannot go ────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_next_in_order_goes_instead():
    closed, seed2, found = sample()
    team = next(team for team in found.teams if team.target == "demo:T003")
    out = team.others[0]
    order = candidates(closed, seed2, team, out)
    able = {p.number for p in closed.inspectors if may(p, Target("demo:T003"), False)} - {*team.members}
    assert sorted(order) == sorted(able)
    assert list(order) == sorted(
        able, key=lambda n: hashlib.sha256(f"{seed2}|replace|demo:T003|{n}".encode()).hexdigest()
    )
    change = substitute(closed, seed2, team, out, reason="  突发\n疾病 ", at=AT + timedelta(days=3))
    assert change.newcomer == order[0]
    assert change.as_json() == {
        "id": "demo:T003",
        "out": out,
        "in": order[0],
        "lead": False,
        "passed": [],
        "reason": "突发 疾病",
        "at": "2026-04-24T06:00:00Z",
    }
    after = changed(team, change)
    assert after.lead == team.lead
    assert after.others == (order[0],)
    standing = check_changes(closed, seed2, found.teams, [change.as_json()])
    assert [after if team.target == "demo:T003" else team for team in found.teams] == list(standing)


def test_a_lead_is_replaced_by_a_qualified_one_and_who_is_passed_has_a_reason():
    closed, seed2, found = sample()
    team = next(t for t, target in zip(found.teams, closed.targets, strict=True) if target.speciality == "measure")
    order = candidates(closed, seed2, team, team.lead)
    assert len(order) >= 2
    assert all(number.startswith("Q") for number in order)
    change = substitute(
        closed, seed2, team, team.lead, passed=[(order[0], "同日另有检查")], reason="休假", at=AT + timedelta(days=3)
    )
    assert (change.newcomer, change.lead) == (order[1], True)
    after = changed(team, change)
    assert (after.lead, after.others) == (order[1], team.others)
    standing = check_changes(closed, seed2, found.teams, [change.as_json()])
    assert after in standing
    # A second absence in the same team starts from the team as it stands.
    again = substitute(closed, seed2, after, after.others[0], reason="休假", at=AT + timedelta(days=4))
    assert again.newcomer not in after.members
    both = check_changes(closed, seed2, found.teams, [change.as_json(), again.as_json()])
    assert changed(after, again) in both


def test_substitutes_out_of_order_are_refused():
    closed, seed2, found = sample()
    team = found.teams[4]
    out = team.others[0]
    order = candidates(closed, seed2, team, out)
    for passed, code in (
        ([(order[1], "忙")], "draw.changes.other_order"),
        ([(order[0], "忙"), (order[0], "忙")], "draw.changes.other_order"),
        ([(team.lead, "忙")], "draw.changes.other_order"),
        ([(number, "忙") for number in order], "draw.changes.nobody_left"),
        ([*((number, "忙") for number in order), ("P99", "忙")], "draw.changes.other_order"),
    ):
        with pytest.raises(DrawError) as refused:
            substitute(closed, seed2, team, out, passed=passed, reason="休假", at=AT)
        assert refused.value.code == code
    with pytest.raises(DrawError, match="不在"):
        substitute(closed, seed2, team, order[0], reason="休假", at=AT)
    with pytest.raises(DrawError, match="demo:T777"):
        candidates(closed, seed2, replace(team, target="demo:T777"), out)
    blank = Change(team.target, out, order[0], False, (), " ", AT)
    with pytest.raises(DrawError, match=r"changes\.reason"):
        blank.as_json()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda s: s[0].update({"in": "P99"}), r"changes\[0\]\.in"),
        (lambda s: s[0].update(lead=True), r"changes\[0\]\.lead"),
        (lambda s: s[0].update(lead=1), "true"),
        (lambda s: s[0].update(out="P99"), "P99"),
        (lambda s: s[0].update(id="demo:T777"), "demo:T777"),
        (lambda s: s[0].update(at="2026-04-20T06:00:00Z"), "早于"),
        (lambda s: s[0].update(passed=[{"number": s[0]["in"], "reason": "忙"}]), r"changes\[0\]\.in"),
        (lambda s: s[0].update(passed=[{"number": "P99", "reason": "忙"}]), "P99"),
        (lambda s: s[0].pop("reason"), "reason"),
        (lambda s: s.append(s[0]), "不在"),
        (lambda s: s.append(dict(s[0], at="2026-04-23T06:00:00Z")), "早于"),
    ],
)
def test_a_substitution_that_was_tampered_with_is_named(change, named):
    closed, seed2, found = sample()
    team = found.teams[4]
    made = [substitute(closed, seed2, team, team.others[0], reason="休假", at=AT + timedelta(days=3)).as_json()]
    check_changes(closed, seed2, found.teams, made)
    with pytest.raises(DrawError, match=named):
        check_changes(closed, seed2, found.teams, edited(made, change))


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_tables_are_sound_and_speak_of_kinds_that_exist():
    assert tables.check("draw/forbidden") == ()
    assert tables.check("draw/assignment") == ()
    assert parameters(DAY).steps_per_slot == 50
    assert parameters(DAY).rotation_visits == 2
    rows = tables.load("draw/forbidden").valid_on(DAY)
    kinds = [kind for row in rows for kind in row.list("kinds")]
    assert sorted(kinds) == sorted(row["code"] for row in tables.load("inspection/recusal_kinds").valid_on(DAY))
    for row in rows:
        barred = Inspector("P00", VALID, forbidden=(("demo:T001", row["code"]),))
        closed = constraints(targets(1), (barred, *people(3)), on=DAY, at=AT)
        assert closed.inspectors[0].forbidden == (("demo:T001", row["code"]),)
    before = {row["code"] for row in tables.load("draw/forbidden").valid_on(date(2017, 5, 3))}
    assert "recusal" in before
    assert "applied" not in before
    assert len({row["code"] for row in rows}) == len(rows)


# ── the page and the vectors ─────────────────────────────────────────────────────────────────────────────────────────

ROOT = Path(__file__).parents[2]


def said(teams):
    return ", ".join(f"{team.target} {' '.join(team.members)}" for team in teams)


def page_example():
    wanted = (Target("demo:T001", "food"), Target("demo:T002"), Target("demo:T003"))
    leads = (
        Inspector("P01", VALID, frozenset({"food"}), least=1, most=2),
        Inspector("P02", VALID, frozenset({"food"}), forbidden=kept_off(2), least=1, most=2),
    )
    crowd = (*leads, *(Inspector(f"P0{i}", VALID, least=1, most=2) for i in (3, 4)))
    closed = constraints(wanted, crowd, on=DAY, at=AT)
    fixed = constraints_hash(closed.as_json())
    seed2 = assignment_seed(ANNOUNCED, fixed, VALUES)
    found = assign(closed, seed2, values=VALUES)
    third = found.teams[2]
    made = {
        "constraints": canonical(closed.as_json()).decode(),
        "constraints hash": fixed,
        "values": " ".join(f"{value.source}={value.value}" for value in VALUES),
        "second seed": seed2,
        "start": said(closed.start),
    }
    for j in range(1, 5):
        h = hashlib.sha256(f"{seed2}|assign|{j}".encode()).digest()
        a, b = int.from_bytes(h[:8], "big") % 6, int.from_bytes(h[8:16], "big") % 10
        made[f"step {j}"] = f"a {a}, b {b}"
    four = chain_by_hand(closed, seed2, 4)
    return made | {
        "after 4 steps": ", ".join(f"{unit_id} {' '.join(team)}" for unit_id, team in four.items()),
        "teams": said(found.teams),
        "visits": ", ".join(f"{number} {visits}" for number, visits in found.load.items()),
        "steps that changed a team": str(found.moved),
        f"instead of {third.others[0]} at {third.target}": " ".join(candidates(closed, seed2, third, third.others[0])),
        "possible assignments": str(len(set(every_assignment(wanted, crowd, 2)))),
    }


@pytest.mark.parametrize("doc", ["assignment.md", "assignment.zh.md"])
def test_the_example_of_the_page_is_true(doc):
    text = (ROOT / "docs/rules" / doc).read_text(encoding="utf-8")
    (block,) = re.findall(r"```text\n(.*?)```", text, re.S)
    assert dict(line.split(" = ", 1) for line in block.splitlines()) == page_example()
    assert all(name in text for name in ("draw/assignment", "draw/forbidden", "inspection/recusal_kinds"))


VECTORS = json.loads((ROOT / "tests/vectors/draw/assign-1.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", VECTORS, ids=lambda case: case["name"])
def test_the_vectors_come_out_by_both_writings(case):
    named = suite(case["suite"])
    closed = read_constraints(case["assign_announce"])
    assert constraints_hash(case["assign_announce"], named) == case["constraints_hash"]
    values = [Value(source, value, AT, {}) for source, value in case["values"]]
    assert assignment_seed(case["announcement_hash"], case["constraints_hash"], values, suite=named) == case["seed"]
    size = closed.team_size
    per_slot = closed.steps // size // len(closed.targets)
    check(closed, team_size=size, steps_per_slot=per_slot, suite=named)
    assert as_dict(closed.start) == start_by_hand(closed.targets, closed.inspectors, size)
    found = assign(closed, case["seed"], suite=named)
    assert [team.as_json() for team in found.teams] == case["teams"]
    assert found.moved == case["moved"]
    assert as_dict(found.teams) == chain_by_hand(closed, case["seed"], closed.steps, case["suite"])
    teams = {team.target: team for team in found.teams}
    for one in case["replace"]:
        order = candidates(closed, case["seed"], teams[one["id"]], one["out"], suite=named)
        assert list(order) == one["order"]
