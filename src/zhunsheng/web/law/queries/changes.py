"""Changes: what was proposed and approved, and the overlay that the approved ones make."""

import datetime
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Max, Q, QuerySet

from zhunsheng.engine import procedure, tables
from zhunsheng.engine.errors import TableError, ZhunshengError
from zhunsheng.engine.procedure import Edit
from zhunsheng.engine.tables import Amendment, Overlay, Row
from zhunsheng.web.common.errors import language
from zhunsheng.web.law.models import Change
from zhunsheng.web.law.queries.subjects import PROCEDURES, element, owner, procedure_on, same_key
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import has_role

CALENDARS = "working_days/"
_log = logging.getLogger(__name__)


def edition() -> int:
    """The number of the last approved change; 0 where there is none."""
    return Change.objects.aggregate(last=Max("edition"))["last"] or 0


def last_edition() -> Change | None:
    return Change.objects.filter(edition__isnull=False).order_by("-edition").first()


def approved() -> QuerySet[Change]:
    """In the order in which they became law."""
    return Change.objects.filter(edition__isnull=False).order_by("edition")


def overlay() -> Overlay:
    """All approved changes, as the engine lays them over its tables. One that does not fit the packaged tables any more
    (after an upgrade) is left out, and said: in the log, and on the page of the changes (`broken`)."""
    changes = list(approved())
    made, refused = built(changes, str(changes[-1].edition) if changes else "0")
    for change, problem in refused:
        _log.error("change %s of %s is not in force: %s", change.no, change.table, problem)
    return made


def broken() -> list[tuple[Change, str]]:
    """Approved changes that do not fit the packaged tables, each with the reason in the language of the page."""
    return [(change, problem.text(language())) for change, problem in built(list(approved()), "")[1]]


def overlay_with(change: Change) -> Overlay:
    """The approved changes and this one more, as if it were approved now. Raises ZhunshengError where it does not fit."""
    known = [one for one in approved() if one.pk != change.pk]
    made, refused = built([*known, change], "proposed")
    for one, problem in refused:
        if one is change:
            raise problem
    return made


def built(changes: Iterable[Change], stamp: str) -> tuple[Overlay, list[tuple[Change, ZhunshengError]]]:
    """The overlay of these changes in their order, and those that do not fit, each with the reason."""
    amendments: list[Amendment] = []
    new: dict[str, tables.Table] = {}
    documents: dict[str, Mapping[str, object]] = {}
    refused: list[tuple[Change, ZhunshengError]] = []
    with tables.under(tables.NOTHING):
        for change in changes:
            try:
                match change.kind:
                    case Change.Kind.TABLE:
                        new[change.table] = _table(change)
                    case Change.Kind.ELEMENT:
                        known = documents.get(change.table) or tables.read_document(change.table)
                        documents[change.table] = procedure.amended(known, edit(change))
                    case _:
                        amendments.append(amendment(change))
            except ZhunshengError as problem:
                refused.append((change, problem))
    return Overlay(stamp, tuple(amendments), new, documents), refused


def amendment(change: Change) -> Amendment:
    assert change.valid_from is not None
    cells = None if change.kind == Change.Kind.END else {str(c): str(v) for c, v in change.new.items()}
    return Amendment(
        change.no,
        change.table,
        tuple(change.key),
        cells,
        change.source,
        change.confidence,
        change.valid_from,
        change.valid_to,
    )


def edit(change: Change) -> Edit:
    assert change.valid_from is not None
    kind, code, organ = change.key
    return Edit(
        change.no, change.table.removeprefix(PROCEDURES), kind, code, change.source, change.confidence, change.valid_from,
        change.new, organ, change.applies_to_open,
    )  # fmt: skip


def _table(change: Change) -> tables.Table:
    rows = [
        Row(dict(cells), change.source, change.confidence, None, None, change=change.no) for cells in change.new["rows"]
    ]
    like = max(name for name in tables.names() if name.startswith(CALENDARS))
    made, problems = tables.new_table(
        change.table, change.new["title"], change.new["title_en"], tables.packaged(like), rows
    )
    if problems:
        raise TableError.of(problems[0])
    return made


def changes_of(table: str, key: Iterable[str] = ()) -> QuerySet[Change]:
    """The changes of a table or procedure, or of one row or element of it, the newest first."""
    found = Change.objects.filter(table=table).select_related("proposed_by", "decided_by")
    wanted = list(key)
    return found.filter(key=wanted) if wanted else found


def changing(table: str, key: Iterable[str]) -> Change | None:
    """The change of this row or element that waits for approval."""
    return changes_of(table, key).filter(state=Change.State.PROPOSED).first()


def before(change: Change) -> dict[str, Any]:
    """What the law says, as it stands, where the change would say otherwise: the cells of the row in force on its first day,
    the changed keys of the element; nothing where there is no such row."""
    assert change.valid_from is not None
    if change.kind == Change.Kind.TABLE:
        return {}
    if change.kind != Change.Kind.ELEMENT:
        table = tables.load(change.table)
        row = next((row for row in same_key(table, change.key) if row.valid_on(change.valid_from)), None)
        return {column: row[column] for column in tables.columns(table)} if row is not None else {}
    kind, code, organ = change.key
    base = procedure_on(change.table.removeprefix(PROCEDURES), change.valid_from, organ)
    found = element(base, kind, code) if base is not None else None
    if found is None:
        return {}
    return {key: found.written.get(key, "" if isinstance(value, str) else []) for key, value in change.new.items()}


def differences(change: Change) -> list[tuple[str, Any, Any]]:
    """What a change says otherwise: (column, before, after). A row that ends has nothing after; a new one nothing before."""
    if change.kind == Change.Kind.TABLE:
        return []
    if change.kind == Change.Kind.END:
        return [(column, value, "") for column, value in change.old.items() if value]
    columns = dict.fromkeys([*change.old, *change.new])
    # An element's change names the keys that it changes only.
    shown = [c for c in columns if c in change.new] if change.kind == Change.Kind.ELEMENT else list(columns)
    return [
        (column, change.old.get(column, ""), change.new.get(column, ""))
        for column in shown
        if change.old.get(column, "") != change.new.get(column, "")
    ]


def waiting_for(user: User, on: datetime.date) -> QuerySet[Change]:
    """The proposed changes that this user may decide on."""
    found = Change.objects.filter(state=Change.State.PROPOSED).exclude(proposed_by=user)
    names = set(found.values_list("table", flat=True))
    mine = [name for name in names if has_role(user, *owner(name, on).list("decides"))]
    return found.filter(Q(table__in=mine)).order_by("valid_from", "id")
