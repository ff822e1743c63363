"""`zhunsheng testing`: judge a result by its limit, round a number, convert a unit."""

from __future__ import annotations

import argparse
from datetime import date
from decimal import Decimal

from zhunsheng.commands import NO, USAGE, YES, Subparsers, add_json, add_lang, day, emit, emit_json
from zhunsheng.engine import testing
from zhunsheng.engine.testing import Comparison, Item, Rule, Verdict
from zhunsheng.engine.words import say

_CODES = {Verdict.PASS: YES, Verdict.FAIL: NO, Verdict.UNDECIDED: USAGE}


def add(subparsers: Subparsers) -> None:
    """Add `testing` with its three questions."""
    parser = subparsers.add_parser("testing", help="检测结果判定、修约、单位换算 · judging test results")
    actions = parser.add_subparsers(metavar="<做什么 · what>", required=True)

    judge = actions.add_parser("judge", help="合格、不合格、不能判定 · pass, fail, cannot be judged")
    judge.add_argument("limit", metavar="LIMIT", help="限量 · such as '≤0.02 mg/kg', 'n=5,c=2,m=10,M=100 CFU/g'")
    judge.add_argument("result", metavar="RESULT", help="结果 · such as '0.021 mg/kg', '未检出(检出限 0.01 mg/kg)'")
    judge.add_argument("--name", default="", help="项目名称 · name of the item")
    judge.add_argument("--unit", default="", help="报告的单位栏 · the unit column of the report")
    judge.add_argument("--detection", metavar="AMOUNT", help="方法的检出限 · the method's limit of detection")
    judge.add_argument("--maximum", action="store_true", help="限量没有符号时作为上限 · take a bare limit as a maximum")
    judge.add_argument("--rounded", action="store_true", help="修约值比较法 · compare rounded (GB/T 8170)")
    judge.add_argument("--guarded", action="store_true", help="计入不确定度 · count the uncertainty in")
    judge.add_argument("--on", type=day, help="按这一天有效的单位表 · the units valid on that day")
    _ends(judge, _judge)

    rounding = actions.add_parser("round", help="数值修约（GB/T 8170） · rounding")
    rounding.add_argument("value", metavar="VALUE")
    rounding.add_argument("interval", metavar="INTERVAL", help="修约间隔 · 0.1, 1, 100, 0.5 …")
    _ends(rounding, _round)

    convert = actions.add_parser("convert", help="单位换算 · units")
    convert.add_argument("value", metavar="VALUE")
    convert.add_argument("unit", metavar="FROM")
    convert.add_argument("other", metavar="TO")
    _ends(convert, _convert)


def _ends(parser: argparse.ArgumentParser, run: object) -> None:
    add_lang(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def _judge(options: argparse.Namespace) -> int:
    comparison = Comparison.ROUNDED if options.rounded else Comparison.FULL
    limit = testing.parse_limit(options.limit, bare=options.maximum, comparison=comparison)
    result = testing.parse_result(options.result, unit=options.unit)
    detection: Decimal | None = None
    unit = ""
    if options.detection is not None:
        detection, unit = testing.amount(options.detection)
    rule = Rule.GUARDED if options.guarded else Rule.SIMPLE
    item = Item(options.name, (limit,), rule, detection, testing.unit(unit).code)
    found = testing.judge(item, result, options.on or date.today())  # noqa: DTZ011 - the reader's own day
    lang = options.lang
    if options.json:
        emit_json({"item": found.item, "verdict": found.verdict, "reasons": [one.text(lang) for one in found.reasons]})
        return _CODES[found.verdict]
    emit(say(f"testing.verdict.{found.verdict}", lang))
    for reason in found.reasons:
        emit(f"    {reason.text(lang)}")
    return _CODES[found.verdict]


def _round(options: argparse.Namespace) -> int:
    rounded = testing.round_to(testing.number(options.value), testing.number(options.interval))
    return _figure(options, testing.plain(rounded))


def _convert(options: argparse.Namespace) -> int:
    value = testing.convert(testing.number(options.value), options.unit, options.other)
    return _figure(options, testing.plain(value))


def _figure(options: argparse.Namespace, value: str) -> int:
    if options.json:
        emit_json({"value": value})
    else:
        emit(value)
    return YES
