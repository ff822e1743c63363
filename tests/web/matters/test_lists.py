"""The list of matters, its filters, tabs and export; the figures, each opening what it counts; what the desk shows."""

import csv
import datetime
import io

import pytest
from django.urls import reverse
from django.utils import timezone

from zhunsheng.web.desk import providers as desk
from zhunsheng.web.desk.actions import plan
from zhunsheng.web.desk.bulk import find_bulk
from zhunsheng.web.matters import actions, figures, providers, queries
from zhunsheng.web.matters.bulk import STEP
from zhunsheng.web.matters.models import Matter

pytestmark = pytest.mark.django_db

HOME = "/matters/"


def numbers(answer):
    return {row["object"].no for row in answer.context["listing"].rows}


def test_filters_find_what_they_say(room):
    now = timezone.now()
    old = room.matter_of("complaint", at=now - datetime.timedelta(days=60), subject="旧投诉")
    new = room.matter_of("complaint", respondent=room.entity.unit_id)
    other = room.matter_of("penalty")
    drill = room.matter_of("accident", drill=True)
    actions.hand_over(other, None, by=room.users["head"], at=now, reason="待分派")
    client = room.client("head")
    everything = {old.no, new.no, other.no, drill.no}
    month = (timezone.localdate() - datetime.timedelta(days=30)).isoformat()
    for query, found in (
        ("", everything),
        ("?group=consumer", {old.no, new.no}),
        ("?kind=penalty", {other.no}),
        ("?kind=complaint&state=received", {old.no, new.no}),
        ("?due=overdue", {one.no for one in Matter.objects.filter(next_due_at__lt=now)}),
        (f"?opened={month}", everything - {old.no}),
        (f"?opened_to={month}", {old.no}),
        ("?drill=yes", {drill.no}),
        ("?drill=no", everything - {drill.no}),
        ("?handler=nobody", {other.no}),
        ("?q=东河电器", {one.no for one in Matter.objects.filter(entity=room.entity)}),
        (f"?q={new.no}", {new.no}),
        ("?division=990101", {one.no for one in Matter.objects.filter(division__isnull=False)}),
        (f"?office={room.town.other_office.pk}", set()),
        ("?stage=ended", set()),
        ("?kind=complaint&step=receive", {old.no, new.no}),
        ("?kind=nonsense", set()),
        ("?due=nonsense", set()),
        ("?opened=nonsense", set()),
    ):
        answer = client.get(HOME + query)
        assert answer.status_code == 200 and numbers(answer) == found, query
    assert old.no in {one.no for one in Matter.objects.filter(next_due_at__lt=now)}


def test_tabs_count_open_matters_by_group(room):
    room.matter_of("complaint"), room.matter_of("violation_report"), room.matter_of("penalty")
    tabs = {str(tab["label"]): tab["count"] for tab in room.client("head").get(HOME).context["tabs"]}
    assert (tabs["全部"], tabs["消费维权"], tabs["执法办案"]) == (3, 2, 1)


@pytest.mark.parametrize("sort", ["no", "-no", "due", "-due", "opened", "-opened"])
def test_pages_by_key_show_every_matter_once(room, sort, monkeypatch):
    monkeypatch.setattr("zhunsheng.web.common.listing.Listing.page_size", 2)
    made = {room.matter_of(kind).no for kind in ("complaint", "penalty", "supervision_order", "recall", "interview")}
    client, url, seen = room.client("head"), f"{HOME}?sort={sort}", []
    for _page in range(4):
        answer = client.get(url)
        seen += [row["object"].no for row in answer.context["listing"].rows]
        following = answer.context["listing"].next_url
        if not following:
            break
        url = HOME + following
    assert len(seen) == 5 and set(seen) == made


def test_the_list_asks_the_same_few_questions_for_any_number_of_rows(room, django_assert_max_num_queries):
    client = room.client("head")
    for _n in range(3):
        room.matter_of("complaint")
    client.get(HOME)
    with django_assert_max_num_queries(22):
        client.get(HOME)
    for _n in range(12):
        room.matter_of("complaint")
    with django_assert_max_num_queries(22):
        client.get(HOME)


def test_the_export_has_every_column_safe(room):
    room.matter_of("complaint", subject="=1+1 漏水")
    answer = room.client("head").get(HOME + "?export=csv&columns=no&columns=title")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert rows[0] == ["办件编号", "标题"] and rows[1][1] == "'=1+1 漏水"


# -- figures -----------------------------------------------------------------------------------------------------------
def closed(room, at):
    """A complaint admitted in time, agreed on, with a sum recovered."""
    matter = room.matter_of("complaint", at=at, respondent=room.entity.unit_id)
    by = room.users["member"]
    hour = datetime.timedelta(hours=1)
    actions.take(matter, "admit", by=by, at=at + hour, facts={"respondent": room.entity.unit_id})
    actions.take(matter, "mediate", by=by, at=at + 2 * hour)
    return matter


