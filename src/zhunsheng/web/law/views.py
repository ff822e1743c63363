"""The law as data: open to everyone to read; staff propose changes of it, and a second person decides."""

import datetime
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from zhunsheng.engine import procedure as engine
from zhunsheng.engine import tables
from zhunsheng.engine.clock import Unit
from zhunsheng.engine.errors import ZhunshengError
from zhunsheng.web.common import exports
from zhunsheng.web.common.errors import Refused, language, onto, say
from zhunsheng.web.common.listing import Column, Listing
from zhunsheng.web.common.templatetags.zs import day as shown_day
from zhunsheng.web.common.templatetags.zs import state_tag
from zhunsheng.web.law import actions, forms, policy, queries
from zhunsheng.web.law.models import Change, Review
from zhunsheng.web.people import step_up
from zhunsheng.web.people.models import Role
from zhunsheng.web.people.policy import may_work
from zhunsheng.web.people.queries import UserRequest

#: state → kind of tag
STATES = {"proposed": "warn", "approved": "good", "refused": "bad", "withdrawn": "muted"}
#: kind of element → its word
KINDS = {"limit": gettext_lazy("期限"), "step": gettext_lazy("步骤"), "publication": gettext_lazy("公开")}
#: keys of an element → the words of the page
KEYS = {
    "amount": gettext_lazy("多长"), "unit": gettext_lazy("单位"), "longer": gettext_lazy("延长"), "roles": gettext_lazy("由谁办理"),
    "needs": gettext_lazy("须填写"), "allows": gettext_lazy("可填写"), "documents": gettext_lazy("须附文书"),
    "wording": gettext_lazy("决定用语"), "wording_en": gettext_lazy("决定用语（英文）"), "facts": gettext_lazy("公开的内容"),
    "until": gettext_lazy("公开到哪个期限届满"), "form": gettext_lazy("公开方式"),
}  # fmt: skip
ROWS_SHOWN, MOVES_SHOWN = 300, 100


def _today() -> datetime.date:
    return timezone.localdate()


def _asked(request: HttpRequest) -> datetime.date:
    """The day that the page is asked for, today where none can be read."""
    try:
        return datetime.date.fromisoformat(request.GET.get("on", ""))
    except ValueError:
        return _today()


