"""Targets: what was promised, what the registers show, and where that leaves us on a given day.

Values come from the registers as whole numbers, numerator and denominator; they are compared as exact fractions and
rounded only when shown. Source: 焦政〔2017〕12号 一(二) and the table `cities/<city>/targets`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from pathlib import Path

from zhunsheng.engine import tables
from zhunsheng.engine.errors import AppraisalError
from zhunsheng.engine.words import Param, Reason

PERCENT = "percent"
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Window:
    """The days in which a target's events count, both inclusive (焦作: 2017-01-01 to 2018-12-31, in the city table)."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Target:
    """A promised figure. `value` is a share (0..1) when `unit` is percent, else a count; `operator` is always >=
    (以上 includes the number itself, 民法典 art. 1259)."""

    code: str
    name: str
    name_en: str
    operator: str
    value: Fraction
    unit: str
    deadline: date
    source_clause: str
    registry: str = ""
    numerator: str = ""
    denominator: str = ""
    force: str = ""
    deadline_basis: str = ""
    note: str = ""
    source: str = ""
    confidence: str = "sure"
    numerator_en: str = ""
    denominator_en: str = ""
    note_en: str = ""

    @property
    def is_rate(self) -> bool:
        """Whether the target is a share of something, not a count."""
        return self.unit == PERCENT

    def label(self, lang: str = "zh") -> str:
        """The target's name in `lang`."""
        return self.name_en if self.name_en and (lang == "en" or lang.startswith("en-")) else self.name


@dataclass(frozen=True, slots=True)
class Measure:
    """What the registers show at the end of `as_of`. `denominator` is None for a count. `interval` is the design-based
    interval of a rate that comes from a sample (low, high as shares)."""

    numerator: int
    denominator: int | None
    as_of: date
    interval: tuple[float, float] | None = None


class Status(StrEnum):
    """Where a target stands."""

    MET = "met"
    ON_TRACK = "on_track"
    BEHIND = "behind"
    MISSED = "missed"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class Standing:
    """Status with its reasons. `value` is the exact figure (None without data); `expected` is what the day asks for:
    the target itself, or for a count before the deadline the elapsed share of it."""

    status: Status
    reasons: tuple[Reason, ...]
    value: Fraction | None
    expected: Fraction


def target_from(cells: Mapping[str, str]) -> Target:
    """The target written in a row of a targets table (or in any mapping with its columns).

    Columns: code, name, name_en, operator, value, unit, deadline, source_clause, and where present registry, numerator,
    denominator, force, deadline_basis, note, source, confidence, and numerator_en, denominator_en, note_en.
    Raises AppraisalError naming target and column for a missing or unreadable cell.
    """
    code = cells.get("code", "")

    def need(column: str) -> str:
        text = cells.get(column, "")
        if not text:
            raise AppraisalError("appraisal.no_cell", where=code, column=column)
        return text

    def day(column: str) -> date:
        text = need(column)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise AppraisalError("appraisal.bad_day", where=code, column=column, value=text) from None

    need("code")
    if need("operator") != ">=":
        raise AppraisalError("appraisal.bad_operator", where=code, value=cells["operator"])
    text, unit = need("value"), need("unit")
    if not _NUMBER.fullmatch(text):
        raise AppraisalError("appraisal.bad_value", where=code, value=text)
    value = Fraction(text) / (100 if unit == PERCENT else 1)
    if unit == PERCENT and value > 1:
        raise AppraisalError("appraisal.bad_value", where=code, value=text)
    return Target(
        code=code,
        name=need("name"),
        name_en=cells.get("name_en", ""),
        operator=">=",
        value=value,
        unit=unit,
        deadline=day("deadline"),
        source_clause=need("source_clause"),
        registry=cells.get("registry", ""),
        numerator=cells.get("numerator", ""),
        denominator=cells.get("denominator", ""),
        force=cells.get("force", ""),
        deadline_basis=cells.get("deadline_basis", ""),
        note=cells.get("note", ""),
        source=cells.get("source", ""),
        confidence=cells.get("confidence") or "sure",
        numerator_en=cells.get("numerator_en", ""),
        denominator_en=cells.get("denominator_en", ""),
        note_en=cells.get("note_en", ""),
    )


def targets(city: str, on: date, root: Path | None = None) -> tuple[Target, ...]:
    """The targets of a city that are in force on `on`, in the order of its table.

    >>> [f"{t.code} {t.name} {show_percent(t.value, 1)}" for t in targets("jiaozuo", date(2018, 1, 1))[:2]]
    ['T01 重要工业产品质量监督抽查合格率 96.0%', 'T02 蔬菜监测合格率 94.5%']

    Raises TableError when the city has no targets table, AppraisalError when a row cannot be read.
    """
    return tuple(target_from(row) for row in tables.load(f"cities/{city}/targets", root).valid_on(on))


