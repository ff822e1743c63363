"""What may be typed about business entities, premises, inspectors and recusals."""

import datetime
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.common.errors import Refused
from zhunsheng.web.common.records import Level, in_force
from zhunsheng.web.common.spreadsheet import parse_day
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.people.forms import OfficeChoice, day_input
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.people.queries import division_scope
from zhunsheng.web.registry import words
from zhunsheng.web.registry.filters import division_choices
from zhunsheng.web.registry.models import BusinessEntity, Division, EntityStatus, Inspector, Park, RiskClass
from zhunsheng.web.registry.queries import divisions
from zhunsheng.web.registry.values import parse_unit_id


class DayField(forms.DateField):
    """A day in any of the five ways of writing it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=day_input(), **kwargs)

    def to_python(self, value: Any) -> "datetime.date | None":
        if value in self.empty_values:
            return None
        try:
            return parse_day(value)
        except Refused as problem:
            raise forms.ValidationError(str(problem)) from None


class DivisionField(forms.ChoiceField):
    """A division of the user's area. `none`: what no choice is called."""

    def bind(self, request: Any, none: str) -> None:
        self.known = divisions(request)
        self.choices = [("", none), *division_choices(request)]
        if division_scope(request.user) is None:
            self.choices += [(one.code, named(one)) for one in self.known.values() if one.level == "city"]

    def clean(self, value: Any) -> "Division | None":
        code = super().clean(value)
        return self.known.get(code) if code else None


class ParkField(forms.ChoiceField):
    """A park that exists today, or the one that the record has."""

    def bind(self, now: "int | None") -> None:
        parks = Park.objects.filter(in_force(timezone.localdate()) | Q(pk=now)).order_by("code")
        self.known = {str(park.pk): park for park in parks}
        self.choices = [("", _("不在园区")), *((str(park.pk), named(park)) for park in parks)]

    def clean(self, value: Any) -> "Park | None":
        code = super().clean(value)
        return self.known.get(code) if code else None


