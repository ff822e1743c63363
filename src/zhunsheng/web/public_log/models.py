"""Who did what, when, on what, under which rule; and the public log （公开存证日志） of public acts."""

from django.conf import settings
from django.db import models
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
    """存证条目: the canonical JSON of one public act, a leaf of the Merkle log. Never changed, never deleted."""

    index = models.BigIntegerField(_("序号"), primary_key=True)
    at = models.DateTimeField(_("时间"), db_index=True)
    kind = models.CharField(_("类别"), max_length=40, db_index=True)
    subject = models.CharField(_("对象"), max_length=160, db_index=True)
    body = models.TextField(_("内容（规范化 JSON）"))
    leaf_hash = models.CharField(_("叶哈希"), max_length=64)
    act = models.OneToOneField(Act, models.PROTECT, null=True, blank=True, related_name="log_entry")

    class Meta:
        verbose_name = verbose_name_plural = _("存证条目")
        ordering = ["-index"]

    def __str__(self) -> str:
        return f"#{self.index} {self.kind} {self.subject}"


class LogHead(models.Model):
    """树头: size and root of the log, and the frontier from which the next root follows. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    size = models.BigIntegerField(_("条目数"), default=0)
    root = models.CharField(_("根哈希"), max_length=64)
    frontier = models.JSONField(default=list)
    at = models.DateTimeField(_("时间"), null=True)

    class Meta:
        verbose_name = verbose_name_plural = _("树头")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_head")]


class LogBlock(models.Model):
    """哈希块: the root of 1024 consecutive entries, kept so that a proof reads a block and not the whole log."""

    SIZE = 1024

    index = models.BigIntegerField(_("块序号"), primary_key=True)
    root = models.CharField(_("块哈希"), max_length=64)

    class Meta:
        verbose_name = verbose_name_plural = _("哈希块")
        ordering = ["index"]
