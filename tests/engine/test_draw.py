"""The draw: frame, numbers, announcement, seed, selection. Vectors: tests/vectors/draw/own-12.json."""

import hashlib
from collections import Counter
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.draw_sample import (
    ANNOUNCED_AT,
    DRAND,
    NOT_BEFORE,
    OWN,
    OWN_UNITS,
    ROUND_1000,
    N,
    announce,
    ceremony,
    ceremony_values,
    drand_source,
    drand_value,
    rule,
)
from zhunsheng.engine import draw
from zhunsheng.engine.draw import (
    Fallback,
    Source,
    Value,
    allocate,
    announcement_hash,
    commitment,
    execute,
    first_round_after,
    freeze,
    round_time,
    satisfied_profiles,
    seed,
    seed_text,
    select,
    select_pareto,
    ticket,
)
from zhunsheng.engine.draw.sources import check_signature
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import leaf_hash, tree_root

DICE_2 = Source("ceremony:dice-2", {"rolls": 10})
FRAME = freeze(OWN_UNITS)
USCC = "uscc:91350100M000100Y43"


def refused(code, call, *args, **kwargs):
    with pytest.raises(DrawError) as caught:
        call(*args, **kwargs)
    assert caught.value.code == code, caught.value.text("en")
    assert caught.value.text("zh") and caught.value.text("en")
    return caught.value


# own-12.json


def test_it_freezes_the_published_frame():
    assert [leaf.decode() for leaf in FRAME.leaves] == OWN["leaves"]
    assert FRAME.root == OWN["root"]
    assert (FRAME.size, FRAME.sizes, FRAME.excluded) == (12, {"A": 4, "B": 4, "C": 2, "D": 2}, {})


@pytest.mark.parametrize("part", ["drand", "ceremony"])
def test_it_draws_the_published_units(part):
    given = OWN[part]
    assert announcement_hash(given["announcement"]) == given["announcement_hash"]
    assert seed_text(given["announcement"], given["values"]) == given["seed_text"]
    assert seed(given["seed_text"]) == given["seed"]
    drawn = select(FRAME, given["seed"], given["announcement"]["n"])
    for stratum, ids in given["selected"].items():
        assert [unit.id for unit in drawn if unit.stratum == stratum] == ids
    for unit in drawn:
        assert unit.ticket == ticket(given["seed"], unit.id)
    for unit_id, expected in given.get("tickets", {}).items():
        assert ticket(given["seed"], unit_id) == expected


def test_it_draws_the_published_pareto_sample():
    given = OWN["drand"]["pareto"]
    wanted = {unit["id"]: given["lambda_per_mille"][unit["stratum"]] for unit in OWN_UNITS}
    drawn = select_pareto(FRAME, OWN["drand"]["seed"], given["n"], wanted)
    assert sorted(unit.id for unit in drawn) == given["selected"]
    assert [unit.rank for unit in drawn] == [1, 2, 3, 4, 5, 6]
    assert {unit.probability for unit in drawn if unit.stratum == "B"} == {Fraction(2, 5)}


# the frame


def test_the_order_in_which_units_are_given_does_not_matter():
    assert freeze(reversed(OWN_UNITS)) == FRAME


def test_an_excluded_unit_stays_in_the_frame_and_cannot_be_drawn():
    units = [
        *OWN_UNITS,
        {"id": "demo:T013", "stratum": "D", "exclusion": "CAP"},
        {"id": "demo:X", "stratum": "E", "exclusion": "CAP"},
    ]
    frame = freeze(units)
    assert frame.size == 14 and frame.excluded == {"CAP": 2}
    assert frame.sizes == {"A": 4, "B": 4, "C": 2, "D": 2, "E": 0}
    assert frame.root != FRAME.root
    numbers = {**N, "D": 2, "E": 0}
    for seed_number in range(50):
        drawn = select(frame, seed(str(seed_number)), numbers)
        assert not {"demo:T013", "demo:X"} & {unit.id for unit in drawn}


