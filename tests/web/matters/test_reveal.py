"""Who someone is, only handlers see, with a reason and a trace, and never outside the one answer."""

import pytest
from django.test import Client
from django.urls import reverse

from zhunsheng.web.public_log.models import Act

pytestmark = pytest.mark.django_db


@pytest.fixture
def matter(room):
    return room.matter_of("complaint", complainant="欧阳某某", contact="13912345678")


def url(matter):
    return reverse("matters:reveal", args=[matter.no])


def test_a_handler_sees_it_once_and_the_look_is_recorded(room, matter):
    client = room.client("member")
    answer = client.post(url(matter), {"facts": ["contact"], "reason": "电话核实投诉"})
    assert answer.status_code == 200 and "13912345678" in answer.content.decode()
    assert "欧阳某某" not in answer.content.decode()  # not asked for
    assert "no-store" in answer["Cache-Control"]
    act = Act.objects.get(verb="matter.reveal")
    assert (act.reason, act.changes, act.by) == ("电话核实投诉", {"facts": ["contact"]}, room.users["member"])
    assert "13912345678" not in str(act.__dict__)
    page = client.get(matter.get_absolute_url()).content.decode()
    assert "13912345678" not in page and "电话核实投诉" in page


def test_without_a_reason_nothing_is_shown_or_recorded(room, matter):
    answer = room.client("member").post(url(matter), {"facts": ["contact"], "reason": ""})
    assert answer.status_code == 422 and "13912345678" not in answer.content.decode()
    assert not Act.objects.filter(verb="matter.reveal").exists()


@pytest.mark.parametrize("role", ["reviewer", "inspector", "leader", "auditor", "lead_office"])
def test_others_are_refused(room, matter, role):
    assert room.client(role).post(url(matter), {"facts": ["contact"], "reason": "想看一看"}).status_code == 403
    assert not Act.objects.filter(verb="matter.reveal").exists()


def test_it_asks_for_a_fresh_confirmation(room, matter):
    client = Client()
    client.force_login(room.users["member"])
    session = client.session
    session["step_up_at"] = 0
    session.save()
    answer = client.post(url(matter), {"facts": ["contact"], "reason": "电话核实投诉"})
    assert answer.status_code == 302 and "confirm" in answer["Location"]
    assert not Act.objects.filter(verb="matter.reveal").exists()


def test_it_is_no_address_to_visit(room, matter):
    assert room.client("member").get(url(matter)).status_code == 405
