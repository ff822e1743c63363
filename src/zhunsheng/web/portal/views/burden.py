"""How often the city's firms are inspected, as figures of a year."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.portal.queries import burden as queries
from zhunsheng.web.portal.views.serving import Missing, public


@public
def burden(request: HttpRequest, year: int | None = None) -> HttpResponse:
    today = timezone.localdate()
    years = queries.years(today)
    chosen = year or today.year
    if chosen not in years:
        raise Missing(_("%(year)s 年没有检查记录。") % {"year": chosen})
    found = queries.figures(chosen)
    return render(request, "portal/burden.html", {
        "year": chosen, "figures": found, "top": queries.TOP,
        "tabs": [
            {"label": str(one), "url": reverse("portal:burden_year", args=[one]), "current": one == chosen} for one in years
        ],
        "why": {
            "sentence": _("上限由全市事先公布，各企业相同；几个部门一起去，只算一次；因投诉举报、事故、交办而起的检查不计入。"),
            "rule": named(found.limit), "version": "inspection/burden", "source": found.limit["source"],
            "confidence": found.limit.confidence, "inputs": [(_("每年次数上限"), found.city.cap)],
            "url": reverse("portal:method", args=["burden"]),
        },
    })  # fmt: skip
