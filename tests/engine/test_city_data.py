"""A city is data: every city that ships has the same tables, whole, and consistent with each other and with the law's."""

import csv
import re
import tomllib
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path

import pytest

from zhunsheng.engine import responsibility, tables

CITIES = ("hengchuan", "jiaozuo")
TABLES = ("divisions", "leading_group", "letterheads", "offices", "parks", "responsibility", "targets")
DATA = resources.files("zhunsheng.engine") / "data"
LINKS = ("production", "circulation", "use")
CUT = date(2018, 12, 31), date(2019, 1, 1)


def rows(name: str):
    return tables.load(name).rows


def codes(name: str) -> set[str]:
    return {row["code"] for row in rows(name)}


def settings(city: str) -> dict[str, object]:
    return tomllib.loads((DATA / "cities" / city / "city.toml").read_text(encoding="utf-8"))


def links_of_classes() -> set[tuple[str, str]]:
    return {(row["code"], link) for row in rows("registry/product_classes") for link in row.list("links")}


# ---- every city ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("city", CITIES)
def test_it_is_whole(city):
    files = {entry.name for entry in (DATA / "cities" / city).iterdir()}
    assert files >= {"city.toml"} | {f"{table}.{suffix}" for table in TABLES for suffix in ("csv", "toml")}


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("table", TABLES)
def test_its_tables_are_sound(city, table):
    assert tables.check(f"cities/{city}/{table}") == ()


@pytest.mark.parametrize("table", TABLES)
def test_all_cities_have_the_same_columns(table):
    headers = {city: set(rows(f"cities/{city}/{table}")[0]) for city in CITIES}
    assert len(set(map(frozenset, headers.values()))) == 1, headers


def test_all_cities_have_the_same_files_and_settings():
    files = {city: {entry.name for entry in (DATA / "cities" / city).iterdir()} for city in CITIES}
    assert files["hengchuan"] == files["jiaozuo"]
    assert settings("hengchuan").keys() == settings("jiaozuo").keys()


@pytest.mark.parametrize("city", CITIES)
def test_city_settings_are_usable(city):
    said = settings(city)
    assert said["code"] in codes(f"cities/{city}/divisions")
    start, end = date.fromisoformat(said["window_from"]), date.fromisoformat(said["window_to"])
    signed = date.fromisoformat(said["policy_date"])
    assert start < signed < end
    assert all(start < row.day("deadline") <= end for row in rows(f"cities/{city}/targets"))
    assert said["doc_no_pattern"].format(year=signed.year, number=12) in said["policy_no"]
    assert said["confidence"] in tables.CONFIDENCES


@pytest.mark.parametrize("city", CITIES)
def test_division_codes_nest_and_parents_exist(city):
    found = {row["code"]: row for row in rows(f"cities/{city}/divisions")}
    own = settings(city)["code"]
    for code, row in found.items():
        if row["level"] == "city":
            assert (code, row["parent"]) == (own, "")
            continue
        parent = found[row["parent"]]
        expected = {"county": ("city", r"\d{6}", own[:4]), "township": ("county", r"\d{9}", row["parent"])}
        level, form, prefix = expected[row["level"]]
        assert parent["level"] == level
        assert re.fullmatch(form, code)
        assert code.startswith(prefix)


@pytest.mark.parametrize("city", CITIES)
def test_divisions_of_one_parent_have_different_names_in_both_languages(city):
    for column in ("name", "name_en"):
        count = Counter((row["parent"], row[column]) for row in rows(f"cities/{city}/divisions"))
        assert [key for key, times in count.items() if times > 1 or not key[1]] == []


@pytest.mark.parametrize("city", CITIES)
def test_county_units_lie_on_a_grid_without_overlap_and_nothing_else_does(city):
    placed = []
    for row in rows(f"cities/{city}/divisions"):
        if row["level"] == "county":
            placed.append((row.integer("grid_x"), row.integer("grid_y")))
        else:
            assert (row["grid_x"], row["grid_y"]) == ("", "")
    assert len(set(placed)) == len(placed)
    # A compact map: it starts at 0,0 and every tile touches another one.
    assert (min(x for x, _ in placed), min(y for _, y in placed)) == (0, 0)
    for x, y in placed:
        assert {(x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)} & set(placed), f"{city}: tile {x},{y} stands alone"


