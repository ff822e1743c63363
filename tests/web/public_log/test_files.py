"""The log as files: checkpoint, tiles, bundles, proofs for programs; and a copy kept over a running server."""

import json

import pytest

from tests.web.public_log.conftest import AT
from tests.web.public_log.test_tampering import forge
from zhunsheng.cli import main
from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError
from zhunsheng.web.public_log import actions, guards, queries, signer
from zhunsheng.web.public_log.models import Checkpoint, Cosignature, LogEntry

pytestmark = pytest.mark.django_db


def key():
    return queries.key_in_force(queries.head().size)


class TestCheckpoint:
    def test_it_is_the_head_signed_with_the_key_that_the_page_shows(self, client, write):
        assert client.get("/log/checkpoint").status_code == 404
        write(7)
        answer = client.get("/log/checkpoint")
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["Cache-Control"] == "public, max-age=2"
        opened = engine.open_checkpoint(answer.content, queries.origin(), [key()])
        assert (opened.checkpoint.size, opened.checkpoint.root) == (7, queries.head().root)
        assert str(key()) in client.get("/log/").content.decode().replace("&#x27;", "'")

    def test_older_ones_are_kept(self, client, write):
        write(3)
        then = client.get("/log/checkpoint").content
        write(3)
        assert client.get("/log/checkpoint/3").content == then
        assert client.get("/log/checkpoint").content != then
        assert client.get("/log/checkpoint/4").status_code == 404

    def test_one_act_of_many_entries_is_signed_once(self, write):
        write(500)
        assert list(Checkpoint.objects.values_list("size", flat=True)) == [500]

    def test_without_a_key_the_log_goes_on_unsigned_and_says_so(self, client, write, settings, tmp_path):
        settings.LOG_KEY_FILE = tmp_path / "none"
        write(3)
        assert queries.head().size == 3
        assert "还没有签名" in client.get("/log/").content.decode()
        assert client.get("/log/2/").status_code == 200
        assert client.get("/log/2/entry.tlog-proof").status_code == 404
        assert client.get("/log/tile/0/000.p/3").status_code == 404
        signer.ensure_key(queries.origin())
        assert actions.sequence() == 0
        assert client.get("/log/tile/0/000.p/3").status_code == 200

    def test_a_log_that_does_not_extend_the_signed_one_is_not_signed(self, write):
        write(5)
        with guards.removed():
            LogEntry.objects.filter(index=2).update(leaf_hash="00" * 32)
        with pytest.raises(LogError) as refused:
            write(1)
        assert refused.value.code == "public_log.sequence.not_an_extension"
        assert queries.last_checkpoint().size == 5


class TestTiles:
    def read(self, client, path):
        answer = client.get(f"/log/{path}")
        assert answer.status_code == 200, path
        assert answer["Content-Type"] == "application/octet-stream"
        assert "immutable" in answer["Cache-Control"]
        return answer.content

    def test_every_file_of_the_log_is_there_and_fits(self, client, write):
        write(700)
        stored = {}
        writer = engine.TileWriter(0, lambda _: [], lambda one, data: stored.__setitem__(one.path, data))
        bodies = [one.encode() for one in LogEntry.objects.order_by("index").values_list("body", flat=True)]
        for body in bodies:
            writer.add(engine.leaf_hash(body))
        writer.close()
        for path, data in stored.items():
            assert self.read(client, path) == data
        found = []
        for path in engine.files_of(700):
            if "entries" in path:
                found += engine.read_bundle(self.read(client, path), engine.read_tile_path(path).width)
        assert found == bodies
        # a partial tile of an earlier size stays
        assert self.read(client, "tile/0/000.p/9") == stored["tile/0/000"][: 9 * 32]

    @pytest.mark.parametrize(
        "path", ["tile/0/003", "tile/0/002", "tile/1/000", "tile/1/000.p/3", "tile/2/000.p/1", "tile/0/0", "tile/64/000", "tile/x/000", "tile/", "tile/0/000.p/256"]
    )  # fmt: skip
    def test_a_file_that_is_not_there_yet_is_not_there(self, client, write, path):
        write(700)
        assert client.get(f"/log/{path}").status_code == 404

    def test_a_tile_costs_a_few_questions(self, client, write, django_assert_max_num_queries):
        write(700)
        for path in ("tile/0/001", "tile/1/000.p/2", "tile/entries/001"):
            with django_assert_max_num_queries(2):
                client.get(f"/log/{path}")


