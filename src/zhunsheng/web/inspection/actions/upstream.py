"""上级平台的抽取 come in whole, with their lists as handed down; the log keeps the hash of each list."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.engine.public_log import canonical
from zhunsheng.engine.suites import SHA256
from zhunsheng.web.common import bulk
from zhunsheng.web.common.errors import NotAllowed
from zhunsheng.web.inspection import policy
from zhunsheng.web.inspection.models import UpstreamDraw, UpstreamUnit
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record


@dataclass(frozen=True, slots=True)
class UpstreamLine:
    """One line of the list. team: person numbers, the lead first."""

    unit_id: str
    name: str = ""
    stratum: str = ""
    division: str = ""
    size: str = ""
    drawn: bool = False
    team: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpstreamEntry:
    """A draw as the file says it. stated: stratum → (N, n); ratios: stratum or "*" → ratio as a decimal string."""

    no: str
    platform: str
    name: str
    drawn_on: datetime.date
    level: str
    lines: tuple[UpstreamLine, ...]
    speciality: str = ""
    organ: str = ""
    stated: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    ratios: Mapping[str, str] = field(default_factory=dict)

    def sha256(self) -> str:
        """The hash of the canonical JSON of the whole entry: what the log keeps."""
        return SHA256.hex(
            canonical(
                {
                    "no": self.no, "platform": self.platform, "drawn_on": self.drawn_on.isoformat(), "speciality": self.speciality,
                    "stated": {key: list(value) for key, value in self.stated.items()}, "ratios": dict(self.ratios),
                    "lines": [
                        [one.unit_id, one.name, one.stratum, one.division, one.size, one.drawn, list(one.team)] for one in self.lines
                    ],
                }
            )
        )  # fmt: skip


def import_upstream(
    entries: Sequence[UpstreamEntry], *, by: User, at: datetime.datetime, reason: str
) -> list[UpstreamDraw]:
    """Writes draws of other platforms. One that is there with another list is replaced; the log keeps both hashes."""
    if not policy.may_import(by):
        raise NotAllowed(_("上级平台的抽取由审核人、部门负责人或质强办导入。"))
    made = []
    with transaction.atomic():
        for entry in entries:
            fresh = entry.sha256()
            draw = UpstreamDraw.objects.select_for_update().filter(source_system=entry.platform, no=entry.no).first()
            before = draw.sha256 if draw else ""
            if draw is not None and before == fresh:
                made.append(draw)
                continue
            draw = draw or UpstreamDraw(source_system=entry.platform, no=entry.no)
            draw.name, draw.drawn_on, draw.level, draw.speciality = (
                entry.name, entry.drawn_on, entry.level, entry.speciality,
            )  # fmt: skip
            draw.upstream_no, draw.handling_organ, draw.sha256 = entry.no, entry.organ, fresh
            draw.stated = {key: list(value) for key, value in entry.stated.items()}
            draw.ratios = dict(entry.ratios)
            draw.size, draw.drawn_count = len(entry.lines), sum(one.drawn for one in entry.lines)
            draw.imported_by, draw.imported_at = by, at
            draw.save()
            draw.units.all().delete()
            bulk.insert(
                [
                    UpstreamUnit(
                        draw=draw, position=number, unit_id=one.unit_id, name=one.name, stratum=one.stratum,
                        division=one.division, size=one.size, drawn=one.drawn, team=" ".join(one.team),
                    )
                    for number, one in enumerate(entry.lines, 1)
                ]
            )  # fmt: skip
            record(
                "upstream.import",
                "upstream_draw",
                draw.pk,
                by=by,
                at=at,
                reason=reason,
                public={
                    "no": draw.no,
                    "platform": draw.source_system,
                    "drawn_on": draw.drawn_on.isoformat(),
                    "size": draw.size,
                    "drawn": draw.drawn_count,
                    "sha256": fresh,
                    **({"replaces": before} if before else {}),
                },
            )
            made.append(draw)
    return made