# -- reading -----------------------------------------------------------------------------------------------------------
@login_not_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Every table and procedure."""
    today = _today()
    form = forms.Filter(request.GET or None)
    words, only = ("", "")
    if form.is_valid():
        words, only = form.cleaned_data["q"].strip(), form.cleaned_data["only"]
    every = queries.subjects(today)
    keep: dict[str, Callable[[queries.Subject], bool]] = {
        "": lambda one: True,
        "assumed": lambda one: one.assumed > 0,
        "pending": lambda one: one.pending > 0,
        "ahead": lambda one: one.ahead > 0,
        "review": lambda one: one.overdue,
    }
    found = [one for one in every if keep[only](one) and _speaks_of(one, words)]
    return render(request, "law/home.html", {
        "form": form, "subjects": found, "all": every, "today": today,
        "figures": _figures(every), "waiting": Change.objects.filter(state=Change.State.PROPOSED).count(),
        "missing": queries.calendar_missing(today), "may_propose": policy.may_propose(request.user), "staff": may_work(request.user),
    })  # fmt: skip


def _figures(every: Iterable[queries.Subject]) -> list[dict[str, Any]]:
    every = list(every)
    words = (("sure", _("确定")), ("likely", _("较可靠")), ("assumed", _("设定")))
    return [{"label": label, "value": sum(getattr(one, mark) for one in every)} for mark, label in words]


def _speaks_of(one: queries.Subject, words: str) -> bool:
    """Whether a text is in the name of a table or procedure, or in one of its rows."""
    text = words.casefold()
    if not text or text in one.name.casefold() or text in one.title.casefold():
        return True
    if one.procedure:
        return any(
            text in f"{found.thing.name} {found.thing.name_en} {found.thing.source}".casefold()
            for version in queries.versions(one.name.removeprefix("procedures/")) for found in queries.elements(version)
        )  # fmt: skip
    return bool(queries.find_rows(tables.load(one.name), words, False, None))


@login_not_required
@require_GET
def table(request: HttpRequest, name: str) -> HttpResponse:
    """A table on a day."""
    found = _table(name)
    today = _today()
    form = forms.RowFilter(request.GET or None)
    data = form.cleaned_data if form.is_valid() else {}
    on = data.get("on") or today
    rows = queries.find_rows(
        found, (data.get("q") or "").strip(), bool(data.get("assumed")), None if data.get("all") else on
    )
    english = language() == "en"
    context = {
        "table": found, "subject": queries.subject(name, today), "form": form, "on": on, "today": today,
        "note": (found.note_en or found.note) if english else found.note,
        "columns": [(column, max((len(row.get(column, "")) for row in found.rows), default=0) > 8) for column in _columns(found)],
        "rows": [_row_of(found, row, on) for row in rows[:ROWS_SHOWN]], "total": len(rows), "shown": ROWS_SHOWN,
        "changes": queries.changes_of(name)[:20], "elsewhere": queries.elsewhere(name),
        **_answers(request, name),
    }  # fmt: skip
    return render(request, "law/table.html", context)


def _columns(found: tables.Table) -> list[str]:
    """The columns that say something, the name in the language of the page only."""
    filled = [column for column in tables.columns(found) if any(row.get(column) for row in found.rows)]
    english = {column.removesuffix("_en") for column in filled if column.endswith("_en")}
    other = english if language() == "en" else {f"{column}_en" for column in english}
    return [column for column in filled if column not in other]


def _row_of(found: tables.Table, row: tables.Row, on: datetime.date) -> dict[str, Any]:
    state = "now" if row.valid_on(on) else "ahead" if row.valid_from and row.valid_from > on else "past"
    key = queries.key_text(tables.key_of(found, row))
    return {
        "row": row, "state": state, "cells": [row.get(column, "") for column in _columns(found)],
        "url": reverse("law:row", args=[found.name, key]),
        "said": " · ".join(row[column] for column in _columns(found) if column not in found.key and row.get(column)),
    }  # fmt: skip


def _answers(request: HttpRequest, name: str) -> dict[str, Any]:
    """Who answers for a table or procedure, and what this reader may do with it."""
    today = _today()
    row = queries.owner(name, today)
    return {
        "owner": Role(row["role"]).label, "deciders": [Role(role).label for role in row.list("decides")],
        "review_due": queries.next_review(name, today), "review_overdue": queries.next_review(name, today) < today,
        "reviews": Review.objects.filter(table=name).select_related("by")[:5] if may_work(request.user) else [],
        "last_review": Review.objects.filter(table=name).first(),
        "may_review": policy.may_review(request.user, name, today), "staff": may_work(request.user),
        "touches": queries.touched_by(name) if may_work(request.user) else None,
        "may_propose": policy.may_propose(request.user) and queries.changeable(name),
    }  # fmt: skip


@login_not_required
@require_GET
def row(request: HttpRequest, name: str, key: str) -> HttpResponse:
    """One row with its whole history."""
    found = _table(name)
    values = queries.key_from(key)
    same = queries.same_key(found, values)
    waiting = queries.changing(name, values)
    if not same and waiting is None:
        raise Http404
    on = _asked(request)
    now = next((one for one in same if one.valid_on(on)), None)
    return render(request, "law/row.html", {
        "table": found, "title": queries.title(name), "key": key, "values": list(zip(found.key, values, strict=False)),
        "now": now, "on": on, "columns": tables.columns(found), "history": [_row_of(found, one, on) for one in reversed(same)],
        "cells": [(column, (now or same[-1])[column]) for column in tables.columns(found)] if same else [],
        "changes": queries.changes_of(name, values), "waiting": waiting, "elsewhere": queries.elsewhere(name),
        **_answers(request, name),
    })  # fmt: skip


@login_not_required
@require_GET
def procedure(request: HttpRequest, code: str) -> HttpResponse:
    """A procedure: its versions, and all that the one of a day says."""
    every = _versions(code)
    today, lang = _today(), language()
    wanted = request.GET.get("version", "")
    now = [one for one in every if one.version.valid_on(today)]
    chosen = next((one for one in every if one.version.code == wanted), (now or [every[-1]])[0])
    name = f"procedures/{code}"
    return render(request, "law/procedure.html", {
        "procedure": chosen, "title": chosen.label(lang), "versions": list(reversed(every)), "today": today, "lang": lang,
        "note": (chosen.note_en or chosen.note) if lang == "en" else chosen.note,
        "picture": _picture(chosen, lang), "lines": engine.table(chosen, lang), "subject": queries.subject(name, today),
        "groups": _groups(chosen, lang), "changes": queries.changes_of(name)[:20], **_answers(request, name),
    })  # fmt: skip


def _picture(one: engine.Procedure, lang: str) -> SafeString:
    return mark_safe(engine.diagram(one, lang))  # noqa: S308 - drawn by the engine, which escapes every name


def _groups(one: engine.Procedure, lang: str) -> list[dict[str, Any]]:
    """The elements of a version by kind, each in words."""
    found = queries.elements(one)
    return [
        {
            "kind": kind,
            "title": title,
            "elements": [(e, e.thing.label(lang), _in_short(e, lang)) for e in found if e.kind == kind],
        }
        for kind, title in KINDS.items()
    ]


def _in_short(one: queries.Element, lang: str) -> str:
    thing = one.thing
    if isinstance(thing, engine.Limit):
        return engine.length(thing, lang)
    if isinstance(thing, engine.Step):
        return _("、").join(engine.role_name(role, lang) for role in thing.roles)
    if isinstance(thing, engine.Publication):
        return _("、").join(one.procedure.facts[fact].label(lang) for fact in thing.facts)
    return ""


@login_not_required
@require_GET
def element(request: HttpRequest, code: str, version: str, kind: str, element: str) -> HttpResponse:
    """One limit, step or publication, and what it was in the other versions."""
    found = _element(code, version, kind, element)
    lang = language()
    others = [(one, queries.element(one, kind, element)) for one in reversed(_versions(code))]
    name = f"procedures/{code}"
    organ = found.procedure.version.organ
    key = [kind, element, organ]
    return render(request, "law/element.html", {
        "element": found, "procedure": found.procedure, "procedure_title": found.procedure.label(lang), "kind_name": KINDS[kind], "title": found.thing.label(lang), "short": _in_short(found, lang),
        "facts": [
            (KEYS[k], _in_words(found.procedure, k, found.written[k], str(found.written.get("unit") or "calendar_day")))
            for k in engine.CHANGEABLE[kind] if found.written.get(k) and k != "unit"
        ],
        "history": [(one, other, _in_short(other, lang)) for one, other in others if other is not None],
        "changes": queries.changes_of(name, key), "waiting": queries.changing(name, key), **_answers(request, name),
        "changeable": found.procedure.version.valid_to is None or found.procedure.version.valid_to > _today(),
        "open_matters": _open(found) if may_work(request.user) else None,
    })  # fmt: skip


def _open(found: queries.Element) -> int:
    """How many open matters a change of this element from tomorrow on would touch."""
    day = _today() + datetime.timedelta(days=1)
    key = [found.kind, found.thing.code, found.procedure.version.organ]
    asked = Change(kind=Change.Kind.ELEMENT, table=f"procedures/{found.procedure.code}", key=key, valid_from=day)
    return queries.touched_matters(asked).count()


def _in_words(one: engine.Procedure, key: str, value: Any, unit: str = "") -> str:
    """A value of an element as people read it: the names of roles and facts, a unit's name, a chain of extensions."""
    lang = language()
    if key == "amount" and unit:
        return f"{value} {Unit(unit).label(lang)}"
    if key == "unit":
        return Unit(str(value)).label(lang)
    if key == "longer" and isinstance(value, list):
        return "；".join(
            _("%(step)s：%(amount)s %(unit)s，%(times)s 次") % {
                "step": one.steps[entry["verb"]].label(lang) if entry["verb"] in one.steps else entry["verb"], "amount": entry.get("amount", ""),
                "unit": Unit(str(entry.get("unit") or _unit_of(one, entry["verb"]))).label(lang), "times": entry.get("times", 1),
            }
            for entry in value
        )  # fmt: skip
    if not isinstance(value, list):
        return str(value)
    named: Callable[[str], str] = {
        "roles": lambda code: engine.role_name(code, lang),
        "until": lambda code: one.limits[code].label(lang) if code in one.limits else code,
    }.get(key, lambda code: one.facts[code].label(lang) if code in one.facts else code)
    return _("、").join(named(str(code)) for code in value)


