"""What people send without an account: a matter is filed, followed with its number and code, and completed.

Complaint and report of one text are two matters, filed together or not at all （市场监督管理投诉举报处理暂行办法, 第七条）.
"""

import datetime
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hmac import compare_digest

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.engine import tables
from zhunsheng.engine.procedure import Value
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.desk.actions import attach
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.matters import intake, policy, queries
from zhunsheng.web.matters.actions.handling import BLOCKED, WRONG_CODES, add_document, set_follow_code
from zhunsheng.web.matters.actions.stepping import Paper, open_matter
from zhunsheng.web.matters.models import Filing, Matter, MatterDocument, MatterLink
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.public_log.actions import record
from zhunsheng.web.registry.models import Division, FirmAccount

#: how long a filing is remembered against double sending and abuse
REMEMBERED = datetime.timedelta(days=2)


class TooMany(Refused):
    """Too much came from one network address; later it may again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One matter that someone asks for: its kind, its facts, the papers its first step asks for."""

    code: str
    facts: Mapping[str, Value]
    papers: Mapping[str, Paper] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filed:
    """A matter that was filed, with its code; '' where the same form was sent before: a code is told once."""

    matter: Matter
    code: str


def address_hash(address: str) -> str:
    """What is kept of a network address."""
    return hmac.new(settings.SECRET_KEY.encode(), f"address:{address}".encode(), hashlib.sha256).hexdigest()


def limit(code: str) -> tuple[int, datetime.timedelta]:
    """Amount and span of a row of table matters/public_limits."""
    row = next(row for row in tables.load("matters/public_limits").rows if row["code"] == code)
    return row.integer("amount"), datetime.timedelta(minutes=row.integer("minutes"))


def file(
    wishes: Sequence[Wish],
    *,
    office: Office,
    division: Division | None,
    at: datetime.datetime,
    once: str,
    address: str,
    evidence: Sequence[Attachment] = (),
) -> list[Filed]:
    """Files the matters that one form asks for, the further ones linked with the first as of the same text.

    once: the form's own mark; sent again it files nothing and gives the same matters without their codes. address: the
    network address. evidence: goes to every matter. Raises TooMany above the limits, and Refused as open_matter does.
    """
    hashed = address_hash(address)
    with transaction.atomic():
        Filing.objects.filter(at__lt=at - REMEMBERED).delete()
        known, new = Filing.objects.select_for_update().get_or_create(
            once=once, defaults={"kind": Filing.Kind.FILED, "address": hashed, "at": at}
        )
        if not new:
            found = {one.no: one for one in Matter.objects.filter(no__in=known.nos.split(";"))}
            return [Filed(found[no], "") for no in known.nos.split(";") if no in found]
        _not_too_many(Filing.Kind.FILED, hashed, at, "filings_hour", "filings_day", own=1)
        filed: list[Filed] = []
        for wish in wishes:
            matter = open_matter(
                wish.code,
                by=None,
                at=at,
                office=office,
                facts=wish.facts,
                papers=wish.papers,
                source=filed[0].matter if filed else None,
                link_kind=MatterLink.Kind.SAME_TEXT,
            )
            if matter.division_id is None and division is not None:
                matter.division = division
                matter.save(update_fields=["division"])
            for paper in evidence:
                add_document(matter, paper, title=paper.name, by=None, at=at)
            filed.append(Filed(matter, set_follow_code(matter)))
        known.nos = ";".join(one.matter.no for one in filed)
        known.save(update_fields=["nos"])
    return filed


def upload(file: "File[bytes]", *, at: datetime.datetime, address: str) -> Attachment:
    """Takes in a file that comes with a public form. Raises TooMany above the limit, Refused as desk.actions.attach does."""
    hashed = address_hash(address)
    _not_too_many(Filing.Kind.UPLOADED, hashed, at, "uploads_hour")
    made = attach(file, by=None, at=at)
    Filing.objects.create(kind=Filing.Kind.UPLOADED, address=hashed, at=at)
    return made


