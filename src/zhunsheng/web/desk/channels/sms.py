"""短信: one JSON request to a gateway. What passes through the carrier is a kind and a count, never a name or a matter."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.desk.channels.base import Channel, Failure, Message, Sent
from zhunsheng.web.desk.channels.http import Unreachable, ask, is_final
from zhunsheng.web.desk.models import Preference
from zhunsheng.web.people.models import User


class Sms(Channel):
    """The gateway's side is in docs/howto/send-notices.md: it answers {"code": 0} and drops a second request of one id."""

    code = "sms"
    label = _("短信")
    repeatable = True

    @classmethod
    def is_ready(cls) -> bool:
        return bool(settings.SMS)

    @staticmethod
    def address(user: User, preference: Preference) -> str:
        return preference.phone

    def send(self, message: Message) -> Sent | Failure:
        try:
            status, answer = ask(
                settings.SMS["url"],
                {
                    "id": message.key,
                    "phone": message.to,
                    "template": settings.SMS["template"],
                    "params": {"kind": message.kind, "count": str(message.count)},
                },
                bearer=settings.SMS["token"],
            )
        except Unreachable as problem:
            return Failure(str(problem), unsure=True)
        if status == 200 and answer.get("code") == 0:
            return Sent()
        if status != 200:
            return Failure(f"HTTP {status}", final=is_final(status))
        code = answer.get("code")
        if not isinstance(code, int | str):
            return Failure("no code", unsure=True)
        return Failure(f"code {str(code)[:20]}", final=answer.get("final") is True)
