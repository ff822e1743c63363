"""From a task to a published result: recorded by the team, reviewed and published by others, corrected in the open."""

import datetime
import json

import pytest

from tests.web.inspection.conftest import VISITED, moment
from zhunsheng.engine.draw import verify
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.inspection import actions, queries
from zhunsheng.web.inspection.models import Finding, FollowUp, Task, TeamMember, Visit
from zhunsheng.web.public_log.models import Act, LogEntry
from zhunsheng.web.registry.models import Premises

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(staffed) -> Task:
    return staffed.assigned().tasks.order_by("no").first()


def state(task: Task) -> str:
    return Task.objects.get(pk=task.pk).state


def published(no: str) -> dict:
    return json.loads(LogEntry.objects.get(kind="visit.publish", subject=f"visit:{no}").body)


def test_it_works(staffed, task):
    visit = staffed.submitted(task)
    assert (visit.no, visit.state, state(task)) == (task.no, Visit.State.SUBMITTED, Task.State.RESULT_ENTERED)
    # 20 working days after Wednesday 4 March 2026, with 清明 (4–6 April): Wednesday 1 April.
    assert visit.publish_due == datetime.date(2026, 4, 1)
    assert not visit.is_public
    visit = actions.review_visit(visit, by=staffed.reviewer, at=moment(5))
    assert not visit.is_public
    visit = actions.publish_visit(visit, by=staffed.head, at=moment(6))
    assert visit.is_public
    assert list(queries.published_visits()) == [visit]
    assert state(task) == Task.State.PUBLISHED
    said = published(visit.no)["data"]
    assert said["unit"] == task.unit_id
    assert (said["result"], said["wording"], said["days_late"]) == ("01", "未发现问题", 0)
    assert set(said["inspectors"]) == set(task.team.values_list("inspector__person_no", flat=True))
    assert said["items"] == [{"code": "CJ-01", "verdict": "pass"}]


def test_a_draft_can_be_changed_until_it_is_submitted(staffed, task):
    draft = actions.VisitInput(task, VISITED, summary="未完")
    visit = actions.record_visit(draft, by=staffed.lead(task), at=moment(4, 14), submit=False)
    assert (visit.state, state(task)) == (Visit.State.DRAFT, Task.State.ASSIGNED)
    again = staffed.submitted(task)
    assert (again.pk, again.state, again.findings.count()) == (visit.pk, Visit.State.SUBMITTED, 1)


def test_submitting_the_same_again_changes_nothing(staffed, task):
    staffed.submitted(task)
    acts = Act.objects.count()
    staffed.submitted(task)
    assert Act.objects.count() == acts
    with pytest.raises(Refused, match="已提交"):
        staffed.submitted(task, "05")


def test_many_are_recorded_together_or_not_at_all(staffed):
    tasks = list(staffed.assigned().tasks.order_by("no"))
    entries = [staffed.entry(task) for task in tasks]
    bad = [*entries[:-1], staffed.entry(tasks[-1], visited_on=datetime.date(2026, 3, 1))]
    with pytest.raises(Refused, match=tasks[-1].no):
        actions.record_visits(bad, by=staffed.member, at=moment(4, 16))
    assert not Visit.objects.exists()
    visits = actions.record_visits(entries, by=staffed.member, at=moment(4, 16))
    actions.review_visits(visits, by=staffed.reviewer, at=moment(5))
    actions.publish_visits(visits, by=staffed.head, at=moment(6))
    assert queries.published_visits().count() == 18
    assert LogEntry.objects.filter(kind="visit.publish").count() == 18


# -- what a record must say --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"visited_on": datetime.date(2026, 3, 2)}, "visited_on"),  # the day before the draw
        ({"visited_on": datetime.date(2026, 3, 5)}, "visited_on"),  # tomorrow
        ({"findings": []}, "findings"),
        ({"signed": "refused"}, "witness"),
        ({"signed": "absent", "witness": " "}, "witness"),
    ],
)
def test_an_incomplete_record_is_refused_with_its_field(staffed, task, values, field):
    with pytest.raises(Refused) as refusal:
        staffed.submitted(task, **values)
    assert field in refusal.value.fields
    assert not Visit.objects.exists()


