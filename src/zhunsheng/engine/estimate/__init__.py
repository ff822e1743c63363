"""Pass rates, means and totals with a design behind them, and small areas with a model behind them.

A random inspection knows for every unit the probability with which it was drawn. These functions use it: each
observed unit stands for 1/probability units of the register, the standard error follows from the same design, and
every published rate carries its interval, its response rate and its worst and best case. Numbers are rounded by
whoever shows them, never here.

`design` has the sampled unit, totals, means, ratios, domains, clusters, two stages, pooled draws; `intervals` the
intervals of a rate; `rates` pass rates with non-response and the rule for what may be published; `areas` the small
areas (beta-binomial, Fay-Herriot). Intervals need the extra `stats` (scipy) for their quantiles.

Sources: Horvitz and Thompson 1952; Hájek 1964; Rosén 1997 (variance of order sampling); Hansen, Hurwitz and Madow
1953 (clusters); Korn and Graubard 1998; Wilson 1927; Clopper and Pearson 1934; Fay and Herriot 1979; Prasad and Rao
1990; Christiansen and Morris 1997; R packages survey, sampling, sae, metafor.
"""

from zhunsheng.engine.estimate.areas import (
    AreaEstimate,
    AreaFit,
    AreaMean,
    AreaModel,
    AreaSample,
    Scale,
    area_samples,
    benchmark,
    beta_binomial,
    fay_herriot,
    fay_herriot_rates,
)
from zhunsheng.engine.estimate.design import (
    DesignEffect,
    Estimate,
    Stratum,
    Unit,
    YearDraw,
    by_area,
    design_effect,
    mean,
    pool,
    ratio,
    stratified,
    t_interval,
    total,
    year_shares,
)
from zhunsheng.engine.estimate.intervals import (
    Interval,
    Method,
    clopper_pearson,
    effective_sample,
    interval,
    korn_graubard,
    logit,
    wilson,
)
from zhunsheng.engine.estimate.rates import (
    Bounds,
    Counts,
    PassRate,
    PublicationRule,
    Rate,
    Role,
    UnitResult,
    bounds,
    compliance_rate,
    pass_rate,
    pass_rates_by_area,
    publication_rule,
    rate,
    rates_by_area,
    role_shares,
)

__all__ = [
    "AreaEstimate",
    "AreaFit",
    "AreaMean",
    "AreaModel",
    "AreaSample",
    "Bounds",
    "Counts",
    "DesignEffect",
    "Estimate",
    "Interval",
    "Method",
    "PassRate",
    "PublicationRule",
    "Rate",
    "Role",
    "Scale",
    "Stratum",
    "Unit",
    "UnitResult",
    "YearDraw",
    "area_samples",
    "benchmark",
    "beta_binomial",
    "bounds",
    "by_area",
    "clopper_pearson",
    "compliance_rate",
    "design_effect",
    "effective_sample",
    "fay_herriot",
    "fay_herriot_rates",
    "interval",
    "korn_graubard",
    "logit",
    "mean",
    "pass_rate",
    "pass_rates_by_area",
    "pool",
    "publication_rule",
    "rate",
    "rates_by_area",
    "ratio",
    "role_shares",
    "stratified",
    "t_interval",
    "total",
    "wilson",
    "year_shares",
]
