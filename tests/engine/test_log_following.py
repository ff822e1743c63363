"""A copy of a log and a witness of it: whatever is done to the log, whoever kept a copy is told what and where."""

import datetime
import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhunsheng.cli import main
from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError
from zhunsheng.engine.signing import Ed25519Signer

ORIGIN = "example.com/log"
SIGNER, OTHER = Ed25519Signer(ORIGIN, bytes(range(32))), Ed25519Signer(ORIGIN, bytes(range(9, 41)))
KEY = engine.note_key(SIGNER)
START = datetime.datetime(2026, 11, 24, 1, tzinfo=datetime.UTC)


def entry(n, text="", minutes=None, **more):
    at = START + datetime.timedelta(minutes=n if minutes is None else minutes)
    return engine.canonical(
        {"kind": "draw.announce", "subject": f"draw:{n}", "at": at.isoformat(), "data": {"text": text}} | more
    )


class Log:
    """A log as files: path → bytes. The one who writes it can write whatever it likes."""

    def __init__(self, entries=(), origin=ORIGIN):
        self.origin, self.entries, self.files = origin, list(entries), {}

    def publish(self, *signers, size=None, origin=None):
        self.files = {}
        suite = engine.suite_of(self.origin)

        def keep(one, data):
            self.files[one.path] = data

        writer = engine.TileWriter(0, lambda _: [], keep, suite)
        entries = self.entries[: len(self.entries) if size is None else size]
        leaves = [engine.leaf_hash(one, suite) for one in entries]
        for leaf in leaves:
            writer.add(leaf)
        writer.close()
        for number in range(-(-len(entries) // 256)):
            some = entries[number * 256 : number * 256 + 256]
            keep(engine.Tile(engine.ENTRIES, number, len(some)), engine.bundle(some))
        head = engine.Checkpoint(origin or self.origin, len(entries), engine.tree_root(leaves, suite))
        self.files["checkpoint"] = str(engine.sign_checkpoint(head, signers or (SIGNER,))).encode()
        return self

    def read(self, path):
        return self.files.get(path)


class Copy:
    """A copy in memory, with its memory of the log."""

    def __init__(self, key=KEY):
        self.known, self.files, self.sizes, self.last = engine.start(key.name, key), {}, set(), ""

    def read(self, path):
        return self.files.get(path)

    def follow(self, log, **options):
        fresh = {}
        found = engine.follow(
            self.known, log, self, lambda one, data: fresh.__setitem__(one.path, data),
            seen_before=self.sizes.__contains__, last_time=self.last, **options,
        )  # fmt: skip
        if found.ok:
            self.files |= fresh
            self.known = found.known
            self.sizes.add(found.known.size)
            self.checkpoint = found.checkpoint
        else:
            assert found.known == self.known
            assert found.reason.text("zh") and found.reason.text("en")
        return found

    def check(self):
        return engine.check_copy(self.known, self, self.checkpoint)


def code(found):
    return found.reason.code.removeprefix("public_log.")


ENTRIES = [entry(n) for n in range(700)]


@pytest.fixture
def copied():
    """A log of 600 entries, and a copy of it."""
    log = Log(ENTRIES[:600]).publish()
    copy = Copy()
    assert copy.follow(log).ok
    return log, copy


def test_a_copy_follows_an_honest_log_and_checks_from_its_first_entry():
    log, copy = Log(), Copy()
    for size in (0, 1, 5, 255, 256, 257, 600, 600, 700):
        log.entries = ENTRIES[:size]
        found = copy.follow(log.publish())
        assert found.ok and copy.known.size == size, found.reason.text("en")
    assert copy.known.frontier.root() == engine.tree_root([engine.leaf_hash(one) for one in ENTRIES])
    checked = copy.check()
    assert checked.ok and code(checked) == "follow.copy_good"
    assert {path: copy.files[path] for path in engine.files_of(700) if path != "checkpoint"} == {
        path: data for path, data in log.files.items() if path != "checkpoint"
    }
    assert engine.read_known(json.loads(json.dumps(copy.known.json()))) == copy.known


@given(st.lists(st.integers(0, 700), max_size=8))
@settings(max_examples=40)
def test_a_copy_follows_in_steps_of_any_size(sizes):
    log, copy = Log(), Copy()
    for size in sorted(sizes):
        log.entries = ENTRIES[:size]
        assert copy.follow(log.publish()).ok
    if sizes:
        assert copy.check().ok


# what is done to a log, one each


def test_rollback_is_detected(copied):
    log, copy = copied
    assert code(copy.follow(log.publish(size=590))) == "follow.rollback"


def test_a_replayed_old_checkpoint_is_detected(copied):
    log, copy = copied
    old = dict(log.files)
    log.entries = ENTRIES
    assert copy.follow(log.publish()).ok
    log.files = old
    assert code(copy.follow(log)) == "follow.replayed"


def test_a_fork_of_the_same_size_is_detected(copied):
    log, copy = copied
    log.entries = [*ENTRIES[:599], entry(599, "another")]
    found = copy.follow(log.publish())
    assert (code(found), found.reason.params["index"]) == ("follow.changed", 599)
    # even where the log goes on serving the old entries under the new head
    served = {path: data for path, data in copy.files.items() if "entries" in path}
    log.files |= served
    assert code(copy.follow(log)) == "follow.fork"


def test_a_fork_that_grew_is_detected(copied):
    log, copy = copied
    log.entries = [*ENTRIES[:3], entry(3, "another"), *ENTRIES[4:650]]
    found = copy.follow(log.publish())
    assert (code(found), found.reason.params["index"]) == ("follow.changed", 3)
    log.files |= {
        path: data for path, data in copy.files.items() if path.startswith("tile/entries/") and ".p" not in path
    }
    assert code(copy.follow(log)) == "follow.wrong_root"


def test_a_fork_to_a_smaller_log_is_detected(copied):
    log, copy = copied
    log.entries = [*ENTRIES[:3], entry(3, "another"), *ENTRIES[4:500]]
    assert code(copy.follow(log.publish())) == "follow.changed"


def test_re_ordering_is_detected(copied):
    log, copy = copied
    log.entries = [*ENTRIES[:10], ENTRIES[11], ENTRIES[10], *ENTRIES[12:]]
    found = copy.follow(log.publish())
    assert (code(found), found.reason.params) == ("follow.reordered", {"index": 10, "other": 11})


def test_truncation_is_detected(copied):
    log, copy = copied
    log.entries = list(ENTRIES)
    log.publish()
    last = max(path for path in log.files if path.startswith("tile/entries/002"))
    whole = log.files[last]
    log.files[last] = engine.bundle(ENTRIES[512:690])
    assert code(copy.follow(log)) == "tiles.cut"
    log.files[last] = whole[:-1]
    assert code(copy.follow(log)) == "tiles.cut"
    del log.files[last]
    assert code(copy.follow(log)) == "follow.truncated"
    log.files[last] = whole
    assert copy.follow(log).ok


def test_a_deleted_entry_is_detected(copied):
    log, copy = copied
    log.entries = [*ENTRIES[:20], *ENTRIES[21:]]
    found = copy.follow(log.publish())
    assert (code(found), found.reason.params["index"]) == ("follow.reordered", 20)  # where 20 stood now stands 21


def test_a_changed_old_entry_is_detected(copied):
    log, copy = copied
    log.entries = [*ENTRIES[:77], entry(77, "改"), *ENTRIES[78:]]
    found = copy.follow(log.publish())
    assert (code(found), found.reason.params["index"]) == ("follow.changed", 77)
    # in the bundle that was not yet whole as well
    log.entries = [*ENTRIES[:599], entry(599, "改"), *ENTRIES[600:]]
    found = copy.follow(log.publish())
    assert (code(found), found.reason.params["index"]) == ("follow.changed", 599)


def test_another_log_is_detected(copied):
    log, copy = copied
    log.entries = list(ENTRIES)
    assert code(copy.follow(log.publish(origin="example.com/log2"))) == "checkpoint.other_origin"


def test_an_unknown_key_is_detected(copied):
    log, copy = copied
    log.entries = list(ENTRIES)
    assert code(copy.follow(log.publish(OTHER))) == "note.unknown_key"
    assert copy.follow(log.publish(OTHER, SIGNER)).ok


def test_a_forged_signature_is_detected(copied):
    log, copy = copied
    log.entries = list(ENTRIES)
    log.publish()
    note = engine.parse_note(log.files["checkpoint"])
    forged = engine.NoteSignature(ORIGIN, KEY.id, bytes(64))
    log.files["checkpoint"] = str(engine.Note(note.text, (forged,))).encode()
    assert code(copy.follow(log)) == "note.bad_signature"


def test_a_back_dated_entry_is_detected(copied):
    log, copy = copied
    log.entries = [*ENTRIES[:600], entry(600, minutes=599 - 61), *ENTRIES[601:]]
    found = copy.follow(log.publish())
    assert (code(found), found.reason.params["index"]) == ("follow.back_dated", 600)
    assert copy.follow(log, tolerance=62 * 60).ok


def test_an_entry_dated_before_the_last_look_is_detected(copied):
    """The log was quiet for days; an entry that appears now and claims to be of then was not there when the copy looked."""
    log, copy = copied
    copy.last = (START + datetime.timedelta(days=3)).isoformat()
    log.entries = [*ENTRIES[:600], entry(600, minutes=2 * 24 * 60)]
    assert code(copy.follow(log.publish())) == "follow.back_dated"
    log.entries = [*ENTRIES[:600], entry(600, minutes=3 * 24 * 60 - 5)]
    assert copy.follow(log.publish()).ok


def test_entries_out_of_the_order_of_time_are_detected_by_the_first_copy():
    log = Log([entry(0, minutes=500), entry(1, minutes=3)]).publish()
    found = Copy().follow(log)
    assert (code(found), found.reason.params["index"]) == ("follow.back_dated", 1)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b'{"at": "2026-11-24T01:00:00+00:00"}', "follow.bad_entry"), (b"nonsense", "follow.bad_entry"), (b"{}", "follow.no_time"), (b"[]", "follow.no_time"),
        (engine.canonical({"at": "yesterday"}), "follow.no_time"), (engine.canonical({"at": "2026-11-24T01:00:00"}), "follow.no_time"),
        (engine.canonical({"at": "0001-01-01T00:00:00+14:00"}), "follow.no_time"), (engine.canonical({"at": 7}), "follow.no_time"),
    ],
)  # fmt: skip
def test_an_entry_that_is_none_is_detected(copied, bad, said):
    log, copy = copied
    log.entries = [*ENTRIES[:600], bad]
    assert code(copy.follow(log.publish())) == said


