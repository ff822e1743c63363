"""The demo's accounts: one for each reader, all with one password that the login page shows."""

from dataclasses import dataclass

PASSWORD = "hengchuan-2026"  # noqa: S105 - the invented city's public password


@dataclass(frozen=True, slots=True)
class Account:
    username: str
    name: str
    name_en: str
    #: the office by its code in cities/hengchuan/offices, with its role; several posts are allowed
    posts: tuple[tuple[str, str], ...]
    note: str
    note_en: str


ACCOUNTS: tuple[Account, ...] = (
    Account("office", "周质强", "Quality office", (("quality_office", "lead_office"),), "质强办：目标、责任、快照", "quality office: targets, duties, snapshots"),
    Account("leader", "程市长", "Mayor", (("quality_office", "leader"),), "领导小组组长：批准公开", "leading group: approves publication"),
    Account("member", "林经办", "Case officer", (("market", "member"),), "市监局经办：拟计划、公告、抽取、派员", "market regulation: plans, announces, draws, assigns"),
    Account("inspector", "陈检查", "Inspector", (("market", "inspector"),), "检查人员：现场检查、录入", "inspector: visits and records"),
    Account("reviewer", "吴审核", "Reviewer", (("market", "reviewer"),), "审核人：复核检查记录", "reviewer: second look at records"),
    Account("hearing", "宋听证", "Hearing officer", (("market", "reviewer"),), "听证主持人：案件审核人以外的另一人", "presides hearings: another than the reviewer of the case"),
    Account("head", "郑局长", "Head", (("market", "head"),), "部门负责人：批准计划、公示", "head: approves plans and publication"),
    Account("consumer", "许维权", "Complaints officer", (("market", "member"),), "投诉举报中心经办：投诉、举报、赔偿", "complaints office: complaints, reports, claims"),
    Account("housing", "鲁住建", "Works officer", (("housing", "member"),), "住建局经办：工程质量缺陷备案", "housing bureau: filing of construction defects"),
    Account("housing2", "石设计", "Works officer", (("housing", "member"),), "住建局经办：缺陷处理方案", "housing bureau: remedies of defects"),
    Account("housing_head", "方局长", "Head of works", (("housing", "head"),), "住建局负责人", "head of the housing bureau"),
    Account("county_head", "梁区长", "County head", (("market_990101", "head"),), "县区局负责人：决定不予受理、延期", "head of the county office: refusals, extensions"),
    Account("agri", "田农业", "Agriculture officer", (("agri_rural", "member"),), "农业农村局经办：填写、确认联合名单", "agriculture: fills in and confirms its list of a joint plan"),
    Account("fire", "霍消防", "Fire officer", (("fire_rescue", "member"),), "消防救援经办：填写、确认联合名单", "fire brigade: fills in and confirms its list of a joint plan"),
    Account("county", "何区管", "County officer", (("market_990101", "member"), ("market_990101", "reviewer")), "县区局：只见本县区", "county office: sees its county only"),
    Account("auditor", "孙督查", "Auditor", (("supervision", "auditor"),), "督查审计：全部只读", "auditor: reads everything"),
    Account("sysadmin", "钱系统", "System administrator", (("quality_office", "sysadmin"),), "系统管理员：账号岗位", "system administrator: accounts and posts"),
    Account("firm", "", "A firm", (), "企业账号：我的记录", "a firm: our record"),
)  # fmt: skip
