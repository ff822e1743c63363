"""What is done to a matter beside its steps: hand-over, links, papers, parties, and the look at who someone is."""

import datetime
import secrets
from collections.abc import Collection

from django.db import transaction
from django.utils.functional import lazy
from django.utils.translation import gettext as _

from zhunsheng.engine import procedure as engine
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk.actions import notify
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.matters import dispatching, policy, queries
from zhunsheng.web.matters.actions.stepping import take
from zhunsheng.web.matters.models import Assignment, Matter, MatterDocument, MatterLink, Party
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.people.queries import has_role
from zhunsheng.web.public_log.actions import record
from zhunsheng.web.registry.models import BusinessEntity

#: letters and digits that nobody mistakes for one another on paper or over the telephone
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 10
#: wrong codes in a row, and how long nobody is let in afterwards
WRONG_CODES, BLOCKED = 5, datetime.timedelta(minutes=15)


def hand_over(
    matter: Matter, handler: User | None, *, by: User, at: datetime.datetime, reason: str, office: Office | None = None
) -> Matter:
    """转办: to another person, in the office in charge or, by its head, to another office (which then is in charge).

    handler: None leaves it to the office. Refused without a reason, for someone without a post there, and where a
    person who is kept apart from a step still to come would get it is left to that step.
    """
    with transaction.atomic():
        matter = _locked(matter)
        if not policy.may_hand_over(by, matter):
            raise NotAllowed(_("转办由承办人或者承办机构负责人办理"))
        _open(matter)
        target = office or matter.office
        if matter.handler_id == (handler.pk if handler else None) and matter.office_id == target.pk:
            return matter
        if len(reason.strip()) < 2:
            raise Refused(_("请写明转办的理由"), field="reason")
        if target.pk != matter.office_id and not has_role(by, "head", office=matter.office):
            raise NotAllowed(_("转给其他机构须由承办机构负责人决定"))
        if handler is not None and not has_role(
            handler, "member", "inspector", "reviewer", "head", "lead_office", office=target
        ):
            raise Refused(_("%(who)s 在 %(office)s 没有岗位") % {"who": handler, "office": target}, field="handler")
        before = [matter.office.code, str(matter.handler or "")]
        matter.office, matter.handler = target, handler
        matter.save(update_fields=["office", "handler"])
        Assignment.objects.create(matter=matter, handler=handler, office=target, by=by, at=at, reason=reason.strip())
        record(
            "matter.hand_over",
            "matter",
            matter.no,
            by=by,
            at=at,
            reason=reason.strip(),
            changes={"handler": [before[1], str(handler or "")], "office": [before[0], target.code]},
        )
        if handler is not None and handler.pk != by.pk:
            transaction.on_commit(lambda: notify([handler], _lazy_handed(matter.no), matter.get_absolute_url(), at=at))
    return matter


def take_on(matter: Matter, *, by: User, at: datetime.datetime) -> Matter:
    """领办: an officer takes a matter that nobody handles yet. Who has it already keeps it."""
    with transaction.atomic():
        matter = _locked(matter)
        if matter.handler_id == by.pk:
            return matter
        _open(matter)
        if matter.handler is not None:
            raise Refused(_("已由 %(who)s 承办") % {"who": matter.handler})
        if not policy.may_take_on(by, matter):
            raise NotAllowed(_("领办由承办机构的经办人员办理；涉及举报人等个人信息的办件由负责人分派"))
        matter.handler = by
        matter.save(update_fields=["handler"])
        reason = "领办"
        Assignment.objects.create(matter=matter, handler=by, office=matter.office, by=by, at=at, reason=reason)
        record("matter.take_on", "matter", matter.no, by=by, at=at, changes={"handler": ["", str(by)]})
    return matter


def _handed(no: str) -> str:
    return _("办件 %(no)s 已转给您办理") % {"no": no}


_lazy_handed = lazy(_handed, str)


def link(source: Matter, target: Matter, kind: str, *, by: User, at: datetime.datetime, reason: str = "") -> MatterLink:
    """Links two matters that the user may see, one of them open to the user's steps."""
    if not (policy.may_see_matter(by, source) and policy.may_see_matter(by, target)):
        raise NotAllowed(_("只能关联您能看到的办件"))
    if not (queries.roles_in(by, source) or queries.roles_in(by, target)):
        raise NotAllowed(_("关联由其中一个办件的承办机构办理"))
    if source.pk == target.pk:
        raise Refused(_("不能与自身关联"), field="target")
    if kind not in MatterLink.Kind.values:
        raise Refused(_("请选择关系"), field="kind")
    with transaction.atomic():
        made, new = MatterLink.objects.get_or_create(
            source=source, target=target, kind=kind, defaults={"by": by, "at": at, "reason": reason.strip()[:300]}
        )
        if new:
            record(
                "matter.link",
                "matter",
                source.no,
                by=by,
                at=at,
                reason=reason[:300],
                changes={"target": target.no, "kind": kind},
            )
    return made


