"""Claims about the responsibility matrix: no gap and no overlap goes unseen, and every matter finds its office or a reason."""

import doctest
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine import responsibility, tables
from zhunsheng.engine.errors import TableError
from zhunsheng.engine.responsibility import (
    Cell,
    Duty,
    Link,
    Overlap,
    duties,
    gaps,
    overlaps,
    product_links,
    route,
)

PRODUCTION, CIRCULATION, USE = Link
REFORM = date(2019, 1, 1)
BEFORE, AFTER = date(2018, 6, 1), date(2019, 6, 1)
FOOD = [
    Duty("food_drug", "food", PRODUCTION, valid_to=date(2018, 12, 31)),
    Duty("market", "food", PRODUCTION, valid_from=REFORM),
    Duty("education", "food", USE, lead=False),
    Duty("food_drug", "food", USE, valid_to=date(2018, 12, 31)),
]
CHAIN = {"food": tuple(Link)}


def test_it_works():
    assert route(FOOD, "food", PRODUCTION, BEFORE).lead == ("food_drug",)
    assert route(FOOD, "food", PRODUCTION, AFTER).lead == ("market",)
    found = route(FOOD, "food", USE, BEFORE)
    assert (found.lead, found.joint) == (("food_drug",), ("education",))
    assert found.reason.text() == "产品类别 food 的使用环节在 2018-06-01 由 food_drug 负责"
    assert gaps(FOOD, CHAIN, BEFORE) == (Cell("food", CIRCULATION),)
    assert gaps(FOOD, CHAIN, AFTER) == (Cell("food", CIRCULATION), Cell("food", USE))
    assert overlaps(FOOD, BEFORE) == ()


def test_the_last_day_belongs_to_the_old_office_and_the_next_to_the_new():
    assert route(FOOD, "food", PRODUCTION, date(2018, 12, 31)).lead == ("food_drug",)
    assert route(FOOD, "food", PRODUCTION, REFORM).lead == ("market",)


@pytest.mark.parametrize(
    ("duty", "code"),
    [
        (Duty("a", "food", USE, valid_to=date(2018, 5, 31)), "responsibility.ended"),
        (Duty("a", "food", USE, valid_from=date(2018, 6, 2)), "responsibility.not_yet"),
        (Duty("a", "food", USE, lead=False), "responsibility.only_joint"),
        (Duty("a", "toys", USE), "responsibility.nobody"),
        (Duty("a", "food", PRODUCTION), "responsibility.nobody"),
    ],
)
def test_nobody_has_a_reason(duty, code):
    found = route([duty], "food", USE, BEFORE)
    assert found.lead == ()
    assert found.reason.code == code
    assert found.reason.text("zh") != found.reason.text("en")


def test_two_leading_offices_overlap():
    twice = [Duty("quality", "food", USE), Duty("market", "food", USE), Duty("education", "food", USE, lead=False)]
    assert overlaps(twice, BEFORE) == (Overlap(Cell("food", USE), "", ("market", "quality")),)
    found = route(twice, "food", USE, BEFORE)
    assert found.lead == ("market", "quality") and found.reason.code == "responsibility.several_lead"


def test_levels_keep_offices_apart():
    levels = [Duty("city_bureau", "food", USE, "city"), Duty("county_bureau", "food", USE, "county")]
    assert overlaps(levels, BEFORE) == ()
    assert route(levels, "food", USE, BEFORE, "county").lead == ("county_bureau",)
    assert gaps(levels, {"food": (USE,)}, BEFORE, "provincial") == (Cell("food", USE),)
    everywhere = [*levels, Duty("other", "food", USE)]
    assert [o.scope for o in overlaps(everywhere, BEFORE)] == ["city", "county"]
    assert gaps(everywhere, {"food": (USE,)}, BEFORE, "provincial") == ()


def test_a_link_that_does_not_exist_is_no_gap():
    assert gaps([], {"catering": (USE,)}, BEFORE) == (Cell("catering", USE),)


def test_the_matrix_of_jiaozuo_has_the_gaps_its_note_admits():
    matrix = duties("jiaozuo")
    assert gaps(matrix, product_links(BEFORE), BEFORE) == (Cell("cosmetics", USE), Cell("industrial_key", USE))
    assert gaps(matrix, product_links(BEFORE), date(2022, 1, 1)) == (Cell("industrial_key", USE),)
    assert route(matrix, "edible_agri", CIRCULATION, BEFORE).lead == ("food_drug",)
    assert route(matrix, "edible_agri", CIRCULATION, AFTER).lead == ("market",)
    # Product quality and work safety are two organs' business; which of them leads is the table's to say.
    chemicals = route(matrix, "chemicals", PRODUCTION, BEFORE)
    assert "quality" in chemicals.lead and {*chemicals.lead, *chemicals.joint} == {"quality", "work_safety"}


