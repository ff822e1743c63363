"""The language of guards: comparisons of typed facts, and, or, not, in. Nothing else, so that data cannot run code.

    fine <= yuan(3000) and kind in ("warning", "fine") and not done("hold_hearing")

Names are declared facts. Literals are whole numbers, text, True and False. A choice is compared with the codes of its
choices, a date with an ISO date in quotes, money (fen) with yuan(n). Functions: has(fact) whether it is known;
done("step") whether the step was taken; count("step") how often; people("step") by how many different persons;
overdue("limit") whether a running limit is past. A fact that is needed and not known makes the guard unknown: the step
is refused and the fact is named. Written in Python's syntax and read by `ast`, against a list of what is allowed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache

from zhunsheng.engine.errors import ProcedureError
from zhunsheng.engine.procedure.model import Fact, Value
from zhunsheng.engine.words import Reason

MAX_LENGTH = 1500
_Inner = Callable[[ast.expr], str]
_ORDERED = {"integer", "money", "date", "moment"}
_CALLS = {"has": "flag", "done": "flag", "overdue": "flag", "count": "integer", "people": "integer", "yuan": "money"}
_OF_STEPS = {"done", "count", "people"}


@dataclass(frozen=True, slots=True)
class Scene:
    """What a guard is judged on: the known facts, who took which step (in order), the limits that are past."""

    facts: Mapping[str, Value] = field(default_factory=dict)
    takers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    overdue: frozenset[str] = frozenset()


class Unknown(Exception):
    """A guard that cannot be judged yet: the fact `code` is not known."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def check(
    text: str, facts: Mapping[str, Fact], steps: Mapping[str, object], limits: Mapping[str, object]
) -> Reason | None:
    """What is wrong with a guard: not of the language, an unknown name, types that do not fit. None when sound."""
    try:
        found = _type(_tree(text), facts, steps, limits)
        if found != "flag":
            raise ProcedureError("procedure.guard.not_a_condition", guard=text, kind=found)
    except ProcedureError as error:
        return error.reason
    return None


def holds(text: str, facts: Mapping[str, Fact], scene: Scene) -> bool:
    """Whether the guard holds. Raises Unknown where it needs a fact that is not known."""
    return bool(_value(_tree(text), facts, scene))


@cache
def names(text: str) -> frozenset[str]:
    """The facts that a guard reads."""
    tree = _tree(text)
    called = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called)


