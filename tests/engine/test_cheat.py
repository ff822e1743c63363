"""The adversary kit: every lever is noticed by whom it should be, and the honest draws by nobody."""

import json
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

from zhunsheng.cheat import LEVERS, honest, pull
from zhunsheng.cheat.kit import honest_problems, pull_on
from zhunsheng.cli import main
from zhunsheng.engine import draw
from zhunsheng.engine.draw.history import check_history
from zhunsheng.engine.public_log import canonical, export
from zhunsheng.engine.words import say

ROOT = Path(__file__).parents[2]
SECOND = ROOT / "docs/rules/verify_draw.py"
#: what the second verifier leaves to others: BLS signatures, pinned keys
NOT_JUDGED_THERE = {"wrong-round-dated-right", "invented-round", "another-key", "strangers-key"}
#: steps that only tell, and pass
PASSES = {"abandoned-with-a-good-reason"}


@pytest.fixture(scope="module")
def scene():
    return honest()


def second(made, tmp_path):
    """The steps of the second verifier: name → PASS, FAIL or open; and its exit code."""
    path = tmp_path / "shown.json"
    path.write_bytes(canonical(made))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-O", str(SECOND), str(path)], capture_output=True, text=True, check=False,
        env={"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    steps = dict(re.findall(r"^(?:(?:PASS|FAIL|open) )([a-z-]+)", done.stdout, re.M) and
                 [(name, mark) for mark, name in re.findall(r"^(PASS|FAIL|open) ([a-z-]+)", done.stdout, re.M)])  # fmt: skip
    return steps, done.returncode, done.stdout + done.stderr


def test_nobody_says_anything_of_the_honest_draws(scene):
    assert honest_problems(scene) == ()
    outcomes = [draw.verify(made).outcome for made in (scene.open, scene.sealed, scene.given_up, scene.proof)]
    assert outcomes == ["executed", "executed", "abandoned", "member"]
    assert draw.verify(scene.closed).reason.code == "draw.verdict.executed_sealed"
    assert check_history(scene.log.entries).open == ()


@pytest.mark.parametrize("part", ["open", "sealed", "closed", "given_up", "proof"])
def test_the_second_verifier_passes_the_honest_draws_by_the_same_steps(scene, part, tmp_path):
    made = getattr(scene, part)
    steps, code, said = second(made, tmp_path)
    assert code == 0, said
    verdict = draw.verify(made)
    marks = {True: "PASS", False: "FAIL", None: "open"}
    ours = {step.name: marks[step.ok] for step in verdict.steps} | (
        {"drand-signature": "open"} if part == "open" else {}
    )
    assert steps == ours


@pytest.mark.parametrize("name", LEVERS)
def test_every_lever_is_noticed_by_whom_it_should_be(scene, name):
    before = deepcopy(scene)
    pulled = pull(LEVERS[name], scene)
    assert pulled.as_expected, f"{name}: {pulled.by or 'nobody'} says {pulled.reason.text('en')}"
    assert scene.open == before.open and scene.log.entries == before.log.entries, "the scene is only copied"


@pytest.mark.parametrize("name", [lever.name for lever in LEVERS.values() if lever.watch in ("verify", "pinned")])
def test_the_second_verifier_notices_it_by_the_same_step(scene, name, tmp_path):
    lever = LEVERS[name]
    steps, code, said = second(pull(lever, scene).shown, tmp_path)
    if lever.told or name in NOT_JUDGED_THERE:
        assert code == 0, said
        assert steps[lever.catches] == ("PASS" if name in PASSES else "open"), said
    else:
        assert code == (2 if lever.catches == "format" else 1)
        failed = [step for step, mark in steps.items() if mark == "FAIL"]
        assert failed[0] == lever.catches, said


