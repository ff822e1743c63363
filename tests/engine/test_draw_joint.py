"""Several lists, a committed scope, and unequal probabilities: one ticket a unit, lambda by a published rule."""

import copy
import hashlib
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.draw_sample import JOINT_N, JOINT_UNITS, LISTS, UNITS, N, announce, joint, joint_frame, log_of
from tests.engine.test_draw import CHI2_999, refused
from tests.engine.test_draw_verify import changed, first_failure, hexchange, resealed
from zhunsheng.engine.draw import (
    DrawList,
    allocate,
    count_strata,
    freeze,
    lambdas,
    seed,
    select,
    targets,
    ticket,
    verify,
)
from zhunsheng.engine.public_log import canonical
from zhunsheng.engine.suites import SM3

JOINT = joint()
SCOPE = {"division": ["411600", "411601", "411602"]}

# lists


def test_a_unit_on_several_lists_has_one_ticket_and_is_one_target():
    frame = joint_frame()
    assert frame.lists == ("fire", "food") and set(frame.sizes) == {"fire/general", "food/A", "food/B"}
    drawn = select(frame, seed("x"), JOINT_N)
    assert [unit.stratum for unit in drawn] == sorted(unit.stratum for unit in drawn)
    assert all(unit.ticket == ticket(seed("x"), unit.id) for unit in drawn)
    assert len(targets(drawn)) < len(drawn) == sum(JOINT_N.values())
    assert targets(drawn) == tuple(sorted({unit.id for unit in drawn}))
    # the certificate on the constraints names every firm once
    assert [t["id"] for t in JOINT["assign_announce"]["targets"]] == sorted({u["id"] for u in JOINT["selection"]})


@given(st.integers(0, 10**6), st.integers(1, 30))
def test_lists_that_overlap_draw_the_same_units_first(number, n):
    """Positive co-ordination (Ohlsson): common tickets make two lists of the same firms draw the same firms."""
    units = [{"id": f"demo:{i:03}", "a.stratum": "x"} | ({"b.stratum": "y"} if i < 30 else {}) for i in range(40)]
    frame = freeze(units, lists=("a", "b"))
    drawn = select(frame, seed(str(number)), {"a/x": 40, "b/y": n})
    order = [unit.id for unit in drawn if unit.stratum == "a/x" and int(unit.id[-3:]) < 30]
    assert [unit.id for unit in drawn if unit.stratum == "b/y"] == order[:n]
    alone = freeze([{"id": unit["id"], "stratum": "y"} for unit in units[:30]])
    assert [unit.ticket for unit in select(alone, seed(str(number)), {"y": n})] == [
        unit.ticket for unit in drawn if unit.stratum == "b/y"
    ]


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        ({"division": "411600"}, "draw.frame.on_no_list"),
        ({"stratum": "A"}, "draw.frame.unknown_list"),
        ({"food.stratum": "A", "water.stratum": "A"}, "draw.frame.unknown_list"),
        ({"food.stratum": "A", "fire.exclusion": "CAP"}, "draw.frame.not_on_list"),
        ({"food.stratum": "A", "fire.lambda": 3}, "draw.frame.not_on_list"),
        ({"food.stratum": ""}, "draw.field.bad_text"),
        ({"food.stratum": "A", "food.exclusion": 3}, "draw.field.not_text"),
        ({"food.stratum": "A", "food.lambda": 3}, "draw.pareto.stray"),
    ],
)
def test_a_unit_that_is_on_no_list_or_half_on_one_is_refused(unit, code):
    assert refused(code, freeze, [{"id": "demo:1", **unit}], lists=("food", "fire")).where == "1 demo:1"


def test_lists_are_announced_as_they_were_frozen():
    frame = joint_frame()
    refused("draw.announce.other_lists", announce, frame=frame, n=JOINT_N)
    refused("draw.announce.other_lists", announce, frame=frame, n=JOINT_N, lists={"food": LISTS["food"]})
    refused("draw.announce.other_lists", announce, lists=LISTS)
    refused("draw.field.bad_note", announce, frame=frame, n=JOINT_N, lists=LISTS | {"fire": DrawList("")})
    for bad in (("Food",), ("1",), ("food/x",), ("",), ("a" * 41,), ("食品",)):
        refused("draw.frame.list_name", freeze, JOINT_UNITS, lists=bad)
    refused("draw.frame.list_twice", freeze, JOINT_UNITS, lists=("food", "food"))


