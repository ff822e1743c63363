"""A look into a zipped workbook (XLSX, ODS) before any reader is let near it.

The directory is believed only after every entry has been unpacked once, byte for byte, and thrown away: a directory
that lies about sizes is how zip bombs pass. Formulas, error values and merged or far-away cells are found here too,
because the reader of values shows an error as an empty cell and asks for memory by the farthest one.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from xml.parsers import expat  # noqa: S407 - every document type and entity is refused below

from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet.table import letters

MAX_ENTRIES = 2000
MAX_DIRECTORY = 1 << 20
#: Unpacked, a register of 100,000 rows and 50 columns is about 200 MB.
MAX_UNPACKED = 512 << 20
MAX_RATIO = 300
RATIO_MATTERS_ABOVE = 4 << 20
MAX_AREA = 5_000_000
MAX_MARKS = 5_000
CHUNK = 1 << 18
_ARCHIVES = (b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b\x08", b"BZh", b"\xfd7zXZ")
_DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_CELL = re.compile(rb"<(?:\w+:)?c\s")
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


@dataclass(slots=True)
class Marks:
    """What is wrong with single cells of the sheet: (row number from 1, column from 0) → message."""

    faults: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    count: int = 0
    rows: int = 0
    columns: int = 0

    def formula(self, row: int, column: int) -> None:
        self._add(row, column, _("单元格 %(cell)s 是公式。请复制后“选择性粘贴 → 数值”，再上传"))

    def error(self, row: int, column: int) -> None:
        self._add(row, column, _("单元格 %(cell)s 是错误值（如 #REF!）。请改成正确的内容"))

    def merged(self, row: int, column: int) -> None:
        self._add(row, column, _("单元格 %(cell)s 在合并单元格里，是空的。请取消合并，并填满每一行"))

    def filled(self, row: int, column: int) -> None:
        """A cell with a value, from 1 and from 0. Raises Refused when the rectangle around all of them is too large."""
        grown = False
        if row > self.rows:
            self.rows, grown = row, True
        if column >= self.columns:
            self.columns, grown = column + 1, True
        if grown and self.rows * self.columns > MAX_AREA:
            raise Refused(
                _("单元格 %(cell)s 离得太远：表格达到 %(rows)s 行 × %(columns)s 列。请删去数据之外的多余内容，再上传")
                % {"cell": f"{letters(column)}{row}", "rows": f"{self.rows:,}", "columns": f"{self.columns:,}"}
            )

    def _add(self, row: int, column: int, message: str) -> None:
        self.count += 1
        cell = f"{letters(column)}{row}"
        if self.count > MAX_MARKS:
            raise Refused(
                _(
                    "有 %(n)s 个以上的公式、错误值或合并单元格(例如 %(cell)s)。请全选、复制，再“选择性粘贴 → 数值”到新表，取消合并后上传"
                )
                % {"n": f"{MAX_MARKS:,}", "cell": cell}
            )
        self.faults.setdefault(row, []).append((column, message % {"cell": cell}))


def look_into(path: Path) -> str:
    """'xlsx', 'ods', or a refusal: of damaged, encrypted, bomb-like or nested archives, of macros, of anything that is no table.

    Reads every entry once. Raises Refused.
    """
    with path.open("rb") as handle:
        infos = directory(handle)
        names = {info.filename for info in infos}
        if "mimetype" in names:
            kind = "ods" if b"opendocument.spreadsheet" in _small(handle, infos, "mimetype") else ""
        elif "xl/workbook.xml" in names:
            kind = "xlsx"
        elif "xl/workbook.bin" in names:
            raise Refused(_("这是二进制的 .xlsb 文件。请另存为 .xlsx 后再上传"))
        else:
            kind = ""
        if not kind:
            raise Refused(_("这是压缩包(ZIP)或别的文档，不是表格。请先解压，再上传里面的表格"))
        if any("vbaproject" in name.lower() or name.lower().startswith("basic/") for name in names):
            raise Refused(_("文件带有宏。请另存为不带宏的 .xlsx 后再上传"))
        for info in infos:
            verify(handle, info)
    return kind


def directory(handle: BinaryIO) -> list[zipfile.ZipInfo]:
    """The entries of an archive, by its directory. Raises Refused for what is damaged, encrypted or like a bomb."""
    handle.seek(0, 2)
    size = handle.tell()
    handle.seek(max(0, size - 66_000))
    tail = handle.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise Refused(_("压缩结构已损坏（没有目录）。请重新保存后再上传"))
    entries, directory = struct.unpack_from("<HI", tail, at + 10)
    if entries > MAX_ENTRIES or directory > MAX_DIRECTORY:
        raise Refused(_("压缩包里有 %(n)s 个文件，最多 %(most)s 个，没有读取") % {"n": entries, "most": MAX_ENTRIES})
    try:
        with zipfile.ZipFile(handle) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, struct.error, NotImplementedError, UnicodeDecodeError, ValueError):
        raise Refused(_("压缩结构已损坏。请重新保存后再上传")) from None
    seen: set[str] = set()
    total = 0
    for info in infos:
        name = info.filename
        if name.startswith(("/", "\\")) or "\\" in name or ":" in name or ".." in PurePosixPath(name).parts:
            raise Refused(
                _("压缩包里的路径“%(name)s”不正常，没有读取。请用原来的软件另存一份再上传") % {"name": name[:80]}
            )
        if name in seen:
            raise Refused(_("压缩包里有两个“%(name)s”，没有读取。请用原来的软件另存一份再上传") % {"name": name[:80]})
        seen.add(name)
        if info.flag_bits & 0x1:
            raise Refused(_("文件有密码。请去掉密码后再上传"))
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refused(_("压缩方式少见，没有读取。请用原来的软件另存一份再上传"))
        total += info.file_size
        if total > MAX_UNPACKED:
            raise Refused(
                _("解压后超过 %(most)s MB，像是压缩炸弹，没有读取。请拆成几个文件") % {"most": MAX_UNPACKED >> 20}
            )
        if info.file_size > RATIO_MATTERS_ABOVE and info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise Refused(
                _("“%(name)s”的压缩比超过 %(ratio)s 倍，像是压缩炸弹，没有读取")
                % {"name": name[:80], "ratio": MAX_RATIO}
            )
    return infos


def verify(handle: BinaryIO, info: zipfile.ZipInfo) -> None:
    """Unpacks an entry and forgets it: its size is what the directory says, it declares no entities, it is no archive."""
    is_xml = info.filename.lower().endswith((".xml", ".rels"))
    before = b""
    first = True
    for chunk in unpacked(handle, info):
        if first:
            first = False
            if chunk.startswith(_ARCHIVES):
                raise Refused(
                    _("文件里嵌着另一个压缩文件“%(name)s”，没有读取。请删去嵌入的对象") % {"name": info.filename[:80]}
                )
            if is_xml and chunk[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise Refused(
                    _("“%(name)s”不是 UTF-8，没有读取。请用原来的软件另存一份再上传") % {"name": info.filename[:80]}
                )
        if is_xml:
            if _DECLARATION.search(before + chunk):
                raise _entities(info.filename)
            before = chunk[-12:]


def _entities(name: str) -> Refused:
    return Refused(_("“%(name)s”里声明了文档类型或实体（可能的 XML 攻击），没有读取") % {"name": name[:80]})


def unpacked(handle: BinaryIO, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """The bytes of an entry. Raises Refused as soon as there are more, or in the end fewer, than the directory says."""
    damaged = Refused(
        _("“%(name)s”与压缩目录不符或已损坏，没有读取。请用原来的软件另存一份再上传") % {"name": info.filename[:80]}
    )
    if info.header_offset < 0:
        raise damaged
    handle.seek(info.header_offset)
    header = handle.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise damaged
    name_length, extra_length = struct.unpack_from("<HH", header, 26)
    handle.seek(name_length + extra_length, 1)
    left, out, checksum = info.compress_size, 0, 0
    engine = zlib.decompressobj(-15) if info.compress_type == zipfile.ZIP_DEFLATED else None
    finished = engine is None
    while left > 0:
        data = handle.read(min(CHUNK, left))
        if not data:
            raise damaged
        left -= len(data)
        while data:
            if engine is None:
                chunk, data = data, b""
            else:
                try:
                    chunk = engine.decompress(data, CHUNK)
                except zlib.error:
                    raise damaged from None
                data = engine.unconsumed_tail
                finished = engine.eof
                if finished and (engine.unused_data or left):
                    raise damaged
            out += len(chunk)
            checksum = zlib.crc32(chunk, checksum)
            if out > info.file_size:
                raise damaged
            if chunk:
                yield chunk
    if engine is not None and not finished:
        # The last of the input may still hold output back.
        chunk = engine.flush()
        out += len(chunk)
        checksum = zlib.crc32(chunk, checksum)
        if chunk:
            yield chunk
    if out != info.file_size or checksum != info.CRC:
        raise damaged


def _small(handle: BinaryIO, infos: list[zipfile.ZipInfo], name: str) -> bytes:
    """A short entry whole; b'' where there is none. Raises Refused above 8 MB."""
    for info in infos:
        if info.filename == name:
            if info.file_size > 8 << 20:
                raise Refused(_("“%(name)s”太大，没有读取。请另存为新的 .xlsx") % {"name": name})
            return b"".join(unpacked(handle, info))
    return b""


# ---- the sheet that will be read -----------------------------------------------------------------------------------


def scan_xlsx(path: Path) -> tuple[str, int, Marks]:
    """The first visible sheet: its name, how many other sheets hold rows, and the marks on its cells. Raises Refused."""
    with path.open("rb") as handle:
        infos = {info.filename: info for info in directory(handle)}
        sheets: list[tuple[str, str, str]] = []
        targets: dict[str, str] = {}

        def workbook(tag: str, attributes: dict[str, str]) -> None:
            if _local(tag) == "sheet":
                relation = next(
                    (value for key, value in attributes.items() if key.rpartition(":")[2] == "id" and ":" in key), ""
                )
                sheets.append((attributes.get("name", ""), relation, attributes.get("state", "visible")))

        def relations(tag: str, attributes: dict[str, str]) -> None:
            if _local(tag) == "Relationship" and attributes.get("Type", "").endswith("/worksheet"):
                targets[attributes.get("Id", "")] = attributes.get("Target", "")

        _parse([_small(handle, list(infos.values()), "xl/workbook.xml")], workbook, "xl/workbook.xml")
        _parse(
            [_small(handle, list(infos.values()), "xl/_rels/workbook.xml.rels")],
            relations,
            "xl/_rels/workbook.xml.rels",
        )

        def part(relation: str) -> "zipfile.ZipInfo | None":
            target = targets.get(relation, "")
            return infos.get(target.lstrip("/") if target.startswith("/") else f"xl/{target}")

        visible = [(name, info) for name, relation, state in sheets if state == "visible" and (info := part(relation))]
        if not visible:
            raise Refused(_("工作簿里没有可见的工作表"))
        name, info = visible[0]
        others = sum(1 for _name, other in visible[1:] if any(_CELL.search(chunk) for chunk in unpacked(handle, other)))
        marks = Marks()
        scan = _SheetScan(marks)
        _parse(unpacked(handle, info), scan.start, info.filename)
        scan.finish()
    return name, others, marks


class _SheetScan:
    """Follows the cells of one worksheet: their places, formulas, error values and merges."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.row, self.row_text, self.column = 0, "0", -1
        self.columns: dict[str, int] = {}
        self.merges: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        # Two of these for every cell of a register: the common ways are the short ones.
        if tag == "v" or tag == "is":
            if self.row > self.marks.rows or self.column >= self.marks.columns:
                self.marks.filled(self.row, self.column)
        elif tag == "c":
            reference = attributes.get("r")
            if not reference:
                self.column += 1
            elif (
                reference.endswith(self.row_text)
                and (column := self.columns.get(reference[: -len(self.row_text)])) is not None
            ):
                self.column = column
            else:
                self.row, self.column = self._place(reference)
                self.row_text = str(self.row)
            if attributes.get("t") == "e":
                self.marks.error(self.row, self.column)
        elif tag == "row":
            number = attributes.get("r", "")
            self.row = int(number) if number.isascii() and number.isdigit() and len(number) < 8 else self.row + 1
            self.row_text = str(self.row)
            self.column = -1
        elif tag == "f":
            self.marks.formula(self.row, self.column)
        elif tag == "mergeCell":
            self.merges.append(attributes.get("ref", ""))
            if len(self.merges) > 100_000:
                raise Refused(_("合并单元格太多，没有读取。请取消合并后再上传"))
        elif ":" in tag:
            self.start(tag.rpartition(":")[2], attributes)

    def _place(self, reference: str) -> tuple[int, int]:
        match = _REFERENCE.fullmatch(reference)
        if not match:
            raise Refused(_("单元格地址“%(cell)s”不正常，没有读取。请另存为新的 .xlsx") % {"cell": reference[:20]})
        name = match[1]
        column = self.columns.get(name)
        if column is None:
            column = 0
            for letter in name:
                column = column * 26 + ord(letter) - 64
            column -= 1
            self.columns[name] = column
        return int(match[2]), column

    def finish(self) -> None:
        for merge in self.merges:
            first, _colon, last = merge.partition(":")
            (top, left), (bottom, right) = self._place(first), self._place(last or first)
            for row in range(top, min(bottom, self.marks.rows) + 1):
                for column in range(left, min(right, self.marks.columns - 1) + 1):
                    if (row, column) != (top, left):
                        self.marks.merged(row, column)


