"""The check of an assignment: everything is computed again, and the first difference is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from zhunsheng.engine.draw.assignment.chain import Assignment, assign, assignment_seed
from zhunsheng.engine.draw.assignment.changes import changed, read_change, substitute
from zhunsheng.engine.draw.assignment.closing import Constraints, canonical_start, constraints_hash, read_teams
from zhunsheng.engine.draw.assignment.people import Team, directory_hash
from zhunsheng.engine.draw.assignment.shortage import load_bounds
from zhunsheng.engine.draw.fields import array, hex64, instant_text, obj
from zhunsheng.engine.draw.sources import read_value
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json
from zhunsheng.engine.suites import SHA256, Suite


def check_constraints(
    constraints: Constraints,
    *,
    drawn: Mapping[str, str],
    team_size: int,
    steps_per_slot: int,
    directory: str,
    suite: Suite = SHA256,
) -> None:
    """Refuses constraints whose targets are not exactly the drawn units with the specialities of the frame, whose
    inspectors are not exactly those of the announced directory, whose team size or steps are not as announced, or whose
    start is not the canonical one; also where there is no start at all, with the shortage.

    drawn: id → speciality of the drawn units. team_size, steps_per_slot, directory: of the announcement.
    """
    targets = {target.id for target in constraints.targets}
    for unit_id in sorted(targets - set(drawn)):
        raise DrawError("draw.assign.not_drawn", id=unit_id)
    for unit_id in sorted(set(drawn) - targets):
        raise DrawError("draw.assign.left_out", id=unit_id)
    for target in constraints.targets:
        _same(f"assign_announce.targets.{target.id}.speciality", drawn[target.id], target.speciality)
    if directory_hash(constraints.inspectors, suite) != directory:
        raise DrawError("draw.assign.other_directory")
    _same("assign_announce.team_size", team_size, constraints.team_size)
    steps = steps_per_slot * team_size * len(constraints.targets)
    _same("assign_announce.steps", steps, constraints.steps)
    again = canonical_start(
        constraints.targets, constraints.inspectors, on=constraints.on, team_size=constraints.team_size
    )
    _same_teams("assign_announce.start", again, constraints.start)


@dataclass(frozen=True, slots=True)
class Freedom:
    """What was decided by hand between the two seeds, and what room it left: nothing of it breaks a rule, and all of it
    can be a lever.

    bounds: persons whose bounds of visits are not those of `load_bounds`. forced: places that one person alone may take.
    forbidden: code → how many pairs of person and unit. away: persons on leave on the day, or without a certificate.
    """

    bounds: tuple[str, ...]
    forced: int
    places: int
    forbidden: Mapping[str, int]
    away: tuple[str, ...]


def freedom(constraints: Constraints, slack: int) -> Freedom:
    """Counts what was decided by hand. slack: of the announcement."""
    people, on = constraints.inspectors, constraints.on
    usual = load_bounds(constraints.targets, people, on=on, team_size=constraints.team_size, slack=slack)
    places = constraints.places
    return Freedom(
        tuple(p.number for p, u in zip(people, usual, strict=True) if (p.least, p.most) != (u.least, u.most)),
        sum(mask.bit_count() == 1 for mask in places.may),
        len(places.may),
        dict(sorted(Counter(code for person in people for _, code in person.forbidden).items())),
        tuple(person.number for person in people if not person.available(on)),
    )


def check_assignment(
    constraints: Constraints, section: Json, *, announcement_hash: str, suite: Suite = SHA256
) -> Assignment:
    """Computes the section `assign` again from constraints that `check_constraints` has passed, and returns it.

    Whether the values come from the announced sources, and late enough, is checked elsewhere; here that they give the
    seed and the seed gives the teams. Raises DrawError with the first difference.
    """
    found = obj(section, "assign", {"constraints_hash", "values", "seed", "teams"}, {"fallback", "fallback_reason"})
    values = [read_value(one, f"assign.values[{n}]") for n, one in enumerate(array(found["values"], "assign.values"))]
    teams = read_teams(found["teams"], "assign.teams")
    fixed = constraints_hash(constraints.as_json(), suite)
    _same("assign.constraints_hash", fixed, hex64(found["constraints_hash"], "assign.constraints_hash"))
    seed2 = assignment_seed(announcement_hash, fixed, values, suite=suite)
    _same("assign.seed", seed2, hex64(found["seed"], "assign.seed"))
    again = assign(constraints, seed2, values=values, suite=suite)
    _same_teams("assign.teams", again.teams, teams)
    return again


def check_changes(
    constraints: Constraints,
    seed2: str,
    teams: Sequence[Team],
    section: Json,
    *,
    since: datetime | None = None,
    suite: Suite = SHA256,
) -> tuple[Team, ...]:
    """Checks the section `changes` one by one in order of time; the teams as they stand after the last of them.

    teams: as assigned. since: when the teams could first be known, the time of the last value of the second round. Raises DrawError for a change out of time, a person who is not in the team, a newcomer who is
    not the next in order.
    """
    standing = {team.target: team for team in teams}
    before = since or constraints.at
    for number, entry in enumerate(array(section, "changes")):
        at = f"changes[{number}]"
        change = read_change(entry, at)
        if change.target not in standing:
            raise DrawError("draw.assign.not_drawn", id=change.target)
        if change.at < before:
            raise DrawError("draw.changes.out_of_time", at=at, moment=instant_text(change.at, at))
        right = substitute(
            constraints,
            seed2,
            standing[change.target],
            change.out,
            reason=change.reason,
            at=change.at,
            passed=change.passed,
            suite=suite,
        )
        _same(f"{at}.lead", right.lead, change.lead)
        _same(f"{at}.in", right.newcomer, change.newcomer)
        standing[change.target], before = changed(standing[change.target], change), change.at
    return tuple(standing.values())


def _same(at: str, expected: Json, found: Json) -> None:
    if found != expected:
        raise DrawError("draw.verify.differs", at=at, expected=str(expected), found=str(found)[:80])


def _same_teams(at: str, expected: Sequence[Team], found: Sequence[Team]) -> None:
    for right, team in zip(expected, found, strict=False):
        _same(f"{at}.id", right.target, team.target)
        if team != right:
            raise DrawError(
                "draw.assign.other_team", at=at, id=right.target, expected=_said(right), found=_said(team)[:200]
            )
    _same(at, len(expected), len(found))


def _said(team: Team) -> str:
    return " ".join(team.members)
