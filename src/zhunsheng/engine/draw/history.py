"""The history of all draws, read from the entries of a public log: how each announcement ended, and what should not be.

A bundle shows one draw and its own proofs. Only the log shows the others: a second announcement of which nothing more
was heard, a number left out, a draw made twice. So this is read from a copy of the log, best from somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from zhunsheng.engine.public_log import Json
from zhunsheng.engine.words import Param, Reason

ANNOUNCE, EXECUTE, ABANDON, OPEN = "draw.announce", "draw.execute", "draw.abandon", "draw.open"

_NUMBERED = re.compile(r"(.*?)(\d{1,9})")

End = Literal["open", "executed", "abandoned"]


@dataclass(slots=True)
class DrawRecord:
    """One number of a draw in the log. announced: (index, announcement hash) of each announcement; at most one is right.

    sealed, not_before: as the first announcement says. opened: whether it was opened.
    """

    number: str
    plan: str = ""
    announced: list[tuple[int, str]] = field(default_factory=list)
    executed: list[tuple[int, str]] = field(default_factory=list)
    abandoned: list[int] = field(default_factory=list)
    sealed: bool = False
    not_before: str = ""
    opened: bool = False

    @property
    def end(self) -> End:
        """How it ended, as far as the log goes."""
        return "abandoned" if self.abandoned else "executed" if self.executed else "open"


@dataclass(frozen=True, slots=True)
class History:
    """Every draw in the log by its number, in the order of announcement, and what breaks a rule, in words.

    suspicious: draws given up when the outcome could be known already. Each needs an explanation, and none is proof.
    """

    draws: Mapping[str, DrawRecord]
    problems: tuple[Reason, ...]
    suspicious: tuple[Reason, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing breaks a rule and nothing is suspicious. Draws that are still open break none: see `open`."""
        return not self.problems and not self.suspicious

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
        return tuple(one for one in (*self.problems, *self.suspicious) if one.params.get("draw") == draw)


def check_history(entries: Iterable[Json]) -> History:
    """Reads the acts `draw.announce`, `draw.execute`, `draw.abandon` and `draw.open` of a log in its order.

    entries: as they stand in the log: {"kind", "subject": "draw:" + number, "at", "data": {…}}. The data of an announcement
    are `announce` (its hash), `plan`, `mode` and `not_before`; those of the others `announcement`, the hash of the one
    they belong to. Other entries are passed over.

    What breaks a rule: a number announced twice; a draw executed or abandoned that was not announced, executed twice,
    executed after it was abandoned or for another announcement than the first; a second announcement for a plan whose
    first is still open; a number left out of a row of consecutive numbers (`office-2026-001`, `…-002`).

    What is suspicious: a draw abandoned after it was executed, or at or after `not_before`, when the seed could be known;
    and such a draw, or any other abandoned one, that was sealed and has not been opened.
    """
    draws: dict[str, DrawRecord] = {}
    problems: list[Reason] = []
    suspicious: list[Reason] = []
    open_of_plan: dict[str, str] = {}
    for index, entry in enumerate(entries):
        kind, number, data = _act(entry)
        if not number:
            continue
        record = draws.setdefault(number, DrawRecord(number))
        stated = str(data.get("announce" if kind == ANNOUNCE else "announcement", ""))
        if kind == ANNOUNCE:
            if not record.announced:
                record.sealed, record.not_before = data.get("mode") == "sealed", str(data.get("not_before", ""))
            _announce(record, index, stated, str(data.get("plan", "")), draws, open_of_plan, problems)
        elif not record.announced:
            problems.append(Reason("history.not_announced", {"draw": number}))
        elif kind == EXECUTE:
            _execute(record, index, stated, problems)
        elif kind == OPEN:
            record.opened = True
        else:
            record.abandoned.append(index)
            if record.executed or _not_earlier(entry, record.not_before):
                suspicious.append(Reason("history.abandoned_late", {"draw": number, "index": index}))
    problems += _gaps(draws)
    for number, record in draws.items():
        if record.abandoned and record.sealed and not record.opened:
            suspicious.append(Reason("history.abandoned_unopened", {"draw": number, "index": record.abandoned[0]}))
    return History(draws, tuple(problems), tuple(suspicious))


def _not_earlier(entry: Json, not_before: str) -> bool:
    """Whether the entry is of that moment or later; also where either cannot be read, for then nobody can tell."""
    at = entry.get("at") if isinstance(entry, Mapping) else None
    try:
        return datetime.fromisoformat(str(at)) >= datetime.fromisoformat(not_before)
    except (ValueError, TypeError):
        return True


def _act(entry: Json) -> tuple[str, str, Mapping[str, Json]]:
    """Kind, number of the draw ("" for other acts), and what the entry says."""
    if not isinstance(entry, Mapping):
        return "", "", {}
    kind, subject, data = entry.get("kind"), entry.get("subject"), entry.get("data")
    if (
        kind not in (ANNOUNCE, EXECUTE, ABANDON, OPEN)
        or not isinstance(subject, str)
        or not subject.startswith("draw:")
    ):
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
