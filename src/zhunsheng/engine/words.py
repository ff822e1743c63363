"""What the engine says to people, in Chinese and English.

The texts are data: `data/messages/<module>.toml`, one entry per code with a `zh` and an `en` template.
A template names its parameters in braces: `zh = "第{n}位应为{expected}"`. Where a parameter is itself a
word in two languages, the Chinese template uses `{name}`, the English one `{name_en}`, and both are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

Param = str | int


@dataclass(frozen=True, slots=True)
class Message:
    """One text in both languages, as written in the data (templates, not yet filled)."""

    code: str
    zh: str
    en: str


@cache
def messages() -> Mapping[str, Message]:
    """Every message of the engine by its code. Raises ValueError when a file is damaged or repeats a code."""
    # Imported here because tables.py, the one module that reads files, raises errors whose text comes from this one.
    from zhunsheng.engine import tables

    found: dict[str, Message] = {}
    for code, zh, en in tables.read_messages():
        if code in found:
            raise ValueError(f"message code {code} is written twice under data/messages")
        found[code] = Message(code, zh, en)
    return found


def say(code: str, /, lang: str = "zh", **params: Param) -> str:
    """The text of `code` in `lang`: English for `en` and `en-*`, Chinese for everything else.

    Raises KeyError for an unknown code or a parameter that the template needs and did not get;
    both are mistakes of a programmer, and the tests look for them. No parameter may be called `lang`.
    """
    try:
        message = messages()[code]
    except KeyError:
        raise KeyError(f"no message {code!r} under engine/data/messages") from None
    template = message.en if lang == "en" or lang.startswith("en-") else message.zh
    return template.format_map(params)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is so: a message code and the values that go into its text.

    Parameters are text or whole numbers, so that a reason can be stored, compared and said in either language.
    """

    code: str
    params: Mapping[str, Param] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name, value in self.params.items():
            if not isinstance(value, (str, int)):
                raise TypeError(f"parameter {name} of {self.code} must be str or int, not {type(value).__name__}")
        object.__setattr__(self, "params", dict(self.params))

    def text(self, lang: str = "zh") -> str:
        """The reason as a sentence."""
        return say(self.code, lang, **self.params)
