"""Signed notes, checkpoints, cosignatures, tiles and proof files: the C2SP formats, with the vectors published for them."""

import base64
import random
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.test_signing import sm2_signer
from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError
from zhunsheng.engine.signing import Ed25519Signer
from zhunsheng.engine.suites import SHA256, SM3
from zhunsheng.keys import load_key, make_key

FOLDER = Path(__file__).parents[1] / "vectors/public_log"
VECTORS = tomllib.loads((FOLDER / "c2sp.toml").read_text())
TREE = tomllib.loads((FOLDER / "rfc6962.toml").read_text())
LOG = Ed25519Signer("example.com/log", bytes(range(32)))
WITNESS = Ed25519Signer("notary.example/w1", bytes(range(1, 33)))
LOG_KEY, WITNESS_KEY = engine.note_key(LOG), engine.note_key(WITNESS, witness=True)


def refused(code, call, *args, **named):
    with pytest.raises(LogError) as caught:
        call(*args, **named)
    assert caught.value.code == f"public_log.{code}"
    assert caught.value.text("zh") and caught.value.text("en")


# signed notes


@pytest.mark.parametrize("case", VECTORS["note"], ids=lambda case: case["source"])
def test_a_published_note_verifies(case):
    key = engine.read_vkey(case["vkey"])
    note = engine.parse_note(f"{case['text']}\n{case['line']}\n".encode())
    assert (note.text, str(key)) == (case["text"], case["vkey"])
    (signed,) = engine.verify_note(note, [key])
    assert signed.key == key and signed.time is None
    assert str(note) == f"{case['text']}\n{case['line']}\n"
    refused("note.bad_signature", engine.verify_note, engine.Note(note.text + "x\n", note.signatures), [key])


def test_a_published_private_key_signs_the_published_note(tmp_path):
    (tmp_path / "key").write_text(VECTORS["signing"]["private"] + "\n")
    case = VECTORS["note"][0]
    assert str(engine.sign_note(case["text"], load_key(tmp_path / "key"))) == case["line"] + "\n"


def test_published_keys_of_witnesses_are_read():
    for text in VECTORS["cosignature"]["vkeys"]:
        assert engine.read_vkey(text).is_witness and str(engine.read_vkey(text)) == text
    for text in VECTORS["cosignature"]["note_vkeys"]:
        assert not engine.read_vkey(text).is_witness
    for text in VECTORS["cosignature"]["bad_vkeys"]:
        refused("note.bad_vkey", engine.read_vkey, text)
    line = engine.read_signature(f"— w {VECTORS['cosignature']['timed']}")
    assert int.from_bytes(line.signature[:8], "big") == VECTORS["cosignature"]["time"] and len(line.signature) == 72


def test_a_cosignature_is_over_its_time_and_the_text():
    """C2SP tlog-cosignature: the signed bytes, put together here by hand."""
    text = "example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    line = engine.cosign_note(text, WITNESS, 1679315147)
    assert line.signature == (1679315147).to_bytes(8, "big") + WITNESS.sign(
        b"cosignature/v1\ntime 1679315147\n" + text.encode()
    )
    assert line.key_id == SHA256.hash(b"notary.example/w1\n\x04" + WITNESS.public_key)[:4]
    note = engine.Note(text, (line,))
    (signed,) = engine.verify_note(note, [WITNESS_KEY])
    assert signed.time == 1679315147
    later = (1679315148).to_bytes(8, "big") + line.signature[8:]
    refused(
        "note.bad_signature",
        engine.verify_note,
        engine.Note(text, (engine.NoteSignature(line.name, line.key_id, later),)),
        [WITNESS_KEY],
    )
    # the same key, type 01, is another key: a cosignature is no signature of a note, nor the other way
    refused("note.unknown_key", engine.verify_note, note, [engine.note_key(WITNESS)])
    refused(
        "note.unknown_key", engine.verify_note, engine.Note(text, (engine.sign_note(text, WITNESS),)), [WITNESS_KEY]
    )
    refused("note.bad_time", engine.cosign_note, text, WITNESS, 2**63)