def enter(no: str, code: str, *, at: datetime.datetime, address: str) -> Matter | None:
    """The matter that number and code open, or None: a wrong code, a number that does not exist and a matter that is
    blocked are answered alike. Five wrong codes in a row block a matter for a quarter of an hour, for the addresses from
    which wrong codes came; the code is too long to be guessed from ever new ones.

    Raises TooMany where one network address tries too often.
    """
    hashed = address_hash(address)
    with transaction.atomic():
        _not_too_many(Filing.Kind.WRONG_CODE, hashed, at, "wrong_codes")
        matter = Matter.objects.select_for_update(of=("self",)).filter(no=no).first()
        known = matter.follow_hash if matter is not None else ""
        fits = compare_digest(queries.follow_hash(no, code), known or "-" * 64)
        # asked for every number alike; who knows the number only cannot keep out who has the code and comes from elsewhere
        tried = Filing.objects.filter(kind=Filing.Kind.WRONG_CODE, address=hashed, at__gt=at - BLOCKED).exists()
        blocked = matter is not None and matter.follow_blocked_until is not None and at < matter.follow_blocked_until
        if matter is not None and fits and not (blocked and tried):
            if matter.follow_failures:
                matter.follow_failures = 0
                matter.save(update_fields=["follow_failures"])
            return matter
        Filing.objects.create(kind=Filing.Kind.WRONG_CODE, address=hashed, at=at)
        if matter is not None and not blocked:
            matter.follow_failures += 1
            if matter.follow_failures >= WRONG_CODES:
                matter.follow_failures, matter.follow_blocked_until = 0, at + BLOCKED
                record("matter.follow_block", "matter", matter.no, by=None, at=at)
            matter.save(update_fields=["follow_failures", "follow_blocked_until"])
    return None


def renew_code(matter: Matter, *, by: User, at: datetime.datetime) -> str:
    """A new code for who filed the matter at the counter or by telephone, or has lost the old one, which then opens
    nothing. Told once; that it was given is recorded, the code is not."""
    with transaction.atomic():
        matter = Matter.objects.select_for_update(of=("self",)).select_related("office").get(pk=matter.pk)
        if not policy.may_renew_code(by, matter):
            raise NotAllowed(_("查询码由承办人或者承办机构负责人补发"))
        code = set_follow_code(matter)
        Matter.objects.filter(pk=matter.pk).update(follow_failures=0, follow_blocked_until=None)
        record("matter.renew_code", "matter", matter.no, by=by, at=at)
    return code


def add_material(matter: Matter, attachment: Attachment, *, title: str, at: datetime.datetime) -> MatterDocument:
    """补充材料 by who follows the matter with its code."""
    most, _span = limit("materials")
    with transaction.atomic():
        Matter.objects.select_for_update(of=("self",)).get(pk=matter.pk)
        given = matter.documents.filter(added_by=None, attachment__isnull=False)
        if not given.filter(sha256=attachment.sha256).exists() and given.count() >= most:
            raise Refused(_("这个办件已经收到 %(n)s 份材料，不能再添加。请联系承办机构") % {"n": most})
        return add_document(matter, attachment, title=title, by=None, at=at)


def contact_for_firm(matter: Matter, *, by: User, at: datetime.datetime) -> dict[str, str]:
    """Who claims, and how to reach them, for the firm to which the claim is addressed. Every look is recorded."""
    account = FirmAccount.objects.filter(user=by, entity=matter.entity_id).exists()
    codes = {
        fact.code: fact
        for fact in queries.personal_facts(matter)
        if intake.shown(matter.procedure).get(fact.code, intake.NOBODY).firm
    }
    if not account or not matter.firm_sees or not codes:
        raise NotAllowed(_("只有收到请求的企业可以查看请求人的联系方式"))
    record(
        "matter.reveal",
        "matter",
        matter.no,
        by=by,
        at=at,
        reason=_("联系请求人"),
        changes={"facts": sorted(codes)},
    )
    return {code: str(fact.value) for code, fact in codes.items()}


def _not_too_many(kind: str, address: str, at: datetime.datetime, *codes: str, own: int = 0) -> None:
    for code in codes:
        most, span = limit(code)
        if Filing.objects.filter(kind=kind, address=address, at__gt=at - span).count() - own >= most:
            raise TooMany(
                _("从这个网络提交或者查询得太多了。请在 %(n)s 分钟以后再试，急事请拨打 12315")
                % {"n": int(span.total_seconds() // 60)}
            )
