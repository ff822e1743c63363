"""The settings: nothing for Django's own checks to complain of; a foreign host name is turned away without a word."""

import io
import logging
import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("words", "values"),
    [([], {}), (["--deploy"], {"ZHUNSHENG_HTTPS": "1", "ZHUNSHENG_ALLOWED_HOSTS": "zhunsheng.example"})],
)
def test_django_finds_nothing_to_warn_of(tmp_path, words, values):
    """A new installation: its own folder, no other setting than these."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("ZHUNSHENG_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-m", "django", "check", "--settings", "zhunsheng.web.settings", "--fail-level", "WARNING", *words],
        env=plain | {"ZHUNSHENG_HOME": str(tmp_path)} | values,
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.fixture
def console():
    """What goes to the log of the running platform."""
    (handler,) = [one for one in logging.getLogger().handlers if one.name == "console"]
    text = io.StringIO()
    before = handler.setStream(text)
    yield text
    handler.setStream(before)


@pytest.mark.parametrize("path", ["/", "/login/", "/desk/", "/nothing/"])
@pytest.mark.parametrize("host", ["evil.example", "a b", "127.0.0.1.evil.example"])
def test_a_foreign_host_name_is_answered_400_and_leaves_no_trace(db, client, console, path, host):
    assert client.get(path, headers={"host": host}).status_code == 400
    assert console.getvalue() == ""


def test_other_suspicious_requests_are_still_logged(console):
    logging.getLogger("django.security.SuspiciousOperation").error("something else")
    assert "something else" in console.getvalue()