@pytest.mark.parametrize("city", CITIES)
def test_parks_lie_in_known_divisions_and_no_more_clusters_are_named_than_counted(city):
    parks = rows(f"cities/{city}/parks")
    divisions = codes(f"cities/{city}/divisions")
    assert {park["division"] for park in parks} <= divisions
    named = sum(park["kind"] == "industrial_cluster" for park in parks)
    assert 0 < named <= settings(city)["industrial_clusters_counted"]


@pytest.mark.parametrize("city", CITIES)
def test_offices_fit_the_columns_parents_and_divisions_exist(city):
    offices = {row["code"]: row for row in rows(f"cities/{city}/offices")}
    divisions = codes(f"cities/{city}/divisions")
    for code, row in offices.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]{1,39}", code)
        assert row["level"] in ("national", "provincial", "city", "county")
        assert row["name"] and row["name_en"] and row["short"]
        assert not row["parent"] or row["parent"] in offices
        assert not row["division"] or row["division"] in divisions
        if row["level"] == "county":
            assert row["division"] == code.rpartition("_")[2]
    assert len({row["name"] for row in offices.values()}) == len(offices)


@pytest.mark.parametrize("city", CITIES)
def test_a_successor_exists_and_starts_the_day_after(city):
    offices = {row["code"]: row for row in rows(f"cities/{city}/offices")}
    ended = [row for row in offices.values() if row.valid_to is not None]
    assert ended
    for row in ended:
        after = offices[row["successor"]]
        assert after.valid_from == row.valid_to + timedelta(days=1), row["code"]
    assert all(not row["successor"] for row in offices.values() if row.valid_to is None)


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("day", CUT)
def test_each_county_unit_has_one_quality_or_market_office_on_each_side_of_the_reform(city, day):
    counties = {row["code"] for row in rows(f"cities/{city}/divisions") if row["level"] == "county"}
    offices = [
        row["division"] for row in tables.load(f"cities/{city}/offices").valid_on(day) if row["level"] == "county"
    ]
    assert sorted(offices) == sorted(counties)


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("table", ["responsibility", "leading_group"])
def test_an_office_has_duties_only_while_it_exists(city, table):
    offices = {row["code"]: row for row in rows(f"cities/{city}/offices")}
    for row in rows(f"cities/{city}/{table}"):
        office = offices[row["office_code"]]
        assert office.valid_from is None or (row.valid_from is not None and row.valid_from >= office.valid_from), dict(
            row
        )
        assert office.valid_to is None or (row.valid_to is not None and row.valid_to <= office.valid_to), dict(row)


@pytest.mark.parametrize("city", CITIES)
def test_responsibility_names_known_classes_and_links(city):
    assert {(row["product_class"], row["link"]) for row in rows(f"cities/{city}/responsibility")} <= links_of_classes()
    assert {link for _, link in links_of_classes()} == set(LINKS)


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("day", [date(2017, 5, 3), *CUT, date(2021, 1, 1)])
def test_the_gaps_of_the_responsibility_matrix_are_the_known_ones_and_nobody_leads_twice(city, day):
    duties = responsibility.duties(city)
    # Nobody follows key industrial products into use; beauty salons had no overseer before the rules of 2021.
    known = {("industrial_key", "use")} | ({("cosmetics", "use")} if day < date(2021, 1, 1) else set())
    gaps = responsibility.gaps(duties, responsibility.product_links(day), day)
    assert {(cell.product_class, cell.link.value) for cell in gaps} == known
    assert responsibility.overlaps(duties, day) == ()


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("day", CUT)
def test_the_leading_group_has_one_leader_one_office_and_members_on_any_day(city, day):
    roles = Counter(row["role"] for row in tables.load(f"cities/{city}/leading_group").valid_on(day))
    assert (roles["leader"], roles["deputy"], roles["office"], roles["office_host"]) == (1, 1, 1, 1)
    assert roles["member"] >= 7


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("day", [date(2017, 5, 3), *CUT, date(2026, 11, 24)])
def test_every_item_of_the_day_has_an_office_of_the_day(city, day):
    offices = {row["code"] for row in tables.load(f"cities/{city}/offices").valid_on(day)}
    assert {item["office_code"] for item in tables.load("inspection/check_items").valid_on(day)} <= offices


