"""The glossary page is the glossary table. `python tests/engine/test_glossary.py` writes the page anew."""

import re
from pathlib import Path

from zhunsheng.engine import tables

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "glossary.md"


def render() -> str:
    lines = [
        "# Glossary · 术语表",
        "",
        "One Chinese term has one English identifier, in code, tables and addresses alike. The words under *not* are not used for it.",
        "This page is written from the table `glossary` (`src/zhunsheng/engine/data/glossary.csv`); change the table, then run",
        "`python tests/engine/test_glossary.py`.",
        "",
        "| term | identifier | meaning 释义 | gloss | not | source 出处 |",
        "|---|---|---|---|---|---|",
    ]
    for row in tables.load("glossary").rows:
        no = f"`{row['not']}`" if row["not"] else ""
        cells = (row["term"], f"`{row['identifier']}`", row["definition"], row["gloss"], no, row.source)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def test_the_page_equals_the_table():
    assert PAGE.read_text(encoding="utf-8") == render(), "run: python tests/engine/test_glossary.py"


def test_one_term_one_identifier():
    rows = tables.load("glossary").rows
    assert len({row["term"] for row in rows}) == len({row["identifier"] for row in rows}) == len(rows)
    for row in rows:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", row["identifier"]), row["term"]
        assert row["definition"] and row["gloss"]
        assert not any("|" in row[column] for column in row)


def test_no_identifier_is_a_word_that_another_term_refuses():
    rows = tables.load("glossary").rows
    refused = {row["not"] for row in rows if row["not"]}
    assert {"ledger", "operator", "district"} <= refused
    assert not refused & {row["identifier"] for row in rows}


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
