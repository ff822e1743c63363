"""Results of tests are judged, not typed.

    parse_result("11.3µg/kg"), parse_limit("≤9.5µg/kg")     what a report and a standard print
    judge(item, result, on), verdict_of(judgements)          pass, fail, or cannot be judged, with the reason
    convert, unit, round_to, number                          units (a dated table) and rounding (GB/T 8170)

Everything is exact. docs/rules/testing.md has the law, the formulas and the limits.
"""

from zhunsheng.engine.testing.figures import MAX_TEXT, amount, clean, number, plain
from zhunsheng.engine.testing.judging import Item, Judgement, Rule, SampleVerdict, Verdict, judge, verdict_of
from zhunsheng.engine.testing.limits import Bound, CountPlan, Kind, Limit, parse_limit
from zhunsheng.engine.testing.results import Reading, Result, Said, parse_result
from zhunsheng.engine.testing.rounding import Comparison, last_place, round_to
from zhunsheng.engine.testing.units import Unit, convert, in_unit, unit

__all__ = [
    "MAX_TEXT",
    "Bound",
    "Comparison",
    "CountPlan",
    "Item",
    "Judgement",
    "Kind",
    "Limit",
    "Reading",
    "Result",
    "Rule",
    "Said",
    "SampleVerdict",
    "Unit",
    "Verdict",
    "amount",
    "clean",
    "convert",
    "in_unit",
    "judge",
    "last_place",
    "number",
    "parse_limit",
    "parse_result",
    "plain",
    "round_to",
    "unit",
    "verdict_of",
]
