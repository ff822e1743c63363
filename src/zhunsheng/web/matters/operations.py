"""专项行动 and 通病治理: what the matters that belong to one add up to, office by office. Read from the matters, never typed."""

import datetime
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.procedure import Standing
from zhunsheng.web.matters import queries
from zhunsheng.web.matters.models import Matter, MatterLink, MatterStep, StepFact
from zhunsheng.web.people.queries import Person

#: kinds of matters that gather others, and which kinds they gather
GATHERS = {
    "special_operation": ("penalty", "violation_report", "rectification", "transfer", "recall"),
    "common_defect_programme": ("defect_filing", "rectification"),
}
#: how many candidates one page offers
OFFERED = 300
OPENED = ("open_case", "decide_on_the_spot")
DECIDED = ("decide_penalty", "decide_on_the_spot")
#: what the public is told of an operation beyond its facts: field of Totals, Chinese, English
TOLD = (
    ("matters", "平台内归入的办件数", "matters gathered"),
    ("entities", "涉及经营主体数", "entities concerned"),
    ("cases", "立案数", "cases opened"),
    ("decided", "作出处罚决定数", "penalties decided"),
    ("transferred", "移送公安机关数", "transferred to the police"),
)


@dataclass(slots=True)
class Totals:
    """What the matters of one office in an operation come to. `fines`, `value`: fen."""

    office: str = ""
    office_en: str = ""
    matters: int = 0
    entities: int = 0
    cases: int = 0
    decided: int = 0
    transferred: int = 0
    closed: int = 0
    fines: int = 0
    value: int = 0


def members(operation: Matter) -> QuerySet[Matter]:
    """The matters that belong to an operation (link 归入)."""
    links = MatterLink.objects.filter(source=operation, kind=MatterLink.Kind.PART_OF)
    return Matter.objects.filter(pk__in=links.values("target"), drill=False)


def totals(operation: Matter) -> list[Totals]:
    """One row an office, the most matters first, then the sum. Empty where nothing was gathered."""
    taken = {verb: MatterStep.objects.filter(matter=OuterRef("pk"), verb__in=verbs) for verb, verbs in (
        ("opened", OPENED), ("decided", DECIDED), ("to_police", ("decide_transfer",)),
    )}  # fmt: skip
    rows = list(
        members(operation)
        .select_related("office")
        .annotate(
            opened=Exists(taken["opened"]), decided=Exists(taken["decided"]), to_police=Exists(taken["to_police"])
        )
    )
    if not rows:
        return []
    amounts: dict[tuple[int, str], int] = defaultdict(int)
    for fact in StepFact.objects.filter(matter__in=rows, code__in=("fine", "stock_value"), current=True):
        amounts[fact.matter_id, fact.code] = fact.number or 0
    by_office: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_office[row.office_id].append(row)
    found = [_sum(some, amounts, some[0].office.name, some[0].office.name_en) for some in by_office.values()]
    found.sort(key=lambda one: (-one.matters, one.office))
    return [*found, _sum(rows, amounts, "", "")]


def _sum(rows: Sequence[Any], amounts: dict[tuple[int, str], int], name: str, name_en: str) -> Totals:
    decided = [row for row in rows if row.decided]
    return Totals(
        office=name,
        office_en=name_en,
        matters=len(rows),
        entities=len({row.entity_id for row in rows if row.entity_id is not None}),
        cases=sum(1 for row in rows if row.opened),
        decided=len(decided),
        transferred=sum(1 for row in rows if row.to_police or row.procedure == "transfer"),
        closed=sum(1 for row in rows if row.ended_at is not None),
        fines=sum(amounts[row.pk, "fine"] for row in decided),
        value=sum(amounts[row.pk, "stock_value"] for row in rows),
    )


def candidates(operation: Matter, now: Standing, user: Person) -> QuerySet[Matter]:
    """Matters that might belong to it: of the kinds it gathers, begun within its days, visible to the user, not yet in it."""
    kinds = GATHERS.get(operation.procedure, ())
    first = now.facts.get("starts_on", operation.opened_at)
    last = now.facts.get("extended_to", now.facts.get("ends_on"))
    found = (
        queries.visible_to(user)
        .filter(procedure__in=kinds, drill=False)
        .exclude(pk__in=members(operation).values("pk"))
    )
    found = found.filter(opened_at__date__gte=_day(first))
    if isinstance(last, datetime.date):
        found = found.filter(opened_at__date__lte=_day(last))
    return found.select_related("office", "entity").order_by("-opened_at", "-pk")


def _day(value: object) -> datetime.date:
    if isinstance(value, datetime.datetime):
        return value.astimezone(CHINA).date()
    assert isinstance(value, datetime.date)  # noqa: S101 - facts of these codes are dates
    return value


def public_totals(operation: Matter) -> list[tuple[str, str, str, str, str]]:
    """What is published beside an operation's own facts: code, names, and the figure in both languages."""
    rows = totals(operation)
    if operation.procedure != "special_operation" or not rows:
        return []
    whole = rows[-1]
    return [(f"sum_{code}", zh, en, str(getattr(whole, code)), str(getattr(whole, code))) for code, zh, en in TOLD]
