"""Past results from files: several rows to an inspection, published with their source, changed only by new versions."""

import csv
import datetime
import io
import json
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from zhunsheng.web.common.errors import NotAllowed
from zhunsheng.web.desk.importing import find_kind
from zhunsheng.web.desk.importing.actions import load, receive
from zhunsheng.web.desk.models import ImportRun
from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.models import Finding, ResultWording, Visit
from zhunsheng.web.public_log.models import LogEntry
from zhunsheng.web.registry.models import BusinessEntity

pytestmark = pytest.mark.django_db
MAPPING = Path(__file__).resolve().parents[3] / "docs" / "howto" / "toronto-visits-mapping.toml"
HEADER = ["记录编号", "主体标识", "检查日期", "检查结果", "问题描述", "严重程度", "当场处理", "来源系统"]


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def file_of(rows: list[list[str]], header: list[str] = HEADER) -> ContentFile:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return ContentFile(out.getvalue().encode(), name="past.csv")


def checked(bureau, rows, mapping: str = "", header: list[str] = HEADER) -> ImportRun:
    return receive(
        find_kind("visits"), file_of(rows, header), "past.csv", mapping=mapping, by=bureau.reviewer, at=timezone.now()
    )


def loaded(bureau, rows) -> ImportRun:
    run = checked(bureau, rows)
    assert not run.problems, run.problems
    return load(run, clean_only=False, by=bureau.reviewer, at=timezone.now())


def rows_of(entity: BusinessEntity) -> list[list[str]]:
    return [
        ["JC-1", entity.unit_id, "2025-05-03", "05", "未公示年报", "轻微", "责令改正", "省双随机平台"],
        ["JC-1", entity.unit_id, "2025-05-03", "05", "地址不符", "较重", "责令改正", "省双随机平台"],
        ["JC-2", entity.unit_id, "2025-06-01", "未发现问题", "", "", "", "省双随机平台"],
    ]


def test_it_works(bureau):
    entity = bureau.town.entity()
    run = loaded(bureau, rows_of(entity))
    assert (run.created, run.rows_total) == (2, 3)
    first, second = Visit.objects.order_by("no")
    assert (first.visited_on, first.result.code, first.findings.count()) == (datetime.date(2025, 5, 3), "05", 2)
    assert list(first.findings.values_list("severity", flat=True)) == ["minor", "significant"]
    assert second.findings.count() == 0
    assert set(queries.published_visits()) == {first, second}
    said = json.loads(LogEntry.objects.get(subject="visit:JC-1").body)
    assert (said["kind"], said["data"]["source"], said["data"]["unit"]) == (
        "visit.import",
        "省双随机平台",
        entity.unit_id,
    )
    # Past results are nobody's draw: they enter no rate, no limit and no follow-up here.
    assert queries.pass_rate_inputs(start=datetime.date(2025, 1, 1)).units == ()
    assert (
        queries.on_time_publication(
            datetime.date(2025, 1, 1), datetime.date(2026, 1, 1), timezone.localdate()
        ).denominator
        == 0
    )
    assert not queries.open_follow_ups().exists()


def test_the_same_file_again_changes_nothing(bureau):
    rows = rows_of(bureau.town.entity())
    loaded(bureau, rows)
    entries = LogEntry.objects.count()
    run = loaded(bureau, rows)
    assert (run.created, run.updated, run.unchanged) == (0, 0, 2)
    assert LogEntry.objects.count() == entries


def test_a_changed_record_is_a_new_version_and_both_stay(bureau):
    entity = bureau.town.entity()
    rows = rows_of(entity)
    loaded(bureau, rows)
    rows[2][3] = "04"
    run = loaded(bureau, rows)
    assert (run.updated, run.unchanged) == (1, 1)
    assert {
        visit.no: (visit.state, visit.result.code)
        for visit in queries.published_visits()
        if visit.no.startswith("JC-2")
    } == {
        "JC-2": (Visit.State.CORRECTED, "01"),
        "JC-2-v2": (Visit.State.PUBLISHED, "04"),
    }
    assert loaded(bureau, rows).unchanged == 2
    rows[2][3] = "01"
    loaded(bureau, rows)
    assert Visit.objects.get(no="JC-2-v3").corrects.no == "JC-2-v2"


