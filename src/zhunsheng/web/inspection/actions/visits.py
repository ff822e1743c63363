"""检查记录: recorded, reviewed by a second person, published within the limit, corrected by a new version."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine.clock import CHINA
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.common.records import Publicity
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.actions.draws import record_results
from zhunsheng.web.inspection.models import CheckItem, DocumentRequest, Finding, FollowUp, ResultWording, Task, Visit
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import Deed, record, record_many
from zhunsheng.web.registry.models import Premises


@dataclass(frozen=True, slots=True)
class FindingInput:
    """The verdict on one item. A problem needs a text; `severity` is minor, significant or crucial."""

    item: CheckItem
    verdict: str
    text: str = ""
    severity: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class VisitInput:
    """What an inspector writes down. `result` may be missing in a draft only. `at`: when it was entered, if not now."""

    task: Task
    visited_on: datetime.date
    result: ResultWording | None = None
    findings: Sequence[FindingInput] = ()
    premises: Premises | None = None
    summary: str = ""
    entity_opinion: str = ""
    signed: str = "signed"
    witness: str = ""
    at: datetime.datetime | None = None
    arrived_at: datetime.time | None = None
    left_at: datetime.time | None = None
    #: kinds of papers asked of the firm: codes of `inspection/documents`
    documents: Sequence[str] = ()


def record_visit(entry: VisitInput, *, by: User, at: datetime.datetime, submit: bool = True) -> Visit:
    """Records one visit (see `record_visits`)."""
    return record_visits([entry], by=by, at=at, submit=submit)[0]


def record_visits(
    entries: Sequence[VisitInput], *, by: User, at: datetime.datetime, submit: bool = True
) -> list[Visit]:
    """Records visits as drafts, or submits them for review: all or none.

    A draft or a returned record of the same task is overwritten by the entry. The same entry submitted again changes
    nothing; another one is refused, for it is under review. Raises Refused for a task that has no team or is withdrawn,
    a date before the draw or in the future, a result that is not in force on that day or contradicts the verdicts, an item
    without a verdict, a problem without a text, a refused signature without a witness.
    """
    with transaction.atomic():
        tasks = _locked_tasks([entry.task for entry in entries])
        standing = _standing(tasks.values())
        known = _lists_of(tasks.values())
        made, deeds = [], []
        for entry in entries:
            task, moment = tasks[entry.task.pk], entry.at or at
            if not policy.may_record(by, task):
                raise NotAllowed(_("任务 %(no)s 由检查组成员录入，或由承办机构经办人员代为录入。") % {"no": task.no})
            visit = standing.get(task.pk)
            if visit is not None and visit.state not in {Visit.State.DRAFT, Visit.State.RETURNED}:
                if _unchanged(visit, entry):
                    made.append(visit)
                    continue
                raise Refused(
                    _("任务 %(no)s 的检查记录已提交，不能再改；需要修改时请审核人退回，已公示的请更正。")
                    % {"no": task.no}
                )
            if task.state != Task.State.ASSIGNED:
                raise Refused(_("任务 %(no)s 尚未派员或已撤回，不能录入检查结果。") % {"no": task.no})
            _check_entry(entry, task, moment, known[task.draw.plan_id], submit=submit)
            fresh = visit or Visit(no=task.no, task=task, entity=task.entity, level=task.draw.plan.level)
            _fill(fresh, entry, by=by, at=moment, submit=submit)
            made.append(fresh)
            deeds.append(
                Deed(
                    "visit.submit" if submit else "visit.draft",
                    "visit",
                    fresh.no,
                    at=moment,
                    changes={
                        "visited_on": entry.visited_on.isoformat(),
                        "result": entry.result.code if entry.result else "",
                        "problems": sum(one.verdict == Finding.Verdict.PROBLEM for one in entry.findings),
                    },
                )
            )
        changed = {
            entry.task.pk for entry, visit in zip(entries, made, strict=True) if visit.pk is None or _touched(visit)
        }
        _save(made, entries, changed)
        if submit:
            Task.objects.filter(pk__in=changed).update(state=Task.State.RESULT_ENTERED)
        record_many(deeds, by=by, at=at)
    return made


def review_visits(
    visits: Iterable[Visit], *, by: User, at: datetime.datetime, passed: bool = True, reason: str = ""
) -> list[Visit]:
    """Passes submitted records or returns them with a reason: all or none, by somebody who neither entered nor visited.

    Records already passed stay as they are.
    """
    if not passed and len(reason.strip()) < 2:
        raise Refused(_("退回时请写明理由。"), field="reason")
    with transaction.atomic():
        found = _locked_visits(visits)
        deeds, changed, returned = [], [], []
        for visit in found:
            if not policy.may_review(by, visit):
                raise NotAllowed(
                    _("记录 %(no)s 须由承办机构的审核人或负责人审核，录入人和检查组成员不能审核。") % {"no": visit.no}
                )
            if passed and visit.state == Visit.State.REVIEWED:
                continue
            if visit.state != Visit.State.SUBMITTED:
                raise Refused(_("记录 %(no)s 不在待审核状态。") % {"no": visit.no})
            visit.reviewed_by, visit.reviewed_at = by, at
            if passed:
                visit.state, visit.return_reason = Visit.State.REVIEWED, ""
            else:
                visit.state, visit.return_reason = Visit.State.RETURNED, reason.strip()
                returned.append(visit)
            changed.append(visit)
            deeds.append(Deed("visit.review" if passed else "visit.return", "visit", visit.no, reason=reason.strip()))
        _same_for_all(changed, "state", "return_reason", "reviewed_by", "reviewed_at")
        # A correction that is returned leaves the published version, and the task, as they are.
        Task.objects.filter(pk__in=[visit.task_id for visit in returned if visit.corrects_id is None]).update(
            state=Task.State.ASSIGNED
        )
        record_many(deeds, by=by, at=at)
        for visit in returned:
            _tell(
                visit.entered_by, gettext_lazy("检查记录 {no} 被退回：{reason}"), visit, at, reason=visit.return_reason
            )
    return found


def review_visit(visit: Visit, *, by: User, at: datetime.datetime, passed: bool = True, reason: str = "") -> Visit:
    return review_visits([visit], by=by, at=at, passed=passed, reason=reason)[0]


def publish_visits(visits: Iterable[Visit], *, by: User, at: datetime.datetime) -> list[Visit]:
    """Approves the class of publicity of reviewed records and publishes them: one log entry each, and the follow-up that
    the wording calls for. Records already published stay as they are. A published correction puts the old version in its
    place: both are shown.
    """
    with transaction.atomic():
        found = _locked_visits(visits)
        fresh = []
        for visit in found:
            if not policy.may_publish(by, visit):
                raise NotAllowed(
                    _("记录 %(no)s 须由承办机构的审核人或负责人公示，录入人和检查组成员不能公示。") % {"no": visit.no}
                )
            if visit.state in {Visit.State.PUBLISHED, Visit.State.CORRECTED}:
                continue
            if visit.state != Visit.State.REVIEWED:
                raise Refused(_("记录 %(no)s 尚未审核通过，不能公示。") % {"no": visit.no})
            if visit.task is not None and visit.task.draw.secret:
                raise Refused(
                    _("抽取 %(draw)s 还没有开封，公示结果会泄露抽中名单；请先开封，再公示记录 %(no)s。")
                    % {"draw": visit.task.draw.no, "no": visit.no}
                )
            if visit.task is not None and visit.task.draw.secret:
                raise Refused(
                    _("抽取 %(draw)s 尚未开封，公示 %(no)s 会泄露抽中名单；请先开封。")
                    % {"draw": visit.task.draw.no, "no": visit.no}
                )
            visit.state, visit.published_at, visit.published_by = Visit.State.PUBLISHED, at, by
            visit.publicity, visit.publicity_approved_by, visit.publicity_approved_at = Publicity.ACTIVE, by, at
            fresh.append(visit)
        _same_for_all(
            fresh,
            "state",
            "published_at",
            "published_by",
            "publicity",
            "publicity_approved_by",
            "publicity_approved_at",
        )
        corrected = [visit.corrects_id for visit in fresh if visit.corrects_id]
        Visit.objects.filter(pk__in=corrected).update(state=Visit.State.CORRECTED)
        opened = _open_follow_ups(fresh, at)
        _settle_tasks(fresh, opened)
        findings = _findings_of(fresh)
        record_many([_publication(visit, findings.get(visit.pk, []), at) for visit in fresh], by=by, at=at)
        record_results([visit.task.draw_id for visit in fresh if visit.task is not None], by=by, at=at)
    return found


def publish_visit(visit: Visit, *, by: User, at: datetime.datetime) -> Visit:
    return publish_visits([visit], by=by, at=at)[0]


def correct_visit(visit: Visit, entry: VisitInput, *, by: User, at: datetime.datetime, reason: str) -> Visit:
    """更正: a new version of a published record, to be reviewed and published like any other. The old one stays public.

    The same correction again is the one under way.
    """
    if len(reason.strip()) < 5:
        raise Refused(_("请写明更正的理由，理由将与更正前后的结果一并公示。"), field="reason")
    with transaction.atomic():
        visit = queries.visits_with_team(Visit.objects.select_for_update(of=("self",))).get(pk=visit.pk)
        if not policy.may_correct(by, visit) or visit.task is None:
            raise NotAllowed(_("更正由检查组成员或承办机构经办人员提出。"))
        pending = Visit.objects.filter(corrects=visit).first()
        if pending is not None and pending.state not in {Visit.State.DRAFT, Visit.State.RETURNED}:
            if _unchanged(pending, entry):
                return pending
            raise Refused(_("该记录已有更正 %(no)s 在办理。") % {"no": pending.no})
        if visit.state != Visit.State.PUBLISHED:
            raise Refused(_("只有已公示的记录可以更正。"))
        known = _lists_of([visit.task])[visit.task.draw.plan_id]
        _check_entry(entry, visit.task, at, known, submit=True)
        base, _sep, number = visit.no.partition("-v")
        fresh = pending or Visit(
            no=f"{base}-v{int(number or 1) + 1}",
            task=visit.task,
            entity=visit.entity,
            level=visit.level,
            corrects=visit,
        )
        fresh.correction_reason = reason.strip()
        _fill(fresh, entry, by=by, at=at, submit=True)
        fresh.save()
        fresh.findings.all().delete()
        Finding.objects.bulk_create(_findings(fresh, entry.findings))
        _save_documents([(fresh, entry)])
        record(
            "visit.correct",
            "visit",
            fresh.no,
            by=by,
            at=at,
            reason=fresh.correction_reason,
            changes={"corrects": visit.no},
        )
    return fresh


def close_follow_up(follow_up: FollowUp, *, by: User, at: datetime.datetime, outcome: str) -> FollowUp:
    """办结 a follow-up, with what came of it."""
    with transaction.atomic():
        follow_up = (
            FollowUp.objects.select_for_update(of=("self",))
            .select_related("visit__task__draw__plan__office", "visit__entity")
            .get(pk=follow_up.pk)
        )
        if not policy.may_follow_up(by, follow_up):
            raise NotAllowed(_("后续处理由检查组成员或承办机构经办人员、负责人办结。"))
        if follow_up.state == FollowUp.State.CLOSED:
            return follow_up
        if len(outcome.strip()) < 2:
            raise Refused(_("请写明处理结果。"), field="outcome")
        follow_up.state, follow_up.outcome = FollowUp.State.CLOSED, outcome.strip()
        follow_up.closed_at, follow_up.closed_by = at, by
        follow_up.save()
        task = follow_up.visit.task
        if task is not None:
            Task.objects.filter(pk=task.pk, state=Task.State.FOLLOWUP_OPEN).update(state=Task.State.CLOSED)
        record(
            "follow_up.close",
            "visit",
            follow_up.visit.no,
            by=by,
            at=at,
            rule="inspection/follow_up_kinds",
            public={
                "unit": follow_up.visit.entity.unit_id,
                "kind": follow_up.kind,
                "closed_on": _day(at).isoformat(),
                "due_on": follow_up.due_on.isoformat() if follow_up.due_on else "",
            },
        )
    return follow_up


# -- checks ----------------------------------------------------------------------------------------------------------
def _check_entry(
    entry: VisitInput, task: Task, at: datetime.datetime, known: Sequence[queries.PlanTerms], *, submit: bool
) -> None:
    problems: dict[str, str] = {}
    drawn_on = _day(task.draw.executed_at) if task.draw.executed_at else None
    if drawn_on is None or entry.visited_on < drawn_on:
        problems["visited_on"] = _("检查日期不得早于抽取之日。")
    elif entry.visited_on > _day(at):
        problems["visited_on"] = _("检查日期不得晚于今天。")
    if entry.arrived_at and entry.left_at and entry.left_at < entry.arrived_at:
        problems["left_at"] = _("离开时间不得早于到达时间。")
    unknown = set(entry.documents) - set(queries.document_kinds(entry.visited_on))
    if unknown:
        problems["documents"] = _("材料种类表中没有“%(codes)s”。") % {"codes": _("、").join(sorted(unknown))}
    if entry.premises is not None and entry.premises.entity_id != task.entity_id:
        problems["premises"] = _("该场所不属于被检查单位。")
    concerned = queries.items_for(task, known)
    allowed = {item.pk for item in concerned}
    judged = [one.item.pk for one in entry.findings]
    if set(judged) - allowed or len(judged) != len(set(judged)):
        problems["findings"] = _("单项结论应与本任务的抽查事项一一对应。")
    for one in entry.findings:
        if one.verdict == Finding.Verdict.PROBLEM and not one.text.strip():
            problems["findings"] = _("事项“%(item)s”发现问题，请写明问题。") % {"item": named(one.item)}
    if entry.result is not None and not _in_force(entry.result, entry.visited_on):
        problems["result"] = _("结果用语“%(name)s”在检查之日不在有效期内。") % {"name": named(entry.result)}
    if submit:
        _check_complete(entry, concerned, problems)
    if problems:
        said = {"no": task.no, "problem": next(iter(problems.values()))}
        raise Refused(_("任务 %(no)s:%(problem)s") % said, fields=problems)


def _check_complete(entry: VisitInput, concerned: Sequence[CheckItem], problems: dict[str, str]) -> None:
    if entry.signed != "signed" and not entry.witness.strip():
        problems["witness"] = _("被检查单位拒绝签字或无人在场的，须写明见证人。")
    if entry.result is None:
        problems["result"] = _("请选择一个总的检查结果。")
        return
    role = entry.result.estimation_role
    found_problem = any(one.verdict == Finding.Verdict.PROBLEM for one in entry.findings)
    said = {one.item.pk for one in entry.findings}
    # Somebody who could not be inspected has no verdicts; who was inspected has one on every item.
    inspected = role in {ResultWording.Role.ELIGIBLE_PASS, ResultWording.Role.ELIGIBLE_FAIL}
    missing = [named(item) for item in concerned if item.pk not in said]
    if inspected and missing:
        problems.setdefault(
            "findings", _("请给出每个抽查事项的结论，尚缺：%(items)s。") % {"items": _("、").join(missing)}
        )
    elif role == ResultWording.Role.ELIGIBLE_PASS and found_problem:
        problems["result"] = _("有事项发现问题，总结果不能是“%(name)s”。") % {"name": named(entry.result)}
    elif role == ResultWording.Role.ELIGIBLE_FAIL and not found_problem:
        problems["result"] = _("总结果是“%(name)s”，请在相应事项中写明发现的问题。") % {"name": named(entry.result)}


def _in_force(wording: ResultWording, day: datetime.date) -> bool:
    return (wording.valid_from is None or wording.valid_from <= day) and (
        wording.valid_to is None or day <= wording.valid_to
    )


# -- rows ------------------------------------------------------------------------------------------------------------
def _locked_tasks(tasks: Iterable[Task]) -> dict[int, Task]:
    keys = sorted({task.pk for task in tasks})
    found = queries.with_team(Task.objects.select_for_update(of=("self",)).filter(pk__in=keys))
    return {task.pk: task for task in found}


def _locked_visits(visits: Iterable[Visit]) -> list[Visit]:
    keys = [visit.pk for visit in visits]
    rows: QuerySet[Visit] = Visit.objects.select_for_update(of=("self",)).filter(pk__in=keys)
    found = {visit.pk: visit for visit in queries.visits_with_team(rows).select_related("corrects", "published_by")}
    return [found[key] for key in dict.fromkeys(keys)]


def _standing(tasks: Iterable[Task]) -> dict[int, Visit]:
    """Task → its record that is not a correction."""
    rows = Visit.objects.select_for_update(of=("self",)).filter(task__in=list(tasks), corrects__isnull=True)
    return {visit.task_id: visit for visit in rows if visit.task_id is not None}


def _lists_of(tasks: Iterable[Task]) -> dict[int, list[queries.PlanTerms]]:
    plans = {task.draw.plan_id: task.draw.plan for task in tasks}
    return {key: queries.lists(plan) for key, plan in plans.items()}


def _fill(visit: Visit, entry: VisitInput, *, by: User, at: datetime.datetime, submit: bool) -> None:
    visit.visited_on, visit.result, visit.premises = entry.visited_on, entry.result, entry.premises
    visit.summary, visit.entity_opinion = entry.summary.strip(), entry.entity_opinion.strip()
    visit.signed, visit.witness = entry.signed, entry.witness.strip()
    visit.arrived_at, visit.left_at = entry.arrived_at, entry.left_at
    visit.entered_by, visit.entered_at = by, at
    visit.publish_due = queries.publish_due(entry.visited_on)
    visit.state = Visit.State.SUBMITTED if submit else Visit.State.DRAFT
    visit.reviewed_by = visit.reviewed_at = None
    visit.__dict__["_touched"] = True


def _touched(visit: Visit) -> bool:
    return bool(visit.__dict__.get("_touched"))


def _findings(visit: Visit, findings: Iterable[FindingInput]) -> list[Finding]:
    return [
        Finding(
            visit=visit,
            item=one.item,
            verdict=one.verdict,
            text=one.text.strip(),
            severity=one.severity,
            action=one.action.strip(),
        )
        for one in findings
    ]


def _save(visits: Sequence[Visit], entries: Sequence[VisitInput], changed: set[int]) -> None:
    new = [visit for visit in visits if visit.pk is None]
    old = [visit for visit in visits if visit.pk is not None and _touched(visit)]
    Visit.objects.bulk_create(new, batch_size=1000)
    for visit in old:
        visit.save()
    Finding.objects.filter(visit__in=[visit.pk for visit in old]).delete()
    Finding.objects.bulk_create(
        [
            one
            for visit, entry in zip(visits, entries, strict=True)
            if visit.task_id in changed
            for one in _findings(visit, entry.findings)
        ],
        batch_size=2000,
    )
    _save_documents([(v, e) for v, e in zip(visits, entries, strict=True) if v.task_id in changed])


def _save_documents(entries: Sequence[tuple[Visit, VisitInput]]) -> None:
    """The papers asked for during visits, by the office that leads the plan."""
    DocumentRequest.objects.filter(visit__in=[visit.pk for visit, _entry in entries]).delete()
    DocumentRequest.objects.bulk_create(
        [
            DocumentRequest(
                entity_id=visit.entity_id,
                office_id=entry.task.draw.plan.office_id,
                kind=kind,
                requested_on=entry.visited_on,
                visit=visit,
                requested_by=visit.entered_by,
            )
            for visit, entry in entries
            for kind in dict.fromkeys(entry.documents)
        ],
        batch_size=2000,
    )


def _unchanged(visit: Visit, entry: VisitInput) -> bool:
    stored = [
        (one.item_id, one.verdict, one.text, one.severity, one.action) for one in visit.findings.order_by("item_id")
    ]
    given = sorted(
        (one.item.pk, one.verdict, one.text.strip(), one.severity, one.action.strip()) for one in entry.findings
    )
    return (
        stored == given
        and visit.visited_on == entry.visited_on
        and visit.result_id == (entry.result.pk if entry.result else None)
        and visit.premises_id == (entry.premises.pk if entry.premises else None)
        and (visit.summary, visit.entity_opinion) == (entry.summary.strip(), entry.entity_opinion.strip())
        and (visit.signed, visit.witness) == (entry.signed, entry.witness.strip())
        and (visit.arrived_at, visit.left_at) == (entry.arrived_at, entry.left_at)
        and {one.kind for one in visit.document_requests.all()} == set(entry.documents)
    )


def _same_for_all(visits: Sequence[Visit], *fields: str) -> None:
    """Stores fields that have the same value in all of the visits: one statement, however many they are."""
    if visits:
        values = {name: getattr(visits[0], name) for name in fields}
        Visit.objects.filter(pk__in=[visit.pk for visit in visits]).update(**values)


def _open_follow_ups(visits: Sequence[Visit], at: datetime.datetime) -> set[int]:
    """Opens what the wordings call for; returns the keys of the visits that have a follow-up now."""
    taken = _follow_ups_of_corrected(visits)
    rows = []
    for visit in visits:
        kind = visit.result.needs_followup if visit.result else "none"
        if kind == "none" or visit.pk in taken:
            continue
        rows.append(FollowUp(visit=visit, kind=kind, due_on=queries.follow_up_due(visit, kind, at), opened_at=at))
    FollowUp.objects.bulk_create(rows, batch_size=1000)
    return {row.visit_id for row in rows} | taken


def _follow_ups_of_corrected(visits: Sequence[Visit]) -> set[int]:
    """A correction whose kind of follow-up is the old version's takes it over; one that needs none closes it."""
    old = {visit.corrects_id: visit for visit in visits if visit.corrects_id}
    taken = set()
    for follow_up in FollowUp.objects.filter(visit__in=list(old), state=FollowUp.State.OPEN):
        visit = old[follow_up.visit_id]
        if visit.result is not None and visit.result.needs_followup == follow_up.kind:
            follow_up.visit = visit
            taken.add(visit.pk)
        else:
            follow_up.state, follow_up.outcome = (
                FollowUp.State.CLOSED,
                _("检查结果已更正，见 %(no)s。") % {"no": visit.no},
            )
            follow_up.closed_at, follow_up.closed_by = visit.published_at, visit.published_by
        follow_up.save()
    return taken


