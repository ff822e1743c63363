"""Assignment 选派: who inspects which drawn unit. Rule zhunsheng/assign/1, written down in docs/rules/assignment.md.

inspectors = load_bounds(targets, inspectors, on=…, days=…)      visits net of leave
feasible(targets, inspectors, on=…)                              what is short, in words, before any seed
closed = constraints(targets, inspectors, on=…, at=…)            with the canonical start: published, logged
seed2 = assignment_seed(announcement hash, constraints hash, values)
assign(closed, seed2)                                            the swap chain
substitute(closed, seed2, team, out, …)                          someone cannot go
"""

from zhunsheng.engine.draw.assignment.chain import (
    Assignment,
    assign,
    assignment_seed,
    assignment_seed_text,
    can_move,
    walk,
)
from zhunsheng.engine.draw.assignment.changes import Change, candidates, changed, read_change, substitute
from zhunsheng.engine.draw.assignment.check import Freedom, check_assignment, check_changes, check_constraints, freedom
from zhunsheng.engine.draw.assignment.closing import (
    Constraints,
    canonical_start,
    constraints,
    constraints_hash,
    read_constraints,
    read_teams,
)
from zhunsheng.engine.draw.assignment.people import Inspector, Places, Target, Team, directory_hash, load_of, places_of
from zhunsheng.engine.draw.assignment.shortage import (
    Parameters,
    Suggestion,
    feasible,
    load_bounds,
    parameters,
    suggest_bounds,
)

__all__ = [
    "Assignment",
    "Change",
    "Constraints",
    "Freedom",
    "Inspector",
    "Parameters",
    "Places",
    "Suggestion",
    "Target",
    "Team",
    "assign",
    "assignment_seed",
    "assignment_seed_text",
    "can_move",
    "candidates",
    "canonical_start",
    "changed",
    "check_assignment",
    "check_changes",
    "check_constraints",
    "constraints",
    "constraints_hash",
    "directory_hash",
    "feasible",
    "freedom",
    "load_bounds",
    "load_of",
    "parameters",
    "places_of",
    "read_change",
    "read_constraints",
    "read_teams",
    "substitute",
    "suggest_bounds",
    "walk",
]
