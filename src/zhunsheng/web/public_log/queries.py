"""Reading the public log: its head, its entries, its checkpoints, and proofs that read a few tiles, never the whole log."""

import datetime
import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError
from zhunsheng.engine.suites import Suite
from zhunsheng.web.common import city
from zhunsheng.web.common.errors import say
from zhunsheng.web.public_log import guards
from zhunsheng.web.public_log.models import Act, Checkpoint, LogBlock, LogEntry, LogHead, Witness


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
    return Head(row.size, bytes.fromhex(row.root), row.at) if row else Head(0, suite().hash(b""), None)


def origin() -> str:
    """The name of this log, fixed with its first entry: ZHUNSHENG_LOG_ORIGIN, or that of the city's configuration."""
    fixed = LogHead.objects.filter(id=1).values_list("origin", flat=True).first()
    return fixed or settings.LOG_ORIGIN or f"zhunsheng/log/{city.current().folder or 'none'}"


def suite() -> Suite:
    """The hash suite of this log, which its name tells."""
    return engine.suite_of(origin())


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
    return engine.leaf_hash(entry.body.encode(), suite()).hex() == entry.leaf_hash


def waiting() -> QuerySet[LogEntry]:
    """The entries that are written and have no number yet, in the order in which they will get theirs."""
    return LogEntry.objects.filter(index=None).order_by("id")


# -- checkpoints, keys, witnesses -------------------------------------------------------------------------------------
def last_checkpoint() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-size").first()


def checkpoint_text(found: Checkpoint) -> str:
    """The checkpoint with the cosignatures that came for it, as it is served."""
    return found.note + "".join(found.cosignatures.order_by("witness__name").values_list("line", flat=True))


def keys(size: int, name: str = "") -> list[tuple[int, engine.NoteKey]]:
    """The keys of the log among its first `size` entries, oldest first, each with the size from which it is in force.

    name: the origin, where it is known already. Empty before the first checkpoint. Raises LogError for an entry that announces a key and was not signed for it.
    """
    first = Checkpoint.objects.order_by("size").values_list("key", flat=True).first()
    if first is None:
        return []
    found = [(0, engine.read_vkey(first))]
    rows = LogEntry.objects.filter(kind=engine.KEY_KIND, index__lt=size).order_by("index").values_list("index", "body")
    name = name or origin()
    for index, body in rows:
        new = engine.next_key(name, engine.parse_json(body.encode()), found[-1][1])
        if new is not None and index is not None:
            found.append((index + 1, new))
    return found


def key_in_force(size: int, name: str = "") -> engine.NoteKey | None:
    """The key that signs a log of that size; None before the first checkpoint."""
    found = keys(size, name)
    return found[-1][1] if found else None


def covering(index: int) -> Checkpoint | None:
    """The checkpoint to prove an entry against: of those that cover it, the one most witnesses cosigned, the newest."""
    return (
        Checkpoint.objects.filter(size__gt=index)
        .annotate(seen_by=Count("cosignatures"))
        .order_by("-seen_by", "-size")
        .first()
    )


def witnesses() -> list[Witness]:
    """The witnesses, those who have stopped last, each with `newest`: its last cosignature, or None."""
    rows = list(Witness.objects.order_by(F("ended_at").asc(nulls_first=True), "name"))
    for row in rows:
        row.confirm_id = f"end-{row.pk}"  # type: ignore[attr-defined]
        row.newest = row.cosignatures.select_related("checkpoint").order_by("-checkpoint_id").first()  # type: ignore[attr-defined]
    return rows


# -- tiles and proofs -------------------------------------------------------------------------------------------------
# A tile is 256 hashes of one level (C2SP tlog-tiles); every proof reads a few of them.


def hashes(level: int, start: int, end: int) -> list[bytes]:
    """The hashes of a level from `start` to `end` - 1: of entries at level 0, of blocks above."""
    if level == 0:
        entries = LogEntry.objects.filter(index__gte=start, index__lt=end).order_by("index")
        return [bytes.fromhex(one) for one in entries.values_list("leaf_hash", flat=True)]
    blocks = LogBlock.objects.filter(level=level, index__gte=start, index__lt=end).order_by("index")
    return [bytes.fromhex(one) for one in blocks.values_list("root", flat=True)]


