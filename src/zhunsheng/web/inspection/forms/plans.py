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
from zhunsheng.web.inspection.models import CheckItem, Plan, PlanList
from zhunsheng.web.people.models import Office
from zhunsheng.web.people.queries import offices_on
from zhunsheng.web.registry.models import Division, EntityStatus, Park, RiskClass

CLASSES = [*RiskClass.choices, (queries.UNCLASSED, _("未分类或不按分类"))]


OWN = "own"


def _ratio_field(key: str) -> str:
    return f"ratio_{'none' if key == queries.UNCLASSED else key}"


SCOPE = ("divisions", "parks", "industries", "sizes", "risk_classes", "statuses")


class ScopeFields(forms.Form):
    """Whom a list names."""

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = cast("dict[str, Any]", self.fields)
        fields["divisions"].choices = [
            (one.code, f"{one.code} {named(one)}") for one in Division.objects.exclude(level="city").order_by("code")
        ]
        fields["parks"].choices = [(one.code, named(one)) for one in Park.objects.order_by("code")]
        fields["industries"].choices = queries.industry_choices()
        fields["sizes"].choices = queries.choices("registry/sizes")

    def scope(self) -> dict[str, list[str]]:
        asked = self.cleaned_data
        found = {key: list(asked.get(key) or []) for key in SCOPE}
        found["tags"] = str(asked.get("tags") or "").split()
        found["schemes"] = str(asked.get("schemes") or "").split()
        return {key: values for key, values in found.items() if values}


