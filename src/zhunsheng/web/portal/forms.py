"""Filters of the public lists: what may stand in their addresses."""

import datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.inspection.models import Plan, ResultWording, UpstreamDraw
from zhunsheng.web.portal.queries import draws, firms, results
from zhunsheng.web.registry import queries as registry
from zhunsheng.web.registry.models import Division


def _day_input() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


def _year_choices() -> list[tuple[int, str]]:
    return [(year, str(year)) for year in draws.years()]


class DrawFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Draws by year of announcement, stage, mode, leading office, number or name of the plan."""

    q = django_filters.CharFilter(label=_("编号或计划名称"), method="by_text")
    year = django_filters.ChoiceFilter(
        label=_("公告年度"), choices=_year_choices, method="by_year", empty_label=_("全部")
    )
    state = django_filters.ChoiceFilter(
        label=_("状态"),
        choices=[(code, word) for code, (_kind, word) in draws.STAGES.items()],
        method="by_stage",
        empty_label=_("全部"),
    )
    mode = django_filters.ChoiceFilter(label=_("公开方式"), choices=Plan.Mode.choices, empty_label=_("全部"))
    organ = django_filters.ChoiceFilter(
        label=_("牵头机构"), choices=draws.organs, field_name="plan__office", empty_label=_("全部")
    )

    def by_text(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(no__icontains=value) | Q(plan__name__icontains=value))

    def by_year(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        year = int(value)
        start, end = datetime.datetime(year, 1, 1), datetime.datetime(year + 1, 1, 1)  # noqa: DTZ001 - made aware below
        return rows.filter(announced_at__gte=timezone.make_aware(start), announced_at__lt=timezone.make_aware(end))

    def by_stage(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return draws.in_stage(rows, value)


def _platforms() -> list[tuple[str, str]]:
    names = UpstreamDraw.objects.order_by("source_system").values_list("source_system", flat=True).distinct()
    return [(name, name) for name in names]


class UpstreamFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Draws of other platforms by platform, number or name."""

    q = django_filters.CharFilter(label=_("编号或名称"), method="by_text")
    platform = django_filters.ChoiceFilter(
        label=_("来源平台"), choices=_platforms, field_name="source_system", empty_label=_("全部")
    )

    def by_text(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(no__icontains=value) | Q(name__icontains=value))


def _result_choices() -> list[tuple[str, str]]:
    """Every wording that was ever in force, once: two lists of different years may word the same result alike."""
    return list({one.name: named(one) for one in ResultWording.objects.order_by("order", "code")}.items())


class _DivisionField(django_filters.fields.ModelChoiceField):  # type: ignore[misc]
    def label_from_instance(self, obj: Any) -> str:
        return named(obj)


class _DivisionFilter(django_filters.ModelChoiceFilter):  # type: ignore[misc]
    field_class = _DivisionField


class ResultFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Published results. `versions=all` shows those as well that were corrected since."""

    q = django_filters.CharFilter(label=_("企业名称或代码"), method="by_text")
    since = django_filters.DateFilter(
        label=_("检查日期从"), field_name="visited_on", lookup_expr="gte", widget=_day_input()
    )
    until = django_filters.DateFilter(
        label=_("检查日期到"), field_name="visited_on", lookup_expr="lte", widget=_day_input()
    )
    organ = django_filters.ChoiceFilter(
        label=_("检查机关"), choices=results.organs, method="by_organ", empty_label=_("全部")
    )
    result = django_filters.ChoiceFilter(
        label=_("检查结果"), choices=_result_choices, field_name="result__name", empty_label=_("全部")
    )
    division = _DivisionFilter(
        label=_("区划"),
        queryset=Division.objects.exclude(level="township"),
        method="by_division",
        empty_label=_("全部"),
    )
    draw = django_filters.CharFilter(label=_("抽取编号"), field_name="task__draw__no")
    versions = django_filters.ChoiceFilter(
        label=_("版本"), choices=[("all", _("包括已更正的"))], method="as_it_is", empty_label=_("现行版本")
    )

    def by_text(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        text = value.strip()
        return rows.filter(Q(entity__name__icontains=text) | Q(entity__unit_id=firms.unit_id_of(text)))

    def by_organ(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return results.by_organ(rows, value)

    def by_division(self, rows: QuerySet[Any], name: str, value: Division) -> QuerySet[Any]:
        return rows.filter(registry.in_division(value.code, "entity__division_id"))

    def as_it_is(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows  # the view chose the rows; the filter only keeps the choice in the form