def test_figures_are_those_of_the_engine(room):
    from zhunsheng.engine import procedure as engine

    now = timezone.now()
    for days in (3, 4):
        closed(room, now - datetime.timedelta(days=days))
    room.matter_of("complaint", at=now - datetime.timedelta(days=90))
    everything = Matter.objects.filter(procedure="complaint")
    standings = [queries.standing(one) for one in everything]
    for shown in figures.figures("complaint", everything, "office", now):
        assert shown.whole == engine.tally(shown.metric, standings, now), shown.metric.code
        assert shown.tallies.get(room.office.pk, shown.whole) == shown.whole


def test_each_number_opens_what_it_counts(room):
    now = timezone.now()
    closed(room, now - datetime.timedelta(days=3))
    late = room.matter_of("complaint", at=now - datetime.timedelta(days=40))
    client = room.client("head")
    answer = client.get("/matters/figures/?kind=complaint&opened=2020-01-01&by=division")
    cell = next(one for one in answer.context["whole"] if one["label"] == "按时受理率")
    assert cell["of"] == "1/2"
    assert numbers(client.get(cell["url"])) == {late.no}
    lines = b"".join(client.get("/matters/figures/?kind=complaint&opened=2020-01-01&export=csv").streaming_content)
    assert "按时受理率,全部,0.5,1,2" in lines.decode()


def test_drills_are_counted_apart(room):
    room.matter_of("accident", drill=True)
    shown = figures.figures("accident", Matter.objects.all(), "office", timezone.now())
    assert all(one.whole.amount == 0 for one in shown)


def test_wrong_choices_of_figures_are_said(room):
    for query in ("?kind=nonsense", "?opened=nonsense", "?by=nonsense"):
        assert room.client("head").get("/matters/figures/" + query).status_code == 422


# -- the desk ----------------------------------------------------------------------------------------------------------
def found_by(user):
    look = desk.look(providers.tasks(user, timezone.localdate()), timezone.localdate())
    return {(desk.key_of(row.kind), row.url) for row in look.rows}


def test_the_desk_shows_mine_the_unassigned_and_what_waits_for_my_decision(room):
    mine = room.matter_of("complaint")
    order = room.matter_of("special_operation")
    assert ("我承办的办件", mine.get_absolute_url()) in found_by(room.users["member"])
    assert ("等我审核、决定的办件", order.get_absolute_url()) in found_by(room.users["head"])
    actions.hand_over(mine, None, by=room.users["head"], at=timezone.now(), reason="待分派")
    assert ("待领办、分派的办件", mine.get_absolute_url()) in found_by(room.users["head"])
    assert found_by(room.firm) == set()


def test_the_calendar_has_numbers_and_limits_and_no_names(room):
    matter = room.matter_of("complaint", subject="秘密的内容")
    today = timezone.localdate()
    rows = list(providers.deadlines(room.users["member"], today, today + datetime.timedelta(days=400)))
    assert [one.no for one in rows] == [matter.no] and rows[0].on == matter.next_due_on
    assert "秘密" not in str(rows) and list(providers.deadlines(room.users["reviewer"], today, today)) == []


def test_search_text_holds_no_personal_fact(room):
    matter = room.matter_of("complaint", complainant="欧阳某某", contact="13912345678", subject="漏水的热水器")
    report = room.matter_of("violation_report", subject="举报内容很秘密")
    rows = {one.pk: providers.SOURCE.text(one) for one in providers.SOURCE.rows()}
    assert "漏水的热水器" in rows[matter.pk] and "欧阳" not in rows[matter.pk] and "139" not in rows[matter.pk]
    assert "秘密" not in rows[report.pk]
    assert not providers.SOURCE.visible_to(room.firm).exists()


def test_an_entitys_page_shows_its_matters_to_staff(room):
    matter = room.matter_of("complaint", respondent=room.entity.unit_id)
    page = room.client("member").get(reverse("registry:entity", args=[room.entity.pk])).content.decode()
    assert matter.no in page


# -- bulk --------------------------------------------------------------------------------------------------------------
def test_one_plain_step_for_many_is_rehearsed_and_done(room):
    made = [room.matter_of("complaint", respondent=room.entity.unit_id) for _n in range(3)]
    member = room.users["member"]
    for one in made[:2]:
        actions.take(one, "admit", by=member, at=timezone.now(), facts={"respondent": room.entity.unit_id})
    run = plan(STEP, Matter.objects.order_by("pk"), by=member, at=timezone.now())
    assert {row.state for row in run.rows.all()} <= {"planned", "refused"}
    client = room.client("member")
    answer = client.post(reverse("desk:bulk_run", args=[run.pk]), {"step": "complaint:mediate", "remark": ""})
    assert answer.status_code == 302
    states = sorted(Matter.objects.values_list("state", flat=True))
    assert states == ["mediating", "mediating", "received"]


def test_many_are_handed_over_with_one_reason(room):
    from tests.web.matters.conftest import colleague

    made, other = [room.matter_of("complaint") for _n in range(3)], colleague(room, "member")
    run = plan(find_bulk("matters.hand_over"), Matter.objects.all(), by=room.users["head"], at=timezone.now())
    answer = room.client("head").post(reverse("desk:bulk_run", args=[run.pk]), {"handler": other.pk, "reason": "调岗"})
    assert answer.status_code == 302
    assert Matter.objects.filter(handler=other).count() == len(made)
