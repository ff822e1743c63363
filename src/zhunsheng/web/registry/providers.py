"""What the register hangs into the desk: what staff may find, and search results for the public."""

from collections.abc import Iterator

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from zhunsheng.web.desk.providers import Hit
from zhunsheng.web.desk.searching import Source
from zhunsheng.web.people.models import User
from zhunsheng.web.registry import policy
from zhunsheng.web.registry.models import BusinessEntity, Inspector
from zhunsheng.web.registry.queries import containing, inspectors_visible_to, visible_to

FOUND = 20


def public_url(entity: BusinessEntity) -> str:
    """The entity's public page; '' where the portal is not installed."""
    try:
        return reverse("portal:firm", args=[entity.unit_id])
    except NoReverseMatch:
        return ""


def _entities_for(user: User) -> QuerySet[BusinessEntity]:
    return visible_to(user) if policy.may_see(user) else BusinessEntity.objects.none()


def _inspectors_for(user: User) -> QuerySet[Inspector]:
    return inspectors_visible_to(user) if policy.may_see(user) else Inspector.objects.none()


def _entity_text(entity: BusinessEntity) -> str:
    """Code, places and tags, a line each; of the premises what is not said already."""
    said = [
        entity.code,
        entity.division.name if entity.division else "",
        entity.address,
        entity.tags,
        entity.upstream_no,
    ]
    for one in entity.premises.all():
        said += [part for part in (one.name, one.address) if part not in (entity.name, *said)]
    return "\n".join(filter(None, said))


#: what the register lets staff find
SOURCES = (
    Source(
        "entity",
        _("经营主体"),
        rows=lambda: BusinessEntity.objects.select_related("division").prefetch_related("premises"),
        visible_to=_entities_for,
        title=lambda entity: entity.name,
        text=_entity_text,
        url=lambda entity: reverse("registry:entity", args=[entity.pk]),
        subjects={"entity": "pk"},
        order=10,
    ),
    Source(
        "inspector",
        _("检查人员"),
        rows=lambda: Inspector.objects.select_related("office"),
        visible_to=_inspectors_for,
        title=lambda inspector: inspector.name,
        text=lambda inspector: "\n".join([inspector.person_no, inspector.office.name, inspector.certificate_no]),
        url=lambda inspector: reverse("registry:inspector", args=[inspector.pk]),
        subjects={"inspector": "pk"},
        order=70,
    ),
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
