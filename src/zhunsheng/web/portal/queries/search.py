"""One box: draws and results by number, a firm by its code, and what other rooms offer to the public."""

from collections.abc import Iterator
from dataclasses import replace

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhunsheng.web.common.templatetags.zs import day, named
from zhunsheng.web.desk import providers
from zhunsheng.web.desk.providers import Hit
from zhunsheng.web.portal.queries import draws, firms, matters, results

SHORTEST = 2
LIMIT = 20


def find(text: str) -> list[Hit]:
    """Hits in order: what has this very number or code, then what the other rooms find. Each address once."""
    found: dict[str, Hit] = {}
    for hit in [*_numbers(text), *providers.public_search(text)]:
        # One firm, one address: a 统一社会信用代码 stands in it without its scheme.
        url = hit.url.replace(f"/firms/{firms.USCC}:", "/firms/")
        found.setdefault(url, replace(hit, url=url))
    return list(found.values())


def _numbers(text: str) -> Iterator[Hit]:
    for draw in draws.all_draws().filter(no__icontains=text).order_by("-announced_at", "-pk")[:LIMIT]:
        title = _("抽取 %(no)s") % {"no": draw.no}
        note = f"{draw.plan.name} · {draw.get_state_display()}"
        yield Hit(title, gettext_lazy("随机抽查"), reverse("portal:draw", args=[draw.no]), note)
    for visit in results.published().filter(no=text):
        note = f"{visit.entity.name} · {day(visit.visited_on)} · {named(visit.result)}"
        yield Hit(visit.no, pgettext_lazy("list", "检查结果"), reverse("portal:result", args=[visit.no]), note)
    for one in matters.published().filter(Q(matter__no=text) | Q(title__icontains=text), state="published")[:LIMIT]:
        note = f"{named(one.matter.office)} · {day(one.published_at)}"
        yield Hit(one.title, pgettext_lazy("list", "决定和公告"), reverse("portal:decision", args=[one.pk]), note)
    entity = firms.find(text)
    if entity is not None:
        note = f"{firms.address_code(entity.unit_id)} · {entity.get_status_display()}"
        yield Hit(entity.name, pgettext_lazy("list", "企业"), firms.firm_url(entity), note)
