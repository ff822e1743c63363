"""What the desk and an entity's page show of inspections, and to whom."""

import datetime

import pytest
import time_machine
from django.urls import reverse

from tests.web.inspection.conftest import NOT_BEFORE, moment
from zhunsheng.web.desk import providers as desk
from zhunsheng.web.desk import searching
from zhunsheng.web.desk.actions import reindex
from zhunsheng.web.inspection import actions, providers
from zhunsheng.web.inspection.models import Draw

pytestmark = pytest.mark.django_db
DAY = datetime.date(2026, 3, 10)


@pytest.fixture
def task(staffed):
    return staffed.assigned().tasks.order_by("no").first()


class Request:
    def __init__(self, user):
        self.user = user


def rows_of(user, on=DAY) -> list[desk.TaskRow]:
    return desk.look(providers.tasks(user, on), on).rows


def kinds(user) -> list[str]:
    return [str(row.kind) for row in rows_of(user)]


def test_each_has_on_the_desk_what_waits_for_them(staffed, task):
    lead = staffed.lead(task)
    rows = [
        row
        for row in desk.look(desk.tasks(lead, DAY), DAY).rows
        if row.url == reverse("inspection:task", args=[task.pk])
    ]
    assert (rows[0].title, rows[0].due_on) == (task.entity.name, datetime.date(2026, 6, 30))
    assert kinds(staffed.reviewer) == []
    visit = staffed.submitted(task, "05")
    assert kinds(staffed.reviewer) == ["审核检查记录"]
    actions.review_visit(visit, by=staffed.reviewer, at=moment(5))
    assert kinds(staffed.head) == ["公示检查结果"]
    row = rows_of(staffed.head)[0]
    # From 10 March to 1 April there are 16 working days left.
    assert (row.due_on, row.days_left) == (datetime.date(2026, 4, 1), 16)
    actions.publish_visit(visit, by=staffed.head, at=moment(6))
    assert kinds(staffed.member) == ["责令改正并复查"]
    assert "责令改正并复查" in kinds(lead)
    assert kinds(staffed.town.firm_user(task.entity)) == []


def test_plans_draws_tasks_and_records_are_found_by_number(staffed, task):
    staffed.submitted(task)
    reindex()

    def kinds_of(text, user=staffed.member):
        return [group.key for group in searching.find(user, text).groups]

    assert kinds_of(task.draw.no)[0] == "draw"
    assert kinds_of(task.no) == ["task", "visit"]
    assert kinds_of("公示信息抽查") == ["plan", "draw"]
    assert kinds_of(task.entity.name) == ["entity", "task", "visit"]
    assert kinds_of(task.no, staffed.town.firm_user(task.entity)) == []
    assert [hit.title for hit in providers.public_search(task.draw.no)] == [task.draw.no]


def test_whom_a_sealed_draw_has_drawn_is_not_found_before_it_is_opened(staffed, task):
    """Such tasks stand on the page of their draw, where each look is noted; search would leave no note."""
    reindex()
    assert searching.find(staffed.member, task.no).groups
    Draw.objects.filter(pk=task.draw_id).update(mode="sealed", opened_at=None)
    for text in (task.no, task.entity.name):
        assert "task" not in [group.key for group in searching.find(staffed.member, text).groups]
    assert searching.find(staffed.member, task.draw.no).groups[0].key == "draw"


def test_a_drawn_entity_is_told_nothing_until_the_result_is_public(staffed, task):
    entity, firm = task.entity, Request(staffed.town.firm_user(task.entity))
    staff = providers.staff_section(entity, Request(staffed.member))
    assert list(staff["tasks"]) == [task]
    visit = staffed.submitted(task, "05")
    actions.review_visit(visit, by=staffed.reviewer, at=moment(5))
    assert providers.public_section(entity, firm) is None
    assert providers.staff_section(entity, firm) is None
    actions.publish_visit(visit, by=staffed.head, at=moment(6))
    rows = providers.public_section(entity, firm)["visits"]
    assert [(row["visit"].no, row["follow_up"].kind, row["late"]) for row in rows] == [(task.no, "rectify", 0)]


