"""Grades of accidents against the criteria written out once more by hand, and who investigates."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine import accidents, tables
from zhunsheng.engine import procedure as P
from zhunsheng.engine.accidents import Figures
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import TableError
from zhunsheng.engine.procedure import Event

DAY = date(2018, 5, 12)
MILLION = 100_000_000  # a million yuan in fen


def by_hand(kind: str, f: Figures) -> str:
    """国务院令第493号第3条, 第549号第61至64条, 建质〔2010〕111号, written as a ladder of conditions."""
    special = kind == "special_equipment"
    floor = 1_000_000 if special else MILLION  # 10,000 yuan, or a million
    if f.deaths >= 30 or f.injuries >= 100 or f.loss >= 100 * MILLION:
        return "extra"
    if special and (f.moved >= 150_000 or (f.stranded >= 100 and f.hours >= 48)):
        return "extra"
    if f.deaths >= 10 or f.injuries >= 50 or f.loss >= 50 * MILLION:
        return "major"
    if special and (f.moved >= 50_000 or (f.stranded >= 100 and f.hours >= 24)):
        return "major"
    if f.deaths >= 3 or f.injuries >= 10 or f.loss >= 10 * MILLION:
        return "larger"
    if special and (f.moved >= 10_000 or (f.stranded >= 1 and f.hours >= 12)):
        return "larger"
    if f.deaths >= 1 or f.injuries >= 1 or f.loss >= floor:
        return "ordinary"
    if special and (f.moved >= 500 or (f.stranded >= 1 and f.hours >= 1)):
        return "ordinary"
    return ""


def near(*edges: int):
    return st.one_of(
        st.sampled_from([max(0, e + d) for e in edges for d in (-1, 0, 1)]), st.integers(0, max(edges) * 2)
    )


kinds = st.sampled_from([row["code"] for row in tables.load("accidents/kinds").rows])
figures = st.builds(
    Figures,
    deaths=near(0, 1, 3, 10, 30),
    injuries=near(0, 1, 10, 50, 100),
    loss=near(0, 1_000_000, MILLION, 10 * MILLION, 50 * MILLION, 100 * MILLION),
    moved=near(0, 500, 10_000, 50_000, 150_000),
    stranded=near(0, 1, 100),
    hours=near(0, 1, 12, 24, 48),
)


@given(kinds, figures)
def test_the_grade_is_that_of_the_worst_criterion(kind, f):
    found = accidents.grade(kind, f, DAY)
    assert found.code == by_hand(kind, f)
    assert found.reasons
    assert all(reason.text("zh") and reason.text("en") for reason in found.reasons)


@given(
    kinds, figures, st.sampled_from(["deaths", "injuries", "loss", "moved", "stranded", "hours"]), st.integers(1, 10**9)
)
def test_worse_figures_never_give_a_milder_grade(kind, f, which, more):
    worse = Figures(**{n: getattr(f, n) + (more if n == which else 0) for n in Figures.__dataclass_fields__})
    order = [*accidents.GRADES, ""]
    assert order.index(accidents.grade(kind, worse, DAY).code) <= order.index(accidents.grade(kind, f, DAY).code)


def test_below_the_floor_it_is_no_accident():
    assert accidents.grade("construction", Figures(loss=MILLION - 1), DAY).code == ""
    assert accidents.grade("construction", Figures(loss=MILLION), DAY).code == "ordinary"
    assert accidents.grade("special_equipment", Figures(loss=1_000_000), DAY).code == "ordinary"
    met = accidents.grade("special_equipment", Figures(deaths=3, moved=10_000), DAY)
    assert [r.code for r in met.reasons] == ["accidents.met.deaths", "accidents.met.moved"], (
        "every criterion met is said"
    )


def test_an_unknown_kind_or_a_day_without_criteria_is_refused():
    for kind, day in (("flood", DAY), ("construction", date(2005, 1, 1))):
        with pytest.raises(TableError):
            accidents.grade(kind, Figures(deaths=1), day)


@pytest.mark.parametrize(
    ("kind", "levels"),
    [
        ("special_equipment", ("state_council", "samr", "province", "city")),
        ("construction", ("state_council", "province", "city", "county")),
        ("product", ("state_council", "province", "city", "county")),
    ],
)
def test_who_investigates_goes_by_the_grade(kind, levels):
    found = [accidents.investigator(kind, grade, DAY)["level"] for grade in accidents.GRADES]
    assert tuple(found) == levels
    ranks = [accidents.rank(level) for level in levels]
    assert ranks == sorted(ranks, reverse=True)
    assert accidents.rank("village") == 0


# ---- the procedure asks the same function

AT = datetime(2018, 5, 12, 9, tzinfo=CHINA)


def verified(kind: str, f: Figures, manner: str = "other") -> P.Standing:
    procedure = P.load("accident", AT)
    learned = {"kind": kind, "manner": manner, "drill": False, "occurred_at": AT, "known_at": AT, "place": "x"}
    told = {"reported_at": AT, "deaths": f.deaths, "injuries": f.injuries, "loss": f.loss, "more_levels": False}
    history = (
        Event("learn", AT, "a", "member", learned),
        Event("report", AT, "a", "member", {**told, "first_report": "0" * 64}),
        Event("verify", AT, "a", "member"),
    )
    return P.replay(procedure, history)


def grading(f: Figures, grade: str, verb: str = "grade", at: datetime = AT) -> Event:
    facts = {"deaths": f.deaths, "injuries": f.injuries, "loss": f.loss, "moved": f.moved, "stranded": f.stranded}
    return Event(verb, at, "h", "head", {**facts, "stranded_hours": f.hours, "grade": grade})


@given(kinds, figures, st.sampled_from(accidents.GRADES))
def test_the_head_can_give_no_other_grade(kind, f, grade):
    verdict = P.judge(verified(kind, f), grading(f, grade))
    assert verdict.allowed is (grade == by_hand(kind, f))
    dismissed = P.judge(verified(kind, f), Event("dismiss", AT, "h", "head"))
    assert dismissed.allowed is (by_hand(kind, Figures(f.deaths, f.injuries, f.loss)) == "")
    for reason in (*verdict.reasons, *dismissed.reasons):
        assert reason.text("zh")
        assert reason.text("en")


@pytest.mark.parametrize(("manner", "days"), [("other", 30), ("traffic", 7), ("fire", 7)])
def test_figures_change_the_grade_for_thirty_days_or_seven(manner, days):
    f = Figures(deaths=2)
    standing = verified("product", f, manner)
    standing = P.apply(standing.procedure, standing.history, grading(f, "ordinary"))
    last = next(d for d in standing.dues if d.limit.code.startswith("figures")).last
    assert last.date() >= AT.date() + timedelta(days=days)
    assert last.date() <= AT.date() + timedelta(days=days + 2), "moved past a weekend at most"
    assert P.judge(standing, grading(Figures(deaths=3), "larger", "regrade", last)).allowed
    assert not P.judge(standing, grading(Figures(deaths=3), "larger", "regrade", last + timedelta(seconds=1))).allowed


def test_drills_are_counted_apart():
    procedure = P.load("accident", AT)
    learned = {"kind": "product", "manner": "other", "occurred_at": AT, "known_at": AT, "place": "x"}
    matters = [
        P.start(procedure, Event("learn", AT, "a", "member", {**learned, "drill": drill})) for drill in (True, False)
    ]
    metric = {m.code: m for m in procedure.metrics}
    later = AT + timedelta(hours=2)
    assert P.tally(metric["drills"], matters, later).amount == 1
    assert P.tally(metric["report_on_time"], matters, later) == P.Tally(0, 1)
    assert P.tally(metric["drill_report_on_time"], matters, later) == P.Tally(0, 1)
    assert P.tally(metric["accidents"], matters, later) == P.Tally(0)
