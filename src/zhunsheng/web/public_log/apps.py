from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PublicLogConfig(AppConfig):
    name = "zhunsheng.web.public_log"
    verbose_name = _("公开存证日志")
