"""A log changed behind the house's back: the command names the entry, and so does whoever kept an older export."""

import io
import json

import pytest
from django.core.management import call_command

from zhunsheng.engine import public_log as engine
from zhunsheng.web.public_log import queries
from zhunsheng.web.public_log.models import Act, LogBlock, LogEntry, LogHead

pytestmark = pytest.mark.django_db


def check():
    """check_log's exit code and its lines."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("check_log", stdout=out, stderr=err)
        code = 0
    except SystemExit as stop:
        code = stop.code
    return code, out.getvalue()


def export():
    return list(queries.export_lines())


def edit_text(index):
    body = LogEntry.objects.get(pk=index).body.replace("抽查", "抽查过")
    LogEntry.objects.filter(pk=index).update(body=body)


def edit_text_and_hash(index):
    edit_text(index)
    body = LogEntry.objects.get(pk=index).body
    LogEntry.objects.filter(pk=index).update(leaf_hash=engine.leaf_hash(body.encode()).hex())


def remove(index):
    LogEntry.objects.filter(pk=index).delete()


def swap(index):
    """Changes places with the next entry: text, hash, columns and act, all but the number."""
    a, b = LogEntry.objects.get(pk=index), LogEntry.objects.get(pk=index + 1)
    LogEntry.objects.filter(pk__in=[a.pk, b.pk]).delete()
    a.pk, b.pk = b.pk, a.pk
    LogEntry.objects.bulk_create([a, b])


def back_date(index):
    """The column, the text and the act say an earlier day, and the hash is made to fit."""
    entry = LogEntry.objects.get(pk=index)
    at = entry.at.replace(year=2020)
    said = json.loads(entry.body) | {"at": "2020-11-24T01:00:00+00:00"}
    body = engine.canonical(said).decode()
    LogEntry.objects.filter(pk=index).update(at=at, body=body, leaf_hash=engine.leaf_hash(body.encode()).hex())
    Act.objects.filter(pk=entry.act_id).update(at=at)


def back_date_column(index):
    entry = LogEntry.objects.get(pk=index)
    LogEntry.objects.filter(pk=index).update(at=entry.at.replace(year=2020))


def change_the_act(index):
    Act.objects.filter(pk=LogEntry.objects.get(pk=index).act_id).update(verb="abandon_draw")


def remove_the_act(index):
    LogEntry.objects.filter(pk=index).update(act=None)


def test_an_untouched_log_is_in_order(write):
    write(30)
    code, out = check()
    assert code == 0
    assert queries.head().root.hex() in out
    assert engine.check_export(export()).ok


def test_an_empty_log_is_in_order(db):
    assert check()[0] == 0
    assert engine.check_export(export()).ok


@pytest.mark.parametrize(
    "harm", [edit_text, edit_text_and_hash, remove, swap, back_date, back_date_column, change_the_act, remove_the_act]
)
@pytest.mark.parametrize("index", [0, 5, 28])
def test_the_command_names_the_entry(write, harm, index):
    write(30)
    harm(index)
    code, out = check()
    assert code == 1
    if harm in (edit_text_and_hash, back_date):
        # Text, hash and act fit each other: below a full block only the root tells, and an older export (next test) says where.
        assert "根哈希" in out
    else:
        assert f"#{index}: " in out


@pytest.mark.parametrize("harm", [edit_text, edit_text_and_hash, remove, swap, back_date])
@pytest.mark.parametrize("index", [0, 5, 28])
def test_an_export_no_longer_verifies_and_an_older_one_names_the_entry(write, harm, index):
    write(30)
    older = export()
    write(3)
    harm(index)
    now = export()
    assert not engine.check_export(now).ok
    # Even if the head is made to fit the entries, the older export shows where.
    bodies = [line.rstrip(b"\n") for line in now[1:]]
    forged = list(engine.export(queries.origin(), bodies))
    assert engine.check_export(forged).ok
    verdict = engine.check_export(forged, since=older)
    assert not verdict.ok
    assert verdict.line == index + 2


def test_a_rewritten_block_is_named_by_its_block(write):
    write(2100)
    edit_text_and_hash(1500)
    code, out = check()
    assert code == 1
    assert "1024" in out
    assert "2047" in out


def test_a_head_turned_back_is_found(write):
    write(10)
    old = LogHead.objects.get()
    write(5)
    LogHead.objects.filter(id=1).update(size=old.size, root=old.root, frontier=old.frontier)
    code, out = check()
    assert code == 1
    assert "#10: " in out


def test_a_lost_block_and_a_stray_one_are_found(write):
    write(1030)
    LogBlock.objects.update(index=7)
    code, out = check()
    assert code == 1


def test_who_kept_the_head_finds_a_log_rewritten_whole(write):
    """Entries, blocks and head made anew: the house itself sees nothing, a citizen with an older head does."""
    write(20)
    kept = queries.head()
    edit_text_and_hash(4)
    leaves = [bytes.fromhex(one) for one in LogEntry.objects.order_by("index").values_list("leaf_hash", flat=True)]
    front = engine.Frontier().extend(leaves)
    LogHead.objects.filter(id=1).update(root=front.root().hex(), frontier=[one.hex() for one in front.hashes])
    assert check()[0] == 0
    assert queries.grown_from(kept.size, kept.root).state == "rewritten"


def test_a_long_log_is_checked_in_one_pass(write, django_assert_max_num_queries):
    """The number of questions does not grow with the log: its speed is measured, not asserted."""
    write(3_000)
    with django_assert_max_num_queries(4):
        assert check()[0] == 0
