"""The fields of the room's forms: a business entity found by name or code, money in yuan, an instant in the city's time."""

from decimal import Decimal
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _

from zhunsheng.web.people.queries import Person
from zhunsheng.web.registry.models import BusinessEntity
from zhunsheng.web.registry.queries import visible_to

#: the most yuan that a field takes: what fen in a 64-bit column can hold, and more than any fine
MOST_YUAN = Decimal("9999999999999.99")


class MoneyField(forms.DecimalField):
    """Yuan with two decimals as typed, fen as kept."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=MOST_YUAN, decimal_places=2, **options)

    def clean(self, value: Any) -> "int | None":
        yuan = super().clean(value.replace(",", "").replace("，", "") if isinstance(value, str) else value)
        return None if yuan is None else int(yuan * 100)


def moment_field(label: Any, **options: Any) -> forms.DateTimeField:
    """An instant, typed in the city's time."""
    return forms.DateTimeField(
        label=label,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        **options,
    )


def text_area(rows: int = 3) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class EntityWidget(forms.TextInput):
    """A line with suggestions from the register, of what the user may see. Without a script the name or code is typed."""

    template_name = "matters/widgets/entity.html"

    def get_context(self, name: str, value: Any, attrs: "dict[str, Any] | None") -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["list"] = f"{name}-found"
        context["widget"]["suggest"] = f"{reverse('matters:entities')}?field={name}"
        return context


class EntityField(forms.CharField):
    """A business entity by its code, or by its whole name. Cleans to the entity."""

    widget = EntityWidget

    def __init__(self, *, user: Person, **options: Any) -> None:
        super().__init__(max_length=300, **options)
        self.user = user

    def clean(self, value: Any) -> "BusinessEntity | None":
        text = " ".join(super().clean(value).split())
        if not text:
            return None
        known = visible_to(self.user)
        # a suggestion ends with the code
        code = text.rpartition(" ")[2]
        found = known.filter(unit_id__in=[code] if ":" in code else [f"uscc:{code}", f"reg:{code}"])
        matching = list(found[:2]) or list(known.filter(name=text)[:2])
        if len(matching) == 1:
            return matching[0]
        if matching:
            raise forms.ValidationError(_("有几个经营主体都叫这个名称，请填写代码"))
        raise forms.ValidationError(_("名录库中没有找到。请填写代码或者完整的名称，或者先在名录库登记"))


def entity_text(entity: BusinessEntity) -> str:
    """How the field shows an entity, and reads it again."""
    return f"{entity.name} {entity.unit_id if entity.scheme not in ('uscc', 'reg') else entity.code}"
