"""A town with everything that is public, and beside each public thing a secret that must not be seen."""

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import time_machine
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from tests.web.inspection.conftest import Bureau, announce, bureau, moment, staffed  # noqa: F401 - fixtures
from zhunsheng.web.appraisal import actions as appraisal
from zhunsheng.web.appraisal.models import Snapshot
from zhunsheng.web.common import city
from zhunsheng.web.inspection import actions as inspection
from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.models import Draw, Task, UpstreamDraw, Visit
from zhunsheng.web.people.models import User
from zhunsheng.web.registry.models import Recusal

NOW = moment(20)


@dataclass
class Public:
    """Handles to what the public may see, and `secrets`: texts that no public page may hold."""

    bureau: Bureau
    draw: Draw
    waiting: Draw
    abandoned: Draw
    sealed: Draw
    joint: Draw
    upstream: UpstreamDraw
    published: Visit
    corrected: Visit
    correction: Visit
    failed: Visit
    hidden: dict[str, Visit] = field(default_factory=dict)
    approved: Snapshot | None = None
    draft: Snapshot | None = None
    secrets: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def home(settings, tmp_path):
    """An installation of the invented city, with a folder of its own."""
    settings.HOME = tmp_path
    city.choose("hengchuan")
    return tmp_path


@pytest.fixture
def empty(db, home):
    """A platform right after `zhunsheng init`: nothing in it yet."""
    return home


@pytest.fixture
def now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def public(staffed: Bureau, home, now) -> Public:  # noqa: F811 - a fixture
    """One draw executed, one that waits, one given up; results in every state; a snapshot approved and one not."""
    bureau = staffed  # noqa: F811
    secrets = {
        "an inspector's name": "检查员1",
        "a user's login name": "second-head",
        "a witness of a visit": "见证人甲乙丙",
        "the opinion of a firm": "企业意见甲乙丙",
        "a summary that was not published": "情况说明甲乙丙",
        "why a record was returned": "退回理由甲乙丙",
        "what a recusal is about": "回避说明甲乙丙",
        "where a risk class comes from": "分类来源甲乙丙",
        "the text of a draft": "草稿问题甲乙丙",
        "the text of a submitted record": "待审问题甲乙丙",
        "the text of a reviewed record": "已审问题甲乙丙",
        "the reason of a pending correction": "待审更正理由甲乙丙",
        "the outcome of a follow-up": "处理结果甲乙丙",
        "why a snapshot was rejected": "不批准理由甲乙丙",
        "a name on an upstream list": "上级名单企业",
        "an inspector of an upstream list": "SJ-0099-X",
        "why a firm of a sealed draw was withdrawn": "封存撤回理由甲乙丙",
    }
    bureau.inspectors[0].name = secrets["an inspector's name"]
    bureau.inspectors[0].save()
    draw = bureau.assigned()
    tasks = list(draw.tasks.order_by("no"))
    entity = tasks[0].entity
    entity.risk_class_source = secrets["where a risk class comes from"]
    entity.save()
    Recusal.objects.create(
        inspector=bureau.inspectors[0], entity=entity, kind="kin", note=secrets["what a recusal is about"],
        declared_on=datetime.date(2026, 1, 1),
    )  # fmt: skip
    private = {
        "summary": secrets["a summary that was not published"], "entity_opinion": secrets["the opinion of a firm"],
        "witness": secrets["a witness of a visit"],
    }  # fmt: skip
    published = bureau.published(tasks[0], **private)
    failed = bureau.published(tasks[1], "05")
    inspection.close_follow_up(
        failed.follow_up, by=bureau.lead(tasks[1]), at=moment(8), outcome=secrets["the outcome of a follow-up"]
    )
    corrected = bureau.published(tasks[2], "05")
    correction = inspection.correct_visit(
        corrected, bureau.entry(tasks[2], "01"), by=bureau.lead(tasks[2]), at=moment(9), reason="复查后更正结果"
    )
    inspection.review_visit(correction, by=bureau.reviewer, at=moment(10))
    correction = inspection.publish_visit(correction, by=bureau.head, at=moment(11))
    corrected.refresh_from_db()
    hidden = {
        "draft": _visit(bureau, tasks[3], secrets["the text of a draft"], submit=False),
        "submitted": _visit(bureau, tasks[4], secrets["the text of a submitted record"]),
        "reviewed": _visit(bureau, tasks[5], secrets["the text of a reviewed record"]),
        "returned": _visit(bureau, tasks[6], "退回的问题"),
    }
    inspection.review_visit(hidden["reviewed"], by=bureau.reviewer, at=moment(5))
    inspection.review_visit(
        hidden["returned"], by=bureau.reviewer, at=moment(5), passed=False, reason=secrets["why a record was returned"]
    )
    hidden["pending correction"] = inspection.correct_visit(
        published, bureau.entry(tasks[0], "05"), by=bureau.lead(tasks[0]), at=moment(12),
        reason=secrets["the reason of a pending correction"],
    )  # fmt: skip
    abandoned = bureau.announced(bureau.plan(name="放弃的抽查计划"))
    abandoned = inspection.abandon_draw(abandoned, by=bureau.second_head, at=moment(3), reason="公告后发现名录不全")
    joint = bureau.joint(name="联合抽查计划", items=bureau.items[:1])
    joint = bureau.assigned(bureau.executed(bureau.announced(joint)))
    waiting = announce(bureau.plan(name="等待抽取的计划"), by=bureau.member, at=moment(19), not_before=moment(23))
    sealed = _sealed(bureau, secrets["why a firm of a sealed draw was withdrawn"])
    found = Public(
        bureau, draw, waiting, abandoned, sealed, joint, _upstream(bureau), published, corrected, correction, failed,
        hidden, secrets=secrets,
    )  # fmt: skip
    _snapshots(found)
    return found


