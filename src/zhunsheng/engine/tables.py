"""Dated tables: the law as data.

A table is `data/<path>/<name>.csv`, with an optional side file `<name>.toml`, or a `<name>.toml` alone with `[[row]]`
entries. Every row has a `source`, a `confidence` (sure, likely or assumed) and the days on which it is valid
(`valid_from`, `valid_to`: ISO dates, both inclusive, empty = open). The side file gives title, title_en, key, note,
and defaults for these four where the CSV has no such column or an empty cell.

This is the only module of the engine that reads files. A city brings its own folder as `root`: a table found
there stands in place of the packaged one of the same name.

Changes of the law that a city approves later are no files: the shell gives them as an `Overlay`, which is laid over the
packaged tables. A change closes a row and opens another; no row is rewritten (docs/rules/law.md).
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache, wraps
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from zhunsheng.engine.errors import TableError
from zhunsheng.engine.words import Param, Reason

CONFIDENCES = ("sure", "likely", "assumed")
META = ("source", "confidence", "valid_from", "valid_to")
MAX_BYTES = 32 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
Ts = TypeVarTuple("Ts")
T = TypeVar("T")
_SIDE_KEYS = {"title", "title_en", "key", "columns", "note", "note_en", "row", *META}


@dataclass(frozen=True, slots=True)
class Row(Mapping[str, str]):
    """One row: a mapping from column to text, with its evidence and its days of validity (inclusive; None = open).

    `line` is the row's place in its file: the line of a CSV, the ordinal of a `[[row]]` entry. `change`: the number of
    the change that opened it; "" for a row of the file.
    """

    cells: Mapping[str, str]
    source: str
    confidence: str
    valid_from: date | None
    valid_to: date | None
    table: str = ""
    line: int = 0
    change: str = ""

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def __iter__(self) -> Iterator[str]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)

    def __hash__(self) -> int:
        return hash((self.table, self.line))

    def valid_on(self, day: date) -> bool:
        """Whether the row is in force on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def integer(self, column: str) -> int:
        """The cell as a whole number. Raises TableError naming table, line and column."""
        text = self._text(column)
        try:
            return int(text)
        except ValueError:
            raise self._error("tables.not_integer", column, value=text) from None

    def decimal(self, column: str) -> Decimal:
        """The cell as an exact decimal number. Raises TableError naming table, line and column."""
        text = self._text(column)
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise self._error("tables.not_decimal", column, value=text) from None
        if not value.is_finite():
            raise self._error("tables.not_decimal", column, value=text)
        return value

    def day(self, column: str) -> date:
        """The cell as an ISO date. Raises TableError naming table, line and column."""
        text = self._text(column)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self._error("tables.not_date", column, value=text) from None

    def list(self, column: str) -> tuple[str, ...]:
        """The cell as a list: its parts between semicolons, without empty ones."""
        return tuple(part for part in (p.strip() for p in self._text(column).split(";")) if part)

    def label(self, lang: str = "zh") -> str:
        """The row's `name`, or its `name_en` for English readers where there is one."""
        english = lang == "en" or lang.startswith("en-")
        return (self.get("name_en") or self._text("name")) if english else self._text("name")

    def _text(self, column: str) -> str:
        try:
            return self.cells[column]
        except KeyError:
            raise self._error("tables.no_column", column) from None

    def _error(self, code: str, column: str, **params: Param) -> TableError:
        return TableError(code, where=f"{self.table}:{self.line}", column=column, **params)


