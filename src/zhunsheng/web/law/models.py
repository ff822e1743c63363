"""规则修改: what is proposed, approved and in force beyond the packaged tables; and when an owner looked at a table again."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhunsheng.web.common.records import Dated


class Change(Dated):
    """规则修改: one row of a dated table, one element of a procedure, or a whole new table, from a day on.

    `table`: the table's path, or procedures/<code>. `key`: the values of the key columns; of an element its kind, code and
    organ; empty for a whole table. `old`, `new`: the cells before and after; of a whole table its title and rows. The first
    day is `valid_from`. `edition`: the place among the approved changes; they are read in this order.
    """

    class Kind(models.TextChoices):
        ROW = "row", _("修改或新增一行")
        END = "end", _("一行失效")
        ELEMENT = "element", _("修改程序")
        TABLE = "table", _("新增一张表")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待批准")
        APPROVED = "approved", pgettext_lazy("change", "已批准")
        REFUSED = "refused", pgettext_lazy("change", "不批准")
        WITHDRAWN = "withdrawn", pgettext_lazy("change", "已撤回")

    no = models.CharField(_("编号"), max_length=20, unique=True)
    kind = models.CharField(_("种类"), max_length=8, choices=Kind)
    table = models.CharField(_("规则"), max_length=120)
    key = models.JSONField(_("关键列"), default=list, blank=True)
    old = models.JSONField(_("修改前"), default=dict, blank=True)
    new = models.JSONField(_("修改后"), default=dict, blank=True)
    applies_to_open = models.BooleanField(_("适用于未办结的办件"), default=False)
    reason = models.CharField(_("修改理由"), max_length=1000)
    past_reason = models.CharField(_("为何从过去的日期起"), max_length=500, blank=True, default="")
    state = models.CharField(_("状态"), max_length=10, choices=State, default=State.PROPOSED)
    office = models.ForeignKey(
        "people.Office", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("提出机构")
    )
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("提出人")
    )
    proposed_at = models.DateTimeField(_("提出时间"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("决定人")
    )
    decided_at = models.DateTimeField(_("决定时间"), null=True, blank=True)
    decision = models.CharField(_("决定说明"), max_length=500, blank=True, default="")
    edition = models.PositiveIntegerField(_("生效序号"), null=True, blank=True, unique=True)
    #: what the preview said when it was approved: {"matters": n, "moved": n, "late": n, "no_longer_late": n}
    foreseen = models.JSONField(_("批准时的预估"), default=dict, blank=True)
    #: when the open matters and visits were counted anew
    recounted_at = models.DateTimeField(_("重新计算时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("规则修改")
        ordering = ["-proposed_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="approved", edition__isnull=False)
                | ~models.Q(state="approved") & models.Q(edition=None),
                name="change_edition_of_approved",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="approved") | ~models.Q(decided_by=models.F("proposed_by")),
                name="change_second_person",
            ),
            models.CheckConstraint(condition=models.Q(valid_from__isnull=False), name="change_has_a_day"),
        ]
        indexes = [models.Index(fields=["table", "state"], name="change_table_state")]

    def __str__(self) -> str:
        return f"{self.no} {self.table}"

    def get_absolute_url(self) -> str:
        return reverse("law:change", args=[self.no])


class Review(models.Model):
    """复核: the owner looked at a table or procedure again and found nothing to change, for this reason."""

    table = models.CharField(_("规则"), max_length=120, db_index=True)
    reason = models.CharField(_("复核说明"), max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("复核人"))
    at = models.DateTimeField(_("复核时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("规则复核")
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.table} {self.at:%Y-%m-%d}"
