"""Second factors in tests: an app that computes its codes, and a passkey that signs as a device would."""

import datetime
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

from zhunsheng.web.people import actions, totp

PASSWORD = "a-long-password-1"


@dataclass
class App:
    """The app on a phone. Each code is one that was not shown before: the test's phone waits for it."""

    secret: str
    skew: datetime.timedelta = datetime.timedelta()

    def code(self, ahead: int = 0) -> str:
        return totp.code(self.secret, timezone.now() + self.skew + datetime.timedelta(seconds=totp.PERIOD * ahead))


@pytest.fixture
def enrol():
    """enrol(user) → (app, recovery codes): an app set up one interval ago, so that the present code is still good."""

    def make(user) -> tuple[App, list[str]]:
        app = App(totp.new_secret())
        codes = actions.add_app(user, app.secret, app.code(-1), at=timezone.now())
        user.refresh_from_db()
        return app, codes

    return make


@dataclass
class Device:
    """A passkey in software: answers what a browser would answer for `host`."""

    host: str = "localhost"
    origin: str = "http://localhost"
    verified: bool = True
    counts: bool = True
    count: int = 0
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def _data(self, extra: bytes = b"", flags: int = 0x01) -> bytes:
        if self.counts:
            self.count += 1
        flags |= 0x04 if self.verified else 0
        return hashlib.sha256(self.host.encode()).digest() + struct.pack(">BI", flags, self.count) + extra

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, **response: bytes) -> str:
        return json.dumps({
            "id": websafe_encode(self.id), "rawId": websafe_encode(self.id), "type": "public-key",
            "clientExtensionResults": {}, "response": {name: websafe_encode(one) for name, one in response.items()},
        })  # fmt: skip

    def create(self, options: dict) -> str:
        client = self._client("webauthn.create", options["publicKey"]["challenge"])
        credential = AttestedCredentialData.create(
            b"\0" * 16, self.id, ES256.from_cryptography_key(self.key.public_key())
        )
        data = AuthenticatorData(self._data(bytes(credential), 0x41))
        return self._answer(clientDataJSON=client, attestationObject=bytes(AttestationObject.create("none", data, {})))

    def get(self, options: dict) -> str:
        client = self._client("webauthn.get", options["publicKey"]["challenge"])
        data = self._data()
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(clientDataJSON=client, authenticatorData=data, signature=signature)

    def knows(self, options: dict) -> bool:
        return websafe_encode(self.id) in {one["id"] for one in options["publicKey"].get("allowCredentials", ())}


@pytest.fixture
def device():
    assert websafe_decode(websafe_encode(b"\xff\xfe")) == b"\xff\xfe"
    return Device()


@pytest.fixture
def home(client):
    """A client that speaks to localhost, where browsers use passkeys."""
    client.defaults["SERVER_NAME"] = "localhost"
    return client
