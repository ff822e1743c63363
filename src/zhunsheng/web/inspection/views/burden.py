"""The burden meter for the office: all firms visited this year, and one firm's year."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.inspection import actions, policy, queries
from zhunsheng.web.inspection.forms.filters import BurdenFilter
from zhunsheng.web.inspection.forms.visits import DocumentRequestForm
from zhunsheng.web.inspection.providers import level_tag
from zhunsheng.web.inspection.views.pages import form_page, see, tabs
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.registry.queries import visible_to


@require_GET
def burden(request: UserRequest) -> HttpResponse:
    """Firms visited in the calendar year, the most visited first."""
    see(request)
    year = timezone.localdate().year
    city = queries.city_burden(year)
    visible = visible_to(request.user).order_by().values("pk")
    listing = Listing(
        request=request, queryset=queries.burdened(year).filter(pk__in=visible), name="burden", title=_("企业检查负担"),
        filterset_class=BurdenFilter, default_sort="-counted", url=lambda one: f"{reverse('registry:entity', args=[one.pk])}#section-burden",
        columns=[
            Column("name", gettext_lazy("名称"), lambda one: one.name, order="name"),
            Column("unit_id", gettext_lazy("主体标识"), lambda one: one.unit_id, order="unit_id", hidden=True),
            Column("counted", gettext_lazy("计入上限的检查"), lambda one: one.counted, order="counted", numeric=True),
            Column("level", gettext_lazy("与上限相比"), lambda one: one.counted - city.cap, html=lambda one: level_tag(one.counted, city.cap)),
            Column("for_cause", gettext_lazy("因事由的检查"), lambda one: one.for_cause, order="for_cause", numeric=True),
            Column("asked", gettext_lazy("索取材料份数"), lambda one: one.asked, order="asked", numeric=True),
        ],
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    return render(
        request,
        "inspection/burden.html",
        {"listing": listing, "tabs": tabs("burden"), "title": _("企业检查负担"), "city": city, "year": year},
    )


@require_http_methods(["GET", "POST"])
def request_documents(request: UserRequest, pk: int) -> HttpResponse:
    """Papers asked of a firm apart from a visit."""
    see(request)
    entity = get_object_or_404(visible_to(request.user), pk=pk)
    if not policy.may_request_documents(request.user):
        raise PermissionDenied(_("索取材料由各机构的经办人员、检查人员或负责人登记。"))
    back = f"{reverse('registry:entity', args=[pk])}#section-burden"
    today = timezone.localdate()

    def save(form: Any) -> HttpResponse:
        asked = form.cleaned_data
        actions.request_documents(
            entity, asked["documents"], by=request.user, at=timezone.now(), requested_on=asked["requested_on"], reason=asked["reason"]
        )  # fmt: skip
        messages.success(request, _("已登记，企业可以看到"))
        return redirect(back)

    return form_page(
        request, lambda data, initial: DocumentRequestForm(data, initial=initial, on=today), save, title=_("登记索取材料"), submit=_("登记"),
        back=back, crumbs=[(_("企业检查负担"), reverse("inspection:burden")), (entity.name, back)], initial={"requested_on": today},
        lead=_("先查一查：政府已有的、别的部门刚要过的，不再向企业要。"),
    )  # fmt: skip
