"""What rooms below the audit trail (people) call to leave a trace.

The public log stands above people, because its rows name users and offices. It hangs its recorder in here when it loads.
"""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

_recorder: "Callable[..., Any] | None" = None


def record_with(recorder: "Callable[..., Any]") -> None:
    """Called once by the public log: `recorder` has the signature of public_log.actions.record."""
    global _recorder
    _recorder = recorder


def record(
    verb: str,
    subject_type: str,
    subject_id: "str | int",
    *,
    by: Any,
    at: datetime.datetime,
    rule: str = "",
    reason: str = "",
    changes: "Mapping[str, Any] | None" = None,
) -> None:
    """Records one act, inside the act's own transaction. Raises RuntimeError where nobody records: no act goes untraced."""
    if _recorder is None:
        raise RuntimeError("zhunsheng.web.public_log is not installed: nothing would record this act")
    _recorder(verb, subject_type, subject_id, by=by, at=at, rule=rule, reason=reason, changes=changes)
