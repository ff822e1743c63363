"""Who may see and decide import runs."""

from django.db.models import QuerySet

from zhunsheng.web.desk.models import ImportRun
from zhunsheng.web.people.models import User
from zhunsheng.web.people.policy import may_work
from zhunsheng.web.people.queries import has_role


def may_see(user: User, run: ImportRun) -> bool:
    """The one who uploaded it; an auditor sees every run."""
    return run.created_by_id == user.pk or has_role(user, "auditor")


def may_decide(user: User, run: ImportRun) -> bool:
    return run.created_by_id == user.pk and may_work(user)


def visible_to(user: User) -> QuerySet[ImportRun]:
    return ImportRun.objects.all() if has_role(user, "auditor") else ImportRun.objects.filter(created_by=user)
