"""What may be typed about items, wordings and rule books."""

from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.records import Level
from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.forms.fields import NamedChoice, day_input, text_area
from zhunsheng.web.inspection.models import CheckItem, ResultWording
from zhunsheng.web.people.models import Link, Office, ProductClass
from zhunsheng.web.people.queries import offices_on


class ItemForm(forms.Form):
    """An item, or a new version of one."""

    code = forms.CharField(label=_("事项代码"), max_length=40)
    name = forms.CharField(label=_("事项名称"), max_length=120)
    name_en = forms.CharField(label=_("英文名称"), max_length=160, required=False)
    category = forms.CharField(label=_("事项大类"), max_length=80, required=False)
    office = NamedChoice(label=_("责任机构"), queryset=Office.objects.none())
    object_type = forms.CharField(label=_("检查对象"), max_length=120, required=False)
    content = forms.CharField(label=_("检查内容"), max_length=500, required=False, widget=text_area())
    method = forms.CharField(label=_("检查方式"), max_length=80, required=False)
    legal_basis = forms.CharField(label=_("检查依据"), max_length=500, widget=text_area())
    level = forms.ChoiceField(label=_("层级"), choices=Level.choices)
    kind = forms.ChoiceField(label=_("事项类别"), choices=[("general", _("一般检查事项")), ("key", _("重点检查事项"))])
    ratio_min = forms.DecimalField(
        label=_("抽查比例下限"),
        required=False,
        max_digits=5,
        decimal_places=4,
        help_text=_("小数，0.03 表示 3%；没有下限则留空。"),
    )
    ratio_max = forms.DecimalField(
        label=_("抽查比例上限"), required=False, max_digits=5, decimal_places=4, help_text=_("重点检查事项不设上限。")
    )
    frequency_max_per_year = forms.IntegerField(label=_("每年对同一主体最多次数"), required=False, min_value=1)
    product_class = NamedChoice(label=_("产品类别"), queryset=ProductClass.objects.all(), required=False)
    link = forms.ChoiceField(label=_("环节"), choices=[("", "—"), *Link.choices], required=False)
    speciality = forms.ChoiceField(label=_("所需专业"), required=False)
    applies_to = forms.CharField(
        label=_("适用行业"),
        max_length=120,
        initial="*",
        help_text=_("* 表示全部；或用逗号分开的 GB/T 4754 门类字母、两位大类代码，例如 C,52。"),
    )
    source = forms.CharField(label=_("清单来源"), max_length=300, help_text=_("公布清单的文件名和文号。"))
    confidence = forms.ChoiceField(
        label=_("依据可靠程度"), choices=[("sure", _("确定")), ("likely", _("较可靠")), ("assumed", _("设定"))]
    )
    valid_from = forms.DateField(label=_("生效日期"), widget=day_input())

    def __init__(self, *args: Any, item: CheckItem | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        cast("Any", self.fields["office"]).queryset = offices_on(today)
        cast("Any", self.fields["speciality"]).choices = [("", "—"), *queries.choices("inspection/specialities", today)]
        if item is not None:
            del self.fields["code"]
            self.fields["valid_from"].label = _("新版本生效日期")

    def clean_applies_to(self) -> str:
        text = str(self.cleaned_data["applies_to"]).replace("，", ",").replace(" ", "")
        known = {code for code, _name in queries.industry_choices()}
        unknown = [code for code in text.split(",") if code != "*" and code not in known]
        if unknown:
            raise forms.ValidationError(
                _now("不认识的行业代码：%(codes)s。请写门类字母或两位大类代码。") % {"codes": _now("、").join(unknown)}
            )
        return text


class EndForm(forms.Form):
    valid_to = forms.DateField(label=_("最后有效日期"), widget=day_input())


class WordingForm(forms.Form):
    """A result wording, or a new version of one."""

    code = forms.CharField(label=_("代码"), max_length=20)
    name = forms.CharField(label=_("用语"), max_length=80)
    name_en = forms.CharField(label=_("英文"), max_length=160, required=False)
    estimation_role = forms.ChoiceField(label=_("统计口径"), choices=ResultWording.Role.choices)
    needs_followup = forms.ChoiceField(label=_("后续处理"))
    order = forms.IntegerField(label=_("排序"), min_value=0, max_value=999)
    source = forms.CharField(label=_("依据"), max_length=300)
    confidence = forms.ChoiceField(
        label=_("依据可靠程度"), choices=[("sure", _("确定")), ("likely", _("较可靠")), ("assumed", _("设定"))]
    )
    valid_from = forms.DateField(label=_("生效日期"), widget=day_input())

    def __init__(self, *args: Any, wording: ResultWording | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("Any", self.fields["needs_followup"]).choices = queries.choices(
            "inspection/follow_up_kinds", timezone.localdate()
        )
        if wording is not None:
            del self.fields["code"]
            self.fields["valid_from"].label = _("新版本生效日期")


class RuleBookForm(forms.Form):
    valid_from = forms.DateField(
        label=_("施行日期"), widget=day_input(), help_text=_("细则由这一天有效的事项、用语、比例、期限等表生成。")
    )
