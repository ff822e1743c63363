"""Small counts stay unknown, also to who can subtract."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine.suppression import shown_total, suppressed

COUNTS = st.lists(st.integers(0, 40), min_size=1, max_size=12)


def test_a_small_count_is_held_back_and_the_next_one_with_it():
    assert suppressed([12, 3, 40, 7], 5) == (12, None, 40, None)
    assert suppressed([5, 4, 4], 5) == (None, None, None)
    assert suppressed([9, 1, 9, 0, 30], 5) == (None, None, None, 0, 30)
    assert suppressed([12, 5, 0], 5) == (12, 5, 0)


def test_where_there_is_nothing_but_small_counts_the_total_is_held_back_too():
    assert suppressed([3, 0, 4], 5) == (None, 0, None)
    assert shown_total([3, 0, 4], 5) is None
    assert shown_total([12, 3, 40, 7], 5) == 62
    assert shown_total([0, 0], 5) == 0


def test_a_negative_count_is_no_count():
    with pytest.raises(ValueError):
        suppressed([-1], 5)


@given(COUNTS, st.integers(2, 10))
def test_no_small_count_is_ever_shown_and_none_is_changed(counts, least):
    shown = suppressed(counts, least)
    assert all(one is None or one == count for one, count in zip(shown, counts, strict=True))
    assert not any(one is not None and 0 < one < least for one in shown)
    assert all(one == 0 for one, count in zip(shown, counts, strict=True) if count == 0)


@given(COUNTS, st.integers(2, 10))
def test_what_is_held_back_cannot_be_had_by_subtracting(counts, least):
    shown, total = suppressed(counts, least), shown_total(counts, least)
    hidden = [count for one, count in zip(shown, counts, strict=True) if one is None]
    if hidden and total is not None:
        assert len(hidden) >= 2
        assert total - sum(one for one in shown if one is not None) > least


@given(st.lists(st.integers(0, 9), min_size=3, max_size=4), st.just(5))
def test_who_knows_the_rule_as_well_is_left_with_more_than_one_answer(counts, least):
    """Everything that gives the same page: each small count has at least two values among them."""
    shown, total = suppressed(counts, least), shown_total(counts, least)
    if total is None or None not in shown:
        return
    top = total + 1
    places = [n for n, one in enumerate(shown) if one is None]
    answers = []
    for values in product(range(1, min(top, 25)), repeat=len(places)):
        tried = list(counts)
        for place, value in zip(places, values, strict=True):
            tried[place] = value
        if sum(tried) == total and suppressed(tried, least) == shown:
            answers.append(tuple(tried))
    for place in places:
        if 0 < counts[place] < least:
            assert len({answer[place] for answer in answers}) > 1, (counts, answers)
