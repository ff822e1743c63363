"""Who may. A change is proposed by one person and approved by another; whose approval it takes says the table law/owners."""

import datetime

from zhunsheng.engine.clock import CHINA
from zhunsheng.web.law.models import Change
from zhunsheng.web.law.queries import owner
from zhunsheng.web.people.policy import acts_apart
from zhunsheng.web.people.queries import Person, has_role, posts

PROPOSERS = ("member", "reviewer", "head", "lead_office", "leader")


def may_propose(user: Person) -> bool:
    """Proposes a change of any rule."""
    return has_role(user, *PROPOSERS)


def may_decide(user: Person, change: Change, on: datetime.date) -> bool:
    """Approves or refuses a change: one of the roles that decide on this rule; never the proposer, nor by a post that the
    proposer has delegated, nor who delegated the posts by which it was proposed."""
    return acts_apart(user, owner(change.table, on).list("decides"), change.proposed_by) and not _proposed_for(
        user, change
    )


def _proposed_for(user: Person, change: Change) -> bool:
    """Whether the proposer could propose by posts of this user's alone."""
    day = change.proposed_at.astimezone(CHINA).date()
    held = [post for post in posts(change.proposed_by, day) if post.role in PROPOSERS]
    return bool(held) and all(post.delegated_by_id == user.pk for post in held)


def may_withdraw(user: Person, change: Change) -> bool:
    """Takes back the own proposal."""
    return bool(user.pk) and user.pk == change.proposed_by_id


def may_review(user: Person, name: str, on: datetime.date) -> bool:
    """Says that a rule was looked at again: its owner."""
    return has_role(user, owner(name, on)["role"])
