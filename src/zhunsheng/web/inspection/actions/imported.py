"""Past results from other systems: published records with their source. A changed one is a new version, as a correction is."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.web.common.errors import NotAllowed
from zhunsheng.web.common.records import Publicity
from zhunsheng.web.inspection import policy
from zhunsheng.web.inspection.models import Finding, ResultWording, Visit
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import Deed, record_many
from zhunsheng.web.registry.models import BusinessEntity


@dataclass(frozen=True, slots=True)
class PastFinding:
    """A problem or a verdict of a past record. `item`: key of the item, None where the source has none of ours."""

    verdict: str
    text: str = ""
    severity: str = ""
    action: str = ""
    item: int | None = None


@dataclass(frozen=True, slots=True)
class PastVisit:
    """A past record as the file says it."""

    no: str
    unit_id: str
    visited_on: datetime.date
    result: str
    findings: tuple[PastFinding, ...] = ()
    summary: str = ""
    source_system: str = ""
    upstream_no: str = ""
    handling_organ: str = ""
    level: str = "city"


@dataclass(frozen=True, slots=True)
class PastEntry:
    """A record with the rows it needs: the entity, the wording, and the version that it replaces, if there is one."""

    visit: PastVisit
    entity: BusinessEntity
    result: ResultWording
    replaces: Visit | None = None


def import_visits(entries: Sequence[PastEntry], *, by: User, at: datetime.datetime, reason: str) -> list[Visit]:
    """Writes past records as published ones: whoever imports them approves that they are public.

    One act and one entry of the log for each. A record that `replaces` another becomes its correction; both stay public.
    """
    if not policy.may_import(by):
        raise NotAllowed(_("过去的检查结果由审核人、部门负责人或质强办导入。"))
    with transaction.atomic():
        visits = [_visit(entry, by=by, at=at, reason=reason) for entry in entries]
        Visit.objects.bulk_create(visits, batch_size=500)
        Visit.objects.filter(pk__in=[entry.replaces.pk for entry in entries if entry.replaces]).update(
            state=Visit.State.CORRECTED
        )
        Finding.objects.bulk_create(
            [
                Finding(
                    visit=visit,
                    item_id=one.item,
                    verdict=one.verdict,
                    text=one.text,
                    severity=one.severity,
                    action=one.action,
                )
                for entry, visit in zip(entries, visits, strict=True)
                for one in entry.visit.findings
            ],
            batch_size=2000,
        )
        record_many(
            [
                Deed("visit.import", "visit", visit.no, reason=reason, public=_public(entry, visit))
                for entry, visit in zip(entries, visits, strict=True)
            ],
            by=by, at=at,
        )  # fmt: skip
    return visits


def _visit(entry: PastEntry, *, by: User, at: datetime.datetime, reason: str) -> Visit:
    said = entry.visit
    no = said.no
    if entry.replaces is not None:
        base, _sep, number = entry.replaces.no.partition("-v")
        no = f"{base}-v{int(number or 1) + 1}"
    return Visit(
        no=no, entity=entry.entity, visited_on=said.visited_on, result=entry.result, summary=said.summary, signed="signed",
        state=Visit.State.PUBLISHED, entered_by=by, entered_at=at, published_at=at, published_by=by, publicity=Publicity.ACTIVE,
        publicity_approved_by=by, publicity_approved_at=at, source_system=said.source_system, upstream_no=said.upstream_no,
        handling_organ=said.handling_organ, level=said.level, corrects=entry.replaces,
        correction_reason=reason[:300] if entry.replaces else "",
    )  # fmt: skip


def _public(entry: PastEntry, visit: Visit) -> Mapping[str, str]:
    said = {
        "unit": entry.visit.unit_id, "result": entry.result.code, "visited_on": visit.visited_on.isoformat(),
        "source": visit.source_system, "upstream_no": visit.upstream_no,
    }  # fmt: skip
    return said | ({"corrects": entry.replaces.no} if entry.replaces else {})
