"""The walls that a linter cannot see: only actions write, and the law of the house is kept in every room."""

import ast
from pathlib import Path

import pytest

import zhunsheng.web

WEB = Path(zhunsheng.web.__file__).parent
ROOMS = ("people", "public_log", "desk", "registry", "inspection", "appraisal", "law", "portal")
WRITES = {"save", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create", "delete", "raw"}
#: files that may write: the actions, and what Django itself generates or runs once
WRITERS = ("actions", "migrations")


def _sources(room: str) -> list[Path]:
    return [
        path for path in sorted((WEB / room).rglob("*.py"))
        if not any(part.removesuffix(".py") in WRITERS for part in path.relative_to(WEB / room).parts)
    ]  # fmt: skip


@pytest.mark.parametrize("room", ROOMS)
def test_only_actions_write(room):
    """No view, form, query, import or command saves, creates, updates or deletes a row."""
    found = []
    for path in _sources(room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            name, owner = node.func.attr, ast.unparse(node.func.value)
            writes = name in WRITES or (name == "update" and ("objects" in owner or ".filter(" in owner))
            if writes and not owner.startswith(("super()", "messages")):
                found.append(f"{path.relative_to(WEB)}:{node.lineno} {owner}.{name}(…)")
    assert not found, "write through actions.py:\n" + "\n".join(found)


@pytest.mark.parametrize("room", ROOMS)
def test_actions_say_who_and_when(room):
    """Every action that writes in a transaction takes `by` as a keyword, and `at` if it leaves a record."""
    folder = WEB / room
    files = [*folder.glob("actions.py"), *folder.glob("actions/*.py")]
    bad = []
    for path in files:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                keywords = {argument.arg for argument in node.args.kwonlyargs}
                text = ast.unparse(node)
                own = bool(node.args.args) and node.args.args[0].arg == "user"  # the user's own papers
                wanted = ({"by"} if not own else set()) | (
                    {"at"} if "record(" in text or "record_many(" in text else set()
                )
                if ".atomic()" in text and not wanted <= keywords:
                    bad.append(f"{path.relative_to(WEB)}:{node.lineno} {node.name}")
    assert not bad, "actions without by/at:\n" + "\n".join(bad)


def test_no_hidden_clock_in_actions():
    """An action is told the time; it does not look."""
    bad = []
    for path in [*WEB.glob("*/actions.py"), *WEB.glob("*/actions/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                "timezone.now",
                "timezone.localdate",
                "datetime.datetime.now",
                "datetime.date.today",
            }:
                bad.append(f"{path.relative_to(WEB)}:{node.lineno} {ast.unparse(node)}")
    assert not bad, "\n".join(bad)
