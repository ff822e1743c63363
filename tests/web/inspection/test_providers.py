"""What the desk and an entity's page show of inspections, and to whom."""

import datetime

import pytest
import time_machine
from django.urls import reverse

from tests.web.inspection.conftest import moment
from zhunsheng.web.desk import providers as desk
from zhunsheng.web.inspection import actions, providers

pytestmark = pytest.mark.django_db
DAY = datetime.date(2026, 3, 10)


@pytest.fixture
def task(staffed):
    return staffed.assigned().tasks.order_by("no").first()


class Request:
    def __init__(self, user):
        self.user = user


def kinds(user) -> list[str]:
    return [str(row.kind) for row in providers.tasks(user, DAY)]


def test_each_has_on_the_desk_what_waits_for_them(staffed, task):
    lead = staffed.lead(task)
    rows = [row for row in desk.tasks(lead, DAY) if row.url == reverse("inspection:task", args=[task.pk])]
    assert (rows[0].title, rows[0].due_on) == (task.entity.name, datetime.date(2026, 6, 30))
    assert kinds(staffed.reviewer) == []
    visit = staffed.submitted(task, "05")
    assert kinds(staffed.reviewer) == ["审核检查记录"]
    actions.review_visit(visit, by=staffed.reviewer, at=moment(5))
    assert kinds(staffed.head) == ["公示检查结果"]
    row = next(iter(providers.tasks(staffed.head, DAY)))
    # From 10 March to 1 April there are 16 working days left.
    assert (row.due_on, row.days_left) == (datetime.date(2026, 4, 1), 16)
    actions.publish_visit(visit, by=staffed.head, at=moment(6))
    assert kinds(staffed.member) == ["责令改正并复查"]
    assert "责令改正并复查" in kinds(lead)
    assert kinds(staffed.town.firm_user(task.entity)) == []


def test_plans_draws_tasks_and_records_are_found_by_number(staffed, task):
    staffed.submitted(task)
    found = [str(hit.kind) for hit in providers.staff_search(staffed.member, task.draw.no)]
    assert found == ["抽取", "检查记录"]
    assert [str(hit.kind) for hit in providers.staff_search(staffed.member, task.no)] == ["检查任务", "检查记录"]
    assert [str(hit.kind) for hit in providers.staff_search(staffed.member, "公示信息抽查")] == ["抽查计划"]
    assert list(providers.staff_search(staffed.town.firm_user(task.entity), task.no)) == []
    assert [hit.title for hit in providers.public_search(task.draw.no)] == [task.draw.no]


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


def test_the_desk_asks_few_questions(staffed, task, django_assert_max_num_queries):
    tasks = list(task.draw.tasks.all())
    visits = actions.record_visits([staffed.entry(one, "05") for one in tasks], by=staffed.member, at=moment(4, 16))
    user = type(staffed.reviewer).objects.get(pk=staffed.reviewer.pk)
    assert len(visits) == 18
    with django_assert_max_num_queries(6):
        assert len(list(providers.tasks(user, DAY))) == 18
