"""What may be typed about a draw: where its randomness comes from, and what came."""

import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from zhunsheng.engine import draw as engine
from zhunsheng.engine import tables
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.web.common.errors import language, say
from zhunsheng.web.inspection import queries
from zhunsheng.web.inspection.forms.fields import Group, Grouped, InspectorChoice, day_input, moment_field, text_area
from zhunsheng.web.inspection.models import Plan, Task, TeamMember
from zhunsheng.web.registry.models import Inspector

PARTIES, LEAST_PARTIES = 4, 2
CEREMONY, LOTTERY, DRAND = "ceremony", "lottery-pair", "drand-quicknet"
MECHANICAL = [("dice", _("骰子")), ("balls", _("摇号球"))]


class AnnounceForm(Grouped, forms.Form):
    """When, and where the randomness of both rounds will come from. Profiles may be combined: the seed is as good as the best."""

    not_before = moment_field(_("最早抽取时间"), help_text=_("至少在公告之后 24 小时；此前产生的随机数一律无效。"))
    open_by = forms.DateField(
        label=_("最迟开封日期"), widget=day_input(), help_text=_("到这一天必须公开密钥和全部名单；逾期与否向社会公开。")
    )
    profiles = forms.MultipleChoiceField(label=_("抽取企业的随机数来源"), widget=forms.CheckboxSelectMultiple)
    second_profiles = forms.MultipleChoiceField(
        label=_("派员的随机数来源（第二轮）"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("名单关闭一小时以后才产生；与第一轮用不同的承诺、期号或轮次。"),
    )
    mechanical = forms.MultipleChoiceField(
        label=_("当众产生的随机数"), required=False, choices=MECHANICAL, widget=forms.CheckboxSelectMultiple
    )
    rolls = forms.IntegerField(label=_("掷骰子次数"), required=False, min_value=10, max_value=100)
    balls = forms.IntegerField(label=_("球的总数"), required=False, min_value=5, max_value=1000)
    draws = forms.IntegerField(
        label=_("摇出几个"),
        required=False,
        min_value=1,
        max_value=100,
        help_text=_("各种可能合计不少于 2 的 24 次方。"),
    )
    ssq = forms.CharField(label=_("双色球期号"), required=False, max_length=20)
    dlt = forms.CharField(label=_("大乐透期号"), required=False, max_length=20)
    second_ssq = forms.CharField(label=_("第二轮双色球期号"), required=False, max_length=20)
    second_dlt = forms.CharField(label=_("第二轮大乐透期号"), required=False, max_length=20)
    second_from = moment_field(
        _("第二轮预计时间"), required=False, help_text=_("用 drand 灯塔时据此确定轮次，至少在关闭名单一小时之后。")
    )
    fallback_hours = forms.IntegerField(
        label=_("几小时后改用 drand 灯塔"), required=False, min_value=1, max_value=24 * 60,
        help_text=_("不填就没有备用来源。第一轮自最早抽取时间起算，第二轮自关闭名单起算。"),
    )  # fmt: skip
    suite = forms.ChoiceField(
        label=_("密码套件"),
        choices=[("sha256", _("SHA-256（通用）")), ("sm3", _("SM3（国密）"))],
        help_text=_("决定本次抽取的全部哈希；选 SM3 的，核验程序须支持 SM3，见证方也用 SM3 计算承诺。"),
    )

    def __init__(self, *args: Any, on: datetime.date, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = cast("dict[str, Any]", self.fields)
        self.on, self.rows = on, queries.named_rows("draw/randomness", on)
        names = queries.choices("draw/randomness", on)
        fields["profiles"].choices = fields["second_profiles"].choices = names
        if plan.mode != Plan.Mode.SEALED:
            del fields["open_by"]
        for number in range(1, PARTIES + 1):
            fields[f"party_{number}"] = forms.CharField(label=_now("名称"), required=False, max_length=60)
            for part, label in (("", _now("第一轮的承诺哈希")), ("second_", _now("第二轮的承诺哈希"))):
                fields[f"{part}commitment_{number}"] = forms.CharField(
                    label=label,
                    required=False,
                    max_length=64,
                    widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
                )
            fields[f"default_{number}"] = forms.CharField(
                label=_now("不揭示时的默认值"), required=False, max_length=100
            )

    def profile_rows(self) -> list[dict[str, Any]]:
        """The profiles with against whom each protects and what remains, in the language of the page."""
        tail = "_en" if language() == "en" else ""
        return [
            {
                "name": row.label(language()), "bits": row["min_bits"], "protects": row[f"protects_against{tail}"],
                "remains": row[f"remains{tail}"], "source": row.source, "confidence": row.confidence,
            }
            for row in self.rows
        ]  # fmt: skip

    def layout(self) -> list[Group]:
        parties = [
            Group(
                _("见证方 %(n)s") % {"n": number},
                tuple(f"{name}_{number}" for name in ("party", "default", "commitment", "second_commitment")),
                folded=number > LEAST_PARTIES,
                hint=_("见证方在“承诺工具”网页上自己产生秘密字符串，只交出两轮的承诺哈希；字符串到仪式上才揭示。默认值随公告公开，拒不揭示的用它代替。")
                if number == 1
                else "",
            )
            for number in range(1, PARTIES + 1)
        ]  # fmt: skip
        return [
            Group(_("何时"), ("not_before", "open_by")),
            Group(
                _("抽取企业：第一轮随机数"), ("profiles",), grid=False,
                hint=_("可以同时选几种：只要其中一种可靠，结果就无法预知。用彩票或灯塔的一轮不掷骰子、不摇号：那时外部的值已经知道，可以掷到满意为止；见证方仍可参加，先承诺、后揭示。"),
            ),
            Group(_("派员：第二轮随机数"), ("second_profiles", "second_from"), grid=False),
            Group(
                _("公开仪式：骰子和摇号球"), ("mechanical", "rolls", "balls", "draws"),
                hint=_("次序固定：见证方公告前承诺，仪式上先掷骰子或摇号，再由各方揭示。骰子的时间不得晚于任何一方揭示的时间。"),
            ),
            *parties,
            Group(_("彩票"), ("ssq", "dlt", "second_ssq", "second_dlt"), folded=True, hint=_("选两种彩票同用时，填写将要开奖的期号；两轮的期号不同。")),
            Group(
                _("备用来源"), ("fallback_hours",), folded=True,
                hint=_("公告的来源取不到值时，改用该时刻的 drand 灯塔轮次；在公告中写明，事后不能挑选。只用灯塔的一轮没有备用：过去的轮次总能取到。"),
            ),
            Group(_("密码套件"), ("suite",), folded=True),
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        start = cleaned["not_before"]
        later = cleaned.get("second_from") or start + datetime.timedelta(days=1)
        try:
            cleaned["sources"] = self._round(cleaned, "profiles", start)
            cleaned["second_sources"] = self._round(cleaned, "second_profiles", later, second=True)
            cleaned["fallback"] = self._fallback(cleaned, "profiles", start)
            cleaned["second_fallback"] = self._fallback(cleaned, "second_profiles", later)
        except ZhunshengError as problem:
            self.add_error("profiles", say(problem))
        return cleaned

    def _round(
        self, cleaned: Mapping[str, Any], field: str, start: datetime.datetime, *, second: bool = False
    ) -> list[engine.Source]:
        chosen, sources = cleaned.get(field) or [], list[engine.Source]()
        if LOTTERY in chosen:
            for name in ("ssq", "dlt"):
                key = f"second_{name}" if second else name
                if not cleaned.get(key):
                    self.add_error(key, _now("请填写将要开奖的期号。"))
                sources.append(engine.Source(f"lottery:{name}", {"issue": str(cleaned.get(key, ""))}))
        if DRAND in chosen:
            sources.append(_drand(start))
        if CEREMONY in chosen:
            sources += self._ceremony(cleaned, second=second, alone=not sources)
        return sources

    def _fallback(
        self, cleaned: Mapping[str, Any], field: str, start: datetime.datetime
    ) -> tuple[engine.Fallback, ...]:
        hours = cleaned.get("fallback_hours")
        if not hours or cleaned.get(field) == [DRAND]:
            return ()
        return (engine.Fallback(int(hours), (_drand(start + datetime.timedelta(hours=hours)),)),)

    def _ceremony(self, cleaned: Mapping[str, Any], *, second: bool, alone: bool) -> list[engine.Source]:
        """What is thrown, where nothing from outside is in the round, and the parties with what they have handed in."""
        part, parties = "second_" if second else "", list[queries.Party]()
        for number in range(1, PARTIES + 1):
            name = cleaned.get(f"party_{number}", "")
            if not name:
                continue
            promise = cleaned.get(f"{part}commitment_{number}", "").lower()
            default = cleaned.get(f"default_{number}", "")
            if not re.fullmatch(r"[0-9a-f]{64}", promise):
                self._say(f"{part}commitment_{number}", _now("承诺哈希应是 64 位十六进制数，由见证方用承诺工具算出。"))
            if not default:
                self._say(f"default_{number}", _now("请填写默认值：拒不揭示时用它代替。"))
            parties.append(queries.Party(name, promise, default))
        if alone and len(parties) < LEAST_PARTIES:
            self._say("party_1", _now("公开仪式至少要两个见证方。"))
        if not parties:
            self._say("party_1", _now("请填写参加的见证方。"))
        rolls, balls = self._mechanical(cleaned) if alone else (0, None)
        return list(queries.ceremony(parties, second=second, rolls=rolls, balls=balls))

    def _mechanical(self, cleaned: Mapping[str, Any]) -> tuple[int, tuple[int, int] | None]:
        chosen = cleaned.get("mechanical") or []
        if not chosen:
            self._say("mechanical", _now("公开仪式要有骰子或摇号球。"))
        balls = None
        if "balls" in chosen:
            total, drawn = cleaned.get("balls"), cleaned.get("draws")
            if total and drawn:
                balls = (int(total), int(drawn))
            else:
                self._say("balls", _now("请填写球的总数和摇出的个数。"))
        return (int(cleaned.get("rolls") or 10) if "dice" in chosen else 0), balls

    def _say(self, field: str, text: str) -> None:
        """An error once, though both rounds may have it."""
        if not self.has_error(field):
            self.add_error(field, text)


def _drand(start: datetime.datetime) -> engine.Source:
    chain = f"drand:{tables.load('draw/drand_chains').rows[0]['chain']}"
    return engine.Source(chain, {"round": engine.first_round_after(chain, start)})


class ExecuteForm(Grouped, forms.Form):
    """What each announced source gave, when, and who saw it: for the first round and for the second."""

    def __init__(self, *args: Any, sources: Sequence[engine.Source], fallback: int = 0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sources = list(sources)
        for number, source in enumerate(self.sources):
            name = {"source": queries.source_name(source)}
            if source.kind == "drand":
                self.fields[f"signature_{number}"] = forms.CharField(
                    label=_now("%(source)s的签名") % name,
                    max_length=200,
                    widget=text_area(2),
                    help_text=_now("96 位十六进制数；随机数由它算出并离线验证。"),
                    error_messages={"required": _now("必填")},
                )
                continue
            self.fields[f"value_{number}"] = forms.CharField(
                label=_now("%(source)s的值") % name,
                max_length=200,
                help_text=queries.source_form(source),
                error_messages={"required": _now("必填")},
                widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
            )
            # Not prefilled: when it came to exist is for whoever saw it to say.
            self.fields[f"at_{number}"] = moment_field(
                _now("%(source)s的产生时间") % name, error_messages={"required": _now("必填")}
            )
            self.fields[f"record_{number}"] = forms.CharField(
                label=_now("%(source)s的记录或网址") % name,
                required=False,
                max_length=300,
                help_text=_now("录像编号、公告网址等，供核对。"),
            )
        self.fields["witnesses"] = forms.CharField(
            label=_now("现场见证人"),
            max_length=300,
            help_text=_now("写单位和人数，不写姓名，例如“市纪委监委2人、公证员1人”。"),
            error_messages={"required": _now("必填")},
        )
        if fallback:
            self.fields["fallback_reason"] = forms.CharField(
                label=_now("启用备用来源的理由"), max_length=300, widget=text_area(2)
            )

    def layout(self) -> list[Group]:
        """Each value beside its time; records and addresses behind a click."""
        typed = [number for number, source in enumerate(self.sources) if source.kind != "drand"]
        rows = [f"{part}_{number}" for number in typed for part in ("value", "at")]
        signed = tuple(f"signature_{number}" for number in range(len(self.sources)) if number not in typed)
        return [
            Group(_("当众给出的值"), tuple(rows), hint=_("先录骰子和摇号球，再录各方揭示的字符串：骰子的时间不得晚于任何一方揭示的时间。") if self.thrown else ""),
            Group(_("灯塔"), signed, grid=False),
            Group(_("见证"), ("witnesses", "fallback_reason"), grid=False),
            Group(_("记录或网址"), tuple(f"record_{number}" for number in typed), folded=True),
        ]  # fmt: skip

    @property
    def thrown(self) -> bool:
        """Whether dice are thrown or balls drawn in this round."""
        return any(source.kind in {"dice", "balls"} for source in self.sources)

    def values(self) -> list[engine.Value]:
        return [self.value(number) for number in range(len(self.sources))]

    def value(self, number: int) -> engine.Value:
        """What was typed of one source."""
        source, asked = self.sources[number], self.cleaned_data
        if source.kind == "drand":
            signature = re.sub(r"\s", "", str(asked[f"signature_{number}"])).lower()
            try:
                value = hashlib.sha256(bytes.fromhex(signature)).hexdigest()
            except ValueError:
                value = ""
            return engine.Value(source.id, value, engine.round_time(source), {"signature": signature})
        evidence = {"record": asked[f"record_{number}"]} if asked[f"record_{number}"] else {}
        return engine.Value(source.id, str(asked[f"value_{number}"]).strip(), asked[f"at_{number}"], evidence)


class CloseForm(Grouped, forms.Form):
    """The bounds of visits with which the list is closed, where not those of the plan or the suggested ones."""

    least = forms.IntegerField(
        label=_("每人最少检查次数"),
        required=False,
        min_value=0,
        max_value=9999,
        help_text=_("不填则按计划；计划没有的，按公告的平均份额和放宽次数。另定的须写明理由。"),
    )
    most = forms.IntegerField(label=_("每人最多检查次数"), required=False, min_value=1, max_value=9999)
    bounds_reason = forms.CharField(
        label=_("另定次数的理由"),
        required=False,
        max_length=300,
        widget=text_area(2),
        help_text=_("理由将向社会公开，请勿写个人信息。"),
    )

    def layout(self) -> list[Group]:
        return [Group(_("每人检查次数的上下限"), ("least", "most", "bounds_reason"))]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        least, most = cleaned.get("least"), cleaned.get("most")
        if least is not None and most is not None and most < least:
            self.add_error("most", _now("最多次数不得少于最少次数。"))
        return cleaned


class RecuseForm(forms.Form):
    """申报回避: from which drawn units, and why."""

    kind = forms.ChoiceField(label=_("回避情形"), choices=[])
    note = forms.CharField(
        label=_("理由"),
        max_length=200,
        widget=text_area(2),
        help_text=_("只在内部留存；公开的只有一个代码，不写是哪一种关系。"),
    )
    inspector = InspectorChoice(label=_("检查人员"), queryset=Inspector.objects.none())

    def __init__(self, *args: Any, people: Any, on: datetime.date, computed: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = cast("dict[str, Any]", self.fields)
        fields["inspector"].queryset = people
        fields["kind"].choices = [
            (code, name) for code, name in queries.choices("inspection/recusal_kinds") if code not in computed
        ]


class ReplaceForm(forms.Form):
    """Who cannot go, and why; and why each of those who stand before in the order cannot go either."""

    absent = InspectorChoice(label=_("不能到场的检查人员"), queryset=Inspector.objects.none())
    reason = forms.CharField(
        label=_("理由"),
        max_length=300,
        widget=text_area(),
        help_text=_("理由将向社会公开，请勿写个人信息，例如“突发疾病”“申报回避”。"),
    )
    passed = forms.CharField(
        label=_("依次在前但也不能到场的人员"),
        required=False,
        max_length=2000,
        widget=text_area(3),
        help_text=_("每行一人，按递补次序：编号、空格、理由，例如“P012 请假”；没有就不填。理由同样公开。"),
    )

    def __init__(self, *args: Any, task: Task, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = TeamMember.objects.filter(task=task, replaced_reason="").values("inspector")
        cast("Any", self.fields["absent"]).queryset = Inspector.objects.filter(pk__in=here)

    def clean_passed(self) -> list[tuple[str, str]]:
        found = []
        for line in str(self.cleaned_data["passed"]).splitlines():
            number, _sep, reason = line.strip().partition(" ")
            if not number:
                continue
            if not reason.strip():
                raise forms.ValidationError(_now("“%(line)s”没有写理由：编号后空一格写理由。") % {"line": line.strip()})
            found.append((number, reason.strip()))
        return found
