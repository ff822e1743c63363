"""Collects the Chinese source strings, keeps locale/en complete, compiles it. Needs no gettext programs."""

import datetime
import io
import re
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation.template import templatize

WEB = Path(__file__).resolve().parents[3]
FOLDER = WEB / "locale" / "en" / "LC_MESSAGES"
SOURCES = (WEB, WEB.parent / "demo")
COMMENT = re.compile(r"{%\s*comment\b.*?{%\s*endcomment\s*%}|{#.*?#}", re.DOTALL)
KEYWORDS = {
    "_": None, "_now": None, "gettext": None, "gettext_lazy": None, "gettext_noop": None,
    "ngettext": (1, 2), "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2),
}  # fmt: skip


def collect() -> Any:
    """A catalogue of every string in Python files and templates."""
    from babel.messages import Catalog
    from babel.messages.extract import extract

    catalog = Catalog(project="zhunsheng", charset="utf-8")
    for root in SOURCES:
        for path in sorted([*root.rglob("*.py"), *root.rglob("*.html"), *root.rglob("*.txt")]):
            text = path.read_text(encoding="utf-8")
            if path.suffix != ".py":
                # a comment would comment out the rest of the one line
                text = COMMENT.sub("", text)
                # templatize leaves calls between runs of X; one line, so that no indentation rule applies
                text = templatize(text, origin=str(path)).replace("\n", " ")
            for _line, message, _comments, context in extract("python", io.BytesIO(text.encode()), keywords=KEYWORDS):
                if (message if isinstance(message, str) else message[0]) != "":
                    catalog.add(message, context=context)
    return catalog


class Command(BaseCommand):
    help = "Collect strings into locale/en and compile it; --check only tells what is missing (exit 1)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if a string lacks its English")
        parser.add_argument(
            "--missing", action="store_true", help="print the strings that lack their English, one a line"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from babel.messages import Catalog
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po, write_po

        po, mo = FOLDER / "django.po", FOLDER / "django.mo"
        known = read_po(io.BytesIO(po.read_bytes()), locale="en") if po.exists() else None
        found = collect()
        missing = []
        catalog = Catalog(
            locale="en", project="zhunsheng", version="1", charset="utf-8", fuzzy=False,
            header_comment="# English of the interface; the Chinese in the code is the source. Written by `make messages`.",
        )  # fmt: skip
        for message in found:
            if not message.id:
                continue
            old = known.get(message.id, context=message.context) if known else None
            text = old.string if old is not None else ""
            wanted = 2 if isinstance(message.id, tuple | list) else 1
            done = all(text) and len(text) == wanted if isinstance(text, tuple | list) else bool(text) and wanted == 1
            if not done:
                missing.append(message.id)
            catalog.add(message.id, text if done else None, context=message.context)
        # One fixed date: the file changes when a string does, not when the command runs.
        catalog.creation_date = catalog.revision_date = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
        new_po, new_mo = io.BytesIO(), io.BytesIO()
        write_po(new_po, catalog, no_location=True, sort_output=True, width=0, omit_header=False)
        write_mo(new_mo, catalog)
        if options["missing"]:
            for one in missing:
                self.stdout.write(repr(one))
            return
        if options["check"]:
            stale = (
                not mo.exists()
                or mo.read_bytes() != new_mo.getvalue()
                or not po.exists()
                or po.read_bytes() != new_po.getvalue()
            )
            for one in missing[:40]:
                self.stderr.write(f"no English for: {one!r}")
            if missing or stale:
                raise CommandError(
                    f"{len(missing)} strings lack their English in {po.relative_to(WEB)}"
                    + ("; the catalogue is not up to date: run `make messages`" if stale else "")
                )
            self.stdout.write(f"{len(list(catalog))} strings, each with its English")
            return
        FOLDER.mkdir(parents=True, exist_ok=True)
        po.write_bytes(new_po.getvalue())
        mo.write_bytes(new_mo.getvalue())
        self.stdout.write(f"{po.relative_to(WEB)}: {len(list(catalog))} strings, {len(missing)} without English")
