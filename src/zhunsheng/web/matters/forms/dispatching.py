"""The forms of an official document: the draft with its addressees and countersigning offices; whose paper decided."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _

from zhunsheng.engine.documents import MAX_FIELD
from zhunsheng.engine.procedure import Value
from zhunsheng.web.common.errors import language
from zhunsheng.web.matters import dispatching
from zhunsheng.web.matters.actions.dispatching import Offices
from zhunsheng.web.matters.forms.fields import text_area
from zhunsheng.web.matters.forms.steps import REMARK, ROLE, StepForm
from zhunsheng.web.matters.models import Matter, Party
from zhunsheng.web.people.forms import OfficeChoice
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.people.queries import offices_on

#: the offices that the document is sent to through the platform; others are written out
ADDRESSEES = "step_addressees"
DRAFTS = ("draft", "redraft")


class OfficesChoice(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not subscriptable when it runs
    """Any number of offices, by their names in the language of the page."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        return OfficeChoice.label_from_instance(self, obj)  # type: ignore[arg-type]


class DispatchForm(StepForm):
    """A step of an official document. What the platform knows is not asked for."""

    def __init__(
        self, *args: Any, matter: "Matter | None" = None, office: "Office | None" = None, **options: Any
    ) -> None:
        step = options["step"]
        without = {*dispatching.FILLED, "instructed_by", "draft", dispatching.FINAL}
        super().__init__(*args, without=frozenset(without), **options)
        self.matter = matter
        self.day = timezone.localdate()
        # what somebody else said at an earlier step is not this person's opinion
        if "opinion" not in (options.get("initial") or {}):
            self.initial.pop("opinion", None)
        if step.code in DRAFTS:
            self._ask_draft(office or (matter.office if matter is not None else None))
        elif step.code == dispatching.RECORDED and matter is not None:
            self.fields["instructed_by"] = forms.ModelChoiceField(
                label=_("批示人"),
                queryset=dispatching.deciders(matter, self.day),
                empty_label=_("请选择"),
                help_text=_("本机构或者上级机构的负责人、领导小组成员；不能是拟稿人。登记后告知本人。"),
            )
        elif step.code == "receipt":
            del self.fields["received_on"]
        elif "received_on" in self.fields:
            self.initial.setdefault("received_on", self.day)

    def _ask_draft(self, office: "Office | None") -> None:
        offices = offices_on(self.day).order_by("code")
        others = offices.exclude(pk=office.pk) if office is not None else offices
        self.fields["document_kind"].required = True
        self.fields["document_kind"].choices = [one for one in self.fields["document_kind"].choices if one[0]]  # type: ignore[attr-defined]
        self.initial.setdefault("document_kind", "notice")
        self.fields["title"] = forms.CharField(label=_("公文标题"), max_length=200)
        self.fields[ADDRESSEES] = OfficesChoice(
            label=_("主送机构"), queryset=others, required=False, help_text=_("在平台上收文、签收的机构。")
        )
        self.fields["addressee"] = forms.CharField(
            label=_("其他主送机关"), max_length=500, required=False, help_text=_("平台以外的单位，用顿号隔开。")
        )
        self.fields["body"] = forms.CharField(
            label=_("正文"),
            max_length=MAX_FIELD,
            widget=text_area(16),
            help_text=_(
                "每段一行。“一、”“（一）”开头的短行排成标题。主送机关、发文字号、落款和日期由平台排版，不必写在正文里。"
            ),
        )
        self.fields["countersigners"] = OfficesChoice(
            label=_("会签机构"),
            queryset=others,
            required=False,
            help_text=_("各机构负责人同时会签，先后不限。没有的不选。"),
        )
        self.fields["needs_legal_review"].label = _("提请合法性审核")
        self.fields["needs_legal_review"].help_text = _("行政规范性文件必须审核，不论怎样选择。")
        for code in ("normative", "needs_legal_review"):
            self.fields[code].required = False
            self.fields[code].choices = [("no", _("否")), ("yes", _("是"))]  # type: ignore[attr-defined]
            self.initial.setdefault(code, "no")
        self.fields["column"].choices = [  # type: ignore[attr-defined]
            ("", _("不选")),
            *((row["code"], row.label(language())) for row in dispatching.columns(self.day)),
        ]
        self.fields["column"].help_text = _("主动公开的公文发出时归入这一栏目。")
        if self.matter is not None and self.matter.pk:
            self._known_parties(self.matter)
        self.texts_asked[dispatching.FINAL] = {}

    def _known_parties(self, matter: Matter) -> None:
        known = list(matter.parties.filter(office__isnull=False).select_related("office"))
        sent = [one.office for one in known if one.kind == Party.Kind.ADDRESSEE and one.office is not None]
        names = {one.name for one in sent}
        parts = str(self.initial.get("addressee", "")).split("、")
        self.initial[ADDRESSEES] = [one.pk for one in sent]
        self.initial["addressee"] = "、".join(part for part in parts if part and part not in names)
        self.initial["countersigners"] = [one.office_id for one in known if one.kind == Party.Kind.COUNTERSIGNER]

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        if self.step.code in DRAFTS and not self.errors and not self._addressee():
            self.add_error("addressee", _("请选择主送机构，或者写明其他主送机关"))
        return found

    def _addressee(self) -> str:
        names = [one.name for one in self.cleaned_data.get(ADDRESSEES) or ()]
        written = str(self.cleaned_data.get("addressee") or "").strip().strip("、")
        return "、".join([*names, *([written] if written else [])])

    def facts(self) -> dict[str, Value]:
        found = {code: value for code, value in super().facts().items() if code not in dispatching.FILLED}
        found.pop("instructed_by", None)
        if self.step.code in DRAFTS and self.cleaned_data:
            found["addressee"] = self._addressee()
            for code in ("normative", "needs_legal_review"):
                found.setdefault(code, False)
        return found

    @property
    def offices(self) -> "Offices | None":
        """The parties chosen with a draft."""
        if self.step.code not in DRAFTS:
            return None
        chosen = self.cleaned_data
        return {
            Party.Kind.ADDRESSEE: list(chosen.get(ADDRESSEES) or ()),
            Party.Kind.COUNTERSIGNER: list(chosen.get("countersigners") or ()),
        }

    @property
    def behalf(self) -> "User | None":
        """Whose written instruction is recorded."""
        found = self.cleaned_data.get("instructed_by")
        return found if isinstance(found, User) else None

    #: the matter is called what the document is called
    title = ""

    def groups(self) -> list[dict[str, Any]]:
        if self.step.code not in DRAFTS:
            found = super().groups()
            if "instructed_by" in self.fields:
                found.insert(0, {"title": _("批示"), "fields": [self._shown("instructed_by")]})
            return found
        parts = (
            (_("公文"), ("document_kind", "title", ADDRESSEES, "addressee", "body")),
            (_("会签和审核"), ("countersigners", "normative", "needs_legal_review")),
            (_("信息公开"), ("column",)),
            (_("办理"), (ROLE, REMARK)),
        )
        found = [
            {"title": title, "fields": [self._shown(one) for one in names if one in self.fields]}
            for title, names in parts
        ]
        found[0]["preview"] = dispatching.FINAL
        return found
