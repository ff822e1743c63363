"""The two engines that run the SQL of this package: DuckDB by default, Apache Spark where it is installed.

The files in `sql/` are written once. What they may use is the part in which both engines agree to the byte:

- `||`, never `concat`: the one gives NULL for NULL in both, the other only in Spark;
- `sha2(text, 256)`: lower-case hexadecimal of the SHA-256 of the UTF-8 bytes (for DuckDB a macro over `sha256`);
- `conv(hex, 16, 10)`: an unsigned 64-bit number as decimal text (for DuckDB a macro);
- whole numbers and DECIMAL(p, 0) of at most 38 digits, no floating point, no `hash()`, no `random()`;
- text compared by its UTF-8 bytes, the default of both; every ORDER BY of a window ends in something unique.

Values (the seed, the numbers to draw) come in as small tables, never glued into the text of a query.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Row = tuple[Any, ...]
Columns = Sequence[tuple[str, str]]

_BATCH = 10_000


def sql(name: str) -> str:
    """The text of the named file in `sql/`."""
    return (resources.files(__package__) / "sql" / f"{name}.sql").read_text(encoding="utf-8")


class Engine(Protocol):
    """What the questions of this package need of a database engine."""

    def table(self, name: str, columns: Columns, rows: Iterable[Row]) -> None:
        """A small table from values. columns: (name, SQL type)."""

    def parquet(self, name: str, paths: Sequence[Path]) -> None:
        """A view of Parquet files, read as they are needed and never loaded whole."""

    def view(self, name: str, text: str) -> None:
        """A view of a query."""

    def rows(self, text: str) -> Iterator[Row]:
        """The answer to a query, a few rows at a time."""


class DuckDB:
    """DuckDB in this process.

    memory: what it may hold, for example "1GB"; what does not fit goes to `spill`, a folder on a disk with room.
    threads: 0 = as many as there are cores. Nothing is installed or loaded from outside.
    """

    def __init__(self, *, memory: str = "1GB", spill: Path | None = None, threads: int = 0) -> None:
        import duckdb

        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": memory,
            "preserve_insertion_order": "false",  # else a scan keeps rows back to give them out in order
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }
        if spill is not None:
            config["temp_directory"] = str(spill)
        if threads:
            config["threads"] = str(threads)
        self._database = duckdb.connect(":memory:", config=config)
        self._database.execute("CREATE MACRO sha2(content, bits) AS sha256(content)")
        self._database.execute(
            "CREATE MACRO conv(digits, source, target) AS CAST(CAST('0x' || digits AS UBIGINT) AS VARCHAR)"
        )

    def table(self, name: str, columns: Columns, rows: Iterable[Row]) -> None:
        described = ", ".join(f"{column} {kind}" for column, kind in columns)
        self._database.execute(f"CREATE OR REPLACE TABLE {name} ({described})")
        filled = [*rows]
        if filled:
            gaps = ", ".join("?" for _ in columns)
            self._database.executemany(f"INSERT INTO {name} VALUES ({gaps})", filled)  # noqa: S608 (a name of ours)

    def parquet(self, name: str, paths: Sequence[Path]) -> None:
        # A view cannot hold a parameter; a path is quoted as SQL quotes text.
        listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
        self.view(name, f"SELECT * FROM read_parquet([{listed}])")  # noqa: S608

    def view(self, name: str, text: str) -> None:
        self._database.execute(f"CREATE OR REPLACE VIEW {name} AS {text}")

    def rows(self, text: str) -> Iterator[Row]:
        cursor = self._database.cursor()  # one of its own: an open answer does not survive the next query
        try:
            cursor.execute(text)
            while some := cursor.fetchmany(_BATCH):
                yield from some
        finally:
            cursor.close()

    def write(self, text: str, path: Path) -> None:
        """The answer to a query as a Parquet file, streamed."""
        quoted = str(path).replace("'", "''")
        self._database.execute(f"COPY ({text}) TO '{quoted}' (FORMAT parquet)")

    def close(self) -> None:
        """Gives back memory and spilled files."""
        self._database.close()

    def __enter__(self) -> DuckDB:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Spark:
    """Apache Spark, through a session that the caller has opened and will stop."""

    def __init__(self, session: SparkSession) -> None:
        self._session = session

    def table(self, name: str, columns: Columns, rows: Iterable[Row]) -> None:
        described = ", ".join(f"{column} {'STRING' if kind == 'VARCHAR' else kind}" for column, kind in columns)
        self._session.createDataFrame([*rows], described).createOrReplaceTempView(name)

    def parquet(self, name: str, paths: Sequence[Path]) -> None:
        self._session.read.parquet(*map(str, paths)).createOrReplaceTempView(name)

    def view(self, name: str, text: str) -> None:
        self._session.sql(text).createOrReplaceTempView(name)

    def rows(self, text: str) -> Iterator[Row]:
        yield from map(tuple, self._session.sql(text).toLocalIterator())
