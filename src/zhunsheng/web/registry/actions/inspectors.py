"""Inspectors, what they are qualified for, when they are away, whom they may not inspect."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _

from zhunsheng.engine import tables
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import Deed, record, record_many
from zhunsheng.web.registry import policy
from zhunsheng.web.registry.actions.diff import changed, first, plain
from zhunsheng.web.registry.actions.entities import ChangedMeanwhile
from zhunsheng.web.registry.models import BusinessEntity, Inspector, Qualification, Recusal
from zhunsheng.web.registry.words import COMPUTED_RECUSALS

FIELDS = (
    "person_no", "name", "office", "user", "certificate_no", "certificate_valid_to", "home_division", "status", "leave_from",
    "leave_to", "level",
)  # fmt: skip
QUALIFICATION_FIELDS = ("speciality", "certificate_no", "valid_from", "valid_to")


def register_inspector(values: Mapping[str, Any], *, by: User, at: datetime.datetime) -> Inspector:
    """Puts an inspector into the second register. Raises NotAllowed, Refused with the fields at fault."""
    inspector = Inspector(**dict(values))
    with transaction.atomic():
        _clean(inspector)
        if not policy.may_edit_inspector(by, inspector):
            raise NotAllowed(_("检查人员由本机构的经办或负责人登记"))
        inspector.save()
        record("register_inspector", "inspector", inspector.pk, by=by, at=at, changes=first(inspector, FIELDS))
    return inspector


def change_inspector(
    inspector: Inspector, values: Mapping[str, Any], *, version: int, by: User, at: datetime.datetime
) -> Inspector:
    """Changes an inspector's record; `version` as in change_entity."""
    with transaction.atomic():
        now = _editable(inspector, by)
        changes = changed(now, values)
        if not changes:
            return now
        if now.version != version:
            raise ChangedMeanwhile(now)
        for name, value in values.items():
            setattr(now, name, value)
        if not policy.may_edit_inspector(by, now):
            raise NotAllowed(_("不能把检查人员调到您管不到的机构"))
        _clean(now)
        now.version += 1
        now.save()
        record("change_inspector", "inspector", now.pk, by=by, at=at, changes=changes)
    return now


def set_leave(
    inspector: Inspector,
    *,
    leave_from: "datetime.date | None",
    leave_to: "datetime.date | None",
    by: User,
    at: datetime.datetime,
) -> Inspector:
    """Notes when an inspector is away (both days inclusive; no first day = no leave). A draw of those days leaves them out."""
    if leave_from is None and leave_to is not None:
        raise Refused(_("请填请假开始的日期"), field="leave_from")
    if leave_from is not None and leave_to is not None and leave_to < leave_from:
        raise Refused(_("请假结束不能早于开始"), field="leave_to")
    with transaction.atomic():
        now = _editable(inspector, by)
        changes = changed(now, {"leave_from": leave_from, "leave_to": leave_to})
        if not changes:
            return now
        now.leave_from, now.leave_to = leave_from, leave_to
        now.version += 1
        now.save(update_fields=["leave_from", "leave_to", "version"])
        record("set_leave", "inspector", now.pk, by=by, at=at, changes=changes)
    return now


def _editable(inspector: Inspector, by: User) -> Inspector:
    now = Inspector.objects.select_for_update().get(pk=inspector.pk)
    if not policy.may_edit_inspector(by, now):
        raise NotAllowed(_("检查人员由本机构的经办或负责人登记"))
    return now


def _clean(row: models.Model) -> None:
    try:
        row.full_clean()
    except ValidationError as problem:
        raise Refused(
            _("请检查标出的字段"), fields={name: " ".join(messages) for name, messages in problem.message_dict.items()}
        ) from None


# -- qualifications ---------------------------------------------------------------------------------------------------
def add_qualification(
    inspector: Inspector,
    speciality: str,
    *,
    certificate_no: str = "",
    valid_from: "datetime.date | None" = None,
    valid_to: "datetime.date | None" = None,
    by: User,
    at: datetime.datetime,
) -> Qualification:
    """Notes what an inspector may lead, from when to when. The same speciality from the same day is the same qualification."""
    _known("inspection/specialities", speciality, "speciality")
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        raise Refused(_("失效日期不能早于生效日期"), field="valid_to")
    with transaction.atomic():
        now = _editable(inspector, by)
        found = now.qualifications.filter(speciality=speciality, valid_from=valid_from).first()
        row = found or Qualification(inspector=now, speciality=speciality, valid_from=valid_from)
        said = changed(row, {"certificate_no": certificate_no, "valid_to": valid_to})
        if found is not None and not said:
            return found
        row.certificate_no, row.valid_to = certificate_no, valid_to
        row.save()
        record(
            "add_qualification", "inspector", now.pk, by=by, at=at,
            changes={"speciality": [None if found is None else speciality, speciality], "valid_from": [None, plain(valid_from)], **said},
        )  # fmt: skip
    return row


def end_qualification(row: Qualification, *, on: datetime.date, by: User, at: datetime.datetime) -> Qualification:
    """Ends a qualification: `on` is its last day. It stays to be read."""
    if row.valid_from is not None and on < row.valid_from:
        raise Refused(_("失效日期不能早于生效日期"), field="on")
    with transaction.atomic():
        inspector = _editable(row.inspector, by)
        now = Qualification.objects.select_for_update().get(pk=row.pk)
        if now.valid_to == on:
            return now
        before, now.valid_to = now.valid_to, on
        now.save(update_fields=["valid_to"])
        record(
            "end_qualification", "inspector", inspector.pk, by=by, at=at,
            changes={"speciality": [now.speciality, now.speciality], "valid_to": [plain(before), plain(on)]},
        )  # fmt: skip
    return now


