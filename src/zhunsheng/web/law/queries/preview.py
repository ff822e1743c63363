"""What a change would move: counted by the same replay that will then be done, under the law with the change laid over it."""

import datetime
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from zhunsheng.engine import tables
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.procedure import Due
from zhunsheng.engine.tables import Overlay
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import Visit
from zhunsheng.web.law.models import Change
from zhunsheng.web.law.queries.changes import CALENDARS, approved, built, overlay_with
from zhunsheng.web.law.queries.subjects import PROCEDURES, is_procedure, procedure_on, title, versions
from zhunsheng.web.matters import queries as matters
from zhunsheng.web.matters.models import Deadline, Matter
from zhunsheng.web.people.models import Office

LIMITS = ("time_limits/", "inspection/follow_up_kinds")
RUNNING = ("running", "suspended", "waiting")


@dataclass(frozen=True, slots=True)
class Move:
    """One last day that moves. `old`, `new`: days, or instants of limits in hours; None while suspended."""

    no: str
    url: str
    office: str
    rule: str
    what: str
    old: datetime.date | None
    new: datetime.date | None
    late_before: bool
    late_after: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """`touched`: the open matters and visits under the rule, by rule and office. `day`: as of which it was counted. `warnings`:
    what is to be thought of before approval."""

    day: datetime.date
    touched: list[tuple[str, str, int]]
    moves: list[Move]
    warnings: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """As kept with an approved change."""
        return {
            "touched": sum(n for _rule, _office, n in self.touched),
            "moved": len(self.moves),
            "late": sum(1 for one in self.moves if one.late_after and not one.late_before),
            "no_longer_late": sum(1 for one in self.moves if one.late_before and not one.late_after),
        }


def preview(change: Change, today: datetime.date) -> Preview:
    """What a proposed change would touch and move, as of the day on which it takes effect (today, where that is past).
    Raises ZhunshengError where the change does not fit the law as it stands."""
    assert change.valid_from is not None
    day = max(change.valid_from, today)
    proposed = overlay_with(change)
    touched: Counter[tuple[str, str]] = Counter()
    offices = {office.pk: named(office) for office in Office.objects.all()}
    moves: list[Move] = []
    if is_procedure(change.table) or change.table.startswith(CALENDARS):
        found = touched_matters(change)
        for code, office, n in found.order_by().values_list("procedure", "office").annotate(n=Count("pk")):
            touched[title(f"{PROCEDURES}{code}"), offices[office]] += n
        if change.table.startswith(CALENDARS):
            moves += moves_of(found, proposed, day)
        elif change.applies_to_open and change.key[0] == "limit":
            running = Deadline.objects.filter(limit=change.key[1], status__in=RUNNING)
            moves += moves_of(found.filter(pk__in=running.values("matter")), proposed, day)
    if change.table.startswith((CALENDARS, *LIMITS)):
        by_office = inspection.unpublished().values_list("task__draw__plan__office").annotate(n=Count("pk"))
        for office, n in by_office.order_by():
            touched[_("检查结果公示"), offices[office]] += n
        moves += _visits(proposed, day)
    listed = [(rule, office, n) for (rule, office), n in sorted(touched.items())]
    return Preview(day, listed, moves, _warnings(change, proposed))


def touched_matters(change: Change) -> QuerySet[Matter]:
    """The open matters that are run by what the change changes: those of the version that it is derived from; of a calendar
    those with a limit that runs into its days."""
    found = matters.open_matters()
    if not is_procedure(change.table):
        return found.filter(_runs_into(change.table))
    code = change.table.removeprefix(PROCEDURES)
    assert change.valid_from is not None
    with tables.under(_without(change)):
        base = procedure_on(code, change.valid_from, change.key[2])
        mine = [
            one.version.code for one in versions(code)
            if base is not None and one.on(change.valid_from).version.code == base.version.code
        ]  # fmt: skip
    return found.filter(procedure=code, version__in=mine)


