"""Following a log from outside: a copy (mirror) that reads every entry, and a witness that keeps only the last head.

Both remember what they saw and believe nothing that contradicts it. A log that was rolled back, forked, cut, re-ordered,
edited, back-dated, or signed by somebody else is told apart, with the first index at which it differs where one is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from zhunsheng.engine.errors import LogError
from zhunsheng.engine.public_log.checkpoints import (
    Checkpoint,
    SignedCheckpoint,
    next_key,
    open_checkpoint,
    read_checkpoint,
    suite_of,
)
from zhunsheng.engine.public_log.jcs import Json, parse_canonical
from zhunsheng.engine.public_log.notes import NoteKey, NoteSignature, cosign_note, parse_note, read_vkey
from zhunsheng.engine.public_log.tiles import (
    ENTRIES,
    WIDTH,
    Tile,
    TiledTree,
    count,
    read_bundle,
    read_hashes,
    tile,
    tiles_of,
)
from zhunsheng.engine.public_log.tree import Frontier, leaf_hash, tree_root, verify_consistency
from zhunsheng.engine.signing import Signer
from zhunsheng.engine.suites import SHA256, Suite
from zhunsheng.engine.words import Reason

#: how many entries are read before the signature over them could be checked (their key may be announced among them)
MOST_UNSIGNED = 100_000

_EARLIEST = datetime.min.replace(tzinfo=UTC)


TOLERANCE = 600
"""Seconds by which an entry may be dated before what the copy has seen, and still not be called back-dated."""


class Files(Protocol):
    """The files of a log, wherever they are: `read` gives None for one that is not there."""

    def read(self, path: str, /) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Known:
    """What a copy or a witness remembers of a log.

    keys: the log's keys with the size from which each is in force, oldest first.
    newest: the latest `at` among the entries seen ("" before the first).
    """

    origin: str
    keys: tuple[tuple[int, NoteKey], ...]
    frontier: Frontier
    newest: str = ""

    @property
    def size(self) -> int:
        return self.frontier.size

    @property
    def key(self) -> NoteKey:
        return self.keys[-1][1]

    def key_at(self, size: int) -> NoteKey:
        """The key in force in a log of that size."""
        return next(key for since, key in reversed(self.keys) if since <= size)

    def json(self) -> dict[str, Json]:
        """For a file; `read_known` reads it back."""
        return {
            "origin": self.origin,
            "keys": [{"from": since, "key": str(key)} for since, key in self.keys],
            "size": self.size,
            "frontier": [one.hex() for one in self.frontier.hashes],
            "newest": self.newest,
        }


def start(origin: str, key: NoteKey) -> Known:
    """The memory of somebody who has seen nothing yet, and has been told the log's name and key."""
    return Known(origin, ((0, key),), Frontier(suite=suite_of(origin)))


def read_known(value: Json) -> Known:
    """Reads what `Known.json` wrote. Raises LogError for anything else."""
    try:
        if not isinstance(value, Mapping):
            raise TypeError
        keys, hashes, size = value["keys"], value["frontier"], value["size"]
        if not isinstance(keys, list) or not isinstance(hashes, list) or not isinstance(size, int):
            raise TypeError
        origin = str(value["origin"])
        chain = tuple((int(one["from"]), read_vkey(str(one["key"]))) for one in keys)
        frontier = Frontier(size, tuple(bytes.fromhex(str(one)) for one in hashes), suite_of(origin))
        if not chain or chain[0][0] != 0:
            raise ValueError
        return Known(origin, chain, frontier, str(value["newest"]))
    except (KeyError, TypeError, ValueError) as error:
        raise LogError("public_log.follow.bad_state") from error


@dataclass(frozen=True, slots=True)
class Followed:
    """What following found. `ok` False is an alarm: `reason` says what, and `known` is what was known before.

    checkpoint: the note as it was read, the evidence; b"" where there was none. added: entries new in this round.
    """

    ok: bool
    reason: Reason
    known: Known
    checkpoint: bytes = b""
    added: int = 0


