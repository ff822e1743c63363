"""政务微信 (and 企业微信, whose interface it shares): an application message, with an access token fetched and renewed."""

import time
from urllib.parse import urlencode

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.desk.channels.base import Channel, Failure, Message, Sent
from zhunsheng.web.desk.channels.http import Unreachable, ask, is_final
from zhunsheng.web.desk.models import Preference
from zhunsheng.web.people.models import User

#: The server drops the same text to the same person for so long, at most four hours: all attempts lie within it.
SAME_TEXT_SECONDS = 4 * 3600
_TOKEN_GONE = {40014, 42001}
_NO_SUCH_USER = {40003, 60111, 81013}


class Wecom(Channel):
    code = "wecom"
    label = _("政务微信")
    repeatable = True

    #: (server, corp id, agent) → (token, moment on the monotonic clock until which it is good); one process, one copy
    _tokens: "dict[tuple[str, str, str], tuple[str, float]]" = {}

    @classmethod
    def is_ready(cls) -> bool:
        return bool(settings.WECOM)

    @staticmethod
    def address(user: User, preference: Preference) -> str:
        return preference.wecom_id

    def send(self, message: Message) -> Sent | Failure:
        try:
            answer = self._post(message)
            if answer.get("errcode") in _TOKEN_GONE:
                # Another process may have asked for a newer one, or the server was restarted: once more with a fresh one.
                self._tokens.pop(self._owner(), None)
                answer = self._post(message)
        except Unreachable as problem:
            return Failure(str(problem), unsure=True)
        code = answer.get("errcode")
        if code == 0 and not answer.get("invaliduser"):
            return Sent()
        if code == 0 or code in _NO_SUCH_USER:
            return Failure("errcode 81013", final=True)
        if not isinstance(code, int):
            return Failure("no errcode", unsure=True)
        return Failure(f"errcode {code}", final="http" in answer)

    @staticmethod
    def _owner() -> tuple[str, str, str]:
        return settings.WECOM["url"], settings.WECOM["corp_id"], settings.WECOM["agent_id"]

    def _post(self, message: Message) -> "dict[str, object]":
        token, problem = self._token()
        if problem is not None:
            return problem
        # The number makes two notices two texts; the same notice is the same text on every attempt.
        content = f"{message.plain}\n{message.url}\n#{message.key[:8]}"
        status, answer = ask(
            f"{settings.WECOM['url']}/cgi-bin/message/send?{urlencode({'access_token': token})}",
            {
                "touser": message.to,
                "msgtype": "text",
                "agentid": int(settings.WECOM["agent_id"]),
                "text": {"content": content},
                "enable_duplicate_check": 1,
                "duplicate_check_interval": SAME_TEXT_SECONDS,
            },
        )
        return answer if status == 200 else _http(status)

    def _token(self) -> "tuple[str, dict[str, object] | None]":
        """A token that is good for a minute at least, or what the server said instead."""
        token, until = self._tokens.get(self._owner(), ("", 0.0))
        if token and time.monotonic() < until:
            return token, None
        words = urlencode({"corpid": settings.WECOM["corp_id"], "corpsecret": settings.WECOM["secret"]})
        status, answer = ask(f"{settings.WECOM['url']}/cgi-bin/gettoken?{words}")
        if status != 200:
            return "", _http(status)
        fresh, seconds = answer.get("access_token"), answer.get("expires_in")
        if answer.get("errcode", 0) != 0 or not isinstance(fresh, str) or not fresh:
            return "", {"errcode": answer.get("errcode") or -1}
        kept = seconds - 60 if isinstance(seconds, int) else 60
        self._tokens[self._owner()] = (fresh, time.monotonic() + kept)
        return fresh, None


def _http(status: int) -> "dict[str, object]":
    return {"errcode": status, "http": True} if is_final(status) else {"errcode": status}
