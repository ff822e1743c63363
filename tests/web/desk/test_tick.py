"""The tick: what is due runs once, missed days are caught up, one failure stops no other, and nothing happens twice."""

import datetime
import fcntl
import threading
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.web.desk import actions, jobs, providers, ticking
from zhunsheng.web.desk.actions.jobs import NOTES_KEPT, sweep_notes
from zhunsheng.web.desk.actions.notices import READ_KEPT, sweep_notices
from zhunsheng.web.desk.models import Delivery, Digest, JobRun, Notice, Preference, Route
from zhunsheng.web.desk.ticking import Daily

pytestmark = pytest.mark.django_db
CITY = datetime.timezone(datetime.timedelta(hours=8))
#: a Tuesday
AT = datetime.datetime(2026, 11, 24, 9, 2, tzinfo=CITY)
DAY = datetime.timedelta(days=1)
FIVE = datetime.timedelta(minutes=5)


@pytest.fixture
def house(monkeypatch, settings, tmp_path):
    """No jobs but those that a test adds; a home of its own for the lock."""
    settings.HOME = tmp_path
    monkeypatch.setattr(ticking, "_jobs", {})


@pytest.fixture
def calls(house):
    return []


def days(slots) -> list[str]:
    return [slot.astimezone(CITY).strftime("%m-%d %H") for slot in slots]


class TestSlots:
    def test_a_new_job_starts_with_the_latest_moment(self):
        assert days(ticking.slots(Daily(7), None, AT)) == ["11-24 07"]
        assert days(ticking.slots(Daily(10), None, AT)) == ["11-23 10"]

    def test_missed_days_come_one_by_one_the_oldest_first(self):
        last = datetime.datetime(2026, 11, 20, 7, tzinfo=CITY)
        assert days(ticking.slots(Daily(7), last, AT)) == ["11-21 07", "11-22 07", "11-23 07", "11-24 07"]

    def test_a_job_without_a_past_leaves_missed_days_out(self):
        last = datetime.datetime(2026, 11, 20, 7, tzinfo=CITY)
        assert days(ticking.slots(Daily(7, catch_up=False), last, AT)) == ["11-24 07"]
        assert ticking.slots(Daily(10, catch_up=False), last, AT) == []

    def test_every_five_minutes(self):
        (slot,) = ticking.slots(FIVE, None, AT)
        assert slot == AT.replace(minute=0)
        assert ticking.slots(FIVE, slot, AT) == []
        assert ticking.slots(FIVE, slot, AT + FIVE) == [AT.replace(minute=5)]

    @given(
        st.integers(0, 23), st.booleans(), st.datetimes(datetime.datetime(1980, 1, 1), timezones=st.just(CITY), max_value=datetime.datetime(9000, 1, 1)), st.integers(0, 20_000)  # noqa: DTZ001
    )  # fmt: skip
    def test_nothing_is_due_twice_and_nothing_before_its_time(self, hour, catch_up, at, minutes):
        every = Daily(hour, catch_up=catch_up)
        first = ticking.slots(every, None, at)
        last = first[-1] if first else None
        later = at + datetime.timedelta(minutes=minutes)
        due = ticking.slots(every, last, later)
        assert all(slot <= later and (last is None or slot > last) for slot in due)
        assert due == sorted(set(due))
        assert ticking.slots(every, due[-1] if due else last, later) == []
        assert ticking.next_slot(every, later) > later

    @pytest.mark.parametrize("every", [datetime.timedelta(seconds=30), Daily(24), Daily(-1)])
    def test_refusals(self, house, every):
        with pytest.raises(ValueError, match="job"):
            ticking.add_job("job", lambda at: 0, every=every)


