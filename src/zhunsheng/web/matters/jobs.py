"""What matters do by the clock: steps that the passing of time takes, publicity that ends, reminders and escalation."""

import datetime
import logging
from collections.abc import Iterable

from django.db.models import Q
from django.utils import translation
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import clock, tables
from zhunsheng.engine import procedure as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.tables import Row
from zhunsheng.web.common.errors import Refused, language
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.desk.models import Notice
from zhunsheng.web.desk.ticking import Daily, add_job
from zhunsheng.web.matters import actions, dispatching, queries, words
from zhunsheng.web.matters.models import Matter
from zhunsheng.web.people.models import Post, User
from zhunsheng.web.people.queries import in_force_post

_log = logging.getLogger(__name__)

HALF_HOUR = datetime.timedelta(minutes=30)
MORNING = 8


def register() -> None:
    add_job("matters.clock", by_the_clock, every=HALF_HOUR, label=gettext_lazy("到期自动办理的步骤"), atomic=False)
    add_job("matters.hours", hours_gone, every=HALF_HOUR, label=gettext_lazy("以小时计的期限到期告知"))
    add_job("matters.publicity", publicity, every=Daily(0), label=gettext_lazy("结束期满的公示"))
    add_job("matters.receipts", receipts, every=Daily(MORNING, catch_up=False), label=gettext_lazy("催签收公文"))
    add_job("matters.reminders", reminders, every=Daily(MORNING, catch_up=False), label=gettext_lazy("催办与升级"))


def receipts(at: datetime.datetime) -> int:
    """Reminds the offices that have not signed for a document (table matters/receipts). Once a stage. Returns how many
    notices were made."""
    today = at.astimezone(CHINA).date()
    rows = sorted(tables.load("matters/receipts").valid_on(today), key=lambda row: -row.integer("days"))
    told = 0
    for party in dispatching.unsigned().iterator(chunk_size=500):
        gone = clock.working_days_between(party.matter.state_since.astimezone(CHINA).date(), today)
        stage = next((row for row in rows if gone >= row.integer("days")), None)
        if stage is None:
            continue
        people = dispatching.people_of([party.office_id or 0], ("member", "head", "lead_office"), today)
        told += _once(people, party.matter.title, stage, party.get_absolute_url(), at)
        if "handler" in stage.list("told") and party.matter.handler is not None:
            which = f"{party.matter.title}（{party.office}）"
            told += _once([party.matter.handler], which, stage, party.matter.get_absolute_url(), at)
    return told


def _unsigned(title: str, stage: Row) -> str:
    return _("%(stage)s：%(title)s") % {"stage": stage.label(language()), "title": title}


_lazy_unsigned = lazy(_unsigned, str)


def _once(people: Iterable[User], title: str, stage: Row, url: str, at: datetime.datetime) -> int:
    """Tells those who have not been told this before."""
    with translation.override("zh-hans"):
        text = _unsigned(title, stage)
    asked = {user.pk: user for user in people}
    known = set(Notice.objects.filter(user__in=asked, url=url, text=text).values_list("user_id", flat=True))
    new = [user for key, user in asked.items() if key not in known]
    return len(notify(new, _lazy_unsigned(title, stage), url, at=at, kind=Notice.Kind.DEADLINE)) if new else 0


def by_the_clock(at: datetime.datetime) -> int:
    """Takes the steps of role `clock` in every open matter that waits for one. Returns how many were taken.

    A matter whose steps do not replay stops no other: its own page says what is wrong with it.
    """
    done = 0
    for matter in _waiting_for_the_clock():
        try:
            done += len(actions.advance_clock(matter, at=at))
        except (Refused, ZhunshengError) as problem:
            _log.error("the clock's step of matter %s was not taken: %s", matter.no, problem)
    return done


