"""A firm sees its own matters from the step at which the law tells it, does its own steps, and begins its own matters."""

import datetime

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.web.matters.test_public import MONDAY, PNG, offices  # noqa: F401 - a fixture
from zhunsheng.web.matters import actions, queries
from zhunsheng.web.matters.models import Deadline, Disclosure, Matter
from zhunsheng.web.people.models import Office
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db

HOME = "198.51.100.7"


@pytest.fixture(autouse=True)
def _monday():
    with time_machine.travel(MONDAY + datetime.timedelta(hours=2), tick=False):
        yield


@pytest.fixture
def firm(offices):  # noqa: F811
    """A firm with its account, and the browser of that account."""
    entity = offices.entity(name="衡川好家电有限公司")
    client = Client()
    client.force_login(offices.firm_user(entity))
    return offices, entity, client


@pytest.fixture
def other(offices):  # noqa: F811
    client = Client()
    client.force_login(offices.firm_user(offices.entity()))
    return client


def upload(name="材料.png", data=PNG):
    return SimpleUploadedFile(name, data)


def claim_of(town, entity):
    facts = {
        "claimant": "张小三", "contact": "13912345678", "firm": entity.unit_id, "product": "电热水器", "product_class": "other",
        "bought_on": datetime.date(2026, 10, 30), "trouble_on": datetime.date(2026, 11, 1), "basis": "return", "claimed": 129900,
    }  # fmt: skip
    proof = actions.Paper(actions.upload(upload(), at=MONDAY, address=HOME))
    wish = actions.Wish("compensation", facts, {"proof": proof})
    return actions.file([wish], office=town.office, division=None, at=MONDAY, once="b" * 32, address=HOME)[0].matter


def complaint_of(town, entity):
    facts = {
        "channel": "web", "subject": "热水器漏水不退", "complainant": "张小三", "contact": "13912345678", "respondent": entity.unit_id,
    }  # fmt: skip
    return actions.file(
        [actions.Wish("complaint", facts)], office=town.office, division=None, at=MONDAY, once="c" * 32, address=HOME
    )[0].matter


def page(client, name, *args, status=200, **query):
    answer = client.get(reverse(f"matters:{name}", args=args), query)
    assert answer.status_code == status, answer.content.decode()[:600]
    return answer.content.decode()


def test_a_claim_waits_for_the_firm_with_its_last_day_and_its_reason(firm):
    town, entity, client = firm
    matter = claim_of(town, entity)
    listed = page(client, "firm_matters")
    assert "等本企业办理" in listed and matter.title in listed
    shown = page(client, "firm_matter", matter.no)
    due = queries.standing(matter).next.deadline.due
    assert due.isoformat() in shown and "期限怎样算的" in shown
    assert reverse("matters:firm_step", args=[matter.no, "agree"]) in shown
    assert "张小三" not in shown and "13912345678" not in shown


def test_the_contact_of_a_claim_is_shown_on_asking_and_every_look_is_recorded(firm, other):
    town, entity, client = firm
    matter = claim_of(town, entity)
    address = reverse("matters:firm_contact", args=[matter.no])
    assert client.get(address).status_code == 405
    assert not Act.objects.filter(verb="matter.reveal").exists()
    assert "13912345678" in client.post(address).content.decode()
    act = Act.objects.get(verb="matter.reveal")
    assert (act.subject_id, act.changes) == (matter.no, {"facts": ["claimant", "contact"]})
    assert other.post(address).status_code == 404


def test_who_complains_is_never_told_to_the_firm(firm):
    town, entity, client = firm
    matter = complaint_of(town, entity)
    assert client.get(reverse("matters:firm_matter", args=[matter.no])).status_code == 404, "before it is admitted"
    head, member = town.user("head"), town.user("member")
    actions.hand_over(matter, member, by=head, at=MONDAY, reason="分派")
    actions.take(matter, "admit", by=member, at=MONDAY, facts={"respondent": entity.unit_id})
    shown = page(client, "firm_matter", matter.no)
    assert "热水器漏水不退" in shown
    assert "张" not in shown.split("<main")[1].split("</main")[0]
    assert client.post(reverse("matters:firm_contact", args=[matter.no])).status_code == 403


def test_a_clue_found_in_mediation_is_not_told_to_the_firm_but_to_who_complained(firm):
    town, entity, client = firm
    matter = complaint_of(town, entity)
    code = actions.renew_code(matter, by=town.user("head"), at=MONDAY)
    member = town.user("member")
    actions.take(matter, "admit", by=member, at=MONDAY, facts={"respondent": entity.unit_id})
    actions.take(matter, "mediate", by=member, at=MONDAY)
    actions.take(matter, "find_clue", by=member, at=MONDAY)
    shown = page(client, "firm_matter", matter.no)
    assert "调解" in shown and "线索" not in shown
    follower = Client()
    follower.post(reverse("matters:follow_home"), {"no": matter.no, "code": code})
    assert "发现违法线索" in page(follower, "follow", matter.no)


