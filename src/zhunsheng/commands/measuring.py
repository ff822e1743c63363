"""`zhunsheng measuring`: scores of a proficiency test, an uncertainty budget, a control chart; each from a file."""

from __future__ import annotations

import argparse
import csv
import io
import math
import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from zhunsheng.commands import NO, YES, Subparsers, add_json, add_lang, day, emit, emit_json
from zhunsheng.engine import measuring
from zhunsheng.engine.errors import MeasuringError
from zhunsheng.engine.measuring import (
    Assigned,
    AssignedBy,
    Chart,
    Component,
    Correlation,
    Distribution,
    Performance,
    Rule,
    Score,
    ScoreKind,
    Spread,
)
from zhunsheng.engine.words import Reason, say

MAX_BYTES = 8 * 1024 * 1024
MAX_ROWS = 10_000
_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?", re.ASCII)
_COMPONENT = {"name", "spread", "readings", "distribution", "sensitivity", "df", "divisor"}
_BUDGET = {"value", "unit", "coverage", "k", "component", "correlation", "tolerance"}
_KINDS = ("individual", "range", "deviation", "ewma")


def add(subparsers: Subparsers) -> None:
    """Add `measuring` with its three questions."""
    parser = subparsers.add_parser("measuring", help="能力验证、不确定度、控制图 · laboratories and metrology")
    actions = parser.add_subparsers(metavar="<做什么 · what>", required=True)

    test = actions.add_parser("proficiency", help="能力验证的评分 · scores of a proficiency test")
    test.add_argument("file", type=Path, help="CSV：lab,x，可另有 u（标准不确定度）、U（扩展不确定度）")
    test.add_argument("--assigned", type=_number, help="指定值；不写则取公议值 · assigned value, else the consensus")
    test.add_argument("--u", type=_number, help="指定值的标准不确定度 · its standard uncertainty")
    test.add_argument("--by", choices=list(AssignedBy), help="指定值的来源 · where it comes from")
    sigma = test.add_mutually_exclusive_group()
    sigma.add_argument("--sigma", type=_number, help="规定的能力评定标准差 · prescribed σ_pt")
    sigma.add_argument(
        "--horwitz", type=_number, metavar="FRACTION", help="按 Horwitz：单位的质量分数，mg/kg 为 1e-6 · mass fraction"
    )
    test.add_argument("--k", type=_number, default=2.0, help="U 的包含因子，默认 2 · coverage factor of U")
    _ends(test, _proficiency)

    budget = actions.add_parser("budget", help="不确定度评定 · an uncertainty budget")
    budget.add_argument("file", type=Path, help="TOML：[[component]] 等 · see docs/rules/measuring.md")
    _ends(budget, _budget)

    chart = actions.add_parser("chart", help="控制图 · a control chart")
    chart.add_argument("file", type=Path, help="CSV：每行一个子组，label 列之外都是读数 · one subgroup a row")
    chart.add_argument("--kind", choices=_KINDS, help="默认按读数列数 · by the number of columns unless given")
    chart.add_argument("--rules", default="nelson", help="shewhart, western_electric, nelson")
    chart.add_argument("--target", type=_number, help="EWMA：中心 · the centre")
    chart.add_argument("--sigma", type=_number, help="EWMA：标准差 · the standard deviation")
    chart.add_argument("--weight", type=_number, default=0.2, help="EWMA：λ，默认 0.2")
    _ends(chart, _chart)


