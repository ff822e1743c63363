"""Official documents (文书): which series numbers them, how a number is written, and what stands in them.

A kind of document is a row of `documents/kinds`: its name, layout, group of series, and its text. The text is lines:

    # 一、…           heading of the first degree       ## （一）…      of the second
    < …               from the left edge                > …             to the right
    ^ …               in the middle                     - …             small note
    | 案由 | {cause} |                                  a row of a form: label, value, label, value
    |3| 承办人意见 | {opinion?} | 承办人（签名）： 年 月 日 |    a tall cell (3 lines), signed at its foot
    [items: 名称=name | 数量=quantity]                   a list: its columns, and the key of each in a row
    {if other_penalty=warning;licence} …                only where the choice is one of these

Every other line is a paragraph. `{x}` must be given; a line with `{x?}` is left out where x is not known; `{x~}` is a
blank to be filled in by hand. A text is data, never a program: what is put in is not looked at again.

Law: GB/T 9704-2012 (number, layout); 党政机关公文处理工作条例 (中办发〔2012〕14号). See docs/rules/documents.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

from zhunsheng.engine import tables
from zhunsheng.engine.clock import CHINA
from zhunsheng.engine.errors import DocumentError
from zhunsheng.engine.public_log.jcs import Json

Cell = str | int
Value = str | int | date | Sequence[Mapping[str, Cell]]
"""What a field holds: text, whole number, flag, money in fen, day, instant, or the rows of a list."""

MAX_FIELD = 20_000
"""Characters of one field."""
MAX_CONTENT = 200_000
"""Characters of a whole document: some 300 pages."""
MAX_ROWS = 2_000
"""Rows of a list."""
BLANK = "＿＿＿＿＿＿"
"""A place to be filled in by hand."""

NO_DIVISION = "000000"
"""How the table of places writes the province, which has no division of its own in the city."""

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)([?~]?)\}")
_IF = re.compile(r"\{if ([a-z][a-z0-9_]*)=([A-Za-z0-9_;]+)\}\s*")
_LIST = re.compile(r"\[([a-z][a-z0-9_]*)(\??): (.+)\]")
_TALL = re.compile(r"\|(\d{1,2})\|")
_PATTERN = re.compile(r"\{(mark|organ|word|year|n)\}")
_NUMBER = re.compile(r"(?P<head>[^〔〕]{1,60})〔(?P<year>[1-9][0-9]{3})〕(?P<n>[1-9][0-9]{0,8})号")
#: what turns the direction of a line of text: the number on the paper would not be the one that is stored
_TURNS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: an amount as the procedures write it
_AMOUNT = re.compile(r"([0-9]{1,15})(?:\.([0-9]{2}))?元")
_HEADING = re.compile(r"[一二三四五六七八九十]{1,3}、")
_SECOND = re.compile(r"（[一二三四五六七八九十]{1,3}）")


class Layout(StrEnum):
    """The forms of paper. All have the page of GB/T 9704."""

    FILE = "file"  # 文件格式: red head, red rule, 版记
    LETTER = "letter"  # 信函格式: red double rules
    NOTICE = "notice"  # 执法文书: organ and title in the middle, number at the right, text, seal
    FORM = "form"  # 审批表: a grid
    RECORD = "record"  # 笔录: lines that those present sign page by page
    REPORT = "report"  # 报告: as a notice, without addressee


class FieldKind(StrEnum):
    """What is asked for in a field."""

    TEXT = "text"
    LONG = "long"
    INTEGER = "integer"
    MONEY = "money"
    DATE = "date"
    MOMENT = "moment"
    FLAG = "flag"
    CHOICE = "choice"
    ROW = "row"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of documents. `choices`: code → name. `table`: the dated table whose rows' names stand for codes.
    `columns`: key → head of a list's columns, in order. `auto`: the platform itself knows it."""

    code: str
    name: str
    name_en: str
    kind: FieldKind = FieldKind.TEXT
    choices: tuple[tuple[str, str], ...] = ()
    table: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    auto: bool = False

    def label(self, lang: str = "zh") -> str:
        """The name in `lang`."""
        return self.name_en if lang == "en" and self.name_en else self.name


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of document in one version. `group`: which series number it. `seal`: who seals it ("organ", "none").

    `free`: an officer may write one outside a procedure's step. `personal`: it may name a natural person, so its text is
    never shown to the public.
    """

    code: str
    name: str
    name_en: str
    layout: Layout
    group: str
    seal: str
    personal: bool
    free: bool
    text: str
    source: str
    confidence: str
    valid_from: date | None
    valid_to: date | None

    def label(self, lang: str = "zh") -> str:
        """The name in `lang`."""
        return self.name_en if lang == "en" and self.name_en else self.name


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A numbering series as the table has it; an empty column holds for all."""

    code: str
    organ: str
    level: str
    division: str
    group: str
    pattern: str
    name: str
    name_en: str
    source: str
    confidence: str

    @property
    def weight(self) -> tuple[bool, bool, bool, bool]:
        """The more a row says about whom it is for, the more it counts."""
        return bool(self.division), bool(self.group), bool(self.organ), bool(self.level)


