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
from zhunsheng.web.inspection.models import CheckItem, Draw, Plan, PlanList, Task
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
    "measure",
    "mode",
    "again",
    "team_size",
    "load_least",
    "load_most",
    "starts_on",
    "ends_on",
    "source_system",
    "upstream_no",
    "handling_organ",
)


LIST_FIELDS = ("scope", "stratify_by", "ratios", "ratio_scheme", "measure")
#: What every list of a plan rests on: a change of it asks the joined offices again.
SHARED_FIELDS = ("kind", "mode", "again", "starts_on", "ends_on", "team_size")


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
    measure: str = Plan.Measure.NONE,
    mode: str = Plan.Mode.OPEN,
    again: bool = False,
    team_size: int = 2,
    load_least: int | None = None,
    load_most: int | None = None,
    level: str = "",
    submit: bool = True,
    **sourced: str,
) -> Plan:
    """Drafts a plan; its number is the next of the office's in the year. Its own items and terms are the office's list;
    each joined office gets an empty list to fill in (`fill_list`) and to confirm (`confirm_list`).

    `ratios`: class → decimal text, `*` for entities without a class. `submit`: it is complete and waits for the head at
    once; else it stays with its drafter until `submit_plan`. Raises Refused with the fields that are wrong. The same
    draft by the same person at the same moment is the same plan.
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
        "measure": measure,
        "mode": mode,
        "again": again,
        "team_size": team_size,
        "load_least": load_least,
        "load_most": load_most,
        "starts_on": starts_on,
        "ends_on": ends_on,
        **sourced,
    }
    wanted, joint = list(items), list(joint_offices)
    _check_plan(values, wanted, joint)
    with transaction.atomic():
        Office.objects.select_for_update().get(pk=office.pk)  # numbers of one office are given out one by one
        standing = Plan.objects.filter(
            office=office, name=values["name"], year=year, created_by=by, created_at=at
        ).first()
        if standing is not None:
            return standing
        start = f"{office.code}-JH-{year}-"
        number = Plan.objects.filter(no__startswith=start).count() + 1
        plan = Plan.objects.create(
            no=f"{start}{number:03d}",
            office=office,
            level=level or office.level or Level.CITY,
            created_by=by,
            created_at=at,
            submitted_at=at if submit else None,
            **values,
        )
        plan.items.set(wanted)
        _set_joint(plan, joint)
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
        shared = {name: getattr(plan, name) for name in SHARED_FIELDS}
        for name, value in changes.items():
            setattr(plan, name, value)
        plan.save()
        plan.items.set(wanted)
        _set_joint(plan, joint)
        if shared != {name: getattr(plan, name) for name in SHARED_FIELDS}:
            plan.further_lists.update(confirmed_by=None, confirmed_at=None)
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
        if plan.submitted_at is None:
            raise Refused(_("计划还在拟定，尚未提交，不能批准。"))
        found = _complete(plan, at)
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


def submit_plan(plan: Plan, *, by: User, at: datetime.datetime) -> Plan:
    """提交: the draft is complete, and the heads of the leading office are told that it waits for one of them."""
    with transaction.atomic():
        plan = Plan.objects.select_for_update(of=("self",)).select_related("office").get(pk=plan.pk)
        if not policy.may_draft_plan(by, plan.office):
            raise NotAllowed(_("只有牵头机构的经办人员或负责人可以提交抽查计划。"))
        if plan.submitted_at is not None or plan.state != Plan.State.DRAFT:
            return plan
        _complete(plan, at)
        plan.submitted_at = at
        plan.save(update_fields=["submitted_at"])
        record("plan.submit", "plan", plan.no, by=by, at=at)
        transaction.on_commit(
            lambda: notify(
                [head for head in heads_of(plan.office) if head.pk != plan.created_by_id],
                format_lazy(gettext_lazy("抽查计划 {no} 待您批准"), no=plan.no),
                reverse("inspection:plan", args=[plan.pk]),
                at=at,
            )
        )
    return plan


def fill_list(part: PlanList, *, by: User, at: datetime.datetime, items: Iterable[CheckItem], **terms: Any) -> PlanList:
    """A joined office writes its list of a joint plan: its items, whom it names, how many. It is to be confirmed anew.

    `terms`: scope, stratify_by, ratios, ratio_scheme, measure. Raises Refused with the fields that are wrong.
    """
    with transaction.atomic():
        part = _locked_list(part)
        if not policy.may_fill_list(by, part):
            raise NotAllowed(_("联合抽查的名单由该机构的经办人员或负责人填写。"))
        if part.plan.state != Plan.State.DRAFT:
            raise Refused(_("计划已批准，不能再修改；请另拟计划。"))
        unknown = sorted(terms.keys() - set(LIST_FIELDS))
        if unknown:
            raise Refused(_("字段 %(name)s 不能修改。") % {"name": unknown[0]}, field=unknown[0])
        values = {name: getattr(part, name) for name in LIST_FIELDS} | terms
        values["scope"], wanted = _scope(values["scope"]), list(items)
        _refuse(_list_problems(values, wanted, part.plan.starts_on))
        before = list_terms(part)
        for name, value in values.items():
            setattr(part, name, value)
        part.items.set(wanted)
        if (after := list_terms(part)) == before:
            return part
        part.filled_by, part.confirmed_by, part.confirmed_at = by, None, None
        part.save()
        record("plan.fill_list", "plan", part.plan.no, by=by, at=at, changes={part.name: [before, after]})
    return part


def confirm_list(part: PlanList, *, by: User, at: datetime.datetime) -> PlanList:
    """A joined office stands by its list; the plan is approved once all have done so."""
    with transaction.atomic():
        part = _locked_list(part)
        if not policy.may_fill_list(by, part):
            raise NotAllowed(_("联合抽查的名单由该机构的经办人员或负责人确认。"))
        if part.confirmed_at is not None:
            return part
        if part.plan.state != Plan.State.DRAFT:
            raise Refused(_("计划已批准，不能再修改；请另拟计划。"))
        _refuse(
            _list_problems(
                {name: getattr(part, name) for name in LIST_FIELDS}, list(part.items.all()), part.plan.starts_on
            )
        )
        part.confirmed_by, part.confirmed_at = by, at
        part.save(update_fields=["confirmed_by", "confirmed_at"])
        record("plan.confirm_list", "plan", part.plan.no, by=by, at=at, changes={"list": part.name})
        plan = part.plan
        transaction.on_commit(
            lambda: notify(
                [plan.created_by],
                format_lazy(
                    gettext_lazy("{office}已确认联合抽查计划 {no} 的名单"), office=part.office.name, no=plan.no
                ),
                reverse("inspection:plan", args=[plan.pk]),
                at=at,
            )
        )
    return part


def _locked_list(part: PlanList) -> PlanList:
    return (
        PlanList.objects.select_for_update(of=("self",))
        .select_related("plan__office", "plan__created_by", "office")
        .get(pk=part.pk)
    )


def _set_joint(plan: Plan, joint: Sequence[Office]) -> None:
    """The joined offices, each with its list; the list of an office that is no longer joined goes."""
    plan.joint_offices.set(joint)
    wanted = {office.pk: office for office in joint if office.pk != plan.office_id}
    plan.further_lists.exclude(office__in=list(wanted)).delete()
    there = set(plan.further_lists.values_list("office_id", flat=True))
    taken = {queries.list_name(plan.office), *plan.further_lists.values_list("name", flat=True)}
    new = []
    for office in wanted.values():
        if office.pk in there:
            continue
        name = queries.list_name(office)
        if name in taken:
            name = f"{name[:30]}_{office.pk}"
        taken.add(name)
        new.append(
            PlanList(
                plan=plan,
                office=office,
                name=name,
                stratify_by=plan.stratify_by,
                ratios=dict(plan.ratios),
                ratio_scheme=plan.ratio_scheme,
            )
        )
    PlanList.objects.bulk_create(new)
    if new:
        offices = [one.office for one in new]
        url, at = reverse("inspection:plan", args=[plan.pk]), plan.created_at
        transaction.on_commit(
            lambda: notify(
                [head for office in offices for head in heads_of(office)],
                format_lazy(gettext_lazy("请填写并确认联合抽查计划 {no} 中本机构的名单"), no=plan.no),
                url,
                at=at,
            )
        )


def _complete(plan: Plan, at: datetime.datetime) -> queries.Preview:
    """The plan's strata, where nothing is missing any more."""
    waiting = [one.office for one in plan.further_lists.select_related("office") if one.confirmed_at is None]
    if waiting:
        raise Refused(
            _("还有联合机构没有确认本机构的名单：%(offices)s。")
            % {"offices": _("、").join(named(office) for office in waiting)}
        )
    found = queries.preview_of(plan, at.astimezone(CHINA).date())
    if not found.size:
        raise Refused(_("范围内没有可抽取的对象，不能批准。"))
    _check_ratios(found)
    return found


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
        **list_terms(plan),
        "mode": plan.mode,
        "again": plan.again,
        "team_size": plan.team_size,
        "load": [plan.load_least, plan.load_most],
        "starts_on": plan.starts_on.isoformat(),
        "ends_on": plan.ends_on.isoformat(),
        "lists": {
            one.name: {"office": one.office.name, **list_terms(one)}
            for one in plan.further_lists.select_related("office").order_by("name")
        },
    }