def status(target: Target, measure: Measure | None, on: date, window: Window) -> Standing:
    """Where a target stands on `on`.

    - No measure, or a rate with denominator 0: no data (neither 0 % nor 100 %).
    - Up to the deadline: a count is met when it reaches the target, on track when it reaches target × elapsed share of
      the window, else behind. A rate is on track or behind; it can still change.
    - After the deadline: met or missed. Figures that end before the window cannot show a miss, nor fix a rate: no data.

    Raises AppraisalError for a measure later than `on`, a rate without denominator (or a count with one), an impossible
    rate, or a window that is reversed or outlasts the deadline.

    >>> brands = Target("T08", "名牌", "", ">=", Fraction(10), "个", date(2018, 12, 31), "一(二)2")
    >>> found = status(brands, Measure(5, None, date(2017, 12, 31)), date(2017, 12, 31), \
Window(date(2017, 1, 1), date(2018, 12, 31)))
    >>> str(found.status), found.value, found.expected
    ('on_track', Fraction(5, 1), Fraction(5, 1))
    """
    if not window.start <= window.end <= target.deadline:
        raise AppraisalError("appraisal.bad_window", where=target.code, start=str(window.start), end=str(window.end))
    over = on > target.deadline
    elapsed = _elapsed(window, on)
    expected = target.value if target.is_rate or over else target.value * elapsed
    if measure is None:
        return Standing(Status.NO_DATA, (Reason("appraisal.no_measure"),), None, expected)
    _check(target, measure, on)
    if measure.denominator == 0:
        return Standing(Status.NO_DATA, (Reason("appraisal.zero_denominator"),), None, expected)
    value = Fraction(measure.numerator, measure.denominator or 1)
    reached = value >= target.value
    final = measure.as_of >= window.end
    reasons: list[Reason] = []
    if over and not final and (target.is_rate or not reached):
        found = Status.NO_DATA
        days: dict[str, Param] = {"as_of": str(measure.as_of), "end": str(window.end)}
        reasons.append(Reason("appraisal.not_final", days))
    elif over:
        found = Status.MET if reached else Status.MISSED
    elif reached and not target.is_rate:
        found = Status.MET
    else:
        found = Status.ON_TRACK if value >= expected else Status.BEHIND
    reasons += _why(target, measure, value, expected, elapsed, over)
    return Standing(found, tuple(reasons), value, expected)


def _elapsed(window: Window, on: date) -> Fraction:
    """The share of the window's days that are over at the end of `on`."""
    days = (window.end - window.start).days + 1
    return Fraction(min(max((on - window.start).days + 1, 0), days), days)


def _check(target: Target, measure: Measure, on: date) -> None:
    if measure.as_of > on:
        raise AppraisalError("appraisal.later_measure", where=target.code, as_of=str(measure.as_of), on=str(on))
    if target.is_rate != (measure.denominator is not None):
        code = "appraisal.needs_denominator" if target.is_rate else "appraisal.needs_count"
        raise AppraisalError(code, where=target.code)
    if measure.denominator is not None and not 0 <= measure.numerator <= measure.denominator:
        raise AppraisalError(
            "appraisal.bad_rate", where=target.code, numerator=measure.numerator, denominator=measure.denominator
        )


def _why(
    target: Target, measure: Measure, value: Fraction, expected: Fraction, elapsed: Fraction, over: bool
) -> list[Reason]:
    reached = value >= target.value
    if measure.denominator is not None:
        said: dict[str, Param] = {
            "value": show_percent(value),
            "numerator": measure.numerator,
            "denominator": measure.denominator,
            "goal": show_percent(target.value),
        }
        reasons = [Reason("appraisal.rate_reaches" if reached else "appraisal.rate_short", said)]
        if not reached and show_percent(value) == show_percent(target.value):
            reasons.append(Reason("appraisal.rounded_alike"))
        if measure.interval is not None and measure.interval[0] < target.value <= measure.interval[1]:
            low, high = (show_percent(Fraction(bound)) for bound in measure.interval)
            reasons.append(Reason("appraisal.interval_straddles", {"low": low, "high": high, "goal": said["goal"]}))
    else:
        said = {"value": measure.numerator, "goal": show_number(target.value)}
        if reached or over:
            reasons = [Reason("appraisal.count_reaches" if reached else "appraisal.count_short", said)]
        else:
            said |= {"expected": show_number(expected, 2), "elapsed": show_percent(elapsed)}
            reasons = [Reason("appraisal.count_pace" if value >= expected else "appraisal.count_behind", said)]
    if target.confidence != "sure":
        reasons.append(Reason("appraisal.not_sure"))
    return reasons


# ---- showing numbers -----------------------------------------------------------------------------------------------


def round_half_up(value: Fraction, decimals: int = 0) -> Decimal:
    """`value` rounded to `decimals` places, halves away from zero, computed exactly. For display only.

    >>> round_half_up(Fraction(5, 1000), 2), round_half_up(Fraction(-5, 2))
    (Decimal('0.01'), Decimal('-3'))

    Raises AppraisalError for decimals outside 0..12.
    """
    if not 0 <= decimals <= 12:
        raise AppraisalError("appraisal.bad_decimals", value=decimals)
    twice = abs(value) * 10**decimals * 2
    units = (twice.numerator + twice.denominator) // (2 * twice.denominator)
    return Decimal(units if value >= 0 else -units).scaleb(-decimals)


def show_number(value: Fraction, decimals: int = 0) -> str:
    """A number for display: `decimals` places, halves up."""
    return f"{round_half_up(value, decimals):f}"


def show_percent(value: Fraction, decimals: int = 2) -> str:
    """A share as a percentage for display: two decimals, halves up.

    >>> show_percent(Fraction(1842, 1911))
    '96.39%'
    """
    return f"{show_number(value * 100, decimals)}%"
