"""When is it due? Working days, statutory periods, suspension, extension; every answer comes with its reasons.

Counting rules (民法典 第201至204条; 行政处罚法 第85条; 行政许可法 第82条):

- the day of the trigger is not counted;
- a period of days, months or years whose last day is a holiday ends on the next working day;
- a period of months or years ends on the day with the same number, or on the last day of the month if there is none;
- a period of working days counts working days only; a period of hours runs through nights and holidays;
- days of suspension (中止) are not counted; an extension (延长) is appended to the period's own end.

Working days come from the State Council's yearly notices (data/working_days). Where a needed notice is not loaded,
Monday to Friday is assumed and the answer says that it is provisional.
"""

from __future__ import annotations

import calendar as _months
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from zhunsheng.engine import tables
from zhunsheng.engine.errors import ClockError, TableError
from zhunsheng.engine.words import Param, Reason, say

CHINA = timezone(timedelta(hours=8))
"""China Standard Time; the mainland has had no summer time since 1991."""

_LAST_ORDINAL = date.max.toordinal()
_YEAR_END = (12, 28)  # days from here on may be moved by the next year's notice (2011-12-31, 2018-12-29 were)


class Unit(StrEnum):
    """The units in which a law writes a period."""

    HOUR = "hour"
    CALENDAR_DAY = "calendar_day"
    WORKING_DAY = "working_day"
    MONTH = "month"
    YEAR = "year"

    def label(self, lang: str = "zh") -> str:
        """The unit's name: 工作日, working day."""
        return say(f"clock.unit.{self.value}", lang)


