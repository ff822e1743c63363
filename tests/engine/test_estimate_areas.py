"""Claims about small areas: R and published values first, then direct integration, then what has to hold."""

import csv
import hashlib
import json
import math
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special

from zhunsheng.engine.errors import EstimateError
from zhunsheng.engine.estimate import (
    AreaMean,
    AreaModel,
    AreaSample,
    PublicationRule,
    Scale,
    Stratum,
    Unit,
    area_samples,
    benchmark,
    beta_binomial,
    design_effect,
    fay_herriot,
    fay_herriot_rates,
    rate,
    stratified,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests/vectors/estimate"
R = json.loads((FOLDER / "areas.json").read_text(encoding="utf-8"))


def table(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def milk():
    return [
        AreaMean(
            row["area"],
            float(row["mean"]),
            float(row["sd"]) ** 2,
            covariates=tuple(float(row["major"] == k) for k in "234"),
        )
        for row in table("milk.csv")
    ]


def types():
    return [
        AreaSample(row["type"], int(row["bad"]) / int(row["n"]), int(row["n"]), int(row["n"]) * 3)
        for row in table("toronto_types.csv")
    ]


def codes(reasons):
    return [reason.code for reason in reasons]


# ---- Fay-Herriot against R -----------------------------------------------------------------------------------------


def test_milk_as_metafor_fits_it():
    fit = fay_herriot(milk())
    assert fit.spread**2 == pytest.approx(R["milk"]["variance"], rel=1e-8)
    assert fit.coefficients == pytest.approx(R["milk"]["beta"], rel=1e-8)
    assert [a.value for a in fit.areas] == pytest.approx(R["milk"]["blup"], rel=1e-8)
    assert codes(fit.reasons) == ["estimate.by_fay_herriot"]


def test_milk_as_sae_publishes_it():
    """eblupFH and mseFH; sae stops at a relative step of 1e-4, so four digits of the mean squared error agree."""
    fit = fay_herriot(milk())
    for area, row in zip(fit.areas, table("milk.csv"), strict=True):
        assert area.value == pytest.approx(float(row["sae_eblup"]), abs=2e-6)
        assert area.mse == pytest.approx(float(row["sae_mse"]), rel=2e-4)
        assert area.value == pytest.approx(area.gamma * area.direct + (1 - area.gamma) * area.synthetic)
        assert area.mse < float(row["sd"]) ** 2 or area.gamma > 0.7


@pytest.mark.parametrize("scale", list(Scale))
def test_rates_on_a_scale_as_metafor_fits_them(scale):
    fit = fay_herriot_rates(types(), scale=scale)
    expected = R[str(scale)]
    assert fit.spread**2 == pytest.approx(expected["variance"], rel=1e-7)
    assert fit.coefficients[0] == pytest.approx(expected["beta"], rel=1e-8)
    there = special.logit if scale is Scale.LOGIT else lambda share: math.asin(math.sqrt(share))
    open_below = [a.low > 0 for a in fit.areas]
    assert sum(open_below) > 20
    for area, middle, whole in zip(fit.areas, expected["blup"], open_below, strict=True):
        if whole:  # the interval is symmetric about R's value on the model's scale
            assert (there(area.low) + there(area.high)) / 2 == pytest.approx(middle, rel=1e-7)
        assert area.low < area.value < area.high


def test_the_expectation_on_the_arcsine_scale_has_a_closed_form():
    """E sin²(Z) = (1 - e^(-2v) cos 2m)/2 for Z normal (m, v), away from the borders."""
    areas = [AreaSample(str(i), 0.45 + 0.02 * i, 80 + i, 100) for i in range(8)]
    fit, angles = fay_herriot_rates(areas), fay_herriot([angle(a) for a in areas])
    for area, seen in zip(fit.areas, angles.areas, strict=True):
        assert area.value == pytest.approx((1 - math.exp(-2 * seen.mse) * math.cos(2 * seen.value)) / 2, rel=1e-9)


def angle(area):
    return AreaMean(area.name, math.asin(math.sqrt(area.direct)), 1 / (4 * area.n_eff))


@pytest.mark.shared
def test_the_counts_of_toronto_are_those_of_the_data(shared):
    premises = {}
    with (shared / "data/inspections/toronto_dinesafe_2021.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kind, bad = premises.get(row["Establishment ID"], (row["Establishment Type"], False))
            premises[row["Establishment ID"]] = (kind, bad or row["Severity"][:1] in ("C", "S"))
    n, bad = Counter(kind for kind, _ in premises.values()), Counter(kind for kind, b in premises.values() if b)
    carried = {row["type"]: (int(row["n"]), int(row["bad"])) for row in table("toronto_types.csv")}
    assert carried == {kind: (count, bad[kind]) for kind, count in n.items() if count >= 5}


def test_an_area_without_a_sample_is_what_the_model_says():
    fit = fay_herriot([*milk(), AreaMean("new", None, None, covariates=(0.0, 0.0, 1.0))])
    new = fit.areas[-1]
    assert new.value == new.synthetic == pytest.approx(R["milk"]["beta"][0] + R["milk"]["beta"][3])
    assert new.gamma == 0 and new.mse > R["milk"]["variance"]
    assert "estimate.areas_unseen" in codes(fit.reasons)


def test_areas_that_do_not_differ_are_drawn_together():
    fit = fay_herriot([AreaMean(str(i), 5 + 0.01 * i, 4.0) for i in range(12)])
    assert fit.spread == 0
    assert "estimate.no_spread_between" in codes(fit.reasons)
    assert [a.value for a in fit.areas] == pytest.approx([5.055] * 12)
    assert all(a.mse > 0 and a.low < a.value < a.high for a in fit.areas)


def test_the_variance_between_areas_is_the_top_of_the_restricted_likelihood():
    """Equal sampling variances have a closed form: A = s² - ψ."""
    values = [3.0, 9.0, 4.0, 7.0, 12.0]
    centre = sum(values) / 5
    fit = fay_herriot([AreaMean(str(i), y, 2.5) for i, y in enumerate(values)])
    assert fit.spread**2 == pytest.approx(sum((y - centre) ** 2 for y in values) / 4 - 2.5)
    assert "estimate.few_areas" in codes(fit.reasons)


def test_a_line_that_leaves_the_scale_stops_at_its_end():
    """Rates fall to nothing along the covariate; the last area lies far beyond, where the line is below zero."""
    areas = [AreaSample(str(i), 0.4 - 0.04 * i, 5000, 100, (float(i),)) for i in range(10)]
    fit = fay_herriot_rates([*areas, AreaSample("far", None, 0, 100, (60.0,))])
    far = fit.areas[-1]
    assert far.value == far.low == far.high == 0 and far.suppressed is None
    told = benchmark(fit, 0.25)
    assert told.areas[-1].value == 0
    assert sum(a.value for a in told.areas) / 11 == pytest.approx(0.25)


# ---- beta-binomial against direct integration ----------------------------------------------------------------------

THREE = [AreaSample("A", 0.5, 4, 90), AreaSample("B", 0.9, 20, 90), AreaSample("C", 0.95, 12.5, 60)]


def directly(areas, f):
    """The posterior mean of f(m, k) by two-dimensional quadrature in (m, s), both uniform on (0, 1), k = n0·s/(1-s)."""
    typical = len(areas) / sum(1 / a.n_eff for a in areas)

    def likelihood(m, k):
        parts = [(a.direct * a.n_eff, a.n_eff) for a in areas]
        return math.exp(
            sum(special.betaln(y + m * k, n - y + (1 - m) * k) - special.betaln(m * k, (1 - m) * k) for y, n in parts)
        )

    def both(g):
        value, _ = integrate.dblquad(
            lambda m, s: g(m, typical * s / (1 - s)) * likelihood(m, typical * s / (1 - s)),
            0, 1, 0, 1, epsabs=0, epsrel=1e-6,
        )  # fmt: skip
        return value

    return both(f) / both(lambda m, k: 1.0)


def test_the_beta_binomial_as_direct_quadrature_gives_it():
    fit = beta_binomial(THREE)
    assert fit.model is AreaModel.BETA_BINOMIAL
    assert fit.coefficients[0] == pytest.approx(directly(THREE, lambda m, k: m), rel=1e-5)
    for area, found in zip(THREE, fit.areas, strict=True):
        y, n = area.direct * area.n_eff, area.n_eff
        value = directly(THREE, lambda m, k: (y + m * k) / (n + k))  # noqa: B023
        square = directly(THREE, lambda m, k: (y + m * k) * (y + m * k + 1) / (n + k) / (n + k + 1))  # noqa: B023
        assert found.value == pytest.approx(value, rel=1e-5)
        assert found.mse == pytest.approx(square - value**2, rel=1e-4)
        assert found.gamma == pytest.approx(directly(THREE, lambda m, k: n / (n + k)), rel=1e-5)  # noqa: B023


def test_the_interval_holds_its_share_of_the_posterior():
    fit = beta_binomial(THREE, level=0.9)
    area, found = THREE[0], fit.areas[0]
    y, n = area.direct * area.n_eff, area.n_eff

    def below(bound):
        return directly(THREE, lambda m, k: special.betainc(y + m * k, n - y + (1 - m) * k, bound))

    assert below(found.low) == pytest.approx(0.05, abs=1e-4)
    assert below(found.high) == pytest.approx(0.95, abs=1e-4)


def test_small_areas_move_to_the_middle_and_large_ones_stay():
    fit = beta_binomial([AreaSample("small", 0.4, 3, 50), *(AreaSample(str(i), 0.9, 300, 900) for i in range(6))])
    small, large = fit.areas[0], fit.areas[1]
    assert small.gamma < 0.2 and small.direct + 0.3 < small.value < large.value
    assert large.value == pytest.approx(0.9, abs=0.01)
    assert small.high - small.low > large.high - large.low


def test_none_seen_is_no_proof_of_some():
    fit = beta_binomial([AreaSample("none", 0.0, 20, 90), AreaSample("all", 1.0, 20, 90), *THREE])
    assert fit.areas[0].low == 0 < fit.areas[0].value < fit.areas[0].high
    assert fit.areas[1].high == 1 > fit.areas[1].value > fit.areas[1].low


def test_an_area_checked_in_full_keeps_its_rate():
    fit = beta_binomial([AreaSample("all", 0.25, math.inf, 8), *THREE])
    assert (fit.areas[0].value, fit.areas[0].mse, fit.areas[0].gamma) == (0.25, 0.0, 1.0)
    assert (fit.areas[0].low, fit.areas[0].high) == (0.25, 0.25)
    assert fit.areas[1].value < beta_binomial(THREE).areas[0].value, "and the others learn from it"


def test_an_area_nobody_was_drawn_in_is_told_from_the_others():
    fit = beta_binomial([*THREE, AreaSample("D", None, 0, 40)])
    unseen = fit.areas[-1]
    assert unseen.direct is None and unseen.gamma == 0
    assert unseen.value == pytest.approx(fit.coefficients[0])
    assert unseen.high - unseen.low > max(a.high - a.low for a in fit.areas[1:3])
    assert "D" in fit.reasons[-1].text("zh")


def test_uncertain_areas_are_not_publishable():
    found = beta_binomial([AreaSample("A", 0.02, 30, 90), AreaSample("B", 0.03, 40, 90)]).areas[0]
    assert found.suppressed.code == "estimate.too_uncertain"
    loose = beta_binomial(
        [AreaSample("A", 0.02, 30, 90), AreaSample("B", 0.03, 40, 90)], publication=PublicationRule(1, 5.0)
    )
    assert loose.areas[0].suppressed is None


# ---- from units to areas -------------------------------------------------------------------------------------------


def city(passed):
    """Three counties of 100, 400 and 60 units; `passed` of 10, 20 and 60 drawn (the last in full)."""
    units = []
    for name, N, n, x in zip("甲乙丙", (100, 400, 60), (10, 20, 60), passed, strict=True):
        for u in stratified([Stratum(name, N, (1.0,) * x + (0.0,) * (n - x))]):
            units.append(replace(u, area=name))
    return units


def test_the_effective_sample_of_an_area():
    samples = {a.name: a for a in area_samples(city((8, 18, 57)))}
    assert samples["甲"].direct == pytest.approx(0.8)
    # Equal weights in the county: n over the part not drawn, over the effect of the whole design beyond its weights.
    assert samples["甲"].n_eff == pytest.approx(samples["乙"].n_eff * 10 / 20 * (380 / 400) / (90 / 100))
    assert samples["甲"].n_eff <= 10 / 0.9 + 1e-9
    assert samples["丙"].n_eff == math.inf and samples["丙"].population == pytest.approx(60)


def test_clusters_shrink_the_effective_sample_of_every_area():
    first = Fraction(1, 20)
    units = [
        Unit("m", first, float(m % 3 > 0), area="甲" if m < 6 else "乙", cluster=str(m), pi_cluster=first)
        for m in range(12)
        for _ in range(5)
    ]
    effect = design_effect(units)
    for area in area_samples(units):
        assert area.n_eff == pytest.approx(30 / (effect.deff * effect.kish / effect.n))
        assert area.n_eff < 10, "five stalls of a market that agree are one observation"


def test_from_the_sample_to_benchmarked_counties():
    units = city((8, 18, 57))
    fit = beta_binomial(area_samples(units))
    whole = rate(units).estimate
    told = benchmark(fit, whole)
    weights = [a.population for a in told.areas]
    assert sum(w * a.value for w, a in zip(weights, told.areas, strict=True)) / sum(weights) == pytest.approx(whole)
    assert codes(told.reasons)[-1] == "estimate.benchmarked"
    counted = next(a for a in told.areas if a.name == "丙")
    assert counted.value == pytest.approx(0.95), "what was counted does not move"
    for a, b in zip(fit.areas, told.areas, strict=True):
        assert b.mse == pytest.approx(a.mse + (b.value - a.value) ** 2)
        assert b.low <= b.value <= b.high
        for reason in told.reasons:
            assert reason.text("zh") and reason.text("en")


def test_means_are_benchmarked_by_their_uncertainty():
    fit = fay_herriot(milk())
    told = benchmark(fit, 1.0)
    assert sum(a.value for a in told.areas) / 43 == pytest.approx(1.0)
    moves = [(b.value - a.value) / a.mse for a, b in zip(fit.areas, told.areas, strict=True)]
    assert moves == pytest.approx([moves[0]] * 43)


def test_small_areas_are_nearer_to_the_truth_than_the_direct_rates():
    """Toronto's premises by type as the population, hashed samples of 8 a type: the mean squared error falls."""
    truth = {row["type"]: (int(row["n"]), int(row["bad"])) for row in table("toronto_types.csv") if int(row["n"]) >= 12}
    direct, model, inside, count = 0.0, 0.0, 0, 0
    for run in range(4):
        samples = []
        for kind, (n, bad) in truth.items():
            order = sorted(range(n), key=lambda i: hashlib.sha256(f"{run}|{kind}|{i}".encode()).digest())  # noqa: B023
            samples.append(AreaSample(kind, sum(i < bad for i in order[:8]) / 8, 8 / (1 - 8 / n), n))
        for area, found in zip(samples, beta_binomial(samples).areas, strict=True):
            n, bad = truth[area.name]
            direct += (area.direct - bad / n) ** 2
            model += (found.value - bad / n) ** 2
            inside += found.low <= bad / n <= found.high
            count += 1
    assert model < 0.6 * direct
    # Four of the 29 types have no infraction at all; no beta law says so, and the intervals have to hold them still.
    assert inside / count >= 0.95 - 2 * math.sqrt(0.95 * 0.05 / count)


# ---- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("estimate.empty_domain", lambda: beta_binomial([])),
        ("estimate.empty_domain", lambda: beta_binomial([AreaSample("A", None, 0, 9)])),
        ("estimate.empty_domain", lambda: area_samples([Unit("A", 1, 1, inside=False)])),
        ("estimate.not_binary", lambda: area_samples([Unit("A", 1, 0.5)])),
        ("estimate.bad_area", lambda: beta_binomial([AreaSample("A", 1.2, 5, 9)])),
        ("estimate.bad_area", lambda: beta_binomial([AreaSample("A", None, 5, 9)])),
        ("estimate.bad_area", lambda: beta_binomial([AreaSample("A", 0.5, 0, 9)])),
        ("estimate.bad_area", lambda: beta_binomial([AreaSample("A", 0.5, math.nan, 9)])),
        ("estimate.bad_area", lambda: beta_binomial([AreaSample("A", 0.5, 5, math.inf)])),
        ("estimate.area_twice", lambda: beta_binomial([AreaSample("A", 0.5, 5, 9)] * 2)),
        ("estimate.area_twice", lambda: fay_herriot([AreaMean("A", 0.5, 5)] * 4)),
        ("estimate.bad_area", lambda: fay_herriot([AreaMean("A", 1.0, 0.0)])),
        ("estimate.bad_area", lambda: fay_herriot([AreaMean("A", math.nan, 1.0)])),
        ("estimate.bad_area", lambda: fay_herriot([AreaMean("A", 1.0, None)])),
        ("estimate.too_few_areas", lambda: fay_herriot([])),
        ("estimate.too_few_areas", lambda: fay_herriot([AreaMean("A", 1, 1), AreaMean("B", 2, 1)])),
        (
            "estimate.covariates_differ",
            lambda: fay_herriot([AreaMean("A", 1, 1), AreaMean("B", 1, 1, covariates=(1.0,))]),
        ),
        (
            "estimate.covariates_dependent",
            lambda: fay_herriot([AreaMean(str(i), i, 1, covariates=(2.0,)) for i in range(9)]),
        ),
        ("estimate.bad_target", lambda: benchmark(beta_binomial(THREE), 1.5)),
        ("estimate.bad_target", lambda: benchmark(beta_binomial(THREE), math.nan)),
        ("estimate.bad_target", lambda: benchmark(beta_binomial([AreaSample("A", 0.5, math.inf, 9)]), 0.5)),
        ("estimate.bad_level", lambda: beta_binomial(THREE, level=95)),
    ],
)
def test_it_refuses(code, call):
    with pytest.raises(EstimateError) as refused:
        call()
    assert refused.value.code == code
    assert refused.value.text("zh") and refused.value.text("en")


# ---- what holds for every input ------------------------------------------------------------------------------------

area_lists = st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1), st.integers(1, 5000)), min_size=1, max_size=4).map(
    lambda rows: [AreaSample(str(i), x, float(n), float(p)) for i, (n, x, p) in enumerate(rows)]
)


