"""What the register takes from files: business entities, inspectors, recusals."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.spreadsheet import parse_day
from zhunsheng.web.desk.importing import ImportColumn, ImportKind, Item, Row, Verdict
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.registry import actions, policy
from zhunsheng.web.registry.actions.diff import changed, plain
from zhunsheng.web.registry.models import BusinessEntity, Division, Inspector, Park, Premises, Qualification, Recusal
from zhunsheng.web.registry.queries import in_scope, inspectors_visible_to
from zhunsheng.web.registry.values import choose, parse_unit_id, squeezed
from zhunsheng.web.registry.words import COMPUTED_RECUSALS, industry_codes, industry_sections, value_of

CHUNK = 900  # parameters of one IN (…): below SQLite's old limit

LENGTHS = {
    "name": 200, "address": 300, "tags": 200, "risk_class_source": 120, "source_system": 60, "upstream_no": 80, "handling_organ": 120,
    "premises_name": 200, "premises_address": 300, "datum": 10, "certificate_no": 40, "note": 200, "person_no": 40,
}  # fmt: skip


def _column(
    key: str,
    label: Any,
    help: Any = "",
    example: str = "",
    *,
    also: str = "",
    required: bool = False,
    many: bool = False,
) -> ImportColumn:  # noqa: A002
    return ImportColumn(key, label, tuple(also.split()), required=required, many=many, help=help, example=example)


# -- pieces of every kind ---------------------------------------------------------------------------------------------
def _take(row: Row, key: str, read: Callable[[str], Any]) -> Any:
    """What `read` makes of a filled cell; None for an empty one or after noting its refusal as the row's problem."""
    text = row.get(key)
    if not text:
        return None
    try:
        return read(text)
    except Refused as problem:
        row.wrong(key, str(problem))
        return None


def _short(row: Row, key: str) -> "str | None":
    text = row.get(key)
    most = LENGTHS[key]
    if len(text) > most:
        row.wrong(key, _("有 %(n)s 字，最多 %(most)s 字") % {"n": len(text), "most": most})
        return None
    return text or None


def _number(row: Row, key: str, low: float, high: float) -> "float | None":
    text = row.get(key)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        row.wrong(key, _("“%(text)s”不是数字") % {"text": text[:40]})
        return None
    if not low <= value <= high:
        row.wrong(key, _("%(text)s 不在 %(low)s 至 %(high)s 之间") % {"text": text[:40], "low": low, "high": high})
        return None
    return value


class Places:
    """Divisions and parks by code and by name, for one run. A name that two places bear is refused."""

    def __init__(self) -> None:
        self.divisions: dict[str, Division] = {one.code: one for one in Division.objects.all()}
        self.parks: dict[str, Park] = {one.code: one for one in Park.objects.all()}
        self._named: dict[str, list[Division]] = {}
        for one in self.divisions.values():
            above = self.divisions.get(one.parent_id or "")
            for words in {
                one.name,
                f"{above.name if above else ''}{one.name}",
                one.name_en,
                f"{above.name_en if above else ''}{one.name_en}",
            }:
                if words:
                    self._named.setdefault(squeezed(words), []).append(one)
        self._parks_named = {
            squeezed(words): one for one in self.parks.values() for words in (one.name, one.name_en) if words
        }
        self._answers: dict[str, Division] = {}

    def division(self, text: str) -> Division:
        """The division of a code (6, 9 or 12 digits) or of a name, with its county before it where two bear it."""
        known = self._answers.get(text)
        if known is None:
            known = self._answers[text] = self._division(text)
        return known

    def _division(self, text: str) -> Division:
        code = text.strip()
        if code.isdigit():
            shorter = [
                code,
                code.removesuffix("000000"),
                code.removesuffix("000"),
                code[:9] if len(code) == 12 else code,
            ]
            for one in shorter:
                if one in self.divisions:
                    return self.divisions[one]
            raise Refused(
                _("没有代码为“%(code)s”的区划。请填本市县区（6位）或乡镇街道（9位）的代码") % {"code": code[:20]}
            )
        found = self._named.get(squeezed(text), [])
        if len(found) == 1:
            return found[0]
        if found:
            raise Refused(
                _("有 %(n)s 个区划叫“%(name)s”(%(codes)s)。请改填代码")
                % {"n": len(found), "name": text[:20], "codes": _("、").join(one.code for one in found)}
            )
        raise Refused(_("没有叫“%(name)s”的区划。请填区划代码或全称") % {"name": text[:20]})

    def park(self, text: str) -> Park:
        found = self.parks.get(text.strip()) or self._parks_named.get(squeezed(text))
        if found is None:
            raise Refused(_("没有叫“%(name)s”的园区。请填园区代码或全称") % {"name": text[:20]})
        return found


