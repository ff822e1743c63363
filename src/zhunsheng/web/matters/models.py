"""办件: every instance of a procedure, its steps with their typed facts, its papers, deadlines, links and publications."""

import datetime

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from zhunsheng.engine.procedure import Value
from zhunsheng.web.common.records import Disclosable, Publicity, Sourced


class Matter(Sourced, Disclosable):
    """办件: run by one version of a procedure (engine/procedure), from its first step to a final state.

    `state`, `ended_at` and the `next_` columns repeat what replaying the steps gives, so that lists need no replay; the
    steps are the record. `entity`: the business entity that the matter is about. `version`: that of the first day; a later
    one that applies to open matters takes over by itself (engine, Procedure.on).
    """

    no = models.CharField(_("办件编号"), max_length=40, unique=True)
    procedure = models.CharField(_("程序"), max_length=40)
    version = models.CharField(_("程序版本"), max_length=60)
    title = models.CharField(_("标题"), max_length=200)
    office = models.ForeignKey("people.Office", models.PROTECT, related_name="matters", verbose_name=_("承办机构"))
    handler = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="matters",
        verbose_name=_("承办人"),
    )
    entity = models.ForeignKey(
        "registry.BusinessEntity",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="matters",
        verbose_name=_("当事主体"),
    )
    division = models.ForeignKey(
        "registry.Division", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("行政区划")
    )
    state = models.CharField(_("状态"), max_length=40)
    state_since = models.DateTimeField(_("进入状态时间"))
    opened_at = models.DateTimeField(_("开始时间"))
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("登记人")
    )
    ended_at = models.DateTimeField(_("办结时间"), null=True, blank=True)
    next_limit = models.CharField(_("最近期限"), max_length=40, blank=True, default="")
    next_due_on = models.DateField(_("最近到期日"), null=True, blank=True)
    next_due_at = models.DateTimeField(_("最近到期时刻"), null=True, blank=True)
    drill = models.BooleanField(_("演练"), default=False)
    #: the firm concerned may see it (table matters/kinds, from which step)
    firm_sees = models.BooleanField(_("当事企业可见"), default=False)
    #: what the matter came from, as the audit trail names subjects: "visit:2026-…"
    origin = models.CharField(_("来源记录"), max_length=160, blank=True, default="")
    #: the mark of the form that began it: the same form sent twice is one matter
    once = models.CharField(max_length=60, null=True, blank=True, unique=True, editable=False)
    #: HMAC of the code with which someone without an account follows it
    follow_hash = models.CharField(max_length=64, blank=True, default="")
    follow_failures = models.PositiveSmallIntegerField(default=0)
    follow_blocked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("办件")
        ordering = ["-opened_at", "-id"]
        indexes = [
            models.Index(
                fields=["handler", "next_due_on", "id"], condition=models.Q(ended_at=None), name="matter_mine"
            ),
            models.Index(
                fields=["office", "next_due_on", "id"], condition=models.Q(ended_at=None), name="matter_office_open"
            ),
            models.Index(fields=["next_due_at", "id"], condition=models.Q(ended_at=None), name="matter_due"),
            models.Index(fields=["procedure", "version", "state"], name="matter_procedure"),
            models.Index(fields=["office", "-opened_at", "-id"], name="matter_office_opened"),
            models.Index(fields=["-opened_at", "-id"], name="matter_opened"),
            models.Index(fields=["entity", "-opened_at"], name="matter_entity"),
            models.Index(fields=["origin"], name="matter_origin"),
        ]

    def __str__(self) -> str:
        return f"{self.no} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("matters:matter", args=[self.no])

    @property
    def rule(self) -> str:
        """What the audit trail writes as the rule version."""
        return f"{self.procedure}@{self.version}"


class Counter(models.Model):
    """编号计数: the last number taken of a prefix in a year. Taken in the matter's own transaction: no gaps."""

    prefix = models.CharField(max_length=20)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("办件编号计数")
        constraints = [models.UniqueConstraint(fields=["prefix", "year"], name="matter_counter_once")]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.year}: {self.last}"


