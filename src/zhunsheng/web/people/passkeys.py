"""Passkeys (WebAuthn), checked by fido2: what the browser is asked, and whether its answer holds. Writes nothing but the session.

A passkey fits one host name. Browsers use it only over https, or on localhost; an address in numbers has none.
"""

import ipaddress
import json
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from fido2.rpid import verify_rp_id
from fido2.server import Fido2Server
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.people.models import Passkey, User

ASKED = "passkey_asked"
SECONDS = 300  # in which the browser answers
LARGEST = 20_000  # characters of an answer


def host(request: HttpRequest) -> str:
    """The host name that passkeys are bound to: that of the address, without the port."""
    return urlsplit(f"//{request.get_host()}").hostname or ""


def possible(request: HttpRequest) -> bool:
    """Whether browsers use passkeys at this address."""
    name = host(request)
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return request.is_secure() or name == "localhost" or name.endswith(".localhost")
    return False


def _server(request: HttpRequest) -> Fido2Server:
    name = host(request)

    def ours(origin: str) -> bool:
        return bool(verify_rp_id(name, origin)) and urlsplit(origin).hostname == name

    return Fido2Server(PublicKeyCredentialRpEntity(id=name, name=_("准绳")), verify_origin=ours)


def _known(request: HttpRequest, user: User) -> list[AttestedCredentialData]:
    found = Passkey.objects.filter(user=user, host=host(request))
    return [AttestedCredentialData(bytes(one.credential)) for one in found]


def _remember(request: HttpRequest, state: Any, user: "User | None", what: str) -> None:
    request.session[ASKED] = {
        "challenge": state["challenge"],
        "user_verification": state["user_verification"] and str(state["user_verification"]),
        "user": user.pk if user else None,
        "what": what,
        "at": timezone.now().timestamp(),
    }


def _asked(request: HttpRequest, user: "User | None", what: str) -> dict[str, Any]:
    """What this session was asked. A question is answered once, soon, and by the one who was asked."""
    asked = request.session.pop(ASKED, None)
    fits = asked and asked["what"] == what and asked["user"] == (user.pk if user else None)
    if not fits or not 0 <= timezone.now().timestamp() - asked["at"] <= SECONDS:
        raise Refused(_("通行密钥的应答已过期，请再试一次"))
    return dict(asked)


def _read(text: str) -> dict[str, Any]:
    try:
        answer = json.loads(text) if len(text) <= LARGEST else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Refused(_("没有收到通行密钥的应答，请再试一次"))
    return answer


def ask_for_new(request: HttpRequest, user: User) -> dict[str, Any]:
    """Options for navigator.credentials.create, binary values in base64url."""
    handle = salted_hmac("zhunsheng.people.passkey", str(user.pk), algorithm="sha256").digest()
    options, state = _server(request).register_begin(
        PublicKeyCredentialUserEntity(id=handle, name=user.username, display_name=str(user)),
        _known(request, user),
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    _remember(request, state, user, "new")
    return dict(options)


def take_new(request: HttpRequest, user: User, text: str) -> AuthenticatorData:
    """The new passkey in the browser's answer. Raises Refused where the answer does not fit the question."""
    asked = _asked(request, user, "new")
    try:
        return _server(request).register_complete(asked, _read(text))
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise Refused(_("这把通行密钥没有通过核对，请再试一次")) from problem


def ask(request: HttpRequest, user: "User | None") -> dict[str, Any]:
    """Options for navigator.credentials.get. Without a user any passkey of this host may answer, and it has to verify its owner."""
    need = UserVerificationRequirement.REQUIRED if user is None else UserVerificationRequirement.PREFERRED
    options, state = _server(request).authenticate_begin(
        _known(request, user) if user else None, user_verification=need
    )
    _remember(request, state, user, "use")
    return dict(options)


def take(request: HttpRequest, user: "User | None", text: str) -> tuple[Passkey, int]:
    """The passkey that answered, and how often it has signed (0 where it does not count). Raises Refused.

    `user`: whose passkey it has to be; None: anybody's who is active.
    """
    asked = _asked(request, user, "use")
    try:
        answer = AuthenticationResponse.from_dict(_read(text))
        found = Passkey.objects.select_related("user").filter(
            credential_id=websafe_encode(answer.raw_id), host=host(request), user__is_active=True
        )
        passkey = (found.filter(user=user) if user else found).get()
        _server(request).authenticate_complete(asked, [AttestedCredentialData(bytes(passkey.credential))], answer)
        return passkey, answer.response.authenticator_data.counter
    except Passkey.DoesNotExist as problem:
        raise Refused(_("平台不认识这把通行密钥；它可能已被移除，或属于另一个账号")) from problem
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise Refused(_("这把通行密钥没有通过核对，请再试一次")) from problem
