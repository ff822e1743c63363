"""What the room hangs into the desk: documents are found by their number and kind."""

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.desk.searching import Source
from zhunsheng.web.documents import policy
from zhunsheng.web.documents.models import IssuedDocument
from zhunsheng.web.people.models import User


def _visible(user: User) -> QuerySet[IssuedDocument]:
    documents = IssuedDocument.objects.all()
    return policy.visible(user, documents) if policy.may_enter(user) else documents.none()


def _text(document: IssuedDocument) -> str:
    """Number and kind; the title only of a document that names nobody."""
    words = [document.number, document.kind_name, "" if document.protected else document.title]
    return " ".join(filter(None, words))


SOURCE = Source(
    "document",
    _("文书"),
    rows=lambda: IssuedDocument.objects.select_related("office"),
    visible_to=_visible,
    title=lambda document: f"{document.number} {document.kind_name}",
    text=_text,
    url=lambda document: document.get_absolute_url(),
    subjects={"document": "pk"},
    order=40,
)
