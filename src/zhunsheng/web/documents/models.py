"""Official documents that carry a number （发文字号）, and the counters that give it.

A number once given stays given: a document that is wrong is declared void and its number stands in the register as void
（GB/T 9704-2012, 7.2.5: 年份、发文顺序号用阿拉伯数字标注; 党政机关公文处理工作条例, 第二十四条、第二十九条）.
"""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.people.models import Office


class Series(models.Model):
    """编号序列: the last number an office gave in a series and a year. `series`: `<row of documents/series>.<group>`."""

    series = models.CharField(_("编号序列"), max_length=80)
    office = models.ForeignKey(Office, models.PROTECT, related_name="+", verbose_name=_("机构"))
    year = models.PositiveSmallIntegerField(_("年份"))
    last = models.PositiveIntegerField(_("最后序号"), default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("编号序列")
        constraints = [models.UniqueConstraint(fields=["series", "office", "year"], name="document_series_once")]

    def __str__(self) -> str:
        return f"{self.series} {self.office} {self.year}: {self.last}"


class State(models.TextChoices):
    """Whether a document stands."""

    ISSUED = "issued", _("有效")
    VOID = "void", _("作废")
    REPLACED = "replaced", _("已被替换")


class IssuedDocument(models.Model):
    """文书: one document as it went out.

    `content` is everything that is printed, resolved: words, number, date. Its canonical JSON (RFC 8785) has the SHA-256
    `content_sha256`, which holds whatever faces it is printed with; `pdf_sha256` is that of the one file that was made
    of it. `code` is unguessable and leads to the page that proves the document.
    """

    number = models.CharField(_("文号"), max_length=120, unique=True)
    kind = models.CharField(_("文书种类"), max_length=80)
    kind_name = models.CharField(_("文书名称"), max_length=80)
    kind_name_en = models.CharField(_("英文名称"), max_length=160, blank=True, default="")
    series = models.CharField(_("编号序列"), max_length=80)
    office = models.ForeignKey(Office, models.PROTECT, related_name="documents", verbose_name=_("发文机关"))
    year = models.PositiveSmallIntegerField(_("年份"))
    seq = models.PositiveIntegerField(_("序号"))
    title = models.CharField(_("标题"), max_length=300)
    subject_type = models.CharField(_("所属对象类别"), max_length=60, blank=True, default="")
    subject_id = models.CharField(_("所属对象编号"), max_length=80, blank=True, default="")
    #: what the caller gave, as plain values; what was made of it is `content`
    fields = models.JSONField(_("填写内容"), default=dict)
    content = models.JSONField(_("文书内容"), default=dict)
    template_version = models.CharField(_("模板版本"), max_length=64)
    content_sha256 = models.CharField(_("内容摘要"), max_length=64)
    code = models.CharField(_("核验码"), max_length=32, unique=True)
    #: given by the caller, so that the same act done again finds its document instead of taking a second number
    key = models.CharField(_("去重键"), max_length=120, null=True, blank=True, unique=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("制发人")
    )
    issued_at = models.DateTimeField(_("制发时间"))
    day = models.DateField(_("成文日期"))
    state = models.CharField(_("状态"), max_length=8, choices=State, default=State.ISSUED)
    void_reason = models.CharField(_("作废原因"), max_length=300, blank=True, default="")
    voided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("作废人")
    )
    voided_at = models.DateTimeField(_("作废时间"), null=True, blank=True)
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by", verbose_name=_("替换的文书")
    )
    personal = models.BooleanField(_("含个人信息"), default=True)
    #: shows who an informant or applicant is: the text is for those who handle the subject, and each look is recorded
    protected = models.BooleanField(_("含受保护的个人信息"), default=False)
    public = models.BooleanField(_("正文公开"), default=False)
    pdf = models.FileField(_("PDF 文件"), upload_to="documents/%Y/%m/", blank=True, default="", max_length=200)
    pdf_sha256 = models.CharField(_("PDF 摘要"), max_length=64, blank=True, default="")
    #: role → face that the file was made with
    faces = models.JSONField(_("所用字体"), default=dict, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("文书")
        ordering = ["-issued_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["series", "office", "year", "seq"], name="document_number_once"),
            models.CheckConstraint(
                condition=~models.Q(personal=True, public=True), name="document_personal_not_public"
            ),
        ]
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="document_subject"),
            models.Index(fields=["office", "issued_at"], name="document_office"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("documents:document", args=[self.pk])
