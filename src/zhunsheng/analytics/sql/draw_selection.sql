-- Strata of equal probability: the n smallest tickets, ties by tag.
-- Only tickets up to a cut-off are ranked. It is set so that more than n are expected below it by eight standard
-- deviations; `found` tells the caller whether it cut too much, and then that stratum is asked again without one.
SELECT stratum, found, id, ticket, place
FROM (
    SELECT
        ticket.id,
        ticket.stratum,
        ticket.ticket,
        quota.n,
        row_number() OVER (PARTITION BY ticket.stratum ORDER BY ticket.ticket, ticket.tag) AS place,
        count(*) OVER (PARTITION BY ticket.stratum) AS found
    FROM ticket
    INNER JOIN quota ON ticket.stratum = quota.stratum
    WHERE quota.scale = 0 AND ticket.ticket <= quota.cutoff
) AS ranked
WHERE place <= n
ORDER BY stratum, place
