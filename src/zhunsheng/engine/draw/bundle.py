"""The bundle: one file with everything about a draw, and the check of it, step by step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.draw.announce import (
    MIN_WAIT,
    Execution,
    Terms,
    announcement_hash,
    check_numbers,
    check_sources,
    check_times,
    check_values,
    check_wait,
    read_terms,
    seed,
    seed_text,
)
from zhunsheng.engine.draw.assignment import (
    Assignment,
    Change,
    Constraints,
    check_assignment,
    check_changes,
    check_constraints,
    freedom,
    read_constraints,
)
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
from zhunsheng.engine.draw.frame import Frame
from zhunsheng.engine.draw.leaf import speciality_of
from zhunsheng.engine.draw.membership import MAX_PROOF, MEMBERSHIP, check_membership
from zhunsheng.engine.draw.scan import MAX_HEAD, Buffer, Found, Lines, NotPlain, Region, lines_of, scan, scan_sealed
from zhunsheng.engine.draw.seal import check_seal_key, key_hash, nonce, section_digest, tag
from zhunsheng.engine.draw.selection import Selected, ticket
from zhunsheng.engine.draw.signing import Signature, check_signatures, read_signatures
from zhunsheng.engine.draw.sources import Source, Value, check_signature, defaulted, read_value, satisfied_profiles
from zhunsheng.engine.draw.verdict import Check, Outcome, Step, Verdict
from zhunsheng.engine.errors import DrawError, LogError, SuiteError, ZhunshengError
from zhunsheng.engine.public_log import (
    Json,
    NoteKey,
    canonical,
    leaf_hash,
    parse_json,
    parse_note,
    read_checkpoint,
    suite_of,
    verify_inclusion,
    verify_note,
)
from zhunsheng.engine.signing import PublicKey
from zhunsheng.engine.suites import SHA256, Suite
from zhunsheng.engine.words import Param, Reason

__all__ = ["MAX_BUNDLE", "Abandonment", "Step", "Verdict", "bundle", "digest", "digests", "open_digest", "verify"]

MAX_BUNDLE = 512 * 1024 * 1024

#: the sections that have a digest, in the order in which they come to be
SECTIONS = (
    "announce", "execute", "withheld", "selection", "assign_announce", "assign", "changes", "open", "results", "abandon",
    "signatures",
)  # fmt: skip
_WITHHELD = ("selection", "assign_announce", "assign", "changes")
_GROWING = frozenset({"changes", "results"})
_STRICTLY = (("announce", "execute"), ("execute", "assign_announce"), ("assign_announce", "assign"))
_LOOSELY = (
    ("announce", "open"), ("announce", "abandon"), ("execute", "selection"), ("execute", "results"), ("assign", "changes"),
)  # fmt: skip
_LOOSELY_SEALED = (("assign", "open"), ("open", "results"))
MAX_ACTS = 1000
#: act → the kind of the log entry that records it
_KINDS: Mapping[str, str] = {
    "announce": "draw.announce", "execute": "draw.execute", "selection": "draw.execute",
    "assign_announce": "draw.close_list", "assign": "draw.assign", "changes": "team.replace", "open": "draw.open",
    "results": "draw.results", "abandon": "draw.abandon",
}  # fmt: skip


def log_act(name: str) -> tuple[str, str]:
    """How the public log records a section of a bundle: the kind of the entry, and the key in its `data` that holds the
    digest of the section. Its subject is "draw:" + the number of the draw. Raises DrawError for a section that is not
    recorded.

    >>> log_act("assign_announce")
    ('draw.close_list', 'assign_announce')
    """
    if name not in _KINDS:
        raise DrawError("draw.verify.log_unknown_act", act=name)
    return _KINDS[name], name


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


def digest(section: Json, suite: Suite = SHA256) -> str:
    """The hash of a section's canonical JSON, 64 hexadecimal digits. What the public log names is `section_digest`, which
    is the same in an open draw; of the section `open` it is `open_digest`."""
    return suite.hex(canonical(section))


def open_digest(root: str, size: int, key: str = "", at: datetime | None = None, suite: Suite = SHA256) -> str:
    """The digest of the section `open`: of {"root", "size"} of the frame, and in sealed mode of "key", and "at", the time
    of the opening, too."""
    found: dict[str, Json] = {"root": root, "size": size}
    if key:
        if at is None:
            raise DrawError("draw.field.missing", at="open", key="at")
        found |= {"key": key, "at": instant_text(at, "open.at")}
    return digest(found, suite)


def bundle(
    *,
    announcement: Mapping[str, Json],
    frame: Frame,
    execution: Execution | None = None,
    selection: Sequence[Selected] = (),
    constraints: Constraints | None = None,
    assignment: Assignment | None = None,
    changes: Sequence[Change] = (),
    results: Sequence[Mapping[str, Json]] = (),
    abandon: Abandonment | None = None,
    opened_at: datetime | None = None,
    signatures: Sequence[Signature] = (),
    log: Mapping[str, Json] | None = None,
) -> dict[str, Json]:
    """Everything about a draw as one JSON object; `public_log.canonical` of it is the file to publish.

    constraints, assignment, changes: as `draw.constraints`, `draw.assign` and `draw.substitute` made them.
    results: one mapping a visited unit with `id` and `code` (and what else is public: date, wording …).
    opened_at: when a sealed draw was opened. Before that its bundle holds the sealed lines, and of selection,
    constraints, assignment and changes only the digests (`withheld`); after it holds both, and the key.
    signatures: of sections, by their digests (`signing.sign`).
    log: {"origin", "size", "root", "acts": [{"act", "index", "entry", "proof"}], "checkpoint"?} from the public log,
        hashes as hexadecimal; `act` is the section whose digest the entry names (`log_act`), an act for every section that
        is there or withheld; checkpoint: the text of a signed note.
    """
    suite = frame.suite
    made: dict[str, Json] = {"protocol": PROTOCOL, "announce": announcement}
    parts: dict[str, Json] = {}
    if execution is not None:
        made["execute"] = execution.as_json()
        parts["selection"] = [unit.as_json() for unit in selection]
    if constraints is not None:
        parts["assign_announce"] = constraints.as_json()
    if assignment is not None:
        parts["assign"] = assignment.as_json()
    if changes:
        parts["changes"] = [change.as_json() for change in changes]
    leaves: Json = [leaf.decode() for leaf in frame.leaves]
    if frame.seal_key and parts:
        number = str(announcement["draw"])
        made["withheld"] = {
            name: section_digest(number, name, part, frame.seal_key, suite) for name, part in parts.items()
        }
    if not frame.seal_key:
        made["open"] = {"leaves": leaves}
    elif opened_at is not None:
        made["open"] = {"key": frame.seal_key, "at": instant_text(opened_at, "opened_at"), "leaves": leaves}
    else:
        made["sealed"] = {"lines": [line.decode() for line in frame.lines]}
    if "open" in made:
        made.update(parts)
        if results:
            made["results"] = list(results)
    if abandon is not None:
        made["abandon"] = abandon.as_json()
    if signatures:
        made["signatures"] = [one.as_json() for one in signatures]
    if log is not None:
        made["log"] = log
    made["digests"] = digests(made)
    return made


def digests(made: Mapping[str, Json]) -> dict[str, str]:
    """One digest a section of a bundle: what it states under `digests`, what the log names, what is signed."""
    announced = _object(made["announce"])
    terms = read_terms(announced)
    found: dict[str, str] = {}
    opened = _object(made["open"]) if "open" in made else {}
    key = hex64(opened["key"], "open.key") if "key" in opened else ""
    for name in (*SECTIONS, "log"):
        if name == "open" and name in made:
            at = instant(opened.get("at"), "open.at") if key else None
            found[name] = open_digest(terms.root, terms.size, key, at, terms.suite)
        elif name in made:
            found[name] = section_digest(terms.draw, name, made[name], key, terms.suite)
    return found


# ── the check ────────────────────────────────────────────────────────────────────────────────────────────────────────


def verify(
    bundle: Buffer | Mapping[str, Json],
    pins: Sequence[PublicKey] = (),
    witnesses: Sequence[NoteKey] = (),
    now: datetime | None = None,
) -> Verdict:
    """Checks a bundle as published, from nothing but itself: every hash, time, ticket and name is computed again.

    bundle: the bytes of the file, a file mapped into memory, or the parsed object. The lines of the frame are read as
    a stream. A proof of membership is recognised too (`check_membership`).
    pins: published keys by which the bundle must be signed. Without pins the verdict says which key signed.
    witnesses: keys of witnesses of the log whose cosignature can date the announcement. now: where the caller knows the
    time, what is dated later than it is refused.

    Never raises for what is in it: a file that is not JSON, or too large, fails in the step `format`. Each part is
    checked as soon as what it rests on holds.
    """
    data: Buffer = canonical(bundle) if isinstance(bundle, Mapping) else bundle
    if len(data) <= MAX_PROOF and MEMBERSHIP.encode() in data[0 : len(data)] and _is_proof(data[0 : len(data)]):
        return check_membership(data[0 : len(data)])
    try:
        return _Bundle(data, pins, witnesses, now, Region.of(data) if len(data) <= MAX_BUNDLE else None).run()
    except NotPlain:
        return _Bundle(data, pins, witnesses, now, None).run()


def _is_proof(data: bytes) -> bool:
    try:
        found = parse_json(data, floats=False)
    except LogError:
        return False
    return isinstance(found, Mapping) and found.get("protocol") == MEMBERSHIP


class _Bundle(Check):
    def __init__(
        self,
        data: Buffer,
        pins: Sequence[PublicKey],
        witnesses: Sequence[NoteKey],
        now: datetime | None,
        region: Region | None,
    ) -> None:
        super().__init__()
        self.data, self.pins, self.witnesses, self.known_time, self.region = (
            data,
            tuple(pins),
            tuple(witnesses),
            now,
            region,
        )
        self.made: Mapping[str, Json] = {}
        self.lines: Lines
        self.key = ""
        self.sources: tuple[Source, ...] = ()
        self.values: tuple[Value, ...] = ()
        self.fallback = 0
        self.second_sources: tuple[Source, ...] = ()
        self.second_values: tuple[Value, ...] = ()
        self.second_fallback = 0
        self.seed = ""
        self.drawn: tuple[Selected, ...] = ()
        self.drawn_lines: Mapping[str, bytes] = {}
        self.signatures: tuple[Signature, ...] = ()
        self.announced_index = -1
        self.terms: Terms
        self.found: Found
        self.constraints: Constraints
        self.assignment: Assignment

    def run(self) -> Verdict:
        if not self.step("format", self.format):
            if self.region is not None:
                raise NotPlain  # the whole is parsed again, to say what is wrong where
            return Verdict(tuple(self.steps), False, "unreadable", Reason("draw.verdict.unreadable"))
        has, terms = self.made.__contains__, self.terms
        kinds = {source.kind for source in (*self.sources, *self.second_sources)}
        self.step("announcement-hash", self.announcement_hash)
        if self.key:
            self.step("key", self.seal_key)
        self.step("leaves-canonical", self.leaves_canonical)
        self.step("ids-unique", self.ids_unique, "leaves-canonical")
        self.step("order", self.order, "leaves-canonical")
        self.step("root", self.root, "leaves-canonical")
        if has("open"):
            if terms.scope:
                self.step("scope", self.scope, "leaves-canonical")
            self.step("sizes", self.sizes, "leaves-canonical", "ids-unique", "order")
            self.step("n", self.n, "sizes")
            if terms.pareto:
                self.step("pareto", self.pareto, "n")
        else:
            self.step("sizes", self.sizes_sealed)
            self.step("n", self.n)
        self.step("sources", self.source_rules)
        self.step("time-order", self.time_order)
        if has("execute"):
            paired = self.step("source-values", self.source_values)
            if self.fallback or self.second_fallback:
                self.step("fallback", self.fallback_used)
            if "party" in kinds:
                self.step("commitments", self.commitments, "source-values")
                if paired and any(defaulted(source, value) for source, value in self._pairs_of_values()):
                    self.step("defaults", self.defaults, "source-values")
            if "drand" in kinds:
                self.step("drand-signature", self.drand_signature, "source-values")
            if kinds != {"drand"}:
                self.step("published-values", self.published_values, "source-values")
            self.step("seed", self.seed_again, "announcement-hash", "source-values")
        if has("selection"):
            rests_on = ("seed", "n", "root", "key", "pareto")
            self.step("tickets", self.tickets, "seed", "key")
            self.step("selection", self.selection, *rests_on)
            self.step("probabilities", self.probabilities, "selection")
        if has("assign_announce"):
            self.step("constraints", self.closed, "selection")
            self.step("assignment-freedom", self.assignment_freedom, "constraints")
        if has("assign"):
            self.step("assignment", self.assigned, "constraints")
        if has("changes"):
            self.step("changes", self.changes, "assignment")
            self.step("substitutions", self.substitutions, "changes")
        if has("results"):
            self.step("results", self.results)
        if has("withheld"):
            self.step("withheld", self.withheld)
        if self.key:
            self.step("opened", self.opened)
        if has("abandon"):
            self.step("abandoned", self.abandoned)
        if self._missing():
            self.step("missing", self.missing)
        if has("signatures") or self.pins:
            self.step("signatures", self.signed)
        self.step("log-inclusion", self.log_inclusion)
        self.step("announced-when", self.announced_when, "announcement-hash")
        self.step("digests", self.digests)
        return self._verdict()

    def _verdict(self) -> Verdict:
        failed = self.failed
        outcome: Outcome = "executed" if "execute" in self.made else "announced"
        said: dict[str, Param] = {"draw": self.terms.draw}
        code = f"draw.verdict.{outcome}"
        if "abandon" in self.made:
            outcome, code = "abandoned", "draw.verdict.abandoned"
            if self._abandoned_late():
                code = "draw.verdict.abandoned_late"
            said |= {key: str(value) for key, value in _object(self.made["abandon"]).items()}
        elif "sealed" in self.made and "execute" in self.made:
            code = "draw.verdict.executed_sealed"
        reason = Reason(code, said)
        if failed is not None:
            reason = Reason("draw.verdict.failed", {**said, "step": failed.name})
        return Verdict(tuple(self.steps), failed is None, outcome, reason, self.terms.draw)

    # reading

    def format(self) -> Reason:
        if len(self.data) > MAX_BUNDLE:
            raise DrawError("draw.verify.too_large", limit=MAX_BUNDLE // 1024 // 1024)
        # a file in another form than canonical JSON is parsed as a whole, and may be no longer than the rest of one may be
        length = len(self.data) if self.region is None else self.region.rest_size
        if length > MAX_HEAD:
            raise DrawError("draw.verify.head_too_large", limit=MAX_HEAD // 1024 // 1024)
        whole = self.data[0 : len(self.data)] if self.region is None else self.region.rest
        made = obj(
            parse_json(whole, floats=False), "bundle", {"protocol", "announce", "digests"}, {*SECTIONS, "sealed", "log"}
        )
        self.made = made
        if made["protocol"] != PROTOCOL:
            raise DrawError("draw.field.other_protocol", at="protocol", protocol=PROTOCOL)
        self.terms = read_terms(_object(made["announce"]))
        self._read_lines()
        for name, value in obj(made["digests"], "digests", optional=None).items():
            hex64(value, f"digests.{name[:80]}")
        if "execute" in made:
            self._read_execute(made["execute"])
        self._read_withheld()
        if ("selection" in made) != ("execute" in made and "open" in made):
            raise DrawError("draw.verify.execute_and_selection")
        for number, entry in enumerate(array(made.get("selection", []), "selection")):
            at = f"selection[{number}]"
            unit = obj(entry, at, {"id", "stratum", "ticket", "rank", "probability"})
            hex64(unit["ticket"], f"{at}.ticket")
            integer(unit["rank"], f"{at}.rank", 1)
            for key in ("id", "stratum", "probability"):
                text(unit[key], f"{at}.{key}")
        self._read_assign()
        if "results" in made and "selection" not in made:
            raise DrawError("draw.verify.results_without_selection")
        if "abandon" in made:
            given_up = obj(made["abandon"], "abandon", {"reason", "approver", "at"})
            note(given_up["reason"], "abandon.reason")
            note(given_up["approver"], "abandon.approver")
            instant(given_up["at"], "abandon.at")
        if "signatures" in made:
            self.signatures = read_signatures(made["signatures"])
        shown = " ".join(name for name in (*SECTIONS, "sealed", "log") if name in made)
        return Reason("draw.verify.format", {"draw": self.terms.draw, "sections": shown})

    def _read_lines(self) -> None:
        """Where the lines of the frame are: of `open`, or of `sealed` as long as a sealed draw is not opened."""
        made, sealed = self.made, self.terms.seal is not None
        if ("open" in made) == ("sealed" in made):
            raise DrawError("draw.verify.open_or_sealed")
        if "sealed" in made:
            if not sealed:
                raise DrawError("draw.verify.not_announced_sealed")
            found = array(obj(made["sealed"], "sealed", {"lines"})["lines"], "sealed.lines")
            at = "sealed.lines"
        else:
            section = obj(made["open"], "open", {"leaves", "key", "at"} if sealed else {"leaves"})
            found = array(section["leaves"], "open.leaves")
            at = "open.leaves"
            if sealed:
                self.key = check_seal_key(section["key"], "open.key")
                instant(section["at"], "open.at")
        region = self.region
        if region is None:
            self.lines = lambda: lines_of(found, at)
        else:
            self.lines = region.lines

    def _read_execute(self, section: Json) -> None:
        found = obj(section, "execute", {"announcement_hash", "values", "seed", "at"}, {"fallback", "fallback_reason"})
        hex64(found["announcement_hash"], "execute.announcement_hash")
        hex64(found["seed"], "execute.seed")
        instant(found["at"], "execute.at")
        self.values = _values(found["values"], "execute.values")
        self.fallback = _fallback(found, "execute")
        self.sources = self.terms.sources_used(self.fallback)

    def _read_withheld(self) -> None:
        made = self.made
        if "withheld" in made:
            if self.terms.seal is None or "execute" not in made:
                raise DrawError("draw.verify.nothing_withheld")
            for name, value in obj(made["withheld"], "withheld", {"selection"}, _WITHHELD).items():
                hex64(value, f"withheld.{name}")
            if "open" in made:
                for name in _WITHHELD:
                    if name in made and name not in _object(made["withheld"]):
                        raise DrawError("draw.field.missing", at="withheld", key=name)
        elif self.terms.seal is not None and "execute" in made:
            raise DrawError("draw.field.missing", at="bundle", key="withheld")

    def _read_assign(self) -> None:
        made = self.made
        for name, needed in (("assign_announce", "selection"), ("assign", "assign_announce"), ("changes", "assign")):
            if name in made and needed not in made:
                raise DrawError("draw.verify.section_without", section=name, needed=needed)
        if "assign_announce" not in made:
            return
        rule = self.terms.assignment
        if rule is None:
            raise DrawError("draw.verify.assign_not_announced")
        instant(_object(made["assign_announce"]).get("at"), "assign_announce.at")
        if "assign" not in made:
            return
        optional = {"fallback", "fallback_reason"}
        found = obj(made["assign"], "assign", {"constraints_hash", "values", "seed", "teams"}, optional)
        self.second_values = _values(found["values"], "assign.values")
        self.second_fallback = _fallback(found, "assign")
        self.second_sources = rule.sources_used(self.second_fallback)

    # the announcement and the frame

    def announcement_hash(self) -> Reason:
        found = announcement_hash(_object(self.made["announce"]))
        if "execute" in self.made:
            _same("execute.announcement_hash", found, _object(self.made["execute"])["announcement_hash"])
        return Reason("draw.verify.announcement_hash", {"hash": found})

    def seal_key(self) -> Reason:
        promised = self.terms.seal
        if promised is None or key_hash(self.key, self.terms.draw, self.terms.suite) != promised.key_hash:
            raise DrawError("draw.seal.other_key")
        return Reason("draw.verify.key", {"hash": promised.key_hash})

    def leaves_canonical(self) -> Reason:
        if "sealed" in self.made:
            self.found = scan_sealed(self.lines(), self.terms)
            return Reason("draw.verify.sealed_lines", {"count": self.found.count})
        self.found = scan(self.lines, self.terms, self._early_seed(), self.key)
        return Reason("draw.verify.leaves", {"count": self.found.count})

    def _early_seed(self) -> str | None:
        """The seed, so that one pass over the lines is enough. Whether it is right is said in its own step."""
        if "selection" not in self.made:
            return None
        try:
            return self._computed_seed()
        except ZhunshengError:
            return None

    def ids_unique(self) -> Reason:
        if self.found.duplicate is not None:
            raise DrawError("draw.frame.duplicate_id", id=self.found.duplicate)
        if self.found.same_firm is not None:
            raise DrawError("draw.frame.same_firm", org=self.found.same_firm[0], id=self.found.same_firm[1])
        said: dict[str, Param] = {"count": self.found.count, "unchecked": self.found.unchecked}
        return Reason("draw.verify.ids_unchecked" if self.found.unchecked else "draw.verify.ids_unique", said)

    def order(self) -> Reason:
        if self.found.disorder is not None:
            before, unit_id = self.found.disorder
            raise DrawError("draw.verify.out_of_order", before=before, id=unit_id)
        return Reason("draw.verify.order_sealed" if "sealed" in self.made else "draw.verify.order")

    def root(self) -> Reason:
        _same("announce.frame.root", self.found.root, self.terms.root)
        _same("announce.frame.size", self.found.count, self.terms.size)
        return Reason("draw.verify.root", {"root": self.found.root, "size": self.found.count})

    def scope(self) -> Reason:
        if self.found.outside is not None:
            unit_id, name = self.found.outside
            raise DrawError("draw.scope.outside", id=unit_id, column=name)
        shown = " ".join(f"{name}={'|'.join(starts)}" for name, starts in sorted(self.terms.scope.items()))
        return Reason("draw.verify.scope", {"scope": shown})

    def sizes(self) -> Reason:
        for stratum in sorted(self.found.sizes.keys() | self.terms.sizes.keys()):
            _same(f"announce.N.{stratum}", self.found.sizes.get(stratum, "–"), self.terms.sizes.get(stratum, "–"))
        return Reason("draw.verify.sizes", {"sizes": _pairs(self.found.sizes), "excluded": self.found.excluded})

    def sizes_sealed(self) -> Reason:
        return Reason("draw.verify.sizes_sealed", {"sizes": _pairs(self.terms.sizes)})

    def n(self) -> Reason:
        check_numbers(self.terms)
        if self.terms.ratio:
            shares = {name: f"{r.numerator}/{r.denominator}" for name, r in self.terms.ratio.items()}
            return Reason("draw.verify.n_by_ratio", {"n": _pairs(self.terms.n), "ratio": _pairs(shares)})
        return Reason("draw.verify.n", {"n": _pairs(self.terms.n)})

    def pareto(self) -> Reason:
        self.found.check_weights(self.terms)
        return Reason("draw.verify.pareto", {"strata": " ".join(self.terms.pareto), "scale": self.terms.scale})

    # the randomness

    def source_rules(self) -> Reason:
        check_sources(self.terms)
        profiles = satisfied_profiles(self.sources or self.terms.sources, self.terms.announced_at.date())
        said: dict[str, Param] = {
            "profiles": "、".join(row.label("zh") for row in profiles),
            "profiles_en": ", ".join(row.label("en") for row in profiles),
        }
        return Reason("draw.verify.sources", said)

    def fallback_used(self) -> Reason:
        used = [
            f"{section}[{number}] {_object(self.made[section])['fallback_reason']}"
            for number, section in ((self.fallback, "execute"), (self.second_fallback, "assign"))
            if number
        ]
        return Reason("draw.verify.fallback", {"used": "; ".join(used)})

    def time_order(self) -> Reason:
        check_wait(self.terms)
        said: dict[str, Param] = {
            "announced_at": instant_text(self.terms.announced_at, "announced_at"),
            "not_before": instant_text(self.terms.not_before, "not_before"),
        }
        if "abandon" in self.made:
            _later("abandon.at", _object(self.made["abandon"])["at"], "announced_at", self.terms.announced_at)
        if self.key:
            _later("open.at", _object(self.made["open"])["at"], "announced_at", self.terms.announced_at)
        self._not_in_future()
        if "execute" not in self.made:
            return Reason("draw.verify.time_announced", said)
        check_times(self.sources, self.values, self.terms.earliest(self.fallback))
        at = _object(self.made["execute"])["at"]
        _same("execute.at", instant_text(max(value.at for value in self.values), "execute.at"), at)
        if self.key:
            _later("open.at", _object(self.made["open"])["at"], "execute.at", instant(at, "execute.at"))
        if "assign_announce" in self.made:
            closed = _object(self.made["assign_announce"])["at"]
            _later("assign_announce.at", closed, "execute.at", instant(at, "execute.at"))
            if "assign" in self.made and self.terms.assignment is not None:
                moment = self.terms.assignment.earliest(self.second_fallback, instant(closed, "assign_announce.at"))
                check_times(self.second_sources, self.second_values, moment)
        return Reason("draw.verify.time_order", {**said, "at": str(at)})

    def _not_in_future(self) -> None:
        if self.known_time is None:
            return
        done = [(name, _object(self.made[name]).get("at")) for name in ("open", "abandon") if name in self.made]
        moments = [("announce.announced_at", self.terms.announced_at)]
        moments += [(f"{name}.at", instant(at, f"{name}.at")) for name, at in done if name == "abandon" or self.key]
        moments += [(value.source, value.at) for value in (*self.values, *self.second_values)]
        for at, moment in moments:
            if moment > self.known_time:
                raise DrawError("draw.verify.in_future", at=at, moment=instant_text(moment, at))

    def source_values(self) -> Reason:
        check_values(self.sources, self.values, self.terms.draw, self.terms.suite)
        check_values(self.second_sources, self.second_values, self.terms.draw, self.terms.suite, second=True)
        return Reason("draw.verify.source_values", {"values": " ".join(_named(self.values + self.second_values))})

    def commitments(self) -> Reason:
        parties = [(source, value) for source, value in self._pairs_of_values() if source.kind == "party"]
        kept = sum(not defaulted(source, value) for source, value in parties)
        return Reason("draw.verify.committed", {"parties": len(parties), "committed": kept})

    def defaults(self) -> Reason:
        named = [f"{source.id}={value.value}" for source, value in self._pairs_of_values() if defaulted(source, value)]
        return Reason("draw.verify.defaults", {"parties": " ".join(named)})

    def drand_signature(self) -> Reason:
        rounds: list[str] = []
        for source, value in self._pairs_of_values():
            if source.kind == "drand":
                check_signature(source, value)
                rounds.append(str(source.terms["round"]))
        return Reason("draw.verify.drand_signature", {"rounds": " ".join(rounds)})

    def published_values(self) -> Reason:
        outside = [
            f"{source.id}@{source.terms['issue']}={value.value} ({instant_text(value.at, source.id)})"
            if "issue" in source.terms
            else f"{source.id}={value.value}"
            for source, value in self._pairs_of_values()
            if source.kind != "drand"
        ]
        return Reason("draw.verify.compare", {"values": " ".join(outside)})

    def _pairs_of_values(self) -> list[tuple[Source, Value]]:
        first = zip(self.sources, self.values, strict=True)
        return [*first, *zip(self.second_sources, self.second_values, strict=True)]

    def seed_again(self) -> Reason:
        self.seed = self._computed_seed()
        _same("execute.seed", self.seed, _object(self.made["execute"])["seed"])
        return Reason("draw.verify.seed", {"seed": self.seed})

    def _computed_seed(self) -> str:
        values = [value.value for value in self.values]
        return seed(seed_text(_object(self.made["announce"]), values, self.fallback), self.terms.suite)

    # the draw

    def tickets(self) -> Reason:
        units, suite = self._selection(), self.terms.suite
        for unit in units:
            name = str(unit["id"])
            name = tag(self.key, self.terms.draw, name, suite) if self.key else name
            _same(f"selection.{unit['id']}.ticket", ticket(self.seed, name, suite), unit["ticket"])
        return Reason("draw.verify.tickets", {"count": len(units)})

    def selection(self) -> Reason:
        self.drawn, self.drawn_lines = self.found.drawn(self.terms)
        units = self._selection()
        for number, (expected, unit) in enumerate(zip(self.drawn, units, strict=False)):
            for key, right in (("id", expected.id), ("stratum", expected.stratum), ("rank", expected.rank)):
                _same(f"selection[{number}].{key}", right, unit[key])
        _same("selection", len(self.drawn), len(units))
        return Reason("draw.verify.selection", {"count": len(units), "total": sum(self.terms.sizes.values())})

    def probabilities(self) -> Reason:
        for expected, unit in zip(self.drawn, self._selection(), strict=True):
            _same(f"selection.{expected.id}.probability", str(expected.probability), unit["probability"])
        shares = {unit.stratum: str(unit.probability) for unit in self.drawn if unit.stratum not in self.terms.pareto}
        return Reason("draw.verify.probabilities", {"shares": _pairs(shares | dict.fromkeys(self.terms.pareto, "λ"))})

    def _selection(self) -> list[Mapping[str, Json]]:
        return [_object(entry) for entry in array(self.made["selection"], "selection")]

    # the inspectors

    def closed(self) -> Reason:
        self.constraints = read_constraints(self.made["assign_announce"])
        rule = self.terms.assignment
        if rule is not None:  # format has seen to it
            check_constraints(
                self.constraints,
                drawn=self._specialities(),
                team_size=rule.team_size,
                steps_per_slot=rule.steps_per_slot,
                directory=rule.directory,
                suite=self.terms.suite,
            )
        right = nonce(self.key, self.terms.draw, self.terms.suite) if self.key else ""
        _same("assign_announce.nonce", right, self.constraints.nonce)
        said: dict[str, Param] = {
            "targets": len(self.constraints.targets),
            "people": len(self.constraints.inspectors),
            "steps": self.constraints.steps,
        }
        return Reason("draw.verify.constraints", said)

    def _specialities(self) -> dict[str, str]:
        """Drawn unit → what its lead must hold, by the lists that drew it."""
        drawn_by: dict[str, list[str]] = {}
        for unit in self.drawn:
            drawn_by.setdefault(unit.id, []).append(unit.stratum.partition("/")[0] if self.terms.lists else "")
        return {
            unit_id: speciality_of(_object(parse_json(self.drawn_lines[unit_id])), names)
            for unit_id, names in drawn_by.items()
        }

    def assignment_freedom(self) -> Reason:
        rule = self.terms.assignment
        found = freedom(self.constraints, rule.slack if rule is not None else 0)
        said: dict[str, Param] = {
            "bounds": " ".join(found.bounds) or "–",
            "forced": found.forced,
            "places": found.places,
            "forbidden": _pairs(found.forbidden) or "–",
            "away": " ".join(found.away) or "–",
        }
        return Reason("draw.verify.assignment_freedom", said)

    def assigned(self) -> Reason:
        found = announcement_hash(_object(self.made["announce"]))
        self.assignment = check_assignment(
            self.constraints, self.made["assign"], announcement_hash=found, suite=self.terms.suite
        )
        people = len(self.constraints.inspectors)
        return Reason("draw.verify.assignment", {"teams": len(self.assignment.teams), "people": people})

    def changes(self) -> Reason:
        section, made = self.made["changes"], self.assignment
        since = max(value.at for value in self.second_values)
        check_changes(self.constraints, made.seed, made.teams, section, since=since, suite=self.terms.suite)
        return Reason("draw.verify.changes", {"count": len(array(section, "changes"))})

    def substitutions(self) -> Reason:
        entries = [_object(entry) for entry in array(self.made["changes"], "changes")]
        passed = sum(len(array(entry["passed"], "changes.passed")) for entry in entries)
        units = len({entry["id"] for entry in entries})
        return Reason("draw.verify.substitutions", {"count": len(entries), "units": units, "passed": passed})

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

    def withheld(self) -> Reason:
        stated = {name: value for name in _WITHHELD if (value := _object(self.made["withheld"]).get(name))}
        if "sealed" in self.made:
            shown = " ".join(f"{name}={value}" for name, value in stated.items())
            open_by = self.terms.seal.open_by.isoformat() if self.terms.seal is not None else ""
            return Reason("draw.verify.withheld", {"digests": shown, "open_by": open_by})
        for name, value in stated.items():
            _same(f"withheld.{name}", digests(self.made).get(name, "–"), value)
        return Reason("draw.verify.withheld_now_open", {"sections": " ".join(stated)})

    def opened(self) -> Reason:
        at, seal = instant(_object(self.made["open"])["at"], "open.at"), self.terms.seal
        said: dict[str, Param] = {"at": instant_text(at, "open.at")}
        if seal is not None:
            said["open_by"] = seal.open_by.isoformat()
            # the announced day is a day in China
            late = (at.astimezone(CHINA).date() - seal.open_by).days
            if late > 0:
                return Reason("draw.verify.opened_late", {**said, "days": late})
        return Reason("draw.verify.opened", said)

    def abandoned(self) -> Reason:
        said = {key: str(value) for key, value in _object(self.made["abandon"]).items()}
        return Reason("draw.verify.abandoned_late" if self._abandoned_late() else "draw.verify.abandoned", said)

    def _abandoned_late(self) -> bool:
        """Whether it was given up when the outcome could be known."""
        at = instant(_object(self.made["abandon"])["at"], "abandon.at")
        return at >= self.terms.not_before or "execute" in self.made

    def _missing(self) -> list[str]:
        """What was announced, or follows from an execution, and is not here."""
        made = self.made
        if "execute" not in made:
            return []
        held = _object(made.get("withheld", {}))
        found = (
            ["assign"] if self.terms.assignment is not None and "assign" not in made and "assign" not in held else []
        )
        found += ["open"] if "open" not in made else []
        return found + (["results"] if "results" not in made else [])

    def missing(self) -> Reason:
        return Reason("draw.verify.missing", {"sections": " ".join(self._missing())})

    def signed(self) -> Reason:
        signable = {name: value for name, value in digests(self.made).items() if name not in ("signatures", "log")}
        keys = {one.key: None for one in self.signatures}
        said: dict[str, Param] = {"keys": " ".join(str(key) for key in keys)}
        try:
            found = check_signatures(self.signatures, self.terms.draw, signable, self.pins)
        except SuiteError as error:
            if self.pins:
                raise
            said |= {"problem": error.text("zh"), "problem_en": error.text("en")}
            return Reason("draw.verify.signature_unchecked", said)
        said["unsigned"] = " ".join(found.unsigned) or "–"
        if not self.pins:
            said["sections"] = " ".join(found.others)
            return Reason("draw.verify.signed_unpinned", said)
        said["sections"] = " ".join(found.pinned)
        said["others"] = " ".join(f"{name} ({' '.join(by)})" for name, by in found.others.items()) or "–"
        return Reason("draw.verify.signed", said)

    def log_inclusion(self) -> Reason:
        if "log" not in self.made:
            return Reason("draw.verify.no_log")
        log = obj(self.made["log"], "log", {"origin", "size", "root", "acts"}, {"checkpoint"})
        size, root, origin = (
            integer(log["size"], "log.size", 1),
            hex64(log["root"], "log.root"),
            text(log["origin"], "log.origin"),
        )
        acts: dict[str, list[int]] = {}
        named: dict[str, dict[int, bool]] = {}
        entries: dict[int, Mapping[str, Json]] = {}
        known = self._logged()
        listed = array(log["acts"], "log.acts")
        if len(listed) > MAX_ACTS:
            raise DrawError("draw.verify.too_many_acts", limit=MAX_ACTS)
        for number, entry in enumerate(listed):
            at = f"log.acts[{number}]"
            found = obj(entry, at, {"act", "index", "entry", "proof"})
            act, index = text(found["act"], f"{at}.act"), integer(found["index"], f"{at}.index")
            if act not in known:
                raise DrawError("draw.verify.log_unknown_act", act=act)
            said = obj(found["entry"], f"{at}.entry", {"kind", "subject", "data"}, None)
            kind, key = log_act(act)
            if said["kind"] != kind or said["subject"] != f"draw:{self.terms.draw}":
                raise DrawError("draw.verify.log_other_kind", act=act, index=index, kind=kind)
            proof = [bytes.fromhex(hex64(node, f"{at}.proof")) for node in array(found["proof"], f"{at}.proof")]
            suite = suite_of(origin)
            leaf = leaf_hash(canonical(found["entry"]), suite)
            if not verify_inclusion(leaf, index, size, proof, bytes.fromhex(root), suite):
                raise DrawError("draw.verify.not_in_log", act=act, index=index)
            acts.setdefault(act, []).append(index)
            named.setdefault(act, {})[index] = obj(said["data"], f"{at}.entry.data", (), None).get(key) == known[act]
            entries[index] = said
        for act, indexes in acts.items():
            # what may grow is recorded each time; the last record is of what stands here
            for index in [max(indexes)] if act in _GROWING else indexes:
                if not named[act][index]:
                    raise DrawError("draw.verify.log_other_content", act=act, index=index)
        for act in self._to_be_logged(known):
            if act not in acts:
                raise DrawError("draw.verify.log_missing", act=act)
        _check_log_order(acts, sealed=self.terms.seal is not None)
        self._check_log_times({act: entries[min(indexes)] for act, indexes in acts.items()})
        if "checkpoint" in log:
            _check_checkpoint(log["checkpoint"], origin, size, root)
        self.announced_index = min(acts["announce"])
        about: dict[str, Param] = {"acts": " ".join(acts), "origin": origin, "size": size, "root": root}
        return Reason("draw.verify.log_inclusion", about)

    def _logged(self) -> dict[str, str]:
        """Act → the digest that its entry in the log must name: of the section, or what is withheld of it."""
        held = {str(name): str(value) for name, value in _object(self.made.get("withheld", {})).items()}
        found = (held if "sealed" in self.made else {}) | digests(self.made)
        return {act: value for act, value in found.items() if act in _KINDS}

    def _to_be_logged(self, known: Mapping[str, str]) -> list[str]:
        """The acts that must be in the log: all but the opening of a draw that was never sealed, and results that are
        still coming in."""
        complete = len(array(self.made.get("results", []), "results")) >= len(
            {str(_object(unit)["id"]) for unit in array(self.made.get("selection", []), "selection")}
        )
        return [
            act for act in known if (act != "open" or self.terms.seal is not None) and (act != "results" or complete)
        ]

    def announced_when(self) -> Reason:
        """Whether somebody else has dated the announcement: a witness that was given, on the log as it is here, in
        which the announcement stands, before any value could exist."""
        said: dict[str, Param] = {
            "hash": announcement_hash(_object(self.made["announce"])),
            "before": instant_text(self.terms.not_before, "not_before"),
        }
        dated = self._witnessed() if self.announced_index >= 0 else None
        if dated is None:
            return Reason("draw.verify.announced_when", said)
        name, at = dated
        return Reason("draw.verify.announced_witnessed", {**said, "witness": name, "at": instant_text(at, "witness")})

    def _witnessed(self) -> tuple[str, datetime] | None:
        """The earliest cosignature by a given witness under the checkpoint, if it is before `not_before`."""
        checkpoint = _object(self.made["log"]).get("checkpoint")
        keys = [key for key in self.witnesses if key.is_witness]
        if not isinstance(checkpoint, str) or not keys:
            return None
        note = parse_note(checkpoint.encode())
        if not {(key.name, key.id) for key in keys} & {(line.name, line.key_id) for line in note.signatures}:
            return None
        last = int(self.terms.not_before.timestamp())
        found = [(one.time, one.key.name) for one in verify_note(note, keys) if one.time is not None]
        now = None if self.known_time is None else int(self.known_time.timestamp())
        for time, name in found:
            if now is not None and time > now:
                raise DrawError("draw.verify.in_future", at=name, moment=str(time))
        at, name = min(found, default=(last, ""))
        return (name, datetime.fromtimestamp(at, UTC)) if 0 < at < last else None

    def _check_log_times(self, first: Mapping[str, Json]) -> None:
        """The log, not the file, says when something was promised: the announcement a day before any value may exist,
        the constraints before any value of the second round does. first: act → its first entry in the log."""
        logged = _entry_time(first["announce"], "announce")
        if logged + MIN_WAIT > self.terms.not_before:
            raise DrawError("draw.verify.logged_late", act="announce", at=instant_text(logged, "log"))
        if "assign_announce" in first and self.terms.assignment is not None and self.second_values:
            logged = _entry_time(first["assign_announce"], "assign_announce")
            earliest = self.terms.assignment.earliest(self.second_fallback, logged)
            if earliest > min(value.at for value in self.second_values):
                raise DrawError("draw.verify.logged_late", act="assign_announce", at=instant_text(logged, "log"))

    def digests(self) -> Reason:
        stated, found = _object(self.made["digests"]), digests(self.made)
        for name in sorted(stated.keys() | found.keys()):
            _same(f"digests.{name[:80]}", found.get(name, "–"), stated.get(name, "–"))
        return Reason("draw.verify.digests", {"count": len(found)})


_LOG_TIME = re.compile(r"2[0-2]\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _entry_time(entry: Json, act: str) -> datetime:
    """When an entry says it was recorded. Raises DrawError where it does not say it."""
    at = entry.get("at") if isinstance(entry, Mapping) else None
    try:
        if isinstance(at, str) and _LOG_TIME.fullmatch(at):
            return datetime.fromisoformat(at).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise DrawError("draw.verify.log_no_time", act=act)


def _check_log_order(acts: Mapping[str, Sequence[int]], sealed: bool) -> None:
    for before, after in _STRICTLY:
        if before in acts and after in acts and max(acts[before]) >= min(acts[after]):
            raise DrawError("draw.verify.log_order", before=before, after=after)
    for before, after in _LOOSELY + (_LOOSELY_SEALED if sealed else ()):
        if before in acts and after in acts and max(acts[before]) > max(acts[after]):
            raise DrawError("draw.verify.log_order", before=before, after=after)


def _check_checkpoint(value: Json, origin: str, size: int, root: str) -> None:
    """The checkpoint must be of this very tree. Who signed it is for `zhunsheng log`, which has the keys of logs."""
    if not isinstance(value, str):
        raise DrawError("draw.field.not_text", at="log.checkpoint")
    found = read_checkpoint(parse_note(value.encode()).text)
    if (found.origin, found.size, found.root.hex()) != (origin, size, root):
        raise DrawError("draw.verify.other_checkpoint")


def _fallback(found: Mapping[str, Json], at: str) -> int:
    if "fallback" not in found and "fallback_reason" not in found:
        return 0
    for key in ("fallback", "fallback_reason"):
        if key not in found:
            raise DrawError("draw.field.missing", at=at, key=key)
    note(found["fallback_reason"], f"{at}.fallback_reason")
    return integer(found["fallback"], f"{at}.fallback", 1)


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
