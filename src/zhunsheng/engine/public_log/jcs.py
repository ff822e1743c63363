"""Canonical JSON: the one sequence of bytes that stands for a value (RFC 8785), and strict reading."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from zhunsheng.engine.errors import LogError

Json: TypeAlias = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 100

_quote = json.JSONEncoder(ensure_ascii=False).encode
_escaped_surrogate = re.compile(r"\\u[dD][89a-fA-F]")


def canonical(value: Json) -> bytes:
    """The one sequence of bytes that stands for `value`: JSON Canonicalization Scheme, RFC 8785.

    Keys are sorted by their UTF-16 code units, there is no white space, text is UTF-8, numbers are written as
    ECMAScript writes them. Refuses what has no such form: NaN and infinities, integers beyond 2^53-1 (a reader with
    double precision would see another number), lone surrogates, keys that are not text, and more than MAX_DEPTH
    levels of nesting.

    >>> canonical({"b": [1.0, 1e21], "a": "质"}).decode()
    '{"a":"质","b":[1,1e+21]}'
    """
    parts: list[str] = []
    _write(value, parts, MAX_DEPTH)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError:
        raise LogError("public_log.lone_surrogate") from None


def _write(value: Json, parts: list[str], depth: int) -> None:
    if depth < 0:
        raise LogError("public_log.too_deep", limit=MAX_DEPTH)
    if isinstance(value, str):
        parts.append(_quote(value))
    elif value is None:
        parts.append("null")
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise LogError("public_log.integer_too_large")
        parts.append(int.__repr__(value))
    elif isinstance(value, float):
        parts.append(_float_text(value))
    elif isinstance(value, Mapping):
        mark = "{"
        for key in _sorted_keys(value):
            parts.append(mark)
            parts.append(_quote(key))
            parts.append(":")
            _write(value[key], parts, depth - 1)
            mark = ","
        parts.append("{}" if mark == "{" else "}")
    elif isinstance(value, list | tuple):
        mark = "["
        for item in value:
            parts.append(mark)
            _write(item, parts, depth - 1)
            mark = ","
        parts.append("[]" if mark == "[" else "]")
    else:
        raise LogError("public_log.not_json", kind=type(value).__name__)


def _sorted_keys(value: Mapping[str, Json]) -> list[str]:
    if not all(isinstance(key, str) for key in value):
        raise LogError("public_log.key_not_text")
    # Code point order differs from UTF-16 order only above U+FFFF; surrogatepass leaves the refusal to canonical().
    return sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _float_text(number: float) -> str:
    """ECMAScript Number::toString. Python's repr has the same shortest digits and another layout."""
    if number != number or number in (float("inf"), float("-inf")):
        raise LogError("public_log.not_finite")
    if number == 0:
        return "0"
    mantissa, _, exponent = float.__repr__(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # the value is 0.digits × 10^point; leading zeros of a fraction have moved the point to the left
    point = len(whole) - (len(whole + fraction) - len(digits)) + int(exponent or 0)
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        head, tail = digits[0], digits[1:]
        text = f"{head}{'.' if tail else ''}{tail}e{point - 1:+d}"
    return f"-{text}" if number < 0 else text


def parse_json(data: bytes, *, floats: bool = True) -> Json:
    """Reads JSON strictly: UTF-8, no key twice in one object, no NaN, no number or text that RFC 8785 cannot write.

    White space and the order of keys are free. Raises LogError for anything else; with floats=False for every number
    that is not a whole one up to 2^53 − 1, written without fraction and exponent.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LogError("public_log.not_utf8", at=error.start) from None
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_int=_read_integer if floats else _read_whole,
            parse_float=_read_float if floats else _refuse_float,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise LogError("public_log.bad_json", at=error.pos, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise LogError("public_log.too_deep", limit=MAX_DEPTH) from None
    if _escaped_surrogate.search(text):
        canonical(value)
    return value


def parse_canonical(data: bytes) -> Json:
    """Reads JSON that must already be in the form of RFC 8785, byte for byte."""
    value = parse_json(data)
    if canonical(value) != data:
        raise LogError("public_log.not_canonical")
    return value


def _unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise LogError("public_log.duplicate_key", key=key)
    return found


def _read_integer(text: str) -> int | float:
    if len(text) <= 16 and abs(number := int(text)) <= MAX_INTEGER:
        return number
    # 1e20 is written 100000000000000000000: a double that stands for itself may come back, any other would be rounded
    if len(text) <= 22 and _float_text(float(text)) == text:
        return float(text)
    raise LogError("public_log.integer_too_large")


def _read_whole(text: str) -> int:
    if len(text) <= 17 and abs(number := int(text)) <= MAX_INTEGER:
        return number
    raise LogError("public_log.integer_too_large")


def _refuse_float(text: str) -> float:
    raise LogError("public_log.not_whole", number=text[:40])


def _read_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise LogError("public_log.not_finite")
    return number


def _refuse_constant(_: str) -> None:
    raise LogError("public_log.not_finite")
