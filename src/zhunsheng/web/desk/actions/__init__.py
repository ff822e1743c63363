"""The only writers of the desk."""

from zhunsheng.web.desk.actions.attachments import attach, public_copy, sweep_attachments
from zhunsheng.web.desk.actions.bulk import confirm, discard, go_on, plan
from zhunsheng.web.desk.actions.deliveries import deliver, resend
from zhunsheng.web.desk.actions.digests import make_digests
from zhunsheng.web.desk.actions.jobs import tick
from zhunsheng.web.desk.actions.notices import notify, read_notices
from zhunsheng.web.desk.actions.preferences import close_calendar, open_calendar, set_preferences
from zhunsheng.web.desk.actions.searching import catch_up, index, reindex, unfollowed
from zhunsheng.web.desk.actions.views import delete_view, save_view

__all__ = [
    "attach",
    "catch_up",
    "close_calendar",
    "confirm",
    "deliver",
    "delete_view",
    "discard",
    "go_on",
    "index",
    "make_digests",
    "notify",
    "open_calendar",
    "plan",
    "public_copy",
    "read_notices",
    "reindex",
    "resend",
    "save_view",
    "set_preferences",
    "sweep_attachments",
    "tick",
    "unfollowed",
]
