"""The pages of matters: what they show, to whom, and that who someone is stays masked."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from zhunsheng.engine.procedure import codes
from zhunsheng.web.matters import queries, words
from zhunsheng.web.matters.models import Matter

pytestmark = pytest.mark.django_db

PAGES = ("matters:home", "matters:new", "matters:figures")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_pages_without_a_matter_work_and_say_so(room, name, language):
    client = room.client("member")
    client.cookies["django_language"] = language
    answer = client.get(reverse(name))
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", sorted(words.kinds()))
def test_every_kind_has_a_page_with_its_course_deadlines_and_diagram(room, kind):
    matter = room.matter_of(kind)
    answer = room.client("head").get(matter.get_absolute_url())
    assert answer.status_code == 200
    page = answer.content.decode()
    assert matter.no in page and "<svg" in page
    assert len(answer.context["events"]) >= 1
    assert {row["name"] for row in answer.context["dues"]} == {row.name for row in matter.deadlines.all()}


def test_personal_facts_are_masked_in_the_page_the_list_and_the_export(room):
    matter = room.matter_of("complaint", complainant="欧阳某某", contact="13912345678", subject="漏水")
    for role in ("head", "auditor", "leader"):
        client = room.client(role)
        for url in (
            matter.get_absolute_url(),
            reverse("matters:file", args=[matter.no]),
            reverse("matters:home"),
            reverse("matters:home") + "?export=csv",
            reverse("matters:step", args=[matter.no, "admit"]),
        ):
            answer = client.get(url)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            assert "欧阳某某" not in body.decode() and "13912345678" not in body.decode(), (role, url)
    assert "139＊＊＊＊5678" in room.client("head").get(matter.get_absolute_url()).content.decode()


def test_a_matter_of_another_office_is_not_there(room):
    matter = room.matter_of("complaint")
    client = Client()
    client.force_login(room.town.user("head", office=room.town.other_office))
    assert client.get(matter.get_absolute_url()).status_code == 404
    assert client.post(reverse("matters:reveal", args=[matter.no]), {"reason": "想看"}).status_code in (302, 404)
    assert matter.no not in client.get(reverse("matters:home")).content.decode()


def test_an_office_sees_the_matters_of_those_under_it(room):
    matter = room.matter_of(
        "complaint", office=room.town.county_office, by=room.town.user("member", office=room.town.county_office)
    )
    assert room.client("head").get(matter.get_absolute_url()).status_code == 200
    client = Client()
    client.force_login(room.town.user("head", office=room.town.county_office))
    assert client.get(room.matter_of("complaint").get_absolute_url()).status_code == 404


def test_firms_and_strangers_do_not_come_in(room):
    matter = room.matter_of("complaint")
    for url in (reverse("matters:home"), matter.get_absolute_url()):
        assert room.client("enterprise").get(url).status_code == 403
        assert Client().get(url).status_code == 302


def test_the_page_says_why_a_step_cannot_be_taken(room):
    matter = room.matter_of("complaint")
    answer = room.client("reviewer").get(matter.get_absolute_url())
    assert answer.context["steps"] == []
    refused = {row["name"]: row["reasons"] for row in answer.context["not_now"]}
    assert any(
        "承办" in reason or "科员" in reason or "工作人员" in reason or "由" in reason for reason in refused["受理"]
    )


def test_the_page_asks_few_questions_of_the_database(room, django_assert_max_num_queries):
    matter = room.matter_of("complaint")
    client = room.client("head")
    client.get(matter.get_absolute_url())
    with django_assert_max_num_queries(48):
        client.get(matter.get_absolute_url())


def test_every_procedure_is_a_kind_of_matter():
    assert set(words.kinds()) == set(codes())
    assert Matter.objects.count() == 0


def test_the_step_that_the_next_limit_waits_for_leads(room):
    matter = room.matter_of("complaint")
    now, member = queries.standing(matter), room.users["member"]
    mine = [one.step.code for one in queries.options(matter, now, member, timezone.now()) if one.allowed]
    assert mine[:2] == ["admit", "transfer"]
    assert mine.index("complete") > mine.index("withdraw")
