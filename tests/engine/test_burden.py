"""The burden on one firm: what counts, what is asked for twice, how much is left."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine.burden import Meter, Requested, Visited, meter, months_between, yearly_cap
from zhunsheng.engine.errors import BurdenError

MAY = date(2026, 5, 6)


def of(*visits: Visited, asked: tuple[Requested, ...] = (), cap: int = 4) -> Meter:
    return meter(visits, asked, year=2026, cap=cap)


def test_a_joint_visit_is_one_visit_and_a_cause_does_not_count() -> None:
    found = of(
        Visited(MAY, ("market", "fire", "market"), 90),
        Visited(MAY, ("market",), 30, for_cause=True),
        Visited(MAY, ("agri",)),
        Visited(date(2025, 5, 6), ("agri",), 600),
    )
    assert (found.counted, found.for_cause, found.minutes, found.timed, found.left) == (2, 1, 120, 2, 2)
    assert found.offices == {"agri": 1, "fire": 1, "market": 2}


@pytest.mark.parametrize(("visits", "level"), [(0, "free"), (2, "free"), (3, "near"), (4, "reached"), (5, "over")])
def test_the_level_says_how_many_are_left(visits: int, level: str) -> None:
    assert of(*[Visited(MAY, ("market",))] * visits).level == level


def test_a_paper_asked_for_again_while_valid_is_needless_whoever_asks() -> None:
    first = Requested(date(2025, 12, 20), "market", "test_reports")
    again = Requested(MAY, "fire", "test_reports")
    found = of(asked=(again, first))
    assert [(one.request, one.earlier) for one in found.needless] == [(again, first)]
    assert found.requests == 1
    assert "2025-12-20" in found.needless[0].reason.text("zh")


def test_a_paper_is_asked_for_anew_once_it_has_run_out() -> None:
    assert not of(
        asked=(Requested(date(2026, 1, 6), "market", "contracts"), Requested(date(2026, 4, 6), "market", "contracts"))
    ).needless


def test_what_an_authority_holds_need_never_be_asked_for() -> None:
    found = of(asked=(Requested(MAY, "market", "licence"),)).needless
    assert [one.earlier for one in found] == [None]
    assert "登记机关" in found[0].reason.text("zh") and "registration authority" in found[0].reason.text("en")


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        (date(2026, 1, 31), date(2026, 2, 28), 0),
        (date(2025, 11, 30), date(2026, 2, 28), 2),
        (date(2025, 3, 1), date(2026, 3, 1), 12),
    ],
)
def test_whole_months(first: date, last: date, months: int) -> None:
    assert months_between(first, last) == months


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(BurdenError, match="不小于 1"):
        of(cap=0)
    with pytest.raises(BurdenError, match="负数"):
        of(Visited(MAY, ("market",), -5))
    with pytest.raises(BurdenError, match="nonsense"):
        of(asked=(Requested(MAY, "market", "nonsense"),))


def test_the_limit_is_a_dated_row() -> None:
    assert yearly_cap(MAY) == 4


@given(st.lists(st.tuples(st.integers(0, 700), st.sampled_from(["contracts", "test_reports", "licence"])), max_size=30))
def test_order_of_entry_changes_nothing(asked: list[tuple[int, str]]) -> None:
    requests = tuple(Requested(date(2025, 1, 1) + timedelta(days=day), "market", kind) for day, kind in asked)
    one, other = of(asked=requests), of(asked=tuple(reversed(requests)))
    assert one == other
    assert len(one.needless) <= one.requests
