"""The dry run: every row read, every problem named, nothing written."""

import datetime
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.utils.translation import gettext as _

from zhunsheng.web.common import exports
from zhunsheng.web.common.spreadsheet import open_table
from zhunsheng.web.desk.importing.kinds import Importer, ImportKind, Item, Problem, Row, Verdict
from zhunsheng.web.desk.importing.mapping import Mapper, Plan, guess, read_plan
from zhunsheng.web.people.models import User


@dataclass(slots=True)
class Reading:
    """A file as read by one kind, not yet held against the register. `missing`: required columns that nothing feeds."""

    kind: ImportKind
    plan: Plan
    importer: Importer
    encoding: str
    header: list[str]
    notes: list[str]
    missing: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    rows: int = 0
    skipped: int = 0

    @property
    def good(self) -> list[Item]:
        return [item for item in self.items if not item.bad]

    @property
    def bad_rows(self) -> int:
        return sum(len(item.rows) for item in self.items if item.bad)

    def count(self, verdict: Verdict) -> int:
        return sum(1 for item in self.items if not item.bad and item.verdict is verdict)

    def problems(self) -> list[Problem]:
        """Every problem in the order of the file. A row that is held back by another row of its group says so."""
        found = []
        for item in self.items:
            if not item.bad:
                continue
            first = next(row.number for row in item.rows if row.problems)
            for row in item.rows:
                found += row.problems or [
                    Problem(row.number, "", _("与第 %(row)s 行是同一条记录，那一行有问题") % {"row": first})
                ]
        return sorted(found, key=lambda problem: problem.row)

    def digest(self) -> str:
        """What the load would do, as a hash: the user's choice holds for exactly this."""
        digest = hashlib.sha256()
        for item in self.items:
            said: list[Any] = (
                [item.row.number, "bad"] if item.bad else [item.row.number, item.verdict.value, item.key, item.changes]
            )
            digest.update(json.dumps(said, ensure_ascii=False, sort_keys=True, default=str).encode())
        return digest.hexdigest()


def read(kind: ImportKind, path: Path, filename: str, mapping: str, *, by: User, at: datetime.datetime) -> Reading:
    """Reads a file: rows, groups, each record's own rules, doubles within the file. Writes nothing.

    Raises Refused when the file or the mapping cannot be used at all. With required columns unfed, reads no rows.
    """
    with open_table(path, filename, max_bytes=settings.MAX_UPLOAD_BYTES) as table:
        plan = read_plan(mapping, kind) if mapping.strip() else guess(kind, table.header)
        mapper = Mapper(plan, kind, table.header)
        importer = kind.start(by, at)
        reading = Reading(kind, plan, importer, table.encoding, table.header, list(table.notes))
        reading.missing = [
            str(column.label) for column in kind.columns if column.required and column.key not in plan.columns
        ]
        unused = [name for name in mapper.unused if name != _("导入问题")]
        if unused:
            reading.notes.append(_("没有用到文件中的这些列：%(names)s") % {"names": _("、").join(unused)})
        if reading.missing:
            return reading
        required = [column.key for column in kind.columns if column.required]
        groups: dict[tuple[str, ...], list[Row]] = {}
        for sheet_row in table.rows:
            reading.rows += 1
            if mapper.skips(sheet_row):
                reading.skipped += 1
                continue
            row = mapper.apply(sheet_row)
            for key in required:
                if not row.cells[key] and not any(problem.column == row.labels[key] for problem in row.problems):
                    row.wrong(key, _("不能为空"))
            group = mapper.group(sheet_row) or tuple(row.get(key) for key in kind.group_by)
            if any(group):
                groups.setdefault(group, []).append(row)
            else:
                groups[("\0", str(row.number))] = [row]  # no cell holds NUL: a row without a name stands alone
        for rows in groups.values():
            reading.items.append(_item(rows, kind, plan, importer))
    _mark_doubles(reading.items)
    return reading


def _item(rows: list[Row], kind: ImportKind, plan: Plan, importer: Importer) -> Item:
    item = Item(rows)
    if len(rows) > 1:
        _agree(rows, kind, plan.differences)
    if not item.bad:
        item.value = importer.parse(rows)
        if item.value is not None and not item.bad:
            item.key = importer.key(item.value)
    return item


def _agree(rows: list[Row], kind: ImportKind, differences: str) -> None:
    """The rows of a group say the same in the columns of the record, or the plan says which row is believed."""
    chosen = rows[-1] if differences == "last" else rows[0]
    for column in kind.columns:
        key = column.key
        if column.many or key not in chosen.cells:
            continue
        for row in rows:
            if row.cells[key] != chosen.cells[key]:
                if differences == "refuse":
                    row.wrong(
                        key,
                        _("“%(this)s”与第 %(row)s 行的“%(other)s”不同，两行却是同一条记录")
                        % {"this": row.cells[key][:40], "row": chosen.number, "other": chosen.cells[key][:40]},
                    )
                else:
                    row.cells = {**row.cells, key: chosen.cells[key]}


def _mark_doubles(items: Sequence[Item]) -> None:
    """The same record twice: the later row goes back; where the two differ, both do, for nobody knows which is right."""
    seen: dict[str, Item] = {}
    for item in items:
        if item.bad or not item.key:
            continue
        first = seen.setdefault(item.key, item)
        if first is item:
            continue
        said = {"row": first.row.number, "key": item.key}
        if first.value == item.value:
            item.row.wrong("", _("与第 %(row)s 行重复(%(key)s)，内容相同") % said)
        else:
            item.row.wrong("", _("与第 %(row)s 行重复(%(key)s)，内容却不同。请只留正确的一行") % said)
            if not first.bad:
                first.row.wrong(
                    "",
                    _("与第 %(row)s 行重复(%(key)s)，内容却不同。请只留正确的一行") % {**said, "row": item.row.number},
                )


def compare(reading: Reading, *, locking: bool = False) -> None:
    """Holds the good records against the register."""
    good = reading.good
    reading.importer.compare(good, locking=locking)


def returned_lines(path: Path, filename: str, problems: Sequence[Problem]) -> Iterator[str]:
    """The bad rows as CSV: the file's own columns as they came, and one column of what is wrong with each row."""
    said: dict[int, list[str]] = {}
    for problem in problems:
        said.setdefault(problem.row, []).append(
            f"{problem.column}:{problem.message}" if problem.column else problem.message
        )
    title = _("导入问题")
    with open_table(path, filename, max_bytes=settings.MAX_UPLOAD_BYTES) as table:
        kept = [index for index, name in enumerate(table.header) if name != title]
        rows = (
            [*(row.cells[index] for index in kept), ";".join(said[row.number])]
            for row in table.rows
            if row.number in said
        )
        yield from exports.csv_lines([*(table.header[index] for index in kept), title], rows)


def write_returned(out: TextIO, path: Path, filename: str, problems: Sequence[Problem]) -> None:
    for line in returned_lines(path, filename, problems):
        out.write(line)


def shown_changes(kind: ImportKind, items: Sequence[Item], most: int) -> list[list[Any]]:
    """The first changes to existing records, for the page: [row, key, {field: [old, new]}], in words."""
    changed: list[list[Any]] = []
    for item in items:
        if not item.bad and item.verdict is Verdict.UPDATE:
            said = {name: [kind.show(name, one) for one in pair] for name, pair in item.changes.items()}
            changed.append([item.row.number, item.key, said])
            if len(changed) == most:
                break
    return changed
