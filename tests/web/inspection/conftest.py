"""A bureau that inspects: its people, items, wordings, rule book, and helpers that take a draw through its steps."""

import datetime
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from tests.web.conftest import Town
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.draw import Source, Value, commitment
from zhunsheng.engine.suites import suite as suite_named
from zhunsheng.web.inspection import actions, queries
from zhunsheng.web.inspection.models import CheckItem, Draw, Finding, Plan, ResultWording, RuleBook, Task, Visit
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.registry.models import Inspector, Qualification


def moment(day: int, hour: int = 9, month: int = 3) -> datetime.datetime:
    """An hour of a day of March 2026 (or another month), in the city's time."""
    return datetime.datetime(2026, month, day, hour, tzinfo=CHINA)


HALF = datetime.timedelta(minutes=30)
#: Monday 2 March: announced; Tuesday 3rd, 10:00: nothing earlier may count; 11:00 the ceremony; the next day a visit.
ANNOUNCED, NOT_BEFORE, DRAWN, VISITED = moment(2), moment(3, 10), moment(3, 11), datetime.date(2026, 3, 4)
#: The same day, 11:20: the list is closed; 12:30: the second ceremony, an hour later at the least; 12:40: the teams are out.
CLOSED, SECOND, ASSIGNED = DRAWN + datetime.timedelta(minutes=20), moment(3, 12) + HALF, moment(3, 12) + HALF + HALF / 3
PARTIES = ("纪检监察机关", "群众代表")


def secret(party: int, *, second: bool = False) -> str:
    """The string that a party of the tests has sealed: the same for every draw, as no party of the world should do."""
    return f"{'second' if second else 'first'}-round-of-party-{party}-8d1f"


def promised(no: str, *, second: bool = False, suite: str = "sha256") -> tuple[Source, ...]:
    """The ceremony as announced for the draw of that number."""
    return queries.ceremony(
        [
            queries.Party(
                name,
                commitment(
                    no, f"ceremony:party-{number}", secret(number, second=second), suite_named(suite), second=second
                ),
                f"default-{number}",
            )
            for number, name in enumerate(PARTIES, 1)
        ],
        second=second,
    )


def ceremony(
    at: datetime.datetime = DRAWN,
    strings: tuple[str, str] | None = None,
    dice: str = "4-2-6-1-5-3-3-6-2-1",
    *,
    second: bool = False,
) -> list[Value]:
    """What the dice and the two parties gave, in that order."""
    first, other = strings or (secret(1, second=second), secret(2, second=second))
    return [
        Value(f"ceremony:dice{'-2' if second else ''}", dice, at, {"witness": "纪检监察机关"}),
        Value("ceremony:party-1", first, at),
        Value("ceremony:party-2", other, at),
    ]


def announce(plan: Plan, *, by: User, at: datetime.datetime, not_before: datetime.datetime, **values) -> Draw:
    """Announces with what the parties of the tests have handed in, unless other sources are given."""
    no = queries.next_draw_no(plan.office, at.astimezone(CHINA).date())
    suite = values.get("suite", "sha256")
    values.setdefault("sources", promised(no, suite=suite))
    values.setdefault("second_sources", promised(no, second=True, suite=suite))
    return actions.announce_draw(plan, by=by, at=at, not_before=not_before, **values)


