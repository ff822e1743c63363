"""通告核对: does a printed totals table add up?

`read_table(text)` reads CSV or TSV with the headings of real bulletins; `check_totals(table)` tells every number that
contradicts another: sums along rows and columns, rates against their quotient, rows missing or printed twice. Each
finding names row and column and shows both numbers. docs/rules/testing.md, section Bulletins.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from zhunsheng.engine import tables
from zhunsheng.engine.errors import BulletinError
from zhunsheng.engine.words import Param, Reason

MAX_CHARACTERS = 2_000_000
MAX_ROWS = 20_000
MAX_DIGITS = 12
HEADER_WITHIN = 20
"""The heading stands within this many lines; titles may stand above it."""


class Column(StrEnum):
    """What a column counts. Rates are percentages."""

    SAMPLED = "sampled"
    NOT_TESTED = "not_tested"
    TESTED = "tested"
    PASSED = "passed"
    FAILED = "failed"
    PASS_RATE = "pass_rate"  # noqa: S105
    FAIL_RATE = "fail_rate"


COUNTS = (Column.SAMPLED, Column.NOT_TESTED, Column.TESTED, Column.PASSED, Column.FAILED)
RATES = (Column.PASS_RATE, Column.FAIL_RATE)


class Role(StrEnum):
    """What a row is among the others."""

    ITEM = "item"
    SUBTOTAL = "subtotal"  # 小计
    TOTAL = "total"  # 合计
    PART = "part"  # 其中: part of the row above, in no sum


@dataclass(frozen=True, slots=True)
class PrintedRow:
    """One row as printed: counts, and rates in percent with the decimals printed. `line`: its line in the file.
    `number`: the serial number, None where there is no such column."""

    name: str
    line: int
    counts: Mapping[Column, int]
    rates: Mapping[Column, Decimal]
    role: Role = Role.ITEM
    number: int | None = None


@dataclass(frozen=True, slots=True)
class PrintedTable:
    """A totals table, in the order printed."""

    rows: tuple[PrintedRow, ...]


class Fault(StrEnum):
    """What does not add up."""

    ROW_SUM = "row_sum"  # passed + failed is not tested
    TESTED = "tested"  # sampled − not tested is not tested
    COLUMN_SUM = "column_sum"  # a total is not the sum of its rows
    ABOVE = "above"  # a part is larger than its whole
    RATE = "rate"  # a rate is not the rounded quotient
    RATE_RANGE = "rate_range"  # a percentage below 0 or above 100
    RATE_PAIR = "rate_pair"  # pass rate and fail rate are not 100 together
    RATE_OF_NOTHING = "rate_of_nothing"  # a rate of no batches
    DUPLICATE = "duplicate"
    MISSING_ROW = "missing_row"
    MISSING_NUMBER = "missing_number"


@dataclass(frozen=True, slots=True)
class Finding:
    """One inconsistency. `printed` and `computed` are the two numbers; `reason` says it in a sentence, `hints` what would
    explain it."""

    fault: Fault
    row: str
    line: int
    column: str
    printed: str
    computed: str
    reason: Reason
    hints: tuple[Reason, ...] = ()

    def text(self, lang: str = "zh") -> str:
        """The finding with its hints, one sentence a line."""
        return "\n".join(one.text(lang) for one in (self.reason, *self.hints))


# ---- reading -------------------------------------------------------------------------------------------------------

_GAP = re.compile(r"\s+")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_NOTHING = {"", "-", "--", "—", "——", "–", "/", "\\", "…", "无", "N/A", "n/a"}
_COUNT = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.0+)?(?:批次|批|个|家|份|组|件)?")
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)%?")


def read_table(text: str) -> PrintedTable:
    """The totals table in a CSV or TSV text. Headings are known by their synonyms (table `testing/bulletin_columns`);
    lines above the heading, headings repeated on a new page, and rows without figures are passed over.

    A row whose name is `a/b` belongs to the row `a`, where there is one.
    Raises BulletinError naming line and column: no heading found, a column twice, a cell that is no number, no rows.
    """
    if len(text) > MAX_CHARACTERS:
        raise BulletinError("bulletins.too_long", limit=MAX_CHARACTERS)
    lines = _cells(text)
    found = next(((at, _columns(cells)) for at, cells in enumerate(line for _, line in lines[:HEADER_WITHIN]) if len(_columns(cells)) >= 2), None)  # fmt: skip
    if found is None:
        raise BulletinError("bulletins.no_heading", lines=HEADER_WITHIN)
    at, columns = found
    header_line, header = lines[at]
    _once(columns, header, header_line)
    rows: list[PrintedRow] = []
    for line, cells in lines[at + 1 :]:
        if cells == header:
            continue
        if any(_plain(cell) for cell in cells[len(header) :]):
            raise BulletinError("bulletins.ragged", where=str(line), count=len(cells), expected=len(header))
        row = _row(line, cells, columns)
        if row is not None:
            rows.append(row)
        if len(rows) > MAX_ROWS:
            raise BulletinError("bulletins.too_many_rows", limit=MAX_ROWS)
    if not rows:
        raise BulletinError("bulletins.no_rows")
    return PrintedTable(tuple(rows))


def _plain(cell: str) -> str:
    text = unicodedata.normalize("NFKC", cell)
    return "".join(c for c in _GAP.sub("", text) if unicodedata.category(c)[0] != "C")


def _cells(text: str) -> list[tuple[int, list[str]]]:
    text = text.removeprefix("\ufeff")
    tabs = any("\t" in line for line in text.splitlines()[:HEADER_WITHIN])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if tabs else ",", strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise BulletinError("bulletins.not_csv", where=str(reader.line_num), detail=str(error)) from None


@tables.kept("testing/")
def _headings() -> Mapping[str, str]:
    rows = tables.load("testing/bulletin_columns").rows
    return {_heading(word): row["code"] for row in rows for word in row.list("spellings")}


def _words(code: str) -> tuple[str, ...]:
    return tuple(word for word, of in _headings().items() if of == code)


def _heading(cell: str) -> str:
    """A heading without its unit: "合格率（%）" is "合格率". One that is known with its brackets is left alone."""
    return _BRACKETS.sub("", _plain(cell))


def _columns(cells: Sequence[str]) -> list[tuple[int, str]]:
    known = _headings()
    found = ((place, known.get(_heading(cell), "")) for place, cell in enumerate(cells))
    return [(place, code) for place, code in found if code and not code.startswith("row_")]


def _once(columns: list[tuple[int, str]], header: Sequence[str], line: int) -> None:
    seen: dict[str, str] = {}
    for place, code in list(columns):
        if code in seen and code in ("name", "number"):
            columns.remove((place, code))  # the first is the name; a second one describes it
        elif code in seen:
            raise BulletinError("bulletins.column_twice", where=str(line), one=seen[code], other=header[place][:40])
        seen.setdefault(code, header[place][:40])
    if not seen.keys() & set(COUNTS):
        raise BulletinError("bulletins.no_heading", lines=HEADER_WITHIN)


def _row(line: int, cells: Sequence[str], columns: Sequence[tuple[int, str]]) -> PrintedRow | None:
    name, number = "", None
    counts: dict[Column, int] = {}
    rates: dict[Column, Decimal] = {}
    figures: list[tuple[str, str]] = []
    for place, code in columns:
        cell = _plain(cells[place]) if place < len(cells) else ""
        if code == "name":
            name = cell[:200] or name
        elif code == "number":
            number = int(cell) if re.fullmatch(r"[0-9]{1,6}", cell) else None
            name = name or ("" if number is not None else cell[:200])  # 合计 often stands under 序号
        elif cell not in _NOTHING:
            figures.append((code, cell))
    if name.startswith(("注:", "备注", "说明:")):
        return None
    for code, cell in figures:
        if code in COUNTS:
            counts[Column(code)] = _count(cell, line, Column(code))
        else:
            rates[Column(code)] = _rate(cell, line, Column(code))
    if not counts and not rates:
        return None
    return PrintedRow(name or f"#{line}", line, counts, rates, _role(name), number)


def _role(name: str) -> Role:
    if name.startswith(_words("row_part")):
        return Role.PART
    if name in _words("row_total"):
        return Role.TOTAL
    if name.endswith((*_words("row_subtotal"), "合计")):
        return Role.SUBTOTAL
    return Role.ITEM


def _count(cell: str, line: int, column: Column) -> int:
    found = _COUNT.fullmatch(cell)
    digits = found[1].replace(",", "") if found else ""
    if not found or len(digits) > MAX_DIGITS:
        raise BulletinError("bulletins.not_count", where=str(line), value=cell[:40], **_named(column))
    return int(digits)


def _rate(cell: str, line: int, column: Column) -> Decimal:
    found = _RATE.fullmatch(cell)
    if not found or len(found[1]) > MAX_DIGITS:
        raise BulletinError("bulletins.not_rate", where=str(line), value=cell[:40], **_named(column))
    return Decimal(found[1])


def _named(column: Column) -> dict[str, Param]:
    row = next(row for row in tables.load("testing/bulletin_columns").rows if row["code"] == column)
    return {"column": row["name"], "column_en": row["name_en"]}


# ---- structure -----------------------------------------------------------------------------------------------------


def members(table: PrintedTable) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Which rows each total is the sum of, by their places: children of a path; rows of a subtotal; for a total, its
    subtotals and the rows that are in none. Totals stand below their rows, or above them if one is the first row."""
    rows = table.rows
    paths: dict[str, int] = {}
    for place, row in enumerate(rows):
        paths.setdefault(row.name, place)
    children: dict[int, list[int]] = {}
    nested: set[int] = set()
    for place, row in enumerate(rows):
        parent = paths.get(row.name.rpartition("/")[0]) if "/" in row.name else None
        if parent is not None and parent != place:
            children.setdefault(parent, []).append(place)
            nested.add(place)
    outer = [place for place, row in enumerate(rows) if place not in nested and row.role is not Role.PART]
    subtotals = _segments(rows, outer, Role.SUBTOTAL, stop=Role.TOTAL)
    held = {place for _, below in subtotals for place in below}
    totals = _segments(rows, [place for place in outer if place not in held], Role.TOTAL, stop=None)
    return tuple((total, tuple(below)) for total, below in (*children.items(), *subtotals, *totals) if below)


