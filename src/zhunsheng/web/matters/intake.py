"""Which office takes what comes in, and what those concerned may read of a matter: tables matters/intake and matters/shown."""

import datetime
from dataclasses import dataclass

from django.db.models import QuerySet

from zhunsheng.engine import tables
from zhunsheng.web.common import city
from zhunsheng.web.common.records import in_force
from zhunsheng.web.people.models import Office
from zhunsheng.web.registry.models import BusinessEntity, Division, EntityStatus
from zhunsheng.web.registry.queries import containing, in_division

#: how many businesses of a name are offered to choose from
OFFERED = 8


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may read an item of a matter beside the handlers."""

    filer: bool
    firm: bool


NOBODY = Readers(False, False)


def shown(code: str) -> dict[str, Readers]:
    """Facts and documents of a kind of matter that its filer or the firm concerned may read."""
    return {
        row["item"]: Readers(row["filer"] == "yes", row["firm"] == "yes")
        for row in tables.load("matters/shown").rows
        if row["code"] == code
    }


def county_of(division: Division | None) -> Division | None:
    """The county in which a place lies; None for the city itself."""
    while division is not None and division.level == "township":
        division = division.parent
    return division if division is not None and division.level == "county" else None


def office_for(code: str, day: datetime.date, *, division: Division | None = None, case: str = "any") -> Office | None:
    """The office that takes a matter of this kind on that day: the county's where the table says so and there is one,
    else the city's. None where the city has no such office."""
    here = city.current()
    root = city.CITIES / here.folder if here.folder else None
    rows = [row for row in tables.load("matters/intake", root).rows if row["code"] == code and row.valid_on(day)]
    row = next((row for row in rows if row["case"] == case), None) or next(
        (row for row in rows if row["case"] == "any"), None
    )
    if row is None:
        return None
    county = county_of(division)
    wanted = [f"{row['office']}_{county.code}"] if row["county"] == "yes" and county is not None else []
    found = {one.code: one for one in Office.objects.filter(in_force(day), code__in=[*wanted, row["office"]])}
    return next((found[one] for one in [*wanted, row["office"]] if one in found), None)


def counties(day: datetime.date) -> QuerySet[Division]:
    """The counties and districts in which something can have happened."""
    return Division.objects.filter(in_force(day), level="county").order_by("code")


def businesses(name: str, county: Division | None = None) -> list[BusinessEntity]:
    """Active business entities whose name contains the text (or whose code begins with it), those of that very name first."""
    text = " ".join(name.split())
    if len(text) < 2:
        return []
    found = BusinessEntity.objects.filter(containing(text), status=EntityStatus.ACTIVE).select_related(
        "division__parent"
    )
    exact = list(found.filter(name=text)[:OFFERED])
    if exact:
        return exact
    if county is not None:
        near = list(found.filter(in_division(county.code)).order_by("name", "pk")[:OFFERED])
        if near:
            return near
    return list(found.order_by("name", "pk")[:OFFERED])
