"""`make bench`: every engine beside a peer or a physical limit, in one run, with ratios.

python -m bench [--quick] [clock] [draw] [rooms]
"""

import argparse
import os
import platform
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("what", nargs="*", default=["clock", "draw", "rooms"], help="clock, draw, rooms (default: all)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    words = parser.parse_args()
    share = 10 if words.quick else 1
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}. Ratios travel between machines, seconds do not."
    )
    with tempfile.TemporaryDirectory(prefix="zhunsheng-bench-") as folder:
        os.environ["ZHUNSHENG_HOME"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhunsheng.web.settings")
        if "clock" in words.what:
            from bench import clock

            clock.run(100_000 // share)
        if "draw" in words.what:
            from bench import draw

            draw.run(1_000_000 // share)
        if "rooms" in words.what:
            import django

            django.setup()
            from django.conf import settings

            settings.ALLOWED_HOSTS = ["testserver"]
            settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
            from bench import rooms

            rooms.run(Path(folder), entities=100_000 // share, rows=50_000 // share)


if __name__ == "__main__":
    main()
