"""The printed page: geometry of GB/T 9704-2012, PDF/A-2b, faces embedded, the text read back, the same bytes each time.

Reference: GB/T 9704-2012, 5.1 (A4), 5.2.1 (margins 37 mm and 28 mm, type area 156 mm × 225 mm), 5.2.2 (size 3, 16 pt),
5.2.3 (22 lines of 28 characters), 7.5 (page number in size 4 between dashes, 7 mm below the type area).
"""

import datetime
import io
import re

import pytest
from PIL import Image
from pypdf import PdfReader

from zhunsheng.engine import documents as engine
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.documents import actions, faces, printing, queries

MM = 72 / 25.4
AT = datetime.datetime(2026, 11, 24, 9, 30, tzinfo=datetime.UTC)
EM_ABOVE = 0.88  # of a character's square above its baseline
NEAR = 0.5  # mm


def content(blocks, layout="notice", **values):
    return {
        "layout": layout, "kind": "x", "organ": "测试市市场监督管理局", "heading": "测试市市场监督管理局文件", "title": "行政处罚决定书",
        "number": "（测）市监罚〔2026〕12号", "day": "2026年11月24日", "date": "2026-11-24", "seal": "organ", "blocks": blocks,
        "copies": "", "attachments": [],
    } | values  # fmt: skip


def paragraph(text, style="body"):
    return {"style": style, "text": text}


def read(made, **options):
    printed = printing.to_pdf(
        made, at=AT, code="ABCDEFGH23456789", address="https://zl.example.gov.cn/q/ABCDEFGH23456789/", **options
    )
    return printed, PdfReader(io.BytesIO(printed.data))


def pieces(page):
    """(text, x, y from the top in mm, size in pt) of each piece of text on a page."""
    found = []
    height = float(page.mediabox.height)

    def note(text, cm, tm, _font, size):
        if text.strip():
            x = cm[0] * tm[4] + cm[2] * tm[5] + cm[4]
            y = cm[1] * tm[4] + cm[3] * tm[5] + cm[5]
            found.append((text.strip("\n"), x / MM, (height - y) / MM, abs(size * tm[0] * cm[0])))

    page.extract_text(visitor_text=note)
    return found


def lines(page):
    """Lines of body size: y → (left edge, text), all in mm."""
    found: dict[float, list] = {}
    for text, x, y, size in pieces(page):
        if abs(size - 16) < 0.1:
            key = next((one for one in found if abs(one - y) < 0.3), y)
            found.setdefault(key, []).append((x, text))
    return [
        (y, min(x for x, _text in row), "".join(text for _x, text in sorted(row))) for y, row in sorted(found.items())
    ]


def colours(made):
    """The colours of the first page, as a picture has them."""
    picture = Image.open(io.BytesIO(printing.to_pages(made, at=AT)[0])).convert("RGB")
    return [colour for _count, colour in picture.getcolors(1 << 24)]


# -- geometry ---------------------------------------------------------------------------------------------------------
def test_the_sheet_is_a4():
    _printed, reader = read(content([paragraph("字" * 3000)]))
    for page in reader.pages:
        assert float(page.mediabox.width) / MM == pytest.approx(210, abs=0.01)
        assert float(page.mediabox.height) / MM == pytest.approx(297, abs=0.01)


def test_a_page_holds_22_lines_of_28_characters_in_156_by_225_mm():
    _printed, reader = read(content([paragraph("准" * 28 * 60, "left")]))
    page = lines(reader.pages[1])
    assert len(page) == 22
    assert {len(text) for _y, _x, text in page} == {28}
    em = 16 / MM
    assert page[0][0] - EM_ABOVE * em == pytest.approx(37, abs=NEAR), "the first line begins 37 mm from the top"
    assert {round(x, 1) for _y, x, _text in page} == {28.0}, "every line begins 28 mm from the left"
    bottom = page[-1][0] + (1 - EM_ABOVE) * em
    assert bottom == pytest.approx(297 - 35, abs=NEAR), "22 lines fill 225 mm"
    pitches = {round(low[0] - high[0], 2) for high, low in zip(page, page[1:], strict=False)}
    assert max(pitches) - min(pitches) < 0.02 and min(pitches) == pytest.approx((225 - em) / 21, abs=0.05)


