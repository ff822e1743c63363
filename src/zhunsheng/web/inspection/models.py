"""双随机、一公开: 一单 (check items), 一细则 (rule book), plans, draws, tasks, visits, findings, follow-up."""

from fractions import Fraction

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.common.records import Dated, Disclosable, Level, Sourced, once


class CheckItem(Dated):
    """抽查事项 of the 随机抽查事项清单 （一单）."""

    code = models.CharField(_("事项代码"), max_length=40)
    name = models.CharField(_("事项名称"), max_length=120)
    name_en = models.CharField(_("英文名称"), max_length=160, blank=True, default="")
    category = models.CharField(_("事项大类"), max_length=80, blank=True, default="")
    office = models.ForeignKey("people.Office", models.PROTECT, related_name="check_items", verbose_name=_("责任机构"))
    object_type = models.CharField(_("检查对象"), max_length=120, blank=True, default="")
    content = models.CharField(_("检查内容"), max_length=500, blank=True, default="")
    method = models.CharField(_("检查方式"), max_length=80, blank=True, default="")
    legal_basis = models.CharField(_("检查依据"), max_length=500, blank=True, default="")
    level = models.CharField(_("层级"), max_length=10, choices=Level, default=Level.CITY)
    kind = models.CharField(
        _("事项类别"),
        max_length=10,
        default="general",
        choices=[("general", _("一般检查事项")), ("key", _("重点检查事项"))],
    )
    ratio_min = models.DecimalField(_("抽查比例下限"), max_digits=5, decimal_places=4, null=True, blank=True)
    ratio_max = models.DecimalField(_("抽查比例上限"), max_digits=5, decimal_places=4, null=True, blank=True)
    frequency_max_per_year = models.PositiveSmallIntegerField(_("每年对同一主体最多次数"), null=True, blank=True)
    product_class = models.ForeignKey(
        "people.ProductClass", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("产品类别")
    )
    link = models.CharField(_("环节"), max_length=12, blank=True, default="")
    speciality = models.CharField(_("所需专业"), max_length=40, blank=True, default="")
    applies_to = models.CharField(
        _("适用行业"),
        max_length=120,
        blank=True,
        default="*",
        help_text=_("* 表示全部；或用逗号分开的 GB/T 4754 门类字母、两位大类代码"),
    )

    class Meta:
        verbose_name = verbose_name_plural = _("抽查事项")
        ordering = ["code"]
        constraints = [once("code", name="check_item_once", message=_("同一事项代码已有相同生效日期的版本"))]

    def __str__(self) -> str:
        return self.name


