"""Who works here: offices （机构）, users, and the posts （岗位） that give a user a role in an office for a time."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhunsheng.web.common.errors import language
from zhunsheng.web.common.records import Dated, Level, once


class Office(Dated):
    """An organ of state at one level. A reorganised organ is a new row; `successor` says who took over its duties.

    For example 质监局 (valid to 2019) → 市场监督管理局.
    """

    code = models.CharField(_("机构代码"), max_length=40, unique=True)
    name = models.CharField(_("机构名称"), max_length=120)
    name_en = models.CharField(_("英文名称"), max_length=160, blank=True, default="")
    short_name = models.CharField(_("简称"), max_length=40, blank=True, default="")
    level = models.CharField(_("层级"), max_length=10, choices=Level, default=Level.CITY)
    division_code = models.CharField(_("行政区划代码"), max_length=12, blank=True, default="")
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("上级机构")
    )
    successor = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="predecessors", verbose_name=_("承继机构")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("机构")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name

    @property
    def brief(self) -> str:
        """The name for a narrow place: the short one, where the page's language has it."""
        if language() == "en":
            return self.name_en or self.name
        return self.short_name or self.name


class User(AbstractUser):
    """An account. What it may do follows from its posts; a firm's account has none."""

    display_name = models.CharField(_("姓名"), max_length=40, blank=True, default="")
    must_change_password = models.BooleanField(_("下次登录须改密码"), default=False)
    #: counts up when a second factor comes or goes: every other session of the account ends with it
    session_epoch = models.PositiveIntegerField(default=0, editable=False)
    #: wrong codes in a row, and when the last of them was typed
    wrong_codes = models.PositiveSmallIntegerField(default=0, editable=False)
    wrong_code_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = _("用户")

    def __str__(self) -> str:
        return self.display_name or self.username

    @property
    def is_firm(self) -> bool:
        """Whether the account acts for a business entity (the register binds it)."""
        return hasattr(self, "firm_account")

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django ends a session whose hash no longer fits: after a new password, and here after a change of factors."""
        if not self.session_epoch:
            return super()._get_session_auth_hash(secret=secret)  # type: ignore[misc,no-any-return]
        text = f"{self.password}|{self.session_epoch}"
        return salted_hmac("zhunsheng.people.session", text, secret=secret, algorithm="sha256").hexdigest()


class AuthenticatorApp(models.Model):
    """验证器应用: the secret that an account shares with an app on a phone (time-based codes, RFC 6238). One an account."""

    user = models.OneToOneField(User, models.CASCADE, related_name="authenticator_app", verbose_name=_("用户"))
    #: sealed with a key derived from SECRET_KEY
    secret = models.TextField(_("密钥"))
    #: the last interval of which a code was taken: no code is taken twice
    last_step = models.BigIntegerField(_("最后使用的时段"))
    created_at = models.DateTimeField(_("添加时间"))
    last_used_at = models.DateTimeField(_("最近使用"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("验证器应用")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class Passkey(models.Model):
    """通行密钥: the public half of a key that a device or a security key keeps (WebAuthn). It fits one host name."""

    user = models.ForeignKey(User, models.CASCADE, related_name="passkeys", verbose_name=_("用户"))
    name = models.CharField(_("名称"), max_length=60)
    #: base64url; WebAuthn allows 1023 bytes
    credential_id = models.CharField(_("密钥编号"), max_length=1364, unique=True)
    #: attested credential data, as the authenticator gave it
    credential = models.BinaryField(_("公钥"))
    host = models.CharField(_("适用的主机名"), max_length=253)
    #: how often it signed, where it counts; a count that does not grow is a copy
    sign_count = models.BigIntegerField(_("签名次数"), default=0)
    created_at = models.DateTimeField(_("添加时间"))
    last_used_at = models.DateTimeField(_("最近使用"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("通行密钥")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class RecoveryCode(models.Model):
    """恢复码: one of ten codes on paper, each for one use. Only its digest is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_codes", verbose_name=_("用户"))
    digest = models.CharField(_("摘要"), max_length=64)
    used_at = models.DateTimeField(_("使用时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("恢复码")
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class Role(models.TextChoices):
    """Roles of the platform; what each may do is the dated table people/roles."""

    MEMBER = "member", _("成员单位经办")
    INSPECTOR = "inspector", pgettext_lazy("one", "检查人员")
    REVIEWER = "reviewer", _("审核人")
    HEAD = "head", _("部门负责人")
    LEAD_OFFICE = "lead_office", _("质强办")
    LEADER = "leader", _("领导小组领导")
    LAB = "lab", _("检验检测机构")
    ENTERPRISE = "enterprise", _("企业")
    AUDITOR = "auditor", _("督查审计")
    SYSADMIN = "sysadmin", _("系统管理员")


class Post(models.Model):
    """岗位: a user's role in an office for a time; a delegated post names who delegated it."""

    user = models.ForeignKey(User, models.CASCADE, related_name="posts", verbose_name=_("用户"))
    office = models.ForeignKey(Office, models.PROTECT, related_name="posts", verbose_name=_("机构"))
    role = models.CharField(_("角色"), max_length=12, choices=Role)
    valid_from = models.DateField(_("任职开始"), null=True, blank=True)
    valid_to = models.DateField(_("任职结束"), null=True, blank=True)
    delegated_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="delegated_posts", verbose_name=_("委托人")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("岗位")
        constraints = [
            once("user", "office", "role", name="post_once", message=_("该用户在此机构已有相同角色和起始日期的岗位"))
        ]

    def __str__(self) -> str:
        return f"{self.office} · {self.get_role_display()}"


class ProductClass(Dated):
    """产品大类 of the responsibility matrix. `links`: the links of the chain that exist for it, with semicolons."""

    code = models.CharField(_("代码"), max_length=40, unique=True)
    name = models.CharField(_("名称"), max_length=80)
    name_en = models.CharField(_("英文名称"), max_length=120, blank=True, default="")
    links = models.CharField(_("存在的环节"), max_length=60, default="production;circulation;use")

    class Meta:
        verbose_name = verbose_name_plural = _("产品类别")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Link(models.TextChoices):
    """环节 of the supervision chain （二（四）1）."""

    PRODUCTION = "production", _("生产")
    CIRCULATION = "circulation", _("流通")
    USE = "use", _("使用")


class Responsibility(Dated):
    """监管责任: which office answers for a product class in a link of the chain, from when to when.

    `lead` is False for an office that only takes part. A duty is ended, never rewritten: what held in 2017 stays to be read.
    """

    office = models.ForeignKey(Office, models.PROTECT, related_name="responsibilities", verbose_name=_("机构"))
    product_class = models.ForeignKey(
        ProductClass, models.PROTECT, related_name="responsibilities", verbose_name=_("产品类别")
    )
    link = models.CharField(_("环节"), max_length=12, choices=Link)
    lead = models.BooleanField(_("牵头"), default=True)
    scope = models.CharField(
        _("适用层级"), max_length=10, choices=Level, blank=True, default="", help_text=_("留空表示各级")
    )
    note = models.CharField(_("说明"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("监管责任")
        ordering = ["product_class", "link", "office"]
        constraints = [once("office", "product_class", "link", "scope", name="responsibility_once")]

    def __str__(self) -> str:
        return f"{self.product_class} · {self.get_link_display()} · {self.office}"
