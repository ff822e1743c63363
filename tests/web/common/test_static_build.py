"""The committed style sheet and script are what `npm run build` makes of frontend/."""

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "src/zhunsheng/web/static"
BUILD = json.loads((STATIC / "BUILD.json").read_text())
HINT = "run `npm ci && npm run build` and commit frontend/ together with src/zhunsheng/web/static/"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_outputs_are_the_built_ones():
    assert BUILD["outputs"] == {name: sha256(STATIC / name) for name in BUILD["outputs"]}, HINT
    assert set(BUILD["outputs"]) == {
        "zhunsheng.css",
        "zhunsheng.js",
        "verify.js",
        "verify-worker.js",
        "commitment.js",
        "proof.js",
    }


def test_no_source_was_changed_since_the_build():
    sources = [path for folder in ("css", "js", "verify") for path in (FRONTEND / folder).iterdir()] + [
        FRONTEND / "build.mjs"
    ]
    assert BUILD["sources"] == {path.relative_to(FRONTEND).as_posix(): sha256(path) for path in sources}, HINT


def test_style_sheet_stays_small_and_asks_nobody_else():
    css = (STATIC / "zhunsheng.css").read_text()
    assert len(css.encode()) < 32 * 1024
    assert "url(" not in css and "@import" not in css


def test_script_stays_small_and_evaluates_nothing():
    script = (STATIC / "zhunsheng.js").read_text()
    assert len(script.encode()) < 12 * 1024
    assert "eval(" not in script and "new Function" not in script and "innerHTML" not in script


def test_the_verifier_evaluates_nothing_and_carries_the_licence_of_its_library():
    page, worker = ((STATIC / name).read_text() for name in ("verify.js", "verify-worker.js"))
    assert len(page.encode()) < 8 * 1024 and len(worker.encode()) < 192 * 1024
    for script in (page, worker):
        assert not any(word in script for word in ("eval(", "new Function", "innerHTML", "importScripts"))
    assert worker.count("The MIT License") == 2 and "Paul Miller" in worker


@pytest.mark.parametrize("name", ["package.json", "package-lock.json", ".npmrc"])
def test_packages_name_no_host(name):
    assert "://" not in (ROOT / name).read_text()
