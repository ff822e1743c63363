"""Builds 衡川市 into the platform: through its own actions, in bulk where they are bulk, at the moments when it happened."""

import datetime
import heapq
import itertools
import json
import random
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from zhunsheng import __version__
from zhunsheng.demo import people as demo_people
from zhunsheng.demo import truth, upstream
from zhunsheng.demo.matters import Matters
from zhunsheng.demo.problems import problems
from zhunsheng.engine import clock
from zhunsheng.engine.draw import Source, Value, commitment
from zhunsheng.web.appraisal import actions as appraisal
from zhunsheng.web.appraisal.models import Snapshot
from zhunsheng.web.desk import actions as desk
from zhunsheng.web.desk.models import Notice
from zhunsheng.web.inspection import actions as inspection
from zhunsheng.web.inspection import queries as inspection_queries
from zhunsheng.web.inspection.models import CheckItem, Draw, FollowUp, Plan, ResultWording, Task, Visit
from zhunsheng.web.people.models import Office, Post, User
from zhunsheng.web.registry import actions as registry
from zhunsheng.web.registry.models import (
    BusinessEntity,
    Division,
    FirmAccount,
    Inspector,
    Park,
    Premises,
    Qualification,
)

CHINA = ZoneInfo("Asia/Shanghai")
CITY, CITY_CODE = "hengchuan", "990100"
RATIOS = {"A": "0.01", "B": "0.02", "C": "0.10", "D": "0.30", "*": "0.03"}
PARTIES = ("市纪委监委派驻纪检组", "衡川市公证处", "市人大代表")
WITNESSES = "市纪委监委派驻纪检组、市公证处、市人大代表两名"
#: joined office → the account that fills in its list
JOINED = {"agri_rural": "agri", "fire_rescue": "fire"}


@dataclass(frozen=True, slots=True)
class PlanIdea:
    """A plan of the demo: its name, the items' codes, days before today when it was announced, the scope.

    joint: joined office → its items and its scope. sealed: a surprise check, opened when it is over. measure: what the
    probability within a stratum goes by. again: those already drawn this year stand in a stratum of their own.
    """

    name: str
    items: tuple[str, ...]
    days_ago: int
    kind: str = "undirected"
    scope: dict[str, list[str]] = field(default_factory=dict)
    joint: dict[str, tuple[tuple[str, ...], dict[str, list[str]]]] = field(default_factory=dict)
    sealed: bool = False
    measure: str = "none"
    again: bool = False


PLANS = (
    PlanIdea("年报与即时公示信息不定向抽查（第一批）", ("CJ-01", "CJ-02"), 700),
    PlanIdea("食品生产企业定向抽查", ("CJ-10",), 610, "directed", {"industries": ["13", "14", "15"]}),
    PlanIdea("餐饮服务单位抽查", ("CJ-12",), 520, "directed", {"industries": ["62"]}),
    PlanIdea("登记事项与公示信息抽查", ("CJ-01", "CJ-03"), 430),
    PlanIdea("重点工业产品生产企业抽查（按规模）", ("CJ-04",), 340, "directed", {"industries": ["C"]}, measure="size"),
    PlanIdea(
        "食品销售、农资与消防联合抽查",
        ("CJ-11", "CJ-13"),
        250,
        "joint",
        {"industries": ["52"]},
        {"agri_rural": (("CJ-27",), {"industries": ["52"]}), "fire_rescue": (("CJ-33",), {"industries": ["52", "61"]})},
    ),  # fmt: skip
    PlanIdea("年报与即时公示信息不定向抽查（第二批）", ("CJ-01", "CJ-02"), 160),
    PlanIdea("餐饮服务单位突击检查", ("CJ-12",), 75, "directed", {"industries": ["62"]}, sealed=True),
    PlanIdea("食品销售单位抽查（年内第二次）", ("CJ-11",), 52, "directed", {"industries": ["52"]}, again=True),
    PlanIdea("特种设备使用单位抽查", ("CJ-14",), 24, "directed", {"industries": ["C", "61", "62"]}),
)

