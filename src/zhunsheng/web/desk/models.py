"""My desk: notices, saved views, import runs."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """通知: something that happened and that this user should know."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices", verbose_name=_("收件人"))
    text = models.CharField(_("内容"), max_length=300)
    text_en = models.CharField(_("英文内容"), max_length=300, blank=True, default="")
    url = models.CharField(_("链接"), max_length=300, blank=True, default="")
    at = models.DateTimeField(_("时间"))
    read_at = models.DateTimeField(_("已读时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("通知")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["user", "read_at"], name="notice_unread")]

    def __str__(self) -> str:
        return self.text


class SavedView(models.Model):
    """常用视图: a named filter of a list."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_views", verbose_name=_("用户")
    )
    name = models.CharField(_("名称"), max_length=60)
    path = models.CharField(_("页面"), max_length=200)
    query = models.CharField(_("筛选"), max_length=1000, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("常用视图")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "path", "name"], name="saved_view_once", violation_error_message=_("已有同名视图")
            )
        ]

    def __str__(self) -> str:
        return self.name


class ImportRun(models.Model):
    """导入批次: one file, checked row by row, then loaded whole, loaded without its bad rows, or discarded.

    Rows are rows of the file; created, updated and unchanged count the records made from them (one record may stand in
    several rows). Before the load they say what the load would do.
    """

    class State(models.TextChoices):
        UNMAPPED = "unmapped", _("待对应字段")
        CHECKED = "checked", _("已校验，待确认")
        LOADED = "loaded", _("全部导入")
        PARTLY_LOADED = "partly_loaded", _("部分导入")
        DISCARDED = "discarded", _("已放弃")
        REFUSED = "refused", _("文件被拒绝")

    kind = models.CharField(_("导入种类"), max_length=40)
    file = models.FileField(_("文件"), upload_to="imports/%Y/%m/")
    filename = models.CharField(_("文件名"), max_length=200)
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    mapping = models.TextField(_("字段对应(TOML)"), blank=True, default="")
    encoding = models.CharField(_("编码"), max_length=20, blank=True, default="")
    state = models.CharField(_("状态"), max_length=14, choices=State)
    rows_total = models.PositiveIntegerField(_("总行数"), default=0)
    rows_skipped = models.PositiveIntegerField(_("按映射跳过的行"), default=0)
    rows_bad = models.PositiveIntegerField(_("有问题的行"), default=0)
    created = models.PositiveIntegerField(_("新增"), default=0)
    updated = models.PositiveIntegerField(_("更新"), default=0)
    unchanged = models.PositiveIntegerField(_("无变化"), default=0)
    refusal = models.CharField(_("拒绝原因"), max_length=1000, blank=True, default="")
    notes = models.JSONField(_("说明"), default=list, blank=True)
    #: [[row number as the spreadsheet shows it, column, message], …]; at most PROBLEMS_KEPT, `returned` has them all.
    problems = models.JSONField(_("问题"), default=list, blank=True)
    problems_total = models.PositiveIntegerField(_("问题数"), default=0)
    #: [[row, record, {field: [old, new]}], …]: the first changes to records that exist.
    preview = models.JSONField(_("将更新的记录"), default=list, blank=True)
    returned = models.FileField(_("退回文件"), upload_to="imports/%Y/%m/", blank=True, default="")
    #: hash of what the load would do: the user's choice holds for exactly this.
    digest = models.CharField(_("校验摘要"), max_length=64, blank=True, default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("导入人"))
    created_at = models.DateTimeField(_("上传时间"))
    decided_at = models.DateTimeField(_("处理时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("导入批次")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["created_by", "-created_at"], name="import_run_mine")]

    def __str__(self) -> str:
        return self.filename
