"""Who holds which post, on a day."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhunsheng.engine import responsibility as engine
from zhunsheng.engine.words import Param, Reason
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.records import Level, in_force
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.people.models import (
    AuthenticatorApp,
    Link,
    Office,
    Passkey,
    Post,
    ProductClass,
    RecoveryCode,
    Responsibility,
    Role,
    User,
)

Person = User | AnonymousUser


class UserRequest(HttpRequest):
    """The request of a page behind the login (LoginRequiredMiddleware lets nobody else through); for the type checker."""

    user: User


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


def has_factor(user: User) -> bool:
    """Whether the account has a second factor: an authenticator app or a passkey. Recovery codes alone are none."""
    return AuthenticatorApp.objects.filter(user=user).exists() or Passkey.objects.filter(user=user).exists()


def with_factor(users: QuerySet[User]) -> QuerySet[User]:
    """The users, each with `factor`: whether the account has a second factor."""
    app, key = AuthenticatorApp.objects.filter(user=OuterRef("pk")), Passkey.objects.filter(user=OuterRef("pk"))
    return users.annotate(factor=Exists(app) | Exists(key))


def factors(user: User) -> list[str]:
    """The account's second factors by their kind and name, for a list."""
    app = [_("验证器应用")] if AuthenticatorApp.objects.filter(user=user).exists() else []
    return [*app, *(_("通行密钥“%(name)s”") % {"name": one.name} for one in Passkey.objects.filter(user=user))]


def role_names() -> dict[str, str]:
    return {value: str(label) for value, label in Role.choices}


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user, used_at=None).count()


def offices_of(user: Person, roles: Iterable[str] = (), on: datetime.date | None = None) -> QuerySet[Office]:
    """The offices in which the user holds one of `roles` (any role where none is named)."""
    wanted = set(roles)
    keys = [post.office_id for post in posts(user, on) if not wanted or post.role in wanted]
    return Office.objects.filter(pk__in=keys)


def main_office(user: Person, on: datetime.date | None = None) -> Office | None:
    found = posts(user, on)
    return found[0].office if found else None


def colleagues(post: Post, day: datetime.date) -> QuerySet[User]:
    """Who works in the post's office on a day, its holder left out: those to whom the holder may delegate it."""
    held = Post.objects.filter(in_force_post(day), office=post.office).exclude(role__in=("lab", "enterprise"))
    found = User.objects.filter(pk__in=held.values("user"), is_active=True, firm_account=None)
    return found.exclude(pk=post.user_id).order_by("display_name", "username")


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


# -- offices ----------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class Node:
    """An office in the tree, with those under it."""

    office: Office
    children: "list[Node]" = field(default_factory=list)


def office_tree(day: datetime.date, level: str = "") -> list[Node]:
    """The offices that exist on a day, each under its parent; one whose parent is not shown stands at the top."""
    offices = offices_on(day).select_related("successor")
    if level:
        offices = offices.filter(level=level)
    nodes = {office.pk: Node(office) for office in offices.order_by("code")}
    top: list[Node] = []
    for node in nodes.values():
        above = nodes.get(node.office.parent_id) if node.office.parent_id else None
        (above.children if above else top).append(node)
    return top


def posts_split(posts: Iterable[Post], day: datetime.date) -> dict[str, list[Post]]:
    """Posts as they stand on a day: 'now', 'ahead' and 'past'."""
    found: dict[str, list[Post]] = {"now": [], "ahead": [], "past": []}
    for post in posts:
        ahead = post.valid_from is not None and post.valid_from > day
        past = post.valid_to is not None and post.valid_to < day
        found["ahead" if ahead else "past" if past else "now"].append(post)
    return found


# -- the responsibility matrix ----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Cell:
    """A product class in a link on a day. `state`: 'absent' (there is no such link), 'gap', 'one' or 'overlap'.

    `before`: the offices that led on the day compared with, None where nothing is compared or nothing differs.
    """

    product_class: ProductClass
    link: str
    state: str
    lead: list[Responsibility]
    joint: list[Responsibility]
    before: "list[Office] | None" = None

    @property
    def link_name(self) -> "str | Promise":
        return Link(self.link).label


