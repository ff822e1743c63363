"""The reference pages of the procedures say what the data say: they are made from it, and made anew when it changes."""

from pathlib import Path

from zhunsheng.commands.procedure import written_pages
from zhunsheng.engine import procedure as procedures

DOCS = Path(__file__).resolve().parents[2] / "docs" / "reference"


def test_the_pages_are_those_of_the_data():
    stale = [
        name
        for name, text in written_pages().items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != text
    ]
    assert not stale, "run: zhunsheng procedure pages docs/reference"


def test_no_picture_is_of_a_procedure_that_is_gone():
    drawn = {path.name.partition(".")[0] for path in (DOCS / "procedures").glob("*.svg")}
    assert drawn == set(procedures.codes())