@dataclass(frozen=True, slots=True)
class Table:
    """A dated table as read. `origin` is `package`, or the folder of the city that brought it."""

    name: str
    title: str
    title_en: str
    key: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""
    origin: str = "package"
    note_en: str = ""
    _index: Mapping[tuple[str, ...], tuple[Row, ...]] = field(default_factory=dict, repr=False, compare=False)

    def valid_on(self, day: date) -> tuple[Row, ...]:
        """The rows in force on `day`, in the order of the file."""
        return tuple(row for row in self.rows if row.valid_on(day))

    def find(self, day: date, **key: str) -> Row:
        """The one row with these values that is in force on `day`.

        Raises TableError naming table, key and day when there is no such row, or more than one.
        """
        if self.key and key.keys() == set(self.key):
            candidates = self._index.get(tuple(key[column] for column in self.key), ())
        else:
            candidates = tuple(r for r in self.rows if all(r.get(c) == v for c, v in key.items()))
        found = [row for row in candidates if row.valid_on(day)]
        if len(found) == 1:
            return found[0]
        said: dict[str, Param] = {
            "table": self.name,
            "key": ", ".join(f"{c}={v}" for c, v in key.items()),
            "day": day.isoformat(),
        }
        if found:
            raise TableError.of(Reason("tables.ambiguous", {"count": len(found), **said}))
        if candidates:
            raise TableError.of(
                Reason("tables.not_valid_on", {"spans": " ".join(_span(row) for row in candidates), **said})
            )
        raise TableError.of(Reason("tables.not_found", said))


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change of one row of a table: from `valid_from` on, the row with this key says `cells`.

    `change`: the number of the change. `key`: the values of the key columns, in their order. `cells`: every column but
    the four of evidence; None where the row ends and nothing follows. `valid_to`: the last day, None = open.
    """

    change: str
    table: str
    key: tuple[str, ...]
    cells: Mapping[str, str] | None
    source: str
    confidence: str
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """The approved changes of the law, in the order of their approval: `amendments` of rows, whole new `tables`, and
    `documents` (procedures) as they read with every change. Immutable; `stamp` says which state of the changes it is."""

    stamp: str = ""
    amendments: tuple[Amendment, ...] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        changed = {one.table for one in self.amendments} | set(self.tables) | set(self.documents)
        object.__setattr__(self, "names", frozenset(changed))


NOTHING = Overlay()
"""No change: the tables as they are packaged."""

_everywhere: Overlay = NOTHING
_here: ContextVar[Overlay | None] = ContextVar("overlay", default=None)


def lay(overlay: Overlay) -> None:
    """Lays these changes over the tables for the whole process, in place of those laid before."""
    global _everywhere
    _everywhere = overlay


@contextmanager
def under(overlay: Overlay) -> Iterator[None]:
    """Within the block (this thread or task only) the tables read as with these changes: one request, or a preview."""
    token = _here.set(overlay)
    try:
        yield
    finally:
        _here.reset(token)


def laid() -> Overlay:
    """The changes under which tables are read here and now."""
    return _here.get() or _everywhere


def laid_for_all() -> Overlay:
    """The changes laid for the whole process, whatever is laid here."""
    return _everywhere


def touched(prefix: str) -> Overlay:
    """The changes laid here where any of them touches a table whose name begins with `prefix`, else NOTHING."""
    overlay = laid()
    return overlay if any(name.startswith(prefix) for name in overlay.names) else NOTHING


def kept(prefix: str, maxsize: int = 64) -> Callable[[Callable[[*Ts], T]], Callable[[*Ts], T]]:
    """Keeps what a function makes of the tables whose names begin with `prefix` (`""`: of any), as functools.lru_cache
    does, and makes it anew once a change of one of them is laid."""

    def keeping(make: Callable[[*Ts], T]) -> Callable[[*Ts], T]:
        @lru_cache(maxsize=maxsize)
        def made(overlay: Overlay, *args: *Ts) -> T:
            return make(*args)

        @wraps(make)
        def answer(*args: *Ts) -> T:
            return made(touched(prefix), *args)

        return answer

    return keeping


def load(name: str, root: Path | None = None) -> Table:
    """The table `name`, such as `working_days/2017` or `cities/jiaozuo/targets`; read once and kept.

    With `root`, that folder is looked in first, and it alone is heard: changes laid over the packaged tables do not
    touch it. Raises TableError when there is no such table or it has any problem: a damaged table is not used, not even
    in its good rows.
    """
    overlay = laid()
    if root is None and name in overlay.names:
        return _sound(name, *_amended(name, overlay))
    return _load(name, str(root) if root is not None else "")


@cache
def _load(name: str, root: str) -> Table:
    return _sound(name, *_parse(name, Path(root) if root else None))


def _sound(name: str, table: Table | None, problems: tuple[Reason, ...]) -> Table:
    if problems or table is None:
        zh, en = problems[0].text("zh"), problems[0].text("en")
        raise TableError("tables.damaged", where=name, count=len(problems), first=zh, first_en=en)
    return table


def packaged(name: str) -> Table:
    """The table as the package has it, without any change laid over it. Raises TableError as `load` does."""
    return _load(name, "")


def check(name: str, root: Path | None = None) -> tuple[Reason, ...]:
    """What is wrong with a table: missing columns, bad confidence, bad or reversed dates, the same key valid twice on
    one day, no source, or an unreadable file. Empty when it is sound. Raises TableError when there is none."""
    overlay = laid()
    if root is None and name in overlay.names:
        return _amended(name, overlay)[1]
    return _parse(name, root)[1]


def names(root: Path | None = None) -> tuple[str, ...]:
    """The names of all tables, sorted; with `root`, those of that folder as well."""
    own = _listed(root) if root is not None else frozenset()
    return tuple(sorted(own | _packaged() | laid().tables.keys()))


def documents(folder: str, root: Path | None = None) -> tuple[str, ...]:
    """The names of the TOML files in a folder of the data, such as `procedures/complaint`; with `root`, that folder's
    as well. Sorted."""
    bases = [_data(), *([root] if root is not None else [])]
    found = {path for base in bases for path, _ in _walk(base / folder, f"{folder}/") if path.endswith(".toml")}
    return tuple(sorted(path.removesuffix(".toml") for path in found))


def read_document(name: str, root: Path | None = None) -> dict[str, object]:
    """A TOML file of the data that is not a table, such as `procedures/complaint`; one in `root` stands in place of the
    packaged one. Raises TableError when there is none, or it cannot be read."""
    overlay = laid()
    if root is None and name in overlay.documents:
        return dict(overlay.documents[name])
    _, file, _ = _locate(name, root, rows=False)
    assert file is not None
    return _read_side(file)


def read_messages() -> Iterator[tuple[str, str, str]]:
    """The texts under data/messages as (code, zh, en); a code is the dotted name of its TOML table.

    Raises ValueError for a file that is not TOML or an entry that lacks one of its languages.
    """
    for path, file in _walk(_data() / "messages"):
        if path.endswith(".toml"):
            yield from _flatten(tomllib.loads(file.read_text(encoding="utf-8")), "", path)


def _flatten(tree: Mapping[str, object], prefix: str, path: str) -> Iterator[tuple[str, str, str]]:
    texts = {k: v for k, v in tree.items() if not isinstance(v, dict)}
    if texts:
        if texts.keys() != {"zh", "en"} or not all(isinstance(v, str) and v for v in texts.values()):
            raise ValueError(f"messages/{path}: [{prefix}] needs zh and en, both texts, and nothing else")
        yield prefix, str(texts["zh"]), str(texts["en"])
    for name, sub in tree.items():
        if isinstance(sub, dict):
            yield from _flatten(sub, f"{prefix}.{name}" if prefix else name, path)


def _listed(base: Traversable) -> frozenset[str]:
    found: set[str] = set()
    for path, file in _walk(base):
        stem, _, suffix = path.rpartition(".")
        if suffix == "csv" or (suffix == "toml" and _has_rows(file)):
            found.add(stem)
    return frozenset(found)


@cache
def _packaged() -> frozenset[str]:
    return _listed(_data())  # the package does not change while it runs


def _data() -> Traversable:
    return resources.files("zhunsheng.engine") / "data"


def _walk(base: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    if not base.is_dir():
        return
    for entry in sorted(base.iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            if prefix or entry.name != "messages":
                yield from _walk(entry, f"{prefix}{entry.name}/")
        elif _NAME.fullmatch(entry.name):
            yield f"{prefix}{entry.name}", entry


def _has_rows(file: Traversable) -> bool:
    try:
        return "row" in tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return True  # listed, so that check() can say what is wrong with it


def _locate(name: str, root: Path | None, *, rows: bool = True) -> tuple[Traversable | None, Traversable | None, str]:
    """The CSV and the TOML of a table, and where they come from; both from the same place. Without `rows`: a TOML file
    of any content."""
    if len(name) > 200 or not _NAME.fullmatch(name) or ".." in name:
        raise TableError("tables.bad_name", table=name[:80])
    for base, origin in ([(root, str(root))] if root is not None else []) + [(_data(), "package")]:
        path, _, stem = name.rpartition("/")
        folder = base.joinpath(*path.split("/")) if path else base
        body, side = folder / f"{stem}.csv", folder / f"{stem}.toml"
        if rows and body.is_file():
            return body, side if side.is_file() else None, origin
        if side.is_file() and (not rows or _has_rows(side)):
            return None, side, origin
    raise TableError("tables.no_table", table=name)


def _read(file: Traversable) -> str:
    data = file.read_bytes()
    if len(data) > MAX_BYTES:
        raise TableError("tables.too_large", where=file.name, limit=MAX_BYTES // 1024 // 1024)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError("tables.not_utf8", where=file.name, byte=error.start) from None


def _read_side(file: Traversable) -> dict[str, object]:
    try:
        return tomllib.loads(_read(file), parse_float=str)
    except tomllib.TOMLDecodeError as error:
        raise TableError("tables.not_toml", where=file.name, detail=str(error)) from None


def _read_csv(file: Traversable) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    reader = csv.reader(io.StringIO(_read(file), newline=""), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        for column, count in Counter(header).items():
            if count > 1 or not column:
                raise TableError("tables.bad_header", where=file.name, column=column)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise TableError(
                    "tables.ragged", where=f"{file.name}:{reader.line_num}", count=len(cells), expected=len(header)
                )
            rows.append((reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    except csv.Error as error:
        raise TableError("tables.not_csv", where=f"{file.name}:{reader.line_num}", detail=str(error)) from None
    return header, rows


def _toml_rows(side: Mapping[str, object], where: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    entries = side.get("row")
    header: dict[str, None] = {}
    rows: list[tuple[int, dict[str, str]]] = []
    if not isinstance(entries, list):
        raise TableError("tables.bad_rows", where=where)
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise TableError("tables.bad_rows", where=f"{where}:{number}")
        header.update(dict.fromkeys(entry))
        rows.append((number, {c: _scalar(v, f"{where}:{number}", c) for c, v in entry.items()}))
    return list(header), [(number, {c: cells.get(c, "") for c in header}) for number, cells in rows]


def _scalar(value: object, where: str, column: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return ";".join(_scalar(v, where, column) for v in value)
    raise TableError("tables.bad_value", where=where, column=column)


def _parse(name: str, root: Path | None) -> tuple[Table | None, tuple[Reason, ...]]:
    rows_file, side_file, origin = _locate(name, root)
    try:
        side = _read_side(side_file) if side_file is not None else {}
        header, raw = _read_csv(rows_file) if rows_file is not None else _toml_rows(side, name)
    except TableError as error:
        said: dict[str, Param] = {"text": error.reason.text("zh"), "text_en": error.reason.text("en")}
        return None, (Reason("tables.unreadable", {"where": error.where, **said}),)
    problems: list[Reason] = []

    def problem(code: str, line: int = 0, **params: Param) -> None:
        problems.append(Reason(code, {"where": f"{name}:{line}" if line else name, **params}))

    if rows_file is not None and "row" in side:
        problem("tables.two_bodies")
    for unknown in sorted(side.keys() - _SIDE_KEYS):
        problem("tables.unknown_setting", setting=unknown)
    key, required = _texts(side.get("key", [])), _texts(side.get("columns", []))
    for column in dict.fromkeys((*key, *required)):
        if column not in header:
            problem("tables.missing_column", column=column)
    rows: list[Row] = []
    for line, cells in raw:
        filled = {**cells, **{m: cells.get(m, "") or _scalar(side.get(m, ""), name, m) for m in META}}
        days: dict[str, date | None] = {"valid_from": None, "valid_to": None}
        for column in days:
            if filled[column]:
                try:
                    days[column] = date.fromisoformat(filled[column])
                except ValueError:
                    problem("tables.bad_date", line, column=column, value=filled[column])
        rows.append(
            Row(filled, filled["source"], filled["confidence"], days["valid_from"], days["valid_to"], name, line)
        )
    table = Table(
        name,
        str(side.get("title", "")) or name,
        str(side.get("title_en", "")) or str(side.get("title", "")) or name,
        key,
        tuple(rows),
        str(side.get("note", "")),
        origin,
        str(side.get("note_en", "")),
    )
    table, more = _indexed(table, header)
    return table, (*problems, *more)


def _indexed(table: Table, header: Iterable[str]) -> tuple[Table, tuple[Reason, ...]]:
    """The table with its index, and what is wrong with its rows."""
    problems: list[Reason] = []

    def problem(code: str, line: int = 0, **params: Param) -> None:
        where = f"{table.name}:{line}" if line else table.name
        problems.append(Reason(code, {"where": where, **params}))

    header = set(header)
    for row in table.rows:
        if row.valid_from is not None and row.valid_to is not None and row.valid_to < row.valid_from:
            start, end = row.valid_from.isoformat(), row.valid_to.isoformat()
            problem("tables.reversed", row.line, start=start, end=end)
        if row.confidence not in CONFIDENCES:
            problem("tables.bad_confidence", row.line, value=row.confidence)
        if not row.source:
            problem("tables.no_source", row.line)
        for column in table.key:
            if column in header and not row[column]:
                problem("tables.empty_key", row.line, column=column)
    index: dict[tuple[str, ...], list[Row]] = {}
    if table.key and not set(table.key) - header:
        for row in table.rows:
            index.setdefault(tuple(row[column] for column in table.key), []).append(row)
        for values, same in index.items():
            same.sort(key=lambda row: row.valid_from or date.min)
            for before, after in zip(same, same[1:], strict=False):
                if before.valid_to is None or after.valid_from is None or after.valid_from <= before.valid_to:
                    problem("tables.overlap", after.line, key=", ".join(values), other=before.line)
    if not table.rows:
        problem("tables.empty")
    return replace(table, _index={values: tuple(same) for values, same in index.items()}), tuple(problems)


def new_table(
    name: str, title: str, title_en: str, like: Table, rows: Iterable[Row]
) -> tuple[Table, tuple[Reason, ...]]:
    """A whole table that a change brings, with the key and the columns of another of its kind (the holidays of a year),
    and what is wrong with it. `rows` are numbered as they come."""
    header = columns(like)
    found = tuple(
        replace(row, cells={**dict.fromkeys(header, ""), **row.cells, **_evidence(row)}, table=name, line=number)
        for number, row in enumerate(rows, 1)
    )
    return _indexed(Table(name, title, title_en, like.key, found, like.note, "change", like.note_en), header)


def columns(table: Table) -> tuple[str, ...]:
    """The columns of a table without the four of evidence, in the order of the file."""
    seen: dict[str, None] = {}
    for row in table.rows:
        seen.update(dict.fromkeys(row))
    return tuple(column for column in seen if column not in META)


def key_of(table: Table, row: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the key columns of a row."""
    return tuple(row[column] for column in table.key)


