"""Imports a register from the command line, by the same steps as the pages: check, show, load in one transaction."""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone, translation

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet import too_large
from zhunsheng.web.desk.importing import actions, find_kind
from zhunsheng.web.desk.models import ImportRun
from zhunsheng.web.people.models import User

SHOWN = 20


class Command(BaseCommand):
    help = "Check a file row by row and load it: all rows, or with --clean-only those without problems. Never half."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", help="what the file holds, e.g. entities, inspectors, recusals, visits")
        parser.add_argument("file", type=Path, help="CSV, TSV, XLSX, XLS or ODS")
        parser.add_argument("--mapping", type=Path, help="mapping file (TOML), see docs/reference/file-formats.md")
        parser.add_argument("--user", required=True, help="in whose name; the account needs the rights for it")
        parser.add_argument(
            "--clean-only", action="store_true", help="load the rows without problems, give the others back"
        )
        parser.add_argument("--check-only", action="store_true", help="show what would happen, load nothing")
        parser.add_argument("--returned", type=Path, help="where to write the rows with problems (CSV)")
        parser.add_argument("--language", default="zh-hans", choices=["zh-hans", "en"], help="language of the messages")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(options["language"]):
            try:
                self._import(**options)
            except Refused as problem:
                raise CommandError(str(problem)) from None

    def _import(self, **options: Any) -> None:
        kind = find_kind(options["kind"])
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"no active account {options['user']!r}")
        path: Path = options["file"]
        try:
            size = path.stat().st_size
            mapping = options["mapping"].read_text(encoding="utf-8-sig") if options["mapping"] else ""
        except (OSError, UnicodeDecodeError) as problem:
            raise CommandError(str(problem)) from None
        if size > settings.MAX_UPLOAD_BYTES:
            raise too_large(size, settings.MAX_UPLOAD_BYTES)
        with path.open("rb") as handle:
            run = actions.receive(
                kind, File(handle, name=path.name), path.name, mapping=mapping, by=user, at=timezone.now()
            )
        self._report(run)
        if run.returned and options["returned"]:
            shutil.copyfile(run.returned.path, options["returned"])
            self.stdout.write(f"rows with problems: {options['returned']}")
        if run.state == ImportRun.State.REFUSED:
            raise CommandError(run.refusal)
        if run.state == ImportRun.State.UNMAPPED:
            raise CommandError("required columns are not matched; give a mapping file (--mapping)")
        if options["check_only"]:
            return
        run = actions.load(run, clean_only=options["clean_only"], by=user, at=timezone.now())
        self.stdout.write(
            f"loaded: created {run.created}, updated {run.updated}, unchanged {run.unchanged} (run {run.pk})"
        )

    def _report(self, run: ImportRun) -> None:
        for note in run.notes:
            self.stdout.write(note)
        self.stdout.write(
            f"rows {run.rows_total}, skipped {run.rows_skipped}, with problems {run.rows_bad}; "
            f"to create {run.created}, to update {run.updated}, unchanged {run.unchanged}"
        )
        for row, column, message in run.problems[:SHOWN]:
            self.stderr.write(f"{row} {column}: {message}" if column else f"{row}: {message}")
        if run.problems_total > SHOWN:
            self.stderr.write(f"… {run.problems_total - SHOWN} more; --returned FILE writes them all")
