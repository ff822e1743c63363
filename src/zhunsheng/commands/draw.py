"""`zhunsheng draw`: a draw without the platform. `zhunsheng verify`: the check of a bundle, step by step."""

from __future__ import annotations

import argparse
import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import cast

from zhunsheng.commands import NO, USAGE, YES, Subparsers, add_json, add_lang, emit, emit_json
from zhunsheng.engine import draw
from zhunsheng.engine.draw import Execution, Frame, Selected, Source, Value, Verdict
from zhunsheng.engine.draw.fields import instant_text
from zhunsheng.engine.draw.frame import read_leaf
from zhunsheng.engine.errors import DrawError, ZhunshengError
from zhunsheng.engine.public_log import Json, canonical, parse_json
from zhunsheng.engine.words import say

_TERM = {"party": "commitment", "dice": "rolls", "ssq": "issue", "dlt": "issue", "drand": "round"}
_HEADERS = {"单位编号": "id", "统一社会信用代码": "id", "层": "stratum", "排除代码": "exclusion"}
_SETTLED = ("no", "n", "ratio", "announced_at", "not_before", "legal_basis", "item", "plan", "rule_book")


def add(subparsers: Subparsers) -> None:
    """Add `verify` and `draw`."""
    verify = subparsers.add_parser("verify", help="检查一次抽查的公开文件 · check the bundle of a draw")
    verify.add_argument("bundle", type=Path, help="公开包(JSON)· the bundle")
    add_json(verify)
    add_lang(verify)
    verify.set_defaults(run=_verify)

    parser = subparsers.add_parser(
        "draw",
        help="不用平台,从 CSV 名单抽查 · draw from a CSV, without the platform",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="""\
两步:先用不带值的 --source 公告,得到公告文件和要发布的哈希;至少 24 小时后,随机数产生了,再从公告文件抽取。
Two steps: announce with sources that have no values yet, which gives a file and a hash to publish; at least 24 hours
later, when the randomness exists, draw from that file.

  zhunsheng draw list.csv --no 2026-1 --n A=3,B=5 --source ceremony:p1 --source ceremony:p2 --source ceremony:dice
  zhunsheng draw 2026-1.json --source ceremony:p1=3f9c --source ceremony:p2=a071 --source ceremony:dice=4-2-6-1-5-3-3-6-2-1 \\
      --at 2026-04-21T01:30:00Z --out 2026-1-drawn.json

--source ID[@TERM][=VALUE]   TERM: drand 轮次 round · lottery 期号 issue · dice 次数 rolls · ceremony 承诺 commitment""",
    )
    parser.add_argument("frame", type=Path, help="名单 CSV,或先前的公告文件 · the CSV, or the file of the announcement")
    parser.add_argument("--no", metavar="编号", help="抽查编号 · number of the draw")
    parser.add_argument("--n", metavar="A=3,B=5", help="各层抽取数 · how many from each stratum")
    parser.add_argument("--ratio", metavar="A=1%,B=2%", help="各层比例,或一个比例 · ratios, or one ratio for all")
    parser.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="ID[@TERM][=VALUE]",
        help="随机数来源,按次序 · sources, in order",
    )
    parser.add_argument("--signature", help="drand 该轮的签名 · signature of the drand round")
    parser.add_argument("--announced-at", type=_instant, metavar="TIME", help="公告时刻(默认现在)· when announced")
    parser.add_argument(
        "--not-before", type=_instant, metavar="TIME", help="随机数最早时刻(默认公告后 24 小时)· randomness not before"
    )
    parser.add_argument("--at", type=_instant, metavar="TIME", help="值产生的时刻 · when the values came to exist")
    parser.add_argument("--legal-basis", default="", help="依据 · legal basis")
    parser.add_argument("--item", action="append", default=[], help="抽查事项 · item to be checked")
    parser.add_argument("--plan", default="", help="计划编号 · number of the plan")
    parser.add_argument("--rule-book", type=Path, help="实施细则文件,写入其哈希 · its SHA-256 is announced")
    parser.add_argument("--out", type=Path, help="写入的文件(默认 编号.json)· file to write")
    add_json(parser)
    add_lang(parser)
    parser.set_defaults(run=_draw)


# ── verify ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _verify(options: argparse.Namespace) -> int:
    verdict = draw.verify(_read(options.bundle))
    if options.json:
        emit_json(_verdict_json(verdict, options.lang))
    else:
        for step in verdict.steps:
            mark = say(_mark(step.ok), options.lang)
            emit(f"{mark}  {say(f'draw.step.{step.name}', options.lang)}  {_seen(step.reason.text(options.lang))}")
        emit("")
        emit(_seen(verdict.reason.text(options.lang)))
    if verdict.outcome == "unreadable":
        return USAGE
    return YES if verdict.ok else NO


def _seen(text: str) -> str:
    """Text out of a stranger's file, made harmless for a terminal: it must not forge a line of this answer."""
    return "".join(char if char.isprintable() or char == "\u3000" else "\ufffd" for char in text)


