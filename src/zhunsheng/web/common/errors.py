"""How an action says no."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import get_language

from zhunsheng.engine.errors import ZhunshengError


class Refused(Exception):
    """The action was not done, nothing was written. `message` says what is wrong and how to mend it.

    `field` names the form field at fault; `fields` several of them with a message each.
    """

    def __init__(
        self, message: "str | Promise", *, field: str = "", fields: "Mapping[str, str | Promise] | None" = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.fields = dict(fields or {})

    def __str__(self) -> str:
        return str(self.message)


class NotAllowed(Refused):
    """The user's posts do not cover this act."""


def say(problem: "Refused | ZhunshengError") -> str:
    """The sentence for the reader, in the language of the page."""
    if isinstance(problem, ZhunshengError):
        return problem.text("en" if (get_language() or "zh").startswith("en") else "zh")
    return str(problem.message)


def language() -> str:
    """'en' or 'zh': the engine's name for the language of the page."""
    return "en" if (get_language() or "zh").startswith("en") else "zh"


def is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def onto(form: Any, problem: Refused) -> None:
    """Puts a refusal on the form: each sentence at the field at fault, where the form has it, else above all fields."""
    said = dict(problem.fields) or {problem.field: problem.message}
    for name, text in said.items():
        form.add_error(name if name in form.fields else None, str(text))