class TestProofFiles:
    def test_a_proof_file_verifies_with_the_command_alone(self, client, write, tmp_path, capsys):
        write(20)
        file = tmp_path / "x.tlog-proof"
        answer = client.get("/log/7/entry.tlog-proof")
        assert "entry-7.tlog-proof" in answer["Content-Disposition"]
        file.write_bytes(answer.content)
        assert main(["log", "verify", str(file), "--key", str(key())]) == 0
        assert LogEntry.objects.get(index=7).body in capsys.readouterr().out
        file.write_bytes(answer.content.replace(b"index 7", b"index 8"))
        assert main(["log", "verify", str(file), "--key", str(key())]) == 1

    def test_it_is_against_the_checkpoint_that_covers_the_entry(self, client, write):
        write(3)
        write(3)
        proof = engine.read_proof(client.get("/log/1/entry.tlog-proof").content)
        assert b"\n6\n" in proof.checkpoint


class TestForPrograms:
    def test_inclusion_by_number_and_by_hash_in_any_size(self, client, write):
        write(300)
        leaf = LogEntry.objects.get(index=260).leaf_hash
        for query in ({"index": 260}, {"hash": leaf}, {"hash": leaf.upper()}, {"index": 260, "size": 261}):
            said = client.get("/log/inclusion.json", query).json()
            path = [bytes.fromhex(one) for one in said["proof"]]
            root = bytes.fromhex(said["root"])
            assert engine.verify_inclusion(bytes.fromhex(leaf), 260, said["size"], path, root)
            assert engine.leaf_hash(said["entry"].encode()).hex() == leaf

    def test_consistency_between_any_two_sizes(self, client, write):
        write(300)
        for old, size in ((1, 300), (256, 257), (100, 100), (0, 5)):
            said = client.get("/log/consistency.json", {"old": old, "size": size}).json()
            path = [bytes.fromhex(one) for one in said["proof"]]
            roots = bytes.fromhex(said["old_root"]), bytes.fromhex(said["root"])
            assert engine.verify_consistency(old, size, *roots, path)
        assert client.get("/log/consistency.json", {"old": 7}).json()["root"] == queries.head().hex

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("inclusion.json", 400), ("inclusion.json?index=x", 400), ("inclusion.json?index=-1", 400), ("inclusion.json?index=9", 404), ("inclusion.json?hash=zz", 404),
            ("inclusion.json?index=1&size=1", 404), ("inclusion.json?index=1&size=99", 404), ("inclusion.json?index=１", 400), ("inclusion.json?index=" + "9" * 30, 400),
            ("consistency.json", 400), ("consistency.json?old=9", 404), ("consistency.json?old=2&size=1", 404), ("consistency.json?old=1&size=99", 404), ("consistency.json?old=1e3", 400),
        ],
    )  # fmt: skip
    def test_what_is_not_there_is_said(self, client, write, path, status):
        write(3)
        answer = client.get(f"/log/{path}")
        assert answer.status_code == status
        assert "error" in answer.json()


