-- What a stratum has: N, and where units have a share of their own (Pareto), what the shares come to.
-- The sums are of whole numbers: at most 2^31 units of 2^20 fit BIGINT; the squares need a wide decimal.
SELECT
    stratum,
    CAST(count(*) AS BIGINT) AS size,
    CAST(count(share) AS BIGINT) AS shares,
    CAST(coalesce(min(share), 0) AS BIGINT) AS least,
    CAST(coalesce(max(share), 0) AS BIGINT) AS most,
    CAST(coalesce(sum(share), 0) AS DECIMAL(38, 0)) AS total,
    CAST(coalesce(sum(CAST(share AS DECIMAL(7, 0)) * CAST(share AS DECIMAL(7, 0))), 0) AS DECIMAL(38, 0)) AS squares
FROM unit
GROUP BY stratum