def tile_hashes(wanted: engine.Tile) -> list[bytes]:
    """The hashes of a tile."""
    start = wanted.number * engine.WIDTH
    return hashes(wanted.level, start, start + wanted.width)


def tile_file(wanted: engine.Tile, size: int) -> bytes | None:
    """A tile or a bundle of entries as a file; None where a log of `size` entries has none of that width."""
    have = size if wanted.level in (0, engine.ENTRIES) else size >> 8 * wanted.level
    if wanted.last > have:
        return None
    if wanted.level != engine.ENTRIES:
        return b"".join(tile_hashes(wanted))
    start = wanted.number * engine.WIDTH
    rows = LogEntry.objects.filter(index__gte=start, index__lt=start + wanted.width).order_by("index")
    return engine.bundle([body.encode() for body in rows.values_list("body", flat=True)])


def tree(size: int, same: Suite | None = None) -> engine.TiledTree:
    """The tree of the first `size` entries."""
    return engine.TiledTree(size, tile_hashes, same or suite())


def inclusion(index: int, size: int) -> tuple[bytes, ...]:
    """The audit path of entry `index` in the log of its first `size` entries, from the leaf upward."""
    return tree(size).inclusion(index)


def consistency(old: int, size: int) -> tuple[bytes, ...]:
    """The proof that the log of `old` entries is the beginning of the log of `size` entries."""
    return tree(size).consistency(old)


def root_at(size: int) -> bytes:
    """The root that the log had at `size` entries, from the entries as they stand today."""
    return tree(size).root()


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a leaf to the root: on which side the other hash stands, what it is, and what comes out."""

    side: str
    other: bytes
    result: bytes


def steps(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> list[Step]:
    """The audit path as a calculation to follow by hand (RFC 9162 section 2.1.3.2)."""
    found, node, last, same = leaf, index, size - 1, suite()
    walked = []
    for other in proof:
        if node & 1 or node == last:
            found = engine.node_hash(other, found, same)
            walked.append(Step("left", other, found))
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = engine.node_hash(found, other, same)
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
    whole = tree(now.size)
    then, proof = whole.root(old_size), whole.consistency(old_size)
    good = engine.verify_consistency(old_size, now.size, old_root, now.root, proof, whole.suite)
    return Grown("grown" if good else "rewritten", old_size, old_root, then, now, proof)


# -- checking everything ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in the log: at which entry (None: the log as a whole), and what."""

    index: "int | None"
    text: str


def check(found: Head, now: datetime.datetime) -> Iterator[Fault]:
    """Computes the whole log again from its entries and compares: text with leaf, text with columns, entry with its act,
    blocks (and with them all tiles) and root with what was kept, every checkpoint with the root of its size and with
    the key in force; triggers; entries that have waited for their number for more than ten minutes before `now`.
    One pass; memory does not grow with the log.

    Yields every fault. A log rewritten from end to end, with its head and a stolen key, is found only by someone who
    kept an older checkpoint.
    """
    same = suite()
    frontier = engine.Frontier(suite=same)
    expected = 0
    blocks: list[list[bytes]] = [[]]
    kept = {
        (level, index): root for level, index, root in LogBlock.objects.values_list("level", "index", "root").iterator()
    }
    signed = deque(Checkpoint.objects.order_by("size").values_list("size", "root", "key", "note"))
    chain = _chain(found.size)
    if isinstance(chain, Fault):
        yield chain
        chain = []
    rows = (
        LogEntry.objects.filter(index__lt=found.size)
        .order_by("index")
        .values_list(
            "index", "at", "kind", "subject", "body", "leaf_hash",
            "act__id", "act__at", "act__verb", "act__subject_type", "act__subject_id", "act__rule",
        )
    )  # fmt: skip
    for number, at, kind, subject, body, leaf_hash, *act in rows.iterator(chunk_size=5000):
        index = int(number or 0)
        if index != expected:
            yield Fault(expected, _("第 %(first)s 至 %(last)s 号缺失") % {"first": expected, "last": index - 1})
            expected = index
        expected += 1
        leaf = engine.leaf_hash(body.encode(), same)
        if leaf.hex() != leaf_hash:
            yield Fault(index, _("内容与叶哈希不符：内容或哈希被改动"))
        yield from _compare(index, at, kind, subject, body, act)
        yield from _close(blocks, leaf, kept, frontier.size, same)
        frontier = frontier.append(leaf)
        while signed and signed[0][0] == frontier.size:
            yield from _signature(signed.popleft(), frontier.root(), chain)
    if expected != found.size:
        yield Fault(expected, _("第 %(first)s 至 %(last)s 号缺失") % {"first": expected, "last": found.size - 1})
    if kept:
        yield Fault(None, _("有 %(n)s 个块没有对应的条目") % {"n": len(kept)})
    if frontier.root() != found.root:
        yield Fault(
            None,
            _("算出的根哈希 %(now)s 与树头 %(kept)s 不符") % {"now": frontier.root().hex(), "kept": found.root.hex()},
        )
    for size, *_rest in signed:
        yield Fault(None, _("已签名的检查点有 %(size)s 条，日志没有那么多：日志被截断") % {"size": size})
    yield from _loose_ends(found, now)


