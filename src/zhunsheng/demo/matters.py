"""Two years of the invented city's matters: complaints, reports, cases, accidents, orders, repairs, requests.

Each is a story: a first step and the steps after it, with the days between. They are told through the room's own
actions in the order in which they happened; what lies after today has not happened, and is what an officer finds to do.
"""

import datetime
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from django.core.files.uploadedfile import SimpleUploadedFile

from zhunsheng.demo import truth
from zhunsheng.engine.procedure import Kind, Procedure, Value
from zhunsheng.web.desk.actions import attach
from zhunsheng.web.matters import actions, operations, queries
from zhunsheng.web.matters.actions import Paper
from zhunsheng.web.matters.models import Matter, MatterLink, Party
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.registry.models import FirmAccount

CHINA = ZoneInfo("Asia/Shanghai")
Facts = Mapping[str, Value]


class Calendar(Protocol):
    """What a story needs of the simulation: the present, and a calendar of acts."""

    users: dict[str, User]
    latent: dict[str, truth.Firm]
    now: datetime.datetime

    def later(self, at: datetime.datetime, act: Callable[[datetime.datetime], None]) -> None: ...

    def working_moment(self, at: datetime.datetime) -> datetime.datetime: ...


@dataclass(frozen=True, slots=True)
class Next:
    """One further step: the verb, the days after the step before, its facts, and who takes it where not the usual one."""

    verb: str
    days: float
    facts: "Facts | Callable[[datetime.datetime, Matter], Facts]" = field(default_factory=dict)
    who: str = ""
    then: "Callable[[Matter, datetime.datetime], None] | None" = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """A matter from its first step on. `who`: the account that begins it ('' = the public without one)."""

    code: str
    facts: Facts
    steps: Sequence[Next] = ()
    who: str = "member"
    office: str = "market"
    handler: str = "member"
    verb: str = ""
    #: what later steps say where they are asked
    known: Facts = field(default_factory=dict)


#: office → the account that decides there
HEADS = {"quality_office": "office", "market_990101": "county_head", "housing": "housing_head"}
#: what the documents of a case say beyond its facts: step → document → field → text
SAID = {
    "facts_found": "现场检查时发现上述违法行为，负责人对事实无异议。",
    "evidence_list": "1.现场检查笔录1份；2.询问笔录1份；3.现场照片6张；4.进货和销售票据。",
    "violated_rule": "有关法律法规（演示数据，不引用具体条款）",
    "legal_basis": "有关法律法规罚则（演示数据，不引用具体条款）",
}
TEXTS = {
    ("penalty", "conclude"): {"investigation_report": SAID},
    ("penalty", "give_notice"): {"penalty_notice": SAID},
    ("penalty", "decide_penalty"): {"decision": SAID},
}
PRODUCTS = ("电热水器", "羽绒服", "婴儿奶粉", "手机", "沙发", "电动自行车", "空调", "食用油", "门窗", "眼镜")
GRIEVANCES = (
    "用了{n}天就坏了，商家推给厂家，厂家推给商家，要求退货",
    "实际重量与标注不符，少了近{n}两，要求补足差价",
    "宣传与实物不符，商家拒绝退款",
    "预付卡充了{n}00元，店铺关门，联系不上",
    "收到的商品没有中文标签和生产日期",
    "维修{n}次仍然不能正常使用，要求更换",
)
METERS = {
    "water": "水表走字异常，停水时仍在转，上月水费是平时的{n}倍",
    "electricity": "换表以后电费涨了{n}成",
    "gas": "燃气表读数与实际用量不符",
    "heat": "热量表故障，按面积收费不合理",
}
REPORTS = (
    ("销售超过保质期的食品，货架上还有{n}件", "food.unsafe"),
    ("无证生产豆制品，夜间开工", "food.no_licence"),
    ("网店销售假冒注册商标的运动鞋，月销{n}00双", "trademark.selling"),
    ("加油机计量不准，加{n}0升少两升", "metrology.cheating"),
    ("直播间虚假宣传保健食品能治病", "online.false_advertising"),
)
NAMES = ("张", "王", "李", "赵", "刘", "陈", "杨", "黄", "周", "吴")


