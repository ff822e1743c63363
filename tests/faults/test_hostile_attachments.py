"""Attachments that lie, swell, act or break: each gets one clear sentence, nothing is expanded, nothing is kept."""

import io
import struct
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject

from tests.web.common import sent
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.files import BY_MIME, KINDS, check, pictures, public_copy


def taken(tmp_path, data, name):
    path = tmp_path / "arriving"
    path.write_bytes(data)
    return check(path, name)


def refusal(tmp_path, data, name) -> str:
    with pytest.raises(Refused) as caught:
        taken(tmp_path, data, name)
    return str(caught.value)


@pytest.mark.parametrize("name", sent.GOOD)
def test_the_good_files_are_taken(tmp_path, name):
    kind, encrypted = taken(tmp_path, sent.GOOD[name], name)
    assert name.endswith(kind.endings)
    assert not encrypted


# -- lies --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", sent.GOOD)
@pytest.mark.parametrize("ending", [".pdf", ".jpg", ".docx", ".txt", ".exe", ".html"])
def test_a_name_that_does_not_fit_is_refused_with_the_right_ending(tmp_path, name, ending):
    right = name[name.rindex(".") :]
    if ending != right and {ending, right} != {".txt", ".csv"}:
        said = refusal(tmp_path, sent.GOOD[name], f"文件{ending}")
        assert ending in said or "纯文本" in said


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"MZ\x90\0\3\0\0\0" + b"\0" * 200, "照片.jpg", "程序"),
        (b"\x7fELF\2\1\1" + b"\0" * 200, "a.pdf", "程序"),
        (b"\xcf\xfa\xed\xfe" + b"\0" * 200, "a", "程序"),
        (b"#!/bin/sh\nrm -rf /\n", "a.txt", "脚本"),
        (b"@echo off\r\ndel *.*\r\n", "a.txt", "脚本"),
        (b"<html><script>alert(1)</script>", "a.txt", "网页"),
        (b"\xef\xbb\xbf  \n<!DOCTYPE html><p>", "a.csv", "网页"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "图.svg", "网页"),
        (b'<svg onload="alert(1)"/>', "图.png", "网页"),
        (b"<?php system($_GET[0]);", "a.txt", "网页"),
        (b"{\\rtf1\\ansi{\\object}}", "a.txt", "网页"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "旧.doc", "旧格式"),
        (b"Rar!\x1a\x07\0" + b"\0" * 50, "a.rar", "压缩包"),
        (b"7z\xbc\xaf\x27\x1c" + b"\0" * 50, "a.7z", "压缩包"),
        (b"\x1f\x8b\x08\0" + b"\0" * 50, "a.gz", "压缩包"),
        (sent.archive({"a.txt": "甲"}), "a.zip", "压缩包"),
        (sent.archive({"a.txt": "甲"}), "a.docx", "压缩包"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100, "IMG_1.HEIC", "HEIC"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 100, "IMG_1.jpg", "HEIC"),
        (b"GIF89a" + b"\0" * 50, "a.gif", "GIF"),
        (b"II*\0" + b"\0" * 50, "a.tif", "TIFF"),
        (b"", "a.pdf", "空的"),
        (b"\0\1\2\3" * 100, "a.bin", "不能上传这种文件"),
        (b"SQLite format 3\0" + b"\0" * 200, "a.db", "不能上传这种文件"),
        ("文字".encode("utf-16"), "a.txt", "不能上传这种文件"),
    ],
)  # fmt: skip
def test_what_is_never_taken(tmp_path, data, name, says):
    assert says in refusal(tmp_path, data, name)


def test_a_picture_that_is_also_an_archive_is_published_as_a_picture_only(tmp_path):
    both = sent.picture() + sent.archive({"evil.html": "<script>alert(1)</script>"})
    kind, _encrypted = taken(tmp_path, both, "现场.jpg")
    copy = public_copy(tmp_path / "arriving", kind)
    assert not zipfile.is_zipfile(io.BytesIO(copy))
    assert b"script" not in copy


# -- pictures ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "name"), [("JPEG", "a.jpg"), ("PNG", "a.png"), ("WEBP", "a.webp")])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_picture_that_was_cut_off(tmp_path, kind, name, share):
    data = sent.picture(kind, size=(400, 300))
    assert "图片不完整或已损坏" in refusal(tmp_path, data[: int(len(data) * share)], name)


