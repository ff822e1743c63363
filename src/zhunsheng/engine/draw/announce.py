"""Announcement 公告 and execution 开号: what is promised before anyone can know the seed, and the seed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import gcd

from zhunsheng.engine.draw.fields import (
    PROTOCOL,
    array,
    ascii_text,
    counts,
    day,
    draw_number,
    hex64,
    instant,
    instant_text,
    integer,
    note,
    obj,
    one_line,
    text,
)
from zhunsheng.engine.draw.frame import Frame, allocate, check_lists, check_n
from zhunsheng.engine.draw.leaf import MOST_STRATA, LeafReader, Scope
from zhunsheng.engine.draw.pareto import SCALE, check_scale
from zhunsheng.engine.draw.seal import key_hash
from zhunsheng.engine.draw.sources import (
    MECHANICAL,
    OUTSIDE,
    Source,
    Value,
    check_signature,
    check_value,
    read_source,
    round_time,
    satisfied_profiles,
)
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json, canonical
from zhunsheng.engine.suites import SHA256, Suite
from zhunsheng.engine.suites import suite as suite_named

MIN_WAIT = timedelta(hours=24)
MIN_CLOSED = timedelta(hours=1)  # between the closing of the constraints and the second round of randomness
MAX_SOURCES = 16
MAX_PARTIES = 4
MAX_FALLBACKS = 2
ASSIGN_RULE = "zhunsheng/assign/1"
STEPS_PER_SLOT = 50
LEAST_STEPS_PER_SLOT = 20
MOST_STEPS_PER_SLOT = 1000
MOST_TEAM = 20

_SHARE = re.compile(r"([1-9][0-9]{0,14})/([1-9][0-9]{0,14})")
_REQUIRED = frozenset({"protocol", "draw", "mode", "frame", "N", "n", "sources", "announced_at", "not_before"})
_STATED = ("legal_basis", "plan", "frame_date", "rule_version")
_OPTIONAL = frozenset(
    {
        "suite",
        "lists",
        "scope",
        "pareto",
        "ratio",
        "seal",
        "fallback",
        "assignment",
        "items",
        "rule_book_sha256",
        *_STATED,
    }
)


@dataclass(frozen=True, slots=True)
class Fallback:
    """Sources that are used instead if the announced ones are not to be had `after_hours` after `not_before`."""

    after_hours: int
    sources: tuple[Source, ...]

    def as_json(self) -> dict[str, Json]:
        """The fallback as it stands in the announcement."""
        return {"after_hours": self.after_hours, "sources": [source.as_json() for source in self.sources]}


@dataclass(frozen=True, slots=True)
class AssignmentRule:
    """How inspectors will be assigned: team size, the second round of sources, steps of the chain for each slot.

    The sources give the second seed after the recusals are closed; `after_hours` of a fallback count from the moment
    the constraints were closed. directory: `assignment.directory_hash` of the inspectors who will be assigned, all of
    them and no others. slack: visits by which the bounds are wider than an equal share, as in `load_bounds`.
    """

    team_size: int = 2
    sources: tuple[Source, ...] = ()
    steps_per_slot: int = STEPS_PER_SLOT
    fallback: tuple[Fallback, ...] = ()
    directory: str = ""
    slack: int = 1

    def sources_used(self, fallback: int) -> tuple[Source, ...]:
        """The announced sources (0), or those of the first, second … fallback."""
        return _used(self.sources, self.fallback, fallback)

    def earliest(self, fallback: int, closed: datetime) -> datetime:
        """Before this moment no value of those sources may exist: an hour after the constraints were closed (`closed`),
        or the wait of the fallback."""
        return closed + (_waiting(self.fallback, fallback) or MIN_CLOSED)


@dataclass(frozen=True, slots=True)
class DrawList:
    """One list of a joint draw: the office that brings it, and the items to be checked there."""

    office: str
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seal:
    """What is announced of the key of a sealed draw: its hash, and the last day on which it is to be opened."""

    key_hash: str
    open_by: date


@dataclass(frozen=True, slots=True)
class Terms:
    """An announcement, read and checked."""

    draw: str
    root: str
    size: int
    sizes: Mapping[str, int]
    n: Mapping[str, int]
    sources: tuple[Source, ...]
    fallback: tuple[Fallback, ...]
    announced_at: datetime
    not_before: datetime
    assignment: AssignmentRule | None
    suite: Suite = SHA256
    lists: Mapping[str, DrawList] = field(default_factory=dict)
    scope: Scope = field(default_factory=dict)
    pareto: tuple[str, ...] = ()
    scale: int = SCALE
    seal: Seal | None = None
    ratio: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def mode(self) -> str:
        """open or sealed."""
        return "open" if self.seal is None else "sealed"

    def sources_used(self, fallback: int) -> tuple[Source, ...]:
        """The announced sources (0), or those of the first, second … fallback."""
        return _used(self.sources, self.fallback, fallback)

    def earliest(self, fallback: int) -> datetime:
        """Before this moment no value of those sources may exist."""
        return self.not_before + _waiting(self.fallback, fallback)


def _used(sources: tuple[Source, ...], fallbacks: tuple[Fallback, ...], number: int) -> tuple[Source, ...]:
    if not 0 <= number <= len(fallbacks):
        raise DrawError("draw.execute.no_such_fallback", fallback=number)
    return fallbacks[number - 1].sources if number else sources


def _waiting(fallbacks: tuple[Fallback, ...], number: int) -> timedelta:
    return timedelta(hours=fallbacks[number - 1].after_hours if number else 0)


def announcement(
    *,
    draw: str,
    frame: Frame,
    n: Mapping[str, int],
    sources: Sequence[Source],
    announced_at: datetime,
    not_before: datetime,
    fallback: Sequence[Fallback] = (),
    assignment: AssignmentRule | None = None,
    lists: Mapping[str, DrawList] | None = None,
    scope: Scope | None = None,
    ratio: Mapping[str, Fraction] | None = None,
    open_by: date | None = None,
    items: Sequence[str] = (),
    legal_basis: str = "",
    plan: str = "",
    frame_date: str = "",
    rule_version: str = "",
    rule_book_sha256: str = "",
) -> dict[str, Json]:
    """The announcement of a draw: publish it, log it, and only then wait for the randomness.

    draw: the consecutive number of the draw; of a sealed frame, the one it was sealed for. n: how many from each stratum, by its full name (see `allocate`).
    sources: in the order in which they enter the seed; together they must meet a profile of `satisfied_profiles`.
    not_before: no value may exist earlier; at least 24 hours after announced_at. Moments with a time zone.
    assignment: with sources of its own, which also meet a profile, and of which none is one of the first round.
    ratio: full name of a stratum → the ratio that its n follows from (`allocate`), where that is to be announced.
    lists: of a joint draw, by the names in the frame. scope: column → beginnings, one of which every leaf's value has:
    the committed filter of a targeted draw (定向). open_by: required for a sealed frame, the last day of its opening.
    items, legal_basis, plan, frame_date, rule_version, rule_book_sha256 (一细则): stated if given.
    Suite, seal and Pareto strata are those of the frame.

    Raises DrawError for numbers that do not fit the frame, sources that are unknown, repeated or not enough, a drand
    round earlier than `not_before`, a wait of less than 24 hours, lists that are not those of the frame.
    """
    if frame.seal_key and frame.draw != draw:
        raise DrawError("draw.announce.other_seal", draw=draw, sealed=frame.draw)
    made: dict[str, Json] = {
        "protocol": PROTOCOL,
        "draw": draw,
        "mode": "sealed" if frame.seal_key else "open",
        "frame": {"root": frame.root, "size": frame.size},
        "N": frame.sizes,
        "n": dict(n),
        "sources": [source.as_json() for source in sources],
        "announced_at": instant_text(announced_at, "announced_at"),
        "not_before": instant_text(not_before, "not_before"),
    }
    if frame.suite != SHA256:
        made["suite"] = frame.suite.name
    if tuple(sorted(lists or ())) != frame.lists:
        raise DrawError("draw.announce.other_lists", announced=" ".join(lists or ()), frame=" ".join(frame.lists))
    if lists:
        made["lists"] = {
            name: {
                "office": one_line(one.office, f"announce.lists.{name}"),
                "items": [one_line(item, f"announce.lists.{name}") for item in one.items],
            }
            for name, one in lists.items()
        }
    if scope:
        made["scope"] = {name: list(starts) for name, starts in scope.items()}
    if frame.pareto:
        made["pareto"] = {"scale": frame.scale, "strata": sorted(frame.pareto)}
    if ratio:
        made["ratio"] = {name: f"{share.numerator}/{share.denominator}" for name, share in ratio.items()}
    if frame.seal_key:
        if open_by is None:
            raise DrawError("draw.announce.no_open_by")
        made["seal"] = {"key_hash": key_hash(frame.seal_key, draw, frame.suite), "open_by": open_by.isoformat()}
    elif open_by is not None:
        raise DrawError("draw.announce.not_sealed")
    if fallback:
        made["fallback"] = [one.as_json() for one in fallback]
    if assignment is not None:
        rule: dict[str, Json] = {
            "rule": ASSIGN_RULE,
            "team_size": assignment.team_size,
            "steps_per_slot": assignment.steps_per_slot,
            "directory": assignment.directory,
            "slack": assignment.slack,
            "sources": [source.as_json() for source in assignment.sources],
        }
        if assignment.fallback:
            rule["fallback"] = [one.as_json() for one in assignment.fallback]
        made["assignment"] = rule
    if items:
        made["items"] = [one_line(item, "announce.items") for item in items]
    stated = {
        "legal_basis": legal_basis,
        "plan": plan,
        "frame_date": frame_date,
        "rule_version": rule_version,
        "rule_book_sha256": rule_book_sha256,
    }
    made.update({key: one_line(value, f"announce.{key}") for key, value in stated.items() if value})
    terms = read_terms(made)
    check_terms(terms)
    check_scope(frame, terms.scope)
    return made


def check_scope(frame: Frame, scope: Scope) -> None:
    """Refuses a frame that holds a unit outside the announced scope."""
    if not scope:
        return
    reader = LeafReader(frame.lists, frame.pareto, scope)
    for line in frame.leaves:
        unit_id, standing, _ = reader.read(line)
        if standing.outside:
            raise DrawError("draw.scope.outside", id=unit_id.decode(), column=standing.outside)


def announcement_hash(announcement: Mapping[str, Json]) -> str:
    """The hash of the announcement's canonical JSON by its own suite, 64 hexadecimal digits.

    It binds everything announced to the seed. Raises SuiteError for a suite that is unknown here.
    """
    return _suite_of(announcement).hex(canonical(announcement))


def _suite_of(announcement: Mapping[str, Json]) -> Suite:
    return suite_named(text(announcement["suite"], "announce.suite")) if "suite" in announcement else SHA256


def read_terms(announcement: Mapping[str, Json]) -> Terms:
    """Reads an announcement. Raises DrawError for a missing, unknown or ill-formed field, by its name."""
    found = obj(announcement, "announce", _REQUIRED, _OPTIONAL)
    if found["protocol"] != PROTOCOL:
        raise DrawError("draw.field.other_protocol", at="announce.protocol", protocol=PROTOCOL)
    for key in _STATED:
        if key in found:
            note(found[key], f"announce.{key}")
    if "rule_book_sha256" in found:
        hex64(found["rule_book_sha256"], "announce.rule_book_sha256")
    for number, item in enumerate(array(found.get("items", []), "announce.items")):
        note(item, f"announce.items[{number}]")
    frame = obj(found["frame"], "announce.frame", {"root", "size"})
    sizes = counts(found["N"], "announce.N")
    if len(sizes) > MOST_STRATA:
        raise DrawError("draw.frame.too_many_strata", limit=MOST_STRATA)
    lists = _lists(found["lists"]) if "lists" in found else {}
    for stratum in sizes:
        text(stratum, "announce.N")
        if lists and (stratum.partition("/")[0] not in lists or not stratum.partition("/")[2]):
            raise DrawError("draw.announce.not_in_list", stratum=stratum)
    scale, pareto = _pareto(found["pareto"], sizes) if "pareto" in found else (SCALE, ())
    return Terms(
        draw=draw_number(found["draw"], "announce.draw"),
        root=hex64(frame["root"], "announce.frame.root"),
        size=integer(frame["size"], "announce.frame.size", 1),
        sizes=sizes,
        n=counts(found["n"], "announce.n"),
        sources=_sources(found["sources"], "announce.sources"),
        fallback=_fallbacks(found.get("fallback", []), "announce.fallback"),
        announced_at=instant(found["announced_at"], "announce.announced_at"),
        not_before=instant(found["not_before"], "announce.not_before"),
        assignment=_assignment_rule(found["assignment"]) if "assignment" in found else None,
        suite=_suite_of(found),
        lists=lists,
        scope=_scope(found["scope"]) if "scope" in found else {},
        pareto=pareto,
        scale=scale,
        seal=_seal(found),
        ratio=_ratio(found["ratio"], sizes) if "ratio" in found else {},
    )


def _ratio(value: Json, sizes: Mapping[str, int]) -> dict[str, Fraction]:
    ratio: dict[str, Fraction] = {}
    for stratum, share in obj(value, "announce.ratio", optional=None).items():
        if stratum not in sizes:
            raise DrawError("draw.n.unknown_stratum", stratum=stratum)
        match = _SHARE.fullmatch(share) if isinstance(share, str) else None
        if match is None or not 0 < (found := Fraction(int(match[1]), int(match[2]))) <= 1 or gcd(*_whole(match)) > 1:
            raise DrawError("draw.announce.bad_ratio", stratum=stratum)
        ratio[stratum] = found
    if not ratio:
        raise DrawError("draw.announce.empty_scope", at="announce.ratio")
    return ratio


def _whole(match: re.Match[str]) -> tuple[int, int]:
    return int(match[1]), int(match[2])


def _seal(found: Mapping[str, Json]) -> Seal | None:
    mode = found["mode"]
    if mode not in ("open", "sealed"):
        raise DrawError("draw.announce.bad_mode")
    if (mode == "sealed") != ("seal" in found):
        raise DrawError("draw.announce.mode_and_seal")
    if mode == "open":
        return None
    seal = obj(found["seal"], "announce.seal", {"key_hash", "open_by"})
    return Seal(hex64(seal["key_hash"], "announce.seal.key_hash"), day(seal["open_by"], "announce.seal.open_by"))


def _lists(value: Json) -> dict[str, DrawList]:
    lists: dict[str, DrawList] = {}
    for name, entry in obj(value, "announce.lists", optional=None).items():
        at = f"announce.lists.{name[:60]}"
        found = obj(entry, at, {"office", "items"})
        items = tuple(note(item, f"{at}.items") for item in array(found["items"], f"{at}.items"))
        lists[name] = DrawList(note(found["office"], f"{at}.office"), items)
    check_lists(tuple(lists))
    if not lists:
        raise DrawError("draw.announce.no_lists")
    return lists


def _scope(value: Json) -> dict[str, tuple[str, ...]]:
    scope: dict[str, tuple[str, ...]] = {}
    for name, entry in obj(value, "announce.scope", optional=None).items():
        at = f"announce.scope.{name[:60]}"
        text(name, at)
        scope[name] = tuple(text(start, at) for start in array(entry, at))
        if not scope[name]:
            raise DrawError("draw.announce.empty_scope", at=at)
    if not scope:
        raise DrawError("draw.announce.empty_scope", at="announce.scope")
    return scope


def _pareto(value: Json, sizes: Mapping[str, int]) -> tuple[int, tuple[str, ...]]:
    found = obj(value, "announce.pareto", {"scale", "strata"})
    scale = integer(found["scale"], "announce.pareto.scale", 1)
    check_scale(scale)
    strata = tuple(
        text(stratum, "announce.pareto.strata") for stratum in array(found["strata"], "announce.pareto.strata")
    )
    if not strata or list(strata) != sorted(set(strata)):
        raise DrawError("draw.announce.pareto_order")
    for stratum in strata:
        if stratum not in sizes:
            raise DrawError("draw.n.unknown_stratum", stratum=stratum)
    return scale, strata


def _fallbacks(value: Json, at: str) -> tuple[Fallback, ...]:
    made: list[Fallback] = []
    entries = array(value, at)
    if len(entries) > MAX_FALLBACKS:
        raise DrawError("draw.announce.too_many_fallbacks", at=at, most=MAX_FALLBACKS)
    for number, entry in enumerate(entries):
        where = f"{at}[{number}]"
        terms = obj(entry, where, {"after_hours", "sources"})
        hours = integer(terms["after_hours"], f"{where}.after_hours", 1)
        if hours > 24 * 366:
            raise DrawError("draw.announce.fallback_too_late", at=where)
        made.append(Fallback(hours, _sources(terms["sources"], f"{where}.sources")))
    return tuple(made)


def _assignment_rule(value: Json) -> AssignmentRule:
    at = "announce.assignment"
    rule = obj(value, at, {"rule", "team_size", "steps_per_slot", "sources", "directory", "slack"}, {"fallback"})
    if rule["rule"] != ASSIGN_RULE:
        raise DrawError("draw.announce.other_assign_rule", rule=ASSIGN_RULE)
    steps = integer(rule["steps_per_slot"], f"{at}.steps_per_slot", LEAST_STEPS_PER_SLOT)
    if steps > MOST_STEPS_PER_SLOT:
        raise DrawError("draw.announce.too_many_steps", most=MOST_STEPS_PER_SLOT)
    size = integer(rule["team_size"], f"{at}.team_size", 2)
    if size > MOST_TEAM:
        raise DrawError("draw.announce.team_too_large", most=MOST_TEAM)
    return AssignmentRule(
        size,
        _sources(rule["sources"], f"{at}.sources"),
        steps,
        _fallbacks(rule.get("fallback", []), f"{at}.fallback"),
        hex64(rule["directory"], f"{at}.directory"),
        integer(rule["slack"], f"{at}.slack"),
    )


def _sources(value: Json, at: str) -> tuple[Source, ...]:
    entries = array(value, at)
    if len(entries) > MAX_SOURCES:
        raise DrawError("draw.announce.too_many_sources", at=at, most=MAX_SOURCES)
    sources = tuple(read_source(entry, f"{at}[{number}]") for number, entry in enumerate(entries))
    if not sources:
        raise DrawError("draw.announce.no_sources", at=at)
    if sum(source.kind == "party" for source in sources) > MAX_PARTIES:
        raise DrawError("draw.announce.too_many_parties", at=at, most=MAX_PARTIES)
    ids = [source.id for source in sources]
    for source_id in ids:
        if ids.count(source_id) > 1:
            raise DrawError("draw.announce.source_twice", source=source_id)
    return sources


def check_terms(terms: Terms) -> None:
    """Refuses an announcement whose numbers, sources or times break the rules, whatever the frame is."""
    check_numbers(terms)
    check_sources(terms)
    check_wait(terms)


def check_numbers(terms: Terms) -> None:
    """Refuses numbers to draw that do not fit the sizes (`frame.check_n`), or do not follow from an announced ratio."""
    check_n(terms.sizes, terms.n)
    for stratum, right in allocate({name: terms.sizes[name] for name in terms.ratio}, terms.ratio).items():
        if terms.n[stratum] != right:
            share = terms.ratio[stratum]
            raise DrawError(
                "draw.n.not_by_ratio",
                stratum=stratum,
                n=terms.n[stratum],
                expected=right,
                ratio=f"{share.numerator}/{share.denominator}",
            )


def check_sources(terms: Terms) -> None:
    """Refuses sources that are not enough, or leave a choice: those of the seed, of the second seed if any, and of each
    fallback.

    Dice or balls beside drand or a lottery could be thrown until they suit the value that everyone knows by then. A
    fallback for drand alone is a choice and no need: a round that is over can always be had. A source of the second
    round that is one of the first would be known when the constraints are closed, and so would a string that was promised
    twice.
    """
    first = [terms.sources_used(fallback) for fallback in range(len(terms.fallback) + 1)]
    second: list[tuple[Source, ...]] = []
    if (rule := terms.assignment) is not None:
        second = [rule.sources_used(fallback) for fallback in range(len(rule.fallback) + 1)]
    for announced in (first, second):
        if len(announced) > 1 and {source.kind for source in announced[0]} == {"drand"}:
            raise DrawError("draw.announce.needless_fallback", source=announced[0][0].id)
    known = {source.what for used in first for source in used}
    for used in second:
        for source in used:
            if source.what in known:
                raise DrawError("draw.announce.same_source", source=source.id)
    promised = [str(s.terms["commitment"]) for used in (*first, *second) for s in used if s.kind == "party"]
    if len(set(promised)) != len(promised):
        raise DrawError("draw.announce.same_commitment", commitment=next(p for p in promised if promised.count(p) > 1))
    for used in (*first, *second):
        kinds = {source.kind for source in used}
        if kinds.intersection(MECHANICAL) and kinds.intersection(OUTSIDE):
            named = ", ".join(source.id for source in used if source.kind in MECHANICAL)
            raise DrawError("draw.announce.mechanical_and_outside", sources=named)
        if not satisfied_profiles(used, terms.announced_at.date()):
            raise DrawError("draw.announce.no_profile", sources=", ".join(source.id for source in used))


def check_wait(terms: Terms) -> None:
    """Refuses less than 24 hours between announcement and randomness, a drand round that is too early, and an opening
    of the seal that is announced for a day before the draw."""
    if terms.not_before - terms.announced_at < MIN_WAIT:
        raise DrawError("draw.announce.too_soon", hours=MIN_WAIT // timedelta(hours=1))
    for fallback in range(len(terms.fallback) + 1):
        _check_rounds(terms.sources_used(fallback), terms.earliest(fallback))
    if (rule := terms.assignment) is not None:
        for fallback in range(len(rule.fallback) + 1):
            _check_rounds(rule.sources_used(fallback), rule.earliest(fallback, terms.not_before))
    if terms.seal is not None and terms.seal.open_by < terms.not_before.date():
        raise DrawError("draw.announce.opened_too_early", open_by=terms.seal.open_by.isoformat())


def _check_rounds(sources: Sequence[Source], earliest: datetime) -> None:
    for source in sources:
        if source.kind == "drand" and round_time(source) < earliest:
            raise DrawError(
                "draw.announce.round_too_early",
                source=source.id,
                round=source.terms["round"],
                at=instant_text(round_time(source), source.id),
            )


@dataclass(frozen=True, slots=True)
class Execution:
    """The randomness as it came, and the seed.

    fallback: 0 = the announced sources gave it; 1, 2 … = that fallback, for the reason stated.
    at: when the last value came to exist. seed: 64 hexadecimal digits, the hash of seed_text.
    """

    announcement_hash: str
    values: tuple[Value, ...]
    seed_text: str
    seed: str
    at: datetime
    fallback: int = 0
    fallback_reason: str = ""

    def as_json(self) -> dict[str, Json]:
        """The execution as it stands in the bundle."""
        made: dict[str, Json] = {
            "announcement_hash": self.announcement_hash,
            "values": [value.as_json() for value in self.values],
            "seed": self.seed,
            "at": instant_text(self.at, "execute.at"),
        }
        if self.fallback:
            made["fallback"] = self.fallback
            made["fallback_reason"] = one_line(self.fallback_reason, "execute.fallback_reason")
        return made


def seed_text(announcement: Mapping[str, Json], values: Sequence[str], fallback: int = 0) -> str:
    """The text whose hash is the seed.

    "zhunsheng/draw/1|" + announcement hash + "|" + source id "=" value, joined by "|", in announced order.
    """
    used: Json = announcement.get("sources")
    if fallback:
        entry = array(announcement.get("fallback", []), "announce.fallback")[fallback - 1]
        used = obj(entry, "announce.fallback", optional=None).get("sources")
    ids = [obj(source, "announce.sources", {"id"}, None)["id"] for source in array(used, "announce.sources")]
    if len(ids) != len(values):
        raise DrawError("draw.execute.number_of_values", expected=len(ids), found=len(values))
    return seed_text_of(PROTOCOL, announcement_hash(announcement), zip(ids, values, strict=True))


def seed_text_of(domain: str, bound: str, pairs: Iterable[tuple[Json, str]]) -> str:
    """domain|bound|id=value|id=value…, refusing anything but printable ASCII without '|' and '='."""
    parts = [f"{ascii_text(source, 'id')}={ascii_text(value, str(source))}" for source, value in pairs]
    return "|".join([domain, bound, *parts])


def seed(text: str, suite: Suite = SHA256) -> str:
    """The hash of the seed text, 64 hexadecimal digits."""
    return suite.hex(text.encode())


def execute(
    announcement: Mapping[str, Json], values: Sequence[Value], *, fallback: int = 0, fallback_reason: str = ""
) -> Execution:
    """Makes the seed from the values of the announced sources, in the announced order.

    fallback: which announced fallback gave the values, 0 for none; with the reason why.

    Raises DrawError for an announcement that breaks the rules, a value missing, out of order or ill-formed, not the
    one its party committed to, dated before `not_before`, or a drand signature that does not verify or cannot be
    checked here.
    """
    terms = read_terms(announcement)
    check_terms(terms)
    if fallback and not fallback_reason:
        raise DrawError("draw.execute.fallback_reason")
    used = terms.sources_used(fallback)
    check_values(used, values, terms.draw, terms.suite)
    check_times(used, values, terms.earliest(fallback))
    for source, value in zip(used, values, strict=True):
        if source.kind == "drand":
            check_signature(source, value)
    made = seed_text(announcement, [value.value for value in values], fallback)
    return Execution(
        announcement_hash=announcement_hash(announcement),
        values=tuple(values),
        seed_text=made,
        seed=seed(made, terms.suite),
        at=max(value.at for value in values),
        fallback=fallback,
        fallback_reason=fallback_reason,
    )


def check_values(
    sources: Sequence[Source], values: Sequence[Value], draw: str, suite: Suite = SHA256, *, second: bool = False
) -> None:
    """Refuses values that are not one of each source, in order, written as its kind is written. second: of the second
    round."""
    for source, value in _paired(sources, values):
        check_value(source, value, draw, suite, second=second)


def check_times(sources: Sequence[Source], values: Sequence[Value], earliest: datetime) -> None:
    """Refuses a value that existed before `earliest`, or is not dated at the time of its drand round; and dice or balls
    that are dated after a party's value: first the commitments, then the throw, then what the parties reveal."""
    pairs = _paired(sources, values)
    for source, value in pairs:
        at = instant_text(value.at, source.id)
        if instant(at, source.id) < earliest:
            raise DrawError(
                "draw.execute.too_early", source=source.id, at=at, not_before=instant_text(earliest, "not_before")
            )
        if source.kind == "drand" and instant(at, source.id) != round_time(source):
            raise DrawError(
                "draw.execute.not_round_time",
                source=source.id,
                at=at,
                round_at=instant_text(round_time(source), source.id),
            )
    thrown = [(value.at, source.id) for source, value in pairs if source.kind in MECHANICAL]
    revealed = [(value.at, source.id) for source, value in pairs if source.kind == "party"]
    if thrown and revealed and max(thrown)[0] > min(revealed)[0]:
        raise DrawError("draw.execute.thrown_after", source=max(thrown)[1], party=min(revealed)[1])


def _paired(sources: Sequence[Source], values: Sequence[Value]) -> list[tuple[Source, Value]]:
    if len(sources) != len(values):
        raise DrawError("draw.execute.number_of_values", expected=len(sources), found=len(values))
    return list(zip(sources, values, strict=True))
