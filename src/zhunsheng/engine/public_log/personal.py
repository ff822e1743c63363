"""Personal data and the public log: a log cannot be erased, so what may have to be erased never stands in it.

Where an act must be bound to such a datum, the log holds a commitment. Who is given the datum and the salt can check
it; without the salt (32 random bytes, kept outside the log and deleted with the datum) nobody can guess it back.
Numbers of inspectors (执法证号) are published by law and stay (国办发〔2018〕118号).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from zhunsheng.engine.errors import LogError
from zhunsheng.engine.identifiers import check
from zhunsheng.engine.public_log.jcs import Json
from zhunsheng.engine.suites import SHA256, Suite

#: keys under which only a datum about a person can stand
PERSONAL_KEYS = frozenset(
    [
        "address_home",
        "birthday",
        "birth_date",
        "contact",
        "contact_name",
        "contact_phone",
        "display_name",
        "email",
        "e_mail",
        "gender",
        "id_card",
        "id_number",
        "id_no",
        "legal_person",
        "legal_representative",
        "mobile",
        "password",
        "person_name",
        "phone",
        "real_name",
        "resident_id",
        "sex",
        "tel",
        "telephone",
        "username",
        "user_name",
        "wechat",
        "姓名",
        "联系人",
        "联系电话",
        "电话",
        "手机",
        "手机号",
        "手机号码",
        "身份证",
        "身份证号",
        "身份证号码",
        "公民身份号码",
        "法定代表人",
        "经营者",
        "邮箱",
        "电子邮箱",
        "微信",
        "住址",
        "家庭住址",
        "性别",
        "出生日期",
    ]
)

_SALT = re.compile(r"[0-9a-f]{64}")
_RESIDENT = re.compile(r"(?<![0-9A-Za-z])[1-9][0-9]{16}[0-9Xx](?![0-9A-Za-z])")
_MOBILE = re.compile(r"(?<![0-9A-Za-z-])1[3-9][0-9]{9}(?![0-9A-Za-z])")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
#: an address amid Chinese words, which have no spaces
_WRITTEN_MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")


def commitment(value: str, salt: str, suite: Suite = SHA256) -> str:
    """H("zhunsheng/log/1/commitment|" + salt + "|" + value), 64 lower-case hexadecimal digits.

    salt: 64 lower-case hexadecimal digits, drawn by the caller from the operating system, one for each value.
    """
    if not _SALT.fullmatch(salt):
        raise LogError("public_log.personal.bad_salt")
    return suite.hex(f"zhunsheng/log/1/commitment|{salt}|{value}".encode())


def refuse_personal(data: Json, where: str = "data") -> None:
    """Refuses public data that are obviously about a person: by their key, or by a value that is a resident number
    (GB 11643), a mobile number or a mail address. It cannot know every name; who writes the entry answers for it.
    """
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key.lower() in PERSONAL_KEYS:
                raise LogError("public_log.personal.key", where=where, key=key)
            refuse_personal(value, f"{where}.{key}")
    elif isinstance(data, list | tuple):
        for number, value in enumerate(data):
            refuse_personal(value, f"{where}[{number}]")
    elif isinstance(data, str):
        for found in _RESIDENT.finditer(data):
            digits = found.group().upper()
            if check("resident", digits).ok and not check("uscc", digits).ok:
                raise LogError("public_log.personal.value", where=where)
        if _MOBILE.search(data) or _MAIL.search(data):
            raise LogError("public_log.personal.value", where=where)


def struck(text: str) -> str:
    """The text with every resident number, mobile number and mail address struck out: ＊＊＊. For what stands in lists."""
    for pattern in (_RESIDENT, _MOBILE, _WRITTEN_MAIL):
        text = pattern.sub("＊＊＊", text)
    return text
