"""Secrets in the database are sealed, so that a copy of the database alone gives no codes away.

The key comes from SECRET_KEY (and SECRET_KEY_FALLBACKS, so that a new key can be brought in while the old one still opens).
"""

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class CannotOpen(Exception):
    """The key is another one than that which sealed."""


def _box() -> MultiFernet:
    return MultiFernet([Fernet(_key(str(one))) for one in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _key(secret: str) -> bytes:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"zhunsheng.people.sealing").derive(secret.encode())
    return base64.urlsafe_b64encode(derived)


def seal(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def open_sealed(sealed: str) -> str:
    """The text behind `seal`. Raises CannotOpen where SECRET_KEY has been replaced."""
    try:
        return _box().decrypt(sealed.encode()).decode()
    except InvalidToken as problem:
        raise CannotOpen from problem