def test_every_committed_column_is_under_the_root():
    unit = {
        "id": "demo:T001",
        "stratum": "A",
        "division": "川东区",
        "risk_class": "A",
        "size_measure": 120,
        "行业": "C13",
    }
    root = freeze([unit]).root
    for column, value in [
        ("division", "川西区"),
        ("risk_class", "B"),
        ("size_measure", 121),
        ("行业", "C14"),
        ("stratum", "B"),
    ]:
        assert freeze([{**unit, column: value}]).root != root
    (leaf,) = freeze([unit]).leaves
    assert leaf.decode() == (
        '{"division":"川东区","id":"demo:T001","risk_class":"A","size_measure":120,"stratum":"A","行业":"C13"}'
    )
    assert tree_root([leaf_hash(leaf)]).hex() == root


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        ({"stratum": "A"}, "draw.frame.no_id"),
        ({"id": 7, "stratum": "A"}, "draw.frame.no_id"),
        ({"id": "demo:T|1", "stratum": "A"}, "draw.frame.bad_id"),
        ({"id": "demo:T=1", "stratum": "A"}, "draw.frame.bad_id"),
        ({"id": "T001", "stratum": "A"}, "identifiers.not_unit_id"),
        ({"id": "demo:单位", "stratum": "A"}, "identifiers.not_unit_id"),
        ({"id": USCC[:-1] + "4", "stratum": "A"}, "identifiers.check_digit"),
        ({"id": USCC.lower(), "stratum": "A"}, "identifiers.not_normal"),
        ({"id": "demo:1"}, "draw.field.not_text"),
        ({"id": "demo:1", "stratum": ""}, "draw.field.bad_text"),
        ({"id": "demo:1", "stratum": "A\n"}, "draw.field.bad_text"),
        ({"id": "demo:1", "stratum": "e\u0301"}, "draw.field.bad_text"),
        ({"id": "demo:1", "stratum": "A", "exclusion": 3}, "draw.field.not_text"),
        ({"id": "demo:1", "stratum": "A", "x": 1.5}, "draw.frame.bad_value"),
        ({"id": "demo:1", "stratum": "A", "x": ["a"]}, "draw.frame.bad_value"),
        ({"id": "demo:1", "stratum": "A", "": "a"}, "draw.field.bad_text"),
        ({"id": "demo:1", "stratum": "A", "x": 2**60}, "public_log.integer_too_large"),
    ],
)
def test_it_refuses_a_unit_by_its_number(unit, code):
    error = refused(code, freeze, [{"id": USCC, "stratum": "A"}, unit])
    assert error.where.split()[0] == "2"


def test_it_refuses_a_unit_twice():
    """One unit, one ticket: a second line with another stratum is still the same unit."""
    error = refused("draw.frame.duplicate_id", freeze, [*OWN_UNITS, {"id": "demo:T004", "stratum": "B"}])
    assert "demo:T004" in error.text("en")


def test_it_refuses_a_frame_of_nothing():
    refused("draw.frame.empty", freeze, [])


# how many


def test_n_is_the_ceiling_of_the_share():
    sizes = {"A": 1000, "B": 101, "C": 1, "D": 0}
    ratios = {
        "A": Fraction(1, 100),
        "B": Fraction(2, 100),
        "C": Fraction(1, 1000),
        "D": Fraction(3, 10),
        "E": Fraction(1),
    }
    assert allocate(sizes, ratios) == {"A": 10, "B": 3, "C": 1, "D": 0}
    assert allocate({"A": 3}, Fraction(1)) == {"A": 3}


@given(st.integers(0, 10**6), st.fractions(Fraction(1, 10**6), 1))
def test_n_is_the_least_number_that_reaches_the_share(size, share):
    n = allocate({"A": size}, share)["A"]
    assert size * share <= n <= size and (n == 0 or n - 1 < size * share)
    assert n >= 1 or size == 0


def test_it_refuses_a_share_of_nothing_and_of_more_than_all():
    for share in (Fraction(0), Fraction(-1, 2), Fraction(3, 2)):
        refused("draw.allocate.bad_ratio", allocate, {"A": 5}, share)
    refused("draw.allocate.no_ratio", allocate, {"A": 5, "B": 5}, {"A": Fraction(1, 2)})


@pytest.mark.parametrize(
    ("n", "code"),
    [
        ({**N, "E": 1}, "draw.n.unknown_stratum"),
        ({"A": 1, "B": 2, "C": 1}, "draw.n.forgotten_stratum"),
        ({**N, "A": 0}, "draw.n.out_of_range"),
        ({**N, "D": 3}, "draw.n.out_of_range"),
    ],
)
def test_it_refuses_numbers_that_do_not_fit_the_frame(n, code):
    refused(code, select, FRAME, seed("x"), n)
    refused(code, announce, n=n)


