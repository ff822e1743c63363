"""The rooms at size, on SQLite: the import of a register, the list of a large one, a draw over it. Needs a home of its own."""

import contextlib
import csv
import datetime
import html
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.harness import percentile

if TYPE_CHECKING:
    from zhunsheng.demo.truth import Firm


def _firms(count: int, first: int = 2_000_000) -> "Iterator[Firm]":
    from zhunsheng.demo import truth
    from zhunsheng.web.registry.models import Division

    towns = [(code, name, 1.0) for code, name in Division.objects.filter(level="township").values_list("code", "name")]
    return truth.firms(count, seed=7, today=datetime.date(2026, 11, 24), townships=towns, parks=[], first=first)


def importing(folder: Path, rows: int) -> None:
    """A CSV through the ordinary importer (received, checked, loaded, with history) beside csv.reader alone on the same bytes."""
    from django.core.files import File
    from django.utils import timezone

    from zhunsheng.web.desk.importing import actions
    from zhunsheng.web.people.models import User
    from zhunsheng.web.registry.imports import ENTITIES
    from zhunsheng.web.registry.models import BusinessEntity

    path = folder / "firms.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(
            [
                "主体标识",
                "名称",
                "主体类型",
                "行业代码",
                "规模",
                "登记状态",
                "成立日期",
                "住所",
                "区划代码",
                "信用风险分类",
                "分类来源",
                "分类日期",
            ]
        )
        for firm in _firms(rows):
            writer.writerow([
                firm.unit_id, firm.name, firm.entity_type, firm.industry, firm.size, firm.status, firm.established_on, firm.address,
                firm.township, firm.risk_class, "演示数据", "2026-11-01",
            ])  # fmt: skip
    user = User.objects.get(username="member")

    def through() -> object:
        start = time.perf_counter()
        with path.open("rb") as raw:
            run = actions.receive(ENTITIES, File(raw), "firms.csv", by=user, at=timezone.now())
        checked = time.perf_counter()
        run = actions.load(run, clean_only=True, by=user, at=timezone.now())
        done = time.perf_counter()
        print(
            f"  received and checked {checked - start:.1f} s, loaded {done - checked:.1f} s: {run.created:,} new, {run.updated:,} changed, {run.unchanged:,} as before, {run.rows_bad:,} with problems"
        )
        return run.created

    def bare() -> object:
        return sum(1 for _ in csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))

    start = time.perf_counter()
    before = BusinessEntity.objects.count()
    through()
    taken = time.perf_counter() - start
    added = BusinessEntity.objects.count() - before
    start = time.perf_counter()
    bare()
    alone = time.perf_counter() - start
    print(f"\nImport 导入  ({rows:,} rows, {path.stat().st_size / 1e6:.1f} MB, {added:,} new entities)")
    print(
        f"  zhunsheng import, validated, in one transaction, with history  {rows / taken:>12,.0f} rows/s   {taken:.1f} s"
    )
    print(
        f"  csv.reader alone (limit)                                        {rows / alone:>12,.0f} rows/s   {alone:.2f} s   ratio {taken / alone:.0f}"
    )


def listing(entities: int, asks: int = 60) -> None:
    """The list page of the register: first page, filtered, searched, deep page; queries, p50, p95."""
    from django.db import connection
    from django.test import Client

    from zhunsheng.web.people.models import User
    from zhunsheng.web.registry.models import BusinessEntity, Division

    count = BusinessEntity.objects.count()
    client = Client()
    client.force_login(User.objects.get(username="member"))
    county = Division.objects.filter(level="county").first()
    pages = {
        "first page": "/registry/",
        "one county": f"/registry/?division={county.pk if county else ''}",
        "class D, newest first": "/registry/?risk_class=D&sort=-updated_at",
        "name contains 恒达 (two characters)": "/registry/?q=恒达",
    }
    deep = "/registry/"
    for _ in range(20):
        found = re.search(r'href="(\?[^"]*after=[^"]*)"', client.get(deep).content.decode())
        if found is None:
            break
        deep = f"/registry/{html.unescape(found[1])}"
    pages["21st page, by key"] = deep
    print(f"\nList page 名录列表  ({count:,} entities, SQLite, {asks} requests each, whole response)")
    print(f"  {'':<44}{'queries':>9}{'p50 ms':>9}{'p95 ms':>9}")
    for name, url in pages.items():
        asked: list[str] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any, asked: list[str] = asked) -> Any:
            asked.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            assert client.get(url).status_code == 200, url
        times = []
        for _ in range(asks):
            start = time.perf_counter()
            client.get(url)
            times.append((time.perf_counter() - start) * 1000)
        print(f"  {name:<44}{len(asked):>9}{percentile(times, 0.5):>9.0f}{percentile(times, 0.95):>9.0f}")


def run(folder: Path, *, entities: int, rows: int) -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from zhunsheng.demo import build

    with contextlib.redirect_stdout(io.StringIO()):
        build.ensure(entities=2_000, seed=1, fresh=True)
    _fill(entities - 2_000)
    listing(entities)
    importing(folder, rows)


def _fill(count: int) -> None:
    """More entities, by the path that imports and the demo city use."""
    import itertools

    from django.utils import timezone

    from zhunsheng.web.people.models import User
    from zhunsheng.web.registry import actions
    from zhunsheng.web.registry.models import BusinessEntity, Division

    divisions = {row.code: row for row in Division.objects.all()}
    by, at = User.objects.get(username="sysadmin"), timezone.now()
    firms = _firms(count, first=4_000_000)
    while some := list(itertools.islice(firms, 5_000)):
        actions.register_many(
            [
                BusinessEntity(
                    unit_id=firm.unit_id, name=firm.name, entity_type=firm.entity_type, industry=firm.industry, size=firm.size,
                    status=firm.status, established_on=firm.established_on, address=firm.address,
                    division=divisions[firm.township], risk_class=firm.risk_class,
                )
                for firm in some
            ],
            by=by, at=at,
        )  # fmt: skip
