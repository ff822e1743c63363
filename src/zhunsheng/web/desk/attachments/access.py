"""Who may see an attachment: its owner, and whoever may see a record that keeps it (providers.add_attachment_guard)."""

from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.desk.providers import shown_by_a_record
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import Person


def may_see_attachment(user: Person, attachment: Attachment) -> bool:
    if not isinstance(user, User) or not user.is_active:
        return False
    return attachment.created_by_id == user.pk or shown_by_a_record(user, attachment)
