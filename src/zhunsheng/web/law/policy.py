"""Who may. A change is proposed by one person and approved by another; whose approval it takes says the table law/owners."""

import datetime

from zhunsheng.web.law.models import Change
from zhunsheng.web.law.queries import owner
from zhunsheng.web.people.policy import is_second_person
from zhunsheng.web.people.queries import Person, has_role

PROPOSERS = ("member", "reviewer", "head", "lead_office", "leader")


def may_propose(user: Person) -> bool:
    """Proposes a change of any rule."""
    return has_role(user, *PROPOSERS)


def may_decide(user: Person, change: Change, on: datetime.date) -> bool:
    """Approves or refuses a change: one of the roles that decide on this rule, and never the proposer."""
    return has_role(user, *owner(change.table, on).list("decides")) and is_second_person(user, change.proposed_by)


def may_withdraw(user: Person, change: Change) -> bool:
    """Takes back the own proposal."""
    return bool(user.pk) and user.pk == change.proposed_by_id


def may_review(user: Person, name: str, on: datetime.date) -> bool:
    """Says that a rule was looked at again: its owner."""
    return has_role(user, owner(name, on)["role"])
