"""The filters of the room's lists."""

from collections.abc import Sequence
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.listing import NamedFilter
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.forms.fields import day_input
from zhunsheng.web.inspection.models import CheckItem, Draw, FollowUp, Plan, ResultWording, Task, UpstreamDraw, Visit
from zhunsheng.web.people.models import Office
from zhunsheng.web.registry.models import BusinessEntity, Division, RiskClass
from zhunsheng.web.registry.queries import in_division


def _offices(request: Any) -> QuerySet[Office]:
    return Office.objects.order_by("code")


class Search(django_filters.CharFilter):  # type: ignore[misc]
    """A text looked for in several fields."""

    def __init__(self, *paths: str, **options: Any) -> None:
        super().__init__(**options)
        self.paths = paths

    def filter(self, qs: "QuerySet[Any]", value: str) -> "QuerySet[Any]":
        if not value:
            return qs
        found = Q(pk__in=[])
        for path in self.paths:
            found |= Q(**{f"{path}__icontains": value.strip()})
        return qs.filter(found)


def _day_from(name: str, label: Promise) -> django_filters.DateFilter:
    return django_filters.DateFilter(field_name=name, lookup_expr="gte", label=label, widget=day_input())


def _day_to(name: str, label: Promise) -> django_filters.DateFilter:
    return django_filters.DateFilter(field_name=name, lookup_expr="lte", label=label, widget=day_input())


class ItemFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = Search("code", "name", "content", label=_("代码、名称或内容"))
    office = NamedFilter(queryset=_offices, label=_("责任机构"))
    kind = django_filters.ChoiceFilter(choices=CheckItem._meta.get_field("kind").choices, label=_("事项类别"))

    class Meta:
        model = CheckItem
        fields: Sequence[str] = []


class BurdenFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = Search("name", "unit_id", label=_("名称或标识"))
    at_least = django_filters.NumberFilter(field_name="counted", lookup_expr="gte", label=_("计入上限的检查不少于"))

    class Meta:
        model = BusinessEntity
        fields: Sequence[str] = []


class UpstreamFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = Search("no", "name", label=_("编号或名称"))
    platform = django_filters.CharFilter(field_name="source_system", lookup_expr="icontains", label=_("来源平台"))
    drawn_from = _day_from("drawn_on", _("抽取日期从"))
    drawn_to = _day_to("drawn_on", _("抽取日期到"))

    class Meta:
        model = UpstreamDraw
        fields: Sequence[str] = []


class PlanFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = Search("no", "name", label=_("编号或名称"))
    year = django_filters.NumberFilter(label=_("年度"))
    state = django_filters.ChoiceFilter(choices=Plan.State.choices, label=_("状态"))
    kind = django_filters.ChoiceFilter(choices=Plan.Kind.choices, label=_("抽查类型"))
    office = NamedFilter(queryset=_offices, label=_("牵头机构"))

    class Meta:
        model = Plan
        fields: Sequence[str] = []


class DrawFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = Search("no", "plan__name", label=_("编号或计划"))
    state = django_filters.ChoiceFilter(choices=Draw.State.choices, label=_("状态"))
    office = NamedFilter(field_name="plan__office", queryset=_offices, label=_("牵头机构"))
    announced_from = _day_from("announced_at__date", _("公告日期从"))
    announced_to = _day_to("announced_at__date", _("公告日期到"))

    class Meta:
        model = Draw
        fields: Sequence[str] = []


class TaskFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = Search("no", "unit_id", "entity__name", label=_("任务编号、主体标识或名称"))
    state = django_filters.ChoiceFilter(choices=Task.State.choices, label=_("状态"))
    draw = django_filters.CharFilter(field_name="draw__no", lookup_expr="exact", label=_("抽取编号"))
    county = django_filters.ChoiceFilter(label=_("县（市、区）"), method="in_county")
    risk_class = django_filters.ChoiceFilter(
        field_name="entity__risk_class", choices=RiskClass.choices, label=_("信用风险分类")
    )
    drawn_from = _day_from("draw__executed_at__date", _("抽取日期从"))
    drawn_to = _day_to("draw__executed_at__date", _("抽取日期到"))
    due_from = _day_from("due_on", _("检查截止不早于"))
    due_to = _day_to("due_on", _("检查截止不晚于"))

    class Meta:
        model = Task
        fields: Sequence[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["county"].extra["choices"] = county_choices()

    def in_county(self, queryset: "QuerySet[Task]", name: str, value: str) -> "QuerySet[Task]":
        return queryset.filter(in_division(value, "entity__division_id"))


class VisitFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = Search("no", "entity__unit_id", "entity__name", label=_("记录编号、主体标识或名称"))
    state = django_filters.ChoiceFilter(choices=Visit.State.choices, label=_("状态"))
    result = django_filters.ChoiceFilter(field_name="result__code", label=_("检查结果"))
    county = django_filters.ChoiceFilter(label=_("县（市、区）"), method="in_county")
    visited_from = _day_from("visited_on", _("检查日期从"))
    visited_to = _day_to("visited_on", _("检查日期到"))
    due_from = _day_from("publish_due", _("公示期限不早于"))
    due_to = _day_to("publish_due", _("公示期限不晚于"))
    late = django_filters.BooleanFilter(label=_("超期公示"), method="is_late")
    draw = django_filters.CharFilter(field_name="task__draw__no", lookup_expr="exact", label=_("抽取编号"))

    class Meta:
        model = Visit
        fields: Sequence[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["county"].extra["choices"] = county_choices()
        self.filters["result"].extra["choices"] = wording_choices()

    def in_county(self, queryset: "QuerySet[Visit]", name: str, value: str) -> "QuerySet[Visit]":
        return queryset.filter(in_division(value, "entity__division_id"))

    def is_late(self, queryset: "QuerySet[Visit]", name: str, value: bool) -> "QuerySet[Visit]":
        late = queries.late(timezone.localdate())
        return queryset.filter(late) if value else queryset.exclude(late)


class FollowUpFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = Search("visit__no", "visit__entity__unit_id", "visit__entity__name", label=_("记录编号、主体标识或名称"))
    state = django_filters.ChoiceFilter(choices=FollowUp.State.choices, label=_("状态"))
    kind = django_filters.ChoiceFilter(label=_("处理方式"))
    due_to = _day_to("due_on", _("办理期限不晚于"))

    class Meta:
        model = FollowUp
        fields: Sequence[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["kind"].extra["choices"] = queries.choices("inspection/follow_up_kinds")


def county_choices() -> list[tuple[str, str]]:
    return [(one.code, named(one)) for one in Division.objects.filter(level="county").order_by("code")]


def wording_choices() -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for one in ResultWording.objects.order_by("order", "code", "-valid_from"):
        found.setdefault(one.code, f"{one.code} {named(one)}")
    return list(found.items())
