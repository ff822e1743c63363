"""Units of test results: a dated table, exact factors, and a wall between quantities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from zhunsheng.engine import tables
from zhunsheng.engine.errors import ResultError
from zhunsheng.engine.testing.figures import clean, exact


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a quantity: a value times `factor` is in the quantity's base unit. "" is a number without a unit."""

    code: str
    quantity: str
    factor: Fraction
    name: str = ""
    name_en: str = ""


NONE = Unit("", "number", Fraction(1))


def unit(text: str, on: date | None = None, where: str = "") -> Unit:
    """The unit that a spelling means on that day (any day, where none is given): "ug/kg", "微克／千克" and "μg/kg" are one.

    Raises ResultError for a spelling that the table `testing/units` does not know, or not on that day.
    """
    text = clean(text, where).replace(" ", "")
    if not text:
        return NONE
    code = _spellings().get(text)
    if code is None:
        raise ResultError("testing.unknown_unit", where=where, unit=text[:40])
    found = _on(code, on)
    if found is None:
        raise ResultError("testing.unit_not_valid", where=where, unit=code, day=str(on))
    return found


@tables.kept("testing/", maxsize=4096)
def _on(code: str, on: date | None) -> Unit | None:
    rows = (row for row in tables.load("testing/units").rows if row["code"] == code)
    valid = [row for row in rows if on is None or row.valid_on(on)]
    if not valid:
        return None
    row = valid[-1]
    return Unit(code, row["quantity"], Fraction(row.decimal("factor")), row["name"], row["name_en"])


def known(text: str) -> bool:
    """Whether the table knows this spelling, on whatever day."""
    return not text or text.replace(" ", "") in _spellings()


@tables.kept("testing/")
def _spellings() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for row in tables.load("testing/units").rows:
        for spelling in (row["code"], *row.list("spellings")):
            found[clean(spelling).replace(" ", "")] = row["code"]
    return found


def in_unit(value: Decimal | Fraction, source: Unit, target: Unit) -> Fraction:
    """The value in another unit of the same quantity, exactly.

    Raises ResultError when the two measure different quantities: mg/kg and mg/L, CFU and MPN.
    """
    if source.quantity != target.quantity:
        raise ResultError("testing.other_quantity", unit=source.code or "1", other=target.code or "1")
    return Fraction(value) * source.factor / target.factor


def convert(value: Decimal, source: str, target: str, on: date | None = None) -> Decimal:
    """The value in another unit, as an exact decimal.

    >>> convert(Decimal("11.3"), "µg/kg", "mg/kg")
    Decimal('0.0113')

    Raises ResultError for unknown units, different quantities, or where no decimal is exact (1 s in h).
    """
    return exact(in_unit(value, unit(source, on), unit(target, on)))
