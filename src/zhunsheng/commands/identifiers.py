"""`zhunsheng id`: check an identifier and explain it."""

from __future__ import annotations

import argparse

from zhunsheng.commands import NO, YES, Subparsers, add_json, add_lang, emit, emit_json
from zhunsheng.engine import identifiers
from zhunsheng.engine.errors import IdentifierError
from zhunsheng.engine.identifiers import IdCheck
from zhunsheng.engine.words import say


def add(subparsers: Subparsers) -> None:
    """Add `id`."""
    parser = subparsers.add_parser("id", help="校验代码 · check an identifier")
    known = " ".join(identifiers.schemes())
    parser.add_argument("code", help=f"代码,或“类别:代码” · a code, or scheme:code ({known})")
    add_lang(parser)
    add_json(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    scheme, colon, value = options.code.partition(":")
    if colon and scheme in identifiers.schemes():
        verdicts: tuple[IdCheck, ...] = (identifiers.check(scheme, value),)
    elif colon:
        # A scheme of the reader's own: only its form can be judged, and parse_id refuses a bad one.
        unit = identifiers.parse_id(options.code)
        verdicts = (IdCheck(unit.scheme, True, unit.value, (), unit.notes),)
    else:
        verdicts = identifiers.guess(options.code)
    if not verdicts:
        raise IdentifierError("identifiers.unknown_form", text=options.code[:60], known=" ".join(identifiers.schemes()))
    if options.json:
        emit_json([_as_json(verdict, options.lang) for verdict in verdicts])
    else:
        for verdict in verdicts:
            _tell(verdict, options.lang)
    return YES if any(verdict.ok for verdict in verdicts) else NO


def _tell(verdict: IdCheck, lang: str) -> None:
    known = verdict.scheme in identifiers.schemes()
    name = identifiers.scheme_name(verdict.scheme, lang) if known else verdict.scheme
    good = "identifiers.cli.good" if known else "identifiers.cli.unchecked"
    emit(say(good if verdict.ok else "identifiers.cli.bad", lang, name=name, value=verdict.value))
    for part, value in verdict.parts.items():
        emit(f"    {part} = {value}")
    for reason in (*verdict.problems, *verdict.notes):
        emit(f"  - {reason.text(lang)}")


def _as_json(verdict: IdCheck, lang: str) -> dict[str, object]:
    return {
        "scheme": verdict.scheme,
        "ok": verdict.ok,
        "value": verdict.value,
        "problems": [{"code": r.code, "text": r.text(lang)} for r in verdict.problems],
        "notes": [{"code": r.code, "text": r.text(lang)} for r in verdict.notes],
        "parts": dict(verdict.parts),
    }
