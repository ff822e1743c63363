"""The assignment of inspectors: never short without saying so first, never a recused pair, and computed by anyone."""

import hashlib
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.draw_sample import DAY, INSPECTORS, drand_value
from zhunsheng.engine.draw import Inspector, Target, assign, assignment_seed, constraints, constraints_hash, feasible
from zhunsheng.engine.errors import DrawError

AT = datetime(2023, 8, 23, 6, 0, tzinfo=UTC)
SEED = hashlib.sha256(b"second").hexdigest()
VALID = date(2027, 1, 1)


def targets(count, speciality=""):
    return tuple(Target(f"demo:{i}", hashlib.sha256(b"%d" % i).hexdigest(), speciality) for i in range(count))


def people(count, *specialities):
    return tuple(Inspector(f"P{i:02}", VALID, frozenset(specialities)) for i in range(count))


def by_hand(wanted, inspectors, seed2, on, team_size=2):
    """The rule of docs/rules/draw.md written a second time, the slow way."""
    load, teams = Counter(), {}
    for target in sorted(wanted, key=lambda t: (t.ticket, t.id)):
        team = []
        for place in range(team_size):
            able = [
                p.number
                for p in inspectors
                if on <= p.certificate_to
                and not any(a <= on <= b for a, b in p.leave)
                and target.id not in p.recusals
                and p.number not in team
                and (place > 0 or not target.speciality or target.speciality in p.specialities)
            ]
            text = f"{seed2}|assign|{target.id}|"
            team.append(min(able, key=lambda n: (load[n], hashlib.sha256((text + n).encode()).hexdigest(), n)))
            load[team[-1]] += 1
        teams[target.id] = team
    return teams


def test_it_gives_every_target_two_different_persons_and_evens_the_load():
    found = assign(targets(30), people(7), SEED, on=DAY, at=AT)
    assert len(found.teams) == 30
    assert all(len({team.lead, *team.others}) == 2 for team in found.teams)
    assert max(found.load.values()) - min(found.load.values()) <= 1
    assert [team.target for team in found.teams] == [t.id for t in sorted(targets(30), key=lambda t: t.ticket)]


@st.composite
def situations(draw):
    kinds = ["", "食品", "计量"]
    inspectors = tuple(
        Inspector(
            f"P{i:02}",
            DAY + timedelta(days=draw(st.integers(-1, 3))),
            frozenset(draw(st.sets(st.sampled_from(kinds[1:])))),
            draw(st.sampled_from([(), ((DAY, DAY),), ((DAY + timedelta(days=1), DAY + timedelta(days=2)),)])),
            frozenset(draw(st.sets(st.sampled_from([f"demo:{t}" for t in range(8)]), max_size=3))),
        )
        for i in range(draw(st.integers(0, 8)))
    )
    wanted = tuple(Target(t.id, t.ticket, draw(st.sampled_from(kinds))) for t in targets(draw(st.integers(1, 8))))
    return wanted, inspectors, draw(st.integers(2, 3))


@given(situations(), st.text(max_size=5))
def test_it_assigns_exactly_when_it_said_it_could(situation, text):
    wanted, inspectors, team_size = situation
    seed2 = hashlib.sha256(text.encode()).hexdigest()
    if shortages := feasible(wanted, inspectors, on=DAY, team_size=team_size):
        assert all(reason.text("zh") and reason.text("en") for reason in shortages)
        with pytest.raises(DrawError) as refused:
            assign(wanted, inspectors, seed2, on=DAY, at=AT, team_size=team_size)
        assert refused.value.reason == shortages[0]
        return
    found = assign(wanted, inspectors, seed2, on=DAY, at=AT, team_size=team_size)
    assert {team.target: [team.lead, *team.others] for team in found.teams} == by_hand(
        wanted, inspectors, seed2, DAY, team_size
    )
    known = {person.number: person for person in inspectors}
    for team in found.teams:
        members = [known[number] for number in (team.lead, *team.others)]
        assert len({member.number for member in members}) == team_size
        for member in members:
            assert member.certificate_to >= DAY and team.target not in member.recusals
            assert not any(first <= DAY <= last for first, last in member.leave)
        speciality = next(t.speciality for t in wanted if t.id == team.target)
        assert not speciality or speciality in members[0].specialities


