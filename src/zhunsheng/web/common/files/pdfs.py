"""PDF: nothing in it acts, and a public copy that does not say who made it, with what, when or where.

pypdf reads and writes here at run time (pure Python): the print of official documents is not concerned.
"""

import logging
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.files.pictures import without_segments

MOST_OBJECTS = 100_000
MOST_DEPTH = 200
#: actions of PDF (ISO 32000-2, 12.6.4) that start a program, fetch, send or run something
_ACTING = {
    "/JavaScript": "JavaScript", "/Launch": "Launch", "/SubmitForm": "SubmitForm", "/ImportData": "ImportData",
    "/GoToE": "GoToE", "/GoToR": "GoToR", "/Rendition": "Rendition", "/RichMediaExecute": "RichMedia",
}  # fmt: skip
#: entries that say something of the maker, the tool or the way of the file; pages, fonts and pictures need none of them
_TELLING = ("/Metadata", "/PieceInfo", "/LastModified", "/Info", "/AF", "/AA", "/OpenAction", "/SpiderInfo", "/Thumb")
#: of a note on a page: its author, dates and name. Of a field of a form /T is the name of the field and stays.
_NOTE = ("/T", "/M", "/CreationDate", "/NM", "/RC", "/Subj")
_FAULTS = (PyPdfError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError,
           AssertionError, NotImplementedError, MemoryError, OverflowError, UnicodeError, ArithmeticError)  # fmt: skip

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # of damaged files it would speak at length


def check(path: Path) -> bool:
    """Whether the file is encrypted. Raises Refused for one that is damaged, cut off, or in which something acts.

    What is encrypted cannot be looked into unless it opens without a password.
    """
    with path.open("rb") as handle:
        handle.seek(0, 2)
        handle.seek(max(0, handle.tell() - 2048))
        if b"%%EOF" not in handle.read():
            raise Refused(_("PDF 不完整，可能没有传完。请重新导出后再上传"))
    try:
        reader = PdfReader(path, strict=False)
        encrypted = reader.is_encrypted
        if encrypted and not reader.decrypt(""):
            return True
        if len(reader.pages) < 1:
            raise Refused(_("PDF 里没有一页"))
        for thing in _objects(reader):
            _refuse_acting(thing)
    except _FAULTS:
        raise Refused(_("PDF 已损坏，打不开。请重新导出后再上传")) from None
    return encrypted


def _objects(reader: PdfReader) -> Iterator[Any]:
    """Every object of the file, and the trailer."""
    seen = {(number, generation) for generation, known in reader.xref.items() for number in known if generation < 65535}
    seen |= {(number, 0) for number in reader.xref_objStm}
    if len(seen) > MOST_OBJECTS:
        raise Refused(_("PDF 里有 %(n)s 个对象，太复杂，没有收下。请打印成新的 PDF 后再上传") % {"n": f"{len(seen):,}"})
    yield reader.trailer
    for number, generation in sorted(seen):
        yield reader.get_object(IndirectObject(number, generation, reader))


def _dictionaries(thing: Any, depth: int = 0) -> Iterator[DictionaryObject]:
    """The dictionaries that stand in one object, not those that it refers to."""
    if depth > MOST_DEPTH:
        raise ValueError("too deep")
    if isinstance(thing, DictionaryObject):
        yield thing
        for value in thing.values():
            if not isinstance(value, IndirectObject):
                yield from _dictionaries(value, depth + 1)
    elif isinstance(thing, ArrayObject):
        for value in thing:
            if not isinstance(value, IndirectObject):
                yield from _dictionaries(value, depth + 1)


def _refuse_acting(thing: Any) -> None:
    for entry in _dictionaries(thing):
        what = ""
        if "/JS" in entry or "/JavaScript" in entry:
            what = "JavaScript"
        elif "/EmbeddedFiles" in entry or "/EF" in entry or entry.get("/Type") == "/EmbeddedFile":
            what = _("嵌入的文件")
        elif "/XFA" in entry:
            what = _("XFA 动态表单")
        elif str(entry.get("/S", "")) in _ACTING:
            what = _ACTING[str(entry["/S"])]
        elif str(entry.get("/Subtype", "")) in ("/RichMedia", "/Movie", "/Sound", "/Screen", "/3D", "/FileAttachment"):
            what = str(entry["/Subtype"]).lstrip("/")
        if what:
            raise Refused(
                _("PDF 里带有会自己动作的内容（%(what)s），没有收下。请用“打印 → 另存为 PDF”得到干净的一份再上传")
                % {"what": what}
            )


def public_copy(path: Path) -> bytes:
    """The pages alone, in a new file without /Info, XMP, the tools' private data, authors of notes, and the EXIF of its photos.

    Raises Refused for an encrypted file, and for one that cannot be written anew.
    """
    try:
        reader = PdfReader(path, strict=False)
        if reader.is_encrypted:
            raise Refused(_("有密码的 PDF 不能公开：里面写着什么、由谁所写，除不掉也看不到。请去掉密码后重新上传"))
        writer = PdfWriter()
        for page in reader.pages:
            writer.add_page(page)
        for thing in list(writer._objects):
            _make_plain(thing)
        writer.metadata = None
        out = BytesIO()
        writer.write(out)
    except _FAULTS:
        raise Refused(_("这个 PDF 的来历信息除不掉，不能公开。请用“打印 → 另存为 PDF”得到新的一份再上传")) from None
    return out.getvalue()


def _make_plain(thing: Any) -> None:
    for entry in _dictionaries(thing):
        for key in _TELLING:
            entry.pop(NameObject(key), None)
        if (entry.get("/Type") == "/Annot" or "/Rect" in entry) and entry.get("/Subtype") != "/Widget":
            for key in _NOTE:
                entry.pop(NameObject(key), None)
    if isinstance(thing, StreamObject) and _is_jpeg(thing):
        thing._data = without_segments(thing._data)


def _is_jpeg(stream: StreamObject) -> bool:
    """A picture that is stored as its JPEG file was, and in no further wrapping."""
    name = stream.get("/Filter")
    return name == "/DCTDecode" or (isinstance(name, ArrayObject) and list(name) == ["/DCTDecode"])
