"""Files that lie, swell, hide or break: each gets one clear sentence, nothing is expanded, nothing is stored."""

import io
import struct
import tracemalloc
import zipfile
import zlib

import pytest

from tests.web.common import files
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet import MAX_ROWS, open_table

LIMIT = 50 << 20
ROWS = [["代码", "名称"], ["1", "甲"]]


def read(path, name=None, max_bytes=LIMIT, **more):
    with open_table(path, name or path.name, max_bytes=max_bytes, **more) as table:
        return list(table.rows)


def refusal(path, name=None, **more) -> str:
    with pytest.raises(Refused) as caught:
        read(path, name, **more)
    return str(caught.value)


@pytest.fixture
def book(tmp_path):
    return files.xlsx(tmp_path / "good.xlsx", ROWS)


def rezip(path, source, change=None, add=(), method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(path, "w", method) as after:
        for info in before.infolist():
            data = before.read(info)
            after.writestr(info.filename, change(info.filename, data) if change else data)
        for name, data in add:
            after.writestr(name, data)
    return path


def test_the_good_file_is_read(book):
    assert [row.cells for row in read(book)] == [["1", "甲"]]


# -- size --------------------------------------------------------------------------------------------------------------
def test_a_file_of_100_mb_is_refused_unread(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    with path.open("wb") as out:
        out.truncate(100 << 20)
    monkeypatch.setattr(type(path), "open", lambda *words, **more: pytest.fail("the file was opened"))
    assert "100 MB，最多 50 MB" in refusal(path)


def test_too_many_rows_are_refused_where_they_begin(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("代码,名称\n" + "1,甲\n" * 12)
    assert "超过 10 行" in refusal(path, max_rows=10)
    assert len(read(path, max_rows=12)) == 12
    assert MAX_ROWS >= 50_000


def test_ten_million_empty_rows_cost_no_memory(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("代码,名称\n".encode() + b"\n" * 3_000_000 + "1,甲\n".encode())
    tracemalloc.start()
    assert [row.number for row in read(path)] == [3_000_002]
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def test_an_empty_file_and_a_file_of_blanks_are_refused(tmp_path):
    empty, blank = tmp_path / "a.csv", tmp_path / "b.csv"
    empty.write_bytes(b"")
    blank.write_bytes(b"\r\n ,\r\n\r\n")
    assert "0 字节" in refusal(empty)
    assert "没有表头" in refusal(blank)


def test_an_empty_workbook_is_refused(tmp_path):
    assert "没有表头" in refusal(files.xlsx(tmp_path / "a.xlsx", []))


def test_a_heading_of_ten_thousand_columns_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"c{i}" for i in range(10_000)) + "\n")
    assert "最多 500 列" in refusal(path)


# -- what it is --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"%PDF-1.7\n...", "PDF"),
        ("a.xlsx", b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
        ("a.xls", b"<html><table><tr><td>1</td></tr></table></html>", "HTML"),
        ("a.xls", b"\xef\xbb\xbf<!DOCTYPE html><html></html>", "HTML"),
        ("a.xls", b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "XML"),
        ("a.xlsx", b"Rar!\x1a\x07\x00" + bytes(50), "RAR"),
        ("a.csv", b"\x1f\x8b\x08" + bytes(50), "gzip"),
        ("a.csv", b"\x7fELF" + bytes(50), "ELF"),
        ("a.csv", b"SQLite format 3\x00" + bytes(50), "SQLite"),
    ],
)  # fmt: skip
def test_a_file_is_called_what_it_is(tmp_path, name, data, said):
    path = tmp_path / name
    path.write_bytes(data)
    assert said in refusal(path)


def test_the_name_and_the_content_must_agree(tmp_path, book):
    assert "内容却是 .xlsx" in refusal(book, "a.csv")
    assert "内容却是 .xlsx" in refusal(book, "a.xls")
    text = tmp_path / "a.csv"
    text.write_text("代码,名称\n1,甲\n")
    assert "内容却是 .csv" in refusal(text, "a.xlsx")
    old = files.xls(tmp_path / "a.xls", files.label(0, 0, "x"))
    assert "内容却是 .xls" in refusal(old, "a.xlsx")


@pytest.mark.parametrize("name", ["a.xlsm", "a.exe", "a", "a.csv.zip", "a.xlsb"])
def test_other_names_are_not_accepted(book, name):
    assert "不带宏" in refusal(book, name) or "不接受" in refusal(book, name)


@pytest.mark.parametrize("data", [b"code,name\n1,a\0b\n", "代码,名称\n1,甲\0\n".encode("utf-16"), b"\0" * 100])
def test_nul_bytes_are_refused(tmp_path, data):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    assert "NUL" in refusal(path)


def test_a_text_that_breaks_off_within_a_character_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "代码,名称\n1,甲".encode()[:-1])
    assert "UTF-8 (BOM)" in refusal(path)


