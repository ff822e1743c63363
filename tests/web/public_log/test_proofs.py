"""Proofs over tiles are the engine's proofs over all leaves, and a page's calculation leads to the root."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError
from zhunsheng.engine.suites import SHA256
from zhunsheng.web.public_log import queries
from zhunsheng.web.public_log.models import LogEntry

LEAVES = [engine.leaf_hash(str(n).encode()) for n in range(4500)]


def _over(patch, n):
    """Lets the queries see the log of the first n of LEAVES, without a database; returns its root."""
    levels = [LEAVES[:n]]
    while len(levels[-1]) >= 256:
        below = levels[-1]
        levels.append([engine.tree_root(below[k : k + 256]) for k in range(0, len(below) - 255, 256)])
    patch.setattr(queries, "hashes", lambda level, start, end: levels[level][start:end])
    patch.setattr(queries, "suite", lambda: SHA256)
    return engine.tree_root(LEAVES[:n])


interesting = st.one_of(
    st.integers(1, 4500), st.sampled_from([1, 2, 255, 256, 257, 511, 512, 513, 768, 1024, 1536, 2048, 4096, 4097])
)


@settings(max_examples=150, deadline=None)
@given(size=interesting, data=st.data())
def test_inclusion(size, data):
    with pytest.MonkeyPatch.context() as patch:
        root = _over(patch, size)
        index = data.draw(st.integers(0, size - 1))
        proof = queries.inclusion(index, size)
        assert proof == engine.inclusion_proof(LEAVES[:size], index)
        walked = queries.steps(LEAVES[index], index, size, proof)
        assert (walked[-1].result if walked else LEAVES[index]) == root


@settings(max_examples=150, deadline=None)
@given(size=interesting, data=st.data())
def test_consistency(size, data):
    with pytest.MonkeyPatch.context() as patch:
        root = _over(patch, size)
        old = data.draw(st.one_of(st.integers(0, size), interesting.filter(lambda n: n <= size)))
        proof = queries.consistency(old, size)
        assert proof == engine.consistency_proof(LEAVES[:size], old)
        assert queries.root_at(old) == engine.tree_root(LEAVES[:old])
        assert engine.verify_consistency(old, size, queries.root_at(old), root, proof)


@pytest.mark.django_db
def test_proofs_read_a_few_tiles_and_not_the_log(write, django_assert_max_num_queries):
    write(2500)
    size = queries.head().size
    leaves = [bytes.fromhex(one) for one in LogEntry.objects.order_by("index").values_list("leaf_hash", flat=True)]
    for index in (0, 255, 256, 2047, 2048, 2499):
        with django_assert_max_num_queries(4):
            proof = queries.inclusion(index, size)
        assert engine.verify_inclusion(leaves[index], index, size, proof, queries.head().root)
    for old in (0, 1, 255, 256, 1000, 1025, 2048, 2499, 2500):
        with django_assert_max_num_queries(5):
            proof = queries.consistency(old, size)
        assert engine.verify_consistency(old, size, engine.tree_root(leaves[:old]), queries.head().root, proof)
    with pytest.raises(LogError):
        queries.inclusion(2500, size)
