"""Equal probabilities: how often each unit, each sample, each place in the order came, over many seeds."""

from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from math import comb

from bench.fairness.report import Report, classes, same_chance, seeds
from zhunsheng.engine.draw import Frame, freeze, select
from zhunsheng.engine.suites import SM3

#: name → (N, n)
STRATA: Mapping[str, tuple[int, int]] = {
    "A": (40, 3), "A-郊区": (20, 7), "B": (12, 1), "C": (6, 3), "D": (5, 2), "甲": (7, 7), "戊": (1, 1),
}  # fmt: skip
KEY = "5a" * 32


def leaves() -> list[dict[str, str]]:
    made = [
        {"id": f"demo:{place:02d}{number:03d}", "stratum": name}
        for place, (name, (size, _)) in enumerate(STRATA.items())
        for number in range(size)
    ]
    return made + [{"id": f"demo:9900{number}", "stratum": "A", "exclusion": "CAP"} for number in range(3)]


def strata(report: Report, mode: str, frame: Frame, runs: int) -> None:
    """One line a stratum: each unit equally often, each possible sample equally often, the first place too."""
    n = {name: wanted for name, (_, wanted) in STRATA.items()}
    units = {
        name: [f"demo:{place:02d}{number:03d}" for number in range(size)]
        for place, (name, (size, _)) in enumerate(STRATA.items())
    }
    counts: Counter[str] = Counter()
    first: Counter[str] = Counter()
    samples: dict[str, Counter[frozenset[str]]] = {name: Counter() for name in STRATA}
    both: Counter[tuple[str, frozenset[str]]] = Counter()
    probabilities = set()
    for seed in seeds(mode, runs):
        by_stratum: dict[str, list[str]] = {name: [] for name in STRATA}
        for unit in select(frame, seed, n):
            by_stratum[unit.stratum].append(unit.id)
            probabilities.add((unit.stratum, unit.probability))
        for name, some in by_stratum.items():
            counts.update(some)
            first[some[0]] += 1
            samples[name][frozenset(some)] += 1
        both[by_stratum["B"][0], frozenset(by_stratum["D"])] += 1
    report.check(
        f"{mode}: an excluded unit is never drawn", not any(counts[f"demo:9900{number}"] for number in range(3))
    )
    rows = []
    for name, (size, wanted) in STRATA.items():
        published = [p for stratum, p in probabilities if stratum == name]
        assert len(published) == 1
        mine = [counts[unit] for unit in units[name]]
        if wanted == size:
            certain = report.check(f"{mode}, {name}: certain", mine == [runs] * size)
            rows.append(
                [
                    name,
                    f"{size}",
                    f"{wanted}",
                    str(published[0]),
                    "all, always" if certain == "yes" else "NO",
                    "–",
                    "–",
                    "–",
                    "–",
                    "–",
                ]
            )
            continue
        spread = f"{min(mine) / runs:.4f} … {max(mine) / runs:.4f}"
        units_test = report.chi_square(f"{mode}, stratum {name}, units", *same_chance(mine, runs, wanted))
        first_test = ("–", "–", "–")  # with n = 1 it is the test of the units
        if wanted > 1:
            in_front = [first[unit] for unit in units[name]]
            first_test = report.chi_square(f"{mode}, stratum {name}, first place", *same_chance(in_front, runs, 1))
        every = comb(size, wanted)
        sample_test = ("–", "–", "–")
        if wanted > 1 and every <= 100:
            each = [samples[name][frozenset(some)] for some in combinations(units[name], wanted)]
            sample_test = report.chi_square(f"{mode}, stratum {name}, samples", *classes(each, [runs / every] * every))
        rows.append(
            [
                name,
                f"{size}",
                f"{wanted}",
                str(published[0]),
                spread,
                units_test[0],
                units_test[1],
                units_test[2],
                first_test[2],
                sample_test[2],
            ]
        )
    report.table(
        [
            "stratum",
            "N",
            "n",
            "published π",
            "observed, least … most",
            "χ²",
            "df",
            "p",
            "p, first place",
            "p, every sample",
        ],
        rows,
    )
    pairs = [both[one, frozenset(some)] for one in units["B"] for some in combinations(units["D"], 2)]
    together = report.chi_square(
        f"{mode}, strata B and D are independent", *classes(pairs, [runs / len(pairs)] * len(pairs))
    )
    report.say(
        "Strata B and D together, {} outcomes equally often: χ² {} on {} degrees of freedom, p = {}.".format(
            len(pairs), *together
        )
    )


def joint(report: Report, runs: int) -> None:
    """Two departments, one event: the same tickets, so that a firm on both lists is visited once where it can be."""
    report.heading("Joint draw: two lists, the same tickets")
    lists = {"food": range(30), "metrology": range(12, 36)}
    n = {"food/all": 6, "metrology/all": 4}
    frame = freeze(
        (
            {"id": f"demo:{number:03d}"}
            | {f"{name}.stratum": "all" for name, members in lists.items() if number in members}
            for number in range(36)
        ),
        lists=tuple(lists),
    )
    counts: Counter[tuple[str, str]] = Counter()
    visits = 0
    for seed in seeds("joint", runs):
        drawn = select(frame, seed, n)
        counts.update((unit.stratum, unit.id) for unit in drawn)
        visits += len({unit.id for unit in drawn})
    rows = []
    for stratum, ids in frame.strata.items():
        test = report.chi_square(
            f"joint, {stratum}", *same_chance([counts[stratum, unit] for unit in ids], runs, n[stratum])
        )
        rows.append([stratum, f"{len(ids)}", f"{n[stratum]}", *test])
    report.table(["list", "N", "n", "χ²", "df", "p"], rows)
    common = len(set(lists["food"]) & set(lists["metrology"]))
    apart = common * 6 / 30 * 4 / 24
    report.say(
        f"{common} of the 36 firms are on both lists. Firms visited for both at once: {sum(n.values()) - visits / runs:.3f} a "
        f"draw; with tickets of their own for each list it would be {apart:.3f}."
    )


def run(report: Report, runs: int) -> None:
    n = ", ".join(f"{name} {wanted} of {size}" for name, (size, wanted) in STRATA.items())
    modes = (
        ("open", freeze(leaves()), runs),
        ("sealed", freeze(leaves(), seal_key=KEY, draw="bench-2026-001"), runs // 2),
        ("open, SM3", freeze(leaves(), suite=SM3), runs // 5),
    )
    for mode, frame, times in modes:
        report.heading(f"Equal probabilities, {mode}")
        report.say(f"{times:,} seeds; strata {n}; three excluded units, never drawn.")
        strata(report, mode, frame, times)
