"""The clock: working days, periods, suspension, extension, reasons."""

import tomllib
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import chinese_calendar
import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine import clock
from zhunsheng.engine.clock import (
    CHINA,
    Calendar,
    DayKind,
    Extension,
    SpecialDay,
    Suspension,
    Unit,
    days_left,
    deadline,
    default_calendar,
    limit,
    limits,
    working_days_between,
)
from zhunsheng.engine.errors import ClockError, TableError

VECTORS = tomllib.loads((Path(__file__).parents[1] / "vectors/clock/deadlines.toml").read_text(encoding="utf-8"))
FIRST, LAST = date(2012, 1, 1), date(2026, 12, 31)
ALL_DAYS = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
DAY_UNITS = (Unit.WORKING_DAY, Unit.CALENDAR_DAY, Unit.MONTH, Unit.YEAR)


def special(day: str, kind: str = "holiday", name: str = "节日") -> SpecialDay:
    return SpecialDay(date.fromisoformat(day), DayKind(kind), name, "Feast", "通知")


@pytest.mark.parametrize("case", VECTORS["case"], ids=lambda case: case["what"])
def test_periods_counted_by_hand(case):
    suspensions = [Suspension(*map(date.fromisoformat, case["suspend"]), "testing")] if "suspend" in case else []
    extensions = [Extension(case["extend"][0], Unit(case["extend"][1]))] if "extend" in case else []
    answer = deadline(
        case["trigger"], case["amount"], Unit(case["unit"]), suspensions=suspensions, extensions=extensions
    )
    assert (answer.due, answer.nominal) == (case["due"], case.get("nominal", case["due"]))
    assert answer.provisional is False


def test_every_day_of_fifteen_years_agrees_with_chinesecalendar():
    calendar = default_calendar()
    assert [d for d in ALL_DAYS if calendar.is_working(d) != chinese_calendar.is_workday(d)] == []


def test_every_day_of_fifteen_years_agrees_with_holidays():
    """holidays knows the days off and 调休 (public category) of every year here; no difference is left to explain."""
    calendar, china = default_calendar(), holidays.country_holidays("CN", years=range(2011, 2027))
    assert [d for d in ALL_DAYS if calendar.is_working(d) != china.is_working_day(d)] == []


@pytest.mark.parametrize(
    ("year", "off", "worked"),
    [
        (2012, 27, 7), (2013, 29, 12), (2014, 22, 5), (2015, 26, 5), (2016, 24, 6), (2017, 24, 5), (2018, 23, 6),
        (2019, 24, 7), (2020, 30, 6), (2021, 31, 7), (2022, 31, 7), (2023, 27, 7), (2024, 28, 8), (2025, 28, 5),
        (2026, 33, 6),
    ],
)  # fmt: skip
def test_each_notice_is_carried_whole(year, off, worked):
    """Days off and weekend days worked, as counted from the text of each notice."""
    rows = clock.tables.load(f"working_days/{year}").rows
    assert (sum(r["kind"] == "holiday" for r in rows), sum(r["kind"] == "makeup_workday" for r in rows)) == (
        off,
        worked,
    )


def test_a_day_gives_its_reason_and_source():
    calendar = default_calendar()
    made_up = calendar.day(date(2017, 9, 30))
    assert made_up.working
    assert "国办发明电〔2016〕17号" in made_up.reason.text()
    assert "Saturday" in made_up.reason.text("en")
    extended = calendar.day(date(2020, 2, 1))
    assert not extended.working
    assert "国办发明电〔2020〕1号" in extended.reason.text()
    assert not calendar.day(date(2017, 9, 24)).working
    assert calendar.day(date(2017, 9, 25)).working
    assert calendar.day(datetime(2017, 9, 29, 16, 30, tzinfo=UTC)).date == date(2017, 9, 30)


