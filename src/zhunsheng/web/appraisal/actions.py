"""The only writer of targets and snapshots."""

import datetime
import hashlib
import json
import math

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine import estimate, public_log, tables
from zhunsheng.engine.appraisal import target_from
from zhunsheng.web.appraisal import policy, queries
from zhunsheng.web.appraisal.models import Snapshot, Target
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record

RULE = "zhunsheng/scoreboard/1"


def load_city(city: str, *, by: User | None, at: datetime.datetime) -> int:
    """Loads the city's targets table; returns how many targets were new or changed. Raises AppraisalError for a bad row."""
    changed = 0
    with transaction.atomic():
        for row in tables.load(f"cities/{city}/targets").rows:
            wanted = target_from(row)
            values = {
                "name": wanted.name, "name_en": wanted.name_en, "operator": wanted.operator, "value": row["value"],
                "unit": wanted.unit, "deadline": wanted.deadline, "source_clause": wanted.source_clause,
                "registry": wanted.registry, "numerator": wanted.numerator, "denominator": wanted.denominator,
                "force": wanted.force, "deadline_basis": wanted.deadline_basis, "note": wanted.note,
                "numerator_en": row.get("numerator_en", ""), "denominator_en": row.get("denominator_en", ""),
                "note_en": row.get("note_en", ""),
                "source": row.source, "confidence": row.confidence, "valid_from": row.valid_from, "valid_to": row.valid_to,
            }  # fmt: skip
            target = Target.objects.filter(code=wanted.code).first()
            if target is None:
                Target.objects.create(code=wanted.code, **values)
                changed += 1
            elif any(getattr(target, key) != value for key, value in values.items()):
                for key, value in values.items():
                    setattr(target, key, value)
                target.save()
                changed += 1
        if changed:
            record("target.load", "city", city, by=by, at=at, changes={"targets": changed})
    return changed


def body(on: datetime.date, at: datetime.datetime) -> bytes:
    """The scoreboard of a day as canonical JSON: exact numbers, no rounding but the interval's six places."""
    figures: list[public_log.Json] = []
    for figure in queries.figures(on.year, on):
        entry: dict[str, public_log.Json] = {
            "code": figure.code, "name": figure.name, "name_en": figure.name_en, "numerator": figure.numerator,
            "denominator": figure.denominator,
            "numerator_rule": figure.numerator_rule, "denominator_rule": figure.denominator_rule,
            "numerator_rule_en": figure.numerator_rule_en, "denominator_rule_en": figure.denominator_rule_en,
        }  # fmt: skip
        if figure.passed is not None:
            entry["design"] = _design(figure.passed)
        figures.append(entry)
    lines: list[public_log.Json] = [
        {
            "code": line.target.code, "name": line.target.name, "name_en": line.target.name_en,
            "goal": line.target.value, "unit": line.target.unit, "deadline": line.target.deadline.isoformat(),
            "clause": line.target.source_clause, "force": line.target.force, "status": line.standing.status.value,
            "numerator": line.measure.numerator if line.measure else None,
            "denominator": line.measure.denominator if line.measure else None,
        }
        for line in queries.scoreboard(on)
    ]  # fmt: skip
    return public_log.canonical({
        "rule": RULE, "as_of": on.isoformat(), "made_at": at.astimezone(datetime.UTC).isoformat(timespec="seconds"),
        "targets": lines, "figures": figures,
    })  # fmt: skip


def _design(passed: estimate.PassRate) -> dict[str, public_log.Json]:
    def six(value: float | None) -> float | None:
        return None if value is None or not math.isfinite(value) else round(value, 6)

    rate, bounds = passed.rate, passed.bounds
    return {
        "estimate": six(rate.estimate), "low": six(rate.low), "high": six(rate.high), "level": rate.level,
        "method": rate.method.value if rate.method else None, "n_eff": six(rate.n_eff),
        "suppressed": rate.suppressed is not None,
        "worst": six(float(bounds.worst)) if bounds.worst is not None else None,
        "best": six(float(bounds.best)) if bounds.best is not None else None,
        "response_rate": six(float(passed.response_rate)) if passed.response_rate is not None else None,
    }  # fmt: skip


def freeze(on: datetime.date, *, by: User, at: datetime.datetime) -> Snapshot:
    """Freezes the scoreboard of a day into a draft snapshot. The same figures on the same day give the same snapshot back."""
    if not policy.may_freeze(by):
        raise NotAllowed(_("只有质强办可以生成记分牌快照"))
    if on > at.astimezone().date():
        raise Refused(_("截至日期不能晚于今天"), field="as_of")
    with transaction.atomic():
        text = body(on, at).decode()
        fresh = json.loads(text)
        for old in Snapshot.objects.filter(as_of=on).exclude(state=Snapshot.State.REJECTED):
            known = json.loads(old.body)
            if {**known, "made_at": ""} == {**fresh, "made_at": ""}:
                return old
        number = Snapshot.objects.filter(as_of=on).count() + 1
        snapshot = Snapshot.objects.create(
            no=f"{on:%Y%m%d}-{number}", as_of=on, body=text, sha256=hashlib.sha256(text.encode()).hexdigest(), created_by=by, created_at=at,
        )  # fmt: skip
        record("snapshot.freeze", "snapshot", snapshot.no, by=by, at=at, rule=RULE, changes={"sha256": snapshot.sha256})
        leaders = User.objects.filter(posts__role="leader", is_active=True).exclude(pk=by.pk).distinct()
        notify(
            leaders,
            format_lazy(gettext_lazy("记分牌快照 {no} 待批准公开"), no=snapshot.no),
            f"/appraisal/snapshots/{snapshot.no}/",
            at=at,
        )
    return snapshot


def decide(snapshot: Snapshot, *, approve: bool, reason: str = "", by: User, at: datetime.datetime) -> Snapshot:
    """Approves a draft for the public (one entry of the public log) or rejects it with a reason. Done once."""
    with transaction.atomic():
        snapshot = Snapshot.objects.select_for_update().get(pk=snapshot.pk)
        wanted = Snapshot.State.APPROVED if approve else Snapshot.State.REJECTED
        if snapshot.state == wanted and snapshot.decided_by_id == by.pk:
            return snapshot
        if snapshot.state != Snapshot.State.DRAFT:
            raise Refused(_("该快照已处理，不能再次决定"))
        if not policy.may_decide_snapshot(by, snapshot):
            raise NotAllowed(_("快照由领导小组领导批准，且不得为生成人本人"))
        if not approve and not reason.strip():
            raise Refused(_("不批准时请写明理由"), field="reason")
        snapshot.state, snapshot.reason = wanted, reason.strip()
        snapshot.decided_by, snapshot.decided_at = by, at
        snapshot.save()
        public = (
            {"no": snapshot.no, "as_of": snapshot.as_of.isoformat(), "sha256": snapshot.sha256} if approve else None
        )
        record(
            "snapshot.approve" if approve else "snapshot.reject", "snapshot", snapshot.no,
            by=by, at=at, rule=RULE, reason=snapshot.reason, public=public,
        )  # fmt: skip
        notify(
            [snapshot.created_by],
            format_lazy(gettext_lazy("记分牌快照 {no} 已有处理结果"), no=snapshot.no),
            f"/appraisal/snapshots/{snapshot.no}/",
            at=at,
        )
    return snapshot
