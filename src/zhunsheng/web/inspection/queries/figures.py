"""What other rooms count: inputs of rates, publication on time, completion of plans, draws given up, coverage."""

import datetime
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.db.models import Count, F, Q

from zhunsheng.engine.estimate import Role, UnitResult
from zhunsheng.web.inspection.models import Draw, Inclusion, Plan, Task, Visit
from zhunsheng.web.inspection.queries.plans import PUBLISHED, VISITED
from zhunsheng.web.inspection.queries.tables import items_on
from zhunsheng.web.registry.models import BusinessEntity


@dataclass(frozen=True, slots=True)
class Share:
    """A numerator over a denominator, exact."""

    numerator: int
    denominator: int

    @property
    def value(self) -> Fraction | None:
        """None where there is nothing to divide by: no data, not zero."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None


@dataclass(frozen=True, slots=True)
class RateInputs:
    """Every drawn unit of some draws, for `engine.estimate.pass_rate`. `pending`: drawn, and no published result yet."""

    units: tuple[UnitResult, ...]
    pending: int
    draws: tuple[str, ...]


def pass_rate_inputs(
    draw: Draw | None = None,
    *,
    start: datetime.date | None = None,
    end: datetime.date | None = None,
    items: tuple[str, ...] = (),
    list: str | None = None,
) -> RateInputs:
    """The drawn units with their roles: of one draw, or of all draws executed from `start` to `end` (for these item codes).

    A unit without a published result counts as non-response, and so does a withdrawn one: it was drawn, and what would
    have been found is not known. Strata of different draws are kept apart (year pooled by draw). Visits that were not
    drawn never enter. Where a stratum was drawn by size, each unit carries its own probability. In a joint draw each list is a sample of its own: `list` takes the units of one of them, and a unit
    that two lists drew stands in both.
    """
    wanted: dict[str, Any] = {}
    if draw is not None:
        wanted["draw"] = draw
    if start is not None:
        wanted["draw__executed_at__date__gte"] = start
    if end is not None:
        wanted["draw__executed_at__date__lte"] = end
    if items:
        draws_of = Q(plan__items__code__in=items) | Q(plan__further_lists__items__code__in=items)
        wanted["draw__in"] = Draw.objects.filter(draws_of).values("pk")
    # Joined, not "in a list of tasks": PostgreSQL walks such a list again for each row where it has no statistics yet.
    of_task = {f"task__{name}": value for name, value in wanted.items()}
    roles = dict(
        Visit.objects.filter(task__isnull=False, state=Visit.State.PUBLISHED, **of_task)
        .order_by()
        .values_list("task_id", "result__estimation_role")
    )
    rows = Inclusion.objects.filter(**of_task)
    if list is not None:
        rows = rows.filter(list=list)
    units, pending, draws = [], set(), set()
    for pk, unit, no, name, stratum, size, n, numerator, denominator, state in rows.order_by(
        "task", "list", "stratum"
    ).values_list(
        "task_id",
        "task__unit_id",
        "task__draw__no",
        "list",
        "stratum",
        "size",
        "n",
        "numerator",
        "denominator",
        "task__state",
    ):
        draws.add(no)
        role = roles.get(pk)
        if role is None and state != Task.State.WITHDRAWN:
            pending.add(pk)
        full = "/".join(filter(None, (no, name, stratum)))
        share = Fraction(numerator, denominator)
        units.append(
            UnitResult(
                full,
                size,
                n,
                Role(role) if role else Role.NON_RESPONSE,
                pi=None if share == Fraction(n, size) else share,
                id=unit,
            )
        )
    return RateInputs(tuple(units), len(pending), tuple(sorted(draws)))


def on_time_publication(start: datetime.date, end: datetime.date, on: datetime.date) -> Share:
    """Results published by their last day, over those whose last day fell from `start` to `end`.

    A result that is late and still not published is in the denominator; one that is not due yet (on `on`) and not
    published is not. First versions only: a correction does not make a result late.
    """
    due = Visit.objects.filter(
        task__isnull=False, corrects__isnull=True, publish_due__gte=start, publish_due__lte=end
    ).exclude(state=Visit.State.DRAFT)
    due = due.filter(Q(published_at__isnull=False) | Q(publish_due__lt=on))
    in_time = due.filter(published_at__date__lte=F("publish_due")).count()
    return Share(in_time, due.count())


def plan_completion(start: datetime.date, end: datetime.date) -> Share:
    """Drawn units with a published result (or withdrawn in public), over all drawn, for plans that end in the period."""
    tasks = Task.objects.filter(draw__plan__ends_on__gte=start, draw__plan__ends_on__lte=end)
    done = tasks.filter(state__in=[*PUBLISHED, Task.State.WITHDRAWN]).count()
    return Share(done, tasks.count())


def abandonment(start: datetime.date, end: datetime.date) -> Share:
    """Announced draws that were given up, over all announced in the period."""
    draws = Draw.objects.filter(announced_at__date__gte=start, announced_at__date__lte=end)
    return Share(draws.filter(state=Draw.State.ABANDONED).count(), draws.count())


def coverage(start: datetime.date, end: datetime.date) -> Share:
    """Entities on the register that were visited at least once in the period, over all that are in business."""
    visited = (
        Visit.objects.filter(visited_on__gte=start, visited_on__lte=end, entity__status="active")
        .exclude(state__in=[Visit.State.DRAFT, Visit.State.RETURNED])
        .order_by()
        .values("entity")
        .distinct()
        .count()
    )
    return Share(visited, BusinessEntity.objects.filter(status="active").count())


def item_coverage(year: int) -> Share:
    """Items in force in the year that at least one approved plan of the year contains, over all such items."""
    wanted = set(items_on(datetime.date(year, 12, 31)).values_list("code", flat=True))
    planned = set(Plan.objects.filter(year=year).exclude(state=Plan.State.DRAFT).values_list("items__code", flat=True))
    return Share(len(wanted & planned), len(wanted))


def joint_share(year: int) -> Share:
    """Joint plans of several departments, over all approved plans of the year."""
    plans = Plan.objects.filter(year=year).exclude(state=Plan.State.DRAFT)
    return Share(plans.filter(kind=Plan.Kind.JOINT).count(), plans.count())


def problem_rate_by_class(start: datetime.date, end: datetime.date) -> dict[str, Share]:
    """Class → drawn units with a problem over those with a result, published in the period. Plain shares, no estimate."""
    rows = (
        Visit.objects.filter(
            task__isnull=False, state=Visit.State.PUBLISHED, published_at__date__gte=start, published_at__date__lte=end
        )
        .filter(result__estimation_role__in=["eligible_pass", "eligible_fail"])
        .order_by()
        .values_list("entity__risk_class", "result__estimation_role")
        .annotate(n=Count("pk"))
    )
    found: dict[str, list[int]] = {}
    for risk_class, role, n in rows:
        row = found.setdefault(risk_class, [0, 0])
        row[1] += n
        if role == "eligible_fail":
            row[0] += n
    return {key: Share(*row) for key, row in sorted(found.items())}


def draw_progress(draw: Draw) -> dict[str, int]:
    """How many of a draw's units are drawn, visited, published, withdrawn."""
    counts = dict(Task.objects.filter(draw=draw).order_by().values_list("state").annotate(n=Count("pk")))
    return {
        "drawn": sum(counts.values()),
        "visited": sum(counts.get(state, 0) for state in VISITED),
        "published": sum(counts.get(state, 0) for state in PUBLISHED),
        "withdrawn": counts.get(Task.State.WITHDRAWN, 0),
    }
