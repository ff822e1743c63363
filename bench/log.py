"""The public log: appends and signatures in the platform beside bare SQLite commits, hashing and proofs beside hashlib."""

import contextlib
import hashlib
import random
import sqlite3
import time
from pathlib import Path

from bench.harness import Contestant, race


def _rate(name: str, amount: int, seconds: float, unit: str = "") -> float:
    print(f"  {name:<64}{amount / seconds:>12,.0f} /s{unit}   ({amount:,} in {seconds:.2f} s)")
    return amount / seconds


def hashing(entries: int) -> None:
    """One tree over many entries: the engine in batch and entry by entry, beside the same number of bare SHA-256 calls."""
    from zhunsheng.engine import public_log as engine

    bodies = [b'{"kind":"draw.announce","n":%d}' % n for n in range(entries)]
    leaves = [engine.leaf_hash(body) for body in bodies]

    def batch() -> object:
        return engine.tree_root([engine.leaf_hash(body) for body in bodies]).hex()

    def frontier() -> object:
        return engine.Frontier().extend(engine.leaf_hash(body) for body in bodies).root().hex()

    def tiles() -> object:
        made: dict[str, bytes] = {}
        writer = engine.TileWriter(0, lambda _: [], lambda one, data: made.__setitem__(one.path, data))
        for leaf in leaves:
            writer.add(leaf)
        writer.close()
        return len(made)

    def bare() -> object:
        sha = hashlib.sha256
        for body in bodies:
            sha(b"\x00" + body).digest()
        pair = b"\x01" + bytes(64)
        for _ in range(entries - 1):
            sha(pair).digest()
        return ""

    race(
        "Tree over entries 日志的树",
        [
            Contestant("leaf and node hashes, in batch", batch),
            Contestant("entry by entry, right edge kept", frontier),
            Contestant("tiles of leaf hashes, as files", tiles),
            Contestant("hashlib: 2n-1 hashes, nothing else (limit)", bare),
        ],
        amount=f"{entries:,} entries",
    )


def proofs(entries: int, count: int) -> None:
    """Random inclusion and consistency proofs made from tiles and checked: every one must hold."""
    from zhunsheng.engine import public_log as engine

    leaves = [hashlib.sha256(b"\x00%d" % n).digest() for n in range(entries)]
    stored: dict[str, list[bytes]] = {}
    writer = engine.TileWriter(
        0, lambda _: [], lambda one, data: stored.__setitem__(one.path, engine.read_hashes(data, one.width))
    )
    for leaf in leaves:
        writer.add(leaf)
    writer.close()
    tree = engine.TiledTree(entries, lambda one: stored[one.path])
    rng = random.Random(1)
    sizes = [rng.randint(2, entries) for _ in range(200)]
    roots = {size: tree.root(size) for size in sizes}
    print(f"\nProofs 证明  (log of {entries:,} entries, random sizes and indexes, from tiles)")
    made: list[tuple[int, int, tuple[bytes, ...]]] = []
    start = time.perf_counter()
    for _ in range(count):
        size = rng.choice(sizes)
        index = rng.randrange(size)
        made.append((index, size, tree.inclusion(index, size)))
    _rate("inclusion proofs made", count, time.perf_counter() - start)
    start = time.perf_counter()
    good = sum(engine.verify_inclusion(leaves[index], index, size, path, roots[size]) for index, size, path in made)
    _rate("inclusion proofs checked", count, time.perf_counter() - start)
    assert good == count
    made = []
    start = time.perf_counter()
    for _ in range(count):
        old, size = sorted(rng.sample(sizes, 2))
        made.append((old, size, tree.consistency(old, size)))
    _rate("consistency proofs made", count, time.perf_counter() - start)
    start = time.perf_counter()
    good = sum(engine.verify_consistency(old, size, roots[old], roots[size], path) for old, size, path in made)
    _rate("consistency proofs checked", count, time.perf_counter() - start)
    assert good == count
    path = made[0][2]
    start = time.perf_counter()
    for _ in range(count):
        for one in path:
            hashlib.sha256(b"\x01" + one + one).digest()
    _rate(f"hashlib: {len(path)} hashes a proof, nothing else (limit)", count, time.perf_counter() - start)


