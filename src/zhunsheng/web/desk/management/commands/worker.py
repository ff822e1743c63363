"""Does the work that waits in the background, until it is stopped. With --tick it also runs the jobs, so nothing else is needed."""

import os
import signal
import socket
import time
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import close_old_connections
from django.utils import timezone
from django_tasks import DEFAULT_TASK_BACKEND_ALIAS
from django_tasks_db.management.commands.db_worker import Worker

from zhunsheng.web.common import law
from zhunsheng.web.desk.actions import tick as run_jobs

#: seconds between two looks at the jobs
EVERY = 60


class Command(BaseCommand):
    help = "Work off the background tasks as they come. Stops on SIGTERM after the task in hand."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tick", action="store_true", help="run the jobs that are due as well, once a minute")
        parser.add_argument(
            "--interval", type=float, default=1.0, help="seconds between two looks for work (default 1)"
        )
        parser.add_argument(
            "--with-parent", action="store_true", help="stop when the process that started this one has ended"
        )
        parser.add_argument("--once", action="store_true", help="do what waits now, then stop")

    def handle(self, *args: Any, **options: Any) -> None:
        self.running = True
        self.worker: Worker | None = None
        before = {name: signal.signal(name, self._stop) for name in (signal.SIGTERM, signal.SIGINT)}
        try:
            self._go_round(**options)
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

    def _go_round(self, *, tick: bool, once: bool, with_parent: bool, interval: float, **rest: Any) -> None:
        parent, ticked = os.getppid(), -float(EVERY)
        while self.running:
            close_old_connections()
            law.follow()
            if tick and time.monotonic() - ticked >= EVERY:
                ticked = time.monotonic()
                run_jobs(timezone.now())
            self._work_off()
            if once or (with_parent and os.getppid() != parent):
                return
            if self.running:
                time.sleep(interval)

    def _work_off(self) -> None:
        # The library's own command would take the signals over; its worker alone does not.
        self.worker = Worker(
            queue_names=["*"], excluded_queue_names=[], interval=0, batch=True, backend_name=DEFAULT_TASK_BACKEND_ALIAS,
            startup_delay=False, max_tasks=None, worker_id=f"{socket.gethostname()[:40]}-{os.getpid()}",
        )  # fmt: skip
        if self.running:
            self.worker.run()

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self.running = False
        if self.worker is not None:
            self.worker.running = False
