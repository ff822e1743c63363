"""Signatures: Ed25519 by its published vectors, SM2 by an outside program and an independent package."""

import shutil
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zhunsheng.engine.errors import SuiteError
from zhunsheng.engine.signing import ED25519, SM2_SM3, Ed25519Signer, PublicKey, read_key, verify_signature
from zhunsheng.signers import CommandSigner, raw_signature

# RFC 8032, section 7.1: (secret key, public key, message, signature)
RFC8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]
SIGNER = Ed25519Signer("demo.city/draw", bytes.fromhex(RFC8032[0][0]))
OPENSSL = shutil.which("openssl")
DISTID = "distid:1234567812345678"


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC8032)
def test_published_signatures(secret: str, public: str, message: str, signature: str) -> None:
    signer = Ed25519Signer("k", bytes.fromhex(secret))
    assert signer.alg == ED25519 and signer.public_key.hex() == public
    assert signer.sign(bytes.fromhex(message)).hex() == signature
    assert verify_signature(ED25519, signer.public_key, bytes.fromhex(message), bytes.fromhex(signature))
    assert secret not in repr(signer) and bytes.fromhex(secret) not in repr(signer).encode()


@given(st.binary(max_size=200), st.integers(0, 511))
def test_one_changed_bit_anywhere_is_no_signature(message: bytes, bit: int) -> None:
    good = SIGNER.sign(message)
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    assert verify_signature(ED25519, SIGNER.public_key, message, good)
    assert not verify_signature(ED25519, SIGNER.public_key, message, bytes(bad))
    assert not verify_signature(ED25519, SIGNER.public_key, message + b"x", good)
    assert not verify_signature(ED25519, SIGNER.public_key, message, good[:-1])


def refused(code, call, *args):
    with pytest.raises(SuiteError) as caught:
        call(*args)
    assert caught.value.code == code and caught.value.text("zh") and caught.value.text("en")


def test_keys_and_names_are_refused_in_words() -> None:
    refused("signing.unknown_alg", verify_signature, "rsa", b"", b"", b"")
    refused("signing.bad_key", verify_signature, ED25519, b"x" * 31, b"", b"")
    refused("signing.bad_key", verify_signature, SM2_SM3, b"\x05" + b"x" * 64, b"", b"")
    refused("signing.bad_key", Ed25519Signer, "k", b"short")
    for name in ("", "a b", "a+b", "a\n", "x" * 201):
        refused("signing.bad_name", Ed25519Signer, name, bytes(32))
    for text in ("k", "k+", "k+zz", "k+" + "00" * 31, "+" + "00" * 32, "k+05" + "00" * 64):
        with pytest.raises(SuiteError):
            read_key(text)


def test_a_key_is_written_as_name_and_hexadecimal() -> None:
    key = PublicKey("demo.city/draw", ED25519, SIGNER.public_key)
    assert read_key(str(key)) == key and str(key) == f"demo.city/draw+{RFC8032[0][1]}"


def test_without_its_package_no_signature_is_judged(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    refused("signing.not_installed", verify_signature, ED25519, SIGNER.public_key, b"", bytes(64))
    monkeypatch.setitem(sys.modules, "gmalg", None)
    refused("signing.not_installed", verify_signature, SM2_SM3, b"\x04" + bytes(64), b"", bytes(64))


# SM2 by a program outside


def sm2_signer(folder, distid=DISTID, wrap=()):
    """The `openssl` program as the device: a new key, and the command that signs with it."""
    if OPENSSL is None:
        pytest.skip("the program openssl is not installed")
    key = folder / "sm2.pem"
    make = [OPENSSL, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", str(key)]
    if subprocess.run(make, capture_output=True, check=False).returncode:
        pytest.skip("this openssl has no SM2")
    der = subprocess.run(
        [OPENSSL, "pkey", "-in", str(key), "-pubout", "-outform", "DER"], capture_output=True, check=True
    )
    command = [OPENSSL, "pkeyutl", "-sign", "-inkey", str(key), "-rawin", "-digest", "sm3", "-pkeyopt", distid]
    # the program wants a file it can measure
    script = 'f=$(mktemp); cat > "$f"; "$@" -in "$f"; code=$?; rm -f "$f"; exit $code'
    return CommandSigner("demo.city/sm2", der.stdout[-65:], ["sh", "-c", script, "sh", *command, *wrap])


def test_an_outside_sm2_signer_signs_and_an_independent_package_verifies(tmp_path) -> None:
    signer = sm2_signer(tmp_path)
    signature = signer.sign("抽查".encode())
    assert len(signature) == 64 and signer.alg == SM2_SM3
    assert verify_signature(SM2_SM3, signer.public_key, "抽查".encode(), signature)
    assert not verify_signature(SM2_SM3, signer.public_key, "抽査".encode(), signature)
    flipped = signature[:-1] + bytes([signature[-1] ^ 1])
    assert not verify_signature(SM2_SM3, signer.public_key, "抽查".encode(), flipped)
    assert not verify_signature(SM2_SM3, signer.public_key, "抽查".encode(), bytes(64))
    off_curve = b"\x04" + bytes(63) + b"\x07"
    assert not verify_signature(SM2_SM3, off_curve, "抽查".encode(), signature)


def test_a_device_that_signs_with_another_key_or_user_is_caught(tmp_path) -> None:
    one, other = tmp_path / "a", tmp_path / "b"
    one.mkdir()
    other.mkdir()
    signer = sm2_signer(one)
    stranger = CommandSigner(signer.name, sm2_signer(other).public_key, signer.command)
    refused("signing.command_wrong", stranger.sign, b"x")
    refused("signing.command_wrong", sm2_signer(one, distid="distid:another").sign, b"x")


def test_a_device_that_fails_is_reported(tmp_path) -> None:
    key = b"\x04" + bytes(64)
    refused("signing.command_failed", CommandSigner("k", key, ["/nonexistent"]).sign, b"x")
    refused("signing.command_failed", CommandSigner("k", key, ["false"]).sign, b"x")
    refused("signing.command_wrong", CommandSigner("k", key, ["echo", "no"]).sign, b"x")


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1))
@example(2**95, 2**95)
def test_a_signature_is_read_however_it_is_printed(r: int, s: int) -> None:
    import base64

    def integer(number):
        data = number.to_bytes(number.bit_length() // 8 + 1, "big")
        return b"\x02" + bytes([len(data)]) + data

    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    body = integer(r) + integer(s)
    der = b"\x30" + bytes([len(body)]) + body
    for data in (raw, der):
        assert raw_signature(data) == raw
        assert raw_signature(data.hex().encode() + b"\n") == raw
        assert raw_signature(data.hex().upper().encode()) == raw
        assert raw_signature(base64.encodebytes(data)) == raw
