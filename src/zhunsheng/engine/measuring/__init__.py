"""Laboratories and metrology: proficiency tests, uncertainty, decision rules, control charts, recalibration, cycles.

`proficiency` has Algorithm A, assigned values, σ_pt, the scores and the checks of the items; `uncertainty` budgets and
how a result is written down; `decisions` guard bands and the probability of conformity; `charts` Shewhart and EWMA
charts with rules as data; `recalibration` intervals suggested from drift and reliability; `cycles` the statutory cycles;
`four_meters` when 四三三一 is complete. t, F and χ² quantiles need the extra `stats` (scipy), nothing else does.

Sources: ISO 13528:2022; ISO/IEC 17043; JCGM 100:2008 (GUM, JJF 1059.1); JCGM 106:2012; ILAC-G8:09/2019; ISO 7870-2:2013
and 7870-6; Nelson 1984; ILAC-G24:2022/OIML D 10.
"""

from zhunsheng.engine.measuring.charts import (
    Chart,
    ChartKind,
    ChartRule,
    Constants,
    Pattern,
    Signal,
    against,
    chart_rules,
    constants,
    ewma,
    individuals,
    mean_deviation,
    mean_range,
)
from zhunsheng.engine.measuring.cycles import Cycle, cycle, last_day
from zhunsheng.engine.measuring.decisions import Decision, Rule, Verdict, conformity, decide
from zhunsheng.engine.measuring.four_meters import Checklist, Mechanism, Phase, Programme, complete
from zhunsheng.engine.measuring.proficiency import (
    Assigned,
    AssignedBy,
    Check,
    Homogeneity,
    Performance,
    Robust,
    Score,
    ScoreKind,
    ScoreLimits,
    Spread,
    algorithm_a,
    consensus,
    en_score,
    from_data,
    homogeneity,
    horwitz,
    negligible,
    prescribed,
    score_limits,
    stability,
    z_prime_score,
    z_score,
    zeta_score,
)
from zhunsheng.engine.measuring.recalibration import (
    Basis,
    Calibration,
    Limit,
    Suggestion,
    failure_rate,
    suggest,
)
from zhunsheng.engine.measuring.uncertainty import (
    Budget,
    Component,
    Correlation,
    Distribution,
    Evaluation,
    Reported,
    Share,
    budget,
    report,
    type_a,
)

__all__ = [
    "Assigned", "AssignedBy", "Basis", "Budget", "Calibration", "Chart", "ChartKind", "ChartRule", "Check", "Checklist",
    "Component", "Constants", "Correlation", "Cycle", "Decision", "Distribution", "Evaluation", "Homogeneity", "Limit",
    "Mechanism", "Pattern", "Performance", "Phase", "Programme", "Reported", "Robust", "Rule", "Score", "ScoreKind",
    "ScoreLimits", "Share", "Signal", "Spread", "Suggestion", "Verdict", "against", "algorithm_a", "budget",
    "chart_rules", "complete", "conformity", "consensus", "constants", "cycle", "decide", "en_score", "ewma",
    "failure_rate", "from_data", "homogeneity", "horwitz", "individuals", "last_day", "mean_deviation", "mean_range",
    "negligible", "prescribed", "report", "score_limits", "stability", "suggest", "type_a",
    "z_prime_score", "z_score", "zeta_score",
]  # fmt: skip
