"""What people without an account may send: a complaint, a report, a claim, a request for information."""

import datetime
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.conf import settings
from django.core import signing
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext as now
from django.utils.translation import gettext_lazy as _

from zhunsheng.engine.errors import ProcedureError
from zhunsheng.engine.procedure import Fact, Value
from zhunsheng.web.common.errors import Refused, language, say
from zhunsheng.web.common.files import accept
from zhunsheng.web.common.templatetags.zs import day as shown_day
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.matters import intake, queries
from zhunsheng.web.matters.actions import Paper, Wish, upload
from zhunsheng.web.matters.actions.filing import limit
from zhunsheng.web.matters.forms.fields import MoneyField
from zhunsheng.web.people.forms import NamedChoice, day_input
from zhunsheng.web.people.models import Office
from zhunsheng.web.people.queries import offices_on
from zhunsheng.web.registry.models import BusinessEntity, Division

LONGEST = 5000
#: none of the businesses found: the office in charge finds out which
NONE_OF_THEM = "none"
#: how long a filled-in form, and the files that came with it, may wait to be sent
WAITS = datetime.timedelta(hours=12)
SALT = "matters.public.kept"
REACHABLE = re.compile(r"\d{5}|@")


class Files(forms.ClearableFileInput):
    """Several files in one field."""

    allow_multiple_selected = True
    template_name = "django/forms/widgets/file.html"


class FilesField(forms.FileField):
    """Cleans to the list of files that were chosen."""

    widget = Files

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        chosen = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(FilesField, self).clean(one, initial) for one in chosen]


def _files(label: Any, help_text: Any) -> FilesField:
    return FilesField(
        label=label,
        required=False,
        max_length=200,
        help_text=help_text,
        widget=Files(attrs={"accept": accept(), "data_max_bytes": settings.MAX_UPLOAD_BYTES}),
    )


def _text(label: Any, *, rows: int = 6, least: int = 10, **options: Any) -> forms.CharField:
    return forms.CharField(
        label=label, min_length=least, max_length=LONGEST, widget=forms.Textarea(attrs={"rows": rows}), **options
    )


def _line(label: Any, longest: int = 100, auto: str = "", **options: Any) -> forms.CharField:
    widget = forms.TextInput(attrs={"autocomplete": auto} if auto else {})
    return forms.CharField(label=label, max_length=longest, widget=widget, **options)


