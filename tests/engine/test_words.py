"""Texts and errors: two languages for everything the engine says."""

import ast
import pickle
import re
from pathlib import Path

import pytest

from zhunsheng.engine import errors, words
from zhunsheng.engine.errors import ClockError, TableError, ZhunshengError
from zhunsheng.engine.words import Reason, messages, say

SOURCES = [p for folder in ("engine", "commands") for p in (Path(words.__file__).parent.parent / folder).rglob("*.py")]
FIELD = re.compile(r"\{(\w+)\}")


def test_it_says_one_thing_in_two_languages():
    assert say("identifiers.length", expected=18, actual=17) == "应为 18 位，现为 17 位"
    assert say("identifiers.length", "en", expected=18, actual=17) == "must have 18 characters, and has 17"
    assert say("identifiers.length", "en-gb", expected=1, actual=2) == say(
        "identifiers.length", "en", expected=1, actual=2
    )
    assert say("identifiers.length", "zh-hans", expected=1, actual=2) == say("identifiers.length", expected=1, actual=2)


def test_every_code_has_both_languages_and_the_same_parameters():
    assert messages()
    for message in messages().values():
        assert re.search(r"[\u4e00-\u9fff]|^[^\w]*(\{\w+\}[^\w]*)+$", message.zh), message.code
        # English may cite a law by its Chinese name, but it is English.
        latin, chinese = (len(re.findall(kind, FIELD.sub("", message.en))) for kind in ("[A-Za-z]", "[\u4e00-\u9fff]"))
        assert latin > chinese or not chinese, message.code
        # A word with two forms is {name} in Chinese and {name_en} in English.
        zh = set(FIELD.findall(message.zh))
        en = {f.removesuffix("_en") if f.removesuffix("_en") in zh else f for f in FIELD.findall(message.en)}
        assert zh == en, message.code


def test_every_code_in_the_source_has_a_text():
    """Literal codes given to Reason, say or an error must exist; a typing mistake would surface only in production."""
    callables = {"Reason", "say", "_reason", "problem"} | {n for n in dir(errors) if n.endswith("Error")}
    found = 0
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in callables:
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found += 1
                    assert first.value in messages(), f"{path.name}:{node.lineno}: {first.value}"
    assert found > 50


def test_an_unknown_code_or_a_missing_parameter_is_a_loud_mistake():
    with pytest.raises(KeyError, match="no message"):
        say("words.no_such_code")
    with pytest.raises(KeyError, match="actual"):
        say("identifiers.length", expected=1)


def test_a_reason_is_a_value():
    reason = Reason("identifiers.length", {"expected": 18, "actual": 17})
    assert reason == Reason("identifiers.length", {"actual": 17, "expected": 18})
    assert hash(reason) == hash(Reason("identifiers.length", {"actual": 17, "expected": 18}))
    assert pickle.loads(pickle.dumps(reason)) == reason
    with pytest.raises(TypeError, match="must be str or int"):
        Reason("identifiers.length", {"expected": 1.5})


def test_an_error_says_where():
    error = ClockError("clock.bad_amount", where="第3行", amount="0")
    assert str(error) == "第3行：期限长度应为正整数，现为“0”"
    assert error.text("en") == "第3行: the length of a period must be a positive whole number, not “0”"
    assert error.code == "clock.bad_amount"
    assert error.params == {"amount": "0"}
    assert TableError.of(error.reason, where="x").text("en").startswith("x: the length")


def test_an_error_survives_another_process():
    error = pickle.loads(pickle.dumps(ClockError("clock.bad_amount", where="row 3", amount="0")))
    assert (type(error), error.where, error.text("en")) == (
        ClockError,
        "row 3",
        "row 3: the length of a period must be a positive whole number, not “0”",
    )


def test_the_family_has_one_root():
    family = [v for n, v in vars(errors).items() if n.endswith("Error")]
    assert all(issubclass(kind, ZhunshengError) for kind in family)
    assert {k.__name__ for k in family} >= {
        "TableError", "ClockError", "IdentifierError", "DrawError", "LogError", "EstimateError", "AppraisalError",
    }  # fmt: skip
