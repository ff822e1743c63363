"""A procedure as a picture (SVG) and as a table with the same numbers. Both are made from the data alone.

The picture is laid out in layers, as in Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
system structures" (IEEE Trans. SMC 11, 1981): steps that lead back are turned round, long ones pass through places of
their own, and neighbours are drawn near each other. The same procedure gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from zhunsheng.engine.errors import ProcedureError
from zhunsheng.engine.procedure.model import START, Limit, Procedure, Sense, Step
from zhunsheng.engine.procedure.running import NOWHERE, role_name
from zhunsheng.engine.words import say

WIDTH, HEIGHT, GAP_X, GAP_Y = 152, 58, 22, 58
_DUMMY = 26
_LINES = 3
_SWEEPS = 12

Node = tuple[str, int]
"""A state's code and 0, or the n-th place through which a long edge passes."""


@dataclass(frozen=True, slots=True)
class Line:
    """One step as a row of the table. `number` is the one in the picture; `limits`: what the step starts and ends."""

    number: int
    step: Step
    name: str
    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]
    apart: tuple[str, ...]
    documents: tuple[str, ...]
    starts: tuple[str, ...]
    ends: tuple[str, ...]
    note: str = ""


def table(procedure: Procedure, lang: str = "zh") -> tuple[Line, ...]:
    """The steps in the order of the file, numbered as in the picture, in words."""

    def state(code: str) -> str:
        return NOWHERE.label(lang) if code == START else procedure.states[code].label(lang)

    def steps(codes: Iterable[str]) -> tuple[str, ...]:
        return tuple(procedure.steps[code].label(lang) for code in codes)

    return tuple(
        Line(
            number,
            step,
            step.label(lang),
            (say("procedure.table.any", lang),) if "any" in step.sources else tuple(map(state, step.sources)),
            state(step.target) if step.target else "",
            tuple(role_name(role, lang) for role in step.roles),
            steps(step.apart),
            tuple(procedure.facts[code].label(lang) for code in step.documents),
            tuple(length(limit, lang) for limit in procedure.limits.values() if step.code in limit.starts),
            tuple(limit.label(lang) for limit in procedure.limits.values() if step.code in limit.ends),
            step.notes(lang),
        )
        for number, step in enumerate(procedure.steps.values(), 1)
    )


def length(limit: Limit, lang: str = "zh") -> str:
    """A limit in words: its name, how long, and whether it is a last day or a time that must first pass."""
    unit = limit.unit.label(lang)
    if limit.until and not limit.amount:
        return say("procedure.table.set", lang, name=limit.label("zh"), name_en=limit.label("en"))
    code = "at_least" if limit.sense is Sense.AT_LEAST else "at_most"
    said = {"name": limit.label("zh"), "name_en": limit.label("en"), "unit": limit.unit.label("zh"), "unit_en": unit}
    return say(f"procedure.table.{code}", lang, amount=limit.amount, **said)


def diagram(procedure: Procedure, lang: str = "zh", present: str | None = None) -> str:
    """The procedure as SVG text, without styles or scripts; colours follow the text's own (currentColor).

    `present`: the code of the state to mark. Raises ProcedureError for a state that the procedure has not.
    """
    if present is not None and present not in procedure.states:
        raise ProcedureError("procedure.no_state", where=procedure.code, state=present)
    return _Drawing(procedure, lang, present).svg()