def test_an_unsigned_flood_is_not_read(copied):
    log, copy = copied
    text = engine.Checkpoint(ORIGIN, 10**9, bytes(32)).text
    log.files = {"checkpoint": str(engine.Note(text, (engine.sign_note(text, OTHER),))).encode()}
    assert code(copy.follow(log)) == "note.unknown_key"
    log.files = {}
    assert code(copy.follow(log)) == "follow.no_checkpoint"


@given(st.data())
@settings(max_examples=60)
def test_any_change_of_what_was_copied_is_detected(data):
    """One old entry changed, removed, doubled or moved, all else made to fit and signed: never passes."""
    log = Log(ENTRIES[:300]).publish()
    copy = Copy()
    assert copy.follow(log).ok
    at = data.draw(st.integers(0, 299))
    entries = list(ENTRIES[: data.draw(st.integers(300, 330))])
    match data.draw(st.sampled_from(["change", "remove", "double", "move"])):
        case "change":
            entries[at] = entry(at, "x")
        case "remove":
            del entries[at]
        case "double":
            entries.insert(at, entries[at])
        case "move":
            to = data.draw(st.integers(0, 299).filter(lambda to: to != at))
            entries.insert(to, entries.pop(at))
    log.entries = entries
    found = copy.follow(log.publish())
    same = [engine.leaf_hash(one) for one in entries[:300]] == [engine.leaf_hash(one) for one in ENTRIES[:300]]
    assert found.ok == same  # an entry doubled at the very end of the old part is an entry added


