"""Draws of one year without replacement, with a stratum of re-entry: nobody is safe, and the year's sample is as stated."""

from collections import Counter
from datetime import date
from fractions import Fraction
from math import ceil, sqrt

from bench.fairness.report import Report, percent, same_chance, seeds
from zhunsheng.engine import tables
from zhunsheng.engine.draw import Frame, select

UNITS = 60
DRAWS = 4
RATIO = Fraction(1, 10)


def run(report: Report, years: int) -> None:
    factor = Fraction(tables.load("draw/reentry").find(date(2026, 11, 24), code="again")["factor"])
    report.heading("A year of draws with re-entry")
    report.say(
        f"{years:,} years of {DRAWS} draws from {UNITS} firms, ratio {RATIO}. Whoever was drawn this year stands in the stratum "
        f"`again`, whose n is its sum of ratios × {factor} (table `draw/reentry`), rounded up."
    )
    everyone = [f"demo:{number:03d}" for number in range(UNITS)]
    worth = {unit: number * number for number, unit in enumerate(everyone)}  # what is to be estimated; any values do
    once: Counter[str] = Counter()
    each: list[Counter[str]] = [Counter() for _ in range(DRAWS)]
    again: list[Counter[str]] = [Counter() for _ in range(DRAWS)]
    published: list[set[tuple[int, int, int, int]]] = [set() for _ in range(DRAWS)]
    estimates: list[list[float]] = [[] for _ in range(DRAWS)]
    seed = seeds("reentry", years * DRAWS)
    for _ in range(years):
        seen: set[str] = set()
        for turn in range(DRAWS):
            strata = {
                "again": tuple(unit for unit in everyone if unit in seen),
                "甲": tuple(unit for unit in everyone if unit not in seen),
            }
            n = {"甲": ceil(len(strata["甲"]) * RATIO), "again": ceil(len(seen) * RATIO * factor)}
            drawn = select(Frame((), "", strata, {}), next(seed), n)
            published[turn].add((len(strata["甲"]), n["甲"], len(seen), n["again"]))
            estimates[turn].append(float(sum(worth[unit.id] / unit.probability for unit in drawn)))
            each[turn].update(unit.id for unit in drawn)
            again[turn].update(unit.id for unit in drawn if unit.stratum == "again")
            seen.update(unit.id for unit in drawn)
        once.update(seen)
    total, rows, union = sum(worth.values()), [], 0
    for turn in range(DRAWS):
        (size, n_new, old, n_again), *others = published[turn]
        report.check(f"draw {turn + 1}: the numbers are the same every year", not others)
        report.check(f"draw {turn + 1}: nobody has probability 0", n_new > 0 and (n_again > 0 or old == 0))
        union += n_new
        mean = sum(estimates[turn]) / years
        spread = sqrt(sum((value - mean) ** 2 for value in estimates[turn]) / (years - 1) / years)
        away = (mean - total) / spread
        test = report.chi_square(
            f"year, draw {turn + 1}", *same_chance([each[turn][unit] for unit in everyone], years, n_new + n_again)
        )
        estimate = report.chi_square(f"year, draw {turn + 1}, estimate", away**2, 1)
        rows.append([
            f"{turn + 1}", f"{n_new} of {size}", f"{n_again} of {old}", f"{n_new / size:.4f}", f"{n_again / old:.4f}" if old else "–",
            test[0], test[1], test[2], percent(mean / total - 1), f"{spread / total:.2%}", estimate[2],
        ])  # fmt: skip
    report.table(
        [
            "draw",
            "new",
            "again",
            "π new",
            "π again",
            "χ², each firm in this draw",
            "df",
            "p",
            "estimate, error",
            "its noise",
            "p",
        ],
        rows,
    )
    test = report.chi_square("year, union", *same_chance([once[unit] for unit in everyone], years, union))
    report.say(
        f"The union of the year has {union} different firms every year, each with probability {union}/{UNITS}: χ² {test[0]} on "
        f"{test[1]} degrees of freedom, p = {test[2]}. Every firm was drawn a second time in some year: "
        f"{report.check('everyone can be drawn again', all(any(again[turn][unit] for turn in range(DRAWS)) for unit in everyone))}."
    )
    report.check("the union has the stated size", sum(once.values()) == years * union)
