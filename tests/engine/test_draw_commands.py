"""`zhunsheng draw` and `zhunsheng verify`: a draw by an office that has only a CSV."""

import hashlib
import json
import subprocess
import sys

import pytest

from tests.engine.draw_sample import OWN, RANDOMNESS, SIGNATURE, whole
from zhunsheng.cli import main
from zhunsheng.engine.draw import commitment
from zhunsheng.engine.identifiers import make_uscc
from zhunsheng.engine.public_log import canonical
from zhunsheng.engine.suites import SHA256, SM3

HEADER = "id,stratum\n"
ROWS = [f"{unit['id']},{unit['stratum']}\n" for unit in (json.loads(leaf) for leaf in OWN["leaves"])]
SECRETS = {
    "ceremony:party-1": "3f9c0c1be2a54e6d8a17b4470d21aa52",
    "ceremony:party-2": "a07144e1c9d3420fb8c61f5e02b97d33",
}
DICE = "ceremony:dice=4-2-6-1-5-3-3-6-2-1"


def parties(no="2026-1", suite=SHA256):
    """The sources of a ceremony, as announced under this number."""
    promised = [f"{name}@{commitment(no, name, secret, suite)}/none" for name, secret in SECRETS.items()]
    return [x for source in (*promised, "ceremony:dice@10") for x in ("--source", source)]


def revealed(no=None):
    """The same with their values; with the terms too, where nothing was announced to this program before."""
    values = [
        f"{name}{f'@{commitment(no, name, secret)}/none' if no else ''}={secret}" for name, secret in SECRETS.items()
    ]
    dice = DICE.replace("=", "@10=") if no else DICE
    return [x for source in (*values, dice) for x in ("--source", source)]