def _sealed(bureau: Bureau, why: str) -> Draw:  # noqa: F811
    """A sealed draw of firms that stand in no other: drawn, assigned, one of them withdrawn."""
    for _ in range(12):
        bureau.town.entity(industry="5210")
    plan = bureau.plan(name="突击检查计划", kind="directed", mode="sealed", scope={"industries": ["52"]})
    draw = bureau.assigned(bureau.executed(bureau.announced(plan)))
    inspection.withdraw_task(draw.tasks.order_by("no")[0], by=bureau.head, at=moment(4), reason=why)
    return draw


def _upstream(bureau: Bureau) -> UpstreamDraw:  # noqa: F811
    """A draw of the province, with a unit that stands on its list twice and names that are not for the public."""
    lines = [
        inspection.UpstreamLine(
            f"demo:T{number:06d}", name=f"上级名单企业{number}", drawn=number < 5, team=("P001", "SJ-0099-X")
        )
        for number in (*range(1, 11), 1)
    ]
    entry = inspection.UpstreamEntry(
        "SD-01", "省双随机平台", "省级抽查", datetime.date(2026, 3, 1), "provincial", tuple(lines)
    )
    return inspection.import_upstream([entry], by=bureau.reviewer, at=moment(18), reason="")[0]


def _visit(bureau: Bureau, task: Task, text: str, *, submit: bool = True) -> Visit:  # noqa: F811
    findings = [inspection.FindingInput(bureau.items[0], "problem", text=text)]
    entry = bureau.entry(task, "05", findings=findings, summary=text)
    return inspection.record_visit(entry, by=bureau.lead(task), at=moment(4, 16), submit=submit)


def _snapshots(found: Public) -> None:
    appraisal.load_city("hengchuan", by=None, at=timezone.now())
    town = found.bureau.town
    leader: User = town.user("leader")
    approved = appraisal.freeze(datetime.date(2026, 3, 15), by=found.bureau.quality_office, at=moment(15))
    found.approved = appraisal.decide(approved, approve=True, by=leader, at=moment(16))
    found.draft = appraisal.freeze(datetime.date(2026, 3, 17), by=found.bureau.quality_office, at=moment(17))
    rejected = appraisal.freeze(datetime.date(2026, 3, 18), by=found.bureau.quality_office, at=moment(18))
    appraisal.decide(
        rejected, approve=False, reason=found.secrets["why a snapshot was rejected"], by=leader, at=moment(19)
    )


