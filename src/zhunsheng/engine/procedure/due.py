"""Which limits run, until when, and why: everything is counted anew from the history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from zhunsheng.engine import clock
from zhunsheng.engine.clock import CHINA, Calendar, Deadline, Extension, Suspension, Unit
from zhunsheng.engine.errors import ClockError
from zhunsheng.engine.procedure import guard
from zhunsheng.engine.procedure.model import Event, History, Limit, Longer, Pause, Procedure, Sense, Value
from zhunsheng.engine.words import Param, Reason


class Status(StrEnum):
    """How a limit stands at an instant."""

    RUNNING = "running"
    OVERDUE = "overdue"
    SUSPENDED = "suspended"
    MET = "met"
    LATE = "late"
    LAPSED = "lapsed"
    """The matter ended before the limit did: nothing is due any more."""
    WAITING = "waiting"
    """A time that must first run out (at least)."""
    OVER = "over"
    """That time has run out."""


@dataclass(frozen=True, slots=True)
class Due:
    """One running of a limit. `trigger`: the day or instant it is counted from; `opened_by`, `ended_by`: verbs.

    `deadline` is None while the limit is suspended (`paused`: by what, since when): nobody knows its last day then.
    `named`: the day that the order set.
    """

    limit: Limit
    opened_by: str
    opened_by_name: str
    opened_by_name_en: str
    trigger: date
    deadline: Deadline | None
    suspensions: tuple[Suspension, ...] = ()
    extensions: tuple[Extension, ...] = ()
    paused: tuple[tuple[Pause, datetime], ...] = ()
    named: date | None = None
    ended_at: date | None = None
    ended_by: str = ""
    lapsed_at: datetime | None = None

    @property
    def live(self) -> bool:
        """Whether the limit still runs (or is suspended)."""
        return self.ended_at is None and self.lapsed_at is None

    @property
    def last(self) -> datetime | None:
        """The last lawful instant: the hour, or the end of the last day in China; None while suspended."""
        if self.deadline is None:
            return None
        return self.deadline.due_at or end_of(self.deadline.due)

    def status(self, at: datetime) -> Status:
        """How the limit stands at the instant `at`."""
        if self.ended_at is not None and self.limit.sense is Sense.AT_LEAST:
            return Status.OVER
        if self.ended_at is not None:
            # An end that came while the limit was suspended cannot be late.
            return Status.LATE if self.last is not None and _start_of(self.ended_at) > self.last else Status.MET
        if self.lapsed_at is not None:
            return Status.LAPSED
        if self.last is None:
            return Status.SUSPENDED
        past = at > self.last
        if self.limit.sense is Sense.AT_LEAST:
            return Status.OVER if past else Status.WAITING
        return Status.OVERDUE if past else Status.RUNNING

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why: the rule and its source, how the day was counted, what was left out or added."""
        limit = self.limit
        rule: dict[str, Param] = {
            "name": limit.name,
            "name_en": limit.name_en,
            "source": limit.source,
            "trigger": self.trigger.isoformat(sep=" ", timespec="minutes")
            if isinstance(self.trigger, datetime)
            else self.trigger.isoformat(),
            "step": self.opened_by_name,
            "step_en": self.opened_by_name_en,
        }
        chain = [Reason(f"procedure.due.{limit.sense}", rule), Reason(f"procedure.grade.{limit.confidence}")]
        if self.deadline is not None:
            chain += self.deadline.reasons
        for pause, since in self.paused:
            cause = Reason(f"clock.cause.{pause.cause}")
            said: dict[str, Param] = {"since": day_of(since).isoformat()}
            chain.append(
                Reason("procedure.due.suspended", {**said, "cause": cause.text(), "cause_en": cause.text("en")})
            )
        return tuple(chain)


def end_of(day: date) -> datetime:
    """The last instant of a day in China."""
    return datetime.combine(day, time.max, CHINA)


def _start_of(moment: date) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min, CHINA)


def day_of(moment: date) -> date:
    """The day in China."""
    return moment.astimezone(CHINA).date() if isinstance(moment, datetime) else moment


def deadlines(procedure: Procedure, history: History, calendar: Calendar | None = None) -> tuple[Due, ...]:
    """Every running of every limit, in the order in which they began.

    An ending step ends all open runnings of its limit, then a step may start it anew (a report every day). A final state
    lapses what is open. Raises ClockError for a period that cannot be counted (an order's day before its trigger).
    """
    calendar = calendar or clock.default_calendar()
    dues: tuple[Due, ...] = ()
    facts: dict[str, Value] = {}
    takers: dict[str, tuple[str, ...]] = {}
    for event in history:
        now = procedure.on(day_of(event.at))
        if now is not procedure:
            procedure, dues = now, recounted(dues, now, calendar)
        facts.update(event.facts)
        takers[event.verb] = (*takers.get(event.verb, ()), event.by)
        dues = after(dues, procedure, event, guard.Scene(facts, takers), calendar)
    return dues


