"""What may be typed about a plan."""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.forms.fields import Group, Grouped, ItemChoices, NamedChoice, NamedChoices, day_input
from zhunsheng.web.inspection.models import (
    CheckItem,
    Plan,
)
from zhunsheng.web.people.models import Office
from zhunsheng.web.people.queries import offices_on
from zhunsheng.web.registry.models import Division, EntityStatus, Park, RiskClass

CLASSES = [*RiskClass.choices, (queries.UNCLASSED, _("未分类或不按分类"))]


OWN = "own"


class PlanForm(Grouped, forms.Form):
    """A plan: what, whom, how many, when."""

    name = forms.CharField(label=_("计划名称"), max_length=120)
    year = forms.IntegerField(label=_("年度"), min_value=2014, max_value=2100)
    kind = forms.ChoiceField(label=_("抽查类型"), choices=Plan.Kind.choices, widget=forms.RadioSelect)
    items = ItemChoices(label=_("抽查事项"), queryset=CheckItem.objects.none(), widget=forms.CheckboxSelectMultiple)
    office = NamedChoice(label=_("牵头机构"), queryset=Office.objects.none())
    joint_offices = NamedChoices(label=_("联合机构"), queryset=Office.objects.none(), required=False)
    starts_on = forms.DateField(label=_("检查开始"), widget=day_input())
    ends_on = forms.DateField(label=_("检查结束"), widget=day_input())
    divisions = forms.MultipleChoiceField(
        label=_("县（市、区）和乡镇街道"), required=False, help_text=_("不选表示全市。")
    )
    parks = forms.MultipleChoiceField(label=_("园区"), required=False)
    industries = forms.MultipleChoiceField(
        label=_("行业"), required=False, help_text=_("门类或大类(GB/T 4754)；不选表示全部。")
    )
    sizes = forms.MultipleChoiceField(label=_("规模"), required=False, widget=forms.CheckboxSelectMultiple)
    risk_classes = forms.MultipleChoiceField(
        label=_("信用风险分类"), required=False, widget=forms.CheckboxSelectMultiple, choices=CLASSES
    )
    statuses = forms.MultipleChoiceField(
        label=_("登记状态"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=EntityStatus.choices,
        help_text=_("不选表示全部：已注销、吊销的留在名录中，抽中后如实记录。"),
    )
    tags = forms.CharField(label=_("标签"), required=False, help_text=_("多个标签用空格分开，有其中之一即可。"))
    schemes = forms.CharField(
        label=_("主体标识类别"), required=False, help_text=_("例如 uscc;多个用空格分开，不填表示全部。")
    )
    stratify_by = forms.ChoiceField(label=_("分层"), choices=[])
    ratio_scheme = forms.ChoiceField(label=_("比例方案"), choices=[])
    team_size = forms.IntegerField(label=_("每组检查人员数"), min_value=2, max_value=9, initial=2)

    def __init__(
        self, *args: Any, offices: "QuerySet[Office]", on: datetime.date, plan: Plan | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        fields = cast("dict[str, Any]", self.fields)
        fields["items"].queryset = queries.items_on(on).order_by("code") if plan is None else _items_of(plan, on)
        fields["office"].queryset = offices
        fields["joint_offices"].queryset = offices_on(on)
        fields["divisions"].choices = [
            (one.code, f"{one.code} {named(one)}") for one in Division.objects.exclude(level="city").order_by("code")
        ]
        fields["parks"].choices = [(one.code, named(one)) for one in Park.objects.order_by("code")]
        fields["industries"].choices = queries.industry_choices()
        fields["sizes"].choices = queries.choices("registry/sizes")
        fields["stratify_by"].choices = Plan._meta.get_field("stratify_by").choices
        self.ratio_schemes = {key: one for key, one in queries.ratio_schemes(on).items() if one["role"] != "minimum"}
        fields["ratio_scheme"].choices = [
            *(
                (key, _now("%(name)s（%(ratios)s）") % {"name": one["label"], "ratios": _ratio_words(one["ratios"])})
                for key, one in self.ratio_schemes.items()
            ),
            (OWN, _now("本计划另定")),
        ]
        for key, label in CLASSES:
            fields[_ratio_field(key)] = forms.DecimalField(
                label=_now("%(class)s的比例(%%)") % {"class": label},
                required=False,
                max_value=100,
                decimal_places=4,
                max_digits=7,
                min_value=Decimal("0.0001"),
            )
        if plan is not None:
            del fields["office"]

    def layout(self) -> list[Group]:
        return [
            Group(_("抽查什么"), ("name", "year", "items", "kind"), grid=False),
            Group(_("由谁，何时"), ("office", "joint_offices", "starts_on", "ends_on", "team_size")),
            Group(
                _("限定对象范围"), ("divisions", "parks", "industries", "sizes", "risk_classes", "statuses", "tags", "schemes"), folded=True,
                hint=_("不限定时，凡事项适用的主体都在名录中。"),
            ),
            Group(_("抽多少"), ("stratify_by", "ratio_scheme")),
            Group(
                _("各类比例"), tuple(_ratio_field(key) for key, _label in CLASSES), folded=True,
                hint=_("选“本计划另定”时填写；方案没有写明的类别（例如未分类）也在这里补上。"),
            ),
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("ratio_scheme") == OWN and not self._own_ratios(cleaned):
            self.add_error("ratio_scheme", _now("请填写本计划另定的比例。"))
        return cleaned

    def _own_ratios(self, cleaned: Mapping[str, Any]) -> dict[str, str]:
        found = {}
        for key, _label in CLASSES:
            value = cleaned.get(_ratio_field(key))
            if value is not None:
                found[key] = f"{(value / 100).normalize():f}"
        return found

    def ratios(self) -> dict[str, str]:
        """Class → decimal text. Own ratios stand beside a scheme for the classes that it leaves out, such as `*`."""
        own = self._own_ratios(self.cleaned_data)
        scheme = self.cleaned_data.get("ratio_scheme", "")
        if scheme == OWN:
            return own
        return {
            **{key: value for key, value in own.items() if key not in self.ratio_schemes[scheme]["ratios"]},
            **self.ratio_schemes[scheme]["ratios"],
        }

    def scope(self) -> dict[str, list[str]]:
        asked = self.cleaned_data
        found = {
            key: list(asked.get(key) or [])
            for key in ("divisions", "parks", "industries", "sizes", "risk_classes", "statuses")
        }
        found["tags"] = str(asked.get("tags") or "").split()
        found["schemes"] = str(asked.get("schemes") or "").split()
        return {key: values for key, values in found.items() if values}

    def values(self) -> dict[str, Any]:
        """What `actions.draft_plan` and `edit_plan` take."""
        asked = self.cleaned_data
        found = {
            key: asked[key] for key in ("name", "year", "kind", "stratify_by", "team_size", "starts_on", "ends_on")
        }
        found["items"], found["joint_offices"] = list(asked["items"]), list(asked["joint_offices"])
        found["ratio_scheme"] = "" if asked["ratio_scheme"] == OWN else asked["ratio_scheme"]
        return found | {"scope": self.scope(), "ratios": self.ratios()}


def plan_initial(plan: Plan) -> dict[str, Any]:
    """A plan as the form shows it."""
    found: dict[str, Any] = {
        key: getattr(plan, key) for key in ("name", "year", "kind", "stratify_by", "team_size", "starts_on", "ends_on")
    }
    found |= {
        key: plan.scope.get(key, [])
        for key in ("divisions", "parks", "industries", "sizes", "risk_classes", "statuses")
    }
    found["tags"], found["schemes"] = " ".join(plan.scope.get("tags", [])), " ".join(plan.scope.get("schemes", []))
    found["items"], found["joint_offices"] = list(plan.items.all()), list(plan.joint_offices.all())
    found["ratio_scheme"] = plan.ratio_scheme or OWN
    found |= {_ratio_field(key): f"{(Decimal(value) * 100).normalize():f}" for key, value in plan.ratios.items()}
    return found


def _items_of(plan: Plan, on: datetime.date) -> QuerySet[CheckItem]:
    return (
        (queries.items_on(on) | CheckItem.objects.filter(plans=plan).select_related("office", "product_class"))
        .distinct()
        .order_by("code")
    )


def _ratio_field(key: str) -> str:
    return f"ratio_{'none' if key == queries.UNCLASSED else key}"


def _ratio_words(ratios: Mapping[str, str]) -> str:
    return " ".join(f"{key} {(Decimal(value) * 100).normalize():f}%" for key, value in ratios.items())