def test_a_report_is_never_shown_to_the_firm(firm):
    town, entity, client = firm
    facts = {"channel": "web", "subject": "销售过期食品", "informant_named": False, "respondent": entity.unit_id}
    matter = actions.file(
        [actions.Wish("violation_report", facts)],
        office=town.office,
        division=None,
        at=MONDAY,
        once="d" * 32,
        address=HOME,
    )[0].matter
    assert matter.no not in page(client, "firm_matters")
    for name, extra in (("firm_matter", []), ("firm_step", ["verify"]), ("firm_material", []), ("firm_paper", [1])):
        assert client.get(reverse(f"matters:{name}", args=[matter.no, *extra])).status_code == 404


def test_a_firm_answers_a_claim_step_by_step(firm):
    town, entity, client = firm
    matter = claim_of(town, entity)
    agree = reverse("matters:firm_step", args=[matter.no, "agree"])
    assert 'name="agreed"' in client.get(agree).content.decode()
    bad = client.post(agree, {"agreed": "1500", "pay_by": "2026-11-20", "agreement": upload(), "step_after": 1})
    assert bad.status_code == 422 and "约定金额超过请求金额" in bad.content.decode()
    done = client.post(agree, {"agreed": "1299", "pay_by": "2026-11-20", "agreement": upload(), "step_after": 1})
    assert done.status_code == 302, done.content.decode()[-2000:]
    pay = reverse("matters:firm_step", args=[matter.no, "pay"])
    assert client.post(pay, {"paid": "1299", "payment_proof": upload(), "step_after": 2}).status_code == 302
    matter.refresh_from_db()
    assert (matter.state, matter.ended_at is not None) == ("settled", True)
    assert [step.role for step in matter.steps.order_by("seq")] == ["public", "enterprise", "enterprise"]


def test_steps_of_the_office_or_of_the_claimant_are_not_the_firm_s(firm):
    town, entity, client = firm
    matter = claim_of(town, entity)
    for verb in ("withdraw", "escalate", "nonsense"):
        address = reverse("matters:firm_step", args=[matter.no, verb])
        assert client.get(address).status_code == 404 and client.post(address, {}).status_code == 404
    matter.refresh_from_db()
    assert matter.state == "claimed"


def test_another_firm_finds_nothing(firm, other):
    town, entity, _client = firm
    matter = claim_of(town, entity)
    paper = matter.documents.get()
    assert matter.title not in page(other, "firm_matters")
    for name, extra in (
        ("firm_matter", []),
        ("firm_step", ["agree"]),
        ("firm_material", []),
        ("firm_paper", [paper.pk]),
    ):
        assert other.get(reverse(f"matters:{name}", args=[matter.no, *extra])).status_code == 404


def test_staff_are_sent_to_their_own_list(firm):
    town, _entity, _client = firm
    client = Client()
    client.force_login(town.user("member"))
    page(client, "firm_matters", status=403)
    page(client, "firm_begin", "accident", status=403)
    assert Client().get(reverse("matters:firm_matters")).status_code == 302


def test_an_accident_is_counted_from_when_it_was_known(firm):
    town, entity, client = firm
    address = reverse("matters:firm_begin", args=["accident"])
    form = client.get(address).content.decode()
    assert "known_at" in form and 'name="unit"' not in form
    told = {
        "kind": "special_equipment", "manner": "other", "drill": "no", "occurred_at": "2026-11-02T05:00", "known_at": "2026-11-02T06:30",
        "place": "一号车间",
    }  # fmt: skip
    answer = client.post(address, told)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    matter = Matter.objects.get(procedure="accident")
    assert (matter.entity, matter.office, matter.firm_sees) == (entity, town.office, True)
    first = Deadline.objects.filter(matter=matter, status="running").order_by("due_at").first()
    assert first.due_at < MONDAY, "the hour from 6:30 is over by 11:00, whenever the form was filled in"
    assert "已经逾期" in page(client, "firm_matter", matter.no)


def test_a_drill_says_so_everywhere(firm):
    _town, _entity, client = firm
    client.post(
        reverse("matters:firm_begin", args=["accident"]),
        {
            "kind": "food",
            "manner": "other",
            "drill": "yes",
            "occurred_at": "2026-11-02T05:00",
            "known_at": "2026-11-02T06:30",
            "place": "食堂",
        },
    )
    matter = Matter.objects.get(procedure="accident")
    assert matter.drill
    assert "演练" in page(client, "firm_matter", matter.no) and "演练" in page(client, "firm_matters")


def test_known_before_it_happened_is_refused_with_what_was_typed(firm):
    _town, _entity, client = firm
    answer = client.post(
        reverse("matters:firm_begin", args=["accident"]),
        {
            "kind": "food",
            "manner": "other",
            "drill": "no",
            "occurred_at": "2026-11-02T07:00",
            "known_at": "2026-11-02T06:30",
            "place": "第一食堂",
        },
    )
    assert answer.status_code == 422
    assert "第一食堂" in answer.content.decode() and "知悉时间" in answer.content.decode()
    assert not Matter.objects.exists()


