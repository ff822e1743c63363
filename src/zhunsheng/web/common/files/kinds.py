"""What may be attached: the kinds, and how a file shows by its bytes which of them it is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import puremagic
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet import zipped

HEAD = 4096
MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file. `endings`: of its name, the usual one first. `most`: bytes, besides the limit of the installation."""

    code: str
    label: "str | Promise"
    endings: tuple[str, ...]
    mime: str
    most: int
    #: shown by the browser in its place; all others are saved
    inline: bool = False
    picture: bool = False


#: Sizes: a page scanned at 300 dpi is about 1 MB as PDF, a photo of a telephone 3–12 MB, a minute of its video 100 MB.
KINDS = (
    Kind("pdf", gettext_lazy("PDF 文档"), (".pdf",), "application/pdf", 50 * MB, inline=True),
    Kind("ofd", gettext_lazy("OFD 版式文档"), (".ofd",), "application/ofd", 50 * MB),
    Kind("jpeg", gettext_lazy("JPEG 图片"), (".jpg", ".jpeg", ".jfif"), "image/jpeg", 20 * MB, inline=True, picture=True),
    Kind("png", gettext_lazy("PNG 图片"), (".png",), "image/png", 20 * MB, inline=True, picture=True),
    Kind("webp", gettext_lazy("WebP 图片"), (".webp",), "image/webp", 20 * MB, inline=True, picture=True),
    Kind(
        "docx", gettext_lazy("Word 文档（.docx）"), (".docx",),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document", 30 * MB,
    ),
    Kind(
        "xlsx", gettext_lazy("Excel 表格（.xlsx）"), (".xlsx",),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 30 * MB,
    ),
    Kind("mp4", gettext_lazy("MP4 视频"), (".mp4", ".m4v"), "video/mp4", 500 * MB),
    Kind("csv", gettext_lazy("CSV 表格"), (".csv",), "text/csv", 10 * MB),
    Kind("txt", gettext_lazy("纯文本"), (".txt",), "text/plain", 5 * MB),
)  # fmt: skip
BY_CODE = {kind.code: kind for kind in KINDS}
BY_MIME = {kind.mime: kind for kind in KINDS}
BY_ENDING = {ending: kind for kind in KINDS for ending in kind.endings}


def accept() -> str:
    """For the `accept` of a file field: the endings of all kinds."""
    return ",".join(sorted(BY_ENDING))


def kinds_said() -> str:
    return _("、").join(str(kind.label) for kind in KINDS)


_MACHO = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
#: the first bytes of what people often try, with a sentence that helps more than "not allowed"
_KNOWN: tuple[tuple[Callable[[bytes], bool], "str | Promise"], ...] = (
    (lambda head: head[:2] == b"MZ" or head[:4] == b"\x7fELF" or head[:4] in _MACHO, gettext_lazy("这是程序，不能上传")),
    (
        lambda head: head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis"),
        gettext_lazy("这是 HEIC 照片，多数电脑打不开。请在手机“设置 → 相机 → 格式”里选“兼容性最佳”，或转成 JPEG 后再上传"),
    ),
    (
        lambda head: head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        gettext_lazy("这是旧格式的 Office 文件（.doc、.xls），里面可能有宏。请另存为 .docx 或 .xlsx，或转成 PDF 后再上传"),
    ),
    (
        lambda head: head[:4] in (b"Rar!", b"7z\xbc\xaf") or head[:3] in (b"\x1f\x8b\x08", b"BZh") or head[:6] == b"\xfd7zXZ\x00",
        gettext_lazy("这是压缩包。请解压后逐个上传里面的文件"),
    ),
    (lambda head: head[:6] in (b"GIF87a", b"GIF89a"), gettext_lazy("这是 GIF 图片。请转成 PNG 或 JPEG 后再上传")),
    (lambda head: head[:4] in (b"II*\x00", b"MM\x00*"), gettext_lazy("这是 TIFF 图片。请转成 PDF 或 JPEG 后再上传")),
    (lambda head: head[:2] == b"BM" and head[6:10] == b"\0\0\0\0", gettext_lazy("这是 BMP 图片。请转成 PNG 或 JPEG 后再上传")),
)  # fmt: skip
#: the beginning of a text that a browser, a shell or an interpreter would act on
_ACTIVE = (
    b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<?xml", b"<?php", b"<!--", b"<iframe", b"#!",
    b"@echo", b"<%", b"mime-version:", b"{\\rtf", b"%!ps",
)  # fmt: skip
_VIDEO = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"mmp4", b"3gp4", b"3gp5")


