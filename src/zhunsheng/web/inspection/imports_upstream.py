"""Draws of provincial and national platforms from a file: one row a unit of the list, all rows of a number one draw."""

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.records import Level
from zhunsheng.web.common.spreadsheet import parse_day
from zhunsheng.web.desk.importing import ImportColumn, ImportKind, Item, Row, Verdict
from zhunsheng.web.inspection import actions, policy
from zhunsheng.web.inspection.models import UpstreamDraw
from zhunsheng.web.people.models import User

YES = frozenset({"是", "抽中", "已抽中", "1", "y", "yes", "true", "√"})
NO = frozenset({"", "否", "未抽中", "0", "n", "no", "false", "×"})
_BETWEEN = re.compile(r"[\s,，、;；/]+")
LENGTHS = {
    "no": 60, "platform": 60, "name": 160, "unit_id": 150, "unit_name": 200, "stratum": 80, "division": 80, "size": 40,
    "organ": 120, "speciality": 40,
}  # fmt: skip


def _column(key: str, label: Any, help: Any = "", example: str = "", *, also: str = "", **more: bool) -> ImportColumn:  # noqa: A002
    return ImportColumn(key, label, tuple(also.split()), help=help, example=example, **more)


COLUMNS = (
    _column("no", gettext_lazy("抽取编号"), gettext_lazy("对方平台的编号；同一编号的各行是一次抽取的名单"), "豫2026-0312", required=True, also="任务编号 抽查任务编号 批次号"),
    _column("platform", gettext_lazy("来源平台"), "", "省双随机平台", required=True, also="来源系统 平台"),
    _column("name", gettext_lazy("抽查名称"), "", "年报公示信息抽查", required=True, also="任务名称 抽查任务名称"),
    _column("drawn_on", gettext_lazy("抽取日期"), gettext_lazy("五种写法都认"), "2026-03-12", required=True, also="抽取时间"),
    _column("unit_id", gettext_lazy("主体标识"), gettext_lazy("统一社会信用代码，或“类别：号码”；写错的照原样留下并在核对中指出"), "91350100M000100Y43", required=True, many=True, also="统一社会信用代码 社会信用代码 uscc"),
    _column("unit_name", gettext_lazy("主体名称"), many=True, also="企业名称 检查对象 名称"),
    _column("drawn", gettext_lazy("是否抽中"), gettext_lazy("是、否；空为否"), "是", required=False, many=True, also="抽中"),
    _column("stratum", gettext_lazy("层"), gettext_lazy("对方按什么分层就填什么；不分层则空"), many=True, also="分层 信用风险分类"),
    _column("division", gettext_lazy("区划"), many=True, also="行政区划 县区"),
    _column("size", gettext_lazy("规模"), many=True),
    _column("team", gettext_lazy("检查人员编号"), gettext_lazy("主检在前，用逗号或顿号分开"), "P001、P002", many=True, also="检查人员 执法人员编号"),
    _column("stated_size", gettext_lazy("公布的本层总数"), gettext_lazy("对方公布的 N；没有则空"), "1200", many=True, also="总数"),
    _column("stated_n", gettext_lazy("公布的本层抽取数"), gettext_lazy("对方公布的 n；没有则空"), "36", many=True, also="抽取数"),
    _column("ratio", gettext_lazy("计划比例"), gettext_lazy("如 3% 或 0.03；没有则空"), "3%", many=True, also="抽查比例"),
    _column("speciality", gettext_lazy("主检所需专业代码")),
    _column("organ", gettext_lazy("办理机关"), also="组织机关"),
    _column("level", gettext_lazy("层级"), gettext_lazy("国家级、省级；不填为省级"), "省级"),
)  # fmt: skip


