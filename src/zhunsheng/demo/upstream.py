"""Draws of a made-up provincial platform, as its lists would be handed down: two as they should be, one with an oddity."""

import datetime
import random
from collections.abc import Sequence
from itertools import cycle

from zhunsheng.web.inspection import actions as inspection
from zhunsheng.web.registry.models import BusinessEntity, Inspector

PLATFORM = "省双随机平台（演示）"
LISTED, DRAWN = 240, 24
#: number, name, days before today, whether only the head of the list was drawn
DRAWS = (
    ("SP-1101", "省级公示信息抽查（第一批）", 330, False),
    ("SP-1107", "省级重点工业产品抽查", 190, True),
    ("SP-1112", "省级公示信息抽查（第二批）", 70, False),
)


def entries(seed: int, today: datetime.date) -> list[inspection.UpstreamEntry]:
    """Lists from the register, in order of name as such platforms hand them down, with teams of the city's inspectors.

    One of them has drawn nobody but the first of its list: the numbers are right, and where they stand is not chance.
    """
    rng = random.Random(f"upstream-{seed}")
    units = list(BusinessEntity.objects.order_by("unit_id").values_list("unit_id", "name", "division_id", "size"))
    people = list(
        Inspector.objects.filter(office__code="market").order_by("person_no").values_list("person_no", flat=True)
    )
    return [
        _entry(no, name, today - datetime.timedelta(days=days), rng, units, people, head=head)
        for no, name, days, head in DRAWS
    ]


def _entry(
    no: str,
    name: str,
    day: datetime.date,
    rng: random.Random,
    units: Sequence[tuple[str, str, str | None, str]],
    people: Sequence[str],
    *,
    head: bool,
) -> inspection.UpstreamEntry:
    listed = sorted(rng.sample(units, min(LISTED, len(units))), key=lambda unit: unit[1])
    drawn = min(DRAWN, len(listed))
    chosen = set(range(drawn)) if head else set(rng.sample(range(len(listed)), drawn))
    teams = cycle(list(zip(people[::2], people[1::2], strict=False)))
    lines = [
        inspection.UpstreamLine(
            unit_id,
            name=title,
            division=(division or "")[:6],
            size=size,
            drawn=place in chosen,
            team=next(teams) if place in chosen else (),
        )
        for place, (unit_id, title, division, size) in enumerate(listed)
    ]
    return inspection.UpstreamEntry(
        no,
        PLATFORM,
        name,
        day,
        "provincial",
        tuple(lines),
        organ="省市场监督管理局（演示）",
        stated={"": (len(listed), drawn)},
        ratios={"*": "0.1"} if len(listed) == LISTED else {},
    )
