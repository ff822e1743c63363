"""Claims about clusters, stages, domains, unequal probabilities, pooled draws: R on real samples, then enumeration."""

import csv
import hashlib
import itertools
import json
import math
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine.errors import EstimateError
from zhunsheng.engine.estimate import (
    Method,
    Role,
    Stratum,
    Unit,
    UnitResult,
    YearDraw,
    by_area,
    design_effect,
    mean,
    pass_rate,
    pass_rates_by_area,
    pool,
    rate,
    rates_by_area,
    ratio,
    role_shares,
    stratified,
    total,
    year_shares,
)

ROOT = Path(__file__).resolve().parents[2]
R = json.loads((ROOT / "tests/vectors/estimate/designs.json").read_text(encoding="utf-8"))
PASS, FAIL, GONE, SILENT = Role.ELIGIBLE_PASS, Role.ELIGIBLE_FAIL, Role.INELIGIBLE, Role.NON_RESPONSE


def same(found, expected, rel=1e-9):
    assert (found.value, found.se) == pytest.approx((expected["value"], expected["se"]), rel=rel)


def codes(reasons):
    return [reason.code for reason in reasons]


# ---- clusters: every school of 15 of 757 districts -----------------------------------------------------------------


def one_stage(column, **more):
    """Columns: dnum, stype, api00, enroll, api.stu, wide, met."""
    pi = Fraction(15, 757)
    return [
        Unit("all", pi, row[column], area=row[1], cluster=str(row[0]), pi_cluster=pi, **more)
        for row in R["apiclus1"]["rows"]
    ]


def test_one_stage_clusters_as_r_survey():
    expected = R["apiclus1"]
    same(mean(one_stage(2)), expected["mean_api00"])
    same(total(one_stage(3)), expected["total_enroll"])
    same(mean(one_stage(5)), expected["wide"])
    same(total(one_stage(3, weight=expected["pw"])), expected["total_enroll_pw"])
    assert mean(one_stage(2)).df == expected["df"] == 14


def test_a_ratio_over_clusters_as_r_survey():
    both = [replace(u, x=row[3]) for u, row in zip(one_stage(4), R["apiclus1"]["rows"], strict=True)]
    same(ratio(both), R["apiclus1"]["ratio"])


def test_domains_of_a_cluster_sample_as_r_svyby():
    for estimator, column, key in [(mean, 2, "by_stype_mean"), (total, 3, "by_stype_total")]:
        found = by_area(one_stage(column), estimator)
        assert list(found) == ["E", "H", "M"]
        for area, value, se in R["apiclus1"][key]:
            same(found[area], {"value": value, "se": se})


@pytest.mark.parametrize(("column", "name"), [(5, "wide"), (6, "met")])
def test_intervals_of_a_cluster_sample_as_r_svyciprop(column, name):
    expected = R["apiclus1"][f"{name}_ci"]
    found = rate(one_stage(column))
    assert found.method is Method.KORN_GRAUBARD
    assert (found.low, found.high) == pytest.approx(expected["beta"], rel=1e-9)
    odds = rate(one_stage(column), method=Method.LOGIT)
    assert (odds.low, odds.high) == pytest.approx(expected["xlogit"], rel=1e-9)


def test_the_design_effect_of_clusters_as_r_survey():
    found = design_effect(one_stage(2))
    assert found.deff == pytest.approx(R["apiclus1"]["deff_api00"], rel=1e-9)
    assert found.n_eff == pytest.approx(183 / found.deff)
    assert found.kish == pytest.approx(183), "equal weights leave the whole sample"


def test_without_the_first_stage_probability_the_clusters_alone_speak():
    same(mean(one_stage(2), ultimate=True), R["apiclus1"]["without_fpc"])
    unknown = [replace(u, pi_cluster=None) for u in one_stage(2)]
    same(mean(unknown, ultimate=True), R["apiclus1"]["without_fpc"])
    with pytest.raises(EstimateError) as refused:
        mean(unknown)
    assert refused.value.code == "estimate.cluster_unknown"


