"""统计: the metrics of a procedure over the matters that the user may see, by office or division; each number opens its list."""

import datetime
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from zhunsheng.engine.procedure import Metric, Tally
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.exports import csv_response
from zhunsheng.web.common.templatetags.zs import grouped, named, percent
from zhunsheng.web.matters import figures as counting
from zhunsheng.web.matters import queries, words
from zhunsheng.web.matters.views.pages import see
from zhunsheng.web.people.forms import day_input
from zhunsheng.web.people.models import Office
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.registry.models import Division


class FiguresForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("种类"))
    opened = forms.DateField(label=gettext_lazy("登记日期从"), widget=day_input(), required=False)
    opened_to = forms.DateField(label=gettext_lazy("登记日期到"), widget=day_input(), required=False)
    by = forms.ChoiceField(
        label=gettext_lazy("分列"),
        choices=[("office", gettext_lazy("按机构")), ("division", gettext_lazy("按行政区划"))],
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["kind"].choices = [(code, words.kind_name(code)) for code in words.kinds()]  # type: ignore[attr-defined]


@require_GET
def figures(request: UserRequest) -> HttpResponse:
    """Without a choice: complaints of this year, by office."""
    see(request)
    today = timezone.localdate()
    given = {
        "kind": next(iter(words.kinds())),
        "opened": today.replace(month=1, day=1),
        "opened_to": today,
        "by": "office",
    }
    form = FiguresForm({**given, **{name: value for name, value in request.GET.items() if name in given}})
    if not form.is_valid():
        return render(request, "matters/figures.html", {"form": form}, status=422)
    values = form.cleaned_data
    matters, kept = queries.visible_to(request.user), {"kind": values["kind"], "drill": "no"}
    for name in ("opened", "opened_to"):
        if values[name] is not None:
            kept[name] = values[name].isoformat()
    if values["opened"] is not None:
        matters = matters.filter(opened_at__gte=_midnight(values["opened"]))
    if values["opened_to"] is not None:
        matters = matters.filter(opened_at__lt=_midnight(values["opened_to"] + datetime.timedelta(days=1)))
    found = counting.figures(values["kind"], matters, values["by"], timezone.now())
    names = _names(values["by"], counting.keys(found))
    rows = [
        {
            "name": name,
            "cells": [
                _cell(one, one.tallies.get(key), {**kept, values["by"]: str(key)} if key else None) for one in found
            ],
        }
        for key, name in names
    ]
    if request.GET.get("export") == "csv":
        return _export(values["kind"], found, names)
    context = {
        "form": form,
        "kind": words.kind_name(values["kind"]),
        "heads": [one.metric.label(language()) for one in found],
        "whole": [{"label": one.metric.label(language()), **_cell(one, one.whole, kept)} for one in found],
        "rows": rows,
        "by": dict(form.fields["by"].choices)[values["by"]],  # type: ignore[attr-defined]
        "export_url": f"?{urlencode({**{k: v for k, v in request.GET.items() if k in given}, 'export': 'csv'})}",
    }
    return render(request, "matters/figures.html", context)


def _names(by: str, keys: list[counting.Key]) -> list[tuple[counting.Key, str]]:
    """The offices or divisions by their names; those without one last."""
    rows: Any = Office.objects.filter(pk__in=[key for key in keys if key]) if by == "office" else (
        Division.objects.filter(pk__in=[key for key in keys if key])
    )  # fmt: skip
    known = [(one.pk, named(one)) for one in rows.order_by("code")]
    return [*known, *((key, _("未填写")) for key in keys if key is None)]


def _cell(figure: counting.Figure, tally: Tally | None, query: "dict[str, str] | None") -> dict[str, Any]:
    """A number with its parts, and the address of the matters behind it."""
    if tally is None:
        return {"value": "—", "of": "", "url": ""}
    url = (
        f"{reverse('matters:home')}?{urlencode(query | _behind(figure.metric, tally), doseq=True)}"
        if query is not None
        else ""
    )
    if tally.of is None:
        return {"value": money(tally.amount) if figure.money else grouped(tally.amount), "of": "", "url": url}
    share = tally.value
    return {
        "value": _("无数据") if share is None else percent(share),
        "of": f"{grouped(tally.amount)}/{grouped(tally.of)}",
        "url": url if tally.of else "",
    }


def _behind(metric: Metric, tally: Tally) -> dict[str, Any]:
    """The filter that finds the matters behind a number: for a rate of limits those that missed it, if any did."""
    if metric.kind == "on_time":
        return {"limit": f"{metric.limit}:{'late' if tally.amount < (tally.of or 0) else 'met'}"}
    return {"step": list(metric.steps)} if metric.steps else {}


def money(fen: int) -> str:
    """Fen as yuan, with two decimals."""
    return _("%(yuan)s 元") % {"yuan": f"{grouped(fen // 100)}.{fen % 100:02d}"}


def _export(kind: str, found: list[counting.Figure], names: list[tuple[counting.Key, str]]) -> HttpResponse:
    header = [_("指标"), _("范围"), _("数值"), _("分子"), _("分母")]
    lines = [
        [one.metric.label(language()), name, *_plain(one, one.tallies.get(key))]
        for one in found
        for key, name in [(counting.WHOLE, _("全部")), *names]
    ]
    return csv_response(words.kind_name(kind), header, lines)  # type: ignore[return-value]


def _plain(figure: counting.Figure, tally: Tally | None) -> list[Any]:
    if tally is None:
        return ["", "", ""]
    share = tally.value if tally.of is not None else Fraction(tally.amount, 100 if figure.money else 1)
    return ["" if share is None else float(share), tally.amount, "" if tally.of is None else tally.of]


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))
