"""Runs the jobs that are due. For cron or a systemd timer, every five minutes; more often does no harm."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from zhunsheng.web.desk import ticking
from zhunsheng.web.desk.actions import tick


class Command(BaseCommand):
    help = "Run every job that is due, catch up on missed days, and say what was done. Exit code 1: a job failed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", action="store_true", help="show the jobs and when each is due again, run nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["list"]:
            for job in ticking.jobs():
                when = timezone.localtime(ticking.next_slot(job.every, now))
                self.stdout.write(f"{job.name}\t{when:%Y-%m-%d %H:%M}\t{job.label}")
            return
        done = tick(now)
        if done is None:
            self.stdout.write("another tick is running")
            return
        for one in done:
            said = f"failed: {one.problem}" if one.problem else str(one.count)
            self.stdout.write(f"{one.job}\t{timezone.localtime(one.slot):%Y-%m-%d %H:%M}\t{said}")
        if any(one.problem for one in done):
            sys.exit(1)
