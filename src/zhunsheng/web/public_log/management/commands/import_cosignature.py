"""`zhunsheng manage import_cosignature FILE`: takes the cosignature that a witness sent as a file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.public_log import MAX_NOTE
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.public_log import actions


class Command(BaseCommand):
    help = "登记见证人送来的联署文件（zhunsheng log witness --out）· takes a witness's cosigned checkpoint"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            with file.open("rb") as source:
                made = actions.add_cosignatures(source.read(MAX_NOTE + 1), by=None, at=timezone.now())
        except OSError as problem:
            raise CommandError(f"{file}: {problem.strerror}") from problem
        except (ZhunshengError, Refused) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(_("新登记 %(n)s 个联署") % {"n": len(made)})