# a new key


def rotated(log, old=SIGNER, new=OTHER, n=600):
    data = engine.rotation(ORIGIN, old, engine.note_key(new), engine.note_key(old))
    log.entries.append(entry(n, kind=engine.KEY_KIND, data=data))


def test_a_copy_follows_a_key_that_the_old_key_announced(copied):
    log, copy = copied
    rotated(log)
    assert copy.follow(log.publish(OTHER, SIGNER)).ok
    log.entries.append(entry(601))
    assert copy.follow(log.publish(OTHER)).ok
    assert (copy.known.key, [since for since, _key in copy.known.keys]) == (engine.note_key(OTHER), [0, 601])
    log.entries.append(entry(602))
    assert code(copy.follow(log.publish(SIGNER))) == "note.unknown_key", "the retired key signs no more"
    assert copy.check().ok


def test_a_copy_that_slept_through_the_change_follows_it_too(copied):
    log, copy = copied
    rotated(log)
    log.entries += [entry(n) for n in range(601, 700)]
    assert copy.follow(log.publish(OTHER)).ok
    assert Copy().follow(log).ok, "and so does whoever begins with the first key"


def test_a_key_that_nobody_signed_for_is_not_followed(copied):
    log, copy = copied
    rotated(log, old=OTHER, new=OTHER)
    assert code(copy.follow(log.publish(OTHER))) == "rotation.bad"
    assert code(copy.follow(log.publish(SIGNER))) == "rotation.bad"


