"""`zhunsheng check-table`: list the dated tables, their problems, and their rows."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from zhunsheng.commands import NO, YES, Subparsers, add_lang, day, emit
from zhunsheng.engine import tables
from zhunsheng.engine.tables import Row
from zhunsheng.engine.words import say


def add(subparsers: Subparsers) -> None:
    """Add `check-table`."""
    parser = subparsers.add_parser("check-table", help="列出并检查数据表 · list and check the dated tables")
    parser.add_argument("name", nargs="?", help="只检查这一张 · only this table")
    parser.add_argument("--show", metavar="NAME", help="显示一张表的各行 · print the rows of a table")
    parser.add_argument(
        "--on", type=day, metavar="DATE", help="与 --show 同用:只显示当日有效的行 · only rows valid then"
    )
    parser.add_argument("--root", type=folder, help="城市自带的数据目录 · a city's own folder of tables")
    add_lang(parser)
    parser.set_defaults(run=_run)


def folder(text: str) -> Path:
    """A folder of tables as an argument: one that is there, so that a slip of the pen does not pass as nothing wrong."""
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"没有这个目录 · no such folder: {text!r}")
    return path


def _run(options: argparse.Namespace) -> int:
    if options.show:
        return _show(options.show, options.on, options.root, options.lang)
    return _check([options.name] if options.name else tables.names(options.root), options.root, options.lang)


def _check(names: Sequence[str], root: Path | None, lang: str) -> int:
    bad = 0
    for name in names:
        problems = tables.check(name, root)
        if problems:
            bad += 1
            emit(say("tables.cli.bad", lang, table=name, count=len(problems)))
            for problem in problems:
                emit(f"    {problem.text(lang)}")
        else:
            rows = tables.load(name, root).rows
            emit(f"✓ {name}  " + say("tables.cli.good", lang, count=len(rows), span=_span(rows), grades=_grades(rows)))
    emit(say("tables.cli.total", lang, count=len(names), bad=bad))
    return NO if bad else YES


def _show(name: str, on: date | None, root: Path | None, lang: str) -> int:
    table = tables.load(name, root)
    rows = table.valid_on(on) if on else table.rows
    emit(table.title_en if lang == "en" else table.title)
    for row in rows:
        emit(" | ".join(f"{column}={value}" for column, value in row.items() if value))
    emit(say("tables.cli.rows", lang, count=len(rows)))
    return YES if rows else NO


def _span(rows: Sequence[Row]) -> str:
    starts = [row.valid_from for row in rows]
    ends = [row.valid_to for row in rows]
    start = "" if None in starts else min(d for d in starts if d).isoformat()
    end = "" if None in ends else max(d for d in ends if d).isoformat()
    return f"{start}..{end}"


def _grades(rows: Sequence[Row]) -> str:
    counts = Counter(row.confidence for row in rows)
    return " ".join(f"{grade}={counts[grade]}" for grade in tables.CONFIDENCES if counts[grade])
