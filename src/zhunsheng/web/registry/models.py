"""名录库: who and what is under supervision, where it is, and who inspects it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.records import Dated, Level, Sourced, once, unit_id_form


class Division(Dated):
    """行政区划: city, county （县市区） or township （乡镇街道）. `system` tells GB/T 2260 codes from statistical ones."""

    code = models.CharField(_("区划代码"), max_length=12, primary_key=True)
    name = models.CharField(_("名称"), max_length=60)
    name_en = models.CharField(_("英文名称"), max_length=80, blank=True, default="")
    level = models.CharField(
        _("级别"),
        max_length=10,
        choices=[("city", _("市")), ("county", _("县（市、区）")), ("township", _("乡镇街道"))],
    )
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("上级区划")
    )
    system = models.CharField(_("编码体系"), max_length=10, default="gbt2260")
    grid_x = models.SmallIntegerField(null=True, blank=True)
    grid_y = models.SmallIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("行政区划")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class Park(Dated):
    """园区: 产业集聚区, 特色商业区, 农业园区 …; a dated area that filters everywhere."""

    code = models.CharField(_("代码"), max_length=40, unique=True)
    name = models.CharField(_("名称"), max_length=80)
    name_en = models.CharField(_("英文名称"), max_length=120, blank=True, default="")
    kind = models.CharField(_("类别"), max_length=40)
    division = models.ForeignKey(
        Division, models.PROTECT, null=True, blank=True, related_name="parks", verbose_name=_("所在区划")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("园区")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class RiskClass(models.TextChoices):
    """信用风险分类 （国市监信发〔2022〕6号）."""

    A = "A", _("A 信用风险低")
    B = "B", _("B 信用风险一般")
    C = "C", _("C 信用风险较高")
    D = "D", _("D 信用风险高")


class EntityStatus(models.TextChoices):
    """登记状态. A cancelled or revoked entity stays in the register and in a frame that was frozen before."""

    ACTIVE = "active", _("存续")
    SUSPENDED = "suspended", _("停业")
    CANCELLED = "cancelled", _("注销")
    REVOKED = "revoked", _("吊销")
    WITHDRAWN = "withdrawn", _("撤销")
    MOVED_OUT = "moved_out", _("迁出")


class BusinessEntity(Sourced):
    """经营主体. `unit_id` （类别：号码） is its one name in every frame, log entry and open file.

    For example uscc:91350100M000100Y43; an entity from a foreign export keeps that export's scheme (toronto:10500438);
    one whose code is not known yet has local:<number>.
    """

    unit_id = models.CharField(
        _("主体标识"),
        max_length=80,
        unique=True,
        validators=[unit_id_form],
        error_messages={"unique": _("该主体标识已在名录库中")},
    )
    name = models.CharField(_("名称"), max_length=200)
    entity_type = models.CharField(_("主体类型"), max_length=40, blank=True, default="")
    industry = models.CharField(_("行业(GB/T 4754)"), max_length=4, blank=True, default="", db_index=True)
    size = models.CharField(
        _("规模"),
        max_length=10,
        blank=True,
        default="",
        choices=[("large", _("大型")), ("medium", _("中型")), ("small", _("小型")), ("micro", _("微型"))],
    )
    status = models.CharField(_("登记状态"), max_length=10, choices=EntityStatus, default=EntityStatus.ACTIVE)
    established_on = models.DateField(_("成立日期"), null=True, blank=True)
    address = models.CharField(_("住所"), max_length=300, blank=True, default="")
    division = models.ForeignKey(
        Division, models.PROTECT, null=True, blank=True, related_name="entities", verbose_name=_("行政区划")
    )
    park = models.ForeignKey(
        Park, models.PROTECT, null=True, blank=True, related_name="entities", verbose_name=_("园区")
    )
    tags = models.CharField(_("标签"), max_length=200, blank=True, default="", help_text=_("多个标签用空格分开"))
    risk_class = models.CharField(_("信用风险分类"), max_length=1, choices=RiskClass, blank=True, default="")
    risk_class_source = models.CharField(_("分类来源"), max_length=120, blank=True, default="")
    risk_class_on = models.DateField(_("分类日期"), null=True, blank=True)
    created_at = models.DateTimeField(_("入库时间"))
    updated_at = models.DateTimeField(_("更新时间"))
    version = models.PositiveIntegerField(_("版本"), default=1)

    class Meta:
        verbose_name = verbose_name_plural = _("经营主体")
        ordering = ["name", "id"]
        indexes = [
            models.Index(fields=["division", "name", "id"], name="entity_division_name"),
            models.Index(fields=["risk_class", "name", "id"], name="entity_risk_name"),
            # Also answers "name or code contains": both stand in the index, so no row is opened in vain.
            models.Index(fields=["name", "id", "unit_id"], name="entity_name_code"),
            models.Index(fields=["source_system", "name", "id"], name="entity_source_name"),
            models.Index(fields=["updated_at", "id"], name="entity_updated_id"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def code(self) -> str:
        """The number without its scheme, as people write it."""
        return self.unit_id.partition(":")[2]

    @property
    def scheme(self) -> str:
        return self.unit_id.partition(":")[0]


class Premises(models.Model):
    """经营场所 of an entity: where an inspector goes."""

    entity = models.ForeignKey(BusinessEntity, models.CASCADE, related_name="premises", verbose_name=_("经营主体"))
    no = models.PositiveSmallIntegerField(_("场所序号"), default=1)
    name = models.CharField(_("场所名称"), max_length=200, blank=True, default="")
    address = models.CharField(_("地址"), max_length=300, blank=True, default="")
    division = models.ForeignKey(
        Division, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("行政区划")
    )
    park = models.ForeignKey(Park, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("园区"))
    latitude = models.FloatField(_("纬度"), null=True, blank=True)
    longitude = models.FloatField(_("经度"), null=True, blank=True)
    datum = models.CharField(_("坐标系"), max_length=10, blank=True, default="")
    closed_on = models.DateField(_("关闭日期"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("经营场所")
        ordering = ["entity", "no"]
        constraints = [
            models.UniqueConstraint(
                fields=["entity", "no"], name="premises_no", violation_error_message=_("场所序号重复")
            )
        ]

    def __str__(self) -> str:
        return self.name or self.address or f"{self.entity} #{self.no}"


class FirmAccount(models.Model):
    """企业账号: a user who acts for one business entity."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="firm_account", verbose_name=_("用户")
    )
    entity = models.ForeignKey(BusinessEntity, models.PROTECT, related_name="accounts", verbose_name=_("经营主体"))

    class Meta:
        verbose_name = verbose_name_plural = _("企业账号")

    def __str__(self) -> str:
        return f"{self.user} → {self.entity}"


