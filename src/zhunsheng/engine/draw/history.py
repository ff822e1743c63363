"""The history of all draws, read from the entries of a public log: how each announcement ended, and what should not be.

A bundle shows one draw and its own proofs. Only the log shows the others: a second announcement of which nothing more
was heard, a number left out, a draw made twice. So this is read from a copy of the log, best from somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from zhunsheng.engine.public_log import Json
from zhunsheng.engine.words import Param, Reason

ANNOUNCE, EXECUTE, ABANDON = "draw.announce", "draw.execute", "draw.abandon"

_NUMBERED = re.compile(r"(.*?)(\d{1,9})")

End = Literal["open", "executed", "abandoned"]


@dataclass(slots=True)
class DrawRecord:
    """One number of a draw in the log. announced: (index, announcement hash) of each announcement; at most one is right."""

    number: str
    plan: str = ""
    announced: list[tuple[int, str]] = field(default_factory=list)
    executed: list[tuple[int, str]] = field(default_factory=list)
    abandoned: list[int] = field(default_factory=list)

    @property
    def end(self) -> End:
        """How it ended, as far as the log goes."""
        return "abandoned" if self.abandoned else "executed" if self.executed else "open"


@dataclass(frozen=True, slots=True)
class History:
    """Every draw in the log by its number, in the order of announcement, and what breaks a rule, in words."""

    draws: Mapping[str, DrawRecord]
    problems: tuple[Reason, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing breaks a rule. Draws that are still open break none: see `open`."""
        return not self.problems

    @property
    def open(self) -> tuple[str, ...]:
        """Numbers announced and neither executed nor abandoned: still to come, or silently dropped."""
        return tuple(number for number, record in self.draws.items() if record.end == "open")

    def concerns(self, draw: str, announcement_hash: str) -> tuple[Reason, ...]:
        """What speaks against a bundle with this number and announcement: it is not, or not alone, in the log."""
        record = self.draws.get(draw)
        if record is None or not record.announced:
            return (Reason("history.not_announced", {"draw": draw}),)
        index, first = record.announced[0]
        if announcement_hash != first:
            said: dict[str, Param] = {"draw": draw, "index": index, "logged": first, "shown": announcement_hash}
            return (Reason("history.other_announcement", said),)
        return tuple(problem for problem in self.problems if problem.params.get("draw") == draw)


def check_history(entries: Iterable[Json]) -> History:
    """Reads the acts `draw.announce`, `draw.execute` and `draw.abandon` of a log in its order.

    entries: as they stand in the log: {"kind", "subject": "draw:" + number, "data": {"announcement", "plan", …}, …}.
    Others are passed over.

    What breaks a rule: a number announced twice; a draw executed or abandoned that was not announced, executed twice,
    executed after it was abandoned or for another announcement than the first; a second announcement for a plan whose
    first is still open; a number left out of a row of consecutive numbers (`office-2026-001`, `…-002`).
    """
    draws: dict[str, DrawRecord] = {}
    problems: list[Reason] = []
    open_of_plan: dict[str, str] = {}
    for index, entry in enumerate(entries):
        kind, number, data = _act(entry)
        if not number:
            continue
        record = draws.setdefault(number, DrawRecord(number))
        stated = str(data.get("announcement", ""))
        if kind == ANNOUNCE:
            _announce(record, index, stated, str(data.get("plan", "")), draws, open_of_plan, problems)
        elif not record.announced:
            problems.append(Reason("history.not_announced", {"draw": number}))
        elif kind == EXECUTE:
            _execute(record, index, stated, problems)
        else:
            record.abandoned.append(index)
    problems += _gaps(draws)
    return History(draws, tuple(problems))


def _act(entry: Json) -> tuple[str, str, Mapping[str, Json]]:
    """Kind, number of the draw ("" for other acts), and what the entry says."""
    if not isinstance(entry, Mapping):
        return "", "", {}
    kind, subject, data = entry.get("kind"), entry.get("subject"), entry.get("data")
    if kind not in (ANNOUNCE, EXECUTE, ABANDON) or not isinstance(subject, str) or not subject.startswith("draw:"):
        return "", "", {}
    return str(kind), subject.removeprefix("draw:"), data if isinstance(data, Mapping) else {}


def _announce(
    record: DrawRecord,
    index: int,
    stated: str,
    plan: str,
    draws: Mapping[str, DrawRecord],
    open_of_plan: dict[str, str],
    problems: list[Reason],
) -> None:
    if record.announced:
        first = record.announced[0][0]
        problems.append(Reason("history.announced_twice", {"draw": record.number, "first": first, "index": index}))
    record.announced.append((index, stated))
    record.plan = record.plan or plan
    other = open_of_plan.get(plan) if plan else None
    if other is not None and other != record.number and draws[other].end == "open":
        problems.append(Reason("history.plan_open", {"draw": record.number, "other": other, "index": index}))
    if plan:
        open_of_plan[plan] = record.number


def _execute(record: DrawRecord, index: int, stated: str, problems: list[Reason]) -> None:
    said: dict[str, Param] = {"draw": record.number, "index": index}
    if record.abandoned:
        problems.append(Reason("history.executed_after_abandoned", said))
    if record.executed:
        problems.append(Reason("history.executed_twice", {**said, "first": record.executed[0][0]}))
    if stated != record.announced[0][1]:
        problems.append(Reason("history.executed_other", {**said, "first": record.announced[0][0]}))
    record.executed.append((index, stated))


def _gaps(draws: Mapping[str, DrawRecord]) -> list[Reason]:
    """Numbers left out of a row that begins with 1."""
    rows: dict[tuple[str, int], set[int]] = {}
    for number in draws:
        match = _NUMBERED.fullmatch(number)
        if match:
            rows.setdefault((match[1], len(match[2])), set()).add(int(match[2]))
    problems = []
    for (prefix, width), seen in sorted(rows.items()):
        # a row of two million numbers with one member is no row: say the first that is missing, and how many
        missing = next((number for number in range(1, max(seen)) if number not in seen), None)
        if missing is not None:
            left = max(seen) - len(seen)
            problems.append(Reason("history.left_out", {"draw": f"{prefix}{missing:0{width}d}", "count": left}))
    return problems
