"""目标与考核: the city's targets (dated data) and the snapshots of the scoreboard that were approved."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.records import Dated


class Target(Dated):
    """目标 of the policy paper, a row of the city's targets table."""

    code = models.CharField(_("代码"), max_length=12, unique=True)
    name = models.CharField(_("目标"), max_length=120)
    name_en = models.CharField(_("英文名称"), max_length=200, blank=True, default="")
    operator = models.CharField(_("比较"), max_length=2, default=">=")
    value = models.CharField(_("目标值"), max_length=20)
    unit = models.CharField(_("单位"), max_length=12)
    deadline = models.DateField(_("截止日期"))
    source_clause = models.CharField(_("条款"), max_length=40)
    registry = models.CharField(_("数据来源"), max_length=200, blank=True, default="")
    numerator = models.CharField(_("分子"), max_length=400, blank=True, default="")
    numerator_en = models.CharField(_("分子（英文）"), max_length=400, blank=True, default="")
    denominator = models.CharField(_("分母"), max_length=400, blank=True, default="")
    denominator_en = models.CharField(_("分母（英文）"), max_length=400, blank=True, default="")
    force = models.CharField(_("约束力"), max_length=40, blank=True, default="")
    deadline_basis = models.CharField(_("截止日期依据"), max_length=120, blank=True, default="")
    note = models.CharField(_("说明"), max_length=500, blank=True, default="")
    note_en = models.CharField(_("说明（英文）"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("目标")
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Snapshot(models.Model):
    """记分牌快照: all figures as they stood on a day, frozen; public once a second person approved it."""

    class State(models.TextChoices):
        DRAFT = "draft", _("待批准")
        APPROVED = "approved", _("已批准公开")
        REJECTED = "rejected", _("未批准")

    no = models.CharField(_("快照编号"), max_length=40, unique=True)
    as_of = models.DateField(_("截至日期"))
    body = models.TextField(_("内容（规范化 JSON）"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    state = models.CharField(_("状态"), max_length=10, choices=State, default=State.DRAFT)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("生成人"))
    created_at = models.DateTimeField(_("生成时间"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("批准人")
    )
    decided_at = models.DateTimeField(_("批准时间"), null=True, blank=True)
    reason = models.CharField(_("意见"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("记分牌快照")
        ordering = ["-as_of", "-id"]

    def __str__(self) -> str:
        return self.no
