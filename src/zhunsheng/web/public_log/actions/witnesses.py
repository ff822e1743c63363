"""Outside parties who vouch for the log: witnesses with their cosignatures, and time-stamping authorities."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.engine import public_log as engine
from zhunsheng.engine.errors import LogError
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log import policy, timestamps
from zhunsheng.web.public_log.actions.recording import record
from zhunsheng.web.public_log.models import Checkpoint, Cosignature, Timestamp, Witness

#: a witness's clock may go before ours by as much
AHEAD = datetime.timedelta(minutes=5)


def add_witness(*, by: User, at: datetime.datetime, key: str, organisation: str) -> Witness:
    """Admits a witness: its key (vkey of type cosignature) and who it is. Public. The same key again changes nothing."""
    _keeper(by)
    try:
        read = engine.read_vkey(key)
    except LogError as problem:
        raise Refused(str(problem), field="key") from problem
    if not read.is_witness:
        raise Refused(_("这是日志的公钥，不是见证人的（zhunsheng log key 的“见证人公钥”一行）"), field="key")
    if not organisation.strip():
        raise Refused(_("请写明见证单位"), field="organisation")
    with transaction.atomic():
        known = Witness.objects.filter(name=read.name).first()
        if known is not None:
            if known.key == str(read) and known.ended_at is None:
                return known
            raise Refused(_("已有名为 %(name)s 的见证人；新的公钥请用新的名称") % {"name": read.name}, field="key")
        made = Witness.objects.create(name=read.name, key=str(read), organisation=organisation.strip(), added_at=at)
        public = {"name": made.name, "organisation": made.organisation, "key": made.key}
        record("log.add_witness", "witness", made.name, by=by, at=at, public=public)
    return made


def end_witness(witness: Witness, *, by: User, at: datetime.datetime) -> Witness:
    """From now on no cosignature of this witness is taken. What it signed stays. Public."""
    _keeper(by)
    with transaction.atomic():
        found = Witness.objects.select_for_update().get(pk=witness.pk)
        if found.ended_at is None:
            found.ended_at = at
            found.save(update_fields=["ended_at"])
            record("log.end_witness", "witness", found.name, by=by, at=at, public={"name": found.name})
    return found


def add_cosignatures(note: bytes, *, by: User | None, at: datetime.datetime) -> list[Cosignature]:
    """Takes the cosignatures of known witnesses under one of our checkpoints. Returns those that are new.

    note: the checkpoint with the witness's signature line. by: None from the open address, where the signature itself
    is the permission. Raises LogError for a text or a signature that is wrong, Refused for a checkpoint that is not
    ours, a witness that is not known, or a time in the future.
    """
    if by is not None:
        _keeper(by)
    read = engine.parse_note(note)
    said = engine.read_checkpoint(read.text)
    ours = Checkpoint.objects.filter(size=said.size).first()
    if ours is None or engine.parse_note(ours.note.encode()).text != read.text:
        raise Refused(_("这不是本日志签名过的检查点（%(size)s 条）") % {"size": said.size})
    known = {row.name: row for row in Witness.objects.filter(ended_at=None)}
    try:
        signed = engine.verify_note(read, [engine.read_vkey(row.key) for row in known.values()])
    except LogError as problem:
        if problem.code == "public_log.note.unknown_key":
            raise Refused(_("没有在册见证人的签名")) from problem
        raise
    made = []
    with transaction.atomic():
        for one in signed:
            moment = _time(one.time or 0, at)
            row, new = Cosignature.objects.get_or_create(
                checkpoint=ours, witness=known[one.key.name], defaults={"at": moment, "line": str(one.line)}
            )
            if new:
                made.append(row)
                record("log.cosign", "witness", one.key.name, by=by, at=at, changes={"size": said.size})
    return made


def _time(second: int, at: datetime.datetime) -> datetime.datetime:
    if second > (at + AHEAD).timestamp():
        raise Refused(_("联署的时间在将来"))
    return datetime.datetime.fromtimestamp(second, datetime.UTC)


def timestamp(checkpoint: Checkpoint, *, by: User | None, at: datetime.datetime) -> Timestamp:
    """Has a time-stamping authority stamp a checkpoint (RFC 3161), and keeps its token. Once for each checkpoint.

    Raises Refused where no authority is set, where it does not answer, or where its answer does not verify.
    """
    known = Timestamp.objects.filter(checkpoint=checkpoint).first()
    if known is not None:
        return known
    token, moment = timestamps.stamp(checkpoint.note.encode())
    with transaction.atomic():
        made, new = Timestamp.objects.get_or_create(
            checkpoint=checkpoint, defaults={"token": token, "at": moment, "authority": timestamps.authority()}
        )
        if new:
            record("log.timestamp", "log", f"checkpoint-{checkpoint.size}", by=by, at=at)
    return made


def _keeper(by: User) -> None:
    if not policy.may_keep_log(by):
        raise NotAllowed(_("见证人和联署由系统管理员登记"))
