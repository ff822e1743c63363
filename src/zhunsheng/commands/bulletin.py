"""`zhunsheng bulletin check`: does a printed totals table add up?"""

from __future__ import annotations

import argparse
from pathlib import Path

from zhunsheng.commands import NO, YES, Subparsers, add_json, add_lang, emit, emit_json
from zhunsheng.engine import bulletins
from zhunsheng.engine.errors import BulletinError
from zhunsheng.engine.words import say

#: a character takes four bytes at most
_MAX_BYTES = 4 * bulletins.MAX_CHARACTERS


def add(subparsers: Subparsers) -> None:
    """Add `bulletin`."""
    parser = subparsers.add_parser("bulletin", help="核对抽检通告的汇总表 · check the totals of a bulletin")
    actions = parser.add_subparsers(metavar="<做什么 · what>", required=True)
    check = actions.add_parser("check", help="列出一切不符 · every number that contradicts another")
    check.add_argument("file", type=Path, metavar="FILE", help="CSV 或 TSV · CSV or TSV")
    add_lang(check)
    add_json(check)
    check.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    table = bulletins.read_table(_text(options.file))
    found = bulletins.check_totals(table)
    lang = options.lang
    if options.json:
        emit_json({
            "rows": len(table.rows),
            "findings": [
                {
                    "fault": one.fault, "row": one.row, "line": one.line, "column": one.column, "printed": one.printed,
                    "computed": one.computed, "text": one.reason.text(lang), "hints": [hint.text(lang) for hint in one.hints],
                }
                for one in found
            ],
        })  # fmt: skip
        return NO if found else YES
    for one in found:
        emit(one.reason.text(lang))
        for hint in one.hints:
            emit(f"    {hint.text(lang)}")
    code = "bulletins.cli.found" if found else "bulletins.cli.sound"
    emit(say(code, lang, rows=len(table.rows), count=len(found)))
    return NO if found else YES


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise BulletinError("bulletins.not_read", where=str(path), detail=error.strerror or "") from None
    if len(data) > _MAX_BYTES:
        raise BulletinError("bulletins.too_long", where=str(path), limit=bulletins.MAX_CHARACTERS)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BulletinError("bulletins.not_text", where=str(path))