class Matters:
    """Puts the stories on the simulation's calendar."""

    def __init__(self, sim: Calendar, seed: int, entities: int) -> None:
        self.sim, self.users = sim, sim.users
        self.rng = random.Random(f"matters-{seed}")
        #: how much of everything, for smaller cities
        self.share = min(1.0, max(0.15, entities / 20_000))
        self.offices = {office.code: office for office in Office.objects.all()}
        wanted = [f for f in sim.latent.values() if f.status == "active" and f.unit_id.startswith("uscc:")]
        self.firms = wanted or list(sim.latent.values())
        self.shops = [f for f in self.firms if f.industry[:2] in ("52", "61", "62")] or self.firms
        self.makers = [
            f for f in self.firms if f.industry[:2].isdigit() and 13 <= int(f.industry[:2]) <= 43
        ] or self.firms
        self.builders = [f for f in self.firms if f.industry[:2] in ("47", "48", "49", "50")] or self.firms
        account = FirmAccount.objects.select_related("entity").filter(user=self.users["firm"]).first()
        self.own = account.entity if account else None

    # -- telling a story -----------------------------------------------------------------------------------------------
    def ago(self, days: float) -> datetime.datetime:
        return self.sim.working_moment((self.sim.now - datetime.timedelta(days=days)).astimezone(CHINA))

    def tell(
        self, story: Story, at: datetime.datetime, source: Matter | None = None, kind: str = MatterLink.Kind.SPAWNED
    ) -> None:
        self.sim.later(at, lambda now: self._begin(story, now, source, kind))

    def _begin(self, story: Story, at: datetime.datetime, source: Matter | None, kind: str) -> None:
        office = self.offices[story.office]
        by = self.users[story.who] if story.who else None
        procedure = queries.procedure_on(story.code, at.astimezone(CHINA).date(), office)
        first = next(s for s in procedure.steps.values() if s.starts and story.verb in ("", s.code))
        matter = actions.open_matter(
            story.code, by=by, at=at, office=office, verb=first.code, facts=dict(story.facts), 
            papers=self._papers(procedure, first.documents, by, at), source=source, link_kind=kind,
            handler=self.users.get(story.handler),
        )  # fmt: skip
        self._go_on(matter, story.steps, story.known, at)

    def _go_on(self, matter: Matter, steps: Sequence[Next], known: Facts, at: datetime.datetime) -> None:
        if not steps:
            return
        step, rest = steps[0], steps[1:]
        then = at + datetime.timedelta(days=step.days)
        if step.days >= 0.5:
            then = max(self.sim.working_moment(then.astimezone(CHINA)), at)
        self.sim.later(then, lambda now: self._step(matter, step, rest, known, now))

    def _step(self, matter: Matter, step: Next, rest: Sequence[Next], known: Facts, at: datetime.datetime) -> None:
        matter.refresh_from_db()
        day = at.astimezone(CHINA).date()
        procedure = queries.procedure_of(matter, day)
        wanted = procedure.steps[step.verb]
        by = self._taker(matter, wanted.roles, step.who)
        facts = self._facts(procedure, step, known, at, matter)
        if any(one.on == step.verb and one.form == "named" for one in procedure.publications):
            self._approve(matter, at)
        actions.take(
            matter, step.verb, by=by, at=at, facts=facts, papers=self._papers(procedure, wanted.documents, by, at),
            texts=TEXTS.get((procedure.code, step.verb)), role="public" if by is None else "", remark=step.remark,
        )  # fmt: skip
        if step.then is not None:
            step.then(matter, at)
        self._go_on(matter, rest, known, at)

    def _approve(self, matter: Matter, at: datetime.datetime) -> None:
        if matter.publicity_approved_at is None:
            who = "reviewer" if matter.office.code == "market" else "head"
            actions.classify(matter, "active", by=self.users[who], at=at)

    def _taker(self, matter: Matter, roles: Sequence[str], who: str) -> User | None:
        if who == "public":
            return None
        if who:
            return self.users[who]
        known = {
            "member": matter.handler or self.users["member"],
            "lead_office": self.users["office"],
            "head": self._head(matter),
        }
        for role in roles:
            if role in known:
                return known[role]
            if role in self.users:
                return self.users[role]
        return self.users["member"]

    def _head(self, matter: Matter) -> User:
        return self.users[HEADS.get(matter.office.code, "head")]

    def _papers(
        self, procedure: Procedure, codes: Sequence[str], by: User | None, at: datetime.datetime
    ) -> dict[str, Paper]:
        """What does not come from the organ itself: a short text file each, as a scan would be."""
        found = {}
        for code in codes:
            fact = procedure.facts[code]
            if fact.kind is Kind.DOCUMENT and not fact.issued:
                text = f"{fact.name}\n演示数据，{at.astimezone(CHINA):%Y-%m-%d %H:%M}，第{self.rng.getrandbits(40):010x}号\n"
                upload = SimpleUploadedFile(f"{fact.name}.txt", text.encode(), content_type="text/plain")
                found[code] = Paper(attach(upload, by=by, at=at), fact.name)
        return found

    # -- what happened in the city -------------------------------------------------------------------------------------
    def begin(self) -> None:
        """Puts everything on the calendar."""
        self.complaints(round(330 * self.share))
        self.reports(round(90 * self.share))
        self.cases(round(45 * self.share))
        self.claims(round(24 * self.share))
        self.orders(round(36 * self.share))
        self.lists(round(18 * self.share))
        self.works(round(12 * self.share))
        self.requests(round(14 * self.share))
        self.accidents()
        self.leadership()
        self.operations()
        self.own_record()

    def firm(self, among: Sequence[truth.Firm]) -> truth.Firm:
        """A firm, the worse ones more often."""
        pair = self.rng.choice(among), self.rng.choice(among)
        return max(pair, key=lambda one: one.violation)

    def day_ago(self, most: int = 720) -> float:
        """Days before today: more of them lately, and around 15 March, 18 June and 11 November."""
        while True:
            ago = most * self.rng.random() ** 1.15
            day = (self.sim.now - datetime.timedelta(days=ago)).date()
            peak = any(
                0 <= (day - datetime.date(day.year, month, first)).days < 21
                for month, first in ((3, 15), (6, 18), (11, 11))
            )
            if peak or self.rng.random() < 0.55:
                return float(ago)

    def person(self) -> tuple[str, str]:
        name = self.rng.choice(NAMES) + self.rng.choice(("某某", "先生", "女士", "建国", "秀英", "伟"))
        return name, f"1{self.rng.choice('3578')}{self.rng.randrange(10**9):09d}"

    def complaints(self, count: int) -> None:
        for n in range(count):
            rng, firm = self.rng, self.firm(self.shops)
            meter = rng.choice(list(METERS)) if rng.random() < 0.08 else ""
            text = METERS[meter] if meter else f"{rng.choice(PRODUCTS)}：{rng.choice(GRIEVANCES)}"
            name, contact = self.person()
            facts: dict[str, Value] = {
                "channel": rng.choice(("web", "web", "hotline", "hotline", "window", "letter")),
                "subject": text.format(n=rng.randint(2, 9)),
                "complainant": name,
                "contact": contact,
                "claim": rng.randint(20, 4000) * 100,
            }
            if meter:
                facts["four_meters"] = meter
            steps = self._course_of_complaint(firm)
            county = firm.township[:6] == "990101" and n % 3 == 0
            keeper = "county" if county else "consumer"
            who = "" if facts["channel"] == "web" else keeper
            office = "market_990101" if county else "market"
            self.tell(Story("complaint", facts, steps, who, office, keeper), self.ago(self.day_ago()))

    def _course_of_complaint(self, firm: truth.Firm) -> list[Next]:
        rng = self.rng
        chance = rng.random()
        if chance < 0.07:
            ground = rng.choice(("not_consumption", "handled_elsewhere", "outside_remit", "missing_material"))
            return [Next("refuse", rng.uniform(2, 6), {"refusal_ground": ground})]
        if chance < 0.10:
            return [Next("transfer", 2, {"receiving_organ": "衡川市住房和城乡建设局"})]
        steps = [
            Next("admit", rng.choice((1, 2, 3, 4, 5, 6, 7, 12)), {"respondent": firm.unit_id}),
            Next("mediate", rng.uniform(2, 10)),
        ]
        if rng.random() < 0.06:
            steps += [Next("send_to_test", 3), Next("test_returned", rng.uniform(9, 20))]
        if rng.random() < 0.12:
            steps += [
                Next("find_clue", 2, then=lambda matter, at: self._clue(matter, firm, at)),
                Next("verify_clue", 9, {"clue_finding": "case"}),
            ]
        if rng.random() < 0.64:
            steps.append(Next("agree", rng.uniform(3, 30), {"recovered": rng.randint(10, 3000) * 100}))
        else:
            ground = rng.choice(("refused_by_party", "no_agreement", "no_agreement"))
            steps.append(Next("terminate", rng.uniform(8, 50), {"termination_ground": ground}))
        return [*steps, Next("inform", rng.uniform(1, 5)), Next("close", 1)]

    def _clue(self, complaint: Matter, firm: truth.Firm, at: datetime.datetime) -> None:
        """What the mediation turned up becomes a case."""
        self.tell(
            self._case(firm, "promotion.false_advertising", "complaint"),
            at + datetime.timedelta(days=1),
            source=complaint,
        )

    def reports(self, count: int) -> None:
        for _n in range(count):
            rng, firm = self.rng, self.firm(self.shops)
            text, cause = rng.choice(REPORTS)
            named = rng.random() < 0.45
            name, contact = self.person()
            facts: dict[str, Value] = {
                "channel": rng.choice(("web", "hotline", "letter")),
                "subject": text.format(n=rng.randint(2, 9)),
                "informant_named": named,
            }
            if named:
                facts |= {"informant": name, "contact": contact}
            steps = [Next("verify", rng.uniform(1, 4))]
            if rng.random() < 0.2:
                steps.append(Next("extend_verification", 12))
            if rng.random() < 0.5:
                steps.append(
                    Next(
                        "open_case",
                        rng.uniform(4, 12),
                        {"finding": "现场核查属实", "respondent": firm.unit_id},
                        then=partial(self._reported, firm, cause),
                    )  # fmt: skip
                )
            else:
                steps.append(Next("refuse_case", rng.uniform(4, 14), {"finding": "经核查未发现违法事实"}))
            steps += [Next("inform", 2), Next("close", 2)] if named else [Next("close_anonymous", 2)]
            self.tell(
                Story(
                    "violation_report",
                    facts,
                    steps,
                    "" if facts["channel"] == "web" else "consumer",
                    handler="consumer",
                ),
                self.ago(self.day_ago()),
            )

    def _reported(self, firm: truth.Firm, cause: str, report: Matter, at: datetime.datetime) -> None:
        """What a report has found becomes a case."""
        self.tell(self._case(firm, cause, "report"), at + datetime.timedelta(hours=2), source=report)

    def cases(self, count: int) -> None:
        for n in range(count):
            firm = self.firm(self.makers if n % 3 else self.shops)
            cause = self.rng.choice(
                (
                    "quality.substandard",
                    "metrology.unverified",
                    "licence.production",
                    "food.label",
                    "promotion.misleading",
                )
            )
            self.tell(self._case(firm, cause, "inspection"), self.ago(self.day_ago()))
        for n in range(max(1, count // 10)):
            firm = self.firm(self.shops)
            facts: dict[str, Value] = {
                "party": firm.unit_id, "party_kind": "entity", "cause": "licence.not_shown", "handlers": 2, "fine": 0,
                "other_penalty": "warning", "served_on": self.ago(30 + 40 * n).date(),
            }  # fmt: skip
            self.tell(
                Story("penalty", facts, who="inspector", handler="member", verb="decide_on_the_spot"),
                self.ago(30 + 40 * n),
            )

    def _case(self, firm: truth.Firm, cause: str, source: str) -> Story:
        """A penalty in the full procedure, with what may befall it on the way."""
        rng = self.rng
        fine = rng.choice((2_000, 5_000, 10_000, 30_000, 50_000, 80_000)) * 100
        known: dict[str, Value] = {
            "party": firm.unit_id, "party_kind": "entity", "cause": cause, "handlers": 2, "life_safety": False, "fine": fine,
            "other_penalty": "none", "hearing_right": True, "discretion_level": rng.choice(("lighter", "ordinary", "heavier")),
            "discretion": rng.choice(("积极整改，消除影响", "无从轻从重情节", "一年内再次违法")), "grave": False, "collective": False,
            "sales": fine * 2, "stock_value": fine, "turnover": fine * 3, "illegal_gain": fine // 4, "harm": 0, "offence_act": False,
            "seized_goods": "涉案产品一批", "publicity_grade": "general", "paid": fine,
        }  # fmt: skip
        steps = [
            Next(
                "open_case",
                rng.uniform(2, 12),
                lambda at, m: {
                    "act_ended_on": m.opened_at.date() - datetime.timedelta(days=40),
                    "found_on": m.opened_at.date(),
                },
            ),
            Next("collect_evidence", rng.uniform(2, 8)),
        ]
        if cause.startswith("online."):
            steps.append(
                Next(
                    "identify_shop",
                    1,
                    {"platform": "某电商平台", "online_shop": f"{firm.name[:6]}旗舰店", "shop_operator": firm.unit_id},
                )
            )
        if rng.random() < 0.15:
            steps += [Next("seize", 1), Next("release", 20)]
        if rng.random() < 0.15:
            steps += [Next("send_to_test", 2), Next("test_returned", rng.uniform(10, 25))]
        steps += [
            Next("conclude", rng.uniform(6, 30)), Next("approve_review", rng.uniform(2, 9)), Next("give_notice", rng.uniform(1, 4)),
        ]  # fmt: skip
        if rng.random() < 0.12:
            steps += [
                Next("request_hearing", 2),
                Next("call_hearing", 2, who="hearing"),
                Next("hold_hearing", 22, who="hearing"),
            ]
        steps += [
            Next("decide_penalty", 18), Next("serve", rng.uniform(1, 6)), Next("publish", rng.uniform(1, 12)),
            Next("pay", rng.uniform(3, 14)), Next("close", 4),
        ]  # fmt: skip
        first: dict[str, Value] = {"clue_source": source, "cause": cause, "party": firm.unit_id, "party_kind": "entity"}
        return Story("penalty", first, steps, known=known)

    def claims(self, count: int) -> None:
        for _n in range(count):
            rng, firm, ago = self.rng, self.firm(self.shops), self.day_ago(500)
            name, contact = self.person()
            bought = self.ago(ago + rng.randint(5, 200)).date()
            amount = rng.randint(100, 6000) * 100
            facts: dict[str, Value] = {
                "claimant": name, "contact": contact, "firm": firm.unit_id, "product": "空调", "product_class": "appliance", "bought_on": bought,
                "trouble_on": self.ago(ago + 2).date(), "basis": "repair", "claimed": amount,
            }  # fmt: skip
            steps = (
                [Next("agree", rng.uniform(2, 9)), Next("pay", rng.uniform(3, 25))]
                if rng.random() < 0.7
                else [Next("deny", 4)]
            )
            self.tell(
                Story(
                    "compensation",
                    facts,
                    steps,
                    "consumer",
                    handler="consumer",
                    known={"agreed": amount, "paid": amount},
                ),
                self.ago(ago),
            )

    def orders(self, count: int) -> None:
        """责令改正: most corrected in time, some rechecked twice."""
        for _n in range(count):
            rng, firm, ago = self.rng, self.firm(self.makers), self.day_ago(600)
            at = self.ago(ago)
            facts: dict[str, Value] = {
                "ground": self._choice("rectification", "ground"), "party": firm.unit_id, "violation": "出厂检验项目不全，检验记录缺失",
                "demand": "补齐检验项目，建立检验台账", "ordered_on": at.date(), "correct_by": (at + datetime.timedelta(days=30)).date(),
            }  # fmt: skip
            steps = [Next("report_correction", rng.uniform(8, 36)), Next("recheck_pass", rng.uniform(3, 12))]
            self.tell(Story("rectification", facts, steps), at)

    def lists(self, count: int) -> None:
        for _n in range(count):
            firm, ago = self.firm(self.firms), self.day_ago(600)
            facts: dict[str, Value] = {
                "party": firm.unit_id,
                "ground": self._choice("abnormal_list", "ground"),
                "verified_on": self.ago(ago).date(),
            }
            steps = [Next("list", self.rng.uniform(2, 9))]
            if self.rng.random() < 0.5:
                steps += [Next("apply", self.rng.uniform(20, 120)), Next("remove", 3)]
            self.tell(Story("abnormal_list", facts, steps), self.ago(ago))

    def works(self, count: int) -> None:
        for n in range(count):
            firm, ago = self.firm(self.builders), self.day_ago(500)
            facts: dict[str, Value] = {
                "sector": ("building", "road", "water")[n % 3], "unit_work": f"{('示范小区', '滨河大道', '南干渠')[n % 3]}{n + 1}号单位工程",
                "builder": firm.unit_id, "location": f"{n + 1}号楼地下室外墙" if n % 3 == 0 else f"K{n + 2}+{n * 37 % 1000:03d}",
                "defect_kind": ("leak", "crack", "crack")[n % 3],
            }  # fmt: skip
            steps = [
                Next("record", 2),
                Next("analyse", 6),
                Next("approve_remedy", 5, who="housing2"),
                Next("repair", 20, who="member"),
                Next("verify", 4),
            ]
            self.tell(
                Story(
                    "defect_filing",
                    facts,
                    steps[: 1 + n % 3],
                    "housing",
                    "housing",
                    "housing",
                ),
                self.ago(ago),
            )

    def requests(self, count: int) -> None:
        for n in range(count):
            name, contact = self.person()
            at = self.ago(self.day_ago(540))
            wanted = (
                "2025年食品抽检不合格企业名单及处置结果",
                "某小区电梯检验报告",
                "质量强市专项资金使用情况",
                "行政处罚裁量基准",
            )[n % 4]
            facts: dict[str, Value] = {
                "applicant": name,
                "contact": contact,
                "wanted": wanted,
                "received_on": at.date(),
            }
            steps = [
                Next("take_up", 2),
                Next(
                    "answer",
                    self.rng.uniform(6, 24),
                    {
                        "answer_kind": ("given", "given", "partly", "not_held")[n % 4],
                        "reason": "依照政府信息公开条例第三十六条",
                    },
                ),
            ]
            self.tell(Story("disclosure_request", facts, steps, "" if n % 2 else "member"), at)

    def accidents(self) -> None:
        """One real accident with its whole course, one found to be none, one drill, one of last week."""
        for days, drill, deaths, injuries, loss, grade, steps in (
            (410, False, 1, 3, 260_000_00, "ordinary", 9), (190, True, 0, 2, 50_000_00, "ordinary", 6), (9, False, 0, 1, 120_000_00, "ordinary", 3),
        ):  # fmt: skip
            firm, at = self.firm(self.makers), self.ago(days)
            facts: dict[str, Value] = {
                "kind": "special_equipment", "manner": "other", "drill": drill, "occurred_at": at - datetime.timedelta(minutes=50),
                "known_at": at - datetime.timedelta(minutes=35), "place": "铸造车间桥式起重机", "unit": firm.unit_id,
            }  # fmt: skip
            figures: dict[str, Value] = {"deaths": deaths, "injuries": injuries, "loss": loss}
            grading: dict[str, Value] = {**figures, "moved": 0, "stranded": 0, "stranded_hours": 0, "grade": grade}
            course = [
                Next("report", 0.01, lambda t, m: {"reported_at": t.astimezone(CHINA), "more_levels": True}),
                Next("report_up", 0.05, lambda t, m: {"sent_at": t.astimezone(CHINA), "more_levels": False}),
                Next("verify", 0.1), Next("grade", 0.2, grading), Next("respond", 0.1), Next("control", 0.5), Next("investigate", 2, {"led_by": "city"}),
                Next("submit", 45, {"cause": "制动器失效，未按期维护保养", "measures": "全市同类设备排查"}), Next("approve", 8), Next("publish", 5), Next("close", 30),
            ]  # fmt: skip
            self.tell(Story("accident", facts, course[: steps + 2], known=figures), at)

    def leadership(self) -> None:
        """督办单、约谈: the quality office's own papers; the office they go to is told and answers."""
        papers = (
            (150, "market", "超期未检电梯排查进度滞后", 3),
            (60, "market_990101", "投诉按时办结率低于全市平均", 2),
            (12, "housing", "工程质量缺陷备案率偏低", 1),
        )
        who = {"market": "member", "market_990101": "county", "housing": "housing"}
        for days, office, subject, told in papers:
            steps = [
                Next("issue", 2, who="leader", then=partial(self._addressed, office)),
                Next("reply", 8, {"reply": "已制定整改计划，逐项落实"}, who=who[office]),
                Next("close", 6, {"finding": "整改到位"}, who="office"),
            ]
            facts: dict[str, Value] = {"addressee": self.offices[office].name, "subject": subject}
            self.tell(
                Story("supervision_order", facts, steps[:told], "office", "quality_office", "office"), self.ago(days)
            )
        for days in (210, 35):
            firm = self.firm(self.makers)
            about: dict[str, Value] = {"interviewee": firm.unit_id, "ground": "连续两次监督抽查不合格"}
            self.tell(
                Story(
                    "interview",
                    about,
                    [Next("approve", 2), Next("notify", 2), Next("hold", 6)],
                ),
                self.ago(days),
            )

    def _addressed(self, code: str, matter: Matter, at: datetime.datetime) -> None:
        actions.add_party(matter, Party.Kind.ADDRESSEE, by=self.users["office"], at=at, office=self.offices[code])

    def operations(self) -> None:
        """One operation that has come to its end with its totals published, and one that runs; cases of their days belong to them."""
        for days, title, course in (
            (
                300,
                "“质监利剑”行动",
                (Next("report_results", 110), Next("end", 6), Next("summarise", 9), Next("close", 6)),
            ),
            (80, "“红盾网剑”专项行动", ()),
        ):
            at = self.ago(days)
            facts: dict[str, Value] = {
                "title": title, "lead": self.offices["market"].name, "starts_on": at.date(),
                "ends_on": (at + datetime.timedelta(days=120)).date(), "target_inspections": 200, "target_cases": 15,
            }  # fmt: skip
            known: dict[str, Value] = {
                "persons": 420,
                "entities": 188,
                "cases": 3,
                "value": 1_260_000_00,
                "review_result": "达到预期目标",
            }
            gathered = Next("begin", 2, then=lambda matter, at: self.sim.later(
                min(at + datetime.timedelta(days=100), self.sim.now - datetime.timedelta(hours=2)), lambda now: self._gather(matter, now)
            ))  # fmt: skip
            self.tell(Story("special_operation", facts, [Next("approve", 3), gathered, *course], known=known), at)

    def _gather(self, operation: Matter, at: datetime.datetime) -> None:
        by = self.users["member"]
        found = operations.candidates(operation, queries.standing(operation, at.date()), by).filter(procedure="penalty")
        for one in found[:25]:
            actions.link(operation, one, MatterLink.Kind.PART_OF, by=by, at=at)

    def own_record(self) -> None:
        """The demo's firm has something of each, so that its desk is not empty."""
        if self.own is None:
            return
        unit = self.own.unit_id
        name, contact = self.person()
        facts: dict[str, Value] = {
            "channel": "web",
            "subject": "就餐后多人腹泻，要求赔偿医药费",
            "complainant": name,
            "contact": contact,
            "claim": 86_000,
        }
        self.tell(
            Story(
                "complaint", facts, [Next("admit", 2, {"respondent": unit}), Next("mediate", 3)], "", handler="consumer"
            ),
            self.ago(6),
        )
        at = self.ago(40)
        order: dict[str, Value] = {
            "ground": self._choice("rectification", "ground"), "party": unit, "violation": "餐饮具消毒记录不连续", "demand": "健全消毒记录",
            "ordered_on": at.date(), "correct_by": (at + datetime.timedelta(days=60)).date(),
        }  # fmt: skip
        self.tell(Story("rectification", order), at)
        self.tell(
            Story(
                "objection",
                {"objector": unit, "record": "检查结果公示中的经营地址", "ground": "地址已于上月变更登记"},
                who="firm",
            ),
            self.ago(2),
        )

    def _choice(self, code: str, fact: str) -> str:
        procedure = queries.procedure_on(code, self.sim.now.astimezone(CHINA).date())
        return self.rng.choice(procedure.facts[fact].choices).code

    def _facts(
        self, procedure: Procedure, step: Next, known: Facts, at: datetime.datetime, matter: Matter
    ) -> dict[str, Value]:
        """What the step says: its own facts and those known, as far as this version asks for them, and something plain for
        whatever else it must say."""
        asked = procedure.steps[step.verb]
        said = {**known, **(step.facts(at, matter) if callable(step.facts) else step.facts)}
        given = {code: said[code] for code in (*asked.needs, *asked.allows) if code in said}
        return given | {code: self._plain(procedure, code, at, matter) for code in asked.needs if code not in given}

    def _plain(self, procedure: Procedure, code: str, at: datetime.datetime, matter: Matter) -> Value:
        fact, local = procedure.facts[code], at.astimezone(CHINA)
        match fact.kind:
            case Kind.INTEGER | Kind.MONEY:
                return 2
            case Kind.FLAG:
                return True
            case Kind.DATE:
                return local.date() + datetime.timedelta(days=20 if code.endswith(("_by", "until")) else 0)
            case Kind.MOMENT:
                return local
            case Kind.CHOICE:
                return fact.choices[0].code
            case Kind.UNIT:
                assert matter.entity is not None  # noqa: S101 - every story names its firm
                return matter.entity.unit_id
            case _:
                return f"{fact.name}：已核实，材料齐全"
