"""Records acts, and the entries of the public log that stand for the public ones among them."""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError
from zhunsheng.web.common import bulk, law
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import main_office
from zhunsheng.web.public_log import queries
from zhunsheng.web.public_log.actions import sequencing
from zhunsheng.web.public_log.models import Act, LogEntry

_followers: list[Callable[[Sequence[Act]], None]] = []
MANY = 100  # from here on the bulk way in, with its extra question for keys, is the shorter one


def follow_with(follower: Callable[[Sequence[Act]], None]) -> None:
    """`follower` is told of acts as they are recorded, inside their transaction: it may ask to be called on commit, and
    must not fail. For rooms above that keep something beside the trail, such as the search index."""
    if follower not in _followers:
        _followers.append(follower)


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
    """Records one act; with `public`, writes one entry of the public log. Call it inside the act's own transaction.

    The entry's body is {kind: verb, subject: "type:id", at, office, rule, data: public}, canonical JSON of at most
    65,535 bytes; its number in the log follows after the commit (sequencing). Raises LogError for public data that
    are about a person or have no canonical form: then nothing is recorded.
    """
    deed = Deed(verb, subject_type, str(subject_id), rule, reason, changes or {}, public)
    return record_many([deed], by=by, at=at)[0]


def record_many(deeds: Sequence[Deed], *, by: User | None, at: datetime.datetime) -> list[Act]:
    """Records acts in order, all or none. For imports and bulk publication.

    Raises Refused where the law was changed since the act began: it would rest on a rule that is not in force any more.
    """
    if not deeds:
        return []
    office = main_office(by) if by is not None else None
    with transaction.atomic():
        law.hold()
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
        for follower in _followers:
            follower(acts)
    return acts


def _append(entries: Iterable[tuple[Act, Deed]], *, office_name: str) -> None:
    """Writes entries without numbers, and asks for their numbers after the commit.

    No row of another act is touched or locked here, so an act that takes long stops nobody else's.
    """
    suite = queries.suite()
    rows = []
    for act, deed in entries:
        engine.refuse_personal(dict(deed.public or {}))
        body = engine.canonical(
            {
                "kind": deed.verb,
                "subject": f"{deed.subject_type}:{deed.subject_id}",
                "at": act.at.astimezone(datetime.UTC).isoformat(timespec="seconds"),
                "office": office_name,
                "rule": deed.rule,
                "data": dict(deed.public or {}),
            }
        )
        if len(body) > engine.MAX_ENTRY:
            raise LogError("public_log.entry_too_long", limit=engine.MAX_ENTRY)
        rows.append(
            LogEntry(
                at=act.at,
                kind=deed.verb,
                subject=f"{deed.subject_type}:{deed.subject_id}",
                body=body.decode(),
                leaf_hash=engine.leaf_hash(body, suite).hex(),
                act=act,
            )
        )
    LogEntry.objects.bulk_create(rows, batch_size=2000)
    sequencing.soon()