class ResultWording(Dated):
    """检查结果用语: exactly one overall result per visit; `estimation_role` says what it means for a rate."""

    class Role(models.TextChoices):
        ELIGIBLE_PASS = "eligible_pass", _("合格")
        ELIGIBLE_FAIL = "eligible_fail", _("发现问题")
        INELIGIBLE = "ineligible", _("不属于检查对象")
        NON_RESPONSE = "non_response", _("未能检查")

    code = models.CharField(_("代码"), max_length=20)
    name = models.CharField(_("用语"), max_length=80)
    name_en = models.CharField(_("英文"), max_length=160, blank=True, default="")
    estimation_role = models.CharField(_("统计口径"), max_length=14, choices=Role)
    needs_followup = models.CharField(_("后续处理"), max_length=20, default="none")
    order = models.PositiveSmallIntegerField(_("排序"), default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("检查结果用语")
        ordering = ["order", "code"]
        constraints = [once("code", name="result_wording_once")]

    def __str__(self) -> str:
        return self.name


class RuleBook(models.Model):
    """一细则: the implementing rules as generated from the dated tables on a day. Its hash stands in each announcement."""

    version = models.CharField(_("版本"), max_length=40, unique=True)
    valid_from = models.DateField(_("施行日期"))
    body = models.TextField(_("正文（规范化 JSON）"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("拟稿人"))
    created_at = models.DateTimeField(_("拟稿时间"))
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("签发人")
    )
    approved_at = models.DateTimeField(_("签发时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("实施细则")
        ordering = ["-valid_from", "-id"]

    def __str__(self) -> str:
        return self.version


class ListTerms(models.Model):
    """Whom one list of a plan names, how they are divided, and how many are drawn. Abstract."""

    class Measure(models.TextChoices):
        NONE = "none", _("同层等概率")
        SIZE = "size", _("按企业规模（与规模折算值成比例）")
        PREMISES = "premises", _("按经营场所数（与未关闭的场所数成比例）")

    #: {"divisions": [code…], "parks": [code…], "industries": ["C", "14"…], "sizes": […], "risk_classes": […], "schemes": […], "tags": […]}
    scope = models.JSONField(_("对象范围"), default=dict, blank=True)
    stratify_by = models.CharField(
        _("分层"),
        max_length=40,
        default="risk_class",
        choices=[
            ("risk_class", _("信用风险分类")),
            ("risk_class+county", _("信用风险分类 × 县区")),
            ("risk_class+industry", _("信用风险分类 × 行业门类")),
            ("risk_class+county+industry", _("信用风险分类 × 县区 × 行业门类")),
            ("county", _("县区")),
            ("county+industry", _("县区 × 行业门类")),
            ("industry", _("行业门类")),
            ("none", _("不分层")),
        ],
    )
    #: {"A": "0.01", …, "*": "0.03"}: decimal strings; "*" for a stratum without a class
    ratios = models.JSONField(_("抽查比例"), default=dict)
    ratio_scheme = models.CharField(_("比例方案"), max_length=40, blank=True, default="")
    #: what the probability within a stratum is proportional to (Pareto); from the register as it is on the day of the freeze
    measure = models.CharField(_("层内概率"), max_length=10, choices=Measure, default=Measure.NONE)

    class Meta:
        abstract = True


class Plan(ListTerms, Sourced, Disclosable):
    """抽查计划: which items, which entities, at which ratio, in which period. Its own terms are the leading office's list."""

    class State(models.TextChoices):
        DRAFT = "draft", _("拟稿")
        APPROVED = "approved", _("已批准")
        RUNNING = "running", _("实施中")
        CLOSED = "closed", _("已办结")

    class Kind(models.TextChoices):
        UNDIRECTED = "undirected", _("不定向抽查")
        DIRECTED = "directed", _("定向抽查")
        JOINT = "joint", _("部门联合抽查")

    class Mode(models.TextChoices):
        OPEN = "open", _("公开抽取")
        SEALED = "sealed", _("封存抽取（突击检查）")

    no = models.CharField(_("计划编号"), max_length=40, unique=True)
    name = models.CharField(_("计划名称"), max_length=120)
    year = models.PositiveSmallIntegerField(_("年度"))
    kind = models.CharField(_("抽查类型"), max_length=12, choices=Kind, default=Kind.UNDIRECTED)
    office = models.ForeignKey("people.Office", models.PROTECT, related_name="plans", verbose_name=_("牵头机构"))
    joint_offices = models.ManyToManyField(
        "people.Office", blank=True, related_name="joint_plans", verbose_name=_("联合机构")
    )
    items = models.ManyToManyField(CheckItem, related_name="plans", verbose_name=_("抽查事项"))
    mode = models.CharField(_("公开方式"), max_length=8, choices=Mode, default=Mode.OPEN)
    #: whoever was drawn for one of the items this year stands in a stratum of its own, with a lower ratio (draw/reentry)
    again = models.BooleanField(_("本年已抽中的另成一层、降低比例"), default=False)
    team_size = models.PositiveSmallIntegerField(_("每组检查人员数"), default=2)
    #: visits of one inspector in a draw of the plan; empty = as suggested from the numbers when the list is closed
    load_least = models.PositiveSmallIntegerField(_("每人最少检查次数"), null=True, blank=True)
    load_most = models.PositiveSmallIntegerField(_("每人最多检查次数"), null=True, blank=True)
    starts_on = models.DateField(_("检查开始"))
    ends_on = models.DateField(_("检查结束"))
    state = models.CharField(_("状态"), max_length=10, choices=State, default=State.DRAFT)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("拟稿人"))
    created_at = models.DateTimeField(_("拟稿时间"))
    submitted_at = models.DateTimeField(_("提交时间"), null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("批准人")
    )
    approved_at = models.DateTimeField(_("批准时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("抽查计划")
        ordering = ["-year", "-no"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")),
                name="plan_period",
                violation_error_message=_("检查结束不得早于检查开始"),
            ),
            models.CheckConstraint(
                condition=models.Q(team_size__gte=2),
                name="plan_team_of_two",
                violation_error_message=_("每组检查人员不少于 2 人"),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PlanList(ListTerms):
    """A further list of a joint plan （部门联合抽查）: a joined office's items and terms, filled in and confirmed by that office."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="further_lists", verbose_name=_("抽查计划"))
    office = models.ForeignKey("people.Office", models.PROTECT, related_name="plan_lists", verbose_name=_("机构"))
    #: the name of the list in the announcement and before each of its strata
    name = models.CharField(
        _("名单代码"),
        max_length=40,
        validators=[RegexValidator(r"^[a-z][a-z0-9_]{0,39}$", _("小写字母开头，只含小写字母、数字和下划线"))],
    )
    items = models.ManyToManyField(CheckItem, blank=True, related_name="plan_lists", verbose_name=_("抽查事项"))
    filled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("填写人")
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("确认人")
    )
    confirmed_at = models.DateTimeField(_("确认时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("联合抽查名单")
        ordering = ["plan", "name"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "office"], name="plan_list_office_once"),
            models.UniqueConstraint(fields=["plan", "name"], name="plan_list_name_once"),
        ]

    def __str__(self) -> str:
        return f"{self.plan} {self.office}"


class Draw(Sourced):
    """抽取: announced with a frozen frame, then executed with randomness from outside, or abandoned. Never redrawn."""

    class State(models.TextChoices):
        ANNOUNCED = "announced", _("已公告")
        EXECUTED = "executed", _("已抽取")
        LIST_CLOSED = "list_closed", _("名单已关闭")
        ASSIGNED = "assigned", _("已派员")
        OPENED = "opened", _("已开封")
        ABANDONED = "abandoned", _("已放弃")

    no = models.CharField(_("抽取编号"), max_length=40, unique=True)
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="draws", verbose_name=_("抽查计划"))
    rule_book = models.ForeignKey(RuleBook, models.PROTECT, related_name="draws", verbose_name=_("实施细则"))
    state = models.CharField(_("状态"), max_length=12, choices=State, default=State.ANNOUNCED)
    suite = models.CharField(
        _("密码套件"), max_length=8, default="sha256", choices=[("sha256", "SHA-256"), ("sm3", "SM3")]
    )
    mode = models.CharField(_("公开方式"), max_length=8, choices=Plan.Mode, default=Plan.Mode.OPEN)
    #: sealed: the last day on which it must have been opened, as announced
    open_by = models.DateField(_("最迟开封日期"), null=True, blank=True)
    announcement = models.TextField(_("公告（规范化 JSON）"))
    announcement_hash = models.CharField(_("公告哈希"), max_length=64)
    frame_root = models.CharField(_("名录根哈希"), max_length=64)
    frame_size = models.PositiveIntegerField(_("名录单位数"))
    #: as announced: [{"key", "size" (N), "n", "capped" (of N, out by CAP)}]; the frame and the announcement are the proof
    strata = models.JSONField(_("分层"), default=list, blank=True)
    selected_count = models.PositiveIntegerField(_("抽取数"), default=0)
    announced_at = models.DateTimeField(_("公告时间"))
    announced_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("公告人")
    )
    not_before = models.DateTimeField(_("最早抽取时间"))
    #: what the announced sources gave: [{"id", "value", "at", …evidence}]
    values = models.JSONField(_("随机数"), default=list, blank=True)
    #: which announced fallback gave the values (0 = none was needed), and why
    fallback = models.PositiveSmallIntegerField(_("备用来源"), default=0)
    fallback_reason = models.CharField(_("启用备用来源的理由"), max_length=300, blank=True, default="")
    seed = models.CharField(_("种子"), max_length=64, blank=True, default="")
    executed_at = models.DateTimeField(_("抽取时间"), null=True, blank=True)
    executed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("抽取人")
    )
    witnesses = models.CharField(_("见证人"), max_length=300, blank=True, default="")
    #: the list is closed: recusals are declared, the constraints of the assignment are published, the second round may begin
    list_closed_at = models.DateTimeField(_("关闭名单时间"), null=True, blank=True)
    list_closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("关闭名单人")
    )
    #: the second round: what its sources gave, and which fallback gave it
    second_values = models.JSONField(_("第二轮随机数"), default=list, blank=True)
    second_fallback = models.PositiveSmallIntegerField(_("第二轮备用来源"), default=0)
    second_fallback_reason = models.CharField(_("第二轮启用备用来源的理由"), max_length=300, blank=True, default="")
    second_seed = models.CharField(_("派员种子"), max_length=64, blank=True, default="")
    second_witnesses = models.CharField(_("第二轮见证人"), max_length=300, blank=True, default="")
    assigned_at = models.DateTimeField(_("派员时间"), null=True, blank=True)
    assigned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("派员人")
    )
    opened_at = models.DateTimeField(_("开封时间"), null=True, blank=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("开封人")
    )
    #: of the results as last recorded in the log, once every unit has one; '' before
    results_digest = models.CharField(_("结果摘要"), max_length=64, blank=True, default="")
    #: signatures over published sections, as in the bundle: [{"section", "alg", "name", "key", "sig"}]
    signatures = models.JSONField(_("签名"), default=list, blank=True)
    abandoned_at = models.DateTimeField(_("放弃时间"), null=True, blank=True)
    abandoned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("放弃批准人")
    )
    abandon_reason = models.CharField(_("放弃理由"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("抽取")
        ordering = ["-announced_at", "-id"]
        constraints = [
            # One open announcement per plan: a second frame cannot be prepared beside the first.
            models.UniqueConstraint(
                fields=["plan"],
                condition=models.Q(state="announced"),
                name="one_open_draw_per_plan",
                violation_error_message=_("该计划已有未执行的抽取公告；请先执行或放弃"),
            ),
        ]

    def __str__(self) -> str:
        return self.no

    @property
    def sealed(self) -> bool:
        return self.mode == Plan.Mode.SEALED

    @property
    def abandoned_late(self) -> bool:
        """Whether it was given up when the seed could already be known."""
        return self.abandoned_at is not None and self.abandoned_at >= self.not_before

    @property
    def secret(self) -> bool:
        """Sealed and not yet opened: who is drawn is told to nobody outside the offices of the plan."""
        return self.sealed and self.opened_at is None


class DrawKey(models.Model):
    """封存密钥 of a sealed draw. It stands alone, so that no list, page, export, act or bundle carries it; `open_draw` alone reveals it."""

    draw = models.OneToOneField(Draw, models.PROTECT, primary_key=True, related_name="sealing", verbose_name=_("抽取"))
    key = models.CharField(max_length=64, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = _("封存密钥")

    def __str__(self) -> str:
        return str(self.draw)


class DrawFile(models.Model):
    """抽取卷宗: the large papers of a draw, apart from it so that no list of draws carries them."""

    draw = models.OneToOneField(Draw, models.PROTECT, primary_key=True, related_name="file", verbose_name=_("抽取"))
    #: the leaves in the open, ascending by id; of a sealed draw they are not published before it is opened
    frame = models.BinaryField(_("名录快照(gzip,每行一叶)"))
    #: of a sealed draw: the lines that were hashed and published, ascending by seal
    sealed = models.BinaryField(_("封存名录（gzip，每行一叶）"), default=bytes)
    #: keys of the register in the order of the leaves (gzip): an entity that is renumbered after the announcement stays drawn
    keys = models.BinaryField(_("名录主键(gzip)"), default=bytes)
    #: the directory of inspectors that the announcement commits to: [[number, certificate_to, [specialities]] …]
    directory = models.JSONField(_("公告时的检查人员名录"), default=list)
    #: sections of the bundle: the constraints of the assignment (assign_announce), and the assignment (assign)
    constraints = models.TextField(_("派员约束（规范化 JSON）"), blank=True, default="")
    assignment = models.TextField(_("派员（规范化 JSON）"), blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("抽取卷宗")

    def __str__(self) -> str:
        return str(self.draw)


class Task(models.Model):
    """检查任务: one drawn entity and its team. Which lists drew it, and how likely that was, stands in its inclusions."""

    class State(models.TextChoices):
        DRAWN = "drawn", _("已抽中")
        ASSIGNED = "assigned", _("已派员")
        RESULT_ENTERED = "result_entered", _("结果已录入")
        PUBLISHED = "published", _("已公示")
        FOLLOWUP_OPEN = "followup_open", _("后续处理中")
        CLOSED = "closed", _("已办结")
        WITHDRAWN = "withdrawn", _("已撤回")

    no = models.CharField(_("任务编号"), max_length=60, unique=True)
    draw = models.ForeignKey(Draw, models.PROTECT, related_name="tasks", verbose_name=_("抽取"))
    entity = models.ForeignKey(
        "registry.BusinessEntity", models.PROTECT, related_name="tasks", verbose_name=_("经营主体")
    )
    unit_id = models.CharField(_("抽中时的主体标识"), max_length=160)
    ticket = models.CharField(_("票号"), max_length=64)
    state = models.CharField(_("状态"), max_length=16, choices=State, default=State.DRAWN, db_index=True)
    due_on = models.DateField(_("检查截止"))
    withdrawn_reason = models.CharField(_("撤回理由"), max_length=300, blank=True, default="")
    withdrawn_at = models.DateTimeField(_("撤回时间"), null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("检查任务")
        ordering = ["due_on", "id"]
        constraints = [models.UniqueConstraint(fields=["draw", "entity"], name="task_once")]

    def __str__(self) -> str:
        return self.no


class Inclusion(models.Model):
    """入样: one list drew this entity from one of its strata, with which rank and with which probability.

    A task has one for each list that drew it. `list` is "" where the draw has one list. The probability is
    numerator/denominator: n/N, exact; with a measure (Pareto) the announced λ, near-exact.
    """

    task = models.ForeignKey(Task, models.CASCADE, related_name="inclusions", verbose_name=_("检查任务"))
    list = models.CharField(_("名单"), max_length=40, blank=True, default="")
    stratum = models.CharField(_("层"), max_length=80)
    rank = models.PositiveIntegerField(_("层内名次"))
    n = models.PositiveIntegerField(_("层内抽取数 n"))
    size = models.PositiveIntegerField(_("层内总数 N"))
    numerator = models.PositiveIntegerField(_("入样概率分子"))
    denominator = models.PositiveIntegerField(_("入样概率分母"))

    class Meta:
        verbose_name = verbose_name_plural = _("入样")
        ordering = ["task", "list", "stratum"]
        constraints = [models.UniqueConstraint(fields=["task", "list", "stratum"], name="inclusion_once")]

    def __str__(self) -> str:
        return f"{self.full_name} {self.numerator}/{self.denominator}"

    @property
    def full_name(self) -> str:
        """The stratum as the announcement names it."""
        return f"{self.list}/{self.stratum}" if self.list else self.stratum

    @property
    def probability(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)


class TeamMember(models.Model):
    """检查组成员; the lead holds the speciality."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="team", verbose_name=_("检查任务"))
    inspector = models.ForeignKey(
        "registry.Inspector", models.PROTECT, related_name="team_memberships", verbose_name=_("检查人员")
    )
    lead = models.BooleanField(_("主检"), default=False)
    #: set when an absent inspector was replaced: public reason
    replaced_reason = models.CharField(_("替换理由"), max_length=300, blank=True, default="")
    #: a substitute: in whose place, as lead or not, since when, and who was passed over, why: [{"number", "reason"}], all public
    replaces = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="replaced_by", verbose_name=_("替换谁")
    )
    took_lead = models.BooleanField(_("替换主检"), default=False)
    since = models.DateTimeField(_("替换时间"), null=True, blank=True)
    passed = models.JSONField(_("依次未到的人员"), default=list, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = _("检查组成员")
        ordering = ["-lead", "id"]
        constraints = [models.UniqueConstraint(fields=["task", "inspector"], name="team_member_once")]

    def __str__(self) -> str:
        return str(self.inspector)


class Visit(Sourced, Disclosable):
    """检查记录: what was found at one entity on one day. A correction is a new visit that names the one it corrects."""

    class State(models.TextChoices):
        DRAFT = "draft", _("草稿")
        SUBMITTED = "submitted", _("待审核")
        RETURNED = "returned", _("退回修改")
        REVIEWED = "reviewed", _("已审核，待公示")
        PUBLISHED = "published", _("已公示")
        CORRECTED = "corrected", _("已更正")

    no = models.CharField(_("记录编号"), max_length=60, unique=True)
    task = models.ForeignKey(
        Task, models.PROTECT, null=True, blank=True, related_name="visits", verbose_name=_("检查任务")
    )
    entity = models.ForeignKey(
        "registry.BusinessEntity", models.PROTECT, related_name="visits", verbose_name=_("经营主体")
    )
    premises = models.ForeignKey(
        "registry.Premises", models.SET_NULL, null=True, blank=True, related_name="visits", verbose_name=_("经营场所")
    )
    visited_on = models.DateField(_("检查日期"), db_index=True)
    arrived_at = models.TimeField(_("到达时间"), null=True, blank=True)
    left_at = models.TimeField(_("离开时间"), null=True, blank=True)
    #: why there was a visit outside any draw; such a visit does not count against the firm's yearly limit
    cause = models.CharField(
        _("检查缘由"),
        max_length=10,
        blank=True,
        default="",
        choices=[
            ("complaint", _("投诉举报")),
            ("accident", _("事故")),
            ("order", _("上级交办、部门移送")),
            ("recheck", _("复查")),
        ],
    )
    result = models.ForeignKey(
        ResultWording, models.PROTECT, null=True, blank=True, related_name="visits", verbose_name=_("检查结果")
    )
    summary = models.CharField(_("情况说明"), max_length=1000, blank=True, default="")
    entity_opinion = models.CharField(_("被检查单位意见"), max_length=500, blank=True, default="")
    signed = models.CharField(
        _("签字情况"),
        max_length=10,
        default="signed",
        choices=[("signed", _("已签字")), ("refused", _("拒绝签字")), ("absent", _("无人在场"))],
    )
    witness = models.CharField(_("见证人"), max_length=80, blank=True, default="")
    state = models.CharField(_("状态"), max_length=10, choices=State, default=State.DRAFT, db_index=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("录入人")
    )
    entered_at = models.DateTimeField(_("录入时间"))
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("审核人")
    )
    reviewed_at = models.DateTimeField(_("审核时间"), null=True, blank=True)
    return_reason = models.CharField(_("退回理由"), max_length=300, blank=True, default="")
    publish_due = models.DateField(_("公示期限"), null=True, blank=True)
    published_at = models.DateTimeField(_("公示时间"), null=True, blank=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("公示人")
    )
    corrects = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="corrected_by", verbose_name=_("更正对象")
    )
    correction_reason = models.CharField(_("更正理由"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("检查记录")
        ordering = ["-visited_on", "-id"]
        indexes = [
            models.Index(fields=["state", "-published_at", "-id"], name="visit_public"),
            models.Index(fields=["entity", "-visited_on"], name="visit_entity"),
        ]

    def __str__(self) -> str:
        return self.no


class Finding(models.Model):
    """单项检查结果 of a visit: the verdict on one item, or one infraction."""

    class Verdict(models.TextChoices):
        PASS = "pass", _("未发现问题")
        PROBLEM = "problem", _("发现问题")
        NOT_APPLICABLE = "not_applicable", _("不适用")

    visit = models.ForeignKey(Visit, models.CASCADE, related_name="findings", verbose_name=_("检查记录"))
    item = models.ForeignKey(
        CheckItem, models.PROTECT, null=True, blank=True, related_name="findings", verbose_name=_("抽查事项")
    )
    verdict = models.CharField(_("结论"), max_length=14, choices=Verdict)
    text = models.CharField(_("问题描述"), max_length=600, blank=True, default="")
    severity = models.CharField(
        _("严重程度"),
        max_length=12,
        blank=True,
        default="",
        choices=[("minor", _("轻微")), ("significant", _("较重")), ("crucial", _("严重"))],
    )
    action = models.CharField(_("当场处理"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("单项检查结果")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text or self.get_verdict_display()


class FollowUp(models.Model):
    """后续处理 that a published result calls for, with its statutory limit."""

    class State(models.TextChoices):
        OPEN = "open", _("办理中")
        CLOSED = "closed", _("已办结")

    visit = models.OneToOneField(Visit, models.PROTECT, related_name="follow_up", verbose_name=_("检查记录"))
    kind = models.CharField(_("处理方式"), max_length=20)
    due_on = models.DateField(_("办理期限"), null=True, blank=True)
    state = models.CharField(_("状态"), max_length=8, choices=State, default=State.OPEN)
    outcome = models.CharField(_("处理结果"), max_length=500, blank=True, default="")
    opened_at = models.DateTimeField(_("开始时间"))
    closed_at = models.DateTimeField(_("办结时间"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("办结人")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("后续处理")
        ordering = ["due_on", "id"]

    def __str__(self) -> str:
        return f"{self.visit} {self.kind}"


class DocumentRequest(models.Model):
    """索取材料: a paper asked of a firm, during a visit or apart from it. What was asked for twice shows in the burden meter."""

    entity = models.ForeignKey(
        "registry.BusinessEntity", models.PROTECT, related_name="document_requests", verbose_name=_("经营主体")
    )
    office = models.ForeignKey("people.Office", models.PROTECT, related_name="+", verbose_name=_("索取机构"))
    kind = models.CharField(_("材料种类"), max_length=30)
    requested_on = models.DateField(_("索取日期"))
    visit = models.ForeignKey(
        Visit, models.CASCADE, null=True, blank=True, related_name="document_requests", verbose_name=_("检查记录")
    )
    reason = models.CharField(_("理由"), max_length=300, blank=True, default="")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("经办人")
    )

    class Meta:
        verbose_name = verbose_name_plural = _("索取材料")
        ordering = ["-requested_on", "-id"]
        indexes = [models.Index(fields=["entity", "-requested_on"], name="document_request_entity")]
        constraints = [models.UniqueConstraint(fields=["visit", "kind"], name="document_request_once")]

    def __str__(self) -> str:
        return f"{self.entity_id} {self.kind} {self.requested_on}"


class UpstreamDraw(Sourced):
    """上级平台的抽取: a draw made on a provincial or national platform, with its lists as they were handed down."""

    no = models.CharField(_("抽取编号"), max_length=60)
    name = models.CharField(_("名称"), max_length=160)
    drawn_on = models.DateField(_("抽取日期"))
    speciality = models.CharField(_("主检所需专业"), max_length=40, blank=True, default="")
    #: {stratum: [N, n]} as that platform states it, {stratum or "*": ratio as a decimal string}; empty where not handed over
    stated = models.JSONField(_("公布的各层数"), default=dict, blank=True)
    ratios = models.JSONField(_("计划比例"), default=dict, blank=True)
    sha256 = models.CharField(_("名单 SHA-256"), max_length=64)
    size = models.PositiveIntegerField(_("名单主体数"), default=0)
    drawn_count = models.PositiveIntegerField(_("抽中数"), default=0)
    imported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("导入人")
    )
    imported_at = models.DateTimeField(_("导入时间"))

    class Meta:
        verbose_name = verbose_name_plural = _("上级平台的抽取")
        ordering = ["-drawn_on", "-id"]
        constraints = [models.UniqueConstraint(fields=["source_system", "no"], name="upstream_draw_once")]

    def __str__(self) -> str:
        return f"{self.source_system} {self.no}"


class UpstreamUnit(models.Model):
    """One line of the list of an upstream draw, in its order."""

    draw = models.ForeignKey(UpstreamDraw, models.CASCADE, related_name="units", verbose_name=_("上级平台的抽取"))
    position = models.PositiveIntegerField(_("序号"))
    unit_id = models.CharField(_("主体标识"), max_length=160)
    name = models.CharField(_("名称"), max_length=200, blank=True, default="")
    stratum = models.CharField(_("层"), max_length=80, blank=True, default="")
    division = models.CharField(_("区划"), max_length=80, blank=True, default="")
    size = models.CharField(_("规模"), max_length=40, blank=True, default="")
    drawn = models.BooleanField(_("抽中"), default=False)
    #: person numbers of those sent, the lead first, separated by spaces
    team = models.CharField(_("检查人员编号"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = verbose_name_plural = _("上级平台名单")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["draw", "position"], name="upstream_unit_once")]
        indexes = [models.Index(fields=["unit_id"], name="upstream_unit_id")]

    def __str__(self) -> str:
        return self.unit_id
