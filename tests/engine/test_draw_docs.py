"""docs/rules/draw.md and public-log.md tell the truth: their numbers are computed again, their program is run."""

import json
import re
import subprocess
import sys
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

from tests.engine.draw_sample import KEY, OWN, SECRETS, SIGNATURE, UNITS, N, joint, sealed, sealed_frame, whole
from tests.engine.test_draw_verify import signed
from zhunsheng.engine import tables
from zhunsheng.engine.draw import (
    check_membership,
    commitment,
    freeze,
    membership_proof,
    nonce,
    open_digest,
    read_terms,
    select,
    select_pareto,
    thaw,
    ticket,
    verify,
)
from zhunsheng.engine.public_log import canonical, inclusion_proof, leaf_hash, node_hash, tree_root
from zhunsheng.engine.suites import SM3

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
    frame = thaw((line.encode() for line in given["leaves"]), seal_key=given["key"])
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
        "digest of open": open_digest(given["root"], 12, given["key"]),
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
    given, frame = OWN["drand"], freeze(UNITS)
    leaves = [leaf_hash(leaf) for leaf in frame.leaves]
    drawn = select(frame, given["seed"], N)
    lam = {unit["id"]: given["pareto"]["lambda_per_mille"][unit["stratum"]] for unit in UNITS}
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
    made = [*BUNDLES.values(), signed()]
    steps = {step.name for one in made for step in verify(one).steps}
    steps |= {step.name for step in check_membership(PROOF).steps}
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


# the second verifier


def second(path):
    """Runs the program of the page alone: no site packages, no project, optimised so that asserts would vanish."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-O", str(VERIFIER), str(path)], capture_output=True, text=True, check=False,
        env={"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def steps_of(said):
    """The steps of the second program's answer: name → PASS, FAIL or open."""
    return {
        line.split()[1]: line.split()[0] for line in said.splitlines() if line.split(" ")[0] in ("PASS", "FAIL", "open")
    }


def both(path, made):
    """The same file by both programs: (verdict of ours, steps of the other, its exit code)."""
    path.write_bytes(made if isinstance(made, bytes) else canonical(made))
    code, said = second(path)
    return verify(path.read_bytes()), steps_of(said), code


UNSEEN = {"drand-signature", "signatures"}  # the second program has no BLS and no SM2; it says so


@pytest.mark.parametrize("name", BUNDLES)
def test_the_second_verifier_agrees_on_true_bundles(name, tmp_path):
    verdict, steps, code = both(tmp_path / "bundle.json", BUNDLES[name])
    assert verdict.ok and code == 0
    assert list(steps) == [step.name for step in verdict.steps]
    for step in verdict.steps:
        assert (steps[step.name] == "PASS") == bool(step.ok) or step.name in UNSEEN, step.name
    again = tmp_path / "again.json"
    again.write_text(json.dumps(BUNDLES[name], indent=2, ensure_ascii=True), encoding="utf-8")
    assert second(again)[0] == 0


def test_the_second_verifier_checks_a_proof_of_membership(tmp_path):
    path = tmp_path / "proof.json"
    verdict, steps, code = both(path, PROOF)
    assert verdict.ok and code == 0 and steps["membership"] == "PASS"
    for changed in (PROOF | {"index": PROOF["index"] ^ 1}, PROOF | {"id": "demo:T002"}, PROOF | {"blind": "0" * 64}):
        verdict, steps, code = both(path, changed)
        assert not verdict.ok and code == 1 and "FAIL" in steps.values()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("open", '"n":{"A":1', '"n":{"A":2'),
        ("open", "国发〔2019〕5号", "国发〔2019〕6号"),
        ("open", '\\"id\\":\\"demo:T001\\"', '\\"id\\":\\"demo:T000\\"'),
        ("open", '"at":"2023-08-23T01:30:00Z","evidence"', '"at":"2023-08-22T01:30:00Z","evidence"'),
        ("open", "4-2-6-1-5-3-3-6-2-1", "4-2-6-1-5-3-3-6-2-2"),
        ("open", SECRETS[0], "0" * 32),
        ("open", SIGNATURE, SIGNATURE[:-1] + "0"),
        ("open", '"lead":"P01"', '"lead":"P03"'),
        ("open", '"rank":1', '"rank":2'),
        ("open", '"probability":"1/4"', '"probability":"1/3"'),
        ("open", '"forbidden":[["demo:T012","recusal"]]', '"forbidden":[]'),
        ("open", '"steps":600', '"steps":601'),
        ("open", '"reason":"突发疾病"', '"reason":"另有任务"'),
        ("open", '"results":[{"code":"01","date":"2023-08-28","id":"demo:T0',
         '"results":[{"code":"01","date":"2023-08-28","id":"demo:T1'),
        ("open", '"rank":1', '"rank":1,"rank":1'),
        ("open", '"mode":"open"', '"mode":"shut"'),
        ("sealed", '"key":"', '"key":"0'),
        ("sealed", f'"key":"{KEY[0]}', '"key":"' + ("0" if KEY[0] != "0" else "1")),
        ("sealed", '"nonce":"', '"nonce":"0'),
        ("sealed", WITHHELD, WITHHELD[:-1] + ("0" if WITHHELD[-1] != "0" else "1")),
        ("unopened", '\\"seal\\":\\"', '\\"seal\\":\\"0'),
        ("joint", '\\"fire.lambda\\":', '\\"fire.lambda\\":1'),
        ("joint", '\\"division\\":\\"4116', '\\"division\\":\\"4117'),
        ("joint", '\\"food.stratum\\":\\"A', '\\"food.stratum\\":\\"B'),
        ("sm3", '"suite":"sm3"', '"suite":"sha256"'),
    ],
)  # fmt: skip
def test_both_verifiers_find_the_same_forgery_in_the_same_step(tmp_path, name, old, new):
    text = canonical(BUNDLES[name]).decode()
    forged = text.replace(old, new, 1)
    assert forged != text
    verdict, steps, code = both(tmp_path / "bundle.json", forged.encode())
    assert not verdict.ok and code in (1, 2)
    ours = next(step.name for step in verdict.steps if step.ok is False and steps.get(step.name) != "open")
    theirs = next(step for step, mark in steps.items() if mark == "FAIL")
    assert ours == theirs
