"""The bundle: one file with everything about a draw, and the check of it, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

from zhunsheng.engine.draw.announce import (
    Execution,
    Terms,
    announcement_hash,
    check_sources,
    check_times,
    check_values,
    check_wait,
    read_terms,
    seed,
    seed_text,
)
from zhunsheng.engine.draw.assignment import Assignment, assign, assignment_seed, constraints_hash, read_constraints
from zhunsheng.engine.draw.fields import (
    PROTOCOL,
    array,
    hex64,
    instant,
    instant_text,
    integer,
    note,
    obj,
    one_line,
    text,
)
from zhunsheng.engine.draw.frame import Frame, build_frame, check_n, read_leaf
from zhunsheng.engine.draw.selection import Selected, select, ticket
from zhunsheng.engine.draw.sources import Source, Value, check_signature, read_value, satisfied_profiles
from zhunsheng.engine.errors import DrawError, LogError, ZhunshengError
from zhunsheng.engine.public_log import Json, canonical, leaf_hash, parse_canonical, parse_json, verify_inclusion
from zhunsheng.engine.words import Param, Reason

MAX_BUNDLE = 512 * 1024 * 1024

_ACTS = ("announce", "execute", "selection", "assign", "results", "abandon")

# What is said to the reader without a verdict: it does not make a bundle wrong.
_NOT_JUDGED = frozenset({"draw.verify.compare", "draw.verify.not_all_committed"})

Outcome = Literal["unreadable", "announced", "executed", "abandoned"]


@dataclass(frozen=True, slots=True)
class Abandonment:
    """The public end of an announced draw that is not carried out: why, approved by whom, when."""

    reason: str
    approver: str
    at: datetime

    def as_json(self) -> dict[str, Json]:
        """The abandonment as it stands in the bundle."""
        return {
            "reason": one_line(self.reason, "abandon.reason"),
            "approver": one_line(self.approver, "abandon.approver"),
            "at": instant_text(self.at, "abandon.at"),
        }


def digest(section: Json) -> str:
    """SHA-256 of a section's canonical JSON, 64 hexadecimal digits: what a record of the public log names."""
    return sha256(canonical(section)).hexdigest()


