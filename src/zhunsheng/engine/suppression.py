"""Small numbers of people are not published: neither themselves, nor so that the total gives them away.

The rule of official statistics (primary and secondary suppression), for one row of counts whose total is published.
"""

from collections.abc import Sequence


def suppressed(counts: Sequence[int], least: int) -> tuple[int | None, ...]:
    """The counts as they may be published beside their total; None for one that is held back.

    A count from 1 to `least` - 1 is held back, and with it the smallest of the others, wherever it stands: who knows the
    total and this rule cannot tell which of the places has which. Zeros tell of nobody and stay. Raises ValueError for a
    negative count.
    """
    if any(count < 0 for count in counts):
        raise ValueError("counts from zero up")
    others = [count for count in counts if count >= least]
    if not any(0 < count < least for count in counts):
        return tuple(counts)
    smallest = min(others, default=0)
    return tuple(count if count == 0 or count > smallest >= least else None for count in counts)


def shown_total(counts: Sequence[int], least: int) -> int | None:
    """The total of a row; None where nothing but small counts would stand behind it."""
    small = any(0 < count < least for count in counts)
    return None if small and not any(count >= least for count in counts) else sum(counts)
