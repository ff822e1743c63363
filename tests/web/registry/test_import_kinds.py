"""What the register takes from files: entities with premises, inspectors with qualifications, recusals."""

import datetime
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone

from zhunsheng.engine.identifiers import make_uscc
from zhunsheng.web.desk.importing import actions, find_kind
from zhunsheng.web.people.models import Office
from zhunsheng.web.public_log.models import Act
from zhunsheng.web.registry.models import BusinessEntity, Division, Inspector, Park, Premises, Recusal

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[3]
A, B = "91350100M000100Y43", make_uscc("92", "990101", "00000001")


def receive(kind, by, *lines, head, name="a.csv"):
    data = "\n".join([head, *lines]).encode()
    return actions.receive(find_kind(kind), ContentFile(data, name=name), name, by=by, at=timezone.now())


def load(run, clean_only=False):
    return actions.load(run, clean_only=clean_only, by=run.created_by, at=timezone.now())


def said(run):
    return {(row, column): message for row, column, message in run.problems}


@pytest.fixture
def member(town):
    return town.user("member")


# -- entities ----------------------------------------------------------------------------------------------------------
ALL = "统一社会信用代码,企业名称,主体类型,行业,规模,登记状态,成立日期,住所,行政区划,所属园区,标签,风险等级,分类来源,分类日期,场所地址,纬度,经度,坐标系"


def test_every_column_is_read_as_people_write_it(town, member):
    park = Park.objects.create(code="p1", name="东河产业集聚区", kind="industrial_cluster", division=town.county)
    run = receive(
        "entities",
        member,
        f"{A},甲公司,有限责任公司,C1411,小型企业,在营,2017年5月3日,甲路1号,东河区河东街道,东河产业集聚区,食品,B级,省平台,2026/10/31,甲路2号,35.1,113.2,CGCS 2000",
        head=ALL,
    )
    assert run.problems == []
    load(run)
    entity = BusinessEntity.objects.get()
    assert (entity.unit_id, entity.entity_type, entity.industry, entity.size, entity.status) == (
        f"uscc:{A}",
        "limited",
        "1411",
        "small",
        "active",
    )
    assert (entity.established_on, entity.division, entity.park, entity.risk_class) == (
        datetime.date(2017, 5, 3),
        town.township,
        park,
        "B",
    )
    assert (entity.risk_class_source, entity.risk_class_on) == ("省平台", datetime.date(2026, 10, 31))
    premises = Premises.objects.get()
    assert (premises.address, premises.latitude, premises.datum, premises.division, premises.park) == (
        "甲路2号",
        35.1,
        "CGCS2000",
        town.township,
        park,
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("主体标识", "91350100M000100Y44", "校验码应为“3”"),
        ("主体标识", "91350100M000I00Y43", "是否应为“1”"),
        ("主体标识", "9.135E+17", "科学计数"),
        ("主体标识", "110101199003074514", "公民身份号码"),
        ("行业代码", "9999", "没有代码"),
        ("行业代码", "113", "是不是 0113（开头的 0"),
        ("规模", "巨大", "可以填：大型、中型、小型、微型"),
        ("登记状态", "好", "存续"),
        ("成立日期", "2017-02-30", "没有“2017-02-30”这一天"),
        ("成立日期", "2999-01-01", "年份"),
        ("成立日期", "2099-01-01", "还没有到"),
        ("区划代码", "999999", "没有代码为"),
        ("区划代码", "火星区", "没有叫"),
        ("园区", "火星园", "没有叫"),
        ("信用风险分类", "E", "A 信用风险低"),
        ("纬度", "135", "不在 -90 至 90"),
        ("经度", "东经", "不是数字"),
        ("坐标系", "火星坐标", "CGCS2000、WGS84、GCJ02"),
        ("名称", "长" * 201, "最多 200 字"),
    ],
)
def test_a_wrong_cell_is_named_with_its_remedy(town, member, column, value, message):
    row = {
        "主体标识": A,
        "名称": "甲",
        "区划代码": "990101",
        "纬度": "35",
        "经度": "113",
        "坐标系": "WGS84",
        "场所地址": "x",
    } | {column: value}
    run = receive("entities", member, ",".join(row.values()), head=",".join(row))
    assert run.rows_bad == 1
    assert message in said(run)[2, column]


def test_a_name_that_two_places_bear_is_refused(town, member):
    Division.objects.create(code="990102", name="西岭区", level="county", parent=town.city)
    Division.objects.create(code="990102001", name="河东街道", level="township", parent_id="990102")
    run = receive("entities", member, f"{A},甲,河东街道", f"{B},乙,西岭区河东街道", head="主体标识,名称,区划代码")
    assert "990101001、990102001" in said(run)[2, "区划代码"]
    assert run.created == 1


def test_empty_cells_and_absent_columns_change_nothing(town, member):
    entity = town.entity(unit_id=f"uscc:{A}", name="甲", address="老地址", size="small", industry="1411")
    run = receive("entities", member, f"{A},,新地址,", head="主体标识,名称,住所,规模")
    assert (run.updated, run.rows_bad) == (1, 0)
    load(run)
    entity.refresh_from_db()
    assert (entity.name, entity.address, entity.size, entity.industry, entity.version) == (
        "甲",
        "新地址",
        "small",
        "1411",
        2,
    )