def test_a_refused_signature_with_a_witness_is_recorded(staffed, task):
    assert staffed.submitted(task, signed="refused", witness="社区工作人员").signed == "refused"


def test_exactly_one_result_that_agrees_with_the_verdicts(staffed, task):
    item = staffed.items[0]
    bad = [actions.FindingInput(item, Finding.Verdict.PROBLEM, "未公示")]
    good = [actions.FindingInput(item, Finding.Verdict.PASS)]
    for code, findings, field in [("01", bad, "result"), ("05", good, "result"), ("05", [], "findings")]:
        with pytest.raises(Refused) as refusal:
            staffed.submitted(task, code, findings=findings)
        assert field in refusal.value.fields
    with pytest.raises(Refused) as refusal:
        actions.record_visit(actions.VisitInput(task, VISITED, findings=good), by=staffed.lead(task), at=moment(4, 16))
    assert "result" in refusal.value.fields


def test_a_problem_needs_words(staffed, task):
    with pytest.raises(Refused, match="请写明问题"):
        staffed.submitted(task, "05", findings=[actions.FindingInput(staffed.items[0], Finding.Verdict.PROBLEM, " ")])


def test_items_outside_the_plan_have_no_verdict(staffed, task):
    with pytest.raises(Refused, match="一一对应"):
        staffed.submitted(task, findings=[actions.FindingInput(staffed.items[1], Finding.Verdict.PASS)])


def test_nobody_at_home_needs_no_verdicts(staffed, task):
    visit = staffed.published(task, "04", findings=[], signed="absent", witness="居委会")
    assert visit.result.estimation_role == "non_response"


def test_a_wording_of_another_time_is_refused(staffed, task):
    old = actions.VisitInput(
        task,
        VISITED,
        result=queries.wordings_on(datetime.date(2018, 1, 1)).get(code="S1"),
        findings=[actions.FindingInput(staffed.items[0], Finding.Verdict.PASS)],
    )
    with pytest.raises(Refused, match="不在有效期内"):
        actions.record_visit(old, by=staffed.lead(task), at=moment(4, 16))


def test_premises_of_another_entity_are_refused(staffed, task):
    other = Premises.objects.create(entity=staffed.town.entity(), address="别处")
    with pytest.raises(Refused, match="不属于"):
        staffed.submitted(task, premises=other)


# -- who may -----------------------------------------------------------------------------------------------------------
def test_only_the_team_or_a_clerk_records(staffed, task):
    on_team = set(task.team.values_list("inspector_id", flat=True))
    stranger = next(one for one in staffed.inspectors if one.pk not in on_team)
    for who in (stranger.user, staffed.reviewer, staffed.head, staffed.town.user("member", staffed.town.other_office)):
        with pytest.raises(NotAllowed):
            actions.record_visit(staffed.entry(task), by=who, at=moment(4, 16))
    assert actions.record_visit(staffed.entry(task), by=staffed.member, at=moment(4, 16)).entered_by == staffed.member


def test_nobody_reviews_or_publishes_what_they_entered_or_visited(staffed, task):
    from zhunsheng.web.people.models import Post

    lead, other = (member.inspector.user for member in task.team.order_by("-lead"))
    for user in (lead, other):
        Post.objects.create(user=user, office=staffed.town.office, role="reviewer")
    visit = staffed.submitted(task)
    for user in (
        lead,
        other,
        staffed.member,
        staffed.quality_office,
        staffed.town.user("reviewer", staffed.town.other_office),
    ):
        with pytest.raises(NotAllowed):
            actions.review_visit(visit, by=user, at=moment(5))
    actions.review_visit(visit, by=staffed.reviewer, at=moment(5))
    for user in (lead, other, staffed.member):
        with pytest.raises(NotAllowed):
            actions.publish_visit(visit, by=user, at=moment(6))
    assert not queries.published_visits().exists()


