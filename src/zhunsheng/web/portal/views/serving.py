"""How the portal answers: for everyone, reading only, and with a hash on every file."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

from django.contrib.auth.decorators import login_not_required
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

View = Callable[..., HttpResponseBase]
#: How long a copy may be used before asking again whether it is the newest.
FRESH = "public, max-age=300, must-revalidate"
#: What was frozen never changes under its number.
FROZEN = "public, max-age=86400"


def public(view: View) -> View:
    """A page for everyone, by GET and HEAD only."""
    return login_not_required(require_safe(view))


def unchanged(request: HttpRequest, mark: str) -> HttpResponse | None:
    """304 where the reader already holds the version with this mark; asked before the work of making it is done."""
    found = get_conditional_response(request, etag=quote_etag(mark))
    return found if found is not None and found.status_code == 304 else None


def _headers(response: HttpResponseBase, name: str, mark: str, cache: str, *, attachment: bool) -> None:
    response["ETag"] = quote_etag(mark)
    response["Cache-Control"] = cache
    kind = "attachment" if attachment else "inline"
    response["Content-Disposition"] = f"{kind}; filename*=UTF-8''{quote(name)}"


def whole(data: bytes, name: str, kind: str, mark: str, *, cache: str = FRESH, attachment: bool = True) -> HttpResponse:
    """A file held in memory, with its SHA-256 in the headers `X-SHA256` (hex) and `Repr-Digest` (RFC 9530)."""
    response = HttpResponse(data, content_type=kind)
    digest = hashlib.sha256(data)
    _headers(response, name, mark, cache, attachment=attachment)
    set_digest(response, digest.hexdigest())
    return response


def set_digest(response: Any, sha256: str) -> None:
    response["X-SHA256"] = sha256
    response["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


def stored(file: Any, size: int, sha256: str, name: str, kind: str) -> FileResponse:
    """A file from disk, sent piece by piece; its hash is its mark."""
    response = FileResponse(file, content_type=kind)
    _headers(response, name, sha256, FRESH, attachment=True)
    response["Content-Length"] = str(size)
    set_digest(response, sha256)
    return response


def flowing(parts: Iterable[bytes], name: str, kind: str, mark: str, *, cache: str = FRESH) -> StreamingHttpResponse:
    """A file made while it is sent."""
    response = StreamingHttpResponse(parts, content_type=kind)
    _headers(response, name, mark, cache, attachment=True)
    return response
