"""What may be typed about a draw: where its randomness comes from, and what came."""

import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhunsheng.engine import draw as engine
from zhunsheng.engine import tables
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.web.common.errors import say
from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.forms.fields import Group, Grouped, InspectorChoice, moment_field, text_area
from zhunsheng.web.inspection.models import (
    Task,
    TeamMember,
)
from zhunsheng.web.registry.models import Inspector

PARTIES = 3


class AnnounceForm(Grouped, forms.Form):
    """When, and where the randomness will come from."""

    not_before = moment_field(_("最早抽取时间"), help_text=_("至少在公告之后 24 小时；此前产生的随机数一律无效。"))
    profile = forms.ChoiceField(label=_("随机数来源"), widget=forms.RadioSelect)
    ssq = forms.CharField(label=_("双色球期号"), required=False, max_length=20)
    dlt = forms.CharField(label=_("大乐透期号"), required=False, max_length=20)
    fallback_hours = forms.IntegerField(
        label=_("备用：几小时后改用公开仪式"),
        required=False,
        min_value=1,
        max_value=24 * 60,
        help_text=_("彩票停售或灯塔取不到时用；不填表示没有备用来源。"),
    )

    def __init__(self, *args: Any, on: datetime.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("Any", self.fields["profile"]).choices = queries.choices("draw/randomness", on)
        for number in range(1, PARTIES + 1):
            self.fields[f"party_{number}"] = forms.CharField(
                label=_now("见证方 %(n)s") % {"n": number}, required=False, max_length=60
            )
            self.fields[f"commitment_{number}"] = forms.CharField(
                label=_now("见证方 %(n)s 的承诺哈希") % {"n": number},
                required=False,
                max_length=64,
                help_text=_now("见证方事先密封的字符串的 SHA-256；不填表示当众揭示即可。") if number == 1 else "",
            )

    def layout(self) -> list[Group]:
        parties = tuple(f"{part}_{number}" for part in ("party", "commitment") for number in range(1, PARTIES + 1))
        return [
            Group(_("何时，用什么"), ("not_before", "profile"), grid=False),
            Group(_("公开仪式"), parties, hint=_("至少两个见证方，各揭示一个字符串，再当众掷骰子十次。选公开仪式或设备用来源时填写。")),
            Group(_("彩票"), ("ssq", "dlt"), folded=True, hint=_("选两种彩票同用时填写将要开奖的期号。")),
            Group(_("备用来源"), ("fallback_hours",), folded=True),
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        profile = cleaned.get("profile")
        try:
            if profile == "ceremony":
                cleaned["sources"] = self._ceremony(cleaned)
            elif profile == "lottery-pair":
                for name in ("ssq", "dlt"):
                    if not cleaned.get(name):
                        self.add_error(name, _now("请填写将要开奖的期号。"))
                cleaned["sources"] = [
                    engine.Source(f"lottery:{name}", {"issue": str(cleaned.get(name, ""))}) for name in ("ssq", "dlt")
                ]
            elif profile == "drand-quicknet" and cleaned.get("not_before"):
                chain = f"drand:{tables.load('draw/drand_chains').rows[0]['chain']}"
                cleaned["sources"] = [
                    engine.Source(chain, {"round": engine.first_round_after(chain, cleaned["not_before"])})
                ]
        except ZhunshengError as problem:
            self.add_error("profile", say(problem))
        hours = cleaned.get("fallback_hours")
        cleaned["fallback"] = (
            (engine.Fallback(int(hours), tuple(self._ceremony(cleaned))),)
            if hours and profile not in {None, "ceremony"}
            else ()
        )
        return cleaned

    def _ceremony(self, cleaned: Mapping[str, Any]) -> list[engine.Source]:
        sources = []
        for number in range(1, PARTIES + 1):
            party, promise = cleaned.get(f"party_{number}", ""), cleaned.get(f"commitment_{number}", "").lower()
            if not party:
                continue
            if promise and not re.fullmatch(r"[0-9a-f]{64}", promise):
                self.add_error(f"commitment_{number}", _now("承诺哈希应是 64 位十六进制数。"))
            terms: dict[str, str | int] = {"party": party} | ({"commitment": promise} if promise else {})
            sources.append(engine.Source(f"ceremony:party-{number}", terms))
        if len(sources) < 2:
            self.add_error("party_1", _now("公开仪式至少要两个见证方。"))
        return [*sources, engine.Source("ceremony:dice", {"rolls": 10})]


class ExecuteForm(Grouped, forms.Form):
    """What each announced source gave, when, and who saw it."""

    def __init__(
        self,
        *args: Any,
        sources: Sequence[engine.Source],
        fallback: int = 0,
        earliest: datetime.datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.sources = list(sources)
        for number, source in enumerate(self.sources):
            if source.kind == "drand":
                self.fields[f"signature_{number}"] = forms.CharField(
                    label=_now("签名"),
                    max_length=200,
                    widget=text_area(2),
                    help_text=_now("96 位十六进制数；随机数由它算出并离线验证。"),
                )
                continue
            self.fields[f"value_{number}"] = forms.CharField(
                label=_now("值"), max_length=200, help_text=_form_of(source)
            )
            self.fields[f"at_{number}"] = moment_field(
                _now("产生时间"),
                initial=max(timezone.localtime(), timezone.localtime(earliest)).strftime("%Y-%m-%dT%H:%M"),
            )
            self.fields[f"record_{number}"] = forms.CharField(
                label=_now("记录或网址"),
                required=False,
                max_length=300,
                help_text=_now("录像编号、公告网址等，供核对。"),
            )
        self.fields["witnesses"] = forms.CharField(
            label=_now("现场见证人"),
            max_length=300,
            help_text=_now("写单位和人数，不写姓名，例如“市纪委监委2人、公证员1人”。"),
        )
        if fallback:
            self.fields["fallback_reason"] = forms.CharField(
                label=_now("启用备用来源的理由"), max_length=300, widget=text_area(2)
            )

    def layout(self) -> list[Group]:
        found = [
            Group(source_words(source), tuple(f"{part}_{number}" for part in ("value", "at", "record", "signature")))
            for number, source in enumerate(self.sources)
        ]
        return [*found, Group(_("见证"), ("witnesses", "fallback_reason"), grid=False)]

    def values(self) -> list[engine.Value]:
        found = []
        for number, source in enumerate(self.sources):
            asked = self.cleaned_data
            if source.kind == "drand":
                signature = re.sub(r"\s", "", str(asked[f"signature_{number}"])).lower()
                try:
                    value = hashlib.sha256(bytes.fromhex(signature)).hexdigest()
                except ValueError:
                    value = ""
                found.append(engine.Value(source.id, value, engine.round_time(source), {"signature": signature}))
                continue
            evidence = {"record": asked[f"record_{number}"]} if asked[f"record_{number}"] else {}
            found.append(
                engine.Value(source.id, str(asked[f"value_{number}"]).strip(), asked[f"at_{number}"], evidence)
            )
        return found


def source_words(source: engine.Source) -> str:
    """A source as people call it."""
    terms = source.terms
    if source.kind == "party":
        return _now("见证方 %(party)s 揭示的字符串") % {"party": terms.get("party", source.id)}
    if source.kind == "dice":
        return _now("当众掷骰子 %(n)s 次") % {"n": terms.get("rolls", 10)}
    if source.kind == "ssq":
        return _now("双色球第 %(issue)s 期") % {"issue": terms.get("issue", "")}
    if source.kind == "dlt":
        return _now("大乐透第 %(issue)s 期") % {"issue": terms.get("issue", "")}
    return _now("drand 灯塔第 %(round)s 轮") % {"round": terms.get("round", "")}


def _form_of(source: engine.Source) -> str:
    if source.kind == "dice":
        return _now("点数按次序用 - 连接，例如 4-2-6-1-5-3-3-6-2-1。")
    if source.kind == "ssq":
        return _now("红球从小到大用 - 连接，加号后写蓝球，例如 03-11-15-22-28-31+07。")
    if source.kind == "dlt":
        return _now("前区从小到大用 - 连接，加号后写后区，例如 02-09-17-25-33+04-11。")
    return _now("字母和数字，不含 | 和 =。")


class ReplaceForm(forms.Form):
    absent = InspectorChoice(label=_("不能到场的检查人员"), queryset=Inspector.objects.none())
    reason = forms.CharField(
        label=_("理由"),
        max_length=300,
        widget=text_area(),
        help_text=_("理由将向社会公开，请勿写个人信息，例如“突发疾病”“申报回避”。"),
    )

    def __init__(self, *args: Any, task: Task, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = TeamMember.objects.filter(task=task, replaced_reason="").values("inspector")
        cast("Any", self.fields["absent"]).queryset = Inspector.objects.filter(pk__in=here)