def _industry(text: str) -> str:
    code = text.strip().upper()
    if len(code) > 1 and code[0].isalpha() and code[1:].isdigit() and code[1:3] in industry_sections().get(code[0], ()):
        code = code[1:]  # C1411, as forms of the statistics office write it
    if code not in industry_codes():
        hint = f"0{code}" if f"0{code}" in industry_codes() else ""
        if hint:
            raise Refused(
                _("GB/T 4754-2017 没有代码“%(code)s”；是不是 %(hint)s（开头的 0 被表格软件去掉了）")
                % {"code": code[:10], "hint": hint}
            )
        raise Refused(_("GB/T 4754-2017 没有代码“%(code)s”。请填门类字母或 2 至 4 位数字") % {"code": code[:10]})
    return code


# -- business entities ------------------------------------------------------------------------------------------------
ENTITY_COLUMNS = (
    _column("unit_id", gettext_lazy("主体标识"), gettext_lazy("统一社会信用代码（18位）、注册号（15位），或“类别：号码”"), "91350100M000100Y43", required=True,
            also="统一社会信用代码 社会信用代码 信用代码 统一信用代码 主体代码 注册号 uscc unitid"),
    _column("name", gettext_lazy("名称"), gettext_lazy("营业执照上的全称；新增时必填"), "衡川市示例食品有限公司", also="企业名称 单位名称 主体名称 经营主体名称 字号名称 公司名称 机构名称"),
    _column("entity_type", gettext_lazy("主体类型"), gettext_lazy("名称或代码，例如 有限责任公司、个体工商户"), "有限责任公司", also="企业类型 类型 市场主体类型"),
    _column("industry", gettext_lazy("行业代码"), gettext_lazy("GB/T 4754-2017 门类字母或 2 至 4 位数字"), "1411", also="行业(GB/T4754) 行业 行业分类代码 国民经济行业代码 行业类别"),
    _column("size", gettext_lazy("规模"), gettext_lazy("大型、中型、小型、微型"), "小型", also="企业规模 划型"),
    _column("status", gettext_lazy("登记状态"), gettext_lazy("存续、停业、注销、吊销、撤销、迁出；不填的新增主体为存续"), "存续", also="状态 经营状态 企业状态 主体状态"),
    _column("established_on", gettext_lazy("成立日期"), gettext_lazy("五种写法都认：2017年5月3日、2017-05-03、2017/5/3、2017.5.3、20170503"), "2017-05-03", also="注册日期 登记日期 成立时间"),
    _column("address", gettext_lazy("住所"), gettext_lazy("营业执照上的住所"), "衡川市望衡区示例路1号", also="住所（经营场所） 注册地址 地址 企业地址 企业住所"),
    _column("division", gettext_lazy("区划代码"), gettext_lazy("县（市、区）6位或乡镇街道9位代码，也可填名称"), "990101001", also="行政区划 行政区划代码 所属区划 所在区划 辖区 乡镇街道"),
    _column("park", gettext_lazy("园区"), gettext_lazy("园区名称或代码"), "", also="所属园区 产业集聚区 园区代码"),
    _column("tags", gettext_lazy("标签"), gettext_lazy("多个标签用空格分开"), "食品 学校周边"),
    _column("risk_class", gettext_lazy("信用风险分类"), gettext_lazy("A、B、C、D；内部使用，不对外公开"), "B", also="风险分类 信用等级 风险等级 分类等级 信用风险等级"),
    _column("risk_class_source", gettext_lazy("分类来源"), gettext_lazy("谁评的、哪份文件；不填则记为这次导入"), "省通用型分类 2026 年 10 月", also="分类依据 风险分类来源"),
    _column("risk_class_on", gettext_lazy("分类日期"), gettext_lazy("哪天评的；不填则记为导入当日"), "2026-10-31", also="评定日期 风险分类日期"),
    _column("source_system", gettext_lazy("来源系统"), gettext_lazy("数据从哪个系统来"), "省登记系统", also="数据来源"),
    _column("upstream_no", gettext_lazy("上级系统编号"), gettext_lazy("在来源系统里的编号"), "", also="来源编号 外部编号"),
    _column("handling_organ", gettext_lazy("办理机关"), gettext_lazy("登记机关"), "衡川市市场监督管理局", also="登记机关 发证机关"),
    _column("level", gettext_lazy("层级"), gettext_lazy("国家级、省级、市级、县级；不填的新增主体为市级"), "市级", also="登记层级"),
    _column("premises_name", gettext_lazy("场所名称"), gettext_lazy("第一个经营场所的名称；与主体同名可不填"), "", also="门店名称 招牌名称"),
    _column("premises_address", gettext_lazy("场所地址"), gettext_lazy("检查人员照它找到场所"), "衡川市望衡区示例路1号", also="经营场所 经营地址 生产地址"),
    _column("latitude", gettext_lazy("纬度"), gettext_lazy("十进制度数"), "35.1234", also="lat y坐标"),
    _column("longitude", gettext_lazy("经度"), gettext_lazy("十进制度数"), "113.1234", also="lng lon long x坐标"),
    _column("datum", gettext_lazy("坐标系"), gettext_lazy("CGCS2000、WGS84 或 GCJ02；填了经纬度就必填"), "CGCS2000"),
)  # fmt: skip
_TEXTS = ("name", "address", "tags", "risk_class_source", "source_system", "upstream_no", "handling_organ")
_PREMISES = {
    "premises_name": "name",
    "premises_address": "address",
    "latitude": "latitude",
    "longitude": "longitude",
    "datum": "datum",
}
DATUMS = ("CGCS2000", "WGS84", "GCJ02")


