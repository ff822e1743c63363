"""From the columns of a file to the columns of a kind: matched by heading, chosen in a form, or written by a user in TOML.

The format is docs/reference/file-formats.md.
"""

import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet import SheetRow, parse_day_as
from zhunsheng.web.desk.importing.kinds import ImportColumn, ImportKind, Row

MAX_TEXT = 100_000
_TOP = ("kind", "title", "note", "group_by", "differences", "skip", "columns")
_RULE = ("from", "join", "constant", "default", "map", "otherwise", "prefix", "scheme", "date")
_DIFFERENCES = ("refuse", "first", "last")


@dataclass(frozen=True, slots=True)
class Rule:
    """How one column is made. Steps in this order: join the sources, `default` for nothing, `map`, `date`, `prefix`."""

    sources: tuple[str, ...] = ()
    join: str = " "
    constant: "str | None" = None
    default: str = ""
    values: "Mapping[str, str] | None" = None
    otherwise: "str | None" = None
    prefix: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole mapping. `group_by`: columns of the file; `differences`: what to do when the rows of a group disagree."""

    columns: Mapping[str, Rule]
    group_by: tuple[str, ...] = ()
    differences: str = "refuse"
    skip: Mapping[str, frozenset[str]] = field(default_factory=dict)
    title: str = ""

    @property
    def sources(self) -> set[str]:
        """Every column of the file that the plan reads."""
        return {name for rule in self.columns.values() for name in rule.sources} | set(self.group_by) | set(self.skip)


def plain(name: str) -> str:
    """A heading as it is compared: full width made plain, no case, no space, no star, no remark in brackets at its end."""
    text = unicodedata.normalize("NFKC", name).casefold()
    text = re.sub(r"[\s*_:.]+", "", text)
    return re.sub(r"\((?:必填|选填|required|optional)\)$", "", text)


def names_of(column: ImportColumn) -> set[str]:
    """The headings under which a column is recognised: its key, its label in both languages, its synonyms."""
    found = {column.key, *column.synonyms}
    for language in ("zh-hans", "en"):
        with override(language):
            found.add(str(column.label))
    return {plain(name) for name in found}


def guess(kind: ImportKind, header: Sequence[str]) -> Plan:
    """The plan that the headings speak for: each column of the kind fed by the first heading that names it."""
    by_name: dict[str, str] = {}
    for name in header:
        by_name.setdefault(plain(name), name)
    columns = {}
    for column in kind.columns:
        found = [by_name[name] for name in names_of(column) if name in by_name]
        if found:
            columns[column.key] = Rule((min(found, key=list(header).index),))
    return Plan(columns)


def _fail(place: str, message: str) -> Refused:
    return Refused(_("映射文件 %(place)s:%(message)s") % {"place": place, "message": message}, field="mapping")


def _text(value: Any, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _fail(place, _("要写成文字，加引号"))
    return str(value)


def _texts(value: Any, place: str) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(_text(one, place) for one in value)
    return (_text(value, place),)


def _known(given: Mapping[str, Any], allowed: Sequence[str], place: str) -> None:
    for key in given:
        if key not in allowed:
            raise _fail(place, _("不认识“%(key)s”。可以写：%(known)s") % {"key": key[:40], "known": " ".join(allowed)})


def read_plan(text: str, kind: ImportKind) -> Plan:
    """The plan in a mapping file. Raises Refused with the place in the file and what may be written there."""
    if len(text) > MAX_TEXT:
        raise _fail("", _("超过 %(n)s 字") % {"n": f"{MAX_TEXT:,}"})
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise _fail("", _("不是有效的 TOML(%(detail)s)") % {"detail": str(problem)[:120]}) from None
    _known(tree, _TOP, "")
    if "kind" in tree and tree["kind"] != kind.code:
        raise _fail(
            "kind",
            _("这份映射是给“%(other)s”的，现在导入的是“%(kind)s”")
            % {"other": str(tree["kind"])[:40], "kind": kind.code},
        )
    tables = tree.get("columns")
    if not isinstance(tables, dict) or not tables:
        raise _fail("columns", _("至少要有一个 [columns.…]"))
    keys = [column.key for column in kind.columns]
    _known(tables, keys, "columns")
    columns = {key: _rule(table, f"columns.{key}") for key, table in tables.items()}
    skip = tree.get("skip", {})
    if not isinstance(skip, dict):
        raise _fail("skip", _("写成 [skip]，下面每行“文件中的列 = [值]”"))
    differences = _text(tree.get("differences", "refuse"), "differences")
    if differences not in _DIFFERENCES:
        raise _fail("differences", _("可以写：%(known)s") % {"known": " ".join(_DIFFERENCES)})
    return Plan(
        columns,
        _texts(tree["group_by"], "group_by") if "group_by" in tree else (),
        differences,
        {name: frozenset(_texts(values, f"skip.{name}")) for name, values in skip.items()},
        _text(tree.get("title", ""), "title"),
    )


def _rule(table: Any, place: str) -> Rule:
    if isinstance(table, str):
        return Rule((table,))  # columns.name = "Establishment Name"
    if not isinstance(table, dict):
        raise _fail(place, _("写成 from = “文件中的列”，或 constant = “固定值”"))
    _known(table, _RULE, place)
    if ("from" in table) == ("constant" in table):
        raise _fail(place, _("from（文件中的列）和 constant（固定值）要写一个，也只能写一个"))
    values = table.get("map")
    if values is not None and not isinstance(values, dict):
        raise _fail(f"{place}.map", _('写成 { "文件中的值" = "本平台的值" }'))
    if "otherwise" in table and values is None:
        raise _fail(place, _("otherwise 只能和 map 一起用"))
    if "scheme" in table and "prefix" in table:
        raise _fail(place, _("scheme 和 prefix 只能写一个"))
    scheme = _text(table["scheme"], f"{place}.scheme") if "scheme" in table else ""
    if scheme and not re.fullmatch(r"[a-z][a-z0-9-]*", scheme):
        raise _fail(f"{place}.scheme", _("类别用小写字母、数字和连字符，例如 toronto"))
    return Rule(
        _texts(table["from"], f"{place}.from") if "from" in table else (),
        _text(table.get("join", " "), f"{place}.join"),
        _text(table["constant"], f"{place}.constant") if "constant" in table else None,
        _text(table.get("default", ""), f"{place}.default"),
        {key: _text(value, f"{place}.map.{key}") for key, value in values.items()} if values is not None else None,
        _text(table["otherwise"], f"{place}.otherwise") if "otherwise" in table else None,
        f"{scheme}:" if scheme else _text(table.get("prefix", ""), f"{place}.prefix"),
        _text(table.get("date", ""), f"{place}.date"),
    )


def write_plan(plan: Plan, kind: ImportKind) -> str:
    """The plan as a mapping file, for keeping and for the next file of the same form."""
    lines = [f"kind = {_quoted(kind.code)}"]
    if plan.title:
        lines.append(f"title = {_quoted(plan.title)}")
    if plan.group_by:
        lines += [f"group_by = {_quoted(list(plan.group_by))}", f"differences = {_quoted(plan.differences)}"]
    if plan.skip:
        lines += ["", "[skip]", *(f"{_quoted(name)} = {_quoted(sorted(values))}" for name, values in plan.skip.items())]
    for key, rule in plan.columns.items():
        lines += ["", f"[columns.{key}]"]
        if rule.constant is not None:
            lines.append(f"constant = {_quoted(rule.constant)}")
        else:
            lines.append(f"from = {_quoted(rule.sources[0] if len(rule.sources) == 1 else list(rule.sources))}")
        for name, value in (
            ("join", rule.join if rule.join != " " else ""),
            ("default", rule.default),
            ("prefix", rule.prefix),
            ("date", rule.date),
        ):
            if value:
                lines.append(f"{name} = {_quoted(value)}")
        if rule.values is not None:
            pairs = ", ".join(f"{_quoted(old)} = {_quoted(new)}" for old, new in rule.values.items())
            lines.append(f"map = {{ {pairs} }}")
        if rule.otherwise is not None:
            lines.append(f"otherwise = {_quoted(rule.otherwise)}")
    return "\n".join(lines) + "\n"


def _quoted(value: "str | list[str]") -> str:
    # A JSON text is a TOML basic string, but for DEL, which JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


class Mapper:
    """A plan bound to the columns of one file: turns its rows into the kind's rows."""

    def __init__(self, plan: Plan, kind: ImportKind, header: Sequence[str]) -> None:
        places = {name: index for index, name in enumerate(header)}
        lost = sorted(plan.sources - set(places))
        if lost:
            raise Refused(
                _("文件里没有这些列：%(lost)s。文件的表头是：%(header)s")
                % {"lost": _("、").join(lost), "header": _("、").join(header[:40])},
                field="mapping",
            )
        self.plan = plan
        self.labels = {column.key: str(column.label) for column in kind.columns}
        self.unused = [name for name in header if name not in plan.sources]
        self._rules = [(key, tuple(places[name] for name in rule.sources), rule) for key, rule in plan.columns.items()]
        self._group = tuple(places[name] for name in plan.group_by)
        self._skip = [(places[name], values) for name, values in plan.skip.items()]
        self._fed_by: dict[int, str] = {}
        for key, rule in plan.columns.items():
            for name in rule.sources:
                self._fed_by.setdefault(places[name], key)

    def skips(self, row: SheetRow) -> bool:
        """Whether the plan leaves this row out."""
        return any(row.cells[index] in values for index, values in self._skip)

    def group(self, row: SheetRow) -> tuple[str, ...]:
        """The values by which the plan groups rows; () where it does not."""
        return tuple(row.cells[index] for index in self._group)

    def apply(self, sheet_row: SheetRow) -> Row:
        """The row in the kind's columns, with the faults of the file on the columns that they feed."""
        cells: dict[str, str] = {}
        row = Row(sheet_row.number, cells, [], self.labels)
        source = sheet_row.cells
        for key, indexes, rule in self._rules:
            if rule.constant is not None:
                cells[key] = rule.constant
                continue
            text = (
                source[indexes[0]]
                if len(indexes) == 1
                else rule.join.join(filter(None, (source[index] for index in indexes)))
            )
            text = text or rule.default
            if rule.values is not None and (text or "" in rule.values):
                found = rule.values.get(text, rule.otherwise)
                if found is None:
                    row.wrong(key, _("“%(text)s”在映射文件的 map 里没有对应的值") % {"text": text[:40]})
                    found = ""
                text = found
            if rule.date and text:
                try:
                    text = parse_day_as(text, rule.date).isoformat()
                except Refused as problem:
                    row.wrong(key, str(problem))
                    text = ""
            cells[key] = rule.prefix + text if rule.prefix and text else text
        for fault in sheet_row.faults:
            if fault.column is None:
                row.wrong("", fault.message)
            elif fault.column in self._fed_by:
                row.wrong(self._fed_by[fault.column], fault.message)
        return row