def _unit_of(one: engine.Procedure, verb: str) -> str:
    return next(
        (limit.unit.value for limit in one.limits.values() for longer in limit.longer if longer.verb == verb),
        "calendar_day",
    )


# -- changes -----------------------------------------------------------------------------------------------------------
@login_not_required
@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """All changes; outside the house those only that were approved."""
    staff = may_work(request.user)
    found = Change.objects.select_related("proposed_by", "decided_by")
    listing = Listing(
        request=request,
        queryset=found if staff else found.filter(edition__isnull=False),
        columns=[
            Column("no", gettext_lazy("编号"), lambda one: one.no, order="no"),
            Column("table", gettext_lazy("规则"), lambda one: queries.title(one.table)),
            Column("key", gettext_lazy("改什么"), key_words),
            Column("valid_from", gettext_lazy("生效日期"), lambda one: one.valid_from, order="valid_from"),
            Column("source", gettext_lazy("依据"), lambda one: one.source, hidden=True),
            Column("state", gettext_lazy("状态"), lambda one: one.get_state_display(), html=_state),
            Column("proposed_at", gettext_lazy("提出时间"), lambda one: one.proposed_at, order="proposed_at"),
        ],
        name="law-changes",
        title=gettext_lazy("规则修改"),
        filterset_class=forms.ChangeFilter,
        default_sort="-proposed_at",
        url=lambda one: one.get_absolute_url(),
        empty_text=gettext_lazy("没有规则修改。在任何一行规则的页面上可以提出。"),
    )  # fmt: skip
    if listing.wants_export:
        return listing.export()
    return render(request, "law/changes.html", {"listing": listing, "broken": queries.broken() if staff else []})


