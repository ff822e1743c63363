"""Selection 抽取: a ticket for every unit, the smallest tickets of each stratum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from heapq import nsmallest
from math import isqrt

from zhunsheng.engine.draw.frame import Frame, check_n
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json

_HIGHEST = b"\xff" * 32


@dataclass(frozen=True, slots=True)
class Selected:
    """A drawn unit: its ticket (64 hexadecimal digits), its rank in the stratum from 1, its inclusion probability."""

    id: str
    stratum: str
    ticket: str
    rank: int
    probability: Fraction

    def as_json(self) -> dict[str, Json]:
        """The unit as it stands in the bundle."""
        return {
            "id": self.id,
            "stratum": self.stratum,
            "ticket": self.ticket,
            "rank": self.rank,
            "probability": str(self.probability),
        }


def ticket(seed: str, unit_id: str) -> str:
    """sha256hex(seed + "|target|" + id): depends on nothing but these two, so anyone can compute it by hand."""
    return sha256(f"{seed}|target|{unit_id}".encode()).hexdigest()


def select(frame: Frame, seed: str, n: Mapping[str, int]) -> tuple[Selected, ...]:
    """In each stratum the n units with the smallest tickets, ties by id; strata ascending, then rank.

    Simple random sampling without replacement within strata: each unit of a stratum is drawn with probability
    exactly n/N. Units with an exclusion code are in no stratum's N and are never drawn.

    Raises DrawError if n does not fit the frame (see `check_n`).
    """
    check_n(frame.sizes, n)
    chosen: list[Selected] = []
    for stratum, ids in frame.strata.items():
        probability = Fraction(n[stratum], len(ids)) if ids else Fraction(0)
        for rank, (digest, unit_id) in enumerate(_smallest(ids, seed, n[stratum]), 1):
            chosen.append(Selected(unit_id, stratum, digest.hex(), rank, probability))
    return tuple(chosen)


def _smallest(ids: tuple[str, ...], seed: str, n: int) -> list[tuple[bytes, str]]:
    """The n smallest (ticket, id), ascending.

    The first block of 64 bytes is the seed itself, so it is hashed once. Tickets are spread evenly, so nearly all
    can be dropped at once by a bound a little above the n-th smallest that is to be expected; should it have cut too
    much, all tickets are kept.
    """
    if n == 0:
        return []
    start = sha256(f"{seed}|target|".encode()).copy
    kept: list[tuple[bytes, str]] = []
    for bound in (_bound(n, len(ids)), _HIGHEST):
        for unit_id in ids:
            state = start()
            state.update(unit_id.encode())
            if (digest := state.digest()) <= bound:
                kept.append((digest, unit_id))
        if len(kept) >= n:
            break
        kept.clear()
    kept.sort()
    return kept[:n]


def _bound(n: int, size: int) -> bytes:
    wanted = n + 8 * isqrt(n) + 32  # eight standard deviations: the second pass is never seen in practice
    highest = int.from_bytes(_HIGHEST, "big")
    return min(highest, highest * wanted // size).to_bytes(len(_HIGHEST), "big")


def select_pareto(frame: Frame, seed: str, n: int, lambda_per_mille: Mapping[str, int]) -> tuple[Selected, ...]:
    """Draws n units of the whole frame with unequal probabilities: Pareto order sampling on the same tickets.

    lambda_per_mille: id → 1000 × the wanted inclusion probability, a whole number from 1 to 1000, for every unit that
        can be drawn; 1000 is certain. Their sum must be 1000 n within the rounding of one each.

    With k = the first 16 hexadecimal digits of the ticket as an integer and a = lambda_per_mille, the n smallest keys
    k(1000−a) / ((2^64−k)a) are drawn; keys are compared exactly, ties by ticket, then id. The probability given is
    a/1000: near-exact for this design, not exact (Rosén 1997, "On sampling with probability proportional to size").
    `rank` is the place in the order of keys over the whole frame, from 1.
    """
    units = [(unit_id, stratum) for stratum, ids in frame.strata.items() for unit_id in ids]
    for unit_id, _ in units:
        if not 1 <= lambda_per_mille.get(unit_id, 0) <= 1000:
            raise DrawError("draw.pareto.bad_lambda", id=unit_id)
    total = sum(lambda_per_mille[unit_id] for unit_id, _ in units)
    if not 1 <= n <= len(units) or abs(total - 1000 * n) >= len(units):
        raise DrawError("draw.pareto.bad_sum", total=total, n=n)

    def keys() -> Iterable[tuple[int, bytes, str, str]]:
        for unit_id, stratum in units:
            digest = bytes.fromhex(ticket(seed, unit_id))
            yield _pareto_key(digest, lambda_per_mille[unit_id]), digest, unit_id, stratum

    return tuple(
        Selected(unit_id, stratum, digest.hex(), rank, Fraction(lambda_per_mille[unit_id], 1000))
        for rank, (_, digest, unit_id, stratum) in enumerate(nsmallest(n, keys()), 1)
    )


def _pareto_key(digest: bytes, a: int) -> int:
    """The key as an integer that orders and ties exactly as the fraction does.

    Both denominators are below 2^74, so two different fractions differ by more than 2^-148, and the whole parts of
    their 2^150-folds differ as well.
    """
    k = int.from_bytes(digest[:8], "big")
    return (k * (1000 - a) << 150) // (((1 << 64) - k) * a)