def test_a_new_entity_needs_a_name(town, member):
    assert "必须填名称" in said(receive("entities", member, A, head="主体标识"))[2, "名称"]


def test_a_class_without_source_says_that_it_was_imported(town, member):
    load(receive("entities", member, f"{A},甲,990101,B", head="主体标识,名称,区划代码,信用等级", name="分类.csv"))
    entity = BusinessEntity.objects.get()
    assert entity.risk_class_source == "导入 分类.csv" and entity.risk_class_on == timezone.localdate()
    assert receive("entities", member, f"{A},甲,990101,B", head="主体标识,名称,区划代码,信用等级").unchanged == 1


def test_a_new_class_does_not_keep_the_old_source(town, member):
    entity = town.entity(
        unit_id=f"uscc:{A}", risk_class="A", risk_class_source="省平台", risk_class_on=datetime.date(2020, 1, 1)
    )
    load(receive("entities", member, f"{A},C", head="主体标识,信用等级", name="新.csv"))
    entity.refresh_from_db()
    assert (entity.risk_class, entity.risk_class_source, entity.risk_class_on) == (
        "C",
        "导入 新.csv",
        timezone.localdate(),
    )


def test_first_premises_are_made_then_changed_then_left_alone(town, member):
    head = "主体标识,名称,区划代码,场所名称,场所地址"
    load(receive("entities", member, f"{A},甲,990101,一店,甲路1号", head=head))
    run = receive("entities", member, f"{A},甲,990101,一店,甲路2号", head=head)
    assert run.preview[0][2] == {"premises_address": ["甲路1号", "甲路2号"]}
    load(run)
    assert Premises.objects.get().address == "甲路2号"
    assert receive("entities", member, f"{A},甲,990101,一店,甲路2号", head=head).unchanged == 1
    assert Act.objects.filter(verb="change_entity").count() == 1


def test_a_county_officer_imports_into_the_county(town):
    officer = town.user("member", town.county_office)
    Division.objects.create(code="990102", name="西岭区", level="county", parent=town.city)
    town.entity(unit_id="demo:1", division_id="990102")
    town.entity(unit_id="demo:2")
    run = receive(
        "entities",
        officer,
        f"{A},甲,990101",
        f"{B},乙,990102",
        "demo:1,丙,990101",
        "demo:2,丁,990102",
        "demo:3,戊,",
        head="主体标识,名称,区划代码",
    )
    assert set(said(run)) == {(3, "区划代码"), (4, "主体标识"), (5, "区划代码"), (6, "区划代码")}
    assert all("辖区" in message for message in said(run).values())
    assert (run.created, run.updated) == (1, 0)


def test_fifty_thousand_questions_are_not_asked(town, member, django_assert_max_num_queries):
    """The database is asked in bulk: a few questions for nine hundred rows, not one for each."""
    lines = [f"{make_uscc('91', '990101', f'{i:08d}')},企业{i},990101001,1411" for i in range(1000)]
    with django_assert_max_num_queries(40):
        run = receive("entities", member, *lines, head="主体标识,名称,区划代码,行业代码")
    with django_assert_max_num_queries(60):
        load(run)
    assert BusinessEntity.objects.count() == 1000


# -- inspectors --------------------------------------------------------------------------------------------------------
PEOPLE = "人员编号,姓名,机构,执法证号,执法证有效期至,常驻区划,状态,专业,资质证书号,资质生效日期,资质失效日期"


def test_inspectors_with_several_qualifications(town, member):
    run = receive(
        "inspectors", member,
        "HC-1,李甲,测试市市场监督管理局,豫1,2027.12.31,河东街道,在岗,食品生产;特种设备,Z1,2024-01-01,2026-12-31",
        "HC-1,李甲,测试市市场监督管理局,豫1,2027.12.31,河东街道,在岗,计量,Z2,2025-01-01,",
        "HC-2,王乙,T-SJ,豫2,2027-12-31,,在岗,,,,",
        head=PEOPLE,
    )  # fmt: skip
    assert (run.problems, run.created, run.rows_total) == ([], 2, 3)
    load(run)
    first = Inspector.objects.get(person_no="HC-1")
    assert first.office == town.office and first.certificate_valid_to == datetime.date(2027, 12, 31)
    assert sorted(first.qualifications.values_list("speciality", "certificate_no", "valid_to")) == [
        ("food_production", "Z1", datetime.date(2026, 12, 31)), ("metrology", "Z2", None), ("special_equipment", "Z1", datetime.date(2026, 12, 31)),
    ]  # fmt: skip
    assert Act.objects.filter(verb="register_inspector").count() == 2


