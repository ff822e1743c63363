"""What the room hangs into the desk: things to do, search results, and the inspections on an entity's page."""

import datetime
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhunsheng.engine import burden
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import state_tag
from zhunsheng.web.desk.providers import Deadline, Hit, Section, TaskRow, ToDo, Waiting
from zhunsheng.web.desk.searching import Source
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.models import Draw, FollowUp, Plan, TeamMember, Visit
from zhunsheng.web.inspection.models import Task as CheckTask
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import has_role, offices_of
from zhunsheng.web.registry.models import BusinessEntity

#: How many of a kind a search shows.
FOUND = 10
#: How many of a kind a calendar holds.
FED = 500


# -- things to do ----------------------------------------------------------------------------------------------------
def tasks(user: User, on: datetime.date) -> Iterator[ToDo]:
    """What waits for this user, each kind by its last day: visits to make, records to review and to publish, follow-ups
    to finish, plans to approve, draws to execute and to assign, rule books to sign."""
    if not policy.may_see(user):
        return
    yield from _visits(user, on)
    yield from _follow_ups(user, on)
    yield from _plans(user, on)
    yield from _draws(user, on)
    yield from _rule_books(user, on)


def _visits(user: User, on: datetime.date) -> Iterator[ToDo]:
    """Visits to make; of other people's records, those to review and those to publish."""
    kind: Promise = _("实地检查")
    yield Waiting(
        queries.my_tasks(user).select_related("entity"),
        lambda task: _row_of(task.entity.name, kind, "task", task.pk, task.due_on, on, task.no),
        kind=kind, url=reverse("inspection:my_tasks"), due="due_on",
    )  # fmt: skip
    if has_role(user, "reviewer", "head"):
        yield from _decisions(_("审核检查记录"), queries.decided_by(user, queries.to_review()), "review_queue", on)
        yield from _decisions(_("公示检查结果"), queries.decided_by(user, queries.to_publish()), "publish_queue", on)


def _decisions(kind: Promise, waiting: QuerySet[Visit], queue: str, on: datetime.date) -> Iterator[ToDo]:
    yield Waiting(
        waiting.select_related("entity").order_by("publish_due", "pk"),
        lambda visit: _with_limit(_row_of(visit.entity.name, kind, "visit", visit.pk, visit.publish_due, on, visit.no), visit),
        kind=kind, url=reverse(f"inspection:{queue}"), due="publish_due",
    )  # fmt: skip


def _with_limit(row: TaskRow, visit: Visit) -> TaskRow:
    """The row with the rule that its last day follows."""
    if visit.publish_due is None:
        return row
    limit = queries.publish_limit(visit.visited_on)
    name = limit.name_en if language() == "en" else limit.name
    return replace(row, rule=name, source=limit.legal_ref, confidence=limit.evidence)


def _follow_ups(user: User, on: datetime.date) -> Iterator[ToDo]:
    """Open follow-ups of one's own visits, and of the plans of offices where one is an officer."""

    def row(one: FollowUp) -> TaskRow:
        what = queries.label("inspection/follow_up_kinds", one.kind)
        return _row_of(one.visit.entity.name, what, "visit", one.visit_id, one.due_on, on, one.visit.no)

    yield Waiting(
        _followed(user),
        row, kind=pgettext_lazy("list", "后续处理"), url=f"{reverse('inspection:follow_ups')}?state=open", due="due_on",
    )  # fmt: skip


def _followed(user: User) -> QuerySet[FollowUp]:
    mine = TeamMember.objects.filter(inspector__user=user, replaced_reason="").values("task")
    offices = offices_of(user, ("member",)).values("pk")
    followed = queries.open_follow_ups().select_related("visit__entity")
    return followed.filter(visit__task__in=mine) | followed.filter(visit__task__draw__plan__office__in=offices)


def _plans(user: User, on: datetime.date) -> Iterator[ToDo]:
    """Plans to approve: before the day on which they say that the checks begin."""
    if not has_role(user, "head"):
        return
    kind: Promise = _("批准抽查计划")
    yield Waiting(
        queries.plans_to_approve(user),
        lambda plan: _row_of(plan.name, kind, "plan", plan.pk, plan.starts_on, on, plan.no),
        kind=kind, url=f"{reverse('inspection:plans')}?state={Plan.State.DRAFT}", due="starts_on",
    )  # fmt: skip


