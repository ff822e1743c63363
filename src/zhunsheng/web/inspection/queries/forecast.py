"""What a plan will ask of firms and inspectors, and its calendar: looked at before anything is announced."""

import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from django.db.models import Count
from django.utils.translation import gettext as _

from zhunsheng.engine import clock
from zhunsheng.web.common.records import in_force
from zhunsheng.web.inspection.models import Plan
from zhunsheng.web.inspection.queries.assignment import inspector_pool
from zhunsheng.web.inspection.queries.frames import draft_frame
from zhunsheng.web.inspection.queries.plans import PlanTerms, Preview, in_scope, lists
from zhunsheng.web.inspection.queries.tables import label, required_speciality
from zhunsheng.web.inspection.queries.visits import publish_due
from zhunsheng.web.registry.models import Qualification


@dataclass(frozen=True, slots=True)
class Leads:
    """How many firms (about) need a lead with a speciality, and how many inspectors hold it."""

    speciality: str
    targets: int
    leads: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected numbers of a plan. `targets`: firms that will be visited, each once however many lists draw it; visits =
    targets × team; `able`: inspectors with a valid certificate and no leave on the first day. `shortages` in words: empty
    where nothing speaks against the plan yet; the exact answer comes when the list is closed."""

    targets: int
    visits: int
    able: int
    leads: tuple[Leads, ...]
    shortages: tuple[str, ...]

    @property
    def per_inspector(self) -> Fraction | None:
        """Visits of one inspector, on average."""
        return Fraction(self.visits, self.able) if self.able else None


def forecast(plan: Plan, found: Preview, on: datetime.date) -> Forecast:
    """What the plan asks of the inspectors, from its strata as the register stands."""
    known = lists(plan)
    targets = found.n if len(known) == 1 else _expected_union(plan, found, on)
    day = max(plan.starts_on, on)
    pool = list(inspector_pool(plan))
    able = [
        one.pk
        for one in pool
        if one.status == "active"
        and one.certificate_valid_to
        and one.certificate_valid_to >= day
        and not ((one.leave_from or one.leave_to) and (one.leave_from or day) <= day <= (one.leave_to or day))
    ]
    held: dict[int, set[str]] = {pk: set() for pk in able}
    rows = Qualification.objects.filter(in_force(day), inspector__in=able).values_list("inspector_id", "speciality")
    for pk, speciality in rows:
        held[pk].add(speciality)
    needed = _needed(plan, known, found)
    leads = tuple(
        Leads(
            " + ".join(label("inspection/specialities", code) for code in speciality.split("+")),
            count,
            sum(set(speciality.split("+")) <= codes for codes in held.values()),
        )
        for speciality, count in sorted(needed.items())
        if speciality
    )
    visits = targets * plan.team_size
    return Forecast(targets, visits, len(able), leads, tuple(_shortages(plan, targets, visits, len(able), leads)))


def _expected_union(plan: Plan, found: Preview, on: datetime.date) -> int:
    """Firms drawn by at least one list: about the sum of the largest probability of each, since all lists use its one ticket."""
    draft = draft_frame(plan, on)
    share = {one.key: one.pi or Fraction(0) for one in found.strata}
    total_size: Counter[str] = Counter()
    for _key, leaf in draft.leaves:
        for name in draft.lists:
            if isinstance(size := leaf.get(f"{name}.size"), int):
                total_size[f"{name}/{leaf[f'{name}.stratum']}"] += size
    total = Fraction(0)
    for _key, leaf in draft.leaves:
        best = Fraction(0)
        for name in draft.lists:
            stratum = leaf.get(f"{name}.stratum")
            if stratum is None or leaf.get(f"{name}.exclusion"):
                continue
            full, size = f"{name}/{stratum}", leaf.get(f"{name}.size")
            mine = share.get(full, Fraction(0))
            if full in draft.unequal and isinstance(size, int):
                mine = min(Fraction(1), Fraction(draft.unequal[full] * size, total_size[full]))
            best = max(best, mine)
        total += best
    return round(total)


def _needed(plan: Plan, known: Sequence[PlanTerms], found: Preview) -> dict[str, int]:
    """Speciality → about how many drawn firms need a lead with it, by the industries of each list."""
    needed: Counter[str] = Counter()
    for one in known:
        strata = [row for row in found.strata if not one.name or row.key.startswith(f"{one.name}/")]
        size, n = sum(row.size for row in strata), sum(row.n for row in strata)
        share = Fraction(n, size) if size else Fraction(0)
        counted = in_scope(one.scope, one.items).order_by().values_list("industry").annotate(n=Count("pk"))
        parts: Counter[str] = Counter()
        for industry, count in counted:
            parts[required_speciality(one.items, one.office.pk if one.office else 0, industry)] += count
        for speciality, count in parts.items():
            needed[speciality] += round(count * share)
    return dict(needed)


def _shortages(plan: Plan, targets: int, visits: int, able: int, leads: Sequence[Leads]) -> Iterator[str]:
    if able < plan.team_size:
        yield _("检查开始之日在岗、持证的检查人员只有 %(able)s 人，不够组成 %(size)s 人的检查组。") % {
            "able": able,
            "size": plan.team_size,
        }
    for one in leads:
        if one.targets and not one.leads:
            yield _("约有 %(n)s 家需要具备“%(speciality)s”专业的组长，目前没有这样的人员。") % {
                "n": one.targets,
                "speciality": one.speciality,
            }
        elif plan.load_most is not None and one.leads * plan.load_most < one.targets:
            yield _(
                "具备“%(speciality)s”专业的组长 %(leads)s 人，每人最多 %(most)s 次，最多覆盖 %(able)s 家，约需 %(n)s 家。"
            ) % {
                "speciality": one.speciality,
                "leads": one.leads,
                "most": plan.load_most,
                "able": one.leads * plan.load_most,
                "n": one.targets,
            }
    if plan.load_most is not None and able * plan.load_most < visits:
        yield _("%(able)s 人每人最多检查 %(most)s 次，共 %(sum)s 次，少于所需的约 %(visits)s 人次。") % {
            "able": able,
            "most": plan.load_most,
            "sum": able * plan.load_most,
            "visits": visits,
        }
    if plan.load_least is not None and able * plan.load_least > visits:
        yield _("%(able)s 人每人至少检查 %(least)s 次，共 %(sum)s 次，多于预计的约 %(visits)s 人次。") % {
            "able": able,
            "least": plan.load_least,
            "sum": able * plan.load_least,
            "visits": visits,
        }


# -- the calendar ----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Date:
    """A date of the calendar: what, when, and why then."""

    what: str
    day: datetime.date | None
    why: str = ""


def calendar(plan: Plan, on: datetime.date) -> list[Date]:
    """When a draw of the plan, announced on the next working day, comes to its steps. Dates by the working-day calendar."""
    announced = working_day(on)
    drawn = working_day(announced + datetime.timedelta(days=1 if announced > on else 2))
    closed = working_day(drawn + datetime.timedelta(days=1))
    begin = max(plan.starts_on, closed)
    found = [
        Date(_("公告名录、抽取数和随机数来源"), announced, _("下一个工作日")),
        Date(_("最早抽取"), drawn, _("公告满 24 小时之后的工作日")),
        Date(_("申报回避、关闭名单"), closed, _("抽取后的工作日；关闭后进行第二轮随机派员")),
        Date(_("实地检查"), begin, _("至 %(day)s") % {"day": plan.ends_on.isoformat()}),
    ]
    if plan.mode == Plan.Mode.SEALED:
        found.append(Date(_("最迟开封"), suggested_open_by(plan, on), _("不晚于第一批结果的公示期限")))
    found.append(
        Date(_("结果公示的最后期限"), publish_due(plan.ends_on), _("最后一天检查的，自检查之日起按公示期限计算"))
    )
    return found


def suggested_open_by(plan: Plan, on: datetime.date) -> datetime.date:
    """By when a sealed draw should be opened: the checks are over, or the first of their results must be published."""
    begin = max(plan.starts_on, on)
    due = publish_due(begin)
    return min(due, plan.ends_on) if due and due < plan.ends_on else plan.ends_on


def working_day(day: datetime.date) -> datetime.date:
    """The day, or the next working one."""
    known = clock.default_calendar()
    while not known.day(day).working:
        day += datetime.timedelta(days=1)
    return day