def addresses(found: Public) -> list[str]:
    """Every address of the portal and of the public log, with data in it."""
    draws = [found.draw, found.waiting, found.abandoned, found.sealed, found.joint]
    visits = [found.published, found.corrected, found.correction, found.failed]
    assert found.approved is not None
    made = [reverse(f"portal:{name}") for name in PLAIN]
    made += [reverse("portal:home") + "?q=%E6%B5%8B%E8%AF%95", reverse("portal:home") + f"?q={found.draw.no}"]
    made += [reverse("portal:draw", args=[draw.no]) for draw in draws]
    made += [
        reverse(f"portal:{name}", args=[draw.no])
        for draw in draws
        for name in ("announcement", "frame", "leaves", "unit")
    ]
    made += [reverse("portal:bundle", args=[draw.no]) for draw in draws if draw != found.waiting]
    made += [reverse("portal:frame", args=[draw.no]) + "?show=drawn" for draw in draws]
    for draw, name in ((draw, name) for draw in draws for name in ("unit", "membership")):
        made += [reverse(f"portal:{name}", args=[draw.no]) + f"?q={unit}" for unit in units_of(draw)[:4]]
    made += [reverse("portal:unit", args=[found.draw.no]) + f"?q={task.unit_id}" for task in found.draw.tasks.all()]
    made += [
        reverse("portal:upstream_draw", args=[found.upstream.pk]),
        reverse("portal:verify"),
        reverse("portal:commitment"),
    ]
    made += [reverse("portal:burden_year", args=[2026]), reverse("portal:complaints_year", args=[2026])]
    made += [reverse("portal:decisions"), reverse("portal:complaints")]
    made += [reverse("portal:result", args=[visit.no]) for visit in visits]
    made += [reverse("portal:firm", args=[unit]) for unit in units_of(found.draw)]
    made += [reverse("portal:results") + end for end in ("?versions=all", "?export=csv&versions=all", "?export=xlsx")]
    made += [
        reverse("portal:draws") + end for end in ("?year=2026", "?export=csv&columns=no,reason,plan,state,open_by")
    ]
    made += [reverse("portal:scoreboard_year", args=[2026]), reverse("portal:snapshot", args=[found.approved.no])]
    made += [reverse("portal:snapshot_json", args=[found.approved.no])]
    made += [reverse("portal:method", args=[rule]) for rule in ("draw", "estimate", "clock")]
    made += [
        reverse("portal:table", args=["inspection/ratios"]),
        reverse("portal:table_csv", args=["inspection/ratios"]),
    ]
    made += [reverse("portal:dataset", args=[code, kind]) for code in DATASETS for kind in ("csv", "json")]
    made += [reverse("portal:guide", args=["journalist"]), reverse("portal:verifier")]
    made += [reverse("public_log:home"), reverse("public_log:export"), reverse("public_log:head")]
    if not found.sealed.secret:
        made += [reverse("portal:opened", args=[found.sealed.no])]
    return made


def units_of(draw: Draw) -> list[str]:
    """The ids of the firms on the list of a draw, in order."""
    return [str(json.loads(line)["id"]) for line in queries.frame_lines(draw)]


def opened(found: Public) -> Draw:
    """The sealed draw, opened in time."""
    found.sealed = inspection.open_draw(found.sealed, by=found.bureau.head, at=NOW)
    return found.sealed


PLAIN = (
    "home", "robots", "favicon", "draws", "upstream", "burden", "results", "scoreboard", "methods", "sampling", "tables", "data", "help",
    "accessibility", "privacy",
)  # fmt: skip
DATASETS = ("results", "draws", "inclusions", "divisions", "items", "wordings")


def portal_names() -> set[str]:
    """The names of all addresses of the portal."""
    portal = get_resolver().namespace_dict["portal"][1]
    return {str(name) for name in portal.reverse_dict if isinstance(name, str)}


def body(client: Client, address: str) -> bytes:
    """The whole answer, streamed or not. A redirect is followed no further."""
    answer = client.get(address)
    assert answer.status_code in {200, 302}, f"{address} answers {answer.status_code}"
    return b"".join(answer.streaming_content) if answer.streaming else answer.content
