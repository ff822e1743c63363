"""Rules of penalty cases that are computed: when a case must go to the police, when a hearing must be offered, when an
act is too old, and what a late payer owes on top. The amounts are the tables `enforcement/*`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from zhunsheng.engine import tables
from zhunsheng.engine.clock import Unit, later
from zhunsheng.engine.words import Reason

AMOUNTS = ("sales", "stock", "turnover", "gain", "loss")
"""The thresholds that are amounts; `act` is a judgement of the officer."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """Whether a case must be transferred. `due`: a threshold is reached. `missing`: what must be known to say that it
    is not (codes of AMOUNTS, or `act`). Reasons: each threshold reached, or the figures that are missing."""

    due: bool
    missing: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()


def must_transfer(cause: str, facts: Mapping[str, int | bool], on: date, root: Path | None = None) -> Transfer:
    """Whether a case of this cause must go to the police on the day `on` (国务院令第310号第3条; a fine never replaces it).

    `facts`: amounts in fen by code (sales, stock, turnover, gain, loss) and `act`, the officer's judgement that the
    circumstances are an offence. Any one threshold reached (inclusive) is enough. Where the rows of the cause have run
    out, only `act` decides. Raises TableError for an unknown cause.
    """
    table = tables.load("enforcement/causes", root)
    every = [row for row in table.rows if row["code"] == cause]
    if not every:
        table.find(on, code=cause)  # raises, naming table and cause
    rows = [row for row in every if row.valid_on(on)]
    amounts = [row for row in rows if row["threshold"] in AMOUNTS]
    reached = [row for row in amounts if facts.get(row["threshold"], -1) >= row.integer("amount_yuan") * 100]
    reasons = [Reason("enforcement.act")] if facts.get("act") is True else []
    reasons += [_reached(row, facts[row["threshold"]]) for row in reached]
    if reasons:
        return Transfer(True, (), tuple(reasons))
    judged = not rows or any(row["threshold"] == "act" for row in rows)
    wanted = [row["threshold"] for row in amounts] + (["act"] if judged else [])
    missing = tuple(code for code in wanted if code not in facts)
    return Transfer(False, missing, tuple(Reason(f"enforcement.missing.{code}") for code in missing))


def _reached(row: tables.Row, fen: int) -> Reason:
    said = {"measure": row["measure"], "measure_en": row["measure_en"], "source": row.source}
    offence = {"offence": row["offence"], "offence_en": row["offence_en"]}
    return Reason("enforcement.reached", {**said, **offence, "floor": row["amount_yuan"], "yuan": _yuan(fen)})


def hearing_threshold(party_kind: str, on: date, organ: str = "", root: Path | None = None) -> int:
    """From how many fen the right to a hearing must be told (`person` or `entity`), by the rule of the organ on `on`.
    Raises TableError when there is none."""
    table = tables.load("enforcement/hearing_thresholds", root)
    return table.find(on, organ=organ or "all", party_kind=party_kind).integer("amount_yuan") * 100


def limitation_ends(ended_on: date, life_safety: bool, on: date, root: Path | None = None) -> date:
    """The last day on which an act that ended on `ended_on` may be found and still be punished, by the law of `on`.

    Two years; five where life, health or financial safety was harmed (行政处罚法 2021 第36条; before it two for all).
    """
    table = tables.load("enforcement/limitations", root)
    rows = {row["kind"]: row.integer("years") for row in table.valid_on(on)}
    years = rows.get("life_safety", rows["general"]) if life_safety else rows["general"]
    return later(ended_on, years, Unit.YEAR)


def late_fee(fine: int, due_on: date, paid_on: date, root: Path | None = None) -> int:
    """The most that may be added to a fine (fen) paid after its last day: 3 % a day, not more than the fine
    (行政处罚法 第72条; 行政强制法 第45条). 0 when it was paid in time."""
    days = (paid_on - due_on).days
    if days <= 0:
        return 0
    row = tables.load("enforcement/late_fees", root).find(due_on, code="fine")
    fee = fine * row.integer("per_thousand_per_day") * days // 1000
    return min(fee, fine * row.integer("cap_percent") // 100) if row["cap_percent"] else fee


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}" if fen % 100 else str(fen // 100)
