from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeskConfig(AppConfig):
    name = "zhunsheng.web.desk"
    verbose_name = _("工作台")

    def ready(self) -> None:
        from zhunsheng.web.common import context, telling
        from zhunsheng.web.desk import jobs, queries, searching, tasks
        from zhunsheng.web.desk.actions import bulk, deliveries, notify
        from zhunsheng.web.desk.actions.searching import follow, wake_index_with
        from zhunsheng.web.public_log.actions import follow_with

        telling.tell_with(notify)
        context.count_notices_with(queries.unread_count)
        context.list_views_with(queries.views_of)
        for source in queries.SOURCES:
            searching.add_source(source)
        follow_with(follow)
        wake_index_with(tasks.catch_up_index.enqueue)
        deliveries.wake_with(tasks.send_waiting.enqueue)
        bulk.wake_bulk_with(tasks.go_on_with_bulk.enqueue)
        jobs.register()
