"""The burden of inspection on firms: visits, hours and papers of a calendar year, of all departments together."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from zhunsheng.engine import burden, tables
from zhunsheng.engine.tables import Row
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.inspection.models import DocumentRequest, Plan, Task, Visit
from zhunsheng.web.registry.models import BusinessEntity


@tables.kept("inspection/documents")
def document_kinds(on: datetime.date) -> Mapping[str, Row]:
    """The kinds of papers that may be noted on that day, by code."""
    return {row["code"]: row for row in tables.load("inspection/documents").valid_on(on)}


def _made(visit: str = "") -> Q:
    """The condition of `made_visits`; `visit`: the way to the visit, as `visits__`."""
    waiting = [Visit.State.SUBMITTED, Visit.State.RETURNED, Visit.State.REVIEWED]
    first = Q(**{f"{visit}state__in": waiting, f"{visit}corrects__isnull": True})
    return Q(**{f"{visit}state": Visit.State.PUBLISHED}) | first


def made_visits() -> QuerySet[Visit]:
    """Visits that took place: records handed in, each once; of a corrected one the version that stands."""
    return Visit.objects.filter(_made())


def meter_of(entity: BusinessEntity, year: int) -> burden.Meter:
    """The burden of a firm in a calendar year. Offices appear under the name of the language of the page."""
    visits = made_visits().filter(entity=entity, visited_on__year=year)
    visits = visits.select_related("task__draw__plan__office").prefetch_related("task__draw__plan__joint_offices")
    asked = DocumentRequest.objects.filter(
        entity=entity, requested_on__year__gte=year - 2, requested_on__year__lte=year
    )
    asked = asked.filter(Q(visit__isnull=True) | Q(visit__in=made_visits().filter(entity=entity)))
    return burden.meter(
        [burden.Visited(one.visited_on, _offices(one), _minutes(one), bool(one.cause)) for one in visits],
        [burden.Requested(one.requested_on, named(one.office), one.kind) for one in asked.select_related("office")],
        year=year,
        cap=burden.yearly_cap(datetime.date(year, 12, 31)),
    )


def _offices(visit: Visit) -> tuple[str, ...]:
    if visit.task is None:
        return (visit.handling_organ or visit.source_system,)
    plan = visit.task.draw.plan
    return tuple(named(office) for office in (plan.office, *plan.joint_offices.all()))


def _minutes(visit: Visit) -> int | None:
    if visit.arrived_at is None or visit.left_at is None:
        return None
    return (visit.left_at.hour - visit.arrived_at.hour) * 60 + visit.left_at.minute - visit.arrived_at.minute


def coming(entity: BusinessEntity, *, public: bool) -> QuerySet[Task]:
    """Visits still to be made. `public`: without those of a sealed draw that has not been opened."""
    tasks = Task.objects.filter(entity=entity, state__in=[Task.State.DRAWN, Task.State.ASSIGNED])
    if public:
        tasks = tasks.exclude(draw__mode=Plan.Mode.SEALED, draw__opened_at__isnull=True)
    return tasks.select_related("draw__plan__office").order_by("due_on")


def burdened(year: int) -> QuerySet[BusinessEntity]:
    """Firms visited in a year, with `counted` (against the limit), `for_cause` and `asked` (papers), the most visited first."""
    # one join of the visits for the filter and the counts: a list of visits in each count is walked row by row
    firms = BusinessEntity.objects.filter(_made("visits__"), visits__visited_on__year=year).select_related("division")
    return firms.annotate(
        counted=Count("visits", filter=Q(visits__cause=""), distinct=True),
        for_cause=Count("visits", filter=~Q(visits__cause=""), distinct=True),
        asked=Count("document_requests", filter=Q(document_requests__requested_on__year=year), distinct=True),
    ).order_by("-counted", "unit_id")


@dataclass(frozen=True, slots=True)
class CityBurden:
    """The city's figures of a year: firms visited, over the limit, hours noted, papers asked for."""

    firms: int
    visits: int
    over: int
    cap: int
    joint: int


def city_burden(year: int) -> CityBurden:
    cap = burden.yearly_cap(datetime.date(year, 12, 31))
    visits = made_visits().filter(visited_on__year=year)
    per_firm = visits.filter(cause="").order_by().values("entity").annotate(n=Count("pk"))
    return CityBurden(
        firms=visits.order_by().values("entity").distinct().count(),
        visits=visits.count(),
        over=per_firm.filter(n__gt=cap).count(),
        cap=cap,
        joint=visits.filter(task__draw__plan__joint_offices__isnull=False).distinct().count(),
    )


def needless_requests(meter: burden.Meter) -> list[tuple[burden.Needless, str]]:
    """Requests that need not have been made, with the reason in words."""
    return [(one, one.reason.text(language())) for one in meter.needless]