class _Drawing:
    def __init__(self, procedure: Procedure, lang: str, present: str | None) -> None:
        self.procedure, self.lang, self.present = procedure, lang, present
        self.numbers = {step.code: n for n, step in enumerate(procedure.steps.values(), 1)}
        self.edges: dict[tuple[str, str], list[int]] = {}
        self.loops: dict[str, list[int]] = {}
        for step in procedure.steps.values():
            for source in procedure.sources_of(step):
                if step.target and step.target != source:
                    self.edges.setdefault((source, step.target), []).append(self.numbers[step.code])
                else:
                    self.loops.setdefault(source, []).append(self.numbers[step.code])
        self.layer = _layers([START, *procedure.states], list(self.edges))
        self.rows, self.paths = _rows(self.layer, list(self.edges))
        links = [link for path in self.paths.values() for link in zip(path, path[1:], strict=False)]
        _untangle(self.rows, links)
        self.x = _places(self.rows, links)

    def at(self, node: Node, row: int) -> tuple[float, float]:
        return self.x[node], 40 + row * (HEIGHT + GAP_Y)

    def svg(self) -> str:
        width = round(max(x + _width(node) / 2 for node, x in self.x.items()) + 16)
        height = 40 + len(self.rows) * (HEIGHT + GAP_Y)
        name = f"procedure-{self.procedure.code}"
        marker = f"{name}-arrow"
        body = [self.edge(edge, numbers, marker) for edge, numbers in self.edges.items()]
        body += [self.state(code) for code in (START, *self.procedure.states)]
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
                f' height="{height}" role="img" aria-labelledby="{name}-title {name}-desc" class="procedure"'
                ' font-size="13" text-anchor="middle">',
                f'<title id="{name}-title">{escape(self.procedure.label(self.lang))}</title>',
                f'<desc id="{name}-desc">{escape(self.told())}</desc>',
                f'<defs><marker id="{marker}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7"'
                ' orient="auto"><path d="M0 0 8 4 0 8z" fill="currentColor"/></marker></defs>',
                *body,
                "</svg>",
            ]
        )

    def told(self) -> str:
        """The picture in words, for those who do not see it."""
        states, steps = len(self.procedure.states), len(self.procedure.steps)
        text = say("procedure.picture.desc", self.lang, states=states, steps=steps)
        if self.present is not None:
            now = self.procedure.states[self.present]
            text += say("procedure.picture.present", self.lang, state=now.name, state_en=now.name_en)
        return text

    def edge(self, edge: tuple[str, str], numbers: Sequence[int], marker: str) -> str:
        path = self.paths[edge]
        back = path[0] != (edge[0], 0)
        pair = (edge[1], edge[0]) in self.edges  # two steps between the same states run side by side
        aside = (14 if back else -14) if pair else 0
        first = self.layer[path[0][0]]
        spans: list[tuple[tuple[float, float], tuple[float, float]]] = []  # curves run between the rows only
        lower = (0.0, 0.0)
        for row, node in enumerate(path, first):
            x, y = self.at(node, row)
            if row > first:
                spans.append((lower, (x + aside, y - _half(node))))
            lower = (x + aside, y + _half(node))
        if back:
            spans = [(end, start) for start, end in reversed(spans)]
        d = f"M{spans[0][0][0]:.1f} {spans[0][0][1]:.1f}"
        for (x0, y0), (x1, y1) in spans:
            bend = (y1 - y0) / 2
            d += f" L{x0:.1f} {y0:.1f} C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}"
        (x0, y0), (x1, y1) = spans[(len(spans) - 1) // 2]
        share = 0.62 if back else 0.42
        smooth = 3 * share**2 - 2 * share**3
        x, y = x0 + (x1 - x0) * smooth, y0 + (y1 - y0) * share
        text = _ranges(numbers)
        box = 10 + 7 * len(text)
        names = "; ".join(f"{n} {self.name(n)}" for n in numbers)
        dashed = ' stroke-dasharray="5 3"' if back else ""
        return (
            f'<g class="step"><title>{escape(names)}</title>'
            f'<path d="{d}" fill="none" stroke="currentColor"{dashed} marker-end="url(#{marker})"/>'
            f'<rect x="{x - box / 2:.1f}" y="{y - 9:.1f}" width="{box}" height="18" rx="9" class="number"'
            ' fill="Canvas" stroke="currentColor"/>'
            f'<text x="{x:.1f}" y="{y + 4:.1f}" font-size="11" fill="currentColor">{text}</text></g>'
        )

    def name(self, number: int) -> str:
        return list(self.procedure.steps.values())[number - 1].label(self.lang)

    def state(self, code: str) -> str:
        x, y = self.at((code, 0), self.layer[code])
        if code == START:
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" class="start" fill="currentColor"/>'
        state, now = self.procedure.states[code], code == self.present
        lines = _wrapped(state.label(self.lang), 11 if not self.lang.startswith("en") else 22)
        loops = self.loops.get(code, [])
        if loops:
            lines = [*lines[: _LINES - 1], "↻ " + _ranges(loops)]
        kind = "state" + (" final" if state.final else "") + (" present" if now else "")
        top = y + 5 - (len(lines) - 1) * 8
        words = "".join(
            f'<text x="{x:.1f}" y="{top + n * 16:.1f}" fill="currentColor"'
            f"{' font-weight=' + chr(34) + '700' + chr(34) if now else ''}>{escape(line)}</text>"
            for n, line in enumerate(lines)
        )
        box = f'x="{x - WIDTH / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{WIDTH}" height="{HEIGHT}"'
        stroke = 3 if now else 1
        frame = f'<rect {box} rx="{HEIGHT // 2 if state.final else 6}" fill="Canvas" stroke="currentColor" stroke-width="{stroke}"/>'
        mark = ""
        if now:
            mark = f'<path d="M{x - WIDTH / 2 - 14:.1f} {y - 7:.1f} l10 7 -10 7z" fill="currentColor"/>'
        titles = [state.label(self.lang), *(f"{n} {self.name(n)}" for n in loops)]
        if now:
            titles.append(say("procedure.picture.here", self.lang))
        return f'<g class="{kind}"><title>{escape("; ".join(titles))}</title>{frame}{words}{mark}</g>'


def _width(node: Node) -> int:
    return WIDTH if node[1] == 0 else _DUMMY


def _half(node: Node) -> float:
    return 9 if node[0] == START else HEIGHT / 2


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers in few signs: 6–9·12."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return "·".join(f"{g[0]}–{g[-1]}" if len(g) > 2 else "·".join(map(str, g)) for g in groups)


def _wrapped(text: str, most: int) -> list[str]:
    """At most three lines; Chinese is cut anywhere, English between words."""
    lines = [""]
    for part in text.split(" ") if " " in text else list(text):
        joined = f"{lines[-1]} {part}".strip() if " " in text else lines[-1] + part
        if len(joined) > most and lines[-1]:
            lines.append(part)
        else:
            lines[-1] = joined
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], lines[_LINES - 1][: most - 1] + "…"]
    return lines