# ---- 焦作 and 衡川 -------------------------------------------------------------------------------------------------


def test_jiaozuo_has_11_county_units_112_townships_and_25_targets():
    divisions = rows("cities/jiaozuo/divisions")
    assert Counter(row["level"] for row in divisions) == {"city": 1, "county": 11, "township": 112}
    assert [row["code"] for row in divisions if row["level"] == "county" and row["system"] == "stat"] == ["410871"]
    assert codes("cities/jiaozuo/targets") == {f"T{n:02d}" for n in range(1, 26)}
    assert settings("jiaozuo")["invented"] is False


def test_hengchuan_is_invented_and_says_so_in_every_row():
    assert settings("hengchuan")["invented"] is True
    assert Counter(row["level"] for row in rows("cities/hengchuan/divisions")) == {
        "city": 1,
        "county": 8,
        "township": 50,
    }
    assert len(rows("cities/hengchuan/parks")) == 9
    for table in TABLES:
        for row in rows(f"cities/hengchuan/{table}"):
            assert "演示数据" in row.source and row.confidence == "assumed", (table, row.line)
    assert all(
        row["code"].startswith("9901") and row["system"] == "invented" for row in rows("cities/hengchuan/divisions")
    )


def test_the_demo_targets_are_the_same_numbers():
    compared = ("code", "name", "operator", "value", "unit", "force", "source_clause")
    numbers = [[[row[c] for c in compared] for row in rows(f"cities/{city}/targets")] for city in CITIES]
    assert numbers[0] == numbers[1]


@pytest.mark.shared
def test_no_division_of_jiaozuo_is_missing_or_made_up(shared):
    with (shared / "data/admin/henan_streets.csv").open(encoding="utf-8-sig", newline="") as file:
        published = {row["code"]: row["name"] for row in csv.DictReader(file) if row["cityCode"] == "4108"}
    ours = {row["code"]: row["name"] for row in rows("cities/jiaozuo/divisions") if row["level"] == "township"}
    assert ours == {code: name.removeprefix("博爱县") for code, name in published.items()}


@pytest.mark.shared
def test_no_invented_county_bears_the_name_of_a_real_one(shared):
    with (shared / "data/admin/henan_areas.csv").open(encoding="utf-8-sig", newline="") as file:
        real = {row["name"] for row in csv.DictReader(file)}
    invented = {row["name"] for row in rows("cities/hengchuan/divisions") if row["level"] == "county"}
    assert not invented & real


# ---- the tables that cities point into -----------------------------------------------------------------------------


def test_the_industrial_classification_is_a_tree_of_20_97_473_1381():
    found = {row["code"]: row for row in rows("industry/gbt4754")}
    assert Counter(row["level"] for row in found.values()) == {
        "section": 20,
        "division": 97,
        "group": 473,
        "class": 1381,
    }
    above = {"division": ("section", 1), "group": ("division", 2), "class": ("group", 3)}
    for code, row in found.items():
        if row["level"] == "section":
            assert re.fullmatch("[A-T]", code) and row["parent"] == ""
            continue
        level, length = above[row["level"]]
        assert found[row["parent"]]["level"] == level
        assert re.fullmatch(rf"\d{{{length + 1}}}", code)
        if level != "section":
            assert code[:length] == row["parent"]
    assert found["1432"]["name"] == "速冻食品制造"
    assert found["52"]["parent"] == "F"
    # A name cut off at the margin of its source is completed and marked; none is left cut.
    assert not [
        r["name"]
        for r in found.values()
        if r["name"].endswith(("制", "加", "设备", "专用", "设备装")) and len(r["name"]) > 9
    ]


