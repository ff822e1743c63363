"""Announcement 公告 and execution 开号: what is promised before anyone can know the seed, and the seed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from zhunsheng.engine.draw.fields import (
    PROTOCOL,
    array,
    ascii_text,
    counts,
    hex64,
    instant,
    instant_text,
    integer,
    note,
    obj,
    one_line,
    text,
)
from zhunsheng.engine.draw.frame import Frame, check_n
from zhunsheng.engine.draw.sources import (
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

MIN_WAIT = timedelta(hours=24)
ASSIGN_RULE = "zhunsheng/assign/1"

_REQUIRED = frozenset({"protocol", "draw", "frame", "N", "n", "sources", "announced_at", "not_before"})
_OPTIONAL = frozenset(
    {"fallback", "assignment", "items", "legal_basis", "plan", "frame_date", "rule_version", "rule_book_sha256"}
)


@dataclass(frozen=True, slots=True)
class Fallback:
    """Sources that are used instead if the announced ones are not to be had `after_hours` after `not_before`."""

    after_hours: int
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class AssignmentRule:
    """How inspectors will be assigned. `sources`, if any, give a second seed after the recusals are closed."""

    team_size: int = 2
    sources: tuple[Source, ...] = ()


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

    def sources_used(self, fallback: int) -> tuple[Source, ...]:
        """The announced sources (0), or those of the first, second … fallback."""
        if not 0 <= fallback <= len(self.fallback):
            raise DrawError("draw.execute.no_such_fallback", fallback=fallback)
        return self.fallback[fallback - 1].sources if fallback else self.sources

    def earliest(self, fallback: int) -> datetime:
        """Before this moment no value of those sources may exist."""
        hours = self.fallback[fallback - 1].after_hours if fallback else 0
        return self.not_before + timedelta(hours=hours)


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
    items: Sequence[str] = (),
    legal_basis: str = "",
    plan: str = "",
    frame_date: str = "",
    rule_version: str = "",
    rule_book_sha256: str = "",
) -> dict[str, Json]:
    """The announcement of a draw: publish it, log it, and only then wait for the randomness.

    draw: the consecutive number of the draw. n: how many from each stratum (see `allocate`).
    sources: in the order in which they enter the seed; together they must meet a profile of `satisfied_profiles`.
    not_before: no value may exist earlier; at least 24 hours after announced_at. Moments with a time zone.
    items, legal_basis, plan, frame_date, rule_version, rule_book_sha256 (一细则): stated if given.

    Raises DrawError for numbers that do not fit the frame, sources that are unknown, repeated or not enough, a drand
    round earlier than `not_before`, a wait of less than 24 hours.
    """
    made: dict[str, Json] = {
        "protocol": PROTOCOL,
        "draw": draw,
        "frame": {"root": frame.root, "size": frame.size},
        "N": frame.sizes,
        "n": dict(n),
        "sources": [source.as_json() for source in sources],
        "announced_at": instant_text(announced_at, "announced_at"),
        "not_before": instant_text(not_before, "not_before"),
    }
    if fallback:
        made["fallback"] = [
            {"after_hours": f.after_hours, "sources": [source.as_json() for source in f.sources]} for f in fallback
        ]
    if assignment is not None:
        rule: dict[str, Json] = {"rule": ASSIGN_RULE, "team_size": assignment.team_size}
        if assignment.sources:
            rule["sources"] = [source.as_json() for source in assignment.sources]
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
    check_terms(read_terms(made))
    return made


def announcement_hash(announcement: Mapping[str, Json]) -> str:
    """SHA-256 of the announcement's canonical JSON, 64 hexadecimal digits. It binds everything announced to the seed."""
    return sha256(canonical(announcement)).hexdigest()


def read_terms(announcement: Mapping[str, Json]) -> Terms:
    """Reads an announcement. Raises DrawError for a missing, unknown or ill-formed field, by its name."""
    found = obj(announcement, "announce", _REQUIRED, _OPTIONAL)
    if found["protocol"] != PROTOCOL:
        raise DrawError("draw.field.other_protocol", at="announce.protocol", protocol=PROTOCOL)
    for key in ("legal_basis", "plan", "frame_date", "rule_version"):
        if key in found:
            note(found[key], f"announce.{key}")
    if "rule_book_sha256" in found:
        hex64(found["rule_book_sha256"], "announce.rule_book_sha256")
    for number, item in enumerate(array(found.get("items", []), "announce.items")):
        note(item, f"announce.items[{number}]")
    frame = obj(found["frame"], "announce.frame", {"root", "size"})
    fallbacks: list[Fallback] = []
    for number, entry in enumerate(array(found.get("fallback", []), "announce.fallback")):
        at = f"announce.fallback[{number}]"
        terms = obj(entry, at, {"after_hours", "sources"})
        hours = integer(terms["after_hours"], f"{at}.after_hours", 1)
        if hours > 24 * 366:
            raise DrawError("draw.announce.fallback_too_late", at=at)
        fallbacks.append(Fallback(hours, _sources(terms["sources"], f"{at}.sources")))
    return Terms(
        draw=text(found["draw"], "announce.draw"),
        root=hex64(frame["root"], "announce.frame.root"),
        size=integer(frame["size"], "announce.frame.size"),
        sizes=counts(found["N"], "announce.N"),
        n=counts(found["n"], "announce.n"),
        sources=_sources(found["sources"], "announce.sources"),
        fallback=tuple(fallbacks),
        announced_at=instant(found["announced_at"], "announce.announced_at"),
        not_before=instant(found["not_before"], "announce.not_before"),
        assignment=_assignment_rule(found["assignment"]) if "assignment" in found else None,
    )


