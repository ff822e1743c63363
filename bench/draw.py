"""The draw over a large frame, beside the bare hashing of the same bytes (the limit) and beside peers that nobody can check.

Seconds are those of the processor: everything here computes, in one thread.
"""

import json
import mmap
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np

from bench.harness import Contestant, apart, most_memory, race
from zhunsheng.engine.draw import Frame, Source, Value, announcement, bundle, execute, freeze, select, verify
from zhunsheng.engine.public_log import canonical

SEED = "b108e9c2ad2bb24fb7b97d1a5b9d6e039cb5d63489bf164edfea4c02e4b3122b"
KEY = "5a" * 32
NO = "bench-2026-001"


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
    """R code that prints its own seconds of the processor, and R's version; None where R or the package is not installed."""
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
    frame = freeze(leaves(units), seal_key=seal_key, draw=NO)
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
            f"t <- system.time(for (s in 1:4) sample.int({units // 4}, {units // 400}, useHash = FALSE))[c('user.self', 'sys.self')]; cat(sum(t))"
        )
        if r is not None:
            contestants.append(Contestant("sample.int (not verifiable)", r[0], r[1], own_clock=True))
    contestants.append(Contestant("bare SHA-256 of the same bytes (limit)", hashing))
    race(
        f"Draw 抽取: 1 % of the frame, four strata, {'sealed' if seal_key else 'open'}",
        contestants,
        clock=time.process_time,
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
    contestants = [
        Contestant("zhunsheng select, Pareto (verifiable, integers)", lambda: select(frame, SEED, {"A": n})),
        Contestant("bare SHA-256 of the same bytes (limit)", hashing),
    ]
    r = r_of(
        f"suppressMessages(library(sampling)); x <- 1 + ((0:{units - 1}) * 7919) %% 1000; p <- inclusionprobabilities(x, {n}); "
        "t <- system.time(UPpivotal(p))[c('user.self', 'sys.self')]; cat(sum(t))",
        "sampling",
    )
    if r is None:
        print("\n  no R with the package sampling here: UPpivotal not run")
    else:
        contestants.append(Contestant("UPpivotal (not verifiable)", r[0], r[1], own_clock=True))
    race(
        "Draw 抽取: unequal probabilities, a tenth of the units",
        contestants,
        clock=time.process_time,
        amount=f"{units:,} units",
    )


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
            Contestant("zhunsheng freeze, sealed", lambda: freeze(given, seal_key=KEY, draw=NO)),
            Contestant("json.dumps of the same units, no check, no hash", dumping),
            Contestant("bare SHA-256 of the same lines (limit)", hashing),
        ],
        clock=time.process_time,
        amount=f"{units:,} units",
    )


ANNOUNCED = datetime(2026, 4, 20, 1, 0, tzinfo=UTC)
LOTTERIES = (
    (Source("lottery:ssq", {"issue": "2026044"}), "03-11-15-22-28-31+07"),
    (Source("lottery:dlt", {"issue": "26043"}), "02-09-17-25-33+04-11"),
)


def published(path: Path, units: int, *, seal_key: str = "") -> None:
    """A whole bundle as it is published after the draw (a sealed one: after its opening)."""
    frame = freeze(leaves(units), seal_key=seal_key, draw=NO)
    n = numbers(frame, units // 100)
    drawn_at = ANNOUNCED + timedelta(hours=36)
    announced = announcement(
        draw=NO, frame=frame, n=n, sources=[source for source, _ in LOTTERIES], announced_at=ANNOUNCED,
        not_before=ANNOUNCED + timedelta(hours=24), open_by=date(2026, 5, 20) if seal_key else None,
    )  # fmt: skip
    execution = execute(announced, [Value(source.id, value, drawn_at) for source, value in LOTTERIES])
    made = bundle(
        announcement=announced, frame=frame, execution=execution, selection=select(frame, execution.seed, n),
        opened_at=drawn_at + timedelta(days=10) if seal_key else None,
    )  # fmt: skip
    path.write_bytes(canonical(made))


def check(path: Path) -> bool:
    """The check as the command line does it: of a file mapped into memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return verify(data).ok


def verifying(units: int, folder: Path) -> None:
    for mode, key in (("open", ""), ("sealed, opened", KEY)):
        path = folder / f"bundle-{mode.split(',')[0]}.json"
        published(path, units, seal_key=key)
        lines = [line.encode() for line in json.loads(path.read_bytes())["open"]["leaves"]]

        def hashing(lines: list[bytes] = lines) -> object:
            """A leaf hash and a ticket for every unit, were everything else free."""
            for line in lines:
                sha256(b"\0" + line).digest()
                sha256(line).digest()
            return len(lines)

        def parsed(path: Path) -> int:
            return len(json.loads(path.read_bytes()))

        assert check(path)
        race(
            f"Verify 核验: every line, id, hash, ticket of a bundle, {mode}",
            [
                Contestant("zhunsheng verify", partial(check, path)),
                Contestant("json.loads of the same file, no check", partial(parsed, path)),
                Contestant("bare SHA-256, two a line (limit)", hashing),
            ],
            clock=time.process_time,
            amount=f"{units:,} units, {path.stat().st_size / 1e6:.0f} MB",
        )
        del lines, hashing
        seconds, mib = apart([sys.executable, "-m", "bench.draw", str(path)]).split()
        print(f"  alone in a process of its own: {float(seconds):.2f} s, at most {mib} MiB of memory")


def run(units: int, folder: Path) -> None:
    equal(units)
    equal(units, seal_key=KEY)
    unequal(max(units // 10, 10_000))
    freezing(units)
    verifying(units, folder)


if __name__ == "__main__":
    start = time.process_time()
    assert check(Path(sys.argv[1]))
    print(time.process_time() - start, most_memory())