class TileWriter:
    """Makes the hash tiles of a growing log: whole ones as soon as they are, the partial ones at the end.

    read: gives the hashes of a partial tile that is already there.
    """

    def __init__(
        self,
        size: int,
        read: Callable[[Tile], Sequence[bytes]],
        keep: Callable[[Tile, bytes], None],
        suite: Suite = SHA256,
    ) -> None:
        self._keep, self._suite = keep, suite
        self._levels: list[tuple[int, list[bytes]]] = []
        level = 0
        while (have := count(level, size)) > 0:
            number, rest = divmod(have, WIDTH)
            self._levels.append((number, list(read(Tile(level, number, rest))) if rest else []))
            level += 1

    def add(self, leaf: bytes) -> None:
        """Appends one leaf hash."""
        level, one = 0, leaf
        while True:
            if level == len(self._levels):
                self._levels.append((0, []))
            number, hashes = self._levels[level]
            hashes.append(one)
            if len(hashes) < WIDTH:
                return
            self._keep(Tile(level, number), b"".join(hashes))
            one = tree_root(hashes, self._suite)
            self._levels[level] = (number + 1, [])
            level += 1

    def close(self) -> None:
        """Keeps the partial tiles of the right edge."""
        for level, (number, hashes) in enumerate(self._levels):
            if hashes:
                self._keep(Tile(level, number, len(hashes)), b"".join(hashes))


class _Copy:
    """The files of a copy of a known size."""

    def __init__(self, files: Files, size: int) -> None:
        self.files, self.size = files, size

    def hashes(self, wanted: Tile) -> Sequence[bytes]:
        return read_hashes(_need(self.files, wanted, self.size), wanted.width)

    def entries(self, number: int) -> list[bytes]:
        wanted = tile(ENTRIES, number, self.size)
        return read_bundle(_need(self.files, wanted, self.size), wanted.width)


def _need(files: Files, wanted: Tile, size: int) -> bytes:
    data = files.read(wanted.path)
    if data is None:
        raise LogError("public_log.follow.truncated", path=wanted.path, size=size)
    return data


def follow(
    known: Known,
    log: Files,
    copy: Files,
    keep: Callable[[Tile, bytes], None],
    *,
    seen_before: Callable[[int], bool] = lambda _: False,
    last_time: str = "",
    tolerance: int = TOLERANCE,
) -> Followed:
    """Reads what a log has added since, and checks it against what is known.

    log, copy: the files of the log, and of the copy as it is. keep: takes every new file of the copy; it counts only
    when the answer is ok. seen_before: whether the copy has already kept a checkpoint of that size.
    last_time: when the copy last looked (ISO 8601), "" at first. tolerance: seconds by which an entry may be dated
    before the newest entry known, or before the last look, and still not be called back-dated.
    """
    data = log.read("checkpoint")
    try:
        if data is None:
            raise LogError("public_log.follow.no_checkpoint")
        return _Follower(known, log, copy, keep, tolerance).run(data, seen_before, last_time)
    except LogError as error:
        return Followed(False, error.reason, known, data or b"")