def bundle(
    *,
    announcement: Mapping[str, Json],
    frame: Frame,
    execution: Execution | None = None,
    selection: Sequence[Selected] = (),
    assignment: Assignment | None = None,
    results: Sequence[Mapping[str, Json]] = (),
    abandon: Abandonment | None = None,
    log: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """Everything about a draw as one JSON object; `public_log.canonical` of it is the file to publish.

    results: one mapping a visited unit with `id` and `code` (and what else is public: date, wording …).
    log: {"origin", "size", "root", "acts": [{"act", "index", "entry", "proof"}]} from the public log, hashes as
        hexadecimal; `act` is the section whose `digest` the entry names.
    """
    made: dict[str, Json] = {
        "protocol": PROTOCOL,
        "announce": announcement,
        "open": {"leaves": [leaf.decode() for leaf in frame.leaves]},
    }
    if execution is not None:
        made["execute"] = execution.as_json()
        made["selection"] = [unit.as_json() for unit in selection]
    if assignment is not None:
        made["assign"] = assignment.as_json()
    if results:
        made["results"] = list(results)
    if abandon is not None:
        made["abandon"] = abandon.as_json()
    if log is not None:
        made["log"] = log
    made["digests"] = _digests(made)
    return made


def _digests(made: Mapping[str, Json]) -> dict[str, str]:
    """One digest a section. The leaves have none: the frame's root is theirs."""
    return {name: digest(made[name]) for name in (*_ACTS, "log") if name in made}


# ── the check ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the check.

    ok: True = holds; False = does not hold, or could not be checked and therefore does not pass; None = not judged:
    either something for the reader to compare with a source outside, or not reached because an earlier step failed.
    """

    name: str
    ok: bool | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check of a bundle found.

    ok: no step failed. outcome: what the bundle shows: announced (no seed yet), executed, abandoned (publicly given
    up, with the reason in `reason`), or unreadable. draw: the number of the draw, "" where it could not be read.
    """

    steps: tuple[Step, ...]
    ok: bool
    outcome: Outcome
    reason: Reason
    draw: str = ""

    def step(self, name: str) -> Step | None:
        """The step of that name, None where the bundle gave no cause for it."""
        return next((step for step in self.steps if step.name == name), None)


def verify(bundle: bytes | Mapping[str, Json]) -> Verdict:
    """Checks a bundle as published, from nothing but itself: every hash, time, ticket and name is computed again.

    bundle: the bytes of the file, or the parsed object. Never raises for what is in it: a bundle that is not JSON, or
    too large, fails in the step `format`. Each part is checked as soon as what it rests on holds.
    """
    return _Check(bundle).run()


class _Check:
    """One run of the check. Each step reads what earlier ones established; it returns its reason or refuses by raising."""

    def __init__(self, given: bytes | Mapping[str, Json]) -> None:
        self.given = given
        self.steps: list[Step] = []
        self.made: Mapping[str, Json] = {}
        self.rows: list[tuple[str, str, str, bytes]] = []
        self.sources: tuple[Source, ...] = ()
        self.values: tuple[Value, ...] = ()
        self.fallback = 0
        self.second_sources: tuple[Source, ...] = ()
        self.second_values: tuple[Value, ...] = ()
        self.seed = ""
        self.drawn: tuple[Selected, ...] = ()
        self.terms: Terms
        self.frame: Frame

    def run(self) -> Verdict:
        if not self._step("format", self.format):
            return Verdict(tuple(self.steps), False, "unreadable", Reason("draw.verdict.unreadable"))
        has = self.made.__contains__
        kinds = {source.kind for source in (*self.sources, *self.second_sources)}
        self._step("announcement-hash", self.announcement_hash)
        self._step("leaves-canonical", self.leaves_canonical)
        self._step("ids-unique", self.ids_unique, "leaves-canonical")
        self._step("order", self.order, "leaves-canonical")
        self._step("root", self.root, "leaves-canonical")
        self._step("sizes", self.sizes, "leaves-canonical", "ids-unique", "order")
        self._step("n", self.n, "sizes")
        self._step("sources", self.source_rules)
        self._step("time-order", self.time_order)
        if has("execute"):
            self._step("source-values", self.source_values)
            if "party" in kinds:
                self._step("commitments", self.commitments, "source-values")
            if "drand" in kinds:
                self._step("drand-signature", self.drand_signature, "source-values")
            if kinds != {"drand"}:
                self._step("published-values", self.published_values, "source-values")
            self._step("seed", self.seed_again, "announcement-hash", "source-values")
        if has("selection"):
            self._step("tickets", self.tickets, "seed")
            self._step("selection", self.selection, "seed", "n", "root")
            self._step("probabilities", self.probabilities, "selection")
        if has("assign"):
            self._step("assignment", self.assignment, "selection")
        if has("results"):
            self._step("results", self.results)
        if has("abandon"):
            self._step("abandoned", self.abandoned)
        if has("log"):
            self._step("log-inclusion", self.log_inclusion)
        self._step("digests", self.digests)
        return self._verdict()

    def _step(self, name: str, check: Callable[[], Reason], *needs: str) -> bool:
        for earlier in self.steps:
            if earlier.name in needs and not earlier.ok:
                self.steps.append(Step(name, None, Reason("draw.verify.not_reached", {"step": earlier.name})))
                return False
        try:
            reason = check()
        except ZhunshengError as error:
            self.steps.append(Step(name, False, error.reason))
            return False
        self.steps.append(Step(name, None if reason.code in _NOT_JUDGED else True, reason))
        return True

    def _verdict(self) -> Verdict:
        failed = next((step for step in self.steps if step.ok is False), None)
        outcome: Outcome = "executed" if "execute" in self.made else "announced"
        said: dict[str, Param] = {"draw": self.terms.draw}
        if "abandon" in self.made:
            outcome = "abandoned"
            said |= {key: str(value) for key, value in _object(self.made["abandon"]).items()}
        reason = Reason(f"draw.verdict.{outcome}", said)
        if failed is not None:
            reason = Reason("draw.verdict.failed", {**said, "step": failed.name})
        return Verdict(tuple(self.steps), failed is None, outcome, reason, self.terms.draw)

    # reading

    def format(self) -> Reason:
        data = self.given if isinstance(self.given, bytes) else canonical(self.given)
        if len(data) > MAX_BUNDLE:
            raise DrawError("draw.verify.too_large", limit=MAX_BUNDLE // 1024 // 1024)
        self.made = obj(parse_json(data), "bundle", {"protocol", "announce", "open", "digests"}, {*_ACTS, "log"})
        if self.made["protocol"] != PROTOCOL:
            raise DrawError("draw.field.other_protocol", at="protocol", protocol=PROTOCOL)
        self.terms = read_terms(_object(self.made["announce"]))
        array(obj(self.made["open"], "open", {"leaves"})["leaves"], "open.leaves")
        for name, value in obj(self.made["digests"], "digests", optional=None).items():
            hex64(value, f"digests.{name[:80]}")
        if "execute" in self.made:
            self._read_execute(self.made["execute"])
        if ("selection" in self.made) != ("execute" in self.made):
            raise DrawError("draw.verify.execute_and_selection")
        for number, entry in enumerate(array(self.made.get("selection", []), "selection")):
            at = f"selection[{number}]"
            unit = obj(entry, at, {"id", "stratum", "ticket", "rank", "probability"})
            hex64(unit["ticket"], f"{at}.ticket")
            integer(unit["rank"], f"{at}.rank", 1)
            for key in ("id", "stratum", "probability"):
                text(unit[key], f"{at}.{key}")
        if "assign" in self.made:
            self._read_assign(self.made["assign"])
        if "results" in self.made and "selection" not in self.made:
            raise DrawError("draw.verify.results_without_selection")
        if "abandon" in self.made:
            given_up = obj(self.made["abandon"], "abandon", {"reason", "approver", "at"})
            note(given_up["reason"], "abandon.reason")
            note(given_up["approver"], "abandon.approver")
            instant(given_up["at"], "abandon.at")
        return Reason("draw.verify.format", {"draw": self.terms.draw, "sections": " ".join(self.made)})

    def _read_execute(self, section: Json) -> None:
        found = obj(section, "execute", {"announcement_hash", "values", "seed", "at"}, {"fallback", "fallback_reason"})
        hex64(found["announcement_hash"], "execute.announcement_hash")
        hex64(found["seed"], "execute.seed")
        instant(found["at"], "execute.at")
        self.values = _values(found["values"], "execute.values")
        if "fallback" in found or "fallback_reason" in found:
            obj(section, "execute", found.keys() | {"fallback", "fallback_reason"})
            self.fallback = integer(found["fallback"], "execute.fallback", 1)
            note(found["fallback_reason"], "execute.fallback_reason")
        self.sources = self.terms.sources_used(self.fallback)

    def _read_assign(self, section: Json) -> None:
        if "execute" not in self.made:
            raise DrawError("draw.verify.assign_without_execute")
        if self.terms.assignment is None:
            raise DrawError("draw.verify.assign_not_announced")
        found = obj(section, "assign", {"constraints", "constraints_hash", "values", "seed", "teams"})
        obj(found["constraints"], "assign.constraints", {"on", "at", "team_size", "targets", "inspectors"})
        hex64(found["constraints_hash"], "assign.constraints_hash")
        hex64(found["seed"], "assign.seed")
        array(found["teams"], "assign.teams")
        self.second_values = _values(found["values"], "assign.values")
        self.second_sources = self.terms.assignment.sources

    # the announcement and the frame

    def announcement_hash(self) -> Reason:
        found = announcement_hash(_object(self.made["announce"]))
        if "execute" in self.made:
            _same("execute.announcement_hash", found, _object(self.made["execute"])["announcement_hash"])
        return Reason("draw.verify.announcement_hash", {"hash": found})

    def leaves_canonical(self) -> Reason:
        for number, line in enumerate(array(_object(self.made["open"])["leaves"], "open.leaves"), 1):
            if not isinstance(line, str):
                raise DrawError("draw.field.not_text", at=f"open.leaves[{number - 1}]")
            try:
                leaf = line.encode()
                found = parse_canonical(leaf)
                self.rows.append((*read_leaf(obj(found, "leaf", optional=None)), leaf))
            except (ZhunshengError, UnicodeEncodeError) as error:
                why = error if isinstance(error, ZhunshengError) else LogError("public_log.lone_surrogate")
                raise DrawError(
                    "draw.verify.bad_leaf", number=number, problem=why.text("zh"), problem_en=why.text("en")
                ) from None
        if not self.rows:
            raise DrawError("draw.frame.empty")
        return Reason("draw.verify.leaves", {"count": len(self.rows)})

    def ids_unique(self) -> Reason:
        seen: set[str] = set()
        for unit_id, *_ in self.rows:
            if unit_id in seen:
                raise DrawError("draw.frame.duplicate_id", id=unit_id)
            seen.add(unit_id)
        return Reason("draw.verify.ids_unique", {"count": len(seen)})

    def order(self) -> Reason:
        for before, after in zip(self.rows, self.rows[1:], strict=False):
            if after[0] < before[0]:
                raise DrawError("draw.verify.out_of_order", before=before[0], id=after[0])
        return Reason("draw.verify.order")

    def root(self) -> Reason:
        self.frame = build_frame(self.rows)
        _same("announce.frame.root", self.frame.root, self.terms.root)
        _same("announce.frame.size", self.frame.size, self.terms.size)
        return Reason("draw.verify.root", {"root": self.frame.root, "size": self.frame.size})

    def sizes(self) -> Reason:
        for stratum in sorted(self.frame.sizes.keys() | self.terms.sizes.keys()):
            _same(f"announce.N.{stratum}", self.frame.sizes.get(stratum, "–"), self.terms.sizes.get(stratum, "–"))
        out = sum(self.frame.excluded.values())
        return Reason("draw.verify.sizes", {"sizes": _pairs(self.frame.sizes), "excluded": out})

    def n(self) -> Reason:
        check_n(self.terms.sizes, self.terms.n)
        return Reason("draw.verify.n", {"n": _pairs(self.terms.n)})

    # the randomness

    def source_rules(self) -> Reason:
        check_sources(self.terms)
        profiles = satisfied_profiles(self.sources or self.terms.sources, self.terms.announced_at.date())
        said: dict[str, Param] = {
            "profiles": "、".join(row.label("zh") for row in profiles),
            "profiles_en": ", ".join(row.label("en") for row in profiles),
        }
        if self.fallback:
            why = str(_object(self.made["execute"])["fallback_reason"])
            return Reason("draw.verify.sources_fallback", {**said, "number": self.fallback, "why": why})
        return Reason("draw.verify.sources", said)

    def time_order(self) -> Reason:
        check_wait(self.terms)
        said: dict[str, Param] = {
            "announced_at": instant_text(self.terms.announced_at, "announced_at"),
            "not_before": instant_text(self.terms.not_before, "not_before"),
        }
        if "abandon" in self.made:
            _later("abandon.at", _object(self.made["abandon"])["at"], "announced_at", self.terms.announced_at)
        if "execute" not in self.made:
            return Reason("draw.verify.time_announced", said)
        check_times(self.sources, self.values, self.terms.earliest(self.fallback))
        at = _object(self.made["execute"])["at"]
        _same("execute.at", instant_text(max(value.at for value in self.values), "execute.at"), at)
        if "assign" in self.made:
            fixed = _object(_object(self.made["assign"])["constraints"])["at"]
            _later("assign.constraints.at", fixed, "execute.at", instant(at, "execute.at"))
            check_times(self.second_sources, self.second_values, instant(fixed, "assign.constraints.at"))
        return Reason("draw.verify.time_order", {**said, "at": str(at)})

    def source_values(self) -> Reason:
        check_values(self.sources, self.values, self.terms.draw)
        check_values(self.second_sources, self.second_values, self.terms.draw)
        return Reason("draw.verify.source_values", {"values": " ".join(_named(self.values + self.second_values))})

    def commitments(self) -> Reason:
        parties = [(source, value) for source, value in self._pairs_of_values() if source.kind == "party"]
        kept = [s for s, v in parties if "commitment" in s.terms and v.value != s.terms.get("default")]
        code = "draw.verify.committed" if len(kept) == len(parties) else "draw.verify.not_all_committed"
        return Reason(code, {"parties": len(parties), "committed": len(kept)})

    def drand_signature(self) -> Reason:
        rounds: list[str] = []
        for source, value in self._pairs_of_values():
            if source.kind == "drand":
                check_signature(source, value)
                rounds.append(str(source.terms["round"]))
        return Reason("draw.verify.drand_signature", {"rounds": " ".join(rounds)})

    def published_values(self) -> Reason:
        outside = [value for source, value in self._pairs_of_values() if source.kind != "drand"]
        return Reason("draw.verify.compare", {"values": " ".join(_named(outside))})

    def _pairs_of_values(self) -> list[tuple[Source, Value]]:
        first = zip(self.sources, self.values, strict=True)
        return [*first, *zip(self.second_sources, self.second_values, strict=True)]

    def seed_again(self) -> Reason:
        values = [value.value for value in self.values]
        self.seed = seed(seed_text(_object(self.made["announce"]), values, self.fallback))
        _same("execute.seed", self.seed, _object(self.made["execute"])["seed"])
        return Reason("draw.verify.seed", {"seed": self.seed})

    # the draw

    def tickets(self) -> Reason:
        units = self._selection()
        for unit in units:
            _same(f"selection.{unit['id']}.ticket", ticket(self.seed, str(unit["id"])), unit["ticket"])
        return Reason("draw.verify.tickets", {"count": len(units)})

    def selection(self) -> Reason:
        self.drawn = select(self.frame, self.seed, self.terms.n)
        units = self._selection()
        for number, (expected, unit) in enumerate(zip(self.drawn, units, strict=False)):
            for key, right in (("id", expected.id), ("stratum", expected.stratum), ("rank", expected.rank)):
                _same(f"selection[{number}].{key}", right, unit[key])
        _same("selection", len(self.drawn), len(units))
        return Reason("draw.verify.selection", {"count": len(units), "total": sum(self.terms.sizes.values())})

    def probabilities(self) -> Reason:
        for expected, unit in zip(self.drawn, self._selection(), strict=True):
            _same(f"selection.{expected.id}.probability", str(expected.probability), unit["probability"])
        shares = {unit.stratum: str(unit.probability) for unit in self.drawn}
        return Reason("draw.verify.probabilities", {"shares": _pairs(shares)})

    def _selection(self) -> list[Mapping[str, Json]]:
        return [_object(entry) for entry in array(self.made["selection"], "selection")]

    def assignment(self) -> Reason:
        section = _object(self.made["assign"])
        tickets = {unit.id: unit.ticket for unit in self.drawn}
        targets, inspectors, on, at, team_size = read_constraints(section["constraints"], tickets)
        if self.terms.assignment is not None:
            _same("assign.constraints.team_size", self.terms.assignment.team_size, team_size)
        fixed = constraints_hash(_object(section["constraints"]))
        _same("assign.constraints_hash", fixed, section["constraints_hash"])
        found = announcement_hash(_object(self.made["announce"]))
        second = assignment_seed(found, fixed, self.seed, self.second_values)
        _same("assign.seed", second, section["seed"])
        again = assign(
            targets, inspectors, second, on=on, at=at, team_size=team_size, values=self.second_values
        ).as_json()
        if canonical(again["constraints"]) != canonical(section["constraints"]):
            raise DrawError("draw.verify.constraints_not_normal")
        for expected, team in zip(array(again["teams"], ""), array(section["teams"], "assign.teams"), strict=False):
            if canonical(expected) != canonical(team):
                raise DrawError("draw.verify.other_team", id=str(_object(expected)["id"]))
        _same("assign.teams", len(targets), len(array(section["teams"], "assign.teams")))
        return Reason("draw.verify.assignment", {"teams": len(targets), "people": len(inspectors)})

    # what came of it

    def results(self) -> Reason:
        drawn = {str(unit["id"]) for unit in self._selection()}
        seen: set[str] = set()
        for number, entry in enumerate(array(self.made["results"], "results")):
            result = obj(entry, f"results[{number}]", {"id", "code"}, None)
            unit_id = text(result["id"], f"results[{number}].id")
            note(result["code"], f"results[{number}].code")
            if unit_id not in drawn:
                raise DrawError("draw.verify.result_not_drawn", id=unit_id)
            if unit_id in seen:
                raise DrawError("draw.verify.result_twice", id=unit_id)
            seen.add(unit_id)
        return Reason("draw.verify.results", {"count": len(seen), "drawn": len(drawn)})

    def abandoned(self) -> Reason:
        said = {key: str(value) for key, value in _object(self.made["abandon"]).items()}
        return Reason("draw.verify.abandoned", said)

    def log_inclusion(self) -> Reason:
        log = obj(self.made["log"], "log", {"origin", "size", "root", "acts"})
        size, root = integer(log["size"], "log.size", 1), hex64(log["root"], "log.root")
        last = dict.fromkeys(_ACTS, -1)
        acts: list[str] = []
        for number, entry in enumerate(array(log["acts"], "log.acts")):
            at = f"log.acts[{number}]"
            found = obj(entry, at, {"act", "index", "entry", "proof"})
            act, index = text(found["act"], f"{at}.act"), integer(found["index"], f"{at}.index")
            if act not in self.made or act not in last:
                raise DrawError("draw.verify.log_unknown_act", act=act)
            proof = [bytes.fromhex(hex64(node, f"{at}.proof")) for node in array(found["proof"], f"{at}.proof")]
            leaf = leaf_hash(canonical(found["entry"]))
            if not verify_inclusion(leaf, index, size, proof, bytes.fromhex(root)):
                raise DrawError("draw.verify.not_in_log", act=act, index=index)
            if digest(self.made[act]) not in _strings(found["entry"]):
                raise DrawError("draw.verify.log_other_content", act=act, index=index)
            last[act] = index
            acts.append(act)
        order = [last[act] for act in _ACTS if act in acts]
        if order != sorted(order):
            raise DrawError("draw.verify.log_order")
        origin = text(log["origin"], "log.origin")
        return Reason(
            "draw.verify.log_inclusion", {"acts": " ".join(acts), "origin": origin, "size": size, "root": root}
        )

    def digests(self) -> Reason:
        stated, found = _object(self.made["digests"]), _digests(self.made)
        for name in sorted(stated.keys() | found.keys()):
            _same(f"digests.{name[:80]}", found.get(name, "–"), stated.get(name, "–"))
        return Reason("draw.verify.digests", {"count": len(found)})


def _object(value: Json) -> Mapping[str, Json]:
    return obj(value, "bundle", optional=None)


def _values(value: Json, at: str) -> tuple[Value, ...]:
    return tuple(read_value(entry, f"{at}[{number}]") for number, entry in enumerate(array(value, at)))


def _same(at: str, expected: Json, found: Json) -> None:
    if found != expected:
        raise DrawError("draw.verify.differs", at=at, expected=str(expected), found=str(found)[:80])


def _later(at: str, moment: Json, than: str, earlier: datetime) -> None:
    if instant(moment, at) < earlier:
        raise DrawError("draw.verify.earlier_than", at=at, than=than)


def _pairs(numbers: Mapping[str, int] | Mapping[str, str]) -> str:
    return " ".join(f"{name}={number}" for name, number in sorted(numbers.items()))


def _named(values: Sequence[Value]) -> list[str]:
    return [f"{value.source}={value.value}" for value in values]


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _strings(item)
