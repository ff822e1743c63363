"""检查任务, 检查记录, 后续处理: my tasks, the record form, review and publication one by one or together."""

import datetime
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.web.common.errors import NotAllowed, Refused, language, say
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.pages import act
from zhunsheng.web.common.templatetags.zs import due, named, state_tag
from zhunsheng.web.desk.bulk import offers
from zhunsheng.web.inspection import actions, policy, queries
from zhunsheng.web.inspection.forms.draws import ReplaceForm
from zhunsheng.web.inspection.forms.fields import PublicReasonForm, ReasonForm, checked
from zhunsheng.web.inspection.forms.filters import FollowUpFilter, TaskFilter, VisitFilter
from zhunsheng.web.inspection.forms.visits import OutcomeForm, VisitForm, visit_initial
from zhunsheng.web.inspection.models import Finding, FollowUp, Task, TeamMember, Visit
from zhunsheng.web.inspection.views.pages import form_page, seal_of, see, tabs
from zhunsheng.web.matters import queries as matters
from zhunsheng.web.matters import words as matter_words
from zhunsheng.web.people import step_up
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.public_log.models import LogEntry
from zhunsheng.web.public_log.queries import history
from zhunsheng.web.public_log.words import tell

TASK_KIND = {
    "drawn": "muted", "assigned": "warn", "result_entered": "info", "published": "good", "followup_open": "warn", "closed": "good",
    "withdrawn": "bad",
}  # fmt: skip
VISIT_KIND = {
    "draft": "muted", "submitted": "info", "returned": "bad", "reviewed": "info", "published": "good", "corrected": "muted",
}  # fmt: skip
VERDICT_KIND = {"pass": "good", "problem": "bad", "not_applicable": "muted"}
ROLE_KIND = {"eligible_pass": "good", "eligible_fail": "bad", "ineligible": "muted", "non_response": "warn"}
QUEUE = 200


