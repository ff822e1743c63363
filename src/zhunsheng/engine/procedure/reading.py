"""Reads procedures from `data/procedures/<code>.toml`: dated versions, each element with the versions it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from zhunsheng.engine import tables
from zhunsheng.engine.clock import CHINA, Unit
from zhunsheng.engine.errors import ProcedureError
from zhunsheng.engine.procedure.model import (
    Event,
    Fact,
    History,
    Kind,
    Limit,
    Longer,
    Metric,
    Named,
    Pause,
    Procedure,
    Publication,
    Sense,
    State,
    Step,
    Value,
    Version,
)
from zhunsheng.engine.words import Reason

FOLDER = "procedures"
Element = TypeVar("Element", bound=Named)
_KEYS = {
    "": "code name name_en policy note note_en version fact document state step limit publication metric",
    "version": "id name name_en organ valid_from valid_to applies_to_open source confidence",
    "fact": "in code name name_en kind choices choices_from personal note note_en",
    "choices": "in code name name_en",
    "document": "in code name name_en issued personal note note_en",
    "state": "in code name name_en final",
    "step": (
        "in verb name name_en from to roles apart needs allows documents when unless unless_en rules wording wording_en"
        " source confidence note note_en"
    ),
    "limit": (
        "in code name name_en starts ends amount unit counts_from ends_on until sense pauses longer when"
        " source confidence note note_en"
    ),
    "pauses": "start stop cause",
    "longer": "verb amount unit times fact until",
    "publication": "in code name name_en on when facts until form source confidence",
    "metric": "in code name name_en kind limit steps among fact when",
}


def codes(root: Path | None = None) -> tuple[str, ...]:
    """The codes of all procedures, sorted; with `root`, those of that folder as well."""
    return tuple(name.removeprefix(f"{FOLDER}/") for name in tables.documents(FOLDER, root))


def versions(code: str, root: Path | None = None) -> tuple[Procedure, ...]:
    """Every version of a procedure, in the order of the file. Raises TableError when there is no such procedure, or
    ProcedureError for a file that cannot be read as one; whether its content is sound, `checks.check` tells."""
    return _versions(code, str(root) if root is not None else "")


def read(code: str, document: Mapping[str, object]) -> tuple[Procedure, ...]:
    """The versions that a file says, given as its content: a file that is proposed. Raises ProcedureError as `versions`."""
    return _File(code, document, None).procedures()


def load(code: str, on: date, organ: str = "", root: Path | None = None) -> Procedure:
    """The version of a procedure in force on `on`, the day of its trigger.

    `organ`: whose rule is asked for, where several departments had their own (2017: aic 工商, qts 质监, fda 食药监); a
    version of everyone's serves every organ. Raises ProcedureError when none is in force, or several are and no organ
    was named.
    """
    day = on.astimezone(CHINA).date() if isinstance(on, datetime) else on
    every = versions(code, root)
    valid = [p for p in every if p.version.valid_on(day)]
    found = [p for p in valid if p.version.organ == organ] or [p for p in valid if not p.version.organ or not organ]
    if len(found) == 1:
        return found[0]
    if not found:
        spans = "; ".join(f"{p.version.code} {p.version.valid_from or ''}..{p.version.valid_to or ''}" for p in every)
        raise ProcedureError("procedure.none_in_force", where=code, day=day.isoformat(), versions=spans)
    organs = ", ".join(p.version.organ for p in found)
    raise ProcedureError("procedure.which_organ", where=code, day=day.isoformat(), organs=organs)


def version(code: str, version_id: str, root: Path | None = None) -> Procedure:
    """A version by its id, as a matter keeps it. Raises ProcedureError for an unknown id."""
    for procedure in versions(code, root):
        if procedure.version.code == version_id:
            return procedure
    raise ProcedureError("procedure.no_version", where=code, version=version_id)


@tables.kept("", maxsize=256)
def _versions(code: str, root: str) -> tuple[Procedure, ...]:
    folder = Path(root) if root else None
    return _File(code, tables.read_document(f"{FOLDER}/{code}", folder), folder).procedures()


class _Node:
    """A table of the TOML file, read with types: a mistake names its place."""

    def __init__(self, where: str, kind: str, cells: object) -> None:
        self.where = where
        if not isinstance(cells, dict):
            raise ProcedureError("procedure.file.not_a_table", where=where)
        self.cells: Mapping[str, object] = cells
        for key in sorted(self.cells.keys() - set(_KEYS[kind].split())):
            raise ProcedureError("procedure.file.unknown_key", where=where, key=key)

    def text(self, key: str, default: str | None = "") -> str:
        value = self.cells.get(key, default)
        if not isinstance(value, str) or (default is None and not value):
            raise ProcedureError("procedure.file.not_text", where=self.where, key=key)
        return value

    def number(self, key: str, default: int = 0) -> int:
        value = self.cells.get(key, default)
        if type(value) is not int or value < 0:
            raise ProcedureError("procedure.file.not_number", where=self.where, key=key)
        return value

    def flag(self, key: str) -> bool:
        value = self.cells.get(key, False)
        if not isinstance(value, bool):
            raise ProcedureError("procedure.file.not_flag", where=self.where, key=key)
        return value

    def day(self, key: str) -> date | None:
        value = self.cells.get(key)
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            raise ProcedureError("procedure.file.not_day", where=self.where, key=key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.cells.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise ProcedureError("procedure.file.not_texts", where=self.where, key=key)
        return tuple(value)

    def nodes(self, key: str, label: str = "code") -> Iterator[_Node]:
        value = self.cells.get(key, [])
        if not isinstance(value, list):
            raise ProcedureError("procedure.file.not_a_table", where=f"{self.where} {key}")
        for number, cells in enumerate(value, 1):
            known = cells.get(label) if isinstance(cells, dict) else None
            yield _Node(f"{self.where} {key} {known or number}", key, cells)

    def kind_of(self, key: str, kinds: type[Kind] | type[Unit] | type[Sense], default: str) -> str:
        text = self.text(key, default)
        if text not in [k.value for k in kinds]:
            allowed = ", ".join(k.value for k in kinds)
            raise ProcedureError("procedure.file.not_one_of", where=self.where, key=key, value=text, allowed=allowed)
        return text

    def belongs(self, version_id: str) -> bool:
        chosen = self.texts("in")
        return not chosen or version_id in chosen


class _File:
    def __init__(self, code: str, document: Mapping[str, object], root: Path | None) -> None:
        self.top, self.root = _Node(code, "", document), root
        if self.top.text("code", None) != code:
            raise ProcedureError("procedure.file.other_code", where=code, code=self.top.text("code"))

    def procedures(self) -> tuple[Procedure, ...]:
        found = tuple(_version(node) for node in self.top.nodes("version", "id"))
        if not found:
            raise ProcedureError("procedure.file.no_version", where=self.top.where)
        known = {v.code for v in found}
        for kind in ("fact", "document", "state", "step", "limit", "publication", "metric"):
            for node in self.top.nodes(kind, "verb" if kind == "step" else "code"):
                for chosen in node.texts("in"):
                    if chosen not in known:
                        raise ProcedureError("procedure.file.unknown_version", where=node.where, version=chosen)
        for one in found:
            for other in found[found.index(one) + 1 :]:
                if one.code == other.code or (one.organ == other.organ and _overlap(one, other)):
                    raise ProcedureError(
                        "procedure.file.versions_overlap", where=self.top.where, one=one.code, other=other.code
                    )
        return _linked([self.procedure(v) for v in found])

    def procedure(self, of: Version) -> Procedure:
        top = self.top

        def mine(kind: str, label: str = "code") -> Iterator[_Node]:
            return (node for node in top.nodes(kind, label) if node.belongs(of.code))

        facts = [_fact(n, of.code, self.root) for n in mine("fact")] + [_document(n) for n in mine("document")]
        return Procedure(
            code=top.text("code", None),
            name=top.text("name"),
            name_en=top.text("name_en"),
            version=of,
            policy=top.text("policy"),
            facts=_by_code(top.where, facts),
            states=_by_code(top.where, [State(*_names(n), final=n.flag("final")) for n in mine("state")]),
            steps=_by_code(top.where, [_step(n, of) for n in mine("step", "verb")]),
            limits=_by_code(top.where, [_limit(n, of) for n in mine("limit")]),
            publications=tuple(_publication(n, of) for n in mine("publication")),
            metrics=tuple(_metric(n) for n in mine("metric")),
            note=top.text("note"),
            note_en=top.text("note_en"),
        )


def _linked(found: list[Procedure]) -> tuple[Procedure, ...]:
    """The versions, each with its successor."""
    known: dict[str, Procedure] = {}
    for one in sorted(found, key=lambda p: p.version.valid_from or date.min, reverse=True):
        following = one.version.valid_to + timedelta(days=1) if one.version.valid_to is not None else None
        next_one = (
            p for p in known.values()
            if p.version.applies_to_open and p.version.valid_from == following and p.version.organ in ("", one.version.organ)
        )  # fmt: skip
        known[one.version.code] = replace(one, successor=next(next_one, None) if following is not None else None)
    return tuple(known[one.version.code] for one in found)


def _names(node: _Node, key: str = "code") -> tuple[str, str, str]:
    return node.text(key, None), node.text("name"), node.text("name_en")


def _by_code(where: str, things: list[Element]) -> dict[str, Element]:
    found: dict[str, Element] = {}
    for thing in things:
        if thing.code in found:
            raise ProcedureError("procedure.file.twice", where=where, code=thing.code)
        found[thing.code] = thing
    return found


def _overlap(one: Version, other: Version) -> bool:
    return (one.valid_from or date.min) <= (other.valid_to or date.max) and (other.valid_from or date.min) <= (
        one.valid_to or date.max
    )


def _version(node: _Node) -> Version:
    return Version(
        *_names(node, "id"),
        organ=node.text("organ"),
        valid_from=node.day("valid_from"),
        valid_to=node.day("valid_to"),
        applies_to_open=node.flag("applies_to_open"),
        source=node.text("source"),
        confidence=node.text("confidence"),
    )


def _fact(node: _Node, version_id: str, root: Path | None) -> Fact:
    listed = tuple(Named(*_names(n)) for n in node.nodes("choices") if n.belongs(version_id))
    return Fact(
        *_names(node),
        kind=Kind(node.kind_of("kind", Kind, "text")),
        choices=listed + _choices_of(node.text("choices_from"), root),
        personal=node.flag("personal"),
        note=node.text("note"),
        note_en=node.text("note_en"),
    )


def _choices_of(table: str, root: Path | None) -> tuple[Named, ...]:
    """The codes of a table as choices, each once: rows of every time, since a matter outlives a row."""
    rows = tables.load(table, root).rows if table else ()
    return tuple({row["code"]: Named(row["code"], row["name"], row["name_en"]) for row in rows}.values())


def _document(node: _Node) -> Fact:
    return Fact(
        *_names(node),
        kind=Kind.DOCUMENT,
        personal=node.flag("personal"),
        issued=node.flag("issued"),
        note=node.text("note"),
        note_en=node.text("note_en"),
    )


def _step(node: _Node, of: Version) -> Step:
    return Step(
        *_names(node, "verb"),
        sources=node.texts("from"),
        target=node.text("to"),
        roles=node.texts("roles"),
        apart=node.texts("apart"),
        needs=node.texts("needs"),
        allows=node.texts("allows"),
        documents=node.texts("documents"),
        when=node.text("when"),
        unless=node.text("unless"),
        unless_en=node.text("unless_en"),
        rules=node.texts("rules"),
        wording=node.text("wording"),
        wording_en=node.text("wording_en"),
        source=node.text("source") or of.source,
        confidence=node.text("confidence") or of.confidence,
        note=node.text("note"),
        note_en=node.text("note_en"),
    )


def _limit(node: _Node, of: Version) -> Limit:
    unit = Unit(node.kind_of("unit", Unit, "calendar_day"))
    return Limit(
        *_names(node),
        starts=node.texts("starts"),
        ends=node.texts("ends"),
        amount=node.number("amount"),
        unit=unit,
        counts_from=node.text("counts_from"),
        ends_on=node.text("ends_on"),
        until=node.text("until"),
        sense=Sense(node.kind_of("sense", Sense, "at_most")),
        pauses=tuple(
            Pause(n.text("start", None), n.texts("stop"), n.text("cause", None)) for n in node.nodes("pauses", "start")
        ),
        longer=tuple(
            Longer(
                n.text("verb", None),
                n.number("amount"),
                Unit(n.kind_of("unit", Unit, unit.value)),
                n.number("times", 1),
                n.text("fact"),
                n.text("until"),
            )
            for n in node.nodes("longer", "verb")
        ),
        when=node.text("when"),
        source=node.text("source"),
        confidence=node.text("confidence"),
        note=node.text("note"),
        note_en=node.text("note_en"),
    )


def _publication(node: _Node, of: Version) -> Publication:
    return Publication(
        *_names(node),
        on=node.text("on", None),
        when=node.text("when"),
        facts=node.texts("facts"),
        until=node.texts("until"),
        form=node.text("form", "named"),
        source=node.text("source") or of.source,
        confidence=node.text("confidence") or of.confidence,
    )


def _metric(node: _Node) -> Metric:
    return Metric(
        *_names(node),
        kind=node.text("kind", None),
        limit=node.text("limit"),
        steps=node.texts("steps"),
        among=node.texts("among"),
        fact=node.text("fact"),
        when=node.text("when"),
    )


# A history as JSON: [{"verb": …, "at": "2017-05-12T09:00+08:00", "by": …, "role": …, "facts": {…}}]


def read_value(fact: Fact, raw: object) -> Value:
    """A fact's value from JSON or a form. Dates and instants are ISO text; an instant without a zone is China time;
    money is whole fen. Raises ProcedureError for a value of another kind."""
    try:
        if fact.kind is Kind.DATE and isinstance(raw, str):
            return date.fromisoformat(raw)
        if fact.kind is Kind.MOMENT and isinstance(raw, str):
            return read_moment(raw)
    except ValueError:
        raise ProcedureError.of(misfit(fact, raw), where=fact.code) from None
    if isinstance(raw, str | int | date) and fits(fact, raw):
        return raw
    raise ProcedureError.of(misfit(fact, raw), where=fact.code)


def read_moment(text: str) -> datetime:
    """An ISO instant; without a zone it is China time. Raises ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def fits(fact: Fact, value: Value) -> bool:
    """Whether a value is of the fact's kind."""
    match fact.kind:
        case Kind.FLAG:
            return isinstance(value, bool)
        case Kind.INTEGER | Kind.MONEY:
            return type(value) is int and value >= 0
        case Kind.DATE:
            return type(value) is date
        case Kind.MOMENT:
            return isinstance(value, datetime) and value.utcoffset() is not None
        case Kind.CHOICE:
            return isinstance(value, str) and fact.choice(value) is not None
        case Kind.DOCUMENT:
            return isinstance(value, str) and len(value) == 64 and not value.strip("0123456789abcdef")
        case Kind.UNIT:
            scheme, colon, number = str(value).partition(":")
            return isinstance(value, str) and bool(scheme and colon and number) and " " not in value
        case _:
            return isinstance(value, str) and bool(value.strip())


