"""Who may. Separation of duties (domain: reviewer never on own submissions) is here once, for every room."""

import datetime
from collections.abc import Iterable

from django.conf import settings

from zhunsheng.engine import tables
from zhunsheng.web.people.models import Office, Post, User
from zhunsheng.web.people.queries import Person, has_role, is_staff, posts


def may_work(user: Person) -> bool:
    """Sees the staff rooms."""
    return is_staff(user) or (isinstance(user, User) and user.is_active and user.is_superuser)


def may_manage_people(user: Person) -> bool:
    return (isinstance(user, User) and user.is_active and user.is_superuser) or has_role(user, "sysadmin")


def must_have_factor(user: Person) -> bool:
    """Whether one of the user's roles is among those that the setting SECOND_FACTOR names. A superuser counts as sysadmin."""
    wanted = settings.SECOND_FACTOR_ROLES
    if not wanted or not isinstance(user, User) or not user.is_active:
        return False
    return "all" in wanted or (user.is_superuser and "sysadmin" in wanted) or has_role(user, *wanted)


def may_edit_responsibility(user: Person) -> bool:
    return has_role(user, "lead_office")


def is_second_person(user: Person, *others: User | None) -> bool:
    """复核分离: `user` is none of the people who did the earlier steps."""
    return isinstance(user, User) and all(other is None or other.pk != user.pk for other in others)


def acts_apart(user: Person, roles: Iterable[str], *others: User | int | None, office: Office | None = None) -> bool:
    """复核分离, also of a delegated post: `user` is none of the others (accounts or their keys), and holds one of `roles`
    by a post that none of the others has delegated."""
    if not isinstance(user, User):
        return False
    keys = {other.pk if isinstance(other, User) else other for other in others} - {None}
    wanted = set(roles)
    return user.pk not in keys and any(
        post.role in wanted and (office is None or post.office_id == office.pk) and post.delegated_by_id not in keys
        for post in posts(user)
    )


def may_review(user: Person, office: Office, *submitters: User | None) -> bool:
    """A reviewer or head of the office, and not one of those who submitted."""
    return acts_apart(user, ("reviewer", "head"), *submitters, office=office)


def may_decide(user: Person, office: Office, *submitters: User | None) -> bool:
    """A head of the office, and not one of those who submitted."""
    return acts_apart(user, ("head",), *submitters, office=office)


#: A person who holds one of these roles holds no role outside it that the roles table separates from it, in any matter:
#: 三员分立 (the one who keeps the accounts, the one who looks on, those who do the work) and 抽检分离 (who samples
#: does not test). The other separations of the table (who submits does not review) are of one matter: may_review.
APART = frozenset({"sysadmin", "auditor", "enterprise", "lab"})


def clashing(role: str, held: Iterable[str], on: datetime.date) -> list[str]:
    """The roles in `held` that one person may not hold together with `role` (table people/roles of that day)."""
    apart = {row["code"]: set(row.list("separation")) for row in tables.load("people/roles").valid_on(on)}
    return sorted(
        {
            other
            for other in held
            if other != role
            and (role in APART or other in APART)
            and (other in apart.get(role, ()) or role in apart.get(other, ()))
        }
    )


#: the posts that their holder may let a colleague act in: not those that keep the accounts or look on
DELEGABLE = ("member", "inspector", "reviewer", "head", "lead_office", "leader")


def may_delegate(user: Person, post: Post) -> bool:
    """委托本人岗位: an own post of the work itself, in force, not delegated to the user by another."""
    return (
        isinstance(user, User)
        and post.delegated_by_id is None
        and post.role in DELEGABLE
        and any(one.pk == post.pk for one in posts(user))
    )


def may_see_office(user: Person) -> bool:
    """Offices, posts and duties are open to everyone who works here."""
    return may_work(user)
