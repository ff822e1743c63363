"""Every limit against a table written from the law on its own (tests/vectors/procedures/limits.csv), and the words of
the files: two languages, full-width punctuation, a source and a grade for each rule."""

import csv
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from zhunsheng.engine import procedure as P
from zhunsheng.engine import tables

FILE = Path(__file__).parents[1] / "vectors/procedures/limits.csv"
ROWS = list(csv.DictReader(FILE.open(encoding="utf-8")))
DATA = resources.files("zhunsheng.engine") / "data"
CHINESE = re.compile(r"[一-鿿]")


def chain(limit) -> str:
    return ";".join("day set" if one.until else f"{one.amount} {one.unit}" for one in limit.longer)


@pytest.mark.parametrize("row", ROWS, ids=lambda r: f"{r['procedure']} {r['limit']} {r['versions']}")
def test_a_limit_is_as_long_as_the_law_says(row):
    for version in row["versions"].split(";"):
        limit = P.version(row["procedure"], version).limits[row["limit"]]
        assert (limit.amount, limit.unit, chain(limit), limit.sense) == (
            int(row["amount"]),
            row["unit"],
            row["longer"],
            row["sense"],
        ), version


def test_no_limit_is_missing_from_the_table():
    """Those whose day an order or a plan names have no amount of their own."""
    written = {(r["procedure"], v, r["limit"]) for r in ROWS for v in r["versions"].split(";")}
    known = {
        (p.code, p.version.code, limit.code)
        for code in P.codes()
        for p in P.versions(code)
        for limit in p.limits.values()
        if limit.amount
    }
    assert known - written == set()


def strings(value: object, key: str = ""):
    """Every text of a TOML document with its key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from strings(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part, key)


@pytest.mark.parametrize("code", P.codes())
def test_chinese_texts_have_full_width_punctuation(code):
    text = (DATA / "procedures" / f"{code}.toml").read_text(encoding="utf-8")
    for key, said in strings(tomllib.loads(text)):
        if CHINESE.search(said) and not key.endswith("_en") and key not in ("when",):
            assert re.search(r"[,;:()]", said) is None, f"{key}: {said}"


@pytest.mark.parametrize("name", [n for n in tables.names() if n.split("/")[0] in ("accidents", "enforcement", "service", "warranty", "works")])  # fmt: skip
def test_tables_have_full_width_punctuation(name):
    for row in tables.load(name).rows:
        for key, said in {**row, "source": row.source}.items():
            if CHINESE.search(said):
                assert re.search(r"[,;:()]", said) is None, f"{name} {key}: {said}"


@pytest.mark.parametrize("code", P.codes())
def test_english_readers_find_no_chinese(code):
    for p in P.versions(code):
        for line in P.table(p, "en"):
            words = (line.name, *line.sources, line.target, *line.documents, *line.starts, *line.ends, line.note)
            assert not any(CHINESE.search(word) for word in words), words
            assert CHINESE.search(line.step.unless_en + line.step.wording_en) is None
        for fact in p.facts.values():
            assert not CHINESE.search(fact.label("en") + fact.notes("en"))
            assert not any(CHINESE.search(choice.label("en")) for choice in fact.choices)
            assert bool(fact.notes("zh")) == bool(fact.notes("en"))
        for limit in p.limits.values():
            assert not CHINESE.search(limit.notes("en"))
        assert not CHINESE.search(p.note_en)


def test_a_note_is_shown_in_the_readers_language(capsys):
    from zhunsheng.cli import main

    assert main(("procedure", "show", "penalty", "--lang", "en")) == 0
    assert "note: A late payer may be charged 3 % of the fine a day" in capsys.readouterr().out
    assert main(("procedure", "show", "penalty")) == 0
    assert "说明：逾期的可以每日按罚款数额的百分之三加处罚款" in capsys.readouterr().out
