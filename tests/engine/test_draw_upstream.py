"""Draws of other platforms: what their lists show is found, what honest lots give is left in peace, the rest is said."""

from datetime import date, timedelta
from fractions import Fraction
from hashlib import sha256

import pytest

from zhunsheng.engine.draw.upstream import (
    UNVERIFIABLE,
    Checked,
    Known,
    ListedUnit,
    Person,
    UpstreamDraw,
    check,
    hypergeometric_p,
    plausibility,
)

stats = pytest.importorskip("scipy.stats")

DAY = date(2026, 3, 2)


def hashed(*parts: object) -> int:
    return int.from_bytes(sha256("|".join(map(str, parts)).encode()).digest()[:8], "big")


def lot(ids: list[str], n: int, seed: object) -> set[str]:
    """An honest lot: the n smallest hashes."""
    return set(sorted(ids, key=lambda unit: hashed(seed, unit))[:n])


def made(number: int, drawn: set[str], size: int = 400, **more: object) -> UpstreamDraw:
    units = tuple(
        ListedUnit(f"province:{n:05d}", "", f"province:{n:05d}" in drawn, {"division": f"9901{n % 4:02d}"})
        for n in range(size)
    )
    return UpstreamDraw(f"P-{number}", "省双随机平台", DAY + timedelta(days=30 * number), units, **more)  # type: ignore[arg-type]


IDS = [f"province:{n:05d}" for n in range(400)]


def by_name(found: tuple[Checked, ...]) -> dict[str, Checked]:
    return {one.name: one for one in found}


def test_a_list_in_order_passes_every_check_that_can_be_made() -> None:
    drawn = lot(IDS, 20, "seed")
    draw = made(
        1, drawn, stated={"": (400, 20)}, ratios={"*": Fraction(5, 100)}, teams=dict.fromkeys(drawn, ("p1", "p2"))
    )
    people = {"p1": Person(True, frozenset({"计量"})), "p2": Person(True)}
    known = Known(frozenset(IDS), frozenset(IDS), {}, 2, people, "计量")
    assert {one.outcome for one in check(draw, known)} == {"holds"}


def test_what_is_not_known_is_not_judged() -> None:
    found = by_name(check(made(1, lot(IDS, 20, "s")), Known()))
    assert [name for name, one in found.items() if one.outcome == "holds"] == ["ids", "duplicates"]
    assert all(one.outcome == "not_judged" for name, one in found.items() if name not in {"ids", "duplicates"})


def test_each_fault_of_a_list_is_named_with_the_units_at_fault() -> None:
    units = (
        ListedUnit("province:1", drawn=True),
        ListedUnit("province:1", drawn=True),
        ListedUnit("uscc:91350100M000100Y44"),
        ListedUnit("province:2"),
        ListedUnit("province:3", drawn=True),
    )
    draw = UpstreamDraw(
        "P", "x", DAY, units, {"": (5, 2)}, {"*": Fraction(1, 10)}, {"province:1": ("a",), "province:3": ("b", "c")}
    )
    people = {"a": Person(False), "b": Person(True), "c": Person(True, frozenset({"计量"}), frozenset({"province:3"}))}
    known = Known(
        frozenset({"province:1", "province:2"}),
        frozenset({"province:2", "province:9"}),
        {"province:3": 2},
        2,
        people,
        "计量",
    )
    found = by_name(check(draw, known))
    wanted = {
        "ids": ("uscc:91350100M000100Y44",),
        "duplicates": ("province:1",),
        "counts": ("*: 5/2 ≠ 5/3",),
        "ratio": ("*: 3 ≠ 1",),
        "registered": ("province:3", "uscc:91350100M000100Y44"),
        "coverage": ("province:9",),
        "cap": ("province:3",),
        "team_size": ("province:1",),
        "certificates": ("a",),
        "leads": ("province:1", "province:3"),
        "recusals": ("province:3 c",),
    }
    assert {name: one.units for name, one in found.items() if one.outcome == "fails"} == wanted


@pytest.mark.parametrize("cell", [(10, 5, 5), (40, 7, 11), (200, 30, 60), (350, 349, 12)])
def test_the_exact_test_is_the_hypergeometric_one(cell: tuple[int, int, int]) -> None:
    size, n, k = cell
    law = stats.hypergeom(size, k, n)
    for found in range(max(0, n + k - size), min(n, k) + 1):
        assert hypergeometric_p([cell], found) == pytest.approx(min(1, 2 * min(law.cdf(found), law.sf(found - 1))))


def test_cells_add_up_as_independent_numbers() -> None:
    cells = [(30, 6, 9), (50, 10, 20)]
    laws = [stats.hypergeom(size, k, n) for size, n, k in cells]
    chance = sum(laws[0].pmf(x) * laws[1].pmf(y) for x in range(7) for y in range(11) if x + y <= 3)
    assert hypergeometric_p(cells, 3) == pytest.approx(2 * chance)


def test_many_cells_come_near_the_exact_law() -> None:
    assert hypergeometric_p([(2000, 500, 900)], 245) == pytest.approx(
        min(1, 2 * min(stats.hypergeom(2000, 900, 500).cdf(245), stats.hypergeom(2000, 900, 500).sf(244))), rel=0.01
    )


def test_honest_lots_raise_an_alarm_no_more_often_than_promised() -> None:
    """300 honest years of six draws each; at most 1 % should show anything, and 300 years allow for chance: Binomial."""
    alarms = 0
    for year in range(300):
        draws = [made(number, lot(IDS, 20, (year, number))) for number in range(6)]
        alarms += any(one.outcome == "unusual" for one in plausibility(draws, DAY))
    assert stats.binom.sf(alarms - 1, 300, 0.01) > 0.001, f"{alarms} of 300 honest years look unusual"


def unusual(draws: list[UpstreamDraw]) -> set[str]:
    return {one.name for one in plausibility(draws, DAY) if one.outcome == "unusual"}


def test_a_spared_district_is_seen_over_the_draws() -> None:
    spared = [unit for n, unit in enumerate(IDS) if n % 4]
    found = plausibility([made(number, lot(spared, 20, number)) for number in range(6)], DAY)
    assert {(one.name, one.reason.params["value"]) for one in found if one.outcome == "unusual"} >= {
        ("attribute", "990100")
    }


def test_every_twentieth_of_the_list_is_no_lot() -> None:
    assert "gaps" in unusual([made(number, set(IDS[7::10])) for number in range(1)])


def test_the_first_of_the_list_are_no_lot() -> None:
    assert {"position"} <= unusual([made(1, set(IDS[:20]))])


def test_always_the_same_firms_are_seen() -> None:
    same = lot(IDS, 15, "same")
    draws = [made(number, same | lot([one for one in IDS if one not in same], 5, number)) for number in range(3)]
    assert {"repeats", "again"} <= unusual(draws)


def test_the_same_inspector_to_the_same_firm_is_seen() -> None:
    drawn = lot(IDS, 20, "x")
    pool = [f"p{n}" for n in range(20)]
    teams = {unit: (pool[n], pool[(n + 1) % 20]) for n, unit in enumerate(sorted(drawn))}
    assert "pairs" in unusual([made(1, drawn, teams=teams), made(2, drawn, teams=teams)])


def test_nothing_drawn_and_no_draws_are_no_alarm() -> None:
    assert plausibility([], DAY) == ()
    assert unusual([made(1, set()), made(2, set(IDS))]) == set()


def test_what_cannot_be_verified_is_said_in_both_languages() -> None:
    assert len(UNVERIFIABLE) == 5
    for reason in UNVERIFIABLE:
        assert reason.text("zh") != reason.text("en")