def test_the_right_edge_is_26_mm_from_the_paper():
    # 28 characters, each 156/28 mm from the next: the last one ends at 28 + 156 mm
    _printed, reader = read(content([paragraph("甲" * 27 + "乙", "left")]))
    (line,) = [one for one in lines(reader.pages[0]) if one[2].endswith("乙")]
    assert len(line[2]) == 28 and line[1] == pytest.approx(28, abs=NEAR)
    printed, reader = read(content([paragraph("甲" * 28 + "乙" * 28, "left")]))
    assert [text for _y, _x, text in lines(reader.pages[0]) if set(text) <= {"甲", "乙"}] == ["甲" * 28, "乙" * 28]


def test_a_paragraph_begins_two_characters_in():
    _printed, reader = read(content([paragraph("字" * 60)]))
    first, second = [one for one in lines(reader.pages[0]) if set(one[2]) == {"字"}][:2]
    assert first[1] - second[1] == pytest.approx(2 * 156 / 28, abs=NEAR)
    assert len(first[2]) == 26 and len(second[2]) == 28


def test_the_title_is_in_size_2_in_the_middle():
    _printed, reader = read(content([paragraph("正文")]))
    titles = [one for one in pieces(reader.pages[0]) if abs(one[3] - 22) < 0.1]
    assert "".join(one[0] for one in titles) == "测试市市场监督管理局行政处罚决定书"
    organ, kind = titles[0], titles[-1]
    for text, x, _y, size in (organ, kind):
        assert x + len(text) * size / MM / 2 == pytest.approx(28 + 156 / 2, abs=NEAR)


def test_page_numbers_stand_at_the_outer_side_7_mm_below_the_type_area():
    _printed, reader = read(content([paragraph("字" * 1400)]))
    for number, page in enumerate(reader.pages, 1):
        found = [one for one in pieces(page) if abs(one[3] - 14) < 0.1]
        text = "".join(one[0] for one in found).replace(" ", "")
        assert text == f"—{number}—"
        left = min(one[1] for one in found)
        assert (left > 150) if number % 2 else (left == pytest.approx(28 + 156 / 28, abs=NEAR))
        assert found[0][2] - 14 / MM < 297 - 35 + 7 + 0.88 * 14 / MM - 14 / MM + NEAR
        assert found[0][2] - EM_ABOVE * 14 / MM == pytest.approx(297 - 35 + 7, abs=NEAR)


def test_the_red_head_stands_35_mm_below_the_type_area():
    made = content(
        [paragraph("各单位：", "left"), paragraph("字" * 100)],
        layout="file",
        title="关于开展抽查的通知",
        copies="市政府办公室",
    )
    _printed, reader = read(made)
    found = pieces(reader.pages[0])
    head = [one for one in found if one[3] > 30]
    assert "".join(one[0] for one in head) == "测试市市场监督管理局文件"
    top = head[0][2] - EM_ABOVE * head[0][3] / MM
    assert top == pytest.approx(37 + 35, abs=NEAR)
    assert (230, 0, 18) in colours(made) and min(map(sum, colours(made))) < 10, (
        "red for the head and its rule, black for the text"
    )
    last = reader.pages[-1].extract_text()
    assert "抄送：市政府办公室" in last and "2026年11月24日印发" in last


