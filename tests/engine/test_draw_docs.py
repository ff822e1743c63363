"""docs/rules/draw.md and public-log.md tell the truth: their numbers are computed again, their program is run."""

import json
import re
import tomllib
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from tests.engine.draw_sample import (
    OPENED_AT,
    OWN,
    OWN_UNITS,
    ROUND_1000,
    SECRETS,
    UNITS,
    N,
    announce,
    ceremony_values,
    joint,
    sealed,
    sealed_frame,
    whole,
)
from tests.engine.test_draw_verify import signed
from zhunsheng.engine import tables
from zhunsheng.engine.draw import (
    Value,
    bundle,
    check_membership,
    commitment,
    execute,
    freeze,
    membership_proof,
    nonce,
    open_digest,
    read_terms,
    section_digest,
    select,
    select_pareto,
    thaw,
    ticket,
    verify,
)
from zhunsheng.engine.public_log import canonical, inclusion_proof, leaf_hash, node_hash, tree_root
from zhunsheng.engine.suites import SHA256, SM3

BUNDLES = {
    "open": whole(),
    "abandoned": whole(abandoned=True),
    "sealed": sealed(),
    "unopened": sealed(opened=False),
    "joint": joint(),
    "sm3": sealed(suite=SM3),
}
WITHHELD = f'"withheld":{{"assign":"{BUNDLES["sealed"]["withheld"]["assign"]}'
PROOF = membership_proof(sealed()["announce"], sealed_frame(), "demo:T001")
ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs" / "rules"
VERIFIER = RULES / "verify_draw.py"


def example(name):
    """The lines `name = value` of the examples of a page, one dictionary a block."""
    blocks = re.findall(r"```text\n(.*?)```", (RULES / name).read_text(encoding="utf-8"), re.S)
    return [dict(line.split(" = ", 1) for line in block.splitlines()) for block in blocks]


def vector(name):
    return json.loads((ROOT / f"tests/vectors/draw/{name}.json").read_text(encoding="utf-8"))


def drawn_in(given):
    return {
        f"drawn {stratum}": " ".join(unit["id"] for unit in given["selection"] if unit["stratum"] == stratum)
        for stratum in sorted(given["announcement"]["n"])
    }


def sealed_example():
    given, unit = vector("mode-sealed"), "demo:T001"
    terms = read_terms(given["announcement"])
    frame = thaw((line.encode() for line in given["leaves"]), seal_key=given["key"], draw=terms.draw)
    proof = membership_proof(given["announcement"], frame, unit)
    return {
        "key": given["key"],
        "key hash": terms.seal.key_hash,
        f"tag {unit}": given["tags"][unit],
        f"blind {unit}": given["blinds"][unit],
        f"salt {unit}": given["salts"][unit],
        f"sealed line of {unit}": proof["line"],
        f"index of {unit}": str(proof["index"]),
        "first sealed line": given["sealed_lines"][0],
        "root": given["root"],
        "announcement": canonical(given["announcement"]).decode(),
        "announcement hash": given["announcement_hash"],
        "seed": given["seed"],
        f"ticket {unit}": given["tickets"][unit],
        **drawn_in(given),
        "nonce": nonce(given["key"], terms.draw),
        "key of withheld selection": SHA256.hmac(bytes.fromhex(given["key"]), f"withheld|{terms.draw}|selection"),
        "digest of selection": section_digest(terms.draw, "selection", given["selection"], given["key"]),
        "digest of open": open_digest(given["root"], 12, given["key"], OPENED_AT),
        f"proof of {unit}": canonical(proof).decode(),
    }


def joint_example():
    given = vector("mode-joint")
    units = [json.loads(line) for line in given["leaves"]]
    (first,) = [u for u in given["selection"] if u["stratum"] == "fire/all" and u["rank"] == 2]
    k, a = int(first["ticket"][:16], 16), given["lambdas"][first["id"]]
    return {
        "line of demo:J1": given["leaves"][0],
        "line of demo:J8": given["leaves"][7],
        "lambda": " ".join(f"{u['id']} {u['fire.lambda']}" for u in units if "fire.lambda" in u),
        "root": given["root"],
        "announcement": canonical(given["announcement"]).decode(),
        "announcement hash": given["announcement_hash"],
        "seed": given["seed"],
        **{f"ticket {unit}": ticket for unit, ticket in given["tickets"].items()},
        f"k of {first['id']}": str(k),
        f"key of {first['id']}": str(Fraction(k * (1000 - a), (2**64 - k) * a)),
        **drawn_in(given),
        **{
            f"probability {u['id']} in fire/all": u["probability"]
            for u in given["selection"]
            if u["stratum"] == "fire/all"
        },
        "targets": " ".join(sorted({u["id"] for u in given["selection"]})),
    }


