"""Divisions and parks of a city, from the engine's dated tables."""

import datetime
from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _

from zhunsheng.engine import tables
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record
from zhunsheng.web.registry.models import Division, Park

_LEVELS = ("city", "county", "township")


def load_city(city: str, *, by: "User | None", at: datetime.datetime) -> dict[str, int]:
    """Loads `cities/<city>/divisions` and `parks`. Returns how many rows of each are new or changed.

    Again is harmless: rows follow the tables, what is unchanged is left alone, nothing is removed (entities point to it).
    Raises TableError when a table is missing or damaged, Refused when a row names a division that is not there.
    """
    count = {"divisions": 0, "parks": 0}
    rows = tables.load(f"cities/{city}/divisions").rows
    codes = {row["code"] for row in rows}
    with transaction.atomic():
        for row in sorted(rows, key=lambda row: _LEVELS.index(row["level"]) if row["level"] in _LEVELS else 9):
            parent = row.get("parent", "")
            if row["level"] not in _LEVELS or (parent and parent not in codes):
                raise Refused(
                    _("%(table)s 第 %(line)s 行：级别“%(level)s”或上级“%(parent)s”不对")
                    % {"table": row.table, "line": row.line, "level": row["level"], "parent": parent}
                )
            values: dict[str, Any] = {
                "level": row["level"],
                "parent_id": parent or None,
                "system": row.get("system", "") or "gbt2260",
                "grid_x": row.integer("grid_x") if row.get("grid_x") else None,
                "grid_y": row.integer("grid_y") if row.get("grid_y") else None,
            }
            count["divisions"] += _follow(Division, row, values)
        for row in tables.load(f"cities/{city}/parks").rows:
            division = row.get("division", "")
            if division and division not in codes:
                raise Refused(
                    _("%(table)s 第 %(line)s 行：没有代码为 %(code)s 的区划")
                    % {"table": row.table, "line": row.line, "code": division}
                )
            count["parks"] += _follow(Park, row, {"kind": row["kind"], "division_id": division or None})
        if any(count.values()):
            record("load_city", "city", city, by=by, at=at, changes=dict(count))
    return count


def _follow(model: type[models.Model], row: tables.Row, values: dict[str, Any]) -> int:
    """Makes the record of this code as the row says. 1 where something was new or changed."""
    wanted = {
        **values,
        "name": row["name"], "name_en": row.get("name_en", ""), "source": row.source, "confidence": row.confidence,
        "valid_from": row.valid_from, "valid_to": row.valid_to,
    }  # fmt: skip
    found = model._default_manager.filter(code=row["code"]).first()
    if found is None:
        model._default_manager.create(code=row["code"], **wanted)
        return 1
    if all(getattr(found, name) == value for name, value in wanted.items()):
        return 0
    for name, value in wanted.items():
        setattr(found, name, value)
    found.save()
    return 1
