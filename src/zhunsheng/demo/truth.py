"""What is true in 衡川市, before any office looks: firms with a latent compliance, inspectors with their strictness.

Pure: the same seed, size and day give the same city. The offices see only what their checks find; the tests of the
engines compare what was found with what is true here.
"""

import datetime
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zhunsheng.engine.identifiers import make_uscc

#: industry class (GB/T 4754), share of firms, words for its names, violation odds against the average, size tendency
INDUSTRIES: tuple[tuple[str, float, tuple[str, ...], float, float], ...] = (
    ("0111", 2.0, ("谷物种植", "农业"), 0.8, 0.2),
    ("0141", 2.0, ("蔬菜种植", "果蔬"), 1.1, 0.1),
    ("0321", 1.2, ("养殖", "畜牧"), 1.2, 0.2),
    ("1312", 1.5, ("面粉", "粮油"), 0.9, 0.5),
    ("1353", 1.4, ("肉制品", "食品"), 1.3, 0.4),
    ("1411", 1.8, ("糕点", "食品"), 1.4, 0.3),
    ("1432", 1.0, ("速冻食品", "食品"), 1.0, 0.5),
    ("1529", 0.8, ("饮品", "饮料"), 0.9, 0.4),
    ("1819", 0.9, ("服饰", "制衣"), 1.1, 0.3),
    ("2110", 0.8, ("家具", "木业"), 1.2, 0.3),
    ("2319", 1.0, ("印务", "包装"), 0.9, 0.2),
    ("2614", 1.2, ("化工", "精细化工"), 1.3, 0.6),
    ("2624", 0.6, ("肥业", "复合肥"), 1.5, 0.5),
    ("2710", 0.4, ("制药", "药业"), 0.5, 0.8),
    ("2730", 0.9, ("怀药", "中药材"), 1.1, 0.3),
    ("2912", 0.7, ("橡胶", "橡塑"), 1.1, 0.5),
    ("3021", 1.0, ("建材", "水泥制品"), 1.2, 0.4),
    ("3252", 0.8, ("铝业", "铝材"), 0.8, 0.7),
    ("3360", 0.7, ("表面处理", "镀锌"), 1.3, 0.3),
    ("3441", 0.9, ("泵业", "机械"), 0.9, 0.5),
    ("3511", 0.7, ("矿山机械", "重工"), 0.8, 0.6),
    ("3670", 1.4, ("汽车零部件", "汽配制造"), 0.9, 0.6),
    ("3811", 0.6, ("电机", "电气"), 0.8, 0.5),
    ("3831", 0.6, ("线缆", "电缆"), 1.6, 0.5),
    ("4511", 0.3, ("燃气", "能源"), 0.6, 0.8),
    ("4610", 0.3, ("供水", "水务"), 0.5, 0.8),
    ("4710", 1.0, ("建筑工程", "建设"), 1.1, 0.4),
    ("5121", 3.0, ("粮油商贸", "农产品"), 1.0, 0.1),
    ("5179", 1.6, ("机电设备", "商贸"), 0.9, 0.2),
    ("5211", 6.0, ("百货", "超市"), 1.1, 0.1),
    ("5226", 3.0, ("烟酒", "食品商行"), 1.2, 0.0),
    ("5232", 2.0, ("鞋服", "服饰店"), 1.0, 0.0),
    ("5251", 1.5, ("大药房", "医药"), 0.9, 0.1),
    ("5265", 0.8, ("加油站", "石化"), 1.2, 0.2),
    ("5272", 1.2, ("家电", "电器"), 0.9, 0.0),
    ("5281", 1.0, ("五金", "建材店"), 1.3, 0.0),
    ("5437", 0.8, ("物流", "货运"), 0.9, 0.2),
    ("6110", 1.2, ("宾馆", "酒店"), 1.0, 0.2),
    ("6210", 9.0, ("餐饮", "饭店", "酒楼"), 1.4, 0.0),
    ("6220", 3.0, ("快餐", "小吃"), 1.6, 0.0),
    ("6231", 1.2, ("茶饮", "咖啡"), 1.0, 0.0),
    ("6429", 0.8, ("网络科技", "信息"), 0.7, 0.1),
    ("7020", 1.0, ("物业服务", "物业"), 1.2, 0.2),
    ("7211", 0.8, ("企业管理", "咨询"), 0.6, 0.0),
    ("7452", 0.4, ("检测技术", "检验检测"), 0.5, 0.3),
    ("8040", 1.0, ("美容美发", "理发"), 1.1, 0.0),
    ("8111", 1.5, ("汽车维修", "汽修"), 1.3, 0.0),
    ("8310", 0.8, ("幼儿园", "托育"), 0.7, 0.1),
    ("8425", 0.7, ("诊所", "门诊"), 0.8, 0.0),
    ("9013", 0.5, ("网吧", "娱乐"), 1.3, 0.0),
)
BRANDS_1 = (
    "恒衡川永瑞泰盛嘉宏凯鑫华金德隆昌顺利和源丰茂祥兴旺安康宁美佳雅博众诚信义仁智勤立达通远景明晨光东南中新卓优品味"
)
BRANDS_2 = "达源丰盛泰隆祥兴旺安康宁福禄瑞吉美佳和顺利通宏伟光明远景华英杰豪诚信义德仁智海洋江河山川林森木禾谷田园春秋月星云天地"
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉萍红玲建国志海波宁俊峰鹏飞云雪梅琳晶欣怡佳宇轩浩然子涵思远文博雨桐"
CLASS_SHARES = (("A", 0.42), ("B", 0.36), ("C", 0.16), ("D", 0.06))
#: true share of firms with a problem, by class: the check of a random firm finds it with the inspector's strictness
CLASS_RATE = {"A": 0.03, "B": 0.07, "C": 0.17, "D": 0.36}
STATUS_SHARES = (
    ("active", 0.955),
    ("suspended", 0.012),
    ("cancelled", 0.022),
    ("revoked", 0.008),
    ("moved_out", 0.003),
)


