"""A new key for the log."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError
from zhunsheng.engine.signing import Ed25519Signer
from zhunsheng.keys import load_key, make_key
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log import policy, queries, signer
from zhunsheng.web.public_log.actions.recording import record
from zhunsheng.web.public_log.actions.sequencing import sequence


def rotate_key(*, by: User | None, at: datetime.datetime, new: engine.NoteKey | None = None) -> engine.NoteKey:
    """Announces a new key in the log, signed by the one in force. Returns the new key.

    new: the key of an outside signer, which the operator then sets; None: a new key file is made beside the present
    one, and takes its place when it has signed (signer.settle). by: None from the command line of the operator.
    Raises Refused before the first checkpoint, LogError where the key in force is not at hand.
    """
    if by is not None and not policy.may_keep_log(by):
        raise NotAllowed(_("日志的密钥由系统管理员更换"))
    sequence()  # what an earlier rotation left half done comes first
    origin = queries.origin()
    current = queries.key_in_force(queries.head().size)
    if current is None:
        raise Refused(_("日志还没有签名的检查点，不必更换密钥"))
    if new == current:
        return current
    holder = next((one for one in signer.signers(origin) if engine.note_key(one) == current), None)
    if holder is None:
        raise LogError("public_log.sequence.no_key", key=str(current))
    if new is None:
        if not signer.next_file().is_file():
            make_key(signer.next_file(), origin)
        new = engine.note_key(Ed25519Signer(origin, load_key(signer.next_file()).private_key))
    with transaction.atomic():
        record("log.rotate_key", "log", origin, by=by, at=at, public=engine.rotation(origin, holder, new, current))
    return new
