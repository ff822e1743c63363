"""Which units of a stock are taken 样品抽取: the same tickets as in the draw of firms, on numbers that are on the units.

At the place: the stock is counted, its units or boxes bear the numbers 1…N (or numbers of their own), and one line is
written down that fixes everything which could be chosen, and says which public randomness of a later moment will
decide. When that is known:

    seed   = sha256(line | value)
    ticket = sha256(seed | target | number)

The n smallest tickets are the sample, the next ones the reserve sample 备样. `sha256sum` and `sort` check it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from heapq import nsmallest

from zhunsheng.engine.draw.selection import ticket
from zhunsheng.engine.errors import SamplingError

PROTOCOL = "zhunsheng/shelf/1"
MAX_STOCK = 1_000_000


@dataclass(frozen=True, slots=True)
class Stock:
    """A frozen stock: `sample_no` is the number of the sampling sheet; `units` are the numbers, in ascending order of
    the count or of the labels; `source` names the public randomness that will decide, `frozen_at` is when the line was
    written down."""

    sample_no: str
    units: tuple[str, ...]
    n: int
    reserve: int
    source: str
    frozen_at: datetime
    numbered: bool

    @property
    def line(self) -> str:
        """The one line that is written down and announced before the randomness exists.

        protocol|sheet|N|n|reserve|source|instant; units with numbers of their own add their hash after N:
        `N:sha256(number LF number LF …)`.
        """
        count = str(len(self.units))
        if not self.numbered:
            count += ":" + sha256("".join(f"{unit}\n" for unit in self.units).encode()).hexdigest()
        at = self.frozen_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return "|".join((PROTOCOL, self.sample_no, count, str(self.n), str(self.reserve), self.source, at))


@dataclass(frozen=True, slots=True)
class Pick:
    """A unit that was drawn: its number, its ticket, its rank from 1, and whether it is of the reserve sample."""

    unit: str
    ticket: str
    rank: int
    reserve: bool


def freeze_stock(
    sample_no: str,
    stock: int | Sequence[str],
    n: int,
    *,
    reserve: int = 0,
    source: str,
    frozen_at: datetime,
) -> Stock:
    """A stock as counted: either how many units (they bear 1…N), or the numbers on them.

    Raises SamplingError for an empty stock, numbers that repeat, more units asked than there are, or text that would
    make the line ambiguous.
    """
    numbered = isinstance(stock, int)
    count = stock if isinstance(stock, int) else len(stock)
    if not 1 <= count <= MAX_STOCK:
        raise SamplingError("sampling.shelf.bad_stock", value=str(count), most=MAX_STOCK)
    units = tuple(map(str, range(1, count + 1))) if isinstance(stock, int) else tuple(sorted(stock))
    if n < 1 or reserve < 0 or n + reserve > count:
        raise SamplingError("sampling.shelf.bad_n", n=n, reserve=reserve, stock=count)
    for field, text in (("sample_no", sample_no), ("source", source)):
        _check_text(field, text)
    for before, unit in zip(units, units[1:], strict=False):
        if before == unit:
            raise SamplingError("sampling.shelf.twice", unit=unit[:60])
    if not numbered:
        for unit in units:
            _check_text("unit", unit)
    if frozen_at.tzinfo is None:
        raise SamplingError("sampling.shelf.no_zone", field="frozen_at")
    return Stock(sample_no, units, n, reserve, source, frozen_at, numbered)


def shelf_seed(stock: Stock, value: str, value_at: datetime) -> str:
    """sha256hex(line + "|" + value), 64 lower-case hexadecimal digits.

    Raises SamplingError when the value was known before the stock was frozen: then numbers could have been chosen.
    """
    _check_text("value", value)
    if value_at.tzinfo is None:
        raise SamplingError("sampling.shelf.no_zone", field="value_at")
    if value_at <= stock.frozen_at:
        raise SamplingError("sampling.shelf.early", value=value_at.isoformat(), frozen=stock.frozen_at.isoformat())
    return sha256(f"{stock.line}|{value}".encode()).hexdigest()


def pick(stock: Stock, seed: str) -> tuple[Pick, ...]:
    """The sample and then the reserve, by rank: the smallest tickets; equal tickets by number."""
    drawn = nsmallest(stock.n + stock.reserve, ((ticket(seed, unit), unit) for unit in stock.units))
    return tuple(Pick(unit, found, rank, rank > stock.n) for rank, (found, unit) in enumerate(drawn, 1))


def _check_text(field: str, text: str) -> None:
    if not text or len(text) > 200 or "|" in text or text != text.strip() or not text.isprintable():
        raise SamplingError("sampling.shelf.bad_text", field=field, value=text[:60])
