"""The export: one file that holds a whole log, for whoever wants a single download."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from zhunsheng.engine.errors import LogError
from zhunsheng.engine.public_log.checkpoints import suite_of
from zhunsheng.engine.public_log.jcs import canonical, parse_canonical
from zhunsheng.engine.public_log.tiles import MAX_ENTRY
from zhunsheng.engine.public_log.tree import Frontier, leaf_hash
from zhunsheng.engine.words import Reason


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """What `check_export` found.

    `line` is the first bad line, counted from 1 with the header as line 1, and None if all is well; `reason` says
    what is wrong with it, or what was checked. `size` and `root` are those computed from the lines read.
    """

    ok: bool
    origin: str
    size: int
    root: bytes
    line: int | None
    reason: Reason


def export(origin: str, entries: Sequence[bytes]) -> Iterator[bytes]:
    """The lines of an export, each ended by a line feed: the header {"log", "root", "size"}, then every entry.

    `entries` are canonical JSON of at most MAX_ENTRY bytes, which holds no line feed, so that a line is an entry.
    """
    suite = suite_of(origin)
    root = Frontier(suite=suite).extend(leaf_hash(entry, suite) for entry in entries).root()
    yield canonical({"log": origin, "size": len(entries), "root": root.hex()}) + b"\n"
    for number, entry in enumerate(entries, 2):
        try:
            _check_entry(entry)
        except LogError as error:
            raise LogError.of(error.reason, where=str(number)) from None
        yield entry + b"\n"


def _check_entry(entry: bytes) -> None:
    if len(entry) > MAX_ENTRY:
        raise LogError("public_log.entry_too_long", limit=MAX_ENTRY)
    parse_canonical(entry)


def check_export(lines: Iterable[bytes], since: Iterable[bytes] | None = None) -> ExportVerdict:
    """Checks an export line by line: form, number of entries, root; and that an older export is its beginning.

    lines: the lines of the export, header first, with or without their line feeds.
    since: the lines of an older export of the same log. Every entry of it must stand unchanged at the same place:
        the log only grew.
    Reads both as streams; memory does not grow with the log.
    """
    new, old = _Reader(lines), None
    if new.bad is not None:
        return new.verdict(new.bad)
    if since is not None:
        old = _Reader(since)
        if old.bad is not None:
            return new.verdict(_old_bad(old))
        if old.origin != new.origin:
            return new.verdict(Reason("public_log.other_log", {"old": old.origin, "new": new.origin}))
        if old.stated_size > new.stated_size:
            return new.verdict(Reason("public_log.log_shrank", {"old": old.stated_size, "new": new.stated_size}))
    while True:
        before = old.read() if old is not None else None
        if old is not None and old.bad is not None:
            return new.verdict(_old_bad(old))
        entry = new.read()
        if new.bad is not None:
            return new.verdict(new.bad)
        if before is not None and before != entry:
            return new.verdict(Reason("public_log.entry_changed", {"index": new.number - 2}))
        if entry is None:
            break
    old_size = old.frontier.size if old is not None else 0
    code = "public_log.export_good" if old is None else "public_log.export_grew"
    good = Reason(code, {"size": new.frontier.size, "old": old_size, "root": new.frontier.root().hex()})
    return ExportVerdict(True, new.origin, new.frontier.size, new.frontier.root(), None, good)


def _old_bad(old: _Reader) -> Reason:
    bad = old.bad or Reason("public_log.header_fields")
    return Reason(
        "public_log.old_export_bad", {"line": old.number, "problem": bad.text("zh"), "problem_en": bad.text("en")}
    )


class _Reader:
    """Reads one export: header at once, then an entry at a time, with the frontier of what was read.

    `bad` is the first thing wrong, and `number` the line it stands in.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self.lines = iter(lines)
        self.number = 1
        self.frontier = Frontier()
        self.bad: Reason | None = None
        self.origin, self.stated_size, self.stated_root = "", 0, ""
        try:
            header = parse_canonical(next(self.lines, b"").removesuffix(b"\n"))
        except LogError as error:
            self.bad = error.reason
            return
        size = header.get("size") if isinstance(header, dict) and header.keys() == {"log", "root", "size"} else None
        if isinstance(header, dict) and isinstance(size, int) and not isinstance(size, bool) and size >= 0:
            self.origin, self.stated_size, self.stated_root = str(header["log"]), size, str(header["root"])
            self.frontier = Frontier(suite=suite_of(self.origin))
        else:
            self.bad = Reason("public_log.header_fields")

    def read(self) -> bytes | None:
        """The next entry, or None at the end or when something is wrong; at the end size and root are compared."""
        line = next(self.lines, None)
        if line is None:
            self._close()
            return None
        self.number += 1
        entry = line.removesuffix(b"\n")
        try:
            _check_entry(entry)
        except LogError as error:
            self.bad = error.reason
            return None
        if self.frontier.size == self.stated_size:
            self.bad = Reason("public_log.more_entries", {"size": self.stated_size})
            return None
        self.frontier = self.frontier.append(leaf_hash(entry, self.frontier.suite))
        return entry

    def _close(self) -> None:
        if self.frontier.size != self.stated_size:
            self.bad = Reason("public_log.fewer_entries", {"found": self.frontier.size, "size": self.stated_size})
        elif self.frontier.root().hex() != self.stated_root:
            self.number = 1
            self.bad = Reason("public_log.wrong_root", {"found": self.frontier.root().hex(), "root": self.stated_root})

    def verdict(self, reason: Reason) -> ExportVerdict:
        return ExportVerdict(False, self.origin, self.frontier.size, self.frontier.root(), self.number, reason)
