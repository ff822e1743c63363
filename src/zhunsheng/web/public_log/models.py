"""Who did what, when, on what, under which rule; and the public log （公开存证日志） of public acts."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Act(models.Model):
    """办理痕迹: one row per action, public or not. The history of any record is its acts in order."""

    at = models.DateTimeField(_("时间"), db_index=True)
    verb = models.CharField(_("动作"), max_length=60)
    subject_type = models.CharField(_("对象类别"), max_length=40)
    subject_id = models.CharField(_("对象编号"), max_length=120)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("操作人")
    )
    office = models.ForeignKey(
        "people.Office", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("机构")
    )
    rule = models.CharField(_("规则版本"), max_length=120, blank=True, default="")
    reason = models.CharField(_("理由"), max_length=500, blank=True, default="")
    changes = models.JSONField(_("变更"), default=dict, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("办理痕迹")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["subject_type", "subject_id", "-id"], name="act_subject")]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject_type}:{self.subject_id}"


class LogEntry(models.Model):
    """存证条目: the canonical JSON of one public act, a leaf of the Merkle log. Never changed, never deleted.

    Written in the act's own transaction without a number; `index` is given once, after the commit, by the sequencer
    (actions.sequence). Triggers in the database refuse every other change (guards).
    """

    index = models.BigIntegerField(_("序号"), null=True, unique=True)
    at = models.DateTimeField(_("时间"), db_index=True)
    kind = models.CharField(_("类别"), max_length=40, db_index=True)
    subject = models.CharField(_("对象"), max_length=160, db_index=True)
    body = models.TextField(_("内容（规范化 JSON）"))
    leaf_hash = models.CharField(_("叶哈希"), max_length=64, db_index=True)
    act = models.OneToOneField(Act, models.PROTECT, null=True, blank=True, related_name="log_entry")

    class Meta:
        verbose_name = verbose_name_plural = _("存证条目")
        ordering = ["-id"]
        indexes = [models.Index(fields=["id"], condition=models.Q(index=None), name="log_waiting")]

    def __str__(self) -> str:
        return f"{self.number} {self.kind} {self.subject}"

    @property
    def number(self) -> str:
        """#12, or that it still waits for its number."""
        return str(_("待编号")) if self.index is None else f"#{self.index}"

    def get_absolute_url(self) -> str:
        """Its page: by number, and by its hash as long as it has none."""
        if self.index is None:
            return reverse("public_log:waiting", args=[self.leaf_hash])
        return reverse("public_log:entry", args=[self.index])


class LogHead(models.Model):
    """树头: size and root of the log, and the frontier from which the next root follows. One row.

    `origin`: the log's name, fixed with its first entry; it names the suite as well.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    origin = models.CharField(_("日志名称"), max_length=200, blank=True, default="")
    size = models.BigIntegerField(_("条目数"), default=0)
    root = models.CharField(_("根哈希"), max_length=64)
    frontier = models.JSONField(default=list)
    at = models.DateTimeField(_("时间"), null=True)

    class Meta:
        verbose_name = verbose_name_plural = _("树头")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_head")]


class LogBlock(models.Model):
    """哈希块: a hash of level 1 and above of the log's tiles: the root of 256 consecutive hashes of the level below.

    With them a proof, and every tile, reads a few hundred rows and never the whole log.
    """

    level = models.PositiveSmallIntegerField(_("层"))
    index = models.BigIntegerField(_("块序号"))
    root = models.CharField(_("块哈希"), max_length=64)

    class Meta:
        verbose_name = verbose_name_plural = _("哈希块")
        ordering = ["level", "index"]
        constraints = [models.UniqueConstraint(fields=["level", "index"], name="one_block")]


class Checkpoint(models.Model):
    """检查点: a head that the log has signed (C2SP tlog-checkpoint). Never changed, never deleted."""

    size = models.BigIntegerField(_("条目数"), primary_key=True)
    root = models.CharField(_("根哈希"), max_length=64)
    at = models.DateTimeField(_("签名时间"), default=timezone.now)
    key = models.TextField(_("公钥"))
    note = models.TextField(_("签名文本"))

    class Meta:
        verbose_name = verbose_name_plural = _("检查点")
        ordering = ["-size"]

    def __str__(self) -> str:
        return f"{self.size} {self.root[:12]}"


class Witness(models.Model):
    """见证人: an outside party (a notary, a university, another bureau) whose cosignatures the log shows."""

    name = models.CharField(_("公钥名称"), max_length=200, unique=True)
    key = models.TextField(_("公钥"))
    organisation = models.CharField(_("单位"), max_length=120)
    added_at = models.DateTimeField(_("列入时间"))
    ended_at = models.DateTimeField(_("停止时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("见证人")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.organisation


class Cosignature(models.Model):
    """联署: a witness saw this checkpoint, and that the log had only grown since the last one it saw."""

    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="cosignatures")
    witness = models.ForeignKey(Witness, models.PROTECT, related_name="cosignatures")
    at = models.DateTimeField(_("联署时间"))
    line = models.TextField(_("签名行"))

    class Meta:
        verbose_name = verbose_name_plural = _("联署")
        ordering = ["witness_id"]
        constraints = [models.UniqueConstraint(fields=["checkpoint", "witness"], name="one_cosignature")]


class Timestamp(models.Model):
    """时间戳: an RFC 3161 token of a time-stamping authority over a checkpoint's note."""

    checkpoint = models.OneToOneField(Checkpoint, models.PROTECT, primary_key=True, related_name="timestamp")
    at = models.DateTimeField(_("时间戳时间"))
    authority = models.CharField(_("时间戳服务机构"), max_length=300)
    token = models.BinaryField()

    class Meta:
        verbose_name = verbose_name_plural = _("时间戳")