def test_the_order_of_the_lists_does_not_matter():
    wanted, inspectors = targets(12, "食品"), people(5, "食品")
    one = assign(wanted, inspectors, SEED, on=DAY, at=AT)
    other = assign(wanted[::-1], inspectors[::-1], SEED, on=DAY, at=AT)
    assert one == other


def test_another_seed_gives_other_teams_and_every_person_has_a_chance():
    leads = Counter()
    for run in range(600):
        seed2 = hashlib.sha256(b"run %d" % run).hexdigest()
        leads[assign(targets(1), people(6), seed2, on=DAY, at=AT).teams[0].lead] += 1
    # one target, equal loads: each of six leads with probability 1/6; χ² with 5 degrees of freedom, upper 0.1 %
    assert sum((leads[f"P{i:02}"] - 100) ** 2 / 100 for i in range(6)) < 20.515


def test_a_shortage_is_said_before_the_seed():
    wanted = (*targets(240, "食品"), *(Target(f"demo:m{i}", "0" * 64, "计量") for i in range(60)))
    (leads,) = feasible(wanted, people(3, "食品"), on=DAY)
    assert leads.text("en").startswith("leads qualified for 计量 cover 0 of 60 targets; without a lead: demo:m0 ")
    assert leads.text("en").endswith("…")
    recused = (Inspector("P1", VALID), Inspector("P2", VALID, recusals=frozenset({"demo:3"})))
    (teams,) = feasible(targets(5), recused, on=DAY)
    assert teams.text("en") == (
        "teams of 2 can be made for 4 of 5 targets (valid certificate, not on leave, not recused); short: demo:3"
    )
    nobody = feasible(targets(2), (), on=DAY)
    assert [reason.code for reason in nobody] == ["draw.assign.anyone_short", "draw.assign.teams_short"]


@pytest.mark.parametrize(
    ("wanted", "inspectors", "team_size", "code"),
    [
        (targets(2), people(3), 1, "draw.assign.team_too_small"),
        ((*targets(2), targets(1)[0]), people(3), 2, "draw.assign.target_twice"),
        (targets(2), (*people(3), people(1)[0]), 2, "draw.assign.number_twice"),
        (targets(2), (*people(3), Inspector("P|1", VALID)), 2, "draw.assign.bad_number"),
        (targets(2), (*people(3), Inspector("", VALID)), 2, "draw.field.bad_text"),
    ],
)
def test_it_refuses_lists_with_mistakes(wanted, inspectors, team_size, code):
    with pytest.raises(DrawError) as refused:
        assign(wanted, inspectors, SEED, on=DAY, at=AT, team_size=team_size)
    assert refused.value.code == code


def test_the_constraints_hold_what_matters_and_no_more():
    ids = ("demo:T001", "demo:T005")
    wanted = tuple(Target(i, "0" * 64) for i in ids)
    inspector = Inspector(
        "P09",
        VALID,
        frozenset({"b", "a"}),
        ((DAY, DAY), (date(2020, 1, 1), date(2020, 2, 1))),
        frozenset({"demo:T005", "demo:T777"}),
    )
    made = constraints(wanted[::-1], (inspector, *INSPECTORS[:1]), on=DAY, at=AT)
    assert made["targets"] == [{"id": "demo:T001", "speciality": ""}, {"id": "demo:T005", "speciality": ""}]
    assert made["inspectors"][1] == {
        "number": "P09",
        "certificate_to": "2027-01-01",
        "specialities": ["a", "b"],
        "leave": [["2023-08-28", "2023-08-28"]],
        "recusals": ["demo:T005"],
    }


def test_the_second_seed_binds_announcement_constraints_and_randomness():
    made = constraints(targets(2), people(3), on=DAY, at=AT)
    fixed = constraints_hash(made)
    derived = assignment_seed("a" * 64, fixed, SEED, ())
    text = f"zhunsheng/draw/1/assign|{'a' * 64}|{fixed}|{SEED}"
    assert derived == hashlib.sha256(text.encode()).hexdigest()
    value = drand_value()
    text = f"zhunsheng/draw/1/assign|{'a' * 64}|{fixed}|{value.source}={value.value}"
    assert assignment_seed("a" * 64, fixed, SEED, (value,)) == hashlib.sha256(text.encode()).hexdigest()
    other = constraints(targets(2), people(4), on=DAY, at=AT)
    assert assignment_seed("a" * 64, constraints_hash(other), SEED, ()) != derived
