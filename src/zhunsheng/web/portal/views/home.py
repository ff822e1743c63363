"""The first page, and the one search box of the public."""

from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from zhunsheng.web.appraisal.views import board
from zhunsheng.web.portal.queries import draws, results, scoreboard, search
from zhunsheng.web.portal.views.serving import asked, public
from zhunsheng.web.public_log import queries as log
from zhunsheng.web.registry.models import BusinessEntity

NEWEST = 8


@public
def home(request: HttpRequest) -> HttpResponse:
    text = asked(request, "q")
    if text:
        return _found(request, text)
    now = timezone.now()
    newest = list(results.published().order_by("-published_at", "-pk")[:NEWEST])
    snapshot = scoreboard.newest()
    return render(request, "portal/home.html", {
        "draws": [{"draw": draw, "tags": draws.stage_tags(draw), "next": draws.next_step(draw, now)} for draw in draws.current()],
        "month": draws.this_month(),
        "results": [
            {"visit": visit, "organ": results.organ(visit), "tag": results.result_tag(visit)} for visit in newest
        ],
        "snapshot": snapshot,
        "headline": _headline(board(snapshot)) if snapshot else None,
        "head": log.head(),
        "firms": BusinessEntity.objects.count(),
    })  # fmt: skip


def _headline(content: dict) -> dict:  # type: ignore[type-arg]
    """The counts of targets by status, and the one rate with a sampling design behind it."""
    counts: dict[tuple[str, str], int] = {}
    for row in content["targets"]:
        key = (row["kind"], str(row["word"]))
        counts[key] = counts.get(key, 0) + 1
    rate = next((row for row in content["figures"] if row["rate"] and row["denominator"]), None)
    return {"counts": [{"kind": kind, "label": word, "value": n} for (kind, word), n in counts.items()], "rate": rate}


def _found(request: HttpRequest, text: str) -> HttpResponse:
    short = len(text) < search.SHORTEST
    hits = [] if short else search.find(text)
    groups: dict[str, list] = {}  # type: ignore[type-arg]
    for hit in hits:
        groups.setdefault(str(hit.kind), []).append(hit)
    return render(request, "portal/search.html", {
        "q": text, "short": short, "groups": list(groups.items()), "total": len(hits), "limit": search.LIMIT,
    })  # fmt: skip


@public
def robots(request: HttpRequest) -> HttpResponse:
    """Everything public may be read by programs; the way in is of no use to them."""
    lines = ["User-agent: *", "Disallow: /login/", "Disallow: /language/", "Allow: /", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")


@public
def favicon(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(staticfiles_storage.url("favicon.svg"))
