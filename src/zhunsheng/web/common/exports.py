"""Tables out: CSV and XLSX, cell by cell safe against formulas, row by row without holding the table in memory."""

import csv
import datetime
import decimal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

import xlsxwriter
from django.http import FileResponse, StreamingHttpResponse
from django.utils.timezone import is_aware, localtime

Cell = str | int | float | bool | decimal.Decimal | datetime.date | datetime.datetime | None

#: A spreadsheet takes a cell that begins so for a formula (also in full width).
FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def plain(value: Cell) -> str:
    """The cell as text: dates in ISO form, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, datetime.datetime):
        return (localtime(value) if is_aware(value) else value).strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def safe(value: Cell) -> str:
    """`plain`, with an apostrophe before what a spreadsheet would run. Our importer takes it off again."""
    text = plain(value)
    if isinstance(value, str) and text.startswith(FORMULA_START):
        return "'" + text
    return text


def unsafe(text: str) -> str:
    """The value behind `safe`: takes the apostrophe off."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA_START) else text


class _Echo:
    def write(self, value: str) -> str:
        return value


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """CSV with a byte order mark, as office programs expect it for Chinese."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow([safe(cell) for cell in header])
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])


def _named(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name)}"


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(csv_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = _named(f"{name}.csv")
    return response


def xlsx_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> FileResponse:
    """XLSX written to a temporary file in constant memory. Text stays text: no formula, no link, no number from a code."""
    out = tempfile.TemporaryFile()  # noqa: SIM115 - FileResponse closes it
    book = xlsxwriter.Workbook(
        out,
        {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True, "bottom": 1})
    date = book.add_format({"num_format": "yyyy-mm-dd"})
    for column, label in enumerate(header):
        sheet.write_string(0, column, label, bold)
    sheet.freeze_panes(1, 0)
    for number, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if cell is None or cell == "":
                continue
            if isinstance(cell, datetime.date) and not isinstance(cell, datetime.datetime):
                sheet.write_datetime(number, column, datetime.datetime.combine(cell, datetime.time()), date)
            elif isinstance(cell, int | float | decimal.Decimal) and not isinstance(cell, bool):
                sheet.write_number(number, column, cell)
            else:
                sheet.write_string(number, column, plain(cell))
    book.close()
    out.seek(0)
    response = FileResponse(out, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    response["Content-Disposition"] = _named(f"{name}.xlsx")
    return response
