"""A page of tasks: the most urgent first, a light with its reason, filters and pages that lose and double nothing."""

import datetime

import pytest
import time_machine
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhunsheng.web.desk import providers, queries
from zhunsheng.web.desk.models import Digest
from zhunsheng.web.desk.providers import Light, TaskRow, Waiting
from zhunsheng.web.people.models import User

pytestmark = pytest.mark.django_db
#: a Tuesday
ON = datetime.date(2026, 11, 24)
DAY = datetime.timedelta(days=1)


def row(title, due, **more) -> TaskRow:
    return TaskRow(title, more.pop("kind", "复核"), f"/desk/?{title}", due, 0 if due else None, **more)


class TestLights:
    @pytest.mark.parametrize(
        ("due", "light"),
        [
            ("2026-11-23", Light.OVERDUE),
            ("2026-11-24", Light.TODAY),
            ("2026-11-25", Light.SOON),
            ("2026-11-27", Light.SOON),  # Friday, the third working day
            ("2026-11-29", Light.SOON),  # the Sunday after it: no working day more
            ("2026-11-30", Light.LATER),
            (None, Light.NONE),
        ],
    )
    def test_by_working_days(self, due, light):
        day = datetime.date.fromisoformat(due) if due else None
        assert providers.light_of(row("a", day), ON) == light

    def test_three_working_days_reach_past_a_holiday(self):
        """From 30 September 2026 on: the National Day's seven days off, then 8, 9 and (worked) Saturday 10 October."""
        eve = datetime.date(2026, 9, 30)
        assert providers.soon_until(eve) == datetime.date(2026, 10, 11)

    def test_a_suspended_limit_is_neither_late_nor_soon(self):
        assert providers.light_of(row("a", ON - DAY, suspended=True), ON) == Light.SUSPENDED


@pytest.fixture
def queue(town):
    """Digests as things that wait: their day is the last day."""

    def make(days, **more) -> Waiting:
        for n, day in enumerate(days):
            user = User.objects.create(username=f"waiting-{n}")
            Digest.objects.create(user=user, day=day, overdue=n)
        values = {"kind": "核查", "url": "/desk/notices/", "due": "day"} | more
        return Waiting(Digest.objects.all(), lambda one: row(f"d{one.pk}", one.day, kind=values["kind"]), **values)

    return make


def walk(found, size, **filters) -> list[str]:
    """All titles, page by page."""
    titles, after = [], ""
    while True:
        look = providers.look(found, ON, size=size, after=after, **filters)
        titles += [one.title for one in look.rows]
        after = look.after
        if not after:
            return titles


class TestPages:
    def test_singles_and_queues_are_one_order(self, queue):
        found = [
            row("later", ON + 9 * DAY),
            queue([ON + DAY, ON - DAY, ON + 30 * DAY]),
            row("none", None),
            row("today", ON),
        ]
        look = providers.look(found, ON)
        assert [one.due_on for one in look.rows] == [ON - DAY, ON, ON + DAY, ON + 9 * DAY, ON + 30 * DAY, None]
        assert look.after == ""
        assert look.lights == {"overdue": 1, "today": 1, "soon": 1, "later": 2, "none": 1}
        assert [(one.key, one.total) for one in look.kinds] == [("复核", 3), ("核查", 3)]

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
    def test_pages_lose_and_double_nothing(self, queue, size):
        days = [ON + (n % 4) * DAY for n in range(10)]
        found = [queue(days), row("a", ON + DAY), row("b", ON + DAY), row("c", None), row("e", None)]
        once = [one.title for one in providers.look(found, ON).rows]
        assert walk(found, size) == once
        assert len(set(once)) == 14

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
    @given(
        dues=st.lists(st.none() | st.integers(-5, 5), max_size=12),
        kinds=st.lists(st.sampled_from("甲乙"), min_size=12, max_size=12),
        size=st.integers(1, 5),
        light=st.sampled_from(["", *Light.values]),
    )
    def test_any_filter_on_any_pages(self, dues, kinds, size, light):
        found = [
            row(str(n), None if due is None else ON + due * DAY, kind=kinds[n]) for n, due in enumerate(dues)
        ]  # fmt: skip
        titles = walk(found, size, light=light, kind="甲")
        wanted = [
            one.title for one in found if one.kind == "甲" and light in ("", providers.light_of(one, ON).value)
        ]  # fmt: skip
        assert sorted(titles) == sorted(wanted)
        assert providers.look(found, ON, light=light, size=size).total == len(found)

    @pytest.mark.parametrize("light", ["overdue", "today", "soon", "later"])
    def test_a_light_asks_the_database_for_just_those(self, queue, light):
        found = [queue([ON + n * DAY for n in range(-3, 12)])]
        titles = walk(found, 2, light=light)
        everything = providers.look(found, ON).rows
        assert titles == [one.title for one in everything if providers.light_of(one, ON) == light]
        assert len(titles) == providers.look(found, ON, size=1).lights[light]

    def test_suspended_things_are_counted_apart(self, queue):
        found = [queue([ON - DAY, ON, ON + DAY], suspended=Q(overdue=0))]
        lights = providers.look(found, ON, size=1).lights
        assert lights == {"suspended": 1, "today": 1, "soon": 1}

    def test_a_queue_without_a_limit(self, queue):
        found = [queue([ON, ON + DAY, ON + 2 * DAY], due="")]
        look = providers.look(found, ON, size=2)
        assert (look.lights, len(look.rows)) == ({"none": 3}, 2)
        assert len(walk(found, 2)) == 3
        assert walk(found, 2, light="overdue") == []

    @pytest.mark.parametrize("after", ["x", "..", "2026-13-01.0.0", "-.a.b", "2026-11-24", "'; drop"])
    def test_a_damaged_place_is_the_beginning(self, after):
        found = [row("a", ON)]
        assert [one.title for one in providers.look(found, ON, after=after).rows] == ["a"]

    def test_an_unknown_light_is_none(self):
        assert len(providers.look([row("a", ON)], ON, light="purple").rows) == 1

    def test_thousands_cost_what_ten_do(self, queue, django_assert_max_num_queries):
        found = [queue([ON + n % 60 * DAY for n in range(300)])]
        with django_assert_max_num_queries(2):
            look = providers.look(found, ON)
        assert (len(look.rows), look.total) == (50, 300)
        with django_assert_max_num_queries(2):
            providers.look(found, ON, after=look.after)

    def test_due_between(self, queue):
        found = [
            queue([ON, ON + DAY, ON + 5 * DAY]),
            row("a", ON + DAY),
            row("b", ON + DAY, suspended=True),
            row("c", None),
        ]
        assert providers.due_between(found, ON, ON + 4 * DAY) == 2


