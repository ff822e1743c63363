"""Who may see, write, void a document. Those of the issuing office; auditors look on; nobody else."""

from collections.abc import Callable

from django.db.models import QuerySet

from zhunsheng.web.documents.models import IssuedDocument, State
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.people.policy import may_work
from zhunsheng.web.people.queries import Person, has_role, offices_of

WRITERS = ("member", "inspector", "reviewer", "head", "lead_office")


def sees_all(user: Person) -> bool:
    """Auditors, and whoever runs the platform: the documents of every office."""
    return (isinstance(user, User) and user.is_active and user.is_superuser) or has_role(user, "auditor")


def may_enter(user: Person) -> bool:
    """Sees the room at all."""
    return may_work(user)


def may_see(user: Person, document: IssuedDocument) -> bool:
    """Whoever works in the issuing office, and auditors."""
    return sees_all(user) or has_role(user, *WRITERS, "leader", office=document.office)


def visible(user: Person, documents: "QuerySet[IssuedDocument]") -> "QuerySet[IssuedDocument]":
    """Those of `documents` that the user may see."""
    if sees_all(user):
        return documents
    return documents.filter(office__in=offices_of(user, (*WRITERS, "leader")))


#: type of a subject → whether a user handles the subject with this id; the rooms above fill it when they load
_handles: dict[str, Callable[[User, str], bool]] = {}


def add_handlers(subject_type: str, handles: Callable[[User, str], bool]) -> None:
    """Says who handles subjects of a type, such as matters: they may read the protected documents that belong to one."""
    _handles[subject_type] = handles


def may_read(user: Person, document: IssuedDocument) -> bool:
    """Reads the text. A protected one: who issued it, who handles its subject, and the head of the office; not auditors."""
    if not document.protected:
        return may_see(user, document)
    if not isinstance(user, User) or not may_see(user, document):
        return False
    handles = _handles.get(document.subject_type)
    return (
        document.issued_by_id == user.pk
        or has_role(user, "head", office=document.office)
        or (handles is not None and handles(user, document.subject_id))
    )


def may_issue(user: Person, office: Office | None = None) -> bool:
    """Writes a document of the office outside a procedure's step: its officers (of any office where none is named)."""
    return has_role(user, *WRITERS, office=office)


def may_void(user: Person, document: IssuedDocument) -> bool:
    """The head of the issuing office declares a document void or replaces it, while it stands."""
    return document.state == State.ISSUED and has_role(user, "head", office=document.office)


#: type of a subject → whether the subject with this id is open to the public; the rooms above fill it when they load
_open: dict[str, Callable[[str], bool]] = {}


def add_openness(subject_type: str, is_open: Callable[[str], bool]) -> None:
    """Says which subjects of a type have a class of publicity that was approved as open to everyone."""
    _open[subject_type] = is_open


def subject_is_open(document: IssuedDocument) -> bool:
    """Whether nothing in the publicity of what the document belongs to stands against showing its text."""
    is_open = _open.get(document.subject_type)
    return is_open is None or is_open(document.subject_id)


def may_disclose(user: Person, document: IssuedDocument) -> bool:
    """The head shows the text of a document to the public, where it can name no natural person and the class of what it
    belongs to was approved as open."""
    return (
        document.state == State.ISSUED
        and not document.personal
        and not document.public
        and has_role(user, "head", office=document.office)
        and subject_is_open(document)
    )
