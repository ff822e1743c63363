"""`zhunsheng manage check_log`: is the public log still what was written?"""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from zhunsheng.web.public_log import queries

SHOWN = 100


class Command(BaseCommand):
    help = "公开存证日志逐条重算：条目、叶哈希、办理痕迹、块哈希、根哈希、检查点的签名 · recomputes the whole public log; exit code 1 on any difference"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help=f"列出全部问题（默认前 {SHOWN} 处）· list every fault")

    def handle(self, *args: Any, all: bool = False, **options: Any) -> None:  # noqa: A002 - the word of the command line
        head = queries.head()
        count = 0
        for fault in queries.check(head, timezone.now()):
            count += 1
            if all or count <= SHOWN:
                place = _("全日志") if fault.index is None else f"#{fault.index}"
                self.stdout.write(f"{place}: {fault.text}")
        if count:
            self.stderr.write(
                _("日志有 %(n)s 处不符（树头 %(size)s 条，根 %(root)s）")
                % {"n": count, "size": head.size, "root": head.root.hex()}
            )
            sys.exit(1)
        waiting = queries.waiting().count()
        if waiting:
            self.stdout.write(_("另有 %(n)s 条等待编号") % {"n": waiting})
        self.stdout.write(_("日志无误：%(size)s 条，根 %(root)s") % {"size": head.size, "root": head.root.hex()})