class TestWaiting:
    def test_an_entry_that_waits_has_a_page_and_then_a_number(self, client, write, monkeypatch, town):
        write(2)
        monkeypatch.setattr(actions.sequencing, "soon", lambda: None)
        write(1)
        entry = queries.waiting().get()
        assert entry.number == "待编号"
        page = client.get(entry.get_absolute_url())
        assert page.status_code == 200
        assert "正在等编号" in page.content.decode()
        home = client.get("/log/").content.decode()
        assert "待编号" in home
        assert "1 条已写入" in home
        assert queries.head().size == 2
        # it is no part of any file yet
        assert client.get("/log/tile/0/000.p/3").status_code == 404
        assert "T-00003" not in client.get("/log/export.jsonl").getvalue().decode()
        assert "T-00003" in client.get("/log/", {"export": "csv"}).getvalue().decode()
        actions.sequence()
        entry.refresh_from_db()
        assert client.get(f"/log/by-hash/{entry.leaf_hash}/").url == entry.get_absolute_url() == "/log/2/"
        assert client.get("/log/by-hash/" + "00" * 32 + "/").status_code == 404

    def test_entries_wait_through_a_failure_and_are_numbered_by_the_next(self, write, monkeypatch):
        monkeypatch.setattr(actions.sequencing, "soon", lambda: None)
        write(3)
        monkeypatch.undo()
        assert queries.head().size == 0
        assert actions.sequence() == 3
        assert actions.sequence() == 0

    def test_what_waits_too_long_is_a_fault(self, write, monkeypatch, capsys):
        from django.core.management import call_command

        monkeypatch.setattr(actions.sequencing, "soon", lambda: None)
        write(1)
        with pytest.raises(SystemExit):
            call_command("check_log")
        assert "还没有编号" in capsys.readouterr().out
        call_command("sequence_log")
        call_command("check_log")

    def test_more_than_a_batch_is_numbered_at_once(self, write, monkeypatch):
        monkeypatch.setattr(actions.sequencing, "BATCH", 64)
        write(200)
        assert queries.head().size == 200
        assert [one.size for one in Checkpoint.objects.all()] == [200]


class TestPersonalData:
    @pytest.mark.parametrize(
        "public", [{"phone": "1"}, {"note": "请找 13800138000"}, {"who": [{"id": "11010519491231002X"}]}]
    )
    def test_an_entry_about_a_person_is_refused_and_the_act_with_it(self, town, public):
        from zhunsheng.web.public_log.models import Act

        with pytest.raises(LogError) as refused:
            actions.record("draw.announce", "draw", "1", by=None, at=AT, public=public)
        assert refused.value.code.startswith("public_log.personal")
        assert not LogEntry.objects.exists()
        assert not Act.objects.exists()

    def test_an_entry_longer_than_a_tile_can_hold_is_refused(self, town):
        with pytest.raises(LogError) as refused:
            actions.record("x", "x", "1", by=None, at=AT, public={"text": "质" * 22_000})
        assert refused.value.code == "public_log.entry_too_long"


@pytest.mark.django_db(transaction=True)
def test_a_copy_and_a_witness_follow_a_running_server_and_catch_a_rewriting(live_server, town, tmp_path, capsys):
    """The commands against the site itself: an honest log grows and is witnessed, then its owner rewrites it and signs anew."""
    url, copy = f"{live_server.url}/log/", str(tmp_path / "copy")

    def record(n):
        return actions.record("draw.announce", "draw", n, by=None, at=AT, public={"name": "抽查"})

    def run(*words):
        status = main(["log", *words, "--json"])
        return status, json.loads(capsys.readouterr().out)

    def mirror(*words):
        return run("mirror", url, copy, "--tolerance", str(10**10), *words)

    actions.record_many(
        [actions.Deed("draw.announce", "draw", str(n), public={"n": n}) for n in range(300)], by=None, at=AT
    )
    vkey = str(key())
    assert mirror("--key", vkey)[1]["added"] == 300
    record(300)
    record(301)
    assert mirror()[1]["added"] == 2
    assert run("verify", copy, "--key", vkey)[0] == 0

    _status, keys = run("key", str(tmp_path / "w.key"), "--name", "notary.example/w1")
    actions.add_witness(by=town.user("sysadmin"), at=AT, key=keys["witness"], organisation="衡川市公证处")
    words = (
        "witness",
        url,
        "--key",
        vkey,
        "--signer",
        str(tmp_path / "w.key"),
        "--state",
        str(tmp_path / "w.json"),
        "--send",
    )
    status, said = run(*words)
    assert (status, said["size"]) == (0, 303)
    assert Cosignature.objects.get().checkpoint_id == 303
    assert mirror()[0] == 0
    assert "notary.example/w1" in (tmp_path / "copy/checkpoint").read_text()

    with guards.removed():
        Cosignature.objects.all().delete()
    forge(301)
    status, said = mirror()
    assert (status, said["code"]) == (1, "public_log.follow.changed")
    assert "301" in said["text"]
    status, said = run(*words)
    assert (status, said["code"]) == (1, "public_log.follow.fork")
    assert not Cosignature.objects.exists()
