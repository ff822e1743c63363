"""`make bench`: every engine beside a peer or a physical limit, in one run, with ratios.

python -m bench [--quick] [clock] [procedure] [draw] [rooms] [search] [log] [matters] [documents]
python -m bench fairness [--quick]                     is the draw fair: inclusion, Pareto, assignment, re-entry
python -m bench browser [--quick]                      the verifier of the page in Chromium, 100,000 units
python -m bench scale [--units N] [--folder FOLDER]    DuckDB, Spark and the engine on one large frame
"""

import argparse
import os
import tempfile
from pathlib import Path

from bench import harness


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "what",
        nargs="*",
        default=["clock", "procedure", "draw", "log", "rooms", "search", "matters", "documents"],
        help="clock, procedure, draw, log, rooms, search, matters, documents (default: these), fairness, browser, scale",
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--units", type=int, default=2_000_000, help="scale: how many units (default: 2,000,000)")
    parser.add_argument("--folder", type=Path, help="scale: a folder on a disk with room (default: the system's own)")
    parser.add_argument("--here", action="store_true", help="matters: only on the database of the environment")
    words = parser.parse_args()
    share = 10 if words.quick else 1
    print(f"{harness.machine()}. Ratios travel between machines, seconds do not.")
    with tempfile.TemporaryDirectory(prefix="zhunsheng-bench-") as folder:
        os.environ["ZHUNSHENG_HOME"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhunsheng.web.settings")
        if "clock" in words.what:
            from bench import clock

            clock.run(100_000 // share)
        if "procedure" in words.what:
            from bench import procedure

            procedure.run(1_000_000 // share)
        if "draw" in words.what:
            from bench import draw

            draw.run(1_000_000 // share, Path(folder))
        if "documents" in words.what:
            from bench import documents

            documents.run(100 // share)
        if "browser" in words.what:
            from bench import browser

            browser.run(100_000 // share, Path(folder))
        if "log" in words.what:
            import django

            django.setup()
            from django.core.management import call_command

            from bench import log

            call_command("migrate", verbosity=0)
            log.run(Path(folder), entries=1_000_000 // share, count=1_000_000 // share, acts=2_000 // share)
        if "rooms" in words.what:
            import django

            django.setup()
            from django.conf import settings

            settings.ALLOWED_HOSTS = ["testserver"]
            settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
            from bench import rooms

            rooms.run(Path(folder), entities=100_000 // share, rows=50_000 // share)
        if "search" in words.what:
            import django

            django.setup()
            from django.conf import settings

            settings.ALLOWED_HOSTS = ["testserver"]
            settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
            from bench import search

            search.run(entities=100_000 // share)
        if "matters" in words.what:
            import django

            django.setup()
            from django.conf import settings
            from django.core.management import call_command

            from bench import matters

            settings.ALLOWED_HOSTS = ["testserver"]
            settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
            call_command("migrate", verbosity=0)
            matters.run(rounds=400 // share, matters=200_000 // share)
            if not words.here:
                matters.on_postgresql(Path(folder), quick=words.quick)
        if "fairness" in words.what:
            from bench.fairness.run import run

            if not run(100_000 // share):
                raise SystemExit("the report found what it should not")
        if "scale" in words.what:
            from bench import scale

            scale.run(words.units // share, words.folder)
    if harness.wavering and not words.quick:
        raise SystemExit(
            f"The peers of {len(harness.wavering)} races wavered by more than 30 %; not to be quoted: {'; '.join(harness.wavering)}"
        )


if __name__ == "__main__":
    main()
