"""The grade of an accident by its figures, and who investigates it. The criteria are the tables `accidents/*`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from zhunsheng.engine import tables
from zhunsheng.engine.words import Reason

GRADES = ("extra", "major", "larger", "ordinary")
"""From the gravest down: 特别重大, 重大, 较大, 一般."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What an accident did. `loss`: direct loss in fen; `moved`, `stranded`, `hours`: of special equipment only
    (people moved after a leak; people stranded high up, and for how many hours)."""

    deaths: int = 0
    injuries: int = 0
    loss: int = 0
    moved: int = 0
    stranded: int = 0
    hours: int = 0


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade ("" = below every floor, no accident) with the criteria that give it."""

    code: str
    reasons: tuple[Reason, ...] = ()


def grade(kind: str, figures: Figures, on: date, root: Path | None = None) -> Grade:
    """The grade of the worst criterion met on the day `on` (国务院令第493号第3条; 第549号第61至64条; 建质〔2010〕111号).

    `kind`: a code of `accidents/kinds`. Floors are inclusive; the next grade's floor is the ceiling. Raises TableError
    for an unknown kind, or a day without criteria.
    """
    scale = tables.load("accidents/kinds", root).find(on, code=kind)["scale"]
    rows = [row for row in tables.load("accidents/grades", root).valid_on(on) if row["scale"] == scale]
    for code in GRADES:
        met = [row for row in rows if row["grade"] == code and _meets(row, figures)]
        if met:
            return Grade(code, tuple(_told(row, figures) for row in met))
    return Grade("", (Reason("accidents.below"),))


def investigator(kind: str, code: str, on: date, root: Path | None = None) -> tables.Row:
    """Which level investigates an accident of this grade: a row of `accidents/investigators` (level, rank, names).
    Raises TableError when the table has none."""
    scale = tables.load("accidents/kinds", root).find(on, code=kind)["scale"]
    return tables.load("accidents/investigators", root).find(on, scale=scale, grade=code)


def rank(level: str, root: Path | None = None) -> int:
    """How high a level stands among those that investigate; 0 for an unknown one."""
    rows = tables.load("accidents/investigators", root).rows
    return max((row.integer("rank") for row in rows if row["level"] == level), default=0)


def _figure(row: tables.Row, figures: Figures) -> Decimal:
    if row["criterion"] == "loss":
        return Decimal(figures.loss) / 100
    known = {"deaths": figures.deaths, "injuries": figures.injuries, "moved": figures.moved}
    return Decimal(known.get(row["criterion"], figures.stranded))


def _meets(row: tables.Row, figures: Figures) -> bool:
    long = not row["hours"] or figures.hours >= row.integer("hours")
    return _figure(row, figures) >= row.decimal("at_least") and long


def _told(row: tables.Row, figures: Figures) -> Reason:
    said = {"grade": row["name"], "grade_en": row["name_en"], "floor": row["at_least"], "source": row.source}
    what = f"accidents.met.{row['criterion']}"
    return Reason(what, {**said, "figure": f"{_figure(row, figures):f}", "hours": row["hours"] or "0"})
