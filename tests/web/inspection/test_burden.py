"""The burden meter: what a firm bore this year, seen alike by the firm and by the offices; papers asked for twice."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.web.inspection.conftest import moment
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.inspection import actions, queries
from zhunsheng.web.inspection.models import DocumentRequest, Plan, Visit
from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db
TIMES = {"arrived_at": datetime.time(9, 30), "left_at": datetime.time(11, 0)}


@pytest.fixture
def visited(staffed):
    task = staffed.assigned().tasks.order_by("pk").first()
    staffed.submitted(task, documents=("contracts", "licence"), **TIMES)
    return staffed, task.entity


def test_a_visit_counts_once_handed_in_with_its_time_and_papers(visited) -> None:
    _bureau, entity = visited
    meter = queries.meter_of(entity, 2026)
    assert (meter.counted, meter.minutes, meter.timed, meter.requests) == (1, 90, 1, 2)
    assert [one.request.kind for one in meter.needless] == ["licence"]
    assert queries.meter_of(entity, 2025).counted == 0


def test_a_draft_does_not_count_and_a_correction_counts_once(staffed) -> None:
    task = staffed.assigned().tasks.order_by("pk").first()
    actions.record_visit(staffed.entry(task), by=staffed.lead(task), at=moment(4, 15), submit=False)
    assert queries.meter_of(task.entity, 2026).counted == 0
    visit = staffed.published(task, documents=("contracts",), **TIMES)
    actions.correct_visit(
        visit,
        staffed.entry(task, "05", documents=("contracts",)),
        by=staffed.lead(task),
        at=moment(7),
        reason="写错了结果",
    )
    assert queries.meter_of(task.entity, 2026).counted == 1
    fresh = Visit.objects.get(corrects=visit)
    actions.review_visit(fresh, by=staffed.reviewer, at=moment(8))
    actions.publish_visit(fresh, by=staffed.head, at=moment(9))
    meter = queries.meter_of(task.entity, 2026)
    assert (meter.counted, meter.timed, meter.requests) == (1, 0, 1)


def test_a_visit_for_a_cause_is_shown_and_not_counted(visited) -> None:
    _bureau, entity = visited
    Visit.objects.update(cause="complaint")
    meter = queries.meter_of(entity, 2026)
    assert (meter.counted, meter.for_cause) == (0, 1)


def test_leaving_before_arriving_and_unknown_papers_are_refused(staffed) -> None:
    task = staffed.assigned().tasks.order_by("pk").first()
    with pytest.raises(Refused) as said:
        staffed.submitted(task, documents=("nonsense",), arrived_at=datetime.time(11, 0), left_at=datetime.time(9, 30))
    assert set(said.value.fields) == {"left_at", "documents"}
    assert not DocumentRequest.objects.exists()


def test_a_second_request_needs_a_reason_and_is_noted_once(visited) -> None:
    bureau, entity = visited
    asked = {"by": bureau.member, "at": moment(20), "requested_on": datetime.date(2026, 3, 20)}
    with pytest.raises(Refused, match="2026-03-04") as said:
        actions.request_documents(entity, ["contracts", "test_reports"], **asked)
    assert said.value.field == "reason"
    actions.request_documents(entity, ["contracts"], reason="原件核对", **asked)
    actions.request_documents(entity, ["contracts"], reason="原件核对", **asked)
    assert DocumentRequest.objects.filter(visit__isnull=True).count() == 1
    assert Act.objects.filter(verb="documents.request").count() == 1


def test_who_may_ask_and_for_what_is_checked(visited) -> None:
    bureau, entity = visited
    day = datetime.date(2026, 3, 20)
    with pytest.raises(NotAllowed):
        actions.request_documents(entity, ["contracts"], by=bureau.reviewer, at=moment(20), requested_on=day)
    with pytest.raises(Refused, match="今天"):
        actions.request_documents(entity, ["contracts"], by=bureau.member, at=moment(19), requested_on=day)
    with pytest.raises(Refused, match="材料种类表"):
        actions.request_documents(entity, [], by=bureau.member, at=moment(20), requested_on=day)


def test_the_firm_sees_its_meter_but_not_a_sealed_draw(visited, client) -> None:
    bureau, entity = visited
    client.force_login(bureau.town.firm_user(entity))
    page = client.get(reverse("registry:firm_home")).content.decode()
    assert "2026 年计入上限的检查 <strong>1</strong> 次" in page
    assert "登记索取材料" not in page
    other = entity.tasks.first().draw.tasks.exclude(entity=entity).first()
    assert list(queries.coming(other.entity, public=True)) == [other]
    draw = other.draw
    draw.mode = Plan.Mode.SEALED
    draw.save()
    assert not queries.coming(other.entity, public=True)
    assert list(queries.coming(other.entity, public=False)) == [other]


def test_the_office_sees_the_most_visited_first_and_asks_from_the_firm_s_page(visited, client) -> None:
    bureau, entity = visited
    client.force_login(bureau.member)
    page = client.get(reverse("inspection:burden")).content.decode()
    assert entity.name in page
    page = client.get(reverse("registry:entity", args=[entity.pk])).content.decode()
    form = reverse("inspection:request_documents", args=[entity.pk])
    assert form in page
    today = timezone.localdate().isoformat()
    answer = client.post(form, {"requested_on": today, "documents": ["licence"]})
    assert answer.status_code == 422 and "不必向企业索取" in answer.content.decode()
    answer = client.post(form, {"requested_on": today, "documents": ["licence"], "reason": "核对原件"})
    assert answer.status_code == 302
    assert DocumentRequest.objects.filter(visit__isnull=True, kind="licence").count() == 1


def test_the_list_asks_the_same_number_of_questions_however_long(
    visited, client, django_assert_max_num_queries
) -> None:
    bureau, _entity = visited
    client.force_login(bureau.member)
    client.get(reverse("inspection:burden"))
    with django_assert_max_num_queries(20):
        client.get(reverse("inspection:burden"))