class TestTick:
    def test_it_works(self, calls):
        ticking.add_job("a", lambda at: calls.append(at) or 3, every=FIVE)
        (done,) = actions.tick(AT)
        assert (done.job, done.count, done.problem) == ("a", 3, "")
        assert calls == [AT]
        run = JobRun.objects.get()
        assert (run.job, run.ok, run.count, run.slot, run.ran_at) == ("a", True, 3, AT.replace(minute=0), AT)

    def test_again_changes_nothing(self, calls):
        ticking.add_job("a", lambda at: calls.append(at) or 1, every=FIVE)
        ticking.add_job("b", lambda at: calls.append(at) or 1, every=Daily(7))
        actions.tick(AT)
        assert actions.tick(AT) == []
        assert len(calls) == JobRun.objects.count() == 2

    def test_days_on_which_the_machine_was_off_are_caught_up(self, calls):
        ticking.add_job("b", lambda at: calls.append(at) or 1, every=Daily(7))
        actions.tick(AT - 4 * DAY)
        actions.tick(AT)
        assert days(calls) == ["11-20 07", "11-21 07", "11-22 07", "11-23 07", "11-24 07"]

    def test_a_job_that_fails_stops_no_other_and_leaves_nothing_behind(self, calls, town):
        keeper, member = town.user("sysadmin"), town.user("member")

        def fail(at):
            Notice.objects.create(user=member, text="half", at=at)
            raise RuntimeError("secret")

        ticking.add_job("bad", fail, every=FIVE, label="坏任务")
        ticking.add_job("good", lambda at: calls.append(at) or 1, every=FIVE)
        done = actions.tick(AT)
        assert [(one.job, one.problem) for one in done] == [("bad", "RuntimeError"), ("good", "")]
        assert len(calls) == 1
        assert not Notice.objects.filter(text="half").exists()
        told = Notice.objects.get()
        assert (told.user, told.kind) == (keeper, "system")
        assert "坏任务" in told.text
        assert JobRun.objects.get(job="bad").note == "RuntimeError"
        # It fails again: it is still due, and nobody is told a second time of the same.
        assert [one.job for one in actions.tick(AT)] == ["bad"]
        assert Notice.objects.count() == 1

    def test_a_day_that_failed_is_done_before_the_next(self, calls):
        broken = [True]

        def run(at):
            calls.append(at)
            if broken[0]:
                raise RuntimeError
            return 1

        ticking.add_job("b", run, every=Daily(7))
        actions.tick(AT)
        broken[0] = False
        actions.tick(AT + DAY)
        assert days(calls) == ["11-24 07", "11-24 07", "11-25 07"]

    def test_killed_in_the_middle_then_again(self, calls, town):
        """Neither the work nor the note of it survives a kill in a transaction, so the work is done once."""
        member, dying = town.user("member"), [True]

        def run(at):
            Notice.objects.create(user=member, text=f"{at:%m-%d}", at=at)
            if dying[0] and at.astimezone(CITY).day == 23:
                raise KeyboardInterrupt
            return 1

        ticking.add_job("b", run, every=Daily(7))
        JobRun.objects.create(job="b", slot=datetime.datetime(2026, 11, 20, 7, tzinfo=CITY), ran_at=AT, ok=True)
        with pytest.raises(KeyboardInterrupt):
            actions.tick(AT)
        dying[0] = False
        actions.tick(AT)
        assert sorted(Notice.objects.values_list("text", flat=True)) == ["11-21", "11-22", "11-23", "11-24"]

    def test_a_second_tick_waits_for_nobody_and_does_nothing(self, calls, settings, capsys):
        ticking.add_job("a", lambda at: calls.append(at) or 1, every=FIVE)
        with Path(settings.HOME, "tick.lock").open("w") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            assert actions.tick(AT) is None
            call_command("tick")
        assert "another tick is running" in capsys.readouterr().out
        assert calls == []
        assert len(actions.tick(AT)) == 1

    @pytest.mark.django_db(transaction=True)
    def test_two_machines_on_one_postgresql(self, calls, settings, tmp_path):
        if connection.vendor != "postgresql":
            pytest.skip("one machine has one SQLite file, and the lock beside it")
        held, release = threading.Event(), threading.Event()

        def other():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [ticking.LOCK])
                held.set()
                release.wait(10)
            connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        held.wait(10)
        ticking.add_job("a", lambda at: calls.append(at) or 1, every=FIVE)
        assert actions.tick(AT) is None
        release.set()
        thread.join()
        assert len(actions.tick(AT)) == 1