class StrataFields(forms.Form):
    """How a list is divided, and how many are drawn."""

    stratify_by = forms.ChoiceField(label=_("分层"), choices=[])
    measure = forms.ChoiceField(
        label=_("同一层内的入样概率"),
        choices=Plan.Measure.choices,
        widget=forms.RadioSelect,
        help_text=_("按规模或场所数的用帕累托抽样，概率在冻结名录时按公布的规则算出。"),
    )
    ratio_scheme = forms.ChoiceField(label=_("比例方案"), choices=[])

    def __init__(self, *args: Any, on: datetime.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = cast("dict[str, Any]", self.fields)
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

    def strata(self) -> dict[str, Any]:
        asked = self.cleaned_data
        return {
            "stratify_by": asked["stratify_by"],
            "measure": asked["measure"],
            "ratios": self.ratios(),
            "ratio_scheme": "" if asked["ratio_scheme"] == OWN else asked["ratio_scheme"],
        }


_SCOPE_GROUP = (*SCOPE, "tags", "schemes")
_RATIO_GROUP = Group(
    _("各类比例"), tuple(_ratio_field(key) for key, _label in CLASSES), folded=True,
    hint=_("选“本计划另定”时填写；方案没有写明的类别（例如未分类）也在这里补上。"),
)  # fmt: skip


class WhatForm(Grouped, forms.Form):
    """Step 1 of a plan: which items, in which manner, with whom."""

    name = forms.CharField(label=_("计划名称"), max_length=120)
    year = forms.IntegerField(label=_("年度"), min_value=2014, max_value=2100)
    office = NamedChoice(label=_("牵头机构"), queryset=Office.objects.none())
    items = ItemChoices(label=_("抽查事项"), queryset=CheckItem.objects.none(), widget=forms.CheckboxSelectMultiple)
    kind = forms.ChoiceField(label=_("抽查类型"), choices=Plan.Kind.choices, widget=forms.RadioSelect)
    joint_offices = NamedChoices(
        label=_("联合机构"), queryset=Office.objects.none(), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=_("每个联合机构各有一份名单，由该机构填写并确认；同一企业只检查一次。"),
    )  # fmt: skip
    mode = forms.ChoiceField(
        label=_("公开方式"),
        choices=Plan.Mode.choices,
        widget=forms.RadioSelect,
        help_text=_(
            "封存抽取：名录以密封形式公布，抽中名单在开封之前只有承办机构可看，每次查看留痕；最迟随结果一并公开。"
        ),
    )

    def __init__(
        self, *args: Any, offices: "QuerySet[Office]", on: datetime.date, plan: Plan | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        fields = cast("dict[str, Any]", self.fields)
        fields["items"].queryset = queries.items_on(on).order_by("code") if plan is None else _items_of(plan, on)
        fields["office"].queryset = offices
        fields["joint_offices"].queryset = offices_on(on)
        if plan is not None:
            del fields["office"]

    def layout(self) -> list[Group]:
        return [
            Group(_("抽查什么"), ("name", "year", "office"), grid=False),
            Group(_("事项"), ("items",), grid=False),
            Group(_("怎样抽"), ("kind",), grid=False, more=("joint_offices",), when=("kind", Plan.Kind.JOINT)),
            Group(_("公开方式"), ("mode",), grid=False),
        ]

    def values(self) -> dict[str, Any]:
        asked = self.cleaned_data
        joint = list(asked["joint_offices"]) if asked["kind"] == Plan.Kind.JOINT else []
        return {
            **{key: asked[key] for key in ("name", "year", "kind", "mode")},
            "items": list(asked["items"]),
            "joint_offices": joint,
        }

    @staticmethod
    def of(plan: Plan) -> dict[str, Any]:
        """A plan as the form shows it."""
        return {
            **{key: getattr(plan, key) for key in ("name", "year", "kind", "mode")},
            "items": list(plan.items.all()),
            "joint_offices": list(plan.joint_offices.all()),
        }


class ScopeForm(Grouped, ScopeFields):
    """Step 2: whom the leading office's list names."""

    def layout(self) -> list[Group]:
        return [Group(_("限定对象范围"), _SCOPE_GROUP, hint=_("不限定时，凡事项适用的主体都在名录中。"))]

    def values(self) -> dict[str, Any]:
        return {"scope": self.scope()}

    @staticmethod
    def of(plan: Plan | PlanList) -> dict[str, Any]:
        found: dict[str, Any] = {key: plan.scope.get(key, []) for key in SCOPE}
        return found | {key: " ".join(plan.scope.get(key, [])) for key in ("tags", "schemes")}


class StrataForm(Grouped, StrataFields):
    """Step 3: how the list is divided, and how many are drawn."""

    again = forms.BooleanField(
        label=_("本年已抽中过的另成一层，按降低的比例再抽"),
        required=False,
        help_text=_("一年内各次抽取不重复时使用；比例系数见参数表。已达年度次数上限的仍不抽。"),
    )

    def layout(self) -> list[Group]:
        return [
            Group(_("抽多少"), ("stratify_by", "ratio_scheme"), grid=False),
            _RATIO_GROUP,
            Group(_("概率"), ("measure", "again"), grid=False),
        ]

    def values(self) -> dict[str, Any]:
        return self.strata() | {"again": self.cleaned_data["again"]}

    @staticmethod
    def of(plan: Plan | PlanList) -> dict[str, Any]:
        found: dict[str, Any] = {"stratify_by": plan.stratify_by, "measure": plan.measure}
        found["ratio_scheme"] = plan.ratio_scheme or OWN
        found |= {_ratio_field(key): f"{(Decimal(value) * 100).normalize():f}" for key, value in plan.ratios.items()}
        return found | ({"again": plan.again} if isinstance(plan, Plan) else {})


class PeopleForm(Grouped, forms.Form):
    """Step 4: when the checks are made, and by how many."""

    starts_on = forms.DateField(label=_("检查开始"), widget=day_input())
    ends_on = forms.DateField(label=_("检查结束"), widget=day_input())
    team_size = forms.IntegerField(label=_("每组检查人员数"), min_value=2, max_value=9)
    load_least = forms.IntegerField(
        label=_("每人最少检查次数"),
        min_value=0,
        max_value=9999,
        required=False,
        help_text=_("不填则在关闭名单时按人数和请假情况建议。"),
    )
    load_most = forms.IntegerField(label=_("每人最多检查次数"), min_value=1, max_value=9999, required=False)

    def layout(self) -> list[Group]:
        return [
            Group(_("何时"), ("starts_on", "ends_on")),
            Group(_("多少人"), ("team_size", "load_least", "load_most")),
        ]

    def values(self) -> dict[str, Any]:
        return dict(self.cleaned_data)

    @staticmethod
    def of(plan: Plan) -> dict[str, Any]:
        return {key: getattr(plan, key) for key in ("starts_on", "ends_on", "team_size", "load_least", "load_most")}


class ListForm(Grouped, ScopeFields, StrataFields):
    """A joined office's list: its items, whom it names, how many."""

    items = ItemChoices(label=_("抽查事项"), queryset=CheckItem.objects.none(), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, part: PlanList, on: datetime.date, **kwargs: Any) -> None:
        super().__init__(*args, on=on, **kwargs)
        known = queries.items_on(part.plan.starts_on) | CheckItem.objects.filter(plan_lists=part).select_related(
            "office", "product_class"
        )
        cast("Any", self.fields["items"]).queryset = known.distinct().order_by("code")

    def layout(self) -> list[Group]:
        return [
            Group(_("抽查什么"), ("items",), grid=False),
            Group(_("限定对象范围"), _SCOPE_GROUP, folded=True, hint=_("不限定时，凡事项适用的主体都在名录中。")),
            Group(_("抽多少"), ("stratify_by", "ratio_scheme", "measure"), grid=False),
            _RATIO_GROUP,
        ]

    def values(self) -> dict[str, Any]:
        return self.strata() | {"scope": self.scope(), "items": list(self.cleaned_data["items"])}

    @staticmethod
    def of(part: PlanList) -> dict[str, Any]:
        return ScopeForm.of(part) | StrataForm.of(part) | {"items": list(part.items.all())}


def _items_of(plan: Plan, on: datetime.date) -> QuerySet[CheckItem]:
    return (
        (queries.items_on(on) | CheckItem.objects.filter(plans=plan).select_related("office", "product_class"))
        .distinct()
        .order_by("code")
    )


def _ratio_words(ratios: Mapping[str, str]) -> str:
    return " ".join(f"{key} {(Decimal(value) * 100).normalize():f}%" for key, value in ratios.items())
