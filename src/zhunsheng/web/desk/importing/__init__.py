"""Registers come in: a file is checked row by row, shown, then loaded whole, without its bad rows, or not at all.

A room above the desk brings what it knows as an `ImportKind` and registers it in AppConfig.ready(). The desk knows files,
mappings, groups, duplicates within a file, runs and transactions; the kind knows its columns, its rules and its writer.
"""

from zhunsheng.web.desk.importing.kinds import (
    ImportColumn,
    Importer,
    ImportKind,
    Item,
    Problem,
    Row,
    Verdict,
    find_kind,
    kinds_for,
    register,
)

__all__ = [
    "ImportColumn",
    "ImportKind",
    "Importer",
    "Item",
    "Problem",
    "Row",
    "Verdict",
    "find_kind",
    "kinds_for",
    "register",
]
