"""The report on fairness finds what is unfair, gives the same numbers again, and agrees with what was measured before."""

from collections import Counter

import numpy as np
import pytest

from bench.fairness import assignment, equal, pareto, reentry, report
from zhunsheng.engine.draw.assignment import walk
from zhunsheng.engine.draw.pareto import lambda_list


def counts_of(choose, size, runs=4000):
    counts = Counter()
    for seed in report.seeds("test", runs):
        counts.update(choose(seed))
    return [counts[unit] for unit in range(size)]


def ordered(seed, size):
    return sorted(range(size), key=lambda unit: report.sha256(f"{seed}|{unit}".encode()).digest())


def test_a_fair_choice_passes_and_a_slightly_unfair_one_is_seen():
    fair = counts_of(lambda seed: ordered(seed, 20)[:5], 20)
    # In one draw of five, the first unit is left out if it can be.
    kind = counts_of(lambda seed: [u for u in ordered(seed, 20) if u or int(seed[:4], 16) % 5][:5], 20)
    found = report.Report()
    found.chi_square("fair", *report.same_chance(fair, 4000, 5))
    assert found.verdict()
    found.chi_square("unfair", *report.same_chance(kind, 4000, 5))
    assert not found.verdict()


def test_the_statistic_has_the_mean_of_its_distribution():
    """Over many small experiments χ² comes to its degrees of freedom: the covariance of a fixed n is taken in."""
    values = []
    seeds = list(report.seeds("mean of chi square", 20_000))
    for first in range(0, len(seeds), 100):
        counts = Counter(unit for seed in seeds[first : first + 100] for unit in ordered(seed, 8)[:3])
        statistic, df = report.same_chance([counts[unit] for unit in range(8)], 100, 3)
        values.append(statistic)
    assert df == 7 and abs(np.mean(values) - 7) < 4 * np.sqrt(14 / len(values))


def test_a_broken_claim_fails_the_report():
    found = report.Report(p_values=[(0.5, "some test")])
    assert found.check("one and one is two", 1 + 1 == 2) == "yes" and found.verdict()
    assert found.check("one and one is three", 1 + 1 == 3) == "NO" and not found.verdict()


def test_the_computed_probabilities_agree_with_what_was_simulated_before():
    """400,000 draws by others (N = 100, n = 11): Pareto within 0.18 %, sequential Poisson −2.7/−2.1/−1.0/+1.8 %, weighted
    keys +14.9/+13.0/+4.7/−10.1 %, each with a noise of up to 0.2 %."""
    _, sizes, n = pareto.CASES[0]
    shares = [
        a / pareto.SCALE for a in lambda_list([size for c, size in sizes.values() for _ in range(c)], n, pareto.SCALE)
    ]
    simulated = {
        "Pareto (this project)": (-0.04, 0.04, -0.05, 0.03),
        "sequential Poisson u/λ": (-2.7, -2.1, -1.0, 1.8),
        "weighted keys −ln(u)/λ": (14.9, 13.0, 4.7, -10.1),
    }
    for design, before in simulated.items():
        true = pareto.inclusion(shares, n, *pareto.DESIGNS[design])
        assert true.sum() == pytest.approx(n, abs=1e-4)
        errors = [100 * (true[place] / shares[place] - 1) for place in (0, 40, 70, 90)]
        assert errors == pytest.approx(before, abs=0.25)


def test_with_equal_shares_the_computed_probability_is_the_share():
    for law in pareto.DESIGNS.values():
        assert pareto.inclusion([0.3] * 10, 3, *law) == pytest.approx([0.3] * 10, abs=1e-4)


def test_every_assignment_is_found_and_the_steps_are_the_engine_s():
    """One step of the engine from a state leads only where the matrix of the rule says, and about as often."""
    _, closed = next(assignment.cases())
    places = closed.places
    states = assignment.every(places)
    assert tuple(places.persons(closed.start)) in states
    matrix = assignment.transitions(places, states)
    assert np.asarray(matrix.sum(axis=1)).ravel() == pytest.approx(np.ones(len(states)))
    assert (abs(matrix - matrix.T) > 1e-12).nnz == 0  # symmetric, so that uniform is where it ends
    start = states.index(tuple(places.persons(closed.start)))
    runs = 4000
    seen = Counter(
        states.index(tuple(walk(places, states[start], seed, 1)[0])) for seed in report.seeds("one step", runs)
    )
    chance = matrix[[start]].toarray().ravel()
    assert all(chance[state] > 0 for state in seen)
    reached = [state for state in range(len(states)) if chance[state] > 0]
    found = report.Report()
    found.chi_square("one step", *report.classes([seen[s] for s in reached], [runs * chance[s] for s in reached]))
    assert found.verdict()


def test_the_whole_report_in_small_says_yes_and_says_it_twice(capsys):
    def once():
        found = report.Report()
        equal.run(found, 1000)
        equal.joint(found, 1000)
        reentry.run(found, 300)
        assignment.small(found, 300)
        assert found.verdict()
        return capsys.readouterr().out

    first = once()
    assert "| 甲 | 7 | 7 | 1 | all, always |" in first and "NO" not in first
    assert once() == first
