"""What an act changed, as the trail keeps it: {field: [old, new]}, plain values only."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model


def plain(value: Any) -> Any:
    """A value as JSON: dates in ISO form, a row by the key that people know it by."""
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    if isinstance(value, Model):
        return getattr(value, "code", None) or value.pk
    return value


def changed(row: Model, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The fields of `values` that differ from the row."""
    found = {}
    for name, new in values.items():
        old = getattr(row, name)
        if old != new:
            found[name] = [plain(old), plain(new)]
    return found


def first(row: Model, names: Iterable[str]) -> dict[str, list[Any]]:
    """The filled fields of a new row."""
    found = {}
    for name in names:
        value = getattr(row, name)
        if value is not None and value != "":
            found[name] = [None, value if type(value) is str else plain(value)]
    return found