def _state(one: Change) -> SafeString:
    return state_tag(STATES[one.state], one.get_state_display())


def key_words(one: Change) -> str:
    """What a change is about, in words."""
    if one.kind == Change.Kind.TABLE:
        return _("整张表")
    if one.kind == Change.Kind.ELEMENT:
        kind, code, organ = one.key
        known = queries.procedure_on(one.table.removeprefix("procedures/"), one.valid_from or _today(), organ)
        found = queries.element(known, kind, code) if known else None
        return f"{KINDS[kind]} {found.thing.label(language()) if found else code}"
    return _("、").join(one.key)


@login_not_required
@require_GET
def change(request: HttpRequest, no: str) -> HttpResponse:
    """A change: what it says, what it moves, who decided. Outside the house only once it is approved."""
    found = _change(request, no)
    today = _today()
    waiting = found.state == Change.State.PROPOSED
    preview, problem = _previewed(found, today) if waiting else (None, "")
    staff = may_work(request.user)
    return render(request, "law/change.html", {
        "change": found, "title": queries.title(found.table), "about": key_words(found), "state_kind": STATES[found.state],
        "url": _place(found), "differences": _differences(found), "preview": preview, "problem": problem, "staff": staff,
        "moves": preview.moves[:MOVES_SHOWN] if preview and staff else [], "counts": preview.counts if preview else found.foreseen,
        "days": found.new.get("rows", []) if found.kind == Change.Kind.TABLE else [],
        "events": _events(found) if staff else [], "late": waiting and found.valid_from is not None and found.valid_from <= today,
        "may_decide": waiting and policy.may_decide(request.user, found, today),
        "refusal": forms.RefusalForm(), "may_withdraw": waiting and policy.may_withdraw(request.user, found),
        "deciders": [Role(role).label for role in queries.owner(found.table, today).list("decides")],
    })  # fmt: skip