# ---- two stages ----------------------------------------------------------------------------------------------------


def two_stages(column):
    """40 of 757 districts, up to 5 schools in each. Columns: dnum, stype, api00, wide, schools in the district."""
    first, taken = Fraction(40, 757), defaultdict(int)
    for row in R["apiclus2"]["rows"]:
        taken[row[0]] += 1
    return [
        Unit(
            "all",
            first * Fraction(taken[row[0]], row[4]),
            row[column],
            area=row[1],
            cluster=str(row[0]),
            pi_cluster=first,
        )
        for row in R["apiclus2"]["rows"]
    ]


def test_two_stages_with_both_corrections_as_r_survey():
    expected = R["apiclus2"]
    same(mean(two_stages(2)), expected["mean_api00"])
    same(total(two_stages(2)), expected["total_api00"])
    assert mean(two_stages(2)).df == expected["df"] == 39
    found = rate(two_stages(3))
    assert (found.estimate, found.se) == pytest.approx(tuple(expected["wide"].values()), rel=1e-9)
    assert (found.low, found.high) == pytest.approx(expected["wide_ci"]["beta"], rel=1e-9)


def test_domains_of_two_stages_as_r_svyby():
    for estimator, key in [(mean, "by_stype_mean"), (total, "by_stype_total")]:
        found = by_area(two_stages(2), estimator)
        for area, value, se in R["apiclus2"][key]:
            same(found[area], {"value": value, "se": se})


def test_ultimate_clusters_of_two_stages_as_r_survey():
    same(mean(two_stages(2), ultimate=True), R["apiclus2"]["ultimate_mean"])
    same(total(two_stages(2), ultimate=True), R["apiclus2"]["ultimate_total"])


def test_the_municipalities_of_the_textbook():
    """Särndal, Swensson and Wretman 1992: 5 of 50 clusters, 3 municipalities in each; R prints 15080 (2274.3)."""
    units = [
        Unit("all", Fraction(5, n1) * Fraction(3, n2), y, cluster=str(id1), pi_cluster=Fraction(5, n1))
        for id1, n1, _, y, n2, *_ in R["mu284"]["rows"]
    ]
    same(total(units), R["mu284"]["total"])
    same(mean(units), R["mu284"]["mean"])
    assert (round(total(units).value), round(total(units).se, 1)) == (15080, 2274.3)


MARKETS = {"A": ((1.0, 0.0, 4.0), 2), "B": ((5.0, 7.0), 1), "C": ((2.0, 2.0, 3.0), 2)}


def test_two_stage_estimates_are_unbiased_over_all_samples():
    """Every 2 of 3 markets and, within, every 2 of 3 stalls (market B is checked in full)."""
    sizes = {"A": 2, "B": 2, "C": 2}
    found, chances = [], []
    for markets in itertools.combinations(MARKETS, 2):
        options = [list(itertools.combinations(MARKETS[m][0], sizes[m])) for m in markets]
        for stalls in itertools.product(*options):
            units = [
                Unit(
                    "all",
                    Fraction(2, 3) * Fraction(sizes[m], len(MARKETS[m][0])),
                    y,
                    cluster=m,
                    pi_cluster=Fraction(2, 3),
                )
                for m, part in zip(markets, stalls, strict=True)
                for y in part
            ]
            found.append(total(units))
            chances.append(1 / 3 / math.prod(len(o) for o in options))
    truth = sum(sum(values) for values, _ in MARKETS.values())
    assert sum(chances) == pytest.approx(1)
    assert sum(c * f.value for c, f in zip(chances, found, strict=True)) == pytest.approx(truth)
    variance = sum(c * (f.value - truth) ** 2 for c, f in zip(chances, found, strict=True))
    assert sum(c * f.se**2 for c, f in zip(chances, found, strict=True)) == pytest.approx(variance)


def test_a_cluster_drawn_with_certainty_is_a_stratum():
    inside = [Unit("m", Fraction(2, 5), y, cluster="big", pi_cluster=1) for y in (1.0, 0.0)]
    apart = stratified([Stratum("big", 5, (1.0, 0.0))])
    assert (total(inside).se, total(inside).df) == (total(apart).se, total(apart).df)


