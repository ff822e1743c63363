"""`zhunsheng procedure`: the procedures, their steps, whether they are sound, and what is due in a matter, and why."""

from __future__ import annotations

import argparse
import json
from datetime import date, datetime, time
from pathlib import Path

from zhunsheng.commands import NO, YES, Subparsers, add_json, add_lang, day, emit, emit_json
from zhunsheng.engine import procedure as procedures
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import ProcedureError
from zhunsheng.engine.procedure import Due, Procedure, Standing
from zhunsheng.engine.words import Reason, say

MAX_BYTES = 4 * 1024 * 1024


def add(subparsers: Subparsers) -> None:
    """Add `procedure list`, `show`, `check`, `due` and `pages`."""
    parser = subparsers.add_parser("procedure", help="程序与办件的期限 · procedures, and what is due in a matter")
    verbs = parser.add_subparsers(metavar="list|show|check|due|pages", required=True)

    listed = verbs.add_parser("list", help="全部程序和版本 · every procedure and version")
    listed.set_defaults(run=_list)

    show = verbs.add_parser("show", help="一个程序的环节、角色、期限 · a procedure's steps, roles and limits")
    show.add_argument("code", help="程序编码 · code of the procedure, such as complaint")
    show.add_argument("--on", type=day, default=None, help="按哪一日有效的版本,缺省为最新 · the version of this day")
    show.add_argument("--organ", default="", help="2017年的部门 · department in 2017: aic, qts, fda")
    show.add_argument("--svg", action="store_true", help="输出程序图(SVG)· print the diagram")
    show.set_defaults(run=_show)

    check = verbs.add_parser("check", help="检查程序数据 · check the data of the procedures")
    check.add_argument("--root", type=Path, default=None, help="城市自带的数据文件夹 · a city's own data folder")
    check.set_defaults(run=_check)

    due = verbs.add_parser("due", help="办件现在何处、何时到期、为什么 · where a matter stands, what is due, and why")
    due.add_argument("code")
    due.add_argument(
        "--history", type=Path, required=True, metavar="FILE.json", help="办件的环节 · the matter's events"
    )
    due.add_argument(
        "--on", type=day, default=None, help="按哪一日看,缺省为最后一个环节 · as seen at the end of this day"
    )
    due.add_argument("--organ", default="", help="2017年的部门 · department in 2017: aic, qts, fda")
    due.set_defaults(run=_due)

    pages = verbs.add_parser(
        "pages", help="写出全部程序的说明页和程序图 · write the pages and pictures of all procedures"
    )
    pages.add_argument("folder", type=Path, help="文件夹 · folder, such as docs/reference")
    pages.set_defaults(run=_pages)

    for verb in (listed, show, check, due):
        add_json(verb)
        add_lang(verb)


def _list(options: argparse.Namespace) -> int:
    every = [p for code in procedures.codes() for p in procedures.versions(code)]
    if options.json:
        emit_json([_head(p) for p in every])
        return YES
    for p in every:
        v = p.version
        names = {"name": p.name, "name_en": p.name_en, "version": v.name, "version_en": v.name_en}
        spans = {"first": str(v.valid_from or "…"), "last": str(v.valid_to or "…")}
        emit(say("procedure.cli.version", options.lang, code=p.code, confidence=v.confidence, **names, **spans))
    return YES


def _head(p: Procedure) -> dict[str, object]:
    v = p.version
    return {
        "code": p.code,
        "name": p.name,
        "name_en": p.name_en,
        "version": v.code,
        "organ": v.organ,
        "valid_from": str(v.valid_from) if v.valid_from else None,
        "valid_to": str(v.valid_to) if v.valid_to else None,
        "source": v.source,
        "confidence": v.confidence,
    }


def _chosen(options: argparse.Namespace) -> Procedure:
    if options.on is not None:
        return procedures.load(options.code, options.on, options.organ)
    return procedures.versions(options.code)[-1]


