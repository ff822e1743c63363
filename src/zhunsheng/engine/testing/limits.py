"""Limits as standards and bulletins print them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from zhunsheng.engine.errors import ResultError
from zhunsheng.engine.testing.figures import EXACT, NUMBER, amount, clean, number
from zhunsheng.engine.testing.rounding import Comparison
from zhunsheng.engine.testing.units import unit as unit_of
from zhunsheng.engine.testing.wordings import begins, is_one

MAX_UNITS = 1000
"""Most units of a microbiological plan."""


class Kind(StrEnum):
    """What a limit asks for."""

    NUMBER = "number"  # a bound below, above, or both
    ABSENT = "absent"  # 不得检出
    UNUSED = "unused"  # 不得使用
    COUNTS = "counts"  # n, c, m, M
    NEGATIVE = "negative"  # 阴性
    POSITIVE = "positive"
    WORDS = "words"  # a requirement in words


@dataclass(frozen=True, slots=True)
class Bound:
    """One end. `value` keeps its printed decimals: the rounded comparison rounds to its last place."""

    value: Decimal
    included: bool = True


@dataclass(frozen=True, slots=True)
class CountPlan:
    """A microbiological plan (GB 4789.1): of n units, at most c may exceed m, and none M. Without M: two classes."""

    n: int
    c: int
    m: Decimal
    upper: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A requirement as printed in `text`, with the unit of its figures (a code of `testing/units`).

    `detection`: the limit of detection that "不得检出" presupposes. `basis`: standard and clause. `scope`: the products it
    is for. `valid_from`, `valid_to`: the days on which it holds, both inclusive, None = open.
    """

    text: str
    kind: Kind
    unit: str = ""
    lower: Bound | None = None
    upper: Bound | None = None
    plan: CountPlan | None = None
    detection: Decimal | None = None
    comparison: Comparison = Comparison.FULL
    basis: str = ""
    scope: str = ""
    valid_from: date | None = None
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        """Whether the limit holds on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class _Read:
    """What the wording gives, before basis, scope and days."""

    kind: Kind
    unit: str = ""
    lower: Bound | None = None
    upper: Bound | None = None
    plan: CountPlan | None = None
    detection: Decimal | None = None


_PLUS_MINUS = re.compile(rf"({NUMBER})\s?±\s?({NUMBER})(.*)")
_SPAN = re.compile(rf"({NUMBER})([^0-9~]*?)\s?(?:~|至|(?<=[0-9])-(?=[0-9]))\s?({NUMBER})(.*)")
_NOTE = re.compile(r"\s?\([^()]*\)$")
_JOINED = re.compile(r"\s?(?:且|并且|同时|和|、|;|(?<![0-9]),|,(?![0-9]{3}(?![0-9])))\s?")
_ENTRY = re.compile(r"(?<![A-Za-z])([ncmM])\s?=\s?")
_REPEATED = re.compile(
    r"([0-9]{1,4})\s?次(?:检验|检测)?结果均(?:不得超过|不超过|不大于)(.+?)[,、]?\s?且至少(?:有)?\s?([0-9]{1,4})\s?次"
    r"(?:检验|检测)?结果(?:不得超过|不超过|不大于)(.+)"
)
_FIGURE = re.compile(r"[0-9]")
_UPPER = {"at_most": True, "less": False}
_LOWER = {"at_least": True, "more": False}


def parse_limit(
    text: str,
    *,
    unit: str = "",
    bare: bool = False,
    comparison: Comparison = Comparison.FULL,
    basis: str = "",
    scope: str = "",
    valid_from: date | None = None,
    valid_to: date | None = None,
    where: str = "",
) -> Limit:
    """The limit that a standard or a bulletin prints.

    Understood: "≤0.02 mg/kg", "不大于0.2mg/kg", "≥5.0 g/100g", "0.5~1.5", "10.0±0.1 mm", "≥6.5且≤8.5", "不得检出",
    "不得检出（检出限 0.5 μg/kg）", "不得使用", "阴性", "n=5,c=2,m=10,M=100 CFU/g", and the plan told in words ("5次检验结果
    均不得超过…且至少3次检验结果不得超过…"). Words without figures are a requirement that only a person can judge.

    `unit`: of the limit's column, for wordings without one. `bare`: take a number without a direction as a maximum.
    Raises ResultError naming `where`: no direction, a number or unit that is none, ends or a plan that cannot be.
    """
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        raise ResultError("testing.reversed_days", where=where, start=str(valid_from), end=str(valid_to))
    plain = clean(text, where)
    default = unit_of(unit, where=where).code
    if not plain:
        raise ResultError("testing.empty_limit", where=where)
    read = _read(plain, bare, where)
    return Limit(
        text.strip(), read.kind, read.unit or default, read.lower, read.upper, read.plan, read.detection,
        comparison, basis, scope, valid_from, valid_to,
    )  # fmt: skip


def _read(text: str, bare: bool, where: str) -> _Read:
    if word := is_one(text, "negative", "positive"):
        return _Read(Kind(word))
    if (absent := begins(text, "must_be_absent", "must_not_be_used")) is not None:
        return _absent(*absent, where)
    if re.match(r"n\s?=", text):
        return _counts(text, where)
    if (told := _REPEATED.fullmatch(text)) is not None:
        return _told(told, where)
    if (around := _PLUS_MINUS.fullmatch(text)) is not None:
        middle, spread = number(around[1], where), number(around[2], where).copy_abs()
        return _between(EXACT.subtract(middle, spread), EXACT.add(middle, spread), _unit(around[3], where), where, text)
    if (span := _SPAN.fullmatch(text)) is not None:
        second = _unit(span[4], where)
        if _unit(span[2], where) not in ("", second):
            raise ResultError("testing.two_units", where=where, value=text[:60])
        return _between(number(span[1], where), number(span[3], where), second, where, text)
    if begins(text, *_UPPER, *_LOWER) is not None:
        return _ordered(text, where)
    if re.match(NUMBER, text):
        value, rest = amount(text, where)
        code = _unit(rest, where)
        if not bare:
            raise ResultError("testing.no_direction", where=where, value=text[:60])
        return _Read(Kind.NUMBER, code, upper=Bound(value))
    if _FIGURE.search(text) or re.search(r"[<>≤≥=±]", text):
        raise ResultError("testing.not_limit", where=where, value=text[:60])
    return _Read(Kind.WORDS)


def _between(low: Decimal, high: Decimal, code: str, where: str, text: str) -> _Read:
    if low > high:
        raise ResultError("testing.reversed", where=where, value=text[:40])
    return _Read(Kind.NUMBER, code, Bound(low), Bound(high))


def _ordered(text: str, where: str) -> _Read:
    lower: Bound | None = None
    upper: Bound | None = None
    code = ""
    for part in _JOINED.split(text):
        order = begins(part, *_UPPER, *_LOWER)
        if order is None:
            raise ResultError("testing.not_limit", where=where, value=text[:60])
        value, rest = amount(order[1], where)
        found = _unit(rest, where)
        if found and code not in ("", found):
            raise ResultError("testing.two_units", where=where, value=text[:60])
        code = found or code
        if order[0] in _UPPER and upper is None:
            upper = Bound(value, _UPPER[order[0]])
        elif order[0] in _LOWER and lower is None:
            lower = Bound(value, _LOWER[order[0]])
        else:
            raise ResultError("testing.two_bounds", where=where, value=text[:60])
    if lower is not None and upper is not None:
        empty = lower.value == upper.value and not (lower.included and upper.included)
        if lower.value > upper.value or empty:
            raise ResultError("testing.reversed", where=where, value=text[:40])
    return _Read(Kind.NUMBER, code, lower, upper)


def _absent(word: str, rest: str, where: str) -> _Read:
    kind = Kind.ABSENT if word == "must_be_absent" else Kind.UNUSED
    if rest.startswith("/"):
        return _Read(kind, _unit(rest, where))
    rest = re.sub(r"^[(\[,: ]+|[)\] ]+$", "", rest)
    label = begins(rest, "detection_limit", "quantitation_limit")
    if label is not None:
        rest = label[1]
    rest = re.sub(r"^[:=为是<≤ ]+", "", rest)
    if re.match(NUMBER, rest):
        value, code = amount(rest, where)
        return _Read(kind, _unit(code, where), detection=value)
    if rest and (label is not None or _FIGURE.search(rest)):
        raise ResultError("testing.not_limit", where=where, value=rest[:60])
    return _Read(kind)


def _counts(text: str, where: str) -> _Read:
    pieces = _ENTRY.split(text)
    found: dict[str, str] = {}
    for name, figure in zip(pieces[1::2], pieces[2::2], strict=True):
        if name in found:
            raise ResultError("testing.plan_twice", where=where, letter=name)
        found[name] = figure.strip(" ,、;")
    for letter in "ncm":
        if letter not in found:
            raise ResultError("testing.plan_lacks", where=where, letter=letter)
    code = ""
    values: dict[str, Decimal] = {}
    for letter in ("m", "M"):
        if found.get(letter, "") in ("", "-", "/", "~"):
            continue
        value, rest = amount(found[letter], where)
        unit = _unit(rest, where)
        if unit and code not in ("", unit):
            raise ResultError("testing.two_units", where=where, value=text[:60])
        code = unit or code
        values[letter] = value
    if "m" not in values:
        raise ResultError("testing.plan_lacks", where=where, letter="m")
    n, c = (_whole(found[letter], letter, where) for letter in "nc")
    return _Read(Kind.COUNTS, code, plan=_plan(n, c, values["m"], values.get("M"), where))


def _told(told: re.Match[str], where: str) -> _Read:
    (top, first), (m, second) = amount(told[2], where), amount(told[4], where)
    code, other = _unit(first, where), _unit(second, where)
    if code and other and code != other:
        raise ResultError("testing.two_units", where=where, value=told[0][:60])
    n, good = int(told[1]), int(told[3])
    return _Read(Kind.COUNTS, code or other, plan=_plan(n, n - good, m, top, where))


def _plan(n: int, c: int, m: Decimal, upper: Decimal | None, where: str) -> CountPlan:
    if not 1 <= n <= MAX_UNITS or not 0 <= c <= n or m < 0 or (upper is not None and upper <= m):
        shown = "-" if upper is None else f"{upper:f}"
        raise ResultError("testing.bad_plan", where=where, n=n, c=c, m=f"{m:f}", upper=shown, limit=MAX_UNITS)
    return CountPlan(n, c, m, upper)


def _whole(text: str, letter: str, where: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise ResultError("testing.plan_not_whole", where=where, letter=letter, value=text[:40])
    return int(text)


def _unit(text: str, where: str) -> str:
    """The unit of what follows a figure; "(以脂肪计)" after it says of what, and is kept in the printed text alone."""
    text = text.strip()
    try:
        return unit_of(text, where=where).code
    except ResultError:
        if (plain := _NOTE.sub("", text)) != text:
            return unit_of(plain, where=where).code
        raise