@dataclass(frozen=True, slots=True)
class Numbering:
    """The series that numbers a document. `key` names it with its group; the rest is what a number is written with."""

    key: str
    row: SeriesRow
    mark: str
    organ_word: str
    word: str

    def number(self, year: int, n: int) -> str:
        """The number (发文字号) with this year and sequence."""
        return write_number(self.row.pattern, mark=self.mark, organ=self.organ_word, word=self.word, year=year, n=n)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A field that a text names. `needed`: the document cannot be made without it."""

    code: str
    needed: bool


# -- numbers ----------------------------------------------------------------------------------------------------------
def write_number(pattern: str, *, mark: str, organ: str, word: str, year: int, n: int) -> str:
    """A document number by its pattern, such as `（{mark}）市监{word}〔{year}〕{n}号`.

    GB/T 9704-2012, 7.2.5: Arabic digits, the year in full in 〔〕, no leading zero, no 第. Raises DocumentError for a
    pattern that is written otherwise, a year outside 1949–9999, and n < 1.
    """
    if not 1949 <= year <= 9999 or not 1 <= n <= 999_999_999:
        raise DocumentError("documents.bad_number", year=year, n=n)
    if not pattern.endswith("〔{year}〕{n}号"):
        raise DocumentError("documents.bad_pattern", pattern=pattern)
    words = {"mark": mark, "organ": organ, "word": word, "year": str(year), "n": str(n)}
    number = _PATTERN.sub(lambda found: words[found[1]], pattern)
    if _NUMBER.fullmatch(number) is None:
        raise DocumentError("documents.bad_pattern", pattern=pattern)
    return number


def read_number(text: str) -> tuple[str, int, int]:
    """A number's parts: what stands before 〔, the year, the sequence. Raises DocumentError for every other form."""
    found = _NUMBER.fullmatch(text)
    if found is None or not int(found["year"]) >= 1949:
        raise DocumentError("documents.not_a_number", text=text[:80])
    return found["head"], int(found["year"]), int(found["n"])


def missing_numbers(taken: Iterable[int], last: int) -> tuple[int, ...]:
    """The numbers of 1…last that nobody has: an unbroken register has none."""
    return tuple(sorted(set(range(1, last + 1)) - set(taken)))


def organ_of(office_name: str, day: date) -> tables.Row:
    """The row of `documents/organs` for an office: the one whose keyword is in its name, the longest first.

    Raises DocumentError where no keyword fits.
    """
    rows = [row for row in tables.load("documents/organs").valid_on(day) if row["keyword"] in office_name]
    if not rows:
        raise DocumentError("documents.no_organ", office=office_name)
    return max(rows, key=lambda row: len(row["keyword"]))


def place_of(division: str, day: date, city: str) -> tables.Row | None:
    """The row of `cities/<city>/letterheads` for a division ("" is the province): its character in numbers, and its
    people's government. None where the city has no such table or row."""
    name = f"cities/{city}/letterheads"
    if not city or name not in tables.names():
        return None
    found = (row for row in tables.load(name).valid_on(day) if row["division"] == (division or NO_DIVISION))
    return next(found, None)


def mark_of(office_name: str, division: str, day: date, city: str = "") -> str:
    """地名代字 of an office: that of its division, else the first character of its own name."""
    row = place_of(division, day, city)
    return row["mark"] if row is not None else office_name.removeprefix("中共")[:1]


def numbering(
    group: str, *, office_name: str, level: str, division: str, day: date, city: str = "", root: Path | None = None
) -> Numbering:
    """The series that numbers a document of this group of an office on a day: the row that says most about it.

    Raises DocumentError where there is none, or two that say the same.
    """
    organ = organ_of(office_name, day)
    word = tables.load("documents/groups", root).find(day, code=group)["word"]
    asked = {"organ": organ["code"], "level": level, "division": division, "group": group}
    rows = [
        row
        for row in tables.load("documents/series", root).valid_on(day)
        if all(row[column] in ("", value) for column, value in asked.items())
    ]
    found = sorted((_series_row(row) for row in rows), key=lambda row: row.weight, reverse=True)
    if not found:
        raise DocumentError("documents.no_series", office=office_name, group=group, day=day.isoformat())
    if len(found) > 1 and found[0].weight == found[1].weight:
        raise DocumentError(
            "documents.two_series", office=office_name, group=group, one=found[0].code, other=found[1].code
        )
    row = found[0]
    key = row.code if row.group else f"{row.code}.{group}"
    return Numbering(key, row, mark_of(office_name, division, day, city), organ["word"], word)


