"""The terms of repair, replacement and refund (三包): the table `warranty/three_guarantees`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from zhunsheng.engine import tables
from zhunsheng.engine.clock import Unit, later


@dataclass(frozen=True, slots=True)
class Term:
    """A term: its row, and its last day."""

    row: tables.Row
    last: date


def term(product_class: str, basis: str, bought_on: date, root: Path | None = None) -> Term | None:
    """Until when goods bought (delivered) on `bought_on` may be returned, exchanged or repaired (basis `return`,
    `exchange`, `repair`). The day of purchase does not count; the last day is not moved past a holiday: defects do not
    keep holidays. None where the rule gives these goods no such right."""
    rows = tables.load("warranty/three_guarantees", root).valid_on(bought_on)
    row = next((r for r in rows if (r["code"], r["basis"]) == (product_class, basis)), None)
    if row is None:
        return None
    return Term(row, later(bought_on, row.integer("amount"), Unit(row["unit"])))
