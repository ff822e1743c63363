"""Runs a matter through its procedure: who may take which step, what follows. Replaying the history gives everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from zhunsheng.engine import clock
from zhunsheng.engine.clock import CHINA, Calendar, Unit
from zhunsheng.engine.errors import ClockError, ProcedureError
from zhunsheng.engine.procedure import due as dues_of
from zhunsheng.engine.procedure import guard, rules
from zhunsheng.engine.procedure.due import Due, Status, day_of, end_of
from zhunsheng.engine.procedure.model import (
    CLOCK_ROLE,
    START,
    Event,
    History,
    Kind,
    Limit,
    Longer,
    Procedure,
    Sense,
    State,
    Step,
    Value,
)
from zhunsheng.engine.procedure.reading import fits, misfit
from zhunsheng.engine.words import Param, Reason

NOWHERE = State(START, "未开始", "not begun")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a matter stands after its history. `since`: when it came into `state` (None before the first step).
    `takers`: who took which step, in order; `principals`: for whom, where that was another person. `procedure`: the version
    that runs it now; `began`: the one under which it began, where that is another."""

    procedure: Procedure
    history: History
    state: State = NOWHERE
    since: datetime | None = None
    facts: Mapping[str, Value] = field(default_factory=dict, hash=False)
    takers: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    dues: tuple[Due, ...] = ()
    began: Procedure | None = None
    principals: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @property
    def begun(self) -> Procedure:
        """The version under which the matter began."""
        return self.began or self.procedure

    @property
    def ended(self) -> bool:
        """Whether the matter has come to a final state."""
        return self.state.final

    @property
    def next(self) -> Due | None:
        """The limit that is due first; None when nothing is."""
        return dues_of.next_deadline(self.dues)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a step may be taken, and if not, every reason why."""

    step: Step | None
    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.reasons


def start(procedure: Procedure, event: Event, calendar: Calendar | None = None) -> Standing:
    """The matter that the first step begins. Raises ProcedureError when it may not."""
    return apply(procedure, (), event, calendar)


def apply(procedure: Procedure, history: History, event: Event, calendar: Calendar | None = None) -> Standing:
    """The standing after one more step. Raises ProcedureError with the first reason that refuses it."""
    return advance(replay(procedure, history, calendar), event, calendar)


def advance(standing: Standing, event: Event, calendar: Calendar | None = None) -> Standing:
    """As `apply`, from a standing already at hand."""
    return _apply(standing, event, calendar or clock.default_calendar())


def replay(
    procedure: Procedure, history: History, calendar: Calendar | None = None, *, on: date | None = None
) -> Standing:
    """The standing after a whole history, each step checked again. Raises ProcedureError, naming the step refused.

    `procedure`: the version under which the matter began. `on`: the day as of which it stands, where a later version
    that applies to open matters has come into force since the last step.
    """
    calendar = calendar or clock.default_calendar()
    standing = Standing(procedure, ())
    for event in history:
        standing = _apply(standing, event, calendar)
    return standing if on is None else carried(standing, on, calendar)


def carried(standing: Standing, day: date, calendar: Calendar | None = None) -> Standing:
    """The standing as the law of `day` has it: where a later version applies to open matters by then, the matter goes on
    under it. What was done stays as it was; the limits that run are counted anew, from their own triggers, by the version's
    amounts; those that have ended do not move."""
    later = standing.procedure.on(day)
    if later is standing.procedure or standing.ended:
        return standing
    dues = dues_of.recounted(standing.dues, later, calendar or clock.default_calendar())
    state = later.states.get(standing.state.code, standing.state)
    return replace(standing, procedure=later, state=state, dues=dues, began=standing.begun)


def may(procedure: Procedure, history: History, event: Event, calendar: Calendar | None = None) -> Verdict:
    """Whether this step may be taken now, with every reason against it."""
    return judge(replay(procedure, history, calendar), event, calendar)


def judge(standing: Standing, event: Event, calendar: Calendar | None = None) -> Verdict:
    """As `may`, from a standing already at hand."""
    calendar = calendar or clock.default_calendar()
    return _judged(_at(standing, event.at, calendar), event, calendar)[0]


def _at(standing: Standing, at: datetime, calendar: Calendar) -> Standing:
    """As the law of the instant's day has it; an instant without a zone is refused later, with its reason."""
    return standing if at.utcoffset() is None else carried(standing, day_of(at), calendar)


