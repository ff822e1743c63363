"""What is chosen before a matter is begun: the office, the first step, the title. The facts are those of the step's form."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from zhunsheng.web.matters.forms.steps import StepForm

TITLE = "step_title"


class OpeningForm(StepForm):
    """The form of a first step, with the title by which lists know the matter."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields[TITLE] = forms.CharField(
            label=_("办件标题"),
            required=False,
            max_length=200,
            help_text=_("留空则由主体名称和事由组成。标题在列表中可见，请勿写个人信息。"),
        )

    @property
    def title(self) -> str:
        return str(self.cleaned_data.get(TITLE, ""))

    def groups(self) -> list[dict[str, Any]]:
        found = super().groups()
        found[-1]["fields"].insert(0, self._shown(TITLE))
        return found