def _datum(text: str) -> str:
    code = squeezed(text).upper().replace("-", "")
    if code not in DATUMS:
        raise Refused(
            _("“%(text)s”不是认识的坐标系。可以填：%(known)s") % {"text": text[:20], "known": _("、").join(DATUMS)}
        )
    return code


@dataclass(slots=True)
class EntityValue:
    """An entity as the file says it: only the fields that the file fills. Empty cells say nothing."""

    unit_id: str
    values: dict[str, Any]
    premises: dict[str, Any] = field(default_factory=dict)


class EntityImporter:
    """Rows to business entities with their first premises."""

    def __init__(self, by: User, at: datetime.datetime) -> None:
        self.by = by
        self.today = timezone.localdate(at)
        self.places = Places()
        self._allowed: dict[str, bool] = {}
        self._old: dict[str, BusinessEntity] = {}
        self._premises: dict[int, Premises] = {}

    def _may(self, code: "str | None") -> bool:
        known = self._allowed.get(code or "")
        if known is None:
            known = self._allowed[code or ""] = in_scope(self.by, code)
        return known

    def parse(self, rows: Sequence[Row]) -> "EntityValue | None":
        row = rows[0]
        unit_id = _take(row, "unit_id", parse_unit_id)
        values: dict[str, Any] = {}

        def put(key: str, value: Any) -> None:
            if value is not None:
                values[key] = value

        for key in _TEXTS:
            put(key, _short(row, key))
        for key in ("entity_type", "size", "status", "risk_class", "level"):
            put(key, _take(row, key, lambda text, name=key: choose(name, text)))  # type: ignore[misc]
        put("industry", _take(row, "industry", _industry))
        for key in ("established_on", "risk_class_on"):
            day = _take(row, key, parse_day)
            if day is not None and day > self.today:
                row.wrong(key, _("%(day)s 还没有到") % {"day": day.isoformat()})
            put(key, day)
        put("division", _take(row, "division", self.places.division))
        put("park", _take(row, "park", self.places.park))
        premises: dict[str, Any] = {}
        for key, name in _PREMISES.items():
            value: Any
            if key in ("premises_name", "premises_address"):
                value = _short(row, key)
            elif key == "datum":
                value = _take(row, key, _datum)
            else:
                value = _number(row, key, *((-90, 90) if key == "latitude" else (-180, 180)))
            if value is not None:
                premises[name] = value
        if ("latitude" in premises) != ("longitude" in premises) and not row.problems:
            row.wrong("latitude" if "latitude" not in premises else "longitude", _("经纬度要一起填"))
        if "latitude" in premises and "datum" not in premises and not row.problems:
            row.wrong("datum", _("填了经纬度，就要写明坐标系"))
        if "latitude" not in premises:
            premises.pop("datum", None)
        if unit_id is None or row.problems:
            return None
        return EntityValue(unit_id, values, premises)

    def key(self, value: EntityValue) -> str:
        return value.unit_id

    def compare(self, items: Sequence[Item], *, locking: bool) -> None:
        ids = [item.value.unit_id for item in items]
        known = BusinessEntity.objects.select_for_update() if locking else BusinessEntity.objects
        for start in range(0, len(ids), CHUNK):
            for entity in known.filter(unit_id__in=ids[start : start + CHUNK]):
                self._old[entity.unit_id] = entity
        keys = [
            self._old[item.value.unit_id].pk
            for item in items
            if item.value.premises and item.value.unit_id in self._old
        ]
        for start in range(0, len(keys), CHUNK):
            for premises in Premises.objects.filter(entity__in=keys[start : start + CHUNK], no=1):
                self._premises[premises.entity_id] = premises
        for item in items:
            old = self._old.get(item.value.unit_id)
            if old is None:
                self._compare_new(item)
            else:
                self._compare_old(item, old)

    def _compare_new(self, item: Item) -> None:
        value, row = item.value, item.row
        if "name" not in value.values:
            row.wrong("name", _("名录里没有这个主体，新增时必须填名称"))
        division = value.values.get("division")
        if not self._may(division.pk if division else None):
            row.wrong("division", _("不在您的辖区。请填您辖区内的区划代码"))
        if value.premises and "address" not in value.premises and "address" not in value.values:
            row.wrong("premises_address", _("请填场所地址"))
        item.verdict = Verdict.CREATE

    def _compare_old(self, item: Item, old: BusinessEntity) -> None:
        value, row = item.value, item.row
        if not self._may(old.division_id):
            row.wrong("unit_id", _("名录里已有这个主体，但不在您的辖区，不能更改"))
            return
        division = value.values.get("division")
        if division is not None and not self._may(division.pk):
            row.wrong("division", _("不能改到您的辖区之外"))
            return
        changes = {}
        for name, new in value.values.items():
            if name in ("division", "park"):
                if getattr(old, f"{name}_id") != new.pk:
                    before = self.places.divisions.get(old.division_id or "") if name == "division" else None
                    changes[name] = [plain(before) if before else getattr(old, f"{name}_id"), plain(new)]
            elif getattr(old, name) != new:
                changes[name] = [plain(getattr(old, name)), plain(new)]
        if value.premises:
            now = self._premises.get(old.pk)
            if now is None:
                changes["premises"] = [None, {name: plain(new) for name, new in value.premises.items()}]
            else:
                changes.update({f"premises_{name}": pair for name, pair in changed(now, value.premises).items()})
        item.changes = changes
        item.verdict = Verdict.UPDATE if changes else Verdict.UNCHANGED

    def write(self, items: Sequence[Item], *, by: User, at: datetime.datetime, reason: str) -> None:
        new: list[BusinessEntity] = []
        new_premises: list[Premises] = []
        changes: list[tuple[BusinessEntity, dict[str, list[Any]]]] = []
        changed_premises: list[Premises] = []
        for item in items:
            value: EntityValue = item.value
            if item.verdict is Verdict.CREATE:
                entity = BusinessEntity(unit_id=value.unit_id, **value.values)
                self._source_of_class(entity, reason)
                new.append(entity)
                if value.premises:
                    premises = Premises(entity=entity, no=1, **value.premises)
                    premises.address = premises.address or entity.address
                    premises.division, premises.park = entity.division, entity.park
                    new_premises.append(premises)
            elif item.verdict is Verdict.UPDATE:
                entity = self._old[value.unit_id]
                for name, new_value in value.values.items():
                    setattr(entity, name, new_value)
                if "risk_class" in item.changes:
                    if "risk_class_source" not in value.values:
                        entity.risk_class_source = ""
                    if "risk_class_on" not in value.values:
                        entity.risk_class_on = None
                self._source_of_class(entity, reason)
                changes.append((entity, item.changes))
                if value.premises:
                    premises = self._premises.get(entity.pk) or Premises(
                        entity=entity,
                        no=1,
                        address=entity.address,
                        division_id=entity.division_id,
                        park_id=entity.park_id,
                    )
                    for name, new_value in value.premises.items():
                        setattr(premises, name, new_value)
                    changed_premises.append(premises)
        actions.register_many(new, new_premises, by=by, at=at, reason=reason)
        actions.change_many(changes, changed_premises, by=by, at=at, reason=reason)

    def _source_of_class(self, entity: BusinessEntity, reason: str) -> None:
        """A class never stands without saying where it came from and when."""
        if entity.risk_class:
            entity.risk_class_source = entity.risk_class_source or reason[:120]
            entity.risk_class_on = entity.risk_class_on or self.today


