"""全库检索: one index over everything that a room lets its people find, in Chinese from one character on.

A room calls `add_source` when it loads. Entries follow the acts that are recorded; `find` asks for a user.
"""

from zhunsheng.web.desk.searching.asking import Answer, Found, Group, find, is_whole
from zhunsheng.web.desk.searching.offers import ALL, Source, add_source, offered_to, sources
from zhunsheng.web.desk.searching.words import MOST_QUERY, Wanted, fold, wanted

__all__ = [
    "ALL",
    "MOST_QUERY",
    "Answer",
    "Found",
    "Group",
    "Source",
    "Wanted",
    "add_source",
    "find",
    "fold",
    "is_whole",
    "offered_to",
    "sources",
    "wanted",
]
