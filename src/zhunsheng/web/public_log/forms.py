"""Filters of the log and of the audit trail, and the older head to compare with."""

import base64
import binascii
import datetime
import re
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.listing import NamedFilter
from zhunsheng.web.people.models import Office
from zhunsheng.web.public_log.words import PUBLIC_VERBS, SUBJECTS, VERBS


def _day_input() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


def _midnight(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time()))


def _since() -> django_filters.DateFilter:
    return django_filters.DateFilter(label=_("从"), method="from_day", widget=_day_input())


def _until() -> django_filters.DateFilter:
    return django_filters.DateFilter(label=_("到"), method="to_day", widget=_day_input())


class _Between(django_filters.FilterSet):  # type: ignore[misc]
    """From a day to a day, both inclusive. Each filter set names the two fields where it wants them."""

    def from_day(self, rows: QuerySet[Any], name: str, value: datetime.date) -> QuerySet[Any]:
        return rows.filter(at__gte=_midnight(value))

    def to_day(self, rows: QuerySet[Any], name: str, value: datetime.date) -> QuerySet[Any]:
        if value == datetime.date.max:
            return rows
        return rows.filter(at__lt=_midnight(value + datetime.timedelta(days=1)))


class EntryFilter(_Between):
    """Entries of the public log."""

    kind = django_filters.ChoiceFilter(
        label=_("类别"), choices=[(code, VERBS[code]) for code in PUBLIC_VERBS], empty_label=_("全部")
    )
    subject = django_filters.CharFilter(label=_("对象"), help_text=_("例如 draw:2026-001"))
    since = _since()
    until = _until()


class ActFilter(_Between):
    """Acts of the audit trail."""

    verb = django_filters.ChoiceFilter(label=_("动作"), choices=sorted(VERBS.items()), empty_label=_("全部"))
    subject_type = django_filters.ChoiceFilter(
        label=_("对象类别"), choices=[(code, words[0]) for code, words in SUBJECTS.items()], empty_label=_("全部")
    )
    subject_id = django_filters.CharFilter(label=_("对象编号"))
    who = django_filters.CharFilter(label=_("操作人"), method="by_person")
    office = NamedFilter(label=_("机构"), queryset=Office.objects.order_by("code"), empty_label=_("全部"))
    since = _since()
    until = _until()

    def by_person(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(Q(by__username__icontains=value) | Q(by__display_name__icontains=value))


class OldHeadForm(forms.Form):
    """A head that a visitor kept: how many entries, which root (hexadecimal, or base 64 as in a checkpoint)."""

    size = forms.IntegerField(label=_("当时的条目数"), min_value=0, max_value=2**53 - 1)
    root = forms.CharField(
        label=_("当时的根哈希"), max_length=100,
        help_text=_("64 位十六进制（见当时的日志首页、截图或导出文件首行），或检查点第三行的 base64。"),
    )  # fmt: skip

    def clean_root(self) -> bytes:
        text = self.cleaned_data["root"].strip()
        if re.fullmatch(r"[0-9a-fA-F]{64}", text):
            return bytes.fromhex(text)
        try:
            data = base64.b64decode(text.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            data = b""
        if len(data) != 32:
            raise forms.ValidationError(_("根哈希是 64 位十六进制数字（0-9、a-f），或 44 个字符的 base64"))
        return data


class WitnessForm(forms.Form):
    """A new witness."""

    organisation = forms.CharField(label=_("单位"), max_length=120, help_text=_("例如公证处、大学、另一个部门。"))
    key = forms.CharField(
        label=_("见证人公钥"), max_length=400, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("见证人运行 zhunsheng log key 得到的“见证人公钥”一行。"),
    )  # fmt: skip


class CosignatureForm(forms.Form):
    """A cosigned checkpoint that came as a file."""

    note = forms.CharField(
        label=_("联署文件的内容"), max_length=64 * 1024, strip=False,
        widget=forms.Textarea(attrs={"rows": 9, "spellcheck": "false"}),
        help_text=_("见证人用 zhunsheng log witness --out 得到的文件，原样粘贴。"),
    )  # fmt: skip

    def clean_note(self) -> str:
        """As browsers send it, with the line ends of the file again."""
        text: str = self.cleaned_data["note"]
        return text.replace("\r\n", "\n").strip("\n") + "\n"