ENTITIES = ImportKind(
    "entities",
    gettext_lazy("经营主体"),
    ENTITY_COLUMNS,
    EntityImporter,
    policy.may_import,
    help=gettext_lazy(
        "名录库中的企业、个体工商户和其他主体，可带第一个经营场所。按主体标识对照：没有的新增，有的更新填了的列。"
    ),
    url="registry:home",
    order=10,
    show=lambda name, value: value_of(BusinessEntity, name, value),
)


# -- inspectors -------------------------------------------------------------------------------------------------------
INSPECTOR_COLUMNS = (
    _column("person_no", gettext_lazy("人员编号"), gettext_lazy("公示用编号，不用身份证号"), "HC-0101", required=True, also="编号 检查人员编号 工号"),
    _column("name", gettext_lazy("姓名"), gettext_lazy("新增时必填；不对外公布"), "", also="检查人员 人员姓名"),
    _column("office", gettext_lazy("机构"), gettext_lazy("机构代码、全称或简称；新增时必填"), "市市场监管局", also="单位 所属机构 部门 机构代码 所在单位"),
    _column("certificate_no", gettext_lazy("执法证号"), "", "豫H0101", also="执法证编号 证件号"),
    _column("certificate_valid_to", gettext_lazy("执法证有效期至"), gettext_lazy("日期"), "2027-12-31", also="证件有效期 有效期至 执法证有效期"),
    _column("home_division", gettext_lazy("常驻区划"), gettext_lazy("区划代码或名称"), "990101001", also="常住地 常住地区划"),
    _column("status", gettext_lazy("状态"), gettext_lazy("在岗、请假、离岗；请假的起止在人员页登记"), "在岗", also="在岗状态 人员状态"),
    _column("level", gettext_lazy("层级"), gettext_lazy("国家级、省级、市级、县级"), "市级"),
    _column("speciality", gettext_lazy("专业"), gettext_lazy("名称或代码；几个专业用分号隔开，或各占一行（人员编号相同）"), "食品生产；特种设备", also="检查专业 专业代码 擅长专业", many=True),
    _column("qualification_no", gettext_lazy("资质证书号"), gettext_lazy("对应这一行的专业"), "", also="证书号", many=True),
    _column("valid_from", gettext_lazy("资质生效日期"), gettext_lazy("对应这一行的专业"), "2024-01-01", also="生效日期", many=True),
    _column("valid_to", gettext_lazy("资质失效日期"), gettext_lazy("对应这一行的专业"), "2026-12-31", also="失效日期", many=True),
)  # fmt: skip
_STATUSES = {
    "在岗": "active",
    "active": "active",
    "在职": "active",
    "请假": "leave",
    "leave": "leave",
    "离岗": "left",
    "left": "left",
    "离职": "left",
    "调离": "left",
    "退休": "left",
}


