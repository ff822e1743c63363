"""What returns by the clock: changes that have come into force, and what is open under them."""

import datetime

from django.utils import timezone

from zhunsheng.web.law import actions
from zhunsheng.web.law.models import Change


def recount(at: datetime.datetime) -> int:
    """Counts anew what is open under each change that has come into force since. Returns how many last days moved."""
    due = Change.objects.filter(edition__isnull=False, recounted_at=None, valid_from__lte=timezone.localdate(at))
    return sum(actions.take_effect(change, at=at) for change in due.order_by("edition"))
