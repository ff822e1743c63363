"""Acts and entries: what is written, in which order, and that nothing is written half."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.public_log.conftest import AT
from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError
from zhunsheng.web.public_log import queries
from zhunsheng.web.public_log.actions import Deed, record, record_many
from zhunsheng.web.public_log.models import Act, LogBlock, LogEntry

pytestmark = pytest.mark.django_db


def test_a_public_act_is_one_act_and_one_entry(town):
    by = town.user("member")
    act = record(
        "announce_draw",
        "draw",
        "T-1",
        by=by,
        at=AT,
        rule="draw/1",
        reason="计划",
        changes={"state": ["a", "b"]},
        public={"n": 3},
    )
    entry = LogEntry.objects.get()
    assert entry.act == act
    assert json.loads(entry.body) == {
        "kind": "announce_draw", "subject": "draw:T-1", "at": "2026-11-24T01:00:00+00:00",
        "office": town.office.name, "rule": "draw/1", "data": {"n": 3},
    }  # fmt: skip
    assert engine.canonical(json.loads(entry.body)).decode() == entry.body
    assert queries.head() == queries.Head(1, engine.leaf_hash(entry.body.encode()), AT)


def test_the_reason_and_the_person_stay_inside(town):
    by = town.user("member", username="lin-jingban")
    record("announce_draw", "draw", "T-1", by=by, at=AT, reason="内部理由", public={})
    body = LogEntry.objects.get().body
    assert "lin-jingban" not in body
    assert "内部理由" not in body


def test_an_inner_act_is_no_entry(town):
    record("edit_entity", "entity", 1, by=town.user("member"), at=AT)
    assert Act.objects.count() == 1
    assert queries.head() == queries.Head(0, engine.EMPTY_ROOT, None)


def test_acts_and_entries_keep_their_order(town, write):
    write(5)
    record("edit_entity", "entity", 1, by=None, at=AT)
    write(3)
    assert [entry.subject for entry in LogEntry.objects.order_by("index")] == [f"draw:T-{n:05d}" for n in range(1, 9)]
    assert list(LogEntry.objects.order_by("index").values_list("index", flat=True)) == list(range(8))


def test_what_json_cannot_hold_is_written_not_even_half(town, write):
    write(2)
    before = queries.head()
    with pytest.raises(LogError):
        record_many(
            [Deed("x", "y", "1", public={"n": 1}), Deed("x", "y", "2", public={"n": float("nan")})], by=None, at=AT
        )
    assert queries.head() == before
    assert (Act.objects.count(), LogEntry.objects.count()) == (2, 2)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.sampled_from([1, 2, 7, 500, 1023, 1024, 1025, 2100]), min_size=1, max_size=4))
def test_the_head_and_the_blocks_are_those_of_the_whole_tree_however_it_was_written(town, write, sizes):
    for size in sizes:
        write(size)
    leaves = [bytes.fromhex(one) for one in LogEntry.objects.order_by("index").values_list("leaf_hash", flat=True)]
    assert queries.head().root == engine.tree_root(leaves)
    level = leaves
    for number in (1, 2):
        level = [engine.tree_root(level[n : n + 256]) for n in range(0, len(level) - 255, 256)]
        assert queries.hashes(number, 0, 10**6) == level
    assert LogBlock.objects.count() == len(leaves) // 256 + len(leaves) // 65536


def test_entries_are_written_in_batches(town, write, django_assert_max_num_queries):
    with django_assert_max_num_queries(60):  # SQLite takes 999 values a statement
        write(1500)
