"""Procedures (程序) as dated data: states, steps, who may, statutory limits; every answer comes with its reasons.

`load` gives the version in force on the day of the trigger; a history of events is replayed to a `Standing`: state,
facts, limits. Nothing is stored here: the same history gives the same standing. Rules: docs/rules/procedures.md.
"""

from zhunsheng.engine.procedure.amending import CHANGEABLE, Edit, amended, entry, overlaid, problems
from zhunsheng.engine.procedure.checks import check, check_file
from zhunsheng.engine.procedure.counting import Published, Tally, published, publishes, tally
from zhunsheng.engine.procedure.drawing import Line, diagram, length, table
from zhunsheng.engine.procedure.due import Due, Status, deadlines, next_deadline
from zhunsheng.engine.procedure.model import (
    CLOCK_ROLE,
    Event,
    Fact,
    History,
    Kind,
    Limit,
    Metric,
    Procedure,
    Publication,
    Sense,
    State,
    Step,
    Value,
    Version,
)
from zhunsheng.engine.procedure.reading import (
    codes,
    load,
    read,
    read_history,
    read_moment,
    read_value,
    version,
    versions,
    write_history,
)
from zhunsheng.engine.procedure.running import (
    Standing,
    Verdict,
    advance,
    apply,
    carried,
    judge,
    may,
    options,
    replay,
    role_name,
    shown,
    shown_day,
    start,
    wording,
)

__all__ = [
    "CHANGEABLE", "CLOCK_ROLE", "Due", "Edit", "Event", "Fact", "History", "Kind", "Limit", "Line", "Metric", "Procedure", "Publication", "Published", "Sense", "Standing",
    "State", "Status", "Step", "Value", "Tally", "Verdict", "Version", "advance", "amended", "apply", "carried", "check", "check_file", "codes", "deadlines", "diagram", "entry",
    "judge", "length", "load", "may", "next_deadline", "options", "overlaid", "problems", "published", "publishes", "read", "read_history", "read_moment", "read_value", "replay", "role_name", "shown", "shown_day",
    "start", "table", "tally", "version", "versions", "wording", "write_history",
]  # fmt: skip
