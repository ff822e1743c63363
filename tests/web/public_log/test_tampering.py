"""A log changed behind the house's back: the command names the entry, and so does whoever kept an older export."""

import functools
import io
import json

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction

from zhunsheng.engine import public_log as engine
from zhunsheng.web.public_log import actions, guards, queries
from zhunsheng.web.public_log.models import Act, Checkpoint, LogBlock, LogEntry, LogHead

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


def unseen(harm):
    """Harm by somebody who owns the database and takes the triggers away for it."""

    @functools.wraps(harm)
    def run(index):
        with guards.removed():
            harm(index)

    return run


def export():
    return list(queries.export_lines())


@unseen
def edit_text(index):
    body = LogEntry.objects.get(index=index).body.replace("抽查", "抽查过")
    LogEntry.objects.filter(index=index).update(body=body)


@unseen
def edit_text_and_hash(index):
    edit_text.__wrapped__(index)
    body = LogEntry.objects.get(index=index).body
    LogEntry.objects.filter(index=index).update(leaf_hash=engine.leaf_hash(body.encode()).hex())


@unseen
def remove(index):
    LogEntry.objects.filter(index=index).delete()


@unseen
def swap(index):
    """Changes places with the next entry: text, hash, columns and act, all but the number."""
    a, b = LogEntry.objects.get(index=index), LogEntry.objects.get(index=index + 1)
    LogEntry.objects.filter(index__in=[a.index, b.index]).delete()
    a.index, b.index = b.index, a.index
    LogEntry.objects.bulk_create([a, b])


@unseen
def back_date(index):
    """The column, the text and the act say an earlier day, and the hash is made to fit."""
    entry = LogEntry.objects.get(index=index)
    at = entry.at.replace(year=2020)
    said = json.loads(entry.body) | {"at": "2020-11-24T01:00:00+00:00"}
    body = engine.canonical(said).decode()
    LogEntry.objects.filter(index=index).update(at=at, body=body, leaf_hash=engine.leaf_hash(body.encode()).hex())
    Act.objects.filter(pk=entry.act_id).update(at=at)


@unseen
def back_date_column(index):
    entry = LogEntry.objects.get(index=index)
    LogEntry.objects.filter(index=index).update(at=entry.at.replace(year=2020))


@unseen
def change_the_act(index):
    Act.objects.filter(pk=LogEntry.objects.get(index=index).act_id).update(verb="abandon_draw")


@unseen
def remove_the_act(index):
    LogEntry.objects.filter(index=index).update(act=None)


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
    if harm in (edit_text_and_hash, back_date, swap):
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
    assert "1280" in out
    assert "1535" in out


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
    LogBlock.objects.filter(index=1).update(index=7)
    code, out = check()
    assert code == 1


def forge(index):
    """Entry, head and every checkpoint since made anew, with the house's own key."""
    edit_text_and_hash(index)
    leaves = [bytes.fromhex(one) for one in LogEntry.objects.order_by("index").values_list("leaf_hash", flat=True)]
    front = engine.Frontier().extend(leaves)
    LogHead.objects.filter(id=1).update(root=front.root().hex(), frontier=[one.hex() for one in front.hashes])
    with guards.removed():
        Checkpoint.objects.all().delete()
    actions.sign()


def test_who_kept_the_head_finds_a_log_rewritten_whole(write):
    """Entries, blocks, head and signature made anew: the house itself sees nothing, a citizen with an older head does."""
    write(20)
    kept = queries.head()
    forge(4)
    assert check()[0] == 0
    assert queries.grown_from(kept.size, kept.root).state == "rewritten"


def test_a_signed_checkpoint_holds_the_house_to_what_it_signed(write):
    """Entries and head made to fit, the checkpoints left: every one from the changed entry on no longer fits."""
    for _ in range(4):
        write(3)
    edit_text_and_hash(4)
    leaves = [bytes.fromhex(one) for one in LogEntry.objects.order_by("index").values_list("leaf_hash", flat=True)]
    front = engine.Frontier().extend(leaves)
    LogHead.objects.filter(id=1).update(root=front.root().hex(), frontier=[one.hex() for one in front.hashes])
    code, out = check()
    assert code == 1
    assert [size for size in (3, 6, 9, 12) if f"{size} 条的检查点" in out] == [6, 9, 12]


def test_a_forged_signature_and_a_cut_log_are_found(write):
    write(3)
    write(3)
    with guards.removed():
        one = Checkpoint.objects.get(size=3)
        Checkpoint.objects.filter(size=3).update(note=one.note.replace("\n3\n", "\n2\n"))
        LogEntry.objects.filter(index__gte=4).delete()
    LogHead.objects.update(size=4)
    code, out = check()
    assert code == 1
    assert "3 条的检查点" in out
    assert "日志被截断" in out


def test_triggers_that_were_taken_away_are_missed(write):
    write(2)
    guards.remove()
    code, out = check()
    assert (code, "触发器" in out) == (1, True)
    guards.install()
    assert check()[0] == 0


@pytest.mark.parametrize("change", [
    lambda rows: rows.update(body="x"), lambda rows: rows.update(leaf_hash="00" * 32), lambda rows: rows.update(index=9),
    lambda rows: rows.update(index=None), lambda rows: rows.update(act=None), lambda rows: rows.delete(),
    lambda rows: rows.update(kind="other"), lambda rows: rows.update(at=None),
])  # fmt: skip
def test_the_database_refuses_to_change_or_delete_an_entry(write, change):
    write(3)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        change(LogEntry.objects.filter(index=1))
    assert check()[0] == 0


def test_the_database_refuses_to_change_an_entry_that_waits(write, monkeypatch):
    """Its number is the only thing that may still come to it."""
    monkeypatch.setattr(actions.sequencing, "soon", lambda: None)
    write(1)
    waiting = LogEntry.objects.filter(index=None)
    for change in ({"body": "x"}, {"body": "x", "index": 0}, {"leaf_hash": "", "index": 0}):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            waiting.update(**change)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        waiting.delete()
    assert actions.sequence() == 1


def test_the_database_refuses_to_change_or_delete_a_checkpoint(write):
    write(1)
    for change in (lambda rows: rows.update(note=""), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            change(Checkpoint.objects.all())


def test_a_long_log_is_checked_in_one_pass(write, django_assert_max_num_queries):
    """The number of questions does not grow with the log: its speed is measured, not asserted."""
    write(3_000)
    with django_assert_max_num_queries(14):
        assert check()[0] == 0
