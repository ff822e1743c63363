"""`zhunsheng draw`: a draw without the platform. `zhunsheng verify`: the check of a bundle, step by step."""

from __future__ import annotations

import argparse
import csv
import io
import mmap
import os
import secrets
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import cast

from zhunsheng.commands import NO, USAGE, YES, Subparsers, add_json, add_lang, day, emit, emit_json
from zhunsheng.engine import draw
from zhunsheng.engine.draw import DrawList, Execution, Frame, Inspector, Selected, Source, Value, Verdict
from zhunsheng.engine.draw.fields import array, hex64, instant_text, obj
from zhunsheng.engine.draw.fields import day as certificate_day
from zhunsheng.engine.draw.fields import text as plain_text
from zhunsheng.engine.draw.leaf import column, read_columns
from zhunsheng.engine.draw.sources import read_value
from zhunsheng.engine.errors import DrawError, ZhunshengError
from zhunsheng.engine.public_log import Json, canonical, parse_json, read_vkey
from zhunsheng.engine.signing import read_key
from zhunsheng.engine.suites import SHA256, SUITES
from zhunsheng.engine.suites import suite as suite_named
from zhunsheng.engine.words import say

_TERM = {"party": "", "dice": "rolls", "balls": "", "ssq": "issue", "dlt": "issue", "drand": "round"}
_HEADERS = {"单位编号": "id", "统一社会信用代码": "id", "层": "stratum", "排除代码": "exclusion", "规模": "size"}
_PEOPLE = {"人员编号": "number", "证件有效期": "certificate_to", "专业": "specialities"}
_SETTLED = (
    "no", "n", "ratio", "announced_at", "not_before", "legal_basis", "item", "plan", "rule_book", "fallback", "second",
    "pareto", "list", "scope", "suite", "open_by", "inspectors", "slack",
)  # fmt: skip
_MAPPED = 1024 * 1024  # smaller files are simply read


def add(subparsers: Subparsers) -> None:
    """Add `verify` and `draw`."""
    verify = subparsers.add_parser(
        "verify", help="检查一次抽查的公开包，或一个单位的在册证明 · check the bundle of a draw, or a firm's proof"
    )
    verify.add_argument("bundle", type=Path, help="公开包或在册证明(JSON)· the bundle, or the proof of membership")
    verify.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="NAME+HEX",
        help="机关公布的签名公钥，可多次 · the published key that must have signed; more than once if there are several",
    )
    verify.add_argument(
        "--witness",
        action="append",
        default=[],
        metavar="VKEY",
        help="日志见证人的验证密钥，可多次 · verification key of a witness of the log, whose signature can date the announcement",
    )
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

  zhunsheng draw list.csv --no 2026-1 --n A=3,B=5 --source ceremony:p1@承诺/无 --source ceremony:p2@承诺/无 \\
      --source ceremony:dice@10
  zhunsheng draw 2026-1.json --source ceremony:p1=3f9c… --source ceremony:p2=a071… --source ceremony:dice=4-2-6-1-5-3-3-6-2-1 \\
      --at 2026-04-21T01:30:00Z --out 2026-1-drawn.json

密封抽查(突击检查):--sealed 写一个只有本机关持有的文件(密钥和名单);公开包里只有密封名单,到期用 --open 开封。
A sealed draw, for surprise checks: --sealed writes a private file with the key and the list; the public file holds sealed
lines only, until --open:

  zhunsheng draw list.csv --no 2026-2 --n A=3,B=5 --sealed 2026-2.secret --open-by 2026-05-20 --source … --source …
  zhunsheng draw 2026-2.json --sealed 2026-2.secret --source …=… --at 2026-04-21T01:30:00Z
  zhunsheng draw 2026-2-drawn.json --sealed 2026-2.secret --open

