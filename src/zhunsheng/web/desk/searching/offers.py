"""What can be searched: each room says which of its rows, who may see them, and what they are found by."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.functional import Promise

from zhunsheng.web.people.models import User

#: of `Source.subjects`: an act on such a subject may touch any row of the source
ALL = "*"


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of record that can be found.

    rows: all of them, with what title and text read. visible_to: those that a user may see; it decides alone, at the time
    of the search. text: further words, a line each; only what everybody may read who sees the row. url: its page.
    subjects: type of the subject of an act → the lookup of the rows that it touches by the subject's id, such as
    {"visit": "no", "entity": "entity__pk"}; their entries follow each recorded act by themselves. What changes without
    an act is given to `index`.
    """

    key: str
    label: "str | Promise"
    rows: Callable[[], QuerySet[Any]]
    visible_to: Callable[[User], QuerySet[Any]]
    title: Callable[[Any], str]
    text: Callable[[Any], str]
    url: Callable[[Any], str]
    subjects: Mapping[str, str] = field(default_factory=dict)
    order: int = 100

    @property
    def model(self) -> type[Model]:
        model: type[Model] = self.rows().model
        return model


_sources: dict[str, Source] = {}


def add_source(source: Source) -> None:
    """Called in AppConfig.ready(). The same key again replaces the source."""
    _sources[source.key] = source


def sources() -> list[Source]:
    """All sources in the order of the search page."""
    return sorted(_sources.values(), key=lambda one: (one.order, one.key))


def offered_to(user: User) -> list[Source]:
    """The kinds of which the user may see any at all: the others are not offered."""
    return [one for one in sources() if not one.visible_to(user).query.is_empty()]


def source(key: str) -> Source | None:
    return _sources.get(key)
