"""Matters at size: steps a second with eight officers at once beside bare durable rows; the desk with 200,000 open matters."""

import os
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import officers
from bench.harness import percentile


def transitions(rounds: int) -> None:
    """Eight processes open matters and take steps in shared ones; nothing lost, nothing doubled, no gap in the numbers."""
    from django.conf import settings
    from django.db import connection

    from zhunsheng.web.matters.models import Matter, MatterStep

    vendor, home = connection.vendor, Path(settings.HOME)
    officers.town(8)
    single = _bare(rounds * 8)
    opened = officers.wait(officers.hire(8, rounds, home=home))
    stepped = officers.wait(officers.hire(8, rounds, shared=40, home=home))
    took, went = _span(opened), _span(stepped)
    deeds = Counter(one["did"] for one in [*opened, *stepped])
    numbers = sorted(Matter.objects.values_list("no", flat=True))
    gap_free = numbers == [f"TS-2026-{n:05d}" for n in range(1, len(numbers) + 1)]
    lost = deeds["open"] + deeds["step"] - MatterStep.objects.count()
    doubled = MatterStep.objects.count() - len({*MatterStep.objects.values_list("matter_id", "seq")})
    print(f"\nMatters 办件  (8 officers at once, {vendor})")
    print(f"  bare one-row transactions, one process (limit)   {single:>8,.0f}/s")
    print(
        f"  matters opened                                   {deeds['open'] / took:>8,.0f}/s   ratio {single / (deeds['open'] / took):.0f}"
    )
    print(
        f"  steps taken in 40 shared matters                 {deeds['step'] / went:>8,.0f}/s   ratio {single / (deeds['step'] / went):.0f}"
    )
    print(f"  told that another was first                      {deeds['refused']:>8,}")
    print(f"  lost {lost}, doubled {doubled}, numbers without a gap: {'yes' if gap_free else 'NO'}")
    if lost or doubled or not gap_free:
        raise SystemExit("steps were lost or doubled, or a number is missing")


def _span(deeds: list[dict[str, Any]]) -> float:
    """Seconds from the first deed of anyone to the last: the starting of the processes is not counted."""
    return max(one["t"] for one in deeds) - min(one["t"] for one in deeds)


def _bare(count: int) -> float:
    """Durable transactions of one small row each, a second, in the same database."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_bare (id integer PRIMARY KEY, text varchar(200))")
        start = time.perf_counter()
        for n in range(count):
            cursor.execute("INSERT INTO bench_bare VALUES (%s, %s)", [n, "x" * 120])
        taken = time.perf_counter() - start
        cursor.execute("DROP TABLE bench_bare")
    return count / taken


def desk(matters: int, asks: int = 40) -> None:
    """The desk of an officer and the list of matters, with so many of them open: queries, p50, p95 of the whole response."""
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from zhunsheng.web.matters.models import Deadline, Matter
    from zhunsheng.web.people.models import Office, User

    office, now = Office.objects.get(code="market"), timezone.now()
    people = list(User.objects.filter(username__startswith="officer-").order_by("pk"))
    for first in range(0, matters, 5000):
        made = Matter.objects.bulk_create(
            Matter(
                no=f"BX-2026-{n:06d}", procedure="complaint", version="2020", title=f"投诉样例 {n}", office=office,
                handler=people[n % len(people)], state="mediating", state_since=now, opened_at=now - timedelta(minutes=n),
                next_limit="mediate", next_due_on=(now + timedelta(days=n % 90 - 20)).date(), next_due_at=now + timedelta(days=n % 90 - 20),
            )
            for n in range(first, min(first + 5000, matters))
        )  # fmt: skip
        Deadline.objects.bulk_create(
            Deadline(
                matter=one, ordinal=0, limit="mediate", name="调解", starts_on=now.date(), due_on=one.next_due_on, due_at=one.next_due_at,
                status="running",
            )
            for one in made
        )  # fmt: skip
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    client = Client()
    client.force_login(people[0])
    print(
        f"\nDesk and lists  ({Matter.objects.count():,} open matters, {connection.vendor}, {asks} requests each, whole response)"
    )
    print(f"  {'':<44}{'queries':>9}{'p50 ms':>9}{'p95 ms':>9}")
    for name, url in {"my desk": "/desk/", "list of matters": "/matters/", "overdue": "/matters/?overdue=true"}.items():
        asked: list[str] = []
        with connection.execute_wrapper(
            lambda execute, sql, params, many, context, asked=asked: (
                asked.append(sql),
                execute(sql, params, many, context),
            )[1]
        ):
            assert client.get(url).status_code == 200, url
        times = []
        for _ in range(asks):
            start = time.perf_counter()
            client.get(url)
            times.append((time.perf_counter() - start) * 1000)
        print(f"  {name:<44}{len(asked):>9}{percentile(times, 0.5):>9.0f}{percentile(times, 0.95):>9.0f}")


def run(*, rounds: int, matters: int) -> None:
    transitions(rounds)
    desk(matters)


def on_postgresql(folder: Path, *, quick: bool) -> None:
    """The same once more on a PostgreSQL server that lives for this run; said so where there is none."""
    script, place = Path(__file__).resolve().parents[1] / ".ci" / "postgres", folder / "pg"
    folder.chmod(0o755)  # the server's own user must reach its folder
    begun = subprocess.run(["bash", script, "start", place, "55439"], capture_output=True, text=True, check=False)
    if begun.returncode:
        print(f"\nPostgreSQL is not here: {begun.stderr.strip()[-200:] or 'no initdb'}")
        return
    try:
        environment = {**os.environ, "ZHUNSHENG_DATABASE_URL": begun.stdout.split()[-1]}
        words = [sys.executable, "-m", "bench", "matters", "--here", *(["--quick"] if quick else [])]
        subprocess.run(words, env=environment, check=True)
    finally:
        subprocess.run(["bash", script, "stop", place], check=False)
