"""The second factor: an authenticator app, passkeys, recovery codes on paper. Each change is recorded, told to its owner, and ends
the account's other sessions.

Somebody who has the password may guess codes: five wrong ones in a row close the codes for a quarter of an hour, whatever address
they come from. A passkey cannot be guessed and stays open.
"""

import datetime
import hashlib
import secrets

from django.db import transaction
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from fido2.utils import websafe_encode
from fido2.webauthn import AuthenticatorData

from zhunsheng.web.common import telling, trail
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.people import policy, queries, sealing, totp
from zhunsheng.web.people.models import AuthenticatorApp, Passkey, RecoveryCode, User

CODES = 10
#: 16 characters of 32: 80 bits, which nobody tries out. No 0 O 1 I: they are read off paper.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
WRONG_CODES = 5
LOCKED_FOR = datetime.timedelta(minutes=15)
MOST_PASSKEYS = 20


class Locked(Refused):
    """Too many wrong codes. `until`: when codes are taken again."""

    def __init__(self, until: datetime.datetime) -> None:
        super().__init__(_("验证码连续输错 %(n)s 次，已暂时锁定") % {"n": WRONG_CODES}, field="code")
        self.until = until


def _locked(user: User) -> User:
    return User.objects.select_for_update().get(pk=user.pk)


def _changed(row: User, told: "str | Promise", *, at: datetime.datetime) -> None:
    """After a change of factors: tells the owner, and ends the account's sessions. `row` is the locked row."""
    row.session_epoch += 1
    row.save(update_fields=["session_epoch"])
    transaction.on_commit(lambda: telling.tell([row], told, reverse("people:factors"), at=at))


def _handed_back(user: User, row: User) -> None:
    """The caller's object knows what its row knows, so that its session can go on."""
    user.session_epoch = row.session_epoch


# -- recovery codes ---------------------------------------------------------------------------------------------------
def digest(code: str) -> str:
    """What is kept of a recovery code, however it was typed."""
    plain = "".join(char for char in code.upper() if char.isalnum())
    return hashlib.sha256(f"zhunsheng.recovery:{plain}".encode()).hexdigest()


def _fresh_codes(row: User) -> list[str]:
    """Ten new codes in place of all old ones; this is the only time they are known."""
    row.recovery_codes.all().delete()
    codes = ["".join(secrets.choice(ALPHABET) for _n in range(16)) for _m in range(CODES)]
    RecoveryCode.objects.bulk_create([RecoveryCode(user=row, digest=digest(code)) for code in codes], batch_size=CODES)
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def _first_codes(row: User) -> list[str]:
    return [] if row.recovery_codes.exists() else _fresh_codes(row)


def new_recovery_codes(user: User, *, at: datetime.datetime) -> list[str]:
    """Ten new recovery codes; the old ones hold no longer. Refused where there is no factor that they could replace."""
    with transaction.atomic():
        row = _locked(user)
        if not queries.has_factor(row):
            raise Refused(_("请先添加验证器应用或通行密钥，再生成恢复码"))
        codes = _fresh_codes(row)
        trail.record("factor.new_codes", "user", row.username, by=user, at=at)
        _changed(row, gettext_lazy("您的恢复码已重新生成，旧的全部作废。不是您本人办理的，请立即告知系统管理员"), at=at)
    _handed_back(user, row)
    return codes


# -- authenticator app ------------------------------------------------------------------------------------------------
def add_app(user: User, secret: str, code: str, *, at: datetime.datetime) -> list[str]:
    """Sets up the authenticator app that shows `code` for `secret`. Gives recovery codes with the first factor, else [].

    That code counts as used. Refused for a wrong code, and where an app is set up already.
    """
    step = totp.matching_step(secret, "".join(code.split()), at)
    if step is None:
        raise Refused(_("验证码不对。请输入应用现在显示的 6 位数字，并检查手机的时间是否自动校准"), field="code")
    with transaction.atomic():
        row = _locked(user)
        if AuthenticatorApp.objects.filter(user=row).exists():
            raise Refused(_("已有验证器应用；要换手机，请先移除原来的"))
        AuthenticatorApp.objects.create(user=row, secret=sealing.seal(secret), last_step=step, created_at=at)
        codes = _first_codes(row)
        trail.record("factor.add_app", "user", row.username, by=user, at=at)
        _changed(row, gettext_lazy("您的账号添加了验证器应用。不是您本人办理的，请立即告知系统管理员"), at=at)
    _handed_back(user, row)
    return codes


