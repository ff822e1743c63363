"""XLSX, XLS and ODS: looked into first, then read by calamine, which runs no macro and computes no formula."""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

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


def open_workbook(path: Path, kind: str, *, max_rows: int) -> Table:
    """Opens the first visible sheet. Raises Refused for what `scan_*` refuse, and for a damaged file."""
    name: str | None = None
    index = 0
    if kind == "xlsx":
        name, others, marks = scan_xlsx(path)
    elif kind == "xls":
        index, others, marks = scan_xls(path)
    else:
        others, marks = scan_ods(path)
    try:
        book = CalamineWorkbook.from_path(str(path))
        sheet = book.get_sheet_by_name(name) if name is not None else book.get_sheet_by_index(index)
        title = sheet.name
        first_column = sheet.start[1] if sheet.start else 0
        raw = sheet.iter_rows()
    except CalamineError as problem:
        raise Refused(
            _("文件打不开(%(detail)s)。请另存为新的 .xlsx 后再上传") % {"detail": str(problem)[:120]}
        ) from None
    except BaseException as problem:
        # The reader is compiled; what it did not foresee arrives as a panic, which is no Exception.
        if type(problem).__name__ != "PanicException":
            raise
        raise Refused(_("文件打不开:结构不正常。请另存为新的 .xlsx 后再上传")) from None
    too_long: dict[int, list[int]] = {}
    row, header, above, below = split_heading(_records(raw, first_column, too_long))
    notes = []
    if others:
        notes.append(_("只读了第一个工作表“%(name)s”;另有 %(n)s 个工作表没有读") % {"name": title, "n": others})
    if above:
        notes.append(_("第 %(row)s 行是表头;它上面的 %(n)s 行没有读") % {"row": row, "n": len(above)})
    for column, message in marks.faults.get(row, []):
        if column < len(header):
            raise Refused(_("表头有问题:%(message)s") % {"message": message})
    return Table(kind, "", header, row, _rows(below, len(header), max_rows, marks, too_long), notes, book.close)


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
            if type(value) is float and abs(value) >= _EXACT:
                too_long.setdefault(number, []).append(len(cells))
            cells.append(_text(value))
        yield number, cells


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ", "seconds") if value.time() != datetime.time() else value.date().isoformat()
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
                        _("单元格 %(cell)s 是超过 15 位的数字,末尾已失真。请把这一列设为“文本”,重新输入")
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
