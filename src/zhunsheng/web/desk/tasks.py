"""What the worker does in the background: a thin door to the actions."""

from django.utils import timezone
from django_tasks import task

from zhunsheng.web.desk import actions


@task()
def send_waiting() -> int:
    """Sends the messages that wait in the outbox."""
    return actions.deliver(timezone.now())


@task()
def catch_up_index() -> int:
    """Reads into the search index what many acts touched at once."""
    return actions.catch_up(timezone.now())


@task()
def go_on_with_bulk() -> int:
    """Finishes the bulk runs that were confirmed."""
    return actions.go_on(timezone.now())
