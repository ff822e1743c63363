"""kill -9 at every step between an act and its signed checkpoint: nothing is lost, doubled, or left with a gap."""

import os
import signal
import subprocess
import sys

import pytest
from django.db import connection

from tests.conftest import ROOT
from tests.web.public_log.dying import RECORDED

#: step → how many entries of that step's acts are there afterwards
STEPS = {
    "begin": RECORDED,
    "before the commit": 0,
    "after the commit": RECORDED,
    "with numbers, before the head": RECORDED,
    "before the numbers are committed": RECORDED,
    "before the signature": RECORDED,
    "before the checkpoint is kept": RECORDED,
    "after the checkpoint": RECORDED,
    "a new key made, not announced": 0,
    "a new key announced, nothing signed": 1,
    "signed by the new key, not settled": 1,
    "half way of settling": 1,
    "end": RECORDED,
}


@pytest.fixture
def home(tmp_path, django_db_blocker):
    """The environment of a platform of its own; on PostgreSQL a database of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ZHUNSHENG_")}
    env |= {"ZHUNSHENG_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT)))}
    if connection.vendor != "postgresql":
        yield env
        return
    said = connection.settings_dict
    name = f"zhunsheng_crash_{os.getpid()}"
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield env | {
            "ZHUNSHENG_DATABASE_URL": f"postgresql://{said['USER']}:{said['PASSWORD']}@{said['HOST']}:{said['PORT']}/{name}"
        }
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.slow
def test_a_kill_between_any_two_steps_loses_and_doubles_nothing(home, tmp_path):
    """Each process takes up what the one before left when it was killed, and checks the whole log before it goes on."""
    expected, keys = 0, []
    for step, recorded in STEPS.items():
        done = subprocess.run(
            [sys.executable, "-m", "tests.web.public_log.dying", step],
            cwd=ROOT, env=home, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        lives = step in ("begin", "end")
        assert done.returncode == (0 if lives else -signal.SIGKILL), f"{step}: {done.stdout}{done.stderr}"
        assert f"entries {expected} key" in done.stdout, f"{step}: {done.stdout}"
        keys.append(done.stdout.partition(" key ")[2].split("\n")[0])
        expected += recorded
    assert len(set(keys)) == 5, "no key at first, then the first one, and three that followed"
    retired = list((tmp_path / "keys").glob("log.key.retired-*"))
    assert len(retired) == 3 and (tmp_path / "keys/log.key").is_file() and not (tmp_path / "keys/log.key.next").exists()