# a copy that is damaged at home


@pytest.mark.parametrize(
    "path", ["tile/0/000", "tile/1/000.p/2", "tile/0/002.p/88", "tile/entries/001", "tile/entries/002.p/88"]
)
def test_a_damaged_copy_says_so(copied, path):
    _log, copy = copied
    assert copy.check().ok
    whole = copy.files[path]
    for bad in (whole[:-1] + bytes([whole[-1] ^ 1]), whole[:-1], b""):
        copy.files[path] = bad
        assert not copy.check().ok
    del copy.files[path]
    assert not copy.check().ok


def test_a_copy_whose_state_was_edited_says_so(copied):
    _log, copy = copied
    said = copy.known.json()
    for change in ({"newest": ""}, {"size": 512, "frontier": said["frontier"][:1]}):
        copy.known = engine.read_known(said | change)
        assert not copy.check().ok
    for bad in (
        {},
        [],
        None,
        said | {"size": "6"},
        said | {"keys": []},
        said | {"frontier": ["zz"]},
        said | {"size": 599},
    ):
        with pytest.raises(LogError):
            engine.read_known(bad)


# the witness

WITNESS = Ed25519Signer("notary.example/w1", bytes(range(3, 35)))


def cosign(head, log, time=1_800_000_000):
    return engine.witness(head, ORIGIN, [KEY], log, WITNESS, time)


def test_a_witness_cosigns_what_only_grew(copied):
    log, _copy = copied
    found = cosign(engine.new_head(ORIGIN), log)
    assert found.ok and found.head.size == 600
    note = engine.Note(engine.parse_note(log.files["checkpoint"]).text, (found.line,))
    (signed,) = engine.verify_note(note, [engine.note_key(WITNESS, witness=True)])
    assert signed.time == 1_800_000_000
    again = cosign(found.head, log)
    assert again.ok and again.head == found.head
    log.entries = list(ENTRIES)
    assert cosign(found.head, log.publish()).head.size == 700


def test_a_witness_refuses_what_did_not(copied):
    log, _copy = copied
    head = cosign(engine.new_head(ORIGIN), log).head

    def refused(said):
        found = cosign(head, log)
        assert not found.ok and found.line is None and found.head == head
        assert code(found) == said and found.reason.text("en")

    log.publish(size=599)
    refused("follow.rollback")
    log.entries = [*ENTRIES[:599], entry(599, "x")]
    log.publish()
    refused("follow.fork")
    log.entries = [*ENTRIES[:5], entry(5, "x"), *ENTRIES[6:]]
    log.publish()
    refused("follow.fork")
    log.entries = list(ENTRIES)
    log.publish(OTHER)
    refused("note.unknown_key")
    log.publish(origin="example.com/log2")
    refused("checkpoint.other_origin")
    log.publish()
    del log.files["tile/1/000.p/2"]
    refused("follow.truncated")
    log.files = {}
    refused("follow.no_checkpoint")