# announcement


def test_the_announcement_states_everything_and_its_hash_binds_it():
    made = announce()
    assert made["N"] == {"A": 4, "B": 4, "C": 2, "D": 2} and made["not_before"] == "2023-08-23T01:00:00Z"
    assert made["fallback"][0]["after_hours"] == 48 and made["assignment"]["rule"] == "zhunsheng/assign/1"
    found = announcement_hash(made)
    for changed in (
        announce(draw="demo-2026-004"),
        announce(n={**N, "A": 2}),
        announce(sources=ceremony()[::-1]),
        announce(items=["登记事项检查"]),
        announce(legal_basis="国办发〔2015〕58号"),
        announce(rule_book_sha256="0" * 64),
        announce(fallback=[]),
        announce(not_before=NOT_BEFORE + timedelta(seconds=1)),
    ):
        assert announcement_hash(changed) != found


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"not_before": NOT_BEFORE - timedelta(seconds=1)}, "draw.announce.too_soon"),
        (
            {
                "sources": [drand_source(900)],
                "fallback": [],
                "announced_at": ROUND_1000 - timedelta(hours=24),
                "not_before": ROUND_1000,
            },
            "draw.announce.round_too_early",
        ),
        ({"sources": [Source("lottery:ssq", {"issue": "2023099"})]}, "draw.announce.no_profile"),
        ({"sources": [ceremony()[0], ceremony()[2]]}, "draw.announce.no_profile"),
        ({"sources": ceremony()[:2]}, "draw.announce.no_profile"),
        ({"sources": [Source("ceremony:party-1"), *ceremony()[1:]]}, "draw.field.missing"),
        ({"sources": [*ceremony()[:2], Source("ceremony:dice")]}, "draw.field.missing"),
        ({"sources": [*ceremony()[:2], Source("ceremony:dice", {"rolls": 1001})]}, "draw.source.too_many_rolls"),
        ({"fallback": [Fallback(48, (DICE_2,))]}, "draw.announce.no_profile"),
        ({"assignment": rule(sources=[DICE_2])}, "draw.announce.no_profile"),
        ({"assignment": rule(team_size=1)}, "draw.field.not_integer"),
        ({"sources": []}, "draw.announce.no_sources"),
        ({"sources": [*ceremony(), ceremony()[0]]}, "draw.announce.source_twice"),
        ({"sources": [*ceremony(), Source("index:shanghai")]}, "draw.source.unknown_kind"),
        ({"sources": [*ceremony(), Source("lottery:3d", {"issue": "1"})]}, "draw.source.unknown_kind"),
        ({"sources": [Source("drand:" + "0" * 64, {"round": 1})]}, "draw.source.unknown_chain"),
        ({"sources": [Source(DRAND)]}, "draw.field.missing"),
        ({"sources": [Source(DRAND, {"round": 1000, "seed": 1})]}, "draw.field.unknown"),
        ({"sources": [Source(DRAND, {"round": 0})]}, "draw.field.not_integer"),
        ({"sources": [Source(DRAND, {"round": 2**52})]}, "draw.source.round_too_far"),
        ({"sources": [Source("ceremony:甲方")]}, "draw.field.not_ascii"),
        ({"sources": [Source("ceremony:a=b")]}, "draw.field.not_ascii"),
        ({"sources": [Source("ceremony:a|b")]}, "draw.field.not_ascii"),
        ({"announced_at": NOT_BEFORE.replace(tzinfo=None)}, "draw.field.no_time_zone"),
        ({"rule_book_sha256": "abc"}, "draw.field.not_hash"),
        ({"draw": ""}, "draw.field.not_draw_number"),
    ],
)
def test_it_refuses_an_announcement_that_leaves_a_lever(changed, code):
    refused(code, announce, **changed)


def test_a_profile_is_met_by_its_parts_and_by_more():
    def codes(*sources):
        return {row["code"] for row in satisfied_profiles(sources, ANNOUNCED_AT.date())}

    ssq, dlt = Source("lottery:ssq", {"issue": "1"}), Source("lottery:dlt", {"issue": "1"})
    assert codes(*ceremony()) == {"ceremony"}
    assert codes(ssq, dlt) == {"lottery-pair"}
    assert codes(drand_source(), *ceremony()) == {"ceremony", "drand-quicknet"}
    assert codes(ssq, *ceremony()[:2]) == set()


# execution


