"""Static checks of a procedure: nothing in it may wait for a matter to show that it is wrong."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path

from zhunsheng.engine import tables
from zhunsheng.engine.clock import Unit
from zhunsheng.engine.procedure import guard, rules
from zhunsheng.engine.procedure.model import (
    ANY,
    CLOCK_ROLE,
    START,
    Fact,
    Kind,
    Limit,
    Named,
    Procedure,
    Sourced,
    Step,
)
from zhunsheng.engine.procedure.reading import versions
from zhunsheng.engine.words import Param, Reason, messages

METRICS = ("on_time", "count", "share", "sum")
_TIMES = (Kind.DATE, Kind.MOMENT)


def check_file(code: str, root: Path | None = None) -> tuple[Reason, ...]:
    """What is wrong with any version of a procedure. Raises ProcedureError when it cannot even be read."""
    found: list[Reason] = []
    for procedure in versions(code, root):
        found += check(procedure)
        if procedure.successor is not None:
            found += succession(procedure, procedure.successor)
    return tuple(found)


def succession(before: Procedure, after: Procedure) -> tuple[Reason, ...]:
    """Why a version cannot take over the open matters of the one before it: a state or a fact is missing or means
    something else, or a limit changes from hours to days or the other way round."""
    where = f"{after.code} {after.version.code}"
    found = [
        Reason("procedure.check.lost", {"where": where, "what": code})
        for code, state in before.states.items()
        if code not in after.states or after.states[code].final != state.final
    ]
    for code, fact in before.facts.items():
        same = after.facts.get(code)
        if same is None or same.kind is not fact.kind or any(same.choice(c.code) is None for c in fact.choices):
            found.append(Reason("procedure.check.lost", {"where": where, "what": code}))
    for code, limit in before.limits.items():
        later = after.limits.get(code)
        if later is not None and (later.unit is Unit.HOUR) != (limit.unit is Unit.HOUR):
            found.append(Reason("procedure.check.hours_changed", {"where": where, "what": code}))
    return tuple(found)


def check(procedure: Procedure) -> tuple[Reason, ...]:
    """What is wrong with a version: empty when it is sound.

    Every state is reachable and leads on, except final ones, which lead nowhere; each step has a known role and knows
    its states, facts and documents; guards are well typed; wordings have both languages and known placeholders; each
    limit has a start and an end and its end can be reached from its start; no personal fact is published.
    """
    found: list[Reason] = []
    where = f"{procedure.code} {procedure.version.code}"
    for reason in _problems(procedure):
        found.append(Reason(reason.code, {**reason.params, "where": where}))
    return tuple(found)


def _problems(p: Procedure) -> Iterator[Reason]:
    yield from _named(p)
    yield from _graph(p)
    for step in p.steps.values():
        yield from _step(p, step)
    for limit in p.limits.values():
        yield from _limit(p, limit)
    yield from _publications(p)
    yield from _metrics(p)
    yield from _idle(p)


def _problem(code: str, what: str, **params: Param) -> Reason:
    return Reason(f"procedure.check.{code}", {"what": what, **params})


def _all(p: Procedure) -> Iterator[Named]:
    yield p
    yield p.version
    for fact in p.facts.values():
        yield fact
        yield from fact.choices
    for group in (p.states, p.steps, p.limits):
        yield from group.values()
    yield from p.publications
    yield from p.metrics


def _named(p: Procedure) -> Iterator[Reason]:
    for thing in _all(p):
        if not thing.name or not thing.name_en:
            yield _problem("one_language", thing.code)
    rules: tuple[Sourced, ...] = (p.version, *p.steps.values(), *p.limits.values(), *p.publications)
    for sourced in rules:
        if not sourced.source:
            yield _problem("no_source", sourced.code)
        if sourced.confidence not in tables.CONFIDENCES:
            yield _problem("bad_confidence", sourced.code, value=sourced.confidence)
    every: tuple[Fact | Step | Limit, ...] = (*p.facts.values(), *p.steps.values(), *p.limits.values())
    for noted in every:
        if bool(noted.note) != bool(noted.note_en):
            yield _problem("one_language", noted.code)
    if bool(p.note) != bool(p.note_en):
        yield _problem("one_language", p.code)
    for fact in p.facts.values():
        if (fact.kind is Kind.CHOICE) != bool(fact.choices):
            yield _problem("choices", fact.code)


def _graph(p: Procedure) -> Iterator[Reason]:
    known = {START, *p.states}
    for step in p.steps.values():
        for name in (*step.sources, *([step.target] if step.target else [])):
            if name not in known and name != ANY:
                yield _problem("unknown_state", step.code, state=name)
        if not step.sources:
            yield _problem("from_nowhere", step.code)
        if step.target == START or (START in step.sources and not step.target):
            yield _problem("bad_start", step.code)
        if any(p.states[s].final for s in step.sources if s in p.states):
            yield _problem("after_the_end", step.code)
    reached = _reach(p, {START})
    for state in p.states.values():
        if state.code not in reached:
            yield _problem("unreachable", state.code)
        elif not state.final and not any(p.states[s].final for s in _reach(p, {state.code}) if s in p.states):
            yield _problem("dead_end", state.code)
    if not any(s.final for s in p.states.values()):
        yield _problem("no_end", p.code)


def _reach(p: Procedure, states: set[str]) -> set[str]:
    """The states that can be reached from these, themselves included."""
    found, edge = set(states), set(states)
    while edge:
        edge = {step.target for step in p.steps.values() if step.target and edge & set(p.sources_of(step))} - found
        found |= edge
    return found


def _roles() -> frozenset[str]:
    return frozenset({CLOCK_ROLE, *(row["code"] for row in tables.load("people/roles").rows)})


def _step(p: Procedure, step: Step) -> Iterator[Reason]:
    if not step.roles:
        yield _problem("no_role", step.code)
    for role in step.roles:
        if role not in _roles():
            yield _problem("unknown_role", step.code, role=role)
    for verb in step.apart:
        if verb not in p.steps:
            yield _problem("unknown_step", step.code, step=verb)
    for code in (*step.needs, *step.allows):
        if code not in p.facts:
            yield _problem("unknown_fact", step.code, fact=code)
    for code in step.documents:
        if code not in p.facts or p.facts[code].kind is not Kind.DOCUMENT:
            yield _problem("unknown_document", step.code, document=code)
    if step.when:
        yield from _guard(p, step.code, step.when)
    if bool(step.when) != bool(step.unless and step.unless_en):
        yield _problem("unexplained_guard", step.code)
    for name in step.rules:
        yield from _rule(p, step, name)
    if bool(step.wording) != bool(step.wording_en):
        yield _problem("one_language", step.code)
    for text in (step.wording, step.wording_en):
        yield from _placeholders(p, step, text)


def _guard(p: Procedure, what: str, text: str) -> Iterator[Reason]:
    wrong = guard.check(text, p.facts, p.steps, p.limits)
    if wrong is not None:
        yield _problem("bad_guard", what, guard=text, why=wrong.text("zh"), why_en=wrong.text("en"))


def _rule(p: Procedure, step: Step, name: str) -> Iterator[Reason]:
    if name not in rules.RULES:
        yield _problem("unknown_rule", step.code, rule=name)
        return
    for code in rules.RULES[name].needs:
        if code not in p.facts or not _always_known(p, step, code):
            yield _problem("rule_lacks_fact", step.code, rule=name, fact=code)


def _placeholders(p: Procedure, step: Step, text: str) -> Iterator[Reason]:
    try:
        names = [name for _, name, form, turn in string.Formatter().parse(text) if name is not None or form or turn]
    except ValueError:
        yield _problem("bad_wording", step.code)
        return
    for name in names:
        if name != "on" and name not in p.facts:
            yield _problem("unknown_placeholder", step.code, name=str(name))


def _limit(p: Procedure, limit: Limit) -> Iterator[Reason]:
    if not limit.starts:
        yield _problem("never_starts", limit.code)
    if not limit.ends:
        yield _problem("never_ends", limit.code)
    verbs = (*limit.starts, *limit.ends, *(v for s in limit.pauses for v in (s.start, *s.stop)))
    unknown = [verb for verb in (*verbs, *(e.verb for e in limit.longer)) if verb not in p.steps]
    for verb in unknown:
        yield _problem("unknown_step", limit.code, step=verb)
    if not unknown:
        yield from _limit_runs(p, limit)
    if not limit.amount and not limit.until:
        yield _problem("no_length", limit.code)
    for code, kinds in ((limit.counts_from, _TIMES), (limit.ends_on, _TIMES), (limit.until, (Kind.DATE,))):
        if code and (code not in p.facts or p.facts[code].kind not in kinds):
            yield _problem("not_a_time", limit.code, fact=code)
    if limit.unit is Unit.HOUR:
        given = p.facts.get(limit.counts_from)
        if (given is not None and given.kind is Kind.DATE) or any(
            e.unit is not Unit.HOUR or e.until for e in limit.longer
        ):
            yield _problem("hours_need_instants", limit.code)
    for pause in limit.pauses:
        if f"clock.cause.{pause.cause}" not in messages():
            yield _problem("unknown_cause", limit.code, cause=pause.cause)
    for longer in limit.longer:
        if bool(longer.amount) == bool(longer.until):
            yield _problem("no_length", f"{limit.code} {longer.verb}")
        yield from _longer_facts(p, limit, longer.verb, longer.fact, longer.until)
    if limit.when:
        yield from _guard(p, limit.code, limit.when)


def _longer_facts(p: Procedure, limit: Limit, verb: str, amount: str, until: str) -> Iterator[Reason]:
    for code, kind in ((amount, Kind.INTEGER), (until, Kind.DATE)):
        if code and (code not in p.facts or p.facts[code].kind is not kind):
            yield _problem("not_a_time", limit.code, fact=code)
    if until and verb in p.steps and until not in p.steps[verb].needs:
        yield _problem("not_given", limit.code, fact=until, step=verb)


def _limit_runs(p: Procedure, limit: Limit) -> Iterator[Reason]:
    """A limit's end can be reached from its start, and so can its suspensions and extensions; its facts are given."""
    for verb in limit.starts:
        step = p.steps[verb]
        reached = _reach(p, {step.target} if step.target else set(p.sources_of(step)))
        for wanted in ("ends", "longer", "pauses"):
            verbs = {
                "ends": limit.ends,
                "longer": tuple(e.verb for e in limit.longer),
                "pauses": tuple(s.start for s in limit.pauses),
            }[wanted]
            if verbs and not any(reached & set(p.sources_of(p.steps[v])) for v in verbs):
                yield _problem("end_unreachable", limit.code, step=verb)
        must = [c for c in (limit.counts_from, limit.until if not limit.amount else "") if c]
        must += (
            guard.names(limit.when)
            if limit.when and guard.check(limit.when, p.facts, p.steps, p.limits) is None
            else []
        )
        # a limit that runs only where a fact is known ("has(...)") does not ask that it always is
        for code in (c for c in must if f"has({c})" not in limit.when):
            if code in p.facts and not _always_known(p, step, code):
                yield _problem("not_given", limit.code, fact=code, step=verb)
    if limit.ends_on:
        for verb in limit.ends:
            if limit.ends_on not in (*p.steps[verb].needs, *p.steps[verb].documents):
                yield _problem("not_given", limit.code, fact=limit.ends_on, step=verb)


