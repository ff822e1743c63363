"""What a reader asks of the sampling page: one form for each purpose, because the two must not be mixed."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhunsheng.engine import sampling
from zhunsheng.engine.sampling import LEVELS, MAX_LIMIT, MAX_LOT, MAX_SAMPLE, Kind, Purpose, Severity

SEVERITIES = {Severity.NORMAL: _("正常检验"), Severity.TIGHTENED: _("加严检验"), Severity.REDUCED: _("放宽检验")}
KINDS = {Kind.SINGLE: _("一次"), Kind.DOUBLE: _("二次"), Kind.MULTIPLE: _("多次（五次）")}


class _PlanForm(forms.Form):
    """A plan is asked for by GET, so that its address can be sent to others."""

    purpose: Purpose
    #: what an empty address shows
    example: dict[str, str]

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["purpose"] = forms.CharField(widget=forms.HiddenInput, required=False)


class SupervisionForm(_PlanForm):
    purpose = Purpose.SUPERVISION
    example = {"purpose": Purpose.SUPERVISION, "dql": "1", "limit": "0"}

    dql = forms.DecimalField(
        label=_("声称质量水平 DQL（%）"),
        help_text=_("企业声称、标准规定或抽查方案设定：每百个单位产品中最多几个不合格。"),
        max_digits=9,
        decimal_places=6,
        localize=False,
    )
    limit = forms.IntegerField(
        label=_("不合格品限定数 L"),
        help_text=_("样本中不合格品超过 L 个，就否定声称的质量水平。"),
        min_value=0,
        max_value=MAX_LIMIT,
    )
    population = forms.IntegerField(
        label=_("核查总体的单位数（可不填）"),
        help_text=_("库存、批或一段时间的产量。不超过 250 个按小总体计算。"),
        min_value=1,
        max_value=MAX_LOT,
        required=False,
    )
    n = forms.IntegerField(
        label=_("样本量（可不填）"),
        help_text=_("实施细则或标准的表已规定样本量时填写；不填，取错判风险不超过 5% 的最大样本量。"),
        min_value=1,
        max_value=MAX_SAMPLE,
        required=False,
    )


class AcceptanceForm(_PlanForm):
    purpose = Purpose.ACCEPTANCE
    example = {
        "purpose": Purpose.ACCEPTANCE, "lot": "1000", "aql": "1.0", "level": "II",
        "severity": Severity.NORMAL, "kind": Kind.SINGLE,
    }  # fmt: skip

    lot = forms.IntegerField(
        label=_("批量"), help_text=_("一批有多少个单位产品。"), min_value=2, max_value=1_000_000_000
    )
    aql = forms.ChoiceField(
        label=_("接收质量限 AQL"),
        help_text=_("10 及以下：不合格品百分数或每百单位产品不合格数；大于 10：只能是每百单位产品不合格数。"),
        choices=lambda: [(name, name) for name in sampling.aqls()],
    )
    level = forms.ChoiceField(
        label=_("检验水平"),
        help_text=_("没有另外规定时用 II；S-1 至 S-4 用于样本必须很小、可以承受较大风险的场合。"),
        choices=[(level, level) for level in LEVELS],
    )
    severity = forms.ChoiceField(label=_("严格度"), choices=list(SEVERITIES.items()))
    kind = forms.ChoiceField(label=pgettext_lazy("sampling", "抽取次数"), choices=list(KINDS.items()))


FORMS: dict[str, type[_PlanForm]] = {form.purpose: form for form in (SupervisionForm, AcceptanceForm)}