def test_invisible_control_characters_are_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("代码,名称\n1,甲\x08乙\n2,丙\n")
    found = read(path)
    assert "B 列有看不见的控制字符" in found[0].faults[0].message
    assert not found[1].faults


# -- zip ---------------------------------------------------------------------------------------------------------------
def test_a_zip_bomb_is_refused_by_its_ratio(tmp_path, book):
    path = rezip(tmp_path / "a.xlsx", book, add=[("xl/media/image1.bin", bytes(200 << 20))])
    assert path.stat().st_size < 1 << 20
    assert "压缩炸弹" in refusal(path)


def test_many_entries_that_swell_together_are_refused(tmp_path, book):
    noise = bytes(range(256)) * 64  # 16 kB that shrink, but not suspiciously
    path = rezip(tmp_path / "a.xlsx", book, add=[(f"xl/media/{i}.bin", noise * 64 * 4) for i in range(140)])
    assert "压缩炸弹" in refusal(path)


def test_a_directory_of_many_thousand_entries_is_refused_unread(tmp_path, book):
    path = rezip(tmp_path / "a.xlsx", book, add=[(f"x/{i}", b"") for i in range(3000)])
    assert "最多 2000 个" in refusal(path)


def test_a_directory_that_lies_about_a_size_is_caught(tmp_path, book):
    """The directory says 1 kB; the stream holds 8 MB. A reader that believes streams would unpack them all."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = bomb.compress(bytes(8 << 20)) + bomb.flush()
    name = b"xl/media/image1.bin"
    data = bytearray(book.read_bytes())
    end = data.rfind(b"PK\x05\x06")
    count, size, offset = struct.unpack_from("<HII", data, end + 10)
    crc = zlib.crc32(bytes(1024))
    local = (
        struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, len(packed), 1024, len(name), 0)
        + name
        + packed
    )
    central = (
        struct.pack(
            "<4sHHHHHHIIIHHHHHII",
            b"PK\x01\x02",
            20,
            20,
            0,
            8,
            0,
            0,
            crc,
            len(packed),
            1024,
            len(name),
            0,
            0,
            0,
            0,
            0,
            offset,
        )
        + name
    )
    body = bytes(data[:offset]) + local + bytes(data[offset : offset + size]) + central
    tail = struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, count + 1, count + 1, size + len(central), offset + len(local), 0
    )
    path = tmp_path / "a.xlsx"
    path.write_bytes(body + tail)
    assert "与压缩目录不符" in refusal(path)


def test_a_changed_byte_in_a_part_is_caught(tmp_path, book):
    path = rezip(tmp_path / "a.xlsx", book, method=zipfile.ZIP_STORED)
    data = path.read_bytes()
    at = data.find(b"<sheetData>")
    path.write_bytes(data[:at] + b"<SheetData>" + data[at + 11 :])
    assert "已损坏" in refusal(path)


def test_a_zip_without_its_end_is_refused(tmp_path, book):
    path = tmp_path / "a.xlsx"
    path.write_bytes(book.read_bytes()[:-40])
    assert "已损坏" in refusal(path)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "xl\\..\\..\\evil.dll", "C:/evil.exe"])
def test_paths_that_lead_out_are_refused(tmp_path, book, name):
    assert "路径" in refusal(rezip(tmp_path / "a.xlsx", book, add=[(name, b"x")]))


def test_an_archive_within_the_archive_is_refused(tmp_path, book):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as out:
        out.writestr("x", b"x")
    assert "嵌着另一个压缩文件" in refusal(
        rezip(tmp_path / "a.xlsx", book, add=[("xl/embeddings/a.bin", inner.getvalue())])
    )


def test_two_entries_of_one_name_are_refused(tmp_path, book):
    with pytest.warns(UserWarning, match="Duplicate"):
        path = rezip(tmp_path / "a.xlsx", book, add=[(files.SHEET, b"<worksheet/>")])
    assert "有两个" in refusal(path)


def test_an_ordinary_zip_is_not_a_table(tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("a.csv", "1,2")
    assert "请先解压" in refusal(path)


def test_macros_are_refused(tmp_path, book):
    assert "宏" in refusal(rezip(tmp_path / "a.xlsx", book, add=[("xl/vbaProject.bin", b"x")]))
    assert "宏" in refusal(files.xls(tmp_path / "a.xls", files.label(0, 0, "x"), storages=["_VBA_PROJECT_CUR"]))


def test_a_password_is_named(tmp_path, book):
    path = tmp_path / "a.xlsx"
    data = bytearray(book.read_bytes())
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    assert "密码" in refusal(path)
    assert "密码" in refusal(files.ole(tmp_path / "b.xls", bytes(4096), stream="EncryptedPackage"))
    assert "密码" in refusal(files.xls(tmp_path / "c.xls", b"", globals_extra=struct.pack("<HHHHH", 0x2F, 6, 0, 0, 0)))


# -- XML ---------------------------------------------------------------------------------------------------------------
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("declaration", [LAUGHS, OUTSIDE, b'<!doctype x SYSTEM "http://example.com/x.dtd">'])
@pytest.mark.parametrize(
    "part",
    [files.SHEET, "xl/sharedStrings.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"],
)
def test_entities_and_document_types_are_refused_in_every_part(tmp_path, book, part, declaration):
    def change(name, data):
        return data.replace(b"?>", b"?>" + declaration, 1) if name == part else data

    assert "文档类型或实体" in refusal(rezip(tmp_path / "a.xlsx", book, change))


def test_a_declaration_in_another_encoding_does_not_slip_through(tmp_path, book):
    def change(name, data):
        if name != files.SHEET:
            return data
        text = data.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').replace("?>", "?>" + LAUGHS.decode(), 1)
        return text.encode("utf-16")

    assert "不是 UTF-8" in refusal(rezip(tmp_path / "a.xlsx", book, change))


def test_broken_xml_is_refused(tmp_path, book):
    assert "不是完整的 XML" in refusal(files.edited(tmp_path / "a.xlsx", book, files.SHEET, b"</sheetData>", b""))


@pytest.mark.parametrize("cell", ["XFD1048576", "ZZZ9999999", "A9000000"])
def test_a_cell_at_the_end_of_the_world_is_refused_before_memory_is_asked_for(tmp_path, book, cell):
    """The reader of values would ask for 17 thousand million cells, and the process would end."""
    extra = f'<row r="5"><c r="{cell}"><v>1</v></c></row></sheetData>'.encode()
    assert "离得太远" in refusal(files.edited(tmp_path / "a.xlsx", book, files.SHEET, b"</sheetData>", extra))


def test_a_dimension_that_lies_changes_nothing(tmp_path, book):
    path = files.edited(
        tmp_path / "a.xlsx", book, files.SHEET, b'<dimension ref="A1:B2"/>', b'<dimension ref="A1:XFD1048576"/>'
    )
    assert [row.cells for row in read(path)] == [["1", "甲"]]


@pytest.mark.parametrize("reference", ["A0x", "1A", "AAAAA1", "a1", "$A$1", "A12345678"])
def test_a_cell_without_a_place_is_refused(tmp_path, book, reference):
    extra = f'<row r="5"><c r="{reference}"><v>1</v></c></row></sheetData>'.encode()
    assert "不正常" in refusal(files.edited(tmp_path / "a.xlsx", book, files.SHEET, b"</sheetData>", extra))


def test_ten_thousand_formulas_get_one_sentence(tmp_path):
    path = files.xlsx(tmp_path / "a.xlsx", [["代码", "名称"], *[["1", "=1+1"] for _ in range(6000)]])
    assert "5,000 个以上的公式" in refusal(path)


def test_repeated_cells_of_an_open_document_are_refused_before_they_are_made(tmp_path):
    rows = files.ods_row(files.ods_cell("代码"), files.ods_cell("名称")) + files.ods_row(
        files.ods_cell("x", 'table:number-columns-repeated="16384"'), times=1_000_000
    )
    assert "离得太远" in refusal(files.ods(tmp_path / "a.ods", rows))
    rows = files.ods_row(files.ods_cell("代码"), files.ods_cell("名称", 'table:number-columns-repeated="99999999999"'))
    assert "重复次数" in refusal(files.ods(tmp_path / "b.ods", rows))


# -- OLE ---------------------------------------------------------------------------------------------------------------
def test_a_sheet_of_16_million_cells_is_refused(tmp_path):
    cells = files.label(0, 0, "代码") + files.number(65535, 255, 1)
    assert "离得太远" in refusal(files.xls(tmp_path / "a.xls", cells))


def test_a_chain_of_sectors_that_bites_its_tail_is_refused(tmp_path):
    path = files.xls(tmp_path / "a.xls", files.label(0, 0, "x"))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 512 + 4 * 3, 2)  # the second sector of the stream leads back to the first
    path.write_bytes(data)
    assert "已损坏" in refusal(path)


@pytest.mark.parametrize("cut", [8, 100, 512, 700, 1024, 1600, 3000])
def test_a_cut_old_workbook_is_refused(tmp_path, cut):
    path = files.xls(tmp_path / "a.xls", files.label(0, 0, "x"))
    path.write_bytes(path.read_bytes()[:cut])
    assert "已损坏" in refusal(path)


def test_another_old_office_document_is_named(tmp_path):
    assert "不是 Excel" in refusal(files.ole(tmp_path / "a.xls", bytes(4096), stream="WordDocument"))


# -- at random ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods", "csv"])
def test_any_damaged_byte_gives_rows_or_a_sentence(tmp_path, book, kind):
    """A thousand files with a few bytes changed: read or refused, never another exception."""
    import random

    rng = random.Random(20171)
    source = {
        "xlsx": book,
        "xls": files.xls(
            tmp_path / "g.xls", files.label(0, 0, "代码") + files.label(0, 1, "名称") + files.number(1, 0, 1)
        ),
        "ods": files.ods(tmp_path / "g.ods", files.ods_row(files.ods_cell("代码"), files.ods_cell("名称"))),
        "csv": tmp_path / "g.csv",
    }[kind]
    if kind == "csv":
        source.write_bytes('代码,名称\r\n1,"甲"\r\n2,乙\r\n'.encode("gb18030"))
    data = source.read_bytes()
    path = tmp_path / f"x.{kind}"
    outcomes = set()
    for _ in range(250):
        broken = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        if rng.random() < 0.2:
            broken = broken[: rng.randrange(1, len(broken))]
        path.write_bytes(broken)
        try:
            read(path)
            outcomes.add("read")
        except Refused as problem:
            assert str(problem)
            outcomes.add("refused")
    assert "refused" in outcomes


@pytest.mark.parametrize("end", ["", "raise SystemExit(1)", "import os; os.abort()"])
def test_a_reader_that_dies_half_way_takes_nobody_with_it(tmp_path, book, monkeypatch, end):
    """The process apart ends in the middle of the rows: the file is refused, the rows so far are not believed."""
    from zhunsheng.web.common.spreadsheet import workbooks

    script = tmp_path / "dying.py"
    script.write_text(
        'import sys\nsys.stdout.write(\'{"title": "S", "first": 0}\\n["a", "b"]\\n["1", "2"]\\n\')\nsys.stdout.flush()\n'
        + end
    )
    monkeypatch.setattr(workbooks, "READER", script)
    assert "文件打不开" in refusal(book)


def test_the_reader_may_not_take_all_the_memory(tmp_path, book, monkeypatch):
    from zhunsheng.web.common.spreadsheet import reader, workbooks

    script = tmp_path / "greedy.py"
    script.write_text(
        f"import importlib.util\nspec = importlib.util.spec_from_file_location('r', {reader.__file__!r})\n"
        "r = importlib.util.module_from_spec(spec); spec.loader.exec_module(r)\nr._limit()\nx = bytearray(3 << 30)\n"
    )
    monkeypatch.setattr(workbooks, "READER", script)
    assert "内存" in refusal(book)