def _draws(user: User, on: datetime.date) -> Iterator[ToDo]:
    """Draws whose time has come, whose list is to be closed, that have no teams yet: all before the checks of the plan
    end; sealed ones before the day on which they must be opened; recusals to declare before a list is closed."""
    yield from _recusals(user, on)
    if not has_role(user, "member", "head"):
        return
    yield from _waiting_draws(_("执行抽取"), queries.draws_to_execute(user, timezone.now()), Draw.State.ANNOUNCED, on)
    yield from _waiting_draws(_("关闭名单"), queries.draws_to_close(user), Draw.State.EXECUTED, on)
    yield from _waiting_draws(pgettext_lazy("verb", "派员"), queries.draws_to_assign(user), Draw.State.LIST_CLOSED, on)
    kind: Promise = pgettext_lazy("verb", "开封")
    yield Waiting(
        queries.draws_to_open(user),
        lambda draw: _row_of(draw.plan.name, kind, "draw", draw.no, draw.open_by, on, draw.no),
        kind=kind, url=f"{reverse('inspection:draws')}?state={Draw.State.ASSIGNED}", due="open_by",
    )  # fmt: skip
    part: Promise = _("确认联合抽查名单")
    for one in queries.lists_to_confirm(user)[:FOUND]:
        url = reverse("inspection:plan_list", args=[one.plan_id, one.pk])
        yield TaskRow(
            one.plan.name, part, url, one.plan.starts_on, queries.days_left(one.plan.starts_on, on), one.plan.no
        )


def _recusals(user: User, on: datetime.date) -> Iterator[ToDo]:
    """Drawn lists on which the inspector has not yet declared whether there is anything to recuse from."""
    if not has_role(user, "inspector"):
        return
    kind: Promise = _("申报回避")
    for draw in queries.draws_to_declare(user)[:FOUND]:
        yield TaskRow(draw.plan.name, kind, reverse("inspection:recuse", args=[draw.no]), None, None, draw.no)


def _waiting_draws(kind: Promise, waiting: QuerySet[Draw], state: str, on: datetime.date) -> Iterator[ToDo]:
    yield Waiting(
        waiting,
        lambda draw: _row_of(draw.plan.name, kind, "draw", draw.no, draw.plan.ends_on, on, draw.no),
        kind=kind, url=f"{reverse('inspection:draws')}?state={state}", due="plan__ends_on",
    )  # fmt: skip


def _rule_books(user: User, on: datetime.date) -> Iterator[ToDo]:
    """Rule books to sign, before the day from which they are to hold."""
    if not has_role(user, "head", "leader"):
        return
    kind: Promise = _("签发实施细则")
    yield Waiting(
        queries.rule_books_to_sign(user),
        lambda book: _row_of(book.version, kind, "rule_book", book.version, book.valid_from, on),
        kind=kind, url=reverse("inspection:rule_books"), due="valid_from",
    )  # fmt: skip


def _row_of(
    title: str,
    kind: "str | Promise",
    view: str,
    key: object,
    due: datetime.date | None,
    on: datetime.date,
    why: str = "",
) -> TaskRow:
    return TaskRow(title, kind, reverse(f"inspection:{view}", args=[key]), due, queries.days_left(due, on), why)


