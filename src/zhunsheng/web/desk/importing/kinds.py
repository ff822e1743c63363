"""What can be imported: columns, rules and writer of each kind."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.people.models import User


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a row: `row` as the spreadsheet numbers it, `column` by its label ('' = the row), `message` with the remedy."""

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class ImportColumn:
    """A column that a kind understands.

    `synonyms`: other headings under which it is recognised. `required`: the file must feed it and no cell may be empty.
    `many`: where several rows make one record, each row has its own value (otherwise all rows must agree).
    `example`: for the instructions of the template.
    """

    key: str
    label: "str | Promise"
    synonyms: tuple[str, ...] = ()
    required: bool = False
    many: bool = False
    help: "str | Promise" = ""
    example: str = ""


@dataclass(slots=True)
class Row:
    """One row of the file in the kind's own columns. A column that nothing feeds is absent; an empty cell is ''."""

    number: int
    cells: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    labels: Mapping[str, str] = field(default_factory=dict)

    def get(self, key: str) -> str:
        return self.cells.get(key, "")

    def wrong(self, key: str, message: str) -> None:
        """Notes a problem. `key`: a column of the kind, '' for the row as a whole."""
        self.problems.append(Problem(self.number, self.labels.get(key, ""), message))


class Verdict(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    BAD = "bad"


@dataclass(slots=True)
class Item:
    """One record to be, made from one row or from a group of rows.

    `value`: what the importer's `parse` made of the rows. `verdict` and `changes` ({field: [old, new]}) come from `compare`.
    """

    rows: list[Row]
    value: Any = None
    key: str = ""
    verdict: Verdict = Verdict.BAD
    changes: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def row(self) -> Row:
        return self.rows[0]

    @property
    def bad(self) -> bool:
        return any(row.problems for row in self.rows)


class Importer(Protocol):
    """Reads and writes the rows of one run. Made anew for the check and again for the load; asks the database in bulk."""

    def parse(self, rows: Sequence[Row]) -> Any:
        """The value of one record, comparable with ==, or None after noting problems on the rows.

        Called once for each record, fifty thousand times in a run: look up in dictionaries, not in the database.
        """

    def key(self, value: Any) -> str:
        """The name by which a file may hold the record only once, as the reader knows it."""

    def compare(self, items: Sequence[Item], *, locking: bool) -> None:
        """Sets verdict and changes of each item against the register, or notes problems. `locking`: about to write, lock what is read."""

    def write(self, items: Sequence[Item], *, by: User, at: datetime.datetime, reason: str) -> None:
        """Writes new and changed records and one act for each, inside the caller's transaction. Calls the room's actions."""


@dataclass(frozen=True, slots=True)
class ImportKind:
    """A kind of register that can be imported.

    `start(by, at)` makes the importer of a run. `group_by`: keys of the columns whose equal values make rows into one
    record. `may`: who may import this kind; the rows themselves are held against the user's scope by the importer.
    `url`: name of the page that shows the register. `show(field, value)`: a value of `changes` in words, for the preview.
    """

    code: str
    label: "str | Promise"
    columns: tuple[ImportColumn, ...]
    start: Callable[[User, datetime.datetime], Importer]
    may: Callable[[User], bool]
    group_by: tuple[str, ...] = ()
    help: "str | Promise" = ""
    url: str = ""
    order: int = 100
    show: "Callable[[str, Any], str]" = lambda name, value: "" if value is None else str(value)


_kinds: dict[str, ImportKind] = {}


def register(kind: ImportKind) -> None:
    """Called by a room in AppConfig.ready(). Again with the same code is the same kind."""
    _kinds[kind.code] = kind


def find_kind(code: str) -> ImportKind:
    """The kind of this code. Raises Refused naming the codes that exist."""
    try:
        return _kinds[code]
    except KeyError:
        raise Refused(
            _("没有“%(code)s”这一导入种类。可用的是：%(known)s")
            % {"code": code[:40], "known": " ".join(sorted(_kinds))}
        ) from None


def kinds_for(user: User) -> list[ImportKind]:
    """The kinds that a user may import, in the order of the rooms."""
    return sorted((kind for kind in _kinds.values() if kind.may(user)), key=lambda kind: (kind.order, kind.code))