def png(width, height, rows=b"") -> bytes:
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(20_000, 20_000), (100_000, 100_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_that_would_swell_is_not_opened(tmp_path, size):
    tracemalloc.start()
    said = refusal(tmp_path, png(*size, zlib.compress(b"\0" * 10_000)), "a.png")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "像素" in said or "万像素" in said
    assert most < 20 << 20


def test_a_moving_picture(tmp_path):
    out = io.BytesIO()
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    assert "动态图片" in refusal(tmp_path, out.getvalue(), "a.webp")


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "I;16", "RGBA", "LA"])
def test_every_kind_of_colour_is_published(tmp_path, mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    out = io.BytesIO()
    Image.new(mode, (20, 10)).save(out, kind)
    found, _encrypted = taken(tmp_path, out.getvalue(), "a.jpg" if kind == "JPEG" else "a.png")
    with Image.open(io.BytesIO(public_copy(tmp_path / "arriving", found))) as copy:
        assert copy.size == (20, 10)
        assert copy.mode in ("RGB", "RGBA")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=st.sampled_from(
        ["现场.jpg", "现场.png", "现场.webp", "证据.pdf", "信.docx", "表.xlsx", "通知.ofd", "录像.mp4"]
    ),
    data=st.data(),
)
def test_a_damaged_file_is_taken_or_refused_and_never_an_accident(tmp_path, name, data):
    spoilt = bytearray(sent.GOOD[name])
    for _ in range(data.draw(st.integers(1, 6))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    del spoilt[data.draw(st.integers(1, len(spoilt))) :]
    try:
        kind, encrypted = taken(tmp_path, bytes(spoilt), name)
        if not encrypted:
            public_copy(tmp_path / "arriving", kind)
    except Refused as problem:
        assert str(problem)


@given(st.binary(max_size=300))
def test_taking_segments_out_of_anything_is_harmless(data):
    assert pictures.without_segments(b"\xff\xd8" + data)[:2] == b"\xff\xd8"
    assert pictures.without_segments(data) == data or data.startswith(b"\xff\xd8")


# -- PDF ---------------------------------------------------------------------------------------------------------------
def action(kind, **more):
    return DictionaryObject({NameObject("/S"): NameObject(kind), **{NameObject(f"/{k}"): v for k, v in more.items()}})


def opens_with(thing):
    return lambda writer, page: writer._root_object.update({NameObject("/OpenAction"): thing})


def on_a_page(thing):
    def change(writer, page):
        note = DictionaryObject({
            NameObject("/Type"): NameObject("/Annot"), NameObject("/Subtype"): NameObject("/Link"),
            NameObject("/Rect"): ArrayObject([NumberObject(n) for n in (0, 0, 9, 9)]), NameObject("/A"): thing,
        })  # fmt: skip
        page[NameObject("/Annots")] = ArrayObject([writer._add_object(note)])

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (opens_with(action("/JavaScript", JS=TextStringObject("app.alert(1)"))), "JavaScript"),
        (opens_with(action("/Launch", F=TextStringObject("cmd.exe"))), "Launch"),
        (on_a_page(action("/Launch", F=TextStringObject("cmd.exe"))), "Launch"),
        (on_a_page(action("/SubmitForm", F=TextStringObject("http://example.org"))), "SubmitForm"),
        (on_a_page(action("/GoToR", F=TextStringObject("\\\\example.org\\a"))), "GoToR"),
        (lambda writer, page: writer.add_attachment("evil.exe", b"MZ"), "嵌入的文件"),
        (
            lambda writer, page: writer._root_object.update(
                {NameObject("/AcroForm"): DictionaryObject({NameObject("/XFA"): TextStringObject("<x/>")})}
            ),
            "XFA",
        ),
    ],
)
def test_a_pdf_in_which_something_acts(tmp_path, change, says):
    assert says in refusal(tmp_path, sent.pdf(change=change), "a.pdf")


def test_a_pdf_with_an_ordinary_link_is_taken(tmp_path):
    linked = sent.pdf(change=on_a_page(action("/URI", URI=TextStringObject("https://example.org/"))))
    assert taken(tmp_path, linked, "a.pdf")[0].code == "pdf"


def test_the_authors_of_notes_are_not_published(tmp_path):
    def change(writer, page):
        note = DictionaryObject({
            NameObject("/Type"): NameObject("/Annot"), NameObject("/Subtype"): NameObject("/Text"),
            NameObject("/Rect"): ArrayObject([NumberObject(n) for n in (0, 0, 9, 9)]),
            NameObject("/T"): TextStringObject("WangXiaoming"), NameObject("/Contents"): TextStringObject("see here"),
        })  # fmt: skip
        page[NameObject("/Annots")] = ArrayObject([writer._add_object(note)])

    data = sent.pdf(change=change)
    kind, _encrypted = taken(tmp_path, data, "a.pdf")
    copy = public_copy(tmp_path / "arriving", kind)
    assert b"WangXiaoming" in data
    assert b"WangXiaoming" not in copy
    assert b"see here" in copy