def test_the_matrix_names_only_offices_and_classes_that_exist():
    offices = {row["code"] for row in tables.load("cities/jiaozuo/offices").rows}
    classes = {row["code"] for row in tables.load("registry/product_classes").rows}
    for duty in duties("jiaozuo"):
        assert duty.office_code in offices and duty.product_class in classes
        assert duty.source and duty.confidence


@pytest.mark.parametrize(
    ("row", "code"),
    [("a,food,moon,", "responsibility.bad_link"), ("a,food,use,boss", "responsibility.bad_role")],
)
def test_a_bad_row_is_refused(tmp_path, row, code):
    folder = tmp_path / "cities" / "here"
    folder.mkdir(parents=True)
    (folder / "responsibility.csv").write_text(f"office_code,product_class,link,role\n{row}\n", encoding="utf-8")
    (folder / "responsibility.toml").write_text('source = "x"\nconfidence = "sure"\n', encoding="utf-8")
    with pytest.raises(TableError) as refused:
        duties("here", tmp_path)
    assert refused.value.code == code and refused.value.where.endswith("responsibility:2")


def test_the_examples_in_the_docstrings_are_true():
    assert doctest.testmod(responsibility).failed == 0


# ---- what holds for every matrix -----------------------------------------------------------------------------------

day = st.dates(date(2017, 1, 1), date(2017, 1, 20))
matrices = st.lists(
    st.builds(
        lambda office, product, link, scope, lead, start, length: Duty(
            office, product, link, scope, lead, start, None if length is None else start + timedelta(length)
        ),
        st.sampled_from("abc"),
        st.sampled_from(["food", "toys"]),
        st.sampled_from(list(Link)),
        st.sampled_from(["", "city", "county"]),
        st.booleans(),
        day,
        st.none() | st.integers(0, 9),
    ),
    max_size=12,
)
BOTH = {"food": tuple(Link), "toys": (PRODUCTION, USE)}


@given(matrices, day, st.sampled_from(["", "city", "county"]))
def test_a_cell_is_a_gap_exactly_when_the_route_leads_nowhere(matrix, on, scope):
    open_cells = set(gaps(matrix, BOTH, on, scope))
    for product, links in BOTH.items():
        for link in links:
            found = route(matrix, product, link, on, scope)
            assert (Cell(product, link) in open_cells) == (not found.lead)
            assert not set(found.lead) & set(found.joint)
            assert found.reason.text() and found.reason.text("en")


@given(matrices, day)
def test_an_overlap_is_exactly_a_level_with_several_leads(matrix, on):
    found = overlaps(matrix, on)
    assert len({(o.cell, o.scope) for o in found}) == len(found)
    for overlap in found:
        assert len(overlap.offices) > 1
        if overlap.scope:
            assert (
                route(matrix, overlap.cell.product_class, overlap.cell.link, on, overlap.scope).lead == overlap.offices
            )
    named = {(o.cell, o.scope) for o in found}
    for product in BOTH:
        for link in Link:
            for scope in ("city", "county"):
                here = any(
                    d.scope == scope
                    and d.lead
                    and d.in_force(on)
                    and Cell(d.product_class, d.link) == Cell(product, link)
                    for d in matrix
                )
                several = len(route(matrix, product, link, on, scope).lead) > 1
                assert ((Cell(product, link), scope) in named) == (several and here)


@given(matrices, day, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(matrix, on, shuffler):
    mixed = list(matrix)
    shuffler.shuffle(mixed)
    assert gaps(mixed, BOTH, on) == gaps(matrix, BOTH, on)
    assert overlaps(mixed, on) == overlaps(matrix, on)
    assert route(mixed, "food", USE, on) == route(matrix, "food", USE, on)


@given(matrices, day, st.sampled_from(list(Link)))
def test_a_new_duty_closes_its_gap_and_opens_none(matrix, on, link):
    before, after = set(gaps(matrix, BOTH, on)), set(gaps([*matrix, Duty("new", "food", link)], BOTH, on))
    assert after == before - {Cell("food", link)}
