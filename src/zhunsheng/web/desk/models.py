"""My desk: notices and how they go out, saved views, import runs, background jobs, bulk runs."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Notice(models.Model):
    """通知: something that happened and that this user should know."""

    class Kind(models.TextChoices):
        WORK = "work", _("办理事项")
        DEADLINE = "deadline", _("期限提醒")
        URGENT = "urgent", _("紧急")
        DIGEST = "digest", _("每日摘要")
        SYSTEM = "system", _("平台运行")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices", verbose_name=_("收件人"))
    text = models.CharField(_("内容"), max_length=300)
    text_en = models.CharField(_("英文内容"), max_length=300, blank=True, default="")
    url = models.CharField(_("链接"), max_length=300, blank=True, default="")
    kind = models.CharField(pgettext_lazy("notice", "种类"), max_length=10, choices=Kind, default=Kind.WORK)
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


class Attachment(models.Model):
    """附件: a file that a record keeps. Its bytes lie under their own SHA-256; whoever sees the record sees the file.

    A record that keeps an attachment points to it with a foreign key: one that nothing points to is swept after a week.
    """

    sha256 = models.CharField(_("SHA-256"), max_length=64, db_index=True)
    name = models.CharField(_("文件名"), max_length=200)
    mime = models.CharField(_("类型"), max_length=100)
    size = models.PositiveBigIntegerField(_("字节数"))
    #: an encrypted PDF: kept as it is, but nothing in it can be looked at or taken out
    encrypted = models.BooleanField(_("有密码"), default=False)
    file = models.FileField(_("文件"), max_length=200)
    #: a copy without what the file says about its maker; made when it is first asked for
    public_file = models.FileField(_("公开副本"), max_length=200, blank=True, default="")
    thumbnail = models.FileField(_("缩略图"), max_length=200, blank=True, default="")
    #: None: a member of the public, without an account
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("上传人")
    )
    created_at = models.DateTimeField(_("上传时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("附件")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["created_by", "sha256"], name="attachment_once", violation_error_message=_("已上传过这个文件")
            )
        ]

    def __str__(self) -> str:
        return self.name


class SearchEntry(models.Model):
    """检索条目: what one record can be found by. It shows nothing: hits are read from the record, by who may see it.

    `words` feeds the index of the database (FTS5 of SQLite, GIN of PostgreSQL): see desk/searching/words.py.
    """

    kind = models.CharField(_("种类"), max_length=40)
    object_id = models.BigIntegerField(_("记录"))
    #: the title alone, as `text` writes it: an exact title comes first
    title = models.CharField(_("标题"), max_length=200)
    #: title and text in one script: NFKC, case folded
    text = models.TextField(_("文字"))
    words = models.TextField(_("索引词"))

    class Meta:
        verbose_name = verbose_name_plural = _("检索条目")
        constraints = [models.UniqueConstraint(fields=["kind", "object_id"], name="search_entry_once")]
        indexes = [models.Index(fields=["title"], name="search_title")]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_id}"


class SearchProgress(models.Model):
    """How far a run over a kind (or over the audit trail) has come, so that it can be taken up again."""

    key = models.CharField(max_length=40, primary_key=True)
    position = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("检索进度")

    def __str__(self) -> str:
        return f"{self.key} {self.position}"


class Preference(models.Model):
    """通知设置 of one user: where messages go, when they must wait, and the address of the calendar.

    Phone and WeCom account are personal data: only the user sees them. `feed_key`: public half of the calendar's address,
    empty without a calendar; the secret half is computed from it and from the key of the platform.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="preference")
    phone = models.CharField(_("手机号码"), max_length=20, blank=True, default="")
    wecom_id = models.CharField(_("政务微信账号"), max_length=64, blank=True, default="")
    digest = models.BooleanField(_("每个工作日收到一份摘要"), default=True)
    quiet_from = models.TimeField(_("免打扰开始"), null=True, blank=True)
    quiet_to = models.TimeField(_("免打扰结束"), null=True, blank=True)
    feed_key = models.CharField(_("日历标识"), max_length=32, null=True, blank=True, unique=True)

    class Meta:
        verbose_name = verbose_name_plural = _("通知设置")

    def __str__(self) -> str:
        return f"{self.user}"