def test_sixteen_unknown_signatures_do_not_hide_the_known_one():
    others = [engine.sign_note("a\n", Ed25519Signer(f"other/{n}", bytes([n]) * 32)) for n in range(16)]
    # same name and another id, same id and another name: not the known key
    mine = engine.sign_note("a\n", LOG)
    others += [
        engine.NoteSignature(LOG.name, b"\0\0\0\0", mine.signature),
        engine.NoteSignature("x", mine.key_id, bytes(64)),
    ]
    note = engine.parse_note(str(engine.Note("a\n", (*others, mine))).encode())
    assert [one.key for one in engine.verify_note(note, [LOG_KEY])] == [LOG_KEY]
    refused("note.unknown_key", engine.verify_note, engine.Note("a\n", tuple(others)), [LOG_KEY])
    # a wrong signature of a known key is not passed over, even beside a right one
    wrong = engine.NoteSignature(LOG.name, mine.key_id, bytes(64))
    refused("note.bad_signature", engine.verify_note, engine.Note("a\n", (mine, wrong)), [LOG_KEY])


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "note.no_signatures"), (b"a\n", "note.no_signatures"), (b"a\n\n", "note.no_signatures"), (b"\n\n\xe2\x80\x94 k AAAAAAA=\n", "note.bad_line"),
        (b"a\n\n\xe2\x80\x94 k AAAAAAA=", "note.no_signatures"), (b"a\r\n\n\xe2\x80\x94 k AAAAAAA=\n", "note.control_character"),
        (b"a\n\n- k AAAAAAA=\n", "note.bad_line"), (b"a\n\n\xe2\x80\x94 k  AAAAAAA=\n", "note.bad_line"),
        (b"a\n\n\xe2\x80\x94 k AAAAAAB=\n", "note.bad_line"), (b"a\n\n\xe2\x80\x94 k AAAA\n", "note.bad_line"),
        (b"a\n\n\xe2\x80\x94 k+k AAAAAAA=\n", "note.bad_line"), (b"a\xff\n\n\xe2\x80\x94 k AAAAAAA=\n", "not_utf8"),
        (b"a\n\n" + b"\xe2\x80\x94 k AAAAAAA=\n" * 65, "note.too_many"), (b"a" * 70_000 + b"\n\n\xe2\x80\x94 k AAAAAAA=\n", "note.too_long"),
        (b"a\n\n\xe2\x80\x94 k AAAAAAA=\n\xe2\x80\x94 k\n", "note.bad_line"),
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(data, code):
    if data.startswith(b"\n\n"):
        code = "note.bad_line" if b"\n\n" in data[1:] else "note.no_signatures"
    refused(code, engine.parse_note, data)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    for read in (engine.parse_note, engine.read_proof):
        try:
            read(data)
        except LogError as error:
            assert error.text("en")


# checkpoints


def test_the_example_of_the_specification_is_read_and_written():
    case = VECTORS["checkpoint"]
    found = engine.read_checkpoint(case["text"])
    assert (found.origin, found.size, found.root.hex(), found.text) == (
        case["origin"],
        case["size"],
        case["root"],
        case["text"],
    )


