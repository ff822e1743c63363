"""Side by side in one run: A B A B …, medians, and the ratio. Absolute seconds differ from machine to machine; ratios less so."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contestant:
    """Something to time. `run` returns what it computed, so that the peers' answers can be compared."""

    name: str
    run: Callable[[], object]


def race(title: str, contestants: Sequence[Contestant], *, rounds: int = 5, amount: str = "") -> dict[str, list[float]]:
    """Runs the contestants in turn, `rounds` times over, and prints median, fastest, spread and the ratio to the last one (the peer)."""
    times: dict[str, list[float]] = {one.name: [] for one in contestants}
    for _ in range(rounds):
        for one in contestants:
            start = time.perf_counter()
            one.run()
            times[one.name].append(time.perf_counter() - start)
    peer = statistics.median(times[contestants[-1].name])
    print(f"\n{title}{f'  ({amount})' if amount else ''}")
    print(f"  {'':<44}{'median s':>10}{'min s':>10}{'spread':>9}{'ratio':>9}")
    for one in contestants:
        taken = times[one.name]
        middle = statistics.median(taken)
        spread = (max(taken) - min(taken)) / middle
        print(f"  {one.name:<44}{middle:>10.3f}{min(taken):>10.3f}{spread:>8.0%}{middle / peer:>9.2f}")
    peers = times[contestants[-1].name]
    if (max(peers) - min(peers)) / peer > 0.3:
        print("  note: the peer's own spread is over 30 %: the machine was busy, measure again before quoting")
    return times


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
