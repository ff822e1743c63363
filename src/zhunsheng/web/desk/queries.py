"""What lies on a desk."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Max, QuerySet
from django.urls import Resolver404, resolve, reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from zhunsheng.engine import clock
from zhunsheng.web.common.errors import language
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import moment, state_tag
from zhunsheng.web.desk import channels, ticking
from zhunsheng.web.desk.filters import DeliveryFilter
from zhunsheng.web.desk.models import BulkRow, BulkRun, Delivery, JobRun, Notice, Preference, Route, SavedView
from zhunsheng.web.desk.providers import Light, Look, TaskRow, light_of
from zhunsheng.web.desk.searching import ALL, Source
from zhunsheng.web.people.models import Office, User
from zhunsheng.web.people.policy import may_edit_responsibility, may_manage_people, may_work
from zhunsheng.web.people.queries import Person, UserRequest, has_role
from zhunsheng.web.public_log.models import Act
from zhunsheng.web.public_log.policy import may_read_acts

#: a job that is due for longer is late: nobody runs the tick
LATE = datetime.timedelta(minutes=30)
#: rows of a group shown on a bulk run's page
GROUP_SHOWN = 200


# -- notices ----------------------------------------------------------------------------------------------------------
def unread(user: User) -> QuerySet[Notice]:
    return Notice.objects.filter(user=user, read_at=None)


def unread_count(user: User) -> int:
    return unread(user).count()


def in_page_language(notice: Notice) -> str:
    return (notice.text_en or notice.text) if language() == "en" else notice.text


def notice_listing(request: UserRequest) -> Listing:
    """The user's own notices, newest first."""
    return Listing(
        request=request,
        queryset=Notice.objects.filter(user=request.user),
        columns=[
            Column("text", gettext_lazy("内容"), in_page_language, html=_notice_cell),
            Column("kind", pgettext_lazy("notice", "种类"), lambda notice: notice.get_kind_display()),
            Column("at", gettext_lazy("时间"), lambda notice: notice.at, order="at"),
            Column("read_at", gettext_lazy("已读时间"), lambda notice: notice.read_at),
        ],
        name="notices",
        title=gettext_lazy("通知"),
        default_sort="-at",
        empty_text=gettext_lazy("没有通知。有事需要您知道时，会出现在这里。"),
    )


def _notice_cell(notice: Notice) -> SafeString:
    link = format_html('<a href="{}">{}</a>', reverse("desk:notice", args=[notice.pk]), in_page_language(notice))
    return link if notice.read_at else format_html("<strong>{}</strong>", link)


def preference_of(user: User) -> Preference:
    """The user's settings; those of one who never chose any are not stored."""
    return Preference.objects.filter(user=user).first() or Preference(user=user)


def routes_of(user: User) -> dict[tuple[str, str], str]:
    """{(kind, channel): how} that the user chose."""
    return {(route.kind, route.channel): route.how for route in Route.objects.filter(user=user)}


# -- what runs in the background --------------------------------------------------------------------------------------
def job_rows(at: datetime.datetime) -> list[dict[str, Any]]:
    """Every registered job with its last run, its last failure since, and when it is due again."""
    newest = JobRun.objects.values("job", "ok").annotate(newest=Max("pk"))
    runs = JobRun.objects.in_bulk([one["newest"] for one in newest])
    known = {(run.job, run.ok): run for run in runs.values()}
    rows = []
    for job in ticking.jobs():
        last, failed = known.get((job.name, True)), known.get((job.name, False))
        if failed is not None and last is not None and last.ran_at > failed.ran_at:
            failed = None
        late = last is not None and bool(ticking.slots(job.every, last.slot, at - LATE))
        rows.append(
            {"job": job, "last": last, "failed": failed, "next": ticking.next_slot(job.every, at), "late": late}
        )
    return rows


def delivery_listing(request: UserRequest) -> Listing:
    """The queue of messages, newest first. Their texts belong to their receivers and are not shown."""
    return Listing(
        request=request,
        queryset=Delivery.objects.select_related("notice__user"),
        columns=[
            Column(
                "queued_at",
                gettext_lazy("排队时间"),
                lambda one: one.queued_at,
                html=lambda one: moment(one.queued_at),
                order="queued_at",
            ),
            Column("user", gettext_lazy("收件人"), lambda one: str(one.notice.user)),
            Column("channel", gettext_lazy("渠道"), lambda one: str(channel_label(one.channel))),
            Column("kind", gettext_lazy("通知种类"), lambda one: one.notice.get_kind_display()),
            Column("state", gettext_lazy("状态"), lambda one: one.get_state_display(), html=_delivery_state),
            Column("attempts", gettext_lazy("尝试次数"), lambda one: one.attempts, numeric=True),
            Column("next_at", gettext_lazy("下次发送"), lambda one: one.next_at, html=lambda one: moment(one.next_at)),
            Column("error", gettext_lazy("原因"), lambda one: one.error),
        ],
        name="deliveries",
        title=gettext_lazy("外发消息"),
        filterset_class=DeliveryFilter,
        default_sort="-queued_at",
        url=lambda one: reverse("desk:delivery", args=[one.pk]),
        empty_text=gettext_lazy("没有外发消息。设置了电子邮件、短信或政务微信以后，发出的消息会列在这里。"),
    )