def _judged(standing: Standing, event: Event, calendar: Calendar) -> tuple[Verdict, guard.Scene, tuple[Due, ...]]:
    """The verdict, and the scene and limits after the event where it is allowed."""
    scene = guard.Scene()
    step = standing.procedure.steps.get(event.verb)
    if step is None:
        return Verdict(None, (Reason("procedure.unknown_step", {"step": event.verb}),)), scene, ()
    found = tuple(_objections(standing, step, event))
    if found:
        return Verdict(step, found), scene, ()
    takers = {**standing.takers, step.code: (*standing.takers.get(step.code, ()), event.by)}
    scene = guard.Scene({**standing.facts, **event.facts}, takers)
    try:  # what cannot be counted is refused before it is recorded
        dues = dues_of.after(standing.dues, standing.procedure, event, scene, calendar)
    except ClockError as error:
        return Verdict(step, (error.reason,)), scene, ()
    return Verdict(step), scene, dues


def options(standing: Standing, *, by: str, role: str, at: datetime, on_behalf_of: str = "") -> tuple[Verdict, ...]:
    """For each step that leads from the present state: whether this person may take it now. Facts and documents that
    must come with the step are not asked for, nor are guards and rules that wait for them."""
    standing = _at(standing, at, clock.default_calendar())
    found: list[Verdict] = []
    for step in standing.procedure.leading_from(standing.state.code):
        event = Event(step.code, at, by, role, on_behalf_of=on_behalf_of)
        coming = frozenset(step.needs) | frozenset(step.documents)
        reasons = [*_who(standing, step, event), *_when(standing, step, event)]
        if not (step.when and guard.names(step.when) & (coming | frozenset(step.allows))):
            reasons += _guarded(standing, step, event)
        known = tuple(name for name in step.rules if not set(rules.RULES[name].needs) & coming)
        reasons += _ruled(standing, step, event, known)
        found.append(Verdict(step, tuple(reasons)))
    return tuple(found)


def wording(procedure: Procedure, history: History, lang: str = "zh") -> str:
    """The wording of the last step's decision, filled in; "" where the step has none. Facts that are not known (an
    optional one) are written as a blank. Raises ProcedureError for an empty history."""
    if not history:
        raise ProcedureError("procedure.history.empty", where=procedure.code)
    procedure = procedure.on(day_of(history[-1].at))
    facts: dict[str, Value] = {}
    for event in history:
        facts.update(event.facts)
    words = {code: shown(procedure, code, facts[code], lang) if code in facts else "____" for code in procedure.facts}
    words["on"] = shown_day(history[-1].at, lang)
    return procedure.steps[history[-1].verb].says(lang).format_map(words)


def shown(procedure: Procedure, code: str, value: Value, lang: str = "zh") -> str:
    """A fact's value as people read it: a choice by its name, money in yuan, a day in the language's own way."""
    fact = procedure.facts[code]
    english = lang == "en" or lang.startswith("en-")
    match value:
        case bool():
            return Reason(f"procedure.flag.{'yes' if value else 'no'}").text(lang)
        case int() if fact.kind is Kind.MONEY:
            yuan, fen = divmod(value, 100)
            return f"{yuan:,}.{fen:02d} yuan" if english else f"{yuan}.{fen:02d}元" if fen else f"{yuan}元"
        case int():
            return str(value)
        case datetime():
            return f"{shown_day(value, lang)} {value.astimezone(CHINA):%H:%M}"
        case date():
            return shown_day(value, lang)
        case _:
            choice = fact.choice(value)
            return value if choice is None else choice.label(lang)


def shown_day(moment: date, lang: str = "zh") -> str:
    """A day as people write it: 2026年11月24日; ISO in English."""
    day = day_of(moment)
    return day.isoformat() if lang == "en" or lang.startswith("en-") else f"{day.year}年{day.month}月{day.day}日"


