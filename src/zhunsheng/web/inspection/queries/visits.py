"""Reading tasks, visits and follow-ups: whose they are, when they are due, what is public."""

import datetime
from collections.abc import Iterable
from typing import Any

from django.db.models import F, Prefetch, Q, QuerySet

from zhunsheng.engine import clock, tables
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.web.inspection.models import CheckItem, Finding, FollowUp, Plan, Task, TeamMember, Visit
from zhunsheng.web.inspection.queries.plans import PlanTerms, lists
from zhunsheng.web.inspection.queries.tables import applies_to
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import Person, division_scope, offices_of
from zhunsheng.web.registry.queries import in_divisions

PUBLISH_LIMIT = "inspection.publish_result"

_MEMBERS = Prefetch("team", TeamMember.objects.select_related("inspector__user").order_by("-lead", "pk"))
_VISIT_MEMBERS = Prefetch("task__team", TeamMember.objects.select_related("inspector__user").order_by("-lead", "pk"))


def with_team(tasks: QuerySet[Task]) -> QuerySet[Task]:
    """Tasks with what a policy asks of them: plan, office, team and lists, in three queries whatever their number."""
    return tasks.select_related("draw__plan__office", "entity").prefetch_related(_MEMBERS, "inclusions")


def visits_with_team(visits: QuerySet[Visit]) -> QuerySet[Visit]:
    return visits.select_related("task__draw__plan__office", "entity", "result").prefetch_related(_VISIT_MEMBERS)


def visible_tasks(user: Person) -> QuerySet[Task]:
    """City staff see all; county staff those in their county, of their office's plans, or with their own people on the team.

    Of a sealed draw before its opening: its offices and the team only.
    """
    codes, mine = division_scope(user), offices_of(user).values("pk")
    own = Q(draw__plan__office__in=mine) | Q(draw__plan__in=_joined(mine))
    me = Q(pk__in=TeamMember.objects.filter(_own_places(user)).values("task"))
    tasks = Task.objects.filter(~secret() | own | me)
    if codes is None:
        return tasks
    teams = TeamMember.objects.filter(Q(inspector__office__in=mine) | _own_places(user)).values("task")
    return tasks.filter(in_divisions(codes, "entity__division_id") | Q(draw__plan__office__in=mine) | Q(pk__in=teams))


def secret(prefix: str = "") -> Q:
    """Rows of draws that are sealed and not opened."""
    return Q(**{f"{prefix}draw__mode": Plan.Mode.SEALED, f"{prefix}draw__opened_at__isnull": True})


def told_tasks(tasks: QuerySet[Task]) -> QuerySet[Task]:
    """Without those of sealed draws that are not opened: these stand on the page of their draw, where each look is noted."""
    return tasks.exclude(secret())


def _joined(mine: QuerySet[Any]) -> QuerySet[Any]:
    return Plan.joint_offices.through.objects.filter(office__in=mine).values("plan")


def visible_visits(user: Person) -> QuerySet[Visit]:
    """As `visible_tasks`; records of other systems by the place of the entity."""
    codes = division_scope(user)
    hidden = (
        Task.objects.filter(secret()).exclude(pk__in=visible_tasks(user).filter(secret()).values("pk")).values("pk")
    )
    visits = Visit.objects.exclude(task__in=hidden)
    if codes is None:
        return visits
    return visits.filter(in_divisions(codes, "entity__division_id") | Q(task__in=visible_tasks(user).values("pk")))


def _own_places(user: Person) -> Q:
    return Q(inspector__user=user) if isinstance(user, User) else Q(pk__in=[])


def my_tasks(user: User) -> QuerySet[Task]:
    """The tasks whose team the user is on, still to be visited or entered, the earliest first."""
    open_states = [Task.State.ASSIGNED]
    return Task.objects.filter(
        pk__in=TeamMember.objects.filter(inspector__user=user, replaced_reason="").values("task"), state__in=open_states
    ).order_by("due_on", "no")


def items_for(task: Task, known: Iterable[PlanTerms] | None = None) -> list[CheckItem]:
    """The items that concern the entity, of the lists that drew it: each gets a verdict. `known`: the plan's lists, if at hand."""
    drawn_by = {one.list for one in task.inclusions.all()}
    parts = [one.items for one in (lists(task.draw.plan) if known is None else known) if one.name in drawn_by]
    items = {item.pk: item for part in parts for item in part if applies_to(item, task.entity.industry)}
    return sorted(items.values(), key=lambda item: (item.code, item.pk))


