"""Attachments: taken in after all checks, copied for the public, swept away when no record keeps them."""

import datetime
from pathlib import Path

from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.web.common import files
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.desk.attachments import queries, storing
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record

#: an attachment that no record keeps after so many days was sent and thought better of
KEPT_DAYS = 7


def attach(upload: "File[bytes]", *, by: "User | None", at: datetime.datetime) -> Attachment:
    """Takes a file in. The same bytes from the same person are the same attachment; `by` None: the public, without account.

    Raises Refused with what is wrong and how to mend it: wrong kind, name and content that differ, too large, damaged,
    something that acts, refused by the scanner. Then nothing is kept.
    """
    name = files.shown_name(upload.name or "")
    with storing.received(upload) as (path, sha256, size):
        known = Attachment.objects.filter(created_by=by, sha256=sha256).first() if by is not None else None
        if known is not None:
            storing.keep(path, sha256)
            return known
        kind, encrypted = files.check(path, name)
        if not files.ending_of(name):
            name = f"{name or _('附件')}{kind.endings[0]}"
        preview = storing.keep_bytes(files.thumbnail(path, kind)) if kind.picture else ""
        with transaction.atomic():
            values = {
                "name": name, "mime": kind.mime, "size": size, "encrypted": encrypted, "created_at": at,
                "file": storing.name_of(sha256), "thumbnail": preview,
            }  # fmt: skip
            if by is None:
                made, is_new = Attachment.objects.create(created_by=None, sha256=sha256, **values), True
            else:
                made, is_new = Attachment.objects.get_or_create(created_by=by, sha256=sha256, defaults=values)
            storing.keep(path, sha256)
            if is_new:
                record(
                    "attach", "attachment", made.pk, by=by, at=at,
                    changes={"name": [None, name], "sha256": [None, sha256], "size": [None, size]},
                )  # fmt: skip
    return made


def public_copy(attachment: Attachment) -> Attachment:
    """The attachment with its `public_file`: a copy that does not tell who made it, with what, when or where. Made once.

    Raises Refused for what cannot be freed of such traces: encrypted PDFs, Office and OFD documents, videos.
    """
    if attachment.public_file:
        return attachment
    kind = files.BY_MIME[attachment.mime]
    path = Path(attachment.file.path)
    if not path.is_file():
        raise Refused(_("附件“%(name)s”已不在服务器上，请重新上传") % {"name": attachment.name})
    attachment.public_file.name = storing.keep_bytes(files.public_copy(path, kind))
    attachment.save(update_fields=["public_file"])
    return attachment


def sweep_attachments(at: datetime.datetime) -> int:
    """Removes attachments that no record has kept for KEPT_DAYS, and their bytes once they are gone. Returns how many."""
    swept = 0
    names: set[str] = set()
    for one in queries.unkept(at - datetime.timedelta(days=KEPT_DAYS)).order_by("pk")[:1000]:
        names |= {getattr(one, copy).name or "" for copy in queries.COPIES}
        record(
            "sweep_attachment", "attachment", one.pk, by=None, at=at,
            changes={"name": [one.name, None], "sha256": [one.sha256, None]},
        )  # fmt: skip
        one.delete()
        swept += 1
    transaction.on_commit(lambda: _remove(names))
    return swept


def _remove(names: set[str]) -> None:
    for name in queries.unneeded(names):
        storing.remove(name)
