"""The words of the register's codes, for people: from the engine's tables where there is one."""

import datetime
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from zhunsheng.engine import tables
from zhunsheng.web.common.errors import language
from zhunsheng.web.registry.models import Premises

PARK_KINDS: Mapping[str, Promise] = {
    "industrial_cluster": _("产业集聚区"),
    "commercial_district": _("特色商业区"),
    "agricultural_park": _("农业园区"),
    "culture_tourism_park": _("文化旅游园区"),
    "high_tech_park": _("高新技术园区"),
    "scenic_park": _("景区"),
}

#: 回避情形 that the draw works out by itself and nobody declares
COMPUTED_RECUSALS = ("repeat_visit", "home_township")

#: fields of a record that the trail of a premises, qualification or recusal names, with their words
FIELD_WORDS: Mapping[str, Promise] = {
    "premises": _("经营场所"),
    "qualification": _("资质"),
    "entity": pgettext_lazy("one", "经营主体"),
    "kind": _("回避情形"),
    "note": _("说明"),
    "declared_on": _("申报日期"),
    "valid_from": _("生效日期"),
    "valid_to": _("失效日期"),
    "speciality": _("专业"),
    "account": _("企业账号"),
}


def labels(table: str, day: datetime.date) -> dict[str, str]:
    """code → name in the language of the page, for the rows of a table in force on a day."""
    lang = language()
    return {row["code"]: row.label(lang) for row in tables.load(table).valid_on(day)}


@tables.kept("")
def _names(table: str) -> Mapping[str, tuple[str, str]]:
    return {row["code"]: (row["name"], row.get("name_en") or row["name"]) for row in tables.load(table).rows}


def name_of(table: str, code: str) -> str:
    """The name of a code in the language of the page; a code that the table does not have, as it is."""
    found = _names(table).get(code)
    return code if found is None else found[1 if language() == "en" else 0]


def entity_type(code: str) -> str:
    return name_of("registry/entity_types", code)


def industry(code: str) -> str:
    return name_of("industry/gbt4754", code)


def speciality(code: str) -> str:
    return name_of("inspection/specialities", code)


def recusal_kind(code: str) -> str:
    return name_of("inspection/recusal_kinds", code)


def park_kind(code: str) -> "str | Promise":
    return PARK_KINDS.get(code, code)


@tables.kept("industry/")
def industry_sections() -> Mapping[str, tuple[str, ...]]:
    """门类 → its 大类 codes, in order: C → 13 … 43."""
    found: dict[str, list[str]] = {}
    for row in tables.load("industry/gbt4754").rows:
        if row["level"] == "section":
            found.setdefault(row["code"], [])
        elif row["level"] == "division":
            found.setdefault(row["parent"], []).append(row["code"])
    return {section: tuple(codes) for section, codes in found.items()}


@tables.kept("industry/")
def industry_codes() -> frozenset[str]:
    return frozenset(row["code"] for row in tables.load("industry/gbt4754").rows)


# -- the trail in words ------------------------------------------------------------------------------------------------
def label_of(model: type[Model], name: str) -> str:
    """The word for a field in a trail."""
    first, _space, rest = name.partition(" ")
    if first == "qualification" and rest:
        code, _space, day = rest.partition(" ")
        return gettext("资质 %(name)s") % {"name": " ".join(filter(None, [speciality(code), day]))}
    if name in FIELD_WORDS:
        return str(FIELD_WORDS[name])
    for one, bare in ((model, name), (Premises, name.removeprefix("premises_"))):
        try:
            return str(getattr(one._meta.get_field(bare), "verbose_name", name))
        except FieldDoesNotExist:
            continue
    return name


def value_of(model: type[Model], name: str, value: Any) -> str:
    """A value of a trail as people read it."""
    if value is None or value == "":
        return ""
    if isinstance(value, list):
        return _("、").join(value_of(model, "speciality", one) for one in value)
    if isinstance(value, dict):
        return _("；").join(f"{label_of(Premises, key)} {one}" for key, one in value.items())
    tables = {"entity_type": entity_type, "industry": industry, "speciality": speciality, "kind": recusal_kind}
    if name in tables:
        return f"{value} {tables[name](str(value))}" if name == "industry" else tables[name](str(value))
    try:
        choices = dict(getattr(model._meta.get_field(name), "flatchoices", None) or [])
    except FieldDoesNotExist:
        choices = {}
    return str(choices.get(value, value))
