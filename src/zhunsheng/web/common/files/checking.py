"""One way through all checks of a file, whatever its kind."""

from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.files import documents, pdfs, pictures, scanning
from zhunsheng.web.common.files.kinds import Kind, kind_of


def check(path: Path, name: str) -> tuple[Kind, bool]:
    """The kind of the file at `path` that was sent as `name`, and whether it is encrypted. Raises Refused with what to do."""
    kind = kind_of(path, name)
    size, most = path.stat().st_size, min(kind.most, settings.MAX_UPLOAD_BYTES)
    if size > most:
        raise Refused(
            _("文件有 %(size)s MB，%(kind)s最多 %(most)s MB。请压缩或拆分后再上传")
            % {"size": f"{size / 1048576:.1f}", "kind": kind.label, "most": most >> 20}
        )
    encrypted = False
    if kind.picture:
        pictures.check(path, kind.code)
    elif kind.code == "pdf":
        encrypted = pdfs.check(path)
    elif kind.code in ("docx", "xlsx", "ofd"):
        documents.check_archive(path)
    elif kind.code == "mp4":
        documents.check_video(path)
    elif kind.code == "csv":
        documents.check_table(path)
    scanning.scan(path)
    return kind, encrypted