PARTIES = parties("x-1")
REVEALED = revealed()
NUMBERS = ["--n", "A=1,B=2,C=1,D=2"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text(HEADER + "".join(ROWS), encoding="utf-8")
    return tmp_path


def run(*arguments, code=0):
    assert main([str(argument) for argument in arguments]) == code


def announce(*more):
    run(
        "draw", "list.csv", "--no", "2026-1", *NUMBERS, *parties(), "--announced-at", "2026-04-20T09:00:00+08:00", *more
    )


def test_an_office_announces_waits_draws_and_anyone_checks(here, capsys):
    announce("--lang", "en", "--legal-basis", "国发〔2019〕5号", "--item", "登记事项检查", "--plan", "7")
    said = capsys.readouterr().out
    assert OWN["root"] in said and "2026-04-21T01:00:00Z" in said
    run("verify", "2026-1.json", "--lang", "en")
    assert "there is no seed yet" in capsys.readouterr().out
    run("draw", "2026-1.json", *REVEALED, "--at", "2026-04-21T01:30:00Z", "--json")
    drawn = json.loads(capsys.readouterr().out)
    assert len(drawn["selection"]) == 6 and drawn["file"] == "2026-1-drawn.json"
    run("verify", "2026-1-drawn.json")
    said = capsys.readouterr().out
    assert "通过:抽查 2026-1" in said.replace("\uff1a", ":") and drawn["seed"] in said


def test_a_paper_announcement_is_drawn_in_one_go(here, capsys):
    run(
        "draw", "list.csv", "--no", "2026-1", "--ratio", "50%", *revealed("2026-1"),
        "--announced-at", "2026-04-20T01:00:00Z", "--at", "2026-04-21T01:30:00Z", "--out", "b.json", "--lang", "en",
    )  # fmt: skip
    assert "no. 1  demo:T0" in capsys.readouterr().out
    run("verify", "b.json", "--json")
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["ok"] and verdict["outcome"] == "executed" and verdict["steps"][0]["name"] == "format"


def test_a_drand_round_needs_its_signature(here, capsys):
    chain = "drand:52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
    run(
        "draw",
        "list.csv",
        "--no",
        "d-1",
        *NUMBERS,
        "--source",
        f"{chain}@1000",
        "--announced-at",
        "2023-08-22T00:00:00Z",
    )
    run("draw", "d-1.json", "--source", f"{chain}={RANDOMNESS}", code=2)
    assert "签名" in capsys.readouterr().err
    run("draw", "d-1.json", "--source", f"{chain}={RANDOMNESS}", "--signature", SIGNATURE.upper())
    run("verify", "d-1-drawn.json")


def test_office_spreadsheets_are_read_as_they_are(here, capsys):
    other = make_uscc("91", "310115", "MA1K3YJ1")
    rows = ["统一社会信用代码,层,企业名称,排除代码", "91350100M000100Y43,A,某公司,", f"{other},A,另一公司,CAP"]
    (here / "list.csv").write_bytes("\r\n".join(rows).encode("gb18030"))
    run("draw", "list.csv", "--no", "g-1", "--n", "A=1", *parties("g-1"))
    (leaf, other) = json.loads((here / "g-1.json").read_text(encoding="utf-8"))["open"]["leaves"]
    assert json.loads(other) == {"id": "uscc:91350100M000100Y43", "stratum": "A", "企业名称": "某公司"}
    assert json.loads(leaf)["exclusion"] == "CAP"


def test_ratios_and_numbers(here, capsys):
    run("draw", "list.csv", "--no", "r-1", "--ratio", "A=1%,B=1/2,C=0.5,D=100%", *parties("r-1"))
    announced = json.loads((here / "r-1.json").read_text(encoding="utf-8"))["announce"]
    assert announced["n"] == {"A": 1, "B": 2, "C": 1, "D": 2}
    assert announced["ratio"] == {"A": "1/100", "B": "1/2", "C": "1/2", "D": "1/1"}


@pytest.mark.parametrize(
    ("csv", "arguments", "says"),
    [
        (None, [*NUMBERS, *PARTIES, "--no", "x-1", "--ratio", "1%"], "either --n or --ratio"),
        (None, [*PARTIES, "--no", "x-1"], "either --n or --ratio"),
        (None, [*NUMBERS, *PARTIES], "--no"),
        (None, [*NUMBERS, "--no", "x-1"], "--source"),
        (None, [*NUMBERS, *PARTIES[:5], "ceremony:dice@10=1", "--no", "x-1"], "some sources have values"),
        (None, [*NUMBERS, *revealed("x-1"), "--no", "x-1"], "--announced-at"),
        (None, [*NUMBERS, *revealed("x-1"), "--no", "x-1", "--announced-at", "2026-04-20T01:00:00Z"], "--at"),
        (None, [*NUMBERS, *revealed("x-1"), "--no", "x-1", "--announced-at", "2026-04-20T01:00:00Z", "--at", "2026-04-20T02:00:00Z"],
         "before the announced"),
        (None, ["--n", "A=x", *PARTIES, "--no", "x-1"], "A=3,B=5"),
        (None, ["--n", "A", *PARTIES, "--no", "x-1"], "A=3,B=5"),
        (None, ["--n", "A=1", *PARTIES, "--no", "x-1"], "no number is given for the stratum B"),
        (None, ["--ratio", "0", *PARTIES, "--no", "x-1"], "must be above 0"),
        (None, ["--ratio", "1/0", *PARTIES, "--no", "x-1"], "A=1%,B=2%"),
        (None, [*NUMBERS, "--source", "dice=1", "--no", "x-1"], "unknown source"),
        (None, [*NUMBERS, *PARTIES, "--no", "x-1", "--rule-book", "none.pdf"], "cannot be opened"),
        (b"", [*NUMBERS, *PARTIES, "--no", "x-1"], "header needs"),
        (b"name,stratum\n", [*NUMBERS, *PARTIES, "--no", "x-1"], "header needs"),
        (b"id,stratum,id\n", [*NUMBERS, *PARTIES, "--no", "x-1"], "header needs"),
        (b"id,stratum\ndemo:1,A\n\ndemo:2\n", [*NUMBERS, *PARTIES, "--no", "x-1"], "row 4: this row has 1 cells"),
        (b"id,stratum\ndemo:1,A\nuscc:91350100M000100Y44,A\n", [*NUMBERS, *PARTIES, "--no", "x-1"], "row 3"),
        (b"id,stratum\ndemo:1,A\ndemo:1,B\n", [*NUMBERS, *PARTIES, "--no", "x-1"], "stands twice"),
        (b'id,stratum\n"demo:1,A\n', [*NUMBERS, *PARTIES, "--no", "x-1"], "not correct CSV"),
        (b"\xff\xff\xff\xff", [*NUMBERS, *PARTIES, "--no", "x-1"], "neither UTF-8 nor GB18030"),
    ],
)  # fmt: skip
def test_it_says_what_is_wrong_and_writes_nothing(here, capsys, csv, arguments, says):
    if csv is not None:
        (here / "list.csv").write_bytes(csv)
    run("draw", "list.csv", *arguments, "--lang", "en", code=2)
    assert says in capsys.readouterr().err
    assert [path.name for path in here.iterdir()] == ["list.csv"]


def test_one_announcement_one_draw(here, capsys):
    announce()
    draw = ["draw", "2026-1.json", *REVEALED, "--at", "2026-04-21T01:30:00Z", "--lang", "en"]
    run(*draw)
    run(*draw, code=2)
    assert "not overwritten" in capsys.readouterr().err
    run(
        "draw",
        "2026-1-drawn.json",
        *REVEALED,
        "--at",
        "2026-04-21T01:30:00Z",
        "--out",
        "again.json",
        "--lang",
        "en",
        code=2,
    )
    assert "One announcement, one draw" in capsys.readouterr().err
    run("draw", "2026-1.json", *REVEALED, "--n", "A=2", "--at", "2026-04-21T01:30:00Z", "--lang", "en", code=2)
    assert "--n is settled" in capsys.readouterr().err
    text = (here / "2026-1.json").read_text(encoding="utf-8")
    (here / "2026-1.json").write_text(text.replace("demo:T001", "demo:T000"), encoding="utf-8")
    run(*draw, "--out", "other.json", code=2)
    assert "does not pass its check" in capsys.readouterr().err
    assert not (here / "other.json").exists()


def test_verify_answers_by_its_exit_code(here, capsys):
    (here / "good.json").write_bytes(canonical(whole()))
    (here / "bad.json").write_bytes(canonical(whole()).replace(b'"rank":1', b'"rank":2', 1))
    (here / "abandoned.json").write_bytes(canonical(whole(abandoned=True)))
    (here / "noise.json").write_bytes(b"noise")
    run("verify", "good.json", "--lang", "en")
    run("verify", "bad.json", "--lang", "en", code=1)
    said = capsys.readouterr().out
    assert "FAIL  selection  selection[0].rank should be 1 and is 2" in said and "FAIL: draw demo-2026-003" in said
    run("verify", "abandoned.json", "--lang", "en")
    assert "ABANDONED" in capsys.readouterr().out
    run("verify", "noise.json", code=2)
    assert "不是公开包" in capsys.readouterr().out
    run("verify", "none.json", code=2)
    run("verify", "bad.json", "--json", code=1)
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_hostile_file_cannot_forge_a_line_of_the_answer(here, capsys):
    forged = {**whole(), "x\nPASS  root  all is well\x1b[2J": 1}
    (here / "forged.json").write_bytes(canonical(forged))
    run("verify", "forged.json", "--lang", "en", code=2)
    said = capsys.readouterr().out
    assert "\x1b" not in said and not any(line.startswith("PASS") for line in said.splitlines())


def test_the_verifier_needs_no_django(here):
    """What a journalist installs: the check runs with Django and numpy out of reach."""
    (here / "good.json").write_bytes(canonical(whole()))
    code = (
        "import sys; sys.modules.update(django=None, numpy=None, scipy=None)\n"
        "from zhunsheng.cli import main; sys.exit(main(['verify', 'good.json', '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] is True


# fallbacks, second round, lists, scope, sizes


def test_an_announced_fallback_is_used_with_its_reason(here, capsys):
    (here / "people.csv").write_text(
        "人员编号,证件有效期,专业\nP02,2027-01-01,食品+计量\nP01,2027-01-01,\n", encoding="utf-8"
    )
    announce(
        "--fallback",
        "48:lottery:ssq@2026048,lottery:dlt@26048",
        "--second",
        "lottery:ssq@2026049",
        "--second",
        "lottery:dlt@26049",
        "--inspectors",
        "people.csv",
        "--slack",
        "2",
    )
    said = json.loads((here / "2026-1.json").read_text(encoding="utf-8"))["announce"]
    assert said["fallback"][0]["sources"][1] == {"id": "lottery:dlt", "issue": "26048"}
    people = [["P01", "2027-01-01", []], ["P02", "2027-01-01", ["计量", "食品"]]]
    assert said["assignment"]["directory"] == hashlib.sha256(canonical(people)).hexdigest()
    assert said["assignment"]["slack"] == 2
    assert said["assignment"]["team_size"] == 2 and [s["issue"] for s in said["assignment"]["sources"]] == [
        "2026049",
        "26049",
    ]
    lottery = ["--source", "lottery:ssq=03-11-15-22-28-31+07", "--source", "lottery:dlt=02-09-17-25-33+04-11"]
    draw = ["draw", "2026-1.json", *lottery, "--lang", "en"]
    run(*draw, "--use-fallback", "1", "--at", "2026-04-23T01:00:00Z", code=2)
    assert "needs a stated reason" in capsys.readouterr().err
    run(*draw, "--use-fallback", "1", "--reason", "一方未到场", "--at", "2026-04-23T00:59:59Z", code=2)
    assert "before the announced" in capsys.readouterr().err
    run(*draw, "--use-fallback", "2", "--reason", "x", "--at", "2026-04-23T01:00:00Z", code=2)
    run(*draw, "--use-fallback", "1", "--reason", "一方未到场", "--at", "2026-04-23T01:00:00Z")
    run("verify", "2026-1-drawn.json", "--lang", "en")
    assert "一方未到场" in capsys.readouterr().out


def test_balls_stand_for_dice(here, capsys):
    sources = [*parties("b-1")[:4], "--source", "ceremony:balls@40/5"]
    run("draw", "list.csv", "--no", "b-1", *NUMBERS, *sources, "--announced-at", "2026-04-20T01:00:00Z")
    values = [*REVEALED[:4], "--source", "ceremony:balls=7-31-2-18-25"]
    run("draw", "b-1.json", *values, "--at", "2026-04-21T01:00:00Z")
    run("verify", "b-1-drawn.json")
    run(
        "draw",
        "list.csv",
        "--no",
        "c-1",
        *NUMBERS,
        *parties("c-1")[:4],
        "--source",
        "ceremony:balls@9/3",
        "--lang",
        "en",
        code=2,
    )
    assert "fewer than 2^24" in capsys.readouterr().err


def test_two_departments_draw_from_one_file(here, capsys):
    rows = ["id,division,food.stratum,fire.stratum,fire.size"]
    rows += [
        f"demo:{i:02},4116{i % 2:02},{'A' if i % 3 else ''},{'all' if i % 4 else ''},{i if i % 4 else ''}"
        for i in range(24)
        if i % 3 or i % 4
    ]
    (here / "joint.csv").write_text("\n".join(rows), encoding="utf-8")
    asked = [
        "draw", "joint.csv", "--no", "j-1", "--list", "food=市场监管局", "--list", "fire=消防救援支队", "--ratio", "20%",
        "--pareto", "fire/all", "--scope", "division=411600,411601", "--suite", "sm3", *parties("j-1", SM3), "--announced-at", "2026-04-20T01:00:00Z",
    ]  # fmt: skip
    run(*asked)
    said = json.loads((here / "j-1.json").read_text(encoding="utf-8"))["announce"]
    assert said["lists"]["fire"]["office"] == "消防救援支队" and said["pareto"]["strata"] == ["fire/all"]
    assert said["scope"] == {"division": ["411600", "411601"]} and said["suite"] == "sm3"
    run("draw", "j-1.json", *REVEALED, "--at", "2026-04-21T01:30:00Z", "--json")
    capsys.readouterr()
    run("verify", "j-1-drawn.json", "--json")
    verdict = json.loads(capsys.readouterr().out)
    assert {"scope", "pareto"} <= {step["name"] for step in verdict["steps"]} and verdict["ok"]
    run("draw", "j-1-drawn.json", "--proof", "demo:05", "--out", "proof.json")
    run("verify", "proof.json", "--lang", "en")
    assert "PASS: demo:05 stands in the frame of draw j-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fallback", "48"], "is no fallback"),
        (["--fallback", "x:lottery:ssq@26048"], "is no fallback"),
        (["--fallback", "48:lottery:ssq@26048"], "not enough for a seed"),
        (["--fallback", "48:lottery:ssq@1"], "five or seven digits"),
        (["--source", "ceremony:p@0"], "COMMITMENT/DEFAULT"),
        (["--second", "lottery:ssq@26048"], "the directory of inspectors"),
        (["--inspectors", "list.csv"], "go with --second"),
        (["--second", "lottery:ssq@26048", "--inspectors", "list.csv"], "the header must be number"),
        (["--team-size", "2"], "go with --second"),
        (["--pareto", "Z"], "no stratum Z"),
        (["--pareto", "A"], "has no size"),
        (["--list", "food=x"], "one each for food.stratum"),
        (["--list", "food"], "NAME=VALUE"),
        (["--scope", "division=4116"], "outside the announced scope"),
        (["--open-by", "2026-05-20"], "not sealed"),
        (["--sealed", "s"], "last day of its opening"),
        (["--open"], "--open and --proof take"),
        (["--proof", "demo:T001"], "--open and --proof take"),
    ],
)
def test_options_that_do_not_fit_are_refused_and_nothing_is_written(here, capsys, arguments, says):
    run("draw", "list.csv", *NUMBERS, *PARTIES, "--no", "x-1", *arguments, "--lang", "en", code=2)
    assert says in capsys.readouterr().err
    assert [path.name for path in here.iterdir()] == ["list.csv"]


