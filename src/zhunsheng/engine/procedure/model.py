"""What a procedure (程序) is made of: facts, states, steps, limits, publications, metrics. Values only, no behaviour.

A procedure is data (`data/procedures/<code>.toml`) in dated versions; a matter (办件) is run by the version in force on
the day it starts, to its end, unless a later version says that it applies to open matters. See docs/rules/procedures.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from zhunsheng.engine.clock import Unit

Value = str | int | date
"""A fact's value: text, whole number, flag (bool), money in fen (int), date, or instant (datetime)."""

START = "start"
"""The state before the first step: a matter that does not exist yet."""

ANY = "any"
"""In `from`: every state that is not final."""

CLOCK_ROLE = "clock"
"""The role of steps that the passing of time makes (系统到期): no person takes them."""


class Kind(StrEnum):
    """What a fact is."""

    TEXT = "text"
    INTEGER = "integer"
    MONEY = "money"
    DATE = "date"
    MOMENT = "moment"
    CHOICE = "choice"
    FLAG = "flag"
    UNIT = "unit"
    DOCUMENT = "document"


class Sense(StrEnum):
    """Whether a limit is a last day (at most) or a time that must have run out first (at least)."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"


def _lang(zh: str, en: str, lang: str) -> str:
    return en if lang == "en" or lang.startswith("en-") else zh


@dataclass(frozen=True, slots=True)
class Named:
    """A thing with a code and a name in both languages."""

    code: str
    name: str
    name_en: str

    def label(self, lang: str = "zh") -> str:
        """The name in `lang`: English for `en` and `en-*`, Chinese for everything else."""
        return _lang(self.name, self.name_en, lang)


@dataclass(frozen=True, slots=True)
class Sourced(Named):
    """A thing that rests on a law: its source, and how sure it is (sure, likely, assumed)."""

    source: str = ""
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class Fact(Named):
    """A typed fact of a matter. `choices` for kind choice; `personal`: of a natural person, masked, never published;
    `issued`: a document that the organ itself writes and numbers."""

    kind: Kind = Kind.TEXT
    choices: tuple[Named, ...] = ()
    personal: bool = False
    issued: bool = False
    note: str = ""
    note_en: str = ""

    def notes(self, lang: str = "zh") -> str:
        """What is to be known of the fact beside its name; "" where there is nothing."""
        return _lang(self.note, self.note_en, lang)

    def choice(self, code: str) -> Named | None:
        """The choice with this code, if there is one."""
        return next((c for c in self.choices if c.code == code), None)


@dataclass(frozen=True, slots=True)
class State(Named):
    """Where a matter can be. From a final state nothing leads on."""

    final: bool = False


@dataclass(frozen=True, slots=True)
class Step(Sourced):
    """A step (步骤): a verb that leads from some states to another, or stays (`target` = "").

    `apart`: steps that the same person must not have taken (职责分离). `needs` and `allows`: facts that must or may
    come with it. `documents`: facts of kind document that must come with it. `when`: the guard, in the language of
    guard.py; `unless`: what to say when it does not hold. `rules`: rules of law that are computed (rules.py).
    """

    sources: tuple[str, ...] = ()
    target: str = ""
    roles: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    allows: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    when: str = ""
    unless: str = ""
    unless_en: str = ""
    rules: tuple[str, ...] = ()
    wording: str = ""
    wording_en: str = ""
    note: str = ""
    note_en: str = ""

    @property
    def starts(self) -> bool:
        """Whether the step begins a matter."""
        return START in self.sources

    def says(self, lang: str = "zh") -> str:
        """The decision's wording, with its placeholders."""
        return _lang(self.wording, self.wording_en, lang)

    def notes(self, lang: str = "zh") -> str:
        """What is to be known of the step beside its name; "" where there is nothing."""
        return _lang(self.note, self.note_en, lang)


@dataclass(frozen=True, slots=True)
class Pause:
    """A suspension (中止) of a limit: between the steps `start` and one of `stop`, for `cause` (clock.cause.*)."""

    start: str
    stop: tuple[str, ...]
    cause: str