def test_the_one_who_was_replaced_does_not_review_either(staffed, task):
    from zhunsheng.web.people.models import Post

    gone = task.team.get(lead=False).inspector
    actions.replace_inspector(task, gone, by=staffed.member, at=moment(3, 13), reason="突发疾病")
    Post.objects.create(user=gone.user, office=staffed.town.office, role="reviewer")
    visit = staffed.submitted(task)
    with pytest.raises(NotAllowed):
        actions.review_visit(visit, by=gone.user, at=moment(5))


# -- review and publication --------------------------------------------------------------------------------------------
def test_a_returned_record_goes_back_to_the_team(staffed, task):
    visit = staffed.submitted(task)
    with pytest.raises(Refused, match="理由"):
        actions.review_visit(visit, by=staffed.reviewer, at=moment(5), passed=False)
    visit = actions.review_visit(visit, by=staffed.reviewer, at=moment(5), passed=False, reason="请补充现场情况")
    assert (visit.state, state(task)) == (Visit.State.RETURNED, Task.State.ASSIGNED)
    with pytest.raises(Refused):
        actions.publish_visit(visit, by=staffed.head, at=moment(6))
    again = staffed.submitted(task, summary="已补充")
    assert (again.pk, again.state) == (visit.pk, Visit.State.SUBMITTED)


def test_reviewing_and_publishing_again_changes_nothing(staffed, task):
    visit = staffed.published(task, "05")
    acts = Act.objects.count()
    actions.publish_visit(visit, by=staffed.head, at=moment(9))
    assert Act.objects.count() == acts
    assert Visit.objects.get(pk=visit.pk).published_at == moment(6)
    assert FollowUp.objects.count() == 1


def test_unreviewed_is_not_published(staffed, task):
    with pytest.raises(Refused, match="尚未审核"):
        actions.publish_visit(staffed.submitted(task), by=staffed.head, at=moment(6))


def test_a_late_publication_says_by_how_many_days(staffed, task):
    visit = staffed.submitted(task)
    actions.review_visit(visit, by=staffed.reviewer, at=moment(5))
    actions.publish_visit(visit, by=staffed.head, at=moment(3, month=4))
    assert published(visit.no)["data"]["days_late"] == 2


# -- follow-up ---------------------------------------------------------------------------------------------------------
def test_the_wording_opens_a_follow_up_with_its_limit(staffed, task):
    visit = staffed.published(task, "05")
    follow_up = visit.follow_up
    # 责令改正 30 calendar days after 4 March: 3 April 2026, a Friday.
    assert (follow_up.kind, follow_up.due_on, state(task)) == (
        "rectify",
        datetime.date(2026, 4, 3),
        Task.State.FOLLOWUP_OPEN,
    )
    with pytest.raises(Refused, match="处理结果"):
        actions.close_follow_up(follow_up, by=staffed.member, at=moment(20), outcome="")
    with pytest.raises(NotAllowed):
        actions.close_follow_up(follow_up, by=staffed.reviewer, at=moment(20), outcome="已改正")
    closed = actions.close_follow_up(follow_up, by=staffed.lead(task), at=moment(20), outcome="复查合格")
    acts = Act.objects.count()
    assert (closed.state, state(task)) == (FollowUp.State.CLOSED, Task.State.CLOSED)
    actions.close_follow_up(closed, by=staffed.member, at=moment(21), outcome="又一次")
    assert Act.objects.count() == acts
    assert FollowUp.objects.get().outcome == "复查合格"


def test_the_abnormal_list_counts_from_the_verification(staffed, task):
    visit = staffed.published(task, "04", findings=[], signed="absent", witness="居委会")
    # 10 working days after the review of 5 March 2026 (Thursday): 19 March.
    assert (visit.follow_up.kind, visit.follow_up.due_on) == ("abnormal_list", datetime.date(2026, 3, 19))


