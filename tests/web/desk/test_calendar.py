"""The calendar: a secret address, numbers and limits only, the same bytes for the same day."""

import datetime

import pytest
import time_machine
from django.test import Client
from icalendar import Calendar

from zhunsheng.web.desk import actions, calendar, providers
from zhunsheng.web.desk.models import Preference
from zhunsheng.web.desk.providers import Deadline

pytestmark = pytest.mark.django_db
ON = datetime.date(2026, 11, 24)
CITY = datetime.timezone(datetime.timedelta(hours=8))


@pytest.fixture
def deadlines(monkeypatch):
    """What every user has to do, as the rooms say it."""
    known = []
    monkeypatch.setattr(
        providers, "_deadlines", [lambda user, start, end: [one for one in known if start <= one.on <= end]]
    )
    with time_machine.travel(datetime.datetime(2026, 11, 24, 2, tzinfo=datetime.UTC), tick=False):
        yield known


@pytest.fixture
def feed(town, deadlines):
    lin = town.user("member")
    return f"/desk/calendar/{calendar.token(actions.open_calendar(lin))}.ics"


def one(n=1, on=ON, **more) -> Deadline:
    return Deadline(f"matters.limit.{n}", f"TS-2026-{n:04d}", "受理期限", f"/matters/{n}/", on, **more)


def events(answer) -> list:
    return list(Calendar.from_ical(answer.content).walk("VEVENT"))


def test_it_works(feed, deadlines, settings):
    settings.SITE_URL = "https://zl.example.org"
    deadlines += [one(1), one(2, ON + datetime.timedelta(days=9))]
    answer = Client().get(feed)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    first, second = events(answer)
    assert first["SUMMARY"] == "受理期限 TS-2026-0001"
    assert (first.decoded("DTSTART"), first.decoded("DTEND")) == (ON, ON + datetime.timedelta(days=1))
    assert first["URL"] == "https://zl.example.org/matters/1/"
    assert second.decoded("DTSTART") == ON + datetime.timedelta(days=9)
    assert first["UID"] != second["UID"]


def test_a_limit_of_hours_is_an_instant(feed, deadlines):
    at = datetime.datetime(2026, 11, 24, 17, 30, tzinfo=CITY)
    deadlines.append(one(at=at))
    (event,) = events(Client().get(feed))
    assert event.decoded("DTSTART") == at


def test_an_empty_calendar_is_one(feed):
    assert events(Client().get(feed)) == []


def test_only_what_is_near(feed, deadlines):
    deadlines += [one(1, ON - datetime.timedelta(days=60)), one(2, ON), one(3, ON + datetime.timedelta(days=600))]
    assert [event["SUMMARY"] for event in events(Client().get(feed))] == ["受理期限 TS-2026-0002"]


def test_a_text_with_line_breaks_stays_one_event(feed, deadlines):
    deadlines.append(Deadline("x", "甲\r\nEND:VEVENT\r\nBEGIN:VEVENT", "期限;,\\", "/x/", ON))
    assert len(events(Client().get(feed))) == 1


def test_unchanged_is_not_sent_again(feed, deadlines):
    deadlines.append(one())
    client = Client()
    first = client.get(feed)
    again = client.get(feed, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    deadlines.append(one(2))
    assert client.get(feed, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


class TestSecrecy:
    @pytest.mark.parametrize(
        "spoil",
        [
            lambda t: t[:-1] + "0" if t[-1] != "0" else t[:-1] + "1",
            lambda t: "0" * 72,
            lambda t: "x",
            lambda t: t + "0",
            lambda t: t[:32],
        ],
    )
    def test_a_wrong_address_is_no_address(self, feed, spoil):
        token = feed.removeprefix("/desk/calendar/").removesuffix(".ics")
        missing = Client().get("/desk/calendar/" + "f" * 72 + ".ics")
        answer = Client().get(f"/desk/calendar/{spoil(token)}.ics")
        assert (answer.status_code, missing.status_code) == (404, 404)
        assert (answer.content, answer.headers) == (missing.content, missing.headers)

    def test_the_stored_half_alone_opens_nothing(self, feed):
        key = Preference.objects.get().feed_key
        assert Client().get(f"/desk/calendar/{key}.ics").status_code == 404

    def test_a_new_address_closes_the_old_one(self, client, feed):
        lin = Preference.objects.get().user
        client.force_login(lin)
        client.post("/desk/preferences/calendar/open/")
        assert Client().get(feed).status_code == 404
        fresh = client.get("/desk/preferences/").context["feed_url"]
        assert Client().get(fresh).status_code == 200

    def test_revoked_is_gone_and_again_is_harmless(self, client, feed):
        client.force_login(Preference.objects.get().user)
        for _ in range(2):
            assert client.post("/desk/preferences/calendar/close/").status_code == 302
        assert Client().get(feed).status_code == 404

    def test_who_left_has_no_calendar(self, feed):
        user = Preference.objects.get().user
        user.is_active = False
        user.save()
        assert Client().get(feed).status_code == 404

    def test_who_has_no_post_any_more_has_none(self, feed):
        Preference.objects.get().user.posts.all().delete()
        assert Client().get(feed).status_code == 404

    def test_two_users_have_two_calendars(self, town, deadlines, monkeypatch):
        lin, wu = town.user("member"), town.user("head")
        monkeypatch.setattr(providers, "_deadlines", [lambda user, start, end: [one(user.pk)]])
        feeds = [f"/desk/calendar/{calendar.token(actions.open_calendar(user))}.ics" for user in (lin, wu)]
        said = [events(Client().get(url))[0]["SUMMARY"] for url in feeds]
        assert said == [f"受理期限 TS-2026-{user.pk:04d}" for user in (lin, wu)]


def test_inspection_names_no_firm(staffed_feed):
    feed, task = staffed_feed
    answer = Client().get(feed)
    summaries = [str(event["SUMMARY"]) for event in events(answer)]
    assert f"检查截止 {task.no}" in summaries
    assert task.entity.name not in answer.content.decode()


@pytest.fixture
def staffed_feed(staffed):
    task = staffed.assigned().tasks.order_by("no").first()
    token = calendar.token(actions.open_calendar(staffed.lead(task)))
    with time_machine.travel(datetime.datetime(2026, 3, 10, 2, tzinfo=datetime.UTC), tick=False):
        yield f"/desk/calendar/{token}.ics", task