def kind_of(path: Path, name: str) -> Kind:
    """Which kind a file is by its bytes; its name has to say the same. Raises Refused with what to do instead."""
    with path.open("rb") as handle:
        head = handle.read(HEAD)
        if not head:
            raise Refused(_("文件是空的"))
        kind = _by_bytes(handle, head)
    ending = ending_of(name)
    if kind is None:
        for matches, sentence in _KNOWN:
            if matches(head):
                raise Refused(str(sentence))
        text = _by_text(path, head)
        if text is None:
            raise Refused(
                _("不能上传这种文件%(what)s。可以上传：%(kinds)s")
                % {"what": _looks_like(path, name), "kinds": kinds_said()}
            )
        # Plain text and a table of commas look alike: the name decides between the two.
        kind = BY_ENDING.get(ending, text)
        if kind.code not in ("csv", "txt"):
            raise Refused(
                _("文件名以“%(ending)s”结尾，内容却是纯文本。请核对是不是选错了文件") % {"ending": ending[:20]}
            )
    if ending and ending not in kind.endings:
        raise Refused(
            _("文件名以“%(ending)s”结尾，内容却是%(kind)s。请改成“%(right)s”，或核对是不是选错了文件")
            % {"ending": ending[:20], "kind": kind.label, "right": kind.endings[0]}
        )
    return kind


def ending_of(name: str) -> str:
    return Path(name).suffix.lower()


def _by_bytes(handle: BinaryIO, head: bytes) -> Kind | None:
    if head.startswith(b"%PDF-"):
        return BY_CODE["pdf"]
    if head.startswith(b"\xff\xd8\xff"):
        return BY_CODE["jpeg"]
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return BY_CODE["png"]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return BY_CODE["webp"]
    if head[4:8] == b"ftyp" and head[8:12] in _VIDEO:
        return BY_CODE["mp4"]
    if head.startswith(b"PK\x03\x04"):
        return _in_archive(handle)
    return None


def _in_archive(handle: BinaryIO) -> Kind:
    """DOCX, XLSX and OFD are archives: the names inside tell which. Anything else that is an archive is refused."""
    names = {info.filename for info in zipped.directory(handle)}
    if "OFD.xml" in names:
        return BY_CODE["ofd"]
    if "[Content_Types].xml" in names and "word/document.xml" in names:
        return BY_CODE["docx"]
    if "[Content_Types].xml" in names and "xl/workbook.xml" in names:
        return BY_CODE["xlsx"]
    raise Refused(_("这是压缩包。请解压后逐个上传里面的文件"))


def _by_text(path: Path, head: bytes) -> Kind | None:
    """'txt' where the bytes are text in UTF-8 or GB 18030 that nothing acts on."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(_ACTIVE):
        raise Refused(_("这是网页、脚本或带标记的文件，不能上传。请打印成 PDF 后再上传"))
    if path.stat().st_size > BY_CODE["csv"].most:
        return None
    data = path.read_bytes()
    if any(byte < 32 and byte not in (9, 10, 12, 13) for byte in set(data)) or 127 in data:
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return BY_CODE["txt"]
    return None


def _looks_like(path: Path, name: str) -> str:
    """What puremagic takes the bytes for, in brackets; '' where it does not know."""
    try:
        found = puremagic.magic_file(str(path))
    except (puremagic.PureError, ValueError, OSError):
        return ""
    best = next((one for one in found if one.confidence >= 0.4 and one.name), None)
    return _("（看起来是 %(what)s）") % {"what": best.name[:60]} if best else ""
