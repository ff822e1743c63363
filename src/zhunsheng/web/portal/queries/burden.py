"""The burden of inspection on the city's firms, as figures: how many were visited how often, and what the limit is."""

import datetime
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from django.db.models import Count, Min

from zhunsheng.engine import tables
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.registry.models import BusinessEntity

#: Firms with so many visits or more are one row.
TOP = 6


@dataclass(frozen=True, slots=True)
class Figures:
    """A calendar year up to today. often: (visits that count against the limit, firms), from 1; the last row: TOP or more.

    registered: firms on the register today. limit: the row of inspection/burden, with its source and certainty.
    """

    city: inspection.CityBurden
    often: tuple[tuple[int, int], ...]
    registered: int
    limit: tables.Row

    @property
    def joint_share(self) -> Fraction | None:
        return Fraction(self.city.joint, self.city.visits) if self.city.visits else None

    @property
    def firms_share(self) -> Fraction | None:
        return Fraction(self.city.firms, self.registered) if self.registered else None


def figures(year: int) -> Figures:
    counted = inspection.made_visits().filter(visited_on__year=year, cause="").order_by()
    often: Counter[int] = Counter()
    for n in counted.values("entity").annotate(n=Count("pk")).values_list("n", flat=True):
        often[min(n, TOP)] += 1
    return Figures(
        inspection.city_burden(year),
        tuple(sorted(often.items())),
        BusinessEntity.objects.count(),
        tables.load("inspection/burden").find(datetime.date(year, 12, 31), scheme="default"),
    )


def years(today: datetime.date) -> list[int]:
    """This year, and those before in which a visit was made, the latest first."""
    first = inspection.made_visits().aggregate(first=Min("visited_on"))["first"]
    return list(range(today.year, min(first.year if first else today.year, today.year) - 1, -1))
