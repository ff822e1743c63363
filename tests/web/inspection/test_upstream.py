"""Draws of other platforms come in whole, are checked as far as lists go, and the page says what they cannot show."""

import csv
import datetime
import io

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from zhunsheng.web.common.errors import NotAllowed
from zhunsheng.web.desk.importing import find_kind
from zhunsheng.web.desk.importing.actions import load, receive
from zhunsheng.web.inspection import actions, queries
from zhunsheng.web.inspection.models import UpstreamDraw, UpstreamUnit
from zhunsheng.web.public_log.models import LogEntry
from zhunsheng.web.registry.models import Recusal

pytestmark = pytest.mark.django_db
HEADER = [
    "抽取编号",
    "来源平台",
    "抽查名称",
    "抽取日期",
    "统一社会信用代码",
    "是否抽中",
    "层",
    "检查人员编号",
    "公布的本层总数",
    "公布的本层抽取数",
    "计划比例",
]


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def row(unit: str, drawn: str = "", team: str = "", **more: str) -> list[str]:
    said = {"no": "P-1", "day": "2026-03-12", "stratum": "", "size": "10", "n": "1", "ratio": "10%"} | more
    return [
        said["no"],
        "省双随机平台",
        "公示信息抽查",
        said["day"],
        unit,
        drawn,
        said["stratum"],
        team,
        said["size"],
        said["n"],
        said["ratio"],
    ]


def file_of(rows: list[list[str]]) -> ContentFile:
    out = io.StringIO()
    csv.writer(out).writerows([HEADER, *rows])
    return ContentFile(out.getvalue().encode(), name="list.csv")


def came_in(bureau, rows):
    run = receive(find_kind("upstream_draws"), file_of(rows), "list.csv", by=bureau.reviewer, at=timezone.now())
    assert not run.rows_bad, run.problems
    load(run, clean_only=False, by=bureau.reviewer, at=timezone.now())
    return UpstreamDraw.objects.get(no=rows[0][0])


@pytest.fixture
def listed(staffed):
    entities = [staffed.town.entity() for _ in range(10)]
    return staffed, entities


def by_name(lines):
    return {one.name: one for one in lines}


def test_a_draw_in_order_is_checked_item_by_item(listed) -> None:
    bureau, entities = listed
    rows = [row(one.unit_id) for one in entities]
    rows[3] = row(entities[3].unit_id, "是", "P001、P002")
    draw = came_in(bureau, rows)
    assert (draw.size, draw.drawn_count) == (10, 1)
    found = by_name(queries.upstream_checks(draw))
    assert {one.outcome for name, one in found.items() if name != "coverage"} == {"holds"}
    assert found["coverage"].outcome == "not_judged"


def test_faults_are_named(listed) -> None:
    bureau, entities = listed
    Recusal.objects.create(
        inspector=bureau.inspectors[0], entity=entities[0], kind="kinship", declared_on=datetime.date(2026, 1, 1)
    )
    rows = [row(entities[0].unit_id, "是", "P001 X9"), row("91350100M000100Y44"), row("demo:unknown", "是", "P002")]
    found = by_name(queries.upstream_checks(came_in(bureau, rows)))
    failed = {name: one.units for name, one in found.items() if one.outcome == "fails"}
    assert failed["ids"] == ("uscc:91350100M000100Y44",)
    assert failed["people"] == ("X9",)
    assert failed["recusals"] == (f"{entities[0].unit_id} P001",)
    assert failed["team_size"] == ("demo:unknown",)
    assert failed["counts"] and failed["ratio"]


def test_the_same_list_again_changes_nothing_and_another_one_leaves_both_hashes(listed) -> None:
    bureau, entities = listed
    rows = [row(one.unit_id) for one in entities[:2]]
    first = came_in(bureau, rows)
    before, entries = first.sha256, LogEntry.objects.filter(kind="upstream.import").count()
    entry = actions.UpstreamEntry("P-1", "省双随机平台", "公示信息抽查", datetime.date(2026, 3, 12), "provincial", ())
    run = receive(find_kind("upstream_draws"), file_of(rows), "list.csv", by=bureau.reviewer, at=timezone.now())
    assert (run.created, run.updated, run.unchanged) == (0, 0, 1)
    rows[1] = row(entities[1].unit_id, "是")
    second = came_in(bureau, rows)
    assert second.pk == first.pk and second.sha256 != before
    assert UpstreamUnit.objects.filter(draw=second).count() == 2
    assert entries == 1
    assert before in LogEntry.objects.filter(kind="upstream.import").order_by("at").last().body
    with pytest.raises(NotAllowed):
        actions.import_upstream([entry], by=bureau.member, at=timezone.now(), reason="")


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        ({"day": "2099-01-01"}, "还没有到"),
        ({"size": "x"}, "整数"),
        ({"n": ""}, "都不填"),
        ({"ratio": "300%"}, "0 到 1"),
    ],
)
def test_a_bad_cell_is_named(listed, cells, word) -> None:
    bureau, entities = listed
    run = receive(
        find_kind("upstream_draws"),
        file_of([row(entities[0].unit_id, **cells)]),
        "list.csv",
        by=bureau.reviewer,
        at=timezone.now(),
    )
    assert run.rows_bad and word in str(run.problems)


def test_the_page_says_what_holds_and_what_cannot_be_seen(listed, client) -> None:
    bureau, entities = listed
    draw = came_in(bureau, [row(one.unit_id) for one in entities])
    client.force_login(bureau.member)
    assert "P-1" in client.get(reverse("inspection:upstream")).content.decode()
    page = client.get(reverse("inspection:upstream_draw", args=[draw.pk])).content.decode()
    assert "不能核对的" in page and "是否只抽了一次" in page and draw.sha256 in page.replace(" ", "").replace("\n", "")