@dataclass(frozen=True, slots=True)
class Longer:
    """One link of a limit's chain of extensions (延长): the step `verb` adds at most `amount` `unit`s, or fixes the day
    in the fact `until`. `fact` may carry a smaller amount. `times`: how often."""

    verb: str
    amount: int
    unit: Unit
    times: int = 1
    fact: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Limit(Sourced):
    """A time limit (期限): from a step in `starts` to a step in `ends`.

    The trigger is the instant of the step, or the value of the fact `counts_from`. The end is that of the ending step,
    or the fact `ends_on`. `until`: the day is set by this fact (in the order itself), not by an amount; with an
    amount as well, the amount is the most that may be set. `when`: the limit runs only where this guard holds.
    """

    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    amount: int = 0
    unit: Unit = Unit.CALENDAR_DAY
    counts_from: str = ""
    ends_on: str = ""
    until: str = ""
    sense: Sense = Sense.AT_MOST
    pauses: tuple[Pause, ...] = ()
    longer: tuple[Longer, ...] = ()
    when: str = ""
    note: str = ""
    note_en: str = ""

    def notes(self, lang: str = "zh") -> str:
        """What is to be known of the limit beside its name; "" where there is nothing."""
        return _lang(self.note, self.note_en, lang)


@dataclass(frozen=True, slots=True)
class Publication(Sourced):
    """What becomes public: with the step `on`, the facts `facts`; `until` names the limits that end it; of those
    that run, the last.

    `form` is `named`, or `anonymised` where only counts are shown. `when`: a guard over facts; where it does not hold,
    nothing becomes public.
    """

    on: str = ""
    when: str = ""
    facts: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    form: str = "named"


@dataclass(frozen=True, slots=True)
class Metric(Named):
    """What is counted over many matters: `on_time` of a limit, `count` of steps, `share` of steps among others, `sum`
    of a fact. `when`: only matters where this guard holds (drills apart from accidents)."""

    kind: str = "count"
    limit: str = ""
    steps: tuple[str, ...] = ()
    among: tuple[str, ...] = ()
    fact: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True)
class Version(Sourced):
    """A version's name and days. `organ`: whose rule it is (aic 工商, qts 质监, fda 食药监 in 2017; "" = everyone's).

    `applies_to_open`: from its first day it runs the open matters of the version before it as well."""

    organ: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    applies_to_open: bool = False

    def valid_on(self, day: date) -> bool:
        """Whether the version is in force on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class Procedure(Named):
    """One version of a procedure, whole. `successor`: the version that follows it without a gap and applies to open
    matters; None where there is none."""

    version: Version = field(default_factory=lambda: Version("", "", ""))
    policy: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict, hash=False)
    states: Mapping[str, State] = field(default_factory=dict, hash=False)
    steps: Mapping[str, Step] = field(default_factory=dict, hash=False)
    limits: Mapping[str, Limit] = field(default_factory=dict, hash=False)
    publications: tuple[Publication, ...] = ()
    metrics: tuple[Metric, ...] = ()
    note: str = ""
    note_en: str = ""
    successor: Procedure | None = field(default=None, hash=False, repr=False)

    def on(self, day: date) -> Procedure:
        """The version that runs on `day` a matter begun under this one."""
        found = self
        while found.successor is not None and (found.successor.version.valid_from or date.min) <= day:
            found = found.successor
        return found

    def sources_of(self, step: Step) -> tuple[str, ...]:
        """The states a step leads from, with `any` written out."""
        if ANY not in step.sources:
            return step.sources
        return tuple(s.code for s in self.states.values() if not s.final)

    def leading_from(self, state: str) -> tuple[Step, ...]:
        """The steps that lead from a state, in the order of the file."""
        return tuple(step for step in self.steps.values() if state in self.sources_of(step))


@dataclass(frozen=True, slots=True)
class Event:
    """A step that was taken: what, when (an instant with a time zone), by whom, in which role, with which facts.

    `on_behalf_of`: for whom, where that is another person (受托、代为登记批示); separation of duties counts both.
    """

    verb: str
    at: datetime
    by: str
    role: str
    facts: Mapping[str, Value] = field(default_factory=dict, hash=False)
    on_behalf_of: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "facts", dict(self.facts))


History = tuple[Event, ...]
