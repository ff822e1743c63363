"""The only writer of the search index. Entries follow the audit trail: after each commit, what its acts touched is read anew.

What a process could not do because it was stopped, `catch_up` does with the next tick.
"""

import datetime
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import Max, Model
from django.utils import translation

from zhunsheng.web.desk.models import SearchEntry, SearchProgress
from zhunsheng.web.desk.searching import database
from zhunsheng.web.desk.searching.asking import TRAIL
from zhunsheng.web.desk.searching.offers import ALL, Source, sources
from zhunsheng.web.desk.searching.words import MOST_TEXT, fold, words_of
from zhunsheng.web.public_log.models import Act

BATCH = 1_000
#: keys of one question to the database
ASKED = 400
#: from so many touched records on, the worker reads them
MANY = 2_000
#: acts that may still have been under way when later ones were looked at
OVERLAP = 2_000
ACTS = 20_000
_log = logging.getLogger(__name__)
_paused = 0
_wake: "Callable[[], object] | None" = None


def index(*rows: Model) -> None:
    """Reads these rows anew when the present transaction commits. For changes that leave no act on the row's own subject."""
    keys = defaultdict(list)
    for row in rows:
        keys[type(row)].append(row.pk)
    transaction.on_commit(lambda: _index_rows_of(keys), robust=True)


def _index_rows_of(keys: "dict[type[Model], list[Any]]") -> None:
    for one in sources():
        if found := keys.get(one.model):
            _read(one, "pk", found)


def wake_index_with(wake: "Callable[[], object]") -> None:
    """The room's tasks, which stand above, say here how the worker is told that there is much to follow."""
    global _wake
    _wake = wake


def follow(acts: Sequence[Act]) -> None:
    """Reads what these acts touched anew when the present transaction commits (public_log calls it)."""
    if _paused:
        return
    known = {kind for one in sources() for kind in one.subjects}
    touched = {(act.subject_type, act.subject_id) for act in acts if act.subject_type in known}
    if len(touched) > MANY and _wake is not None:
        transaction.on_commit(_wake, robust=True)  # an import does not wait for its index
    elif touched:
        transaction.on_commit(lambda: _index_subjects(touched), robust=True)


@contextmanager
def unfollowed() -> Iterator[None]:
    """Acts inside are not followed: for what builds much and calls `reindex` in the end."""
    global _paused
    _paused += 1
    try:
        yield
    finally:
        _paused -= 1


def catch_up(at: datetime.datetime) -> int:
    """Follows the acts since the last time, whoever recorded them. Builds the index where it never was built. Returns how
    many entries changed."""
    progress = SearchProgress.objects.filter(key=TRAIL).first()
    if progress is None:
        return reindex()
    changed, position = 0, progress.position - OVERLAP
    while True:
        acts = Act.objects.filter(pk__gt=position).order_by("pk")[:ACTS]
        rows = list(acts.values_list("pk", "subject_type", "subject_id"))
        changed += _index_subjects({(kind, key) for _pk, kind, key in rows})
        if rows:
            position = rows[-1][0]
            SearchProgress.objects.filter(key=TRAIL, position__lt=position).update(position=position)
        if len(rows) < ACTS:
            return changed


def reindex(kinds: Iterable[str] = (), *, report: "Callable[[Source, int], None]" = lambda one, done: None) -> int:
    """Reads all rows of all sources, or of some, in batches, each in a transaction of its own. Returns how many entries changed.

    Stopped half way, it goes on there when it is called again. Entries of rows that are gone, and of kinds that no room
    offers any more, are removed. `report(source, rows read so far)`.
    """
    database.ensure()
    wanted = set(kinds)
    last_act = Act.objects.aggregate(last=Max("pk"))["last"] or 0
    changed = 0
    for one in sources():
        if not wanted or one.key in wanted:
            changed += _reindex_one(one, report)
    if not wanted:
        changed += SearchEntry.objects.exclude(kind__in=[one.key for one in sources()]).delete()[0]
        SearchProgress.objects.filter(key__startswith="source:").delete()
        SearchProgress.objects.update_or_create(key=TRAIL, defaults={"position": last_act})
    return changed