class DayKind(StrEnum):
    """What a holiday notice says of a day."""

    HOLIDAY = "holiday"
    MAKEUP_WORKDAY = "makeup_workday"


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day named in a holiday notice: a day off, or a weekend day that is worked in exchange."""

    date: date
    kind: DayKind
    name: str
    name_en: str
    source: str


@dataclass(frozen=True, slots=True)
class DayAnswer:
    """Whether a day is a working day, why, and whether the notice that decides it is still missing."""

    date: date
    working: bool
    provisional: bool
    reason: Reason


class Calendar:
    """The working days: Monday to Friday, changed by the notices of the `years` that are loaded.

    Immutable. `days` are the days named in the notices; a notice may name days of the December before its year.
    Raises ClockError when two notices disagree about one day.
    """

    __slots__ = ("_correction", "_exceptions", "_ranks", "_special", "_special_days", "years")

    def __init__(self, days: Iterable[SpecialDay], years: Iterable[int]) -> None:
        special: dict[int, SpecialDay] = {}
        for day in days:
            known = special.setdefault(day.date.toordinal(), day)
            if known.kind is not day.kind:
                raise ClockError("clock.contradiction", day=day.date.isoformat(), one=known.source, other=day.source)
        self.years = frozenset(years)
        self._special = special
        self._special_days = sorted(special)
        self._exceptions: list[int] = []
        self._correction: list[int] = [0]
        for ordinal in self._special_days:
            works = special[ordinal].kind is DayKind.MAKEUP_WORKDAY
            if works != _is_weekday(ordinal):
                self._exceptions.append(ordinal)
                self._correction.append(self._correction[-1] + (1 if works else -1))
        self._ranks = [
            _weekdays_to(o) + c for o, c in zip(self._exceptions, self._correction[1:], strict=True)
        ]  # working days up to and including each exception

    @classmethod
    def load(cls, root: Path | None = None) -> Calendar:
        """The calendar of the tables `working_days/<year>`; those in `root` stand in place of the packaged ones.

        Raises TableError for a damaged table, ClockError for a kind of day that is not known.
        """
        days: list[SpecialDay] = []
        years: list[int] = []
        for name in tables.names(root):
            path, _, year = name.rpartition("/")
            if path == "working_days" and year.isdigit():
                years.append(int(year))
                days.extend(_special_day(row) for row in tables.load(name, root).rows)
        return cls(days, years)

    def is_working(self, day: date) -> bool:
        """Whether `day` is a working day, as far as the loaded notices tell."""
        return self._works(day.toordinal())

    def day(self, day: date) -> DayAnswer:
        """Whether `day` is a working day, with the reason and its source."""
        day = _plain(day)
        ordinal = day.toordinal()
        weekday = _weekday_name(day)
        named = self._special.get(ordinal)
        if named is not None:
            code = "clock.day.makeup" if named.kind is DayKind.MAKEUP_WORKDAY else "clock.day.holiday"
            says: dict[str, Param] = {"name": named.name, "name_en": named.name_en, "source": named.source}
            works = named.kind is DayKind.MAKEUP_WORKDAY
            return DayAnswer(day, works, False, Reason(code, {"day": day.isoformat(), **weekday, **says}))
        works = _is_weekday(ordinal)
        code = "clock.day.workday" if works else "clock.day.weekend"
        missing = self.missing_years(day, day)
        if missing:
            assumed: dict[str, Param] = {"day": day.isoformat(), "year": missing[0], **weekday}
            return DayAnswer(day, works, True, Reason(f"{code}_assumed", assumed))
        return DayAnswer(day, works, False, Reason(code, {"day": day.isoformat(), **weekday}))

    def missing_years(self, first: date, last: date) -> tuple[int, ...]:
        """The years whose notices would be needed to be sure of every day from `first` to `last`.

        The last days of December need the following year's notice too: it may move them.
        """
        missing = [year for year in range(first.year, last.year + 1) if year not in self.years]
        at_year_end = (last.month, last.day) >= _YEAR_END and last.toordinal() not in self._special
        if at_year_end and last.year not in missing and last.year + 1 not in self.years:
            missing.append(last.year + 1)
        return tuple(missing)

    # Ordinals and ranks: rank(o) is the number of working days up to and including ordinal o, counted from year 1.

    def _works(self, ordinal: int) -> bool:
        named = self._special.get(ordinal)
        return _is_weekday(ordinal) if named is None else named.kind is DayKind.MAKEUP_WORKDAY

    def _rank(self, ordinal: int) -> int:
        return _weekdays_to(ordinal) + self._correction[bisect_right(self._exceptions, ordinal)]

    def _nth(self, rank: int) -> int:
        """The ordinal of the working day with this rank."""
        index = bisect_left(self._ranks, rank)
        weeks, day = divmod(rank - self._correction[index] - 1, 5)
        ordinal = weeks * 7 + day + 1
        # Between two exceptions the weekday rule holds; if it overshoots, the exception itself is the day.
        return ordinal if index == len(self._exceptions) else min(ordinal, self._exceptions[index])

    def _named_between(self, first: int, last: int) -> Iterator[SpecialDay]:
        for index in range(bisect_left(self._special_days, first), bisect_right(self._special_days, last)):
            yield self._special[self._special_days[index]]


@tables.kept("working_days/")
def default_calendar() -> Calendar:
    """The calendar of the tables `working_days/<year>`, with the changes laid over them; read once."""
    return Calendar.load()


def working_days_between(a: date, b: date, calendar: Calendar | None = None) -> int:
    """Working days after `a` up to and including `b`; negative when `b` is before `a`.

    Whether the answer is certain, `calendar.missing_years` tells.
    """
    calendar = calendar or default_calendar()
    return calendar._rank(_plain(b).toordinal()) - calendar._rank(_plain(a).toordinal())


def days_left(due: date, on: date, calendar: Calendar | None = None) -> int:
    """Working days left on the day `on`: 0 on the last day, negative once it is past.

    A deadline passed on a Friday is overdue by one on Saturday already, though no working day has gone by.
    """
    left = working_days_between(on, due, calendar)
    return min(left, -1) if _plain(on) > _plain(due) else left


@dataclass(frozen=True, slots=True)
class Suspension:
    """A time that is not counted (中止): days `start` to `end`, both included, or for hours the instants between.

    `cause` is a code such as `testing`, `appraisal`, `hearing`, `notice` (see time_limits, suspend_on), or plain words.
    """

    start: date
    end: date
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Extension:
    """More time, granted (延长): appended to the end of the period before it is moved past a holiday.

    `until`: the decision names the new last day itself (集体讨论决定的期限); `amount` is then 0 and the day is not moved.
    """

    amount: int
    unit: Unit
    approver: str = ""
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last lawful day, and how it was counted.

    `due` is the last day (in China Standard Time); for periods of hours `due_at` is the exact instant, otherwise None.
    `nominal` is the end before it was moved past a holiday. `provisional` means that a holiday notice which decides it
    is not loaded; `missing_years` says which.
    """

    trigger: date
    amount: int
    unit: Unit
    nominal: date
    due: date
    due_at: datetime | None
    missing_years: tuple[int, ...]
    suspensions: tuple[Suspension, ...] = ()
    extensions: tuple[Extension, ...] = ()
    calendar: Calendar = field(repr=False, compare=False, default_factory=default_calendar)

    @property
    def provisional(self) -> bool:
        """Whether a needed holiday notice is missing."""
        return bool(self.missing_years)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """How the day was counted, step by step: rule, extensions, days left out, end, move, what is missing."""
        return tuple(_explain(self))


