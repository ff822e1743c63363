"""Who holds which post, on a day."""

import datetime
from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.utils import timezone

from zhunsheng.web.common.records import Level, in_force
from zhunsheng.web.people.models import Office, Post, Responsibility, User

Person = User | AnonymousUser


def posts(user: Person, on: datetime.date | None = None) -> list[Post]:
    """The posts that `user` holds on a day (today unless said); asked once per request and day."""
    if not isinstance(user, User) or not user.is_active:
        return []
    day = on or timezone.localdate()
    known: dict[datetime.date, list[Post]] = user.__dict__.setdefault("_posts_by_day", {})
    if day not in known:
        known[day] = list(user.posts.filter(in_force_post(day)).select_related("office"))
    return known[day]


def in_force_post(day: datetime.date) -> Q:
    return in_force(day)


def has_role(user: Person, *roles: str, office: Office | None = None, on: datetime.date | None = None) -> bool:
    """Whether `user` holds one of `roles` on a day; with `office`, in that office."""
    return any(post.role in roles and (office is None or post.office_id == office.pk) for post in posts(user, on))


def is_staff(user: Person, on: datetime.date | None = None) -> bool:
    """Whether the user works for an office (any post but a laboratory's or a firm's)."""
    return any(post.role not in {"lab", "enterprise"} for post in posts(user, on))


def offices_of(user: Person, roles: Iterable[str] = (), on: datetime.date | None = None) -> QuerySet[Office]:
    """The offices in which the user holds one of `roles` (any role where none is named)."""
    wanted = set(roles)
    keys = [post.office_id for post in posts(user, on) if not wanted or post.role in wanted]
    return Office.objects.filter(pk__in=keys)


def main_office(user: Person, on: datetime.date | None = None) -> Office | None:
    found = posts(user, on)
    return found[0].office if found else None


def division_scope(user: Person, on: datetime.date | None = None) -> list[str] | None:
    """The division codes a user's offices cover: None = the whole city; [] = nothing.

    A county office sees its county; a city office, the quality office, leaders and auditors see the city.
    """
    found = posts(user, on)
    if isinstance(user, User) and user.is_superuser:
        return None
    if any(post.office.level != Level.COUNTY and post.role not in {"lab", "enterprise"} for post in found):
        return None
    return sorted(
        {
            post.office.division_code
            for post in found
            if post.office.division_code and post.role not in {"lab", "enterprise"}
        }
    )


def offices_on(day: datetime.date) -> QuerySet[Office]:
    """Offices that exist on a day."""
    return Office.objects.filter(in_force(day))


def responsibilities_on(day: datetime.date) -> QuerySet[Responsibility]:
    return Responsibility.objects.filter(in_force(day)).select_related("office", "product_class")
