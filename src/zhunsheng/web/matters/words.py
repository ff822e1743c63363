"""What the room calls things: kinds of matters, states, steps, facts, in the language of the page."""

import datetime

from django.utils import timezone

from zhunsheng.engine import procedure as engine
from zhunsheng.engine import tables
from zhunsheng.engine.errors import ProcedureError
from zhunsheng.engine.procedure import Kind, Procedure, Value
from zhunsheng.engine.tables import Row
from zhunsheng.web.common.errors import language

#: what stands where a personal fact is masked
MASK = "＊＊＊"


def kinds() -> dict[str, Row]:
    """Kinds of matters by their procedure's code, as in force today, in the order of the table."""
    return _kinds(timezone.localdate())


@tables.kept("matters/kinds")
def _kinds(day: datetime.date) -> dict[str, Row]:
    known = set(engine.codes())
    return {row["code"]: row for row in tables.load("matters/kinds").valid_on(day) if row["code"] in known}


def kind_name(code: str) -> str:
    """The procedure's name as its last version has it; the code for an unknown one."""
    try:
        return engine.versions(code)[-1].label(language())
    except (ProcedureError, IndexError):
        return code


def state_name(procedure: Procedure, code: str) -> str:
    """A state's name; the code for one that this version does not have."""
    state = procedure.states.get(code)
    return code if state is None else state.label(language())


def step_name(procedure: Procedure, verb: str) -> str:
    """A step's name; the verb for one that this version does not have."""
    step = procedure.steps.get(verb)
    return verb if step is None else step.label(language())


def fact_text(procedure: Procedure, code: str, value: Value, lang: str = "") -> str:
    """A fact's value as people read it."""
    return engine.shown(procedure, code, value, lang or language())


def masked(text: str) -> str:
    """A personal text without what tells who it is: the first character stays, 13912345678 → 139＊＊＊＊5678."""
    plain = text.strip()
    if plain.isascii() and plain.isdigit() and len(plain) >= 7:
        return f"{plain[:3]}＊＊＊＊{plain[-4:]}"
    return f"{plain[:1]}{MASK}" if plain else ""


def is_unit(procedure: Procedure, code: str) -> bool:
    """Whether a fact names a business entity."""
    fact = procedure.facts.get(code)
    return fact is not None and fact.kind is Kind.UNIT