# -- the calendar ----------------------------------------------------------------------------------------------------
def deadlines(user: User, start: datetime.date, end: datetime.date) -> Iterator[Deadline]:
    """Visits to make, results to publish, follow-ups to finish: numbers only, a sealed list names nobody here either."""
    if not policy.may_see(user):
        return
    for task in queries.my_tasks(user).filter(due_on__range=(start, end))[:FED]:
        url = reverse("inspection:task", args=[task.pk])
        yield Deadline(f"inspection.task.{task.pk}", task.no, _("检查截止"), url, task.due_on)
    if has_role(user, "reviewer", "head"):
        waiting = queries.decided_by(user, queries.to_publish()).filter(publish_due__range=(start, end))
        for visit in waiting.order_by("publish_due", "pk")[:FED]:
            if visit.publish_due is not None:
                url = reverse("inspection:visit", args=[visit.pk])
                yield Deadline(f"inspection.publish.{visit.pk}", visit.no, _("公示期限"), url, visit.publish_due)
    for one in _followed(user).filter(due_on__range=(start, end)).order_by("due_on", "pk")[:FED]:
        url = reverse("inspection:visit", args=[one.visit_id])
        what = queries.label("inspection/follow_up_kinds", one.kind)
        if one.due_on is not None:
            yield Deadline(f"inspection.follow_up.{one.pk}", one.visit.no, what, url, one.due_on)


