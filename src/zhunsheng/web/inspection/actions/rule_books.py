"""一细则: the implementing rules, generated from the dated tables in force, approved by a second person."""

import datetime
import hashlib
import json
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import clock, tables
from zhunsheng.engine.draw import MIN_WAIT, PROTOCOL
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.engine.public_log import canonical
from zhunsheng.web.common import city
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.models import CheckItem, ResultWording, RuleBook
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record

#: What changes from one draft to the next without the rules having changed.
_HEAD = ("version", "valid_from")


def draft_rule_book(*, by: User, at: datetime.datetime, valid_from: datetime.date) -> RuleBook:
    """Generates the implementing rules in force on `valid_from` from the dated tables: one canonical JSON, one hash.

    Where the latest book says the same, it is returned and nothing is made. Raises Refused without items or wordings.
    """
    if not policy.may_draft_rule_book(by):
        raise NotAllowed(_("只有成员单位经办、部门负责人或质强办可以拟定实施细则。"))
    rules = _rules(valid_from)
    with transaction.atomic():
        latest = RuleBook.objects.select_for_update().order_by("-id").first()
        if latest is not None and _unheaded(json.loads(latest.body)) == _unheaded(rules):
            return latest
        number = RuleBook.objects.filter(version__startswith=f"{valid_from.year}-").count() + 1
        version = f"{valid_from.year}-{number:02d}"
        body = canonical({"version": version, "valid_from": valid_from.isoformat(), **rules})
        book = RuleBook.objects.create(
            version=version,
            valid_from=valid_from,
            body=body.decode(),
            sha256=hashlib.sha256(body).hexdigest(),
            created_by=by,
            created_at=at,
        )
        record("rule_book.draft", "rule_book", book.version, by=by, at=at, changes={"sha256": book.sha256})
    return book


def approve_rule_book(book: RuleBook, *, by: User, at: datetime.datetime) -> RuleBook:
    """签发: the book comes into force on its day, or today where that has passed. A second person decides."""
    if not policy.may_approve_rule_book(by, book):
        raise NotAllowed(_("实施细则由拟稿人以外的部门负责人签发。"))
    with transaction.atomic():
        book = RuleBook.objects.select_for_update().get(pk=book.pk)
        if book.approved_at is not None:
            return book
        book.approved_by, book.approved_at = by, at
        book.save(update_fields=["approved_by", "approved_at"])
        record(
            "rule_book.approve",
            "rule_book",
            book.version,
            by=by,
            at=at,
            rule=f"{book.version} {book.sha256}",
            public={"version": book.version, "valid_from": book.valid_from.isoformat(), "sha256": book.sha256},
        )
        transaction.on_commit(
            lambda: notify(
                [book.created_by],
                format_lazy(gettext_lazy("实施细则 {version} 已签发"), version=book.version),
                reverse("inspection:rule_book", args=[book.version]),
                at=at,
            )
        )
    return book


def _unheaded(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in _HEAD}


def _rules(day: datetime.date) -> dict[str, Any]:
    items = list(queries.items_on(day).order_by("code"))
    wordings = list(queries.wordings_on(day))
    if not items or not wordings:
        raise Refused(
            _("%(day)s 没有生效的抽查事项或检查结果用语，无法生成细则。") % {"day": day.isoformat()}, field="valid_from"
        )
    here = city.current()
    return {
        "title": "随机抽查工作实施细则",
        "city": {"code": here.code, "name": here.name},
        "draw": {
            "protocol": PROTOCOL,
            "hash": "SHA-256",
            "wait_hours": MIN_WAIT // datetime.timedelta(hours=1),
            "size": "n = ceil(N × ratio), at least 1 where N > 0",
            "selection": "the n smallest tickets of each stratum; ticket = SHA-256(seed|target|id)",
            "redraw": "none",
            "randomness": [
                {key: row[key] for key in ("code", "name", "name_en", "needs")} | _evidence(row)
                for row in tables.load("draw/randomness").valid_on(day)
            ],
        },
        "ratios": [
            {key: row[key] for key in ("scheme", "risk_class", "ratio", "name", "name_en", "role")} | _evidence(row)
            for row in tables.load("inspection/ratios").valid_on(day)
        ],
        "team": {"least": 2, "source": "行政处罚法(2021年修订)第四十二条", "confidence": "sure"},
        "recusals": [
            {key: row[key] for key in ("code", "name", "name_en", "years", "last_visits")} | _evidence(row)
            for row in tables.load("inspection/recusal_kinds").valid_on(day)
        ],
        "time_limits": [
            {
                "code": limit.code,
                "name": limit.name,
                "name_en": limit.name_en,
                "amount": limit.amount,
                "unit": limit.unit.value,
                "source": limit.legal_ref,
                "confidence": limit.evidence,
            }
            for limit in _limits(day)
        ],
        "follow_ups": [
            {key: row[key] for key in ("code", "name", "name_en", "time_limit", "limit_amount", "limit_unit")}
            | _evidence(row)
            for row in tables.load("inspection/follow_up_kinds").valid_on(day)
        ],
        "wordings": [_wording(one) for one in wordings],
        "items": [_item(item) for item in items],
    }


def _evidence(row: tables.Row) -> dict[str, str]:
    return {"source": row.source, "confidence": row.confidence}


def _limits(day: datetime.date) -> list[clock.TimeLimit]:
    found = []
    for code in sorted(
        {limit.code for limit in clock.limits() if limit.mechanism in {"random_inspection", "abnormal_list"}}
    ):
        try:
            found.append(clock.limit(code, day))
        except ZhunshengError:
            continue  # not yet, or no longer, in force on that day
    return found


def _wording(one: ResultWording) -> dict[str, Any]:
    return {
        "code": one.code,
        "name": one.name,
        "name_en": one.name_en,
        "role": one.estimation_role,
        "follow_up": one.needs_followup,
        "source": one.source,
        "confidence": one.confidence,
    }


def _item(item: CheckItem) -> dict[str, Any]:
    return {
        "code": item.code,
        "valid_from": item.valid_from.isoformat() if item.valid_from else "",
        "name": item.name,
        "name_en": item.name_en,
        "category": item.category,
        "office": item.office.name,
        "object_type": item.object_type,
        "content": item.content,
        "method": item.method,
        "legal_basis": item.legal_basis,
        "level": item.level,
        "kind": item.kind,
        "ratio_min": _text(item.ratio_min),
        "ratio_max": _text(item.ratio_max),
        "frequency_max_per_year": item.frequency_max_per_year,
        "speciality": item.speciality,
        "applies_to": item.applies_to,
        "source": item.source,
        "confidence": item.confidence,
    }


def _text(ratio: Any) -> str:
    return "" if ratio is None else f"{ratio.normalize():f}"