def list_terms(part: Plan | PlanList) -> dict[str, Any]:
    """What is decided with one list, as plain JSON."""
    return {
        "items": [item_mark(item) for item in part.items.order_by("code", "valid_from")],
        **{name: getattr(part, name) for name in LIST_FIELDS},
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
    problems = _list_problems(values, items, values["starts_on"])
    if not values["name"]:
        problems["name"] = _("请填写计划名称。")
    if values["ends_on"] < values["starts_on"]:
        problems["ends_on"] = _("检查结束不得早于检查开始。")
    if values["starts_on"].year != values["year"]:
        problems["year"] = _("检查开始日期不在计划年度内。")
    if values["team_size"] < 2:
        problems["team_size"] = _("每组检查人员不少于 2 人。")
    least, most = values["load_least"], values["load_most"]
    if most is not None and most < max(1, least or 0):
        problems["load_most"] = _("每人最多检查次数不得少于 1，也不得少于最少检查次数。")
    if values["kind"] == Plan.Kind.JOINT and not joint:
        problems["joint_offices"] = _("部门联合抽查须选择联合机构。")
    if values["kind"] != Plan.Kind.JOINT and joint:
        problems["joint_offices"] = _("有联合机构的是部门联合抽查，请相应选择抽查类型。")
    if values["kind"] == Plan.Kind.UNDIRECTED and any(
        values["scope"].get(key) for key in ("parks", "industries", "sizes", "risk_classes", "tags")
    ):
        # 企业公示信息抽查办法: a draw by type, size, industry or area is a directed one.
        problems["kind"] = _("按园区、行业、规模、分类或标签限定对象的是定向抽查。")
    _refuse(problems)


def _list_problems(values: Mapping[str, Any], items: Sequence[CheckItem], day: datetime.date) -> dict[str, str]:
    """What is wrong with one list: field → sentence."""
    problems: dict[str, str] = {}
    if not items:
        problems["items"] = _("请至少选择一个抽查事项。")
    for item in items:
        if (item.valid_from and item.valid_from > day) or (item.valid_to and item.valid_to < day):
            problems["items"] = _("事项“%(item)s”在检查开始之日(%(day)s)不在有效期内。") % {
                "item": named(item),
                "day": day.isoformat(),
            }
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
    return problems


def _refuse(problems: Mapping[str, str]) -> None:
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