def channel_label(code: str) -> "str | Promise":
    channel = channels.CHANNELS.get(code)
    return channel.label if channel else code


DELIVERY_TAGS = {
    Delivery.State.QUEUED: "info",
    Delivery.State.SENDING: "info",
    Delivery.State.SENT: "good",
    Delivery.State.FAILED: "warn",
    Delivery.State.GIVEN_UP: "bad",
}


def _delivery_state(delivery: Delivery) -> SafeString:
    return state_tag(DELIVERY_TAGS[Delivery.State(delivery.state)], delivery.get_state_display())


# -- bulk runs --------------------------------------------------------------------------------------------------------
def bulk_groups(run: BulkRun) -> list[dict[str, Any]]:
    """The rows of a run by what would happen or happened, and by the reason: how many, and the first of them."""
    counted = run.rows.values("state", "reason").annotate(n=Count("pk")).order_by("state", "-n", "reason")
    order = list(BulkRow.State.values)
    return [
        {
            "state": BulkRow.State(one["state"]),
            "kind": {"planned": "info", "refused": "warn", "done": "good", "failed": "bad"}[one["state"]],
            "reason": one["reason"],
            "n": one["n"],
            "rows": list(run.rows.filter(state=one["state"], reason=one["reason"])[:GROUP_SHOWN]),
        }
        for one in sorted(counted, key=lambda one: order.index(one["state"]))
    ]


# -- saved views ------------------------------------------------------------------------------------------------------
def views_of(user: User, path: str) -> list[tuple[str, str]]:
    """The saved views of one list page as (name, address), for Listing(saved_views=…)."""
    return [(view.name, address(view)) for view in SavedView.objects.filter(user=user, path=path)]


def address(view: SavedView) -> str:
    return f"{view.path}?{view.query}" if view.query else view.path


def is_page(path: str) -> bool:
    """Whether `path` is a page of this house: a saved view must not lead anywhere else."""
    if not path.startswith("/") or path.startswith("//") or "\\" in path or "?" in path or "#" in path:
        return False
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


# -- tasks ------------------------------------------------------------------------------------------------------------
#: in the why-panel of a last day
DAYS_LOOKED_AT = 366
DAYS_NAMED = 8

#: light → (look of its tag, its shape stands with it)
LIGHTS = {
    Light.OVERDUE: "bad",
    Light.TODAY: "warn",
    Light.SOON: "warn",
    Light.LATER: "good",
    Light.SUSPENDED: "info",
    Light.NONE: "muted",
}


def shown_task(row: TaskRow, on: datetime.date) -> dict[str, Any]:
    """A task with its traffic light and the reason for it."""
    light = light_of(row, on)
    return {"row": row, "light": state_tag(LIGHTS[light], light.label), "why": _why_so_many_days(row, on)}


def light_tabs(look: Look, kind: str, chosen: str) -> list[dict[str, Any]]:
    """The lights to filter by, each with how many tasks show it; those that none shows are left out."""
    counts = look.lights
    if kind:
        counts = next((one.lights for one in look.kinds if one.key == kind), Counter())
    tabs = [{"label": gettext_lazy("全部"), "light": "", "n": counts.total()}]
    tabs += [
        {"label": light.label, "light": light.value, "n": counts[light]}
        for light in Light
        if counts[light] or light == chosen
    ]
    return [
        {
            "label": tab["label"],
            "count": tab["n"],
            "current": tab["light"] == chosen,
            "url": f"?{urlencode({key: value for key, value in (('kind', kind), ('light', tab['light'])) if value})}",
        }
        for tab in tabs
    ]