def deadline(
    trigger: date,
    amount: int,
    unit: Unit,
    *,
    calendar: Calendar | None = None,
    suspensions: Sequence[Suspension] = (),
    extensions: Sequence[Extension] = (),
) -> Deadline:
    """The last lawful day of a period of `amount` `unit`s that starts with the event on `trigger`.

    `trigger` is a date, or an instant with a time zone: hours need one, the other units take its day in China.
    Raises ClockError for an amount that is not a positive whole number, hours from a date, an instant without a time
    zone, a suspension that ends before it starts, hours mixed with other units, or an end beyond the year 9999.
    """
    calendar = calendar or default_calendar()
    unit = Unit(unit)
    for number in (amount, *(extension.amount for extension in extensions if extension.until is None)):
        if type(number) is not int or number <= 0:
            raise ClockError("clock.bad_amount", amount=str(number))
    if unit is Unit.HOUR:
        return _hours(trigger, amount, calendar, tuple(suspensions), tuple(extensions))
    start = _plain(trigger)
    pauses = _merged_days(suspensions)
    end, named = _chained(start.toordinal(), amount, unit, extensions, calendar, pauses)
    due = end if named else _next_working(end, calendar, pauses)
    nominal_day, due_day = date.fromordinal(end), date.fromordinal(due)
    first = start if unit is Unit.WORKING_DAY or _has_working(extensions) else nominal_day
    missing = calendar.missing_years(first, due_day)
    return Deadline(
        start, amount, unit, nominal_day, due_day, None, missing, tuple(suspensions), tuple(extensions), calendar
    )


def last_days(
    periods: Iterable[tuple[date, int, Unit]], *, calendar: Calendar | None = None
) -> Iterator[tuple[date, bool]]:
    """The last lawful day of each period (trigger, amount, unit), and whether it is provisional; equal periods are
    counted once. For lists of many thousands of matters: no reasons, no suspensions or extensions. Not for hours.
    Raises ClockError as `deadline` does."""
    calendar = calendar or default_calendar()
    known: dict[tuple[date, int, Unit], tuple[date, bool]] = {}
    for period in periods:
        found = known.get(period)
        if found is None:
            answer = deadline(*period, calendar=calendar)
            found = known[period] = (answer.due, answer.provisional)
        yield found


def later(day: date, amount: int, unit: Unit) -> date:
    """The plain date so many days, months or years after `day`, moved past no holiday; a missing day of the month is
    the last one (2020-02-29 and a year: 2021-02-28). Not for hours and working days (ValueError)."""
    if unit in (Unit.HOUR, Unit.WORKING_DAY):
        raise ValueError(unit)
    if unit is Unit.CALENDAR_DAY:
        return date.fromordinal(day.toordinal() + amount)
    return date.fromordinal(_months_later(day.toordinal(), amount * (12 if unit is Unit.YEAR else 1)))


def set_day(
    trigger: date, day: date, *, calendar: Calendar | None = None, extensions: Sequence[Extension] = ()
) -> Deadline:
    """The deadline that an order names itself (责令于某日前改正): the day, not moved past a holiday [assumed: a named day
    is not a period]. Extensions name a later day each.

    Raises ClockError for a day before the trigger, or an extension that names no day or an earlier one.
    """
    start, last = _plain(trigger), _plain(day)
    if last < start:
        raise ClockError("clock.day_before_trigger", day=last.isoformat(), trigger=start.isoformat())
    for extension in extensions:
        if extension.until is None:
            raise ClockError("clock.mixed_units")
        if _plain(extension.until) < last:
            raise ClockError("clock.extension_shortens", day=extension.until.isoformat(), end=last.isoformat())
        last = _plain(extension.until)
    known = calendar or default_calendar()
    return Deadline(start, 0, Unit.CALENDAR_DAY, last, last, None, (), (), tuple(extensions), known)


