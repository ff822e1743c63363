"""What higher rooms hang into the desk when they load: tasks, search results, import kinds, sections of an entity's page.

A room registers in its AppConfig.ready(); the desk never imports a room.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import ngettext

from zhunsheng.web.people.models import User

#: How many things of a kind stand on a desk one by one; a last row counts the others and leads to their list.
LISTED = 10


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One thing a user has to do. `days_left`: working days to the statutory limit, None where there is none.

    A row with `more` stands for so many further things of its kind, `more_overdue` of them past their last day.
    """

    title: str
    kind: "str | Promise"
    url: str
    due_on: datetime.date | None
    days_left: int | None
    why: str = ""
    more: int = 0
    more_overdue: int = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result."""

    title: str
    kind: "str | Promise"
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a business entity's page: a title and a template with the context that `fill` returns.

    `audience`: 'staff', 'firm' or 'public'. `fill(entity, request)` → context for `template`, or None to leave it out.
    """

    key: str
    title: "str | Promise"
    template: str
    audience: frozenset[str]
    fill: Callable[[Any, HttpRequest], dict[str, Any] | None]
    order: int = 100


_tasks: list[Callable[[User, datetime.date], Iterable[TaskRow]]] = []
_staff_search: list[Callable[[User, str], Iterable[Hit]]] = []
_public_search: list[Callable[[str], Iterable[Hit]]] = []
_sections: dict[str, Section] = {}


def add_tasks(provider: Callable[[User, datetime.date], Iterable[TaskRow]]) -> None:
    if provider not in _tasks:
        _tasks.append(provider)


def add_staff_search(provider: Callable[[User, str], Iterable[Hit]]) -> None:
    if provider not in _staff_search:
        _staff_search.append(provider)


def add_public_search(provider: Callable[[str], Iterable[Hit]]) -> None:
    """A provider of published facts only."""
    if provider not in _public_search:
        _public_search.append(provider)


def add_section(section: Section) -> None:
    _sections[section.key] = section


def tasks(user: User, on: datetime.date) -> list[TaskRow]:
    """All tasks of a user, the most urgent first, then those without a limit, then how many more there are of a kind."""
    found = [row for provider in _tasks for row in provider(user, on)]
    return sorted(found, key=lambda row: (row.more > 0, row.due_on is None, row.due_on or datetime.date.max, row.title))


def first_rows(
    waiting: QuerySet[Any],
    row: Callable[[Any], TaskRow],
    *,
    kind: "str | Promise",
    url: str,
    on: datetime.date,
    due: str = "",
) -> Iterator[TaskRow]:
    """The rows of the first LISTED things of `waiting`, the most urgent first; where there are more, one row that counts
    them and leads to their list at `url`. One query, or two. `due`: the field of `waiting` that holds the last day.
    """
    found = list(waiting[: LISTED + 1])
    rows = [row(one) for one in found[:LISTED]]
    yield from rows
    if len(found) > LISTED:
        past = Q(**{f"{due}__lt": on}) if due else Q(pk__in=[])
        counted = waiting.order_by().aggregate(all=Count("pk"), overdue=Count("pk", filter=past))
        more = counted["all"] - LISTED
        overdue = counted["overdue"] - sum(1 for one in rows if one.due_on is not None and one.due_on < on)
        title = ngettext("另有 %(n)s 项", "另有 %(n)s 项", more) % {"n": more}
        yield TaskRow(title, kind, url, None, None, more=more, more_overdue=overdue)


def staff_search(user: User, text: str) -> list[Hit]:
    return [hit for provider in _staff_search for hit in provider(user, text)]


def public_search(text: str) -> list[Hit]:
    return [hit for provider in _public_search for hit in provider(text)]


def sections(entity: Any, request: HttpRequest, audience: str) -> Sequence[dict[str, Any]]:
    """The sections of an entity's page for one audience, each with its context filled in."""
    shown = []
    for section in sorted(_sections.values(), key=lambda one: (one.order, one.key)):
        if audience in section.audience:
            context = section.fill(entity, request)
            if context is not None:
                shown.append({"key": section.key, "title": section.title, "template": section.template, **context})
    return shown