def misfit(fact: Fact, value: object) -> Reason:
    """The reason that refuses a value of another kind: what is expected."""
    allowed = ", ".join(c.code for c in fact.choices)
    said: dict[str, str | int] = {"name": fact.name, "name_en": fact.name_en, "value": str(value)[:80]}
    return Reason(f"procedure.misfit.{fact.kind.value}", {**said, "allowed": allowed} if allowed else said)


def read_history(procedure: Procedure, raw: object) -> History:
    """The events of a history written as JSON (a list). Raises ProcedureError that names the event and the field."""
    if not isinstance(raw, list):
        raise ProcedureError("procedure.history.not_a_list")
    return tuple(_event(procedure, number, entry) for number, entry in enumerate(raw, 1))


def _event(procedure: Procedure, number: int, raw: object) -> Event:
    where = f"events[{number}]"
    if not isinstance(raw, dict) or raw.keys() - {"verb", "at", "by", "role", "facts"}:
        raise ProcedureError("procedure.history.bad_event", where=where)
    words = [raw.get(key) for key in ("verb", "at", "by", "role")]
    facts = raw.get("facts", {})
    if not all(isinstance(word, str) and word for word in words) or not isinstance(facts, dict):
        raise ProcedureError("procedure.history.bad_event", where=where)
    verb, at, by, role = map(str, words)
    try:
        moment = read_moment(at)
    except ValueError:
        raise ProcedureError("procedure.history.bad_moment", where=where, value=at[:80]) from None
    values: dict[str, Value] = {}
    procedure = procedure.on(moment.astimezone(CHINA).date())
    for code, value in facts.items():
        if code not in procedure.facts:
            raise ProcedureError("procedure.unknown_fact", where=where, fact=str(code)[:80])
        try:
            values[code] = read_value(procedure.facts[code], value)
        except ProcedureError as error:
            raise ProcedureError.of(error.reason, where=f"{where} {code}") from None
    return Event(verb, moment, by, role, values)


def write_history(history: History) -> list[dict[str, object]]:
    """The events as plain values for JSON; `read_history` gives them back."""
    return [
        {
            "verb": event.verb,
            "at": event.at.isoformat(),
            "by": event.by,
            "role": event.role,
            "facts": {c: v.isoformat() if isinstance(v, date) else v for c, v in event.facts.items()},
        }
        for event in history
    ]