@pytest.mark.parametrize("part", ["open", "sealed", "given_up"])
def test_levers_can_be_pulled_on_a_bundle_from_elsewhere(scene, part):
    made = deepcopy(getattr(scene, part))
    found = pull_on(made, LEVERS.values())
    assert made == getattr(scene, part)
    assert all(one.caught for one in found), [one.lever.name for one in found if not one.caught]
    assert len(found) >= {"open": 25, "sealed": 8, "given_up": 2}[part]


def test_the_guess_would_succeed_if_the_digests_did_not_hide_what_they_are_of(scene):
    """The lever that must be impossible is a real attempt: on plain digests it finds what was drawn."""
    mine = deepcopy(scene)
    mine.closed["withheld"]["selection"] = draw.digest(mine.sealed["selection"])
    pulled = pull(LEVERS["guessed-from-its-digest"], mine)
    assert not pulled.caught and pulled.reason.code == "cheat.guessed"
    mine = deepcopy(scene)
    mine.proof["blind"] = draw.blind(
        mine.sealed["open"]["key"], "demo-2023-002", json.loads(mine.sealed["open"]["leaves"][0])["id"]
    )
    assert not pull(LEVERS["neighbours-line"], mine).caught


def test_what_a_step_says_of_every_draw_notices_nothing(scene):
    """A lever that only tells counts as noticed by words that the honest draw does not get."""
    idle = type(LEVERS["changed-n"])("idle", lambda scene: "open", "verify", "announced-when", True)
    assert not pull(idle, scene).caught


# the command


