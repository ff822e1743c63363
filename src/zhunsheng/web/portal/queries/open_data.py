"""Open data: every published row as CSV and JSON, the same bytes for everyone, with their hash.

An edition is written to HOME/open-data once and kept until what it tells has changed. Its content depends on no
language and no clock: the same rows give the same bytes, so that two readers can compare hashes.
"""

import csv
import datetime
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Max
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhunsheng.web.common.exports import safe
from zhunsheng.web.inspection import queries as inspection
from zhunsheng.web.inspection.models import CheckItem, Draw, ResultWording, Task, Visit
from zhunsheng.web.matters.models import Disclosure
from zhunsheng.web.portal.queries import matters
from zhunsheng.web.portal.queries.draws import terms
from zhunsheng.web.public_log import queries as log
from zhunsheng.web.registry.models import BusinessEntity, Division

Cell = str | int | None
FORMAT = 2
KINDS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a data set and what it means."""

    key: str
    meaning: "str | Promise"


@dataclass(frozen=True, slots=True)
class Dataset:
    """`rows` gives the cells in the order of `columns`; `mark` changes whenever the rows may have."""

    code: str
    title: "str | Promise"
    about: "str | Promise"
    columns: tuple[Column, ...]
    rows: Callable[[], Iterator[tuple[Cell, ...]]]
    mark: Callable[[], str]


@dataclass(frozen=True, slots=True)
class File:
    """One file of an edition."""

    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Edition:
    """A data set as it stood when it was made. `files`: csv and json."""

    rows: int
    made_at: datetime.datetime
    files: dict[str, File]


# -- the rows --------------------------------------------------------------------------------------------------------
def _day(value: "datetime.date | None") -> str:
    return value.isoformat() if value else ""


def _moment(value: "datetime.datetime | None") -> str:
    return value.astimezone(datetime.UTC).isoformat(timespec="seconds") if value else ""


def _results() -> Iterator[tuple[Cell, ...]]:
    visits = inspection.published_visits().select_related("task__draw__plan__office", "corrects").order_by("pk")
    for visit in visits.iterator(chunk_size=2000):
        draw = visit.task.draw if visit.task else None
        wording = visit.result
        yield (
            visit.no, visit.task.unit_id if visit.task else visit.entity.unit_id, visit.entity.name,
            visit.entity.division_id or "", draw.no if draw else "",
            draw.plan.office.name if draw else visit.handling_organ, _day(visit.visited_on),
            wording.code if wording else "", wording.name if wording else "", wording.name_en if wording else "",
            wording.estimation_role if wording else "", _day(visit.publish_due), _moment(visit.published_at),
            visit.state, visit.corrects.no if visit.corrects else "", visit.correction_reason if visit.corrects_id else "",
            visit.source_system, visit.upstream_no,
        )  # fmt: skip


def _draws() -> Iterator[tuple[Cell, ...]]:
    published = dict(
        Visit.objects.filter(state=Visit.State.PUBLISHED, task__isnull=False)
        .order_by().values_list("task__draw").annotate(n=Count("pk"))
    )  # fmt: skip
    withdrawn = dict(
        Task.objects.filter(state=Task.State.WITHDRAWN).order_by().values_list("draw").annotate(n=Count("pk"))
    )
    for draw in Draw.objects.select_related("plan__office", "rule_book").order_by("announced_at", "pk"):
        yield (
            draw.no, draw.plan.no, draw.plan.name, draw.plan.office.name, draw.plan.kind, draw.mode, draw.suite, draw.state,
            " ".join(_lists(draw)),
            _moment(draw.announced_at), _moment(draw.not_before), draw.announcement_hash, draw.frame_root,
            draw.frame_size, sum(row["n"] for row in draw.strata), draw.seed, _moment(draw.executed_at),
            draw.selected_count, _moment(draw.list_closed_at), _moment(draw.assigned_at), _day(draw.open_by),
            _moment(draw.opened_at), None if draw.secret else published.get(draw.pk, 0),
            None if draw.secret else withdrawn.get(draw.pk, 0), _moment(draw.abandoned_at), draw.abandon_reason, draw.rule_book.version, draw.rule_book.sha256,
        )  # fmt: skip


def _lists(draw: Draw) -> list[str]:
    """The names of the lists of a joint draw; none of a draw of one list."""
    return sorted(terms(draw).lists)


def _inclusions() -> Iterator[tuple[Cell, ...]]:
    """Every stratum of every draw, as announced."""
    for draw in Draw.objects.order_by("announced_at", "pk"):
        lists = _lists(draw)
        for row in draw.strata:
            name, _sep, stratum = row["key"].partition("/") if lists else ("", "", row["key"])
            share = Fraction(row["n"], row["size"]) if row["size"] else None
            yield (
                draw.no, name, stratum, row["size"], row["n"], row.get("capped", 0),
                "by_size" if row.get("unequal") else "equal", str(share) if share is not None else "",
                f"{float(share):.6f}" if share is not None else "",
            )  # fmt: skip


def _divisions() -> Iterator[tuple[Cell, ...]]:
    for one in Division.objects.order_by("code"):
        yield (
            one.code, one.name, one.name_en, one.level, one.parent_id or "", one.system, _day(one.valid_from),
            _day(one.valid_to), one.source, one.confidence,
        )  # fmt: skip


def _items() -> Iterator[tuple[Cell, ...]]:
    for one in CheckItem.objects.select_related("office", "product_class").order_by("code", "valid_from", "pk"):
        yield (
            one.code, one.name, one.name_en, one.category, one.office.name, one.object_type, one.content, one.method,
            one.legal_basis, one.level, one.kind, str(one.ratio_min) if one.ratio_min is not None else "",
            str(one.ratio_max) if one.ratio_max is not None else "", one.frequency_max_per_year,
            one.product_class.code if one.product_class else "", one.link, one.speciality, one.applies_to,
            _day(one.valid_from), _day(one.valid_to), one.source, one.confidence,
        )  # fmt: skip


def _wordings() -> Iterator[tuple[Cell, ...]]:
    for one in ResultWording.objects.order_by("order", "code", "valid_from", "pk"):
        yield (
            one.code, one.name, one.name_en, one.estimation_role, one.needs_followup, _day(one.valid_from),
            _day(one.valid_to), one.source, one.confidence,
        )  # fmt: skip


def _decisions() -> Iterator[tuple[Cell, ...]]:
    """Every publication; what was withdrawn or has ended without its title, its party and its facts."""
    rows = matters.published().prefetch_related("facts").order_by("pk")
    heads = {row.replaces_id for row in rows if row.replaces_id is not None}
    for one in rows.iterator(chunk_size=500):
        shown = one.state == "published" or (one.state == "corrected" and one.pk in heads and _stands(one))
        entity = one.matter.entity if shown else None
        yield (
            one.pk, one.matter.no, one.matter.procedure, one.publication, one.version, one.state,
            one.title if shown else "", entity.unit_id if entity is not None else "",
            one.matter.office.name, _moment(one.published_at), _day(one.until), _moment(one.ended_at), one.reason,
            one.replaces_id,
            json.dumps({fact.code: fact.shown for fact in one.facts.all()}, ensure_ascii=False) if shown else "",
        )  # fmt: skip


def _stands(one: Disclosure) -> bool:
    return matters.is_readable(matters.chain(one))


def _complaints() -> Iterator[tuple[Cell, ...]]:
    """Counts by month, by division, and the metrics, of every year; what is held back has no number."""
    with translation.override("zh-hans"):
        today = timezone.localdate()
        for year in reversed(matters.years(today)):
            tables = (
                ("month", matters.by_month(year, today)),
                ("division", matters.by_division(year)),
                ("meter", matters.by_meter(year)),
            )
            for dimension, table in tables:
                codes = matters.COUNTED[: len(table.columns)]
                for label, values in [*table.rows, ("total", table.totals)]:
                    for code, value in zip(codes, values, strict=True):
                        yield year, code, dimension, label, "count", value, None, "yes" if value is None else ""
            for one in matters.figures(year, timezone.now()):
                yield year, one.kind, "metric", one.code, one.name, one.amount, one.of, "yes" if one.held_back else ""


# -- when they change ------------------------------------------------------------------------------------------------
def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:24]


def _small(rows: Callable[[], Iterator[tuple[Cell, ...]]]) -> Callable[[], str]:
    """A small table is read through to see whether it changed."""
    return lambda: _digest(*rows())


def _public_acts() -> str:
    """Every publication, correction, draw and withdrawal is an entry of the log; names come from tables of their own."""
    head = log.head()
    named = BusinessEntity.objects.aggregate(Max("updated_at"))["updated_at__max"]
    visits = inspection.published_visits().order_by().aggregate(Count("pk"), Max("published_at"))
    return _digest(
        head.size, head.root, _moment(named), named.microsecond if named else 0, *visits.values(), *_wordings()
    )


def _draw_acts() -> str:
    return _digest(
        _public_acts(), *Draw.objects.order_by("pk").values_list("no", "state", "plan__name", "plan__office__name")
    )


def _publications() -> str:
    """Publications change by new rows and by their state; names of parties come from a table of their own."""
    rows = matters.published().order_by("pk").values_list("pk", "state", "ended_at", "title", "reason")
    named = BusinessEntity.objects.aggregate(Max("updated_at"))["updated_at__max"]
    return _digest(
        *((pk, state, _moment(ended), title, reason) for pk, state, ended, title, reason in rows), _moment(named)
    )


# -- the catalogue ---------------------------------------------------------------------------------------------------
def _cols(*pairs: "tuple[str, str | Promise]") -> tuple[Column, ...]:
    return tuple(Column(key, meaning) for key, meaning in pairs)


_DATED = (
    ("valid_from", _("生效日期；空为不限")), ("valid_to", _("失效日期；空为不限")), ("source", _("依据")),
    ("confidence", _("依据可靠程度：sure 确定，likely 较可靠，assumed 设定")),
)  # fmt: skip

DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "results", pgettext_lazy("list", "检查结果"), _("全部已公示的检查结果，包括已被更正的版本。"),
        _cols(
            ("no", _("记录编号")), ("unit_id", _("主体标识；抽查得来的为抽取时的标识")), ("name", _("企业名称（现名）")),
            ("division", _("区划代码，见数据集 divisions")), ("draw", _("抽取编号；空为不经抽取的检查")),
            ("organ", _("检查机关")), ("visited_on", _("检查日期")), ("result", _("结果用语代码，见数据集 wordings")),
            ("wording", _("结果用语")), ("wording_en", _("结果用语（英文）")),
            ("role", _("统计口径：eligible_pass 合格，eligible_fail 发现问题，ineligible 不属于检查对象，non_response 未能检查")),
            ("publish_due", _("公示期限")), ("published_at", _("公示时间（UTC）")),
            ("state", _("published 现行，corrected 已被更正")), ("corrects", _("所更正的记录编号")),
            ("correction_reason", _("更正理由")), ("source_system", _("来源系统；空为本平台")),
            ("upstream_no", _("来源系统中的编号")),
        ), _results, _public_acts,
    ),
    Dataset(
        "draws", _("随机抽取"), _("全部抽取，包括公开放弃的。每次抽取的完整公开包另有下载，见各抽取的页面。"),
        _cols(
            ("no", _("抽取编号")), ("plan", _("计划编号")), ("plan_name", _("计划名称")), ("organ", _("牵头机构")),
            ("kind", _("undirected 不定向，directed 定向，joint 部门联合")),
            ("mode", _("open 公开抽取，sealed 封存抽取（突击检查）")), ("suite", _("密码套件：sha256 或 sm3")),
            ("state", _("announced 已公告，executed 已抽取，list_closed 名单已封闭，assigned 已派员，opened 已开封，abandoned 已放弃")),
            ("lists", _("联合抽取的各名单，以空格分开；空为只有一个名单")),
            ("announced_at", _("公告时间（UTC）")), ("not_before", _("最早抽取时间（UTC）")),
            ("announcement_hash", _("公告的哈希")), ("frame_root", _("名录的根哈希")), ("frame_size", _("名录单位数")),
            ("n", _("公告的抽取数")), ("seed", _("种子；未抽取为空")), ("executed_at", _("抽取时间（UTC）")),
            ("drawn", _("抽取数")), ("list_closed_at", _("封闭名单时间（UTC）")), ("assigned_at", _("派员时间（UTC）")),
            ("open_by", _("公告的最迟开封日期；空为公开抽取")), ("opened_at", _("开封时间（UTC）；空为尚未开封")),
            ("published", _("已公示结果数；封存而未开封的为空")), ("withdrawn", _("撤回数；撤回须公开理由；封存而未开封的为空")), ("abandoned_at", _("放弃时间（UTC）")), ("abandon_reason", _("放弃理由")),
            ("rule_book", _("实施细则版本")), ("rule_book_sha256", _("实施细则的 SHA-256")),
        ), _draws, _draw_acts,
    ),
    Dataset(
        "inclusions", _("入样概率"), _("每次抽取每一层的单位数、抽取数和入样概率，以公告为准。估计合格率时，权数是它的倒数。"),
        _cols(
            ("draw", _("抽取编号")), ("list", _("名单；空为只有一个名单")), ("stratum", _("层，写法见公告")),
            ("N", _("单位数，不含本次不抽的")), ("n", _("抽取数")), ("capped", _("已达次数上限、本次不抽的单位数")),
            ("design", _("equal 同层等概率；by_size 按规模，probability 为平均值，每家的概率在名录中")),
            ("probability", _("入样概率 n/N，最简分数")), ("decimal", _("入样概率，六位小数")),
        ), _inclusions, _draw_acts,
    ),
    Dataset(
        "divisions", pgettext_lazy("list", "行政区划"), _("本市的县（市、区）和乡镇街道。"),
        _cols(
            ("code", _("区划代码")), ("name", _("名称")), ("name_en", _("英文名称")),
            ("level", _("city 市，county 县（市、区），township 乡镇街道")), ("parent", _("上级代码")),
            ("system", _("编码体系：gbt2260 国标，stat 统计用")), *_DATED,
        ), _divisions, _small(_divisions),
    ),
    Dataset(
        "items", _("随机抽查事项清单"), _("一单：查什么、谁来查、依据什么、抽多少。"),
        _cols(
            ("code", _("事项代码")), ("name", _("事项名称")), ("name_en", _("英文名称")), ("category", _("事项大类")),
            ("organ", _("责任机构")), ("object_type", _("检查对象")), ("content", _("检查内容")), ("method", _("检查方式")),
            ("legal_basis", _("检查依据")), ("level", _("层级")), ("kind", _("general 一般检查事项，key 重点检查事项")),
            ("ratio_min", _("抽查比例下限，1 为全部")), ("ratio_max", _("抽查比例上限")),
            ("frequency_max_per_year", _("每年对同一主体最多次数；空为不限")), ("product_class", _("产品类别代码")),
            ("link", _("环节：production 生产，circulation 流通，use 使用")),
            ("speciality", _("主检人员须具备的专业代码")), ("applies_to", _("适用行业：* 为全部，或 GB/T 4754 代码")), *_DATED,
        ), _items, _small(_items),
    ),
    Dataset(
        "wordings", _("检查结果用语"), _("检查结果只用这些用语，每一条在统计中怎样计算。"),
        _cols(
            ("code", _("代码")), ("name", _("用语")), ("name_en", _("英文")), ("role", _("统计口径，同数据集 results 的 role")),
            ("follow_up", _("后续处理的代码；none 为无")), *_DATED,
        ), _wordings, _small(_wordings),
    ),
    Dataset(
        "decisions", pgettext_lazy("list", "决定和公告"), _("行政处罚、列入决定、召回、通报等全部公开过的内容和版次。撤下、期满的不再含当事人和内容。"),
        _cols(
            ("id", _("公开编号")), ("no", _("办件编号")), ("kind", _("办件种类代码，见数据表 matters/kinds")),
            ("publication", _("公开事项代码")), ("version", _("版次")),
            ("state", _("published 公开中，corrected 已更正，withdrawn 已撤下，ended 公示期满")), ("title", _("标题")),
            ("unit_id", _("当事主体标识")), ("organ", _("公开机关")), ("published_at", _("公开时间（UTC）")),
            ("until", _("公示至")), ("ended_at", _("终止时间（UTC）")), ("reason", _("更正或者撤下的理由")),
            ("replaces", _("更正自哪个公开编号")), ("facts", _("公开的内容，JSON 对象：事实代码 → 内容")),
        ), _decisions, _publications,
    ),
    Dataset(
        "complaints", pgettext_lazy("list", "投诉举报统计"), _("投诉、举报、赔偿请求、公开申请按月、按地区的登记数和办理指标。小数不公布。"),
        _cols(
            ("year", _("登记年度")), ("kind", _("办件种类代码，见数据表 matters/kinds")),
            ("dimension", _("month 月份，division 县（市、区），meter 民用四表，metric 指标")),
            ("key", _("月份、地区、表的种类或者指标代码；total 为合计")), ("measure", _("count 登记数，或者指标名称")),
            ("amount", _("数量；指标为分子，金额以分计；空为不公布")), ("of", _("指标的分母；空为没有分母或者不公布")),
            ("held_back", _("yes 为数小而不公布")),
        ), _complaints, _small(_complaints),
    ),
)  # fmt: skip


def dataset(code: str) -> Dataset | None:
    return next((one for one in DATASETS if one.code == code), None)


# -- editions --------------------------------------------------------------------------------------------------------
def _folder() -> Path:
    return Path(settings.HOME) / "open-data"


def edition(data: Dataset) -> Edition:
    """The present edition of a data set; written first where what it tells has changed since the last one."""
    mark = _digest(FORMAT, data.code, [column.key for column in data.columns], data.mark())
    card = _folder() / f"{data.code}-{mark}.edition"
    try:
        known = json.loads(card.read_text(encoding="utf-8"))
        found = Edition(
            known["rows"], datetime.datetime.fromisoformat(known["made_at"]),
            {kind: File(**file) for kind, file in known["files"].items()},
        )  # fmt: skip
        if all((_folder() / file.name).is_file() for file in found.files.values()):
            return found
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        pass
    return _write(data, mark, card)


def open_file(data: Dataset, kind: str) -> "tuple[File, io.BufferedReader]":
    """The present file of a kind, open for reading. Whoever holds it open keeps reading it when a newer edition comes."""
    file = edition(data).files[kind]
    return file, (_folder() / file.name).open("rb")


def _write(data: Dataset, mark: str, card: Path) -> Edition:
    """Writes both files beside their final names and moves them there, so that no reader meets half a file."""
    _folder().mkdir(parents=True, exist_ok=True)
    keys = [column.key for column in data.columns]
    writers: dict[str, _Csv | _Json] = {"csv": _Csv(keys), "json": _Json(keys)}
    rows = 0
    with tempfile.TemporaryDirectory(dir=_folder()) as draft:
        outs = {kind: (Path(draft) / kind).open("wb") for kind in writers}
        hashes = {kind: hashlib.sha256() for kind in writers}

        def put(kind: str, data: bytes) -> None:
            outs[kind].write(data)
            hashes[kind].update(data)

        try:
            for kind, writer in writers.items():
                put(kind, writer.start())
            for row in data.rows():
                for kind, writer in writers.items():
                    put(kind, writer.row(row))
                rows += 1
            for kind, writer in writers.items():
                put(kind, writer.end())
        finally:
            for out in outs.values():
                out.close()
        files = {}
        for kind in writers:
            name = f"{data.code}-{mark}.{kind}"
            files[kind] = File(name, hashes[kind].hexdigest(), (Path(draft) / kind).stat().st_size)
            os.replace(Path(draft) / kind, _folder() / name)
        made = Edition(rows, timezone.now(), files)
        said = {
            "rows": rows,
            "made_at": _moment(made.made_at),
            "files": {kind: asdict(file) for kind, file in files.items()},
        }
        (Path(draft) / "card").write_text(json.dumps(said), encoding="utf-8")
        os.replace(Path(draft) / "card", card)
    kept = {card.name, *(file.name for file in files.values())}
    for old in _folder().glob(f"{data.code}-*"):
        if old.name not in kept:
            old.unlink(missing_ok=True)
    return made


class _Csv:
    """CSV with a byte order mark, cells safe against formulas, CRLF: what an office program opens without a question."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys

    def start(self) -> bytes:
        return "\ufeff".encode() + self.row(tuple(self.keys))

    def row(self, cells: tuple[Cell, ...]) -> bytes:
        line = io.StringIO()
        csv.writer(line).writerow([safe(cell) for cell in cells])
        return line.getvalue().encode()

    def end(self) -> bytes:
        return b""


class _Json:
    """A JSON array with one object a line: a program reads it whole, or line by line."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = keys
        self.first = True

    def start(self) -> bytes:
        return b"["

    def row(self, cells: tuple[Cell, ...]) -> bytes:
        before, self.first = ("\n" if self.first else ",\n"), False
        return (before + json.dumps(dict(zip(self.keys, cells, strict=True)), ensure_ascii=False)).encode()

    def end(self) -> bytes:
        return b"\n]\n"