def test_the_sections_show_on_the_entitys_page(staffed, task, client):
    staffed.published(task, "05")
    with time_machine.travel(moment(10), tick=False):
        client.force_login(staffed.member)
        assert "发现问题已责令改正" in client.get(reverse("registry:entity", args=[task.entity_id])).content.decode()
        client.force_login(staffed.town.firm_user(task.entity))
        text = client.get(reverse("registry:firm_home")).content.decode()
    assert "发现问题已责令改正" in text
    assert staffed.inspectors[0].name not in text


def test_both_versions_of_a_corrected_result_are_public(staffed, task):
    old = staffed.published(task, "05")
    fresh = actions.correct_visit(
        old, staffed.entry(task), by=staffed.lead(task), at=moment(9), reason="录入时选错了结果"
    )
    actions.review_visit(fresh, by=staffed.reviewer, at=moment(10))
    actions.publish_visit(fresh, by=staffed.head, at=moment(11))
    rows = providers.public_section(task.entity, Request(staffed.member))["visits"]
    assert {row["visit"].no for row in rows} == {old.no, fresh.no}


def test_a_draft_plan_waits_for_a_head_who_did_not_draft_it(staffed):
    plan = staffed.plan(approved=False)
    row = rows_of(staffed.head)[0]
    assert (row.title, str(row.kind), row.url) == (
        plan.name,
        "批准抽查计划",
        reverse("inspection:plan", args=[plan.pk]),
    )
    assert kinds(staffed.member) == kinds(staffed.reviewer) == []
    assert kinds(staffed.town.user("head", office=staffed.town.other_office)) == []
    plan.created_by = staffed.head
    plan.save()
    assert kinds(staffed.head) == []
    assert kinds(staffed.second_head) == ["批准抽查计划"]
    actions.approve_plan(plan, by=staffed.second_head, at=moment(2))
    assert kinds(staffed.second_head) == []


def test_a_draw_waits_from_its_announced_time_until_it_has_teams(staffed):
    draw = staffed.announced()
    others = [staffed.reviewer, staffed.quality_office, staffed.town.user("member", office=staffed.town.other_office)]
    with time_machine.travel(NOT_BEFORE - datetime.timedelta(minutes=1), tick=False):
        assert kinds(staffed.member) == kinds(staffed.head) == []
    with time_machine.travel(NOT_BEFORE, tick=False):
        row = rows_of(staffed.member)[0]
        assert (row.title, row.why, row.due_on) == (draw.plan.name, draw.no, draw.plan.ends_on)
        assert row.url == reverse("inspection:draw", args=[draw.no])
        assert kinds(staffed.member) == kinds(staffed.head) == ["执行抽取"]
        assert [kinds(user) for user in others] == [[], [], []]
    draw = staffed.executed(draw)
    assert kinds(staffed.member) == kinds(staffed.head) == ["关闭名单"]
    inspector = staffed.inspectors[0]
    assert kinds(inspector.user) == ["申报回避"]
    actions.declare_recusals(draw, inspector, [], kind="", note="", by=inspector.user, at=moment(3, 11))
    assert kinds(inspector.user) == []
    draw = staffed.closed(draw)
    assert kinds(staffed.member) == kinds(staffed.head) == ["派员"]
    assert [kinds(user) for user in others] == [[], [], []]
    assert kinds(staffed.inspectors[1].user) == []
    staffed.assigned(draw)
    assert kinds(staffed.member) == kinds(staffed.head) == []


def test_an_abandoned_draw_waits_for_nobody(staffed):
    draw = staffed.announced()
    actions.abandon_draw(draw, by=staffed.head, at=moment(3), reason="彩票停售,另行公告")
    assert kinds(staffed.member) == kinds(staffed.head) == []