def _chained(
    start: int,
    amount: int,
    unit: Unit,
    extensions: Sequence[Extension],
    calendar: Calendar,
    pauses: Sequence[tuple[int, int]],
) -> tuple[int, bool]:
    """The end of the period and its chain of extensions, and whether the last of them named the day itself."""
    chain: list[Extension] = []
    end, named = start, False
    for extension in (Extension(amount, unit), *extensions):
        if extension.until is None:
            chain.append(extension)
            continue
        end, chain = _run(end, chain, calendar, pauses), []
        until = _plain(extension.until).toordinal()
        if until < end:
            day, now = extension.until.isoformat(), date.fromordinal(end).isoformat()
            raise ClockError("clock.extension_shortens", day=day, end=now)
        end, named = until, True
    return (_run(end, chain, calendar, pauses), False) if chain else (end, named)


def _run(start: int, chain: Sequence[Extension], calendar: Calendar, pauses: Sequence[tuple[int, int]]) -> int:
    for length, kind in _segments(chain):
        start = _advance(start, length, kind, calendar, pauses)
    return start


def _hours(
    trigger: date,
    amount: int,
    calendar: Calendar,
    suspensions: tuple[Suspension, ...],
    extensions: tuple[Extension, ...],
) -> Deadline:
    if not isinstance(trigger, datetime):
        raise ClockError("clock.hours_need_instant", trigger=trigger.isoformat())
    start = _in_china(trigger)
    if any(extension.unit is not Unit.HOUR or extension.until is not None for extension in extensions):
        raise ClockError("clock.mixed_units")
    try:
        end = start + timedelta(hours=amount + sum(extension.amount for extension in extensions))
        for pause_start, pause_end in _merged_instants(suspensions):
            if pause_start >= end:
                break
            if pause_end > start:
                end += pause_end - max(pause_start, start)
        due_at = end.astimezone(trigger.tzinfo)
    except OverflowError:
        raise ClockError("clock.out_of_range") from None
    return Deadline(
        start.date(), amount, Unit.HOUR, end.date(), end.date(), due_at, (), suspensions, extensions, calendar
    )


def _segments(chain: Sequence[Extension]) -> list[tuple[int, Unit]]:
    """The period and its extensions; neighbours of one unit become one, so that 1 month + 1 month is 2 months."""
    segments: list[tuple[int, Unit]] = []
    for length, kind in ((e.amount, Unit(e.unit)) for e in chain):
        if kind is Unit.HOUR:
            raise ClockError("clock.mixed_units")
        if kind is Unit.YEAR:
            length, kind = length * 12, Unit.MONTH
        if segments and segments[-1][1] is kind:
            length += segments.pop()[0]
        segments.append((length, kind))
    return segments


def _advance(start: int, length: int, unit: Unit, calendar: Calendar, pauses: Sequence[tuple[int, int]]) -> int:
    """The ordinal `length` units after `start`, leaving out the pauses."""
    if unit is Unit.MONTH:
        length, unit = _months_later(start, length) - start, Unit.CALENDAR_DAY
    if unit is Unit.WORKING_DAY:
        rank = calendar._rank(start) + length
        end = calendar._nth(rank)
        for first, last in pauses:
            if last > start:
                if first > end:
                    break
                rank += calendar._rank(last) - calendar._rank(max(first - 1, start))
                end = calendar._nth(rank)
    else:
        end = start + length
        for first, last in pauses:
            if last > start:
                if first > end:
                    break
                end += last - max(first - 1, start)
    if end > _LAST_ORDINAL:
        raise ClockError("clock.out_of_range")
    return end


def _next_working(ordinal: int, calendar: Calendar, pauses: Sequence[tuple[int, int]]) -> int:
    """The first working day on or after `ordinal` that is not suspended."""
    while True:
        found = calendar._nth(calendar._rank(ordinal - 1) + 1)
        pause = next((last for first, last in pauses if first <= found <= last), None)
        if found > _LAST_ORDINAL or pause == _LAST_ORDINAL:
            raise ClockError("clock.out_of_range")
        if pause is None:
            return found
        ordinal = pause + 1


def _months_later(ordinal: int, months: int) -> int:
    start = date.fromordinal(ordinal)
    years, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month + 1
    if year > date.max.year:
        raise ClockError("clock.out_of_range")
    return date(year, month, min(start.day, _months.monthrange(year, month)[1])).toordinal()