def remove_app(user: User, *, at: datetime.datetime) -> None:
    """Takes the authenticator app off the account. Without one nothing happens."""
    with transaction.atomic():
        row = _locked(user)
        if not AuthenticatorApp.objects.filter(user=row).delete()[0]:
            return
        trail.record("factor.remove_app", "user", row.username, by=user, at=at)
        _without(row, _("验证器应用"), at=at)
    _handed_back(user, row)


# -- passkeys ---------------------------------------------------------------------------------------------------------
def add_passkey(user: User, data: AuthenticatorData, name: str, host: str, *, at: datetime.datetime) -> list[str]:
    """Keeps a passkey that fido2 has checked. Gives recovery codes with the first factor, else []."""
    credential = data.credential_data
    if credential is None:
        raise Refused(_("这把通行密钥没有通过核对，请再试一次"))
    key = websafe_encode(credential.credential_id)
    name = _named(name)
    with transaction.atomic():
        row = _locked(user)
        if Passkey.objects.filter(credential_id=key).exists():
            raise Refused(_("这把通行密钥已经登记过"))
        if row.passkeys.count() >= MOST_PASSKEYS:
            raise Refused(_("一个账号最多 %(n)s 把通行密钥；请先移除不用的") % {"n": MOST_PASSKEYS})
        Passkey.objects.create(
            user=row, name=name, credential_id=key, credential=bytes(credential), host=host, sign_count=data.counter,
            created_at=at,
        )  # fmt: skip
        codes = _first_codes(row)
        told = format_lazy(
            gettext_lazy("您的账号添加了通行密钥“{name}”。不是您本人办理的，请立即告知系统管理员"), name=name
        )
        trail.record("factor.add_passkey", "user", row.username, by=user, at=at, changes={"passkey": name})
        _changed(row, told, at=at)
    _handed_back(user, row)
    return codes


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Refused(_("请给这把通行密钥起个名字，例如“办公室电脑”"), field="name")
    if len(name) > 60:
        raise Refused(_("名称最长 60 个字符"), field="name")
    return name


def rename_passkey(user: User, passkey: Passkey, name: str, *, at: datetime.datetime) -> Passkey:
    name = _named(name)
    with transaction.atomic():
        passkey = Passkey.objects.select_for_update().get(pk=passkey.pk, user=user)
        if passkey.name == name:
            return passkey
        changes = {"passkey": [passkey.name, name]}
        passkey.name = name
        passkey.save(update_fields=["name"])
        trail.record("factor.rename_passkey", "user", user.username, by=user, at=at, changes=changes)
    return passkey


def remove_passkey(user: User, passkey: Passkey, *, at: datetime.datetime) -> None:
    """Takes a passkey off the account. One that is gone already stays gone."""
    with transaction.atomic():
        row = _locked(user)
        if not row.passkeys.filter(pk=passkey.pk).delete()[0]:
            return
        trail.record("factor.remove_passkey", "user", row.username, by=user, at=at, changes={"passkey": passkey.name})
        _without(row, passkey.name, at=at)
    _handed_back(user, row)


def _without(row: User, name: str, *, at: datetime.datetime) -> None:
    """After a factor has gone. The last one stays where the posts ask for one; recovery codes go with it where they do not."""
    if not queries.has_factor(row):
        if policy.must_have_factor(row):
            raise Refused(_("您的岗位必须有第二重验证：请先添加另一种，再移除这一种"))
        row.recovery_codes.all().delete()
    told = format_lazy(gettext_lazy("您的账号移除了“{name}”。不是您本人办理的，请立即告知系统管理员"), name=name)
    _changed(row, told, at=at)


# -- use --------------------------------------------------------------------------------------------------------------
def use_code(user: User, typed: str, *, at: datetime.datetime) -> str:
    """Takes a code of the app ('app') or a recovery code ('recovery'); each only once.

    Raises Refused for a wrong or used code, Locked after five wrong ones in a row.
    """
    plain = "".join(char for char in typed if char.isalnum())
    with transaction.atomic():
        row = _locked(user)
        if row.wrong_code_at and at - row.wrong_code_at >= LOCKED_FOR:
            row.wrong_codes = 0
        if row.wrong_codes >= WRONG_CODES and row.wrong_code_at:
            problem: Refused | None = Locked(row.wrong_code_at + LOCKED_FOR)
            how = ""
        else:
            how, problem = _tried(row, plain, at)
            row.wrong_codes, row.wrong_code_at = (row.wrong_codes + 1, at) if problem else (0, None)
            row.save(update_fields=["wrong_codes", "wrong_code_at"])
            if row.wrong_codes >= WRONG_CODES:
                # Who typed them is not known: that is the point.
                trail.record("factor.lock", "user", row.username, by=None, at=at)
                told = gettext_lazy(
                    "有人用您的正确密码登录，验证码连续输错 5 次。不是您本人的，请立即修改密码并告知系统管理员"
                )
                transaction.on_commit(lambda: telling.tell([row], told, reverse("people:password"), at=at))
                problem = Locked(at + LOCKED_FOR)
    # Outside the transaction: the count of wrong codes stays.
    if problem:
        raise problem
    return how


