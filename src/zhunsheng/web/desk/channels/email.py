"""E-mail: the notice as it stands on the desk, through the service's own mail server."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.desk.channels.base import Channel, Failure, Message, Sent
from zhunsheng.web.desk.models import Preference
from zhunsheng.web.people.models import User


class Email(Channel):
    code = "email"
    label = _("电子邮件")
    repeatable = False

    def __init__(self) -> None:
        self._connection: BaseEmailBackend | None = None

    @classmethod
    def is_ready(cls) -> bool:
        return not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")

    @staticmethod
    def address(user: User, preference: Preference) -> str:
        return user.email

    def send(self, message: Message) -> Sent | Failure:
        # Until the connection stands, nothing has left the house: such a failure is safe to repeat.
        try:
            if self._connection is None:
                self._connection = get_connection()
                self._connection.open()
        except OSError as problem:  # smtplib's errors are OSErrors
            self._connection = None
            return Failure(type(problem).__name__)
        letter = EmailMessage(
            subject=" ".join(message.text.split())[:78],
            body="\n\n".join(filter(None, [message.text, message.text_en, message.url])),
            from_email=getattr(settings, "EMAIL_HOST_USER", "") or None,
            to=[message.to],
            connection=self._connection,
            headers={"Message-ID": f"<{message.key}@zhunsheng>"},
        )
        try:
            letter.send()
        except smtplib.SMTPRecipientsRefused as problem:
            code = next(iter(problem.recipients.values()), (0, b""))[0]
            return Failure(f"SMTP {code}", final=code >= 500)
        except smtplib.SMTPResponseException as problem:
            self.close()
            return Failure(f"SMTP {problem.smtp_code}", final=problem.smtp_code >= 500)
        except (OSError, ValueError) as problem:
            # The line broke while the letter was on its way. A ValueError is an address that is none.
            self.close()
            refused = isinstance(problem, ValueError)
            return Failure(type(problem).__name__, final=refused, unsure=not refused)
        return Sent()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except OSError:
                return
