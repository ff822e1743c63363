"""Who may read the audit trail. The public log itself is everyone's."""

from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import Person, has_role


def may_read_acts(user: Person) -> bool:
    """Reads who did what: auditors, the quality office, system administrators."""
    return (isinstance(user, User) and user.is_active and user.is_superuser) or has_role(
        user, "auditor", "lead_office", "sysadmin"
    )


def may_keep_log(user: Person) -> bool:
    """Looks after the log: its witnesses, the cosignatures that come as files, its key. System administrators."""
    return (isinstance(user, User) and user.is_active and user.is_superuser) or has_role(user, "sysadmin")
