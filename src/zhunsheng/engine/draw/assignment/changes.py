"""Substitution 递补: who goes instead of an inspector who cannot go, in an order fixed by the second seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from zhunsheng.engine.draw.assignment.closing import Constraints
from zhunsheng.engine.draw.assignment.people import Team, bits
from zhunsheng.engine.draw.fields import array, instant, instant_text, note, obj, one_line, text
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json
from zhunsheng.engine.suites import SHA256, Suite


@dataclass(frozen=True, slots=True)
class Change:
    """One inspector instead of another. lead: whether the place is the lead's.

    passed: (number, reason): who stood before the newcomer in the order and could not go either, in that order.
    reason: why the first cannot go, in public. at: when it was decided.
    """

    target: str
    out: str
    newcomer: str
    lead: bool
    passed: tuple[tuple[str, str], ...]
    reason: str
    at: datetime

    def as_json(self) -> dict[str, Json]:
        """The change as it stands in the section `changes` of the bundle."""
        return {
            "id": self.target,
            "out": self.out,
            "in": self.newcomer,
            "lead": self.lead,
            "passed": [
                {"number": number, "reason": one_line(reason, "changes.passed")} for number, reason in self.passed
            ],
            "reason": one_line(self.reason, "changes.reason"),
            "at": instant_text(self.at, "changes.at"),
        }


def candidates(constraints: Constraints, seed2: str, team: Team, out: str, *, suite: Suite = SHA256) -> tuple[str, ...]:
    """Who may go instead of `out`, the first in order first.

    All who may take that place and are not in the team, ascending by hash(seed2 + "|replace|" + id + "|" + number),
    then number. The bounds of visits are left out of it: an absence must not lead to a second one.

    Raises DrawError where the target is not one of these, or `out` is not in the team.
    """
    places = constraints.places
    if team.target not in places.ids:
        raise DrawError("draw.assign.not_drawn", id=team.target)
    if out not in team.members:
        raise DrawError("draw.changes.not_in_team", id=team.target, number=out)
    place = places.ids.index(team.target) * places.size + (out != team.lead)
    free = (places.numbers[one] for one in bits(places.may[place]))
    prefix = f"{seed2}|replace|{team.target}|"
    return tuple(
        number
        for _, number in sorted((suite.hex(f"{prefix}{one}".encode()), one) for one in free if one not in team.members)
    )


def substitute(
    constraints: Constraints,
    seed2: str,
    team: Team,
    out: str,
    *,
    reason: str,
    at: datetime,
    passed: Sequence[tuple[str, str]] = (),
    suite: Suite = SHA256,
) -> Change:
    """The change by which the next in order comes in.

    team: as it stands now, after earlier changes. passed: those at the head of `candidates` who cannot go, with reasons.
    Raises DrawError where `passed` is not the head of that order, or nobody is left.
    """
    order = candidates(constraints, seed2, team, out, suite=suite)
    for (number, _), right in zip(passed, (*order, ""), strict=False):
        if number != right:
            raise DrawError("draw.changes.other_order", id=team.target, number=number, right=right or "–")
    if len(passed) >= len(order):
        raise DrawError("draw.changes.nobody_left", id=team.target, number=out)
    return Change(team.target, out, order[len(passed)], out == team.lead, tuple(passed), reason, at)


def changed(team: Team, change: Change) -> Team:
    """The team after the change."""
    if change.lead:
        return replace(team, lead=change.newcomer)
    return replace(team, others=tuple(sorted({*team.others} - {change.out} | {change.newcomer})))


def read_change(value: Json, at: str) -> Change:
    """A change as it stands in the bundle. Raises DrawError for fields that are not as they should be."""
    found = obj(value, at, {"id", "out", "in", "lead", "passed", "reason", "at"})
    if not isinstance(found["lead"], bool):
        raise DrawError("draw.field.not_boolean", at=f"{at}.lead")
    passed = []
    for number, entry in enumerate(array(found["passed"], f"{at}.passed")):
        one = obj(entry, f"{at}.passed[{number}]", {"number", "reason"})
        passed.append((text(one["number"], f"{at}.passed"), note(one["reason"], f"{at}.passed")))
    return Change(
        text(found["id"], f"{at}.id"),
        text(found["out"], f"{at}.out"),
        text(found["in"], f"{at}.in"),
        found["lead"],
        tuple(passed),
        note(found["reason"], f"{at}.reason"),
        instant(found["at"], f"{at}.at"),
    )
