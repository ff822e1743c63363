"""`manage reindex`: builds the search index anew. It may be stopped, and goes on where it was."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from zhunsheng.web.desk import searching
from zhunsheng.web.desk.actions import reindex


class Command(BaseCommand):
    help = "Reads all records into the search index, in batches; stopped half way, it goes on there"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kinds", nargs="*", help="only these kinds (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        known = [one.key for one in searching.sources()]
        if unknown := [kind for kind in options["kinds"] if kind not in known]:
            raise CommandError(f"no kind {', '.join(unknown)}; known: {', '.join(known)}")
        start = time.monotonic()

        def report(one: searching.Source, done: int) -> None:
            if options["verbosity"] > 1:
                self.stdout.write(f"{one.key}: {done:,}")

        changed = reindex(options["kinds"], report=report)
        self.stdout.write(f"{changed:,} entries changed, {time.monotonic() - start:.1f} s")
