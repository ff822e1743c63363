"""Reading plans: who is in scope, into which strata they fall, how many would be drawn, what a reader should be warned of."""

import datetime
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from zhunsheng.engine import clock
from zhunsheng.engine.draw import allocate
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.inspection.models import CheckItem, Draw, Plan, PlanList, Task, Visit
from zhunsheng.web.inspection.queries.tables import applies_to, choices, industry_choices, industry_codes, industry_q
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.people.queries import Person, division_scope, offices_of
from zhunsheng.web.registry.models import BusinessEntity, Division, EntityStatus, Park, RiskClass
from zhunsheng.web.registry.queries import in_divisions

#: The stratum, and the key of the ratio, for entities without a class (or of a plan without strata).
UNCLASSED = "*"
SCOPE_KEYS = ("divisions", "parks", "industries", "sizes", "risk_classes", "schemes", "tags", "statuses")
CAP = "CAP"
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
        Plan.objects.filter(state=Plan.State.DRAFT, office__in=heads)
        .exclude(created_by=user)
        .order_by("starts_on", "pk")
    )


def draws_to_execute(user: User, now: datetime.datetime) -> QuerySet[Draw]:
    """Announced draws of one's office （经办、负责人） that may be executed at that moment."""
    return _own_draws(user).filter(state=Draw.State.ANNOUNCED, not_before__lte=now)


def draws_to_assign(user: User) -> QuerySet[Draw]:
    """Executed draws of one's office without teams."""
    return _own_draws(user).filter(state=Draw.State.EXECUTED)


def _own_draws(user: User) -> QuerySet[Draw]:
    """Without the large texts of a draw."""
    offices = offices_of(user, ("member", "head")).values("pk")
    draws = Draw.objects.filter(plan__office__in=offices).select_related("plan")
    return draws.only("no", "plan__name", "plan__ends_on").order_by("plan__ends_on", "pk")


def counted_plans(plans: QuerySet[Plan]) -> QuerySet[Plan]:
    """Plans with `drawn` and `published`, counted over their draws."""
    tasks = Task.objects.filter(draw__plan=OuterRef("pk")).order_by().values("draw__plan")
    return plans.annotate(drawn=_counted(tasks), published=_counted(tasks.filter(state__in=PUBLISHED)))


def counted_draws(draws: QuerySet[Draw]) -> QuerySet[Draw]:
    """Draws with `published`: how many of their units have a published result."""
    tasks = Task.objects.filter(draw=OuterRef("pk"), state__in=PUBLISHED).order_by().values("draw")
    return draws.annotate(published=_counted(tasks))


def _counted(grouped: QuerySet[Any, Any]) -> Coalesce:
    return Coalesce(Subquery(grouped.annotate(n=Count("pk")).values("n")), 0)


# -- lists -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class PlanTerms:
    """One list of a plan, the leading office's or a joined one's: `row` is the Plan or the PlanList that holds it.

    `name` is "" where the plan has one list; else it stands before each stratum of the list.
    """

    name: str
    office: Office
    items: tuple[CheckItem, ...]
    scope: Mapping[str, list[str]]
    stratify_by: str
    ratios: Mapping[str, str]
    measure: str
    row: Plan | PlanList

    def full_name(self, stratum: str) -> str:
        return f"{self.name}/{stratum}" if self.name else stratum


