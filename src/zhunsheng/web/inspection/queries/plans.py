"""Reading plans: who is in scope, into which strata they fall, how many would be drawn, what a reader should be warned of."""

import datetime
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhunsheng.engine import clock, tables
from zhunsheng.engine.draw import allocate
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.inspection.models import CheckItem, Draw, Inclusion, Plan, PlanList, Task, Visit
from zhunsheng.web.inspection.queries.tables import applies_to, choices, industry_choices, industry_codes, industry_q
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.people.queries import Person, division_scope, offices_of
from zhunsheng.web.registry.models import BusinessEntity, Division, EntityStatus, Park, RiskClass
from zhunsheng.web.registry.queries import in_divisions
from zhunsheng.web.registry.words import industry_sections

#: The stratum, and the key of the ratio, for entities without a class (or of a plan without strata).
UNCLASSED = "*"
SCOPE_KEYS = ("divisions", "parks", "industries", "sizes", "risk_classes", "schemes", "tags", "statuses")
CAP = "CAP"
#: The stratum of those already drawn this year (draw/reentry).
AGAIN = "again"
PUBLISHED = (Task.State.PUBLISHED, Task.State.FOLLOWUP_OPEN, Task.State.CLOSED)
VISITED = (Task.State.RESULT_ENTERED, *PUBLISHED)


# -- plans -----------------------------------------------------------------------------------------------------------
def visible_plans(user: Person) -> QuerySet[Plan]:
    """Plans of the offices of one's area: a city officer sees all, a county officer the county's, the city's own that the
    county carries out, and joint ones."""
    plans = Plan.objects.select_related("office")
    if division_scope(user) is None:
        return plans
    return plans.filter(pk__in=_plans_of(user))


def _plans_of(user: Person) -> QuerySet[Any]:
    mine = offices_of(user).values("pk")
    concerned = Q(office__in=mine) | Q(joint_offices__in=mine) | Q(office__children__in=mine)
    return Plan.objects.filter(concerned).order_by().values("pk")


def visible_draws(user: Person) -> QuerySet[Draw]:
    draws = Draw.objects.select_related("plan__office", "rule_book")
    return draws if division_scope(user) is None else draws.filter(plan__in=_plans_of(user))


def plans_to_approve(user: User) -> QuerySet[Plan]:
    """Drafts that `user` may approve: of the offices where the user is head, drafted by somebody else; the earliest first."""
    heads = offices_of(user, ("head",)).values("pk")
    return (
        Plan.objects.filter(state=Plan.State.DRAFT, office__in=heads, submitted_at__isnull=False)
        .exclude(created_by=user)
        .order_by("starts_on", "pk")
    )


def lists_to_confirm(user: User) -> QuerySet[PlanList]:
    """Lists of joint plans that the user's office has to fill in or to confirm."""
    mine = offices_of(user, ("member", "head")).values("pk")
    waiting = PlanList.objects.filter(office__in=mine, confirmed_at__isnull=True, plan__state=Plan.State.DRAFT)
    return waiting.select_related("plan").order_by("plan__starts_on", "pk")


def draws_to_execute(user: User, now: datetime.datetime) -> QuerySet[Draw]:
    """Announced draws of one's office （经办、负责人） that may be executed at that moment."""
    return _own_draws(user).filter(state=Draw.State.ANNOUNCED, not_before__lte=now)


def draws_to_close(user: User) -> QuerySet[Draw]:
    """Executed draws of one's office whose list is not closed yet."""
    return _own_draws(user).filter(state=Draw.State.EXECUTED)


def draws_to_assign(user: User) -> QuerySet[Draw]:
    """Draws of one's office with a closed list and without teams."""
    return _own_draws(user).filter(state=Draw.State.LIST_CLOSED)


def draws_to_open(user: User) -> QuerySet[Draw]:
    """Sealed draws of one's office with teams that are not opened, the nearest last day first."""
    waiting = _own_draws(user).filter(mode=Plan.Mode.SEALED, state=Draw.State.ASSIGNED, opened_at__isnull=True)
    return waiting.order_by("open_by", "pk")


