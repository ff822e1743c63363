"""Business entities, their premises, their accounts."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.web.common import bulk
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.people.actions import create_user
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import Deed, record, record_many
from zhunsheng.web.registry import policy
from zhunsheng.web.registry.actions.diff import changed, first, plain
from zhunsheng.web.registry.models import BusinessEntity, FirmAccount, Premises
from zhunsheng.web.registry.queries import in_scope
from zhunsheng.web.registry.values import parse_unit_id
from zhunsheng.web.registry.words import industry_codes

#: what people and files may set; the rest follows from the act
FIELDS = (
    "unit_id", "name", "entity_type", "industry", "size", "status", "established_on", "address", "division", "park", "tags",
    "risk_class", "risk_class_source", "risk_class_on", "source_system", "upstream_no", "handling_organ", "level",
)  # fmt: skip
PREMISES_FIELDS = ("name", "address", "division", "park", "latitude", "longitude", "datum", "closed_on")
BATCH = 2000


class ChangedMeanwhile(Refused):
    """Someone changed the record after the user opened it. `row` is the record as it stands now."""

    def __init__(self, row: Any) -> None:
        super().__init__(_("您打开之后，有人改了这条记录。请对照现在的值，再决定是否保存"))
        self.row = row


def register_entity(
    values: Mapping[str, Any], premises: "Mapping[str, Any] | None" = None, *, by: User, at: datetime.datetime
) -> BusinessEntity:
    """Puts a business entity into the register, perhaps with its first premises.

    `values`: some of FIELDS. Without a `unit_id` it gets the next local number. Raises NotAllowed outside the user's area,
    Refused with the fields at fault.
    """
    if not policy.may_add_entity(by):
        raise NotAllowed(_("登记经营主体需要经办、检查、审核或负责人岗位"))
    entity = BusinessEntity(created_at=at, updated_at=at, **dict(values))
    with transaction.atomic():
        if not entity.unit_id:
            entity.unit_id = _next_local()
        _check(entity, by)
        entity.save()
        if premises:
            Premises.objects.create(entity=entity, no=1, **dict(premises))
        changes = first(entity, FIELDS)
        if premises:
            changes["premises"] = [
                None,
                {name: plain(value) for name, value in premises.items() if value not in (None, "")},
            ]
        record("register_entity", "entity", entity.pk, by=by, at=at, changes=changes)
    return entity


def change_entity(
    entity: BusinessEntity,
    values: Mapping[str, Any],
    *,
    version: int,
    by: User,
    at: datetime.datetime,
    reason: str = "",
) -> BusinessEntity:
    """Changes an entity. `version`: what the user had open. The same values change nothing and leave no trace.

    Raises ChangedMeanwhile with the present record when its version is another, NotAllowed, Refused with the fields at fault.
    """
    with transaction.atomic():
        now = BusinessEntity.objects.select_for_update().get(pk=entity.pk)
        if not policy.may_edit_entity(by, now):
            raise NotAllowed(_("这个经营主体不在您的辖区，或您的岗位不能修改"))
        changes = changed(now, values)
        if not changes:
            return now
        if now.version != version:
            raise ChangedMeanwhile(now)
        for name, value in values.items():
            setattr(now, name, value)
        _check(now, by)
        now.version += 1
        now.updated_at = at
        now.save()
        record("change_entity", "entity", now.pk, by=by, at=at, reason=reason, changes=changes)
    return now


def _check(entity: BusinessEntity, by: User) -> None:
    """The rules that hold however an entity comes in. Raises Refused with a sentence for each field at fault."""
    wrong: dict[str, str] = {}
    try:
        entity.unit_id = parse_unit_id(entity.unit_id)
    except Refused as problem:
        wrong["unit_id"] = str(problem)
    if entity.industry and entity.industry not in industry_codes():
        wrong["industry"] = _("GB/T 4754-2017 没有代码“%(code)s”") % {"code": entity.industry}
    if entity.risk_class and not (entity.risk_class_source and entity.risk_class_on):
        wrong["risk_class_source" if not entity.risk_class_source else "risk_class_on"] = _(
            "填了信用风险分类，就要写明来源和日期"
        )
    if not in_scope(by, entity.division_id):
        wrong["division"] = _("请选您辖区内的区划")
    try:
        entity.full_clean()
    except ValidationError as problem:
        for name, messages in problem.message_dict.items():
            wrong.setdefault(name, " ".join(messages))
    if wrong:
        raise Refused(_("请检查标出的字段"), fields=wrong)


def _next_local() -> str:
    last = (
        BusinessEntity.objects.filter(unit_id__startswith="local:")
        .order_by("-unit_id")
        .values_list("unit_id", flat=True)
        .first()
    )
    number = int(last.partition(":")[2]) if last and last.partition(":")[2].isdigit() else 0
    return f"local:{number + 1:08d}"


# -- many at once -----------------------------------------------------------------------------------------------------
def register_many(
    entities: Sequence[BusinessEntity],
    premises: Sequence[Premises] = (),
    *,
    by: "User | None",
    at: datetime.datetime,
    reason: str = "",
) -> None:
    """Puts many new entities (not yet saved; `premises` point to them) into the register, with one act for each.

    For imports and the demo city: the caller has checked every row. All or none.
    """
    with transaction.atomic():
        for entity in entities:
            entity.created_at = entity.updated_at = at
        bulk.insert(entities)
        for one in premises:
            one.entity_id = one.entity.pk
        bulk.insert(premises)
        for start in range(0, len(entities), 10_000):
            record_many(
                [
                    Deed("register_entity", "entity", str(one.pk), reason=reason, changes=first(one, FIELDS))
                    for one in entities[start : start + 10_000]
                ],
                by=by,
                at=at,
            )


def change_many(
    changes: Sequence[tuple[BusinessEntity, dict[str, list[Any]]]],
    premises: Sequence[Premises] = (),
    *,
    by: "User | None",
    at: datetime.datetime,
    reason: str = "",
) -> None:
    """Writes entities that were read under a lock and then changed, each with its changes, one act for each.

    `premises`: first premises to be written with them, new ones and known ones. The caller has checked every row.
    """
    if not changes:
        return
    with transaction.atomic():
        rows = []
        for entity, _changes in changes:
            entity.version += 1
            entity.updated_at = at
            rows.append(entity)
        # An upsert by key: one statement for a batch, where bulk_update would send a CASE of every row for every field.
        BusinessEntity.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["id"], batch_size=BATCH,
            update_fields=[field.name for field in BusinessEntity._meta.concrete_fields if field.name not in ("id", "created_at")],
        )  # fmt: skip
        known = [one for one in premises if one.pk]
        Premises.objects.bulk_create([one for one in premises if not one.pk], batch_size=BATCH)
        Premises.objects.bulk_create(
            known, update_conflicts=True, unique_fields=["id"], update_fields=list(PREMISES_FIELDS), batch_size=BATCH
        )
        record_many(
            [Deed("change_entity", "entity", str(one.pk), reason=reason, changes=said) for one, said in changes],
            by=by,
            at=at,
        )


# -- premises ---------------------------------------------------------------------------------------------------------
def add_premises(entity: BusinessEntity, values: Mapping[str, Any], *, by: User, at: datetime.datetime) -> Premises:
    """Adds a place of business with the next number."""
    with transaction.atomic():
        now = _editable(entity, by)
        last = now.premises.order_by("-no").values_list("no", flat=True).first() or 0
        premises = Premises(entity=now, no=last + 1, **dict(values))
        _check_premises(premises)
        premises.save()
        _touch(now, at)
        record(
            "add_premises", "entity", now.pk, by=by, at=at,
            changes={"premises": [None, premises.no], **first(premises, PREMISES_FIELDS)},
        )  # fmt: skip
    return premises


def change_premises(premises: Premises, values: Mapping[str, Any], *, by: User, at: datetime.datetime) -> Premises:
    with transaction.atomic():
        entity = _editable(premises.entity, by)
        now = Premises.objects.select_for_update().get(pk=premises.pk)
        changes = changed(now, values)
        if not changes:
            return now
        for name, value in values.items():
            setattr(now, name, value)
        _check_premises(now)
        now.save()
        _touch(entity, at)
        record("change_premises", "entity", entity.pk, by=by, at=at, changes={"premises": [now.no, now.no], **changes})
    return now


def close_premises(premises: Premises, *, on: datetime.date, by: User, at: datetime.datetime) -> Premises:
    """Closes a place of business from a day. It stays in the register. Closing it again on that day changes nothing."""
    with transaction.atomic():
        entity = _editable(premises.entity, by)
        now = Premises.objects.select_for_update().get(pk=premises.pk)
        if now.closed_on == on:
            return now
        before, now.closed_on = now.closed_on, on
        now.save(update_fields=["closed_on"])
        _touch(entity, at)
        record(
            "close_premises", "entity", entity.pk, by=by, at=at,
            changes={"premises": [now.no, now.no], "closed_on": [plain(before), plain(on)]},
        )  # fmt: skip
    return now


def _editable(entity: BusinessEntity, by: User) -> BusinessEntity:
    now = BusinessEntity.objects.select_for_update().get(pk=entity.pk)
    if not policy.may_edit_entity(by, now):
        raise NotAllowed(_("这个经营主体不在您的辖区，或您的岗位不能修改"))
    return now


def _touch(entity: BusinessEntity, at: datetime.datetime) -> None:
    entity.version += 1
    entity.updated_at = at
    entity.save(update_fields=["version", "updated_at"])


def _check_premises(premises: Premises) -> None:
    wrong: dict[str, str] = {}
    if (premises.latitude is None) != (premises.longitude is None):
        wrong["longitude" if premises.longitude is None else "latitude"] = _("经纬度要一起填")
    elif premises.latitude is not None and premises.longitude is not None:
        if not -90 <= premises.latitude <= 90:
            wrong["latitude"] = _("纬度在 -90 至 90 之间")
        if not -180 <= premises.longitude <= 180:
            wrong["longitude"] = _("经度在 -180 至 180 之间")
        if not premises.datum:
            wrong["datum"] = _("填了经纬度，就要写明坐标系")
    if not premises.address:
        wrong["address"] = _("请填地址：检查人员照它找到场所")
    try:
        premises.full_clean(exclude=["entity"])
    except ValidationError as problem:
        for name, messages in problem.message_dict.items():
            wrong.setdefault(name, " ".join(messages))
    if wrong:
        raise Refused(_("请检查标出的字段"), fields=wrong)


# -- firm accounts ----------------------------------------------------------------------------------------------------
def open_firm_account(
    entity: BusinessEntity, *, username: str, display_name: str, password: str, by: User, at: datetime.datetime
) -> FirmAccount:
    """Opens an account that acts for one business entity. Its first password holds for one login."""
    if not policy.may_open_firm_account(by):
        raise NotAllowed(_("企业账号由系统管理员开立"))
    with transaction.atomic():
        user = create_user(username, display_name, password, by=by, at=at)
        account = FirmAccount.objects.create(user=user, entity=entity)
        record("open_firm_account", "entity", entity.pk, by=by, at=at, changes={"account": [None, user.username]})
    return account
