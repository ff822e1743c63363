"""Reading published JSON with types: what is missing, of the wrong kind, or not known is refused by its name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime

from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json

PROTOCOL = "zhunsheng/draw/1"

_HEX64 = re.compile(r"[0-9a-f]{64}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DRAW = re.compile(r"(?=.{1,40}\Z)(?:[A-Za-z0-9][A-Za-z0-9._-]*)?[0-9]")
FIRST_YEAR, LAST_YEAR = 2000, 2200
_ASCII = re.compile(r"[ -{}~]+")  # printable ASCII without '|'; '=' is taken out below
# Controls, line separators and marks that turn the direction of writing: they could forge what a reader sees.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
LIST_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
MAX_TEXT = 2000


def obj(
    value: Json, at: str, required: Collection[str] = (), optional: Collection[str] | None = ()
) -> Mapping[str, Json]:
    """`value` as an object that has the required keys and, unless `optional` is None, no others than these two kinds."""
    if not isinstance(value, Mapping):
        raise DrawError("draw.field.not_object", at=at)
    for key in required:
        if key not in value:
            raise DrawError("draw.field.missing", at=at, key=key)
    if optional is not None:
        for key in value:
            if key not in required and key not in optional:
                raise DrawError("draw.field.unknown", at=at, key=key[:80])
    return value


def array(value: Json, at: str) -> Sequence[Json]:
    """`value` as a list."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise DrawError("draw.field.not_array", at=at)
    return value


def text(value: Json, at: str, empty: bool = False) -> str:
    """`value` as text: printable, in Unicode's NFC form, of sensible length, without outer spaces; not empty unless
    allowed."""
    if not isinstance(value, str):
        raise DrawError("draw.field.not_text", at=at)
    if not value and empty:
        return value
    if not value or len(value) > MAX_TEXT or not value.isprintable() or not unicodedata.is_normalized("NFC", value):
        raise DrawError("draw.field.bad_text", at=at)
    if value[0] == " " or value[-1] == " ":
        raise DrawError("draw.field.bad_text", at=at)
    return value


def note(value: Json, at: str) -> str:
    """`value` as free text of one line: a reason, a legal basis, a wording. Not empty, of sensible length."""
    if not isinstance(value, str):
        raise DrawError("draw.field.not_text", at=at)
    if not value or len(value) > MAX_TEXT or _UNSEEN.search(value):
        raise DrawError("draw.field.bad_note", at=at)
    return value


def one_line(value: str, at: str) -> str:
    """Free text as it is published: every run of white space, line ends with it, made one space. See `note`."""
    return note(" ".join(value.split()), at)


def ascii_text(value: Json, at: str) -> str:
    """`value` as it may stand in a hashed text: printable ASCII without '|' and '='."""
    found = value if isinstance(value, str) else ""
    if len(found) > MAX_TEXT or not _ASCII.fullmatch(found) or "=" in found:
        raise DrawError("draw.field.not_ascii", at=at)
    return found


def integer(value: Json, at: str, low: int = 0) -> int:
    """`value` as a whole number of at least `low`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise DrawError("draw.field.not_integer", at=at, low=low)
    return value


def hex64(value: Json, at: str) -> str:
    """`value` as a SHA-256 in 64 lower-case hexadecimal digits."""
    if not isinstance(value, str) or not _HEX64.fullmatch(value):
        raise DrawError("draw.field.not_hash", at=at)
    return value


def draw_number(value: Json, at: str) -> str:
    """`value` as the number of a draw: letters, digits, '.', '_' and '-', at most 40, ending in a digit."""
    if not isinstance(value, str) or not _DRAW.fullmatch(value):
        raise DrawError("draw.field.not_draw_number", at=at)
    return value


def counts(value: Json, at: str) -> dict[str, int]:
    """`value` as an object from stratum to a number of units."""
    return {key: integer(count, f"{at}.{key}") for key, count in obj(value, at, optional=None).items()}


def instant(value: Json, at: str) -> datetime:
    """`value` as a moment written 2026-04-20T01:30:00Z: UTC, whole seconds, of the years 2000 to 2200."""
    if isinstance(value, str) and _INSTANT.fullmatch(value) and FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
        try:
            return datetime.fromisoformat(value[:-1]).replace(tzinfo=UTC)
        except ValueError:
            pass
    raise DrawError("draw.field.not_instant", at=at)


def instant_text(moment: datetime, at: str) -> str:
    """The moment as published: UTC, whole seconds, fractions cut off. Refuses a datetime without a time zone, and one
    outside the years 2000 to 2200."""
    if moment.tzinfo is None:
        raise DrawError("draw.field.no_time_zone", at=at)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise DrawError("draw.field.not_instant", at=at) from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise DrawError("draw.field.not_instant", at=at)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def day(value: Json, at: str) -> date:
    """`value` as a date written 2026-04-20, of the years 2000 to 2200."""
    if isinstance(value, str) and _DAY.fullmatch(value) and FIRST_YEAR <= int(value[:4]) <= LAST_YEAR:
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise DrawError("draw.field.not_date", at=at)