def scan_ods(path: Path) -> tuple[int, Marks]:
    """How many other tables there are, and the marks on the cells of the first. Raises Refused."""
    with path.open("rb") as handle:
        infos = directory(handle)
        content = next((info for info in infos if info.filename == "content.xml"), None)
        if content is None:
            raise Refused(_("ODS 文件里没有内容。请另存为 .xlsx"))
        marks = Marks()
        scan = _OdsScan(marks)
        _parse(unpacked(handle, content), scan.start, "content.xml")
    return max(scan.tables - 1, 0), marks


class _OdsScan:
    """Follows the rows and cells of the first table, with their repetitions."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.tables = 0
        self.row = self.next_row = self.column = self.next_column = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = _local(tag)
        if tag == "table":
            self.tables += 1
        if self.tables != 1:
            return
        if tag == "table-row":
            self.row = self.next_row
            self.next_row = self.row + self._times(attributes, "number-rows-repeated")
            self.next_column = 0
        elif tag in ("table-cell", "covered-table-cell"):
            self.column = self.next_column
            times = self._times(attributes, "number-columns-repeated")
            self.next_column = self.column + times
            local = {key.rpartition(":")[2]: value for key, value in attributes.items()}
            if tag == "covered-table-cell":
                if self.column < self.marks.columns or times < 1000:
                    for column in range(self.column, min(self.next_column, self.column + 1000)):
                        self.marks.merged(self.row + 1, column)
            elif "value-type" in local:
                self.marks.filled(self.next_row, self.next_column - 1)
                if "formula" in local:
                    self.marks.formula(self.row + 1, self.column)
                if local["value-type"] == "error" or "error" in attributes.get("calcext:value-type", ""):
                    self.marks.error(self.row + 1, self.column)
        elif tag == "p" and self.next_column:
            self.marks.filled(self.next_row, self.next_column - 1)

    @staticmethod
    def _times(attributes: dict[str, str], key: str) -> int:
        for name, value in attributes.items():
            if name.rpartition(":")[2] == key:
                if not value.isascii() or not value.isdigit() or len(value) > 7:
                    raise Refused(_("ODS 文件里的重复次数“%(n)s”不正常，没有读取。请另存为 .xlsx") % {"n": value[:20]})
                return int(value)
        return 1


def _local(name: str) -> str:
    """A name without its namespace prefix."""
    return name.rpartition(":")[2]


def _parse(chunks: "Iterator[bytes] | list[bytes]", start: Any, name: str) -> None:
    """Feeds chunks to an XML parser that calls `start(tag as written, attributes)`. Document types and entities are refused."""
    parser = expat.ParserCreate()

    def refuse(*_words: Any) -> None:
        raise _entities(name)

    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as problem:
        raise Refused(
            _("“%(name)s”不是完整的 XML(%(detail)s)。请另存为新的 .xlsx") % {"name": name, "detail": problem}
        ) from None