@pytest.mark.parametrize(
    "text",
    [
        "", "a\n1\n", "a\n1\nAAAA\n", "a\n01\n{r}\n", "a\n-1\n{r}\n", "a\n+1\n{r}\n", "a\n1\n{r}", "a\n1\n{r}\n\nx\n", "a b\n1\n{r}\n", "\n1\n{r}\n",
        "a\n9223372036854775808\n{r}\n", "a\n1\n{r}=\n", "a\n１\n{r}\n", "a+b\n1\n{r}\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text):
    root = base64.b64encode(bytes(32)).decode()
    with pytest.raises(LogError):
        engine.read_checkpoint(text.replace("{r}", root))


def checkpoint(size=8, root=None, signers=(LOG,), origin=LOG.name):
    root = root or bytes.fromhex(TREE["roots"][8])
    return str(engine.sign_checkpoint(engine.Checkpoint(origin, size, root), signers))


def test_a_checkpoint_is_opened_with_the_keys_of_log_and_witnesses():
    note = engine.parse_note(checkpoint().encode())
    text = str(note) + str(engine.cosign_note(note.text, WITNESS, 1))
    opened = engine.open_checkpoint(text.encode(), LOG.name, [LOG_KEY, WITNESS_KEY])
    assert opened.checkpoint == engine.Checkpoint(LOG.name, 8, bytes.fromhex(TREE["roots"][8]))
    assert [one.key for one in opened.by_log] == [LOG_KEY]
    assert [(one.key, one.time) for one in opened.by_witnesses] == [(WITNESS_KEY, 1)]
    refused("checkpoint.other_origin", engine.open_checkpoint, text.encode(), "example.com/other", [LOG_KEY])
    only_witness = engine.Note(note.text, (engine.cosign_note(note.text, WITNESS, 1),))
    refused("note.unknown_key", engine.open_checkpoint, str(only_witness).encode(), LOG.name, [LOG_KEY, WITNESS_KEY])


def test_extension_lines_are_signed_along():
    note = engine.sign_checkpoint(engine.Checkpoint(LOG.name, 8, bytes(32), ("more",)), [LOG])
    assert engine.open_checkpoint(str(note).encode(), LOG.name, [LOG_KEY]).checkpoint.extensions == ("more",)
    changed = str(note).replace("more", "less")
    refused("note.bad_signature", engine.open_checkpoint, changed.encode(), LOG.name, [LOG_KEY])


def test_one_log_has_one_suite_and_its_origin_names_it(tmp_path):
    assert (engine.suite_of("zhunsheng/log/a"), engine.suite_of("zhunsheng/log/a/sm3")) == (SHA256, SM3)
    refused("checkpoint.other_suite", engine.sign_checkpoint, engine.Checkpoint("a/sm3", 0, bytes(32)), [LOG])
    device = sm2_signer(tmp_path)
    refused("checkpoint.other_suite", engine.sign_checkpoint, engine.Checkpoint("a", 0, bytes(32)), [device])


def test_the_profile_with_sm3_and_an_sm2_device(tmp_path):
    """国密: SM3 for the tree, SM2 by a program outside for the checkpoint, one proof file checked from end to end."""
    device = sm2_signer(tmp_path)
    origin = "demo.city/log/sm3"
    device = type(device)(origin, device.public_key, device.command)
    key = engine.note_key(device)
    assert engine.read_vkey(str(key)) == key and len(base64.b64decode(str(key).split("+", 2)[2])) == 1 + 17 + 65
    entries = [engine.canonical({"n": n}) for n in range(300)]
    leaves = [engine.leaf_hash(one, SM3) for one in entries]
    root = engine.tree_root(leaves, SM3)
    assert root == engine.Frontier(suite=SM3).extend(leaves).root() != engine.tree_root(leaves)
    note = engine.sign_checkpoint(engine.Checkpoint(origin, 300, root), [device])
    proof = engine.LogProof(7, engine.inclusion_proof(leaves, 7, SM3), str(note).encode(), entries[7])
    found = engine.check_proof(str(proof).encode(), origin, [key])
    assert (found.index, found.entry) == (7, entries[7])
    old = engine.tree_root(leaves[:130], SM3)
    steps = engine.consistency_proof(leaves, 130, SM3)
    assert engine.verify_consistency(130, 300, old, root, steps, SM3)
    assert not engine.verify_consistency(130, 300, old, root, steps, SHA256)
    assert list(engine.export(origin, entries[:3]))[0].decode().count(engine.tree_root(leaves[:3], SM3).hex()) == 1
    assert engine.check_export(engine.export(origin, entries)).ok


# the announcement of a new key

NEW = Ed25519Signer(LOG.name, bytes(range(2, 34)))


def announced(**changes):
    data = engine.rotation(LOG.name, LOG, engine.note_key(NEW), LOG_KEY)
    return {"kind": engine.KEY_KIND, "subject": "log:x", "data": data | changes}


def test_a_new_key_is_taken_when_the_old_one_signed_for_it():
    assert engine.next_key(LOG.name, announced(), LOG_KEY) == engine.note_key(NEW)
    assert engine.next_key(LOG.name, {"kind": "draw.announce", "data": {}}, LOG_KEY) is None


@pytest.mark.parametrize(
    "entry",
    [
        announced(key=str(WITNESS_KEY)), announced(key=str(engine.note_key(WITNESS))), announced(signature="AAAA"), announced(signed_by=str(engine.note_key(NEW))),
        announced(more=1), {"kind": engine.KEY_KIND}, {"kind": engine.KEY_KIND, "data": engine.rotation(LOG.name, NEW, engine.note_key(NEW), LOG_KEY)},
        {"kind": engine.KEY_KIND, "data": engine.rotation("another/log", LOG, engine.note_key(NEW), LOG_KEY)},
    ],
)  # fmt: skip
def test_a_new_key_that_the_old_one_did_not_sign_for_is_refused(entry):
    refused("rotation.bad", engine.next_key, LOG.name, entry, LOG_KEY)


# the published corruptions of proofs: transparency-dev/merkle, proof/verify_test.go (Apache-2.0)

LEAVES = [engine.leaf_hash(bytes.fromhex(leaf)) for leaf in TREE["leaves"]]
ROOTS = [bytes.fromhex(root) for root in TREE["roots"]]
SOME = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")


def flipped(proof, i, bit):
    return [*proof[:i], bytes([proof[i][0] ^ bit]) + proof[i][1:], *proof[i + 1 :]]


def inclusion_cases():
    for index, size in ((0, 1), (0, 8), (5, 8), (2, 3), (1, 5)):
        leaf, root = LEAVES[index], ROOTS[size]
        proof = list(engine.inclusion_proof(LEAVES[:size], index))
        yield "happy path", True, (leaf, index, size, proof, root)
        for name, bad in {
            "leafIndex - 1": (leaf, index - 1, size, proof, root), "leafIndex + 1": (leaf, index + 1, size, proof, root),
            "leafIndex ^ 2": (leaf, index ^ 2, size, proof, root), "treeSize * 2": (leaf, index, size * 2, proof, root),
            "treeSize / 2": (leaf, index, size // 2, proof, root), "wrong leaf": (b"WrongLeaf", index, size, proof, root),
            "empty root": (leaf, index, size, proof, engine.EMPTY_ROOT), "random root": (leaf, index, size, proof, SOME),
            "trailing garbage": (leaf, index, size, [*proof, b""], root), "trailing root": (leaf, index, size, [*proof, root], root),
            "preceding garbage": (leaf, index, size, [b"", *proof], root), "preceding root": (leaf, index, size, [root, *proof], root),
        }.items():  # fmt: skip
            yield name, False, bad
        for i in range(len(proof)):
            yield f"modified proof[{i}] bit 3", False, (leaf, index, size, flipped(proof, i, 8), root)
        if proof:
            yield "removed component", False, (leaf, index, size, proof[:-1], root)
        if len(proof) > 1:
            yield "inserted component", False, (leaf, index, size, [proof[0], SOME, *proof[1:]], root)
    for index, size in ((0, 0), (0, 1), (1, 0), (2, 1)):
        for leaf, root in ((SOME, b""), (b"", engine.EMPTY_ROOT), (SOME, engine.EMPTY_ROOT)):
            yield f"probe {index} {size}", False, (leaf, index, size, [], root)


def consistency_cases():
    for m, n in ((1, 8), (6, 8), (2, 5), (6, 7)):
        old, new = ROOTS[m], ROOTS[n]
        proof = list(engine.consistency_proof(LEAVES[:n], m))
        yield "happy path", True, (m, n, old, new, proof)
        for name, bad in {
            "size1 - 1": (m - 1, n, old, new, proof), "size1 + 1": (m + 1, n, old, new, proof), "size1 ^ 2": (m ^ 2, n, old, new, proof),
            "size2 * 2": (m, n * 2, old, new, proof), "size2 / 2": (m, n // 2, old, new, proof), "wrong root1": (m, n, b"WrongRoot", new, proof),
            "wrong root2": (m, n, old, b"WrongRoot", proof), "swapped roots": (m, n, new, old, proof), "empty proof": (m, n, old, new, []),
            "trailing garbage": (m, n, old, new, [*proof, b""]), "trailing root1": (m, n, old, new, [*proof, old]), "trailing root2": (m, n, old, new, [*proof, new]),
            "preceding garbage": (m, n, old, new, [b"", *proof]), "preceding root1": (m, n, old, new, [old, *proof]),
            "preceding root2": (m, n, old, new, [new, *proof]), "preceding proof[0]": (m, n, old, new, [proof[0], *proof]),
            "truncated proof": (m, n, old, new, proof[:-1]),
        }.items():  # fmt: skip
            yield name, False, bad
        for i in range(len(proof)):
            yield f"modified proof[{i}] bit 4", False, (m, n, old, new, flipped(proof, i, 16))
    yield "same size, same root", True, (1, 1, SOME, SOME, [])
    for m, n, old, new, proof in (
        (0, 0, SOME, engine.EMPTY_ROOT, []), (1, 1, SOME, ROOTS[1], []), (1, 0, SOME, SOME, []), (2, 1, SOME, SOME, []), (1, 2, SOME, ROOTS[2], []),
        (0, 0, engine.EMPTY_ROOT, SOME, []), (0, 0, engine.EMPTY_ROOT, engine.EMPTY_ROOT, [engine.EMPTY_ROOT]),
        (0, 1, engine.EMPTY_ROOT, engine.EMPTY_ROOT, [engine.EMPTY_ROOT]), (1, 1, SOME, SOME, [engine.EMPTY_ROOT]),
    ):  # fmt: skip
        yield f"{m} to {n}", False, (m, n, old, new, proof)


INCLUSION, CONSISTENCY = list(inclusion_cases()), list(consistency_cases())


def test_the_published_corruptions_of_inclusion_proofs_are_rejected():
    assert len(INCLUSION) >= 92
    wrong = [(name, case[1:3]) for name, good, case in INCLUSION if engine.verify_inclusion(*case) != good]
    assert not wrong


def test_the_published_corruptions_of_consistency_proofs_are_rejected():
    assert len(CONSISTENCY) >= 90
    wrong = [(name, case[:2]) for name, good, case in CONSISTENCY if engine.verify_consistency(*case) != good]
    assert not wrong


# tiles


def test_paths_and_widths_are_those_of_the_specification():
    for number, path in VECTORS["tiles"]["paths"]:
        assert engine.Tile(0, number).path == f"tile/0/{path}"
        assert engine.read_tile_path(f"tile/entries/{path}.p/7") == engine.Tile(engine.ENTRIES, number, 7)
    found = list(engine.tiles_of(VECTORS["tiles"]["size"]))
    for level, whole, partial in VECTORS["tiles"]["levels"]:
        widths = [one.width for one in found if one.level == level]
        assert widths == [256] * whole + [partial]
    assert {one.level for one in found} == {0, 1, 2}
    assert [one.path for one in engine.tiles_of(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert list(engine.tiles_of(0)) == []


@pytest.mark.parametrize(
    "path",
    [
        "tile/64/000", "tile/00/000", "tile/0/0", "tile/0/0000", "tile/0/x000/000", "tile/0/001/000", "tile/0/x001", "tile/0/000.p/0", "tile/0/000.p/256",
        "tile/0/000.p/01", "tile/-1/000", "tile/0/000.p/", "tile/entry/000", "checkpoint", "tile/0/000/", "tile/0/x1234/000", "tile/0/０００", "tile/0/000\n",
    ],
)  # fmt: skip
def test_other_paths_are_no_tiles(path):
    assert engine.read_tile_path(path) is None


@given(st.integers(0, 10**9), st.integers(1, 256), st.integers(-1, 63))
def test_a_path_leads_back_to_its_tile(number, width, level):
    one = engine.Tile(level, number, width)
    assert engine.read_tile_path(one.path) == one


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_is_read_back_and_nothing_else_is(entries):
    data = engine.bundle(entries)
    assert engine.read_bundle(data, len(entries)) == entries
    for wrong in (data + b"\0", data[:-1]):
        if wrong != data:
            refused("tiles.cut", engine.read_bundle, wrong, len(entries))
    refused("tiles.cut", engine.read_bundle, data, len(entries) + 1)


def test_an_entry_of_65535_bytes_fits_and_one_more_does_not():
    assert engine.read_bundle(engine.bundle([b"x" * 65535]), 1) == [b"x" * 65535]
    refused("entry_too_long", engine.bundle, [b"x" * 65536])


class Stored:
    """The tiles of a log, made once."""

    def __init__(self, leaves):
        self.tiles = {}
        writer = engine.TileWriter(0, lambda _: [], lambda one, data: self.tiles.__setitem__(one.path, data))
        for leaf in leaves:
            writer.add(leaf)
        writer.close()
        self.leaves = leaves

    def tree(self, size=None):
        whole = engine.TiledTree(len(self.leaves), lambda one: engine.read_hashes(self.tiles[one.path], one.width))
        assert size is None or size <= len(self.leaves)
        return whole


MANY = [engine.leaf_hash(b"%d" % n) for n in range(70_000)]


def test_the_tiles_of_seventy_thousand_are_those_that_are_named():
    stored = Stored(MANY)
    assert sorted(stored.tiles) == sorted(one.path for one in engine.tiles_of(70_000))
    assert all(len(data) == engine.read_tile_path(path).width * 32 for path, data in stored.tiles.items())
    tree = stored.tree()
    for size in (0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000):
        assert tree.root(size) == engine.tree_root(MANY[:size])


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_tiles_may_be_written_in_two_parts(first, more):
    parts = {}

    def keep(one, data):
        parts[one.path] = data

    def read(one):
        return engine.read_hashes(parts[one.path], one.width)

    for start, end in ((0, first), (first, first + more)):
        writer = engine.TileWriter(start, read, keep)
        for leaf in MANY[start:end]:
            writer.add(leaf)
        writer.close()
    whole = Stored(MANY[: first + more]).tiles
    assert {path: parts[path] for path in whole} == whole


def test_random_proofs_from_tiles_hold_and_are_those_from_the_leaves():
    """As many as fit in some seconds; bench/log.py does a million of each."""
    rng = random.Random(20260)
    leaves = MANY[:5000]
    tree = Stored(leaves).tree()
    roots = {}
    done = 0
    until = time.monotonic() + 8
    while time.monotonic() < until:
        size = rng.randint(1, 5000)
        root = roots.get(size) or roots.setdefault(size, tree.root(size))
        index, old = rng.randrange(size), rng.randint(1, size)
        path = tree.inclusion(index, size)
        assert engine.verify_inclusion(leaves[index], index, size, path, root)
        steps = tree.consistency(old, size)
        assert engine.verify_consistency(
            old, size, roots.get(old) or roots.setdefault(old, tree.root(old)), root, steps
        )
        if done % 200 == 0:
            assert path == engine.inclusion_proof(leaves[:size], index)
            assert steps == engine.consistency_proof(leaves[:size], old)
        done += 1
    assert done > 1000
    refused("index_out_of_range", tree.inclusion, 5, 5)
    refused("index_out_of_range", tree.consistency, 6, 5)


# proof files


def make_proof(size=8, index=5):
    return engine.LogProof(
        index,
        engine.inclusion_proof(LEAVES[:size], index),
        checkpoint(size, ROOTS[size]).encode(),
        bytes.fromhex(TREE["leaves"][index]),
    )


def test_a_proof_file_has_the_form_of_the_specification():
    text = str(make_proof())
    lines = text.split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1" and lines[1] == "extra QEFCQw==" and lines[2] == "index 5"
    assert [base64.b64decode(line).hex()[:4] for line in lines[3:6]] == ["bc1a", "ca85", "d37e"]
    assert lines[6] == "" and text.endswith(checkpoint())
    assert engine.read_proof(text.encode()) == make_proof()


def test_a_proof_file_is_checked_with_the_key_alone():
    found = engine.check_proof(str(make_proof()).encode(), LOG.name, [LOG_KEY])
    assert (found.index, found.entry, found.signed.checkpoint.size) == (5, bytes.fromhex("40414243"), 8)
    bare = engine.LogProof(5, make_proof().path, make_proof().checkpoint)
    assert "extra" not in str(bare)
    refused("proof.no_entry", engine.check_proof, str(bare).encode(), LOG.name, [LOG_KEY])
    assert engine.check_proof(str(bare).encode(), LOG.name, [LOG_KEY], bytes.fromhex("40414243"))
    refused("proof.not_included", engine.check_proof, str(make_proof()).encode(), LOG.name, [LOG_KEY], b"other")
    refused("note.unknown_key", engine.check_proof, str(make_proof()).encode(), LOG.name, [engine.note_key(NEW)])
    one = engine.LogProof(0, (), checkpoint(1, ROOTS[1]).encode(), b"")
    assert engine.check_proof(str(one).encode(), LOG.name, [LOG_KEY]).entry == b""


# every flipped bit


def every_bit(data):
    for at in range(len(data)):
        for bit in range(8):
            yield data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def test_every_flipped_bit_of_a_checkpoint_and_of_a_proof_file_is_rejected():
    for data, opens in (
        (checkpoint().encode(), lambda data: engine.open_checkpoint(data, LOG.name, [LOG_KEY])),
        (str(make_proof()).encode(), lambda data: engine.check_proof(data, LOG.name, [LOG_KEY])),
    ):
        opens(data)
        count = 0
        for bad in every_bit(data):
            count += 1
            with pytest.raises(LogError):
                opens(bad)
        assert count == len(data) * 8


def test_a_hundred_thousand_flipped_bits_of_entries_proofs_and_tiles_are_rejected():
    rng = random.Random(7)
    leaves = MANY[:3000]
    root, stored = engine.tree_root(leaves), Stored(leaves)
    path = list(engine.inclusion_proof(leaves, 1234))
    entry = engine.canonical({"kind": "draw.announce", "n": 1234, "text": "抽查公告"})
    leaves[1234] = engine.leaf_hash(entry)
    root = engine.tree_root(leaves)
    assert engine.verify_inclusion(engine.leaf_hash(entry), 1234, 3000, path, root)
    count = 0
    for bad in every_bit(entry):
        assert not engine.verify_inclusion(engine.leaf_hash(bad), 1234, 3000, path, root)
        count += 1
    while count < 96_000:
        i = rng.randrange(len(path))
        at, bit = rng.randrange(32), rng.randrange(8)
        hash_ = path[i]
        path[i] = hash_[:at] + bytes([hash_[at] ^ 1 << bit]) + hash_[at + 1 :]
        assert not engine.verify_inclusion(leaves[1234], 1234, 3000, path, root)
        path[i] = hash_
        count += 1
    whole = engine.tree_root(MANY[:3000])
    paths = sorted(stored.tiles)
    while count < 100_500:
        name = rng.choice(paths)
        data = stored.tiles[name]
        at, bit = rng.randrange(len(data)), rng.randrange(8)
        bad = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        tile = engine.read_tile_path(name)
        if tile.level == 0 and tile.width == 256:
            # the tile above holds its root
            above = stored.tiles["tile/1/000.p/11"][tile.number * 32 : tile.number * 32 + 32]
            assert engine.tree_root(engine.read_hashes(bad, 256)) != above
        else:
            shown = stored.tiles | {name: bad}
            tree = engine.TiledTree(3000, lambda one, shown=shown: engine.read_hashes(shown[one.path], one.width))
            assert tree.root() != whole
        count += 1


# commitments


def test_a_commitment_is_checked_with_its_salt_and_tells_nothing_without():
    salt = "ab" * 32
    assert engine.commitment("张三", salt) == SHA256.hex(f"zhunsheng/log/1/commitment|{salt}|张三".encode())
    assert (
        engine.commitment("张三", salt, SM3) != engine.commitment("张三", salt) != engine.commitment("张三", "ac" * 32)
    )
    for bad in ("", "ab", "AB" * 32, "zz" * 32):
        refused("personal.bad_salt", engine.commitment, "张三", bad)


@pytest.mark.parametrize(
    "data",
    [
        {"phone": "x"}, {"a": [{"姓名": "张三"}]}, {"note": "联系 13800138000"}, {"x": "11010519491231002X"}, {"x": "编号 11010519491231002x。"},
        {"Email": ""}, {"x": ["li@example.cn"]}, {"id_card": None},
    ],
)  # fmt: skip
def test_obviously_personal_data_are_refused(data):
    with pytest.raises(LogError) as caught:
        engine.refuse_personal(data)
    assert caught.value.code.startswith("public_log.personal") and "data" in caught.value.text("en")


@pytest.mark.parametrize(
    "data",
    [
        {"inspector": "99000017", "name": "抽查计划"}, {"unit": "91410800MA9F1A2B3C", "n": 13800138000}, {"sha256": "13800138000" * 5 + "0" * 9},
        {"legal": "国办发〔2015〕58号", "at": "2026-11-24T01:00:00+00:00"}, {"x": "110105194912310021"}, [], None, True,
    ],
)  # fmt: skip
def test_facts_about_firms_and_offices_are_not(data):
    engine.refuse_personal(data)


# key files


def test_a_key_file_is_the_owners_and_is_never_overwritten(tmp_path):
    path = tmp_path / "keys" / "log.key"
    made = make_key(path, "example.com/log")
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path) == made
    refused("key.exists", make_key, path, "example.com/log")
    assert load_key(path) == made and [one.name for one in path.parent.iterdir()] == ["log.key"]
    assert make_key(tmp_path / "other", "example.com/log").public_key != made.public_key


@pytest.mark.parametrize(
    "text", ["", "PRIVATE+KEY+x", "PRIVATE+KEY+x+00000000+AQ==", "\xff", VECTORS["note"][0]["vkey"]]
)
def test_what_is_no_key_file_is_refused(tmp_path, text):
    (tmp_path / "key").write_bytes(text.encode("latin-1"))
    with pytest.raises(LogError):
        load_key(tmp_path / "key")
    with pytest.raises(LogError):
        load_key(tmp_path / "none")