def _inspector_status(text: str) -> str:
    code = _STATUSES.get(squeezed(text))
    if code is None:
        raise Refused(_("“%(text)s”不在可填的词里。可以填：在岗、请假、离岗") % {"text": text[:20]})
    return code


class OfficeNames:
    """Offices by code, name and short name; those of the user's area say yes."""

    def __init__(self) -> None:
        self._named: dict[str, list[Office]] = {}
        for office in Office.objects.order_by("valid_from"):
            for words in {office.code, office.name, office.short_name, office.name_en}:
                if words:
                    self._named.setdefault(squeezed(words), []).append(office)

    def find(self, text: str) -> Office:
        found = self._named.get(squeezed(text), [])
        if not found:
            raise Refused(_("没有叫“%(name)s”的机构。请填机构代码、全称或简称") % {"name": text[:30]})
        open_ones = [office for office in found if office.valid_to is None] or found
        if len({office.pk for office in open_ones}) > 1:
            raise Refused(_("有几个机构叫“%(name)s”。请填机构代码") % {"name": text[:30]})
        return open_ones[0]


@dataclass(slots=True)
class InspectorValue:
    """An inspector as the file says it. `qualifications`: (speciality, first day) → (certificate number, last day)."""

    person_no: str
    values: dict[str, Any]
    qualifications: dict[tuple[str, "datetime.date | None"], tuple[str, "datetime.date | None"]] = field(
        default_factory=dict
    )