def _layers(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """A layer for each state: the longest way from the start, without the steps that lead back."""
    after: dict[str, list[str]] = {node: [] for node in nodes}
    for source, target in edges:
        after[source].append(target)
    done: list[str] = []
    on_way: set[str] = set()
    forward: dict[str, list[str]] = {node: [] for node in nodes}

    def visit(node: str) -> None:
        on_way.add(node)
        for target in after[node]:
            if target not in on_way:
                forward[node].append(target)
                if target not in done:
                    visit(target)
        on_way.discard(node)
        done.append(node)

    for node in nodes:
        if node not in done:
            visit(node)
    layer = dict.fromkeys(nodes, 0)
    for node in reversed(done):
        for target in forward[node]:
            layer[target] = max(layer[target], layer[node] + 1)
    return layer


def _rows(
    layer: Mapping[str, int], edges: Sequence[tuple[str, str]]
) -> tuple[list[list[Node]], dict[tuple[str, str], list[Node]]]:
    """The nodes of each layer, and for each edge the nodes it passes, from the upper to the lower end."""
    rows: list[list[Node]] = [[] for _ in range(max(layer.values()) + 1)]
    for node, row in layer.items():
        rows[row].append((node, 0))
    paths: dict[tuple[str, str], list[Node]] = {}
    for number, edge in enumerate(edges, 1):
        top, bottom = sorted(edge, key=lambda n: layer[n])
        path: list[Node] = [(top, 0)]
        for row in range(layer[top] + 1, layer[bottom]):
            passing = (f"{edge[0]}>{edge[1]}", number * 1000 + row)
            rows[row].append(passing)
            path.append(passing)
        paths[edge] = [*path, (bottom, 0)]
    return rows, paths


def _untangle(rows: list[list[Node]], links: Sequence[tuple[Node, Node]]) -> None:
    """Orders each row by the mean place of its neighbours, downwards and upwards in turn."""
    up: dict[Node, list[Node]] = {}
    down: dict[Node, list[Node]] = {}
    for a, b in links:
        down.setdefault(a, []).append(b)
        up.setdefault(b, []).append(a)
    for sweep in range(_SWEEPS):
        near, order = (up, rows) if sweep % 2 == 0 else (down, rows[::-1])
        for row, beside in zip(order[1:], order, strict=False):
            place = {node: n for n, node in enumerate(beside)}
            row[:] = _by_mean(row, near, place)


def _by_mean(row: Sequence[Node], near: Mapping[Node, Sequence[Node]], place: Mapping[Node, int]) -> list[Node]:
    keyed: list[tuple[float, int, Node]] = []
    for own, node in enumerate(row):
        found = [place[n] for n in near.get(node, ()) if n in place]
        keyed.append((sum(found) / len(found) if found else own, own, node))
    return [node for _, _, node in sorted(keyed)]


def _places(rows: Sequence[Sequence[Node]], links: Sequence[tuple[Node, Node]]) -> dict[Node, float]:
    """The x of each node: near the mean of its neighbours, never nearer to the next one than they are wide."""
    near: dict[Node, list[Node]] = {}
    for a, b in links:
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    x: dict[Node, float] = {}
    for row in rows:
        left = 0.0
        for node in row:
            x[node] = left + _width(node) / 2
            left += _width(node) + GAP_X
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted = [sum(x[n] for n in near[node]) / len(near[node]) if near.get(node) else x[node] for node in row]
            for node, place in zip(row, _apart(row, wanted), strict=True):
                x[node] = place
    least = min(place - _width(node) / 2 for node, place in x.items())
    return {node: place - least + 24 for node, place in x.items()}


def _apart(row: Sequence[Node], wanted: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones that keep the order and the distances: pushed right, pushed left, the mean."""
    right, left = list(wanted), list(wanted)
    for n in range(1, len(row)):
        right[n] = max(right[n], right[n - 1] + _distance(row[n - 1], row[n]))
    for n in range(len(row) - 2, -1, -1):
        left[n] = min(left[n], left[n + 1] - _distance(row[n], row[n + 1]))
    return [(a + b) / 2 for a, b in zip(right, left, strict=True)]


def _distance(one: Node, other: Node) -> float:
    return (_width(one) + _width(other)) / 2 + GAP_X