def _assignment_rule(value: Json) -> AssignmentRule:
    rule = obj(value, "announce.assignment", {"rule", "team_size"}, {"sources"})
    if rule["rule"] != ASSIGN_RULE:
        raise DrawError("draw.announce.other_assign_rule", rule=ASSIGN_RULE)
    sources = _sources(rule["sources"], "announce.assignment.sources") if "sources" in rule else ()
    return AssignmentRule(integer(rule["team_size"], "announce.assignment.team_size", 2), sources)


def _sources(value: Json, at: str) -> tuple[Source, ...]:
    sources = tuple(read_source(entry, f"{at}[{number}]") for number, entry in enumerate(array(value, at)))
    if not sources:
        raise DrawError("draw.announce.no_sources", at=at)
    ids = [source.id for source in sources]
    for source_id in ids:
        if ids.count(source_id) > 1:
            raise DrawError("draw.announce.source_twice", source=source_id)
    return sources


def check_terms(terms: Terms) -> None:
    """Refuses an announcement whose numbers, sources or times break the rules, whatever the frame is."""
    check_n(terms.sizes, terms.n)
    check_sources(terms)
    check_wait(terms)


def check_sources(terms: Terms) -> None:
    """Refuses sources that are not enough: those of the seed, of each fallback, and of the second seed if any."""
    rounds = [terms.sources_used(fallback) for fallback in range(len(terms.fallback) + 1)]
    if terms.assignment is not None and terms.assignment.sources:
        rounds.append(terms.assignment.sources)
    for used in rounds:
        if not satisfied_profiles(used, terms.announced_at.date()):
            raise DrawError("draw.announce.no_profile", sources=", ".join(source.id for source in used))


def check_wait(terms: Terms) -> None:
    """Refuses less than 24 hours between announcement and randomness, and a drand round that is too early."""
    if terms.not_before - terms.announced_at < MIN_WAIT:
        raise DrawError("draw.announce.too_soon", hours=MIN_WAIT // timedelta(hours=1))
    for fallback in range(len(terms.fallback) + 1):
        for source in terms.sources_used(fallback):
            if source.kind == "drand" and round_time(source) < terms.earliest(fallback):
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
    at: when the last value came to exist. seed: 64 hexadecimal digits, SHA-256 of seed_text.
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
    """The text whose SHA-256 is the seed.

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


def seed(text: str) -> str:
    """SHA-256 of the seed text, 64 hexadecimal digits."""
    return sha256(text.encode()).hexdigest()


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
    check_values(used, values, terms.draw)
    check_times(used, values, terms.earliest(fallback))
    for source, value in zip(used, values, strict=True):
        if source.kind == "drand":
            check_signature(source, value)
    made = seed_text(announcement, [value.value for value in values], fallback)
    return Execution(
        announcement_hash=announcement_hash(announcement),
        values=tuple(values),
        seed_text=made,
        seed=seed(made),
        at=max(value.at for value in values),
        fallback=fallback,
        fallback_reason=fallback_reason,
    )


def check_values(sources: Sequence[Source], values: Sequence[Value], draw: str) -> None:
    """Refuses values that are not one of each source, in order, written as its kind is written."""
    for source, value in _paired(sources, values):
        check_value(source, value, draw)


def check_times(sources: Sequence[Source], values: Sequence[Value], earliest: datetime) -> None:
    """Refuses a value that existed before `earliest`, or is not dated at the time of its drand round."""
    for source, value in _paired(sources, values):
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


def _paired(sources: Sequence[Source], values: Sequence[Value]) -> list[tuple[Source, Value]]:
    if len(sources) != len(values):
        raise DrawError("draw.execute.number_of_values", expected=len(sources), found=len(values))
    return list(zip(sources, values, strict=True))
