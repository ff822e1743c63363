"""The draw 抽查: freeze, announce, execute, select, assign, publish, verify. Protocol `zhunsheng/draw/1`, open mode.

    frame = freeze(leaves)                              the list is committed
    announced = announcement(frame=frame, n=…, …)       published, logged; at least 24 hours pass
    execution = execute(announced, values)              randomness comes from outside
    drawn = select(frame, execution.seed, n)            everyone can compute this
    closed = constraints(targets, inspectors, …)        recusals and leave are closed, with the start
    assignment = assign(closed, seed2)                  after the second randomness
    bundle(…) → verify(…)                               one file, checked by anyone

The bytes of every step are written down in docs/rules/draw.md.
"""

from zhunsheng.engine.draw.announce import (
    MIN_WAIT,
    AssignmentRule,
    Execution,
    Fallback,
    Terms,
    announcement,
    announcement_hash,
    execute,
    read_terms,
    seed,
    seed_text,
)
from zhunsheng.engine.draw.assignment import (
    Assignment,
    Change,
    Constraints,
    Inspector,
    Suggestion,
    Target,
    Team,
    assign,
    assignment_seed,
    can_move,
    candidates,
    changed,
    constraints,
    constraints_hash,
    feasible,
    load_bounds,
    parameters,
    read_constraints,
    substitute,
    suggest_bounds,
)
from zhunsheng.engine.draw.bundle import MAX_BUNDLE, Abandonment, Step, Verdict, bundle, digest, verify
from zhunsheng.engine.draw.fields import PROTOCOL
from zhunsheng.engine.draw.frame import Frame, allocate, freeze
from zhunsheng.engine.draw.selection import Selected, select, select_pareto, ticket
from zhunsheng.engine.draw.sources import (
    Source,
    Value,
    commitment,
    first_round_after,
    round_time,
    satisfied_profiles,
)

__all__ = [
    "MAX_BUNDLE",
    "MIN_WAIT",
    "PROTOCOL",
    "Abandonment",
    "Assignment",
    "AssignmentRule",
    "Change",
    "Constraints",
    "Execution",
    "Fallback",
    "Frame",
    "Inspector",
    "Selected",
    "Source",
    "Step",
    "Suggestion",
    "Target",
    "Team",
    "Terms",
    "Value",
    "Verdict",
    "allocate",
    "announcement",
    "announcement_hash",
    "assign",
    "assignment_seed",
    "bundle",
    "can_move",
    "candidates",
    "changed",
    "commitment",
    "constraints",
    "constraints_hash",
    "digest",
    "execute",
    "feasible",
    "first_round_after",
    "freeze",
    "load_bounds",
    "parameters",
    "read_constraints",
    "read_terms",
    "round_time",
    "satisfied_profiles",
    "seed",
    "seed_text",
    "select",
    "select_pareto",
    "substitute",
    "suggest_bounds",
    "ticket",
    "verify",
]
