"""One business entity, as the public may see it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from zhunsheng.web.desk import providers
from zhunsheng.web.inspection.models import Visit
from zhunsheng.web.portal.queries import firms, results, units
from zhunsheng.web.portal.views.serving import Missing, public


@public
def firm(request: HttpRequest, code: str) -> HttpResponse:
    entity = firms.find(code)
    if entity is None:
        raise Missing(
            _("名录库中没有代码为“%(code)s”的企业。请核对 18 位统一社会信用代码，或按企业名称搜索。")
            % {"code": code[:80]}
        )
    visits = results.of_entity(entity.pk)
    entries = results.entries(visits)
    return render(request, "portal/firm.html", {
        "entity": entity,
        "code": firms.address_code(entity.unit_id),
        "canonical": request.build_absolute_uri(firms.firm_url(entity)),
        "facts": firms.facts(entity),
        "visits": [_row(visit, entries.get(visit.no)) for visit in visits],
        "drawn": [{"task": task, "tag": units.progress_tag(task), "withdrawn": units.withdrawn_words(task)} for task in units.of_entity(entity.pk)],
        "latest": units.latest(),
        "sections": providers.sections(entity, request, "public"),
    })  # fmt: skip


def _row(visit: Visit, entry: Any) -> dict[str, Any]:
    return {
        "visit": visit, "tag": results.result_tag(visit), "organ": results.organ(visit), "source": results.source(visit),
        "url": reverse("portal:result", args=[visit.no]), "entry": entry, "corrected": visit.state == Visit.State.CORRECTED,
    }  # fmt: skip
