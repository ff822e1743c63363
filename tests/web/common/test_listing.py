"""The chips of a list say in words what the list is filtered by."""

import django_filters
import pytest
from django.test import RequestFactory
from django.utils import translation

from zhunsheng.web.common.listing import Column, Listing, NamedFilter
from zhunsheng.web.people.models import Office

pytestmark = pytest.mark.django_db


class Filter(django_filters.FilterSet):
    q = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="名称")
    number = django_filters.NumberFilter(field_name="pk", label="号")
    open = django_filters.BooleanFilter(field_name="valid_to", lookup_expr="isnull", label="在册")
    level = django_filters.ChoiceFilter(label="级别", choices=[("city", "市级"), ("各级", [("county", "县级")])])
    levels = django_filters.MultipleChoiceFilter(
        field_name="level", label="各级", choices=[("city", "市级"), ("county", "县级")]
    )
    parent = NamedFilter(queryset=Office.objects.all(), label="上级")
    since = django_filters.DateFilter(field_name="valid_from", lookup_expr="gte", label="从")
    span = django_filters.DateFromToRangeFilter(field_name="valid_from", label="期间")

    class Meta:
        model = Office
        fields = ()


def chips(query: str) -> list[tuple[str, str]]:
    listing = Listing(
        request=RequestFactory().get(f"/?{query}"),
        queryset=Office.objects.all(),
        columns=[Column("name", "名称", lambda one: one.name)],
        name="offices",
        title="机构",
        filterset_class=Filter,
    )
    return [(chip["label"], chip["value"]) for chip in listing.chips]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=市场", ("名称", "市场")),
        ("number=7", ("号", "7")),
        ("open=true", ("在册", "是")),
        ("open=false", ("在册", "否")),
        ("level=city", ("级别", "市级")),
        ("level=county", ("级别", "县级")),
        ("levels=city&levels=county", ("各级", "市级、县级")),
        ("since=2026-03-01", ("从", "2026-03-01")),
        ("span_after=2026-03-01&span_before=2026-03-31", ("期间", "2026-03-01 – 2026-03-31")),
        ("span_after=2026-03-01", ("期间", "≥ 2026-03-01")),
        ("span_before=2026-03-31", ("期间", "≤ 2026-03-31")),
    ],
)
def test_a_chip_says_what_was_chosen(query, expected):
    assert chips(query) == [expected]


def test_no_filter_no_chip():
    assert chips("q=&open=&level=&sort=name") == []


@pytest.mark.parametrize(
    ("language", "name", "yes"), [("zh-hans", "测试市市场监督管理局", "是"), ("en", "Market Regulation", "yes")]
)
def test_chips_speak_the_language_of_the_page(town, language, name, yes):
    with translation.override(language):
        assert chips(f"parent={town.office.pk}&open=true") == [("在册", yes), ("上级", name)]


def test_the_results_published_late_say_so(town, client):
    client.force_login(town.user("member"))
    text = client.get("/inspection/visits/?late=true&visited_from=2026-03-01").content.decode()
    assert "超期公示: <b>是</b>" in text
    assert "检查日期从: <b>2026-03-01</b>" in text
    assert "True" not in text
