"""The draw over a very large frame: Parquet, bounded memory, DuckDB and Spark, and the same bytes as Python's.

    python -m bench scale                       two million units: engine, DuckDB, and Spark where it is installed
    python -m bench scale --units 100000000     the large run; needs about 1 GB of disk, and half an hour with the check

Every selection is written as one canonical line a unit, in order, and the SHA-256 of those lines is compared. Each
contestant runs in a process of its own, whose largest memory is what the system says it was.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench.harness import apart, machine, most_memory
from zhunsheng.analytics.draw import select
from zhunsheng.analytics.engines import DuckDB, Engine, Spark
from zhunsheng.engine.draw import Selected, allocate, freeze
from zhunsheng.engine.draw import select as engine_select
from zhunsheng.engine.public_log import canonical

SEED = "b108e9c2ad2bb24fb7b97d1a5b9d6e039cb5d63489bf164edfea4c02e4b3122b"
MEMORY = "1GB"
FILE = 10_000_000  # units a Parquet file
RATIO = {"A": Fraction(1, 100), "B": Fraction(3, 100), "C": Fraction(6, 100), "D": Fraction(30, 100)}

#: Unit i has an id as long as a 统一社会信用代码 with its scheme, in no order that would compress well (the factor has none
#: of ten's primes, so no id comes twice); 60, 25, 12 and 3 of a hundred are in class A, B, C, D; eleven
#: divisions. Nothing else is in the row.
_UNITS = """
SELECT
    printf('demo:%018d', CAST(CAST(i AS HUGEINT) * 636413622384679301 % 1000000000000000000 AS BIGINT)) AS id,
    CAST(NULL AS VARCHAR) AS tag,
    CASE WHEN i * 37 % 100 < 60 THEN 'A' WHEN i * 37 % 100 < 85 THEN 'B' WHEN i * 37 % 100 < 97 THEN 'C' ELSE 'D' END
        || '-' || printf('%02d', i % 11) AS stratum,
    CAST(NULL AS INTEGER) AS share