def _always_known(p: Procedure, step: Step, code: str) -> bool:
    """Whether a fact comes with the step, or with some step on every way to it."""
    if code in step.needs:
        return True
    reached, edge = {START}, {START}
    while edge:  # walk from the start without the steps that give the fact
        edge = {
            s.target for s in p.steps.values() if s.target and code not in s.needs and edge & set(p.sources_of(s))
        } - reached
        reached |= edge
    return not reached & set(p.sources_of(step))


def _publications(p: Procedure) -> Iterator[Reason]:
    for publication in p.publications:
        if publication.when:
            yield from _guard(p, publication.code, publication.when)
        if publication.on not in p.steps:
            yield _problem("unknown_step", publication.code, step=publication.on)
        for until in publication.until:
            if until not in p.limits:
                yield _problem("unknown_limit", publication.code, limit=until)
        if publication.form not in ("named", "anonymised"):
            yield _problem("bad_form", publication.code, value=publication.form)
        for code in publication.facts:
            fact: Fact | None = p.facts.get(code)
            if fact is None:
                yield _problem("unknown_fact", publication.code, fact=code)
            elif fact.personal:
                yield _problem("personal_published", publication.code, fact=code)


def _metrics(p: Procedure) -> Iterator[Reason]:
    for metric in p.metrics:
        if metric.kind not in METRICS:
            yield _problem("bad_metric", metric.code, value=metric.kind)
        for verb in (*metric.steps, *metric.among):
            if verb not in p.steps:
                yield _problem("unknown_step", metric.code, step=verb)
        if metric.limit and metric.limit not in p.limits:
            yield _problem("unknown_limit", metric.code, limit=metric.limit)
        if metric.when:
            yield from _guard(p, metric.code, metric.when)
        summed = p.facts.get(metric.fact)
        needed = {
            "on_time": bool(metric.limit),
            "count": bool(metric.steps),
            "share": bool(metric.steps and metric.among),
            "sum": summed is not None and summed.kind in (Kind.MONEY, Kind.INTEGER),
        }
        if not needed.get(metric.kind, True):
            yield _problem("bad_metric", metric.code, value=metric.kind)


def _idle(p: Procedure) -> Iterator[Reason]:
    """Facts that no step takes: a field without a place to fill it in is a mistake."""
    used = {code for step in p.steps.values() for code in (*step.needs, *step.allows, *step.documents)}
    for code in p.facts:
        if code not in used:
            yield _problem("idle_fact", code)
