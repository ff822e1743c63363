"""The only writer of the audit trail and of the public log."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from zhunsheng.engine import public_log as engine
from zhunsheng.web.common import bulk
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import main_office
from zhunsheng.web.public_log.models import Act, LogBlock, LogEntry, LogHead

MANY = 100  # from here on the bulk way in, with its extra question for keys, is the shorter one


@dataclass(frozen=True, slots=True)
class Deed:
    """One act to record. With `public` it also becomes an entry of the public log: facts only, no personal data."""

    verb: str
    subject_type: str
    subject_id: str
    rule: str = ""
    reason: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    public: Mapping[str, Any] | None = None
    at: datetime.datetime | None = None


def record(
    verb: str,
    subject_type: str,
    subject_id: str | int,
    *,
    by: User | None,
    at: datetime.datetime,
    rule: str = "",
    reason: str = "",
    changes: Mapping[str, Any] | None = None,
    public: Mapping[str, Any] | None = None,
) -> Act:
    """Records one act; with `public`, appends one entry to the public log. Call it inside the act's own transaction.

    The entry's body is {index, kind: verb, subject: "type:id", at, office, rule, data: public}, canonical JSON.
    """
    deed = Deed(verb, subject_type, str(subject_id), rule, reason, changes or {}, public)
    return record_many([deed], by=by, at=at)[0]


def record_many(deeds: Sequence[Deed], *, by: User | None, at: datetime.datetime) -> list[Act]:
    """Records acts in order, all or none, with one update of the log's head. For imports and bulk publication."""
    if not deeds:
        return []
    office = main_office(by) if by is not None else None
    with transaction.atomic():
        acts = [
            Act(
                at=deed.at or at,
                verb=deed.verb,
                subject_type=deed.subject_type,
                subject_id=deed.subject_id,
                by=by,
                office=office,
                rule=deed.rule,
                reason=deed.reason,
                changes=dict(deed.changes),
            )
            for deed in deeds
        ]
        if len(acts) > MANY:
            bulk.insert(acts)
        else:
            acts = Act.objects.bulk_create(acts)
        public = [(act, deed) for act, deed in zip(acts, deeds, strict=True) if deed.public is not None]
        if public:
            _append(public, office_name=office.name if office else "")
    return acts


def _append(entries: Iterable[tuple[Act, Deed]], *, office_name: str) -> None:
    # The head's row is the queue: whoever holds it appends; on SQLite the IMMEDIATE transaction does the same.
    LogHead.objects.get_or_create(id=1, defaults={"root": engine.EMPTY_ROOT.hex()})
    heads = LogHead.objects.select_for_update() if connection.features.has_select_for_update else LogHead.objects
    head = heads.get(id=1)
    frontier = engine.Frontier(head.size, tuple(bytes.fromhex(one) for one in head.frontier))
    rows, leaves = [], []
    for index, (act, deed) in enumerate(entries, start=head.size):
        body = engine.canonical(
            {
                "index": index,
                "kind": deed.verb,
                "subject": f"{deed.subject_type}:{deed.subject_id}",
                "at": act.at.astimezone(datetime.UTC).isoformat(timespec="seconds"),
                "office": office_name,
                "rule": deed.rule,
                "data": dict(deed.public or {}),
            }
        )
        leaf = engine.leaf_hash(body)
        leaves.append(leaf)
        rows.append(
            LogEntry(
                index=index,
                at=act.at,
                kind=deed.verb,
                subject=f"{deed.subject_type}:{deed.subject_id}",
                body=body.decode(),
                leaf_hash=leaf.hex(),
                act=act,
            )
        )
    LogEntry.objects.bulk_create(rows, batch_size=2000)
    _close_blocks(head.size, leaves)
    frontier = frontier.extend(leaves)
    head.size, head.root, head.at = frontier.size, frontier.root().hex(), rows[-1].at
    head.frontier = [one.hex() for one in frontier.hashes]
    head.save()


def _close_blocks(size: int, leaves: list[bytes]) -> None:
    """Keeps the root of every block that these leaves, appended after `size` entries, have filled."""
    first, last = size // LogBlock.SIZE, (size + len(leaves)) // LogBlock.SIZE
    if first == last:
        return
    start = first * LogBlock.SIZE
    before = (
        LogEntry.objects.filter(index__gte=start, index__lt=size).order_by("index").values_list("leaf_hash", flat=True)
    )
    known = [bytes.fromhex(one) for one in before] + leaves
    LogBlock.objects.bulk_create(
        [
            LogBlock(
                index=block,
                root=engine.tree_root(known[block * LogBlock.SIZE - start : (block + 1) * LogBlock.SIZE - start]).hex(),
            )
            for block in range(first, last)
        ],
        batch_size=2000,
    )
