-- Strata of unequal probability: who can be among the n smallest Pareto keys k(scale-a) / ((2^64-k)a).
-- To order two keys exactly takes a cross product of 168 bits, more than the 38 digits of either engine. To ask whether
-- a key is at most factor/1000 takes 38 digits: 2^64 (20) x scale (7) x factor (9), with the bounds below. So the few
-- near and below the cut are chosen here, exactly, and put in order by the caller, exactly, with long integers.
-- About n keys are at most 1 (the shares add up to n); the factor is set above that by eight standard deviations, and
-- `found` tells the caller whether that was enough. A factor of 0 lets everyone through.
SELECT
    candidate.stratum,
    count(*) OVER (PARTITION BY candidate.stratum) AS found,
    candidate.id,
    candidate.tag,
    candidate.ticket,
    candidate.share
FROM (
    SELECT
        ticket.id,
        ticket.tag,
        ticket.stratum,
        ticket.ticket,
        ticket.share,
        CAST(quota.scale - ticket.share AS DECIMAL(7, 0)) AS rest,
        CAST(ticket.share AS DECIMAL(7, 0)) AS a,
        CAST(quota.factor AS DECIMAL(9, 0)) AS factor,
        CAST(conv(substr(ticket.ticket, 1, 16), 16, 10) AS DECIMAL(20, 0)) AS k
    FROM ticket
    INNER JOIN quota ON ticket.stratum = quota.stratum
    WHERE quota.scale > 0
) AS candidate
WHERE
    candidate.factor = 0
    OR candidate.k * candidate.rest * CAST(1000 AS DECIMAL(4, 0))
    <= (CAST('18446744073709551616' AS DECIMAL(20, 0)) - candidate.k) * candidate.a * candidate.factor
ORDER BY candidate.stratum