@dataclass
class Bureau:
    town: Town
    member: User
    head: User
    second_head: User
    reviewer: User
    quality_office: User
    items: list[CheckItem]
    wordings: dict[str, ResultWording]
    book: RuleBook
    inspectors: list[Inspector] = field(default_factory=list)

    def inspector(self, *, speciality: str = "publicity", account: bool = True, **values) -> Inspector:
        number = len(self.inspectors) + 1
        values.setdefault("certificate_valid_to", datetime.date(2030, 1, 1))
        one = Inspector.objects.create(
            person_no=f"P{number:03d}",
            name=f"检查员{number}",
            office=values.pop("office", self.town.office),
            user=self.town.user("inspector") if account else None,
            certificate_no=f"Z{number:03d}",
            **values,
        )
        if speciality:
            Qualification.objects.create(inspector=one, speciality=speciality)
        self.inspectors.append(one)
        return one

    def plan(self, *, approved: bool = True, **values) -> Plan:
        values.setdefault("name", "2026年公示信息抽查")
        values.setdefault("items", self.items[:1])
        values.setdefault("ratios", {"A": "0.1", "B": "0.2", "C": "0.5", "D": "1"})
        values.setdefault("ends_on", datetime.date(2026, 6, 30))
        plan = actions.draft_plan(
            by=self.member,
            at=moment(1),
            office=self.town.office,
            year=2026,
            starts_on=datetime.date(2026, 3, 2),
            **values,
        )
        return actions.approve_plan(plan, by=self.head, at=moment(1, 10)) if approved else plan

    def announced(self, plan: Plan | None = None, **values) -> Draw:
        values.setdefault("not_before", NOT_BEFORE)
        plan = plan or self.plan()
        standing = plan.draws.filter(state=Draw.State.ANNOUNCED).first()
        if standing is not None:  # the parties have committed to that one
            values.setdefault("sources", promised(standing.no))
            values.setdefault("second_sources", promised(standing.no, second=True))
        return announce(plan, by=self.member, at=ANNOUNCED, **values)

    def executed(self, draw: Draw | None = None, values: list[Value] | None = None) -> Draw:
        return actions.execute_draw(
            draw or self.announced(), by=self.member, at=DRAWN, values=values or ceremony(), witnesses="市纪委监委2人"
        )

    def closed(self, draw: Draw | None = None, **values) -> Draw:
        return actions.close_list(draw or self.executed(), by=self.member, at=CLOSED, **values)

    def assigned(self, draw: Draw | None = None, values: list[Value] | None = None) -> Draw:
        """From wherever the draw is: executed, or its list closed."""
        draw = draw or self.executed()
        draw = self.closed(draw) if draw.state == Draw.State.EXECUTED else draw
        return actions.assign_teams(
            draw, by=self.member, at=ASSIGNED, values=values or ceremony(SECOND, second=True), witnesses="市纪委监委2人"
        )

    def joint(self, *, office: Office | None = None, items=None, confirm: bool = True, **values) -> Plan:
        """A plan of the market office and the agriculture office, whose list is filled and confirmed by its own member."""
        office = office or self.town.other_office
        plan = self.plan(approved=False, kind="joint", joint_offices=[office], **values)
        officer = self.town.user("member", office)
        for part in plan.further_lists.all():
            actions.fill_list(part, by=officer, at=moment(1, 9), items=items or self.items[1:])
            if confirm:
                actions.confirm_list(part, by=officer, at=moment(1, 9))
        return actions.approve_plan(plan, by=self.head, at=moment(1, 10)) if confirm else plan

    def entry(self, task: Task, code: str = "01", **values) -> actions.VisitInput:
        """A complete record: a problem on the first item where the result says so."""
        bad = self.wordings[code].estimation_role == "eligible_fail"
        values.setdefault(
            "findings",
            [
                actions.FindingInput(
                    item,
                    Finding.Verdict.PROBLEM if bad and item is self.items[0] else Finding.Verdict.PASS,
                    text="未公示年度报告" if bad and item is self.items[0] else "",
                )
                for item in self.items[:1]
            ],
        )
        values.setdefault("visited_on", VISITED)
        return actions.VisitInput(task, result=self.wordings[code], **values)

    def lead(self, task: Task) -> User:
        return task.team.get(lead=True).inspector.user

    def submitted(self, task: Task, code: str = "01", **values) -> Visit:
        return actions.record_visit(self.entry(task, code, **values), by=self.lead(task), at=moment(4, 16))

    def published(self, task: Task, code: str = "01", **values) -> Visit:
        visit = self.submitted(task, code, **values)
        actions.review_visit(visit, by=self.reviewer, at=moment(5))
        return actions.publish_visit(visit, by=self.head, at=moment(6))


@pytest.fixture
def bureau(town: Town) -> Bureau:
    lead_office = town.user("lead_office", username="quality")
    items = [
        CheckItem.objects.create(
            code="CJ-01",
            name="年度报告公示信息检查",
            name_en="Annual reports",
            office=town.office,
            kind="general",
            ratio_min=Decimal("0.03"),
            ratio_max=Decimal("0.05"),
            frequency_max_per_year=1,
            speciality="publicity",
            legal_basis="企业信息公示暂行条例",
            valid_from=datetime.date(2019, 1, 1),
        ),
        CheckItem.objects.create(
            code="CJ-07",
            name="食品销售检查",
            name_en="Food sale",
            office=town.office,
            kind="key",
            speciality="food_sale",
            applies_to="52",
            valid_from=datetime.date(2019, 1, 1),
        ),
    ]
    wordings = {}
    for order, (code, name, role, follow_up) in enumerate(
        [
            ("01", "未发现问题", "eligible_pass", "none"),
            ("04", "通过登记的住所（经营场所）无法联系", "non_response", "abnormal_list"),
            ("05", "发现问题已责令改正", "eligible_fail", "rectify"),
            ("R1", "已注销", "ineligible", "none"),
        ]
    ):
        wordings[code] = ResultWording.objects.create(
            code=code,
            name=name,
            estimation_role=role,
            needs_followup=follow_up,
            order=order,
            valid_from=datetime.date(2019, 1, 1),
        )
    ResultWording.objects.create(
        code="S1", name="未发现问题", estimation_role="eligible_pass", order=9, valid_to=datetime.date(2018, 12, 31)
    )
    head = town.user("head", username="head")
    book = actions.draft_rule_book(by=lead_office, at=moment(5, month=1), valid_from=datetime.date(2026, 1, 1))
    book = actions.approve_rule_book(book, by=head, at=moment(6, month=1))
    return Bureau(
        town,
        town.user("member", username="member"),
        head,
        town.user("head", username="second-head"),
        town.user("reviewer", username="reviewer"),
        lead_office,
        items,
        wordings,
        book,
    )


@pytest.fixture
def staffed(bureau: Bureau) -> Bureau:
    """With four inspectors and forty entities, ten of each class."""
    for _ in range(4):
        bureau.inspector()
    for _ in range(40):
        bureau.town.entity()
    return bureau