def _series_row(row: tables.Row) -> SeriesRow:
    return SeriesRow(
        row["code"], row["organ"], row["level"], row["division"], row["group"], row["pattern"], row["name"], row["name_en"],
        row.source, row.confidence,
    )  # fmt: skip


# -- kinds and fields -------------------------------------------------------------------------------------------------
def kinds(day: date, root: Path | None = None) -> tuple[Kind, ...]:
    """The kinds of document in force on a day, in the order of the table."""
    return tuple(_kind(row) for row in tables.load("documents/kinds", root).valid_on(day))


def kind(code: str, day: date, root: Path | None = None) -> Kind:
    """The kind with this code that is in force on a day. Raises DocumentError where there is none."""
    rows = [row for row in tables.load("documents/kinds", root).rows if row["code"] == code and row.valid_on(day)]
    if not rows:
        raise DocumentError("documents.no_kind", kind=code[:80], day=day.isoformat())
    return _kind(rows[0])


def _kind(row: tables.Row) -> Kind:
    return Kind(
        row["code"], row["name"], row["name_en"], Layout(row["layout"]), row["group"], row["seal"],
        row["personal"] == "true", row["free"] == "true", row["text"],
        row.source, row.confidence, row.valid_from, row.valid_to,
    )  # fmt: skip


def fields() -> Mapping[str, Field]:
    """The fields that documents know by themselves (`documents/fields`), by code."""
    found = {}
    for row in tables.load("documents/fields").rows:
        found[row["code"]] = Field(
            row["code"], row["name"], row["name_en"], FieldKind(row["kind"]), _pairs(row["choices"]), row["table"],
            _pairs(row["columns"]), row["auto"] == "true",
        )  # fmt: skip
    return found


def wordings(day: date, root: Path | None = None) -> Mapping[str, str]:
    """Sentences that many documents share, such as where and until when one may appeal, as the law has them on a day."""
    return {row["code"]: row["text"] for row in tables.load("documents/wordings", root).valid_on(day)}


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    parts = (part.partition("=") for part in text.split(";") if part)
    return tuple((key.strip(), name.strip()) for key, _, name in parts)


def placeholders(text: str) -> tuple[Placeholder, ...]:
    """The fields that a text names, in the order in which they come; needed if any place needs it and no choice decides
    whether its line is there."""
    found: dict[str, bool] = {}
    for line in text.splitlines():
        guarded = _IF.match(line)
        if guarded:
            found.setdefault(guarded[1], False)
        for code, mark in _PLACE.findall(line):
            found[code] = found.get(code, False) or (not mark and not guarded)
        listed = _LIST.fullmatch(line.strip())
        if listed:
            found[listed[1]] = found.get(listed[1], False) or not listed[2]
    return tuple(Placeholder(code, needed) for code, needed in found.items())


def expand(text: str, shared: Mapping[str, str]) -> str:
    """The text with the shared wordings written out where it names them."""
    return _PLACE.sub(lambda found: shared.get(found[1], found[0]), text)


# -- values -----------------------------------------------------------------------------------------------------------
def yuan(fen: int) -> str:
    """An amount in yuan as documents write it, with the capital digits that cannot be altered.

    >>> yuan(1234500)
    '12345元（大写：壹万贰仟叁佰肆拾伍元整）'
    """
    whole, rest = divmod(abs(fen), 100)
    sign = "-" if fen < 0 else ""
    return f"{sign}{whole}{f'.{rest:02d}' if rest else ''}元（大写：{'负' if fen < 0 else ''}{capital(abs(fen))}）"


def capital(fen: int) -> str:
    """大写金额: an amount in fen in the digits of 《支付结算办法》附一《正确填写票据和结算凭证的基本规定》.

    >>> capital(10700050), capital(0), capital(5)
    ('壹拾万零柒仟元伍角', '零元整', '伍分')

    Raises DocumentError for a negative amount or one of 10^16 yuan and more.
    """
    if not 0 <= fen < 10**18:
        raise DocumentError("documents.bad_amount", fen=str(fen))
    whole, rest = divmod(fen, 100)
    jiao, cents = divmod(rest, 10)
    text = _capital_whole(whole) + "元" if whole else ""
    if not rest:
        return (text or "零元") + "整"
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif whole:
        text += "零"
    return text + (_DIGITS[cents] + "分" if cents else "")


