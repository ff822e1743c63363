"""What the room hangs into the desk: snapshots that wait for a leader."""

import datetime
from collections.abc import Iterator

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.appraisal import queries
from zhunsheng.web.appraisal.models import Snapshot
from zhunsheng.web.desk.providers import TaskRow, ToDo, Waiting
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import has_role


def tasks(user: User, on: datetime.date) -> Iterator[ToDo]:
    """Snapshots to decide on. No law says how soon, so there is no last day."""
    if not has_role(user, "leader"):
        return
    kind: Promise = gettext_lazy("批准公开记分牌快照")

    def row(one: Snapshot) -> TaskRow:
        url = reverse("appraisal:snapshot", args=[one.no])
        return TaskRow(one.no, kind, url, None, None, _("截至 %(day)s") % {"day": one.as_of.isoformat()})

    yield Waiting(
        queries.snapshots_to_decide(user),
        row,
        kind=kind,
        url=reverse("appraisal:snapshots"),
    )
