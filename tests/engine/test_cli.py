"""The command line: answers, exit codes, languages, any locale, with and without Django."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from zhunsheng import __version__
from zhunsheng.cli import main

SRC = Path(__file__).parents[2] / "src"


def python(code: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run code in a fresh interpreter that knows no more than `env` says."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={"PYTHONPATH": str(SRC), **env}, timeout=60
    )


def run(capsys, *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    said = capsys.readouterr()
    assert said.err == ""
    return code, said.out


def test_it_works(capsys):
    code, out = run(capsys, "clock", "due", "2017-09-29", "20", "working_day")
    assert code == 0
    assert out.startswith("最后期限 2017-11-02\n")
    assert "国办发明电〔2016〕17号" in out


def test_a_deadline_with_everything(capsys):
    code, out = run(
        capsys, "clock", "due", "2017-09-29", "5", "working_day", "--suspend", "2017-10-10..2017-10-11:hearing",
        "--extend", "5:working_day", "--lang", "en", "--json",
    )  # fmt: skip
    answer = json.loads(out)
    assert (code, answer["due"], answer["provisional"]) == (0, "2017-10-23", False)
    assert "clock.suspended" in [reason["code"] for reason in answer["reasons"]]
    assert all(reason["text"] for reason in answer["reasons"])


def test_hours_take_an_instant_in_china_time_or_in_a_zone(capsys):
    assert run(capsys, "clock", "due", "2017-09-29T16:30", "24", "hour")[1].startswith(
        "最后期限 2017-09-30T16:30:00+08:00"
    )
    assert "2017-10-01T00:30:00+00:00" in run(capsys, "clock", "due", "2017-09-30T00:30+00:00", "24", "hour")[1]


def test_provisional_is_said_first(capsys):
    code, out = run(capsys, "clock", "due", "2027-03-01", "20", "working_day", "--lang", "en")
    assert code == 0
    assert out.startswith("Due 2027-03-29 (provisional)")
    assert "2027 is not loaded" in out


def test_days_and_limits(capsys):
    assert run(capsys, "clock", "day", "2017-09-30")[0] == 0
    assert run(capsys, "clock", "day", "2017-10-02")[0] == 1
    assert run(capsys, "clock", "between", "2017-09-29", "2017-10-09") == (0, "2 个工作日\n")
    assert "2027" in run(capsys, "clock", "between", "2026-09-29", "2027-10-09")[1]
    code, out = run(capsys, "clock", "limit", "inspection.publish_result", "2017-09-29")
    assert code == 0
    assert "工商总局令第67号" in out
    assert "2017-11-02" in out


def test_identifiers(capsys):
    assert run(capsys, "id", "91350100M000100Y43")[0] == 0
    code, out = run(capsys, "id", "91350100M000100Y44", "--lang", "en")
    assert code == 1
    assert "should be “3”" in out
    assert run(capsys, "id", "uscc:91350100M000100Y44")[0] == 1
    assert run(capsys, "id", "toronto:17")[0] == 0
    code, out = run(capsys, "id", "11010519491231002X", "--json")
    assert code == 0
    assert "11010519491231" not in out
    assert json.loads(out)[0]["value"] == "*" * 18


def test_tables(capsys, tmp_path):
    code, out = run(capsys, "check-table", "working_days/2017")
    assert code == 0
    assert "sure=29" in out
    code, out = run(capsys, "check-table", "--show", "time_limits/inspection", "--on", "2017-05-12")
    assert code == 0
    assert "工商总局令第67号" in out
    assert "国发〔2019〕5号);" not in out
    (tmp_path / "bad.csv").write_text("code,source,confidence\na,,sure\n", encoding="utf-8")
    code, out = run(capsys, "check-table", "bad", "--root", str(tmp_path), "--lang", "en")
    assert code == 1
    assert "bad:2: no source" in out
    with pytest.raises(SystemExit) as refusal:  # not "nothing is wrong" with the tables of a folder that is not there
        run(capsys, "check-table", "--root", str(tmp_path / "nowhere"))
    assert refusal.value.code == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("check-table", "no/such"),
        ("clock", "due", "2017-09-29", "0", "working_day"),
        ("clock", "limit", "no.such", "2017-09-29"),
        ("clock", "due", "2017-09-29", "2", "working_day", "--suspend", "2017-10-03..2017-10-02"),
        ("id", "nonsense"),
        ("id", "Bad scheme:1"),
    ],
)  # fmt: skip
def test_an_input_that_cannot_be_judged_exits_with_two(arguments, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("zhunsheng: ")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nothing",),
        ("clock",),
        ("clock", "due", "29.9.2017", "2", "working_day"),
        ("clock", "due", "2017-09-29", "2", "fortnight"),
        ("clock", "due", "2017-09-29", "2", "month", "--suspend", "2017-10-03"),
        ("clock", "due", "2017-09-29", "2", "month", "--extend", "many"),
        ("clock", "day", "2017-02-30"),
    ],
)
def test_wrong_use_exits_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: zhunsheng" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"zhunsheng {__version__}\n"


@pytest.mark.parametrize(
    "env", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}]
)
def test_chinese_comes_out_under_any_locale(env):
    done = python("from zhunsheng.cli import main; raise SystemExit(main(['clock', 'day', '2017-09-30']))", **env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "调休上班" in done.stdout.decode("utf-8")


def test_without_django_the_platform_says_what_to_install():
    code = "import sys; sys.modules['django'] = None; from zhunsheng.cli import main; raise SystemExit(main(['{}']))"
    for name in ("demo", "init", "serve", "manage"):
        done = python(code.format(name))
        assert done.returncode == 2
        assert 'pip install "zhunsheng[web]"' in done.stderr.decode("utf-8")
        assert b"Traceback" not in done.stderr


def test_a_reader_that_stops_early_is_no_error():
    code = "from zhunsheng.cli import main; raise SystemExit(main(['check-table', '--show', 'industry/gbt4754']))"
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PYTHONPATH": str(SRC)}
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=60), said) == (0, b"")
