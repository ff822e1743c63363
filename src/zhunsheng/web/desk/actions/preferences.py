"""A user's own settings: how notices reach them, and the calendar's address. Own papers: no trace in the audit trail."""

import datetime
import secrets
from collections.abc import Mapping

from django.db import transaction

from zhunsheng.web.desk.models import Preference, Route
from zhunsheng.web.people.models import User


def set_preferences(
    user: User,
    *,
    phone: str,
    wecom_id: str,
    digest: bool,
    quiet_from: datetime.time | None,
    quiet_to: datetime.time | None,
    routes: Mapping[tuple[str, str], str],
) -> Preference:
    """Keeps the settings as a form has checked them. `routes`: {(kind, channel): how}; pairs not named stay as they are."""
    with transaction.atomic():
        preference, _new = Preference.objects.update_or_create(
            user=user,
            defaults={
                "phone": phone, "wecom_id": wecom_id, "digest": digest, "quiet_from": quiet_from, "quiet_to": quiet_to,
            },
        )  # fmt: skip
        for (kind, channel), how in routes.items():
            Route.objects.update_or_create(user=user, kind=kind, channel=channel, defaults={"how": how})
    return preference


def open_calendar(user: User) -> Preference:
    """Gives the user's calendar a new address; one that there was leads nowhere from now on."""
    preference, _new = Preference.objects.update_or_create(user=user, defaults={"feed_key": secrets.token_hex(16)})
    return preference


def close_calendar(user: User) -> None:
    """Takes the calendar's address away. Again is harmless."""
    Preference.objects.filter(user=user).update(feed_key=None)