def _reindex_one(one: Source, report: "Callable[[Source, int], None]") -> int:
    key = f"source:{one.key}"
    progress = SearchProgress.objects.filter(key=key).first() or SearchProgress(key=key)
    changed = done = 0
    while True:
        rows = list(one.rows().filter(pk__gt=progress.position).order_by("pk")[:BATCH])
        with transaction.atomic():
            gone = SearchEntry.objects.filter(kind=one.key, object_id__gt=progress.position)
            if rows:
                gone = gone.filter(object_id__lte=rows[-1].pk)
            there = {row.pk for row in rows}
            lost = [key for key in gone.values_list("object_id", flat=True) if key not in there]
            changed += _remove(one, lost) + _write(one, rows)
            if not rows:
                progress.position = 0
                SearchProgress.objects.filter(key=key).delete()
                return changed
            progress.position = rows[-1].pk
            progress.save()
        done += len(rows)
        report(one, done)


def _index_subjects(touched: "set[tuple[str, str]]") -> int:
    """Reads the rows anew that acts on these subjects touched."""
    by_kind: dict[str, set[str]] = defaultdict(set)
    for kind, key in touched:
        by_kind[kind].add(key)
    changed = 0
    for one in sources():
        for kind, lookup in one.subjects.items():
            if kind in by_kind:
                changed += _read(one, lookup, sorted(by_kind[kind]))
    return changed


def _read(one: Source, lookup: str, keys: Sequence[Any]) -> int:
    if lookup == ALL:
        return _write_all(one, one.rows().order_by("pk").iterator(BATCH))
    if lookup.endswith("pk"):
        keys = [int(key) for key in keys if str(key).isdigit()]
    changed = 0
    for start in range(0, len(keys), ASKED):
        some = keys[start : start + ASKED]
        rows = list(one.rows().filter(**{f"{lookup}__in": some}).order_by("pk"))
        if lookup == "pk":
            there = {row.pk for row in rows}
            changed += _remove(one, [key for key in some if key not in there])
        changed += _write_all(one, rows)
    return changed


def _write_all(one: Source, rows: Iterable[Any]) -> int:
    changed, batch = 0, []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            changed += _write(one, batch)
            batch = []
    return changed + _write(one, batch)


def _write(one: Source, rows: Sequence[Any]) -> int:
    """Brings the entries of these rows up to date; those that say the same already are left alone."""
    if not rows:
        return 0
    known: dict[int, tuple[str, str]] = {}
    for start in range(0, len(rows), ASKED):
        asked = [row.pk for row in rows[start : start + ASKED]]
        entries = SearchEntry.objects.filter(kind=one.key, object_id__in=asked)
        known |= {key: (title, text) for key, title, text in entries.values_list("object_id", "title", "text")}
    new = []
    with translation.override("zh-hans"):  # whatever language the act was done in
        for row in rows:
            title = fold(one.title(row))
            text = f"{title}\n{fold(one.text(row))}"[:MOST_TEXT]
            title = title[:200]
            if known.get(row.pk) != (title, text):
                words = " ".join(words_of(text))
                new.append(SearchEntry(kind=one.key, object_id=row.pk, title=title, text=text, words=words))
    SearchEntry.objects.bulk_create(
        new, update_conflicts=True, unique_fields=["kind", "object_id"], update_fields=["title", "text", "words"],
        batch_size=BATCH,
    )  # fmt: skip
    return len(new)


def _remove(one: Source, keys: Sequence[int]) -> int:
    removed = 0
    for start in range(0, len(keys), ASKED):
        entries = SearchEntry.objects.filter(kind=one.key, object_id__in=keys[start : start + ASKED])
        removed += entries.delete()[0]
    return removed
