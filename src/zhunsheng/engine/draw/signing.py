"""Signatures under the sections of a bundle: the office vouches for what it published, with a published key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from zhunsheng.engine.draw.fields import PROTOCOL, array, obj, text
from zhunsheng.engine.errors import DrawError
from zhunsheng.engine.public_log import Json
from zhunsheng.engine.signing import PublicKey, Signer, check_key, check_key_name, verify_signature

MAX_SIGNATURES = 100

_HEX = re.compile(r"(?:[0-9a-f]{2}){1,100}")


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature of one section: which section, by which key, and its 64 bytes."""

    section: str
    key: PublicKey
    signature: bytes

    def as_json(self) -> dict[str, Json]:
        """The signature as it stands in the bundle."""
        return {
            "section": self.section,
            "alg": self.key.alg,
            "name": self.key.name,
            "key": self.key.key.hex(),
            "sig": self.signature.hex(),
        }


def signed_bytes(draw: str, section: str, digest: str) -> bytes:
    """What is signed: "zhunsheng/draw/1/sign|" + number of the draw + "|" + section + "|" + its digest."""
    return f"{PROTOCOL}/sign|{draw}|{section}|{digest}".encode()


def sign(signer: Signer, draw: str, digests: Mapping[str, str]) -> tuple[Signature, ...]:
    """Signs sections by their digests (section → digest, as in `bundle` or `digest`), in their order."""
    key = PublicKey(signer.name, signer.alg, signer.public_key)
    return tuple(
        Signature(section, key, signer.sign(signed_bytes(draw, section, digest))) for section, digest in digests.items()
    )


def read_signatures(value: Json) -> tuple[Signature, ...]:
    """The section `signatures`. Raises DrawError or SuiteError for fields that are not as they should be."""
    made: list[Signature] = []
    entries = array(value, "signatures")
    if len(entries) > MAX_SIGNATURES:
        raise DrawError("draw.signature.too_many", limit=MAX_SIGNATURES)
    for number, entry in enumerate(entries):
        at = f"signatures[{number}]"
        found = obj(entry, at, {"section", "alg", "name", "key", "sig"})
        name, alg = text(found["name"], f"{at}.name"), text(found["alg"], f"{at}.alg")
        key, signature = _bytes(found["key"], f"{at}.key"), _bytes(found["sig"], f"{at}.sig")
        check_key_name(name)
        check_key(alg, key)
        made.append(Signature(text(found["section"], f"{at}.section"), PublicKey(name, alg, key), signature))
    return tuple(made)


def _bytes(value: Json, at: str) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise DrawError("draw.field.not_hex", at=at)
    return bytes.fromhex(value)


@dataclass(frozen=True, slots=True)
class Signed:
    """Whose signatures hold: sections in order, each once.

    pinned: signed by a key that was given. others: section → names of other keys that signed it. unsigned: sections of
    the bundle that no key signed, or, where keys were given, none of those.
    """

    pinned: tuple[str, ...]
    others: Mapping[str, tuple[str, ...]]
    unsigned: tuple[str, ...]


def check_signatures(
    signatures: Iterable[Signature], draw: str, digests: Mapping[str, str], pins: Sequence[PublicKey]
) -> Signed:
    """Refuses a signature that is not of its section, or by a key other than the one pinned under its name; and, with
    pins, an announcement that none of the pinned keys signed. Signatures by keys that are not pinned count for nothing.

    digests: section → digest of all that can be signed and is there. Raises SuiteError where the package that could tell
    is not installed.
    """
    known = {pin.name: pin for pin in pins}
    pinned: dict[str, None] = {}
    others: dict[str, dict[str, None]] = {}
    for one in signatures:
        if one.section not in digests:
            raise DrawError("draw.signature.no_section", section=one.section)
        pin = known.get(one.key.name)
        if pin is not None and pin != one.key:
            raise DrawError("draw.signature.other_key", name=one.key.name, key=one.key.key.hex())
        message = signed_bytes(draw, one.section, digests[one.section])
        if not verify_signature(one.key.alg, one.key.key, message, one.signature):
            raise DrawError("draw.signature.wrong", section=one.section, name=one.key.name)
        if pin is not None:
            pinned[one.section] = None
        else:
            others.setdefault(one.section, {})[str(one.key)] = None
    if pins and "announce" not in pinned:
        raise DrawError("draw.signature.not_by_pin", names=" ".join(known))
    count = pinned if pins else others
    return Signed(
        tuple(pinned),
        {section: tuple(names) for section, names in others.items()},
        tuple(section for section in digests if section not in count),
    )
