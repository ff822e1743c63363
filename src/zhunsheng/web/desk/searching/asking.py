"""Asks the index for one user. What the user may not see is in no hit and in no count."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from zhunsheng.web.desk.models import SearchEntry, SearchProgress
from zhunsheng.web.desk.searching import database
from zhunsheng.web.desk.searching.marking import mark, snippet
from zhunsheng.web.desk.searching.offers import Source, source, sources
from zhunsheng.web.desk.searching.words import Wanted, fold, wanted
from zhunsheng.web.people.models import User

#: hits of one kind: where all kinds are shown, and on a page of this kind alone
FEW, PAGE = 5, 20
COUNTED = 1_000
#: the progress of the index behind the audit trail; without it the index was never built whole
TRAIL = "acts"


@dataclass(frozen=True, slots=True)
class Found:
    """One hit, with what was asked for marked."""

    title: SafeString
    note: SafeString
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """The hits of one kind. `total`: at most COUNTED + 1, which stands for more. `after`: where the next page begins, or ''."""

    key: str
    label: "str | Promise"
    total: int
    hits: list[Found]
    after: str

    @property
    def total_text(self) -> str:
        return _("%(n)s 条以上") % {"n": f"{COUNTED:,}"} if self.total > COUNTED else f"{self.total:,}"


@dataclass(frozen=True, slots=True)
class Answer:
    wanted: Wanted
    groups: list[Group]

    def __iter__(self) -> Iterator[Found]:
        return (hit for group in self.groups for hit in group.hits)


def find(user: User, text: str, *, kind: str = "", after: str = "") -> Answer:
    """What the user may see of what contains every term of `text`: the first few of each kind, or a page of one kind.

    A title that is exactly what was asked for comes first, then the newest records. Nothing for a text without a letter
    or digit. `after`: `Group.after` of the page before; a damaged one is the first page.
    """
    asked = wanted(text)
    if not asked:
        return Answer(asked, [])
    if kind:
        one = source(kind)
        chosen = [one] if one else []
    else:
        there = set(_matching(asked).order_by().values_list("kind", flat=True).distinct())
        chosen = [one for one in sources() if one.key in there]
    groups = [_group(one, user, asked, fold(text), after, PAGE if kind else FEW) for one in chosen]
    return Answer(asked, [group for group in groups if group.total])


def is_whole() -> bool:
    """Whether the index was ever built: until then hits may be missing."""
    return SearchProgress.objects.filter(key=TRAIL).exists()


def _matching(asked: Wanted) -> QuerySet[SearchEntry]:
    entries = SearchEntry.objects.filter(database.containing(asked))
    for part in asked.parts:
        entries = entries.filter(text__contains=part)
    return entries


def _group(one: Source, user: User, asked: Wanted, exact: str, after: str, size: int) -> Group:
    seen = one.visible_to(user).order_by().filter(pk=OuterRef("object_id"))
    entries = _matching(asked).filter(Exists(seen), kind=one.key)
    # One question tells the number and the first page: where there are very many, counting stops.
    first = list(entries.order_by("-pk").values_list("pk", "object_id")[: COUNTED + 1])
    if not first:
        return Group(one.key, one.label, 0, [], "")
    named = SearchEntry.objects.filter(Exists(seen), kind=one.key, title=exact)
    page = list(named.order_by("-pk").values_list("pk", "object_id")[:size])
    ahead = {pk for pk, _object_id in page}
    place = first[0][0] + 1
    further = [row for row in first if row[0] not in ahead]
    if after.isascii() and after.isdigit() and len(after) < 19:
        page, place = [], int(after)
        rest = entries.exclude(pk__in=ahead).filter(pk__lt=place).order_by("-pk").values_list("pk", "object_id")
        further = list(rest[: size + 1])
    left = size - len(page)
    more = len(further) > left
    shown = page + further[:left]
    hits = _hits(one, [object_id for _pk, object_id in shown], asked)
    end = further[left - 1][0] if more and left else place
    return Group(one.key, one.label, len(first), hits, str(end) if more else "")


def _hits(one: Source, keys: Iterable[int], asked: Wanted) -> list[Found]:
    wanted_keys = list(keys)
    rows = {row.pk: row for row in one.rows().filter(pk__in=wanted_keys)}
    return [
        Found(mark(one.title(row), asked.terms), snippet(one.text(row), asked.terms), one.url(row))
        for key in wanted_keys
        if (row := rows.get(key)) is not None
    ]