#: drawn and assigned, and still under seal: nobody outside the office knows where the inspectors go
SURPRISE = PlanIdea("食品生产企业突击检查", ("CJ-10",), 8, "directed", {"industries": ["13", "14"]}, sealed=True)
GIVEN_UP = PlanIdea("加油站计量与油品质量抽查", ("CJ-09", "CJ-16"), 118, "directed", {"industries": ["52"]})
WAITING = PlanIdea("检验检测机构抽查", ("CJ-18",), 2, "directed", {"industries": ["74"]})


#: What the parties of the waiting draw have sealed. A visitor who plays the ceremony types these, or the published defaults.
WAITING_STRINGS = [f"hengchuan-demo-party-{n}-first-round" for n in range(1, len(PARTIES) + 1)]
WAITING_SECOND = [f"hengchuan-demo-party-{n}-second-round" for n in range(1, len(PARTIES) + 1)]


@dataclass(frozen=True, slots=True)
class Secrets:
    """The strings that the parties reveal in the first round and in the second."""

    first: list[str]
    second: list[str]


def committed(number: str, strings: list[str], *, second: bool = False) -> tuple[Source, ...]:
    """The ceremony of a draw as announced: each party's commitment, and what stands in if it does not reveal."""
    parties = [
        inspection_queries.Party(
            party, commitment(number, f"ceremony:party-{n}", string, second=second), f"not-revealed-{n}"
        )
        for n, (party, string) in enumerate(zip(PARTIES, strings, strict=True), 1)
    ]
    return inspection_queries.ceremony(parties, second=second)


class Progress:
    """One line a step, with a bar where the amount is known."""

    def __init__(self, steps: int) -> None:
        self.steps, self.step, self.name, self.start = steps, 0, "", 0.0
        self.live = sys.stdout.isatty()

    def begin(self, name: str) -> None:
        self.end()
        self.step += 1
        self.name, self.start = name, time.monotonic()
        if self.live:
            self._write(f"\r[{self.step:>2}/{self.steps}] {name} …")

    def share(self, done: int, total: int) -> None:
        if self.live and total:
            width = 24 * done // total
            self._write(
                f"\r[{self.step:>2}/{self.steps}] {self.name} {'█' * width}{'░' * (24 - width)} {done:,}/{total:,}"
            )

    def end(self) -> None:
        if self.name:
            clear = "\r\x1b[K" if self.live else ""
            self._write(f"{clear}[{self.step:>2}/{self.steps}] {self.name}  {time.monotonic() - self.start:.1f} s\n")
            self.name = ""

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


def ensure(*, entities: int, seed: int, fresh: bool) -> None:
    """The demo city is there afterwards. A finished one is kept as it is; an interrupted one is built anew.

    Raises SystemExit where HOME holds another city's data: nothing of that is touched.
    """
    home = Path(settings.HOME)
    marker, chosen = home / "demo.json", home / "city"
    here = chosen.read_text().strip() if chosen.is_file() else ""
    if here not in {"", CITY}:
        raise SystemExit(f"{home} holds the city {here!r}. Give the demo a home of its own: ZHUNSHENG_HOME=var-demo")
    if marker.is_file() and not fresh:
        made = json.loads(marker.read_text())
        print(
            f"演示城市已存在,数据保留 / the demo city is there, its data is kept ({made['entities']:,} 户; --fresh 重建 / builds anew)"
        )
        call_command("migrate", verbosity=0, interactive=False)
        return
    _clear(home, marker)
    chosen.write_text(CITY + "\n", encoding="utf-8")
    start = time.monotonic()
    build(entities=entities, seed=seed, now=timezone.now())
    marker.write_text(
        json.dumps({"entities": entities, "seed": seed, "built_at": timezone.now().isoformat(), "version": __version__})
    )
    print(f"演示城市建成 / the demo city is built: {time.monotonic() - start:.0f} s")


def _clear(home: Path, marker: Path) -> None:
    """Takes the old demo, or the half of one, away."""
    marker.unlink(missing_ok=True)
    if connection.vendor == "sqlite":
        connection.close()
        name = Path(str(connection.settings_dict["NAME"]))
        for path in (name, name.with_name(name.name + "-wal"), name.with_name(name.name + "-shm")):
            path.unlink(missing_ok=True)
        call_command("migrate", verbosity=0, interactive=False)
    else:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("flush", verbosity=0, interactive=False)
    shutil.rmtree(home / "media", ignore_errors=True)


