"""Work behind the pages, killed in the middle and done by several at once: nothing is doubled, nothing is left half."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter

import pytest

from tests.web.desk.fakes import gateway

DAYS, OFFICES, NOTICES = 8, 60, 40

#: what each process does; it says "begun" once it is at work
CHILD = """
import datetime, sys, time
import django
django.setup()
from django.utils import timezone
from zhunsheng.web.desk import actions, bulk, ticking
from zhunsheng.web.desk.models import BulkRun, JobRun, Notice, Preference, Route
from zhunsheng.web.people.models import Office, Post, User

AT = datetime.datetime(2026, 11, 24, 2, tzinfo=datetime.UTC)
days, offices, notices = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])

def begun():
    print("begun", flush=True)

def daily(at):
    user = User.objects.get(username="keeper")
    for n in range(5):
        Notice.objects.create(user=user, text=f"{at:%m-%d} {n}", at=at)
        begun()
        time.sleep(0.05)
    return 5

def mark(office, *, by, at, values):
    office.short_name += "x"
    office.save(update_fields=["short_name"])
    begun()
    time.sleep(0.02)

bulk.add_bulk(bulk.Bulk(
    "test.mark", "mark", "", allowed=lambda user: True, rows=lambda user, query: Office.objects.order_by("pk"),
    check=lambda row, user, values: [], do=mark,
))

def prepare():
    keeper = User.objects.create_user("keeper", password="a-long-password-1")
    for n in range(offices):
        Office.objects.create(code=f"O{n:03}", name=f"机构{n}", level="city")
    Post.objects.create(user=keeper, office=Office.objects.first(), role="sysadmin")
    Preference.objects.create(user=keeper, phone="13800000000")
    Route.objects.create(user=keeper, kind="work", channel="sms", how="at_once")
    JobRun.objects.create(job="daily", slot=AT - datetime.timedelta(days=days), ran_at=AT, ok=True)
    actions.plan(bulk.find_bulk("test.mark"), Office.objects.order_by("pk"), by=keeper, at=AT)
    for n in range(notices):
        actions.notify([keeper], f"通知 {n}", at=AT)

def tick():
    ticking._jobs.clear()
    ticking.add_job("daily", daily, every=ticking.Daily(7))
    actions.tick(AT)

def confirm():
    run = BulkRun.objects.get()
    if run.state == "planned":
        actions.confirm(run, {}, {}, by=run.created_by, at=AT)
    else:
        actions.go_on(AT)

def deliver():
    begun()
    actions.deliver(AT)

{"prepare": prepare, "tick": tick, "confirm": confirm, "deliver": deliver}[sys.argv[1]]()
"""


@pytest.fixture
def gate():
    with gateway() as fake:
        fake.answers["/send"] = lambda asked: (200, {"code": 0})
        yield fake


@pytest.fixture
def house(tmp_path, gate):
    """A house of its own on a file."""
    environment = {
        **os.environ, "ZHUNSHENG_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "zhunsheng.web.settings",
        "ZHUNSHENG_SMS_URL": f"{gate.url}/send", "ZHUNSHENG_SMS_TOKEN": "t", "ZHUNSHENG_SMS_TEMPLATE": "1",
    }  # fmt: skip
    environment.pop("ZHUNSHENG_DATABASE_URL", None)
    migrate = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(migrate, env=environment, check=True)

    def send(task):
        words = [sys.executable, "-c", CHILD, task, str(DAYS), str(OFFICES), str(NOTICES)]
        return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)

    send("prepare").communicate()
    return tmp_path, send


def kill_after(process, signs):
    """Lets it begin so many things, then kills it without a word."""
    for _ in range(signs):
        assert process.stdout.readline().strip() == "begun"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def finish(process):
    process.communicate()
    assert process.returncode == 0


def ask(house, question):
    (file,) = house[0].glob("*.sqlite3")
    with sqlite3.connect(file) as database:
        return database.execute(question).fetchall()


@pytest.mark.slow
def test_a_tick_killed_while_it_catches_up(house):
    for signs in (3, 8, 11):
        kill_after(house[1]("tick"), signs)
        written = Counter(text[:5] for (text,) in ask(house, "SELECT text FROM desk_notice WHERE text LIKE '11-%'"))
        assert set(written.values()) <= {5}  # whole days only
    finish(house[1]("tick"))
    finish(house[1]("tick"))
    texts = [text for (text,) in ask(house, "SELECT text FROM desk_notice WHERE text LIKE '11-%'")]
    assert len(texts) == len(set(texts)) == DAYS * 5
    assert ask(house, "SELECT count(*) FROM desk_jobrun WHERE job = 'daily' AND ok") == [(DAYS + 1,)]


@pytest.mark.slow
def test_a_bulk_run_killed_and_taken_up_by_two(house):
    kill_after(house[1]("confirm"), 7)
    marked = ask(house, "SELECT count(*) FROM people_office WHERE short_name = 'x'")
    assert marked == ask(house, "SELECT count(*) FROM desk_bulkrow WHERE state = 'done'")
    assert 0 < marked[0][0] < OFFICES
    for process in [house[1]("confirm") for _ in range(2)]:
        finish(process)
    assert ask(house, "SELECT DISTINCT short_name FROM people_office") == [("x",)]
    assert ask(house, "SELECT state FROM desk_bulkrun") == [("finished",)]


@pytest.mark.slow
def test_three_at_once_send_each_message_once(house, gate):
    for process in [house[1]("deliver") for _ in range(3)]:
        finish(process)
    asked = [one.body["id"] for one in gate.asked]
    assert len(asked) == len(set(asked)) == NOTICES
    assert ask(house, "SELECT DISTINCT state, attempts FROM desk_delivery") == [("sent", 1)]
