"""Every step of every version can be taken by some matter, every end is reached, and every condition refuses somebody.

The search is guided and repeatable: it keeps matters that went new ways, and tries each step with facts made of the
values that the conditions name, at instants before and after the limits.
"""

import random
import re
from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from zhunsheng.engine import procedure as P
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.procedure import Event, Fact, Kind

GOOD = {"handlers": 2, "team_size": 2, "cause": "other", "departments": 1, "countersigners": 1, "recipients": 1}
"""Values that most matters have; the search tries others as well."""
JUMPS = [*[timedelta(minutes=1)] * 5, timedelta(hours=30), timedelta(days=8), timedelta(days=40),
         timedelta(days=400), timedelta(days=1050), timedelta(days=2500)]  # fmt: skip
TRIES = 24
ROUNDS = 900
FRESH = 60


def first_day(procedure: P.Procedure) -> datetime:
    """A day on which the version is in force, with published calendars before and after it."""
    version = procedure.version
    first = max(version.valid_from or date(2017, 5, 12), date(2014, 3, 3))
    return datetime(first.year, first.month, first.day, 9, tzinfo=CHINA) + timedelta(days=1)


def value(fact: Fact, at: datetime, dice: random.Random) -> object:
    if fact.code in GOOD and dice.random() < 0.7:
        return GOOD[fact.code]
    match fact.kind:
        case Kind.TEXT:
            return dice.choice(["甲", "乙"])
        case Kind.INTEGER:
            return dice.choice([0, 0, 1, 2, 3, 30])
        case Kind.MONEY:
            return dice.choice([0, 0, 100, 10_000, 10**7, 10**9, 10**11])
        case Kind.DATE:
            return at.date() + timedelta(days=dice.choice([0, 0, -1, 1, 20, 45, 75, -400, -1200]))
        case Kind.MOMENT:
            return at + timedelta(minutes=dice.choice([0, 0, -1, -1440]))
        case Kind.CHOICE:
            return dice.choice(fact.choices).code
        case Kind.FLAG:
            return dice.random() < 0.5
        case Kind.UNIT:
            return "uscc:91350100M000100Y43"
        case _:
            return "0" * 64


class Search:
    """Matters of one version, and what they showed."""

    def __init__(self, procedure: P.Procedure) -> None:
        self.procedure, self.dice = procedure, random.Random(procedure.code + procedure.version.code)
        self.pool: dict[str, dict[frozenset[tuple[str, object]], list[P.Standing]]] = {}
        self.seen: Counter[tuple[str, frozenset[str], frozenset[tuple[str, object]]]] = Counter()
        self.taken: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.states: set[str] = set()
        self.keep(P.Standing(procedure, ()))

    def attempt(self, standing: P.Standing, step: P.Step) -> None:
        dice = self.dice
        last = standing.history[-1].at if standing.history else first_day(self.procedure)
        at = last + dice.choice(JUMPS)
        optional = [code for code in step.allows if dice.random() < 0.5]
        facts = {c: value(self.procedure.facts[c], at, dice) for c in (*step.needs, *optional)}
        facts |= dict.fromkeys(step.documents, "0" * 64)
        role = dice.choice(step.roles)
        event = Event(step.code, at, role if role == "clock" else dice.choice("abcdef"), role, facts)
        verdict = P.judge(standing, event)
        if not verdict.allowed:
            reasons = {reason.code for reason in verdict.reasons}
            if reasons & {"procedure.guard_fails"} or any(r.startswith("procedure.rule") for r in reasons):
                self.refused.add(step.code)
            assert all(reason.text("zh") and reason.text("en") for reason in verdict.reasons)
            return
        after = P.advance(standing, event)
        new = step.code not in self.taken
        self.taken[step.code] += 1
        self.states.add(after.state.code)
        way = (after.state.code, frozenset(after.takers), self.kind(after))
        self.seen[way] += 1
        if not after.ended and (new or self.seen[way] <= 6):
            self.keep(after)

    def kind(self, standing: P.Standing) -> frozenset[tuple[str, object]]:
        """What was chosen in a matter: conditions go by it."""
        facts = self.procedure.facts
        said = ((code, value) for code, value in standing.facts.items() if code != "cause")
        return frozenset((c, v) for c, v in said if facts[c].kind in (Kind.CHOICE, Kind.FLAG))

    def counted(self) -> list[str]:
        """The steps that conditions count which refused nobody yet."""
        open_guards = " ".join(self.procedure.steps[code].when for code in sorted(self.unrefused()))
        return re.findall(r"(?:done|count)\('(\w+)'\)", open_guards)

    def keep(self, standing: P.Standing) -> None:
        self.pool.setdefault(standing.state.code, {}).setdefault(self.kind(standing), []).append(standing)

    def some(self, state: str, counted: list[str]) -> P.Standing:
        """A matter in this state, each kind as likely as the other; of a few, one whose counted steps differ in number."""
        few = [self.dice.choice(self.pool[state][self.dice.choice(list(self.pool[state]))]) for _ in range(4)]
        return max(few, key=lambda s: _spread([len(s.takers.get(code, ())) for code in counted]))

    def missing(self) -> set[str]:
        return {s.code for s in self.procedure.steps.values()} - set(self.taken)

    def unrefused(self) -> set[str]:
        guarded = {s.code for s in self.procedure.steps.values() if s.when or s.rules}
        return guarded - self.refused

    def run(self) -> None:
        for number in range(ROUNDS):
            open_steps = self.missing() | self.unrefused()
            if not open_steps:
                return
            if number % FRESH == FRESH - 1:  # begin anew: an unlucky start need not be outlived
                self.pool.clear()
                self.seen.clear()
                self.keep(P.Standing(self.procedure, ()))
            near = {s for code in open_steps for s in self.procedure.sources_of(self.procedure.steps[code])}
            counted = self.counted()
            states = [*self.pool, *sorted(near & set(self.pool))]
            for state in [self.dice.choice(states) for _ in range(40)]:
                steps = self.procedure.leading_from(state)
                wanted = [s for s in steps if s.code in open_steps]
                useful = [s for s in steps if s.code in counted]
                for step in [*self.dice.choices(steps, k=3), *useful, *wanted * (TRIES // max(1, len(wanted)))]:
                    self.attempt(self.some(state, counted), step)


def _spread(numbers: list[int]) -> int:
    return max(numbers, default=0) - min(numbers, default=0)


EVERY = [pytest.param(p, id=f"{code} {p.version.code}") for code in P.codes() for p in P.versions(code)]


@pytest.mark.parametrize("procedure", EVERY)
def test_every_step_is_taken_every_end_reached_every_condition_refuses(procedure):
    search = Search(procedure)
    search.run()
    assert search.missing() == set(), "steps that no matter took"
    assert set(procedure.states) == search.states, "states that no matter came to"
    assert search.unrefused() == set(), "conditions that refused nobody"
