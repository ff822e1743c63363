from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeskConfig(AppConfig):
    name = "zhunsheng.web.desk"
    verbose_name = _("工作台")

    def ready(self) -> None:
        from zhunsheng.web.common import context, telling
        from zhunsheng.web.desk import providers, queries
        from zhunsheng.web.desk.actions import notify

        telling.tell_with(notify)
        context.count_notices_with(queries.unread_count)
        context.list_views_with(queries.views_of)
        providers.add_staff_search(queries.find_people_and_offices)
