"""What is due first among very many limits, beside date arithmetic that knows no holiday; and whole matters replayed."""

from datetime import date, datetime, timedelta

from bench.harness import Contestant, race
from zhunsheng.engine import procedure as procedures
from zhunsheng.engine.clock import CHINA, Unit, deadline, default_calendar, last_days
from zhunsheng.engine.procedure import Event


def run(count: int) -> None:
    """`count` open limits of all procedures, of their own lengths, with triggers from 2013 to 2025."""
    calendar = default_calendar()
    every = [p for code in procedures.codes() for p in procedures.versions(code)]
    limits = [one for p in every for one in p.limits.values() if one.amount and one.unit is not Unit.HOUR]
    open_limits = [
        (
            date(2013, 1, 1) + timedelta(days=n * 7919 % 4500),
            limits[n % len(limits)].amount,
            limits[n % len(limits)].unit,
        )
        for n in range(count)
    ]
    days = {Unit.WORKING_DAY: 1, Unit.CALENDAR_DAY: 1, Unit.MONTH: 30, Unit.YEAR: 365}
    plain = [(trigger, timedelta(days=amount * days[unit])) for trigger, amount, unit in open_limits]

    def lawful() -> object:
        return min(day for day, _ in last_days(open_limits, calendar=calendar))

    def arithmetic() -> object:
        return min(trigger + length for trigger, length in plain)

    sample = open_limits[:: max(1, count // 2000)]
    assert [day for day, _ in last_days(sample)] == [deadline(*one).due for one in sample]
    race(
        "Next deadline 最近的期限: all limits of all procedures",
        [
            Contestant("zhunsheng last_days (holidays, working days, months)", lawful),
            Contestant("date + timedelta (no calendar, months of 30 days)", arithmetic),
        ],
        amount=f"{count:,} limits",
    )

    procedure = procedures.load("complaint", date(2024, 3, 4))
    matters = [_matter(n) for n in range(count // 1000)]

    def replayed() -> object:
        return [procedures.replay(procedure, matter).next for matter in matters]

    def counted() -> object:
        return [procedures.next_deadline(procedures.deadlines(procedure, matter)) for matter in matters]

    race(
        "A complaint of four steps replayed 重放办件",
        [
            Contestant("zhunsheng replay, every step judged again", replayed),
            Contestant("zhunsheng deadlines only", counted),
        ],
        amount=f"{len(matters):,} matters",
    )


def _matter(n: int) -> tuple[Event, ...]:
    at = datetime(2024, 1, 2, 9, tzinfo=CHINA) + timedelta(days=n % 300)
    told = {"channel": "web", "subject": "x", "complainant": "x", "contact": "1"}
    admitted = {"respondent": "uscc:91350100M000100Y43", "admission_notice": "0" * 64}
    return (
        Event("receive", at, "p", "public", told),
        Event("admit", at + timedelta(days=3), "a", "member", admitted),
        Event("mediate", at + timedelta(days=9), "a", "member"),
        Event("send_to_test", at + timedelta(days=9), "a", "member"),
    )