def _apply(standing: Standing, event: Event, calendar: Calendar) -> Standing:
    where = f"{standing.procedure.code} {len(standing.history) + 1}"
    standing = _at(standing, event.at, calendar)
    verdict, scene, dues = _judged(standing, event, calendar)
    if verdict.step is None or verdict.reasons:
        raise ProcedureError.of(verdict.reasons[0], where=where)
    procedure, step = standing.procedure, verdict.step
    moved = bool(step.target) and step.target != standing.state.code
    principals = standing.principals
    if event.on_behalf_of:
        principals = {**principals, step.code: (*principals.get(step.code, ()), event.on_behalf_of)}
    return Standing(
        procedure,
        (*standing.history, event),
        procedure.states[step.target] if step.target else standing.state,
        event.at if moved else standing.since,
        scene.facts,
        scene.takers,
        dues,
        standing.began,
        principals,
    )


def _objections(standing: Standing, step: Step, event: Event) -> Iterator[Reason]:
    yield from _who(standing, step, event)
    yield from _when(standing, step, event)
    bad = list(_facts(standing, step, event))
    yield from bad
    if not bad:
        yield from _guarded(standing, step, event)
        yield from _ruled(standing, step, event)
        yield from _granted(standing, step, event)


def _named(step: Step) -> dict[str, Param]:
    return {"step": step.name, "step_en": step.name_en}


def _who(standing: Standing, step: Step, event: Event) -> Iterator[Reason]:
    if event.role not in step.roles:
        names = [(role_name(role, "zh"), role_name(role, "en")) for role in step.roles]
        who: dict[str, Param] = {
            "role": role_name(event.role, "zh"),
            "role_en": role_name(event.role, "en"),
            "roles": "、".join(zh for zh, _ in names),
            "roles_en": ", ".join(en for _, en in names),
        }
        yield Reason("procedure.wrong_role", {**_named(step), **who})
    if event.role == CLOCK_ROLE:
        return
    persons = {event.by, event.on_behalf_of} - {""}
    for verb in step.apart:
        if persons & {*standing.takers.get(verb, ()), *standing.principals.get(verb, ())}:
            other = standing.procedure.steps[verb]
            said: dict[str, Param] = {"other": other.name, "other_en": other.name_en}
            yield Reason("procedure.same_person", {**_named(step), **said})


def role_name(role: str, lang: str = "zh") -> str:
    """The name of a role (table people/roles); the code itself for an unknown one."""
    try:
        return Reason(f"procedure.role.{role}").text(lang)
    except KeyError:
        return role


def _when(standing: Standing, step: Step, event: Event) -> Iterator[Reason]:
    if standing.state.code not in standing.procedure.sources_of(step):
        state: dict[str, Param] = {"state": standing.state.name, "state_en": standing.state.name_en}
        yield Reason("procedure.wrong_state", {**_named(step), **state})
    if event.at.utcoffset() is None:
        yield Reason("clock.no_time_zone", {"instant": event.at.isoformat()})
        return
    if standing.history and event.at < standing.history[-1].at:
        at, before = event.at.isoformat(), standing.history[-1].at.isoformat()
        yield Reason("procedure.before_last", {"at": at, "before": before})
    for due in standing.dues:
        waits = due.live and due.limit.sense is Sense.AT_LEAST and step.code in due.limit.ends
        if waits and not due.limit.ends_on and due.status(event.at) is not Status.OVER:
            until = due.deadline.due.isoformat() if due.deadline else "____"
            limit: dict[str, Param] = {"limit": due.limit.name, "limit_en": due.limit.name_en, "until": until}
            yield Reason("procedure.too_early", {**_named(step), **limit})


def _facts(standing: Standing, step: Step, event: Event) -> Iterator[Reason]:
    declared = standing.procedure.facts
    for code in (*step.needs, *step.documents):
        if code not in event.facts:
            fact = declared[code]
            kind = "document" if fact.kind is Kind.DOCUMENT else "fact"
            names: dict[str, Param] = {"name": fact.name, "name_en": fact.name_en}
            yield Reason(f"procedure.missing_{kind}", {**_named(step), **names})
    for code, value in event.facts.items():
        if code not in declared:
            yield Reason("procedure.unknown_fact", {"fact": code})
        elif code not in step.needs and code not in step.allows and code not in step.documents:
            extra: dict[str, Param] = {"name": declared[code].name, "name_en": declared[code].name_en}
            yield Reason("procedure.fact_not_here", {**_named(step), **extra})
        elif not fits(declared[code], value):
            yield misfit(declared[code], value)
    for due in standing.dues:
        early = due.live and due.limit.sense is Sense.AT_LEAST and step.code in due.limit.ends and due.limit.ends_on
        given = event.facts.get(due.limit.ends_on) if early else None
        if isinstance(given, date) and due.last is not None and end_of(day_of(given)) <= due.last:
            until = due.deadline.due.isoformat() if due.deadline else "____"
            limit: dict[str, Param] = {"limit": due.limit.name, "limit_en": due.limit.name_en, "until": until}
            yield Reason("procedure.too_early", {**_named(step), **limit})


