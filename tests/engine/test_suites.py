"""Hash suites: SHA-256 and SM3, with their published vectors."""

import pytest

from zhunsheng.engine.errors import SuiteError
from zhunsheng.engine.public_log import leaf_hash, node_hash, tree_root
from zhunsheng.engine.suites import SHA256, SM3, suite


def test_published_hashes_of_abc() -> None:
    """FIPS 180-4 and GB/T 32905-2016, appendix A."""
    assert SHA256.hex(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert SM3.hex(b"abc") == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_published_hmac() -> None:
    """RFC 4231, test case 2."""
    wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert SHA256.hmac(b"Jefe", "what do ya want for nothing?") == wanted


def test_a_tree_of_sm3_is_built_like_one_of_sha256() -> None:
    leaves = [leaf_hash(bytes([n]), SM3) for n in range(3)]
    assert tree_root(leaves, SM3) == node_hash(node_hash(leaves[0], leaves[1], SM3), leaves[2], SM3)
    assert tree_root([], SM3) == SM3.hash(b"")


def test_an_unknown_suite_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SuiteError, match="sha256, sm3"):
        suite("md5")