_DIGITS = "零壹贰叁肆伍陆柒捌玖"


def _capital_whole(number: int) -> str:
    groups: list[int] = []
    while number:
        number, group = divmod(number, 10_000)
        groups.append(group)
    text, gap = "", False
    for place in range(len(groups) - 1, -1, -1):
        group = groups[place]
        if not group:
            gap = bool(text)
            continue
        if text and (gap or group < 1000):
            text += "零"
        text += _capital_group(group) + ("", "万", "亿", "万亿")[place]
        gap = False
    return text


def _capital_group(group: int) -> str:
    text, gap = "", False
    for unit, name in ((1000, "仟"), (100, "佰"), (10, "拾"), (1, "")):
        digit = group // unit % 10
        if digit:
            text += ("零" if gap and text else "") + _DIGITS[digit] + name
            gap = False
        else:
            gap = True
    return text


def written_day(day: date) -> str:
    """成文日期: Arabic digits, year, month and day in full, no leading zero (GB/T 9704-2012, 7.3.5.4)."""
    return f"{day.year}年{day.month}月{day.day}日"


def written(field: Field, value: Value, day: date | None = None) -> str:
    """A field's value as a document writes it. "" where there is nothing to write: no text, an amount of zero.

    `day`: on which a code is looked up in its table. Raises DocumentError for characters that cannot be printed, and
    for text that is too long.
    """
    match value:
        case bool():
            return "是" if value else "否"
        case int() if field.kind is FieldKind.MONEY:
            return yuan(value) if value else ""
        case int():
            return str(value)
        case datetime():
            moment = value.astimezone(CHINA) if value.tzinfo else value
            return f"{written_day(moment)}{moment.hour}时{moment.minute}分"
        case date():
            return written_day(value)
        case str():
            text = clean(value, field.name)
            if field.kind is FieldKind.MONEY:
                amount = _AMOUNT.fullmatch(text)
                return written(field, int(amount[1]) * 100 + int(amount[2] or 0)) if amount else text
            if field.kind is FieldKind.CHOICE:
                return dict(field.choices).get(text, text)
            if field.kind is FieldKind.ROW:
                rows = [row for row in tables.load(field.table).rows if row["code"] == text]
                return next((row["name"] for row in rows if day is None or row.valid_on(day)), text)
            return text
        case _:
            raise DocumentError("documents.not_text", field=field.name)


def clean(text: str, where: str) -> str:
    """The text without white space at its ends, lines ended by \\n, in the composed form (NFC) that fonts have.

    Raises DocumentError, naming the field and the character, for control characters, for marks that turn the direction
    of writing, for code points that are no characters, and for text longer than MAX_FIELD.
    """
    if len(text) > MAX_FIELD:
        raise DocumentError("documents.too_long", field=where, length=len(text), limit=MAX_FIELD)
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    for char in text:
        if char != "\n" and (unicodedata.category(char) in ("Cc", "Cs", "Cn", "Co") or char in _TURNS):
            raise DocumentError("documents.bad_character", field=where, point=f"U+{ord(char):04X}")
    return "\n".join(line.strip() for line in text.split("\n")).strip()


# -- composing --------------------------------------------------------------------------------------------------------
def compose(text: str, values: Mapping[str, Value], known: Mapping[str, Field], day: date | None = None) -> list[Json]:
    """The blocks of a document: its text with the values put in, once.

    A block is {"style": body|h1|h2|left|right|centre|note, "text"}, {"style": "grid", "rows": [[{"text", "label",
    "tall", "sign"}…]…]}, or {"style": "list", "head": […], "rows": [[…]…]}. Raises DocumentError naming the fields that are
    missing, unknown (no field is called so), or hold what cannot be printed.
    """
    wanted = placeholders(text)
    unknown = [place.code for place in wanted if place.code not in known]
    if unknown:
        raise DocumentError("documents.unknown_field", fields="、".join(unknown))
    shown: dict[str, str] = {}
    lists: dict[str, Sequence[Mapping[str, Cell]]] = {}
    for place in wanted:
        value = values.get(place.code)
        field = known[place.code]
        if value is None:
            continue
        if field.kind is FieldKind.LIST:
            lists[place.code] = _rows(field, value)
        else:
            shown[place.code] = written(field, value, day)
    absent = [
        known[place.code].name for place in wanted if place.needed and not shown.get(place.code) and not lists.get(place.code)
    ]  # fmt: skip
    if absent:
        raise DocumentError("documents.missing", fields="、".join(dict.fromkeys(absent)))
    blocks = list(_blocks(text, values, shown, lists, known))
    length = sum(_length(block) for block in blocks)
    if length > MAX_CONTENT:
        raise DocumentError("documents.too_long_whole", length=length, limit=MAX_CONTENT)
    return blocks


