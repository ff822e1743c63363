"""Numbers as people print them: full-width digits, thousands commas, powers of ten; exact, never a float."""

from __future__ import annotations

import re
import unicodedata
from decimal import Context, Decimal
from fractions import Fraction

from zhunsheng.engine.errors import ResultError

MAX_TEXT = 2000
"""Longest result or limit, in characters."""
MAX_DIGITS = 30
MAX_POWER = 30

_POWER_ALONE = r"10\s?\^\s?[+-]?[0-9]{1,4}"
NUMBER = (
    rf"(?:{_POWER_ALONE}|"
    r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
    r"(?:\s?[×xX*·]\s?10\s?\^\s?[+-]?[0-9]{1,4}|[eE][+-]?[0-9]{1,4})?)"
)
_NUMBER = re.compile(NUMBER)
_LOST_POWER = re.compile(r"[×xX*·]\s?10([0-9]{1,2})(?![0-9])")
_RAISED = re.compile(r"(?<=\d)[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
_IN_UNITS = "²³₀₁₂₃₄₅₆₇₈₉"
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
# A full-width comma parts values and never thousands. Dashes between figures are the word "to".
_MARKS = str.maketrans({"，": "、", "−": "-", "﹣": "-", "〜": "~", "∼": "~", "≦": "≤", "⩽": "≤", "≧": "≥", "⩾": "≥"})
_DASH = re.compile(r"\s?[\u2012-\u2015]+\s?(?=[0-9])")
_SPACE = re.compile(r"\s+")
# Wide enough for the largest number times the largest factor: nothing is rounded on the way.
EXACT = Context(prec=200)


def clean(text: str, where: str = "") -> str:
    """The text with full-width signs made plain, raised digits after a digit written `^4`, spaces single.

    >>> clean("１．２×10⁴ CFU／g")
    '1.2×10^4 CFU/g'

    Raises ResultError for text longer than MAX_TEXT, with circled digits or fractions, or whose power of ten has lost its raised place ("×104").
    """
    if len(text) > MAX_TEXT:
        raise ResultError("testing.too_long", where=where, length=len(text), limit=MAX_TEXT)
    text = _RAISED.sub(lambda found: "^" + found[0].translate(_PLAIN), text.translate(_MARKS))
    for at, sign in enumerate(text):
        # "①120" must not become 1120, nor "½" a 1⁄2. Raised and lowered digits are left to units and formulas.
        after_digit = at > 0 and text[at - 1].isdecimal()
        if unicodedata.category(sign) == "No" and (sign not in _IN_UNITS or after_digit):
            raise ResultError("testing.odd_digit", where=where, value=sign)
    text = unicodedata.normalize("NFKC", text).translate(_MARKS)
    # Soft hyphens, zero-width and control signs have no meaning in a figure.
    text = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    text = _SPACE.sub(" ", _DASH.sub("~", text)).strip()
    lost = _LOST_POWER.search(text)
    if lost is not None:
        raise ResultError("testing.lost_power", where=where, value=lost[0], power=lost[1])
    return text


def number(text: str, where: str = "") -> Decimal:
    """A printed number, exactly, with its printed decimals ("97.0" keeps one, "14×10^2" stands to the hundred).

    Raises ResultError for anything else, also NaN and infinity, more than MAX_DIGITS digits, or a power beyond MAX_POWER.
    """
    text = clean(text, where)
    if not _NUMBER.fullmatch(text):
        raise ResultError("testing.not_number", where=where, value=text[:40])
    if re.fullmatch(_POWER_ALONE, text):
        text = f"1×{text}"
    mantissa, _, power = re.sub(r"\s?[×xX*·]\s?10\s?\^\s?|[eE]", "|", text).partition("|")
    mantissa = mantissa.replace(",", "")
    digits = sum(c.isdigit() for c in mantissa)
    if digits > MAX_DIGITS or abs(int(power or 0)) > MAX_POWER:
        raise ResultError("testing.number_too_large", where=where, digits=MAX_DIGITS, power=MAX_POWER)
    return Decimal(mantissa).scaleb(int(power or 0), EXACT)


def amount(text: str, where: str = "") -> tuple[Decimal, str]:
    """A number and what follows it, which is its unit or nothing: "0.02 mg/kg" gives (0.02, "mg/kg")."""
    text = clean(text, where)
    found = _NUMBER.match(text)
    if found is None:
        raise ResultError("testing.not_number", where=where, value=text[:40])
    rest = text[found.end() :]
    # "1 000", "0.5.1", "12,34": what follows must not go on with the number.
    if re.match(r"\s?[0-9.,^]", rest):
        raise ResultError("testing.not_number", where=where, value=text[:40])
    return number(found[0], where), rest.strip()


def exact(value: Decimal | Fraction) -> Decimal:
    """A fraction whose denominator has no factor but 2 and 5 as a Decimal, exactly.

    Raises ResultError for one that no decimal ends at, such as 1/3.
    """
    if isinstance(value, Decimal):
        return value
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        raise ResultError("testing.no_decimal", value=str(value)[:40])
    return EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))


def plain(value: Decimal | Fraction) -> str:
    """A number for readers: no powers, the decimals it has. A fraction that does not end is cut to eight places, with …"""
    if isinstance(value, Decimal):
        return f"{value:f}"
    try:
        return f"{exact(value):f}"
    except ResultError:
        return f"{EXACT.divide(Decimal(value.numerator), Decimal(value.denominator)):.8f}…"