def test_a_true_joint_bundle_passes_with_its_own_steps():
    verdict = verify(JOINT)
    assert verdict.ok, [step.reason.text("en") for step in verdict.steps if step.ok is False]
    assert verdict.step("scope").ok and verdict.step("pareto").ok
    assert "fire/general" in verdict.step("pareto").reason.text("zh")


def leaf_of(made, unit_id):
    return next(n for n, leaf in enumerate(made["open"]["leaves"]) if f'"{unit_id}"' in leaf)


def edited(old, new):
    """The joint bundle with one line edited and the root made anew, as someone would who committed to a false frame."""
    made = copy.deepcopy(JOINT)
    lines = made["open"]["leaves"]
    number = next(n for n, line in enumerate(lines) if old in line)
    lines[number] = lines[number].replace(old, new, 1)
    from zhunsheng.engine.draw.frame import root_of

    made["announce"]["frame"]["root"] = root_of(line.encode() for line in lines)
    return made


@pytest.mark.parametrize(
    ("made", "step"),
    [
        (edited('"division":"411602"', '"division":"411700"'), "scope"),
        (edited('"division":"411602"', '"division":411602'), "scope"),
        (edited('"fire.lambda":', '"fire.lambda":1'), "pareto"),
        (edited('"fire.size":', '"fire.size":1'), "pareto"),
        (edited(',"fire.size":', ',"fire.sizes":'), "pareto"),
        (edited('"fire.size":5,"fire.stratum":"general"', '"fire.size":5,"fire.stratum":"other"'), "leaves-canonical"),
        (edited('"food.stratum":"A"', '"food.stratum":"B"'), "sizes"),
        (changed("announce", "pareto", "strata", to=["food/A"], of=JOINT), "leaves-canonical"),
        (changed("announce", "pareto", "strata", to=["fire/x"], of=JOINT), "format"),
        (changed("announce", "pareto", "strata", to=[], of=JOINT), "format"),
        (changed("announce", "pareto", "scale", to=10, of=JOINT), "format"),
        (changed("announce", "pareto", "scale", to=1000, of=JOINT), "pareto"),
        (changed("announce", "n", "fire/general", to=6, of=JOINT), "pareto"),
        (changed("announce", "lists", to={}, of=JOINT), "format"),
        (changed("announce", "lists", "food", to={"office": "x"}, of=JOINT), "format"),
        (changed("announce", "lists", to=lambda lists: {"food": lists["food"]}, of=JOINT), "format"),
        (changed("announce", "scope", to={}, of=JOINT), "format"),
        (changed("announce", "scope", "division", to=[], of=JOINT), "format"),
        (changed("announce", "scope", "division", to=["4117"], of=JOINT), "scope"),
        (changed("selection", 0, "probability", to="5/16", of=JOINT), "probabilities"),
        (changed("selection", 0, "ticket", to=hexchange, of=JOINT), "tickets"),
        (changed("selection", to=lambda drawn: [drawn[1], drawn[0], *drawn[2:]], of=JOINT), "selection"),
    ],
)  # fmt: skip
def test_a_change_fails_in_its_step(made, step):
    """What follows from the announcement fails with it; the step named is the first one beside its hash."""
    failed = [s.name for s in verify(made).steps if s.ok is False and s.name != "announcement-hash"]
    assert failed[0] == step, failed


def test_a_list_that_hides_an_office_cannot_come_later():
    without = {name: part for name, part in JOINT.items() if name != "log"}
    assert verify(resealed(without)).ok
    late = log_of(JOINT, ("execute", "announce", "selection", "assign_announce", "assign", "changes", "results"))
    assert first_failure(verify(resealed({**JOINT, "log": late}))) == "log-inclusion"


# scope


def test_a_frame_outside_the_announced_scope_is_not_announced():
    frame = joint_frame()
    error = refused("draw.scope.outside", announce, frame=frame, n=JOINT_N, lists=LISTS, scope={"division": ["411601"]})
    assert "demo:J" in error.text("en")
    refused("draw.scope.outside", announce, scope={"industry": ["C"]})
    refused("draw.announce.empty_scope", announce, scope={"division": []})
    refused("draw.field.bad_text", announce, scope={"division": [""]})
    assert announce(scope={"id": ["demo:"], "stratum": ["A", "B", "C", "D"]})["scope"]["id"] == ["demo:"]