class PublicForm(forms.Form):
    """The common part: what catches programs, what makes a form count once, files that wait for the sending."""

    code = ""
    #: the first step's paper that the upload `proof` is
    paper = ""

    website = forms.CharField(
        label=_("请留空"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )
    once = forms.CharField(widget=forms.HiddenInput, validators=[RegexValidator(r"^[0-9a-f]{32}$")])
    kept = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: "Mapping[str, Any] | None" = None, files: Any = None, **options: Any) -> None:
        super().__init__(data, files, **options)
        self.day = timezone.localdate()
        self.attachments: list[Attachment] = []
        self.receipt: Attachment | None = None
        self.entity: BusinessEntity | None = None
        self.fields["once"].initial = secrets.token_hex(16)
        self._kept(self.data.get("kept", "") if self.is_bound else "")

    def clean_website(self) -> str:
        if self.cleaned_data["website"]:
            raise forms.ValidationError(now("这一栏用来挡住自动程序，请清空后再提交。"))
        return ""

    # -- files ----------------------------------------------------------------------------------------------------------
    def _kept(self, token: str) -> None:
        """The files that came with an earlier showing of this very form; a token that is not ours is none."""
        try:
            kept = signing.loads(token, salt=SALT, max_age=WAITS) if token else {}
        except signing.BadSignature:
            kept = {}
        known = {one.pk: one for one in Attachment.objects.filter(pk__in=[*kept.get("files", []), kept.get("proof")])}
        self.attachments = [known[pk] for pk in kept.get("files", []) if pk in known]
        self.receipt = known.get(kept.get("proof") or 0)

    def keep(self, *, at: datetime.datetime, address: str) -> None:
        """Takes the uploads in, so that they need not be chosen again. A file that is refused is an error of its field."""
        most, _span = limit("files")
        for name in ("proof", "evidence"):
            chosen = self.cleaned_data.get(name) if name in self.fields else None
            for file in chosen if isinstance(chosen, list) else [chosen] if chosen else []:
                if name == "evidence" and len(self.attachments) >= most:
                    self.add_error(name, now("一次最多 %(n)s 个附件。提交以后凭查询码还可以补充。") % {"n": most})
                    break
                try:
                    made = upload(file, at=at, address=address)
                except Refused as problem:
                    self.add_error(name, f"{file.name}：{say(problem)}")
                    continue
                if name == "proof":
                    self.receipt = made
                elif made not in self.attachments:
                    self.attachments.append(made)
        if "proof" in self.fields and self.receipt is None and "proof" not in self.errors:
            self.add_error("proof", now("请上传购货凭证或者三包凭证的照片或扫描件。"))

    @property
    def carried(self) -> list[Any]:
        """All answers as hidden fields, for the page on which they are looked over."""
        return [self[name] for name, field in self.fields.items() if not isinstance(field, forms.FileField)]

    @property
    def token(self) -> str:
        """What stands in `kept` from now on."""
        proof = self.receipt.pk if self.receipt is not None else None
        return signing.dumps({"files": [one.pk for one in self.attachments], "proof": proof}, salt=SALT)

    # -- what is asked for --------------------------------------------------------------------------------------------
    def office(self) -> Office | None:
        return intake.office_for(self.code, self.day, division=self.place())

    def place(self) -> Division | None:
        """Where it happened: the place of the business, else the place that was chosen."""
        if self.entity is not None and self.entity.division is not None:
            return self.entity.division
        return self.cleaned_data.get("division")

    def facts(self) -> dict[str, Value]:
        raise NotImplementedError

    def wishes(self) -> list[Wish]:
        papers = {self.paper: Paper(self.receipt)} if self.paper and self.receipt is not None else {}
        return [Wish(self.code, self.facts(), papers)]

    def groups(self) -> list[dict[str, Any]]:
        raise NotImplementedError

    def _group(self, title: Any, *names: str, **more: Any) -> dict[str, Any]:
        return {"title": title, "fields": [self[name] for name in names if name in self.fields], **more}

    def answers(self) -> list[tuple[str, str]]:
        """What was answered, for looking it over: (question, answer)."""
        found: list[tuple[str, str]] = []
        for name, field in self.fields.items():
            value = self.cleaned_data.get(name)
            if name in ("website", "once", "kept", "unit") or isinstance(field, forms.FileField):
                continue
            if name == "business" and self.entity is not None:
                value = f"{self.entity.name}（{self.entity.code}）"
            if isinstance(field, forms.BooleanField):
                value = now("是") if value else now("否")
            elif isinstance(field, forms.ChoiceField):
                value = dict(cast(Any, field).choices).get(value, "") if value else ""
            elif isinstance(value, datetime.date):
                value = shown_day(value)
            elif isinstance(field, MoneyField) and value is not None:
                value = now("%(yuan)s 元") % {"yuan": f"{value // 100:,}.{value % 100:02d}"}
            elif isinstance(value, Division | Office):
                value = named(value)
            found.append((str(field.label), str(value) if value not in (None, "") else "—"))
        if self.receipt is not None:
            found.append((str(self.fields["proof"].label), self.receipt.name))
        if self.attachments:
            found.append((now("附件"), now("、").join(one.name for one in self.attachments)))
        return found


