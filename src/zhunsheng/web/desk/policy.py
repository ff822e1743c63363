"""Who may, at the desk."""

from zhunsheng.web.people.policy import may_manage_people, may_work
from zhunsheng.web.people.queries import Person, has_role


def may_sit(user: Person) -> bool:
    """Has a desk: everyone with a post in force, laboratories too. A firm has its own page instead."""
    return may_work(user) or has_role(user, "lab")


def may_search(user: Person) -> bool:
    """Searches every register: staff only, a laboratory sees its own tasks."""
    return may_work(user)


def may_keep_running(user: Person) -> bool:
    """Sees the background jobs and the queue of messages, and sends again: the system administrator."""
    return may_manage_people(user)