class TestDeskPage:
    @pytest.fixture
    def tasks(self, monkeypatch):
        rows = []
        monkeypatch.setattr(providers, "_tasks", [lambda user, on: rows])
        return rows

    @time_machine.travel(datetime.datetime(2026, 11, 24, 2, tzinfo=datetime.UTC), tick=False)
    def test_lights_say_word_and_reason(self, client, town, tasks):
        tasks += [row("甲", ON - DAY), row("乙", ON), row("丙", ON + DAY), row("丁", ON + 40 * DAY), row("戊", None)]
        client.force_login(town.user("member"))
        page = client.get("/desk/").content.decode()
        for word in ("已逾期", "今日到期", "三个工作日内", "期限较远", "无期限"):
            assert f"{word}</span>" in page
        assert "从今天（2026-11-24）的次日起，到最后期限 2026-11-25（含当日），有 1 个工作日。" in page
        assert "最后期限 2026-11-23 已过，到今天（2026-11-24）过去了 1 个工作日。" in page

    @time_machine.travel(datetime.datetime(2026, 9, 30, 2, tzinfo=datetime.UTC), tick=False)
    def test_the_reason_names_the_holiday_on_the_way(self, client, town, tasks):
        tasks.append(
            row("甲", datetime.date(2026, 10, 8), rule="公示期限", source="国务院令第000号", confidence="sure")
        )
        client.force_login(town.user("member"))
        page = client.get("/desk/").content.decode()
        assert "有 1 个工作日" in page
        assert "2026-10-01(星期四)因国庆节放假" in page
        assert "公示期限" in page and "国务院令第000号" in page

    @time_machine.travel(datetime.datetime(2026, 11, 24, 2, tzinfo=datetime.UTC), tick=False)
    def test_a_year_without_a_calendar_is_said(self, client, town, tasks):
        tasks.append(row("甲", datetime.date(2031, 1, 6)))
        client.force_login(town.user("member"))
        assert "年的放假安排尚未载入，暂按周一至周五计。" in client.get("/desk/").content.decode()

    def test_filters_and_pages_in_the_address(self, client, town, tasks):
        today = timezone.localdate()
        tasks += [row(f"甲{n}", today - DAY, kind=gettext_lazy("复核")) for n in range(60)]
        tasks += [row("乙", today, kind="签发")]
        client.force_login(town.user("member"))
        first = client.get("/desk/", {"light": "overdue"})
        assert len(first.context["tasks"]) == 50
        second = client.get("/desk/", {"light": "overdue", "after": first.context["look"].after})
        assert len(second.context["tasks"]) == 10
        assert "回到最急的" in second.content.decode()
        assert [one["row"].title for one in client.get("/desk/", {"kind": "签发"}).context["tasks"]] == ["乙"]
        nothing = client.get("/desk/", {"kind": "签发", "light": "overdue"}).content.decode()
        assert "没有符合这些条件的待办" in nothing

    def test_a_kind_has_one_address_in_both_languages(self):
        kind = gettext_lazy("今日到期")
        with translation.override("en"):
            assert providers.key_of(kind) == "今日到期"

    def test_a_task_that_can_be_handed_over_says_where(self, client, town, tasks):
        tasks.append(row("甲", None, hand_over_url="/matters/7/hand-over/"))
        client.force_login(town.user("member"))
        assert 'href="/matters/7/hand-over/"' in client.get("/desk/").content.decode()

    def test_shown_task_without_a_limit_has_no_reason(self):
        assert queries.shown_task(row("a", None), ON)["why"] is None
