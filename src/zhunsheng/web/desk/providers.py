"""What higher rooms hang into the desk when they load: tasks, search results, import kinds, sections of an entity's page.

A room registers in its AppConfig.ready(); the desk never imports a room.
"""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Model, Q, QuerySet, TextChoices
from django.http import HttpRequest
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhunsheng.engine import clock, tables
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.people.models import User

#: How many tasks stand on one page of a desk.
PAGE = 50
#: With so many working days left or fewer, a task is soon due.
SOON = 3
#: Sections of a lower order stand before what the register knows of the entity.
FIRST = 10


class Light(TextChoices):
    """The traffic light of a task, the most urgent first."""

    OVERDUE = "overdue", _("已逾期")
    TODAY = "today", _("今日到期")
    SOON = "soon", _("三个工作日内")
    LATER = "later", _("期限较远")
    SUSPENDED = "suspended", _("期限中止")
    NONE = "none", _("无期限")


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One thing a user has to do. `days_left`: working days to the statutory limit, None where there is none.

    `why`: a short note beside the title. `rule`, `source`, `confidence`: the limit behind the last day, for the why-panel.
    `hand_over_url`: the page where the task can be given to somebody else.
    """

    title: str
    kind: "str | Promise"
    url: str
    due_on: datetime.date | None
    days_left: int | None
    why: str = ""
    suspended: bool = False
    rule: "str | Promise" = ""
    source: str = ""
    confidence: str = ""
    hand_over_url: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Things of one kind that wait for a user; the desk takes from them what it shows and counts the rest.

    `things`: a queryset; its own order does not matter. `row`: makes a row of one of them. `url`: their list.
    `due`: the field of `things` with the last day, '' where no law says when. `suspended`: which of them have their limit
    suspended.
    """

    things: QuerySet[Any]
    row: Callable[[Any], TaskRow]
    kind: "str | Promise"
    url: str
    due: str = ""
    suspended: Q | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """A last day for the calendar. Its texts leave the house: number of the matter and name of the limit, no names.

    `uid`: the same for the same limit for ever. `at`: the instant, for limits of hours.
    """

    uid: str
    no: str
    limit: "str | Promise"
    url: str
    on: datetime.date
    at: datetime.datetime | None = None


ToDo = TaskRow | Waiting
TaskProvider = Callable[[User, datetime.date], Iterable[ToDo]]
DeadlineProvider = Callable[[User, datetime.date, datetime.date], Iterable[Deadline]]


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


_tasks: list[TaskProvider] = []
_deadlines: list[DeadlineProvider] = []
_staff_search: list[Callable[[User, str], Iterable[Hit]]] = []
_public_search: list[Callable[[str], Iterable[Hit]]] = []
_sections: dict[str, Section] = {}
_attachment_guards: list[Callable[[User, Attachment], bool]] = []


def add_tasks(provider: TaskProvider) -> None:
    if provider not in _tasks:
        _tasks.append(provider)


def add_deadlines(provider: DeadlineProvider) -> None:
    """A provider of the last days of a user between two days, both included."""
    if provider not in _deadlines:
        _deadlines.append(provider)


def add_staff_search(provider: Callable[[User, str], Iterable[Hit]]) -> None:
    """For what is no row of the database, such as the packaged tables. Rows are searched by the index: searching.add_source."""
    if provider not in _staff_search:
        _staff_search.append(provider)


def add_public_search(provider: Callable[[str], Iterable[Hit]]) -> None:
    """A provider of published facts only."""
    if provider not in _public_search:
        _public_search.append(provider)


def add_section(section: Section) -> None:
    _sections[section.key] = section


def add_attachment_guard(guard: Callable[[User, Attachment], bool]) -> None:
    """`guard(user, attachment)`: whether this user may see a record of the room that keeps the attachment. One yes is enough."""
    if guard not in _attachment_guards:
        _attachment_guards.append(guard)


def shown_by_a_record(user: User, attachment: Attachment) -> bool:
    """Whether a room says that the user may see a record that keeps the attachment."""
    return any(guard(user, attachment) for guard in _attachment_guards)


