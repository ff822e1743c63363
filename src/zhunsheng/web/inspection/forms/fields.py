"""Inputs that several forms share."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.templatetags.zs import named


def day_input() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


def time_input() -> forms.TimeInput:
    return forms.TimeInput(format="%H:%M", attrs={"type": "time"})


def moment_input() -> forms.DateTimeInput:
    return forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})


def moment_field(label: Any, **options: Any) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label, widget=moment_input(), input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], **options
    )


class NamedChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable when it runs
    """Rows by their name in the language of the page."""

    def label_from_instance(self, obj: Any) -> str:
        return named(obj)


class NamedChoices(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not subscriptable when it runs
    def label_from_instance(self, obj: Any) -> str:
        return named(obj)


class ItemChoices(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not subscriptable when it runs
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.code} {named(obj)}"


class PremisesChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable when it runs
    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


class InspectorChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable when it runs
    def label_from_instance(self, obj: Any) -> str:
        return str(obj)


def text_area(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together on the page. `folded`: behind a click until needed; `grid`: two beside each other.

    `more`: fields that are asked for where the field `when[0]` has the value `when[1]`. Without a script they always show.
    """

    title: Any
    names: tuple[str, ...]
    folded: bool = False
    grid: bool = True
    hint: Any = ""
    more: tuple[str, ...] = ()
    when: tuple[str, str] = ("", "")


class Grouped:
    """A form that says how its fields stand on the page (inspection/_grouped.html)."""

    def layout(self) -> Iterable[Group]:
        raise NotImplementedError

    def groups(self) -> list[dict[str, Any]]:
        """The groups with their bound fields. A folded group is open where it holds something or is at fault."""
        form = cast("forms.Form", self)
        shown = []
        for group in self.layout():
            fields = [form[name] for name in group.names if name in form.fields]
            if fields:
                filled = any(field.errors or field.value() not in (None, "", [], ()) for field in fields)
                shown.append(
                    {
                        "title": group.title,
                        "fields": fields,
                        "grid": group.grid,
                        "hint": group.hint,
                        "more": [form[name] for name in group.more if name in form.fields],
                        "when": (form.add_prefix(group.when[0]), group.when[1]),
                        "folded": group.folded,
                        "open": filled,
                    }
                )
        return shown


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("理由"), max_length=300, widget=text_area())


class PublicReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("理由"), max_length=300, widget=text_area(), help_text=_("理由将向社会公开，请勿写个人信息。")
    )


def checked(request: Any, name: str) -> list[int]:
    """The keys ticked in a list."""
    return [int(text) for text in request.POST.getlist(name) if text.isdecimal()]


def fill(fields: Iterable[str], row: Any) -> dict[str, Any]:
    """The present values of a row, for a form that makes its next version."""
    return {name: getattr(row, name) for name in fields}
