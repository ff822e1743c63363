"""Draws of other platforms, as far as the public may see them: numbers and verdicts, no unit and no person."""

from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.utils.functional import Promise

from zhunsheng.web.common.errors import language
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import UpstreamDraw
from zhunsheng.web.public_log.models import LogEntry

#: A check reads whole lists; its outcome is kept for so many seconds.
KEPT = 600


def find(pk: int) -> UpstreamDraw | None:
    return inspection.upstream_draws().filter(pk=pk).first()


@dataclass(frozen=True, slots=True)
class Line:
    """What was looked at: the kind of tag and word of the outcome, the sentence, how many are at fault."""

    kind: str
    outcome: "str | Promise"
    words: str
    at_fault: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """checks: of this draw. tests: over all draws of the platform up to it. cannot: what no list can show."""

    checks: tuple[Line, ...]
    tests: tuple[Line, ...]
    cannot: tuple[str, ...]

    @property
    def failed(self) -> int:
        return sum(one.kind == "bad" for one in self.checks)

    @property
    def unusual(self) -> int:
        return sum(one.kind == "warn" for one in self.tests)

    @property
    def unjudged(self) -> int:
        return sum(one.kind == "muted" for one in self.checks)


def verdict(draw: UpstreamDraw) -> Verdict:
    key = f"portal-upstream-{draw.pk}-{draw.sha256[:16]}-{language()}"
    found: Verdict | None = cache.get(key)
    if found is None:
        found = Verdict(
            tuple(_line(one) for one in inspection.upstream_checks(draw)),
            tuple(_line(one) for one in inspection.upstream_plausibility(draw.source_system, draw.drawn_on)),
            tuple(inspection.upstream_cannot()),
        )
        cache.set(key, found, KEPT)
    return found


def _line(one: Any) -> Line:
    kind, word = one.mark
    return Line(kind, word, one.words, len(one.units) + one.more)


def entry(draw: UpstreamDraw) -> LogEntry | None:
    """The entry of the log that fixed the list as it was taken in."""
    return LogEntry.objects.filter(kind="upstream.import", subject=f"upstream_draw:{draw.pk}").order_by("pk").last()