class InspectorImporter:
    """Rows to inspectors; the rows of one number are one person with several qualifications."""

    def __init__(self, by: User, at: datetime.datetime) -> None:
        self.by = by
        self.places = Places()
        self.offices = OfficeNames()
        self._old: dict[str, Inspector] = {}
        self._qualifications: dict[tuple[int, str, datetime.date | None], Qualification] = {}
        self._may: dict[int, bool] = {}

    def parse(self, rows: Sequence[Row]) -> "InspectorValue | None":
        row = rows[0]
        person_no = _short(row, "person_no")
        values: dict[str, Any] = {}
        name = row.get("name")
        if len(name) > 40:
            row.wrong("name", _("有 %(n)s 字，最多 %(most)s 字") % {"n": len(name), "most": 40})
        for key, value in (
            ("name", name or None),
            ("office", _take(row, "office", self.offices.find)),
            ("certificate_no", _short(row, "certificate_no")),
            ("certificate_valid_to", _take(row, "certificate_valid_to", parse_day)),
            ("home_division", _take(row, "home_division", self.places.division)),
            ("status", _take(row, "status", _inspector_status)),
            ("level", _take(row, "level", lambda text: choose("level", text))),
        ):
            if value is not None:
                values[key] = value
        found: dict[tuple[str, datetime.date | None], tuple[str, datetime.date | None]] = {}
        for one in rows:
            first, last = _take(one, "valid_from", parse_day), _take(one, "valid_to", parse_day)
            if first and last and last < first:
                one.wrong("valid_to", _("失效日期不能早于生效日期"))
            for words in filter(None, one.get("speciality").replace("\uff1b", ";").replace("、", ";").split(";")):
                code = _take(
                    Row(one.number, {"speciality": words}, one.problems, one.labels),
                    "speciality",
                    lambda text: choose("speciality", text),
                )
                if code is not None:
                    if (code, first) in found:
                        one.wrong("speciality", _("“%(name)s”从同一天起写了两次") % {"name": words})
                    found[code, first] = (one.get("qualification_no"), last)
        if person_no is None or any(one.problems for one in rows):
            return None
        return InspectorValue(person_no, values, found)

    def key(self, value: InspectorValue) -> str:
        return value.person_no

    def _allowed(self, inspector: Inspector) -> bool:
        key = inspector.office.pk
        if key not in self._may:
            self._may[key] = policy.may_edit_inspector(self.by, inspector)
        return self._may[key]

    def compare(self, items: Sequence[Item], *, locking: bool) -> None:
        numbers = [item.value.person_no for item in items]
        known = Inspector.objects.select_for_update(of=("self",)) if locking else Inspector.objects
        for start in range(0, len(numbers), CHUNK):
            for inspector in known.filter(person_no__in=numbers[start : start + CHUNK]).select_related("office"):
                self._old[inspector.person_no] = inspector
        keys = [one.pk for one in self._old.values()]
        for start in range(0, len(keys), CHUNK):
            for row in Qualification.objects.filter(inspector__in=keys[start : start + CHUNK]):
                self._qualifications[row.inspector_id, row.speciality, row.valid_from] = row
        for item in items:
            self._compare(item)

    def _compare(self, item: Item) -> None:
        value: InspectorValue = item.value
        row = item.row
        old = self._old.get(value.person_no)
        if old is None:
            for key in ("name", "office"):
                if key not in value.values:
                    row.wrong(key, _("名录里没有这个编号，新增时必须填"))
            if "office" in value.values and not self._allowed(Inspector(office=value.values["office"])):
                row.wrong("office", _("不是您能登记的机构"))
            item.verdict = Verdict.CREATE
            return
        if not self._allowed(old):
            row.wrong("person_no", _("名录里已有这个编号，但不属于您能登记的机构"))
            return
        if "office" in value.values and not self._allowed(Inspector(office=value.values["office"])):
            row.wrong("office", _("不能调到您管不到的机构"))
            return
        changes = {
            name: [_key(getattr(old, name)), _key(new)]
            for name, new in value.values.items()
            if (
                getattr(old, f"{name}_id") != new.pk
                if name in ("office", "home_division")
                else getattr(old, name) != new
            )
        }
        for (speciality, first), (number, last) in value.qualifications.items():
            now = self._qualifications.get((old.pk, speciality, first))
            if now is None:
                changes[f"qualification {speciality} {first or ''}".strip()] = [None, plain(last) or ""]
            elif (number and now.certificate_no != number) or (last is not None and now.valid_to != last):
                changes[f"qualification {speciality} {first or ''}".strip()] = [
                    plain(now.valid_to),
                    plain(last or now.valid_to),
                ]
        item.changes = changes
        item.verdict = Verdict.UPDATE if changes else Verdict.UNCHANGED

    def write(self, items: Sequence[Item], *, by: User, at: datetime.datetime, reason: str) -> None:
        new: list[Inspector] = []
        changes: list[tuple[Inspector, dict[str, list[Any]]]] = []
        rows: list[Qualification] = []
        for item in items:
            value: InspectorValue = item.value
            if item.verdict is Verdict.UNCHANGED:
                continue
            if item.verdict is Verdict.CREATE:
                inspector = Inspector(person_no=value.person_no, **value.values)
                new.append(inspector)
            else:
                inspector = self._old[value.person_no]
                for name, new_value in value.values.items():
                    setattr(inspector, name, new_value)
                changes.append((inspector, item.changes))
            for (speciality, first), (number, last) in value.qualifications.items():
                row = self._qualifications.get((inspector.pk, speciality, first)) if inspector.pk else None
                if row is None:
                    row = Qualification(inspector=inspector, speciality=speciality, valid_from=first)
                row.inspector = inspector
                row.certificate_no = number or row.certificate_no
                row.valid_to = last if last is not None else row.valid_to
                rows.append(row)
        actions.write_inspectors(new, changes, rows, by=by, at=at, reason=reason)


