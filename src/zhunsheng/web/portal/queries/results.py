"""Published results: what each of them says, which versions it has, where it is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import named, state_tag
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import TeamMember, Visit
from zhunsheng.web.people.models import Office
from zhunsheng.web.public_log.models import LogEntry

#: what a wording means for a rate → the kind of its tag
KINDS = {"eligible_pass": "good", "eligible_fail": "bad", "non_response": "warn", "ineligible": "muted"}


def published(*, corrected: bool = False) -> QuerySet[Visit]:
    """Results that anyone may see, with all that a row of a list shows. `corrected`: with those that were replaced."""
    visits = inspection.published_visits().select_related("task__draw__plan__office", "entity__division__parent")
    return visits if corrected else visits.filter(state=Visit.State.PUBLISHED)


def organ(visit: Visit) -> str:
    """Who inspected: the office that leads the plan, or the organ that the upstream record names."""
    if visit.task is not None:
        return named(visit.task.draw.plan.office)
    return visit.handling_organ


def source(visit: Visit) -> str:
    return visit.source_system or _("本平台")


def result_tag(visit: Visit) -> SafeString:
    if visit.result is None:
        return state_tag("muted", _("结果未注明"))
    return state_tag(KINDS[visit.result.estimation_role], named(visit.result))


def organs() -> list[tuple[str, str]]:
    """(value, name) of the organs that results can be filtered by: offices that lead plans, and organs of other systems."""
    offices = Office.objects.filter(plans__isnull=False).distinct().order_by("code")
    found = [(f"office-{office.pk}", named(office)) for office in offices]
    others = (
        Visit.objects.filter(task__isnull=True)
        .exclude(handling_organ="")
        .order_by("handling_organ")
        .values_list("handling_organ", flat=True)
        .distinct()
    )
    return found + [(name, name) for name in others[:50]]


def by_organ(visits: QuerySet[Visit], value: str) -> QuerySet[Visit]:
    kind, _dash, pk = value.partition("-")
    if kind == "office" and pk.isdecimal():
        return visits.filter(task__draw__plan__office=int(pk))
    return visits.filter(task__isnull=True, handling_organ=value)


def find(no: str) -> Visit | None:
    return published(corrected=True).select_related("follow_up", "premises").filter(no=no).first()


def versions(visit: Visit) -> list[Visit]:
    """The public versions of a result, the first one first: a correction stands beside what it corrects, not in its place."""
    if visit.task_id is None:
        return [visit]
    return list(published(corrected=True).filter(task=visit.task_id).order_by("pk"))


def of_entity(entity_id: int) -> list[Visit]:
    """All public results of one entity, the newest first, old and corrected versions among them."""
    visits = (
        inspection.public_visits_of(entity_id)
        .select_related("result", "task__draw__plan__office")
        .prefetch_related(None)
    )
    return list(visits.order_by("-visited_on", "-pk"))


@dataclass(frozen=True, slots=True)
class Member:
    """An inspector by number; the name is not published. `replaced`: why somebody else went instead."""

    no: str
    lead: bool
    replaced: str


def team(visit: Visit) -> list[Member]:
    if visit.task_id is None:
        return []
    members = TeamMember.objects.filter(task=visit.task_id).select_related("inspector").order_by("-lead", "pk")
    return [Member(one.inspector.person_no, one.lead, one.replaced_reason) for one in members]


def entries(visits: Sequence[Visit]) -> dict[str, LogEntry]:
    """Number of a result → the entry of the public log that published it."""
    subjects = {f"visit:{visit.no}": visit.no for visit in visits}
    rows = LogEntry.objects.filter(subject__in=list(subjects)).exclude(kind="follow_up.close").order_by("index")
    return {subjects[row.subject]: row for row in rows}


def seal(entry: LogEntry | None) -> dict[str, Any] | None:
    """An entry of the public log as components/seal.html shows it."""
    if entry is None:
        return None
    url = entry.get_absolute_url()
    return {"no": entry.index, "at": entry.at, "hash": entry.leaf_hash, "url": url, "verify_url": url}


def days_late(visit: Visit) -> int:
    """Working days by which the result was published after its last day; 0 in time."""
    return inspection.days_late(visit.publish_due, localtime(visit.published_at).date()) if visit.published_at else 0


def outcomes(draw_id: int) -> list[tuple[str, str, int]]:
    """(wording, kind of tag, how many) of a draw's published results, the most frequent first."""
    rows = (
        published()
        .select_related(None)
        .filter(task__draw=draw_id, result__isnull=False)
        .order_by()
        .values_list("result__name", "result__name_en", "result__estimation_role")
        .annotate(n=Count("pk"))
    )
    english = language() == "en"
    found = [((name_en or name) if english else name, KINDS[role], n) for name, name_en, role, n in rows]
    return sorted(found, key=lambda row: (-row[2], row[0]))
