from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InspectionConfig(AppConfig):
    name = "zhunsheng.web.inspection"
    verbose_name = _("双随机检查")

    def ready(self) -> None:
        from zhunsheng.web.desk import importing
        from zhunsheng.web.desk import providers as desk
        from zhunsheng.web.inspection import imports, imports_upstream, providers

        importing.register(imports.KIND)
        importing.register(imports_upstream.KIND)
        desk.add_tasks(providers.tasks)
        desk.add_staff_search(providers.staff_search)
        desk.add_public_search(providers.public_search)
        for section in providers.SECTIONS:
            desk.add_section(section)
