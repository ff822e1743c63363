"""检查任务: withdrawn in public, or a team member replaced by the next in line."""

import datetime
import json
from collections import Counter
from hashlib import sha256

from django.db import transaction
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.draw.announce import ASSIGN_RULE
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.models import Task, TeamMember, Visit
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record
from zhunsheng.web.registry.models import Inspector


def withdraw_task(task: Task, *, by: User, at: datetime.datetime, reason: str) -> Task:
    """Takes a drawn entity back before it is inspected: by a head, with a public reason, and never for another one."""
    with transaction.atomic():
        task = queries.with_team(Task.objects.select_for_update(of=("self",))).get(pk=task.pk)
        if not policy.may_withdraw(by, task):
            raise NotAllowed(_("撤回任务须由牵头机构负责人决定。"))
        if task.state == Task.State.WITHDRAWN:
            return task
        if task.state not in {Task.State.DRAWN, Task.State.ASSIGNED}:
            raise Refused(_("已录入检查结果的任务不能撤回。"))
        if Visit.objects.filter(task=task).exclude(state=Visit.State.DRAFT).exists():
            raise Refused(_("已提交过检查记录的任务不能撤回；请修改退回的记录后重新提交。"))
        if len(reason.strip()) < 5:
            raise Refused(_("请写明撤回的理由，理由将向社会公开。"), field="reason")
        Visit.objects.filter(task=task).delete()  # drafts only: nobody but its writer has seen them
        task.state, task.withdrawn_reason, task.withdrawn_at = Task.State.WITHDRAWN, reason.strip(), at
        task.save()
        record(
            "task.withdraw",
            "task",
            task.no,
            by=by,
            at=at,
            reason=task.withdrawn_reason,
            public={"draw": task.draw.no, "unit": task.unit_id, "reason": task.withdrawn_reason},
        )
    return task


def replace_inspector(task: Task, absent: Inspector, *, by: User, at: datetime.datetime, reason: str) -> TeamMember:
    """Replaces an absent team member by the next in line: fewest visits of this draw, then the smallest hash of the
    assignment's own seed. Whoever is replaced cannot come back; the reason is public, persons by number.

    Raises Refused where nobody is left who may go. Done again, it returns the member who took the place.
    """
    with transaction.atomic():
        task = queries.with_team(Task.objects.select_for_update(of=("self",))).get(pk=task.pk)
        if not policy.may_replace(by, task):
            raise NotAllowed(_("替换检查人员由牵头机构的经办人员或负责人办理。"))
        team = list(task.team.all())
        gone = next((one for one in team if one.inspector_id == absent.pk), None)
        if gone is None:
            raise Refused(
                _("%(no)s 不在任务 %(task)s 的检查组中。") % {"no": absent.person_no, "task": task.no}, field="absent"
            )
        if gone.replaced_reason:
            return max((one for one in team if one.pk > gone.pk), key=lambda one: one.pk)
        if task.state != Task.State.ASSIGNED:
            raise Refused(_("只有已派员、未录入结果的任务可以替换检查人员。"))
        if len(reason.strip()) < 2:
            raise Refused(_("请写明替换的理由，理由将向社会公开。"), field="reason")
        chosen = _next_in_line(task, team, gone, at)
        gone.replaced_reason, was_lead = reason.strip(), gone.lead
        gone.lead = False
        gone.save()
        fresh = TeamMember.objects.create(task=task, inspector=chosen, lead=was_lead)
        record(
            "team.replace",
            "task",
            task.no,
            by=by,
            at=at,
            rule=ASSIGN_RULE,
            reason=gone.replaced_reason,
            public={
                "draw": task.draw.no,
                "unit": task.unit_id,
                "absent": absent.person_no,
                "replaced_by": chosen.person_no,
                "reason": gone.replaced_reason,
            },
        )
        if chosen.user_id:
            transaction.on_commit(
                lambda: notify(
                    [chosen.user],
                    format_lazy(gettext_lazy("您被替补到检查任务 {no}"), no=task.no),
                    reverse("inspection:task", args=[task.pk]),
                    at=at,
                )
            )
    return fresh


def _next_in_line(task: Task, team: list[TeamMember], gone: TeamMember, at: datetime.datetime) -> Inspector:
    draw = task.draw
    day = at.astimezone(CHINA).date()
    pool = list(queries.inspector_pool(draw.plan))
    needed = next((one.speciality for one in queries.targets(draw) if one.id == task.unit_id), "") if gone.lead else ""
    taken = {one.inspector.person_no for one in team}
    able = [
        one.number
        for one in queries.inspectors(draw, pool, day)
        if one.available(day)
        and task.unit_id not in one.recusals
        and one.number not in taken
        and (not needed or needed in one.specialities)
    ]
    if not able:
        raise Refused(
            _("没有可以替补的检查人员：在岗、持证、无需回避%(speciality)s的人员都已在检查组中。")
            % {"speciality": _("且具备所需专业") if needed else ""}
        )
    seed = json.loads(draw.file.assignment)["seed"]
    load = Counter(
        TeamMember.objects.filter(task__draw=draw, replaced_reason="").values_list("inspector__person_no", flat=True)
    )
    number = min(
        able, key=lambda one: (load[one], sha256(f"{seed}|assign|{task.unit_id}|{one}".encode()).hexdigest(), one)
    )
    return next(one for one in pool if one.person_no == number)
