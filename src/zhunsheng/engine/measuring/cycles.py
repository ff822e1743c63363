"""How long a measuring instrument may be used before it is verified again or replaced (table `metrology/cycles`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from zhunsheng.engine import tables
from zhunsheng.engine.clock import Unit, later
from zhunsheng.engine.words import Reason


@dataclass(frozen=True, slots=True)
class Cycle:
    """A statutory cycle. `replaced`: first verification only, then replaced at the end 限期使用、到期轮换."""

    code: str
    name: str
    name_en: str
    months: int
    replaced: bool
    source: str
    confidence: str


def cycle(code: str, on: date) -> Cycle:
    """The cycle of a class of instruments on a day. Raises TableError for a class that the table does not have."""
    row = tables.load("metrology/cycles").find(on, code=code)
    return Cycle(
        row["code"], row["name"], row["name_en"], row.integer("months"), row["end"] == "replaced", row.source,
        row.confidence,
    )  # fmt: skip


def last_day(code: str, verified: date) -> tuple[date, Reason]:
    """The last day on which an instrument that was verified on `verified` may be used, and why.

    It is the day before the same day of the month in which the cycle ends: verified 2026-05-06 for a year, valid to
    2027-05-05 (JJF 1001: the certificate's 有效期至). Raises TableError for an unknown class.
    """
    found = cycle(code, verified)
    end = date.fromordinal(later(verified, found.months, Unit.MONTH).toordinal() - 1)
    params: dict[str, str | int] = {
        "name": found.name, "name_en": found.name_en, "months": found.months, "day": end.isoformat(),
        "source": found.source,
    }  # fmt: skip
    return end, Reason("measuring.cycle.replaced" if found.replaced else "measuring.cycle.verified_again", params)
