"""Signers outside the program: a command that reads the bytes on standard input and prints their signature.

This is how an SM2 key in a certified device signs (智能密码钥匙, 签名验签服务器): its vendor's tool, or a line of shell
around it, is the command. Nothing of the key is ever seen here.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from zhunsheng.engine.errors import SuiteError
from zhunsheng.engine.signing import SM2_SM3, check_key, check_key_name, verify_signature

_SECONDS = 60
_MOST = 4096
_HEX = re.compile(rb"([0-9a-fA-F]{2})+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]+=*\s*")


@dataclass(frozen=True, slots=True)
class CommandSigner:
    """A `signing.Signer` that asks a command. `command`: program and arguments, run without a shell.

    The command reads the message on standard input and prints the signature: the DER of GM/T 0009, or r and s in 64
    bytes, as they are or in hexadecimal or base 64. What it prints is verified with `public_key` before it is used.
    """

    name: str
    public_key: bytes
    command: Sequence[str]
    alg: str = SM2_SM3

    def __post_init__(self) -> None:
        check_key_name(self.name)
        check_key(self.alg, self.public_key)

    def sign(self, message: bytes, /) -> bytes:
        """The signature, 64 bytes. Raises SuiteError where the command fails, or signs with another key."""
        try:
            done = subprocess.run(  # noqa: S603 — the command is the operator's own setting, and no shell reads it
                list(self.command), input=message, capture_output=True, timeout=_SECONDS, check=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise SuiteError("signing.command_failed", detail=type(error).__name__) from None
        signature = raw_signature(done.stdout[:_MOST])
        if not verify_signature(self.alg, self.public_key, message, signature):
            raise SuiteError("signing.command_wrong", name=self.name)
        return signature


def raw_signature(printed: bytes) -> bytes:
    """The 64 bytes of a signature out of what a program printed: raw, DER, or either in hexadecimal or base 64.

    What is none of these comes back as it is, and then verifies under no key.
    """
    stripped = printed.strip()
    candidates: list[bytes] = []  # text first: raw bytes that happen to be all digits do not occur
    if _HEX.fullmatch(stripped):
        candidates.append(bytes.fromhex(stripped.decode()))
    elif _BASE64.fullmatch(stripped):
        with contextlib.suppress(binascii.Error):
            candidates.append(base64.b64decode(b"".join(stripped.split()), validate=True))
    for data in (*candidates, printed):
        if len(data) == 64:
            return data
        if (pair := _der(data)) is not None:
            return pair
    return printed


def _der(data: bytes) -> bytes | None:
    """r and s of SEQUENCE { INTEGER r, INTEGER s }, 32 bytes each; None for anything else."""
    if len(data) < 8 or data[0] != 0x30 or data[1] != len(data) - 2:
        return None
    numbers: list[bytes] = []
    rest = data[2:]
    while len(rest) > 2 and rest[0] == 0x02 and rest[1] <= len(rest) - 2:
        number = rest[2 : 2 + rest[1]].lstrip(b"\x00")
        if len(number) > 32:
            return None
        numbers.append(number.rjust(32, b"\x00"))
        rest = rest[2 + rest[1] :]
    return b"".join(numbers) if len(numbers) == 2 and not rest else None