def _why_so_many_days(row: TaskRow, on: datetime.date) -> dict[str, Any] | None:
    """What the why-panel says of a last day: how many working days are left, the holidays on the way, whose limit it is."""
    if row.due_on is None:
        return None
    days = {"on": on.isoformat(), "due": row.due_on.isoformat()}
    n = abs(clock.working_days_between(on, row.due_on))
    if row.due_on < on:
        sentence = ngettext(
            "最后期限 %(due)s 已过，到今天（%(on)s）过去了 %(n)s 个工作日。",
            "最后期限 %(due)s 已过，到今天（%(on)s）过去了 %(n)s 个工作日。", n,
        )  # fmt: skip
    else:
        sentence = ngettext(
            "从今天（%(on)s）的次日起，到最后期限 %(due)s（含当日），有 %(n)s 个工作日。",
            "从今天（%(on)s）的次日起，到最后期限 %(due)s（含当日），有 %(n)s 个工作日。", n,
        )  # fmt: skip
    return {
        "sentence": sentence % {**days, "n": n},
        "rule": row.rule or _("工作日的计算"),
        "url": reverse("portal:method", args=["clock"]),
        "source": row.source,
        "confidence": row.confidence if row.source else "",
        "inputs": [(_("放假安排"), text) for text in _days_on_the_way(*sorted((row.due_on, on)))],
    }


def _days_on_the_way(first: datetime.date, last: datetime.date) -> Iterator[str]:
    """What the holiday notices say of the days after `first` up to `last`: the first few, weekends left out."""
    calendar = clock.default_calendar()
    told = 0
    for number in range(1, min((last - first).days, DAYS_LOOKED_AT) + 1):
        day = first + datetime.timedelta(days=number)
        if told < DAYS_NAMED and calendar.is_working(day) != (day.weekday() < 5):
            told += 1
            yield calendar.day(day).reason.text(language())
    if missing := calendar.missing_years(first, last):
        yield _("%(years)s 年的放假安排尚未载入，暂按周一至周五计。") % {"years": "、".join(map(str, missing))}


# -- my acts and ways -------------------------------------------------------------------------------------------------
def recent_acts(user: User) -> QuerySet[Act]:
    """What this user did, newest first."""
    return Act.objects.filter(by=user).select_related("by", "office")


@dataclass(frozen=True, slots=True)
class QuickLink:
    label: "str | Promise"
    url: str


#: (address, words, who): the ways that a role walks every day. Each room's own policy still decides at the door.
QUICK_LINKS: "tuple[tuple[str, Promise, Callable[[Person], bool]], ...]" = (
    ("inspection:home", gettext_lazy("检查计划与任务"), may_work),
    ("registry:home", gettext_lazy("查一家主体"), may_work),
    ("people:responsibility", gettext_lazy("谁负责什么"), may_work),
    ("appraisal:scoreboard", gettext_lazy("目标完成情况"), may_work),
    ("desk:imports", gettext_lazy("导入数据"), lambda user: has_role(user, "member", "head", "lead_office")),
    ("people:add_duty", gettext_lazy("登记监管责任"), may_edit_responsibility),
    ("people:users", gettext_lazy("账号与岗位"), may_manage_people),
    ("desk:background", gettext_lazy("后台运行"), may_manage_people),
    ("desk:preferences", gettext_lazy("通知设置"), lambda user: True),
    ("public_log:acts", gettext_lazy("办理痕迹"), may_read_acts),
    ("public_log:home", gettext_lazy("公开存证日志"), may_work),
)


def quick_links(user: User) -> list[QuickLink]:
    return [QuickLink(label, reverse(name)) for name, label, may in QUICK_LINKS if may(user)]


# -- search -----------------------------------------------------------------------------------------------------------
def _offices_for(user: User) -> QuerySet[Office]:
    return Office.objects.all() if may_work(user) else Office.objects.none()


def _users_for(user: User) -> QuerySet[User]:
    return User.objects.all() if may_manage_people(user) else User.objects.none()


#: what the desk itself lets people find: offices for all staff, accounts for those who manage them
SOURCES = (
    Source(
        "office",
        pgettext_lazy("list", "机构"),
        rows=lambda: Office.objects.all(),
        visible_to=_offices_for,
        title=lambda office: (office.name_en or office.name) if language() == "en" else office.name,
        text=lambda office: "\n".join([office.code, office.name, office.short_name, office.name_en]),
        url=lambda office: reverse("people:office", args=[office.pk]),
        subjects={"office": "pk", "city": ALL},
        order=80,
    ),
    Source(
        "user",
        gettext_lazy("用户"),
        rows=lambda: User.objects.all(),
        visible_to=_users_for,
        title=str,
        text=lambda user: user.username,
        url=lambda user: reverse("people:user", args=[user.username]),
        subjects={"user": "username"},
        order=90,
    ),
)
