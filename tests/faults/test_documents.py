"""Officers at once, and officers killed: every document has a number, and every number a document."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

OFFICERS, ROUNDS = 8, 10


@pytest.fixture
def home(tmp_path):
    """A house of its own on a file, with one office."""
    environment = {**os.environ, "ZHUNSHENG_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "zhunsheng.web.settings"}
    environment.pop("ZHUNSHENG_DATABASE_URL", None)
    script = "import django; django.setup(); from django.core.management import call_command as c; c('migrate', verbosity=0); from bench.documents import town; town()"
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    return tmp_path, environment


def hire(home, count, rounds):
    _folder, environment = home
    words = [sys.executable, "-m", "bench.documents", str(rounds)]
    return [
        subprocess.Popen([*words, str(n)], env=environment, stdout=subprocess.PIPE, text=True) for n in range(count)
    ]


def register(home):
    (file,) = home[0].glob("*.sqlite3")
    with sqlite3.connect(file) as database:
        numbers = [seq for (seq,) in database.execute("SELECT seq FROM documents_issueddocument ORDER BY seq")]
        last = database.execute("SELECT last FROM documents_series").fetchone()
        acts = database.execute("SELECT count(*) FROM public_log_act WHERE verb = 'document.issue'").fetchone()
    return numbers, last[0] if last else 0, acts[0]


@pytest.mark.slow
def test_eight_officers_at_once_leave_no_gap(home):
    for one in hire(home, OFFICERS, ROUNDS):
        one.communicate()
        assert one.returncode == 0
    assert register(home) == (list(range(1, OFFICERS * ROUNDS + 1)), OFFICERS * ROUNDS, OFFICERS * ROUNDS)


@pytest.mark.slow
def test_an_officer_killed_in_the_middle_leaves_no_gap(home):
    for _round in range(3):
        at_work = hire(home, 3, 100_000)
        for one in at_work:
            one.stdout.readline()  # it has begun
        time.sleep(0.3)
        for one in at_work:
            one.send_signal(signal.SIGKILL)
            one.wait()
    numbers, last, acts = register(home)
    assert numbers and numbers == list(range(1, last + 1)) and acts == last
