"""JSON over HTTP for the channels: short timeouts, small answers, and errors that name no address and no secret."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

SECONDS = 10
MOST = 64 * 1024


class Unreachable(Exception):
    """No readable answer. The text is for the queue's page."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A gateway that sends us elsewhere would get the key there: it is refused."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_open = urllib.request.build_opener(_NoRedirect).open


def ask(url: str, payload: Mapping[str, Any] | None = None, *, bearer: str = "") -> tuple[int, dict[str, Any]]:
    """POSTs `payload` (GETs without one) and returns (status, answer); an answer that is no JSON object is {}.

    Raises Unreachable where there is no answer within SECONDS.
    """
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    body = None if payload is None else json.dumps(payload, ensure_ascii=False).encode()
    asked = urllib.request.Request(url, body, headers)  # noqa: S310 - env.address lets http and https through only
    try:
        with _open(asked, timeout=SECONDS) as answer:
            return answer.status, _read(answer.read(MOST))
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, _read(problem.read(MOST))
    except urllib.error.URLError as problem:
        raise Unreachable(type(problem.reason).__name__ if problem.reason else "URLError") from None
    except (OSError, http.client.HTTPException) as problem:
        raise Unreachable(type(problem).__name__) from None


def _read(data: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(data)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def is_final(status: int) -> bool:
    """Whether an HTTP status says that the same request will never be taken."""
    return 400 <= status < 500 and status not in {401, 403, 408, 425, 429}
