"""The answer of a check: steps with a verdict each, and one for the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.words import Reason

Outcome = Literal["unreadable", "announced", "executed", "abandoned", "member"]

# What is said to the reader without a verdict: it does not make a bundle wrong.
_NOT_JUDGED = frozenset(
    {
        "draw.verify.compare",
        "draw.verify.compare_root",
        "draw.verify.sizes_sealed",
        "draw.verify.withheld",
        "draw.verify.no_log",
        "draw.verify.fallback",
        "draw.verify.defaults",
        "draw.verify.assignment_freedom",
        "draw.verify.substitutions",
        "draw.verify.announced_when",
        "draw.verify.missing",
        "draw.verify.opened_late",
        "draw.verify.signed_unpinned",
        "draw.verify.signature_unchecked",
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the check.

    ok: True = holds; False = does not hold, or could not be checked and therefore does not pass; None = not judged:
    either something for the reader to compare with a source outside, or not reached because an earlier step failed.
    """

    name: str
    ok: bool | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of a file found.

    ok: no step failed. outcome: what the file shows: announced (no seed yet), executed, abandoned (publicly given
    up, with the reason in `reason`), member (a proof of membership), or unreadable. draw: the number of the draw, ""
    where it could not be read.
    """

    steps: tuple[Step, ...]
    ok: bool
    outcome: Outcome
    reason: Reason
    draw: str = ""

    def step(self, name: str) -> Step | None:
        """The step of that name, None where the file gave no cause for it."""
        return next((step for step in self.steps if step.name == name), None)


class Check:
    """One run of a check. Each step reads what earlier ones established; it returns its reason or refuses by raising."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    @property
    def failed(self) -> Step | None:
        """The first step that does not hold."""
        return next((step for step in self.steps if step.ok is False), None)

    def step(self, name: str, check: Callable[[], Reason], *needs: str) -> bool:
        """Runs a step, unless one of those it rests on did not hold."""
        for earlier in self.steps:
            if earlier.name in needs and not earlier.ok:
                self.steps.append(Step(name, None, Reason("draw.verify.not_reached", {"step": earlier.name})))
                return False
        try:
            reason = check()
        except ZhunshengError as error:
            self.steps.append(Step(name, False, error.reason))
            return False
        self.steps.append(Step(name, None if reason.code in _NOT_JUDGED else True, reason))
        return True