def _tried(row: User, plain: str, at: datetime.datetime) -> tuple[str, "Refused | None"]:
    if not (plain.isdecimal() and len(plain) == totp.DIGITS):
        found = row.recovery_codes.filter(digest=digest(plain), used_at=None).update(used_at=at) if plain else 0
        if not found:
            return "", Refused(_("恢复码不对，或已用过"), field="recovery")
        left = row.recovery_codes.filter(used_at=None).count()
        trail.record("factor.use_code", "user", row.username, by=row, at=at, changes={"left": left})
        told = format_lazy(
            gettext_lazy("您的账号用了一个恢复码，还剩 {left} 个。不是您本人用的，请立即告知系统管理员"), left=left
        )
        transaction.on_commit(lambda: telling.tell([row], told, reverse("people:factors"), at=at))
        return "recovery", None
    app = AuthenticatorApp.objects.select_for_update().filter(user=row).first()
    if app is None:
        return "", Refused(_("此账号没有验证器应用，请用通行密钥或恢复码"), field="code")
    try:
        secret = sealing.open_sealed(app.secret)
    except sealing.CannotOpen:
        return "", Refused(
            _("平台更换过密钥，验证器应用须重新添加。请用通行密钥或恢复码，或请系统管理员重置"), field="code"
        )
    step = totp.matching_step(secret, plain, at, after=app.last_step)
    if step is None:
        return "", Refused(_("验证码不对，或已用过。请等应用显示下一个再输入"), field="code")
    app.last_step, app.last_used_at = step, at
    app.save(update_fields=["last_step", "last_used_at"])
    return "app", None


def use_passkey(user: User, passkey: Passkey, count: int, *, at: datetime.datetime) -> None:
    """Notes the use of a passkey that has been checked. Refused where its count of signatures did not grow: then there is a copy."""
    with transaction.atomic():
        row = Passkey.objects.select_for_update().get(pk=passkey.pk, user=user)
        copied = (count or row.sign_count) and count <= row.sign_count
        if copied:
            trail.record("factor.copied_passkey", "user", user.username, by=user, at=at, changes={"passkey": row.name})
        else:
            row.sign_count, row.last_used_at = count, at
            row.save(update_fields=["sign_count", "last_used_at"])
    if copied:
        raise Refused(_("这把通行密钥的使用次数不对，可能被复制。请改用另一种方式登录，移除它，并告知系统管理员"))


def note_refusal(user: User, purpose: str, *, at: datetime.datetime) -> None:
    """Records that a confirmation before an important act failed."""
    trail.record("step_up.refuse", "user", user.username, by=user, at=at, changes={"purpose": purpose})


# -- by the administrator ---------------------------------------------------------------------------------------------
def reset_factors(user: User, *, by: "User | None", at: datetime.datetime, reason: str) -> User:
    """Takes every second factor off an account whose owner lost them. The owner is told, and every session of the account ends.

    `by` None: the operator, at the shell of the machine. Refused for one's own account, and without a reason.
    """
    if by is not None:
        if not policy.may_manage_people(by):
            raise NotAllowed(_("第二重验证由系统管理员重置"))
        if user.pk == by.pk:
            raise Refused(_("自己的第二重验证请在“登录验证”页管理；全部丢失的，请另一名系统管理员重置"))
        if user.is_superuser and not by.is_superuser:
            raise NotAllowed(_("超级管理员的第二重验证只能由超级管理员重置"))
    if not reason.strip():
        raise Refused(_("请写明重置理由和核实本人身份的方式"), field="reason")
    with transaction.atomic():
        row = _locked(user)
        gone = [
            *(["app"] if AuthenticatorApp.objects.filter(user=row).delete()[0] else []),
            *row.passkeys.values_list("name", flat=True),
        ]
        row.passkeys.all().delete()
        row.recovery_codes.all().delete()
        if not gone:
            return row
        row.wrong_codes, row.wrong_code_at = 0, None
        row.save(update_fields=["wrong_codes", "wrong_code_at"])
        told = gettext_lazy("系统管理员重置了您的第二重验证。您没有提出过的，请立即告知质强办")
        changes = {"factors": gone}
        trail.record("factor.reset", "user", row.username, by=by, at=at, reason=reason.strip(), changes=changes)
        _changed(row, told, at=at)
    return row
