"""Divisions as a tree, and parks."""

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import day, named
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.registry import policy, queries, words
from zhunsheng.web.registry.models import Park
from zhunsheng.web.registry.views.pages import allow


@require_GET
def divisions(request: UserRequest) -> HttpResponse:
    """The tree with the number of entities in each place, each number a link to its list."""
    allow(policy.may_see(request.user), _("名录库由工作人员查阅"))
    places, without = queries.place_tree(request.user, queries.divisions(request))
    return render(
        request, "registry/divisions.html", {"places": places, "without": without, "today": timezone.localdate()}
    )


@require_GET
def parks(request: UserRequest) -> HttpResponse:
    """The parks with their days and how many entities the user may see in each."""
    allow(policy.may_see(request.user), _("名录库由工作人员查阅"))
    places = queries.divisions(request)
    counts = dict(
        queries.visible_to(request.user)
        .filter(park__isnull=False)
        .order_by()
        .values_list("park")
        .annotate(n=Count("pk"))
    )
    listing = Listing(
        request,
        Park.objects.all(),
        [
            Column("name", _("名称"), lambda one: named(one), order="name"),
            Column("code", _("代码"), lambda one: one.code, order="code"),
            Column("kind", _("类别"), lambda one: str(words.park_kind(one.kind))),
            Column("division", _("所在区划"), lambda one: queries.division_name(places, one.division_id)),
            Column("count", _("经营主体数"), lambda one: counts.get(one.pk, 0), numeric=True),
            Column("from", _("生效日期"), lambda one: one.valid_from, html=lambda one: day(one.valid_from)),
            Column("to", _("失效日期"), lambda one: one.valid_to, html=lambda one: day(one.valid_to)),
            Column("source", _("依据"), lambda one: one.source, hidden=True),
        ],
        name=_("园区"),
        title=pgettext("list", "园区"),
        default_sort="code",
        url=lambda one: f"{reverse('registry:home')}?park={one.pk}",
        empty_text=_("还没有园区。园区来自城市配置表。"),
    )
    return listing.export() if listing.wants_export else render(request, "registry/parks.html", {"listing": listing})
