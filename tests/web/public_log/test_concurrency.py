"""Many at once on PostgreSQL: an act never waits for another act, and the log has no gap afterwards."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from tests.web.public_log.conftest import AT
from zhunsheng.web.public_log import queries
from zhunsheng.web.public_log.actions import record, sequence
from zhunsheng.web.public_log.models import Checkpoint, LogEntry

pytestmark = [
    pytest.mark.skipif(
        connection.vendor == "sqlite", reason="the test database of SQLite is in memory, for one connection"
    ),
    pytest.mark.django_db(transaction=True),
]


def one(n):
    try:
        record("x.public", "x", n, by=None, at=AT, public={"n": n})
    finally:
        connection.close()


def numbered():
    return list(LogEntry.objects.order_by("index").values_list("index", flat=True))


def test_many_who_act_at_once_leave_a_dense_log():
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(200)))
    assert numbered() == list(range(200))
    assert sorted(LogEntry.objects.values_list("subject", flat=True)) == sorted(f"x:{n}" for n in range(200))
    last = queries.last_checkpoint()
    assert (last.size, last.root) == (200, queries.head().hex)
    call_command("check_log")


def test_an_act_that_takes_long_stops_nobody():
    """Its transaction is open, its entry is written; the others record, are numbered and signed meanwhile."""
    recorded, finish = threading.Event(), threading.Event()

    def slow():
        try:
            with transaction.atomic():
                record("x.public", "x", "slow", by=None, at=AT, public={})
                recorded.set()
                assert finish.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        assert recorded.wait(10)
        start = time.monotonic()
        for n in range(20):
            one(n)
        assert time.monotonic() - start < 10, "they waited"
        assert numbered() == list(range(20))
        assert queries.last_checkpoint().size == 20
    finally:
        finish.set()
        thread.join()
    assert LogEntry.objects.get(subject="x:slow").index == 20, "numbered when it is there, not when it began"
    assert Checkpoint.objects.count() == 21
    call_command("check_log")


def test_two_sequencers_at_once_number_nothing_twice(monkeypatch):
    from zhunsheng.web.public_log.actions import sequencing

    monkeypatch.setattr(sequencing, "soon", lambda: None)
    for n in range(50):
        record("x.public", "x", n, by=None, at=AT, public={"n": n})

    def run(_):
        try:
            return sequence()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(run, range(6))) == 50
    assert numbered() == list(range(50))
    call_command("check_log")
