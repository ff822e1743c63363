"""Marks in a text what was asked for, as the index read it: full-width or half-width, capital or small."""

import unicodedata
from collections.abc import Sequence

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

#: characters of a snippet, and those before its first mark
SHOWN, BEFORE = 120, 24


def spans(text: str, terms: Sequence[str]) -> list[tuple[int, int]]:
    """Where the folded terms stand in a text, in order, none inside another."""
    folded: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for one in unicodedata.normalize("NFKC", char).casefold():
            folded.append(one)
            places.append(place)
    line = "".join(folded)
    found = []
    for term in terms:
        at = line.find(term)
        while at >= 0:
            found.append((places[at], places[at + len(term) - 1] + 1))
            at = line.find(term, at + len(term))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def mark(text: str, terms: Sequence[str]) -> SafeString:
    """The text as HTML, escaped, with <mark> around each term."""
    parts, at = [], 0
    for start, end in spans(text, terms):
        parts += [("", text[at:start], ""), ("<mark>", text[start:end], "</mark>")]
        at = end
    parts.append(("", text[at:], ""))
    return format_html_join("", "{}{}{}", ((SafeString(a), b, SafeString(c)) for a, b, c in parts if b))


def snippet(text: str, terms: Sequence[str]) -> SafeString:
    """A line of the text around the first term, or its beginning."""
    line = " · ".join(part.strip() for part in text.splitlines() if part.strip())
    found = spans(line, terms)
    start = max(0, found[0][0] - BEFORE) if found and found[0][1] > SHOWN else 0
    end = start + SHOWN
    cut = line[start:end]
    return mark(f"{'…' if start else ''}{cut}{'…' if end < len(line) else ''}", terms)