def reveal(matter: Matter, codes: Collection[str], *, by: User, at: datetime.datetime, reason: str) -> dict[str, str]:
    """Shows personal facts in full to a handler; every look is recorded with its reason. Raises NotAllowed for others.

    Returns the facts by their code, as people read them.
    """
    if not policy.may_reveal(by, matter):
        raise NotAllowed(_("举报人、投诉人等个人信息只有承办人和承办机构负责人可以查看"))
    if len(reason.strip()) < 4:
        raise Refused(_("请写明查看的理由；每次查看都会留痕"), field="reason")
    procedure = queries.procedure_of(matter)
    found = {
        fact.code: engine.shown(procedure, fact.code, fact.value)
        for fact in queries.personal_facts(matter)
        if fact.code in codes
    }
    with transaction.atomic():
        record(
            "matter.reveal", "matter", matter.no, by=by, at=at, reason=reason.strip(), changes={"facts": sorted(found)}
        )
    return found


def add_document(
    matter: Matter,
    attachment: Attachment,
    *,
    title: str,
    by: User | None,
    at: datetime.datetime,
    code: str = "",
    personal: bool = False,
) -> MatterDocument:
    """Puts an upload among the matter's papers. The same file twice is one paper.

    by: None for someone who follows the matter with its code.
    """
    with transaction.atomic():
        matter = _locked(matter)
        if by is not None and not policy.may_add_document(by, matter):
            raise NotAllowed(_("添加材料由办件的参与人在办结以前办理"))
        _open(matter)
        if not title.strip():
            raise Refused(_("请写明材料名称"), field="title")
        made, new = MatterDocument.objects.get_or_create(
            matter=matter,
            sha256=attachment.sha256,
            code=code,
            defaults={
                "attachment": attachment,
                "title": title.strip()[:200],
                "personal": personal or bool(queries.kind_row(matter.procedure)["personal_whole"]),
                "added_by": by,
                "added_at": at,
            },
        )
        if new:
            record(
                "matter.add_document",
                "matter",
                matter.no,
                by=by,
                at=at,
                changes={"title": made.title, "sha256": made.sha256},
            )
    return made


def capture(
    matter: Matter,
    attachment: Attachment,
    *,
    url: str,
    captured_at: datetime.datetime,
    title: str,
    by: User,
    at: datetime.datetime,
) -> MatterDocument:
    """网络证据: a file captured from an address of the web, with its SHA-256 and the instant. Raises Refused for an
    address that is not http(s), and for a capture in the future."""
    if not url.startswith(("http://", "https://")) or len(url) > 1000:
        raise Refused(_("请填写以 http:// 或 https:// 开头的网址"), field="url")
    if captured_at > at:
        raise Refused(_("取证时间不能晚于现在"), field="captured_at")
    with transaction.atomic():
        made = add_document(matter, attachment, title=title, by=by, at=at, code="web_evidence")
        if not made.source_url:
            made.source_url, made.captured_at = url, captured_at
            made.save(update_fields=["source_url", "captured_at"])
    return made


def add_party(
    matter: Matter,
    kind: str,
    *,
    by: User,
    at: datetime.datetime,
    office: Office | None = None,
    entity: BusinessEntity | None = None,
    name: str = "",
    note: str = "",
) -> Party:
    """Adds an organ that takes part, a further party, an addressee, or an online shop with the entity behind it."""
    with transaction.atomic():
        matter = _locked(matter)
        if not queries.roles_in(by, matter):
            raise NotAllowed(_("添加当事各方由办件的参与人办理"))
        _open(matter)
        if kind not in Party.Kind.values:
            raise Refused(_("请选择身份"), field="kind")
        if office is None and entity is None and not name.strip():
            raise Refused(_("请选择机构或经营主体，或者填写名称"), field="name")
        made, new = Party.objects.get_or_create(
            matter=matter,
            kind=kind,
            office=office,
            entity=entity,
            name=name.strip()[:200],
            defaults={"note": note.strip()[:300]},
        )
        if new:
            record("matter.add_party", "matter", matter.no, by=by, at=at, changes={"party": str(made), "kind": kind})
    return made


def receive(party: Party, *, by: User, at: datetime.datetime) -> Party:
    """签收: an addressee's read receipt, by someone with a post in that office. Of an official document it is a step."""
    with transaction.atomic():
        Matter.objects.select_for_update(of=("self",)).get(pk=party.matter_id)
        party = Party.objects.select_for_update(of=("self",)).select_related("matter", "office").get(pk=party.pk)
        if party.office is None or party.office_id not in queries.own_offices(by):
            raise NotAllowed(_("签收由送达机构的人员办理"))
        if party.received_at is not None:
            return party
        if dispatching.is_dispatch(party.matter):
            take(party.matter, "receipt", by=by, at=at, office=party.office)
            party.refresh_from_db()
            return party
        party.received_at, party.received_by = at, by
        party.save(update_fields=["received_at", "received_by"])
        record("matter.receive", "matter", party.matter.no, by=by, at=at, changes={"office": party.office.code})
    return party


def set_follow_code(matter: Matter) -> str:
    """Gives the matter the code with which its filer follows it without an account; shown once, kept as a keyed hash."""
    code = "".join(secrets.choice(ALPHABET) for _n in range(CODE_LENGTH))
    Matter.objects.filter(pk=matter.pk).update(follow_hash=queries.follow_hash(matter.no, code))
    return code


def _locked(matter: Matter) -> Matter:
    return (
        Matter.objects.select_for_update(of=("self",))
        .select_related("office", "handler", "opened_by")
        .get(pk=matter.pk)
    )


def _open(matter: Matter) -> None:
    if matter.ended_at is not None:
        raise Refused(_("办件已经办结"))
