"""How one unit stands, read off the lines: as the whole draw has it, in every kind of draw."""

import datetime
import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhunsheng.engine import draw as engine
from zhunsheng.engine.draw.seal import tag
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.suites import SHA256, SM3

SEED, KEY = "5e" * 32, "ab" * 32
AT = datetime.datetime(2026, 4, 20, tzinfo=datetime.UTC)
SOURCES = [engine.Source("lottery:ssq", {"issue": "2026047"}), engine.Source("lottery:dlt", {"issue": "26048"})]


def announced(frame: engine.Frame, n: dict[str, int], **values):
    return engine.announcement(
        draw="demo-2026-001",
        frame=frame,
        n=n,
        sources=SOURCES,
        announced_at=AT,
        not_before=AT + datetime.timedelta(days=1),
        **values,
    )


@st.composite
def draws(draw):
    """A frame of one list or two, with exclusions, perhaps one stratum by size, open or sealed; and n."""
    count = draw(st.integers(1, 25))
    joint, sealed, by_size = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    names = ("food", "fire") if joint else ("",)
    units, sizes = [], {}
    for number in range(count):
        on = draw(st.sampled_from([names, names[:1], names[-1:]])) if joint else names
        unit = {"id": f"demo:T{number:03d}"}
        for name in on:
            mark, stratum = f"{name}." if name else "", draw(st.sampled_from("AB"))
            unit[f"{mark}stratum"], full = stratum, f"{name}/{stratum}" if name else stratum
            sizes.setdefault(full, 0)
            if draw(st.integers(0, 4)) == 0:
                unit[f"{mark}exclusion"] = "CAP"
            else:
                sizes[full] += 1
                unit[f"{mark}size"] = draw(st.integers(1, 9))
        units.append(unit)
    n = {full: draw(st.integers(1, size)) if size else 0 for full, size in sizes.items()}
    pareto = {full: n[full] for full in sorted(sizes)[:1] if by_size and 0 < n[full] < sizes[full]}
    frame = engine.freeze(
        units, lists=names if joint else (), pareto=pareto, seal_key=KEY if sealed else "", draw="demo-2026-001",
        suite=draw(st.sampled_from([SHA256, SM3])),
    )  # fmt: skip
    values = {"open_by": datetime.date(2026, 6, 1)} if sealed else {}
    lists = {name: engine.DrawList(f"office {name}") for name in names} if joint else None
    return frame, announced(frame, n, lists=lists, **values), n


def whole_order(frame: engine.Frame, seed: str, n: dict[str, int], unit_id: str) -> tuple[engine.Standing, ...]:
    """How a unit stands, by drawing everyone: `select` with n = N gives the whole order of a stratum."""
    leaf = next(json.loads(line) for line in frame.leaves if json.loads(line)["id"] == unit_id)
    called = tag(frame.seal_key, frame.draw, unit_id, frame.suite) if frame.seal_key else unit_id
    made = []
    for name in sorted(frame.lists) or [""]:
        mark = f"{name}." if name else ""
        if f"{mark}stratum" not in leaf:
            continue
        stratum = f"{name}/{leaf[f'{mark}stratum']}" if name else leaf["stratum"]
        ids, wanted, exclusion = frame.strata[stratum], n.get(stratum, 0), leaf.get(f"{mark}exclusion", "")
        order = engine.select(replace(frame, strata={stratum: ids}), seed, {stratum: len(ids)}) if ids else ()
        rank = next((unit.rank for unit in order if unit.id == unit_id), 0)
        share = Fraction(wanted, len(ids)) if ids else Fraction(0)
        if stratum in frame.pareto and rank:
            share = Fraction(frame.pareto[stratum][unit_id], frame.scale)
        last = order[wanted - 1].ticket if 0 < wanted <= len(order) else ""
        ticket = engine.ticket(seed, called, frame.suite)
        share = Fraction(0) if exclusion else share
        made.append(engine.Standing(stratum, exclusion, ticket, rank, len(ids), wanted, share, last))
    return tuple(made)


@settings(max_examples=60, deadline=None)
@given(draws())
def test_the_same_as_the_whole_draw_says(made):
    """Ticket, rank, cut-off, probability of every unit are those of the whole order; drawn are those that `select` draws."""
    frame, said, n = made
    terms = engine.read_terms(said)
    drawn = {(one.id, one.stratum): one for one in engine.select(frame, SEED, n)}
    for line in frame.leaves:
        unit = line.decode().split('"id":"')[1].split('"')[0]
        found = engine.standings(frame.leaves, terms, SEED, unit, frame.seal_key)
        assert found == whole_order(frame, SEED, n, unit)
        for one in found:
            assert one.drawn == ((unit, one.stratum) in drawn)
            if one.drawn:
                mine = drawn[unit, one.stratum]
                assert (mine.ticket, mine.rank, mine.probability) == (one.ticket, one.rank, one.probability)


@settings(max_examples=30, deadline=None)
@given(draws())
def test_the_proof_is_that_of_the_frame(made):
    frame, said, _n = made
    for line in frame.leaves[:3]:
        unit = line.decode().split('"id":"')[1].split('"')[0]
        proof = engine.membership_of(said, frame.lines, unit, frame.seal_key)
        assert proof == engine.membership_proof(said, frame, unit)
        assert engine.check_membership(proof).ok


UNITS = [{"id": f"demo:T{number:03d}", "stratum": "AB"[number % 2]} for number in range(9)]


def test_before_the_seed_there_are_odds_and_no_ticket():
    frame = engine.freeze(UNITS)
    terms = engine.read_terms(announced(frame, {"A": 2, "B": 1}))
    (one,) = engine.standings(frame.leaves, terms, "", "demo:T003")
    assert (one.stratum, one.n, one.size, one.ticket, one.rank, one.last, one.drawn) == ("B", 1, 4, "", 0, "", False)
    assert one.probability.as_integer_ratio() == (1, 4)


@pytest.mark.parametrize("unit", ["demo:T009", "demo:T", "demo:T0030", "", "x"])
def test_who_is_not_on_the_list_stands_nowhere(unit):
    frame = engine.freeze(UNITS)
    said = announced(frame, {"A": 2, "B": 1})
    assert engine.standings(frame.leaves, engine.read_terms(said), SEED, unit) is None
    with pytest.raises(DrawError) as refused:
        engine.membership_of(said, frame.lines, unit)
    assert refused.value.code == "draw.membership.not_in_frame"


def test_no_proof_is_made_from_other_lines():
    """Lines that were altered or are too few do not give a proof that nobody could check."""
    frame, other = engine.freeze(UNITS), engine.freeze([*UNITS[:8], {"id": "demo:T008", "stratum": "B"}])
    said = announced(frame, {"A": 2, "B": 1})
    for lines in (other.lines, frame.lines[:-1], (*frame.lines, b'{"id":"demo:T100","stratum":"A"}')):
        with pytest.raises(DrawError) as refused:
            engine.membership_of(said, lines, "demo:T003")
        assert refused.value.code == "draw.membership.other_frame"


def test_the_cut_off_is_the_ticket_of_the_last_one_drawn():
    frame = engine.freeze(UNITS)
    terms = engine.read_terms(announced(frame, {"A": 2, "B": 1}))
    last = [one for one in engine.select(frame, SEED, terms.n) if one.stratum == "A"][-1]
    out = next(
        one for unit in frame.strata["A"] for one in engine.standings(frame.leaves, terms, SEED, unit) if one.rank == 3
    )
    assert out.last == last.ticket < out.ticket and not out.drawn
    assert replace(out, rank=2).drawn
