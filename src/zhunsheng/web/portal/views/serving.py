"""How the portal answers: for everyone, reading only, and with a hash on every file."""

import base64
import hashlib
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any
from urllib.parse import quote

from django.contrib.auth.decorators import login_not_required
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

View = Callable[..., HttpResponseBase]
#: How long a copy may be used before asking again whether it is the newest.
FRESH = "public, max-age=300, must-revalidate"
#: What was frozen never changes under its number.
FROZEN = "public, max-age=86400"


class Missing(Exception):
    """There is nothing public under this address; the sentence says what to look for instead."""


def public(view: View) -> View:
    """A page for everyone, by GET and HEAD only; where it misses something, the 404 page says what."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            if any("\0" in value for value in kwargs.values() if isinstance(value, str)):
                raise Missing(_("地址中有不能使用的字符。"))  # PostgreSQL refuses it, SQLite does not
            return view(request, *args, **kwargs)
        except Missing as problem:
            return render(request, "404.html", {"sentence": str(problem)}, status=404)

    return login_not_required(require_safe(answer))


def asked(request: HttpRequest, name: str, longest: int = 100) -> str:
    """What a reader typed into a field of the address, without what no database takes."""
    return request.GET.get(name, "").replace("\0", "").strip()[:longest]


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