def test_the_ceremony_gives_the_seed():
    made = announce()
    execution = execute(made, ceremony_values())
    values = [value.value for value in ceremony_values()]
    text = "|".join(
        ["zhunsheng/draw/1", announcement_hash(made)]
        + [f"{source.id}={value}" for source, value in zip(ceremony(), values, strict=True)]
    )
    assert execution.seed_text == text
    assert execution.seed == hashlib.sha256(text.encode()).hexdigest()
    assert execution.at == ceremony_values()[0].at


def test_a_party_that_does_not_reveal_is_replaced_by_its_default():
    values = ceremony_values(secrets=("none", ceremony_values()[1].value))
    assert "party-1=none" in execute(announce(), values).seed_text


def test_the_fallback_gives_the_seed_only_with_its_reason_and_after_its_wait():
    made = announce()
    late = NOT_BEFORE + timedelta(hours=48)
    values = [Value("lottery:ssq", "03-11-15-22-28-31+07", late), Value("lottery:dlt", "02-09-17-25-33+04-11", late)]
    execution = execute(made, values, fallback=1, fallback_reason="一方未到场")
    assert execution.seed_text.endswith("|lottery:ssq=03-11-15-22-28-31+07|lottery:dlt=02-09-17-25-33+04-11")
    refused("draw.execute.fallback_reason", execute, made, values, fallback=1)
    refused("draw.execute.no_such_fallback", execute, made, values, fallback=2, fallback_reason="x")
    refused("draw.execute.no_such_fallback", execute, made, values, fallback=-1, fallback_reason="x")
    early = [Value(v.source, v.value, late - timedelta(seconds=1)) for v in values]
    refused("draw.execute.too_early", execute, made, early, fallback=1, fallback_reason="x")


def values_with(**changed):
    first, *rest = ceremony_values()
    given = {"source": first.source, "value": first.value, "at": first.at} | changed
    return [Value(**given), *rest]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (ceremony_values(at=NOT_BEFORE - timedelta(seconds=1)), "draw.execute.too_early"),
        (values_with(at=NOT_BEFORE - timedelta(days=400)), "draw.execute.too_early"),
        (ceremony_values()[:2], "draw.execute.number_of_values"),
        (ceremony_values()[::-1], "draw.value.other_source"),
        (values_with(value="0" * 32), "draw.value.not_committed"),
        (values_with(value="3f9c"), "draw.value.too_short"),
        (values_with(value="a|b"), "draw.field.not_ascii"),
        (values_with(value="口令"), "draw.field.not_ascii"),
        (ceremony_values(dice="4-2-6"), "draw.value.not_dice"),
        (ceremony_values(dice="4-2-6-1-5-3-3-6-2-7"), "draw.value.not_dice"),
        (ceremony_values(dice="4-2-6-1-5-3-3-6-2-1-1"), "draw.value.not_dice"),
        (ceremony_values(dice="4263153621"), "draw.value.not_dice"),
        (values_with(at=NOT_BEFORE.replace(tzinfo=None)), "draw.field.no_time_zone"),
    ],
)
def test_it_refuses_values_that_were_not_announced(values, code):
    refused(code, execute, announce(), values)


@pytest.mark.parametrize(
    ("source", "value", "good"),
    [
        ("lottery:ssq", "03-11-15-22-28-31+07", True),
        ("lottery:ssq", "03-11-15-22-28-33+16", True),
        ("lottery:ssq", "11-03-15-22-28-31+07", False),
        ("lottery:ssq", "03-03-15-22-28-31+07", False),
        ("lottery:ssq", "03-11-15-22-28-34+07", False),
        ("lottery:ssq", "03-11-15-22-28-31+17", False),
        ("lottery:ssq", "00-11-15-22-28-31+07", False),
        ("lottery:ssq", "3-11-15-22-28-31+7", False),
        ("lottery:ssq", "03-11-15-22-28-31", False),
        ("lottery:ssq", "03-11-15-22-28+07", False),
        ("lottery:dlt", "02-09-17-25-35+04-12", True),
        ("lottery:dlt", "02-09-17-25-36+04-11", False),
        ("lottery:dlt", "02-09-17-25-33+11-04", False),
        ("lottery:dlt", "02-09-17-25-33+04", False),
    ],
)
def test_lottery_numbers_have_one_spelling(source, value, good):
    from zhunsheng.engine.draw.sources import check_value

    announced, given = Source(source, {"issue": "1"}), Value(source, value, ROUND_1000)
    if good:
        check_value(announced, given, "d")
    else:
        refused(f"draw.value.not_{source[-3:]}", check_value, announced, given, "d")


