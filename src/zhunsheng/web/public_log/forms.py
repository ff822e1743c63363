"""Filters of the log and of the audit trail, and the older head to compare with."""

import datetime
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
    """A head that a visitor kept: how many entries, which root."""

    size = forms.IntegerField(label=_("当时的条目数"), min_value=0, max_value=2**53 - 1)
    root = forms.RegexField(
        label=_("当时的根哈希"), regex=r"^\s*[0-9a-fA-F]{64}\s*$", help_text=_("64 位十六进制，见当时的日志首页、截图或导出文件首行。"),
        error_messages={"invalid": _("根哈希是 64 位十六进制数字(0-9、a-f)")},
    )  # fmt: skip
