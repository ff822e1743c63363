"""Unequal probabilities within a stratum: lambda from size by a published rule, Pareto order sampling by whole numbers.

Rosén (1997), "On sampling with probability proportional to size". Nothing here is a floating-point number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zhunsheng.engine.errors import DrawError

SCALES = (1000, 1_000_000)
SCALE = 1_000_000
_SHIFT = 170  # two different keys differ by more than 2^-168: both denominators are below 2^84


def lambdas(sizes: Mapping[str, int], n: int, scale: int = SCALE) -> dict[str, int]:
    """Scale × the inclusion probability of every unit of a stratum, from its size: rule zhunsheng/lambda/1.

    sizes: id → size, a whole number from 1, of the units that can be drawn. n: how many are drawn.
    The sum of what comes back is scale × n exactly. A unit so large that its share would be more than 1 is certain
    (lambda = scale), and the shares of the others follow from what is left; no unit has less than 1.

    Raises DrawError for a scale other than 1000 and 1000000, n that does not fit, a size below 1, and sizes so uneven
    that the least lambda of the small ones takes more than there is: split the stratum then.

    >>> lambdas({"demo:1": 1, "demo:2": 2, "demo:3": 3, "demo:4": 100}, 2, 1000)
    {'demo:1': 167, 'demo:2': 333, 'demo:3': 500, 'demo:4': 1000}
    """
    ids = sorted(sizes)
    return dict(zip(ids, lambda_list([sizes[unit] for unit in ids], n, scale), strict=True))


def lambda_list(sizes: Sequence[int], n: int, scale: int) -> list[int]:
    """`lambdas` for sizes in ascending order of id."""
    check_scale(scale)
    if not 1 <= n <= len(sizes):
        raise DrawError("draw.pareto.bad_n", n=n, size=len(sizes))
    if min(sizes) < 1:
        raise DrawError("draw.pareto.bad_size_number")
    certain = [False] * len(sizes)
    total, left = sum(sizes), n
    while True:
        joining = [i for i, size in enumerate(sizes) if not certain[i] and left * size >= total]
        if not joining:
            break
        for i in joining:
            certain[i] = True
        left -= len(joining)
        total -= sum(sizes[i] for i in joining)
    whole = scale * left
    made = [scale if sure else max(1, whole * size // total) for sure, size in zip(certain, sizes, strict=True)]
    rest = scale * n - sum(made)
    if rest < 0:
        raise DrawError("draw.pareto.too_uneven")
    if rest:
        parts = [
            (-(whole * size % total), i) for i, size in enumerate(sizes) if not certain[i] and whole * size >= total
        ]
        parts.sort()
        for _, i in parts[:rest]:
            made[i] += 1
    return made


def check_scale(scale: int) -> None:
    """Refuses a scale that the protocol does not know."""
    if scale not in SCALES:
        raise DrawError("draw.pareto.bad_scale", scale=scale)


def pareto_key(digest: bytes, a: int, scale: int) -> int:
    """The order of a unit: k(scale−a) / ((2^64−k)a), as an integer that orders and ties exactly as that fraction does.

    digest: the 32 bytes of its ticket, of which k is the first 8; a: its lambda. The whole parts of the 2^170-folds
    of two different fractions differ as well.
    """
    k = int.from_bytes(digest[:8], "big")
    return (k * (scale - a) << _SHIFT) // (((1 << 64) - k) * a)


def likely_ticket(a: int, scale: int) -> bytes:
    """A ticket above which a unit is hardly ever drawn: the highest with a key of at most 2. The n-th smallest key is near 1.

    k(scale−a) ≤ 2(2^64−k)a, that is k ≤ 2^65 a / (scale+a).
    """
    k = min((a << 65) // (scale + a), (1 << 64) - 1)
    return k.to_bytes(8, "big") + b"\xff" * 24
