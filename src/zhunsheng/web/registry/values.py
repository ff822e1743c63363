"""From what people write to what the register holds: identifiers, words of a list, divisions. Each refusal says the remedy."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from zhunsheng.engine import identifiers, tables
from zhunsheng.engine.errors import IdentifierError
from zhunsheng.web.common.errors import Refused, language
from zhunsheng.web.common.errors import say as said
from zhunsheng.web.registry.models import BusinessEntity, EntityStatus, RiskClass

_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+?\d+", re.IGNORECASE)


def parse_unit_id(text: str) -> str:
    """The unit id `scheme:value`. A bare number of 18 characters is a 统一社会信用代码, one of 15 digits a 注册号.

    Raises Refused with the engine's sentence: which character is wrong, and what the check digit should be.
    """
    return _parse_unit_id(text.strip(), language())


@lru_cache(maxsize=4096)
def _parse_unit_id(text: str, lang: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    scheme, colon, value = plain.partition(":")
    if not colon:
        value = identifiers.normalise(plain)
        if _SCIENTIFIC.fullmatch(value):
            raise Refused(
                _("“%(text)s”是被表格软件改成科学计数的号码，末尾已丢失。请把这一列设为“文本”，重新填写")
                % {"text": text[:40]}
            )
        if len(value) == 18:
            scheme = "uscc"
        elif len(value) == 15 and value.isdigit():
            scheme = "reg"
        elif value.isalnum() and value.isascii() and 16 <= len(value) <= 20:
            scheme = "uscc"  # so that the sentence says which length a code has
        else:
            raise Refused(
                _(
                    "“%(text)s”不是18位统一社会信用代码，也不是15位注册号。别的号码请写成“类别：号码”，例如 toronto:10500438"
                )
                % {"text": text[:40]}
            )
    scheme = scheme.strip().lower()
    if scheme == "resident":
        raise Refused(_("公民身份号码不能作主体标识。请填统一社会信用代码"))
    if scheme in identifiers.schemes():
        verdict = identifiers.check(scheme, value)
        if not verdict.ok:
            if scheme == "uscc" and identifiers.check("resident", value).ok:
                raise Refused(_("这是公民身份号码，不能作主体标识。请填统一社会信用代码"))
            raise Refused(
                _("“%(text)s”不是有效的%(scheme)s:%(problems)s")
                % {
                    "text": verdict.value[:40],
                    "scheme": identifiers.scheme_name(scheme, lang),
                    "problems": _("；").join(problem.text(lang) for problem in verdict.problems),
                }
            )
        return f"{scheme}:{verdict.value}"
    unit_id = f"{scheme}:{value.strip()}"
    if len(unit_id) > 80:
        raise Refused(_("主体标识最长 80 字"))
    try:
        return str(identifiers.parse_id(unit_id))
    except IdentifierError as problem:
        raise Refused(said(problem)) from None


# -- words of a list ---------------------------------------------------------------------------------------------------
_ALSO: dict[str, dict[str, tuple[str, ...]]] = {
    "status": {
        "active": ("在业", "在营", "开业", "在册", "正常", "存续（在营、开业、在册）"),
        "suspended": ("歇业",),
        "cancelled": ("已注销",),
        "revoked": ("已吊销", "吊销未注销", "吊销，未注销"),
    },
    "risk_class": {one: (f"{one}类", f"{one}级") for one in "ABCD"},
    "size": {"large": ("大型企业",), "medium": ("中型企业",), "small": ("小型企业",), "micro": ("微型企业",)},
    "level": {},
}
_CHOICES: dict[str, list[Any]] = {
    "status": EntityStatus.choices,
    "risk_class": RiskClass.choices,
    "size": list(BusinessEntity._meta.get_field("size").choices or []),
    "level": list(BusinessEntity._meta.get_field("level").choices or []),
}
_TABLES = {
    "status": "registry/entity_statuses",
    "risk_class": "registry/risk_classes",
    "size": "registry/sizes",
    "entity_type": "registry/entity_types",
    "speciality": "inspection/specialities",
    "recusal_kind": "inspection/recusal_kinds",
}


def squeezed(word: str) -> str:
    """A word as it is compared: full width made plain, no case, no space."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", word)).casefold()


@tables.kept("")
def _words(name: str) -> Mapping[str, str]:
    found: dict[str, str] = {}

    def add(words: Iterable[str], code: str) -> None:
        for word in words:
            if word:
                found.setdefault(squeezed(word), code)

    for code, label in _CHOICES.get(name, []):
        for lang in ("zh-hans", "en"):
            with override(lang):
                add((str(code), str(label)), str(code))
    if name in _TABLES:
        for row in tables.load(_TABLES[name]).rows:
            add((row["code"], row["name"], row.get("name_en", "")), row["code"])
    for code, words in _ALSO.get(name, {}).items():
        add(words, code)
    return found


def choose(name: str, text: str) -> str:
    """The code of a word of the list `name` (status, size, risk_class, entity_type, level, speciality, recusal_kind), in
    Chinese, in English or as a code. Raises Refused naming the words that may be written."""
    code = _words(name).get(squeezed(text))
    if code is None:
        raise Refused(_("“%(text)s”不在可填的词里。可以填：%(known)s") % {"text": text[:40], "known": _known(name)})
    return code


def _known(name: str) -> str:
    if name in _CHOICES:
        return _("、").join(str(label) for _code, label in _CHOICES[name])
    lang = language()
    return _("、").join(row.label(lang) for row in tables.load(_TABLES[name]).rows)