@lru_cache(maxsize=512)
def _amended(name: str, overlay: Overlay) -> tuple[Table | None, tuple[Reason, ...]]:
    """A packaged or new table with every change of it: a row in force on a change's first day ends the day before, the
    new row follows it. A row that begins on that very day never came into force and gives way. What the new row says of
    its end is bounded by the next row with the same key."""
    table = overlay.tables.get(name)
    if table is None:
        table, found = _parse(name, None)
        if table is None or found:
            return table, found
    rows = list(table.rows)
    header = columns(table)
    for one in overlay.amendments:
        if one.table == name:
            _amend(rows, table, header, one)
    return _indexed(replace(table, rows=tuple(rows)), header)


def _amend(rows: list[Row], table: Table, header: tuple[str, ...], one: Amendment) -> None:
    same = [i for i, row in enumerate(rows) if key_of(table, row) == one.key]
    before = next((i for i in same if rows[i].valid_on(one.valid_from)), None)
    ahead = [start for i in same if (start := rows[i].valid_from) is not None and start > one.valid_from]
    place = len(rows) if not same else (before if before is not None else same[-1]) + 1
    if before is not None:
        if rows[before].valid_from == one.valid_from:
            del rows[before]
            place = before
        else:
            rows[before] = _closed(rows[before], one.valid_from - timedelta(days=1))
    if one.cells is None:
        return
    next_day = min(ahead) - timedelta(days=1) if ahead else None
    ends = min((day for day in (one.valid_to, next_day) if day is not None), default=None)
    line = max((row.line for row in rows), default=0) + 1
    row = Row(dict(one.cells), one.source, one.confidence, one.valid_from, ends, table.name, line, one.change)
    rows.insert(place, replace(row, cells={**dict.fromkeys(header, ""), **one.cells, **_evidence(row)}))


def _closed(row: Row, last: date) -> Row:
    """The row, ending on `last`."""
    row = replace(row, valid_to=last)
    return replace(row, cells={**row.cells, **_evidence(row)})


def _evidence(row: Row) -> dict[str, str]:
    days = [day.isoformat() if day is not None else "" for day in (row.valid_from, row.valid_to)]
    return dict(zip(META, (row.source, row.confidence, *days), strict=True))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, list) else (str(value),) if value else ()


def _span(row: Row) -> str:
    return f"{row.valid_from or ''}..{row.valid_to or ''}"
