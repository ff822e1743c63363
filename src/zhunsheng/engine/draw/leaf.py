"""One line of a frame: what a unit's columns mean, read strictly; and the same, fast, for the lines that come by the million.

`read_columns` is the rule. `LeafReader` gives the same answers: a line whose form a regular expression proves canonical
is read by it, every other one by the strict parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from zhunsheng.engine.draw.fields import obj, text
from zhunsheng.engine.errors import DrawError, ZhunshengError
from zhunsheng.engine.identifiers import parse_id, quick_unit_id
from zhunsheng.engine.public_log import Json, canonical, parse_canonical

_OWN = ("stratum", "exclusion", "size", "lambda", "speciality")
MOST_STRATA = 10_000
_MOST_COLUMNS = 200
_MOST_STANDINGS = 200_000

Scope: TypeAlias = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit stands in one list: full name of the stratum, exclusion code ("" = can be drawn).

    size and weight (the column `lambda`) count in a Pareto stratum only, for units that can be drawn; 0 = missing or
    no whole number from 1.
    """

    stratum: str
    exclusion: str
    size: int = 0
    weight: int = 0


def check_unit_id(unit_id: str) -> None:
    """Refuses an id that is not `scheme:value`, or fails the check digits of its scheme.

    Printable ASCII without spaces, '|' and '='. A scheme known to `engine.identifiers` is checked by it (a
    统一社会信用代码 by GB 32100); of any other only the form can be checked.
    """
    if "|" in unit_id or "=" in unit_id:
        raise DrawError("draw.frame.bad_id", id=unit_id[:80])
    if not (unit_id.isascii() and quick_unit_id(unit_id.encode())):
        parse_id(unit_id)


def good_unit_id(unit_id: bytes) -> bool:
    """Whether `check_unit_id` accepts this id, quickly where it can be told quickly."""
    if quick_unit_id(unit_id):
        return True
    try:
        check_unit_id(unit_id.decode())
    except (ZhunshengError, UnicodeDecodeError):
        return False
    return True


def column(name: str, part: str) -> str:
    """The column of a list: `stratum` of the one list "", `food.stratum` of the list food."""
    return f"{name}.{part}" if name else part


def full_name(name: str, stratum: str) -> str:
    """The full name of a stratum: itself, or `list/stratum` in a draw of several lists."""
    return f"{name}/{stratum}" if name else stratum


def read_columns(
    leaf: Mapping[str, Json], lists: Sequence[str] = (), pareto: Collection[str] = ()
) -> tuple[str, tuple[Place, ...]]:
    """The id of a unit and where it stands, one place a list it is on, after checking all its columns.

    lists: names of the lists of a joint draw; empty for a draw of one list. pareto: full names of the strata drawn
    with unequal probabilities. Column names are printable text, values are text, whole numbers, true, false or null.

    Raises DrawError or IdentifierError for a bad id, a column or value of the wrong kind, no stratum, a column that
    looks like one of a list and is not, and a `lambda` where it has no effect.
    """
    unit_id = leaf.get("id")
    if not isinstance(unit_id, str):
        raise DrawError("draw.frame.no_id")
    check_unit_id(unit_id)
    for name, value in leaf.items():
        text(name, f"{unit_id}.{name}")
        if not (value is None or isinstance(value, str | int)):
            raise DrawError("draw.frame.bad_value", id=unit_id, column=name)
        if lists:
            _check_column(unit_id, name, lists)
    places: list[Place] = []
    for one in lists or ("",):
        if lists and column(one, "stratum") not in leaf:
            for part in ("exclusion", "lambda", "speciality"):
                if column(one, part) in leaf:
                    raise DrawError("draw.frame.not_on_list", id=unit_id, column=column(one, part), list=one)
            continue
        places.append(_place(unit_id, leaf, one, pareto))
    if not places:
        raise DrawError("draw.frame.on_no_list", id=unit_id)
    return unit_id, tuple(places)


def speciality_of(leaf: Mapping[str, Json], names: Iterable[str] = ("",)) -> str:
    """What the lead of a visit to this unit must hold: the codes of the column `speciality` of these lists together,
    ascending, joined by '+'; "" = nothing in particular. names: of the lists that drew the unit, or the one list ""."""
    codes: set[str] = set()
    for one in names:
        value = leaf.get(column(one, "speciality"), "")
        codes.update(value.split("+") if isinstance(value, str) and value else ())
    return "+".join(sorted(codes))


