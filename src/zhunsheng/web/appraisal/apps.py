from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AppraisalConfig(AppConfig):
    name = "zhunsheng.web.appraisal"
    verbose_name = _("目标与考核")

    def ready(self) -> None:
        from zhunsheng.web.appraisal import providers
        from zhunsheng.web.desk.providers import add_tasks

        add_tasks(providers.tasks)