def test_a_witness_is_not_given_two_logs_of_one_size(copied):
    """A split view: the log that shows another face gets no cosignature for it."""
    log, _copy = copied
    other = Log([*ENTRIES[:599], entry(599, "for you only")]).publish()
    head = cosign(engine.new_head(ORIGIN), log).head
    assert not cosign(head, other).ok


# the commands


@pytest.fixture
def site(tmp_path):
    """A log in a folder; `put(log)` writes its files there."""
    folder = tmp_path / "site"

    def put(log):
        shutil.rmtree(folder, ignore_errors=True)
        for path, data in log.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder.as_uri()

    return put


#: the entries of these tests are of a fixed day, the commands look at the clock
PATIENT = ("--tolerance", str(10**10))


def run(capsys, *words):
    status = main([*words, "--json"])
    out = capsys.readouterr()
    return status, json.loads(out.out) if out.out else out.err


def test_the_command_keeps_a_copy_and_checks_it(site, tmp_path, capsys):
    log, copy = Log(ENTRIES[:300]).publish(), str(tmp_path / "copy")
    url = site(log)
    status, said = run(capsys, "log", "mirror", url, copy, "--key", str(KEY))
    assert (status, said["size"], said["added"]) == (0, 300, 300)
    log.entries = ENTRIES[:600]
    site(log.publish())
    status, said = run(capsys, "log", "mirror", url, copy, "--tolerance", "0")
    assert (status, said["code"]) == (1, "public_log.follow.back_dated"), "they are of before the last look"
    assert run(capsys, "log", "mirror", url, copy, *PATIENT)[1]["added"] == 300
    assert not (tmp_path / "copy/tile/0/001.p").exists() or not list((tmp_path / "copy/tile/0/001.p").iterdir())
    status, said = run(capsys, "log", "verify", copy, "--key", str(KEY))
    assert (status, said["code"], said["size"]) == (0, "public_log.follow.copy_good", 600)
    assert run(capsys, "log", "verify", copy, "--key", str(engine.note_key(OTHER)))[0] == 1
    # the copy is a log itself, for the next one
    assert (
        run(capsys, "log", "mirror", (tmp_path / "copy").as_uri(), str(tmp_path / "second"), "--key", str(KEY))[0] == 0
    )
    names = sorted(one.name for one in (tmp_path / "copy").iterdir())
    assert names == ["alarms", "checkpoint", "checkpoints", "state.json", "tile"]


def test_the_command_alarms_keeps_the_evidence_and_forgets_nothing(site, tmp_path, capsys):
    log, copy = Log(ENTRIES[:300]).publish(), tmp_path / "copy"
    url = site(log)
    assert main(["log", "mirror", url, str(copy), "--key", str(KEY)]) == 0
    before = (copy / "state.json").read_bytes()
    log.entries = [entry(0, "x"), *ENTRIES[1:300]]
    site(log.publish())
    capsys.readouterr()
    assert main(["log", "mirror", url, str(copy)]) == 1
    assert "不通过" in capsys.readouterr().out
    assert (copy / "state.json").read_bytes() == before
    (alarm,) = (copy / "alarms").iterdir()
    assert alarm.name.endswith("-changed.txt") and alarm.read_bytes() == log.files["checkpoint"]
    assert not list(copy.glob("incoming-*"))


def test_a_folder_of_files_without_a_state_is_checked_with_a_key(site, tmp_path, capsys):
    site(Log(ENTRIES[:300]).publish())
    assert run(capsys, "log", "verify", str(tmp_path / "site"), "--key", str(KEY))[0] == 0
    assert main(["log", "verify", str(tmp_path / "site"), "--lang", "en"]) == 2
    assert "--key" in capsys.readouterr().err
    assert run(capsys, "log", "verify", str(tmp_path / "site"), "--key", str(engine.note_key(OTHER)))[0] == 1