# -- lists -----------------------------------------------------------------------------------------------------------
@require_GET
@step_up.required("export", when=step_up.exporting)
def tasks(request: UserRequest) -> HttpResponse:
    see(request)
    today = timezone.localdate()
    members = Prefetch(
        "team", TeamMember.objects.filter(replaced_reason="").select_related("inspector").order_by("-lead", "pk")
    )
    listing = Listing(
        request=request,
        queryset=queries.told_tasks(queries.visible_tasks(request.user)).select_related("entity__division", "draw").prefetch_related(members, "inclusions"),
        name="tasks", title=_("检查任务"), filterset_class=TaskFilter, default_sort="due",
        url=lambda task: reverse("inspection:task", args=[task.pk]),
        columns=[
            Column("no", gettext_lazy("任务编号"), lambda task: task.no, order="no"),
            Column("entity", pgettext_lazy("one", "经营主体"), lambda task: task.entity.name, order="entity__name"),
            Column("unit_id", gettext_lazy("主体标识"), lambda task: task.unit_id, hidden=True),
            Column("division", gettext_lazy("行政区划"), lambda task: named(task.entity.division) if task.entity.division else ""),
            Column("stratum", gettext_lazy("层"), lambda task: " ".join(one.full_name for one in task.inclusions.all())),
            Column("probability", gettext_lazy("入样概率"), lambda task: " ".join(f"{one.numerator}/{one.denominator}" for one in task.inclusions.all()), numeric=True, hidden=True),
            Column("state", gettext_lazy("状态"), lambda task: task.get_state_display(), html=task_state, order="state"),
            Column("team", gettext_lazy("检查组"), lambda task: _("、").join(str(one.inspector) for one in task.team.all())),
            Column("due", gettext_lazy("检查截止"), lambda task: task.due_on, html=lambda task: task_due(task, today), order="due_on"),
        ],
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    return render(request, "inspection/list.html", {"listing": listing, "tabs": tabs("tasks"), "title": _("检查任务")})


def task_state(task: Task) -> Any:
    return state_tag(TASK_KIND[task.state], task.get_state_display())


def task_due(task: Task, today: datetime.date) -> Any:
    left = queries.days_left(task.due_on, today) if task.state in {Task.State.DRAWN, Task.State.ASSIGNED} else None
    return due(task.due_on, left)


def visit_state(visit: Visit) -> Any:
    return state_tag(VISIT_KIND[visit.state], visit.get_state_display())


def result_tag(visit: Visit) -> Any:
    return state_tag(ROLE_KIND[visit.result.estimation_role], named(visit.result)) if visit.result else "—"


def publish_due(visit: Visit, today: datetime.date) -> Any:
    """The last day to publish: days left while it is open, days late once it is published too late."""
    if visit.published_at is None:
        return due(visit.publish_due, queries.days_left(visit.publish_due, today))
    late = queries.days_late(visit.publish_due, timezone.localdate(visit.published_at))
    return due(visit.publish_due, -late if late else None)


@require_GET
def visits(request: UserRequest) -> HttpResponse:
    see(request)
    today = timezone.localdate()
    listing = Listing(
        request=request, queryset=queries.visible_visits(request.user).select_related("entity", "result", "task__draw"), name="visits",
        bulk=offers(request.user, "inspection.review", "inspection.publish"),
        title=_("检查记录"), filterset_class=VisitFilter, default_sort="-visited_on",
        url=lambda visit: reverse("inspection:visit", args=[visit.pk]),
        columns=[
            Column("no", gettext_lazy("记录编号"), lambda visit: visit.no, order="no"),
            Column("entity", pgettext_lazy("one", "经营主体"), lambda visit: visit.entity.name, order="entity__name"),
            Column("unit_id", gettext_lazy("主体标识"), lambda visit: visit.entity.unit_id, hidden=True),
            Column("visited_on", gettext_lazy("检查日期"), lambda visit: visit.visited_on, order="visited_on"),
            Column("result", gettext_lazy("检查结果"), lambda visit: named(visit.result) if visit.result else "", html=result_tag),
            Column("state", gettext_lazy("状态"), lambda visit: visit.get_state_display(), html=visit_state, order="state"),
            Column("publish_due", gettext_lazy("公示期限"), lambda visit: visit.publish_due,
                   html=lambda visit: publish_due(visit, today) if visit.task_id else "—"),
            Column("published_at", gettext_lazy("公示时间"), lambda visit: visit.published_at, hidden=True),
            Column("days_late", gettext_lazy("超期（工作日）"), lambda visit: late_days(visit, today), numeric=True, hidden=True),
            Column("draw", gettext_lazy("抽取编号"), lambda visit: visit.task.draw.no if visit.task else "", hidden=True),
            Column("source", gettext_lazy("来源系统"), lambda visit: visit.source_system, hidden=True),
        ],
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    return render(request, "inspection/list.html", {"listing": listing, "tabs": tabs("visits"), "title": _("检查记录")})


def late_days(visit: Visit, today: datetime.date) -> int:
    if visit.task_id is None:
        return 0
    done = timezone.localdate(visit.published_at) if visit.published_at else today
    return queries.days_late(visit.publish_due, done)


@require_GET
def follow_ups(request: UserRequest) -> HttpResponse:
    see(request)
    today = timezone.localdate()
    kinds = dict(queries.choices("inspection/follow_up_kinds"))
    mine = queries.visible_visits(request.user).order_by().values("pk")
    listing = Listing(
        request=request, queryset=FollowUp.objects.filter(visit__in=mine).select_related("visit__entity", "visit__result"),
        name="follow_ups", title=pgettext("list", "后续处理"), filterset_class=FollowUpFilter, default_sort="-opened_at",
        url=lambda one: reverse("inspection:visit", args=[one.visit_id]) + "#follow-up",
        columns=[
            Column("visit", gettext_lazy("记录编号"), lambda one: one.visit.no, order="visit__no"),
            Column("entity", pgettext_lazy("one", "经营主体"), lambda one: one.visit.entity.name, order="visit__entity__name"),
            Column("kind", gettext_lazy("处理方式"), lambda one: kinds.get(one.kind, one.kind), order="kind"),
            Column("result", gettext_lazy("检查结果"), lambda one: named(one.visit.result) if one.visit.result else ""),
            Column("state", gettext_lazy("状态"), lambda one: one.get_state_display(),
                   html=lambda one: state_tag("good" if one.state == "closed" else "warn", one.get_state_display()), order="state"),
            Column("due_on", gettext_lazy("办理期限"), lambda one: one.due_on, html=lambda one: follow_up_due(one, today)),
            Column("opened_at", gettext_lazy("开始时间"), lambda one: one.opened_at, order="opened_at", hidden=True),
            Column("outcome", gettext_lazy("处理结果"), lambda one: one.outcome, hidden=True),
        ],
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    return render(
        request,
        "inspection/list.html",
        {"listing": listing, "tabs": tabs("follow_ups"), "title": pgettext("list", "后续处理")},
    )


def follow_up_due(one: FollowUp, today: datetime.date) -> Any:
    if one.state == FollowUp.State.OPEN:
        return due(one.due_on, queries.days_left(one.due_on, today))
    late = queries.days_late(one.due_on, timezone.localdate(one.closed_at)) if one.closed_at else 0
    return due(one.due_on, -late if late else None)


# -- tasks -----------------------------------------------------------------------------------------------------------
@require_GET
def my_tasks(request: UserRequest) -> HttpResponse:
    """The inspector's list, for a phone: what, where, until when."""
    see(request)
    today = timezone.localdate()
    drafts = {
        visit.task_id: visit
        for visit in Visit.objects.filter(task__in=queries.my_tasks(request.user), state__in=["draft", "returned"])
    }
    rows = [
        {
            "label": task.entity.name, "url": reverse("inspection:task", args=[task.pk]), "hint": task.entity.address or task.no,
            "due_on": task.due_on, "days_left": queries.days_left(task.due_on, today),
            "state": drafts[task.pk].get_state_display() if task.pk in drafts else "",
            "state_kind": VISIT_KIND[drafts[task.pk].state] if task.pk in drafts else "muted",
        }
        for task in queries.my_tasks(request.user).select_related("entity")
    ]  # fmt: skip
    return render(request, "inspection/my_tasks.html", {"tasks": rows, "tabs": tabs("tasks")})


def _task(request: UserRequest, pk: int) -> Task:
    see(request)
    return get_object_or_404(queries.with_team(queries.visible_tasks(request.user)), pk=pk)


@require_GET
def task(request: UserRequest, pk: int) -> HttpResponse:
    found = _task(request, pk)
    standing = queries.current_visit(found)
    user = request.user
    open_ = found.state == Task.State.ASSIGNED
    return render(request, "inspection/task.html", {
        "task": found,
        "state": task_state(found),
        "due": task_due(found, timezone.localdate()),
        "items": queries.items_for(found),
        "premises": found.entity.premises.all(),
        "team": found.team.all(),
        "visits": found.visits.select_related("result").order_by("pk"),
        "last": queries.visits_of(found.entity_id).exclude(task=found)[:5],
        "acts": [tell(one) for one in history("task", found.no)[:10]],
        "may_record": open_ and policy.may_record(user, found),
        "draft": standing if standing and standing.state in {"draft", "returned"} else None,
        "may_withdraw": found.state in {"drawn", "assigned"} and policy.may_withdraw(user, found),
        "may_replace": open_ and policy.may_replace(user, found),
        "withdraw_form": PublicReasonForm(prefix="withdraw"),
    })  # fmt: skip


@require_POST
def withdraw(request: UserRequest, pk: int) -> HttpResponse:
    found = _task(request, pk)
    reason = request.POST.get("withdraw-reason", "")
    return act(
        request, lambda: actions.withdraw_task(found, by=request.user, at=timezone.now(), reason=reason), _("已撤回，理由已公开"),
        reverse("inspection:task", args=[pk]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def replace(request: UserRequest, pk: int) -> HttpResponse:
    found = _task(request, pk)
    if not policy.may_replace(request.user, found):
        raise PermissionDenied(_("替换检查人员由牵头机构的经办人员或负责人办理。"))
    back = reverse("inspection:task", args=[pk])

    def save(form: Any) -> HttpResponse:
        fresh = actions.replace_inspector(
            found, form.cleaned_data["absent"], by=request.user, at=timezone.now(), reason=form.cleaned_data["reason"],
            passed=form.cleaned_data["passed"],
        )  # fmt: skip
        messages.success(request, _("由 %(name)s 替补") % {"name": fresh.inspector})
        return redirect(back)

    return form_page(
        request, lambda data, initial: ReplaceForm(data, initial=initial, task=found), save, title=_("替换检查人员"), submit=_("按次序替补"),
        back=back, crumbs=[(_("检查任务"), reverse("inspection:tasks")), (found.no, back)],
        lead=_("替补次序由派员种子决定，不能挑选；依次在前但不能到场的，逐个写明理由并公开。"),
        template="inspection/replace.html", task=found, orders=queries.substitutes(found),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def record(request: UserRequest, pk: int) -> HttpResponse:
    """The record of a visit: saved as a draft, or submitted for review."""
    found = _task(request, pk)
    if not policy.may_record(request.user, found):
        raise PermissionDenied(_("检查记录由检查组成员录入，或由承办机构经办人员代为录入。"))
    standing = queries.current_visit(found)
    back = reverse("inspection:task", args=[pk])
    if found.state != Task.State.ASSIGNED:
        messages.info(request, _("该任务已录入结果、已撤回或尚未派员"))
        return redirect(back)
    submit = request.POST.get("do") != "draft"

    def save(form: Any) -> HttpResponse:
        visit = actions.record_visit(form.entry(), by=request.user, at=timezone.now(), submit=submit)
        messages.success(request, _("已提交审核") if submit else _("草稿已保存"))
        return redirect(back if not submit else reverse("inspection:visit", args=[visit.pk]))

    today = timezone.localdate()
    initial = visit_initial(standing) if standing else {"visited_on": today, "signed": "signed"}
    return form_page(
        request, lambda data, initial: VisitForm(data, initial=initial, task=found, on=_visited_on(request, standing)), save,
        title=pgettext("one", "检查记录"), submit=_("提交审核"), back=back, crumbs=[(_("检查任务"), reverse("inspection:tasks")), (found.no, back)],
        initial=initial, template="inspection/visit_form.html", task=found, standing=standing, draft=True,
    )  # fmt: skip


def _visited_on(request: UserRequest, standing: Visit | None) -> datetime.date:
    """The day whose wordings the form offers."""
    asked = request.POST.get("visited_on", "")
    try:
        said = parse_date(asked) if len(asked) == 10 else None
    except ValueError:
        said = None
    return said or (standing.visited_on if standing else timezone.localdate())


# -- visits ----------------------------------------------------------------------------------------------------------
def _visit(request: UserRequest, pk: int) -> Visit:
    see(request)
    found = queries.visits_with_team(queries.visible_visits(request.user)).select_related(
        "premises", "entered_by", "reviewed_by", "published_by", "corrects", "corrected_by", "follow_up"
    )
    return get_object_or_404(found, pk=pk)


@require_GET
def visit(request: UserRequest, pk: int) -> HttpResponse:
    found = _visit(request, pk)
    user, today = request.user, timezone.localdate()
    entry = LogEntry.objects.filter(kind="visit.publish", subject=f"visit:{found.no}").first()
    follow_up = getattr(found, "follow_up", None)
    return render(request, "inspection/visit.html", {
        "visit": found,
        "state": visit_state(found),
        "result": result_tag(found),
        "publish_due": publish_due(found, today) if found.task_id else "",
        "why_due": _why_due(found),
        "findings": [
            {"finding": one, "tag": state_tag(VERDICT_KIND[one.verdict], one.get_verdict_display())}
            for one in Finding.objects.filter(visit=found).select_related("item")
        ],
        "team": found.task.team.all() if found.task else [],
        "events": _events(found),
        "seal": seal_of(entry) if entry else None,
        "acts": [tell(one) for one in history("visit", found.no)[:20]],
        "follow_up": follow_up,
        "follow_up_kind": queries.label("inspection/follow_up_kinds", follow_up.kind) if follow_up else "",
        "follow_up_due": follow_up_due(follow_up, today) if follow_up else "",
        "may_close": bool(follow_up and follow_up.state == "open" and policy.may_follow_up(user, follow_up)),
        "matters": _matters(request, found),
        "open_matter": _open_matter(found),
        "outcome_form": OutcomeForm(prefix="close"),
        "may_review": found.state == "submitted" and policy.may_review(user, found),
        "return_form": ReasonForm(prefix="return"),
        "may_publish": found.state == "reviewed" and policy.may_publish(user, found),
        "may_correct": found.state == "published" and policy.may_correct(user, found),
        "may_edit": bool(found.task and found.task.state == "assigned" and found.state in {"draft", "returned"} and policy.may_record(user, found.task)),
    })  # fmt: skip


def _origin(found: Visit) -> str:
    """How a matter names this record as where it came from."""
    return f"visit:{found.no}"


def _matters(request: UserRequest, found: Visit) -> list[dict[str, Any]]:
    """The matters that were opened from this record and that the user may see."""
    rows = matters.visible_to(request.user).filter(origin=_origin(found)).order_by("opened_at")[:20]
    return [
        {
            "matter": row,
            "kind": matter_words.kind_name(row.procedure),
            "state": matter_words.state_name(matters.procedure_of(row), row.state),
        }
        for row in rows
    ]


def _open_matter(found: Visit) -> str:
    """Where a rectification, a case or an entry in the abnormal list is opened for what the visit found; '' where it found
    nothing, or is not yet reviewed."""
    wanting = found.findings.filter(verdict=Finding.Verdict.PROBLEM).exists() or hasattr(found, "follow_up")
    if not wanting or found.state in {Visit.State.DRAFT, Visit.State.SUBMITTED, Visit.State.RETURNED}:
        return ""
    return f"{reverse('matters:new')}?{urlencode({'entity': found.entity.unit_id, 'origin': _origin(found)})}"


def _events(found: Visit) -> list[dict[str, Any]]:
    events = [{"at": found.visited_on, "title": _("实地检查"), "kind": "good"}]
    events.append({"at": found.entered_at, "title": _("录入"), "by": found.entered_by, "kind": "good"})
    if found.reviewed_at:
        returned = found.state == Visit.State.RETURNED
        events.append({
            "at": found.reviewed_at, "title": _("退回修改") if returned else _("审核通过"), "by": found.reviewed_by,
            "text": found.return_reason if returned else "", "kind": "bad" if returned else "good",
        })  # fmt: skip
    if found.published_at:
        events.append({"at": found.published_at, "title": _("公示"), "by": found.published_by, "kind": "good"})
    elif found.task_id:
        events.append({"at": found.publish_due, "title": _("公示期限"), "when": "ahead"})
    return events


def _why_due(found: Visit) -> dict[str, Any] | None:
    if found.publish_due is None or found.task_id is None:
        return None
    limit = queries.publish_limit(found.visited_on)
    answer = queries.publish_deadline(found.visited_on)
    return {
        "sentence": " ".join(reason.text(language()) for reason in answer.reasons),
        "rule": limit.name_en if language() == "en" else limit.name, "version": limit.code, "source": limit.legal_ref,
        "confidence": limit.evidence, "inputs": [(_("检查日期"), found.visited_on), (_("最后一天"), answer.due)],
        "command": f"zhunsheng clock limit {limit.code} {found.visited_on.isoformat()}",
    }  # fmt: skip


@require_POST
def review(request: UserRequest, pk: int) -> HttpResponse:
    found = _visit(request, pk)
    passed = request.POST.get("do") == "pass"
    reason = request.POST.get("return-reason", "")
    return act(
        request, lambda: actions.review_visit(found, by=request.user, at=timezone.now(), passed=passed, reason=reason),
        _("审核通过") if passed else _("已退回"), reverse("inspection:visit", args=[pk]),
    )  # fmt: skip


@require_POST
@step_up.required("publish")
def publish(request: UserRequest, pk: int) -> HttpResponse:
    found = _visit(request, pk)
    return act(
        request, lambda: actions.publish_visit(found, by=request.user, at=timezone.now()), _("已公示并写入公开存证日志"),
        reverse("inspection:visit", args=[pk]),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def correct(request: UserRequest, pk: int) -> HttpResponse:
    found = _visit(request, pk)
    if found.task is None or not policy.may_correct(request.user, found):
        raise PermissionDenied(_("更正由检查组成员或承办机构经办人员提出。"))
    back = reverse("inspection:visit", args=[pk])
    work = found.task

    def save(form: Any) -> HttpResponse:
        fresh = actions.correct_visit(
            found, form.entry(), by=request.user, at=timezone.now(), reason=form.cleaned_data["correction_reason"]
        )
        messages.success(request, _("更正已提交审核；公示前原记录不变"))
        return redirect("inspection:visit", fresh.pk)

    return form_page(
        request, lambda data, initial: VisitForm(data, initial=initial, task=work, on=_visited_on(request, found), correction=True), save,
        title=_("更正检查记录"), submit=_("提交更正"), back=back, crumbs=[(_("检查记录"), reverse("inspection:visits")), (found.no, back)],
        initial=visit_initial(found), template="inspection/visit_form.html", task=work, standing=found, draft=False,
        lead=_("更正是一份新记录，经审核公示后与原记录一并公开。"),
    )  # fmt: skip


@require_POST
def close_follow_up(request: UserRequest, pk: int) -> HttpResponse:
    found = _visit(request, pk)
    one = get_object_or_404(FollowUp, visit=found)
    outcome = request.POST.get("close-outcome", "")
    return act(
        request, lambda: actions.close_follow_up(one, by=request.user, at=timezone.now(), outcome=outcome), _("后续处理已办结"),
        reverse("inspection:visit", args=[pk]),
    )  # fmt: skip


# -- many at once ----------------------------------------------------------------------------------------------------
def _queue(
    request: UserRequest,
    waiting: Any,
    do: Callable[..., Any],
    *,
    title: str,
    verb: str,
    done: Callable[[int], str],
    here: str,
) -> HttpResponse:
    """The records that wait for this user, to tick and pass together."""
    see(request)
    today = timezone.localdate()
    mine = (
        queries.decided_by(request.user, waiting)
        .select_related("entity", "result", "entered_by")
        .order_by("publish_due", "pk")
    )
    if request.method == "POST":
        ticked = list(mine.filter(pk__in=checked(request, "visit")))
        try:
            do(ticked, by=request.user, at=timezone.now())
        except NotAllowed as problem:
            raise PermissionDenied(say(problem)) from problem
        except Refused as problem:
            messages.error(request, say(problem))
        else:
            messages.success(request, done(len(ticked))) if ticked else messages.info(request, _("没有勾选记录"))
        return redirect(here)
    rows = [
        {
            "visit": one, "result": result_tag(one), "due": publish_due(one, today),
            "problems": one.result is not None and one.result.estimation_role == "eligible_fail",
        }
        for one in mine[:QUEUE]
    ]  # fmt: skip
    return render(request, "inspection/queue.html", {
        "rows": rows, "total": mine.count(), "shown": QUEUE, "title": title, "verb": verb, "tabs": tabs("visits"),
    })  # fmt: skip


@require_http_methods(["GET", "POST"])
def review_queue(request: UserRequest) -> HttpResponse:
    return _queue(
        request, queries.to_review(), actions.review_visits, title=_("待我审核的检查记录"), verb=_("审核通过所选记录"), here="inspection:review_queue",
        done=lambda n: ngettext("%(n)s 条记录审核通过", "%(n)s 条记录审核通过", n) % {"n": n},
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@step_up.required("publish", when=step_up.sending)
def publish_queue(request: UserRequest) -> HttpResponse:
    return _queue(
        request, queries.to_publish(), actions.publish_visits, title=_("待我公示的检查记录"), verb=_("公示所选记录"), here="inspection:publish_queue",
        done=lambda n: ngettext("%(n)s 条结果已公示", "%(n)s 条结果已公示", n) % {"n": n},
    )  # fmt: skip
