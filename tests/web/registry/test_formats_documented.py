"""The pages about file formats say what the code does."""

import re
from pathlib import Path

import pytest

from zhunsheng.web.common.spreadsheet import ACCEPTED, MAX_ROWS, reader
from zhunsheng.web.desk.importing import mapping
from zhunsheng.web.registry.imports import KINDS

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize("page", ["file-formats.md", "file-formats.zh.md"])
def test_every_column_of_every_kind_is_there_and_no_other(page):
    text = (DOCS / "reference" / page).read_text(encoding="utf-8")
    for kind in KINDS:
        section = text.split(f"### {kind.code} ")[1].split("\n#")[0]
        keys = re.findall(
            r"`(\w+)`( \*)?", "\n".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
        )
        assert {(key, bool(star)) for key, star in keys} == {(column.key, column.required) for column in kind.columns}
        for column in kind.columns:
            assert str(column.label) in section


@pytest.mark.parametrize("page", ["file-formats.md", "file-formats.zh.md"])
def test_every_word_of_a_mapping_file_is_there(page):
    text = (DOCS / "reference" / page).read_text(encoding="utf-8").split("## ")[2]
    words = set(re.findall(r"`\[?(\w+)", text))
    assert set(mapping._TOP) | set(mapping._RULE) | set(mapping._DIFFERENCES) <= words


def test_the_limits_are_there():
    text = (DOCS / "reference" / "file-formats.md").read_text(encoding="utf-8")
    assert all(f"`{suffix}`" in text for suffix in ACCEPTED)
    assert f"{MAX_ROWS:,} rows" in text
    assert f"{reader.MEMORY >> 30} GB" in text and f"{reader.SECONDS} s" in text


def test_the_example_of_a_mapping_can_be_used():
    plan = mapping.read_plan((DOCS / "howto" / "toronto-mapping.toml").read_text(encoding="utf-8"), KINDS[0])
    assert plan.group_by == ("Establishment ID",) and plan.columns["unit_id"].prefix == "toronto:"
    for page in ("import-a-register.md", "import-a-register.zh.md"):
        example = (DOCS / "howto" / page).read_text(encoding="utf-8").split("```toml")[1].split("```")[0]
        assert mapping.read_plan(example, KINDS[0]).columns["name"].sources == ("Establishment Name",)
