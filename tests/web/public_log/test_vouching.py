"""Who vouches for the log from outside: witnesses, time-stamping authorities; and the keys of the log itself."""

import datetime
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.management import CommandError, call_command

from tests.engine.test_signing import sm2_signer
from tests.web.public_log.conftest import AT
from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError
from zhunsheng.engine.signing import Ed25519Signer
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.public_log import actions, queries, signer, timestamps
from zhunsheng.web.public_log.models import Act, Cosignature, LogEntry, Timestamp, Witness

pytestmark = pytest.mark.django_db

NOTARY = Ed25519Signer("notary.example/w1", bytes(range(3, 35)))
OTHER = Ed25519Signer("university.example/w1", bytes(range(4, 36)))
VKEY = str(engine.note_key(NOTARY, witness=True))
NOW = int(AT.timestamp())


@pytest.fixture
def keeper(town):
    return town.user("sysadmin", username="keeper")


@pytest.fixture
def notary(keeper):
    return actions.add_witness(by=keeper, at=AT, key=VKEY, organisation="衡川市公证处")


def cosigned(checkpoint, who=NOTARY, time=NOW):
    text = engine.parse_note(checkpoint.note.encode()).text
    return str(engine.Note(text, (engine.cosign_note(text, who, time),))).encode()


