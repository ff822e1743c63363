"""The clock against a counter that walks hour by hour and day by day: chains of extensions, overlapping suspensions,
month ends, hours; days named by an order; service."""

import random
from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import pytest

from zhunsheng.engine.clock import (
    CHINA,
    Calendar,
    Extension,
    Suspension,
    Unit,
    deadline,
    default_calendar,
    last_days,
    served,
    set_day,
)
from zhunsheng.engine.errors import ClockError, TableError

DAY = timedelta(days=1)


def works(day: date) -> bool:
    """Whether a day is worked, from the package chinesecalendar and not from our tables."""
    return chinese_calendar.is_workday(day)


def corresponding(day: date, months: int) -> date:
    """The day with the same number so many months later, or the last one that there is: by trying."""
    number = day.year * 12 + day.month - 1 + months
    for back in range(4):
        try:
            return date(number // 12, number % 12 + 1, day.day - back)
        except ValueError:
            continue
    raise AssertionError(day)


def walked(start: date, chain: list[tuple[int, Unit]], suspended: set[date]) -> date:
    """The last day, one day at a time: neither quotients nor merged intervals, only a set of days."""
    joined: list[list] = []
    for amount, unit in chain:
        unit, amount = (Unit.MONTH, amount * 12) if unit is Unit.YEAR else (unit, amount)
        if joined and joined[-1][1] is unit:
            joined[-1][0] += amount
        else:
            joined.append([amount, unit])
    day = start
    for amount, unit in joined:
        if unit is Unit.MONTH:
            amount = (corresponding(day, amount) - day).days
        while amount:
            day += DAY
            if day not in suspended and (unit is not Unit.WORKING_DAY or works(day)):
                amount -= 1
    while day in suspended or not works(day):
        day += DAY
    return day


def walked_hours(start: datetime, hours: int, suspended: list[tuple[datetime, datetime]]) -> datetime:
    """The instant, a quarter of an hour at a time."""
    at, left = start, hours * 4
    while left:
        if not any(first <= at < last for first, last in suspended):
            left -= 1
        at += timedelta(minutes=15)
    return at


def test_ten_thousand_random_limits_agree_with_a_counter_that_walks():
    chance = random.Random(20170512)
    days = (Unit.WORKING_DAY, Unit.CALENDAR_DAY, Unit.MONTH, Unit.YEAR)
    most = {Unit.WORKING_DAY: 60, Unit.CALENDAR_DAY: 120, Unit.MONTH: 14, Unit.YEAR: 2}
    moved = extended = overlapped = month_ends = 0
    for _ in range(9000):
        start = date(2012, 1, 1) + chance.randrange(3400) * DAY
        if chance.random() < 0.2:  # the last days of months, where months of unequal length differ
            start = corresponding(start.replace(day=28), 1).replace(day=1) - DAY
            month_ends += 1
        chain = [
            (chance.randint(1, most[unit]), unit) for unit in chance.choices(days, k=chance.choice([1, 1, 1, 2, 3]))
        ]
        pauses = []
        for _ in range(chance.choice([0, 0, 1, 2, 4])):
            first = start + chance.randint(-20, 90) * DAY
            pauses.append(Suspension(first, first + chance.randint(0, 25) * DAY, "testing"))
        suspended = {p.start + n * DAY for p in pauses for n in range((p.end - p.start).days + 1)}
        overlapped += len(suspended) < sum((p.end - p.start).days + 1 for p in pauses)
        (amount, unit), *more = chain
        answer = deadline(start, amount, unit, suspensions=pauses, extensions=[Extension(*m) for m in more])
        assert answer.due == walked(start, chain, suspended), (start, chain, pauses)
        moved += answer.due != answer.nominal
        extended += bool(more)
    for _ in range(1000):
        start = datetime(2012, 1, 1, tzinfo=CHINA) + chance.randrange(3400 * 96) * timedelta(minutes=15)
        hours, more = chance.randint(1, 72), chance.choice([0, 0, 5, 24])
        pauses = []
        for _ in range(chance.choice([0, 1, 2, 3])):
            first = start + chance.randint(-40, 200) * timedelta(minutes=15)
            pauses.append(Suspension(first, first + chance.randint(0, 90) * timedelta(minutes=15), "testing"))
        answer = deadline(
            start.astimezone(UTC), hours, Unit.HOUR, suspensions=pauses,
            extensions=[Extension(more, Unit.HOUR)] if more else [],
        )  # fmt: skip
        assert answer.due_at == walked_hours(start, hours + more, [(p.start, p.end) for p in pauses])
        assert answer.due == answer.due_at.astimezone(CHINA).date()
    assert min(moved, extended, overlapped, month_ends) > 1000, "the chance reached every kind"


def test_a_chain_of_extensions_names_every_approval():
    """90 days, 30 by the head, then a day fixed by the heads together (市场监管行政处罚程序规定)."""
    chain = [
        Extension(30, Unit.CALENDAR_DAY, "负责人"),
        Extension(0, Unit.CALENDAR_DAY, "集体讨论", date(2017, 11, 30)),
    ]
    answer = deadline(date(2017, 5, 27), 90, Unit.CALENDAR_DAY, extensions=chain)
    assert (answer.due, answer.nominal) == (date(2017, 11, 30), date(2017, 11, 30))
    assert [r.code for r in answer.reasons] == [
        "clock.rule.calendar_day", "clock.extended_by", "clock.extended_until", "clock.ends",
    ]  # fmt: skip
    assert "集体讨论" in answer.reasons[2].text()
    later = deadline(date(2017, 5, 27), 90, Unit.CALENDAR_DAY, extensions=[*chain, Extension(3, Unit.CALENDAR_DAY)])
    assert (later.nominal, later.due) == (date(2017, 12, 3), date(2017, 12, 4)), "counted on from the named day, moved"
    with pytest.raises(ClockError) as error:
        deadline(
            date(2017, 5, 27), 90, Unit.CALENDAR_DAY, extensions=[Extension(0, Unit.MONTH, until=date(2017, 6, 1))]
        )
    assert error.value.code == "clock.extension_shortens"
    start = datetime(2017, 5, 27, tzinfo=CHINA)
    with pytest.raises(ClockError, match="小时"):
        deadline(start, 9, Unit.HOUR, extensions=[Extension(0, Unit.HOUR, until=date(2017, 6, 1))])


def test_an_order_names_its_day_and_it_is_not_moved():
    answer = set_day(date(2017, 9, 1), date(2017, 9, 24))  # a Sunday
    assert (answer.due, answer.provisional) == (date(2017, 9, 24), False)
    assert [r.code for r in answer.reasons] == ["clock.rule.set", "clock.ends"]
    longer = set_day(date(2017, 9, 1), date(2017, 9, 24), extensions=[Extension(0, Unit.MONTH, "x", date(2017, 10, 1))])
    assert longer.due == date(2017, 10, 1)
    assert all(r.text("zh") and r.text("en") for r in longer.reasons)
    assert set_day(date(2017, 9, 1), date(2030, 1, 1)).provisional is False, "no calendar decides a named day"
    for code, call in (
        ("clock.day_before_trigger", lambda: set_day(date(2017, 9, 2), date(2017, 9, 1))),
        (
            "clock.extension_shortens",
            lambda: set_day(date(2017, 9, 1), date(2017, 9, 9), extensions=[Extension(0, Unit.MONTH, "", date(2017, 9, 8))]),
        ),
        (
            "clock.mixed_units",
            lambda: set_day(date(2017, 9, 1), date(2017, 9, 9), extensions=[Extension(3, Unit.CALENDAR_DAY)]),
        ),
    ):  # fmt: skip
        with pytest.raises(ClockError) as error:
            call()
        assert error.value.code == code
        assert error.value.text("en")


def test_service_by_each_method():
    sent = date(2023, 3, 1)
    for method in ("direct", "left", "post", "electronic", "entrusted"):
        service = served(method, sent, received=date(2023, 3, 4))
        assert service.day == date(2023, 3, 4), "a Saturday: a document may be served on any day"
        assert service.reasons[0].text("en")
        with pytest.raises(ClockError) as error:
            served(method, sent)
        assert error.value.code == "clock.no_receipt"
        with pytest.raises(ClockError) as error:
            served(method, sent, received=date(2023, 2, 28))
        assert error.value.code == "clock.received_before_sent"
    # sixty days until the end of 2021, thirty from 2022
    assert served("notice", date(2021, 12, 31)).day == date(2022, 3, 1)
    assert served("notice", date(2022, 1, 1)).day == date(2022, 1, 31)
    assert "30 days" in served("notice", date(2022, 1, 1)).reasons[0].text("en")
    # the instant is taken by its day in China
    assert served("notice", datetime(2021, 12, 31, 17, tzinfo=UTC)).day == date(2022, 1, 31)
    with pytest.raises(TableError):
        served("pigeon", sent)


def test_a_period_from_service_by_notice_counts_from_the_day_it_counts_as_served():
    """A decision announced on 1 March 2023 counts as served on the 31st; the fine is due 15 days later, moved."""
    day = served("notice", date(2023, 3, 1)).day
    assert day == date(2023, 3, 31)
    assert deadline(day, 15, Unit.CALENDAR_DAY).due == date(2023, 4, 17), "15 April is a Saturday"


def test_a_year_without_a_calendar_names_the_year_in_every_kind_of_period():
    bare = Calendar([], [2023])
    for unit in (Unit.WORKING_DAY, Unit.CALENDAR_DAY, Unit.MONTH):
        answer = deadline(date(2023, 12, 20), 2 if unit is Unit.MONTH else 30, unit, calendar=bare)
        assert answer.provisional
        assert answer.missing_years == (2024,)
        assert "2024" in answer.reasons[-1].text("zh")
        assert "2024" in answer.reasons[-1].text("en")
    assert not deadline(date(2023, 12, 20), 30, Unit.WORKING_DAY, calendar=default_calendar()).provisional


def test_many_periods_at_once_are_the_same_periods():
    chance = random.Random(7)
    units = (Unit.WORKING_DAY, Unit.CALENDAR_DAY, Unit.MONTH)
    periods = [
        (date(2012, 1, 1) + chance.randrange(5600) * DAY, chance.randint(1, 40), chance.choice(units))
        for _ in range(2000)
    ]
    one_by_one = [deadline(*period) for period in periods]
    assert list(last_days(periods)) == [(answer.due, answer.provisional) for answer in one_by_one]
    with pytest.raises(ClockError):
        list(last_days([(date(2012, 1, 1), 0, Unit.MONTH)]))
