"""The rule pages of the estimators: every example is run, and every number in the Chinese prose is computed again."""

import doctest
import re
from fractions import Fraction

import pytest

from tests.conftest import ROOT
from zhunsheng.engine import tables
from zhunsheng.engine.errors import EstimateError
from zhunsheng.engine.estimate import (
    AreaMean,
    Method,
    PublicationRule,
    Role,
    Stratum,
    Unit,
    UnitResult,
    YearDraw,
    compliance_rate,
    design_effect,
    fay_herriot,
    pass_rate,
    pool,
    publication_rule,
    rate,
    rates_by_area,
    role_shares,
    stratified,
    total,
)

RULES = ROOT / "docs/rules"
BLOCK = re.compile(r"^```python\n(>>>.*?)^```", re.MULTILINE | re.DOTALL)


def page(name):
    return (RULES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "least"), [("estimate.md", 25), ("estimate.zh.md", 5)])
def test_the_examples_run_as_printed(name, least):
    source = "\n".join(BLOCK.findall(page(name)))
    test = doctest.DocTestParser().get_doctest(source, {}, name, name, 0)
    assert len(test.examples) >= least
    said = []
    assert doctest.DocTestRunner().run(test, out=said.append).failed == 0, "".join(said)


def test_the_numbers_of_the_chinese_prose():
    text = page("estimate.zh.md")

    def says(*parts):
        for part in parts:
            assert part in text, part

    low = [Role.ELIGIBLE_PASS] * 28 + [Role.ELIGIBLE_FAIL, Role.INELIGIBLE]
    high = [Role.ELIGIBLE_PASS] * 22 + [Role.ELIGIBLE_FAIL] * 5 + [Role.NON_RESPONSE] * 3
    units = [UnitResult("low", 900, 30, r) for r in low] + [UnitResult("high", 100, 30, r) for r in high]
    found, shares = pass_rate(units), role_shares(units)
    says(
        f"{100 * found.rate.low:.2f}%–{100 * found.rate.high:.2f}%",
        f"{100 * found.rate.se:.2f} 个百分点、{found.rate.df}",
    )
    says(f"| 合规率 | {100 * compliance_rate(units).rate.estimate:.2f}% |")
    names = ("合格", "发现问题", "不属于检查对象", "未能检查")
    says(*(f"{name} {100 * shares[role].estimate:.2f}%" for name, role in zip(names, Role, strict=True)))
    says(f"应答率 {found.response_rate}，按权数计 {100 * float(found.response_rate_weighted):.2f}%")

    drawn = [Unit("A", Fraction(1, 2), 1), Unit("A", Fraction(1, 4), 3), Unit("A", Fraction(1, 5), 5)]
    says(f"= {total(drawn).value:.0f}，", f"= {total(drawn).se ** 2:.1f}，标准误 {total(drawn).se:.2f}")

    first = Fraction(3, 12)

    def markets(rows):
        return [
            Unit("m", first * Fraction(n, N), float(i < x), cluster=name, pi_cluster=first)
            for name, N, n, x in rows
            for i in range(n)
        ]

    whole = markets([("东", 10, 10, 8), ("南", 5, 5, 5), ("西", 10, 10, 4)])
    part = markets([("东", 40, 5, 4), ("南", 20, 5, 5), ("西", 50, 5, 2)])
    says(
        f"{100 * rate(whole).estimate:.1f}%，标准误 {100 * rate(whole).se:.1f} 个百分点，"
        f"设计效应 {design_effect(whole).deff:.2f}",
        f"{100 * rate(part).estimate:.2f}%，标准误 {100 * rate(part).se:.2f} 个百分点；"
        f"只看群间差异为 {100 * rate(part, ultimate=True).se:.2f}",
    )

    both = [Unit("low", Fraction(30, 900), float(i < 28), area="甲" if i < 10 else "乙") for i in range(30)]
    both += [Unit("high", Fraction(30, 100), float(i % 6 > 0), area="甲" if i < 12 else "乙") for i in range(30)]
    for area, r in rates_by_area(both).items():
        says(
            f"{area}县 {r.denominator} 个中 {r.numerator} 个合格，估计 {100 * r.estimate:.2f}%，"
            f"区间 {100 * r.low:.1f}%–{100 * r.high:.1f}%，有效样本量 {r.n_eff:.1f}"
        )

    q1 = YearDraw("Q1", stratified([Stratum("all", 200, (1.0,) * 16 + (0.0,) * 4)]), "food")
    again = Stratum("again", 20, (1.0,) * 3 + (0.0,))
    q2 = YearDraw("Q2", stratified([Stratum("new", 180, (1.0,) * 33 + (0.0,) * 3), again]), "food")
    year = rate(pool([q1, q2]))
    says(f"= {100 * year.estimate:.2f}%，标准误 {100 * year.se:.2f}")

    four = fay_herriot([AreaMean(str(y), float(y), 1.0) for y in (8, 10, 12, 14)])
    says(
        f"{four.spread**2:.3f}，γ = {four.areas[0].gamma:.2f}，估计值 "
        + "、".join(f"{a.value:.2f}" for a in four.areas)
    )


def test_the_limits_on_the_pages_are_those_of_the_table():
    rule = publication_rule()
    assert f"n_eff < {rule.min_n_eff:g} or se / p > {100 * rule.max_cv:g} %" in page("estimate.md")
    assert f"有效样本量低于 {rule.min_n_eff:g}，或变异系数（标准误 ÷ 比率）超过 {100 * rule.max_cv:g}%" in page(
        "estimate.zh.md"
    )
    assert tables.check("estimate/choices") == ()


def test_a_city_sets_its_own_limits(tmp_path):
    folder = tmp_path / "estimate"
    folder.mkdir()
    (folder / "choices.csv").write_text(
        "code,value,name,name_en,source,confidence,valid_from,valid_to\n"
        "min_n_eff,30,样本,Sample,市统计局,sure,2026-01-01,\n"
        "max_cv,0.2,变异,Variation,市统计局,sure,2026-01-01,\n"
        "interval,wilson,区间,Interval,市统计局,sure,2026-01-01,\n",
        encoding="utf-8",
    )
    (folder / "choices.toml").write_text('title = "取舍"\nkey = ["code"]\n', encoding="utf-8")
    rule = publication_rule(root=tmp_path)
    assert rule == PublicationRule(30, 0.2, Method.WILSON)
    units = stratified([Stratum("A", 900, (1.0,) * 18 + (0.0,) * 2)])
    assert rate(units).suppressed is None
    assert rate(units, publication=rule).suppressed.code == "estimate.too_few"
    assert rate(units, publication=rule).method is Method.WILSON


def test_an_interval_that_is_none_of_ours_is_refused(tmp_path):
    (tmp_path / "estimate").mkdir()
    (tmp_path / "estimate/choices.csv").write_text(
        "code,value,source,confidence,valid_from,valid_to\ninterval,wald,市统计局,sure,,\n", encoding="utf-8"
    )
    (tmp_path / "estimate/choices.toml").write_text('title = "取舍"\nkey = ["code"]\n', encoding="utf-8")
    with pytest.raises(EstimateError, match="wald"):
        publication_rule(root=tmp_path)