def test_the_office_of_the_sector_takes_a_defect(firm):
    town, entity, client = firm
    told = {"sector": "building", "unit_work": "3号楼", "location": "地下室外墙", "defect_kind": "leak"}
    none = client.post(reverse("matters:firm_begin", args=["defect_filing"]), told)
    assert none.status_code == 422 and "12345" in none.content.decode()
    housing = Office.objects.create(code="housing", name="测试市住房和城乡建设局", level="city", division_code="990100")
    assert client.post(reverse("matters:firm_begin", args=["defect_filing"]), told).status_code == 302
    matter = Matter.objects.get()
    assert (matter.office, matter.entity) == (housing, entity)


def published(town, entity):
    """A penalty of the county's, published."""
    matter = Matter.objects.create(
        no="CF-2026-00001", procedure="penalty", version="2021", title=f"{entity.name}：无证生产", office=town.county_office,
        entity=entity, division=entity.division, state="executed", state_since=MONDAY, opened_at=MONDAY, firm_sees=True,
    )  # fmt: skip
    return Disclosure.objects.create(
        matter=matter, publication="decision", title=f"行政处罚决定信息：{matter.title}", published_at=MONDAY
    )


def test_an_objection_to_what_was_published_goes_to_who_published_it(firm, other):
    town, entity, client = firm
    one = published(town, entity)
    address = reverse("matters:firm_begin", args=["objection"])
    form = page(client, "firm_begin", "objection", origin=f"disclosure:{one.pk}")
    assert one.title in form and one.matter.no in form
    told = {"record": one.title, "ground": "整改报告已于十月提交"}
    answer = client.post(f"{address}?origin=disclosure:{one.pk}", told)
    assert answer.status_code == 302, answer.content.decode()[-2000:]
    matter = Matter.objects.get(procedure="objection")
    assert (matter.origin, matter.office, matter.entity) == (f"disclosure:{one.pk}", town.county_office, entity)
    foreign = page(other, "firm_begin", "objection", origin=f"disclosure:{one.pk}")
    assert one.title not in foreign, "what is published of others is not theirs to object to"
    for odd in ("disclosure:999999", "disclosure:x", "user:1", "visit:" + "a" * 99):
        assert client.get(address, {"origin": odd}).status_code == 200


def test_credit_repair_and_recall_begin_with_the_own_firm(firm):
    _town, entity, client = firm
    told = {
        "regime": "consumer",
        "product": "电热水器 DS-60 2026年3月批次",
        "hazard": "内胆焊缝开裂漏电",
        "grave_harm": "no",
        "clue_known_on": "2026-11-01",
    }
    assert client.post(reverse("matters:firm_begin", args=["recall"]), told).status_code == 302
    form = page(client, "firm_begin", "credit_repair")
    assert 'name="party"' not in form and 'name="application"' in form
    assert set(Matter.objects.values_list("entity", flat=True)) == {entity.pk}


@pytest.mark.parametrize("code", ["penalty", "complaint", "nonsense", "accountability"])
def test_what_a_firm_cannot_begin_is_not_there(firm, code):
    _town, _entity, client = firm
    page(client, "firm_begin", code, status=404)


def test_a_firm_adds_papers_and_reads_what_is_addressed_to_it(firm):
    town, entity, client = firm
    matter = claim_of(town, entity)
    address = reverse("matters:firm_material", args=[matter.no])
    assert client.post(address, {"title": "检测报告", "upload": upload("a.exe", b"MZ")}).status_code == 422
    assert client.post(address, {"title": "检测报告", "upload": upload("b.png", PNG + b"\0")}).status_code == 302
    shown = page(client, "firm_matter", matter.no)
    assert "检测报告" in shown and "购货凭证" in shown
    paper = matter.documents.get(title="检测报告")
    got = client.get(reverse("matters:firm_paper", args=[matter.no, paper.pk]))
    assert b"".join(got.streaming_content).startswith(PNG)


def test_the_course_of_a_matter_names_the_firm_not_its_identifier(firm):
    town, entity, client = firm
    told = {
        "party": entity.unit_id, "violation": "未按规定标注", "demand": "改正标注",
        "ordered_on": MONDAY.date(), "correct_by": datetime.date(2026, 11, 20),
    }  # fmt: skip
    procedure = queries.procedure_on("rectification", MONDAY.date())
    told["ground"] = procedure.facts["ground"].choices[0].code
    matter = actions.open_matter(
        "rectification", by=town.user("head"), at=MONDAY, office=town.office, facts=told, role="head"
    )
    said = page(client, "firm_matter", matter.no).split("<main")[1].split("</main")[0]
    assert f"{entity.name}：经查" in said
    assert entity.unit_id not in said


def test_the_home_of_the_firm_says_what_is_to_be_done(firm):
    town, entity, client = firm
    matter = claim_of(town, entity)
    home = client.get(reverse("registry:firm_home")).content.decode()
    assert matter.no in home or matter.title in home
