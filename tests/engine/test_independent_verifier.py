"""docs/rules/verify_draw.py, written from the rule page and sharing no code with the program, judges as the program does."""

import ast
import contextlib
import importlib.util
import io
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.engine import judged
from zhunsheng.engine.draw import verify

PROGRAM = Path(__file__).parents[2] / "docs/rules/verify_draw.py"
MARKS = {"PASS": True, "FAIL": False, "open": None}
#: BLS signatures need a library; the second verifier says that it leaves them
BLS = {"lever wrong-round-dated-right", "lever invented-round"}


def load():
    spec = importlib.util.spec_from_file_location("verify_draw", PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def second():
    """second(path): the steps of the second verifier and its exit code, in this process."""
    module = load()

    def run(path):
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = module.main(str(path))
        lines = re.findall(r"^(PASS|FAIL|open) ([a-z-]+)", said.getvalue(), re.M)
        return {name: MARKS[mark] for mark, name in lines}, code

    return run


def ours(data):
    """The steps of the program; a good BLS signature is one the second verifier leaves open."""
    verdict = verify(data)
    steps = {step.name: step.ok for step in verdict.steps}
    if steps.get("drand-signature"):
        steps["drand-signature"] = None
    return steps, 2 if verdict.outcome == "unreadable" else 0 if verdict.ok else 1


def first_failure(steps):
    return next((name for name, ok in steps.items() if ok is False), None)


def test_it_runs_alone(tmp_path):
    """No site packages, no project; optimised, so that asserts would vanish."""
    path = tmp_path / "bundle.json"
    path.write_bytes(judged.true_files()["whole"])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-O", str(PROGRAM), str(path)], capture_output=True, text=True, check=False,
        env={"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0 and "holds: draw demo-2026-003" in done.stdout, done.stdout + done.stderr
    path.write_bytes(judged.true_files()["abandoned"])
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(PROGRAM), str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "ABANDONED after the seed could be known: 名单中混入外市企业" in done.stdout
    done = subprocess.run([sys.executable, "-I", "-S", str(PROGRAM)], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "python3 verify_draw.py bundle.json" in done.stderr


def test_it_needs_nothing_but_the_standard_library():
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names) and not any(isinstance(node, ast.Assert) for node in ast.walk(tree))


@pytest.mark.parametrize("name", judged.true_files())
def test_true_files_hold_by_the_same_steps(second, tmp_path, name):
    path = tmp_path / "file.json"
    path.write_bytes(judged.true_files()[name])
    assert second(path) == ours(judged.true_files()[name])
    assert second(path)[1] == 0


@pytest.mark.parametrize("name", judged.forgeries())
def test_forgeries_fall_by_the_same_step(second, tmp_path, name):
    data = judged.forgeries()[name]
    path = tmp_path / "file.json"
    path.write_bytes(data)
    (steps, code), (right, expected) = second(path), ours(data)
    assert expected != 0, "the program must refuse it in the first place"
    if name in BLS:
        assert code == 0 and steps["drand-signature"] is None
    else:
        assert (first_failure(steps), code) == (first_failure(right), expected)


@pytest.mark.parametrize(
    ("name", "now", "holds"),
    [
        ("announced", "2023-08-22T00:59:59", False), ("announced", "2023-08-22T01:00:00", True),
        ("plain", "2023-08-23T01:29:59", False), ("plain", "2023-08-23T01:30:00", True),
        ("whole", "2023-08-23T15:59:23", False), ("whole", "2023-08-23T15:59:24", True),
        ("sealed", "2023-09-20T07:59:59", False), ("sealed", "2023-09-20T08:00:00", True),
        ("abandoned late", "2023-08-23T00:59:59", False), ("abandoned late", "2023-08-23T01:00:00", True),
    ],
)  # fmt: skip
def test_what_is_dated_later_than_now_is_refused_by_both(tmp_path, name, now, holds):
    data, moment = judged.true_files()[name], datetime.fromisoformat(now)
    path = tmp_path / "file.json"
    path.write_bytes(data)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        load().main(str(path), moment)
    assert f"{'PASS' if holds else 'FAIL'} time-order" in said.getvalue()
    assert verify(data, now=moment.replace(tzinfo=UTC)).step("time-order").ok is holds


def test_every_place_of_a_bundle_bent_a_little_is_judged_alike(second, tmp_path):
    """Each place of whole, sealed and joint bundles in turn, every fifth here; the digests are made again."""
    path = tmp_path / "file.json"
    differ, held = [], []
    for name, data in judged.bends(every=5).items():
        path.write_bytes(data)
        (steps, code), (right, expected) = second(path), ours(data)
        if (first_failure(steps), code) != (first_failure(right), expected):
            differ.append((name, first_failure(steps), first_failure(right)))
        if not code:
            held.append(name.partition(" ")[2])
    assert not differ
    # the name of the log, and an act proved twice, change nothing that the file states
    assert {place for place in held if not place.startswith("log")} == set()


def test_the_ed25519_of_rfc_8032(second):
    """Section 7.1, tests 1 to 3, and a signature that is not canonical (s + order)."""
    module = load()
    for key, message, signature in RFC_8032:
        module.ed25519(bytes.fromhex(key), bytes.fromhex(signature), bytes.fromhex(message))
        raw = bytes.fromhex(signature)
        s = int.from_bytes(raw[32:], "little") + 2**252 + 27742317777372353535851937790883648493
        for wrong in (raw[:-1] + bytes([raw[-1] ^ 1]), raw[:32] + s.to_bytes(32, "little"), bytes(64), raw[:-1]):
            with pytest.raises((module.Wrong, ValueError)):
                module.ed25519(bytes.fromhex(key), wrong, bytes.fromhex(message))


RFC_8032 = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
)  # fmt: skip