def _ends(parser: argparse.ArgumentParser, run: object) -> None:
    parser.add_argument("--on", type=day, help="按这一天有效的表 · the tables in force on that day")
    add_lang(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def _day(options: argparse.Namespace) -> date:
    found: date = options.on or date.today()  # noqa: DTZ011 - the reader's own day
    return found


# ---- proficiency ---------------------------------------------------------------------------------------------------


def _proficiency(options: argparse.Namespace) -> int:
    header, rows = _rows(options.file)
    for column in ("lab", "x"):
        if column not in header:
            raise MeasuringError("measuring.file.no_column", where=options.file.name, column=column)
    labs = [(row["lab"], {c: _cell(row[c], f"{options.file.name}:{n}", c) for c in ("x", "u", "U") if row.get(c)})
            for n, row in rows]  # fmt: skip
    for (number, _), (lab, values) in zip(rows, labs, strict=True):
        if not lab or "x" not in values:
            raise MeasuringError("measuring.file.empty_cell", where=f"{options.file.name}:{number}")
    for lab, times in Counter(lab for lab, _ in labs).items():
        if times > 1:
            raise MeasuringError("measuring.file.twice", where=options.file.name, name=lab[:80])
    assigned, spread, said = _assigned(options, [values["x"] for _, values in labs])
    check = measuring.negligible(assigned, spread)
    limits = measuring.score_limits(_day(options))
    scored: list[tuple[str, list[Score]]] = []
    for lab, values in labs:
        x = values["x"]
        first = (
            measuring.z_score(x, assigned, spread, limits[ScoreKind.Z])
            if check.passed
            else measuring.z_prime_score(x, assigned, spread, limits[ScoreKind.Z_PRIME])
        )
        scores = [first]
        if "u" in values:
            scores.append(measuring.zeta_score(x, values["u"], assigned, limits[ScoreKind.ZETA]))
        if "U" in values:
            U = options.k * assigned.uncertainty
            scores.append(measuring.en_score(x, values["U"], assigned, U, limits[ScoreKind.EN]))
        scored.append((lab, scores))
    reasons = (*said, spread.reason, check.reason)
    good = all(score.performance is Performance.SATISFACTORY for _, scores in scored for score in scores)
    if options.json:
        emit_json({
            "assigned": {"value": assigned.value, "u": assigned.uncertainty, "by": assigned.by}, "sigma_pt": spread.value,
            "reasons": [reason.text(options.lang) for reason in reasons],
            "labs": [{"lab": lab, "scores": [{"kind": s.kind, "value": s.value, "performance": s.performance,
                      "reason": s.reason.text(options.lang)} for s in scores]} for lab, scores in scored],
        })  # fmt: skip
        return YES if good else NO
    emit(say("measuring.cli.assigned", options.lang, value=f"{assigned.value:.6g}", u=f"{assigned.uncertainty:.4g}",
             by=say(f"measuring.proficiency.by_{assigned.by}", "zh"),
             by_en=say(f"measuring.proficiency.by_{assigned.by}", "en")))  # fmt: skip
    _say(reasons, options.lang)
    for lab, scores in scored:
        for score in scores:
            emit(f"{lab}  {score.reason.text(options.lang)}")
    return YES if good else NO


def _assigned(options: argparse.Namespace, results: list[float]) -> tuple[Assigned, Spread, tuple[Reason, ...]]:
    if options.assigned is None:
        if options.u is not None:
            raise MeasuringError("measuring.cli.need", option="--assigned")
        assigned, robust = measuring.consensus(results, AssignedBy(options.by or AssignedBy.PARTICIPANTS))
    else:
        if options.u is None:
            raise MeasuringError("measuring.cli.need", option="--u")
        assigned = Assigned(options.assigned, options.u, AssignedBy(options.by or AssignedBy.REFERENCE))
        robust = None
    if options.sigma is not None:
        spread = measuring.prescribed(options.sigma)
    elif options.horwitz is not None:
        spread = measuring.horwitz(assigned.value, options.horwitz)
    else:
        spread = measuring.from_data(robust or measuring.algorithm_a(results))
    return assigned, spread, assigned.reasons


# ---- budget --------------------------------------------------------------------------------------------------------


def _budget(options: argparse.Namespace) -> int:
    name = options.file.name
    try:
        tree = tomllib.loads(_text(options.file))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MeasuringError("measuring.file.not_toml", where=name, detail=str(error)[:200]) from None
    _known(tree, _BUDGET, name)
    components = tuple(_component(entry, f"{name}:component {n}") for n, entry in _entries(tree, "component", name))
    correlations = []
    for n, entry in _entries(tree, "correlation", name):
        where = f"{name}:correlation {n}"
        _known(entry, {"first", "second", "r"}, where)
        correlations.append(
            Correlation(_word(entry, "first", where), _word(entry, "second", where), _float(entry, "r", where))
        )
    coverage = _float(tree, "coverage", name) if "coverage" in tree else 0.9545
    k = _float(tree, "k", name) if "k" in tree else None
    found = measuring.budget(components, correlations, coverage=coverage, k=k)
    value = _float(tree, "value", name) if "value" in tree else None
    unit = _word(tree, "unit", name) if "unit" in tree else ""
    decision = None
    if "tolerance" in tree:
        where, tolerance = f"{name}:tolerance", tree["tolerance"]
        if not isinstance(tolerance, dict):
            raise MeasuringError("measuring.file.bad_value", where=name, field="tolerance")
        _known(tolerance, {"lower", "upper", "rule", "factor"}, where)
        if value is None:
            raise MeasuringError("measuring.file.missing", where=name, field="value")
        decision = measuring.decide(
            value, found.expanded, found.k,
            rule=Rule(_choice(tolerance, "rule", where, list(Rule), Rule.SIMPLE)),
            lower=_float(tolerance, "lower", where) if "lower" in tolerance else None,
            upper=_float(tolerance, "upper", where) if "upper" in tolerance else None,
            factor=_float(tolerance, "factor", where) if "factor" in tolerance else 1.0,
        )  # fmt: skip
    reported = measuring.report(value, found.expanded).text(unit) if value is not None and found.expanded > 0 else ""
    reasons = (*found.reasons, *(decision.reasons if decision else ()))
    code = NO if decision is not None and decision.verdict.endswith("fail") else YES
    if options.json:
        emit_json({
            "components": [{"name": s.component.name, "u": s.standard, "contribution": s.contribution, "share": s.share}
                           for s in found.shares],
            "combined": found.combined, "df": None if math.isinf(found.df) else found.df, "k": found.k,
            "expanded": found.expanded, "reported": reported, "verdict": decision.verdict if decision else None,
            "conformity": decision.conformity if decision else None,
            "reasons": [reason.text(options.lang) for reason in reasons],
        })  # fmt: skip
        return code
    for share in found.shares:
        emit(say("measuring.cli.share", options.lang, name=share.component.name, u=f"{share.standard:.4g}",
                 contribution=f"{share.contribution:.4g}", share=f"{100 * share.share:.1f}"))  # fmt: skip
    emit(say("measuring.cli.combined", options.lang, u=f"{found.combined:.4g}", expanded=f"{found.expanded:.4g}"))
    if reported:
        emit(say("measuring.cli.reported", options.lang, text=reported))
    _say(reasons, options.lang)
    return code


def _component(entry: Mapping[str, object], where: str) -> Component:
    _known(entry, _COMPONENT, where)
    name = _word(entry, "name", where)
    sensitivity = _float(entry, "sensitivity", where) if "sensitivity" in entry else 1.0
    readings = entry.get("readings")
    if readings is not None:
        extra = sorted(entry.keys() & {"spread", "distribution", "df", "divisor"})
        if extra or not isinstance(readings, list):
            raise MeasuringError("measuring.file.bad_value", where=where, field=extra[0] if extra else "readings")
        values = [_float({"readings": value}, "readings", where) for value in readings]
        return measuring.type_a(name, values, sensitivity)
    return Component(
        name,
        _float(entry, "spread", where),
        Distribution(_choice(entry, "distribution", where, list(Distribution), Distribution.NORMAL)),
        sensitivity,
        _float(entry, "df", where) if "df" in entry else math.inf,
        _float(entry, "divisor", where) if "divisor" in entry else None,
    )


# ---- chart ---------------------------------------------------------------------------------------------------------


def _chart(options: argparse.Namespace) -> int:
    name, on = options.file.name, _day(options)
    header, rows = _rows(options.file)
    columns = [column for column in header if column != "label"]
    if not columns:
        raise MeasuringError("measuring.file.no_column", where=name, column="x")
    groups = [[_cell(row[column], f"{name}:{number}", column) for column in columns] for number, row in rows]
    kind = options.kind or ("individual" if len(columns) == 1 else "range")
    if kind in ("individual", "ewma") and len(columns) > 1:
        raise MeasuringError("measuring.cli.one_column", where=name, kind=kind, n=len(columns))
    rules = measuring.chart_rules(on, options.rules)
    charts: tuple[Chart, ...]
    if kind == "ewma":
        for option in ("target", "sigma"):
            if getattr(options, option) is None:
                raise MeasuringError("measuring.cli.need", option=f"--{option}")
        single = [group[0] for group in groups]
        chart = measuring.ewma(single, on, target=options.target, sigma=options.sigma, weight=options.weight)
        charts = (chart,)
    elif kind == "individual":
        charts = measuring.individuals([group[0] for group in groups], on, rules)
    else:
        charts = (measuring.mean_range if kind == "range" else measuring.mean_deviation)(groups, on, rules)
    steady = all(chart.in_control for chart in charts)
    if options.json:
        emit_json([{
            "kind": c.kind, "centre": c.centre, "lower": c.lower, "upper": c.upper, "points": c.points,
            "signals": [{"rule": s.rule, "place": s.place, "reason": s.reason.text(options.lang)} for s in c.signals],
        } for c in charts])  # fmt: skip
        return YES if steady else NO
    for chart in charts:
        said = {"kind": say(f"measuring.cli.chart_{chart.kind}", "zh"),
                "kind_en": say(f"measuring.cli.chart_{chart.kind}", "en")}  # fmt: skip
        emit(say("measuring.cli.chart", options.lang, n=len(chart.points), centre=f"{chart.centre:.6g}",
                 low=f"{chart.lower[-1]:.6g}", high=f"{chart.upper[-1]:.6g}", **said))  # fmt: skip
        for signal in chart.signals:
            emit(signal.reason.text(options.lang))
    emit(say("measuring.cli.steady" if steady else "measuring.cli.unsteady", options.lang))
    return YES if steady else NO


# ---- files ---------------------------------------------------------------------------------------------------------


def _say(reasons: tuple[Reason, ...], lang: str) -> None:
    for reason in reasons:
        emit(reason.text(lang))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise MeasuringError("measuring.file.unreadable", where=path.name, detail=detail) from None
    if len(data) > MAX_BYTES:
        raise MeasuringError("measuring.file.too_large", where=path.name, limit=MAX_BYTES // 1024 // 1024)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MeasuringError("measuring.file.not_utf8", where=path.name, byte=error.start) from None


def _rows(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if not header or not all(header) or len(set(header)) < len(header):
            raise MeasuringError("measuring.file.bad_header", where=path.name)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{path.name}:{reader.line_num}"
            if len(cells) != len(header):
                raise MeasuringError("measuring.file.ragged", where=where, n=len(cells), expected=len(header))
            if len(rows) >= MAX_ROWS:
                raise MeasuringError("measuring.file.too_many_rows", where=path.name, limit=MAX_ROWS)
            rows.append((reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    except csv.Error as error:
        raise MeasuringError(
            "measuring.file.not_csv", where=f"{path.name}:{reader.line_num}", detail=str(error)
        ) from None
    if not rows:
        raise MeasuringError("measuring.file.no_rows", where=path.name)
    return header, rows


def _cell(text: str, where: str, column: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise MeasuringError("measuring.file.not_number", where=where, field=column, value=text[:40])
    return float(text)


def _entries(tree: Mapping[str, object], field: str, where: str) -> list[tuple[int, dict[str, object]]]:
    found = tree.get(field, [])
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise MeasuringError("measuring.file.bad_value", where=where, field=field)
    return list(enumerate(found, 1))


def _known(entry: Mapping[str, object], names: set[str], where: str) -> None:
    for field in entry:
        if field not in names:
            raise MeasuringError(
                "measuring.file.unknown", where=where, field=field[:80], known=", ".join(sorted(names))
            )


def _float(entry: Mapping[str, object], field: str, where: str) -> float:
    value = entry.get(field)
    if value is None:
        raise MeasuringError("measuring.file.missing", where=where, field=field)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -1e300 < value < 1e300:
        raise MeasuringError("measuring.file.not_number", where=where, field=field, value=str(type(value).__name__))
    return float(value)


def _word(entry: Mapping[str, object], field: str, where: str) -> str:
    value = entry.get(field)
    if not isinstance(value, str) or not value.strip() or len(value) > 200 or not value.isprintable():
        raise MeasuringError("measuring.file.bad_value", where=where, field=field)
    return value


def _choice(entry: Mapping[str, object], field: str, where: str, known: list[str], default: str) -> str:
    value = entry.get(field, default)
    if not isinstance(value, str) or value not in known:
        raise MeasuringError(
            "measuring.file.bad_choice", where=where, field=field, value=str(value)[:40], known=", ".join(known)
        )
    return value


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text) or math.isinf(float(text)):
        raise argparse.ArgumentTypeError(f"要一个数 · a number: {text!r}")
    return float(text)