class UpstreamImporter:
    """Rows to draws with their lists."""

    def __init__(self, by: User, at: datetime.datetime) -> None:
        self.today = timezone.localdate(at)
        self._levels = {str(label): value for value, label in Level.choices} | {value: value for value in Level.values}

    def parse(self, rows: Sequence[Row]) -> actions.UpstreamEntry | None:
        first = rows[0]
        try:
            drawn_on = parse_day(first.get("drawn_on")) if first.get("drawn_on") else None
        except Refused as problem:
            drawn_on = None
            first.wrong("drawn_on", str(problem))
        if drawn_on is not None and drawn_on > self.today:
            first.wrong("drawn_on", _("%(day)s 还没有到") % {"day": drawn_on.isoformat()})
        level = self._levels.get(first.get("level") or "provincial", "")
        if not level:
            first.wrong("level", _("填国家级、省级、市级或县级"))
        stated: dict[str, tuple[int, int]] = {}
        ratios: dict[str, str] = {}
        lines = [self._line(row, stated, ratios) for row in rows]
        if drawn_on is None or any(row.problems for row in rows):
            return None
        return actions.UpstreamEntry(
            no=self._short(first, "no"), platform=self._short(first, "platform"), name=self._short(first, "name"), drawn_on=drawn_on,
            level=level, lines=tuple(lines), speciality=self._short(first, "speciality"), organ=self._short(first, "organ"),
            stated=stated, ratios=ratios,
        )  # fmt: skip

    def _line(self, row: Row, stated: dict[str, tuple[int, int]], ratios: dict[str, str]) -> actions.UpstreamLine:
        stratum, said = self._short(row, "stratum"), row.get("drawn").strip().lower()
        if said not in YES | NO:
            row.wrong("drawn", _("填是或否"))
        size, n = self._number(row, "stated_size"), self._number(row, "stated_n")
        if (size is None) != (n is None):
            row.wrong("stated_n", _("公布的总数和抽取数要么都填，要么都不填"))
        elif size is not None and n is not None and stated.setdefault(stratum, (size, n)) != (size, n):
            row.wrong("stated_n", _("同一层的各行写得不一样"))
        ratio = self._ratio(row)
        if ratio and ratios.setdefault(stratum or "*", ratio) != ratio:
            row.wrong("ratio", _("同一层的各行写得不一样"))
        unit = self._short(row, "unit_id").replace(" ", "")
        team = tuple(part for part in _BETWEEN.split(row.get("team")) if part)
        if len(" ".join(team)) > 200:
            row.wrong("team", _("检查人员过多：编号合计最多 200 字"))
        return actions.UpstreamLine(
            unit if ":" in unit else f"uscc:{unit.upper()}", self._short(row, "unit_name"), stratum, self._short(row, "division"),
            self._short(row, "size"), said in YES, team,
        )  # fmt: skip

    def _short(self, row: Row, key: str) -> str:
        text, most = row.get(key), LENGTHS[key]
        if len(text) > most:
            row.wrong(key, _("有 %(n)s 字，最多 %(most)s 字") % {"n": len(text), "most": most})
        return text

    def _number(self, row: Row, key: str) -> int | None:
        text = row.get(key).replace(",", "").strip()
        if not text:
            return None
        if not text.isdecimal() or len(text) > 9:
            row.wrong(key, _("填不小于 0 的整数"))
            return None
        return int(text)

    def _ratio(self, row: Row) -> str:
        text = row.get("ratio").strip().replace("％", "%")
        if not text:
            return ""
        try:
            share = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except InvalidOperation:
            share = Decimal(-1)
        if not 0 < share <= 1:
            row.wrong("ratio", _("填 0 到 1 之间的小数，或百分数，如 3%"))
            return ""
        return f"{share.normalize():f}"

    def key(self, value: actions.UpstreamEntry) -> str:
        return f"{value.platform} {value.no}"

    def compare(self, items: Sequence[Item], *, locking: bool) -> None:
        known = {
            (draw.source_system, draw.no): draw
            for draw in UpstreamDraw.objects.filter(no__in=[item.value.no for item in items])
        }
        for item in items:
            value: actions.UpstreamEntry = item.value
            old, fresh = known.get((value.platform, value.no)), value.sha256()
            if old is None:
                item.verdict = Verdict.CREATE
            elif old.sha256 == fresh:
                item.verdict = Verdict.UNCHANGED
            else:
                item.verdict, item.changes = Verdict.UPDATE, {"sha256": [old.sha256, fresh]}

    def write(self, items: Sequence[Item], *, by: User, at: datetime.datetime, reason: str) -> None:
        wanted = [item.value for item in items if item.verdict in {Verdict.CREATE, Verdict.UPDATE}]
        actions.import_upstream(wanted, by=by, at=at, reason=reason)


KIND = ImportKind(
    code="upstream_draws",
    label=gettext_lazy("上级平台的抽取"),
    columns=COLUMNS,
    start=UpstreamImporter,
    may=policy.may_import,
    group_by=("platform", "no"),
    help=gettext_lazy(
        "省级、国家级平台的抽取名单，一行一个主体，抽中的写“是”。名单原样留存，能核对的逐项核对，不能核对的页面上写明。"
    ),
    url="inspection:upstream",
    order=60,
)