# -- corrections -------------------------------------------------------------------------------------------------------
def test_a_correction_is_a_new_version_and_both_are_public(staffed, task):
    old = staffed.published(task, "05")
    fresh = actions.correct_visit(
        old, staffed.entry(task, "01"), by=staffed.lead(task), at=moment(9), reason="录入时选错了结果"
    )
    assert (fresh.no, fresh.state) == (f"{task.no}-v2", Visit.State.SUBMITTED)
    assert [visit.pk for visit in queries.published_visits()] == [old.pk]
    actions.review_visit(fresh, by=staffed.reviewer, at=moment(10))
    actions.publish_visit(fresh, by=staffed.head, at=moment(11))
    assert {visit.no: visit.state for visit in queries.published_visits()} == {
        old.no: Visit.State.CORRECTED,
        fresh.no: Visit.State.PUBLISHED,
    }
    assert published(fresh.no)["data"]["corrects"] == old.no
    # What the wrong result called for is closed, and the task with it.
    assert FollowUp.objects.get().state == FollowUp.State.CLOSED
    assert state(task) == Task.State.PUBLISHED
    bundle = queries.bundle(task.draw)
    assert [(one["id"], one["code"]) for one in bundle["results"]] == [(task.unit_id, "01")]
    assert verify(bundle).ok


def test_a_correction_under_way_is_not_made_twice(staffed, task):
    old = staffed.published(task, "05")
    entry = staffed.entry(task, "01")
    first = actions.correct_visit(old, entry, by=staffed.lead(task), at=moment(9), reason="录入时选错了结果")
    assert actions.correct_visit(old, entry, by=staffed.lead(task), at=moment(9), reason="录入时选错了结果") == first
    with pytest.raises(Refused, match="在办理"):
        actions.correct_visit(old, staffed.entry(task, "05"), by=staffed.lead(task), at=moment(9), reason="又想改一次")


def test_a_returned_correction_leaves_the_published_result(staffed, task):
    old = staffed.published(task)
    fresh = actions.correct_visit(
        old, staffed.entry(task, "05"), by=staffed.lead(task), at=moment(9), reason="录入时选错了结果"
    )
    actions.review_visit(fresh, by=staffed.reviewer, at=moment(10), passed=False, reason="证据不足")
    assert state(task) == Task.State.PUBLISHED
    assert [visit.pk for visit in queries.published_visits()] == [old.pk]


def test_a_second_correction_counts_on(staffed, task):
    visit = staffed.published(task)
    for number, code in ((2, "05"), (3, "01")):
        visit = actions.correct_visit(
            visit, staffed.entry(task, code), by=staffed.lead(task), at=moment(8 + number), reason="录入时选错了结果"
        )
        assert visit.no == f"{task.no}-v{number}"
        actions.review_visit(visit, by=staffed.reviewer, at=moment(8 + number, 12))
        visit = actions.publish_visit(visit, by=staffed.head, at=moment(8 + number, 14))


# -- withdrawing and replacing -----------------------------------------------------------------------------------------
def test_a_task_is_withdrawn_in_public_and_nobody_takes_its_place(staffed, task):
    with pytest.raises(NotAllowed):
        actions.withdraw_task(task, by=staffed.member, at=moment(4), reason="企业已停产待拆迁")
    with pytest.raises(Refused, match="理由"):
        actions.withdraw_task(task, by=staffed.head, at=moment(4), reason="")
    actions.withdraw_task(task, by=staffed.head, at=moment(4), reason="企业已停产待拆迁")
    acts = Act.objects.count()
    actions.withdraw_task(task, by=staffed.head, at=moment(4), reason="企业已停产待拆迁")
    assert Act.objects.count() == acts
    assert json.loads(LogEntry.objects.get(kind="task.withdraw").body)["data"]["unit"] == task.unit_id
    with pytest.raises(Refused):
        staffed.submitted(task)
    assert task.draw.tasks.count() == 18
    assert {"id": task.unit_id, "code": "withdrawn", "reason": "企业已停产待拆迁"} in queries.bundle(task.draw)[
        "results"
    ]