def test_a_single_unit_within_a_cluster_makes_the_variance_conservative():
    def units(pi_b):
        first = Fraction(1, 5)
        return [
            Unit("m", first * Fraction(2, 4), 3.0, cluster="A", pi_cluster=first),
            Unit("m", first * Fraction(2, 4), 5.0, cluster="A", pi_cluster=first),
            Unit("m", first * pi_b, 9.0, cluster="B", pi_cluster=first),
        ]

    lone = total(units(Fraction(1, 4)))
    assert codes(lone.reasons) == ["estimate.single_within"]
    assert lone.se == pytest.approx(total(units(Fraction(1, 4)), ultimate=True).se)
    assert codes(total(units(Fraction(1))).reasons) == []


def test_clusters_that_all_pass_count_once_each():
    """Thirty stalls of three markets that all pass are three observations, unless the plan says what to reckon with."""
    first = Fraction(1, 10)
    units = [Unit("m", first, 1.0, cluster=m, pi_cluster=first) for m in "ABC" for _ in range(10)]
    found = rate(units)
    assert found.method is Method.CLOPPER_PEARSON and found.n_eff == pytest.approx(3)
    assert found.suppressed.code == "estimate.too_few"
    planned = rate(units, planned_deff=2.0)
    assert planned.n_eff == pytest.approx(15) and planned.low > found.low
    assert rate(units, planned_deff=0.1).n_eff == 30, "a plan never makes more of the sample than it is"


# ---- unequal probabilities -----------------------------------------------------------------------------------------


def test_the_total_and_the_hajek_variance_beside_rs_estimators():
    """The same total and ratio; standard errors within 8 % of those with the exact joint probabilities (ratio: 2 %)."""
    expected = R["election"]
    units = [Unit("all", p, bush, votes) for p, bush, votes in expected["rows"]]
    assert total(units).value == pytest.approx(expected["joint"]["total"]["value"], rel=1e-9)
    assert ratio(units).value == pytest.approx(expected["joint"]["ratio"]["value"], rel=1e-9)
    assert total(units).se == pytest.approx(expected["joint"]["total"]["se"], rel=0.08)
    assert total(units).se == pytest.approx(expected["hartley_rao"]["total"]["se"], rel=0.08)
    assert ratio(units).se == pytest.approx(expected["joint"]["ratio"]["se"], rel=0.02)
    assert ratio(units).se == pytest.approx(expected["brewer"]["ratio"]["se"], rel=0.02)


def deville_factor(pis):
    """From m/(m-1) to 1/(1-Σa²), the one thing in which R's varest differs."""
    spare = [1 - p for p in pis]
    m, whole = len(spare), sum(spare)
    return (1 / (1 - sum((s / whole) ** 2 for s in spare))) / (m / (m - 1))


def test_the_hajek_variance_is_devilles_but_for_the_factor():
    units = [Unit("all", p, bush) for p, bush, _ in R["election"]["rows"]]
    expected = R["election"]["deville"]
    assert total(units).se ** 2 * deville_factor([u.pi for u in units]) == pytest.approx(expected, rel=1e-9)


def test_a_pareto_draw_with_certainty_units_in_two_strata():
    """Belgian municipalities by inhabitants: the variance is the sum of the strata's, certainty units add none."""
    rows = R["pareto"]["rows"]
    units = [Unit(h, 1 if p > 1 - 1e-9 else p, income) for h, p, income, _ in rows]
    found, variance = total(units), 0.0
    for name, said in R["pareto"]["deville"].items():
        alone = [u for u in units if u.stratum == name]
        uncertain = [u.pi for u in alone if u.pi < 1]
        assert len(uncertain) == said["uncertain"] < len(alone)
        assert total(alone).value == pytest.approx(said["total"], rel=1e-9)
        assert total(alone).se ** 2 * deville_factor(uncertain) == pytest.approx(said["variance"], rel=1e-9)
        variance += total(alone).se ** 2
    assert found.se**2 == pytest.approx(variance, rel=1e-9)
    assert found.df == sum(said["uncertain"] - 1 for said in R["pareto"]["deville"].values())
    assert abs(found.value - R["pareto"]["truth"]) < 2 * found.se


