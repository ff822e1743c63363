from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DocumentsConfig(AppConfig):
    name = "zhunsheng.web.documents"
    verbose_name = _("文书")

    def ready(self) -> None:
        from zhunsheng.web.desk.searching import add_source
        from zhunsheng.web.documents import providers

        add_source(providers.SOURCE)
