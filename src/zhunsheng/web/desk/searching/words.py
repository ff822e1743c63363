"""What a text is found by: one way of cutting it into words, for both databases, so that one or two characters work.

A text is folded first (NFKC, lower case). A run of Latin letters and digits is one word, found by its beginning:
9135 finds 91350100M000100Y43. Every other letter is a word, and so is every pair of neighbours of which at least one is
such a letter: 焦作 and 2号 are words of the index. A trigram index, as databases offer it, knows no word of two characters.

A longer run is looked up by its pairs; whether these stand together is seen in the text itself (`Wanted.parts`).
"""

import itertools
import re
import unicodedata
from dataclasses import dataclass

#: what is kept of one record; further text is not searched (the record's page says it in full)
MOST_TEXT = 8_000
#: of a query
MOST_QUERY = 100
#: the part of a Latin word that is in the index (PostgreSQL takes 2,046 bytes)
LONGEST = 60
_TAIL = re.compile(r"[0-9a-z]+\Z")
_LATIN = re.compile(r"[0-9a-z]+")


def fold(text: str) -> str:
    """A text in one script: full-width as half-width, capitals as small letters, white space as one space.

    Control characters and half surrogates are taken out: no database keeps them.
    """
    kept = "".join(char if unicodedata.category(char) not in ("Cc", "Cs", "Co", "Cn") else " " for char in text)
    return " ".join(unicodedata.normalize("NFKC", kept).casefold().split())


def _is_latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _runs(folded: str) -> list[str]:
    """The parts of a folded text between what is neither a letter nor a digit."""
    return "".join(char if char.isalnum() else " " for char in folded).split()


def words_of(folded: str) -> list[str]:
    """The words by which a folded text is found, each once, in order."""
    found: dict[str, None] = {}
    for run in _runs(folded):
        for latin in _LATIN.findall(run):
            found[latin[:LONGEST]] = None
        found |= dict.fromkeys(char for char in run if not _is_latin(char))
        found |= dict.fromkeys(_pairs(run))
    return list(found)


def _pairs(run: str) -> list[str]:
    """Neighbours of which at least one is no Latin letter or digit."""
    return [a + b for a, b in itertools.pairwise(run) if not (_is_latin(a) and _is_latin(b))]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query: all of `whole` are words of the text, each of `begun` begins one, each of `parts` stands in it as written.

    `terms`: what was typed, folded, to mark it in the hits.
    """

    whole: tuple[str, ...]
    begun: tuple[str, ...]
    parts: tuple[str, ...]
    terms: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.whole or self.begun)


def wanted(text: str) -> Wanted:
    """Reads a query: terms between white space, all of which have to be there. No character has a meaning of its own.

    A term with a letter that is not Latin is found wherever it stands in a text; one of Latin letters, digits and signs
    only, where its words begin.
    """
    terms = tuple(dict.fromkeys(fold(text[:MOST_QUERY]).split()))
    whole: dict[str, None] = {}
    begun: dict[str, None] = {}
    parts: list[str] = []
    for term in terms:
        found = _asked(term)
        for word, may_go_on in found:
            (begun if may_go_on else whole)[word] = None
        if [word for word, _may_go_on in found] != [term]:
            # more than the index can say: several words that have to stand together
            parts.append(term)
    return Wanted(tuple(whole), tuple(begun), tuple(parts), terms)


def _asked(term: str) -> list[tuple[str, bool]]:
    """The words to look up for one term: (word, whether a longer one that begins with it will do)."""
    runs = _runs(term)
    latin = [all(_is_latin(char) for char in run) for run in runs]
    asked: list[tuple[str, bool]] = []
    for place, run in enumerate(runs):
        if latin[place]:
            # The end of a longer word, perhaps (19-号 is asked for as 9-号): then the rest of the term has to do.
            if place or all(latin):
                asked.append((run[:LONGEST], True))
            continue
        if len(run) == 1:
            asked.append((run, False))
        asked += [(pair, False) for pair in _pairs(run)]
        if tail := _TAIL.search(run):
            asked.append((tail[0][:LONGEST], True))
    return asked
