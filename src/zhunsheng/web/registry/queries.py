"""Reading the register. Nothing is hidden by default: a cancelled entity is found like any other."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from zhunsheng.web.common.records import in_force
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import Person, division_scope
from zhunsheng.web.public_log.models import Act
from zhunsheng.web.public_log.queries import history as acts_on
from zhunsheng.web.registry.models import BusinessEntity, Division, Inspector, Park, Recusal
from zhunsheng.web.registry.words import industry_sections


# -- areas ------------------------------------------------------------------------------------------------------------
def code_range(code: str) -> tuple[str, str]:
    """The codes of a division and of everything under it, as [first, after the last): 990101 → 990101 … 990102.

    A city's code ends in 00 and a county's in none (GB/T 2260), so 990100 covers 9901 … 9902.
    """
    prefix = code[:4] if len(code) == 6 and code.endswith("00") else code
    return prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)


def in_division(code: str, name: str = "division_id") -> Q:
    """Rows whose division is this one or lies in it. A range over the index, not a list of townships."""
    first, after = code_range(code)
    return Q(**{f"{name}__gte": first, f"{name}__lt": after})


def in_divisions(codes: Iterable[str], name: str = "division_id") -> Q:
    """Rows in any of these divisions; none where there are none."""
    found = Q(pk__in=[])
    for code in codes:
        found |= in_division(code, name)
    return found


def divisions(request: "HttpRequest | None" = None) -> Mapping[str, Division]:
    """All divisions by code, asked once for each request (a city has some two hundred)."""
    if request is None:
        return {one.code: one for one in Division.objects.all()}
    known: Mapping[str, Division] | None = request.__dict__.get("_divisions")
    if known is None:
        known = request.__dict__["_divisions"] = divisions()
    return known


def parks(request: "HttpRequest | None" = None) -> Mapping[int, Park]:
    """All parks by key, asked once for each request."""
    known: Mapping[int, Park] | None = request.__dict__.get("_parks") if request is not None else None
    if known is None:
        known = {one.pk: one for one in Park.objects.order_by("code")}
        if request is not None:
            request.__dict__["_parks"] = known
    return known


def division_name(known: Mapping[str, Division], code: "str | None") -> str:
    """The place as people say it: the township with its county before it. '' for none."""
    here = known.get(code or "")
    if here is None:
        return code or ""
    above = known.get(here.parent_id or "")
    return f"{named(above)} {named(here)}" if here.level == "township" and above is not None else named(here)


@dataclass(slots=True)
class Place:
    """A division with what lies under it. `here`: entities registered at the division itself; `all`: with those under it."""

    division: Division
    here: int = 0
    all: int = 0
    inside: bool = True
    parks: list[Park] = field(default_factory=list)
    children: "list[Place]" = field(default_factory=list)


def place_tree(user: Person, known: Mapping[str, Division]) -> tuple[list[Place], int]:
    """The divisions as a tree with the number of entities that the user may see; and how many have no division."""
    counts = dict(visible_to(user).order_by().values_list("division_id").annotate(n=Count("pk")))
    places = {code: Place(one, counts.get(code, 0)) for code, one in known.items()}
    for park in Park.objects.all():
        if park.division_id in places:
            places[park.division_id].parks.append(park)
    top: list[Place] = []
    for place in places.values():
        above = places.get(place.division.parent_id or "")
        (above.children if above is not None else top).append(place)

    def add(place: Place) -> int:
        place.all = place.here + sum(add(child) for child in place.children)
        return place.all

    for place in top:
        add(place)
    return top, counts.get(None, 0)


def parks_on(day: datetime.date) -> QuerySet[Park]:
    return Park.objects.filter(in_force(day)).select_related("division")


# -- business entities ------------------------------------------------------------------------------------------------
def visible_to(user: Person) -> QuerySet[BusinessEntity]:
    """A county office sees its county; city offices, leaders and auditors the city; a firm or a stranger nothing."""
    scope = division_scope(user)
    if scope is None:
        return BusinessEntity.objects.all()
    return BusinessEntity.objects.filter(in_divisions(scope)) if scope else BusinessEntity.objects.none()


def in_scope(user: Person, code: "str | None") -> bool:
    """Whether a division lies in the area of the user's offices. No division is the city's business."""
    scope = division_scope(user)
    if scope is None:
        return True
    return bool(code) and any(low <= str(code) < high for low, high in (code_range(one) for one in scope))


def containing(text: str) -> Q:
    """Entities whose name contains the text, or whose code begins with it. One or two characters work as well as ten.

    Plain LIKE on purpose: a trigram index finds nothing for 焦作, and says nothing (stack: FTS5 of SQLite 3.40).
    """
    text = " ".join(text.split())
    wanted = Q(name__icontains=text)
    if text.isascii() and text.replace(":", "").replace("-", "").isalnum():
        wanted |= Q(unit_id__istartswith=text) if ":" in text else Q(unit_id__icontains=f":{text}")
    return wanted


def industry_q(code: str) -> Q:
    """Entities of a 门类 (one letter) or of a 大类, 中类 or 小类 (its digits begin the code)."""
    if code.isalpha():
        under = industry_sections().get(code, ())
        found = Q(industry=code)
        if under:
            found |= Q(industry__gte=under[0], industry__lt=str(int(under[-1]) + 1).zfill(2))
        return found
    return Q(industry__startswith=code)


def sources() -> list[str]:
    """The source systems in the register, at most twenty. Jumps in the index from one to the next, past a million rows."""
    table, column = BusinessEntity._meta.db_table, "source_system"
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE s(v) AS (SELECT MIN({column}) FROM {table} UNION ALL "  # noqa: S608 - names of the model, no value
            f"SELECT (SELECT MIN({column}) FROM {table} WHERE {column} > s.v) FROM s WHERE s.v IS NOT NULL) "
            "SELECT v FROM s WHERE v <> '' LIMIT 20"
        )
        return [value for (value,) in cursor.fetchall()]


def history(subject: str, pk: int) -> QuerySet[Act]:
    return acts_on(subject, pk)


def premises_of(entity: BusinessEntity) -> QuerySet[Any]:
    return entity.premises.select_related("division", "park").order_by("no")


def recusals_on(day: datetime.date) -> QuerySet[Recusal]:
    """Recusals that hold on a day."""
    return Recusal.objects.filter(Q(declared_on__lte=day) & (Q(valid_to__isnull=True) | Q(valid_to__gte=day)))


# -- inspectors -------------------------------------------------------------------------------------------------------
EXPIRES_SOON = 60  # days


def inspectors_visible_to(user: Person) -> QuerySet[Inspector]:
    """A county office sees its own inspectors; the city sees all."""
    scope = division_scope(user)
    found = Inspector.objects.select_related("office")
    if scope is None:
        return found
    return found.filter(in_divisions(scope, "office__division_code")) if scope else found.none()


def certificate_state(until: "datetime.date | None", day: datetime.date) -> str:
    """'none' (no date is known), 'expired', 'soon' (within sixty days) or 'good'."""
    if until is None:
        return "none"
    if until < day:
        return "expired"
    return "soon" if (until - day).days <= EXPIRES_SOON else "good"


def on_leave(inspector: Inspector, day: datetime.date) -> bool:
    return (
        inspector.leave_from is not None
        and inspector.leave_from <= day
        and (inspector.leave_to is None or day <= inspector.leave_to)
    )


def expiring(user: User, day: datetime.date) -> Sequence[Inspector]:
    """The user's own office's inspectors whose certificate ends within sixty days or has ended."""
    offices = {post.office_id for post in user.posts.filter(in_force(day))}
    return list(
        Inspector.objects.filter(
            office__in=offices,
            status__in=["active", "leave"],
            certificate_valid_to__lte=day + datetime.timedelta(days=EXPIRES_SOON),
        ).select_related("office")
    )