def test_a_year_without_a_notice_is_never_silent():
    assert default_calendar().day(date(2027, 5, 3)).provisional
    assert "2027" in default_calendar().day(date(2027, 5, 3)).reason.text("en")
    answer = deadline(date(2026, 12, 1), 30, Unit.WORKING_DAY)
    assert answer.provisional
    assert answer.missing_years == (2027,)
    assert [r.code for r in answer.reasons][-1] == "clock.notice_missing"
    # Only the last day of a period of calendar days depends on a notice.
    assert deadline(date(2011, 12, 1), 100, Unit.CALENDAR_DAY).provisional is False
    assert deadline(date(2011, 12, 1), 10, Unit.CALENDAR_DAY).missing_years == (2011,)


def test_the_last_days_of_december_wait_for_the_next_notice():
    """31 December 2018 was a Monday off by the notice of 2019, published on 6 December 2018."""
    notice_2018 = Calendar([], [2018])
    before = deadline(date(2018, 12, 3), 20, Unit.WORKING_DAY, calendar=notice_2018)
    assert (before.due, before.missing_years) == (date(2018, 12, 31), (2019,))
    after = deadline(date(2018, 12, 3), 20, Unit.WORKING_DAY)
    assert (after.due, after.provisional) == (date(2018, 12, 29), False)  # and Saturday the 29th was worked
    assert deadline(date(2018, 12, 3), 17, Unit.WORKING_DAY, calendar=notice_2018).provisional is False


def test_two_notices_that_contradict_each_other_are_refused():
    with pytest.raises(ClockError, match="2017-01-02"):
        Calendar([special("2017-01-02"), special("2017-01-02", "makeup_workday")], [2017])


def test_a_city_may_bring_its_calendar(tmp_path):
    folder = tmp_path / "working_days"
    folder.mkdir()
    (folder / "2027.csv").write_text(
        "date,kind,name,name_en,source,confidence\n2027-01-01,holiday,元旦,New Year,试,assumed\n", encoding="utf-8"
    )
    calendar = Calendar.load(tmp_path)
    assert 2027 in calendar.years
    assert 2017 in calendar.years
    assert not calendar.day(date(2027, 1, 1)).provisional
    (folder / "2028.csv").write_text(
        "date,kind,name,name_en,source,confidence\n2028-01-01,vacation,元旦,New Year,试,assumed\n", encoding="utf-8"
    )
    with pytest.raises(ClockError, match="vacation"):
        Calendar.load(tmp_path)


def test_days_left():
    due = date(2017, 9, 29)  # a Friday; Saturday 30 September is worked
    assert days_left(due, date(2017, 9, 28)) == 1
    assert days_left(due, due) == 0
    assert days_left(due, date(2017, 9, 30)) == -1
    assert days_left(due, date(2017, 10, 9)) == -2
    assert days_left(date(2017, 9, 22), date(2017, 9, 23)) == -1, (
        "overdue on Saturday, though no working day has passed"
    )
    assert working_days_between(date(2017, 9, 29), date(2017, 10, 9)) == 2
    assert working_days_between(date(2017, 10, 9), date(2017, 9, 29)) == -2


def test_hours_run_through_nights_and_holidays():
    start = datetime(2017, 9, 30, 16, 30, tzinfo=CHINA)
    answer = deadline(start, 24, Unit.HOUR)
    assert answer.due_at == datetime(2017, 10, 1, 16, 30, tzinfo=CHINA)
    assert (answer.due, answer.provisional) == (date(2017, 10, 1), False)


def test_hours_are_counted_in_instants_not_on_a_wall_clock():
    """A zone with summer time: 24 hours after 02:30 on the eve is 03:30, and the day is the day in China."""
    paris = ZoneInfo("Europe/Paris")
    answer = deadline(datetime(2017, 3, 25, 20, 0, tzinfo=paris), 24, Unit.HOUR)
    assert answer.due_at is not None
    assert answer.due_at.astimezone(UTC) == datetime(2017, 3, 26, 19, 0, tzinfo=UTC)
    assert answer.due == date(2017, 3, 27)


