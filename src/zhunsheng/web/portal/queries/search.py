"""One box: firms by name or code, draws and results by number, and what other rooms offer to the public."""

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.common.templatetags.zs import day, named
from zhunsheng.web.desk import providers
from zhunsheng.web.desk.providers import Hit
from zhunsheng.web.portal.queries import draws, firms, results

SHORTEST = 2
LIMIT = 20


def find(text: str) -> list[Hit]:
    """Hits in order: draws and results with this number, then firms, then what the other rooms know. Each address once."""
    found: dict[str, Hit] = {}
    hits = [*_numbers(text), *_firms(text), *providers.public_search(text)]
    for hit in hits:
        found.setdefault(hit.url, hit)
    return list(found.values())


def _numbers(text: str) -> list[Hit]:
    hits = []
    for draw in draws.all_draws().filter(no__icontains=text).order_by("-announced_at", "-pk")[:LIMIT]:
        title = _("抽取 %(no)s") % {"no": draw.no}
        note = f"{draw.plan.name} · {draw.get_state_display()}"
        hits.append(Hit(title, gettext_lazy("随机抽查"), reverse("portal:draw", args=[draw.no]), note))
    for visit in results.published().filter(no=text):
        note = f"{visit.entity.name} · {day(visit.visited_on)} · {named(visit.result)}"
        hits.append(Hit(visit.no, gettext_lazy("检查结果"), reverse("portal:result", args=[visit.no]), note))
    return hits


def _firms(text: str) -> list[Hit]:
    return [
        Hit(
            entity.name, gettext_lazy("企业"), firms.firm_url(entity),
            f"{firms.address_code(entity.unit_id)} · {named(entity.division)} · {entity.get_status_display()}",
        )
        for entity in firms.matching(text, LIMIT)
    ]  # fmt: skip