def _guarded(standing: Standing, step: Step, event: Event) -> Iterator[Reason]:
    if not step.when:
        return
    overdue = frozenset(d.limit.code for d in standing.dues if d.live and d.last is not None and event.at > d.last)
    scene = guard.Scene({**standing.facts, **event.facts}, standing.takers, overdue)
    try:
        if guard.holds(step.when, standing.procedure.facts, scene):
            return
    except guard.Unknown as unknown:
        fact = standing.procedure.facts[unknown.code]
        yield Reason("procedure.fact_unknown", {**_named(step), "name": fact.name, "name_en": fact.name_en})
        return
    said: dict[str, Param] = {"unless": step.unless, "unless_en": step.unless_en}
    yield Reason("procedure.guard_fails", {**_named(step), **said})


def _ruled(standing: Standing, step: Step, event: Event, names: tuple[str, ...] | None = None) -> Iterator[Reason]:
    """What the rules of the step object; with `names`, those only."""
    asked = step.rules if names is None else names
    if asked:
        procedure = standing.procedure
        began = standing.history[0].at if standing.history else event.at
        facts = {**standing.facts, **event.facts}
        case = rules.Case(facts, standing.dues, event.at, began, procedure.version.organ, procedure.facts)
        yield from rules.objections(asked, case)


def _granted(standing: Standing, step: Step, event: Event) -> Iterator[Reason]:
    """What stands against the step as an extension, or as an order that sets a day."""
    for limit in standing.procedure.limits.values():
        for longer in limit.longer:
            if longer.verb == step.code:
                yield from _extends(standing, step, event, limit.code, longer)
        day = event.facts.get(limit.until) if limit.until and step.code in limit.starts else None
        if isinstance(day, date) and limit.amount and _runs(standing, limit, event):
            trigger = event.facts.get(limit.counts_from, event.at)
            assert isinstance(trigger, date)
            most = clock.deadline(trigger, limit.amount, limit.unit).due
            if day_of(day) > most:
                names: dict[str, Param] = {"name": limit.name, "name_en": limit.name_en}
                yield Reason(
                    "procedure.set_too_late", {**names, "day": day_of(day).isoformat(), "most": most.isoformat()}
                )


def _runs(standing: Standing, limit: Limit, event: Event) -> bool:
    """Whether a limit's own condition holds at this event."""
    scene = guard.Scene({**standing.facts, **event.facts}, standing.takers)
    return not limit.when or guard.holds(limit.when, standing.procedure.facts, scene)


def _extends(standing: Standing, step: Step, event: Event, code: str, longer: Longer) -> Iterator[Reason]:
    limit = standing.procedure.limits[code]
    names: dict[str, Param] = {"limit": limit.name, "limit_en": limit.name_en}
    running = [d for d in standing.dues if d.live and d.limit.code == code]
    if not running:
        yield Reason("procedure.nothing_to_extend", {**_named(step), **names})
        return
    if any(d.status(event.at) is Status.OVERDUE for d in running):
        yield Reason("procedure.extended_too_late", {**_named(step), **names})
    used = sum(1 for e in standing.history if e.verb == step.code)
    if used >= longer.times:
        yield Reason("procedure.extended_enough", {**_named(step), **names, "times": longer.times})
    asked = event.facts.get(longer.fact, longer.amount) if longer.fact else longer.amount
    if not longer.until and (not isinstance(asked, int) or not 0 < asked <= longer.amount):
        unit = Unit(longer.unit)
        most: dict[str, Param] = {"amount": longer.amount, "unit": unit.label("zh"), "unit_en": unit.label("en")}
        yield Reason("clock.extension_too_long", most)
