"""A look into an old Excel workbook (XLS: an OLE file with BIFF records) before its values are read.

Only what the reader of values does not tell: passwords, macros, formulas, error values, merged and far-away cells.
Sources: [MS-CFB] for the container, [MS-XLS] for the records.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet.zipped import Marks

_END = 0xFFFFFFFA  # the first of the special sector numbers
_BOUNDSHEET, _FILEPASS, _EOF, _MERGES = 0x0085, 0x002F, 0x000A, 0x00E5
_FORMULAS = {0x0006, 0x0206, 0x0406}
_BOOL_OR_ERROR = 0x0205
_RK_RUN = 0x00BD
#: LABEL, LABELSST, NUMBER, RK, RSTRING
_VALUES = {0x0204, 0x00FD, 0x0203, 0x027E, 0x00D6}


def damaged() -> Refused:
    return Refused(_("XLS 文件已损坏。请另存为 .xlsx 后再上传"))


class _Ole:
    """The streams of a compound file, read from memory (an upload is at most some tens of megabytes)."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        if len(data) < 1536:
            raise damaged()
        self.size = 1 << struct.unpack_from("<H", data, 30)[0]
        self.mini_size = 1 << struct.unpack_from("<H", data, 32)[0]
        if self.size not in (512, 4096) or self.mini_size != 64:
            raise damaged()
        directory, self.cutoff, mini_fat, _mini_count, extra, extra_count = struct.unpack_from("<I4xIIIII", data, 48)
        fat_sectors = [number for number in struct.unpack_from("<109I", data, 76) if number < _END]
        while extra < _END and extra_count > 0:
            block = struct.unpack(f"<{self.size // 4}I", self._sector(extra))
            fat_sectors += [number for number in block[:-1] if number < _END]
            extra, extra_count = block[-1], extra_count - 1
        self.fat = b"".join(self._sector(number) for number in fat_sectors)
        self.mini_fat = b"".join(self._chain(mini_fat))
        self.entries: dict[str, tuple[int, int]] = {}
        root = (_END, 0)
        listing = b"".join(self._chain(directory))
        for at in range(0, len(listing) - 127, 128):
            length, kind = struct.unpack_from("<HB", listing, at + 64)
            start, size = struct.unpack_from("<II", listing, at + 116)
            name = listing[at : at + max(min(length, 64) - 2, 0)].decode("utf-16-le", "replace")
            if kind == 5:
                root = (start, size)
            elif kind in (1, 2):
                self.entries[name] = (start, size)
        self.mini = b"".join(self._chain(root[0]))

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self.size
        if at >= len(self.data):
            raise damaged()
        return self.data[at : at + self.size]

    @staticmethod
    def _next(table: bytes, number: int) -> int:
        if number * 4 + 4 > len(table):
            raise damaged()
        following: int = struct.unpack_from("<I", table, number * 4)[0]
        return following

    def _chain(self, number: int) -> Iterator[bytes]:
        steps = 0
        while number < _END:
            steps += 1
            if steps > len(self.data) // self.size:
                raise damaged()  # a chain that bites its own tail
            yield self._sector(number)
            number = self._next(self.fat, number)

    def stream(self, name: str) -> bytes:
        start, size = self.entries[name]
        if size >= self.cutoff:
            return b"".join(self._chain(start))[:size]
        parts: list[bytes] = []
        number = start
        while number < _END and len(parts) * self.mini_size < size:
            parts.append(self.mini[number * self.mini_size : (number + 1) * self.mini_size])
            number = self._next(self.mini_fat, number)
        return b"".join(parts)[:size]


def _records(stream: bytes, at: int = 0) -> Iterator[tuple[int, int, int]]:
    """(kind, place of the body, length) of each record from `at` on."""
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if at + 4 + length > len(stream):
            raise damaged()
        yield kind, at + 4, length
        at += 4 + length


def scan_xls(path: Path) -> tuple[int, int, Marks]:
    """The index of the first visible sheet, how many other visible sheets there are, the marks on its cells. Raises Refused."""
    ole = _Ole(path.read_bytes())
    if "EncryptedPackage" in ole.entries:
        raise Refused(_("文件有密码。请去掉密码后再上传"))
    if "_VBA_PROJECT_CUR" in ole.entries or "_VBA_PROJECT" in ole.entries:
        raise Refused(_("文件带有宏。请另存为不带宏的 .xlsx 后再上传"))
    name = next((one for one in ("Workbook", "Book") if one in ole.entries), "")
    if not name:
        raise Refused(_("这是旧版 Office 文档，却不是 Excel 工作簿。请上传表格文件"))
    stream = ole.stream(name)
    sheets: list[tuple[int, bool]] = []
    for kind, at, length in _records(stream):
        if kind == _FILEPASS:
            raise Refused(_("文件有密码。请去掉密码后再上传"))
        if kind == _BOUNDSHEET and length >= 6:
            place, visibility, sort = struct.unpack_from("<IBB", stream, at)
            sheets.append((place, visibility & 3 == 0 and sort == 0))
        if kind == _EOF:
            break
    visible = [index for index, (_place, shown) in enumerate(sheets) if shown]
    if not visible:
        raise Refused(_("工作簿里没有可见的工作表"))
    marks = Marks()
    _scan_sheet(stream, sheets[visible[0]][0], marks)
    return visible[0], len(visible) - 1, marks


def _scan_sheet(stream: bytes, at: int, marks: Marks) -> None:
    merges: list[tuple[int, int, int, int]] = []
    for kind, body, length in _records(stream, at):
        if kind in _VALUES and length >= 4:
            row, column = struct.unpack_from("<HH", stream, body)
            marks.filled(row + 1, column)
        elif kind == _RK_RUN and length >= 6:
            row, column = struct.unpack_from("<HH", stream, body)
            last = struct.unpack_from("<H", stream, body + length - 2)[0]
            marks.filled(row + 1, max(column, last))
        elif kind in _FORMULAS and length >= 4:
            row, column = struct.unpack_from("<HH", stream, body)
            marks.filled(row + 1, column)
            marks.formula(row + 1, column)
        elif kind == _BOOL_OR_ERROR and length >= 8:
            row, column, _style, _value, is_error = struct.unpack_from("<HHHBB", stream, body)
            marks.filled(row + 1, column)
            if is_error:
                marks.error(row + 1, column)
        elif kind == _MERGES and length >= 2:
            count = struct.unpack_from("<H", stream, body)[0]
            for index in range(min(count, (length - 2) // 8)):
                merges.append(struct.unpack_from("<4H", stream, body + 2 + index * 8))
        elif kind == _EOF:
            break
    for top, bottom, left, right in merges:
        for row in range(top, min(bottom, marks.rows - 1) + 1):
            for column in range(left, min(right, marks.columns - 1) + 1):
                if (row, column) != (top, left):
                    marks.merged(row + 1, column)
