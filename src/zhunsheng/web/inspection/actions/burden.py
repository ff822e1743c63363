"""索取材料 apart from a visit: noted, and refused without a reason where it need not be asked."""

import datetime
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.engine import burden
from zhunsheng.engine.clock import CHINA
from zhunsheng.web.common.errors import NotAllowed, Refused, language
from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.models import DocumentRequest
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import main_office
from zhunsheng.web.public_log.actions import record
from zhunsheng.web.registry.models import BusinessEntity


def request_documents(
    entity: BusinessEntity,
    kinds: Sequence[str],
    *,
    by: User,
    at: datetime.datetime,
    requested_on: datetime.date,
    reason: str = "",
) -> list[DocumentRequest]:
    """Notes that an office asked a firm for papers. The same request of the same office on the same day is noted once.

    Raises Refused for a day to come, an unknown kind, no kind at all; and, without a reason, for what an authority holds
    anyway or any office asked for while it is still valid (国办发〔2024〕54号).
    """
    office = main_office(by)
    if not policy.may_request_documents(by) or office is None:
        raise NotAllowed(_("索取材料由各机构的经办人员、检查人员或负责人登记。"))
    if requested_on > at.astimezone(CHINA).date():
        raise Refused(_("索取日期不得晚于今天。"), field="requested_on")
    known = queries.document_kinds(requested_on)
    unknown = [kind for kind in kinds if kind not in known]
    if unknown or not kinds:
        raise Refused(_("请从材料种类表中选择。"), field="documents")
    with transaction.atomic():
        BusinessEntity.objects.select_for_update(of=("self",)).get(pk=entity.pk)
        standing = {
            one.kind: one
            for one in DocumentRequest.objects.filter(
                entity=entity, office=office, requested_on=requested_on, visit__isnull=True, kind__in=kinds
            )
        }
        fresh = [kind for kind in dict.fromkeys(kinds) if kind not in standing]
        if not fresh:
            return list(standing.values())
        if not reason.strip():
            _refuse_needless(entity, fresh, requested_on, named(office))
        made = DocumentRequest.objects.bulk_create(
            [
                DocumentRequest(
                    entity=entity,
                    office=office,
                    kind=kind,
                    requested_on=requested_on,
                    reason=reason.strip(),
                    requested_by=by,
                )
                for kind in fresh
            ]
        )
        record(
            "documents.request",
            "entity",
            entity.unit_id,
            by=by,
            at=at,
            rule="inspection/documents",
            reason=reason.strip(),
            changes={"documents": " ".join(fresh), "on": requested_on.isoformat()},
        )
    return [*standing.values(), *made]


def _refuse_needless(entity: BusinessEntity, kinds: Sequence[str], on: datetime.date, office: str) -> None:
    asked = [
        burden.Requested(one.requested_on, "", one.kind)
        for one in DocumentRequest.objects.filter(entity=entity, requested_on__lte=on, kind__in=kinds)
    ]
    now = [burden.Requested(on, office, kind) for kind in kinds]
    found = burden.meter([], [*asked, *now], year=on.year, cap=1).needless
    why = [one.reason.text(language()) for one in found if one.request in now]
    if why:
        raise Refused(
            _("这些材料不必向企业索取：%(list)s。仍要索取的，请写明理由，企业看得到。") % {"list": _("；").join(why)},
            field="reason",
        )
