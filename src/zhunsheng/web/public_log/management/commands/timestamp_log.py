"""`zhunsheng manage timestamp_log`: has the newest checkpoint stamped by the time-stamping authority."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.public_log import actions, queries


class Command(BaseCommand):
    help = "请时间戳服务机构（RFC 3161）为最新的检查点加盖时间戳 · stamps the newest checkpoint (RFC 3161)"

    def handle(self, *args: Any, **options: Any) -> None:
        last = queries.last_checkpoint()
        if last is None:
            raise CommandError(_("日志还没有签名的检查点"))
        try:
            made = actions.timestamp(last, by=None, at=timezone.now())
        except Refused as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(
            _("%(size)s 条的检查点：%(at)s")
            % {"size": last.size, "at": timezone.localtime(made.at).isoformat(timespec="seconds")}
        )