def uniform(*words):
    """A number in (0, 1) from a hash: fixed, and no generator."""
    return (int.from_bytes(hashlib.sha256("|".join(map(str, words)).encode()).digest()[:8], "big") + 0.5) / 2**64


def test_the_hajek_variance_is_right_over_many_pareto_draws():
    """4,000 Pareto draws of 10 of 40: the estimates spread as their standard errors say (within 5 %)."""
    sizes = [1 + i % 9 for i in range(40)]
    pis = [10 * s / sum(sizes) for s in sizes]
    values = [s * (2 + uniform("y", i)) for i, s in enumerate(sizes)]
    truth, found = sum(values), []
    for run in range(4000):
        keys = sorted((u * (1 - p) / ((1 - u) * p), i) for i, p in enumerate(pis) for u in [uniform(run, i)])
        found.append(total([Unit("all", pis[i], values[i]) for _, i in keys[:10]]))
    spread = math.sqrt(sum((f.value - truth) ** 2 for f in found) / len(found))
    assert sum(f.value for f in found) / len(found) == pytest.approx(truth, rel=0.002)
    assert math.sqrt(sum(f.se**2 for f in found) / len(found)) == pytest.approx(spread, rel=0.05)


# ---- coverage ------------------------------------------------------------------------------------------------------


def covered(strata, runs, level=0.95):
    """How often the interval of a hashed draw holds the truth. `strata`: name → (values 0/1, n)."""
    truth = sum(sum(values) for values, _ in strata.values()) / sum(len(values) for values, _ in strata.values())
    seen, hits = {}, 0
    for run in range(runs):
        passed = []
        for name, (values, n) in strata.items():
            tickets = sorted(range(len(values)), key=lambda i: uniform(run, name, i))  # noqa: B023 - used at once
            passed.append(sum(values[i] for i in tickets[:n]))
        key = tuple(passed)
        if key not in seen:
            units = stratified(
                Stratum(name, len(values), (1.0,) * x + (0.0,) * (n - x))
                for (name, (values, n)), x in zip(strata.items(), key, strict=True)
            )
            found = rate(units, level=level)
            seen[key] = found.low <= truth <= found.high
        hits += seen[key]
    return hits / runs


def test_korn_graubard_covers_a_stratified_population():
    """At least 95 % of 1,000 draws, within two Monte-Carlo standard errors (0.7 points each)."""
    strata = {
        "A": ([1] * 380 + [0] * 20, 20),
        "B": ([1] * 140 + [0] * 60, 20),
        "C": ([1] * 25 + [0] * 25, 15),
    }
    assert covered(strata, 1000) >= 0.95 - 2 * math.sqrt(0.95 * 0.05 / 1000)