def test_a_letters_mark_stands_30_mm_below_the_edge_and_page_one_has_no_number():
    made = content([paragraph("省局：", "left"), paragraph("字" * 900)], layout="letter", title="关于商请协查的函")
    _printed, reader = read(made)
    head = [one for one in pieces(reader.pages[0]) if one[3] > 30]
    assert head[0][2] - EM_ABOVE * head[0][3] / MM == pytest.approx(30, abs=NEAR)
    assert not [one for one in pieces(reader.pages[0]) if abs(one[3] - 14) < 0.1]
    assert [one for one in pieces(reader.pages[1]) if abs(one[3] - 14) < 0.1]


def test_a_long_list_repeats_its_head_and_loses_no_row():
    head = ["序号", "名称", "数量"]
    rows = [[str(n), f"物品{n:03d}", "1"] for n in range(1, 121)]
    _printed, reader = read(content([{"style": "list", "head": head, "rows": rows}], layout="record"))
    assert len(reader.pages) > 2
    text = [page.extract_text() for page in reader.pages]
    assert all("序号" in one and "名称" in one for one in text[: len(text) - 1])
    assert sorted(re.findall(r"物品[0-9]{3}", "".join(text))) == [f"物品{n:03d}" for n in range(1, 121)]


# -- the file ---------------------------------------------------------------------------------------------------------
def test_it_is_pdf_a_2b_with_every_face_embedded_in_part():
    printed, reader = read(content([paragraph("一、基本情况", "h1"), paragraph("正文。")]))
    xmp = reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in xmp and "<pdfaid:conformance>B</pdfaid:conformance>" in xmp
    assert "/OutputIntents" in reader.trailer["/Root"]
    fonts = {}
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            font = font.get_object()
            fonts[font["/BaseFont"]] = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
    assert fonts
    for name, descriptor in fonts.items():
        assert re.match(r"/[A-Z]{6}\+Noto", name), "a subset"
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor), "embedded"
    assert not reader.is_encrypted and "/JavaScript" not in str(reader.trailer["/Root"])
    assert printed.faces["body"] == "思源宋体（代仿宋）"


def test_the_same_content_gives_the_same_bytes():
    made = content([paragraph("正文。")])
    assert read(made)[0].sha256 == read(made)[0].sha256
    assert read(made)[0].sha256 != read(made | {"number": "（测）市监罚〔2026〕13号"})[0].sha256


def test_the_text_reads_back_as_it_was_put_in():
    text = "㐂㙍䶮鑫等人于2026年11月24日销售“衡香”牌食用油（批号A-01），价款1200元，见《清单》〔附件1〕；酸价3.5mg/g，超标±0.5℃。"
    _printed, reader = read(content([paragraph(text)]))
    back = re.sub(r"\s", "", "".join(page.extract_text() for page in reader.pages))
    assert text in back
    for part in (
        "测试市市场监督管理局",
        "行政处罚决定书",
        "（测）市监罚〔2026〕12号",
        "2026年11月24日",
        "ABCD-EFGH-2345-6789",
        "用印处",
    ):
        assert part in back


def test_markup_is_text():
    hostile = '#panic("x") $1/0$ = 标题 *粗* _斜_ #image("/etc/passwd") \\ // 注释 /* */ <label> @ref `raw` [x] {y} "'
    _printed, reader = read(content([paragraph(hostile), {"style": "grid", "rows": [[
        {"text": hostile, "label": True, "tall": 1, "sign": ""}, {"text": hostile, "label": False, "tall": 3, "sign": hostile},
    ]]}, {"style": "list", "head": ["序号", hostile], "rows": [["1", hostile]]}], attachments=[hostile, hostile]))  # fmt: skip
    back = re.sub(r"\s", "", "".join(page.extract_text() for page in reader.pages))
    assert back.count(re.sub(r"\s", "", hostile)) >= 5


def test_a_draft_says_so_on_each_page_and_has_no_code():
    printed = printing.to_pdf(content([paragraph("字" * 1400)]), at=AT, draft=True)
    reader = PdfReader(io.BytesIO(printed.data))
    assert len(reader.pages) > 1
    assert all("草稿" in re.sub(r"\s", "", page.extract_text()) for page in reader.pages)
    assert "核验码" not in reader.pages[0].extract_text()


