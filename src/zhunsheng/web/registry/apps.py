from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RegistryConfig(AppConfig):
    name = "zhunsheng.web.registry"
    verbose_name = _("名录库")

    def ready(self) -> None:
        from zhunsheng.web.desk import importing, searching
        from zhunsheng.web.desk import providers as desk
        from zhunsheng.web.registry import imports, providers

        for kind in imports.KINDS:
            importing.register(kind)
        for source in providers.SOURCES:
            searching.add_source(source)
        desk.add_public_search(providers.public_search)
