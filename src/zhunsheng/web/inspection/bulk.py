"""What can be done with many records of checks at once: pass the review, publish. Every rule is that of the single act."""

import datetime

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from zhunsheng.web.desk.bulk import Bulk, Values
from zhunsheng.web.inspection import actions, policy, queries
from zhunsheng.web.inspection.forms.filters import VisitFilter
from zhunsheng.web.inspection.models import Visit
from zhunsheng.web.people.models import User
from zhunsheng.web.people.queries import has_role


def _rows(user: User, query: QueryDict) -> QuerySet[Visit]:
    """The list of records as the user sees it under the filter; none where the filter cannot be read."""
    found = VisitFilter(
        query, queryset=queries.visits_with_team(queries.visible_visits(user)).order_by("publish_due", "pk")
    )
    rows: QuerySet[Visit] = found.qs if found.is_valid() else Visit.objects.none()
    return rows


def _may_publish(visit: Visit, user: User, values: Values) -> list[str]:
    if visit.state in {Visit.State.PUBLISHED, Visit.State.CORRECTED}:
        return [_("已经公示。")]
    if not policy.may_publish(user, visit):
        return [_("须由承办机构的审核人或负责人公示，录入人和检查组成员不能公示。")]
    if visit.state != Visit.State.REVIEWED:
        return [_("尚未审核通过。")]
    if visit.task is not None and visit.task.draw.secret:
        return [_("抽取还没有开封，公示会泄露抽中名单。")]
    return []


def _may_review(visit: Visit, user: User, values: Values) -> list[str]:
    if visit.state in {Visit.State.REVIEWED, Visit.State.PUBLISHED, Visit.State.CORRECTED}:
        return [_("已经审核通过。")]
    if not policy.may_review(user, visit):
        return [_("须由承办机构的审核人或负责人审核，录入人和检查组成员不能审核。")]
    return [] if visit.state == Visit.State.SUBMITTED else [_("还没有提交审核。")]


def _publish(visit: Visit, *, by: User, at: datetime.datetime, values: Values) -> None:
    actions.publish_visit(visit, by=by, at=at)


def _review(visit: Visit, *, by: User, at: datetime.datetime, values: Values) -> None:
    actions.review_visit(visit, by=by, at=at)


def _decides(user: User) -> bool:
    return has_role(user, "reviewer", "head")


def _title(visit: Visit) -> str:
    return f"{visit.no} {visit.entity.name}"


def _url(visit: Visit) -> str:
    return reverse("inspection:visit", args=[visit.pk])


REVIEW = Bulk(
    "inspection.review", gettext_lazy("批量审核通过"), gettext_lazy("审核通过后不能再退回。"),
    allowed=_decides, rows=_rows, check=_may_review, do=_review, title=_title, url=_url,
)  # fmt: skip
PUBLISH = Bulk(
    "inspection.publish", gettext_lazy("批量公示"), gettext_lazy("公示后不能撤回，只能更正；更正前后的结果都保留。"),
    allowed=_decides, rows=_rows, check=_may_publish, do=_publish, title=_title, url=_url, step_up="publish",
)  # fmt: skip