def _mark(ok: bool | None) -> str:
    return {True: "draw.cli.pass", False: "draw.cli.fail", None: "draw.cli.open"}[ok]


def _verdict_json(verdict: Verdict, lang: str) -> dict[str, object]:
    return {
        "ok": verdict.ok,
        "outcome": verdict.outcome,
        "draw": verdict.draw,
        "text": verdict.reason.text(lang),
        "steps": [
            {"name": step.name, "ok": step.ok, "code": step.reason.code, "text": step.reason.text(lang)}
            for step in verdict.steps
        ],
    }


# ── draw ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Given:
    """One --source: the source as it would be announced, and its value if one was given."""

    source: Source
    value: str


def _draw(options: argparse.Namespace) -> int:
    given = [_given(text) for text in options.source]
    if not given:
        raise DrawError("draw.cli.no_source")
    known = [bool(one.value) for one in given]
    if any(known) and not all(known):
        raise DrawError("draw.cli.some_values")
    data = _read(options.frame)
    if data.lstrip()[:1] == b"{":
        announced, frame = _announced(data, options)
        return _execute(announced, frame, given, options)
    frame = draw.freeze(_units(data, options.lang))
    if any(known) and options.announced_at is None:
        raise DrawError("draw.cli.announced_at")
    announced = _announce(frame, given, options)
    if any(known):
        return _execute(announced, frame, given, options)
    return _publish(announced, frame, options)


def _announce(frame: Frame, given: Sequence[_Given], options: argparse.Namespace) -> dict[str, Json]:
    if not options.no:
        raise DrawError("draw.cli.no_number")
    at = options.announced_at or datetime.now(UTC).replace(microsecond=0)
    return draw.announcement(
        draw=options.no,
        frame=frame,
        n=_how_many(frame, options.n, options.ratio),
        sources=[one.source for one in given],
        announced_at=at,
        not_before=options.not_before or at + draw.MIN_WAIT,
        items=options.item,
        legal_basis=options.legal_basis,
        plan=options.plan,
        rule_book_sha256=sha256(_read(options.rule_book)).hexdigest() if options.rule_book else "",
    )


def _publish(announced: Mapping[str, Json], frame: Frame, options: argparse.Namespace) -> int:
    number, lang = str(announced["draw"]), options.lang
    out = _write(draw.bundle(announcement=announced, frame=frame), options.out or _file_name(number))
    found = draw.announcement_hash(announced)
    if options.json:
        emit_json({"draw": number, "root": frame.root, "announcement_hash": found, "file": str(out)})
        return YES
    emit(say("draw.cli.announced", lang, draw=number, size=frame.size, root=frame.root))
    emit(say("draw.cli.publish", lang, hash=found))
    emit(say("draw.cli.then", lang, not_before=str(announced["not_before"]), file=str(out)))
    return YES


def _execute(announced: Mapping[str, Json], frame: Frame, given: Sequence[_Given], options: argparse.Namespace) -> int:
    terms, lang = draw.read_terms(announced), options.lang
    execution = draw.execute(announced, [_value(one, terms.sources, options) for one in given])
    drawn = draw.select(frame, execution.seed, terms.n)
    made = draw.bundle(announcement=announced, frame=frame, execution=execution, selection=drawn)
    out = _write(made, options.out or _file_name(f"{terms.draw}-drawn"))
    if options.json:
        emit_json(_drawn_json(terms.draw, execution, drawn, out))
        return YES
    for unit in drawn:
        emit(
            say(
                "draw.cli.unit",
                lang,
                stratum=unit.stratum,
                rank=unit.rank,
                id=unit.id,
                ticket=unit.ticket,
                probability=str(unit.probability),
            )
        )
    total = sum(frame.sizes.values())
    emit(say("draw.cli.drawn", lang, draw=terms.draw, total=total, count=len(drawn), seed=execution.seed))
    emit(say("draw.cli.written", lang, file=str(out)))
    return YES


def _drawn_json(number: str, execution: Execution, drawn: Sequence[Selected], out: Path) -> dict[str, object]:
    return {
        "draw": number,
        "announcement_hash": execution.announcement_hash,
        "seed": execution.seed,
        "selection": [unit.as_json() for unit in drawn],
        "file": str(out),
    }


def _announced(data: bytes, options: argparse.Namespace) -> tuple[Mapping[str, Json], Frame]:
    for name in _SETTLED:
        if getattr(options, name):
            raise DrawError("draw.cli.in_announcement", option="--" + name.replace("_", "-"))
    verdict = draw.verify(data)
    if not verdict.ok:
        failed = next(step.reason for step in verdict.steps if step.ok is False)
        raise DrawError("draw.cli.not_announced", problem=failed.text("zh"), problem_en=failed.text("en"))
    if verdict.outcome != "announced":
        raise DrawError("draw.cli.already_executed")
    bundle = cast("Mapping[str, Mapping[str, Json]]", parse_json(data))
    leaves = cast("Sequence[str]", bundle["open"]["leaves"])
    frame = draw.freeze(cast("Mapping[str, Json]", parse_json(leaf.encode())) for leaf in leaves)
    return bundle["announce"], frame