def _key(value: Any) -> Any:
    return plain(value)


INSPECTORS = ImportKind(
    "inspectors",
    gettext_lazy("检查人员"),
    INSPECTOR_COLUMNS,
    InspectorImporter,
    policy.may_add_inspector,
    group_by=("person_no",),
    help=gettext_lazy("检查人员名录和资质。按人员编号对照；一人有几项资质时可以占几行。"),
    url="registry:inspectors",
    order=20,
    show=lambda name, value: value_of(Inspector, name, value),
)


# -- recusals ---------------------------------------------------------------------------------------------------------
RECUSAL_COLUMNS = (
    _column("person_no", gettext_lazy("人员编号"), gettext_lazy("检查人员名录中的编号"), "HC-0101", required=True, also="检查人员编号 编号"),
    _column("unit_id", gettext_lazy("主体标识"), gettext_lazy("统一社会信用代码、注册号，或“类别：号码”"), "91350100M000100Y43", required=True, also="统一社会信用代码 信用代码"),
    _column("kind", gettext_lazy("回避情形"), gettext_lazy("名称或代码，例如 近亲属有利害关系"), "曾在该单位任职", required=True, also="情形 回避原因 回避事由"),
    _column("note", gettext_lazy("说明"), "", "", also="备注"),
    _column("declared_on", gettext_lazy("申报日期"), gettext_lazy("不填为导入当日"), "2026-11-01", also="登记日期"),
    _column("valid_to", gettext_lazy("回避至"), gettext_lazy("不填为长期"), "2029-10-31", also="截止日期 有效期至"),
)  # fmt: skip


@dataclass(slots=True)
class RecusalValue:
    person_no: str
    unit_id: str
    kind: str
    values: dict[str, Any]
    inspector: "Inspector | None" = field(default=None, compare=False)
    entity: "BusinessEntity | None" = field(default=None, compare=False)


