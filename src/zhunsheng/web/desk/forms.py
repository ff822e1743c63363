"""What a person may type at the desk."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.desk import channels
from zhunsheng.web.desk.models import Notice, Preference, Route

_PHONE = RegexValidator(r"^\+?[0-9]{7,15}$", gettext_lazy("只写数字，可在最前面加 +，例如 13800000000"))
_ACCOUNT = RegexValidator(r"^[A-Za-z0-9_.@-]{1,64}$", gettext_lazy("账号由字母、数字和 _ - @ . 组成"))


class PreferenceForm(forms.Form):
    """How notices reach a user. Only the channels that this installation has are asked for."""

    phone = forms.CharField(
        label=gettext_lazy("手机号码"), required=False, max_length=20, validators=[_PHONE],
        help_text=gettext_lazy("用于短信提醒，只有您自己看得到。短信里只有通知种类和件数。"),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "tel"}),
    )  # fmt: skip
    wecom_id = forms.CharField(
        label=gettext_lazy("政务微信账号"), required=False, max_length=64, validators=[_ACCOUNT],
        help_text=gettext_lazy("通讯录里的账号（UserID），不是昵称。"),
    )  # fmt: skip
    digest = forms.BooleanField(
        label=gettext_lazy("每个工作日早上收到一份摘要"), required=False,
        help_text=gettext_lazy("今日到期、五个工作日内到期和逾期各有几件；一件也没有就不发。"),
    )  # fmt: skip
    quiet_from = forms.TimeField(
        label=gettext_lazy("免打扰开始"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    quiet_to = forms.TimeField(
        label=gettext_lazy("免打扰结束"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=gettext_lazy("这段时间里不往外发消息，结束后再发；紧急通知除外。可以跨过午夜。"),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        ways = channels.ready()
        for name, code in (("phone", "sms"), ("wecom_id", "wecom")):
            if code not in ways:
                del self.fields[name]
        if not ways:
            del self.fields["quiet_from"], self.fields["quiet_to"]
        self.pairs = [(kind, code) for code in ways for kind in channels.CHOSEN]
        for kind, code in self.pairs:
            self.fields[f"route-{kind}-{code}"] = forms.ChoiceField(
                label=format_lazy("{channel} · {kind}", channel=ways[code].label, kind=Notice.Kind(kind).label),
                choices=Route.How.choices,
                initial=channels.default_how(kind, code),
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("quiet_from")) != bool(cleaned.get("quiet_to")) and not self.errors:
            self.add_error("quiet_to", _("开始和结束要么都填，要么都不填。"))
        return cleaned

    def settings(self, known: Preference) -> dict[str, Any]:
        """The cleaned data as set_preferences takes them; what was not asked for stays as it is in `known`."""
        said = self.cleaned_data
        names = ("phone", "wecom_id", "digest", "quiet_from", "quiet_to")
        routes = {(str(kind), code): said[f"route-{kind}-{code}"] for kind, code in self.pairs}
        return {name: said.get(name, getattr(known, name)) for name in names} | {"routes": routes}


def initial(preference: Preference, routes: "dict[tuple[str, str], str]") -> dict[str, Any]:
    """What stands in the form at first: the user's own choices."""
    names = ("phone", "wecom_id", "digest", "quiet_from", "quiet_to")
    return {name: getattr(preference, name) for name in names} | {
        f"route-{kind}-{code}": how for (kind, code), how in routes.items()
    }
