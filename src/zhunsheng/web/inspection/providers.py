"""What the room hangs into the desk: things to do, search results, and the inspections on an entity's page."""

import datetime
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.desk.providers import Hit, Section, TaskRow
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.models import Draw, FollowUp, TeamMember, Visit
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import offices_of

#: How many of a kind the desk lists one by one; the rest is behind the queue's own page.
LISTED = 50
FOUND = 10


# -- things to do ----------------------------------------------------------------------------------------------------
def tasks(user: User, on: datetime.date) -> Iterator[TaskRow]:
    """Visits to make, records to review and to publish with their limits, follow-ups to finish."""
    if not policy.may_see(user):
        return
    for task in queries.my_tasks(user).select_related("entity")[:LISTED]:
        url = reverse("inspection:task", args=[task.pk])
        yield TaskRow(task.entity.name, _("实地检查"), url, task.due_on, queries.days_left(task.due_on, on), task.no)
    for kind, waiting in ((_("审核检查记录"), queries.to_review()), (_("公示检查结果"), queries.to_publish())):
        for visit in queries.decided_by(user, waiting).select_related("entity").order_by("publish_due", "pk")[:LISTED]:
            url = reverse("inspection:visit", args=[visit.pk])
            left = queries.days_left(visit.publish_due, on)
            yield TaskRow(visit.entity.name, kind, url, visit.publish_due, left, visit.no)
    for follow_up in _follow_ups(user)[:LISTED]:
        visit = follow_up.visit
        what = queries.label("inspection/follow_up_kinds", follow_up.kind)
        url = reverse("inspection:visit", args=[visit.pk])
        yield TaskRow(visit.entity.name, what, url, follow_up.due_on, queries.days_left(follow_up.due_on, on), visit.no)


def _follow_ups(user: User) -> Any:
    """Open follow-ups of one's own visits, and of the plans of offices where one is an officer."""
    mine = TeamMember.objects.filter(inspector__user=user, replaced_reason="").values("task")
    offices = offices_of(user, ("member",)).values("pk")
    followed = queries.open_follow_ups().select_related("visit__entity").order_by("due_on", "pk")
    return followed.filter(visit__task__in=mine) | followed.filter(visit__task__draw__plan__office__in=offices)


# -- search ----------------------------------------------------------------------------------------------------------
def staff_search(user: User, text: str) -> Iterator[Hit]:
    """Plans, draws, tasks and records by their numbers; plans by name too."""
    if not policy.may_see(user):
        return
    plans = queries.visible_plans(user)
    for plan in (plans.filter(no__icontains=text) | plans.filter(name__icontains=text)).order_by("-no")[:FOUND]:
        yield Hit(
            f"{plan.no} {plan.name}",
            _("抽查计划"),
            reverse("inspection:plan", args=[plan.pk]),
            str(plan.get_state_display()),
        )
    for draw in queries.visible_draws(user).filter(no__icontains=text).order_by("-announced_at")[:FOUND]:
        yield Hit(draw.no, _("抽取"), reverse("inspection:draw", args=[draw.no]), draw.plan.name)
    for task in queries.visible_tasks(user).filter(no__iexact=text).select_related("entity"):
        yield Hit(task.no, _("检查任务"), reverse("inspection:task", args=[task.pk]), task.entity.name)
    for visit in (
        queries.visible_visits(user).filter(no__istartswith=text).select_related("entity").order_by("no")[:FOUND]
    ):
        yield Hit(visit.no, _("检查记录"), reverse("inspection:visit", args=[visit.pk]), visit.entity.name)


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
        queries.visible_tasks(request.user)
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


SECTIONS = (
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
