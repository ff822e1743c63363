"""The draw by SQL is the engine's draw, unit for unit and byte for byte."""

from fractions import Fraction
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhunsheng.analytics import draw
from zhunsheng.engine.draw import freeze
from zhunsheng.engine.draw import select as engine_select
from zhunsheng.engine.draw.seal import tag
from zhunsheng.engine.errors import DrawError

SEED = "b108e9c2ad2bb24fb7b97d1a5b9d6e039cb5d63489bf164edfea4c02e4b3122b"
ONE_ENGINE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)


def fill(engine, units):
    """units: (id, tag or None, stratum, share or None)."""
    engine.table("unit", draw.UNIT, units)


def drawn(engine, *args, **kwargs):
    return list(draw.select(engine, *args, **kwargs))


def by_fractions(units, seed, n, scale):
    """Pareto order sampling, written down once more from the rule with exact fractions."""
    keyed = []
    for unit_id, sealed, stratum, share in units:
        ticket = sha256(f"{seed}|target|{sealed or unit_id}".encode()).hexdigest()
        k = int(ticket[:16], 16)
        keyed.append(
            (Fraction(k * (scale - share), (2**64 - k) * share), ticket, sealed or unit_id, unit_id, stratum, share)
        )
    return [
        (unit_id, stratum, ticket, rank, Fraction(share, scale))
        for rank, (_, ticket, _, unit_id, stratum, share) in enumerate(sorted(keyed)[:n], 1)
    ]


def as_rows(units):
    return [(unit.id, unit.stratum, unit.ticket, unit.rank, unit.probability) for unit in units]


# ── equal probabilities ──────────────────────────────────────────────────────────────────────────────────────────────


def test_it_works(engine):
    fill(engine, [(f"demo:{number:03d}", None, "甲" if number % 3 else "A", None) for number in range(60)])
    frame = freeze([{"id": f"demo:{number:03d}", "stratum": "甲" if number % 3 else "A"} for number in range(60)])
    n = {"A": 5, "甲": 7}
    assert drawn(engine, SEED, frame.sizes, n) == list(engine_select(frame, SEED, n))


leaves = st.dictionaries(
    st.integers(0, 10**9), st.tuples(st.sampled_from(["A", "B", "甲", "a/B", "𠀀", "ﬀ"]), st.sampled_from(["", "", "", "CAP"])),
    min_size=1, max_size=80,
)  # fmt: skip


