"""What belongs to a special operation or a programme: gathered from the matters at hand, and summed."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from zhunsheng.web.common.errors import language
from zhunsheng.web.matters import actions, operations, queries, words
from zhunsheng.web.matters.models import Matter, MatterLink
from zhunsheng.web.matters.views.pages import crumbs_of, matter_of
from zhunsheng.web.matters.views.stats import money
from zhunsheng.web.people.queries import UserRequest


def section(matter: Matter) -> dict[str, Any] | None:
    """What the page of a matter that gathers others shows of them; None for other kinds."""
    if matter.procedure not in operations.GATHERS:
        return None
    rows = operations.totals(matter)
    return {
        "rows": [
            {
                "office": (row.office_en if language() == "en" and row.office_en else row.office) or _("合计"),
                "row": row,
                "fines": money(row.fines),
                "value": money(row.value),
                "whole": not row.office,
            }
            for row in rows
        ],
        "works": matter.procedure == "common_defect_programme",
    }


@require_http_methods(["GET", "POST"])
def gather(request: UserRequest, no: str) -> HttpResponse:
    """Ticks the matters that belong to it. Sent again, it changes nothing."""
    matter = matter_of(request, no)
    if matter.procedure not in operations.GATHERS or not queries.roles_in(request.user, matter):
        raise PermissionDenied(_("归入办件由专项行动、治理项目的参与机构办理"))
    found = operations.candidates(matter, queries.standing(matter), request.user)
    if request.method == "POST":
        chosen = list(found.filter(no__in=request.POST.getlist("no")[: operations.OFFERED]))
        at = timezone.now()
        for one in chosen:
            actions.link(matter, one, MatterLink.Kind.PART_OF, by=request.user, at=at)
        n = len(chosen)
        if n:
            messages.success(request, ngettext("已归入 %(n)s 个办件", "已归入 %(n)s 个办件", n) % {"n": n})
        else:
            messages.warning(request, _("没有选择办件"))
        return redirect(f"{matter.get_absolute_url()}#operation")
    shown = list(found[: operations.OFFERED + 1])
    rows = [
        {
            "matter": one,
            "kind": words.kind_name(one.procedure),
            "state": words.state_name(queries.procedure_of(one), one.state),
        }
        for one in shown[: operations.OFFERED]
    ]
    more = len(shown) > operations.OFFERED
    return render(
        request,
        "matters/gather.html",
        {"matter": matter, "crumbs": crumbs_of(matter), "rows": rows, "more": more, "offered": operations.OFFERED},
    )
