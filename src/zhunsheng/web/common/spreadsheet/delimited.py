"""CSV and TSV: which encoding, which delimiter, row by row."""

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from django.utils.translation import gettext as _

from zhunsheng.web.common import exports
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet.table import SheetRow, Table, clean, control_fault, fitted, split_heading

CHUNK = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8 (BOM)"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
#: Of the two-byte characters of a Chinese text, nearly all stand in the GB 2312 area. Big5 or Shift-JIS read as GB 18030 do not.
_COMMON_SHARE = 0.7


def open_delimited(path: Path, *, tabbed: bool, max_rows: int) -> Table:
    """Opens a text table. Raises Refused for an unknown encoding, NUL bytes, an empty file or a broken heading."""
    codec, name = find_encoding(path)
    handle = path.open("r", encoding=codec, newline="")
    try:
        delimiter = "\t" if tabbed else _find_delimiter(handle)
        handle.seek(0)
        reader = csv.reader(handle, delimiter=delimiter, strict=True)
        row, header, above, below = split_heading(_records(reader))
        notes = []
        if above:
            notes.append(_("第 %(row)s 行是表头；它上面的 %(n)s 行没有读") % {"row": row, "n": len(above)})
        return Table(
            "tsv" if delimiter == "\t" else "csv",
            name,
            header,
            row,
            _rows(below, len(header), max_rows),
            notes,
            handle.close,
        )
    except BaseException:
        handle.close()
        raise


def find_encoding(path: Path) -> tuple[str, str]:
    """The codec and the name of the encoding: UTF-8 (with or without BOM), UTF-16 and UTF-32 with BOM, GB18030 (GBK, GB2312).

    Raises Refused when the file is none of them, and for NUL bytes, which no text has.
    """
    with path.open("rb") as handle:
        start = handle.read(4)
        for mark, codec, name in _BOMS:
            if start.startswith(mark):
                _decodes(path, codec, name, must=True)
                return codec, name
        handle.seek(0)
        position = 0
        while chunk := handle.read(CHUNK):
            if (at := chunk.find(b"\0")) >= 0:
                raise Refused(
                    _("文件第 %(byte)s 字节是空字符(NUL)：这不是文本表格，或已损坏。请重新导出")
                    % {"byte": position + at + 1}
                )
            position += len(chunk)
    if _decodes(path, "utf-8", "UTF-8"):
        return "utf-8", "UTF-8"
    if _decodes(path, "gb18030", "GB18030") and _looks_chinese(path):
        return "gb18030", "GB18030"
    raise Refused(
        _("认不出文字编码：既不是 UTF-8，也不是 GB18030(GBK)。请在 Excel 或 WPS 中另存为“CSV UTF-8”，或直接上传 .xlsx")
    )


def _decodes(path: Path, codec: str, name: str, *, must: bool = False) -> bool:
    decoder = codecs.getincrementaldecoder(codec)()
    position = 0
    with path.open("rb") as handle:
        try:
            while chunk := handle.read(CHUNK):
                if "\0" in decoder.decode(chunk):
                    raise Refused(_("文件里有空字符(NUL)：这不是文本表格，或已损坏。请重新导出"))
                position += len(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as problem:
            if must:
                raise Refused(
                    _("文件以 %(name)s 标记开头，第 %(byte)s 字节起却不是 %(name)s。请重新导出")
                    % {"name": name, "byte": position + problem.start + 1}
                ) from None
            return False
    return True


def _looks_chinese(path: Path) -> bool:
    with path.open("rb") as handle:
        sample = handle.read(CHUNK)
    common = all_pairs = index = 0
    while index < len(sample) - 1:
        lead = sample[index]
        if lead < 0x80:
            index += 1
            continue
        trail = sample[index + 1]
        if 0x30 <= trail <= 0x39:  # a four-byte character: rare hanzi, letters of minorities
            index += 4
            continue
        all_pairs += 1
        common += 0xA1 <= lead <= 0xF7 and trail >= 0xA1
        index += 2
    return all_pairs == 0 or common / all_pairs >= _COMMON_SHARE


def _find_delimiter(handle: TextIO) -> str:
    """The delimiter that parts the first rows into the most columns, and into as many in each."""
    sample = "".join(line for _number, line in zip(range(50), handle, strict=False))[: 1 << 16]
    best, best_score = ",", 0.0
    for delimiter in (",", "\t", ";"):
        widths = []
        try:
            for record in csv.reader(io.StringIO(sample), delimiter=delimiter):
                if any(record):
                    widths.append(len(record))
        except csv.Error:
            continue
        if widths:
            usual = max(set(widths), key=lambda width: (widths.count(width), width))
            score = (usual - 1) * widths.count(usual) / len(widths)
            if score > best_score:
                best, best_score = delimiter, score
    return best


def _records(reader: "Iterator[list[str]]") -> Iterator[tuple[int, list[str]]]:
    number = 0
    try:
        for number, record in enumerate(reader, start=1):  # noqa: B007 - the number is needed when the next row fails
            yield number, [exports.unsafe(clean(cell)) for cell in record]
    except csv.Error as problem:
        raise Refused(
            _("第 %(row)s 行读不下去：多半是引号没有配对(%(detail)s)。请检查这一行的双引号，或直接上传 .xlsx")
            % {"row": number + 1, "detail": problem}
        ) from None


def _rows(records: Iterator[tuple[int, list[str]]], width: int, max_rows: int) -> Iterator[SheetRow]:
    count = 0
    for number, cells in records:
        if not any(cells):
            continue
        count += 1
        if count > max_rows:
            raise too_many_rows(max_rows)
        row = fitted(number, cells, width)
        if fault := control_fault(row.cells):
            row = SheetRow(row.number, row.cells, (*row.faults, fault))
        yield row


def too_many_rows(max_rows: int) -> Refused:
    return Refused(_("超过 %(n)s 行。请拆成几个文件，分次导入") % {"n": f"{max_rows:,}"})
