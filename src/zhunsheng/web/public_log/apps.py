from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PublicLogConfig(AppConfig):
    name = "zhunsheng.web.public_log"
    verbose_name = _("公开存证日志")

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from zhunsheng.web.common import trail
        from zhunsheng.web.public_log import guards
        from zhunsheng.web.public_log.actions import record

        trail.record_with(record)
        post_migrate.connect(guards.install, sender=self, dispatch_uid="public_log.guards")
