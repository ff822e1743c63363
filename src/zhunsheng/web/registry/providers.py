"""What the register hangs into the desk: search results for staff and for the public."""

from collections.abc import Iterator

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhunsheng.web.common.templatetags.zs import named
from zhunsheng.web.desk.providers import Hit
from zhunsheng.web.people.models import User
from zhunsheng.web.registry import policy
from zhunsheng.web.registry.models import BusinessEntity
from zhunsheng.web.registry.queries import containing, division_name, divisions, inspectors_visible_to, visible_to

FOUND = 20


def public_url(entity: BusinessEntity) -> str:
    """The entity's public page; '' where the portal is not installed."""
    try:
        return reverse("portal:firm", args=[entity.unit_id])
    except NoReverseMatch:
        return ""


def staff_search(user: User, text: str) -> Iterator[Hit]:
    """Entities and inspectors that the user may see."""
    if not policy.may_see(user):
        return
    places = divisions()
    for entity in visible_to(user).filter(containing(text)).order_by("name", "id")[:FOUND]:
        where = division_name(places, entity.division_id)
        note = " · ".join(filter(None, [entity.code, where, entity.get_status_display()]))
        yield Hit(entity.name, _("经营主体"), reverse("registry:entity", args=[entity.pk]), note)
    people = inspectors_visible_to(user)
    for inspector in (people.filter(name__icontains=text) | people.filter(person_no__icontains=text)).order_by(
        "person_no"
    )[:FOUND]:
        yield Hit(
            str(inspector), _("检查人员"), reverse("registry:inspector", args=[inspector.pk]), named(inspector.office)
        )


def public_search(text: str) -> Iterator[Hit]:
    """Name, code and state of entities: what the registration authority publishes, and nothing of ours."""
    for entity in BusinessEntity.objects.filter(containing(text)).order_by("name", "id")[:FOUND]:
        yield Hit(
            entity.name,
            pgettext_lazy("list", "企业"),
            public_url(entity),
            " · ".join([entity.code, str(entity.get_status_display())]),
        )
