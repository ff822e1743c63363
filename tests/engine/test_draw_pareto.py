"""Pareto strata: most units are dropped by their ticket alone, and that changes nothing."""

from fractions import Fraction
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.engine.draw import freeze, select
from zhunsheng.engine.draw.pareto import SCALES, likely_ticket


def key(ticket, a, scale):
    k = int.from_bytes(ticket[:8], "big")
    return Fraction(k * (scale - a), (2**64 - k) * a)


@given(a=st.integers(1, 1_000_000), scale=st.sampled_from(SCALES), ticket=st.binary(min_size=32, max_size=32))
def test_a_ticket_is_likely_just_where_its_key_is_at_most_two(a, scale, ticket):
    a = min(a, scale)
    bound = likely_ticket(a, scale)
    for one in (ticket, bound, bound[:8] + b"\x00" * 24):
        assert (one <= bound) == (key(one, a, scale) <= 2)
    if a < scale and bound[:8] != b"\xff" * 8:
        after = (int.from_bytes(bound[:8], "big") + 1).to_bytes(8, "big") + b"\x00" * 24
        assert key(after, a, scale) > 2


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("sizes", "n"), [((1, 1), 1), ((1, 2, 3), 1), ((1, 2, 3, 4, 90), 3), (tuple(range(1, 40)), 9)])
def test_the_drawn_are_the_smallest_of_all_exact_keys(sizes, n, scale):
    """Over so many seeds the bound cuts too much in some (two units of ½: one time in nine), and then all are looked at."""
    frame = freeze(
        [{"id": f"demo:{place:02d}", "stratum": "A", "size": size} for place, size in enumerate(sizes)],
        pareto={"A": n}, scale=scale,
    )  # fmt: skip
    weights = frame.pareto["A"]
    few = 0
    for number in range(300):
        seed = sha256(str(number).encode()).hexdigest()
        tickets = {unit: sha256(f"{seed}|target|{unit}".encode()).digest() for unit in weights}
        order = sorted(weights, key=lambda unit: (key(tickets[unit], weights[unit], scale), tickets[unit], unit))
        few += sum(tickets[unit] <= likely_ticket(weights[unit], scale) for unit in weights) < n
        drawn = select(frame, seed, {"A": n})
        assert [unit.id for unit in drawn] == order[:n]
        assert [(unit.rank, unit.probability) for unit in drawn] == [
            (rank, Fraction(weights[unit], scale)) for rank, unit in enumerate(order[:n], 1)
        ]
    assert few or len(sizes) > 3