--source ID@TERM[=VALUE]     TERM: drand 轮次 round · lottery 期号 issue · dice 次数 rolls · ceremony 承诺/默认值
                             commitment/default · balls 球数/取数 balls/draws: ceremony:balls@40/6
                             承诺 commitment: printf '%%s' 'zhunsheng/draw/1/commit|2026-1|ceremony:p1|SECRET' | sha256sum
                             （--second 的来源 for --second: commit-assign）
--fallback HOURS:ID[@TERM],ID[@TERM]…   过了这么多小时仍取不到时改用 · used if the others are not to be had by then""",
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
    parser.add_argument(
        "--fallback", action="append", default=[], metavar="HOURS:ID,ID", help="备用来源,按次序 · fallbacks, in order"
    )
    parser.add_argument("--use-fallback", type=int, default=0, metavar="N", help="用第几个备用来源 · which one is used")
    parser.add_argument("--reason", default="", help="用备用来源的原因 · why the fallback is used")
    parser.add_argument(
        "--second",
        action="append",
        default=[],
        metavar="ID[@TERM]",
        help="选派人员用的第二轮来源 · sources of the second round, for the inspectors",
    )
    parser.add_argument("--team-size", type=int, metavar="N", help="检查组人数,与 --second 同用(默认 2)· with --second")
    parser.add_argument(
        "--inspectors",
        type=Path,
        metavar="CSV",
        help="检查人员名录,与 --second 同用:人员编号,证件有效期,专业(以+相连)· the directory of inspectors, with --second: "
        "number,certificate_to,specialities (joined by +)",
    )
    parser.add_argument(
        "--slack", type=int, metavar="N", help="次数上下限放宽几次(默认 1)· slack of the bounds of visits"
    )
    parser.add_argument(
        "--pareto", metavar="A,B", help="按规模(size 列)抽取的层 · strata drawn by size, from the column size"
    )
    parser.add_argument(
        "--list",
        action="append",
        default=[],
        metavar="NAME=OFFICE",
        help="联合抽查的名单(列名 NAME.stratum)· a list of a joint draw; its columns are NAME.stratum …",
    )
    parser.add_argument(
        "--scope",
        action="append",
        default=[],
        metavar="COLUMN=A,B",
        help="定向范围:该列须以其中之一开头 · every unit's column begins with one of these",
    )
    parser.add_argument("--suite", choices=sorted(SUITES), help="哈希算法(默认 sha256)· the hash, sha256 unless given")
    parser.add_argument(
        "--sealed", type=Path, metavar="FILE", help="密封抽查的私有文件 · private file of a sealed draw"
    )
    parser.add_argument("--open-by", type=day, metavar="DATE", help="最迟开封日期 · last day of the opening")
    parser.add_argument("--open", action="store_true", help="开封 · open a sealed draw that was carried out")
    parser.add_argument(
        "--proof", metavar="ID", help="给该单位出具在册证明 · write the proof of membership of this unit"
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
    pins = [read_key(text) for text in options.key]
    witnesses = [read_vkey(text) for text in options.witness]
    with _mapped(options.bundle) as data:
        verdict = draw.verify(data, pins, witnesses, now=datetime.now(UTC))
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


@contextmanager
def _mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """The bytes of a file; a large one is mapped into memory, and read as it is needed."""
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if stat.S_ISREG(about.st_mode) and about.st_size > _MAPPED:
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                    yield data
                return
    except OSError as error:
        raise DrawError("draw.cli.cannot_read", where=str(path), detail=error.strerror or "") from None
    yield _read(path)


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
    data = _read(options.frame)
    announced_before = data.lstrip()[:1] == b"{"
    if options.open or options.proof:
        if not announced_before or given:
            raise DrawError("draw.cli.open_what")
        return _prove(data, options) if options.proof else _open(data, options)
    if not given:
        raise DrawError("draw.cli.no_source")
    known = [bool(one.value) for one in given]
    if any(known) and not all(known):
        raise DrawError("draw.cli.some_values")
    if announced_before:
        announced, frame = _announced(data, options)
        return _execute(announced, frame, given, options)
    if any(known) and options.announced_at is None:
        raise DrawError("draw.cli.announced_at")
    frame, n, ratio, lists = _freeze(data, options)
    announced = _announce(frame, n, ratio, lists, given, options)
    if frame.seal_key:
        _keep_secret(frame, options.sealed, options.out or _file_name(str(announced["draw"])))
    if any(known):
        return _execute(announced, frame, given, options)
    return _publish(announced, frame, options)


def _freeze(
    data: bytes, options: argparse.Namespace
) -> tuple[Frame, dict[str, int], dict[str, Fraction], dict[str, DrawList]]:
    """The frame of the CSV, how many are drawn, by which ratios if by any, and the lists of a joint draw."""
    if not options.no:
        raise DrawError("draw.cli.no_number")
    lists = {name: DrawList(office) for name, office in (_assigned(text) for text in options.list)}
    units = list(_units(data, options, tuple(lists)))
    n, ratio = _how_many(draw.count_strata(units, tuple(lists)), options.n, options.ratio)
    named = [text.strip() for text in options.pareto.split(",")] if options.pareto else []
    for stratum in named:
        if stratum not in n:
            raise DrawError("draw.n.unknown_stratum", stratum=stratum)
    if options.sealed is not None and options.sealed.exists():
        raise DrawError("draw.cli.exists", where=str(options.sealed))
    frame = draw.freeze(
        units,
        lists=tuple(lists),
        pareto={stratum: n[stratum] for stratum in named},
        suite=suite_named(options.suite or SHA256.name),
        seal_key=secrets.token_hex(32) if options.sealed is not None else "",
        draw=options.no,
    )
    return frame, n, ratio, lists


def _announce(
    frame: Frame,
    n: Mapping[str, int],
    ratio: Mapping[str, Fraction],
    lists: Mapping[str, DrawList],
    given: Sequence[_Given],
    options: argparse.Namespace,
) -> dict[str, Json]:
    at = options.announced_at or datetime.now(UTC).replace(microsecond=0)
    second = tuple(_given(text).source for text in options.second)
    if (options.team_size or options.inspectors or options.slack is not None) and not second:
        raise DrawError("draw.cli.team_size")
    if second and options.inspectors is None:
        raise DrawError("draw.cli.no_inspectors")
    scope = dict(_assigned(text) for text in options.scope)
    return draw.announcement(
        draw=options.no,
        frame=frame,
        n=n,
        sources=[one.source for one in given],
        announced_at=at,
        not_before=options.not_before or at + draw.MIN_WAIT,
        fallback=[_fallback(text) for text in options.fallback],
        assignment=draw.AssignmentRule(
            options.team_size or 2,
            second,
            directory=draw.directory_hash(_directory(options.inspectors), frame.suite),
            slack=1 if options.slack is None else options.slack,
        )
        if second
        else None,
        ratio=ratio,
        lists=lists,
        scope={name: starts.split(",") for name, starts in scope.items()},
        open_by=options.open_by,
        items=options.item,
        legal_basis=options.legal_basis,
        plan=options.plan,
        rule_book_sha256=sha256(_read(options.rule_book)).hexdigest() if options.rule_book else "",
    )


def _fallback(text: str) -> draw.Fallback:
    hours, colon, sources = text.partition(":")
    if not colon or not (hours.isascii() and hours.isdigit()) or len(hours) > 5:
        raise DrawError("draw.cli.bad_fallback", given=text[:80])
    return draw.Fallback(int(hours), tuple(_given(part).source for part in sources.split(",")))


def _assigned(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise DrawError("draw.cli.bad_pair", given=text[:80])
    return name.strip(), value.strip()


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
    if frame.seal_key:
        emit(say("draw.cli.secret", lang, file=str(options.sealed)))
    return YES


def _execute(announced: Mapping[str, Json], frame: Frame, given: Sequence[_Given], options: argparse.Namespace) -> int:
    terms = draw.read_terms(announced)
    used = terms.sources_used(options.use_fallback)
    execution = draw.execute(
        announced,
        [_value(one, used, options) for one in given],
        fallback=options.use_fallback,
        fallback_reason=options.reason,
    )
    drawn = draw.select(frame, execution.seed, terms.n)
    made = draw.bundle(announcement=announced, frame=frame, execution=execution, selection=drawn)
    return _shown(made, execution, drawn, frame, options, f"{terms.draw}-drawn")


def _shown(
    made: Mapping[str, Json],
    execution: Execution,
    drawn: Sequence[Selected],
    frame: Frame,
    options: argparse.Namespace,
    name: str,
) -> int:
    """Writes the bundle and shows who was drawn: in a sealed draw for the office's own eyes."""
    number, lang = str(cast("Mapping[str, Json]", made["announce"])["draw"]), options.lang
    out = _write(made, options.out or _file_name(name))
    if options.json:
        emit_json(_drawn_json(number, execution, drawn, out))
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
    emit(say("draw.cli.drawn", lang, draw=number, total=total, count=len(drawn), seed=execution.seed))
    emit(say("draw.cli.written", lang, file=str(out)))
    if "sealed" in made:
        emit(say("draw.cli.still_sealed", lang, file=str(options.sealed)))
    return YES


