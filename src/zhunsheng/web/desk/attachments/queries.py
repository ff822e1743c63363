"""Which attachments nobody keeps, and which bytes nobody needs."""

import datetime
from collections.abc import Iterable

from django.db.models import Exists, ForeignKey, OuterRef, Q, QuerySet

from zhunsheng.web.desk.models import Attachment

COPIES = ("file", "public_file", "thumbnail")


def unkept(before: datetime.datetime) -> QuerySet[Attachment]:
    """Attachments from before a moment to which no foreign key of any room points."""
    found = Attachment.objects.filter(created_at__lt=before)
    for relation in Attachment._meta.get_fields(include_hidden=True):
        field = getattr(relation, "field", None)
        if relation.auto_created and not relation.concrete and isinstance(field, ForeignKey):
            pointing = field.model._default_manager.filter(**{field.name: OuterRef("pk")})
            found = found.filter(~Exists(pointing))
    return found


def unneeded(names: Iterable[str]) -> set[str]:
    """Those of these stored files that no attachment has any more: the same bytes may be another person's file too."""
    asked = {name for name in names if name}
    needed = Q()
    for copy in COPIES:
        needed |= Q(**{f"{copy}__in": asked})
    kept = Attachment.objects.filter(needed).values_list(*COPIES) if asked else []
    return asked - {name for row in kept for name in row}