@pytest.mark.shared
def test_korn_graubard_covers_the_food_premises_of_toronto(shared):
    """A real population: premises without a crucial or significant infraction in 2021, by how often they are due."""
    premises = {}
    with (shared / "data/inspections/toronto_dinesafe_2021.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            due, good = premises.get(row["Establishment ID"], (row["Min. Inspections Per Year"], 1))
            premises[row["Establishment ID"]] = (due, 0 if row["Severity"][:1] in ("C", "S") else good)
    strata = {due: [] for due in "123"}
    for due, good in premises.values():
        strata[due].append(good)
    assert [len(strata[due]) for due in "123"] == [369, 3516, 1546]
    share = covered({due: (values, n) for (due, values), n in zip(strata.items(), (20, 60, 60), strict=True)}, 300)
    assert share >= 0.95 - 2 * math.sqrt(0.95 * 0.05 / 300)


# ---- domains -------------------------------------------------------------------------------------------------------


def test_leaving_out_the_others_is_not_a_domain():
    """The number of units a domain gets is chance too; dropping the rest forgets that, and the total shows it."""
    units = [replace(u, inside=i % 3 == 0) for i, u in enumerate(stratified([Stratum("A", 90, (1.0,) * 30)]))]
    right = total(units)
    wrong = total([u for u in units if u.inside])
    assert right.value == wrong.value == pytest.approx(30)
    assert wrong.se == pytest.approx(0, abs=1e-12) and right.se > 3


def test_the_domains_of_a_partition_add_up():
    found = by_area(one_stage(3), total)
    assert sum(e.value for e in found.values()) == pytest.approx(total(one_stage(3)).value)


@pytest.mark.shared
def test_strata_and_domains_of_the_schools(shared):
    """R survey 4.1.1: svyby(~api00, ~comp.imp, svydesign(id=~1, strata=~stype, fpc=~fpc, data=apistrat), svymean)."""
    with (shared / "vectors/estimate/apistrat.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    n = {h: sum(r["stype"] == h for r in rows) for h in "EHM"}
    units = [
        Unit(r["stype"], Fraction(n[r["stype"]], int(r["fpc"])), float(r["api00"]), area=r["comp.imp"]) for r in rows
    ]
    for area, expected in APISTRAT_BY_COMP.items():
        found = by_area(units)[area]
        assert (found.value, found.se) == pytest.approx(expected, rel=1e-9)


APISTRAT_BY_COMP = {"No": (635.4123568271, 15.7891933771), "Yes": (676.4022860858, 11.7146788327)}


# ---- the draws of a year -------------------------------------------------------------------------------------------


def test_a_year_without_replacement_with_re_entry_is_unbiased():
    """All pairs of draws of a small frame: 2 of 6 first; then 1 of the 4 new and 1 of the 2 drawn before."""
    values = (3.0, 8.0, 1.0, 4.0, 10.0, 0.0)
    truth, found = sum(values), []
    for first in itertools.combinations(range(6), 2):
        rest = [i for i in range(6) if i not in first]
        one = YearDraw("1", stratified([Stratum("new", 6, tuple(values[i] for i in first))]), "food")
        for pair in itertools.combinations(rest, 2):
            for again in first:
                two = YearDraw(
                    "2",
                    stratified(
                        [Stratum("new", 4, tuple(values[i] for i in pair)), Stratum("again", 2, (values[again],))]
                    ),
                    "food",
                )
                found.append((total(one.units).value, total(two.units).value, total(pool([one, two]))))
    n = len(found)
    assert n == 15 * 6 * 2
    assert sum(f.value for _, _, f in found) / n == pytest.approx(truth)
    assert sum((a - truth) * (b - truth) for a, b, _ in found) / n == pytest.approx(0, abs=1e-9), "uncorrelated errors"
    for a, b, f in found:
        assert f.value == pytest.approx(Fraction(2, 5) * a + Fraction(3, 5) * b)


def test_the_variance_of_a_pooled_year_is_unbiased():
    """As above with two units in the re-entry stratum's draw, so that each stratum shows its own spread."""
    values = (3.0, 8.0, 1.0, 4.0, 10.0, 0.0)
    truth, found = sum(values), []
    for first in itertools.combinations(range(6), 3):
        rest = [i for i in range(6) if i not in first]
        one = YearDraw("1", stratified([Stratum("new", 6, tuple(values[i] for i in first))]), "food")
        for new, again in itertools.product(itertools.combinations(rest, 2), itertools.combinations(first, 2)):
            strata = [
                Stratum("new", 3, tuple(values[i] for i in new)),
                Stratum("again", 3, tuple(values[i] for i in again)),
            ]
            found.append(total(pool([one, YearDraw("2", stratified(strata), "food")])))
    variance = sum((f.value - truth) ** 2 for f in found) / len(found)
    assert sum(f.value for f in found) / len(found) == pytest.approx(truth)
    assert sum(f.se**2 for f in found) / len(found) == pytest.approx(variance)


def test_frames_are_added_and_draws_of_a_frame_averaged():
    food = [YearDraw(no, stratified([Stratum("A", 100, (1.0,) * 5 + (0.0,) * 5)]), "food") for no in "12"]
    lifts = YearDraw("3", stratified([Stratum("A", 40, (1.0,) * 4)]), "lifts")
    assert total(pool([*food, lifts])).value == pytest.approx(50 + 40)
    assert mean(pool(food)).value == pytest.approx(0.5)
    assert mean(pool(food)).se == pytest.approx(mean(food[0].units).se / math.sqrt(2))


def test_results_of_a_year_take_the_shares():
    shares = year_shares({"1": ("food", 10), "2": ("food", 30)})
    units = [UnitResult("1/A", 100, 10, PASS, share=shares["1"])] * 10
    units += [UnitResult("2/A", 100, 30, FAIL, share=shares["2"])] * 30
    found = pass_rate(units)
    assert found.rate.estimate == pytest.approx(0.25)
    assert found.bounds.worst == found.bounds.best == Fraction(1, 4)


# ---- non-response under unequal probabilities ----------------------------------------------------------------------


def results():
    sizes = [1, 2, 3, 4, 5, 5, 6, 6, 8, 10]
    roles = [PASS, PASS, FAIL, PASS, PASS, SILENT, PASS, FAIL, PASS, GONE]
    return [
        UnitResult("A", 60, 10, role, pi=Fraction(size, 50), id=str(i), area="东" if i < 5 else "西")
        for i, (size, role) in enumerate(zip(sizes, roles, strict=True))
    ]


def test_the_pass_rate_weighs_by_the_probability_of_each_unit():
    found = pass_rate(results())
    passed = sum(Fraction(50, s) for s in (1, 2, 4, 5, 6, 8))
    failed = sum(Fraction(50, s) for s in (3, 6))
    assert found.rate.estimate == pytest.approx(float(passed / (passed + failed)))
    assert found.bounds.worst == passed / (passed + failed + 10)
    assert found.bounds.best == (passed + 10) / (passed + failed + 10)
    assert found.response_rate == Fraction(8, 9)
    assert found.response_rate_weighted == (passed + failed) / (passed + failed + 10)


def test_non_response_is_a_category_and_the_categories_add_up():
    found = role_shares(results())
    assert list(found) == list(Role)
    assert sum(r.estimate for r in found.values()) == pytest.approx(1)
    assert found[SILENT].numerator == 1 and found[SILENT].denominator == 10
    assert found[SILENT].low < found[SILENT].estimate < found[SILENT].high
    assert role_shares([])[PASS].estimate is None


def test_areas_keep_the_whole_design_behind_them():
    found = pass_rates_by_area(results())
    assert list(found) == ["东", "西"]
    assert found["东"].counts.eligible_pass == 4 and found["西"].counts.non_response == 1
    assert found["东"].response_rate == 1 and found["西"].response_rate == Fraction(3, 4)
    assert found["东"].rate.denominator + found["西"].rate.denominator == pass_rate(results()).rate.denominator


def test_results_of_clusters_are_estimated_as_the_units_of_the_same_design():
    first = Fraction(3, 12)
    rows = [("东", 40, 4), ("南", 20, 5), ("西", 50, 2)]
    given = [
        UnitResult("m", 110, 15, PASS if i < x else FAIL, pi=first * Fraction(5, N), cluster=name, pi_cluster=first)
        for name, N, x in rows
        for i in range(5)
    ]
    plain = [
        Unit("m", first * Fraction(5, N), float(i < x), cluster=name, pi_cluster=first)
        for name, N, x in rows
        for i in range(5)
    ]
    assert pass_rate(given).rate == rate(plain)
    silent = [replace(u, role=SILENT) if i in (3, 8) else u for i, u in enumerate(given)]
    found = pass_rate(silent)
    assert found.bounds.worst < found.rate.estimate < found.bounds.best
    assert found.rate.se > 0 and found.response_rate == Fraction(13, 15)


def test_thousands_of_different_probabilities_are_summed_in_time():
    units = [UnitResult("A", 10**6, 3000, PASS if i % 7 else SILENT, pi=Fraction(i + 1, 10**6)) for i in range(3000)]
    found = pass_rate(units)
    assert found.rate.estimate == 1.0
    assert found.bounds.best == 1 and 0 < found.bounds.worst < 1


# ---- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("estimate.bad_weight", lambda: total([Unit("A", 0.5, 1, weight=0)])),
        ("estimate.bad_weight", lambda: total([Unit("A", 0.5, 1, weight=math.nan)])),
        ("estimate.mixed_stratum", lambda: total([Unit("A", 0.5, 1), Unit("A", 0.5, 1, cluster="m", pi_cluster=0.5)])),
        ("estimate.no_cluster", lambda: total([Unit("A", 0.5, 1, pi_cluster=0.5)])),
        ("estimate.bad_cluster", lambda: total([Unit("A", 0.5, 1, cluster="m", pi_cluster=0.4)])),
        ("estimate.bad_cluster", lambda: total([Unit("A", 0.5, 1, cluster="m", pi_cluster=math.nan)])),
        ("estimate.cluster_unknown", lambda: total([Unit("A", 0.5, 1, cluster="m")])),
        (
            "estimate.cluster_disagrees",
            lambda: total([Unit("A", 0.5, 1, cluster="m", pi_cluster=p) for p in (0.5, 0.6)]),
        ),
        ("estimate.empty_draw", lambda: year_shares({"1": ("food", 0)})),
        ("estimate.draw_twice", lambda: pool([YearDraw("1", (Unit("A", 1, 1),))] * 2)),
        ("estimate.bad_deff", lambda: rate([Unit("A", 0.5, 1)], planned_deff=0)),
        ("estimate.bad_share", lambda: pass_rate([UnitResult("A", 1, 1, PASS, share=Fraction(0))])),
        ("estimate.bad_probability", lambda: pass_rate([UnitResult("A", 1, 1, PASS, pi=Fraction(3, 2))])),
    ],
)
def test_it_refuses(code, call):
    with pytest.raises(EstimateError) as refused:
        call()
    assert refused.value.code == code
    assert refused.value.text("zh") and refused.value.text("en")