@pytest.mark.parametrize(
    ("change", "column", "words"),
    [
        ({1: "demo:NOBODY"}, "主体标识", "先导入主体"),
        ({2: "2025-13-40"}, "检查日期", ""),
        ({2: "2099-01-01"}, "检查日期", "还没有到"),
        ({2: "2017-05-01"}, "检查结果", "2017-05-01"),
        ({3: "很好"}, "检查结果", "很好"),
        ({5: "一般般"}, "严重程度", "轻微"),
        ({4: "长" * 601}, "问题描述", "600"),
        ({0: "JC-v2"}, "记录编号", "-v"),
        ({7: ""}, "来源系统", ""),
    ],
)
def test_a_bad_row_is_named_with_its_column(bureau, change, column, words):
    row = rows_of(bureau.town.entity())[0]
    for place, value in change.items():
        row[place] = value
    run = checked(bureau, [row])
    assert [(problem[0], problem[1]) for problem in run.problems] == [(2, column)]
    assert words in run.problems[0][2]
    assert not Visit.objects.exists()


def test_our_own_records_are_not_changed_by_a_file(staffed):
    task = staffed.assigned().tasks.first()
    visit = staffed.published(task)
    run = checked(staffed, [[visit.no, task.unit_id, "2026-03-04", "05", "问题", "轻微", "", "某平台"]])
    assert "本平台自己" in run.problems[0][2]


def test_who_may_import(bureau):
    with pytest.raises(NotAllowed):
        receive(find_kind("visits"), file_of([]), "past.csv", by=bureau.member, at=timezone.now())


def test_the_frequency_cap_counts_records_of_other_systems(bureau):
    entity = bureau.town.entity()
    header = [*HEADER, "事项代码"]
    run = checked(
        bureau, [["JC-9", entity.unit_id, "2026-02-01", "01", "", "", "", "省双随机平台", "CJ-01"]], header=header
    )
    load(run, clean_only=False, by=bureau.reviewer, at=timezone.now())
    assert Finding.objects.get().item.code == "CJ-01"
    assert queries.capped(bureau.items[:1], datetime.date(2026, 9, 1))[bureau.items[0].pk] == {entity.pk}
    assert queries.capped(bureau.items[:1], datetime.date(2027, 9, 1))[bureau.items[0].pk] == set()


@pytest.mark.shared
def test_torontos_inspections_come_in_by_the_documented_mapping(bureau, shared):
    path = shared / "data" / "inspections" / "toronto_dinesafe_2021.csv"
    ResultWording.objects.create(
        code="08",
        name="发现问题待后续处理",
        estimation_role="eligible_fail",
        order=8,
        valid_from=datetime.date(2019, 1, 1),
    )
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    now = timezone.now()
    BusinessEntity.objects.bulk_create(
        [
            BusinessEntity(unit_id=f"toronto:{one}", name=one, created_at=now, updated_at=now)
            for one in {row["Establishment ID"] for row in rows}
        ]
    )
    run = receive(
        find_kind("visits"),
        ContentFile(path.read_bytes(), name=path.name),
        path.name,
        mapping=MAPPING.read_text(encoding="utf-8"),
        by=bureau.quality_office,
        at=now,
    )
    assert run.state == ImportRun.State.CHECKED, (run.refusal, run.problems[:5])
    assert not run.problems
    load(run, clean_only=False, by=bureau.quality_office, at=now)
    assert Visit.objects.count() == len({row["Inspection ID"] for row in rows}) == 6469
    assert Finding.objects.count() == sum(bool(row["Infraction Details"].strip()) for row in rows)
    assert Finding.objects.filter(severity="crucial").count() == sum(row["Severity"].startswith("C") for row in rows)
    one = Visit.objects.get(no="toronto:104918556")
    assert (one.entity.unit_id, one.visited_on, one.result.code) == (
        "toronto:10500438",
        datetime.date(2021, 12, 8),
        "01",
    )
    assert (one.source_system, one.upstream_no) == ("Toronto DineSafe", "104918556")
