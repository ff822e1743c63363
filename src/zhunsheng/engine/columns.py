"""What may stand in a cell: the kind of each column of a dated table, told from its rows, and what does not fit it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from zhunsheng.engine import tables
from zhunsheng.engine.words import Param, Reason

MAX_CELL = 4000


class Kind(StrEnum):
    """What the cells of a column are, as far as its rows tell."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    CODE = "code"
    TEXT = "text"


_CODE = re.compile(r"[a-z][a-z0-9_]*")


def kind_of(table: tables.Table, column: str) -> Kind:
    """The kind of a column, from the cells of the packaged rows. A column of codes is one of at most twelve words of a
    program (`working_day`), and no part of the key: a word it does not know would say nothing to it."""
    cells = [row[column] for row in table.rows if row.get(column) and not row.change]
    if cells and all(_read_as(int, cell) for cell in cells):
        return Kind.INTEGER
    if cells and all(_read_as(Decimal, cell) for cell in cells):
        return Kind.DECIMAL
    if cells and all(_read_as(date.fromisoformat, cell) for cell in cells):
        return Kind.DATE
    if column not in table.key and len(cells) > 1 and len(set(cells)) <= 12 and all(map(_CODE.fullmatch, cells)):
        return Kind.CODE
    return Kind.TEXT


def known_codes(table: tables.Table, column: str) -> tuple[str, ...]:
    """The words that a column of codes uses, sorted."""
    return tuple(sorted({row[column] for row in table.rows if row.get(column)}))


def misfits(table: tables.Table, cells: Mapping[str, str]) -> Iterator[tuple[str, Reason]]:
    """The cells that do not fit their columns, each with the column and the reason: no such column, an empty cell where
    every row has one, another kind of value, a code that is not known."""
    header = tables.columns(table)
    for column in cells.keys() - set(header):
        yield column, Reason("tables.no_column", {"column": column})
    for column in header:
        cell = cells.get(column, "")
        if not cell:
            if all(row.get(column) for row in table.rows):
                yield column, Reason("tables.empty_cell", {"column": column})
            continue
        if len(cell) > MAX_CELL:
            yield column, Reason("tables.long_cell", {"column": column, "limit": MAX_CELL})
            continue
        said: dict[str, Param] = {"column": column, "value": cell[:80]}
        match kind_of(table, column):
            case Kind.INTEGER if not _read_as(int, cell):
                yield column, Reason("tables.not_integer", said)
            case Kind.DECIMAL if not (_read_as(Decimal, cell) and Decimal(cell).is_finite()):
                yield column, Reason("tables.not_decimal", said)
            case Kind.DATE if not _read_as(date.fromisoformat, cell):
                yield column, Reason("tables.not_date", said)
            case Kind.CODE if cell not in known_codes(table, column):
                yield column, Reason("tables.unknown_code", {**said, "known": ", ".join(known_codes(table, column))})
            case _:
                pass


def _read_as(read: Callable[[str], object], cell: str) -> bool:
    try:
        read(cell)
    except (ValueError, InvalidOperation):
        return False
    return True
