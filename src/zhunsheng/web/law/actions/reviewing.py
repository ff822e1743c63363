"""The owner looked again, and there is nothing to change."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from zhunsheng.engine.clock import CHINA
from zhunsheng.web.common.errors import NotAllowed, Refused
from zhunsheng.web.law import policy, queries
from zhunsheng.web.law.models import Review
from zhunsheng.web.people.models import User
from zhunsheng.web.public_log.actions import record


def review(table: str, *, reason: str, by: User, at: datetime.datetime) -> Review:
    """Records that a table or procedure was looked at again and stays as it is. The same words on the same day, by the same
    person, are recorded once."""
    day = at.astimezone(CHINA).date()
    if table not in queries.names():
        raise Refused(_("没有这张表"))
    if not policy.may_review(by, table, day):
        raise NotAllowed(_("由这项规则的责任人复核"))
    reason = reason.strip()
    if not reason:
        raise Refused(_("请写明复核了什么、依据什么认为不须修改"), field="reason")
    if len(reason) > 500:
        raise Refused(_("复核说明最多 %(n)s 字") % {"n": 500}, field="reason")
    with transaction.atomic():
        last = Review.objects.select_for_update().filter(table=table).first()
        if last is not None and (last.by_id, last.reason, last.at.astimezone(CHINA).date()) == (by.pk, reason, day):
            return last
        made = Review.objects.create(table=table, reason=reason, by=by, at=at)
        record("law.review", "law", table, by=by, at=at, rule=table, reason=reason)
    return made
