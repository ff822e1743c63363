"""Writes anew what is due, once the law or the calendar has changed."""

import datetime

from django.db import transaction

from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.models import FollowUp, Visit
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import Deed, record_many


def recount(*, by: User | None, at: datetime.datetime) -> int:
    """Unpublished visits and open follow-ups keep the last day by the law of now. Returns how many moved; each is recorded.
    Again changes nothing."""
    with transaction.atomic():
        deeds: list[Deed] = []
        for visit, due in list(queries.moved_visits()):
            Visit.objects.filter(pk=visit.pk).update(publish_due=due)
            deeds.append(
                Deed("visit.recount", "visit", visit.no, changes={"publish_due": _moved(visit.publish_due, due)})
            )
        for follow_up, due in list(queries.moved_follow_ups()):
            FollowUp.objects.filter(pk=follow_up.pk).update(due_on=due)
            deeds.append(
                Deed("visit.recount", "visit", follow_up.visit.no, changes={"due_on": _moved(follow_up.due_on, due)})
            )
        record_many(deeds, by=by, at=at)
    return len(deeds)


def _moved(old: datetime.date | None, new: datetime.date | None) -> list[str]:
    return [day.isoformat() if day else "" for day in (old, new)]
