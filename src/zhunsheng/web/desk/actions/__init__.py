"""The only writers of the desk."""

from zhunsheng.web.desk.actions.notices import notify, read_notices
from zhunsheng.web.desk.actions.views import delete_view, save_view

__all__ = ["delete_view", "notify", "read_notices", "save_view"]