# sealed


def test_a_sealed_draw_is_announced_drawn_and_opened(here, capsys):
    sealed = ["--sealed", "s.secret", "--open-by", "2026-05-20"]
    announce(*sealed)
    assert (here / "s.secret").stat().st_mode & 0o777 == 0o600
    assert "demo:T001" not in (here / "2026-1.json").read_text(encoding="utf-8")
    run("verify", "2026-1.json")
    draw = ["draw", "2026-1.json", *REVEALED, "--at", "2026-04-21T01:30:00Z", "--lang", "en"]
    run(*draw, code=2)
    assert "needs --sealed" in capsys.readouterr().err
    run(*draw, "--sealed", "s.secret")
    said = capsys.readouterr().out
    assert "demo:T0" in said and "not published before the opening" in said
    assert "demo:T0" not in (here / "2026-1-drawn.json").read_text(encoding="utf-8")
    run("verify", "2026-1-drawn.json", "--lang", "en")
    assert "not opened yet" in capsys.readouterr().out
    run("draw", "2026-1-drawn.json", "--sealed", "s.secret", "--proof", "demo:T005", "--out", "p.json")
    run("verify", "p.json")
    run("draw", "2026-1-drawn.json", "--sealed", "s.secret", "--open", "--at", "2026-05-19T01:00:00Z", "--json")
    opened = json.loads((here / "2026-1-opened.json").read_text(encoding="utf-8"))
    assert opened["open"]["key"] == json.loads((here / "s.secret").read_text(encoding="utf-8"))["key"]
    capsys.readouterr()
    run("verify", "2026-1-opened.json", "--lang", "en")
    assert "PASS  opening" in capsys.readouterr().out
    run("draw", "2026-1-opened.json", "--open", "--lang", "en", code=2)
    run("draw", "list.csv", "--no", "2026-2", *NUMBERS, *parties("2026-2"), *sealed, "--lang", "en", code=2)
    assert "not overwritten" in capsys.readouterr().err