def _given(text: str) -> _Given:
    """`ID[@TERM][=VALUE]`: the one term that each kind needs or may have stands behind the @."""
    named, _, value = text.partition("=")
    source_id, _, term = named.partition("@")
    source = Source(source_id)
    key = _TERM[source.kind]
    if not term:
        return _Given(source, value)
    number = key in ("rolls", "round") and term.isascii() and term.isdigit()
    return _Given(Source(source_id, {key: int(term) if number else term}), value)


def _value(one: _Given, announced: Sequence[Source], options: argparse.Namespace) -> Value:
    """The value with its time: of the round for drand, from --at for all others."""
    source = next((source for source in announced if source.id == one.source.id), None)
    if source is not None and source.kind == "drand":
        evidence = {"signature": options.signature.lower()} if options.signature else {}
        return Value(source.id, one.value, draw.round_time(source), evidence)
    if options.at is None:
        raise DrawError("draw.cli.value_time")
    return Value(one.source.id, one.value, options.at)


def _how_many(frame: Frame, n: str | None, ratio: str | None) -> dict[str, int]:
    if (n is None) == (ratio is None):
        raise DrawError("draw.cli.n_or_ratio")
    if ratio is not None:
        shares = _ratio(ratio) if "=" not in ratio else {name: _ratio(text) for name, text in _split(ratio)}
        return draw.allocate(frame.sizes, shares)
    found: dict[str, int] = {}
    for name, text in _split(n or ""):
        if not (text.isascii() and text.isdigit()) or len(text) > 9:
            raise DrawError("draw.cli.bad_number", given=text)
        found[name] = int(text)
    return found


def _split(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(","):
        name, equals, value = part.rpartition("=")
        if not equals:
            raise DrawError("draw.cli.bad_number", given=part)
        yield name.strip(), value.strip()


def _ratio(text: str) -> Fraction:
    try:
        return Fraction(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except (ValueError, ZeroDivisionError):
        raise DrawError("draw.cli.bad_number", given=text) from None


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _units(data: bytes, lang: str) -> Iterator[Mapping[str, Json]]:
    """The rows of the CSV as units; Chinese offices' spreadsheets write UTF-8 or GB18030."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            raise DrawError("draw.cli.not_text") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        names = [_HEADERS.get(name, name) for name in header]
        if names.count("id") != 1 or names.count("stratum") != 1 or len(set(names)) != len(names):
            raise DrawError("draw.cli.columns", header=" ".join(header)[:200])
        prefix = "uscc:" if "统一社会信用代码" in header else ""
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _unit(names, cells, prefix, say("draw.cli.row", lang, row=reader.line_num))
    except csv.Error as error:
        raise DrawError("draw.cli.not_csv", row=reader.line_num, detail=str(error)) from None


def _unit(names: Sequence[str], cells: Sequence[str], prefix: str, where: str) -> dict[str, Json]:
    if len(cells) != len(names):
        raise DrawError("draw.cli.ragged", where=where, count=len(cells), expected=len(names))
    unit: dict[str, Json] = {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
    unit["id"] = f"{prefix}{unit['id']}"
    if not unit.get("exclusion"):
        unit.pop("exclusion", None)
    try:
        read_leaf(unit)
    except ZhunshengError as error:
        raise DrawError.of(error.reason, where=where) from None
    return unit


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(draw.MAX_BUNDLE + 1)
    except OSError as error:
        raise DrawError("draw.cli.cannot_read", where=str(path), detail=error.strerror or "") from None
    if len(data) > draw.MAX_BUNDLE:
        raise DrawError("draw.verify.too_large", where=str(path), limit=draw.MAX_BUNDLE // 1024 // 1024)
    return data


def _write(made: Mapping[str, Json], path: Path) -> Path:
    """Writes the whole file or none, and never over another."""
    if path.exists():
        raise DrawError("draw.cli.exists", where=str(path))
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(canonical(made))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DrawError("draw.cli.cannot_write", where=str(path), detail=error.strerror or "") from None
    return path


def _file_name(number: str) -> Path:
    return Path("".join(char if char.isalnum() or char in "-_." else "-" for char in number).lstrip(".") + ".json")


def _instant(text: str) -> datetime:
    """An argparse type: a moment with its time zone."""
    try:
        moment = datetime.fromisoformat(text)
        instant_text(moment, "")
    except (ValueError, ZhunshengError):
        raise argparse.ArgumentTypeError(
            f"时刻应写作 2026-04-20T01:30:00Z 或带时区 · write moments with a time zone: {text!r}"
        ) from None
    return moment