def _segments(
    rows: Sequence[PrintedRow], places: Sequence[int], mark: Role, *, stop: Role | None
) -> list[tuple[int, list[int]]]:
    """Each marked row with the rows it sums: those since the last mark, or those up to the next where a mark comes first."""
    first = next((place for place in places if rows[place].role is not stop), None)
    above = first is not None and rows[first].role is mark
    found: list[tuple[int, list[int]]] = []
    current: list[int] = []
    for place in places:
        role = rows[place].role
        if role is mark:
            if above:
                current = []
            found.append((place, current))
            if not above:
                current = []
        elif role is stop:
            current = []
        else:
            current.append(place)
    return found


# ---- checking ------------------------------------------------------------------------------------------------------

_Cell = tuple[int, Column]


@dataclass(frozen=True, slots=True)
class _Equation:
    """Whole − parts = 0 over printed cells."""

    fault: Fault
    whole: _Cell
    parts: tuple[_Cell, ...]


def check_totals(table: PrintedTable) -> tuple[Finding, ...]:
    """Every inconsistency of the table, in the order of its rows; empty when it comes out as printed.

    A rate may be rounded half up or by GB/T 8170 (half to even) to the decimals printed. Cells that are not printed
    contradict nothing: a sum is checked where all its parts are there.
    """
    sums = members(table)
    below_of = dict(sums)
    equations = tuple(_equations(table, sums))
    rest = {number: _residual(table, one) for number, one in enumerate(equations)}
    of_cell: dict[_Cell, list[int]] = {}
    for number, one in enumerate(equations):
        for cell in (one.whole, *one.parts):
            of_cell.setdefault(cell, []).append(number)
    found = [
        _sum_finding(table, one, _mendings(table, equations, rest, of_cell, number))
        for number, one in enumerate(equations)
        if rest[number]
    ]
    for place, row in enumerate(table.rows):
        found += _parts_above(row)
        found += _rates(table, place, below_of.get(place, ()))
    found += _duplicates(table, sums)
    found += _missing(table, sums)
    found += _numbers(table)
    return tuple(sorted(found, key=lambda one: one.line))


