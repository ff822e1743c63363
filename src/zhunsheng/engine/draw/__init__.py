"""The draw 抽查: freeze, announce, execute, select, assign, publish, verify. Protocol `zhunsheng/draw/1`, open and sealed.

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
    MIN_CLOSED,
    MIN_WAIT,
    AssignmentRule,
    DrawList,
    Execution,
    Fallback,
    Seal,
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
    assignment_seed_text,
    can_move,
    candidates,
    changed,
    constraints,
    constraints_hash,
    directory_hash,
    feasible,
    load_bounds,
    parameters,
    read_constraints,
    substitute,
    suggest_bounds,
)
from zhunsheng.engine.draw.bundle import MAX_BUNDLE, Abandonment, bundle, digest, digests, log_act, open_digest, verify
from zhunsheng.engine.draw.fields import PROTOCOL
from zhunsheng.engine.draw.frame import Frame, allocate, count_strata, freeze, thaw
from zhunsheng.engine.draw.leaf import speciality_of
from zhunsheng.engine.draw.membership import MEMBERSHIP, check_membership, membership_of, membership_proof
from zhunsheng.engine.draw.pareto import SCALE, lambdas
from zhunsheng.engine.draw.seal import blind, key_hash, nonce, sealed_lines, section_digest, tag
from zhunsheng.engine.draw.selection import (
    Selected,
    Standing,
    select,
    select_pareto,
    specialities,
    targets,
    ticket,
)
from zhunsheng.engine.draw.signing import Signature, sign, signed_bytes
from zhunsheng.engine.draw.sources import (
    Source,
    Value,
    commitment,
    first_round_after,
    round_time,
    satisfied_profiles,
)
from zhunsheng.engine.draw.standing import standings
from zhunsheng.engine.draw.verdict import Step, Verdict

__all__ = [
    "Abandonment",
    "Assignment",
    "AssignmentRule",
    "Change",
    "Constraints",
    "DrawList",
    "Execution",
    "Fallback",
    "Frame",
    "Inspector",
    "MAX_BUNDLE",
    "MEMBERSHIP",
    "MIN_CLOSED",
    "MIN_WAIT",
    "PROTOCOL",
    "SCALE",
    "Seal",
    "Selected",
    "Signature",
    "Source",
    "Standing",
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
    "assignment_seed_text",
    "blind",
    "bundle",
    "can_move",
    "candidates",
    "changed",
    "check_membership",
    "commitment",
    "constraints",
    "constraints_hash",
    "count_strata",
    "digest",
    "digests",
    "directory_hash",
    "execute",
    "feasible",
    "first_round_after",
    "freeze",
    "key_hash",
    "lambdas",
    "log_act",
    "load_bounds",
    "membership_of",
    "membership_proof",
    "nonce",
    "open_digest",
    "parameters",
    "read_constraints",
    "read_terms",
    "round_time",
    "satisfied_profiles",
    "sealed_lines",
    "section_digest",
    "seed",
    "seed_text",
    "select",
    "select_pareto",
    "sign",
    "signed_bytes",
    "specialities",
    "speciality_of",
    "standings",
    "substitute",
    "suggest_bounds",
    "tag",
    "targets",
    "thaw",
    "ticket",
    "verify",
]
