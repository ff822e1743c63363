"""`zhunsheng sampling`: plans for supervision checks and for acceptance, what a plan does, which units are taken."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from zhunsheng.commands import NO, YES, Subparsers, add_json, add_lang, day, emit, emit_json
from zhunsheng.engine import sampling
from zhunsheng.engine.errors import SamplingError
from zhunsheng.engine.sampling import (
    AcceptancePlan,
    Binomial,
    Evidence,
    Hypergeometric,
    Kind,
    Law,
    Lot,
    Plan,
    Poisson,
    Purpose,
    Severity,
    State,
    SupervisionPlan,
)
from zhunsheng.engine.words import Reason, say

#: the chances of the published OC tables
_CHANCES = (0.99, 0.95, 0.90, 0.75, 0.50, 0.25, 0.10, 0.05, 0.01)
_SHARES = (0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 4, 6.5, 10, 15, 20, 30)


def add(subparsers: Subparsers) -> None:
    """Add `sampling` with its five questions."""
    parser = subparsers.add_parser("sampling", help="产品抽样方案和样品抽取 · product sampling")
    actions = parser.add_subparsers(metavar="<做什么 · what>", required=True)

    plan = actions.add_parser("plan", help="抽样方案和两种风险 · the plan and its risks")
    _purpose(plan)
    plan.add_argument("--dql", metavar="PERCENT", help="监督抽查：声称质量水平 · declared quality level, percent")
    plan.add_argument("--limit", type=_number, metavar="L", help="监督抽查：不合格品限定数 · limiting number")
    plan.add_argument("--population", type=_number, metavar="N", help="监督抽查：总体单位数 · units in all")
    plan.add_argument("--n", type=_number, help="监督抽查：指定的样本量 · the sample size as ordered")
    _scheme(plan)
    plan.add_argument("--severity", choices=list(Severity), help="验收：严格度 · severity")
    plan.add_argument("--kind", choices=list(Kind), help="验收：抽取次数 · number of samples")
    _ends(plan, _plan)

    curve = actions.add_parser("oc", help="任一方案的接收概率 · what a plan accepts")
    curve.add_argument("--n", type=_number, required=True, help="样本量 · sample size")
    curve.add_argument("--accept", type=_number, required=True, metavar="AC", help="接收数 · acceptance number")
    curve.add_argument("--lot", type=_number, help="批量：按超几何分布 · lot size, for the hypergeometric law")
    curve.add_argument("--poisson", action="store_true", help="按每百单位不合格数 · nonconformities per hundred")
    _ends(curve, _oc)

    find = actions.add_parser("find", help="达到两点的最小一次方案 · the smallest plan through two points")
    for name in ("good", "poor"):
        find.add_argument(f"--{name}", nargs=2, type=_share, required=True, metavar=("P", "PA"))
    find.add_argument("--poisson", action="store_true", help="按每百单位不合格数 · nonconformities per hundred")
    _ends(find, _find)

    shelf = actions.add_parser("shelf", help="从库存中抽取样品和备样 · which units of a stock")
    shelf.add_argument("--sheet", required=True, help="抽样单编号 · number of the sampling sheet")
    stock = shelf.add_mutually_exclusive_group(required=True)
    stock.add_argument("--stock", type=_number, help="库存数，编号 1…N · units, numbered 1…N")
    stock.add_argument("--unit", action="append", metavar="NO", help="箱号，可重复 · a number on a box, repeatable")
    shelf.add_argument("--n", type=_number, required=True, help="样品数 · units to take")
    shelf.add_argument("--reserve", type=_number, default=0, help="备样数 · units in reserve")
    shelf.add_argument("--source", required=True, help="随机数来源 · the public randomness, e.g. drand:…:12345")
    shelf.add_argument("--at", type=_instant, required=True, help="库存登记的时刻 · when the stock was frozen")
    shelf.add_argument("--value", help="随机数 · its value")
    shelf.add_argument("--value-at", type=_instant, help="随机数公布的时刻 · when it became known")
    _ends(shelf, _shelf)

    switch = actions.add_parser("switch", help="逐批检验的转移 · switching over a series of lots")
    _scheme(switch, required=True)
    switch.add_argument("found", nargs="+", type=_number, help="每批查到的不合格数 · nonconforming units of each lot")
    _ends(switch, _switch)


def _purpose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--purpose",
        choices=list(Purpose),
        default=Purpose.SUPERVISION,
        help="supervision 监督抽查（默认） · acceptance 验收",
    )


def _scheme(parser: argparse.ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument("--lot", type=_number, required=required, help="验收：批量 · lot size")
    parser.add_argument("--aql", required=required, help="验收：接收质量限 · acceptance quality limit")
    parser.add_argument("--level", help="验收：检验水平，默认 II · inspection level, II unless given")


def _ends(parser: argparse.ArgumentParser, run: object) -> None:
    parser.add_argument("--on", type=day, help="按这一天有效的版本 · the edition in force on that day")
    add_lang(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def _day(options: argparse.Namespace) -> date:
    return options.on or date.today()  # noqa: DTZ011 - the reader's own day


# ---- plan ----------------------------------------------------------------------------------------------------------

_ONLY = {
    Purpose.SUPERVISION: ("dql", "limit", "population", "n"),
    Purpose.ACCEPTANCE: ("lot", "aql", "level", "severity", "kind"),
}


def _plan(options: argparse.Namespace) -> int:
    purpose = Purpose(options.purpose)
    if purpose is Purpose.SUPERVISION and options.aql is not None:
        raise SamplingError("sampling.acceptance.not_for_supervision")
    if purpose is Purpose.ACCEPTANCE and options.dql is not None:
        raise SamplingError("sampling.supervision.not_for_acceptance")
    for name in _ONLY[Purpose.ACCEPTANCE if purpose is Purpose.SUPERVISION else Purpose.SUPERVISION]:
        if getattr(options, name) is not None:
            raise SamplingError("sampling.cli.other", option=f"--{name}")
    if purpose is Purpose.SUPERVISION:
        _need(options, "dql")
        found = sampling.supervision_plan(
            options.dql,
            purpose=purpose,
            on=_day(options),
            limit=options.limit or 0,
            population=options.population,
            n=options.n,
        )
        return _say_supervision(found, options)
    _need(options, "lot", "aql")
    return _say_acceptance(_accept(options, Severity(options.severity or Severity.NORMAL)), options)


def _need(options: argparse.Namespace, *names: str) -> None:
    for name in names:
        if getattr(options, name) is None:
            raise SamplingError("sampling.cli.need", option=f"--{name}")


def _accept(options: argparse.Namespace, severity: Severity) -> AcceptancePlan:
    return sampling.acceptance_plan(
        options.lot,
        options.aql,
        purpose=Purpose.ACCEPTANCE,
        on=_day(options),
        level=options.level or "II",
        severity=severity,
        kind=Kind(getattr(options, "kind", None) or Kind.SINGLE),
    )


def _say_supervision(found: SupervisionPlan, options: argparse.Namespace) -> int:
    if options.json:
        emit_json({
            "purpose": found.purpose, "edition": found.edition, "follows": found.follows, "n": found.n, "limit": found.limit,
            "dql_percent": str(found.dql), "population": found.population, "allowed": found.allowed, "given": found.given,
            "alpha": found.alpha, "beta": found.beta, "limiting": found.limiting, "limiting_units": found.limiting_units,
            "limiting_quality_ratio": found.ratio, **_proof(found.evidence, found.reasons, found.confidence, options.lang),
        })  # fmt: skip
        return YES
    lang = options.lang
    _say_plan(found.plan, found.edition, "sampling.cli.contradict", lang)
    emit(say("sampling.cli.alpha", lang, alpha=f"{100 * found.alpha:.2f}"))
    limiting = f"{100 * found.limiting:.2f}"
    emit(say("sampling.cli.beta", lang, limiting=limiting, beta=f"{100 * found.beta:g}"))
    if found.ratio is not None:
        emit(say("sampling.cli.ratio", lang, ratio=f"{found.ratio:.1f}"))
    _say_proof(found.evidence, found.reasons, found.follows, lang)
    return YES


def _say_acceptance(found: AcceptancePlan, options: argparse.Namespace) -> int:
    if options.json:
        emit_json({
            "purpose": found.purpose, "edition": found.edition, "follows": found.follows, "lot": found.lot, "aql": found.aql,
            "level": found.level, "severity": found.severity, "kind": found.kind, "asked_letter": found.asked_letter,
            "letter": found.letter, "whole_lot": found.whole_lot,
            "stages": [{"n": stage.n, "accept": stage.accept, "reject": stage.reject} for stage in found.plan.stages],
            **_proof(found.evidence, found.reasons, found.confidence, options.lang),
        })  # fmt: skip
        return YES
    _say_plan(found.plan, found.edition, "sampling.cli.refuse", options.lang)
    _say_points(found.plan, Poisson if found.per_hundred else Binomial, options.lang)
    _say_proof(found.evidence, found.reasons, found.follows, options.lang)
    return YES


def _say_plan(plan: Plan, edition: str, verdict: str, lang: str) -> None:
    if len(plan.stages) == 1:
        (stage,) = plan.stages
        said = {"verdict": say(verdict, "zh"), "verdict_en": say(verdict, "en")}
        emit(say("sampling.cli.plan", lang, edition=edition, n=stage.n, accept=stage.accept or 0, **said))
        return
    emit(edition)
    for number, stage in enumerate(plan.stages, 1):
        accept = "#" if stage.accept is None else str(stage.accept)
        emit(say("sampling.cli.stage", lang, number=number, n=stage.n, accept=accept, reject=stage.reject))


def _say_points(plan: Plan, law: type[Binomial] | type[Poisson], lang: str) -> None:
    for chance in _CHANCES:
        share = f"{100 * sampling.quality_at(plan, chance, law):.3g}"
        emit(say("sampling.cli.at", lang, chance=f"{100 * chance:g}", share=share))


def _say_proof(evidence: Sequence[Evidence], reasons: Sequence[Reason], follows: str, lang: str) -> None:
    for reason in reasons:
        emit(reason.text(lang))
    if follows:
        emit(say("sampling.cli.follows", lang, follows=follows))
    for one in evidence:
        mark = say(f"sampling.confidence.{one.confidence}", lang)
        emit(say("sampling.cli.evidence", lang, table=one.table, confidence=mark, source=one.source))


def _proof(evidence: Sequence[Evidence], reasons: Sequence[Reason], confidence: str, lang: str) -> dict[str, object]:
    return {
        "confidence": confidence,
        "reasons": [reason.text(lang) for reason in reasons],
        "evidence": [{"table": e.table, "confidence": e.confidence, "source": e.source} for e in evidence],
    }


# ---- curves --------------------------------------------------------------------------------------------------------


def _oc(options: argparse.Namespace) -> int:
    plan = sampling.single(options.n, options.accept)

    def law(share: float) -> Law:
        if options.lot is not None:
            return Hypergeometric(options.lot, round(share * options.lot))
        return Poisson(share) if options.poisson else Binomial(share)

    rows = []
    for percent in _SHARES:
        at = law(percent / 100)
        rows.append((percent, sampling.acceptance(plan, at), sampling.average_sample(plan, at)))
    if options.json:
        emit_json([{"percent": p, "acceptance": chance, "average": average} for p, chance, average in rows])
        return YES
    for percent, chance, average in rows:
        said = {"share": f"{percent:g}", "chance": f"{100 * chance:.2f}", "average": f"{average:.1f}"}
        emit(say("sampling.cli.point", options.lang, **said))
    if options.lot is None:
        _say_points(plan, Poisson if options.poisson else Binomial, options.lang)
    return YES


def _find(options: argparse.Namespace) -> int:
    law = Poisson if options.poisson else Binomial
    (p1, pa1), (p2, pa2) = options.good, options.poor
    plan = sampling.find_plan((p1, pa1), (p2, pa2), law)
    good, poor = (sampling.acceptance(plan, law(p)) for p in (p1, p2))
    (stage,) = plan.stages
    if options.json:
        emit_json({"n": stage.n, "accept": stage.accept, "at_good": good, "at_poor": poor})
        return YES
    said = {"good": f"{100 * good:.2f}", "poor": f"{100 * poor:.2f}"}
    emit(say("sampling.cli.found", options.lang, n=stage.n, accept=stage.accept or 0, **said))
    return YES


# ---- units and lots ------------------------------------------------------------------------------------------------


def _shelf(options: argparse.Namespace) -> int:
    stock = sampling.freeze_stock(
        options.sheet,
        options.stock if options.stock is not None else options.unit,
        options.n,
        reserve=options.reserve,
        source=options.source,
        frozen_at=options.at,
    )
    lang = options.lang
    if options.value is None:
        if options.json:
            emit_json({"line": stock.line})
            return YES
        emit(say("sampling.cli.line", lang, line=stock.line))
        emit(say("sampling.cli.wait", lang, source=stock.source))
        return YES
    if options.value_at is None:
        raise SamplingError("sampling.cli.need", option="--value-at")
    seed = sampling.shelf_seed(stock, options.value, options.value_at)
    picked = sampling.pick(stock, seed)
    if options.json:
        emit_json({
            "line": stock.line, "value": options.value, "seed": seed,
            "units": [{"rank": p.rank, "unit": p.unit, "reserve": p.reserve, "ticket": p.ticket} for p in picked],
        })  # fmt: skip
        return YES
    emit(say("sampling.cli.line", lang, line=stock.line))
    emit(say("sampling.cli.seed", lang, seed=seed))
    for one in picked:
        code = "sampling.cli.reserve" if one.reserve else "sampling.cli.sample"
        said = {"kind": say(code, "zh"), "kind_en": say(code, "en")}
        emit(say("sampling.cli.pick", lang, rank=one.rank, unit=one.unit, ticket=one.ticket, **said))
    return YES


def _switch(options: argparse.Namespace) -> int:
    """Single plans, production steady and reduced inspection agreed: what the standard makes of the series."""
    state, rules, lang = State(), sampling.switching_rules(_day(options)), options.lang
    rows: list[dict[str, object]] = []
    for number, found in enumerate(options.found, 1):
        plan = _accept(options, state.severity)
        (stage,) = plan.plan.stages
        accept = stage.accept or 0
        state = sampling.next_state(state, Lot(found <= accept, found), plan, rules)
        rows.append({
            "lot": number, "severity": plan.severity, "n": stage.n, "accept": accept, "found": found,
            "accepted": found <= accept, "next": state.severity, "score": state.score, "discontinued": state.discontinued,
        })  # fmt: skip
        if not options.json:
            verdict = "sampling.cli.accepted" if found <= accept else "sampling.cli.not_accepted"
            emit(say("sampling.cli.lot", lang, number=number, n=stage.n, accept=accept, found=found,
                     **_both("severity", f"sampling.severity.{plan.severity}"), **_both("verdict", verdict)))  # fmt: skip
            if state.reason is not None:
                emit(state.reason.text(lang))
    if options.json:
        emit_json(rows)
    elif not state.discontinued:
        emit(say("sampling.cli.next", lang, score=state.score,
                 **_both("severity", f"sampling.severity.{state.severity}")))  # fmt: skip
    return NO if state.discontinued else YES


def _both(name: str, code: str) -> dict[str, str]:
    return {name: say(code, "zh"), f"{name}_en": say(code, "en")}


# ---- argparse types ------------------------------------------------------------------------------------------------


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise argparse.ArgumentTypeError(f"要一个不小于 0 的整数 · a whole number from 0: {text!r}")
    return int(text)


def _share(text: str) -> float:
    try:
        value = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ArithmeticError:
        raise argparse.ArgumentTypeError(f"要 0 到 1 的小数或百分数 · a share such as 0.05 or 5%: {text!r}") from None
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"要 0 到 1 的小数或百分数 · a share such as 0.05 or 5%: {text!r}")
    return float(value)


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"时刻应写作 2026-04-20T01:30:00Z 或带时区 · write moments with a time zone: {text!r}"
        )
    return moment