def _show(options: argparse.Namespace) -> int:
    procedure = _chosen(options)
    if options.svg:
        emit(procedures.diagram(procedure, options.lang))
        return YES
    lines, lang = procedures.table(procedure, options.lang), options.lang
    if options.json:
        emit_json(
            {
                **_head(procedure),
                "states": [
                    {"code": s.code, "name": s.label(lang), "final": s.final} for s in procedure.states.values()
                ],
                "steps": [
                    {
                        "number": line.number,
                        "verb": line.step.code,
                        "name": line.name,
                        "from": list(line.sources),
                        "to": line.target,
                        "roles": list(line.roles),
                        "apart": list(line.apart),
                        "documents": list(line.documents),
                        "starts": list(line.starts),
                        "ends": list(line.ends),
                        "note": line.note,
                        "source": line.step.source,
                        "confidence": line.step.confidence,
                    }
                    for line in lines
                ],
            }
        )
        return YES
    emit(f"{procedure.label(lang)} · {procedure.version.label(lang)}")
    emit(f"{procedure.version.source} [{procedure.version.confidence}]")
    stays = say("procedure.cli.stays", lang)
    comma = ", " if lang == "en" else "、"
    for line in lines:
        words = {"sources": comma.join(line.sources), "target": line.target or stays, "roles": comma.join(line.roles)}
        both = {**words, **{f"{k}_en": v for k, v in words.items()}, "name": line.name, "name_en": line.name}
        emit(say("procedure.cli.step", lang, number=line.number, **both))
        if line.apart:
            emit(
                "   " + say("procedure.cli.apart", lang, steps=comma.join(line.apart), steps_en=comma.join(line.apart))
            )
        if line.documents:
            papers = comma.join(line.documents)
            emit("   " + say("procedure.cli.documents", lang, documents=papers, documents_en=papers))
        if line.starts:
            started = comma.join(line.starts)
            emit("   " + say("procedure.cli.starts", lang, limits=started, limits_en=started))
        if line.ends:
            ended = comma.join(line.ends)
            emit("   " + say("procedure.cli.ends", lang, limits=ended, limits_en=ended))
        if line.note:
            emit("   " + say("procedure.cli.note", lang, note=line.note, note_en=line.note))
    return YES


def _check(options: argparse.Namespace) -> int:
    codes = procedures.codes(options.root)
    problems: list[Reason] = []
    for code in codes:
        try:
            problems += procedures.check_file(code, options.root)
        except ProcedureError as error:
            said = {"text": error.text("zh"), "text_en": error.text("en")}
            problems.append(Reason("procedure.cli.unreadable", {"where": code, **said}))
    if options.json:
        emit_json([{"code": r.code, "params": dict(r.params), "text": r.text(options.lang)} for r in problems])
    elif problems:
        for reason in problems:
            emit(reason.text(options.lang))
    else:
        count = sum(len(procedures.versions(code, options.root)) for code in codes)
        emit(say("procedure.cli.sound", options.lang, count=len(codes), versions=count))
    return NO if problems else YES


def _due(options: argparse.Namespace) -> int:
    raw = _read(options.history)
    procedure = procedures.load(options.code, _first_moment(raw), options.organ)
    standing = procedures.replay(procedure, procedures.read_history(procedure, raw))
    last = standing.history[-1].at
    at = datetime.combine(options.on, time.max, CHINA) if options.on is not None else last
    live = [due for due in standing.dues if due.live]
    if options.json:
        emit_json(_answer(standing, live, at, options.lang))
        return YES
    v, state = procedure.version, standing.state
    names = {"name": procedure.name, "name_en": procedure.name_en, "version": v.name, "version_en": v.name_en}
    emit(say("procedure.cli.state", options.lang, state=state.name, state_en=state.name_en, **names))
    for due in live:
        until = _until(due) or say("procedure.cli.suspended", options.lang)
        status = Reason(f"procedure.status.{due.status(at)}")
        said = {"name": due.limit.name, "name_en": due.limit.name_en, "due": until}
        emit(say("procedure.cli.due", options.lang, **said, status=status.text(), status_en=status.text("en")))
        for reason in due.reasons:
            emit(f"  - {reason.text(options.lang)}")
    if not live:
        emit(say("procedure.cli.nothing", options.lang))
    return YES


