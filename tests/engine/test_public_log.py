"""The public log: canonical bytes as RFC 8785 writes them, trees and proofs as RFC 6962 draws them."""

import json
import math
import tomllib
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from zhunsheng.cli import main
from zhunsheng.engine.errors import LogError
from zhunsheng.engine.public_log import (
    EMPTY_ROOT,
    MAX_ENTRY,
    Frontier,
    canonical,
    check_export,
    consistency_proof,
    export,
    inclusion_proof,
    leaf_hash,
    node_hash,
    parse_canonical,
    parse_json,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

VECTORS = tomllib.loads((Path(__file__).parents[1] / "vectors/public_log/rfc6962.toml").read_text())
LEAVES = [leaf_hash(bytes.fromhex(leaf)) for leaf in VECTORS["leaves"]]
NODES = {name: bytes.fromhex(value) for name, value in VECTORS["nodes"].items()}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=5) | st.dictionaries(st.text(), children, max_size=5),
    max_leaves=20,
)


# canonical JSON


def test_it_writes_the_example_of_rfc_8785():
    """RFC 8785 sections 3.2.2 to 3.2.4: the sample input, and its canonical form."""
    sample = (
        rb'{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        rb'"string": "\u20ac$\u000F\u000aA' + rb"'\u0042\u0022\u005c\\\"\/" + rb'", "literals": [null, true, false]}'
    )
    assert canonical(parse_json(sample)).hex() == (
        "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e333333"
        "333333332c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c"
        "225c5c5c5c5c222f227d"
    )


