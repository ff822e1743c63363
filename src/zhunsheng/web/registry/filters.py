"""The filters of the register's lists. They live in the address, so that a view can be kept and sent."""

import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.people.models import Office
from zhunsheng.web.people.queries import division_scope
from zhunsheng.web.registry import words
from zhunsheng.web.registry.models import BusinessEntity, EntityStatus, Inspector, RiskClass
from zhunsheng.web.registry.queries import (
    EXPIRES_SOON,
    code_range,
    containing,
    divisions,
    in_division,
    industry_q,
    parks,
    sources,
)

Entities = QuerySet[BusinessEntity]


def division_choices(request: Any) -> list[Any]:
    """The counties with their townships, those of the user's area only; the first of each group is the county as a whole."""
    known = divisions(request)
    scope = division_scope(request.user)
    groups: list[Any] = []
    for one in known.values():
        if one.level != "county":
            continue
        if scope is not None and not any(low <= one.code < high for low, high in map(code_range, scope)):
            continue
        group = [(one.code, _("%(name)s（全部）") % {"name": named(one)})]
        group += [(child.code, named(child)) for child in known.values() if child.parent_id == one.code]
        groups.append((named(one), group))
    return groups


def industry_choices() -> list[Any]:
    """The sections of GB/T 4754 with their divisions."""
    groups = []
    for section, codes in words.industry_sections().items():
        group = [(section, _("%(code)s %(name)s（全部）") % {"code": section, "name": words.industry(section)})]
        group += [(code, f"{code} {words.industry(code)}") for code in codes]
        groups.append((f"{section} {words.industry(section)}", group))
    return groups


class EntityFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Name or code, place, park, industry, state, size, risk class, type, source."""

    q = django_filters.CharFilter(label=gettext_lazy("名称或代码"), method="filter_q")
    division = django_filters.ChoiceFilter(label=gettext_lazy("所在地"), method="filter_division")
    park = django_filters.ChoiceFilter(label=gettext_lazy("园区"), field_name="park_id")
    industry = django_filters.ChoiceFilter(label=gettext_lazy("行业"), method="filter_industry")
    status = django_filters.ChoiceFilter(label=gettext_lazy("登记状态"), choices=EntityStatus.choices)
    risk_class = django_filters.ChoiceFilter(
        label=gettext_lazy("信用风险分类"),
        choices=[*RiskClass.choices, ("none", gettext_lazy("未分类"))],
        method="filter_risk",
    )
    size = django_filters.ChoiceFilter(label=gettext_lazy("规模"))
    entity_type = django_filters.ChoiceFilter(label=gettext_lazy("主体类型"))
    source_system = django_filters.ChoiceFilter(label=gettext_lazy("来源系统"), method="filter_source")

    class Meta:
        model = BusinessEntity
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        filters = self.filters
        filters["division"].extra["choices"] = division_choices(self.request)
        filters["park"].extra["choices"] = [(park.pk, named(park)) for park in parks(self.request).values()]
        filters["industry"].extra["choices"] = industry_choices()
        filters["size"].extra["choices"] = list(words.labels("registry/sizes", timezone.localdate()).items())
        filters["entity_type"].extra["choices"] = list(
            words.labels("registry/entity_types", timezone.localdate()).items()
        )
        filters["source_system"].extra["choices"] = [("-", _("本平台")), *((one, one) for one in sources())]

    def filter_q(self, queryset: Entities, name: str, value: str) -> Entities:
        return queryset.filter(containing(value)) if value.strip() else queryset

    def filter_division(self, queryset: Entities, name: str, value: str) -> Entities:
        return queryset.filter(in_division(value))

    def filter_industry(self, queryset: Entities, name: str, value: str) -> Entities:
        return queryset.filter(industry_q(value))

    def filter_risk(self, queryset: Entities, name: str, value: str) -> Entities:
        return queryset.filter(risk_class="" if value == "none" else value)

    def filter_source(self, queryset: Entities, name: str, value: str) -> Entities:
        return queryset.filter(source_system="" if value == "-" else value)


class InspectorFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Name or number, office, speciality, state, certificate."""

    q = django_filters.CharFilter(label=gettext_lazy("姓名或编号"), method="filter_q")
    office = django_filters.ChoiceFilter(label=gettext_lazy("机构"), field_name="office_id")
    speciality = django_filters.ChoiceFilter(label=gettext_lazy("专业"), method="filter_speciality")
    status = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"),
        choices=[("active", gettext_lazy("在岗")), ("leave", gettext_lazy("请假")), ("left", gettext_lazy("离岗"))],
    )
    certificate = django_filters.ChoiceFilter(
        label=gettext_lazy("执法证"),
        choices=[
            ("expired", gettext_lazy("已过期")),
            ("soon", gettext_lazy("六十天内到期")),
            ("none", gettext_lazy("没有记有效期")),
        ],
        method="filter_certificate",
    )

    class Meta:
        model = Inspector
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offices = Office.objects.filter(inspectors__isnull=False).distinct().order_by("code")
        self.filters["office"].extra["choices"] = [(office.pk, named(office)) for office in offices]
        self.filters["speciality"].extra["choices"] = list(
            words.labels("inspection/specialities", timezone.localdate()).items()
        )

    def filter_q(self, queryset: QuerySet[Inspector], name: str, value: str) -> QuerySet[Inspector]:
        return queryset.filter(name__icontains=value.strip()) | queryset.filter(person_no__icontains=value.strip())

    def filter_speciality(self, queryset: QuerySet[Inspector], name: str, value: str) -> QuerySet[Inspector]:
        return queryset.filter(qualifications__speciality=value).distinct()

    def filter_certificate(self, queryset: QuerySet[Inspector], name: str, value: str) -> QuerySet[Inspector]:
        today = timezone.localdate()
        if value == "none":
            return queryset.filter(certificate_valid_to__isnull=True)
        if value == "expired":
            return queryset.filter(certificate_valid_to__lt=today)
        return queryset.filter(
            certificate_valid_to__gte=today, certificate_valid_to__lte=today + datetime.timedelta(days=EXPIRES_SOON)
        )
