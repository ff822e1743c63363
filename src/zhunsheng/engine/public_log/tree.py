"""The Merkle tree of RFC 6962 section 2.1 (RFC 9162 section 2.1) over leaf hashes, with proofs, and its right edge.

Hashes are 32 raw bytes. Every function takes the suite of its log; SHA-256 where none is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from zhunsheng.engine.errors import LogError
from zhunsheng.engine.suites import SHA256, Suite

EMPTY_ROOT = SHA256.hash(b"")


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
    suite: Suite = field(default=SHA256, repr=False)

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
        start = self.suite.start
        for leaf in leaves:
            rest = size
            while rest & 1:
                leaf = start(b"\x01" + hashes.pop() + leaf).digest()
                rest >>= 1
            hashes.append(leaf)
            size += 1
        return Frontier(size, tuple(hashes), self.suite)

    def root(self) -> bytes:
        """The Merkle tree hash of everything appended so far."""
        if not self.hashes:
            return self.suite.hash(b"")
        *left, root = self.hashes
        for subtree in reversed(left):
            root = node_hash(subtree, root, self.suite)
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


def consistency_proof(leaf_hashes: Sequence[bytes], m: int, suite: Suite = SHA256) -> tuple[bytes, ...]:
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
            proof.append(tree_root(leaf_hashes[start + split : end], suite))
            end = start + split
        else:
            proof.append(tree_root(leaf_hashes[start : start + split], suite))
            start, old, whole = start + split, old - split, False
    if not whole:
        proof.append(tree_root(leaf_hashes[start:end], suite))
    return tuple(reversed(proof))


def verify_consistency(
    m: int, n: int, root_m: bytes, root_n: bytes, proof: Sequence[bytes], suite: Suite = SHA256
) -> bool:
    """Whether `proof` shows that the tree (m, root_m) is a prefix of the tree (n, root_n): nothing was changed.

    RFC 9162 section 2.1.4.2.
    """
    if not 0 <= m <= n:
        return False
    if m == 0:
        empty = suite.hash(b"")
        return not proof and root_m == empty and (n > 0 or root_n == empty)
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
            old, new = node_hash(sibling, old, suite), node_hash(sibling, new, suite)
            while not node & 1 and node:
                node >>= 1
                last >>= 1
        else:
            new = node_hash(new, sibling, suite)
        node >>= 1
        last >>= 1
    return last == 0 and old == root_m and new == root_n