def _value(table: PrintedTable, cell: _Cell) -> int:
    return table.rows[cell[0]].counts[cell[1]]


def _residual(table: PrintedTable, one: _Equation) -> int:
    return _value(table, one.whole) - sum(_value(table, part) for part in one.parts)


def _base(row: PrintedRow) -> Column | None:
    """What a rate is of: the batches tested, or those sampled where nothing is said of the testing."""
    return next((column for column in (Column.TESTED, Column.SAMPLED) if column in row.counts), None)


def _equations(table: PrintedTable, sums: Iterable[tuple[int, tuple[int, ...]]]) -> Iterator[_Equation]:
    for place, row in enumerate(table.rows):
        base = _base(row)
        if base is Column.SAMPLED and Column.NOT_TESTED in row.counts:
            base = None  # what was tested is not printed
        if base is not None and {Column.PASSED, Column.FAILED} <= row.counts.keys():
            yield _Equation(Fault.ROW_SUM, (place, base), ((place, Column.PASSED), (place, Column.FAILED)))
        if {Column.SAMPLED, Column.NOT_TESTED, Column.TESTED} <= row.counts.keys():
            parts = ((place, Column.TESTED), (place, Column.NOT_TESTED))
            yield _Equation(Fault.TESTED, (place, Column.SAMPLED), parts)
    for total, below in sums:
        for column in COUNTS:
            if column in table.rows[total].counts and all(column in table.rows[place].counts for place in below):
                yield _Equation(Fault.COLUMN_SUM, (total, column), tuple((place, column) for place in below))


