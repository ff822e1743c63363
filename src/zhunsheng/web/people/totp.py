"""Codes of an authenticator app: HOTP (RFC 4226) over time (RFC 6238), as the common apps do it: SHA-1, six digits, 30 seconds.

Pure: the time is given.
"""

import base64
import datetime
import hmac
import secrets
from urllib.parse import quote, urlencode

PERIOD = 30  # seconds
DIGITS = 6
TOLERANCE = 1  # intervals before and after, for a clock that is up to half a minute off, and for slow typing


def new_secret() -> str:
    """160 random bits (RFC 4226, R6), in base32 as apps take them."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def hotp(key: bytes, counter: int, digits: int = DIGITS) -> str:
    """The code of a counter (RFC 4226, 5.3)."""
    mac = hmac.digest(key, counter.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0x0F
    return str((int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF) % 10**digits).zfill(digits)


def step(at: datetime.datetime) -> int:
    """The interval in which a time lies, counted from 1970."""
    return int(at.timestamp()) // PERIOD


def code(secret: str, at: datetime.datetime) -> str:
    """The code that an app shows at a time."""
    return hotp(base64.b32decode(secret), step(at))


def matching_step(secret: str, typed: str, at: datetime.datetime, after: int = -1) -> "int | None":
    """The interval whose code was typed, within the tolerance and later than `after`; None where none fits.

    Every interval is compared, so that the time it takes tells nothing.
    """
    key, now, found = base64.b32decode(secret), step(at), None
    for one in range(now - TOLERANCE, now + TOLERANCE + 1):
        if hmac.compare_digest(hotp(key, max(one, 0)).encode(), typed.encode()) and one > after:
            found = one
    return found


def address(secret: str, account: str, issuer: str) -> str:
    """What the QR code says (the otpauth form that apps read)."""
    return f"otpauth://totp/{quote(f'{issuer}:{account}', safe=':')}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"
