"""Pareto order sampling: its true inclusion probabilities by integration, beside those published and those observed."""

from collections.abc import Callable, Sequence

import numpy as np

from bench.fairness.report import Report, chances, percent, seeds
from zhunsheng.engine.draw import freeze, select
from zhunsheng.engine.draw.pareto import lambda_list

SCALE = 1_000_000
CASES = (
    ("N = 100, n = 11", {"A": (40, 2), "B": (30, 5), "C": (20, 20), "D": (10, 50)}, 11),
    ("N = 1,000, n = 110", {"A": (400, 2), "B": (300, 5), "C": (200, 20), "D": (100, 50)}, 110),
    ("N = 20, n = 4", {"A": (8, 2), "B": (6, 5), "C": (4, 10), "D": (2, 20)}, 4),
    ("N = 10, n = 2", {"A": (4, 2), "B": (3, 4), "C": (2, 8), "D": (1, 12)}, 2),
)

Law = Callable[[np.ndarray, float], np.ndarray]


def inclusion(shares: Sequence[float], n: int, law: Law, inverse: Law, nodes: int = 600) -> np.ndarray:
    """The exact inclusion probabilities of "the n smallest keys", where key i has the distribution law(t, share i).

    Unit i is drawn when fewer than n of the others have a smaller key: integrated over its own key, the others' number
    being a sum of independent yes-or-no with unequal chances. Gauss–Legendre; the sum must come to n.
    """
    kinds = sorted(set(shares))
    x, weight = np.polynomial.legendre.leggauss(nodes)
    u, weight = (x + 1) / 2, weight / 2
    made = {}
    for kind in kinds:
        t = inverse(u, kind)
        below = np.zeros((n, nodes))  # below[k]: exactly k of the others so far
        below[0] = 1
        others = list(shares)
        others.remove(kind)
        for share in others:
            p = law(t, share)
            below[1:] = below[1:] * (1 - p) + below[:-1] * p
            below[0] *= 1 - p
        made[kind] = float((below.sum(axis=0) * weight).sum())
    return np.array([made[share] for share in shares])


DESIGNS: dict[str, tuple[Law, Law]] = {
    "Pareto (this project)": (lambda t, a: a * t / (1 - a + a * t), lambda u, a: u * (1 - a) / ((1 - u) * a)),
    "sequential Poisson u/λ": (lambda t, a: np.minimum(a * t, 1), lambda u, a: u / a),
    "weighted keys −ln(u)/λ": (lambda t, a: -np.expm1(-a * t), lambda u, a: -np.log1p(-u) / a),
}


def run(report: Report, runs: int) -> None:
    report.heading("Unequal probabilities (Pareto πps)")
    report.say(
        "Four classes of size; λ from size by the rule zhunsheng/lambda/1. *Computed* is the relative error of the true "
        "inclusion probability against the published λ, by numerical integration: no chance in it. Two other one-line "
        "rules beside it show why they are not used."
    )
    rows = []
    for name, sizes, n in CASES:
        each = [size for count, size in sizes.values() for _ in range(count)]
        shares = [a / SCALE for a in lambda_list(each, n, SCALE)]
        assert max(shares) < 1
        first = [sum(count for count, _ in [*sizes.values()][:place]) for place in range(len(sizes))]
        for design, (law, inverse) in DESIGNS.items():
            true = inclusion(shares, n, law, inverse)
            report.check(f"{name}, {design}: the probabilities add up to n", abs(true.sum() - n) < 1e-4)
            error = true / np.array(shares) - 1
            rows.append([name, design, *(percent(error[place]) for place in first)])
    report.table(["stratum", "rule", *(f"class {letter}" for letter in "ABCD")], rows)

    name, sizes, n = CASES[0]
    each = [size for count, size in sizes.values() for _ in range(count)]
    weights = lambda_list(each, n, SCALE)
    shares = [a / SCALE for a in weights]
    frame = freeze(
        ({"id": f"demo:{number:03d}", "stratum": "甲", "size": size} for number, size in enumerate(each)),
        pareto={"甲": n},
        scale=SCALE,
    )
    assert list(frame.pareto["甲"].values()) == weights
    counts = np.zeros(len(each), dtype=np.int64)
    in_class = np.repeat(np.arange(len(sizes)), [count for count, _ in sizes.values()])
    per_run = np.zeros((runs, len(sizes)), dtype=np.int16)
    for number, seed in enumerate(seeds("pareto", runs)):
        drawn = [int(unit.id[5:]) for unit in select(frame, seed, {"甲": n})]
        counts[drawn] += 1
        per_run[number] = np.bincount(in_class[drawn], minlength=len(sizes))
    true = inclusion(shares, n, *DESIGNS["Pareto (this project)"])
    report.say(f"{name}: the engine on {runs:,} seeds. *Noise* is one standard error of the observed relative error.")
    rows = []
    for place, letter in enumerate(sizes):
        members = in_class == place
        wanted = np.array(shares)[members].sum()
        noise = per_run[:, place].std(ddof=1) / np.sqrt(runs) / wanted
        rows.append([
            f"{letter}: λ about {np.array(shares)[members].mean():.4f}", percent(true[members].sum() / wanted - 1, 3),
            percent(counts[members].sum() / runs / wanted - 1, 3), f"{noise:.3%}",
        ])  # fmt: skip
    report.table(["class", "computed error", "observed error", "noise"], rows)
    result = report.chi_square("Pareto, each unit", *chances(counts.tolist(), runs, true.tolist()))
    report.say(
        "Each unit's count against its true probability: χ² {} on {} degrees of freedom, p = {}.".format(*result)
    )
