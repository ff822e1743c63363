"""`zhunsheng log`: check an export of the public log."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from zhunsheng.commands import NO, YES, Subparsers, add_json, add_lang, emit, emit_json
from zhunsheng.engine.errors import LogError
from zhunsheng.engine.public_log import MAX_ENTRY, check_export
from zhunsheng.engine.words import say


def add(subparsers: Subparsers) -> None:
    """Add `log verify`."""
    parser = subparsers.add_parser("log", help="公开存证日志 · the public log")
    actions = parser.add_subparsers(metavar="<操作 · action>", required=True)
    verify = actions.add_parser("verify", help="检查一份导出 · check an export")
    verify.add_argument("file", type=Path, help="导出文件(每行一条 JSON)· the export, JSON lines")
    verify.add_argument(
        "--since",
        type=Path,
        metavar="OLDFILE",
        help="更早的导出:检查日志只增未改 · an older export: check that the log only grew",
    )
    add_json(verify)
    add_lang(verify)
    verify.set_defaults(run=_verify)


def _verify(options: argparse.Namespace) -> int:
    with ExitStack() as files:
        opened = []
        for path in [options.file] + ([options.since] if options.since else []):
            try:
                opened.append(_lines(files.enter_context(path.open("rb"))))
            except OSError as error:
                raise LogError("public_log.cli.cannot_read", where=str(path), detail=error.strerror or "") from None
        verdict = check_export(*opened)
    if options.json:
        emit_json(
            {
                "ok": verdict.ok,
                "log": verdict.origin,
                "size": verdict.size,
                "root": verdict.root.hex(),
                "line": verdict.line,
                "code": verdict.reason.code,
                "text": verdict.reason.text(options.lang),
            }
        )
    else:
        emit(say("public_log.cli.file", options.lang, origin=verdict.origin))
        code = "public_log.cli.pass" if verdict.ok else "public_log.cli.fail"
        emit(say(code, options.lang, text=verdict.reason.text(options.lang), line=verdict.line or 0))
    return YES if verdict.ok else NO


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines, cut where one is longer than any entry may be: a hostile file must not fill the memory."""
    return iter(lambda: file.readline(MAX_ENTRY + 2), b"")