def test_a_visited_task_is_not_withdrawn(staffed, task):
    staffed.submitted(task)
    with pytest.raises(Refused, match="不能撤回"):
        actions.withdraw_task(task, by=staffed.head, at=moment(5), reason="结果不好看")


def test_a_task_whose_record_was_returned_is_not_withdrawn(staffed, task):
    actions.review_visit(
        staffed.submitted(task, "05"), by=staffed.reviewer, at=moment(5), passed=False, reason="请补充"
    )
    with pytest.raises(Refused, match="提交过"):
        actions.withdraw_task(task, by=staffed.head, at=moment(6), reason="结果不好看，撤回了事")


def test_the_next_in_line_replaces_the_absent(staffed, task):
    absent = task.team.get(lead=True).inspector
    with pytest.raises(NotAllowed):
        actions.replace_inspector(task, absent, by=staffed.reviewer, at=moment(4), reason="突发疾病")
    fresh = actions.replace_inspector(task, absent, by=staffed.member, at=moment(4), reason="突发疾病")
    acts = Act.objects.count()
    assert actions.replace_inspector(task, absent, by=staffed.member, at=moment(4), reason="突发疾病") == fresh
    assert Act.objects.count() == acts
    assert fresh.lead
    said = json.loads(LogEntry.objects.get(kind="team.replace").body)["data"]
    assert (said["change"]["out"], said["change"]["in"], said["change"]["reason"]) == (
        absent.person_no,
        fresh.inspector.person_no,
        "突发疾病",
    )
    # The assignment still stands as drawn; who came instead follows from the same seed, and is checked with it.
    found = verify(queries.bundle(task.draw))
    assert found.ok, [step for step in found.steps if step.ok is False]
    assert found.step("changes").ok
    with pytest.raises(NotAllowed):
        actions.record_visit(staffed.entry(task), by=absent.user, at=moment(4, 16))


def test_nobody_left_is_said(bureau):
    for _ in range(2):
        bureau.inspector()
    bureau.town.entity()
    task = bureau.assigned(bureau.executed(bureau.announced(bureau.plan()))).tasks.get()
    with pytest.raises(Refused, match="没有可以替换"):
        actions.replace_inspector(task, task.team.first().inspector, by=bureau.member, at=moment(4), reason="突发疾病")


def test_whoever_was_on_the_last_two_visits_does_not_go_again(bureau):
    for _ in range(3):
        bureau.inspector()
    entity = bureau.town.entity()
    bureau.items[0].frequency_max_per_year = None
    bureau.items[0].save()
    sent = []
    for number in range(3):
        plan = bureau.plan(name=f"第{number + 1}次")
        task = bureau.assigned(bureau.executed(bureau.announced(plan))).tasks.get()
        sent.append(set(task.team.values_list("inspector_id", flat=True)))
        bureau.published(task)
    both = sent[0] & sent[1]
    assert both
    assert not sent[2] & both
    assert task.entity == entity
    assert TeamMember.objects.count() == 6


# -- lists of what is to be done ---------------------------------------------------------------------------------------
def test_each_finds_what_waits_for_them(staffed, task):
    lead = staffed.lead(task)
    assert task in queries.my_tasks(lead)
    visit = staffed.submitted(task)
    assert task not in queries.my_tasks(lead)
    assert list(queries.decided_by(staffed.reviewer, queries.to_review())) == [visit]
    assert list(queries.decided_by(lead, queries.to_review())) == []
    assert list(queries.decided_by(staffed.town.user("reviewer", staffed.town.other_office), queries.to_review())) == []


def test_a_county_officer_sees_the_county(staffed, task):
    county = staffed.town.user("member", staffed.town.county_office)
    assert task in queries.visible_tasks(county)
    staffed.town.county_office.division_code = "990102"
    staffed.town.county_office.save()
    county = type(county).objects.get(pk=county.pk)
    assert task not in queries.visible_tasks(county)