# lambda from size


def exactly(sizes, n, scale):
    """Rule zhunsheng/lambda/1 a second time, with fractions."""
    certain = set()
    while True:
        left, total = n - len(certain), sum(s for i, s in sizes.items() if i not in certain)
        joins = {i for i, s in sizes.items() if i not in certain and left * s >= total}
        if not joins:
            break
        certain |= joins
    q = {i: Fraction(scale * left * s, total) for i, s in sizes.items() if i not in certain}
    made = dict.fromkeys(certain, scale) | {i: max(1, share.numerator // share.denominator) for i, share in q.items()}
    rest = scale * n - sum(made.values())
    if rest < 0:
        return None
    order = sorted((i for i in q if q[i] >= 1), key=lambda i: (-(q[i] - q[i].numerator // q[i].denominator), i))
    for i in order[:rest]:
        made[i] += 1
    return made


@given(st.lists(st.integers(1, 10**6) | st.integers(1, 9), min_size=1, max_size=25), st.data())
def test_lambda_follows_from_size_by_the_published_rule(numbers, data):
    sizes = {f"demo:{i:02}": size for i, size in enumerate(numbers)}
    n, scale = data.draw(st.integers(1, len(sizes))), data.draw(st.sampled_from([1000, 1_000_000]))
    expected = exactly(sizes, n, scale)
    if expected is None:
        refused("draw.pareto.too_uneven", lambdas, sizes, n, scale)
        return
    found = lambdas(sizes, n, scale)
    assert found == expected == lambdas(dict(reversed(sizes.items())), n, scale)
    assert sum(found.values()) == scale * n and all(1 <= a <= scale for a in found.values())
    ordered = sorted(sizes, key=sizes.__getitem__)
    for small, large in zip(ordered, ordered[1:], strict=False):
        assert found[small] <= found[large] + (sizes[small] == sizes[large]), "a larger unit is not less likely"


def test_a_unit_larger_than_its_share_is_certain():
    sizes = {"demo:1": 1, "demo:2": 2, "demo:3": 3, "demo:4": 100}
    assert lambdas(sizes, 2, 1000) == {"demo:1": 167, "demo:2": 333, "demo:3": 500, "demo:4": 1000}
    assert set(lambdas(sizes, 4).values()) == {1_000_000}
    assert lambdas({"a": 5, "b": 5, "c": 5}, 2, 1000) == {"a": 667, "b": 667, "c": 666}


@pytest.mark.parametrize(
    ("sizes", "n", "scale", "code"),
    [
        ({"a": 1}, 0, 1000, "draw.pareto.bad_n"),
        ({"a": 1}, 2, 1000, "draw.pareto.bad_n"),
        ({}, 1, 1000, "draw.pareto.bad_n"),
        ({"a": 0, "b": 1}, 1, 1000, "draw.pareto.bad_size_number"),
        ({"a": 1, "b": 1}, 1, 999, "draw.pareto.bad_scale"),
        ({"big": 10**9, **{f"small{i}": 1 for i in range(2000)}}, 2, 1000, "draw.pareto.too_uneven"),
    ],
)
def test_sizes_that_give_no_probabilities_are_refused(sizes, n, scale, code):
    refused(code, lambdas, sizes, n, scale)


def sized(count=12, scale=1_000_000, n=4):
    units = [{"id": f"demo:{i:02}", "stratum": "A", "size": i + 1} for i in range(count)]
    return freeze([*units, {"id": "demo:X", "stratum": "A", "exclusion": "CAP"}], pareto={"A": n}, scale=scale)


def test_the_frame_commits_size_and_lambda():
    frame = sized()
    assert frame.sizes == {"A": 12} and sum(frame.pareto["A"].values()) == 4_000_000
    line = frame.leaves[0].decode()
    assert '"lambda":' in line and '"size":1' in line
    assert b"lambda" not in frame.leaves[-1]
    again = [{"id": "demo:1", "stratum": "A", "size": 1, "lambda": 1_000_000}]
    assert freeze(again, pareto={"A": 1}).pareto == {"A": {"demo:1": 1_000_000}}
    refused("draw.pareto.other_lambda", freeze, [again[0] | {"lambda": 5}], pareto={"A": 1})
    refused("draw.pareto.stray", freeze, again)
    refused("draw.pareto.stray", freeze, [again[0] | {"exclusion": "CAP"}], pareto={"A": 0})
    refused("draw.pareto.bad_size", freeze, [{"id": "demo:1", "stratum": "A"}], pareto={"A": 1})
    for size in (0, -1, "7", True, None):
        refused("draw.pareto.bad_size", freeze, [{"id": "demo:1", "stratum": "A", "size": size}], pareto={"A": 1})
    refused("draw.n.unknown_stratum", freeze, UNITS, pareto={"Z": 0})
    assert (
        refused("draw.pareto.bad_n", freeze, [{"id": "demo:1", "stratum": "A", "size": 1}], pareto={"A": 2}).where
        == "A"
    )


def test_n_is_known_before_the_frame_is_frozen():
    units = [{"id": f"demo:{i}", "stratum": "AB"[i % 2], "size": i + 1} for i in range(20)]
    sizes = count_strata(units)
    assert sizes == {"A": 10, "B": 10} == freeze(units).sizes
    n = allocate(sizes, Fraction(3, 10))
    frame = freeze(units, pareto={"A": n["A"]})
    assert frame.sizes == sizes and {u.probability for u in select(frame, seed("x"), n) if u.stratum == "B"} == {
        Fraction(3, 10)
    }
    assert count_strata(JOINT_UNITS, ("fire", "food")) == joint_frame().sizes
    refused("draw.frame.no_id", count_strata, [{"stratum": "A"}])


@given(st.integers(0, 10**6), st.sampled_from([1000, 1_000_000]))
def test_the_drawn_have_the_smallest_keys_as_fractions(number, scale):
    frame, chosen = sized(scale=scale), seed(str(number))

    def key(unit):
        k, a = int(ticket(chosen, unit)[:16], 16), frame.pareto["A"][unit]
        return Fraction(k * (scale - a), (2**64 - k) * a), ticket(chosen, unit), unit

    by_hand = sorted(frame.strata["A"], key=key)[:4]
    drawn = select(frame, chosen, {"A": 4})
    assert [unit.id for unit in drawn] == by_hand and [unit.rank for unit in drawn] == [1, 2, 3, 4]
    assert all(unit.probability == Fraction(frame.pareto["A"][unit.id], scale) for unit in drawn)


def test_units_are_drawn_as_often_as_their_lambda_says():
    """4000 seeds. Pareto is near-exact; on 12 units its own departure stays below 0.01."""
    frame, runs = sized(), 4000
    hits = Counter(unit.id for run in range(runs) for unit in select(frame, seed(f"size {run}"), {"A": 4}))
    for unit, a in frame.pareto["A"].items():
        share = a / 1_000_000
        assert abs(hits[unit] / runs - share) <= 4 * (share * (1 - share) / runs) ** 0.5 + 0.01


def test_a_stratum_drawn_whole_is_certain():
    drawn = select(freeze(UNITS), seed("x"), {**N, "A": 4})
    assert {unit.probability for unit in drawn if unit.stratum == "A"} == {1}


def test_every_unit_of_each_list_is_drawn_equally_often():
    """3000 seeds, two lists that share units, 2 of 6 each: χ² on each list as for one list alone."""
    units = [
        {"id": f"demo:{i}"} | ({"a.stratum": "x"} if i < 6 else {}) | ({"b.stratum": "x"} if i > 2 else {})
        for i in range(9)
    ]
    frame, runs = freeze(units, lists=("a", "b")), 3000
    hits = Counter((u.stratum, u.id) for r in range(runs) for u in select(frame, seed(f"j {r}"), {"a/x": 2, "b/x": 2}))
    for stratum in ("a/x", "b/x"):
        expected = runs * 2 / 6
        counts = [hits[stratum, unit] for unit in frame.strata[stratum]]
        assert sum((c - expected) ** 2 / expected for c in counts) * 5 / 4 < CHI2_999[5]


# the other suite


def test_another_suite_gives_other_hashes_throughout():
    one, other = freeze(UNITS), freeze(UNITS, suite=SM3)
    assert one.leaves == other.leaves and one.root != other.root
    drawn = select(other, seed("x", SM3), N)
    assert drawn[0].ticket == hashlib.new("sm3", f"{seed('x', SM3)}|target|{drawn[0].id}".encode()).hexdigest()
    assert announce(frame=other)["suite"] == "sm3" and "suite" not in announce()
    assert canonical(announce(frame=other)) != canonical(announce())
