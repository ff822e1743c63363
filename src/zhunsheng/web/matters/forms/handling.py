"""The small forms beside the steps: hand-over, links, papers, parties, the look at who someone is, what is public."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.files import accept
from zhunsheng.web.common.records import Publicity
from zhunsheng.web.matters import queries
from zhunsheng.web.matters.forms.fields import EntityField, moment_field, text_area
from zhunsheng.web.matters.models import DisclosedFact, Matter, MatterLink, Party
from zhunsheng.web.people.forms import NamedChoice, OfficeChoice
from zhunsheng.web.people.models import Office, Post, User
from zhunsheng.web.people.queries import Person, in_force_post, offices_on


def upload_field(label: Any) -> forms.FileField:
    return forms.FileField(
        label=label,
        max_length=200,
        widget=forms.FileInput(attrs={"accept": accept(), "data_max_bytes": settings.MAX_UPLOAD_BYTES}),
    )


def people_in(office: Office) -> QuerySet[User]:
    """Who may handle matters of an office today."""
    held = Post.objects.filter(
        in_force_post(timezone.localdate()),
        office=office,
        role__in=("member", "inspector", "reviewer", "head", "lead_office"),
    )
    return User.objects.filter(Q(pk__in=held.values("user")), is_active=True).order_by("display_name", "username")


class HandOverForm(forms.Form):
    """To a colleague, or by the head to another office."""

    office = OfficeChoice(label=_("转给机构"), queryset=Office.objects.none())
    handler = forms.ModelChoiceField(
        label=_("承办人"), queryset=User.objects.none(), required=False, empty_label=_("由该机构指定")
    )
    reason = forms.CharField(label=_("理由"), max_length=300, widget=text_area(2))

    def __init__(self, *args: Any, matter: Matter, office: Office, head: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        day = timezone.localdate()
        field = self.fields["office"]
        field.queryset = offices_on(day).order_by("code") if head else Office.objects.filter(pk=matter.office_id)  # type: ignore[attr-defined]
        field.initial = office.pk
        field.empty_label = None  # type: ignore[attr-defined]
        self.fields["handler"].queryset = people_in(office).exclude(pk=matter.handler_id or 0)  # type: ignore[attr-defined]


class LinkForm(forms.Form):
    """To another matter, by its number."""

    target = forms.CharField(label=_("办件编号"), max_length=40)
    kind = forms.ChoiceField(label=_("关系"), choices=MatterLink.Kind.choices)
    reason = forms.CharField(label=_("说明"), max_length=300, required=False, widget=text_area(2))

    def __init__(self, *args: Any, user: Person, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user

    def clean_target(self) -> Matter:
        found = queries.visible_to(self.user).filter(no=self.cleaned_data["target"].strip().upper()).first()
        if found is None:
            raise forms.ValidationError(_("没有找到这个编号的办件，或者您看不到它"))
        return found


class DocumentForm(forms.Form):
    upload = upload_field(_("文件"))
    title = forms.CharField(label=_("材料名称"), max_length=200)
    personal = forms.BooleanField(
        label=_("含个人信息"), required=False, help_text=_("只有承办人和承办机构负责人可以打开。")
    )


class CaptureForm(forms.Form):
    """A page of the web as evidence: the file, where and when it was taken."""

    upload = upload_field(_("截图或者网页文件"))
    title = forms.CharField(label=_("名称"), max_length=200)
    url = forms.CharField(label=_("网址"), max_length=1000, widget=forms.URLInput)
    captured_at = moment_field(_("取证时间"))


class PartyForm(forms.Form):
    """An organ, an entity, or an online shop with the entity behind it."""

    kind = forms.ChoiceField(label=_("身份"), choices=Party.Kind.choices)
    office = OfficeChoice(label=_("机构"), queryset=Office.objects.none(), required=False)
    name = forms.CharField(label=_("名称"), max_length=200, required=False, help_text=_("网络店铺写店铺名称。"))
    note = forms.CharField(label=_("说明"), max_length=300, required=False, help_text=_("网络店铺写平台和网址。"))

    def __init__(self, *args: Any, user: Person, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["office"].queryset = offices_on(timezone.localdate()).order_by("code")  # type: ignore[attr-defined]
        self.fields["entity"] = EntityField(
            label=_("经营主体"), user=user, required=False, help_text=_("网络店铺填背后的经营主体。")
        )
        self.order_fields(["kind", "office", "entity", "name", "note"])


class RevealForm(forms.Form):
    """Which personal facts, and why."""

    facts = forms.MultipleChoiceField(label=_("要查看的个人信息"), widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(
        label=_("理由"), max_length=300, widget=text_area(2), help_text=_("每次查看都会连同理由留痕。")
    )

    def __init__(self, *args: Any, choices: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["facts"].choices = choices  # type: ignore[attr-defined]
        self.fields["facts"].initial = [code for code, _name in choices]


class ClassifyForm(forms.Form):
    publicity = forms.ChoiceField(label=_("信息公开属性"), choices=Publicity.choices, widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("依据和理由"),
        max_length=300,
        required=False,
        widget=text_area(2),
        help_text=_("不主动公开的，必须写明（政府信息公开条例第十四条至第十六条）。"),
    )


class CorrectForm(forms.Form):
    """Every fact of a publication, to be put right; what is left as it is stays."""

    def __init__(self, *args: Any, facts: Sequence[DisclosedFact], **options: Any) -> None:
        super().__init__(*args, **options)
        self.codes = [fact.code for fact in facts]
        for fact in facts:
            self.fields[f"fact_{fact.code}"] = forms.CharField(
                label=fact.name, initial=fact.shown, max_length=4000, widget=text_area(2)
            )
        self.fields["reason"] = forms.CharField(
            label=_("更正的理由"),
            max_length=500,
            widget=text_area(2),
            help_text=_("更正前后两版和理由都向社会公开，请勿写个人信息。"),
        )

    def values(self) -> dict[str, str]:
        return {code: self.cleaned_data[f"fact_{code}"] for code in self.codes}


class WithdrawForm(forms.Form):
    reason = forms.CharField(
        label=_("撤下的理由"), max_length=500, widget=text_area(2), help_text=_("理由向社会公开，请勿写个人信息。")
    )


class FirstStepForm(forms.Form):
    """Which office, and with which first step a matter begins."""

    office = NamedChoice(label=_("承办机构"), queryset=Office.objects.none(), empty_label=None)
    verb = forms.ChoiceField(label=_("从哪一步开始"))

    def __init__(self, *args: Any, offices: QuerySet[Office], steps: Sequence[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["office"].queryset = offices  # type: ignore[attr-defined]
        self.fields["verb"].choices = steps  # type: ignore[attr-defined]
        if len(steps) < 2:
            del self.fields["verb"]
