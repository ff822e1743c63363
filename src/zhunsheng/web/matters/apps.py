from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MattersConfig(AppConfig):
    name = "zhunsheng.web.matters"
    verbose_name = _("办件")

    def ready(self) -> None:
        from zhunsheng.web.desk import bulk as desk_bulk
        from zhunsheng.web.desk import providers as desk
        from zhunsheng.web.desk import searching
        from zhunsheng.web.documents import policy as documents
        from zhunsheng.web.matters import bulk, jobs, providers
        from zhunsheng.web.matters.views import firm

        jobs.register()
        desk.add_tasks(providers.tasks)
        desk.add_deadlines(providers.deadlines)
        desk.add_attachment_guard(providers.may_see_attachment)
        documents.add_handlers("matter", providers.may_read_document)
        documents.add_openness("matter", providers.is_open)
        searching.add_source(providers.SOURCE)
        desk_bulk.add_bulk(bulk.HAND_OVER)
        desk_bulk.add_bulk(bulk.STEP)
        for section in (*providers.SECTIONS, firm.SECTION):
            desk.add_section(section)
