"""`zhunsheng manage rotate_log_key`: announces a new key of the public log, signed by the present one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.public_log import note_key
from zhunsheng.web.common.errors import Refused
from zhunsheng.web.public_log import actions, queries, signer


class Command(BaseCommand):
    help = "更换日志的密钥：由现用密钥签名公告新密钥 · announces a new key, signed by the one in force"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--public-key",
            default="",
            help="外部签名设备的新公钥（十六进制）；不写则生成新的密钥文件 · the new key of an outside signer, in hexadecimal",
        )

    def handle(self, *args: Any, public_key: str = "", **options: Any) -> None:
        try:
            new = note_key(signer.command_signer(queries.origin(), "false", public_key)) if public_key else None
            made = actions.rotate_key(by=None, at=timezone.now(), new=new)
        except (ZhunshengError, Refused) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(_("新公钥：%(key)s") % {"key": made})
        if public_key:
            self.stdout.write(_("现在请设置 ZHUNSHENG_LOG_SIGNER 和 ZHUNSHENG_LOG_SIGNER_KEY 并重启平台"))
