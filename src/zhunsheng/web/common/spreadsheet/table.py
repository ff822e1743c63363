"""What a file of rows looks like to its reader, whichever program wrote it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import Refused

#: The heading is looked for in this many rows; a title above it is passed over and named.
HEADING_WITHIN = 20
#: No register has so many columns: more is a wrong delimiter or a hostile file.
MAX_COLUMNS = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a row as it stands in the file. `column`: index of the heading, None for the whole row."""

    column: "int | None"
    message: str


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row that is not empty. `number` is the row's number as the spreadsheet shows it; `cells` has one text per heading."""

    number: int
    cells: list[str]
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Table:
    """An open file. `rows` can be read once. `notes`: what the reader should know (sheets not read, rows above the heading)."""

    kind: str
    encoding: str
    header: list[str]
    header_row: int
    rows: Iterator[SheetRow]
    notes: list[str] = field(default_factory=list)
    close: Callable[[], None] = lambda: None

    def __enter__(self) -> "Table":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", trace: "TracebackType | None"
    ) -> None:
        self.close()


def letters(column: int) -> str:
    """The name of a column as spreadsheets show it: 0 → A, 26 → AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def clean(text: str) -> str:
    """A cell without the space around it, in one line. Wide spaces and marks of no width count as space."""
    return text.strip(" \t\r\n\u3000\xa0\u200b\ufeff").replace("\r\n", " ").replace("\n", " ").replace("\r", " ")


def split_heading(
    records: Iterable[tuple[int, list[str]]],
) -> tuple[int, list[str], list[int], Iterator[tuple[int, list[str]]]]:
    """Finds the heading: the first row with two filled cells, or, in a file of one column, the first filled row.

    Returns its row number, its cells, the numbers of filled rows above it, and the records below it.
    Raises Refused for an empty file, a heading without names, and two columns of one name.
    """
    stream = iter(records)
    seen: list[tuple[int, list[str]]] = []
    found = None
    for record in stream:
        if not any(record[1]):
            continue
        seen.append(record)
        if sum(1 for cell in record[1] if cell) >= 2:
            found = len(seen) - 1
            break
        if len(seen) == HEADING_WITHIN:
            break
    if not seen:
        raise Refused(_("文件是空的：没有表头，也没有数据"))
    place = found if found is not None else 0
    number, cells = seen[place]
    header = [clean(cell) for cell in cells]
    while header and not header[-1]:
        header.pop()
    if len(header) > MAX_COLUMNS:
        raise Refused(
            _("第 %(row)s 行表头有 %(n)s 列，最多 %(most)s 列。请删去无关的列")
            % {"row": number, "n": len(header), "most": MAX_COLUMNS}
        )
    places: dict[str, int] = {}
    for index, name in enumerate(header):
        if name and name in places:
            raise Refused(
                _("表头第 %(row)s 行有两列都叫“%(name)s”(%(first)s 列和 %(second)s 列)。请改成不同的名称")
                % {"row": number, "name": name, "first": letters(places[name]), "second": letters(index)}
            )
        places[name] = index
    header = [name or _("未命名列 %(column)s") % {"column": letters(index)} for index, name in enumerate(header)]
    above = [row for row, _cells in seen[:place]]
    rest = seen[place + 1 :]

    def below() -> Iterator[tuple[int, list[str]]]:
        yield from rest
        yield from stream

    return number, header, above, below()


def fitted(number: int, cells: Sequence[str], width: int) -> SheetRow:
    """The row with exactly `width` cells. Missing or surplus cells are a fault of the row; nothing is moved to another column."""
    if len(cells) == width:
        return SheetRow(number, list(cells))
    if len(cells) < width:
        message = _("只有 %(n)s 格，表头有 %(width)s 列：少了分隔符或断了行") % {"n": len(cells), "width": width}
        return SheetRow(number, [*cells, *[""] * (width - len(cells))], (Fault(None, message),))
    surplus = [index for index in range(width, len(cells)) if cells[index]]
    if not surplus:
        return SheetRow(number, list(cells[:width]))
    message = _("比表头多 %(n)s 格(%(column)s 列的“%(text)s”没有表头)：多了分隔符，或单元格里的逗号没有加引号") % {
        "n": len(cells) - width, "column": letters(surplus[0]), "text": cells[surplus[0]][:20],
    }  # fmt: skip
    return SheetRow(number, list(cells[:width]), (Fault(None, message),))


def control_fault(cells: Sequence[str]) -> "Fault | None":
    """A fault for the first cell with an invisible control character, which no form would let in either."""
    for index, cell in enumerate(cells):
        if not cell.isprintable() and any(
            character < " " or "\x7f" <= character < "\xa0" for character in cell if character != "\t"
        ):
            return Fault(index, _("%(column)s 列有看不见的控制字符，请重新输入这一格") % {"column": letters(index)})
    return None
