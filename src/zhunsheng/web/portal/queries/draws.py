"""Draws as the public follows them: what was promised, what chance said, when each step happened, and where it is kept."""

import datetime
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from zhunsheng.engine import clock
from zhunsheng.engine import draw as engine
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.draw import fairness
from zhunsheng.engine.draw.announce import Terms
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.public_log import Json
from zhunsheng.engine.suites import suite
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import day, grouped, moment, named, percent, state_tag
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import Draw, DrawFile, Plan, Task, TeamMember
from zhunsheng.web.inspection.queries.visits import PUBLISH_LIMIT
from zhunsheng.web.people.models import Office
from zhunsheng.web.public_log import queries as log
from zhunsheng.web.public_log import words
from zhunsheng.web.public_log.models import LogEntry

CHECKING = (Draw.State.ASSIGNED, Draw.State.OPENED)
#: where a draw stands → (kind of tag, word)
STAGES: Mapping[str, tuple[str, Promise]] = {
    "announced": ("info", gettext_lazy("已公告")),
    "executed": ("good", gettext_lazy("已抽取")),
    "closed": ("good", gettext_lazy("名单已封闭")),
    "checking": ("info", gettext_lazy("检查中")),
    "done": ("good", gettext_lazy("已办结")),
    "abandoned": ("warn", gettext_lazy("已放弃")),
}
#: The sections of the bundle that a sealed draw shows before it is opened.
TOLD_SEALED = frozenset({"announce", "execute", "withheld", "abandon"})


def _unopened(today: datetime.date) -> Q:
    """Sealed draws whose last day has passed and that are still closed."""
    late = Q(mode=Plan.Mode.SEALED, opened_at__isnull=True, open_by__lt=today)
    return late & ~Q(state=Draw.State.ABANDONED)


def _secret() -> Q:
    return Q(mode=Plan.Mode.SEALED, opened_at__isnull=True)


def all_draws() -> QuerySet[Draw]:
    """Every draw that was ever announced. An announcement is a public act, and none of them can be taken off the list."""
    return inspection.counted_draws(Draw.objects.select_related("plan__office"))


def find(no: str) -> Draw | None:
    return all_draws().select_related("rule_book").filter(no=no).first()


def in_stage(draws: QuerySet[Draw], stage: str) -> QuerySet[Draw]:
    ended = Q(state__in=CHECKING, ended__gte=F("selected_count")) & ~_secret()
    if stage == "done":
        return draws.filter(ended)
    if stage == "checking":
        return draws.filter(state__in=CHECKING).exclude(ended)
    return draws.filter(state=Draw.State.LIST_CLOSED if stage == "closed" else stage)


def stage(draw: Any) -> str:
    """Where a draw of `all_draws` stands. Of a sealed draw how many are done is not told before it is opened."""
    if draw.state in CHECKING:
        return "done" if not draw.secret and draw.ended >= draw.selected_count else "checking"
    return "closed" if draw.state == Draw.State.LIST_CLOSED else str(draw.state)


def stage_words(draw: Draw) -> str:
    return str(_stage(draw)[1])


def _stage(draw: Draw) -> tuple[str, Promise]:
    """(kind of tag, words): given up when the seed could already be known is another thing than given up before."""
    return ("bad", _LATE) if draw.abandoned_late else STAGES[stage(draw)]


_LATE = gettext_lazy("在可以知道种子之后放弃")


def stage_tags(draw: Draw) -> SafeString:
    """The state of a draw as words, shape and colour; of a sealed one with what its opening has come to."""
    kind, text = _stage(draw)
    mark = state_tag(kind, text)
    sealing = seal_words(draw)
    return mark if sealing is None else mark + SafeString(" ") + state_tag(*sealing)


