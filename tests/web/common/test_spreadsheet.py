"""Registers are read as the spreadsheet shows them: encodings, delimiters, row numbers, dates, codes."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.common import files
from zhunsheng.web.common import exports
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet import letters, open_table, parse_day, parse_day_as

LIMIT = 50 << 20
TEXT = "代码,名称,成立日期\r\n1,衡川市示例食品有限公司,2017年5月3日\r\n2,第二家,\r\n"


def write(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def table(path, **more):
    return open_table(path, path.name, max_bytes=more.pop("max_bytes", LIMIT), **more)


def rows(path, **more):
    with table(path, **more) as opened:
        return [(row.number, row.cells) for row in opened.rows]


def faults(path):
    with table(path) as opened:
        return {(row.number, fault.column): fault.message for row in opened.rows for fault in row.faults}


def test_it_works(tmp_path):
    path = write(tmp_path, "a.csv", TEXT)
    with table(path) as opened:
        assert (opened.kind, opened.encoding, opened.header, opened.header_row) == (
            "csv",
            "UTF-8",
            ["代码", "名称", "成立日期"],
            1,
        )
        assert [(row.number, row.cells, row.faults) for row in opened.rows] == [
            (2, ["1", "衡川市示例食品有限公司", "2017年5月3日"], ()),
            (3, ["2", "第二家", ""], ()),
        ]


@pytest.mark.parametrize(
    ("codec", "mark", "name"),
    [
        ("utf-8", b"", "UTF-8"),
        ("utf-8-sig", b"", "UTF-8 (BOM)"),
        ("utf-16", b"", "UTF-16"),
        ("utf-16-be", b"\xfe\xff", "UTF-16"),
        ("utf-32", b"", "UTF-32"),
        ("gb18030", b"", "GB18030"),
        ("gbk", b"", "GB18030"),
        ("gb2312", b"", "GB18030"),
    ],
)
def test_an_encoding_is_recognised_and_named(tmp_path, codec, mark, name):
    path = write(tmp_path, "a.csv", mark + TEXT.encode(codec))
    with table(path) as opened:
        assert opened.encoding == name
        assert next(iter(opened.rows)).cells[1] == "衡川市示例食品有限公司"


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("big5", "統一編號,名稱\r\n1,臺灣食品股份有限公司與關係企業協會\r\n2,國際貿易發展與經濟研究學會\r\n"),
        ("shift_jis", "番号,名前\r\n1,株式会社サンプルフーズひがしかわ\r\n2,カタカナトヒラガナ\r\n"),
        ("latin-1", "id,nom\r\n1,Boulangerie é, à côté\r\n"),
    ],
)
def test_another_encoding_is_refused_with_the_remedy(tmp_path, codec, text):
    with pytest.raises(Refused, match="CSV UTF-8"):
        table(write(tmp_path, "a.csv", text.encode(codec)))


def test_rare_characters_of_gb18030_do_not_count_against_it(tmp_path):
    text = "名称,地址\r\n" + "㐀䶵𠀀镕堃玥食品厂,衡川市东河区人民路\r\n" * 3
    with table(write(tmp_path, "a.csv", text.encode("gb18030"))) as opened:
        assert opened.encoding == "GB18030"
        assert next(iter(opened.rows)).cells[0] == "㐀䶵𠀀镕堃玥食品厂"


@pytest.mark.parametrize(
    ("mark", "name"), [(",", "a.csv"), (";", "a.csv"), ("\t", "a.csv"), ("\t", "a.tsv"), (";", "a.txt")]
)
def test_the_delimiter_is_found(tmp_path, mark, name):
    path = write(tmp_path, name, TEXT.replace(",", mark))
    assert rows(path)[0] == (2, ["1", "衡川市示例食品有限公司", "2017年5月3日"])


def test_commas_within_cells_do_not_hide_a_tab(tmp_path):
    path = write(tmp_path, "a.csv", "代码\t名称\r\n1\t甲,乙,丙\r\n2\t丁,戊\r\n")
    assert rows(path) == [(2, ["1", "甲,乙,丙"]), (3, ["2", "丁,戊"])]


def test_a_file_of_one_column_is_read(tmp_path):
    assert rows(write(tmp_path, "a.csv", "代码\r\n1\r\n2\r\n")) == [(2, ["1"]), (3, ["2"])]


def test_row_numbers_are_those_of_the_spreadsheet(tmp_path):
    """Empty rows count, a cell of several lines is one row, and a title stands above the heading."""
    text = '企业名单,,\r\n\r\n代码,名称,地址\r\n1,甲,"一楼\n二楼"\r\n\r\n,,\r\n2,乙,三楼\r\n'
    path = write(tmp_path, "a.csv", text)
    with table(path) as opened:
        assert (opened.header_row, opened.header) == (3, ["代码", "名称", "地址"])
        assert "第 3 行是表头" in opened.notes[0]
        assert [(row.number, row.cells) for row in opened.rows] == [
            (4, ["1", "甲", "一楼 二楼"]),
            (7, ["2", "乙", "三楼"]),
        ]


def test_a_ragged_row_is_named_and_never_shifted(tmp_path):
    path = write(tmp_path, "a.csv", "代码,名称,地址\r\n1,甲\r\n2,乙,丙,丁\r\n3,戊,己,,\r\n4,庚,辛\r\n")
    with table(path) as opened:
        found = list(opened.rows)
    assert [row.cells for row in found] == [["1", "甲", ""], ["2", "乙", "丙"], ["3", "戊", "己"], ["4", "庚", "辛"]]
    assert "只有 2 格" in found[0].faults[0].message
    assert "多 1 格" in found[1].faults[0].message and "D 列的“丁”" in found[1].faults[0].message
    assert not found[2].faults and not found[3].faults


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(Refused, match="B 列和 D 列"):
        table(write(tmp_path, "a.csv", "代码,名称,地址,名称\r\n1,甲,乙,丙\r\n"))


def test_a_column_without_a_name_is_called_by_its_letter(tmp_path):
    with table(write(tmp_path, "a.csv", "代码,,名称,\r\n1,x,甲,\r\n")) as opened:
        assert opened.header == ["代码", "未命名列 B", "名称"]
        assert next(iter(opened.rows)).cells == ["1", "x", "甲"]


def test_space_around_a_cell_is_no_part_of_it(tmp_path):
    assert rows(write(tmp_path, "a.csv", "代码,名称\r\n 1 ,\u3000甲 乙\u3000\r\n"))[0][1] == ["1", "甲 乙"]


def test_the_apostrophe_of_our_export_is_taken_off(tmp_path):
    lines = "".join(exports.csv_lines(["代码", "名称"], [["1", "=1+1有限公司"], ["2", "-号厂"], ["3", "'自己的'"]]))
    assert [cells[1] for _number, cells in rows(write(tmp_path, "a.csv", lines))] == [
        "=1+1有限公司",
        "-号厂",
        "'自己的'",
    ]


@given(st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20), min_size=2, max_size=2))
def test_what_our_export_writes_the_reader_reads(tmp_path_factory, cells):
    cells = [" ".join(cell.split()).strip("\u200b\ufeff \u3000\xa0") for cell in cells]
    if not all(cells):
        return
    path = tmp_path_factory.mktemp("trip") / "a.csv"
    path.write_text("".join(exports.csv_lines(["甲", "乙"], [cells])), encoding="utf-8", newline="")
    assert rows(path) == [(2, cells)]


def test_an_unpaired_quotation_mark_names_its_row(tmp_path):
    path = write(tmp_path, "a.csv", '代码,名称\r\n1,甲\r\n2,"乙\r\n3,丙\r\n')
    with pytest.raises(Refused, match="第 3 行.*引号"):
        rows(path)


# -- workbooks ---------------------------------------------------------------------------------------------------------
def test_a_workbook_is_read_as_it_is_shown(tmp_path):
    path = files.xlsx(
        tmp_path / "a.xlsx",
        [
            ["标题"],
            [],
            ["代码", "名称", "日期", "数", "是否"],
            ["007", "甲", datetime.date(2017, 5, 3), 42, True],
            [],
            ["8", "乙", None, 1.5, None],
        ],
        extra=["别的"],
    )
    with table(path) as opened:
        assert (opened.kind, opened.header_row, opened.header) == ("xlsx", 3, ["代码", "名称", "日期", "数", "是否"])
        assert [(row.number, row.cells) for row in opened.rows] == [
            (4, ["007", "甲", "2017-05-03", "42", "是"]),
            (6, ["8", "乙", "", "1.5", ""]),
        ]
        assert "“Sheet1”；另有 1 个工作表没有读" in opened.notes[0]


def test_a_formula_is_named_by_its_cell(tmp_path):
    book = files.xlsx(tmp_path / "a.xlsx", [["代码", "名称"], ["1", "甲"], ["=1+1", "乙"], [3, '=A2&"x"']])
    found = faults(book)
    assert set(found) == {(3, 0), (4, 1)}
    assert "单元格 A3 是公式" in found[3, 0] and "选择性粘贴" in found[3, 0]


def test_a_formula_that_was_never_computed_is_not_lost(tmp_path):
    """Some programs write formulas without their values: the row would look empty, or not be there."""
    source = files.xlsx(tmp_path / "b.xlsx", [["代码", "名称"], ["1", "甲"]])
    path = files.edited(
        tmp_path / "a.xlsx",
        source,
        files.SHEET,
        b"</sheetData>",
        b'<row r="3"><c r="A3"><f>1+1</f></c></row></sheetData>',
    )
    assert (3, 0) in faults(path)


def test_an_error_value_is_not_an_empty_cell(tmp_path):
    source = files.xlsx(tmp_path / "b.xlsx", [["代码", "名称"], ["1", "甲"]])
    path = files.edited(
        tmp_path / "a.xlsx",
        source,
        files.SHEET,
        b"</sheetData>",
        b'<row r="3"><c r="A3" t="e"><v>#REF!</v></c><c r="B3"><v>5</v></c></row></sheetData>',
    )
    assert "A3 是错误值" in faults(path)[3, 0]


def test_a_code_that_lost_its_digits_is_named(tmp_path):
    """Eighteen digits in a cell of numbers: the last three are already zeros."""
    found = faults(
        files.xlsx(tmp_path / "a.xlsx", [["代码", "名称"], [911401000000000123, "甲"], [123456789012345, "乙"]])
    )
    assert set(found) == {(2, 0)}
    assert "A2 是超过 15 位的数字" in found[2, 0]


def test_merged_cells_are_named_not_read_as_empty(tmp_path):
    import xlsxwriter

    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    sheet = book.add_worksheet()
    for row, cells in enumerate([["区划", "名称"], ["", "甲"], ["", "乙"], ["东河区", "丙"]]):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    sheet.merge_range(1, 0, 2, 0, "西岭区")
    book.close()
    found = faults(tmp_path / "a.xlsx")
    assert set(found) == {(3, 0)} and "A3 在合并单元格里" in found[3, 0]


def test_the_first_visible_sheet_is_read(tmp_path):
    import xlsxwriter

    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    hidden, shown = book.add_worksheet("旧"), book.add_worksheet("新")
    hidden.write(0, 0, "不读")
    hidden.hide()
    shown.activate()
    shown.set_first_sheet()
    for column, cell in enumerate(["代码", "名称"]):
        shown.write(0, column, cell)
        shown.write(1, column, "1")
    book.close()
    assert rows(tmp_path / "a.xlsx") == [(2, ["1", "1"])]


def test_an_open_document_is_read(tmp_path):
    path = files.ods(
        tmp_path / "a.ods",
        files.ods_row(files.ods_cell("代码"), files.ods_cell("名称"))
        + files.ods_row(
            '<table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell>',
            files.ods_cell("甲"),
        )
        + files.ods_row('<table:table-cell table:number-columns-repeated="1024"/>', times=1_000_000),
    )
    assert rows(path) == [(2, ["7", "甲"])]


def test_an_open_documents_formula_is_named(tmp_path):
    path = files.ods(
        tmp_path / "a.ods",
        files.ods_row(files.ods_cell("代码"), files.ods_cell("名称"))
        + files.ods_row(files.ods_cell("1"), files.ods_cell("2", 'table:formula="of:=1+1"')),
    )
    assert "B2 是公式" in faults(path)[2, 1]


def test_an_old_workbook_is_read(tmp_path):
    cells = b"".join(
        [
            files.label(0, 0, "代码"), files.label(0, 1, "名称"), files.label(1, 0, "1"), files.label(1, 1, "甲"),
            files.number(2, 0, 2), files.formula(2, 1, 3), files.label(3, 0, "4"), files.error(3, 1),
        ]
    )  # fmt: skip
    path = files.xls(tmp_path / "a.xls", cells)
    with table(path) as opened:
        found = list(opened.rows)
        assert opened.kind == "xls"
    assert [(row.number, row.cells[0]) for row in found] == [(2, "1"), (3, "2"), (4, "4")]
    assert found[0].cells == ["1", "甲"]
    assert "B3 是公式" in found[1].faults[0].message
    assert "B4 是错误值" in found[2].faults[0].message


# -- days --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        "2017年5月3日", "2017-05-03", "2017/5/3", "2017.5.3", "20170503", "2017 年 5 月 3 日", "2017/05/03 00:00:00",
        "2017-05-03T08:30:00", "42858", "42858.0", "2017年5月3日", "2017-05-03",
    ],
)  # fmt: skip
def test_a_day_is_read_in_the_forms_in_use(text):
    assert parse_day(text) == datetime.date(2017, 5, 3)


def test_days_of_the_reader_stay_days():
    assert parse_day(datetime.date(2017, 5, 3)) == datetime.date(2017, 5, 3)
    assert parse_day(datetime.datetime(2017, 5, 3, 23, 59, tzinfo=datetime.UTC)) == datetime.date(2017, 5, 3)
    assert parse_day_as("03/05/2017", "%d/%m/%Y") == datetime.date(2017, 5, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2017-02-30", "没有“2017-02-30”这一天"), ("2017年13月1日", "没有"), ("2017-5/3", "可以写成"), ("五月三日", "可以写成"),
        ("2017年5月", "可以写成"), ("03/05/2017", "可以写成"), ("0017-05-03", "年份"), ("2017-05-03Z", "可以写成"), ("", "可以写成"),
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused_with_the_forms(text, said):
    with pytest.raises(Refused, match=said):
        parse_day(text)


@given(st.dates(datetime.date(1900, 3, 1), datetime.date(2100, 12, 31)))
def test_every_day_comes_back_from_every_form(day):
    forms = [
        f"{day.year}年{day.month}月{day.day}日",
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}.{day.month}.{day.day}",
        f"{day:%Y%m%d}",
    ]
    serial = str((day - datetime.date(1899, 12, 30)).days)
    assert {parse_day(one) for one in forms} == {day}
    if len(serial) == 5:
        assert parse_day(serial) == day


@pytest.mark.parametrize(("index", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_have_the_letters_of_the_spreadsheet(index, name):
    assert letters(index) == name
