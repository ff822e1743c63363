from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PublicLogConfig(AppConfig):
    name = "zhunsheng.web.public_log"
    verbose_name = _("公开存证日志")

    def ready(self) -> None:
        from zhunsheng.web.common import trail
        from zhunsheng.web.public_log.actions import record

        trail.record_with(record)
