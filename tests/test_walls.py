"""The walls of the house that a linter does not see."""

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import zhunsheng.commands
import zhunsheng.engine

SRC = Path(__file__).parents[1] / "src"
ENGINE = sorted((SRC / "zhunsheng" / "engine").rglob("*.py"))

IMPURE_NAMES = {"open", "input", "print", "exec", "eval", "breakpoint"}
IMPURE_ATTRIBUTES = {
    "now", "utcnow", "today", "time_ns", "monotonic", "perf_counter", "localtime", "gmtime",
    "uuid1", "uuid4", "urandom", "environ", "getenv", "getcwd",
}  # fmt: skip
READING = {"open", "read_text", "read_bytes", "iterdir", "write_text", "write_bytes", "is_file", "exists"}
IMPURE_MODULES = {
    "random", "secrets", "uuid", "os", "time", "socket", "subprocess", "threading", "urllib", "http", "sqlite3",
    "django", "duckdb", "logging", "tempfile", "shutil", "locale",
}  # fmt: skip


def impurities(tree: ast.AST, *, may_read: bool) -> list[str]:
    """What in this module reads a clock, a setting, a file, or randomness."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [f"{node.lineno}: import {a.name}" for a in node.names if a.name.split(".")[0] in IMPURE_MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in IMPURE_MODULES:
            found.append(f"{node.lineno}: from {node.module} import …")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_NAMES:
            found.append(f"{node.lineno}: {node.func.id}()")
        elif isinstance(node, ast.Attribute) and node.attr in IMPURE_ATTRIBUTES | (set() if may_read else READING):
            found.append(f"{node.lineno}: .{node.attr}")
    return found


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: path.relative_to(SRC / "zhunsheng").as_posix())
def test_the_engine_reads_no_clock_no_setting_no_file_and_no_chance(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert impurities(tree, may_read=path.name == "tables.py") == []


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import date\nx = date.today()",
        "import datetime\nx = datetime.datetime.now(tz)",
        "import time",
        "from os import environ",
        "import os",
        "x = open('f')",
        "from pathlib import Path\nx = Path('f').read_text()",
        "from uuid import uuid4",
        "import random",
        "from django.conf import settings",
        "clock = datetime.now\nx = clock()",
    ],
)
def test_the_wall_has_no_hole(code):
    assert impurities(ast.parse(code), may_read=False)


def imported(code: str) -> set[str]:
    """The top-level modules that are loaded after running code in a fresh interpreter."""
    code += "\nimport sys; print(' '.join({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": str(SRC)}, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_whole_engine_loads_no_django():
    names = [m.name for m in pkgutil.walk_packages(zhunsheng.engine.__path__, "zhunsheng.engine.")]
    assert "zhunsheng.engine.clock" in names
    assert not imported("\n".join(f"import {name}" for name in names)) & {"django", "duckdb", "sqlite3"}


def test_the_command_line_needs_the_standard_library_only():
    """A journalist's install has neither Django nor numpy."""
    assert {m.name for m in pkgutil.iter_modules(zhunsheng.commands.__path__)} >= {"clock", "identifiers", "tables"}
    assert not imported("from zhunsheng import cli\ncli._parser()") & {"django", "numpy", "scipy"}