FROM range({first}, {last}) AS numbers(i)
"""


def generate(folder: Path, units: int) -> None:
    """The frame as Parquet files, streamed: no more than a row group is in memory."""
    with DuckDB(memory=MEMORY, spill=folder / "spill") as database:
        for number, first in enumerate(range(0, units, FILE)):
            query = _UNITS.format(first=first, last=min(first + FILE, units))
            database.write(query, folder / f"units-{number:03d}.parquet")


def numbers(engine: Engine) -> tuple[dict[str, int], dict[str, int]]:
    """N of each stratum, and n: by the ratio of its class."""
    sizes = {row[0]: int(row[1]) for row in engine.rows("SELECT stratum, count(*) FROM unit GROUP BY stratum")}
    return sizes, allocate(sizes, {stratum: RATIO[stratum[0]] for stratum in sizes})


def fingerprint(units: Iterable[Selected]) -> tuple[int, str]:
    """How many, and the SHA-256 of their canonical lines."""
    state, count = sha256(), 0
    for unit in units:
        state.update(canonical(unit.as_json()) + b"\n")
        count += 1
    return count, state.hexdigest()


@contextmanager
def spark() -> Iterator[Engine]:
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master(f"local[{os.cpu_count()}]")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", "3g")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "8")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield Spark(session)
    finally:
        session.stop()


def by_sql(engine: Engine, paths: list[Path]) -> tuple[int, str]:
    engine.parquet("unit", paths)
    sizes, n = numbers(engine)
    return fingerprint(select(engine, SEED, sizes, n))


def by_engine(paths: list[Path]) -> tuple[int, str]:
    """The engine itself on the frozen frame, all in memory."""
    with DuckDB(memory=MEMORY) as database:
        database.parquet("unit", paths)
        _, n = numbers(database)
        frame = freeze({"id": row[0], "stratum": row[1]} for row in database.rows("SELECT id, stratum FROM unit"))
    return fingerprint(engine_select(frame, SEED, n))


def by_hand(paths: list[Path]) -> tuple[int, str]:
    """A plain loop over the rows with hashlib, for a frame too large for the engine; it shares no SQL of the draw."""
    with DuckDB(memory=MEMORY) as database:
        database.parquet("unit", paths)
        sizes, n = numbers(database)
        start = sha256(f"{SEED}|target|".encode()).copy
        far = {stratum: (2**256 * min(n[stratum] * 2 + 100, size) // size - 1) for stratum, size in sizes.items()}
        bound = {stratum: highest.to_bytes(32, "big") for stratum, highest in far.items()}
        kept: dict[str, list[tuple[bytes, str]]] = {stratum: [] for stratum in sorted(sizes)}
        for unit_id, stratum in database.rows("SELECT id, stratum FROM unit"):
            state = start()
            state.update(unit_id.encode())
            digest = state.digest()
            if digest <= bound[stratum]:
                kept[stratum].append((digest, unit_id))

    def chosen() -> Iterator[Selected]:
        for stratum, some in kept.items():
            some.sort()
            assert len(some) >= n[stratum]
            for rank, (digest, unit_id) in enumerate(some[: n[stratum]], 1):
                yield Selected(unit_id, stratum, digest.hex(), rank, Fraction(n[stratum], sizes[stratum]))

    return fingerprint(chosen())


def child(what: str, folder: Path, units: int) -> None:
    """One contestant, in its own process: prints what it found as JSON, with its largest memory (of Spark: without its Java)."""
    paths = sorted(folder.glob("units-*.parquet"))
    start = time.perf_counter()
    found: tuple[int, str] = (0, "")
    if what == "generate":
        generate(folder, units)
    elif what == "duckdb":
        with DuckDB(memory=MEMORY, spill=folder / "spill") as database:
            found = by_sql(database, paths)
    elif what == "spark":
        with spark() as engine:
            start = time.perf_counter()  # without the start of the session
            found = by_sql(engine, paths)
    else:
        found = {"engine": by_engine, "hand": by_hand}[what](paths)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "count": found[0], "sha256": found[1], "mib": most_memory()}))


def measured(what: str, folder: Path, units: int) -> dict[str, Any]:
    """`child` in a process of its own."""
    words = [sys.executable, "-m", "bench.scale", what, str(folder), str(units)]
    found: dict[str, Any] = json.loads(apart(words, quiet=what == "spark"))
    return found


def run(units: int, folder: Path | None = None) -> None:
    """Draws from `units` synthetic units by every way that is there, and fails unless all give the same bytes."""
    print(
        f"\nScale 规模  ({units:,} units in {len(RATIO) * 11} strata; {machine()}; memory of DuckDB limited to {MEMORY})"
    )
    ways = ["duckdb", "hand" if units > 5_000_000 else "engine"]
    try:
        import pyspark

        ways.append("spark")
        print(
            f"  Spark {pyspark.__version__} in local mode, its Java (up to 3 GiB of heap) not in the figure of memory"
        )
    except ImportError:
        print("  no Spark here (pip install 'zhunsheng[spark]'): not run")
    with tempfile.TemporaryDirectory(prefix="zhunsheng-scale-", dir=folder) as made:
        place = Path(made)
        written = measured("generate", place, units)
        size = sum(path.stat().st_size for path in place.glob("units-*.parquet"))
        print(
            f"  {'written as Parquet':<28}{written['seconds']:>9.1f} s {written['mib']:>7,} MiB   {size / 1e6:,.0f} MB on disk"
        )
        found = {}
        for way in ways:
            answer = found[way] = measured(way, place, units)
            print(
                f"  {way:<28}{answer['seconds']:>9.1f} s {answer['mib']:>7,} MiB   {answer['count']:,} drawn, sha256 {answer['sha256']}"
            )
    if len({(one["count"], one["sha256"]) for one in found.values()}) != 1:
        raise SystemExit("the selections differ")
    print(f"  the same bytes from all of: {', '.join(found)}")


if __name__ == "__main__":
    child(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
