"""Side by side in one run: A B A B …, medians, and the ratio. Absolute seconds differ from machine to machine; ratios less so."""

import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: races whose peer itself wavered by more than 30 %: their ratios are not to be quoted, and the bench says so by its exit code
wavering: list[str] = []


@dataclass(frozen=True, slots=True)
class Contestant:
    """Something to time. `run` returns what it computed, so that the peers' answers can be compared.

    version: of the peer, to be printed beside it. own_clock: `run` returns its seconds: a program of another language,
    whose start is not to be counted.
    """

    name: str
    run: Callable[[], object]
    version: str = ""
    own_clock: bool = False


def race(
    title: str,
    contestants: Sequence[Contestant],
    *,
    rounds: int = 5,
    amount: str = "",
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Runs the contestants in turn, `rounds` times over, and prints median, fastest, spread and the ratio to the last one (the peer).

    clock: `time.process_time` for what only computes, in one thread: seconds of the processor, so that other work on the
    machine disturbs less. Whatever waits (for a disk, a database) is timed by the clock on the wall.
    """
    times: dict[str, list[float]] = {one.name: [] for one in contestants}
    for _ in range(rounds):
        for one in contestants:
            start = clock()
            answer = one.run()
            taken = clock() - start
            times[one.name].append(float(str(answer)) if one.own_clock else taken)
    peer = statistics.median(times[contestants[-1].name])
    print(f"\n{title}{f'  ({amount})' if amount else ''}")
    print(f"  {'':<52}{'median s':>10}{'min s':>10}{'spread':>9}{'ratio':>9}")
    for one in contestants:
        taken_all = times[one.name]
        middle = statistics.median(taken_all)
        spread = (max(taken_all) - min(taken_all)) / middle
        name = f"{one.name}, {one.version}" if one.version else one.name
        print(f"  {name:<52}{middle:>10.3f}{min(taken_all):>10.3f}{spread:>8.0%}{middle / peer:>9.2f}")
    peers = times[contestants[-1].name]
    if (max(peers) - min(peers)) / peer > 0.3:
        wavering.append(title)
        print("  note: the peer's own spread is over 30 %: the machine was busy, measure again before quoting")
    return times


def apart(words: Sequence[str], *, quiet: bool = False) -> str:
    """Runs a program in a process of its own, where nothing else has taken memory: the last line it printed."""
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL if quiet else None, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def most_memory() -> int:
    """The most memory this process has held since its start, in MiB.

    Not getrusage: that remembers the process from which this one was forked.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine() -> str:
    """What ran this, in one line: Python, processor, cores, memory."""
    processor = platform.machine()
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        named = [line.partition(":")[2].strip() for line in facts.read_text().splitlines() if "model name" in line]
        processor = named[0] if named else processor
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return f"Python {platform.python_version()}, {processor}, {os.cpu_count()} cores, {memory:.0f} GiB"
