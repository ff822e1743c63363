"""My desk: what I have to do, what happened, what I look at often."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from zhunsheng.web.common.errors import Refused, say
from zhunsheng.web.desk import actions, policy, providers, queries
from zhunsheng.web.desk.models import Notice, SavedView
from zhunsheng.web.people.queries import UserRequest, posts
from zhunsheng.web.public_log.words import tell

TASKS_SHOWN = 100
SHORTEST_QUERY = 2


@require_GET
def home(request: UserRequest) -> HttpResponse:
    user = request.user
    if user.is_firm:
        return redirect("registry:firm_home")
    if not policy.may_sit(user):
        # An account without a post in force may look after itself, and nothing else.
        return redirect("people:account")
    today = timezone.localdate()
    tasks = providers.tasks(user, today)
    single, rest = [task for task in tasks if not task.more], [task for task in tasks if task.more]
    return render(
        request,
        "desk/home.html",
        {
            "tasks": single[:TASKS_SHOWN] + rest,
            "tasks_more": max(0, len(single) - TASKS_SHOWN),
            "tasks_total": sum(task.more or 1 for task in tasks),
            "overdue": sum(task.more_overdue or (task.due_on is not None and task.due_on < today) for task in tasks),
            "notices": queries.unread(user)[:5],
            "unread": queries.unread_count(user),
            "saved_views": SavedView.objects.filter(user=user),
            "acts": [tell(act) for act in queries.recent_acts(user)[:8]],
            "posts": posts(user),
            "quick_links": queries.quick_links(user),
            "today": today,
        },
    )


@require_GET
def notices(request: UserRequest) -> HttpResponse:
    return render(
        request,
        "desk/notices.html",
        {
            "listing": queries.notice_listing(request),
            "unread": queries.unread_count(request.user),
        },
    )


@require_GET
def open_notice(request: UserRequest, pk: int) -> HttpResponse:
    notice = get_object_or_404(Notice, pk=pk, user=request.user)
    actions.read_notices(request.user, [notice.pk], at=timezone.now())
    return redirect(notice.url or "desk:notices")


@require_POST
def read_notices(request: UserRequest) -> HttpResponse:
    count = actions.read_notices(request.user, at=timezone.now())
    messages.success(request, ngettext("%(n)s 条通知已标为已读", "%(n)s 条通知已标为已读", count) % {"n": count})
    return redirect("desk:notices")


@require_GET
def saved_views(request: UserRequest) -> HttpResponse:
    views = SavedView.objects.filter(user=request.user).order_by("path", "name")
    return render(request, "desk/saved_views.html", {"views": views})


@require_POST
def save_view(request: UserRequest) -> HttpResponse:
    path = request.POST.get("path", "")
    try:
        view = actions.save_view(
            request.user, name=request.POST.get("name", ""), path=path, query=request.POST.get("query", "")
        )
    except Refused as problem:
        messages.error(request, say(problem))
        return redirect(path if queries.is_page(path) else "desk:saved_views")
    messages.success(request, _("已保存视图“%(name)s”") % {"name": view.name})
    return redirect(queries.address(view))


@require_POST
def delete_view(request: UserRequest, pk: int) -> HttpResponse:
    view = get_object_or_404(SavedView, pk=pk, user=request.user)
    actions.delete_view(view, by=request.user)
    messages.success(request, _("已删除视图“%(name)s”") % {"name": view.name})
    return redirect("desk:saved_views")


@require_GET
def search(request: UserRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()[:100]
    if not policy.may_search(request.user):
        # Firms and laboratories search what everyone may see.
        return redirect(f"{reverse('portal:home')}?{urlencode({'q': text})}")
    short = 0 < len(text) < SHORTEST_QUERY
    hits = providers.staff_search(request.user, text) if text and not short else []
    # Grouped by kind in the order in which the rooms answered.
    groups: dict[str, list[providers.Hit]] = {}
    for hit in hits:
        groups.setdefault(str(hit.kind), []).append(hit)
    return render(
        request, "desk/search.html", {"q": text, "short": short, "groups": groups.items(), "total": len(hits)}
    )
