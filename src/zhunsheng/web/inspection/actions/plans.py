"""抽查计划: drafted, approved by a head who did not draft it, closed when nothing is left to do."""

import datetime
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.public_log import canonical
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.common.records import Level
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.models import CheckItem, Draw, Plan, Task
from zhunsheng.web.people.models import Office, Role, User
from zhunsheng.web.public_log.actions import record

PLAN_FIELDS = (
    "name",
    "year",
    "kind",
    "scope",
    "stratify_by",
    "ratios",
    "ratio_scheme",
    "team_size",
    "starts_on",
    "ends_on",
    "source_system",
    "upstream_no",
    "handling_organ",
)


def draft_plan(
    *,
    by: User,
    at: datetime.datetime,
    office: Office,
    name: str,
    year: int,
    items: Iterable[CheckItem],
    starts_on: datetime.date,
    ends_on: datetime.date,
    ratios: Mapping[str, str],
    kind: str = Plan.Kind.UNDIRECTED,
    joint_offices: Iterable[Office] = (),
    scope: Mapping[str, Any] | None = None,
    stratify_by: str = "risk_class",
    ratio_scheme: str = "",
    team_size: int = 2,
    level: str = "",
    **sourced: str,
) -> Plan:
    """Drafts a plan; its number is the next of the office's in the year.

    `ratios`: class → decimal text, `*` for entities without a class. Raises Refused with the fields that are wrong.
    The same draft by the same person at the same moment is the same plan.
    """
    if not policy.may_draft_plan(by, office):
        raise NotAllowed(_("只有牵头机构的经办人员或负责人可以拟定抽查计划。"))
    values: dict[str, Any] = {
        "name": name.strip(),
        "year": year,
        "kind": kind,
        "scope": _scope(scope or {}),
        "stratify_by": stratify_by,
        "ratios": dict(ratios),
        "ratio_scheme": ratio_scheme,
        "team_size": team_size,
        "starts_on": starts_on,
        "ends_on": ends_on,
        **sourced,
    }
    wanted, joint = list(items), list(joint_offices)
    _check_plan(values, wanted, joint)
    with transaction.atomic():
        Office.objects.select_for_update().get(pk=office.pk)  # numbers of one office are given out one by one
        again = Plan.objects.filter(office=office, name=values["name"], year=year, created_by=by, created_at=at).first()
        if again is not None:
            return again
        start = f"{office.code}-JH-{year}-"
        number = Plan.objects.filter(no__startswith=start).count() + 1
        plan = Plan.objects.create(
            no=f"{start}{number:03d}",
            office=office,
            level=level or office.level or Level.CITY,
            created_by=by,
            created_at=at,
            **values,
        )
        plan.items.set(wanted)
        plan.joint_offices.set(joint)
        record("plan.draft", "plan", plan.no, by=by, at=at, changes=plan_terms(plan))
    return plan


def edit_plan(
    plan: Plan,
    *,
    by: User,
    at: datetime.datetime,
    items: Iterable[CheckItem] | None = None,
    joint_offices: Iterable[Office] | None = None,
    **changes: Any,
) -> Plan:
    """Changes a draft. An approved plan is never changed: draft another one."""
    if not policy.may_draft_plan(by, plan.office):
        raise NotAllowed(_("只有牵头机构的经办人员或负责人可以修改抽查计划。"))
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).select_related("office").get(pk=plan.pk)
        if plan.state != Plan.State.DRAFT:
            raise Refused(_("计划已批准，不能再修改；请另拟计划。"))
        unknown = sorted(changes.keys() - set(PLAN_FIELDS))
        if unknown:
            raise Refused(_("字段 %(name)s 不能修改。") % {"name": unknown[0]}, field=unknown[0])
        if "scope" in changes:
            changes["scope"] = _scope(changes["scope"])
        before = plan_terms(plan)
        wanted = list(items) if items is not None else list(plan.items.all())
        joint = list(joint_offices) if joint_offices is not None else list(plan.joint_offices.all())
        _check_plan({name: getattr(plan, name) for name in PLAN_FIELDS} | changes, wanted, joint)
        for name, value in changes.items():
            setattr(plan, name, value)
        plan.save()
        plan.items.set(wanted)
        plan.joint_offices.set(joint)
        after = plan_terms(plan)
        if after == before:
            return plan
        # Whoever changed it last is its drafter: the approver must be another person.
        plan.created_by = by
        plan.save(update_fields=["created_by"])
        record(
            "plan.edit",
            "plan",
            plan.no,
            by=by,
            at=at,
            changes={key: [before.get(key), after.get(key)] for key in after if before.get(key) != after.get(key)},
        )
    return plan


def approve_plan(plan: Plan, *, by: User, at: datetime.datetime) -> Plan:
    """批准: by a head of the leading office who did not draft it. The plan is public from then on."""
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).select_related("office").get(pk=plan.pk)
        if not policy.may_approve_plan(by, plan):
            raise NotAllowed(_("抽查计划由拟稿人以外的牵头机构负责人批准。"))
        if plan.state != Plan.State.DRAFT:
            return plan
        found = queries.preview_of(plan, at.astimezone(CHINA).date())
        if not found.size:
            raise Refused(_("范围内没有可抽取的对象，不能批准。"))
        _check_ratios(found)
        plan.state, plan.approved_by, plan.approved_at = Plan.State.APPROVED, by, at
        plan.publicity_approved_by, plan.publicity_approved_at = by, at
        plan.save()
        terms = plan_terms(plan)
        record(
            "plan.approve",
            "plan",
            plan.no,
            by=by,
            at=at,
            public={**terms, "terms_sha256": plan_hash(plan), "N": found.size, "n": found.n},
        )
        transaction.on_commit(
            lambda: notify(
                [plan.created_by],
                format_lazy(gettext_lazy("抽查计划 {no} 已批准，可以公告抽取"), no=plan.no),
                reverse("inspection:plan", args=[plan.pk]),
                at=at,
            )
        )
    return plan


