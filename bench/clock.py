"""Statutory periods, beside a plain loop that asks the calendar day by day."""

from datetime import date, timedelta

from bench.harness import Contestant, race
from zhunsheng.engine.clock import Unit, deadline, default_calendar


def run(count: int) -> None:
    """`count` periods of 20 working days that begin between 2012 and 2025."""
    calendar = default_calendar()
    days = [date(2012, 1, 1) + timedelta(days=n % 5000) for n in range(count)]

    def counted() -> object:
        return [deadline(day, 20, Unit.WORKING_DAY, calendar=calendar).due for day in days]

    def walked() -> object:
        found = []
        for day in days:
            left = 20
            while left:
                day += timedelta(days=1)
                left -= calendar.is_working(day)
            found.append(day)
        return found

    assert counted() == walked()
    race(
        "Clock 期限: 20 working days",
        [Contestant("zhunsheng deadline (with reasons on demand)", counted), Contestant("day by day", walked)],
        amount=f"{count:,} periods",
    )