@cache
def _tree(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise ProcedureError("procedure.guard.too_long", guard=text[:40], limit=MAX_LENGTH)
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ProcedureError("procedure.guard.syntax", guard=text) from None


def _refuse(node: ast.expr) -> ProcedureError:
    return ProcedureError("procedure.guard.not_allowed", part=ast.unparse(node))


def _type(node: ast.expr, facts: Mapping[str, Fact], steps: Mapping[str, object], limits: Mapping[str, object]) -> str:
    def inner(part: ast.expr) -> str:
        return _type(part, facts, steps, limits)

    match node:
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            parts = node.values if isinstance(node, ast.BoolOp) else [node.operand]
            for part in parts:
                if (found := inner(part)) != "flag":
                    raise ProcedureError("procedure.guard.not_a_condition", guard=ast.unparse(part), kind=found)
            return "flag"
        case ast.Compare():
            left = node.left
            for operator, right in zip(node.ops, node.comparators, strict=True):
                _fits(left, operator, right, facts, inner)
                left = right
            return "flag"
        case ast.Name():
            if node.id not in facts:
                raise ProcedureError("procedure.guard.unknown_fact", fact=node.id)
            return facts[node.id].kind.value
        case ast.Constant(value=bool()):
            return "flag"
        case ast.Constant(value=int()):
            return "integer"
        case ast.Constant(value=str()):
            return "text"
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _CALLS:
            _check_call(name, argument, facts, steps, limits)
            return _CALLS[name]
        case _:
            raise _refuse(node)


def _check_call(
    name: str,
    argument: ast.expr,
    facts: Mapping[str, Fact],
    steps: Mapping[str, object],
    limits: Mapping[str, object],
) -> None:
    match name, argument:
        case "has", ast.Name(id=code):
            if code not in facts:
                raise ProcedureError("procedure.guard.unknown_fact", fact=code)
        case "yuan", ast.Constant(value=int() as amount) if not isinstance(amount, bool):
            return
        case "overdue", ast.Constant(value=str() as code):
            if code not in limits:
                raise ProcedureError("procedure.guard.unknown_limit", limit=code)
        case _, ast.Constant(value=str() as code) if name in _OF_STEPS:
            if code not in steps:
                raise ProcedureError("procedure.guard.unknown_step", step=code)
        case _:
            raise _refuse(argument)


def _fits(left: ast.expr, operator: ast.cmpop, right: ast.expr, facts: Mapping[str, Fact], inner: _Inner) -> None:
    """Refuses a comparison of things that cannot be compared."""
    if isinstance(operator, ast.In | ast.NotIn):
        if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
            raise _refuse(right)
        for element in right.elts:
            _fits(left, ast.Eq(), element, facts, inner)
        return
    if isinstance(operator, ast.Is | ast.IsNot):
        raise ProcedureError("procedure.guard.not_allowed", part="is")
    kinds = inner(left), inner(right)
    for (one, other), node in ((kinds, right), (kinds[::-1], left)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if one == "choice":
                _check_choice(left if node is right else right, node.value, facts)
                kinds = ("choice", "choice")
            elif one == "date" and other == "text":
                _iso(node.value)
                kinds = ("date", "date")
    if kinds[0] != kinds[1]:
        raise ProcedureError("procedure.guard.kinds_differ", part=ast.unparse(left), one=kinds[0], other=kinds[1])
    if not isinstance(operator, ast.Eq | ast.NotEq) and kinds[0] not in _ORDERED:
        raise ProcedureError("procedure.guard.no_order", part=ast.unparse(left), kind=kinds[0])


def _check_choice(node: ast.expr, code: str, facts: Mapping[str, Fact]) -> None:
    if isinstance(node, ast.Name) and facts[node.id].choice(code) is None:
        raise ProcedureError("procedure.guard.unknown_choice", fact=node.id, value=code)


def _iso(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ProcedureError("procedure.guard.not_a_date", value=text) from None


def _value(node: ast.expr, facts: Mapping[str, Fact], scene: Scene) -> Value:
    match node:
        case ast.BoolOp(op=ast.And()):
            return all(_value(part, facts, scene) for part in node.values)
        case ast.BoolOp():
            return any(_value(part, facts, scene) for part in node.values)
        case ast.UnaryOp(op=ast.Not()):
            return not _value(node.operand, facts, scene)
        case ast.Compare():
            return _compared(node, facts, scene)
        case ast.Name():
            if node.id not in scene.facts:
                raise Unknown(node.id)
            return scene.facts[node.id]
        case ast.Constant(value=bool() | int() | str() as value):
            return value
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return _called(name, argument, scene)
        case _:
            raise _refuse(node)


def _called(name: str, argument: ast.expr, scene: Scene) -> Value:
    match name, argument:
        case "has", ast.Name(id=code):
            return code in scene.facts
        case "yuan", ast.Constant(value=int() as amount):
            return amount * 100
        case "overdue", ast.Constant(value=str() as code):
            return code in scene.overdue
        case "done", ast.Constant(value=str() as code):
            return code in scene.takers
        case "count", ast.Constant(value=str() as code):
            return len(scene.takers.get(code, ()))
        case "people", ast.Constant(value=str() as code):
            return len(set(scene.takers.get(code, ())))
        case _:
            raise _refuse(argument)


def _compared(node: ast.Compare, facts: Mapping[str, Fact], scene: Scene) -> bool:
    left = _value(node.left, facts, scene)
    for operator, part in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, ast.In | ast.NotIn):
            assert isinstance(part, ast.Tuple | ast.List)  # checked when the guard was read
            inside = any(_like(left, _value(element, facts, scene)) == left for element in part.elts)
            if inside is isinstance(operator, ast.NotIn):
                return False
            continue
        right = _value(part, facts, scene)
        if not _ordered(operator, _like(right, left), _like(left, right)):
            return False
        left = right
    return True


def _like(pattern: Value, value: Value) -> Value:
    """`value` as a date where it is compared with one."""
    if isinstance(pattern, date) and not isinstance(pattern, datetime) and isinstance(value, str):
        return _iso(value)
    return value


def _ordered(operator: ast.cmpop, left: Value, right: Value) -> bool:
    if isinstance(operator, ast.Eq):
        return left == right
    if isinstance(operator, ast.NotEq):
        return left != right
    if isinstance(left, datetime) and isinstance(right, datetime):
        return _less(operator, left < right, left == right)
    if isinstance(left, int) and isinstance(right, int):
        return _less(operator, left < right, left == right)
    assert isinstance(left, date) and isinstance(right, date)  # the types were checked when the guard was read
    return _less(operator, left < right, left == right)


def _less(operator: ast.cmpop, less: bool, equal: bool) -> bool:
    match operator:
        case ast.Lt():
            return less
        case ast.LtE():
            return less or equal
        case ast.Gt():
            return not (less or equal)
        case _:
            return not less