def test_suspended_hours():
    start = datetime(2017, 9, 30, 16, tzinfo=CHINA)
    night = Suspension(start + timedelta(hours=2), start + timedelta(hours=5), "testing")
    overlap = Suspension(start + timedelta(hours=4), start + timedelta(hours=6), "testing")
    before = Suspension(start - timedelta(hours=9), start + timedelta(hours=1), "testing")
    later = Suspension(start + timedelta(days=9), start + timedelta(days=10), "testing")
    answer = deadline(start, 24, Unit.HOUR, suspensions=[later, overlap, night, before])
    assert answer.due_at == start + timedelta(hours=24 + 4 + 1)
    whole_day = Suspension(date(2017, 10, 1), date(2017, 10, 1), "hearing")
    assert deadline(start, 24, Unit.HOUR, suspensions=[whole_day]).due_at == start + timedelta(hours=48)
    assert deadline(start, 2, Unit.HOUR, extensions=[Extension(3, Unit.HOUR)]).due_at == start + timedelta(hours=5)


@pytest.mark.parametrize("amount", [0, -1, True, 1.5, "3"])
def test_an_amount_that_is_not_a_positive_whole_number_is_refused(amount):
    for unit in Unit:
        with pytest.raises(ClockError) as error:
            deadline(datetime(2017, 1, 1, tzinfo=CHINA), amount, unit)
        assert error.value.code == "clock.bad_amount"


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("clock.hours_need_instant", lambda: deadline(date(2017, 1, 1), 2, Unit.HOUR)),
        ("clock.no_time_zone", lambda: deadline(datetime(2017, 1, 1), 2, Unit.HOUR)),  # noqa: DTZ001
        ("clock.no_time_zone", lambda: deadline(datetime(2017, 1, 1), 2, Unit.WORKING_DAY)),  # noqa: DTZ001
        (
            "clock.mixed_units",
            lambda: deadline(date(2017, 1, 1), 2, Unit.MONTH, extensions=[Extension(1, Unit.HOUR)]),
        ),
        (
            "clock.mixed_units",
            lambda: deadline(datetime(2017, 1, 1, tzinfo=CHINA), 2, Unit.HOUR, extensions=[Extension(1, Unit.MONTH)]),
        ),
        (
            "clock.suspension_reversed",
            lambda: deadline(
                date(2017, 1, 1), 2, Unit.MONTH, suspensions=[Suspension(date(2017, 1, 9), date(2017, 1, 8))]
            ),
        ),
        ("clock.out_of_range", lambda: deadline(date(2017, 1, 1), 9000, Unit.YEAR)),
        ("clock.out_of_range", lambda: deadline(date(2017, 1, 1), 10**30, Unit.YEAR)),
        ("clock.out_of_range", lambda: deadline(date(2017, 1, 1), 10**9, Unit.CALENDAR_DAY)),
        ("clock.out_of_range", lambda: deadline(date(2017, 1, 1), 10**9, Unit.WORKING_DAY)),
        ("clock.out_of_range", lambda: deadline(datetime(2017, 1, 1, tzinfo=CHINA), 10**12, Unit.HOUR)),
        (
            "clock.out_of_range",
            lambda: deadline(
                date(2017, 1, 1), 2, Unit.CALENDAR_DAY, suspensions=[Suspension(date(2017, 1, 2), date.max)]
            ),
        ),
    ],
)
def test_what_cannot_be_counted_is_refused(code, call):
    with pytest.raises(ClockError) as error:
        call()
    assert error.value.code == code
    assert error.value.text("en")


triggers = st.dates(FIRST, date(2026, 6, 30))
pauses = st.lists(
    st.tuples(triggers, st.integers(0, 40)).map(lambda p: Suspension(p[0], p[0] + timedelta(days=p[1]), "testing")),
    max_size=4,
)


def walk(start: date, amount: int, working_only: bool, paused: set[date]) -> date:
    day = start
    while amount:
        day += timedelta(days=1)
        if day not in paused and (not working_only or _oracle(day)):
            amount -= 1
    return day


def _oracle(day: date) -> bool:
    return chinese_calendar.is_workday(day) if day.year <= 2026 else day.weekday() < 5


