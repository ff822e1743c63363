from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LawConfig(AppConfig):
    name = "zhunsheng.web.law"
    verbose_name = _("规则与修改")

    def ready(self) -> None:
        import datetime

        from zhunsheng.web.common import law
        from zhunsheng.web.desk.providers import add_staff_search, add_tasks
        from zhunsheng.web.desk.ticking import add_job
        from zhunsheng.web.law import providers, queries, tasks

        law.read_with(queries.edition, queries.overlay)
        add_tasks(providers.tasks)
        add_staff_search(providers.search)
        add_job(
            "law.recount", tasks.recount, every=datetime.timedelta(minutes=10), label=_("按修改后的规则重新计算期限"), atomic=False,
        )  # fmt: skip
