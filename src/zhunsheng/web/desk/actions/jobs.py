"""Runs the jobs that are due, each apart from the others, and keeps a note of every run."""

import datetime
import logging
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Max, Min, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common import law
from zhunsheng.web.desk import ticking
from zhunsheng.web.desk.actions.notices import notify
from zhunsheng.web.desk.models import JobRun, Notice
from zhunsheng.web.people.models import Post, Role, User
from zhunsheng.web.people.queries import in_force_post

_log = logging.getLogger(__name__)

#: how long the notes of jobs are kept; each job's newest stays
NOTES_KEPT = datetime.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Done:
    """What one run of one job did. `problem` is '' where it went well."""

    job: str
    slot: datetime.datetime
    count: int
    problem: str = ""


def tick(at: datetime.datetime) -> list[Done] | None:
    """Runs every job that is due, oldest moment first, and returns what was done; None where another tick is running.

    A job that fails stays due and stops no other; its later moments wait for it. The system administrators are told.
    """
    with ticking.alone() as mine:
        if not mine:
            return None
        done = []
        for job in ticking.jobs():
            for slot in ticking.slots(job.every, _last(job), at):
                outcome = _run(job, slot, at)
                done.append(outcome)
                if outcome.problem:
                    break
        return done


def _last(job: ticking.Job) -> datetime.datetime | None:
    """The last moment for which the job was done; for one that never was, the day before its first failure."""
    found = JobRun.objects.filter(job=job.name).aggregate(
        last=Max("slot", filter=Q(ok=True)), failed=Min("slot", filter=Q(ok=False))
    )
    if found["last"] is None and found["failed"] is not None:
        first: datetime.datetime = found["failed"]
        return first - datetime.timedelta(days=1)
    last: datetime.datetime | None = found["last"]
    return last


def _run(job: ticking.Job, slot: datetime.datetime, at: datetime.datetime) -> Done:
    due = at if isinstance(job.every, datetime.timedelta) else slot
    try:
        law.follow(now=True)
        if job.atomic:
            with transaction.atomic():
                count = job.run(due)
                _note(job, slot, at, count)
        else:
            count = job.run(due)
            _note(job, slot, at, count)
    except Exception as problem:  # whatever one job does, the others go on
        _log.exception("job %s failed for %s", job.name, slot.isoformat())
        JobRun.objects.create(job=job.name, slot=slot, ran_at=at, ok=False, note=type(problem).__name__)
        text = format_lazy(_("定时任务“{job}”没有办成，平台会再试。请查看后台运行页和日志。"), job=job.label)
        notify(_keepers(at), text, reverse("desk:background"), at=at, kind=Notice.Kind.SYSTEM)
        return Done(job.name, slot, 0, type(problem).__name__)
    return Done(job.name, slot, count)


def _note(job: ticking.Job, slot: datetime.datetime, at: datetime.datetime, count: int) -> None:
    try:
        with transaction.atomic():
            JobRun.objects.create(job=job.name, slot=slot, ran_at=at, ok=True, count=count)
    except IntegrityError:
        # Another process noted the same moment in between; the job is harmless when it runs again.
        return


def _keepers(at: datetime.datetime) -> list[User]:
    """The system administrators in office."""
    on = timezone.localtime(at).date()
    posts = Post.objects.filter(in_force_post(on), role=Role.SYSADMIN)
    return list(User.objects.filter(Q(pk__in=posts.values("user")) | Q(is_superuser=True), is_active=True))


def sweep_notes(at: datetime.datetime) -> int:
    """Throws old notes of jobs away."""
    newest = JobRun.objects.filter(ok=True).values("job").annotate(last=Max("pk")).values("last")
    swept, _kinds = JobRun.objects.filter(ran_at__lt=at - NOTES_KEPT).exclude(pk__in=newest).delete()
    return swept