def draw_example():
    given, frame = OWN["drand"], freeze(OWN_UNITS)
    leaves = [leaf_hash(leaf) for leaf in frame.leaves]
    drawn = select(frame, given["seed"], N)
    lam = {unit["id"]: given["pareto"]["lambda_per_mille"][unit["stratum"]] for unit in OWN_UNITS}
    return {
        "line 0": frame.leaves[0].decode(),
        "leaf hash 0": leaves[0].hex(),
        "leaf hash 1": leaves[1].hex(),
        "node 0-1": node_hash(leaves[0], leaves[1]).hex(),
        "root": frame.root,
        "announcement": canonical(given["announcement"]).decode(),
        "announcement hash": given["announcement_hash"],
        "value": given["values"][0],
        "seed text": given["seed_text"],
        "seed": given["seed"],
        **{f"ticket demo:T00{i}": ticket(given["seed"], f"demo:T00{i}") for i in range(1, 5)},
        **{f"drawn {s}": " ".join(u.id for u in drawn if u.stratum == s) for s in "ABCD"},
        "probability A": str(drawn[0].probability),
        "probability B": str(drawn[1].probability),
        "pareto drawn": " ".join(sorted(u.id for u in select_pareto(frame, given["seed"], 6, lam))),
        "commitment": commitment("demo-2026-003", "ceremony:party-1", SECRETS[0]),
        "commitment of the second round": commitment("demo-2026-003", "ceremony:party-1", SECRETS[0], second=True),
    }


@pytest.mark.parametrize("name", ["draw.md", "draw.zh.md"])
def test_the_examples_of_the_draw_are_true(name):
    assert example(name) == [draw_example(), sealed_example(), joint_example()]
    assert SECRETS[0] in (RULES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["public-log.md", "public-log.zh.md"])
def test_the_example_of_the_log_is_true(name):
    vectors = tomllib.loads((ROOT / "tests/vectors/public_log/rfc6962.toml").read_text(encoding="utf-8"))
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in vectors["leaves"]]
    assert example(name)[0] == {f"root {n}": tree_root(leaves[:n]).hex() for n in (0, 1, 2, 3, 8)}
    assert inclusion_proof(leaves[:3], 2) == (tree_root(leaves[:2]),)


def test_the_pages_name_every_step_of_the_check():
    late = ROUND_1000 + timedelta(days=9)
    lottery = [Value("lottery:ssq", "03-11-15-22-28-31+07", late), Value("lottery:dlt", "02-09-17-25-33+04-11", late)]
    frame = freeze(UNITS)
    odd = [execute(announce(), ceremony_values(secrets=("none", SECRETS[1])))]
    odd.append(execute(announce(), lottery, fallback=1, fallback_reason="x"))
    made = [*BUNDLES.values(), signed()]
    made += [bundle(announcement=announce(), frame=frame, execution=e, selection=select(frame, e.seed, N)) for e in odd]
    steps = {step.name for one in made for step in verify(one).steps}
    steps |= {step.name for step in check_membership(PROOF).steps}
    assert {"fallback", "defaults", "missing", "announced-when", "assignment-freedom", "substitutions"} <= steps
    assert {"key", "scope", "pareto", "withheld", "opened", "signatures", "changes", "membership"} <= steps
    for page in ("draw.md", "draw.zh.md"):
        rows = re.findall(r"^\| ([a-z, 、-]+) \|", (RULES / page).read_text(encoding="utf-8"), re.M)
        named = {name.strip() for row in rows for name in re.split("[,、]", row)} - {
            "rule",
            "id",
            "step",
            "field",
            "section",
            "profile",
            "---",
        }
        assert named == steps, named - steps


def test_the_pages_name_every_field_of_a_bundle():
    """What a stranger's reader has to know: each section, each field of announcement and execution, each term."""
    fields = {name for made in BUNDLES.values() for name in made} | {
        key for made in BUNDLES.values() for part in ("announce", "execute", "open", "sealed", "withheld", "log")
        for key in made.get(part, {})
    }  # fmt: skip
    fields |= {
        "checkpoint",
        "fallback_reason",
        "commitment",
        "default",
        "rolls",
        "balls",
        "draws",
        "issue",
        "round",
        "signature",
    }
    for page in ("draw.md", "draw.zh.md"):
        text = (RULES / page).read_text(encoding="utf-8")
        assert {field for field in fields if f"`{field}`" not in text} == set()
        for rule in (
            "zhunsheng/lambda/1",
            "zhunsheng/assign/1",
            "zhunsheng/draw/1/membership",
            "zhunsheng/draw/1/sign|",
        ):
            assert rule in text


def test_the_pages_name_every_profile_and_chain():
    for page in ("draw.md", "draw.zh.md"):
        text = (RULES / page).read_text(encoding="utf-8")
        assert all(name in text for name in ("draw/randomness", "draw/drand_chains", "verify_draw.py"))
    for table in ("draw/randomness", "draw/drand_chains"):
        assert tables.check(table) == ()