def signing(count: int) -> None:
    """Checkpoints signed and opened, with their text, beside bare Ed25519 of the package that does it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from zhunsheng.engine import public_log as engine
    from zhunsheng.engine.signing import Ed25519Signer

    signer = Ed25519Signer("bench/log", bytes(32))
    key = engine.note_key(signer)
    notes = [
        str(engine.sign_checkpoint(engine.Checkpoint("bench/log", n, bytes(32)), [signer])).encode()
        for n in range(count)
    ]
    bare = Ed25519PrivateKey.from_private_bytes(bytes(32))
    text, public = notes[0].partition(b"\n\n")[0] + b"\n", bare.public_key()
    signature = bare.sign(text)
    race(
        "Checkpoints 检查点",
        [
            Contestant("opened: read, compared, verified", lambda: [engine.open_checkpoint(n, "bench/log", [key]) for n in notes][-1].checkpoint.size),
            Contestant("signed", lambda: [engine.sign_checkpoint(engine.Checkpoint("bench/log", n, bytes(32)), [signer]) for n in range(count)][-1].text),
            Contestant("cryptography: Ed25519 verify alone", lambda: [public.verify(signature, text) for _ in range(count)][-1]),
        ],
        amount=f"{count:,}",
    )  # fmt: skip


def appending(folder: Path, acts: int) -> None:
    """Public acts through the platform on SQLite, one transaction each: recorded, numbered, head moved, signed, each step
    durable; beside bare sqlite3 commits of one row (journal WAL, synchronous FULL and NORMAL) on the same disk."""
    from django.db import connection
    from django.utils import timezone

    from zhunsheng.web.public_log import actions, queries, signer

    with contextlib.suppress(Exception):
        signer.ensure_key(queries.origin())
    before = queries.head().size
    print(
        f"\nAppends 追加  (SQLite, {acts:,} acts, one transaction each; the platform's own commits are synchronous NORMAL)"
    )
    start = time.perf_counter()
    for n in range(acts):
        actions.record("bench.act", "x", n, by=None, at=timezone.now(), public={"n": n})
    each = _rate(
        "one act: recorded, numbered, signed (two transactions, one signature)", acts, time.perf_counter() - start
    )
    start = time.perf_counter()
    many = [actions.Deed("bench.act", "x", str(n), public={"n": n}) for n in range(acts * 10)]
    actions.record_many(many, by=None, at=timezone.now())
    _rate("acts in bulk: one transaction, one signature", acts * 10, time.perf_counter() - start)
    assert queries.head().size == before + acts * 11
    last = queries.last_checkpoint()
    assert last is not None and last.size == before + acts * 11
    connection.close()
    for level in ("FULL", "NORMAL"):
        path = folder / f"bare-{level}.sqlite3"
        bare = sqlite3.connect(path, isolation_level=None)
        bare.execute("PRAGMA journal_mode=WAL")
        bare.execute(f"PRAGMA synchronous={level}")
        bare.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)")
        start = time.perf_counter()
        for n in range(acts):
            bare.execute("BEGIN IMMEDIATE")
            bare.execute("INSERT INTO t (body) VALUES (?)", (f'{{"n":{n}}}' * 20,))
            bare.execute("COMMIT")
        taken = time.perf_counter() - start
        rate = _rate(f"sqlite3: one row a commit, synchronous {level} (peer)", acts, taken)
        print(f"  {'':<64}ratio {each / rate:.3f}")
        bare.close()


def run(folder: Path, *, entries: int, count: int, acts: int) -> None:
    """Everything, in one run. entries: in the tree; count: proofs of each kind; acts: single appends."""
    hashing(entries)
    proofs(entries, count)
    signing(min(count, 2000))
    appending(folder, acts)
