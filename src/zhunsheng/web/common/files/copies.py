"""Copies of a file for the public, without what it says about its maker."""

from pathlib import Path

from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.files import pdfs, pictures
from zhunsheng.web.common.files.kinds import Kind


def public_copy(path: Path, kind: Kind) -> bytes:
    """The bytes of a copy that may be published. Raises Refused for kinds that keep their maker's traces in too many places.

    Pictures are encoded anew, PDFs written anew. Plain text says nothing but its text and is copied. Office documents keep
    authors, comments and earlier wordings in many parts, videos the place and the telephone: they are not published.
    """
    if kind.picture:
        return pictures.public_copy(path, kind.code)
    if kind.code == "pdf":
        return pdfs.public_copy(path)
    if kind.code in ("txt", "csv"):
        return path.read_bytes()
    raise Refused(
        _("%(kind)s里的作者、批注、位置等信息除不干净，不能公开。请转成 PDF 或图片后重新上传") % {"kind": kind.label}
    )


def thumbnail(path: Path, kind: Kind) -> bytes:
    """A small JPEG of a picture. Raises ValueError for any other kind."""
    if not kind.picture:
        raise ValueError(kind.code)
    return pictures.thumbnail(path, kind.code)
