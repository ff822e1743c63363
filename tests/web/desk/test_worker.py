"""The worker: what was put behind is done by a process of its own, once, and nothing is lost when it is not there."""

import datetime

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from zhunsheng.web.desk import actions, jobs
from zhunsheng.web.desk.models import Delivery, JobRun

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime.datetime(2026, 11, 24, 2, tzinfo=datetime.UTC)


@pytest.fixture
def lin(town, settings):
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.SMS = settings.WECOM = {}
    user = town.user("member")
    user.email = "lin@example.org"
    user.save()
    return user


def work():
    call_command("worker", "--once", "--interval", "0")


def test_it_works(lin):
    actions.notify([lin], "甲", at=AT)
    assert mail.outbox == []
    assert DBTaskResult.objects.filter(status="READY").count() == 1
    work()
    assert [letter.subject for letter in mail.outbox] == ["甲"]
    assert DBTaskResult.objects.get().status == "SUCCESSFUL"
    work()
    assert len(mail.outbox) == 1


def test_an_act_that_is_undone_sends_nothing(lin):
    with pytest.raises(RuntimeError), transaction.atomic():
        actions.notify([lin], "甲", at=AT)
        raise RuntimeError
    work()
    assert mail.outbox == []
    assert not Delivery.objects.exists()


def test_without_a_worker_the_tick_sends_it_and_the_worker_finds_nothing(lin):
    actions.notify([lin], "甲", at=AT)
    assert actions.deliver(AT) == 1
    work()
    assert len(mail.outbox) == 1


def test_with_tick_it_runs_the_jobs(lin, settings, tmp_path):
    settings.HOME = tmp_path
    with time_machine.travel(AT, tick=False):
        call_command("worker", "--once", "--tick")
    assert {"desk.deliveries", "desk.digests", "desk.sweep"} <= set(JobRun.objects.values_list("job", flat=True))


def test_done_work_is_thrown_away_after_a_week(lin):
    actions.notify([lin], "甲", at=AT)
    work()
    week = datetime.timedelta(days=8)
    DBTaskResult.objects.update(enqueued_at=AT - 400 * week, finished_at=AT - 400 * week)
    jobs.sweep(AT)
    assert not DBTaskResult.objects.exists()
