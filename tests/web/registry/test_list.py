"""The list of the register: found by any part of a name, by place, by industry; out and in again unchanged."""

import csv
import io

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from zhunsheng.web.desk import actions as desk
from zhunsheng.web.desk import searching
from zhunsheng.web.desk.importing import actions as importing
from zhunsheng.web.desk.importing import find_kind
from zhunsheng.web.desk.providers import public_search
from zhunsheng.web.registry import actions
from zhunsheng.web.registry.models import BusinessEntity, Division, Park

pytestmark = pytest.mark.django_db
HOME = "/registry/"


def names(client, query=""):
    listing = client.get(f"{HOME}?{query}").context["listing"]
    return [row["object"].name for row in listing.rows]


@pytest.fixture
def many(town):
    west = Division.objects.create(code="990102", name="西岭区", name_en="Xiling", level="county", parent=town.city)
    park = Park.objects.create(code="p1", name="东河产业集聚区", kind="industrial_cluster", division=town.county)
    town.entity(
        name="焦作甲食品厂", unit_id="uscc:91350100M000100Y43", industry="1411", risk_class="A", source_system="省平台"
    )
    town.entity(
        name="乙机械厂",
        unit_id="toronto:91350",
        division=west,
        industry="3411",
        risk_class="D",
        status="revoked",
        size="large",
    )
    town.entity(
        name="丙=餐馆(50%店)", division=town.county, industry="6210", risk_class="", entity_type="individual", park=park
    )
    town.entity(name="丁农场", division=None, industry="A", status="cancelled", risk_class="B")
    return park


@pytest.fixture
def staff(town, client):
    client.force_login(town.user("member"))
    return client


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["丁农场", "丙=餐馆(50%店)", "乙机械厂", "焦作甲食品厂"]),
        ("q=焦", ["焦作甲食品厂"]),
        ("q=焦作", ["焦作甲食品厂"]),
        ("q=厂", ["乙机械厂", "焦作甲食品厂"]),
        ("q=91350", ["乙机械厂", "焦作甲食品厂"]),
        ("q=91350100m", ["焦作甲食品厂"]),
        ("q=1350", []),
        ("q=uscc:9135", ["焦作甲食品厂"]),
        ("q=50%25", ["丙=餐馆(50%店)"]),
        ("q=%25", ["丙=餐馆(50%店)"]),
        ("q=_", []),
        ("q=' OR 1=1 --", []),
        ("division=990100", []),
        ("division=990101", ["丙=餐馆(50%店)", "焦作甲食品厂"]),
        ("division=990101001", ["焦作甲食品厂"]),
        ("division=990102", ["乙机械厂"]),
        ("industry=C", ["乙机械厂", "焦作甲食品厂"]),
        ("industry=14", ["焦作甲食品厂"]),
        ("industry=A", ["丁农场"]),
        ("status=revoked", ["乙机械厂"]),
        ("risk_class=D", ["乙机械厂"]),
        ("risk_class=none", ["丙=餐馆(50%店)"]),
        ("size=large", ["乙机械厂"]),
        ("entity_type=individual", ["丙=餐馆(50%店)"]),
        ("source_system=省平台", ["焦作甲食品厂"]),
        ("source_system=-", ["丁农场", "丙=餐馆(50%店)", "乙机械厂"]),
        ("q=厂&status=active", ["焦作甲食品厂"]),
        ("division=nonsense", []),
    ],
)
def test_what_is_asked_for_is_found(many, staff, query, found):
    assert sorted(names(staff, query)) == sorted(found)


def test_a_filter_is_said_in_words(many, staff):
    chips = staff.get(f"{HOME}?division=990101&industry=14&status=active").context["listing"].chips
    assert [chip["value"] for chip in chips] == ["东河区（全部）", "14 食品制造业", "存续"]


def test_a_park_filters_everywhere(many, staff):
    assert names(staff, f"park={many.pk}") == ["丙=餐馆(50%店)"]


@pytest.mark.parametrize("sort", ["name", "-name", "updated", "-updated", "established", "-established"])
def test_every_page_of_every_order_shows_each_row_once(town, staff, sort):
    import datetime

    for number in range(120):
        town.entity(established_on=datetime.date(2010, 1, 1 + number % 7) if number % 3 else None)
    seen, url = [], f"{HOME}?sort={sort}"
    while url:
        listing = staff.get(url).context["listing"]
        seen += [row["object"].pk for row in listing.rows]
        url = f"{HOME}{listing.next_url}" if listing.next_url else ""
    assert len(seen) == len(set(seen)) == 120