def seal_words(draw: Draw) -> tuple[str, str] | None:
    """(kind of tag, words) on the opening of a sealed draw; None for an open one, and one that was given up."""
    if not draw.sealed or draw.open_by is None or draw.state == Draw.State.ABANDONED:
        return None
    late = inspection.days_overdue(draw, timezone.now())
    if draw.opened_at is None:
        if late:
            text = ngettext("逾期 %(n)s 天未开封", "逾期 %(n)s 天未开封", late) % {"n": late}
            return "bad", text
        return "muted", _("封存，最迟 %(day)s 开封") % {"day": day(draw.open_by)}
    if late:
        return "warn", ngettext("逾期 %(n)s 天开封", "逾期 %(n)s 天开封", late) % {"n": late}
    return "good", _("已开封")


def years() -> list[int]:
    """The years in which draws were announced, the latest first."""
    return [day.year for day in Draw.objects.datetimes("announced_at", "year", order="DESC")]


def organs() -> list[tuple[int, str]]:
    """The offices that lead draws."""
    offices = Office.objects.filter(plans__draws__isnull=False).distinct().order_by("code")
    return [(office.pk, named(office)) for office in offices]


@dataclass(frozen=True, slots=True)
class History:
    """The public figures over the draws announced in a year, or in all years. `overdue`: sealed, past their day, not opened."""

    announced: int
    abandoned: int
    sealed: int
    overdue: int

    @property
    def abandonment(self) -> Fraction | None:
        """The share of announced draws that were given up; None where none was announced."""
        return Fraction(self.abandoned, self.announced) if self.announced else None


def history(year: int | None = None) -> History:
    return _counted(Draw.objects.filter(announced_at__year=year) if year else Draw.objects.all())


def this_month() -> History:
    """Announced and given up of this month's announcements; overdue of all draws."""
    start = _month_start()
    this = _counted(Draw.objects.filter(announced_at__gte=start))
    return replace(this, overdue=Draw.objects.filter(_unopened(timezone.localdate())).count())


def _month_start() -> datetime.datetime:
    return timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _counted(draws: QuerySet[Draw]) -> History:
    counted = draws.aggregate(
        announced=Count("pk"),
        abandoned=Count("pk", filter=Q(state=Draw.State.ABANDONED)),
        sealed=Count("pk", filter=Q(mode=Plan.Mode.SEALED)),
        overdue=Count("pk", filter=_unopened(timezone.localdate())),
    )
    return History(**counted)


def current(shown: int = 6) -> list[Draw]:
    """Draws of the first page: those that wait for their randomness, the nearest first; sealed ones past their day; what
    happened this month; and where that is little, the latest before."""
    month = _month_start()
    first = list(all_draws().filter(state=Draw.State.ANNOUNCED).order_by("not_before"))
    late = list(
        all_draws()
        .filter(_unopened(timezone.localdate()))
        .exclude(state=Draw.State.ANNOUNCED)
        .order_by("open_by", "pk")
    )
    known = {draw.pk for draw in (*first, *late)}
    rest = all_draws().exclude(pk__in=known).order_by("-announced_at", "-pk")
    recent = Q()
    for moment_of in ("announced_at", "executed_at", "assigned_at", "opened_at", "abandoned_at"):
        recent |= Q(**{f"{moment_of}__gte": month})
    others = list(rest.filter(recent)[: 2 * shown])
    if len(others) < shown:
        others += list(rest.exclude(pk__in=[draw.pk for draw in others])[: shown - len(others)])
    return [*first, *late, *others]


