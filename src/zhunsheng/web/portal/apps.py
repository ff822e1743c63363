from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "zhunsheng.web.portal"
    verbose_name = _("公众门户")

    def ready(self) -> None:
        from zhunsheng.web.desk import providers
        from zhunsheng.web.portal.views.matters import SECTION

        providers.add_section(SECTION)
