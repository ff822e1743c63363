"""Triggers by which the database itself refuses to change or delete an entry or a checkpoint of the public log.

They stop mistakes and programs with an ordinary connection. Whoever owns the database can take them away: against the
owner help copies, witnesses and time-stamps (docs/rules/public-log.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

ENTRY, CHECKPOINT = "public_log_logentry", "public_log_checkpoint"
_ENTRY_COLUMNS = ("id", "at", "kind", "subject", "body", "leaf_hash", "act_id")
_SAYS = "public log: entries and checkpoints are never changed or deleted"


def _numbered_only(same: str) -> str:
    """The one change that is let through: a number for an entry that has none, all else as it is."""
    kept = " AND ".join(f'NEW."{name}" {same} OLD."{name}"' for name in _ENTRY_COLUMNS)
    return f'OLD."index" IS NULL AND NEW."index" IS NOT NULL AND {kept}'


_SQLITE = {
    "public_log_keep_entry": f"""CREATE TRIGGER public_log_keep_entry BEFORE UPDATE ON {ENTRY}
        WHEN NOT ({_numbered_only("IS")}) BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END""",
    "public_log_hold_entry": f"""CREATE TRIGGER public_log_hold_entry BEFORE DELETE ON {ENTRY}
        BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END""",
    "public_log_keep_checkpoint": f"""CREATE TRIGGER public_log_keep_checkpoint BEFORE UPDATE ON {CHECKPOINT}
        BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END""",
    "public_log_hold_checkpoint": f"""CREATE TRIGGER public_log_hold_checkpoint BEFORE DELETE ON {CHECKPOINT}
        BEGIN SELECT RAISE(ABORT, '{_SAYS}'); END""",
}
_FUNCTION = f"""CREATE OR REPLACE FUNCTION public_log_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{_SAYS}'; END $$"""
_POSTGRESQL = {
    "public_log_keep_entry": f"""CREATE TRIGGER public_log_keep_entry BEFORE UPDATE ON {ENTRY} FOR EACH ROW
        WHEN (NOT ({_numbered_only("IS NOT DISTINCT FROM")})) EXECUTE FUNCTION public_log_refuse()""",
    "public_log_hold_entry": f"""CREATE TRIGGER public_log_hold_entry BEFORE DELETE ON {ENTRY} FOR EACH ROW
        EXECUTE FUNCTION public_log_refuse()""",
    "public_log_keep_checkpoint": f"""CREATE TRIGGER public_log_keep_checkpoint BEFORE UPDATE ON {CHECKPOINT}
        FOR EACH ROW EXECUTE FUNCTION public_log_refuse()""",
    "public_log_hold_checkpoint": f"""CREATE TRIGGER public_log_hold_checkpoint BEFORE DELETE ON {CHECKPOINT}
        FOR EACH ROW EXECUTE FUNCTION public_log_refuse()""",
}


def _wanted() -> dict[str, str]:
    return _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE


def missing() -> list[str]:
    """The names of the triggers that are not there."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = ANY(ARRAY[to_regclass(%s), to_regclass(%s)]) "
                "AND NOT tgisinternal AND tgenabled <> 'D'",
                [ENTRY, CHECKPOINT],
            )
        else:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN (%s, %s)", [ENTRY, CHECKPOINT]
            )
        there = {name for (name,) in cursor.fetchall()}
    return [name for name in _wanted() if name not in there]


def install(**_signal: Any) -> None:
    """Makes the triggers that are missing. After every migration: SQLite loses them when it makes a table anew."""
    tables = set(connection.introspection.table_names())
    if not {ENTRY, CHECKPOINT} <= tables:
        return
    names = missing()
    if not names:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for name in names:
            cursor.execute(_wanted()[name])


def remove() -> None:
    """Takes the triggers away."""
    with connection.cursor() as cursor:
        for name in _wanted():
            table = ENTRY if name.endswith("entry") else CHECKPOINT
            where = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{where}")


@contextmanager
def removed() -> Iterator[None]:
    """Without the triggers for a while: for whoever throws a whole database of a demo or a test away."""
    remove()
    try:
        yield
    finally:
        install()