def _waiting_for_the_clock() -> Iterable[Matter]:
    asked = Q(pk__in=[])
    for code in words.kinds():
        # of all versions together: a later one may run matters that began under an earlier one
        states = {
            state
            for procedure in engine.versions(code)
            for step in procedure.steps.values()
            if queries.CLOCK in step.roles
            for state in procedure.sources_of(step)
        }
        if states:
            asked |= Q(procedure=code, state__in=states)
    return queries.with_history(queries.open_matters().filter(asked)).order_by("pk").iterator(chunk_size=200)


def publicity(at: datetime.datetime) -> int:
    """Ends the publicity whose last day has passed."""
    return actions.end_expired(at=at)


def reminders(at: datetime.datetime) -> int:
    """Tells the handler of what is due, and the next ones up of what is overdue (table matters/escalation). Once a stage.

    Returns how many notices were made.
    """
    today = at.astimezone(CHINA).date()
    rows = sorted(tables.load("matters/escalation").valid_on(today), key=lambda row: row.integer("days"))
    if not rows:
        return 0
    last = max(row.integer("days") for row in rows)
    # working days are fewer than calendar days: what is further off than this cannot be within `last` working days
    horizon = today + datetime.timedelta(days=last * 2 + 14)
    told = 0
    due = queries.open_matters().filter(next_due_on__lte=horizon).select_related("office", "handler")
    for matter in due.iterator(chunk_size=500):
        assert matter.next_due_on is not None  # noqa: S101 - for the type checker: the filter has seen to it
        left = clock.days_left(matter.next_due_on, today)
        stage = next((row for row in rows if left <= row.integer("days")), None)
        if stage is not None:
            told += _tell(matter, stage, at)
    return told


def hours_gone(at: datetime.datetime) -> int:
    """Tells the head at once when a limit that is counted in hours has run out."""
    told = 0
    gone = queries.overdue(at).filter(deadlines__status="running", deadlines__due_at__lt=at).distinct()
    for matter in gone.select_related("office", "handler").iterator(chunk_size=500):
        limit = queries.procedure_of(matter).limits.get(matter.next_limit)
        if limit is not None and limit.unit is clock.Unit.HOUR:
            row = tables.load("matters/escalation").find(at.astimezone(CHINA).date(), code="overdue")
            told += _tell(matter, row, at, Notice.Kind.URGENT)
    return told


def _tell(matter: Matter, stage: Row, at: datetime.datetime, kind: str = Notice.Kind.DEADLINE) -> int:
    """Tells those of the stage who have not been told of this stage of this limit before."""
    people = {user.pk: user for user in _people(matter, stage.list("told"), at)}
    text = _lazy_reminder(matter, stage)
    url = matter.get_absolute_url()
    known = Notice.objects.filter(user__in=people, url=url, text=str(_in_chinese(matter, stage))).values_list(
        "user_id", flat=True
    )
    new = [user for key, user in people.items() if key not in set(known)]
    return len(notify(new, text, url, at=at, kind=kind)) if new else 0


def _people(matter: Matter, told: Iterable[str], at: datetime.datetime) -> Iterable[User]:
    day = at.astimezone(CHINA).date()
    for who in told:
        if who == "handler":
            if matter.handler is not None:
                yield matter.handler
                continue
            who = "member"  # nobody handles it yet: the office's case officers are told
        posts = Post.objects.filter(in_force_post(day), role=who).select_related("user")
        if who not in queries.OVERSEERS:
            posts = posts.filter(office=matter.office)
        yield from (post.user for post in posts)


def _reminder(matter: Matter, stage: Row) -> str:
    limit = queries.procedure_of(matter).limits.get(matter.next_limit)
    return _("%(no)s %(limit)s：%(stage)s（%(day)s）") % {
        "no": matter.no,
        "limit": limit.label(language()) if limit is not None else matter.next_limit,
        "stage": stage.label(language()),
        "day": matter.next_due_on,
    }


_lazy_reminder = lazy(_reminder, str)


def _in_chinese(matter: Matter, stage: Row) -> str:
    """As the notice keeps it."""
    with translation.override("zh-hans"):
        return _reminder(matter, stage)