@pytest.mark.shared
def test_class_names_begin_as_the_transcribed_source_does(shared):
    ours = {row["code"]: row["name"] for row in rows("industry/gbt4754") if row["level"] == "class"}
    with (shared / "data/classification/gbt4754_2011_2017_raw.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            code, name = row["source_line"].split(" ")[:2]
            name = name.replace("(", "（").replace(")", "）")
            assert ours[code].startswith(name)


def test_check_items_point_to_known_things():
    industries = codes("industry/gbt4754")
    for item in rows("inspection/check_items"):
        assert item["speciality"] in codes("inspection/specialities")
        assert bool(item["product_class"]) == bool(item["link"])
        assert not item["link"] or (item["product_class"], item["link"]) in links_of_classes(), item["code"]
        assert item["kind"] in ("general", "key") and item["level"] in ("city", "county")
        assert Decimal(0) < item.decimal("ratio_min") <= item.decimal("ratio_max") <= Decimal(1)
        assert item.integer("frequency_max_per_year") >= 1
        scope = item["applies_to"]
        assert scope == "*" or all(re.fullmatch(r"[A-T]|\d\d", s) and s in industries for s in scope.split(",")), item[
            "code"
        ]
        assert item["basis_confidence"] in ("sure", "likely") and item["legal_basis"]
        assert set(item.list("method")) <= {"现场检查", "书面检查", "网络监测", "委托专业机构"}


def test_an_item_of_2017_and_its_successor_are_two_versions_of_one_code():
    table = tables.load("inspection/check_items")
    assert table.find(CUT[0], code="CJ-04")["office_code"] == "quality"
    assert table.find(CUT[1], code="CJ-04")["office_code"] == "market"


def test_each_result_has_a_role_and_a_known_follow_up():
    follow_ups = codes("inspection/follow_up_kinds")
    for row in rows("inspection/result_wordings"):
        assert row["estimation_role"] in ("eligible_pass", "eligible_fail", "ineligible", "non_response")
        assert row["needs_followup"] in follow_ups
        if row["estimation_role"] == "eligible_pass":
            assert row["name"] == "未发现问题" and row["needs_followup"] == "none"
        if row["estimation_role"] == "eligible_fail":
            assert row["needs_followup"] != "none"


def test_a_follow_up_takes_its_time_from_a_known_limit_or_names_it():
    limits = codes("time_limits/inspection")
    for row in rows("inspection/follow_up_kinds"):
        assert not row["time_limit"] or (row["time_limit"] in limits and not row["limit_amount"])
        assert bool(row["limit_amount"]) == bool(row["limit_unit"])
        assert row["limit_unit"] in ("", "calendar_day", "working_day")
        assert not row["escalates_to"] or row["escalates_to"] in codes("inspection/follow_up_kinds")


def test_results_of_2017_use_the_list_of_2017():
    table = tables.load("inspection/result_wordings")
    assert {r["wording_list"] for r in table.valid_on(CUT[0])} == {"double_random_2016"}
    now = table.valid_on(CUT[1])
    assert {r["wording_list"] for r in now} == {"current", "registration"}
    assert sum(r["wording_list"] == "current" for r in now) == 9
    for day in CUT:
        orders = [r["order"] for r in table.valid_on(day)]
        assert len(set(orders)) == len(orders)


def test_ratio_schemes_cover_all_classes_or_none():
    schemes: dict[str, set[str]] = {}
    for row in rows("inspection/ratios"):
        assert Decimal(0) < row.decimal("ratio") < Decimal(1)
        schemes.setdefault(row["scheme"], set()).add(row["risk_class"])
    assert all(classes in ({"A", "B", "C", "D"}, {"*"}) for classes in schemes.values()), schemes


def test_roles_that_exclude_each_other_do_so_both_ways():
    excluded = {row["code"]: set(row.list("separation")) for row in rows("people/roles")}
    for role, others in excluded.items():
        assert role not in others
        for other in others:
            assert role in excluded[other], (role, other)


def test_the_reference_page_names_real_tables_and_their_columns():
    page = (Path(__file__).resolve().parents[2] / "docs/reference/tables.md").read_text(encoding="utf-8")
    described = re.findall(r"^\| `([a-z0-9_/]+)` \| .* \| (.*) \|$", page, flags=re.MULTILINE)
    described = [(name, columns) for name, columns in described if "/" in name or name == "glossary"]
    assert len(described) > 20
    for name, columns in described:
        said = {re.sub(r" \(.*", "", column).strip() for column in re.sub(r"\([^)]*\)", "", columns).split(", ")}
        assert said == set(rows(name)[0]) - set(tables.META), name