def countdown(until: datetime.datetime, now: datetime.datetime) -> str:
    """How long until a moment, in words; '' when it has come."""
    minutes = int((until - now).total_seconds() // 60)
    if minutes < 0:
        return ""
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return ngettext("还有 %(d)s 天 %(h)s 小时", "还有 %(d)s 天 %(h)s 小时", days) % {"d": days, "h": hours}
    if hours:
        return ngettext("还有 %(h)s 小时 %(m)s 分", "还有 %(h)s 小时 %(m)s 分", hours) % {"h": hours, "m": minutes}
    return ngettext("还有 %(m)s 分钟", "还有 %(m)s 分钟", minutes) % {"m": minutes}


def next_step(draw: Draw, now: datetime.datetime) -> str:
    """What happens next with a draw, or what came of it: one sentence for the reader."""
    if draw.state == Draw.State.ANNOUNCED:
        if left := countdown(draw.not_before, now):
            return _("%(left)s 才能产生随机数。名录和数量已经锁定，此刻没有人能知道会抽中谁。") % {"left": left}
        return _("已到公告的最早抽取时间，等待当众产生随机数。逾期不抽的，须说明理由公开放弃。")
    if draw.state == Draw.State.ABANDONED:
        return _("已公开放弃：%(reason)s") % {"reason": draw.abandon_reason}
    if draw.secret:
        return _("随机数已经产生，抽中谁已经定了，但名单封存：检查结束、开封之后才公开，届时任何人都能重算。")
    return ngettext(
        "从 %(size)s 家中抽取 %(n)s 家，抽取结果可以重新计算。",
        "从 %(size)s 家中抽取 %(n)s 家，抽取结果可以重新计算。",
        draw.selected_count,
    ) % {"size": grouped(draw.frame_size), "n": grouped(draw.selected_count)}


# -- the announcement ------------------------------------------------------------------------------------------------
def terms(draw: Draw) -> Terms:
    return engine.read_terms(inspection.announcement(draw))


@dataclass(frozen=True, slots=True)
class StratumRow:
    """A stratum as announced. `share`: n/N, the exact probability of each of its units, or the mean of them where it is
    drawn by size (`unequal`); None where N is 0. `ratio`: the announced one, from which n follows."""

    key: str
    label: str
    size: int
    n: int
    capped: int
    share: Fraction | None
    unequal: bool
    ratio: Fraction | None


def strata(draw: Draw) -> list[StratumRow]:
    """The strata in the words of the page, list by list, with N, n, those out by the cap, and the probability n/N."""
    labels = inspection.strata_labels(draw.plan, [row["key"] for row in draw.strata])
    ratios = terms(draw).ratio
    return [
        StratumRow(
            row["key"], labels[row["key"]], row["size"], row["n"],
            row.get("capped", 0), Fraction(row["n"], row["size"]) if row["size"] else None, row.get("unequal", False),
            ratios.get(row["key"]),
        )
        for row in draw.strata
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListRow:
    """One list of the draw: whose it is, its items, whom it names, how many of how many."""

    name: str
    office: str
    items: tuple[tuple[str, str], ...]
    scope: tuple[tuple[str, str], ...]
    size: int
    n: int


def lists(draw: Draw) -> list[ListRow]:
    """The lists of a draw; an ordinary draw has one, without a name."""
    found = []
    for one in inspection.lists(draw.plan):
        rows = [row for row in draw.strata if not one.name or row["key"].startswith(f"{one.name}/")]
        items = tuple((item.code, named(item)) for item in one.items)
        found.append(
            ListRow(
                one.name, named(one.office) if one.office else "", items, tuple(inspection.scope_words(one.scope)),
                sum(row["size"] for row in rows), sum(row["n"] for row in rows),
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class SourceRow:
    """An announced source of randomness; `value`, `at` and `evidence` are there once it has spoken.

    commitment, default: what a party promised beforehand, and what stands in if it does not reveal. defaulted: it did not.
    """

    id: str
    words: str
    value: str = ""
    at: datetime.datetime | None = None
    evidence: tuple[tuple[str, str], ...] = ()
    commitment: str = ""
    default: str = ""
    defaulted: bool = False


@dataclass(frozen=True, slots=True)
class RoundRow:
    """A round of randomness in words. `protects`: (name of the profile, against whom it protects, what remains, bits).

    used: the number of the fallback that was used, 0 for none. fallbacks: (hours to wait, what stands in then).
    """

    sources: tuple[SourceRow, ...]
    protects: tuple[tuple[str, str, str, str], ...]
    fallbacks: tuple[tuple[int, list[str]], ...]
    used: int
    reason: str


def rounds(draw: Draw) -> tuple[RoundRow, RoundRow | None]:
    """The two rounds: of the firms, and of the inspectors (None where none was announced)."""
    announced_on = draw.announced_at.astimezone(CHINA).date()
    first, second = inspection.rounds(draw)

    def row(one: inspection.Round, values: Sequence[Any], used: int, reason: str) -> RoundRow:
        sources = one.fallbacks[used - 1].sources if used else one.sources
        spoken = {value["source"]: inspection.read_value(value) for value in values}
        english = language()
        return RoundRow(
            tuple(_source_row(source, spoken.get(source.id)) for source in sources),
            tuple(
                (profile.label(english), _of(profile, "protects_against"), _of(profile, "remains"), profile["min_bits"])
                for profile in engine.satisfied_profiles(sources, announced_on)
            ),
            tuple((back.after_hours, [source_words(source) for source in back.sources]) for back in one.fallbacks),
            used,
            reason,
        )

    return (
        row(first, draw.values, draw.fallback, draw.fallback_reason),
        row(second, draw.second_values, draw.second_fallback, draw.second_fallback_reason) if second else None,
    )


def _of(row: Any, column: str) -> str:
    return str((row.get(f"{column}_en") if language() == "en" else "") or row[column])


def _source_row(source: engine.Source, value: engine.Value | None) -> SourceRow:
    promised, default = str(source.terms.get("commitment", "")), str(source.terms.get("default", ""))
    row = SourceRow(source.id, source_words(source), commitment=promised, default=default)
    if value is None:
        return row
    evidence = tuple(sorted((evidence_words(key), text) for key, text in value.evidence.items()))
    return replace(
        row, value=value.value, at=value.at, evidence=evidence, defaulted=bool(promised) and value.value == default
    )


def source_words(source: engine.Source) -> str:
    """A source as announced, in plain words."""
    text = inspection.source_words(source)
    if source.kind == "drand":
        return _("%(source)s（%(when)s 产生）") % {"source": text, "when": moment(engine.round_time(source))}
    if source.kind == "party" and "commitment" in source.terms:
        return _("%(source)s（其承诺哈希已先公布）") % {"source": text}
    return text


def evidence_words(key: str) -> str:
    known = {
        "signature": _("签名"), "url": _("出处"), "record": _("记录"), "witness": _("见证"),
        "notary": _("公证书"), "video": _("录像"),
    }  # fmt: skip
    return known.get(key, key)


def said(draw: Draw) -> dict[str, Json]:
    """The announcement as an object."""
    return inspection.announcement(draw)


# -- the teams -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class LoadRow:
    """What one inspector got, by number: visits as they stand now, of these as lead, and the published bounds."""

    number: str
    visits: int
    leads: int
    least: int
    most: int

    @property
    def lead_share(self) -> Fraction | None:
        return Fraction(self.leads, self.visits) if self.visits else None


@dataclass(frozen=True, slots=True)
class Teams:
    """The second half of a draw: the closed list, and who got how much of it.

    constraints_hash and second_seed_text are there once the list is closed and the second round is over. Of a sealed
    draw that is not opened nothing but the hash is told.
    """

    constraints_hash: str
    targets: int = 0
    inspectors: int = 0
    team_size: int = 0
    steps: int = 0
    forbidden: int = 0
    least: int = 0
    most: int = 0
    second_seed_text: str = ""
    load: tuple[LoadRow, ...] = ()
    changes: tuple[engine.Change, ...] = ()


def teams(draw: Draw) -> Teams | None:
    """None before the list is closed."""
    if draw.list_closed_at is None:
        return None
    text = DrawFile.objects.filter(draw=draw).values_list("constraints", flat=True).first() or ""
    section = json.loads(text)
    mark = engine.constraints_hash(section, suite(draw.suite))
    seed_text = ""
    if draw.second_seed:
        values = [inspection.read_value(value) for value in draw.second_values]
        seed_text = engine.assignment_seed_text(draw.announcement_hash, mark, values)
    if draw.secret:
        return Teams(mark, second_seed_text=seed_text)
    closed = engine.read_constraints(section)
    able = [one for one in closed.inspectors if one.most]
    return Teams(
        mark, len(closed.targets), len(closed.inspectors), closed.team_size, closed.steps,
        sum(len(one.forbidden) for one in closed.inspectors), min((one.least for one in able), default=0),
        max((one.most or 0 for one in able), default=0), seed_text, _load(draw, closed),
        tuple(inspection.changes(draw)) if draw.assigned_at else (),
    )  # fmt: skip


def _load(draw: Draw, closed: engine.Constraints) -> tuple[LoadRow, ...]:
    rows = TeamMember.objects.filter(task__draw=draw, replaced_reason="").values_list("inspector__person_no", "lead")
    counted = Counter(rows.order_by())
    if not counted:
        return ()
    bounds = {part.number: (part.least, part.most) for part in fairness.parts(closed, (), {})}
    numbers = sorted({*bounds, *(number for number, _lead in counted)})
    return tuple(
        LoadRow(
            number, counted[number, True] + counted[number, False], counted[number, True], *bounds.get(number, (0, 0))
        )
        for number in numbers
    )


# -- what was published ----------------------------------------------------------------------------------------------
SECTIONS: Mapping[str, Promise] = {
    "announce": gettext_lazy("公告"),
    "execute": gettext_lazy("随机数和种子"),
    "withheld": gettext_lazy("封存内容的哈希"),
    "selection": gettext_lazy("抽中名单"),
    "assign_announce": gettext_lazy("派员条件"),
    "assign": gettext_lazy("派员结果"),
    "changes": gettext_lazy("替换"),
    "open": gettext_lazy("开封"),
    "results": gettext_lazy("全部结果"),
    "abandon": gettext_lazy("放弃"),
}


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature over a section, with the name of the section in words. key and sig: hexadecimal digits."""

    section: "str | Promise"
    alg: str
    name: str
    key: str
    sig: str


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A public act on a draw: its entry of the log, and the signatures over the sections that it published."""

    words: "str | Promise"
    entry: LogEntry
    signatures: tuple[Signed, ...]


def published(draw: Draw) -> list[PublishedRow]:
    """Every entry of the log on the draw, with the signatures; those over what is still sealed are left out.

    Of a section that grows one signature is kept, over what it is now: it stands with the latest entry.
    """
    entries = LogEntry.objects.filter(subject=f"draw:{draw.no}").order_by(F("index").asc(nulls_last=True), "pk")
    latest = {section: entry.pk for entry in entries for section in _named_in(entry)}
    found = []
    for entry in entries:
        signatures = tuple(
            Signed(SECTIONS.get(one["section"], one["section"]), one["alg"], one["name"], one["key"], one["sig"])
            for one in draw.signatures
            if latest.get(one["section"]) == entry.pk and not (draw.secret and one["section"] not in TOLD_SEALED)
        )
        found.append(PublishedRow(words.verb_name(entry.kind), entry, signatures))
    return found


def _named_in(entry: LogEntry) -> set[str]:
    """The sections whose digest an entry names; an announcement is its own."""
    data = json.loads(entry.body).get("data", {})
    return {"announce" if key == "announcement" and entry.kind == "draw.announce" else key for key in data}


def withdrawn(draw: Draw) -> list[tuple[str, str]]:
    """(unit id, reason) of drawn units that will not be inspected: public, for nobody is dropped in silence."""
    if draw.secret:
        return []
    return list(draw.tasks.filter(state=Task.State.WITHDRAWN).order_by("no").values_list("unit_id", "withdrawn_reason"))


# -- the check -------------------------------------------------------------------------------------------------------
def abandoned_late(draw: Draw) -> bool:
    """Whether a draw was given up when its randomness may have been known already: the one lever that is left, so it is told."""
    return draw.abandoned_at is not None and draw.abandoned_at >= draw.not_before


def bundle_open(draw: Draw) -> bool:
    """Whether the bundle is published: as soon as the draw is executed or given up."""
    return bool(draw.seed) or draw.state == Draw.State.ABANDONED


def bundle_mark(draw: Draw) -> str:
    """Changes whenever the bundle does: every act on a draw, and every result, is an entry of the log."""
    head = log.head()
    return f"{draw.announcement_hash[:16]}-{head.size}-{head.root.hex()[:16]}"


# -- the story -------------------------------------------------------------------------------------------------------
def timeline(draw: Draw) -> list[dict[str, Any]]:
    """The life of a draw for the page's timeline, what is still to come included."""
    now = timezone.now()
    events: list[dict[str, Any]] = [
        {"at": draw.announced_at, "title": _("公告"), "text": _("名录、数量和随机数来源已锁定"), "kind": "good"}
    ]
    if draw.state == Draw.State.ANNOUNCED:
        events.append({
            "at": draw.not_before, "title": _("最早抽取时间"), "text": countdown(draw.not_before, now),
            "when": "ahead" if draw.not_before > now else "now",
        })  # fmt: skip
    if draw.executed_at:
        events.append(
            {"at": draw.executed_at, "title": _("产生随机数并抽取"), "text": _witnessed(draw.witnesses), "kind": "good"}
        )
    if draw.list_closed_at:
        text = _("回避申报截止，派员条件已公布")
        events.append({"at": draw.list_closed_at, "title": _("封闭名单"), "text": text, "kind": "good"})
    if draw.assigned_at:
        events.append({
            "at": draw.assigned_at, "title": _("随机派员"), "text": _witnessed(draw.second_witnesses), "kind": "good",
        })  # fmt: skip
    if draw.executed_at:
        ended = draw.plan.ends_on < timezone.localdate()
        events.append({
            "at": draw.plan.ends_on, "title": _("检查截止"), "text": publish_limit(draw.plan.ends_on),
            "when": "" if ended else "ahead",
        })  # fmt: skip
    if (sealing := seal_words(draw)) is not None:
        kind, text = sealing
        late = {"bad": "bad", "warn": "warn"}.get(kind, "good" if draw.opened_at else "")
        events.append({
            "at": draw.opened_at or draw.open_by, "title": _("开封") if draw.opened_at else _("最迟开封"), "text": text,
            "kind": late, "when": "" if draw.opened_at or kind == "bad" else "ahead",
        })  # fmt: skip
    if draw.abandoned_at:
        events.append({"at": draw.abandoned_at, "title": _("公开放弃"), "text": draw.abandon_reason, "kind": "warn"})
    return sorted(events, key=lambda event: _instant(event["at"]))


def _instant(at: "datetime.date | datetime.datetime") -> datetime.datetime:
    """A day counts to its end."""
    if isinstance(at, datetime.datetime):
        return at
    return datetime.datetime.combine(at, datetime.time.max, CHINA)


def _witnessed(who: str) -> str:
    return _("见证：%(who)s") % {"who": who} if who else ""


def publish_limit(on: datetime.date) -> str:
    """Within how long a result of that day is published, under the rule of that day; '' where there was none."""
    try:
        limit = clock.limit(PUBLISH_LIMIT, on)
    except ZhunshengError:
        return ""
    return _("检查结果在 %(n)s %(unit)s内公示") % {"n": limit.amount, "unit": limit.unit.label(language())}


def odds_words(share: Fraction) -> tuple[str, str]:
    """A probability as a percentage, and as a fraction."""
    return percent(share, 2), f"{share.numerator}/{share.denominator}"
