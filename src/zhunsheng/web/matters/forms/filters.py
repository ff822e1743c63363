"""The filters of the list of matters."""

import datetime
from collections.abc import Sequence
from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from zhunsheng.engine import procedure as engine
from zhunsheng.engine import tables
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.listing import NamedFilter
from zhunsheng.web.matters import figures, queries, words
from zhunsheng.web.matters.models import Deadline, Matter, MatterStep
from zhunsheng.web.people.forms import day_input
from zhunsheng.web.people.models import Office, Post, User
from zhunsheng.web.people.queries import Person, in_force_post
from zhunsheng.web.registry.filters import division_choices
from zhunsheng.web.registry.queries import in_division

SPANS = (0, 3, 7, 15, 30)
#: how many colleagues a filter offers
MOST = 200


def _offices(request: Any) -> QuerySet[Office]:
    return Office.objects.order_by("code")


def _kinds() -> list[tuple[str, str]]:
    return [(code, words.kind_name(code)) for code in words.kinds()]


def _groups() -> list[tuple[str, str]]:
    english = language() == "en"
    return [(row["code"], row["name_en" if english else "name"]) for row in tables.load("matters/groups").rows]


def _spans() -> list[tuple[str, str]]:
    return [(str(days), now("今天") if days == 0 else now("%(n)s 天内") % {"n": days}) for days in SPANS]


def states_of(code: str) -> list[tuple[str, str]]:
    """The states that any version of a procedure has, by their last names."""
    found: dict[str, str] = {}
    for version in engine.versions(code):
        found |= {state.code: state.label(language()) for state in version.states.values()}
    return list(found.items())


def steps_of(code: str) -> list[tuple[str, str]]:
    """The steps that any version of a procedure has, by their last names."""
    found: dict[str, str] = {}
    for version in engine.versions(code):
        found |= {step.code: step.label(language()) for step in version.steps.values()}
    return list(found.items())


def limits_of(code: str) -> list[tuple[str, str]]:
    """The limits of any version of a procedure, kept and not kept."""
    found: dict[str, str] = {}
    for version in engine.versions(code):
        for limit in version.limits.values():
            name = limit.label(language())
            found[f"{limit.code}:met"] = now("%(limit)s：按期") % {"limit": name}
            found[f"{limit.code}:late"] = now("%(limit)s：逾期") % {"limit": name}
    return list(found.items())


def colleagues(user: Person) -> QuerySet[User]:
    """Who works in the user's offices, for a choice; at most MOST of them."""
    held = Post.objects.filter(in_force_post(timezone.localdate()), office__in=queries.own_offices(user))
    return User.objects.filter(pk__in=held.values("user"), is_active=True).order_by("display_name", "pk")[:MOST]


class MatterFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Of the matters that the user may see."""

    q = django_filters.CharFilter(method="searched", label=_("编号、标题或主体"))
    group = django_filters.ChoiceFilter(method="of_group", choices=_groups, label=_("分组"))
    kind = django_filters.ChoiceFilter(field_name="procedure", choices=_kinds, label=_("种类"))
    state = django_filters.ChoiceFilter(field_name="state", label=_("状态"))
    #: opened by the figures: a step that was taken, a limit with how it went
    step = django_filters.MultipleChoiceFilter(method="with_step", label=_("办理过的步骤"))
    limit = django_filters.ChoiceFilter(method="with_limit", label=_("期限情况"))
    stage = django_filters.ChoiceFilter(
        method="at_stage", choices=[("open", _("在办")), ("ended", _("已办结"))], label=_("在办或办结")
    )
    due = django_filters.ChoiceFilter(
        method="due_by", choices=lambda: [("overdue", now("已逾期")), *_spans()], label=_("期限")
    )
    handler = django_filters.ChoiceFilter(method="handled_by", label=_("承办人"))
    office = NamedFilter(queryset=_offices, label=_("承办机构"))
    division = django_filters.ChoiceFilter(method="in_area", label=_("行政区划"))
    opened = django_filters.DateFilter(method="from_day", label=_("登记日期从"), widget=day_input())
    opened_to = django_filters.DateFilter(method="to_day", label=_("登记日期到"), widget=day_input())
    drill = django_filters.ChoiceFilter(
        method="of_drill", choices=[("no", _("不含演练")), ("yes", _("只看演练"))], label=_("演练")
    )

    class Meta:
        model = Matter
        fields: Sequence[str] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        kind = self.data.get("kind", "") if self.data else ""
        # states, steps and limits are those of one procedure: without one there is nothing to choose
        known = kind in words.kinds()
        for name, choices in (("state", states_of), ("step", steps_of), ("limit", limits_of)):
            if known and (name == "state" or self.data.get(name)):
                self.filters[name].extra["choices"] = choices(kind)
            else:
                del self.filters[name]
        self.filters["division"].extra["choices"] = division_choices(self.request)
        self.filters["handler"].extra["choices"] = [
            ("me", _("我")),
            ("nobody", _("未分派")),
            *((str(user.pk), str(user)) for user in colleagues(self.request.user)),
        ]

    def searched(self, matters: QuerySet[Matter], _name: str, text: str) -> QuerySet[Matter]:
        text = text.strip()
        return matters.filter(Q(no__istartswith=text) | Q(title__icontains=text) | Q(entity__name__icontains=text))

    def of_group(self, matters: QuerySet[Matter], _name: str, group: str) -> QuerySet[Matter]:
        return matters.filter(procedure__in=[code for code, row in words.kinds().items() if row["group"] == group])

    def with_step(self, matters: QuerySet[Matter], _name: str, verbs: list[str]) -> QuerySet[Matter]:
        if not verbs:
            return matters
        return matters.filter(Exists(MatterStep.objects.filter(matter=OuterRef("pk"), verb__in=verbs)))

    def with_limit(self, matters: QuerySet[Matter], _name: str, chosen: str) -> QuerySet[Matter]:
        code, _sep, how = chosen.partition(":")
        wanted = figures.late(timezone.now()) if how == "late" else Q(status="met")
        return matters.filter(Exists(Deadline.objects.filter(wanted, matter=OuterRef("pk"), limit=code)))

    def at_stage(self, matters: QuerySet[Matter], _name: str, stage: str) -> QuerySet[Matter]:
        return matters.filter(ended_at__isnull=stage == "open")

    def due_by(self, matters: QuerySet[Matter], _name: str, due: str) -> QuerySet[Matter]:
        at = timezone.now()
        found = matters.filter(ended_at=None)
        if due == "overdue":
            return found.filter(next_due_at__lt=at)
        until = timezone.localdate() + datetime.timedelta(days=int(due))
        return found.filter(next_due_at__gte=at, next_due_on__lte=until)

    def handled_by(self, matters: QuerySet[Matter], _name: str, who: str) -> QuerySet[Matter]:
        if who == "nobody":
            return matters.filter(handler=None)
        return matters.filter(handler=self.request.user if who == "me" else int(who))

    def in_area(self, matters: QuerySet[Matter], _name: str, code: str) -> QuerySet[Matter]:
        return matters.filter(in_division(code))

    def from_day(self, matters: QuerySet[Matter], _name: str, day: datetime.date) -> QuerySet[Matter]:
        return matters.filter(opened_at__gte=_midnight(day))

    def to_day(self, matters: QuerySet[Matter], _name: str, day: datetime.date) -> QuerySet[Matter]:
        return matters.filter(opened_at__lt=_midnight(day + datetime.timedelta(days=1)))

    def of_drill(self, matters: QuerySet[Matter], _name: str, drill: str) -> QuerySet[Matter]:
        return matters.filter(drill=drill == "yes")


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