def _known(table: str, code: str, field: str) -> None:
    if code not in {row["code"] for row in tables.load(table).rows}:
        raise Refused(_("没有代码“%(code)s”") % {"code": code[:40]}, field=field)


# -- recusals ---------------------------------------------------------------------------------------------------------
def declare_recusal(
    inspector: Inspector,
    entity: BusinessEntity,
    kind: str,
    *,
    note: str = "",
    declared_on: datetime.date,
    valid_to: "datetime.date | None" = None,
    by: User,
    at: datetime.datetime,
) -> Recusal:
    """Notes that an inspector may not inspect an entity. The same relation declared again is one relation, in force again.

    行政处罚法 art. 43. Kinds that the draw works out from past visits are not declared. Raises NotAllowed, Refused.
    """
    if not policy.may_declare_recusal(by, inspector):
        raise NotAllowed(_("回避由本人申报，或由本机构的经办、负责人登记"))
    _known("inspection/recusal_kinds", kind, "kind")
    if kind in COMPUTED_RECUSALS:
        raise Refused(_("这种情形由抽查按检查记录自动计算，不用申报"), field="kind")
    if valid_to is not None and valid_to < declared_on:
        raise Refused(_("回避截止不能早于申报日期"), field="valid_to")
    with transaction.atomic():
        Inspector.objects.select_for_update().get(pk=inspector.pk)
        found = Recusal.objects.filter(inspector=inspector, entity=entity, kind=kind).first()
        row = found or Recusal(inspector=inspector, entity=entity, kind=kind, declared_on=declared_on)
        said = changed(row, {"note": note, "valid_to": valid_to}) if found else {}
        if found is not None and not said:
            return found
        row.note, row.valid_to = note, valid_to
        _clean(row)
        row.save()
        record(
            "declare_recusal", "inspector", inspector.pk, by=by, at=at,
            changes={"entity": [None, entity.unit_id], "kind": [None, kind], "declared_on": [None, plain(row.declared_on)], **said},
        )  # fmt: skip
    return row


def end_recusal(row: Recusal, *, on: datetime.date, reason: str, by: User, at: datetime.datetime) -> Recusal:
    """Ends a recusal: `on` is its last day. Never by the inspector concerned, always with a reason."""
    if not policy.may_end_recusal(by, row):
        raise NotAllowed(_("回避关系由本机构的经办或负责人解除，不能由本人解除"))
    if not reason.strip():
        raise Refused(_("请写明解除的理由"), field="reason")
    if on < row.declared_on:
        raise Refused(_("解除日期不能早于申报日期"), field="on")
    with transaction.atomic():
        now = Recusal.objects.select_for_update().get(pk=row.pk)
        if now.valid_to == on:
            return now
        before, now.valid_to = now.valid_to, on
        now.save(update_fields=["valid_to"])
        record(
            "end_recusal", "inspector", now.inspector_id, by=by, at=at, reason=reason,
            changes={"entity": [row.entity.unit_id, row.entity.unit_id], "kind": [now.kind, now.kind], "valid_to": [plain(before), plain(on)]},
        )  # fmt: skip
    return now


# -- many at once (the caller has checked every row) --------------------------------------------------------------------
def write_inspectors(
    new: Sequence[Inspector],
    changes: Sequence[tuple[Inspector, dict[str, list[Any]]]],
    qualifications: Sequence[Qualification],
    *,
    by: "User | None",
    at: datetime.datetime,
    reason: str = "",
) -> None:
    """Writes imported inspectors and their qualifications (new ones and known ones), with one act for each inspector."""
    with transaction.atomic():
        Inspector.objects.bulk_create(new, batch_size=1000)
        for inspector, _said in changes:
            inspector.version += 1
        names = [field.name for field in Inspector._meta.concrete_fields if field.name != "id"]
        Inspector.objects.bulk_create(
            [inspector for inspector, _said in changes],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=names,
            batch_size=1000,
        )
        for row in qualifications:
            row.inspector_id = row.inspector.pk
        Qualification.objects.bulk_create([row for row in qualifications if not row.pk], batch_size=1000)
        Qualification.objects.bulk_create(
            [row for row in qualifications if row.pk], update_conflicts=True, unique_fields=["id"],
            update_fields=["certificate_no", "valid_to"], batch_size=1000,
        )  # fmt: skip
        own: dict[int, list[str]] = {}
        for row in qualifications:
            own.setdefault(row.inspector.pk, []).append(row.speciality)
        deeds = []
        for inspector in new:
            said = first(inspector, FIELDS)
            if inspector.pk in own:
                said["qualification"] = [None, own[inspector.pk]]
            deeds.append(Deed("register_inspector", "inspector", str(inspector.pk), reason=reason, changes=said))
        deeds += [
            Deed("change_inspector", "inspector", str(one.pk), reason=reason, changes=said) for one, said in changes
        ]
        record_many(deeds, by=by, at=at)


def write_recusals(
    rows: Sequence[tuple[Recusal, dict[str, list[Any]]]], *, by: "User | None", at: datetime.datetime, reason: str = ""
) -> None:
    """Writes imported recusals, new ones and known ones, with one act for each."""
    with transaction.atomic():
        Recusal.objects.bulk_create([row for row, _said in rows if not row.pk], batch_size=1000)
        Recusal.objects.bulk_create(
            [row for row, _said in rows if row.pk], update_conflicts=True, unique_fields=["id"],
            update_fields=["note", "valid_to"], batch_size=1000,
        )  # fmt: skip
        record_many(
            [Deed("declare_recusal", "inspector", str(row.inspector_id), reason=reason, changes=said) for row, said in rows],
            by=by, at=at,
        )  # fmt: skip
