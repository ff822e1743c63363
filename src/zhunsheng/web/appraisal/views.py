"""The scoreboard for those who answer for it: live, with a reason behind each figure; and its snapshots."""

import datetime
import json
from fractions import Fraction
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from zhunsheng.engine.appraisal import show_number, show_percent
from zhunsheng.web.appraisal import actions, policy, queries
from zhunsheng.web.appraisal.models import Snapshot, Target
from zhunsheng.web.common.errors import Refused, language, say
from zhunsheng.web.people import step_up

#: status → (kind of tag, word)
STATUS = {
    "met": ("good", gettext_lazy("已完成")),
    "on_track": ("info", gettext_lazy("进度正常")),
    "behind": ("warn", gettext_lazy("进度滞后")),
    "missed": ("bad", gettext_lazy("未完成")),
    "no_data": ("muted", gettext_lazy("暂无数据")),
}


def _live(request: HttpRequest) -> datetime.date:
    """The day that the page is asked for; PermissionDenied for those outside."""
    if not policy.may_see_live(request.user):
        raise PermissionDenied(_("实时记分牌供机关内部使用；公众可查看已批准的快照"))
    today = timezone.localdate()
    asked = parse_date(request.GET.get("on", "") or "") if len(request.GET.get("on", "")) == 10 else None
    return min(asked, today) if asked else today


def _year(request: HttpRequest, on: datetime.date) -> int:
    text = request.GET.get("year", "")
    return int(text) if text.isdecimal() and 2000 <= int(text) <= on.year else on.year


@require_GET
def scoreboard(request: HttpRequest) -> HttpResponse:
    on = _live(request)
    year = _year(request, on)
    lines = queries.scoreboard(on)
    return render(request, "appraisal/scoreboard.html", {
        "on": on, "year": year, "years": queries.years(on), "lines": [_shown(line) for line in lines],
        "counts": [{"label": STATUS[kind][1], "value": n, "kind": STATUS[kind][0]} for kind, n in queries.counts(lines)],
        "figures": queries.figures(year, on),
        "may_freeze": policy.may_freeze(request.user), "snapshots": Snapshot.objects.all()[:5],
    })  # fmt: skip


def _goal(number: str, measure_word: str) -> str:
    """A count with its measure word, which English does without."""
    return number if language() == "en" else f"{number} {measure_word}"


def _shown(line: queries.Line) -> dict[str, Any]:
    """A scoreboard line with its words."""
    kind, word = STATUS[line.standing.status]
    rate = line.goal.is_rate
    value = line.standing.value
    return {
        "target": line.target, "goal": show_percent(line.goal.value, 1) if rate else _goal(show_number(line.goal.value), line.target.unit),
        "value": "" if value is None else show_percent(value) if rate else show_number(value),
        "measure": line.measure, "kind": kind, "word": word, "reasons": [reason.text(language()) for reason in line.standing.reasons],
        "expected": show_percent(line.standing.expected, 1) if rate else show_number(line.standing.expected, 1),
    }  # fmt: skip


@require_GET
def target(request: HttpRequest, code: str) -> HttpResponse:
    on = _live(request)
    found = get_object_or_404(Target, code=code)
    line = next(one for one in queries.scoreboard(on) if one.target.pk == found.pk)
    shown = _shown(line)
    why = {
        "sentence": " ".join(shown["reasons"]), "rule": _("目标评价规则"), "version": actions.RULE,
        "source": found.source, "confidence": found.confidence,
        "inputs": [(_("截至"), on), (_("目标值"), shown["goal"]), (_("截止日期"), found.deadline), (_("按进度应达"), shown["expected"])],
    }  # fmt: skip
    return render(
        request,
        "appraisal/target.html",
        {"target": found, "line": shown, "on": on, "why": why, "window": queries.window(found)},
    )


@require_GET
def figure(request: HttpRequest, code: str) -> HttpResponse:
    on = _live(request)
    year = _year(request, on)
    found = next((one for one in queries.figures(year, on) if one.code == code), None)
    if found is None:
        return redirect("appraisal:scoreboard")
    return render(request, "appraisal/figure.html", {
        "figure": found, "year": year, "years": queries.years(on), "on": on, "by_draw": queries.pass_rates_by_draw(year, on) if found.passed else [],
    })  # fmt: skip


@require_GET
def snapshots(request: HttpRequest) -> HttpResponse:
    on = _live(request)
    return render(request, "appraisal/snapshots.html", {
        "snapshots": Snapshot.objects.select_related("created_by", "decided_by"), "on": on, "may_freeze": policy.may_freeze(request.user),
    })  # fmt: skip


@require_POST
def freeze(request: HttpRequest) -> HttpResponse:
    on = parse_date(request.POST.get("as_of", "")) if len(request.POST.get("as_of", "")) == 10 else None
    try:
        made = actions.freeze(on or timezone.localdate(), by=request.user, at=timezone.now())  # type: ignore[arg-type]
    except Refused as problem:
        messages.error(request, say(problem))
        return redirect("appraisal:snapshots")
    messages.success(request, _("快照 %(no)s 已生成，待领导小组领导批准公开") % {"no": made.no})
    return redirect("appraisal:snapshot", no=made.no)


@require_GET
def snapshot(request: HttpRequest, no: str) -> HttpResponse:
    _live(request)
    found = get_object_or_404(Snapshot, no=no)
    return render(request, "appraisal/snapshot.html", {
        "snapshot": found, "board": board(found), "may_decide": found.state == Snapshot.State.DRAFT and policy.may_decide_snapshot(request.user, found),
    })  # fmt: skip


@require_POST
@step_up.required("publish")
def decide(request: HttpRequest, no: str) -> HttpResponse:
    found = get_object_or_404(Snapshot, no=no)
    try:
        actions.decide(
            found, approve=request.POST.get("decision") == "approve", reason=request.POST.get("reason", ""),
            by=request.user, at=timezone.now(),  # type: ignore[arg-type]
        )  # fmt: skip
    except Refused as problem:
        messages.error(request, say(problem))
    else:
        messages.success(request, _("已记录决定"))
    return redirect("appraisal:snapshot", no=no)


def board(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot's frozen body with the words of the page's language. The portal shows the same."""
    content = json.loads(snapshot.body)
    english = language() == "en"

    def pick(row: dict[str, Any], key: str) -> str:
        return (row.get(f"{key}_en") if english else None) or row.get(key) or ""

    def share(numerator: int | None, denominator: int | None) -> str:
        if numerator is None or denominator == 0:
            return ""
        return show_percent(Fraction(numerator, denominator)) if denominator else str(numerator)

    return {
        "as_of": content["as_of"], "rule": content["rule"],
        "targets": [
            {
                **row, "label": pick(row, "name"), "kind": STATUS[row["status"]][0], "word": STATUS[row["status"]][1],
                "value": share(row["numerator"], row["denominator"]),
                "goal_text": show_percent(Fraction(str(row["goal"])) / 100, 1) if row["unit"] == "percent" else _goal(str(row["goal"]), row["unit"]),
            }
            for row in content["targets"]
        ],
        "figures": [
            {
                **row, "label": pick(row, "name"), "numerator_text": pick(row, "numerator_rule"),
                "denominator_text": pick(row, "denominator_rule"), "value": share(row["numerator"], row["denominator"]),
                "rate": {"numerator": row["numerator"], "denominator": row["denominator"], **row["design"]} if "design" in row else None,
            }
            for row in content["figures"]
        ],
    }  # fmt: skip