class MatterStep(models.Model):
    """步骤: one event of a matter's history. Never changed, never deleted.

    `by` is empty for the public (without an account) and for the passing of time.
    """

    matter = models.ForeignKey(Matter, models.PROTECT, related_name="steps", verbose_name=_("办件"))
    seq = models.PositiveIntegerField(_("序号"))
    verb = models.CharField(_("步骤"), max_length=40)
    at = models.DateTimeField(_("时间"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("办理人")
    )
    role = models.CharField(_("角色"), max_length=12)
    office = models.ForeignKey(
        "people.Office", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("机构")
    )
    #: who delegated the post under which the step was taken
    on_behalf_of = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("受谁委托")
    )
    remark = models.CharField(_("备注"), max_length=1000, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("办理步骤")
        ordering = ["matter", "seq"]
        constraints = [models.UniqueConstraint(fields=["matter", "seq"], name="matter_step_seq")]
        indexes = [models.Index(fields=["verb", "at"], name="matter_step_verb")]

    def __str__(self) -> str:
        return f"{self.matter_id} #{self.seq} {self.verb}"


class StepFact(models.Model):
    """事实: a typed value that came with a step. The column is that of its kind; `current`: not given anew since.

    `text`: text, choice, unit (scheme:number), document (SHA-256). `number`: whole number, money in fen, flag (0, 1).
    """

    matter = models.ForeignKey(Matter, models.PROTECT, related_name="facts", verbose_name=_("办件"))
    step = models.ForeignKey(MatterStep, models.PROTECT, related_name="facts", verbose_name=_("步骤"))
    code = models.CharField(_("事实"), max_length=40)
    kind = models.CharField(_("类型"), max_length=10)
    text = models.TextField(_("文本"), null=True, blank=True)
    number = models.BigIntegerField(_("数值"), null=True, blank=True)
    day = models.DateField(_("日期"), null=True, blank=True)
    moment = models.DateTimeField(_("时刻"), null=True, blank=True)
    personal = models.BooleanField(_("个人信息"), default=False)
    current = models.BooleanField(_("现值"), default=True)

    class Meta:
        verbose_name = verbose_name_plural = _("办件事实")
        constraints = [
            models.UniqueConstraint(fields=["step", "code"], name="step_fact_once"),
            models.UniqueConstraint(
                fields=["matter", "code"], condition=models.Q(current=True), name="step_fact_current"
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(kind__in=["text", "choice", "unit", "document"], text__isnull=False)
                    | models.Q(kind__in=["integer", "money", "flag"], number__isnull=False)
                    | models.Q(kind="date", day__isnull=False)
                    | models.Q(kind="moment", moment__isnull=False)
                ),
                name="step_fact_typed",
            ),
        ]
        indexes = [models.Index(fields=["code", "number"], condition=models.Q(current=True), name="step_fact_number")]

    def __str__(self) -> str:
        return f"{self.matter_id} {self.code}"

    @property
    def value(self) -> Value:
        """The value as the engine takes it. Raises ValueError for a row whose column is empty."""
        found: str | int | datetime.date | None
        match self.kind:
            case "flag":
                found = None if self.number is None else bool(self.number)
            case "integer" | "money":
                found = self.number
            case "date":
                found = self.day
            case "moment":
                found = self.moment
            case _:
                found = self.text
        if found is None:
            raise ValueError(f"{self}: no {self.kind}")
        return found


