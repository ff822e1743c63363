"""What the public may read about a business entity: the facts of its registration, and where each of them comes from."""

import datetime
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from zhunsheng.engine import tables
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.registry.models import BusinessEntity

#: The scheme that is left out of an address: /firms/91350100M000100Y43/ is /firms/uscc:91350100M000100Y43/.
USCC = "uscc"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact with its source and the day on which the register took it over."""

    label: "str | Promise"
    value: str
    source: str
    on: datetime.date
    note: str = ""


def unit_id_of(code: str) -> str:
    """The unit id that an address names: a code without a scheme is a 统一社会信用代码."""
    code = code.strip()
    return code if ":" in code else f"{USCC}:{code.upper()}"


def address_code(unit_id: str) -> str:
    """How a unit id is written in an address."""
    scheme, _colon, code = unit_id.partition(":")
    return code if scheme == USCC else unit_id


def firm_url(entity: BusinessEntity) -> str:
    return reverse("portal:firm", args=[address_code(entity.unit_id)])


def find(code: str) -> BusinessEntity | None:
    return BusinessEntity.objects.select_related("division__parent__parent").filter(unit_id=unit_id_of(code)).first()


def source_of(entity: BusinessEntity) -> str:
    return entity.source_system or _("本市名录库")


def industry(code: str) -> "tables.Row | None":
    """The row of GB/T 4754 for a code, or for the longest beginning of it that the table has."""
    rows = {row["code"]: row for row in tables.load("industry/gbt4754").rows}
    while code:
        if code in rows:
            return rows[code]
        code = code[:-1]
    return None


def division_path(entity: BusinessEntity) -> str:
    """The division from the city down, in the language of the page."""
    names, here = [], entity.division
    while here is not None:
        names.append(named(here))
        here = here.parent
    return " · ".join(reversed(names))


def facts(entity: BusinessEntity) -> list[Fact]:
    """The public facts of registration. The risk class is for internal use and is not among them."""
    source, on = source_of(entity), entity.updated_at.date()
    found = [
        Fact(_("名称"), entity.name, source, on),
        Fact(
            _("统一社会信用代码") if entity.scheme == USCC else _("主体标识"), address_code(entity.unit_id), source, on
        ),
        Fact(_("登记状态"), entity.get_status_display(), source, on),
    ]
    if entity.industry:
        row = industry(entity.industry)
        label = row.label(language()) if row else ""
        found.append(Fact(_("行业"), label or entity.industry, source, on, note=f"GB/T 4754 {entity.industry}"))
    if entity.division:
        found.append(Fact(_("所在区划"), division_path(entity), source, on))
    return found