def _sum_finding(table: PrintedTable, one: _Equation, hints: tuple[Reason, ...]) -> Finding:
    place, column = one.whole
    row = table.rows[place]
    printed, computed = _value(table, one.whole), sum(_value(table, part) for part in one.parts)
    said: dict[str, Param] = {
        **_at(row),
        **_named(column),
        "printed": printed,
        "computed": computed,
        "gap": abs(printed - computed),
    }
    if one.fault is Fault.COLUMN_SUM:
        reason = Reason("bulletins.column_sum", {**said, "count": len(one.parts)})
    else:
        first, second = one.parts
        names = {
            f"{name}{end}": value for name, part in (("one", first), ("other", second)) for end, value in _ends(part[1])
        }
        values: dict[str, Param] = {"first": _value(table, first), "second": _value(table, second)}
        reason = Reason("bulletins.row_sum", {**said, **names, **values})
    return Finding(one.fault, row.name, row.line, column, str(printed), str(computed), reason, hints)


def _at(row: PrintedRow) -> dict[str, Param]:
    return {"row": row.name, "line": row.line}


def _ends(column: Column) -> tuple[tuple[str, Param], ...]:
    named = _named(column)
    return (("", named["column"]), ("_en", named["column_en"]))


def _mendings(
    table: PrintedTable,
    equations: Sequence[_Equation],
    rest: Mapping[int, int],
    of_cell: Mapping[_Cell, Sequence[int]],
    number: int,
) -> tuple[Reason, ...]:
    """Single cells that, printed otherwise, would make this sum and every other sum they are part of come out. Told
    where the cell mends more than one sum, or where two neighbouring digits are exchanged."""
    one = equations[number]
    found: list[tuple[int, bool, _Cell, int]] = []
    for cell in (one.whole, *one.parts):
        change = -rest[number] if cell == one.whole else rest[number]
        value = _value(table, cell)
        mended = [other for other in of_cell[cell] if rest[other]]
        fits = all(
            rest[other] + (change if equations[other].whole == cell else -change) == 0 for other in of_cell[cell]
        )
        if value + change >= 0 and fits:
            swapped = value + change in _swaps(value)
            if swapped or len(mended) > 1:
                found.append((len(mended), swapped, cell, value + change))
    most = max((count for count, *_ in found), default=0)
    best = [entry for entry in found if entry[0] == most]
    if any(swapped for _, swapped, *_ in best):
        best = [entry for entry in best if entry[1]]
    hints: list[Reason] = []
    for count, swapped, cell, value in best[:3]:
        row = table.rows[cell[0]]
        said: dict[str, Param] = {
            **_at(row),
            **_named(cell[1]),
            "printed": _value(table, cell),
            "instead": value,
            "count": count,
        }
        hints.append(Reason("bulletins.swapped" if swapped else "bulletins.one_cell", said))
    return tuple(hints)