def current_visit(task: Task) -> Visit | None:
    """The record of a task that stands: its latest version."""
    return task.visits.filter(corrected_by__isnull=True).order_by("-pk").first()


def to_review() -> QuerySet[Visit]:
    return Visit.objects.filter(state=Visit.State.SUBMITTED)


def to_publish() -> QuerySet[Visit]:
    """Reviewed records that may be published: those of a sealed draw wait for its opening."""
    sealed = Q(task__draw__mode=Plan.Mode.SEALED, task__draw__opened_at__isnull=True)
    return Visit.objects.filter(state=Visit.State.REVIEWED).exclude(sealed)


def decided_by(user: User, visits: QuerySet[Visit]) -> QuerySet[Visit]:
    """Of these visits, those that `user` may review or publish: of the offices where the user is reviewer or head, not
    entered by the user, not by a team the user is or was on."""
    offices = offices_of(user, ("reviewer", "head")).values("pk")
    mine = TeamMember.objects.filter(inspector__user=user).values("task")
    theirs = TeamMember.objects.filter(inspector__office__in=offices).values("task")
    return (
        visits.filter(Q(task__draw__plan__office__in=offices) | Q(task__in=theirs))
        .exclude(entered_by=user)
        .exclude(task__in=mine)
    )


# -- limits ----------------------------------------------------------------------------------------------------------
def publish_deadline(visited_on: datetime.date) -> clock.Deadline:
    """The last day to publish the result of a visit, under the rule of the day of the visit."""
    return _publish_deadline(visited_on)


def publish_limit(visited_on: datetime.date) -> clock.TimeLimit:
    """The rule that says how long."""
    return clock.limit(PUBLISH_LIMIT, visited_on)


@tables.kept("", maxsize=4096)
def _publish_deadline(visited_on: datetime.date) -> clock.Deadline:
    return publish_limit(visited_on).deadline(visited_on)


def publish_due(visited_on: datetime.date) -> datetime.date | None:
    """The last day, or None for a visit before there was such a rule."""
    try:
        return publish_deadline(visited_on).due
    except ZhunshengError:
        return None


def days_left(due: datetime.date | None, on: datetime.date) -> int | None:
    """Working days left on a day; None where there is no limit."""
    return None if due is None else clock.days_left(due, on)


def days_late(due: datetime.date | None, done: datetime.date) -> int:
    """Working days by which something was done late; 0 in time."""
    return 0 if due is None or done <= due else -clock.days_left(due, done)


# -- what is public --------------------------------------------------------------------------------------------------
def published_visits() -> QuerySet[Visit]:
    """Results that anyone may see: published, and their class of publicity approved. Corrected versions are among them."""
    return Visit.objects.filter(
        state__in=[Visit.State.PUBLISHED, Visit.State.CORRECTED],
        publicity="active",
        publicity_approved_at__isnull=False,
        published_at__isnull=False,
    ).select_related("entity", "result", "task__draw__plan")


def public_visits_of(entity_id: int) -> QuerySet[Visit]:
    """The published results of one entity, old and corrected versions together （企业信息公示暂行条例: both are shown）."""
    return (
        published_visits()
        .filter(entity=entity_id)
        .select_related("follow_up", "corrects", "corrected_by", "task__draw__plan__office")
        .prefetch_related(Prefetch("findings", Finding.objects.select_related("item")), _VISIT_MEMBERS)
        .order_by("-visited_on", "-pk")
    )


def visits_of(entity_id: int) -> QuerySet[Visit]:
    """All visits of an entity, for staff."""
    return (
        Visit.objects.filter(entity=entity_id)
        .select_related("result", "task__draw__plan", "follow_up")
        .order_by("-visited_on", "-pk")
    )


def open_follow_ups() -> QuerySet[FollowUp]:
    return FollowUp.objects.filter(state=FollowUp.State.OPEN)


def late(on: datetime.date) -> Q:
    """Results published after their last day, or not published and past it."""
    return Q(publish_due__isnull=False) & (
        Q(published_at__date__gt=F("publish_due"))
        | Q(published_at__isnull=True, publish_due__lt=on) & ~Q(state=Visit.State.DRAFT)
    )