def test_the_command_says_that_all_are_caught(capsys):
    assert main(["cheat", "--json", "--lang", "en"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] and said["honest"] == [] and [one["name"] for one in said["levers"]] == list(LEVERS)
    assert all(one["ok"] and one["caught_by"] == one["expected"] for one in said["levers"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command_shows_a_table(capsys, lang):
    assert main(["cheat", "--lever", "changed-n", "--lever", "log-edited", "--lang", lang]) == 0
    said = capsys.readouterr().out
    for name in ("changed-n", "log-edited"):
        assert name in said and say(f"cheat.lever.{name}", lang) in said
    assert say("draw.step.announcement-hash", lang) in said and say("cheat.watch.mirror", lang) in said
    assert said.rstrip().endswith(say("cheat.cli.all", lang, count=2))


def test_the_command_lists_without_pulling(capsys):
    assert main(["cheat", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(f"{name}\n" in said for name in LEVERS)
    assert main(["cheat", "--list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(LEVERS)


def test_the_command_takes_a_bundle(tmp_path, capsys, scene):
    path = tmp_path / "bundle.json"
    path.write_bytes(canonical(scene.open))
    assert main(["cheat", str(path), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["levers"]) >= 25
    path.write_bytes(canonical({**scene.open, "results": []}))
    assert main(["cheat", str(path)]) == 2
    assert "不通过" in capsys.readouterr().err
    assert main(["cheat", str(tmp_path / "none.json")]) == 2
    assert main(["cheat", "--lever", "unheard-of"]) == 2


def test_a_lever_that_nobody_notices_is_told(monkeypatch, capsys, scene):
    """The kit itself must be able to fail."""
    idle = LEVERS["changed-n"]
    monkeypatch.setitem(LEVERS, "changed-n", type(idle)("changed-n", lambda scene: "open", "verify", "n"))
    assert main(["cheat", "--lever", "changed-n", "--lang", "en"]) == 1
    assert "MISSED" in capsys.readouterr().out
    wrong = type(idle)("changed-n", idle.pull, "verify", "root")
    assert pull(wrong, scene).caught and not pull(wrong, scene).as_expected


# the history of draws


def test_the_history_is_read_from_an_export(tmp_path, capsys, scene):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"".join(export("demo/log", scene.log.lines())))
    assert main(["history", str(path), "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert "demo-2023-003  abandoned" in said and "3 draws: 2 executed, 1 abandoned" in said
    mine = deepcopy(scene)
    LEVERS["redraw"].pull(mine)
    path.write_bytes(b"".join(export("demo/log", mine.log.lines())))
    assert main(["history", str(path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["code"] == "history.executed_twice"
    path.write_bytes(path.read_bytes().replace(b"demo", b"dome", 3))
    assert main(["history", str(path)]) == 2
    assert main(["history", str(tmp_path / "none")]) == 2


def test_the_history_says_what_speaks_against_a_bundle(scene):
    history = check_history(scene.log.entries)
    right = draw.announcement_hash(scene.open["announce"])
    assert history.concerns("demo-2023-001", right) == ()
    assert history.concerns("demo-2023-001", "0" * 64)[0].code == "history.other_announcement"
    assert history.concerns("demo-2023-009", right)[0].code == "history.not_announced"
    mine = deepcopy(scene)
    LEVERS["second-commitment"].pull(mine)
    assert check_history(mine.log.entries).concerns("demo-2023-001", right)[0].code == "history.announced_twice"


def act(kind, number, at="2026-01-01T00:00:00+00:00", **data):
    return {"kind": f"draw.{kind}", "subject": f"draw:{number}", "at": at, "data": data}


def test_the_history_passes_over_what_is_no_draw_and_names_the_rest():
    noise = [1, "x", None, {"kind": "draw.announce"}, {"kind": "draw.announce", "subject": "plan:1", "data": 3}]
    assert check_history(noise).draws == {}
    assert check_history([act("execute", "a-1")]).problems[0].code == "history.not_announced"
    first = act("announce", "a-1", announce="x", plan="p", not_before="2026-01-03T00:00:00Z")
    two = [first, act("abandon", "a-1"), act("announce", "a-2", plan="p")]
    assert check_history(two).ok and check_history(two).open == ("a-2",)
    other = [act("announce", "a-1", announce="x"), act("execute", "a-1", announcement="y")]
    assert check_history(other).problems[0].code == "history.executed_other"
    far = check_history([act("announce", "a-999999999", announce="x")])
    assert far.problems[0].params == {"draw": "a-000000001", "count": 999999998}


@pytest.mark.parametrize(
    ("at", "late"),
    [
        ("2026-01-02T23:59:59+00:00", False), ("2026-01-03T00:00:00+00:00", True), ("2026-01-03T07:59:59+08:00", False),
        ("2026-01-03T08:00:00+08:00", True), ("some day", True),
    ],
)  # fmt: skip
def test_the_history_says_who_gave_up_when_the_seed_could_be_known(at, late):
    """From `not_before` on, or when nobody can tell; and a sealed draw that was given up is to be opened."""
    first = act("announce", "a-1", announce="x", mode="sealed", not_before="2026-01-03T00:00:00Z")
    found = check_history([first, act("abandon", "a-1", at), act("open", "a-1")])
    assert [one.code for one in found.suspicious] == (["history.abandoned_late"] if late else []) and not found.problems
    found = check_history([first, act("abandon", "a-1", at)])
    assert found.suspicious[-1].code == "history.abandoned_unopened" and not found.ok


# the page


@pytest.mark.parametrize(("file", "lang"), [("cheat.md", "en"), ("cheat.zh.md", "zh")])
def test_the_page_lists_every_lever_and_what_closes_it(file, lang):
    page = (ROOT / "docs/rules" / file).read_text(encoding="utf-8")
    before, table = re.split(r"^## (?:Levers|手法)$", page, flags=re.M)
    rows = re.findall(r"^\| `([a-z-]+)` \| (.*?) \| (.*?) \|$", table, re.M)
    expected = []
    for lever in LEVERS.values():
        watch = say(f"cheat.watch.{lever.watch}", lang)
        expected.append((lever.name, say(f"cheat.lever.{lever.name}", lang), f"{watch}: `{lever.catches}`"))
    assert rows == expected
    # what does not fail but is said stands in words before the table
    told = {name for name, lever in LEVERS.items() if lever.told}
    assert {name for row in re.findall(r"^\| (`.*?`) \|", before, re.M) for name in re.findall(r"[a-z-]+", row)} == told