class Route(models.Model):
    """通知方式: how one kind of notice reaches a user by one channel. Without a row the default of channels.route holds."""

    class How(models.TextChoices):
        AT_ONCE = "at_once", _("立即发送")
        DIGEST = "digest", _("并入每日摘要")
        OFF = "off", _("不发送")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="routes")
    kind = models.CharField(max_length=10, choices=Notice.Kind)
    channel = models.CharField(max_length=10)
    how = models.CharField(max_length=8, choices=How)

    class Meta:
        verbose_name = verbose_name_plural = _("通知方式")
        constraints = [models.UniqueConstraint(fields=["user", "kind", "channel"], name="route_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.channel} {self.how}"


class Delivery(models.Model):
    """外发: one notice on its way by one channel. Written with the notice, sent after the commit, never sent twice.

    SENDING is written before the message leaves the house. Who finds it there later knows that a process died in between.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("待发送")
        SENDING = "sending", _("正在发送")
        SENT = "sent", _("已发送")
        FAILED = "failed", _("失败，将重试")
        GIVEN_UP = "given_up", pgettext_lazy("message", "已放弃")

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="deliveries", verbose_name=_("通知"))
    channel = models.CharField(_("渠道"), max_length=10)
    state = models.CharField(_("状态"), max_length=8, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("尝试次数"), default=0)
    queued_at = models.DateTimeField(_("排队时间"))
    next_at = models.DateTimeField(_("下次发送"), null=True, blank=True)
    claimed_at = models.DateTimeField(_("开始发送"), null=True, blank=True)
    sent_at = models.DateTimeField(_("发送时间"), null=True, blank=True)
    error = models.CharField(_("原因"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("外发消息")
        ordering = ["-queued_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["notice", "channel"], name="delivery_once")]
        indexes = [
            models.Index(fields=["state", "next_at"], name="delivery_due"),
            models.Index(fields=["-queued_at", "-id"], name="delivery_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id} {self.channel}"


class Digest(models.Model):
    """每日摘要 of one user and day, with what it counted. The row is what keeps a second one from being made."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="digests")
    day = models.DateField()
    overdue = models.PositiveIntegerField(default=0)
    today = models.PositiveIntegerField(default=0)
    week = models.PositiveIntegerField(default=0)
    notices = models.PositiveIntegerField(default=0)
    notice = models.OneToOneField(Notice, models.SET_NULL, null=True, blank=True, related_name="digest")

    class Meta:
        verbose_name = verbose_name_plural = _("每日摘要")
        constraints = [models.UniqueConstraint(fields=["user", "day"], name="digest_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.day}"


class JobRun(models.Model):
    """定时任务的一次运行: the job did its work for the moment `slot`, or failed and will be tried again."""

    job = models.CharField(_("任务"), max_length=60)
    slot = models.DateTimeField(_("应办时间"))
    ran_at = models.DateTimeField(_("运行时间"))
    ok = models.BooleanField(_("成功"))
    count = models.PositiveIntegerField(_("处理数量"), default=0)
    note = models.CharField(_("说明"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("定时任务运行记录")
        ordering = ["-slot", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "slot"], condition=models.Q(ok=True), name="job_done_once")
        ]
        indexes = [models.Index(fields=["job", "-slot"], name="job_latest")]

    def __str__(self) -> str:
        return f"{self.job} {self.slot}"


class BulkRun(models.Model):
    """批量办理: one action over many rows, rehearsed first, then done row by row, each in a transaction of its own."""

    class State(models.TextChoices):
        PLANNED = "planned", _("待确认")
        RUNNING = "running", _("正在办理")
        FINISHED = "finished", _("已办完")
        DISCARDED = "discarded", _("已放弃")

    kind = models.CharField(_("动作"), max_length=60)
    state = models.CharField(_("状态"), max_length=10, choices=State, default=State.PLANNED)
    #: what the action's form was given, as its fields wrote it
    values = models.JSONField(_("填写内容"), default=dict, blank=True)
    back = models.CharField(_("返回页面"), max_length=500, blank=True, default="")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("办理人"))
    created_at = models.DateTimeField(_("创建时间"))
    confirmed_at = models.DateTimeField(_("确认时间"), null=True, blank=True)
    finished_at = models.DateTimeField(_("办完时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("批量办理")
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["created_by", "-created_at"], name="bulk_run_mine")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class BulkRow(models.Model):
    """One row of a bulk run: what would happen, then what happened."""

    class State(models.TextChoices):
        PLANNED = "planned", _("将办理")
        REFUSED = "refused", _("不能办理")
        DONE = "done", _("已办理")
        FAILED = "failed", _("未办成")

    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="rows", verbose_name=_("批次"))
    object_id = models.BigIntegerField(_("记录"))
    title = models.CharField(_("事项"), max_length=200)
    url = models.CharField(_("链接"), max_length=300, blank=True, default="")
    state = models.CharField(_("状态"), max_length=8, choices=State)
    reason = models.CharField(_("原因"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("批量办理的记录")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "object_id"], name="bulk_row_once")]
        indexes = [models.Index(fields=["run", "state"], name="bulk_row_state")]

    def __str__(self) -> str:
        return self.title