@dataclass(frozen=True, slots=True)
class Matrix:
    """The whole table of a day: a row for each product class, a cell for each link, and what is wrong with it."""

    rows: list[tuple[ProductClass, list[Cell]]]
    gaps: list[Cell]
    overlaps: list[Cell]
    changed: int

    @property
    def led(self) -> int:
        """Cells with one leading office."""
        return sum(1 for _product, cells in self.rows for cell in cells if cell.state == "one")


def duty(row: Responsibility) -> engine.Duty:
    """The row as the engine knows it."""
    return engine.Duty(
        office_code=row.office.code, product_class=row.product_class.code, link=engine.Link(row.link), scope=row.scope, lead=row.lead,
        valid_from=row.valid_from, valid_to=row.valid_to, source=row.source, confidence=row.confidence, note=row.note,
    )  # fmt: skip


def duty_state(row: Responsibility, day: datetime.date) -> str:
    """'now', 'ahead' or 'past' on a day."""
    if row.valid_from is not None and row.valid_from > day:
        return "ahead"
    return "past" if row.valid_to is not None and row.valid_to < day else "now"


def matrix(day: datetime.date, compare: "datetime.date | None" = None) -> Matrix:
    """Who answers for what on a day. With `compare`, cells whose leading offices were others on that day say so."""
    rows = list(responsibilities_on(day))
    classes = list(ProductClass.objects.filter(in_force(day)).order_by("pk"))  # as the table lists them
    links = {one.code: tuple(engine.Link(link) for link in one.links.split(";") if link) for one in classes}
    duties = [duty(row) for row in rows]
    gaps = set(engine.gaps(duties, links, day))
    overlaps = {overlap.cell for overlap in engine.overlaps(duties, day)}
    by_cell: dict[tuple[int, str], list[Responsibility]] = defaultdict(list)
    for row in rows:
        by_cell[row.product_class_id, row.link].append(row)
    before: dict[tuple[int, str], set[Office]] = defaultdict(set)
    if compare is not None:
        for row in responsibilities_on(compare):
            if row.lead:
                before[row.product_class_id, row.link].add(row.office)

    def cell(product_class: ProductClass, link: str) -> Cell:
        here = by_cell[product_class.pk, link]
        key = engine.Cell(product_class.code, engine.Link(link))
        lead = [row for row in here if row.lead]
        state = "gap" if key in gaps else "overlap" if key in overlaps else "one" if lead else "absent"
        old = before[product_class.pk, link]
        differs = compare is not None and {row.office for row in lead} != old
        return Cell(
            product_class, link, state, lead, [row for row in here if not row.lead],
            sorted(old, key=lambda office: office.code) if differs else None,
        )  # fmt: skip

    table = [(product_class, [cell(product_class, link) for link in Link.values]) for product_class in classes]
    cells = [one for _product, line in table for one in line]
    return Matrix(
        table,
        [one for one in cells if one.state == "gap"],
        [one for one in cells if one.state == "overlap"],
        sum(1 for one in cells if one.before is not None),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answers: the leading offices, those that take part, the sentence why, and the rows behind it."""

    lead: list[Office]
    joint: list[Office]
    sentence: str
    rows: list[Responsibility]


def who_answers(product_class: ProductClass, link: str, day: datetime.date, scope: str = "") -> Answer:
    """Routes work: the office or offices that answer for a product class in a link on a day, and why.

    `scope`: the level of the organ asked about ('' = any). The sentence names offices and class in the page's language.
    """
    rows = list(
        Responsibility.objects.filter(product_class=product_class, link=link).select_related("office", "product_class")
    )
    offices = {row.office.code: row.office for row in rows}
    answer = engine.route([duty(row) for row in rows], product_class.code, engine.Link(link), day, scope)
    said: dict[str, Param] = {**answer.reason.params, "product": named(product_class)}
    joined = answer.lead or answer.joint
    if "offices" in said:
        said["offices"] = (
            _("、").join(named(offices[code]) for code in joined)
            if language() == "zh"
            else ", ".join(named(offices[code]) for code in joined)
        )
    if "office" in said:
        said["office"] = named(offices[str(said["office"])])
    return Answer(
        [offices[code] for code in answer.lead],
        [offices[code] for code in answer.joint],
        Reason(answer.reason.code, said).text(language()),
        [row for row in rows if duty(row).in_force(day) and (not scope or row.scope in ("", scope))],
    )