def test_no_design_effect_without_spread():
    assert design_effect(stratified([Stratum("A", 9, (1.0, 1.0))])) is None
    assert design_effect(stratified([Stratum("A", 9, (1.0,))])) is None


# ---- what holds for every input ------------------------------------------------------------------------------------


@st.composite
def clustered(draw):
    units = []
    for h in range(draw(st.integers(1, 3))):
        first = draw(st.fractions(Fraction(1, 9), Fraction(8, 9), max_denominator=9))
        for c in range(draw(st.integers(2, 4))):
            size = draw(st.integers(2, 5))
            n = draw(st.integers(2, size))
            for _ in range(n):
                y = float(draw(st.integers(0, 1)))
                area = draw(st.sampled_from("東西"))
                units.append(Unit(str(h), first * Fraction(n, size), y, area=area, cluster=str(c), pi_cluster=first))
    return units


@given(clustered())
def test_each_stage_adds_variance_and_the_correction_takes_some_away(units):
    """The second stage adds to the first, and the finite population correction takes away from it."""
    first_only = [replace(u, pi=u.pi_cluster, weight=1 / u.pi) for u in units]
    assert total(first_only).se <= total(units).se + 1e-9
    assert total(first_only).se <= total(units, ultimate=True).se + 1e-9


@given(clustered(), st.randoms(use_true_random=False))
def test_neither_order_nor_names_matter(units, shuffler):
    before = rate(units)
    renamed = [replace(u, stratum=f"层{u.stratum}", cluster=f"群{u.cluster}") for u in units]
    shuffler.shuffle(renamed)
    assert rate(renamed) == before


@given(clustered())
def test_area_rates_lie_in_their_intervals(units):
    for found in rates_by_area(units).values():
        assert 0 <= found.low <= found.estimate <= found.high <= 1
