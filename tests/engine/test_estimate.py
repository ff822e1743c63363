"""Claims about rates, means and totals: published numbers first, then what has to hold for every input."""

import csv
import doctest
import itertools
import math
import sys
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from zhunsheng.engine.errors import EstimateError
from zhunsheng.engine.estimate import (
    Bounds,
    Counts,
    Method,
    PublicationRule,
    Role,
    Stratum,
    Unit,
    UnitResult,
    areas,
    bounds,
    clopper_pearson,
    compliance_rate,
    design,
    effective_sample,
    interval,
    intervals,
    korn_graubard,
    logit,
    mean,
    pass_rate,
    rate,
    rates,
    ratio,
    stratified,
    t_interval,
    total,
    wilson,
)

ROOT = Path(__file__).resolve().parents[2]
VECTORS = tomllib.loads((ROOT / "tests/vectors/estimate/survey.toml").read_text(encoding="utf-8"))
PASS, FAIL, GONE, SILENT = Role.ELIGIBLE_PASS, Role.ELIGIBLE_FAIL, Role.INELIGIBLE, Role.NON_RESPONSE


def results(stratum, population, passed, failed, gone=0, silent=0):
    sample = passed + failed + gone + silent
    roles = [PASS] * passed + [FAIL] * failed + [GONE] * gone + [SILENT] * silent
    return [UnitResult(stratum, population, sample, role) for role in roles]


def shares(strata):
    return stratified(Stratum(name, N, (1.0,) * x + (0.0,) * (n - x)) for name, N, n, x in strata)


def codes(reasons):
    return [reason.code for reason in reasons]


def test_it_works():
    found = pass_rate(results("A", 1000, 45, 5) + results("B", 50, 10, 5, gone=2, silent=3))
    assert found.rate.plain == Fraction(55, 65)
    assert found.rate.low < found.rate.estimate < found.rate.high
    assert found.rate.method is Method.KORN_GRAUBARD
    assert found.rate.suppressed is None
    assert found.counts == Counts(55, 10, 2, 3)
    assert found.response_rate == Fraction(65, 68)
    assert found.bounds.worst < found.rate.estimate < found.bounds.best
    # Stratum B: 17 of 20 answered, so each of them stands for 50/17 firms.
    assert found.rate.estimate == pytest.approx((20 * 45 + 50 / 17 * 10) / (20 * 50 + 50 / 17 * 15))
    for reason in (*found.reasons, *found.rate.reasons):
        assert reason.text("zh") and reason.text("en")


def test_the_example_of_the_rule_page():
    units = results("low", 900, 28, 1, gone=1) + results("high", 100, 22, 5, silent=3)
    found = pass_rate(units)
    assert (found.rate.numerator, found.rate.denominator) == (50, 56)
    shown = [
        found.rate.estimate,
        found.rate.se,
        found.rate.low,
        found.rate.high,
        float(found.bounds.worst),
        float(found.bounds.best),
    ]
    assert [f"{100 * value:.2f}" for value in shown] == ["95.00", "3.11", "84.70", "99.18", "94.16", "95.19"]
    assert (f"{found.rate.n_eff:.1f}", found.rate.df, found.response_rate) == ("49.0", 54, Fraction(56, 59))
    assert f"{100 * compliance_rate(units).rate.estimate:.2f}" == "94.16"


def test_the_examples_in_the_docstrings_are_true():
    for module in (design, intervals, rates, areas):
        found = doctest.testmod(module, extraglobs={"rate": rates.rate, "stratified": stratified, "Stratum": Stratum})
        assert found.failed == 0 and found.attempted


# ---- published numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", VECTORS["share"], ids=lambda case: case["name"])
def test_shares_and_standard_errors_of_r_survey(case):
    found = rate(shares(case["strata"]))
    assert found.estimate == pytest.approx(case["estimate"], abs=6e-7)
    assert found.se == pytest.approx(case["se"], abs=6e-7)


