"""The public log 公开存证日志: canonical bytes, one Merkle tree, proofs, and an export that anyone can check.

Entries are JSON in the one form of RFC 8785. The tree is that of RFC 6962 (RFC 9162) with SHA-256:

    leaf = SHA-256(0x00 || entry)        node = SHA-256(0x01 || left || right)

and a tree of n leaves splits at the largest power of two below n. Hashes are 32 raw bytes here and lower-case
hexadecimal in files. Nothing in this module keeps state: a log is a sequence of leaf hashes, or a `Frontier`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeAlias

from zhunsheng.engine.errors import LogError
from zhunsheng.engine.suites import SHA256, Suite
from zhunsheng.engine.words import Reason

__all__ = [
    "EMPTY_ROOT",
    "ExportVerdict",
    "Frontier",
    "Json",
    "canonical",
    "check_export",
    "consistency_proof",
    "export",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "parse_canonical",
    "parse_json",
    "tree_root",
    "verify_consistency",
    "verify_inclusion",
]

Json: TypeAlias = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

EMPTY_ROOT = sha256().digest()
MAX_INTEGER = 2**53 - 1
MAX_ENTRY = 1024 * 1024
MAX_DEPTH = 100

_quote = json.JSONEncoder(ensure_ascii=False).encode
_escaped_surrogate = re.compile(r"\\u[dD][89a-fA-F]")


# ── canonical JSON, RFC 8785 ─────────────────────────────────────────────────────────────────────────────────────────


def canonical(value: Json) -> bytes:
    """The one sequence of bytes that stands for `value`: JSON Canonicalization Scheme, RFC 8785.

    Keys are sorted by their UTF-16 code units, there is no white space, text is UTF-8, numbers are written as
    ECMAScript writes them. Refuses what has no such form: NaN and infinities, integers beyond 2^53-1 (a reader with
    double precision would see another number), lone surrogates, keys that are not text, and more than MAX_DEPTH
    levels of nesting.

    >>> canonical({"b": [1.0, 1e21], "a": "质"}).decode()
    '{"a":"质","b":[1,1e+21]}'
    """
    parts: list[str] = []
    _write(value, parts, MAX_DEPTH)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError:
        raise LogError("public_log.lone_surrogate") from None


def _write(value: Json, parts: list[str], depth: int) -> None:
    if depth < 0:
        raise LogError("public_log.too_deep", limit=MAX_DEPTH)
    if isinstance(value, str):
        parts.append(_quote(value))
    elif value is None:
        parts.append("null")
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise LogError("public_log.integer_too_large")
        parts.append(int.__repr__(value))
    elif isinstance(value, float):
        parts.append(_float_text(value))
    elif isinstance(value, Mapping):
        mark = "{"
        for key in _sorted_keys(value):
            parts.append(mark)
            parts.append(_quote(key))
            parts.append(":")
            _write(value[key], parts, depth - 1)
            mark = ","
        parts.append("{}" if mark == "{" else "}")
    elif isinstance(value, list | tuple):
        mark = "["
        for item in value:
            parts.append(mark)
            _write(item, parts, depth - 1)
            mark = ","
        parts.append("[]" if mark == "[" else "]")
    else:
        raise LogError("public_log.not_json", kind=type(value).__name__)


def _sorted_keys(value: Mapping[str, Json]) -> list[str]:
    if not all(isinstance(key, str) for key in value):
        raise LogError("public_log.key_not_text")
    # Code point order differs from UTF-16 order only above U+FFFF; surrogatepass leaves the refusal to canonical().
    return sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _float_text(number: float) -> str:
    """ECMAScript Number::toString. Python's repr has the same shortest digits and another layout."""
    if number != number or number in (float("inf"), float("-inf")):
        raise LogError("public_log.not_finite")
    if number == 0:
        return "0"
    mantissa, _, exponent = float.__repr__(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # the value is 0.digits × 10^point; leading zeros of a fraction have moved the point to the left
    point = len(whole) - (len(whole + fraction) - len(digits)) + int(exponent or 0)
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        head, tail = digits[0], digits[1:]
        text = f"{head}{'.' if tail else ''}{tail}e{point - 1:+d}"
    return f"-{text}" if number < 0 else text


def parse_json(data: bytes) -> Json:
    """Reads JSON strictly: UTF-8, no key twice in one object, no NaN, no number or text that RFC 8785 cannot write.

    White space and the order of keys are free. Raises LogError for anything else.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LogError("public_log.not_utf8", at=error.start) from None
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_int=_read_integer,
            parse_float=_read_float,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise LogError("public_log.bad_json", at=error.pos, line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise LogError("public_log.too_deep", limit=MAX_DEPTH) from None
    if _escaped_surrogate.search(text):
        canonical(value)
    return value


def parse_canonical(data: bytes) -> Json:
    """Reads JSON that must already be in the form of RFC 8785, byte for byte."""
    value = parse_json(data)
    if canonical(value) != data:
        raise LogError("public_log.not_canonical")
    return value


def _unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise LogError("public_log.duplicate_key", key=key)
    return found


def _read_integer(text: str) -> int | float:
    if len(text) <= 16 and abs(number := int(text)) <= MAX_INTEGER:
        return number
    # 1e20 is written 100000000000000000000: a double that stands for itself may come back, any other would be rounded
    if len(text) <= 22 and _float_text(float(text)) == text:
        return float(text)
    raise LogError("public_log.integer_too_large")


def _read_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise LogError("public_log.not_finite")
    return number


def _refuse_constant(_: str) -> None:
    raise LogError("public_log.not_finite")


# ── the tree, RFC 6962 section 2 ─────────────────────────────────────────────────────────────────────────────────────


def leaf_hash(entry: bytes, suite: Suite = SHA256) -> bytes:
    """H(0x00 || entry)."""
    return suite.start(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes, suite: Suite = SHA256) -> bytes:
    """H(0x01 || left || right)."""
    return suite.start(b"\x01" + left + right).digest()


def tree_root(leaf_hashes: Sequence[bytes], suite: Suite = SHA256) -> bytes:
    """The Merkle tree hash of leaf hashes; the hash of nothing for an empty tree.

    Pairing level by level and carrying an odd last hash up unchanged is the same tree as the RFC's recursion.
    """
    if not leaf_hashes:
        return suite.hash(b"")
    level = list(leaf_hashes)
    while len(level) > 1:
        level = _parents(level, suite)
    return level[0]


def _parents(level: Sequence[bytes], suite: Suite) -> list[bytes]:
    start = suite.start
    above = [start(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
    if len(level) % 2:
        above.append(level[-1])
    return above


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a growing tree: all that is needed to append, in at most log2(size) hashes.

    `hashes` are the roots of the full subtrees from left to right, one for each 1 bit of `size`, largest first.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise LogError("public_log.bad_frontier", size=self.size, hashes=len(self.hashes))

    def append(self, leaf: bytes) -> Frontier:
        """The frontier with one more leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """The frontier with all these leaf hashes appended in order."""
        hashes = list(self.hashes)
        size = self.size
        for leaf in leaves:
            rest = size
            while rest & 1:
                leaf = sha256(b"\x01" + hashes.pop() + leaf).digest()
                rest >>= 1
            hashes.append(leaf)
            size += 1
        return Frontier(size, tuple(hashes))

    def root(self) -> bytes:
        """The Merkle tree hash of everything appended so far."""
        if not self.hashes:
            return EMPTY_ROOT
        *left, root = self.hashes
        for subtree in reversed(left):
            root = node_hash(subtree, root)
        return root


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, suite: Suite = SHA256) -> tuple[bytes, ...]:
    """The audit path of leaf `index`, from the leaf upward (RFC 6962 section 2.1.1)."""
    if not 0 <= index < len(leaf_hashes):
        raise LogError("public_log.index_out_of_range", index=index, size=len(leaf_hashes))
    path: list[bytes] = []
    level = list(leaf_hashes)
    while len(level) > 1:
        if (sibling := index ^ 1) < len(level):
            path.append(level[sibling])
        level = _parents(level, suite)
        index >>= 1
    return tuple(path)


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes, suite: Suite = SHA256
) -> bool:
    """Whether `proof` shows that leaf hash `leaf` stands at `index` in the tree of `size` leaves with `root`.

    RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found, suite)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            found = node_hash(found, sibling, suite)
        node >>= 1
        last >>= 1
    return last == 0 and found == root


def consistency_proof(leaf_hashes: Sequence[bytes], m: int) -> tuple[bytes, ...]:
    """The proof that the tree of the first `m` leaves is a prefix of the whole (RFC 6962 section 2.1.2).

    Empty for m = 0 and for m = n: an empty tree is a prefix of every tree, a tree of itself.
    """
    n = len(leaf_hashes)
    if not 0 <= m <= n:
        raise LogError("public_log.index_out_of_range", index=m, size=n)
    proof: list[bytes] = []
    if m == 0:
        return ()
    start, end, old, whole = 0, n, m, True
    while old != end - start:
        split = 1 << (end - start - 1).bit_length() - 1
        if old <= split:
            proof.append(tree_root(leaf_hashes[start + split : end]))
            end = start + split
        else:
            proof.append(tree_root(leaf_hashes[start : start + split]))
            start, old, whole = start + split, old - split, False
    if not whole:
        proof.append(tree_root(leaf_hashes[start:end]))
    return tuple(reversed(proof))


def verify_consistency(m: int, n: int, root_m: bytes, root_n: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree (m, root_m) is a prefix of the tree (n, root_n): nothing was changed.

    RFC 9162 section 2.1.4.2.
    """
    if not 0 <= m <= n:
        return False
    if m == 0:
        return not proof and root_m == EMPTY_ROOT and (n > 0 or root_n == EMPTY_ROOT)
    if m == n:
        return not proof and root_m == root_n
    path = list(proof)
    if m & (m - 1) == 0:
        path.insert(0, root_m)
    if not path:
        return False
    node, last = m - 1, n - 1
    while node & 1:
        node >>= 1
        last >>= 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and old == root_m and new == root_n


# ── the export: one file that holds a whole log ──────────────────────────────────────────────────────────────────────


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
    root = Frontier().extend(leaf_hash(entry) for entry in entries).root()
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
        self.frontier = self.frontier.append(leaf_hash(entry))
        return entry

    def _close(self) -> None:
        if self.frontier.size != self.stated_size:
            self.bad = Reason("public_log.fewer_entries", {"found": self.frontier.size, "size": self.stated_size})
        elif self.frontier.root().hex() != self.stated_root:
            self.number = 1
            self.bad = Reason("public_log.wrong_root", {"found": self.frontier.root().hex(), "root": self.stated_root})

    def verdict(self, reason: Reason) -> ExportVerdict:
        return ExportVerdict(False, self.origin, self.frontier.size, self.frontier.root(), self.number, reason)
