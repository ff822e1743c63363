"""Sends a file. Never from a plain address, never as anything but what it is, and with nothing in it that may act."""

from typing import Literal

from django.http import FileResponse, Http404

from zhunsheng.web.common.files import BY_MIME
from zhunsheng.web.desk.models import Attachment

Copy = Literal["original", "public", "thumbnail"]
#: `sandbox`: no script, no form, an origin of its own. A PDF is shown by the browser's own viewer, which it would stop.
_ALONE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def respond(attachment: Attachment, *, copy: Copy = "original", download: bool = False) -> FileResponse:
    """The file, shown in its place where its kind allows that, otherwise to be saved. Ask `may_see_attachment` first.

    The public copy has a name of its own: the one it was sent with may be somebody's. Raises Http404 where the copy was
    never made, or its bytes are gone.
    """
    kind = BY_MIME.get(attachment.mime)
    stored, mime, name = attachment.file, attachment.mime, attachment.name
    if copy == "public":
        stored, name = attachment.public_file, f"{attachment.sha256[:12]}{kind.endings[0] if kind else ''}"
    elif copy == "thumbnail":
        stored, mime, name = attachment.thumbnail, "image/jpeg", f"{attachment.sha256[:12]}.jpg"
    if not stored:
        raise Http404
    try:
        handle = stored.open("rb")
    except OSError:
        raise Http404 from None
    inline = kind is not None and kind.inline and not download
    response = FileResponse(handle, as_attachment=not inline, filename=name, content_type=mime)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = _ALONE if mime == "application/pdf" else f"sandbox; {_ALONE}"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = "public, max-age=86400, immutable" if copy == "public" else "private, no-cache"
    response["ETag"] = f'"{attachment.sha256[:32]}-{copy}"'
    return response
