-- The ticket of every unit that can be drawn: SHA-256(seed + '|target|' + tag), where the tag is the id in an open
-- draw (the column is NULL) and the HMAC of the id in a sealed one.
SELECT
    unit.id,
    coalesce(unit.tag, unit.id) AS tag,
    unit.stratum,
    unit.share,
    sha2(seed.seed || '|target|' || coalesce(unit.tag, unit.id), 256) AS ticket
FROM unit
CROSS JOIN seed