def test_it_sorts_keys_by_utf16_as_rfc_8785_does():
    """Section 3.2.3: U+1F600 is written with surrogates and therefore stands before U+FB33."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    found = list(json.loads(canonical(dict.fromkeys(keys))))
    assert found == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    ("bits", "text"),
    [  # RFC 8785 appendix B
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555556", "333333333.3333334"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_it_writes_numbers_as_rfc_8785_appendix_b(bits, text):
    import struct

    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(number) == text.encode()


@given(json_values)
@settings(max_examples=400)
def test_it_agrees_with_the_rfc8785_package_and_reads_back_what_it_wrote(value):
    data = canonical(value)
    assert data == rfc8785.dumps(value)
    assert canonical(parse_canonical(data)) == data


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (math.nan, "public_log.not_finite"),
        (-math.inf, "public_log.not_finite"),
        ({"a": 2**53}, "public_log.integer_too_large"),
        (["\ud800"], "public_log.lone_surrogate"),
        ({"\udfff": 1}, "public_log.lone_surrogate"),
        ({1: 1}, "public_log.key_not_text"),
        ({"a": b"bytes"}, "public_log.not_json"),
        ({"a": {1}}, "public_log.not_json"),
    ],
)
def test_it_refuses_values_without_a_canonical_form(value, code):
    with pytest.raises(LogError) as refused:
        canonical(value)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b'{"a":1,"b":2,"a":1}', "public_log.duplicate_key"),
        (b'{"x":{"a":1,"\\u0061":2}}', "public_log.duplicate_key"),
        (b"NaN", "public_log.not_finite"),
        (b"[-Infinity]", "public_log.not_finite"),
        (b"1e999", "public_log.not_finite"),
        (b"9007199254740993", "public_log.integer_too_large"),
        (b"1" * 5000, "public_log.integer_too_large"),
        (b'"\\ud800"', "public_log.lone_surrogate"),
        (b'{"a":', "public_log.bad_json"),
        (b"{'a':1}", "public_log.bad_json"),
        (b"", "public_log.bad_json"),
        (b'\xff"', "public_log.not_utf8"),
        (b'"\xed\xa0\x80"', "public_log.not_utf8"),
        (b"[" * 200_000, "public_log.too_deep"),
    ],
)
def test_it_refuses_json_that_two_readers_could_read_differently(data, code):
    with pytest.raises(LogError) as refused:
        parse_json(data)
    assert refused.value.code == code
    assert refused.value.text("en") and refused.value.text("zh")


def test_deep_values_are_refused_and_not_a_crash():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(LogError, match="嵌套"):
        canonical(value)


@pytest.mark.parametrize("data", [b'{"a": 1}', b'{"b":1,"a":2}', b"1.0", b"-0", b'"\\u0041"', b"1\n", b"1E2"])
def test_parse_canonical_refuses_every_other_spelling(data):
    parse_json(data)
    with pytest.raises(LogError) as refused:
        parse_canonical(data)
    assert refused.value.code == "public_log.not_canonical"


# the tree


def test_it_gives_the_published_roots():
    assert leaf_hash(VECTORS["hasher"]["leaf_of"].encode()).hex() == VECTORS["hasher"]["leaf"]
    left, right = VECTORS["hasher"]["left"].encode(), VECTORS["hasher"]["right"].encode()
    assert node_hash(left, right).hex() == VECTORS["hasher"]["node"]
    frontier = Frontier()
    for n, root in enumerate(VECTORS["roots"]):
        assert tree_root(LEAVES[:n]).hex() == root
        assert frontier.root().hex() == root
        if n < len(LEAVES):
            frontier = frontier.append(LEAVES[n])


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=str)
def test_it_gives_the_published_inclusion_proofs(case):
    proof = tuple(NODES[name] for name in case["proof"])
    index, size = case["index"], case["size"]
    assert inclusion_proof(LEAVES[:size], index) == proof
    assert verify_inclusion(LEAVES[index], index, size, proof, tree_root(LEAVES[:size]))


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=str)
def test_it_gives_the_published_consistency_proofs(case):
    proof = tuple(NODES[name] for name in case["proof"])
    m, n = case["from"], case["to"]
    assert consistency_proof(LEAVES[:n], m) == proof
    assert verify_consistency(m, n, tree_root(LEAVES[:m]), tree_root(LEAVES[:n]), proof)


def leaves_of(size):
    return [leaf_hash(b"%d" % i) for i in range(size)]


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_frontier_is_the_tree_however_it_was_fed(first, second):
    leaves = leaves_of(first + second)
    frontier = Frontier().extend(leaves[:first]).extend(leaves[first:])
    assert frontier.root() == tree_root(leaves)
    assert frontier.size == first + second
    assert len(frontier.hashes) == frontier.size.bit_count()


def test_a_frontier_refuses_an_impossible_shape():
    with pytest.raises(LogError):
        Frontier(3, (LEAVES[0],))


@given(st.data(), st.integers(1, 200))
def test_every_inclusion_proof_holds_and_no_other(data, size):
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(leaves, index), tree_root(leaves)
    assert verify_inclusion(leaves[index], index, size, proof, root)
    other = data.draw(st.integers(0, size + 3).filter(lambda i: i != index))
    assert not verify_inclusion(leaves[index], other, size, proof, root)
    assert not verify_inclusion(leaf_hash(b"another"), index, size, proof, root)
    assert not verify_inclusion(leaves[index], index, size, proof, leaf_hash(root))
    assert not verify_inclusion(leaves[index], index, size, (*proof, root), root)
    if proof:
        spot = data.draw(st.integers(0, len(proof) - 1))
        broken = [*proof[:spot], leaf_hash(proof[spot]), *proof[spot + 1 :]]
        assert not verify_inclusion(leaves[index], index, size, broken, root)
        assert not verify_inclusion(leaves[index], index, size, proof[:-1], root)


@given(st.data(), st.integers(1, 150))
def test_a_changed_order_or_size_changes_the_root(data, size):
    leaves = leaves_of(size)
    root = tree_root(leaves)
    shuffled = data.draw(st.permutations(leaves))
    assert (tree_root(shuffled) == root) == (shuffled == leaves)
    assert tree_root(leaves[:-1]) != root
    assert tree_root([*leaves, leaves[-1]]) != root


@given(st.data(), st.integers(0, 150))
def test_every_consistency_proof_holds_and_no_other(data, n):
    leaves = leaves_of(n)
    m = data.draw(st.integers(0, n))
    old, new, proof = tree_root(leaves[:m]), tree_root(leaves), consistency_proof(leaves, m)
    assert verify_consistency(m, n, old, new, proof)
    assert not verify_consistency(m, n, leaf_hash(old), new, proof)
    if m > 0:
        assert not verify_consistency(m, n, old, leaf_hash(new), proof)
        rewritten = [leaf_hash(b"rewritten"), *leaves[1:]]
        assert not verify_consistency(m, n, old, tree_root(rewritten), consistency_proof(rewritten, m))
    assert not verify_consistency(m, n, old, new, (*proof, old))
    if proof:
        spot = data.draw(st.integers(0, len(proof) - 1))
        broken = [*proof[:spot], leaf_hash(proof[spot]), *proof[spot + 1 :]]
        assert not verify_consistency(m, n, old, new, broken)
        assert not verify_consistency(m, n, old, new, proof[:-1])
        assert not verify_consistency(m, n + 1, old, new, proof) or _same_shape(m, n)


def _same_shape(m, n):
    """Sizes n and n+1 may ask for the same path; then only the signed size of a checkpoint tells them apart."""
    return len(consistency_proof(leaves_of(n + 1), m)) == len(consistency_proof(leaves_of(n), m))


def test_proofs_outside_the_log_are_refused():
    with pytest.raises(LogError):
        inclusion_proof(LEAVES, len(LEAVES))
    with pytest.raises(LogError):
        consistency_proof(LEAVES, len(LEAVES) + 1)
    assert not verify_consistency(5, 3, LEAVES[0], LEAVES[1], ())
    assert not verify_inclusion(LEAVES[0], 0, 0, (), EMPTY_ROOT)


# the export

ENTRIES = [canonical({"act": "announce", "n": i, "note": "质"}) for i in range(13)]


def test_an_export_checks_and_extends_an_older_one():
    verdict = check_export(export("城市/log", ENTRIES), export("城市/log", ENTRIES[:5]))
    assert verdict.ok and verdict.size == 13 and verdict.line is None
    assert verdict.root == tree_root([leaf_hash(entry) for entry in ENTRIES])
    assert "5" in verdict.reason.text("en") and verdict.origin == "城市/log"
    assert check_export(export("empty", [])).ok
    assert check_export(export("log", ENTRIES), export("log", ENTRIES)).ok


def broken_exports():
    good = list(export("log", ENTRIES))
    header = {"log": "log", "size": 13, "root": tree_root([leaf_hash(e) for e in ENTRIES]).hex()}
    yield "no lines", [], 1, "public_log.bad_json"
    yield "no header", good[1:], 1, "public_log.header_fields"
    yield "header field more", [canonical({**header, "x": 1}), *good[1:]], 1, "public_log.header_fields"
    yield "size is not a number", [canonical({**header, "size": True}), *good[1:]], 1, "public_log.header_fields"
    yield "changed entry", [*good[:4], good[4].replace(b"announce", b"abandons"), *good[5:]], 1, "public_log.wrong_root"
    yield "swapped entries", [*good[:4], good[5], good[4], *good[6:]], 1, "public_log.wrong_root"
    yield "removed last", good[:-1], 13, "public_log.fewer_entries"
    yield "entry more", [*good, good[-1]], 15, "public_log.more_entries"
    yield "white space", [*good[:3], b" " + good[3], *good[4:]], 4, "public_log.not_canonical"
    yield "CRLF", [*good[:3], good[3][:-1] + b"\r\n", *good[4:]], 4, "public_log.not_canonical"
    yield "blank line", [*good[:3], b"\n", *good[3:]], 4, "public_log.bad_json"
    yield "no JSON", [*good[:3], b"\x00\xff\n", *good[4:]], 4, "public_log.not_utf8"
    yield "huge entry", [*good[:3], b'"' + b"a" * MAX_ENTRY + b'"', *good[4:]], 4, "public_log.entry_too_long"


@pytest.mark.parametrize(
    ("name", "lines", "line", "code"), list(broken_exports()), ids=lambda v: v if type(v) is str else ""
)
def test_a_broken_export_is_named_by_its_first_bad_line(name, lines, line, code):
    verdict = check_export(lines)
    assert (verdict.ok, verdict.line, verdict.reason.code) == (False, line, code)
    assert verdict.reason.text("zh") and verdict.reason.text("en")


def test_an_export_refuses_to_hold_what_is_not_canonical():
    with pytest.raises(LogError) as refused:
        list(export("log", [ENTRIES[0], b'{ "a":1}']))
    assert refused.value.where == "3"


def test_a_rewritten_log_is_found_by_the_older_export():
    rewritten = [*ENTRIES[:3], canonical({"act": "announce", "n": 999, "note": "质"}), *ENTRIES[4:]]
    verdict = check_export(export("log", rewritten), export("log", ENTRIES[:5]))
    assert (verdict.ok, verdict.line, verdict.reason.code) == (False, 5, "public_log.entry_changed")
    assert check_export(export("log", ENTRIES[:4]), export("log", ENTRIES)).reason.code == "public_log.log_shrank"
    assert check_export(export("log", ENTRIES), export("other", ENTRIES)).reason.code == "public_log.other_log"
    damaged = list(export("log", ENTRIES[:5]))[:-1]
    verdict = check_export(export("log", ENTRIES), damaged)
    assert verdict.reason.code == "public_log.old_export_bad" and "only 4" in verdict.reason.text("en")


@given(st.data())
def test_any_changed_byte_of_an_export_is_found_by_its_mirror(data):
    """A mirror that keeps the older export finds every change, even one with a freshly computed root."""
    lines = list(export("log", ENTRIES))
    number = data.draw(st.integers(1, len(lines) - 1))
    spot = data.draw(st.integers(0, len(lines[number]) - 2))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != lines[number][spot]))
    lines[number] = lines[number][:spot] + bytes([byte]) + lines[number][spot + 1 :]
    assert not check_export(lines).ok
    entries = [line.removesuffix(b"\n") for line in lines[1:]]
    try:
        forged = list(export("log", entries))
    except LogError:
        return
    assert check_export(forged).ok
    assert check_export(forged, export("log", ENTRIES)).line == number + 1


# the command


def write(path, lines):
    path.write_bytes(b"".join(lines))
    return str(path)


def test_the_command_says_pass_or_names_the_line(tmp_path, capsys):
    new, old = write(tmp_path / "new", export("log", ENTRIES)), write(tmp_path / "old", export("log", ENTRIES[:4]))
    assert main(["log", "verify", new, "--since", old, "--lang", "en"]) == 0
    assert "PASS" in capsys.readouterr().out
    short = write(tmp_path / "short", list(export("log", ENTRIES))[:-1])
    assert main(["log", "verify", short]) == 1
    assert "不通过" in capsys.readouterr().out
    assert main(["log", "verify", old, "--since", new, "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["code"]) == (False, "public_log.log_shrank")
    assert main(["log", "verify", str(tmp_path / "none"), "--lang", "en"]) == 2
    assert "cannot be opened" in capsys.readouterr().err
