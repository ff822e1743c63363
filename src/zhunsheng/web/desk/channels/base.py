"""What a channel is: a small class that takes one message out of the house and says how it went."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from django.utils.functional import Promise

from zhunsheng.web.desk.models import Preference
from zhunsheng.web.people.models import User


@dataclass(frozen=True, slots=True)
class Message:
    """One notice to one address. `key` is the same on every attempt, so that a receiver may drop a second copy.

    `text`, `text_en`: the notice itself, for channels inside the service's own walls. `plain`: kind and count, nothing of
    the matter, for those that pass through other people's machines. `url`: the page, absolute where SITE_URL is set.
    """

    key: str
    to: str
    text: str
    text_en: str
    plain: str
    kind: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The next machine has taken the message."""


@dataclass(frozen=True, slots=True)
class Failure:
    """It has not, or may not have. `reason` names no address and no secret.

    `final`: another attempt would fail too. `unsure`: the message may have arrived, the answer got lost.
    """

    reason: str
    final: bool = False
    unsure: bool = False


class Channel(ABC):
    """`code` stands in Delivery.channel. `repeatable`: the receiver drops a second copy of the same key, so an attempt whose
    end is not known may be made again; where it is not, such a message is given up, since nothing goes out twice.
    """

    code: ClassVar[str]
    label: ClassVar["Promise"]
    repeatable: ClassVar[bool]

    @classmethod
    @abstractmethod
    def is_ready(cls) -> bool:
        """Whether the installation is set up for it."""

    @staticmethod
    @abstractmethod
    def address(user: User, preference: Preference) -> str:
        """Where this user is reached, '' for nowhere."""

    @abstractmethod
    def send(self, message: Message) -> Sent | Failure:
        """Takes the message out. Raises nothing for what may go wrong outside."""

    def close(self) -> None:  # noqa: B027 - most channels hold nothing open
        """Lets go of a connection held since the first `send`."""