def _swaps(value: int) -> set[int]:
    """The numbers with two neighbouring digits exchanged."""
    digits = str(value)
    pairs = (digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :] for at in range(len(digits) - 1))
    return {int(text) for text in pairs if text[0] != "0"} - {value}


def _parts_above(row: PrintedRow) -> Iterator[Finding]:
    """Parts larger than their whole, where the other part is not printed, so that no sum shows it."""
    wholes = [(Column.SAMPLED, Column.TESTED), (Column.SAMPLED, Column.NOT_TESTED)]
    if (base := _base(row)) is not None and not {Column.PASSED, Column.FAILED} <= row.counts.keys():
        wholes += [(base, Column.PASSED), (base, Column.FAILED)]
    summed = {Column.SAMPLED, Column.NOT_TESTED, Column.TESTED} <= row.counts.keys()
    for whole, part in wholes:
        if whole not in row.counts or part not in row.counts or (summed and whole is Column.SAMPLED):
            continue
        most, value = row.counts[whole], row.counts[part]
        if value > most:
            names = {
                f"{name}{end}": text for name, of in (("column", part), ("whole", whole)) for end, text in _ends(of)
            }
            reason = Reason("bulletins.above", {**_at(row), **names, "printed": value, "most": most})
            yield Finding(Fault.ABOVE, row.name, row.line, part, str(value), f"≤{most}", reason)


# ---- rates ---------------------------------------------------------------------------------------------------------