def _merged_days(suspensions: Sequence[Suspension]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for pause in sorted(suspensions, key=lambda s: _plain(s.start)):
        first, last = _plain(pause.start).toordinal(), _plain(pause.end).toordinal()
        if last < first:
            raise ClockError("clock.suspension_reversed", start=pause.start.isoformat(), end=pause.end.isoformat())
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return merged


def _merged_instants(suspensions: Sequence[Suspension]) -> list[tuple[datetime, datetime]]:
    spans: list[tuple[datetime, datetime]] = []
    for pause in suspensions:
        start = _instant(pause.start)
        end = _instant(pause.end) if isinstance(pause.end, datetime) else _instant(pause.end) + timedelta(days=1)
        if end < start:
            raise ClockError("clock.suspension_reversed", start=pause.start.isoformat(), end=pause.end.isoformat())
        spans.append((start, end))
    merged: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _explain(answer: Deadline) -> Iterator[Reason]:
    if not answer.amount:
        yield Reason("clock.rule.set")
        for extension in answer.extensions:
            until = extension.until or answer.due
            yield Reason("clock.extended_until", {"day": until.isoformat(), "approver": extension.approver})
        yield Reason("clock.ends", {"day": answer.due.isoformat()})
        return
    said: dict[str, Param] = {"amount": answer.amount, "trigger": answer.trigger.isoformat()}
    yield Reason(f"clock.rule.{answer.unit}", said)
    for extension in answer.extensions:
        if extension.until is not None:
            yield Reason("clock.extended_until", {"day": extension.until.isoformat(), "approver": extension.approver})
            continue
        unit = Unit(extension.unit)
        more: dict[str, Param] = {"amount": extension.amount, "unit": unit.label(), "unit_en": unit.label("en")}
        if extension.approver:
            yield Reason("clock.extended_by", {**more, "approver": extension.approver})
        else:
            yield Reason("clock.extended", more)
    if answer.due_at is not None:
        for start, end in _merged_instants(answer.suspensions):
            span: dict[str, Param] = {"start": _minute(start), "end": _minute(end)}
            yield Reason("clock.suspended_hours", {**span, **_causes(answer.suspensions)})
        yield Reason("clock.due_at", {"due": _minute(answer.due_at)})
        return
    if _all_working(answer):
        yield from _left_out(answer)
    for first, last in _merged_days(answer.suspensions):
        yield from _suspended(answer, first, last)
    yield Reason("clock.ends", {"day": answer.nominal.isoformat()})
    if answer.due != answer.nominal:
        why = answer.calendar.day(answer.nominal).reason
        moved: dict[str, Param] = {"why": why.text("zh"), "why_en": why.text("en"), "due": answer.due.isoformat()}
        yield Reason("clock.moved", moved)
    for year in answer.missing_years:
        yield Reason("clock.notice_missing", {"year": year})


def _left_out(answer: Deadline) -> Iterator[Reason]:
    """The weekends and holidays among the days of the period, holidays in groups, and the weekend days worked."""
    first, last = answer.trigger.toordinal() + 1, answer.nominal.toordinal()
    named = list(answer.calendar._named_between(first, last))
    off = [day for day in named if day.kind is DayKind.HOLIDAY]
    named_ordinals = {day.date.toordinal() for day in named}
    weekend = sum(1 for o in range(first, last + 1) if not _is_weekday(o) and o not in named_ordinals)
    if weekend:
        yield Reason("clock.weekends", {"count": weekend})
    group: list[SpecialDay] = []
    for day, following in pairwise([*off, None]):
        assert day is not None
        group.append(day)
        if (
            following is None
            or following.name != day.name
            or following.source != day.source
            or following.date - day.date > timedelta(days=1)
        ):
            span: dict[str, Param] = {"start": group[0].date.isoformat(), "end": day.date.isoformat()}
            yield Reason("clock.holiday", {**span, "count": len(group), **_named(day)})
            group = []
    for day in named:
        if day.kind is DayKind.MAKEUP_WORKDAY:
            yield Reason("clock.makeup", {"day": day.date.isoformat(), **_named(day)})


def _suspended(answer: Deadline, first: int, last: int) -> Iterator[Reason]:
    lo, hi = max(first, answer.trigger.toordinal() + 1), min(last, answer.nominal.toordinal())
    if lo > hi:
        return
    working = _all_working(answer)
    count = answer.calendar._rank(hi) - answer.calendar._rank(lo - 1) if working else hi - lo + 1
    unit = Unit.WORKING_DAY if working else Unit.CALENDAR_DAY
    inside = [s for s in answer.suspensions if first <= _plain(s.start).toordinal() <= last]
    span: dict[str, Param] = {"start": date.fromordinal(first).isoformat(), "end": date.fromordinal(last).isoformat()}
    counted: dict[str, Param] = {"count": count, "unit": unit.label(), "unit_en": unit.label("en")}
    yield Reason("clock.suspended", {**span, **counted, **_causes(inside)})


def _causes(suspensions: Iterable[Suspension]) -> dict[str, Param]:
    causes = dict.fromkeys(s.cause for s in suspensions if s.cause) or {"unstated": None}
    return {"cause": "、".join(_cause(c, "zh") for c in causes), "cause_en": ", ".join(_cause(c, "en") for c in causes)}


def _cause(cause: str, lang: str) -> str:
    try:
        return say(f"clock.cause.{cause}", lang)
    except KeyError:
        return cause


def _named(day: SpecialDay) -> dict[str, Param]:
    return {"name": day.name, "name_en": day.name_en, "source": day.source}


@dataclass(frozen=True, slots=True)
class Service:
    """The day on which a document counts as served (送达), and why."""

    method: str
    day: date
    reasons: tuple[Reason, ...]


def served(
    method: str,
    sent: date,
    *,
    received: date | None = None,
    calendar: Calendar | None = None,
    root: Path | None = None,
) -> Service:
    """When a document sent or announced on `sent` counts as served, by the table `service/methods` of that day.

    Methods: direct (直接), left (留置), post (邮寄), electronic (电子), entrusted (委托), notice (公告). A method that counts from
    receipt needs the day in `received`; the notice counts its own days and ends with the last of them, working or not.
    Raises ClockError when that day is missing or earlier than `sent`, TableError for an unknown method.
    """
    row = tables.load("service/methods", root).find(_plain(sent), method=method)
    said: dict[str, Param] = {"name": row["name"], "name_en": row["name_en"], "source": row.source}
    if row["counts_from"] == "receipt":
        if received is None:
            raise ClockError("clock.no_receipt", method=row["name"], method_en=row["name_en"])
        if _plain(received) < _plain(sent):
            raise ClockError("clock.received_before_sent", received=str(_plain(received)), sent=str(_plain(sent)))
        day = _plain(received)
        return Service(method, day, (Reason("clock.served", {"day": day.isoformat(), **said}),))
    days = row.integer("days")
    # 自公告发布之日起经过N日，即视为送达: the day of the notice is not counted, and this is no period to act in, so not moved.
    day = _plain(sent) + timedelta(days=days)
    counted: dict[str, Param] = {"sent": _plain(sent).isoformat(), "days": days, "day": day.isoformat()}
    return Service(method, day, (Reason("clock.served_by_notice", {**counted, **said}),))


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """A statutory period as a dated row (data/time_limits): from which event to which, how long, on whose authority."""

    code: str
    name: str
    name_en: str
    mechanism: str
    trigger_event: str
    trigger_event_en: str
    end_event: str
    end_event_en: str
    amount: int
    unit: Unit
    extension_amount: int
    extension_unit: Unit
    extension_max_times: int
    extension_approver: str
    suspend_on: tuple[str, ...]
    legal_ref: str
    evidence: str
    valid_from: date | None
    valid_to: date | None
    note: str = ""

    def deadline(
        self,
        trigger: date,
        *,
        calendar: Calendar | None = None,
        suspensions: Sequence[Suspension] = (),
        extensions: Sequence[Extension] = (),
    ) -> Deadline:
        """The last lawful day under this limit.

        Raises ClockError for what `deadline` refuses, for a suspension whose cause is not in `suspend_on`, and for
        extensions that are more, longer or in another unit than the rule allows.
        """
        for pause in suspensions:
            if pause.cause not in self.suspend_on:
                allowed = " ".join(self.suspend_on) or "-"
                raise ClockError("clock.suspension_not_allowed", where=self.code, cause=pause.cause, allowed=allowed)
        if len(extensions) > self.extension_max_times:
            said: dict[str, Param] = {"asked": len(extensions), "allowed": self.extension_max_times}
            raise ClockError.of(Reason("clock.too_many_extensions", said), where=self.code)
        for extension in extensions:
            if extension.unit is not self.extension_unit or extension.amount > self.extension_amount:
                unit = self.extension_unit
                most: dict[str, Param] = {
                    "amount": self.extension_amount,
                    "unit": unit.label(),
                    "unit_en": unit.label("en"),
                }
                raise ClockError.of(Reason("clock.extension_too_long", most), where=self.code)
        return deadline(
            trigger, self.amount, self.unit, calendar=calendar, suspensions=suspensions, extensions=extensions
        )


def limit(code: str, on: date, root: Path | None = None) -> TimeLimit:
    """The time limit `code` in force on `on`, the day of the trigger: a case of 2017 keeps the rule of 2017.

    Raises TableError when there is none, or the row is not a time limit.
    """
    for table in _limit_tables(root):
        if any(row["code"] == code for row in table.rows):
            return _time_limit(table.find(_plain(on), code=code))
    raise TableError("clock.no_limit", limit=code)


def limits(root: Path | None = None) -> tuple[TimeLimit, ...]:
    """Every time limit of the tables, past and present, in the order of the files."""
    return tuple(_time_limit(row) for table in _limit_tables(root) for row in table.rows)


def _limit_tables(root: Path | None) -> list[tables.Table]:
    return [tables.load(name, root) for name in tables.names(root) if name.startswith("time_limits/")]


def _time_limit(row: tables.Row) -> TimeLimit:
    unit = _unit(row, row["unit"])
    more = row.get("extension_amount", "")
    return TimeLimit(
        code=row["code"],
        name=row["name"],
        name_en=row["name_en"],
        mechanism=row["mechanism"],
        trigger_event=row["trigger_event"],
        trigger_event_en=row.get("trigger_event_en") or row["trigger_event"],
        end_event=row["end_event"],
        end_event_en=row.get("end_event_en") or row["end_event"],
        amount=row.integer("amount"),
        unit=unit,
        extension_amount=row.integer("extension_amount") if more else 0,
        extension_unit=_unit(row, row["extension_unit"]) if row.get("extension_unit") else unit,
        extension_max_times=row.integer("extension_max_times") if row.get("extension_max_times") else int(bool(more)),
        extension_approver=row.get("extension_approver", ""),
        suspend_on=row.list("suspend_on") if "suspend_on" in row else (),
        legal_ref=row.source,
        evidence=row.confidence,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        note=row.get("note", ""),
    )


def _unit(row: tables.Row, text: str) -> Unit:
    try:
        return Unit(text)
    except ValueError:
        raise TableError("clock.bad_unit", where=f"{row.table}:{row.line}", unit=text) from None


def _special_day(row: tables.Row) -> SpecialDay:
    try:
        kind = DayKind(row["kind"])
    except ValueError:
        raise ClockError("clock.bad_kind", where=f"{row.table}:{row.line}", kind=row["kind"]) from None
    return SpecialDay(row.day("date"), kind, row["name"], row["name_en"], row.source)


def _is_weekday(ordinal: int) -> bool:
    return (ordinal - 1) % 7 < 5  # ordinal 1, 0001-01-01, is a Monday


def _weekdays_to(ordinal: int) -> int:
    weeks, rest = divmod(ordinal, 7)
    return weeks * 5 + min(rest, 5)


def _has_working(extensions: Iterable[Extension]) -> bool:
    return any(extension.unit is Unit.WORKING_DAY and extension.until is None for extension in extensions)


def _all_working(answer: Deadline) -> bool:
    return all(e.unit is Unit.WORKING_DAY and e.until is None for e in (Extension(0, answer.unit), *answer.extensions))


def _weekday_name(day: date) -> dict[str, Param]:
    code = f"clock.weekday.{day.isoweekday()}"
    return {"weekday": say(code, "zh"), "weekday_en": say(code, "en")}


def _plain(day: date) -> date:
    """The day in China of a date or an instant."""
    return _in_china(day).date() if isinstance(day, datetime) else day


def _in_china(instant: datetime) -> datetime:
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ClockError("clock.no_time_zone", instant=instant.isoformat())
    return instant.astimezone(CHINA)


def _instant(day: date) -> datetime:
    return _in_china(day) if isinstance(day, datetime) else datetime(day.year, day.month, day.day, tzinfo=CHINA)


def _minute(instant: datetime) -> str:
    return instant.isoformat(sep=" ", timespec="minutes")
