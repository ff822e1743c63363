"""Reading the public log: its head, its entries, and proofs over them that read a few thousand hashes, never the whole log."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from zhunsheng.engine import public_log as engine
from zhunsheng.web.common import city
from zhunsheng.web.public_log.models import Act, LogBlock, LogEntry, LogHead

SIZE = LogBlock.SIZE


@dataclass(frozen=True, slots=True)
class Head:
    """The present head: how many entries, their Merkle root (32 bytes), and when the last was written."""

    size: int
    root: bytes
    at: "datetime.datetime | None"


def head() -> Head:
    row = LogHead.objects.filter(id=1).first()
    return Head(row.size, bytes.fromhex(row.root), row.at) if row else Head(0, engine.EMPTY_ROOT, None)


def origin() -> str:
    """The name of this log, in the header of its exports."""
    here = city.current()
    return f"zhunsheng/log/{here.folder or 'none'}"


def history(subject_type: str, subject_id: "str | int") -> QuerySet[Act]:
    """The acts on one record, newest first."""
    return Act.objects.filter(subject_type=subject_type, subject_id=str(subject_id)).select_related("by", "office")


def export_lines() -> Iterator[bytes]:
    """The whole log in the engine's export format, from the database as it stands: header, then one entry a line.

    The header is the kept head and not computed from the entries, so that whoever checks the file checks the log.
    """
    now = head()
    yield engine.canonical({"log": origin(), "size": now.size, "root": now.root.hex()}) + b"\n"
    entries = LogEntry.objects.filter(index__lt=now.size).order_by("index").values_list("body", flat=True)
    for body in entries.iterator(chunk_size=2000):
        yield body.encode() + b"\n"


# -- proofs -----------------------------------------------------------------------------------------------------------
# A tree splits at powers of two, so a tree of n leaves is a tree whose leaves are the roots of blocks of 1024 leaves.
# What is inside one block is read leaf by leaf, the rest block by block.


def inclusion(index: int, size: int) -> tuple[bytes, ...]:
    """The audit path of entry `index` in the log of its first `size` entries, from the leaf upward. Three queries."""
    if not 0 <= index < size:
        raise IndexError(index)
    block = index // SIZE
    inside = engine.inclusion_proof(_leaves(block, size), index % SIZE)
    return inside + engine.inclusion_proof(_block_roots(size), block)


def consistency(old: int, size: int) -> tuple[bytes, ...]:
    """The proof that the log of `old` entries is the beginning of the log of `size` entries."""
    if not 0 <= old <= size:
        raise IndexError(old)
    roots = _block_roots(size)
    block, rest = divmod(old, SIZE)
    if old in (0, size):
        return ()
    if rest == 0:
        return engine.consistency_proof(roots, block)
    leaves = _leaves(block, size)
    inside = engine.consistency_proof(leaves, rest)
    # The engine leaves out the root of the old part where it is one whole subtree at the left edge: the reader has it.
    # In a later block that subtree is not the whole old tree, and the reader needs it.
    if block and rest & (rest - 1) == 0:
        inside = (engine.tree_root(leaves[:rest]), *inside)
    return inside + engine.inclusion_proof(roots, block)


def root_at(size: int) -> bytes:
    """The root that the log had at `size` entries, from the entries as they stand today."""
    return engine.tree_root(_block_roots(size))


def _leaves(block: int, size: int) -> list[bytes]:
    end = min((block + 1) * SIZE, size)
    rows = (
        LogEntry.objects.filter(index__gte=block * SIZE, index__lt=end)
        .order_by("index")
        .values_list("leaf_hash", flat=True)
    )
    return [bytes.fromhex(one) for one in rows]


def _block_roots(size: int) -> list[bytes]:
    full, rest = divmod(size, SIZE)
    rows = LogBlock.objects.filter(index__lt=full).order_by("index").values_list("root", flat=True)
    roots = [bytes.fromhex(one) for one in rows]
    if rest:
        roots.append(engine.tree_root(_leaves(full, size)))
    return roots
