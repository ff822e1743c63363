"""`zhunsheng clock`: when a period ends, what a day is, how many working days lie between two days."""

from __future__ import annotations

import argparse
from datetime import date, datetime

from zhunsheng.commands import NO, YES, Subparsers, add_json, add_lang, day, emit, emit_json
from zhunsheng.engine import clock
from zhunsheng.engine.clock import CHINA, Deadline, Extension, Suspension, Unit
from zhunsheng.engine.words import say


def add(subparsers: Subparsers) -> None:
    """Add `clock due`, `clock limit`, `clock day` and `clock between`."""
    parser = subparsers.add_parser("clock", help="时限与工作日 · deadlines and working days")
    verbs = parser.add_subparsers(metavar="due|limit|day|between", required=True)

    due = verbs.add_parser("due", help="期限何时届满 · when a period ends")
    due.add_argument(
        "trigger", type=_moment, help="触发之日或之时 · day or instant of the trigger (YYYY-MM-DD[THH:MM])"
    )
    due.add_argument("amount", type=int, help="期限长度 · length")
    due.add_argument("unit", type=_unit, help="|".join(Unit))
    due.set_defaults(run=_due)

    limit = verbs.add_parser("limit", help="按法定期限表计算 · by a time limit of the tables")
    limit.add_argument("code", help="期限编码,如 inspection.publish_result · code of the time limit")
    limit.add_argument("trigger", type=_moment, help="触发之日或之时 · day or instant of the trigger")
    limit.set_defaults(run=_limit)

    for verb in (due, limit):
        verb.add_argument(
            "--suspend",
            type=_suspension,
            action="append",
            default=[],
            metavar="A..B[:CAUSE]",
            help="中止,首尾两日均不计 · suspended from A to B, both included; may be repeated",
        )
        verb.add_argument(
            "--extend",
            type=_extension,
            action="append",
            default=[],
            metavar="N:UNIT",
            help="延长 · extension; may be repeated",
        )
        add_json(verb)

    one = verbs.add_parser("day", help="某日是否工作日 · whether a day is a working day")
    one.add_argument("date", type=day)
    one.set_defaults(run=_day)

    between = verbs.add_parser("between", help="两日之间的工作日数(不含首日,含末日)· working days after A up to B")
    between.add_argument("first", type=day, metavar="A")
    between.add_argument("last", type=day, metavar="B")
    between.set_defaults(run=_between)

    for verb in (due, limit, one, between):
        add_lang(verb)


def _due(options: argparse.Namespace) -> int:
    trigger = options.trigger
    if options.unit is Unit.HOUR and not isinstance(trigger, datetime):
        trigger = _at_midnight(trigger)
    answer = clock.deadline(
        trigger, options.amount, options.unit, suspensions=options.suspend, extensions=options.extend
    )
    return _tell(answer, options)


def _limit(options: argparse.Namespace) -> int:
    trigger = options.trigger
    on = trigger.date() if isinstance(trigger, datetime) else trigger
    limit = clock.limit(options.code, on)
    if limit.unit is Unit.HOUR and not isinstance(trigger, datetime):
        trigger = _at_midnight(trigger)
    answer = limit.deadline(trigger, suspensions=options.suspend, extensions=options.extend)
    if not options.json:
        name = limit.name_en if options.lang == "en" else limit.name
        source = {"source": limit.legal_ref, "evidence": limit.evidence}
        emit(say("clock.cli.limit", options.lang, name=name, **source))
    return _tell(answer, options)


def _tell(answer: Deadline, options: argparse.Namespace) -> int:
    due = answer.due_at.isoformat() if answer.due_at else answer.due.isoformat()
    if options.json:
        emit_json(
            {
                "due": due,
                "nominal": answer.nominal.isoformat(),
                "provisional": answer.provisional,
                "missing_notices": list(answer.missing_years),
                "reasons": [
                    {"code": r.code, "params": dict(r.params), "text": r.text(options.lang)} for r in answer.reasons
                ],
            }
        )
        return YES
    code = "clock.cli.due_provisional" if answer.provisional else "clock.cli.due"
    emit(say(code, options.lang, due=due))
    for reason in answer.reasons:
        emit(f"  - {reason.text(options.lang)}")
    return YES


def _day(options: argparse.Namespace) -> int:
    answer = clock.default_calendar().day(options.date)
    emit(answer.reason.text(options.lang))
    return YES if answer.working else NO


def _between(options: argparse.Namespace) -> int:
    count = clock.working_days_between(options.first, options.last)
    emit(say("clock.cli.between", options.lang, count=count))
    first, last = sorted((options.first, options.last))
    for year in clock.default_calendar().missing_years(first, last):
        emit(f"  - {say('clock.notice_missing', options.lang, year=year)}")
    return YES


def _moment(text: str) -> date:
    """An ISO date or instant; an instant without a zone is China time."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
    except ValueError:
        said = f"写作 YYYY-MM-DD 或 YYYY-MM-DDTHH:MM · write YYYY-MM-DD or YYYY-MM-DDTHH:MM: {text!r}"
        raise argparse.ArgumentTypeError(said) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def _at_midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=CHINA)


def _unit(text: str) -> Unit:
    try:
        return Unit(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{' | '.join(Unit)}: {text!r}") from None


def _suspension(text: str) -> Suspension:
    span, _, cause = text.partition(":")
    start, dots, end = span.partition("..")
    if not dots:
        raise argparse.ArgumentTypeError(f"写作 A..B 或 A..B:事由 · write A..B or A..B:cause: {text!r}")
    return Suspension(day(start), day(end), cause)


def _extension(text: str) -> Extension:
    amount, colon, unit = text.partition(":")
    if not colon or not amount.isdecimal():
        raise argparse.ArgumentTypeError(f"写作 N:单位 · write N:unit: {text!r}")
    return Extension(int(amount), _unit(unit))
