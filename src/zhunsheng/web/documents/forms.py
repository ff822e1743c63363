"""What a person types into a document, and the filters of the register."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.engine.documents import MAX_FIELD, MAX_ROWS, Field, FieldKind, kinds
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.listing import NamedFilter
from zhunsheng.web.documents import queries
from zhunsheng.web.documents.models import IssuedDocument, State
from zhunsheng.web.people.models import Office


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class ListField(forms.CharField):
    """A list, one row a line, the columns divided by | in the order that the label names."""

    def __init__(self, columns: Sequence[tuple[str, str]], **options: Any) -> None:
        self.columns = columns
        super().__init__(widget=_area(6), **options)

    def clean(self, value: Any) -> Any:
        text = super().clean(value) or ""
        lines = [line for line in str(text).splitlines() if line.strip()]
        if len(lines) > MAX_ROWS:
            raise forms.ValidationError(_("最多 %(n)s 行") % {"n": MAX_ROWS})
        rows = []
        for number, line in enumerate(lines, 1):
            cells = [cell.strip() for cell in line.replace("｜", "|").split("|")]
            if len(cells) > len(self.columns):
                raise forms.ValidationError(
                    _("第 %(n)s 行有 %(have)s 列，最多 %(most)s 列")
                    % {"n": number, "have": len(cells), "most": len(self.columns)}
                )
            rows.append(dict(zip([key for key, _head in self.columns], cells, strict=False)))
        return rows

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list):
            return "\n".join(" | ".join(str(row.get(key, "")) for key, _head in self.columns) for row in value)
        return value


class MoneyField(forms.DecimalField):
    """Yuan with at most two decimals, kept in fen."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_digits=15, decimal_places=2, **options)

    def clean(self, value: Any) -> Any:
        amount = super().clean(value)
        return None if amount is None else int(amount * 100)

    def prepare_value(self, value: Any) -> Any:
        return f"{value / 100:.2f}" if isinstance(value, int) and not isinstance(value, bool) else value


def form_field(field: Field, *, needed: bool) -> forms.Field:
    """The input for a field of a document, by its kind."""
    named: dict[str, Any] = {"label": field.label(language()), "required": needed}
    match field.kind:
        case FieldKind.LONG:
            return forms.CharField(widget=_area(6), max_length=MAX_FIELD, **named)
        case FieldKind.INTEGER:
            return forms.IntegerField(min_value=0, **named)
        case FieldKind.MONEY:
            return MoneyField(**(named | {"label": _("%(name)s（元）") % {"name": named["label"]}}))
        case FieldKind.DATE:
            return forms.DateField(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), **named)
        case FieldKind.MOMENT:
            widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
            return forms.DateTimeField(widget=widget, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], **named)
        case FieldKind.FLAG:
            return forms.BooleanField(**(named | {"required": False}))
        case FieldKind.CHOICE:
            return forms.ChoiceField(choices=[("", "—"), *field.choices], **named)
        case FieldKind.LIST:
            heads = " | ".join(head for _key, head in field.columns)
            return ListField(
                field.columns, help_text=_("每行一项，各列用“|”隔开：%(heads)s") % {"heads": heads}, **named
            )
        case _:
            return forms.CharField(max_length=500, **named)


class DocumentForm(forms.Form):
    """The fields of one kind of document. `values()` gives what was typed, by the fields' codes."""

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        kind: str,
        day: datetime.date,
        offices: "QuerySet[Office]",
        given: Collection[str] = (),
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        one = queries.kind(kind, day)
        self.titled = one.layout in queries.TITLED
        self.fields["office"] = _OfficeField(queryset=offices, label=_("发文机关"), empty_label=None)
        self.fields["title"] = forms.CharField(label=_("标题"), max_length=300, required=self.titled)
        self.codes = []
        for asked in queries.inputs(kind, day, given):
            if asked.field.code == "title":
                continue
            self.fields[asked.field.code] = form_field(asked.field, needed=asked.needed)
            self.codes.append(asked.field.code)
        if self.titled:
            self.fields["attachments"] = forms.CharField(
                label=_("附件"), widget=_area(3), required=False, max_length=2000, help_text=_("每行一个附件的名称")
            )
        if one.layout == "file":
            self.fields["copies"] = forms.CharField(label=_("抄送"), required=False, max_length=500)

    def values(self) -> dict[str, Any]:
        given = {code: self.cleaned_data.get(code) for code in self.codes}
        return given | {"title": self.cleaned_data["title"]}

    def attachments(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data.get("attachments", "").splitlines() if line.strip()]


class _OfficeField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable when it runs
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.brief)


class VoidForm(forms.Form):
    """Why a document is declared void."""

    reason = forms.CharField(label=gettext_lazy("作废的原因"), max_length=300, widget=_area(3))


class DocumentFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(label=gettext_lazy("文号、标题"), method="search")
    kind = django_filters.ChoiceFilter(label=gettext_lazy("文书种类"), choices=lambda: _kind_choices())
    office = NamedFilter(label=gettext_lazy("发文机关"), queryset=Office.objects.order_by("code"))
    year = django_filters.NumberFilter(label=gettext_lazy("年份"))
    series = django_filters.CharFilter(label=gettext_lazy("编号序列"))
    state = django_filters.ChoiceFilter(label=gettext_lazy("状态"), choices=State.choices)

    class Meta:
        model = IssuedDocument
        fields: list[str] = []

    def search(self, queryset: "QuerySet[IssuedDocument]", name: str, value: str) -> "QuerySet[IssuedDocument]":
        text = value.strip()
        return queryset.filter(Q(number__icontains=text) | Q(title__icontains=text)) if text else queryset


def _kind_choices() -> list[tuple[str, str]]:
    english = language()
    named = {one.code: one.label(english) for one in kinds(datetime.date.max)}
    return sorted(named.items(), key=lambda pair: pair[0])
