from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InspectionConfig(AppConfig):
    name = "zhunsheng.web.inspection"
    verbose_name = _("双随机检查")