@desk.unfollowed()
def build(*, entities: int, seed: int, now: datetime.datetime) -> None:
    """Builds the city into an empty, migrated database, as it stands on `now`."""
    from zhunsheng.web.cli import load_city

    progress = Progress(7)
    today = now.astimezone(CHINA).date()
    progress.begin("政策、区划、机构、事项 / tables of the city")
    start = now - datetime.timedelta(days=800)
    load_city(CITY, by=None, at=start)
    progress.begin("账号 / accounts")
    users = accounts()
    progress.begin(f"经营主体 / business entities ({entities:,})")
    latent = _entities(entities, seed, today, users["sysadmin"], start, progress)
    _firm_account(latent)
    progress.begin("检查人员 / inspectors")
    strictness = _inspectors(entities, seed, today, users, start)
    progress.begin("实施细则 / rule book")
    rule_book(users, start)
    progress.begin("两年的抽查和办件 / two years of inspections and matters")
    Simulation(users, latent, strictness, random.Random(f"visits-{seed}"), now, seed).run(progress)
    for user in users.values():
        _read_old_notices(user, now)
    progress.begin("检索 / search index")
    desk.reindex()
    progress.end()


def _read_old_notices(user: User, now: datetime.datetime) -> None:
    """People read their notices: what is older than a week has been seen."""
    old = Notice.objects.filter(user=user, at__lt=now - datetime.timedelta(days=7)).values_list("pk", flat=True)
    desk.read_notices(user, list(old), at=now)


def accounts() -> dict[str, User]:
    users = {}
    password = make_password(demo_people.PASSWORD)
    for account in demo_people.ACCOUNTS:
        user = User.objects.create(username=account.username, display_name=account.name, password=password)
        for office, role in account.posts:
            Post.objects.create(
                user=user, office=Office.objects.get(code=office), role=role, valid_from=datetime.date(2019, 1, 1)
            )
        users[account.username] = user
    User.objects.filter(username="sysadmin").update(is_staff=True)
    return users


def _entities(
    count: int, seed: int, today: datetime.date, by: User, at: datetime.datetime, progress: Progress
) -> dict[str, truth.Firm]:
    divisions = {row.code: row for row in Division.objects.all()}
    rng = random.Random(f"towns-{seed}")
    townships = [
        (
            row.code,
            f"{divisions[row.parent_id or CITY_CODE].name}{row.name}",
            rng.uniform(0.5, 2.0) * (1.6 if row.name.endswith("街道") else 1.0),
        )
        for row in divisions.values()
        if row.level == "township"
    ]
    parks = [(row.code, row.division_id or "") for row in Park.objects.exclude(division=None)]
    known_parks = {row.code: row for row in Park.objects.all()}
    latent: dict[str, truth.Firm] = {}
    batch: list[BusinessEntity] = []
    for firm in truth.firms(count, seed=seed, today=today, townships=townships, parks=parks):
        latent[firm.unit_id] = firm
        batch.append(BusinessEntity(
            unit_id=firm.unit_id, name=firm.name, entity_type=firm.entity_type, industry=firm.industry, size=firm.size,
            status=firm.status, established_on=firm.established_on, address=firm.address, division=divisions[firm.township],
            park=known_parks.get(firm.park), risk_class=firm.risk_class, risk_class_source="演示数据:设定的信用风险分类",
            risk_class_on=today.replace(day=1),
        ))  # fmt: skip
        if len(batch) == 5000:
            _register(batch, by, at)
            progress.share(len(latent), count)
            batch = []
    _register(batch, by, at)
    return latent


def _register(batch: list[BusinessEntity], by: User, at: datetime.datetime) -> None:
    premises = [
        Premises(entity=one, no=1, name=one.name, address=one.address, division=one.division, park=one.park)
        for one in batch
    ]
    registry.register_many(batch, premises, by=by, at=at)


def _firm_account(latent: dict[str, truth.Firm]) -> None:
    """The demo's firm: a restaurant that was found wanting in class C."""
    wanted = next((f for f in latent.values() if f.industry == "6210" and f.risk_class == "C" and f.reachable and f.unit_id.startswith("uscc:")),
                  next(iter(latent.values())))  # fmt: skip
    user = User.objects.get(username="firm")
    entity = BusinessEntity.objects.get(unit_id=wanted.unit_id)
    user.display_name = entity.name[:40]
    user.save(update_fields=["display_name"])
    FirmAccount.objects.create(user=user, entity=entity)


