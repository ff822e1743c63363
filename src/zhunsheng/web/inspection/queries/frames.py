"""The frame of a draw: the register as it stands, put into strata, with the columns that are committed; and as it was stored."""

import datetime
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from django.db.models import Count, Q, QuerySet

from zhunsheng.engine import tables
from zhunsheng.engine.public_log import Json
from zhunsheng.web.inspection.models import Draw, Plan
from zhunsheng.web.inspection.queries.plans import (
    AGAIN,
    CAP,
    UNCLASSED,
    PlanTerms,
    Sorter,
    allocation,
    counties,
    in_scope,
    lists,
    section_of,
)
from zhunsheng.web.inspection.queries.tables import applies_to, industry_codes
from zhunsheng.web.registry.models import BusinessEntity, Division


@dataclass(slots=True)
class DraftFrame:
    """What the register says today about a plan, before it is frozen. `leaves`: (key of the register, leaf), by key.

    n, ratio: full name of a stratum → how many are drawn, and the share that this follows from. unequal: the n
    of the strata that are drawn by a measure (Pareto). capped: full name → how many of it are out by the cap. missing: classes for which the plan has no ratio. scope: the
    committed filter, leaf column → beginnings. lists: names of the lists; empty for one list.
    """

    leaves: list[tuple[int, dict[str, Json]]] = field(default_factory=list)
    n: dict[str, int] = field(default_factory=dict)
    ratio: dict[str, Fraction] = field(default_factory=dict)
    unequal: dict[str, int] = field(default_factory=dict)
    capped: Counter[str] = field(default_factory=Counter)
    lists: tuple[str, ...] = ()
    missing: set[str] = field(default_factory=set)
    scope: dict[str, list[str]] = field(default_factory=dict)


def draft_frame(plan: Plan, on: datetime.date) -> DraftFrame:
    """The frame of a plan: a leaf holds what may decide or explain the draw, and no name.

    An entity that has reached its cap stays in, with the code CAP; a cancelled one stays in as any other. An entity on
    several lists is one leaf, with the columns of each.
    """
    known, county_of, sealed = lists(plan), counties(), plan.mode == Plan.Mode.SEALED
    made, units = DraftFrame(), dict[int, dict[str, Json]]()
    for terms in known:
        _put_list(made, units, terms, Sorter.of(terms, on, sealed=sealed, county_of=county_of), on)
    _put_specialities(units.values(), known, plan.office_id)
    made.leaves = sorted(units.items())
    made.scope = committed_scope(known)
    made.lists = tuple(one.name for one in known if one.name)
    return made


def _put_list(
    made: DraftFrame, units: dict[int, dict[str, Json]], terms: PlanTerms, sorter: Sorter, on: datetime.date
) -> None:
    """One list: its units get their columns, its strata their n."""
    mark = f"{terms.name}." if terms.name else ""
    free: Counter[str] = Counter()
    again: Counter[str] = Counter()
    measures: dict[str, list[tuple[int, int]]] = {}
    measured = _measure(terms.measure, on)
    for pk, unit_id, risk_class, division, industry, status, size, park, tags, premises in _rows(terms):
        leaf = units.setdefault(
            pk,
            {
                "id": unit_id,
                "risk_class": risk_class or UNCLASSED,
                "county": sorter.county_of.get(division or "", ""),
                "industry": section_of(industry) + industry,
                "status": status,
            },
        )
        for column, value in (("division", division or ""), ("enterprise_size", size), ("park", park or "")):
            if terms.scope.get(_SCOPE_OF[column]):
                leaf[column] = value
        if wanted := terms.scope.get("tags"):
            leaf["tag"] = next((tag for tag in wanted if tag in tags.split()), "")
        stratum = sorter.plain(risk_class, division, industry)
        if sorter.cap.excludes(pk, industry):
            leaf[f"{mark}exclusion"] = CAP
            free[stratum] += 0
            made.capped[terms.full_name(stratum)] += 1
        elif pk in sorter.drawn:
            again[stratum] += 1
            stratum = AGAIN
        else:
            free[stratum] += 1
            if measured is not None:
                measures.setdefault(stratum, []).append((pk, measured(size, premises)))
        leaf[f"{mark}stratum"] = stratum
    allocated = allocation(terms, free, again, on)
    n = allocated.n
    made.missing |= allocated.missing
    made.n |= {terms.full_name(stratum): count for stratum, count in n.items()}
    made.ratio |= {terms.full_name(stratum): share for stratum, share in allocated.ratios.items()}
    for stratum, sizes in measures.items():
        if 0 < n[stratum] < len(sizes):  # where all are drawn there is nothing to share out
            made.unequal[terms.full_name(stratum)] = n[stratum]
            for pk, measure in sizes:
                units[pk][f"{mark}size"] = measure


