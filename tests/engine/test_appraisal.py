"""Claims about targets: exact comparison, the pace of time, and no verdict without data."""

import doctest
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine import appraisal, tables
from zhunsheng.engine.appraisal import (
    Measure,
    Status,
    Target,
    Window,
    round_half_up,
    show_number,
    show_percent,
    status,
    target_from,
    targets,
)
from zhunsheng.engine.errors import AppraisalError, TableError

START, DEADLINE = date(2017, 1, 1), date(2018, 12, 31)
WINDOW = Window(START, DEADLINE)
HALF = date(2017, 12, 31)
AFTER = date(2019, 1, 15)
RATE = Target("T01", "抽查合格率", "Pass rate", ">=", Fraction(96, 100), "percent", DEADLINE, "一（二）1")
COUNT = Target("T08", "名牌产品", "Famous brands", ">=", Fraction(10), "个", DEADLINE, "一（二）2")


def judge(target, measure, on=HALF, window=WINDOW):
    return status(target, measure, on, window)


def codes(found):
    return [reason.code for reason in found.reasons]


def test_it_works():
    found = judge(RATE, Measure(1842, 1911, HALF))
    assert found.status is Status.ON_TRACK
    assert found.value == Fraction(1842, 1911)
    assert found.expected == Fraction(24, 25)
    assert found.reasons[0].text() == "96.39%(1842/1911)，达到目标 96.00%；按精确分数比较"
    assert "1842/1911" in found.reasons[0].text("en")


@pytest.mark.parametrize(
    ("target", "measure", "on", "expected"),
    [
        (RATE, (96, 100), HALF, "on_track"),
        (RATE, (9599, 10000), HALF, "behind"),
        (RATE, (96, 100), DEADLINE, "on_track"),
        (RATE, (96, 100), AFTER, "met"),
        (RATE, (9599, 10000), AFTER, "missed"),
        (COUNT, (10, None), HALF, "met"),
        (COUNT, (5, None), HALF, "on_track"),
        (COUNT, (4, None), HALF, "behind"),
        (COUNT, (9, None), DEADLINE, "behind"),
        (COUNT, (10, None), AFTER, "met"),
        (COUNT, (9, None), AFTER, "missed"),
        (COUNT, (0, None), date(2016, 6, 1), "on_track"),
    ],
)
def test_the_five_states(target, measure, on, expected):
    assert judge(target, Measure(*measure, on), on).status == expected


def test_half_of_the_window_is_exactly_half_of_the_target():
    """2017 and 2018 have 365 days each."""
    assert judge(COUNT, Measure(5, None, HALF)).expected == 5
    assert judge(COUNT, Measure(5, None, HALF), HALF + timedelta(1)).status is Status.BEHIND


def test_nothing_rounds_into_a_pass():
    found = judge(RATE, Measure(95996, 100000, AFTER), AFTER)
    assert show_percent(found.value) == "96.00%"
    assert found.status is Status.MISSED
    assert codes(found) == ["appraisal.rate_short", "appraisal.rounded_alike"]


@pytest.mark.parametrize("on", [HALF, AFTER])
def test_no_data_is_neither_nought_nor_hundred_percent(on):
    for measure in (None, Measure(0, 0, on)):
        found = judge(RATE, measure, on)
        assert found.status is Status.NO_DATA and found.value is None
    assert judge(COUNT, None, on).status is Status.NO_DATA


def test_figures_that_end_early_give_no_verdict():
    early = date(2018, 11, 30)
    assert judge(COUNT, Measure(9, None, early), AFTER).status is Status.NO_DATA
    assert judge(RATE, Measure(99, 100, early), AFTER).status is Status.NO_DATA
    assert judge(COUNT, Measure(10, None, early), AFTER).status is Status.MET, "a count that got there stays there"
    assert "2018-11-30" in judge(COUNT, Measure(9, None, early), AFTER).reasons[0].text()


def test_an_interval_across_the_target_is_said():
    found = judge(RATE, Measure(97, 100, HALF, interval=(0.93, 0.99)))
    assert found.status is Status.ON_TRACK
    assert "appraisal.interval_straddles" in codes(found)
    assert "93.00%–99.00%" in found.reasons[1].text()
    assert codes(judge(RATE, Measure(99, 100, HALF, interval=(0.97, 0.999)))) == ["appraisal.rate_reaches"]


def test_a_net_count_may_be_negative():
    assert judge(COUNT, Measure(-3, None, HALF)).status is Status.BEHIND


def test_the_examples_in_the_docstrings_are_true():
    assert doctest.testmod(appraisal).failed == 0


# ---- the table -----------------------------------------------------------------------------------------------------


def test_the_25_targets_of_jiaozuo():
    assert tables.check("cities/jiaozuo/targets") == ()
    found = {target.code: target for target in targets("jiaozuo", date(2018, 1, 1))}
    assert list(found) == [f"T{n:02}" for n in range(1, 26)]
    assert [str(found[f"T{n:02}"].value) for n in (1, 2, 3, 4, 5, 6)] == [
        "24/25",
        "189/200",
        "24/25",
        "187/200",
        "19/20",
        "1",
    ]
    assert [int(found[f"T{n:02}"].value) for n in range(7, 23)] == [
        2,
        10,
        1,
        1,
        3,
        2,
        2,
        30,
        12,
        15,
        5,
        3,
        15,
        4,
        500,
        5,
    ]
    assert {t.source for t in found.values()} == {"焦政〔2017〕12号"}
    assert all(t.source_clause and t.name and t.name_en and t.numerator for t in found.values())
    assert all(bool(t.denominator) == t.is_rate for t in found.values())
    assert [c for c, t in found.items() if t.confidence != "sure"] == ["T23", "T24", "T25"]
    assert "appraisal.not_sure" in codes(judge(found["T25"], Measure(1, None, HALF)))
    assert (found["T14"].label(), found["T14"].label("en")) == (found["T14"].name, found["T14"].name_en)


