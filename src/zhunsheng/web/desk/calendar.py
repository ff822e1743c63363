"""日历订阅 (RFC 5545): a user's last days under a secret address, for the calendar on the desk or the phone.

Whoever has the address sees numbers of matters and names of limits: no names of people or firms, no contents.
"""

import datetime
import hashlib
from collections.abc import Iterable

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, vDuration

from zhunsheng.web.desk.models import Preference
from zhunsheng.web.desk.providers import Deadline
from zhunsheng.web.people.models import User

#: days before and after today that a calendar holds
BEHIND, AHEAD = 31, 400


def token(preference: Preference) -> str:
    """The secret part of the calendar's address, '' where the user has no calendar."""
    return f"{preference.feed_key}{_proof(preference.feed_key)}" if preference.feed_key else ""


def owner(given: str) -> User | None:
    """Whose calendar it is. None for every address that is not, or no more, one of a user in service."""
    key, proof = given[:32], given[32:]
    # Computed in every case, so that an answer does not take longer for a key that exists.
    right = constant_time_compare(proof, _proof(key))
    found = Preference.objects.select_related("user").filter(feed_key=key, user__is_active=True).first()
    return found.user if found is not None and right else None


def _proof(key: str) -> str:
    return salted_hmac("zhunsheng.desk.calendar", key, algorithm="sha256").hexdigest()[:40]


def write(deadlines: Iterable[Deadline], on: datetime.date) -> bytes:
    """The feed. The same deadlines on the same day are the same bytes."""
    calendar = Calendar()
    calendar.add("prodid", "-//Zhunsheng//desk//ZH")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", _("准绳：期限"))
    calendar.add("refresh-interval", vDuration(datetime.timedelta(hours=4)), parameters={"VALUE": "DURATION"})
    stamp = datetime.datetime.combine(on, datetime.time(), datetime.UTC)
    for one in deadlines:
        event = Event()
        event.add("uid", f"{hashlib.sha256(one.uid.encode()).hexdigest()[:32]}@zhunsheng")
        event.add("dtstamp", stamp)
        event.add("summary", f"{one.limit} {one.no}")
        if one.at is not None:
            event.add("dtstart", one.at.astimezone(datetime.UTC))
            event.add("dtend", one.at.astimezone(datetime.UTC))
        else:
            event.add("dtstart", one.on)
            event.add("dtend", one.on + datetime.timedelta(days=1))
            event.add("transp", "TRANSPARENT")
        if settings.SITE_URL:
            event.add("url", f"{settings.SITE_URL}{one.url}")
        calendar.add_component(event)
    feed: bytes = calendar.to_ical()
    return feed