class AboutBusiness(PublicForm):
    """A form about a business: found by its name among the active ones, or named in words."""

    #: whether it must be one that the register has
    must_be_known = False

    business = _line(
        _("经营者名称"),
        200,
        help_text=_("营业执照、发票或店招上的名称，尽量写全；也可以写 18 位统一社会信用代码。"),
    )
    unit = forms.ChoiceField(label=_("是哪一家？"), required=False, widget=forms.RadioSelect)
    division = NamedChoice(
        label=_("在哪个县（市、区）"),
        queryset=Division.objects.none(),
        required=False,
        empty_label=_("不清楚"),
        help_text=_("经营者所在地。由当地市场监管部门处理，不清楚的由市局处理。"),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["division"].queryset = intake.counties(self.day)  # type: ignore[attr-defined]
        text = str(self.data.get("business", "")) if self.is_bound else ""
        self.found = self._found(text.replace("\0", "")[:200])
        if len(self.found) == 1 and text.strip() in (self.found[0].name, self.found[0].code, self.found[0].unit_id):
            self.entity = self.found[0]
        if self.entity is not None or not self.found:
            del self.fields["unit"]
            return
        choices = [(one.unit_id, self._said(one)) for one in self.found]
        if not self.must_be_known:
            choices.append((NONE_OF_THEM, now("都不是，按我写的名称办理")))
        self.fields["unit"].choices = choices  # type: ignore[attr-defined]

    def _found(self, text: str) -> list[BusinessEntity]:
        code = str(self.data.get("division", "")) if self.is_bound else ""
        county = self.fields["division"].queryset.filter(pk=code).first() if code.isdecimal() else None  # type: ignore[attr-defined]
        return intake.businesses(text, county)

    def _said(self, entity: BusinessEntity) -> str:
        county = intake.county_of(entity.division)
        return f"{entity.name}（{'，'.join(filter(None, [named(county), entity.code]))}）"

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if "unit" in self.fields:
            chosen = found.get("unit", "")
            self.entity = next((one for one in self.found if one.unit_id == chosen), None)
            if not chosen and "unit" not in self.errors:
                self.add_error("unit", now("名录库里有名称相近的经营者，请选择是哪一家。"))
        elif self.must_be_known and self.entity is None and found.get("business"):
            self.add_error(
                "business",
                now("没有找到这家经营者。请核对名称或代码；仍然找不到的，请改为投诉，由市场监管部门查找。"),
            )
        return found

    def _business(self, fact: str) -> dict[str, Value]:
        if self.entity is not None:
            return {fact: self.entity.unit_id}
        name = self.cleaned_data.get("business", "")
        return {f"{fact}_name": name} if name else {}


def _reached(value: str) -> str:
    """Raises ValidationError for a contact that nobody can be reached by."""
    if not REACHABLE.search(value):
        raise forms.ValidationError(now("请写电话号码或电子邮箱，以便告知您办理结果。"))
    return value


class ComplaintForm(AboutBusiness):
    """投诉 （市场监督管理投诉举报处理暂行办法, 第九条: 姓名、电话号码、通讯地址；被投诉人；具体的投诉请求和事实）."""

    code = "complaint"

    subject = _text(
        _("发生了什么，您要求什么"),
        help_text=_(
            "什么时候、买了什么或接受了什么服务、出了什么问题，要求退货、换货、修理还是赔偿。请勿写与此无关的他人信息。"
        ),
    )
    claim = MoneyField(label=_("争议金额（元）"), required=False)
    four_meters = forms.ChoiceField(
        label=_("与家用水、电、燃气、热量表有关吗？"), required=False, help_text=_("有关的另按民用四表专项办理。")
    )
    evidence = _files(_("证据（可以多选）"), _("发票、合同、照片、聊天记录截图等。公开以前会去掉照片里的位置等信息。"))
    complainant = _line(_("您的姓名"), 50, "name")
    contact = _line(_("电话号码或电子邮箱"), 100, help_text=_("只用于处理这件投诉。"))
    also_report = forms.BooleanField(
        label=_("同时作为举报"),
        required=False,
        help_text=_(
            "经营者可能违法，希望查处的，请勾选：投诉按调解办理，举报按核查办理，分别编号、分别告知。举报以您的姓名提出，不告诉被举报人。"
        ),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["four_meters"].choices = [("", now("没有关系")), *_choices("complaint", "four_meters", self.day)]  # type: ignore[attr-defined]
        self.order_fields(["subject", "claim", "four_meters", "business", "unit", "division", "evidence", "complainant", "contact", "also_report"])  # fmt: skip

    def clean_contact(self) -> str:
        return _reached(self.cleaned_data["contact"])

    def facts(self) -> dict[str, Value]:
        said = self.cleaned_data
        found: dict[str, Value] = {
            "channel": "web",
            "subject": said["subject"],
            "complainant": said["complainant"],
            "contact": said["contact"],
            **self._business("respondent"),
        }
        if said["claim"] is not None:
            found["claim"] = said["claim"]
        if said["four_meters"]:
            found["four_meters"] = said["four_meters"]
        return found

    def wishes(self) -> list[Wish]:
        wishes = super().wishes()
        if self.cleaned_data["also_report"]:
            said = self.cleaned_data
            report: dict[str, Value] = {
                "channel": "web",
                "subject": said["subject"],
                "informant_named": True,
                "informant": said["complainant"],
                "contact": said["contact"],
                **self._business("respondent"),
            }
            wishes.append(Wish("violation_report", report))
        return wishes

    def groups(self) -> list[dict[str, Any]]:
        return [
            self._group(now("事情经过"), "subject", "claim", "four_meters"),
            self._group(now("经营者"), "business", "unit", "division"),
            self._group(now("证据"), "evidence"),
            self._group(
                now("您的联系方式"), "complainant", "contact", hint=now("只有承办人能看到，每次查看都留痕；不公开。")
            ),
            self._group(now("要不要同时举报"), "also_report"),
        ]


class ReportForm(AboutBusiness):
    """举报, with a name or without one."""

    code = "violation_report"

    subject = _text(
        _("违法行为和线索"),
        help_text=_("谁、在哪里、什么时候、做了什么，怎样可以查到。线索越具体，越能查实。"),
    )
    evidence = _files(_("证据（可以多选）"), _("照片、录像、网页截图、票据等。请先保证自己的安全。"))
    named = forms.ChoiceField(
        label=_("实名还是匿名"),
        choices=[("yes", _("实名：办理结果会告知我")), ("no", _("匿名：不留姓名，凭编号和查询码查看进展"))],
        widget=forms.RadioSelect,
        initial="yes",
    )
    informant = _line(_("您的姓名"), 50, "name", required=False)
    contact = _line(_("电话号码或电子邮箱"), 100, required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["business"].required = False
        self.fields["business"].label = now("被举报的经营者")
        self.order_fields(["subject", "business", "unit", "division", "evidence", "named", "informant", "contact"])

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        if found.get("named") == "yes":
            for name, text in (("informant", now("实名举报请写姓名。")), ("contact", now("实名举报请留联系方式。"))):
                if not found.get(name) and name not in self.errors:
                    self.add_error(name, text)
            if found.get("contact") and not REACHABLE.search(found["contact"]):
                self.add_error("contact", now("请写电话号码或电子邮箱，以便告知您办理结果。"))
        return found

    def facts(self) -> dict[str, Value]:
        said = self.cleaned_data
        is_named = said["named"] == "yes"
        found: dict[str, Value] = {
            "channel": "web",
            "subject": said["subject"],
            "informant_named": is_named,
            **self._business("respondent"),
        }
        if is_named:
            found |= {"informant": said["informant"], "contact": said["contact"]}
        return found

    def answers(self) -> list[tuple[str, str]]:
        if self.cleaned_data.get("named") == "no":
            # what was typed before turning to 匿名 is not sent, and not shown as if it were
            self.cleaned_data |= {"informant": "", "contact": ""}
        return super().answers()

    def groups(self) -> list[dict[str, Any]]:
        return [
            self._group(now("举报内容"), "subject"),
            self._group(now("经营者"), "business", "unit", "division"),
            self._group(now("证据"), "evidence"),
            self._group(
                now("实名或匿名"),
                "named",
                hint=now("举报人的信息受法律保护：只有承办人能看到，每次查看都留痕，不告诉被举报人。"),
                when=("named", "yes"),
                more=[self["informant"], self["contact"]],
            ),
        ]


class ClaimForm(AboutBusiness):
    """三包和产品质量赔偿请求: addressed to the business, which answers; the office sees to it （产品质量法, 第四十条、第四十七条）."""

    code = "compensation"
    paper = "proof"
    must_be_known = True

    product = _line(_("商品名称和型号"), 200)
    product_class = forms.ChoiceField(label=_("商品类别"), help_text=_("决定三包有效期。不在表中的选“其他商品”。"))
    bought_on = forms.DateField(label=_("购买（交货）日期"), widget=day_input())
    trouble_on = forms.DateField(label=_("发生故障或者损害的日期"), widget=day_input())
    basis = forms.ChoiceField(label=_("您要求"), widget=forms.RadioSelect)
    claimed = MoneyField(label=_("请求金额（元）"), help_text=_("退货写货款；修理、换货不要钱的写 0。"))
    proof = forms.FileField(
        label=_("购货凭证或者三包凭证"),
        required=False,
        max_length=200,
        widget=forms.FileInput(attrs={"accept": accept(), "data_max_bytes": settings.MAX_UPLOAD_BYTES}),
    )
    evidence = _files(_("其他证据（可以多选）"), _("商品照片、故障录像、维修记录、就医单据等。"))
    claimant = _line(_("您的姓名"), 50, "name")
    contact = _line(_("电话号码或电子邮箱"), 100)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["product_class"].choices = [  # type: ignore[attr-defined]
            ("", now("请选择")),
            *_choices("compensation", "product_class", self.day),
        ]
        self.fields["basis"].choices = _choices("compensation", "basis", self.day)  # type: ignore[attr-defined]
        self.order_fields(["product", "product_class", "bought_on", "trouble_on", "basis", "claimed", "business", "unit", "division", "proof", "evidence", "claimant", "contact"])  # fmt: skip

    def clean_contact(self) -> str:
        return _reached(self.cleaned_data["contact"])

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        for name in ("bought_on", "trouble_on"):
            if found.get(name) and found[name] > self.day:
                self.add_error(name, now("日期不能晚于今天。"))
        if found.get("bought_on") and found.get("trouble_on") and found["trouble_on"] < found["bought_on"]:
            self.add_error("trouble_on", now("故障日期早于购买日期，请核对。"))
        return found

    def facts(self) -> dict[str, Value]:
        said = self.cleaned_data
        return {
            **{name: said[name] for name in ("claimant", "contact", "product", "product_class", "bought_on", "trouble_on", "basis", "claimed")},
            **self._business("firm"),
        }  # fmt: skip

    def groups(self) -> list[dict[str, Any]]:
        return [
            self._group(now("商品和要求"), "product", "product_class", "bought_on", "trouble_on", "basis", "claimed"),
            self._group(now("经营者"), "business", "unit", "division"),
            self._group(now("凭证"), "proof", "evidence"),
            self._group(
                now("您的联系方式"),
                "claimant",
                "contact",
                hint=now("为了处理这件请求，经营者可以查看您的姓名和联系方式，每次查看都留痕；不公开。"),
            ),
        ]


class RequestForm(PublicForm):
    """依申请公开 （政府信息公开条例, 第二十九条: 姓名、身份证明、联系方式；所需信息的名称、文号或者特征；形式要求）."""

    code = "disclosure_request"

    organ = NamedChoice(label=_("向哪个机关申请"), queryset=Office.objects.none(), empty_label=None)
    wanted = _text(
        _("您需要的政府信息"),
        rows=4,
        least=5,
        help_text=_("写明名称、文号，或者便于查询的其他特征，以及希望怎样得到（电子、纸质）。"),
    )
    evidence = _files(_("身份证明和其他附件"), _("身份证明可以遮去住址和照片。只用于核对申请人。"))
    applicant = _line(_("您的姓名或者单位名称"), 100, "name")
    contact = _line(_("电话号码或电子邮箱"), 100)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        default = intake.office_for(self.code, self.day)
        organs = offices_on(self.day).filter(level__in=["city", "county"]).order_by("code")
        self.fields["organ"].queryset = organs  # type: ignore[attr-defined]
        self.fields["organ"].initial = default.pk if default is not None else None

    def clean_contact(self) -> str:
        return _reached(self.cleaned_data["contact"])

    def office(self) -> Office | None:
        found: Office | None = self.cleaned_data.get("organ")
        return found

    def facts(self) -> dict[str, Value]:
        said = self.cleaned_data
        return {**{name: said[name] for name in ("applicant", "contact", "wanted")}, "received_on": self.day}

    def groups(self) -> list[dict[str, Any]]:
        return [
            self._group(now("要什么信息"), "organ", "wanted"),
            self._group(now("附件"), "evidence"),
            self._group(now("申请人"), "applicant", "contact", hint=now("只有承办人能看到，每次查看都留痕；不公开。")),
        ]


FORMS: dict[str, type[PublicForm]] = {one.code: one for one in (ComplaintForm, ReportForm, ClaimForm, RequestForm)}


class CodeForm(forms.Form):
    """Number and code of a matter."""

    no = forms.CharField(label=_("办件编号"), max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    code = forms.CharField(
        label=_("查询码"),
        max_length=40,
        help_text=_("提交成功时给您的十位字母和数字，不分大小写。"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_no(self) -> str:
        return str(self.cleaned_data["no"]).strip().upper()


class MaterialForm(forms.Form):
    """One more paper."""

    title = forms.CharField(label=_("材料名称"), max_length=100)
    upload = forms.FileField(
        label=_("文件"),
        max_length=200,
        widget=forms.FileInput(attrs={"accept": accept(), "data_max_bytes": settings.MAX_UPLOAD_BYTES}),
    )


def _choices(code: str, fact: str, day: datetime.date) -> Sequence[tuple[str, str]]:
    """The choices of a fact, as the version in force has them; none where the procedure is not in force."""
    try:
        known: Fact = queries.procedure_on(code, day).facts[fact]
    except (ProcedureError, KeyError):
        return []
    return [(one.code, one.label(language())) for one in known.choices]