def close_plan(plan: Plan, *, by: User, at: datetime.datetime) -> Plan:
    """办结: refused while a draw waits to be executed or a drawn entity has no published result."""
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).select_related("office").get(pk=plan.pk)
        if not policy.may_close_plan(by, plan):
            raise NotAllowed(_("抽查计划由牵头机构负责人办结。"))
        if plan.state == Plan.State.CLOSED:
            return plan
        if plan.state != Plan.State.RUNNING:
            raise Refused(_("计划尚未实施，不能办结。"))
        if plan.draws.filter(state=Draw.State.ANNOUNCED).exists():
            raise Refused(_("还有已公告未执行的抽取，请先执行或放弃。"))
        open_tasks = Task.objects.filter(
            draw__plan=plan,
            state__in=[Task.State.DRAWN, Task.State.ASSIGNED, Task.State.RESULT_ENTERED, Task.State.FOLLOWUP_OPEN],
        ).count()
        if open_tasks:
            raise Refused(_("还有 %(n)s 个任务未公示结果或未办结后续处理，不能办结。") % {"n": open_tasks})
        plan.state = Plan.State.CLOSED
        plan.save(update_fields=["state"])
        record("plan.close", "plan", plan.no, by=by, at=at, public=queries.plan_progress([plan]).get(plan.pk, {}))
    return plan


def plan_terms(plan: Plan) -> dict[str, Any]:
    """What is decided with a plan, as plain JSON: the announcement of each of its draws carries the hash of this."""
    return {
        "no": plan.no,
        "name": plan.name,
        "year": plan.year,
        "kind": plan.kind,
        "office": plan.office.name,
        "joint_offices": sorted(plan.joint_offices.values_list("name", flat=True)),
        "items": [item_mark(item) for item in plan.items.order_by("code", "valid_from")],
        "scope": plan.scope,
        "stratify_by": plan.stratify_by,
        "ratios": plan.ratios,
        "ratio_scheme": plan.ratio_scheme,
        "team_size": plan.team_size,
        "starts_on": plan.starts_on.isoformat(),
        "ends_on": plan.ends_on.isoformat(),
    }


def plan_hash(plan: Plan) -> str:
    return hashlib.sha256(canonical(plan_terms(plan))).hexdigest()


def item_mark(item: CheckItem) -> str:
    """An item with its version: code, or code@day of validity."""
    return f"{item.code}@{item.valid_from.isoformat()}" if item.valid_from else item.code


# -- checks ----------------------------------------------------------------------------------------------------------
def _scope(scope: Mapping[str, Any]) -> dict[str, list[str]]:
    unknown = sorted(scope.keys() - set(queries.SCOPE_KEYS))
    if unknown:
        raise Refused(_("对象范围中有不认识的条件：%(name)s。") % {"name": _("、").join(unknown)}, field="scope")
    return {key: [str(value) for value in values] for key, values in scope.items() if values}


def _check_plan(values: Mapping[str, Any], items: Sequence[CheckItem], joint: Sequence[Office]) -> None:
    problems: dict[str, str] = {}
    if not values["name"]:
        problems["name"] = _("请填写计划名称。")
    if not items:
        problems["items"] = _("请至少选择一个抽查事项。")
    for item in items:
        day = values["starts_on"]
        if (item.valid_from and item.valid_from > day) or (item.valid_to and item.valid_to < day):
            problems["items"] = _("事项“%(item)s”在检查开始之日(%(day)s)不在有效期内。") % {
                "item": named(item),
                "day": day.isoformat(),
            }
    if values["ends_on"] < values["starts_on"]:
        problems["ends_on"] = _("检查结束不得早于检查开始。")
    if values["starts_on"].year != values["year"]:
        problems["year"] = _("检查开始日期不在计划年度内。")
    if values["team_size"] < 2:
        problems["team_size"] = _("每组检查人员不少于 2 人。")
    if values["kind"] == Plan.Kind.JOINT and not joint:
        problems["joint_offices"] = _("部门联合抽查须选择联合机构。")
    if values["kind"] == Plan.Kind.UNDIRECTED and any(
        values["scope"].get(key) for key in ("parks", "industries", "sizes", "risk_classes", "tags")
    ):
        # 企业公示信息抽查办法: a draw by type, size, industry or area is a directed one.
        problems["kind"] = _("按园区、行业、规模、分类或标签限定对象的是定向抽查。")
    for key, text in values["ratios"].items():
        try:
            good = 0 < Decimal(text) <= 1
        except (InvalidOperation, TypeError):
            good = False
        if not good:
            problems["ratios"] = _(
                "%(key)s 类的抽查比例“%(text)s”应是大于 0、不超过 1 的小数，例如 0.05 表示 5%%。"
            ) % {
                "key": key,
                "text": text,
            }
    if not values["ratios"]:
        problems["ratios"] = _("请选择比例方案或填写抽查比例。")
    if problems:
        raise Refused(next(iter(problems.values())), fields=problems)


def _check_ratios(found: queries.Preview) -> None:
    if found.missing:
        raise Refused(
            _("名录中有 %(classes)s 类对象，计划没有写明其抽查比例(“*”表示未分类)。")
            % {"classes": _("、").join(found.missing)},
            field="ratios",
        )


def heads_of(office: Office) -> list[User]:
    """The heads of an office, to be told that something waits for them."""
    return list(User.objects.filter(posts__office=office, posts__role=Role.HEAD, is_active=True).distinct())
