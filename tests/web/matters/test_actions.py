"""Matters move by the procedure and by nothing else; what is refused leaves no trace."""

import datetime
import threading

import pytest
from django.db import connection, connections

from zhunsheng.engine.clock import CHINA
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.matters import actions, queries
from zhunsheng.web.matters.models import Counter, Deadline, Disclosure, Matter, MatterLink, MatterStep, StepFact
from zhunsheng.web.public_log.models import Act, LogEntry

pytestmark = pytest.mark.django_db

MONDAY = datetime.datetime(2026, 11, 2, 9, 0, tzinfo=CHINA)


def later(**by):
    return MONDAY + datetime.timedelta(**by)


@pytest.fixture
def staff(town):
    return {role: town.user(role) for role in ("member", "reviewer", "head", "inspector")}


def complaint(town, by=None, **facts):
    given = {
        "channel": "web",
        "subject": "热水器用了三天漏水，商家不肯退货",
        "complainant": "张三",
        "contact": "13912345678",
        **facts,
    }
    return actions.open_matter("complaint", by=by, at=MONDAY, office=town.office, facts=given)


def test_a_complaint_filed_by_the_public_is_numbered_masked_and_due(town):
    matter = complaint(town)
    assert matter.no == "TS-2026-00001"
    assert (matter.procedure, matter.version, matter.state) == ("complaint", "2020", "received")
    assert matter.next_limit and matter.next_due_on == datetime.date(2026, 11, 11)  # seven working days
    assert "张三" not in matter.title
    personal = set(StepFact.objects.filter(matter=matter, personal=True).values_list("code", flat=True))
    assert personal == {"complainant", "contact"}
    assert Act.objects.get(verb="matter.open").subject_id == matter.no
    assert Deadline.objects.filter(matter=matter, status="running").count() == 1


def test_a_step_moves_the_matter_and_issues_its_document(town, staff):
    entity = town.entity()
    matter = complaint(town)
    actions.hand_over(matter, staff["member"], by=staff["head"], at=later(hours=1), reason="分派")
    step = actions.take(
        matter, "admit", by=staff["member"], at=later(days=1), facts={"respondent": entity.unit_id}, after=1
    )
    matter.refresh_from_db()
    assert (step.seq, matter.state, matter.entity) == (2, "admitted", entity)
    assert matter.firm_sees
    paper = matter.documents.get()
    assert paper.issued is not None
    assert (
        paper.sha256 == paper.issued.content_sha256 == StepFact.objects.get(matter=matter, code="admission_notice").text
    )
    again = actions.take(
        matter, "admit", by=staff["member"], at=later(days=1), facts={"respondent": entity.unit_id}, after=1
    )
    assert again == step
    assert MatterStep.objects.filter(matter=matter).count() == 2
    assert queries.standing(matter).state.code == "admitted"


def test_a_refused_step_writes_nothing(town, staff):
    matter = complaint(town)
    before = (MatterStep.objects.count(), StepFact.objects.count(), Act.objects.count())
    with pytest.raises(Refused) as problem:
        actions.take(matter, "admit", by=staff["member"], at=later(days=1))
    assert "respondent" in problem.value.fields
    with pytest.raises(NotAllowed):
        actions.take(matter, "admit", by=town.user("auditor"), at=later(days=1), facts={"respondent": "demo:T1"})
    with pytest.raises(Refused):
        actions.take(matter, "mediate", by=staff["member"], at=later(days=1))
    assert (MatterStep.objects.count(), StepFact.objects.count(), Act.objects.count()) == before
    assert Counter.objects.get(prefix="TS").last == 1


def test_a_first_step_that_is_refused_takes_no_number(town, staff):
    with pytest.raises(Refused):
        actions.open_matter("complaint", by=None, at=MONDAY, office=town.office, facts={"channel": "web"})
    assert not Matter.objects.exists()
    assert complaint(town).no == "TS-2026-00001"


def test_another_step_in_between_is_told_not_overwritten(town, staff):
    matter = complaint(town)
    actions.take(
        matter, "admit", by=staff["member"], at=later(days=1), facts={"respondent": town.entity().unit_id}, after=1
    )
    with pytest.raises(Refused, match="新的步骤"):
        actions.take(
            matter, "refuse", by=staff["member"], at=later(days=1), facts={"refusal_ground": "not_consumption"}, after=1
        )


def test_who_sees_a_matter(town, staff):
    entity = town.entity()
    mine = complaint(town)
    county = actions.open_matter(
        "complaint", by=None, at=MONDAY, office=town.county_office,
        facts={"channel": "web", "subject": "斤两不足", "complainant": "李四", "contact": "13812345678"},
    )  # fmt: skip
    county_member = town.user("member", town.county_office)
    stranger = town.user("member", town.other_office)
    seen = {user.username: set(queries.visible_to(user)) for user in (staff["member"], county_member, stranger)}
    assert list(seen.values()) == [{mine, county}, {county}, set()]
    firm = town.firm_user(entity)
    assert not queries.visible_to(firm).exists()
    actions.take(mine, "admit", by=staff["member"], at=later(days=1), facts={"respondent": entity.unit_id})
    assert set(queries.visible_to(firm)) == {mine}
    other = town.firm_user(town.entity())
    assert not queries.visible_to(other).exists()


