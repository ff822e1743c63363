"""Rules of law that a guard cannot say, because they are computed from dated tables. A step names them (`rules`).

Each rule tells which facts it needs and gives its objections with the figures that stand against the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from zhunsheng.engine import accidents, enforcement, tables, warranty
from zhunsheng.engine.accidents import Figures
from zhunsheng.engine.errors import TableError
from zhunsheng.engine.procedure.due import Due, day_of
from zhunsheng.engine.procedure.model import Fact, Value
from zhunsheng.engine.words import Param, Reason


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule is judged on: the facts with those of the step, the limits before it, the instants of the step and of
    the matter's first step, whose rule the matter is run by, and the declared facts (for names)."""

    facts: Mapping[str, Value]
    dues: tuple[Due, ...]
    at: datetime
    began: datetime
    organ: str = ""
    declared: Mapping[str, Fact] = field(default_factory=dict, hash=False)

    def number(self, code: str, default: int = 0) -> int:
        """A whole number, money or flag; `default` where it is not known."""
        value = self.facts.get(code, default)
        assert isinstance(value, int)
        return value

    def text(self, code: str) -> str:
        """A text or choice; "" where it is not known."""
        value = self.facts.get(code, "")
        assert isinstance(value, str)
        return value

    def day(self, code: str) -> date:
        """A day that is known."""
        value = self.facts[code]
        assert isinstance(value, date)
        return day_of(value)

    def named(self, key: str, code: str, choice: str) -> dict[str, Param]:
        """The names of a choice, as parameters of a reason."""
        found = self.declared[code].choice(choice)
        return {key: found.name if found else choice, f"{key}_en": found.name_en if found else choice}


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: the facts that must be known, and what it objects."""

    needs: tuple[str, ...]
    judge: Callable[[Case], Iterator[Reason]]


def objections(names: tuple[str, ...], case: Case) -> Iterator[Reason]:
    """What the rules of a step object. A fact that is not known, or a day without a row, is an objection too."""
    for name in names:
        rule = RULES[name]
        unknown = [code for code in rule.needs if code not in case.facts]
        for code in unknown:
            fact = case.declared[code]
            yield Reason("procedure.rule_needs", {"name": fact.name, "name_en": fact.name_en})
        if not unknown:
            try:
                yield from list(rule.judge(case))
            except TableError as error:
                yield error.reason


def _why(reasons: tuple[Reason, ...]) -> dict[str, Param]:
    return {"why": "；".join(r.text("zh") for r in reasons), "why_en": "; ".join(r.text("en") for r in reasons)}


def _graded(case: Case) -> accidents.Grade:
    figures = Figures(
        case.number("deaths"),
        case.number("injuries"),
        case.number("loss"),
        case.number("moved"),
        case.number("stranded"),
        case.number("stranded_hours"),
    )
    return accidents.grade(case.text("kind"), figures, day_of(case.began))


def _accident_grade(case: Case) -> Iterator[Reason]:
    found = _graded(case)
    if not found.code:
        yield found.reasons[0]
    elif found.code != case.text("grade"):
        yield Reason(
            "procedure.rule.accident_grade", {**case.named("grade", "grade", found.code), **_why(found.reasons)}
        )


def _no_accident(case: Case) -> Iterator[Reason]:
    found = _graded(case)
    if found.code:
        yield Reason("procedure.rule.no_accident", _why(found.reasons))


def _investigator(case: Case) -> Iterator[Reason]:
    row = accidents.investigator(case.text("kind"), case.text("grade"), day_of(case.began))
    if accidents.rank(case.text("led_by")) < row.integer("rank"):
        said: dict[str, Param] = {"level": row["name"], "level_en": row["name_en"], "source": row.source}
        yield Reason("procedure.rule.investigator", {**case.named("grade", "grade", case.text("grade")), **said})


_FIGURES = {"sales": "sales", "stock": "stock_value", "turnover": "turnover", "gain": "illegal_gain", "loss": "harm", "act": "offence_act"}  # fmt: skip


def _transfer(case: Case) -> enforcement.Transfer:
    known = {code: case.number(fact) for code, fact in _FIGURES.items() if fact in case.facts}
    flagged = {**known, "act": bool(known["act"])} if "act" in known else known
    return enforcement.must_transfer(case.text("cause"), flagged, day_of(case.at))


def _transfer_due(case: Case) -> Iterator[Reason]:
    """Once the police have sent the case back, an administrative penalty is what is left."""
    found = _transfer(case)
    if found.due and case.text("clue_source") != "returned":
        yield Reason("procedure.rule.transfer_due", _why(found.reasons))


def _transfer_settled(case: Case) -> Iterator[Reason]:
    found = _transfer(case)
    if case.text("clue_source") != "returned":
        yield from _transfer_due(case)
        if found.missing:
            yield Reason("procedure.rule.transfer_unknown", _why(found.reasons))


def _hearing_told(case: Case) -> Iterator[Reason]:
    floor = enforcement.hearing_threshold(case.text("party_kind"), day_of(case.began), case.organ)
    taken = case.number("confiscated") + case.number("confiscated_goods")
    grave = case.text("other_penalty") in ("suspension", "licence", "restriction")
    if (grave or case.number("fine") >= floor or taken >= floor) and not case.facts["hearing_right"]:
        yield Reason("procedure.rule.hearing_told", {"floor": floor // 100})


def _limitation(case: Case) -> Iterator[Reason]:
    ended, found = case.day("act_ended_on"), case.day("found_on")
    last = enforcement.limitation_ends(ended, bool(case.number("life_safety")), day_of(case.began))
    if found > day_of(case.at):
        yield Reason("procedure.rule.found_before_end", {"found": found.isoformat()})
    if found > last:
        days: dict[str, Param] = {"ended": ended.isoformat(), "last": last.isoformat(), "found": found.isoformat()}
        yield Reason("procedure.rule.limitation", days)


def _paid_in_full(case: Case) -> Iterator[Reason]:
    fine, fee, paid = case.number("fine"), case.number("late_fee"), case.number("paid")
    limit = next((d for d in reversed(case.dues) if d.limit.code == "pay" and d.deadline is not None), None)
    if limit is not None and limit.deadline is not None:
        due = limit.deadline.due
        most = enforcement.late_fee(fine, due, case.day("paid_on"))
        if fee > most:
            yield Reason("procedure.rule.late_fee", {"most": _yuan(most), "due": due.isoformat()})
    owed = fine + case.number("confiscated") + fee
    if paid < owed:
        yield Reason("procedure.rule.not_paid_in_full", {"owed": _yuan(owed), "paid": _yuan(paid)})


def _warranty(case: Case) -> Iterator[Reason]:
    basis = case.text("basis")
    if basis == "damage":
        return
    bought = case.day("bought_on")
    term = warranty.term(case.text("product_class"), basis, bought)
    if term is None:
        yield Reason("procedure.rule.no_such_right")
    elif case.day("trouble_on") > term.last:
        said: dict[str, Param] = {
            "bought": bought.isoformat(),
            "last": term.last.isoformat(),
            "source": term.row.source,
        }
        yield Reason("procedure.rule.warranty_over", said)


def _defect_sector(case: Case) -> Iterator[Reason]:
    row = tables.load("works/common_defects").find(day_of(case.began), code=case.text("defect_kind"))
    if case.text("sector") not in row.list("sectors"):
        yield Reason("procedure.rule.defect_sector", {"defect": row["name"], "defect_en": row["name_en"]})


def _rate_before(case: Case) -> Iterator[Reason]:
    yield from _rate(case, "before_found", "before_checked")


def _rate_after(case: Case) -> Iterator[Reason]:
    yield from _rate(case, "after_found", "after_checked")


def _rate(case: Case, part: str, whole: str) -> Iterator[Reason]:
    if case.number(part) > case.number(whole):
        yield Reason("procedure.rule.rate_above_whole", {"part": case.number(part), "whole": case.number(whole)})


def _rate_fell(case: Case) -> Iterator[Reason]:
    """Exact: fractions are compared by cross-multiplying. A baseline without any defect cannot fall; it must stay so."""
    before = case.number("before_found") * case.number("after_checked")
    after = case.number("after_found") * case.number("before_checked")
    if after > before or (after == before and after > 0):
        said = {code: case.number(code) for code in ("before_found", "before_checked", "after_found", "after_checked")}
        yield Reason("procedure.rule.rate_not_fallen", said)


def _warning_window(case: Case) -> Iterator[Reason]:
    limit = next((d for d in case.dues if d.limit.code == "three_years" and d.deadline is not None), None)
    if limit is not None and limit.deadline is not None:
        last = limit.deadline.due
        first = last - timedelta(days=60)
        if not first <= day_of(case.at) <= last:
            yield Reason("procedure.rule.warning_window", {"first": first.isoformat(), "last": last.isoformat()})


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}" if fen % 100 else str(fen // 100)


_FINE = ("fine", "other_penalty")
RULES: Mapping[str, Rule] = {
    "accident_grade": Rule(("kind", "deaths", "injuries", "loss", "moved", "stranded", "stranded_hours", "grade"), _accident_grade),
    "no_accident": Rule(("kind", "deaths", "injuries", "loss"), _no_accident),
    "investigator": Rule(("kind", "grade", "led_by"), _investigator),
    "transfer_due": Rule(("cause",), _transfer_due),
    "transfer_settled": Rule(("cause",), _transfer_settled),
    "hearing_told": Rule((*_FINE, "party_kind", "hearing_right"), _hearing_told),
    "limitation": Rule(("act_ended_on", "found_on"), _limitation),
    "paid_in_full": Rule(("fine", "paid", "paid_on"), _paid_in_full),
    "warranty": Rule(("product_class", "basis", "bought_on", "trouble_on"), _warranty),
    "defect_sector": Rule(("sector", "defect_kind"), _defect_sector),
    "rate_before": Rule(("before_found", "before_checked"), _rate_before),
    "rate_after": Rule(("after_found", "after_checked"), _rate_after),
    "rate_fell": Rule(("before_found", "before_checked", "after_found", "after_checked"), _rate_fell),
    "warning_window": Rule((), _warning_window),
}  # fmt: skip
"""By name, as a step of a procedure's file calls them."""
