"""A rehearsal with a real register (演练): its premises and past results come in through the ordinary importer, a draw is
made over them, visited, published and verified.

Written for Toronto's DineSafe export, one row an infraction; another export needs another pair of mapping files. The
outcome of a drawn unit is taken from the file of the following year. Who does not stand in that file was not inspected:
no result is written for it, and the rate counts it as non-response.
"""

import csv
import datetime
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from django.core.files import File
from django.utils import timezone

from zhunsheng.demo import build, truth
from zhunsheng.engine import estimate
from zhunsheng.engine.draw import Source, Value, Verdict, commitment, verify
from zhunsheng.web.common import city
from zhunsheng.web.desk.importing import actions as importing
from zhunsheng.web.desk.importing import find_kind
from zhunsheng.web.desk.models import ImportRun
from zhunsheng.web.inspection import actions as inspection
from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.models import CheckItem, Draw, ResultWording, Task
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.registry import actions as registry
from zhunsheng.web.registry.models import BusinessEntity, Inspector, Qualification

CHINA = ZoneInfo("Asia/Shanghai")
ITEMS = ("CJ-10", "CJ-11", "CJ-12")
RATIOS = {"A": "0.05", "B": "0.08", "C": "0.15", "*": "0.05"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the following year's file says of one establishment: its first inspection of that year."""

    visited_on: datetime.date
    status: str
    infractions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of it. `census`: passed and inspected among all units of the frame that stand in the second file."""

    imports: tuple[ImportRun, ...]
    draw: Draw
    verdict: Verdict
    passed: estimate.PassRate
    not_in_file: int
    census: tuple[int, int]


def outcomes(path: Path) -> dict[str, Outcome]:
    """Unit id → its first inspection in the file. Raises KeyError for a file without DineSafe's columns."""
    first: dict[str, Outcome] = {}
    with path.open(encoding="utf-8-sig", newline="") as source:
        for row in csv.DictReader(source):
            unit, day = f"toronto:{row['Establishment ID']}", datetime.date.fromisoformat(row["Inspection Date"])
            infraction = " ".join(row["Infraction Details"].split())
            known = first.get(unit)
            if known is None or day < known.visited_on:
                first[unit] = Outcome(day, row["Establishment Status"], (infraction,) if infraction else ())
            elif day == known.visited_on and infraction:
                first[unit] = Outcome(day, known.status, (*known.infractions, infraction))
    return first


def rehearse(
    premises: Path, results: Path, *, mappings: Path, seed: int = 1, say: Callable[[str], None] = lambda text: None
) -> Rehearsed:
    """Runs the whole line over a real register in an empty, migrated database. Raises Refused as the rooms do."""
    from zhunsheng.web.cli import load_city

    start = datetime.datetime(2020, 12, 1, 9, 0, tzinfo=CHINA)
    load_city(build.CITY, by=None, at=start)
    city.choose(build.CITY)
    users = build.accounts()
    runs = []
    # the register by an officer; past results come in as published ones, so by one who may publish
    for kind, mapping, user in (
        ("entities", "toronto-mapping.toml", "member"),
        ("visits", "toronto-visits-mapping.toml", "head"),
    ):
        run = _import(kind, premises, mappings / mapping, users[user])
        say(
            f"{kind}: {run.rows_total:,} rows → {run.created:,} new, {run.updated:,} changed, {run.rows_bad:,} rows with problems"
        )
        runs.append(run)
    _inspectors(seed, users["sysadmin"], start)
    build.rule_book(users, start)
    draw = _draw(users, random.Random(f"rehearsal-{seed}"))
    say(f"draw {draw.no}: {draw.selected_count:,} of {draw.frame_size:,} drawn, seed {draw.seed[:16]}…")
    found = outcomes(results)
    absent = _visit(draw, found, users)
    verdict = verify(queries.bundle_bytes(draw))
    inputs = queries.pass_rate_inputs(draw)
    frame = {row for (row,) in BusinessEntity.objects.filter(unit_id__in=_frame_ids(draw)).values_list("unit_id")}
    seen = [found[unit] for unit in frame if unit in found]
    census = (sum(one.status == "Pass" for one in seen), len(seen))
    return Rehearsed(
        tuple(runs), Draw.objects.get(pk=draw.pk), verdict, estimate.pass_rate(inputs.units), absent, census
    )


def _frame_ids(draw: Draw) -> list[str]:
    return [unit for ids in queries.stored_frame(draw).strata.values() for unit in ids]


def _import(kind: str, path: Path, mapping: Path, by: User) -> ImportRun:
    with path.open("rb") as raw:
        run = importing.receive(
            find_kind(kind),
            File(raw, name=path.name),
            path.name,
            mapping=mapping.read_text(encoding="utf-8"),
            by=by,
            at=timezone.now(),
        )
    if run.state == ImportRun.State.REFUSED:
        raise SystemExit(f"{path}: {run.refusal}")
    return importing.load(run, clean_only=True, by=by, at=timezone.now())


def _inspectors(seed: int, by: User, at: datetime.datetime) -> None:
    """The export names no inspectors: sixteen invented ones, who may lead the three items."""
    office = Office.objects.get(code="market")
    specialities = sorted({item.speciality for item in CheckItem.objects.filter(code__in=ITEMS)})
    rows = [
        Inspector(
            person_no=officer.person_no, name=officer.name, office=office, certificate_no=f"99{officer.number:08d}",
            certificate_valid_to=datetime.date(2025, 12, 31),
        )
        for officer in truth.officers([("market", "", 16)], specialities, seed=seed)
    ]  # fmt: skip
    held = [
        Qualification(inspector=row, speciality=code, source="演练", valid_from=datetime.date(2019, 1, 1))
        for row in rows
        for code in specialities
    ]
    registry.write_inspectors(rows, [], held, by=by, at=at)


def _draw(users: dict[str, User], rng: random.Random) -> Draw:
    announced = datetime.datetime(2021, 1, 1, 9, 0, tzinfo=CHINA)
    day = announced.date()
    plan = inspection.draft_plan(
        by=users["member"], at=announced - datetime.timedelta(days=4), office=Office.objects.get(code="market"),
        name="真实名录演练：食品经营单位抽查", year=day.year,
        items=[item for item in CheckItem.objects.filter(code__in=ITEMS) if item.valid_to is None],
        starts_on=datetime.date(2021, 1, 3), ends_on=datetime.date(2021, 12, 31), ratios=RATIOS, kind="directed",
        scope={"schemes": ["toronto"]},
    )  # fmt: skip
    plan = inspection.approve_plan(plan, by=users["head"], at=announced - datetime.timedelta(days=2))
    number = queries.next_draw_no(plan.office, day)
    strings = [[f"{rng.getrandbits(96):024x}" for _ in range(2)] for _ in range(2)]

    def sources(second: bool) -> tuple[Source, ...]:
        parties = [
            queries.Party(
                name,
                commitment(number, f"ceremony:party-{n}", strings[second][n - 1], second=second),
                f"not-revealed-{n}",
            )
            for n, name in ((1, "纪检监察机关"), (2, "群众代表"))
        ]
        return queries.ceremony(parties, second=second)

    def gave(at: datetime.datetime, second: bool) -> list[Value]:
        dice = "-".join(str(rng.randint(1, 6)) for _ in range(10))
        return [
            Value(f"ceremony:dice{'-2' if second else ''}", dice, at),
            *(Value(f"ceremony:party-{n}", strings[second][n - 1], at) for n in (1, 2)),
        ]

    draw = inspection.announce_draw(
        plan, by=users["member"], at=announced, not_before=announced + datetime.timedelta(hours=25),
        sources=sources(False), second_sources=sources(True),
    )  # fmt: skip
    thrown = announced + datetime.timedelta(hours=26)
    at = thrown + datetime.timedelta(minutes=10)
    draw = inspection.execute_draw(draw, by=users["member"], at=at, values=gave(thrown, False), witnesses="演练")
    draw = inspection.close_list(draw, by=users["member"], at=at + datetime.timedelta(hours=1))
    again = at + datetime.timedelta(hours=3)
    return inspection.assign_teams(
        draw, by=users["member"], at=again + datetime.timedelta(minutes=10), values=gave(again, True), witnesses="演练"
    )


def _visit(draw: Draw, found: dict[str, Outcome], users: dict[str, User]) -> int:
    """Records, reviews and publishes what the second file says of the drawn units; returns how many it does not name."""
    wordings = {row.code: row for row in ResultWording.objects.filter(valid_to=None)}
    items = queries.lists(draw.plan)
    entries, absent = [], 0
    for task in queries.with_team(Task.objects.filter(draw=draw)).select_related("entity"):
        outcome = found.get(task.unit_id)
        if outcome is None:
            absent += 1
            continue
        concerned = queries.items_for(task, items)
        failed = outcome.status != "Pass"
        said = "；".join(outcome.infractions) or outcome.status
        findings = [
            inspection.FindingInput(
                item,
                "problem" if failed and item is concerned[0] else "pass",
                said[:600] if failed and item is concerned[0] else "",
            )
            for item in concerned
        ]
        visited = datetime.datetime.combine(outcome.visited_on, datetime.time(15), CHINA)
        entries.append(inspection.VisitInput(
            task=task, visited_on=outcome.visited_on, result=wordings["05" if failed else "01"], findings=findings,
            summary="" if failed else said[:1000] if outcome.infractions else "", at=visited + datetime.timedelta(hours=1),
        ))  # fmt: skip
    entries.sort(key=lambda entry: entry.visited_on)
    for first in range(0, len(entries), 100):
        some = entries[first : first + 100]
        at = datetime.datetime.combine(some[-1].visited_on, datetime.time(18), CHINA)
        visits = inspection.record_visits(some, by=users["member"], at=at)
        inspection.review_visits(visits, by=users["reviewer"], at=at + datetime.timedelta(days=1))
        inspection.publish_visits(visits, by=users["head"], at=at + datetime.timedelta(days=2))
    return absent


def report(done: Rehearsed) -> str:
    """The figures in words, both languages."""
    rate, bounds, counts = done.passed.rate, done.passed.bounds, done.passed.counts
    outcome = Counter(
        {
            "合格 pass": counts.eligible_pass,
            "发现问题 problem": counts.eligible_fail,
            "未检 not inspected": counts.non_response,
        }
    )

    def percent(value: float | None) -> str:
        return "—" if value is None else f"{100 * value:.2f} %"

    lines = [
        f"抽取 / draw              {done.draw.no}  名录根 / root {done.draw.frame_root}",
        f"zhunsheng verify         {'PASS' if done.verdict.ok else 'FAIL'}  ({len(done.verdict.steps)} steps)",
        f"结果 / outcomes          {', '.join(f'{key} {n}' for key, n in outcome.items())}; 次年文件中没有 / not in the second file {done.not_in_file}",
        f"直接相除 / plain         {rate.numerator}/{rate.denominator} = {percent(float(rate.plain) if rate.plain is not None else None)}",
        f"按设计估计 / design      {percent(rate.estimate)}  95 % 〔{percent(rate.low)} – {percent(rate.high)}〕",
        f"最坏–最好 / bounds       {percent(float(bounds.worst) if bounds.worst is not None else None)} – {percent(float(bounds.best) if bounds.best is not None else None)}",
        f"次年普查 / census        {done.census[0]}/{done.census[1]} = {percent(done.census[0] / done.census[1] if done.census[1] else None)}  (名录内、次年文件有的全部单位 / all units of the frame in the second file)",
    ]
    return "\n".join(lines)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
