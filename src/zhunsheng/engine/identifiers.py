"""Identifiers: parse, check, explain.

A check says what is wrong at which character and what the check digit should be; it never repairs silently.
Units of a register are named `scheme:value` (`uscc:91350100M000100Y43`), see `parse_id`.

    uscc      统一社会信用代码, GB 32100-2015, with the GB 11714 code inside it
    org       组织机构代码, GB 11714
    reg       15-digit 注册号, check digit ISO 7064 MOD 11,10 (GB/T 17710)
    gtin      GTIN-8, -12, -13, -14 (GS1; GB 12904)
    division  行政区划代码: 6 digits (GB/T 2260), 9 (GB/T 10114), 12 (village)
    food      食品生产许可证编号: SC and 14 digits, check digit MOD 11,10
    resident  公民身份号码, GB 11643: a verdict only, the number is never repeated
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache

from zhunsheng.engine import tables
from zhunsheng.engine.errors import IdentifierError
from zhunsheng.engine.words import Param, Reason, say

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100: digits and capitals without I, O, S, V, Z."""

MAX_LENGTH = 200

_USCC_VALUE = {char: value for value, char in enumerate(USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORG_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORG_VALUE = {char: value for value, char in enumerate(_ORG_ALPHABET)}
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_WEIGHTS = tuple(pow(2, 17 - i, 11) for i in range(17))
_LOOKALIKE = {"O": "0", "I": "1", "Z": "2", "S": "5", "V": "U"}
_DIGITS = "0123456789"
_UNIT_ID = re.compile(r"([a-z][a-z0-9-]*):([!-~]+)")
_QUICK_ID = re.compile(rb"([a-z][a-z0-9-]*+):[!-<>-{}~]++")
_MOST_STARTS = 100_000


@dataclass(frozen=True, slots=True)
class IdCheck:
    """The verdict on one identifier.

    `value` is the text as compared: NFKC, capitals, no surrounding space (for a resident number, masked).
    `problems` make it wrong; `notes` are remarks that do not. `parts` are the pieces it is made of.
    """

    scheme: str
    ok: bool
    value: str
    problems: tuple[Reason, ...] = ()
    notes: tuple[Reason, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Identifier:
    """The name of a unit in a register. `checked` says whether its scheme has a check and it passed."""

    scheme: str
    value: str
    checked: bool
    notes: tuple[Reason, ...] = ()

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


def uscc_check_digit(first17: str) -> str:
    """The 18th character for the first 17 of a 统一社会信用代码. GB 32100-2015: weights 3^i mod 31.

    Raises IdentifierError for another length or a character outside the alphabet.

    >>> uscc_check_digit("91350100M000100Y4")
    '3'
    """
    _require(first17, 17, USCC_ALPHABET)
    total = sum(_USCC_VALUE[char] * weight for char, weight in zip(first17, _USCC_WEIGHTS, strict=True))
    return USCC_ALPHABET[-total % 31]


def org_code_check_digit(first8: str) -> str:
    """The 9th character of a 组织机构代码. GB 11714: weights 3 7 9 10 5 8 4 2 mod 11, ten is X.

    Raises IdentifierError for another length or a character that is no digit or capital.

    >>> org_code_check_digit("D2143569")
    'X'
    """
    _require(first8, 8, _ORG_ALPHABET)
    total = sum(_ORG_VALUE[char] * weight for char, weight in zip(first8, _ORG_WEIGHTS, strict=True))
    return "0123456789X"[-total % 11]


def mod11_10_check_digit(digits: str) -> str:
    """The check digit of ISO 7064 MOD 11,10 (GB/T 17710). Raises IdentifierError for what is not digits.

    >>> mod11_10_check_digit("11010800000001")
    '6'
    """
    _require(digits, len(digits) or 1, _DIGITS)
    product = 10
    for digit in digits:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def gtin_check_digit(digits: str) -> str:
    """The check digit of a GTIN without it (7, 11, 12 or 13 digits): weights 3, 1 from the right, mod 10.

    Raises IdentifierError for another length or what is not digits.

    >>> gtin_check_digit("690123456789")
    '2'
    """
    if len(digits) not in (7, 11, 12, 13):
        raise IdentifierError("identifiers.length", expected="7 / 11 / 12 / 13", actual=len(digits))
    _require(digits, len(digits), _DIGITS)
    total = sum(int(digit) * (1 if i % 2 else 3) for i, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def make_uscc(authority: str, division6: str, org8: str) -> str:
    """A 统一社会信用代码 from department and category (`91`), division and the 8 characters of the 组织机构代码.

    For generators: both check characters are computed. Raises IdentifierError for what cannot be part of a code.

    >>> make_uscc("91", "350100", "M000100Y")
    '91350100M000100Y43'
    """
    _require(authority, 2, USCC_ALPHABET)
    _require(division6, 6, _DIGITS)
    _require(org8, 8, USCC_ALPHABET)
    body = authority + division6 + org8 + org_code_check_digit(org8)
    return body + uscc_check_digit(body)


def _require(text: str, length: int, alphabet: str) -> None:
    if len(text) != length:
        raise IdentifierError("identifiers.length", expected=length, actual=len(text))
    for problem in _characters(text, alphabet):
        raise IdentifierError.of(problem)


def normalise(text: str) -> str:
    """Text as identifiers are compared: full-width forms made plain (NFKC), capitals, no surrounding space."""
    return unicodedata.normalize("NFKC", text).strip().upper()


def check(scheme: str, text: str) -> IdCheck:
    """The verdict on `text` as an identifier of `scheme`. Raises IdentifierError for a scheme that has no check."""
    try:
        checker = _CHECKERS[scheme]
    except KeyError:
        raise IdentifierError("identifiers.no_scheme", scheme=scheme[:40], known=" ".join(_CHECKERS)) from None
    if len(text) > MAX_LENGTH:
        return IdCheck(scheme, False, "", (Reason("identifiers.too_long", {"limit": MAX_LENGTH}),))
    return checker(normalise(text))


def schemes() -> tuple[str, ...]:
    """The schemes that have a check."""
    return tuple(_CHECKERS)


def scheme_name(scheme: str, lang: str = "zh") -> str:
    """The name of a scheme that has a check."""
    return say(f"identifiers.scheme.{scheme}", lang)


def parse_id(text: str) -> Identifier:
    """The unit id `scheme:value`.

    A scheme with a check must pass it, written in its normal form (so that one unit has one name); any other scheme
    is accepted unchecked if it is `[a-z][a-z0-9-]*:` and printable ASCII without spaces. Raises IdentifierError.
    A resident number is refused: it must not become the public name of a unit.
    """
    match = _UNIT_ID.fullmatch(text)
    if match is None or len(text) > MAX_LENGTH:
        raise IdentifierError("identifiers.not_unit_id", text=_printable(text))
    scheme, value = match.groups()
    if scheme == "resident":
        raise IdentifierError("identifiers.resident_as_unit")
    if scheme not in _CHECKERS:
        return Identifier(scheme, value, False, (Reason("identifiers.unchecked", {"scheme": scheme}),))
    verdict = check(scheme, value)
    if verdict.problems:
        raise IdentifierError.of(verdict.problems[0], where=text)
    if verdict.value != value:
        raise IdentifierError("identifiers.not_normal", where=text, expected=f"{scheme}:{verdict.value}")
    return Identifier(scheme, value, True, verdict.notes)


def quick_unit_id(unit_id: bytes) -> bool:
    """Whether `parse_id` certainly accepts this ASCII id and it has no '|' or '='; False = ask `parse_id`.

    For registers by the million: a 统一社会信用代码 is checked by sums looked up for two characters at a time.
    """
    if unit_id[:5] == b"uscc:":
        if len(unit_id) != 23:
            return False
        start, rest = _uscc_sums()
        try:
            total = start[unit_id[5:13]]
        except KeyError:
            if not _learn_start(unit_id[5:13], start):
                return False
            total = start[unit_id[5:13]]
        try:
            total += (
                rest[0][unit_id[13:15]]
                + rest[1][unit_id[15:17]]
                + rest[2][unit_id[17:19]]
                + rest[3][unit_id[19:21]]
                + rest[4][unit_id[21:23]]
            )
        except KeyError:
            return False
        return not (total & 0xFFFF) % 31 and not (total >> 16) % 11
    match = _QUICK_ID.fullmatch(unit_id)
    return match is not None and len(unit_id) <= MAX_LENGTH and match[1] not in _KNOWN_SCHEMES


def _learn_start(code: bytes, start: dict[bytes, int]) -> bool:
    """The sum of the first eight characters: department, category, division. Few occur, so they are kept."""
    text = code.decode("ascii", "replace")
    known = text[0] in _uscc_categories()[1] and not text.strip(USCC_ALPHABET) and text[2:].isdigit()
    if known and len(start) < _MOST_STARTS:
        start[code] = sum(_USCC_VALUE[char] * weight for char, weight in zip(text, _USCC_WEIGHTS, strict=False))
        return True
    return False


@cache
def _uscc_sums() -> tuple[dict[bytes, int], tuple[Mapping[bytes, int], ...]]:
    """Weighted sums of both check digits: the lower 16 bits are of GB 32100, those above of the GB 11714 code inside.

    Both sums count the check characters themselves, so that a good code leaves 0 modulo 31 and modulo 11.
    """
    tables: list[dict[bytes, int]] = []
    for at in (8, 10, 12, 14, 16):
        found: dict[bytes, int] = {}
        for one in USCC_ALPHABET:
            for two in USCC_ALPHABET:
                outer = _USCC_VALUE[one] * _USCC_WEIGHTS[at]
                if at < 16:
                    outer += _USCC_VALUE[two] * _USCC_WEIGHTS[at + 1]
                    inner = _ORG_VALUE[one] * _ORG_WEIGHTS[at - 8] + _ORG_VALUE[two] * _ORG_WEIGHTS[at - 7]
                elif one in "0123456789X":
                    outer += _USCC_VALUE[two]
                    inner = "0123456789X".index(one)
                else:
                    continue
                found[(one + two).encode()] = outer + (inner << 16)
        tables.append(found)
    return {}, tuple(tables)


def guess(text: str) -> tuple[IdCheck, ...]:
    """The verdicts of every scheme whose form `text` has: those that pass, or, when none does, those that fail.

    What may be a miscopied resident number (a birth date stands in it) is judged as that alone, and so stays masked.
    """
    value = normalise(text)
    found = [check(scheme, value) for scheme, form in _FORMS.items() if form.fullmatch(value)]
    passed = tuple(verdict for verdict in found if verdict.ok)
    personal = tuple(
        v for v in found if v.scheme == "resident" and v.problems == (Reason("identifiers.resident_check"),)
    )
    return passed or personal or tuple(found)


def _uscc(value: str) -> IdCheck:
    problems = _shape(value, 18, USCC_ALPHABET)
    if not value[2:8].isdigit():
        for position, char in enumerate(value[2:8], 3):
            if char in _USCC_VALUE and char not in _DIGITS:
                problems.append(_reason("identifiers.division_digit", position=position, char=char))
    if len(value) == 18 and not problems:
        org = value[8:17]
        if org[8] != (expected := org_code_check_digit(org[:8])):
            problems.append(_reason("identifiers.org_check_digit", position=17, expected=expected, actual=org[8]))
        if value[17] != (expected := uscc_check_digit(value[:17])):
            problems.append(_reason("identifiers.check_digit", position=18, expected=expected, actual=value[17]))
    notes: list[Reason] = []
    parts: dict[str, str] = {}
    if not problems:
        department, category, division = value[0], value[1], value[2:8]
        kinds, departments = _uscc_categories()
        if department not in departments:
            problems.append(_reason("identifiers.department", char=department, known=departments))
        kind = kinds.get((department, category))
        parts = {
            "department": department, "category": category, "division": division,
            "org_code": value[8:17], "check": value[17],
        }  # fmt: skip
        if kind:
            parts["kind"], parts["kind_en"] = kind
        elif not problems:
            notes.append(_reason("identifiers.category", char=category, department=department))
        if division != "100000":  # the national registration authority registers under 100000
            notes.extend(_province_note(division))
    return _verdict("uscc", value, problems, notes, parts)


def _org(value: str) -> IdCheck:
    if len(value) == 10 and value[8] == "-":
        value = value[:8] + value[9]
    problems = _shape(value, 9, _ORG_ALPHABET)
    if not problems and value[8] != (expected := org_code_check_digit(value[:8])):
        problems.append(_reason("identifiers.check_digit", position=9, expected=expected, actual=value[8]))
    notes = [Reason("identifiers.org_weak")]
    return _verdict("org", value, problems, notes, {"body": value[:8], "check": value[8:9]})


def _reg(value: str) -> IdCheck:
    problems = _shape(value, 15, _DIGITS)
    notes: list[Reason] = []
    if not problems:
        if value[14] != (expected := mod11_10_check_digit(value[:14])):
            problems.append(_reason("identifiers.check_digit", position=15, expected=expected, actual=value[14]))
        if value[:6] != "100000":
            notes.extend(_province_note(value))
    return _verdict(
        "reg", value, problems, notes, {"authority": value[:6], "sequence": value[6:14], "check": value[14:15]}
    )


def _gtin(value: str) -> IdCheck:
    problems = _characters(value, _DIGITS)
    notes: list[Reason] = []
    if len(value) not in (8, 12, 13, 14):
        problems.insert(0, _reason("identifiers.length", expected="8 / 12 / 13 / 14", actual=len(value)))
    parts: dict[str, str] = {}
    if not problems:
        if value[-1] != (expected := gtin_check_digit(value[:-1])):
            problems.append(
                _reason("identifiers.check_digit", position=len(value), expected=expected, actual=value[-1])
            )
        full = value.zfill(14)
        prefix = value[:3] if len(value) == 8 else full[1:4]
        parts = {"form": f"GTIN-{len(value)}", "gtin14": full, "prefix": prefix}
        in_store = value[0] in "02" if len(value) == 8 else prefix[0] == "2" or prefix[:2] in ("02", "04")
        if in_store:
            notes.append(Reason("identifiers.gtin_in_store"))
        elif "690" <= prefix <= "699":
            notes.append(Reason("identifiers.gtin_china"))
        if len(value) == 14 and value[0] == "9":
            notes.append(Reason("identifiers.gtin_variable"))
    return _verdict("gtin", value, problems, notes, parts)


def _division(value: str) -> IdCheck:
    problems = _characters(value, _DIGITS)
    if len(value) not in (6, 9, 12):
        problems.insert(0, _reason("identifiers.length", expected="6 / 9 / 12", actual=len(value)))
    if problems:
        return _verdict("division", value, problems, [], {})
    province, city, county, town, village = value[:2], value[2:4], value[4:6], value[6:9], value[9:]
    for upper, lower in ((province, city), (city, county), (county, town), (town, village)):
        if upper.strip("0") == "" and lower.strip("0") != "":
            problems.append(_reason("identifiers.division_gap", code=value))
            break
    if province == "00":
        problems.append(_reason("identifiers.division_gap", code=value))
    notes = _province_note(value)
    levels = {"province": value[:2], "city": value[:4], "county": value[:6], "town": value[:9], "village": value}
    used = 1 + sum(1 for part in (city, county, town, village) if part.strip("0"))
    parts = dict(list(levels.items())[:used]) | {"level": list(levels)[used - 1]}
    if "71" <= county <= "80":
        notes.append(_reason("identifiers.division_statistical", code=value[:6]))
    if county == "01" and used == 3:
        notes.append(_reason("identifiers.division_grouping", code=value[:6]))
    if used >= 4:
        kind = _in_range(town, (("001", "099", "street"), ("100", "199", "town"), ("200", "399", "township")))
        parts["town_kind"] = kind or "other"
    if used == 5:
        kind = _in_range(
            village,
            (
                ("001", "199", "residents"),
                ("200", "399", "villagers"),
                ("400", "499", "like_residents"),
                ("500", "599", "like_villagers"),
            ),
        )
        parts["village_kind"] = kind or "other"
        notes.append(Reason("identifiers.division_village"))
    return _verdict("division", value, list(dict.fromkeys(problems)), notes, parts)


def _food(value: str) -> IdCheck:
    problems: list[Reason] = []
    digits = value.removeprefix("SC")
    if not value.startswith("SC"):
        problems.append(Reason("identifiers.food_prefix"))
    elif len(value) != 16:
        problems.append(_reason("identifiers.length", expected=16, actual=len(value)))
    problems += _characters(digits, _DIGITS, offset=len(value) - len(digits))
    notes: list[Reason] = []
    parts: dict[str, str] = {}
    if not problems:
        if digits[0] not in "12":
            problems.append(_reason("identifiers.food_kind", char=digits[0]))
        if digits[13] != (expected := mod11_10_check_digit(digits[:13])):
            problems.append(_reason("identifiers.check_digit", position=16, expected=expected, actual=digits[13]))
        parts = {"category": digits[:3], "division": digits[3:9], "sequence": digits[9:13], "check": digits[13]}
        notes.extend(_province_note(parts["division"]))
    return _verdict("food", value, problems, notes, parts)


def _resident(value: str) -> IdCheck:
    problems: list[Reason] = []
    body, last = value[:17], value[17:]
    if len(value) != 18:
        problems.append(_reason("identifiers.length", expected=18, actual=len(value)))
    elif not (body.isascii() and body.isdigit() and last in "0123456789X"):
        problems.append(Reason("identifiers.resident_form"))
    else:
        try:
            born = date(int(body[6:10]), int(body[10:12]), int(body[12:14]))
        except ValueError:
            problems.append(Reason("identifiers.resident_date"))
        else:
            if born.year < 1850:
                problems.append(Reason("identifiers.resident_date"))
        total = sum(int(digit) * weight for digit, weight in zip(body, _RESIDENT_WEIGHTS, strict=True))
        if last != "10X98765432"[total % 11]:
            problems.append(Reason("identifiers.resident_check"))
    return IdCheck("resident", not problems, "*" * min(len(value), 18), tuple(problems))


_CHECKERS: Mapping[str, Callable[[str], IdCheck]] = {
    "uscc": _uscc,
    "org": _org,
    "reg": _reg,
    "gtin": _gtin,
    "division": _division,
    "food": _food,
    "resident": _resident,
}
_KNOWN_SCHEMES = frozenset(scheme.encode() for scheme in _CHECKERS)
_FORMS: Mapping[str, re.Pattern[str]] = {
    "uscc": re.compile(r"[0-9A-Z]{18}"),
    "org": re.compile(r"[0-9A-Z]{8}-?[0-9X]"),
    "reg": re.compile(r"[0-9]{15}"),
    "gtin": re.compile(r"[0-9]{8}|[0-9]{12,14}"),
    "division": re.compile(r"[0-9]{6}|[0-9]{9}|[0-9]{12}"),
    "food": re.compile(r"SC.*"),
    "resident": re.compile(r"[0-9]{17}[0-9X]"),
}


def _shape(value: str, length: int, alphabet: str) -> list[Reason]:
    problems = _characters(value, alphabet)
    if len(value) != length:
        problems.insert(0, _reason("identifiers.length", expected=length, actual=len(value)))
    return problems


def _characters(value: str, alphabet: str, offset: int = 0) -> list[Reason]:
    if not value.strip(alphabet):  # nothing is left when every character is allowed: the usual case, and fast
        return []
    pairs = enumerate(value, 1 + offset)
    return [_bad_char(position, char, alphabet) for position, char in pairs if char not in alphabet]


def _bad_char(position: int, char: str, alphabet: str = USCC_ALPHABET) -> Reason:
    said: dict[str, Param] = {"position": position, "char": _printable(char)}
    maybe = _LOOKALIKE.get(char, "")
    if maybe and maybe in alphabet:
        return Reason("identifiers.lookalike", {**said, "maybe": maybe})
    return Reason("identifiers.bad_char", said)


def _verdict(scheme: str, value: str, problems: list[Reason], notes: list[Reason], parts: Mapping[str, str]) -> IdCheck:
    if problems:
        return IdCheck(scheme, False, value, tuple(problems))
    return IdCheck(scheme, True, value, (), tuple(notes), parts)


def _reason(code: str, /, **params: Param) -> Reason:
    return Reason(code, params)


def _printable(text: str) -> str:
    """Text that can be shown in a message: short, with control and invisible characters spelled out."""
    shown = "".join(c if c.isprintable() else f"U+{ord(c):04X}" for c in text[:60])
    return shown + ("…" if len(text) > 60 else "")


def _in_range(code: str, ranges: tuple[tuple[str, str, str], ...]) -> str:
    return next((kind for first, last, kind in ranges if first <= code <= last), "")


def _province_note(code: str) -> list[Reason]:
    return [] if code[:2] in _provinces() else [_reason("identifiers.province", code=code[:2])]


@tables.kept("identifiers/")
def _provinces() -> frozenset[str]:
    return frozenset(row["code"] for row in tables.load("identifiers/provinces").rows)


@tables.kept("identifiers/")
def _uscc_categories() -> tuple[Mapping[tuple[str, str], tuple[str, str]], str]:
    """The kinds of body by department and category, and the departments."""
    rows = tables.load("identifiers/uscc_categories").rows
    kinds = {(row["department"], row["category"]): (row["name"], row["name_en"]) for row in rows}
    return kinds, "".join(dict.fromkeys(row["department"] for row in rows))
