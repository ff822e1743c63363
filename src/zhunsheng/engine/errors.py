"""The whole error family of the engine. Every error says what is wrong, where, and how to mend it, in two languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from zhunsheng.engine.words import Param, Reason, say


class ZhunshengError(Exception):
    """An input that the engine refuses.

    `code` names the text (data/messages), `params` are the values in it, `where` is the place in the reader's own
    terms: a row as the spreadsheet numbers it, a field, a file. `str(error)` is the Chinese text.
    """

    def __init__(self, code: str, /, *, where: str = "", **params: Param) -> None:
        self.code = code
        self.where = where
        self.params: Mapping[str, Param] = params
        super().__init__(code)

    @classmethod
    def of(cls, reason: Reason, *, where: str = "") -> Self:
        """The error that refuses for this reason."""
        return cls(reason.code, where=where, **reason.params)

    @property
    def reason(self) -> Reason:
        """The same statement as a value."""
        return Reason(self.code, self.params)

    def text(self, lang: str = "zh") -> str:
        """The error as a sentence, with the place in front where one is known."""
        text = say(self.code, lang, **self.params)
        return say("errors.at", lang, where=self.where, text=text) if self.where else text

    def __str__(self) -> str:
        return self.text()

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are rebuilt from positional arguments; ours has keyword ones.
        return (_rebuild, (type(self), self.code, self.where, dict(self.params)))


def _rebuild(kind: type[ZhunshengError], code: str, where: str, params: dict[str, Param]) -> ZhunshengError:
    return kind(code, where=where, **params)


class TableError(ZhunshengError):
    """A dated table is missing, damaged, or has no row valid on the day asked for."""


class ClockError(ZhunshengError):
    """A period that cannot be counted."""


class IdentifierError(ZhunshengError):
    """An identifier that is not what it claims to be."""


class DrawError(ZhunshengError):
    """A frame, announcement, seed or bundle of a draw that is refused."""


class SuiteError(ZhunshengError):
    """A hash suite that is unknown, or that this machine cannot compute."""


class LogError(ZhunshengError):
    """A public log record, proof or checkpoint that is refused."""


class EstimateError(ZhunshengError):
    """Records from which no estimate can be made."""


class BurdenError(ZhunshengError):
    """Visits or requests for papers that cannot be counted."""


class AppraisalError(ZhunshengError):
    """Targets, allocations or scores that are refused."""


class SamplingError(ZhunshengError):
    """A sampling plan, a quality level or a stock count that is refused."""


class ProcedureError(ZhunshengError):
    """A procedure that is damaged, or a step of a matter that is refused."""


class DocumentError(ZhunshengError):
    """An official document that cannot be numbered or made of what was given."""


class ResultError(ZhunshengError):
    """A reported test result, a limit, a unit or a number in them that is refused."""


class BulletinError(ZhunshengError):
    """A printed totals table that cannot be read."""


class MeasuringError(ZhunshengError):
    """A proficiency test, an uncertainty budget, a control chart or a calibration history that is refused."""
