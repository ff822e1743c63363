"""XLSX, XLS and ODS: looked into first, then read by calamine, which runs no macro and computes no formula."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet.biff import scan_xls
from zhunsheng.web.common.spreadsheet.delimited import too_many_rows
from zhunsheng.web.common.spreadsheet.table import (
    Fault,
    SheetRow,
    Table,
    clean,
    control_fault,
    fitted,
    letters,
    split_heading,
)
from zhunsheng.web.common.spreadsheet.zipped import Marks, scan_ods, scan_xlsx

#: A spreadsheet keeps fifteen digits of a number; the rest of a longer code is already lost.
_EXACT = 10**15
READER = Path(__file__).with_name("reader.py")


def open_workbook(path: Path, kind: str, *, max_rows: int) -> Table:
    """Opens the first visible sheet. Raises Refused for what `scan_*` refuse, and for a damaged file."""
    if kind == "xlsx":
        name, others, marks = scan_xlsx(path)
        sheet = f"={name}"
    elif kind == "xls":
        index, others, marks = scan_xls(path)
        sheet = str(index)
    else:
        others, marks = scan_ods(path)
        sheet = "0"
    # In a process of its own: see reader.py. The path is ours, the file's name is not in it.
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", str(READER), str(path), sheet],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )

    def close() -> None:
        child.kill()
        child.communicate()

    try:
        return _open(child, kind, others, marks, max_rows, close)
    except BaseException:
        close()
        raise


def _open(
    child: "subprocess.Popen[bytes]", kind: str, others: int, marks: Marks, max_rows: int, close: Callable[[], None]
) -> Table:
    assert child.stdout is not None  # noqa: S101 - asked for above
    first = child.stdout.readline()
    if not first:
        raise broken()
    head = json.loads(first)
    if "error" in head:
        raise Refused(_("文件打不开(%(detail)s)。请另存为新的 .xlsx 后再上传") % {"detail": head["error"][:120]})
    title, first_column = head["title"], head["first"]
    raw = _lines(child)
    too_long: dict[int, list[int]] = {}
    row, header, above, below = split_heading(_records(raw, first_column, too_long))
    notes = []
    if others:
        notes.append(_("只读了第一个工作表“%(name)s”；另有 %(n)s 个工作表没有读") % {"name": title, "n": others})
    if above:
        notes.append(_("第 %(row)s 行是表头；它上面的 %(n)s 行没有读") % {"row": row, "n": len(above)})
    for column, message in marks.faults.get(row, []):
        if column < len(header):
            raise Refused(_("表头有问题：%(message)s") % {"message": message})
    return Table(kind, "", header, row, _rows(below, len(header), max_rows, marks, too_long), notes, close)


def broken() -> Refused:
    return Refused(_("文件打不开：结构不正常，或读它要用的内存、时间太多。请另存为新的 .xlsx 后再上传"))


def _lines(child: "subprocess.Popen[bytes]") -> Iterator[list[Any]]:
    """The rows that the reader writes. Raises Refused when it ends before it says so."""
    assert child.stdout is not None  # noqa: S101 - asked for above
    for line in child.stdout:
        if line == b"end\n":
            return
        yield json.loads(line)
    raise broken()


def _records(
    raw: "Iterator[list[Any]]", first_column: int, too_long: dict[int, list[int]]
) -> Iterator[tuple[int, list[str]]]:
    pad = [""] * first_column
    for number, values in enumerate(raw, start=1):
        cells = pad.copy()
        for value in values:
            if type(value) is str:
                cells.append(clean(value))
                continue
            if type(value) in (int, float) and abs(value) >= _EXACT:
                too_long.setdefault(number, []).append(len(cells))
            cells.append(_text(value))
        yield number, cells


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, dict):
        return str(next(iter(value.values())))
    return str(value)


def _rows(
    records: Iterator[tuple[int, list[str]]], width: int, max_rows: int, marks: Marks, too_long: dict[int, list[int]]
) -> Iterator[SheetRow]:
    count = 0
    for number, cells in _with_marked(records, marks):
        marked = marks.faults.get(number, [])
        if not any(cells) and not marked:
            continue
        count += 1
        if count > max_rows:
            raise too_many_rows(max_rows)
        # A sheet is a rectangle: cells that are not there are empty ones.
        row = fitted(number, cells + [""] * (width - len(cells)), width)
        faults = [*row.faults, *(Fault(column, message) for column, message in marked if column < width)]
        for column in too_long.pop(number, []):
            if column < width:
                faults.append(
                    Fault(
                        column,
                        _("单元格 %(cell)s 是超过 15 位的数字，末尾已失真。请把这一列设为“文本”，重新输入")
                        % {"cell": f"{letters(column)}{number}"},
                    )
                )
        if fault := control_fault(row.cells):
            faults.append(fault)
        yield SheetRow(number, row.cells, tuple(faults)) if faults else row


def _with_marked(records: Iterator[tuple[int, list[str]]], marks: Marks) -> Iterator[tuple[int, list[str]]]:
    """The records, and after them the rows that have marks but no value: formulas that were never computed."""
    last = 0
    for last, cells in records:  # noqa: B007 - the number is needed after the loop
        yield last, cells
    for number in sorted(number for number in marks.faults if number > last):
        yield number, []