# -- search ----------------------------------------------------------------------------------------------------------
def _seen(user: User, rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows if policy.may_see(user) else rows.none()


def _plan_text(plan: Plan) -> str:
    return "\n".join([plan.no, plan.office.name, str(plan.get_state_display())])


def _visit_text(visit: Visit) -> str:
    """What the record says, to those who may read it: result, account, findings and their treatment."""
    said = [visit.entity.name, visit.visited_on.isoformat(), visit.result.name if visit.result else "", visit.summary]
    for finding in visit.findings.all():
        said += [finding.text, finding.action]
    return "\n".join([*filter(None, said), visit.entity_opinion])


#: what the room lets staff find. Tasks of a sealed draw stand on its own page only, where each look is noted.
SOURCES = (
    Source(
        "plan",
        _("抽查计划"),
        rows=lambda: Plan.objects.select_related("office"),
        visible_to=lambda user: _seen(user, queries.visible_plans(user)),
        title=lambda plan: plan.name,
        text=_plan_text,
        url=lambda plan: reverse("inspection:plan", args=[plan.pk]),
        subjects={"plan": "no"},
        order=20,
    ),
    Source(
        "draw",
        _("抽取"),
        rows=lambda: Draw.objects.select_related("plan").only("no", "state", "plan__name"),
        visible_to=lambda user: _seen(user, queries.visible_draws(user)),
        title=lambda draw: draw.no,
        text=lambda draw: f"{draw.plan.name}\n{draw.get_state_display()}",
        url=lambda draw: reverse("inspection:draw", args=[draw.no]),
        subjects={"draw": "no", "plan": "plan__no"},
        order=30,
    ),
    Source(
        "task",
        _("检查任务"),
        rows=lambda: CheckTask.objects.select_related("entity"),
        visible_to=lambda user: _seen(user, queries.told_tasks(queries.visible_tasks(user))),
        title=lambda task: task.no,
        text=lambda task: f"{task.entity.name}\n{task.entity.code}",
        url=lambda task: reverse("inspection:task", args=[task.pk]),
        subjects={"draw": "draw__no", "task": "no", "entity": "entity__pk"},
        order=40,
    ),
    Source(
        "visit",
        _("检查记录"),
        rows=lambda: Visit.objects.select_related("entity", "result").prefetch_related("findings"),
        visible_to=lambda user: _seen(user, queries.visible_visits(user)),
        title=lambda visit: visit.no,
        text=_visit_text,
        url=lambda visit: reverse("inspection:visit", args=[visit.pk]),
        subjects={"visit": "no", "entity": "entity__pk"},
        order=50,
    ),
)


def public_search(text: str) -> Iterator[Hit]:
    """Draws by number: every announced draw is public."""
    for draw in Draw.objects.filter(no__icontains=text).select_related("plan").order_by("-announced_at")[:FOUND]:
        try:
            url = reverse("portal:draw", args=[draw.no])
        except NoReverseMatch:
            return
        yield Hit(draw.no, _("抽查"), url, draw.plan.name)


# -- an entity's page ------------------------------------------------------------------------------------------------
def staff_section(entity: Any, request: HttpRequest) -> dict[str, Any] | None:
    """All records of the entity, and the open tasks: a drawn list is internal until it is visited."""
    if not isinstance(request.user, User) or not policy.may_see(request.user):
        return None
    today = timezone.localdate()
    open_tasks = (
        queries.told_tasks(queries.visible_tasks(request.user))
        .filter(entity=entity, state__in=["drawn", "assigned"])
        .select_related("draw")
    )
    visits = list(queries.visits_of(entity.pk)[:FOUND])
    return {
        "visits": [_row(visit, today) for visit in visits],
        "tasks": open_tasks.order_by("due_on"),
        "more_url": f"{reverse('inspection:visits')}?q={entity.unit_id}" if len(visits) == FOUND else "",
    }


def public_section(entity: Any, request: HttpRequest) -> dict[str, Any] | None:
    """Published results only, corrected versions beside their corrections."""
    today = timezone.localdate()
    rows = [_row(visit, today) for visit in queries.public_visits_of(entity.pk)]
    return {"visits": rows} if rows else None


def _row(visit: Visit, today: datetime.date) -> dict[str, Any]:
    follow_up: FollowUp | None = getattr(visit, "follow_up", None)
    late = (
        queries.days_late(visit.publish_due, timezone.localdate(visit.published_at))
        if visit.published_at and visit.task_id
        else 0
    )
    return {
        "visit": visit, "follow_up": follow_up, "late": late,
        "follow_up_kind": queries.label("inspection/follow_up_kinds", follow_up.kind) if follow_up else "",
        "days_left": queries.days_left(follow_up.due_on, today) if follow_up and follow_up.state == "open" else None,
    }  # fmt: skip


# -- the burden on a firm ------------------------------------------------------------------------------------------
LEVELS = {
    "free": ("good", _("未满")),
    "near": ("warn", _("还剩 1 次")),
    "reached": ("warn", _("已满")),
    "over": ("bad", _("超限")),
}


def level_tag(counted: int, cap: int) -> Any:
    kind, text = LEVELS[burden.level_of(counted, cap)]
    return state_tag(kind, text)


def _recent_draws(entity: BusinessEntity) -> list[tuple[Draw, str]]:
    """The draws of the last twelve months, each with the page that says whether the firm is on its list, with the proof."""
    text = entity.code if entity.scheme == "uscc" else entity.unit_id
    since = timezone.now() - datetime.timedelta(days=366)
    draws = Draw.objects.filter(announced_at__gte=since).select_related("plan").order_by("-announced_at")
    draws = draws.only("no", "announced_at", "plan__name")[:FOUND]  # without the large texts of a draw
    return [(draw, f"{reverse('portal:unit', args=[draw.no])}?{urlencode({'q': text})}") for draw in draws]


def burden_section(entity: BusinessEntity, request: HttpRequest, *, public: bool) -> dict[str, Any]:
    """One firm's meter of this year. `public`: what the firm itself may see."""
    meter = queries.meter_of(entity, timezone.localdate().year)
    kind, text = LEVELS[meter.level]
    return {
        "meter": meter, "level": state_tag(kind, text), "needless": queries.needless_requests(meter), "hours": round(meter.minutes / 60, 1),
        "coming": queries.coming(entity, public=public),
        "draws": _recent_draws(entity) if public else [],
        "request_url": "" if public or not policy.may_request_documents(request.user) else reverse("inspection:request_documents", args=[entity.pk]),
    }  # fmt: skip


SECTIONS = (
    Section(
        "burden",
        _("检查负担"),
        "inspection/sections/burden.html",
        frozenset({"staff"}),
        lambda entity, request: burden_section(entity, request, public=False) if policy.may_see(request.user) else None,
        15,
    ),
    Section(
        "burden-firm",
        _("检查负担"),
        "inspection/sections/burden.html",
        frozenset({"firm"}),
        lambda entity, request: burden_section(entity, request, public=True),
        15,
    ),
    Section("inspection", _("检查"), "inspection/sections/staff.html", frozenset({"staff"}), staff_section, 20),
    Section(
        "inspection-results",
        _("检查结果"),
        "inspection/sections/public.html",
        # Not for the public page: the portal lists the results itself, each with its page and its entry of the log.
        frozenset({"firm"}),
        public_section,
        20,
    ),
)