def _chain(size: int) -> "list[tuple[int, engine.NoteKey]] | Fault":
    try:
        return keys(size)
    except LogError as problem:
        return Fault(None, say(problem))


def _close(
    blocks: list[list[bytes]], leaf: bytes, kept: dict[tuple[int, int], str], before: int, same: Suite
) -> Iterator[Fault]:
    """Adds a leaf, and compares every block that it fills with the one that was kept."""
    level, one = 0, leaf
    while True:
        blocks[level].append(one)
        if len(blocks[level]) < engine.WIDTH:
            return
        one = engine.tree_root(blocks[level], same)
        blocks[level] = []
        level += 1
        if level == len(blocks):
            blocks.append([])
        width = engine.WIDTH**level
        number = before // width
        if kept.pop((level, number), "") != one.hex():
            yield Fault(
                None,
                _("第 %(first)s 至 %(last)s 号的块哈希不符")
                % {"first": number * width, "last": (number + 1) * width - 1},
            )


def _signature(row: tuple[Any, ...], root: bytes, chain: list[tuple[int, engine.NoteKey]]) -> Iterator[Fault]:
    size, kept, key, note = row
    if kept != root.hex():
        yield Fault(None, _("%(size)s 条的检查点与条目不符：条目在签名之后被改动") % {"size": size})
    try:
        in_force = next((one for since, one in reversed(chain) if since <= size), None)
        known = [in_force] if in_force else [engine.read_vkey(key)]
        opened = engine.open_checkpoint(note.encode(), origin(), known)
        if (opened.checkpoint.size, opened.checkpoint.root.hex()) != (size, kept):
            yield Fault(None, _("%(size)s 条的检查点与登记的不符") % {"size": size})
    except LogError as problem:
        yield Fault(None, _("%(size)s 条的检查点：%(problem)s") % {"size": size, "problem": say(problem)})


def _loose_ends(found: Head, now: datetime.datetime) -> Iterator[Fault]:
    sizes = LogHead.objects.filter(id=1).values("size")
    outside = LogEntry.objects.filter(Q(index__gte=Subquery(sizes)) | Q(index__lt=0))
    for index in outside.values_list("index", flat=True)[:20]:
        yield Fault(index, _("不在树头之内：未经登记写入"))
    late = now - datetime.timedelta(minutes=10)
    stuck = waiting().filter(act__at__lt=late).count()
    if stuck:
        yield Fault(None, _("有 %(n)s 条等了十分钟以上还没有编号，请运行 sequence_log") % {"n": stuck})
    last = last_checkpoint()
    if found.size and (last is None or last.size < found.size) and found.at and found.at < late:
        yield Fault(None, _("现在的树头没有签名：请检查密钥，再运行 sequence_log"))
    if guards.missing():
        yield Fault(None, _("数据库中缺少禁止修改和删除的触发器，请运行 migrate"))


def _compare(index: int, at: datetime.datetime, kind: str, subject: str, body: str, act: list[Any]) -> Iterator[Fault]:
    """The entry's text against its columns and against the act that it stands for."""
    try:
        said = json.loads(body)
        # Entries of before 0.2 carry their number in the text.
        told = (said.get("index", index), said["kind"], said["subject"], said["at"], said["rule"])
    except (ValueError, KeyError, TypeError, AttributeError):
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
