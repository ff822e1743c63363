"""The index inside the database, kept by the database itself: it follows every change of the table of entries.

SQLite: an FTS5 table over the column `words` (tokenizer ascii: cuts at spaces, leaves Chinese alone; detail=none: which
word stands in which entry, and nothing else), fed by triggers. PostgreSQL: a GIN index over the same words as a tsvector
without positions. Both are asked for all of some words and for beginnings of words, nothing else: what the two
understand differently (phrases, ranking, their cutting of Chinese) is not used.
"""

from django.db import connection
from django.db.models import BooleanField, F, Func, Value

from zhunsheng.web.desk.searching.words import Wanted

TABLE, INDEX = "desk_searchentry", "desk_search_words"
_VECTOR = "array_to_tsvector(string_to_array(words, ' '))"
_INSERT = f"INSERT INTO {INDEX}(rowid, words) VALUES (NEW.id, NEW.words);"  # noqa: S608 - names only
_DELETE = f"INSERT INTO {INDEX}({INDEX}, rowid, words) VALUES ('delete', OLD.id, OLD.words);"  # noqa: S608 - names only
_SQLITE = {
    INDEX: f"""CREATE VIRTUAL TABLE {INDEX} USING fts5(
        words, content='{TABLE}', content_rowid='id', tokenize='ascii', detail='none', columnsize=0)""",
    f"{INDEX}_added": f"CREATE TRIGGER {INDEX}_added AFTER INSERT ON {TABLE} BEGIN {_INSERT} END",
    f"{INDEX}_removed": f"CREATE TRIGGER {INDEX}_removed AFTER DELETE ON {TABLE} BEGIN {_DELETE} END",
    f"{INDEX}_changed": f"""CREATE TRIGGER {INDEX}_changed AFTER UPDATE OF id, words ON {TABLE}
        BEGIN {_DELETE} {_INSERT} END""",
}
_POSTGRESQL = {INDEX: f"CREATE INDEX {INDEX} ON {TABLE} USING gin ({_VECTOR})"}


def missing() -> list[str]:
    """The names of what the index consists of and is not there."""
    wanted = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT relname FROM pg_class WHERE relname = ANY(%s)", [list(wanted)])
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'trigger')")
        there = {name for (name,) in cursor.fetchall()}
    return [name for name in wanted if name not in there]


def ensure() -> None:
    """Makes what is missing and fills it from the table of entries. Again is harmless."""
    wanted = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    absent = missing()
    with connection.cursor() as cursor:
        for name in absent:
            cursor.execute(wanted[name])
        if absent and connection.vendor == "sqlite":
            cursor.execute(f"INSERT INTO {INDEX}({INDEX}) VALUES ('rebuild')")  # noqa: S608 - names only


def remove() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"DROP INDEX IF EXISTS {INDEX}")
            return
        for name in _SQLITE:
            cursor.execute(f"DROP {'TABLE' if name == INDEX else 'TRIGGER'} IF EXISTS {name}")


def containing(wanted: Wanted) -> Func:
    """The condition on entries that the words of a query are among theirs. Raises ValueError for a query without a word.

    What reaches the index are letters and digits, each word in quotes: nothing of what was typed is a command to it.
    """
    if not wanted:
        raise ValueError("a query without a word")
    if connection.vendor == "postgresql":
        asked = [f"'{word}'" for word in wanted.whole] + [f"'{word}':*" for word in wanted.begun]
        return _InVector(F("words"), Value(" & ".join(asked)))
    asked = [f'"{word}"' for word in wanted.whole] + [f'"{word}"*' for word in wanted.begun]
    return _InIndex(F("pk"), Value(" AND ".join(asked)))


class _InVector(Func):
    template = "(array_to_tsvector(string_to_array(%(expressions)s::tsquery)"
    arg_joiner = ", ' ')) @@ "
    output_field = BooleanField()


class _InIndex(Func):
    template = "(%(expressions)s))"
    arg_joiner = f" IN (SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH "  # noqa: S608 - names only
    output_field = BooleanField()
