"""Where the bytes lie: each file once, under its own SHA-256, whoever sent it. Nothing here is served by a plain address."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused

FOLDER = "attachments"
CHUNK = 1 << 20


def name_of(sha256: str) -> str:
    return f"{FOLDER}/{sha256[:2]}/{sha256[2:]}"


@contextmanager
def received(upload: "File[bytes]") -> Iterator[tuple[Path, str, int]]:
    """The bytes of an upload in a file of our own, their SHA-256 and their number; gone afterwards unless `keep` took it.

    Counted as they come, whatever the sender said. Raises Refused above the limit of the installation.
    """
    folder = Path(settings.MEDIA_ROOT) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix="arriving-", dir=folder)
    path = Path(temporary)
    try:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(handle, "wb") as out:
            for chunk in upload.chunks(CHUNK):
                size += len(chunk)
                if size > settings.MAX_UPLOAD_BYTES:
                    raise Refused(
                        _("文件超过 %(most)s MB，没有收下。请压缩或拆分后再上传")
                        % {"most": settings.MAX_UPLOAD_BYTES >> 20}
                    )
                digest.update(chunk)
                out.write(chunk)
        yield path, digest.hexdigest(), size
    finally:
        path.unlink(missing_ok=True)


def keep(path: Path, sha256: str) -> str:
    """Moves a received file to its place; one that is there already is the same file. Returns its name in the storage."""
    name = name_of(sha256)
    place = Path(default_storage.path(name))
    place.parent.mkdir(parents=True, exist_ok=True)
    path.chmod(0o640)
    os.replace(path, place)
    return name


def keep_bytes(data: bytes) -> str:
    """The same for a copy that was made here."""
    sha256 = hashlib.sha256(data).hexdigest()
    folder = Path(settings.MEDIA_ROOT) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix="made-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
        return keep(Path(temporary), sha256)
    finally:
        Path(temporary).unlink(missing_ok=True)


def remove(name: str) -> None:
    if name:
        Path(default_storage.path(name)).unlink(missing_ok=True)