def check_speciality(value: Json, at: str) -> str:
    """`value` as a speciality: codes ascending, joined by '+', each once, without '|'; "" = none."""
    found = text(value, at, empty=True)
    codes = found.split("+") if found else []
    if "|" in found or "" in codes or codes != sorted(set(codes)):
        raise DrawError("draw.frame.bad_speciality", at=at, speciality=found[:80])
    for code in codes:
        text(code, at)
    return found


def _check_column(unit_id: str, name: str, lists: Sequence[str]) -> None:
    start, _, part = name.rpartition(".")
    if part in _OWN and start not in lists:
        raise DrawError("draw.frame.unknown_list", id=unit_id, column=name, lists=" ".join(lists))


def _place(unit_id: str, leaf: Mapping[str, Json], one: str, pareto: Collection[str]) -> Place:
    at = f"{unit_id}.{column(one, '')}"
    stratum = full_name(one, text(leaf.get(column(one, "stratum")), f"{at}stratum"))
    exclusion = text(leaf.get(column(one, "exclusion"), ""), f"{at}exclusion", empty=True)
    check_speciality(leaf.get(column(one, "speciality"), ""), f"{at}speciality")
    if stratum in pareto and not exclusion:
        weights = (_whole(leaf.get(column(one, part))) for part in ("size", "lambda"))
        return Place(stratum, exclusion, *weights)
    if column(one, "lambda") in leaf:
        raise DrawError("draw.pareto.stray", id=unit_id, column=column(one, "lambda"))
    return Place(stratum, exclusion)


