"""`zhunsheng manage sequence_log`: gives waiting entries of the public log their numbers and signs the head."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.web.public_log import actions, queries


class Command(BaseCommand):
    help = (
        "给等待的存证条目编号并签名树头（平时在每件公开行为之后自动进行）· numbers waiting entries and signs the head"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = actions.sequence()
        except ZhunshengError as problem:
            raise CommandError(str(problem)) from problem
        last = queries.last_checkpoint()
        said = {"n": done, "size": queries.head().size, "signed": last.size if last else 0}
        self.stdout.write(_("新编号 %(n)s 条，共 %(size)s 条，已签名到 %(signed)s 条") % said)
