"""The draw over a large frame, beside an unverifiable shuffle and beside the bare hashing of the same bytes."""

import random
from hashlib import sha256

from bench.harness import Contestant, race
from zhunsheng.engine.draw import freeze, select
from zhunsheng.engine.draw.frame import Frame

SEED = "b108e9c2ad2bb24fb7b97d1a5b9d6e039cb5d63489bf164edfea4c02e4b3122b"


def run(units: int) -> None:
    """`units` entities in four strata by risk class; 3 % are drawn."""
    leaves = [{"id": f"demo:{number:08d}", "stratum": "ABCD"[number % 4]} for number in range(units)]
    frame: Frame = freeze(leaves)
    n = {stratum: len(ids) * 3 // 100 for stratum, ids in frame.strata.items()}
    messages = [f"{SEED}|target|{unit}".encode() for ids in frame.strata.values() for unit in ids]
    ids = {stratum: list(units) for stratum, units in frame.strata.items()}

    def verifiable() -> object:
        return select(frame, SEED, n)

    def shuffle() -> object:
        rng = random.Random(SEED)
        return [sorted(rng.sample(units, n[stratum])) for stratum, units in ids.items()]

    def hashing() -> object:
        for message in messages:
            sha256(message).digest()
        return len(messages)

    drawn = verifiable()
    assert len(drawn) == sum(n.values())
    race(
        "Draw 抽取: 3 % of the frame, four strata",
        [
            Contestant("zhunsheng select (verifiable)", verifiable),
            Contestant("random.sample + sort (not verifiable)", shuffle),
            Contestant("bare SHA-256 of the same bytes (limit)", hashing),
        ],
        amount=f"{units:,} units",
    )
    race(
        "Freeze 冻结: check ids, canonical leaves, Merkle root",
        [
            Contestant("zhunsheng freeze", lambda: freeze(leaves)),
            Contestant("bare SHA-256 of the same bytes (limit)", hashing),
        ],
        rounds=3,
        amount=f"{units:,} units",
    )