class Inspector(models.Model):
    """执法检查人员 of the second register （两库）. The number, never the name, is published."""

    person_no = models.CharField(
        _("人员编号"), max_length=40, unique=True, error_messages={"unique": _("该人员编号已存在")}
    )
    name = models.CharField(_("姓名"), max_length=40)
    office = models.ForeignKey("people.Office", models.PROTECT, related_name="inspectors", verbose_name=_("机构"))
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="inspector",
        verbose_name=_("账号"),
    )
    certificate_no = models.CharField(_("执法证号"), max_length=40, blank=True, default="")
    certificate_valid_to = models.DateField(_("执法证有效期至"), null=True, blank=True)
    home_division = models.ForeignKey(
        Division, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("常驻区划")
    )
    status = models.CharField(
        _("状态"),
        max_length=10,
        default="active",
        choices=[("active", _("在岗")), ("leave", _("请假")), ("left", _("离岗"))],
    )
    leave_from = models.DateField(_("请假开始"), null=True, blank=True)
    leave_to = models.DateField(_("请假结束"), null=True, blank=True)
    level = models.CharField(_("层级"), max_length=10, choices=Level, default=Level.CITY)
    version = models.PositiveIntegerField(_("版本"), default=1)

    class Meta:
        verbose_name = verbose_name_plural = _("检查人员")
        ordering = ["person_no"]

    def __str__(self) -> str:
        return f"{self.name}({self.person_no})"


class Qualification(Dated):
    """资质 （专业） of an inspector: which items the inspector may lead."""

    inspector = models.ForeignKey(Inspector, models.CASCADE, related_name="qualifications", verbose_name=_("检查人员"))
    speciality = models.CharField(_("专业代码"), max_length=40)
    certificate_no = models.CharField(_("证书号"), max_length=60, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("检查人员资质")
        constraints = [once("inspector", "speciality", name="qualification_once")]

    def __str__(self) -> str:
        return self.speciality


class Recusal(models.Model):
    """回避: an inspector who may not inspect an entity, why, and until when."""

    inspector = models.ForeignKey(Inspector, models.CASCADE, related_name="recusals", verbose_name=_("检查人员"))
    entity = models.ForeignKey(BusinessEntity, models.CASCADE, related_name="recusals", verbose_name=_("经营主体"))
    kind = models.CharField(_("回避情形"), max_length=40)
    note = models.CharField(_("说明"), max_length=200, blank=True, default="")
    declared_on = models.DateField(_("申报日期"))
    valid_to = models.DateField(_("回避至"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("回避关系")
        constraints = [
            models.UniqueConstraint(
                fields=["inspector", "entity", "kind"],
                name="recusal_once",
                violation_error_message=_("该回避关系已登记"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.inspector} × {self.entity}"