def after(
    dues: Iterable[Due], procedure: Procedure, event: Event, scene: guard.Scene, calendar: Calendar
) -> tuple[Due, ...]:
    """The runnings after one more event; `scene` has the event's own facts and step already."""
    found = [_moved(due, event, procedure, scene.facts, calendar) if due.live else due for due in dues]
    found += _started(procedure, event, scene, calendar)
    step = procedure.steps[event.verb]
    if step.target and procedure.states[step.target].final:
        found = [replace(due, lapsed_at=event.at) if due.live else due for due in found]
    return tuple(found)


def recounted(dues: Iterable[Due], procedure: Procedure, calendar: Calendar) -> tuple[Due, ...]:
    """The runnings as a later version has them, which applies to open matters: a limit that runs, and that the version
    has as well, is counted anew from its own trigger, with its suspensions and the extensions granted. Limits that have
    ended, that the version does not have, or that cannot be counted its way (an extension already fixes an earlier
    day), stay as they are."""
    return tuple(_recounted(due, procedure, calendar) for due in dues)


def _recounted(due: Due, procedure: Procedure, calendar: Calendar) -> Due:
    limit = procedure.limits.get(due.limit.code)
    if not due.live or limit is None or limit == due.limit:
        return due
    pauses = {pause.start: pause for pause in limit.pauses}
    due = replace(due, limit=limit, paused=tuple((pauses.get(one.start, one), since) for one, since in due.paused))
    if due.paused:
        return due
    try:
        return replace(due, deadline=_counted(due, calendar))
    except ClockError:
        return due


def next_deadline(dues: Iterable[Due]) -> Due | None:
    """The open limit (at most) that is due first; None when nothing is due."""
    known = [d for d in dues if d.live and d.last is not None and d.limit.sense is Sense.AT_MOST]
    return min(known, key=lambda d: (d.last or datetime.max.replace(tzinfo=CHINA), d.limit.code), default=None)


def _started(procedure: Procedure, event: Event, scene: guard.Scene, calendar: Calendar) -> Iterator[Due]:
    step = procedure.steps[event.verb]
    for limit in procedure.limits.values():
        if event.verb not in limit.starts or (limit.when and not guard.holds(limit.when, procedure.facts, scene)):
            continue
        trigger: date = event.at
        if limit.counts_from:
            given = scene.facts.get(limit.counts_from, event.at)
            assert isinstance(given, date)  # the static checks allow dates and instants only
            trigger = given
        named = scene.facts.get(limit.until) if limit.until else None
        assert named is None or isinstance(named, date)
        due = Due(limit, event.verb, step.name, step.name_en, trigger, None, named=named)
        yield replace(due, deadline=_counted(due, calendar))


def _moved(due: Due, event: Event, procedure: Procedure, facts: Mapping[str, Value], calendar: Calendar) -> Due:
    """The running after an event: ended, suspended, resumed or extended."""
    limit = due.limit
    if event.verb in limit.ends:
        ended = facts.get(limit.ends_on, event.at) if limit.ends_on else event.at
        assert isinstance(ended, date)
        return replace(due, ended_at=ended, ended_by=event.verb)
    paused, gaps = due.paused, due.suspensions
    for pause in limit.pauses:
        known = next((since for one, since in paused if one == pause), None)
        if event.verb in pause.stop and known is not None:
            paused = tuple(one for one in paused if one[0] != pause)
            gaps += _gap(limit, known, event.at, pause.cause)
        elif event.verb == pause.start and known is None:
            paused = (*paused, (pause, event.at))
    longer = next((longer for longer in limit.longer if longer.verb == event.verb), None)
    extensions = due.extensions if longer is None else (*due.extensions, _extension(longer, event, procedure))
    if (paused, gaps, extensions) == (due.paused, due.suspensions, due.extensions):
        return due
    due = replace(due, paused=paused, suspensions=gaps, extensions=extensions, deadline=None)
    return due if paused else replace(due, deadline=_counted(due, calendar))


def _gap(limit: Limit, since: datetime, until: datetime, cause: str) -> tuple[Suspension, ...]:
    """The days that do not count: the day of the suspension, up to the day before it was lifted [assumed]. For hours,
    the instants between."""
    if limit.unit is Unit.HOUR:
        return (Suspension(since, until, cause),) if until > since else ()
    first, last = day_of(since), day_of(until) - timedelta(days=1)
    return (Suspension(first, last, cause),) if last >= first else ()


def _extension(longer: Longer, event: Event, procedure: Procedure) -> Extension:
    approver = procedure.steps[event.verb].name
    if longer.until:
        day = event.facts[longer.until]
        assert isinstance(day, date)
        return Extension(0, longer.unit, approver, until=day)
    amount = event.facts.get(longer.fact, longer.amount) if longer.fact else longer.amount
    assert isinstance(amount, int)
    return Extension(amount, longer.unit, approver)


def _counted(due: Due, calendar: Calendar) -> Deadline:
    limit = due.limit
    if due.named is None:
        return clock.deadline(
            due.trigger,
            limit.amount,
            limit.unit,
            calendar=calendar,
            suspensions=due.suspensions,
            extensions=due.extensions,
        )
    return clock.set_day(due.trigger, due.named, calendar=calendar, extensions=due.extensions)