def test_another_key_or_list_does_not_draw(here, capsys):
    announce("--sealed", "s.secret", "--open-by", "2026-05-20")
    secret = json.loads((here / "s.secret").read_text(encoding="utf-8"))
    for changed, says in (
        ({**secret, "key": "01" * 32}, "not the one announced"),
        ({**secret, "key": "0" * 64}, "no random key"),
        ({**secret, "leaves": secret["leaves"][1:]}, "not the one announced"),
        ({**secret, "leaves": secret["leaves"][::-1]}, "ascending"),
        ({"key": secret["key"]}, "lacks leaves"),
    ):
        (here / "t.secret").write_bytes(canonical(changed))
        run(
            "draw",
            "2026-1.json",
            *REVEALED,
            "--at",
            "2026-04-21T01:30:00Z",
            "--sealed",
            "t.secret",
            "--lang",
            "en",
            code=2,
        )
        assert says in capsys.readouterr().err
    assert not (here / "2026-1-drawn.json").exists()


# keys


def test_a_pinned_key_must_have_signed(here, capsys):
    from tests.engine.draw_sample import SIGNER
    from tests.engine.test_draw_verify import PIN, signed

    (here / "signed.json").write_bytes(canonical(signed()))
    (here / "plain.json").write_bytes(canonical(whole()))
    run("verify", "signed.json", "--key", str(PIN), "--lang", "en")
    assert "PASS  signatures  signed by the key given: announce execute selection" in capsys.readouterr().out
    run("verify", "plain.json", "--key", str(PIN), code=1)
    run("verify", "signed.json", "--key", f"{SIGNER.name}+{'00' * 32}", code=1)
    run("verify", "signed.json", "--key", "nonsense", "--lang", "en", code=2)
    assert "NAME+HEX" in capsys.readouterr().err


def test_a_large_bundle_is_mapped_and_answers_alike(here, capsys, monkeypatch):
    from zhunsheng.commands import draw as command

    (here / "good.json").write_bytes(canonical(whole()))
    run("verify", "good.json", "--json")
    said = capsys.readouterr().out
    monkeypatch.setattr(command, "_MAPPED", 100)
    run("verify", "good.json", "--json")
    assert capsys.readouterr().out == said
    (here / "empty.json").write_bytes(b"")
    run("verify", "empty.json", code=2)
    run("verify", str(here), code=2)