def _previewed(found: Change, today: datetime.date) -> "tuple[queries.Preview | None, str]":
    try:
        return queries.preview(found, today), ""
    except ZhunshengError as problem:
        return None, say(problem)


def _place(found: Change) -> str:
    """The page of the row or element that a change is about."""
    if found.kind == Change.Kind.TABLE:
        return reverse("law:table", args=[found.table]) if found.table in tables.names() else ""
    if found.kind == Change.Kind.ELEMENT:
        return reverse("law:procedure", args=[found.table.removeprefix("procedures/")])
    return reverse("law:row", args=[found.table, queries.key_text(found.key)])


def _differences(found: Change) -> list[tuple[str, str, str]]:
    rows = queries.differences(found)
    if found.kind != Change.Kind.ELEMENT:
        return [(column, str(old), str(new)) for column, old, new in rows]
    one = queries.procedure_on(found.table.removeprefix("procedures/"), found.valid_from or _today(), found.key[2])
    if one is None:
        return [(str(KEYS[key]), str(old), str(new)) for key, old, new in rows]
    limit = one.limits.get(found.key[1])
    known = limit.unit.value if limit is not None else ""
    units = [str(cells.get("unit") or known) for cells in (found.old, found.new)]
    said = [
        (key, [_in_words(one, key, value, unit) for value, unit in zip((old, new), units, strict=True)])
        for key, old, new in rows
    ]
    return [(str(KEYS[key]), old, new) for key, (old, new) in said]


def _events(found: Change) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [
        {"at": found.proposed_at, "title": _("提出"), "text": found.reason, "by": found.proposed_by, "kind": "good"}
    ]
    if found.state != Change.State.PROPOSED:
        text = found.decision if found.state != Change.State.WITHDRAWN else ""
        by = found.decided_by or found.proposed_by
        kind = "good" if found.state == Change.State.APPROVED else "bad"
        events.append(
            {"at": found.decided_at, "title": found.get_state_display(), "text": text, "by": by, "kind": kind}
        )
    else:
        events.append({"at": None, "title": _("由另一人决定"), "when": "ahead"})
    if found.edition is not None:
        due = {"at": found.valid_from, "title": _("生效")}
        events.append(due | ({"kind": "good"} if found.recounted_at else {"when": "ahead"}))
        if found.recounted_at:
            events.append({"at": found.recounted_at, "title": _("未办结的期限已重新计算"), "kind": "good"})
    return events


@require_GET
def moves(request: HttpRequest, no: str) -> HttpResponse:
    """Every last day that a proposed change would move, as a file."""
    if not may_work(request.user):
        raise PermissionDenied(_("逐件的预览供机关内部使用"))
    found = get_object_or_404(Change, no=no, state=Change.State.PROPOSED)
    preview, problem = _previewed(found, _today())
    if preview is None:
        messages.error(request, problem)
        return redirect(found)
    head = [_("编号"), _("机构"), _("规则"), _("期限"), _("原最后日期"), _("新最后日期"), _("原已逾期"), _("新已逾期")]
    words = {True: _("是"), False: _("否")}
    rows = (
        [m.no, m.office, m.rule, m.what, m.old, m.new, words[m.late_before], words[m.late_after]] for m in preview.moves
    )
    return exports.csv_response(f"{found.no}-moves", head, rows)  # type: ignore[return-value]


