"""抽取: list, the page of a draw with everything behind it, the two rounds, the closing of the list, opening, giving up."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.engine import draw as engine
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.pages import act
from zhunsheng.web.common.templatetags.zs import named, progress, state_tag
from zhunsheng.web.inspection import actions, policy, queries
from zhunsheng.web.inspection.forms.draws import CloseForm, ExecuteForm, RecuseForm
from zhunsheng.web.inspection.forms.fields import PublicReasonForm
from zhunsheng.web.inspection.forms.filters import DrawFilter
from zhunsheng.web.inspection.models import Draw
from zhunsheng.web.inspection.views.pages import form_page, seal_of, see, tabs
from zhunsheng.web.people import step_up
from zhunsheng.web.people.queries import UserRequest
from zhunsheng.web.public_log.models import LogEntry
from zhunsheng.web.registry.models import EntityStatus
from zhunsheng.web.registry.words import COMPUTED_RECUSALS

STATE_KIND = {
    "announced": "warn", "executed": "info", "list_closed": "info", "assigned": "good", "opened": "good", "abandoned": "bad",
}  # fmt: skip
FRAME_PAGE = 100


@require_GET
def draws(request: UserRequest) -> HttpResponse:
    """Every draw that was ever announced, those given up among them: the history."""
    see(request)
    listing = Listing(
        request=request,
        queryset=queries.counted_draws(queries.visible_draws(request.user)),
        name="draws", title=_("抽取"), filterset_class=DrawFilter, default_sort="-announced_at",
        url=lambda draw: reverse("inspection:draw", args=[draw.no]),
        columns=[
            Column("no", gettext_lazy("抽取编号"), lambda draw: draw.no, order="no"),
            Column("plan", pgettext_lazy("one", "抽查计划"), lambda draw: draw.plan.name),
            Column("office", gettext_lazy("牵头机构"), lambda draw: named(draw.plan.office), hidden=True),
            Column("state", gettext_lazy("状态"), lambda draw: stage_of(draw)[1], html=state_of, order="state"),
            Column("mode", gettext_lazy("公开方式"), lambda draw: draw.get_mode_display()),
            Column("announced_at", gettext_lazy("公告时间"), lambda draw: draw.announced_at, order="announced_at"),
            Column("frame_size", gettext_lazy("名录单位数"), lambda draw: draw.frame_size, order="frame_size", numeric=True),
            Column("selected", gettext_lazy("抽取数"), lambda draw: draw.selected_count, order="selected_count", numeric=True),
            Column("published", gettext_lazy("已公示"), lambda draw: draw.published,
                   html=lambda draw: progress(draw.published, draw.selected_count, _("已公示")) if draw.selected_count else "—"),
            Column("reason", gettext_lazy("放弃理由"), lambda draw: draw.abandon_reason, hidden=True),
        ],
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    return render(request, "inspection/list.html", {"listing": listing, "tabs": tabs("draws"), "title": _("抽取")})


def stage_of(draw: Draw) -> tuple[str, str]:
    """(kind of tag, words) of where a draw stands. Once the teams are out, it is the tasks that tell."""
    if draw.abandoned_late:
        return "bad", _("在可以知道种子之后放弃")
    if draw.state not in {Draw.State.ASSIGNED, Draw.State.OPENED}:
        return STATE_KIND[draw.state], str(draw.get_state_display())
    ended = getattr(draw, "ended", None)
    if ended is None:
        done = queries.draw_progress(draw)
        ended = done["published"] + done["withdrawn"]
    if ended >= draw.selected_count:
        return "good", _("已办结")
    return "info", _("检查中，未开封") if draw.secret else _("检查中")


def state_of(draw: Draw) -> Any:
    return state_tag(*stage_of(draw))


def _draw(request: UserRequest, no: str) -> Draw:
    see(request)
    found = queries.visible_draws(request.user).select_related("announced_by", "executed_by", "abandoned_by")
    return get_object_or_404(found, no=no)


@require_GET
def draw(request: UserRequest, no: str) -> HttpResponse:
    found = _draw(request, no)
    now = timezone.now()
    first, second = queries.rounds(found)
    labels = queries.strata_labels(found.plan, [row["key"] for row in found.strata])
    strata = [
        row | {"label": labels[row["key"]], "pi": row["n"] / row["size"] if row["size"] else None}
        for row in found.strata
    ]
    inside = policy.may_see_drawn(request.user, found)
    asked = request.GET.get("unit", "").strip()
    unit = queries.find_in_frame(found, asked) if asked and inside else None
    if unit:
        actions.note_look(found, by=request.user, at=now, what="find")
    waiting = found.state == Draw.State.ANNOUNCED
    may_assign = policy.may_assign(request.user, found)
    return render(request, "inspection/draw.html", {
        "draw": found,
        "state": state_of(found),
        "strata": strata,
        "totals": {key: sum(row[key] for row in found.strata) for key in ("size", "n", "capped")},
        "first": _round_rows(first, found.values, found.fallback), "second": _round_rows(second, found.second_values, found.second_fallback),
        "progress": queries.draw_progress(found),
        "events": _events(found),
        "seals": [seal_of(one) for one in LogEntry.objects.filter(subject=f"draw:{found.no}").order_by("index")],
        "signatures": found.signatures[:1], "inside": inside, "overdue": queries.days_overdue(found, now) if found.secret else 0,
        "asked": asked, "unit": unit,
        "unit_rows": [{"label": labels[one], "rank": rank} for one, rank in queries.ranks(found, unit).items()] if unit else [],
        "unit_strata": [labels.get(one, one) for one in unit.strata] if unit else [],
        "unit_status": dict(EntityStatus.choices).get(unit.leaf["status"], "") if unit else "",
        "why": _why(found), "public_url": _public_url(found),
        "open": waiting and now >= found.not_before,
        "may_execute": waiting and policy.may_execute(request.user, found),
        "may_recuse": found.state == Draw.State.EXECUTED and policy.may_recuse(request.user, found),
        "may_close": found.state == Draw.State.EXECUTED and may_assign,
        "may_assign": found.state == Draw.State.LIST_CLOSED and may_assign,
        "may_open": found.secret and found.state == Draw.State.ASSIGNED and policy.may_open(request.user, found),
        "may_abandon": waiting and policy.may_abandon(request.user, found), "abandon_what": _abandon_what(found, late=now >= found.not_before),
        "abandon_form": PublicReasonForm(prefix="abandon"),
    })  # fmt: skip


def _abandon_what(found: Draw, *, late: bool) -> str:
    """What giving up this draw does, in words."""
    text = _("理由写入公开存证日志，编号不再使用，放弃次数计入公开指标。")
    if late:
        text += _("已到最早抽取时间：公开页面和核验结论都会标注“在可以知道种子之后放弃”。")
    if found.sealed:
        text += _("封存的名录随即开封公开。")
    return text


def _round_rows(which: queries.Round | None, values: list[dict[str, Any]], fallback: int) -> dict[str, Any] | None:
    """A round for the page: its sources with what they gave, and its fallbacks."""
    if which is None:
        return None
    used = which.fallbacks[fallback - 1].sources if fallback else which.sources
    given = {one["source"]: queries.read_value(one) for one in values}
    return {
        "sources": [
            {"words": queries.source_words(one), "name": queries.source_name(one), "id": one.id, "terms": one.terms, "value": given.get(one.id)}
            for one in used
        ],
        "fallbacks": [
            {"hours": one.after_hours, "sources": [queries.source_words(source) for source in one.sources]} for one in which.fallbacks
        ],
        "spoken": bool(given),
    }  # fmt: skip


def _public_url(found: Draw) -> str:
    try:
        return reverse("portal:draw", args=[found.no])
    except NoReverseMatch:
        return ""


def _events(found: Draw) -> list[dict[str, Any]]:
    """What has happened and what is to come, oldest first."""
    events: list[dict[str, Any]] = [
        {"at": found.announced_at, "title": _("冻结名录并公告"), "by": found.announced_by, "kind": "good",
         "text": _("%(n)s 家入名录，实施细则 %(version)s") % {"n": found.frame_size, "version": found.rule_book.version}},
    ]  # fmt: skip
    if found.state == Draw.State.ABANDONED:
        return [
            *events,
            {
                "at": found.abandoned_at,
                "title": _("在可以知道种子之后放弃") if found.abandoned_late else _("公开放弃"),
                "text": found.abandon_reason,
                "by": found.abandoned_by,
                "kind": "bad",
            },
        ]
    if found.executed_at:
        events.append({
            "at": found.executed_at, "title": _("产生随机数并抽取"), "by": found.executed_by, "kind": "good",
            "text": _("抽中 %(n)s 家；见证：%(witnesses)s") % {"n": found.selected_count, "witnesses": found.witnesses},
        })  # fmt: skip
    else:
        events.append({"at": found.not_before, "title": _("最早抽取时间"), "when": "now"})
    executed = found.executed_at is not None
    if found.list_closed_at:
        events.append({"at": found.list_closed_at, "title": _("关闭名单"), "by": found.list_closed_by, "kind": "good",
                       "text": _("回避申报截止，派员约束已公布")})  # fmt: skip
    else:
        events.append({"at": None, "title": _("申报回避、关闭名单"), "when": "now" if executed else "ahead"})
    if found.assigned_at:
        text = _("见证：%(witnesses)s") % {"witnesses": found.second_witnesses} if found.second_witnesses else ""
        events.append(
            {
                "at": found.assigned_at,
                "title": _("第二轮随机数，派员"),
                "by": found.assigned_by,
                "kind": "good",
                "text": text,
            }
        )
    else:
        events.append(
            {"at": None, "title": _("第二轮随机数，派员"), "when": "now" if found.list_closed_at else "ahead"}
        )
    if found.opened_at:
        late = queries.days_overdue(found, found.opened_at)
        text = _("晚于公告的最迟日期 %(n)s 天") % {"n": late} if late else ""
        events.append(
            {
                "at": found.opened_at,
                "title": _("开封"),
                "by": found.opened_by,
                "kind": "bad" if late else "good",
                "text": text,
            }
        )
    elif found.sealed:
        events.append({"at": found.open_by, "title": _("最迟开封"), "when": "ahead"})
    events.append({"at": found.plan.ends_on, "title": _("检查截止"), "when": "ahead"})
    return events


def _why(found: Draw) -> dict[str, Any]:
    command = f"zhunsheng verify {found.no}.json"
    return {
        "sentence": _("名录先冻结并公告，随机数后从外部产生；每家的票号由种子和主体标识算出，各层票号最小的 n 家被抽中。任何人下载卷宗都可重算。"),
        "rule": engine.PROTOCOL, "version": found.rule_book.version,
        "inputs": [
            (_("公告哈希"), found.announcement_hash), (_("名录根哈希"), found.frame_root), (_("种子"), found.seed or "—"),
        ],
        "command": command, "url": _method_url(),
    }  # fmt: skip


def _method_url() -> str:
    try:
        return reverse("portal:method", args=["draw"])
    except NoReverseMatch:
        return ""


@require_GET
def frame(request: UserRequest, no: str) -> HttpResponse:
    """The frozen frame, a hundred units a page, with ticket and outcome."""
    found = _inside(request, no, "frame")
    page, start = _page(request)
    rows, total = queries.frame_page(found, start, FRAME_PAGE)
    return render(request, "inspection/frame.html", {"draw": found, "rows": rows, **_pages(rows, total, page)})


@require_GET
def drawn(request: UserRequest, no: str) -> HttpResponse:
    """Who was drawn, by which list, with which rank and probability."""
    found = _inside(request, no, "drawn")
    page, start = _page(request)
    rows, total = queries.drawn_page(found, start, FRAME_PAGE)
    labels = queries.strata_labels(found.plan, [row["key"] for row in found.strata])
    shown = [
        {"task": task, "inclusions": [{"label": labels.get(one.full_name, one.full_name), "one": one} for one in task.inclusions.all()]}
        for task in rows
    ]  # fmt: skip
    return render(request, "inspection/drawn.html", {"draw": found, "rows": shown, **_pages(rows, total, page)})


def _inside(request: UserRequest, no: str, what: str) -> Draw:
    """The draw, for those who may see who was drawn. Of a sealed draw each look is noted."""
    found = _draw(request, no)
    if not policy.may_see_drawn(request.user, found):
        raise PermissionDenied(_("抽取 %(no)s 尚未开封：名单只有承办机构的人员可看，每次查看留痕。") % {"no": no})
    actions.note_look(found, by=request.user, at=timezone.now(), what=what)
    return found


def _page(request: UserRequest) -> tuple[int, int]:
    asked = request.GET.get("page", "1")
    number = max(int(asked), 1) if asked.isdecimal() and len(asked) < 9 else 1
    return number, (number - 1) * FRAME_PAGE


def _pages(rows: Sequence[Any], total: int, number: int) -> dict[str, Any]:
    if not rows and number > 1:
        raise Http404(_("名录没有这一页"))
    last = max(1, (total + FRAME_PAGE - 1) // FRAME_PAGE)
    return {
        "total": total, "page": number, "last": last, "previous_url": f"?page={number - 1}" if number > 1 else "",
        "next_url": f"?page={number + 1}" if number < last else "",
    }  # fmt: skip


@require_GET
def bundle(request: UserRequest, no: str) -> HttpResponse:
    """The bundle as a file, for `zhunsheng verify`. It holds what is public and nothing else."""
    found = _draw(request, no)
    response = HttpResponse(queries.bundle_bytes(found), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{found.no}.json"'
    return response


@require_GET
def announcement(request: UserRequest, no: str) -> HttpResponse:
    """The announcement as announced, readable."""
    found = _draw(request, no)
    text = json.dumps(queries.announcement(found), ensure_ascii=False, indent=2)
    return render(request, "inspection/announcement.html", {"draw": found, "text": text})


# -- the two rounds --------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
def execute(request: UserRequest, no: str) -> HttpResponse:
    found = _draw(request, no)
    if not policy.may_execute(request.user, found):
        raise PermissionDenied(_("只有牵头机构的经办人员或负责人可以执行抽取。"))
    back = reverse("inspection:draw", args=[no])
    if found.state != Draw.State.ANNOUNCED:
        messages.info(request, _("该抽取已经执行或已放弃"))
        return redirect(back)
    return _round_page(request, found, 1, back=back, template="inspection/execute.html")


@require_http_methods(["GET", "POST"])
def assign(request: UserRequest, no: str) -> HttpResponse:
    """The second round: what its sources gave assigns the teams."""
    found = _draw(request, no)
    if not policy.may_assign(request.user, found):
        raise PermissionDenied(_("只有牵头机构的经办人员或负责人可以派员。"))
    back = reverse("inspection:draw", args=[no])
    if found.state != Draw.State.LIST_CLOSED:
        messages.info(request, _("请先关闭名单；已派员的不能重派"))
        return redirect(back)
    return _round_page(request, found, 2, back=back, template="inspection/execute.html")


def _round_page(
    request: UserRequest, found: Draw, number: int, *, back: str, template: str, **context: Any
) -> HttpResponse:
    """The form for what the sources of a round gave; saved, it draws or assigns."""
    first, second = queries.rounds(found)
    which = second if number == 2 and second is not None else first
    asked = request.GET.get("fallback", "0")
    fallback = int(asked) if asked.isdecimal() and int(asked) <= len(which.fallbacks) else 0
    sources = which.fallbacks[fallback - 1].sources if fallback else which.sources
    earliest = queries.earliest(found, number, fallback)

    def save(form: Any) -> HttpResponse:
        act = actions.execute_draw if number == 1 else actions.assign_teams
        act(
            found, by=request.user, at=timezone.now(), values=form.values(), witnesses=form.cleaned_data["witnesses"],
            fallback=fallback, fallback_reason=form.cleaned_data.get("fallback_reason", ""),
        )  # fmt: skip
        messages.success(request, _("已抽取。结果从此不能更改") if number == 1 else _("已派员并通知检查人员"))
        return redirect(back)

    words = {
        1: (_("执行抽取"), _("算出种子并抽取"), _("逐项录入公告的来源当众给出的值。抽取只能执行一次，不能重抽。")),
        2: (_("第二轮：派员"), _("算出种子并派员"), _("逐项录入第二轮来源当众给出的值。派定后不能重派，只能逐个替换并公开理由。")),
    }[number]  # fmt: skip
    return form_page(
        request, lambda data, initial: ExecuteForm(data, initial=initial, sources=sources, fallback=fallback), save,
        title=words[0], submit=words[1], lead=words[2], back=back, crumbs=[(_("抽取"), reverse("inspection:draws")), (found.no, back)],
        template=template, draw=found, names=[queries.source_name(one) for one in sources], round=number, fallback=fallback, early=timezone.now() < earliest, earliest=earliest,
        choices=[{"no": n, "hours": one.after_hours} for n, one in enumerate(which.fallbacks, 1)], **context,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def ceremony(request: UserRequest, no: str) -> HttpResponse:
    """The screen of a public event: large, for a projector, by keyboard. It takes the round that is due, and shows what came."""
    found = _draw(request, no)
    here = reverse("inspection:ceremony", args=[no])
    number = {Draw.State.ANNOUNCED: 1, Draw.State.LIST_CLOSED: 2}.get(Draw.State(found.state), 0)
    if not policy.may_execute(request.user, found):
        raise PermissionDenied(_("只有牵头机构的经办人员或负责人可以执行抽取。"))
    labels = queries.strata_labels(found.plan, [row["key"] for row in found.strata])
    path = _public_url(found)
    first, second = queries.rounds(found)
    shown = {
        "steps": _ceremony_steps(found), "public_url": request.build_absolute_uri(path) if path else "", "labels": labels,
        "first": _round_rows(first, found.values, found.fallback), "second": _round_rows(second, found.second_values, found.second_fallback),
        "check_url": reverse("inspection:ceremony_check", args=[no]),
        # of a sealed draw no ticket is shown in public: it would tell who is drawn to whoever knows the list
        "tickets": [] if found.sealed or not found.seed else queries.drawn_page(found, 0, 8)[0],
    }  # fmt: skip
    if number == 0:
        return render(request, "inspection/ceremony.html", {"draw": found, "title": _("公开仪式"), "round": 0, **shown})
    return _round_page(request, found, number, back=here, template="inspection/ceremony.html", **shown)


@require_POST
def ceremony_check(request: UserRequest, no: str) -> HttpResponse:
    """What has been typed so far, source by source: revealed, well written, as promised. Nothing is stored, no seed computed."""
    found = _draw(request, no)
    first, second = queries.rounds(found)
    which = second if found.state == Draw.State.LIST_CLOSED and second is not None else first
    asked = request.GET.get("fallback", "0")
    fallback = int(asked) if asked.isdecimal() and int(asked) <= len(which.fallbacks) else 0
    sources = which.fallbacks[fallback - 1].sources if fallback else which.sources
    form = ExecuteForm(request.POST, sources=sources, fallback=fallback)
    form.is_valid()
    rows = []
    for number, source in enumerate(sources):
        typed = request.POST.get(f"value_{number}") or request.POST.get(f"signature_{number}") or ""
        kind, text = "muted", _("等待")
        if typed.strip():
            problem = queries.value_problem(source, typed.strip(), found, second=which.number == 2)
            kind, text = ("bad", problem) if problem else ("good", _revealed(source, typed.strip()))
        rows.append({"name": queries.source_name(source), "kind": kind, "text": text})
    return render(request, "inspection/_ceremony_check.html", {"rows": rows})


def _revealed(source: engine.Source, typed: str) -> str:
    """What can be said of a value that is well written."""
    if source.kind == "party":
        return _("未揭示，用默认值") if typed == source.terms["default"] else _("已揭示，与承诺一致")
    return _("格式正确")


def _ceremony_steps(found: Draw) -> list[dict[str, Any]]:
    """The steps of the event; the present one is marked."""
    names = [
        (_("名录和规则已公告，各方已承诺"), True),
        (_("第一轮：先掷骰或摇号，再揭示"), bool(found.seed)),
        (_("抽出检查对象"), bool(found.seed)),
        (_("申报回避，关闭名单"), found.list_closed_at is not None),
        (_("第二轮（关闭一小时后）：先掷骰或摇号，再揭示"), bool(found.second_seed)),
        (_("派出检查组"), bool(found.second_seed)),
    ]
    present = next((number for number, (_words, done) in enumerate(names) if not done), -1)
    return [{"words": words, "done": done, "current": number == present} for number, (words, done) in enumerate(names)]


# -- the list is closed ----------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
def recuse(request: UserRequest, no: str) -> HttpResponse:
    """申报回避 on the drawn list, before it is closed: an inspector for themselves, or staff for whom they ask."""
    found = _inside(request, no, "recuse")
    back = reverse("inspection:draw", args=[no])
    if found.state != Draw.State.EXECUTED:
        messages.info(request, _("名单尚未抽出或已经关闭，不能再申报回避；派员后不能到场的，办理替换。"))
        return redirect(back)
    pool = queries.directory_of(found)
    own = pool.filter(user=request.user)
    people = pool if policy.may_assign(request.user, found) else own
    if not people.exists():
        raise PermissionDenied(_("您不在这次抽取的检查人员名录中，不用申报。"))
    tasks = list(found.tasks.select_related("entity__division").order_by("entity__name", "no"))

    def save(form: Any) -> HttpResponse:
        chosen = {int(pk) for pk in request.POST.getlist("unit") if pk.isdecimal()}
        units = [task for task in tasks if task.pk in chosen]
        asked = form.cleaned_data
        actions.declare_recusals(
            found, asked["inspector"], units, kind=asked.get("kind") or "", note=asked.get("note") or "", by=request.user, at=timezone.now()
        )  # fmt: skip
        messages.success(
            request, _("已申报回避 %(n)s 家") % {"n": len(units)} if units else _("已确认没有需要回避的单位")
        )
        return redirect(request.path)

    def make(data: Any, initial: Any) -> RecuseForm:
        form = RecuseForm(
            data, initial=initial, people=people, on=timezone.localdate(), computed=sorted(COMPUTED_RECUSALS)
        )
        if data is not None and not data.getlist("unit"):
            form.fields["kind"].required = form.fields["note"].required = False
        return form

    mine = own.first()
    declared = queries.declared(found, mine) if mine else {}
    return form_page(
        request, make, save, title=_("申报回避"), submit=_("提交"), back=back, crumbs=[(_("抽取"), reverse("inspection:draws")), (no, back)],
        lead=_("勾选与您有利害关系的单位；没有的，不勾选直接提交即表示确认。名单关闭后不再受理。"), initial={"inspector": mine},
        template="inspection/recuse.html", draw=found, rows=[{"task": task, "declared": declared.get(task.entity_id, "")} for task in tasks],
        said=queries.have_declared(found), able=pool.count(),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def close(request: UserRequest, no: str) -> HttpResponse:
    """关闭名单: what is known of who may go where, whether it is enough, and the act."""
    found = _draw(request, no)
    if not policy.may_assign(request.user, found):
        raise PermissionDenied(_("只有牵头机构的经办人员或负责人可以关闭名单。"))
    back = reverse("inspection:draw", args=[no])
    if found.state != Draw.State.EXECUTED:
        messages.info(request, _("名单尚未抽出或已经关闭。"))
        return redirect(back)
    actions.note_look(found, by=request.user, at=timezone.now(), what="close")

    def save(form: Any) -> HttpResponse:
        asked = form.cleaned_data
        actions.close_list(
            found,
            by=request.user,
            at=timezone.now(),
            least=asked["least"],
            most=asked["most"],
            bounds_reason=asked["bounds_reason"],
        )
        messages.success(request, _("名单已关闭，派员约束已公布；现在进行第二轮随机数"))
        return redirect(back)

    state = queries.readiness(found, timezone.now())
    return form_page(
        request, lambda data, initial: CloseForm(data, initial=initial), save, title=_("关闭名单"), submit=_("公布约束并关闭名单"), back=back,
        crumbs=[(_("抽取"), reverse("inspection:draws")), (no, back)], template="inspection/close.html", draw=found, ready=state,
        earliest=timezone.now() + engine.MIN_CLOSED,
        shortages=[actions.shortage_words(one) for one in state.shortages], said=queries.have_declared(found),
        lead=_("关闭之后公布谁可以去哪里和起始方案，再产生第二轮随机数；此后任何人不能挑选派员结果。"),
    )  # fmt: skip


# -- what came of it -------------------------------------------------------------------------------------------------
@require_GET
def fairness(request: UserRequest, no: str) -> HttpResponse:
    """How fair the assignment of one draw was: what each inspector got, and how likely it was."""
    found = _inside(request, no, "fairness")
    report = queries.fairness_of(found)
    if report is None:
        raise Http404(_("这次抽取还没有派员"))
    return render(
        request, "inspection/fairness.html", {"draw": found, "report": report, "names": queries.division_names()}
    )


@require_GET
def fairness_year(request: UserRequest) -> HttpResponse:
    """What each inspector got over a year, draw by draw summed."""
    see(request)
    asked = request.GET.get("year", "")
    this = timezone.localdate().year
    year = int(asked) if asked.isdecimal() and len(asked) == 4 else this
    rows = queries.fairness_over(queries.visible_draws(request.user), year)
    return render(request, "inspection/fairness_year.html", {
        "rows": rows, "year": year, "tabs": tabs("draws"), "years": range(this, this - 3, -1), "total": sum(row.visits for row in rows),
    })  # fmt: skip


@require_POST
@step_up.required("publish")
def open_draw(request: UserRequest, no: str) -> HttpResponse:
    found = _draw(request, no)
    back = reverse("inspection:draw", args=[no])
    return act(
        request, lambda: actions.open_draw(found, by=request.user, at=timezone.now()), _("已开封，密钥和全部名单随即公开"), back
    )  # fmt: skip


@require_POST
def abandon(request: UserRequest, no: str) -> HttpResponse:
    found = _draw(request, no)
    reason = request.POST.get("abandon-reason", "")
    back = reverse("inspection:draw", args=[no])
    return act(
        request, lambda: actions.abandon_draw(found, by=request.user, at=timezone.now(), reason=reason), _("已公开放弃，理由已写入公开存证日志"), back
    )  # fmt: skip
