"""docs/rules/draw.md and public-log.md tell the truth: their numbers are computed again, their program is run."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.engine.draw_sample import OWN, SECRETS, SIGNATURE, UNITS, N, announce, ceremony_values, whole
from zhunsheng.engine import tables
from zhunsheng.engine.draw import bundle, commitment, execute, freeze, select, select_pareto, ticket, verify
from zhunsheng.engine.public_log import canonical, inclusion_proof, leaf_hash, node_hash, tree_root

ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs" / "rules"
VERIFIER = RULES / "verify_draw.py"


def example(name):
    """The lines `name = value` of the example of a page."""
    (block,) = re.findall(r"```text\n(.*?)```", (RULES / name).read_text(encoding="utf-8"), re.S)
    return dict(line.split(" = ", 1) for line in block.splitlines())


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


@pytest.mark.parametrize("page", ["draw.md", "draw.zh.md"])
def test_the_example_of_the_draw_is_true(page):
    assert example(page) == draw_example()
    assert SECRETS[0] in (RULES / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["public-log.md", "public-log.zh.md"])
def test_the_example_of_the_log_is_true(page):
    vectors = tomllib.loads((ROOT / "tests/vectors/public_log/rfc6962.toml").read_text(encoding="utf-8"))
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in vectors["leaves"]]
    assert example(page) == {f"root {n}": tree_root(leaves[:n]).hex() for n in (0, 1, 2, 3, 8)}
    assert inclusion_proof(leaves[:3], 2) == (tree_root(leaves[:2]),)


def test_the_pages_name_every_step_of_the_check():
    steps = {step.name for made in (whole(), whole(abandoned=True)) for step in verify(made).steps}
    for page in ("draw.md", "draw.zh.md"):
        rows = re.findall(r"^\| ([a-z, 、-]+) \|", (RULES / page).read_text(encoding="utf-8"), re.M)
        named = {name.strip() for row in rows for name in re.split("[,、]", row)} - {"rule", "id", "step", "---"}
        assert steps <= named, steps - named


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


def test_the_second_verifier_agrees_on_true_bundles(tmp_path):
    path = tmp_path / "bundle.json"
    path.write_bytes(canonical(whole()))
    code, said = second(path)
    assert code == 0 and "holds: draw demo-2026-003: 6 of 12 units" in said and "BLS signature" in said
    path.write_bytes(canonical(whole(abandoned=True)))
    assert "ABANDONED" in second(path)[1]
    frame = freeze([*UNITS, {"id": "demo:T013", "stratum": "E", "exclusion": "CAP", "名称": "𝔘"}])
    announced = announce(frame=frame, n={**N, "E": 0}, assignment=None)
    execution = execute(announced, ceremony_values())
    made = bundle(
        announcement=announced, frame=frame, execution=execution, selection=select(frame, execution.seed, {**N, "E": 0})
    )
    assert verify(made).ok
    path.write_text(json.dumps(made, indent=2, ensure_ascii=True), encoding="utf-8")
    assert second(path)[0] == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"n":{"A":1', '"n":{"A":2'),
        ("国发〔2019〕5号", "国发〔2019〕6号"),
        ('\\"id\\":\\"demo:T001\\"', '\\"id\\":\\"demo:T000\\"'),
        ('"at":"2023-08-23T01:30:00Z","evidence"', '"at":"2023-08-22T01:30:00Z","evidence"'),
        ("4-2-6-1-5-3-3-6-2-1", "4-2-6-1-5-3-3-6-2-2"),
        (SECRETS[0], "0" * 32),
        (SIGNATURE, SIGNATURE[:-1] + "0"),
        ('"lead":"P01"', '"lead":"P03"'),
        ('"rank":1', '"rank":2'),
        ('"probability":"1/4"', '"probability":"1/3"'),
        ('"recusals":["demo:T012"]', '"recusals":[]'),
        ('"team_size":2},"constraints_hash"', '"team_size":3},"constraints_hash"'),
        (
            '"results":[{"code":"01","date":"2023-08-28","id":"demo:T0',
            '"results":[{"code":"01","date":"2023-08-28","id":"demo:T1',
        ),
        ('"rank":1', '"rank":1,"rank":1'),
    ],
)
def test_both_verifiers_refuse_the_same_forgeries(tmp_path, old, new):
    text = canonical(whole()).decode()
    forged = text.replace(old, new, 1)
    assert forged != text
    path = tmp_path / "bundle.json"
    path.write_text(forged, encoding="utf-8")
    assert not verify(forged.encode()).ok
    code, said = second(path)
    assert code == 1 and "DOES NOT HOLD" in said
