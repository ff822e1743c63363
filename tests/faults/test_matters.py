"""Officers at once, and officers killed: no step is lost, doubled or half written, and no number is missing."""

import datetime
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from bench import officers

OFFICERS, ROUNDS = 4, 6


@pytest.fixture
def home(tmp_path):
    """A house of its own on a file, with an office and its officers."""
    environment = {**os.environ, "ZHUNSHENG_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "zhunsheng.web.settings"}
    environment.pop("ZHUNSHENG_DATABASE_URL", None)
    script = f"import django; django.setup(); from django.core.management import call_command as c; c('migrate', verbosity=0); from bench.officers import town; town({OFFICERS})"
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    return tmp_path


def rows(home, sql):
    found = list(home.glob("*.sqlite3"))
    with sqlite3.connect(found[0]) as database:
        return database.execute(sql).fetchall()


def assert_whole(home):
    """Every matter is as its steps say, every act recorded once, every number there."""
    numbers = [no for (no,) in rows(home, "SELECT no FROM matters_matter ORDER BY no")]
    assert numbers == [f"TS-2026-{n:05d}" for n in range(1, len(numbers) + 1)]
    for matter, steps, first, last in rows(
        home, "SELECT matter_id, count(*), min(seq), max(seq) FROM matters_matterstep GROUP BY matter_id"
    ):
        assert (first, last) == (1, steps), f"matter {matter}: a step is missing"
    (steps,) = rows(home, "SELECT count(*) FROM matters_matterstep")[0]
    (acts,) = rows(home, "SELECT count(*) FROM public_log_act WHERE verb IN ('matter.open', 'matter.step')")[0]
    assert acts == steps
    assert rows(
        home, "SELECT count(*) FROM matters_matter WHERE id NOT IN (SELECT matter_id FROM matters_matterstep)"
    ) == [(0,)]
    assert rows(
        home, "SELECT count(*) FROM matters_matterstep WHERE id NOT IN (SELECT step_id FROM matters_stepfact)"
    ) == [(0,)]
    assert rows(
        home, "SELECT count(*) FROM matters_matter WHERE id NOT IN (SELECT matter_id FROM matters_deadline)"
    ) == [(0,)]


def test_officers_at_once_lose_and_double_nothing(home):
    opened = officers.wait(officers.hire(OFFICERS, ROUNDS, home=home))
    assert len(opened) == OFFICERS * ROUNDS
    did = officers.wait(officers.hire(OFFICERS, ROUNDS, shared=3, home=home))
    steps = [one for one in did if one["did"] == "step"]
    assert len(did) == OFFICERS * ROUNDS and steps
    assert len({(one["no"], one["seq"]) for one in steps}) == len(steps)
    assert rows(home, "SELECT count(*) FROM matters_matterstep") == [(len(opened) + len(steps),)]
    assert_whole(home)


def test_an_officer_killed_in_the_middle_leaves_no_half_matter(home):
    officers.wait(officers.hire(1, 3, home=home))
    for _round in range(2):
        at_work = officers.hire(2, 10_000, shared=3, home=home) + officers.hire(1, 10_000, home=home)
        for one in at_work:
            one.stdout.readline()  # it has begun
        time.sleep(0.4)
        for one in at_work:
            one.send_signal(signal.SIGKILL)
            said = one.communicate()[0]
            assert one.returncode == -signal.SIGKILL
            assert all(json.loads(line) for line in said.splitlines()[:-1])
        assert_whole(home)
    before = rows(home, "SELECT count(*) FROM matters_matter")[0][0]
    officers.wait(officers.hire(1, 2, home=home))
    assert rows(home, "SELECT count(*) FROM matters_matter")[0][0] == before + 2
    assert_whole(home)


def test_a_deadline_in_a_year_without_a_calendar_says_so(home):
    """The clock crossing into a year whose holiday notice is not loaded marks the day provisional."""
    from zhunsheng.engine import procedure as engine
    from zhunsheng.engine.clock import CHINA, default_calendar

    last = max(default_calendar().years)
    at = datetime.datetime(last, 12, 29, 9, 0, tzinfo=CHINA)
    procedure = engine.load("complaint", at.date())
    now = engine.start(procedure, engine.Event("receive", at, "public", "public", officers.FACTS))
    due = now.next
    assert due is not None and due.deadline is not None and due.deadline.provisional
    assert due.deadline.missing_years == (last + 1,)
    assert any(str(last + 1) in reason.text() for reason in due.reasons)
