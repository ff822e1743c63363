"""Results as laboratories report them, and what is known from each."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from zhunsheng.engine.errors import ResultError
from zhunsheng.engine.testing.figures import NUMBER, amount, clean, number
from zhunsheng.engine.testing.units import unit as unit_of
from zhunsheng.engine.testing.wordings import begins, is_one

MAX_READINGS = 200


class Said(StrEnum):
    """What a reading says."""

    NUMBER = "number"
    LESS = "less"  # <x: below it, or at it where `included`
    MORE = "more"  # >x
    NOT_DETECTED = "not_detected"  # 未检出; `value` is the limit of detection where the report gives it
    DETECTED = "detected"  # 检出, without a figure
    NEGATIVE = "negative"
    POSITIVE = "positive"
    CONFORMS = "conforms"  # 符合: a judgement of the laboratory, for requirements in words only
    NOT_CONFORMING = "not_conforming"
    WORDS = "words"  # a description that only a person can judge


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading. `unit`: a code of `testing/units`, "" where the report gives none. `uncertainty`: the expanded
    uncertainty in the same unit. `quantitation`: the bound is a limit of quantitation, so that traces may be there."""

    said: Said
    value: Decimal | None = None
    unit: str = ""
    included: bool = False
    uncertainty: Decimal | None = None
    quantitation: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A result as reported: one reading, or several where several units or repetitions were tested."""

    text: str
    readings: tuple[Reading, ...]


_PARTS = re.compile(r"[、;,]")
_RUN = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:,[0-9]+(?:\.[0-9]+)?)+")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_PLUS_MINUS = re.compile(rf"\(?\s?({NUMBER})\s?±\s?({NUMBER})\s?\)?")
_SPAN = re.compile(rf"({NUMBER})([^0-9~]*?)\s?(?:~|至|(?<=[0-9])-(?=[0-9]))\s?({NUMBER})(.*)")
_NOTE = re.compile(r"\s?\([^()]*\)$")
_ORDER = {"less": False, "at_most": True, "more": False, "at_least": True}


def parse_result(text: str, unit: str = "", where: str = "") -> Result:
    """The result that a report prints. `unit`: what the report's unit column says, for readings without one.

    Understood: "0.021 mg/kg", "1.2×10⁴CFU/g", "<0.01", "未检出（检出限 0.01 mg/kg）", "ND", "≥2400 MPN/100g",
    "6.5~7.2" (the lowest and the highest reading), "0.021±0.004 mg/kg", several parted by 、 ; or a comma, "阴性", "检出".

    Raises ResultError naming `where`: empty, too long, a number that is none, an unknown unit.
    """
    plain = clean(text, where)
    default = unit_of(unit, where=where).code
    if not plain:
        raise ResultError("testing.empty_result", where=where)
    for run in _RUN.findall(plain):
        # "120,130" is a number or two counts. Guessing would make a verdict of it.
        if _THOUSANDS.fullmatch(run):
            raise ResultError("testing.list_or_thousands", where=where, value=run[:60])
    pieces: list[str] = []
    for piece in (part.strip() for part in _PARTS.split(plain)):
        if pieces and begins(piece, "detection_limit", "quantitation_limit"):
            pieces[-1] = f"{pieces[-1]}({piece})"
        elif piece:
            pieces.append(piece)
    if not 0 < len(pieces) <= MAX_READINGS:
        raise ResultError("testing.too_many_readings", where=where, count=len(pieces), limit=MAX_READINGS)
    readings = [reading for piece in pieces for reading in _read(piece, where)]
    # "120、130、150 CFU/g": the unit stands once, at the end.
    trailing = readings[-1].unit
    return Result(text.strip(), tuple(replace(one, unit=one.unit or trailing or default) for one in readings))


def _read(piece: str, where: str) -> list[Reading]:
    if word := is_one(piece, "detected", "negative", "positive", "conforms", "not_conforming"):
        return [Reading(Said(word), text=piece)]
    if (none := begins(piece, "not_detected")) is not None:
        return [_not_detected(piece, none[1], where)]
    if (found := begins(piece, "detected")) is not None and re.match(NUMBER, found[1]):
        piece = found[1]
    order = begins(piece, *_ORDER)
    if order is not None:
        return [_bounded(piece, order, where)]
    if (uncertain := _PLUS_MINUS.match(piece)) is not None:
        code = _unit(piece[uncertain.end() :], where)
        spread = number(uncertain[2], where)
        if spread < 0:
            raise ResultError("testing.not_number", where=where, value=piece[:40])
        return [Reading(Said.NUMBER, number(uncertain[1], where), code, uncertainty=spread, text=piece)]
    if (span := _SPAN.fullmatch(piece)) is not None:
        low, high = number(span[1], where), number(span[3], where)
        second = _unit(span[4], where)
        first = _unit(span[2], where) or second
        if first == second and low > high:
            raise ResultError("testing.reversed", where=where, value=piece[:40])
        return [Reading(Said.NUMBER, low, first, text=piece), Reading(Said.NUMBER, high, second, text=piece)]
    if re.match(NUMBER, piece):
        value, rest = amount(piece, where)
        return [Reading(Said.NUMBER, value, _unit(rest, where), text=piece)]
    if re.search(r"[0-9]|nan|inf", piece, re.IGNORECASE):
        raise ResultError("testing.not_result", where=where, value=piece[:60])
    return [Reading(Said.WORDS, text=piece)]


def _unit(text: str, where: str) -> str:
    """The unit of what follows a number; a remark in brackets after it says nothing about the figure."""
    text = text.strip()
    try:
        return unit_of(text, where=where).code
    except ResultError:
        if (bare := _NOTE.sub("", text)) != text:
            return unit_of(bare, where=where).code
        raise


def _not_detected(piece: str, rest: str, where: str) -> Reading:
    rest, quantitation = _unlabelled(rest)
    if not rest:
        return Reading(Said.NOT_DETECTED, quantitation=quantitation, text=piece)
    if rest.startswith("/"):
        return Reading(Said.NOT_DETECTED, unit=_unit(rest, where), text=piece)
    value, code = amount(rest, where)
    return Reading(Said.NOT_DETECTED, value, _unit(code, where), quantitation=quantitation, text=piece)


def _unlabelled(text: str) -> tuple[str, bool]:
    """What stands behind "检出限:" and the like, without brackets, and whether the label is of quantitation."""
    text = re.sub(r"^[(\[,: ]+|[)\] ]+$", "", text)
    label = begins(text, "detection_limit", "quantitation_limit")
    if label is not None:
        text = re.sub(r"^[(:=为是<≤ ]+", "", label[1])
    return text.removeprefix("<").strip(), label is not None and label[0] == "quantitation_limit"


def _bounded(piece: str, order: tuple[str, str], where: str) -> Reading:
    word, rest = order
    label = begins(rest, "detection_limit", "quantitation_limit")
    if label is not None and word in ("less", "at_most"):
        figure, quantitation = _unlabelled(rest)
        value, code = amount(figure, where) if figure else (None, "")
        said = Said.LESS if quantitation else Said.NOT_DETECTED
        return Reading(said, value, _unit(code, where), quantitation=quantitation, text=piece)
    value, code = amount(rest, where)
    said = Said.LESS if word in ("less", "at_most") else Said.MORE
    return Reading(said, value, _unit(code, where), included=_ORDER[word], text=piece)
