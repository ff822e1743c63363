"""Who may see the live scoreboard, freeze a snapshot, and let the public see it."""

from zhunsheng.web.appraisal.models import Snapshot
from zhunsheng.web.people.policy import is_second_person, may_work
from zhunsheng.web.people.queries import Person, has_role


def may_see_live(user: Person) -> bool:
    """The live scoreboard is internal; the public sees approved snapshots."""
    return may_work(user)


def may_freeze(user: Person) -> bool:
    return has_role(user, "lead_office")


def may_decide_snapshot(user: Person, snapshot: Snapshot) -> bool:
    """A leader of the leading group who did not draft the snapshot."""
    return has_role(user, "leader") and is_second_person(user, snapshot.created_by)