def _put_specialities(units: Iterable[dict[str, Json]], known: Sequence[PlanTerms], lead_office: int) -> None:
    """What the lead of a visit must hold, list by list: the specialities of the items that concern the industry.

    The leading office's own items decide, those of the other lists where this one has none of them; items of joined
    offices bring their own people and decide only for a unit that no item of the leading office concerns.
    """
    needed: dict[tuple[str, frozenset[str]], dict[str, str]] = {}
    for leaf in units:
        industry = str(leaf["industry"])
        industry = industry[1:] if industry[:1].isalpha() else industry  # without the section's letter in front
        here = frozenset(one.name for one in known if f"{one.name}.stratum".removeprefix(".") in leaf)
        if (industry, here) not in needed:
            needed[industry, here] = _specialities_of(industry, [one for one in known if one.name in here], lead_office)
        for name, speciality in needed[industry, here].items():
            leaf[f"{name}.speciality".removeprefix(".")] = speciality


def _specialities_of(industry: str, lists_of_unit: Sequence[PlanTerms], lead_office: int) -> dict[str, str]:
    concerned = {
        one.name: [item for item in one.items if item.speciality and applies_to(item, industry)]
        for one in lists_of_unit
    }
    own = {name: [item for item in items if item.office_id == lead_office] for name, items in concerned.items()}
    all_own = [item for items in own.values() for item in items]
    found = {}
    for name, items in concerned.items():
        if codes := sorted({item.speciality for item in own[name] or all_own or items}):
            found[name] = "+".join(codes)
    return found


_SCOPE_OF = {"division": "divisions", "enterprise_size": "sizes", "park": "parks"}


def _rows(terms: PlanTerms) -> Iterable[tuple[int, str, str, str | None, str, str, str, str | None, str, int]]:
    entities: QuerySet[BusinessEntity] = in_scope(terms.scope, terms.items).order_by("pk")
    columns = ["pk", "unit_id", "risk_class", "division_id", "industry", "status", "size", "park__code", "tags"]
    if terms.measure == Plan.Measure.PREMISES:
        counted = entities.annotate(open_premises=Count("premises", filter=Q(premises__closed_on__isnull=True)))
        yield from counted.values_list(*columns, "open_premises").iterator(chunk_size=5000)
        return
    for row in entities.values_list(*columns).iterator(chunk_size=5000):
        yield (*row, 0)


def _measure(code: str, on: datetime.date) -> Callable[[str, int], int] | None:
    if code == Plan.Measure.PREMISES:
        return lambda _size, premises: max(1, premises)
    if code == Plan.Measure.SIZE:
        rows = tables.load("inspection/size_measures").valid_on(on)
        known = {row["size"]: row.integer("measure") for row in rows}
        return lambda size, _premises: known.get(size, known[UNCLASSED])
    return None


def committed_scope(known: Sequence[PlanTerms]) -> dict[str, list[str]]:
    """The filter of a targeted draw as it is committed: leaf column → what its value may begin with.

    With several lists only what every list limits, for a leaf may stand on any of them.
    """
    parts = [_scope_columns(terms) for terms in known]
    shared = set.intersection(*(set(part) for part in parts)) if parts else set()
    return {column: sorted({text for part in parts for text in part[column]}) for column in sorted(shared)}


def _scope_columns(terms: PlanTerms) -> dict[str, list[str]]:
    scope = terms.scope
    found: dict[str, list[str]] = {}
    if codes := scope.get("divisions"):
        below = Division.objects.filter(parent__in=codes).values_list("code", flat=True)
        found["division"] = [*codes, *below]
    items = [industry_codes(item.applies_to) for item in terms.items]
    industries = scope.get("industries") or (
        [code for codes in items for code in codes] if items and all(items) else []
    )
    if industries:
        found["industry"] = [code if code[:1].isalpha() else section_of(code) + code for code in industries]
    for key, column in (("sizes", "enterprise_size"), ("parks", "park"), ("risk_classes", "risk_class")):
        if scope.get(key):
            found[column] = list(scope[key])
    if scope.get("statuses"):
        found["status"] = list(scope["statuses"])
    if scope.get("tags"):
        found["tag"] = list(scope["tags"])
    if scope.get("schemes"):
        found["id"] = [f"{scheme}:" for scheme in scope["schemes"]]
    return found


# -- as stored -------------------------------------------------------------------------------------------------------
def pack(lines: Iterable[bytes]) -> bytes:
    """Lines as they are stored: gzip without a time stamp, so that the same frame is the same bytes."""
    return gzip.compress(b"\n".join(lines), mtime=0)


def frame_lines(draw: Draw) -> list[bytes]:
    """The stored leaves in the open, in order of id. Of a sealed draw not for the public before it is opened."""
    return gzip.decompress(bytes(draw.file.frame)).split(b"\n")


def published_lines(draw: Draw) -> list[bytes]:
    """The lines of the frame as they were hashed and published: leaves, or sealed lines where the draw is sealed."""
    return gzip.decompress(bytes(draw.file.sealed)).split(b"\n") if draw.sealed else frame_lines(draw)


def stored_keys(draw: Draw) -> list[int]:
    """The register's keys in the order of the leaves."""
    return [int(key) for key in gzip.decompress(bytes(draw.file.keys)).split()]


def leaves_of(draw: Draw) -> Iterable[Mapping[str, Json]]:
    return (json.loads(line) for line in frame_lines(draw))