class EntityForm(forms.Form):
    """The facts of a business entity. A new one may bring its first premises."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    unit_id = forms.CharField(
        label=gettext_lazy("主体标识"), max_length=80, required=False,
        help_text=gettext_lazy("统一社会信用代码、15 位注册号，或“类别：号码”。代码还不知道时留空，先用本地编号。"),
    )  # fmt: skip
    name = forms.CharField(label=gettext_lazy("名称"), max_length=200)
    entity_type = forms.ChoiceField(label=gettext_lazy("主体类型"), required=False)
    industry = forms.CharField(
        label=gettext_lazy("行业代码"),
        max_length=4,
        required=False,
        help_text=gettext_lazy("GB/T 4754-2017 门类字母或 2 至 4 位数字，例如 1411。"),
    )
    size = forms.ChoiceField(label=gettext_lazy("规模"), required=False)
    status = forms.ChoiceField(label=gettext_lazy("登记状态"), choices=EntityStatus.choices)
    established_on = DayField(label=gettext_lazy("成立日期"), required=False)
    division = DivisionField(label=gettext_lazy("所在地"), required=False)
    address = forms.CharField(label=gettext_lazy("住所"), max_length=300, required=False)
    park = ParkField(label=gettext_lazy("园区"), required=False)
    tags = forms.CharField(
        label=gettext_lazy("标签"), max_length=200, required=False, help_text=gettext_lazy("多个标签用空格分开。")
    )
    risk_class = forms.ChoiceField(
        label=gettext_lazy("信用风险分类"), choices=[("", gettext_lazy("未分类")), *RiskClass.choices], required=False,
        help_text=gettext_lazy("内部使用，不对外公开，也不单独作为减损权益的依据。"),
    )  # fmt: skip
    risk_class_source = forms.CharField(label=gettext_lazy("分类来源"), max_length=120, required=False)
    risk_class_on = DayField(label=gettext_lazy("分类日期"), required=False)
    handling_organ = forms.CharField(label=gettext_lazy("办理机关"), max_length=120, required=False)
    level = forms.ChoiceField(label=gettext_lazy("层级"), choices=Level.choices)
    source_system = forms.CharField(
        label=gettext_lazy("来源系统"), max_length=60, required=False, help_text=gettext_lazy("本平台登记的留空。")
    )
    upstream_no = forms.CharField(label=gettext_lazy("上级系统编号"), max_length=80, required=False)
    premises_address = forms.CharField(
        label=gettext_lazy("第一个经营场所的地址"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("与住所相同也请填：检查人员照它去。"),
    )
    reason = forms.CharField(
        label=gettext_lazy("修改理由"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("记在经过里，例如“按登记机关变更通知”。"),
    )

    def __init__(self, *args: Any, request: Any, entity: "BusinessEntity | None" = None, **kwargs: Any) -> None:
        if entity is not None:
            kwargs.setdefault(
                "initial", {name: getattr(entity, name) for name in self.base_fields if hasattr(entity, name)}
            )
            kwargs["initial"] |= {"division": entity.division_id or "", "park": str(entity.park_id or "")}
        else:
            kwargs.setdefault("initial", {"status": EntityStatus.ACTIVE, "level": Level.CITY})
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        types = words.labels("registry/entity_types", today)
        if entity is not None and entity.entity_type:
            types.setdefault(entity.entity_type, entity.entity_type)
        self.fields["entity_type"].choices = [("", _("未填")), *types.items()]  # type: ignore[attr-defined]
        self.fields["size"].choices = [("", _("未划型")), *words.labels("registry/sizes", today).items()]  # type: ignore[attr-defined]
        self.fields["division"].bind(request, _("未填"))  # type: ignore[attr-defined]
        self.fields["park"].bind(entity.park_id if entity else None)  # type: ignore[attr-defined]
        if entity is None:
            del self.fields["reason"], self.fields["version"]
        else:
            del self.fields["premises_address"]
            self.fields["unit_id"].required = True
            self.fields["unit_id"].help_text = _("统一社会信用代码、15 位注册号，或“类别：号码”。")

    def clean_unit_id(self) -> str:
        text: str = self.cleaned_data["unit_id"].strip()
        try:
            return parse_unit_id(text) if text else ""
        except Refused as problem:
            raise forms.ValidationError(str(problem)) from None

    def values(self) -> dict[str, Any]:
        """The fields of the entity, for the action."""
        own = ("version", "reason", "premises_address")
        return {name: value for name, value in self.cleaned_data.items() if name not in own}


class PremisesForm(forms.Form):
    """A place of business."""

    name = forms.CharField(label=gettext_lazy("场所名称"), max_length=200, required=False)
    address = forms.CharField(label=gettext_lazy("地址"), max_length=300)
    division = DivisionField(label=gettext_lazy("所在地"), required=False)
    park = ParkField(label=gettext_lazy("园区"), required=False)
    latitude = forms.FloatField(label=gettext_lazy("纬度"), required=False, help_text=gettext_lazy("十进制度数。"))
    longitude = forms.FloatField(label=gettext_lazy("经度"), required=False)
    datum = forms.ChoiceField(
        label=gettext_lazy("坐标系"),
        required=False,
        choices=[("", gettext_lazy("未填")), ("CGCS2000", "CGCS2000"), ("WGS84", "WGS 84"), ("GCJ02", "GCJ-02")],
    )

    def __init__(self, *args: Any, request: Any, premises: Any = None, **kwargs: Any) -> None:
        if premises is not None:
            kwargs["initial"] = {name: getattr(premises, name) for name in self.base_fields} | {
                "division": premises.division_id or "", "park": str(premises.park_id or ""),
            }  # fmt: skip
        super().__init__(*args, **kwargs)
        self.fields["division"].bind(request, _("未填"))  # type: ignore[attr-defined]
        self.fields["park"].bind(premises.park_id if premises else None)  # type: ignore[attr-defined]


class CloseForm(forms.Form):
    on = DayField(label=gettext_lazy("从哪天起关闭"), initial=timezone.localdate)


class InspectorForm(forms.Form):
    """An inspector of the second register."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    person_no = forms.CharField(
        label=gettext_lazy("人员编号"),
        max_length=40,
        help_text=gettext_lazy("公示时用编号，不公布姓名。不要用身份证号。"),
    )
    name = forms.CharField(label=gettext_lazy("姓名"), max_length=40)
    office = OfficeChoice(label=gettext_lazy("机构"), queryset=Office.objects.none())
    user = forms.ModelChoiceField(
        label=gettext_lazy("登录账号"),
        queryset=User.objects.none(),
        required=False,
        empty_label=gettext_lazy("没有账号"),
    )
    certificate_no = forms.CharField(label=gettext_lazy("执法证号"), max_length=40, required=False)
    certificate_valid_to = DayField(
        label=gettext_lazy("执法证有效期至"), required=False, help_text=gettext_lazy("过期的人员不会被抽到。")
    )
    home_division = DivisionField(
        label=gettext_lazy("常驻区划"), required=False, help_text=gettext_lazy("抽查时按它轮换。")
    )
    status = forms.ChoiceField(
        label=gettext_lazy("状态"),
        choices=[("active", gettext_lazy("在岗")), ("leave", gettext_lazy("请假")), ("left", gettext_lazy("离岗"))],
    )
    level = forms.ChoiceField(label=gettext_lazy("层级"), choices=Level.choices)

    def __init__(self, *args: Any, request: Any, inspector: "Inspector | None" = None, **kwargs: Any) -> None:
        if inspector is not None:
            kwargs["initial"] = {name: getattr(inspector, name) for name in self.base_fields} | {
                "office": inspector.office_id, "user": inspector.user_id, "home_division": inspector.home_division_id or "",
            }  # fmt: skip
        else:
            kwargs.setdefault("initial", {"status": "active", "level": Level.CITY})
        super().__init__(*args, **kwargs)
        offices = Office.objects.filter(
            in_force(timezone.localdate()) | Q(pk=inspector.office_id if inspector else None)
        )
        self.fields["office"].queryset = offices.order_by("code")  # type: ignore[attr-defined]
        free = Q(inspector__isnull=True, firm_account__isnull=True, is_active=True, posts__role="inspector")
        self.fields["user"].queryset = (  # type: ignore[attr-defined]
            User.objects.filter(free | Q(pk=inspector.user_id if inspector else None)).distinct().order_by("username")
        )
        self.fields["home_division"].bind(request, _("未填"))  # type: ignore[attr-defined]
        if inspector is None:
            del self.fields["version"]

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "version"}


