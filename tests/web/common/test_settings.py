"""The settings: nothing for Django's own checks to complain of; a foreign host name is turned away without a word."""

import io
import logging
import os
import subprocess
import sys

import pytest

from zhunsheng.web import env


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


class TestWaysOut:
    """The settings of what leaves the house: whole or not at all, and a wrong one says what is accepted."""

    @pytest.fixture
    def said(self, monkeypatch):
        return lambda **values: [monkeypatch.setenv(f"ZHUNSHENG_{name}", value) for name, value in values.items()]

    def test_nothing_said_is_nothing_sent(self):
        assert (env.sms(), env.wecom(), env.address("SITE_URL")) == ({}, {}, "")

    def test_it_works(self, said):
        said(SMS_URL="https://sms.example/send/", SMS_TOKEN="t", SMS_TEMPLATE="7")
        assert env.sms() == {"url": "https://sms.example/send", "token": "t", "template": "7"}
        said(WECOM_URL="https://wx.example", WECOM_CORP_ID="c", WECOM_AGENT_ID="3", WECOM_SECRET="s")
        assert env.wecom() == {"url": "https://wx.example", "corp_id": "c", "agent_id": "3", "secret": "s"}

    @pytest.mark.parametrize(
        ("values", "ask", "said_back"),
        [
            ({"SMS_URL": "https://sms.example", "SMS_TOKEN": "t"}, env.sms, "ZHUNSHENG_SMS_TEMPLATE"),
            ({"SMS_URL": "sms.example"}, env.sms, "say https://"),
            ({"SMS_URL": "file:///etc/passwd"}, env.sms, "say https://"),
            ({"WECOM_URL": "https://wx.example", "WECOM_CORP_ID": "c"}, env.wecom, "ZHUNSHENG_WECOM_SECRET"),
            (
                {"WECOM_URL": "https://wx.example", "WECOM_CORP_ID": "c", "WECOM_AGENT_ID": "x", "WECOM_SECRET": "s"},
                env.wecom, "whole number",
            ),
            ({"SITE_URL": "https://zl.example/?a=1"}, lambda: env.address("SITE_URL"), "say https://"),
        ],
    )  # fmt: skip
    def test_refusals(self, said, values, ask, said_back):
        said(**values)
        with pytest.raises(env.BadSetting, match=said_back):
            ask()
