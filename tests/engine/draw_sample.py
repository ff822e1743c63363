"""The draw of tests/vectors/draw/own-12.json made into a whole bundle, with inspectors, results and log proofs."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from zhunsheng.engine.draw import (
    Abandonment,
    AssignmentRule,
    Fallback,
    Inspector,
    Source,
    Target,
    Value,
    announcement,
    announcement_hash,
    assign,
    assignment_seed,
    bundle,
    commitment,
    constraints,
    constraints_hash,
    digest,
    execute,
    freeze,
    select,
)
from zhunsheng.engine.public_log import canonical, inclusion_proof, leaf_hash, tree_root

OWN = json.loads((Path(__file__).parents[1] / "vectors/draw/own-12.json").read_text(encoding="utf-8"))
UNITS = [json.loads(leaf) for leaf in OWN["leaves"]]
N = {"A": 1, "B": 2, "C": 1, "D": 2}

DRAND = "drand:52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
ROUND_1000 = datetime(2023, 8, 23, 15, 59, 24, tzinfo=UTC)  # 1692803367 + 3 × 999
SIGNATURE = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
RANDOMNESS = OWN["drand"]["values"][0]

ANNOUNCED_AT = datetime(2023, 8, 22, 1, 0, tzinfo=UTC)
NOT_BEFORE = ANNOUNCED_AT + timedelta(hours=24)
REVEALED_AT = datetime(2023, 8, 23, 1, 30, tzinfo=UTC)
DAY = date(2023, 8, 28)

SECRETS = ("3f9c0c1be2a54e6d8a17b4470d21aa52", "a07144e1c9d3420fb8c61f5e02b97d33")
DICE = "4-2-6-1-5-3-3-6-2-1"


def ceremony(draw="demo-2026-003", committed=True):
    """Two parties, who committed before the announcement, and dice."""
    names = ("ceremony:party-1", "ceremony:party-2")
    terms = [{"commitment": commitment(draw, n, s)} if committed else {} for n, s in zip(names, SECRETS, strict=True)]
    return (*map(Source, names, terms), Source("ceremony:dice", {"rolls": 10}))


def ceremony_values(at=REVEALED_AT, secrets=SECRETS, dice=DICE):
    ids = ("ceremony:party-1", "ceremony:party-2", "ceremony:dice")
    return tuple(Value(i, v, at, {"record": "笔录第3页"}) for i, v in zip(ids, (*secrets, dice), strict=True))


def drand_source(number=1000):
    return Source(DRAND, {"round": number})


def drand_value(at=ROUND_1000, value=RANDOMNESS, signature=SIGNATURE):
    return Value(DRAND, value, at, {"signature": signature})


def announce(**changed):
    given = {
        "draw": "demo-2026-003",
        "frame": freeze(UNITS),
        "n": N,
        "sources": ceremony(),
        "announced_at": ANNOUNCED_AT,
        "not_before": NOT_BEFORE,
        "fallback": [
            Fallback(48, (Source("lottery:ssq", {"issue": "2023099"}), Source("lottery:dlt", {"issue": "23099"})))
        ],
        "assignment": AssignmentRule(2, (drand_source(),)),
        "items": ["登记事项检查", "公示信息检查"],
        "legal_basis": "国发〔2019〕5号",
        "plan": "2026-计划-07",
        "frame_date": "2023-08-21",
        "rule_version": "2026-01",
        "rule_book_sha256": "0" * 63 + "1",
    }
    return announcement(**(given | changed))


INSPECTORS = (
    Inspector("P01", date(2027, 1, 1), frozenset({"食品", "计量"})),
    Inspector("P02", date(2027, 1, 1), frozenset({"食品"}), recusals=frozenset({"demo:T012"})),
    Inspector("P03", date(2027, 1, 1), frozenset({"计量"})),
    Inspector("P04", date(2023, 8, 27)),
    Inspector("P05", date(2027, 1, 1), leave=((date(2023, 8, 27), date(2023, 8, 29)),)),
    Inspector("P06", date(2027, 1, 1), frozenset({"特种设备"})),
)


def targets_of(drawn):
    return tuple(Target(unit.id, unit.ticket, "食品" if unit.stratum == "B" else "") for unit in drawn)


def whole(abandoned=False):
    """A bundle with every section, executed by the ceremony, assigned by a later drand round."""
    announced = announce()
    execution = execute(announced, ceremony_values())
    drawn = select(freeze(UNITS), execution.seed, N)
    targets = targets_of(drawn)
    fixed_at = REVEALED_AT + timedelta(hours=4)
    fixed = constraints_hash(constraints(targets, INSPECTORS, on=DAY, at=fixed_at))
    second = (drand_value(),)
    seed2 = assignment_seed(announcement_hash(announced), fixed, execution.seed, second)
    assignment = assign(targets, INSPECTORS, seed2, on=DAY, at=fixed_at, values=second)
    parts = {
        "announcement": announced,
        "frame": freeze(UNITS),
        "execution": execution,
        "selection": drawn,
        "assignment": assignment,
        "results": [{"id": drawn[0].id, "code": "01", "date": "2023-08-28"}],
    }
    if abandoned:
        parts["abandon"] = Abandonment("名单中混入外市企业", "P00", ROUND_1000)
    return bundle(**parts, log=log_of(bundle(**parts)))


ACTS = ("announce", "execute", "selection", "assign", "results", "abandon")


def log_of(made, order=ACTS):
    """A small log in which the acts of this bundle were recorded in that order, with the proofs."""
    acts = [name for name in order if name in made]
    entries = [{"act": "unrelated", "n": 1}]
    entries += [
        {"act": f"draw.{act}", "payload": {"draw": "demo-2026-003", "sha256": digest(made[act])}} for act in acts
    ]
    entries.append({"act": "unrelated", "n": 2})
    leaves = [leaf_hash(canonical(entry)) for entry in entries]
    return {
        "origin": "demo.city/log",
        "size": len(entries),
        "root": tree_root(leaves).hex(),
        "acts": [
            {
                "act": act,
                "index": index,
                "entry": entries[index],
                "proof": [node.hex() for node in inclusion_proof(leaves, index)],
            }
            for index, act in enumerate(acts, 1)
        ],
    }