def test_a_report_is_never_shown_to_the_firm_it_is_about(town, staff):
    entity = town.entity()
    report = actions.open_matter(
        "violation_report", by=None, at=MONDAY, office=town.office,
        facts={"channel": "web", "subject": "销售过期食品", "informant_named": True, "informant": "王五", "contact": "13712345678", "respondent": entity.unit_id},
    )  # fmt: skip
    assert not queries.visible_to(town.firm_user(entity)).filter(pk=report.pk).exists()


def test_every_look_at_an_informant_is_recorded(town, staff):
    report = actions.open_matter(
        "violation_report", by=None, at=MONDAY, office=town.office,
        facts={"channel": "web", "subject": "销售过期食品", "informant_named": True, "informant": "王五", "contact": "13712345678"},
    )  # fmt: skip
    with pytest.raises(NotAllowed):
        actions.reveal(report, ["informant"], by=staff["member"], at=MONDAY, reason="想看看")
    actions.hand_over(report, staff["member"], by=staff["head"], at=MONDAY, reason="分派")
    with pytest.raises(Refused):
        actions.reveal(report, ["informant"], by=staff["member"], at=MONDAY, reason=" ")
    assert actions.reveal(report, ["informant"], by=staff["member"], at=MONDAY, reason="电话核实情况") == {
        "informant": "王五"
    }
    act = Act.objects.get(verb="matter.reveal")
    assert (act.by, act.reason, act.changes) == (staff["member"], "电话核实情况", {"facts": ["informant"]})
    assert "王五" not in str(act.changes)


def test_a_firm_begins_matters_about_itself_only(town):
    entity, other = town.entity(), town.entity()
    firm = town.firm_user(entity)
    facts = {
        "kind": "product", "manner": "other", "drill": False, "occurred_at": MONDAY, "known_at": later(minutes=10), "place": "一号车间",
    }  # fmt: skip
    matter = actions.open_matter("accident", by=firm, at=later(hours=1), office=town.office, facts=facts)
    assert matter.entity == entity and matter.firm_sees and matter.handler is None
    assert Deadline.objects.get(matter=matter, limit="first_report").due_at == later(hours=1, minutes=10)
    with pytest.raises(Refused, match="本企业"):
        actions.open_matter("accident", by=firm, at=MONDAY, office=town.office, facts={**facts, "unit": other.unit_id})


def test_hand_over_needs_a_reason_a_right_and_a_post(town, staff):
    matter = complaint(town)
    with pytest.raises(NotAllowed):
        actions.hand_over(matter, staff["member"], by=staff["member"], at=MONDAY, reason="我来办")
    with pytest.raises(Refused):
        actions.hand_over(matter, staff["member"], by=staff["head"], at=MONDAY, reason="")
    with pytest.raises(Refused, match="没有岗位"):
        actions.hand_over(matter, town.user("member", town.other_office), by=staff["head"], at=MONDAY, reason="分派")
    done = actions.hand_over(matter, staff["member"], by=staff["head"], at=MONDAY, reason="分派")
    assert done.handler == staff["member"]
    assert [row.handler for row in matter.assignments.all()] == [None, staff["member"]]


def test_a_link_joins_two_matters_once(town, staff):
    first, second = complaint(town), complaint(town)
    for _n in range(2):
        actions.link(first, second, MatterLink.Kind.SAME_TEXT, by=staff["member"], at=MONDAY, reason="同一诉求")
    assert MatterLink.objects.count() == 1
    with pytest.raises(Refused):
        actions.link(first, first, MatterLink.Kind.SAME_TEXT, by=staff["member"], at=MONDAY)


def publishable(town, staff):
    """An abnormal-list matter one step before it is published."""
    entity = town.entity()
    facts = {"party": entity.unit_id, "ground": "no_annual_report", "verified_on": datetime.date(2026, 11, 2)}
    return actions.open_matter("abnormal_list", by=staff["member"], at=MONDAY, office=town.office, facts=facts)


def test_nothing_is_public_before_a_second_person_has_approved_its_class(town, staff):
    matter = publishable(town, staff)
    with pytest.raises(Refused, match="信息公开属性"):
        actions.take(matter, "list", by=staff["head"], at=later(days=1))
    with pytest.raises(NotAllowed):
        actions.classify(matter, "active", by=staff["member"], at=MONDAY)
    actions.classify(matter, "active", by=staff["reviewer"], at=later(hours=1))
    actions.take(matter, "list", by=staff["head"], at=later(days=1))
    shown = Disclosure.objects.get(matter=matter)
    assert shown.state == "published" and shown.version == 1
    assert LogEntry.objects.filter(kind="matter.publish").count() == 1
    assert matter.entity.name in {fact.shown for fact in shown.facts.all()}


