"""Codes of the authenticator app against the vectors of RFC 4226 and RFC 6238, and what the tolerance allows."""

import base64
import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhunsheng.web.people import totp

KEY = b"12345678901234567890"
SECRET = base64.b32encode(KEY).decode()
#: RFC 4226, appendix D
HOTP = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
#: RFC 6238, appendix B: seconds since 1970 and the code of eight digits (SHA-1)
TOTP = [
    (59, "94287082"), (1111111109, "07081804"), (1111111111, "14050471"), (1234567890, "89005924"),
    (2000000000, "69279037"), (20000000000, "65353130"),
]  # fmt: skip


def at(seconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


@pytest.mark.parametrize(("counter", "code"), list(enumerate(HOTP)))
def test_the_published_codes_of_rfc_4226(counter, code):
    assert totp.hotp(KEY, counter) == code


@pytest.mark.parametrize(("seconds", "code"), TOTP)
def test_the_published_codes_of_rfc_6238(seconds, code):
    assert totp.hotp(KEY, totp.step(at(seconds)), digits=8) == code
    assert totp.code(SECRET, at(seconds)) == code[2:]


@pytest.mark.parametrize(
    ("off", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False), (3600, False)]
)
def test_a_clock_may_be_off_by_one_interval(off, taken):
    now = at(1_800_000_000)
    code = totp.code(SECRET, now + datetime.timedelta(seconds=off))
    assert (totp.matching_step(SECRET, code, now) is not None) == taken


@given(st.integers(0, 2**35), st.integers(-1, 1))
def test_a_code_is_never_taken_for_an_interval_that_is_over(seconds, shift):
    """Whatever was taken, the same code and every earlier one are refused afterwards."""
    now = at(seconds + 60)
    step = totp.step(now) + shift
    found = totp.matching_step(SECRET, totp.hotp(KEY, step), now)
    assert found is not None
    assert totp.hotp(KEY, found) == totp.hotp(KEY, step)
    again = totp.matching_step(SECRET, totp.hotp(KEY, step), now, after=found)
    assert again is None or again > found


def test_secrets_are_160_bits_and_differ():
    one, other = totp.new_secret(), totp.new_secret()
    assert len(base64.b32decode(one)) == 20
    assert one != other


def test_the_address_is_what_apps_read():
    parts = urlsplit(totp.address(SECRET, "lin&wu", "准绳 衡川市"))
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parse_qs(parts.query) == {"secret": [SECRET], "issuer": ["准绳 衡川市"]}
    assert parts.path.endswith("%3Awu") is False
    assert "lin%26wu" in parts.path