class _Follower:
    def __init__(
        self, known: Known, log: Files, copy: Files, keep: Callable[[Tile, bytes], None], tolerance: int
    ) -> None:
        self.known, self.log, self.keep = known, log, keep
        self.copy = _Copy(copy, known.size)
        self.suite = suite_of(known.origin)
        self.tolerance = timedelta(seconds=tolerance)

    def run(self, data: bytes, seen_before: Callable[[int], bool], last_time: str) -> Followed:
        known = self.known
        said = read_checkpoint(parse_note(data).text)
        if said.origin != known.origin:
            raise LogError("public_log.checkpoint.other_origin", found=said.origin, expected=known.origin)
        if said.size <= known.size:
            open_checkpoint(data, known.origin, [known.key_at(said.size)])
            self._not_longer(said, seen_before)
            return Followed(True, Reason("public_log.follow.same", {"size": said.size}), known, data)
        early = self._signed_by(data, known.key)
        if early is None and said.size - known.size > MOST_UNSIGNED:
            open_checkpoint(data, known.origin, [known.key])
        grown = self._read(said, last_time)
        if grown.frontier.root() != said.root:
            raise self._difference(said, "public_log.follow.wrong_root")
        if early is None or grown.key != known.key:
            open_checkpoint(data, known.origin, [grown.key])
        added = said.size - known.size
        reason = Reason("public_log.follow.grown", {"size": said.size, "added": added})
        return Followed(True, reason, grown, data, added)

    def _signed_by(self, data: bytes, key: NoteKey) -> SignedCheckpoint | None:
        """The checkpoint if this key signed it, None if only others did. A wrong signature of this key is refused."""
        try:
            return open_checkpoint(data, self.known.origin, [key])
        except LogError as error:
            if error.code != "public_log.note.unknown_key":
                raise
            return None

    def _not_longer(self, said: Checkpoint, seen_before: Callable[[int], bool]) -> None:
        known = self.known
        tree = TiledTree(known.size, self.copy.hashes, self.suite)
        if tree.root(said.size) != said.root:
            raise self._difference(said, "public_log.follow.fork")
        if said.size < known.size:
            code = "replayed" if seen_before(said.size) else "rollback"
            raise LogError(f"public_log.follow.{code}", size=said.size, known=known.size)

    def _read(self, said: Checkpoint, last_time: str) -> Known:
        """The memory with the new entries in it; they go to `keep` bundle by bundle, with their tiles."""
        known = self.known
        writer = TileWriter(known.size, self.copy.hashes, self.keep, self.suite)
        frontier, keys = known.frontier, list(known.keys)
        newest = _moment(known.newest, known.size - 1) if known.newest else _EARLIEST
        last = _moment(last_time, known.size - 1) if last_time else _EARLIEST
        for number in range(known.size // WIDTH, -(-said.size // WIDTH)):
            wanted = tile(ENTRIES, number, said.size)
            data = _need(self.log, wanted, said.size)
            entries = read_bundle(data, wanted.width)
            first = number * WIDTH
            old = self.copy.entries(number) if first < known.size else []
            if entries[: len(old)] != old:
                raise self._difference(said, "public_log.follow.fork")
            leaves = []
            for index, entry in enumerate(entries[len(old) :], first + len(old)):
                value, at = _entry(entry, index)
                seen = max(newest, last)
                if seen - at > self.tolerance:
                    raise LogError(
                        "public_log.follow.back_dated", index=index, at=at.isoformat(), seen=seen.isoformat()
                    )
                newest = max(newest, at)
                new = next_key(known.origin, value, keys[-1][1])
                if new is not None:
                    keys.append((index + 1, new))
                leaves.append(leaf_hash(entry, self.suite))
                writer.add(leaves[-1])
            frontier = frontier.extend(leaves)
            self.keep(wanted, data)
        writer.close()
        text = "" if newest == _EARLIEST else newest.isoformat()
        return replace(known, keys=tuple(keys), frontier=frontier, newest=text)

    def _difference(self, said: Checkpoint, otherwise: str) -> LogError:
        """Why the log is not the one that was copied: the first old entry that differs, if it shows one."""
        known = self.known
        for number in range(-(-min(known.size, said.size) // WIDTH)):
            old = self.copy.entries(number)
            shown = self._shown(number, said.size)
            for offset, entry in enumerate(old[: max(0, said.size - number * WIDTH)]):
                index = number * WIDTH + offset
                if offset >= len(shown):
                    return LogError(
                        "public_log.follow.truncated", path=tile(ENTRIES, number, said.size).path, size=said.size
                    )
                if shown[offset] != entry:
                    return self._changed(index, shown[offset])
        return LogError(otherwise, size=said.size, known=known.size)

    def _shown(self, number: int, size: int) -> list[bytes]:
        wanted = tile(ENTRIES, number, size)
        data = self.log.read(wanted.path)
        if data is None:
            return []
        try:
            return read_bundle(data, wanted.width)
        except LogError:
            return []

    def _changed(self, index: int, shown: bytes) -> LogError:
        """Whether what now stands at `index` is another of the old entries (moved), or a new text (changed)."""
        for number in range(-(-self.known.size // WIDTH)):
            old = self.copy.entries(number)
            if shown in old:
                return LogError("public_log.follow.reordered", index=index, other=number * WIDTH + old.index(shown))
        return LogError("public_log.follow.changed", index=index)


def _entry(entry: bytes, index: int) -> tuple[Json, datetime]:
    """An entry as a value, and its time."""
    try:
        value = parse_canonical(entry)
    except LogError as error:
        raise LogError(
            "public_log.follow.bad_entry", index=index, problem=error.text("zh"), problem_en=error.text("en")
        ) from None
    at = value.get("at") if isinstance(value, dict) else None
    return value, _moment(at if isinstance(at, str) else "", index)


def _moment(text: str, index: int) -> datetime:
    """A time with its zone, as UTC."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise LogError("public_log.follow.no_time", index=index) from None


def check_copy(known: Known, copy: Files, checkpoint: bytes | None, *, tolerance: int = TOLERANCE) -> Followed:
    """Computes a whole copy again from its entries: tiles, root, key after key, times; and its checkpoint.

    Starts from nothing but the log's name and its first key, and ends in what the copy says it knows.
    """
    first = Known(known.origin, known.keys[:1], Frontier(suite=suite_of(known.origin)))
    wrong: list[str] = []

    def same(wanted: Tile, data: bytes) -> None:
        if wanted.level != ENTRIES and copy.read(wanted.path) != data:
            wrong.append(wanted.path)

    class _Here:
        def read(self, path: str, /) -> bytes | None:
            return checkpoint if path == "checkpoint" else copy.read(path)

    found = follow(first, _Here(), _Nothing(), same, tolerance=tolerance)
    if not found.ok:
        return found
    if wrong:
        return replace(
            found, ok=False, reason=Reason("public_log.follow.wrong_tile", {"path": wrong[0], "n": len(wrong)})
        )
    if found.known != known:
        return replace(found, ok=False, reason=Reason("public_log.follow.state_differs"))
    reason = Reason("public_log.follow.copy_good", {"size": known.size, "root": known.frontier.root().hex()})
    return replace(found, reason=reason)


class _Nothing:
    def read(self, path: str, /) -> bytes | None:
        return None


# ── the witness ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Head:
    """The last head that a witness cosigned: size and root. (0, root of nothing) before the first."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A witness's answer. `ok`: `line` is its cosignature, and `head` is to be kept before the line is handed out."""

    ok: bool
    reason: Reason
    head: Head
    checkpoint: bytes = b""
    line: NoteSignature | None = None


def witness(head: Head, origin: str, keys: Sequence[NoteKey], log: Files, signer: Signer, time: int) -> Witnessed:
    """Cosigns the log's checkpoint if it is the known head, or one that has only grown from it.

    keys: the log's keys that the witness trusts. time: the POSIX second now.
    """
    data = log.read("checkpoint")
    try:
        if data is None:
            raise LogError("public_log.follow.no_checkpoint")
        opened = open_checkpoint(data, origin, keys)
        said = opened.checkpoint
        suite = suite_of(origin)
        if said.size < head.size:
            raise LogError("public_log.follow.rollback", size=said.size, known=head.size)
        if said.size == head.size:
            if said.root != head.root:
                raise LogError("public_log.follow.fork", size=said.size, known=head.size)
        else:
            tree = TiledTree(said.size, lambda wanted: read_hashes(_need(log, wanted, said.size), wanted.width), suite)
            proof = tree.consistency(head.size)
            if not verify_consistency(head.size, said.size, head.root, said.root, proof, suite):
                raise LogError("public_log.follow.fork", size=said.size, known=head.size)
        line = cosign_note(opened.note.text, signer, time)
    except LogError as error:
        return Witnessed(False, error.reason, head, data or b"")
    reason = Reason("public_log.follow.cosigned", {"size": said.size, "old": head.size, "root": said.root.hex()})
    return Witnessed(True, reason, Head(said.size, said.root), data, line)


def new_head(origin: str) -> Head:
    """The head of a witness that has seen nothing."""
    return Head(0, suite_of(origin).hash(b""))


def files_of(size: int) -> Iterator[str]:
    """The paths of all files of a log of `size` entries, its checkpoint last."""
    for one in tiles_of(size):
        yield one.path
        if one.level == 0:
            yield replace(one, level=ENTRIES).path
    yield "checkpoint"