def test_inspectors_again_change_only_what_differs(town, member):
    line = "HC-1,李甲,T-SJ,豫1,2027-12-31,,在岗,计量,Z2,2025-01-01,2026-12-31"
    load(receive("inspectors", member, line, head=PEOPLE))
    assert receive("inspectors", member, line, head=PEOPLE).unchanged == 1
    run = receive("inspectors", member, line.replace("2026-12-31", "2028-12-31"), head=PEOPLE)
    assert run.updated == 1
    load(run)
    inspector = Inspector.objects.get()
    assert (inspector.version, inspector.qualifications.get().valid_to) == (2, datetime.date(2028, 12, 31))


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("HC-1,李甲,没有这个局,,,,,,,,", "机构", "没有叫"),
        ("HC-1,,T-SJ,,,,,,,,", "姓名", "新增时必须填"),
        ("HC-1,李甲,,,,,,,,,", "机构", "新增时必须填"),
        ("HC-1,李甲,T-SJ,,,,,炼丹,,,", "专业", "可以填"),
        ("HC-1,李甲,T-SJ,,,,,计量,,2025-01-01,2024-01-01", "资质失效日期", "不能早于"),
        ("HC-1,李甲,T-SJ,,坏日期,,,,,,", "执法证有效期至", "不是日期"),
        ("HC-1,李甲,T-NY,,,,休假,,,,", "状态", "在岗、请假、离岗"),
    ],
)
def test_a_wrong_inspector_is_named(town, member, line, column, message):
    assert message in said(receive("inspectors", member, line, head=PEOPLE))[2, column]


def test_a_reorganised_office_is_found_by_its_living_successor(town, member):
    Office.objects.create(
        code="OLD", name="测试市质量技术监督局", short_name="市局", valid_to=datetime.date(2019, 1, 1)
    )
    Office.objects.filter(code="T-SJ").update(short_name="市局")
    load(receive("inspectors", member, "HC-1,李甲,市局,,,,,,,,", head=PEOPLE))
    assert Inspector.objects.get().office.code == "T-SJ"


def test_a_county_office_keeps_its_own_inspectors(town):
    officer = town.user("member", town.county_office)
    run = receive("inspectors", officer, "HC-1,李甲,T-SJ-01,,,,,,,,", "HC-2,王乙,T-SJ,,,,,,,,", head=PEOPLE)
    assert list(said(run)) == [(3, "机构")] and run.created == 1


# -- recusals ----------------------------------------------------------------------------------------------------------
RECUSALS = "人员编号,主体标识,回避情形,说明,申报日期,回避至"


def test_recusals(town, member):
    inspector = Inspector.objects.create(person_no="HC-1", name="李", office=town.office)
    entity = town.entity(unit_id=f"uscc:{A}")
    run = receive(
        "recusals", member,
        f"HC-1,{A},近亲属有利害关系,配偶,2026-01-01,",
        f"HC-9,{A},interest,,,",
        f"HC-1,{B},interest,,,",
        f"HC-1,{A},连续检查同一对象,,,",
        f"HC-1,{A},随便,,,",
        f"HC-1,{A},interest,,2026-01-01,2025-01-01",
        head=RECUSALS,
    )  # fmt: skip
    assert set(said(run)) == {(3, "人员编号"), (4, "主体标识"), (5, "回避情形"), (6, "回避情形"), (7, "回避至")}
    assert run.created == 1
    load(run, clean_only=True)
    row = Recusal.objects.get()
    assert (row.inspector, row.entity, row.kind, row.note, row.declared_on) == (
        inspector,
        entity,
        "relative",
        "配偶",
        datetime.date(2026, 1, 1),
    )
    assert receive("recusals", member, f"HC-1,{A},relative,配偶,2026-01-01,", head=RECUSALS).unchanged == 1
    run = receive("recusals", member, f"HC-1,{A},relative,配偶,2026-01-01,2027-01-01", head=RECUSALS)
    load(run)
    row.refresh_from_db()
    assert row.valid_to == datetime.date(2027, 1, 1)


# -- a foreign export --------------------------------------------------------------------------------------------------
@pytest.mark.shared
def test_the_toronto_export_comes_in_by_the_documented_mapping(town, member, shared):
    """Real premises, one row for each infraction: the files of two years by one mapping that a user could write."""
    mapping = ROOT / "docs" / "howto" / "toronto-mapping.toml"
    folder = shared / "data" / "inspections"
    call_command("import_file", "entities", folder / "toronto_dinesafe_2020.csv", mapping=mapping, user=member.username)
    assert BusinessEntity.objects.count() == Premises.objects.count() == 6633
    call_command("import_file", "entities", folder / "toronto_dinesafe_2021.csv", mapping=mapping, user=member.username)
    assert BusinessEntity.objects.count() == 6633 + 2583
    one = BusinessEntity.objects.get(unit_id="toronto:10500438")
    assert (one.name, one.industry, one.risk_class, one.source_system) == (
        "1 PLUS 1 PIZZA",
        "6220",
        "B",
        "Toronto DineSafe",
    )
    premises = one.premises.get()
    assert (premises.address, premises.latitude, premises.datum) == ("361 OAKWOOD AVE", 43.68725, "WGS84")
    assert not BusinessEntity.objects.exclude(risk_class__in=["A", "B", "C"]).exists()
    assert Act.objects.filter(verb="register_entity").count() == 6633 + 2583
    assert not Act.objects.filter(verb="change_entity").exists()