class TestWitnesses:
    def test_a_witness_is_admitted_in_public(self, keeper, notary):
        entry = LogEntry.objects.get(kind="log.add_witness")
        assert VKEY in entry.body
        assert "keeper" not in entry.body
        again = actions.add_witness(by=keeper, at=AT, key=f" {VKEY}\n", organisation="衡川市公证处")
        assert again == notary
        assert LogEntry.objects.count() == 1

    @pytest.mark.parametrize(
        "key", ["", "nonsense", str(engine.note_key(NOTARY)), VKEY.replace("notary", "other"), str(engine.note_key(Ed25519Signer(NOTARY.name, bytes(32)), witness=True))]
    )  # fmt: skip
    def test_what_is_no_new_witness_s_key_is_refused(self, keeper, notary, key):
        with pytest.raises(Refused) as refused:
            actions.add_witness(by=keeper, at=AT, key=key, organisation="甲")
        assert refused.value.field == "key"
        assert Witness.objects.count() == 1

    def test_only_who_keeps_the_log_may(self, town, notary):
        for role in ("member", "head", "auditor", "lead_office"):
            with pytest.raises(NotAllowed):
                actions.add_witness(by=town.user(role), at=AT, key=VKEY, organisation="甲")
            with pytest.raises(NotAllowed):
                actions.end_witness(notary, by=town.user(role), at=AT)

    def test_a_cosignature_is_shown_where_it_counts(self, client, write, notary):
        write(3)
        first = queries.last_checkpoint()
        assert len(actions.add_cosignatures(cosigned(first), by=None, at=AT)) == 1
        assert actions.add_cosignatures(cosigned(first, time=NOW + 1), by=None, at=AT) == []
        assert Act.objects.filter(verb="log.cosign").count() == 1
        served = client.get(f"/log/checkpoint/{first.size}").content
        opened = engine.open_checkpoint(served, queries.origin(), [engine.read_vkey(first.key), engine.read_vkey(VKEY)])
        assert [one.time for one in opened.by_witnesses] == [NOW]
        assert "衡川市公证处" in client.get("/log/").content.decode()
        write(2)
        # a proof of an entry that was witnessed is against the witnessed checkpoint, of a later one against the newest
        assert b"notary.example/w1" in client.get("/log/1/entry.tlog-proof").content
        assert b"notary.example/w1" not in client.get("/log/5/entry.tlog-proof").content
        assert "衡川市公证处" in client.get("/log/1/").content.decode()

    def test_a_cosignature_of_anything_else_is_refused(self, write, notary):
        write(3)
        mine = queries.last_checkpoint()
        for bad in (
            b"",
            b"x",
            cosigned(mine)[:-9],
            mine.note.encode(),
            cosigned(mine, OTHER),
            cosigned(mine, time=NOW + 900),
        ):
            with pytest.raises((Refused, LogError)):
                actions.add_cosignatures(bad, by=None, at=AT)
        text = engine.Checkpoint(queries.origin(), mine.size, bytes(32)).text
        with pytest.raises(Refused, match="不是本日志"):
            actions.add_cosignatures(
                str(engine.Note(text, (engine.cosign_note(text, NOTARY, NOW),))).encode(), by=None, at=AT
            )
        good = engine.parse_note(cosigned(mine))
        changed = engine.NoteSignature(NOTARY.name, good.signatures[0].key_id, bytes(72))
        with pytest.raises(LogError):
            actions.add_cosignatures(str(engine.Note(good.text, (changed,))).encode(), by=None, at=AT)
        assert not Cosignature.objects.exists()

    def test_after_its_end_none_is_taken_and_the_old_ones_stay(self, client, write, keeper, notary):
        write(1)
        actions.add_cosignatures(cosigned(queries.last_checkpoint()), by=keeper, at=AT)
        actions.end_witness(notary, by=keeper, at=AT)
        actions.end_witness(notary, by=keeper, at=AT)
        assert LogEntry.objects.filter(kind="log.end_witness").count() == 1
        with pytest.raises(Refused):
            actions.add_cosignatures(cosigned(queries.last_checkpoint()), by=None, at=AT)
        assert Cosignature.objects.count() == 1
        assert "已停止" in client.get("/log/witnesses/").content.decode()

    def test_the_open_address_takes_them_without_a_login(self, client, write, notary, time_machine):
        write(1)
        time_machine.move_to(AT, tick=False)
        post = lambda data: client.post("/log/cosign", data, content_type="text/plain")  # noqa: E731
        assert post(cosigned(queries.last_checkpoint())).status_code == 200
        assert Cosignature.objects.count() == 1
        assert post(b"nonsense").status_code == 403
        assert post(b"x" * 70_000).status_code == 403
        assert client.get("/log/cosign").status_code == 405

    def test_a_file_is_taken_by_page_and_by_command(
        self, client, write, keeper, notary, tmp_path, time_machine, capsys
    ):
        write(1)
        time_machine.move_to(AT, tick=False)
        client.force_login(keeper)
        text = cosigned(queries.last_checkpoint()).decode()
        page = "/log/witnesses/import/"
        assert client.post(page, {"note": "nonsense"}).status_code == 422
        assert client.post(page, {"note": text.replace("\n", "\r\n")}).status_code == 302
        assert Cosignature.objects.count() == 1
        write(1)
        (tmp_path / "file").write_bytes(cosigned(queries.last_checkpoint()))
        call_command("import_cosignature", str(tmp_path / "file"))
        assert Cosignature.objects.count() == 2
        for bad in ("none", "bad"):
            (tmp_path / "bad").write_text("x")
            with pytest.raises(CommandError):
                call_command("import_cosignature", str(tmp_path / bad))

    def test_the_keeper_admits_and_ends_by_page(self, client, keeper):
        client.force_login(keeper)
        assert client.post("/log/witnesses/add/", {"organisation": "甲", "key": "x"}).status_code == 422
        assert client.post("/log/witnesses/add/", {"organisation": "衡川大学", "key": VKEY}).status_code == 302
        page = client.get("/log/witnesses/").content.decode()
        assert "衡川大学" in page
        assert client.post(f"/log/witnesses/{Witness.objects.get().pk}/end/").status_code == 302
        assert Witness.objects.get().ended_at is not None


