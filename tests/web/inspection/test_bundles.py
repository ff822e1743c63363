"""Bundles of the demo city, one for each mode, as `zhunsheng.demo.bundles` wrote them: each keeps its verdict for good."""

import json
from pathlib import Path

import pytest

from zhunsheng.cli import main
from zhunsheng.engine.draw import verify

VECTORS = Path(__file__).parents[2] / "vectors" / "draw"
VERDICTS = {
    # name: (outcome, steps that must hold, steps that must not be there)
    "open": ("executed", ("selection", "assignment", "results", "log-inclusion"), ("withheld", "pareto")),
    "joint": ("executed", ("selection", "assignment", "results", "scope"), ("withheld",)),
    "pareto": ("executed", ("pareto", "selection", "probabilities"), ("withheld",)),
    "sealed": ("executed", ("seed", "log-inclusion"), ("selection", "results", "open")),
    "opened": ("executed", ("withheld", "selection", "assignment", "results"), ()),
    "abandoned": ("abandoned", ("abandoned", "log-inclusion"), ("seed", "selection")),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_each_mode_keeps_its_verdict(name):
    data = (VECTORS / f"bundle-{name}.json").read_bytes()
    assert len(data) < 300_000
    outcome, held, absent = VERDICTS[name]
    found = verify(data)
    assert found.ok, [step for step in found.steps if step.ok is False]
    assert found.outcome == outcome
    for step in held:
        assert found.step(step) is not None and found.step(step).ok, step
    assert [step for step in absent if found.step(step) is not None] == []


@pytest.mark.parametrize("name", VERDICTS)
def test_the_command_says_so_too(name, capsys):
    code = main(["verify", str(VECTORS / f"bundle-{name}.json"), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True
    assert code == 0


@pytest.mark.parametrize("name", ["open", "joint", "pareto", "opened"])
def test_one_drawn_firm_put_for_another_is_found(name):
    made = json.loads((VECTORS / f"bundle-{name}.json").read_bytes())
    drawn = {unit["id"] for unit in made["selection"]}
    other = next(json.loads(line)["id"] for line in made["open"]["leaves"] if json.loads(line)["id"] not in drawn)
    made["selection"][0]["id"] = other
    assert not verify(made).ok


def test_the_sealed_bundle_names_no_firm():
    sealed = (VECTORS / "bundle-sealed.json").read_text()
    assert "uscc:" not in sealed and "local:" not in sealed
    assert set(json.loads(sealed)["withheld"]) >= {"selection", "assign_announce", "assign"}


def test_the_joint_bundle_visits_a_firm_once_however_many_lists_drew_it():
    made = json.loads((VECTORS / "bundle-joint.json").read_bytes())
    assert len(made["announce"]["lists"]) == 3
    units = [unit["id"] for unit in made["selection"]]
    tickets = {(unit["id"], unit["ticket"]) for unit in made["selection"]}
    assert len(tickets) == len(set(units)) < len(units)
    assert [team["id"] for team in made["assign"]["teams"]] == sorted(set(units))
