"""Real bundles of the demo city, one for each mode: what `tests/vectors/draw/bundle-*.json` are made from.

from zhunsheng.demo import bundles; bundles.write(Path("tests/vectors/draw"))    # in an empty, migrated database
"""

import datetime
from pathlib import Path

from zhunsheng.demo import build
from zhunsheng.web.common import city
from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.models import Draw

NOW = datetime.datetime(2026, 11, 24, 20, 0, tzinfo=build.CHINA)
ENTITIES = 800


def write(folder: Path) -> dict[str, int]:
    """Builds a small city as it stands on a fixed day, and writes its bundles; name → bytes written."""
    city.choose(build.CITY)
    build.build(entities=ENTITIES, seed=3, now=NOW)
    open_draws = Draw.objects.filter(state="assigned", mode="open", plan__further_lists=None)
    chosen = {
        "open": open_draws.filter(plan__measure="none").exclude(results_digest="").order_by("frame_size").first(),
        "pareto": open_draws.exclude(plan__measure="none").first(),
        "joint": Draw.objects.filter(plan__further_lists__isnull=False).distinct().first(),
        "sealed": Draw.objects.filter(mode="sealed", opened_at=None).first(),
        "opened": Draw.objects.filter(mode="sealed", opened_at__isnull=False).first(),
        "abandoned": Draw.objects.filter(state="abandoned").first(),
    }
    made = {}
    for name, draw in chosen.items():
        if draw is None:
            raise SystemExit(f"the city has no draw for {name}")
        data = queries.bundle_bytes(draw)
        (folder / f"bundle-{name}.json").write_bytes(data + b"\n")
        made[name] = len(data)
    return made
