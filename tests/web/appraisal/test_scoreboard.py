"""The scoreboard: every figure from records, none made up; public only as an approved snapshot."""

import datetime
import json

import pytest
from django.urls import reverse
from django.utils import timezone

from zhunsheng.web.appraisal import actions, providers, queries
from zhunsheng.web.appraisal.models import Snapshot, Target
from zhunsheng.web.common import city
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk import providers as desk
from zhunsheng.web.public_log.models import LogEntry

ON = datetime.date(2017, 12, 31)


@pytest.fixture
def jiaozuo(town, settings, tmp_path):
    """The targets of 焦作 in an otherwise small town."""
    settings.HOME = tmp_path
    city.choose("jiaozuo")
    actions.load_city("jiaozuo", by=None, at=timezone.now())
    return town


def test_it_works(jiaozuo, client):
    client.force_login(jiaozuo.user("lead_office"))
    page = client.get(reverse("appraisal:scoreboard"))
    assert page.status_code == 200
    text = page.content.decode()
    assert Target.objects.count() == 25
    assert all(target.code in text for target in Target.objects.all())


def test_targets_without_a_register_say_no_data(jiaozuo):
    """No figure is invented: without a register there is neither a value nor a status but 'no data'."""
    lines = queries.scoreboard(ON)
    assert len(lines) == 25
    assert {line.standing.status.value for line in lines} == {"no_data"}
    assert all(line.measure is None and line.standing.value is None for line in lines)


def test_figures_without_records_have_no_value(jiaozuo):
    """A denominator of 0 is no data, neither 0 % nor 100 %."""
    for figure in queries.figures(2017, ON):
        if figure.denominator == 0:
            assert figure.value is None and figure.text == ""


def test_loading_twice_changes_nothing(jiaozuo):
    assert actions.load_city("jiaozuo", by=None, at=timezone.now()) == 0


@pytest.mark.parametrize("role", ["enterprise", "lab"])
def test_the_live_board_is_internal(jiaozuo, client, role):
    client.force_login(jiaozuo.user(role))
    assert client.get(reverse("appraisal:scoreboard")).status_code == 403


def test_anonymous_must_log_in(jiaozuo, client):
    page = client.get(reverse("appraisal:scoreboard"))
    assert page.status_code == 302 and "login" in page["Location"]


def test_a_snapshot_is_public_only_after_a_second_person(jiaozuo):
    office, leader = jiaozuo.user("lead_office"), jiaozuo.user("leader")
    at = timezone.now()
    made = actions.freeze(timezone.localdate(), by=office, at=at)
    assert made.state == Snapshot.State.DRAFT and not LogEntry.objects.filter(kind="snapshot.approve").exists()
    with pytest.raises(NotAllowed):
        actions.decide(made, approve=True, by=office, at=at)
    done = actions.decide(made, approve=True, by=leader, at=at)
    assert done.state == Snapshot.State.APPROVED
    entry = LogEntry.objects.get(kind="snapshot.approve")
    assert json.loads(entry.body)["data"]["sha256"] == made.sha256


def test_freezing_the_same_figures_gives_the_same_snapshot(jiaozuo):
    office, at = jiaozuo.user("lead_office"), timezone.now()
    first = actions.freeze(timezone.localdate(), by=office, at=at)
    again = actions.freeze(timezone.localdate(), by=office, at=at + datetime.timedelta(minutes=5))
    assert first.pk == again.pk and Snapshot.objects.count() == 1


def test_deciding_twice(jiaozuo):
    office, leader, at = jiaozuo.user("lead_office"), jiaozuo.user("leader"), timezone.now()
    made = actions.freeze(timezone.localdate(), by=office, at=at)
    actions.decide(made, approve=False, reason="数字待核", by=leader, at=at)
    actions.decide(made, approve=False, reason="数字待核", by=leader, at=at)  # the same again: silent
    with pytest.raises(Refused):
        actions.decide(made, approve=True, by=leader, at=at)


def test_a_rejection_needs_a_reason(jiaozuo):
    office, leader, at = jiaozuo.user("lead_office"), jiaozuo.user("leader"), timezone.now()
    made = actions.freeze(timezone.localdate(), by=office, at=at)
    with pytest.raises(Refused):
        actions.decide(made, approve=False, reason="  ", by=leader, at=at)


@pytest.mark.parametrize("role", ["member", "head", "leader", "auditor"])
def test_only_the_quality_office_freezes(jiaozuo, role):
    with pytest.raises(NotAllowed):
        actions.freeze(timezone.localdate(), by=jiaozuo.user(role), at=timezone.now())


def test_no_snapshot_of_tomorrow(jiaozuo):
    with pytest.raises(Refused):
        actions.freeze(
            timezone.localdate() + datetime.timedelta(days=1), by=jiaozuo.user("lead_office"), at=timezone.now()
        )


def test_target_and_figure_pages(jiaozuo, client):
    client.force_login(jiaozuo.user("member"))
    for target in Target.objects.all():
        page = client.get(reverse("appraisal:target", args=[target.code]))
        assert page.status_code == 200 and "暂无数据" in page.content.decode()
    for figure in queries.figures(2017, ON):
        assert client.get(reverse("appraisal:figure", args=[figure.code])).status_code == 200
    assert client.get(reverse("appraisal:target", args=["T99"])).status_code == 404


def test_english_page_is_english(jiaozuo, client):
    client.force_login(jiaozuo.user("member"))
    client.cookies["language"] = "en"
    text = client.get(reverse("appraisal:target", args=["T01"])).content.decode()
    assert "Pass rate of key industrial products" in text


def test_queries_stay_few(jiaozuo, client, django_assert_max_num_queries):
    client.force_login(jiaozuo.user("member"))
    client.get(reverse("appraisal:scoreboard"))
    with django_assert_max_num_queries(40):
        client.get(reverse("appraisal:scoreboard"))


def rows_of(user) -> list[desk.TaskRow]:
    return desk.look(providers.tasks(user, ON), ON).rows


def test_a_snapshot_waits_on_the_desk_of_a_leader(jiaozuo, client):
    office, leader, drafter = jiaozuo.user("lead_office"), jiaozuo.user("leader"), jiaozuo.user("leader")
    made = actions.freeze(timezone.localdate(), by=office, at=timezone.now())
    Snapshot.objects.filter(pk=made.pk).update(created_by=drafter)
    assert [rows_of(user) for user in (office, drafter, jiaozuo.user("head"))] == [[], [], []]
    (row,) = rows_of(leader)
    assert (row.title, row.url, row.due_on) == (made.no, reverse("appraisal:snapshot", args=[made.no]), None)
    client.force_login(leader)
    assert row.url in client.get(reverse("desk:home")).content.decode()
    assert reverse("appraisal:decide", args=[made.no]) in client.get(row.url).content.decode()
    actions.decide(made, approve=True, by=leader, at=timezone.now())
    assert rows_of(leader) == []
