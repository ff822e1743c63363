"""`zhunsheng cheat`: every known way to bend a draw, tried on a copy of an honest one. `zhunsheng history`: all draws in a log."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from zhunsheng.cheat import LEVERS, Pulled, honest, pull
from zhunsheng.cheat.kit import honest_problems, pull_on
from zhunsheng.cheat.scene import Section
from zhunsheng.commands import NO, USAGE, YES, Subparsers, add_json, add_lang, emit, emit_json
from zhunsheng.engine import draw
from zhunsheng.engine.draw.history import History, check_history
from zhunsheng.engine.errors import DrawError, LogError
from zhunsheng.engine.public_log import MAX_ENTRY, Json, check_export, parse_json
from zhunsheng.engine.words import Reason, say


def add(subparsers: Subparsers) -> None:
    """Add `cheat` and `history`."""
    parser = subparsers.add_parser(
        "cheat",
        help="舞弊演练：试遍每一种手法，看谁发觉 · try every way to bend a draw, and see who notices",
        description="""\
在内存中做三次如实的抽查和它们的存证日志，再在副本上逐一试每一种舞弊手法：改名单、换企业、重抽、提前知道种子、换检查人员、改日志……
写明是核验程序的哪一步、日志副本或抽查历史发觉的。全部发觉，退出码为 0。
Makes three honest draws and their log in memory, and pulls every known lever on a copy. Exit code 0: every one was noticed.""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "bundle", type=Path, nargs="?", help="在这份公开包上试（能试的） · try them on this bundle, as far as possible"
    )
    parser.add_argument(
        "--lever", action="append", default=[], metavar="NAME", help="只试这一种，可重复 · only this one"
    )
    parser.add_argument("--list", action="store_true", help="只列出手法 · list the levers and what notices them")
    add_json(parser)
    add_lang(parser)
    parser.set_defaults(run=_cheat)

    history = subparsers.add_parser(
        "history", help="日志中的全部抽查：有没有重复公告、缺号、重抽 · all draws in a log, and what should not be"
    )
    history.add_argument("file", type=Path, help="存证日志的导出 · an export of the public log")
    add_json(history)
    add_lang(history)
    history.set_defaults(run=_history)


# ── cheat ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cheat(options: argparse.Namespace) -> int:
    for name in options.lever:
        if name not in LEVERS:
            raise DrawError("cheat.cli.unknown", name=name[:80])
    chosen = [lever for lever in LEVERS.values() if not options.lever or lever.name in options.lever]
    lang = options.lang
    if options.list:
        if options.json:
            emit_json([
                {"name": one.name, "text": say(f"cheat.lever.{one.name}", lang), "watch": one.watch, "catches": one.catches}
                for one in chosen
            ])  # fmt: skip
            return YES
        for one in chosen:
            emit(f"{one.name}\n    {say(f'cheat.lever.{one.name}', lang)}\n    → {_who(one.watch, one.catches, lang)}")
        return YES
    if options.bundle is not None:
        pulled = list(pull_on(_bundle(options.bundle, lang), chosen))
        problems: tuple[str, ...] = ()
        missed = [one.lever.name for one in pulled if not one.caught]
    else:
        scene = honest()
        problems = honest_problems(scene)
        pulled = [pull(lever, scene) for lever in chosen]
        missed = [one.lever.name for one in pulled if not one.as_expected]
    if options.json:
        emit_json(
            {
                "ok": not missed and not problems,
                "honest": list(problems),
                "levers": [_as_json(one, lang) for one in pulled],
            }
        )
    else:
        _table(pulled, problems, missed, lang)
    if problems or not pulled:
        return USAGE
    return NO if missed else YES


def _bundle(path: Path, lang: str) -> Section:
    """A bundle that holds as it is: tampering with one that does not would show nothing."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DrawError("draw.cli.cannot_read", where=str(path), detail=error.strerror or "") from None
    verdict = draw.verify(data)
    if not verdict.ok or verdict.outcome == "member":
        raise DrawError("cheat.cli.bundle_does_not_hold", text=verdict.reason.text(lang))
    made: Section = json.loads(data)
    if made["announce"].get("suite", "sha256") != "sha256":
        raise DrawError("cheat.cli.other_suite")
    return made


def _table(pulled: Sequence[Pulled], problems: Sequence[str], missed: Sequence[str], lang: str) -> None:
    for one in pulled:
        mark = "missed" if one.lever.name in missed else "told" if one.lever.told else "caught"
        emit(f"{say(f'cheat.cli.{mark}', lang)}  {one.lever.name}  {say(f'cheat.lever.{one.lever.name}', lang)}")
        emit(f"      {_who(one.lever.watch, one.by or '–', lang)}: {one.reason.text(lang)}")
    emit("")
    if not pulled:
        emit(say("cheat.cli.nothing", lang))
    elif problems:
        emit(say("cheat.cli.not_honest", lang, problems=" ".join(problems)))
    elif missed:
        emit(say("cheat.cli.some", lang, count=len(pulled), missed=len(missed), names=" ".join(missed)))
    else:
        emit(say("cheat.cli.all", lang, count=len(pulled)))


def _who(watch: str, catches: str, lang: str) -> str:
    """The watcher, and its step by its name."""
    name = say(f"draw.step.{catches}", lang) if watch in ("verify", "pinned") and catches != "–" else catches
    return f"{say(f'cheat.watch.{watch}', lang)} · {name}"


def _as_json(one: Pulled, lang: str) -> dict[str, object]:
    return {
        "name": one.lever.name,
        "text": say(f"cheat.lever.{one.lever.name}", lang),
        "watch": one.lever.watch,
        "expected": one.lever.catches,
        "caught_by": one.by,
        "ok": one.as_expected,
        "told": one.lever.told,
        "reason": one.reason.text(lang),
    }


# ── history ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _history(options: argparse.Namespace) -> int:
    found = check_history(_entries(options.file))
    ends = [record.end for record in found.draws.values()]
    good = Reason(
        "history.good",
        {"draws": len(ends), **{end: ends.count(end) for end in ("executed", "abandoned", "open")}},
    )
    if options.json:
        emit_json(_history_json(found, options.lang))
        return YES if found.ok else NO
    for record in found.draws.values():
        emit(f"{record.number}  {say(f'history.end.{record.end}', options.lang)}")
    emit("")
    for problem in (*found.problems, *found.suspicious) or (good,):
        emit(f"{say('draw.cli.pass' if found.ok else 'draw.cli.fail', options.lang)}  {problem.text(options.lang)}")
    return YES if found.ok else NO


def _history_json(found: History, lang: str) -> dict[str, object]:
    return {
        "ok": found.ok,
        "draws": [{"draw": one.number, "end": one.end, "plan": one.plan} for one in found.draws.values()],
        "problems": [{"code": one.code, "text": one.text(lang)} for one in found.problems],
        "suspicious": [{"code": one.code, "text": one.text(lang)} for one in found.suspicious],
    }


def _entries(path: Path) -> list[Json]:
    """The entries of an export that holds: of one that does not, nothing would follow."""
    try:
        with path.open("rb") as file:
            lines = list(iter(lambda: file.readline(MAX_ENTRY + 2), b""))
    except OSError as error:
        raise LogError("public_log.cli.cannot_read", where=str(path), detail=error.strerror or "") from None
    verdict = check_export(iter(lines))
    if not verdict.ok:
        raise LogError.of(verdict.reason, where=f"{path}:{verdict.line or 0}")
    return [parse_json(line) for line in lines[1:]]