def test_intervals_of_r_survey():
    case = VECTORS["share"][0]
    found = mean(shares(case["strata"]))
    p, se, n, df = found.value, found.se, found.n, found.df
    assert df == case["df"]
    assert effective_sample(p, se) == pytest.approx(case["n_eff"], abs=6e-4)
    assert korn_graubard(p, se, n, df) == pytest.approx(case["korn_graubard"], abs=6e-7)
    assert wilson(p * effective_sample(p, se), effective_sample(p, se)) == pytest.approx(case["wilson"], abs=6e-7)
    assert logit(p, se, df) == pytest.approx(case["logit"], abs=6e-7)


@pytest.mark.parametrize("method", [None, Method.WILSON, Method.LOGIT])
def test_the_rate_gives_the_same_interval_as_the_formula(method):
    case = VECTORS["share"][0]
    found = rate(shares(case["strata"]), method=method)
    assert (found.low, found.high) == pytest.approx(case[str(method or "korn_graubard")], abs=6e-7)


@pytest.mark.parametrize("case", VECTORS["binomial"], ids=lambda case: f"{case['x']} of {case['n']}")
def test_plain_binomial_intervals(case):
    assert clopper_pearson(case["x"], case["n"]) == pytest.approx(case["clopper_pearson"], abs=6e-7)
    assert wilson(case["x"], case["n"]) == pytest.approx(case["wilson"], abs=6e-7)


def test_a_single_unit_stratum_as_r_adjusts_it():
    case = VECTORS["single"]
    units = [Unit(h, 1e-10, y, x) for h, y, x in case["units"]]
    found = ratio(units)
    assert found.value == pytest.approx(case["mean"], rel=1e-12)
    assert found.se == pytest.approx(case["se"], rel=1e-9)
    assert found.df == 3
    assert codes(found.reasons) == ["estimate.single_units"]
    part = ratio(Unit(h, 1e-10, y, x, i in case["domain"]) for i, (h, y, x) in enumerate(case["units"]))
    assert part.value == pytest.approx(case["domain_mean"], rel=1e-12)
    assert part.se == pytest.approx(case["domain_se"], rel=1e-9)
    assert (part.n, part.df) == (2, 1)