def test_what_cannot_be_fetched_is_no_alarm(tmp_path, capsys):
    assert main(["log", "mirror", "http://127.0.0.1:1/log/", str(tmp_path / "copy"), "--key", str(KEY)]) == 2
    assert main(["log", "mirror", "ftp://x/", str(tmp_path / "copy"), "--key", str(KEY)]) == 2
    assert main(["log", "mirror", (tmp_path / "site").as_uri(), str(tmp_path / "copy")]) == 2
    assert capsys.readouterr().err.count("\n") == 3
    (tmp_path / "copy").mkdir(exist_ok=True)
    (tmp_path / "copy/state.json").write_text("{}")
    assert main(["log", "mirror", (tmp_path / "site").as_uri(), str(tmp_path / "copy"), "--lang", "en"]) == 2
    assert "state" in capsys.readouterr().err


def test_the_command_follows_a_log_over_http(site, tmp_path, capsys):
    log = Log(ENTRIES[:300]).publish()
    site(log)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "site"))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        assert run(capsys, "log", "mirror", url, str(tmp_path / "copy"), "--key", str(KEY))[1]["added"] == 300
        (tmp_path / "site/checkpoint").unlink()
        assert run(capsys, "log", "mirror", url, str(tmp_path / "copy"))[1]["code"] == "public_log.follow.no_checkpoint"
        server.shutdown()


def test_the_command_witnesses(site, tmp_path, capsys):
    log = Log(ENTRIES[:300]).publish()
    url, keys, state, out = site(log), tmp_path / "w.key", tmp_path / "w.json", tmp_path / "cosigned"
    assert main(["log", "key", str(keys), "--name", "notary.example/w1", "--json"]) == 0
    vkey = json.loads(capsys.readouterr().out)["witness"]
    words = ["log", "witness", url, "--key", str(KEY), "--signer", str(keys), "--state", str(state), "--out", str(out)]
    status, said = run(capsys, *words)
    assert (status, said["size"]) == (0, 300)
    read = engine.parse_note(out.read_bytes())
    assert engine.verify_note(read, [engine.read_vkey(vkey)])
    log.entries = [entry(0, "x"), *ENTRIES[1:400]]
    site(log.publish())
    before = state.read_bytes()
    status, said = run(capsys, *words)
    assert (status, said["code"], state.read_bytes()) == (1, "public_log.follow.fork", before)
    state.write_text("{}")
    assert main(words) == 2
    capsys.readouterr()
    assert main(["log", "key", str(keys)]) == 0
    assert vkey in capsys.readouterr().out
    assert main(["log", "key", str(keys), "--name", "again"]) == 2


def test_the_command_checks_a_proof_file(tmp_path, capsys):
    leaves = [engine.leaf_hash(one) for one in ENTRIES[:9]]
    note = engine.sign_checkpoint(engine.Checkpoint(ORIGIN, 9, engine.tree_root(leaves)), [SIGNER])
    text = note.text
    note = engine.Note(text, (*note.signatures, engine.cosign_note(text, WITNESS, 5)))
    file = tmp_path / "entry-4.tlog-proof"
    file.write_text(str(engine.LogProof(4, engine.inclusion_proof(leaves, 4), str(note).encode(), ENTRIES[4])))
    witness = str(engine.note_key(WITNESS, witness=True))
    assert main(["log", "verify", str(file), "--key", str(KEY), "--key", witness, "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert "notary.example/w1" in said and ENTRIES[4].decode() in said
    other = tmp_path / "other"
    other.write_bytes(ENTRIES[5])
    status, said = run(capsys, "log", "verify", str(file), "--key", str(KEY), "--entry", str(other))
    assert (status, said["code"]) == (1, "public_log.proof.not_included")
    assert main(["log", "verify", str(file)]) == 2


def test_a_key_on_the_command_line_is_read_or_refused(capsys):
    with pytest.raises(SystemExit):
        main(["log", "verify", "x", "--key", "nonsense"])
    assert "base64" in capsys.readouterr().err
