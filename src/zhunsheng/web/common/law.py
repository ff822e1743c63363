"""Under which changes of the law this process reads its tables.

The room `law` stands above the rooms that decide by the tables. It hangs in here, when it loads, how the present state is
asked for. Every request runs under one state from beginning to end; an act that meets a newer one in its transaction is
refused, so nothing is decided by a rule that has just been changed.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from zhunsheng.engine import tables
from zhunsheng.engine.tables import Overlay
from zhunsheng.web.common.errors import Refused

#: how long a process may go on without asking, in seconds; acts ask by themselves
SECONDS = 1.0

_edition: "Callable[[], int] | None" = None
_read: "Callable[[], Overlay] | None" = None
_ask_again = 0.0


def read_with(edition: "Callable[[], int]", overlay: "Callable[[], Overlay]") -> None:
    """Called once by the room `law`. `edition`: the number of the last approved change; `overlay`: all of them, with that
    number as its stamp."""
    global _edition, _read
    _edition, _read = edition, overlay


def follow(*, now: bool = False) -> Overlay:
    """The changes approved so far, laid over the tables of this process. Asks the database once a second at most, or `now`."""
    global _ask_again
    if _edition is None or _read is None:
        return tables.NOTHING
    known = tables.laid_for_all()
    if not now and time.monotonic() < _ask_again:
        return known
    if str(_edition()) != (known.stamp or "0"):
        known = _read()
        tables.lay(known)
    _ask_again = time.monotonic() + SECONDS
    return known


def begin() -> None:
    """For a command: reads the law before it starts. Before the first migration, or without a database, there is none."""
    with suppress(DatabaseError):
        follow(now=True)


def hold() -> None:
    """Raises Refused where a change was approved since the tables were read for this act. Call it in the act's transaction."""
    global _ask_again
    if _edition is not None and str(_edition()) != (tables.laid().stamp or "0"):
        _ask_again = 0.0
        raise Refused(_("规则刚刚有修改，这一步没有办理。请刷新页面，按新的规则再办一次。"))


class Following:
    """Middleware: the request runs under the law as it stands when it comes in."""

    def __init__(self, get_response: "Callable[[HttpRequest], HttpResponseBase]") -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with tables.under(follow()):
            return self.get_response(request)
