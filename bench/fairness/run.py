"""The whole report."""

from bench.fairness import assignment, equal, pareto, reentry
from bench.fairness.report import Report


def run(seeds: int) -> bool:
    """Prints the report over `seeds` seeds; whether everything agrees with what is published."""
    report = Report()
    print(f"\n## Is the draw fair? {seeds:,} seeds")
    equal.run(report, seeds)
    equal.joint(report, seeds // 2)
    pareto.run(report, seeds)
    reentry.run(report, seeds // 5)
    assignment.small(report, seeds // 10)
    assignment.large(report, seeds // 500)
    report.heading("All together")
    return report.verdict()
