"""What rooms below the desk (people) call to send a user a notice.

The desk stands above them. It hangs its messenger in here when it loads, as the public log does with its recorder (trail).
"""

import datetime
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.functional import Promise

_messenger: "Callable[..., Any] | None" = None


def tell_with(messenger: "Callable[..., Any]") -> None:
    """Called once by the desk: `messenger` has the signature of desk.actions.notify."""
    global _messenger
    _messenger = messenger


def tell(users: Iterable[Any], text: "str | Promise", url: str = "", *, at: datetime.datetime) -> None:
    """Sends a notice. Call it on commit. Raises RuntimeError where there is no desk: nobody is left untold in silence."""
    if _messenger is None:
        raise RuntimeError("zhunsheng.web.desk is not installed: nobody would get this notice")
    _messenger(users, text, url, at=at)