@dataclass(frozen=True, slots=True)
class Firm:
    """A firm as it is. `violation` is the latent chance that a thorough check finds a problem today (0–1)."""

    number: int
    unit_id: str
    name: str
    entity_type: str
    industry: str
    size: str
    status: str
    established_on: datetime.date
    township: str
    park: str
    address: str
    risk_class: str
    violation: float
    #: reachable at its registered address (无法联系 otherwise)
    reachable: bool


@dataclass(frozen=True, slots=True)
class Officer:
    """An inspector. `strictness` is the chance of finding a problem that is there (0–1)."""

    number: int
    person_no: str
    name: str
    office: str
    specialities: tuple[str, ...]
    division: str
    strictness: float


def firms(
    count: int,
    *,
    seed: int,
    today: datetime.date,
    townships: Sequence[tuple[str, str, float]],
    parks: Sequence[tuple[str, str]],
    first: int = 0,
) -> Iterator[Firm]:
    """The firms of the city, one after another.

    `townships`: (code, county and township name, weight); `parks`: (code, county code); codes are numbered from `first`. Sizes are heavy-tailed, names may
    repeat with another township in front, one firm in two hundred has no code yet (local:…).
    """
    rng = random.Random(f"firms-{seed}")
    industries = [row[0] for row in INDUSTRIES]
    weights = [row[1] for row in INDUSTRIES]
    words = {row[0]: row[2] for row in INDUSTRIES}
    odds = {row[0]: row[3] for row in INDUSTRIES}
    bigness = {row[0]: row[4] for row in INDUSTRIES}
    town_weights = [row[2] for row in townships]
    parks_of: dict[str, list[str]] = {}
    for code, county in parks:
        parks_of.setdefault(county, []).append(code)
    classes, class_weights = [row[0] for row in CLASS_SHARES], [row[1] for row in CLASS_SHARES]
    statuses, status_weights = [row[0] for row in STATUS_SHARES], [row[1] for row in STATUS_SHARES]
    drawn_industries = rng.choices(industries, weights, k=count)
    drawn_towns = rng.choices(townships, town_weights, k=count)
    drawn_classes = rng.choices(classes, class_weights, k=count)
    drawn_statuses = rng.choices(statuses, status_weights, k=count)
    uniform = rng.random
    for number in range(count):
        industry, (town, place, _), risk_class = drawn_industries[number], drawn_towns[number], drawn_classes[number]
        level = uniform() ** 3 + 0.25 * bigness[industry]
        size = "large" if level > 1.1 else "medium" if level > 0.85 else "small" if level > 0.35 else "micro"
        section = industry[:2]
        household = size == "micro" and section in {"52", "62", "80", "81"} and uniform() < 0.75
        coop = section in {"01", "03"} and uniform() < 0.5
        word = words[industry][int(uniform() * len(words[industry]))]
        brand = BRANDS_1[int(uniform() * len(BRANDS_1))] + BRANDS_2[int(uniform() * len(BRANDS_2))]
        if household:
            kind, name, authority = "individual", f"{place}{brand}{word.removesuffix('店')}店", "92"
        elif coop:
            kind, name, authority = "cooperative", f"衡川市{brand}{word}农民专业合作社", "93"
        else:
            kind, suffix = (
                ("joint_stock", "股份有限公司") if size == "large" and uniform() < 0.3 else ("limited", "有限公司")
            )
            name, authority = f"衡川{brand}{word}{suffix}", "91"
        county = town[:6]
        nearby = parks_of.get(county, [])
        park = nearby[int(uniform() * len(nearby))] if nearby and size != "micro" and uniform() < 0.35 else ""
        org8 = "MA0" + _base31(first + number)
        unit_id = f"local:{first + number:08d}" if uniform() < 0.005 else "uscc:" + make_uscc(authority, county, org8)
        rate = min(0.95, CLASS_RATE[risk_class] * odds[industry] * (0.7 + 0.6 * uniform()))
        status = drawn_statuses[number]
        yield Firm(
            number=number, unit_id=unit_id, name=name, entity_type=kind, industry=industry, size=size, status=status,
            established_on=today - datetime.timedelta(days=60 + int(9000 * uniform() ** 1.6)),
            township=town, park=park, address=f"{place}{BRANDS_2[number % len(BRANDS_2)]}{BRANDS_1[number % len(BRANDS_1)]}路{1 + number % 399}号",
            risk_class=risk_class, violation=rate, reachable=status == "active" and uniform() > 0.035,
        )  # fmt: skip


_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def _base31(number: int) -> str:
    """Five places over the characters that a unified social credit code may hold: 28 million numbers."""
    places = []
    for _ in range(5):
        number, rest = divmod(number, 31)
        places.append(_ALPHABET[rest])
    return "".join(reversed(places))


def officers(offices: Sequence[tuple[str, str, int]], specialities: Sequence[str], *, seed: int) -> list[Officer]:
    """Inspectors for offices given as (code, division, how many): each with four to eight specialities; a few are lenient."""
    rng = random.Random(f"officers-{seed}")
    found: list[Officer] = []
    for office, division, count in offices:
        for _ in range(count):
            number = len(found) + 1
            found.append(Officer(
                number=number, person_no=f"HC{number:04d}",
                name=rng.choice(SURNAMES) + "".join(rng.sample(GIVEN, rng.choice((1, 2, 2)))),
                office=office, specialities=tuple(sorted(rng.sample(list(specialities), min(len(specialities), rng.randint(4, 8))))),
                division=division, strictness=rng.choice((0.95, 0.95, 0.9, 0.9, 0.85, 0.6)),
            ))  # fmt: skip
    return found
