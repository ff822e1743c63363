"""检查任务: withdrawn in public, or a team member replaced by the next in line."""

import datetime
from collections.abc import Sequence

from django.db import transaction
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import draw as engine
from zhunsheng.engine.draw.announce import ASSIGN_RULE
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json
from zhunsheng.engine.suites import suite
from zhunsheng.web.common.errors import NotAllowed, Refused, say
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.actions.draws import keep_back, record_results
from zhunsheng.web.inspection.actions.signing import sign_section
from zhunsheng.web.inspection.models import Task, TeamMember, Visit
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import Deed, record, record_many
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
        public = {"draw": task.draw.no, "unit": task.unit_id, "reason": task.withdrawn_reason}
        record(
            "task.withdraw",
            "task",
            task.no,
            by=by,
            at=at,
            reason=task.withdrawn_reason,
            # who a sealed draw has drawn is told when it is opened: the results of the bundle name the unit then
            public=None if task.draw.secret else public,
        )
        record_results([task.draw_id], by=by, at=at)
    return task


def replace_inspector(
    task: Task,
    absent: Inspector,
    *,
    by: User,
    at: datetime.datetime,
    reason: str,
    passed: Sequence[tuple[str, str]] = (),
) -> TeamMember:
    """递补: an absent team member is replaced by the next in the order that the second seed fixed for the place.

    passed: (number, reason) of those at the head of that order who cannot go either, in the order. Whoever is replaced
    cannot come back; the reasons are public, persons by number. Raises Refused where `passed` is not the head of the
    order or nobody is left. Done again, it returns the member who took the place.
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
            return TeamMember.objects.get(replaces=gone)
        if task.state != Task.State.ASSIGNED:
            raise Refused(_("只有已派员、未录入结果的任务可以替换检查人员。"))
        if len(reason.strip()) < 2:
            raise Refused(_("请写明替换的理由，理由将向社会公开。"), field="reason")
        if any(len(why.strip()) < 2 for _number, why in passed):
            raise Refused(_("请写明每一位依次在前的人员不能到场的理由，理由将向社会公开。"), field="passed")
        draw = task.draw
        closed, standing = queries.stored_constraints(draw), queries.standing_team(task)
        if closed is None or standing is None:
            raise Refused(_("任务 %(no)s 没有按公布的约束派员，不能递补。") % {"no": task.no})
        try:
            change = engine.substitute(
                closed,
                draw.second_seed,
                standing,
                absent.person_no,
                reason=reason.strip(),
                at=at,
                passed=[(number, why.strip()) for number, why in passed],
                suite=suite(draw.suite),
            )
        except DrawError as problem:
            raise Refused(say(problem), field="passed") from problem
        was = {one.inspector.person_no: one for one in team}
        if change.newcomer in was and was[change.newcomer].replaced_reason:
            raise Refused(
                _("依次应由 %(number)s 递补，但其已因故退出本任务；请把该人员列为不能到场，并写明理由。")
                % {"number": change.newcomer},
                field="passed",
            )
        chosen = Inspector.objects.select_related("user").get(person_no=change.newcomer)
        gone.replaced_reason, gone.lead = change.reason, False
        gone.save()
        fresh = TeamMember.objects.create(
            task=task,
            inspector=chosen,
            lead=change.lead,
            replaces=gone,
            took_lead=change.lead,
            since=at,
            passed=[{"number": number, "reason": why} for number, why in change.passed],
        )
        _record_change(task, change, by=by, at=at)
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


def _record_change(task: Task, change: engine.Change, *, by: User, at: datetime.datetime) -> None:
    """One act on the task, and one entry of the log on the draw. What a sealed draw keeps back is told when it is opened."""
    draw = task.draw
    deeds = [
        Deed(
            "task.replace",
            "task",
            task.no,
            rule=ASSIGN_RULE,
            reason=change.reason,
            changes={
                "absent": [change.out, change.newcomer],
                "passed": [None, [number for number, _why in change.passed]],
            },
        )
    ]
    section = [one.as_json() for one in queries.changes(draw)]
    digest = sign_section(draw, "changes", section)
    held = keep_back(draw)
    draw.save(update_fields=["signatures"])
    public: dict[str, Json] = {"changes": digest, **held}
    if draw.secret:
        deeds.append(Deed("team.replace", "draw", draw.no, rule=ASSIGN_RULE, public=public))
    else:
        public |= {"unit": task.unit_id, "change": change.as_json()}
        deeds.append(Deed("team.replace", "draw", draw.no, rule=ASSIGN_RULE, reason=change.reason, public=public))
    record_many(deeds, by=by, at=at)