def test_a_commitment_is_to_this_draw_and_this_party():
    found = commitment("d1", "ceremony:a", "secret")
    assert found == hashlib.sha256(b"zhunsheng/draw/1/commit|d1|ceremony:a|secret").hexdigest()
    assert len({found, commitment("d2", "ceremony:a", "secret"), commitment("d1", "ceremony:b", "secret")}) == 3


# drand


def drand_announcement(number=1000):
    announced_at = NOT_BEFORE - timedelta(hours=48)
    return announce(sources=[drand_source(number)], announced_at=announced_at, fallback=[], assignment=None)


def test_a_drand_round_is_verified_offline_and_gives_the_seed():
    execution = execute(drand_announcement(), [drand_value()])
    assert execution.seed_text.endswith(f"|{DRAND}={OWN['drand']['values'][0]}")
    assert execution.at == ROUND_1000 == round_time(drand_source())


@pytest.mark.parametrize(
    ("number", "value", "code"),
    [
        (1000, drand_value(signature=""), "draw.drand.no_signature"),
        (1000, drand_value(signature="zz" * 48), "draw.drand.no_signature"),
        (1000, drand_value(value="0" * 64), "draw.drand.wrong_randomness"),
        (
            1000,
            drand_value(signature="00" * 48, value=hashlib.sha256(bytes(48)).hexdigest()),
            "draw.drand.bad_signature",
        ),
        (1001, drand_value(at=ROUND_1000 + timedelta(seconds=3)), "draw.drand.bad_signature"),
        (1001, drand_value(), "draw.execute.not_round_time"),
        (1000, drand_value(at=ROUND_1000 + timedelta(hours=1)), "draw.execute.not_round_time"),
        (1000, drand_value(value="FE29"), "draw.field.not_hash"),
    ],
)
def test_it_refuses_a_false_drand_round(number, value, code):
    refused(code, execute, drand_announcement(number), [value])


def test_without_the_package_a_drand_round_does_not_pass(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "drand_verify", None)
    refused("draw.drand.not_installed", check_signature, drand_source(), drand_value())


def test_rounds_and_times_agree():
    """published.md: 2026-04-20T00:00:00Z is round 27946612."""
    moment = datetime.fromisoformat("2026-04-20T00:00:00+00:00")
    assert first_round_after(DRAND, moment) == 27946612
    assert first_round_after(DRAND, datetime.fromisoformat("2020-01-01T00:00:00+00:00")) == 1


@given(st.integers(0, 10**9))
def test_the_first_round_after_a_moment_is_the_first(seconds):
    moment = ROUND_1000 + timedelta(seconds=seconds)
    number = first_round_after(DRAND, moment)
    assert round_time(drand_source(number)) >= moment > round_time(drand_source(number - 1))


# selection


@given(st.integers(1, 400), st.data())
def test_the_drawn_are_the_smallest_tickets_of_their_stratum(size, data):
    units = [{"id": f"demo:{i}", "stratum": data.draw(st.sampled_from("AB"))} for i in range(size)]
    frame = freeze(units)
    n = {stratum: data.draw(st.integers(1, count)) for stratum, count in frame.sizes.items()}
    chosen = seed(str(size))
    drawn = select(frame, chosen, n)
    for stratum, ids in frame.strata.items():
        by_hand = sorted((hashlib.sha256(f"{chosen}|target|{i}".encode()).hexdigest(), i) for i in ids)[: n[stratum]]
        assert [(unit.ticket, unit.id) for unit in drawn if unit.stratum == stratum] == by_hand
    assert all(unit.probability == Fraction(n[unit.stratum], frame.sizes[unit.stratum]) for unit in drawn)


def test_a_bound_that_cuts_too_much_does_not_change_the_draw(monkeypatch):
    from zhunsheng.engine.draw import selection

    expected = select(FRAME, OWN["drand"]["seed"], N)
    monkeypatch.setattr(selection, "likely_bound", lambda n, size: b"\x00" * 32)
    assert select(FRAME, OWN["drand"]["seed"], N) == expected


