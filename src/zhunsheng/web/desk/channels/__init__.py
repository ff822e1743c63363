"""Ways out of the house for a notice: e-mail, SMS, 政务微信. The desk itself is the first way and needs none of them."""

import datetime
from collections.abc import Mapping

from zhunsheng.web.desk.channels.base import Channel, Failure, Message, Sent
from zhunsheng.web.desk.channels.email import Email
from zhunsheng.web.desk.channels.sms import Sms
from zhunsheng.web.desk.channels.wecom import Wecom
from zhunsheng.web.desk.models import Notice, Preference, Route

__all__ = ["CHANNELS", "CHOSEN", "Channel", "Failure", "Message", "Sent", "default_how", "how", "ready", "wait_until"]

CHANNELS: Mapping[str, type[Channel]] = {one.code: one for one in (Email, Sms, Wecom)}

Kind, How = Notice.Kind, Route.How
#: The kinds for which a user chooses. Urgent ones go out at once by every way, and at night too; a digest goes where
#: something is to be in it.
CHOSEN = (Kind.WORK, Kind.DEADLINE, Kind.SYSTEM)


def ready() -> dict[str, type[Channel]]:
    """The channels that this installation is set up for."""
    return {code: channel for code, channel in CHANNELS.items() if channel.is_ready()}


def default_how(kind: str, channel: str) -> str:
    """Mail tells at once of work that arrives; reminders, and all that rings in a pocket, wait for the morning."""
    if channel == Email.code and kind != Kind.DEADLINE:
        return How.AT_ONCE
    return How.DIGEST


def how(kind: str, channel: str, chosen: "Mapping[tuple[str, str], str]") -> str:
    """How a notice of `kind` goes out by `channel` for a user who chose {(kind, channel): how}."""
    if kind == Kind.URGENT:
        return How.AT_ONCE
    if kind == Kind.DIGEST:
        wanted = {chosen.get((one, channel)) or default_how(one, channel) for one in CHOSEN}
        return How.AT_ONCE if How.DIGEST in wanted else How.OFF
    return chosen.get((kind, channel)) or default_how(kind, channel)


def wait_until(preference: Preference, kind: str, at: datetime.datetime) -> datetime.datetime:
    """`at`, or the end of the user's quiet hours around it. `at` and the hours are in the city's time.

    Quiet hours may run through midnight. Urgent notices do not wait.
    """
    start, end = preference.quiet_from, preference.quiet_to
    if start is None or end is None or start == end or kind == Kind.URGENT:
        return at
    now = at.time()
    overnight = start > end
    inside = (now >= start or now < end) if overnight else start <= now < end
    if not inside:
        return at
    day = at.date() + datetime.timedelta(days=1) if overnight and now >= start else at.date()
    return datetime.datetime.combine(day, end, at.tzinfo)
