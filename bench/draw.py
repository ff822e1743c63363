"""The draw over a large frame, beside the bare hashing of the same bytes (the limit) and beside peers that nobody can check."""

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256

import numpy as np

from bench.harness import Contestant, race
from zhunsheng.engine.draw import Frame, freeze, select

SEED = "b108e9c2ad2bb24fb7b97d1a5b9d6e039cb5d63489bf164edfea4c02e4b3122b"
KEY = "5a" * 32


def leaves(units: int) -> list[dict[str, str]]:
    """Entities in four strata by risk class, with an industry and a division, as a register gives them."""
    return [
        {
            "id": f"demo:{number:08d}",
            "stratum": "ABCD"[number % 4],
            "industry": f"F{5110 + number % 80}",
            "division": f"4108{number % 11:02d}",
        }
        for number in range(units)
    ]


def numbers(frame: Frame, total: int) -> dict[str, int]:
    return {stratum: total * len(ids) // frame.size for stratum, ids in frame.strata.items()}


def r_of(code: str, package: str = "") -> tuple[Callable[[], object], str] | None:
    """R code that prints its own seconds, and R's version; None where R or the package is not installed."""
    program = shutil.which("Rscript")
    if program is None:
        return None
    asked = (
        f'cat(as.character(getRversion())); if (nzchar("{package}")) cat("", as.character(packageVersion("{package}")))'
    )
    said = subprocess.run([program, "-e", asked], capture_output=True, text=True, check=False)
    if said.returncode:
        return None
    version, _, of_package = said.stdout.partition(" ")

    def run() -> object:
        done = subprocess.run([program, "-e", code], capture_output=True, text=True, check=True)
        return done.stdout.split()[-1]

    return run, f"R {version}" + (f", {package} {of_package}" if package else "")


def equal(units: int, *, seal_key: str = "") -> None:
    frame = freeze(leaves(units), seal_key=seal_key)
    n = numbers(frame, units // 100)
    names = [one.tag for one in frame.sealed] if seal_key else [unit for ids in frame.strata.values() for unit in ids]
    messages = [f"{SEED}|target|{name}".encode() for name in names]
    ids = {stratum: list(units) for stratum, units in frame.strata.items()}

    def verifiable() -> object:
        return select(frame, SEED, n)

    def sample() -> object:
        rng = random.Random(SEED)
        return [sorted(rng.sample(units, n[stratum])) for stratum, units in ids.items()]

    def permutation() -> object:
        rng = np.random.default_rng(1)
        return [rng.permutation(len(units))[: n[stratum]] for stratum, units in ids.items()]

    def hashing() -> object:
        for message in messages:
            sha256(message).digest()
        return len(messages)

    drawn = verifiable()
    assert isinstance(drawn, tuple) and len(drawn) == sum(n.values())
    by_hand = sorted(sha256(message).hexdigest() for message in messages)
    assert {unit.ticket for unit in drawn} <= set(by_hand)
    contestants = [Contestant(f"zhunsheng select, {'sealed' if seal_key else 'open'}", verifiable)]
    if not seal_key:
        contestants += [
            Contestant("random.sample (not verifiable)", sample),
            Contestant("permutation (not verifiable)", permutation, f"numpy {np.__version__}"),
        ]
        r = r_of(
            f"t <- system.time(for (s in 1:4) sample.int({units // 4}, {units // 400}, useHash = FALSE))[['elapsed']]; cat(t)"
        )
        if r is not None:
            contestants.append(Contestant("sample.int (not verifiable)", r[0], r[1], own_clock=True))
    contestants.append(Contestant("bare SHA-256 of the same bytes (limit)", hashing))
    race(
        f"Draw 抽取: 1 % of the frame, four strata, {'sealed' if seal_key else 'open'}",
        contestants,
        amount=f"{units:,} units",
    )


def unequal(units: int) -> None:
    """Pareto πps of a tenth of the units, sizes spread over three orders of magnitude."""
    n = units // 10
    sizes = [1 + number * 7919 % 1000 for number in range(units)]
    frame = freeze(
        ({"id": f"demo:{number:08d}", "stratum": "A", "size": size} for number, size in enumerate(sizes)),
        pareto={"A": n},
    )
    messages = [f"{SEED}|target|{unit}".encode() for unit in frame.strata["A"]]

    def hashing() -> object:
        for message in messages:
            sha256(message).digest()
        return len(messages)

    assert len(select(frame, SEED, {"A": n})) == n
    contestants = [Contestant("zhunsheng select, Pareto (verifiable, integers)", lambda: select(frame, SEED, {"A": n}))]
    r = r_of(
        f"suppressMessages(library(sampling)); x <- 1 + ((0:{units - 1}) * 7919) %% 1000; p <- inclusionprobabilities(x, {n}); "
        "t <- system.time(UPpivotal(p))[['elapsed']]; cat(t)",
        "sampling",
    )
    if r is None:
        print("\n  no R with the package sampling here: UPpivotal not run")
    else:
        contestants.append(Contestant("UPpivotal (not verifiable)", r[0], r[1], own_clock=True))
    contestants.append(Contestant("bare SHA-256 of the same bytes (limit)", hashing))
    race("Draw 抽取: unequal probabilities, a tenth of the units", contestants, amount=f"{units:,} units")


def freezing(units: int) -> None:
    given = leaves(units)
    frame = freeze(given)

    def hashing() -> object:
        for line in frame.leaves:
            sha256(b"\0" + line).digest()
        return frame.size

    def dumping() -> object:
        return sum(len(json.dumps(leaf, sort_keys=True, separators=(",", ":"), ensure_ascii=False)) for leaf in given)

    race(
        "Freeze 冻结: check ids, canonical lines, Merkle root",
        [
            Contestant("zhunsheng freeze, open", lambda: freeze(given)),
            Contestant("zhunsheng freeze, sealed", lambda: freeze(given, seal_key=KEY)),
            Contestant("json.dumps of the same units, no check, no hash", dumping),
            Contestant("bare SHA-256 of the same lines (limit)", hashing),
        ],
        amount=f"{units:,} units",
    )


def run(units: int) -> None:
    equal(units)
    equal(units, seal_key=KEY)
    unequal(max(units // 10, 10_000))
    freezing(units)
