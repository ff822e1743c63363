"""Prints a document: its content and nothing else, by typst, to PDF/A-2b. The same content and faces give the same bytes."""

import io
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any

import segno
import typst
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.documents import faces

FOLDER = Path(__file__).parent / "typst"
TEMPLATE = FOLDER / "document.typ"
#: the compiler keeps no state that two threads may share
_one_at_a_time = Lock()


@dataclass(frozen=True, slots=True)
class Printed:
    """A finished file and the face of each role it was made with (role → its Chinese name)."""

    data: bytes
    faces: dict[str, str]

    @property
    def sha256(self) -> str:
        return sha256(self.data).hexdigest()


@lru_cache(maxsize=1)
def layout_version() -> str:
    """The version of the page: the first digits of the SHA-256 of the template file."""
    return sha256(TEMPLATE.read_bytes()).hexdigest()[:16]


def to_pdf(
    content: Mapping[str, Any], *, at: datetime, code: str = "", address: str = "", draft: bool = False
) -> Printed:
    """The PDF/A-2b of a document's content. `address`: what its QR leads to; `draft`: with 草稿 across each page.

    Raises Refused where no face at hand has one of the characters.
    """
    used = faces.faces()
    data = _compile(content, used, at=at, code=code, address=address, draft=draft, kind="pdf")
    if not isinstance(data, bytes):
        raise TypeError("typst gave no single file")
    return Printed(data, {face.role: face.name for face in used})


def to_pages(content: Mapping[str, Any], *, at: datetime, code: str = "", address: str = "") -> list[bytes]:
    """The pages as PNG pictures, as `to_pdf` would print them."""
    data = _compile(content, faces.faces(), at=at, code=code, address=address, draft=False, kind="png")
    return data if isinstance(data, list) else [data]


def _compile(
    content: Mapping[str, Any],
    used: list[faces.Face],
    *,
    at: datetime,
    code: str,
    address: str,
    draft: bool,
    kind: "typst.OutputFormat",
) -> "bytes | list[bytes]":
    how = {
        "faces": {face.role: face.family for face in used},
        "code": grouped(code),
        "address": address,
        "qr": qr_svg(address) if code else "",
        "draft": draft,
        "keywords": [content["number"], *(f"{face.role}={face.family}" for face in used)],
    }
    with _one_at_a_time:
        compiler = typst.Compiler(
            input=str(TEMPLATE),
            root=str(FOLDER),
            font_paths=faces.load(faces.stamp()),
            ignore_system_fonts=True,
            sys_inputs={"content": json.dumps(content), "print": json.dumps(how)},
        )
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                data = compiler.compile(
                    format=kind, timestamp=int(at.timestamp()), pdf_standards=["a-2b"] if kind == "pdf" else [], ppi=110.0
                )  # fmt: skip
            except (typst.TypstError, typst.TypstWarning) as problem:
                # PDF/A refuses a character without a glyph: say it as the reader would.
                raise Refused(_("文书不能排版：%(problem)s") % {"problem": str(problem)[:200]}) from problem
    if data is None:
        raise TypeError("typst gave no file")
    return data


def grouped(code: str) -> str:
    """An authenticity code in groups of four, as people read it out."""
    return "-".join(code[place : place + 4] for place in range(0, len(code), 4))


def qr_svg(text: str) -> str:
    """A QR code as SVG. Level M: a scratched sheet still reads."""
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind="svg", border=0, xmldecl=False, nl=False)
    return out.getvalue().decode()
