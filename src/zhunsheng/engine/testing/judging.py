"""Results are judged, not typed: a result held against its limit, with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from zhunsheng.engine.errors import ResultError
from zhunsheng.engine.testing.figures import plain
from zhunsheng.engine.testing.limits import Bound, CountPlan, Kind, Limit
from zhunsheng.engine.testing.results import Reading, Result, Said
from zhunsheng.engine.testing.rounding import Comparison, last_place, round_to
from zhunsheng.engine.testing.units import Unit, in_unit
from zhunsheng.engine.testing.units import unit as unit_of
from zhunsheng.engine.words import Param, Reason


class Verdict(StrEnum):
    """What a result means under its limit."""

    PASS = "pass"  # noqa: S105  合格
    FAIL = "fail"  # 不合格
    UNDECIDED = "undecided"  # 不能判定


class Rule(StrEnum):
    """The decision rule, where a result has an uncertainty (ILAC-G8:09/2019)."""

    SIMPLE = "simple"  # simple acceptance: the reported figure alone decides
    GUARDED = "guarded"  # pass or fail only where the whole interval of the uncertainty does


@dataclass(frozen=True, slots=True)
class Item:
    """One item 检验项目 of a product: its limits, of which one holds on any day.

    `detection`, `detection_unit`: the limit of detection of the method, for reports that say 未检出 without one.
    """

    name: str
    limits: tuple[Limit, ...]
    rule: Rule = Rule.SIMPLE
    detection: Decimal | None = None
    detection_unit: str = ""

    def limit_on(self, on: date) -> Limit:
        """The limit in force on that day. Raises ResultError when there is none, or more than one."""
        valid = [limit for limit in self.limits if limit.valid_on(on)]
        if len(valid) != 1:
            raise ResultError("testing.limits_on", where=self.name, count=len(valid), day=on.isoformat())
        return valid[0]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one item, the limit it was judged by (None: there was none to judge by), and why."""

    item: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    limit: Limit | None = None
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class SampleVerdict:
    """The verdict on a sample, and which items decide it."""

    verdict: Verdict
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """What is known of the true figure, in the limit's unit; None = no end known. `*_in`: the end itself is possible."""

    low: Fraction | None
    high: Fraction | None
    low_in: bool = True
    high_in: bool = True


def judge(item: Item, result: Result, on: date) -> Judgement:
    """Whether the result meets the item's limit of the day `on` (as a rule the day of production, which decides which
    edition of a standard applies).

    A reading is taken as what is known of the true figure: a number is itself, "<0.05" and 未检出 with a detection limit
    of 0.05 are anything below it. It passes if all of that meets the limit, fails if none of it does, and otherwise
    cannot be judged: so 未检出 with a detection limit above the limit is no pass. Of several readings each has to pass,
    except under a plan n, c, m, M (GB 4789.1), where they are counted. Numbers are compared in full, or rounded to the
    limit's last place where the limit says so (GB/T 8170-2008 4.3).

    Raises ResultError when no limit, or more than one, is in force on that day.
    """
    limit = item.limit_on(on)
    try:
        verdict, reasons = _judged(item, limit, result, on)
    except ResultError as error:  # units of different quantities: what was reported cannot be compared
        verdict, reasons = Verdict.UNDECIDED, (error.reason,)
    if limit.basis:
        reasons = (*reasons, Reason("testing.basis", {"basis": limit.basis}))
    return Judgement(item.name, verdict, reasons, limit, result)


def verdict_of(items: Iterable[Judgement]) -> SampleVerdict:
    """The verdict on the whole sample: one failed item fails it; otherwise one that cannot be judged leaves it
    undecided; otherwise it passes. No item at all is no verdict.
    The order of the items changes nothing but the order in which they are named."""
    judged = tuple(items)
    failed = [one for one in judged if one.verdict is Verdict.FAIL]
    unknown = [one for one in judged if one.verdict is Verdict.UNDECIDED]
    reasons: list[Reason] = []
    if failed:
        reasons.append(Reason("testing.sample.fail", {"count": len(failed), "items": _names(failed)}))
    if unknown:
        reasons.append(Reason("testing.sample.undecided", {"count": len(unknown), "items": _names(unknown)}))
    if failed:
        return SampleVerdict(Verdict.FAIL, tuple(reasons))
    if unknown:
        return SampleVerdict(Verdict.UNDECIDED, tuple(reasons))
    if not judged:
        return SampleVerdict(Verdict.UNDECIDED, (Reason("testing.sample.empty"),))
    return SampleVerdict(Verdict.PASS, (Reason("testing.sample.pass", {"count": len(judged)}),))


