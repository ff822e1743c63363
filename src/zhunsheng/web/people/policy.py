"""Who may. Separation of duties (domain: reviewer never on own submissions) is here once, for every room."""

from zhunsheng.web.people.models import Office, User
from zhunsheng.web.people.queries import Person, has_role, is_staff


def may_work(user: Person) -> bool:
    """Sees the staff rooms."""
    return is_staff(user) or (isinstance(user, User) and user.is_active and user.is_superuser)


def may_manage_people(user: Person) -> bool:
    return (isinstance(user, User) and user.is_active and user.is_superuser) or has_role(user, "sysadmin")


def may_edit_responsibility(user: Person) -> bool:
    return has_role(user, "lead_office")


def is_second_person(user: Person, *others: User | None) -> bool:
    """复核分离: `user` is none of the people who did the earlier steps."""
    return isinstance(user, User) and all(other is None or other.pk != user.pk for other in others)


def may_review(user: Person, office: Office, *submitters: User | None) -> bool:
    """A reviewer or head of the office, and not one of those who submitted."""
    return has_role(user, "reviewer", "head", office=office) and is_second_person(user, *submitters)


def may_decide(user: Person, office: Office, *submitters: User | None) -> bool:
    """A head of the office, and not one of those who submitted."""
    return has_role(user, "head", office=office) and is_second_person(user, *submitters)