def test_no_target_before_the_paper_was_signed():
    assert targets("jiaozuo", date(2017, 5, 2)) == ()


def test_a_city_without_targets_is_refused():
    with pytest.raises(TableError, match="targets"):
        targets("nowhere", date(2018, 1, 1))


# ---- refusals ------------------------------------------------------------------------------------------------------

CELLS = {
    "code": "T1",
    "name": "目标",
    "name_en": "",
    "operator": ">=",
    "value": "94.5",
    "unit": "percent",
    "deadline": "2018-12-31",
    "source_clause": "一（二）1",
}


def test_a_row_is_read():
    assert target_from(CELLS).value == Fraction(945, 1000)
    assert target_from(CELLS).label("en") == "目标", "without an English name the Chinese one stands"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code": ""}, "appraisal.no_cell"),
        ({"name": ""}, "appraisal.no_cell"),
        ({"operator": "<="}, "appraisal.bad_operator"),
        ({"value": "many"}, "appraisal.bad_value"),
        ({"value": "-1"}, "appraisal.bad_value"),
        ({"value": "1/0"}, "appraisal.bad_value"),
        ({"value": "101"}, "appraisal.bad_value"),
        ({"deadline": "2018年末"}, "appraisal.bad_day"),
    ],
)
def test_a_bad_row_is_refused(change, code):
    with pytest.raises(AppraisalError) as refused:
        target_from(CELLS | change)
    assert refused.value.code == code
    assert refused.value.where == change.get("code", "T1")


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("appraisal.later_measure", lambda: judge(COUNT, Measure(1, None, AFTER), HALF)),
        ("appraisal.needs_denominator", lambda: judge(RATE, Measure(1, None, HALF))),
        ("appraisal.needs_count", lambda: judge(COUNT, Measure(1, 2, HALF))),
        ("appraisal.bad_rate", lambda: judge(RATE, Measure(3, 2, HALF))),
        ("appraisal.bad_rate", lambda: judge(RATE, Measure(-1, 2, HALF))),
        ("appraisal.bad_window", lambda: judge(RATE, None, window=Window(DEADLINE, START))),
        ("appraisal.bad_window", lambda: judge(RATE, None, window=Window(START, AFTER))),
        ("appraisal.bad_decimals", lambda: round_half_up(Fraction(1), -1)),
    ],
)
def test_it_refuses(code, call):
    with pytest.raises(AppraisalError) as refused:
        call()
    assert refused.value.code == code
    assert refused.value.text("zh") != refused.value.text("en")


# ---- what holds for every input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Fraction(1842, 1911), "96.39%"),
        (Fraction(5, 100000), "0.01%"),
        (Fraction(1), "100.00%"),
        (Fraction(99995, 100000), "100.00%"),
        (Fraction(-1, 3), "-33.33%"),
    ],
)
def test_percentages_round_halves_up(value, shown):
    assert show_percent(value) == shown
    assert show_number(Fraction(1234567), 0) == "1234567"


@given(st.decimals(min_value=-1000, max_value=1000, places=6), st.integers(0, 6))
def test_rounding_agrees_with_decimal(value, decimals):
    expected = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    assert round_half_up(Fraction(value), decimals) == expected


days = st.dates(date(2016, 6, 1), date(2019, 12, 31))
ORDER = [Status.MISSED, Status.BEHIND, Status.ON_TRACK, Status.MET]


@given(st.integers(0, 30), st.integers(0, 30), days)
def test_more_is_never_worse(value, more, on):
    less, greater = judge(COUNT, Measure(value, None, on), on), judge(COUNT, Measure(value + more, None, on), on)
    assert ORDER.index(greater.status) >= ORDER.index(less.status)


@given(st.integers(1, 10**6), st.data(), st.integers(1, 1000), days)
def test_the_same_share_has_the_same_standing(denominator, data, k, on):
    numerator = data.draw(st.integers(0, denominator))
    once, often = Measure(numerator, denominator, on), Measure(k * numerator, k * denominator, on)
    assert judge(RATE, once, on).status == judge(RATE, often, on).status
    reached = numerator * 100 >= denominator * 96
    assert (judge(RATE, once, on).status in (Status.MET, Status.ON_TRACK)) == reached


@given(st.integers(0, 30), days)
def test_after_the_deadline_there_is_no_on_the_way(value, on):
    found = judge(COUNT, Measure(value, None, on), on).status
    assert found in ((Status.MET, Status.MISSED) if on > DEADLINE else (Status.MET, Status.ON_TRACK, Status.BEHIND))


@given(days, days)
def test_the_pace_only_rises(one, other):
    first, second = sorted((one, other))
    assert 0 <= judge(COUNT, None, first).expected <= judge(COUNT, None, second).expected <= COUNT.value
