"""Workbooks for the tests, small and by hand where a library would not write what is wrong with them."""

import struct
import zipfile
from pathlib import Path

import xlsxwriter


def xlsx(path: Path, rows: list[list[object]], *, name: str = "Sheet1", extra: "list[str] | None" = None) -> Path:
    """A workbook with one sheet of rows; `extra`: names of further sheets with one cell."""
    book = xlsxwriter.Workbook(path, {"strings_to_numbers": False, "strings_to_urls": False})
    sheet = book.add_worksheet(name)
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is None:
                continue
            if hasattr(value, "isoformat"):
                sheet.write_datetime(number, column, value, day)
            else:
                sheet.write(number, column, value)
    for other in extra or []:
        book.add_worksheet(other).write(0, 0, "x" * 2000)
    book.close()
    return path


def edited(path: Path, source: Path, part: str, old: bytes, new: bytes) -> Path:
    """The zip file `source` with one replacement in one of its parts."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as after:
        for info in before.infolist():
            data = before.read(info)
            if info.filename == part:
                assert old in data
                data = data.replace(old, new)
            after.writestr(info.filename, data)
    return path


SHEET = "xl/worksheets/sheet1.xml"

ODS = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content '
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet><table:table table:name="S">'
    "{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
)


def ods_cell(text: str, attributes: str = "") -> str:
    return f'<table:table-cell office:value-type="string" {attributes}><text:p>{text}</text:p></table:table-cell>'


def ods_row(*cells: str, times: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{times}">{"".join(cells)}</table:table-row>'


def ods(path: Path, rows: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        out.writestr("content.xml", ODS.format(rows=rows))
        out.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return path


# -- XLS: an OLE file with a BIFF8 stream ([MS-CFB], [MS-XLS]) -----------------------------------------------------------
def _record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def label(row: int, column: int, text: str) -> bytes:
    data = text.encode("utf-16-le")
    return _record(0x0204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + data)


def number(row: int, column: int, value: float) -> bytes:
    return _record(0x0203, struct.pack("<HHHd", row, column, 0, value))


def formula(row: int, column: int, value: float) -> bytes:
    # the constant 1 as its expression: ptgInt
    return _record(0x0006, struct.pack("<HHHdHI", row, column, 0, value, 0, 0) + struct.pack("<H", 3) + b"\x1e\x01\x00")


def error(row: int, column: int) -> bytes:
    return _record(0x0205, struct.pack("<HHHBB", row, column, 0, 0x17, 1))


def merge(top: int, bottom: int, left: int, right: int) -> bytes:
    return _record(0x00E5, struct.pack("<H4H", 1, top, bottom, left, right))


def xls(
    path: Path,
    cells: bytes,
    *,
    globals_extra: bytes = b"",
    storages: "list[str] | None" = None,
    stream: str = "Workbook",
) -> Path:
    """An old Excel workbook of one sheet. `storages`: names of further directory entries, such as a macro project."""
    bof = lambda kind: _record(0x0809, struct.pack("<HHHHII", 0x0600, kind, 0x0DBB, 0x07CC, 0, 0x06))  # noqa: E731
    name = b"S"
    head = bof(0x0005) + globals_extra
    bound_size = 4 + 6 + 2 + len(name)
    place = len(head) + bound_size + 4
    book = (
        head
        + _record(0x0085, struct.pack("<IBB", place, 0, 0) + struct.pack("<BB", len(name), 0) + name)
        + _record(0x000A)
    )
    assert len(book) == place
    book += bof(0x0010) + _record(0x0200, struct.pack("<IIHHH", 0, 65536, 0, 256, 0)) + cells + _record(0x000A)
    return ole(path, book.ljust(4096, b"\0"), stream=stream, storages=storages or [])


def ole(path: Path, data: bytes, *, stream: str, storages: "list[str]" = []) -> Path:  # noqa: B006 - read only
    """A compound file with one stream of at least 4096 bytes."""
    size = 512
    data = data.ljust(-(-len(data) // size) * size, b"\0")
    sectors = len(data) // size
    end, free, fat_mark = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD

    def entry(title: str, kind: int, start: int, length: int, child: int = free) -> bytes:
        raw = title.encode("utf-16-le") + b"\0\0"
        return (
            raw.ljust(64, b"\0") + struct.pack("<HBB", len(raw), kind, 1) + struct.pack("<III", free, free, child) + bytes(36)
            + struct.pack("<IQ", start, length)
        )  # fmt: skip

    entries = [
        entry("Root Entry", 5, end, 0, 1),
        entry(stream, 2, 2, len(data)),
        *(entry(one, 1, end, 0) for one in storages),
    ]
    directory = b"".join(entries).ljust(size, b"\0")[:size]
    fat = [fat_mark, end, *range(3, 2 + sectors), end]
    assert len(fat) <= 128
    header = (
        bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
        + struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0) + struct.pack("<109I", 0, *[free] * 108)
    )  # fmt: skip
    assert len(header) == 512
    body = struct.pack("<128I", *(fat + [free] * (128 - len(fat)))) + directory + data
    path.write_bytes(header + body)
    return path