def touched_by(name: str) -> int | None:
    """How many open matters, visits or follow-ups are run by a procedure or table; None where nothing open is counted by it."""
    if is_procedure(name):
        return matters.open_matters().filter(procedure=name.removeprefix(PROCEDURES)).count()
    if name.startswith(CALENDARS):
        return matters.open_matters().filter(_runs_into(name)).count()
    if name.startswith(LIMITS):
        return inspection.unpublished().count() + inspection.open_follow_ups().count()
    return None


def _runs_into(name: str) -> Q:
    """Matters with a limit that runs into the days of a calendar: a notice may move the last days of the December before."""
    first = datetime.date(int(name.removeprefix(CALENDARS)) - 1, 12, 20)
    return Q(pk__in=Deadline.objects.filter(status__in=RUNNING, due_on__gte=first).values("matter"))


def moves_of(found: QuerySet[Matter], proposed: Overlay, day: datetime.date) -> list[Move]:
    """The last days of these matters that would be others under `proposed`, as of `day`."""
    moves: list[Move] = []
    english = language() == "en"
    for matter in matters.with_history(found.select_related("office")).order_by("no"):
        try:
            before = matters.standing(matter, day).dues
            with tables.under(proposed):
                after = matters.standing(matter, day).dues
        except ZhunshengError:  # a matter whose steps do not replay is shown as such on its own page
            continue
        for old, new in zip(before, after, strict=True):
            if old.live and old.last != new.last:
                rule = title(f"{PROCEDURES}{matter.procedure}")
                moves.append(
                    Move(
                        matter.no, matter.get_absolute_url(), named(matter.office), rule,
                        old.limit.name_en if english else old.limit.name, _last(old), _last(new), _late(old, day), _late(new, day),
                    )
                )  # fmt: skip
    return moves


def _last(due: Due) -> datetime.date | None:
    if due.deadline is None:
        return None
    return due.deadline.due_at or due.deadline.due


def _late(due: Due, day: datetime.date) -> bool:
    return due.last is not None and due.last.astimezone(CHINA).date() < day and due.limit.sense.value == "at_most"


def _visits(proposed: Overlay, day: datetime.date) -> Iterator[Move]:
    with tables.under(proposed):
        visits = list(inspection.moved_visits())
        follow_ups = list(inspection.moved_follow_ups())
    for visit, due in visits:
        yield _visit(visit, _office(visit), _("结果公示"), visit.publish_due, due, day)
    for one, due in follow_ups:
        yield _visit(one.visit, _office(one.visit), _("后续处理"), one.due_on, due, day)


def _office(visit: Visit) -> str:
    return named(visit.task.draw.plan.office) if visit.task else ""


def _visit(
    visit: Visit, office: str, what: str, old: datetime.date | None, new: datetime.date | None, day: datetime.date
) -> Move:
    url = reverse("inspection:visit", args=[visit.pk])
    rule = _("检查结果公示")
    return Move(visit.no, url, office, rule, what, old, new, bool(old and old < day), bool(new and new < day))


def _without(change: Change) -> Overlay:
    """The law before this change; for one that is approved already, the law as it was before it."""
    return (
        tables.laid() if change.edition is None else built(approved().filter(edition__lt=change.edition), "before")[0]
    )


def _warnings(change: Change, proposed: Overlay) -> list[str]:
    found: list[str] = []
    if is_procedure(change.table):
        code = change.table.removeprefix(PROCEDURES)
        left = (
            matters.open_matters().filter(procedure=code).exclude(pk__in=touched_matters(change).values("pk")).count()
        )
        if left:
            found.append(_("另有 %(n)s 件未办结的办件按其他版本办理，这项修改不涉及。") % {"n": left})
        if not change.applies_to_open:
            found.append(_("只适用于生效日起新开始的办件；未办结的按原来的版本办到底。"))
    elif change.kind in (Change.Kind.ROW, Change.Kind.END):
        with tables.under(proposed):
            table = tables.load(change.table)
            rows = [row for row in table.rows if tables.key_of(table, row) == tuple(change.key)]
        last = max((row.valid_to or datetime.date.max for row in rows), default=datetime.date.max)
        if last != datetime.date.max:
            found.append(
                _("%(day)s 之后没有有效的行，用到它的地方会报错，除非在此之前再作修改。") % {"day": last.isoformat()}
            )
    return found