def _rates(table: PrintedTable, place: int, below: Sequence[int]) -> Iterator[Finding]:
    row = table.rows[place]
    checked = False
    for column, printed in row.rates.items():
        said: dict[str, Param] = {**_at(row), **_named(column), "printed": f"{printed:f}"}
        if printed > 100:
            checked = True
            yield Finding(
                Fault.RATE_RANGE,
                row.name,
                row.line,
                column,
                f"{printed:f}",
                "≤100",
                Reason("bulletins.rate_range", said),
            )
            continue
        parts = _quotient(row, column)
        if parts is None:
            continue
        count, of = parts
        checked = True
        if of == 0:
            yield Finding(
                Fault.RATE_OF_NOTHING,
                row.name,
                row.line,
                column,
                f"{printed:f}",
                "-",
                Reason("bulletins.rate_of_nothing", said),
            )
        elif count <= of and printed not in _rounded(Fraction(100 * count, of), _places(printed)):
            computed = f"{_half_up(Fraction(100 * count, of), _places(printed)):f}"
            reason = Reason("bulletins.rate", {**said, "part": count, "of": of, "computed": computed})
            hints = tuple(_rate_hints(table, place, below, column, printed, Fraction(100 * count, of)))
            yield Finding(Fault.RATE, row.name, row.line, column, f"{printed:f}", computed, reason, hints)
    if len(row.rates) == 2 and not checked:
        both = row.rates[Column.PASS_RATE] + row.rates[Column.FAIL_RATE]
        # Each may have been rounded by half of its last place.
        slack = sum(Fraction(1, 2 * 10 ** _places(rate)) for rate in row.rates.values())
        if abs(Fraction(both) - 100) > slack:
            pair: dict[str, Param] = {**_at(row), "printed": f"{both:f}"}
            pair |= {"passed": f"{row.rates[Column.PASS_RATE]:f}", "failed": f"{row.rates[Column.FAIL_RATE]:f}"}
            reason = Reason("bulletins.rate_pair", pair)
            yield Finding(Fault.RATE_PAIR, row.name, row.line, Column.PASS_RATE, f"{both:f}", "100", reason)


def _quotient(row: PrintedRow, column: Column) -> tuple[int, int] | None:
    """The count that the rate is of, and its base; a count that is not printed follows from the other two."""
    good, bad = row.counts.get(Column.PASSED), row.counts.get(Column.FAILED)
    base = _base(row)
    if base is Column.SAMPLED and (unknown := row.counts.get(Column.NOT_TESTED)) is not None:
        of = max(0, row.counts[base] - unknown)
    elif base is not None:
        of = row.counts[base]
    elif good is not None and bad is not None:
        of = good + bad
    else:
        return None
    wanted, other = (good, bad) if column is Column.PASS_RATE else (bad, good)
    if wanted is not None:
        return wanted, of
    return (of - other, of) if other is not None and other <= of else None


def _places(printed: Decimal) -> int:
    exponent = printed.as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def _scaled(units: int, places: int) -> Decimal:
    return Decimal(units).scaleb(-places)


def _half_up(share: Fraction, places: int) -> Decimal:
    return _scaled((share * 10**places + Fraction(1, 2)).__floor__(), places)


def _rounded(share: Fraction, places: int) -> tuple[Decimal, Decimal]:
    return _half_up(share, places), _scaled(round(share * 10**places), places)


def _rate_hints(
    table: PrintedTable, place: int, below: Sequence[int], column: Column, printed: Decimal, share: Fraction
) -> Iterator[Reason]:
    """What would give the printed rate: another rounding, another base, the mean of the rows' rates, the other rate."""
    row, places = table.rows[place], _places(printed)
    said: dict[str, Param] = {"printed": f"{printed:f}"}
    if printed == _scaled((share * 10**places).__floor__(), places):
        yield Reason("bulletins.cut", said)
    elif printed == _scaled((share * 10**places).__ceil__(), places):
        yield Reason("bulletins.raised", said)
    if printed in _rounded(100 - share, places):
        yield Reason("bulletins.other_rate", said)
    if share and printed in _rounded(share / 100, places):
        yield Reason("bulletins.as_fraction", said)
    sampled = row.counts.get(Column.SAMPLED)
    count = row.counts.get(Column.PASSED if column is Column.PASS_RATE else Column.FAILED)
    if Column.TESTED in row.counts and sampled and count is not None and printed in _rounded(Fraction(100 * count, sampled), places):  # fmt: skip
        yield Reason("bulletins.of_sampled", {**said, "sampled": sampled})
    means = [
        [Fraction(100 * part[0], part[1]) for at in below if (part := _quotient(table.rows[at], column)) and part[1]]
    ]
    means.append([Fraction(table.rows[at].rates[column]) for at in below if column in table.rows[at].rates])
    if any(len(one) > 1 and printed in _rounded(sum(one, Fraction()) / len(one), places) for one in means):
        yield Reason("bulletins.averaged", {**said, "count": len(below)})