class MatterDocument(models.Model):
    """材料: a paper of the matter, uploaded or issued by the organ, with its SHA-256 as the step's fact names it."""

    matter = models.ForeignKey(Matter, models.PROTECT, related_name="documents", verbose_name=_("办件"))
    step = models.ForeignKey(
        MatterStep, models.PROTECT, null=True, blank=True, related_name="documents", verbose_name=_("步骤")
    )
    code = models.CharField(_("材料种类"), max_length=40, blank=True, default="")
    title = models.CharField(_("名称"), max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True)
    attachment = models.ForeignKey(
        "desk.Attachment", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("附件")
    )
    issued = models.ForeignKey(
        "documents.IssuedDocument", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("文书")
    )
    #: shows who someone is: handlers only
    personal = models.BooleanField(_("含个人信息"), default=False)
    #: where a page of the web was captured from, and when
    source_url = models.CharField(_("网址"), max_length=1000, blank=True, default="")
    captured_at = models.DateTimeField(_("取证时间"), null=True, blank=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("提交人")
    )
    added_at = models.DateTimeField(_("提交时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("办件材料")
        ordering = ["added_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(attachment__isnull=False) ^ models.Q(issued__isnull=False),
                name="matter_document_one_source",
            )
        ]

    def __str__(self) -> str:
        return self.title


class Party(models.Model):
    """当事各方 beside the main entity: other entities, organs that take part (joint handling, countersigning), addressees."""

    class Kind(models.TextChoices):
        JOINT = "joint", _("联合办理机构")
        COUNTERSIGNER = "countersigner", _("会签机构")
        ADDRESSEE = "addressee", _("送达对象")
        CO_RESPONDENT = "co_respondent", _("共同当事人")
        SHOP = "shop", _("网络店铺")
        MEMBER = "member", _("成员单位")

    class Answer(models.TextChoices):
        AGREED = "agreed", _("已会签")
        OBJECTED = "objected", _("有异议")

    matter = models.ForeignKey(Matter, models.PROTECT, related_name="parties", verbose_name=_("办件"))
    kind = models.CharField(_("身份"), max_length=14, choices=Kind)
    office = models.ForeignKey(
        "people.Office", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("机构")
    )
    entity = models.ForeignKey(
        "registry.BusinessEntity", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("经营主体")
    )
    name = models.CharField(_("名称"), max_length=200, blank=True, default="")
    note = models.CharField(_("说明"), max_length=300, blank=True, default="")
    #: what a countersigning office said in the present round, as the steps have it; '' until it has
    answer = models.CharField(_("会签答复"), max_length=8, choices=Answer, blank=True, default="")
    #: read receipt of an addressee
    received_at = models.DateTimeField(_("签收时间"), null=True, blank=True)
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("签收人")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("当事各方")
        ordering = ["kind", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["matter", "kind", "office"], condition=models.Q(office__isnull=False), name="party_office_once"
            ),
            models.UniqueConstraint(
                fields=["matter", "kind", "entity"], condition=models.Q(entity__isnull=False), name="party_entity_once"
            ),
            models.CheckConstraint(
                condition=models.Q(office__isnull=False) | models.Q(entity__isnull=False) | ~models.Q(name=""),
                name="party_is_someone",
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.office or self.entity)

    def get_absolute_url(self) -> str:
        """Where an addressee reads and signs for what was sent to it."""
        return reverse("matters:received_one", args=[self.pk])


class MatterLink(models.Model):
    """关联: `target` follows from `source`, or belongs to it."""

    class Kind(models.TextChoices):
        SPAWNED = "spawned", _("派生")
        SAME_TEXT = "same_text", _("同一诉求")
        RETURNED = "returned", _("退回续办")
        PART_OF = "part_of", _("归入")
        SIGNS = "signs", _("签发文书")

    source = models.ForeignKey(Matter, models.PROTECT, related_name="links_out", verbose_name=_("来源办件"))
    target = models.ForeignKey(Matter, models.PROTECT, related_name="links_in", verbose_name=_("关联办件"))
    kind = models.CharField(_("关系"), max_length=10, choices=Kind)
    reason = models.CharField(_("说明"), max_length=300, blank=True, default="")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("登记人")
    )
    at = models.DateTimeField(_("时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("办件关联")
        ordering = ["at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "target", "kind"], name="matter_link_once"),
            models.CheckConstraint(condition=~models.Q(source=models.F("target")), name="matter_link_not_self"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.target_id} {self.kind}"


class Assignment(models.Model):
    """承办与转办: who got the matter, from whom, why. The last row is the present handler."""

    matter = models.ForeignKey(Matter, models.PROTECT, related_name="assignments", verbose_name=_("办件"))
    handler = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("承办人")
    )
    office = models.ForeignKey("people.Office", models.PROTECT, related_name="+", verbose_name=_("承办机构"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("交办人")
    )
    at = models.DateTimeField(_("时间"))
    reason = models.CharField(_("理由"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("承办记录")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.matter_id} → {self.handler or self.office}"


class Deadline(models.Model):
    """期限: one running of a limit, as replaying the steps gives it; kept for lists, calendars and rates.

    `status`: running, suspended, waiting (a time that must first run out), over, met, late, lapsed. Whether a running
    one is overdue follows from `due_at`.
    """

    matter = models.ForeignKey(Matter, models.CASCADE, related_name="deadlines", verbose_name=_("办件"))
    ordinal = models.PositiveSmallIntegerField(_("序号"))
    limit = models.CharField(_("期限"), max_length=40)
    name = models.CharField(_("名称"), max_length=120)
    name_en = models.CharField(_("英文名称"), max_length=160, blank=True, default="")
    starts_on = models.DateField(_("起算日"))
    due_on = models.DateField(_("到期日"), null=True, blank=True)
    due_at = models.DateTimeField(_("最后时刻"), null=True, blank=True)
    provisional = models.BooleanField(_("暂定"), default=False)
    status = models.CharField(_("状态"), max_length=10)
    ended_on = models.DateField(_("完成日"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("期限")
        ordering = ["matter", "ordinal"]
        constraints = [models.UniqueConstraint(fields=["matter", "ordinal"], name="deadline_ordinal")]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(status="running"), name="deadline_running"),
            models.Index(fields=["limit", "status"], name="deadline_limit_status"),
        ]

    def __str__(self) -> str:
        return f"{self.matter_id} {self.name} {self.due_on or ''}"


class Disclosure(models.Model):
    """公开: what one publication of a matter shows the public, in one version. Corrections are new versions; both stay."""

    class State(models.TextChoices):
        PUBLISHED = "published", _("公开中")
        CORRECTED = "corrected", _("已更正")
        WITHDRAWN = "withdrawn", _("已撤下")
        ENDED = "ended", _("公示期满")

    matter = models.ForeignKey(Matter, models.PROTECT, related_name="disclosures", verbose_name=_("办件"))
    publication = models.CharField(_("公开事项"), max_length=40)
    version = models.PositiveSmallIntegerField(_("版次"), default=1)
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by", verbose_name=_("更正自")
    )
    title = models.CharField(_("标题"), max_length=200)
    state = models.CharField(_("状态"), max_length=10, choices=State, default=State.PUBLISHED)
    publicity = models.CharField(_("信息公开属性"), max_length=10, choices=Publicity, default=Publicity.ACTIVE)
    published_at = models.DateTimeField(_("公开时间"))
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("公开人")
    )
    until = models.DateField(_("公示至"), null=True, blank=True)
    ended_at = models.DateTimeField(_("终止时间"), null=True, blank=True)
    reason = models.CharField(_("更正或者撤下的理由"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("公开事项")
        ordering = ["-published_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["matter", "publication", "version"], name="disclosure_version")]
        indexes = [
            models.Index(fields=["state", "-published_at", "-id"], name="disclosure_state"),
            models.Index(fields=["until"], condition=models.Q(state="published"), name="disclosure_until"),
        ]

    def __str__(self) -> str:
        return f"{self.title} v{self.version}"


class DisclosedFact(models.Model):
    """公开内容: one fact of a publication, as it was shown in both languages."""

    disclosure = models.ForeignKey(Disclosure, models.PROTECT, related_name="facts", verbose_name=_("公开事项"))
    code = models.CharField(_("事实"), max_length=40)
    name = models.CharField(_("名称"), max_length=120)
    name_en = models.CharField(_("英文名称"), max_length=160, blank=True, default="")
    shown = models.TextField(_("内容"))
    shown_en = models.TextField(_("英文内容"), blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("公开内容")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["disclosure", "code"], name="disclosed_fact_once")]

    def __str__(self) -> str:
        return f"{self.name}: {self.shown}"


class Filing(models.Model):
    """网上提交的留痕: one sending of a public form, one file of it, or one wrong code. Kept for two days, against double sending and abuse.

    `once`: the form's own mark, so that a form sent twice files once; `nos`: what it filed. `address`: a keyed hash of the
    network address, which leads back to nobody.
    """

    class Kind(models.TextChoices):
        FILED = "filed", _("提交")
        UPLOADED = "uploaded", _("上传文件")
        WRONG_CODE = "wrong_code", _("查询码不对")

    kind = models.CharField(max_length=10, choices=Kind)
    once = models.CharField(max_length=64, null=True, blank=True, unique=True)
    nos = models.CharField(max_length=100, blank=True, default="")
    address = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = _("网上提交的留痕")
        indexes = [models.Index(fields=["kind", "address", "at"], name="filing_address")]

    def __str__(self) -> str:
        return f"{self.kind} {self.at}"
