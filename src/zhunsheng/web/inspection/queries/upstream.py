"""Draws of other platforms: their lists as the engine takes them, and what this city's records say about them."""

import datetime
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import burden
from zhunsheng.engine.draw import upstream
from zhunsheng.engine.words import Reason
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.records import in_force
from zhunsheng.web.inspection.models import UpstreamDraw, UpstreamUnit
from zhunsheng.web.inspection.queries.burden import made_visits
from zhunsheng.web.inspection.queries.plans import a_year_before
from zhunsheng.web.registry.models import BusinessEntity, Inspector, Qualification, Recusal

#: what came of a check: the kind of its mark, and the word
OUTCOMES: dict[str, tuple[str, Promise]] = {
    "holds": ("good", gettext_lazy("符合")),
    "fails": ("bad", gettext_lazy("不符")),
    "unusual": ("warn", gettext_lazy("不寻常")),
    "not_judged": ("muted", gettext_lazy("未核对")),
}
CHUNK = 900
#: how many of the units at fault a page names
SHOWN = 20


def upstream_draws() -> QuerySet[UpstreamDraw]:
    return UpstreamDraw.objects.all()


def as_value(draw: UpstreamDraw, units: Iterable[UpstreamUnit]) -> upstream.UpstreamDraw:
    """The draw as a value. The attributes that are tested: division and size, as the list gives them."""
    rows = list(units)
    return upstream.UpstreamDraw(
        no=draw.no,
        platform=draw.source_system,
        drawn_on=draw.drawn_on,
        units=tuple(
            upstream.ListedUnit(
                one.unit_id,
                one.stratum,
                one.drawn,
                {name: value for name, value in (("division", one.division), ("size", one.size)) if value},
            )
            for one in rows
        ),
        stated={stratum: (numbers[0], numbers[1]) for stratum, numbers in draw.stated.items()},
        ratios={stratum: Fraction(text) for stratum, text in draw.ratios.items()},
        teams={one.unit_id: tuple(one.team.split()) for one in rows if one.team},
    )


def known(draw: UpstreamDraw, units: Sequence[UpstreamUnit]) -> upstream.Known:
    """What this city's own records say on the day of the draw. The scope of such a draw is not known: coverage is not judged."""
    ids = [one.unit_id for one in units]
    keys: dict[int, str] = {}
    for start in range(0, len(ids), CHUNK):
        found = BusinessEntity.objects.filter(unit_id__in=ids[start : start + CHUNK])
        keys |= dict(found.values_list("pk", "unit_id"))
    visits: Counter[str] = Counter()
    drawn = {one.unit_id for one in units if one.drawn}
    wanted = [pk for pk, unit in keys.items() if unit in drawn]
    since = a_year_before(draw.drawn_on)
    for start in range(0, len(wanted), CHUNK):
        rows = made_visits().filter(
            entity__in=wanted[start : start + CHUNK], cause="", visited_on__gt=since, visited_on__lt=draw.drawn_on
        )
        visits.update(keys[entity] for entity in rows.values_list("entity", flat=True))
    return upstream.Known(
        registered=frozenset(keys.values()),
        visits=visits,
        cap=burden.yearly_cap(draw.drawn_on),
        people=_people(units, draw.drawn_on),
        speciality=draw.speciality,
    )


def _people(units: Iterable[UpstreamUnit], on: datetime.date) -> dict[str, upstream.Person] | None:
    numbers = sorted({number for one in units for number in one.team.split()})
    if not numbers:
        return None
    recusals: dict[int, set[str]] = {}
    standing = Recusal.objects.filter(inspector__person_no__in=numbers).filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=on)
    )
    for inspector, unit in standing.values_list("inspector", "entity__unit_id"):
        recusals.setdefault(inspector, set()).add(unit)
    rows = Inspector.objects.filter(person_no__in=numbers).prefetch_related(
        Prefetch("qualifications", Qualification.objects.filter(in_force(on)))
    )
    return {
        one.person_no: upstream.Person(
            certified=one.certificate_valid_to is not None and on <= one.certificate_valid_to,
            specialities=frozenset(held.speciality for held in one.qualifications.all()),
            recusals=frozenset(recusals.get(one.pk, ())),
        )
        for one in rows
    }


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the page: what was looked at, what came of it, in words, and the first of those at fault."""

    name: str
    outcome: str
    words: str
    units: tuple[str, ...]
    more: int

    @property
    def mark(self) -> tuple[str, Promise]:
        return OUTCOMES[self.outcome]


def checks(draw: UpstreamDraw) -> list[Line]:
    units = list(draw.units.order_by("position"))
    return [_line(one) for one in upstream.check(as_value(draw, units), known(draw, units))]


def plausibility(platform: str, until: datetime.date) -> list[Line]:
    """Tests over all draws of a platform up to a day. Unusual ones first, at most forty lines."""
    draws = list(UpstreamDraw.objects.filter(source_system=platform, drawn_on__lte=until).order_by("drawn_on", "no"))
    units: dict[int, list[UpstreamUnit]] = {draw.pk: [] for draw in draws}
    for one in UpstreamUnit.objects.filter(draw__in=draws).order_by("draw", "position"):
        units[one.draw_id].append(one)
    found = upstream.plausibility([as_value(draw, units[draw.pk]) for draw in draws], until)
    names = {"division": _("区划"), "size": _("规模")}
    return [_line(one, names) for one in found[:40]]


def cannot() -> list[str]:
    """What no list can show, in the language of the page."""
    return [one.text(language()) for one in upstream.UNVERIFIABLE]


def _line(one: upstream.Checked, names: dict[str, Any] | None = None) -> Line:
    reason = one.reason
    attribute = str(reason.params.get("attribute", ""))
    if names and attribute in names:
        reason = replace(reason, params={**reason.params, "attribute": str(names[attribute])})
    return Line(one.name, one.outcome, _text(reason), one.units[:SHOWN], max(0, len(one.units) - SHOWN))


def _text(reason: Reason) -> str:
    return reason.text(language())