def lists(plan: Plan) -> list[PlanTerms]:
    """All lists of a plan alike, the leading office's first, then by name."""
    further = list(plan.further_lists.select_related("office").prefetch_related("items__office").order_by("name"))
    names = [list_name(plan.office) if further else "", *(one.name for one in further)]
    return [
        PlanTerms(
            name,
            row.office,
            tuple(sorted(row.items.all(), key=lambda item: (item.code, item.pk))),
            row.scope,
            row.stratify_by,
            row.ratios,
            row.measure,
            row,
        )
        for name, row in zip(names, (plan, *further), strict=True)
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


def stratum_key(stratify_by: str, risk_class: str, county: str) -> str:
    """The name of a stratum: `A`, `A/990102`, `990102`, or `*` where there is nothing to divide by."""
    parts = []
    if "risk_class" in stratify_by:
        parts.append(risk_class or UNCLASSED)
    if "county" in stratify_by:
        parts.append(county or UNCLASSED)
    return "/".join(parts) or UNCLASSED


def stratum_class(stratify_by: str, key: str) -> str:
    """The class whose ratio a stratum takes."""
    return key.partition("/")[0] if "risk_class" in stratify_by else UNCLASSED


def stratum_label(stratify_by: str, key: str, names: Mapping[str, str]) -> str:
    """A stratum in words. `names`: division code → name."""
    if key == UNCLASSED and stratify_by == "none":
        return _("全部对象")
    labels = dict(RiskClass.choices)
    parts = key.split("/")
    words: list[str | Promise] = []
    if "risk_class" in stratify_by:
        words.append(labels.get(parts.pop(0), _("未分类")))
    if "county" in stratify_by and parts:
        words.append(names.get(parts[0], _("区划不明")))
    return " · ".join(str(word) for word in words)


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


def capped(items: Sequence[CheckItem], on: datetime.date) -> dict[int, set[int]]:
    """Item → the entities drawn or checked for it (any version of it) as often in the last 12 months as it may happen in a year.

    A drawn unit counts from its draw on, visited or not; a withdrawn one does not. Records of other systems count by
    the day of the visit.
    """
    limited = [item for item in items if item.frequency_max_per_year]
    if not limited:
        return {}
    since = a_year_before(on)
    found: dict[int, set[int]] = {}
    for item in limited:
        times: Counter[int] = Counter()
        drawn = (
            Task.objects.filter(draw__plan__items__code=item.code, draw__executed_at__date__gt=since)
            .exclude(state=Task.State.WITHDRAWN)
            .values_list("entity_id", "pk")
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


@dataclass(frozen=True, slots=True)
class Cap:
    """Decides whether an entity is out by the cap: an item of the plan that concerns it has reached its limit.

    One visit is for all items of a plan, so one exhausted item keeps the entity out of the whole draw.
    """

    items: tuple[CheckItem, ...]
    reached: Mapping[int, set[int]]

    @classmethod
    def of(cls, items: Iterable[CheckItem], on: datetime.date) -> "Cap":
        known = tuple(items)
        return cls(known, capped(known, on))

    def excludes(self, entity: int, industry: str) -> bool:
        return any(entity in self.reached.get(item.pk, ()) and applies_to(item, industry) for item in self.items)

    def candidates(self) -> set[int]:
        return set().union(*self.reached.values()) if self.reached else set()


# -- strata before the draw ------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Stratum:
    """A stratum as it would be drawn today. `size` is N without the capped; `pi` = n/N, None for an empty one."""

    key: str
    label: str
    size: int
    capped: int
    ratio: Fraction | None
    n: int

    @property
    def pi(self) -> Fraction | None:
        return Fraction(self.n, self.size) if self.size else None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a plan would draw: its strata, their sums, and what to be warned of. `missing`: classes without a ratio."""

    strata: tuple[Stratum, ...]
    missing: tuple[str, ...]
    warnings: tuple[str, ...] = field(default=())

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


def _class_counts(entities: QuerySet[BusinessEntity], stratify_by: str) -> Iterator[tuple[str, int]]:
    county_of = counties()
    grouped = entities.order_by().values_list("risk_class", "division_id").annotate(n=Count("pk"))
    for risk_class, division, n in grouped:
        yield stratum_key(stratify_by, risk_class, county_of.get(division or "", "")), n


def preview(
    *,
    scope: Mapping[str, Any],
    items: Sequence[CheckItem],
    stratify_by: str,
    ratios: Mapping[str, str],
    on: datetime.date,
    starts_on: datetime.date | None = None,
    ends_on: datetime.date | None = None,
) -> Preview:
    """The strata of a plan as the register stands, and its warnings. Nothing is stored."""
    entities = in_scope(scope, items)
    sizes: Counter[str] = Counter()
    for key, n in _class_counts(entities, stratify_by):
        sizes[key] += n
    cap = Cap.of(items, on)
    out: Counter[str] = Counter()
    candidates = sorted(cap.candidates())
    county_of = counties() if candidates else {}
    for start in range(0, len(candidates), 5000):
        chunk = entities.filter(pk__in=candidates[start : start + 5000])
        for pk, risk_class, division, industry in chunk.values_list("pk", "risk_class", "division_id", "industry"):
            if cap.excludes(pk, industry):
                out[stratum_key(stratify_by, risk_class, county_of.get(division or "", ""))] += 1
    names = division_names()
    missing: set[str] = set()
    rows = []
    for key in sorted(sizes):
        size = sizes[key] - out[key]
        text = ratios.get(stratum_class(stratify_by, key), "")
        ratio = exact(text) if text else None
        n = 0
        if ratio is None:
            if size:
                missing.add(stratum_class(stratify_by, key))
        else:
            n = allocate({key: size}, ratio)[key]
        rows.append(Stratum(key, stratum_label(stratify_by, key, names), size, out[key], ratio, n))
    found = Preview(tuple(rows), tuple(sorted(missing)))
    return Preview(found.strata, found.missing, tuple(_warnings(found, items, starts_on, ends_on)))


def preview_of(plan: Plan, on: datetime.date) -> Preview:
    return preview(
        scope=plan.scope,
        items=list(plan.items.all()),
        stratify_by=plan.stratify_by,
        ratios=plan.ratios,
        on=on,
        starts_on=plan.starts_on,
        ends_on=plan.ends_on,
    )


def _warnings(
    found: Preview, items: Sequence[CheckItem], starts_on: datetime.date | None, ends_on: datetime.date | None
) -> Iterator[str]:
    pi = found.pi
    if not found.size:
        yield _("范围内没有可抽取的对象。")
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
    if starts_on and ends_on:
        calendar = clock.default_calendar()
        years = calendar.missing_years(starts_on, ends_on)
        if years:
            yield _("%(years)s 年的放假安排尚未公布，有关期限暂按周一至周五计算。") % {
                "years": _("、").join(map(str, years))
            }


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
