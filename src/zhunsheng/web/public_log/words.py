"""The words of the audit trail and of the public log: what a verb and a kind of subject are called, and where a subject is seen.

Rooms write codes; people read words. A code without a word is shown as it is, and a test finds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhunsheng.web.public_log.models import Act

#: verb of an act, kind of an entry → what happened
VERBS: Mapping[str, Promise] = {
    "create_user": _("新建账号"),
    "edit_user": _("修改账号"),
    "deactivate_user": _("停用账号"),
    "reactivate_user": _("恢复账号"),
    "reset_password": _("重设密码"),
    "change_password": _("修改密码"),
    "factor.add_app": _("添加验证器应用"),
    "factor.remove_app": _("移除验证器应用"),
    "factor.add_passkey": _("添加通行密钥"),
    "factor.rename_passkey": _("通行密钥改名"),
    "factor.remove_passkey": _("移除通行密钥"),
    "factor.copied_passkey": _("拒绝疑似被复制的通行密钥"),
    "factor.new_codes": _("重新生成恢复码"),
    "factor.use_code": _("使用恢复码"),
    "factor.lock": _("验证码连续输错，暂时锁定"),
    "factor.reset": _("重置第二重验证"),
    "step_up.refuse": _("再次确认未通过"),
    "add_post": _("授予岗位"),
    "end_post": _("结束岗位"),
    "delegate_post": _("委托岗位"),
    "add_duty": _("登记监管责任"),
    "end_duty": _("结束监管责任"),
    "load_city": _("载入城市配置"),
    "document.issue": _("制发文书"),
    "document.read": _("查看受保护的文书"),
    "document.void": _("作废文书"),
    "document.replace": _("替换文书"),
    "document.disclose": _("公开文书正文"),
    "register_entity": _("登记经营主体"),
    "change_entity": _("修改经营主体"),
    "add_premises": _("登记经营场所"),
    "change_premises": _("修改经营场所"),
    "close_premises": _("关闭经营场所"),
    "open_firm_account": _("开立企业账号"),
    "register_inspector": _("登记检查人员"),
    "change_inspector": _("修改检查人员"),
    "set_leave": _("登记请假"),
    "add_qualification": _("登记资质"),
    "end_qualification": _("结束资质"),
    "declare_recusal": _("申报回避"),
    "end_recusal": _("解除回避"),
    "receive_import": _("上传导入文件"),
    "map_import": _("修改字段对应"),
    "load_import": _("导入"),
    "discard_import": _("放弃导入"),
    "attach": _("上传附件"),
    "sweep_attachment": _("清除无人使用的附件"),
    "delivery.resend": _("重发消息"),
    "bulk.confirm": _("确认批量办理"),
    "matter.open": _("登记办件"),
    "matter.step": _("办理步骤"),
    "matter.hand_over": _("转办"),
    "matter.take_on": _("领办"),
    "matter.recount": _("按新的规则或日历重算期限"),
    "matter.link": _("关联办件"),
    "matter.reveal": _("查看个人信息"),
    "matter.add_document": _("添加材料"),
    "matter.add_party": _("添加当事各方"),
    "matter.receive": pgettext_lazy("act", "签收"),
    "matter.classify": _("核定信息公开属性"),
    "matter.publish": _("公开办件信息"),
    "matter.correct": _("更正公开信息"),
    "matter.withdraw": _("撤下公开信息"),
    "matter.end_publicity": _("公示期满"),
    "matter.follow_block": _("查询码连续输错，暂停查询"),
    "matter.renew_code": _("补发查询码"),
    "inspection.load_tables": _("载入抽查事项与用语"),
    "inspection.item.add": _("列入抽查事项"),
    "inspection.item.revise": _("修订抽查事项"),
    "inspection.item.end": _("停用抽查事项"),
    "inspection.wording.add": _("增加结果用语"),
    "inspection.wording.revise": _("修订结果用语"),
    "rule_book.draft": _("拟定实施细则"),
    "rule_book.approve": _("批准实施细则"),
    "plan.draft": _("拟定抽查计划"),
    "plan.edit": _("修改抽查计划"),
    "plan.confirm_list": _("确认联合名单"),
    "plan.fill_list": _("填写联合名单"),
    "plan.submit": _("提交抽查计划"),
    "plan.approve": _("批准抽查计划"),
    "plan.close": _("结束抽查计划"),
    "draw.announce": _("公告抽取"),
    "draw.execute": _("执行抽取"),
    "draw.declare": _("核对名单、申报回避"),
    "draw.close_list": _("关闭名单，公布派员约束"),
    "draw.assign": _("随机派员"),
    "draw.look": _("查看封存名单"),
    "draw.results": _("公布全部结果"),
    "draw.open": _("开封"),
    "draw.abandon": _("放弃抽取"),
    "task.withdraw": _("撤回任务"),
    "task.replace": _("更换检查人员"),
    "team.replace": _("替换检查人员（抽取）"),
    "visit.draft": _("保存检查记录"),
    "visit.submit": _("提交检查记录"),
    "visit.review": _("复核通过"),
    "visit.return": _("退回检查记录"),
    "visit.publish": _("公示检查结果"),
    "visit.correct": _("更正检查结果"),
    "visit.import": _("导入过去的检查结果"),
    "follow_up.close": _("办结后续处理"),
    "documents.request": _("登记索取材料"),
    "upstream.import": _("导入上级平台的抽取"),
    "target.load": _("载入目标"),
    "snapshot.freeze": _("生成记分牌快照"),
    "snapshot.approve": _("批准快照公开"),
    "snapshot.reject": _("不批准快照"),
    "visit.recount": _("按现行规则重新计算期限"),
    "law.propose": _("提出规则修改"),
    "law.approve": _("批准规则修改"),
    "law.refuse": _("不批准规则修改"),
    "law.withdraw": _("撤回规则修改"),
    "law.review": _("复核规则，不须修改"),
    "log.rotate_key": _("更换日志密钥"),
    "log.add_witness": _("列入日志见证人"),
    "log.end_witness": _("停止日志见证人"),
    "log.cosign": _("见证人联署"),
    "log.timestamp": _("加盖时间戳"),
}

#: the verbs whose acts are public: the kinds of entries that the log has
PUBLIC_VERBS: tuple[str, ...] = (
    "rule_book.approve",
    "inspection.load_tables",
    "inspection.item.add",
    "inspection.item.revise",
    "inspection.item.end",
    "inspection.wording.add",
    "inspection.wording.revise",
    "plan.approve",
    "plan.close",
    "draw.announce",
    "draw.execute",
    "draw.close_list",
    "draw.assign",
    "draw.open",
    "team.replace",
    "draw.results",
    "draw.abandon",
    "task.withdraw",
    "visit.publish",
    "visit.import",
    "follow_up.close",
    "matter.publish",
    "matter.correct",
    "matter.withdraw",
    "matter.end_publicity",
    "document.disclose",
    "document.void",
    "document.replace",
    "upstream.import",
    "snapshot.approve",
    "law.approve",
    "log.rotate_key",
    "log.add_witness",
    "log.end_witness",
)

#: kind of a subject → (its name, the page for staff, the page for the public); each page takes the subject's number
SUBJECTS: Mapping[str, tuple[Promise, str, str]] = {
    "user": (pgettext_lazy("one", "账号"), "people:user", ""),
    "post": (pgettext_lazy("one", "岗位"), "", ""),
    "responsibility": (pgettext_lazy("one", "监管责任"), "people:duty", ""),
    "city": (_("城市配置"), "", ""),
    "entity": (pgettext_lazy("one", "经营主体"), "registry:entity", ""),
    "inspector": (pgettext_lazy("one", "检查人员"), "registry:inspector", ""),
    "import_run": (pgettext_lazy("one", "导入批次"), "desk:import_run", ""),
    "attachment": (pgettext_lazy("one", "附件"), "desk:attachment", ""),
    "document": (pgettext_lazy("one", "文书"), "documents:document", ""),
    "delivery": (pgettext_lazy("one", "外发消息"), "desk:delivery", ""),
    "bulk_run": (pgettext_lazy("one", "批量办理"), "desk:bulk_run", ""),
    "table": (pgettext_lazy("one", "数据表"), "", ""),
    "check_item": (pgettext_lazy("one", "抽查事项"), "", ""),
    "result_wording": (pgettext_lazy("one", "结果用语"), "", ""),
    "rule_book": (_("实施细则"), "inspection:rule_book", ""),
    "plan": (pgettext_lazy("one", "抽查计划"), "", ""),
    "draw": (pgettext_lazy("one", "抽取"), "inspection:draw", "portal:draw"),
    "upstream_draw": (_("上级平台的抽取"), "inspection:upstream_draw", ""),
    "task": (pgettext_lazy("one", "检查任务"), "", ""),
    "visit": (pgettext_lazy("one", "检查记录"), "", "portal:result"),
    "matter": (pgettext_lazy("one", "办件"), "matters:matter", ""),
    "disclosure": (pgettext_lazy("one", "公开事项"), "matters:publication", "portal:decision"),
    "snapshot": (_("记分牌快照"), "appraisal:snapshot", "portal:snapshot"),
    "law_change": (_("规则修改"), "law:change", "law:change"),
    "law": (_("规则"), "", ""),
    "log": (_("公开存证日志"), "", ""),
    "witness": (_("日志见证人"), "", ""),
}


def verb_name(code: str) -> "str | Promise":
    return VERBS.get(code, code)


def subject_name(kind: str) -> "str | Promise":
    return SUBJECTS[kind][0] if kind in SUBJECTS else kind


def subject_url(kind: str, number: str, *, public: bool = False) -> str:
    """The page of a subject, or '' where it has none."""
    if kind not in SUBJECTS:
        return ""
    _name, staff, everyone = SUBJECTS[kind]
    name = everyone if public else staff
    if not name:
        return ""
    try:
        return reverse(name, args=[number])
    except NoReverseMatch:
        return ""


@dataclass(frozen=True, slots=True)
class Told:
    """An act in words, for a timeline or a list."""

    act: Act
    what: "str | Promise"
    subject: "str | Promise"
    url: str


def tell(act: Act) -> Told:
    return Told(act, verb_name(act.verb), subject_name(act.subject_type), subject_url(act.subject_type, act.subject_id))


@dataclass(frozen=True, slots=True)
class Change:
    """One field that an act changed. `old` is None where the act says only the new value."""

    field: str
    old: Any
    new: Any
    both: bool


def changes(act: Act) -> list[Change]:
    """The changes of an act, field by field. Rooms write {field: [old, new]} or {field: value}."""
    return [
        Change(field, value[0], value[1], both=True)
        if isinstance(value, list) and len(value) == 2
        else Change(field, None, value, both=False)
        for field, value in act.changes.items()
    ]
