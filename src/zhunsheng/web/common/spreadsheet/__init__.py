"""Registers as files: CSV, TSV, XLSX, XLS, ODS. One door, `open_table`, which looks before it reads.

Every refusal says what is wrong with the file and what to do about it. Nothing in a file is executed, fetched or expanded.
"""

from pathlib import Path

from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet.days import parse_day, parse_day_as
from zhunsheng.web.common.spreadsheet.delimited import open_delimited
from zhunsheng.web.common.spreadsheet.table import Fault, SheetRow, Table, letters
from zhunsheng.web.common.spreadsheet.workbooks import open_workbook
from zhunsheng.web.common.spreadsheet.zipped import look_into

__all__ = [
    "ACCEPTED",
    "MAX_ROWS",
    "Fault",
    "SheetRow",
    "Table",
    "letters",
    "open_table",
    "parse_day",
    "parse_day_as",
    "too_large",
]

MAX_ROWS = 100_000
ACCEPTED = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods")
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
#: What a file really is, by its first bytes, for those that are no table.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"\x7fELF", "ELF"),
    (b"MZ", "EXE"),
    (b"SQLite format 3", "SQLite"),
    (b"PAR1", "Parquet"),
)


def too_large(size: int, max_bytes: int) -> Refused:
    """The refusal of a file above the limit, the same wherever its size is first known."""
    return Refused(
        _("文件有 %(size)s MB，最多 %(most)s MB。请拆成几个文件，或先删去与导入无关的工作表和图片")
        % {"size": f"{size / (1 << 20):,.0f}", "most": max_bytes >> 20}
    )


def open_table(path: "Path | str", filename: str, *, max_bytes: int, max_rows: int = MAX_ROWS) -> Table:
    """Opens a file of rows by what it is and by what its name says it is; both must agree.

    `filename`: the name under which the user sent it; `path`: where its bytes are. The rows stream from `Table.rows`,
    each with the row number that the spreadsheet shows. Raises Refused, also while the rows are read (too many rows,
    a broken quotation mark).
    """
    path = Path(path)
    size = path.stat().st_size
    if size > max_bytes:
        raise too_large(size, max_bytes)
    suffix = Path(filename.strip().lower()).suffix
    if suffix == ".xlsm":
        raise Refused(_(".xlsm 是带宏的工作簿。请另存为不带宏的 .xlsx 后再上传"))
    if suffix not in ACCEPTED:
        raise Refused(
            _("不接受“%(suffix)s”文件。请上传 %(accepted)s")
            % {"suffix": suffix or filename[-20:], "accepted": " ".join(ACCEPTED)}
        )
    if size == 0:
        raise Refused(_("文件是空的（0 字节）。请重新导出"))
    kind = _sniff(path)
    wanted = {".xlsx": "xlsx", ".xls": "xls", ".ods": "ods"}.get(suffix, "text")
    if kind != wanted:
        raise _mismatch(suffix, kind)
    if kind == "text":
        return open_delimited(path, tabbed=suffix == ".tsv", max_rows=max_rows)
    return open_workbook(path, kind, max_rows=max_rows)


def _sniff(path: Path) -> str:
    with path.open("rb") as handle:
        start = handle.read(512)
    if start.startswith(_OLE):
        return "xls"
    if start.startswith(b"PK\x03\x04"):
        return look_into(path)
    for magic, name in _MAGIC:
        if start.startswith(magic):
            return name
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<table", b"<meta", b"<head")):
        return "HTML"
    if text.startswith(b"<?xml"):
        return "XML"
    return "text"


def _mismatch(suffix: str, kind: str) -> Refused:
    names = {"xlsx": ".xlsx", "xls": ".xls", "ods": ".ods", "text": ".csv"}
    if kind in names:
        return Refused(
            _("文件名以 %(suffix)s 结尾，内容却是 %(kind)s。请把扩展名改成 %(kind)s，或在 Excel、WPS 中另存为 .xlsx")
            % {"suffix": suffix, "kind": names[kind]}
        )
    return Refused(
        _("文件名以 %(suffix)s 结尾，内容却是 %(kind)s，不是表格。请在 Excel 或 WPS 中打开，另存为 .xlsx")
        % {"suffix": suffix, "kind": kind}
    )