@ONE_ENGINE
@given(units=leaves, seed=st.integers(0, 2**64), share=st.fractions(Fraction(1, 50), 1))
def test_any_frame_gives_what_the_engine_gives(engine, units, seed, share):
    rows = [
        {"id": f"demo:{number}", "stratum": s} | ({"exclusion": x} if x else {}) for number, (s, x) in units.items()
    ]
    frame = freeze(rows)
    n = {stratum: -(-size * share.numerator // share.denominator) for stratum, size in frame.sizes.items()}
    digest = sha256(str(seed).encode()).hexdigest()
    fill(engine, [(row["id"], None, row["stratum"], None) for row in rows if "exclusion" not in row])
    assert drawn(engine, digest, frame.sizes, n) == list(engine_select(frame, digest, n))


def test_everyone_of_a_stratum_can_be_drawn(engine):
    fill(engine, [(f"demo:{number}", None, "A", None) for number in range(40)])
    units = drawn(engine, SEED, {"A": 40}, {"A": 40})
    assert len({unit.id for unit in units}) == 40 and {unit.probability for unit in units} == {1}
    assert [unit.ticket for unit in units] == sorted(unit.ticket for unit in units)


def test_a_cut_off_that_lets_too_few_through_is_widened(engine, monkeypatch):
    """Never seen with the real bound, so the bound is made far too low here."""
    fill(engine, [(f"demo:{number:03d}", None, "ABC"[number % 3], None) for number in range(90)])
    sizes, n = dict.fromkeys("ABC", 30), {"A": 3, "B": 30, "C": 1}
    right = drawn(engine, SEED, sizes, n)
    monkeypatch.setattr(draw, "_cutoff", lambda n, size: "1" + "0" * 63)
    assert drawn(engine, SEED, sizes, n) == right
    monkeypatch.setattr(draw, "_cutoff", lambda n, size: "0" * 64)
    assert drawn(engine, SEED, sizes, n) == right


# ── unequal probabilities ────────────────────────────────────────────────────────────────────────────────────────────


def shares_of(weights, n, scale):
    """Some shares that add up to scale × n: the sizes in proportion, the rest given to whoever has room."""
    total = sum(weights)
    shares = [min(scale, max(1, scale * n * weight // total)) for weight in weights]
    for place in range(len(shares)):
        gap = scale * n - sum(shares)
        shares[place] = min(scale, max(1, shares[place] + gap))
    return shares if sum(shares) == scale * n else None


@ONE_ENGINE
@given(
    weights=st.lists(st.integers(1, 10**6), min_size=2, max_size=60),
    n=st.integers(1, 20),
    scale=st.sampled_from([1000, 1_000_000]),
    sealed=st.booleans(),
)
def test_pareto_is_ordered_as_exact_fractions(engine, weights, n, scale, sealed):
    shares = shares_of(weights, n, scale) if n <= len(weights) else None
    if shares is None:
        return
    units = [
        (f"demo:{place}", sha256(str(place).encode()).hexdigest() if sealed else None, "甲", share)
        for place, share in enumerate(shares)
    ]
    fill(engine, units)
    found = drawn(engine, SEED, {"甲": len(units)}, {"甲": n}, scale=scale, pareto={"甲"})
    assert as_rows(found) == by_fractions(units, SEED, n, scale)


def test_pareto_and_equal_strata_stand_together_in_order(engine):
    units = [(f"demo:{number:03d}", None, "ABCD"[number % 4], None) for number in range(80)]
    units = [
        (i, t, s, 200_000 + 10_000 * (place // 4 % 2 * 2 - 1) if s in "BD" else None)
        for place, (i, t, s, _) in enumerate(units)
    ]
    fill(engine, units)
    n = {"A": 2, "B": 4, "C": 20, "D": 4}
    found = drawn(engine, SEED, dict.fromkeys("ABCD", 20), n, scale=1_000_000, pareto={"B", "D"})
    assert [(unit.stratum, unit.rank) for unit in found] == [(s, rank) for s in "ABCD" for rank in range(1, n[s] + 1)]
    for stratum in "BD":
        mine = [row for row in units if row[2] == stratum]
        assert as_rows(unit for unit in found if unit.stratum == stratum) == by_fractions(mine, SEED, 4, 1_000_000)


def test_a_factor_that_lets_too_few_through_is_widened(engine, monkeypatch):
    units = [(f"demo:{number}", None, "A", 250_000) for number in range(40)]
    fill(engine, units)
    monkeypatch.setattr(draw, "_factor", lambda total, squares, scale: 1)
    found = drawn(engine, SEED, {"A": 40}, {"A": 10}, scale=1_000_000, pareto={"A"})
    assert as_rows(found) == by_fractions(units, SEED, 10, 1_000_000)


def test_the_widest_numbers_fit_the_decimals(engine):
    """The largest k, the smallest and the largest shares, the largest factor: 38 digits are not passed."""
    expression = (
        "SELECT CAST(conv('ffffffffffffffff', 16, 10) AS DECIMAL(20, 0)) * CAST(999999 AS DECIMAL(7, 0)) * CAST(1000 AS DECIMAL(4, 0)), "
        "(CAST('18446744073709551616' AS DECIMAL(20, 0)) - CAST(conv('0000000000000000', 16, 10) AS DECIMAL(20, 0)))"
        " * CAST(1000000 AS DECIMAL(7, 0)) * CAST(999999999 AS DECIMAL(9, 0))"
    )
    ((left, right),) = engine.rows(expression)
    assert int(left) == (2**64 - 1) * 999_999 * 1000 and int(right) == 2**64 * 1_000_000 * 999_999_999


def test_a_sealed_frame_with_a_pareto_stratum_gives_what_the_engine_gives(engine):
    key = "5a" * 32
    rows = [
        {"id": f"demo:{number:03d}", "stratum": "AB"[number % 2], "size": 1 + number * 37 % 50} for number in range(200)
    ]
    frame = freeze(rows, pareto={"B": 9}, draw="P-1", seal_key=key)
    weights = frame.pareto["B"]
    fill(
        engine,
        [
            (unit, tag(key, "P-1", unit), stratum, weights.get(unit))
            for stratum, ids in frame.strata.items()
            for unit in ids
        ],
    )
    n = {"A": 12, "B": 9}
    found = drawn(engine, SEED, frame.sizes, n, scale=frame.scale, pareto=frame.pareto)
    assert found == list(engine_select(frame, SEED, n))


def test_a_joint_draw_gives_what_the_engine_gives(engine):
    rows = [
        {"id": f"demo:{number:03d}"}
        | ({"food.stratum": "甲"} if number < 70 else {})
        | ({"fire.stratum": "甲"} if number > 40 else {})
        for number in range(100)
    ]
    frame = freeze(rows, lists=("food", "fire"))
    fill(engine, [(unit, None, stratum, None) for stratum, ids in frame.strata.items() for unit in ids])
    n = {"food/甲": 7, "fire/甲": 5}
    assert drawn(engine, SEED, frame.sizes, n) == list(engine_select(frame, SEED, n))


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("sizes", "n", "code"),
    [
        ({"A": 11}, {"A": 2}, "analytics.sizes"),
        ({"A": 10, "B": 1}, {"A": 2, "B": 1}, "analytics.sizes"),
        ({}, {"A": 2}, "analytics.sizes"),
        ({"A": 10}, {"A": 0}, "draw.n.out_of_range"),
        ({"A": 10}, {"A": 11}, "draw.n.out_of_range"),
        ({"A": 10}, {}, "draw.n.out_of_range"),
    ],
)
def test_a_table_that_is_not_the_announced_frame_is_refused_before_anything_is_drawn(engine, sizes, n, code):
    fill(engine, [(f"demo:{number}", None, "A", None) for number in range(10)])
    with pytest.raises(DrawError) as refusal:
        draw.select(engine, SEED, sizes, n)
    assert refusal.value.code == code
    assert refusal.value.text("en") != refusal.value.text("zh")


@pytest.mark.parametrize("shares", [[500, 500, 999], [1, 1999, 0], [1000, 1001, -1], [1000, 1000, None], [2000, 0, 0]])
def test_shares_that_do_not_add_up_are_refused(engine, shares):
    fill(engine, [(f"demo:{place}", None, "A", share) for place, share in enumerate(shares)])
    with pytest.raises(DrawError) as refusal:
        draw.select(engine, SEED, {"A": 3}, {"A": 2}, scale=1000, pareto={"A"})
    assert refusal.value.code == "analytics.shares"


def test_an_announced_stratum_without_a_unit_that_can_be_drawn_is_no_fault(engine):
    fill(engine, [("demo:1", None, "A", None)])
    assert [unit.id for unit in drawn(engine, SEED, {"A": 1, "B": 0}, {"A": 1, "B": 0})] == ["demo:1"]


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_frame_is_read_from_parquet_files_whose_path_needs_quoting(engine, tmp_path):
    from zhunsheng.analytics.engines import DuckDB

    folder = tmp_path / "市's 名录"
    folder.mkdir()
    frame = freeze([{"id": f"demo:{number:04d}", "stratum": "AB"[number % 2]} for number in range(2000)])
    paths = [folder / "1.parquet", folder / "2.parquet"]
    with DuckDB() as writer:
        for path, half in zip(paths, ("< 1000", ">= 1000"), strict=True):
            writer.write(
                "SELECT printf('demo:%04d', i) AS id, CAST(NULL AS VARCHAR) AS tag, "
                "CASE WHEN i % 2 = 0 THEN 'A' ELSE 'B' END AS stratum, CAST(NULL AS INTEGER) AS share "
                f"FROM range(2000) AS numbers(i) WHERE i {half}",
                path,
            )
    engine.parquet("unit", paths)
    n = {"A": 30, "B": 60}
    assert drawn(engine, SEED, frame.sizes, n) == list(engine_select(frame, SEED, n))