class RecusalImporter:
    """Rows to recusals between inspectors and entities that are in the register."""

    def __init__(self, by: User, at: datetime.datetime) -> None:
        self.by = by
        self.today = timezone.localdate(at)
        self._inspectors: Mapping[str, Inspector] = {one.person_no: one for one in inspectors_visible_to(by)}
        self._old: dict[tuple[int, int, str], Recusal] = {}
        self._may: dict[int, bool] = {}

    def parse(self, rows: Sequence[Row]) -> "RecusalValue | None":
        row = rows[0]
        inspector = self._inspectors.get(row.get("person_no"))
        if inspector is None:
            row.wrong("person_no", _("检查人员名录里没有这个编号。请先导入或登记检查人员"))
        else:
            if inspector.pk not in self._may:
                self._may[inspector.pk] = policy.may_declare_recusal(self.by, inspector)
            if not self._may[inspector.pk]:
                row.wrong("person_no", _("不是您能登记的检查人员"))
        unit_id = _take(row, "unit_id", parse_unit_id)
        kind = _take(row, "kind", lambda text: choose("recusal_kind", text))
        if kind in COMPUTED_RECUSALS:
            row.wrong("kind", _("这种情形由抽查按检查记录自动计算，不用申报"))
        values: dict[str, Any] = {}
        for key, value in (
            ("note", _short(row, "note")),
            ("declared_on", _take(row, "declared_on", parse_day)),
            ("valid_to", _take(row, "valid_to", parse_day)),
        ):
            if value is not None:
                values[key] = value
        if "valid_to" in values and values["valid_to"] < values.get("declared_on", values["valid_to"]):
            row.wrong("valid_to", _("回避截止不能早于申报日期"))
        if unit_id is None or kind is None or row.problems:
            return None
        return RecusalValue(row.get("person_no"), unit_id, kind, values, inspector)

    def key(self, value: RecusalValue) -> str:
        return f"{value.person_no} × {value.unit_id} × {value.kind}"

    def compare(self, items: Sequence[Item], *, locking: bool) -> None:
        ids = sorted({item.value.unit_id for item in items})
        entities: dict[str, BusinessEntity] = {}
        for start in range(0, len(ids), CHUNK):
            for entity in BusinessEntity.objects.filter(unit_id__in=ids[start : start + CHUNK]):
                entities[entity.unit_id] = entity
        keys = [entity.pk for entity in entities.values()]
        known = Recusal.objects.select_for_update() if locking else Recusal.objects
        for start in range(0, len(keys), CHUNK):
            for row in known.filter(entity__in=keys[start : start + CHUNK]):
                self._old[row.inspector_id, row.entity_id, row.kind] = row
        for item in items:
            value: RecusalValue = item.value
            entity_or_none = entities.get(value.unit_id)
            if entity_or_none is None or value.inspector is None:
                item.row.wrong("unit_id", _("名录里没有这个主体。请先导入或登记"))
                continue
            value.entity = entity_or_none
            old = self._old.get((value.inspector.pk, entity_or_none.pk, value.kind))
            if old is None:
                item.verdict = Verdict.CREATE
            else:
                item.changes = changed(old, {name: new for name, new in value.values.items() if name != "declared_on"})
                item.verdict = Verdict.UPDATE if item.changes else Verdict.UNCHANGED

    def write(self, items: Sequence[Item], *, by: User, at: datetime.datetime, reason: str) -> None:
        rows: list[tuple[Recusal, dict[str, list[Any]]]] = []
        for item in items:
            value: RecusalValue = item.value
            if item.verdict is Verdict.UNCHANGED or value.inspector is None or value.entity is None:
                continue
            old = self._old.get((value.inspector.pk, value.entity.pk, value.kind))
            row = old or Recusal(
                inspector=value.inspector, entity=value.entity, kind=value.kind, declared_on=self.today
            )
            for name, new_value in value.values.items():
                if old is None or name != "declared_on":
                    setattr(row, name, new_value)
            said = {
                "entity": [None, value.unit_id],
                "kind": [None, value.kind],
                **(item.changes or {"declared_on": [None, plain(row.declared_on)]}),
            }
            rows.append((row, said))
        actions.write_recusals(rows, by=by, at=at, reason=reason)


RECUSALS = ImportKind(
    "recusals",
    gettext_lazy("回避关系"),
    RECUSAL_COLUMNS,
    RecusalImporter,
    policy.may_add_inspector,
    help=gettext_lazy("检查人员与经营主体的回避关系。两边都要先在名录里。"),
    url="registry:inspectors",
    order=30,
)

KINDS = (ENTITIES, INSPECTORS, RECUSALS)