def _whole(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def out_of_scope(leaf: Mapping[str, Json], scope: Scope) -> str:
    """The first column whose value does not begin with one of the announced texts; "" if all do."""
    for name, starts in scope.items():
        value = leaf.get(name)
        if not isinstance(value, str) or not value.startswith(tuple(starts)):
            return name
    return ""


# ── the same, by the million ─────────────────────────────────────────────────────────────────────────────────────────

Weights: TypeAlias = tuple[tuple[str, int, int], ...]
"""(full name of a Pareto stratum, size, lambda) of a unit that can be drawn there; 0 = missing, or no number from 1."""

Keep: TypeAlias = Callable[[tuple[bytes, bytes, bytes, bytes]], None]


@dataclass(slots=True, eq=False)
class Alike:
    """Units that stand alike: their places (without weights), and the column in which they leave the scope ("" = none).

    weighted: (stratum, size column, lambda column) where these differ from unit to unit; stray: lambda columns that
    must not be there. `count` and `keep` belong to whoever counts.
    """

    places: tuple[Place, ...]
    outside: str
    weighted: tuple[tuple[str, str, str], ...]
    stray: tuple[str, ...]
    count: int = 0
    keep: tuple[tuple[bytes, Keep], ...] | None = None


_TEXT = rb'"([^"\\\x00-\x1f]*+)"'
_VALUE = rb'"[^"\\\x00-\x1f]*+"|-?[1-9][0-9]{0,14}+|0|true|false|null'


class LeafReader:
    """Reads the lines of one frame, each valid UTF-8: `read(line)` gives the id, what it is alike, the weights.

    It learns columns and strata from lines that passed the strict parser; what has only these, in order, with values
    that need no escapes, is canonical by its form. Raises whatever the strict parser and `read_columns` raise.
    """

    def __init__(self, lists: Sequence[str] = (), pareto: Collection[str] = (), scope: Scope | None = None) -> None:
        self.lists, self.pareto, self.scope = tuple(lists), frozenset(pareto), dict(scope or {})
        self.alikes: dict[tuple[str, tuple[Place, ...]], Alike] = {}
        self._known: dict[tuple[bytes | None, ...] | bytes | None, Alike] = {}
        each = self.lists or ("",)
        self._texts = tuple(column(one, part) for one in each for part in ("stratum", "exclusion"))
        self._numbers = tuple(column(one, part) for one in each for part in ("size", "lambda")) if self.pareto else ()
        specialities = tuple(column(one, "speciality") for one in each)
        self._strata: set[str] = set()
        self._told = (
            *self._texts,
            *specialities,
            *(name for name in self.scope if name not in (*self._texts, *specialities, "id")),
        )
        self._id_starts = tuple(start.encode() for start in self.scope.get("id", ("",)))
        self._columns: frozenset[str] = frozenset()
        self._always: frozenset[str] = frozenset()
        self._index: dict[str, int] = {}
        self._groups: tuple[int, ...] = ()
        self._match: Callable[[bytes], re.Match[bytes] | None] = lambda line: None

    def read(self, line: bytes) -> tuple[bytes, Alike, Weights]:
        """The id, what it is alike (one object for all units that stand alike), the weights of Pareto strata."""
        return next(self.read_all((line,)))

    def read_all(self, lines: Iterable[bytes]) -> Iterator[tuple[bytes, Alike, Weights]]:
        """`read` of each line in order."""
        known, plain, quick, id_starts = self._known, not self.pareto, quick_unit_id, self._id_starts
        good = good_unit_id
        any_start = id_starts == (b"",)
        find, told, own = self._match, self._groups, self._index.get("id", 0)
        for line in lines:
            match = find(line)
            if match is not None:
                alike = known.get(match.group(*told))
                if (
                    alike is not None
                    and (quick(unit_id := match[own]) or good(unit_id))
                    and (any_start or unit_id.startswith(id_starts))
                ):
                    if plain:
                        yield unit_id, alike, ()
                        continue
                    index, group = self._index, match.group
                    if not any(name in index and group(index[name]) is not None for name in alike.stray):
                        # a column that no line has had yet is taken for group 0, the whole line, which is no number
                        yield (
                            unit_id,
                            alike,
                            tuple(
                                (stratum, _number(group(index.get(size, 0))), _number(group(index.get(weight, 0))))
                                for stratum, size, weight in alike.weighted
                            ),
                        )
                        continue
            yield self._read(line)  # and may have learned a column
            find, told, own = self._match, self._groups, self._index["id"]

    def _read(self, line: bytes) -> tuple[bytes, Alike, Weights]:
        leaf = obj(parse_canonical(line), "leaf", optional=None)
        unit_id, places = read_columns(leaf, self.lists, self.pareto)
        if not (leaf.keys() <= self._columns and self._always <= leaf.keys()):
            self._learn(leaf)
        outside = out_of_scope(leaf, self.scope)
        alike = self._alike(places, outside)
        match = self._match(line)
        if match is not None and outside != "id" and len(self._known) < _MOST_STANDINGS:
            self._known[match.group(*self._groups)] = alike
        drawable = {place.stratum: place for place in places}
        return (
            unit_id.encode(),
            alike,
            tuple((stratum, drawable[stratum].size, drawable[stratum].weight) for stratum, *_ in alike.weighted),
        )

    def _alike(self, places: Sequence[Place], outside: str) -> Alike:
        plain = tuple(Place(place.stratum, place.exclusion) for place in places)
        if (found := self.alikes.get((outside, plain))) is not None:
            return found
        weighted: list[tuple[str, str, str]] = []
        self._strata.update(place.stratum for place in plain)
        if len(self._strata) > MOST_STRATA:
            raise DrawError("draw.frame.too_many_strata", limit=MOST_STRATA)
        for place in plain:
            if place.stratum in self.pareto and not place.exclusion:
                one = place.stratum.partition("/")[0] if self.lists else ""
                weighted.append((place.stratum, column(one, "size"), column(one, "lambda")))
        used = {weight for _, _, weight in weighted}
        stray = tuple(name for one in self.lists or ("",) if (name := column(one, "lambda")) not in used)
        made = self.alikes[outside, plain] = Alike(plain, outside, tuple(weighted), stray)
        return made

    def _learn(self, leaf: Mapping[str, Json]) -> None:
        """A pattern for lines with the columns known so far; those that every line had must be there."""
        always = self._always & leaf.keys() if self._columns else frozenset(leaf)
        columns = self._columns | leaf.keys()
        if len(columns) > _MOST_COLUMNS:
            return
        groups: dict[str, int] = {}
        parts = [rb"\{"]
        for name in sorted(columns, key=lambda name: name.encode("utf-16-be")):
            if name == "id" or name in self._texts:
                value = _TEXT
            else:
                value = rb"(%s)" % _VALUE if name in self._told or name in self._numbers else rb"(?:%s)" % _VALUE
            cell = re.escape(canonical(name)) + b":" + value
            if name != "id":  # every line has an id, so the commas can hang on it
                cell = b",%s" % cell if "id" in groups else b"%s," % cell
            if name == "id" or name in self._told or name in self._numbers:
                groups[name] = len(groups) + 1
            parts.append(cell if name in always else b"(?:%s)?+" % cell)
        parts.append(rb"\}")
        self._match = re.compile(b"".join(parts)).fullmatch
        self._columns, self._always = columns, always
        self._index = groups
        self._groups = tuple(groups[name] for name in self._told if name in groups)
        self._known.clear()


def _number(token: bytes | None) -> int:
    return int(token) if token and token.isdigit() else 0
