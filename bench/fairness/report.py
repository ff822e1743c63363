"""What the parts of the report share: seeds that nobody chose, tests with their p-values, tables in Markdown."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from scipy.stats import chi2


def seeds(name: str, count: int) -> Iterator[str]:
    """SHA-256 of "fairness|name|1", "fairness|name|2" …: the same on every machine."""
    for number in range(1, count + 1):
        yield sha256(f"fairness|{name}|{number}".encode()).hexdigest()


def percent(share: float, digits: int = 2) -> str:
    """With its sign, and 0 without one."""
    written = f"{share:+.{digits}%}"
    return written if float(written[:-1]) else written[1:]


@dataclass(slots=True)
class Report:
    """Tables as they are printed, and every test that was made."""

    p_values: list[tuple[float, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def heading(self, text: str) -> None:
        print(f"\n### {text}\n")

    def say(self, text: str) -> None:
        print(f"{text}\n")

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        print("| " + " | ".join(columns) + " |")
        print("| " + " | ".join("---" if place == 0 else "--:" for place in range(len(columns))) + " |")
        for row in rows:
            print("| " + " | ".join(row) + " |")
        print()

    def chi_square(self, name: str, statistic: float, df: int) -> tuple[str, str, str]:
        """Keeps the test; gives χ², degrees of freedom and p as they are printed."""
        p = float(chi2.sf(statistic, df))
        self.p_values.append((p, name))
        return f"{statistic:.1f}", f"{df}", f"{p:.3f}"

    def check(self, what: str, ok: bool) -> str:
        """A claim that is exact: holds, or the report fails."""
        if not ok:
            self.broken.append(what)
        return "yes" if ok else "NO"

    def verdict(self) -> bool:
        """All tests together: with m true hypotheses the smallest of m p-values is below x with probability 1-(1-x)^m."""
        smallest, name = min(self.p_values)
        together = 1 - (1 - smallest) ** len(self.p_values)
        print(
            f"{len(self.p_values)} tests; the smallest p is {smallest:.4f} ({name}); so small or smaller by chance alone in "
            f"{together:.0%} of such reports. Below 0.1 % the report fails."
        )
        if self.broken:
            print("Does not hold: " + "; ".join(self.broken))
        return together > 0.001 and not self.broken


def same_chance(counts: Sequence[int], runs: int, n: int) -> tuple[float, int]:
    """χ² and degrees of freedom of how often each unit was in a sample of n, all alike, over `runs` samples.

    The counts are not independent: they add up to n in every run. With that covariance, Σ(count − runs·π)² /
    (runs·π(1−π)) · (N−1)/N has N−1 degrees of freedom.
    """
    size = len(counts)
    p = n / size
    return sum((count - runs * p) ** 2 for count in counts) / (runs * p * (1 - p)) * (size - 1) / size, size - 1


def chances(counts: Sequence[int], runs: int, expected: Sequence[float]) -> tuple[float, int]:
    """The same for unequal probabilities, with Hájek's covariance of a design of fixed size and high entropy:
    Σ(count − runs·π)² / (runs·c), c = π(1−π)N/(N−1), N−1 degrees of freedom. Near-exact."""
    size = len(counts)
    variances = [p * (1 - p) * size / (size - 1) for p in expected]
    terms = ((count - runs * p) ** 2 / (runs * c) for count, p, c in zip(counts, expected, variances, strict=True))
    return sum(terms), size - 1


def classes(counts: Sequence[int], expected: Sequence[float]) -> tuple[float, int]:
    """Pearson's χ² of independent runs that each fall in one class."""
    return sum((count - e) ** 2 / e for count, e in zip(counts, expected, strict=True)), len(counts) - 1