def _open(data: bytes, options: argparse.Namespace) -> int:
    """Opens a sealed draw that was carried out: the key, the list and the selection are published."""
    bundle, frame = _checked(data, options)
    if "execute" not in bundle or "sealed" not in bundle:
        raise DrawError("draw.cli.open_what")
    done = cast("Mapping[str, Json]", bundle["execute"])
    announced = cast("Mapping[str, Json]", bundle["announce"])
    values = cast("Sequence[Json]", done["values"])
    execution = draw.execute(
        announced,
        [read_value(value, "execute.values") for value in values],
        fallback=cast("int", done.get("fallback", 0)),
        fallback_reason=str(done.get("fallback_reason", "")),
    )
    terms = draw.read_terms(announced)
    drawn = draw.select(frame, execution.seed, terms.n)
    at = options.at or datetime.now(UTC).replace(microsecond=0)
    made = draw.bundle(announcement=announced, frame=frame, execution=execution, selection=drawn, opened_at=at)
    return _shown(made, execution, drawn, frame, options, f"{terms.draw}-opened")


def _prove(data: bytes, options: argparse.Namespace) -> int:
    """Writes the proof of membership of one unit."""
    bundle, frame = _checked(data, options)
    announced = cast("Mapping[str, Json]", bundle["announce"])
    proof = draw.membership_proof(announced, frame, options.proof)
    name = "".join(char if char.isalnum() else "-" for char in options.proof)
    out = _write(proof, options.out or _file_name(f"{announced['draw']}-proof-{name}"))
    emit(say("draw.cli.written", options.lang, file=str(out)))
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
    bundle, frame = _checked(data, options)
    if "execute" in bundle or "abandon" in bundle:
        raise DrawError("draw.cli.already_executed")
    return cast("Mapping[str, Json]", bundle["announce"]), frame


