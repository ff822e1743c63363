from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InspectionConfig(AppConfig):
    name = "zhunsheng.web.inspection"
    verbose_name = _("双随机检查")

    def ready(self) -> None:
        from zhunsheng.web.desk import bulk as desk_bulk
        from zhunsheng.web.desk import importing, searching
        from zhunsheng.web.desk import providers as desk
        from zhunsheng.web.inspection import bulk, imports, imports_upstream, providers

        importing.register(imports.KIND)
        importing.register(imports_upstream.KIND)
        desk.add_tasks(providers.tasks)
        desk.add_deadlines(providers.deadlines)
        for source in providers.SOURCES:
            searching.add_source(source)
        desk.add_public_search(providers.public_search)
        desk_bulk.add_bulk(bulk.REVIEW)
        desk_bulk.add_bulk(bulk.PUBLISH)
        for section in providers.SECTIONS:
            desk.add_section(section)
