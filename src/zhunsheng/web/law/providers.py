"""What the room hangs into the desk: changes to decide, rules to look at again, and the rules in the search."""

import datetime
from collections.abc import Iterator

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhunsheng.engine import clock
from zhunsheng.web.desk.providers import Hit, TaskRow, ToDo, Waiting
from zhunsheng.web.law import policy, queries
from zhunsheng.web.law.models import Change
from zhunsheng.web.law.queries.subjects import address
from zhunsheng.web.people.models import User


def tasks(user: User, on: datetime.date) -> Iterator[ToDo]:
    """Changes that wait for this user, due before they are to take effect; rules whose review is past."""
    if not policy.may_propose(user):
        return
    kind: Promise = gettext_lazy("批准规则修改")

    def row(one: Change) -> TaskRow:
        left = clock.days_left(one.valid_from, on) if one.valid_from else None
        return TaskRow(f"{one.no} {queries.title(one.table)}", kind, one.get_absolute_url(), one.valid_from, left)

    changes = f"{reverse('law:changes')}?state=proposed"
    yield Waiting(queries.waiting_for(user, on), row, kind=kind, url=changes, due="valid_from")
    for name, day in queries.reviews_due(on):
        if policy.may_review(user, name, on):
            yield TaskRow(queries.title(name), gettext_lazy("复核规则"), address(name), day, clock.days_left(day, on))


def search(user: User, text: str) -> Iterator[Hit]:
    """Tables, procedures and changes by their name, path or number."""
    words = text.strip().casefold()
    for name in queries.names():
        title = queries.title(name)
        if words in title.casefold() or words in name.casefold():
            yield Hit(title, pgettext_lazy("one", "规则"), address(name), name)
    for change in Change.objects.filter(no__icontains=text.strip())[:20]:
        yield Hit(change.no, _("规则修改"), change.get_absolute_url(), queries.title(change.table))
