"""一单 and 检查结果用语: loaded from the dated tables, changed only by new versions."""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.engine import tables
from zhunsheng.web.common.city import CITIES
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.inspection import policy
from zhunsheng.web.inspection.models import CheckItem, ResultWording
from zhunsheng.web.people.models import Office, ProductClass, User
from zhunsheng.web.public_log.actions import record

Versioned = TypeVar("Versioned", CheckItem, ResultWording)

ITEM_FIELDS = (
    "name",
    "name_en",
    "category",
    "office",
    "object_type",
    "content",
    "method",
    "legal_basis",
    "level",
    "kind",
    "ratio_min",
    "ratio_max",
    "frequency_max_per_year",
    "product_class",
    "link",
    "speciality",
    "applies_to",
    "source",
    "confidence",
)
WORDING_FIELDS = ("name", "name_en", "estimation_role", "needs_followup", "order", "source", "confidence")


def load_tables(city: str = "", *, by: User | None, at: datetime.datetime) -> int:
    """Loads the check items and result wordings of a city (a folder under engine/data/cities; '' for the packaged ones).

    Only versions that are not there yet are added: what the office has edited since stays. Returns how many were added.
    `by` is None when the house is set up. Raises Refused naming offices and product classes that are missing.
    """
    if by is not None and not policy.may_edit_tables(by):
        raise NotAllowed(_("只有质强办可以装入事项清单和结果用语。"))
    root: Path | None = CITIES / city if city else None
    offices = dict(Office.objects.values_list("code", "pk"))
    classes = dict(ProductClass.objects.values_list("code", "pk"))
    rows = tables.load("inspection/check_items", root).rows
    lacking = sorted({row["office_code"] for row in rows} - offices.keys())
    if lacking:
        raise Refused(_("事项清单中的机构尚未建立：%(codes)s。请先装入机构表。") % {"codes": _("、").join(lacking)})
    lacking = sorted({row["product_class"] for row in rows if row["product_class"]} - classes.keys())
    if lacking:
        raise Refused(
            _("事项清单中的产品类别尚未建立：%(codes)s。请先装入产品类别表。") % {"codes": _("、").join(lacking)}
        )
    with transaction.atomic():
        known = set(CheckItem.objects.values_list("code", "valid_from"))
        items = [_item(row, offices, classes) for row in rows if (row["code"], row.valid_from) not in known]
        said = set(ResultWording.objects.values_list("code", "valid_from"))
        wordings = [
            ResultWording(
                code=row["code"],
                name=row["name"],
                name_en=row["name_en"],
                estimation_role=row["estimation_role"],
                needs_followup=row["needs_followup"],
                order=row.integer("order"),
                source=row.source[:300],
                confidence=row.confidence,
                valid_from=row.valid_from,
                valid_to=row.valid_to,
            )
            for row in tables.load("inspection/result_wordings", root).rows
            if (row["code"], row.valid_from) not in said
        ]
        if not items and not wordings:
            return 0
        CheckItem.objects.bulk_create(items)
        ResultWording.objects.bulk_create(wordings)
        record(
            "inspection.load_tables",
            "table",
            "inspection",
            by=by,
            at=at,
            rule="inspection/check_items, inspection/result_wordings",
            changes={"items": len(items), "wordings": len(wordings)},
            public={"items": [item.code for item in items], "wordings": [one.code for one in wordings]},
        )
    return len(items) + len(wordings)


def _item(row: tables.Row, offices: Mapping[str, int], classes: Mapping[str, int]) -> CheckItem:
    return CheckItem(
        code=row["code"],
        name=row["name"],
        name_en=row["name_en"],
        category=row["category"],
        office_id=offices[row["office_code"]],
        object_type=row["object_type"][:120],
        content=row["content"],
        method=row["method"],
        legal_basis=row["legal_basis"],
        level=row["level"],
        kind=row["kind"],
        ratio_min=_decimal(row, "ratio_min"),
        ratio_max=_decimal(row, "ratio_max"),
        frequency_max_per_year=row.integer("frequency_max_per_year") if row["frequency_max_per_year"] else None,
        product_class_id=classes.get(row["product_class"]),
        link=row["link"],
        speciality=row["speciality"],
        applies_to=row["applies_to"] or "*",
        source=row.source[:300],
        confidence=row.confidence,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )


def _decimal(row: tables.Row, column: str) -> Decimal | None:
    return row.decimal(column) if row[column] else None


def add_item(*, by: User, at: datetime.datetime, code: str, valid_from: datetime.date, **values: Any) -> CheckItem:
    """Adds an item to the list. Raises Refused where the code is taken: a change of it is a new version (`revise_item`)."""
    if not policy.may_edit_tables(by):
        raise NotAllowed(_("只有质强办可以新增抽查事项。"))
    if CheckItem.objects.filter(code=code).exists():
        raise Refused(_("事项代码 %(code)s 已存在；修改请建立新版本。") % {"code": code}, field="code")
    _check_values(values, ITEM_FIELDS)
    with transaction.atomic():
        item = CheckItem(code=code, valid_from=valid_from, **values)
        _check_item(item)
        item.save(force_insert=True)
        _record_version("inspection.item.add", "check_item", item.code, {}, values, valid_from, by=by, at=at)
    return item


def revise_item(
    item: CheckItem, *, by: User, at: datetime.datetime, valid_from: datetime.date, **changes: Any
) -> CheckItem:
    """Makes a new version of an item from a day on; the old one ends the day before and stays as it was.

    The same change asked for again returns the version that is there. Raises Refused for a day that lies before the
    version being changed, or for a version that is no longer the latest.
    """
    if not policy.may_edit_item(by, item):
        raise NotAllowed(_("只有质强办或责任机构负责人可以修改该事项。"))
    _check_values(changes, ITEM_FIELDS)
    with transaction.atomic():
        latest = _lock(CheckItem.objects.filter(code=item.code), item)
        if _same(latest, changes) and (latest.valid_from == valid_from or latest.pk == item.pk):
            return latest
        _may_follow(latest, item, valid_from)
        old = {name: getattr(item, name) for name in changes}
        values = {name: getattr(item, name) for name in ITEM_FIELDS} | changes
        fresh = CheckItem(code=item.code, valid_from=valid_from, **values)
        _check_item(fresh)
        item.valid_to = valid_from - datetime.timedelta(days=1)
        item.save(update_fields=["valid_to"])
        fresh.save(force_insert=True)
        _record_version("inspection.item.revise", "check_item", item.code, old, changes, valid_from, by=by, at=at)
    return fresh


def end_item(item: CheckItem, *, by: User, at: datetime.datetime, valid_to: datetime.date) -> CheckItem:
    """Takes an item off the list after a day."""
    if not policy.may_edit_item(by, item):
        raise NotAllowed(_("只有质强办或责任机构负责人可以修改该事项。"))
    with transaction.atomic():
        item = _lock(CheckItem.objects.filter(code=item.code), item)
        if item.valid_to == valid_to:
            return item
        if item.valid_from and valid_to < item.valid_from:
            raise Refused(_("失效日期不得早于生效日期。"), field="valid_to")
        old = item.valid_to
        item.valid_to = valid_to
        item.save(update_fields=["valid_to"])
        _record_version(
            "inspection.item.end",
            "check_item",
            item.code,
            {"valid_to": old},
            {"valid_to": valid_to},
            valid_to,
            by=by,
            at=at,
        )
    return item


def add_wording(
    *, by: User, at: datetime.datetime, code: str, valid_from: datetime.date, **values: Any
) -> ResultWording:
    """Adds a result wording. Raises Refused where the code is taken."""
    if not policy.may_edit_tables(by):
        raise NotAllowed(_("只有质强办可以修改检查结果用语。"))
    if ResultWording.objects.filter(code=code).exists():
        raise Refused(_("用语代码 %(code)s 已存在；修改请建立新版本。") % {"code": code}, field="code")
    _check_values(values, WORDING_FIELDS)
    with transaction.atomic():
        wording = ResultWording.objects.create(code=code, valid_from=valid_from, **values)
        _record_version("inspection.wording.add", "result_wording", code, {}, values, valid_from, by=by, at=at)
    return wording