def test_a_correction_keeps_both_versions_and_a_withdrawal_its_reason(town, staff):
    matter = publishable(town, staff)
    actions.classify(matter, "active", by=staff["reviewer"], at=later(hours=1))
    actions.take(matter, "list", by=staff["head"], at=later(days=1))
    old = Disclosure.objects.get(matter=matter)
    code = old.facts.first().code
    with pytest.raises(NotAllowed):
        actions.correct(old, {code: "改"}, reason="名称有误", by=staff["member"], at=later(days=2))
    new = actions.correct(old, {code: "改正后的名称"}, reason="名称有误", by=staff["head"], at=later(days=2))
    old.refresh_from_db()
    assert (old.state, new.version, new.replaces) == ("corrected", 2, old)
    assert new.facts.get(code=code).shown == "改正后的名称" and old.facts.get(code=code).shown != "改正后的名称"
    gone = actions.withdraw(new, reason="依据的决定已撤销", by=staff["head"], at=later(days=3))
    assert gone.state == "withdrawn"
    assert (
        actions.withdraw(new, reason="依据的决定已撤销", by=staff["head"], at=later(days=4)).ended_at == gone.ended_at
    )
    assert LogEntry.objects.filter(kind__startswith="matter.").count() == 3


def test_publicity_ends_once(town, staff):
    matter = publishable(town, staff)
    actions.classify(matter, "active", by=staff["reviewer"], at=later(hours=1))
    actions.take(matter, "list", by=staff["head"], at=later(days=1))
    Disclosure.objects.update(until=datetime.date(2026, 11, 10))
    assert actions.end_expired(at=datetime.datetime(2026, 11, 10, 23, 0, tzinfo=CHINA)) == 0
    assert actions.end_expired(at=datetime.datetime(2026, 11, 11, 0, 1, tzinfo=CHINA)) == 1
    assert actions.end_expired(at=datetime.datetime(2026, 11, 12, 0, 1, tzinfo=CHINA)) == 0


def test_a_drill_publishes_nothing(town, staff):
    facts = {
        "kind": "product",
        "manner": "other",
        "drill": True,
        "occurred_at": MONDAY,
        "known_at": MONDAY,
        "place": "演练场",
    }
    matter = actions.open_matter("accident", by=staff["member"], at=MONDAY, office=town.office, facts=facts)
    assert matter.drill


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="in-memory SQLite is one connection; tests/faults does this on a file"
)
@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gaps_with_eight_officers_at_once(town):
    barrier, problems = threading.Barrier(8), []

    def file():
        try:
            barrier.wait()
            for _n in range(5):
                complaint(town)
        except Exception as problem:  # noqa: BLE001 - told by the test
            problems.append(problem)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=file) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert sorted(Matter.objects.values_list("no", flat=True)) == [f"TS-2026-{n:05d}" for n in range(1, 41)]


def test_the_same_form_sent_twice_is_one_matter(town, staff):
    given = {"channel": "hotline", "subject": "斤两不足", "complainant": "李四", "contact": "13812345678"}
    made = [
        actions.open_matter("complaint", by=staff["member"], at=MONDAY, office=town.office, facts=given, once=mark)
        for mark in ("a-form", "a-form", "another", "")
    ]
    assert made[0] == made[1]
    assert len({one.pk for one in made}) == 3
    assert sorted(Matter.objects.values_list("no", flat=True)) == [f"TS-2026-{n:05d}" for n in (1, 2, 3)]
    other = actions.open_matter(
        "complaint", by=town.user("member"), at=MONDAY, office=town.office, facts=given, once="a-form"
    )
    assert other != made[0], "a mark is one user's own"


def test_an_officer_takes_on_what_nobody_handles(town, staff):
    matter = complaint(town)
    with pytest.raises(NotAllowed):
        actions.take_on(matter, by=town.user("member", town.other_office), at=MONDAY)
    assert actions.take_on(matter, by=staff["member"], at=MONDAY).handler == staff["member"]
    assert actions.take_on(matter, by=staff["member"], at=MONDAY).handler == staff["member"]
    assert matter.assignments.count() == 2
    with pytest.raises(Refused, match="承办"):
        actions.take_on(matter, by=town.user("member"), at=MONDAY)


def test_what_names_informants_is_assigned_by_the_head(town, staff):
    facts = {
        "channel": "web",
        "subject": "销售过期食品",
        "informant_named": True,
        "informant": "王五",
        "contact": "13712345678",
    }
    report = actions.open_matter("violation_report", by=None, at=MONDAY, office=town.office, facts=facts)
    with pytest.raises(NotAllowed, match="负责人"):
        actions.take_on(report, by=staff["member"], at=MONDAY)