def test_a_long_document_is_printed_whole():
    _printed, reader = read(content([paragraph("字" * 20_000)] * 5))
    assert sum(page.extract_text().count("字") for page in reader.pages) == 100_000


# -- faces ------------------------------------------------------------------------------------------------------------
def test_the_cmap_reader_agrees_with_what_the_faces_are_known_to_have():
    for face in faces.faces():
        have = faces.coverage(face.path, face.index)
        assert {ord(char) for char in "准绳〔〕—㐂鑫Aa1，。（）"} <= have
        assert 0x20BB7 not in have and 0xE000 not in have
    with pytest.raises(ValueError, match="OpenType"):
        faces.read_cmap(b"\0" * 40)


def test_an_operators_face_is_used_once_it_is_there(settings, tmp_path, monkeypatch):
    """No prescribed face may be shipped, so one is made here: the packaged file under another family name."""
    assert all(face.substitute for face in faces.faces())
    data = bytearray((faces.PACKAGED / "NotoSansSC-Regular.otf").read_bytes())
    old, new = "Noto Sans SC".encode("utf-16-be"), "SimHei      ".encode("utf-16-be")
    assert old in data
    (tmp_path / "simhei.otf").write_bytes(bytes(data).replace(old, new).replace(b"Noto Sans SC", b"SimHei      "))
    settings.FONTS = str(tmp_path)
    heading = next(face for face in faces.faces() if face.role == "heading")
    assert (heading.family, heading.name, heading.substitute) == ("SimHei", "黑体", False)
    printed, _reader = read(content([paragraph("一、事实", "h1")]))
    assert printed.faces["heading"] == "黑体" and printed.faces["body"] == "思源宋体（代仿宋）"
    settings.FONTS = str(tmp_path / "absent")
    assert all(face.substitute for face in faces.faces())


# -- every kind -------------------------------------------------------------------------------------------------------
SAMPLE = {
    engine.FieldKind.INTEGER: 3, engine.FieldKind.MONEY: 123_456, engine.FieldKind.FLAG: True,
    engine.FieldKind.DATE: datetime.date(2026, 11, 1), engine.FieldKind.MOMENT: AT,
}  # fmt: skip


def sample(field):
    if field.kind is engine.FieldKind.LIST:
        return [{key: f"{head}甲" for key, head in field.columns}]
    if field.kind is engine.FieldKind.CHOICE:
        return field.choices[0][0]
    return SAMPLE.get(field.kind, f"{field.name}甲乙丙")


@pytest.mark.parametrize("day", [datetime.date(2017, 5, 3), datetime.date(2026, 11, 24)], ids=str)
def test_every_kind_prints_all_that_was_given(town, day, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    at = datetime.datetime(day.year, day.month, day.day, 4, tzinfo=datetime.UTC)
    for one in queries.kinds(day):
        values = {asked.field.code: sample(asked.field) for asked in queries.inputs(one.code, day)}
        document = actions.issue(one.code, office=town.office, fields=values, title="关于测试的文书", by=None, at=at)
        reader = PdfReader(io.BytesIO(actions.render(document)))
        back = re.sub(r"\s", "", "".join(page.extract_text() for page in reader.pages))
        assert document.number in back, one.code
        for text in engine.texts(document.content["blocks"]):
            if text not in {"grid", "list", "body", "h1", "h2", "left", "right", "centre", "note"}:
                wanted = re.sub(r"\s", "", text)
                assert wanted in back or len(reader.pages) > 1, (one.code, text)


def test_a_character_that_no_face_has_is_named(town):
    with pytest.raises(Refused, match="𠮷（U\\+20BB7）"):
        actions.issue(
            "official.letter", office=town.office, fields={"addressee": "𠮷", "body": "x"}, title="函", by=None, at=AT
        )