def schools(shared, name):
    with (shared / "vectors/estimate" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.shared
@pytest.mark.parametrize(("name", "one_stratum"), [("apistrat", False), ("apisrs", True)])
def test_means_and_totals_of_the_api_samples(shared, name, one_stratum):
    rows = schools(shared, f"{name}.csv")
    groups = {}
    for row in rows:
        groups.setdefault("all" if one_stratum else row["stype"], []).append(row)

    def sample(column):
        return stratified(
            Stratum(h, int(part[0]["fpc"]), tuple(float(r[column]) for r in part)) for h, part in groups.items()
        )

    expected = VECTORS[name]
    api00, enroll = mean(sample("api00")), mean(sample("enroll"))
    assert (api00.value, api00.se) == pytest.approx(expected["mean_api00"], rel=5e-6)
    assert (enroll.value, enroll.se) == pytest.approx(expected["mean_enroll"], rel=5e-6)
    everyone = total(sample("enroll"))
    assert (everyone.value, everyone.se) == pytest.approx(expected["total_enroll"], rel=5e-6)
    assert api00.df == len(rows) - len(groups)


@pytest.mark.shared
def test_the_counts_carried_here_are_those_of_the_data(shared):
    rows = schools(shared, "apistrat.csv")
    for case in VECTORS["share"]:
        for h, _, n, x in case["strata"]:
            part = [r for r in rows if r["stype"] == h]
            assert (len(part), sum(r[case["name"]] == "Yes" for r in part)) == (n, x)


# ---- the design, by enumeration ------------------------------------------------------------------------------------


def test_totals_and_variances_are_unbiased_over_all_samples():
    """Every sample of 2 of 4 and 3 of 5: the mean of the estimates is the truth, that of se² is their variance."""
    strata = {"A": ((3.0, 8.0, 1.0, 4.0), 2), "B": ((10.0, 7.0, 7.0, 2.0, 30.0), 3)}
    draws = [itertools.combinations(values, n) for values, n in strata.values()]
    found = [total(stratified([Stratum("A", 4, a), Stratum("B", 5, b)])) for a, b in itertools.product(*draws)]
    truth = sum(sum(values) for values, _ in strata.values())
    assert len(found) == 60
    assert sum(f.value for f in found) / 60 == pytest.approx(truth)
    assert sum(f.se**2 for f in found) / 60 == pytest.approx(sum((f.value - truth) ** 2 for f in found) / 60)


@pytest.mark.parametrize(
    ("sizes", "floor"),
    [
        ([(100, 30)], 0.945),
        ([(1000, 40)], 0.95),
        ([(20, 10)], 0.95),
        ([(60, 50)], 0.90),  # five sixths drawn: the continuous formula is a little short, as docs/rules says
        ([(1000, 10), (10, 5)], 0.95),  # a stratum without spread carries nearly all the weight
        ([(500, 5), (500, 5)], 0.95),
    ],
)
def test_intervals_cover_the_truth_as_often_as_they_say(sizes, floor):
    """Exact coverage over the hypergeometric draws, at the worst of many true rates."""
    spans = {}
    for passed in itertools.product(*(range(n + 1) for _, n in sizes)):
        units = [
            u for i, ((N, n), x) in enumerate(zip(sizes, passed, strict=True)) for u in results(str(i), N, x, n - x)
        ]
        found = pass_rate(units).rate
        spans[passed] = (found.low - 1e-12, found.high + 1e-12)
    for fails in itertools.product(*([0, 1, 2, 3, 5, N // 10, N // 5, N // 2] for N, _ in sizes)):
        good = [N - d for (N, _), d in zip(sizes, fails, strict=True)]
        truth = sum(good) / sum(N for N, _ in sizes)
        covered = sum(
            math.prod(hypergeom.pmf(x, N, g, n) for x, (N, n), g in zip(passed, sizes, good, strict=True))
            for passed, (low, high) in spans.items()
            if low <= truth <= high
        )
        assert covered >= floor, (fails, covered)


def test_unequal_probabilities_use_the_hajek_variance():
    """n/(n-1)·Σ(1-π)(y/π-B)², worked by hand for a total: values 1, 3, 5 at π 1/2, 1/4, 1/5."""
    found = total([Unit("A", Fraction(1, 2), 1), Unit("A", Fraction(1, 4), 3), Unit("A", Fraction(1, 5), 5)])
    expanded, spare = [2, 12, 25], [Fraction(1, 2), Fraction(3, 4), Fraction(4, 5)]
    centre = sum(c * e for c, e in zip(spare, expanded, strict=True)) / sum(spare)
    assert found.value == 39
    assert found.se**2 == pytest.approx(
        float(Fraction(3, 2) * sum(c * (e - centre) ** 2 for c, e in zip(spare, expanded, strict=True)))
    )


def test_certainty_strata_add_no_variance():
    alone = total(stratified([Stratum("A", 40, (1.0, 4.0, 2.0))]))
    beside = total(stratified([Stratum("A", 40, (1.0, 4.0, 2.0)), Stratum("all", 2, (100.0, 7.0))]))
    assert beside.se == pytest.approx(alone.se)
    assert beside.value == pytest.approx(alone.value + 107)
    assert beside.df == alone.df


# ---- the rule, and its edges ---------------------------------------------------------------------------------------


def test_all_pass_is_no_certainty():
    found = pass_rate(results("A", 1000, 50, 0)).rate
    assert found.method is Method.CLOPPER_PEARSON
    assert (found.low, found.high) == pytest.approx((1 - 0.071122, 1.0), abs=1e-6)
    assert found.estimate == 1.0


def test_all_fail_has_an_upper_bound():
    found = pass_rate(results("A", 1000, 0, 50)).rate
    assert (found.low, found.high) == pytest.approx((0.0, 0.071122), abs=1e-6)
    assert pass_rate(results("A", 1000, 0, 50), method=Method.WILSON).rate.high == pytest.approx(0.071348, abs=1e-6)


def test_strata_without_spread_are_no_certainty_either():
    """A all pass, B all fail: the variance inside the strata is zero, the interval must not be."""
    found = pass_rate(results("A", 100, 5, 0) + results("B", 100, 0, 5)).rate
    assert found.method is Method.CLOPPER_PEARSON
    assert found.low < 0.25 and found.high > 0.75


def test_a_heavy_stratum_without_spread_caps_the_effective_sample():
    found = pass_rate(results("A", 1000, 10, 0) + results("B", 10, 4, 1)).rate
    assert found.n_eff < 11
    assert "estimate.capped" in codes(found.reasons)
    assert found.low < 0.75


def test_unequal_weights_cost_effective_sample_when_all_pass():
    found = pass_rate(results("A", 1000, 10, 0) + results("B", 10, 10, 0))
    assert found.rate.n_eff == pytest.approx((1000 + 10) ** 2 / (10 * 100**2 + 10 * 1))


def test_nobody_eligible_is_no_data():
    found = pass_rate(results("A", 10, 0, 0, gone=3))
    assert found.rate.plain is None and found.rate.estimate is None and found.rate.low is None
    assert found.response_rate is None
    assert found.bounds == Bounds(None, None)
    assert found.rate.suppressed.code == "estimate.no_eligible"
    assert pass_rate([]).rate.suppressed.code == "estimate.no_eligible"


def test_a_silent_stratum_leaves_the_estimate_and_is_named():
    found = pass_rate(results("A", 100, 8, 2) + results("乙", 300, 0, 0, silent=10))
    assert found.rate.estimate == pytest.approx(0.8)
    assert "estimate.silent_strata" in codes(found.reasons)
    assert "乙" in found.reasons[-1].text() and "300" in found.reasons[-1].text("en")
    assert (found.bounds.worst, found.bounds.best) == (Fraction(80, 400), Fraction(380, 400))
    silent = pass_rate(results("乙", 300, 0, 0, silent=10))
    assert silent.rate.estimate is None and silent.response_rate == 0
    assert silent.bounds == Bounds(Fraction(0), Fraction(1))


def test_a_census_with_silence_is_no_census():
    found = pass_rate(results("A", 20, 18, 0, silent=2)).rate
    assert found.method is Method.CLOPPER_PEARSON and found.low < 0.9


def test_one_drawn_unit_knows_no_error():
    found = pass_rate(results("A", 10, 1, 0)).rate
    assert found.se is None
    assert (found.low, found.high) == pytest.approx((0.025, 1.0))
    assert "estimate.variance_unknown" in codes(found.reasons)
    assert t_interval(mean(stratified([Stratum("A", 10, (3.0,))]))) is None


def test_the_compliance_rate_counts_silence_as_failure():
    units = results("A", 100, 6, 2, silent=2)
    assert compliance_rate(units).rate.plain == Fraction(6, 10)
    assert pass_rate(units).rate.plain == Fraction(6, 8)


def test_few_results_are_not_publishable():
    found = pass_rate(results("A", 1000, 5, 2)).rate
    assert found.suppressed.code == "estimate.too_few"
    assert found.estimate == pytest.approx(5 / 7), "the number stays for those who check"
    assert pass_rate(results("A", 1000, 5, 2), publication=PublicationRule(5, 0.5)).rate.suppressed is None


def test_uncertain_rates_are_not_publishable():
    found = pass_rate(results("A", 1000, 3, 47)).rate
    assert found.suppressed.code == "estimate.too_uncertain"
    assert "变异系数" in found.suppressed.text()


def test_a_small_census_is_publishable():
    assert pass_rate(results("A", 3, 2, 1)).rate.suppressed is None


def test_t_interval_of_a_mean():
    found = mean(stratified([Stratum("A", 10**9, (1.0, 2.0, 3.0))]))
    low, high = t_interval(found)
    assert (high - low) / 2 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)  # t(.975, 2) times s/√n
    assert t_interval(mean(stratified([Stratum("A", 2, (1.0, 5.0))]))) == (3.0, 3.0)


# ---- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("estimate.no_units", lambda: mean([])),
        ("estimate.empty_domain", lambda: mean([Unit("A", 0.5, 1, inside=False)])),
        ("estimate.zero_denominator", lambda: ratio([Unit("A", 0.5, 1, 0.0)])),
        ("estimate.bad_probability", lambda: total([Unit("A", 0.5, 1), Unit("A", 0.0, 1)])),
        ("estimate.bad_probability", lambda: total([Unit("A", Fraction(3, 2), 1)])),
        ("estimate.bad_probability", lambda: total([Unit("A", math.nan, 1)])),
        ("estimate.not_finite", lambda: total([Unit("A", 0.5, math.inf)])),
        ("estimate.not_binary", lambda: rate([Unit("A", 0.5, 0.5)])),
        ("estimate.stratum_twice", lambda: stratified([Stratum("A", 2, (1,)), Stratum("A", 2, (1,))])),
        ("estimate.bad_sizes", lambda: stratified([Stratum("A", 1, (1, 0))])),
        ("estimate.bad_sizes", lambda: stratified([Stratum("A", 1, ())])),
        ("estimate.bad_sizes", lambda: pass_rate([UnitResult("A", 1, 2, PASS), UnitResult("A", 1, 2, PASS)])),
        ("estimate.sizes_disagree", lambda: pass_rate([UnitResult("A", 9, 2, PASS), UnitResult("A", 8, 2, PASS)])),
        ("estimate.units_missing", lambda: pass_rate([UnitResult("A", 9, 2, PASS)])),
        ("estimate.units_missing", lambda: bounds([UnitResult("A", 9, 1, PASS), UnitResult("A", 9, 1, FAIL)])),
        ("estimate.bad_count", lambda: clopper_pearson(3, 2)),
        ("estimate.bad_count", lambda: wilson(-1, 2)),
        ("estimate.bad_count", lambda: wilson(0, 0)),
        ("estimate.bad_count", lambda: clopper_pearson(math.nan, 2)),
        ("estimate.bad_level", lambda: wilson(1, 2, 1.0)),
        ("estimate.bad_level", lambda: rate([Unit("A", 1, 1)], level=95)),
        ("estimate.bad_rate", lambda: korn_graubard(1.0, 0.1, 10, 9)),
        ("estimate.bad_rate", lambda: korn_graubard(0.5, 0.1, 1, 1)),
        ("estimate.bad_rate", lambda: logit(0.5, 0.0, 9)),
        ("estimate.bad_rate", lambda: interval(1.2, 0.1, n=10, df=9, kish=10)),
        ("estimate.bad_rate", lambda: interval(0.2, -0.1, n=10, df=9, kish=10)),
    ],
)
def test_it_refuses(code, call):
    with pytest.raises(EstimateError) as refused:
        call()
    assert refused.value.code == code
    assert refused.value.text("zh") and refused.value.text("en")


def test_it_says_what_to_install_when_scipy_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(EstimateError, match=r"zhunsheng\[stats\]"):
        clopper_pearson(1, 2)


def test_an_unknown_role_is_refused():
    with pytest.raises(ValueError, match="perhaps"):
        pass_rate([UnitResult("A", 1, 1, "perhaps")])


# ---- what holds for every input ------------------------------------------------------------------------------------

strata_of_results = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 2), st.integers(0, 4), st.integers(0, 300)).filter(
        lambda s: sum(s[:4]) > 0
    ),
    min_size=1,
    max_size=5,
)


