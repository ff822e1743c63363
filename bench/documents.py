"""Official documents: numbers a second from eight processes at once, none missing; and pages printed a second.

`python -m bench.documents ROUNDS K` is one officer who issues so many documents; the fault tests start and kill them.
"""

import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
FIELDS = {
    "party": "测试企业有限公司",
    "violation": "生产记录不完整，进货查验制度没有落实。",
    "demand": "补齐生产记录，落实进货查验制度。",
}


def town() -> None:
    """One office, in an empty database."""
    from zhunsheng.web.people.models import Office

    Office.objects.create(code="market", name="测试市市场监督管理局", level="city", division_code="990100")


def work(rounds: int, officer: int) -> None:
    """Issues documents and says each number."""
    from zhunsheng.web.documents import actions
    from zhunsheng.web.people.models import Office

    office = Office.objects.get(code="market")
    for n in range(rounds):
        made = actions.issue(
            "rectification.order", office=office, fields=FIELDS, title=f"{officer}-{n}", by=None, at=AT
        )
        sys.stdout.write(made.number + "\n")
        sys.stdout.flush()


def run(rounds: int = 50) -> None:
    """Eight officers at once on a file of SQLite, then printing in one process."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "ZHUNSHENG_HOME": folder, "DJANGO_SETTINGS_MODULE": "zhunsheng.web.settings"}
        environment.pop("ZHUNSHENG_DATABASE_URL", None)
        prepare = "import django; django.setup(); from django.core.management import call_command as c; c('migrate', verbosity=0); from bench.documents import town; town()"
        subprocess.run([sys.executable, "-c", prepare], env=environment, check=True)
        start = time.perf_counter()
        words = [sys.executable, "-m", "bench.documents", str(rounds)]
        officers = [
            subprocess.Popen([*words, str(n)], env=environment, stdout=subprocess.PIPE, text=True) for n in range(8)
        ]
        said = [line for one in officers for line in one.communicate()[0].split()]
        took = time.perf_counter() - start
        gap_free = sorted(said, key=_sequence) == [f"（测）市监责改〔2026〕{n}号" for n in range(1, 8 * rounds + 1)]
        printed = subprocess.run(
            [sys.executable, "-m", "bench.documents", "--print"],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
    print("\nDocuments 文书  (SQLite on a file, durable)")
    print(f"  numbers from 8 processes at once, their start included  {len(said) / took:>8,.0f}/s")
    print(f"  without a gap                                           {'yes' if gap_free else 'NO':>8}")
    print(printed.stdout, end="")
    if not gap_free:
        raise SystemExit("a number is missing or was given twice")


def _sequence(number: str) -> int:
    return int(number.partition("〕")[2].removesuffix("号"))


def printing(count: int = 60) -> None:
    """PDF/A-2b files a second, each of another document, the faces already read."""
    from zhunsheng.web.documents import actions
    from zhunsheng.web.people.models import Office

    office = Office.objects.get(code="market")
    made = [
        actions.issue("rectification.order", office=office, fields=FIELDS | {"party": f"企业{n}"}, by=None, at=AT)
        for n in range(count + 1)
    ]
    actions.render(made.pop())
    start = time.perf_counter()
    size = sum(len(actions.render(one)) for one in made)
    took = time.perf_counter() - start
    print(
        f"  PDF/A-2b files printed, one process                     {count / took:>8,.0f}/s   {size // count // 1024} KiB each"
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhunsheng.web.settings")
    if len(sys.argv) == 1:
        run()
    else:
        import django

        django.setup()
        if sys.argv[1] == "--print":
            printing()
        else:
            work(int(sys.argv[1]), int(sys.argv[2]))