def tasks(user: User, on: datetime.date) -> list[ToDo]:
    """All that waits for a user, as the rooms say it; `look` makes a page of it."""
    return [one for provider in _tasks for one in provider(user, on)]


def deadlines(user: User, start: datetime.date, end: datetime.date) -> list[Deadline]:
    """The last days of a user from `start` to `end`, both included, in order."""
    found = [one for provider in _deadlines for one in provider(user, start, end)]
    return sorted(found, key=lambda one: (one.on, one.no, one.uid))


# -- a page of tasks --------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class KindCount:
    """How many tasks of one kind there are, by their light. `key`: the kind's name in Chinese, for the address."""

    key: str
    kind: "str | Promise"
    url: str
    lights: "Counter[str]" = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.lights.total()


@dataclass(frozen=True, slots=True)
class Look:
    """One page of tasks, the most urgent first, those without a limit last; and how many there are of all.

    `after`: where the next page begins, '' on the last one.
    """

    rows: list[TaskRow]
    after: str
    kinds: list[KindCount]

    @property
    def lights(self) -> "Counter[str]":
        return sum((one.lights for one in self.kinds), Counter())

    @property
    def total(self) -> int:
        return self.lights.total()


def light_of(row: TaskRow, on: datetime.date) -> Light:
    if row.suspended:
        return Light.SUSPENDED
    if row.due_on is None:
        return Light.NONE
    if row.due_on < on:
        return Light.OVERDUE
    if row.due_on == on:
        return Light.TODAY
    return Light.SOON if row.due_on <= soon_until(on) else Light.LATER


def due_between(found: Iterable[ToDo], after: datetime.date, until: datetime.date) -> int:
    """How many of `found` are due after one day and until another, the latter included; suspended ones are not."""
    total = 0
    for one in found:
        if isinstance(one, TaskRow):
            total += not one.suspended and one.due_on is not None and after < one.due_on <= until
        elif one.due:
            due = one.things.filter(**{f"{one.due}__gt": after, f"{one.due}__lte": until})
            total += (due if one.suspended is None else due.exclude(one.suspended)).count()
    return total


def soon_until(on: datetime.date, days: int = SOON) -> datetime.date:
    """The last day that is at most `days` working days after `on`."""
    return _working_days_on(on, days)


@tables.kept("working_days")
def _working_days_on(on: datetime.date, days: int) -> datetime.date:
    day = on
    while clock.working_days_between(on, day + datetime.timedelta(days=1)) <= days:
        day += datetime.timedelta(days=1)
    return day


def key_of(kind: "str | Promise") -> str:
    """The kind's name in Chinese: the same in an address whatever the language of the page."""
    with translation.override("zh-hans"):
        return str(kind)


def look(
    found: Iterable[ToDo], on: datetime.date, *, kind: str = "", light: str = "", after: str = "", size: int = PAGE
) -> Look:
    """A page of `found`, with the counts of all of it. `kind` (its key) and `light` narrow the page, not the counts.

    Costs one or two queries for each kind that is looked at, and one for the counts of a kind that is longer than a page,
    however far down the page is.
    """
    known = list(found)
    if light not in Light.values:
        light = ""
    kinds: dict[str, KindCount] = {}
    start = _read_place(after)
    picked: list[tuple[_Place, TaskRow]] = []
    for number, one in enumerate(known):
        key = key_of(one.kind)
        count = kinds.setdefault(key, KindCount(key, one.kind, one.url if isinstance(one, Waiting) else ""))
        if isinstance(one, Waiting):
            first = list(_first(one, number, on, light, start, size + 1)) if kind in ("", key) else None
            picked.extend(first or [])
            if first is not None and not light and start is None and len(first) <= size:
                # All there are: they are counted here.
                count.lights.update(light_of(row, on) for _place, row in first)
            else:
                count.lights.update(_lights(one, on))
        else:
            shown = light_of(one, on)
            count.lights[shown] += 1
            place = (one.due_on is None, one.due_on or datetime.date.max, number, 0)
            if kind in ("", key) and light in ("", shown) and (start is None or place > start):
                picked.append((place, one))
    picked.sort(key=lambda pair: pair[0])
    rows = [row for _place, row in picked[:size]]
    return Look(rows, _write_place(picked[size - 1][0]) if len(picked) > size else "", list(kinds.values()))


