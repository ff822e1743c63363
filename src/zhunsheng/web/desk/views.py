"""My desk: what I have to do, what happened, what I look at often."""

import datetime
import hashlib
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from zhunsheng.web.common.errors import NotAllowed, Refused, say
from zhunsheng.web.desk import actions, calendar, channels, forms, policy, providers, queries, searching
from zhunsheng.web.desk.bulk import MOST, Bulk, find_bulk
from zhunsheng.web.desk.models import BulkRow, BulkRun, Delivery, Notice, SavedView
from zhunsheng.web.people import step_up
from zhunsheng.web.people.queries import UserRequest, posts
from zhunsheng.web.public_log.words import tell


@require_GET
def home(request: UserRequest) -> HttpResponse:
    user = request.user
    if user.is_firm:
        return redirect("registry:firm_home")
    if not policy.may_sit(user):
        # An account without a post in force may look after itself, and nothing else.
        return redirect("people:account")
    today = timezone.localdate()
    kind, light, after = (request.GET.get(name, "")[:200] for name in ("kind", "light", "after"))
    light = light if light in providers.Light.values else ""
    look = providers.look(providers.tasks(user, today), today, kind=kind, light=light, after=after)
    return render(
        request,
        "desk/home.html",
        {
            "look": look,
            "tasks": [queries.shown_task(row, today) for row in look.rows],
            "light_tabs": queries.light_tabs(look, kind, light),
            "kinds": [one for one in look.kinds if one.total],
            "kind": next((one for one in look.kinds if one.key == kind), None),
            "light": light,
            "after": after,
            "overdue": look.lights[providers.Light.OVERDUE],
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
    typed = " ".join(request.GET.get("q", "").split())
    text = typed[: searching.MOST_QUERY]
    if not policy.may_search(request.user):
        # Firms and laboratories search what everyone may see.
        return redirect(f"{reverse('portal:home')}?{urlencode({'q': text})}")
    kind = request.GET.get("kind", "")
    answer = searching.find(request.user, text, kind=kind, after=request.GET.get("after", ""))
    # What is no row of the database has no index: a few of each, among all kinds only.
    others: dict[str, list[providers.Hit]] = {}
    if answer.wanted and not kind:
        for hit in providers.staff_search(request.user, text):
            others.setdefault(str(hit.kind), []).append(hit)
    return render(
        request,
        "desk/search.html",
        {
            "q": text,
            "cut": len(typed) > len(text),
            "kind": kind,
            "answer": answer,
            "others": others.items(),
            "kinds": searching.offered_to(request.user),
            "whole": searching.is_whole(),
        },
    )


# -- how notices reach me ---------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
def preferences(request: UserRequest) -> HttpResponse:
    preference = queries.preference_of(request.user)
    form = forms.PreferenceForm(
        request.POST if request.method == "POST" else None,
        initial=forms.initial(preference, queries.routes_of(request.user)),
    )
    if form.is_bound and form.is_valid():
        actions.set_preferences(request.user, **form.settings(preference))
        messages.success(request, _("已保存通知设置"))
        return redirect("desk:preferences")
    secret = calendar.token(preference)
    return render(
        request,
        "desk/preferences.html",
        {
            "form": form,
            "channels": [channel.label for channel in channels.ready().values()],
            "may_calendar": policy.may_sit(request.user),
            "feed_url": request.build_absolute_uri(reverse("desk:calendar", args=[secret])) if secret else "",
        },
        status=422 if form.errors else 200,
    )


@require_POST
def open_calendar(request: UserRequest) -> HttpResponse:
    if not policy.may_sit(request.user):
        raise PermissionDenied(_("日历只给有岗位的人员。"))
    actions.open_calendar(request.user)
    messages.success(request, _("日历有了新地址。旧地址从现在起打不开。"))
    return redirect("desk:preferences")


@require_POST
def close_calendar(request: UserRequest) -> HttpResponse:
    actions.close_calendar(request.user)
    messages.success(request, _("日历已停用，原地址打不开了。"))
    return redirect("desk:preferences")


@login_not_required
@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponseBase:
    """Calendar programs do not log in: the address itself is the secret."""
    user = calendar.owner(token)
    if user is None or not policy.may_sit(user):
        # Not the page for people, which repeats its address: every wrong address gets the same bytes.
        return HttpResponse(b"404\n", status=404, content_type="text/plain")
    today = timezone.localdate()
    span = datetime.timedelta(days=calendar.BEHIND), datetime.timedelta(days=calendar.AHEAD)
    feed = calendar.write(providers.deadlines(user, today - span[0], today + span[1]), today)
    etag = quote_etag(hashlib.sha256(feed).hexdigest()[:32])
    answer = HttpResponse(feed, content_type="text/calendar; charset=utf-8")
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "private, no-cache"
    return get_conditional_response(request, etag=etag, response=answer) or answer


# -- what runs in the background --------------------------------------------------------------------------------------
def _keeper(request: UserRequest) -> None:
    if not policy.may_keep_running(request.user):
        raise PermissionDenied(_("后台运行由系统管理员查看。"))


@require_GET
def background(request: UserRequest) -> HttpResponseBase:
    _keeper(request)
    listing = queries.delivery_listing(request)
    if listing.wants_export:
        return listing.export()
    return render(
        request,
        "desk/background.html",
        {
            "listing": listing,
            "jobs": queries.job_rows(timezone.now()),
            "waiting": Delivery.objects.filter(state__in=["queued", "failed", "sending"]).count(),
            "given_up": Delivery.objects.filter(state="given_up").count(),
            "channels": [channel.label for channel in channels.ready().values()],
        },
    )


@require_GET
def delivery(request: UserRequest, pk: int) -> HttpResponse:
    _keeper(request)
    one = get_object_or_404(Delivery.objects.select_related("notice__user"), pk=pk)
    return render(
        request,
        "desk/delivery.html",
        {
            "delivery": one,
            "channel": queries.channel_label(one.channel),
            "tag": queries.DELIVERY_TAGS[Delivery.State(one.state)],
        },
    )


@require_POST
def resend(request: UserRequest, pk: int) -> HttpResponse:
    _keeper(request)
    one = get_object_or_404(Delivery, pk=pk)
    try:
        actions.resend(one, by=request.user, at=timezone.now())
    except Refused as problem:
        messages.error(request, say(problem))
    else:
        messages.success(request, _("已重新排队"))
    return redirect("desk:delivery", pk=pk)


# -- bulk -------------------------------------------------------------------------------------------------------------
@require_POST
def bulk_start(request: UserRequest, key: str) -> HttpResponse:
    """From a list: the rows that are ticked, or all under the filter in its address."""
    bulk = find_bulk(key)
    if bulk is None:
        raise Http404
    if not bulk.allowed(request.user):
        raise PermissionDenied(_("您的岗位不能批量办理“%(what)s”。") % {"what": bulk.label})
    back = request.POST.get("back", "")
    path, _sep, query = back.partition("?")
    if not queries.is_page(path):
        path = back = ""
    rows = bulk.rows(request.user, QueryDict(query))
    if request.POST.get("scope") != "all":
        rows = rows.filter(pk__in=[int(key) for key in request.POST.getlist("row") if key.isdecimal()][:MOST])
    try:
        run = actions.plan(bulk, rows, back=back, by=request.user, at=timezone.now())
    except Refused as problem:
        messages.error(request, say(problem))
        return redirect(back or "desk:home")
    return redirect("desk:bulk_run", pk=run.pk)


def _own_run(request: UserRequest, pk: int) -> tuple[BulkRun, Bulk]:
    run = get_object_or_404(BulkRun, pk=pk, created_by=request.user)
    bulk = find_bulk(run.kind)
    if bulk is None:
        raise Http404
    return run, bulk


@require_http_methods(["GET", "POST"])
def bulk_run(request: UserRequest, pk: int) -> HttpResponse:
    """The rehearsal, then the result. A POST confirms."""
    run, bulk = _own_run(request, pk)
    if request.method == "POST" and bulk.step_up and not step_up.is_fresh(request):
        return step_up.ask(request, bulk.step_up)
    form = bulk.form(request.POST or None) if bulk.form is not None else None
    if request.method == "POST" and (form is None or form.is_valid()):
        kept = {name: request.POST.get(name, "") for name in form.fields} if form is not None else {}
        try:
            run = actions.confirm(
                run, form.cleaned_data if form is not None else {}, kept, by=request.user, at=timezone.now()
            )
        except NotAllowed as problem:
            raise PermissionDenied(say(problem)) from problem
        except Refused as problem:
            messages.error(request, say(problem))
        return redirect("desk:bulk_run", pk=pk)
    groups = queries.bulk_groups(run)
    counts = {state: sum(one["n"] for one in groups if one["state"] == state) for state in BulkRow.State.values}
    return render(
        request,
        "desk/bulk_run.html",
        {"run": run, "bulk": bulk, "form": form, "groups": groups, "counts": counts, "total": sum(counts.values())},
        status=422 if form is not None and form.errors else 200,
    )


@require_POST
def bulk_discard(request: UserRequest, pk: int) -> HttpResponse:
    run, _bulk = _own_run(request, pk)
    try:
        actions.discard(run, by=request.user, at=timezone.now())
    except Refused as problem:
        messages.error(request, say(problem))
        return redirect("desk:bulk_run", pk=pk)
    messages.success(request, _("已放弃，没有改动任何记录。"))
    return redirect(run.back or "desk:home")
