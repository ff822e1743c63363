"""What offices decided, as published; how complaints and reports are handled, in numbers."""

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import day, named
from zhunsheng.web.desk.providers import Section
from zhunsheng.web.matters import words
from zhunsheng.web.matters.models import Disclosure
from zhunsheng.web.people.forms import day_input
from zhunsheng.web.portal.queries import firms, matters, results
from zhunsheng.web.portal.views.serving import Missing, public
from zhunsheng.web.registry import queries as registry
from zhunsheng.web.registry.models import BusinessEntity, Division

State = Disclosure.State
#: what can still show names
NAMED = (State.PUBLISHED, State.CORRECTED)
#: a chart of fewer months says less than their table
BARS = 3


class _DivisionField(django_filters.fields.ModelChoiceField):  # type: ignore[misc]
    def label_from_instance(self, obj: Any) -> str:
        return named(obj)


class _DivisionFilter(django_filters.ModelChoiceFilter):  # type: ignore[misc]
    field_class = _DivisionField


class DecisionFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Publications by business, kind, place, state and day. Who is named in what was withdrawn or has ended is not found."""

    q = django_filters.CharFilter(label=gettext_lazy("企业名称、代码或编号"), method="by_text")
    kind = django_filters.ChoiceFilter(
        label=gettext_lazy("种类"),
        choices=matters.kinds,
        field_name="matter__procedure",
        empty_label=gettext_lazy("全部"),
    )
    column = django_filters.ChoiceFilter(
        label=gettext_lazy("信息公开栏目"), choices=matters.columns, method="by_column", empty_label=gettext_lazy("全部")
    )  # fmt: skip
    division = _DivisionFilter(
        label=gettext_lazy("区划"), queryset=Division.objects.exclude(level="township"), method="by_division",
        empty_label=gettext_lazy("全部"),
    )  # fmt: skip
    state = django_filters.ChoiceFilter(
        label=gettext_lazy("状态"), choices=State.choices, empty_label=gettext_lazy("全部")
    )
    since = django_filters.DateFilter(
        label=gettext_lazy("公开日期从"), field_name="published_at", lookup_expr="date__gte", widget=day_input()
    )
    until = django_filters.DateFilter(
        label=gettext_lazy("公开日期到"), field_name="published_at", lookup_expr="date__lte", widget=day_input()
    )

    def by_text(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        text = value.strip()
        named_there = (
            Q(matter__entity__name__icontains=text)
            | Q(matter__entity__unit_id=firms.unit_id_of(text))
            | Q(title__icontains=text)
        )
        named_now = Q(state__in=NAMED) & ~Q(pk__in=matters.fallen())
        return rows.filter(Q(matter__no__iexact=text) | (named_now & named_there))

    def by_column(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        shown = dict(matters.column_names())[value]
        return rows.filter(state__in=NAMED, facts__code="column", facts__shown=shown)

    def by_division(self, rows: QuerySet[Any], name: str, value: Division) -> QuerySet[Any]:
        return rows.filter(registry.in_division(value.code, "matter__division_id"))


def _entity(one: Disclosure) -> str:
    return one.matter.entity.name if one.matter.entity is not None and matters.stands(one) else ""


def _nowrap(text: str) -> SafeString:
    return format_html('<span class="nowrap">{}</span>', text)


@public
def decisions(request: HttpRequest) -> HttpResponse:
    found = Listing(
        request=request,
        queryset=matters.published(),
        columns=[
            Column("title", gettext_lazy("公开事项"), matters.title),
            Column("entity", gettext_lazy("当事主体"), _entity),
            Column("kind", gettext_lazy("种类"), lambda one: words.kind_name(one.matter.procedure)),
            Column("organ", gettext_lazy("公开机关"), lambda one: named(one.matter.office)),
            Column("published_at", gettext_lazy("公开时间"), lambda one: one.published_at, order="published_at", html=lambda one: _nowrap(day(one.published_at))),
            Column("until", gettext_lazy("公示至"), lambda one: one.until, html=lambda one: _nowrap(day(one.until)) if one.until else "—"),
            Column("state", gettext_lazy("状态"), lambda one: str(one.get_state_display()), html=matters.state_word),
            Column("version", gettext_lazy("版次"), lambda one: one.version, numeric=True, hidden=True),
            Column("no", gettext_lazy("办件编号"), lambda one: one.matter.no, hidden=True),
        ],
        name="decisions",
        title=pgettext_lazy("list", "决定和公告"),
        filterset_class=DecisionFilter,
        default_sort="-published_at",
        url=lambda one: reverse("portal:decision", args=[one.pk]),
        empty_text="" if request.GET else _("还没有公开过决定和公告。"),
    )  # fmt: skip
    if found.wants_export:
        return found.export()
    return render(request, "portal/matters_decisions.html", {"listing": found})


@public
def decision(request: HttpRequest, pk: int) -> HttpResponse:
    """One publication: its facts, its versions side by side, its entry in the public log."""
    one = matters.published().filter(pk=pk).first()
    if one is None:
        raise Missing(_("没有这项公开内容。编号可能有误。"))
    versions = matters.chain(one)
    one = next(row for row in versions if row.pk == one.pk)
    place = versions.index(one)
    before = versions[place - 1] if place else None
    readable = matters.is_readable(versions)
    entries = matters.entries(versions)
    entity = one.matter.entity if readable else None
    title = one.title if readable else f"{matters.publication_name(one)} {one.matter.no}"
    return render(request, "portal/matters_decision.html", {
        "one": one,
        "title": title,
        "name": matters.publication_name(one),
        "kind": words.kind_name(one.matter.procedure),
        "tag": matters.state_word(one),
        "organ": named(one.matter.office),
        "entity": entity,
        "firm_url": firms.firm_url(entity) if entity is not None else "",
        "lines": matters.lines(one, before) if readable else [],
        "before": before if readable else None,
        "readable": readable,
        "newest": versions[-1] if versions[-1].pk != one.pk else None,
        "ended": versions[-1] if not readable else None,
        "versions": [
            {"row": row, "tag": matters.state_word(row), "url": reverse("portal:decision", args=[row.pk]), "current": row.pk == one.pk, "entry": entries.get(row.pk)}
            for row in versions
        ],
        "seal": results.seal(entries.get(one.pk)),
        "source": one.matter.source_system or _("本平台"),
        "objection_url": f"{reverse('matters:firm_begin', args=['objection'])}?origin=disclosure:{one.pk}",
    })  # fmt: skip


@public
def complaints(request: HttpRequest, year: int | None = None) -> HttpResponse:
    """Complaints, reports and claims of a year in numbers."""
    today = timezone.localdate()
    years = matters.years(today)
    chosen = year or today.year
    if chosen not in years:
        raise Missing(_("%(year)s 年没有投诉举报。") % {"year": chosen})
    months = matters.by_month(chosen, today)
    bars = [(name, values[0]) for name, values in months.rows if values[0] is not None]
    return render(request, "portal/matters_complaints.html", {
        "year": chosen,
        "tabs": [
            {"label": str(one), "url": reverse("portal:complaints_year", args=[one]), "current": one == chosen} for one in years
        ],
        "least": matters.least(),
        "months": months,
        "bars": bars if sum(value > 0 for _name, value in bars) >= BARS else [],
        "divisions": matters.by_division(chosen),
        "meters": matters.by_meter(chosen),
        "figures": matters.figures(chosen, timezone.now()),
    })  # fmt: skip


def fill_section(entity: BusinessEntity, request: HttpRequest) -> dict[str, Any] | None:
    """What stands on the public page of a firm; nothing where nothing was published."""
    rows = matters.of_entity(entity.pk)
    if not rows:
        return None
    return {
        "rows": [
            {
                "row": row, "title": matters.title(row), "tag": matters.state_word(row),
                "url": reverse("portal:decision", args=[row.pk]), "organ": named(row.matter.office),
            }
            for row in rows
        ]
    }  # fmt: skip


SECTION = Section(
    "decisions",
    pgettext_lazy("list", "决定和公告"),
    "portal/_matters_section.html",
    frozenset({"public"}),
    fill_section,
    50,
)