def _inspectors(
    entities: int, seed: int, today: datetime.date, users: dict[str, User], at: datetime.datetime
) -> dict[str, float]:
    """The inspectors of the city office and the county offices; number → strictness, which the platform does not know."""
    specialities = sorted({item.speciality for item in CheckItem.objects.exclude(speciality="")})
    counties = list(Division.objects.filter(level="county"))
    city, each = max(4, min(26, entities // 700)), max(1, min(5, entities // 4000))
    groups = [("market", "", city), ("agri_rural", "", max(2, city // 4)), ("fire_rescue", "", 2)]
    groups += [(f"market_{county.code}", county.code, each) for county in counties]
    officers = truth.officers(groups, specialities, seed=seed)
    offices = {office.code: office for office in Office.objects.all()}
    rng = random.Random(f"inspectors-{seed}")
    towns = list(Division.objects.filter(level="township").values_list("code", "parent_id"))
    new, qualifications = [], []
    for officer in officers:
        home = (
            [code for code, county in towns if county == officer.division]
            if officer.division
            else [code for code, _ in towns]
        )
        first = (
            officer.number == 1
        )  # the demo's account; it and the next five may lead anything, so that no target of a joint draw lacks a lead
        inspector = Inspector(
            person_no=officer.person_no, name=users["inspector"].display_name if first else officer.name, user=users["inspector"] if first else None,
            office=offices[officer.office], certificate_no=f"99{officer.number:08d}",
            certificate_valid_to=today + datetime.timedelta(days=rng.randint(200, 1500)), home_division_id=rng.choice(home),
            level="county" if officer.division else "city",
        )  # fmt: skip
        new.append(inspector)
        qualifications += [
            Qualification(
                inspector=inspector,
                speciality=code,
                source="演示数据",
                valid_from=today - datetime.timedelta(days=1500),
            )
            for code in (specialities if officer.number <= 6 else officer.specialities)
        ]
    registry.write_inspectors(new, [], qualifications, by=users["sysadmin"], at=at)
    return {officer.person_no: officer.strictness for officer in officers}


def rule_book(users: dict[str, User], at: datetime.datetime) -> None:
    book = inspection.draft_rule_book(by=users["member"], at=at, valid_from=at.astimezone(CHINA).date())
    inspection.approve_rule_book(book, by=users["head"], at=at + datetime.timedelta(days=3))


class Simulation:
    """Two years of the city's random inspections. The truth decides what is there, the team's strictness what is found."""

    def __init__(
        self,
        users: dict[str, User],
        latent: dict[str, truth.Firm],
        strictness: dict[str, float],
        rng: random.Random,
        now: datetime.datetime,
        seed: int,
    ) -> None:
        self.users, self.latent, self.strictness, self.rng, self.now = users, latent, strictness, rng, now
        self.seed, self.extra = seed, random.Random(f"papers-{seed}")
        self.wordings = {row.code: row for row in ResultWording.objects.filter(valid_to=None)}
        self.calendar = clock.default_calendar()
        self.queue: list[tuple[datetime.datetime, int, Callable[[datetime.datetime], None]]] = []
        self.order = itertools.count()
        self.bins: dict[tuple[str, datetime.datetime], list[Visit]] = {}

    def prepare(
        self, idea: PlanIdea, opening: datetime.datetime, then: Callable[[Plan, datetime.datetime], None]
    ) -> None:
        """The plan is drafted six days before, approved three days before; at the opening `then` happens with it."""

        def draft(at: datetime.datetime) -> None:
            day = opening.astimezone(CHINA).date()
            plan = inspection.draft_plan(
                by=self.users["member"], at=at, office=Office.objects.get(code="market"), name=idea.name, year=day.year,
                items=[CheckItem.objects.get(code=code, valid_to=None) for code in idea.items],
                starts_on=day + datetime.timedelta(days=3), ends_on=day + datetime.timedelta(days=18 if idea.sealed else 45),
                ratios=RATIOS, ratio_scheme="default", kind=idea.kind, scope=idea.scope, measure=idea.measure, again=idea.again,
                mode="sealed" if idea.sealed else "open", joint_offices=list(Office.objects.filter(code__in=idea.joint)),
            )  # fmt: skip
            self.later(opening - datetime.timedelta(days=5), partial(fill, plan))
            self.later(opening - datetime.timedelta(days=3), partial(approve, plan))

        def fill(plan: Plan, at: datetime.datetime) -> None:
            """The joined offices write and confirm their lists."""
            for part in plan.further_lists.select_related("office"):
                codes, scope = idea.joint[part.office.code]
                items = [CheckItem.objects.get(code=code, valid_to=None) for code in codes]
                officer = self.users[JOINED[part.office.code]]
                part = inspection.fill_list(part, by=officer, at=at, items=items, scope=scope, ratios=RATIOS)
                inspection.confirm_list(part, by=officer, at=at)

        def approve(plan: Plan, at: datetime.datetime) -> None:
            approved = inspection.approve_plan(plan, by=self.users["head"], at=at)
            self.later(opening, partial(then, approved))

        self.later(opening - datetime.timedelta(days=6), draft)

    def announce(self, plan: Plan, at: datetime.datetime) -> tuple[Draw, Secrets]:
        """Announces with the commitments of the ceremony's parties to both rounds; returns the draw and what they will reveal."""
        number = inspection_queries.next_draw_no(plan.office, at.astimezone(CHINA).date())
        secrets = Secrets(*([f"{self.rng.getrandbits(128):032x}" for _ in PARTIES] for _ in range(2)))
        draw = inspection.announce_draw(
            plan, by=self.users["member"], at=at, not_before=at + datetime.timedelta(hours=40),
            sources=committed(number, secrets.first), second_sources=committed(number, secrets.second, second=True),
        )  # fmt: skip
        return draw, secrets

    def ceremony(self, strings: list[str], at: datetime.datetime, *, second: bool = False) -> list[Value]:
        """What the dice give, and what the parties then reveal, in the twenty minutes before."""
        dice = "-".join(str(self.rng.randint(1, 6)) for _ in range(10))
        thrown = Value(
            f"ceremony:dice{'-2' if second else ''}",
            dice,
            at - datetime.timedelta(minutes=20),
            {"witness": "公证处现场公证"},
        )
        revealed = [
            Value(f"ceremony:party-{n}", string, at - datetime.timedelta(minutes=15 - n), {"record": "公开仪式记录"})
            for n, string in enumerate(strings, 1)
        ]
        return [thrown, *revealed]

    def execute(self, draw: Draw, secrets: Secrets, at: datetime.datetime) -> Draw:
        values = self.ceremony(secrets.first, at)
        return inspection.execute_draw(draw, by=self.users["member"], at=at, values=values, witnesses=WITNESSES)

    # -- the course of events ------------------------------------------------------------------------------------------
    def later(self, at: datetime.datetime, act: Callable[[datetime.datetime], None]) -> None:
        """Puts an act on the calendar; what lies after today has not happened."""
        if at < self.now:
            heapq.heappush(self.queue, (at, next(self.order), act))

    def run(self, progress: Progress) -> None:
        """Everything in the order in which it happened, so that the public log is in order of time."""
        for idea in PLANS:
            self.prepare(idea, self.opening(idea.days_ago), self.open)
        self.prepare(SURPRISE, self.opening(SURPRISE.days_ago), self.open)
        self.prepare(GIVEN_UP, self.opening(GIVEN_UP.days_ago), self.give_up)
        self.prepare(
            WAITING, (self.now - datetime.timedelta(hours=50)).replace(second=0, microsecond=0), self.announce_only
        )
        self.later(self.now - datetime.timedelta(hours=24), self.draft_only)
        self.later(self.now - datetime.timedelta(days=30), self.upstream)
        self.later(self.now - datetime.timedelta(days=3), self.freeze)
        self.later(self.now - datetime.timedelta(seconds=1), self.freeze_today)
        Matters(self, self.seed, len(self.latent)).begin()
        first = self.queue[0][0]
        while self.queue:
            at, _, act = heapq.heappop(self.queue)
            act(at)
            progress.share((at - first).days, (self.now - first).days)

    def opening(self, days_ago: int) -> datetime.datetime:
        """Nine o'clock of the first working day from so many days ago."""
        at = (
            (self.now - datetime.timedelta(days=days_ago))
            .astimezone(CHINA)
            .replace(hour=9, minute=0, second=0, microsecond=0)
        )
        while not self.calendar.day(at.date()).working:
            at += datetime.timedelta(days=1)
        return at

    def open(self, plan: Plan, at: datetime.datetime) -> None:
        draw, secrets = self.announce(plan, at)
        self.later(at + datetime.timedelta(hours=48), partial(self.draw, draw, secrets))

    def draw(self, draw: Draw, secrets: Secrets, at: datetime.datetime) -> None:
        drawn = self.execute(draw, secrets, at)
        self.later(at + datetime.timedelta(hours=6), partial(self.declare, drawn))
        self.later(at + datetime.timedelta(days=1), partial(self.close_list, drawn, secrets))

    def declare(self, draw: Draw, at: datetime.datetime) -> None:
        """A few inspectors look at the list and name a firm; the others say that there is nothing."""
        tasks = list(draw.tasks.select_related("entity").order_by("no")[:40])
        for inspector in inspection_queries.directory_of(draw)[:6]:
            chosen = [self.rng.choice(tasks)] if self.rng.random() < 0.4 else []
            kind, note = ("relative", "近亲属在该单位任职") if chosen else ("", "")
            inspection.declare_recusals(draw, inspector, chosen, kind=kind, note=note, by=self.users["member"], at=at)

    def close_list(self, draw: Draw, secrets: Secrets, at: datetime.datetime) -> None:
        closed = inspection.close_list(draw, by=self.users["member"], at=at)
        self.later(at + datetime.timedelta(hours=2), partial(self.assign, closed, secrets))

    def assign(self, draw: Draw, secrets: Secrets, at: datetime.datetime) -> None:
        """The second round, and the visits that follow from it: of a sealed draw within ten days, then the seal is opened."""
        values = self.ceremony(secrets.second, at, second=True)
        draw = inspection.assign_teams(draw, by=self.users["member"], at=at, values=values, witnesses=WITNESSES)
        self.absent(draw, at)
        if draw.sealed:
            self.later(at + datetime.timedelta(days=12), partial(self.open_seal, draw))
        items = inspection_queries.lists(draw.plan)
        by_day: dict[datetime.date, list[tuple[Task, datetime.datetime]]] = {}
        for task in inspection_queries.with_team(Task.objects.filter(draw=draw)).select_related("entity"):
            span = 8 if draw.sealed else 38
            visited = self.working_moment(at + datetime.timedelta(days=1 + span * self.rng.random()))
            by_day.setdefault(visited.date(), []).append((task, visited))
        self.later(at + datetime.timedelta(days=160), partial(self.close, draw.plan))
        for day, visits in by_day.items():
            evening = datetime.datetime.combine(day, datetime.time(18, 30), CHINA)
            self.later(evening, partial(self.enter, items, visits))

    def absent(self, draw: Draw, at: datetime.datetime) -> None:
        """Somebody falls ill the same day, and the next in the order goes instead."""
        task = draw.tasks.filter(state=Task.State.ASSIGNED).order_by("no").first()
        if task is None or self.rng.random() < 0.5:
            return
        team = inspection_queries.standing_team(inspection_queries.with_team(Task.objects.filter(pk=task.pk)).get())
        orders = dict(inspection_queries.substitutes(task, shown=1))
        out = team.others[0] if team else ""
        if out and orders.get(out):
            inspector = Inspector.objects.get(person_no=out)
            then = at + datetime.timedelta(minutes=30)
            inspection.replace_inspector(task, inspector, by=self.users["member"], at=then, reason="突发疾病")

    def open_seal(self, draw: Draw, at: datetime.datetime) -> None:
        inspection.open_draw(draw, by=self.users["member"], at=at)

    def enter(
        self,
        items: "list[inspection_queries.PlanTerms]",
        visits: list[tuple[Task, datetime.datetime]],
        at: datetime.datetime,
    ) -> None:
        """The day's records; each is reviewed within days and published, a few of them late."""
        made = inspection.record_visits(
            [self.visit(task, items, visited, at) for task, visited in visits], by=self.users["member"], at=at
        )
        self.spread(made, at, (2, 3, 4, 5, 6, 8), 16, self.review)

    def review(self, visits: list[Visit], at: datetime.datetime) -> None:
        passed = inspection.review_visits(visits, by=self.users["reviewer"], at=at)
        self.spread(passed, at, (1, 2, 3, 5, 7) * 6 + (32,), 17, self.publish)

    def publish(self, visits: list[Visit], at: datetime.datetime) -> None:
        hidden = set(
            Task.objects.filter(visits__in=visits, draw__mode="sealed", draw__opened_at=None).values_list(
                "pk", flat=True
            )
        )
        if held := [visit for visit in visits if visit.task_id in hidden]:  # the seal comes first
            self.later(at + datetime.timedelta(days=2), partial(self.publish, held))
        visits = [visit for visit in visits if visit.task_id not in hidden]
        published = inspection.publish_visits(visits, by=self.users["head"], at=at)
        for one in FollowUp.objects.filter(visit__in=published, state=FollowUp.State.OPEN):
            # orders are met within weeks; of the latest, some are still open and a few overdue
            if at < self.now - datetime.timedelta(days=70) or self.rng.random() < 0.8:
                self.later(
                    self.working_moment(at + datetime.timedelta(days=self.rng.randint(4, 28))),
                    partial(self.settle, one),
                )

    def close(self, plan: Plan, at: datetime.datetime) -> None:
        inspection.close_plan(plan, by=self.users["head"], at=at)

    def settle(self, follow_up: FollowUp, at: datetime.datetime) -> None:
        inspection.close_follow_up(follow_up, by=self.users["member"], at=at, outcome="复查合格，问题已整改。")

    def spread(
        self,
        visits: list[Visit],
        at: datetime.datetime,
        waits: tuple[int, ...],
        hour: int,
        act: Callable[[list[Visit], datetime.datetime], None],
    ) -> None:
        """Puts visits on the calendar, together where they fall on the same day."""
        days: dict[datetime.datetime, list[Visit]] = {}
        for visit in visits:
            then = self.working_moment(at.astimezone(CHINA) + datetime.timedelta(days=self.rng.choice(waits))).replace(
                hour=hour, minute=0
            )
            days.setdefault(then, []).append(visit)
        for then, some in days.items():
            key = (act.__name__, then)
            if key not in self.bins:
                self.later(then, partial(self.together, key, act))
            self.bins.setdefault(key, []).extend(some)

    def together(
        self,
        key: tuple[str, datetime.datetime],
        act: Callable[[list[Visit], datetime.datetime], None],
        at: datetime.datetime,
    ) -> None:
        """One act for all the visits of a day, whatever draw they come from: as an office works."""
        act(self.bins.pop(key), at)

    def working_moment(self, at: datetime.datetime) -> datetime.datetime:
        at = at.replace(hour=9 + self.rng.randrange(8), minute=self.rng.randrange(60), second=0, microsecond=0)
        while not self.calendar.day(at.date()).working:
            at += datetime.timedelta(days=1)
        return at

    def visit(
        self,
        task: Task,
        items: "list[inspection_queries.PlanTerms]",
        visited: datetime.datetime,
        entered: datetime.datetime,
    ) -> "inspection.VisitInput":
        """What this team writes down at this firm."""
        firm = self.latent[task.unit_id]
        rng = self.rng
        gone = {"cancelled": "R1", "revoked": "R2", "moved_out": "R4"}.get(firm.status)
        code, findings = "01", []
        if gone:
            code = gone
        elif not firm.reachable:
            code = "04"
        elif rng.random() < 0.004:
            code = "06"
        elif rng.random() < 0.012:
            code = "07"
        else:
            lead = next(member for member in task.team.all() if member.lead)
            bad = rng.random() < firm.violation and rng.random() < self.strictness.get(lead.inspector.person_no, 0.9)
            concerned = inspection_queries.items_for(task, items)
            wrong = rng.choice(concerned) if bad and concerned else None
            if wrong is not None:
                text, severity, action = rng.choice(problems(wrong.speciality))
                code = {"crucial": "08"}.get(
                    severity, "05" if rng.random() < 0.8 else "02" if wrong.speciality == "publicity" else "08"
                )
            for item in concerned:
                if item is wrong:
                    findings.append(inspection.FindingInput(item, "problem", text, severity, action))
                else:
                    findings.append(inspection.FindingInput(item, "pass"))
        absent = code in {"04", "06", "R1", "R2", "R4"}
        arrived = visited.astimezone(CHINA)
        left = arrived + datetime.timedelta(minutes=self.extra.randint(*((10, 25) if absent else (35, 150))))
        return inspection.VisitInput(
            arrived_at=arrived.time(), left_at=left.time(), documents=() if absent else self.papers(),
            task=task, visited_on=visited.date(), result=self.wordings[code], findings=findings,
            summary="" if not absent else "现场走访并核对登记信息,拍照留存。",
            signed="absent" if absent else "signed", witness="所在地村(社区)工作人员" if absent else "", at=entered,
        )  # fmt: skip

    def papers(self) -> tuple[str, ...]:
        """The papers that a team asks for, now and then; some of them any authority could look up itself."""
        if self.extra.random() < 0.6:
            return ()
        kinds = ("purchase_records", "production_records", "test_reports", "staff_records", "contracts")
        asked = set(self.extra.sample(kinds, self.extra.randint(1, 2)))
        if self.extra.random() < 0.12:
            asked.add(self.extra.choice(("licence", "permit", "annual_report")))
        return tuple(sorted(asked))

    def upstream(self, at: datetime.datetime) -> None:
        """The lists of a provincial platform are handed down and taken in."""
        found = upstream.entries(self.seed, self.now.astimezone(CHINA).date())
        inspection.import_upstream(found, by=self.users["reviewer"], at=at, reason="省级平台下发名单")

    # -- what a visitor finds ----------------------------------------------------------------------------------------------
    def give_up(self, plan: Plan, at: datetime.datetime) -> None:
        """An official sees a mistake after the announcement: no quiet redraw, the draw is given up in public."""
        draw, _ = self.announce(plan, at)
        self.later(at + datetime.timedelta(days=1), partial(self.abandon, draw))

    def abandon(self, draw: Draw, at: datetime.datetime) -> None:
        inspection.abandon_draw(
            draw, by=self.users["head"], at=at,
            reason="公告后发现名录范围误含全部零售业，应为机动车燃料零售；按规则不得改动名录，放弃本次抽取，另行公告。",
        )  # fmt: skip

    def announce_only(self, plan: Plan, at: datetime.datetime) -> None:
        """Announced and waiting for the ceremony: a visitor may draw."""
        number = inspection_queries.next_draw_no(plan.office, at.astimezone(CHINA).date())
        inspection.announce_draw(
            plan, by=self.users["member"], at=at, not_before=at + datetime.timedelta(hours=26),
            sources=committed(number, WAITING_STRINGS), second_sources=committed(number, WAITING_SECOND, second=True),
        )  # fmt: skip

    def draft_only(self, at: datetime.datetime) -> None:
        """A plan that waits for the head."""
        today = self.now.astimezone(CHINA).date()
        inspection.draft_plan(
            by=self.users["member"], at=at, office=Office.objects.get(code="market"), name="冬季食品生产企业抽查", year=today.year,
            items=[CheckItem.objects.get(code="CJ-10", valid_to=None)], starts_on=today + datetime.timedelta(days=7),
            ends_on=today + datetime.timedelta(days=52), ratios=RATIOS, ratio_scheme="default", kind="directed",
            scope={"industries": ["13", "14", "15"]},
        )  # fmt: skip

    def freeze(self, at: datetime.datetime) -> None:
        """Last month's scoreboard, approved the next day."""
        last = self.now.astimezone(CHINA).date().replace(day=1) - datetime.timedelta(days=1)
        snapshot = appraisal.freeze(last, by=self.users["office"], at=at)
        self.later(at + datetime.timedelta(days=1), partial(self.approve, snapshot))

    def approve(self, snapshot: Snapshot, at: datetime.datetime) -> None:
        appraisal.decide(snapshot, approve=True, by=self.users["leader"], at=at)

    def freeze_today(self, at: datetime.datetime) -> None:
        """Today's scoreboard waits for the leader."""
        appraisal.freeze(self.now.astimezone(CHINA).date(), by=self.users["office"], at=at)
