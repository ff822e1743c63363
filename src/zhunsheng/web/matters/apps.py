from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MattersConfig(AppConfig):
    name = "zhunsheng.web.matters"
    verbose_name = _("办件")

    def ready(self) -> None:
        from zhunsheng.web.matters import jobs

        jobs.register()
