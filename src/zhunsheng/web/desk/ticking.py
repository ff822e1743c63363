"""定时任务: what returns by the clock. A room registers its jobs in AppConfig.ready(); `manage.py tick` runs what is due.

A job is told the moment for which it is due and returns how many things it did. It must be harmless when it runs again for the
same moment: a process may die after the work and before the note of it.
"""

import datetime
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.functional import Promise

Run = Callable[[datetime.datetime], int]
#: of PostgreSQL's advisory locks; any number that nobody else takes
LOCK = 7_013_442


@dataclass(frozen=True, slots=True)
class Daily:
    """Once a day from `hour` (the city's time) on. Missed days are caught up one by one, the oldest first; where that makes
    no sense, `catch_up` is False, and a day that has passed is left out.
    """

    hour: int
    catch_up: bool = True


Every = datetime.timedelta | Daily


@dataclass(frozen=True, slots=True)
class Job:
    """`atomic`: each run is one transaction, together with the note that it was done. Not for what speaks to the world."""

    name: str
    label: "str | Promise"
    run: Run
    every: Every
    atomic: bool = True


_jobs: dict[str, Job] = {}


def add_job(name: str, run: Run, *, every: Every, label: "str | Promise" = "", atomic: bool = True) -> None:
    """Registers a job. `every`: a timedelta of at least a minute, or Daily(hour). Raises ValueError for another."""
    if isinstance(every, datetime.timedelta) and every < datetime.timedelta(minutes=1):
        raise ValueError(f"{name}: every minute at most")
    if isinstance(every, Daily) and not 0 <= every.hour <= 23:
        raise ValueError(f"{name}: an hour from 0 to 23")
    _jobs[name] = Job(name, label or name, run, every, atomic)


def jobs() -> list[Job]:
    """All jobs in the order in which they were registered: the lower room's first."""
    return list(_jobs.values())


def slots(every: Every, last: datetime.datetime | None, at: datetime.datetime) -> list[datetime.datetime]:
    """The moments up to `at` for which a job is due that was last done for `last` (None: never), the oldest first.

    A new job starts with the latest moment: it has no past to catch up with.
    """
    if isinstance(every, datetime.timedelta):
        step = every.total_seconds()
        slot = datetime.datetime.fromtimestamp(at.timestamp() // step * step, datetime.UTC)
        return [slot] if last is None or slot > last else []
    now = timezone.localtime(at)
    latest = now.date() if now.hour >= every.hour else now.date() - datetime.timedelta(days=1)
    first = latest if last is None else timezone.localtime(last).date() + datetime.timedelta(days=1)
    if not every.catch_up:
        first = max(first, now.date())
    days = (latest - first).days + 1
    return [_moment(first + datetime.timedelta(days=n), every.hour) for n in range(max(0, days))]


def next_slot(every: Every, at: datetime.datetime) -> datetime.datetime:
    """The first moment after `at` for which a job is due."""
    if isinstance(every, datetime.timedelta):
        step = every.total_seconds()
        return datetime.datetime.fromtimestamp((at.timestamp() // step + 1) * step, datetime.UTC)
    today = timezone.localtime(at).date()
    moment = _moment(today, every.hour)
    return moment if moment > at else _moment(today + datetime.timedelta(days=1), every.hour)


def _moment(day: datetime.date, hour: int) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time(hour)))


@contextmanager
def alone() -> Iterator[bool]:
    """Whether no other tick is running. Held by the process, so that one that was killed holds nothing.

    A lock on a file for one machine, and with PostgreSQL one in the database, for several.
    """
    with Path(settings.HOME, "tick.lock").open("w") as file, _file_lock(file) as mine:
        if not mine or connection.vendor != "postgresql":
            yield mine
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
            (mine,) = cursor.fetchone()
        try:
            yield mine
        finally:
            if mine:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


@contextmanager
def _file_lock(file: IO[str]) -> Iterator[bool]:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