def _checked(data: bytes, options: argparse.Namespace) -> tuple[Mapping[str, Json], Frame]:
    """A bundle that passes its check, and its frame: of the file, or of the private file of a sealed draw."""
    verdict = draw.verify(data)
    if not verdict.ok or verdict.outcome == "member":
        failed = next((step.reason for step in verdict.steps if step.ok is False), verdict.reason)
        raise DrawError("draw.cli.not_announced", problem=failed.text("zh"), problem_en=failed.text("en"))
    bundle = cast("Mapping[str, Json]", parse_json(data))
    terms = draw.read_terms(cast("Mapping[str, Json]", bundle["announce"]))
    key = ""
    if "open" in bundle:
        section = cast("Mapping[str, Json]", bundle["open"])
        key, leaves = str(section.get("key", "")), cast("Sequence[str]", section["leaves"])
    else:
        key, leaves = _secret(options.sealed)
    frame = draw.thaw(
        (leaf.encode() for leaf in leaves),
        lists=tuple(terms.lists),
        pareto=terms.pareto,
        scale=terms.scale,
        suite=terms.suite,
        seal_key=key,
        draw=terms.draw,
    )
    if (frame.root, frame.size) != (terms.root, terms.size):
        raise DrawError("draw.cli.other_secret", where=str(options.sealed))
    return bundle, frame