def _names(judged: Iterable[Judgement]) -> str:
    return "、".join(one.item for one in judged)


_Found = tuple[Verdict, tuple[Reason, ...]]


def _judged(item: Item, limit: Limit, result: Result, on: date) -> _Found:
    if not result.readings:
        return Verdict.UNDECIDED, (Reason("testing.undecided.no_reading"),)
    if limit.kind is Kind.COUNTS:
        assert limit.plan is not None
        return _counted(item, limit, limit.plan, result, on)
    found = [_one(item, limit, reading, on) for reading in result.readings]
    for verdict in (Verdict.FAIL, Verdict.UNDECIDED):
        if any(one[0] is verdict for one in found):
            return verdict, _distinct(reason for one in found if one[0] is verdict for reason in one[1])
    return Verdict.PASS, _distinct(reason for one in found for reason in one[1])


def _distinct(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    kept: list[Reason] = []
    for reason in reasons:
        if reason not in kept:
            kept.append(reason)
    return tuple(kept)


def _one(item: Item, limit: Limit, reading: Reading, on: date) -> _Found:
    said: dict[str, Param] = {"result": reading.text, "limit": limit.text}
    match limit.kind:
        case Kind.NUMBER:
            return _measured(item, limit, reading, on, said)
        case Kind.ABSENT | Kind.UNUSED:
            return _presence(item, limit, reading, on, said)
        case Kind.NEGATIVE | Kind.POSITIVE:
            none = reading.said in (Said.NEGATIVE, Said.NOT_DETECTED)
            some = reading.said in (Said.POSITIVE, Said.DETECTED)
            if not none and not some:
                return Verdict.UNDECIDED, (Reason("testing.undecided.not_qualitative", said),)
            return _told(none == (limit.kind is Kind.NEGATIVE), said)
        case _:
            if reading.said in (Said.CONFORMS, Said.NOT_CONFORMING):
                return _told(reading.said is Said.CONFORMS, said)
            return Verdict.UNDECIDED, (Reason("testing.undecided.by_person", said),)


def _told(good: bool, said: dict[str, Param]) -> _Found:
    if good:
        return Verdict.PASS, (Reason("testing.pass", said),)
    return Verdict.FAIL, (Reason("testing.fail", said),)


def _measured(item: Item, limit: Limit, reading: Reading, on: date, said: dict[str, Param]) -> _Found:
    if reading.said not in (Said.NUMBER, Said.LESS, Said.MORE, Said.NOT_DETECTED):
        return Verdict.UNDECIDED, (Reason("testing.undecided.no_figure", said),)
    span, notes = _span(item, limit, reading, on)
    if span is None:
        return Verdict.UNDECIDED, (Reason("testing.undecided.no_detection_limit", said),)
    if limit.comparison is Comparison.ROUNDED:
        span, rounded = _rounded(limit, span)
        notes = (*notes, *rounded)
    above = _against(span, limit.upper, lower=False) if limit.upper is not None else Verdict.PASS
    below = _against(span, limit.lower, lower=True) if limit.lower is not None else Verdict.PASS
    verdict = _worst((above, below))
    if verdict is Verdict.PASS:
        return verdict, (Reason("testing.pass", said), *notes)
    if verdict is Verdict.FAIL:
        return verdict, (Reason("testing.fail", said), *notes)
    if reading.said is Said.NUMBER:
        return verdict, (Reason("testing.undecided.uncertainty", said), *notes)
    sensitive = above is not Verdict.UNDECIDED or reading.said is Said.MORE
    code = "testing.undecided.span" if sensitive else "testing.undecided.above_limit"
    return verdict, (Reason(code, said), *notes)


def _worst(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    return next((one for one in (Verdict.FAIL, Verdict.UNDECIDED) if one in found), Verdict.PASS)


def _span(item: Item, limit: Limit, reading: Reading, on: date) -> tuple[_Span | None, tuple[Reason, ...]]:
    """What is known of the true figure in the limit's unit, and how it came there; None where nothing is."""
    value, code = reading.value, reading.unit
    if value is None and reading.said is Said.NOT_DETECTED and item.detection is not None:
        value, code = item.detection, item.detection_unit
    if value is None:
        return None, ()
    source, target = _units(code, limit, on)
    figure = in_unit(value, source, target)
    notes: tuple[Reason, ...] = ()
    if source.code != target.code:
        notes = (
            Reason("testing.converted", {"value": plain(value), "unit": source.code, "other": plain(figure), "other_unit": target.code}),
        )  # fmt: skip
    if reading.said is Said.MORE:
        return _Span(figure, None, low_in=reading.included), notes
    if reading.said is not Said.NUMBER:
        return _Span(None, figure, high_in=reading.included), notes
    if item.rule is Rule.GUARDED and reading.uncertainty is not None:
        spread = in_unit(reading.uncertainty, source, target)
        guard = Reason("testing.guarded", {"spread": plain(spread), "unit": target.code})
        return _Span(figure - spread, figure + spread), (*notes, guard)
    return _Span(figure, figure), notes


def _units(code: str, limit: Limit, on: date) -> tuple[Unit, Unit]:
    """The unit of a figure and the limit's. A figure without a unit is not given the limit's: it could be another."""
    if limit.unit and not code:
        raise ResultError("testing.no_unit", unit=limit.unit)
    return unit_of(code, on), unit_of(limit.unit, on)


def _rounded(limit: Limit, span: _Span) -> tuple[_Span, tuple[Reason, ...]]:
    """The span as it is after rounding to the last place printed. Both ends of a limit are printed to the same place;
    where not, the finer one is used."""
    step = min(last_place(bound.value) for bound in (limit.lower, limit.upper) if bound is not None)
    low, high = (None if end is None else round_to(end, step) for end in (span.low, span.high))
    shown = low if low is not None else high
    notes = (
        (Reason("testing.rounded", {"value": plain(shown), "step": plain(step)}),)
        if low == high and shown is not None
        else ()
    )
    # An open end may be reached by rounding: x < 0.5 can still become 0.5.
    return _Span(None if low is None else Fraction(low), None if high is None else Fraction(high)), notes


def _against(span: _Span, bound: Bound, *, lower: bool) -> Verdict:
    """The span against one end. For a lower end everything is mirrored."""
    limit = Fraction(bound.value)
    near, near_in, far, far_in = span.high, span.high_in, span.low, span.low_in
    sign = 1
    if lower:
        near, near_in, far, far_in, sign = far, far_in, near, near_in, -1
    if near is not None:
        gap = sign * (limit - near)
        if gap > 0 or (gap == 0 and (bound.included or not near_in)):
            return Verdict.PASS
    if far is not None:
        over = sign * (far - limit)
        if over > 0 or (over == 0 and not (bound.included and far_in)):
            return Verdict.FAIL
    return Verdict.UNDECIDED


def _presence(item: Item, limit: Limit, reading: Reading, on: date, said: dict[str, Param]) -> _Found:
    failed = (Reason("testing.fail", said), Reason("testing.background")) if limit.kind is Kind.UNUSED else (Reason("testing.fail", said),)  # fmt: skip
    match reading.said:
        case Said.DETECTED | Said.POSITIVE:
            return Verdict.FAIL, failed
        case Said.NEGATIVE:
            return Verdict.PASS, (Reason("testing.pass", said),)
        case Said.NOT_DETECTED:
            return _absence(item, limit, reading, on, said)
        case Said.NUMBER | Said.MORE if reading.value is not None:
            if reading.value < 0 or (reading.value == 0 and reading.said is Said.MORE and reading.included):
                return Verdict.UNDECIDED, (Reason("testing.undecided.no_absence", said),)
            if reading.value == 0 and reading.said is Said.NUMBER:
                return Verdict.PASS, (Reason("testing.pass", said),)
            if limit.detection is not None:
                figure = in_unit(reading.value, *_units(reading.unit, limit, on))
                if figure < Fraction(limit.detection) and reading.said is Said.NUMBER:
                    return Verdict.UNDECIDED, (Reason("testing.undecided.below_detection", said),)
            return Verdict.FAIL, failed
        case Said.LESS if reading.value is not None and limit.detection is not None and not reading.quantitation:
            return _absence(item, limit, reading, on, said)
        case Said.LESS:
            return Verdict.UNDECIDED, (Reason("testing.undecided.no_absence", said),)
        case _:
            return Verdict.UNDECIDED, (Reason("testing.undecided.no_figure", said),)


def _absence(item: Item, limit: Limit, reading: Reading, on: date, said: dict[str, Param]) -> _Found:
    """Nothing was found: by a method sensitive enough, in a portion as large as the limit names?"""
    value, code = reading.value, reading.unit
    if value is None and item.detection is not None:
        value, code = item.detection, item.detection_unit
    portion = reading.unit.startswith("/") and limit.unit.startswith("/")
    if portion and reading.unit != limit.unit:
        return Verdict.UNDECIDED, (Reason("testing.undecided.portion", said),)
    if limit.detection is not None:
        if value is None:
            return Verdict.UNDECIDED, (Reason("testing.undecided.no_detection_limit", said),)
        if in_unit(value, *_units(code, limit, on)) > Fraction(limit.detection):
            return Verdict.UNDECIDED, (Reason("testing.undecided.above_limit", said),)
    return Verdict.PASS, (Reason("testing.pass", said),)


def _counted(item: Item, limit: Limit, plan: CountPlan, result: Result, on: date) -> _Found:
    """n, c, m, M: how many units surely, and how many possibly, exceed m and M.

    Units that were not reported could be anything, so fewer than n can fail the plan and never pass it.
    """
    spans = [_unit_span(item, limit, reading, on) for reading in result.readings]
    given = len(spans)
    said: dict[str, Param] = {"n": plan.n, "c": plan.c, "m": plain(plan.m), "limit": limit.text, "given": given}
    if given > plan.n:
        return Verdict.UNDECIDED, (Reason("testing.undecided.too_many", said),)
    over_m = [_against(span, Bound(plan.m), lower=False) for span in spans]
    surely, possibly = over_m.count(Verdict.FAIL), given - over_m.count(Verdict.PASS) + plan.n - given
    said["over"] = surely
    if plan.upper is not None:
        over_top = [_against(span, Bound(plan.upper), lower=False) for span in spans]
        if (count := over_top.count(Verdict.FAIL)) > 0:
            return Verdict.FAIL, (
                Reason("testing.counts.over_top", {**said, "top": plain(plan.upper), "count": count}),
            )
    if surely > plan.c:
        return Verdict.FAIL, (Reason("testing.counts.too_many_over", said),)
    if given < plan.n:
        return Verdict.UNDECIDED, (Reason("testing.undecided.too_few", said),)
    unclear_top = plan.upper is not None and any(one is Verdict.UNDECIDED for one in over_top)
    if possibly > plan.c or unclear_top:
        return Verdict.UNDECIDED, (Reason("testing.counts.unclear", {**said, "possibly": possibly}),)
    return Verdict.PASS, (Reason("testing.counts.pass", said),)


def _unit_span(item: Item, limit: Limit, reading: Reading, on: date) -> _Span:
    """What is known of one unit's count; nothing where it was 检出 without a figure, except that it is above 0."""
    portion = reading.unit == limit.unit or not reading.unit
    if (
        reading.said in (Said.NEGATIVE, Said.NOT_DETECTED)
        and reading.value is None
        and limit.unit.startswith("/")
        and portion
    ):
        return _Span(Fraction(0), Fraction(0))  # m = 0/25 g: 未检出 is 0
    if reading.said in (Said.DETECTED, Said.POSITIVE):
        return _Span(Fraction(0), None, low_in=False)
    span = (
        _span(item, limit, reading, on)[0]
        if reading.said in (Said.NUMBER, Said.LESS, Said.MORE, Said.NOT_DETECTED)
        else None
    )
    return span or _Span(None, None)
