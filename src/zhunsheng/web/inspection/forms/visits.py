"""What may be typed about a visit."""

import datetime
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhunsheng.engine.tables import Row
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.actions import FindingInput, VisitInput
from zhunsheng.web.inspection.forms.fields import (
    Group,
    Grouped,
    NamedChoice,
    PremisesChoice,
    day_input,
    text_area,
    time_input,
)
from zhunsheng.web.inspection.models import (
    Finding,
    ResultWording,
    Task,
    Visit,
)
from zhunsheng.web.registry.models import Premises

SIGNED = cast("Any", Visit._meta.get_field("signed").choices)
SEVERITY = cast("Any", Finding._meta.get_field("severity").choices)


class VisitForm(Grouped, forms.Form):
    """The record of a visit: for each item a verdict, one result overall, the other side's word and signature."""

    visited_on = forms.DateField(label=_("检查日期"), widget=day_input())
    arrived_at = forms.TimeField(label=_("到达时间"), required=False, widget=time_input())
    left_at = forms.TimeField(label=_("离开时间"), required=False, widget=time_input())
    premises = PremisesChoice(label=_("检查场所"), queryset=Premises.objects.none(), required=False)
    result = NamedChoice(
        label=_("检查结果"), queryset=ResultWording.objects.none(), required=False, widget=forms.RadioSelect
    )
    summary = forms.CharField(label=_("情况说明"), max_length=1000, required=False, widget=text_area(3))
    entity_opinion = forms.CharField(label=_("被检查单位意见"), max_length=500, required=False, widget=text_area(2))
    documents = forms.MultipleChoiceField(
        label=_("向企业索取的材料"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("没有索取就不选。记入企业的检查负担，重复索取会显示出来。"),
    )
    signed = forms.ChoiceField(label=_("签字情况"), widget=forms.RadioSelect, choices=SIGNED, initial="signed")
    witness = forms.CharField(
        label=_("见证人"), max_length=80, required=False, help_text=_("拒绝签字或无人在场时必填。")
    )

    def __init__(self, *args: Any, task: Task, on: datetime.date, correction: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.task = task
        self.items = queries.items_for(task)
        fields = cast("dict[str, Any]", self.fields)
        places = task.entity.premises.filter(closed_on__isnull=True)
        fields["premises"].queryset = places
        fields["premises"].empty_label = _now("登记住所：%(address)s") % {"address": task.entity.address or "—"}
        fields["result"].queryset = queries.wordings_on(on)
        fields["result"].empty_label = None
        fields["documents"].choices = [
            (row["code"], document_label(row)) for row in queries.document_kinds(on).values()
        ]
        for item in self.items:
            fields[f"verdict_{item.pk}"] = forms.ChoiceField(
                label=_now("结论"), choices=Finding.Verdict.choices, widget=forms.RadioSelect, required=False
            )
            fields[f"text_{item.pk}"] = forms.CharField(
                label=_now("问题描述"), max_length=600, required=False, widget=text_area(2)
            )
            fields[f"severity_{item.pk}"] = forms.ChoiceField(
                label=_now("严重程度"), required=False, choices=[("", "—"), *SEVERITY]
            )
            fields[f"action_{item.pk}"] = forms.CharField(label=_now("当场处理"), max_length=200, required=False)
        order = ["visited_on", "arrived_at", "left_at", "premises"]
        for item in self.items:
            order += [f"{part}_{item.pk}" for part in ("verdict", "text", "severity", "action")]
        order += ["result", "summary", "documents", "entity_opinion", "signed", "witness"]
        if correction:
            fields["correction_reason"] = forms.CharField(
                label=_now("更正理由"),
                max_length=300,
                widget=text_area(2),
                help_text=_now("与更正前后的结果一并公示，请勿写个人信息。"),
            )
            order.insert(0, "correction_reason")
        self.order_fields(order)

    def entry(self) -> VisitInput:
        """What `actions.record_visit` takes. Items without a verdict are left out."""
        asked = self.cleaned_data
        findings = [
            FindingInput(
                item,
                asked[f"verdict_{item.pk}"],
                asked[f"text_{item.pk}"],
                asked[f"severity_{item.pk}"],
                asked[f"action_{item.pk}"],
            )
            for item in self.items
            if asked.get(f"verdict_{item.pk}")
        ]
        return VisitInput(
            task=self.task,
            visited_on=asked["visited_on"],
            result=asked["result"],
            findings=findings,
            premises=asked["premises"],
            summary=asked["summary"],
            entity_opinion=asked["entity_opinion"],
            signed=asked["signed"],
            witness=asked["witness"],
            arrived_at=asked["arrived_at"],
            left_at=asked["left_at"],
            documents=tuple(asked["documents"]),
        )

    def layout(self) -> list[Group]:
        items = [
            Group(
                named(item),
                (f"verdict_{item.pk}",),
                grid=False,
                hint=item.content,
                more=tuple(f"{part}_{item.pk}" for part in ("text", "severity", "action")),
                when=(f"verdict_{item.pk}", Finding.Verdict.PROBLEM.value),
            )
            for item in self.items
        ]
        return [
            Group(_("更正"), ("correction_reason",), grid=False),
            Group(_("时间和地点"), ("visited_on", "arrived_at", "left_at", "premises")),
            *items,
            Group(_("总的结果"), ("result", "summary"), grid=False),
            Group(_("索取材料"), ("documents",), grid=False),
            Group(_("被检查单位"), ("entity_opinion", "signed", "witness"), grid=False),
        ]


def document_label(row: Row) -> str:
    """A kind of paper, with a word where an authority holds it anyway."""
    name = row.label(language())
    if not row["held_by"]:
        return name
    holder = row["held_by_en"] if language() == "en" else row["held_by"]
    return _now("%(name)s（%(holder)s已有，不必索取）") % {"name": name, "holder": holder}


def visit_initial(visit: Visit) -> dict[str, Any]:
    """A record as the form shows it."""
    found: dict[str, Any] = {
        key: getattr(visit, key)
        for key in (
            "visited_on",
            "arrived_at",
            "left_at",
            "premises",
            "result",
            "summary",
            "entity_opinion",
            "signed",
            "witness",
        )
    }
    found["documents"] = [one.kind for one in visit.document_requests.all()]
    for one in visit.findings.all():
        if one.item_id:
            found |= {
                f"verdict_{one.item_id}": one.verdict,
                f"text_{one.item_id}": one.text,
                f"severity_{one.item_id}": one.severity,
                f"action_{one.item_id}": one.action,
            }
    return found


class DocumentRequestForm(forms.Form):
    """Papers asked of a firm apart from any visit."""

    requested_on = forms.DateField(label=_("索取日期"), widget=day_input())
    documents = forms.MultipleChoiceField(label=_("材料种类"), widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(
        label=_("理由"),
        max_length=300,
        required=False,
        widget=text_area(2),
        help_text=_("所要的材料政府已有、或别的部门刚要过时，须写明为什么还要。企业看得到。"),
    )

    def __init__(self, *args: Any, on: datetime.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = cast("dict[str, Any]", self.fields)
        fields["documents"].choices = [
            (row["code"], document_label(row)) for row in queries.document_kinds(on).values()
        ]


class OutcomeForm(forms.Form):
    outcome = forms.CharField(label=_("处理结果"), max_length=500, widget=text_area())