def _rows(field: Field, value: Value) -> Sequence[Mapping[str, Cell]]:
    if isinstance(value, str | int | date):
        raise DocumentError("documents.not_a_list", field=field.name)
    if len(value) > MAX_ROWS:
        raise DocumentError("documents.too_many_rows", field=field.name, count=len(value), limit=MAX_ROWS)
    return value


def _blocks(
    text: str,
    values: Mapping[str, Value],
    shown: Mapping[str, str],
    lists: Mapping[str, Sequence[Mapping[str, Cell]]],
    known: Mapping[str, Field],
) -> Iterator[Json]:
    grid: list[Json] = []
    for raw in text.splitlines():
        line = raw.strip()
        guarded = _IF.match(line)
        if guarded:
            if _choice(known[guarded[1]], values.get(guarded[1])) not in guarded[2].split(";"):
                continue
            line = line[guarded.end() :]
        if line.startswith("|"):
            grid.append(_grid_row(line, shown))
            continue
        if grid:
            yield {"style": "grid", "rows": grid}
            grid = []
        listed = _LIST.fullmatch(line)
        if listed:
            if lists.get(listed[1]):
                yield _list(listed[3], lists[listed[1]], known[listed[1]])
        elif line:
            yield from _paragraphs(line, shown)
    if grid:
        yield {"style": "grid", "rows": grid}


def _choice(field: Field, value: Value | None) -> str:
    """The code that a line's condition names: of a choice given by its code or its name, of a flag yes or no."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if field.kind is FieldKind.FLAG:
        return {"是": "yes", "否": "no"}.get(str(value), "")
    names = {name: code for code, name in field.choices}
    return "" if value is None else names.get(str(value), str(value))


def _paragraphs(line: str, shown: Mapping[str, str]) -> Iterator[Json]:
    for mark, name in (("## ", "h2"), ("# ", "h1"), ("< ", "left"), ("> ", "right"), ("^ ", "centre"), ("- ", "note")):
        if line.startswith(mark):
            style, line = name, line.removeprefix(mark)
            break
    else:
        style = "body"
    if any(mark == "?" and not shown.get(code) for code, mark in _PLACE.findall(line)):
        return
    filled = _fill(line, shown)
    whole = _PLACE.fullmatch(line.strip()) is not None
    for part in filled.split("\n"):
        if part:
            # Long text that an officer wrote brings its own headings.
            own = (
                "h1"
                if _HEADING.match(part) and len(part) < 40
                else "h2"
                if _SECOND.match(part) and len(part) < 40
                else ""
            )
            yield {"style": own if whole and own and style == "body" else style, "text": part}


def _fill(line: str, shown: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: shown.get(found[1]) or (BLANK if found[2] == "~" else ""), line)


def _grid_row(line: str, shown: Mapping[str, str]) -> Json:
    tall = _TALL.match(line)
    lines = int(tall[1]) if tall else 1
    cells = [cell.strip() for cell in line[tall.end() if tall else 1 :].strip().removesuffix("|").split("|")]
    if tall:
        label, value, sign = [*cells, "", ""][:3]
        return [
            {"text": label, "label": True, "tall": lines, "sign": ""},
            {"text": _fill(value, shown), "label": False, "tall": lines, "sign": _fill(sign, shown)},
        ]
    return [
        {"text": _fill(cell, shown), "label": place % 2 == 0, "tall": 1, "sign": ""} for place, cell in enumerate(cells)
    ]


def _list(spec: str, rows: Sequence[Mapping[str, Cell]], field: Field) -> Json:
    columns = [(key.strip(), head.strip()) for head, _, key in (part.partition("=") for part in spec.split("|"))]
    return {
        "style": "list",
        "head": ["序号", *(head for _, head in columns)],
        "rows": [
            [str(number), *(clean(str(row.get(key, "")), f"{field.name} {number}") for key, _ in columns)]
            for number, row in enumerate(rows, 1)
        ],
    }


def _length(block: Json) -> int:
    return sum(len(text) for text in texts(block))


def texts(content: Json) -> Iterator[str]:
    """All text in a document's content."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for value in content.values():
            yield from texts(value)
    elif isinstance(content, list | tuple):
        for value in content:
            yield from texts(value)
