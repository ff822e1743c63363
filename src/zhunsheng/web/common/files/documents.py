"""Archives that are documents (DOCX, XLSX, OFD), videos, and tables of commas: that nothing in them swells, runs or fetches."""

import re
import struct
from pathlib import Path
from xml.parsers import expat  # noqa: S407 - every document type and entity is refused before (zipped.verify)

from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet import zipped

#: relations that lead out of the file and are only words for a reader
_HARMLESS = ("/hyperlink", "/externalLinkPath", "/externalLink", "/image")
_DDE = re.compile(rb"\bDDE(?:AUTO)?\b")
#: a formula that starts a program when the table is opened: =cmd|'/c …'!A1
_COMMAND = re.compile(rb"(?:^|[,;\t\n\"'])\s*[=+\-@][^,;\t\n]{0,60}\|[^\n]{0,200}!", re.MULTILINE)
_BOXES = (
    b"ftyp",
    b"moov",
    b"mdat",
    b"free",
    b"skip",
    b"wide",
    b"uuid",
    b"moof",
    b"mfra",
    b"meta",
    b"pdin",
    b"sidx",
    b"styp",
)


def check_archive(path: Path) -> None:
    """Unpacks every part once and forgets it. Raises Refused for bombs, macros, embedded objects, templates from elsewhere."""
    with path.open("rb") as handle:
        infos = zipped.directory(handle)
        for info in infos:
            name = info.filename.lower()
            if "vbaproject" in name or name.endswith((".bin.rels", ".exe", ".dll", ".js", ".vbs", ".html", ".svg")):
                raise Refused(
                    _("文件带有宏或程序（%(name)s）。请另存为不带宏的文件后再上传") % {"name": info.filename[:80]}
                )
            if "/embeddings/" in name or "/activex/" in name or name.startswith("customui/"):
                raise Refused(
                    _("文件里嵌着别的对象（%(name)s）。请删去嵌入的对象后再上传") % {"name": info.filename[:80]}
                )
        for info in infos:
            zipped.verify(handle, info)
        for info in infos:
            if info.filename.endswith(".rels"):
                _refuse_fetching(b"".join(zipped.unpacked(handle, info)))
            elif info.filename == "word/document.xml":
                before = b""
                for chunk in zipped.unpacked(handle, info):
                    if _DDE.search(before + chunk):
                        raise Refused(_("Word 文档里有 DDE 域，打开时会启动别的程序。请删去后再上传"))
                    before = chunk[-10:]


def _refuse_fetching(relations: bytes) -> None:
    def start(tag: str, attributes: dict[str, str]) -> None:
        if attributes.get("TargetMode") == "External" and not attributes.get("Type", "").endswith(_HARMLESS):
            raise Refused(
                _("文件打开时会到别处取内容（%(target)s）。请断开链接、另存后再上传")
                % {"target": attributes.get("Target", "")[:80]}
            )

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    try:
        parser.Parse(relations, True)
    except expat.ExpatError:
        raise Refused(_("文件的结构已损坏。请用原来的软件另存一份再上传")) from None


def check_video(path: Path) -> None:
    """The boxes of an MP4 fill the file, and its table of contents is there. Raises Refused for one that is cut off."""
    size = path.stat().st_size
    seen = set()
    with path.open("rb") as handle:
        at = 0
        while at < size:
            handle.seek(at)
            head = handle.read(16)
            if len(head) < 8:
                raise _cut_off()
            length, name = struct.unpack(">I4s", head[:8])
            if length == 1 and len(head) == 16:
                length = int.from_bytes(head[8:16], "big")
            elif length == 0:
                length = size - at
            if length < 8 or at + length > size or name not in _BOXES:
                raise _cut_off()
            seen.add(name)
            at += length
            if len(seen) > len(_BOXES):
                raise _cut_off()
    if b"moov" not in seen:
        raise _cut_off()


def _cut_off() -> Refused:
    return Refused(_("视频不完整或已损坏。请重新导出后再上传"))


def check_table(path: Path) -> None:
    """A CSV in which no cell starts a program when a spreadsheet opens it. Raises Refused."""
    if _COMMAND.search(path.read_bytes()):
        raise Refused(_("表格里有会启动程序的公式（以 = 开头、带“|”和“!”）。请删去后再上传"))