def revise_wording(
    wording: ResultWording, *, by: User, at: datetime.datetime, valid_from: datetime.date, **changes: Any
) -> ResultWording:
    """Makes a new version of a result wording from a day on (as `revise_item`): records of earlier days keep theirs."""
    if not policy.may_edit_tables(by):
        raise NotAllowed(_("只有质强办可以修改检查结果用语。"))
    _check_values(changes, WORDING_FIELDS)
    with transaction.atomic():
        latest = _lock(ResultWording.objects.filter(code=wording.code), wording)
        if _same(latest, changes) and (latest.valid_from == valid_from or latest.pk == wording.pk):
            return latest
        _may_follow(latest, wording, valid_from)
        old = {name: getattr(wording, name) for name in changes}
        values = {name: getattr(wording, name) for name in WORDING_FIELDS} | changes
        wording.valid_to = valid_from - datetime.timedelta(days=1)
        wording.save(update_fields=["valid_to"])
        fresh = ResultWording.objects.create(code=wording.code, valid_from=valid_from, **values)
        _record_version(
            "inspection.wording.revise", "result_wording", wording.code, old, changes, valid_from, by=by, at=at
        )
    return fresh


# -- what both have in common ----------------------------------------------------------------------------------------
def _check_values(values: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for name in values:
        if name not in allowed:
            raise Refused(_("字段 %(name)s 不能修改。") % {"name": name}, field=name)


def _check_item(item: CheckItem) -> None:
    for name, value in (("ratio_min", item.ratio_min), ("ratio_max", item.ratio_max)):
        if value is not None and not 0 < value <= 1:
            raise Refused(_("抽查比例应大于 0、不超过 1（例如 0.05 表示 5%）。"), field=name)
    if item.ratio_min is not None and item.ratio_max is not None and item.ratio_min > item.ratio_max:
        raise Refused(_("抽查比例下限不得高于上限。"), field="ratio_min")


def _lock(versions: Any, known: Versioned) -> Versioned:
    """The latest version, its rows locked."""
    rows: list[Versioned] = list(versions.select_for_update().order_by("pk"))
    return max(rows, key=lambda row: row.valid_from or datetime.date.min)


def _may_follow(latest: Any, version: Any, valid_from: datetime.date) -> None:
    if latest.pk != version.pk:
        raise Refused(_("该版本已被后来的版本取代，请修改最新版本。"))
    if version.valid_from is not None and valid_from <= version.valid_from:
        raise Refused(
            _("新版本的生效日期应晚于现行版本的生效日期 %(day)s。") % {"day": version.valid_from.isoformat()},
            field="valid_from",
        )
    if version.valid_to is not None and valid_from > version.valid_to + datetime.timedelta(days=1):
        raise Refused(
            _("该版本已于 %(day)s 失效；新版本应紧接其后。") % {"day": version.valid_to.isoformat()}, field="valid_from"
        )


def _same(version: Any, changes: Mapping[str, Any]) -> bool:
    return all(getattr(version, name) == value for name, value in changes.items())


def _record_version(
    verb: str,
    kind: str,
    code: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    day: datetime.date,
    *,
    by: User,
    at: datetime.datetime,
) -> None:
    changes = {name: [_plain(old.get(name)), _plain(value)] for name, value in new.items() if old.get(name) != value}
    public = {"code": code, "valid_from": day.isoformat(), "fields": sorted(changes)}
    record(verb, kind, code, by=by, at=at, changes=changes, public=public)


def _plain(value: Any) -> str | int | None:
    return value if value is None or isinstance(value, int) else str(value)
