"""Product sampling: how many units, which ones, and what a sample can tell.

    supervision_plan(…)   a supervision check of a declared quality level (GB/T 2828.4, 2828.11), the default here
    acceptance_plan(…)    lot-by-lot acceptance between buyer and seller (GB/T 2828.1), with next_state(…)
    acceptance(plan, law), average_sample, quality_at, find_plan     what any plan does
    freeze_stock(…), shelf_seed, pick                                which units of the stock are taken

docs/rules/sampling.md says which to use when.
"""

from zhunsheng.engine.sampling.acceptance import (
    LEVELS,
    AcceptancePlan,
    Evidence,
    Kind,
    Purpose,
    Severity,
    acceptance_plan,
    aqls,
    code_letter,
    edition,
)
from zhunsheng.engine.sampling.plans import (
    MAX_LOT,
    MAX_SAMPLE,
    Binomial,
    Hypergeometric,
    Law,
    Outcome,
    Plan,
    Poisson,
    Stage,
    acceptance,
    average_sample,
    find_plan,
    largest_sample,
    quality_at,
    single,
    walk,
)
from zhunsheng.engine.sampling.shelf import MAX_STOCK, Pick, Stock, freeze_stock, pick, shelf_seed
from zhunsheng.engine.sampling.supervision import MAX_LIMIT, SupervisionPlan, supervision_plan
from zhunsheng.engine.sampling.switching import Lot, Rules, State, next_state, resume, switching_rules

__all__ = [
    "LEVELS",
    "MAX_LIMIT",
    "MAX_LOT",
    "MAX_SAMPLE",
    "MAX_STOCK",
    "AcceptancePlan",
    "Binomial",
    "Evidence",
    "Hypergeometric",
    "Kind",
    "Law",
    "Lot",
    "Outcome",
    "Pick",
    "Plan",
    "Poisson",
    "Purpose",
    "Rules",
    "Severity",
    "Stage",
    "State",
    "Stock",
    "SupervisionPlan",
    "acceptance",
    "acceptance_plan",
    "aqls",
    "average_sample",
    "code_letter",
    "edition",
    "find_plan",
    "freeze_stock",
    "largest_sample",
    "next_state",
    "pick",
    "quality_at",
    "resume",
    "shelf_seed",
    "single",
    "supervision_plan",
    "switching_rules",
    "walk",
]
