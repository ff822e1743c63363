"""Changes of a procedure: a new dated version, derived from the one in force, in which one element reads otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import cast

from zhunsheng.engine import tables
from zhunsheng.engine.errors import ProcedureError
from zhunsheng.engine.procedure.checks import check, succession
from zhunsheng.engine.procedure.reading import FOLDER, read
from zhunsheng.engine.words import Reason

Document = Mapping[str, object]
Entry = dict[str, object]

CHANGEABLE: Mapping[str, tuple[str, ...]] = {
    "limit": ("amount", "unit", "longer"),
    "step": ("roles", "needs", "allows", "documents", "wording", "wording_en"),
    "publication": ("facts", "until", "form"),
}
"""What a change may say of an element; its shape (states, triggers, guards) is changed with the file, by a release."""

_LABEL = {"limit": "code", "step": "verb", "publication": "code"}


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one element from a day on. `kind`: limit, step or publication; `code`: its code or verb; `organ`: whose
    version is changed. `cells`: the keys that read otherwise, with values as the file writes them.

    `applies_to_open`: the open matters of the version before go on under the new one.
    """

    change: str
    procedure: str
    kind: str
    code: str
    source: str
    confidence: str
    valid_from: date
    cells: Mapping[str, object] = field(default_factory=dict, hash=False)
    organ: str = ""
    applies_to_open: bool = False


def amended(document: Document, edit: Edit) -> Document:
    """The file with a new version from the edit's day on. The version in force ends the day before; everything else
    stays as it is written. A second edit for the same day goes into the same new version.

    Raises ProcedureError where no version is in force, the element is not there or may not be changed so, the version
    in force began that very day (it would be rewritten), or two edits of a day say otherwise about open matters.
    """
    where = f"{edit.procedure} {edit.kind} {edit.code}"
    for key in edit.cells:
        if key not in CHANGEABLE.get(edit.kind, ()):
            raise ProcedureError("procedure.amend.not_changeable", where=where, key=key)
    versions = [dict(one) for one in _entries(document, "version")]
    base = next(
        (one for one in versions if one.get("organ", "") == edit.organ and _in_force(one, edit.valid_from)), None
    )
    if base is None:
        day, spans = edit.valid_from.isoformat(), "; ".join(str(one["id"]) for one in versions)
        raise ProcedureError("procedure.none_in_force", where=where, day=day, versions=spans)
    old, new = str(base["id"]), f"{str(base['id']).partition('@')[0]}@{edit.valid_from.isoformat()}"
    every = [str(one["id"]) for one in versions]
    if base.get("valid_from") == edit.valid_from:
        if old != new:
            raise ProcedureError("procedure.amend.same_day", where=where, day=edit.valid_from.isoformat())
        if base.get("applies_to_open", False) is not edit.applies_to_open:
            raise ProcedureError("procedure.amend.open_or_not", where=where, day=edit.valid_from.isoformat())
        result: Entry = {key: _copied(value) for key, value in document.items()}
    else:
        versions.insert(versions.index(base) + 1, _derived(base, new, edit, versions))
        base["valid_to"] = edit.valid_from - timedelta(days=1)
        every.append(new)
        result = {key: _joined(value, old, new) for key, value in document.items()}
        result["version"] = versions
    result[edit.kind] = _changed(_entries(result, edit.kind), edit, new, every, where)
    return result


def overlaid(edits: Iterable[Edit]) -> Mapping[str, Document]:
    """The files of all procedures that these edits change, in their order, as an Overlay takes them. Raises as `amended`."""
    found: dict[str, Document] = {}
    with tables.under(tables.NOTHING):
        for edit in edits:
            name = f"{FOLDER}/{edit.procedure}"
            found[name] = amended(found.get(name) or tables.read_document(name), edit)
    return found


def problems(document: Document, code: str) -> tuple[Reason, ...]:
    """What is wrong with the versions of a file that is proposed, with those that follow on open matters too. Raises
    ProcedureError where it cannot be read at all."""
    found: list[Reason] = []
    for procedure in read(code, document):
        found += check(procedure)
        if procedure.successor is not None:
            found += succession(procedure, procedure.successor)
    return tuple(found)


def entry(document: Document, kind: str, code: str, version: str) -> Mapping[str, object] | None:
    """What the file says of an element in a version, as it is written; None where it says nothing."""
    for one in _entries(document, kind):
        if one.get(_LABEL[kind]) == code and _belongs(one, version):
            return one
    return None


def _entries(document: Document, kind: str) -> list[Entry]:
    value = document.get(kind, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ProcedureError("procedure.file.not_a_table", where=kind)
    return cast(list[Entry], value)


def _in_force(version: Mapping[str, object], day: date) -> bool:
    first, last = version.get("valid_from"), version.get("valid_to")
    return not (isinstance(first, date) and day < first) and not (isinstance(last, date) and day > last)


def _belongs(one: Mapping[str, object], version: str) -> bool:
    chosen = one.get("in", [])
    return not chosen or (isinstance(chosen, list) and version in chosen)


def _derived(base: Entry, new: str, edit: Edit, versions: list[Entry]) -> Entry:
    """The new version's own entry. Its source stays that of the version it is derived from: what was not changed rests
    on it still."""
    root = next((one for one in versions if one["id"] == new.partition("@")[0]), base)
    day = edit.valid_from.isoformat()
    return {
        **base,
        "id": new,
        "name": f"{root.get('name', '')}（{day} 修订）",
        "name_en": f"{root.get('name_en', '')}, as amended {day}",
        "valid_from": edit.valid_from,
        "applies_to_open": edit.applies_to_open,
    }


def _joined(value: object, old: str, new: str) -> object:
    """The same content, where everything that belongs to the old version belongs to the new one too."""
    if isinstance(value, list):
        return [_joined(one, old, new) for one in value]
    if not isinstance(value, dict):
        return value
    found: Entry = {key: inner if key == "in" else _joined(inner, old, new) for key, inner in value.items()}
    chosen = value.get("in")
    if isinstance(chosen, list) and old in chosen:
        found["in"] = [*chosen, new]
    return found


def _copied(value: object) -> object:
    return _joined(value, "", "")


def _changed(entries: list[Entry], edit: Edit, new: str, every: list[str], where: str) -> list[Entry]:
    """The elements of a kind, that of the edit written apart for the new version."""
    found: list[Entry] = []
    done = False
    for one in entries:
        if done or one.get(_LABEL[edit.kind]) != edit.code or not _belongs(one, new):
            found.append(one)
            continue
        done = True
        chosen = one.get("in") or every
        others = [version for version in cast(list[str], chosen) if version != new]
        if others:
            found.append({**one, "in": others})
        told: Entry = {"source": edit.source, "confidence": edit.confidence}
        found.append({**one, **edit.cells, **told, "in": [new]})
    if not done:
        raise ProcedureError("procedure.amend.no_element", where=where)
    return found
