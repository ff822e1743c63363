"""Reading the public log: its head, its entries, and proofs over them that read a few thousand hashes, never the whole log."""

import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, Subquery
from django.utils.translation import gettext as _

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

    @property
    def hex(self) -> str:
        return self.root.hex()


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


def kept_ok(entry: LogEntry) -> bool:
    """Whether the entry's text still has the hash that was kept when it was written."""
    return engine.leaf_hash(entry.body.encode()).hex() == entry.leaf_hash


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


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a leaf to the root: on which side the other hash stands, what it is, and what comes out."""

    side: str
    other: bytes
    result: bytes


def steps(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> list[Step]:
    """The audit path as a calculation to follow by hand (RFC 9162 section 2.1.3.2)."""
    found, node, last = leaf, index, size - 1
    walked = []
    for other in proof:
        if node & 1 or node == last:
            found = engine.node_hash(other, found)
            walked.append(Step("left", other, found))
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = engine.node_hash(found, other)
            walked.append(Step("right", other, found))
        node, last = node >> 1, last >> 1
    return walked


@dataclass(frozen=True, slots=True)
class Grown:
    """Whether today's log is the log of an older head with entries added. `state`: 'grown', 'shrunk' or 'rewritten'.

    `root_then`: the root over the first entries as they stand today.
    """

    state: str
    old_size: int
    old_root: bytes
    root_then: bytes
    now: Head
    proof: tuple[bytes, ...]


def grown_from(old_size: int, old_root: bytes) -> Grown:
    """Compares an older head, kept outside, with today's log, by a consistency proof that is checked here as well."""
    now = head()
    if old_size > now.size:
        return Grown("shrunk", old_size, old_root, b"", now, ())
    then = root_at(old_size)
    proof = consistency(old_size, now.size)
    good = engine.verify_consistency(old_size, now.size, old_root, now.root, proof)
    return Grown("grown" if good else "rewritten", old_size, old_root, then, now, proof)


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


# -- checking everything ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in the log: at which entry (None: the log as a whole), and what."""

    index: "int | None"
    text: str


def check(found: Head) -> Iterator[Fault]:
    """Computes the whole log again from its entries and compares: text with leaf, text with columns, entry with its act,
    blocks and root with what was kept. One pass; memory does not grow with the log.

    Yields every fault. A log rewritten from end to end, with its head, is found only by someone who kept an older head.
    """
    frontier = engine.Frontier()
    expected = 0
    block: list[bytes] = []
    kept = dict(LogBlock.objects.values_list("index", "root").iterator())
    rows = (
        LogEntry.objects.filter(index__lt=found.size)
        .order_by("index")
        .values_list(
            "index", "at", "kind", "subject", "body", "leaf_hash",
            "act__id", "act__at", "act__verb", "act__subject_type", "act__subject_id", "act__rule",
        )
    )  # fmt: skip
    for index, at, kind, subject, body, leaf_hash, *act in rows.iterator(chunk_size=5000):
        if index != expected:
            yield Fault(expected, _("第 %(first)s 至 %(last)s 号缺失") % {"first": expected, "last": index - 1})
            expected = index
        expected += 1
        leaf = engine.leaf_hash(body.encode())
        if leaf.hex() != leaf_hash:
            yield Fault(index, _("内容与叶哈希不符：内容或哈希被改动"))
        yield from _compare(index, at, kind, subject, body, act)
        block.append(leaf)
        if len(block) == SIZE:
            frontier = frontier.extend(block)
            number = frontier.size // SIZE - 1
            if kept.pop(number, "") != engine.tree_root(block).hex():
                yield Fault(
                    None,
                    _("第 %(first)s 至 %(last)s 号的块哈希不符")
                    % {"first": number * SIZE, "last": (number + 1) * SIZE - 1},
                )
            block = []
    frontier = frontier.extend(block)
    if expected != found.size:
        yield Fault(expected, _("第 %(first)s 至 %(last)s 号缺失") % {"first": expected, "last": found.size - 1})
    if kept:
        yield Fault(None, _("有 %(n)s 个块没有对应的条目") % {"n": len(kept)})
    if frontier.root() != found.root:
        yield Fault(
            None,
            _("算出的根哈希 %(now)s 与树头 %(kept)s 不符") % {"now": frontier.root().hex(), "kept": found.root.hex()},
        )
    sizes = LogHead.objects.filter(id=1).values("size")
    for index in LogEntry.objects.filter(Q(index__gte=Subquery(sizes)) | Q(index__lt=0)).values_list(
        "index", flat=True
    )[:20]:
        yield Fault(index, _("不在树头之内：未经登记写入"))


def _compare(index: int, at: datetime.datetime, kind: str, subject: str, body: str, act: list[Any]) -> Iterator[Fault]:
    """The entry's text against its columns and against the act that it stands for."""
    try:
        said = json.loads(body)
        told = (said["index"], said["kind"], said["subject"], said["at"], said["rule"])
    except (ValueError, KeyError, TypeError):
        yield Fault(index, _("内容不是完整的条目"))
        return
    columns = (index, kind, subject, _moment(at), told[4])
    if told != columns:
        names = (_("序号"), _("类别"), _("对象"), _("时间"), _("规则"))
        wrong = [name for name, one, other in zip(names, told, columns, strict=True) if one != other]
        yield Fault(index, _("内容与登记的%(what)s不符：条目被调换、倒签或改动") % {"what": _("、").join(wrong)})
    number, act_at, verb, subject_type, subject_id, rule = act
    if number is None:
        yield Fault(index, _("对应的办理痕迹不存在"))
    elif told[1:] != (verb, f"{subject_type}:{subject_id}", _moment(act_at), rule):
        yield Fault(index, _("与对应的办理痕迹不符"))


def _moment(at: datetime.datetime) -> str:
    return at.astimezone(datetime.UTC).isoformat(timespec="seconds")
