"""Targets: approved snapshots only, as they were frozen."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from zhunsheng.web.appraisal.models import Snapshot
from zhunsheng.web.appraisal.views import board
from zhunsheng.web.portal.queries import scoreboard as queries
from zhunsheng.web.portal.queries.results import seal
from zhunsheng.web.portal.views import serving
from zhunsheng.web.portal.views.serving import Missing, public


@public
def scoreboard(request: HttpRequest, year: int | None = None) -> HttpResponse:
    years = queries.years()
    if year is not None and year not in years:
        raise Missing(_("%(year)s 年没有经批准公开的快照。") % {"year": year})
    return _page(request, queries.newest(year), years)


def _approved(no: str) -> Snapshot:
    found = queries.approved().filter(no=no).first()
    if found is None:
        raise Missing(_("没有编号为“%(no)s”的公开快照。快照经批准后才公开。") % {"no": no[:80]})
    return found


@public
def snapshot(request: HttpRequest, no: str) -> HttpResponse:
    found = _approved(no)
    return _page(request, found, queries.years())


def _page(request: HttpRequest, found: Snapshot | None, years: list[int]) -> HttpResponse:
    context: dict[str, Any] = {"snapshot": found, "years": years, "year": found.as_of.year if found else None}
    if found is not None:
        name = f"{found.no}.json"
        context |= {
            "board": board(found),
            "others": queries.approved().filter(as_of__year=found.as_of.year),
            "seal": seal(queries.entry(found)),
            "definitions": queries.definitions(),
            "why": {
                "sentence": _("快照按截至日的登记记录计算，经批准后公开，此后不再改动；有错只能公布新的快照。"),
                "rule": _("目标评价规则"), "version": board(found)["rule"], "inputs": [(_("截至"), found.as_of), ("SHA-256", found.sha256)],
                "command": f"sha256sum {name}", "url": reverse("portal:method", args=["appraisal"]),
            },
        }  # fmt: skip
    return render(request, "portal/scoreboard.html", context)


@public
def raw(request: HttpRequest, no: str) -> HttpResponseBase:
    """The snapshot byte for byte as it was hashed."""
    found = _approved(no)
    return serving.unchanged(request, found.sha256) or serving.whole(
        found.body.encode(),
        f"{found.no}.json",
        "application/json",
        found.sha256,
        cache=serving.FROZEN,
        attachment=False,
    )
