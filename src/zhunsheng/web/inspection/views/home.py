"""概览: what waits for me, what is under way."""

import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from zhunsheng.web.inspection import policy, queries
from zhunsheng.web.inspection.models import Draw, Plan
from zhunsheng.web.inspection.views.draws import state_of
from zhunsheng.web.inspection.views.pages import see, tabs
from zhunsheng.web.people.queries import UserRequest


@require_GET
def home(request: UserRequest) -> HttpResponse:
    see(request)
    user, today = request.user, timezone.localdate()
    year = (datetime.date(today.year, 1, 1), datetime.date(today.year, 12, 31))
    visits = queries.visible_visits(user)
    overdue = visits.filter(queries.late(today), published_at__isnull=True).count()
    open_follow_ups = queries.open_follow_ups().filter(visit__in=visits.order_by().values("pk"))
    draws = list(queries.visible_draws(user).order_by("-announced_at", "-pk")[:8])
    plans = list(queries.visible_plans(user).exclude(state=Plan.State.CLOSED).order_by("ends_on", "pk")[:8])
    done = queries.plan_progress(plans)
    on_time = queries.on_time_publication(*year, on=today)
    return render(request, "inspection/home.html", {
        "tabs": tabs("home"),
        "figures": [
            {"label": _("我的任务"), "value": queries.my_tasks(user).count(), "url": reverse("inspection:my_tasks")},
            {"label": _("待我审核"), "value": queries.decided_by(user, queries.to_review()).count(), "url": reverse("inspection:review_queue")},
            {"label": _("待我公示"), "value": queries.decided_by(user, queries.to_publish()).count(), "url": reverse("inspection:publish_queue")},
            {"label": _("超期未公示"), "value": overdue, "url": f"{reverse('inspection:visits')}?late=true", "kind": "bad" if overdue else ""},
            {"label": _("后续处理在办"), "value": open_follow_ups.count(), "url": f"{reverse('inspection:follow_ups')}?state=open"},
            {"label": _("待抽取"), "value": queries.visible_draws(user).filter(state=Draw.State.ANNOUNCED).count(),
             "url": f"{reverse('inspection:draws')}?state=announced"},
        ],
        "draws": [{"draw": one, "state": state_of(one)} for one in draws],
        "plans": [{"plan": one, "progress": done.get(one.pk)} for one in plans],
        "year": today.year, "on_time": on_time, "given_up": queries.abandonment(*year), "completion": queries.plan_completion(*year),
        "book": queries.rule_book_on(today),
        "may_plan": policy.may_draft_plan(user),
    })  # fmt: skip
