"""The scoreboard as the public sees it: snapshots that were approved, as they were frozen, and nothing newer."""

from dataclasses import dataclass

from django.db.models import QuerySet

from zhunsheng.engine.appraisal import Window
from zhunsheng.web.appraisal import queries as appraisal
from zhunsheng.web.appraisal.models import Snapshot, Target
from zhunsheng.web.public_log.models import LogEntry


def approved() -> QuerySet[Snapshot]:
    return Snapshot.objects.filter(state=Snapshot.State.APPROVED).order_by("-as_of", "-pk")


def newest(year: int | None = None) -> Snapshot | None:
    found = approved()
    return (found.filter(as_of__year=year) if year else found).first()


def years() -> list[int]:
    """The years of which a snapshot is public, the latest first."""
    return [day.year for day in approved().order_by().dates("as_of", "year", order="DESC")]


def entry(snapshot: Snapshot) -> LogEntry | None:
    """The entry of the public log that holds the snapshot's hash."""
    return LogEntry.objects.filter(subject=f"snapshot:{snapshot.no}").order_by("index").first()


@dataclass(frozen=True, slots=True)
class Definition:
    """What a target counts, as the city's table of targets says it today."""

    target: Target
    window: Window


def definitions() -> list[Definition]:
    return [Definition(target, appraisal.window(target)) for target in Target.objects.order_by("code")]