def _until(due: Due) -> str:
    if due.deadline is None:
        return ""
    return due.deadline.due_at.isoformat() if due.deadline.due_at else due.deadline.due.isoformat()


def _answer(standing: Standing, live: list[Due], at: datetime, lang: str) -> dict[str, object]:
    following = standing.next
    return {
        "procedure": standing.procedure.code,
        "version": standing.procedure.version.code,
        "state": standing.state.code,
        "state_name": standing.state.label(lang),
        "ended": standing.ended,
        "next": following.limit.code if following else None,
        "due": [
            {
                "limit": due.limit.code,
                "name": due.limit.label(lang),
                "due": _until(due) or None,
                "status": due.status(at),
                "provisional": due.deadline.provisional if due.deadline else None,
                "reasons": [{"code": r.code, "text": r.text(lang)} for r in due.reasons],
            }
            for due in live
        ],
    }


def _read(path: Path) -> object:
    """The events of the file: a list, or an object with `events`."""
    try:
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            raise ProcedureError("procedure.cli.too_large", where=str(path), limit=MAX_BYTES // 1024 // 1024)
        raw: object = json.loads(data)
    except OSError as error:
        raise ProcedureError("procedure.cli.no_file", where=str(path), detail=error.strerror or "") from None
    except (ValueError, RecursionError):
        raise ProcedureError("procedure.cli.not_json", where=str(path)) from None
    return raw.get("events") if isinstance(raw, dict) else raw


def _first_moment(raw: object) -> date:
    if not isinstance(raw, list):
        raise ProcedureError("procedure.history.not_a_list")
    if not raw:
        raise ProcedureError("procedure.history.empty")
    at = raw[0].get("at") if isinstance(raw[0], dict) else None
    try:
        return procedures.read_moment(str(at))
    except ValueError:
        raise ProcedureError("procedure.history.bad_moment", where="events[1]", value=str(at)[:80]) from None


def _pages(options: argparse.Namespace) -> int:
    """procedures.md, procedures.zh.md and procedures/<code>.svg, .zh.svg: the version in force of each procedure."""
    folder = options.folder / "procedures"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in written_pages().items():
        (options.folder / name).write_text(text, encoding="utf-8")
    emit(str(folder))
    return YES


def written_pages() -> dict[str, str]:
    """The reference pages of all procedures, by file name: made from the data, in both languages."""
    found: dict[str, str] = {}
    newest = [procedures.versions(code)[-1] for code in procedures.codes()]
    for lang, ending in (("zh", ".zh"), ("en", "")):
        found[f"procedures{ending}.md"] = "\n".join(_page(newest, lang, ending)) + "\n"
        for procedure in newest:
            found[f"procedures/{procedure.code}{ending}.svg"] = procedures.diagram(procedure, lang) + "\n"
    return found


def _page(every: list[Procedure], lang: str, ending: str) -> list[str]:
    lines = [f"# {say('procedure.pages.title', lang)}", "", say("procedure.pages.lead", lang), ""]
    heads = [say(f"procedure.pages.{name}", lang) for name in ("limit", "source", "grade")]
    for procedure in every:
        version = procedure.version
        lines += [
            f"## {procedure.label(lang)}",
            "",
            f"`{procedure.code}` · {version.label(lang)} · {version.source}",
            "",
        ]
        lines += [f"![{procedure.label(lang)}](procedures/{procedure.code}{ending}.svg)", ""]
        lines += [f"{row.number}. {_told(row, lang)}" for row in procedures.table(procedure, lang)]
        if procedure.limits:
            lines += ["", f"| {' | '.join(heads)} |", "| --- | --- | --- |"]
            for limit in procedure.limits.values():
                cells = (procedures.length(limit, lang), limit.source, limit.confidence)
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return lines[:-1]


def _told(row: procedures.Line, lang: str) -> str:
    comma = ", " if lang == "en" else "、"
    target = row.target or say("procedure.cli.stays", lang)
    return f"**{row.name}** — {comma.join(row.sources)} → {target} — {comma.join(row.roles)}"