class TestCommand:
    @time_machine.travel(AT, tick=False)
    def test_it_says_what_was_done(self, calls, capsys):
        ticking.add_job("a", lambda at: 2, every=FIVE)
        call_command("tick")
        assert capsys.readouterr().out == "a\t2026-11-24 09:00\t2\n"
        call_command("tick")
        assert capsys.readouterr().out == ""

    @time_machine.travel(AT, tick=False)
    def test_a_failure_is_in_the_exit_code(self, calls, capsys):
        ticking.add_job("a", lambda at: 1 // 0, every=FIVE)
        with pytest.raises(SystemExit) as stopped:
            call_command("tick")
        assert stopped.value.code == 1
        assert "failed: ZeroDivisionError" in capsys.readouterr().out

    def test_the_houses_own_jobs_are_registered_and_run(self, town, capsys):
        call_command("tick", "--list")
        listed = capsys.readouterr().out
        for name in ("desk.log", "desk.deliveries", "desk.bulk", "desk.digests", "desk.sweep"):
            assert name in listed
        assert not JobRun.objects.exists()


class TestBackgroundPage:
    def test_it_shows_what_ran_and_what_failed(self, client, calls, town):
        ticking.add_job("a", lambda at: 41, every=FIVE, label="好任务")
        ticking.add_job("b", lambda at: 1 // 0, every=FIVE, label="坏任务")
        with time_machine.travel(AT, tick=False):
            client.force_login(town.user("sysadmin"))
            assert "还没有运行" in client.get("/desk/background/").content.decode()
            actions.tick(AT)
            page = client.get("/desk/background/").content.decode()
        assert "ZeroDivisionError" in page and "正常" in page and ">41<" in page

    def test_it_says_when_nobody_ticks(self, client, calls, town):
        ticking.add_job("a", lambda at: 1, every=FIVE)
        with time_machine.travel(AT, tick=False):
            actions.tick(AT)
        with time_machine.travel(AT + DAY / 24, tick=False):
            client.force_login(town.user("sysadmin"))
            assert "没有按时运行" in client.get("/desk/background/").content.decode()


# -- digests ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def due(monkeypatch):
    """Everybody has tasks due on these days."""
    rows = []

    def provider(user, on):
        return [providers.TaskRow(f"任务{n}", "复核", "/desk/", day, 0) for n, day in enumerate(rows)]

    monkeypatch.setattr(providers, "_tasks", [provider])
    return rows


def morning(year, month, day) -> datetime.datetime:
    return datetime.datetime(year, month, day, 8, tzinfo=CITY)


class TestDigests:
    def test_it_works(self, town, due):
        lin = town.user("member")
        on = datetime.date(2026, 11, 24)
        due += [on - DAY, on - 9 * DAY, on, on + DAY, on + 7 * DAY, on + 8 * DAY, None]
        assert actions.make_digests(morning(2026, 11, 24)) == 1
        digest = Digest.objects.get()
        # A Tuesday: five working days reach to the next Tuesday.
        assert (digest.user, digest.overdue, digest.today, digest.week) == (lin, 2, 1, 2)
        assert digest.notice.text == "2026-11-24 · 已逾期 2 件 · 今日到期 1 件 · 五个工作日内到期 2 件"
        assert (digest.notice.kind, digest.notice.url) == ("digest", "/desk/")

    def test_one_a_day_whatever_happens(self, town, due):
        town.user("member")
        due.append(datetime.date(2026, 11, 24))
        for hour in (0, 3, 9):
            actions.make_digests(morning(2026, 11, 24) + datetime.timedelta(hours=hour))
        assert Digest.objects.count() == Notice.objects.count() == 1
        actions.make_digests(morning(2026, 11, 25))
        assert Digest.objects.count() == 2

    def test_nothing_due_nothing_sent(self, town, due):
        town.user("member")
        due += [None, datetime.date(2027, 3, 1)]
        assert actions.make_digests(morning(2026, 11, 24)) == 0
        assert not Notice.objects.exists()

    @pytest.mark.parametrize("day", [(2026, 11, 21), (2026, 10, 1), (2026, 10, 7)])
    def test_none_on_a_day_off(self, town, due, day):
        town.user("member")
        due.append(datetime.date(*day))
        assert actions.make_digests(morning(*day)) == 0

    def test_one_on_a_weekend_day_that_is_worked(self, town, due):
        """2026-10-10, a Saturday, is worked in exchange for the National Day."""
        town.user("member")
        due.append(datetime.date(2026, 10, 10))
        assert actions.make_digests(morning(2026, 10, 10)) == 1

    def test_on_the_eve_of_the_holidays_it_looks_past_their_end(self, town, due):
        """From Wednesday 2026-09-30 on, 1 to 7 October are off: five working days reach to the 13th."""
        town.user("member")
        due += [
            datetime.date(2026, 10, 3),
            datetime.date(2026, 10, 8),
            datetime.date(2026, 10, 13),
            datetime.date(2026, 10, 14),
        ]
        actions.make_digests(morning(2026, 9, 30))
        assert Digest.objects.get().week == 3

    def test_who_does_not_want_one_gets_none(self, town, due):
        lin = town.user("member")
        Preference.objects.create(user=lin, digest=False)
        due.append(datetime.date(2026, 11, 24))
        assert actions.make_digests(morning(2026, 11, 24)) == 0

    def test_firms_and_people_who_left_get_none(self, town, due):
        town.firm_user(town.entity())
        gone = town.user("member")
        gone.is_active = False
        gone.save()
        due.append(datetime.date(2026, 11, 24))
        assert actions.make_digests(morning(2026, 11, 24)) == 0

    def test_it_goes_out_by_the_channels_that_left_something_for_it(self, town, due, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        settings.SMS = settings.WECOM = {}
        lin, wu = town.user("member"), town.user("head")
        for user in (lin, wu):
            user.email = f"{user.username}@example.org"
            user.save()
        for kind in ("work", "deadline", "system"):
            Route.objects.create(user=wu, kind=kind, channel="email", how="at_once")
        due.append(datetime.date(2026, 11, 24))
        actions.make_digests(morning(2026, 11, 24))
        assert [one.notice.user for one in Delivery.objects.all()] == [lin]

    def test_notices_left_for_the_digest_are_counted_once(self, town, due, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        lin = town.user("member")
        Route.objects.create(user=lin, kind="work", channel="email", how="digest")
        actions.notify([lin], "甲", at=morning(2026, 11, 23))
        actions.make_digests(morning(2026, 11, 24))
        assert Digest.objects.get().notices == 1
        assert actions.make_digests(morning(2026, 11, 25)) == 0

    def test_a_failure_in_the_middle_doubles_nothing(self, town, due, monkeypatch):
        town.user("member"), town.user("head"), town.user("reviewer")
        due.append(datetime.date(2026, 11, 24))
        tell, told = actions.digests.notify, []

        def fail(*args, **kwargs):
            told.append(1)
            if len(told) == 2:
                raise RuntimeError
            return tell(*args, **kwargs)

        with monkeypatch.context() as patch, pytest.raises(RuntimeError):
            patch.setattr(actions.digests, "notify", fail)
            actions.make_digests(morning(2026, 11, 24))
        assert actions.make_digests(morning(2026, 11, 24)) == 2
        assert Notice.objects.count() == Digest.objects.count() == 3

    def test_a_late_machine_sends_no_digest_of_yesterday(self, house, town, due):
        jobs.register()
        town.user("member")
        due.append(datetime.date(2026, 11, 23))
        actions.tick(morning(2026, 11, 23) - datetime.timedelta(hours=1))
        actions.tick(morning(2026, 11, 24) - datetime.timedelta(hours=1))
        assert not Digest.objects.exists()
        actions.tick(morning(2026, 11, 24) + FIVE)
        assert [str(one.day) for one in Digest.objects.all()] == ["2026-11-24"]


class TestSweep:
    def test_what_was_read_long_ago_goes(self, town):
        lin = town.user("member")
        for text, read_at in (("old", AT - READ_KEPT - DAY), ("read", AT - DAY), ("unread", None)):
            Notice.objects.create(user=lin, text=text, at=AT - 2 * READ_KEPT, read_at=read_at)
        assert sweep_notices(AT) == 1
        assert sorted(Notice.objects.values_list("text", flat=True)) == ["read", "unread"]

    def test_old_notes_go_the_newest_of_each_job_stays(self, db):
        for n in range(3):
            at = AT - NOTES_KEPT - (3 - n) * DAY
            JobRun.objects.create(job="a", slot=at, ran_at=at, ok=True)
        assert sweep_notes(AT) == 2
        assert JobRun.objects.count() == 1
