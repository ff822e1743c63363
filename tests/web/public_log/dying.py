"""A platform that is killed (SIGKILL, no goodbye) at a given step of recording a public act. Run by test_crash.py.

python -m tests.web.public_log.dying STEP: takes up what was left, checks, records three acts, and dies at STEP.
"""

import os
import signal
import sys
from pathlib import Path
from unittest import mock

import django

RECORDED = 3


def die(*_args, **_named):
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def later(function, calls=1):
    """Dies at a later call of a function."""
    left = [calls]

    def run(*args, **named):
        left[0] -= 1
        if left[0] < 0:
            die()
        return function(*args, **named)

    return run


def main(step):
    os.environ["DJANGO_SETTINGS_MODULE"] = "zhunsheng.web.settings"
    django.setup()
    from django.core.management import call_command
    from django.db import transaction
    from django.utils import timezone

    from zhunsheng.web.public_log import actions, queries, signer
    from zhunsheng.web.public_log.actions import sequencing
    from zhunsheng.web.public_log.models import Act, Checkpoint, LogEntry

    if step == "begin":
        call_command("migrate", verbosity=0)
        signer.ensure_key(queries.origin())
    actions.sequence()
    call_command("check_log")  # exits with 1 where anything is wrong
    entries = list(LogEntry.objects.order_by("index").values_list("index", flat=True))
    assert entries == list(range(len(entries))), "no gap, none without a number"
    assert LogEntry.objects.count() == Act.objects.filter(verb__in=["x.public", "log.rotate_key"]).count()
    last = queries.last_checkpoint()
    assert (last.size if last else 0) == len(entries) == queries.head().size
    print("entries", len(entries), "key", last.key if last else "", flush=True)

    def record():
        with transaction.atomic():
            for n in range(RECORDED):
                actions.record("x.public", "x", n, by=None, at=timezone.now(), public={"n": n})
            if step == "before the commit":
                die()

    patches = {
        "after the commit": mock.patch.object(sequencing, "_number", die),
        "with numbers, before the head": mock.patch.object(sequencing, "_close_blocks", die),
        "before the numbers are committed": mock.patch.object(sequencing.LogHead, "save", die),
        "before the signature": mock.patch.object(sequencing, "sign", die),
        "before the checkpoint is kept": mock.patch.object(Checkpoint.objects, "get_or_create", die),
        "after the checkpoint": mock.patch.object(signer, "settle", die),
        "a new key made, not announced": mock.patch.object(actions.keys, "record", die),
        "a new key announced, nothing signed": mock.patch.object(sequencing, "_after_commit", die),
        "signed by the new key, not settled": mock.patch.object(signer, "settle", later(signer.settle)),
        "half way of settling": mock.patch.object(Path, "replace", later(Path.replace)),
    }
    if step in patches:
        patches[step].start()
    if "key" in step or "settling" in step:
        actions.rotate_key(by=None, at=timezone.now())
    else:
        record()
    print("lived", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
