"""What every record carries: where it came from, and whether the public may see it. Abstract; no tables of its own."""

import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class Level(models.TextChoices):
    """层级 of the organ that handles a record."""

    NATIONAL = "national", _("国家级")
    PROVINCIAL = "provincial", _("省级")
    CITY = "city", _("市级")
    COUNTY = "county", _("县级")


class Publicity(models.TextChoices):
    """信息公开属性 （政府信息公开条例, 国务院令第711号, articles 13–16, 19–21, 27）."""

    ACTIVE = "active", _("主动公开")
    ON_REQUEST = "on_request", _("依申请公开")
    CLOSED = "closed", _("不予公开")


class Sourced(models.Model):
    """A record that may come from, or go to, another system or level."""

    source_system = models.CharField(
        _("来源系统"), max_length=60, blank=True, default="", help_text=_("留空表示本平台产生")
    )
    upstream_no = models.CharField(_("上级系统编号"), max_length=80, blank=True, default="")
    handling_organ = models.CharField(_("办理机关"), max_length=120, blank=True, default="")
    level = models.CharField(_("层级"), max_length=10, choices=Level, default=Level.CITY)

    class Meta:
        abstract = True


class Disclosable(models.Model):
    """An act with a 信息公开 class; public only once that class is approved by a second person."""

    publicity = models.CharField(_("信息公开属性"), max_length=10, choices=Publicity, default=Publicity.ACTIVE)
    publicity_approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("公开审批人")
    )
    publicity_approved_at = models.DateTimeField(_("公开审批时间"), null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_public(self) -> bool:
        return self.publicity == Publicity.ACTIVE and self.publicity_approved_at is not None


class Dated(models.Model):
    """A row with a period of validity and a source: law as data."""

    source = models.CharField(_("依据"), max_length=300, blank=True, default="")
    confidence = models.CharField(
        _("依据可靠程度"),
        max_length=8,
        choices=[("sure", _("确定")), ("likely", _("较可靠")), ("assumed", _("设定"))],
        default="assumed",
    )
    valid_from = models.DateField(_("生效日期"), null=True, blank=True)
    valid_to = models.DateField(_("失效日期"), null=True, blank=True)

    class Meta:
        abstract = True


def in_force(day: datetime.date) -> models.Q:
    """Rows of a Dated model in force on `day` (both ends inclusive)."""
    return (models.Q(valid_from__isnull=True) | models.Q(valid_from__lte=day)) & (
        models.Q(valid_to__isnull=True) | models.Q(valid_to__gte=day)
    )


def once(*fields: str, name: str, message: "_StrPromise | str" = "") -> models.UniqueConstraint:
    """Versions of a Dated row are unique by `fields` and the day they begin; "always" (no day) counts as one such day.

    An expression, since SQLite cannot be told that two missing days are the same.
    """
    begins = Coalesce(models.F("valid_from"), models.Value(datetime.date.min), output_field=models.DateField())
    return models.UniqueConstraint(
        *(models.F(field) for field in fields), begins, name=name, violation_error_message=message or None
    )


unit_id_form = RegexValidator(r"^[a-z][a-z0-9-]*:[!-~]+$", _("写成“类别：号码”，例如 uscc:91350100M000100Y43"))