@settings(max_examples=12)
@given(area_lists)
def test_every_area_lies_in_its_interval_between_its_own_rate_and_the_others(areas):
    fit = beta_binomial(areas)
    for area, found in zip(areas, fit.areas, strict=True):
        assert 0 <= found.low < found.value < found.high <= 1
        assert 0 < found.gamma < 1 and found.mse > 0
        ends = sorted([*(a.direct for a in areas), 0.5])
        assert ends[0] - 1e-6 <= found.value <= ends[-1] + 1e-6, area


@settings(max_examples=6)
@given(area_lists)
def test_passes_and_fails_mirror_each_other(areas):
    other = beta_binomial([replace(a, direct=1 - a.direct) for a in areas])
    for one, two in zip(beta_binomial(areas).areas, other.areas, strict=True):
        assert (one.value, one.low, one.high) == pytest.approx((1 - two.value, 1 - two.high, 1 - two.low), abs=1e-5)
        assert one.mse == pytest.approx(two.mse, rel=1e-4)


mean_lists = st.lists(
    st.tuples(st.floats(-100, 100), st.floats(0.01, 50), st.floats(-3, 3)), min_size=5, max_size=12
).map(lambda rows: [AreaMean(str(i), y, v) for i, (y, v, _) in enumerate(rows)])


@given(mean_lists, st.sampled_from([-3.0, 0.5, 20.0]), st.sampled_from([-40.0, 0.0, 7.0]))
def test_fay_herriot_follows_a_change_of_units(areas, scale, shift):
    moved = [replace(a, direct=scale * a.direct + shift, variance=scale**2 * a.variance) for a in areas]
    one, two = fay_herriot(areas), fay_herriot(moved)
    assert two.spread == pytest.approx(abs(scale) * one.spread, rel=1e-5, abs=1e-6)
    for a, b in zip(one.areas, two.areas, strict=True):
        assert b.value == pytest.approx(scale * a.value + shift, rel=1e-5, abs=1e-4)
        assert 0 <= a.gamma <= 1 and a.mse > 0
        low, high = sorted([a.direct, a.synthetic])
        assert low - 1e-9 <= a.value <= high + 1e-9