def _own_draws(user: User) -> QuerySet[Draw]:
    """Without the large texts of a draw."""
    offices = offices_of(user, ("member", "head")).values("pk")
    draws = Draw.objects.filter(plan__office__in=offices).select_related("plan")
    return draws.only("no", "open_by", "plan__name", "plan__ends_on").order_by("plan__ends_on", "pk")


def counted_plans(plans: QuerySet[Plan]) -> QuerySet[Plan]:
    """Plans with `drawn` and `published`, counted over their draws."""
    tasks = Task.objects.filter(draw__plan=OuterRef("pk")).order_by().values("draw__plan")
    return plans.annotate(drawn=_counted(tasks), published=_counted(tasks.filter(state__in=PUBLISHED)))


def counted_draws(draws: QuerySet[Draw]) -> QuerySet[Draw]:
    """Draws with `published`: how many of their units have a published result; and `ended`: those and the withdrawn."""
    tasks = Task.objects.filter(draw=OuterRef("pk")).order_by().values("draw")
    ended = tasks.filter(state__in=[*PUBLISHED, Task.State.WITHDRAWN])
    return draws.annotate(published=_counted(tasks.filter(state__in=PUBLISHED)), ended=_counted(ended))


def _counted(grouped: QuerySet[Any, Any]) -> Coalesce:
    return Coalesce(Subquery(grouped.annotate(n=Count("pk")).values("n")), 0)


# -- lists -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class PlanTerms:
    """One list of a plan, the leading office's or a joined one's: `row` is the Plan or the PlanList that holds it.

    `name` is "" where the plan has one list; else it stands before each stratum of the list. `again`: whether those drawn
    this year for one of the items stand in a stratum of their own.
    """

    name: str
    office: Office | None
    items: tuple[CheckItem, ...]
    scope: Mapping[str, list[str]]
    stratify_by: str
    ratios: Mapping[str, str]
    measure: str = Plan.Measure.NONE
    again: bool = False
    row: Plan | PlanList | None = None

    def full_name(self, stratum: str) -> str:
        return f"{self.name}/{stratum}" if self.name else stratum


def lists(plan: Plan) -> list[PlanTerms]:
    """All lists of a plan alike, the leading office's first, then by name."""
    further = list(plan.further_lists.select_related("office").prefetch_related("items__office").order_by("name"))
    names = [list_name(plan.office) if further else "", *(one.name for one in further)]
    rows: list[Plan | PlanList] = [plan, *further]
    return [
        PlanTerms(
            name,
            row.office,
            tuple(sorted(row.items.all(), key=lambda item: (item.code, item.pk))),
            row.scope,
            row.stratify_by,
            row.ratios,
            row.measure,
            plan.again,
            row,
        )
        for name, row in zip(names, rows, strict=True)
    ]


def list_name(office: Office) -> str:
    """An office's code as the name of a list: lower case, '_' for what a name may not hold."""
    name = re.sub(r"[^a-z0-9_]", "_", office.code.lower())
    return (name if name[:1].isalpha() else f"l_{name}")[:40]


def all_items(plan: Plan) -> list[CheckItem]:
    """The items of all lists of a plan, each once, by code."""
    found = {item.pk: item for one in lists(plan) for item in one.items}
    return sorted(found.values(), key=lambda item: (item.code, item.pk))