class TestKeys:
    @pytest.fixture(autouse=True)
    def _own_keys(self, settings, tmp_path):
        settings.LOG_KEY_FILE = tmp_path / "keys" / "log.key"
        signer.ensure_key(queries.origin())

    def test_a_new_key_is_announced_signed_by_the_old_and_takes_its_place(self, client, write, keeper, tmp_path):
        write(2)
        old = queries.key_in_force(2)
        new = actions.rotate_key(by=keeper, at=AT)
        assert queries.key_in_force(3) == new != old
        both = engine.open_checkpoint(client.get("/log/checkpoint").content, queries.origin(), [old, new])
        assert {one.key for one in both.by_log} == {old, new}, "the first checkpoint after it is signed by both"
        write(1)
        engine.open_checkpoint(client.get("/log/checkpoint").content, queries.origin(), [new])
        with pytest.raises(LogError):
            engine.open_checkpoint(client.get("/log/checkpoint").content, queries.origin(), [old])
        assert sorted(one.name for one in (tmp_path / "keys").iterdir()) == [
            "log.key",
            f"log.key.retired-{old.id.hex()}",
        ]
        assert "keeper" not in LogEntry.objects.get(kind=engine.KEY_KIND).body
        call_command("check_log")

    def test_who_may_and_when(self, town, write, keeper):
        with pytest.raises(Refused):
            actions.rotate_key(by=keeper, at=AT)
        write(1)
        with pytest.raises(NotAllowed):
            actions.rotate_key(by=town.user("head"), at=AT)
        assert LogEntry.objects.count() == 1

    def test_the_command_rotates(self, write, capsys):
        write(1)
        call_command("rotate_log_key")
        assert str(queries.key_in_force(2)) in capsys.readouterr().out
        with pytest.raises(CommandError):
            call_command("rotate_log_key", "--public-key", "zz")

    def test_a_lost_key_is_said_and_nothing_is_signed_with_another(self, write, settings, tmp_path):
        write(1)
        settings.LOG_KEY_FILE = tmp_path / "other" / "log.key"
        signer.ensure_key(queries.origin())
        with pytest.raises(LogError) as refused:
            write(1)
        assert refused.value.code == "public_log.sequence.no_key"
        assert queries.last_checkpoint().size == 1

    def test_an_entry_that_claims_a_key_without_the_old_one_s_word_stops_the_signing(self, write):
        write(1)
        stranger = Ed25519Signer(queries.origin(), bytes(32))
        data = engine.rotation(queries.origin(), stranger, engine.note_key(stranger), queries.key_in_force(1))
        with pytest.raises(LogError) as refused:
            actions.record("log.rotate_key", "log", "x", by=None, at=AT, public=data)
        assert refused.value.code == "public_log.rotation.bad"

    def test_the_chinese_suite_with_a_device(self, client, town, settings, tmp_path, monkeypatch):
        """国密: the log's name says SM3, an SM2 device signs; files, proofs and the check are in that suite throughout."""
        device = sm2_signer(tmp_path)
        settings.LOG_ORIGIN = "demo.city/log/sm3"
        settings.LOG_SIGNER = " ".join(f"'{part}'" if part != "sh" else part for part in device.command)
        settings.LOG_SIGNER_KEY = device.public_key.hex()
        actions.record_many([actions.Deed("x", "x", str(n), public={"n": n}) for n in range(300)], by=None, at=AT)
        assert queries.suite().name == "sm3"
        leaves = [
            engine.leaf_hash(one.encode(), queries.suite())
            for one in LogEntry.objects.order_by("index").values_list("body", flat=True)
        ]
        assert queries.head().root == engine.tree_root(leaves, queries.suite())
        key = queries.key_in_force(300)
        found = engine.check_proof(client.get("/log/7/entry.tlog-proof").content, queries.origin(), [key])
        assert found.index == 7
        assert "SM3" in client.get("/log/7/").content.decode()
        assert queries.grown_from(130, engine.tree_root(leaves[:130], queries.suite())).state == "grown"
        call_command("check_log")
        other = tmp_path / "b"
        other.mkdir()
        successor = sm2_signer(other)
        monkeypatch.setattr(actions.sequencing, "soon", actions.sequencing._number)
        call_command("rotate_log_key", "--public-key", successor.public_key.hex())
        assert queries.last_checkpoint().size == 300, "the new device signs from here on"
        settings.LOG_SIGNER = " ".join(f"'{part}'" if part != "sh" else part for part in successor.command)
        settings.LOG_SIGNER_KEY = successor.public_key.hex()
        assert actions.sequence() == 0
        assert queries.last_checkpoint().size == 301
        call_command("check_log")


