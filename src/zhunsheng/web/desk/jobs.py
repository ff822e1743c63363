"""The desk's own jobs."""

import datetime

from django.conf import settings
from django.core.management import call_command
from django.utils.translation import gettext_lazy as _

from zhunsheng.web.desk import actions
from zhunsheng.web.desk.actions.jobs import sweep_notes
from zhunsheng.web.desk.actions.notices import sweep_notices
from zhunsheng.web.desk.ticking import Daily, add_job
from zhunsheng.web.public_log.actions import sequence

FIVE_MINUTES = datetime.timedelta(minutes=5)
#: an hour at which nobody works
NIGHT = 3


def register() -> None:
    add_job("desk.log", lambda at: sequence(), every=FIVE_MINUTES, label=_("给公开存证条目编号"), atomic=False)
    add_job("desk.deliveries", actions.deliver, every=FIVE_MINUTES, label=_("发送消息"), atomic=False)
    add_job("desk.bulk", actions.go_on, every=FIVE_MINUTES, label=_("接着办理批量任务"), atomic=False)
    add_job(
        "desk.digests", actions.make_digests, every=Daily(settings.DIGEST_HOUR, catch_up=False), label=_("每日摘要"),
        atomic=False,
    )  # fmt: skip
    add_job("desk.search", actions.catch_up, every=FIVE_MINUTES, label=_("补建检索条目"), atomic=False)
    add_job(
        "desk.attachments", actions.sweep_attachments, every=Daily(NIGHT, catch_up=False), label=_("清除无人使用的附件")
    )
    add_job("desk.sweep", sweep, every=Daily(NIGHT, catch_up=False), label=_("清理旧通知和运行记录"), atomic=False)


def sweep(at: datetime.datetime) -> int:
    """Throws away what nobody looks at any more: notices read long ago, notes of jobs, done tasks of the worker."""
    if settings.TASKS["default"]["BACKEND"].startswith("django_tasks_db."):
        call_command("prune_db_task_results", min_age_days=7, verbosity=0)
    return sweep_notices(at) + sweep_notes(at)