def build(strata, spare=True):
    return [
        unit
        for i, (passed, failed, gone, silent, more) in enumerate(strata)
        for unit in results(
            str(i), passed + failed + gone + silent + (more if spare else 0), passed, failed, gone, silent
        )
    ]


@given(strata_of_results, st.sampled_from([None, Method.WILSON, Method.LOGIT]), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_contains_the_estimate_and_the_bounds_enclose_it(strata, method, level):
    found = pass_rate(build(strata), method=method, level=level)
    if found.rate.estimate is None:
        assert found.rate.denominator == 0
        return
    assert 0 <= found.rate.low <= found.rate.estimate <= found.rate.high <= 1
    assert float(found.bounds.worst) - 1e-12 <= found.rate.estimate <= float(found.bounds.best) + 1e-12
    assert found.rate.se is None or (found.rate.se >= 0 and math.isfinite(found.rate.se))


@given(strata_of_results, st.randoms(use_true_random=False))
def test_the_order_of_units_does_not_matter(strata, shuffler):
    units = build(strata)
    before = pass_rate(units)
    shuffler.shuffle(units)
    assert pass_rate(units) == before, "sums are exactly rounded, so not even the last digit may move"


@given(strata_of_results)
def test_a_full_census_has_no_width(strata):
    told = [(passed, failed, gone, 0, 0) for passed, failed, gone, _, _ in strata if passed + failed + gone]
    assume(told)
    found = pass_rate(build(told, spare=False)).rate
    if found.estimate is not None:
        assert found.low == found.estimate == found.high == pytest.approx(float(found.plain))
        assert found.method is Method.CENSUS and found.suppressed is None


@given(strata_of_results)
def test_turning_a_fail_into_a_pass_raises_the_rate(strata):
    passed, failed, *rest = strata[0]
    assume(failed)
    before, after = pass_rate(build(strata)), pass_rate(build([(passed + 1, failed - 1, *rest), *strata[1:]]))
    assert after.rate.estimate > before.rate.estimate
    assert after.bounds.worst > before.bounds.worst and after.bounds.best >= before.bounds.best


@given(st.integers(1, 80), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_plain_intervals_are_monotone_in_x_and_symmetric(n, data, level):
    x = data.draw(st.integers(0, n - 1))
    for make in (clopper_pearson, wilson):
        (low, high), (low_next, high_next) = make(x, n, level), make(x + 1, n, level)
        assert low <= low_next and high <= high_next
        mirrored = make(n - x, n, level)
        assert (1 - mirrored[1], 1 - mirrored[0]) == pytest.approx((low, high), abs=1e-9)
        assert low <= x / n <= high


@given(st.floats(0.02, 0.98), st.floats(0.001, 0.2), st.integers(2, 500), st.integers(1, 499))
def test_design_intervals_contain_the_rate_and_widen_with_the_level(p, se, n, df):
    df = min(df, n - 1)
    for make in (lambda level: korn_graubard(p, se, n, df, level), lambda level: logit(p, se, df, level)):
        (low, high), (lower, higher) = make(0.9), make(0.99)
        assert lower <= low <= p <= high <= higher


units_of_a_design = st.lists(
    st.builds(
        Unit,
        stratum=st.sampled_from("ABC"),
        pi=st.fractions(min_value=Fraction(1, 50), max_value=1, max_denominator=50),
        y=st.integers(-20, 20).map(float),
        inside=st.booleans(),
    ),
    min_size=1,
    max_size=20,
)


@given(units_of_a_design, st.sampled_from([2, 3, 10]))
def test_the_estimate_does_not_depend_on_the_scale_of_the_weights(units, k):
    assume(any(u.inside for u in units))
    lighter = [Unit(u.stratum, u.pi / k, u.y, u.x, u.inside) for u in units]
    assert mean(lighter).value == pytest.approx(mean(units).value)
    assert total(lighter).value == pytest.approx(k * total(units).value, abs=1e-9)


@given(units_of_a_design, st.sampled_from([-3.0, 0.5, 7.0]), st.sampled_from([-4.0, 0.0, 11.0]))
def test_means_follow_a_change_of_units(units, scale, shift):
    assume(any(u.inside for u in units))
    before, after = mean(units), mean([Unit(u.stratum, u.pi, scale * u.y + shift, 1.0, u.inside) for u in units])
    assert after.value == pytest.approx(scale * before.value + shift, abs=1e-9)
    assert (after.se is None) == (before.se is None)
    if before.se is not None:
        assert after.se == pytest.approx(abs(scale) * before.se, abs=1e-9)
