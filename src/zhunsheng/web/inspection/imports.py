"""What the room takes from files: past results of other systems, several rows to an inspection where there are several problems."""

import datetime
from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.records import Level
from zhunsheng.web.common.spreadsheet import parse_day
from zhunsheng.web.desk.importing import ImportColumn, ImportKind, Item, Row, Verdict
from zhunsheng.web.inspection import actions, policy
from zhunsheng.web.inspection.models import CheckItem, Finding, ResultWording, Visit
from zhunsheng.web.people.models import User
from zhunsheng.web.registry.models import BusinessEntity
from zhunsheng.web.registry.queries import in_scope
from zhunsheng.web.registry.values import parse_unit_id

CHUNK = 900  # parameters of one IN (…): below SQLite's old limit
SEVERITIES = {
    "minor": "minor",
    "轻微": "minor",
    "significant": "significant",
    "较重": "significant",
    "crucial": "crucial",
    "严重": "crucial",
}
LENGTHS = {
    "no": 50, "summary": 1000, "problem": 600, "action": 200, "source_system": 60, "upstream_no": 80, "handling_organ": 120,
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


COLUMNS = (
    _column("no", gettext_lazy("记录编号"), gettext_lazy("同一编号的各行是同一次检查"), "JC2020-0001", required=True, also="检查编号 检查记录编号 文书编号 inspectionid"),
    _column("unit_id", gettext_lazy("主体标识"), gettext_lazy("名录库里已有的主体：统一社会信用代码，或“类别：号码”"), "91350100M000100Y43", required=True,
            also="统一社会信用代码 社会信用代码 信用代码 主体代码 uscc unitid"),
    _column("visited_on", gettext_lazy("检查日期"), gettext_lazy("五种写法都认"), "2020-05-03", required=True, also="日期 检查时间 inspectiondate"),
    _column("result", gettext_lazy("检查结果"), gettext_lazy("检查当天有效的结果用语，或它的代码"), "01", required=True, also="结果 检查结论 总体结果"),
    _column("problem", gettext_lazy("问题描述"), gettext_lazy("一行一个问题；没有问题则空"), "未按规定公示年度报告", also="问题 违法行为 违规情况", many=True),
    _column("severity", gettext_lazy("严重程度"), gettext_lazy("轻微、较重、严重"), "轻微", also="程度", many=True),
    _column("action", gettext_lazy("当场处理"), "", "责令改正", also="处理 处理措施 措施", many=True),
    _column("item", gettext_lazy("事项代码"), gettext_lazy("本平台事项清单中的代码；可不填"), "CJ-01", also="抽查事项", many=True),
    _column("summary", gettext_lazy("情况说明"), also="备注 说明"),
    _column("source_system", gettext_lazy("来源系统"), gettext_lazy("记录从哪个系统来"), "省双随机平台", required=True, also="数据来源"),
    _column("upstream_no", gettext_lazy("上级系统编号"), gettext_lazy("在来源系统里的编号"), also="来源编号 外部编号"),
    _column("handling_organ", gettext_lazy("办理机关"), "", "衡川市市场监督管理局", also="检查机关 执法机关"),
    _column("level", gettext_lazy("层级"), gettext_lazy("国家级、省级、市级、县级；不填为市级"), "市级"),
)  # fmt: skip


class VisitImporter:
    """Rows to past visits with their findings."""

    def __init__(self, by: User, at: datetime.datetime) -> None:
        self.by = by
        self.today = timezone.localdate(at)
        self._items = {one.code: one.pk for one in CheckItem.objects.order_by("valid_from")}
        self._wordings: dict[str, list[ResultWording]] = {}
        for one in ResultWording.objects.all():
            for name in {one.code, one.name, one.name_en} - {""}:
                self._wordings.setdefault(name, []).append(one)
        self._levels = {str(label): value for value, label in Level.choices} | {value: value for value in Level.values}
        self._entities: dict[str, BusinessEntity] = {}
        self._standing: dict[str, Visit] = {}
        self._allowed: dict[str, bool] = {}

    def parse(self, rows: Sequence[Row]) -> actions.PastVisit | None:
        row = rows[0]
        unit_id = self._take(row, "unit_id", parse_unit_id)
        visited_on = self._take(row, "visited_on", parse_day)
        if visited_on is not None and visited_on > self.today:
            row.wrong("visited_on", _("%(day)s 还没有到") % {"day": visited_on.isoformat()})
        result = self._result(row, visited_on) if visited_on is not None else None
        texts = {
            key: self._short(row, key) for key in ("no", "summary", "source_system", "upstream_no", "handling_organ")
        }
        if "-v" in texts["no"]:
            row.wrong("no", _("编号里不能有“-v”，它留给更正后的版本"))
        level = self._levels.get(row.get("level") or "city", "")
        if not level:
            row.wrong("level", _("填国家级、省级、市级或县级"))
        findings = [found for one in rows if (found := self._finding(one)) is not None]
        if any(one.problems for one in rows) or unit_id is None or visited_on is None or result is None:
            return None
        return actions.PastVisit(
            unit_id=unit_id, visited_on=visited_on, result=result, findings=tuple(findings), level=level, **texts
        )

    def _take(self, row: Row, key: str, read: Any) -> Any:
        try:
            return read(row.get(key)) if row.get(key) else None
        except Refused as problem:
            row.wrong(key, str(problem))
            return None

    def _short(self, row: Row, key: str) -> str:
        text, most = row.get(key), LENGTHS[key]
        if len(text) > most:
            row.wrong(key, _("有 %(n)s 字，最多 %(most)s 字") % {"n": len(text), "most": most})
        return text

    def _result(self, row: Row, day: datetime.date) -> str | None:
        text = row.get("result")
        for one in self._wordings.get(text, ()):
            if _in_force(one, day):
                return one.code
        if text in self._wordings:
            row.wrong(
                "result", _("“%(text)s”在 %(day)s 不是有效的结果用语") % {"text": text[:40], "day": day.isoformat()}
            )
        elif text:
            row.wrong(
                "result", _("没有结果用语“%(text)s”。请填用语或代码，或在字段对应里写明对应关系") % {"text": text[:40]}
            )
        return None

    def _finding(self, row: Row) -> actions.PastFinding | None:
        text, severity = self._short(row, "problem"), row.get("severity").strip()
        code = row.get("item")
        if code and code not in self._items:
            row.wrong("item", _("事项清单里没有代码“%(code)s”") % {"code": code[:40]})
        if severity and severity.lower() not in SEVERITIES:
            row.wrong("severity", _("填轻微、较重或严重"))
        action = self._short(row, "action")
        if not text and not code:
            return None
        verdict = Finding.Verdict.PROBLEM if text else Finding.Verdict.PASS
        return actions.PastFinding(verdict, text, SEVERITIES.get(severity.lower(), ""), action, self._items.get(code))

    def key(self, value: actions.PastVisit) -> str:
        return value.no

    def compare(self, items: Sequence[Item], *, locking: bool) -> None:
        self._load([item.value for item in items], locking=locking)
        for item in items:
            value, row = item.value, item.row
            entity = self._entities.get(value.unit_id)
            if entity is None:
                row.wrong("unit_id", _("名录库里没有这个主体；请先导入主体"))
                continue
            if not self._may(entity.division_id):
                row.wrong("unit_id", _("该主体不在您的辖区"))
                continue
            old = self._standing.get(value.no)
            if old is None:
                item.verdict = Verdict.CREATE
            elif old.task_id is not None:
                row.wrong("no", _("该编号是本平台自己的检查记录，不能由导入更改"))
            else:
                item.changes = self._changes(old, value)
                item.verdict = Verdict.UPDATE if item.changes else Verdict.UNCHANGED

    def _load(self, values: Sequence[actions.PastVisit], *, locking: bool) -> None:
        ids, numbers = sorted({value.unit_id for value in values}), [value.no for value in values]
        for start in range(0, len(ids), CHUNK):
            for entity in BusinessEntity.objects.filter(unit_id__in=ids[start : start + CHUNK]):
                self._entities[entity.unit_id] = entity
        known = Visit.objects.select_for_update(of=("self",)) if locking else Visit.objects.all()
        waiting = numbers
        while waiting:
            later: list[str] = []
            for start in range(0, len(waiting), CHUNK):
                found = (
                    known.filter(no__in=waiting[start : start + CHUNK])
                    .select_related("entity", "result")
                    .prefetch_related("findings")
                )
                for visit in found:
                    base, _sep, number = visit.no.partition("-v")
                    self._standing[base] = visit  # a later version takes the place of the one it corrects
                    if visit.state == Visit.State.CORRECTED:
                        later.append(f"{base}-v{int(number or 1) + 1}")
            waiting = later

    def _may(self, code: str | None) -> bool:
        if (code or "") not in self._allowed:
            self._allowed[code or ""] = in_scope(self.by, code)
        return self._allowed[code or ""]

    def _changes(self, old: Visit, value: actions.PastVisit) -> dict[str, list[Any]]:
        before = {
            "unit_id": old.entity.unit_id, "visited_on": old.visited_on.isoformat(), "result": old.result.code if old.result else "",
            "summary": old.summary, "source_system": old.source_system, "upstream_no": old.upstream_no,
            "handling_organ": old.handling_organ, "level": old.level,
            "findings": [[one.verdict, one.text, one.severity, one.action, one.item_id] for one in old.findings.all()],
        }  # fmt: skip
        after = {
            "unit_id": value.unit_id, "visited_on": value.visited_on.isoformat(), "result": value.result, "summary": value.summary,
            "source_system": value.source_system, "upstream_no": value.upstream_no, "handling_organ": value.handling_organ,
            "level": value.level,
            "findings": [[str(one.verdict), one.text, one.severity, one.action, one.item] for one in value.findings],
        }  # fmt: skip
        return {name: [before[name], after[name]] for name in after if before[name] != after[name]}

    def write(self, items: Sequence[Item], *, by: User, at: datetime.datetime, reason: str) -> None:
        entries = []
        for item in items:
            if item.verdict in {Verdict.CREATE, Verdict.UPDATE}:
                value: actions.PastVisit = item.value
                wording = next(one for one in self._wordings[value.result] if _in_force(one, value.visited_on))
                replaces = self._standing.get(value.no) if item.verdict is Verdict.UPDATE else None
                entries.append(actions.PastEntry(value, self._entities[value.unit_id], wording, replaces))
        actions.import_visits(entries, by=by, at=at, reason=reason)


def _in_force(wording: ResultWording, day: datetime.date) -> bool:
    return (wording.valid_from is None or wording.valid_from <= day) and (
        wording.valid_to is None or day <= wording.valid_to
    )


KIND = ImportKind(
    code="visits",
    label=gettext_lazy("过去的检查结果"),
    columns=COLUMNS,
    start=VisitImporter,
    may=policy.may_import,
    group_by=("no",),
    help=gettext_lazy(
        "其他系统已经公示的检查结果。主体须先在名录库中。同一编号的几行是一次检查的几个问题；再次导入时有变化的，作为更正保留前后两份。"
    ),
    url="inspection:visits",
    order=50,
)
