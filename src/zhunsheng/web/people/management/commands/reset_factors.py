"""`zhunsheng manage reset_factors`: takes the second factors off an account, where no administrator can sign in to do it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused, say
from zhunsheng.web.people import actions, queries
from zhunsheng.web.people.models import User


class Command(BaseCommand):
    help = (
        "移除账号的第二重验证，留痕并通知本人 · takes the second factors off an account, recorded and told to its owner"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="用户名 · the account")
        parser.add_argument(
            "--reason", required=True, help="理由和核实身份的方式 · why, and how its owner was recognised"
        )

    def handle(self, *args: Any, username: str, reason: str, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(_("没有账号“%(name)s”") % {"name": username})
        if not queries.has_factor(user):
            self.stdout.write(_("账号“%(name)s”没有第二重验证，没有改动") % {"name": username})
            return
        try:
            actions.reset_factors(user, by=None, at=timezone.now(), reason=reason)
        except Refused as problem:
            raise CommandError(say(problem)) from problem
        self.stdout.write(_("账号“%(name)s”现在只凭密码登录，请本人立即重新添加") % {"name": username})
