"""What matters make public, and what is counted over many of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.procedure import guard
from zhunsheng.engine.procedure.due import Due, Status, day_of
from zhunsheng.engine.procedure.model import Metric, Procedure, Publication, Value
from zhunsheng.engine.procedure.running import Standing


@dataclass(frozen=True, slots=True)
class Published:
    """What one step made public: the facts as they were then. `ends`: the limit that ends the publicity last, where
    one runs; `over`: whether it has ended, by time or by a later step."""

    publication: Publication
    at: datetime
    facts: Mapping[str, Value] = field(default_factory=dict, hash=False)
    ends: Due | None = None

    def over(self, at: datetime) -> bool:
        """Whether the publicity has ended at the instant `at`."""
        if self.ends is None:
            return False
        return not self.ends.live or self.ends.status(at) in (Status.OVER, Status.OVERDUE)


def published(standing: Standing) -> tuple[Published, ...]:
    """What the matter has made public so far, in order. Facts not known at that step are left out."""
    found: list[Published] = []
    facts: dict[str, Value] = {}
    for event in standing.history:
        facts.update(event.facts)
        for publication in publishes(standing.begun.on(day_of(event.at)), event.verb, facts):
            shown = {code: facts[code] for code in publication.facts if code in facts}
            ends = [d for d in standing.dues if d.limit.code in publication.until]
            found.append(Published(publication, event.at, shown, max(ends, key=_last, default=None)))
    return tuple(found)


def publishes(procedure: Procedure, verb: str, facts: Mapping[str, Value]) -> tuple[Publication, ...]:
    """What a step makes public, given the facts known with it. A condition on a fact that is not known does not hold."""

    def holds(one: Publication) -> bool:
        try:
            return not one.when or guard.holds(one.when, procedure.facts, guard.Scene(facts))
        except guard.Unknown:
            return False

    return tuple(one for one in procedure.publications if one.on == verb and holds(one))


@dataclass(frozen=True, slots=True)
class Tally:
    """A count or a sum (`of` is None), or a share of `of`. The value of a share of nothing is None: no data."""

    amount: int
    of: int | None = None

    @property
    def value(self) -> Fraction | None:
        """The exact figure; None when there is no data."""
        if self.of is None:
            return Fraction(self.amount)
        return Fraction(self.amount, self.of) if self.of else None


def tally(metric: Metric, standings: Iterable[Standing], at: datetime) -> Tally:
    """A metric over matters as they stand at the instant `at`.

    on_time: runnings of the limit that were met, among those met, late or overdue; what still runs does not count.
    count, share: steps taken. sum: the fact of each matter, as last given. A metric with a condition counts only the
    matters where it holds; a matter whose facts do not say is left out.
    """
    amount = among = 0
    for standing in standings:
        if metric.when and not _counts(metric, standing):
            continue
        match metric.kind:
            case "on_time":
                states = [d.status(at) for d in standing.dues if d.limit.code == metric.limit]
                amount += states.count(Status.MET)
                among += sum(state in (Status.MET, Status.LATE, Status.OVERDUE) for state in states)
            case "sum":
                value = standing.facts.get(metric.fact, 0)
                assert isinstance(value, int)  # the static checks allow numbers only
                amount += value
            case _:
                amount += sum(event.verb in metric.steps for event in standing.history)
                among += sum(event.verb in metric.among for event in standing.history)
    return Tally(amount, among if metric.kind in ("on_time", "share") else None)


def _last(due: Due) -> datetime:
    return due.last or datetime.max.replace(tzinfo=CHINA)


def _counts(metric: Metric, standing: Standing) -> bool:
    try:
        return guard.holds(metric.when, standing.procedure.facts, guard.Scene(standing.facts, standing.takers))
    except guard.Unknown:
        return False