def by_hand(trigger: date, amount: int, unit: Unit, suspensions) -> date:
    paused = {s.start + timedelta(days=n) for s in suspensions for n in range((s.end - s.start).days + 1)}
    if unit in (Unit.MONTH, Unit.YEAR):
        months = trigger.year * 12 + trigger.month - 1 + amount * (12 if unit is Unit.YEAR else 1)
        day = trigger.day
        while True:  # the day with the same number, or the last one that exists
            try:
                end = date(months // 12, months % 12 + 1, day)
                break
            except ValueError:
                day -= 1
        amount, unit = (end - trigger).days, Unit.CALENDAR_DAY
    due = walk(trigger, amount, unit is Unit.WORKING_DAY, paused)
    while not _oracle(due) or due in paused:
        due += timedelta(days=1)
    return due


@given(triggers, st.integers(1, 60), st.sampled_from(DAY_UNITS[:2]), pauses)
def test_it_agrees_with_a_counter_that_walks_day_by_day(trigger, amount, unit, suspensions):
    answer = deadline(trigger, amount, unit, suspensions=suspensions)
    assert answer.due == by_hand(trigger, amount, unit, suspensions)


@given(triggers, st.integers(1, 30), st.sampled_from(DAY_UNITS[2:]), pauses)
def test_months_and_years_agree_too(trigger, amount, unit, suspensions):
    assert deadline(trigger, amount, unit, suspensions=suspensions).due == by_hand(trigger, amount, unit, suspensions)


@given(triggers, st.integers(1, 60), st.integers(1, 60), pauses)
def test_an_extension_is_the_same_as_a_longer_period(trigger, amount, more, suspensions):
    for unit in DAY_UNITS[:3]:
        extended = deadline(trigger, amount, unit, suspensions=suspensions, extensions=[Extension(more, unit)])
        assert extended.due == deadline(trigger, amount + more, unit, suspensions=suspensions).due


@given(triggers, st.integers(1, 300), st.sampled_from(DAY_UNITS[:3]), pauses)
def test_a_deadline_is_a_working_day_after_the_trigger_and_grows_with_the_period(trigger, amount, unit, suspensions):
    answer = deadline(trigger, amount, unit, suspensions=suspensions)
    assert answer.due > trigger
    assert default_calendar().is_working(answer.due)
    assert answer.nominal <= answer.due <= deadline(trigger, amount + 1, unit, suspensions=suspensions).due
    assert answer.due >= deadline(trigger, amount, unit).due, "a suspension never shortens"
    assert deadline(trigger, amount, unit, suspensions=suspensions * 2).due == answer.due, "overlaps count once"


@given(triggers, triggers, triggers)
def test_working_days_add_up(a, b, c):
    assert working_days_between(a, b) + working_days_between(b, c) == working_days_between(a, c)
    assert (working_days_between(a, a + timedelta(days=1)) == 1) == _oracle(a + timedelta(days=1))


@given(triggers, st.integers(1, 120), pauses)
def test_the_reasons_account_for_every_day(trigger, amount, suspensions):
    """Counted days, weekends, holidays and suspended working days make up the whole stretch, none twice."""
    answer = deadline(trigger, amount, Unit.WORKING_DAY, suspensions=suspensions)
    left_out = sum(
        int(r.params["count"])
        for r in answer.reasons
        if r.code in ("clock.weekends", "clock.holiday", "clock.suspended")
    )
    assert amount + left_out == (answer.nominal - trigger).days
    assert all(r.text("zh") and r.text("en") for r in answer.reasons)


@given(
    st.lists(st.tuples(st.dates(date(2016, 12, 1), date(2018, 1, 31)), st.sampled_from(DayKind)), max_size=40),
    st.dates(date(2016, 1, 1), date(2018, 12, 31)),
    st.integers(1, 300),
)
def test_any_calendar_is_counted_right(days, trigger, amount):
    kinds = dict(days)
    calendar = Calendar([SpecialDay(d, k, "节", "Feast", "通知") for d, k in kinds.items()], range(2016, 2021))

    def works(day: date) -> bool:
        return kinds[day] is DayKind.MAKEUP_WORKDAY if day in kinds else day.weekday() < 5

    due = deadline(trigger, amount, Unit.WORKING_DAY, calendar=calendar).due
    counted = [d for d in (trigger + timedelta(days=n + 1) for n in range((due - trigger).days)) if works(d)]
    assert len(counted) == amount
    assert counted[-1] == due


def test_the_reasons_tell_the_story():
    answer = deadline(
        date(2017, 9, 29), 5, Unit.WORKING_DAY,
        suspensions=[Suspension(date(2017, 10, 10), date(2017, 10, 11), "hearing")],
        extensions=[Extension(5, Unit.WORKING_DAY, "局长")],
    )  # fmt: skip
    assert answer.due == date(2017, 10, 23)
    assert [r.code for r in answer.reasons] == [
        "clock.rule.working_day", "clock.extended_by", "clock.weekends", "clock.holiday", "clock.makeup",
        "clock.suspended", "clock.ends",
    ]  # fmt: skip
    assert "国庆节、中秋节 2017-10-01 至 2017-10-08 放假，8 天不计" in answer.reasons[3].text()
    assert "(hearing): 2 working day(s) not counted" in answer.reasons[5].text("en")
    moved = deadline(date(2017, 9, 20), 15, Unit.CALENDAR_DAY).reasons
    assert [r.code for r in moved] == ["clock.rule.calendar_day", "clock.ends", "clock.moved"]
    assert "2017-10-09" in moved[-1].text("en")


def test_a_limit_is_that_of_the_day_of_the_trigger():
    old, new = (
        limit("inspection.publish_result", date(2017, 5, 12)),
        limit("inspection.publish_result", date(2019, 3, 1)),
    )
    assert (old.amount, old.unit, old.evidence) == (20, Unit.WORKING_DAY, "likely")
    assert "令第67号" in old.legal_ref
    assert "国发〔2019〕5号" in new.legal_ref
    assert old.deadline(date(2017, 9, 29)).due == date(2017, 11, 2)
    with pytest.raises(TableError, match="2010-01-01"):
        limit("inspection.publish_result", date(2010, 1, 1))
    with pytest.raises(TableError, match="no_such"):
        limit("no_such", date(2017, 1, 1))


def test_a_limit_refuses_what_its_row_does_not_allow(tmp_path):
    folder = tmp_path / "time_limits"
    folder.mkdir()
    (folder / "cases.toml").write_text(
        '[[row]]\ncode = "case.decide"\nname = "作出决定"\nname_en = "Decide"\nmechanism = "case"\n'
        'trigger_event = "立案"\nend_event = "决定"\namount = 90\nunit = "calendar_day"\nextension_amount = 30\n'
        'extension_max_times = 1\nextension_approver = "负责人"\nsuspend_on = ["testing", "hearing"]\n'
        'source = "行政处罚法第60条"\nconfidence = "sure"\n',
        encoding="utf-8",
    )
    rule = limit("case.decide", date(2022, 1, 4), tmp_path)
    day = date(2022, 1, 4)
    assert rule.deadline(day, extensions=[Extension(30, Unit.CALENDAR_DAY)]).due == date(2022, 5, 5)
    assert rule.suspend_on == ("testing", "hearing")
    for code, given_ in (
        ("clock.too_many_extensions", {"extensions": [Extension(10, Unit.CALENDAR_DAY)] * 2}),
        ("clock.extension_too_long", {"extensions": [Extension(31, Unit.CALENDAR_DAY)]}),
        ("clock.extension_too_long", {"extensions": [Extension(1, Unit.MONTH)]}),
        ("clock.suspension_not_allowed", {"suspensions": [Suspension(day, day, "holiday trip")]}),
    ):
        with pytest.raises(ClockError) as error:
            rule.deadline(day, **given_)
        assert error.value.code == code
        assert error.value.where == "case.decide"
    assert any(found.code == "case.decide" for found in limits(tmp_path))


def test_every_packaged_limit_is_usable():
    found = limits()
    assert found
    for rule in found:
        start = datetime(2022, 1, 4, 9, tzinfo=timezone(timedelta(hours=8)))
        assert rule.deadline(start).due > date(2022, 1, 4), rule.code
        assert all(rule_text for rule_text in (rule.name, rule.name_en, rule.legal_ref, rule.end_event_en))