# -- scope -----------------------------------------------------------------------------------------------------------
def in_scope(scope: Mapping[str, Any], items: Iterable[CheckItem] = ()) -> QuerySet[BusinessEntity]:
    """The entities that a plan's scope names and that at least one of its items concerns, whatever their status.

    A cancelled entity stays in the list and is reported as such (domain 1 (g)); a scope that leaves statuses out says so.
    """
    entities = BusinessEntity.objects.all()
    if scope.get("divisions"):
        # A county stands for its townships; a township for itself.
        entities = entities.filter(in_divisions(scope["divisions"]))
    if scope.get("parks"):
        entities = entities.filter(Q(park__code__in=scope["parks"]))
    if scope.get("industries"):
        entities = entities.filter(industry_q(scope["industries"]))
    if scope.get("sizes"):
        entities = entities.filter(size__in=scope["sizes"])
    if scope.get("risk_classes"):
        classes = ["" if one == UNCLASSED else one for one in scope["risk_classes"]]
        entities = entities.filter(risk_class__in=classes)
    if scope.get("statuses"):
        entities = entities.filter(status__in=scope["statuses"])
    if scope.get("schemes"):
        condition = Q(pk__in=[])
        for scheme in scope["schemes"]:
            condition |= Q(unit_id__startswith=f"{scheme}:")
        entities = entities.filter(condition)
    if scope.get("tags"):
        condition = Q(pk__in=[])
        for tag in scope["tags"]:
            condition |= (
                Q(tags=tag) | Q(tags__startswith=f"{tag} ") | Q(tags__endswith=f" {tag}") | Q(tags__contains=f" {tag} ")
            )
        entities = entities.filter(condition)
    concerned = Q(pk__in=[])
    items = list(items)
    for item in items:
        codes = industry_codes(item.applies_to)
        if not codes:
            return entities
        concerned |= industry_q(codes)
    return entities.filter(concerned) if items else entities


