"""Officers at work at the same time, each a process of its own: they file complaints and take steps, and say what they did.

`python -m bench.officers N [--officer K] [--matters M]` works in the home and the database of the environment; one line
of JSON a deed. The bench counts them, the fault tests kill them.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from zhunsheng.engine.clock import CHINA

START = datetime(2026, 11, 2, 9, 0, tzinfo=CHINA)
FACTS = {"channel": "hotline", "subject": "商品与宣传不符", "complainant": "某某", "contact": "13900000000"}


def town(officers: int) -> None:
    """An office with so many officers, in an empty database."""
    from zhunsheng.web.people.models import Office, Post, User

    office = Office.objects.create(code="market", name="测试市市场监督管理局", level="city", division_code="990100")
    for n in range(officers):
        user = User.objects.create(username=f"officer-{n}", display_name=f"经办{n}")
        Post.objects.create(user=user, office=office, role="member")


def work(rounds: int, officer: int, shared: int) -> None:
    """Files complaints of its own where `shared` is 0; otherwise takes steps in the first `shared` matters, all at once with
    the others: whoever comes second to a step is told, and that is counted as well."""
    from zhunsheng.web.common.errors import Refused
    from zhunsheng.web.matters import actions
    from zhunsheng.web.matters.models import Matter, MatterStep
    from zhunsheng.web.people.models import Office, User

    office, by = Office.objects.get(code="market"), User.objects.get(username=f"officer-{officer}")
    for n in range(rounds):
        at = START + timedelta(seconds=n)
        if not shared:
            matter = actions.open_matter("complaint", by=by, at=at, office=office, facts=FACTS)
            _say(did="open", no=matter.no)
            continue
        matter = Matter.objects.order_by("pk")[(officer + n) % shared]
        seen = MatterStep.objects.filter(matter=matter).count()
        try:
            step = actions.take(
                matter, "complete", by=by, at=datetime.now(CHINA), facts={"subject": f"{officer}-{n}"}, after=seen
            )
            _say(did="step", no=matter.no, seq=step.seq, officer=officer, n=n)
        except Refused as problem:
            _say(did="refused", no=matter.no, why=str(problem))


def _say(**what: object) -> None:
    sys.stdout.write(json.dumps({**what, "t": time.time()}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def hire(count: int, rounds: int, *, shared: int = 0, home: Path, database: str = "") -> "list[subprocess.Popen[str]]":
    """Starts so many officers."""
    environment = {**os.environ, "ZHUNSHENG_HOME": str(home), "DJANGO_SETTINGS_MODULE": "zhunsheng.web.settings"}
    if database:
        environment["ZHUNSHENG_DATABASE_URL"] = database
    words = [sys.executable, "-m", "bench.officers", str(rounds), "--shared", str(shared), "--officer"]
    return [
        subprocess.Popen([*words, str(n)], env=environment, stdout=subprocess.PIPE, text=True) for n in range(count)
    ]


def wait(officers: "list[subprocess.Popen[str]]") -> list[dict[str, Any]]:
    """What all of them did, when all have finished."""
    lines = [line for one in officers for line in one.communicate()[0].splitlines()]
    return [json.loads(line) for line in lines]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.officers", description=__doc__)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--officer", type=int, default=0)
    parser.add_argument("--shared", type=int, default=0)
    parser.add_argument("--start-at", type=float, default=0.0)
    words = parser.parse_args()
    import django

    django.setup()
    time.sleep(max(0.0, words.start_at - time.time()))
    work(words.rounds, words.officer, words.shared)


if __name__ == "__main__":
    main()
