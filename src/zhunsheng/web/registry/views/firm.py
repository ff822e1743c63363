"""/firm/: what the state holds on us."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from zhunsheng.web.desk import providers as desk
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.registry import queries, words
from zhunsheng.web.registry.models import FirmAccount
from zhunsheng.web.registry.providers import public_url
from zhunsheng.web.registry.views.entities import status_tag
from zhunsheng.web.registry.views.pages import allow


@require_GET
def home(request: UserRequest) -> HttpResponse:
    """Our record. The entity comes from the account and from nothing in the address, so there is no other's to ask for."""
    account = (
        FirmAccount.objects.select_related("entity__division__parent", "entity__park").filter(user=request.user).first()
    )
    allow(account is not None, _("这一页是企业账号的。工作人员请到名录库查阅"))
    assert account is not None  # noqa: S101 - for the type checker; allow() has refused
    entity = account.entity
    places = queries.divisions(request)
    return render(
        request,
        "registry/firm.html",
        {
            "entity": entity,
            "status": status_tag(entity),
            "place": queries.division_name(places, entity.division_id),
            "type": words.entity_type(entity.entity_type),
            "industry": words.industry(entity.industry),
            "premises": [(one, queries.division_name(places, one.division_id)) for one in queries.premises_of(entity)],
            "sections": desk.sections(entity, request, "firm"),
            "public_url": public_url(entity),
            "today": timezone.localdate(),
        },
    )