@require_POST
@step_up.required("publish")
def decide(request: UserRequest, no: str) -> HttpResponse:
    found = get_object_or_404(Change, no=no)
    approve = request.POST.get("decision") == "approve"
    return _done(
        request,
        lambda: actions.decide(found, approve=approve, reason=request.POST.get("reason", ""), by=request.user, at=timezone.now()),
        _("已批准，%(day)s 起生效") % {"day": shown_day(found.valid_from)} if approve else _("已决定不批准"),
        found.get_absolute_url(),
    )  # fmt: skip


@require_POST
def withdraw(request: UserRequest, no: str) -> HttpResponse:
    found = get_object_or_404(Change, no=no)
    return _done(
        request,
        lambda: actions.withdraw(found, by=request.user, at=timezone.now()),
        _("已撤回"),
        found.get_absolute_url(),
    )


def _done(request: HttpRequest, act: Callable[[], object], said: str, url: str) -> HttpResponse:
    try:
        act()
    except Refused as problem:
        messages.error(request, say(problem))
    else:
        messages.success(request, said)
    return redirect(url)


# -- proposing ---------------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
def propose_row(request: UserRequest, name: str, key: str) -> HttpResponse:
    """A change of a row that there is."""
    _may_propose(request, name)
    found = _table(name)
    values = queries.key_from(key)
    same = queries.same_key(found, values)
    if not same:
        raise Http404
    day = _today() + datetime.timedelta(days=1)
    base = next((one for one in same if one.valid_on(day)), same[-1])
    initial = {"valid_from": day, "valid_to": base.valid_to, "source": base.source, "confidence": base.confidence}
    form = forms.RowForm(request.POST or None, table=found, row=base, initial=initial)
    return _propose_row(request, form, name, values)


@require_http_methods(["GET", "POST"])
def propose_new(request: UserRequest, name: str) -> HttpResponse:
    """A row with a new key."""
    _may_propose(request, name)
    found = _table(name)
    initial = {"valid_from": _today() + datetime.timedelta(days=1), "confidence": "sure"}
    form = forms.RowForm(request.POST or None, table=found, row=None, initial=initial)
    values = tuple(request.POST.get(f"cell_{column}", "").strip() for column in found.key)
    return _propose_row(request, form, name, values)


def _propose_row(request: UserRequest, form: forms.RowForm, name: str, values: tuple[str, ...]) -> HttpResponse:
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        cells = None if data.get("ends") else form.cells()
        try:
            made = actions.propose_row(
                name, values, cells, source=data["source"], confidence=data["confidence"], valid_from=data["valid_from"],
                valid_to=None if cells is None else data["valid_to"], reason=data["reason"], past_reason=data["past_reason"],
                by=request.user, at=timezone.now(),
            )  # fmt: skip
        except Refused as problem:
            onto(form, problem)
        else:
            return _proposed(request, made)
    key = queries.key_text(values)
    cancel = reverse("law:row", args=[name, key]) if form.row is not None else reverse("law:table", args=[name])
    return _form(request, form, queries.title(name), reverse("law:table", args=[name]), cancel)


