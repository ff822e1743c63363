"""Words of reports and limits, from the table `testing/wordings`."""

from __future__ import annotations

from zhunsheng.engine import tables
from zhunsheng.engine.testing.figures import clean


@tables.kept("testing/")
def spellings(code: str) -> tuple[str, ...]:
    """Every way to write it, the longest first, in plain signs. Raises KeyError for a code that the table lacks."""
    for row in tables.load("testing/wordings").rows:
        if row["code"] == code:
            return tuple(sorted((clean(word) for word in row.list("spellings")), key=lambda word: (-len(word), word)))
    raise KeyError(code)


def begins(text: str, *codes: str) -> tuple[str, str] | None:
    """Which of these the text begins with, by its longest spelling, and what follows it; None for none."""
    found = [(word, code) for code in codes for word in spellings(code) if text.startswith(word)]
    if not found:
        return None
    word, code = max(found, key=lambda pair: len(pair[0]))
    return code, text[len(word) :].strip()


def is_one(text: str, *codes: str) -> str:
    """Which of these the whole text is; "" for none."""
    return next((code for code in codes if text in spellings(code)), "")
