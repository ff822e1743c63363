"""Sources of randomness in words: as the forms, the pages and the refusals call them."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from zhunsheng.engine import draw as engine
from zhunsheng.web.inspection.models import Draw
from zhunsheng.web.inspection.queries.draws import announcement


def source_words(source: engine.Source) -> str:
    """A source as people call it, with what is announced of it."""
    terms = source.terms
    if source.kind == "party":
        return _("见证方 %(party)s 揭示的字符串") % {"party": terms.get("party", source.id)}
    if source.kind == "dice":
        return _("当众掷骰子 %(n)s 次") % {"n": terms.get("rolls", 10)}
    if source.kind == "balls":
        return _("当众从 %(balls)s 个球中依次摇出 %(n)s 个") % {"balls": terms["balls"], "n": terms["draws"]}
    if source.kind == "ssq":
        return _("双色球第 %(issue)s 期") % {"issue": terms.get("issue", "")}
    if source.kind == "dlt":
        return _("大乐透第 %(issue)s 期") % {"issue": terms.get("issue", "")}
    return _("drand 灯塔第 %(round)s 轮") % {"round": terms.get("round", "")}


def source_name(source: engine.Source) -> str:
    """A source in a word or two."""
    if source.kind == "party":
        return str(source.terms.get("party", source.id))
    known = {"dice": _("骰子"), "balls": _("摇号球"), "ssq": _("双色球"), "dlt": _("大乐透"), "drand": _("drand 灯塔")}
    name = known[source.kind]
    number = (
        source.id.rpartition("-")[2] if source.kind in {"dice", "balls"} and "-" in source.id.partition(":")[2] else ""
    )
    return f"{name} {number}" if number else name


def source_form(source: engine.Source) -> str:
    """How its value is written."""
    if source.kind == "dice":
        return _("点数按次序用 - 连接，例如 4-2-6-1-5-3-3-6-2-1。")
    if source.kind == "balls":
        return _("号码按摇出的次序用 - 连接，共 %(n)s 个，1 到 %(balls)s，不重复，例如 7-31-2-18-25。") % {
            "n": source.terms["draws"],
            "balls": source.terms["balls"],
        }
    if source.kind == "ssq":
        return _("红球从小到大用 - 连接，加号后写蓝球，例如 03-11-15-22-28-31+07。")
    if source.kind == "dlt":
        return _("前区从小到大用 - 连接，加号后写后区，例如 02-09-17-25-33+04-11。")
    if source.kind == "party":
        said = {"default": source.terms.get("default", "")}
        return _("须与事先承诺的字符串一致；不揭示的，录入公布的默认值 %(default)s。") % said
    return _("96 位十六进制数；随机数由它算出并离线验证。")


@dataclass(frozen=True, slots=True)
class Round:
    """One round of randomness of a draw: 1 draws the firms, 2 assigns the inspectors."""

    number: int
    sources: tuple[engine.Source, ...]
    fallbacks: tuple[engine.Fallback, ...]


def rounds(draw: Draw) -> tuple[Round, Round | None]:
    """The two rounds as announced; the second is None where no assignment was announced."""
    terms = engine.read_terms(announcement(draw))
    rule = terms.assignment
    second = Round(2, rule.sources, rule.fallback) if rule is not None else None
    return Round(1, terms.sources, terms.fallback), second


def earliest(draw: Draw, number: int, fallback: int = 0) -> datetime.datetime:
    """Before this moment no value of a round may exist: of the second one an hour after its list was closed."""
    terms = engine.read_terms(announcement(draw))
    if number == 1 or terms.assignment is None:
        return terms.earliest(fallback)
    return terms.assignment.earliest(fallback, draw.list_closed_at or draw.not_before)


@dataclass(frozen=True, slots=True)
class Party:
    """Who takes part in a ceremony: the commitment handed in before the announcement, and what stands in if it does not reveal."""

    name: str
    commitment: str
    default: str


def ceremony(
    parties: Sequence[Party], *, second: bool = False, rolls: int = 10, balls: tuple[int, int] | None = None
) -> tuple[engine.Source, ...]:
    """The sources of a public ceremony （公开仪式）: dice (`rolls`, 0 = none) and balls (in the drum, taken) thrown in public,
    then a string from each party. Those of the second round have ids of their own, for they are thrown again."""
    mark, found = "-2" if second else "", []
    if rolls:
        found.append(engine.Source(f"ceremony:dice{mark}", {"rolls": rolls}))
    if balls is not None:
        found.append(engine.Source(f"ceremony:balls{mark}", {"balls": balls[0], "draws": balls[1]}))
    for number, one in enumerate(parties, 1):
        terms: dict[str, str | int] = {"party": one.name, "commitment": one.commitment, "default": one.default}
        found.append(engine.Source(f"ceremony:party-{number}", terms))
    return tuple(found)


def names_of(which: Round) -> dict[str, str]:
    """Id of a source of a round, or of its fallbacks → its name."""
    spare = [source for one in which.fallbacks for source in one.sources]
    return {source.id: source_name(source) for source in (*spare, *which.sources)}