def _keep_secret(frame: Frame, path: Path, public: Path) -> None:
    """Key and list of a sealed draw, in a file that only its owner may read, and that replaces no other."""
    if public.exists():
        raise DrawError("draw.cli.exists", where=str(public))
    content = canonical({"key": frame.seal_key, "leaves": [leaf.decode() for leaf in frame.leaves]})
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise DrawError("draw.cli.cannot_write", where=str(path), detail=error.strerror or "") from None


def _secret(path: Path | None) -> tuple[str, Sequence[str]]:
    if path is None:
        raise DrawError("draw.cli.need_secret")
    found = obj(parse_json(_read(path)), str(path), {"key", "leaves"})
    leaves = array(found["leaves"], f"{path}.leaves")
    return hex64(found["key"], f"{path}.key"), [str(leaf) for leaf in leaves]


def _given(text: str) -> _Given:
    """`ID[@TERM][=VALUE]`: the one term that each kind needs or may have stands behind the @."""
    named, _, value = text.partition("=")
    source_id, _, term = named.partition("@")
    source = Source(source_id)
    key = _TERM[source.kind]
    if not term:
        return _Given(source, value)
    if source.kind == "balls":
        return _Given(Source(source_id, _drum(term)), value)
    if source.kind == "party":
        promise, slash, default = term.partition("/")
        if not slash or not default:
            raise DrawError("draw.cli.bad_promise", given=term[:80])
        return _Given(Source(source_id, {"commitment": promise, "default": default}), value)
    number = key in ("rolls", "round") and term.isascii() and term.isdigit()
    return _Given(Source(source_id, {key: int(term) if number else term}), value)


def _drum(term: str) -> dict[str, str | int]:
    balls, _, draws = term.partition("/")
    for text in (balls, draws):
        if not (text.isascii() and text.isdigit()) or len(text) > 4:
            raise DrawError("draw.cli.bad_number", given=term[:40])
    return {"balls": int(balls), "draws": int(draws)}


def _value(one: _Given, announced: Sequence[Source], options: argparse.Namespace) -> Value:
    """The value with its time: of the round for drand, from --at for all others."""
    source = next((source for source in announced if source.id == one.source.id), None)
    if source is not None and source.kind == "drand":
        evidence = {"signature": options.signature.lower()} if options.signature else {}
        return Value(source.id, one.value, draw.round_time(source), evidence)
    if options.at is None:
        raise DrawError("draw.cli.value_time")
    return Value(one.source.id, one.value, options.at)


