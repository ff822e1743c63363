"""A kept file, for those who may see the record that keeps it. For everybody else it is not there."""

from django.http import FileResponse, Http404
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from zhunsheng.web.desk.attachments.access import may_see_attachment
from zhunsheng.web.desk.attachments.serving import Copy, respond
from zhunsheng.web.desk.models import Attachment
from zhunsheng.web.people.queries import UserRequest


@require_GET
def attachment(request: UserRequest, pk: int) -> FileResponse:
    return _send(request, pk, "original")


@require_GET
def thumbnail(request: UserRequest, pk: int) -> FileResponse:
    return _send(request, pk, "thumbnail")


def _send(request: UserRequest, pk: int, copy: Copy) -> FileResponse:
    found = get_object_or_404(Attachment, pk=pk)
    if not may_see_attachment(request.user, found):
        raise Http404  # whether there is such a file is nobody else's business
    return respond(found, copy=copy, download="download" in request.GET)