class Authority:
    """A time-stamping authority of one's own: `openssl ts` behind HTTP."""

    def __init__(self, folder):
        self.folder = folder
        if shutil.which("openssl") is None:
            pytest.skip("the program openssl is not installed")
        (folder / "tsa.cnf").write_text(
            "[tsa]\ndefault_tsa=t\n[t]\nserial=serial\ncrypto_device=builtin\nsigner_cert=tsa.pem\nsigner_key=tsa.key\n"
            "signer_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\naccuracy=secs:1\nordering=yes\ntsa_name=yes\n"
            "[ext]\nextendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\nbasicConstraints=CA:FALSE\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
            "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n"
        )
        (folder / "serial").write_text("01\n")
        for words in (
            "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=ca -config req.cnf -extensions ca",
            "req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa -config req.cnf",
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out tsa.pem -days 30 -extfile tsa.cnf -extensions ext",
        ):
            (folder / "req.cnf").write_text(
                (folder / "tsa.cnf").read_text() + "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=x\n"
            )
            self.openssl(*words.split())

    def openssl(self, *words):
        return subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, check=True).stdout

    def answer(self, query):
        (self.folder / "query.tsq").write_bytes(query)
        self.openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr")
        return (self.folder / "reply.tsr").read_bytes()


@pytest.fixture
def authority(tmp_path, settings):
    pytest.importorskip("rfc3161_client", reason="the extra timestamps is not installed")
    made = Authority(tmp_path)
    made.change = lambda data: data

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(made.change(made.answer(query)))

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.LOG_TSA_URL = f"http://127.0.0.1:{server.server_port}/"
    settings.LOG_TSA_CA = str(tmp_path / "ca.pem")
    yield made
    server.shutdown()
    server.server_close()


class TestTimestamps:
    def test_a_checkpoint_is_stamped_once_and_openssl_agrees(self, client, write, authority, tmp_path, capsys):
        write(3)
        call_command("timestamp_log")
        call_command("timestamp_log")
        stamp = Timestamp.objects.get()
        assert abs((stamp.at - datetime.datetime.now(datetime.UTC)).total_seconds()) < 120
        (tmp_path / "checkpoint").write_bytes(client.get("/log/checkpoint/3?plain=1").content)
        (tmp_path / "answer.tsr").write_bytes(client.get("/log/checkpoint/3.tsr").content)
        said = authority.openssl("ts", "-verify", "-data", "checkpoint", "-in", "answer.tsr", "-CAfile", "ca.pem")
        assert said is not None
        assert ".tsr" in client.get("/log/").content.decode()
        assert "127.0.0.1" in client.get("/log/1/").content.decode()
        assert client.get("/log/checkpoint/2.tsr").status_code == 404

    def test_an_answer_that_is_wrong_is_not_kept(self, write, authority, settings, tmp_path):
        write(1)
        for change in (
            lambda data: data[:-9] + bytes(9),
            lambda data: b"",
            lambda data: b"nonsense",
            lambda data: data[: len(data) // 2],
        ):
            authority.change = change
            with pytest.raises(Refused):
                actions.timestamp(queries.last_checkpoint(), by=None, at=AT)
        # the right answer to another question
        authority.change = lambda data: data
        kept, _moment = timestamps.stamp(b"something else")
        authority.change = lambda _: kept
        with pytest.raises(Refused):
            actions.timestamp(queries.last_checkpoint(), by=None, at=AT)
        # the right answer by an authority that is not ours
        authority.change = lambda data: data
        other = tmp_path / "other"
        other.mkdir()
        settings.LOG_TSA_CA = str(Authority(other).folder / "ca.pem")
        with pytest.raises(Refused):
            actions.timestamp(queries.last_checkpoint(), by=None, at=AT)
        assert not Timestamp.objects.exists()

    def test_without_an_authority_it_says_what_to_set(self, write, settings):
        write(1)
        with pytest.raises(CommandError, match="ZHUNSHENG_LOG_TSA_URL"):
            call_command("timestamp_log")
        settings.LOG_TSA_URL = "http://127.0.0.1:1/"
        with pytest.raises(CommandError, match="ZHUNSHENG_LOG_TSA_CA"):
            call_command("timestamp_log")
        settings.LOG_TSA_URL = "ftp://x"
        settings.LOG_TSA_CA = __file__
        with pytest.raises(CommandError):
            call_command("timestamp_log")