def _directory(path: Path) -> list[Inspector]:
    """The directory of inspectors in a CSV."""
    header, *rows = _rows_of(_read(path))
    names = [_PEOPLE.get(cell.strip(), cell.strip()) for cell in header]
    if sorted(names) != ["certificate_to", "number", "specialities"]:
        raise DrawError("draw.cli.people_columns", where=str(path), header=" ".join(header)[:200])
    people: dict[str, Inspector] = {}
    for row, cells in enumerate(rows, 2):
        where = f"{path} {row}"
        if len(cells) != len(names):
            raise DrawError("draw.cli.ragged", where=where, count=len(cells), expected=len(names))
        found = {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
        number, codes = plain_text(found["number"], where), frozenset(filter(None, found["specialities"].split("+")))
        if number in people:
            raise DrawError("draw.assign.number_twice", where=where, number=number)
        people[number] = Inspector(number, certificate_day(found["certificate_to"], where), codes)
    return list(people.values())


def _rows_of(data: bytes) -> list[list[str]]:
    reader = csv.reader(io.StringIO(_decoded(data), newline=""), strict=True)
    try:
        return [cells for cells in reader if any(cell.strip() for cell in cells)] or [[]]
    except csv.Error as error:
        raise DrawError("draw.cli.not_csv", row=reader.line_num, detail=str(error)) from None


def _how_many(sizes: Mapping[str, int], n: str | None, ratio: str | None) -> tuple[dict[str, int], dict[str, Fraction]]:
    """How many from each stratum, and the ratios that this follows from, if it does."""
    if (n is None) == (ratio is None):
        raise DrawError("draw.cli.n_or_ratio")
    if ratio is not None:
        shares = _ratio(ratio) if "=" not in ratio else {name: _ratio(text) for name, text in _split(ratio)}
        each = dict.fromkeys(sizes, shares) if isinstance(shares, Fraction) else shares
        return draw.allocate(sizes, each), {name: share for name, share in each.items() if name in sizes}
    found: dict[str, int] = {}
    for name, text in _split(n or ""):
        if not (text.isascii() and text.isdigit()) or len(text) > 9:
            raise DrawError("draw.cli.bad_number", given=text)
        found[name] = int(text)
    return found, {}


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


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError:
        raise DrawError("draw.cli.not_text") from None


def _units(data: bytes, options: argparse.Namespace, lists: Sequence[str]) -> Iterator[Mapping[str, Json]]:
    """The rows of the CSV as units; Chinese offices' spreadsheets write UTF-8 or GB18030."""
    reader = csv.reader(io.StringIO(_decoded(data), newline=""), strict=True)
    needed = [column(one, "stratum") for one in lists or ("",)]
    try:
        header = [cell.strip() for cell in next(reader, [])]
        names = [_HEADERS.get(name, name) for name in header]
        if any(names.count(name) != 1 for name in ("id", *needed)) or len(set(names)) != len(names):
            raise DrawError("draw.cli.columns", header=" ".join(header)[:200], needed=" ".join(needed))
        prefix = "uscc:" if "统一社会信用代码" in header else ""
        row = _Rows(names, prefix, tuple(lists), bool(options.pareto))
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield row.unit(cells, say("draw.cli.row", options.lang, row=reader.line_num))
    except csv.Error as error:
        raise DrawError("draw.cli.not_csv", row=reader.line_num, detail=str(error)) from None


@dataclass(frozen=True, slots=True)
class _Rows:
    """How rows become units: column names, scheme of a bare code, names of the lists, whether sizes are numbers."""

    names: Sequence[str]
    prefix: str
    lists: tuple[str, ...]
    sized: bool

    def unit(self, cells: Sequence[str], where: str) -> dict[str, Json]:
        if len(cells) != len(self.names):
            raise DrawError("draw.cli.ragged", where=where, count=len(cells), expected=len(self.names))
        unit: dict[str, Json] = {name: cell.strip() for name, cell in zip(self.names, cells, strict=True)}
        unit["id"] = f"{self.prefix}{unit['id']}"
        for one in self.lists or ("",):
            # an empty cell is no exclusion, no size, and, in a joint draw, no place on that list
            for part in ("exclusion", "size", *(("stratum",) if self.lists else ())):
                if unit.get(column(one, part)) == "":
                    del unit[column(one, part)]
            size = unit.get(column(one, "size"))
            if self.sized and isinstance(size, str) and size.isascii() and size.isdigit() and len(size) < 16:
                unit[column(one, "size")] = int(size)
        try:
            read_columns(unit, self.lists)
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