def scope_words(scope: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """A scope in words: (what is looked at, which of it)."""
    english = language() == "en"

    def names(rows: Iterable[tuple[str, str, str]]) -> dict[str, str]:
        return {code: (name_en or name) if english else name for code, name, name_en in rows}

    known: dict[str, tuple[str, Callable[[], Mapping[str, Any]]]] = {
        "divisions": (_("行政区划"), lambda: names(Division.objects.values_list("code", "name", "name_en"))),
        "parks": (_("园区"), lambda: names(Park.objects.values_list("code", "name", "name_en"))),
        "industries": (_("行业"), lambda: dict(industry_choices())),
        "sizes": (_("规模"), lambda: dict(choices("registry/sizes"))),
        "risk_classes": (_("信用风险分类"), lambda: dict(RiskClass.choices) | {UNCLASSED: _("未分类")}),
        "statuses": (_("登记状态"), lambda: dict(EntityStatus.choices)),
        "schemes": (_("主体标识类别"), dict),
        "tags": (_("标签"), dict),
    }
    found = []
    for key, (label, table) in known.items():
        if scope.get(key):
            words = table()
            found.append((label, _("、").join(str(words.get(code, code)) for code in scope[key])))
    return found


def counties() -> dict[str, str]:
    """Division code → the code of its county; a county and a city stand for themselves."""
    rows = {code: (level, parent) for code, level, parent in Division.objects.values_list("code", "level", "parent_id")}
    return {code: (parent or code) if level == "township" else code for code, (level, parent) in rows.items()}


def stratum_key(stratify_by: str, risk_class: str, county: str, section: str = "") -> str:
    """The name of a stratum: `A`, `A/990102`, `A/990102/C`, `990102`, or `*` where there is nothing to divide by."""
    parts = []
    if "risk_class" in stratify_by:
        parts.append(risk_class or UNCLASSED)
    if "county" in stratify_by:
        parts.append(county or UNCLASSED)
    if "industry" in stratify_by:
        parts.append(section or UNCLASSED)
    return "/".join(parts) or UNCLASSED


def stratum_class(stratify_by: str, key: str) -> str:
    """The class whose ratio a stratum takes."""
    return key.partition("/")[0] if "risk_class" in stratify_by else UNCLASSED


def stratum_label(stratify_by: str, key: str, names: Mapping[str, str]) -> str:
    """A stratum of one list in words. `names`: division code → name."""
    if key == AGAIN:
        return _("本年已抽中过的")
    if key == UNCLASSED and stratify_by == "none":
        return _("全部对象")
    labels = dict(RiskClass.choices)
    parts = key.split("/")
    words: list[str | Promise] = []
    if "risk_class" in stratify_by:
        words.append(labels.get(parts.pop(0), _("未分类")))
    if "county" in stratify_by and parts:
        words.append(names.get(parts.pop(0), _("区划不明")))
    if "industry" in stratify_by and parts:
        words.append(dict(industry_choices()).get(parts[0], _("行业不明")))
    return " · ".join(str(word) for word in words)


def strata_labels(plan: Plan, keys: Iterable[str]) -> dict[str, str]:
    """Full name of a stratum → its words, with the office in front where the plan has several lists."""
    known, names = {one.name: one for one in lists(plan)}, division_names()
    found = {}
    for key in keys:
        name, _sep, stratum = key.partition("/") if "" not in known else ("", "", key)
        one = known.get(name)
        if one is None:
            found[key] = key
            continue
        label = stratum_label(one.stratify_by, stratum, names)
        found[key] = f"{named(one.office)} · {label}" if name and one.office else label
    return found


def division_names() -> dict[str, str]:
    english = language() == "en"
    return {
        code: (name_en or name) if english else name
        for code, name, name_en in Division.objects.exclude(level="township").values_list("code", "name", "name_en")
    }


# -- the frequency cap -----------------------------------------------------------------------------------------------
def a_year_before(day: datetime.date) -> datetime.date:
    """The same day of the year before (28 February for 29 February)."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def _included(code: str) -> QuerySet[Inclusion]:
    """Inclusions by lists that are for an item (any version of it); withdrawn units are left out."""
    further = PlanList.objects.filter(plan=OuterRef("task__draw__plan"), name=OuterRef("list"))
    rows = Inclusion.objects.exclude(task__state=Task.State.WITHDRAWN)
    own = rows.filter(~Exists(further), task__draw__plan__items__code=code)
    joined = rows.filter(Exists(further.filter(items__code=code)))
    return own | joined


def _told(rows: QuerySet[Inclusion], *, sealed: bool) -> QuerySet[Inclusion]:
    """Without the units of draws that are sealed and not opened: an open frame would tell who was drawn there."""
    if sealed:
        return rows
    return rows.exclude(task__draw__mode=Plan.Mode.SEALED, task__draw__opened_at__isnull=True)


def capped(items: Sequence[CheckItem], on: datetime.date, *, sealed: bool = False) -> dict[int, set[int]]:
    """Item → the entities drawn or checked for it (any version of it) as often in the last 12 months as it may happen in a year.

    A drawn unit counts from its draw on, visited or not; a withdrawn one does not. Records of other systems count by
    the day of the visit. A draw that is sealed and not opened yet counts for another sealed one only (`sealed`).
    """
    limited = [item for item in items if item.frequency_max_per_year]
    if not limited:
        return {}
    since = a_year_before(on)
    found: dict[int, set[int]] = {}
    for item in limited:
        times: Counter[int] = Counter()
        drawn = (
            _told(_included(item.code), sealed=sealed)
            .filter(task__draw__executed_at__date__gt=since)
            .order_by()
            .values_list("task__entity_id", "task_id")
            .distinct()
        )
        times.update(entity for entity, _pk in drawn)
        recorded = (
            Visit.objects.filter(
                task__isnull=True, findings__item__code=item.code, visited_on__gt=since, corrected_by__isnull=True
            )
            .values_list("entity_id", "pk")
            .distinct()
        )
        times.update(entity for entity, _pk in recorded)
        found[item.pk] = {entity for entity, count in times.items() if count >= (item.frequency_max_per_year or 0)}
    return found


def drawn_this_year(items: Sequence[CheckItem], on: datetime.date, *, sealed: bool = False) -> set[int]:
    """Entities that a draw of the calendar year has already drawn for one of the items."""
    found: set[int] = set()
    for code in {item.code for item in items}:
        rows = _told(_included(code), sealed=sealed).filter(task__draw__executed_at__date__year=on.year)
        found.update(rows.order_by().values_list("task__entity_id", flat=True))
    return found


def reentry_factor(on: datetime.date) -> Fraction:
    """By what the ratio of those already drawn this year is multiplied: the dated table draw/reentry."""
    return exact(str(tables.load("draw/reentry").valid_on(on)[0]["factor"]))


@dataclass(frozen=True, slots=True)
class Cap:
    """Decides whether an entity is out by the cap: an item of the plan that concerns it has reached its limit.

    One visit is for all items of a plan, so one exhausted item keeps the entity out of the whole draw.
    """

    items: tuple[CheckItem, ...]
    reached: Mapping[int, set[int]]

    @classmethod
    def of(cls, items: Iterable[CheckItem], on: datetime.date, *, sealed: bool = False) -> "Cap":
        known = tuple(items)
        return cls(known, capped(known, on, sealed=sealed))

    def excludes(self, entity: int, industry: str) -> bool:
        return any(entity in self.reached.get(item.pk, ()) and applies_to(item, industry) for item in self.items)

    def candidates(self) -> set[int]:
        return set().union(*self.reached.values()) if self.reached else set()


# -- strata before the draw ------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Stratum:
    """A stratum as it would be drawn today, by its full name. `size` is N without the capped; `pi` = n/N, None for an empty one.

    `unequal`: within it the probability goes by a measure, and `pi` is the mean.
    """

    key: str
    label: str
    size: int
    capped: int
    ratio: Fraction | None
    n: int
    unequal: bool = False

    @property
    def pi(self) -> Fraction | None:
        return Fraction(self.n, self.size) if self.size else None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a plan would draw: its strata, their sums, and what to be warned of. `missing`: classes without a ratio.

    joint: several lists, whose sums count a firm once for each list that it is on.
    """

    strata: tuple[Stratum, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...] = field(default=())
    joint: bool = False

    @property
    def size(self) -> int:
        return sum(one.size for one in self.strata)

    @property
    def capped(self) -> int:
        return sum(one.capped for one in self.strata)

    @property
    def n(self) -> int:
        return sum(one.n for one in self.strata)

    @property
    def pi(self) -> Fraction | None:
        return Fraction(self.n, self.size) if self.size else None


def exact(text: str) -> Fraction:
    """A ratio written as a decimal, exact."""
    return Fraction(Decimal(text))


@dataclass(frozen=True, slots=True)
class Sorter:
    """Puts the entities of one list into its strata, as the register stands on a day: capped ones out, drawn ones again."""

    terms: PlanTerms
    cap: Cap
    drawn: frozenset[int]
    county_of: Mapping[str, str]

    @classmethod
    def of(cls, terms: PlanTerms, on: datetime.date, *, sealed: bool, county_of: Mapping[str, str]) -> "Sorter":
        drawn = drawn_this_year(terms.items, on, sealed=sealed) if terms.again else ()
        return cls(terms, Cap.of(terms.items, on, sealed=sealed), frozenset(drawn), county_of)

    def plain(self, risk_class: str, division: str | None, industry: str) -> str:
        """The stratum by the plan's division alone."""
        section = section_of(industry) if "industry" in self.terms.stratify_by else ""
        return stratum_key(self.terms.stratify_by, risk_class, self.county_of.get(division or "", ""), section)

    def known(self) -> list[int]:
        """Keys of the entities that may be capped or drawn again: all others stand where `plain` says."""
        return sorted(self.cap.candidates() | self.drawn)


def section_of(industry: str) -> str:
    """The letter of an industry's section; "" where it is not known."""
    return _section_letters().get(industry[:2], "") if not industry[:1].isalpha() else industry[:1]


@tables.kept("industry/")
def _section_letters() -> dict[str, str]:
    return {code[:2]: letter for letter, codes in industry_sections().items() for code in codes}


@dataclass(frozen=True, slots=True)
class Allocation:
    """n of each stratum of one list; the ratio that it follows from (n = ⌈N × ratio⌉); classes for which the plan has none."""

    n: Mapping[str, int]
    ratios: Mapping[str, Fraction]
    missing: frozenset[str]


def allocation(terms: PlanTerms, sizes: Mapping[str, int], again: Mapping[str, int], on: datetime.date) -> Allocation:
    """How many are drawn from each stratum of one list.

    sizes: stratum → N without `again`. again: plain stratum → how many of it stand in `again`: its ratio is the mean of
    the ratios they would have had, times the factor of draw/reentry.
    """
    missing: set[str] = set()

    def ratio(stratum: str) -> Fraction | None:
        text = terms.ratios.get(stratum_class(terms.stratify_by, stratum), "")
        if not text:
            missing.add(stratum_class(terms.stratify_by, stratum))
        return exact(text) if text else None

    ratios = {stratum: share for stratum, size in sizes.items() if size and (share := ratio(stratum)) is not None}
    counts = dict(sizes)
    if again:
        total = sum(again.values())
        waiting = sum((count * (ratio(stratum) or 0) for stratum, count in again.items()), start=Fraction(0))
        if waiting:
            ratios[AGAIN] = min(Fraction(1), waiting * reentry_factor(on) / total)
        counts[AGAIN] = total
    n = dict.fromkeys(counts, 0) | allocate({one: counts[one] for one in ratios}, ratios)
    return Allocation(n, ratios, frozenset(missing))


def preview(
    *,
    scope: Mapping[str, Any],
    items: Sequence[CheckItem],
    stratify_by: str,
    ratios: Mapping[str, str],
    on: datetime.date,
    starts_on: datetime.date | None = None,
    ends_on: datetime.date | None = None,
    measure: str = Plan.Measure.NONE,
    again: bool = False,
    sealed: bool = False,
) -> Preview:
    """The strata of a plan of one list as the register stands, and its warnings. Nothing is stored."""
    terms = PlanTerms("", None, tuple(items), scope, stratify_by, ratios, measure, again)
    return _preview([terms], on=on, starts_on=starts_on, ends_on=ends_on, sealed=sealed)


def preview_of(plan: Plan, on: datetime.date) -> Preview:
    """The strata of a plan, of all its lists, as the register stands. A joined list without items is not filled in yet."""
    sealed = plan.mode == Plan.Mode.SEALED
    filled = [one for one in lists(plan) if one.items] or lists(plan)
    return _preview(filled, on=on, starts_on=plan.starts_on, ends_on=plan.ends_on, sealed=sealed)


def _preview(
    terms: Sequence[PlanTerms],
    *,
    on: datetime.date,
    starts_on: datetime.date | None,
    ends_on: datetime.date | None,
    sealed: bool,
) -> Preview:
    county_of, names = counties(), division_names()
    strata: list[Stratum] = []
    missing: set[str] = set()
    warnings: list[str] = []
    for one in terms:
        sorter = Sorter.of(one, on, sealed=sealed, county_of=county_of)
        part, lacking = _list_preview(one, sorter, on, names)
        strata += part
        missing |= lacking
        found = Preview(tuple(part), ())
        warnings += _warnings(found, one.items, starts_on, ends_on, "" if not one.name else named(one.office))
    if starts_on and ends_on:
        years = clock.default_calendar().missing_years(starts_on, ends_on)
        if years:
            warnings.append(
                _("%(years)s 年的放假安排尚未公布，有关期限暂按周一至周五计算。")
                % {"years": _("、").join(map(str, years))}
            )
    joint = any(one.name for one in terms)
    return Preview(tuple(strata), tuple(sorted(missing)), tuple(warnings), joint)


def _list_preview(
    terms: PlanTerms, sorter: Sorter, on: datetime.date, names: Mapping[str, str]
) -> tuple[list[Stratum], set[str]]:
    entities = in_scope(terms.scope, terms.items)
    columns = ["risk_class", "division_id", *(["industry"] if "industry" in terms.stratify_by else [])]
    sizes: Counter[str] = Counter()
    for *where, count in entities.order_by().values_list(*columns).annotate(n=Count("pk")):
        sizes[sorter.plain(where[0], where[1], where[2] if len(where) > 2 else "")] += count
    out: Counter[str] = Counter()
    again: Counter[str] = Counter()
    known = sorter.known()
    for start in range(0, len(known), 5000):
        chunk = entities.filter(pk__in=known[start : start + 5000])
        for pk, risk_class, division, industry in chunk.values_list("pk", "risk_class", "division_id", "industry"):
            stratum = sorter.plain(risk_class, division, industry)
            if sorter.cap.excludes(pk, industry):
                out[stratum] += 1
            elif pk in sorter.drawn:
                again[stratum] += 1
    free = {key: sizes[key] - out[key] - again[key] for key in sorted(sizes)}
    made = allocation(terms, free, again, on)
    n = made.n
    office = f"{named(terms.office)} · " if terms.name and terms.office else ""
    unequal = terms.measure != Plan.Measure.NONE
    rows = [
        Stratum(
            terms.full_name(key),
            office + stratum_label(terms.stratify_by, key, names),
            size,
            out[key],
            exact(text) if (text := terms.ratios.get(stratum_class(terms.stratify_by, key), "")) else None,
            n[key],
            unequal and n[key] < size,
        )
        for key, size in free.items()
    ]
    if again:
        label = office + stratum_label(terms.stratify_by, AGAIN, names)
        rows.append(Stratum(terms.full_name(AGAIN), label, sum(again.values()), 0, None, n[AGAIN]))
    return rows, set(made.missing)


def _warnings(
    found: Preview,
    items: Sequence[CheckItem],
    starts_on: datetime.date | None,
    ends_on: datetime.date | None,
    office: str = "",
) -> Iterator[str]:
    pi = found.pi
    if not found.size:
        yield (
            _("%(office)s的名单范围内没有可抽取的对象。") % {"office": office}
            if office
            else _("范围内没有可抽取的对象。")
        )
    for item in items:
        if pi is not None and item.ratio_min is not None and pi < Fraction(item.ratio_min):
            yield _("事项“%(item)s”要求抽查比例不低于 %(least)s%%，本计划合计为 %(found)s%%。") % {
                "item": named(item),
                "least": _percent(Fraction(item.ratio_min)),
                "found": _percent(pi),
            }
        # 重点检查事项 has no upper limit （市场监管总局 2019-02 notice）: only the order is drawn.
        if pi is not None and item.kind == "general" and item.ratio_max is not None and pi > Fraction(item.ratio_max):
            yield _("一般检查事项“%(item)s”抽查比例不得高于 %(most)s%%，本计划合计为 %(found)s%%。") % {
                "item": named(item),
                "most": _percent(Fraction(item.ratio_max)),
                "found": _percent(pi),
            }
        if starts_on and (
            (item.valid_from and item.valid_from > starts_on) or (item.valid_to and item.valid_to < starts_on)
        ):
            yield _("事项“%(item)s”在检查开始之日不在有效期内。") % {"item": named(item)}
    if found.capped:
        yield ngettext(
            "有 %(n)s 家最近12个月内检查次数已达上限，将留在名录中并标注 CAP,本次不抽取。",
            "有 %(n)s 家最近12个月内检查次数已达上限，将留在名录中并标注 CAP,本次不抽取。",
            found.capped,
        ) % {"n": found.capped}


def _percent(share: Fraction) -> str:
    text = f"{Decimal(share.numerator) * 100 / Decimal(share.denominator):.2f}"
    return text.rstrip("0").rstrip(".")


def plan_progress(plans: Iterable[Plan]) -> dict[int, dict[str, int]]:
    """Plan → {drawn, visited, published, withdrawn} counted over its draws, in one query."""
    done: dict[int, dict[str, int]] = defaultdict(lambda: {"drawn": 0, "visited": 0, "published": 0, "withdrawn": 0})
    rows = (
        Task.objects.filter(draw__plan__in=[plan.pk for plan in plans])
        .order_by()
        .values_list("draw__plan_id", "state")
        .annotate(n=Count("pk"))
    )
    for plan_id, state, n in rows:
        row = done[plan_id]
        row["drawn"] += n
        if state in VISITED:
            row["visited"] += n
        if state in PUBLISHED:
            row["published"] += n
        if state == Task.State.WITHDRAWN:
            row["withdrawn"] += n
    return dict(done)
