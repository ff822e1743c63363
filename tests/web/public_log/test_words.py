"""Every verb and every kind of subject that a room writes has a word, and every page named for a subject is there."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import get_resolver

import zhunsheng.web
from zhunsheng.web.public_log import words
from zhunsheng.web.public_log.models import Act

WEB = Path(zhunsheng.web.__file__).parent
#: who records: the function and, counted from the left, where its verb and its kind of subject stand
RECORDERS = ("record", "Deed", "_record_version")


def _texts(node: ast.expr) -> list[str]:
    """The texts that an argument may be: one, or those of both branches. A variable is looked at where it was given."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return _texts(node.body) + _texts(node.orelse) if isinstance(node, ast.IfExp) else []


def calls() -> Iterator[tuple[str, list[str], list[str], bool]]:
    """(place, verbs, kinds of subject, whether it may be public) for each record that a room writes."""
    for path in sorted([*WEB.glob("*/**/actions.py"), *WEB.glob("*/actions/*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and len(node.args) >= 2:
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in RECORDERS:
                    public = name == "_record_version" or any(word.arg == "public" for word in node.keywords)
                    yield f"{path.relative_to(WEB)}:{node.lineno}", _texts(node.args[0]), _texts(node.args[1]), public


CALLS = list(calls())


def test_it_finds_the_records():
    found = {verb for _place, verbs, _kinds, _public in CALLS for verb in verbs}
    assert {"create_user", "draw.announce", "register_entity", "snapshot.approve"} <= found


def test_every_verb_has_a_word():
    assert [(place, verb) for place, verbs, _kinds, _public in CALLS for verb in verbs if verb not in words.VERBS] == []


def test_every_subject_has_a_word():
    assert [
        (place, kind) for place, _verbs, kinds, _public in CALLS for kind in kinds if kind not in words.SUBJECTS
    ] == []


def test_no_word_is_left_over():
    written = {verb for _place, verbs, _kinds, _public in CALLS for verb in verbs}
    assert set(words.VERBS) - written == set()


def test_the_public_verbs_are_those_recorded_in_public():
    """Those that are never recorded with public=… are not offered as a kind of entry, the others are."""
    public = {verb for _place, verbs, _kinds, is_public in CALLS if is_public for verb in verbs}
    assert set(words.PUBLIC_VERBS) == public - {"snapshot.reject"}  # recorded by the same line, with public=None


@pytest.mark.parametrize("kind", sorted(words.SUBJECTS))
def test_pages_of_subjects_exist_and_take_its_number(kind):
    names = set()

    def walk(resolver, namespace=""):
        for pattern in resolver.url_patterns:
            if hasattr(pattern, "url_patterns"):
                walk(pattern, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace)
            else:
                names.add(f"{namespace}{pattern.name}")

    walk(get_resolver())
    _name, staff, public = words.SUBJECTS[kind]
    assert {name for name in (staff, public) if name} <= names
    if staff:
        assert words.subject_url(kind, "7")
    if public:
        assert words.subject_url(kind, "7", public=True)


def test_changes_with_and_without_the_old_value():
    act = Act(changes={"a": ["old", "new"], "b": "set", "c": [1, 2, 3]})
    assert [(one.field, one.old, one.new, one.both) for one in words.changes(act)] == [
        ("a", "old", "new", True), ("b", None, "set", False), ("c", None, [1, 2, 3], False),
    ]  # fmt: skip