def _settle_tasks(visits: Sequence[Visit], opened: set[int]) -> None:
    keys = [visit.task_id for visit in visits if visit.pk in opened]
    Task.objects.filter(pk__in=keys).update(state=Task.State.FOLLOWUP_OPEN)
    Task.objects.filter(pk__in=[visit.task_id for visit in visits if visit.pk not in opened]).update(
        state=Task.State.PUBLISHED
    )


def _findings_of(visits: Sequence[Visit]) -> Mapping[int, list[Finding]]:
    found: dict[int, list[Finding]] = {}
    for one in Finding.objects.filter(visit__in=[visit.pk for visit in visits]).select_related("item").order_by("pk"):
        found.setdefault(one.visit_id, []).append(one)
    return found


def _publication(visit: Visit, findings: Sequence[Finding], at: datetime.datetime) -> Deed:
    """The public act: the unit, the result, the items with their verdicts, the inspectors by number, the rule. No name, no text."""
    if visit.task is None or visit.result is None:
        raise Refused(_("记录 %(no)s 没有任务或结果，不能公示。") % {"no": visit.no})
    team = [one.inspector.person_no for one in visit.task.team.all() if not one.replaced_reason]
    public = {
        "unit": visit.task.unit_id,
        "draw": visit.task.draw.no,
        "result": visit.result.code,
        "wording": visit.result.name,
        "visited_on": visit.visited_on.isoformat(),
        "inspectors": team,
        "items": [{"code": one.item.code if one.item else "", "verdict": one.verdict} for one in findings],
        "due_on": visit.publish_due.isoformat() if visit.publish_due else "",
        "days_late": queries.days_late(visit.publish_due, _day(at)),
    }
    if visit.corrects_id and visit.corrects:
        public |= {"corrects": visit.corrects.no, "reason": visit.correction_reason}
    return Deed(
        "visit.publish",
        "visit",
        visit.no,
        rule=f"{queries.PUBLISH_LIMIT}; result_wordings {visit.result.code}",
        public=public,
    )


def _day(moment: datetime.datetime) -> datetime.date:
    return moment.astimezone(CHINA).date()


def _tell(user: User | None, text: object, visit: Visit, at: datetime.datetime, **values: str) -> None:
    if user is not None:
        said = format_lazy(text, no=visit.no, **values)
        transaction.on_commit(lambda: notify([user], said, reverse("inspection:visit", args=[visit.pk]), at=at))
