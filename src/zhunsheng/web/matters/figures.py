"""The metrics of the procedures, counted over many matters by the database. Drills are never among them."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet, Sum

from zhunsheng.engine import procedure as engine
from zhunsheng.engine.procedure import Metric, Tally
from zhunsheng.web.matters import queries
from zhunsheng.web.matters.models import Deadline, Matter, MatterStep, StepFact

#: by what the figures can be told apart, as a field of a matter
BY = {"office": "office_id", "division": "division_id"}
#: the key of the whole
WHOLE = ""
#: matters whose histories are held in memory at once, where a metric's condition asks for them
CHUNK = 500

Key = str | int | None


@dataclass(slots=True)
class Figure:
    """A metric with its numbers: of all matters (WHOLE), and of each office or division. `money`: fen."""

    metric: Metric
    money: bool
    tallies: dict[Key, Tally] = field(default_factory=dict)

    @property
    def whole(self) -> Tally:
        return self.tallies.get(WHOLE, Tally(0, 0 if self.metric.kind in ("on_time", "share") else None))


def late(at: datetime.datetime) -> Q:
    """Runnings of limits that were not kept: ended late, or still open past their last instant."""
    return Q(status="late") | Q(status="running", due_at__lt=at)


def metrics(code: str) -> dict[str, tuple[Metric, bool]]:
    """The metrics that any version of a procedure has, as the last of them says it; whether it is in fen."""
    found: dict[str, tuple[Metric, bool]] = {}
    for version in engine.versions(code):
        for metric in version.metrics:
            fact = version.facts.get(metric.fact)
            found[metric.code] = (metric, fact is not None and fact.kind is engine.Kind.MONEY)
    return found


def figures(code: str, matters: QuerySet[Matter], by: str, at: datetime.datetime) -> list[Figure]:
    """Every metric of a procedure over `matters`, whole and by `by` (a key of BY). A few queries each, whatever the number."""
    wanted = matters.filter(procedure=code, drill=False).order_by()
    found = []
    for metric, money in metrics(code).values():
        made = Figure(metric, money)
        parts = _replayed(metric, wanted, by, at) if metric.when else _counted(metric, wanted, by, at)
        shares = metric.kind in ("on_time", "share")
        whole = [0, 0]
        for key, (amount, among) in parts.items():
            made.tallies[key] = Tally(amount, among if shares else None)
            whole[0] += amount
            whole[1] += among
        made.tallies[WHOLE] = Tally(whole[0], whole[1] if shares else None)
        found.append(made)
    return found


def _counted(metric: Metric, matters: QuerySet[Matter], by: str, at: datetime.datetime) -> dict[Key, tuple[int, int]]:
    key = f"matter__{BY[by]}"
    inside = matters.values("pk")
    match metric.kind:
        case "on_time":
            rows = Deadline.objects.filter(matter__in=inside, limit=metric.limit).order_by().values(key)
            counted = rows.annotate(met=Count("pk", filter=Q(status="met")), late=Count("pk", filter=late(at)))
            return {row[key]: (row["met"], row["met"] + row["late"]) for row in counted}
        case "sum":
            facts = StepFact.objects.filter(matter__in=inside, code=metric.fact, current=True, number__isnull=False)
            summed = facts.order_by().values(key).annotate(sum=Sum("number"))
            return {row[key]: (int(row["sum"]), 0) for row in summed}
        case _:
            verbs = {*metric.steps, *metric.among}
            steps = MatterStep.objects.filter(matter__in=inside, verb__in=verbs).order_by().values(key)
            told = steps.annotate(
                amount=Count("pk", filter=Q(verb__in=metric.steps)), among=Count("pk", filter=Q(verb__in=metric.among))
            )
            return {row[key]: (row["amount"], row["among"]) for row in told}


def _replayed(metric: Metric, matters: QuerySet[Matter], by: str, at: datetime.datetime) -> dict[Key, tuple[int, int]]:
    """A metric with a condition over facts: the engine judges it, matter by matter."""
    found: dict[Key, list[int]] = defaultdict(lambda: [0, 0])
    for matter in queries.with_history(matters.order_by("pk")).iterator(chunk_size=CHUNK):
        part = engine.tally(metric, [queries.standing(matter)], at)
        sums = found[getattr(matter, BY[by])]
        sums[0] += part.amount
        sums[1] += part.of or 0
    return {key: (one[0], one[1]) for key, one in found.items()}


def keys(shown: Iterable[Figure]) -> list[Key]:
    """The offices or divisions that have a number in any of the figures."""
    found: dict[Key, None] = {}
    for figure in shown:
        found |= dict.fromkeys(key for key in figure.tallies if key != WHOLE)
    return list(found)
