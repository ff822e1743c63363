"""Sources of randomness: how each is announced, how its value is written, and what can be checked of it.

| id | kind | value |
|---|---|---|
| `ceremony:<party>` | party | the string the party reveals |
| `ceremony:dice`, `ceremony:dice-<n>` | dice | the faces joined by '-', ten or more |
| `ceremony:balls`, `ceremony:balls-<n>` | balls | the numbers joined by '-', in the order they came: `7-31-2-18-25` |
| `lottery:ssq` 双色球 | ssq | six red ascending, '+', one blue: `03-11-15-22-28-31+07` |
| `lottery:dlt` 大乐透 | dlt | five ascending, '+', two ascending: `02-09-17-25-33+04-11` |
| `drand:<chain hash>` | drand | the round's randomness, 64 lower-case hexadecimal digits |

Which combinations are enough is a dated table, `data/draw/randomness.csv`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from math import perm

from zhunsheng.engine import tables
from zhunsheng.engine.draw.fields import (
    LAST_YEAR,
    PROTOCOL,
    ascii_text,
    hex64,
    instant,
    instant_text,
    integer,
    note,
    obj,
    one_line,
)
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json
from zhunsheng.engine.suites import SHA256, Suite
from zhunsheng.engine.tables import Row

MIN_DICE = 10
MIN_BALLS = 2**24  # possible outcomes: about as many as ten dice give
MOST_BALLS = 1000
MOST_ROLLS = 1000
MIN_COMMITTED = 22  # characters; 22 of base 64, or more of a smaller alphabet, cannot be searched through

_TERMS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {  # kind → (required, optional) terms
    "party": (frozenset({"commitment", "default"}), frozenset({"party", "note"})),
    "dice": (frozenset({"rolls"}), frozenset({"party", "note"})),
    "balls": (frozenset({"balls", "draws"}), frozenset({"party", "note"})),
    "ssq": (frozenset({"issue"}), frozenset({"note"})),
    "dlt": (frozenset({"issue"}), frozenset({"note"})),
    "drand": (frozenset({"round"}), frozenset({"note"})),
}
MECHANICAL = ("dice", "balls")
OUTSIDE = ("ssq", "dlt", "drand")
_ISSUE = re.compile(r"[0-9]{5}|[0-9]{7}")
_FACES = re.compile(r"[1-6](-[1-6])*")
_NUMBERS = re.compile(r"[1-9][0-9]{0,3}(-[1-9][0-9]{0,3})*")
_LOTTERY = re.compile(r"\d\d(-\d\d)*\+\d\d(-\d\d)*")
_BALLS = {"ssq": ((6, 33), (1, 16)), "dlt": ((5, 35), (2, 12))}
_SIGNATURE = re.compile(r"[0-9a-f]{96}")
_MAX_ROUND = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Source:
    """A source as announced: its id, and the terms that fix which of its values counts.

    Terms: party: `commitment` (see `commitment`), `default` (the value if it is not revealed), `party` (who);
    dice: `rolls` (how many throws), `party`; balls: `balls` (how many are in the drum, numbered from 1), `draws` (how many are
    taken, none put back), `party`; lottery: `issue` (期号, five or seven digits); drand: `round`. All may carry a `note`.
    """

    id: str
    terms: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """party, dice, balls, ssq, dlt or drand. Raises DrawError for any other id."""
        family, _, name = self.id.partition(":")
        if family == "ceremony" and name.partition("-")[0] in MECHANICAL:
            return name.partition("-")[0]
        if family == "ceremony" and name:
            return "party"
        if family == "lottery" and name in ("ssq", "dlt"):
            return name
        if family == "drand":
            return "drand"
        raise DrawError("draw.source.unknown_kind", source=self.id)

    @property
    def what(self) -> tuple[str, tuple[tuple[str, str | int], ...]]:
        """What the source is, its notes aside: two sources that are alike in this give one and the same value. An issue
        is written with the whole year or its last two digits: 2023099 is 23099."""
        terms = {key: term for key, term in self.terms.items() if key not in ("note", "party")}
        if "issue" in terms:
            terms["issue"] = str(terms["issue"])[-5:]
        return self.id, tuple(sorted(terms.items()))

    def as_json(self) -> dict[str, Json]:
        """The source as it stands in the announcement."""
        return {"id": self.id, **self.terms}


@dataclass(frozen=True, slots=True)
class Value:
    """What a source gave.

    at: the moment the value came to exist (revealed, thrown, drawn, or the time of the round), with a time zone.
    evidence: how that can be checked, as text: `signature` for drand; for others `url`, `record`, `witness` …
    """

    source: str
    value: str
    at: datetime
    evidence: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """The value as it stands in the bundle."""
        return {
            "source": self.source,
            "value": self.value,
            "at": instant_text(self.at, self.source),
            "evidence": {key: one_line(item, f"evidence.{key}") for key, item in self.evidence.items()},
        }


def read_source(value: Json, at: str) -> Source:
    """A source from its JSON. Refuses unknown kinds and terms, and terms of the wrong form."""
    found = obj(value, at, {"id"}, None)
    source = Source(ascii_text(found["id"], f"{at}.id"))
    required, optional = _TERMS[source.kind]
    obj(found, at, required | {"id"}, optional)
    terms: dict[str, str | int] = {}
    for key, term in found.items():
        where = f"{at}.{key}"
        if key == "round":
            if integer(term, where, 1) > _MAX_ROUND:
                raise DrawError("draw.field.not_integer", at=where, low=1)
            terms[key] = integer(term, where, 1)
        elif key == "rolls":
            terms[key] = integer(term, where, MIN_DICE)
            if integer(term, where) > MOST_ROLLS:
                raise DrawError("draw.source.too_many_rolls", source=source.id, most=MOST_ROLLS)
        elif key in ("balls", "draws"):
            terms[key] = integer(term, where, 1)
        elif key == "commitment":
            terms[key] = hex64(term, where)
        elif key == "issue":
            if not isinstance(term, str) or not _ISSUE.fullmatch(term):
                raise DrawError("draw.source.bad_issue", source=source.id)
            terms[key] = term
        elif key == "default":
            terms[key] = ascii_text(term, where)
        elif key != "id":
            terms[key] = note(term, where)
    if source.kind == "drand":
        round_time(Source(source.id, terms))  # the chain is known, and the round of this age
    if source.kind == "balls":
        _check_drum(source.id, int(terms["balls"]), int(terms["draws"]))
    return Source(source.id, terms)


def _check_drum(source_id: str, balls: int, draws: int) -> None:
    if balls > MOST_BALLS or draws > balls or perm(balls, draws) < MIN_BALLS:
        raise DrawError("draw.source.drum", source=source_id, balls=balls, draws=draws, most=MOST_BALLS)


def read_value(value: Json, at: str) -> Value:
    """A value from its JSON."""
    found = obj(value, at, {"source", "value", "at"}, {"evidence"})
    evidence = obj(found.get("evidence", {}), f"{at}.evidence", optional=None)
    return Value(
        ascii_text(found["source"], f"{at}.source"),
        ascii_text(found["value"], f"{at}.value"),
        instant(found["at"], f"{at}.at"),
        {key: note(item, f"{at}.evidence.{key}") for key, item in evidence.items()},
    )


def satisfied_profiles(sources: Sequence[Source], on: date) -> tuple[Row, ...]:
    """The profiles of `data/draw/randomness.csv` in force on that day whose needs these sources meet.

    Empty means: not enough for a draw (one lottery alone, one party alone, dice alone). `mechanical` in the needs is
    dice or balls.
    """
    have = Counter(source.kind for source in sources)
    have["mechanical"] = sum(have[kind] for kind in MECHANICAL)
    return tuple(
        row
        for row in tables.load("draw/randomness").valid_on(on)
        if all(have[kind] >= int(count) for kind, _, count in (need.partition(":") for need in row.list("needs")))
    )


def commitment(draw: str, source_id: str, value: str, suite: Suite = SHA256, *, second: bool = False) -> str:
    """What a party hands in before the announcement, so that it cannot choose its value after hearing the others.

    H("zhunsheng/draw/1/commit|" + draw + "|" + source id + "|" + value); for the second round of sources (second=True)
    with "commit-assign" in place of "commit", so that what was revealed once cannot be revealed again. The value must be
    too long to be searched through: at least 22 characters drawn at random.
    """
    domain = "commit-assign" if second else "commit"
    return suite.hex(f"{PROTOCOL}/{domain}|{draw}|{source_id}|{value}".encode())


def defaulted(source: Source, value: Value) -> bool:
    """Whether the party did not reveal and its published default stands in."""
    return source.kind == "party" and value.value == source.terms.get("default")


def check_value(source: Source, value: Value, draw: str, suite: Suite = SHA256, *, second: bool = False) -> None:
    """Refuses a value that is not written as its kind is written, or that the party did not commit to.

    second: the value is of the second round, whose commitments are made differently.
    """
    if value.source != source.id:
        raise DrawError("draw.value.other_source", source=source.id, found=value.source)
    written = ascii_text(value.value, source.id)
    kind = source.kind
    if kind == "party":
        _check_party(source, written, draw, suite, second)
    elif kind == "dice":
        faces = len(written.split("-"))
        if not _FACES.fullmatch(written) or faces < MIN_DICE or faces != source.terms["rolls"]:
            raise DrawError("draw.value.not_dice", source=source.id, rolls=source.terms["rolls"])
    elif kind == "balls":
        _check_balls(source, written)
    elif kind == "drand":
        hex64(written, source.id)
    elif not _is_lottery(kind, written):
        raise DrawError(f"draw.value.not_{kind}", source=source.id)


def _check_party(source: Source, written: str, draw: str, suite: Suite, second: bool) -> None:
    if written == source.terms["default"]:
        return
    if len(written) < MIN_COMMITTED:
        raise DrawError("draw.value.too_short", source=source.id, least=MIN_COMMITTED)
    if commitment(draw, source.id, written, suite, second=second) != source.terms["commitment"]:
        raise DrawError("draw.value.not_committed", source=source.id)


def _check_balls(source: Source, written: str) -> None:
    balls, draws = int(source.terms["balls"]), int(source.terms["draws"])
    numbers = [int(number) for number in written.split("-")] if _NUMBERS.fullmatch(written) else []
    if len(numbers) != draws or len(set(numbers)) != draws or max(numbers) > balls:
        raise DrawError("draw.value.not_balls", source=source.id, balls=balls, draws=draws)


def _is_lottery(kind: str, written: str) -> bool:
    if not _LOTTERY.fullmatch(written):
        return False
    for group, (count, highest) in zip(written.split("+"), _BALLS[kind], strict=True):
        balls = [int(ball) for ball in group.split("-")]
        if len(balls) != count or balls != sorted(set(balls)) or not 1 <= balls[0] <= balls[-1] <= highest:
            return False
    return True


def chain(source_id: str) -> Row:
    """The parameters of a drand chain. Raises DrawError for a chain that is not in the table."""
    wanted = source_id.partition(":")[2]
    for row in tables.load("draw/drand_chains").rows:
        if row["chain"] == wanted:
            return row
    raise DrawError("draw.source.unknown_chain", source=source_id)


def round_time(source: Source) -> datetime:
    """The moment of the announced drand round: genesis + period × (round − 1)."""
    genesis, period = _clockwork(source.id)
    try:
        at = genesis + period * (int(source.terms["round"]) - 1)
    except OverflowError:
        at = datetime.max.replace(tzinfo=UTC)
    if at.year > LAST_YEAR:
        raise DrawError("draw.source.round_too_far", source=source.id)
    return at


def first_round_after(source_id: str, moment: datetime) -> int:
    """The first round of a drand chain whose time is not before `moment`."""
    genesis, period = _clockwork(source_id)
    return max(1, 1 - (genesis - moment) // period)


def _clockwork(source_id: str) -> tuple[datetime, timedelta]:
    row = chain(source_id)
    genesis = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=row.integer("genesis"))
    return genesis, timedelta(seconds=row.integer("period"))


def check_signature(source: Source, value: Value) -> None:
    """Verifies offline that a drand value is the randomness of the announced round.

    randomness = SHA-256(signature), and the signature is the chain's BLS signature of the round. Raises DrawError if
    it is not, and also where the package `drand-verify` is not installed: what cannot be checked does not pass.
    """
    signature = value.evidence.get("signature", "")
    if not _SIGNATURE.fullmatch(signature):
        raise DrawError("draw.drand.no_signature", source=source.id)
    if sha256(bytes.fromhex(signature)).hexdigest() != value.value:
        raise DrawError("draw.drand.wrong_randomness", source=source.id)
    try:
        from drand_verify import verify_bls_unchained_g1_rfc9380
    except ImportError:
        raise DrawError("draw.drand.not_installed", source=source.id) from None
    row, number = chain(source.id), int(source.terms["round"])
    try:
        verify_bls_unchained_g1_rfc9380(number, signature, row["public_key"])
    except ValueError:
        raise DrawError("draw.drand.bad_signature", source=source.id, round=number) from None