def test_a_rule_book_waits_for_someone_else_to_sign(staffed):
    staffed.items[0].content = "新的检查内容"
    staffed.items[0].save()
    book = actions.draft_rule_book(by=staffed.head, at=moment(9), valid_from=datetime.date(2026, 4, 1))
    assert kinds(staffed.head) == kinds(staffed.member) == kinds(staffed.quality_office) == []
    leader = staffed.town.user("leader")
    assert kinds(staffed.second_head) == kinds(leader) == ["签发实施细则"]
    row = rows_of(leader)[0]
    assert (row.url, row.due_on) == (reverse("inspection:rule_book", args=[book.version]), datetime.date(2026, 4, 1))
    # A later book that says something else again is signed first: the older draft is no work any more.
    staffed.items[0].content = "更新的检查内容"
    staffed.items[0].save()
    later = actions.draft_rule_book(by=staffed.head, at=moment(9), valid_from=datetime.date(2026, 4, 1))
    assert later.pk != book.pk and kinds(leader) == ["签发实施细则"] * 2
    actions.approve_rule_book(later, by=leader, at=moment(10))
    assert kinds(leader) == kinds(staffed.second_head) == []


def test_the_page_behind_a_row_offers_the_act(staffed, client):
    plan = staffed.plan(approved=False, name="另一计划")
    draw = staffed.announced()
    with time_machine.travel(moment(10), tick=False):
        client.force_login(staffed.head)
        rows = {str(row.kind): row for row in rows_of(staffed.head)}
        assert reverse("inspection:approve_plan", args=[plan.pk]) in page(client, rows["批准抽查计划"].url)
        assert reverse("inspection:execute", args=[draw.no]) in page(client, rows["执行抽取"].url)
        for step, kind, view in ((staffed.executed, "关闭名单", "close_list"), (staffed.closed, "派员", "assign")):
            draw = step(draw)
            rows = {str(row.kind): row for row in rows_of(staffed.head)}
            assert reverse(f"inspection:{view}", args=[draw.no]) in page(client, rows[kind].url)


def page(client, url) -> str:
    found = client.get(url)
    assert found.status_code == 200
    return found.content.decode()


def test_a_long_queue_is_paged_and_all_of_it_counted(staffed, task, client):
    tasks = list(task.draw.tasks.all())
    actions.record_visits([staffed.entry(one, "05") for one in tasks], by=staffed.member, at=moment(4, 16))
    look = desk.look(providers.tasks(staffed.reviewer, DAY), DAY, size=10)
    assert (len(look.rows), look.total, look.lights["overdue"]) == (10, 18, 0)
    rest = desk.look(providers.tasks(staffed.reviewer, DAY), DAY, size=10, after=look.after)
    assert (len(rest.rows), rest.after) == (8, "")
    assert len({row.url for row in (*look.rows, *rest.rows)}) == 18
    late = datetime.date(2026, 4, 2)
    assert desk.look(providers.tasks(staffed.reviewer, late), late, size=10).lights["overdue"] == 18
    with time_machine.travel(moment(2, month=4), tick=False):
        client.force_login(staffed.reviewer)
        assert client.get(reverse("desk:home")).context["overdue"] == 18
        listed = page(client, reverse("inspection:review_queue"))
    assert all(one.entity.name in listed for one in tasks)


def test_the_desk_asks_few_questions(staffed, task, django_assert_max_num_queries):
    """One for the posts, one or two for each kind of work that the user's posts allow."""
    tasks = list(task.draw.tasks.all())
    visits = actions.record_visits([staffed.entry(one, "05") for one in tasks], by=staffed.member, at=moment(4, 16))
    assert len(visits) == 18
    for user, queries in ((staffed.reviewer, 8), (staffed.head, 16), (staffed.lead(task), 7)):
        fresh = type(user).objects.get(pk=user.pk)
        with django_assert_max_num_queries(queries):
            desk.look(providers.tasks(fresh, DAY), DAY)
