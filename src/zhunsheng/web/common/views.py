"""The style guide: every component in every state, for whoever builds a page and for the accessibility test."""

import datetime
from types import SimpleNamespace
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from zhunsheng.web.common.templatetags.zs import ICONS, due, grouped, state_tag

HASH = "3f2a90c1d4e58b7766aa01f2c9d0e1b2a3f4c5d6e7f8091a2b3c4d5e6f709c1d"


class ExampleForm(forms.Form):
    """One field of every kind."""

    name = forms.CharField(
        label=gettext_lazy("任务名称"), max_length=60, help_text=gettext_lazy("公告中使用的名称，六十字以内。")
    )
    amount = forms.IntegerField(label=gettext_lazy("抽取数量"), min_value=1)
    day = forms.DateField(label=gettext_lazy("抽取日期"), widget=forms.DateInput(attrs={"type": "date"}))
    industry = forms.ChoiceField(
        label=gettext_lazy("行业"),
        choices=[("", gettext_lazy("请选择")), ("14", gettext_lazy("食品制造业")), ("36", gettext_lazy("汽车制造业"))],
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("抽查方式"),
        widget=forms.RadioSelect,
        choices=[("directed", gettext_lazy("定向")), ("undirected", gettext_lazy("不定向"))],
    )
    items = forms.MultipleChoiceField(
        label=gettext_lazy("抽查事项"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[("licence", gettext_lazy("登记事项检查")), ("label", gettext_lazy("食品标签检查"))],
    )
    reason = forms.CharField(label=gettext_lazy("理由"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    register = forms.FileField(
        label=gettext_lazy("名录文件"), required=False, help_text=gettext_lazy("CSV 或 Excel 文件。")
    )
    public = forms.BooleanField(label=gettext_lazy("同意公开结果"), required=False)


class FilterForm(forms.Form):
    q = forms.CharField(label=gettext_lazy("名称或信用代码"), required=False)
    state = forms.ChoiceField(
        label=gettext_lazy("状态"),
        required=False,
        choices=[("", gettext_lazy("全部")), ("open", gettext_lazy("待核查"))],
    )


def example_listing(rows: bool = True) -> SimpleNamespace:
    """What components/listing.html reads, with four invented firms."""
    day = datetime.date(2026, 11, 24)
    firms = [
        (
            "衡川市示例食品有限公司",
            "91990101MA00000014",
            state_tag("good", _("未发现问题")),
            due(day, 12),
            grouped(1842),
        ),
        (
            "衡川示例精密铸造股份有限公司第二铸造分公司（名称很长的企业也要放得下）",
            "91990102MA00000022",
            state_tag("bad", _("发现问题")),
            due(day, -3),
            37,
        ),
        ("示例便民超市", "92990101MA00000030", state_tag("warn", _("待复核")), due(day, 2), 5),
        ("衡川市示例电梯维保有限公司", "91990103MA00000048", state_tag("muted", _("未开始")), due(day), 0),
    ]
    heads = [
        {
            "key": "name",
            "label": _("企业名称"),
            "sortable": True,
            "direction": "asc",
            "sort_url": "?sort=-name",
            "numeric": False,
        },
        {
            "key": "uscc",
            "label": _("统一社会信用代码"),
            "sortable": False,
            "direction": "",
            "sort_url": "",
            "numeric": False,
        },
        {
            "key": "state",
            "label": _("结果"),
            "sortable": True,
            "direction": "",
            "sort_url": "?sort=state",
            "numeric": False,
        },
        {
            "key": "due",
            "label": _("最后期限"),
            "sortable": True,
            "direction": "",
            "sort_url": "?sort=due",
            "numeric": False,
        },
        {
            "key": "count",
            "label": _("检查次数"),
            "sortable": True,
            "direction": "",
            "sort_url": "?sort=count",
            "numeric": True,
        },
    ]
    return SimpleNamespace(
        name="example" if rows else "example-empty",
        title=_("企业名录"),
        heads=heads,
        column_choices=[{"key": head["key"], "label": head["label"], "shown": True} for head in heads],
        kept_parameters=[],
        filter_parameters=[],
        filter_form=FilterForm({"q": "示例"}) if rows else None,
        chips=[{"label": _("名称或信用代码"), "value": "示例", "remove_url": "?"}],
        total_text=_("共 %(n)s 条") % {"n": "4"} if rows else _("共 %(n)s 条") % {"n": "0"},
        rows=[
            {
                "url": "#main",
                "cells": [
                    {"label": head["label"], "numeric": head["numeric"], "html": cell}
                    for head, cell in zip(heads, firm, strict=True)
                ],
            }
            for firm in firms
        ]
        if rows
        else [],
        saved_views=[(_("本月逾期"), "?saved=1")] if rows else [],
        exports=[{"label": "CSV", "url": "?export=csv"}, {"label": _("Excel 表格"), "url": "?export=xlsx"}]
        if rows
        else [],
        next_url="?after=x" if rows else "",
        previous_url="?before=x" if rows else "",
        empty_text="",
    )


@login_not_required
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state. Holds no data of the city, so it is public."""
    day = datetime.date(2026, 11, 24)
    moment = datetime.datetime(2026, 11, 24, 1, 30, tzinfo=datetime.UTC)
    wrong = {
        "wrong-name": "",
        "wrong-amount": "-4",
        "wrong-day": "2026-02-30",
        "wrong-industry": "14",
        "wrong-kind": "directed",
    }
    bound = ExampleForm(wrong, prefix="wrong")
    bound.add_error(None, _("抽取数量超过名录中的企业数量：名录有 37 家。请减少数量，或换一份名录。"))
    figure = {"numerator": 1842, "denominator": 1911, "estimate": 0.9639, "low": 0.951, "high": 0.975}
    few = {"numerator": 29, "denominator": 31, "estimate": 0.9355, "low": 0.79, "high": 0.98}
    context: dict[str, Any] = {
        "form": ExampleForm(),
        "bound": bound,
        "listing": example_listing(),
        "empty_listing": example_listing(rows=False),
        "day": day,
        "moment": moment,
        "hash": HASH,
        "icons": sorted(ICONS),
        "kinds": ["good", "warn", "bad", "info", "muted", "seal"],
        "figure": figure,
        "few": few,
        "suppressed": {
            "numerator": 3,
            "denominator": 4,
            "estimate": 0.75,
            "low": 0.2,
            "high": 0.99,
            "suppressed": True,
        },
        "bars": [(_("东河区"), 412), (_("西岭区"), 388), (_("南湖县"), 96)],
        "why": {
            "sentence": _(
                "因为企业在 11 月 3 日收到通知，二十个工作日的期限跳过两个周末和一个调休日，所以最后一天是 2026-11-24。"
            ),
            "rule": _("法定期限"),
            "version": "2026.1",
            "source": _("行政处罚法(2021)第八十五条"),
            "confidence": "sure",
            "inputs": [
                (_("送达日期"), datetime.date(2026, 11, 3)),
                (_("期限"), _("20 个工作日")),
                (_("工作日历"), "cn-2026"),
            ],
            "command": "zhunsheng clock --from 2026-11-03 --working-days 20 --calendar cn-2026",
            "url": "#main",
        },
        "seal": {"no": 1284, "at": moment, "hash": HASH, "url": "#main", "verify_url": "#main"},
        "events": [
            {
                "at": datetime.date(2026, 10, 20),
                "title": _("计划公布"),
                "by": _("衡川市市场监督管理局"),
                "kind": "good",
            },
            {
                "at": datetime.datetime(2026, 11, 3, 7, 0, tzinfo=datetime.UTC),
                "title": _("名录冻结并公布承诺"),
                "text": _("1 911 家企业"),
                "kind": "good",
            },
            {"at": moment, "title": _("公开抽取"), "when": "now"},
            {"at": None, "title": _("实地检查"), "when": "ahead"},
        ],
        "tabs": [
            {"label": _("全部"), "url": "#main", "current": True, "count": 1911},
            {"label": _("待核查"), "url": "#main", "count": 12},
            {"label": _("已公示"), "url": "#main"},
        ],
        "tasks": [
            {
                "label": _("核对检查人员回避情况"),
                "url": "#main",
                "hint": _("双随机联合抽查第 17 号"),
                "due_on": day,
                "days_left": -3,
                "state": _("逾期"),
                "state_kind": "bad",
            },
            {"label": _("录入检查结果"), "url": "#main", "due_on": day, "days_left": 2},
            {"label": _("提交公示审批"), "state": pgettext("state", "已完成"), "state_kind": "good"},
        ],
        "figures": [
            {"label": _("今日到期"), "value": 4, "url": "#main", "kind": "warn"},
            {"label": _("已经逾期"), "value": 1, "url": "#main", "kind": "bad"},
            {"label": _("本月已公示"), "value": 1842, "url": "#main", "note": _("共 1 911 家")},
        ],
        "facts": [
            {"label": _("统一社会信用代码"), "value": "91990101MA00000014"},
            {"label": _("成立日期"), "value": day},
            {"label": _("联系电话"), "value": ""},
        ],
    }
    if "messages" in request.GET:
        messages.success(request, _("已保存。"))
    return render(request, "common/styleguide.html", context)
