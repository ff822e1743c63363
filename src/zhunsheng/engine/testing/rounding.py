"""数值修约: rounding by GB/T 8170-2008, exact."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from zhunsheng.engine.errors import ResultError
from zhunsheng.engine.testing.figures import exact


class Comparison(StrEnum):
    """How a result is held against a limit (GB/T 8170-2008 4.3)."""

    FULL = "full"  # 全数值比较法: as it is; the default wherever the standard says nothing
    ROUNDED = "rounded"  # 修约值比较法: rounded to the last place of the limit as printed


def round_to(value: Decimal | Fraction, interval: Decimal) -> Decimal:
    """`value` rounded to a multiple of `interval` 修约间隔: the nearest one, and of two equally near the even multiple.

    In one step, never in several. Intervals of 0.1, 1, 100 are the common ones; 0.5 and 0.2 of a unit (GB/T 8170-2008
    3.4) are intervals like any other.

    >>> round_to(Decimal("10.5002"), Decimal(1)), round_to(Decimal("-0.0365"), Decimal("0.001"))
    (Decimal('11'), Decimal('-0.036'))

    Raises ResultError for an interval that is not positive.
    """
    if not interval.is_finite() or interval <= 0:
        raise ResultError("testing.bad_interval", value=str(interval)[:40])
    step = Fraction(interval)
    # round() of a Fraction is exact, and takes the even one of two equally near.
    multiple = exact(round(Fraction(value) / step) * step)
    places = interval.as_tuple().exponent
    assert isinstance(places, int)
    return _with_places(multiple, places)


def last_place(value: Decimal) -> Decimal:
    """The interval that the printed number stands to: 0.1 for 97.0, 100 for 14×10²."""
    places = value.as_tuple().exponent
    assert isinstance(places, int)
    return Decimal((0, (1,), places))


def _with_places(value: Decimal, places: int) -> Decimal:
    """The same number, shown to 10 to the power `places`; `value` is a multiple of it."""
    multiple = Fraction(value) / Fraction(Decimal((0, (1,), places)))
    assert multiple.denominator == 1
    digits = tuple(int(digit) for digit in str(abs(multiple.numerator)))
    return Decimal((1 if multiple < 0 else 0, digits, places))