def test_a_unit_more_or_less_changes_no_other_ticket():
    """Order-free: departments that draw from overlapping lists with one seed draw the same units first."""
    chosen = seed("x")
    larger = freeze([*OWN_UNITS, {"id": "demo:T013", "stratum": "A"}])
    before = [unit.id for unit in select(FRAME, chosen, {**N, "A": 4}) if unit.stratum == "A"]
    after = [unit.id for unit in select(larger, chosen, {**N, "A": 5}) if unit.stratum == "A"]
    assert [i for i in after if i != "demo:T013"] == before


CHI2_999 = {5: 20.515, 7: 24.322}
"""Upper 0.1 % points of the χ² distribution by degrees of freedom (tables)."""


def test_every_unit_is_drawn_equally_often():
    """4000 seeds, 3 of 8: each unit is expected 1500 times. The covariance of a fixed-size draw without replacement
    makes Σ(O−E)²/E times (N−1)/(N−n) follow χ² with N−1 degrees of freedom."""
    frame = freeze([{"id": f"demo:{i}", "stratum": "A"} for i in range(8)])
    runs, n, size = 4000, 3, 8
    hits = Counter(u.id for r in range(runs) for u in select(frame, seed(f"run {r}"), {"A": n}))
    expected = runs * n / size
    statistic = sum((hits[f"demo:{i}"] - expected) ** 2 / expected for i in range(size)) * (size - 1) / (size - n)
    assert statistic < CHI2_999[size - 1]


def test_every_pair_of_units_is_drawn_equally_often():
    """4000 seeds, 2 of 4: the six possible samples are equally likely; χ² with 5 degrees of freedom."""
    frame = freeze([{"id": f"demo:{i}", "stratum": "A"} for i in range(4)])
    runs = 4000
    samples = Counter(frozenset(u.id for u in select(frame, seed(f"pair {r}"), {"A": 2})) for r in range(runs))
    assert len(samples) == 6
    assert sum((count - runs / 6) ** 2 / (runs / 6) for count in samples.values()) < CHI2_999[5]


def test_pareto_keeps_to_its_probabilities():
    """6000 seeds on the frame of own-12.json; four standard errors of a proportion around λ."""
    given = OWN["drand"]["pareto"]["lambda_per_mille"]
    wanted = {unit["id"]: given[unit["stratum"]] for unit in OWN_UNITS}
    runs = 6000
    hits = Counter(u.id for r in range(runs) for u in select_pareto(FRAME, seed(f"pareto {r}"), 6, wanted))
    for unit_id, a in wanted.items():
        share = a / 1000
        # Pareto is near-exact: on twelve units the design's own departure stays below 0.02
        assert abs(hits[unit_id] / runs - share) <= 4 * (share * (1 - share) / runs) ** 0.5 + 0.02 * (a < 1000)


@given(
    st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.integers(1, 1000), st.integers(1, 1000)
)
def test_pareto_keys_compare_as_exact_fractions(one, other, a, b):
    from zhunsheng.engine.draw.pareto import pareto_key

    def fraction(digest, lam):
        k = int.from_bytes(digest[:8], "big")
        return Fraction(k * (1000 - lam), (2**64 - k) * lam)

    exact = fraction(one, a), fraction(other, b)
    keys = pareto_key(one, a, 1000), pareto_key(other, b, 1000)
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (exact[0] < exact[1], exact[0] == exact[1])


@pytest.mark.parametrize(
    ("n", "wanted", "code"),
    [
        (6, {unit["id"]: 0 for unit in OWN_UNITS}, "draw.pareto.bad_lambda"),
        (6, {unit["id"]: 1001 for unit in OWN_UNITS}, "draw.pareto.bad_lambda"),
        (6, {}, "draw.pareto.bad_lambda"),
        (3, {unit["id"]: 500 for unit in OWN_UNITS}, "draw.pareto.bad_sum"),
        (13, {unit["id"]: 1000 for unit in OWN_UNITS}, "draw.pareto.bad_sum"),
    ],
)
def test_pareto_refuses_probabilities_that_are_none(n, wanted, code):
    refused(code, select_pareto, FRAME, seed("x"), n, wanted)


# the public surface


def test_the_package_exports_what_it_promises():
    for name in draw.__all__:
        assert getattr(draw, name) is not None
    assert {
        "freeze",
        "allocate",
        "announcement",
        "announcement_hash",
        "execute",
        "select",
        "assign",
        "feasible",
        "bundle",
        "verify",
    } <= set(draw.__all__)