#: where a task stands: without a limit?, last day, number of its source, key within that source
_Place = tuple[bool, datetime.date, int, int]


def _write_place(place: _Place) -> str:
    return f"{'-' if place[0] else place[1].isoformat()}.{place[2]}.{place[3]}"


def _read_place(text: str) -> _Place | None:
    """A place from an address; a damaged one is the beginning."""
    day, _sep, rest = text.partition(".")
    number, _sep, key = rest.partition(".")
    try:
        due = datetime.date.max if day == "-" else datetime.date.fromisoformat(day)
        return day == "-", due, int(number), int(key)
    except ValueError:
        return None


def _of_light(one: Waiting, light: str, on: datetime.date) -> Q:
    """Which of the things show this light."""
    paused = one.suspended if one.suspended is not None else Q(pk__in=[])
    if light == Light.SUSPENDED:
        return paused
    if not one.due:
        return ~paused if light == Light.NONE else Q(pk__in=[])
    soon = soon_until(on)
    due = {
        Light.OVERDUE: Q(**{f"{one.due}__lt": on}),
        Light.TODAY: Q(**{one.due: on}),
        Light.SOON: Q(**{f"{one.due}__gt": on, f"{one.due}__lte": soon}),
        Light.LATER: Q(**{f"{one.due}__gt": soon}),
        Light.NONE: Q(**{f"{one.due}__isnull": True}),
    }[Light(light)]
    return due if one.suspended is None else due & ~paused


def _lights(one: Waiting, on: datetime.date) -> dict[str, int]:
    """How many of the things show each light, in one query."""
    shown: list[Light] = [Light.NONE] if not one.due else [light for light in Light if light != Light.SUSPENDED]
    if one.suspended is not None:
        shown.append(Light.SUSPENDED)
    counts = {f"light_{light.value}": Count("pk", filter=_of_light(one, light, on)) for light in shown}
    found = one.things.order_by().aggregate(**counts)
    return {key.removeprefix("light_"): n for key, n in found.items() if n}


def _first(
    one: Waiting, number: int, on: datetime.date, light: str, start: _Place | None, size: int
) -> Iterator[tuple[_Place, TaskRow]]:
    """The next `size` things after `start`: those with a last day by that day, then those without, each along an index."""
    things = one.things.filter(_of_light(one, light, on)) if light else one.things
    left = size
    undated = start is not None and start[0]
    if one.due and not undated:
        dated = things.filter(**{f"{one.due}__isnull": False})
        if start is not None:
            dated = dated.filter(_beyond(one, number, start))
        for thing in dated.order_by(one.due, "pk")[:left]:
            left -= 1
            yield (False, _value(thing, one.due), number, thing.pk), one.row(thing)
    if left and not (one.due and _always_dated(one)):
        rest = things.filter(**{f"{one.due}__isnull": True}) if one.due else things
        if start is not None and undated:
            if number < start[2]:
                return
            if number == start[2]:
                rest = rest.filter(pk__gt=start[3])
        for thing in rest.order_by("pk")[:left]:
            yield (True, datetime.date.max, number, thing.pk), one.row(thing)


def _always_dated(one: Waiting) -> bool:
    """Whether the last day is never missing, so that nobody need ask for things without one."""
    model = one.things.model
    *path, name = one.due.split("__")
    nullable = False
    for part in path:
        field = model._meta.get_field(part)
        nullable = nullable or bool(field.null)
        model = field.related_model
    return not (nullable or model._meta.get_field(name).null)


def _beyond(one: Waiting, number: int, start: _Place) -> Q:
    later = Q(**{f"{one.due}__gt": start[1]})
    if number < start[2]:
        return later
    same = Q(**{one.due: start[1]})
    return later | (same if number > start[2] else same & Q(pk__gt=start[3]))


def _value(thing: Model, name: str) -> datetime.date:
    value: Any = thing
    for part in name.split("__"):
        value = getattr(value, part)
    found: datetime.date = value
    return found


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
                named = {"key": section.key, "title": section.title, "template": section.template}
                shown.append({**named, "first": section.order < FIRST, **context})
    return shown