# ---- rows ----------------------------------------------------------------------------------------------------------


def _duplicates(table: PrintedTable, sums: Sequence[tuple[int, tuple[int, ...]]]) -> Iterator[Finding]:
    """Rows of one name among the rows of one sum."""
    groups = [below for _, below in sums]
    held = {place for below in groups for place in below}
    alone = [place for place in range(len(table.rows)) if place not in held and table.rows[place].role is Role.ITEM]
    for below in (*groups, alone):
        seen: dict[str, PrintedRow] = {}
        for row in (table.rows[place] for place in below if table.rows[place].role is Role.ITEM):
            first = seen.setdefault(row.name, row)
            if first is not row:
                same = first.counts == row.counts and first.rates == row.rates
                code = "bulletins.printed_twice" if same else "bulletins.name_twice"
                reason = Reason(code, {**_at(row), "first": first.line})
                yield Finding(Fault.DUPLICATE, row.name, row.line, "name", f"{row.line}", f"{first.line}", reason)


def _missing(table: PrintedTable, sums: Sequence[tuple[int, tuple[int, ...]]]) -> Iterator[Finding]:
    """A total that is larger than its rows in several columns, by what one row could have."""
    for total, below in sums:
        row = table.rows[total]
        gaps = {
            column: row.counts[column] - sum(table.rows[place].counts[column] for place in below)
            for column in COUNTS
            if column in row.counts and all(column in table.rows[place].counts for place in below)
        }
        base = _base(row)
        if base not in gaps or len(gaps) < 2 or not gaps[base]:
            continue
        sign = 1 if gaps[base] > 0 else -1
        shape = {column: sign * gap for column, gap in gaps.items()}
        if any(gap < 0 for gap in shape.values()) or not _adds_up(shape, base):
            continue
        shown = "、".join(f"{_named(column)['column']} {gap}" for column, gap in shape.items())
        shown_en = ", ".join(f"{_named(column)['column_en']} {gap}" for column, gap in shape.items())
        said: dict[str, Param] = {**_at(row), "gaps": shown, "gaps_en": shown_en}
        printed, computed = str(row.counts[base]), str(row.counts[base] - gaps[base])
        if sign > 0:
            reason = Reason("bulletins.missing_row", said)
            yield Finding(Fault.MISSING_ROW, row.name, row.line, base, printed, computed, reason)
        else:
            extra = [
                table.rows[place] for place in below if all(table.rows[place].counts[c] == g for c, g in shape.items())
            ]
            for one in extra[:1]:  # its double is a finding of its own
                reason = Reason("bulletins.counted_twice", {**said, "other": one.name, "other_line": one.line})
                yield Finding(Fault.DUPLICATE, row.name, row.line, base, printed, computed, reason)


def _adds_up(shape: Mapping[Column, int], base: Column) -> bool:
    """Whether these differences could be one row: its own parts make its whole."""
    if {Column.PASSED, Column.FAILED} <= shape.keys():
        return shape[base] == shape[Column.PASSED] + shape[Column.FAILED]
    return sum(1 for gap in shape.values() if gap) > 1


def _numbers(table: PrintedTable) -> Iterator[Finding]:
    """Serial numbers that leave one out or come twice. A number 1 begins a new list."""
    before: PrintedRow | None = None
    for row in table.rows:
        if row.number is None:
            continue
        last = before.number if before is not None else None
        if last is not None and row.number not in (last + 1, 1):
            expected = last + 1
            said: dict[str, Param] = {**_at(row), "printed": row.number, "expected": expected}
            fault = Fault.MISSING_NUMBER if row.number > expected else Fault.DUPLICATE
            reason = Reason("bulletins.number_skipped" if row.number > expected else "bulletins.number_back", said)
            yield Finding(fault, row.name, row.line, "number", str(row.number), str(expected), reason)
        before = row
