"""After the commit: entries get their numbers, the head moves, and the head is signed last.

Three steps, each a transaction of its own or none; a stop between any two is made good by the next run:

1. `_number`: waiting entries get the next numbers, full blocks are closed, the head moves (one short transaction,
   one sequencer at a time; acts are never made to wait for it on PostgreSQL)
2. `sign`: the head is proved to extend the last signed one, signed, and kept as a checkpoint
3. `signer.settle`: a new key that has signed takes the old one's place

Files for tiles are not written: they are computed from the rows when asked for, and never change.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError
from zhunsheng.engine.signing import Signer
from zhunsheng.engine.suites import Suite
from zhunsheng.web.public_log import queries, signer
from zhunsheng.web.public_log.models import Checkpoint, LogBlock, LogEntry, LogHead

BATCH = 4096
WIDTH = engine.WIDTH

#: size of the log, ids in order as a JSON array: one statement, by the table's key, however many wait
_GIVE_NUMBERS = {
    "sqlite": 'UPDATE public_log_logentry SET "index" = %s + place.key FROM json_each(%s) AS place '
    "WHERE public_log_logentry.id = place.value",
    "postgresql": 'UPDATE public_log_logentry SET "index" = %s + place.number - 1 '
    "FROM json_array_elements_text(%s::json) WITH ORDINALITY AS place(id, number) "
    "WHERE public_log_logentry.id = place.id::bigint",
}


def soon() -> None:
    """Asks for `sequence` when the present transaction commits. A failure there leaves the act as it is; it is logged,
    and the next run (the next act, or `zhunsheng manage sequence_log`) does the work."""
    waiting: list[Any] = connection.run_on_commit
    # One is enough: a bulk of acts in one transaction is numbered and signed once. One whose savepoint may still be
    # rolled back without ours is no such one.
    mine = set(connection.savepoint_ids)
    if not any(run is _after_commit and set(sids) <= mine for sids, run, _robust in waiting):
        transaction.on_commit(_after_commit, robust=True)


def _after_commit() -> None:
    sequence()


def sequence() -> int:
    """Numbers every entry that waits and signs the head. Returns how many entries got their numbers. Again is harmless."""
    done = 0
    while True:
        numbered = _number()
        done += numbered
        if numbered < BATCH:
            break
    sign()
    return done


def _number() -> int:
    with transaction.atomic():
        heads = LogHead.objects.select_for_update() if connection.features.has_select_for_update else LogHead.objects
        head = heads.filter(id=1).first()
        if head is None:
            LogHead.objects.get_or_create(id=1, defaults={"root": queries.suite().hash(b"").hex()})
            head = heads.get(id=1)
        waiting = list(queries.waiting().values_list("id", flat=True)[:BATCH])
        if not waiting:
            return 0
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_NUMBERS[connection.vendor], [head.size, json.dumps(waiting)])
        rows = list(
            LogEntry.objects.filter(index__gte=head.size).order_by("index").values_list("index", "leaf_hash", "at")
        )
        if [index for index, _leaf, _at in rows] != list(range(head.size, head.size + len(rows))):
            raise LogError("public_log.sequence.gap", index=head.size)
        head.origin = head.origin or queries.origin()
        suite = engine.suite_of(head.origin)
        leaves = [bytes.fromhex(leaf) for _index, leaf, _at in rows]
        _close_blocks(head.size, leaves, suite)
        frontier = engine.Frontier(head.size, tuple(bytes.fromhex(one) for one in head.frontier), suite)
        frontier = frontier.extend(leaves)
        head.size, head.root, head.at = frontier.size, frontier.root().hex(), rows[-1][2]
        head.frontier = [one.hex() for one in frontier.hashes]
        head.save()
    return len(rows)


def _close_blocks(size: int, hashes: Sequence[bytes], suite: Suite) -> None:
    """Keeps the roots of the blocks that these leaf hashes, appended after `size` entries, have filled, level by level."""
    level, start = 1, size
    made: list[LogBlock] = []
    while (first := start // WIDTH) < (last := (start + len(hashes)) // WIDTH):
        before = queries.hashes(level - 1, first * WIDTH, start)
        known = [*before, *hashes]
        roots = [engine.tree_root(known[n * WIDTH : (n + 1) * WIDTH], suite) for n in range(last - first)]
        made += [LogBlock(level=level, index=first + n, root=root.hex()) for n, root in enumerate(roots)]
        level, start, hashes = level + 1, first, roots
    if made:
        LogBlock.objects.bulk_create(made, batch_size=2000)


def sign() -> Checkpoint | None:
    """Signs the present head, unless it is signed or there is nobody to sign: the new checkpoint, or None.

    Raises LogError where the head does not extend the last signed one, or where the key in force is not at hand: then
    nothing is signed.
    """
    head = queries.head()
    last = queries.last_checkpoint()
    if head.size == 0:
        return None
    if last is not None and last.size >= head.size:
        signer.settle(engine.read_vkey(last.key))  # where a stop came between the signature and this
        return None
    origin = queries.origin()
    able = signer.signers(origin)
    if not able:
        return None
    tree = queries.tree(head.size, engine.suite_of(origin))
    if last is not None and not engine.verify_consistency(
        last.size, head.size, bytes.fromhex(last.root), head.root, tree.consistency(last.size), tree.suite
    ):
        raise LogError("public_log.sequence.not_an_extension", old=last.size, size=head.size)
    in_force = queries.key_in_force(head.size, origin) or engine.note_key(able[0])
    who = _signing(able, in_force, last)
    note = engine.sign_checkpoint(engine.Checkpoint(origin, head.size, head.root), who)
    made, _new = Checkpoint.objects.get_or_create(
        size=head.size,
        defaults={"root": head.hex, "key": str(in_force), "note": str(note)},
    )
    signer.settle(in_force)
    return made


def _signing(able: Sequence[Signer], in_force: engine.NoteKey, last: Checkpoint | None) -> list[Signer]:
    """The key in force; and the one before it too when it has just been replaced, so that nobody loses the thread."""
    now = [one for one in able if engine.note_key(one) == in_force]
    if not now:
        raise LogError("public_log.sequence.no_key", key=str(in_force))
    if last is not None and last.key != str(in_force):
        now += [one for one in able if str(engine.note_key(one)) == last.key]
    return now
