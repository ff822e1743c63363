"""What is due, counted anew by the law as it is laid here: after a change of a limit or of the working days."""

import datetime
from collections.abc import Iterator

from django.db.models import QuerySet
from django.utils import timezone

from zhunsheng.engine import clock, tables
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.tables import Row
from zhunsheng.web.inspection.models import FollowUp, Visit
from zhunsheng.web.inspection.queries.visits import publish_due

#: Limits that run from 查实之日, the review of the record; all others run from the end of the inspection.
FROM_REVIEW = frozenset({"inspection.list_abnormal_after_verification"})


def unpublished() -> QuerySet[Visit]:
    """Visits whose result is still to be published within a limit."""
    return Visit.objects.filter(published_at=None, publish_due__isnull=False, task__isnull=False)


def moved_visits() -> Iterator[tuple[Visit, datetime.date | None]]:
    """Unpublished visits whose last day to publish is not the one that they keep, with the day by the law laid here."""
    for visit in unpublished().select_related("task__draw__plan__office").order_by("no"):
        due = publish_due(visit.visited_on)
        if due != visit.publish_due:
            yield visit, due


def moved_follow_ups() -> Iterator[tuple[FollowUp, datetime.date | None]]:
    """Open follow-ups whose last day is not the one that they keep, with the day by the law laid here."""
    found = FollowUp.objects.filter(state=FollowUp.State.OPEN, due_on__isnull=False)
    for follow_up in found.select_related("visit__task__draw__plan__office").order_by("visit__no"):
        try:
            due = follow_up_due(follow_up.visit, follow_up.kind, follow_up.opened_at)
        except ZhunshengError:  # no rule of that day: it keeps the day that it has
            continue
        if due is not None and due != follow_up.due_on:
            yield follow_up, due


def follow_up_due(visit: Visit, kind: str, opened_at: datetime.datetime) -> datetime.date | None:
    """The last day of a follow-up that is opened at that moment; None where the kind has no limit."""
    day = timezone.localdate(opened_at)
    row = _kinds(day).get(kind)
    if row is None:
        return None
    if row["time_limit"]:
        from_review = row["time_limit"] in FROM_REVIEW
        start = timezone.localdate(visit.reviewed_at or opened_at) if from_review else visit.visited_on
        return clock.limit(row["time_limit"], start).deadline(start).due
    if not row["limit_amount"]:
        return None
    return clock.deadline(visit.visited_on, row.integer("limit_amount"), clock.Unit(row["limit_unit"])).due


@tables.kept("inspection/follow_up_kinds")
def _kinds(day: datetime.date) -> dict[str, Row]:
    return {row["code"]: row for row in tables.load("inspection/follow_up_kinds").valid_on(day)}