class LeaveForm(forms.Form):
    leave_from = DayField(
        label=gettext_lazy("请假开始"), required=False, help_text=gettext_lazy("两个日期都清空就是销假。")
    )
    leave_to = DayField(label=gettext_lazy("请假结束"), required=False)


class QualificationForm(forms.Form):
    speciality = forms.ChoiceField(label=gettext_lazy("专业"))
    certificate_no = forms.CharField(label=gettext_lazy("证书号"), max_length=60, required=False)
    valid_from = DayField(label=gettext_lazy("生效日期"), required=False)
    valid_to = DayField(label=gettext_lazy("失效日期"), required=False, help_text=gettext_lazy("最后有效的一天。"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["speciality"].choices = list(words.labels("inspection/specialities", timezone.localdate()).items())  # type: ignore[attr-defined]


class EndForm(forms.Form):
    on = DayField(label=gettext_lazy("最后有效的一天"), initial=timezone.localdate)


class RecusalForm(forms.Form):
    """A relation between an inspector and an entity, named by its code."""

    unit_id = forms.CharField(
        label=gettext_lazy("经营主体的代码"),
        max_length=80,
        help_text=gettext_lazy("统一社会信用代码、注册号，或“类别：号码”。"),
    )
    kind = forms.ChoiceField(label=gettext_lazy("回避情形"))
    note = forms.CharField(
        label=gettext_lazy("说明"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("写到能判断是否要回避即可，不写第三人的隐私。"),
    )
    declared_on = DayField(label=gettext_lazy("申报日期"), initial=timezone.localdate)
    valid_to = DayField(label=gettext_lazy("回避至"), required=False, help_text=gettext_lazy("不填为长期。"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = words.labels("inspection/recusal_kinds", timezone.localdate())
        declared = [(code, name) for code, name in kinds.items() if code not in words.COMPUTED_RECUSALS]
        self.fields["kind"].choices = declared  # type: ignore[attr-defined]

    def clean_unit_id(self) -> BusinessEntity:
        """The entity of this code, which must be in the register."""
        try:
            unit_id = parse_unit_id(self.cleaned_data["unit_id"])
        except Refused as problem:
            raise forms.ValidationError(str(problem)) from None
        entity = BusinessEntity.objects.filter(unit_id=unit_id).first()
        if entity is None:
            raise forms.ValidationError(_("名录里没有这个主体"))
        return entity


class EndRecusalForm(forms.Form):
    on = DayField(label=gettext_lazy("最后一天"), initial=timezone.localdate)
    reason = forms.CharField(label=gettext_lazy("解除理由"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class FirmAccountForm(forms.Form):
    username = forms.CharField(label=gettext_lazy("用户名"), max_length=150)
    display_name = forms.CharField(label=gettext_lazy("经办人姓名"), max_length=40)
    password = forms.CharField(
        label=gettext_lazy("初始密码"), strip=False, widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("首次登录须修改。"),
    )  # fmt: skip