@require_http_methods(["GET", "POST"])
def propose_element(request: UserRequest, code: str, version: str, kind: str, element: str) -> HttpResponse:
    """A change of a limit, a step or a publication."""
    _may_propose(request, f"procedures/{code}")
    found = _element(code, version, kind, element)
    initial = {
        "valid_from": _today() + datetime.timedelta(days=1), "source": found.thing.source, "confidence": found.thing.confidence,
    }  # fmt: skip
    form = forms.ElementForm(request.POST or None, element=found, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = actions.propose_element(
                f"procedures/{code}", kind, element, form.cells(), organ=found.procedure.version.organ, source=data["source"],
                confidence=data["confidence"], valid_from=data["valid_from"], applies_to_open=data["applies_to_open"],
                reason=data["reason"], by=request.user, at=timezone.now(),
            )  # fmt: skip
        except Refused as problem:
            onto(form, problem)
        else:
            return _proposed(request, made)
    title = f"{found.procedure.label(language())} · {found.thing.label(language())}"
    return _form(request, form, title, reverse("law:procedure", args=[code]), found.url)


@require_http_methods(["GET", "POST"])
def calendar(request: UserRequest, year: int) -> HttpResponse:
    """The holidays of a year whose notice is not loaded."""
    if not policy.may_propose(request.user):
        raise PermissionDenied(_("规则的修改由成员单位经办、审核人、部门负责人、质强办或者领导小组领导提出"))
    if not 2012 <= year <= _today().year + 1:
        raise Http404
    source = _("国务院办公厅关于%(year)s年部分节假日安排的通知（国办发明电〔%(before)s〕  号）") % {
        "year": year,
        "before": year - 1,
    }
    form = forms.CalendarForm(
        request.POST or None, request.FILES or None, initial={"source": source, "confidence": "sure"}
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = actions.propose_calendar(
                year, data["rows"], source=data["source"], confidence=data["confidence"], reason=data["reason"],
                by=request.user, at=timezone.now(),
            )  # fmt: skip
        except Refused as problem:
            onto(form, problem)
        else:
            return _proposed(request, made)
    return _form(request, form, _("%(year)s 年放假安排") % {"year": year}, reverse("law:home"), reverse("law:home"))


def _may_propose(request: HttpRequest, name: str) -> None:
    if not policy.may_propose(request.user):
        raise PermissionDenied(_("规则的修改由成员单位经办、审核人、部门负责人、质强办或者领导小组领导提出"))
    if not queries.changeable(name):
        raise Http404


def _proposed(request: HttpRequest, made: Change) -> HttpResponse:
    messages.success(request, _("%(no)s 已提出。请看预览；由另一人批准后才生效") % {"no": made.no})
    return redirect(made)


def _form(request: HttpRequest, form: Any, title: str, place: str, cancel: str) -> HttpResponse:
    status = 422 if request.method == "POST" else 200
    return render(
        request, "law/form.html", {"form": form, "title": title, "place": place, "cancel": cancel}, status=status
    )


# -- reviews -----------------------------------------------------------------------------------------------------------
@require_http_methods(["GET", "POST"])
def review(request: UserRequest, name: str) -> HttpResponse:
    """Looked at again, unchanged."""
    if name not in queries.names():
        raise Http404
    if not policy.may_review(request.user, name, _today()):
        role = Role(queries.owner(name, _today())["role"]).label
        raise PermissionDenied(_("这项规则由%(role)s复核") % {"role": role})
    url = (
        reverse("law:procedure", args=[name.removeprefix("procedures/")])
        if queries.is_procedure(name)
        else reverse("law:table", args=[name])
    )
    form = forms.ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.review(name, reason=form.cleaned_data["reason"], by=request.user, at=timezone.now())
        except Refused as problem:
            onto(form, problem)
        else:
            messages.success(request, _("复核已记录"))
            return redirect(url)
    status = 422 if request.method == "POST" else 200
    return render(request, "law/review.html", {"form": form, "title": queries.title(name), "url": url}, status=status)


def review_procedure(request: UserRequest, code: str) -> HttpResponse:
    return review(request, f"procedures/{code}")


# -- finding -----------------------------------------------------------------------------------------------------------
def _table(name: str) -> tables.Table:
    if name not in queries.names() or queries.is_procedure(name):
        raise Http404
    return tables.load(name)


def _versions(code: str) -> tuple[engine.Procedure, ...]:
    if code not in engine.codes():
        raise Http404
    return queries.versions(code)


def _element(code: str, version: str, kind: str, element: str) -> queries.Element:
    one = next((one for one in _versions(code) if one.version.code == version), None)
    found = queries.element(one, kind, element) if one is not None and kind in KINDS else None
    if found is None:
        raise Http404
    return found


def _change(request: HttpRequest, no: str) -> Change:
    found = get_object_or_404(Change.objects.select_related("proposed_by", "decided_by", "office"), no=no)
    if found.edition is None and not may_work(request.user):
        raise Http404
    return found