def test_a_pdf_that_was_cut_off(tmp_path):
    data = sent.pdf()
    assert "PDF 不完整" in refusal(tmp_path, data[: len(data) // 2], "a.pdf")
    assert "PDF 已损坏" in refusal(tmp_path, b"%PDF-1.7\nnothing\n%%EOF", "a.pdf")


def test_an_encrypted_pdf_is_known_as_one(tmp_path):
    assert taken(tmp_path, sent.pdf(password="secret"), "a.pdf")[1] is True
    with pytest.raises(Refused, match="有密码"):
        public_copy(tmp_path / "arriving", BY_MIME["application/pdf"])


def test_a_pdf_whose_objects_nest_for_ever(tmp_path):
    deep = sent.pdf().replace(b"/Type /Catalog", b"/Deep " + b"[" * 5000 + b"]" * 5000 + b" /Type /Catalog")
    with pytest.raises(Refused):
        taken(tmp_path, deep, "a.pdf")


# -- documents ---------------------------------------------------------------------------------------------------------
RELS = '<Relationships><Relationship Id="r1" Type="http://x/{kind}" Target="{target}" TargetMode="External"/></Relationships>'


@pytest.mark.parametrize("make", [sent.docx, sent.xlsx, sent.ofd])
@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"word/vbaProject.bin": b"\xd0\xcf"}, "宏"),
        ({"word/embeddings/oleObject1.bin": b"\xd0\xcf"}, "嵌着别的对象"),
        ({"word/activeX/activeX1.xml": "<a/>"}, "嵌着别的对象"),
        ({"extra/inner.dat": sent.archive({"a": "b"})}, "嵌着另一个压缩文件"),
        ({"extra/run.exe": b"MZ"}, "宏或程序"),
        ({"../escape.xml": "<a/>"}, "路径"),
        ({"extra/a.xml": '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}, "实体"),
        ({"word/_rels/settings.xml.rels": RELS.format(kind="attachedTemplate", target="http://example.org/t.dotm")}, "别处"),
        ({"word/_rels/document.xml.rels": RELS.format(kind="oleObject", target="file:///c:/a")}, "别处"),
        ({"word/_rels/document.xml.rels": "<not xml"}, "损坏"),
        ({"extra/bomb.xml": b"\0" * (40 << 20)}, "压缩炸弹"),
    ],
)  # fmt: skip
def test_documents_with_something_else_inside(tmp_path, make, parts, says):
    tracemalloc.start()
    said = refusal(tmp_path, make(**parts), {sent.docx: "a.docx", sent.xlsx: "a.xlsx", sent.ofd: "a.ofd"}[make])
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert says in said
    assert most < 20 << 20


def test_links_for_readers_are_no_harm(tmp_path):
    rels = RELS.format(kind="hyperlink", target="https://example.org/")
    assert taken(tmp_path, sent.docx(**{"word/_rels/document.xml.rels": rels}), "a.docx")[0].code == "docx"


def test_a_field_that_starts_a_program(tmp_path):
    body = sent.WORD.replace("投诉信", 'DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe "/k calc"')
    parts = {"[Content_Types].xml": sent.CONTENT_TYPES, "word/document.xml": body}
    assert "DDE" in refusal(tmp_path, sent.archive(parts), "a.docx")


@pytest.mark.parametrize(
    "line", ["=cmd|'/c calc'!A1", "甲,=cmd|' /C notepad'!'A1'", "\"+cmd|'/c calc'!A1\"", "@SUM(1)*cmd|'/c calc'!A0"]
)
def test_a_table_that_starts_a_program(tmp_path, line):
    assert "启动程序" in refusal(tmp_path, f"名称,值\n{line}\n".encode(), "a.csv")


@pytest.mark.parametrize("line", ["-5,+86 391,@某人", "=A1+B1", "a|b,c!", "甲 | 乙 ! 丙"])
def test_an_ordinary_table_is_taken(tmp_path, line):
    assert taken(tmp_path, f"名称,值\n{line}\n".encode(), "a.csv")[0].code == "csv"


@pytest.mark.parametrize("cut", [14, 40, 90, 300])
def test_a_video_that_was_cut_off(tmp_path, cut):
    assert "视频不完整" in refusal(tmp_path, sent.mp4()[:cut] if cut < 300 else sent.mp4()[:-20], "a.mp4")


def test_the_table_of_kinds_is_whole():
    endings = [ending for kind in KINDS for ending in kind.endings]
    assert len(endings) == len(set(endings))
    assert len({kind.mime for kind in KINDS}) == len(KINDS)
    assert not {".zip", ".svg", ".html", ".exe", ".js", ".doc", ".xls", ".heic"} & set(endings)