def test_a_page_asks_the_same_number_of_questions_for_a_few_and_for_many(town, staff, django_assert_num_queries):
    """Five questions of the room (places, parks, sources, rows, count); the rest is the frame: session, user, posts, notices, views."""
    town.entity()
    staff.get(HOME)
    for _ in range(60):
        town.entity()
    with django_assert_num_queries(14):
        staff.get(HOME)
    with django_assert_num_queries(14):
        staff.get(f"{HOME}?q=测试&division=990101&industry=C&sort=-updated")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize(
    "columns",
    ["", "columns=name,type,size,park,address,tags,source,upstream_no,established,status,risk", "columns=status"],
)
def test_what_goes_out_comes_in_again_unchanged(town, many, staff, form, columns):
    BusinessEntity.objects.filter(name="丁农场").update(
        name="=丁农场", address="+1号", established_on="2017-05-03", size="micro", tags="甲 乙"
    )
    BusinessEntity.objects.exclude(risk_class="").update(risk_class_source="省", risk_class_on="2026-10-31")
    answer = staff.get(f"{HOME}?export={form}&{columns}")
    data = b"".join(answer.streaming_content)
    run = importing.receive(
        find_kind("entities"),
        ContentFile(data, name=f"out.{form}"),
        f"out.{form}",
        by=town.users["member-1"],
        at=timezone.now(),
    )
    assert (run.state, run.rows_total, run.unchanged, run.created, run.updated, run.problems) == (
        "checked",
        4,
        4,
        0,
        0,
        [],
    )


def test_the_export_is_what_the_list_shows(town, many, staff):
    answer = staff.get(f"{HOME}?export=csv&q=厂&sort=-name&columns=name")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["名称", "焦作甲食品厂", "乙机械厂"]


def test_a_county_officers_export_holds_the_county(town, many, client):
    client.force_login(town.user("member", town.county_office))
    data = b"".join(client.get(f"{HOME}?export=csv").streaming_content).decode()
    assert "焦作甲食品厂" in data and "乙机械厂" not in data


# -- search ------------------------------------------------------------------------------------------------------------
def test_staff_find_entities_and_inspectors_of_their_area(town, many):
    from zhunsheng.web.registry.models import Inspector

    Inspector.objects.create(person_no="X-1", name="焦检查", office=town.office)
    county = town.user("member", town.county_office)
    city = town.user("head")
    desk.reindex()

    def titles(user, text):
        return {strip_tags(hit.title) for hit in searching.find(user, text)}

    assert titles(city, "焦") >= {"焦作甲食品厂", "焦检查"}
    assert titles(city, "X-1") == {"焦检查"}
    assert "焦作甲食品厂" in titles(county, "焦")
    assert "焦检查" not in titles(county, "焦")
    assert not titles(county, "乙机械")


def test_the_public_finds_name_and_code_and_nothing_of_ours(town, many):
    BusinessEntity.objects.update(risk_class_source="内部文件")
    hits = [hit for hit in public_search("焦作") if hit.title == "焦作甲食品厂"]
    assert len(hits) == 1
    said = " ".join(str(part) for part in (hits[0].title, hits[0].kind, hits[0].note))
    assert "91350100M000100Y43" in said and "内部" not in said and "风险" not in said


# -- areas -------------------------------------------------------------------------------------------------------------
def test_the_tree_counts_what_lies_under_each_place(town, many, staff):
    page = staff.get(reverse("registry:divisions"))
    places = {}

    def walk(nodes):
        for node in nodes:
            places[node.division.code] = (node.here, node.all)
            walk(node.children)

    walk(page.context["places"])
    assert places == {"990100": (0, 3), "990101": (1, 2), "990101001": (1, 1), "990102": (1, 1)}
    assert page.context["without"] == 1


def test_parks_are_listed_with_their_numbers(town, many, staff):
    body = staff.get(reverse("registry:parks")).content.decode()
    assert "东河产业集聚区" in body and "产业集聚区" in body


@pytest.mark.parametrize("city", ["hengchuan", "jiaozuo"])
def test_a_city_is_loaded_from_its_tables_and_again_changes_nothing(town, city):
    from zhunsheng.web.public_log.models import Act

    user = town.user("sysadmin")
    Division.objects.exclude(code__startswith="9901").delete()
    count = actions.load_city(city, by=user, at=timezone.now())
    assert count["divisions"] > 40 and count["parks"] > 5
    acts = Act.objects.count()
    assert actions.load_city(city, by=user, at=timezone.now()) == {"divisions": 0, "parks": 0}
    assert Act.objects.count() == acts
    assert Division.objects.filter(level="township", parent__level="county").exists()
    if city == "jiaozuo":
        assert Division.objects.get(code="410871").system == "stat"
        assert Division.objects.get(code="410802").parent.name == "焦作市"
