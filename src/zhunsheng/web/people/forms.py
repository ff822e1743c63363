"""What may be typed about people, posts and duties."""

import datetime
from typing import Any

import django_filters
from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.listing import NamedFilter
from zhunsheng.web.common.records import Level, in_force
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.people.models import Link, Office, Post, ProductClass, Role, User
from zhunsheng.web.people.queries import colleagues


def day_input() -> forms.DateInput:
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class NamedChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable when it runs
    """Rows by their name in the language of the page."""

    def label_from_instance(self, obj: Any) -> str:
        return named(obj)


class OfficeChoice(NamedChoice):
    """Offices with their years, since names recur."""

    def label_from_instance(self, obj: Any) -> str:
        if obj.valid_from is None and obj.valid_to is None:
            return named(obj)
        return (
            f"{named(obj)}({obj.valid_from.year if obj.valid_from else ''}–{obj.valid_to.year if obj.valid_to else ''})"
        )


class LoginForm(AuthenticationForm):
    """Name and password. Whether a name exists is not told."""

    error_messages = {
        "invalid_login": _("用户名或密码不正确。请检查大小写；连续输错会暂时锁定。"),
        "inactive": _("账号已停用"),
    }


class PasswordForm(forms.Form):
    """The old password and twice the new one."""

    old_password = forms.CharField(
        label=_("现在的密码"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    new_password1 = forms.CharField(
        label=_("新密码"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    new_password2 = forms.CharField(
        label=_("再输一次新密码"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_old_password(self) -> str:
        old = self.cleaned_data["old_password"]
        if not self.user.check_password(old):
            raise forms.ValidationError(_("现在的密码不正确"))
        return str(old)

    def clean_new_password2(self) -> str:
        second = self.cleaned_data["new_password2"]
        if self.cleaned_data.get("new_password1") != second:
            raise forms.ValidationError(_("两次输入的新密码不一致"))
        return str(second)


def code_input() -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"})


class CodeForm(forms.Form):
    """The six digits that the authenticator app shows."""

    code = forms.CharField(label=_("验证码"), max_length=20, help_text=_("验证器应用现在显示的 6 位数字。"), widget=code_input())  # fmt: skip


class RecoveryForm(forms.Form):
    """One of the codes on paper."""

    recovery = forms.CharField(
        label=_("恢复码"), max_length=40, help_text=_("16 位，大小写和连字符都不必管。每个只能用一次。"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip


class ConfirmPasswordForm(forms.Form):
    password = forms.CharField(
        label=_("密码"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class PasskeyNameForm(forms.Form):
    name = forms.CharField(
        label=_("名称"), max_length=60, help_text=_("写明它在哪里，例如“办公室电脑”“蓝色安全密钥”。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip


class ResetFactorsForm(forms.Form):
    reason = forms.CharField(
        label=_("理由"), max_length=500, help_text=_("怎样核实了是本人，例如当面核对工作证。"),
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip


class UserForm(forms.Form):
    """A new account."""

    username = forms.CharField(
        label=_("用户名"), max_length=150, help_text=_("登录用，字母、数字和 @ . + - _,以后不能改。"),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    display_name = forms.CharField(label=_("姓名"), max_length=40)
    email = forms.EmailField(label=_("电子邮箱"), required=False, help_text=_("平台设了邮件服务器时，通知也发到这里。"))
    password = forms.CharField(
        label=_("初始密码"), strip=False, help_text=_("首次登录时必须修改。请当面或用另一途径告知本人。"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip


class EditUserForm(forms.Form):
    display_name = forms.CharField(label=_("姓名"), max_length=40)
    email = forms.EmailField(label=_("电子邮箱"), required=False)


class ResetPasswordForm(forms.Form):
    password = forms.CharField(
        label=_("新的初始密码"), strip=False, help_text=_("本人下次登录时必须修改。"),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("理由"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class PostForm(forms.Form):
    """A post: which office, which role, from when to when."""

    office = OfficeChoice(label=_("机构"), queryset=Office.objects.none())
    role = forms.ChoiceField(
        label=_("角色"), choices=[(value, label) for value, label in Role.choices if value != Role.ENTERPRISE]
    )
    valid_from = forms.DateField(label=_("任职开始"), widget=day_input(), initial=timezone.localdate)
    valid_to = forms.DateField(
        label=_("任职结束"), widget=day_input(), required=False, help_text=_("留空表示没有期限。")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["office"].queryset = Office.objects.filter(in_force(timezone.localdate()))  # type: ignore[attr-defined]


class DelegateForm(forms.Form):
    """To whom a post is delegated, and until when. The end is required."""

    to = forms.ModelChoiceField(label=_("受托人"), queryset=User.objects.none())
    valid_from = forms.DateField(label=_("委托开始"), widget=day_input(), initial=timezone.localdate)
    valid_to = forms.DateField(label=_("委托结束"), widget=day_input())

    def __init__(self, *args: Any, holder: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = (
            User.objects.filter(is_active=True, firm_account=None)
            .exclude(pk=holder.pk)
            .order_by("display_name", "username")
        )
        self.fields["to"].queryset = people  # type: ignore[attr-defined]


class OwnDelegateForm(DelegateForm):
    """A colleague of the same office, for the days of an absence."""

    def __init__(self, *args: Any, post: Post, **kwargs: Any) -> None:
        super().__init__(*args, holder=post.user, **kwargs)
        self.fields["to"].queryset = colleagues(post, timezone.localdate())  # type: ignore[attr-defined]


class EndForm(forms.Form):
    """The last day, and why."""

    on = forms.DateField(label=_("最后一天"), widget=day_input(), initial=timezone.localdate)
    reason = forms.CharField(label=_("理由和依据"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class DutyForm(forms.Form):
    """A duty of the matrix."""

    office = OfficeChoice(label=_("机构"), queryset=Office.objects.order_by("code"))
    product_class = NamedChoice(label=_("产品类别"), queryset=ProductClass.objects.all())
    link = forms.ChoiceField(label=_("环节"), choices=Link.choices)
    lead = forms.TypedChoiceField(
        label=_("分工"), choices=[("1", _("牵头")), ("0", _("参与"))], coerce=lambda value: value == "1", initial="1"
    )
    scope = forms.ChoiceField(label=_("适用层级"), choices=[("", _("各级")), *Level.choices], required=False)
    valid_from = forms.DateField(label=_("生效日期"), widget=day_input(), initial=timezone.localdate)
    valid_to = forms.DateField(
        label=_("失效日期"), widget=day_input(), required=False, help_text=_("最后一天；留空表示没有期限。")
    )
    source = forms.CharField(label=_("依据"), max_length=300, help_text=_("文件名和文号，例如“三定”规定。"))
    confidence = forms.ChoiceField(
        label=_("依据可靠程度"), choices=[("sure", _("确定")), ("likely", _("较可靠")), ("assumed", _("设定"))]
    )
    note = forms.CharField(label=_("说明"), max_length=200, required=False)


class WhoForm(forms.Form):
    """谁负责…: a product class, a link, a day."""

    product_class = NamedChoice(label=_("产品类别"), queryset=ProductClass.objects.all(), empty_label=_("请选择"))
    link = forms.ChoiceField(label=_("环节"), choices=Link.choices)
    on = forms.DateField(label=_("日期"), widget=day_input(), required=False, help_text=_("留空表示今天。"))
    scope = forms.ChoiceField(label=_("机构层级"), choices=[("", _("不限")), *Level.choices], required=False)


class DayForm(forms.Form):
    """The day of a dated page, a level, and a day to compare with."""

    on = forms.DateField(label=_("日期"), widget=day_input(), required=False)
    level = forms.ChoiceField(label=_("层级"), choices=[("", _("全部")), *Level.choices], required=False)

    def day(self) -> datetime.date:
        """The day asked for; today where none, or none that can be read, was given."""
        return (self.cleaned_data.get("on") if self.is_valid() else None) or timezone.localdate()


class MatrixForm(forms.Form):
    on = forms.DateField(label=_("日期"), widget=day_input(), required=False)
    compare = forms.DateField(label=_("与此日比较"), widget=day_input(), required=False)


class UserFilter(django_filters.FilterSet):  # type: ignore[misc]
    q = django_filters.CharFilter(label=_("用户名或姓名"), method="by_name")
    office = NamedFilter(label=_("机构"), method="by_office", queryset=Office.objects.order_by("code"))
    role = django_filters.ChoiceFilter(label=_("角色"), method="by_role", choices=Role.choices, empty_label=_("全部"))
    is_active = django_filters.ChoiceFilter(
        label=_("状态"), choices=[("1", _("在用")), ("0", _("停用"))], method="by_state", empty_label=_("全部")
    )

    class Meta:
        model = User
        fields: list[str] = []

    def by_name(self, users: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return users.filter(Q(username__icontains=value) | Q(display_name__icontains=value))

    def by_office(self, users: QuerySet[User], name: str, value: Office) -> QuerySet[User]:
        return users.filter(pk__in=value.posts.filter(in_force(timezone.localdate())).values("user"))

    def by_role(self, users: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return users.filter(pk__in=Post.objects.filter(in_force(timezone.localdate()), role=value).values("user"))

    def by_state(self, users: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return users.filter(is_active=value == "1")
